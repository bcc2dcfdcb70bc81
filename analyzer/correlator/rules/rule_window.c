/* rule_window.c - zero-window-stall and window-scale-broken (diagnosis 1A, S18). */
#include "correlator/facts/path_facts.h"

#include <stdio.h>

enum { TINY_WINDOW = 1460, SAME_SIZE = 10, NO_SCALE = 255, SHRUNK = 4 };

static void
judge_zero(const struct way *w, struct verdicts *out)
{
	int64_t span = way_lasted(w, w->b->zero_from.ns, w->b->zero_to.ns);
	bool scale_known = w->c->conn->syn_count > 0 && w->c->conn->synack_count > 0 &&
	    !w->a->syn_cut && !w->b->syn_cut;
	enum confidence conf =
	    scale_known || w->b->zero_room == 0 ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
	struct finding *f;
	char room[96] = "0";

	if (conf == CONFIDENCE_PROBABLE)
		snprintf(room, sizeof(room),
		    "next to nothing (%u, times a scale that this capture does not show)",
		    w->b->zero_room);
	else if (w->b->zero_room > 0)
		snprintf(room, sizeof(room), "at most %u bytes, room for one packet or none,",
		    w->b->zero_room);
	if (w->b->zero_from.frame == 0 || span < 5 * PATH_SECOND || w->b->zero_probes == 0)
		return;
	f = verdict_add(out, FINDING_ZERO_WINDOW_STALL, conf, w->c, w->dir);
	finding_span(f, &w->b->zero_from, &w->b->zero_to);
	f->over = w->b->zero_over;
	evidence_frames(finding_says(f, w->c->point,
			    "the receiver offers a window of %s for %.1f s and answers %u probe%s",
			    room, seconds(span), w->b->zero_probes, PLURAL(w->b->zero_probes)),
	    &w->b->zero_from, &w->b->zero_to);
	finding_summary(f,
	    "The receiving program, the %s, stopped reading for %.1f s: its system still answers (%u probe%s), but has no room for data.",
	    w->dir == 0 ? "server" : "client", seconds(span), w->b->zero_probes,
	    PLURAL(w->b->zero_probes));
	if (w->dir == 1)
		finding_remedy(f,
		    "The program that fetches stopped reading while its machine still answered: look at the client for a virus scanner that reads "
		    "along, a full or slow disk, a program that hangs.");
	finding_exclude(
	    f, FINDING_PMTU_BLACK_HOLE, "the receiver itself says that it takes nothing");
	finding_exclude(f, FINDING_PATH_OUTAGE, "the probes are answered");
}

/* Of the sizes that are followed; what capture loss hid from them is neither. */
static void
exclude_size(const struct way *w, struct finding *f)
{
	uint32_t ok = 0, lost = 0;

	for (uint32_t i = 0; i < w->a->size_count; i++) {
		ok += w->a->sizes[i].ok;
		lost += w->a->sizes[i].lost;
	}
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
	    "%u segments arrived, %u did not; %llu of %llu bytes are acknowledged", ok, lost,
	    (unsigned long long)w->a->acked, (unsigned long long)w->a->stream_bytes);
}

/*
 * What it offers is far less than its first packet did: its numbers are scaled.  One whose memory
 * is small says so from the first on.
 */
static bool
has_shrunk(const struct way *w)
{
	return w->b->window_syn > SHRUNK * (uint32_t)w->b->window_median;
}

static void
report_scale(const struct way *w, enum confidence conf, const char *where, struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_WINDOW_SCALE_BROKEN, conf, w->c, w->dir);

	evidence_frames(
	    finding_says(f, w->c->point, "window scaling in the handshake: client %s, server %s%s",
		w->c->conn->dir[0].wscale != NO_SCALE ? "offers it" : "does not",
		w->c->conn->dir[1].wscale != NO_SCALE ? "agrees" : "does not",
		w->b->wscale == 0 ? " (a factor of 1)" : ""),
	    &w->c->conn->syn[0], &w->c->conn->synack_first);
	finding_says(f, w->c->point,
	    "%u segments exactly as large as the unscaled window of the other side (median %u)",
	    w->b->window_eq, w->b->window_median);
	if (has_shrunk(w))
		finding_says(f, w->c->point,
		    "its first packet, whose window is never scaled, offers %u bytes",
		    w->b->window_syn);
	finding_summary(f,
	    "The two ends do not agree about TCP window scaling: one means its window field scaled, the other takes it as bytes and sends "
	    "%u tiny segments. A device %s the option.",
	    w->b->window_eq, where);
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the window is small, not closed");
	exclude_size(w, f);
}

static void
judge_scale(const struct way *w, struct verdicts *out)
{
	const struct record_connection *c = w->c->conn;

	if (c->syn_count == 0 || c->synack_count == 0 || c->dir[0].wscale == NO_SCALE ||
	    w->b->window_eq < SAME_SIZE)
		return;
	if (c->dir[1].wscale == NO_SCALE && c->dir[1].syn_cut)
		return;
	if (c->dir[1].wscale == NO_SCALE) {
		if (w->b->window_median < TINY_WINDOW && (has_shrunk(w) || w->b->window_syn == 0))
			report_scale(w,
			    w->b->window_syn == 0 ? CONFIDENCE_PROBABLE : CONFIDENCE_CONFIRMED,
			    "on the way removes", out);
	} else if (w->b->wscale == 0 && w->b->window_median < TINY_WINDOW && has_shrunk(w)) {
		report_scale(w, CONFIDENCE_PROBABLE, "on the way changes", out);
	} else if (w->b->wscale != NO_SCALE && w->b->wscale >= 1 && w->b->window_over == 0) {
		report_scale(w, CONFIDENCE_PROBABLE, "beyond this point removes", out);
	}
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		if (!way_two_sided(&w))
			continue;
		judge_zero(&w, out);
		judge_scale(&w, out);
	}
}

const struct rule rule_window = { "window", RULE_MAIL, judge, false };
