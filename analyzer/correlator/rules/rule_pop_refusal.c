/* rule_pop_refusal.c - POP3: what an -ERR means (diagnosis 1D). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/facts/beside.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/reply_help.h"
#include "record/addr.h"

enum { LOGINS_LOOKED = 64, LOGINS_BEFORE = 1024 };

/*
 * The message that this refusal is about stood in the server's own listing, and nothing was
 * deleted: it is there (RFC 1939: nobody else may).
 */
static const struct record_message *
message_listed(const struct mail_case *c, const struct refusal *r)
{
	for (uint32_t i = 0; i < c->message_count && c->session->deleted == 0; i++) {
		const struct record_message *m = c->messages[i];

		if (m->state == MESSAGE_NOT_RETRIEVED && m->reply.at.ns == r->reply->at.ns &&
		    m->reply.at.frame == r->reply->at.frame)
			return m->listed_size > 0 || m->uidl[0] != '\0' ? m : NULL;
	}
	return NULL;
}

static void
duplicates_class(struct reply_class *cl, const char *subkind)
{
	cl->kind = FINDING_POP_DUPLICATE_DOWNLOAD;
	snprintf(cl->subkind, sizeof(cl->subkind), "%s", subkind);
}

/* "DELE 3 3" is the client's mistake. */
static bool
one_number(const char *line)
{
	const char *arg = strchr(line, ' ');

	return arg != NULL && arg[1] != '\0' && arg[1 + strspn(arg + 1, "0123456789")] == '\0';
}

/* Words decide; a bare refusal of a login is probably the password (RFC 3206, 3). */
static bool
classify(const struct view *v, const struct refusal *r, struct reply_class *cl)
{
	struct reply_context ctx = {
		.stage = r->stage, .pop = true, .after_gap = case_missing_dir(v->c, 1)
	};

	reply_classify(v->replies, r->reply, &ctx, cl);
	if (cl->kind == FINDING_SERVER_TIMEOUT_421 && cl->generic && !r->unsolicited &&
	    !ctx.after_gap && moment_is(&r->asked) && moment_before(&r->asked, &r->reply->at)) {
		/* to a command that had come it owes the answer, whatever it waited for */
		cl->kind = FINDING_POP_SERVER_ERROR;
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_PROBABLE);
	}
	if (cl->kind != FINDING_KINDS)
		return true;
	cl->product = "";
	cl->confidence = ctx.after_gap
	    ? CONFIDENCE_POSSIBLE
	    : CONFIDENCE_PROBABLE; /* what it answers may not be known (0.7 G) */
	if (strcasestr(r->reply->text, "[AUTH]") != NULL || r->stage == 'P')
		cl->kind = FINDING_POP_AUTH_FAILED;
	else if (r->deleted || r->unlisted)
		cl->kind = FINDING_POP_NO_SUCH_MESSAGE;
	else if (strcmp(r->verb, "RETR") == 0)
		cl->kind = message_listed(v->c, r) != NULL ? FINDING_POP_SERVER_ERROR
							   : FINDING_POP_NO_SUCH_MESSAGE;
	else if (r->stage == 'U') { /* a name that is unknown, or no login in plain text */
		cl->kind = FINDING_POP_AUTH_FAILED;
		cl->confidence = CONFIDENCE_POSSIBLE;
		snprintf(cl->subkind, sizeof(cl->subkind), "user");
	} else if (r->stage == 'C' && v->c->conn->dir[1].isn_known &&
	    !ctx.after_gap) /* else it is only the first that was seen */
		cl->kind = FINDING_POP_SERVER_ERROR;
	else if (strcmp(r->verb, "DELE") == 0 && one_number(r->line))
		duplicates_class(cl, "delete-refused");
	else if (strcmp(r->verb, "QUIT") == 0 && v->c->session->deleted > 0)
		duplicates_class(
		    cl, "quit-refused"); /* "some deleted messages not removed" (RFC 1939, 6) */
	return cl->kind != FINDING_KINDS;
}

/* Seconds that CAPA's LOGIN-DELAY asks for (RFC 2449, 6.5); 0 = none. */
static unsigned long
delay_asked(const struct record_session *s)
{
	const char *p = strcasestr(s->capabilities, "LOGIN-DELAY ");

	return p != NULL && (p == s->capabilities || p[-1] == ' ') ? strtoul(p + 12, NULL, 10) : 0;
}

/*
 * The last login of the same user before this one, and how long ago; NULL = none among the sessions
 * of this client just before.
 */
