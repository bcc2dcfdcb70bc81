/*
 * ledger_account.c - what a reading of the window tells of each transmission,
 * added to the sums: which sizes arrived, which were lost, what was repaired.
 */
#include "flow/ledger/ledger_impl.h"

#include <string.h>

enum { STRETCH_MOST = 64 }; /* intervals */

/* Most segments are as large as the one before: `n' is its note, NULL = none. */
static inline struct size_note *
note_of(struct totals *t, struct size_note *n, uint32_t w)
{
	return n != NULL && n->w == w ? n : sums_size(t, w);
}

/*
 * reading_clean() where each interval has one transmission, and that is not acknowledged before it
 * is seen.
 */
static inline uint32_t
plain_clean(const struct ledger *l, const struct reading *r, uint32_t k)
{
	const struct tx *x = &r->tx[k];
	const struct seg *g = &l->segs[x->seg];

	if (!x->delivered || x->super || r->point[k] < l->side[r->dir].tainted)
		return 0;
	return l->segs[r->by[k]].ns - g->ns <= r->patience ? g->w : 0;
}

static void
account_clean(const struct ledger *l, const struct reading *r, uint32_t until, struct totals *t)
{
	struct size_note *n = NULL;

	for (uint32_t k = 0; k + 1 < r->points; k++) {
		uint32_t tx = k, w;
		const struct seg *g;

		if (cover_count(r, k) == 0 || r->tx[r->cover[r->cover_at[k]]].seg >= until)
			continue;
		w = r->plain ? plain_clean(l, r, k) : reading_clean(l, r, k, &tx);
		if (w == 0)
			continue;
		g = &l->segs[r->tx[tx].seg];
		n = note_of(t, n, w);
		if (!n->clean) {
			n->clean = true;
			n->clean_first = g->ns;
			n->clean_frame = g->frame;
		}
		n->clean_last = g->ns;
	}
}

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
	int64_t limit = l->segs[x->seg].ns + r->patience;

	if (x->lost || !x->delivered)
		return false;
	for (uint32_t k = x->lo; k < x->hi; k++)
		if (r->early[k] || r->by[k] < x->seg || l->segs[r->by[k]].ns > limit)
			return false;
	return true;
}

/* The card cut it into the largest packets there are; but not where its sender had shrunk. */
bool
super_came(const struct ledger *l, const struct reading *r, const struct tx *x)
{
	return x->super && !x->again && (l->segs[x->seg].flags & SEG_MANY) == 0 &&
	    tx_clean(l, r, x);
}

static void
account_size(const struct ledger *l, const struct reading *r, const struct tx *x, struct totals *t,
    struct size_note **last)
{
	const struct seg *g = &l->segs[x->seg];
	struct size_note *n;

	if (x->super) {
		t->super_segments++;
		t->super_bytes += g->len;
		if (t->super_came_ns == 0 && super_came(l, r, x))
			t->super_came_ns = g->ns;
		return;
	}
	if (!x->lost && !x->delivered)
		return;
	n = *last = note_of(t, *last, g->w);
	if (!x->lost) {
		n->ok++;
	} else {
		n->lost++;
		t->fragment_lost += (g->bits & SEG_FRAGMENTED) != 0;
	}
	if (g->w <= SMALL_W && tx_clean(l, r, x)) {
		if (t->small_ok_first.frame == 0)
			t->small_ok_first = seg_moment(g);
		t->small_ok_last = seg_moment(g);
	}
}

/* The kept range that the segment goes on from; RANGES_OPEN: none. */
static uint32_t
range_ending(const struct totals *t, uint32_t seq)
{
	uint32_t kept = t->ranges < RANGES_OPEN ? t->ranges : RANGES_OPEN, i = 0;

	while (i < kept && t->range[i].hi != seq)
		i++;
	return i < kept ? i : RANGES_OPEN;
}

/*
 * Where the stretch begins whose repetitions the capture lacks, right before x: what was sent once
 * and, with SACK, acknowledged far later than it takes to arrive.  It is of the same interruption.
 */
static uint32_t
stretch_begin(const struct ledger *l, const struct reading *r, const struct tx *x)
{
	uint32_t k = x->lo, tx;

	if (!l->side[0].sack_ok || !l->side[1].sack_ok)
		return l->segs[x->seg].seq;
	while (k > 0 && x->lo - k < STRETCH_MOST && cover_count(r, k - 1) == 1 &&
	    r->by[k - 1] != NEVER && !r->early[k - 1] && reading_clean(l, r, k - 1, &tx) == 0)
		k--;
	return l->segs[x->seg].seq - (uint32_t)(r->point[x->lo] - r->point[k]);
}

