/* terminal_mails.c - each mail's fate in a line or two. */
#include "report/terminal.h"

#include <inttypes.h>
#include <string.h>

#include "record/addr.h"
#include "record/record_fields.h"
#include "record/text.h"

#define LABELS 15 /* after the clock */
#define COUNTS 8  /* after "SMTP:" */

static const struct {
	const char *word;
	size_t offset;
} smtp_counts[] = {
	{ "accepted", offsetof(struct summary, accepted) },
	{ "refused", offsetof(struct summary, refused) },
	{ "deferred", offsetof(struct summary, deferred) },
	{ "lost", offsetof(struct summary, lost) },
	{ "unknown", offsetof(struct summary, unknown) },
};

/* "3 mails: 1 accepted, 2 unknown": what there was none of is not told. */
static void
add_counted(struct page_text *t, const char **before, uint64_t n, const char *what)
{
	if (n == 0)
		return;
	page_text_add(t, "%s%" PRIu64 " %s", *before, n, what);
	*before = ", ";
}

static void
print_smtp_counts(const struct page *p, const struct summary *s)
{
	const char *mails = ": ", *recipients = "; recipients: ";
	struct page_text t = { .len = 0 };

	if (s->smtp_sessions == 0 && s->attempted == 0 && s->abandoned == 0 && s->asked == 0)
		return;
	page_text_add(&t, "%" PRIu64 " session%s, %" PRIu64 " mail%s", s->smtp_sessions,
	    PLURAL(s->smtp_sessions), s->attempted, PLURAL(s->attempted));
	for (size_t i = 0; i < sizeof(smtp_counts) / sizeof(smtp_counts[0]); i++) {
		uint64_t n;

		memcpy(&n, (const char *)s + smtp_counts[i].offset, sizeof(n));
		add_counted(&t, &mails, n, smtp_counts[i].word);
	}
	if (s->abandoned > 0)
		page_text_add(&t, "; %" PRIu64 " abandoned", s->abandoned);
	if (s->asked > 0)
		page_text_add(&t, "; %" PRIu64 " question%s about an address (callout)", s->asked,
		    PLURAL(s->asked));
	add_counted(&t, &recipients, s->rcpt_accepted, "accepted");
	add_counted(&t, &recipients, s->rcpt_refused, "refused");
	add_counted(&t, &recipients, s->rcpt_deferred, "deferred");
	page_field(p, "SMTP:", COUNTS, t.s);
}

static void
print_pop3_counts(const struct page *p, const struct summary *s)
{
	struct page_text t = { .len = 0 };

	if (s->pop3_sessions > 0)
		page_text_add(&t,
		    "%" PRIu64 " session%s, logins: %" PRIu64 " accepted, %" PRIu64
		    " refused; messages: %" PRIu64 " fetched, %" PRIu64 " cut off",
		    s->pop3_sessions, PLURAL(s->pop3_sessions), s->logins_accepted,
		    s->logins_refused, s->retrieved, s->cut);
	page_field(p, "POP3:", COUNTS, t.s);
	if (s->imap_sessions > 0) {
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " session%s, only counted", s->imap_sessions,
		    PLURAL(s->imap_sessions));
		page_field(p, "IMAP:", COUNTS, t.s);
	}
}

static void
add_recipients(struct page_text *t, const struct fate *f)
{
	/* of very many only the first have records */
	uint32_t n = f->recipient_count > f->transaction->recipients ? f->recipient_count
								     : f->transaction->recipients;

	if (f->recipient_count > 0) {
		page_text_add(t, " -> <%s>", f->recipients[0]->address);
		if (n > 1)
			page_text_add(t, " and %u more", n - 1);
	} else if (f->transaction->recipients > 0)
		page_text_add(t, " -> %u recipient%s", f->transaction->recipients,
		    PLURAL(f->transaction->recipients));
}

static void
add_reply(struct page_text *t, const struct record_reply *r)
{
	if (r->code > 1)
		page_text_add(t, "%u %s", r->code, r->text);
	else
		page_text_add(t, "%s", r->text);
}

