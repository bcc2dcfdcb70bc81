/*
 * rule_upstream.c - path-outage before the capture: what the sender went on sending never came
 * here, and its IP IDs tell of it (S11).
 */
#include "correlator/facts/path_facts.h"

enum { ID_LEAST = 3, ID_BURST = 8, ID_MOST = 2000 };

/*
 * Packets had been lost before, one by one, and no more vanish now than one that is sent again and
 * again.
 */
static bool
was_lossy(const struct record_direction *a)
{
	return a->id_gap < ID_BURST && a->repair_first.frame != 0 &&
	    a->repair_first.ns < a->id_gap_from.ns;
}

/*
 * Windows counts the packets of all its connections together; who begins with a TTL of 64 and
 * counts, those of each.
 */
static bool
counts_each(const struct way *w)
{
	return w->a->ttl <= 64;
}

/*
 * It was on to bytes that never came here, or in the middle of a message: between two it may wait
 * for somebody.
 */
static bool
had_to_send(const struct way *w)
{
	const struct record_direction *a = w->a;
	int64_t begun;

	return way_in_content(w, a->id_gap_from.ns, a->id_gap_to.ns, &begun) ||
	    (a->hole_seen.ns >= a->id_gap_to.ns &&
		a->hole_seen.ns < a->id_gap_to.ns + PATH_SECOND + 2 * w->rtt);
}

/*
 * Where the sender itself is captured they left its network stack and never came to the tap: no
 * carrier, or a filter of its own. A packet that the interface is to cut counts as many, and may
 * have gone before.
 */
static bool
ids_count(const struct record_direction *a)
{
	return a->ids_step && (!a->at_sender || a->super_segments == 0);
}

/*
 * How surely the missing IDs are packets of this connection; at the sender a capture that lost them
 * looks the same.
 */
static enum confidence
ids_tell(const struct way *w)
{
	bool sending = had_to_send(w), own = counts_each(w);

	return sending && own && !w->a->at_sender ? CONFIDENCE_PROBABLE
	    : sending || own                      ? CONFIDENCE_POSSIBLE
						  : CONFIDENCE_CANNOT_TELL;
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		const struct record_direction *a = w.a;
		enum confidence conf = ids_tell(&w);
		bool others =
		    !had_to_send(&w) || !counts_each(&w); /* they may be of other connections */
		struct finding *f;

		if (conf == CONFIDENCE_CANNOT_TELL || !way_two_sided(&w) ||
		    way_claimed(&w, out, 4, 7) || !ids_count(a) || !a->id_gap_big_before ||
		    a->id_gap < ID_LEAST || a->id_gap > ID_MOST || a->acked_unseen > 0 ||
		    was_lossy(a))
			continue;
		f = verdict_add(out, FINDING_PATH_OUTAGE, way_gate(&w, conf), w.c, d);
		finding_subkind(f, "before-the-capture");
		finding_span(f, &a->id_gap_from, &a->id_gap_to);
		f->over = true;
		evidence_frames(
		    finding_says(f, w.c->point,
			"%.1f s of silence over which %u IP IDs of the sender are missing: "
			"it went on sending, and nothing %s",
			seconds(a->id_gap_to.ns - a->id_gap_from.ns), a->id_gap,
			a->at_sender ? "of that is here" : "came"),
		    &a->id_gap_from, &a->id_gap_to);
		finding_summary(f,
		    "For %.1f s nothing of this sender %s here although it sent %u packets: %s%s.",
		    seconds(a->id_gap_to.ns - a->id_gap_from.ns),
		    a->at_sender ? "was captured" : "came", a->id_gap,
		    a->at_sender
			? "its own line was down (cable, Wi-Fi), its own packet filter dropped them, or this capture lost them"
			: "the path before this point, or the line captured here, was down",
		    !others ? ""
			    : ", unless it sent them to others and "
			      "had nothing to say here");
		if (a->at_sender) {
			finding_subkind(f, "at-the-sender");
			finding_remedy(f,
			    "Look at the sender's own machine: its cable or Wi-Fi (its system log says when the link went down and came back), its "
			    "packet filter.");
		}
		if (a->at_sender)
			finding_next_capture(f, "a line that was down",
			    "a capture that lost packets", "what came onto the line",
			    "on a mirror port of its switch");
		else if (conf != CONFIDENCE_PROBABLE)
			finding_next_capture(f, "a path that was down",
			    "a sender that paused and sent elsewhere",
			    "what the sender sent meanwhile", "at the sender");
		else
			finding_exclude(
			    f, FINDING_SENDER_APP_PAUSE, "the sender's packet counter went on");
		finding_exclude(f, FINDING_PMTU_BLACK_HOLE, "full-size packets came here before");
	}
}

const struct rule rule_upstream = { "upstream", RULE_MAIL, judge, true };
