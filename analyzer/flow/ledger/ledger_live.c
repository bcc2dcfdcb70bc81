#include "flow/ledger/ledger_live.h"

#include <string.h>

static void
live_note(struct liveness *v, uint32_t bit, int slot, const struct seg *g)
{
	if (!(v->bits & bit))
		v->at[slot] = seg_moment(g);
	v->bits |= bit;
}

/* L1: a smaller segment of A, cleanly delivered and not itself lost (S4). */
static void
live_data(
    const struct ledger *l, const struct reading *r, const struct interval *in, struct liveness *v)
{
	for (uint32_t i = 0; i < r->tx_count; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];
		bool clean = !x->super && !x->lost && x->delivered && (in->u == 0 || g->w < in->u);

		if (!clean || g->ns < in->from || g->ns > in->to)
			continue;
		for (uint32_t k = x->lo; k < x->hi && clean; k++)
			clean = !r->early[k] && r->by[k] > x->seg &&
			    reading_by_ns(l, r, k) <= g->ns + r->patience;
		if (clean)
			live_note(v, LIVE_L1, 0, g);
	}
}

/* L2 (S5): A's FIN draws an ACK of B. */
static void
live_fin(
    const struct ledger *l, const struct reading *r, const struct interval *in, struct liveness *v)
{
	int64_t fin = INT64_MIN;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];

		if (seg_s2c(g) == (r->dir == 1)) {
			if ((g->flags & TCP_FIN) && g->ns >= in->from && g->ns <= in->to)
				fin = g->ns;
		} else if (fin != INT64_MIN && g->len == 0 && !(g->flags & TCP_RST) &&
		    g->ns > fin && g->ns <= fin + DELACK + 4 * r->rtt) {
			live_note(v, LIVE_L2, 1, g);
			return;
		}
	}
}

/*
 * What comes from the other end sooner than this after a segment was sent without having seen it.
 */
static int64_t
flight_of(const struct reading *r)
{
	return r->rtt < SECOND ? r->rtt + 10 * MS : 200 * MS;
}

/* L2b: B's FIN is not repeated after A's pure ACK of it. */
static void
live_peer_fin(const struct ledger *l, const struct reading *r, const struct interval *in,
    int64_t t_end, struct liveness *v)
{
	const struct seg *fin = NULL, *ack = NULL;
	int64_t spacing = 0, quiet;
	uint32_t again = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];

		if (seg_s2c(g) != (r->dir == 1)) {
			if (!(g->flags & TCP_FIN) || g->ns < in->from ||
			    (fin == NULL && g->ns > in->to))
				continue;
			again += ack != NULL && g->ns > ack->ns + flight_of(r);
			spacing = fin != NULL ? g->ns - fin->ns : 0;
			fin = g;
		} else if (fin != NULL && ack == NULL && seg_is_empty_ack(g) && g->ns <= in->to &&
		    (int32_t)(g->ack - (fin->seq + fin->len + 1)) >= 0) {
			ack = g;
		}
	}
	quiet = SECOND > 2 * spacing ? SECOND : 2 * spacing;
	if (ack != NULL && again == 0 && t_end - fin->ns >= quiet && t_end - ack->ns >= quiet)
		live_note(v, LIVE_L2B, 2, ack);
}

void
repeats_read(
    const struct ledger *l, const struct reading *r, const struct interval *in, struct repeats *o)
{
	const struct side *b = &l->side[!r->dir];
	int64_t seen = b->floor > 1 ? b->floor : 1, before = INT64_MIN;
	int64_t answered = INT64_MIN, answered_ns = 0;

	memset(o, 0, sizeof(*o));
	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t end;

		if (seg_s2c(g) == (r->dir == 1)) {
			if (!seg_is_empty_ack(g) || g->ns < in->from)
				continue;
			end = side_rel(b, g->ack);
			if (end > answered) {
				answered = end;
				answered_ns = g->ns;
			}
			if (o->last != NULL && o->answer == NULL &&
			    end >= side_rel(b, o->last->seq) + o->last->len)
				o->answer = g;
			continue;
		}
		if (!seg_is_data(g))
			continue;
		end = side_rel(b, g->seq) + g->len;
		if (end > seen) {
			o->news += g->ns > in->from && g->ns <= in->to;
			seen = end;
		} else if (g->ns >= in->from && g->len > 1 && (in->u == 0 || g->w < in->u)) {
			o->count++;
			o->after_ack += answered >= end && g->ns > answered_ns + flight_of(r);
			o->spacing = before != INT64_MIN ? g->ns - before : 0;
			o->last = g;
			o->answer = NULL;
		}
		before = g->ns;
	}
}

/* L3: B was repeating, and stops for good right after A's empty ACK. */
static void
live_repeats(const struct reading *r, const struct interval *in, const struct repeats *p,
    int64_t t_end, struct liveness *v)
{
	int64_t quiet = SECOND > 2 * p->spacing ? SECOND : 2 * p->spacing;

	if (p->last == NULL || p->answer == NULL || p->answer->ns > in->to || p->after_ack > 1)
		return;
	if (p->answer->ns > p->last->ns + DELACK + 4 * r->rtt || t_end - p->answer->ns < quiet)
		return;
	live_note(v, LIVE_L3, 3, p->answer);
}

void
live_read(const struct ledger *l, const struct reading *r, const struct interval *in, int64_t t_end,
    struct liveness *v, struct repeats *p)
{
	memset(v, 0, sizeof(*v));
	live_data(l, r, in, v);
	live_fin(l, r, in, v);
	live_peer_fin(l, r, in, t_end, v);
	repeats_read(l, r, in, p);
	live_repeats(r, in, p, t_end, v);
}
