/*
 * store_copies.c - one connection at several capture points: rings of copies.
 *
 * What joins two of them is proof or nothing: the initial sequence numbers of
 * both sides; where one point never saw them or a firewall between rewrites
 * them, the sequence space, time stamps or bytes that both saw.
 *
 * Of a NAT that renumbers and takes the time stamps away nothing is left but
 * words and times.  They prove nothing: two hosts whose cron sends the same mail
 * at the same second have them in common.  A Message-ID would, but where data
 * does not arrive, which is when a join tells most, there is none to compare.
 */
#include "store_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOOKED = 64,   /* connections between the same ends, for one whose beginning is not known */
	COMMON = 3000, /* more than what is sent again across the gap between two pieces of one
			  capture */
};

#define NAT_APART INT64_C(1000000000)
/* between two connections of the same ends lies more than that */
#define RENUMBERED_APART INT64_C(2000000000)

/* ---- what says that two are one ---------------------------------------------------- */

/*
 * Initial sequence numbers are random in life and small in made-up captures, where they prove
 * nothing.
 */
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
		return id_end(
		    id_endpoint(id_number(id_number(h, a->isn), n->client.port), &n->server));
	h = hash_endpoints(id_number(h, n->payload_hash), n);
	return id_end(id_number(h, a->isn_known ? a->isn : 0));
}

/* An attempt through a router that changes the client's port, too. */
static uint64_t
key_attempt(const struct mail_case *c)
{
	const struct record_connection *n = c->conn;

	if (!isn_random(&n->dir[0]) || n->dir[1].isn_known || n->payload_hash != 0)
		return 0;
	return id_end(id_endpoint(id_number(ID_SEED, n->dir[0].isn), &n->server));
}

/* A firewall that renumbers leaves the time stamps (RFC 7323). */
static uint64_t
key_stamps(const struct mail_case *c)
{
	const struct record_connection *n = c->conn;
	uint64_t h = ID_SEED;

	if (n->dir[0].tsval <= UINT16_MAX || n->dir[1].tsval <= UINT16_MAX)
		return 0;
	h = id_number(h, (uint64_t)n->dir[0].tsval << 32 | n->dir[1].tsval);
	return id_end(id_number(h, n->server.port));
}

/* Without time stamps: the same ends say the same at the same time. */
static uint64_t
key_words(const struct mail_case *c)
{
	const struct record_connection *n = c->conn;

	if (n->payload_hash == 0 || !n->dir[0].isn_known || !n->dir[1].isn_known)
		return 0;
	return id_end(hash_endpoints(id_number(ID_SEED, n->payload_hash), n));
}

/* ---- the sequence space that both saw ------------------------------------------------ */

/* This point never saw how the connection began, or only one side of it. */
static bool
begun_before(const struct mail_case *c)
{
	return !c->conn->dir[0].isn_known || !c->conn->dir[1].isn_known;
}

static bool
stretch_known(const struct record_direction *d, uint64_t bytes)
{
	return d->seq > UINT16_MAX && bytes < INT32_MAX;
}

/* Bytes of one direction that are in both stretches; negative: so far they are apart. */
static int64_t
stretch_common(const struct record_direction *x, uint64_t x_bytes, const struct record_direction *y,
    uint64_t y_bytes)
{
	int64_t y_from = (int32_t)(y->seq - x->seq), y_to = y_from + (int64_t)y_bytes;
	int64_t from = y_from > 0 ? y_from : 0,
		to = y_to < (int64_t)x_bytes ? y_to : (int64_t)x_bytes;

	return to - from;
}

/* How much of the smaller copy the other has, too: 0 = little, or they are not one connection. */
static uint64_t
bytes_common(const struct mail_case *x, const struct mail_case *y)
{
	uint64_t common = 0, mine = 0, its = 0;

	for (int d = 0; d < 2; d++) {
		const struct record_direction *a = &x->conn->dir[d], *b = &y->conn->dir[d];
		int64_t n;

		if (a->packets == 0 || b->packets == 0)
			continue;
		if (!stretch_known(a, a->stream_bytes) || !stretch_known(b, b->stream_bytes))
			return 0;
		if ((n = stretch_common(a, a->stream_bytes, b, b->stream_bytes)) < -1)
			return 0; /* a FIN is one byte */
		common += n > 0 ? (uint64_t)n : 0;
		mine += a->stream_bytes;
		its += b->stream_bytes;
	}
	return common >= COMMON || 2 * common >= (mine < its ? mine : its) ? common : 0;
}

bool
copies_overlap(const struct mail_case *x, const struct mail_case *y)
{
	return (!begun_before(x) && !begun_before(y)) || bytes_common(x, y) > 0;
}

bool
case_other_half(const struct mail_case *x, const struct mail_case *y)
{
	int gone = case_one_sided(x) ? case_unseen_dir(x) : -1;
	const struct record_direction *seen, *acked;

	if (gone < 0 || !case_one_sided(y) || case_unseen_dir(y) != !gone || x->point == y->point ||
	    !endpoint_equal(&x->conn->client, &y->conn->client) ||
	    !endpoint_equal(&x->conn->server, &y->conn->server))
		return false;
	seen = &x->conn->dir[!gone];
	acked = &y->conn->dir[!gone];
	return stretch_known(seen, seen->stream_bytes) && stretch_known(acked, acked->acked) &&
	    stretch_common(seen, seen->stream_bytes, acked, acked->acked) > 0;
}

