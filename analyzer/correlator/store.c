#include "store_write.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS		= 1 << 14,
	PATHS_MAX	= 1 << 16,
	HOSTS_MAX	= 1 << 15,
	LONE_ICMP_MAX	= 1 << 14,
	CAPTURES_MAX	= 1 << 12,
	PER_CASE_MAX	= 1 << 16,	/* transactions, recipients, ... of one connection */
};

#define BUDGET_DEFAULT	((uint64_t)512 << 20)

/* A growing array kept sorted; `cmp' decides what is the same record. */
struct table {
	void	*v;
	size_t	 n, room;
};

struct store {
	struct mail_case *bucket[BUCKETS];
	struct mail_case **cases;	/* by time, see store_index */
	size_t		 case_count, case_room;
	struct mail_case **by_client, **by_server;
	size_t		 indexed;
	struct record_host **hosts_by_client, **hosts_by_server;	/* into hosts */
	size_t		 hosts_indexed;
	struct table	 paths, hosts, icmp, captures;
	uint64_t	 bytes, budget, clock, generation;
	struct store_counters counters;
};

/* ---- keys and orders -------------------------------------------------------- */

static int
order_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
order_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
key_order(const struct record_key *a, const struct record_key *b)
{
	int d;

	if ((d = order_u64(a->n, b->n)) != 0)
		return d;
	return order_u64(a->m, b->m);
}

static int
case_member_order(const void *a, const void *b)
{
	return key_order(a, b);		/* every record starts with its key */
}

static int
icmp_order(const void *a, const void *b)
{
	const struct record_key *x = a, *y = b;
	int d;

	if ((d = order_u64(x->point, y->point)) != 0)
		return d;
	return key_order(x, y);
}

static int
capture_order(const void *a, const void *b)
{
	return order_u64(((const struct record_key *)a)->point, ((const struct record_key *)b)->point);
}

static int
path_order(const void *a, const void *b)
{
	const struct record_path *x = a, *y = b;
	int d;

	if ((d = memcmp(&x->from, &y->from, sizeof(x->from))) != 0)
		return d;
	if ((d = memcmp(&x->to, &y->to, sizeof(x->to))) != 0)
		return d;
	return order_i64(x->epoch_ns, y->epoch_ns);
}

static int
host_order(const void *a, const void *b)
{
	const struct record_host *x = a, *y = b;
	int d;

	if ((d = memcmp(&x->client, &y->client, sizeof(x->client))) != 0)
		return d;
	if ((d = memcmp(&x->server.ip, &y->server.ip, sizeof(x->server.ip))) != 0)
		return d;
	return order_u64(x->server.port, y->server.port);
}

/* ---- sorted tables ----------------------------------------------------------- */

