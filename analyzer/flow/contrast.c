#include "flow/contrast.h"

#include "flow/sparse.h"

#include <stdlib.h>

static const int64_t epoch_ns = 600000000000;

enum {
	FEW = 2048,		/* up to so many entries all are written */
	MARKS = 1 << 16,	/* slots for marked hosts; beyond half of them all count as marked */
};

/* One fixed-size cache of records: chained buckets, a clock hand for eviction. */
struct shelf {
	uint32_t	 size, used, hand;
	uint32_t	*bucket;	/* index + 1 */
	uint32_t	*next;
	uint8_t		*touched;
};

struct path_entry {
	uint32_t	from, to;
	uint8_t		family;
	struct record_path r;
};

struct host_entry {
	uint32_t	client, server;
	uint8_t		family;
	struct record_host r;
};

struct contrast {
	uint32_t	 point;
	struct hash_key	 key;
	struct hosts	*hosts;
	struct record_sink sink;
	struct shelf	 paths, pairs;
	struct path_entry *path;
	struct host_entry *host;
	uint32_t	 path_ordinal, host_ordinal;
	uint32_t	 marks, mark_size;
	uint64_t	*mark;		/* family << 32 | id, the reference is ours; 0 = empty */
	struct contrast_counters count;
	struct record	 out;		/* cleared once: a record is 9 KB, a path 200 bytes of it */
};

static bool
shelf_init(struct shelf *s, uint32_t size)
{
	uint32_t n = 64;

	while (n < size)
		n *= 2;
	s->size = n;
	s->bucket = calloc(n, sizeof(*s->bucket));
	s->next = calloc(n, sizeof(*s->next));
	s->touched = calloc(n, 1);
	return s->bucket != NULL && s->next != NULL && s->touched != NULL;
}

static void
shelf_free(struct shelf *s)
{
	free(s->bucket);
	free(s->next);
	free(s->touched);
}

static void
shelf_unlink(struct shelf *s, uint64_t hash, uint32_t i)
{
	uint32_t *p = &s->bucket[hash & (s->size - 1)];

	while (*p != i + 1)
		p = &s->next[*p - 1];
	*p = s->next[i];
}

static void
shelf_link(struct shelf *s, uint64_t hash, uint32_t i)
{
	uint32_t *p = &s->bucket[hash & (s->size - 1)];

	s->next[i] = *p;
	*p = i + 1;
	s->touched[i] = 1;
}

/* The place whose turn it is to go: not touched since the hand came by. */
static uint32_t
shelf_victim(struct shelf *s)
{
	for (;;) {
		uint32_t i = s->hand++ & (s->size - 1);

		if (!s->touched[i])
			return i;
		s->touched[i] = 0;
	}
}

struct contrast *
contrast_new(uint32_t point, const struct hash_key *key, struct hosts *hosts, uint32_t paths,
    uint32_t pairs, const struct record_sink *sink)
{
	struct contrast *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->point = point;
	c->key = *key;
	c->hosts = hosts;
	c->sink = *sink;
	c->mark_size = 64;
	while (c->mark_size < MARKS && c->mark_size < 2 * pairs)
		c->mark_size *= 2;
	if (!shelf_init(&c->paths, paths) || !shelf_init(&c->pairs, pairs) ||
	    (c->path = sparse_new(c->paths.size * sizeof(*c->path))) == NULL ||
	    (c->host = sparse_new(c->pairs.size * sizeof(*c->host))) == NULL ||
	    (c->mark = sparse_new(c->mark_size * sizeof(*c->mark))) == NULL) {
		contrast_free(c);
		return NULL;
	}
	return c;
}

void
contrast_free(struct contrast *c)
{
	if (c == NULL)
		return;
	shelf_free(&c->paths);
	shelf_free(&c->pairs);
	sparse_free(c->path, c->paths.size * sizeof(*c->path));
	sparse_free(c->host, c->pairs.size * sizeof(*c->host));
	sparse_free(c->mark, c->mark_size * sizeof(*c->mark));
	free(c);
}

/* ---- marked hosts ---------------------------------------------------------- */

static uint64_t *
mark_slot(const struct contrast *c, uint64_t name)
{
	uint64_t i = hash_pair(&c->key, name, name);

	while (c->mark[i & (c->mark_size - 1)] != 0 && c->mark[i & (c->mark_size - 1)] != name)
		i++;
	return &c->mark[i & (c->mark_size - 1)];
}

