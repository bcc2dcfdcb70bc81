/*
 * rule_icmp.c - what routers said of packet sizes, and whether the sender
 * listened (diagnosis 1A; S7, S8, S19, S25).
 */
#include "correlator/facts/path_say.h"

enum { SURE = 3, LINUX_MIN_PMTU = 552 };

static void
judge_zero(const struct way *w, const struct record_icmp_error *e, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_ICMP_FRAG_NEEDED_MTU_ZERO, CONFIDENCE_CONFIRMED, w->c, w->dir);
	struct mtu_bounds b = {
		.family = w->from->family, .proven = w->a->proven, .lost = e->quoted_len
	};
	char from[64];

	addr_format(&e->from, from, sizeof(from));
	say_told(f, w, e);
	finding_span(f, &e->at, &e->last);
	finding_summary(f,
	    "Router %s refused a packet of %u bytes but does not say which size it takes (MTU 0: a router from before RFC 1191)%s.",
	    from, e->quoted_len,
	    w->a->proven > 0 && w->a->proven < e->quoted_len && e->sent_after > 0 &&
		    way_told_arrived(w, e)
		? "; the sender went on with smaller packets, and they pass"
		: "");
	finding_remedy(f,
	    "The router at %s does not say its MTU: set the interface MTU or clamp the TCP MSS on this side.",
	    from);
	mtu_estimate(&b, f);
}

static void
judge_bogus(const struct way *w, const struct record_icmp_error *e, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_ICMP_FRAG_NEEDED_BOGUS, CONFIDENCE_POSSIBLE, w->c, w->dir);
	char from[64];

	addr_format(&e->from, from, sizeof(from));
	say_told(f, w, e);
	finding_span(f, &e->at, &e->last);
	if (e->mtu >= e->quoted_len)
		finding_summary(f,
		    "%s says that a packet of %u bytes is too large for an MTU of %u: that cannot be.",
		    from, e->quoted_len, e->mtu);
	else
		finding_summary(f, "%s tells an MTU of %u, below the least that IPv%u allows%s.",
		    from, e->mtu, e->family,
		    e->family == 6
			? " (an old translator between IPv6 and IPv4 may mean it, RFC 6145; hosts do not go so low any more, RFC 8201)"
			: "");
	if (e->family == 6 && e->mtu < e->quoted_len)
		finding_remedy(f,
		    "Check whether the message is forged (CVE-2004-1060 class). If %s means it: every link of IPv6 must carry 1280 bytes "
		    "(RFC 8200, section 5); raise the MTU of its next link, often a tunnel, to 1280, or let that link fragment by itself.",
		    from);
}

/*
 * A full segment may fall short of the MTU by the padding of its options and the last bytes of the
 * data.
 */
enum { SEGMENT_SLACK = 12 };

static void
fill_bound(struct finding *f, const struct way *w, const struct record_icmp_error *e)
{
	struct mtu_bounds b = { .family = w->from->family,
		.proven = w->a->proven <= e->mtu ? w->a->proven : 0 };

	mtu_told(&b, e->mtu);
	mtu_estimate(&b, f);
	say_told(f, w, e);
}

static void
judge_obeyed(
    const struct way *w, const struct record_icmp_error *e, bool late, struct verdicts *out)
{
	enum confidence conf = e->quote_cut ? CONFIDENCE_PROBABLE : CONFIDENCE_CONFIRMED;
	struct finding *f = verdict_add(out, FINDING_ICMP_FRAG_NEEDED_OBEYED, conf, w->c, w->dir);
	bool exact = w->a->proven <= e->mtu && w->a->proven + SEGMENT_SLACK > e->mtu;
	char from[64];

	addr_format(&e->from, from, sizeof(from));
	fill_bound(f, w, e);
	finding_span(f, &e->at, &w->a->data_last);
	finding_summary(f,
	    "Router %s said that its next link takes %u bytes%s; the sender obeyed: %s was smaller. "
	    "%s %u%s.",
	    from, e->mtu, late ? " (late, after repeated losses)" : "",
	    e->sent_after_above > 0 ? "what it sent again" : "everything after it",
	    exact ? "The path MTU is known exactly:" : "The path carries at most", e->mtu,
	    exact ? "" : " bytes; that so much arrives is not shown here");
	if (!exact)
		finding_remedy(f, "This by itself does no harm: the sender learned the size.");
}

/*
 * It does not go on with larger ones, but neither sends again what was refused: the capture ends
 * too soon, or the sender gave up.
 */
static void
judge_open(const struct way *w, const struct record_icmp_error *e, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_ICMP_FRAG_NEEDED_OBEYED, CONFIDENCE_CANNOT_TELL, w->c, w->dir);
	char from[64];

	addr_format(&e->from, from, sizeof(from));
	fill_bound(f, w, e);
	finding_subkind(f, "open");
	finding_span(f, &e->at, &w->a->last);
	finding_summary(f,
	    "Router %s said that its next link takes %u bytes. Whether the sender obeyed is not shown: it did not send again what was "
	    "refused until the capture or the connection ended.",
	    from, e->mtu);
	finding_remedy(f,
	    "Look whether the next mail gets through. If it stalls, allow ICMP type 3 code 4 (IPv6: ICMPv6 type 2) in to the sender.");
	finding_next_capture(f, "a sender that obeys", "one that does not hear the router",
	    "what the sender does next",
	    "at this point, until the mail is "
	    "through or the program gives up");
}

/*
 * Of n packets too large and sent later than the message.  Where as many were recorded late these
 * may be they.
 */
