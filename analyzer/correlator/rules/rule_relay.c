/*
 * rule_relay.c - why a server relays now and not then: what another session of
 * the same client shows (diagnosis 1C pop-before-smtp-required,
 * sender-mismatch).
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

enum { LOOKED = 1024 }; /* mails that were taken; logins at other places */

#define GRANT_NS (SECOND * 3 * 3600) /* longest grant known: Gradwell, 3 h */

/* An accepted recipient of another session. */
struct acceptance {
	const struct mail_case *c;
	const struct record_recipient *recipient;
	const struct record_transaction *transaction; /* NULL when not kept */
};

/* Walks the recipients of one address that the server took from the same client. */
struct acceptances {
	const struct accepted *at;
	size_t n, i;
	int64_t to_ns; /* of the connection's first packet */
};

static struct acceptances
acceptances_of(
    const struct view *v, const struct record_recipient *r, int64_t from_ns, int64_t to_ns)
{
	struct acceptances w = { .to_ns = to_ns };

	w.at = lookup_accepted(v->lookups, &v->c->conn->server.ip, r->address, from_ns, &w.n);
	return w;
}

static bool
acceptance_next(const struct view *v, struct acceptances *w, struct acceptance *out)
{
	while (w->i < w->n && w->at[w->i].c->conn->first.ns <= w->to_ns &&
	    lookup_may(v->lookups, w->i, w->n, LOOKED)) {
		const struct accepted *a = &w->at[w->i++];

		if (!case_same_place(a->c, v->c) ||
		    !addr_equal(&a->c->conn->client.ip, &v->c->conn->client.ip))
			continue;
		*out = (struct acceptance){ a->c, a->recipient,
			case_transaction(a->c, a->recipient->key.n) };
		return true;
	}
	return false;
}

/* A POP3 login of this client after `from' and before `to'. */
static const struct mail_case *
login_between(const struct view *v, const struct mail_case *c, int64_t from, int64_t to)
{
	struct case_run run = lookup_logins(v->lookups, &c->conn->client.ip, from, to);

	for (size_t i = 0; lookup_may(v->lookups, i, run.n, LOOKED); i++)
		if (case_same_place(run.at[i], c))
			return run.at[i];
	return NULL;
}

static void
say_pop(const struct view *v, const struct record_recipient *r,
    const struct record_transaction *mine, const struct acceptance *a, const struct mail_case *pop,
    struct verdicts *out)
{
	/* with another sender it may be that one which the server minds */
	bool same = mine != NULL && a->transaction != NULL &&
	    strcasecmp(mine->sender, a->transaction->sender) == 0;
	struct finding *f = verdict_add(out, FINDING_POP_BEFORE_SMTP_REQUIRED,
	    same ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE, v->c, 0);

	finding_span(f, &r->reply.at, &r->reply.at);
	finding_reply(f, &r->reply);
	evidence_frame(
	    finding_says(f, v->c->point, "RCPT TO:<%.100s> is refused", r->address), &r->reply.at);
	evidence_frame(
	    finding_says(f, pop->point, "the same client logs in by POP3"), &pop->session->auth_at);
	evidence_frame(finding_says(f, a->c->point, "then the same recipient is accepted%s",
			   same ? "" : ", of another sender"),
	    &a->recipient->reply.at);
	finding_exclude(f, FINDING_RELAY_DENIED_WRONG_NETWORK,
	    "the same client may relay after it has fetched mail");
	finding_summary(f,
	    "The server relays for this client only after a POP3 login: refused without one, accepted after one.");
}

