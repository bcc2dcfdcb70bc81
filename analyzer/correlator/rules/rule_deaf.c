/*
 * rule_deaf.c - path-outage seen from the other side: one end says again and again what was
 * acknowledged here, so the acknowledgements do not come to it.  It is the way back that is dead.
 */
#include "correlator/facts/stalls.h"
#include "correlator/facts/unreachable.h"

#define LATE_MOST (10 * PATH_SECOND)

/*
 * At another point, where the sender is nearer, it sends the same bytes, and these acknowledgements
 * do not pass.
 */
static const struct mail_case *
unacknowledged_elsewhere(const struct way *w)
{
	const struct mail_case *x;

	for (x = w->c->copy; x != w->c; x = x->copy) {
		struct way there = way_of(w->v, x, w->dir);
		const struct record_stall *s;
		uint32_t i = 0;

		while (
		    x->point != w->c->point && x->has_conn && (s = way_stall(&there, &i)) != NULL)
			if (way_deaf_here(w, there.a, s))
				return x;
	}
	return NULL;
}

static void
say_where(struct finding *f, const struct way *w, const struct mail_case *there)
{
	struct way back = way_of(w->v, w->c, !w->dir);

	if (there != NULL)
		evidence_frame(
		    finding_says(f, there->point,
			"the same bytes are sent here, and none of these acknowledgements comes by: they vanish between the "
			"two capture points"),
		    &there->conn->dir[w->dir].first);
	else if (!way_at_sender(w))
		finding_next_capture(f,
		    way_at_sender(&back) ? "a way back that is dead"
					 : "a way that is dead beyond this point",
		    "an end that does not take what comes", "what comes to the other end",
		    w->dir == 0 ? "at the client" : "at the server");
}

/* Captured where the deaf end is: the way to it is sound. */
static void
say_at_sender(struct finding *f, const char *who, const char *other)
{
	finding_subkind(f, "at-the-sender");
	finding_summary(f,
	    "%s What the %s sends comes to the %s's own network, and the %s does not take it.",
	    f->summary, other, who, who);
	finding_remedy(f,
	    "Look at the %s: its own packet filter or security software drops what comes, or the packets come damaged (checksum errors: tcpdump -vv; nstat -az "
	    "TcpInCsumErrors); then at the switch or Wi-Fi bridge between this capture and it.",
	    who);
}

/*
 * What is late for seconds looks the same, unless time stamps tell; no way is late for so long that
 * nothing comes in ten.
 */
static bool
may_be_late(const struct way *w)
{
	bool over = moment_is(&w->a->deaf_over);

	return over ? !w->a->deaf_fresh
		    : way_lasted(w, w->a->deaf_from.ns, w->a->deaf_to.ns) < LATE_MOST;
}

static enum confidence
deaf_sure(const struct way *w, const struct mail_case *there)
{
	if (may_be_late(w))
		return CONFIDENCE_POSSIBLE;
	return there != NULL ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
}

static void
judge_way(const struct way *w, struct verdicts *out)
{
	const struct record_direction *a = w->a;
	bool over = a->deaf_over.frame != 0;
	const char *who = w->dir == 0 ? "client" : "server",
		   *other = w->dir == 0 ? "server" : "client";
	const struct mail_case *there = unacknowledged_elsewhere(w);
	double lasted =
	    seconds(way_lasted(w, a->deaf_from.ns, over ? a->deaf_over.ns : a->deaf_to.ns));
	struct finding *f =
	    verdict_add(out, FINDING_PATH_OUTAGE, way_gate(w, deaf_sure(w, there)), w->c, !w->dir);

	finding_subkind(f, "way-back");
	finding_span(f, &a->deaf_from, over ? &a->deaf_over : &a->deaf_to);
	f->over = over;
	evidence_frames(
	    finding_says(f, w->c->point,
		"the %s sends again, %u times, bytes that came here and were acknowledged long before",
		who, a->deaf_count),
	    &a->deaf_from, &a->deaf_to);
	if (over)
		evidence_frame(finding_says(f, w->c->point,
				   a->deaf_fresh ? "then it goes on: it hears what was said since"
						 : "then it goes on: it hears again"),
		    &a->deaf_over);
	finding_summary(f,
	    "For %.1f s%s the %s does not hear the %s: it repeats what the %s had acknowledged long before.",
	    lasted, over ? "" : ", until the last that is seen of it,", who, other, other);
	finding_remedy(f,
	    "Look at the way from the %s to the %s, and at that alone: a route back that leads elsewhere, a stateful firewall that sees only one of the two "
	    "directions, a filter at the %s.",
	    other, who, who);
	if (way_at_sender(w))
		say_at_sender(f, who, other);
	else
		finding_summary(f,
		    "%s What the %s sends is lost on its way to the %s%s, while the other direction works.",
		    f->summary, other, who, may_be_late(w) ? ", or comes there that late" : "");
	say_where(f, w, there);
	finding_exclude(f, FINDING_SENDER_APP_PAUSE, "the %s does go on sending", who);
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
	    "the bytes that are sent again did arrive, and acknowledgements are as small as packets are");
}

/* Another capture is where the deaf end is, and sees it, too: there is said what comes to it. */
static bool
seen_at_sender(const struct way *w)
{
	for (const struct mail_case *x = w->c->copy; x != w->c; x = x->copy) {
		struct way there = way_of(w->v, x, w->dir);

		if (x->point != w->c->point && x->has_conn && way_at_sender(&there) &&
		    !way_at_sender(w) && way_deaf(&there))
			return true;
	}
	return false;
}

/* A router says why, of data that went the same way: rule_outage.c tells it. */
static bool
told_of(const struct way *w)
{
	struct way back = way_of(w->v, w->c, !w->dir);
	uint32_t i = 0;

	return case_unreachable(w->c, !w->dir, w->a->deaf_from.ns, w->a->deaf_to.ns) != NULL &&
	    way_stall(&back, &i) != NULL;
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		if (v->c->has_conn && way_two_sided(&w) && way_deaf(&w) && !told_of(&w) &&
		    !seen_at_sender(&w))
			judge_way(&w, out);
	}
}

const struct rule rule_deaf = { "deaf", RULE_MAIL, judge, false };
