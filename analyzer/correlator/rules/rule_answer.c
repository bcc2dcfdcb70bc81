/*
 * rule_answer.c - a message was sent whole: did its answer come, and did the client wait for it
 * (diagnosis 1C, 0.7 G and S)?  Causes of 1A silence these in the driver.
 */
#include "correlator/facts/symptom.h"

#define GONE_AT_ONCE SECOND /* who goes sooner has no time-out that is too short */

/* ---- no answer, or none that the client waited for ----------------------------------- */

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

/* rule_pause.c knows what held it up. */
static bool
pause_told(
    const struct record_transaction *t, const struct verdicts *out, const struct mail_case *c)
{
	const struct finding *f = verdict_claimed(out, c, 0, FINDING_SENDER_APP_PAUSE);

	return f != NULL && f->confidence > CONFIDENCE_CANNOT_TELL &&
	    f->last.ns > t->data_reply.at.ns && f->first.ns < t->end_of_data.ns;
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
		if (!pause_told(t, out, c))
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
		if (!symptom_too_big(c, t, out))
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

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL || !case_is_smtp(c))
		return;
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		if (t->nested || !moment_is(&t->end_of_data))
			continue;
		if (t->verdict == VERDICT_ACCEPTED)
			judge_accepted(v, t, out);
		else if (t->verdict == VERDICT_LOST || t->verdict == VERDICT_UNKNOWN)
			judge_waiting(v, t, out);
	}
}

const struct rule rule_answer = { "answer", RULE_CASE, judge, false };
