/*
 * rule_reply.c - what the server refused, in its own words (diagnosis 1C, 3).
 *
 * The reply's class comes from the table; here it meets its context: a relay
 * or login refusal means something else after a login, or when a login was
 * offered and not tried (0.7, order of judgement 4 to 7).
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/lookup.h"
#include "reply_say.h"

static bool
mail_accepted(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_ACCEPTED)
			return true;
	return false;
}

static bool
mail_open(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_LOST ||
		    c->transactions[i]->verdict == VERDICT_UNKNOWN)
			return true;
	return false;
}

/* Farewells of Postfix, Exim and Sendmail to a client whose commands they did not like. */
static bool
counts_errors(const struct record_reply *r)
{
	return reply_has_words(r, "too many errors") ||
	    reply_has_words(r, "too many syntax or protocol errors") ||
	    reply_has_words(r, "too many bad commands");
}

/*
 * Sendmail says so to each command, once it has refused the client for its greeting, its HELO or
 * for speaking too early.
 */
static bool
follows_refusal(const struct reading *g, const struct refusal *r)
{
	return reply_has_words(r->reply, "command rejected") &&
	    (*g->said || reply_digit(&g->s->greeting) >= 4 ||
		verdict_claimed(g->out, g->c, 0, FINDING_PROTOCOL_ERROR) != NULL);
}

/*
 * Who is refused at the greeting and goes on gets 503, or the same words, to all but QUIT (RFC
 * 5321, 3.1).
 */
static bool
follows_greeting(const struct reading *g, const struct refusal *r)
{
	const struct record_reply *hello = &g->s->greeting;

	return moment_is(&hello->at) && reply_digit(hello) == 5 &&
	    (r->reply->code == 503 ||
		(r->reply->code == hello->code && strcmp(r->reply->text, hello->text) == 0));
}

/* Replies that say nothing about a mail, or that another rule reads. */
static bool
refusal_ignored(const struct reading *g, const struct refusal *r)
{
	if (r->stage == 'C' || r->stage == 'S' || r->consequence)
		return true;
	if (reading_verb_is(r, "VRFY") || reading_verb_is(r, "EXPN") ||
	    reading_verb_is(r, "HELP") || reading_verb_is(r, "NOOP"))
		return true;
	if (r->transaction != NULL && r->transaction->nested && r->stage == 'M')
		return false;
	if (r->reply->code == 421 && reading_verb_is(r, "RSET") && mail_accepted(g->c) &&
	    !mail_open(g->c))
		return true; /* a session may be over after so many mails: the next one goes on */
	if (r->reply->code == 421 && *g->said && counts_errors(r->reply))
		return true; /* of which those before it speak */
	if (follows_refusal(g, r) || follows_greeting(g, r))
		return true;
	if (strcmp(r->line, "*") ==
	    0) /* the client broke its login off; RFC 4954, 4 asks for a 501 */
		return true;
	if (r->stage == 'A' && g->s->auth_ok && moment_before(&r->reply->at, &g->s->auth_at))
		return true;           /* another mechanism or a second try worked */
	if (strspn(r->line, "X") >= 4) /* overwritten on its way: rule_mask.c */
		return true;
	return r->stage == 'E' && r->reply->code >= 500 && r->reply->code <= 504 &&
	    verdict_claimed(g->out, g->c, -1, FINDING_BANNER_MASKED) != NULL;
}

/* What the reply answers was guessed: whether it cost anything is not known. */
static bool
place_unsure(const struct reading *g, const struct refusal *r)
{
	return g->blind || (r->transaction != NULL && r->transaction->unsure);
}

/* ---- context ---------------------------------------------------------------------------- */

static struct reply_context
context_of(const struct reading *g, const struct refusal *r)
{
	const struct record_transaction *t = r->transaction;
	uint64_t limit = case_size_limit(g->c),
		 size = t == NULL         ? 0
	    : t->bytes > t->declared_size ? t->bytes
					  : t->declared_size;

	return (struct reply_context){
		.stage = r->stage,
		.auth_offered = g->s->auth_offered,
		.auth_tried = g->s->auth_tried,
		.after_gap = g->blind,
		.large = size > 1000000 || (limit > 0 && size > limit),
		.greeting = g->s->greeting.text,
	};
}

