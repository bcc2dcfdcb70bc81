/*
 * ledger_window.c - which transmission delivered which byte (diagnosis 0.2).
 *
 * One direction of the window is cut at every boundary of a segment into
 * intervals; each interval knows the transmissions that cover it and the
 * packet that acknowledged it.  Everything else follows from that.
 */
#include "flow/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

enum { COVER_FACTOR = 16, COVER_LEAST = 1024, SACK_CACHE = 4 };

static const int64_t silence_least = 3 * SECOND;

/* ---- reading a direction --------------------------------------------------------- */

static bool
is_data(const struct seg *g, int dir)
{
	return seg_s2c(g) == (dir == 1) && seg_is_data(g);
}

static int
point_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* First point >= v. */
static uint32_t
point_find(const struct reading *r, int64_t v)
{
	uint32_t lo = 0, hi = r->points;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->point[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Room for n transmissions, each of which may be an interval of its own. */
static bool
reading_room(struct reading *r, uint32_t n)
{
	size_t points = 2 * (size_t)n + 1;
	uint8_t *p = malloc(n * (sizeof(struct tx) + sizeof(uint32_t)) + points * (sizeof(int64_t) + 2) +
	    2 * (points + 1) * sizeof(uint32_t));

	if (p == NULL)
		return false;
	r->memory = p;
	r->point = (int64_t *)(void *)p;
	p += points * sizeof(int64_t);
	r->tx = (struct tx *)(void *)p;
	p += n * sizeof(struct tx);
	r->cover_at = (uint32_t *)(void *)p;
	p += (points + 1) * sizeof(uint32_t);
	r->by = (uint32_t *)(void *)p;
	p += (points + 1) * sizeof(uint32_t);
	r->cover = (uint32_t *)(void *)p;
	p += n * sizeof(uint32_t);
	r->early = p;
	r->times = p + points;
	return true;
}

static void
points_sort(int64_t *point, uint32_t *n)
{
	uint32_t kept = 0;

	qsort(point, *n, sizeof(point[0]), point_compare);
	for (uint32_t i = 0; i < *n; i++)
		if (kept == 0 || point[i] != point[kept - 1])
			point[kept++] = point[i];
	*n = kept;
}

/* The transmissions, and where the intervals begin and end. */
static void
reading_points(const struct ledger *l, struct reading *r)
{
	const struct side *s = &l->side[r->dir];
	bool sorted = true;
	uint32_t n = 0;

	r->plain = true;
	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t rel, end;

		if (!is_data(g, r->dir))
			continue;
		r->tx[r->tx_count++] = (struct tx){ .seg = i, .prev = INT64_MIN, .super = seg_super(l, g) };
		rel = side_rel(s, g->seq);
		end = n > 0 ? r->point[n - 1] : rel;
		sorted = sorted && end <= rel;
		r->plain = r->plain && end == rel;
		if (n == 0 || end != rel)
			r->point[n++] = rel;
		r->point[n++] = rel + g->len;
	}
	if (!sorted)
		points_sort(r->point, &n);
	r->points = n;
	memset(r->early, 0, n);
}

static void
cover_plain(struct reading *r)
{
	for (uint32_t i = 0; i < r->tx_count; i++) {
		r->tx[i].lo = i;
		r->tx[i].hi = i + 1;
		r->cover_at[i] = i;
		r->cover[i] = i;
	}
	r->cover_at[r->tx_count] = r->tx_count;
}

/* The transmissions of every interval, in order; at most `budget' in all. */
static void
cover_tangle(const struct ledger *l, struct reading *r, uint32_t budget)
{
	const struct side *s = &l->side[r->dir];
	uint32_t used = 0, hint = 0;

	memset(r->cover_at, 0, (r->points + 1) * sizeof(r->cover_at[0]));
	for (uint32_t i = 0; i < r->tx_count; i++) {
		struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];
		int64_t rel = side_rel(s, g->seq);

		x->lo = hint < r->points && r->point[hint] == rel ? hint : point_find(r, rel);
		x->hi = x->lo;
		while (x->hi + 1 < r->points && r->point[x->hi] < rel + g->len && used < budget) {
			r->cover_at[x->hi + 1]++;
			x->hi++;
			used++;
		}
		r->truncated = r->truncated || r->point[x->hi] < rel + g->len;
		hint = x->hi;
	}
	for (uint32_t k = 0; k < r->points; k++)
		r->cover_at[k + 1] += r->cover_at[k];
	for (uint32_t k = 0; k < r->points; k++)
		r->by[k] = r->cover_at[k];	/* for a moment: where the next one goes */
	for (uint32_t i = 0; i < r->tx_count; i++)
		for (uint32_t k = r->tx[i].lo; k < r->tx[i].hi; k++)
			r->cover[r->by[k]++] = i;
}

