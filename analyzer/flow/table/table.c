#include "flow/table/table.h"

#include "flow/table/index.h"

#include <stdlib.h>

enum { CHUNK = 256 }; /* entries: 16 KiB, what each interface of a capture takes at least */

struct table {
	struct hash_key key;
	struct hosts *hosts;
	struct index index; /* of slab positions */
	uint32_t count, cap;
	struct flow_light **chunk; /* the slab */
	uint32_t chunks, span;
	uint32_t free; /* slab position + 1, linked through `more' */
};

struct table *
table_new(const struct hash_key *key, uint32_t cap)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->key = *key;
	t->cap = cap == 0 ? 1 : cap;
	t->hosts = hosts_new(key);
	if (!index_init(&t->index) || t->hosts == NULL) {
		table_free(t);
		return NULL;
	}
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->chunks; i++)
		free(t->chunk[i]);
	free(t->chunk);
	index_free(&t->index);
	hosts_free(t->hosts);
	free(t);
}

static struct flow_light *
slab(const struct table *t, uint32_t i)
{
	return &t->chunk[i / CHUNK][i % CHUNK];
}

static inline uint64_t
end_value(const struct table *t, uint8_t family, const uint8_t *b, uint16_t port)
{
	uint32_t ip;

	if (family == 6)
		return hash_16(&t->key, b) + port;
	memcpy(&ip, b, sizeof(ip));
	return (uint64_t)ip << 16 | port;
}

/* Two ends of IPv6 whose hashes tie. */
__attribute__((noinline)) static bool
ends_swapped(const struct tuple *k)
{
	int c = memcmp(k->src, k->dst, 16);

	return c != 0 ? c > 0 : k->sport > k->dport;
}

/* IPv6, apart: the others need but a few comparisons and no registers saved. */
__attribute__((noinline)) static bool
holds_ends(
    const struct table *t, const struct flow_light *e, struct table_probe at, const struct tuple *k)
{
	return memcmp(hosts_bytes(t->hosts, e->host[at.swapped]), k->src, 16) == 0 &&
	    memcmp(hosts_bytes(t->hosts, e->host[!at.swapped]), k->dst, 16) == 0;
}

bool
table_holds(
    const struct table *t, const struct flow_light *e, struct table_probe at, const struct tuple *k)
{
	uint16_t family = LIGHT_USED | (k->family == 6 ? LIGHT_V6 : 0);

	if ((e->flags & (LIGHT_USED | LIGHT_V6)) != family || e->port[at.swapped] != k->sport ||
	    e->port[!at.swapped] != k->dport)
		return false;
	if (k->family == 6)
		return holds_ends(t, e, at, k);
	return memcmp(&e->host[at.swapped], k->src, 4) == 0 &&
	    memcmp(&e->host[!at.swapped], k->dst, 4) == 0;
}

/* The lower end comes first; any total order will do.  Which it is is a coin toss: no branch. */
struct table_probe
table_probe(const struct table *t, const struct tuple *k)
{
	uint64_t a = end_value(t, k->family, k->src, k->sport),
		 b = end_value(t, k->family, k->dst, k->dport);
	uint64_t low = a < b ? a : b, high = a < b ? b : a;
	struct table_probe at = { index_print(hash_pair(&t->key, low, high)), a > b };

	if (a == b && k->family == 6)
		at.swapped = ends_swapped(k);
	index_fetch(&t->index, at.print);
	return at;
}

struct flow_light *
table_fetch(const struct table *t, struct table_probe at)
{
	uint32_t slot = at.print, i = index_next(&t->index, at.print, &slot);
	struct flow_light *f;

	if (i == 0)
		return NULL;
	f = slab(t, i - 1);
	__builtin_prefetch(f);
	return f;
}

void
table_fetch_ends(const struct table *t, const struct flow_light *e)
{
	__builtin_prefetch(hosts_bytes(t->hosts, e->host[0]));
	__builtin_prefetch(hosts_bytes(t->hosts, e->host[1]));
}

struct flow_light *
table_find_probe(const struct table *t, struct table_probe at, const struct tuple *k)
{
	uint32_t slot = at.print, i;

	while ((i = index_next(&t->index, at.print, &slot)) != 0)
		if (table_holds(t, slab(t, i - 1), at, k))
			return slab(t, i - 1);
	return NULL;
}

