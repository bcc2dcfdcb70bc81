/* store_index.c - order of time, and what each capture point heard at all. */
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

int
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