static const struct mail_case *
login_before(const struct view *v, int64_t *ago)
{
	const struct record_session *s = v->c->session;
	struct case_run run =
	    lookup_cases(v->lookups, LOOKUP_POP_OF_CLIENT, &v->c->conn->client.ip);
	size_t n = s->user_hash[0] != '\0' ? case_run_before(run, s->auth_at.ns + 1) : 0;
	const struct mail_case *best = NULL;

	for (size_t i = 0; lookup_may(v->lookups, i, n, LOGINS_BEFORE); i++) {
		const struct mail_case *x = run.at[n - 1 - i];

		if (x != v->c && case_same_place(x, v->c) &&
		    addr_equal(&x->conn->server.ip, &v->c->conn->server.ip) &&
		    x->session->logins_ok > 0 && strcmp(x->session->user_hash, s->user_hash) == 0 &&
		    moment_before(&x->session->auth_at, &s->auth_at) &&
		    (best == NULL || moment_before(&best->session->auth_at, &x->session->auth_at)))
			best = x;
	}
	if (best != NULL)
		*ago = s->auth_at.ns - best->session->auth_at.ns;
	return best;
}

static void
say_interval(const struct view *v, struct finding *f)
{
	unsigned long asked = delay_asked(v->c->session);
	const struct mail_case *x;
	int64_t ago = 0;

	if (asked > 0)
		evidence_frame(finding_says(f, v->c->point,
				   "CAPA asks for %lu s between logins (LOGIN-DELAY)", asked),
		    &v->c->session->capabilities_at);
	if ((x = login_before(v, &ago)) != NULL)
		evidence_frame(finding_says(f, x->point, "the same user logged in %lld s before",
				   (long long)(ago / SECOND)),
		    &x->session->auth_at);
}

/* A bare -ERR to a login that came sooner than CAPA allows. */
static void
bare_delay(const struct view *v, struct reply_class *cl)
{
	unsigned long asked = delay_asked(v->c->session);
	int64_t ago = 0;

	if (cl->kind == FINDING_POP_AUTH_FAILED && cl->how != REPLY_BY_TEXT && asked > 0 &&
	    login_before(v, &ago) != NULL && ago < (int64_t)asked * SECOND)
		cl->kind = FINDING_POP_LOGIN_DELAY;
}

/*
 * Another session of the same mailbox, logged in before this refusal, that overlaps, or that ended
 * without QUIT up to 30 min before.
 */
static const struct mail_case *
locker_find(const struct view *v, const struct refusal *r)
{
	const struct mail_case *c = v->c, *x;
	struct case_iter it = { .server = &c->conn->server.ip,
		.server_port = c->conn->server.port,
		.from_ns = c->conn->first.ns - 7200 * SECOND,
		.to_ns = r->reply->at.ns,
		.since_ns = c->conn->first.ns - 1800 * SECOND,
		.backwards = true };

	if (c->session->user_hash[0] == '\0')
		return NULL;
	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		if (x == c || !case_same_place(x, c) || x->session == NULL ||
		    x->session->logins_ok == 0 ||
		    strcmp(x->session->user_hash, c->session->user_hash) != 0 ||
		    !moment_before(&x->session->auth_at, &r->reply->at))
			continue;
		if (x->conn->last.ns >= c->conn->first.ns || !x->session->quit_ok)
			return x;
	}
	return NULL;
}

static void
say_locker(const struct view *v, const struct refusal *r, struct finding *f)
{
	const struct mail_case *x = locker_find(v, r);
	char from[ADDR_TEXT] = "the same client";

	if (x == NULL)
		return;
	if (!addr_equal(&x->conn->client.ip, &v->c->conn->client.ip))
		addr_format(&x->conn->client.ip, from, sizeof(from));
	evidence_frame(finding_says(f, x->point,
			   x->conn->last.ns >= v->c->conn->first.ns
			       ? "another session of the same user, from %s, overlaps"
			       : "an earlier session of the same user, from %s, ended without QUIT",
			   from),
	    &x->conn->first);
}

static bool
kind_is_login(enum finding_kind k)
{
	return k == FINDING_POP_AUTH_FAILED || k == FINDING_POP_LOCKED ||
	    k == FINDING_POP_LOGIN_DELAY;
}

/* A second try in the same session worked: of a typing error nothing is left. */
static bool
login_healed(const struct mail_case *c, const struct refusal *r)
{
	return c->session->auth_ok && moment_before(&r->reply->at, &c->session->auth_at);
}

/*
 * The next session of the same user that got in; only the nearest LOGINS_LOOKED connections of the
 * hour are asked.
 */
static const struct mail_case *
login_later(const struct view *v, const struct refusal *r)
{
	const struct record_session *s = v->c->session;
	struct case_iter it = { .client = &v->c->conn->client.ip,
		.server = &v->c->conn->server.ip,
		.from_ns = r->reply->at.ns,
		.to_ns = r->reply->at.ns + 3600 * SECOND };
	const struct mail_case *x;

	if (s->user_hash[0] == '\0')
		return NULL;
	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, LOGINS_LOOKED)) != NULL;)
		if (case_same_place(x, v->c) && x->session != NULL && case_is_pop(x) &&
		    x->session->logins_ok > 0 && strcmp(x->session->user_hash, s->user_hash) == 0)
			return x;
	return NULL;
}

