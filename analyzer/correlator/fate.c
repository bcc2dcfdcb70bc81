#include "fate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "correlator/facts/dialogue.h"
#include "retries.h"

#define STANDS_STILL (5 * SECOND)
enum { LOOKED = 4096, BECAUSE_MAX = sizeof(((struct fate *)0)->because) / sizeof(uint64_t) };

struct list {
	struct fate *v;
	size_t n, room;
	uint64_t starved;
};

/*
 * What the fates of one conversation ask for: it may have ten thousands of mails, and as many
 * drafts say that they were accepted.  Rooms are kept from one to the next.
 */
struct talk {
	const struct draft **v; /* that may be why a mail failed, of all copies */
	size_t n, room;
	const struct draft *accepted, *waiting; /* the surest */
	int64_t *passed;                        /* when mails got through; ascending */
	size_t passed_count, passed_room;
};

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

static void
because_add(struct fate *f, uint64_t id)
{
	for (uint32_t i = 0; i < f->because_count; i++)
		if (f->because[i] == id)
			return;
	if (id != 0 && f->because_count < BECAUSE_MAX)
		f->because[f->because_count++] = id;
}

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

/* false: no memory, and some of it is not known. */
static bool
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

/* Of a mail that did not get through: when it was sent. */
struct span {
	const struct moment *from, *to;
};

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
static const struct draft *
stopper_find(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail)
{
	const struct draft *d = draft_find(v, k, c, kind_stops_mail, mail), *end;

	if (d == NULL || d->f->kind != FINDING_SENDER_APP_PAUSE)
		return d;
	end = draft_find(v, k, c, kind_ends, mail);
	return end != NULL && end->f->confidence >= CONFIDENCE_PROBABLE ? end : d;
}

