/* mail_smtp.c - SMTP and LMTP events to records: commands, content, the end. */
#include <stdlib.h>
#include <string.h>

#include "mail/mail_smtp.h"
#include "record/text.h"

/* ---- commands without their reply ------------------------------------------ */

void
smtp_asked_answered(struct smtp_asked_cmd *a)
{
	if (a->answered)
		return;
	a->answered = true;
	if (a->mail != NULL)
		a->mail->asked--;
	if (a->saved != NULL)
		a->saved->holds--;
}

static void
asked_forget(struct smtp_flow *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		smtp_asked_answered(smtp_asked_at(s, i));
	s->asked_count -= n;
	s->asked_first = s->asked_count != 0 ? (s->asked_first + n) % s->asked_size : 0;
}

struct smtp_asked_cmd *
smtp_asked_find(struct smtp_flow *s, uint32_t cmd)
{
	uint32_t n = 0;

	while (n < s->asked_count && smtp_asked_at(s, n)->cmd < cmd)
		n++;
	if (n != 0)
		asked_forget(s, n);
	return s->asked_count != 0 && smtp_asked_at(s, 0)->cmd == cmd ? smtp_asked_at(s, 0) : NULL;
}

static bool
asked_grow(struct mail_flow *f)
{
	struct smtp_flow *s = smtp_flow(f);
	struct dissect_queues *all = &f->mail->asked;
	uint32_t size = s->asked_size != 0 ? s->asked_size * 2 : 4;
	struct smtp_asked_cmd *a;

	if (size > SMTP_ASKED_MAX || !dissect_queue_room(all, s->asked_size, size))
		return false; /* counted by the dissector, which forgets as many */
	if ((a = malloc(size * sizeof(*a))) == NULL) {
		dissect_queue_room(all, size, s->asked_size);
		f->mail->caps.memory++;
		return false;
	}
	for (uint32_t i = 0; i < s->asked_count; i++)
		a[i] = *smtp_asked_at(s, i);
	free(s->asked);
	s->asked = a;
	s->asked_first = 0;
	s->asked_size = size;
	return true;
}

static struct smtp_asked_cmd *
asked_add(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_asked_cmd *a;

	if (s->asked_count == s->asked_size && !asked_grow(f) && s->asked_count != 0)
		asked_forget(s, 1);
	if (s->asked_size == 0)
		return NULL;
	a = smtp_asked_at(s, s->asked_count++);
	*a =
	    (struct smtp_asked_cmd){ .cmd = ev->cmd, .verb = ev->verb, .last = ev->last, .at = at };
	if (ev->line_len != 0)
		text_copy_utf8(a->line, sizeof(a->line), ev->line, ev->line_len);
	return a;
}

static void
asked_for(struct smtp_asked_cmd *a, struct smtp_mail *t)
{
	if (a == NULL || t == NULL)
		return;
	a->mail = t;
	t->asked++;
}

/* ---- commands --------------------------------------------------------------- */

static void
cmd_hello(struct mail_flow *f, const struct dissect_event *ev)
{
	struct record_session *s = f->session;

	s->ehlo |= ev->verb == SMTP_EHLO;
	s->helo |= ev->verb == SMTP_HELO;
	s->lhlo |= ev->verb == SMTP_LHLO;
	smtp_flow(f)->lmtp = ev->verb == SMTP_LHLO;
	if (ev->arg_len != 0)
		mail_text_own(f, &s->identity, RECORD_LINE, ev->arg, ev->arg_len);
}

/* Taken for done; a refusal opens it again. */
static void
cmd_reset(struct smtp_flow *s, struct smtp_asked_cmd *a)
{
	struct smtp_mail *t = s->open;

	if (t == NULL)
		return;
	if (a != NULL) {
		a->saved = t;
		t->holds++;
	}
	t->ended = t->reset = true;
	s->open = NULL;
}

