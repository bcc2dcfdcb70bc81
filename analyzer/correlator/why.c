#include "why.h"

#include <stdlib.h>
#include <string.h>

#include "correlator/facts/dialogue.h"

enum { LOOKED = 4096 };

/* What keeps a mail from getting through; those that heal by themselves are not among them. */
static bool
kind_stops_mail(enum finding_kind k)
{
	switch (k) {
	case FINDING_PMTU_BLACK_HOLE:
	case FINDING_ICMP_FRAG_NEEDED_IGNORED:
	case FINDING_FRAGMENTS_DROPPED:
	case FINDING_INLINE_CONTENT_DROP:
	case FINDING_IDLE_STATE_EXPIRED:
	case FINDING_PATH_OUTAGE:
	case FINDING_ZERO_WINDOW_STALL:
	case FINDING_WINDOW_SCALE_BROKEN:
	case FINDING_MIDDLEBOX_RESET:
	case FINDING_PEER_RESET:
	case FINDING_SENDER_APP_PAUSE: return true;
	default: return false;
	}
}

static bool
kind_is_symptom(enum finding_kind k)
{
	int phase = kind_facts(k)->phase;

	return k != FINDING_SLOW_REPLY && k != FINDING_PROTOCOL_ERROR &&
	    (phase == 21 || k == FINDING_STALE_SESSION_RESET || k == FINDING_TLS_FAILURE ||
		k == FINDING_CONNECTED_NO_BANNER || k == FINDING_PMTU_BLACK_HOLE_RECOVERED);
}

static bool
kind_is_loss(enum finding_kind k)
{
	return k == FINDING_HIGH_LOSS;
}

static bool
is_waiting(enum finding_kind k)
{
	return k == FINDING_CLIENT_GAVE_UP_WAITING || k == FINDING_DUPLICATE_DELIVERY;
}

static bool
is_refusal(enum finding_kind k)
{
	return kind_facts(k)->phase == 20 || kind_facts(k)->phase == 22;
}

/* ---- the findings of one conversation ------------------------------------------------- */

static int
ns_order(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A mail was accepted, or fetched as a whole, at that time: case_mail_passed() for very many. */
static bool
talk_passed(const struct talk *k, int64_t from_ns, int64_t to_ns)
{
	size_t lo = 0, hi = k->passed_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->passed[mid] < from_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < k->passed_count && k->passed[lo] <= to_ns;
}

static bool
passed_fill(struct talk *k, const struct mail_case *c)
{
	size_t most = (size_t)c->transaction_count + c->message_count + 1;
	int64_t *p;

	k->passed_count = 0;
	if (k->passed == NULL || most > k->passed_room) {
		if ((p = realloc(k->passed, most * sizeof(*p))) == NULL)
			return false;
		k->passed = p;
		k->passed_room = most;
	}
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_ACCEPTED)
			k->passed[k->passed_count++] = c->transactions[i]->verdict_reply.at.ns;
	for (uint32_t i = 0; case_is_pop(c) && i < c->message_count; i++)
		if (c->messages[i]->state == MESSAGE_WHOLE)
			k->passed[k->passed_count++] = c->messages[i]->last.ns;
	if (k->passed_count > 1)
		qsort(k->passed, k->passed_count, sizeof(*k->passed), ns_order);
	return true;
}

static bool
draft_surer(const struct draft *d, const struct draft *best)
{
	return best == NULL || d->f->confidence > best->f->confidence ||
	    (d->f->confidence == best->f->confidence &&
		kind_facts(d->f->kind)->phase < kind_facts(best->f->kind)->phase);
}

static bool
talk_add(struct talk *k, const struct draft *d)
{
	const struct draft **v;
	size_t room = k->room == 0 ? 64 : k->room * 2;

	if (k->n == k->room) {
		if ((v = realloc(k->v, room * sizeof(struct draft *))) == NULL)
			return false;
		k->v = v;
		k->room = room;
	}
	k->v[k->n++] = d;
	return true;
}

bool
talk_fill(struct talk *k, const struct verdicts *v, const struct mail_case *c)
{
	const struct mail_case *at = c;
	bool whole = passed_fill(k, c);

	k->n = 0;
	k->accepted = k->waiting = NULL;
	do {
		for (uint32_t i = v->head[at->index]; i != NO_DRAFT; i = v->v[i].next) {
			const struct draft *d = &v->v[i];

			if (d->silenced || d->f->confidence < CONFIDENCE_POSSIBLE)
				continue;
			if (d->f->kind == FINDING_MAIL_ACCEPTED)
				k->accepted = draft_surer(d, k->accepted) ? d : k->accepted;
			else
				whole &= talk_add(k, d);
			if (is_waiting(d->f->kind) && draft_surer(d, k->waiting))
				k->waiting = d;
		}
	} while ((at = at->copy) != c);
	return whole;
}

void
talk_free(struct talk *k)
{
	free(k->v);
	free(k->passed);
}

/* ---- which of them ---------------------------------------------------------------------- */

/*
 * It can be why: it did not come later, and no mail got through between; of what was over, that the
 * connection was seen to be closed soon after it.  Another point may have another clock.
 */
static bool
draft_may_stop(
    const struct talk *k, const struct mail_case *c, const struct draft *d, const struct span *mail)
{
	if (d->f->over &&
	    (case_first_closer(d->c) < 0 || case_missing(d->c) ||
		finding_outlived(d->f, case_ended(d->c).ns)))
		return false;
	if (d->f->point != c->point)
		return true;
	return d->f->first.ns <= mail->to->ns && !talk_passed(k, d->f->last.ns, mail->from->ns);
}

/*
 * The surest of the drafts that `wants' takes and that can be why the mail failed; by phase among
 * equals.
 */
