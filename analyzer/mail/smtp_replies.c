/*
 * smtp_replies.c - what a reply does to session and transactions.  The state
 * changes with the reply, never with the command alone.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/mail_smtp.h"
#include "record/text.h"

/* One reply, and all that its handlers want to know. */
struct answer {
	struct mail_flow *f;
	struct smtp_flow *s;
	const struct dissect_event *ev;
	struct moment at;
	const struct record_reply *reply;
	struct smtp_asked_cmd *asked; /* NULL = unsolicited, or forgotten */
	struct smtp_mail *mail;       /* NULL = none */
	bool nested, ended, consequence;
};

static bool
is_yes(const struct answer *a)
{
	return a->reply->code / 100 == 2;
}

static bool
is_no(const struct answer *a)
{
	return a->reply->code >= 400;
}

/* A refused RSET or EHLO ends nothing: what was open is open again. */
void
smtp_reopen(struct smtp_flow *s, struct smtp_mail *t)
{
	if (t == NULL || s->open != NULL)
		return;
	t->ended = t->reset = false;
	s->open = t;
}

static void
on_hello(struct answer *a)
{
	struct record_session *s = a->f->session;

	if (is_no(a)) {
		smtp_reopen(a->s, a->asked != NULL ? a->asked->saved : NULL);
		return;
	}
	if (!is_yes(a) || a->ev->verb == SMTP_HELO)
		return;
	s->ehlo_answered = true;
	s->capabilities_at = a->reply->at;
	s->offer_cut = (a->ev->odd & (ODD_UNKEPT | ODD_UNCLOSED | ODD_CUT)) != 0;
	smtp_ehlo_note(a->f, a->ev->arg, a->ev->arg_len);
}

static void
on_reset(struct answer *a)
{
	if (is_no(a) && a->asked != NULL)
		smtp_reopen(a->s, a->asked->saved);
}

static bool
transaction_lives(const struct smtp_mail *t)
{
	return t != NULL && t->r.mail_reply.code < 400 && t->r.final_reply.code == 0;
}

static void
on_mail(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	if (t == NULL && is_yes(a) && a->asked != NULL) { /* odd grammar, but the server took it */
		if ((t = smtp_mail_begin(a->f, a->asked->at)) == NULL)
			return;
		t->mail_asked = true;
		if (a->s->open != NULL)
			a->s->open->ended = true;
		a->s->open = a->mail = t;
	}
	if (t == NULL)
		return;
	mail_reply_own(a->f, &t->r.mail_reply, a->reply);
	if (is_no(a) && transaction_lives(t->before)) {
		a->nested = true;
		smtp_mail_nested(a->f, t);
	} else if (t->before != NULL) {
		t->before->ended = t->before->reset = true;
	}
	t->before = NULL;
	a->ended = is_no(a) && !a->nested;
}

static void
on_rcpt(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	if (t == NULL)
		return;
	smtp_mail_rcpt_reply(a->f, t, a->asked->rcpt, a->reply);
	a->consequence = t->r.mail_reply.code >= 400;
}

/* Consequences are not judged (diagnosis 0.7): pipelined behind a refusal, or no recipient left. */
static bool
follows_refusal(const struct answer *a)
{
	const struct smtp_mail *t = a->mail;

	if (t->r.mail_reply.code >= 400 || t->bdat_refused || (t->after_refusal && t->r.bdat))
		return true;
	return t->r.recipients != 0 && t->rcpt_ok == 0 &&
	    (a->reply->code == 503 || a->reply->code == 554);
}

/* Content behind a refused DATA or BDAT of this connection is no new attempt. */
static void
refused_before(struct answer *a)
{
	if (a->mail != NULL && !a->mail->mail_asked)
		a->mail->after_refusal |= a->s->data_refused;
	a->s->data_refused |= is_no(a);
}