static void
add_frames(struct page_text *t, const struct moment *first, const struct moment *last,
    const struct terminal_report *r, uint32_t point)
{
	uint64_t from = terminal_frame(r, point, first->frame),
		 to = terminal_frame(r, point, last->frame);
	char source[TERMINAL_NAME], other[TERMINAL_NAME];

	if (first->frame == 0)
		return;
	terminal_source(r, point, first->frame, " of ", source, sizeof(source));
	if (last->frame <= first->frame)
		page_text_add(t, " [frame %" PRIu64 "%s]", from, source);
	else if (correlator_piece(r->correlator, point, first->frame) ==
	    correlator_piece(r->correlator, point, last->frame))
		page_text_add(t, " [frames %" PRIu64 "-%" PRIu64 "%s]", from, to, source);
	else {
		terminal_source(r, point, last->frame, " of ", other, sizeof(other));
		page_text_add(
		    t, " [frame %" PRIu64 "%s to %" PRIu64 "%s]", from, source, to, other);
	}
}

/* When it began; 0 = not known. */
static int64_t
fate_ns(const struct fate *f)
{
	return f->transaction != NULL ? f->transaction->first.ns
	    : f->message != NULL      ? f->message->first.ns
				      : 0;
}

static bool
same_offset(const struct page *p, int64_t a_ns, int64_t b_ns)
{
	return zone_east(p->zone, a_ns) == zone_east(p->zone, b_ns);
}

/* As much of a time as another one, told before, does not say. */
static void
add_time(struct page_text *t, const struct page *p, int64_t ns, int64_t told_ns)
{
	char when[TERMINAL_TIME], offset[ZONE_OFFSET];

	page_text_add(t, "%s",
	    terminal_same_day(p, ns, told_ns) ? terminal_clock(p, ns, when)
					      : terminal_time(p, ns, when));
	if (!same_offset(p, ns, told_ns))
		page_text_add(t, " %s", zone_offset(p->zone, ns, offset));
}

static void
add_retries(struct page_text *t, const struct page *p, const struct fate *f)
{
	char server[ADDR_TEXT];

	if (f->retries == 0)
		return;
	page_text_add(t, "\ntried again%s", f->retry_same_id ? "" : " (same sender and recipient)");
	if (f->retries > 1)
		page_text_add(t, " %u times", f->retries);
	page_text_add(t, "%s: %s at ", f->retries > 1 ? ", the last of them" : "",
	    verdict_name(f->retry_verdict));
	add_time(t, p, f->retry_at.ns, fate_ns(f));
	page_text_add(t, " by %s", addr_format(&f->retry_server.ip, server, sizeof(server)));
}

static void
describe_transaction(struct page_text *t, const struct page *p, const struct fate *f,
    const struct terminal_report *r)
{
	const struct record_transaction *x = f->transaction;

	if (x->implied && x->sender[0] == '\0') /* it began later, or the line was cut */
		page_text_add(t, "(the sender is not in the capture)");
	else
		page_text_add(t, "<%s>", x->sender);
	add_recipients(t, f);
	page_text_add(t, "\n%s", f->fate[0] != '\0' ? f->fate : verdict_name(f->verdict));
	if (x->verdict_reply.code != 0) {
		page_text_add(t, ": ");
		add_reply(t, &x->verdict_reply);
	}
	add_frames(t, &x->first, &x->last, r, x->key.point);
	add_retries(t, p, f);
}

static void
describe_message(struct page_text *t, const struct fate *f, const struct terminal_report *r)
{
	const struct record_message *m = f->message;

	if (m == NULL) {
		page_text_add(t, "%s", f->fate);
		return;
	}
	page_text_add(t, "POP3 message");
	if (m->number != 0)
		page_text_add(t, " %u", m->number);
	if (m->from[0] != '\0')
		page_text_add(t, " from %s", m->from);
	if (m->subject[0] != '\0')
		page_text_add(t, ": %s", m->subject);
	page_text_add(t, "\n%s, %" PRIu64 " bytes", f->fate, m->bytes);
	if (m->state == MESSAGE_NOT_RETRIEVED && m->reply.text[0] != '\0') {
		page_text_add(t, ": ");
		add_reply(t, &m->reply);
	}
	add_frames(t, &m->first, &m->last, r, m->key.point);
}

