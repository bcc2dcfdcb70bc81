/* rule_pop.c - POP3: refusals in words, messages cut, sessions without QUIT (diagnosis 1D, 0.7). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/facts/beside.h"
#include "correlator/facts/symptom.h"
#include "correlator/facts/lookup.h"
#include "record/addr.h"

enum { LOGINS_LOOKED = 64, LOGINS_BEFORE = 1024 };

static bool
closed(const struct mail_case *c)
{
	return case_first_closer(c) >= 0;
}

/* ---- -ERR ------------------------------------------------------------------------------ */

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
	finding_client_shows(f, "0x800CCC0B (busy), 0x800CCC92");
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
		finding_client_shows(f, "0x800CCC90 (response error), 0x800CCC91, 0x800CCC92");
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

/* ---- messages and the end of the session --------------------------------------------------- */

static const struct record_message *
message_cut(const struct mail_case *c)
{
	for (uint32_t i = c->message_count; i > 0; i--)
		if (c->messages[i - 1]->state == MESSAGE_CUT)
			return c->messages[i - 1];
	return NULL;
}

/* The client itself stopped reading: zero-window-stall's business. */
static bool
client_full(const struct mail_case *c)
{
	const struct record_direction *client = &c->conn->dir[0];

	return moment_is(&client->zero_from) && client->zero_to.ns >= c->conn->last.ns - 5 * SECOND;
}

/* A window that was full too shortly for that rule explains nothing. */
static bool
path_bad(const struct mail_case *c, const struct verdicts *out)
{
	return case_stalled(c) ||
	    (client_full(c) && verdict_claimed(out, c, -1, FINDING_ZERO_WINDOW_STALL) != NULL);
}

/* Where its RETR is not in the capture nobody knows its number. */
static const char *
message_named(const struct record_message *m, char name[32])
{
	if (m->number == 0)
		snprintf(name, 32, "a message");
	else
		snprintf(name, 32, "message %u", m->number);
	return name;
}

/* ---- a fetch that stands still ----------------------------------------------- */

enum {
	STALL_CLOSED = 5,
	STALL_OPEN = 20
}; /* seconds of silence: the client gave up, the capture goes on */

/*
 * The RETR under way when the session ended: a message cut, or one that never began; NULL = none.
 */
static const struct record_message *
fetch_open(const struct mail_case *c)
{
	const struct record_message *m = message_cut(c);

	if (m != NULL || c->message_count == 0)
		return m;
	m = c->messages[c->message_count - 1];
	return m->state == MESSAGE_NOT_RETRIEVED && !moment_is(&m->reply.at) ? m : NULL;
}

/* Large packets that vanish look so, too, where nothing more of the server is heard. */
static void
say_not_sent_or_not_come(struct finding *f)
{
	f->confidence = confidence_min(f->confidence, CONFIDENCE_POSSIBLE);
	finding_next_capture(f, "a server that fell silent",
	    "packets of it that vanish on the way (large ones first)", "what the server sent then",
	    "at the server, or on its side of the router");
}

/*
 * Silence of the server in a fetch until the client gives up or for long.  When
 * segments go unanswered 1A has the better word, and silences this one.
 */
static bool
judge_stalled(const struct mail_case *c, struct verdicts *out)
{
	const struct record_message *m = fetch_open(c);
	const struct moment *since =
	    m == NULL || moment_before(&m->first, &c->conn->dir[1].data_last)
	    ? &c->conn->dir[1].data_last
	    : &m->first;
	int closer = case_first_closer(c);
	struct moment end = { .ns = c->conn->t_end };
	/* what it says later would show by its SEQ what was lost before */
	bool silent =
	    c->conn->dir[1].at_sender || case_silence_shown(c, 1, since) >= STALL_CLOSED * SECOND;
	char name[32];
	struct finding *f;

	if (closer >= 0)
		end = case_closed(c, closer);
	if (m == NULL || closer == 1 || c->session->gap_server || client_full(c) ||
	    end.ns - since->ns < (closer == 0 ? STALL_CLOSED : STALL_OPEN) * SECOND)
		return false;
	f = verdict_add(out, FINDING_POP_RETR_STALLED,
	    absence(c, case_stalled(c) ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE), c, 1);
	finding_span(f, &m->first, &end);
	evidence_frame(finding_says(f, c->point, "%s is asked for; %llu bytes of it came",
			   message_named(m, name), (unsigned long long)m->bytes),
	    &m->first);
	evidence_frame(finding_says(f, c->point, "then nothing from the server for %lld s; %s",
			   (long long)((end.ns - since->ns) / SECOND),
			   closer == 0 ? "the client gives up" : "the capture ends"),
	    closer == 0 ? &end : since);
	finding_summary(f, "Fetching %s stalled after %llu byte%s: %s.", name,
	    (unsigned long long)m->bytes, PLURAL(m->bytes),
	    silent ? "the server fell silent" : "nothing more of the server comes here");
	if (!silent)
		say_not_sent_or_not_come(f);
	return true;
}

