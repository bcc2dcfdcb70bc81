/*
 * rule_symptom.c - how a mail ended that no reply explains: who closed, who
 * waited, who was slow (diagnosis 1C, 0.7 G and S).  Causes of 1A silence
 * these in the driver.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "dialogue.h"
#include "lookup.h"

#define ASKED_LEAST	(5 * SECOND)	/* a silence worth a word, as before a greeting */

static bool
unsolicited_farewell(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	for (uint32_t i = 0; i < s->refusals_kept && i < RECORD_REFUSALS; i++)
		if (s->refusals[i].reply.code == 421 || (s->refusals[i].unsolicited && reply_has_words(&s->refusals[i].reply, "timeout")))
			return true;
	return false;
}

/* Some bytes were sent and never acknowledged before the close: the path, not the people (0.7 S). */
static bool
close_is_meant(const struct mail_case *c)
{
	return !case_stalled(c) && case_all_acked(c, 0) && case_all_acked(c, 1);
}

static struct finding *
symptom(const struct mail_case *c, enum finding_kind kind, enum confidence conf, int dir, const struct record_transaction *t,
    struct verdicts *out)
{
	/* which reply answered what was guessed there: no more is known for certain */
	bool guessed = t != NULL && t->unsure;
	struct finding *f = verdict_add(out, kind, absence(c, guessed ? confidence_min(conf, CONFIDENCE_POSSIBLE) : conf), c, dir);

	if (t != NULL && moment_is(&t->first))
		finding_span(f, &t->first, moment_is(&t->last) ? &t->last : &c->conn->last);
	return f;
}

static const char *
seconds(int64_t ns, char buf[32])
{
	snprintf(buf, 32, "%lld.%lld s", (long long)(ns / SECOND), (long long)(ns % SECOND / 100000000));
	return buf;
}

/* ---- the end of the message was sent ------------------------------------------------------- */

/*
 * Had the server answered in vain?  At its own side, and where its packets come
 * even after the close, no; else nobody can see that from here.
 */
static void
doubt_way_back(const struct mail_case *c, const struct moment *closed, struct finding *f)
{
	const struct record_direction *server = &c->conn->dir[1];

	if (server->at_sender) {
		finding_exclude(f, FINDING_PATH_OUTAGE, "the capture is at the server's side: it sent no answer");
		return;
	}
	if (server->last.ns > closed->ns) {
		evidence_frame(finding_says(f, c->point, "the server is heard even after the close"), &server->last);
		finding_exclude(f, FINDING_PATH_OUTAGE, "the server is heard even after the close: the way back works");
		return;
	}
	f->confidence = confidence_min(f->confidence, CONFIDENCE_PROBABLE);
	finding_says(f, c->point, "nothing of the server is seen after the close: from the client's side a way back that died behind the "
	    "acknowledgement looks the same");
	finding_next_capture(f, "a client that gave up too early", "an answer lost on a dead way back", "the server's own packets",
	    "at the server");
}

static void
say_gave_up_waiting(const struct mail_case *c, const struct record_transaction *t, const struct moment *closed, bool came,
    struct verdicts *out)
{
	enum confidence conf = case_closes_its_half(c) ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED;
	struct finding *f = symptom(c, FINDING_CLIENT_GAVE_UP_WAITING, conf, 0, t, out);
	char waited[32];

	seconds(moment_gap(&t->end_of_data, closed), waited);
	evidence_frame(finding_says(f, c->point, "the end of the message is sent%s", t->end_acked ? " and acknowledged by TCP" : ""), &t->end_of_data);
	evidence_frame(finding_says(f, c->point, "%s later the client closes without the server's answer", waited), closed);
	if (came)
		evidence_frame(finding_says(f, c->point, "the answer comes too late"), &t->final_reply.at);
	else
		doubt_way_back(c, closed, f);
	finding_summary(f, "The client closed %s after the end of the message, before the server's answer%s.", waited,
	    came ? ": the mail was accepted and will be sent again" : "");
}