/* Index of the first element not below `x'. */
static size_t
table_find(const struct table *t, size_t size, const void *x, int (*order)(const void *, const void *))
{
	size_t lo = 0, hi = t->n;

	/* records mostly arrive in order: look behind the last one first */
	if (t->n > 0 && order((const char *)t->v + (t->n - 1) * size, x) < 0)
		return t->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (order((const char *)t->v + mid * size, x) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The slot of `x': an old one (*fresh false) or a new one holding a copy.  NULL: full. */
static void *
table_slot(struct table *t, size_t size, const void *x, int (*order)(const void *, const void *),
    size_t max, bool *fresh)
{
	size_t at = table_find(t, size, x, order);
	char *p;

	*fresh = false;
	if (at < t->n && order((char *)t->v + at * size, x) == 0)
		return (char *)t->v + at * size;
	if (t->n >= max)
		return NULL;
	if (t->n == t->room) {
		size_t room = t->room == 0 ? 1 : t->room * 2;

		if ((p = realloc(t->v, room * size)) == NULL)
			return NULL;
		t->v = p;
		t->room = room;
	}
	p = (char *)t->v + at * size;
	memmove(p + size, p, (t->n - at) * size);
	memcpy(p, x, size);
	t->n++;
	*fresh = true;
	return p;
}

/* ---- cases -------------------------------------------------------------------- */

static size_t
bucket_of(uint32_t point, uint64_t id)
{
	return (size_t)(id_end(id_number(ID_SEED, id * 31 + point)) & (BUCKETS - 1));
}

static struct mail_case *
case_get(struct store *s, const struct record_key *k)
{
	size_t b = bucket_of(k->point, k->conn);
	struct mail_case *c;

	for (c = s->bucket[b]; c != NULL; c = c->hash_next)
		if (c->id == k->conn && c->point == k->point)
			return c;
	if (s->case_count == s->case_room) {
		size_t room = s->case_room == 0 ? 256 : s->case_room * 2;
		struct mail_case **v = realloc(s->cases, room * sizeof(struct mail_case *));

		if (v == NULL)
			return NULL;
		s->cases = v;
		s->case_room = room;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->point = k->point;
	c->id = k->conn;
	c->copy = c;
	c->hash_next = s->bucket[b];
	s->bucket[b] = c;
	s->cases[s->case_count++] = c;
	c->bytes = sizeof(*c);
	s->bytes += c->bytes;
	return c;
}

static void
case_release(struct mail_case *c)
{
	free(c->session);
	free(c->transactions);
	free(c->recipients);
	free(c->messages);
	free(c->stalls);
	free(c->icmp);
	free(c);
}

/* Puts one record into a list of the case: replaces its older self. */
static bool
case_put(struct store *s, struct mail_case *c, void *listp, uint32_t *count, uint32_t *room,
    size_t size, const void *x)
{
	void **list = listp;
	struct table t = { *list, *count, *room };
	bool fresh;
	void *slot = table_slot(&t, size, x, case_member_order, PER_CASE_MAX, &fresh);
	uint64_t grown = (t.room - *room) * size;

	*list = t.v;
	*count = (uint32_t)t.n;
	*room = (uint32_t)t.room;
	c->bytes += grown;
	s->bytes += grown;
	if (slot == NULL)
		return false;
	if (!fresh)
		memcpy(slot, x, size);
	return true;
}

static bool
case_take_session(struct store *s, struct mail_case *c, const struct record_session *x)
{
	if (c->session == NULL) {
		if ((c->session = malloc(sizeof(*x))) == NULL)
			return false;
		c->bytes += sizeof(*x);
		s->bytes += sizeof(*x);
	}
	*c->session = *x;
	return true;
}

#define PUT(list, count, room, member) \
	case_put(s, c, &c->list, &c->count, &c->room, sizeof(*c->list), &r->member)

static bool
case_take(struct store *s, struct mail_case *c, const struct record *r)
{
	switch (r->type) {
	case RECORD_CONNECTION:
		c->conn = r->connection;
		c->has_conn = true;
		return true;
	case RECORD_SESSION:
		return case_take_session(s, c, &r->session);
	case RECORD_TRANSACTION:
		return PUT(transactions, transaction_count, transaction_room, transaction);
	case RECORD_RECIPIENT:
		return PUT(recipients, recipient_count, recipient_room, recipient);
	case RECORD_MESSAGE:
		return PUT(messages, message_count, message_room, message);
	case RECORD_STALL:
		return PUT(stalls, stall_count, stall_room, stall);
	case RECORD_ICMP_ERROR:
		return PUT(icmp, icmp_count, icmp_room, icmp_error);
	default:
		return false;
	}
}

/* ---- joins (diagnosis 2.6): max and min only, so order and repeats do not matter --- */

static bool
witness_before(const struct moment *a, const struct moment *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->frame < b->frame;
}

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

/* The oldest half leaves; `last' tells the age. */
static void
table_drop_oldest(struct table *t, size_t size, int64_t (*last)(const void *), uint64_t *counter)
{
	int64_t lo = INT64_MAX, hi = INT64_MIN, cut;
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		int64_t at = last((char *)t->v + i * size);

		lo = at < lo ? at : lo;
		hi = at > hi ? at : hi;
	}
	cut = lo + (int64_t)(((uint64_t)hi - (uint64_t)lo) / 2);
	for (size_t i = 0; i < t->n; i++) {
		char *p = (char *)t->v + i * size;

		if (last(p) <= cut && hi != lo)
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
store_take_path(struct store *s, const struct record_path *x)
{
	struct record_path *p;
	bool fresh;

	if (s->paths.n >= PATHS_MAX)
		table_drop_oldest(&s->paths, sizeof(*x), path_last, &s->counters.paths_evicted);
	p = table_slot(&s->paths, sizeof(*x), x, path_order, PATHS_MAX, &fresh);
	if (p != NULL && !fresh)
		path_join(p, x);
	return p != NULL;
}

static bool
store_take_host(struct store *s, const struct record_host *x)
{
	struct record_host *h;
	bool fresh;

	if (s->hosts.n >= HOSTS_MAX)
		table_drop_oldest(&s->hosts, sizeof(*x), host_last, &s->counters.hosts_evicted);
	h = table_slot(&s->hosts, sizeof(*x), x, host_order, HOSTS_MAX, &fresh);
	if (h != NULL && !fresh)
		host_join(h, x);
	return h != NULL;
}

static bool
store_take_plain(struct table *t, size_t size, const void *x, int (*order)(const void *, const void *),
    size_t max)
{
	bool fresh;
	void *p = table_slot(t, size, x, order, max, &fresh);

	if (p != NULL && !fresh)
		memcpy(p, x, size);
	return p != NULL;
}

void
store_take(struct store *s, const struct record *r)
{
	struct mail_case *c;
	bool ok;

	s->generation++;
	if (r->type == RECORD_CAPTURE) {
		ok = store_take_plain(&s->captures, sizeof(r->capture), &r->capture, capture_order, CAPTURES_MAX);
	} else if (r->type == RECORD_PATH) {
		ok = store_take_path(s, &r->path);
	} else if (r->type == RECORD_HOST) {
		ok = store_take_host(s, &r->host);
	} else if (r->type == RECORD_ICMP_ERROR && r->key.conn == 0) {
		ok = store_take_plain(&s->icmp, sizeof(r->icmp_error), &r->icmp_error, icmp_order, LONE_ICMP_MAX);
	} else {
		c = case_get(s, &r->key);
		ok = c != NULL && case_take(s, c, r);
		if (c != NULL)
			c->touched = ++s->clock;
	}
	if (!ok)
		s->counters.refused++;
}

/* ---- index: order of time, copies ------------------------------------------------ */

/* A case whose connection record has not come (or never will) borrows what others say. */
static void
case_complete(struct mail_case *c)
{
	struct record_connection *n = &c->conn;

	if (c->has_conn)
		return;
	n->key.point = c->point;
	n->key.conn = c->id;
	n->open = true;
	n->state = CONN_MIDSTREAM;
	n->vantage = -1;
	if (c->session != NULL) {
		n->client = c->session->client;
		n->server = c->session->server;
		n->first = c->session->first;
		n->last = c->session->last;
		n->app = c->session->app;
	} else if (c->stall_count > 0) {
		const struct record_stall *t = &c->stalls[0];

		n->client = t->key.m == 0 ? t->from : t->to;
		n->server = t->key.m == 0 ? t->to : t->from;
		n->first = t->first;
		n->last = t->last;
	}
}

static int
case_order(const struct mail_case *x, const struct mail_case *y)
{
	int d;

	if ((d = order_i64(x->conn.first.ns, y->conn.first.ns)) != 0)
		return d;
	if ((d = order_u64(x->point, y->point)) != 0)
		return d;
	if ((d = order_u64(x->conn.first.frame, y->conn.first.frame)) != 0)
		return d;
	return order_u64(x->id, y->id);
}

static int
case_by_time(const void *a, const void *b)
{
	return case_order(*(struct mail_case *const *)a, *(struct mail_case *const *)b);
}

static int
case_by_client(const void *a, const void *b)
{
	const struct mail_case *x = *(struct mail_case *const *)a, *y = *(struct mail_case *const *)b;
	int d = memcmp(&x->conn.client.ip, &y->conn.client.ip, sizeof(struct addr));

	return d != 0 ? d : case_order(x, y);
}

static int
case_by_server(const void *a, const void *b)
{
	const struct mail_case *x = *(struct mail_case *const *)a, *y = *(struct mail_case *const *)b;
	int d = memcmp(&x->conn.server.ip, &y->conn.server.ip, sizeof(struct addr));

	return d != 0 ? d : case_order(x, y);
}

uint64_t
case_conversation(const struct mail_case *c)
{
	const struct record_direction *a = &c->conn.dir[0], *b = &c->conn.dir[1];
	uint64_t h = ID_SEED;

	if (c->conn.payload_hash == 0)
		return 0;
	h = id_number(h, c->conn.payload_hash);
	if (a->isn_known && b->isn_known) {	/* NAT may change the addresses, not these */
		h = id_number(h, (uint64_t)a->isn << 32 | b->isn);
	} else {
		h = id_bytes(h, &c->conn.client.ip, sizeof(struct addr));
		h = id_bytes(h, &c->conn.server.ip, sizeof(struct addr));
		h = id_number(h, (uint64_t)c->conn.client.port << 16 | c->conn.server.port);
	}
	return id_end(h);
}

/* How much a copy knows of its mails: decided verdicts first, then everything else. */
static uint64_t
case_knowledge(const struct mail_case *c)
{
	uint64_t decided = 0, seen = 0;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		enum verdict v = c->transactions[i].verdict;

		decided += v == VERDICT_ACCEPTED || v == VERDICT_REFUSED || v == VERDICT_DEFERRED;
		seen += v != VERDICT_NONE;
	}
	for (uint32_t i = 0; i < c->message_count; i++)
		decided += c->messages[i].state == MESSAGE_WHOLE;
	return decided << 40 | seen << 24 | (uint64_t)(c->session != NULL && c->session->visible) << 23 |
	    (uint64_t)!case_missing(c) << 22;
}

struct copy_ref {
	uint64_t	conversation;
	uint32_t	nth;		/* of this conversation at its point: a replayed connection is no copy */
	struct mail_case *c;
};

static int
copy_by_point(const void *a, const void *b)
{
	const struct copy_ref *x = a, *y = b;
	int d;

	if ((d = order_u64(x->conversation, y->conversation)) != 0)
		return d;
	if ((d = order_u64(x->c->point, y->c->point)) != 0)
		return d;
	return case_order(x->c, y->c);
}

static int
copy_by_nth(const void *a, const void *b)
{
	const struct copy_ref *x = a, *y = b;
	int d;

	if ((d = order_u64(x->conversation, y->conversation)) != 0)
		return d;
	if ((d = order_u64(x->nth, y->nth)) != 0)
		return d;
	return order_u64(x->c->point, y->c->point);
}

static void
ring_close(struct copy_ref *v, size_t n)
{
	struct mail_case *best = v[0].c;
	uint64_t most = case_knowledge(best);

	for (size_t i = 1; i < n; i++) {
		uint64_t k = case_knowledge(v[i].c);

		if (k > most) {
			most = k;
			best = v[i].c;
		}
	}
	for (size_t i = 0; i < n; i++) {
		v[i].c->copy = v[(i + 1) % n].c;
		v[i].c->counted = v[i].c == best;
	}
}

static void
copies_join(struct store *s)
{
	struct copy_ref *v = malloc((s->case_count + 1) * sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < s->case_count; i++) {
		struct mail_case *c = s->cases[i];
		uint64_t h = case_conversation(c);

		c->copy = c;
		c->counted = true;
		if (h != 0 && v != NULL)
			v[n++] = (struct copy_ref){ h, 0, c };
	}
	if (v == NULL)
		return;
	qsort(v, n, sizeof(*v), copy_by_point);
	for (size_t i = 1; i < n; i++)
		if (v[i].conversation == v[i - 1].conversation && v[i].c->point == v[i - 1].c->point)
			v[i].nth = v[i - 1].nth + 1;
	qsort(v, n, sizeof(*v), copy_by_nth);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j].conversation == v[i].conversation && v[j].nth == v[i].nth; j++)
			;
		ring_close(v + i, j - i);
	}
	free(v);
}