/* The other way round: a login, accepted, and much later, with no login since, refused. */
static bool
say_lapsed(const struct view *v, const struct record_recipient *r,
    const struct record_transaction *mine, const struct acceptance *a, struct verdicts *out)
{
	int64_t refused = r->reply.at.ns, taken = a->recipient->reply.at.ns;
	const struct mail_case *pop;
	struct finding *f;

	if (taken >= refused || mine == NULL || a->transaction == NULL ||
	    strcasecmp(mine->sender, a->transaction->sender) != 0 ||
	    login_between(v, v->c, taken, refused) != NULL ||
	    (pop = login_between(v, v->c, taken - GRANT_NS, taken)) == NULL)
		return false;
	f = verdict_add(out, FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_PROBABLE, v->c, 0);
	finding_span(f, &r->reply.at, &r->reply.at);
	finding_reply(f, &r->reply);
	evidence_frame(
	    finding_says(f, pop->point, "the client logs in by POP3"), &pop->session->auth_at);
	evidence_frame(
	    finding_says(f, a->c->point,
		"%lld min after that login the recipient <%.100s> is accepted",
		(long long)((taken - pop->session->auth_at.ns) / (60 * SECOND)), r->address),
	    &a->recipient->reply.at);
	evidence_frame(finding_says(f, v->c->point,
			   "%lld min after it, with no login since, the same is refused",
			   (long long)((refused - pop->session->auth_at.ns) / (60 * SECOND))),
	    &r->reply.at);
	finding_summary(f,
	    "The server relays for this client for a while after a POP3 login, it seems; that while was over: accepted %lld min after "
	    "the login, refused %lld min after it.",
	    (long long)((taken - pop->session->auth_at.ns) / (60 * SECOND)),
	    (long long)((refused - pop->session->auth_at.ns) / (60 * SECOND)));
	return true;
}

static void
say_sender(const struct view *v, const struct record_recipient *r,
    const struct record_transaction *mine, const struct acceptance *a, struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_SENDER_MISMATCH, CONFIDENCE_PROBABLE, v->c, 0);

	finding_span(f, &r->reply.at, &r->reply.at);
	finding_reply(f, &r->reply);
	evidence_frame(finding_says(f, v->c->point, "refused with sender <%.100s>", mine->sender),
	    &r->reply.at);
	evidence_frame(
	    finding_says(f, a->c->point, "the same recipient is accepted with sender <%.100s>",
		a->transaction->sender),
	    &a->recipient->reply.at);
	finding_summary(
	    f, "The server relays for one sender address of this client and not for another.");
}

static bool
claimed_relay(const struct view *v, const struct verdicts *out)
{
	return verdict_claimed(out, v->c, -1, FINDING_RELAY_DENIED_WRONG_NETWORK) != NULL ||
	    verdict_claimed(out, v->c, -1, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED) != NULL;
}

static void
judge_recipient(const struct view *v, const struct record_recipient *r, struct verdicts *out)
{
	const struct record_transaction *mine = case_transaction(v->c, r->key.n);
	struct acceptances all =
	    acceptances_of(v, r, v->c->conn->first.ns - GRANT_NS, v->c->conn->first.ns + GRANT_NS);
	struct acceptance a;

	while (acceptance_next(v, &all, &a)) {
		int64_t refused = r->reply.at.ns, taken = a.recipient->reply.at.ns;
		const struct mail_case *pop;

		if (a.c == v->c || a.c->session->auth_tried)
			continue;
		pop = taken > refused ? login_between(v, v->c, refused, taken) : NULL;
		if (pop != NULL) {
			say_pop(v, r, mine, &a, pop, out);
			return;
		}
		if (say_lapsed(v, r, mine, &a, out))
			return;
		/* a sender that is not in the capture is none that differs */
		if (mine != NULL && !mine->implied && a.transaction != NULL &&
		    !a.transaction->implied && taken < refused + 600 * SECOND &&
		    taken > refused - 600 * SECOND &&
		    login_between(v, v->c, taken < refused ? taken : refused,
			taken < refused ? refused : taken) == NULL &&
		    strcasecmp(
			address_domain(mine->sender), address_domain(a.transaction->sender)) != 0) {
			say_sender(v, r, mine, &a, out);
			return;
		}
	}
}

static void
judge_relay(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL || c->session->auth_ok || !claimed_relay(v, out))
		return;
	for (uint32_t i = 0; i < c->recipient_count; i++)
		if (c->recipients[i]->reply.code >= 400)
			judge_recipient(v, c->recipients[i], out);
}

const struct rule rule_relay = { "relay", RULE_CASE, judge_relay, false };