static void
say_dropped(const struct mail_case *c, const struct record_transaction *t, const char *when, enum confidence conf, struct verdicts *out)
{
	struct moment end = case_closed(c, 1);
	struct finding *f = symptom(c, FINDING_SERVER_DROPPED, conf, 1, t, out);

	finding_subkind(f, when);
	evidence_frame(finding_says(f, c->point, "the server closes without an answer"), &end);
	finding_summary(f, "The server closed the connection %s, without an answer.", strcmp(when, "after-data") == 0 ?
	    "after it had received the whole message" : strcmp(when, "in-data") == 0 ? "while the message was being sent" : "in the middle of the session");
}

/* How long both had been silent, all of it acknowledged and nothing to answer, when the server closed. */
static int64_t
silent_before(const struct mail_case *c, const struct moment *closed)
{
	const struct record_direction *a = &c->conn->dir[0], *b = &c->conn->dir[1];

	return closed->ns - (a->data_last.ns > b->data_last.ns ? a->data_last.ns : b->data_last.ns);
}

/* It was the client's turn: a server that gives up waiting, but does not say so. */
static void
say_server_gave_up(const struct mail_case *c, const struct record_transaction *t, const char *meanwhile, struct verdicts *out)
{
	struct moment end = case_closed(c, 1);
	struct finding *f = symptom(c, FINDING_SERVER_TIMEOUT_421, CONFIDENCE_PROBABLE, 1, t, out);
	char waited[32];

	seconds(silent_before(c, &end), waited);
	finding_subkind(f, "without-a-word");
	evidence_frame(finding_says(f, c->point, "the last that was said: it was the client's turn"), c->conn->dir[0].data_last.ns >
	    c->conn->dir[1].data_last.ns ? &c->conn->dir[0].data_last : &c->conn->dir[1].data_last);
	evidence_frame(finding_says(f, c->point, "%s later the server closes without a word", waited), &end);
	finding_summary(f, "The server closed after %s in which the client %s: it gave up waiting.", waited, meanwhile);
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
}

/* More was sent than the server had said it takes, and it hangs up: some do so instead of saying 552. */
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
	finding_says(f, c->point, "the server announced that it takes at most %llu bytes (SIZE)", (unsigned long long)limit);
	evidence_frame(finding_says(f, c->point, "%llu bytes of the message were sent; then the server closes without a word", (unsigned long long)t->bytes), &end);
	finding_summary(f, "The server closed the connection after %llu bytes of a message; it had announced that it takes at most %llu.",
	    (unsigned long long)t->bytes, (unsigned long long)limit);
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
	return true;
}

static void
judge_waiting(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	struct moment closed = case_closed(c, 0), dropped = case_closed(c, 1);
	bool client = moment_is(&closed) && closed.ns >= t->end_of_data.ns;
	bool server = moment_is(&dropped) && dropped.ns >= t->end_of_data.ns;
	struct finding *f;

	if (!t->end_acked || case_stalled(c) || case_one_sided(c))
		return;
	if (client && (!server || moment_before(&closed, &dropped))) {
		say_gave_up_waiting(c, t, &closed, false, out);
	} else if (server) {
		if (!say_too_big(c, t, out))
			say_dropped(c, t, "after-data", CONFIDENCE_CONFIRMED, out);
	} else if (c->conn->t_end - t->end_of_data.ns > 5 * SECOND) {
		f = symptom(c, FINDING_SLOW_REPLY, CONFIDENCE_POSSIBLE, 1, t, out);
		finding_subkind(f, "no-reply-yet");
		evidence_frame(finding_says(f, c->point, "the message is complete and acknowledged; no answer until the capture ends"), &t->end_of_data);
		finding_summary(f, "The server has the whole message and had not answered when the capture ended.");
		finding_next_capture(f, "an answer that was lost", "one that was never sent", "what came after",
		    "at the server, until the connection is closed");
	}
}

/* ---- the message was not finished ------------------------------------------------------------- */

/* The client's RST has a mark that its other packets have not: somebody else may have sent it, to both ends. */
static bool
close_is_doubtful(const struct mail_case *c)
{
	const struct record_direction *d = &c->conn->dir[0];
	bool by_rst = moment_is(&d->rst) && (!moment_is(&d->fin) || moment_before(&d->rst, &d->fin));

	return by_rst && (d->reset_signs != 0 || (d->ttl != 0 && d->ttl_rst != 0 && d->ttl != d->ttl_rst));
}

