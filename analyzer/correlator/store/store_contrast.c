/*
 * store_contrast.c - what is known of paths and of other hosts.
 *
 * There may be tens of thousands of these records and most are never asked
 * for, so they are kept as they come.  The first question puts them into
 * buckets by the address it asks about; those about the same join there, and
 * all of them when the table is full.
 */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	PATHS_MAX = 1 << 16, /* different ones; the table holds as many repeats besides */
	HOSTS_MAX = 1 << 15,
	ROOM_START = 256,
};

/* ---- orders: what is the same record, then who joins whom --------------------- */

static int
same_path(const struct record_path *x, const struct record_path *y)
{
	int d;

	if ((d = memcmp(&x->from, &y->from, sizeof(x->from))) != 0)
		return d;
	if ((d = memcmp(&x->to, &y->to, sizeof(x->to))) != 0)
		return d;
	return order_i64(x->epoch_ns, y->epoch_ns);
}

static int
same_host(const struct record_host *x, const struct record_host *y)
{
	int d;

	/* TTL and round trip are a point's own: points do not join */
	if ((d = memcmp(&x->client, &y->client, sizeof(x->client))) != 0)
		return d;
	if ((d = memcmp(&x->server.ip, &y->server.ip, sizeof(x->server.ip))) != 0)
		return d;
	if ((d = order_u64(x->server.port, y->server.port)) != 0)
		return d;
	return order_u64(x->key.point, y->key.point);
}

static int
key_order(const struct record_key *x, const struct record_key *y)
{
	int d = order_u64(x->point, y->point);

	return d != 0 ? d : order_u64(x->n, y->n);
}

static int
path_order(const void *a, const void *b)
{
	const struct record_path *x = a, *y = b;
	int d = same_path(x, y);

	return d != 0 ? d : key_order(&x->key, &y->key);
}

static int
host_order(const void *a, const void *b)
{
	const struct record_host *x = a, *y = b;
	int d = same_host(x, y);

	return d != 0 ? d : key_order(&x->key, &y->key);
}

/* ---- joins (diagnosis 2.6): max and min only, so order and repeats do not matter --- */

static void
path_join(struct record_path *into, const struct record_path *x)
{
	if (x->proven > into->proven ||
	    (x->proven == into->proven && witness_before(&x->proven_at, &into->proven_at))) {
		into->proven = x->proven;
		into->proven_at = x->proven_at;
		into->proven_conn = x->proven_conn;
		into->key = x->key;
	}
	if (x->w_max_seen > into->w_max_seen)
		into->w_max_seen = x->w_max_seen;
	if (x->flows > into->flows)
		into->flows = x->flows;
}

static uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void
host_join(struct record_host *into, const struct record_host *x)
{
	into->answered = max_u32(into->answered, x->answered);
	into->refused = max_u32(into->refused, x->refused);
	into->unanswered = max_u32(into->unanswered, x->unanswered);
	into->unreachable = max_u32(into->unreachable, x->unreachable);
	into->data = max_u32(into->data, x->data);
	if (x->first.ns < into->first.ns)
		into->first = x->first;
	if (x->last.ns > into->last.ns)
		into->last = x->last;
	if (x->answered_at.frame != 0 &&
	    (into->answered_at.frame == 0 || witness_before(&x->answered_at, &into->answered_at)))
		into->answered_at = x->answered_at;
	if (x->ttl > into->ttl)
		into->ttl = x->ttl;
	if (x->ttl_rst > into->ttl_rst)
		into->ttl_rst = x->ttl_rst;
	if (x->rtt_min_ns > 0 && (into->rtt_min_ns <= 0 || x->rtt_min_ns < into->rtt_min_ns))
		into->rtt_min_ns = x->rtt_min_ns;
}

/* ---- all that are about the same join ------------------------------------------ */

static void
paths_settle(struct table *t)
{
	struct record_path *v = t->v;
	size_t kept = 0;

	qsort(v, t->n, sizeof(*v), path_order);
	for (size_t i = 1; i < t->n; i++) {
		if (same_path(&v[kept], &v[i]) == 0)
			path_join(&v[kept], &v[i]);
		else if (++kept != i)
			v[kept] = v[i];
	}
	t->n = kept + 1;
}

