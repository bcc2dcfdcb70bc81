#include "flow/table/contrast.h"

#include "flow/table/index.h"

#include <stdlib.h>

static const int64_t epoch_ns = 600000000000;

enum {
	FEW = 2048,        /* up to so many entries all are written */
	MARKS_FIRST = 128, /* slots for marked hosts; grown while half of them are used, */
	MARKS = 1 << 16,   /* up to here: then all hosts count as marked */
	CHUNK = 64,        /* entries */
	VICTIMS = 4,       /* entries that the hand fetches ahead */
};

/* What every entry begins with: its key, and its number among the records. */
struct link {
	uint32_t from, to;
	int32_t what; /* port of the server; number of the epoch */
	uint32_t ordinal;
	uint8_t family;
	bool touched, changed; /* since the hand came by; since it was last saved */
};

/* The records, without what the key tells: a cache line, and two. */
struct path_entry {
	_Alignas(64) struct link link;
	uint32_t proven, w_max_seen, flows;
	struct moment proven_at;
	uint64_t proven_conn;
};

_Static_assert(sizeof(struct path_entry) == 64, "a path is one cache line");

struct host_entry {
	struct link link;
	uint32_t answered, refused, unanswered, unreachable, data;
	struct moment first, last, answered_at;
	int64_t rtt_min_ns;
	uint8_t ttl, ttl_rst;
};

/* One bounded cache of entries, grown as needed; a clock hand says who makes room. */
struct shelf {
	uint32_t size, used, hand, ordinal;
	size_t entry; /* bytes */
	struct index index;
	uint8_t **chunk;
	void (*leave)(struct contrast *c, const void *entry);
};

struct contrast {
	uint32_t point;
	struct hash_key key;
	struct hosts *hosts;
	struct record_sink sink;
	struct shelf paths, pairs;
	uint32_t marks, mark_size, mark_most;
	uint64_t *mark; /* see mark_name(), the references are ours; 0 = empty */
	struct contrast_counters count;
	struct record out; /* cleared once: a record is 9 KB, a path 200 bytes of it */
};

/* ---- marked hosts ---------------------------------------------------------- */

static uint64_t *
mark_slot(const struct contrast *c, uint64_t name)
{
	uint64_t i = hash_pair(&c->key, name, name);

	while (c->mark[i & (c->mark_size - 1)] != 0 && c->mark[i & (c->mark_size - 1)] != name)
		i++;
	return &c->mark[i & (c->mark_size - 1)];
}

enum role { CLIENT, SERVER };

