/* rule_pause.c - sender-app-pause: everything acknowledged, window open, and nothing sent (S10). */
#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/stalls.h"

#define NOBODY_WAITS (900 * PATH_SECOND)

enum { Q_LIMIT = 10, TICKS_LEAST = 8, LOOKED = 256 };

/* It had been on to bytes that are not here: it did send. */
static bool
sent_unseen(const struct way *w, const struct pause *p)
{
	const struct moment *seen = &w->a->hole_seen, *filled = &w->a->hole_filled;

	if (p->trailing &&
	    w->a->missing > w->a->acked_unseen) /* nor did they come to the other end */
		return true;
	return seen->frame != 0 && seen->ns >= p->from.ns &&
	    (p->trailing || seen->ns <= p->to.ns) &&
	    (filled->frame == 0 || filled->ns > p->from.ns);
}

/*
 * How long it was by the sender's own clock, whose pace is measured outside of it; -1: that is not
 * known.
 */
static int64_t
lived_ns(const struct way *w, const struct pause *p)
{
	uint32_t ticks = w->a->clock_ticks - p->ticks;
	int64_t ns = w->a->clock_ns - p->ticks_ns;

	if (p->ticks_ns == 0 || p->ticks > w->a->clock_ticks || ticks < TICKS_LEAST || ns <= 0)
		return -1;
	return (int64_t)((double)p->ticks * (double)ns / ticks);
}

/* It was not, by the sender's own clock: the capture's was set meanwhile, or the machine slept. */
static bool
clock_denies(const struct way *w, const struct pause *p)
{
	int64_t lived = lived_ns(w, p);

	return lived >= 0 && lived < (p->to.ns - p->from.ns) / 2;
}

/*
 * A connection to the same server is first heard of after it, without a beginning: that lies in
 * what the capture lacks, and so may what came of this one.
 */
static bool
capture_lacks(const struct way *w, const struct pause *p)
{
	struct case_iter it = {
		.server = &w->c->conn->server.ip, .from_ns = p->from.ns + 1, .to_ns = p->to.ns
	};
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x->has_conn && x->point == w->c->point && x->conn->state == CONN_MIDSTREAM)
			return true;
	return false;
}

/*
 * Its host spoke after the last data, here or elsewhere.  Else what fell silent may as well be the
 * host or its line: one that lost its address, sleeps, or is unplugged sends nothing, nor does the
 * capture beside it show why.
 */
static bool
host_lives(const struct way *w, const struct pause *p)
{
	struct case_iter it = { .since_ns = p->from.ns + PATH_SECOND };
	const struct mail_case *x;

	*(w->dir == 0 ? &it.client : &it.server) = w->from;
	for (uint32_t looked = 0;
	     (x = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x->has_conn && x->point == w->c->point &&
		    x->conn->dir[w->dir].last.ns >= it.since_ns)
			return true;
	return false;
}

/*
 * Where its own clock does not tell a clock that was set forward looks the same.  And where the
 * other end is not heard after the pause it may be what came then that stopped the mail.  One that
 * does not end rests on there being no more in the capture.
 */
static enum confidence
pause_sure(const struct way *w, const struct pause *p)
{
	if ((!p->trailing && w->b->last.ns <= p->to.ns) || clock_denies(w, p))
		return CONFIDENCE_POSSIBLE;
	if (p->trailing && (capture_lacks(w, p) || !host_lives(w, p)))
		return CONFIDENCE_POSSIBLE;
	if (p->trailing || lived_ns(w, p) < 0)
		return CONFIDENCE_PROBABLE;
	return w->a->timestamps && w->b->timestamps ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
}

static void
say_gone(const struct way *w, struct finding *f, int64_t span)
{
	finding_summary(f,
	    "The %s sent nothing for %.1f s in the middle of the message, and nothing at all after it: its program paused, or the host "
	    "itself was gone (asleep, off, without its address or its line). What it had sent arrived.",
	    w->dir == 0 ? "client" : "server", seconds(span));
	finding_remedy(f,
	    "Look whether that machine was up and on its network then. If it was, its program paused: a virus scanner, a slow disk, "
	    "overload, a user.");
}

static void
report(const struct way *w, const struct pause *p, int64_t span, bool here, struct verdicts *out)
{
	bool gone = p->trailing && !host_lives(w, p);
	struct finding *f =
	    verdict_add(out, FINDING_SENDER_APP_PAUSE, pause_sure(w, p), w->c, w->dir);

	finding_span(f, &p->from, &p->to);
	f->over = !p->trailing;
	evidence_frames(
	    finding_says(f, w->c->point,
		"%.1f s without data in the middle of the content; all data before it was "
		"acknowledged and the window was open",
		seconds(span)),
	    &p->from, &p->to);
	finding_summary(f,
	    "The sending program, the %s, itself paused for %.1f s in the middle of the message%s; nothing was lost.",
	    w->dir == 0 ? "client" : "server", seconds(span),
	    p->trailing ? " and did not go on" : "");
	if (clock_denies(w, p))
		finding_says(f, w->c->point,
		    "by the sender's own clock it was %.1f s: the clock of the capture may have been set forward, or the machine "
		    "slept",
		    seconds(lived_ns(w, p)));
	if (gone)
		say_gone(w, f, span);
	else if (w->dir == 1)
		finding_remedy(f,
		    "The server's owner must look there: a slow disk or mailbox, a virus scan, overload.");
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE, "nothing was outstanding");
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the window was open");
	if (!gone)
		finding_exclude(f, FINDING_PATH_OUTAGE, "%s",
		    here ? "the capture was taken at the sender: it sent nothing"
			 : "the sender's packet counter (IP ID) did not move: it sent nothing");
}

