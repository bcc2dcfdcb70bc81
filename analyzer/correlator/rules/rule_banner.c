/* rule_banner.c - from the handshake to the end of the greeting (diagnosis 1B, 0.7). */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/beside.h"
#include "correlator/facts/greeting_wait.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/reply_help.h"
#include "correlator/facts/symptom.h"

#define CLIENT_WAITS (300 * SECOND)
#define LEFT_SOON    (30 * SECOND)
#define GREETS_BY    (10 * SECOND) /* nearly every server: longer is worth a word */

enum { LATER_LOOKED = 64 };

static bool
greeted(const struct mail_case *c)
{
	return c->session != NULL && moment_is(&c->session->greeting.at);
}

/* As case_first_closer(), but a close behind the client's goodbye is only its answer. */
static int
who_ended(const struct mail_case *c)
{
	struct moment goodbye = case_goodbye(c);

	return moment_is(&goodbye) ? 0 : case_first_closer(c);
}

/* ---- no greeting at all -------------------------------------------------------------- */

static void
say_ident_pending(const struct mail_case *c, const struct mail_case *ident, int64_t waited,
    bool gave_up, const struct moment *end, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_IDENT_DELAY, absence(c, CONFIDENCE_PROBABLE), c, 1);

	finding_subkind(f, "no-greeting");
	evidence_frame(finding_says(f, ident->point,
			   "the server asks back (TCP port 113), unanswered, %u time%s",
			   ident->conn->syn_count, PLURAL(ident->conn->syn_count)),
	    &ident->conn->first);
	evidence_frame(finding_says(f, c->point,
			   "no greeting in %lld s, when the query may still wait for its answer",
			   (long long)(waited / SECOND)),
	    end);
	finding_summary(f,
	    "No greeting came in %lld s: the server waits for an ident answer that a filter drops%s.",
	    (long long)(waited / SECOND), gave_up ? ", and the client waited no longer" : "");
	finding_next_capture(f, "an ident query that holds up the greeting",
	    "a server that is slow for another reason", "the greeting itself",
	    "here, with a client that waits a minute");
}

/*
 * It serves this client meanwhile: rather a limit of its than an access list or a program that
 * fails.
 */
static void
say_served(const struct view *v, struct finding *f, const struct moment *at, bool closed)
{
	struct beside_open others = beside_open_at(v, at);
	const struct mail_case *x, *last = NULL;
	uint32_t n = 0;

	while ((x = beside_open_next(&others)) != NULL)
		if (x->conn->state == CONN_ESTABLISHED && greeted(x) &&
		    moment_before(&x->session->greeting.at, at)) {
			n++;
			last = x;
		}
	if (n < 2)
		return;
	evidence_frame(
	    finding_says(f, last->point,
		"%u more connections of this client to this server are open at that moment, and were greeted; the last of them "
		"begins here",
		n),
	    &last->conn->first);
	finding_remedy(f,
	    "The server serves %u other connections of this client at that moment: probably %s. Let the client open fewer at once, or have the limit "
	    "raised.",
	    n,
	    closed
		? "it allows one client only so many (Courier: MAXPERIP; xinetd: per_source) and says so in its log only"
		: "all that it serves at once are taken (a limit of its processes or connections, also of a balancer before it), and this one waits for its turn");
}

/*
 * Two kinds of one event (0.7); its RST is no third.  An access list, or a device that accepts for
 * a dead server, does so at once.
 */
