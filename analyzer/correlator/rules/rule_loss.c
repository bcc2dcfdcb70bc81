/*
 * rule_loss.c - high-loss and size-dependent-loss (S13); repairs that all fit a
 * smaller path are an obeyed "fragmentation needed" seen elsewhere.
 */
#include "correlator/facts/chance.h"
#include "correlator/facts/stalls.h"

#define RATE_LEAST  0.03
#define RATE_SEVERE 0.10
#define P_SIZE      1e-3

enum {
	SEGMENTS_LEAST = 12,
	REPAIRS_LEAST = 4,
	RANGES_LEAST = 3,
	SEGMENTS_SURE = 50,
	SHRUNK_LEAST = 3,
	DOWN_LEAST = 4,
	OVERTAKEN = 2,
	MOSTLY = 10
};
enum { TOLD_LEAST_V4 = 552, TOLD_LEAST_V6 = 1280 }; /* Linux obeys no less; RFC 8201 */

/*
 * Lost before this point.  Where others overtake many, and nothing but the time tells what was sent
 * again, the latest of them look so.
 */
static uint32_t
repairs_before(const struct way *w)
{
	const struct record_direction *a = w->a;

	return a->overtaken < OVERTAKEN * a->fills_timed || a->hole_fills < a->fills_timed
	    ? a->hole_fills
	    : a->hole_fills - a->fills_timed;
}

/* Their handshake says so. */
static bool
without_sack(const struct way *w)
{
	return !(w->a->sack_ok && w->b->sack_ok) && w->v->c->conn->state != CONN_MIDSTREAM;
}

static uint32_t
sent_again(const struct way *w)
{
	uint32_t k = w->a->retransmissions,
		 had = w->a->dsacks > w->a->needless ? w->a->dsacks : w->a->needless;

	return k - (had < k ? had : k);
}

/*
 * Lost behind it.  Without SACK a sender goes back over what had arrived: only the byte that the
 * receiver waits for is surely missing there.
 */
static uint32_t
repairs_behind(const struct way *w)
{
	uint32_t k = sent_again(w);

	return without_sack(w) && w->a->again_first < k ? w->a->again_first : k;
}

static uint32_t
repairs(const struct way *w)
{
	return repairs_behind(w) + repairs_before(w);
}

/*
 * Packets with data, as on the wire: what the card cuts only behind the capture counts as what it
 * becomes.  Not those of which nobody can say whether they arrived.
 */
static uint64_t
packets_sent(const struct way *w)
{
	const struct record_direction *a = w->a;
	uint32_t full = (a->ceiling > w->headers ? a->ceiling : 1500) - w->headers,
		 untold = sent_again(w) - repairs_behind(w);
	uint64_t n = a->data_segments - a->super_segments + (a->super_bytes + full - 1) / full;

	return n > untold ? n - untold : 0;
}

/*
 * Something larger went before: seen here and lost, or lost before it came here by a sender whose
 * own link takes more.  Else the repairs are as large as what was lost, and say nothing of sizes.
 */
static bool
was_larger(const struct way *w)
{
	const struct record_direction *a = w->a;

	for (uint32_t i = 0; i < a->size_count; i++)
		if (a->sizes[i].w > a->repair_w_max && a->sizes[i].lost > 0)
			return true;
	return a->super_segments > 0 ||
	    (a->hole_fills > 0 && (a->mss == 0 || a->repair_w_max < a->mss + w->headers));
}

/*
 * Three repairs or more, all below C and of a size that routers tell, nothing larger arrived: the
 * sender learned a size.
 */
static bool
shrunk(const struct way *w)
{
	const struct record_direction *a = w->a;
	uint32_t c = a->ceiling != 0 ? a->ceiling : 1500,
		 least = w->from->family == 6 ? TOLD_LEAST_V6 : TOLD_LEAST_V4;

	return a->retransmissions + a->hole_fills >= SHRUNK_LEAST && a->repair_w_max < c &&
	    !a->larger_after_repair && a->repair_sizes <= 3 && a->repair_w_max_count >= 2 &&
	    a->repair_w_max >= least && a->proven <= a->repair_w_max && was_larger(w);
}