static const struct draft *
draft_find(struct verdicts *v, const struct talk *k, const struct mail_case *c,
    bool (*wants)(enum finding_kind), const struct span *mail)
{
	const struct draft *best = NULL;

	v->searches_cut += k->n > LOOKED;
	for (size_t i = 0; i < k->n && i < LOOKED; i++)
		if (wants(k->v[i]->f->kind) && draft_surer(k->v[i], best) &&
		    draft_may_stop(k, c, k->v[i], mail))
			best = k->v[i];
	return best;
}

static bool
kind_ends(enum finding_kind k)
{
	return k == FINDING_MIDDLEBOX_RESET || k == FINDING_PEER_RESET;
}

/*
 * A program that only paused might have gone on: not where something else is likely to have ended
 * the connection.
 */
const struct draft *
why_stopped(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail)
{
	const struct draft *d = draft_find(v, k, c, kind_stops_mail, mail), *end;

	if (d == NULL || d->f->kind != FINDING_SENDER_APP_PAUSE)
		return d;
	end = draft_find(v, k, c, kind_ends, mail);
	return end != NULL && end->f->confidence >= CONFIDENCE_PROBABLE ? end : d;
}

const struct draft *
why_symptom(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail)
{
	return draft_find(v, k, c, kind_is_symptom, mail);
}

const struct draft *
why_lossy(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail)
{
	const struct draft *d = draft_find(v, k, c, kind_is_loss, mail);

	return d != NULL && d->f->point == c->point && d->f->last.ns < mail->from->ns ? NULL : d;
}

static bool
draft_has_reply(const struct draft *d, const struct record_reply *r)
{
	return d->f->has_reply && d->f->reply.at.frame == r->at.frame &&
	    d->f->reply.code == r->code;
}

/* The mail that was under way at that moment; NULL: none. */
static const struct record_transaction *
mail_at(const struct mail_case *c, const struct moment *at)
{
	uint32_t lo = 0, hi = c->transaction_count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->transactions[mid]->first.ns <= at->ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && c->transactions[lo - 1]->last.ns >= at->ns ? c->transactions[lo - 1]
								    : NULL;
}

/*
 * What was said to the session, to this mail, or in the same words to another: the words said to
 * another mail alone are not why.
 */
static bool
refuses_too(const struct draft *d, const struct record_transaction *t)
{
	const struct record_transaction *other;

	if (!d->f->has_reply ||
	    (d->f->reply.code == t->verdict_reply.code &&
		reply_alike(d->f->reply.text, t->verdict_reply.text)))
		return true;
	other = mail_at(d->c, &d->f->reply.at);
	return other == NULL ||
	    (other->key.n == t->key.n && other->key.conn == t->key.conn &&
		other->key.point == t->key.point);
}

const struct draft *
why_refused(struct verdicts *v, const struct talk *k, const struct mail_case *c,
    const struct record_transaction *t)
{
	const struct draft *its = NULL, *best = NULL;

	v->searches_cut += k->n > LOOKED;
	for (size_t i = 0; i < k->n && i < LOOKED; i++) {
		const struct draft *d = k->v[i];

		if (d->c == c && kind_facts(d->f->kind)->phase >= 3 &&
		    draft_has_reply(d, &t->verdict_reply) &&
		    (its == NULL || d->f->confidence > its->f->confidence))
			its = d;
		if (is_refusal(d->f->kind) && draft_surer(d, best) && refuses_too(d, t))
			best = d;
	}
	return its != NULL ? its : best;
}

const struct draft *
why_put_off(struct verdicts *v, const struct mail_case *x, const struct record_reply *r)
{
	const struct draft *best = NULL;
	uint32_t looked = 0;

	for (uint32_t i = v->head[x->index]; i != NO_DRAFT; i = v->v[i].next) {
		const struct draft *d = &v->v[i];

		if (looked++ == LOOKED) {
			v->searches_cut++;
			break;
		}
		if (d->silenced || d->f->kind != FINDING_GREYLISTED ||
		    d->f->confidence < CONFIDENCE_POSSIBLE)
			continue;
		if (draft_has_reply(d, r))
			return d;
		best = draft_surer(d, best) ? d : best;
	}
	return best;
}

/* The server ended the session with it: with 421, or for how the client spoke. */
static bool
reply_ends(const struct finding *f)
{
	return f->has_reply &&
	    (f->reply.code == 421 ||
		(f->kind == FINDING_PROTOCOL_ERROR && f->confidence >= CONFIDENCE_PROBABLE));
}

const struct draft *
why_ended(struct verdicts *v, const struct talk *k, const struct mail_case *c,
    const struct record_transaction *t, const struct span *mail)
{
	const struct draft *best = NULL;

	v->searches_cut += k->n > LOOKED;
	for (size_t i = 0; i < k->n && i < LOOKED; i++) {
		const struct finding *f = k->v[i]->f;

		if (reply_ends(f) && k->v[i]->c == c && t->first.ns <= f->reply.at.ns &&
		    f->reply.at.ns <= mail->to->ns && draft_surer(k->v[i], best) &&
		    draft_may_stop(k, c, k->v[i], mail))
			best = k->v[i];
	}
	return best;
}

/* Of several messages that were refused in the same words one finding may speak. */
const struct draft *
why_answered(struct verdicts *v, const struct talk *k, const struct record_message *m)
{
	const struct draft *best = NULL;

	v->searches_cut += k->n > LOOKED;
	for (size_t i = 0; i < k->n && i < LOOKED; i++) {
		const struct draft *d = k->v[i];

		if (!d->f->has_reply || strcmp(d->f->reply.text, m->reply.text) != 0)
			continue;
		if (d->f->reply.at.frame == m->reply.at.frame)
			return d;
		best = draft_surer(d, best) ? d : best;
	}
	return best;
}
