/*
 * rule_unanswered.c - commands that nobody answers, and those that are answered
 * late (diagnosis 1C; RFC 5321 4.5.3.2).
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "correlator/facts/symptom.h"

/* ---- a command that nobody answers ------------------------------------------- */

static const char ask_server[] =
    "The server was silent at this command: look there for what it waits for (DNS and blocklist queries, a call back to the "
    "sender's server, a policy or user database, a deliberate delay). A program should wait 5 minutes for each command (RFC 5321 4.5.3.2): raise its "
    "server time-out.";
static const char ask_pop_server[] =
    "The server was silent at this command: look there for what it waits for (the user database, a locked or large "
    "mailbox, its disk). Raise the program's server time-out if it is merely slow.";

#define LEFT_LEAST (2 * SECOND) /* who goes sooner may have been ended by its user */

static void
say_gave_up_command(const struct view *v, const char *what, const struct moment *asked,
    const struct moment *closed, const struct moment *came, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	enum confidence conf = case_waited(c, asked, closed) >= ASKED_LEAST ? CONFIDENCE_CONFIRMED
									    : CONFIDENCE_POSSIBLE;
	struct finding *f = symptom(c, FINDING_CLIENT_GAVE_UP_WAITING, conf, 0, NULL, out);
	char waited[32];

	symptom_seconds(case_waited(c, asked, closed), waited);
	finding_subkind(f, "command");
	finding_span(f, asked, closed);
	evidence_frame(finding_says(f, c->point, "the client sends %s%s", what,
			   came == NULL ? ", and TCP acknowledges it" : ""),
	    asked);
	evidence_frame(finding_says(f, c->point,
			   "%s later the client closes without the server's answer", waited),
	    closed);
	finding_remedy(f, "%s", case_is_pop(c) ? ask_pop_server : ask_server);
	if (came != NULL)
		evidence_frame(finding_says(f, c->point, "the answer comes too late"), came);
	else
		symptom_doubt_way_back(v, closed, f);
	finding_summary(f, "The client closed %s after it had sent %s, %s.", waited, what,
	    came == NULL && case_answer_missing(c) > 0 ? "and the server's answer never came here"
						       : "before the server's answer");
}

/*
 * What the server has not answered: the first of what it was asked, if it was asked several things
 * at once.
 */
struct pending {
	char what[16];
	struct moment asked;
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

	if (n == 0 || n >= sizeof(p->what) || moment_is(&c->session->quit) ||
	    c->conn->dir[0].data_last.ns < c->conn->dir[1].data_last.ns)
		return false;
	pending_set(p, "", &c->conn->dir[0].data_last);
	for (size_t i = 0; i <= n; i++)
		p->what[i] = i == n ? '\0' : (char)toupper((unsigned char)line[i]);
	return true;
}

static bool
pending_find(const struct mail_case *c, struct pending *p)
{
	const struct record_transaction *t =
	    c->transaction_count > 0 ? c->transactions[c->transaction_count - 1] : NULL;

	if (t == NULL || t->nested || moment_is(&t->end_of_data) || t->verdict == VERDICT_REFUSED ||
	    t->verdict == VERDICT_DEFERRED)
		return pending_last(c, p);
	if (!moment_is(&t->mail_reply.at))
		return !t->implied && pending_set(p, "MAIL", &t->first);
	for (uint32_t i = 0; i < c->recipient_count; i++)
		if (c->recipients[i]->key.n == t->key.n && !moment_is(&c->recipients[i]->reply.at))
			return pending_set(p, "RCPT", &c->recipients[i]->at);
	if (c->session->chunk_whole)
		return pending_set(p, "BDAT", &c->conn->dir[0].data_last);
	if (moment_is(&t->data_at) && !moment_is(&t->data_reply.at))
		return pending_set(p, "DATA", &t->data_at);
	return pending_last(c, p);
}