static void
say_later(const struct view *v, const struct refusal *r, struct finding *f)
{
	const struct mail_case *x = login_later(v, r);

	if (x == NULL)
		return;
	f->severity = SEVERITY_WARNING;
	evidence_frame(
	    finding_says(f, x->point, "%lld s later the same user logged in with success",
		(long long)((x->session->auth_at.ns - r->reply->at.ns) / SECOND)),
	    &x->session->auth_at);
}

/* The dialogue went on, and not all of it is here: a second try may have worked. */
static bool
tried_again(const struct mail_case *c, const struct refusal *r, enum finding_kind k)
{
	return kind_is_login(k) && case_missing(c) &&
	    c->conn->dir[1].data_last.ns > r->reply->at.ns;
}

/*
 * A command that is not in the capture: what it was, and whether a later one went well, is not
 * known.
 */
static enum confidence
pairing_certain(const struct mail_case *c, const struct refusal *r, enum finding_kind k)
{
	if (tried_again(c, r, k))
		return CONFIDENCE_POSSIBLE;
	if (r->line[0] != '\0' || r->stage == 'C')
		return CONFIDENCE_CONFIRMED;
	if ((kind_is_login(k) && c->conn->dir[1].data_last.ns > r->reply->at.ns) ||
	    (r->unsolicited && case_midstream(c)) || k == FINDING_SERVER_TIMEOUT_421)
		return CONFIDENCE_POSSIBLE;
	return CONFIDENCE_PROBABLE;
}

/* RFC 1939 5: what is marked for deletion, or was never there, has no number. */
static void
say_gone(const struct mail_case *c, const struct refusal *r, struct finding *f)
{
	if (!r->deleted && !r->unlisted)
		return;
	finding_says(f, c->point,
	    r->deleted ? "the client itself had deleted this message in the same session"
		       : "by the server's own count there is no such message");
	finding_remedy(f,
	    r->deleted
		? "The program asks for a message that it has deleted itself a moment ago: harmless, it will be gone as it was meant to be."
		: "The program asks for a number that the server's mailbox does not have, probably from an older listing: harmless.");
}

/* Command and reply, as they stand in the capture. */
static void
say_refusal(const struct view *v, const struct refusal *r, bool answers, struct finding *f)
{
	uint32_t point = v->c->point;
	char quote[256];

	reply_quote(r->reply, true, quote, sizeof(quote));
	if (r->line[0] == '\0' || !answers)
		evidence_frame(
		    finding_says(f, point,
			r->stage == 'C' ? "the first reply is \"%s\"" : "the server says \"%s\"",
			quote),
		    &r->reply->at);
	else
		evidence_frames(finding_says(f, point, "%.60s is answered \"%s\"", r->line, quote),
		    &r->asked, &r->reply->at);
	finding_summary(f, "%s: the server answered \"%s\".", kind_facts(f->kind)->title, quote);
}

static void
say_full_house(const struct view *v, const struct refusal *r, struct finding *f)
{
	beside_say_open(v, f, &r->reply->at);
	finding_remedy(f,
	    "Too many programs or devices of this user have the mailbox open at once, or sessions that broke off still count: close some, "
	    "fetch less often, or let the server's owner allow more.");
	finding_client_shows(f, "0x800CCC0B (busy), 0x800CCC92 (password rejected)");
}

/*
 * A server error that says nothing may mean "no such message"; the server's own listing says
 * otherwise.
 */
static void
say_listed(const struct mail_case *c, const struct refusal *r, struct finding *f)
{
	const struct record_message *m = message_listed(c, r);

	if (m == NULL)
		return;
	finding_says(
	    f, c->point, "the server's own listing in this session has message %u", m->number);
	finding_exclude(f, FINDING_POP_NO_SUCH_MESSAGE, "the server had listed the message");
}

/* The reply names no reason: what else it may be, and what would tell. */
static void
say_auth_unreasoned(const struct mail_case *c, const struct refusal *r, struct finding *f)
{
	static const char reason[] =
	    "a reason in the server's words (the server's log of this login has it)";

	if (c->session->starttls_offered)
		evidence_frame(
		    finding_says(f, c->point,
			"the server offers encryption (STLS), which the client did not use: it may want that first"),
		    &c->session->capabilities_at);
	if (r->stage == 'U')
		finding_next_capture(f, "a user name that is not known",
		    "a server that allows no login in plain text", reason,
		    "a login with encryption (STLS or port 995) as well");
	else
		finding_next_capture(f, "a wrong password",
		    "a locked mailbox or a fault of the server", reason,
		    "the next attempt as well");
}

