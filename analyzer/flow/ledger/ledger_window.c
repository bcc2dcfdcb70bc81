/*
 * ledger_window.c - which transmission delivered which byte (diagnosis 0.2).
 *
 * One direction of the window is cut at every boundary of a segment into
 * intervals; each interval knows the transmissions that cover it and the
 * packet that acknowledged it.  Everything else follows from that.
 */
#include "flow/ledger/ledger_impl.h"

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
	uint8_t *p = malloc(n * (sizeof(struct tx) + sizeof(uint32_t)) +
	    points * (sizeof(int64_t) + 2) + 2 * (points + 1) * sizeof(uint32_t));

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

void
reading_free(struct reading *r)
{
	free(r->memory);
	free(r->tangle);
	r->memory = r->tangle = NULL;
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

static inline void
reading_add(struct reading *r, uint32_t at, bool super)
{
	r->tx[r->tx_count++] = (struct tx){ .seg = at, .prev = INT64_MIN, .super = super };
}

/* The transmissions, and where the intervals begin and end. */
static void
reading_points(const struct ledger *l, struct reading *r)
{
	const struct side *s = &l->side[r->dir];
	const uint32_t largest = side_largest(l, r->dir);
	bool sorted = true;
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t rel, end;

		if (!is_data(g, r->dir))
			continue;
		reading_add(r, i, seg_super(g, largest));
		rel = side_rel(s, g->seq);
		end = n > 0 ? r->point[n - 1] : rel;
		sorted = sorted && end <= rel;
		if (n == 0 || end != rel)
			r->point[n++] = rel;
		r->point[n++] = rel + g->len;
	}
	if (!sorted)
		points_sort(r->point, &n);
	r->points = n;
	memset(r->early, 0, n);
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
		r->by[k] = r->cover_at[k]; /* for a moment: where the next one goes */
	for (uint32_t i = 0; i < r->tx_count; i++)
		for (uint32_t k = r->tx[i].lo; k < r->tx[i].hi; k++)
			r->cover[r->by[k]++] = i;
}

static bool
reading_cover(const struct ledger *l, struct reading *r)
{
	uint32_t budget = r->tx_count * COVER_FACTOR + COVER_LEAST;

	if ((r->tangle = malloc(budget * sizeof(r->cover[0]))) == NULL)
		return false;
	r->cover = r->tangle;
	cover_tangle(l, r, budget);
	for (uint32_t k = 0; k < r->points; k++)
		r->by[k] = NEVER;
	return true;
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
	int64_t lo;
	uint32_t k;
};

static bool
sack_is_duplicate(
    const struct side *s, const struct span32 *b, uint32_t n, uint32_t i, int64_t acked)
{
	int64_t lo = side_rel(s, b[i].lo), hi = side_rel(s, b[i].hi);

	return hi <= acked ||
	    (i == 0 && n > 1 && side_rel(s, b[1].lo) <= lo && hi <= side_rel(s, b[1].hi));
}

static void
reading_sack(
    const struct ledger *l, struct reading *r, uint32_t at, int64_t acked, struct sack_cache *cache)
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
		if (cover_count(r, k) > 0) { /* delivered before this window */
			r->by[k] = r->tx[r->cover[r->cover_at[k]]].seg;
			r->early[k] = 1;
		}
	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t rel;

		if (!seg_is_ack(g, r->dir))
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

/* ---- what nothing happened to ----------------------------------------------------- */

/* It goes on where the last one ended, and is an interval of its own. */
static inline void
plain_data(const struct ledger *l, struct reading *r, uint32_t at, int64_t rel, bool super)
{
	uint32_t k = r->tx_count;

	reading_add(r, at, super);
	r->tx[k].lo = k;
	r->tx[k].hi = k + 1;
	r->tx[k].again = rel < l->side[r->dir].floor;
	r->point[k] = rel;
	r->point[k + 1] = rel + l->segs[at].len;
	r->cover_at[k] = r->cover[k] = k;
	r->by[k] = NEVER;
	r->early[k] = 0;
}

static inline void
plain_acked(const struct ledger *l, struct reading *r, uint32_t k, uint32_t at)
{
	int64_t d = l->segs[at].ns - l->segs[r->tx[k].seg].ns;

	r->by[k] = at;
	r->tx[k].delivered = true;
	r->delay = d < r->delay ? d : r->delay;
	r->late |= d > DELACK;
}

/*
 * Most directions go on without a hole, a repeat or a SACK, and nothing is
 * acknowledged before it is seen: each segment is looked at once.  False:
 * something else came, and the reading begins anew.
 */
static bool
reading_plain(const struct ledger *l, struct reading *r)
{
	const struct side *s = &l->side[r->dir];
	const uint32_t largest = side_largest(l, r->dir);
	int64_t acked = s->floor;
	uint32_t k = 0; /* the first that is not acknowledged */

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];
		int64_t rel;

		if (is_data(g, r->dir)) {
			rel = side_rel(s, g->seq);
			if ((r->tx_count > 0 && rel != r->point[r->tx_count]) ||
			    rel + g->len <= acked)
				return false;
			plain_data(l, r, i, rel, seg_super(g, largest));
		} else if (seg_is_ack(g, r->dir)) {
			rel = side_rel(s, g->ack);
			if (seg_sacks(g) > 0)
				return false;
			if (rel <= acked || !side_near(s, rel))
				continue;
			acked = rel;
			for (; k < r->tx_count && r->point[k + 1] <= rel; k++)
				plain_acked(l, r, k, i);
		}
	}
	r->points = r->tx_count > 0 ? r->tx_count + 1 : 0;
	r->cover_at[r->tx_count] = r->tx_count;
	r->plain = true;
	return true;
}

