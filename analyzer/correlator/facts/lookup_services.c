/* lookup_services.c - one port of a server, as all clients of a point know it. */
#include "lookup_impl.h"

#include <stdlib.h>
#include <string.h>

static int
service_order(const void *a, const void *b)
{
	const struct service *x = a, *y = b;
	int d;

	if ((d = memcmp(&x->server, &y->server, sizeof(x->server))) != 0)
		return d;
	if ((d = order_u64(x->point, y->point)) != 0)
		return d;
	return order_u64(x->port, y->port);
}

static struct service
service_of(const struct record_host *h)
{
	bool answered = h->answered > 0, timed = answered && h->rtt_min_ns > 0;

	return (struct service){ .server = h->server.ip,
		.point = h->key.point,
		.port = h->server.port,
		.ttl = answered ? h->ttl : 0,
		.timed = timed ? h->answered : 0,
		.rtt_min_ns = timed ? h->rtt_min_ns : 0,
		.rtt_most_ns = timed ? h->rtt_min_ns : 0 };
}

static void
service_join(struct service *into, const struct service *x)
{
	if (x->ttl != 0 && (into->ttl == 0 || x->ttl < into->ttl))
		into->ttl = x->ttl;
	if (x->timed > 0 && (into->timed == 0 || x->rtt_min_ns < into->rtt_min_ns))
		into->rtt_min_ns = x->rtt_min_ns;
	if (x->rtt_most_ns > into->rtt_most_ns)
		into->rtt_most_ns = x->rtt_most_ns;
	into->timed += x->timed;
}

static bool
service_before(const void *element, const void *key)
{
	return service_order(element, key) < 0;
}

static void
services_build(struct lookups *l, struct service_group *g, struct addr_span hosts)
{
	size_t n = (size_t)(hosts.end - hosts.at), kept = 0;

	if ((g->v = room_for(l, n, sizeof(*g->v))) == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		g->v[i] = service_of(hosts.at[i]);
	qsort(g->v, n, sizeof(*g->v), service_order);
	for (size_t i = 1; i < n; i++) {
		if (service_order(&g->v[kept], &g->v[i]) == 0)
			service_join(&g->v[kept], &g->v[i]);
		else
			g->v[++kept] = g->v[i];
	}
	g->n = n > 0 ? kept + 1 : 0;
}

/* Of the server's bucket; NULL: none, or no memory. */
static const struct service_group *
services_about(struct lookups *l, const struct addr *server)
{
	struct addr_span hosts =
	    contrast_hosts(l->store, true, server); /* joined: one record of a client and port */
	const struct addr_index *x = &l->store->contrast->by_server;
	struct service_group *g;

	if (x->v == NULL)
		return NULL;
	if (l->services == NULL) {
		if ((l->services = calloc(x->buckets, sizeof(*l->services))) == NULL) {
			l->starved++;
			return NULL;
		}
		l->service_groups = x->buckets;
	}
	g = &l->services[index_bucket(x, server)];
	if (g->v == NULL)
		services_build(l, g, hosts);
	return g;
}

const struct service *
lookup_services(struct lookups *l, const struct addr *server, uint32_t point, size_t *count)
{
	const struct service_group *g = services_about(l, server);
	struct service want = { .server = *server, .point = point };
	size_t from, to;

	*count = 0;
	if (g == NULL || g->v == NULL)
		return NULL;
	from = to = count_before(g->v, g->n, sizeof(want), service_before, &want);
	while (to < g->n && g->v[to].point == point && addr_equal(&g->v[to].server, server))
		to++;
	*count = to - from;
	return g->v + from;
}

void
services_release(struct lookups *l)
{
	for (size_t i = 0; i < l->service_groups; i++)
		free(l->services[i].v);
	free(l->services);
}
