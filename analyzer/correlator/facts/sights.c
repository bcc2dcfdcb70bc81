#include "sights.h"

#include "correlator/store/store_impl.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Two hosts at one point. */
struct pair {
	const struct mail_case *c;   /* any of theirs */
	uint8_t ttl_least, ttl_most; /* of the client's SYNs; 0 = unknown */
	uint16_t port;               /* of the server, on which a session was answered in rtt[0] */
	int64_t rtt[2];              /* the least, and the least on other ports; 0 = unknown */
};

/* A server at one point, and clients that are so far from it. */
struct length {
	const struct mail_case *c;
	unsigned int hops;
	uint8_t ttl_least, ttl_most; /* of the server's answers */
};

struct sights {
	struct pair *pairs;     /* by client, server, point */
	struct length *lengths; /* by server, point, hops */
	size_t pair_count, length_count;
};

bool
ttl_undiminished(uint8_t ttl)
{
	return ttl == 64 || ttl == 128 || ttl == 255;
}

unsigned int
ttl_hops(uint8_t ttl)
{
	return (ttl <= 64 ? 64U : ttl <= 128 ? 128U : 255U) - ttl;
}

/* Of its first answer: who refuses has no other. */
static uint8_t
ttl_answer(const struct record_connection *n)
{
	return n->dir[1].ttl_syn != 0 ? n->dir[1].ttl_syn : n->dir[1].ttl_rst;
}

/* The whole way, client to server; UINT_MAX = not known. */
static unsigned int
hops_all(const struct record_connection *n)
{
	return n->dir[0].ttl_syn != 0 && ttl_answer(n) != 0
	    ? ttl_hops(n->dir[0].ttl_syn) + ttl_hops(ttl_answer(n))
	    : UINT_MAX;
}

/* ---- orders ------------------------------------------------------------------------------- */

static int
server_order(const struct mail_case *x, const struct mail_case *y)
{
	int d = memcmp(&x->conn->server.ip, &y->conn->server.ip, sizeof(struct addr));

	return d != 0 ? d : order_u64(x->point, y->point);
}

static int
pair_order(const void *a, const void *b)
{
	const struct mail_case *x = ((const struct pair *)a)->c, *y = ((const struct pair *)b)->c;
	int d = memcmp(&x->conn->client.ip, &y->conn->client.ip, sizeof(struct addr));

	return d != 0 ? d : server_order(x, y);
}

static int
length_order(const void *a, const void *b)
{
	const struct length *x = a, *y = b;
	int d = server_order(x->c, y->c);

	return d != 0 ? d : order_u64(x->hops, y->hops);
}

/* ---- made ----------------------------------------------------------------------------------- */

/* From here to the server and back, and not from the client's end. */
static int64_t
session_rtt(const struct record_connection *n)
{
	if (!n->rtt_known || n->dir[1].data_segments == 0)
		return 0;
	return n->dir[1].loop_ns > 0 && n->dir[1].loop_ns < n->rtt_ns ? n->dir[1].loop_ns
								      : n->rtt_ns;
}

static void
ttl_join(uint8_t *least, uint8_t *most, uint8_t ttl)
{
	if (ttl != 0 && (*least == 0 || ttl < *least))
		*least = ttl;
	if (ttl > *most)
		*most = ttl;
}

static void
rtt_join(struct pair *into, uint16_t port, int64_t rtt)
{
	if (rtt <= 0)
		return;
	if (into->rtt[0] == 0 || rtt < into->rtt[0]) {
		if (port != into->port)
			into->rtt[1] = into->rtt[0];
		into->rtt[0] = rtt;
		into->port = port;
	} else if (port != into->port && (into->rtt[1] == 0 || rtt < into->rtt[1])) {
		into->rtt[1] = rtt;
	}
}

static void
pair_join(struct pair *into, const struct record_connection *n)
{
	ttl_join(&into->ttl_least, &into->ttl_most, n->dir[0].ttl_syn);
	rtt_join(into, n->server.port, session_rtt(n));
}

static void
pairs_join(struct sights *v)
{
	size_t n = 0;

	qsort(v->pairs, v->pair_count, sizeof(struct pair), pair_order);
	for (size_t i = 0; i < v->pair_count; i++) {
		const struct mail_case *c = v->pairs[i].c;

		if (n == 0 || pair_order(&v->pairs[n - 1], &v->pairs[i]) != 0)
			v->pairs[n++] = (struct pair){ .c = c };
		pair_join(&v->pairs[n - 1], c->conn);
	}
	v->pair_count = n;
}

static void
lengths_join(struct sights *v)
{
	size_t n = 0;

	qsort(v->lengths, v->length_count, sizeof(struct length), length_order);
	for (size_t i = 0; i < v->length_count; i++) {
		struct length x = v->lengths[i];

		if (n == 0 || length_order(&v->lengths[n - 1], &x) != 0)
			v->lengths[n++] = x;
		ttl_join(&v->lengths[n - 1].ttl_least, &v->lengths[n - 1].ttl_most,
		    ttl_answer(x.c->conn));
	}
	v->length_count = n;
}

struct sights *
sights_new(const struct store *s)
{
	struct sights *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->pairs = malloc((s->indexed + 1) * sizeof(struct pair));
	v->lengths = malloc((s->indexed + 1) * sizeof(struct length));
	if (v->pairs == NULL || v->lengths == NULL) {
		sights_free(v);
		return NULL;
	}
	for (size_t i = 0; i < s->indexed; i++) {
		const struct mail_case *c = s->cases[i];
		unsigned int hops = hops_all(c->conn);

		if (!c->has_conn)
			continue;
		v->pairs[v->pair_count++] = (struct pair){ .c = c };
		if (hops != UINT_MAX)
			v->lengths[v->length_count++] = (struct length){ .c = c, .hops = hops };
	}
	pairs_join(v);
	lengths_join(v);
	return v;
}

void
sights_free(struct sights *v)
{
	if (v == NULL)
		return;
	free(v->pairs);
	free(v->lengths);
	free(v);
}

/* ---- asked ----------------------------------------------------------------------------------- */

static const struct pair *
pair_of(const struct sights *v, const struct mail_case *c)
{
	struct pair key = { .c = c };

	return bsearch(&key, v->pairs, v->pair_count, sizeof(key), pair_order);
}

bool
sights_client_differs(const struct sights *v, const struct mail_case *c)
{
	const struct pair *p = pair_of(v, c);
	uint8_t ttl = c->conn->dir[0].ttl_syn;

	return p != NULL && ttl != 0 && p->ttl_least != 0 &&
	    (p->ttl_least != ttl || p->ttl_most != ttl);
}

bool
sights_server_differs(const struct sights *v, const struct mail_case *c)
{
	struct length key = { .c = c, .hops = hops_all(c->conn) };
	const struct length *x =
	    bsearch(&key, v->lengths, v->length_count, sizeof(key), length_order);

	return x != NULL &&
	    (x->ttl_least != ttl_answer(c->conn) || x->ttl_most != ttl_answer(c->conn));
}

int64_t
sights_least_rtt(const struct sights *v, const struct mail_case *c)
{
	const struct pair *p = pair_of(v, c);

	return p == NULL ? 0 : p->rtt[p->port == c->conn->server.port];
}