/* Both saw how it ended, which NAT does not change. */
static uint64_t
key_ends(const struct mail_case *c)
{
	const struct record_direction *a = &c->conn->dir[0], *b = &c->conn->dir[1];

	if (a->stream_bytes == 0 || b->stream_bytes == 0 || !stretch_known(a, a->stream_bytes) ||
	    !stretch_known(b, b->stream_bytes))
		return 0;
	return id_end(id_number(id_number(ID_SEED,
				    (uint64_t)(uint32_t)(a->seq + a->stream_bytes) << 32 |
					(uint32_t)(b->seq + b->stream_bytes)),
	    c->conn->server.port));
}

static bool
pieces_of_one(const struct mail_case *x, const struct mail_case *y)
{
	return capture_follows(x->capture, y->capture) || capture_follows(y->capture, x->capture);
}

static bool
one_begun_before(const struct mail_case *x, const struct mail_case *y)
{
	return (begun_before(x) || begun_before(y)) && !pieces_of_one(x, y);
}

static bool
any_time(const struct mail_case *x, const struct mail_case *y)
{
	(void)x;
	(void)y;
	return true;
}

static bool
same_time(const struct mail_case *x, const struct mail_case *y)
{
	int64_t apart = x->conn->first.ns - y->conn->first.ns;

	return apart <= RENUMBERED_APART && apart >= -RENUMBERED_APART;
}

/* In falling order of what they prove. */
static const struct proof {
	uint64_t (*key)(const struct mail_case *c); /* 0 = none */
	bool (*also)(const struct mail_case *x, const struct mail_case *y);
} proofs[] = {
	{ case_conversation, any_time },
	{ key_stamps, any_time },
	{ key_ends, one_begun_before },
	{ key_attempt, any_time },
	{ key_words, same_time },
};

/* ---- rings -------------------------------------------------------------------------- */

/* Are they in one ring, or both rings at one point? */
static bool
rings_meet(const struct mail_case *x, const struct mail_case *y)
{
	const struct mail_case *a = x, *b = y;
	uint32_t n = 0;

	do {
		do
			if (a == b || a->point == b->point || ++n > STORE_COPIES * STORE_COPIES)
				return true;
		while ((b = b->copy) != y);
	} while ((a = a->copy) != x);
	return false;
}

static void
rings_join(struct mail_case *x, struct mail_case *y)
{
	struct mail_case *next = x->copy;

	x->copy = y->copy;
	y->copy = next;
}

struct copy_ref {
	uint64_t key;
	uint32_t nth; /* with this key at its point: a replayed connection is no copy */
	struct mail_case *c;
};

static int
ref_by_point(const void *a, const void *b)
{
	const struct copy_ref *x = a, *y = b;
	int d;

	if ((d = order_u64(x->key, y->key)) != 0)
		return d;
	if ((d = order_u64(x->c->point, y->c->point)) != 0)
		return d;
	return case_order(x->c, y->c);
}

static int
ref_by_nth(const void *a, const void *b)
{
	const struct copy_ref *x = a, *y = b;
	int d;

	if ((d = order_u64(x->key, y->key)) != 0)
		return d;
	if ((d = order_u64(x->nth, y->nth)) != 0)
		return d;
	return order_u64(x->c->point, y->c->point);
}

/*
 * One packet on both sides of a router that translates, captured there on all interfaces: other
 * addresses, the same sequence numbers, at the same moment.
 */
static bool
seen_twice(const struct mail_case *x, const struct mail_case *y)
{
	int64_t apart = y->conn->first.ns - x->conn->first.ns;

	return apart <= NAT_APART && apart >= -NAT_APART &&
	    (!endpoint_equal(&x->conn->client, &y->conn->client) ||
		!endpoint_equal(&x->conn->server, &y->conn->server));
}

/* ---- joining ------------------------------------------------------------------------- */

static size_t
refs_gather(const struct store *s, uint64_t (*key)(const struct mail_case *c), struct copy_ref *v)
{
	size_t n = 0;

	for (size_t i = 0; i < s->case_count; i++) {
		uint64_t h = key(s->cases[i]);

		if (h != 0)
			v[n++] = (struct copy_ref){ h, 0, s->cases[i] };
	}
	qsort(v, n, sizeof(*v), ref_by_point);
	return n;
}

static void
group_join(const struct proof *p, const struct copy_ref *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k-- > 0 && i - k < STORE_COPIES;)
			if (p == proofs ? k == i - 1
					: p->also(v[i].c, v[k].c) && !rings_meet(v[i].c, v[k].c))
				rings_join(v[i].c, v[k].c);
}