static void
judge_shrunk(const struct way *w, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_ICMP_FRAG_NEEDED_OBEYED, CONFIDENCE_POSSIBLE, w->c, w->dir);
	struct mtu_bounds b = { .family = w->from->family, .proven = w->a->proven };

	mtu_told(&b, w->a->repair_w_max);
	mtu_estimate(&b, f);
	finding_span(f, &w->a->repair_first, &w->a->repair_last);
	evidence_frames(
	    finding_says(f, w->c->point,
		"every repeated packet has at most %u bytes, and nothing larger follows",
		w->a->repair_w_max),
	    &w->a->repair_first, &w->a->repair_last);
	finding_summary(f,
	    "The sender changed to packets of at most %u bytes, as one does whom a router told so; no such message is in this capture.",
	    w->a->repair_w_max);
	finding_exclude(f, FINDING_HIGH_LOSS, "only packets above that size were repeated");
}

/* The bound between sizes that tells most; Bonferroni over the bounds tried. */
static bool
size_matters(const struct way *w, uint32_t *bound)
{
	const struct record_direction *a = w->a;
	double best = 1;
	uint32_t tried = 0;

	for (uint32_t i = 1; i < a->size_count; i++) {
		uint32_t bl = 0, bo = 0, sl = 0, so = 0;
		double p;

		for (uint32_t j = 0; j < a->size_count; j++) {
			if (j >= i) {
				bl += a->sizes[j].lost;
				bo += a->sizes[j].ok;
			} else {
				sl += a->sizes[j].lost;
				so += a->sizes[j].ok;
			}
		}
		tried++;
		p = fisher(bl, bo, sl, so);
		if (bo > 0 && p < best) {
			best = p;
			*bound = a->sizes[i].w;
		}
	}
	return tried > 0 && best * tried <= P_SIZE && a->proven >= *bound;
}

/*
 * Losses before this point, of packets whose size nobody saw, and nothing of full size ever comes:
 * the large ones may be lost for their size alone.
 */
static bool
size_unseen(const struct way *w)
{
	return w->a->hole_fills > w->a->retransmissions &&
	    w->a->w_max < (w->a->ceiling != 0 ? w->a->ceiling : 1500);
}

/*
 * A receiver without SACK cannot say that it had had what came again (D-SACK): packets that
 * overtook each other may have made the sender repeat.  What was lost before this point was lost.
 */
static bool
may_be_needless(const struct way *w)
{
	return w->a->retransmissions > w->a->hole_fills && without_sack(w);
}

/*
 * A repetition that the capture lacks cuts one burst of losses in two: so many breaks are to be
 * expected.
 */
static uint32_t
breaks_likely(const struct way *w, uint32_t k)
{
	uint64_t all = w->a->acked, unseen = w->a->acked_unseen < all ? w->a->acked_unseen : 0;
	uint64_t q = capture_q_permille(w->c->capture),
		 own = all > 0 ? (unseen * 1000 + all - 1) / all : 0;

	q = own > q ? own : q;
	return q == 0 ? 0 : q >= 1000 ? k : (uint32_t)((k * q + 999 - q) / (1000 - q));
}

/*
 * The same bytes in vain again and again, at last heard, and nothing else heard meanwhile: the path
 * was down, or dropped them for their size, and what was lost with them is one event, no rate.
 */
struct interruptions {
	uint32_t count, lost; /* transmissions */
	bool down;            /* some came as large as before: no matter of size */
};

static struct interruptions
interruptions_of(const struct way *w)
{
	struct interruptions t = { 0 };
	const struct record_stall *s;
	uint32_t i = 0;

	while ((s = way_stall(w, &i)) != NULL) {
		uint32_t all = s->n_lost_ge + s->n_lost_lt;

		if (s->chain_count < DOWN_LEAST || !moment_is(&s->delivered))
			continue;
		t.down = t.down || !s->delivered_smaller;
		if (s->live_any != 0 || s->later_delivered > 0 || stall_by_chance(s, s->lost_else))
			continue;
		t.count++;
		t.lost += all > s->lost_else ? all - s->lost_else : 0;
	}
	return t;
}

static const char *
lost_where(uint32_t before, uint32_t behind)
{
	if (before > behind)
		return behind * MOSTLY > before ? "mostly between the sender and this capture"
						: "between the sender and this capture";
	return before * MOSTLY > behind ? "mostly between this capture and the receiver"
					: "between this capture and the receiver";
}

