/* rule_mss.c - mss-not-clamped: B announced more than the path from A to B carries. */
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_facts.h"

#include <string.h>

enum { PPPOE_MTU = 1492, CONNECTIONS_LOOKED = 256 };

/*
 * The claim that knows the smallest size to fail: behind a router that was obeyed there may be a
 * narrower place.
 */
static const struct finding *
bound_of(const struct way *w, const struct verdicts *out)
{
	static const enum finding_kind kinds[] = { FINDING_ICMP_FRAG_NEEDED_IGNORED,
		FINDING_ICMP_FRAG_NEEDED_OBEYED, FINDING_PMTU_BLACK_HOLE_RECOVERED,
		FINDING_PMTU_BLACK_HOLE };

	const struct finding *least = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct finding *f = verdict_claimed(out, w->c, w->dir, kinds[i]);

		/* one narrow member of many is not what the announced MSS should follow */
		if (f != NULL && strcmp(f->subkind, "per-flow") != 0 && f->has_mtu &&
		    f->mtu.upper > 0 && f->confidence >= CONFIDENCE_POSSIBLE &&
		    (least == NULL || f->mtu.upper < least->mtu.upper))
			least = f;
	}
	return least;
}

/*
 * RFC 4638: the two ends of the line may have agreed on more, and then larger packets are seen in
 * it.
 */
static bool
pppoe_carries_more(const struct view *v)
{
	struct case_iter it = { .client = &v->c->conn->client.ip };
	const struct mail_case *x;

	for (int d = 0; d < 2; d++)
		if (v->c->conn->dir[d].w_max > PPPOE_MTU)
			return true;
	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, CONNECTIONS_LOOKED)) != NULL;)
		if (x->point == v->c->point && x->has_conn &&
		    (x->conn->dir[0].w_max > PPPOE_MTU || x->conn->dir[1].w_max > PPPOE_MTU))
			return true;
	return false;
}

static void
report(const struct way *w, uint32_t carries, uint32_t mss, enum confidence conf, const char *how,
    struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_MSS_NOT_CLAMPED, conf, w->c, w->dir);
	const struct moment *at = w->dir == 0 ? &w->c->conn->synack_first : &w->c->conn->syn[0];

	finding_span(f, at, at);
	evidence_frame(
	    finding_says(f, w->c->point, "the receiver announces an MSS of %u: packets of %u bytes",
		w->b->mss, w->b->mss + w->headers),
	    at);
	if (conf > CONFIDENCE_POSSIBLE)
		finding_summary(f,
		    "The receiver announces an MSS of %u although %s carries at most %u bytes (MSS %u): no router on the way "
		    "corrects it.",
		    w->b->mss, how, carries, carries - w->headers);
	else
		finding_summary(f,
		    "The receiver announces an MSS of %u. If %s carries at most %u bytes (MSS %u), which is possible, no router on "
		    "the way corrects it.",
		    w->b->mss, how, carries, carries - w->headers);
	finding_remedy(f,
	    "Enable MSS clamping on the router: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS "
	    "--clamp-mss-to-pmtu (the WAN MTU must be right), or ip tcp adjust-mss %u.",
	    mss);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		const struct finding *bound = bound_of(&w, out);
		uint32_t upper = bound != NULL ? bound->mtu.upper : 0;
		enum confidence conf = bound != NULL ? bound->confidence : CONFIDENCE_CANNOT_TELL;

		if (!v->c->has_conn || w.b->mss == 0 ||
		    v->c->conn->syn_count + v->c->conn->synack_count == 0)
			continue;
		if (upper > w.headers && w.b->mss + w.headers > upper)
			report(&w, upper, bound->mtu.mss > 0 ? bound->mtu.mss : upper - w.headers,
			    conf, "the path", out);
		else if (bound == NULL && d == 0 && strstr(v->c->conn->tunnel, "pppoe") != NULL &&
		    w.a->mss + w.headers > PPPOE_MTU && w.b->mss + w.headers > PPPOE_MTU &&
		    !pppoe_carries_more(v))
			report(&w, PPPOE_MTU, PPPOE_MTU - w.headers, CONFIDENCE_PROBABLE,
			    "the PPPoE link, unless its ends agreed on more (RFC 4638),", out);
	}
}

const struct rule rule_mss = { "mss", RULE_CASE, judge, false };
