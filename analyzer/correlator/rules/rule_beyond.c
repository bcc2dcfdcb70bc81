/*
 * rule_beyond.c - what goes wrong before this point.  The black hole seen from
 * behind (S9): no large packet ever comes here, but a small one whose sequence
 * number lies ahead of what came by what large ones hold.  A piece of the
 * content that never comes, while its neighbours do.
 */
#include "correlator/facts/dialogue.h"
#include "correlator/facts/path_say.h"

#include <stdio.h>

#define TIMEOUTS_NS (PATH_SECOND / 2)

enum {
	SEGMENTS_ALONE = 4,
	SEGMENTS_WITH_IDS = 2,
	LARGE_LEAST = 536,
	LATER = 3,
	PIECE = 2,
	IDS_LEAST = 3
};

/*
 * What is missing is one or more of the packets that come here, as large as they are: no other size
 * was lost.
 */
static bool
hole_of_usual(const struct way *w)
{
	const struct record_direction *a = w->a;
	uint32_t head = w->headers + (a->timestamps ? 12 : 0),
		 usual = a->w_max > head ? a->w_max - head : 0;

	return a->hole_segments == 0 &&
	    (a->hole_bytes <= usual || (usual >= LARGE_LEAST && a->hole_bytes % usual == 0));
}

static bool
plausible(const struct way *w)
{
	const struct record_direction *a = w->a;

	return a->hole_seen.frame != 0 && !a->hole_acked && a->ceiling != 0 && !hole_of_usual(w) &&
	    !way_full_size_seen(w, a->ceiling, a->hole_seen.ns);
}

static int64_t
hole_open(const struct way *w)
{
	int64_t end = w->a->hole_filled.frame != 0 ? w->a->hole_filled.ns : w->c->conn->t_end;

	return way_lasted(w, w->a->hole_seen.ns, end);
}

/* max(3 s, 7 RTO0). */
static int64_t
patience(const struct way *w)
{
	int64_t rto = 2 * w->rtt > 3 * PATH_SECOND / 10 ? 2 * w->rtt : 3 * PATH_SECOND / 10;

	if (!w->c->conn->rtt_known)
		rto = PATH_SECOND;
	return 7 * rto > 3 * PATH_SECOND ? 7 * rto : 3 * PATH_SECOND;
}

static void
fill(struct finding *f, const struct way *w)
{
	const struct record_direction *a = w->a;
	struct mtu_bounds b = {
		.family = w->from->family, .proven = a->proven, .lost = a->ceiling
	};
	char full[40] = "";

	if (a->hole_segments > 0)
		snprintf(full, sizeof(full), " (%u full segment%s)", a->hole_segments,
		    PLURAL(a->hole_segments));
	mtu_estimate(&b, f);
	evidence_frame(
	    finding_says(f, w->c->point,
		"a small packet whose sequence number lies %llu bytes ahead of what came here%s: "
		"small packets pass, the large ones before it did not",
		(unsigned long long)a->hole_bytes, full),
	    &a->hole_seen);
	if (a->hole_id_jump > 0)
		finding_says(f, w->c->point,
		    "the sender's IP IDs tell of %u packet%s sent that never came", a->hole_id_jump,
		    PLURAL(a->hole_id_jump));
	if (a->proven_at.frame != 0)
		evidence_frame(finding_says(f, w->c->point,
				   "the largest packet that did arrive: %u bytes", a->proven),
		    &a->proven_at);
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
	finding_exclude(
	    f, FINDING_CAPTURE_LOSS, "the receiver did not acknowledge the missing bytes either");
	say_mtu_remedy(f, w);
}