/* From the EHLO reply on, whatever came before: a second EHLO behind a login is rare. */
static bool
login_likely_known(const struct reading *g)
{
	return !g->blind && !case_missing(g->c) && g->s->ehlo_answered && !g->s->offer_cut;
}

/* What EHLO offered is in the capture, or was not asked. */
static bool
offer_known(const struct reading *g)
{
	return ((g->s->ehlo_answered && !g->s->offer_cut) || g->s->helo) && !g->blind;
}

static void
rewrite_relay(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	bool relay = cl->kind == FINDING_RELAY_DENIED_WRONG_NETWORK;

	if (r->after_auth) {
		cl->kind = FINDING_RELAY_DENIED_DESPITE_AUTH;
		cl->confidence = CONFIDENCE_CONFIRMED;
	} else if (g->s->auth_offered && !g->s->auth_tried) {
		if (reading_login_known(g) && (cl->how == REPLY_BY_TEXT || relay))
			cl->confidence = CONFIDENCE_CONFIRMED;
		else if (!reading_login_known(g))
			cl->confidence = confidence_min(cl->confidence,
			    !relay || login_likely_known(g) ? CONFIDENCE_PROBABLE
							    : CONFIDENCE_POSSIBLE);
		cl->kind = FINDING_AUTH_REQUIRED_NOT_ATTEMPTED;
	} else if (relay && !offer_known(g)) { /* a login that was offered, or made, is as likely */
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_POSSIBLE);
	} else if (relay ||
	    !reading_login_known(g)) { /* the reason is policy; or known by the words alone */
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_PROBABLE);
	}
}

/*
 * In this session it took another recipient of the domain: it is responsible for it, or relays for
 * this client.
 */
static bool
domain_taken(const struct reading *g, const char *domain)
{
	for (uint32_t i = 0; i < g->c->recipient_count; i++) {
		const struct record_recipient *x = g->c->recipients[i];

		if (x->reply.code / 100 == 2 && domain[0] != '\0' &&
		    strcasecmp(address_domain(x->address), domain) == 0)
			return true;
	}
	return false;
}

static void
rewrite_hint(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	const char *domain = r->recipient != NULL ? address_domain(r->recipient->address) : "";

	if (cl->kind == FINDING_MAILBOX_FULL) {
		/* RFC 5321's words for 552: of the mailbox, or of the message */
		if (context_of(g, r).large)
			cl->kind = FINDING_MESSAGE_TOO_BIG;
	} else if (cl->kind == FINDING_RECIPIENT_UNKNOWN) {
		/* OpenSMTPD says the same of a domain that it does not relay to */
		if (domain_taken(g, domain))
			cl->confidence = CONFIDENCE_CONFIRMED;
		else if (reading_greets_in_domain(g, domain))
			cl->confidence = CONFIDENCE_PROBABLE;
	} else if (cl->kind ==
	    FINDING_SENDER_MISMATCH) { /* only an account has an address that is not its own */
		if (r->after_auth || g->s->auth_ok)
			cl->confidence = CONFIDENCE_CONFIRMED;
		else
			cl->kind = FINDING_POLICY_OR_BLOCKLIST;
	} else if (cl->kind == FINDING_POP_BEFORE_SMTP_REQUIRED) {
		cl->kind = FINDING_RELAY_DENIED_WRONG_NETWORK;
		cl->confidence = CONFIDENCE_PROBABLE;
		rewrite_relay(g, r, cl);
	}
}

static bool
names_sender(const struct refusal *r)
{
	return r->transaction != NULL && strchr(r->transaction->sender, '@') != NULL &&
	    strcasestr(r->reply->text, r->transaction->sender) != NULL;
}

/* Whose mailbox: before a recipient is named, or where the sender is, it is the sender's. */
static bool
quota_of_sender(const struct refusal *r)
{
	if (r->stage == 'M')
		return true;
	return names_sender(r) &&
	    (r->recipient == NULL || strcasestr(r->reply->text, r->recipient->address) == NULL);
}

/*
 * Where bytes are missing the recipient's command may be among them, unless the words themselves
 * name the sender.
 */
static void
class_of_quota(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	bool whole = !g->blind && !case_missing(g->c);

	if (whole || names_sender(r))
		cl->kind = FINDING_SENDER_QUOTA;
	if (!whole)
		cl->confidence = confidence_min(
		    cl->confidence, names_sender(r) ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE);
}