static void
judge_unfinished(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	int closer = case_first_closer(c);
	struct moment end;
	struct finding *f;
	bool doubt;

	if (!t->data_sent || (!t->bdat && t->data_reply.code != 354) || closer < 0 || case_one_sided(c) || case_stalled(c))
		return;
	if (closer == 1 && !unsolicited_farewell(c)) {
		end = case_closed(c, 1);
		if (say_too_big(c, t, out))
			return;
		if (silent_before(c, &end) >= ASKED_LEAST && close_is_meant(c))
			say_server_gave_up(c, t, "sent no more of the message", out);
		else
			say_dropped(c, t, "in-data", CONFIDENCE_CONFIRMED, out);
		return;
	}
	if (closer == 0 && !close_is_meant(c))
		return;
	end = case_closed(c, closer);
	doubt = close_is_doubtful(c);
	f = symptom(c, FINDING_CLIENT_GAVE_UP_AT_DATA, closer == 0 && !doubt ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE, 0, t, out);
	evidence_frame(finding_says(f, c->point, "the server asks for the message (354)"), &t->data_reply.at);
	evidence_frame(finding_says(f, c->point, "%llu bytes of it were sent; %s before its end", (unsigned long long)t->bytes,
	    closer == 0 ? "the client closes" : "the client falls silent and the server closes"), &end);
	if (doubt)
		evidence_frame(finding_says(f, c->point, "it closes with a RST whose TTL is %u, its other packets have %u", c->conn->dir[0].ttl_rst,
		    c->conn->dir[0].ttl), &c->conn->dir[0].rst);
	finding_summary(f, "The client stopped sending the message after %llu bytes%s.", (unsigned long long)t->bytes,
	    doubt ? ", or a device in between reset the connection in its name" : "");
}

/* ---- accepted, but did the client hear it? ------------------------------------------------------ */

/* The final reply is the last of the server's bytes, sent at least three times and never acknowledged. */
static const struct record_stall *
reply_unheard(const struct mail_case *c)
{
	const struct record_direction *d = &c->conn->dir[1];

	if (d->acked >= d->stream_bytes || c->conn->dir[0].packets == 0)
		return NULL;
	for (uint32_t i = 0; i < c->stall_count; i++)
		if (c->stalls[i]->key.m == 1 && c->stalls[i]->chain_count >= 3 && !moment_is(&c->stalls[i]->delivered))
			return c->stalls[i];
	return NULL;
}

static void
judge_accepted(const struct mail_case *c, const struct record_transaction *t, bool last, struct verdicts *out)
{
	struct moment closed = case_closed(c, 0);
	const struct record_stall *s;
	struct finding *f;

	if (!moment_is(&t->end_of_data) || !moment_is(&t->final_reply.at))
		return;
	if (moment_is(&closed) && closed.ns >= t->end_of_data.ns && moment_before(&closed, &t->final_reply.at) && !case_hears_after_close(c)) {
		say_gave_up_waiting(c, t, &closed, true, out);
		return;
	}
	if (!last || (s = reply_unheard(c)) == NULL || s->first.ns < t->final_reply.at.ns - SECOND)
		return;
	f = symptom(c, FINDING_DUPLICATE_DELIVERY, CONFIDENCE_PROBABLE, 1, t, out);
	finding_subkind(f, "answer-unheard");
	evidence_frame(evidence_frame(finding_says(f, c->point, "the server's answer is sent %u times and never acknowledged", s->chain_count),
	    &s->first), &s->last);
	finding_summary(f, "The server accepted the mail, but its answer did not reach the client, which will send the mail again.");
}

/* ---- a command that nobody answers ------------------------------------------------------------------- */

static const char ask_server[] = "The server was silent at this command: look there for what it waits for (DNS and blocklist queries, a call back to the "
    "sender's server, a policy or user database, a deliberate delay). A program should wait 5 minutes for each command (RFC 5321 4.5.3.2): raise its "
    "server time-out.";
static const char ask_pop_server[] = "The server was silent at this command: look there for what it waits for (the user database, a locked or large "
    "mailbox, its disk). Raise the program's server time-out if it is merely slow.";

