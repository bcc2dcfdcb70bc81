/*
 * rule_symptom.c - how a mail that was not sent whole, or a session, ended that no reply explains:
 * who closed, who waited (diagnosis 1C, 0.7 G and S).  Causes of 1A silence these in the driver.
 */
#include <string.h>

#include "correlator/facts/symptom.h"

/*
 * Some bytes were sent and never acknowledged before the close: the path, not the people (0.7 S).
 */
static bool
close_is_meant(const struct mail_case *c)
{
	return !case_stalled(c) && case_all_acked(c, 0) && case_all_acked(c, 1);
}

/*
 * Who is gone does not acknowledge what the server says after the close: it is answered with RST.
 */
static bool
gone_is_answered(const struct mail_case *c)
{
	const struct moment *fin = &c->conn->dir[0].fin;

	return !case_stalled(c) && case_all_acked(c, 0) && moment_is(fin) &&
	    moment_before(fin, &c->conn->dir[1].data_last) && moment_is(&c->conn->dir[0].rst);
}

/*
 * The last that either said before the server closed; what a client says later goes into the void.
 */
static const struct moment *
last_said(const struct mail_case *c, const struct moment *closed)
{
	const struct moment *a = &c->conn->dir[0].data_last, *b = &c->conn->dir[1].data_last;

	return a->ns > b->ns && a->ns <= closed->ns ? a : b;
}

/*
 * How long both had been silent, all of it acknowledged and nothing to answer, when the server
 * closed.
 */
static int64_t
silent_before(const struct mail_case *c, const struct moment *closed)
{
	return closed->ns - last_said(c, closed)->ns;
}

/* It was the client's turn: a server that gives up waiting, but does not say so. */
static void
say_server_gave_up(const struct mail_case *c, const struct record_transaction *t,
    const char *meanwhile, struct verdicts *out)
{
	struct moment end = case_closed(c, 1);
	/*
	 * a host that aborts sends RST with ACK; without one it answers a packet, which the capture
	 * lacks, or a device sent it
	 */
	bool doubt = symptom_is_reset(c, 1) && c->conn->dir[1].rst_bare;
	struct finding *f = symptom(c, FINDING_SERVER_TIMEOUT_421,
	    doubt ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE, 1, t, out);
	char waited[32];

	symptom_seconds(silent_before(c, &end), waited);
	finding_subkind(f, "without-a-word");
	evidence_frame(
	    finding_says(f, c->point, "the last that was said: it was the client's turn"),
	    last_said(c, &end));
	evidence_frame(
	    finding_says(f, c->point, "%s later the server closes without a word", waited), &end);
	if (doubt)
		evidence_frame(
		    finding_says(f, c->point,
			"its RST has no ACK, as one that answers a packet: one that the capture lacks, or a device in between "
			"sent it"),
		    &end);
	finding_summary(f,
	    "The server closed after %s in which the client %s: it gave up waiting%s.", waited,
	    meanwhile,
	    doubt ? ", or no longer knew the connection, or a device in between reset it" : "");
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
}

/* ---- the message was not finished -------------------------------------------- */

/*
 * The client's RST has a mark that its other packets have not: somebody else may have sent it, to
 * both ends.  Or it says only that the connection was gone already.
 */
static bool
close_is_doubtful(const struct mail_case *c)
{
	const struct record_direction *d = &c->conn->dir[0];

	return symptom_is_reset(c, 0) &&
	    (d->rst_answers || d->reset_signs != 0 ||
		(d->ttl != 0 && rst_ttl(d) != 0 && d->ttl != rst_ttl(d)));
}

/*
 * LF "." LF: the client takes it for the end and waits for an answer; the server waits for CRLF "."
 * CRLF (RFC 5321 2.3.8, 4.1.1.4), as all do since such ends were used to smuggle mails in.
 */
static bool
say_bare_end(
    const struct mail_case *c, const struct record_transaction *t, int closer, struct verdicts *out)
{
	struct moment end = { .ns = c->conn->t_end };
	struct finding *f;

	if (closer >= 0)
		end = case_closed(c, closer);
	if (!t->end_bare || !case_all_acked(c, 0) ||
	    end.ns - t->last.ns < (closer >= 0 ? 1 : 4) * ASKED_LEAST)
		return false;
	f = symptom(c, FINDING_PROTOCOL_ERROR, CONFIDENCE_PROBABLE, 0, t, out);
	finding_subkind(f, "bare-lf");
	evidence_frame(
	    finding_says(f, c->point,
		"the message ends with a dot in a line of its own, but these lines end in LF alone, without CR"),
	    &t->last);
	evidence_frame(
	    finding_says(f, c->point, "all of it is acknowledged by TCP; no answer for %lld s, %s",
		(long long)((end.ns - t->last.ns) / SECOND),
		closer == 0       ? "then the client closes"
		    : closer == 1 ? "then the server closes"
				  : "then the capture ends"),
	    &end);
	finding_exclude(f, FINDING_SLOW_REPLY,
	    "to the server the message is not over: only CRLF, dot, CRLF ends it");
	finding_summary(f,
	    "The client ended its message with bare line feeds (LF, dot, LF), which the server does not take for the end: both wait.");
	finding_remedy(f,
	    "Let the program that sends end each line with CR LF: servers no longer take a bare LF for a line's end (RFC 5321 2.3.8), because "
	    "mails were smuggled in with it. Update the program or library; a script has to write \\r\\n.");
	finding_client_shows(f, "0x800CCC19 (time-out)");
	return true;
}