/* A protocol error is worth a warning only when it cost a mail or the session (0.7). */
static bool
error_matters(const struct reading *g, const struct refusal *r)
{
	bool hello = r->stage == 'E' && g->c->transaction_count == 0 && !g->s->ehlo_answered;

	return r->ended || (hello && !g->s->helo);
}

/*
 * Words behind a cut may be missing, and the more particular ones come last.
 * Whether a farewell cost a mail is not known where replies are missing.
 */
static enum confidence
words_certain(const struct reading *g, const struct refusal *r, const struct reply_class *cl)
{
	if ((r->reply->code == 421 || cl->kind == FINDING_SERVER_TIMEOUT_421) &&
	    (g->blind || (case_midstream(g->c) && g->c->transaction_count == 0)))
		return CONFIDENCE_POSSIBLE;
	if (g->c->conn->dir[1].cut_bytes > 0)
		return CONFIDENCE_PROBABLE;
	return cl->confidence;
}

/* The server has seen nothing of what it would judge. */
static bool
before_content(const struct refusal *r)
{
	return r->stage == 'M' || r->stage == 'R' || reading_verb_is(r, "DATA");
}

/*
 * A relay or login refusal means something else after a login, or when one was offered and not
 * tried.
 */
static void
class_by_login(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	if (cl->kind == FINDING_SENDER_MISMATCH && cl->how == REPLY_BY_CODE &&
	    !g->s->auth_ok) { /* who has no account here has no wrong address for it */
		cl->kind = FINDING_SENDER_DOMAIN_REJECTED;
		snprintf(cl->subkind, sizeof(cl->subkind), "unknown-sender");
	}
	if (cl->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && g->blind && g->s->auth_tried &&
	    !r->after_auth) {
		cl->kind =
		    FINDING_AUTH_FAILED; /* be it said to the login or behind it: it was tried */
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_PROBABLE);
	}
	if (cl->hint)
		rewrite_hint(g, r, cl);
	else if (reading_is_relay(cl->kind))
		rewrite_relay(g, r, cl);
}

/*
 * Another mechanism or a second try worked; or a mail was taken, which without its login it was
 * not.
 */
static bool
login_healed(const struct reading *g, const struct refusal *r, enum finding_kind k)
{
	if (k != FINDING_AUTH_FAILED && k != FINDING_AUTH_MECHANISM_MISMATCH &&
	    k != FINDING_AUTH_NOT_OFFERED && k != FINDING_AUTH_TEMPORARY_FAILURE)
		return false;
	return (g->s->auth_ok && moment_before(&r->reply->at, &g->s->auth_at)) ||
	    ((g->alone || case_missing(g->c)) && mail_accepted(g->c));
}

/*
 * "451 DNS timeout": to a command that had come, or to a message with its end, the server owes the
 * answer, and the client nothing.  421 may have crossed the command on its way.
 */
static bool
waits_elsewhere(const struct reading *g, const struct refusal *r, const struct reply_class *cl)
{
	bool came = moment_is(&r->asked) && moment_before(&r->asked, &r->reply->at);

	if (strcmp(r->verb, ".") == 0)
		came = came && r->transaction != NULL && moment_is(&r->transaction->end_of_data);
	return cl->kind == FINDING_SERVER_TIMEOUT_421 && cl->generic && r->reply->code != 421 &&
	    came && !r->unsolicited && !r->guessed && !g->blind;
}

/*
 * The server cannot read the address of a command that lacks < and >: most do without, and those
 * that do not say something of its syntax.
 */
static bool
lacks_angles(const struct refusal *r)
{
	bool bare = r->stage == 'R'
	    ? r->recipient != NULL && r->recipient->bare
	    : r->stage == 'M' && r->transaction != NULL && r->transaction->sender_bare;

	return bare && (r->reply->code == 501 || r->reply->code == 553 || r->reply->code == 555) &&
	    (reply_has_words(r->reply, "syntax") || reply_has_words(r->reply, "parse") ||
		reply_has_words(r->reply, "malformed"));
}

