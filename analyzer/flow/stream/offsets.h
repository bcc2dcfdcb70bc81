/*
 * offsets.h - which frame brought a byte of a stream: a bounded ring of
 * (offset, moment), one entry per segment kept, grown as needed.
 *
 * Entries are sorted by offset.  When the ring is full the oldest goes, and
 * what it covered is answered with the oldest still known.
 */
#ifndef OFFSETS_H
#define OFFSETS_H

#include "record/record.h"

enum { OFFSETS_MAX = 4096 };

struct offset_entry {
	uint64_t off;
	struct moment at;
};

struct offsets {
	struct offset_entry last; /* the highest, here for those who ask about what is coming in */
	struct offset_entry *entry;
	uint32_t count, size, head; /* size: 0 or a power of two */
};

/* What all rings of a capture point may use together, in bytes. */
struct offsets_budget {
	uint64_t used, max, hits;
};

/* Bytes from `off' on came with the frame of `at'.  A known offset stays as it is. */
void offsets_put(struct offsets *o, struct offsets_budget *b, uint64_t off, struct moment at);
/* The frame of byte `off'; {0, 0} when nothing is known. */
struct moment offsets_at(const struct offsets *o, uint64_t off);
void offsets_clear(struct offsets *o, struct offsets_budget *b);

#endif /* OFFSETS_H */
