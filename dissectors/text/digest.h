/*
 * digest.h - hash functions, behind one door (nettle).
 *
 * DIGEST_FAST (UMAC-64, RFC 4418, with a key of zeros) is no proof of sameness
 * against somebody who forges, and need not be: two values that differ are
 * always of contents that differ, and that is all it is asked.  It costs a
 * fifth of SHA-256.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_MAX 32 /* bytes of the longest value */

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_FAST };

struct digest;

struct digest *digest_new(enum digest_kind kind); /* NULL: no memory */
void digest_update(struct digest *d, const void *p, size_t len);
/* Of the bytes so far; returns the length of the value. More bytes may follow. */
size_t digest_value(const struct digest *d, uint8_t out[DIGEST_MAX]);
void digest_free(struct digest *d); /* NULL is fine */

#endif /* DIGEST_H */