static void
say_auth(const struct mail_case *c, const struct refusal *r, enum reply_how how, struct finding *f)
{
	if (how != REPLY_BY_TEXT)
		say_auth_unreasoned(c, r, f);
	say_challenge_login(
	    c, f, strcmp(r->verb, "AUTH") == 0 ? c->session->auth_mechanism : r->verb);
	if (r->stage == 'U')
		finding_client_shows(f, "0x800CCC91 (user name rejected)");
}

/* What a refusal of this kind lets one say beside its words. */
static void
say_kind(const struct view *v, const struct refusal *r, enum reply_how how, struct finding *f)
{
	switch (f->kind) {
	case FINDING_TLS_REQUIRED:
		finding_remedy(f,
		    "Switch encryption on for the incoming server in the account's settings: STARTTLS (STLS) on port 110, or SSL/TLS on port 995.");
		finding_client_shows(f,
		    "0x800CCC90 (response error), 0x800CCC91 (user name rejected), 0x800CCC92 (password rejected)");
		break;
	case FINDING_TOO_MANY_CONNECTIONS: say_full_house(v, r, f); break;
	case FINDING_POP_LOCKED: say_locker(v, r, f); break;
	case FINDING_POP_LOGIN_DELAY: say_interval(v, f); break;
	case FINDING_POP_SERVER_ERROR:
		if (how != REPLY_BY_TEXT)
			say_listed(v->c, r, f);
		break;
	case FINDING_POP_NO_SUCH_MESSAGE: say_gone(v->c, r, f); break;
	case FINDING_POP_DUPLICATE_DOWNLOAD:
		finding_remedy(f,
		    "The server did not delete what it was asked to, and the same mails come again: its owner must look at the mailbox (rights, disk, "
		    "quota).");
		break;
	default: break;
	}
}

/* Nobody has logged in: that is why, whatever the words. */
static bool
asked_outside(const struct mail_case *c, const struct refusal *r)
{
	return r->stage == 'T' && !r->after_auth && c->session->logins_ok == 0 &&
	    moment_is(&c->session->greeting.at) && !case_midstream(c) && !case_missing(c) &&
	    !c->session->tls;
}

/*
 * Said before the command that it seems to answer: the server ends the session.  What it says then
 * is no refusal of a login or a message.
 */
static bool
classify_unasked(const struct mail_case *c, struct reply_class *cl)
{
	if (cl->how == REPLY_BY_TEXT)
		return true;
	if (c->session->logins_ok > 0)
		return false; /* an idle session was closed */
	cl->kind = FINDING_POP_SERVER_ERROR;
	cl->confidence = CONFIDENCE_POSSIBLE;
	cl->subkind[0] = '\0';
	return true;
}

static void
judge_refusal(const struct view *v, const struct refusal *r, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	/* said before that was asked: it answers nothing */
	bool answers = !moment_is(&r->asked) || !moment_before(&r->reply->at, &r->asked);
	struct reply_class cl;
	struct finding *f;

	if (r->consequence || !classify(v, r, &cl)) /* a mechanism that is not known is no login */
		return;
	if (asked_outside(c, r) || (!answers && !classify_unasked(c, &cl)))
		return;
	bare_delay(v, &cl);
	if (kind_is_login(cl.kind) && login_healed(c, r))
		return;
	if ((r->stage == 'U' || r->stage == 'P') && r->after_auth)
		return; /* it is in: what is refused is the second login */
	if (r->unsolicited &&
	    (c->session->quit_ok || c->session->retrieved > 0 || c->session->logins_ok > 0))
		return; /* an idle session was closed */
	f = verdict_add(
	    out, cl.kind, confidence_min(cl.confidence, pairing_certain(c, r, cl.kind)), c, 0);
	finding_subkind(f, cl.subkind);
	finding_span(f, moment_is(&r->asked) && answers ? &r->asked : &r->reply->at, &r->reply->at);
	finding_reply(f, r->reply);
	say_refusal(v, r, answers, f);
	if (kind_is_login(cl.kind))
		say_later(v, r, f);
	say_kind(v, r, cl.how, f);
	reply_remedy(f, r->reply);
	if (cl.kind == FINDING_POP_AUTH_FAILED)
		say_auth(c, r, cl.how, f);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct refusal r[REFUSALS_MAX];
	size_t n;

	if (v->c->session == NULL || !case_is_pop(v->c) || v->c->session->tls)
		return;
	n = refusals_gather(v->c, r, REFUSALS_MAX, NULL);
	for (size_t i = 0; i < n; i++)
		judge_refusal(v, &r[i], out);
}

const struct rule rule_pop_refusal = { "pop-refusal", RULE_CASE, judge, false };
