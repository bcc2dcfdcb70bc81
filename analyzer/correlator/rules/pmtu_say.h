/* pmtu_say.h - what was found out about a path-MTU black hole, and its words. */
#ifndef PMTU_SAY_H
#define PMTU_SAY_H

#include "correlator/facts/lookup.h"
#include "correlator/facts/path_say.h"

enum { PMTU_SESSIONS = 100 }; /* counted: more prove no more, and each would look for each */

/* Connections on the path in the epoch: bad, nothing of U or more passes; good, U passes. */
struct pmtu_flows {
	uint32_t bad, good;
	int64_t bad_first, bad_last, good_first, good_last;
	int64_t good_end;    /* last packet of a good one */
	bool good_elsewhere; /* seen at another point */
	bool bad_between,
	    good_between; /* a bad one between two good ones, a good one between two bad ones */
	struct moment good_at;
	uint32_t good_w, good_point;
};

/* All that rule_pmtu.c found out about one stall, s. */
struct pmtu_proof {
	const struct record_stall *s;
	struct told told;
	/* a router answers what is lost with another error; NULL = none */
	const struct record_icmp_error *refused;
	struct live_elsewhere elsewhere;
	struct proven path; /* L of the path */
	uint32_t sessions;  /* with the same stall, this one included */
	bool lively;        /* in one of them a smaller packet arrived meanwhile */
	bool icmp_seen;     /* any in the capture */
	/* a router told an MTU in [L, U) to another flow of the path; NULL = none */
	const struct record_icmp_error *told_elsewhere;
	uint32_t told_point;
	/* a router told the tunnel's end, of the packets around those lost; NULL = none */
	const struct record_icmp_error *outer;
	double p;
	bool per_flow;
	bool since; /* that size passed until then: 2.5, a new epoch */
	/* a later connection whose card cut what passed: its size is not known; NULL = none */
	const struct mail_case *pieces;
	struct pmtu_flows flows;
};

/* The packets around those of the connection, where it is captured inside a tunnel. */
static inline uint32_t
pmtu_outer(const struct way *w, uint32_t inner)
{
	return inner + w->c->conn->tunnel_bytes;
}

static inline uint32_t
pmtu_inner(const struct way *w, uint32_t outer)
{
	return outer - w->c->conn->tunnel_bytes;
}

/* The finding, as sure as `conf'. */
void pmtu_say(
    const struct way *w, const struct pmtu_proof *o, enum confidence conf, struct verdicts *out);

#endif /* PMTU_SAY_H */