static bool
reading_cover(const struct ledger *l, struct reading *r)
{
	uint32_t budget = r->tx_count * COVER_FACTOR + COVER_LEAST;

	if (r->plain) {
		cover_plain(r);
	} else {
		if ((r->tangle = malloc(budget * sizeof(r->cover[0]))) == NULL)
			return false;
		r->cover = r->tangle;
		cover_tangle(l, r, budget);
	}
	for (uint32_t k = 0; k < r->points; k++)
		r->by[k] = NEVER;
	return true;
}

static inline uint32_t
cover_count(const struct reading *r, uint32_t k)
{
	return r->cover_at[k + 1] - r->cover_at[k];
}

/* Segment `ack' acknowledged interval k. */
static void
interval_acked(struct reading *r, uint32_t k, uint32_t ack)
{
	if (r->by[k] != NEVER || cover_count(r, k) == 0)
		return;
	r->by[k] = ack;
	r->early[k] = r->tx[r->cover[r->cover_at[k]]].seg > ack;
}

struct sack_cache {
	int64_t		lo;
	uint32_t	k;
};

static bool
sack_is_duplicate(const struct side *s, const struct span32 *b, uint32_t n, uint32_t i, int64_t acked)
{
	int64_t lo = side_rel(s, b[i].lo), hi = side_rel(s, b[i].hi);

	return hi <= acked || (i == 0 && n > 1 && side_rel(s, b[1].lo) <= lo && hi <= side_rel(s, b[1].hi));
}

static void
reading_sack(const struct ledger *l, struct reading *r, uint32_t at, int64_t acked, struct sack_cache *cache)
{
	const struct side *s = &l->side[r->dir];
	const struct seg *g = &l->segs[at];
	const struct span32 *b = &l->sacks[g->sack];
	uint32_t n = seg_sacks(g);

	for (uint32_t i = 0; i < n; i++) {
		int64_t lo = side_rel(s, b[i].lo), hi = side_rel(s, b[i].hi);
		struct sack_cache *c = &cache[i];
		uint32_t k;

		if (sack_is_duplicate(s, b, n, i, acked))
			continue;
		k = c->k != NEVER && c->lo == lo ? c->k : point_find(r, lo);
		for (; k + 1 < r->points && r->point[k + 1] <= hi; k++)
			interval_acked(r, k, at);
		c->lo = lo;
		c->k = k;
	}
}

static void
reading_acks(const struct ledger *l, struct reading *r)
{
	const struct side *s = &l->side[r->dir];
	struct sack_cache cache[8];
	int64_t acked = INT64_MIN;
	uint32_t k = 0;

	for (uint32_t i = 0; i < 8; i++)
		cache[i].k = NEVER;
	for (; k + 1 < r->points && r->point[k + 1] <= s->floor; k++)
		if (cover_count(r, k) > 0) {	/* delivered before this window */
			r->by[k] = r->tx[r->cover[r->cover_at[k]]].seg;
			r->early[k] = 1;
		}
	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t rel;

		if (seg_s2c(g) == (r->dir == 1) || !(g->flags & TCP_ACK) || (g->flags & TCP_RST))
			continue;
		rel = side_rel(s, g->ack);
		if (!side_near(s, rel))
			continue;
		acked = rel > acked ? rel : acked;
		for (; k + 1 < r->points && r->point[k + 1] <= rel; k++) {
			bool fresh = r->by[k] == NEVER;

			interval_acked(r, k, i);
			if (fresh && r->by[k] == i && !r->early[k] && cover_count(r, k) == 1) {
				int64_t d = g->ns - l->segs[r->tx[r->cover[r->cover_at[k]]].seg].ns;

				r->delay = d < r->delay ? d : r->delay;
			}
		}
		if (seg_sacks(g) > 0)
			reading_sack(l, r, i, acked, cache);
	}
}

