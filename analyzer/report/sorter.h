/*
 * sorter.h - things of one size, put in any order and taken in theirs.  A
 * bounded number of them is in memory; sorted runs of the others lie in an
 * unnamed file and are merged when they are taken (external sorting: Knuth,
 * The Art of Computer Programming 3, 5.4.1).
 */
#ifndef SORTER_H
#define SORTER_H

#include <stddef.h>

struct sorter;

/*
 * `most' things of `size' bytes in memory; `compare' as for qsort(3), and never 0.  NULL: no
 * memory.
 */
struct sorter *sorter_new(size_t size, size_t most, int (*compare)(const void *, const void *));
/* Copies it.  Not after the first sorter_take().  -1: no memory or no space, errno tells. */
int sorter_put(struct sorter *s, const void *thing);
/*
 * The next in order, borrowed until the next call.  NULL: no more (errno 0), or they cannot be read
 * (errno).
 */
const void *sorter_take(struct sorter *s);
void sorter_free(struct sorter *s);

#endif /* SORTER_H */