static void
say_gave_up_command(const struct mail_case *c, const char *what, const struct moment *asked, const struct moment *closed,
    const struct moment *came, struct verdicts *out)
{
	struct finding *f = symptom(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_CONFIRMED, 0, NULL, out);
	char waited[32];

	seconds(moment_gap(asked, closed), waited);
	finding_subkind(f, "command");
	finding_span(f, asked, closed);
	evidence_frame(finding_says(f, c->point, "the client sends %s%s", what, came == NULL ? ", and TCP acknowledges it" : ""), asked);
	evidence_frame(finding_says(f, c->point, "%s later the client closes without the server's answer", waited), closed);
	if (came != NULL)
		evidence_frame(finding_says(f, c->point, "the answer comes too late"), came);
	else
		doubt_way_back(c, closed, f);
	finding_summary(f, "The client closed %s after it had sent %s, before the server's answer.", waited, what);
	finding_remedy(f, "%s", case_is_pop(c) ? ask_pop_server : ask_server);
}

/* What the server has not answered: the first of what it was asked, if it was asked several things at once. */
struct pending {
	char		what[16];
	struct moment	asked;
};

static bool
pending_set(struct pending *p, const char *what, const struct moment *asked)
{
	snprintf(p->what, sizeof(p->what), "%s", what);
	p->asked = *asked;
	return moment_is(asked);
}

/* The last command, when it is no part of a transaction. */
static bool
pending_last(const struct mail_case *c, struct pending *p)
{
	const char *line = c->session->last_command;
	size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	if (n == 0 || n >= sizeof(p->what) || moment_is(&c->session->quit) || c->conn->dir[0].data_last.ns < c->conn->dir[1].data_last.ns)
		return false;
	pending_set(p, "", &c->conn->dir[0].data_last);
	for (size_t i = 0; i <= n; i++)
		p->what[i] = i == n ? '\0' : (char)toupper((unsigned char)line[i]);
	return true;
}

static bool
pending_find(const struct mail_case *c, struct pending *p)
{
	const struct record_transaction *t = c->transaction_count > 0 ? c->transactions[c->transaction_count - 1] : NULL;

	if (t == NULL || t->nested || moment_is(&t->end_of_data) || t->verdict == VERDICT_REFUSED || t->verdict == VERDICT_DEFERRED)
		return pending_last(c, p);
	if (!moment_is(&t->mail_reply.at))
		return !t->implied && pending_set(p, "MAIL", &t->first);
	for (uint32_t i = 0; i < c->recipient_count; i++)
		if (c->recipients[i]->key.n == t->key.n && !moment_is(&c->recipients[i]->reply.at))
			return pending_set(p, "RCPT", &c->recipients[i]->at);
	if (moment_is(&t->data_at) && !moment_is(&t->data_reply.at))
		return pending_set(p, "DATA", &t->data_at);
	return pending_last(c, p);
}

static bool
in_message(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		if (moment_is(&t->end_of_data) ? !moment_is(&t->final_reply.at) : t->data_reply.code == 354 || (t->bdat && t->data_sent))
			return true;
	}
	return false;
}

/* Hears no answer, and says so by leaving: QUIT, or the end of the connection. */
static struct moment
client_leaves(const struct mail_case *c)
{
	struct moment closed = case_closed(c, 0);
	const struct moment *quit = &c->session->quit;

	return moment_is(quit) && (!moment_is(&closed) || moment_before(quit, &closed)) ? *quit : closed;
}

static void
say_no_reply_yet(const struct mail_case *c, const struct pending *p, struct verdicts *out)
{
	struct finding *f = symptom(c, FINDING_SLOW_REPLY, CONFIDENCE_POSSIBLE, 1, NULL, out);

	finding_subkind(f, "no-reply-yet");
	finding_span(f, &p->asked, &p->asked);
	evidence_frame(finding_says(f, c->point, "%s is sent and acknowledged by TCP; no answer until the capture ends, %lld s later", p->what,
	    (long long)((c->conn->t_end - p->asked.ns) / SECOND)), &p->asked);
	finding_summary(f, "The server had not answered %s when the capture ended.", p->what);
	finding_next_capture(f, "an answer that was lost", "one that was never sent", "what came after",
	    "at the server, until the connection is closed");
}