bool
reading_take(const struct ledger *l, int dir, struct reading *r)
{
	uint32_t n = 0;

	memset(r, 0, sizeof(*r));
	r->dir = dir;
	r->delay = INT64_MAX;
	r->rtt = SECOND;
	for (uint32_t i = 0; i < l->count; i++)
		n += is_data(&l->segs[i], dir);
	if (!reading_room(r, n))
		return false;
	reading_points(l, r);
	if (!reading_cover(l, r)) {
		reading_free(r);
		return false;
	}
	reading_acks(l, r);
	return true;
}

void
reading_free(struct reading *r)
{
	free(r->memory);
	free(r->tangle);
	r->memory = r->tangle = NULL;
}

/* ---- losses (S1) ------------------------------------------------------------------- */

/* (a), (b): sent again before anything acknowledged it. */
static void
losses_followed(const struct ledger *l, struct reading *r)
{
	for (uint32_t k = 0; k + 1 < r->points; k++) {
		uint32_t n = cover_count(r, k);
		const uint32_t *c = &r->cover[r->cover_at[k]];

		for (uint32_t i = 0; i < n; i++) {
			struct tx *x = &r->tx[c[i]];
			int64_t before = i > 0 ? l->segs[r->tx[c[i - 1]].seg].ns : INT64_MIN;

			x->prev = before > x->prev ? before : x->prev;
			x->again = x->again || i > 0 || r->point[k] < l->side[r->dir].floor;
			x->delivered = x->delivered && r->by[k] != NEVER;
			if (i + 1 == n)
				continue;
			x->followed = true;
			if (!r->early[k] && (r->by[k] == NEVER || r->by[k] > r->tx[c[i + 1]].seg))
				x->lost = true;
		}
	}
}

/* (c): the last of a chain, and then long silence. */
static void
losses_last(const struct ledger *l, struct reading *r, int64_t t_end)
{
	for (uint32_t i = 0; i < r->tx_count; i++) {
		struct tx *x = &r->tx[i];
		int64_t ns = l->segs[x->seg].ns, wait;

		if (x->followed || x->delivered || x->prev == INT64_MIN)
			continue;
		wait = 2 * (ns - x->prev);
		x->lost = t_end - ns >= (wait > silence_least ? wait : silence_least);
	}
}

/* A D-SACK that tells of bytes sent at least twice: the latest "lost" one was not. */
static void
losses_refuted(const struct ledger *l, struct reading *r, uint32_t at, int64_t lo, int64_t hi)
{
	uint32_t worst = NEVER, sent = 0;

	for (uint32_t k = point_find(r, lo); k + 1 < r->points && r->point[k] < hi; k++)
		for (uint32_t i = r->cover_at[k]; i < r->cover_at[k + 1] && r->tx[r->cover[i]].seg < at; i++) {
			const struct tx *x = &r->tx[r->cover[i]];

			sent++;
			if (x->lost && !x->refuted && (worst == NEVER || r->cover[i] > worst))
				worst = r->cover[i];
		}
	(void)l;
	if (worst != NEVER && sent >= 2) {
		r->tx[worst].lost = false;
		r->tx[worst].refuted = true;
	}
}

static void
losses_duplicates(const struct ledger *l, struct reading *r)
{
	const struct side *s = &l->side[r->dir];
	int64_t acked = INT64_MIN;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t rel;

		if (seg_s2c(g) == (r->dir == 1) || !(g->flags & TCP_ACK) || (g->flags & TCP_RST))
			continue;
		rel = side_rel(s, g->ack);
		acked = rel > acked ? rel : acked;
		if (seg_sacks(g) > 0 && sack_is_duplicate(s, &l->sacks[g->sack], seg_sacks(g), 0, acked))
			losses_refuted(l, r, i, side_rel(s, l->sacks[g->sack].lo), side_rel(s, l->sacks[g->sack].hi));
	}
}

