/*
 * rule_beyond.c - the black hole seen from behind (S9): no large packet ever
 * comes here, but a small one whose sequence number lies a whole number of
 * full segments ahead of what came.
 */
#include "path_facts.h"

enum { SEGMENTS_ALONE = 4, SEGMENTS_WITH_IDS = 2 };

static bool
plausible(const struct way *w)
{
	const struct record_direction *a = w->a;

	return a->hole_seen.frame != 0 && !a->hole_acked && a->ceiling != 0
	    && !way_full_size_seen(w, a->ceiling, a->hole_seen.ns);
}

static int64_t
hole_open(const struct way *w)
{
	int64_t end = w->a->hole_filled.frame != 0 ? w->a->hole_filled.ns : w->c->conn->t_end;

	return end - w->a->hole_seen.ns;
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
	struct mtu_bounds b = { .family = w->from->family, .proven = a->proven, .lost = a->ceiling };
	struct finding_evidence *e;

	mtu_estimate(&b, f);
	e = finding_says(f, w->c->point, "a small packet whose sequence number lies %llu bytes ahead of what came here (%u full segments): "
	    "small packets pass, the large ones before it did not", (unsigned long long)a->hole_bytes, a->hole_segments);
	evidence_frame(e, &a->hole_seen);
	if (a->hole_id_jump > 0)
		finding_says(f, w->c->point, "the sender's IP IDs tell of %u packets that were sent and never came", a->hole_id_jump);
	if (a->proven_at.frame != 0)
		evidence_frame(finding_says(f, w->c->point, "the largest packet that did arrive: %u bytes", a->proven), &a->proven_at);
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
	finding_exclude(f, FINDING_CAPTURE_LOSS, "the receiver did not acknowledge the missing bytes either");
	say_mtu_remedy(f, w);
}

static void
judge_open(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	struct finding *f;

	if (a->hole_segments < 1)
		return;
	if (hole_open(w) < patience(w) && a->hole_segments < SEGMENTS_ALONE
	    && (a->hole_segments < SEGMENTS_WITH_IDS || a->hole_id_jump < a->hole_segments))
		return;
	/*
	 * Never surer: from behind nobody can tell a router that is silent from
	 * one that the sender does not listen to.
	 */
	f = verdict_add(out, FINDING_PMTU_BLACK_HOLE, way_gate(w, CONFIDENCE_POSSIBLE), w->c, w->dir);
	fill(f, w);
	finding_span(f, &a->hole_seen, &w->c->conn->last);
	finding_summary(f, "Seen from behind: full-size packets (%u bytes) of the sender never come here, its small ones do; %llu bytes are missing. "
	    "Somewhere before this point large packets vanish, unheard or unheeded by the sender.", a->ceiling, (unsigned long long)a->hole_bytes);
	finding_exclude(f, FINDING_HIGH_LOSS, "no full-size packet of this sender was seen here at all");
	finding_next_capture(f, "a path-MTU black hole", "a router's message about the size that the sender ignores", "the sender's large packets and their repetitions",
	    "at the sender, or on its side of the router");
}

static void
judge_filled(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	struct finding *f;

	if (!a->hole_filled_smaller || hole_open(w) < 3 * PATH_SECOND)
		return;
	f = verdict_add(out, FINDING_PMTU_BLACK_HOLE_RECOVERED, way_gate(w, CONFIDENCE_PROBABLE), w->c, w->dir);
	fill(f, w);
	evidence_frame(finding_says(f, w->c->point, "the missing bytes come after %.1f s, and nothing of full size follows",
	    seconds(hole_open(w))), &a->hole_filled);
	finding_span(f, &a->hole_seen, &a->hole_filled);
	finding_summary(f, "Seen from behind: full-size packets (%u bytes) never come here; after %.1f s the sender repeats their bytes in smaller ones, "
	    "and these come.", a->ceiling, seconds(hole_open(w)));
	finding_exclude(f, FINDING_HIGH_LOSS, "no full-size packet of this sender was seen here at all");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		/* 0.6.8: only if 4, 6 and 7 are silent; any PTB switches it off */
		if (!way_two_sided(&w) || way_told(&w).any || way_claimed(&w, out, 4, 7) || !plausible(&w))
			continue;
		if (w.b->zero_to.ns > w.b->zero_from.ns && w.b->zero_to.ns >= w.a->hole_seen.ns)
			continue;
		if (w.a->hole_filled.frame != 0)
			judge_filled(&w, out);
		else
			judge_open(&w, out);
	}
}

const struct rule rule_beyond = { "beyond", RULE_CASE, judge };
