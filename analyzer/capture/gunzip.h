/*
 * gunzip.h - gzip (RFC 1952), the compression most captures have: the door to
 * zlib.  libarchive throws away up to 64 KiB before a cut, which is all of a
 * small capture; this hands on every byte that can be had.
 */
#ifndef GUNZIP_H
#define GUNZIP_H

#include "input.h"

/* The unpacked bytes of `packed', which is taken, also on failure.  NULL: no memory. */
struct input *gunzip_open(struct input *packed);

#endif /* GUNZIP_H */
