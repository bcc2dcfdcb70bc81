/*
 * mail_pop3.c - POP3 events to records: one session, one message for each
 * RETR.  The counting rules:
 *
 * - A message is retrieved when RETR was answered +OK and the dot came, cut
 *   when the dot did not come, not retrieved when the answer was -ERR or none.
 *   TOP fetches no message.
 * - A login is refused when PASS, APOP or an AUTH under way got -ERR.  An AUTH
 *   refused before any response (the mechanism is unknown) is no login, and
 *   neither is one that the client gave up with "*" (RFC 5034 4).
 * - AUTH without argument and CAPA are probes: their -ERR is nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/pop3/pop3.h"
#include "mail/mail_pop3.h"
#include "mail/pop3_listing.h"
#include "record/text.h"

#define WAITING_MAX POP3_PENDING_MAX /* RETRs that wait for their answer; more are only counted */
/* numbers of messages; of those beyond it is not known whether they are marked for deletion */
#define MARKED_MAX 65536
#define LISTED_MAX (64u << 20) /* bytes of the listings of all sessions */

struct waiting {
	uint32_t cmd;
	uint64_t number;
	struct moment at;
};

struct pop3_state {
	struct pop3_listing sizes, uids;
	uint8_t *marked;    /* for deletion: a bit for each number */
	size_t marked_size; /* bytes */
	bool counted;
	uint64_t count;          /* of messages, said while none was marked */
	uint32_t retrs;          /* ordinal of the last message record */
	struct waiting *waiting; /* in order */
	uint32_t waiting_first, waiting_count,
	    waiting_size;  /* of them: those answered; all; room */
	uint32_t unwaited; /* not among them */
	/* the message being read */
	bool reading, guessed, gap;
	bool tail_unseen; /* what came last of it was not captured: its end may be there */
	uint64_t number;
	struct moment begun;
	uint64_t dot_end; /* stream offset behind the last message; 0 = none */
	struct record_reply reply;
	uint32_t replied_cmd; /* RETR that got +OK */
	/* a login under way */
	uint32_t auth_cmd;
	bool auth_began, auth_cancelled;
	/* the last command */
	uint32_t last_cmd, last_answered;
	struct moment last_at;
	char last_line[128];
};

static struct pop3_state *
state(struct mail_flow *f)
{
	return f->state;
}

/* The response code (RFC 2449 8) stands where SMTP has its enhanced code. */
static void
reply_set(struct record_reply *out, char text[RECORD_WORDS], const struct dissect_event *ev,
    struct moment at)
{
	size_t n = strlen(ev->response_code);

	mail_reply_set(out, text, ev, at);
	if (n < sizeof(out->enhanced))
		memcpy(out->enhanced, ev->response_code, n + 1);
}

static void
reply_own_event(
    struct mail_flow *f, struct record_reply *out, const struct dissect_event *ev, struct moment at)
{
	char text[RECORD_WORDS];
	struct record_reply r;

	reply_set(&r, text, ev, at);
	mail_reply_own(f, out, &r);
}

static void
reply_forget(struct pop3_state *s)
{
	text_disown(&s->reply.text);
	s->reply = (struct record_reply){ 0 };
}

/* ---- messages -------------------------------------------------------------------- */

static void
message_listed(
    struct pop3_state *s, struct record_message *m, char uidl[RECORD_LINE], uint64_t number)
{
	char size[72];

	if (number == UINT64_MAX)
		return;
	m->number = number <= UINT32_MAX ? (uint32_t)number : 0;
	pop3_listing_find(&s->sizes, number, size, sizeof(size));
	m->listed_size = strtoull(size, NULL, 10);
	pop3_listing_find(&s->uids, number, uidl, RECORD_LINE);
	m->uidl = uidl;
}

static void
message_not_retrieved(struct mail_flow *f, uint64_t number, struct moment from, struct moment to,
    const struct record_reply *reply, bool gap)
{
	struct pop3_state *s = state(f);
	char uidl[RECORD_LINE];
	struct record_message *m;
	struct record r;

	RECORD_BEGIN(&r, RECORD_MESSAGE, message);
	m = &r.message;
	m->app = f->session->app;
	m->state = MESSAGE_NOT_RETRIEVED;
	m->first = from;
	m->last = to;
	m->gap = gap;
	if (reply != NULL)
		m->reply = *reply;
	message_listed(s, m, uidl, number);
	mail_emit(f, &r, ++s->retrs, 0);
}

