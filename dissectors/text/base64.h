/* base64.h - RFC 4648 4: the alphabet, a decoder that takes any chunks. */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 to 63; -1: not of the alphabet. */
int base64_digit(uint8_t c);
/* How many bytes at p are of the alphabet: fast, most of all attachments is such bytes. */
size_t base64_run(const uint8_t *p, size_t len);

struct base64 {
	uint32_t acc; /* bits not yet given out */
	unsigned int bits;
};
/*
 * Decodes what is of the alphabet, passes over the rest; `out' has room for len bytes.  Returns the
 * bytes written.
 */
size_t base64_decode_some(struct base64 *b, const uint8_t *p, size_t len, uint8_t *out);

/* A text that is one value of exactly `size' bytes, padded, and nothing else. */
bool base64_value_of(const char *text, uint8_t *out, size_t size);

#endif /* BASE64_H */