static void
on_data(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	refused_before(a);
	if (t == NULL)
		return;
	a->consequence = is_no(a) && follows_refusal(a);
	a->ended = is_no(a) && t->rcpt_ok != 0;
	mail_reply_own(a->f, &t->r.data_reply, a->reply);
	t->go_ahead |= a->reply->code / 100 == 3;
}

static void
final_set(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	t->finals++;
	t->finals_ok += is_yes(a);
	/* LMTP: one yes makes the mail accepted (RFC 2033 4.2). */
	if (t->r.final_reply.code == 0 || t->r.final_reply.code / 100 != 2 || !a->s->lmtp)
		mail_reply_own(a->f, &t->r.final_reply, a->reply);
	a->ended = is_no(a);
}

/*
 * The n-th reply to the end of data of LMTP, or behind PRDR's 353, is for the n-th recipient that
 * was accepted.
 */
static void
final_of_rcpt(struct answer *a)
{
	struct smtp_mail *t = a->mail;
	uint32_t nth = 0;

	if (!a->s->lmtp && !t->prdr)
		return;
	for (uint32_t i = 0; i < t->rcpt_count; i++) {
		struct smtp_rcpt *r = &t->rcpt[i];

		if (r->reply == NULL || r->reply->code / 100 != 2 || ++nth != t->finals)
			continue;
		smtp_mail_reply_dup(a->f, &r->final, a->reply);
		return;
	}
}

/* PRDR: what is said of one recipient does not decide the mail; the last reply does. */
static bool
is_of_one_rcpt(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	if (!t->prdr) {
		t->prdr = a->reply->code == 353 && !a->s->lmtp;
		return t->prdr;
	}
	if (t->finals >= t->rcpt_ok)
		return false;
	t->finals++;
	final_of_rcpt(a);
	return true;
}

static void
end_of_transaction(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	if (a->s->lmtp && t->finals < t->rcpt_ok)
		return;
	t->ended = true;
	if (a->s->open == t)
		a->s->open = NULL;
}

static void
on_bdat(struct answer *a)
{
	struct smtp_mail *t = a->mail;

	refused_before(a);
	if (t == NULL || (a->ev->last && is_of_one_rcpt(a)))
		return;
	a->consequence = is_no(a) && follows_refusal(a);
	if (is_no(a) && !t->bdat_refused) {
		final_set(a);
		final_of_rcpt(a);
		t->bdat_refused = true;
	} else if (is_yes(a) && a->ev->last && !t->bdat_refused) {
		final_set(a);
		final_of_rcpt(a);
	}
	if (a->ev->last)
		end_of_transaction(a);
}

/*
 * What answers one command alone (RFC 5321 4.3.2: a greeting, QUIT; 4954: AUTH) takes no mail:
 * behind a gap replies are counted wrongly.
 */
static bool
is_of_another(const struct answer *a)
{
	return a->reply->code == 220 || a->reply->code == 221 || a->reply->code == 235;
}

static void
on_end_of_data(struct answer *a)
{
	if (a->mail == NULL || is_of_one_rcpt(a))
		return;
	if (!is_of_another(a) && !a->mail->passed) {
		final_set(a);
		final_of_rcpt(a);
	}
	end_of_transaction(a);
}

static void
on_auth(struct answer *a)
{
	struct record_session *s = a->f->session;

	if (a->reply->code / 100 == 3)
		return;
	mail_reply_own(a->f, &s->auth_reply, a->reply);
	if (is_yes(a)) {
		s->auth_ok = true;
		s->auth_at = a->at;
	}
}

static void
on_starttls(struct answer *a)
{
	mail_reply_own(a->f, &a->f->session->starttls_reply, a->reply);
}

/* 221 and 421 end the session, whatever they answer (RFC 5321 3.8). */
static bool
is_farewell(const struct answer *a)
{
	return a->reply->code == 221 || a->reply->code == 421;
}

static void
on_quit(struct answer *a)
{
	a->f->session->bye = a->at;
}