struct flow_light *
table_find(
    const struct table *t, const struct endpoint *src, const struct endpoint *dst, unsigned *from)
{
	struct tuple k = tuple_of(src, dst);
	struct table_probe at = table_probe(t, &k);

	*from = at.swapped;
	return table_find_probe(t, at, &k);
}

static bool
slab_grow(struct table *t)
{
	struct flow_light **chunk;

	if (t->span < t->chunks * CHUNK)
		return true;
	if ((chunk = reallocarray(t->chunk, t->chunks + 1, sizeof(struct flow_light *))) == NULL)
		return false;
	t->chunk = chunk;
	if ((chunk[t->chunks] = aligned_alloc(64, CHUNK * sizeof(**chunk))) == NULL)
		return false;
	t->chunks++;
	return true;
}

static bool
slab_take(struct table *t, uint32_t *i)
{
	if (t->free != 0) {
		*i = t->free - 1;
		t->free = slab(t, *i)->more;
		return true;
	}
	if (!slab_grow(t))
		return false;
	*i = t->span++;
	return true;
}

static void
slab_give(struct table *t, uint32_t i)
{
	struct flow_light *f = slab(t, i);

	memset(f, 0, sizeof(*f));
	f->more = t->free;
	t->free = i + 1;
}

static bool
hosts_take_both(struct table *t, struct flow_light *f, unsigned from, const struct endpoint *src,
    const struct endpoint *dst)
{
	if (!hosts_take(t->hosts, &src->ip, &f->host[from]))
		return false;
	if (hosts_take(t->hosts, &dst->ip, &f->host[!from]))
		return true;
	hosts_drop(t->hosts, src->ip.family, f->host[from]);
	return false;
}

struct flow_light *
table_add(struct table *t, const struct endpoint *src, const struct endpoint *dst, unsigned *from)
{
	struct tuple k = tuple_of(src, dst);
	struct table_probe at = table_probe(t, &k);
	struct flow_light *f;
	uint32_t i;

	if (table_full(t) || !index_room(&t->index, t->count + 1) || !slab_take(t, &i))
		return NULL;
	f = slab(t, i);
	memset(f, 0, sizeof(*f));
	if (!hosts_take_both(t, f, at.swapped, src, dst)) {
		slab_give(t, i);
		return NULL;
	}
	f->flags = (uint16_t)(LIGHT_USED | (src->ip.family == 6 ? LIGHT_V6 : 0));
	f->port[at.swapped] = src->port;
	f->port[!at.swapped] = dst->port;
	index_put(&t->index, at.print, i);
	t->count++;
	*from = at.swapped;
	return f;
}

void
table_remove(struct table *t, struct flow_light *e)
{
	struct endpoint end[2] = { table_end(t, e, 0), table_end(t, e, 1) };
	struct tuple k = tuple_of(&end[0], &end[1]);
	uint32_t print = table_probe(t, &k).print, slot = print, i;

	do
		i = index_next(&t->index, print, &slot) - 1;
	while (slab(t, i) != e);
	index_remove(&t->index, print, i);
	hosts_drop(t->hosts, light_family(e), e->host[0]);
	hosts_drop(t->hosts, light_family(e), e->host[1]);
	slab_give(t, i);
	t->count--;
}

uint32_t
table_count(const struct table *t)
{
	return t->count;
}

bool
table_full(const struct table *t)
{
	return t->count >= t->cap;
}

uint32_t
table_span(const struct table *t)
{
	return t->span;
}

struct flow_light *
table_at(const struct table *t, uint32_t i)
{
	struct flow_light *f;

	if (i >= t->span)
		return NULL;
	f = slab(t, i);
	return (f->flags & LIGHT_USED) != 0 ? f : NULL;
}

struct endpoint
table_end(const struct table *t, const struct flow_light *e, unsigned end)
{
	return (
	    struct endpoint){ hosts_addr(t->hosts, light_family(e), e->host[end]), e->port[end] };
}

struct hosts *
table_hosts(struct table *t)
{
	return t->hosts;
}
