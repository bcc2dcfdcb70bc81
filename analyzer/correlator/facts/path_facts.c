#include "path_facts.h"

enum { Q_LOWER = 10, Q_CANNOT = 50 }; /* 0.3, permille */

/* no repetition follows sooner for want of an answer (RTO) */
#define LATE_LEAST (PATH_SECOND / 5)

struct way
way_of(const struct view *v, const struct mail_case *c, int dir)
{
	struct way w = { .v = v, .c = c, .dir = dir };

	w.a = &c->conn->dir[dir];
	w.b = &c->conn->dir[!dir];
	w.from = dir == 0 ? &c->conn->client.ip : &c->conn->server.ip;
	w.to = dir == 0 ? &c->conn->server.ip : &c->conn->client.ip;
	w.rtt = c->conn->rtt_ns > 0 ? c->conn->rtt_ns : PATH_SECOND;
	w.headers = w.from->family == 6 ? 60 : 40;
	return w;
}

int64_t
way_lasted(const struct way *w, int64_t from, int64_t to)
{
	return to > from ? to - from - case_time_jumped(w->c, from, to) : to - from;
}

bool
way_two_sided(const struct way *w)
{
	return w->c->has_conn && w->a->packets > 0 && w->b->packets > 0;
}

/*
 * A router has counted the TTL down: however short the way back to the sender, the capture is not
 * on its interface, and what is lost in that router did not reach it.  (30, 32 and 60 were first
 * TTLs, too.)
 */
static bool
routed(uint8_t ttl)
{
	return ttl != 0 && ttl != 30 && ttl != 32 && ttl != 60 && ttl != 64 && ttl != 128 &&
	    ttl != 255;
}

bool
way_at_sender(const struct way *w)
{
	if (w->a->at_sender)
		return true;
	if (w->c->conn->vantage < 0 || routed(w->a->ttl))
		return false;
	return w->dir == 0 ? w->c->conn->vantage > 800 : w->c->conn->vantage < 200;
}

bool
way_mixed_up(const struct way *w)
{
	return w->c->conn->late_ns >= LATE_LEAST;
}

enum confidence
way_gate(const struct way *w, enum confidence c)
{
	uint32_t q = capture_q_permille(w->c->capture);

	if (!way_two_sided(w) || q >= Q_CANNOT)
		return CONFIDENCE_CANNOT_TELL;
	if (way_mixed_up(w))
		c = confidence_min(c, CONFIDENCE_POSSIBLE);
	return q >= Q_LOWER ? confidence_lower(c, 1) : c;
}

bool
way_claimed(const struct way *w, const struct verdicts *out, int lo, int hi)
{
	return verdict_troubled(out, w->c, w->dir, lo, hi);
}

bool
way_claimed_at(const struct way *w, const struct verdicts *out, int lo, int hi, int64_t ns)
{
	return verdict_troubled_at(out, w->c, w->dir, lo, hi, ns);
}

/* ---- ICMP ----------------------------------------------------------------------- */

bool
icmp_valid(const struct record_icmp_error *e)
{
	uint32_t least = e->family == 6 ? 1280 : 68;

	return e->frag_needed && e->mtu >= least && e->mtu < e->quoted_len;
}

struct told
way_told(const struct way *w)
{
	struct told t = { .least = NULL };

	for (uint32_t i = 0; i < w->c->icmp_count; i++) {
		const struct record_icmp_error *e = w->c->icmp[i];

		if (e->dir != w->dir || !e->frag_needed)
			continue;
		t.any = true;
		if (t.zero == NULL && e->mtu == 0)
			t.zero = e;
		/* S25: above everything sent it moves no bound */
		if (!icmp_valid(e) || (e->largest_sent > 0 && e->mtu >= e->largest_sent))
			continue;
		if (t.least == NULL || e->mtu < t.least->mtu)
			t.least = e;
	}
	if (t.least == NULL)
		return t;
	t.cut = t.least->quote_cut;
	for (uint32_t i = 0; i < w->c->stall_count; i++)
		if (w->c->stalls[i]->key.m == (uint32_t)w->dir && w->c->stalls[i]->ptb_late)
			t.late = true;
	return t;
}

bool
way_told_arrived(const struct way *w, const struct record_icmp_error *e)
{
	uint32_t at = e->quoted_seq - w->a->seq;

	if (e->quote_cut || w->a->seq == 0 || at > INT32_MAX)
		return e->sent_after > 0;
	return at < w->a->acked;
}

/* ---- content -------------------------------------------------------------------- */

/* Inside one of the contents that were seen; between two of them nobody owes anything. */
static bool
in_a_message(const struct mail_case *c, int64_t from, int64_t to)
{
	for (uint32_t i = 0; i < c->message_count; i++) {
		const struct record_message *m = c->messages[i];

		if (m->first.ns <= from && (m->state == MESSAGE_CUT || m->last.ns >= to))
			return true;
	}
	return c->message_count == 0 && c->transaction_count == 0;
}

bool
way_in_content(const struct way *w, int64_t from, int64_t to, int64_t *begun)
{
	const struct record_session *s = w->c->session;
	bool up = w->dir == 0;

	for (uint32_t i = 0; up && i < w->c->transaction_count; i++) {
		const struct record_transaction *t = w->c->transactions[i];

		if (t->data_reply.at.frame == 0 || t->data_reply.code != 354 ||
		    to <= t->data_reply.at.ns)
			continue;
		if (t->end_of_data.frame != 0 && from >= t->end_of_data.ns)
			continue;
		if (t->end_bare && from >= t->last.ns)
			return false; /* to the client that was the end: rule_symptom.c */
		if (t->end_of_data.frame == 0 && case_missing_dir(w->c, w->dir))
			return false; /* its end may be among the missing bytes */
		*begun = t->data_reply.at.ns;
		return to <= t->end_of_data.ns || t->end_of_data.frame == 0;
	}
	if (s == NULL || s->content_from.frame == 0 || to <= s->content_from.ns)
		return false;
	if (up == (s->app == APP_POP3 || s->app == APP_POP3S))
		return false;
	if ((s->content_to.frame != 0 && from >= s->content_to.ns) || !in_a_message(w->c, from, to))
		return false;
	*begun = s->content_from.ns;
	if (up && s->chunk_whole && from >= w->a->data_last.ns) {
		*begun = w->b->data_last.ns; /* until then it was the server's turn */
		return *begun > from;
	}
	return true;
}

double
seconds(int64_t ns)
{
	return (double)ns / 1e9;
}