static bool
in_message(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		if (moment_is(&t->end_of_data) ? !moment_is(&t->final_reply.at)
					       : t->data_reply.code == 354 ||
			    (t->bdat && t->data_sent && !c->session->chunk_whole))
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

	return moment_is(quit) && (!moment_is(&closed) || moment_before(quit, &closed)) ? *quit
											: closed;
}

static void
say_no_reply_yet(const struct mail_case *c, const struct pending *p, struct verdicts *out)
{
	struct finding *f = symptom(c, FINDING_SLOW_REPLY, CONFIDENCE_POSSIBLE, 1, NULL, out);

	finding_subkind(f, "no-reply-yet");
	finding_span(f, &p->asked, &p->asked);
	evidence_frame(
	    finding_says(f, c->point,
		"%s is sent and acknowledged by TCP; no answer until the capture ends, %lld s later",
		p->what, (long long)((c->conn->t_end - p->asked.ns) / SECOND)),
	    &p->asked);
	finding_summary(f, "The server had not answered %s when the capture ended.", p->what);
	finding_next_capture(f, "an answer that was lost", "one that was never sent",
	    "what came after", "at the server, until the connection is closed");
}

/* It refused what came before in the same breath, and closed: that is its answer to all of it. */
static bool
refused_with_others(const struct mail_case *c, const struct pending *p)
{
	const struct record_reply *r = refusal_last(c);

	if (!symptom_last_refuses(c) || r->code < 500 || moment_before(&r->at, &p->asked))
		return false;
	for (uint32_t i = 0; i < c->recipient_count; i++)
		if (&c->recipients[i]->reply == r)
			return false; /* one address: the session goes on */
	return true;
}

/*
 * The server's last word is not the answer to the client's: EHLO to DATA; of the message itself
 * rule_answer.c and rule_symptom.c speak.
 */
static void
judge_unanswered(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct record_session *s = c->session;
	struct moment leaves = client_leaves(c), dropped = case_closed(c, 1);
	struct pending p;
	bool refused;

	if (!s->command_unanswered || !moment_is(&s->greeting.at) || s->greeting.code >= 400 ||
	    s->tls || case_one_sided(c) || case_stalled(c) || !case_all_acked(c, 0) ||
	    in_message(c) || session_farewell(c) || !pending_find(c, &p))
		return;
	refused = refused_with_others(c, &p);
	if (p.asked.ns < c->conn->dir[1].data_last.ns) /* asked with others, which were answered */
		p.asked = c->conn->dir[1].data_last;
	if (moment_is(&leaves) && (!moment_is(&dropped) || moment_before(&leaves, &dropped))) {
		if (case_waited(c, &p.asked, &leaves) >= LEFT_LEAST)
			say_gave_up_command(v, p.what, &p.asked, &leaves, NULL, out);
	} else if (moment_is(&dropped)) {
		/* an RST says it for itself; before any mail rule_symptom.c does */
		if (moment_is(&c->conn->dir[1].fin) && c->transaction_count > 0 && !refused)
			symptom_dropped(c, NULL, "in-session", CONFIDENCE_PROBABLE, out);
	} else if (c->conn->t_end - p.asked.ns >= ASKED_LEAST) {
		say_no_reply_yet(c, &p, out);
	}
}

/* The same in a POP3 session; of a fetch and of QUIT rule_pop.c speaks. */
static void
judge_pop_unanswered(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct record_session *s = c->session;
	struct moment leaves = case_closed(c, 0), dropped = case_closed(c, 1);
	struct pending p;

	if (!s->command_unanswered || !moment_is(&s->greeting.at) || s->tls || case_one_sided(c) ||
	    case_stalled(c) || !case_all_acked(c, 0) || !pending_last(c, &p) ||
	    strcmp(p.what, "RETR") == 0 || strcmp(p.what, "TOP") == 0 ||
	    strcmp(p.what, "QUIT") == 0)
		return;
	if (moment_is(&leaves) && (!moment_is(&dropped) || moment_before(&leaves, &dropped))) {
		if (case_waited(c, &p.asked, &leaves) >= LEFT_LEAST)
			say_gave_up_command(v, p.what, &p.asked, &leaves, NULL, out);
	} else if (moment_is(&dropped)) {
		if (moment_is(&c->conn->dir[1].fin))
			symptom_dropped(c, NULL, "in-session", CONFIDENCE_PROBABLE, out);
	} else if (c->conn->t_end - p.asked.ns >= ASKED_LEAST) {
		say_no_reply_yet(c, &p, out);
	}
}