/* Another capture of this connection was taken at the sender: it says why. */
static bool
sender_heard(const struct way *w)
{
	for (const struct mail_case *x = w->c->copy; x != w->c; x = x->copy) {
		struct way there = way_of(w->v, x, w->dir);

		if (way_at_sender(&there))
			return true;
	}
	return false;
}

/* Nothing more comes here, and nobody can see from here why. */
static void
report_unknown(const struct way *w, const struct pause *p, int64_t span, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_SENDER_APP_PAUSE, CONFIDENCE_CANNOT_TELL, w->c, w->dir);

	finding_subkind(f, "no-more-comes");
	finding_span(f, &p->from, &p->to);
	evidence_frames(
	    finding_says(f, w->c->point,
		"the last data of the message, and %.1f s without any more; all that came is "
		"acknowledged and the window is open",
		seconds(span)),
	    &p->from, &p->to);
	finding_summary(f,
	    "The message stops in its middle: for %.1f s, until the capture ends or the connection does, nothing more of it comes here. The "
	    "sending program paused, or what it sent is lost before this point.",
	    seconds(span));
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the window was open");
	finding_remedy(
	    f, "Capture at the sender: only there can be seen whether it went on sending.");
	finding_next_capture(f, "a program that paused", "a path that fails before this point",
	    "what the sender sent then", "at the sender, or on its side of the router");
}

/*
 * It asks for room (RFC 9293 3.8.6.1), again and again, where there is room: it holds the window
 * for shut, because the word that it opened was lost, or something changes it on the way.  A
 * program that rests and keeps its connection alive every few seconds looks the same.
 */
static void
report_probes(const struct way *w, const struct pause *p, int64_t span, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_SENDER_APP_PAUSE, CONFIDENCE_CANNOT_TELL, w->c, w->dir);
	const char *who = w->dir == 0 ? "client" : "server",
		   *other = w->dir == 0 ? "server" : "client";

	finding_subkind(f, "asks-for-room");
	finding_span(f, &p->from, &p->to);
	evidence_frames(
	    finding_says(f, w->c->point,
		"%.1f s without data in the middle of the content; meanwhile the %s asks %u times whether there "
		"is room, or only keeps the connection; here the window is open",
		seconds(span), who, p->probes),
	    &p->from, &p->to);
	finding_summary(f,
	    "For %.1f s the %s sends nothing of the message, and asks whether the %s has room, which it has: what the %s said of its window was "
	    "lost, or changed on the way (a traffic shaper, a firewall). Or the sending program paused, and keeps its connection alive.",
	    seconds(span), who, other, other);
	finding_remedy(f,
	    "Compare the window in the %s's packets at both ends: if they differ, the device between changes it.",
	    other);
	finding_next_capture(f, "a window that is changed or was not heard of",
	    "a program that paused", "the window that reaches the sender", "at the sender");
}

/* Another connection begins or ends in it: the capture ran on. */
static bool
heard_meanwhile(const struct way *w, const struct pause *p)
{
	struct case_iter it = { .to_ns = p->to.ns, .since_ns = p->from.ns };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x != w->c && x->has_conn && x->point == w->c->point &&
		    (x->conn->first.ns > p->from.ns || x->conn->last.ns < p->to.ns))
			return true;
	return false;
}