/* It waited for more.  Of a server that goes on repeating what it had rule_deaf.c speaks. */
static void
say_nothing_new(const struct mail_case *c, const struct record_message *m, const struct moment *end,
    struct finding *f)
{
	evidence_frame(finding_says(f, c->point, "%lld s before that the last of it came",
			   (long long)((end->ns - m->last.ns) / SECOND)),
	    &m->last);
	finding_remedy(f,
	    "Nothing more came, and the program that fetches gave up: look at the server and at the way from it, not at the client.");
}

static void
judge_incomplete(const struct mail_case *c, struct verdicts *out)
{
	const struct record_message *m = message_cut(c);
	int closer = case_first_closer(c);
	struct moment end = closer >= 0 ? case_closed(c, closer) : c->conn->last;
	char name[32];
	struct finding *f;
	bool slow;

	if (m == NULL || closer < 0 || path_bad(c, out))
		return;
	f = verdict_add(out, FINDING_POP_INCOMPLETE, absence(c, CONFIDENCE_PROBABLE), c, 1);
	evidence_frame(finding_says(f, c->point, "%s begins; %llu bytes of it came%s",
			   message_named(m, name), (unsigned long long)m->bytes,
			   m->listed_size > m->bytes ? ", less than LIST said" : ""),
	    &m->first);
	evidence_frame(finding_says(f, c->point, "the %s closes before its end",
			   closer == 0 ? "client" : "server"),
	    &end);
	name[0] = (char)toupper((unsigned char)name[0]);
	finding_summary(f, "%s was cut off: the %s closed the connection before its end.", name,
	    closer == 0 ? "client" : "server");
	if (closer != 0)
		return;
	if (!client_full(c) && moment_is(&m->last) &&
	    end.ns - m->last.ns >= STALL_CLOSED * SECOND) {
		say_nothing_new(c, m, &end, f);
		return;
	}
	if (client_full(c)) {
		evidence_frame(
		    finding_says(f, c->point,
			"its window was full then: the program that fetches had not read what had come"),
		    &c->conn->dir[0].zero_from);
		finding_remedy(f,
		    "The program that fetches, or a scanner beside it, ended the session itself: look at its time-out, at its log, and at what made it read "
		    "so slowly. The server and the network were still delivering.");
		return;
	}
	slow = symptom_slow(c, m->bytes, &m->first, &m->last, &end, f);
	finding_remedy(f,
	    "The program that fetches, or a scanner beside it, ended the session itself: look at its log and its time-out. The server and the network were "
	    "still delivering%s.",
	    slow
		? ", but slowly: look at the line, and at what the server or the program waits for, and let the program wait for longer"
		: "");
}

/* ---- a message that has its end, and is not what was announced --------------- */

enum {
	ANNOUNCED_LEAST = 100,
	LARGE_LEAST = 10000,
	PART_OF = 10
}; /* bytes; some servers only guess how large a mail is, but not so wrong */

/* By LIST, or by "+OK 210 octets". */
static uint64_t
announced(const struct record_message *m)
{
	char *end;
	uint64_t said = strtoull(m->reply.text, &end, 10);

	if (end == m->reply.text || strncasecmp(end, " octets", 7) != 0)
		said = 0;
	return m->listed_size > said ? m->listed_size : said;
}