/* ---- slow answers ------------------------------------------------------------ */

enum { EVEN_LEAST = 3 }; /* replies that took the same time */

static const char the_dot[] = "the end of the message";

struct slowest {
	int64_t ns, least, limit;
	struct moment asked, at;
	const char *what;
	uint32_t count;
};

static void
slow_note(const struct mail_case *c, struct slowest *s, const struct moment *asked,
    const struct moment *at, const char *what, int64_t limit)
{
	int64_t d = case_waited(c, asked, at);

	if (d < 5 * SECOND)
		return;
	if (s->count++ == 0 || d < s->least)
		s->least = d;
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
	struct refusal r[REFUSALS_MAX];
	size_t n;

	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		slow_note(c, s, &t->first, &t->mail_reply.at, "MAIL", 300 * SECOND);
		slow_note(c, s, &t->data_at, &t->data_reply.at, "DATA", 120 * SECOND);
		slow_note(c, s, &t->end_of_data, &t->final_reply.at, the_dot, 600 * SECOND);
	}
	for (uint32_t i = 0; i < c->recipient_count; i++)
		slow_note(
		    c, s, &c->recipients[i]->at, &c->recipients[i]->reply.at, "RCPT", 300 * SECOND);
	n = refusals_gather(c, r, REFUSALS_MAX, NULL);
	for (size_t i = 0; i < n; i++) /* those of a mail stand there already */
		if (r[i].only_session && !r[i].unsolicited)
			slow_note(c, s, &r[i].asked, &r[i].reply->at, "a command", 300 * SECOND);
}

static void
judge_slow(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct moment closed = case_closed(c, 0);
	struct slowest s = { 0 };
	bool grave;
	struct finding *f;
	char took[32], least[32];

	slow_collect(c, &s);
	if (s.count == 0 || case_stalled(c))
		return;
	if (moment_is(&closed) && closed.ns >= s.asked.ns && moment_before(&closed, &s.at)) {
		if (s.what != the_dot && case_waited(c, &s.asked, &closed) >= ASKED_LEAST &&
		    !case_one_sided(c))
			say_gave_up_command(v, s.what, &s.asked, &closed, &s.at, out);
		return;
	}
	grave = s.ns >= s.limit / 2;
	f = verdict_add(out, FINDING_SLOW_REPLY,
	    absence(c, grave ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), c, 1);
	f->severity = grave ? SEVERITY_WARNING : SEVERITY_INFO;
	finding_span(f, &s.asked, &s.at);
	symptom_seconds(s.ns, took);
	evidence_frames(
	    finding_says(f, c->point, "%s and its reply %s later", s.what, took), &s.asked, &s.at);
	if (s.count >= EVEN_LEAST && s.ns - s.least <= s.ns / 10)
		finding_says(f, c->point,
		    "%u replies took %s to %s each: a delay as even as that is mostly set on purpose (a tarpit against spam programs), or a "
		    "time-out behind the server; load varies",
		    s.count, symptom_seconds(s.least, least), took);
	if (s.count > 1)
		finding_summary(f, "The server took %s to answer %s (%u replies took over 5 s).",
		    took, s.what, s.count);
	else
		finding_summary(f, "The server took %s to answer %s.", took, s.what);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL)
		return;
	if (case_is_smtp(c))
		judge_slow(v, out);
	if (session_is_stale(c))
		return;
	if (case_is_smtp(c))
		judge_unanswered(v, out);
	else if (case_is_pop(c))
		judge_pop_unanswered(v, out);
}

const struct rule rule_unanswered = { "unanswered", RULE_CASE, judge, false };