static int
host_by_server(const void *a, const void *b)
{
	const struct record_host *x = *(struct record_host *const *)a, *y = *(struct record_host *const *)b;
	int d = memcmp(&x->server.ip, &y->server.ip, sizeof(struct addr));

	return d != 0 ? d : host_order(x, y);
}

static void
hosts_index(struct store *s)
{
	struct record_host *v = s->hosts.v;
	size_t n = s->hosts.n;

	free(s->hosts_by_client);
	free(s->hosts_by_server);
	s->hosts_by_client = malloc((n + 1) * sizeof(struct record_host *));
	s->hosts_by_server = malloc((n + 1) * sizeof(struct record_host *));
	s->hosts_indexed = s->hosts_by_client != NULL && s->hosts_by_server != NULL ? n : 0;
	for (size_t i = 0; i < s->hosts_indexed; i++)
		s->hosts_by_client[i] = s->hosts_by_server[i] = &v[i];
	if (s->hosts_indexed > 0)
		qsort(s->hosts_by_server, n, sizeof(struct record_host *), host_by_server);
}

void
store_index(struct store *s)
{
	size_t n = s->case_count;

	for (size_t i = 0; i < n; i++) {
		case_complete(s->cases[i]);
		s->cases[i]->capture = store_capture(s, s->cases[i]->point);
	}
	free(s->by_client);
	free(s->by_server);
	s->by_client = malloc((n + 1) * sizeof(struct mail_case *));
	s->by_server = malloc((n + 1) * sizeof(struct mail_case *));
	if (n > 0)
		qsort(s->cases, n, sizeof(struct mail_case *), case_by_time);
	if (n > 0 && s->by_client != NULL) {
		memcpy(s->by_client, s->cases, n * sizeof(struct mail_case *));
		qsort(s->by_client, n, sizeof(struct mail_case *), case_by_client);
	}
	if (n > 0 && s->by_server != NULL) {
		memcpy(s->by_server, s->cases, n * sizeof(struct mail_case *));
		qsort(s->by_server, n, sizeof(struct mail_case *), case_by_server);
	}
	for (size_t i = 0; i < n; i++)
		s->cases[i]->index = (uint32_t)i;
	s->indexed = n;
	hosts_index(s);
	copies_join(s);
}