static void
judge_open(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	struct finding *f;

	/*
	 * a sender that a router told of a larger size than passes cuts what it had: the hole is no
	 * whole number
	 */
	if (a->hole_segments < 1 &&
	    (a->hole_bytes < 2 * (uint64_t)LARGE_LEAST || hole_open(w) < patience(w) ||
		(w->from->family == 4 && a->hole_id_jump < SEGMENTS_WITH_IDS)))
		return;
	if (a->hole_segments > 0 && hole_open(w) < patience(w) &&
	    a->hole_segments < SEGMENTS_ALONE &&
	    (a->hole_segments < SEGMENTS_WITH_IDS || a->hole_id_jump < a->hole_segments))
		return;
	/*
	 * Never surer: from behind nobody can tell a router that is silent from
	 * one that the sender does not listen to.
	 */
	f = verdict_add(
	    out, FINDING_PMTU_BLACK_HOLE, way_gate(w, CONFIDENCE_POSSIBLE), w->c, w->dir);
	fill(f, w);
	/* from the last that did come: behind it they began to be missing */
	finding_span(f,
	    moment_before(&a->data_last, &a->hole_seen) && moment_is(&a->data_last) ? &a->data_last
										    : &a->hole_seen,
	    &w->c->conn->last);
	finding_summary(f,
	    "Seen at the receiving side: full-size packets (%u bytes) of the sender never come here, its small ones do; %llu bytes are missing. "
	    "Somewhere before this point large packets vanish, unheard or unheeded by the sender.",
	    a->ceiling, (unsigned long long)a->hole_bytes);
	finding_exclude(
	    f, FINDING_HIGH_LOSS, "no full-size packet of this sender was seen here at all");
	finding_next_capture(f, "a path-MTU black hole",
	    "a router's message about the size that the sender ignores",
	    "the sender's large packets and their repetitions",
	    "at the sender, or on its side of the router");
}

static void
judge_filled(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	bool sure = hole_open(w) >= 3 * PATH_SECOND;
	struct finding *f;

	/*
	 * one whom a router told repeats within a round trip; one who found out by himself, after
	 * two timeouts
	 */
	if (!a->hole_filled_smaller || hole_open(w) < TIMEOUTS_NS + 4 * w->rtt ||
	    (!sure && !w->c->conn->rtt_known))
		return;
	f = verdict_add(out, FINDING_PMTU_BLACK_HOLE_RECOVERED,
	    way_gate(w, sure ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), w->c, w->dir);
	fill(f, w);
	evidence_frame(finding_says(f, w->c->point,
			   "the missing bytes come after %.1f s, and nothing of full size follows",
			   seconds(hole_open(w))),
	    &a->hole_filled);
	finding_span(f, &a->hole_seen, &a->hole_filled);
	f->over = true;
	finding_summary(f,
	    "Seen at the receiving side: full-size packets (%u bytes) never come here; after %.1f s the sender repeats their bytes in smaller ones, "
	    "and these come.",
	    a->ceiling, seconds(hole_open(w)));
	finding_exclude(
	    f, FINDING_HIGH_LOSS, "no full-size packet of this sender was seen here at all");
	if (!sure)
		finding_next_capture(f, "a sender that found the size by itself",
		    "one that a router told late", "what the sender repeated, and ICMP",
		    "at the sender");
}

/*
 * A silence over which the sender's IDs ran on, behind it a hole for what had vanished in it, and
 * all that comes then is smaller: nothing was seen beyond the hole while it lasted.
 */
static bool
silence_recovered(const struct way *w)
{
	const struct record_direction *a = w->a;

	return a->hole_filled_smaller && a->ids_step && a->id_gap >= IDS_LEAST &&
	    !a->id_gap_big_before && a->hole_seen.ns >= a->id_gap_to.ns &&
	    a->hole_seen.ns - a->id_gap_to.ns < PATH_SECOND + 2 * w->rtt &&
	    a->hole_bytes >= 2 * (uint64_t)a->ceiling && a->proven > LARGE_LEAST;
}

