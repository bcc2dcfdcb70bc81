#include "flow/contrast.h"

#include <stdlib.h>

static const int64_t epoch_ns = 600000000000;

enum {
	FEW = 2048,		/* up to so many entries all are written */
	MARKS_FIRST = 128,	/* slots for marked hosts; grown while half of them are used, */
	MARKS = 1 << 16,	/* up to here: then all hosts count as marked */
	CHUNK = 64,		/* entries */
};

/* What every entry begins with: its place in its bucket and its key. */
struct link {
	uint32_t	next;		/* index + 1 */
	uint32_t	from, to;
	uint16_t	port;		/* of the server; 0 in paths, which have their epoch */
	uint8_t		family;
	bool		touched;
};

struct path_entry {
	struct link	link;
	struct record_path r;
};

struct host_entry {
	struct link	link;
	struct record_host r;
};

/* One bounded cache of entries, grown as needed: chained buckets, a clock hand for eviction. */
struct shelf {
	uint32_t	 size, used, hand;
	size_t		 entry;		/* bytes */
	uint32_t	*bucket;	/* index + 1 */
	uint8_t		**chunk;
};

struct contrast {
	uint32_t	 point;
	struct hash_key	 key;
	struct hosts	*hosts;
	struct record_sink sink;
	struct shelf	 paths, pairs;
	uint32_t	 path_ordinal, host_ordinal;
	uint32_t	 marks, mark_size, mark_most;
	uint64_t	*mark;		/* family << 32 | id, the reference is ours; 0 = empty */
	struct contrast_counters count;
	struct record	 out;		/* cleared once: a record is 9 KB, a path 200 bytes of it */
};

static bool
shelf_grow(struct shelf *s)
{
	uint8_t **chunk = &s->chunk[s->used / CHUNK];

	return *chunk != NULL || (*chunk = aligned_alloc(64, CHUNK * s->entry)) != NULL;
}

static bool
shelf_init(struct shelf *s, uint32_t size, size_t entry)
{
	uint32_t n = CHUNK;

	while (n < size)
		n *= 2;
	s->size = n;
	s->entry = entry;
	s->bucket = calloc(n, sizeof(*s->bucket));
	s->chunk = calloc(n / CHUNK, sizeof(*s->chunk));
	/* The first chunk at once: where memory is short later, there is somebody to make room. */
	return s->bucket != NULL && s->chunk != NULL && shelf_grow(s);
}

static void
shelf_free(struct shelf *s)
{
	for (uint32_t i = 0; s->chunk != NULL && i < s->size / CHUNK; i++)
		free(s->chunk[i]);
	free(s->chunk);
	free(s->bucket);
}

static void *
shelf_at(const struct shelf *s, uint32_t i)
{
	return s->chunk[i / CHUNK] + i % CHUNK * s->entry;
}

/* A place that was never used; false: there is none. */
static bool
shelf_fresh(struct shelf *s, uint32_t *i)
{
	if (s->used == s->size || !shelf_grow(s))
		return false;
	*i = s->used++;
	return true;
}

static void
shelf_unlink(struct shelf *s, uint64_t hash, uint32_t i)
{
	uint32_t *p = &s->bucket[hash & (s->size - 1)];
	struct link *e = shelf_at(s, i);

	while (*p != i + 1)
		p = &((struct link *)shelf_at(s, *p - 1))->next;
	*p = e->next;
}

static void
shelf_link(struct shelf *s, uint64_t hash, uint32_t i)
{
	uint32_t *p = &s->bucket[hash & (s->size - 1)];
	struct link *e = shelf_at(s, i);

	e->next = *p;
	e->touched = true;
	*p = i + 1;
}