/* ---- eviction ------------------------------------------------------------------------ */

bool
store_full(const struct store *s)
{
	return s->bytes > s->budget;
}

static int
touched_order(const void *a, const void *b)
{
	return order_u64(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* The touch below which a case leaves: the median of all. */
static uint64_t
eviction_mark(const struct store *s)
{
	uint64_t *v = malloc((s->case_count + 1) * sizeof(*v)), mark;

	if (v == NULL)
		return s->clock / 2;
	for (size_t i = 0; i < s->case_count; i++)
		v[i] = s->cases[i]->touched;
	qsort(v, s->case_count, sizeof(*v), touched_order);
	mark = v[s->case_count / 2];
	free(v);
	return mark;
}

static void
case_unhash(struct store *s, struct mail_case *c)
{
	struct mail_case **p = &s->bucket[bucket_of(c->point, c->id)];

	while (*p != NULL && *p != c)
		p = &(*p)->hash_next;
	if (*p == c)
		*p = c->hash_next;
}

void
store_evict(struct store *s, void (*gone)(void *ctx, struct mail_case *c), void *ctx)
{
	uint64_t mark = s->case_count > 0 ? eviction_mark(s) : 0;
	size_t kept = 0;

	for (size_t i = 0; i < s->case_count; i++)	/* all are told before any is freed: rings */
		if (s->cases[i]->touched <= mark)
			gone(ctx, s->cases[i]);
	for (size_t i = 0; i < s->case_count; i++) {
		struct mail_case *c = s->cases[i];

		if (c->touched > mark) {
			s->cases[kept++] = c;
			continue;
		}
		case_unhash(s, c);
		s->bytes -= c->bytes;
		case_release(c);
		s->counters.evicted++;
	}
	s->case_count = kept;
	s->generation++;
	store_index(s);
}

/* ---- life ------------------------------------------------------------------------------ */

struct store *
store_new(uint64_t budget)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->budget = budget != 0 ? budget : BUDGET_DEFAULT;
	return s;
}

void
store_free(struct store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->case_count; i++)
		case_release(s->cases[i]);
	free(s->cases);
	free(s->by_client);
	free(s->by_server);
	free(s->hosts_by_client);
	free(s->hosts_by_server);
	free(s->paths.v);
	free(s->hosts.v);
	free(s->icmp.v);
	free(s->captures.v);
	free(s);
}

