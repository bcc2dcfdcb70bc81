/*
 * rule_greylist.c - greylisting, told by the later success (diagnosis 1C): at the
 * same server, or at another one of the same domain, to which the sender went
 * next.
 */
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

#define MEMORY_NS (SECOND * 48 * 3600) /* greylist retry window */
#define DELAY_NS  (SECOND * 60)        /* the least that one waits */

enum { LOOKED = 1024 };

/* One recipient that was put off. */
struct deferral {
	const struct mail_case *c;
	const struct record_recipient *r;
	const struct record_transaction *t; /* NULL: not kept */
};

/* ---- what greylisters say -------------------------------------------------------------- */

/*
 * x.2.0, x.2.1, x.7.0, x.7.1 are what greylisters use, and x.3.2 postscreen; any other code names
 * something else, and so does 421: the server itself.
 */
static bool
code_may_greylist(const struct record_reply *r)
{
	unsigned int code[3];

	if (!reply_enhanced(r, code) || code[1] == 0)
		return r->code != 421;
	return code[1] == 3 ? code[2] == 2 : (code[1] == 2 || code[1] == 7) && code[2] <= 1;
}

/* Words and codes that name another reason are believed. */
static bool
maybe_greylisted(const struct view *v, const struct mail_case *c, const struct record_reply *r)
{
	struct reply_context ctx = { .stage = 'R', .greeting = c->session->greeting.text };
	struct reply_class cl;

	if (reply_digit(r) != 4)
		return false;
	reply_classify(v->replies, r, &ctx, &cl);
	return cl.kind == FINDING_GREYLISTED ||
	    (cl.how != REPLY_BY_TEXT && code_may_greylist(r) &&
		(cl.kind == FINDING_TEMPORARY_SERVER_ERROR || cl.kind == FINDING_UNCLASSIFIED_4XX));
}

/* ---- the same three later: client network, sender, recipient ---------------------------- */

static bool
accepted_later(const struct deferral *d, const struct accepted *a)
{
	const struct record_transaction *t = case_transaction(a->c, a->recipient->key.n);

	return case_same_place(a->c, d->c) &&
	    a->recipient->reply.at.ns - d->r->reply.at.ns >= DELAY_NS &&
	    addr_prefix_equal(&a->c->conn->client.ip, &d->c->conn->client.ip, 24, 64) &&
	    (d->t == NULL || t == NULL || strcasecmp(d->t->sender, t->sender) == 0);
}

static const struct accepted *
accepted_here(const struct view *v, const struct deferral *d)
{
	size_t n;
	const struct accepted *a = lookup_accepted(
	    v->lookups, &d->c->conn->server.ip, d->r->address, d->c->conn->first.ns, &n);

	for (size_t i = 0; i < n && a[i].c->conn->first.ns <= d->c->conn->last.ns + MEMORY_NS &&
	     lookup_may(v->lookups, i, n, LOOKED);
	     i++)
		if (accepted_later(d, &a[i]))
			return &a[i];
	return NULL;
}

/* Two servers of one domain: mx1.example.org and mx2.example.org, or next to each other. */
static bool
servers_related(const struct mail_case *a, const struct mail_case *b)
{
	char x[GREETING_NAME], y[GREETING_NAME];
	const char *p, *q;

	if (addr_prefix_equal(&a->conn->server.ip, &b->conn->server.ip, 24, 64))
		return true;
	if (!greeting_name(a, x) || !greeting_name(b, y))
		return false;
	if (strcmp(x, y) == 0)
		return true;
	p = strchr(x, '.') + 1;
	q = strchr(y, '.') + 1;
	return strchr(p, '.') != NULL && strcmp(p, q) == 0;
}

static const struct accepted *
accepted_elsewhere(const struct view *v, const struct deferral *d)
{
	const struct accepted *a, *best = NULL;
	size_t n;

	if (d->t == NULL || d->t->implied)
		return NULL;
	a = lookup_accepted(v->lookups, NULL, d->r->address, 0, &n);
	for (size_t i = 0; lookup_may(v->lookups, i, n, LOOKED); i++) {
		const struct record_transaction *t =
		    case_transaction(a[i].c, a[i].recipient->key.n);

		if (t != NULL && !t->implied && accepted_later(d, &a[i]) &&
		    a[i].c->conn->first.ns <= d->c->conn->last.ns + MEMORY_NS &&
		    servers_related(a[i].c, d->c) &&
		    (best == NULL || a[i].c->conn->first.ns < best->c->conn->first.ns))
			best = &a[i];
	}
	return best;
}

