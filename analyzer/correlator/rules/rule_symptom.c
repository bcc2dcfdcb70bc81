/*
 * rule_symptom.c - how a mail or a session ended that no reply explains: who
 * closed, who waited (diagnosis 1C, 0.7 G and S).  Causes of 1A silence these
 * in the driver.
 */
#include <string.h>

#include "correlator/facts/symptom.h"

#define GONE_AT_ONCE SECOND /* who goes sooner has no time-out that is too short */

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

/* ---- the end of the message was sent ------------------------------------------------------- */

/*
 * It closes right behind the end of a message that was long on its way: nobody waits for an answer
 * so shortly.  It had given up before, while the message did not get on.
 */
static bool
gave_up_before(
    const struct mail_case *c, const struct record_transaction *t, const struct moment *closed)
{
	return moment_is(&t->data_reply.at) && case_waited(c, &t->end_of_data, closed) < SECOND &&
	    case_waited(c, &t->data_reply.at, &t->end_of_data) >= 5 * SECOND;
}

static void
say_gave_up_before(
    const struct mail_case *c, const struct record_transaction *t, bool came, struct verdicts *out)
{
	struct finding *f =
	    symptom(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_POSSIBLE, 0, t, out);
	char took[32];

	symptom_seconds(case_waited(c, &t->data_reply.at, &t->end_of_data), took);
	finding_subkind(f, "before");
	evidence_frame(
	    finding_says(f, c->point, "the server asks for the message"), &t->data_reply.at);
	evidence_frame(finding_says(f, c->point,
			   "%s later its end comes, and the client closes with it", took),
	    &t->end_of_data);
	finding_summary(f,
	    "The end of the message came %s after the server had asked for it, and the client closed with it: it had given up while its message "
	    "did not get on%s.",
	    took, came ? ", and did not hear that it was accepted" : "");
	finding_remedy(f,
	    "Look for what held the message up on its way, not at the server's answer: the path (packets that were lost, or too large), or the "
	    "client itself. Capture at the client.%s",
	    came ? " The mail may be sent again." : "");
}

#define DOT_PATIENCE (598 * SECOND) /* RFC 5321 4.5.3.2.6: 10 minutes, as clocks go */

/* Nobody can ask the client for more. */
static void
say_server_too_slow(struct finding *f, const char *waited)
{
	finding_summary(f,
	    "The server had the whole message and did not answer for %s: as long as a client has to wait. Then the client closed.",
	    waited);
	finding_remedy(f,
	    "Look at the server: what it does between the end of a message and its answer hangs (a scan of the content, a lookup, a mailbox, "
	    "a disk); its log of that time says what. The mail may arrive all the same, and be sent again.");
}

