/* rule_mode.c - one side speaks TLS, the other plain text (diagnosis 1C, 0.7). */
#include <stdio.h>

#include "correlator/facts/symptom.h"

enum { POP_OK = 1 }; /* record_reply.code of +OK */

#define STILL_OPEN (15 * SECOND) /* a hello comes as soon as the connection stands */

static bool
byte_is(uint16_t first_byte, int lo, int hi)
{
	return first_byte > 0 && first_byte - 1 >= lo && first_byte - 1 <= hi;
}

static struct finding *
mismatch(const struct mail_case *c, const char *form, enum confidence conf, struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_TLS_MODE_MISMATCH, conf, c, 0);

	finding_subkind(f, form);
	return f;
}

/* The first byte seen of a side is the first that it sent. */
static bool
begins_here(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];

	return !case_midstream(c) && (d->unseen_count == 0 || d->unseen[0].at > 0);
}

static bool
judge_mismatch(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	enum confidence conf =
	    begins_here(c, 0) && begins_here(c, 1) ? CONFIDENCE_CONFIRMED : CONFIDENCE_POSSIBLE;
	char quote[256];
	struct finding *f;

	if (byte_is(s->client_first_byte, 0x16, 0x16) &&
	    (byte_is(s->server_first_byte, '2', '5') || byte_is(s->server_first_byte, '+', '+')) &&
	    !s->starttls_tried &&
	    !case_midstream(c)) { /* where the STARTTLS may lie before the capture */
		f = mismatch(c, "tls-to-plain", conf, out);
		evidence_frame(
		    finding_says(f, c->point, "the client begins with a TLS ClientHello"),
		    &c->conn->dir[0].data_first);
		evidence_frame(finding_says(f, c->point,
				   reply_digit(&s->greeting) >= 4
				       ? "the server speaks plain text, and refuses: \"%s\""
				       : "the server speaks plain text",
				   reply_quote(&s->greeting, false, quote, sizeof(quote))),
		    &c->conn->dir[1].data_first);
		finding_summary(f,
		    "The client is set to SSL/TLS, but port %u of the server speaks plain text.",
		    c->conn->server.port);
		return true;
	}
	if (byte_is(s->client_first_byte, 0x16, 0x16) && s->server_opening[0] != '\0' &&
	    !s->starttls_tried) {
		f = mismatch(c, "no-mail-server", conf, out);
		evidence_frame(
		    finding_says(f, c->point, "the client begins with a TLS ClientHello"),
		    &c->conn->dir[0].data_first);
		evidence_frame(finding_says(f, c->point,
				   "the answer is plain text, and no greeting of mail: \"%s\"",
				   s->server_opening),
		    &c->conn->dir[1].data_first);
		symptom_no_mail_server(c, f);
		return true;
	}
	if (byte_is(s->server_first_byte, 0x15, 0x15) &&
	    (byte_is(s->client_first_byte, 'A', 'Z') || byte_is(s->client_first_byte, 'a', 'z'))) {
		f = mismatch(c, "plain-to-tls", conf, out);
		evidence_frame(finding_says(f, c->point, "the client speaks plain text"),
		    &c->conn->dir[0].data_first);
		evidence_frame(finding_says(f, c->point, "the server answers with a TLS alert"),
		    &c->conn->dir[1].data_first);
		finding_summary(f,
		    "The client is set to no encryption (or STARTTLS), but port %u of the server expects TLS at once.",
		    c->conn->server.port);
		return true;
	}
	return false;
}

/*
 * It has no hello to answer, and the client is silent to the end: it tells with an alert that it
 * has waited in vain (OpenSMTPD).
 */
static bool
alert_to_nobody(const struct mail_case *c)
{
	return c->session != NULL && byte_is(c->session->server_first_byte, 0x15, 0x15) &&
	    c->conn->dir[0].stream_bytes == 0 && begins_here(c, 0) && begins_here(c, 1);
}

enum both_wait { SPEAKS, UNTIL_GOODBYE, UNTIL_CLOSE, UNTIL_CAPTURE_ENDS };

/*
 * Neither side speaks first, until `end'.  QUIT is plain text; who leaves at once without it may be
 * a scan.
 */
static enum both_wait
both_wait(const struct mail_case *c, struct moment *end)
{
	int closer = case_first_closer(c);
	int64_t least = closer < 0 ? STILL_OPEN : closer == 0 ? 5 * SECOND : 10 * SECOND;

	*end = case_goodbye(c);
	if (moment_is(end))
		return UNTIL_GOODBYE;
	*end = closer >= 0       ? case_closed(c, closer)
	    : c->capture != NULL ? c->capture->last
				 : c->conn->last;
	if (c->conn->dir[0].stream_bytes > 0 || case_waited(c, &c->conn->handshake, end) < least)
		return SPEAKS;
	return closer < 0 ? UNTIL_CAPTURE_ENDS : UNTIL_CLOSE;
}

