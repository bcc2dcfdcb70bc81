/*
 * ledger_stall.c - the stalls of one direction: which byte stood still, how
 * often it was sent, and what became of it (diagnosis S1-S4, S7).
 */
#include "flow/ledger/ledger_live.h"

#include <stdlib.h>
#include <string.h>

struct chain { /* the transmissions of interval k */
	uint32_t k, lost, above;
	int64_t from, to; /* first lost, end of the episode */
};

static inline bool
overlap(const struct chain *a, const struct chain *b)
{
	return a->from <= b->to && b->from <= a->to;
}

/* ---- choosing ----------------------------------------------------------------- */

static bool
chain_read(const struct ledger *l, const struct reading *r, uint32_t k, uint32_t proven,
    int64_t t_end, struct chain *c)
{
	*c = (struct chain){ .k = k, .from = INT64_MAX };
	for (uint32_t i = r->cover_at[k]; i < r->cover_at[k + 1]; i++) {
		const struct tx *x = &r->tx[r->cover[i]];
		const struct seg *g = &l->segs[x->seg];

		if (!x->lost)
			continue;
		c->lost++;
		c->above += x->super || g->w > proven;
		c->from = g->ns < c->from ? g->ns : c->from;
		c->to = g->ns;
	}
	if (c->lost < 2)
		return false;
	if (r->by[k] == NEVER)
		c->to = t_end;
	else
		c->to = reading_by_ns(l, r, k);
	return r->by[k] == NEVER || c->to - c->from >= SECOND;
}

static bool
chain_better(const struct chain *a, const struct chain *b)
{
	if (a->above != b->above)
		return a->above > b->above;
	return a->lost > b->lost;
}

/* An episode has one chain; a second one only if it is longer but of smaller segments. */
static bool
chain_told(const struct chain *c, const struct chain *told, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (told[i].k == c->k || (overlap(&told[i], c) && c->lost <= told[i].lost))
			return true;
	return false;
}

static bool
any_lost(const struct reading *r)
{
	for (uint32_t i = 0; i < r->tx_count; i++)
		if (r->tx[i].lost)
			return true;
	return false;
}

/* ---- the record -------------------------------------------------------------------- */

static uint32_t
least_lost_above(const struct totals *t, uint32_t proven)
{
	for (uint32_t i = 0; i < t->size_count; i++)
		if (t->sizes[i].w > proven && t->sizes[i].lost > 0)
			return t->sizes[i].w;
	return 0;
}

static void
chain_keep(struct record_stall *s, const struct transmission *t)
{
	if (s->chain_len < RECORD_CHAIN) {
		s->chain[s->chain_len++] = *t;
		return;
	}
	/* the first eight and the last eight */
	memmove(s->chain + RECORD_CHAIN / 2, s->chain + RECORD_CHAIN / 2 + 1,
	    (RECORD_CHAIN / 2 - 1) * sizeof(s->chain[0]));
	s->chain[RECORD_CHAIN - 1] = *t;
}

static void
fill_chain(const struct ledger *l, const struct reading *r, uint32_t k, uint32_t proven,
    struct record_stall *s)
{
	uint32_t starts[8], n = 0;
	bool single = false;

	s->df_clear = true;
	for (uint32_t i = r->cover_at[k]; i < r->cover_at[k + 1]; i++) {
		const struct tx *x = &r->tx[r->cover[i]];
		const struct seg *g = &l->segs[x->seg];
		struct transmission t = { g->ns, g->frame, g->w, g->ip_id, (g->bits & SEG_DF) != 0,
			x->super, x->lost };
		uint32_t j = 0;

		s->chain_count++;
		chain_keep(s, &t);
		s->last = seg_moment(g);
		if (!x->lost)
			continue;
		if (s->chain_lost++ == 0)
			s->first = seg_moment(g);
		s->chain_above += x->super || g->w > proven;
		s->lost_last = seg_moment(g);
		while (j < n && starts[j] != g->seq)
			j++;
		if (j == n && n < 8)
			starts[n++] = g->seq;
		if (x->super)
			continue;
		single = true;
		s->df_clear = s->df_clear && !t.df;
		s->w_min = s->w_min == 0 || g->w < s->w_min ? g->w : s->w_min;
	}
	s->df_clear = s->df_clear && single;
	s->chain_starts = n;
}