/* The client goes by answers to other lines than its own. */
static bool
replies_shifted(const struct mail_case *c, const struct verdicts *out)
{
	const struct finding *f = verdict_claimed(out, c, -1, FINDING_PROTOCOL_ERROR);

	return f != NULL && strcmp(f->subkind, "line-between") == 0;
}

/*
 * The client closes in the middle of the message, and only then the server refuses what it has of
 * it (qpsmtpd: 451 Incomplete DATA).
 */
static bool
half_answered(const struct mail_case *c, const struct record_transaction *t)
{
	struct moment closed = case_closed(c, 0);

	return (t->verdict == VERDICT_DEFERRED || t->verdict == VERDICT_REFUSED) &&
	    t->stage == STAGE_DOT && t->data_reply.code == 354 && !t->bdat &&
	    !moment_is(&t->end_of_data) && moment_is(&closed) &&
	    moment_before(&closed, &t->final_reply.at);
}

static void
judge_unfinished(
    const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	int closer = case_first_closer(c);
	struct moment end;
	struct finding *f;
	bool doubt, slow;

	if (t->bdat && c->session->chunk_whole &&
	    c->session->command_unanswered) /* the server did not answer: rule_unanswered.c */
		return;
	if (!t->data_sent || (!t->bdat && t->data_reply.code != 354) || case_one_sided(c) ||
	    case_stalled(c) || say_bare_end(c, t, closer, out) || closer < 0)
		return;
	if (closer == 1 && !session_farewell(c)) {
		end = case_closed(c, 1);
		if (symptom_too_big(c, t, out))
			return;
		if (silent_before(c, &end) >= ASKED_LEAST && close_is_meant(c))
			say_server_gave_up(c, t, "sent no more of the message", out);
		else
			symptom_dropped(c, t, "in-data", CONFIDENCE_CONFIRMED, out);
		return;
	}
	if (closer == 0 && (!(close_is_meant(c) || gone_is_answered(c)) || replies_shifted(c, out)))
		return;
	end = case_closed(c, closer);
	/* the server was tired of waiting, but the client, as far as it was heard, had not stopped
	 */
	if (closer == 1 &&
	    (!case_all_acked(c, 0) || end.ns - c->conn->dir[0].data_last.ns < ASKED_LEAST))
		return;
	doubt = close_is_doubtful(c);
	f = symptom(c, FINDING_CLIENT_GAVE_UP_AT_DATA,
	    closer == 0 && !doubt ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE, 0, t, out);
	evidence_frame(
	    finding_says(f, c->point, "the server asks for the message (354)"), &t->data_reply.at);
	evidence_frame(finding_says(f, c->point, "%llu byte%s of it came; %s before its end",
			   (unsigned long long)t->bytes, PLURAL(t->bytes),
			   closer == 0 ? "the client closes"
				       : "the client falls silent and the server closes"),
	    &end);
	slow = closer == 0 && symptom_slow(c, t->bytes, &t->data_reply.at, &t->last, &end, f);
	if (doubt && c->conn->dir[0].rst_answers)
		evidence_frame(
		    finding_says(f, c->point,
			"its RST answers a packet as who knows no such connection any more: what ended that is not in the "
			"capture"),
		    &c->conn->dir[0].rst);
	else if (doubt)
		evidence_frame(
		    finding_says(f, c->point,
			"it closes with a RST whose TTL is %u, its other packets have %u",
			rst_ttl(&c->conn->dir[0]), c->conn->dir[0].ttl),
		    &c->conn->dir[0].rst);
	finding_summary(f, "The client stopped sending the message after %llu byte%s%s%s.",
	    (unsigned long long)t->bytes, PLURAL(t->bytes), slow ? ": it had got on slowly" : "",
	    doubt ? ", or a device in between reset the connection in its name" : "");
}

/* ---- the session ------------------------------------------------------------- */