static void
judge_short(const struct mail_case *c, const struct record_message *m, struct verdicts *out)
{
	uint64_t due = announced(m);
	bool empty = m->bytes <= 2; /* a line's end */
	char name[32];
	struct finding *f;

	if (m->state != MESSAGE_WHOLE || m->gap ||
	    (empty ? due < ANNOUNCED_LEAST : due < LARGE_LEAST || m->bytes >= due / PART_OF))
		return;
	f = verdict_add(out, FINDING_POP_INCOMPLETE,
	    absence(c, empty ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), c, 1);
	finding_subkind(f, empty ? "empty" : "short");
	finding_span(f, &m->first, &m->last);
	evidence_frames(
	    finding_says(f, c->point, "%s was announced with %llu bytes; its end comes behind %llu",
		message_named(m, name), (unsigned long long)due, (unsigned long long)m->bytes),
	    &m->first, &m->last);
	if (c->session->deleted > 0 && c->session->quit_ok)
		evidence_frame(
		    finding_says(f, c->point, "the client deleted %u message%s in this session",
			c->session->deleted, PLURAL(c->session->deleted)),
		    &c->session->bye);
	name[0] = (char)toupper((unsigned char)name[0]);
	finding_summary(f, "%s came %s, although the server had announced %llu bytes.", name,
	    empty ? "empty" : "with no more than a small part", (unsigned long long)due);
	finding_remedy(f,
	    "The server's mailbox may be damaged, or a scanner (on the client's own machine, at a firewall) has taken the content away or put a note in its place: look at "
	    "the message with webmail, and into the scanner's log. Until it is found, leave messages on the server.");
	finding_next_capture(f, "a server that gives less than it announced",
	    "a scanner between that takes it away", "the same message as it left the server",
	    "at the server");
}

/* RFC 1939 3: a line of the message that begins with a dot is sent with two. */
static void
judge_behind_dot(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct finding *f;

	if (!moment_is(&s->behind_dot) || case_missing(c) || c->conn->disordered > 0)
		return;
	f = verdict_add(out, FINDING_POP_BAD_REPLY, CONFIDENCE_PROBABLE, c, 1);
	finding_subkind(f, "behind-the-dot");
	finding_span(f, &s->behind_dot, &s->behind_dot);
	evidence_frame(
	    finding_says(f, c->point,
		"behind the dot that ends a message lines follow that answer no command"),
	    &s->behind_dot);
	finding_summary(f,
	    "A message goes on behind its end: a line of one dot within it was most likely sent as it is, not doubled.");
	finding_remedy(f,
	    "The mail program takes the dot for the end of the message and the rest for answers, and gets out of step. Whoever sent the lines so (the server, or a scanner or "
	    "proxy before it) must double a dot at the beginning of a line (RFC 1939); until then delete this one message with webmail.");
}

static void
judge_duplicates(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct finding *f;

	if (s->deleted == 0 || moment_is(&s->quit) || !closed(c))
		return;
	f = verdict_add(out, FINDING_POP_DUPLICATE_DOWNLOAD, absence(c, CONFIDENCE_PROBABLE), c, 0);
	evidence_frame(finding_says(f, c->point,
			   "%u message%s marked for deletion, and the session ended without QUIT",
			   s->deleted, PLURAL(s->deleted)),
	    &c->conn->last);
	finding_summary(f,
	    "The session ended before QUIT: %u fetched message%s on the server and will come again.",
	    s->deleted, s->deleted == 1 ? " stays" : "s stay");
}

static void
judge_bad_reply(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct finding *f;

	if (!moment_is(&s->bad_reply))
		return;
	f = verdict_add(out, FINDING_POP_BAD_REPLY,
	    case_missing(c) || c->conn->disordered > 0 ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED,
	    c, 1);
	finding_span(f, &s->bad_reply, &s->bad_reply);
	evidence_frame(
	    finding_says(f, c->point,
		"a listing has the line \"%.70s\", which is no number and value", s->bad_line),
	    &s->bad_reply);
	finding_summary(f,
	    "The server's listing of messages has a line that cannot be read: \"%.70s\".",
	    s->bad_line);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct refusal r[REFUSALS_MAX];
	size_t n;

	if (c->session == NULL || !case_is_pop(c) || c->session->tls)
		return;
	n = refusals_gather(c, r, REFUSALS_MAX, NULL);
	for (size_t i = 0; i < n; i++)
		judge_refusal(v, &r[i], out);
	if (!judge_stalled(c, out))
		judge_incomplete(c, out);
	for (uint32_t i = 0; i < c->message_count; i++)
		judge_short(c, c->messages[i], out);
	judge_behind_dot(c, out);
	judge_duplicates(c, out);
	judge_bad_reply(c, out);
}

const struct rule rule_pop = { "pop", RULE_CASE, judge, false };
