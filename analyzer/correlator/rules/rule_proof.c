/*
 * rule_proof.c - attachment-corrupted, mail-altered-in-transit (diagnosis 1E).
 *
 * A message carries proofs of its own soundness.  Hashes (DKIM's of the body,
 * Content-MD5) and two sights of the same attachment are certain; structure
 * (base64, the closing boundary) only says that something is wrong, and the
 * sender may have made it so: unless the signer signed it so, or an earlier
 * sight of the same message was sound.  Only messages that were seen whole
 * count, from connections with nothing missing in that direction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/finding/verdicts.h"

enum { SIGHTS = 64 }; /* of one message, looked through for the one before */

/* One message as it passed one connection. */
struct passing {
	const struct mail_case *c;
	const struct record_message *m;
	int dir; /* the way of its content */
};

struct passings {
	struct passing *v;
	size_t n, room;
	uint64_t starved;
};

/* ---- gathering ------------------------------------------------------------------------ */

static bool
passing_add(struct passings *all, const struct mail_case *c, const struct record_message *m)
{
	size_t room = all->room == 0 ? 64 : all->room * 2;
	struct passing *v;

	if (all->n == all->room) {
		v = realloc(all->v, room * sizeof(*v));
		if (v == NULL) {
			all->starved++;
			return false;
		}
		all->v = v;
		all->room = room;
	}
	all->v[all->n++] = (struct passing){ c, m, m->app == APP_SMTP ? 0 : 1 };
	return true;
}

static int
order_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Is it one message?  A Message-ID alone is given twice by some programs. */
static int
identity_compare(const struct record_message *a, const struct record_message *b)
{
	int d;

	if ((d = strcmp(a->message_id, b->message_id)) != 0)
		return d;
	if ((d = strcmp(a->date, b->date)) != 0)
		return d;
	return strcmp(a->from, b->from);
}

/* By message; then in the order of its way: each server adds a Received (RFC 5321 4.4). */
static int
passing_compare(const void *x, const void *y)
{
	const struct passing *a = x, *b = y;
	int d;

	if ((d = identity_compare(a->m, b->m)) != 0 ||
	    (d = order_u64(a->m->received, b->m->received)) != 0)
		return d;
	if ((d = (a->m->first.ns > b->m->first.ns) - (a->m->first.ns < b->m->first.ns)) != 0)
		return d;
	if ((d = order_u64(a->c->point, b->c->point)) != 0 ||
	    (d = order_u64(a->c->id, b->c->id)) != 0)
		return d;
	return order_u64(a->m->key.n, b->m->key.n);
}

static void
passings_gather(struct passings *all, const struct store *s)
{
	struct case_iter it = { 0 };
	const struct mail_case *c;

	while (all->starved == 0 && (c = store_case_next(s, &it)) != NULL)
		for (uint32_t i = 0; c->has_conn && i < c->message_count; i++) {
			const struct record_message *m = c->messages[i];

			if (m->checked && !case_missing_dir(c, m->app == APP_SMTP ? 0 : 1) &&
			    !passing_add(all, c, m))
				break;
		}
	if (all->n > 0)
		qsort(all->v, all->n, sizeof(all->v[0]), passing_compare);
}

static bool
same_connection(const struct passing *a, const struct passing *b)
{
	const struct mail_case *at = a->c;

	do {
		if (at == b->c)
			return true;
	} while ((at = at->copy) != a->c);
	return false;
}

/* Did b see the message after a server behind a had taken it? */
static bool
is_later(const struct passing *a, const struct passing *b)
{
	return b->m->received > a->m->received && !same_connection(a, b);
}

/* ---- what is wrong ---------------------------------------------------------------------- */

/* What the signer signed is as it was; a signature of the first bytes says nothing of the rest. */
static bool
as_signed(const struct record_message *m)
{
	return m->signatures_good > 0 && m->signatures_bad == 0 &&
	    strstr(m->signature, ", first ") == NULL;
}

static bool
sound(const struct record_message *m)
{
	return m->fault == PART_SOUND && !m->unclosed && m->signatures_bad == 0;
}

static bool
faulty(const struct record_message *m)
{
	return m->signatures_bad > 0 || (!sound(m) && !as_signed(m));
}