/*
 * The server that took it in the end had put it off as well: the same rule at both, no fault of the
 * one.
 */
static const struct record_recipient *
deferred_there(const struct view *v, const struct deferral *d, const struct accepted *a)
{
	struct case_iter it = { .server = &a->c->conn->server.ip,
		.from_ns = d->c->conn->first.ns - MEMORY_NS,
		.to_ns = a->c->conn->first.ns };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKED)) != NULL;)
		for (uint32_t i = 0; x->session != NULL && i < x->recipient_count; i++) {
			const struct record_recipient *r = x->recipients[i];
			struct deferral other = { x, r, case_transaction(x, r->key.n) };

			if (strcasecmp(r->address, d->r->address) == 0 &&
			    maybe_greylisted(v, x, &r->reply) && other.t != NULL &&
			    strcasecmp(other.t->sender, d->t->sender) == 0 &&
			    accepted_later(&other, a))
				return r;
		}
	return NULL;
}

/* ---- words --------------------------------------------------------------------------------- */

static struct finding *
say_greylisted(const struct deferral *d, const struct accepted *a, enum confidence conf,
    const char *where, struct verdicts *out)
{
	int64_t later = (a->recipient->reply.at.ns - d->r->reply.at.ns) / SECOND;
	struct finding *f = verdict_add(out, FINDING_GREYLISTED, conf, d->c, 0);

	finding_span(f, &d->r->reply.at, &a->recipient->reply.at);
	finding_reply(f, &d->r->reply);
	evidence_frame(finding_says(f, d->c->point, "RCPT TO:<%.100s> is put off", d->r->address),
	    &d->r->reply.at);
	evidence_frame(finding_says(f, a->c->point, "%lld s later the same recipient is accepted%s",
			   (long long)later, where),
	    &a->recipient->reply.at);
	return f;
}

static void
say_elsewhere(
    const struct view *v, const struct deferral *d, const struct accepted *a, struct verdicts *out)
{
	const struct record_recipient *first = deferred_there(v, d, a);
	int64_t later = (a->recipient->reply.at.ns - d->r->reply.at.ns) / SECOND;
	struct finding *f =
	    say_greylisted(d, a, first != NULL ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE,
		" by another server of the domain", out);
	char server[ADDR_TEXT];

	addr_format(&a->c->conn->server.ip, server, sizeof(server));
	if (first != NULL) {
		evidence_frame(
		    finding_says(f, a->c->point, "that server, too, put it off at first"),
		    &first->reply.at);
		finding_summary(f,
		    "Greylisted: two servers of the domain put the mail off, and one of them (%s) accepted it %lld s later.",
		    server, (long long)later);
		return;
	}
	finding_summary(f,
	    "Greylisted, it seems: the server put the mail off, and another one of the domain (%s) accepted it %lld s later. A trouble of "
	    "the first one's own would look the same.",
	    server, (long long)later);
}

static void
judge_recipient(const struct view *v, const struct deferral *d, struct verdicts *out)
{
	const struct accepted *a = accepted_here(v, d);

	if (a != NULL)
		finding_summary(say_greylisted(d, a, CONFIDENCE_CONFIRMED, "", out),
		    "Greylisted: the server put the mail off and accepted it %lld s later.",
		    (long long)((a->recipient->reply.at.ns - d->r->reply.at.ns) / SECOND));
	else if ((a = accepted_elsewhere(v, d)) != NULL)
		say_elsewhere(v, d, a, out);
}

static void
judge_greylist(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL || !case_is_smtp(c))
		return;
	for (uint32_t i = 0; i < c->recipient_count; i++) {
		struct deferral d = { c, c->recipients[i],
			case_transaction(c, c->recipients[i]->key.n) };

		if (maybe_greylisted(v, c, &d.r->reply))
			judge_recipient(v, &d, out);
	}
}

const struct rule rule_greylist = { "greylist", RULE_CASE, judge_greylist, false };