static void
class_in_context(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	class_by_login(g, r, cl);
	if (lacks_angles(r)) {
		cl->kind = FINDING_PROTOCOL_ERROR;
		cl->confidence = CONFIDENCE_PROBABLE;
		snprintf(cl->subkind, sizeof(cl->subkind), "no-angles");
	}
	if (waits_elsewhere(g, r, cl)) {
		cl->kind = r->stage == 'A' ? FINDING_AUTH_TEMPORARY_FAILURE
					   : FINDING_TEMPORARY_SERVER_ERROR;
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_PROBABLE);
	}
	if (cl->kind == FINDING_MAILBOX_FULL && quota_of_sender(r))
		class_of_quota(g, r, cl);
	if (cl->kind == FINDING_CONTENT_REJECTED && !g->blind && before_content(r)) {
		cl->kind = FINDING_POLICY_OR_BLOCKLIST;
		cl->subkind[0] = '\0';
	}
	if (r->stage == 'A' && !g->s->auth_offered && g->s->ehlo_answered && !g->s->offer_cut &&
	    !g->blind &&
	    (r->reply->code == 500 || r->reply->code == 502 || r->reply->code == 503)) {
		cl->kind = FINDING_AUTH_NOT_OFFERED;
		cl->confidence = CONFIDENCE_CONFIRMED;
	}
	if (cl->kind == FINDING_PROTOCOL_ERROR && (!error_matters(g, r) || place_unsure(g, r)))
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_POSSIBLE);
	cl->confidence = confidence_min(cl->confidence, words_certain(g, r, cl));
}

/* ---- judging one refusal ----------------------------------------------------- */

/*
 * Relay refused, no login offered, and this client's provider has a POP3 server here: perhaps it is
 * that.
 */
static void
say_pop_hint(const struct reading *g, const struct refusal *r)
{
	struct case_run pop =
	    lookup_cases(g->v->lookups, LOOKUP_POP_OF_SERVER, &g->c->conn->server.ip);
	struct finding *f;

	if (pop.n == 0)
		return;
	f = verdict_add(g->out, FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_POSSIBLE, g->c, 0);
	finding_span(f, &r->reply->at, &r->reply->at);
	finding_reply(f, r->reply);
	evidence_frames(finding_says(f, g->c->point, "relaying is refused and no login is offered"),
	    &g->s->capabilities_at, &r->reply->at);
	evidence_frame(finding_says(f, pop.at[0]->point, "the same host is a POP3 server"),
	    &pop.at[0]->conn->first);
	finding_summary(f,
	    "The server may want mail to be fetched (POP3) before it relays: it offers no login, and it is a POP3 server, too.");
}

/* EHLO unknown, HELO fine: an old server, or a firewall; no harm. */
static bool
judge_hello(const struct reading *g, const struct refusal *r)
{
	struct reply_class cl = { .kind = FINDING_PROTOCOL_ERROR,
		.confidence = CONFIDENCE_POSSIBLE,
		.how = REPLY_BY_CODE,
		.product = "" };

	if (r->stage != 'E' || (r->reply->code != 500 && r->reply->code != 502) || !g->s->helo ||
	    r->ended)
		return false;
	snprintf(cl.subkind, sizeof(cl.subkind), "ehlo-refused");
	reading_say(g, r, &cl);
	return true;
}

/*
 * 421 x.4.1 or x.4.2, or that something timed out, unasked: it speaks of this connection, on which
 * it heard nothing, and not of one behind the server.
 */
static bool
server_tired(const struct refusal *r, const struct reply_class *cl)
{
	unsigned int code[3];

	if (r->reply->code != 421 || cl->how == REPLY_BY_TEXT)
		return false;
	return reply_has_words(r->reply, "timed out") ||
	    (cl->how == REPLY_BY_ENHANCED && reply_enhanced(r->reply, code) && code[1] == 4 &&
		(code[2] == 1 || code[2] == 2));
}

/* It waited for the end of a message that the client had ended wrongly: rule_symptom.c */
static bool
ends_bare(const struct mail_case *c)
{
	return c->transaction_count > 0 && c->transactions[c->transaction_count - 1]->end_bare;
}

