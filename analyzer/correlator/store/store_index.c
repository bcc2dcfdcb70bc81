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
	const struct mail_case *x = *(struct mail_case *const *)a,
			       *y = *(struct mail_case *const *)b;
	int d = memcmp(&x->conn->client.ip, &y->conn->client.ip, sizeof(struct addr));

	return d != 0 ? d : case_order(x, y);
}

static int
case_by_server(const void *a, const void *b)
{
	const struct mail_case *x = *(struct mail_case *const *)a,
			       *y = *(struct mail_case *const *)b;
	int d = memcmp(&x->conn->server.ip, &y->conn->server.ip, sizeof(struct addr));

	return d != 0 ? d : case_order(x, y);
}

/* ---- lists ---------------------------------------------------------------------- */

void
cases_release(struct case_list *l)
{
	free(l->v);
	free(l->ends);
	*l = (struct case_list){ 0 };
}

/*
 * One connection that lasts for days began before all others: who asks for those that lived then
 * must not walk all between.
 */
static void
cases_build_ends(struct case_list *l)
{
	for (l->leaves = 1; l->leaves < l->n; l->leaves *= 2)
		;
	if ((l->ends = malloc(2 * l->leaves * sizeof(*l->ends))) == NULL)
		return;
	for (size_t i = 0; i < l->leaves; i++)
		l->ends[l->leaves + i] = i < l->n ? l->v[i]->conn->last.ns : INT64_MIN;
	for (size_t k = l->leaves - 1; k > 0; k--)
		l->ends[k] =
		    l->ends[2 * k] > l->ends[2 * k + 1] ? l->ends[2 * k] : l->ends[2 * k + 1];
}

/* `order' NULL: that of time, in which the cases are. */
static void
cases_build(struct store *s, struct case_list *l, int (*order)(const void *, const void *))
{
	cases_release(l);
	if (s->case_count == 0)
		return;
	if ((l->v = malloc(s->case_count * sizeof(struct mail_case *))) != NULL) {
		l->n = s->case_count;
		memcpy(l->v, s->cases, l->n * sizeof(struct mail_case *));
		if (order != NULL)
			qsort(l->v, l->n, sizeof(struct mail_case *), order);
		cases_build_ends(l);
	}
	s->contrast->starved += l->ends == NULL;
}

/* Down to the half that holds it; where neither does, up until there is one beside. */
size_t
cases_next(const struct case_list *l, size_t pos, size_t end, int64_t since)
{
	size_t k = l->leaves + pos;

	if (since == 0 || l->ends == NULL || pos >= end)
		return pos;
	while (k < l->leaves || l->ends[k] < since) {
		if (l->ends[k] >= since) {
			k = 2 * k;
			continue;
		}
		while (k % 2 == 1)
			k /= 2;
		if (k++ == 0)
			return end;
	}
	return k - l->leaves < end ? k - l->leaves : end;
}

size_t
cases_last(const struct case_list *l, size_t pos, size_t end, int64_t since)
{
	size_t k = l->leaves + end - 1;

	if (since == 0 || l->ends == NULL || pos >= end)
		return pos < end ? end - 1 : end;
	while (k < l->leaves || l->ends[k] < since) {
		if (l->ends[k] >= since) {
			k = 2 * k + 1;
			continue;
		}
		while (k % 2 == 0)
			k /= 2;
		if (--k == 0)
			return end;
	}
	return k - l->leaves >= pos ? k - l->leaves : end;
}

static int
point_order(const void *a, const void *b)
{
	return order_u64(
	    ((const struct point_facts *)a)->point, ((const struct point_facts *)b)->point);
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
		s->points[i] =
		    (struct point_facts){ s->cases[i]->point, s->cases[i]->conn->dir[1].packets > 0,
			    s->cases[i]->conn->dir[0].data_segments > 0 };
	qsort(s->points, s->case_count, sizeof(*s->points), point_order);
	for (size_t i = 0; i < s->case_count; i++) {
		if (n == 0 || s->points[n - 1].point != s->points[i].point) {
			s->points[n++] = s->points[i];
			continue;
		}
		s->points[n - 1].server_heard =
		    s->points[n - 1].server_heard || s->points[i].server_heard;
		s->points[n - 1].client_data =
		    s->points[n - 1].client_data || s->points[i].client_data;
	}
	s->point_count = n;
}

void
store_index(struct store *s)
{
	size_t n = s->case_count;

	for (size_t i = 0; i < n; i++) {
		case_complete(s, s->cases[i]);
		s->cases[i]->capture = store_capture(s, s->cases[i]->point);
	}
	if (n > 0)
		qsort(s->cases, n, sizeof(struct mail_case *), case_by_time);
	cases_build(s, &s->by_time, NULL);
	cases_build(s, &s->by_client, case_by_client);
	cases_build(s, &s->by_server, case_by_server);
	for (size_t i = 0; i < n; i++)
		s->cases[i]->index = (uint32_t)i;
	s->indexed = n;
	points_index(s);
	copies_join(s);
}