static void
hosts_settle(struct table *t)
{
	struct record_host *v = t->v;
	size_t kept = 0;

	qsort(v, t->n, sizeof(*v), host_order);
	for (size_t i = 1; i < t->n; i++) {
		if (same_host(&v[kept], &v[i]) == 0)
			host_join(&v[kept], &v[i]);
		else if (++kept != i)
			v[kept] = v[i];
	}
	t->n = kept + 1;
}

/* ---- in buckets when asked ------------------------------------------------------ */

size_t
index_bucket(const struct addr_index *x, const struct addr *a)
{
	uint64_t w[2];

	memcpy(w, a->b, sizeof(w));
	return (size_t)id_end(w[0] + id_end(w[1] + a->family)) & (x->buckets - 1);
}

static void
index_release(struct addr_index *x)
{
	free(x->start);
	free(x->joined);
	free(x->v);
	*x = (struct addr_index){ 0 };
}

/*
 * Pointers to the records, in each bucket in the order they came; false: no memory, it stays empty.
 */
static bool
index_build(struct addr_index *x, const struct table *t, size_t size, size_t address)
{
	char *records = t->v;

	index_release(x);
	for (x->buckets = 1; x->buckets < t->n; x->buckets *= 2)
		;
	x->start = calloc(x->buckets + 2, sizeof(*x->start));
	x->joined = calloc(x->buckets, sizeof(*x->joined));
	x->v = malloc((t->n + 1) * sizeof(void *));
	if (x->start == NULL || x->joined == NULL || x->v == NULL) {
		index_release(x);
		return false;
	}
	for (size_t i = 0; i < t->n; i++)
		x->start[index_bucket(x, (struct addr *)(void *)(records + i * size + address)) +
		    2]++;
	for (size_t b = 2; b < x->buckets + 2; b++)
		x->start[b] += x->start[b - 1];
	for (size_t i = 0; i < t->n;
	     i++) /* leaves each start where the bucket before it ends: in its place */
		x->v[x->start[index_bucket(
				  x, (struct addr *)(void *)(records + i * size + address)) +
		    1]++] = records + i * size;
	x->indexed = t->n;
	return true;
}

static struct addr_span
index_span(const struct addr_index *x, const struct addr *a)
{
	static void *none[1];
	size_t b;

	if (x->v == NULL)
		return (struct addr_span){ none, none };
	b = index_bucket(x, a);
	return (struct addr_span){ x->v + x->start[b], x->v + x->start[b + 1] };
}

static int
host_pointer_order(const void *a, const void *b)
{
	return host_order(*(struct record_host *const *)a, *(struct record_host *const *)b);
}

/*
 * A bucket of hosts sorted, and those about the same joined into the first: the others are left
 * out.
 */
static void
bucket_join_hosts(struct addr_index *x, size_t b)
{
	void **v = x->v + x->start[b];
	uint32_t n = x->start[b + 1] - x->start[b], kept = 0;

	if (n > 1)
		qsort(v, n, sizeof(void *), host_pointer_order);
	for (uint32_t i = 1; i < n; i++) {
		if (same_host(v[kept], v[i]) == 0)
			host_join(v[kept], v[i]);
		else
			v[++kept] = v[i];
	}
	x->joined[b] = n > 0 ? kept + 1 : 0;
}

struct addr_span
contrast_paths(const struct store *s, const struct addr *from)
{
	struct contrast_tables *k = s->contrast;

	if (k->by_from.indexed != k->paths.n &&
	    !index_build(&k->by_from, &k->paths, sizeof(struct record_path),
		offsetof(struct record_path, from)))
		k->starved++;
	return index_span(&k->by_from, from);
}

