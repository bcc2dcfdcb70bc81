/* rule_pop.c - POP3: messages cut or stalled, sessions without QUIT (diagnosis 1D, 0.7). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/facts/symptom.h"

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
	char name[32], waited[32];
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
	symptom_seconds(end.ns - since->ns, waited);
	evidence_frame(finding_says(f, c->point, "then nothing from the server for %s; %s", waited,
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
	char waited[32];

	symptom_seconds(end->ns - m->last.ns, waited);
	evidence_frame(
	    finding_says(f, c->point, "%s before that the last of it came", waited), &m->last);
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

	if (s->deleted == 0 || moment_is(&s->quit) || case_first_closer(c) < 0)
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

	if (c->session == NULL || !case_is_pop(c) || c->session->tls)
		return;
	if (!judge_stalled(c, out))
		judge_incomplete(c, out);
	for (uint32_t i = 0; i < c->message_count; i++)
		judge_short(c, c->messages[i], out);
	judge_behind_dot(c, out);
	judge_duplicates(c, out);
	judge_bad_reply(c, out);
}

const struct rule rule_pop = { "pop", RULE_CASE, judge, false };