/* The open byte with the most losses: their number, least size and last time. */
static uint32_t
open_chain(const struct ledger *l, const struct reading *r, uint32_t *w, int64_t *last)
{
	uint32_t best = 0;

	for (uint32_t k = 0; k + 1 < r->points; k++) {
		uint32_t n = 0, least = UINT32_MAX;
		int64_t ns = INT64_MIN;

		if (r->by[k] != NEVER || cover_count(r, k) <= best)
			continue;
		for (uint32_t i = r->cover_at[k]; i < r->cover_at[k + 1]; i++) {
			const struct tx *x = &r->tx[r->cover[i]];

			if (!x->lost)
				continue;
			n++;
			ns = l->segs[x->seg].ns;
			if (!x->super && l->segs[x->seg].w < least)
				least = l->segs[x->seg].w;
		}
		if (n > best) {
			best = n;
			*w = least;
			*last = ns;
		}
	}
	return best;
}

/* (d): sent once while a chain of at least as small segments stood open. */
static void
losses_beside(const struct ledger *l, struct reading *r)
{
	uint32_t w = UINT32_MAX;
	int64_t last = INT64_MIN;

	if (open_chain(l, r, &w, &last) < 3)
		return;
	for (uint32_t i = 0; i < r->tx_count; i++) {
		struct tx *x = &r->tx[i];

		if (!x->lost && !x->refuted && !x->delivered && !x->followed && !x->super
		    && l->segs[x->seg].w >= w && l->segs[x->seg].ns <= last)
			x->lost = true;
	}
}

/* Where nothing was sent twice nothing is known to be lost. */
static void
losses_none(const struct ledger *l, struct reading *r)
{
	for (uint32_t i = 0; i < r->tx_count; i++) {
		r->tx[i].again = r->point[i] < l->side[r->dir].floor;
		r->tx[i].delivered = r->by[i] != NEVER;
	}
}

void
reading_judge_losses(const struct ledger *l, struct reading *r, int64_t t_end)
{
	if (r->plain) {
		losses_none(l, r);
		return;
	}
	for (uint32_t i = 0; i < r->tx_count; i++)
		r->tx[i].delivered = r->tx[i].hi > r->tx[i].lo;
	losses_followed(l, r);
	losses_last(l, r, t_end);
	losses_duplicates(l, r);
	losses_beside(l, r);
}

/* ---- clean proof -------------------------------------------------------------------- */

uint32_t
reading_clean(const struct ledger *l, const struct reading *r, uint32_t k, uint32_t *tx)
{
	uint32_t least = 0;
	int64_t from;

	if (r->by[k] == NEVER || r->early[k] || r->point[k] < l->side[r->dir].tainted)
		return 0;
	from = l->segs[r->by[k]].ns - DELACK - 4 * r->rtt;
	for (uint32_t i = r->cover_at[k]; i < r->cover_at[k + 1]; i++) {
		const struct tx *x = &r->tx[r->cover[i]];
		const struct seg *g = &l->segs[x->seg];

		if (x->seg > r->by[k])
			break;
		if (g->ns < from)
			continue;
		if (x->super)
			return 0;
		if (least == 0 || g->w < least) {
			least = g->w;
			*tx = r->cover[i];
		}
	}
	return least;
}

static void
account_clean(const struct ledger *l, const struct reading *r, uint32_t until, struct totals *t)
{
	for (uint32_t k = 0; k + 1 < r->points; k++) {
		uint32_t tx = 0, w;
		struct size_note *n;
		const struct seg *g;

		if (cover_count(r, k) == 0 || r->tx[r->cover[r->cover_at[k]]].seg >= until)
			continue;
		w = reading_clean(l, r, k, &tx);
		if (w == 0)
			continue;
		g = &l->segs[r->tx[tx].seg];
		n = sums_size(t, w);
		if (!n->clean) {
			n->clean = true;
			n->clean_first = g->ns;
			n->clean_frame = g->frame;
			n->clean_frame_ns = g->ns;
		}
		n->clean_last = g->ns;
	}
}

/* ---- sums of transmissions -------------------------------------------------------------- */

