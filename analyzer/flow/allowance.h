/*
 * allowance.h - so many at once, and one more each second: what a flood can
 * make as much of as it likes is bounded, and a sensor of weeks is not used up.
 */
#ifndef ALLOWANCE_H
#define ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as zeros. */
struct allowance {
	uint32_t used;
	int64_t ns; /* of the packets' clock: until then what was used is given back */
};

/* May one more be used?  It is. */
static inline bool
allowance_take(struct allowance *a, uint32_t most, int64_t now_ns)
{
	uint64_t seconds; /* unsigned: a capture's clock may say anything */

	if (now_ns < a->ns ||
	    a->used == 0) /* the clock went back, or nothing is to be given back */
		a->ns = now_ns;
	seconds = ((uint64_t)now_ns - (uint64_t)a->ns) / 1000000000;
	a->used -= seconds < a->used ? (uint32_t)seconds : a->used;
	a->ns = (int64_t)((uint64_t)a->ns + seconds * 1000000000);
	if (a->used >= most)
		return false;
	a->used++;
	return true;
}

#endif /* ALLOWANCE_H */