/* The server's last word is not the answer to the client's: EHLO to DATA; the message itself is judged above. */
static void
judge_unanswered(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct moment leaves = client_leaves(c), dropped = case_closed(c, 1);
	struct pending p;

	if (!s->command_unanswered || !moment_is(&s->greeting.at) || s->greeting.code >= 400 || s->tls || case_one_sided(c) || case_stalled(c) ||
	    !case_all_acked(c, 0) || in_message(c) || unsolicited_farewell(c) || !pending_find(c, &p))
		return;
	if (p.asked.ns < c->conn->dir[1].data_last.ns)	/* asked with others, which were answered */
		p.asked = c->conn->dir[1].data_last;
	if (moment_is(&leaves) && (!moment_is(&dropped) || moment_before(&leaves, &dropped))) {
		if (moment_gap(&p.asked, &leaves) >= ASKED_LEAST)
			say_gave_up_command(c, p.what, &p.asked, &leaves, NULL, out);
	} else if (moment_is(&dropped)) {
		/* an RST says it for itself; before any mail: judge_session() */
		if (moment_is(&c->conn->dir[1].fin) && c->transaction_count > 0)
			say_dropped(c, NULL, "in-session", CONFIDENCE_PROBABLE, out);
	} else if (c->conn->t_end - p.asked.ns >= ASKED_LEAST) {
		say_no_reply_yet(c, &p, out);
	}
}

/* ---- slow answers ----------------------------------------------------------------------------------- */

static const char the_dot[] = "the end of the message";

struct slowest {
	int64_t		ns, limit;
	struct moment	asked, at;
	const char	*what;
	uint32_t	count;
};

static void
slow_note(struct slowest *s, const struct moment *asked, const struct moment *at, const char *what, int64_t limit)
{
	int64_t d = moment_gap(asked, at);

	if (d < 5 * SECOND)
		return;
	s->count++;
	if (d <= s->ns)
		return;
	s->ns = d;
	s->limit = limit;
	s->asked = *asked;
	s->at = *at;
	s->what = what;
}

/* The client's minimum patience, RFC 5321 4.5.3.2: half of it is worth a warning. */
static void
slow_collect(const struct mail_case *c, struct slowest *s)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		slow_note(s, &t->first, &t->mail_reply.at, "MAIL", 300 * SECOND);
		slow_note(s, &t->data_at, &t->data_reply.at, "DATA", 120 * SECOND);
		slow_note(s, &t->end_of_data, &t->final_reply.at, the_dot, 600 * SECOND);
	}
	for (uint32_t i = 0; i < c->recipient_count; i++)
		slow_note(s, &c->recipients[i]->at, &c->recipients[i]->reply.at, "RCPT", 300 * SECOND);
	for (uint32_t i = 0; i < c->session->refusals_kept && i < RECORD_REFUSALS; i++)
		if (!c->session->refusals[i].unsolicited)
			slow_note(s, &c->session->refusals[i].asked, &c->session->refusals[i].reply.at, "a command", 300 * SECOND);
}

static void
judge_slow(const struct mail_case *c, struct verdicts *out)
{
	struct moment closed = case_closed(c, 0);
	struct slowest s = { 0 };
	bool grave;
	struct finding *f;
	char took[32];

	slow_collect(c, &s);
	if (s.count == 0 || case_stalled(c))
		return;
	if (moment_is(&closed) && closed.ns >= s.asked.ns && moment_before(&closed, &s.at)) {
		if (s.what != the_dot && moment_gap(&s.asked, &closed) >= ASKED_LEAST && !case_one_sided(c))
			say_gave_up_command(c, s.what, &s.asked, &closed, &s.at, out);
		return;
	}
	grave = s.ns * 2 >= s.limit;
	f = verdict_add(out, FINDING_SLOW_REPLY, absence(c, grave ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), c, 1);
	f->severity = grave ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_span(f, &s.asked, &s.at);
	seconds(s.ns, took);
	evidence_frame(evidence_frame(finding_says(f, c->point, "%s and its reply %s later", s.what, took), &s.asked), &s.at);
	if (s.count > 1)
		finding_summary(f, "The server took %s to answer %s (%u replies took over 5 s).", took, s.what, s.count);
	else
		finding_summary(f, "The server took %s to answer %s.", took, s.what);
}

/* ---- the session -------------------------------------------------------------------------------------- */