static void
judge_rate(const struct way *w, uint32_t k, const struct interruptions *t, struct verdicts *out)
{
	uint64_t n = packets_sent(w);
	double rate = (double)k / (double)n;
	uint32_t bound = 0, fills = repairs_before(w), before = fills < k ? fills : k;
	bool size = size_matters(w, &bound) && !t->down, unseen = size_unseen(w);
	bool doubt = way_mixed_up(w) || (may_be_needless(w) && breaks_likely(w, k) > 0);
	struct finding *f = verdict_add(out, size ? FINDING_SIZE_DEPENDENT_LOSS : FINDING_HIGH_LOSS,
	    unseen                                          ? CONFIDENCE_CANNOT_TELL
		: doubt                                     ? CONFIDENCE_POSSIBLE
		: n >= SEGMENTS_SURE && !may_be_needless(w) ? CONFIDENCE_CONFIRMED
							    : CONFIDENCE_PROBABLE,
	    w->c, w->dir);

	finding_span(f, &w->a->repair_first, &w->a->repair_last);
	evidence_frames(
	    finding_says(f, w->c->point,
		"%u of %s%llu segments were repeated (%.1f %%; here the first and the last): %u had passed here before, %u had not",
		k, w->a->super_segments > 0 ? "about " : "", (unsigned long long)n, 100 * rate,
		k - before, before),
	    &w->a->repair_first, &w->a->repair_last);
	if (t->count > 0)
		finding_says(f, w->c->point,
		    "besides, %u time%s the same bytes were lost again and again: what was lost then is not counted",
		    t->count, PLURAL(t->count));
	if (size)
		finding_says(f, w->c->point,
		    "packets of %u bytes and more are lost far more often than smaller ones, but some arrive",
		    bound);
	if (may_be_needless(w))
		finding_says(f, w->c->point,
		    "these ends do not use SACK: some may have been repeated because packets overtook each other");
	if (repairs_behind(w) < sent_again(w))
		finding_says(f, w->c->point,
		    "%u more were sent again behind those and may have arrived before: without SACK nobody says, and they are not counted",
		    sent_again(w) - repairs_behind(w));
	finding_summary(f, "%.0f %% of the packets are lost (%s)%s. The loss lies %s.%s",
	    100 * rate, rate >= RATE_SEVERE ? "severe" : "noticeable",
	    size ? ", large ones more than small ones" : "", lost_where(before, k - before),
	    unseen
		? " None of full size comes here: it may be their size for which they are lost, and no fault of the line."
		: "");
	if (unseen)
		finding_next_capture(f, "losses by chance",
		    "large packets that vanish (pmtu-black-hole-recovered)",
		    "the lost packets, and any of full size",
		    "at the sender, or on its side of the router");
	else
		finding_exclude(
		    f, FINDING_PMTU_BLACK_HOLE, "packets of %u bytes arrive", w->a->proven);
	finding_exclude(f, FINDING_CAPTURE_LOSS,
	    "packets really were sent again; bytes that only the capture lacks are not counted");
}

/*
 * The capture holds packets twice, and some larger than the cable carries: the same bytes in
 * another cut are the copy from behind the interface, and no repetition.
 */
static bool
cut_anew(const struct way *w)
{
	return w->a->super_segments > 0 && w->c->capture != NULL && w->c->capture->duplicates > 0;
}

/*
 * Nobody repeats a SYN, and its answer, within half a second (RFC 6298 2.1: one): the capture holds
 * this connection twice, as two ends of a long link show it whose captures were made one.  Where
 * nothing in its packets tells which are copies about each second one looks sent again.
 */
static bool
seen_twice(const struct way *w)
{
	const struct record_connection *c = w->c->conn;

	return c->syn_count > 1 && c->synack_count > 1 &&
	    c->syn[1].ns - c->syn[0].ns < PATH_SECOND / 2 &&
	    c->synack_last.ns - c->synack_first.ns < PATH_SECOND / 2 &&
	    w->a->retransmissions >= w->a->data_segments / 5 * 2;
}

static void
judge_way(const struct way *w, struct verdicts *out)
{
	struct interruptions t = interruptions_of(w);
	uint32_t k = repairs(w), other = k > t.lost ? k - t.lost : 0;
	uint64_t n = packets_sent(w);

	if (shrunk(w)) {
		judge_shrunk(w, out);
		return;
	}
	if (n < SEGMENTS_LEAST || other < REPAIRS_LEAST ||
	    w->a->repair_ranges < RANGES_LEAST + t.count + breaks_likely(w, k) || n > UINT32_MAX ||
	    w->a->all_lost_above_proven)
		return;
	if (wilson_lower(other, (uint32_t)n) >= RATE_LEAST)
		judge_rate(w, other, &t, out);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		if (!way_two_sided(&w) || cut_anew(&w) || seen_twice(&w) || way_told(&w).any ||
		    way_claimed(&w, out, 4, 9) ||
		    verdict_claimed(out, v->c, d, FINDING_ICMP_FRAG_NEEDED_OBEYED) != NULL ||
		    w.b->options_cut)
			continue;
		judge_way(&w, out);
	}
}

const struct rule rule_loss = { "loss", RULE_MAIL, judge, false };