/* The last sight of the same message before this one, with a server in between; NULL = none. */
static const struct passing *
sight_before(const struct passing *group, const struct passing *p)
{
	const struct passing *q = p;

	for (int i = 0; i < SIGHTS && q > group && p->m->message_id[0] != '\0'; i++)
		if (is_later(--q, p))
			return q;
	return NULL;
}

/* The same message of the same connection at another capture point; NULL = none. */
static const struct passing *
sight_beside(const struct passing *group, const struct passing *p)
{
	const struct passing *q = p;

	for (int i = 0; i < SIGHTS && q > group && p->m->message_id[0] != '\0'; i++)
		if ((--q)->c->point != p->c->point && q->m->key.n == p->m->key.n &&
		    same_connection(q, p))
			return q;
	return NULL;
}

/* ---- saying it ----------------------------------------------------------------------------- */

static const char *
named(const struct record_message *m, char *buf, size_t size)
{
	snprintf(buf, size, "%.120s",
	    m->message_id[0] != '\0'    ? m->message_id
		: m->subject[0] != '\0' ? m->subject
					: "without a Message-ID");
	return buf;
}

/* Where to look: the last server that is known to have handled it. */
static void
say_where(struct finding *f, const struct passing *p, const struct passing *before)
{
	const struct record_message *m = p->m;
	char hop[200];

	if (m->received == 0 && p->dir == 0)
		snprintf(hop, sizeof(hop),
		    "No server has handled it yet: look at the sender's own computer (scanner, mail program) and at devices up to here.");
	else if (m->received_by[0] != '\0')
		snprintf(hop, sizeof(hop),
		    "The last server that handled it before this point is %s: look at its scanners, filters and footers, then at those before it.",
		    m->received_by);
	else
		snprintf(hop, sizeof(hop),
		    "Look at the scanners, filters and footers of the servers before this point.");
	finding_remedy(f,
	    "%s%s Compare the message before and after each scanner and gateway on its way.",
	    before != NULL ? "It happened between the two captured sights of the mail. " : "", hop);
}

/* A list changes what passes it, and may. */
static struct finding *
verdict_of(const struct passing *p, enum finding_kind kind, enum confidence conf,
    const char *subkind, struct verdicts *out)
{
	struct finding *f = verdict_add(
	    out, p->m->list ? FINDING_MAIL_ALTERED_IN_TRANSIT : kind, conf, p->c, p->dir);

	finding_subkind(f, p->m->list ? "list" : subkind);
	if (p->m->list) {
		f->severity = SEVERITY_INFO;
		finding_says(f, p->c->point,
		    "the mail has the header fields of a mailing list, which may change what passes it");
	}
	finding_span(f, &p->m->first, &p->m->last);
	return f;
}

static void
say_before(struct finding *f, const struct passing *before, const char *what)
{
	if (before != NULL)
		evidence_frame(
		    finding_says(f, before->c->point, "the same mail passed here before, %s", what),
		    &before->m->last);
}

/* What a part's fault is, in words. */
static void
fault_text(const struct record_message *m, char *buf, size_t size)
{
	static const char *const words[] = {
		[PART_UNPADDED] = "its base64 ends without the padding it should have",
		[PART_LENGTH] = "its base64 has a length that no content gives",
		[PART_AFTER_PADDING] = "its base64 goes on behind its end",
		[PART_MD5] = "its content does not give the MD5 that its header states",
	};
	char number[16];
	const char *path = m->fault_path;

	snprintf(number, sizeof(number), "%u", m->fault_part);
	if (path[0] == '\0') /* in an older log of records, or very deep: the how-manieth of all */
		path = number;
	if (m->fault == PART_ILLEGAL)
		snprintf(buf, size,
		    "MIME part %s (%.60s): %u byte%s in its base64 that base64 has not", path,
		    m->fault_name, m->fault_bytes, PLURAL(m->fault_bytes));
	else
		snprintf(
		    buf, size, "MIME part %s (%.60s): %s", path, m->fault_name, words[m->fault]);
}

