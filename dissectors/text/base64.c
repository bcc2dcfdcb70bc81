#include "dissectors/text/base64.h"

#include <endian.h>
#include <string.h>

typedef uint8_t many __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

int
base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 * Which of p[0..16) are digits (0xff, others 0): letters of either case, "/" with the digits behind
 * it, "+".
 */
static inline two_words
digits_at(const uint8_t *p)
{
	many v;

	memcpy(&v, p, sizeof(v));
	return (two_words)(((v | 0x20) - 'a' <= 'z' - 'a') | (v - '/' <= '9' - '/') | (v == '+'));
}

/* How many come before the first that is 0; one of them is. */
static inline size_t
digits_first(two_words all)
{
	if (~all[0] != 0)
		return (size_t)__builtin_ctzll(le64toh(~all[0])) / 8;
	return 8 + (size_t)__builtin_ctzll(le64toh(~all[1])) / 8;
}

size_t
base64_run(const uint8_t *p, size_t len)
{
	two_words all;
	size_t n;

	for (n = 0; n + sizeof(all) <= len; n += sizeof(all)) {
		all = digits_at(p + n);
		if ((all[0] & all[1]) != ~(uint64_t)0)
			return n + digits_first(all);
	}
	for (; n < len && base64_digit(p[n]) >= 0; n++)
		;
	return n;
}

size_t
base64_decode_some(struct base64 *b, const uint8_t *p, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int v = base64_digit(p[i]);

		if (v < 0)
			continue;
		b->acc = (b->acc << 6 | (uint32_t)v) & 0xffff;
		b->bits += 6;
		if (b->bits >= 8) {
			b->bits -= 8;
			out[n++] = (uint8_t)(b->acc >> b->bits);
		}
	}
	return n;
}

bool
base64_value_of(const char *text, uint8_t *out, size_t size)
{
	size_t len = strlen(text), digits = base64_run((const uint8_t *)text, len);
	uint8_t decoded[64];
	struct base64 b = { 0 };

	if (len > sizeof(decoded) || len % 4 != 0 || len - digits > 2 ||
	    strspn(text + digits, "=") != len - digits)
		return false;
	if (base64_decode_some(&b, (const uint8_t *)text, digits, decoded) != size)
		return false;
	memcpy(out, decoded, size);
	return true;
}