static const struct {
	int verb;
	enum smtp_stage stage;
	void (*then)(struct answer *a);
} handlers[] = {
	{ SMTP_EHLO, STAGE_EHLO, on_hello },
	{ SMTP_HELO, STAGE_EHLO, on_hello },
	{ SMTP_LHLO, STAGE_EHLO, on_hello },
	{ SMTP_MAIL, STAGE_MAIL, on_mail },
	{ SMTP_RCPT, STAGE_RCPT, on_rcpt },
	{ SMTP_DATA, STAGE_DATA, on_data },
	{ SMTP_BDAT, STAGE_DOT, on_bdat },
	{ SMTP_END_OF_DATA, STAGE_DOT, on_end_of_data },
	{ SMTP_RSET, STAGE_OTHER, on_reset },
	{ SMTP_XCLIENT, STAGE_OTHER, on_reset },
	{ SMTP_AUTH, STAGE_AUTH, on_auth },
	{ SMTP_AUTH_DATA, STAGE_AUTH, on_auth },
	{ SMTP_STARTTLS, STAGE_STARTTLS, on_starttls },
	{ SMTP_QUIT, STAGE_OTHER, on_quit },
};

/* ---- refusals ------------------------------------------------------------- */

static const char *
verb_name(const struct answer *a)
{
	if (a->ev->reply_to == REPLY_GREETING)
		return "connect";
	if (a->asked == NULL)
		return "";
	if (a->ev->verb == SMTP_END_OF_DATA)
		return ".";
	return a->ev->verb == SMTP_AUTH_DATA ? "AUTH" : smtp_verb_facts(a->ev->verb)->word;
}

static void
refusal_add(struct answer *a, enum smtp_stage stage)
{
	struct session_refusal r = {
		.stage = stage,
		.reply = *a->reply,
		.consequence = a->consequence,
		.ended_transaction = a->ended,
		.unsolicited = a->ev->cmd == 0 && a->ev->reply_to == REPLY_UNSOLICITED,
		.guessed = a->ev->guess,
		.after_auth = a->f->session->auth_ok,
		.transaction_open = a->s->open != NULL,
	};
	const char *verb = a->ev->guess ? "" : verb_name(a);

	text_copy_utf8(r.verb, sizeof(r.verb), verb, strlen(verb));
	if (a->asked != NULL && !a->ev->guess) {
		r.line = a->asked->line;
		r.asked = a->asked->at;
	}
	if (a->mail != NULL)
		r.transaction = a->mail->n;
	else if (a->s->open != NULL)
		r.transaction = a->s->open->n;
	mail_refusal_add(a->f, &r);
}

static void
refusal_note(struct answer *a, enum smtp_stage stage)
{
	bool question = a->ev->cmd != 0 && smtp_verb_facts(a->ev->verb)->flags & SMTP_ASKS;

	if (is_no(a) && !question)
		refusal_add(a, stage);
}

/* ---- replies to nothing ---------------------------------------------------- */

static bool
text_has(const struct record_reply *r, const char *words)
{
	return strcasestr(r->text, words) != NULL;
}

/* A transaction whose beginning is not in the capture, settled by this reply. */
static void
implied_final(struct answer *a)
{
	struct smtp_mail *t = smtp_mail_begin(a->f, a->at);

	if (t == NULL)
		return;
	mail_reply_own(a->f, &t->r.final_reply, a->reply);
	t->r.unsure = true;
	t->content = true;
	t->ended = true;
	a->mail = t;
}

/* "In a flow joined in the middle, a first reply 250 that says queued." */
static bool
first_says_queued(const struct answer *a)
{
	return a->f->session->midstream && a->f->session->replies == 1 && a->s->mails_begun == 0 &&
	    a->reply->code == 250 &&
	    (text_has(a->reply, "queued") || text_has(a->reply, "id=") ||
		text_has(a->reply, "message accepted"));
}