static void
proof_join(const struct store *s, const struct proof *p, struct copy_ref *v)
{
	size_t n = refs_gather(s, p->key, v);

	for (size_t i = 1; i < n; i++)
		if (v[i].key == v[i - 1].key && v[i].c->point == v[i - 1].c->point)
			v[i].nth = v[i - 1].nth + !seen_twice(v[i - 1].c, v[i].c);
	qsort(v, n, sizeof(*v), ref_by_nth);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j].key == v[i].key && v[j].nth == v[i].nth; j++)
			;
		group_join(p, v + i, j - i);
	}
}

static uint64_t
key_addresses(const struct mail_case *c)
{
	return id_end(hash_endpoints(ID_SEED, c->conn));
}

/* Of those between the same ends: the one that has most of what this one has. */
static void
late_join(const struct copy_ref *v, size_t n, struct mail_case *c)
{
	struct mail_case *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < n && i < LOOKED; i++) {
		struct mail_case *x = v[i].c;
		uint64_t common;

		if (x->point == c->point || pieces_of_one(x, c))
			continue;
		if ((common = bytes_common(x, c)) <= most || rings_meet(x, c))
			continue;
		most = common;
		best = x;
	}
	if (best != NULL)
		rings_join(best, c);
}

static void
lates_join(const struct store *s, struct copy_ref *v)
{
	size_t n = refs_gather(s, key_addresses, v);

	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j].key == v[i].key; j++)
			;
		for (size_t k = i; k < j && v[i].c->point != v[j - 1].c->point; k++)
			if (begun_before(v[k].c))
				late_join(v + i, j - i, v[k].c);
	}
}

bool
case_whole(const struct mail_case *c)
{
	return c->session != NULL && c->session->visible && !begun_before(c) && !c->conn->open &&
	    !case_missing(c);
}

/*
 * How much a copy knows of its mails: decided verdicts first, then everything else.  Where another
 * is whole, one that knows of more mails than that has misread its replies across what it lacks.
 */
static uint64_t
case_knowledge(const struct mail_case *c, uint32_t mails)
{
	uint64_t decided = 0, seen = 0;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		enum verdict v = c->transactions[i]->verdict;

		decided += v == VERDICT_ACCEPTED || v == VERDICT_REFUSED || v == VERDICT_DEFERRED;
		seen += v != VERDICT_NONE;
	}
	for (uint32_t i = 0; i < c->message_count; i++)
		decided += c->messages[i]->state == MESSAGE_WHOLE;
	return (uint64_t)(c->transaction_count <= mails) << 63 | (decided & 0xffffff) << 39 |
	    (seen & 0xffff) << 23 | (uint64_t)(c->session != NULL && c->session->visible) << 22 |
	    (uint64_t)!case_missing(c) << 21;
}

/* No more mails than a whole copy knows; UINT32_MAX: none is whole. */
static uint32_t
ring_mails(const struct copy_ref *v, size_t n)
{
	uint32_t most = 0;
	bool whole = false;

	for (size_t i = 0; i < n; i++)
		if (case_whole(v[i].c)) {
			whole = true;
			most = v[i].c->transaction_count > most ? v[i].c->transaction_count : most;
		}
	return whole ? most : UINT32_MAX;
}

/*
 * Which of two that know as much is told of: the one nearer to the client, whatever the order in
 * which they were given.
 */
static bool
copy_before(const struct mail_case *x, const struct mail_case *y)
{
	uint8_t a = x->conn->dir[0].ttl_syn, b = y->conn->dir[0].ttl_syn;

	return a != b ? a > b : x->index < y->index;
}

/* Its members in order of their points; v has room for them.  Returns how many. */
static size_t
ring_close(struct mail_case *c, struct copy_ref *v)
{
	struct mail_case *at = c, *best, *first;
	uint64_t most;
	uint32_t mails;
	size_t n = 0;

	do
		v[n++] = (struct copy_ref){ 0, 0, at };
	while ((at = at->copy) != c);
	qsort(v, n, sizeof(*v), ref_by_point);
	mails = ring_mails(v, n);
	best = first = v[0].c;
	most = case_knowledge(best, mails);
	for (size_t i = 1; i < n; i++) {
		uint64_t k = case_knowledge(v[i].c, mails);

		if (k > most || (k == most && copy_before(v[i].c, best))) {
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
		v[i].c->closed = true;
	}
	return n;
}

void
copies_join(struct store *s)
{
	struct copy_ref *v = malloc((s->case_count + 1) * sizeof(*v));
	size_t proven = s->point_count > 1 ? sizeof(proofs) / sizeof(proofs[0]) : 1;

	for (size_t i = 0; i < s->case_count; i++) {
		s->cases[i]->copy = s->cases[i];
		s->cases[i]->counted = s->cases[i]->leads = true;
		s->cases[i]->closed = false;
	}
	if (v == NULL) {
		s->contrast->starved++;
		return;
	}
	for (size_t i = 0; i < proven; i++)
		proof_join(s, &proofs[i], v);
	if (s->point_count > 1)
		lates_join(s, v);
	s->counters.uncompared = 0;
	for (size_t i = 0; i < s->case_count; i++)
		if (!s->cases[i]->closed) {
			size_t n = ring_close(s->cases[i], v);

			s->counters.uncompared += n > STORE_COPIES ? n - STORE_COPIES : 0;
		}
	free(v);
}