/* Losses are why only where nothing else is, and of the mail that they fell upon. */
static const struct draft *
loss_find(
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

/*
 * Why a mail was refused: the finding made from this very reply, or from a reply to one of its
 * recipients; else the surest refusal of the conversation that can be meant.
 */
static const struct draft *
draft_refusing(struct verdicts *v, const struct talk *k, const struct mail_case *c,
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

/* ---- words -------------------------------------------------------------------------------- */

static void
fate_say(struct fate *f, const char *what, const struct draft *d)
{
	if (d == NULL) {
		snprintf(f->fate, sizeof(f->fate), "%s", what);
		return;
	}
	snprintf(f->fate, sizeof(f->fate), "%s: %s%s", what,
	    d->f->confidence == CONFIDENCE_POSSIBLE ? "possibly " : "", kind_id(d->f->kind));
	because_add(f, d->merged);
}

/* Of that connection; the one made from this very reply, if there is one. */
static const struct draft *
draft_greylisting(struct verdicts *v, const struct mail_case *x, const struct record_reply *r)
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

/* The mail is for one of whom t was for, too. */
static bool
shares_recipient(
    const struct mail_case *c, const struct record_transaction *t, const struct fate *f)
{
	uint32_t n, compared = 0;
	const struct record_recipient *const *r = case_recipients(c, t->key.n, &n);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < f->recipient_count && compared++ < LOOKED; k++)
			if (strcasecmp(r[i]->address, f->recipients[k]->address) == 0)
				return true;
	return false;
}

/* The last attempt before of the same mail that was put off. */
static const struct draft *
greylisted_before(
    const struct store *s, struct verdicts *v, const struct fate *f, const struct mail_case *c)
{
	struct case_iter it = { .server = &c->conn->server.ip,
		.from_ns = c->conn->first.ns - 172800 * SECOND,
		.to_ns = c->conn->first.ns,
		.backwards = true };
	const struct mail_case *x;
	uint32_t mails = 0;

	for (uint32_t looked = 0;
	     (x = store_case_among(s, &it, &looked, LOOKED, &v->searches_cut)) != NULL;) {
		if (!addr_prefix_equal(&x->conn->client.ip, &c->conn->client.ip, 24, 64))
			continue;
		for (uint32_t i = x->transaction_count; i-- > 0;) {
			const struct record_transaction *t = x->transactions[i];
			const struct draft *d;

			if (mails++ == LOOKED) {
				v->searches_cut++;
				return NULL;
			}
			if (t->verdict == VERDICT_DEFERRED &&
			    moment_before(&t->first, &f->transaction->first) &&
			    strcasecmp(t->sender, f->transaction->sender) == 0 &&
			    shares_recipient(x, t, f) &&
			    (d = draft_greylisting(v, x, &t->verdict_reply)) != NULL)
				return d;
		}
	}
	return NULL;
}

/* It speaks of this mail, and not of another one of the session. */
static bool
draft_of_mail(const struct draft *d, const struct record_transaction *t)
{
	return d->f->first.ns >= t->first.ns && d->f->first.ns <= t->last.ns;
}

static void
fate_accepted(const struct store *s, struct verdicts *v, const struct talk *k,
    const struct mail_case *c, struct fate *f, bool any_greylisting)
{
	const struct draft *grey = any_greylisting ? greylisted_before(s, v, f, c) : NULL,
			   *late = k->waiting;

	if (late != NULL && !draft_of_mail(late, f->transaction))
		late = NULL;
	snprintf(f->fate, sizeof(f->fate), "%s%s%s", f->transaction->unsure ? "possibly " : "",
	    grey != NULL ? "accepted after greylisting" : "accepted",
	    late != NULL ? "; the client did not hear it" : "");
	if (late != NULL)
		because_add(f, late->merged);
	if (grey != NULL)
		because_add(f, grey->merged);
	if (k->accepted != NULL)
		because_add(f, k->accepted->merged);
}

/* It may have been under way until the next one began, or the connection ended. */
static const struct moment *
sent_until(const struct mail_case *c, const struct record_transaction *t)
{
	const struct record_transaction *next = case_transaction_behind(c, t);

	return next != NULL ? &next->first : &c->conn->last;
}

/* The server ended the session with it: with 421, or for how the client spoke. */
static bool
reply_ends(const struct finding *f)
{
	return f->has_reply &&
	    (f->reply.code == 421 ||
		(f->kind == FINDING_PROTOCOL_ERROR && f->confidence >= CONFIDENCE_PROBABLE));
}

/*
 * The server ended the session: behind the beginning of this mail, or for what was said before it
 * was greeted.
 */
static const struct draft *
ended_find(struct verdicts *v, const struct talk *k, const struct mail_case *c,
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

static void
fate_negative(struct verdicts *v, const struct talk *k, const struct mail_case *c, struct fate *f,
    const char *what)
{
	const struct record_transaction *t = f->transaction;
	struct span mail = { &t->first, sent_until(c, t) };
	const struct draft *d = draft_refusing(v, k, c, t);
	char unsure[32];

	snprintf(unsure, sizeof(unsure), "possibly %s", what);
	fate_say(f, t->unsure ? unsure : what, d != NULL ? d : ended_find(v, k, c, t, &mail));
}

/* The receiver's last word was that it takes nothing now. */
static bool
window_shut(const struct mail_case *c, int dir)
{
	const struct record_direction *to = &c->conn->dir[1 - dir];
	bool scaled = c->conn->syn_count > 0 && c->conn->synack_count > 0 && !to->syn_cut &&
	    !c->conn->dir[dir].syn_cut;

	return moment_is(&to->zero_from) && to->zero_to.ns >= to->last.ns &&
	    (scaled || to->zero_room == 0);
}

/*
 * Packets went to and fro when the capture ended: as far as it goes there is no fault.  What a
 * longer silence means the rules say.
 */
static bool
under_way(const struct mail_case *c)
{
	return c->conn->open && c->copy == c && case_first_closer(c) < 0 && !case_missing(c) &&
	    !case_one_sided(c) && c->conn->t_end - c->conn->last.ns <= STANDS_STILL;
}

static void
fate_cut_short(const struct mail_case *c, struct fate *f, const char *what, int dir)
{
	snprintf(f->fate, sizeof(f->fate), "%s: the capture ends in the middle of the message, %s",
	    what,
	    !window_shut(c, dir) ? "or no more of it came here"
		: dir == 0       ? "while the server takes nothing (window 0)"
				 : "while the client takes nothing (window 0)");
}

static void
fate_unanswered(const struct mail_case *c, struct fate *f)
{
	const struct record_transaction *t = f->transaction;

	if (sent_until(c, t) != &c->conn->last || !under_way(c))
		fate_say(f, "unknown", NULL);
	else if (moment_is(&t->end_of_data))
		fate_say(f,
		    "unknown: the capture ends before the server's answer, or none came here",
		    NULL);
	else if (!t->data_sent || (!t->bdat && t->data_reply.code != 354))
		fate_say(f, "unknown: the capture ends before the message", NULL);
	else
		fate_cut_short(c, f, "unknown", 0);
}

static void
fate_missing(struct verdicts *v, const struct talk *k, const struct mail_case *c, struct fate *f)
{
	const struct record_transaction *t = f->transaction;
	struct span mail = { &t->first, sent_until(c, t) };
	const struct draft *d = stopper_find(v, k, c, &mail);

	if (d != NULL) {
		fate_say(f, "did not get through", d);
		return;
	}
	d = draft_find(v, k, c, kind_is_symptom, &mail);
	if (d == NULL)
		d = ended_find(v, k, c, t, &mail);
	if (d == NULL)
		d = loss_find(v, k, c, &mail);
	if (d == NULL && f->verdict != VERDICT_LOST)
		fate_unanswered(c, f);
	else
		fate_say(f, f->verdict == VERDICT_LOST ? "lost" : "unknown", d);
}

static void
fate_judge(const struct store *s, struct verdicts *v, const struct talk *k,
    const struct mail_case *c, struct fate *f, bool any_greylisting)
{
	switch (f->verdict) {
	case VERDICT_ACCEPTED: fate_accepted(s, v, k, c, f, any_greylisting); break;
	case VERDICT_REFUSED: fate_negative(v, k, c, f, "refused"); break;
	case VERDICT_DEFERRED: fate_negative(v, k, c, f, "deferred"); break;
	case VERDICT_ASKED:
		fate_say(f, "no mail: it only asks whether the address takes mail (callout)", NULL);
		break;
	case VERDICT_ABANDONED: fate_say(f, "abandoned by the client", NULL); break;
	default: fate_missing(v, k, c, f);
	}
}

/* ---- the list -------------------------------------------------------------------------------- */

static struct fate *
list_add(struct list *l, const struct mail_case *c)
{
	struct fate *f;

	if (l->n == l->room) {
		size_t room = l->room == 0 ? 64 : l->room * 2;

		if ((f = realloc(l->v, room * sizeof(*f))) == NULL) {
			l->starved++;
			return NULL;
		}
		l->v = f;
		l->room = room;
	}
	f = &l->v[l->n++];
	*f = (struct fate){ .app = c->session != NULL ? c->session->app : c->conn->app,
		.connection = c->conn };
	return f;
}

static void
recipients_lend(const struct mail_case *c, struct fate *f)
{
	f->recipients = case_recipients(c, f->key.n, &f->recipient_count);
}

static void
smtp_fates(const struct store *s, struct verdicts *v, const struct talk *k,
    const struct mail_case *c, struct list *l, bool any_greylisting)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];
		struct fate *f;

		if (t->nested || t->verdict == VERDICT_NONE || (f = list_add(l, c)) == NULL)
			continue;
		f->key = t->key;
		f->transaction = t;
		f->message = case_message(c, t->key.n);
		f->verdict = c->only_asks ? VERDICT_ASKED : t->verdict;
		recipients_lend(c, f);
		fate_judge(s, v, k, c, f, any_greylisting);
	}
}