/*
 * It sent something then that the capture has not, nor anything else: what came of it nobody knows.
 */
static void
report_unseen(const struct way *w, const struct pause *p, int64_t span, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_SENDER_APP_PAUSE, CONFIDENCE_CANNOT_TELL, w->c, w->dir);

	finding_subkind(f, "unseen");
	finding_span(f, &p->from, &p->to);
	evidence_frames(
	    finding_says(f, w->c->point,
		"%.1f s without a packet of the %s; its packet counter (IP ID), which went by one "
		"until then, went on by %u more meanwhile",
		seconds(span), w->dir == 0 ? "client" : "server", p->ids_skipped),
	    &p->from, &p->to);
	finding_summary(f,
	    "For %.1f s in the middle of the message this capture shows nothing. The %s sent %u packet%s then that the capture has not: data "
	    "that was lost on the way and sent again, or something else while its program paused.",
	    seconds(span), w->dir == 0 ? "client" : "server", p->ids_skipped,
	    PLURAL(p->ids_skipped));
	finding_remedy(f,
	    "Capture again, so that nothing is lost: with a larger buffer (tcpdump -B), to a faster disk, with a narrower filter.");
	finding_next_capture(f, "a program that paused", "a path that failed meanwhile",
	    "the packets that the sender sent then", "at the same place");
}

/*
 * Neither end says anything more, nor closes, for longer than any server waits: it is the capture
 * that has no more of it.
 */
static bool
left_open(const struct way *w, const struct pause *p)
{
	return p->trailing && p->to.ns - w->c->conn->last.ns > NOBODY_WAITS &&
	    w->a->fin.frame == 0 && w->b->fin.frame == 0 && w->a->rst.frame == 0 &&
	    w->b->rst.frame == 0;
}

/*
 * What it sent when it went on was sent again and never acknowledged: something else stopped the
 * mail.
 */
static bool
lost_behind(const struct way *w, const struct pause *p)
{
	const struct record_stall *s;
	uint32_t i = 0;

	while ((s = way_stall(w, &i)) != NULL)
		if (s->delivered.frame == 0 && s->chain_count > 1 && s->last.ns > p->to.ns)
			return true;
	return false;
}

static void
judge_way(const struct way *w, struct verdicts *out)
{
	int64_t least = 10 * w->rtt > 5 * PATH_SECOND ? 10 * w->rtt : 5 * PATH_SECOND;
	bool here = way_at_sender(w), told = !here && sender_heard(w);

	for (uint32_t i = 0; i < w->a->pause_count; i++) {
		const struct pause *p = &w->a->pauses[i];
		int64_t begun = 0, from;

		if (!way_in_content(w, p->from.ns, p->to.ns, &begun) || sent_unseen(w, p) ||
		    left_open(w, p) || lost_behind(w, p))
			continue;
		from = p->from.ns > begun ? p->from.ns : begun;
		/* how long it really was nobody knows where the clock was set forward in it */
		if (p->to.ns - from < least || case_time_jumped(w->c, from, p->to.ns) > 0)
			continue;
		/*
		 * S10 (a): by position; the IDs serve only when a later packet shows them.  What it
		 * says later, in order, shows that it had sent nothing.
		 */
		if (!here && p->trailing && p->probes < 2 && !told &&
		    case_silence_shown(w->c, w->dir, &p->from) < least)
			report_unknown(w, p, p->to.ns - from, out);
		if (!here && p->probes > 1) {
			if (!told)
				report_probes(w, p, p->to.ns - from, out);
			return;
		}
		if (!here && (p->trailing || !p->ids_continue || !w->a->ids_step))
			continue;
		if (p->ids_skipped > 0 && !heard_meanwhile(w, p))
			report_unseen(w, p, p->to.ns - from, out);
		else
			report(w, p, p->to.ns - from, here, out);
		return;
	}
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		if (!way_two_sided(&w) || v->c->conn->disordered > 0 ||
		    way_claimed(&w, out, 4, 9) || capture_q_permille(v->c->capture) >= Q_LIMIT ||
		    w.a->acked_unseen > 0 ||
		    way_deaf(&w)) /* who waits for an acknowledgement does not pause */
			continue;
		judge_way(&w, out);
	}
}

const struct rule rule_pause = { "pause", RULE_MAIL, judge, true };
