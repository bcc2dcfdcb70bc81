/* store_index.c - order of time, and copies of one connection at several points joined. */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

/* A case whose connection record has not come (or never will) borrows what others say. */
static void
case_complete(struct store *s, struct mail_case *c)
{
	struct record_connection *n;

	if (c->has_conn || (n = case_conn(s, c)) == NULL)
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
		const struct record_stall *t = c->stalls[0];

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

	if ((d = order_i64(x->conn->first.ns, y->conn->first.ns)) != 0)
		return d;
	if ((d = order_u64(x->point, y->point)) != 0)
		return d;
	if ((d = order_u64(x->conn->first.frame, y->conn->first.frame)) != 0)
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
	int d = memcmp(&x->conn->client.ip, &y->conn->client.ip, sizeof(struct addr));

	return d != 0 ? d : case_order(x, y);
}

static int
case_by_server(const void *a, const void *b)
{
	const struct mail_case *x = *(struct mail_case *const *)a, *y = *(struct mail_case *const *)b;
	int d = memcmp(&x->conn->server.ip, &y->conn->server.ip, sizeof(struct addr));

	return d != 0 ? d : case_order(x, y);
}

/* Initial sequence numbers are random in life and small in made-up captures, where they prove nothing. */
static bool
isn_random(const struct record_direction *d)
{
	return d->isn_known && d->isn > UINT16_MAX;
}

static uint64_t
hash_endpoints(uint64_t h, const struct record_connection *n)
{
	return id_endpoint(id_endpoint(h, &n->client), &n->server);
}

/*
 * NAT changes addresses and a proxying firewall the payload, but not the
 * sequence numbers of both sides; without both the rest must agree.
 */
uint64_t
case_conversation(const struct mail_case *c)
{
	const struct record_connection *n = c->conn;
	const struct record_direction *a = &n->dir[0], *b = &n->dir[1];
	uint64_t h = ID_SEED;

	if (isn_random(a) && isn_random(b)) {
		h = id_number(h, (uint64_t)a->isn << 32 | b->isn);
		return id_end(id_number(h, n->server.port));
	}
	if (n->payload_hash == 0 && !isn_random(a))
		return 0;
	/* an attempt that led nowhere: most routers that translate leave the client's port */
	if (n->payload_hash == 0 && !b->isn_known)
		return id_end(id_endpoint(id_number(id_number(h, a->isn), n->client.port), &n->server));
	h = hash_endpoints(id_number(h, n->payload_hash), n);
	return id_end(id_number(h, a->isn_known ? a->isn : 0));
}

/* How much a copy knows of its mails: decided verdicts first, then everything else. */
static uint64_t
case_knowledge(const struct mail_case *c)
{
	uint64_t decided = 0, seen = 0;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		enum verdict v = c->transactions[i]->verdict;

		decided += v == VERDICT_ACCEPTED || v == VERDICT_REFUSED || v == VERDICT_DEFERRED;
		seen += v != VERDICT_NONE;
	}
	for (uint32_t i = 0; i < c->message_count; i++)
		decided += c->messages[i]->state == MESSAGE_WHOLE;
	return decided << 40 | seen << 24 | (uint64_t)(c->session != NULL && c->session->visible) << 23 |
	    (uint64_t)!case_missing(c) << 22;
}

#define NAT_APART	INT64_C(1000000000)

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

/*
 * One packet on both sides of a router that translates, captured there on all interfaces: other addresses, the
 * same sequence numbers, at the same moment.
 */
static bool
seen_twice(const struct mail_case *x, const struct mail_case *y)
{
	int64_t apart = y->conn->first.ns - x->conn->first.ns;

	return apart <= NAT_APART && apart >= -NAT_APART && (!endpoint_equal(&x->conn->client, &y->conn->client) ||
	    !endpoint_equal(&x->conn->server, &y->conn->server));
}

static void
ring_close(struct copy_ref *v, size_t n)
{
	struct mail_case *best = v[0].c, *first = v[0].c;
	uint64_t most = case_knowledge(best);

	for (size_t i = 1; i < n; i++) {
		uint64_t k = case_knowledge(v[i].c);

		if (k > most) {
			most = k;
			best = v[i].c;
		}
		if (v[i].c->index < first->index)
			first = v[i].c;
	}
	for (size_t i = 0; i < n; i++) {
		v[i].c->copy = v[(i + 1) % n].c;
		v[i].c->counted = v[i].c == best;
		v[i].c->leads = v[i].c == first;
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
		c->leads = true;
		if (h != 0 && v != NULL)
			v[n++] = (struct copy_ref){ h, 0, c };
	}
	if (v == NULL) {
		s->contrast->starved++;
		return;
	}
	s->counters.uncompared = 0;
	qsort(v, n, sizeof(*v), copy_by_point);
	for (size_t i = 1; i < n; i++)
		if (v[i].conversation == v[i - 1].conversation && v[i].c->point == v[i - 1].c->point)
			v[i].nth = v[i - 1].nth + !seen_twice(v[i - 1].c, v[i].c);
	qsort(v, n, sizeof(*v), copy_by_nth);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j].conversation == v[i].conversation && v[j].nth == v[i].nth; j++)
			;
		ring_close(v + i, j - i);
		s->counters.uncompared += j - i > STORE_COPIES ? j - i - STORE_COPIES : 0;
	}
	free(v);
}

static int
point_order(const void *a, const void *b)
{
	return order_u64(((const struct point_facts *)a)->point, ((const struct point_facts *)b)->point);
}

static void
points_index(struct store *s)
{
	size_t n = 0;

	free(s->points);
	s->point_count = 0;
	if ((s->points = malloc((s->case_count + 1) * sizeof(*s->points))) == NULL) {
		s->contrast->starved++;
		return;
	}
	for (size_t i = 0; i < s->case_count; i++)
		s->points[i] = (struct point_facts){ s->cases[i]->point, s->cases[i]->conn->dir[1].packets > 0,
		    s->cases[i]->conn->dir[0].data_segments > 0 };
	qsort(s->points, s->case_count, sizeof(*s->points), point_order);
	for (size_t i = 0; i < s->case_count; i++) {
		if (n == 0 || s->points[n - 1].point != s->points[i].point) {
			s->points[n++] = s->points[i];
			continue;
		}
		s->points[n - 1].server_heard = s->points[n - 1].server_heard || s->points[i].server_heard;
		s->points[n - 1].client_data = s->points[n - 1].client_data || s->points[i].client_data;
	}
	s->point_count = n;
}

void
store_index(struct store *s)
{
	size_t n = s->case_count;

	s->longest_ns = 0;
	for (size_t i = 0; i < n; i++) {
		const struct record_connection *c = s->cases[i]->conn;

		case_complete(s, s->cases[i]);
		s->cases[i]->capture = store_capture(s, s->cases[i]->point);
		if (c->last.ns - c->first.ns > s->longest_ns)
			s->longest_ns = c->last.ns - c->first.ns;
	}
	free(s->by_client);
	free(s->by_server);
	s->by_client = malloc((n + 1) * sizeof(struct mail_case *));
	s->by_server = malloc((n + 1) * sizeof(struct mail_case *));
	s->contrast->starved += s->by_client == NULL || s->by_server == NULL;
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
	points_index(s);
	copies_join(s);
}