struct addr_span
contrast_hosts(const struct store *s, bool by_server, const struct addr *a)
{
	struct contrast_tables *k = s->contrast;
	struct addr_index *x = by_server ? &k->by_server : &k->by_client;
	size_t address = by_server ? offsetof(struct record_host, server.ip)
				   : offsetof(struct record_host, client),
	       b;
	struct addr_span all;

	if (x->indexed != k->hosts.n &&
	    !index_build(x, &k->hosts, sizeof(struct record_host), address))
		k->starved++;
	all = index_span(x, a);
	if (all.at == all.end)
		return all;
	b = index_bucket(x, a);
	if (x->joined[b] == 0)
		bucket_join_hosts(x, b);
	all.end = all.at + x->joined[b];
	return all;
}

/* ---- taking ------------------------------------------------------------------- */

static int
age_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/*
 * The oldest half leaves; `last' tells the age.  Half by number, whatever the
 * ages: else a history made for it (one that is older than all others, again
 * and again) would have each record cost a whole table.
 */
void
table_drop_oldest(struct table *t, size_t size, int64_t (*last)(const void *), uint64_t *counter)
{
	int64_t *age = malloc(t->n * sizeof(*age)), cut;
	size_t kept = 0, equal = 0; /* of those as old as the cut, how many leave */

	if (age == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		age[i] = last((char *)t->v + i * size);
	qsort(age, t->n, sizeof(*age), age_order);
	cut = age[t->n / 2];
	while (equal < t->n / 2 && age[t->n / 2 - 1 - equal] == cut)
		equal++;
	free(age);
	for (size_t i = 0; i < t->n; i++) {
		char *p = (char *)t->v + i * size;

		if (last(p) < cut || (last(p) == cut && equal > 0 && equal-- > 0))
			continue;
		memmove((char *)t->v + kept++ * size, p, size);
	}
	*counter += t->n - kept;
	t->n = kept;
}

static int64_t
path_last(const void *p)
{
	return ((const struct record_path *)p)->epoch_ns;
}

static int64_t
host_last(const void *p)
{
	return ((const struct record_host *)p)->last.ns;
}

static bool
table_grow(struct table *t, size_t size, size_t max)
{
	size_t room = t->room == 0 ? ROOM_START : t->room + t->room / 2;
	void *v;

	if (room > max)
		room = max;
	if (t->room >= max || (v = realloc(t->v, room * size)) == NULL)
		return false;
	t->v = v;
	t->room = room;
	return true;
}

/*
 * Room for one more.  A full table is settled; as it is twice as large as the
 * number of different records kept, that leaves room for many more.
 */
static bool
table_room(struct table *t, size_t size, size_t max, void (*settle)(struct table *),
    int64_t (*last)(const void *), uint64_t *evicted)
{
	if (t->n < t->room || table_grow(t, size, 2 * max))
		return true;
	if (t->n == 0)
		return false;
	settle(t);
	if (t->n > max)
		table_drop_oldest(t, size, last, evicted);
	return t->n < t->room;
}

bool
contrast_take_path(struct store *s, const struct record_path *x)
{
	struct contrast_tables *k = s->contrast;

	if (k->paths.n == k->paths.room) {
		index_release(&k->by_from);
		if (!table_room(&k->paths, sizeof(*x), PATHS_MAX, paths_settle, path_last,
			&s->counters.paths_evicted))
			return false;
	}
	((struct record_path *)k->paths.v)[k->paths.n++] = *x;
	return true;
}

bool
contrast_take_host(struct store *s, const struct record_host *x)
{
	struct contrast_tables *k = s->contrast;

	if (k->hosts.n == k->hosts.room) {
		index_release(&k->by_client);
		index_release(&k->by_server);
		if (!table_room(&k->hosts, sizeof(*x), HOSTS_MAX, hosts_settle, host_last,
			&s->counters.hosts_evicted))
			return false;
	}
	((struct record_host *)k->hosts.v)[k->hosts.n++] = *x;
	return true;
}

void
contrast_release(struct contrast_tables *k)
{
	index_release(&k->by_from);
	index_release(&k->by_client);
	index_release(&k->by_server);
	free(k->paths.v);
	free(k->hosts.v);
	free(k);
}