/* Closed by the server in mid-session, before any mail, with neither 221 nor 421. */
static void
judge_session(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct moment end = case_closed(c, 1);

	if (c->transaction_count > 0 || !moment_is(&s->greeting.at) || s->greeting.code >= 400 ||
	    s->tls || case_first_closer(c) != 1)
		return;
	if (moment_is(&s->bye) || moment_is(&s->quit) || session_farewell(c) || case_stalled(c) ||
	    symptom_last_refuses(c))
		return;
	if (!s->command_unanswered && silent_before(c, &end) >= ASKED_LEAST && close_is_meant(c))
		say_server_gave_up(c, NULL,
		    moment_is(&s->starttls_reply.at) && s->starttls_reply.code == 220
			? "did not begin the encryption that it had asked for"
			: "said nothing more",
		    out);
	else if (!symptom_is_reset(c, 1)) /* a RST says it for itself */
		symptom_dropped(c, NULL, "in-session",
		    case_midstream(c) ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE, out);
}

/*
 * The server closed between MAIL and DATA, where it was the client's turn, with neither 221 nor
 * 421.
 */
static bool
closed_in_envelope(const struct mail_case *c, const struct record_transaction *t)
{
	const struct record_session *s = c->session;
	struct moment end = case_closed(c, 1);

	if ((t->data_sent && !moment_before(&end, &t->data_at)) || t->verdict != VERDICT_LOST ||
	    t != c->transactions[c->transaction_count - 1] || case_first_closer(c) != 1 ||
	    moment_before(&end, &t->first) || symptom_is_reset(c, 1))
		return false;
	if (moment_is(&s->bye) || (moment_is(&s->quit) && moment_before(&s->quit, &end)) ||
	    session_farewell(c) || case_one_sided(c) || case_stalled(c) || symptom_last_refuses(c))
		return false;
	return !s->command_unanswered || session_is_stale(c);
}

static void
judge_envelope(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	struct moment end = case_closed(c, 1);

	if (silent_before(c, &end) >= ASKED_LEAST)
		say_server_gave_up(c, t, "said nothing more", out);
	else
		symptom_dropped(c, t, "in-session", CONFIDENCE_PROBABLE, out);
}

static void
judge_transaction(
    const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	/* one that was sent whole: rule_answer.c */
	if (t->nested || moment_is(&t->end_of_data) ||
	    (t->verdict != VERDICT_LOST && t->verdict != VERDICT_UNKNOWN && !half_answered(c, t)))
		return;
	if (closed_in_envelope(c, t))
		judge_envelope(c, t, out);
	else
		judge_unfinished(c, t, out);
}

/* "421 timed out" behind MAIL or RCPT, told by what it says. */
static bool
said_goodbye_in_mail(const struct mail_case *c, const struct record_transaction *t)
{
	return t->verdict == VERDICT_LOST && session_farewell(c) &&
	    moment_before(&t->first, &c->conn->dir[1].fin);
}

/* Usually harmless: a new connection heals it. */
static void
judge_stale(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const struct moment *fin = &c->conn->dir[1].fin, *last = &c->conn->dir[0].data_last;
	int64_t gap = moment_gap(fin, last);
	struct finding *f;

	if (!session_is_stale(c) || (moment_is(&s->quit) && s->quit.ns >= fin->ns))
		return;
	if (case_is_smtp(c) && c->transaction_count > 0 &&
	    (closed_in_envelope(c, c->transactions[c->transaction_count - 1]) ||
		said_goodbye_in_mail(c, c->transactions[c->transaction_count - 1])))
		return; /* it cost that mail, and no idle connection */
	f = verdict_add(out, FINDING_STALE_SESSION_RESET, CONFIDENCE_CONFIRMED, c, 0);
	finding_subkind(f, "closed-before");
	finding_span(f, fin, last);
	evidence_frame(finding_says(f, c->point, "the server closes the connection"), fin);
	evidence_frame(finding_says(f, c->point, "%lld s later the client sends a command over it",
			   (long long)(gap / SECOND)),
	    last);
	finding_summary(f, "The client used a connection that the server had closed %lld s before.",
	    (long long)(gap / SECOND));
	finding_remedy(f,
	    "Usually harmless: a client that keeps connections sends again over a new one. If mails stay behind, let it keep "
	    "connections for a shorter time than the server does.");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL)
		return;
	judge_stale(c, out);
	if (!case_is_smtp(c))
		return;
	for (uint32_t i = 0; i < c->transaction_count; i++)
		judge_transaction(c, c->transactions[i], out);
	if (!session_is_stale(c))
		judge_session(c, out);
}

const struct rule rule_symptom = { "symptom", RULE_CASE, judge, false };
