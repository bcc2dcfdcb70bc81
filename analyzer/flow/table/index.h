/*
 * index.h - finds an entry among many by its hash: open addressing over 8-byte
 * slots (fingerprint, entry), linear probing, deletion by shifting back, load at
 * most one half.
 *
 * Entries are numbers; what they stand for, and whether one of the right
 * fingerprint is the right one, is the user's.  As the fingerprint has 32 bits a
 * wrong one is hardly ever looked at, and to delete one needs no other.
 */
#ifndef INDEX_H
#define INDEX_H

#include "flow/packet/hash.h"

#include <stdbool.h>

struct index_slot {
	uint32_t print; /* its home is print & mask */
	uint32_t entry; /* number + 1; 0 = empty */
};

struct index {
	struct index_slot *slot;
	uint32_t mask; /* slots - 1 */
};

static inline uint32_t
index_print(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

static inline void
index_fetch(const struct index *x, uint32_t print)
{
	__builtin_prefetch(&x->slot[print & x->mask]);
}

/* The next entry of that fingerprint, + 1; 0: no more.  *at begins as the fingerprint. */
static inline uint32_t
index_next(const struct index *x, uint32_t print, uint32_t *at)
{
	const struct index_slot *s;

	while ((s = &x->slot[(*at)++ & x->mask])->entry != 0)
		if (s->print == print)
			return s->entry;
	return 0;
}

/* false: no memory. */
bool index_init(struct index *x);
void index_free(struct index *x);
/* Room for `count' entries; false: no memory, it stays as it is. */
bool index_room(struct index *x, uint32_t count);
void index_put(struct index *x, uint32_t print, uint32_t entry);
/* An entry that is in it. */
void index_remove(struct index *x, uint32_t print, uint32_t entry);

#endif /* INDEX_H */
