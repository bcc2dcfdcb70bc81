/* rule_twice.c - the same mail sent twice, because the answer to the first was not heard (RFC 1047). */
#include <string.h>

#include "dialogue.h"
#include "lookup.h"

static bool
same_recipient(const struct mail_case *a, const struct record_transaction *t, const struct mail_case *b, const struct record_transaction *u)
{
	for (uint32_t i = 0; i < a->recipient_count; i++)
		for (uint32_t k = 0; a->recipients[i]->key.n == t->key.n && k < b->recipient_count; k++)
			if (b->recipients[k]->key.n == u->key.n && strcasecmp(a->recipients[i]->address, b->recipients[k]->address) == 0)
				return true;
	return false;
}

/* An earlier session with this message whose end the client did not hear. */
static const struct record_transaction *
earlier_copy(const struct view *v, const struct record_transaction *t, const struct mail_case **where)
{
	struct case_run run = lookup_cases(v->lookups, LOOKUP_UNHEARD_OF_SERVER, &v->c->conn->server.ip);

	for (size_t k = 0; k < run.n && run.at[k]->conn->first.ns <= v->c->conn->first.ns; k++) {
		const struct mail_case *x = run.at[k];

		if (x == v->c || x->point != v->c->point || x->conn->first.ns < v->c->conn->first.ns - SECOND * 5 * 86400 ||
		    !addr_equal(&x->conn->client.ip, &v->c->conn->client.ip))
			continue;
		for (uint32_t i = 0; i < x->transaction_count; i++) {
			const struct record_transaction *u = x->transactions[i];

			if (strcmp(u->message_id, t->message_id) == 0 && transaction_unheard(x, u) && same_recipient(x, u, v->c, t)) {
				*where = x;
				return u;
			}
		}
	}
	return NULL;
}

/* RFC 1047: the window between the dot and the reply. */
static void
judge_twice(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c, *x;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i], *u;
		struct finding *f;

		if (t->message_id[0] == '\0' || !moment_is(&t->end_of_data) || (u = earlier_copy(v, t, &x)) == NULL)
			continue;
		f = verdict_add(out, FINDING_DUPLICATE_DELIVERY, absence(c, absence(x, CONFIDENCE_CONFIRMED)), c, 0);
		finding_subkind(f, "sent-twice");
		finding_span(f, &u->first, &t->last);
		evidence_frame(finding_says(f, x->point, "%.120s is sent whole; the client does not hear the answer", t->message_id), &u->end_of_data);
		evidence_frame(finding_says(f, c->point, "the same message to the same recipient again"), &t->end_of_data);
		finding_summary(f, "The same message was sent twice, because the client did not hear the answer to the first: the recipient may have it twice.");
	}
}

const struct rule rule_twice = { "twice", RULE_CASE, judge_twice };
