#include "store_impl.h"

#include "record/record_copy.h"

#include <stdlib.h>
#include <string.h>

enum {
	LONE_ICMP_MAX = 1 << 14,
	CAPTURES_MAX = 1 << 12,
	PIECES_MAX = 1 << 16,
	PER_CASE_MAX = 1 << 16, /* transactions, recipients, ... of one connection */
};

#define BUDGET_DEFAULT ((uint64_t)256 << 20)

/* ---- keys and orders -------------------------------------------------------- */

static int
key_order(const struct record_key *a, const struct record_key *b)
{
	int d;

	if ((d = order_u64(a->n, b->n)) != 0)
		return d;
	return order_u64(a->m, b->m);
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

int
capture_order(const void *a, const void *b)
{
	return order_u64(
	    ((const struct record_key *)a)->point, ((const struct record_key *)b)->point);
}

int
piece_order(const void *a, const void *b)
{
	const struct record_key *x = a, *y = b;

	return x->point != y->point ? order_u64(x->point, y->point) : order_u64(x->n, y->n);
}

/* ---- sorted tables ----------------------------------------------------------- */

size_t
sorted_find(
    const struct table *t, size_t size, const void *x, int (*order)(const void *, const void *))
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
sorted_slot(struct table *t, size_t size, const void *x, int (*order)(const void *, const void *),
    size_t max, bool *fresh)
{
	size_t at = sorted_find(t, size, x, order);
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

static struct record_connection nothing_known;

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
	c->conn = &nothing_known;
	c->copy = c;
	c->hash_next = s->bucket[b];
	s->bucket[b] = c;
	s->cases[s->case_count++] = c;
	c->bytes = sizeof(*c);
	s->bytes += c->bytes;
	return c;
}

static void
list_release(void *listp, uint32_t count)
{
	void **list = listp;

	for (uint32_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

/* Where no connection record came, one to write into what others say; NULL: no memory. */
struct record_connection *
case_conn(struct store *s, struct mail_case *c)
{
	static const struct record empty = { .type = RECORD_CONNECTION };
	size_t size;
	void *own;

	if (c->conn != &nothing_known)
		return c->conn;
	if ((own = record_keep(&empty, &size)) == NULL) {
		s->contrast->starved++;
		return NULL;
	}
	c->conn = own;
	c->bytes += size;
	s->bytes += size;
	return own;
}

static void
case_release(struct mail_case *c)
{
	if (c->conn != &nothing_known)
		free(c->conn);
	free(c->session);
	list_release(c->transactions, c->transaction_count);
	list_release(c->recipients, c->recipient_count);
	list_release(c->messages, c->message_count);
	list_release(c->stalls, c->stall_count);
	list_release(c->icmp, c->icmp_count);
	free(c);
}

/* A copy of the record takes the place of its older self, if there is one. */
static bool
case_replace(struct store *s, struct mail_case *c, void **slot, const struct record *r)
{
	size_t was = *slot != NULL ? record_bytes(r->type, *slot) : 0, size;
	void *copy = record_keep(r, &size);

	if (copy == NULL)
		return false;
	free(*slot);
	*slot = copy;
	c->bytes += size - was;
	s->bytes += size - was;
	return true;
}

/* Where the key is in a list of the case, or would be. */
static uint32_t
list_find(void *const *list, uint32_t count, const struct record_key *k)
{
	uint32_t lo = 0, hi = count;

	if (count > 0 && key_order(list[count - 1], k) < 0) /* as in sorted_find() */
		return count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (key_order(list[mid], k) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Puts one record into a list of the case. */
static bool
case_put(struct store *s, struct mail_case *c, void *listp, uint32_t *count, uint32_t *room,
    const struct record *r)
{
	void ***list = listp, **grown, *fresh = NULL;
	uint32_t at = list_find(*list, *count, &r->key), more;

	if (at < *count && key_order((*list)[at], &r->key) == 0)
		return case_replace(s, c, &(*list)[at], r);
	if (*count == PER_CASE_MAX)
		return false;
	if (*count == *room) {
		more = *room == 0 ? 1 : *room * 2;
		if ((grown = realloc(*list, more * sizeof(void *))) == NULL)
			return false;
		*list = grown;
		c->bytes += (more - *room) * sizeof(void *);
		s->bytes += (more - *room) * sizeof(void *);
		*room = more;
	}
	if (!case_replace(s, c, &fresh, r))
		return false;
	memmove(*list + at + 1, *list + at, (*count - at) * sizeof(void *));
	(*list)[at] = fresh;
	++*count;
	return true;
}

static bool
case_take_connection(struct store *s, struct mail_case *c, const struct record *r)
{
	void *conn = c->conn != &nothing_known ? c->conn : NULL;

	if (!case_replace(s, c, &conn, r))
		return false;
	c->conn = conn;
	c->has_conn = true;
	return true;
}

#define PUT(list, count, room) case_put(s, c, &c->list, &c->count, &c->room, r)

static bool
case_take(struct store *s, struct mail_case *c, const struct record *r)
{
	switch (r->type) {
	case RECORD_CONNECTION: return case_take_connection(s, c, r);
	case RECORD_SESSION: return case_replace(s, c, (void **)&c->session, r);
	case RECORD_TRANSACTION: return PUT(transactions, transaction_count, transaction_room);
	case RECORD_RECIPIENT: return PUT(recipients, recipient_count, recipient_room);
	case RECORD_MESSAGE: return PUT(messages, message_count, message_room);
	case RECORD_STALL: return PUT(stalls, stall_count, stall_room);
	case RECORD_ICMP_ERROR: return PUT(icmp, icmp_count, icmp_room);
	default: return false;
	}
}

/* ---- taking ------------------------------------------------------------------- */

static bool
store_take_plain(struct table *t, size_t size, const void *x,
    int (*order)(const void *, const void *), size_t max)
{
	bool fresh;
	void *p = sorted_slot(t, size, x, order, max, &fresh);

	if (p != NULL && !fresh)
		memcpy(p, x, size);
	return p != NULL;
}

/* What leaves was counted, and stays so. */
static void
frag_needed_keep(struct store *s, uint64_t before)
{
	uint64_t after = store_frag_needed(s);

	s->counters.frag_needed += before > after ? before - after : 0;
}

static int64_t
icmp_last(const void *p)
{
	return ((const struct record_icmp_error *)p)->last.ns;
}

/*
 * Of those that speak of no connection only packets too big are ever asked for: a flood of others
 * pushes none of them out.
 */
static bool
lone_icmp_take(struct store *s, const struct record_icmp_error *e)
{
	uint64_t before;

	if (!e->frag_needed)
		return true;
	if (s->icmp.n == LONE_ICMP_MAX) {
		before = store_frag_needed(s);
		table_drop_oldest(&s->icmp, sizeof(*e), icmp_last, &s->counters.icmp_evicted);
		frag_needed_keep(s, before);
	}
	return store_take_plain(&s->icmp, sizeof(*e), e, icmp_order, LONE_ICMP_MAX);
}

void
store_take(struct store *s, const struct record *r)
{
	struct mail_case *c;
	bool ok;

	s->generation++;
	if (r->type == RECORD_CAPTURE) {
		ok = store_take_plain(
		    &s->captures, sizeof(r->capture), &r->capture, capture_order, CAPTURES_MAX);
	} else if (r->type == RECORD_PIECE) {
		ok = store_take_plain(
		    &s->pieces, sizeof(r->piece), &r->piece, piece_order, PIECES_MAX);
	} else if (r->type == RECORD_PATH) {
		ok = contrast_take_path(s, &r->path);
	} else if (r->type == RECORD_HOST) {
		ok = contrast_take_host(s, &r->host);
	} else if (r->type == RECORD_ICMP_ERROR && r->key.conn == 0) {
		ok = lone_icmp_take(s, &r->icmp_error);
	} else {
		c = case_get(s, &r->key);
		ok = c != NULL && case_take(s, c, r);
		if (c != NULL)
			c->touched = ++s->clock;
	}
	if (!ok)
		s->counters.refused++;
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

uint64_t
store_eviction_mark(const struct store *s)
{
	uint64_t *v = malloc((s->case_count + 1) * sizeof(*v)), mark;

	if (v == NULL || s->case_count == 0) {
		free(v);
		return s->clock / 2;
	}
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
store_evict(struct store *s, uint64_t mark, void (*gone)(void *ctx, struct mail_case *c), void *ctx)
{
	uint64_t frag_needed = store_frag_needed(s);
	size_t kept = 0;

	for (size_t i = 0; i < s->case_count; i++) /* all are told before any is freed: rings */
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
	frag_needed_keep(s, frag_needed);
	s->generation++;
	store_index(s);
}

/* ---- life ------------------------------------------------------------------------------ */

struct store *
store_new(uint64_t budget)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->budget = budget != 0 ? budget : BUDGET_DEFAULT;
	if ((s->contrast = calloc(1, sizeof(*s->contrast))) == NULL) {
		free(s);
		return NULL;
	}
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
	cases_release(&s->by_time);
	cases_release(&s->by_client);
	cases_release(&s->by_server);
	contrast_release(s->contrast);
	free(s->points);
	free(s->icmp.v);
	free(s->captures.v);
	free(s->pieces.v);
	free(s);
}