static void
say_closed_silent(
    const struct view *v, const struct moment *end, int64_t waited, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct finding *f =
	    verdict_add(out, FINDING_CONNECTED_NO_BANNER, absence(c, CONFIDENCE_CONFIRMED), c, 1);
	bool reset = symptom_is_reset(c, 1);
	char took[32];

	finding_subkind(f, reset ? "reset" : "closed");
	evidence_frame(finding_says(f, c->point, "the connection stands"), &c->conn->handshake);
	evidence_frame(finding_says(f, c->point, "no byte from the server in %s; then %s",
			   symptom_seconds(waited, took), reset ? "its RST" : "it closed"),
	    end);
	finding_summary(f,
	    "The server accepted the connection and %s it %s later, before a greeting.",
	    reset ? "reset" : "closed", took);
	finding_remedy(f,
	    "The server's log at that time says why. If it closes each time at once: an access list there (hosts.allow, a limit of "
	    "connections), a mail program that fails to start, or a firewall or balancer that accepts for a server that is down.");
	say_served(v, f, end, true);
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
	symptom_doubt_reset(c, 1, f);
	f = verdict_add(out, FINDING_SERVER_DROPPED, absence(c, CONFIDENCE_CONFIRMED), c, 1);
	finding_subkind(f, "before-banner");
	evidence_frame(finding_says(f, c->point, "the server closes before its greeting"), end);
	finding_summary(f,
	    "The server %s the connection before it greeted: the same event as connected-no-banner of this connection, and no second fault.",
	    reset ? "reset" : "closed");
	finding_remedy(f,
	    "What connected-no-banner says of this connection: the server's log at that time, an access list or a limit there.");
	symptom_doubt_reset(c, 1, f);
}

/*
 * What stands as another connection, without a beginning, is the rest of it: the capture's clock
 * was set, or lacks an hour.
 */
static bool
goes_on(const struct view *v)
{
	const struct record_connection *n = v->c->conn;
	struct case_iter it = { .client = &n->client.ip,
		.server = &n->server.ip,
		.server_port = n->server.port,
		.from_ns = n->last.ns,
		.to_ns = INT64_MAX };
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, LATER_LOOKED)) != NULL;)
		if (x != v->c && x->point == v->c->point && x->conn->state == CONN_MIDSTREAM &&
		    x->conn->client.port == n->client.port)
			return true;
	return false;
}

/*
 * A client that leaves shows by its packets that nothing came until then, and so does each packet
 * that is seen late.  Else it is only that nothing more was seen; a client that neither goes when
 * it may (RFC 5321 4.5.3.2.1) nor says a word: rather the capture lacks them both.
 */
static enum confidence
silence_sure(const struct mail_case *c, const struct moment *since, int64_t waited, int closer)
{
	if (waited < 30 * SECOND && closer < 0)
		return CONFIDENCE_CANNOT_TELL; /* some are slow on purpose, or ask names first */
	if (closer >= 0 || case_silence_shown(c, 0, since) >= 30 * SECOND ||
	    case_silence_shown(c, 1, since) >= 30 * SECOND)
		return CONFIDENCE_CONFIRMED;
	return waited > CLIENT_WAITS ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE;
}

static void
judge_silent(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c, *ident;
	struct moment end = greeting_client_done(c); /* the end of a capture has no frame */
	int64_t from = c->conn->handshake.ns;
	int64_t waited = end.ns - from - case_time_jumped(c, from, end.ns);
	int closer = who_ended(c);
	struct finding *f;
	char took[32];

	if (waited < (closer < 0 && c->conn->open ? GREETS_BY : 30 * SECOND) && closer != 1 &&
	    !(closer == 0 && waited >= 5 * SECOND))
		return;
	if ((ident = beside_ident_pending(v, end.ns)) != NULL && closer != 1) {
		say_ident_pending(c, ident, waited, closer == 0, &end, out);
		return;
	}
	if (closer == 1) {
		say_closed_silent(v, &end, waited, out);
		return;
	}
	if (closer < 0 && !c->conn->open && goes_on(v))
		return;
	f = verdict_add(out, FINDING_CONNECTED_NO_BANNER,
	    absence(c, silence_sure(c, &c->conn->handshake, waited, closer)), c, 1);
	evidence_frame(finding_says(f, c->point, "the connection stands"), &c->conn->handshake);
	evidence_frame(finding_says(f, c->point, "no byte from the server in %s; %s",
			   symptom_seconds(waited, took),
			   closer == 0         ? "then the client gave up"
			       : c->conn->open ? "the capture ends"
					       : "the capture has nothing more of it"),
	    &end);
	finding_summary(f, "The server accepted the connection and sent no greeting for %lld s.",
	    (long long)(waited / SECOND));
	say_served(v, f, &c->conn->handshake, false);
	if (waited < 30 * SECOND && closer < 0)
		finding_next_capture(f, "a server that never greets", "one that is slow to greet",
		    "what came after", "at the same place, until the client gives up");
	if (ident == NULL)
		finding_exclude(
		    f, FINDING_IDENT_DELAY, "no ident query of the server waits unanswered");
}