/* ---- reading ------------------------------------------------------------------------------ */

size_t
store_case_count(const struct store *s)
{
	return s->case_count;
}

struct mail_case *
store_case_at(const struct store *s, size_t i)
{
	return s->cases[i];
}

uint64_t
store_generation(const struct store *s)
{
	return s->generation;
}

const struct store_counters *
store_counters(const struct store *s)
{
	return &s->counters;
}

/* First case of the list whose address is not below `want'; from the time on when there is none. */
static size_t
iter_start(struct mail_case **v, size_t n, const struct addr *want, bool client, int64_t from_ns, bool timed)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct addr *a = client ? &v[mid]->conn.client.ip : &v[mid]->conn.server.ip;
		int d = want != NULL ? memcmp(a, want, sizeof(*a)) : 0;

		if (d < 0 || (d == 0 && timed && v[mid]->conn.first.ns < from_ns))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
iter_wants(const struct case_iter *it, const struct mail_case *c)
{
	if (it->client != NULL && !addr_equal(it->client, &c->conn.client.ip))
		return false;
	if (it->server != NULL && !addr_equal(it->server, &c->conn.server.ip))
		return false;
	return it->server_port == 0 || it->server_port == c->conn.server.port;
}

const struct mail_case *
store_case_next(const struct store *s, struct case_iter *it)
{
	const struct addr *lead = it->server != NULL ? it->server : it->client;
	struct mail_case **v = it->server != NULL ? s->by_server : it->client != NULL ? s->by_client : s->cases;
	bool client = it->server == NULL, timed = it->from_ns != 0 || it->to_ns != 0;

	if (v == NULL)
		return NULL;
	if (!it->started) {
		it->pos = iter_start(v, s->indexed, lead, client, it->from_ns, timed);
		it->started = true;
	}
	while (it->pos < s->indexed) {
		const struct mail_case *c = v[it->pos++];

		if (lead != NULL && !addr_equal(lead, client ? &c->conn.client.ip : &c->conn.server.ip))
			break;
		if (timed && c->conn.first.ns > it->to_ns)
			break;
		if (iter_wants(it, c))
			return c;
	}
	it->pos = s->indexed;
	return NULL;
}