/* The smallest size that may have carried each byte of the chain at last; the largest of those. */
static void
fill_delivery(const struct ledger *l, const struct reading *r, uint32_t k, struct record_stall *s)
{
	uint32_t tx = 0;

	if (r->by[k] == NEVER)
		return;
	s->delivered = seg_moment(&l->segs[r->by[k]]);
	for (uint32_t i = r->cover_at[k]; i < r->cover_at[k + 1]; i++) {
		const struct tx *x = &r->tx[r->cover[i]];

		if (!x->lost)
			continue;
		for (uint32_t j = x->lo; j < x->hi; j++) {
			uint32_t w = reading_clean(l, r, j, &tx);

			if (w == 0)
				w = UINT32_MAX; /* contested, or not delivered */
			s->delivered_w = w > s->delivered_w ? w : s->delivered_w;
		}
	}
}

/* Segments right of the head that the capture lacks: what lies between those that it has. */
static uint32_t
later_missing(const struct ledger *l, const struct reading *r, const struct tx *head)
{
	int64_t len = l->segs[head->seg].len;
	uint32_t n = 0;

	for (uint32_t j = head->hi; j + 1 < r->points && !r->plain; j++)
		if (cover_count(r, j) == 0)
			n += (uint32_t)((r->point[j + 1] - r->point[j] + len - 1) / len);
	return n;
}

static void
fill_later(const struct ledger *l, const struct reading *r, uint32_t k, struct record_stall *s)
{
	const struct tx *head = &r->tx[r->cover[r->cover_at[k]]];

	s->later_sent = later_missing(l, r, head);
	for (uint32_t i = 0; i < r->tx_count; i++) {
		const struct tx *x = &r->tx[i];
		bool right = x->lo >= head->hi && x->delivered, before = false;

		if (x->lo >= head->hi && !x->again) {
			s->later_sent++;
			s->later_last = x->delivered;
		}
		for (uint32_t j = x->lo; j < x->hi && right; j++) {
			right = reading_by_ns(l, r, j) > s->first.ns;
			before = before || r->by[j] < r->by[k];
		}
		if (!right || !before)
			continue;
		s->later_delivered++;
		if (!x->super && l->segs[x->seg].w > s->later_w_max)
			s->later_w_max = l->segs[x->seg].w;
	}
}

/*
 * When the byte was sent, or passed over by what is sent behind it: its first transmission may not
 * be in the capture.
 */
static int64_t
passed_over(const struct ledger *l, const struct reading *r, uint32_t k)
{
	for (uint32_t i = 0; i < r->tx_count; i++)
		if (r->tx[i].lo >= k)
			return l->segs[r->tx[i].seg].ns;
	return INT64_MAX;
}

/*
 * A receiver whose SACK is not there, or not readable, repeats its ACK for each packet that comes
 * behind the hole. Those that A's packets of other sizes may have drawn are not counted.
 */
static void
fill_again(const struct ledger *l, const struct reading *r, uint32_t k, struct record_stall *s)
{
	const struct side *a = &l->side[r->dir];
	const uint32_t largest = side_largest(l, r->dir);
	const struct seg *said = NULL;
	uint32_t acks = 0, others = 0, drawn = 0; /* drawn: before the last such ACK */
	int64_t since = passed_over(l, r, k);

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		bool during = g->ns >= since;

		if (seg_s2c(g) == (r->dir == 1)) {
			others +=
			    during && (!seg_is_data(g) || seg_super(g, largest) || g->w < s->w_min);
		} else if (seg_is_ack(g, r->dir) && side_rel(a, g->ack) == r->point[k]) {
			if (during && seg_is_empty_ack(g) && said != NULL &&
			    said->window == g->window) {
				if (acks++ == 0)
					s->again_first = seg_moment(g);
				s->again_last = seg_moment(g);
				drawn = others;
			}
			said = g;
		}
	}
	s->again = acks > drawn ? acks - drawn : 0;
}

/* Where the episode began: S3. */
static int64_t
episode_from(
    const struct ledger *l, const struct reading *r, uint32_t k, uint32_t u, struct record_stall *s)
{
	const struct tx *head = &r->tx[r->cover[r->cover_at[k]]];
	int64_t from = s->first.ns;

	for (uint32_t i = r->cover_at[head->lo]; i < r->cover_at[head->hi]; i++)
		if (l->segs[r->tx[r->cover[i]].seg].ns < from && r->tx[r->cover[i]].lost)
			from = l->segs[r->tx[r->cover[i]].seg].ns;
	for (uint32_t i = 0; i < r->tx_count; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];

		if (x->lost && !x->super && u != 0 && g->w >= u && g->ns < from &&
		    g->ns >= s->first.ns - SECOND)
			from = g->ns;
	}
	return from;
}

/*
 * A packet of either end, empty ones too, keeps a connection in the memory of what it passes; the
 * burst itself is none before it.
 */
