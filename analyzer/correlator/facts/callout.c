#include "callout.h"

#include <string.h>

#include "lookup.h"

enum { LOOKED = 64 };

#define ASKING_MOST (600 * SECOND) /* from a session's beginning to the query */

bool
callout_made(const struct view *v, const char *address, const struct record_reply *reply,
    struct callout *out)
{
	const struct record_connection *n = v->c->conn;
	struct case_iter it = {
		.client = &n->server.ip, .from_ns = n->first.ns, .to_ns = reply->at.ns
	};
	const struct mail_case *x;

	*out = (struct callout){ 0 };
	for (uint32_t looked = 0;
	     address[0] != '\0' && (x = lookup_next(v->lookups, &it, &looked, LOOKED)) != NULL;)
		for (uint32_t i = 0;
		     x->session != NULL && case_same_place(x, v->c) && i < x->recipient_count;
		     i++) {
			const struct record_recipient *r = x->recipients[i];

			if (strcasecmp(r->address, address) == 0 &&
			    (!moment_is(&r->reply.at) ||
				(reply_digit(&r->reply) >= 4 && r->reply.at.ns <= reply->at.ns)))
				*out = (struct callout){ x, r };
		}
	return out->c != NULL;
}

/*
 * Nobody sends mail so: a bounce has a message, and Postfix's own name for it is not that of a
 * user.
 */
static bool
asks_only(const struct record_transaction *t)
{
	return t != NULL && !t->implied && !t->data_sent &&
	    (t->sender[0] == '\0' || strncasecmp(t->sender, "double-bounce@", 14) == 0);
}

static bool
names(const struct mail_case *x, const char *address)
{
	for (uint32_t i = 0; i < x->transaction_count; i++)
		if (strcasecmp(x->transactions[i]->sender, address) == 0)
			return true;
	for (uint32_t i = 0; i < x->recipient_count; i++)
		if (strcasecmp(x->recipients[i]->address, address) == 0)
			return true;
	return false;
}

/* A command that had come before and was answered behind it, if at all. */
static bool
open_over(const struct moment *asked, const struct moment *answered, int64_t from_ns, int64_t to_ns)
{
	return moment_is(asked) && asked->ns <= from_ns &&
	    (!moment_is(answered) || answered->ns >= to_ns);
}

/*
 * The session was kept waiting for an answer meanwhile; a bounce that is written while one is
 * merely kept open waits for nobody.
 */
static bool
waits(const struct mail_case *x, int64_t from_ns, int64_t to_ns)
{
	for (uint32_t i = 0; i < x->recipient_count; i++)
		if (open_over(&x->recipients[i]->at, &x->recipients[i]->reply.at, from_ns, to_ns))
			return true;
	for (uint32_t i = 0; i < x->transaction_count; i++) {
		const struct record_transaction *t = x->transactions[i];

		if (open_over(&t->first, &t->mail_reply.at, from_ns, to_ns) ||
		    open_over(&t->data_at, &t->data_reply.at, from_ns, to_ns) ||
		    open_over(&t->end_of_data, &t->final_reply.at, from_ns, to_ns))
			return true;
	}
	return false;
}

const struct mail_case *
callout_for(const struct view *v, const struct record_recipient *r)
{
	const struct record_connection *n = v->c->conn;
	struct case_iter it = { .server = &n->client.ip,
		.from_ns = n->first.ns - ASKING_MOST,
		.to_ns = n->first.ns,
		.since_ns = n->first.ns };
	const struct record_transaction *t = case_transaction(v->c, r->key.n);
	int64_t until = moment_is(&r->reply.at) ? r->reply.at.ns : r->at.ns;
	const struct mail_case *x;

	if (r->address[0] == '\0' || !asks_only(t))
		return NULL;
	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x->session != NULL && case_same_place(x, v->c) && names(x, r->address) &&
		    (t->sender[0] != '\0' || waits(x, n->first.ns, until)))
			return x;
	return NULL;
}

bool
callout_session(const struct view *v)
{
	const struct mail_case *c = v->c;
	uint32_t asking = 0;

	if (c->session == NULL || !case_is_smtp(c))
		return false;
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		if (!c->transactions[i]->nested && !asks_only(c->transactions[i]))
			return false;
		asking += !c->transactions[i]->nested;
	}
	for (uint32_t i = 0; asking > 0 && i < c->recipient_count; i++)
		if (callout_for(v, c->recipients[i]) != NULL)
			return true;
	return false;
}