static void
account_repair(struct totals *t, const struct seg *g)
{
	if (t->repair_first.frame == 0)
		t->repair_first = seg_moment(g);
	t->repair_last = seg_moment(g);
	if (g->w > t->repair_w_max) {
		t->repair_w_max = g->w;
		t->repair_w_max_count = 0;
	}
	t->repair_w_max_count += g->w == t->repair_w_max;
	for (uint32_t i = 0; i < t->repair_size_count && i < 4; i++)
		if (t->repair_w[i] == g->w)
			return;
	if (t->repair_size_count < 4)
		t->repair_w[t->repair_size_count] = g->w;
	if (t->repair_size_count < 255)
		t->repair_size_count++;
}

static bool
tx_clean(const struct ledger *l, const struct reading *r, const struct tx *x)
{
	int64_t limit = l->segs[x->seg].ns + DELACK + 4 * r->rtt;

	if (x->lost || !x->delivered || x->super)
		return false;
	for (uint32_t k = x->lo; k < x->hi; k++)
		if (r->early[k] || r->by[k] < x->seg || l->segs[r->by[k]].ns > limit)
			return false;
	return true;
}

static void
account_size(const struct ledger *l, const struct reading *r, const struct tx *x, struct totals *t)
{
	const struct seg *g = &l->segs[x->seg];
	struct size_note *n;

	if (x->super) {
		t->super_segments++;
		t->super_bytes += g->len;
		return;
	}
	if (!x->lost && !x->delivered)
		return;
	n = sums_size(t, g->w);
	if (!x->lost) {
		n->ok++;
	} else {
		if (n->lost++ == 0)
			n->lost_first = g->ns;
		n->lost_last = g->ns;
		t->fragment_lost += (g->bits & SEG_FRAGMENTED) != 0;
	}
	if (g->w <= SMALL_W && tx_clean(l, r, x)) {
		if (t->small_ok_first.frame == 0)
			t->small_ok_first = seg_moment(g);
		t->small_ok_last = seg_moment(g);
	}
}

static void
account_tx(const struct ledger *l, const struct reading *r, const struct tx *x, struct totals *t)
{
	const struct seg *g = &l->segs[x->seg];
	bool fill = (g->bits & SEG_FILL) != 0;

	account_size(l, r, x, t);
	if (fill) {
		t->hole_fills++;
		t->ranges++;
		account_repair(t, g);
	} else if (x->again && !x->super && x->hi > x->lo) {
		if (r->times[x->lo] < 255)
			r->times[x->lo]++;
		t->ranges += r->times[x->lo] == 1;
		t->retransmissions += r->times[x->lo] <= 2;	/* S13: at most 2 per byte */
		account_repair(t, g);
	}
	if (t->repair_first.frame != 0 && g->w > t->w_after_repair)
		t->w_after_repair = g->w;
	t->data_ns = g->ns;
}

void
reading_account(const struct ledger *l, const struct reading *r, uint32_t until, struct totals *t)
{
	account_clean(l, r, until, t);
	memset(r->times, 0, r->points);
	for (uint32_t i = 0; i < r->tx_count && r->tx[i].seg < until; i++)
		account_tx(l, r, &r->tx[i], t);
	if (r->delay < t->ack_delay)
		t->ack_delay = r->delay;
}

bool
reading_has_losses(const struct reading *r, uint32_t until)
{
	for (uint32_t i = 0; i < r->tx_count && !r->plain && r->tx[i].seg < until; i++)
		if (r->tx[i].lost)
			return true;
	return false;
}

/* ---- both directions ---------------------------------------------------------------- */

bool
readings_take(const struct ledger *l, int64_t t_end, struct readings *r)
{
	int64_t delay[2];

	if (!reading_take(l, 0, &r->dir[0]))
		return false;
	if (!reading_take(l, 1, &r->dir[1])) {
		reading_free(&r->dir[0]);
		return false;
	}
	for (int d = 0; d < 2; d++) {
		delay[d] = r->dir[d].delay;
		if (l->side[d].sums.ack_delay < delay[d])
			delay[d] = l->side[d].sums.ack_delay;
	}
	r->rtt = ledger_rtt(l, delay, &r->rtt_known);
	for (int d = 0; d < 2; d++) {
		r->dir[d].rtt = r->rtt;
		reading_judge_losses(l, &r->dir[d], t_end);
	}
	return true;
}

void
readings_free(struct readings *r)
{
	reading_free(&r->dir[0]);
	reading_free(&r->dir[1]);
}
