#include "beside.h"

#include "dialogue.h"

#define IDENT_PORT 113

/* ---- the client's other connections ------------------------------------------------------- */

enum { OPEN_LOOKED = 256 }; /* connections of the ten minutes before */

/* How many connections of this client the server saw begin in the minute before. */
static uint32_t
begun_lately(const struct view *v, const struct moment *at)
{
	const struct mail_case *c = v->c, *x;
	struct case_iter it = { .client = &c->conn->client.ip,
		.server = &c->conn->server.ip,
		.server_port = c->conn->server.port,
		.from_ns = at->ns - 60 * SECOND,
		.to_ns = at->ns };
	uint32_t n = 0;

	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, OPEN_LOOKED)) != NULL;)
		n += x != c && x->copy != c && x->point == c->point &&
		    x->conn->state == CONN_ESTABLISHED &&
		    moment_before(&x->conn->first, &c->conn->first);
	return n;
}

/*
 * Nothing else is open: what the server counts may be how many are begun (Postfix says the same of
 * both).
 */
static void
say_none_open(const struct view *v, struct finding *f, const struct moment *at)
{
	uint32_t n = begun_lately(v, at);

	finding_says(f, v->c->point,
	    "no other connection of this client to the server that began in the ten minutes before is open then: the server counts others "
	    "behind the same address, older ones, or those just closed");
	if (n < 2)
		return;
	finding_says(f, v->c->point,
	    "%u connections of this client to it began in the minute before: it may count how many are begun in a time",
	    n);
	finding_remedy(f,
	    "None is open at the same time, so the server probably counts how many are begun in a time: let the program send several mails over one "
	    "connection and wait between them. If it sends few, another program or machine behind the same address sends more.");
}

struct beside_open
beside_open_at(const struct view *v, const struct moment *at)
{
	const struct record_connection *c = v->c->conn;

	return (struct beside_open){ .v = v,
		.it = { .client = &c->client.ip,
		    .server = &c->server.ip,
		    .server_port = c->server.port,
		    .from_ns = at->ns - 600 * SECOND,
		    .to_ns = at->ns,
		    .since_ns = at->ns } };
}

const struct mail_case *
beside_open_next(struct beside_open *b)
{
	const struct mail_case *c = b->v->c, *x;

	while ((x = lookup_next(b->v->lookups, &b->it, &b->looked, OPEN_LOOKED)) != NULL)
		if (x != c && x->copy != c && x->point == c->point)
			return x;
	return NULL;
}

void
beside_say_open(const struct view *v, struct finding *f, const struct moment *at)
{
	struct beside_open others = beside_open_at(v, at);
	const struct mail_case *x, *last = NULL;
	uint64_t cut = lookups_cut(v->lookups);
	uint32_t n = 0;

	while ((x = beside_open_next(&others)) != NULL)
		if (x->conn->state == CONN_ESTABLISHED || x->conn->state == CONN_MIDSTREAM) {
			n++;
			last = x;
		}
	if (lookups_cut(v->lookups) != cut)
		return;
	if (n == 0)
		say_none_open(v, f, at);
	else
		evidence_frame(
		    finding_says(f, last->point,
			"the client had %u more %s to this server open at that moment; %s", n,
			n == 1 ? "connection" : "connections",
			n == 1 ? "it begins here" : "the last of them begins here"),
		    &last->conn->first);
}

/* ---- an ident query ---------------------------------------------------------------------- */

/*
 * When the query would have been repeated, had it not been given up: systems double their patience,
 * or begin with 6 s.
 */
static int64_t
query_ended_by(const struct record_connection *n)
{
	uint32_t k = n->syn_count;

	if (k < 2)
		return n->first.ns + 6 * SECOND;
	if (k > RECORD_SYNS)
		return n->last.ns + 64 * SECOND;
	return n->syn[k - 1].ns + 2 * (n->syn[k - 1].ns - n->syn[k - 2].ns) + SECOND;
}

const struct mail_case *
beside_ident_pending(const struct view *v, int64_t until)
{
	const struct mail_case *c = v->c, *x;
	struct case_iter it = { .client = &c->conn->server.ip,
		.from_ns = c->conn->handshake.ns - 2 * SECOND,
		.to_ns = c->conn->handshake.ns + 2 * SECOND };

	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x->point == c->point && x->conn->server.port == IDENT_PORT &&
		    addr_equal(&x->conn->server.ip, &c->conn->client.ip) &&
		    x->conn->state == CONN_UNANSWERED && query_ended_by(x->conn) >= until)
			return x;
	return NULL;
}