static void
cmd_mail(
    struct mail_flow *f, const struct dissect_event *ev, struct smtp_asked_cmd *a, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_mail *t;

	if (ev->arg == NULL)
		return; /* no FROM: an attempt only if the server takes it */
	if ((t = smtp_mail_begin(f, at)) == NULL)
		return;
	t->mail_asked = true;
	mail_text_own(f, &t->r.sender, RECORD_ADDRESS, ev->arg, ev->arg_len);
	t->r.sender_bare = (ev->odd & ODD_NO_ANGLES) != 0;
	t->r.declared_size = ev->arg_num != UINT64_MAX ? ev->arg_num : 0;
	if (s->open != NULL && s->open->r.mail_reply.code < 400 && s->open->r.final_reply.code == 0)
		t->before = s->open;
	else if (s->open != NULL)
		s->open->ended = true;
	s->open = t;
	asked_for(a, t);
}

/* RCPT or DATA without MAIL: its MAIL is not in the capture, or was never sent. */
static struct smtp_mail *
mail_at_hand(struct mail_flow *f, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);

	if (s->open == NULL && (s->open = smtp_mail_begin(f, at)) != NULL)
		s->open->after_refusal = s->data_refused;
	return s->open;
}

static void
cmd_rcpt(
    struct mail_flow *f, const struct dissect_event *ev, struct smtp_asked_cmd *a, struct moment at)
{
	struct smtp_mail *t;

	if (ev->arg == NULL || (t = mail_at_hand(f, at)) == NULL)
		return;
	if (smtp_mail_rcpt(f, t, ev, at) != NULL && a != NULL)
		a->rcpt = t->rcpt_count;
	asked_for(a, t);
}

static void
cmd_data(
    struct mail_flow *f, const struct dissect_event *ev, struct smtp_asked_cmd *a, struct moment at)
{
	struct smtp_mail *t = mail_at_hand(f, at);

	if (t == NULL)
		return;
	t->r.data_sent = true;
	t->r.bdat |= ev->verb == SMTP_BDAT;
	smtp_flow(f)->chunk_due = ev->verb == SMTP_BDAT ? ev->arg_num : 0;
	if (t->r.data_at.frame == 0)
		t->r.data_at = at;
	t->r.last = at;
	asked_for(a, t);
}

static void
cmd_auth(struct mail_flow *f, const struct dissect_event *ev)
{
	struct record_session *s = f->session;

	if (ev->verb == SMTP_AUTH) {
		s->auth_tried = true;
		s->auth_mechanism[0] = '\0';
		if (ev->arg_len != 0)
			text_copy_utf8(
			    s->auth_mechanism, sizeof(s->auth_mechanism), ev->arg, ev->arg_len);
	}
	if (ev->user != NULL)
		mail_user_set(f, ev->user, ev->user_len);
}

static void
cmd_quit(struct mail_flow *f, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);

	f->session->quit = at;
	if (s->open == NULL)
		return;
	s->open->quit = s->open->ended = true;
}

static void
last_command_note(struct record_session *s, const struct dissect_event *ev)
{
	if (ev->line_len != 0)
		text_copy_utf8(s->last_command, sizeof(s->last_command), ev->line, ev->line_len);
}

static bool
offers_pipelining(const struct record_session *r)
{
	return r->offer_cut ||
	    (r->capabilities != NULL &&
		(strcasestr(r->capabilities, "PIPELINING") != NULL ||
		    text_words_cut(r->capabilities)));
}

/* RFC 5321 2.3.8, RFC 2920 3: what strict servers hold against a client. */
static void
conduct_note(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	const struct smtp_flow *s = smtp_flow(f);
	struct record_session *r = f->session;
	const struct smtp_asked_cmd *last = smtp_asked_last(s);

	if (ev->odd & ODD_BARE_LF && r->bare_command.frame == 0)
		r->bare_command = at;
	if (r->unoffered.frame != 0 || last == NULL || last->answered || ev->unsure ||
	    ev->odd & ODD_EARLY || ev->verb == SMTP_AUTH_DATA)
		return;
	if (r->ehlo_answered ? !offers_pipelining(r)
			     : last->verb == SMTP_EHLO || last->verb == SMTP_HELO)
		r->unoffered = at;
}

