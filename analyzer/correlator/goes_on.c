#include "goes_on.h"

enum { LOOKED = 64 }; /* connections between the same hosts */

/* The part of this connection that an earlier capture holds; NULL = none. */
static const struct mail_case *
part_before(const struct store *s, const struct mail_case *c, uint64_t *cut)
{
	struct case_iter it = { .client = &c->conn->client.ip,
		.server = &c->conn->server.ip,
		.to_ns = c->conn->first.ns,
		.backwards = true };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = store_case_among(s, &it, &looked, LOOKED, cut)) != NULL;)
		if (x->point != c->point && x->has_conn && x->conn->open &&
		    endpoint_equal(&x->conn->client, &c->conn->client) &&
		    endpoint_equal(&x->conn->server, &c->conn->server) &&
		    capture_follows(store_capture(s, x->point), store_capture(s, c->point)))
			return x;
	return NULL;
}

struct goes_on
goes_on_find(const struct store *s)
{
	struct goes_on g = { 0, 0, NULL, NULL };
	struct case_iter all = { .client = NULL };
	const struct mail_case *c, *x;

	while (store_point_count(s) > 1 && (c = store_case_next(s, &all)) != NULL) {
		if (!c->has_conn || c->conn->state != CONN_MIDSTREAM ||
		    (x = part_before(s, c, &g.cut)) == NULL)
			continue;
		if (g.connections++ == 0) {
			g.from = store_capture(s, x->point)->file;
			g.to = store_capture(s, c->point)->file;
		}
	}
	return g;
}