static void
fill_idle(const struct ledger *l, const struct reading *r, struct record_stall *s)
{
	int64_t last = INT64_MIN;

	for (int d = 0; d < 2; d++)
		if (l->side[d].sums.data_ns < s->first.ns && l->side[d].sums.data_ns > last)
			last = l->side[d].sums.data_ns;
	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		bool burst = g->len > 0 && seg_s2c(g) == (r->dir == 1);

		if (g->ns < s->first.ns - (burst ? MS / 2 : 0) && g->ns > last)
			last = g->ns;
	}
	s->idle_before_ns = last != INT64_MIN ? s->first.ns - last : 0;
}

static void
fill_witnesses(
    const struct ledger *l, const struct reading *r, int64_t from, struct record_stall *s)
{
	/*
	 * the head's first transmission may have arrived, and its ACK not: what was sent behind it
	 * is of this stall
	 */
	int64_t begun =
	    s->chain_len > 0 && s->chain[0].ns < s->first.ns ? s->chain[0].ns : s->first.ns;
	uint64_t begun_frame = begun == s->first.ns ? s->first.frame : s->chain[0].frame;

	s->first_of_size = true;
	s->pieces_came =
	    l->side[r->dir].sums.super_came_ns != 0 && l->side[r->dir].sums.super_came_ns < begun;
	for (uint32_t i = 0; i < r->tx_count; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];

		/* stamps may be coarse: of the same moment the frame before came before */
		s->pieces_came = s->pieces_came ||
		    ((g->ns < begun || (g->ns == begun && g->frame < begun_frame)) &&
			super_came(l, r, x));
		if (s->u != 0 && g->w >= s->u && g->ns < from)
			s->first_of_size = false;
		s->lost_else += x->lost && !x->super && (g->ns < begun || g->ns > s->lost_last.ns);
		if (!x->lost || x->super || (s->u != 0 && g->w < s->u) || g->ns < from)
			continue;
		s->fragment_trains += (g->bits & SEG_FRAGMENTED) != 0;
		if (s->lost_count < RECORD_CHAIN)
			s->lost_frames[s->lost_count++] = seg_moment(g);
	}
	if (s->u != 0)
		for (uint32_t i = 0; i < l->side[r->dir].sums.size_count; i++)
			if (l->side[r->dir].sums.sizes[i].w >= s->u)
				s->first_of_size = false;
}

/* B's side of the episode: window, unreadable options, life. */
static void
fill_peer(const struct ledger *l, const struct reading *r, int64_t from, struct record_stall *s)
{
	int64_t alive = 2 * r->rtt > SECOND ? 2 * r->rtt : SECOND;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];

		if (seg_s2c(g) == (r->dir == 1) || (g->flags & (TCP_RST | TCP_SYN)))
			continue;
		if (g->bits & SEG_OPTIONS_CUT)
			s->options_cut = true;
		if (g->ns < from)
			continue;
		if (g->window == 0 && g->ns <= s->last.ns)
			s->zero_window = true;
		if (g->ns > from + alive)
			s->peer_seen = true;
	}
	s->one_sided = l->side[!r->dir].packets == 0;
}

static void
stall_fill(const struct ledger *l, const struct reading *r, const struct totals *t,
    const struct chain *c, int64_t t_end, struct record_stall *s)
{
	struct liveness v;
	struct repeats p;
	struct interval in;
	int64_t from;

	memset(s, 0, sizeof(*s));
	s->key.m = (uint32_t)r->dir;
	s->from = l->end[r->dir];
	s->to = l->end[!r->dir];
	s->head = r->point[c->k] > l->side[r->dir].low
	    ? (uint64_t)(r->point[c->k] - l->side[r->dir].low)
	    : 0;
	s->proven = sums_proven(t, c->from, c->to, NULL);
	s->u = least_lost_above(t, s->proven);
	fill_chain(l, r, c->k, s->proven, s);
	fill_delivery(l, r, c->k, s);
	fill_later(l, r, c->k, s);
	fill_again(l, r, c->k, s);
	from = episode_from(l, r, c->k, s->u, s);
	fill_idle(l, r, s);
	fill_witnesses(l, r, from, s);
	fill_peer(l, r, from, s);
	in = (struct interval){ from, INT64_MAX, s->u };
	live_read(l, r, &in, t_end, &v, &p);
	s->live = v.bits;
	memcpy(s->live_at, v.at, sizeof(s->live_at));
	s->peer_repeats = p.count;
	s->peer_repeats_after_ack = p.after_ack;
	if (p.last != NULL)
		s->peer_repeat_at = seg_moment(p.last);
	/* S4: for an outage from the second transmission to the last lost one, any size */
	in = (struct interval){ s->chain_len > 1 ? s->chain[1].ns : from, s->lost_last.ns - 1, 0 };
	live_read(l, r, &in, t_end, &v, &p);
	s->live_any = v.bits;
	in.from = s->first.ns;
	in.to = s->lost_last.ns;
	repeats_read(l, r, &in, &p);
	s->peer_new = p.news;
}