/* `what' gets the weightiest in words. */
static void
say_faults(struct finding *f, const struct passing *p, char *what, size_t size)
{
	const struct record_message *m = p->m;

	if (m->unclosed) {
		snprintf(what, size, "the closing boundary of its parts is missing");
		evidence_frame(finding_says(f, p->c->point,
				   "%s, though the mail itself ended as it should", what),
		    &m->last);
	}
	if (m->fault != PART_SOUND) {
		fault_text(m, what, size);
		evidence_frame(finding_says(f, p->c->point, "%s%s", what,
				   m->faulty_parts > 1 ? "; other parts are at fault, too" : ""),
		    moment_is(&m->fault_at) ? &m->fault_at : &m->last);
	}
	if (m->stub)
		finding_says(f, p->c->point,
		    "a part is named like the text that scanners put in place of an attachment");
}

static void
report_signature(const struct passing *p, const struct passing *before, struct verdicts *out)
{
	const struct record_message *m = p->m;
	bool damaged = m->unclosed || m->fault > PART_UNPADDED;
	struct finding *f =
	    verdict_of(p, damaged ? FINDING_ATTACHMENT_CORRUPTED : FINDING_MAIL_ALTERED_IN_TRANSIT,
		CONFIDENCE_CONFIRMED, m->signatures_good > 0 ? "signed-again" : "body-hash", out);
	char name[128], what[200];

	evidence_frame(finding_says(f, p->c->point,
			   "the body does not give the hash that its DKIM signature states (%s)",
			   m->signature),
	    &m->last);
	if (before != NULL && before->m->signatures_good > 0 && before->m->signatures_bad == 0)
		say_before(f, before, "with the body that was signed");
	else
		before = NULL;
	if (m->dots > 0)
		finding_says(f, p->c->point,
		    "%u of its lines begin%s with two dots: doubled for the transport, and not undone somewhere?",
		    m->dots, m->dots == 1 ? "s" : "");
	if (damaged)
		say_faults(f, p, what, sizeof(what));
	if (m->signatures_good > 0) {
		f->severity = SEVERITY_INFO;
		finding_says(f, p->c->point,
		    "another of its signatures fits: who made that one had the mail as it is now");
	}
	finding_summary(f,
	    "The body of the mail %s is not the one that was signed (DKIM, %s): it was changed between the signer and this point.",
	    named(m, name, sizeof(name)), m->signature);
	finding_exclude(f, FINDING_CAPTURE_LOSS, "every byte of the mail was captured");
	say_where(f, p, before);
}

/*
 * Structure alone: what no server has handled yet was most likely written so;
 * missing padding is a habit of some programs.
 */
static enum confidence
structure_confidence(const struct passing *p, const struct passing *before)
{
	if (before != NULL)
		return CONFIDENCE_CONFIRMED;
	if ((p->m->received == 0 && p->dir == 0) ||
	    (p->m->fault == PART_UNPADDED && !p->m->unclosed))
		return CONFIDENCE_POSSIBLE;
	return CONFIDENCE_PROBABLE;
}

static void
report_parts(const struct passing *p, const struct passing *before, struct verdicts *out)
{
	const struct record_message *m = p->m;
	bool md5 = m->fault == PART_MD5;
	enum confidence conf;
	struct finding *f;
	char name[128], what[200];

	if (before != NULL && !sound(before->m))
		before = NULL;
	conf = md5 ? CONFIDENCE_CONFIRMED : structure_confidence(p, before);
	f = verdict_of(p, FINDING_ATTACHMENT_CORRUPTED, conf,
	    md5                          ? "content-md5"
		: m->fault != PART_SOUND ? "base64"
					 : "structure",
	    out);
	if (conf == CONFIDENCE_POSSIBLE && !p->m->list)
		f->severity =
		    m->fault == PART_UNPADDED && !m->unclosed ? SEVERITY_INFO : SEVERITY_WARNING;
	say_faults(f, p, what, sizeof(what));
	say_before(f, before, "without this fault");
	finding_summary(f, "The mail %s is damaged: %s.%s", named(m, name, sizeof(name)), what,
	    md5 || before != NULL
		? ""
		: " Its sender may have made it so: compare with the mail as it was submitted.");
	finding_exclude(f, FINDING_CAPTURE_LOSS, "every byte of the mail was captured");
	if (!md5 && before == NULL)
		finding_next_capture(f, "damage on the way", "a mail that its sender wrote so",
		    "the mail as it was submitted",
		    "at the sender, or before the server ahead of this point");
	say_where(f, p, before);
}

/* ---- the same attachment twice ----------------------------------------------- */

