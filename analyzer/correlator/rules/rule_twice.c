/*
 * rule_twice.c - the same mail sent twice, because the answer to the first was
 * not heard (RFC 1047): to the same server, or to another of the recipient's.
 */
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

enum { LOOKED = 64 };                    /* mails of one name that were not heard */
#define LIFETIME_NS (SECOND * 5 * 86400) /* RFC 5321 4.5.4.1 */

/* The two times that a mail was sent. */
struct pair {
	const struct unheard *first;
	const struct mail_case *c; /* the second */
	const struct record_transaction *t;
	const struct record_message *m, *m_first; /* NULL: none */
};

static bool
same_recipient(const struct mail_case *a, const struct record_transaction *t,
    const struct mail_case *b, const struct record_transaction *u)
{
	for (uint32_t i = 0; i < a->recipient_count; i++)
		for (uint32_t k = 0; a->recipients[i]->key.n == t->key.n && k < b->recipient_count;
		     k++)
			if (b->recipients[k]->key.n == u->key.n &&
			    strcasecmp(a->recipients[i]->address, b->recipients[k]->address) == 0)
				return true;
	return false;
}

static bool
whole(const struct record_message *m)
{
	return m != NULL && !m->gap;
}

/*
 * Programs that give all their mails one Message-ID, or none and the same words, differ in the
 * Date.  A mail that comes by a second time on its way, behind a filter, has one Received more.
 */
static bool
same_header(const struct pair *p)
{
	if (!whole(p->m) || !whole(p->m_first))
		return true;
	return strcmp(p->m->date, p->m_first->date) == 0 && p->m->received == p->m_first->received;
}

static bool
sent_again(const struct pair *p)
{
	const struct mail_case *x = p->first->c;

	/* begun before the other was over: the same conversation, seen on both sides of a NAT */
	return x != p->c && case_same_place(x, p->c) &&
	    p->t->first.ns > p->first->t->end_of_data.ns &&
	    p->t->first.ns - p->first->t->end_of_data.ns < LIFETIME_NS &&
	    same_recipient(x, p->first->t, p->c, p->t) && same_header(p);
}

static bool
pair_find(const struct view *v, struct pair *p)
{
	const char *name = mail_name(v->c, p->t, &p->m);
	const struct unheard *u;
	size_t n;

	if (name[0] == '\0')
		return false;
	u = lookup_unheard(v->lookups, &v->c->conn->client.ip, name, &n);
	for (size_t i = 0; lookup_may(v->lookups, i, n, LOOKED); i++) {
		p->first = &u[i];
		mail_name(u[i].c, u[i].t, &p->m_first);
		if (sent_again(p))
			return true;
	}
	return false;
}

/*
 * Without a Message-ID and without a Date a program that says the same thing every hour looks the
 * same.
 */
static enum confidence
pair_confidence(const struct pair *p, bool other)
{
	const struct mail_case *x = p->first->c;
	enum confidence conf = CONFIDENCE_CONFIRMED;

	if (p->t->message_id[0] == '\0' && p->m->date[0] == '\0')
		conf = CONFIDENCE_POSSIBLE;
	else if (other && (!whole(p->m) || !whole(p->m_first) || p->t->bytes != p->first->t->bytes))
		conf = CONFIDENCE_PROBABLE;
	return absence(p->c, absence(x, conf));
}

static void
say_twice(const struct pair *p, struct verdicts *out)
{
	const struct mail_case *x = p->first->c, *c = p->c;
	bool other = !addr_equal(&x->conn->server.ip, &c->conn->server.ip);
	struct finding *f =
	    verdict_add(out, FINDING_DUPLICATE_DELIVERY, pair_confidence(p, other), c, 0);
	char server[ADDR_TEXT];

	finding_subkind(f, other ? "sent-twice-elsewhere" : "sent-twice");
	finding_span(f, &p->first->t->first, &p->t->last);
	if (p->t->message_id[0] != '\0')
		evidence_frame(finding_says(f, x->point,
				   "%.120s is sent whole; the client does not hear the answer",
				   p->t->message_id),
		    &p->first->t->end_of_data);
	else
		evidence_frame(
		    finding_says(f, x->point,
			"a mail without a Message-ID is sent whole; the client does not hear the answer"),
		    &p->first->t->end_of_data);
	addr_format(&c->conn->server.ip, server, sizeof(server));
	evidence_frame(finding_says(f, c->point, "the same %s to the same recipient again%s%s",
			   p->t->message_id[0] != '\0' ? "message" : "body",
			   other ? ", now to " : "", other ? server : ""),
	    &p->t->end_of_data);
	finding_summary(f,
	    "The same message was sent twice%s, because the client did not hear the answer to the first: the recipient may have it twice.",
	    other ? ", to two servers" : "");
}

/* RFC 1047: the window between the dot and the reply. */
static void
judge_twice(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		struct pair p = { .c = c, .t = c->transactions[i] };

		if (moment_is(&p.t->end_of_data) && pair_find(v, &p))
			say_twice(&p, out);
	}
}

const struct rule rule_twice = { "twice", RULE_CASE, judge_twice, false };