static bool
waiting_grow(struct mail_flow *f)
{
	struct pop3_state *s = state(f);
	struct dissect_queues *all = &f->mail->waiting;
	uint32_t size = s->waiting_size != 0 ? s->waiting_size * 2 : 8;
	struct waiting *w;

	if (s->waiting_first >= s->waiting_size / 2 && s->waiting_first > 0) {
		s->waiting_count -= s->waiting_first;
		memmove(s->waiting, s->waiting + s->waiting_first, s->waiting_count * sizeof(*w));
		s->waiting_first = 0;
		return true;
	}
	if (size > WAITING_MAX || !dissect_queue_room(all, s->waiting_size, size))
		return false;
	if ((w = realloc(s->waiting, size * sizeof(*w))) == NULL) {
		dissect_queue_room(all, size, s->waiting_size);
		f->mail->caps.memory++;
		return false;
	}
	s->waiting = w;
	s->waiting_size = size;
	return true;
}

static void
waiting_add(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct pop3_state *s = state(f);

	if (s->waiting_count == s->waiting_size && !waiting_grow(f))
		s->unwaited++;
	else
		s->waiting[s->waiting_count++] = (struct waiting){ ev->cmd, ev->arg_num, at };
}

/* Answers come in order: what is older than `cmd' got its answer in a gap. */
static void
waiting_take(struct mail_flow *f, uint32_t cmd)
{
	struct pop3_state *s = state(f);

	for (; s->waiting_first < s->waiting_count && s->waiting[s->waiting_first].cmd <= cmd;
	     s->waiting_first++) {
		const struct waiting *w = &s->waiting[s->waiting_first];

		if (w->cmd < cmd)
			message_not_retrieved(f, w->number, w->at, w->at, NULL, true);
	}
}

static void
content_begin(struct mail_flow *f, const struct dissect_event *ev, struct moment from)
{
	struct pop3_state *s = state(f);

	if (ev->verb == POP3_TOP)
		return;
	s->reading = true;
	s->guessed = ev->verb == POP3_NONE;
	s->gap = !s->guessed && ev->cmd != s->replied_cmd; /* its +OK is missing */
	s->tail_unseen = false;
	s->number = ev->arg_num;
	s->begun = from;
	if (ev->verb == POP3_RETR)
		waiting_take(f, ev->cmd);
	if (!s->guessed && f->session->content_from.frame == 0)
		f->session->content_from = from;
	if (!s->guessed)
		f->session->content_to = (struct moment){ 0 }; /* open */
	mail_content_begin(f);
}

/* Lines after a +OK whose command nobody saw: a message, or just some listing? */
static bool
looks_like_message(const struct record_message *m)
{
	return m->from != NULL && m->from[0] != '\0' &&
	    (m->message_id[0] != '\0' || m->subject[0] != '\0');
}

static void
content_end(struct mail_flow *f, const struct dissect_event *ev, struct moment to)
{
	struct pop3_state *s = state(f);
	struct content_texts texts;
	char uidl[RECORD_LINE];
	struct record_message *m;
	struct record r;

	if (!s->reading)
		return;
	RECORD_BEGIN(&r, RECORD_MESSAGE, message);
	m = &r.message;
	s->reading = false;
	mail_content_end(f, m, &texts, ev->complete && !ev->unsure && !s->guessed && !s->gap);
	if (s->guessed && !looks_like_message(m))
		return;
	m->app = f->session->app;
	m->state = ev->complete ? MESSAGE_WHOLE : s->tail_unseen ? MESSAGE_END_UNSEEN : MESSAGE_CUT;
	m->first = s->begun;
	m->last = to;
	m->gap |= s->gap;
	m->reply = s->reply;
	message_listed(s, m, uidl, s->number);
	f->session->retrieved += m->state == MESSAGE_WHOLE;
	f->session->cut += m->state == MESSAGE_CUT;
	if (ev->complete) {
		f->session->content_to = to;
		m->end = s->dot_end = ev->end;
	}
	mail_emit(f, &r, ++s->retrs, 0);
	reply_forget(s);
}

/* ---- logins ---------------------------------------------------------------------- */

static void
login_command(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct pop3_state *s = state(f);
	struct record_session *ss = f->session;
	size_t n = 0;

	if (ev->verb == POP3_AUTH && ev->arg_len == 0)
		return;
	ss->auth_tried = true;
	ss->auth_at = at;
	s->auth_cmd = ev->cmd;
	s->auth_cancelled = false;
	s->auth_began = true;
	if (ev->verb == POP3_PASS) {
		text_copy_utf8(ss->auth_mechanism, sizeof(ss->auth_mechanism), "USER", 4);
	} else if (ev->verb == POP3_APOP) {
		text_copy_utf8(ss->auth_mechanism, sizeof(ss->auth_mechanism), "APOP", 4);
	} else {
		while (n < ev->arg_len && ev->arg[n] != ' ')
			n++;
		text_copy_utf8(ss->auth_mechanism, sizeof(ss->auth_mechanism), ev->arg, n);
		s->auth_began = n < ev->arg_len; /* initial response */
	}
}

