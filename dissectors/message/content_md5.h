/*
 * content_md5.h - the Content-MD5 of one part (RFC 1864): the MD5 of its
 * content in canonical form, before any transfer encoding.
 *
 * Programs disagree on two things: whether the last line end belongs to the
 * content, and whether lines of text end with LF where the sum is taken.  Each
 * of these readings counts as right.  Quoted-printable that cannot be decoded
 * for certain is not judged.
 */
#ifndef CONTENT_MD5_H
#define CONTENT_MD5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum content_coding { CODING_PLAIN, CODING_BASE64, CODING_QUOTED, CODING_OTHER };
enum content_md5_says { MD5_UNKNOWN, MD5_RIGHT, MD5_WRONG };

struct content_md5;

/* NULL: not 16 bytes in base64, a coding that is not known, or no memory (*starved). */
struct content_md5 *content_md5_new(const char *value, enum content_coding coding, bool *starved);
void content_md5_push(struct content_md5 *m, const uint8_t *p, size_t len); /* as transferred */
enum content_md5_says content_md5_end(struct content_md5 *m);
void content_md5_free(struct content_md5 *m); /* NULL is fine */

#endif /* CONTENT_MD5_H */