/* M2: a client that waits for a greeting on a port where the server waits for a ClientHello. */
static bool
judge_both_wait(const struct mail_case *c, struct verdicts *out)
{
	static const char *const until[] = {
		[UNTIL_GOODBYE] = "the client leaves with a QUIT that is not encrypted",
		[UNTIL_CLOSE] = "one closes",
		[UNTIL_CAPTURE_ENDS] = "the capture ends",
	};
	struct finding_evidence *evidence;
	enum both_wait wait;
	struct moment end;
	struct finding *f;
	char took[32];

	if (!c->has_conn || c->conn->state != CONN_ESTABLISHED || case_stalled(c) ||
	    (!alert_to_nobody(c) &&
		(!port_is_tls(c->conn->server.port) || c->conn->dir[1].stream_bytes > 0)))
		return false;
	if ((wait = both_wait(c, &end)) == SPEAKS)
		return false;
	/* of a connection that was left alone, either side's words may have been lost before here
	 */
	f = mismatch(c, "both-wait",
	    absence(c, wait == UNTIL_CAPTURE_ENDS ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE),
	    out);
	finding_span(f, &c->conn->handshake, &end);
	evidence = finding_says(f, c->point, "neither side says a word on port %u for %s, until %s",
	    c->conn->server.port, symptom_seconds(case_waited(c, &c->conn->handshake, &end), took),
	    until[wait]);
	if (wait == UNTIL_CAPTURE_ENDS)
		evidence_frame(evidence, &c->conn->handshake);
	else
		evidence_frames(evidence, &c->conn->handshake, &end);
	if (alert_to_nobody(c))
		evidence_frame(finding_says(f, c->point, "then the server sends a TLS alert"),
		    &c->conn->dir[1].data_first);
	finding_summary(f,
	    "Nobody speaks on port %u: the client waits for a greeting, the server for TLS.",
	    c->conn->server.port);
	return true;
}

/* ---- behind STARTTLS ------------------------------------------------------------------------ */

static bool
starttls_taken(const struct record_session *s)
{
	return s->starttls_tried && moment_is(&s->starttls_reply.at) &&
	    (s->starttls_reply.code == POP_OK || reply_digit(&s->starttls_reply) == 2);
}

/* The client begins TLS, as it was told to, and is answered in plain text. */
static bool
judge_plain_answer(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	bool pop = case_is_pop(c);
	const char *word = pop ? "STLS" : "STARTTLS";
	char taken[256], quote[256];
	struct finding *f;

	if (!starttls_taken(s) || !moment_is(&s->tls_plain.at))
		return false;
	f = verdict_add(out, FINDING_TLS_MODE_MISMATCH,
	    case_missing(c) ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED, c, 1);
	finding_subkind(f, "plain-behind-starttls");
	finding_span(f, &s->starttls_reply.at, &s->tls_plain.at);
	reply_quote(&s->starttls_reply, pop, taken, sizeof(taken));
	reply_quote(&s->tls_plain, pop, quote, sizeof(quote));
	evidence_frame(
	    finding_says(f, c->point, "%s is answered \"%s\"", word, taken), &s->starttls_reply.at);
	evidence_frame(finding_says(f, c->point, "the client begins TLS"), &s->tls_at);
	evidence_frame(finding_says(f, c->point, "what comes back is plain text: \"%s\"", quote),
	    &s->tls_plain.at);
	finding_summary(f,
	    "%s is taken (\"%s\"), and then plain text answers the client's TLS: no encryption comes about.",
	    word, taken);
	finding_remedy(f,
	    "Either the server's TLS is broken, or something before it (a proxy, a firewall or scanner that inspects mail) answers %s itself and hands what follows to a "
	    "server that never heard of it. The server's log says whether the command came there; port %s with SSL/TLS goes round it.",
	    word, pop ? "995" : "465");
	if (!c->conn->dir[1].at_sender)
		finding_next_capture(f, "a server whose TLS is broken",
		    "a device that answers in its place", "what arrives at the server",
		    "at the server");
	return true;
}

/*
 * The client asks for TLS, is told to begin, and speaks plain text; the server, which waits for a
 * hello, ends it.
 */
static bool
judge_plain_client(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const char *word = case_is_pop(c) ? "STLS" : "STARTTLS";
	struct moment end = case_closed(c, 1);
	char taken[256];
	struct finding *f;

	if (!starttls_taken(s) || !moment_is(&s->tls_unused) || case_missing(c) ||
	    case_midstream(c) || c->conn->disordered > 0)
		return false;
	if (!moment_is(&end) || !moment_before(&s->tls_unused, &end) ||
	    (s->tls_alert_from != 1 && moment_before(&s->tls_unused, &c->conn->dir[1].data_last)))
		return false;
	f = verdict_add(out, FINDING_TLS_MODE_MISMATCH, CONFIDENCE_PROBABLE, c, 0);
	finding_subkind(f, "no-hello");
	finding_span(f, &s->starttls_reply.at, &end);
	evidence_frame(finding_says(f, c->point, "%s is answered \"%s\"", word,
			   reply_quote(&s->starttls_reply, case_is_pop(c), taken, sizeof(taken))),
	    &s->starttls_reply.at);
	evidence_frame(
	    finding_says(f, c->point, "then the client goes on in plain text"), &s->tls_unused);
	evidence_frame(
	    finding_says(f, c->point, "the server, which waits for TLS, ends the connection"),
	    &end);
	finding_summary(f,
	    "The client asks for %s, is told to begin, and goes on in plain text: the server ends the connection.",
	    word);
	finding_remedy(f,
	    "The client's program does not wait for the answer to %s or cannot do TLS: update it, or set it to the encryption that it can do. If its log says that it "
	    "did begin TLS, something between client and server (a proxy that inspects mail) takes the encryption off.",
	    word);
	return true;
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (judge_both_wait(c, out) || c->session == NULL || (!case_is_smtp(c) && !case_is_pop(c)))
		return;
	if (!judge_mismatch(c, out) && !judge_plain_answer(c, out))
		judge_plain_client(c, out);
}

const struct rule rule_mode = { "mode", RULE_CASE, judge, false };