static void
login_reply(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct pop3_state *s = state(f);
	struct record_session *ss = f->session;

	reply_own_event(f, &ss->auth_reply, ev, at);
	if (ev->code == POP3_OK) {
		ss->logins_ok++;
		ss->auth_ok = true;
	} else if (ev->verb != POP3_AUTH || (s->auth_began && !s->auth_cancelled)) {
		ss->logins_refused++;
	}
}

/* ---- replies --------------------------------------------------------------------- */

static enum smtp_stage
stage_of(const struct pop3_state *s, const struct dissect_event *ev)
{
	if (ev->reply_to == REPLY_GREETING)
		return STAGE_CONNECT;
	switch (ev->verb) {
	case POP3_USER:
	case POP3_PASS:
	case POP3_APOP: return STAGE_AUTH;
	case POP3_AUTH: /* a mechanism the server does not know is no failed login */
		return s->auth_began && !s->auth_cancelled ? STAGE_AUTH : STAGE_OTHER;
	case POP3_STLS: return STAGE_STARTTLS;
	default: return STAGE_OTHER;
	}
}

/* Is the -ERR to this a probe that found nothing? */
static bool
is_probe(const struct pop3_state *s, const struct dissect_event *ev)
{
	return ev->verb == POP3_CAPA || (ev->verb == POP3_AUTH && ev->cmd != s->auth_cmd);
}

/* RFC 1939 5: a message that is marked as deleted is there no more for this session. */
static bool
is_marked(const struct pop3_state *s, uint64_t number)
{
	return number / 8 < s->marked_size && s->marked[number / 8] & (1u << number % 8);
}

static bool
marks_reach(struct mail_flow *f, uint64_t number)
{
	struct pop3_state *s = state(f);
	size_t size = s->marked_size != 0 ? s->marked_size : 64;
	uint8_t *bits;

	if (number / 8 < s->marked_size)
		return true;
	while (size <= number / 8)
		size *= 2;
	if ((bits = realloc(s->marked, size)) == NULL) {
		f->mail->caps.memory++;
		return false;
	}
	memset(bits + s->marked_size, 0, size - s->marked_size);
	s->marked = bits;
	s->marked_size = size;
	return true;
}

static void
mark(struct mail_flow *f, uint64_t number)
{
	f->session->deleted++;
	if (number < MARKED_MAX && marks_reach(f, number))
		state(f)->marked[number / 8] |= (uint8_t)(1u << number % 8);
}

static void
marks_clear(struct mail_flow *f)
{
	struct pop3_state *s = state(f);

	f->session->deleted = 0;
	free(s->marked);
	s->marked = NULL;
	s->marked_size = 0;
}

/* STAT, or a whole LIST: what is marked it leaves out. */
static void
count_set(struct mail_flow *f, uint64_t count)
{
	struct pop3_state *s = state(f);

	if (f->session->deleted > 0 || f->session->gap_server || f->session->gap_client ||
	    f->session->midstream)
		return;
	s->counted = true;
	s->count = count;
}

static void
refusal_of_message(
    const struct pop3_state *s, const struct dissect_event *ev, struct session_refusal *r)
{
	if (ev->arg_num == UINT64_MAX ||
	    (ev->verb != POP3_DELE && ev->verb != POP3_RETR && ev->verb != POP3_TOP &&
		ev->verb != POP3_LIST && ev->verb != POP3_UIDL))
		return;
	r->deleted = is_marked(s, ev->arg_num);
	r->unlisted = s->counted && (ev->arg_num == 0 || ev->arg_num > s->count);
}