static bool
last_word_negative(const struct mail_case *c)
{
	struct refusal r[REFUSALS_MAX];
	size_t n = refusals_gather(c, r, REFUSALS_MAX);

	return n > 0 && r[n - 1].reply->at.ns >= c->conn->dir[1].data_last.ns;
}

/* Closed by the server in mid-session, before any mail, with neither 221 nor 421. */
static void
judge_session(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct moment end = case_closed(c, 1);

	if (c->transaction_count > 0 || !moment_is(&s->greeting.at) || s->greeting.code >= 400 || s->tls || case_first_closer(c) != 1)
		return;
	if (moment_is(&s->bye) || moment_is(&s->quit) || unsolicited_farewell(c) || case_stalled(c) || last_word_negative(c))
		return;
	if (!s->command_unanswered && silent_before(c, &end) >= ASKED_LEAST && close_is_meant(c))
		say_server_gave_up(c, NULL, moment_is(&s->starttls_reply.at) && s->starttls_reply.code == 220 ?
		    "did not begin the encryption that it had asked for" : "said nothing more", out);
	else
		say_dropped(c, NULL, "in-session", case_midstream(c) ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE, out);
}

/* The end of data in pieces and acknowledged, a firewall that rewrites, and silence: PIX and CRLF.CRLF. */
static void
judge_dot_lost(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	struct moment end = { .ns = c->conn->t_end };
	struct finding *f;

	if (!t->end_acked || !t->end_split || case_stalled(c) || verdict_claimed(out, c, -1, FINDING_BANNER_MASKED) == NULL ||
	    end.ns - t->end_of_data.ns < 60 * SECOND)
		return;
	f = symptom(c, FINDING_DOT_LOST, CONFIDENCE_PROBABLE, 0, t, out);
	evidence_frame(finding_says(f, c->point, "the end of the message lies in two packets and is acknowledged by TCP, no answer for 60 s; the dialogue is rewritten by a firewall"),
	    &t->end_of_data);
	finding_exclude(f, FINDING_SLOW_REPLY, "the end of the message fell apart over two packets, where such firewalls lose it");
	finding_summary(f, "The firewall that rewrites this dialogue has probably swallowed the end of the message, which lay in two packets.");
}

static void
judge_transaction(const struct mail_case *c, const struct record_transaction *t, bool last, struct verdicts *out)
{
	if (t->nested)
		return;
	if (t->verdict == VERDICT_ACCEPTED) {
		judge_accepted(c, t, last, out);
		return;
	}
	if (t->verdict != VERDICT_LOST && t->verdict != VERDICT_UNKNOWN)
		return;
	if (moment_is(&t->end_of_data)) {
		judge_waiting(c, t, out);
		judge_dot_lost(c, t, out);
	} else {
		judge_unfinished(c, t, out);
	}
}

/* The same in a POP3 session; of a fetch and of QUIT rule_pop.c speaks. */
static void
judge_pop_unanswered(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct moment leaves = case_closed(c, 0), dropped = case_closed(c, 1);
	struct pending p;

	if (!s->command_unanswered || !moment_is(&s->greeting.at) || s->tls || case_one_sided(c) || case_stalled(c) || !case_all_acked(c, 0) ||
	    !pending_last(c, &p) || strcmp(p.what, "RETR") == 0 || strcmp(p.what, "TOP") == 0 || strcmp(p.what, "QUIT") == 0)
		return;
	if (moment_is(&leaves) && (!moment_is(&dropped) || moment_before(&leaves, &dropped))) {
		if (moment_gap(&p.asked, &leaves) >= ASKED_LEAST)
			say_gave_up_command(c, p.what, &p.asked, &leaves, NULL, out);
	} else if (moment_is(&dropped)) {
		if (moment_is(&c->conn->dir[1].fin))
			say_dropped(c, NULL, "in-session", CONFIDENCE_PROBABLE, out);
	} else if (c->conn->t_end - p.asked.ns >= ASKED_LEAST) {
		say_no_reply_yet(c, &p, out);
	}
}

/*
 * The server had closed, and a while later the client says something all the same: it kept the connection for its
 * next mail and did not look.  Nobody owes it an answer; a new connection heals it.
 */
