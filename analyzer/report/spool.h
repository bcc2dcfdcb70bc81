/*
 * spool.h - text kept aside until it can be told in order: in memory up to a
 * bound, then in an unnamed temporary file.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stddef.h>
#include <stdint.h>

struct spool;

struct spool *spool_new(size_t memory_max); /* NULL: no memory */
/* Keeps a copy; its place in *at.  -1: no memory or no space, errno tells; *at is then unset. */
int spool_add(struct spool *s, const void *p, size_t len, uint64_t *at);
/* The bytes at a place; borrowed until the next call.  NULL with errno when they cannot be read. */
const char *spool_get(struct spool *s, uint64_t at, size_t len);
void spool_free(struct spool *s);

#endif /* SPOOL_H */