/*
 * The protocol that begins so, where it is another one than is spoken on this port; a star may be a
 * masked SMTP greeting.  NULL = not known.
 */
static const char *
other_protocol(const struct mail_case *c)
{
	int b = c->session->server_first_byte - 1;

	if (case_is_pop(c))
		return b == '2' ? "SMTP" : b == '*' ? "IMAP" : NULL;
	return b == '+' ? "POP3" : NULL;
}

/*
 * Its first byte begins no greeting, not even a masked one: a web server, SSH, TLS; or the greeting
 * of another mail protocol.
 */
static bool
server_is_other(const struct mail_case *c)
{
	int b = c->session->server_first_byte - 1;

	return other_protocol(c) != NULL || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
	    (b >= 0 && b < ' ' && b != '\r' && b != '\n') || b > '~';
}

/* A greeting begun (`220-') and never ended: the server closes, or nothing more comes. */
static void
judge_partial(const struct mail_case *c, struct verdicts *out)
{
	struct moment end = greeting_client_done(c), goodbye = case_goodbye(c);
	int64_t waited = c->session != NULL ? end.ns - c->session->greeting_begun.ns -
		case_time_jumped(c, c->session->greeting_begun.ns, end.ns)
					    : 0;
	int closer = who_ended(c);
	bool left_soon =
	    closer == 0 && waited < LEFT_SOON; /* then nobody knows that it would not have come */
	enum confidence sure;
	struct finding *f;

	/*
	 * behind a gap nobody knows whether it was ended; where something was answered, it is the
	 * capture that lacks it
	 */
	if (c->session == NULL || c->session->gap_server || c->session->replies > 0 ||
	    (c->session->early_talker && !moment_is(&goodbye)) || server_is_other(c) ||
	    (!c->session->greeting_cut && !moment_is(&c->session->greeting_begun)))
		return;
	if (closer == 1) {
		f = verdict_add(out, FINDING_SERVER_DROPPED, absence(c, CONFIDENCE_PROBABLE), c, 1);
		finding_subkind(f, "in-banner");
		evidence_frame(
		    finding_says(f, c->point, "the greeting begins"), &c->session->greeting_begun);
		evidence_frame(finding_says(f, c->point, "the server closes before it ends"), &end);
		finding_summary(f, "The server closed in the middle of its greeting.");
		return;
	}
	if (case_stalled(c) || (waited < 30 * SECOND && !(closer == 0 && waited >= 5 * SECOND)))
		return;
	sure = silence_sure(c, &c->session->greeting_begun, waited, closer);
	f = verdict_add(out, FINDING_CONNECTED_NO_BANNER,
	    absence(c, left_soon ? confidence_min(sure, CONFIDENCE_POSSIBLE) : sure), c, 1);
	finding_subkind(f, "partial");
	evidence_frame(
	    finding_says(f, c->point, "the greeting begins"), &c->session->greeting_begun);
	evidence_frame(finding_says(f, c->point, "it is not ended %lld s later; %s",
			   (long long)(waited / SECOND),
			   closer == 0 ? "then the client gave up" : "the capture ends"),
	    &end);
	finding_summary(f,
	    "The server began its greeting and did not end it for %lld s: a client has to wait for its last line.",
	    (long long)(waited / SECOND));
	if (left_soon)
		finding_remedy(f,
		    "The server lives, and most likely waits on purpose: Postfix's postscreen and others send the first line and keep the last one back for some "
		    "seconds, to catch programs that do not wait for it. Raise the program's server time-out to a minute at least%s; if the last line does not come then "
		    "either, look at the server.",
		    case_is_pop(c) ? "" : " (RFC 5321: five)");
}

/* ---- refused --------------------------------------------------------------------------- */