/* Of several messages that were refused in the same words one finding may speak. */
static const struct draft *
draft_answering(struct verdicts *v, const struct talk *k, const struct record_message *m)
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

static void
pop_fates(struct verdicts *v, const struct talk *k, const struct mail_case *c, struct list *l)
{
	for (uint32_t i = 0; i < c->message_count; i++) {
		const struct record_message *m = c->messages[i];
		struct span mail = { &m->first, &c->conn->last };
		const struct draft *d;
		struct fate *f = list_add(l, c);
		bool unconfirmed;

		if (f == NULL)
			continue;
		f->key = m->key;
		f->message = m;
		unconfirmed = message_unconfirmed(c, m);
		f->verdict = m->state == MESSAGE_CUT            ? VERDICT_LOST
		    : m->state == MESSAGE_WHOLE && !unconfirmed ? VERDICT_ACCEPTED
								: VERDICT_UNKNOWN;
		if (f->verdict == VERDICT_ACCEPTED) {
			fate_say(f, "fetched", NULL);
			continue;
		}
		if (message_refused(m)) {
			fate_say(f, "refused by the server", draft_answering(v, k, m));
			continue;
		}
		d = stopper_find(v, k, c, &mail);
		if (d == NULL)
			d = draft_find(v, k, c, kind_is_symptom, &mail);
		if (d == NULL)
			d = loss_find(v, k, c, &mail);
		if (d == NULL && m->state == MESSAGE_CUT && i + 1 == c->message_count &&
		    under_way(c)) {
			f->verdict = VERDICT_UNKNOWN;
			fate_cut_short(c, f, "cut off", 1);
			continue;
		}
		fate_say(f,
		    m->state == MESSAGE_CUT ? "cut off"
			: m->state == MESSAGE_END_UNSEEN
			? "seen in part, its end is not in the capture"
			: unconfirmed ? "sent to its end, but the client did not confirm all of it"
				      : "not fetched",
		    d);
	}
}