/*
 * A refusal in the midst of the content is its answer, if no other comes; that
 * a server lost patience is not.
 */
static void
refused_amid_content(struct answer *a)
{
	struct smtp_mail *t = a->s->reading;

	if (t == NULL || !is_no(a) || a->reply->code == 421 || text_has(a->reply, "timeout") ||
	    text_has(a->reply, "timed out"))
		return;
	mail_reply_own(a->f, &t->r.final_reply, a->reply);
	a->mail = t;
	a->ended = true;
}

/* Whose content was under way at that time, though its end may have been read by now. */
static struct smtp_mail *
mail_under_way(const struct answer *a)
{
	for (uint32_t i = 0; a->s->reading == NULL && i < a->s->asked_count; i++) {
		const struct smtp_asked_cmd *e = smtp_asked_at(a->s, i);

		if (e->verb == SMTP_END_OF_DATA && !e->answered && a->at.frame < e->at.frame)
			return e->mail;
	}
	return a->s->reading;
}

/* The server asks for the content of another mail: the end of that one is not in the capture. */
static void
passed_amid_content(struct answer *a)
{
	struct smtp_mail *t = a->reply->code == 354 ? mail_under_way(a) : NULL;

	if (t != NULL && t->r.data_reply.code == 354) {
		t->passed = true;
		t->r.unsure = true;
	}
}

static void
on_unsolicited(struct answer *a)
{
	if (is_farewell(a))
		a->f->session->bye = a->at;
	if (a->reply->code == 235) { /* a login that worked, and nothing else (RFC 4954): its
					command is not in the capture */
		a->f->session->auth_tried = true;
		on_auth(a);
	}
	if (first_says_queued(a))
		implied_final(a);
	else
		refused_amid_content(a);
	refusal_note(a, a->s->reading != NULL ? STAGE_DOT : STAGE_OTHER);
}

/* ---- */

static void
on_greeting(struct answer *a)
{
	mail_reply_own(a->f, &a->f->session->greeting, a->reply);
	refusal_note(a, STAGE_CONNECT);
}

static void
on_answer(struct answer *a)
{
	enum smtp_stage stage = STAGE_OTHER;

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].verb == a->ev->verb) {
			stage = handlers[i].stage;
			handlers[i].then(a);
		}
	if (is_farewell(a))
		a->f->session->bye = a->at;
	refusal_note(a, stage);
	if (a->asked != NULL)
		smtp_asked_answered(a->asked);
	if (a->mail != NULL) {
		a->mail->r.last = a->at;
		a->mail->r.unsure |= a->ev->unsure;
	}
}

/*
 * Which command it answers cannot be told: the mail is refused if nothing shows otherwise, and no
 * recipient or command is named.
 */
static void
on_guess(struct answer *a)
{
	if (a->mail != NULL) {
		smtp_mail_rcpt_reply(a->f, a->mail, 0, a->reply);
		a->mail->r.last = a->at;
		a->mail->r.unsure = true;
	}
	refusal_note(a, STAGE_OTHER);
	if (a->asked != NULL)
		smtp_asked_answered(a->asked);
}

void
smtp_reply_event(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	char text[RECORD_WORDS];
	struct record_reply reply;
	struct answer a = { .f = f, .s = smtp_flow(f), .ev = ev, .at = to, .reply = &reply };

	(void)from;
	mail_reply_set(&reply, text, ev, to);
	f->session->replies++;
	f->session->visible = true;
	passed_amid_content(&a);
	switch (ev->reply_to) {
	case REPLY_GREETING: on_greeting(&a); break;
	case REPLY_UNSOLICITED: on_unsolicited(&a); break;
	default:
		a.asked = smtp_asked_find(a.s, ev->cmd);
		a.mail = a.asked != NULL ? a.asked->mail : NULL;
		if (ev->guess && is_no(&a))
			on_guess(&a);
		else
			on_answer(&a);
	}
	smtp_mails_settle(f, NULL, false);
}