static uint32_t
hashes_of(const struct record_message *m)
{
	size_t n = strlen(m->attachment_hashes);

	return (uint32_t)((n + 1) / 9);
}

/* All of its attachments, up to the eight that are kept, have a hash. */
static bool
hashes_whole(const struct record_message *m)
{
	return m->attachments > 0 && hashes_of(m) == (m->attachments < 8 ? m->attachments : 8);
}

/* Are all hashes of a among those of b? */
static bool
hashes_among(const struct record_message *a, const struct record_message *b)
{
	char one[9];

	for (uint32_t i = 0; i < hashes_of(a); i++) {
		memcpy(one, a->attachment_hashes + (size_t)i * 9, 8);
		one[8] = '\0';
		if (strstr(b->attachment_hashes, one) == NULL)
			return false;
	}
	return true;
}

static void
report_pair(const struct passing *p, const struct passing *before, enum finding_kind kind,
    const char *subkind, const char *what, struct verdicts *out)
{
	struct finding *f = verdict_of(p, kind, CONFIDENCE_CONFIRMED, subkind, out);
	char name[128], fault[200];

	evidence_frame(finding_says(f, before->c->point,
			   "the mail passes with %u attachment%s (%s)", before->m->attachments,
			   PLURAL(before->m->attachments), before->m->attachment_hashes),
	    &before->m->last);
	evidence_frame(finding_says(f, p->c->point, "the same mail passes with %u (%s)",
			   p->m->attachments, p->m->attachment_hashes),
	    &p->m->last);
	say_faults(f, p, fault, sizeof(fault));
	finding_summary(f, "The mail %s was captured at two places of its way, and %s.",
	    named(p->m, name, sizeof(name)), what);
	finding_exclude(f, FINDING_CAPTURE_LOSS, "every byte of both sights was captured");
	say_where(f, p, before);
}

/* True: said. */
static bool
judge_pair(const struct passing *p, const struct passing *before, struct verdicts *out)
{
	const struct record_message *a = before->m, *b = p->m;
	char what[160];
	uint32_t i;

	if (!hashes_whole(a) || (b->attachments > 0 && !hashes_whole(b)))
		return false;
	if (a->attachments == b->attachments) {
		for (i = 0; i < hashes_of(a) &&
		     memcmp(a->attachment_hashes + (size_t)i * 9,
			 b->attachment_hashes + (size_t)i * 9, 8) == 0;
		     i++)
			;
		if (i == hashes_of(a) || hashes_among(b, a)) /* the same, maybe in another order */
			return false;
		snprintf(what, sizeof(what), "attachment %u of %u changed between them", i + 1,
		    a->attachments);
		report_pair(p, before, FINDING_ATTACHMENT_CORRUPTED, "two-points", what, out);
		return true;
	}
	if (a->attachments > b->attachments && hashes_among(b, a) &&
	    (b->parts < a->parts || b->stub)) {
		snprintf(what, sizeof(what),
		    "%u of its %u attachment%s %s missing at the later place",
		    a->attachments - b->attachments, a->attachments, PLURAL(a->attachments),
		    a->attachments - b->attachments == 1 ? "is" : "are");
		report_pair(
		    p, before, FINDING_MAIL_ALTERED_IN_TRANSIT, "attachment-removed", what, out);
		return true;
	}
	return false;
}

/* ---- judging ----------------------------------------------------------------- */

static void
judge_passing(const struct passing *group, const struct passing *p, struct verdicts *out)
{
	const struct passing *before = sight_before(group, p),
			     *other = before != NULL ? before : sight_beside(group, p);
	bool said = other != NULL && judge_pair(p, other, out);

	if (!faulty(p->m) || (said && p->m->signatures_bad == 0) ||
	    (before != NULL && faulty(before->m)))
		return; /* it came here so: said where it was seen first */
	if (p->m->signatures_bad > 0)
		report_signature(p, before, out);
	else
		report_parts(p, before, out);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct passings all = { 0 };
	size_t group = 0;

	passings_gather(&all, v->store);
	for (size_t i = 0; i < all.n; i++) {
		if (i > 0 && identity_compare(all.v[i].m, all.v[i - 1].m) != 0)
			group = i;
		judge_passing(&all.v[group], &all.v[i], out);
	}
	out->starved += all.starved;
	free(all.v);
}

const struct rule rule_proof = { "proof", RULE_STORE, judge, false };
