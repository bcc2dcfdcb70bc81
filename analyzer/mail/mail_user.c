/*
 * mail_user.c - login names as they may be kept: a keyed hash that shows
 * equality and nothing else (SipHash-2-4, Aumasson and Bernstein 2012).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/mail_internal.h"

static uint64_t
rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t
read_le64(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len && i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void
sip_rounds(uint64_t v[4], unsigned int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13);
		v[1] ^= v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16);
		v[3] ^= v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21);
		v[3] ^= v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17);
		v[1] ^= v[2];
		v[2] = rotate(v[2], 32);
	}
}

static void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_rounds(v, 2);
	v[0] ^= m;
}

uint64_t
mail_siphash(const uint8_t key[16], const void *p, size_t len)
{
	const uint64_t k0 = read_le64(key, 8), k1 = read_le64(key + 8, 8);
	uint64_t v[4] = {
		k0 ^ 0x736f6d6570736575u,
		k1 ^ 0x646f72616e646f6du,
		k0 ^ 0x6c7967656e657261u,
		k1 ^ 0x7465646279746573u,
	};
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8)
		sip_word(v, read_le64(b + i, 8));
	sip_word(v, read_le64(b + i, len - i) | (uint64_t)(len & 0xff) << 56);
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
mail_user_set(struct mail_flow *f, const char *user, size_t len)
{
	const struct mail_options *o = &f->mail->o;
	struct record_session *s = f->session;

	snprintf(
	    s->user_hash, sizeof(s->user_hash), "%016" PRIx64, mail_siphash(o->key, user, len));
	if (o->show_users)
		mail_text_own(f, &s->user, RECORD_LINE, user, len);
}
