/*
 * ranges.h - the bytes of a stream that lie beyond its edge: ranges of offsets,
 * sorted and disjoint.  They are few: a sender in trouble has one hole.
 */
#ifndef RANGES_H
#define RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint64_t start, end;
	uint32_t segments; /* that it was joined from; 0 when cut */
	bool cut;          /* on the wire, but not captured: the snap length */
};

struct ranges {
	struct range *at;
	uint32_t count, size;
};

/* The first range that ends beyond `off', or count. */
uint32_t ranges_after(const struct ranges *r, uint64_t off);
/*
 * Puts [start, end), which overlaps no range, at its place; joins neighbours of its kind.  False:
 * no memory.
 */
bool ranges_add(struct ranges *r, uint64_t start, uint64_t end, bool cut);
/* Takes the first out; there is one. */
struct range ranges_shift(struct ranges *r);
void ranges_clear(struct ranges *r);

#endif /* RANGES_H */