static uint64_t
mark_name(uint8_t family, uint32_t id)
{
	return (uint64_t)family << 32 | id;
}

void
contrast_mark(struct contrast *c, const struct addr *a)
{
	uint64_t *slot;
	uint32_t id;

	if (c->marks >= c->mark_size / 2 || !hosts_take(c->hosts, a, &id))
		return;
	slot = mark_slot(c, mark_name(a->family, id));
	if (*slot == 0) {
		*slot = mark_name(a->family, id);
		c->marks++;
	} else {
		hosts_drop(c->hosts, a->family, id);
	}
}

static bool
marked(const struct contrast *c, uint8_t family, uint32_t a, uint32_t b)
{
	return c->marks >= c->mark_size / 2 || *mark_slot(c, mark_name(family, a)) != 0 ||
	    *mark_slot(c, mark_name(family, b)) != 0;
}

/* ---- writing --------------------------------------------------------------- */

static void
path_write(struct contrast *c, uint32_t i)
{
	const struct path_entry *e = &c->path[i];

	if (c->paths.used > FEW && !marked(c, e->family, e->from, e->to)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_PATH;
	c->out.path = e->r;
	c->sink.take(c->sink.ctx, &c->out);
}

static void
host_write(struct contrast *c, uint32_t i)
{
	const struct host_entry *e = &c->host[i];

	if (c->pairs.used > FEW && !marked(c, e->family, e->client, e->server)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_HOST;
	c->out.host = e->r;
	c->sink.take(c->sink.ctx, &c->out);
}

/* ---- paths ---------------------------------------------------------------- */

static uint64_t
path_hash(const struct contrast *c, uint32_t from, uint32_t to, uint8_t family, int64_t epoch)
{
	return hash_pair(&c->key, (uint64_t)from << 32 | to, (uint64_t)epoch << 3 ^ family);
}

static void
path_evict(struct contrast *c, uint32_t i)
{
	struct path_entry *e = &c->path[i];

	path_write(c, i);
	shelf_unlink(&c->paths, path_hash(c, e->from, e->to, e->family, e->r.epoch_ns), i);
	hosts_drop(c->hosts, e->family, e->from);
	hosts_drop(c->hosts, e->family, e->to);
}

static struct record_path *
path_add(struct contrast *c, const struct addr *from, const struct addr *to, int64_t epoch)
{
	uint32_t a, b, i;
	struct path_entry *e;

	if (!hosts_take(c->hosts, from, &a))
		return NULL;
	if (!hosts_take(c->hosts, to, &b)) {
		hosts_drop(c->hosts, from->family, a);
		return NULL;
	}
	if (c->paths.used < c->paths.size) {
		i = c->paths.used++;
	} else {
		i = shelf_victim(&c->paths);
		path_evict(c, i);
	}
	e = &c->path[i];
	*e = (struct path_entry){ .from = a, .to = b, .family = from->family };
	e->r.key = (struct record_key){ .point = c->point, .n = ++c->path_ordinal };
	e->r.from = *from;
	e->r.to = *to;
	e->r.epoch_ns = epoch;
	shelf_link(&c->paths, path_hash(c, a, b, e->family, epoch), i);
	return &e->r;
}

static struct record_path *
path_get(struct contrast *c, const struct addr *from, const struct addr *to, int64_t ns)
{
	int64_t epoch = ns - ns % epoch_ns;
	uint32_t a, b;

	if (hosts_find(c->hosts, from, &a) && hosts_find(c->hosts, to, &b)) {
		uint64_t h = path_hash(c, a, b, from->family, epoch);
		uint32_t i = c->paths.bucket[h & (c->paths.size - 1)];

		for (; i != 0; i = c->paths.next[i - 1]) {
			struct path_entry *e = &c->path[i - 1];

			if (e->from == a && e->to == b && e->family == from->family &&
			    e->r.epoch_ns == epoch) {
				c->paths.touched[i - 1] = 1;
				return &e->r;
			}
		}
	}
	return path_add(c, from, to, epoch);
}

void
contrast_proven(struct contrast *c, const struct addr *from, const struct addr *to, uint32_t w,
    struct moment at, uint64_t conn, bool first_of_flow)
{
	struct record_path *r = path_get(c, from, to, at.ns);

	if (r == NULL)
		return;
	r->flows += first_of_flow;
	if (w > r->proven) {
		r->proven = w;
		r->proven_at = at;
		r->proven_conn = conn;
	}
	if (w > r->w_max_seen)
		r->w_max_seen = w;
}

void
contrast_seen(struct contrast *c, const struct addr *from, const struct addr *to, uint32_t w,
    struct moment at)
{
	struct record_path *r = path_get(c, from, to, at.ns);

	if (r != NULL && w > r->w_max_seen)
		r->w_max_seen = w;
}

/* ---- hosts ---------------------------------------------------------------- */

static uint64_t
host_hash(const struct contrast *c, uint32_t client, uint32_t server, uint8_t family, uint16_t port)
{
	return hash_pair(&c->key, (uint64_t)client << 32 | server, (uint64_t)family << 16 | port);
}

static void
host_evict(struct contrast *c, uint32_t i)
{
	struct host_entry *e = &c->host[i];

	if (e->r.answered + e->r.refused + e->r.unreachable > 0)
		host_write(c, i);
	else
		c->count.hosts_dropped++;
	shelf_unlink(&c->pairs, host_hash(c, e->client, e->server, e->family, e->r.server.port), i);
	hosts_drop(c->hosts, e->family, e->client);
	hosts_drop(c->hosts, e->family, e->server);
}

static struct record_host *
host_add(struct contrast *c, const struct addr *client, const struct endpoint *server)
{
	uint32_t a, b, i;
	struct host_entry *e;

	if (!hosts_take(c->hosts, client, &a))
		return NULL;
	if (!hosts_take(c->hosts, &server->ip, &b)) {
		hosts_drop(c->hosts, client->family, a);
		return NULL;
	}
	if (c->pairs.used < c->pairs.size) {
		i = c->pairs.used++;
	} else {
		i = shelf_victim(&c->pairs);
		host_evict(c, i);
	}
	e = &c->host[i];
	*e = (struct host_entry){ .client = a, .server = b, .family = client->family };
	e->r.key = (struct record_key){ .point = c->point, .n = ++c->host_ordinal };
	e->r.client = *client;
	e->r.server = *server;
	shelf_link(&c->pairs, host_hash(c, a, b, e->family, server->port), i);
	return &e->r;
}

static struct record_host *
host_get(struct contrast *c, const struct addr *client, const struct endpoint *server)
{
	uint32_t a, b;

	if (hosts_find(c->hosts, client, &a) && hosts_find(c->hosts, &server->ip, &b)) {
		uint64_t h = host_hash(c, a, b, client->family, server->port);
		uint32_t i = c->pairs.bucket[h & (c->pairs.size - 1)];

		for (; i != 0; i = c->pairs.next[i - 1]) {
			struct host_entry *e = &c->host[i - 1];

			if (e->client == a && e->server == b && e->family == client->family &&
			    e->r.server.port == server->port) {
				c->pairs.touched[i - 1] = 1;
				return &e->r;
			}
		}
	}
	return host_add(c, client, server);
}

static void
host_answered(struct record_host *r, struct moment at, int64_t rtt_ns, uint8_t ttl)
{
	r->answered++;
	r->answered_at = at;
	if (rtt_ns > 0 && (r->rtt_min_ns == 0 || rtt_ns < r->rtt_min_ns))
		r->rtt_min_ns = rtt_ns;
	if (ttl != 0)
		r->ttl = ttl;
}

void
contrast_host(struct contrast *c, const struct addr *client, const struct endpoint *server,
    const struct contrast_note *n)
{
	struct record_host *r = host_get(c, client, server);

	if (r == NULL)
		return;
	if (r->first.frame == 0 || n->since.ns < r->first.ns)
		r->first = n->since;
	if (n->at.ns >= r->last.ns)
		r->last = n->at;
	switch (n->event) {
	case CONTRAST_ANSWERED:
		host_answered(r, n->at, n->rtt_ns, n->ttl);
		break;
	case CONTRAST_REFUSED:
		r->refused++;
		r->ttl_rst = n->ttl;
		break;
	case CONTRAST_UNANSWERED:
		r->unanswered++;
		break;
	case CONTRAST_UNREACHABLE:
		r->unreachable++;
		break;
	case CONTRAST_DATA:
		r->data++;
		break;
	}
}

void
contrast_report(struct contrast *c)
{
	for (uint32_t i = 0; i < c->paths.used; i++)
		path_write(c, i);
	for (uint32_t i = 0; i < c->pairs.used; i++)
		host_write(c, i);
}

struct contrast_counters
contrast_counters(const struct contrast *c)
{
	return c->count;
}