/* The place whose turn it is to go: not touched since the hand came by. */
static uint32_t
shelf_victim(struct shelf *s)
{
	for (;;) {
		uint32_t i = s->hand;
		struct link *e = shelf_at(s, i);

		s->hand = i + 1 < s->used ? i + 1 : 0;
		if (!e->touched)
			return i;
		e->touched = false;
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
	c->mark_size = MARKS_FIRST;
	c->mark_most = 64;
	while (c->mark_most < MARKS && c->mark_most < 2 * pairs)
		c->mark_most *= 2;
	c->mark = calloc(c->mark_size, sizeof(*c->mark));
	if (!shelf_init(&c->paths, paths, sizeof(struct path_entry)) ||
	    !shelf_init(&c->pairs, pairs, sizeof(struct host_entry)) || c->mark == NULL) {
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
	free(c->mark);
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

/* Where there is no room for more, all count as marked. */
static bool
marks_full(const struct contrast *c)
{
	return c->marks >= c->mark_most / 2;
}

static void
marks_grow(struct contrast *c)
{
	uint64_t *was = c->mark, *bigger;
	uint32_t size = c->mark_size;

	if (c->marks < size / 2 || marks_full(c))
		return;
	if ((bigger = calloc(2 * (size_t)size, sizeof(*bigger))) == NULL) {
		c->mark_most = size;
		return;
	}
	c->mark = bigger;
	c->mark_size = 2 * size;
	for (uint32_t i = 0; i < size; i++)
		if (was[i] != 0)
			*mark_slot(c, was[i]) = was[i];
	free(was);
}

void
contrast_mark(struct contrast *c, const struct addr *a)
{
	uint64_t *slot;
	uint32_t id;

	marks_grow(c);
	if (marks_full(c) || !hosts_take(c->hosts, a, &id))
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
marked(const struct contrast *c, const struct link *e)
{
	return marks_full(c) || *mark_slot(c, mark_name(e->family, e->from)) != 0 ||
	    *mark_slot(c, mark_name(e->family, e->to)) != 0;
}

/* ---- writing --------------------------------------------------------------- */

static void
path_write(struct contrast *c, uint32_t i)
{
	const struct path_entry *e = shelf_at(&c->paths, i);

	if (c->paths.used > FEW && !marked(c, &e->link)) {
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
	const struct host_entry *e = shelf_at(&c->pairs, i);

	if (c->pairs.used > FEW && !marked(c, &e->link)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_HOST;
	c->out.host = e->r;
	c->sink.take(c->sink.ctx, &c->out);
}

/* ---- ids of both ends -------------------------------------------------------- */

/* With a reference to each; false: no memory. */
static bool
ends_take(struct contrast *c, const struct addr *from, const struct addr *to, struct link *l)
{
	*l = (struct link){ .family = from->family };
	if (!hosts_take(c->hosts, from, &l->from))
		return false;
	if (hosts_take(c->hosts, to, &l->to))
		return true;
	hosts_drop(c->hosts, from->family, l->from);
	return false;
}

static void
ends_drop(struct contrast *c, const struct link *l)
{
	hosts_drop(c->hosts, l->family, l->from);
	hosts_drop(c->hosts, l->family, l->to);
}

/* ---- paths ---------------------------------------------------------------- */

static uint64_t
path_hash(const struct contrast *c, uint32_t from, uint32_t to, uint8_t family, int64_t epoch)
{
	return hash_pair(&c->key, (uint64_t)from << 32 | to, (uint64_t)epoch << 3 ^ family);
}

static uint32_t
path_evict(struct contrast *c)
{
	uint32_t i = shelf_victim(&c->paths);
	struct path_entry *e = shelf_at(&c->paths, i);
	struct link *l = &e->link;

	path_write(c, i);
	shelf_unlink(&c->paths, path_hash(c, l->from, l->to, l->family, e->r.epoch_ns), i);
	ends_drop(c, l);
	return i;
}

static struct record_path *
path_add(struct contrast *c, const struct addr *from, const struct addr *to, int64_t epoch)
{
	struct path_entry *e;
	struct link l;
	uint32_t i;

	if (!ends_take(c, from, to, &l))
		return NULL;
	if (!shelf_fresh(&c->paths, &i))
		i = path_evict(c);
	e = shelf_at(&c->paths, i);
	*e = (struct path_entry){ .link = l };
	e->r.key = (struct record_key){ .point = c->point, .n = ++c->path_ordinal };
	e->r.from = *from;
	e->r.to = *to;
	e->r.epoch_ns = epoch;
	shelf_link(&c->paths, path_hash(c, l.from, l.to, l.family, epoch), i);
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

		while (i != 0) {
			struct path_entry *e = shelf_at(&c->paths, i - 1);

			if (e->link.from == a && e->link.to == b && e->link.family == from->family &&
			    e->r.epoch_ns == epoch) {
				e->link.touched = true;
				return &e->r;
			}
			i = e->link.next;
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

static uint32_t
host_evict(struct contrast *c)
{
	uint32_t i = shelf_victim(&c->pairs);
	struct host_entry *e = shelf_at(&c->pairs, i);
	struct link *l = &e->link;

	if (e->r.answered + e->r.refused + e->r.unreachable > 0)
		host_write(c, i);
	else
		c->count.hosts_dropped++;
	shelf_unlink(&c->pairs, host_hash(c, l->from, l->to, l->family, l->port), i);
	ends_drop(c, l);
	return i;
}

static struct record_host *
host_add(struct contrast *c, const struct addr *client, const struct endpoint *server)
{
	struct host_entry *e;
	struct link l;
	uint32_t i;

	if (!ends_take(c, client, &server->ip, &l))
		return NULL;
	l.port = server->port;
	if (!shelf_fresh(&c->pairs, &i))
		i = host_evict(c);
	e = shelf_at(&c->pairs, i);
	*e = (struct host_entry){ .link = l };
	e->r.key = (struct record_key){ .point = c->point, .n = ++c->host_ordinal };
	e->r.client = *client;
	e->r.server = *server;
	shelf_link(&c->pairs, host_hash(c, l.from, l.to, l.family, l.port), i);
	return &e->r;
}

static struct record_host *
host_get(struct contrast *c, const struct addr *client, const struct endpoint *server)
{
	uint32_t a, b;

	if (hosts_find(c->hosts, client, &a) && hosts_find(c->hosts, &server->ip, &b)) {
		uint64_t h = host_hash(c, a, b, client->family, server->port);
		uint32_t i = c->pairs.bucket[h & (c->pairs.size - 1)];

		while (i != 0) {
			struct host_entry *e = shelf_at(&c->pairs, i - 1);

			if (e->link.from == a && e->link.to == b && e->link.family == client->family &&
			    e->link.port == server->port) {
				e->link.touched = true;
				return &e->r;
			}
			i = e->link.next;
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