static uint64_t
mark_name(enum role role, uint8_t family, uint32_t id)
{
	return (uint64_t)role << 40 | (uint64_t)family << 32 | id;
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

static void
mark_host(struct contrast *c, enum role role, uint8_t family, uint32_t id)
{
	uint64_t *slot;

	marks_grow(c);
	slot = mark_slot(c, mark_name(role, family, id));
	if (*slot != 0 || marks_full(c))
		return;
	hosts_hold(c->hosts, family, id);
	*slot = mark_name(role, family, id);
	c->marks++;
}

void
contrast_mark(struct contrast *c, const struct host_pair *client_to_server)
{
	mark_host(c, CLIENT, client_to_server->family, client_to_server->from);
	mark_host(c, SERVER, client_to_server->family, client_to_server->to);
}

static bool
marked(const struct contrast *c, enum role role, uint8_t family, uint32_t id)
{
	return *mark_slot(c, mark_name(role, family, id)) != 0;
}

/* A rule asks what passes between the two ends of a connection, */
static bool
path_wanted(const struct contrast *c, const struct link *l)
{
	return c->paths.used <= FEW || marks_full(c) ||
	    (marked(c, CLIENT, l->family, l->from) && marked(c, SERVER, l->family, l->to)) ||
	    (marked(c, CLIENT, l->family, l->to) && marked(c, SERVER, l->family, l->from));
}

/* and whom its client reaches, and who reaches its server. */
static bool
host_wanted(const struct contrast *c, const struct link *l)
{
	return c->pairs.used <= FEW || marks_full(c) || marked(c, CLIENT, l->family, l->from) ||
	    marked(c, SERVER, l->family, l->to);
}

/* ---- writing --------------------------------------------------------------- */

static struct addr
addr_of(const struct contrast *c, const struct link *l, uint32_t id)
{
	return hosts_addr(c->hosts, l->family, id);
}

static void
path_write(struct contrast *c, const void *entry)
{
	const struct path_entry *e = entry;
	const struct link *l = &e->link;

	if (!path_wanted(c, l)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_PATH;
	c->out.path = (struct record_path){
		.key = { .point = c->point, .n = l->ordinal },
		.from = addr_of(c, l, l->from),
		.to = addr_of(c, l, l->to),
		.epoch_ns = l->what * epoch_ns,
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

	if (!host_wanted(c, l)) {
		c->count.not_written++;
		return;
	}
	c->out.type = RECORD_HOST;
	c->out.host = (struct record_host){
		.key = { .point = c->point, .n = l->ordinal },
		.client = addr_of(c, l, l->from),
		.server = { addr_of(c, l, l->to), (uint16_t)l->what },
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

static void
host_leave(struct contrast *c, const void *entry)
{
	const struct host_entry *e = entry;

	if (e->answered + e->refused + e->unreachable > 0)
		host_write(c, e);
	else
		c->count.hosts_dropped++;
}

/* ---- entries by their keys ---------------------------------------------------- */

static struct link
path_key(const struct host_pair *way, int64_t ns)
{
	return (struct link){ .from = way->from,
		.to = way->to,
		.what = (int32_t)(ns / epoch_ns),
		.family = way->family };
}

static struct link
host_key(const struct host_pair *way, uint16_t port)
{
	return (
	    struct link){ .from = way->from, .to = way->to, .what = port, .family = way->family };
}

static inline bool
link_is(const struct link *l, const struct link *k)
{
	return l->from == k->from && l->to == k->to && l->what == k->what && l->family == k->family;
}

static uint32_t
link_print(const struct contrast *c, const struct link *l)
{
	return index_print(hash_pair(&c->key, (uint64_t)l->from << 32 | l->to,
	    (uint64_t)l->family << 32 | (uint32_t)l->what));
}

static bool
shelf_grow(struct shelf *s)
{
	uint8_t **chunk = &s->chunk[s->used / CHUNK];

	return *chunk != NULL || (*chunk = aligned_alloc(64, CHUNK * s->entry)) != NULL;
}

static bool
shelf_init(
    struct shelf *s, uint32_t size, size_t entry, void (*leave)(struct contrast *, const void *))
{
	uint32_t n = CHUNK;

	while (n < size)
		n *= 2;
	s->size = n;
	s->entry = entry;
	s->leave = leave;
	s->chunk = calloc(n / CHUNK, sizeof(*s->chunk));
	/* The first chunk at once: where memory is short later, there is somebody to make room. */
	return index_init(&s->index) && s->chunk != NULL && shelf_grow(s);
}

static void
shelf_free(struct shelf *s)
{
	for (uint32_t i = 0; s->chunk != NULL && i < s->size / CHUNK; i++)
		free(s->chunk[i]);
	free(s->chunk);
	index_free(&s->index);
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
	if (s->used == s->size || !shelf_grow(s) || !index_room(&s->index, s->used + 1))
		return false;
	*i = s->used++;
	return true;
}

/* The place whose turn it is to go: not touched since the hand came by. */
static uint32_t
shelf_victim(struct shelf *s)
{
	for (;;) {
		uint32_t i = s->hand;
		struct link *l = shelf_at(s, i);

		s->hand = i + 1 < s->used ? i + 1 : 0;
		if (i + VICTIMS < s->used)
			cache_fetch(shelf_at(s, i + VICTIMS), 0, s->entry);
		if (!l->touched)
			return i;
		l->touched = false;
	}
}

static uint32_t
shelf_evict(struct contrast *c, struct shelf *s)
{
	uint32_t i = shelf_victim(s);
	const struct link *l = shelf_at(s, i);

	s->leave(c, l);
	index_remove(&s->index, link_print(c, l), i);
	hosts_drop(c->hosts, l->family, l->from);
	hosts_drop(c->hosts, l->family, l->to);
	index_fetch(&s->index, link_print(c, shelf_at(s, s->hand))); /* of who is likely next */
	return i;
}

static void *
shelf_add(struct contrast *c, struct shelf *s, const struct link *key, uint32_t print)
{
	struct link *l;
	uint32_t i;

	if (!shelf_fresh(s, &i))
		i = shelf_evict(c, s);
	l = shelf_at(s, i);
	memset(l, 0, s->entry);
	*l = *key;
	l->ordinal = ++s->ordinal;
	l->touched = l->changed = true;
	hosts_hold(c->hosts, l->family, l->from);
	hosts_hold(c->hosts, l->family, l->to);
	index_put(&s->index, print, i);
	return l;
}

/* The entry of that key: there, or begun now. */
static void *
shelf_get(struct contrast *c, struct shelf *s, const struct link *key)
{
	uint32_t print = link_print(c, key), slot = print, i;

	while ((i = index_next(&s->index, print, &slot)) != 0) {
		struct link *l = shelf_at(s, i - 1);

		if (!link_is(l, key))
			continue;
		l->touched = l->changed = true;
		return l;
	}
	return shelf_add(c, s, key, print);
}

static struct contrast_probe
shelf_probe(const struct contrast *c, const struct shelf *s, const struct link *key)
{
	struct contrast_probe at = { s, link_print(c, key) };

	index_fetch(&s->index, at.print);
	return at;
}

void
contrast_fetch(struct contrast_probe at)
{
	uint32_t slot = at.print, i = index_next(&at.shelf->index, at.print, &slot);

	if (i != 0)
		cache_fetch(shelf_at(at.shelf, i - 1), 0, at.shelf->entry);
}

/* ---- paths ---------------------------------------------------------------- */

struct contrast_probe
contrast_probe_path(const struct contrast *c, const struct host_pair *way, int64_t ns)
{
	struct link k = path_key(way, ns);

	return shelf_probe(c, &c->paths, &k);
}

static struct path_entry *
path_get(struct contrast *c, const struct host_pair *way, int64_t ns)
{
	struct link k = path_key(way, ns);

	return shelf_get(c, &c->paths, &k);
}

void
contrast_proven(struct contrast *c, const struct host_pair *way, uint32_t w, struct moment at,
    uint64_t conn, bool first_of_flow)
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
contrast_seen(struct contrast *c, const struct host_pair *way, uint32_t w, struct moment at)
{
	struct path_entry *e = path_get(c, way, at.ns);

	if (w > e->w_max_seen)
		e->w_max_seen = w;
}

/* ---- hosts ---------------------------------------------------------------- */

struct contrast_probe
contrast_probe_host(
    const struct contrast *c, const struct host_pair *client_to_server, uint16_t port)
{
	struct link k = host_key(client_to_server, port);

	return shelf_probe(c, &c->pairs, &k);
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
contrast_host(struct contrast *c, const struct host_pair *client_to_server, uint16_t port,
    const struct contrast_note *n)
{
	struct link k = host_key(client_to_server, port);
	struct host_entry *e = shelf_get(c, &c->pairs, &k);

	if (e->first.frame == 0 || n->since.ns < e->first.ns)
		e->first = n->since;
	if (n->at.ns >= e->last.ns)
		e->last = n->at;
	switch (n->event) {
	case CONTRAST_ANSWERED: host_answered(e, n->at, n->rtt_ns, n->ttl); break;
	case CONTRAST_REFUSED:
		e->refused++;
		e->ttl_rst = n->ttl;
		break;
	case CONTRAST_UNANSWERED: e->unanswered++; break;
	case CONTRAST_UNREACHABLE: e->unreachable++; break;
	case CONTRAST_DATA: e->data++; break;
	}
}

/* ---- begin and end ---------------------------------------------------------- */

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
	if (!shelf_init(&c->paths, paths, sizeof(struct path_entry), path_write) ||
	    !shelf_init(&c->pairs, pairs, sizeof(struct host_entry), host_leave) ||
	    c->mark == NULL) {
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

void
contrast_report(struct contrast *c)
{
	for (uint32_t i = 0; i < c->paths.used; i++)
		path_write(c, shelf_at(&c->paths, i));
	for (uint32_t i = 0; i < c->pairs.used; i++)
		host_write(c, shelf_at(&c->pairs, i));
}

/* Tells whether it has changed since it was asked last. */
static bool
link_changed(void *entry)
{
	struct link *l = entry;
	bool was = l->changed;

	l->changed = false;
	return was;
}

void
contrast_save(struct contrast *c)
{
	for (uint32_t i = 0; i < c->paths.used; i++)
		if (link_changed(shelf_at(&c->paths, i)))
			path_write(c, shelf_at(&c->paths, i));
	for (uint32_t i = 0; i < c->pairs.used; i++)
		if (link_changed(shelf_at(&c->pairs, i)))
			host_write(c, shelf_at(&c->pairs, i));
}

struct contrast_counters
contrast_counters(const struct contrast *c)
{
	return c->count;
}