static enum confidence
ignored_sure(const struct way *w, const struct told *t, uint32_t n)
{
	const struct record_icmp_error *e = t->least;

	/* nor is it known how much later where the clock was set meanwhile */
	if (w->c->conn->disordered >= n || way_mixed_up(w) ||
	    case_time_jumped(w->c, e->at.ns, e->above_frames[0].ns) > 0)
		return CONFIDENCE_POSSIBLE;
	return n >= SURE && !t->cut ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
}

static void
judge_ignored(const struct way *w, const struct told *t, uint32_t n, struct verdicts *out)
{
	const struct record_icmp_error *e = t->least;
	enum confidence conf = ignored_sure(w, t, n);
	struct finding *f = verdict_add(out, FINDING_ICMP_FRAG_NEEDED_IGNORED, conf, w->c, w->dir);
	struct finding_evidence *ev;
	bool here = way_at_sender(w);
	char from[64];

	addr_format(&e->from, from, sizeof(from));
	fill_bound(f, w, e);
	finding_span(f, &e->at, &w->a->data_last);
	ev = finding_says(f, w->c->point,
	    "%u packet%s larger than %u bytes sent later than the message (200 ms grace%s), %u of them lost",
	    e->sent_after_above, PLURAL(e->sent_after_above), e->mtu,
	    e->sent_after_above > 4 ? "; here the first four" : "", n);
	for (uint32_t i = 0; i < 4 && i < e->sent_after_above; i++)
		evidence_frame(ev, &e->above_frames[i]);
	finding_summary(f,
	    "Router %s tells the sender that packets may have at most %u bytes; the sender goes on sending larger ones, "
	    "and they are lost. %s",
	    from, e->mtu,
	    here
		? "The message was seen at the sender's own interface: its firewall or system drops it."
		: "The message was seen on the way, not at the sender: the sender ignores it, or a firewall between here and there drops it.");
	if (!here && w->dir == 1) /* who is one address to the world may be many machines */
		finding_says(f, w->c->point,
		    "where several machines answer at the server's address (a load balancer, anycast), the router's message may reach "
		    "another one than the one that sends: then it has to be handed to all of them");
	finding_remedy(f,
	    "Allow ICMP type 3 code 4 (IPv6: ICMPv6 type 2) in to the sender%s, or lower the sender's interface MTU to %u and clamp "
	    "the TCP MSS to %u.",
	    here ? "" : " through every firewall between it and here", e->mtu, f->mtu.mss);
	finding_exclude(f, FINDING_ICMP_FRAG_NEEDED_OBEYED, "%u larger packet%s followed",
	    e->sent_after_above, PLURAL(e->sent_after_above));
	finding_exclude(f, FINDING_HIGH_LOSS, "only packets above the told size are lost");
}

/*
 * S8: the message was seen only farther out, so A may never have got it: for A
 * this is a black hole, with a known size.
 */
static void
judge_unheard(const struct way *w, const struct told *t, uint32_t n, struct verdicts *out)
{
	enum confidence conf = ignored_sure(w, t, n);
	struct finding *f = verdict_add(out, FINDING_PMTU_BLACK_HOLE, conf, w->c, w->dir);
	const struct record_stall *s;
	uint32_t i = 0;
	char from[64];

	addr_format(&t->least->from, from, sizeof(from));
	fill_bound(f, w, t->least);
	s = way_stall(w, &i);
	if (s != NULL)
		say_chain(f, w, s);
	finding_span(f, &t->least->at, &w->a->data_last);
	finding_summary(f,
	    "Packets larger than %u bytes vanish for the sender: router %s says so each time, but its messages are lost or ignored "
	    "between here and the sender.",
	    t->least->mtu, from);
	say_mtu_remedy(f, w);
}

/*
 * Who does not hear the router sends what was refused again, as large as it was.  What was sent on
 * for a while was on its way already, whatever the clocks say.
 */
static bool
again_smaller(const struct way *w, const struct record_icmp_error *e)
{
	return e->sent_again > 0 && w->a->repair_w_max <= e->mtu && !w->a->larger_after_repair;
}

static void
judge_told(const struct way *w, const struct told *t, struct verdicts *out)
{
	const struct record_icmp_error *e = t->least;

	if (t->late) { /* S7: the black hole stands; the message came after it */
		if (e->sent_after_above_lost == 0 && e->sent_after > 0 &&
		    (e->sent_again > 0 || way_told_arrived(w, e)))
			judge_obeyed(w, e, true, out);
		return;
	}
	if (e->sent_after_above_lost > 0 && !again_smaller(w, e)) {
		if (e->mtu < LINUX_MIN_PMTU && e->family == 4)
			return; /* the sender's lower bound, DF cleared: not ignored */
		judge_ignored(w, t, e->sent_after_above_lost, out);
		if (e->sent_after_above_lost >= SURE && !way_at_sender(w))
			judge_unheard(w, t, e->sent_after_above_lost, out);
		return;
	}
	if (e->sent_again == 0 && !way_told_arrived(w, e))
		judge_open(w, e, out);
	else if (e->sent_after > 0 && (e->sent_after_above == 0 || again_smaller(w, e)))
		judge_obeyed(w, e, false, out);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		struct told t = way_told(&w);
		bool zero = false;

		for (uint32_t i = 0; i < v->c->icmp_count; i++) {
			const struct record_icmp_error *e = v->c->icmp[i];

			if (e->dir != d || !e->frag_needed)
				continue;
			if (e->mtu == 0 && !zero)
				judge_zero(&w, e, out);
			else if (e->mtu != 0 && !icmp_valid(e))
				judge_bogus(&w, e, out);
			zero = zero || e->mtu == 0;
		}
		if (t.least != NULL && way_two_sided(&w))
			judge_told(&w, &t, out);
	}
}

const struct rule rule_icmp = { "icmp", RULE_CASE, judge, true };
