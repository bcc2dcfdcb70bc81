/* store_read.c - what rules may ask of the store. */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	WALKED = 1 << 14,
	PROOFS = 4096
}; /* cases of a search that were none it wants; cases that prove a size */

/* from the last packet of a piece to the first of the next */
#define PIECES_APART INT64_C(60000000000)

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

uint64_t
store_starved(const struct store *s)
{
	return s->contrast->starved;
}

/*
 * A list in order of one address and of time: where the cases with that address (NULL: any) begin
 * that are not before from_ns.
 */
static size_t
iter_start(const struct case_list *l, const struct addr *want, bool client, int64_t from_ns)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct record_connection *n = l->v[mid]->conn;
		int d = want != NULL
		    ? memcmp(client ? &n->client.ip : &n->server.ip, want, sizeof(*want))
		    : 0;

		if (d < 0 || (d == 0 && n->first.ns < from_ns))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * This list holds all that are wanted, in the part of it where they may be: the shortest is walked.
 */
static void
iter_offer(struct case_iter *it, const struct case_list *l, const struct addr *want, bool client,
    int64_t from, int64_t to)
{
	size_t pos = iter_start(l, want, client, from), end = iter_start(l, want, client, to);

	if (it->list != NULL && end - pos >= it->end - it->pos)
		return;
	it->list = l;
	it->pos = pos;
	it->end = end;
}

static void
iter_begin(const struct store *s, struct case_iter *it)
{
	bool timed = it->from_ns != 0 || it->to_ns != 0;
	int64_t from = timed ? it->from_ns : INT64_MIN,
		to = timed && it->to_ns < INT64_MAX ? it->to_ns + 1 : INT64_MAX;

	it->started = true;
	if (it->client != NULL)
		iter_offer(it, &s->by_client, it->client, true, from, to);
	if (it->server != NULL)
		iter_offer(it, &s->by_server, it->server, false, from, to);
	if (it->list == NULL)
		iter_offer(it, &s->by_time, NULL, false, from, to);
}

/* The part of a list in order of an address has no other. */
static bool
iter_wants(const struct store *s, const struct case_iter *it, const struct mail_case *c)
{
	if (it->client != NULL && it->list != &s->by_client &&
	    !addr_equal(it->client, &c->conn->client.ip))
		return false;
	if (it->server != NULL && it->list != &s->by_server &&
	    !addr_equal(it->server, &c->conn->server.ip))
		return false;
	if (it->since_ns != 0 && c->conn->last.ns < it->since_ns)
		return false;
	return it->server_port == 0 || it->server_port == c->conn->server.port;
}

const struct mail_case *
store_case_next(const struct store *s, struct case_iter *it)
{
	if (!it->started)
		iter_begin(s, it);
	while (it->pos < it->end && (!it->bounded || it->walked++ < WALKED)) {
		size_t at = (it->backwards ? cases_last : cases_next)(
		    it->list, it->pos, it->end, it->since_ns);

		if (at == it->end) {
			it->pos = it->end;
			break;
		}
		if (it->backwards)
			it->end = at;
		else
			it->pos = at + 1;
		if (iter_wants(s, it, it->list->v[at]))
			return it->list->v[at];
	}
	return NULL;
}

const struct mail_case *
store_case_among(
    const struct store *s, struct case_iter *it, uint32_t *looked, uint32_t most, uint64_t *cut)
{
	const struct mail_case *x;

	it->bounded = true;
	x = store_case_next(s, it);
	if (x == NULL ? it->pos < it->end : *looked >= most) {
		(*cut)++;
		return NULL;
	}
	*looked += x != NULL;
	return x;
}

const struct record_host *
store_host_next(const struct store *s, struct host_iter *it)
{
	if (it->at == NULL) {
		struct addr_span all = contrast_hosts(
		    s, it->server != NULL, it->server != NULL ? it->server : it->client);

		it->at = all.at;
		it->end = all.end;
	}
	while (it->at < it->end) {
		const struct record_host *h = *it->at++;

		if ((it->server == NULL || addr_equal(it->server, &h->server.ip)) &&
		    (it->client == NULL || addr_equal(it->client, &h->client)))
			return h;
	}
	return NULL;
}

size_t
store_point_count(const struct store *s)
{
	return s->point_count;
}

const struct record_capture *
store_capture(const struct store *s, uint32_t point)
{
	struct record_key k = { .point = point };
	size_t at = sorted_find(&s->captures, sizeof(struct record_capture), &k, capture_order);
	const struct record_capture *v = s->captures.v;

	return at < s->captures.n && v[at].key.point == point ? &v[at] : NULL;
}

const struct record_piece *
store_pieces(const struct store *s, uint32_t point, size_t *count)
{
	struct record_key k = { .point = point }, next = { .point = point + 1 };
	size_t at = sorted_find(&s->pieces, sizeof(struct record_piece), &k, piece_order);
	size_t end = sorted_find(&s->pieces, sizeof(struct record_piece), &next, piece_order);
	const struct record_piece *v = s->pieces.v;

	*count = end > at ? end - at : 0;
	return end > at ? v + at : NULL;
}

const struct record_capture *
store_capture_next(const struct store *s, size_t *pos)
{
	return *pos < s->captures.n ? (const struct record_capture *)s->captures.v + (*pos)++
				    : NULL;
}

