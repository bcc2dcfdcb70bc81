#include "mail/mail_sum.h"

#include <endian.h>
#include <string.h>

static uint64_t
mixed(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

/* Little-endian on every host: records travel. */
static uint64_t
word_at(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

static void
byte_push(struct mail_sum *s, uint8_t b)
{
	unsigned int at = (unsigned int)(s->bytes++ % 8);

	s->held = at == 0 ? b : s->held | (uint64_t)b << (8 * at);
	if (at == 7)
		s->h = mixed(s->h, s->held);
}

void
mail_sum_push(struct mail_sum *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (; len > 0 && s->bytes % 8 != 0; len--)
		byte_push(s, *p++);
	for (; len >= 8; len -= 8, p += 8, s->bytes += 8)
		s->h = mixed(s->h, word_at(p));
	for (; len > 0; len--)
		byte_push(s, *p++);
}

uint64_t
mail_sum_value(const struct mail_sum *s)
{
	uint64_t h = s->h;

	if (s->bytes == 0)
		return 0;
	h = mixed(mixed(s->bytes % 8 != 0 ? mixed(h, s->held) : h, s->bytes),
	    UINT64_C(0x2545f4914f6cdd1d));
	return h != 0 ? h : 1;
}