static bool
any_of(const struct verdicts *v, enum finding_kind k)
{
	for (uint32_t i = 0; i < v->n; i++)
		if (v->v[i].f->kind == k && !v->v[i].silenced)
			return true;
	return false;
}

static struct moment
fate_begins(const struct fate *f)
{
	return f->transaction != NULL ? f->transaction->first
	    : f->message != NULL      ? f->message->first
				      : f->connection->first;
}

/* Connections that run beside each other take turns. */
static int
by_time(const void *a, const void *b)
{
	const struct fate *x = a, *y = b;
	struct moment p = fate_begins(x), q = fate_begins(y);

	if (p.ns != q.ns)
		return p.ns < q.ns ? -1 : 1;
	if (x->key.point != y->key.point)
		return x->key.point < y->key.point ? -1 : 1;
	if (p.frame != q.frame)
		return p.frame < q.frame ? -1 : 1;
	if (x->key.conn != y->key.conn)
		return x->key.conn < y->key.conn ? -1 : 1;
	return (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

size_t
fates_make(const struct store *s, struct verdicts *v, struct fate **out)
{
	struct list l = { 0 };
	struct talk k = { 0 };
	bool grey = any_of(v, FINDING_GREYLISTED);

	for (size_t i = 0; i < store_case_count(s); i++) {
		const struct mail_case *c = store_case_at(s, i);

		if (!c->counted)
			continue;
		l.starved += !talk_fill(&k, v, c);
		if (case_is_pop(c))
			pop_fates(v, &k, c, &l);
		else
			smtp_fates(s, v, &k, c, &l, grey);
	}
	free(k.v);
	free(k.passed);
	v->starved += l.starved + !retries_join(l.v, l.n);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), by_time);
	*out = l.v;
	return l.n;
}
