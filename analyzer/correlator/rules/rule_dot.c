/*
 * rule_dot.c - dot-lost (diagnosis 1C): a firewall that rewrites SMTP looks at
 * packets one by one, and does not know the end of a message that lies in two.
 * The server goes on waiting for it.
 */
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

#define UNANSWERED (60 * SECOND)
#define AT_ONCE    (30 * SECOND) /* half of it: no scan was slow then */

enum { LOOKED = 1024 };

/*
 * Until when nobody answered, though both ends were there: a time-out of the server is no answer.
 */
static struct moment
silence_ended(
    const struct mail_case *c, const struct record_transaction *t, const struct verdicts *out)
{
	struct moment none = { 0 }, end = { .ns = c->conn->t_end, .frame = c->conn->last.frame };

	for (int d = 0; d < 2; d++) {
		struct moment closed = case_closed(c, d);

		if (moment_is(&closed) && moment_before(&closed, &end))
			end = closed;
	}
	if (t->verdict == VERDICT_LOST || t->verdict == VERDICT_UNKNOWN)
		return end;
	if (t->verdict == VERDICT_DEFERRED && t->final_reply.code == 421 &&
	    verdict_claimed(out, c, -1, FINDING_SERVER_TIMEOUT_421) != NULL)
		return t->final_reply.at;
	return none;
}

/* ---- the same two hosts at other times --------------------------------------- */

struct contrast {
	const struct mail_case *whole_case, *split_case;
	const struct record_transaction
	    *whole; /* the same message, its end in one packet, taken at once */
	const struct record_transaction *split; /* any, its end in two, and taken */
};

static bool
taken_at_once(const struct record_transaction *t)
{
	return t->verdict == VERDICT_ACCEPTED && moment_is(&t->end_of_data) &&
	    moment_is(&t->final_reply.at) &&
	    moment_gap(&t->end_of_data, &t->final_reply.at) < AT_ONCE;
}

static struct contrast
contrast_of(const struct view *v, const struct record_transaction *t)
{
	struct case_iter it = { .client = &v->c->conn->client.ip,
		.server = &v->c->conn->server.ip };
	const struct record_message *m, *mine;
	const char *name = mail_name(v->c, t, &mine);
	struct contrast found = { 0 };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKED)) != NULL;)
		for (uint32_t i = 0; i < x->transaction_count && case_same_place(x, v->c); i++) {
			const struct record_transaction *u = x->transactions[i];

			if (u == t || !taken_at_once(u))
				continue;
			if (u->end_split) {
				found.split_case = x;
				found.split = u;
			} else if (found.whole == NULL && name[0] != '\0' &&
			    strcmp(mail_name(x, u, &m), name) == 0) {
				found.whole_case = x;
				found.whole = u;
			}
		}
	return found;
}

/* ---- the rule ---------------------------------------------------------------- */

static void
say_lost(const struct mail_case *c, const struct record_transaction *t, const struct moment *end,
    const struct contrast *other, struct verdicts *out)
{
	long long waited = (long long)((end->ns - t->end_of_data.ns) / SECOND);
	struct finding *f = verdict_add(out, FINDING_DOT_LOST,
	    absence(c,
		t->unsure                  ? CONFIDENCE_POSSIBLE
		    : other->whole != NULL ? CONFIDENCE_CONFIRMED
					   : CONFIDENCE_PROBABLE),
	    c, 0);

	finding_span(f, &t->first, end);
	evidence_frame(
	    finding_says(f, c->point,
		"the end of the message lies in two packets and is acknowledged by TCP; the dialogue is rewritten by a firewall"),
	    &t->end_of_data);
	if (t->verdict == VERDICT_DEFERRED) {
		finding_reply(f, &t->final_reply);
		evidence_frame(
		    finding_says(f, c->point,
			"%lld s later the server says that it waited in vain: it has not seen the end",
			waited),
		    end);
	} else {
		evidence_frame(finding_says(f, c->point, "no answer for %lld s", waited), end);
	}
	if (other->whole != NULL)
		evidence_frame(
		    finding_says(f, other->whole_case->point,
			"the same message with its end in one packet is taken within %lld s",
			(long long)(moment_gap(
					&other->whole->end_of_data, &other->whole->final_reply.at) /
			    SECOND) +
			    1),
		    &other->whole->end_of_data);
	finding_exclude(f, FINDING_SLOW_REPLY,
	    other->whole != NULL
		? "the server answers this message at once where its end arrives"
		: "the end of the message fell apart over two packets, where such firewalls lose it");
	finding_summary(f,
	    "The firewall that rewrites this dialogue has %sswallowed the end of the message, which lay in two packets.",
	    other->whole != NULL ? "" : "probably ");
}

static void
judge_dot(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL || !case_is_smtp(c) || case_stalled(c) ||
	    verdict_claimed(out, c, -1, FINDING_BANNER_MASKED) == NULL)
		return;
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];
		struct contrast other;
		struct moment end;

		if (t->nested || !t->end_acked || !t->end_split || !moment_is(&t->end_of_data))
			continue;
		end = silence_ended(c, t, out);
		if (!moment_is(&end) || moment_gap(&t->end_of_data, &end) < UNANSWERED)
			continue;
		other = contrast_of(v, t);
		if (other.split == NULL) /* else it does not lose them */
			say_lost(c, t, &end, &other, out);
	}
}

const struct rule rule_dot = { "dot", RULE_CASE, judge_dot, false };