static void
judge_silence(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	struct mtu_bounds b = {
		.family = w->from->family, .proven = a->proven, .lost = a->ceiling
	};
	double silent = seconds(a->id_gap_to.ns - a->id_gap_from.ns);
	struct finding *f =
	    verdict_add(out, FINDING_PMTU_BLACK_HOLE_RECOVERED, CONFIDENCE_POSSIBLE, w->c, w->dir);

	mtu_estimate(&b, f);
	finding_span(f, &a->id_gap_from, &a->hole_filled);
	f->over = true;
	evidence_frames(
	    finding_says(f, w->c->point,
		"%.1f s of silence over which %u IP IDs of the sender are missing: what it sent "
		"did not come",
		silent, a->id_gap),
	    &a->id_gap_from, &a->id_gap_to);
	evidence_frame(finding_says(f, w->c->point, "it had been on to %llu bytes further",
			   (unsigned long long)a->hole_bytes),
	    &a->hole_seen);
	evidence_frame(finding_says(f, w->c->point,
			   "what comes then is never larger than %u bytes, although %u are agreed",
			   a->w_max, a->ceiling),
	    &a->hole_filled);
	finding_summary(f,
	    "Seen at the receiving side: for %.1f s what the sender sent did not come here; then it repeats all of it in packets of at most %u bytes. "
	    "Full-size packets (%u bytes) never come: either they vanish before this point and the sender found a smaller size, or the path was down and "
	    "this sender makes no larger ones.",
	    silent, a->w_max, a->ceiling);
	finding_exclude(
	    f, FINDING_HIGH_LOSS, "no full-size packet of this sender was seen here at all");
	finding_exclude(
	    f, FINDING_CAPTURE_LOSS, "the receiver did not acknowledge the missing bytes either");
	say_mtu_remedy(f, w);
	finding_next_capture(f, "large packets that vanish", "a path that was down",
	    "the sender's large packets and their repetitions",
	    "at the sender, or on its side of the router");
}

/* ---- one piece that never comes, full-size packets before and behind it do --------------- */

static bool
piece_missing(const struct way *w)
{
	const struct record_direction *a = w->a;
	const struct stretch *gone = a->unseen;

	return a->unseen_count == 1 && a->ceiling != 0 && a->w_max >= a->ceiling &&
	    gone->bytes <= PIECE * (uint64_t)a->ceiling && a->acked == gone->at &&
	    a->stream_bytes >= gone->at + gone->bytes + LATER * (uint64_t)LARGE_LEAST &&
	    w->c->conn->t_end - a->data_last.ns >= patience(w);
}

static void
judge_piece(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	const struct stretch *gone = a->unseen;
	struct finding *f = verdict_add(
	    out, FINDING_INLINE_CONTENT_DROP, way_gate(w, CONFIDENCE_POSSIBLE), w->c, w->dir);

	finding_span(f, &a->data_first, &a->data_last);
	evidence_frame(
	    finding_says(f, w->c->point,
		"%llu bytes of the stream, from byte %llu on, never come here; %llu bytes behind them do, the last of "
		"them here",
		(unsigned long long)gone->bytes, (unsigned long long)gone->at,
		(unsigned long long)(a->stream_bytes - gone->at - gone->bytes)),
	    &a->data_last);
	finding_says(f, w->c->point,
	    "the receiver acknowledges up to there and no further; for %.1f s nothing fills the hole",
	    seconds(w->c->conn->t_end - a->data_last.ns));
	finding_summary(f,
	    "Seen at the receiving side: one piece of the content, at byte %llu of the stream, never comes here, while its neighbours of the same "
	    "size do. Something before this point drops it each time it is sent, or the sender could not repeat it (its path died right then).",
	    (unsigned long long)gone->at);
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE, "packets of %u bytes do arrive", a->w_max);
	finding_exclude(
	    f, FINDING_CAPTURE_LOSS, "the receiver did not acknowledge the missing bytes either");
	finding_next_capture(f, "a piece that is dropped each time",
	    "a path that died right behind it", "the sender's repetitions",
	    "at the sender, or on its side of the router");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		/* 0.6.8: only if 4, 6 and 7 are silent; any PTB switches it off */
		if (!way_two_sided(&w) || way_told(&w).any || way_claimed(&w, out, 4, 7))
			continue;
		if (w.b->zero_to.ns > w.b->zero_from.ns && w.b->zero_to.ns >= w.a->hole_seen.ns)
			continue;
		if (piece_missing(&w))
			judge_piece(&w, out);
		else if (plausible(&w) && w.a->hole_filled.frame == 0)
			judge_open(&w, out);
		else if (plausible(&w) && silence_recovered(&w))
			judge_silence(&w, out);
		else if (plausible(&w))
			judge_filled(&w, out);
	}
}

const struct rule rule_beyond = { "beyond", RULE_MAIL, judge, false };