static bool
judge_stale(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const struct moment *fin = &c->conn->dir[1].fin, *last = &c->conn->dir[0].data_last;
	int64_t gap = moment_gap(fin, last);
	struct finding *f;

	if (s == NULL || s->tls || !s->command_unanswered || gap < SECOND || case_one_sided(c) || case_missing(c))
		return false;
	if (moment_is(&s->quit) && s->quit.ns >= fin->ns)
		return true;
	f = verdict_add(out, FINDING_STALE_SESSION_RESET, CONFIDENCE_CONFIRMED, c, 0);
	finding_subkind(f, "closed-before");
	finding_span(f, fin, last);
	evidence_frame(finding_says(f, c->point, "the server closes the connection"), fin);
	evidence_frame(finding_says(f, c->point, "%lld s later the client sends a command over it", (long long)(gap / SECOND)), last);
	finding_summary(f, "The client used a connection that the server had closed %lld s before.", (long long)(gap / SECOND));
	finding_remedy(f, "Usually harmless: a client that keeps connections sends again over a new one. If mails stay behind, let it keep "
	    "connections for a shorter time than the server does.");
	return true;
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	bool stale = judge_stale(c, out);

	if (c->session != NULL && case_is_pop(c) && !stale)
		judge_pop_unanswered(c, out);
	if (c->session == NULL || !case_is_smtp(c))
		return;
	for (uint32_t i = 0; i < c->transaction_count; i++)
		judge_transaction(c, c->transactions[i], i + 1 == c->transaction_count, out);
	judge_slow(c, out);
	if (stale)
		return;
	judge_unanswered(c, out);
	judge_session(c, out);
}

const struct rule rule_symptom = { "symptom", RULE_CASE, judge };

/* ---- the same mail twice ------------------------------------------------------------------------------- */

static bool
same_recipient(const struct mail_case *a, const struct record_transaction *t, const struct mail_case *b, const struct record_transaction *u)
{
	for (uint32_t i = 0; i < a->recipient_count; i++)
		for (uint32_t k = 0; a->recipients[i]->key.n == t->key.n && k < b->recipient_count; k++)
			if (b->recipients[k]->key.n == u->key.n && strcasecmp(a->recipients[i]->address, b->recipients[k]->address) == 0)
				return true;
	return false;
}

/* An earlier session with this message whose end the client did not hear. */
static const struct record_transaction *
earlier_copy(const struct view *v, const struct record_transaction *t, const struct mail_case **where)
{
	struct case_run run = lookup_cases(v->lookups, LOOKUP_UNHEARD_OF_SERVER, &v->c->conn->server.ip);

	for (size_t k = 0; k < run.n && run.at[k]->conn->first.ns <= v->c->conn->first.ns; k++) {
		const struct mail_case *x = run.at[k];

		if (x == v->c || x->point != v->c->point || x->conn->first.ns < v->c->conn->first.ns - SECOND * 5 * 86400 ||
		    !addr_equal(&x->conn->client.ip, &v->c->conn->client.ip))
			continue;
		for (uint32_t i = 0; i < x->transaction_count; i++) {
			const struct record_transaction *u = x->transactions[i];

			if (strcmp(u->message_id, t->message_id) == 0 && transaction_unheard(x, u) && same_recipient(x, u, v->c, t)) {
				*where = x;
				return u;
			}
		}
	}
	return NULL;
}

/* RFC 1047: the window between the dot and the reply. */
static void
judge_twice(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c, *x;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i], *u;
		struct finding *f;

		if (t->message_id[0] == '\0' || !moment_is(&t->end_of_data) || (u = earlier_copy(v, t, &x)) == NULL)
			continue;
		f = verdict_add(out, FINDING_DUPLICATE_DELIVERY, absence(c, absence(x, CONFIDENCE_CONFIRMED)), c, 0);
		finding_subkind(f, "sent-twice");
		finding_span(f, &u->first, &t->last);
		evidence_frame(finding_says(f, x->point, "%.120s is sent whole; the client does not hear the answer", t->message_id), &u->end_of_data);
		evidence_frame(finding_says(f, c->point, "the same message to the same recipient again"), &t->end_of_data);
		finding_summary(f, "The same message was sent twice, because the client did not hear the answer to the first: the recipient may have it twice.");
	}
}

const struct rule rule_twice = { "twice", RULE_CASE, judge_twice };
