/*
 * sparse.h - large zeroed tables of which a small capture uses a small part.
 * They are mapped, so that what is not used costs nothing: calloc() would clear
 * them when they come from the heap.
 */
#ifndef SPARSE_H
#define SPARSE_H

#include <stddef.h>
#include <sys/mman.h>

/* NULL: no memory. */
static inline void *
sparse_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

static inline void
sparse_free(void *p, size_t bytes)
{
	if (p != NULL)
		munmap(p, bytes);
}

#endif /* SPARSE_H */