/* Behind a chunk that was refused, or a message that broke off: it is over. */
static void
content_close(struct record_session *s, const struct dissect_event *ev, struct moment at)
{
	if (s->content_from.frame != 0 && s->content_to.frame == 0 && !ev->unsure &&
	    ev->verb != SMTP_UNKNOWN)
		s->content_to = at;
}

static void
event_command(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_asked_cmd *a;

	conduct_note(f, ev, at);
	content_close(f->session, ev, at);
	a = asked_add(f, ev, at);
	f->session->commands++;
	f->session->visible |= ev->verb != SMTP_UNKNOWN;
	s->early |= (ev->odd & ODD_EARLY) != 0;
	last_command_note(f->session, ev);
	switch (ev->verb) {
	case SMTP_EHLO:
	case SMTP_HELO:
	case SMTP_LHLO:
		cmd_hello(f, ev);
		cmd_reset(s, a);
		break;
	case SMTP_RSET:
	case SMTP_XCLIENT: cmd_reset(s, a); break;
	case SMTP_MAIL: cmd_mail(f, ev, a, at); break;
	case SMTP_RCPT: cmd_rcpt(f, ev, a, at); break;
	case SMTP_DATA:
	case SMTP_BDAT: cmd_data(f, ev, a, at); break;
	case SMTP_AUTH:
	case SMTP_AUTH_DATA: cmd_auth(f, ev); break;
	case SMTP_STARTTLS: f->session->starttls_tried = true; break;
	case SMTP_QUIT: cmd_quit(f, at); break;
	default: break;
	}
}

/* ---- content ---------------------------------------------------------------- */

static struct smtp_mail *
mail_of_command(struct smtp_flow *s, uint32_t cmd)
{
	for (uint32_t i = 0; cmd != 0 && i < s->asked_count; i++)
		if (smtp_asked_at(s, i)->cmd == cmd)
			return smtp_asked_at(s, i)->mail;
	return NULL;
}

static void
event_content_begin(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_mail *t = mail_of_command(s, ev->cmd);

	f->session->visible = true;
	s->reading = t != NULL ? t : mail_at_hand(f, at);
	if (s->reading != NULL)
		s->reading->go_ahead = true;
	s->octets = false;
	s->content_from = at;
	if (f->session->content_from.frame == 0)
		f->session->content_from = at;
	f->session->content_to = (struct moment){ 0 };
	mail_content_begin(f);
}

static void
event_content(struct mail_flow *f, const struct dissect_event *ev, struct moment to)
{
	struct smtp_flow *s = smtp_flow(f);

	s->octets = true;
	s->chunk_due -= ev->data_len < s->chunk_due ? ev->data_len : s->chunk_due;
	mail_content_push(f, ev);
	if (s->reading != NULL) {
		s->reading->content = true;
		s->reading->r.last = to;
	}
}

static void
event_gap(struct mail_flow *f, const struct dissect_event *ev)
{
	struct smtp_flow *s = smtp_flow(f);

	if (ev->dir != DIR_C2S || s->reading == NULL)
		return;
	s->reading->content = true;
	mail_content_gap(f, ev);
}

static void
message_emit(
    struct mail_flow *f, const struct dissect_event *ev, struct smtp_mail *t, struct moment to)
{
	struct smtp_flow *s = smtp_flow(f);
	struct content_texts texts;
	struct record_message *m;
	struct record rec;