static void
judge_refused(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct record_reply *r = &c->session->greeting;
	struct reply_context ctx = { .stage = 'C', .greeting = r->text };
	struct refusal refusal = { .reply = r, .stage = 'C', .verb = "connect", .line = "connect" };
	struct reply_class cl;
	bool now = reply_digit(r) == 4, known;
	char quote[256];
	struct finding *f;

	reply_classify(v->replies, r, &ctx, &cl);
	reply_quote(r, false, quote, sizeof(quote));
	known = cl.how == REPLY_BY_TEXT ||
	    (now && cl.how == REPLY_BY_ENHANCED && cl.kind != FINDING_KINDS);
	if (!known &&
	    (verdict_claimed(out, c, 0, FINDING_PROTOCOL_ERROR) != NULL || greeting_tls_begun(c)))
		return; /* for speaking too early, or in TLS: told there */
	if (!known) {
		/* what the capture lacks of the client may have been said too early */
		f = verdict_add(out, FINDING_BANNER_REJECTED,
		    case_missing_dir(c, 0) ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED, c, 0);
		if (now) {
			f->severity = SEVERITY_WARNING;
			finding_remedy(f,
			    "The refusal is for now (4xx): a mail server tries again by itself. If it lasts, the server's words and its "
			    "log say why.");
		}
		finding_reply(f, r);
		evidence_frame(
		    finding_says(f, c->point, "the first reply is \"%s\"", quote), &r->at);
		if (cl.how == REPLY_BY_ENHANCED && cl.kind != FINDING_KINDS)
			finding_says(f, c->point,
			    "what its enhanced code stands for, and not more: %s",
			    kind_facts(cl.kind)->title);
		finding_summary(f, "The server refuses this client at its greeting%s: \"%s\".",
		    now ? ", for now" : "", quote);
		reply_client_shows(f, &refusal, false);
	}
	if (!known)
		return; /* a code alone says no more than that */
	f = verdict_add(out, cl.kind, cl.confidence, c, 0);
	finding_subkind(f, cl.subkind);
	finding_span(f, &r->at, &r->at);
	finding_reply(f, r);
	evidence_frame(finding_says(f, c->point, "the first reply is \"%s\"", quote), &r->at);
	if (cl.kind == FINDING_TOO_MANY_CONNECTIONS)
		beside_say_open(v, f, &r->at);
	if (cl.how == REPLY_BY_TEXT)
		finding_exclude(f, FINDING_BANNER_REJECTED, "the server's words say why");
	finding_summary(f, "The server refuses this client at its greeting: \"%s\".", quote);
	reply_remedy(f, r);
	reply_client_shows(f, &refusal, false);
	if (strcmp(f->subkind, "early-talker") == 0 && case_line_between(c, &r->at)) {
		f->confidence = confidence_min(f->confidence,
		    c->session->proxy_header ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE);
		say_line_between(c, f, r);
	}
}

/*
 * What the client said too early is the first thing that the server answers, and it refuses it: a
 * greeting begun (`220-') and then 521.
 */
static const struct record_reply *
early_refused(const struct record_session *s)
{
	const struct session_refusal *r = s->refusals_kept > 0 ? &s->refusals[0] : NULL;

	if (reply_digit(&s->greeting) == 5)
		return &s->greeting;
	if (r == NULL || r->stage != STAGE_EHLO || r->reply.code < 500 || s->ehlo_answered ||
	    r->asked.ns >= s->greeting.at.ns)
		return NULL;
	return &r->reply;
}

