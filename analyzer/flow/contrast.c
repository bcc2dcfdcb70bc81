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

/* The records, without what the key tells: a cache line, and two. */
struct path_entry {
	struct link	link;
	int64_t		epoch_ns;
	struct moment	proven_at;
	uint64_t	proven_conn;
	uint32_t	ordinal, proven, w_max_seen, flows;
};

_Static_assert(sizeof(struct path_entry) == 64, "a path is one cache line");

struct host_entry {
	struct link	link;
	uint32_t	ordinal, answered, refused, unanswered, unreachable, data;
	struct moment	first, last, answered_at;
	int64_t		rtt_min_ns;
	uint8_t		ttl, ttl_rst;
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

/* The first one in its bucket: buckets are few enough to be near, entries are not. */
static void
shelf_fetch(const struct shelf *s, uint64_t hash)
{
	uint32_t i = s->bucket[hash & (s->size - 1)];

	if (i != 0)
		cache_fetch(shelf_at(s, i - 1), 0, s->entry);
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
contrast_mark(struct contrast *c, uint8_t family, uint32_t id)
{
	uint64_t *slot;

	marks_grow(c);
	slot = mark_slot(c, mark_name(family, id));
	if (*slot != 0 || marks_full(c))
		return;
	hosts_hold(c->hosts, family, id);
	*slot = mark_name(family, id);
	c->marks++;
}

static bool
marked(const struct contrast *c, const struct link *e)
{
	return marks_full(c) || *mark_slot(c, mark_name(e->family, e->from)) != 0 ||
	    *mark_slot(c, mark_name(e->family, e->to)) != 0;
}

/* ---- writing --------------------------------------------------------------- */

static struct addr
addr_of(const struct contrast *c, const struct link *l, uint32_t id)
{
	return hosts_addr(c->hosts, l->family, id);
}

static void
path_write(struct contrast *c, const struct path_entry *e)
{
	const struct link *l = &e->link;

	if (c->paths.used > FEW && !marked(c, l)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_PATH;
	c->out.path = (struct record_path){
		.key = { .point = c->point, .n = e->ordinal },
		.from = addr_of(c, l, l->from),
		.to = addr_of(c, l, l->to),
		.epoch_ns = e->epoch_ns,
		.proven = e->proven,
		.proven_at = e->proven_at,
		.proven_conn = e->proven_conn,
		.w_max_seen = e->w_max_seen,
		.flows = e->flows,
	};
	c->sink.take(c->sink.ctx, &c->out);
}

static void
host_write(struct contrast *c, const struct host_entry *e)
{
	const struct link *l = &e->link;

	if (c->pairs.used > FEW && !marked(c, l)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_HOST;
	c->out.host = (struct record_host){
		.key = { .point = c->point, .n = e->ordinal },
		.client = addr_of(c, l, l->from),
		.server = { addr_of(c, l, l->to), l->port },
		.answered = e->answered,
		.refused = e->refused,
		.unanswered = e->unanswered,
		.unreachable = e->unreachable,
		.first = e->first,
		.last = e->last,
		.answered_at = e->answered_at,
		.ttl = e->ttl,
		.ttl_rst = e->ttl_rst,
		.rtt_min_ns = e->rtt_min_ns,
		.data = e->data,
	};
	c->sink.take(c->sink.ctx, &c->out);
}

/* ---- keys -------------------------------------------------------------------- */

static struct link
link_make(struct contrast *c, struct host_pair way, uint16_t port)
{
	hosts_hold(c->hosts, way.family, way.from);
	hosts_hold(c->hosts, way.family, way.to);
	return (struct link){ .from = way.from, .to = way.to, .port = port, .family = way.family };
}

static void
link_drop(struct contrast *c, const struct link *l)
{
	hosts_drop(c->hosts, l->family, l->from);
	hosts_drop(c->hosts, l->family, l->to);
}

static inline bool
link_is(const struct link *l, struct host_pair way, uint16_t port)
{
	return l->from == way.from && l->to == way.to && l->port == port && l->family == way.family;
}

static struct host_pair
link_pair(const struct link *l)
{
	return (struct host_pair){ l->from, l->to, l->family };
}

/* ---- paths ---------------------------------------------------------------- */

static uint64_t
path_hash(const struct contrast *c, struct host_pair way, int64_t epoch)
{
	return hash_pair(&c->key, (uint64_t)way.from << 32 | way.to, (uint64_t)epoch << 3 ^ way.family);
}

static uint32_t
path_evict(struct contrast *c)
{
	uint32_t i = shelf_victim(&c->paths);
	const struct path_entry *e = shelf_at(&c->paths, i);

	path_write(c, e);
	shelf_unlink(&c->paths, path_hash(c, link_pair(&e->link), e->epoch_ns), i);
	link_drop(c, &e->link);
	return i;
}

static struct path_entry *
path_add(struct contrast *c, struct host_pair way, int64_t epoch, uint64_t hash)
{
	struct path_entry *e;
	uint32_t i;

	if (!shelf_fresh(&c->paths, &i))
		i = path_evict(c);
	e = shelf_at(&c->paths, i);
	*e = (struct path_entry){ .link = link_make(c, way, 0), .epoch_ns = epoch, .ordinal = ++c->path_ordinal };
	shelf_link(&c->paths, hash, i);
	return e;
}

static inline int64_t
epoch_of(int64_t ns)
{
	return ns - ns % epoch_ns;
}

void
contrast_fetch_path(const struct contrast *c, struct host_pair way, int64_t ns)
{
	shelf_fetch(&c->paths, path_hash(c, way, epoch_of(ns)));
}

static struct path_entry *
path_get(struct contrast *c, struct host_pair way, int64_t ns)
{
	int64_t epoch = epoch_of(ns);
	uint64_t hash = path_hash(c, way, epoch);
	struct path_entry *e;

	for (uint32_t i = c->paths.bucket[hash & (c->paths.size - 1)]; i != 0; i = e->link.next) {
		e = shelf_at(&c->paths, i - 1);
		if (link_is(&e->link, way, 0) && e->epoch_ns == epoch) {
			e->link.touched = true;
			return e;
		}
	}
	return path_add(c, way, epoch, hash);
}

void
contrast_proven(struct contrast *c, struct host_pair way, uint32_t w, struct moment at, uint64_t conn,
    bool first_of_flow)
{
	struct path_entry *e = path_get(c, way, at.ns);

	e->flows += first_of_flow;
	if (w > e->proven) {
		e->proven = w;
		e->proven_at = at;
		e->proven_conn = conn;
	}
	if (w > e->w_max_seen)
		e->w_max_seen = w;
}

void
contrast_seen(struct contrast *c, struct host_pair way, uint32_t w, struct moment at)
{
	struct path_entry *e = path_get(c, way, at.ns);

	if (w > e->w_max_seen)
		e->w_max_seen = w;
}

/* ---- hosts ---------------------------------------------------------------- */

static uint64_t
host_hash(const struct contrast *c, struct host_pair way, uint16_t port)
{
	return hash_pair(&c->key, (uint64_t)way.from << 32 | way.to, (uint64_t)way.family << 16 | port);
}

void
contrast_fetch_host(const struct contrast *c, struct host_pair client_to_server, uint16_t port)
{
	shelf_fetch(&c->pairs, host_hash(c, client_to_server, port));
}

static uint32_t
host_evict(struct contrast *c)
{
	uint32_t i = shelf_victim(&c->pairs);
	const struct host_entry *e = shelf_at(&c->pairs, i);

	if (e->answered + e->refused + e->unreachable > 0)
		host_write(c, e);
	else
		c->count.hosts_dropped++;
	shelf_unlink(&c->pairs, host_hash(c, link_pair(&e->link), e->link.port), i);
	link_drop(c, &e->link);
	return i;
}

static struct host_entry *
host_add(struct contrast *c, struct host_pair way, uint16_t port, uint64_t hash)
{
	struct host_entry *e;
	uint32_t i;

	if (!shelf_fresh(&c->pairs, &i))
		i = host_evict(c);
	e = shelf_at(&c->pairs, i);
	*e = (struct host_entry){ .link = link_make(c, way, port), .ordinal = ++c->host_ordinal };
	shelf_link(&c->pairs, hash, i);
	return e;
}

static struct host_entry *
host_get(struct contrast *c, struct host_pair way, uint16_t port)
{
	uint64_t hash = host_hash(c, way, port);
	struct host_entry *e;

	for (uint32_t i = c->pairs.bucket[hash & (c->pairs.size - 1)]; i != 0; i = e->link.next) {
		e = shelf_at(&c->pairs, i - 1);
		if (link_is(&e->link, way, port)) {
			e->link.touched = true;
			return e;
		}
	}
	return host_add(c, way, port, hash);
}

static void
host_answered(struct host_entry *e, struct moment at, int64_t rtt_ns, uint8_t ttl)
{
	e->answered++;
	e->answered_at = at;
	if (rtt_ns > 0 && (e->rtt_min_ns == 0 || rtt_ns < e->rtt_min_ns))
		e->rtt_min_ns = rtt_ns;
	if (ttl != 0)
		e->ttl = ttl;
}

void
contrast_host(struct contrast *c, struct host_pair client_to_server, uint16_t port, const struct contrast_note *n)
{
	struct host_entry *e = host_get(c, client_to_server, port);

	if (e->first.frame == 0 || n->since.ns < e->first.ns)
		e->first = n->since;
	if (n->at.ns >= e->last.ns)
		e->last = n->at;
	switch (n->event) {
	case CONTRAST_ANSWERED:
		host_answered(e, n->at, n->rtt_ns, n->ttl);
		break;
	case CONTRAST_REFUSED:
		e->refused++;
		e->ttl_rst = n->ttl;
		break;
	case CONTRAST_UNANSWERED:
		e->unanswered++;
		break;
	case CONTRAST_UNREACHABLE:
		e->unreachable++;
		break;
	case CONTRAST_DATA:
		e->data++;
		break;
	}
}

void
contrast_report(struct contrast *c)
{
	for (uint32_t i = 0; i < c->paths.used; i++)
		path_write(c, shelf_at(&c->paths, i));
	for (uint32_t i = 0; i < c->pairs.used; i++)
		host_write(c, shelf_at(&c->pairs, i));
}

struct contrast_counters
contrast_counters(const struct contrast *c)
{
	return c->count;
}