static void
judge_unsolicited(const struct reading *g, const struct refusal *r)
{
	struct reply_context ctx = context_of(g, r);
	struct moment closed = case_closed(g->c, 0);
	struct reply_class cl;
	bool quit = g->s->quit.frame != 0 && g->s->quit.ns <= r->reply->at.ns;

	if (moment_is(&closed) && moment_before(&closed, &r->reply->at))
		return; /* "lost input connection": it follows from the client's close */
	if (quit || (!mail_open(g->c) && mail_accepted(g->c)))
		return; /* an idle session was closed, nothing was lost (0.7) */
	ctx.stage = 0;
	ctx.after_gap = g->blind || r->reply->code != 421;
	reply_classify(g->v->replies, r->reply, &ctx, &cl);
	if (cl.kind == FINDING_KINDS || (cl.how == REPLY_BY_NOTHING && r->reply->code != 421))
		return;
	if (server_tired(r, &cl)) {
		cl.kind = FINDING_SERVER_TIMEOUT_421;
		cl.subkind[0] = '\0';
		cl.confidence = CONFIDENCE_PROBABLE;
	}
	class_by_login(g, r, &cl);
	if (login_healed(g, r, cl.kind) ||
	    (cl.kind == FINDING_SERVER_TIMEOUT_421 && ends_bare(g->c)))
		return;
	cl.confidence = confidence_min(cl.confidence, words_certain(g, r, &cl));
	if (cl.kind == FINDING_PROTOCOL_ERROR &&
	    (g->blind || case_midstream(g->c) || case_missing_dir(g->c, 0)))
		cl.confidence = confidence_min(cl.confidence,
		    CONFIDENCE_POSSIBLE); /* its command may have been a masked one */
	if (case_stalled(g->c))
		cl.confidence = CONFIDENCE_CANNOT_TELL;
	reading_say(g, r, &cl);
}

/*
 * It need not wait for the end of a message to refuse it: too large, a filter that has seen
 * enough.  Behind the client's close it has what there is.
 */
static bool
refuses_midway(const struct reading *g, const struct refusal *r)
{
	const struct record_transaction *t = r->transaction;
	struct moment closed = case_closed(g->c, 0);

	if (moment_is(&closed) && moment_before(&closed, &r->reply->at))
		return false;
	return t != NULL && r->ended && t->data_reply.code == 354 && r->reply->code != 421 &&
	    t->final_reply.at.frame == r->reply->at.frame &&
	    t->final_reply.at.ns == r->reply->at.ns;
}

static void
judge_refusal(const struct reading *g, const struct refusal *r)
{
	struct reply_context ctx = context_of(g, r);
	struct reply_class cl;
	bool offered_none;

	if (refusal_ignored(g, r) || judge_hello(g, r))
		return;
	if (r->unsolicited && !g->alone && !refuses_midway(g, r)) {
		judge_unsolicited(g, r);
		return;
	}
	reply_classify(g->v->replies, r->reply, &ctx, &cl);
	if (cl.kind == FINDING_KINDS)
		return;
	class_in_context(g, r, &cl);
	if (login_healed(g, r, cl.kind))
		return;
	if (g->alone)
		cl.confidence = confidence_min(cl.confidence, CONFIDENCE_PROBABLE);
	/* said already: it spoke before the end of the greeting */
	if (cl.kind == FINDING_PROTOCOL_ERROR && r->stage == 'E' &&
	    verdict_claimed(g->out, g->c, 0, FINDING_PROTOCOL_ERROR) != NULL)
		return;
	if (cl.kind == FINDING_PROTOCOL_ERROR &&
	    verdict_claimed(g->out, g->c, -1, FINDING_BANNER_MASKED) != NULL && !r->ended)
		return;
	reading_say(g, r, &cl);
	offered_none = reading_login_known(g) && !g->s->auth_offered && !g->s->auth_tried &&
	    (g->s->tls || !g->s->starttls_offered);
	if (cl.kind == FINDING_RELAY_DENIED_WRONG_NETWORK && offered_none)
		say_pop_hint(g, r);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct refusal r[REFUSALS_MAX];
	struct reading g = { .v = v, .c = v->c, .s = v->c->session, .out = out };
	bool said = false;
	uint64_t left = 0;
	size_t n;

	g.said = &said;
	if (g.s == NULL || !case_is_smtp(v->c))
		return;
	g.blind = reading_blind(v->c);
	g.alone = !g.s->client_seen;
	n = refusals_gather(v->c, r, REFUSALS_MAX, &left);
	verdict_unread(out, left);
	for (size_t i = 0; i < n; i++)
		judge_refusal(&g, &r[i]);
}

const struct rule rule_reply = { "reply", RULE_CASE, judge, false };
