/*
 * mtu.h - the path-MTU estimate (diagnosis 2): what is proven, what is refuted,
 * what to try.  Sizes are IP bytes.
 *
 * Bounds of one directed path and epoch join as a semilattice: order,
 * repetition and late arrival do not matter (2.6).
 */
#ifndef MTU_H
#define MTU_H

#include "correlator/finding/finding.h"

#define MTU_EXACT 8

struct mtu_bounds {
	uint8_t family;       /* 4, 6 */
	bool pppoe;           /* the path is known to begin with PPPoE */
	uint32_t proven;      /* L: largest size delivered; 0 = none */
	uint32_t lost;        /* U: smallest size that does not pass; 0 = none known */
	uint32_t exact_count; /* P: MTUs that routers told, ascending, the smallest kept */
	uint32_t exact[MTU_EXACT];
};

void mtu_told(struct mtu_bounds *b, uint32_t mtu); /* a valid "fragmentation needed" */
void mtu_join(struct mtu_bounds *a, const struct mtu_bounds *b);
bool mtu_inconsistent(const struct mtu_bounds *b); /* L >= U: the path changed, or has branches */

/* Fills f->mtu (2.4): proven, upper, try, safe, mss of try, candidates in order of likelihood. */
void mtu_estimate(const struct mtu_bounds *b, struct finding *f);

#endif /* MTU_H */