/* Client bytes before the end of the greeting, and the server minds (0.7). */
static void
judge_early(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const struct record_reply *refused = early_refused(s);
	struct moment end = case_closed(c, 1), goodbye = case_goodbye(c);
	bool none = !greeted(c);
	char quote[256];
	struct finding *f;

	/*
	 * who waited in vain and says QUIT did not speak too early; nor is that known where the
	 * server's first byte is not
	 */
	if (!s->early_talker || c->conn->disordered > 0 || !c->conn->dir[1].isn_known ||
	    moment_is(&goodbye) || !((none && moment_is(&end)) || refused != NULL))
		return;
	none = none && refused == NULL;
	/* a greeting that was acknowledged, and is not in the capture, did come first */
	f = verdict_add(out, FINDING_PROTOCOL_ERROR,
	    none && case_missing_dir(c, 1) ? CONFIDENCE_CANNOT_TELL : CONFIDENCE_CONFIRMED, c, 0);
	finding_subkind(f, "early-talker");
	evidence_frame(
	    finding_says(f, c->point, "the client speaks before the greeting is complete"),
	    &c->conn->dir[0].data_first);
	evidence_frame(finding_says(f, c->point, none ? "the server closes" : "the server refuses"),
	    none ? &end : &refused->at);
	if (refused != NULL)
		finding_reply(f, refused);
	if (none)
		finding_summary(f,
		    "The client spoke before the server had finished its greeting; servers take that for a spam program and hang up.");
	else
		finding_summary(f,
		    "The client spoke before the server had finished its greeting; servers take that for a spam program and refuse: \"%s\"%s.",
		    reply_quote(refused, false, quote, sizeof(quote)),
		    refused == &s->greeting ? " at its greeting" : "");
	finding_remedy(f,
	    "Let the mail program wait for the complete 220 greeting before it says EHLO; look for a virus or a script that sends mail.");
	if (!none)
		return;
	f = verdict_add(out, FINDING_SERVER_DROPPED, absence(c, CONFIDENCE_PROBABLE), c, 1);
	finding_subkind(f, "in-banner");
	evidence_frame(
	    finding_says(f, c->point, "the server closes before its greeting ends"), &end);
	finding_summary(f,
	    "The server closed before its greeting had ended: the client had spoken (protocol-error).");
	f->severity = SEVERITY_WARNING; /* the client's doing */
}

/*
 * A mail program met something that is no mail server.  What two others say to each other on this
 * port is not ours.
 */
static void
judge_other(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct finding *f;

	bool spoke =
	    s->ehlo || s->helo || s->lhlo || (case_is_pop(c) && c->conn->dir[0].data_segments > 0);
	const char *other = other_protocol(c), *own = case_is_pop(c) ? "POP3" : "SMTP";

	if (s->server_first_byte == 0x15 + 1)
		return; /* it waits for TLS: told there */
	/* who waits for a greeting, and leaves when it is none, may be a mail program as well */
	if (!spoke &&
	    (c->conn->dir[0].data_segments > 0 || !port_is_mail(c->conn->server.port) ||
		!moment_is(&c->conn->handshake)))
		return;
	f = verdict_add(out, FINDING_PROTOCOL_ERROR,
	    absence(c, spoke ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), c, 1);
	finding_subkind(f, "no-mail-server");
	evidence_frame(
	    finding_says(f, c->point, "the first bytes of the server are no greeting (%s)%s%s%s",
		case_is_pop(c) ? "+OK" : "220", s->server_opening[0] != '\0' ? ": \"" : "",
		s->server_opening, s->server_opening[0] != '\0' ? "\"" : ""),
	    &s->greeting_begun);
	if (other != NULL) {
		finding_summary(f, "What answers on port %u speaks %s, not %s.",
		    c->conn->server.port, other, own);
		finding_remedy(f,
		    "Check the name and the port of the server in the program, and where the port is forwarded to (router, balancer, container): %s answers "
		    "where %s is asked for.",
		    other, own);
		return;
	}
	symptom_no_mail_server(c, f);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (!greeting_expected(c))
		return;
	if (moment_is(&c->conn->handshake) && c->conn->dir[1].stream_bytes == 0) {
		if (!greeting_tls_begun(c) && !case_stalled(c) &&
		    verdict_claimed(out, c, 1, FINDING_SLOW_BANNER) == NULL)
			judge_silent(v, out);
	} else if (!greeted(c)) {
		judge_partial(c, out);
	}
	if (c->session != NULL && !greeted(c) && server_is_other(c)) {
		judge_other(c, out);
		return;
	}
	if (c->session == NULL || !case_is_smtp(c))
		return;
	judge_early(c, out);
	if (greeted(c) && reply_digit(&c->session->greeting) >= 4 && !case_missing_dir(c, 1) &&
	    c->conn->dir[1].isn_known)
		judge_refused(v, out);
}

const struct rule rule_banner = { "banner", RULE_CASE, judge, false };
