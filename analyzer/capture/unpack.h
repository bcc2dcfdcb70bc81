/* unpack.h - compressed files, recognised by content: the door to libarchive. */
#ifndef UNPACK_H
#define UNPACK_H

#include "input.h"

#define UNPACK_MAGIC 6 /* bytes that unpack_kind() wants to see */

/* "gzip", "xz", "zstd", "lz4", "bzip2", or NULL: not compressed. */
const char *unpack_kind(const uint8_t *p, size_t len);
/* The unpacked bytes of `packed', which is taken, also on failure.  NULL with the reason in err. */
struct input *unpack_open(struct input *packed, char *err, size_t errlen);
/*
 * The bytes of a file ("-" = standard input), all its layers unpacked.  NULL with "path: reason" in
 * err.
 */
struct input *unpack_path(const char *path, char *err, size_t errlen);

#endif /* UNPACK_H */