/* `n' data segments.  False: no memory. */
static bool
reading_take(const struct ledger *l, int dir, uint32_t n, struct reading *r)
{
	*r = (struct reading){
		.dir = dir, .delay = INT64_MAX, .rtt = SECOND, .patience = DELACK + 4 * SECOND
	};
	if (!reading_room(r, n))
		return false;
	if (reading_plain(l, r))
		return true;
	r->tx_count = 0;
	r->delay = INT64_MAX;
	r->late = false;
	reading_points(l, r);
	if (!reading_cover(l, r)) {
		reading_free(r);
		return false;
	}
	reading_acks(l, r);
	return true;
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

/* The last packet that acknowledges this direction; NULL: none. */
static const struct seg *
last_ack(const struct ledger *l, const struct reading *r)
{
	for (uint32_t i = l->count; i-- > 0;)
		if (seg_is_ack(&l->segs[i], r->dir))
			return &l->segs[i];
	return NULL;
}

/*
 * (c): the last of a chain, and then long silence; or the receiver speaks, late, and still asks for
 * its first byte.
 */
static void
losses_last(const struct ledger *l, struct reading *r, int64_t t_end)
{
	const struct seg *said = last_ack(l, r);
	int64_t asks = said != NULL ? side_rel(&l->side[r->dir], said->ack) : INT64_MIN;

	for (uint32_t i = 0; i < r->tx_count; i++) {
		struct tx *x = &r->tx[i];
		int64_t ns = l->segs[x->seg].ns, wait;

		if (x->followed || x->delivered || x->prev == INT64_MIN)
			continue;
		wait = 2 * (ns - x->prev);
		x->lost = t_end - ns >= (wait > silence_least ? wait : silence_least) ||
		    (r->point[x->lo] == asks && said->ns > ns + DELACK + 4 * r->rtt);
	}
}

/*
 * It was sent no longer before all its bytes were acknowledged than an answer may take: it may have
 * brought them.
 */
static bool
answered_in_time(const struct ledger *l, const struct reading *r, const struct tx *x)
{
	for (uint32_t k = x->lo; k < x->hi; k++)
		if (reading_by_ns(l, r, k) - l->segs[x->seg].ns > r->patience)
			return false;
	return true;
}

/*
 * A D-SACK that tells of bytes sent at least twice: a "lost" one was not.  It came late, or its ACK
 * did: the first that the ACK may answer.  Else the first of all, whose ACK was lost: had a later
 * one come first, the receiver would not have waited for the last.
 */
static void
losses_refuted(const struct ledger *l, struct reading *r, uint32_t at, int64_t lo, int64_t hi)
{
	uint32_t worst = NEVER, late = NEVER, sent = 0;

	for (uint32_t k = point_find(r, lo); k + 1 < r->points && r->point[k] < hi; k++)
		for (uint32_t i = r->cover_at[k];
		     i < r->cover_at[k + 1] && r->tx[r->cover[i]].seg < at; i++) {
			uint32_t n = r->cover[i];
			const struct tx *x = &r->tx[n];

			sent++;
			if (!x->lost || x->refuted)
				continue;
			worst = n < worst ? n : worst;
			if (n < late && answered_in_time(l, r, x))
				late = n;
		}
	worst = late != NEVER ? late : worst;
	if (worst != NEVER && sent >= 2) {
		r->tx[worst].lost = false;
		r->tx[worst].refuted = true;
	}
}

static void
losses_duplicates(const struct ledger *l, struct reading *r)
{
	const struct side *s = &l->side[r->dir];

	for (uint32_t i = 0; i < l->count; i++) {
		const struct seg *g = &l->segs[i];

		/*
		 * below its own ACK: one that was overtaken tells of what the next one has
		 * acknowledged
		 */
		if (seg_is_ack(g, r->dir) && seg_sacks(g) > 0 &&
		    sack_is_duplicate(s, &l->sacks[g->sack], seg_sacks(g), 0, side_rel(s, g->ack)))
			losses_refuted(l, r, i, side_rel(s, l->sacks[g->sack].lo),
			    side_rel(s, l->sacks[g->sack].hi));
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

		if (!x->lost && !x->refuted && !x->delivered && !x->followed && !x->super &&
		    l->segs[x->seg].w >= w && l->segs[x->seg].ns <= last)
			x->lost = true;
	}
}

void
reading_judge_losses(const struct ledger *l, struct reading *r, int64_t t_end)
{
	if (r->plain)
		return;
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
	from = l->segs[r->by[k]].ns - r->patience;
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
	uint32_t n[2] = { 0, 0 };

	for (uint32_t i = 0; i < l->count; i++)
		n[seg_s2c(&l->segs[i])] += seg_is_data(&l->segs[i]);
	if (!reading_take(l, 0, n[0], &r->dir[0]))
		return false;
	if (!reading_take(l, 1, n[1], &r->dir[1])) {
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
		/* joined in the middle, of one side's data only: as long as others of it waited */
		r->dir[d].patience =
		    DELACK + 4 * (r->rtt_known || delay[d] > r->rtt ? r->rtt : delay[d]);
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