	RECORD_BEGIN(&rec, RECORD_MESSAGE, message);
	m = &rec.message;
	/* a lax end of data leaves its dot in the content */
	mail_content_end(f, m, &texts, ev->complete && !ev->unsure && (ev->odd & ODD_DOT_LF) == 0);
	if (t != NULL && m->message_id != NULL)
		mail_text_own(
		    f, &t->r.message_id, RECORD_HEADER, m->message_id, strlen(m->message_id));
	if (!s->octets)
		return; /* joined behind its beginning, or empty */
	m->app = APP_SMTP;
	m->state = ev->complete && !m->gap ? MESSAGE_WHOLE : MESSAGE_CUT;
	m->first = s->content_from;
	m->last = to;
	mail_emit(f, &rec, t != NULL ? t->n : 0, 0);
}

/* Devices that look at packets one by one miss a CRLF "." CRLF that falls apart. */
static bool
end_is_split(const struct mail_flow *f, const struct dissect_event *ev, struct moment to)
{
	enum { END = 5 };
	struct moment m;

	if (ev->verb != SMTP_END_OF_DATA || ev->end < END || f->opened.frames.at == NULL)
		return false;
	m = f->opened.frames.at(f->opened.frames.flow, DIR_C2S, ev->end - END);
	return m.frame != 0 && m.frame != to.frame;
}

static void
event_content_end(struct mail_flow *f, const struct dissect_event *ev, struct moment to)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_mail *t = s->reading;
	bool over = ev->complete || ev->cmd != 0; /* it will be answered, or has been */

	f->session->content_to = ev->complete ? to : f->session->content_to;
	message_emit(f, ev, t, to);
	s->reading = NULL;
	if (ev->verb == SMTP_END_OF_DATA && ev->cmd != 0)
		asked_for(asked_add(f, ev, to), t);
	if (t == NULL)
		return;
	t->content |= ev->arg_num != 0 && ev->arg_num != UINT64_MAX;
	t->r.bytes = ev->arg_num;
	t->r.last = to;
	t->r.unsure |= ev->unsure;
	t->r.end_bare = (ev->odd & ODD_ENDS_BARE) != 0;
	if (ev->complete) {
		t->dot = ev->end;
		t->r.end_of_data = to;
		t->r.end_split = end_is_split(f, ev, to);
	}
	if (over && s->open == t)
		s->open = NULL; /* its reply ends it; what comes next is another mail */
}

/* ---- the protocol ----------------------------------------------------------- */

static void
smtp_event(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	switch (ev->kind) {
	case EVENT_COMMAND: event_command(f, ev, to); break;
	case EVENT_REPLY: smtp_reply_event(f, ev, from, to); break;
	case EVENT_CONTENT_BEGIN: event_content_begin(f, ev, from); break;
	case EVENT_CONTENT: event_content(f, ev, to); break;
	case EVENT_CONTENT_END: event_content_end(f, ev, to); break;
	case EVENT_GAP: event_gap(f, ev); break;
	default: break;
	}
}

static bool
command_unanswered(const struct smtp_flow *s)
{
	const struct smtp_asked_cmd *last = smtp_asked_last(s);

	return last != NULL && !last->answered;
}

static void
smtp_end(struct mail_flow *f, const struct record_connection *facts)
{
	struct smtp_flow *s = smtp_flow(f);
	struct record_session *r = f->session;
	const struct smtp_asked_cmd *last = smtp_asked_last(s);

	r->command_unanswered = command_unanswered(s) && !r->tls;
	r->chunk_whole = last != NULL && last->verb == SMTP_BDAT && s->chunk_due == 0;
	if (r->command_unanswered && last->verb == SMTP_END_OF_DATA)
		memcpy(r->last_command, ".", 2);
	r->early_talker = s->early && r->server_seen && !r->gap_server;
	r->greeting_cut =
	    r->greeting_begun.frame != 0 && r->greeting.at.frame == 0 && !r->midstream && !r->tls;
	smtp_mails_settle(f, facts, true);
}

static void
smtp_wipe(struct mail_flow *f)
{
	smtp_mails_free(f);
}

const struct mail_protocol mail_smtp = {
	.dissector = &dissector_smtp,
	.state_size = sizeof(struct smtp_flow),
	.event = smtp_event,
	.end = smtp_end,
	.wipe = smtp_wipe,
};
