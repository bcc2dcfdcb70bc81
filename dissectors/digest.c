#include "dissectors/digest.h"

#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/umac.h>
#include <stdlib.h>
#include <string.h>

union state {
	struct md5_ctx		md5;
	struct sha1_ctx		sha1;
	struct sha256_ctx	sha256;
	struct umac64_ctx	fast;
};

struct algorithm {
	size_t	size, value;
	void	(*init)(union state *s);
	void	(*update)(union state *s, size_t len, const uint8_t *p);
	void	(*value_take)(union state *s, size_t len, uint8_t *out);
};

/* The algorithm's part of the union, and no more: they differ by a factor of ten. */
struct digest {
	const struct algorithm *a;
	union state	*s;
};

static void
md5_begin(union state *s)
{
	md5_init(&s->md5);
}

static void
md5_take(union state *s, size_t len, const uint8_t *p)
{
	md5_update(&s->md5, len, p);
}

static void
md5_end(union state *s, size_t len, uint8_t *out)
{
	md5_digest(&s->md5, len, out);
}

static void
sha1_begin(union state *s)
{
	sha1_init(&s->sha1);
}

static void
sha1_take(union state *s, size_t len, const uint8_t *p)
{
	sha1_update(&s->sha1, len, p);
}

static void
sha1_end(union state *s, size_t len, uint8_t *out)
{
	sha1_digest(&s->sha1, len, out);
}

static void
sha256_begin(union state *s)
{
	sha256_init(&s->sha256);
}

static void
sha256_take(union state *s, size_t len, const uint8_t *p)
{
	sha256_update(&s->sha256, len, p);
}

static void
sha256_end(union state *s, size_t len, uint8_t *out)
{
	sha256_digest(&s->sha256, len, out);
}

static void
fast_begin(union state *s)
{
	static const uint8_t key[UMAC_KEY_SIZE];

	umac64_set_key(&s->fast, key);
}

static void
fast_take(union state *s, size_t len, const uint8_t *p)
{
	umac64_update(&s->fast, len, p);
}

static void
fast_end(union state *s, size_t len, uint8_t *out)
{
	umac64_digest(&s->fast, len, out);
}

static const struct algorithm algorithms[] = {
	[DIGEST_MD5] = { sizeof(struct md5_ctx), MD5_DIGEST_SIZE, md5_begin, md5_take, md5_end },
	[DIGEST_SHA1] = { sizeof(struct sha1_ctx), SHA1_DIGEST_SIZE, sha1_begin, sha1_take, sha1_end },
	[DIGEST_SHA256] = { sizeof(struct sha256_ctx), SHA256_DIGEST_SIZE, sha256_begin, sha256_take, sha256_end },
	[DIGEST_FAST] = { sizeof(struct umac64_ctx), UMAC64_DIGEST_SIZE, fast_begin, fast_take, fast_end },
};

struct digest *
digest_new(enum digest_kind kind)
{
	struct digest *d = malloc(sizeof(*d));

	if (d == NULL)
		return NULL;
	d->a = &algorithms[kind];
	d->s = malloc(d->a->size);
	if (d->s == NULL) {
		free(d);
		return NULL;
	}
	d->a->init(d->s);
	return d;
}

void
digest_update(struct digest *d, const void *p, size_t len)
{
	d->a->update(d->s, len, p);
}

size_t
digest_value(const struct digest *d, uint8_t out[DIGEST_MAX])
{
	union state last;

	memcpy(&last, d->s, d->a->size);
	d->a->value_take(&last, d->a->value, out);
	return d->a->value;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	free(d->s);
	free(d);
}