/* First host whose address is not below `want'. */
static size_t
host_start(struct record_host **v, size_t n, const struct addr *want, bool client)
{
	size_t lo = 0, hi = want != NULL ? n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct addr *a = client ? &v[mid]->client : &v[mid]->server.ip;

		if (memcmp(a, want, sizeof(*a)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct record_host *
store_host_next(const struct store *s, struct host_iter *it)
{
	struct record_host **v = it->server != NULL ? s->hosts_by_server : s->hosts_by_client;

	if (v == NULL)
		return NULL;
	if (!it->started) {
		it->pos = host_start(v, s->hosts_indexed, it->server != NULL ? it->server : it->client, it->server == NULL);
		it->started = true;
	}
	while (it->pos < s->hosts_indexed) {
		const struct record_host *h = v[it->pos++];

		if (it->server != NULL && !addr_equal(it->server, &h->server.ip))
			break;
		if (it->client == NULL || addr_equal(it->client, &h->client))
			return h;
		if (it->server == NULL)
			break;
	}
	return NULL;
}

const struct record_icmp_error *
store_icmp_next(const struct store *s, size_t *pos)
{
	return *pos < s->icmp.n ? (const struct record_icmp_error *)s->icmp.v + (*pos)++ : NULL;
}

const struct record_capture *
store_capture(const struct store *s, uint32_t point)
{
	struct record_key k = { .point = point };
	size_t at = table_find(&s->captures, sizeof(struct record_capture), &k, capture_order);
	const struct record_capture *v = s->captures.v;

	return at < s->captures.n && v[at].key.point == point ? &v[at] : NULL;
}

const struct record_capture *
store_capture_next(const struct store *s, size_t *pos)
{
	return *pos < s->captures.n ? (const struct record_capture *)s->captures.v + (*pos)++ : NULL;
}

/* ---- the largest size proven ------------------------------------------------------------------ */

static bool
scope_wants(enum path_scope scope, const struct addr *want, const struct addr *to)
{
	if (scope == PATH_ANY)
		return true;
	return scope == PATH_ADDRESS ? addr_equal(want, to) : addr_prefix_equal(want, to, 24, 64);
}

static void
proven_raise(struct proven *best, uint32_t w, const struct moment *at, uint64_t conn, uint32_t point,
    int64_t when, int64_t span)
{
	if (w == 0 || at->ns < when - span || at->ns > when + span)
		return;
	if (w > best->w || (w == best->w && witness_before(at, &best->at)))
		*best = (struct proven){ w, *at, conn, point };
}

struct proven
store_proven(const struct store *s, const struct addr *from, const struct addr *to, enum path_scope scope,
    int64_t at_ns, int64_t span_ns)
{
	const struct record_path *p = s->paths.v;
	struct record_path low = { .from = *from, .epoch_ns = INT64_MIN };
	struct proven best = { 0 };

	for (size_t i = table_find(&s->paths, sizeof(low), &low, path_order); i < s->paths.n; i++) {
		if (!addr_equal(&p[i].from, from))
			break;
		if (scope_wants(scope, to, &p[i].to))
			proven_raise(&best, p[i].proven, &p[i].proven_at, p[i].proven_conn, p[i].key.point, at_ns, span_ns);
	}
	for (int d = 0; d < 2; d++) {
		struct case_iter it = { 0 };
		const struct mail_case *c;

		if (d == 0)
			it.client = from;
		else
			it.server = from;
		while ((c = store_case_next(s, &it)) != NULL) {
			const struct record_direction *r = &c->conn.dir[d];

			if (scope_wants(scope, to, d == 0 ? &c->conn.server.ip : &c->conn.client.ip))
				proven_raise(&best, r->proven, &r->proven_at, c->id, c->point, at_ns, span_ns);
		}
	}
	return best;
}

/* ---- counting frag-needed ------------------------------------------------------------------------ */

struct icmp_ref {
	uint64_t	what;
	uint32_t	point;
	uint64_t	count;
};

static int
icmp_ref_order(const void *a, const void *b)
{
	const struct icmp_ref *x = a, *y = b;
	int d = order_u64(x->what, y->what);

	return d != 0 ? d : order_u64(x->point, y->point);
}

static struct icmp_ref
icmp_ref_of(const struct record_icmp_error *e)
{
	uint64_t h = ID_SEED;

	h = id_bytes(h, &e->from, sizeof(e->from));
	h = id_bytes(h, &e->quoted_from.ip, sizeof(struct addr));
	h = id_bytes(h, &e->quoted_to.ip, sizeof(struct addr));
	h = id_number(h, (uint64_t)e->quoted_from.port << 16 | e->quoted_to.port);
	h = id_number(h, (uint64_t)e->mtu << 16 | (uint64_t)e->type << 8 | e->code);
	return (struct icmp_ref){ h, e->key.point, e->repeats > 1 ? e->repeats : 1 };
}

uint64_t
store_frag_needed(const struct store *s)
{
	size_t room = s->icmp.n, n = 0;
	const struct record_icmp_error *lone = s->icmp.v;
	struct icmp_ref *v;
	uint64_t total = 0;

	for (size_t i = 0; i < s->case_count; i++)
		room += s->cases[i]->icmp_count;
	if (room == 0 || (v = malloc(room * sizeof(*v))) == NULL)
		return 0;
	for (size_t i = 0; i < s->icmp.n; i++)
		if (lone[i].frag_needed)
			v[n++] = icmp_ref_of(&lone[i]);
	for (size_t i = 0; i < s->case_count; i++)
		for (uint32_t j = 0; j < s->cases[i]->icmp_count; j++)
			if (s->cases[i]->icmp[j].frag_needed)
				v[n++] = icmp_ref_of(&s->cases[i]->icmp[j]);
	qsort(v, n, sizeof(*v), icmp_ref_order);
	/* within a point errors add up; the point that saw most of one error counts */
	for (size_t i = 0, j; i < n; i = j) {
		uint64_t most = 0, here = 0;

		for (j = i; j < n && v[j].what == v[i].what; j++) {
			if (j > i && v[j].point != v[j - 1].point)
				here = 0;
			here += v[j].count;
			most = here > most ? here : most;
		}
		total += most;
	}
	free(v);
	return total;
}
