/* rule_accepted.c - the negative control: this hop took the mail (diagnosis 1C, 0.7). */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

static void
judge_smtp(const struct mail_case *c, struct verdicts *out)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];
		const struct record_reply *r =
		    moment_is(&t->final_reply.at) ? &t->final_reply : &t->verdict_reply;
		char quote[256];
		struct finding *f;

		if (t->verdict != VERDICT_ACCEPTED)
			continue;
		f = verdict_add(out, FINDING_MAIL_ACCEPTED,
		    t->unsure ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED, c, 0);
		finding_span(f, &t->first, moment_is(&r->at) ? &r->at : &t->last);
		finding_reply(f, r);
		reply_quote(r, false, quote, sizeof(quote));
		evidence_frames(finding_says(f, c->point, "the message is answered \"%s\"", quote),
		    &t->end_of_data, &r->at);
		finding_summary(f, "The server took the mail: \"%s\"%s.", quote,
		    t->unsure ? ", if this answers it: some of the dialogue is not in the capture"
			      : "");
		if (transaction_unheard(c, t)) /* of the way back nothing is cleared */
			finding_remedy(f,
			    "The client did not hear that. If the mail did not arrive, look further on, in the log of this server, by its queue number.");
	}
}

/*
 * Another pop-* finding of this client with this server in the capture: then it was not all well.
 */
static bool
pop_trouble(const struct view *v, const struct verdicts *out)
{
	const struct mail_case *c = v->c, *x;
	struct case_iter it = { .client = &c->conn->client.ip,
		.server = &c->conn->server.ip,
		.server_port = c->conn->server.port };
	static const enum finding_kind kinds[] = {
		FINDING_POP_LOCKED,
		FINDING_POP_LOGIN_DELAY,
		FINDING_POP_AUTH_FAILED,
		FINDING_POP_SERVER_ERROR,
		FINDING_POP_RETR_STALLED,
		FINDING_POP_INCOMPLETE,
		FINDING_POP_DUPLICATE_DOWNLOAD,
		FINDING_POP_BAD_REPLY,
		FINDING_POP_NO_SUCH_MESSAGE,
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		any = any || verdict_any(out, kinds[i]);
	for (uint32_t looked = 0;
	     any && (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		if (x->point != c->point)
			continue;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			const struct finding *f = verdict_claimed(out, x, -1, kinds[i]);

			if (f != NULL && f->confidence > CONFIDENCE_CANNOT_TELL)
				return true;
		}
	}
	return false;
}

static void
judge_pop(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct record_session *s = c->session;
	struct finding *f;

	if (s == NULL || s->retrieved == 0 || s->cut > 0 || !s->quit_ok || pop_trouble(v, out))
		return;
	for (uint32_t i = 0; i < c->message_count; i++)
		if (c->messages[i]->state != MESSAGE_WHOLE)
			return;
	f = verdict_add(out, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED, c, 1);
	finding_subkind(f, "fetched");
	evidence_frame(finding_says(f, c->point, "%u %s fetched whole, and QUIT was answered +OK",
			   s->retrieved, s->retrieved == 1 ? "message was" : "messages were"),
	    &s->bye);
	/* also true of several sessions told as one */
	finding_summary(f, "Every message that was asked for was fetched whole.");
	finding_remedy(f, "Fetching works: the network between client and POP3 server is cleared.");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	if (case_is_pop(v->c))
		judge_pop(v, out);
	else
		judge_smtp(v->c, out);
}

const struct rule rule_accepted = { "accepted", RULE_LATER, judge, false };
