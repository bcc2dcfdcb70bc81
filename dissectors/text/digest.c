#include "dissectors/text/digest.h"

#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>
#include <nettle/umac.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

static struct umac64_ctx fast_keyed;
static once_flag fast_once = ONCE_FLAG_INIT;

static void
fast_set_key(void)
{
	static const uint8_t key[UMAC_KEY_SIZE];

	umac64_set_key(&fast_keyed, key);
}

/* What the key makes costs as much as four kilobytes of a mail, and is always the same. */
static void
fast_begin(void *s)
{
	call_once(&fast_once, fast_set_key);
	memcpy(s, &fast_keyed, sizeof(fast_keyed));
}

static void
fast_update(void *s, size_t len, const uint8_t *p)
{
	umac64_update(s, len, p);
}

static void
fast_digest(void *s, size_t len, uint8_t *out)
{
	umac64_digest(s, len, out);
}

/* UMAC takes a key, so nettle does not count it among its hash functions. */
static const struct nettle_hash fast = {
	.name = "umac64",
	.context_size = sizeof(struct umac64_ctx),
	.digest_size = UMAC64_DIGEST_SIZE,
	.init = fast_begin,
	.update = fast_update,
	.digest = fast_digest,
};

/* The state of the function, and no more: they differ by a factor of ten. */
struct digest {
	const struct nettle_hash *a;
	void *s;
};

static const struct nettle_hash *
algorithm(enum digest_kind kind)
{
	switch (kind) {
	case DIGEST_MD5: return &nettle_md5;
	case DIGEST_SHA1: return &nettle_sha1;
	case DIGEST_SHA256: return &nettle_sha256;
	default: return &fast;
	}
}

struct digest *
digest_new(enum digest_kind kind)
{
	struct digest *d = malloc(sizeof(*d));

	if (d == NULL)
		return NULL;
	d->a = algorithm(kind);
	d->s = malloc(d->a->context_size);
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

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct umac64_ctx), "room for every state");

/* On a copy: a digest ends its function. */
size_t
digest_value(const struct digest *d, uint8_t out[DIGEST_MAX])
{
	_Alignas(16) uint8_t last[sizeof(struct umac64_ctx)]; /* the largest of them */

	memcpy(last, d->s, d->a->context_size);
	d->a->digest(last, d->a->digest_size, out);
	return d->a->digest_size;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	free(d->s);
	free(d);
}