static void
say_gave_up_waiting(const struct view *v, const struct record_transaction *t,
    const struct moment *closed, bool came, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	enum confidence conf = case_closes_its_half(c) ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED;
	bool at_once = t->end_of_data.frame == closed->frame;
	struct finding *f;
	char waited[32];

	if (gave_up_before(c, t, closed)) {
		say_gave_up_before(c, t, came, out);
		return;
	}
	f = symptom(c, FINDING_CLIENT_GAVE_UP_WAITING, conf, 0, t, out);
	symptom_seconds(case_waited(c, &t->end_of_data, closed), waited);
	evidence_frame(finding_says(f, c->point, "the end of the message is sent%s",
			   t->end_acked ? " and acknowledged by TCP" : ""),
	    &t->end_of_data);
	evidence_frame(
	    finding_says(f, c->point, "%s%s the client closes without the server's answer",
		at_once ? "in the same packet" : waited, at_once ? "" : " later"),
	    closed);
	if (came)
		evidence_frame(
		    finding_says(f, c->point, "the answer comes too late"), &t->final_reply.at);
	else
		symptom_doubt_way_back(v, closed, f);
	if (!came && f->confidence == CONFIDENCE_CONFIRMED && case_answer_missing(c) == 0 &&
	    case_waited(c, &t->end_of_data, closed) >= DOT_PATIENCE) {
		say_server_too_slow(f, waited);
		return;
	}
	finding_summary(f, "The client closed %s after the end of the message, %s.", waited,
	    came
		? "before the server's answer: the mail was accepted, and a client that did not hear it sends it again"
		: case_answer_missing(c) > 0 ? "and the server's answer never came here"
					     : "before the server's answer");
	if (conf == CONFIDENCE_CONFIRMED && case_answer_missing(c) == 0 &&
	    case_waited(c, &t->end_of_data, closed) < GONE_AT_ONCE) {
		finding_remedy(f,
		    "No time-out is that short: the program does not wait, or its user ended it. If it does so each time, correct or update it (RFC 5321 "
		    "gives the server 10 minutes to answer). The mail may arrive and be sent again.");
		finding_client_shows(f, "%sduplicates at the recipient", came ? "" : "perhaps ");
		finding_subkind(f, "at-once");
	}
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

/*
 * More was sent than the server had said it takes, and it hangs up: some do so instead of saying
 * 552.
 */
static bool
say_too_big(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	uint64_t limit = case_size_limit(c);
	struct moment end = case_closed(c, 1);
	struct finding *f;

	if (limit == 0 || t->bytes <= limit)
		return false;
	f = symptom(c, FINDING_MESSAGE_TOO_BIG, CONFIDENCE_PROBABLE, 0, t, out);
	finding_subkind(f, "cut-off");
	evidence_frame(finding_says(f, c->point,
			   "the server announced that it takes at most %llu byte%s (SIZE)",
			   (unsigned long long)limit, PLURAL(limit)),
	    &c->session->capabilities_at);
	evidence_frame(
	    finding_says(f, c->point,
		"%llu bytes of the message were sent; then the server closes without a word",
		(unsigned long long)t->bytes),
	    &end);
	finding_summary(f,
	    "The server closed the connection after %llu bytes of a message; it had announced that it takes at most %llu.",
	    (unsigned long long)t->bytes, (unsigned long long)limit);
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
	return true;
}

/*
 * Another capture of this connection has the server's answer, and it came well before the client
 * closed: it was lost between the two.  NULL: none has; else *of is that capture's.
 */
static const struct record_transaction *
answered_elsewhere(const struct mail_case *c, const struct record_transaction *t,
    const struct moment *closed, const struct mail_case **of)
{
	int64_t waited = closed->ns - t->end_of_data.ns;

	for (const struct mail_case *x = c->copy; x != c; x = x->copy)
		for (uint32_t i = 0; i < x->transaction_count; i++) {
			const struct record_transaction *o = x->transactions[i];

			*of = x;
			if (o->key.n == t->key.n && o->verdict == VERDICT_ACCEPTED &&
			    moment_is(&o->end_of_data) && moment_is(&o->final_reply.at) &&
			    o->final_reply.at.ns - o->end_of_data.ns + SECOND < waited)
				return o;
		}
	return NULL;
}

/* The server was in time, and the client did wait: what lies between took the answer. */
static bool
say_answer_lost(const struct mail_case *c, const struct record_transaction *t,
    const struct moment *closed, struct verdicts *out)
{
	const struct mail_case *x;
	const struct record_transaction *o = answered_elsewhere(c, t, closed, &x);
	struct finding *f;
	char took[32], waited[32];

	if (o == NULL || absence(c, CONFIDENCE_CONFIRMED) < CONFIDENCE_POSSIBLE)
		return false;
	f = symptom(c, FINDING_DUPLICATE_DELIVERY, absence(c, CONFIDENCE_CONFIRMED), 1, t, out);
	symptom_seconds(case_waited(x, &o->end_of_data, &o->final_reply.at), took);
	symptom_seconds(case_waited(c, &t->end_of_data, closed), waited);
	finding_subkind(f, "answer-unheard");
	evidence_frame(
	    finding_says(f, x->point, "the server's answer, %s after the end of the message", took),
	    &o->final_reply.at);
	evidence_frame(
	    finding_says(f, c->point,
		"nearer to the client it is not seen; %s after the end of the message the client closes",
		waited),
	    closed);
	finding_summary(f,
	    "The server accepted the mail %s after its end, but that answer was lost between the two places of capture; the client waited %s for it. "
	    "Most likely it sends the mail again.",
	    took, waited);
	finding_remedy(f,
	    "The recipient may get the mail twice. Look between the two places: a firewall or NAT router that forgets silent connections too soon (RFC 5382: "
	    "two hours), or a line that failed.");
	finding_exclude(
	    f, FINDING_CLIENT_GAVE_UP_WAITING, "the answer came before the client closed");
	return true;
}

static void
judge_waiting(const struct view *v, const struct record_transaction *t, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct moment closed = case_closed(c, 0), dropped = case_closed(c, 1);
	bool client = moment_is(&closed) && closed.ns >= t->end_of_data.ns;
	bool server = moment_is(&dropped) && dropped.ns >= t->end_of_data.ns;
	struct finding *f;

	if (!t->end_acked || case_stalled(c) || case_one_sided(c))
		return;
	if (client && (!server || moment_before(&closed, &dropped))) {
		if (!say_answer_lost(c, t, &closed, out))
			say_gave_up_waiting(v, t, &closed, false, out);
	} else if (server) {
		if (!say_too_big(c, t, out))
			symptom_dropped(c, t, "after-data", CONFIDENCE_CONFIRMED, out);
	} else if (c->conn->t_end - t->end_of_data.ns > 5 * SECOND) {
		f = symptom(c, FINDING_SLOW_REPLY, CONFIDENCE_POSSIBLE, 1, t, out);
		finding_subkind(f, "no-reply-yet");
		evidence_frame(
		    finding_says(f, c->point,
			"the message is complete and acknowledged; no answer until the capture ends"),
		    &t->end_of_data);
		finding_summary(f,
		    "The server has the whole message and had not answered when the capture ended.");
		finding_next_capture(f, "an answer that was lost", "one that was never sent",
		    "what came after", "at the server, until the connection is closed");
	}
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
		if (say_too_big(c, t, out))
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
			"its RST answers a packet for a connection that is gone already: what ended it is not in the "
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

/* ---- accepted, but did the client hear it? ----------------------------------- */

/*
 * It waited, then said QUIT where an answer was due: for this client the mail has failed.  QUIT at
 * once is only pipelined.
 */
static bool
say_quit_waiting(
    const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	const struct moment *quit = &c->session->quit;
	struct finding *f;
	char waited[32];

	if (!moment_is(quit) || !moment_before(quit, &t->final_reply.at) ||
	    case_waited(c, &t->end_of_data, quit) < ASKED_LEAST ||
	    t != c->transactions[c->transaction_count - 1])
		return false;
	f = symptom(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_PROBABLE, 0, t, out);
	finding_subkind(f, "quit");
	symptom_seconds(case_waited(c, &t->end_of_data, quit), waited);
	evidence_frame(
	    finding_says(f, c->point, "the end of the message is sent"), &t->end_of_data);
	evidence_frame(finding_says(f, c->point,
			   "%s later the client says QUIT, without the server's answer", waited),
	    quit);
	evidence_frame(finding_says(f, c->point, "the answer comes too late"), &t->final_reply.at);
	finding_summary(f,
	    "The client said QUIT %s after the end of the message, before the server's answer: the mail was accepted, and a client that takes it for "
	    "failed sends it again.",
	    waited);
	return true;
}

/* The server had thought for a while: to a device on the way the connection was idle. */
static bool
say_met_reset(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	const struct record_direction *client = &c->conn->dir[0];
	bool idle = case_waited(c, &t->end_of_data, &t->final_reply.at) >= ASKED_LEAST;
	struct finding *f;
	char took[32];

	if (!reply_met_reset(c, t))
		return false;
	symptom_seconds(case_waited(c, &t->end_of_data, &t->final_reply.at), took);
	f = symptom(c, FINDING_DUPLICATE_DELIVERY, CONFIDENCE_PROBABLE, 1, t, out);
	finding_subkind(f, "answer-unheard");
	evidence_frame(finding_says(f, c->point, "the end of the message"), &t->end_of_data);
	evidence_frame(
	    finding_says(f, c->point, "the server's answer, %s later, is not acknowledged", took),
	    &t->final_reply.at);
	evidence_frame(
	    finding_says(f, c->point,
		"it is answered by a RST without ACK, TTL %u (the client's other packets: %u): whoever sent it knows no such "
		"connection",
		rst_ttl(client), client->ttl),
	    &client->rst);
	finding_summary(f,
	    "The server accepted the mail, but its answer, %s after the end of the message, is met by a RST: the client had gone%s. A client that did not "
	    "hear it sends the mail again.",
	    took,
	    idle ? ", or a firewall or NAT router on the way had forgotten the silent connection"
		 : ", or a device in "
		   "between no longer knew the connection");
	if (idle)
		finding_remedy(f,
		    "The recipient may get the mail twice. Look at the client's log first: if it had not given up by then, let the firewall or NAT router "
		    "keep silent connections for longer (RFC 5382: two hours). Speed up the server's scan in any case.");
	finding_next_capture(f, "a client that had gone", "a device that forgot the connection",
	    "what the client saw of it", "at the client, or on its side of the router");
	return true;
}

static void
judge_accepted(const struct view *v, const struct record_transaction *t, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct moment closed = case_closed(c, 0);
	const struct record_stall *s;
	struct finding *f;

	if (!moment_is(&t->end_of_data) || !moment_is(&t->final_reply.at))
		return;
	if (moment_is(&closed) && closed.ns >= t->end_of_data.ns &&
	    moment_before(&closed, &t->final_reply.at) && !case_hears_after_close(c)) {
		say_gave_up_waiting(v, t, &closed, true, out);
		return;
	}
	if (say_quit_waiting(c, t, out) || say_met_reset(c, t, out) ||
	    (s = reply_unheard(c, t)) == NULL)
		return;
	f = symptom(c, FINDING_DUPLICATE_DELIVERY, CONFIDENCE_PROBABLE, 1, t, out);
	finding_subkind(f, "answer-unheard");
	evidence_frames(
	    finding_says(f, c->point, "the server's answer is sent %u times and never acknowledged",
		s->chain_count),
	    &s->first, &s->last);
	finding_summary(f,
	    "The server accepted the mail, but its answer did not reach the client, which will send the mail again.");
	finding_remedy(f,
	    "The recipient may get the mail twice. Look for what keeps the server's packets from the client: a line that failed, a firewall or NAT router "
	    "that forgot the connection.");
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
judge_transaction(const struct view *v, const struct record_transaction *t, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	if (t->nested)
		return;
	if (t->verdict == VERDICT_ACCEPTED) {
		judge_accepted(v, t, out);
		return;
	}
	if (t->verdict != VERDICT_LOST && t->verdict != VERDICT_UNKNOWN && !half_answered(c, t))
		return;
	if (moment_is(&t->end_of_data)) {
		judge_waiting(v, t, out);
	} else if (closed_in_envelope(c, t)) {
		judge_envelope(c, t, out);
	} else {
		judge_unfinished(c, t, out);
	}
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
		judge_transaction(v, c->transactions[i], out);
	if (!session_is_stale(c))
		judge_session(c, out);
}

const struct rule rule_symptom = { "symptom", RULE_CASE, judge, false };
