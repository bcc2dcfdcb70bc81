/*
 * gone.h - conversations that left memory and were counted: where another capture point, or the
 * same log once more, shows them again, they are not counted twice.  Of very many the oldest are
 * forgotten, and that is counted.
 */
#ifndef GONE_H
#define GONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GONE_KNOWN = 1 << 18 }; /* the last so many are known, and at times twice as many */

struct gone {                  /* zero: empty */
	uint64_t *young, *old; /* open-addressed sets; a full one takes the older's place */
	size_t young_count, old_count;
	uint64_t forgotten, starved; /* starved: not remembered for want of memory */
};

/* True when the conversation was not known; it is now.  0 is never known. */
bool gone_add(struct gone *g, uint64_t conversation);
bool gone_has(const struct gone *g, uint64_t conversation);
void gone_free(struct gone *g);

#endif /* GONE_H */