void
stalls_add(struct stall_list *list, const struct record_stall *s)
{
	uint32_t least = 0;

	if (list->count < list->room) {
		list->at[list->count++] = *s;
		return;
	}
	list->dropped++;
	for (uint32_t i = 1; i < list->count; i++)
		if (list->at[i].chain_lost < list->at[least].chain_lost)
			least = i;
	if (list->count > 0 && list->at[least].chain_lost < s->chain_lost)
		list->at[least] = *s;
}

void
stalls_find(const struct ledger *l, const struct reading *r, const struct totals *t, uint32_t until,
    int64_t t_end, struct stall_list *out)
{
	struct chain told[16], best, c;
	uint32_t n = 0, room = l->limits.stalls < 16 ? l->limits.stalls : 16;
	struct record_stall s;

	while (n < room && any_lost(r)) {
		best.lost = 0;
		best.above = 0;
		for (uint32_t k = 0; k + 1 < r->points; k++) {
			if (r->cover_at[k + 1] - r->cover_at[k] < 2 ||
			    r->tx[r->cover[r->cover_at[k]]].seg >= until)
				continue;
			if (!chain_read(l, r, k, sums_proven(t, INT64_MIN, 0, NULL), t_end, &c) ||
			    chain_told(&c, told, n))
				continue;
			if (best.lost == 0 || chain_better(&c, &best))
				best = c;
		}
		if (best.lost == 0)
			return;
		told[n++] = best;
		stall_fill(l, r, t, &best, t_end, &s);
		stalls_add(out, &s);
	}
}

/* ---- at the end ------------------------------------------------------------------------ */

void
stall_complete(const struct ledger *l, int dir, const struct totals *t, struct record_stall *s)
{
	(void)l;
	(void)dir;
	s->proven = sums_proven(
	    t, s->first.ns, s->delivered.frame != 0 ? s->delivered.ns : s->last.ns, NULL);
	s->u = least_lost_above(t, s->proven);
	s->n_lost_ge = s->n_ok_ge = s->n_lost_lt = s->n_ok_lt = 0;
	for (uint32_t i = 0; i < t->size_count; i++) {
		const struct size_note *n = &t->sizes[i];

		if (s->u != 0 && n->w >= s->u) {
			s->n_lost_ge += n->lost;
			s->n_ok_ge += n->ok;
		} else {
			s->n_lost_lt += n->lost;
			s->n_ok_lt += n->ok;
		}
	}
	s->delivered_smaller = s->u != 0 && s->delivered.frame != 0 && s->delivered_w < s->u;
}

static bool
ptb_valid(const struct record_icmp_error *e)
{
	uint32_t least = e->family == 6 ? 1280 : 68;

	return e->frag_needed && e->mtu >= least && e->mtu < e->quoted_len;
}

static void
ptb_after(const struct ledger *l, const struct reading *r, int64_t at, struct record_stall *s)
{
	int64_t grace = r->rtt > 200 * MS && r->rtt < SECOND ? r->rtt : 200 * MS;

	s->ptb_after = 0;
	for (uint32_t i = 0; i < r->tx_count; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];

		s->ptb_after += !x->super && g->w > s->ptb_mtu && g->ns > at + grace &&
		    (x->lost || !x->delivered);
	}
}

void
stall_icmp(const struct ledger *l, int dir, struct record_stall *s, const struct reading *r)
{
	const struct icmp_note *best = NULL;
	uint32_t fourth = 0, n = 0;

	for (uint32_t i = 0; i < l->icmp_count; i++) {
		const struct icmp_note *m = &l->icmp[i];

		if (m->e.dir != dir || !m->e.frag_needed)
			continue;
		if (m->e.mtu == 0)
			s->ptb_zero = true;
		if (!ptb_valid(&m->e))
			continue;
		if (s->ptb_first.frame == 0 || m->e.at.ns < s->ptb_first.ns)
			s->ptb_first = m->e.at;
		if (best == NULL || m->e.mtu < best->e.mtu)
			best = m;
	}
	if (best == NULL)
		return;
	s->pieces_came = false; /* its card cuts at what it was told */
	s->ptb_mtu = best->e.mtu;
	s->ptb_from = best->e.from;
	s->ptb_cut = best->by_cut_quote;
	/* S7: did it come before the fourth lost transmission above it? */
	for (uint32_t i = 0; i < s->chain_len && n < 4; i++)
		if (s->chain[i].lost && (s->chain[i].super || s->chain[i].w > s->ptb_mtu)) {
			n++;
			fourth = i;
		}
	s->ptb_late = n == 4 && s->chain[fourth].ns < best->e.at.ns;
	ptb_after(l, r, best->e.at.ns, s);
}
