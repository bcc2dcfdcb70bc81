/*
 * store_contrast.c - what is known of paths and of other hosts.
 *
 * There may be tens of thousands of these records and most are never asked
 * for, so they are kept as they come; the first question sorts them and joins
 * those that are about the same.
 */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	PATHS_MAX	= 1 << 16,
	HOSTS_MAX	= 1 << 15,
	ROOM_START	= 256,
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

int
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

static int
host_by_server(const void *a, const void *b)
{
	const struct record_host *x = *(struct record_host *const *)a, *y = *(struct record_host *const *)b;
	int d = memcmp(&x->server.ip, &y->server.ip, sizeof(struct addr));

	return d != 0 ? d : host_order(x, y);
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

/* ---- sorted when asked -------------------------------------------------------- */

static void
paths_settle(struct contrast_tables *k)
{
	struct record_path *v = k->paths.v;
	size_t kept = 0;

	if (k->paths_settled)
		return;
	k->paths_settled = true;
	if (k->paths.n == 0)
		return;
	qsort(v, k->paths.n, sizeof(*v), path_order);
	for (size_t i = 1; i < k->paths.n; i++) {
		if (same_path(&v[kept], &v[i]) == 0)
			path_join(&v[kept], &v[i]);
		else if (++kept != i)
			v[kept] = v[i];
	}
	k->paths.n = kept + 1;
}

static void
hosts_settle(struct contrast_tables *k)
{
	struct record_host *v = k->hosts.v;
	size_t kept = 0;

	if (k->hosts_settled)
		return;
	k->hosts_settled = true;
	if (k->hosts.n == 0)
		return;
	qsort(v, k->hosts.n, sizeof(*v), host_order);
	for (size_t i = 1; i < k->hosts.n; i++) {
		if (same_host(&v[kept], &v[i]) == 0)
			host_join(&v[kept], &v[i]);
		else if (++kept != i)
			v[kept] = v[i];
	}
	k->hosts.n = kept + 1;
}

const struct table *
contrast_paths(const struct store *s)
{
	paths_settle(s->contrast);
	return &s->contrast->paths;
}

const struct contrast_tables *
contrast_hosts(const struct store *s)
{
	struct contrast_tables *k = s->contrast;
	struct record_host *v;
	size_t n;

	if (k->hosts_settled && k->by_client != NULL)
		return k;
	hosts_settle(k);
	v = k->hosts.v;
	n = k->hosts.n;
	free(k->by_client);
	free(k->by_server);
	k->by_client = malloc((n + 1) * sizeof(struct record_host *));
	k->by_server = malloc((n + 1) * sizeof(struct record_host *));
	k->indexed = k->by_client != NULL && k->by_server != NULL ? n : 0;
	k->starved += k->by_client == NULL || k->by_server == NULL;
	for (size_t i = 0; i < k->indexed; i++)
		k->by_client[i] = k->by_server[i] = &v[i];
	if (k->indexed > 0)
		qsort(k->by_server, n, sizeof(struct record_host *), host_by_server);
	return k;
}

static void
hosts_unindex(struct contrast_tables *k)
{
	free(k->by_client);
	free(k->by_server);
	k->by_client = k->by_server = NULL;
	k->indexed = 0;
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
static void
table_drop_oldest(struct table *t, size_t size, int64_t (*last)(const void *), uint64_t *counter)
{
	int64_t *age = malloc(t->n * sizeof(*age)), cut;
	size_t kept = 0, equal = 0;		/* of those as old as the cut, how many leave */

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

/* Room for one more after the table was settled: it grows once more than half of it is needed. */
static bool
table_room(struct table *t, size_t size)
{
	size_t room = t->room == 0 ? ROOM_START : t->room * 2;
	void *v;

	if (t->n <= t->room / 2 && t->n < t->room)
		return true;
	if ((v = realloc(t->v, room * size)) == NULL)
		return t->n < t->room;
	t->v = v;
	t->room = room;
	return true;
}

bool
contrast_take_path(struct store *s, const struct record_path *x)
{
	struct contrast_tables *k = s->contrast;

	if (k->paths.n == k->paths.room || k->paths.n >= PATHS_MAX) {
		paths_settle(k);
		if (k->paths.n >= PATHS_MAX)
			table_drop_oldest(&k->paths, sizeof(*x), path_last, &s->counters.paths_evicted);
		if (k->paths.n >= PATHS_MAX || !table_room(&k->paths, sizeof(*x)))
			return false;
	}
	((struct record_path *)k->paths.v)[k->paths.n++] = *x;
	k->paths_settled = false;
	return true;
}

bool
contrast_take_host(struct store *s, const struct record_host *x)
{
	struct contrast_tables *k = s->contrast;

	if (k->hosts.n == k->hosts.room || k->hosts.n >= HOSTS_MAX) {
		hosts_settle(k);
		if (k->hosts.n >= HOSTS_MAX)
			table_drop_oldest(&k->hosts, sizeof(*x), host_last, &s->counters.hosts_evicted);
		hosts_unindex(k);
		if (k->hosts.n >= HOSTS_MAX || !table_room(&k->hosts, sizeof(*x)))
			return false;
	}
	((struct record_host *)k->hosts.v)[k->hosts.n++] = *x;
	k->hosts_settled = false;
	return true;
}

void
contrast_release(struct contrast_tables *k)
{
	hosts_unindex(k);
	free(k->paths.v);
	free(k->hosts.v);
	free(k);
}