static void
print_fate(const struct page *p, const struct fate *f, const struct terminal_report *r)
{
	char clock[TERMINAL_TIME] = "";
	struct page_text t = { .len = 0 };

	if (fate_ns(f) != 0)
		terminal_clock(p, fate_ns(f), clock);
	if (f->transaction != NULL)
		describe_transaction(&t, p, f, r);
	else
		describe_message(&t, f, r);
	page_field_at(p, 2, clock, LABELS, t.s);
}

/*
 * Which mails are told when there are too many: those that failed, those of which it is not known,
 * the others.
 */
enum worth { WORTH_FAILED, WORTH_UNKNOWN, WORTH_FINE, WORTHS };

static enum worth
fate_worth(const struct fate *f)
{
	if (f->transaction == NULL)
		return f->verdict != VERDICT_ACCEPTED ? WORTH_FAILED : WORTH_FINE;
	switch (f->verdict) {
	case VERDICT_ACCEPTED: return strcmp(f->fate, "accepted") == 0 ? WORTH_FINE : WORTH_FAILED;
	case VERDICT_UNKNOWN: return f->because_count > 0 ? WORTH_FAILED : WORTH_UNKNOWN;
	case VERDICT_ABANDONED:
	case VERDICT_ASKED: return WORTH_UNKNOWN;
	default: return WORTH_FAILED;
	}
}

static bool
same_clocks(const struct page *p, int64_t a_ns, int64_t b_ns)
{
	return terminal_same_day(p, a_ns, b_ns) && same_offset(p, a_ns, b_ns);
}

/* What the clocks of the mails leave open, if the first lines of the report do not say it. */
struct left_open {
	bool day, offset;
};

static struct left_open
clocks_leave_open(
    const struct page *p, const struct fate *fates, size_t n, const struct terminal_report *r)
{
	struct left_open open = { .day = false };
	int64_t first = 0, begin, end;
	bool told = terminal_period(r, &begin, &end) && same_offset(p, begin, end),
	     zoned = p->zone != NULL && (p->zone->civil || p->zone->east != 0);

	for (size_t i = 0; i < n; i++) {
		int64_t ns = fate_ns(&fates[i]);

		if (ns == 0)
			continue;
		first = first == 0 ? ns : first;
		open.day |= !terminal_same_day(p, first, ns);
		open.offset |= zoned && (!told || !same_offset(p, begin, ns));
	}
	return open;
}

/* "2026-10-25 +01:00": a line for each day, and for each offset. */
static void
print_day(const struct page *p, int64_t ns, bool with_offset)
{
	char time[TERMINAL_TIME], offset[ZONE_OFFSET];

	page_line(p, "  %.10s%s%s", terminal_time(p, ns, time), with_offset ? " " : "",
	    with_offset ? zone_offset(p->zone, ns, offset) : "");
}

/* At most `most', in order of time all the same. */
static void
print_fates(const struct page *p, const struct fate *fates, size_t n, size_t most,
    const struct terminal_report *r)
{
	size_t room[WORTHS] = { 0 }, rest = most;
	struct left_open open = clocks_leave_open(p, fates, n, r);
	int64_t day = 0;

	for (size_t i = 0; i < n; i++)
		room[fate_worth(&fates[i])]++;
	for (int w = 0; w < WORTHS; w++) {
		room[w] = room[w] < rest ? room[w] : rest;
		rest -= room[w];
	}
	for (size_t i = 0; i < n; i++) {
		size_t *left = &room[fate_worth(&fates[i])];

		if (*left == 0)
			continue;
		(*left)--;
		if ((open.day || open.offset) && fate_ns(&fates[i]) != 0 &&
		    (day == 0 || !same_clocks(p, day, fate_ns(&fates[i])))) {
			day = fate_ns(&fates[i]);
			print_day(p, day, open.offset);
		}
		print_fate(p, &fates[i], r);
	}
	if (n > most)
		page_line(p, "  ... and %zu more; --all or --json tells all of them", n - most);
}

void
terminal_mails(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	const struct fate *fates;
	size_t n = correlator_fates(r->correlator, &fates);

	if (n == 0 && s->smtp_sessions + s->pop3_sessions + s->imap_sessions == 0)
		return;
	terminal_heading(p, "Mails");
	print_smtp_counts(p, s);
	print_pop3_counts(p, s);
	print_fates(p, fates, n, r->all ? n : TERMINAL_MAILS, r);
}
