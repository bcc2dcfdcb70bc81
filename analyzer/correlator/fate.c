#include "fate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "correlator/facts/dialogue.h"
#include "retries.h"
#include "why.h"

#define STANDS_STILL (5 * SECOND)
enum { LOOKED = 4096, BECAUSE_MAX = sizeof(((struct fate *)0)->because) / sizeof(uint64_t) };

struct list {
	struct fate *v;
	size_t n, room;
	uint64_t starved;
};

/* ---- words -------------------------------------------------------------------------------- */

static void
because_add(struct fate *f, uint64_t id)
{
	for (uint32_t i = 0; i < f->because_count; i++)
		if (f->because[i] == id)
			return;
	if (id != 0 && f->because_count < BECAUSE_MAX)
		f->because[f->because_count++] = id;
}

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
			    (d = why_put_off(v, x, &t->verdict_reply)) != NULL)
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

static void
fate_negative(struct verdicts *v, const struct talk *k, const struct mail_case *c, struct fate *f,
    const char *what)
{
	const struct record_transaction *t = f->transaction;
	struct span mail = { &t->first, sent_until(c, t) };
	const struct draft *d = why_refused(v, k, c, t);
	char unsure[32];

	snprintf(unsure, sizeof(unsure), "possibly %s", what);
	fate_say(f, t->unsure ? unsure : what, d != NULL ? d : why_ended(v, k, c, t, &mail));
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

/* Packets went to and fro when the capture ended. */
static bool
to_and_fro(const struct mail_case *c)
{
	return c->conn->open && c->copy == c && case_first_closer(c) < 0 && !case_one_sided(c) &&
	    c->conn->t_end - c->conn->last.ns <= STANDS_STILL;
}

/* As far as the capture goes there is no fault.  What a longer silence means the rules say. */
static bool
under_way(const struct mail_case *c)
{
	return to_and_fro(c) && !case_missing(c);
}

/* Losses slow it down, the last of which may not be made good yet: the capture's end ends it. */
static bool
slowly_on(const struct mail_case *c, const struct span *mail)
{
	return mail->to == &c->conn->last && to_and_fro(c) && !case_stalled(c);
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
fate_unanswered(const struct mail_case *c, struct fate *f, bool going)
{
	const struct record_transaction *t = f->transaction;

	if (sent_until(c, t) != &c->conn->last || !going)
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
	const struct draft *d = why_stopped(v, k, c, &mail), *lossy;

	if (d != NULL) {
		fate_say(f, "did not get through", d);
		return;
	}
	d = why_symptom(v, k, c, &mail);
	if (d == NULL)
		d = why_ended(v, k, c, t, &mail);
	lossy = d == NULL ? why_lossy(v, k, c, &mail) : NULL;
	if (d == NULL && f->verdict != VERDICT_LOST && (lossy == NULL || slowly_on(c, &mail)))
		fate_unanswered(c, f, lossy != NULL || under_way(c));
	else
		fate_say(f, f->verdict == VERDICT_LOST ? "lost" : "unknown", d != NULL ? d : lossy);
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

static void
pop_fates(struct verdicts *v, const struct talk *k, const struct mail_case *c, struct list *l)
{
	for (uint32_t i = 0; i < c->message_count; i++) {
		const struct record_message *m = c->messages[i];
		struct span mail = { &m->first, &c->conn->last };
		const struct draft *d, *lossy;
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
			fate_say(f, "refused by the server", why_answered(v, k, m));
			continue;
		}
		d = why_stopped(v, k, c, &mail);
		if (d == NULL)
			d = why_symptom(v, k, c, &mail);
		lossy = d == NULL ? why_lossy(v, k, c, &mail) : NULL;
		if (d == NULL && m->state == MESSAGE_CUT && i + 1 == c->message_count &&
		    (lossy != NULL ? slowly_on(c, &mail) : under_way(c))) {
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
		    d != NULL ? d : lossy);
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
	talk_free(&k);
	v->starved += l.starved + !retries_join(l.v, l.n);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), by_time);
	*out = l.v;
	return l.n;
}