static void
refusal_add(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct pop3_state *s = state(f);
	struct session_refusal r = { 0 };
	char text[RECORD_WORDS], line[32];
	const char *name = pop3_verb_name((enum pop3_verb)ev->verb);

	if (ev->reply_to != REPLY_GREETING && is_probe(s, ev))
		return;
	r.stage = stage_of(s, ev);
	text_copy_utf8(r.verb, sizeof(r.verb), name, strlen(name));
	reply_set(&r.reply, text, ev, at);
	r.unsolicited = ev->reply_to == REPLY_UNSOLICITED;
	r.after_auth = f->session->auth_ok;
	refusal_of_message(s, ev, &r);
	/* a mechanism the server does not know says nothing of the login */
	r.consequence = ev->verb == POP3_AUTH && r.stage != STAGE_AUTH;
	if (ev->cmd != 0 && ev->cmd == s->last_cmd) {
		r.asked = s->last_at;
		r.line = s->last_line;
	} else if (ev->cmd != 0 &&
	    ev->arg_num !=
		UINT64_MAX) { /* others came between: pipelined, or told late behind a gap */
		snprintf(line, sizeof(line), "%.4s %llu", name, (unsigned long long)ev->arg_num);
		r.line = line;
	}
	mail_refusal_add(f, &r);
}

/* A line that no client can read, in an answer that came whole. */
static void
listing_check(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct record_session *ss = f->session;
	char line[80];

	if (ss->bad_reply.frame != 0 || ev->unsure || (ev->odd & (ODD_LONG | ODD_UNCLOSED)) != 0)
		return;
	if (!pop3_listing_bad(ev->line, ev->line_len, line, sizeof(line)))
		return;
	ss->bad_reply = at;
	mail_text_own(f, &ss->bad_line, RECORD_LINE, line, strlen(line));
}

/* Of a mailbox that does not fit, the sizes and unique ids are not known. */
static void
listing_keep(
    struct mail_flow *f, struct pop3_listing *l, const struct dissect_event *ev, uint32_t count)
{
	struct mail *m = f->mail;

	m->listed -= pop3_listing_clear(l);
	if (m->listed + pop3_listing_cost(ev->line_len, count) > LISTED_MAX)
		m->caps.listings++;
	else if (!pop3_listing_set(l, ev->line, ev->line_len, count))
		m->caps.memory++;
	else
		m->listed += pop3_listing_cost(l->len, l->count);
}

static void
listing_reply(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct pop3_state *s = state(f);
	struct pop3_listing *l = ev->verb == POP3_LIST ? &s->sizes : &s->uids;
	uint32_t count;

	if (ev->code != POP3_OK)
		return;
	if (ev->arg_num != UINT64_MAX) {
		pop3_listing_one(l, ev->arg, ev->arg_len);
		return;
	}
	count = pop3_listing_count(ev->line, ev->line_len);
	listing_keep(f, l, ev, count);
	f->mail->caps.listings += (ev->odd & ODD_LONG) != 0;
	if (ev->verb == POP3_LIST)
		f->session->listed = count;
	if (ev->verb == POP3_LIST && !ev->unsure && (ev->odd & (ODD_LONG | ODD_UNCLOSED)) == 0)
		count_set(f, count);
	listing_check(f, ev, at);
}

static void
retr_reply(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	struct pop3_state *s = state(f);

	reply_own_event(f, &s->reply, ev, to);
	if (ev->code == POP3_OK) { /* its content follows */
		s->replied_cmd = ev->cmd;
		return;
	}
	waiting_take(f, ev->cmd);
	message_not_retrieved(f, ev->arg_num, from, to, &s->reply, false);
	reply_forget(s);
}

static void
reply_to_command(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	struct record_session *ss = f->session;

	switch (ev->verb) {
	case POP3_PASS:
	case POP3_APOP:
	case POP3_AUTH:
		if (ev->cmd == state(f)->auth_cmd)
			login_reply(f, ev, to);
		break;
	case POP3_STLS: reply_own_event(f, &ss->starttls_reply, ev, to); break;
	case POP3_CAPA:
		if (ev->code == POP3_OK) {
			pop3_capabilities_set(f, ev);
			ss->capabilities_at = to;
			ss->offer_cut = (ev->odd & (ODD_LONG | ODD_UNCLOSED)) != 0;
		}
		break;
	case POP3_STAT:
		if (ev->code == POP3_OK && ev->arg_len > 0 && ev->arg[0] >= '0' &&
		    ev->arg[0] <= '9')
			count_set(f, strtoull(ev->arg, NULL, 10));
		break;
	case POP3_LIST:
	case POP3_UIDL: listing_reply(f, ev, to); break;
	case POP3_RETR: retr_reply(f, ev, from, to); break;
	case POP3_DELE:
		if (ev->code == POP3_OK)
			mark(f, ev->arg_num);
		break;
	case POP3_RSET: /* RFC 1939 5: unmarks what was deleted */
		if (ev->code == POP3_OK)
			marks_clear(f);
		break;
	case POP3_QUIT:
		ss->quit_ok = ev->code == POP3_OK;
		ss->bye = to;
		break;
	default: break;
	}
}