/*
 * Repairs one behind the other heal one interruption, or go back over what had arrived: one range.
 * So do those that come up to one begun before: the last segment of a flight is sent again first,
 * as a probe (RFC 8985 7).
 */
static void
account_range(const struct ledger *l, const struct reading *r, const struct tx *x, struct totals *t)
{
	const struct seg *g = &l->segs[x->seg];
	uint32_t i = range_ending(t, g->seq), end = g->seq + g->len, kept;
	struct span32 span;

	if (i == RANGES_OPEN && t->ranges > 0)
		i = range_ending(t, stretch_begin(l, r, x));
	span = (struct span32){ i < RANGES_OPEN ? t->range[i].lo : g->seq, end };
	if (i == RANGES_OPEN) {
		t->ranges++;
		i = RANGES_OPEN - 1;
	}
	memmove(t->range + 1, t->range, i * sizeof(span));
	t->range[0] = span;
	kept = t->ranges < RANGES_OPEN ? t->ranges : RANGES_OPEN;
	for (i = 1; i < kept; i++)
		if (t->range[i].lo == end) {
			t->range[0].hi = t->range[i].hi;
			memmove(
			    t->range + i, t->range + i + 1, (RANGES_OPEN - 1 - i) * sizeof(span));
			t->range[RANGES_OPEN - 1] = span;
			t->ranges--;
			break;
		}
}

/*
 * Its first byte was acknowledged before, or so soon that the answer is to an earlier transmission;
 * or it follows that sooner than any answer can come for want of which it would be sent again
 * (copies of IPv6, which has no IP ID).
 */
static bool
had_arrived(
    const struct ledger *l, const struct reading *r, const struct tx *x, const struct totals *t)
{
	int64_t delay = r->delay < t->ack_delay ? r->delay : t->ack_delay;

	if (r->early[x->lo] || r->by[x->lo] == NEVER)
		return false;
	if (r->rtt != SECOND && x->prev != INT64_MIN && l->segs[x->seg].ns - x->prev < r->rtt / 2)
		return true;
	return r->by[x->lo] < x->seg ||
	    (delay != INT64_MAX && reading_by_ns(l, r, x->lo) - l->segs[x->seg].ns < delay);
}

/*
 * All before it is acknowledged, and it is not: the receiver waits for this byte.  Without SACK
 * those behind it may have arrived, and are sent again because nobody says so.
 */
static bool
is_first(const struct reading *r, const struct tx *x)
{
	return (x->lo == 0 || r->by[x->lo - 1] < x->seg) && r->by[x->lo] > x->seg;
}

static void
account_tx(const struct ledger *l, const struct reading *r, const struct tx *x, struct totals *t,
    struct size_note **last)
{
	const struct seg *g = &l->segs[x->seg];
	bool fill = (g->bits & SEG_FILL) != 0;

	account_size(l, r, x, t, last);
	if (fill) {
		t->hole_fills++;
		account_range(l, r, x, t);
		account_repair(t, g);
	} else if (x->again && !x->super && x->hi > x->lo) {
		bool had = had_arrived(l, r, x, t);

		if (r->times[x->lo] < 255)
			r->times[x->lo]++;
		/* a needless one alone heals nothing */
		if (r->times[x->lo] == 1 && (!had || range_ending(t, g->seq) < RANGES_OPEN))
			account_range(l, r, x, t);
		if (r->times[x->lo] <= 2) { /* S13: at most 2 per byte */
			t->retransmissions++;
			t->needless += had;
			t->again_first += is_first(r, x);
		}
		account_repair(t, g);
	} else if (x->again && range_ending(t, g->seq) < RANGES_OPEN) {
		account_range(l, r, x, t); /* in one large piece: it goes on */
	}
	if (t->repair_first.frame != 0 && g->w > t->w_after_repair)
		t->w_after_repair = g->w;
	t->data_ns = g->ns;
}

void
reading_account(const struct ledger *l, const struct reading *r, uint32_t until, struct totals *t)
{
	struct size_note *last = NULL;

	account_clean(l, r, until, t);
	memset(r->times, 0, r->points);
	for (uint32_t i = 0; i < r->tx_count && r->tx[i].seg < until; i++)
		account_tx(l, r, &r->tx[i], t, &last);
	if (r->delay < t->ack_delay)
		t->ack_delay = r->delay;
}