bool
capture_follows(const struct record_capture *a, const struct record_capture *b)
{
	return a != NULL && b != NULL && a->frames > 0 && b->frames > 0 &&
	    a->last.ns <= b->first.ns && b->first.ns - a->last.ns <= PIECES_APART;
}

/* One ended before the other began, and both were made alike. */
static bool
captures_alike(const struct record_capture *a, const struct record_capture *b)
{
	return a != NULL && b != NULL && a->frames > 0 && b->frames > 0 &&
	    a->link_type == b->link_type && a->snaplen == b->snaplen &&
	    strcmp(a->interface, b->interface) == 0 &&
	    (a->last.ns <= b->first.ns || b->last.ns <= a->first.ns);
}

static uint8_t
end_ttl(const struct mail_case *c, int d)
{
	return c->conn->dir[d].ttl_syn != 0 ? c->conn->dir[d].ttl_syn : c->conn->dir[d].ttl;
}

/*
 * A clock that is wrong by more than a capture takes makes two places look like that.  There the
 * ends are at another distance, or the same connections are seen.
 */
bool
case_same_place(const struct mail_case *x, const struct mail_case *y)
{
	const struct mail_case *copy = x;

	if (x->point == y->point)
		return true;
	if (!captures_alike(x->capture, y->capture) ||
	    !addr_equal(&x->conn->client.ip, &y->conn->client.ip) || end_ttl(x, 0) == 0 ||
	    end_ttl(x, 0) != end_ttl(y, 0))
		return false;
	if (addr_equal(&x->conn->server.ip, &y->conn->server.ip) && end_ttl(x, 1) != 0 &&
	    end_ttl(y, 1) != 0 && end_ttl(x, 1) != end_ttl(y, 1))
		return false;
	while ((copy = copy->copy) != x)
		if (copy == y)
			return false;
	return true;
}

bool
store_point_deaf(const struct store *s, uint32_t point)
{
	for (size_t i = 0; i < s->point_count; i++)
		if (s->points[i].point == point)
			return !s->points[i].server_heard && s->points[i].client_data;
	return false;
}

uint64_t
store_points_open(const struct store *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->point_count; i++)
		n += store_capture(s, s->points[i].point) == NULL;
	return n;
}

/* ---- the largest size proven ------------------------------------------------- */

static void
proven_raise(struct proven *best, uint32_t w, const struct moment *at, uint64_t conn,
    uint32_t point, int64_t when, int64_t span)
{
	if (w == 0 || at->ns < when - span || at->ns > when + span)
		return;
	if (w > best->w ||
	    (w == best->w &&
		(witness_before(at, &best->at) ||
		    (!witness_before(&best->at, at) && point < best->point))))
		*best = (struct proven){ w, *at, conn, point };
}

struct proven
store_proven(const struct store *s, const struct addr *from, const struct addr *to, int64_t at_ns,
    int64_t span_ns, uint64_t *cut)
{
	struct addr_span paths = contrast_paths(s, from);
	struct proven best = { 0 };

	for (; paths.at < paths.end; paths.at++) {
		const struct record_path *p = *paths.at;

		if (addr_equal(&p->from, from) && addr_equal(&p->to, to))
			proven_raise(&best, p->proven, &p->proven_at, p->proven_conn, p->key.point,
			    at_ns, span_ns);
	}
	for (int d = 0; d < 2; d++) {
		struct case_iter it = { .client = d == 0 ? from : to,
			.server = d == 0 ? to : from,
			.to_ns = at_ns + span_ns,
			.since_ns = at_ns - span_ns };
		const struct mail_case *c;

		for (uint32_t looked = 0;
		     (c = store_case_among(s, &it, &looked, PROOFS, cut)) != NULL;)
			proven_raise(&best, c->conn->dir[d].proven, &c->conn->dir[d].proven_at,
			    c->id, c->point, at_ns, span_ns);
	}
	return best;
}

const struct record_icmp_error *
store_lone_icmp(const struct store *s, uint32_t point, size_t *n)
{
	const struct record_icmp_error *v = s->icmp.v;
	size_t lo = 0, hi = s->icmp.n, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].key.point < point)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < s->icmp.n && v[end].key.point == point; end++)
		continue;
	*n = end - lo;
	return end > lo ? v + lo : NULL;
}

/* ---- counting frag-needed ---------------------------------------------------- */

struct icmp_ref {
	uint64_t what;
	uint32_t point;
	uint64_t count;
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
	return (struct icmp_ref){ h, e->key.point, (uint64_t)e->repeats + 1 };
}

uint64_t
store_frag_needed(const struct store *s)
{
	size_t room = s->icmp.n, n = 0;
	const struct record_icmp_error *lone = s->icmp.v;
	struct icmp_ref *v;
	uint64_t total = s->counters.frag_needed;

	for (size_t i = 0; i < s->case_count; i++)
		room += s->cases[i]->icmp_count;
	if (room == 0)
		return total;
	if ((v = malloc(room * sizeof(*v))) == NULL) {
		s->contrast->starved++;
		return total;
	}
	for (size_t i = 0; i < s->icmp.n; i++)
		v[n++] = icmp_ref_of(&lone[i]);
	for (size_t i = 0; i < s->case_count; i++)
		for (uint32_t j = 0; j < s->cases[i]->icmp_count; j++)
			if (s->cases[i]->icmp[j]->frag_needed)
				v[n++] = icmp_ref_of(s->cases[i]->icmp[j]);
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