static void
reply(struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	struct pop3_state *s = state(f);
	struct record_session *ss = f->session;

	ss->visible = true;
	ss->replies++;
	if (ev->code == POP3_CHALLENGE) {
		s->auth_began |= ev->cmd != 0 && ev->cmd == s->auth_cmd;
		return;
	}
	if (ev->cmd > s->last_answered)
		s->last_answered = ev->cmd;
	if (ev->reply_to == REPLY_GREETING) {
		reply_own_event(f, &ss->greeting, ev, to);
		ss->greeting_begun = from;
		ss->greeting_cut = (ev->odd & ODD_UNCLOSED) != 0;
	} else if (ev->reply_to == REPLY_TO_COMMAND) {
		reply_to_command(f, ev, from, to);
	} else if (ev->code == POP3_OK) {
		reply_own_event(f, &s->reply, ev, to);
	}
	if (ev->code == POP3_ERR)
		refusal_add(f, ev, to);
}

/* ---- commands -------------------------------------------------------------------- */

static void
command(struct mail_flow *f, const struct dissect_event *ev, struct moment to)
{
	struct pop3_state *s = state(f);
	struct record_session *ss = f->session;

	if (ev->user != NULL)
		mail_user_set(f, ev->user, ev->user_len);
	if (ev->verb == POP3_AUTH_DATA) {
		/* RFC 5034 4: the line "*" gives the exchange up. */
		s->auth_cancelled = ev->line_len == 9 && memcmp(ev->line, "<1 bytes>", 9) == 0;
		return;
	}
	ss->commands++;
	ss->visible |= ev->verb != POP3_OTHER;
	s->last_cmd = ev->cmd;
	s->last_at = to;
	text_copy_utf8(s->last_line, sizeof(s->last_line), ev->line, ev->line_len);
	switch (ev->verb) {
	case POP3_PASS:
	case POP3_APOP:
	case POP3_AUTH: login_command(f, ev, to); break;
	case POP3_STLS: ss->starttls_tried = true; break;
	case POP3_RETR: waiting_add(f, ev, to); break;
	case POP3_QUIT: ss->quit = to; break;
	default: break;
	}
}

/* ---- the protocol ------------------------------------------------------------------ */

static void
pop3_event_take(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	struct pop3_state *s = state(f);

	switch (ev->kind) {
	case EVENT_COMMAND: command(f, ev, to); break;
	case EVENT_REPLY: reply(f, ev, from, to); break;
	case EVENT_CONTENT_BEGIN: content_begin(f, ev, from); break;
	case EVENT_CONTENT:
		if (!s->reading)
			break;
		s->tail_unseen = false;
		mail_content_push(f, ev);
		break;
	case EVENT_CONTENT_END: content_end(f, ev, to); break;
	case EVENT_GAP:
		if (s->reading && ev->dir == DIR_S2C) {
			s->gap = s->tail_unseen = true;
			mail_content_gap(f, ev);
		}
		break;
	case EVENT_NOISE:
		if (ev->dir == DIR_S2C && !ev->unsure && ev->line_len > 0 && s->dot_end > 0 &&
		    ev->off == s->dot_end && f->session->behind_dot.frame == 0)
			f->session->behind_dot = from;
		break;
	default: break;
	}
}

static void
pop3_end(struct mail_flow *f, const struct record_connection *facts)
{
	struct pop3_state *s = state(f);
	struct record_session *ss = f->session;

	(void)facts;
	if (ss->server_seen) {
		for (uint32_t i = s->waiting_first; i < s->waiting_count; i++)
			message_not_retrieved(f, s->waiting[i].number, s->waiting[i].at,
			    s->waiting[i].at, NULL, ss->gap_server);
		f->mail->caps.fetches += s->unwaited;
	}
	text_copy_utf8(
	    ss->last_command, sizeof(ss->last_command), s->last_line, strlen(s->last_line));
	ss->command_unanswered = s->last_cmd > s->last_answered && !ss->tls;
}

static void
pop3_wipe(struct mail_flow *f)
{
	struct pop3_state *s = state(f);

	f->mail->listed -= pop3_listing_clear(&s->sizes) + pop3_listing_clear(&s->uids);
	dissect_queue_room(&f->mail->waiting, s->waiting_size, 0);
	free(s->waiting);
	free(s->marked);
	text_disown(&s->reply.text);
}

const struct mail_protocol mail_pop3 = {
	.dissector = &dissector_pop3,
	.state_size = sizeof(struct pop3_state),
	.event = pop3_event_take,
	.end = pop3_end,
	.wipe = pop3_wipe,
};
