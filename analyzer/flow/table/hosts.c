#include "flow/table/hosts.h"

#include <stdlib.h>

enum { HOSTS_START = 64 };

struct host {
	uint8_t b[16];
	uint32_t refs; /* 0: on the free list */
	uint32_t next; /* in its bucket, or on the free list; id + 1 */
};

struct hosts {
	struct hash_key key;
	struct host *host;
	uint32_t *bucket; /* id + 1; as many as hosts */
	uint32_t size, used, free, live;
};

struct hosts *
hosts_new(const struct hash_key *key)
{
	struct hosts *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->key = *key;
	h->size = HOSTS_START;
	h->host = calloc(h->size, sizeof(*h->host));
	h->bucket = calloc(h->size, sizeof(*h->bucket));
	if (h->host == NULL || h->bucket == NULL) {
		hosts_free(h);
		return NULL;
	}
	return h;
}

void
hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	free(h->host);
	free(h->bucket);
	free(h);
}

static uint32_t *
hosts_bucket(const struct hosts *h, const uint8_t b[16])
{
	return &h->bucket[hash_16(&h->key, b) & (h->size - 1)];
}

static void
hosts_link(struct hosts *h, uint32_t i)
{
	uint32_t *slot = hosts_bucket(h, h->host[i].b);

	h->host[i].next = *slot;
	*slot = i + 1;
}

static bool
hosts_grow(struct hosts *h)
{
	uint32_t size = h->size * 2;
	struct host *host;
	uint32_t *bucket;

	if (size == 0 || (host = reallocarray(h->host, size, sizeof(*host))) == NULL)
		return false;
	h->host = host;
	if ((bucket = calloc(size, sizeof(*bucket))) == NULL)
		return false;
	free(h->bucket);
	h->bucket = bucket;
	h->size = size;
	for (uint32_t i = 0; i < h->used; i++)
		if (h->host[i].refs > 0)
			hosts_link(h, i);
	return true;
}

/* A place for a new host: a freed one, else a fresh one. */
static bool
hosts_place(struct hosts *h, uint32_t *i)
{
	if (h->free != 0) {
		*i = h->free - 1;
		h->free = h->host[*i].next;
		return true;
	}
	if (h->used == h->size && !hosts_grow(h))
		return false;
	*i = h->used++;
	return true;
}

bool
hosts_find(const struct hosts *h, const struct addr *a, uint32_t *id)
{
	if (a->family == 4) {
		memcpy(id, a->b, sizeof(*id));
		return true;
	}
	for (uint32_t i = *hosts_bucket(h, a->b); i != 0; i = h->host[i - 1].next)
		if (memcmp(h->host[i - 1].b, a->b, 16) == 0) {
			*id = i - 1;
			return true;
		}
	return false;
}

bool
hosts_take(struct hosts *h, const struct addr *a, uint32_t *id)
{
	if (!hosts_find(h, a, id)) {
		if (!hosts_place(h, id))
			return false;
		memcpy(h->host[*id].b, a->b, 16);
		h->host[*id].refs = 0;
		hosts_link(h, *id);
		h->live++;
	}
	if (a->family != 4)
		h->host[*id].refs++;
	return true;
}

void
hosts_hold(struct hosts *h, uint8_t family, uint32_t id)
{
	if (family != 4)
		h->host[id].refs++;
}

void
hosts_drop(struct hosts *h, uint8_t family, uint32_t id)
{
	uint32_t *p;

	if (family == 4 || --h->host[id].refs > 0)
		return;
	for (p = hosts_bucket(h, h->host[id].b); *p != id + 1; p = &h->host[*p - 1].next)
		;
	*p = h->host[id].next;
	h->host[id].next = h->free;
	h->free = id + 1;
	h->live--;
}

const uint8_t *
hosts_bytes(const struct hosts *h, uint32_t id)
{
	return h->host[id].b;
}

struct addr
hosts_addr(const struct hosts *h, uint8_t family, uint32_t id)
{
	struct addr a = { .family = family };

	if (family == 4)
		memcpy(a.b, &id, sizeof(id));
	else
		memcpy(a.b, h->host[id].b, 16);
	return a;
}

uint32_t
hosts_count(const struct hosts *h)
{
	return h->live;
}
