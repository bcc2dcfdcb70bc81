/* smtp_mail.c - transactions and their recipients while they are open. */
#include <stdlib.h>
#include <string.h>

#include "mail/mail_smtp.h"

static void
reply_free(struct record_reply *r)
{
	if (r != NULL)
		text_disown(&r->text);
	free(r);
}

static void
rcpt_free(struct mail_flow *f, struct smtp_rcpt *r)
{
	f->mail->rcpts_open--;
	text_disown(&r->address);
	reply_free(r->reply);
	reply_free(r->final);
}

static void
mail_free_one(struct mail_flow *f, struct smtp_mail *t)
{
	f->mail->mails_open--;
	for (uint32_t i = 0; i < t->rcpt_count; i++)
		rcpt_free(f, &t->rcpt[i]);
	free(t->rcpt);
	text_disown(&t->rcpt_negative.text);
	transaction_disown(&t->r);
	free(t);
}

void
smtp_mails_free(struct mail_flow *f)
{
	struct smtp_flow *s = smtp_flow(f);

	while (s->mails != NULL) {
		struct smtp_mail *t = s->mails;

		s->mails = t->next;
		mail_free_one(f, t);
	}
	dissect_queue_room(&f->mail->asked, s->asked_size, 0);
	free(s->asked);
	s->asked = NULL;
	s->asked_size = 0;
}

/* Too many without a reply: the oldest is settled as it stands. */
static void
mails_limit(struct mail_flow *f)
{
	struct smtp_flow *s = smtp_flow(f);
	bool few = f->mail->mails_open >= SMTP_TRANSACTIONS_ALL;

	if (s->mail_count < (few ? SMTP_TRANSACTIONS_FEW : SMTP_TRANSACTIONS_OPEN) ||
	    s->mails == NULL)
		return;
	f->mail->caps.transactions++;
	s->mails->forced = true;
	s->mails->asked = 0;
	for (uint32_t i = 0; i < s->asked_count; i++) {
		struct smtp_asked_cmd *a = smtp_asked_at(s, i);

		a->mail = a->mail != s->mails ? a->mail : NULL;
		a->saved = a->saved != s->mails ? a->saved : NULL;
	}
	smtp_mails_settle(f, NULL, false);
}

struct smtp_mail *
smtp_mail_begin(struct mail_flow *f, struct moment at)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_mail *t, **end;

	mails_limit(f);
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		f->mail->caps.memory++;
		return NULL;
	}
	t->n = ++s->mails_begun;
	t->r.first = t->r.last = at;
	for (end = &s->mails; *end != NULL; end = &(*end)->next)
		;
	*end = t;
	s->mail_count++;
	f->mail->mails_open++;
	return t;
}

/* ---- recipients ----------------------------------------------------------- */

static bool
rcpts_grow(struct smtp_mail *t)
{
	uint32_t size = t->rcpt_size != 0 ? t->rcpt_size * 2 : 4;
	struct smtp_rcpt *r;

	if (t->rcpt_count < t->rcpt_size)
		return true;
	if (size > SMTP_RECIPIENTS_KEPT)
		size = SMTP_RECIPIENTS_KEPT;
	if (size <= t->rcpt_size || (r = realloc(t->rcpt, size * sizeof(*r))) == NULL)
		return false;
	t->rcpt = r;
	t->rcpt_size = size;
	return true;
}

struct smtp_rcpt *
smtp_mail_rcpt(
    struct mail_flow *f, struct smtp_mail *t, const struct dissect_event *ev, struct moment at)
{
	struct smtp_rcpt *r;

	t->r.recipients++;
	t->r.last = at;
	if (f->mail->rcpts_open >= SMTP_RECIPIENTS_OPEN || !rcpts_grow(t)) {
		f->mail->caps.recipients++;
		return NULL;
	}
	f->mail->rcpts_open++;
	r = &t->rcpt[t->rcpt_count++];
	*r = (struct smtp_rcpt){ .ordinal = t->r.recipients,
		.cmd = ev->cmd,
		.at = at,
		.bare = (ev->odd & ODD_NO_ANGLES) != 0 };
	if (ev->arg_len != 0)
		mail_text_own(f, &r->address, RECORD_ADDRESS, ev->arg, ev->arg_len);
	return r;
}

void
smtp_mail_reply_dup(struct mail_flow *f, struct record_reply **to, const struct record_reply *r)
{
	if (*to == NULL && (*to = calloc(1, sizeof(**to))) == NULL)
		f->mail->caps.memory++;
	else
		mail_reply_own(f, *to, r);
}

void
smtp_mail_rcpt_reply(
    struct mail_flow *f, struct smtp_mail *t, uint32_t rcpt, const struct record_reply *r)
{
	enum verdict v = smtp_verdict_of_code(r->code);

	t->rcpt_answered++;
	if (v == VERDICT_ACCEPTED) {
		t->rcpt_ok++;
		t->r.recipients_accepted++;
	} else if (r->code >= 400) {
		*(v == VERDICT_DEFERRED ? &t->rcpt_deferred : &t->rcpt_refused) += 1;
		mail_reply_own(f, &t->rcpt_negative, r);
	}
	if (rcpt == 0 || rcpt > t->rcpt_count || t->rcpt[rcpt - 1].reply != NULL)
		return;
	smtp_mail_reply_dup(f, &t->rcpt[rcpt - 1].reply, r);
	t->rcpt[rcpt - 1].consequence = r->code >= 400 && t->r.mail_reply.code >= 400;
}

/* ---- nested MAIL ---------------------------------------------------------- */

static void
asked_move(struct smtp_flow *s, struct smtp_mail *from, struct smtp_mail *to, uint32_t shift)
{
	for (uint32_t i = 0; i < s->asked_count; i++) {
		struct smtp_asked_cmd *a = smtp_asked_at(s, i);

		if (a->mail != from)
			continue;
		a->mail = to;
		from->asked--;
		to->asked++;
		if (a->rcpt != 0)
			a->rcpt = a->rcpt + shift <= to->rcpt_count ? a->rcpt + shift : 0;
	}
}

void
smtp_mail_nested(struct mail_flow *f, struct smtp_mail *t)
{
	struct smtp_flow *s = smtp_flow(f);
	struct smtp_mail *old = t->before;
	uint32_t shift = old->rcpt_count, kept = 0;

	while (kept < t->rcpt_count && rcpts_grow(old)) {
		old->rcpt[old->rcpt_count] = t->rcpt[kept];
		old->rcpt[old->rcpt_count++].ordinal = old->r.recipients + t->rcpt[kept].ordinal;
		kept++;
	}
	for (uint32_t i = kept; i < t->rcpt_count; i++)
		rcpt_free(f, &t->rcpt[i]);
	f->mail->caps.recipients += t->rcpt_count - kept;
	old->r.recipients += t->r.recipients;
	t->r.recipients = 0;
	t->rcpt_count = 0;
	asked_move(s, t, old, shift);
	old->ended = old->reset = false;
	old->r.data_sent |= t->r.data_sent;
	old->r.bdat |= t->r.bdat;
	if (t->r.data_at.frame != 0)
		old->r.data_at = t->r.data_at;
	t->r.data_sent = false;
	t->r.nested = true;
	t->ended = true;
	if (s->open == t)
		s->open = old;
	if (s->reading == t)
		s->reading = old;
}

/* ---- settled: into records ------------------------------------------------ */

static void
recipient_emit(struct mail_flow *f, const struct smtp_mail *t, const struct smtp_rcpt *r)
{
	struct record_recipient *out;
	struct record rec;

	RECORD_BEGIN(&rec, RECORD_RECIPIENT, recipient);
	out = &rec.recipient;
	out->address = r->address;
	out->bare = r->bare;
	if (r->reply != NULL)
		out->reply = *r->reply;
	if (r->final != NULL)
		out->final_reply = *r->final;
	else if (r->reply != NULL && r->reply->code / 100 == 2)
		out->final_reply = t->r.final_reply;
	out->at = r->at;
	out->verdict = smtp_verdict_rcpt(t, r);
	out->consequence = r->consequence;
	mail_emit(f, &rec, t->n, r->ordinal);
}

/*
 * RCPT or DATA without MAIL is no attempt unless octets followed, or a yes.
 * Its recipients are told all the same: they were answered.
 */
static bool
is_attempt(const struct smtp_mail *t)
{
	if (t->r.nested)
		return false;
	if (t->mail_asked || t->r.verdict == VERDICT_ACCEPTED)
		return true;
	return (t->content || t->dot != 0 || (t->go_ahead && t->r.final_reply.code != 0)) &&
	    !t->after_refusal;
}

static void
mail_settle(struct mail_flow *f, struct smtp_mail *t, const struct record_connection *facts)
{
	struct record rec;

	if (!t->r.nested)
		smtp_verdict(t, f, facts);
	if (!is_attempt(t)) {
		t->r.verdict = VERDICT_NONE;
		t->r.nested = true;
	}
	t->r.implied = !t->mail_asked;
	t->r.end_offset = t->dot;
	f->session->transactions += !t->r.nested;
	rec.type = RECORD_TRANSACTION;
	rec.transaction = t->r;
	if (t->decided != NULL)
		rec.transaction.verdict_reply = *t->decided;
	mail_emit(f, &rec, t->n, 0);
	for (uint32_t i = 0; i < t->rcpt_count; i++)
		recipient_emit(f, t, &t->rcpt[i]);
}

static void
pointers_forget(struct smtp_flow *s, const struct smtp_mail *t)
{
	if (s->open == t)
		s->open = NULL;
	if (s->reading == t)
		s->reading = NULL;
	for (uint32_t i = 0; i < s->asked_count; i++) {
		struct smtp_asked_cmd *a = smtp_asked_at(s, i);

		a->mail = a->mail != t ? a->mail : NULL;
		a->saved = a->saved != t ? a->saved : NULL;
	}
	for (struct smtp_mail *x = s->mails; x != NULL; x = x->next)
		if (x->before == t)
			x->before = NULL;
}

/* In order, so that ordinals follow the capture: the first that is not settled holds the rest. */
void
smtp_mails_settle(struct mail_flow *f, const struct record_connection *facts, bool at_end)
{
	struct smtp_flow *s = smtp_flow(f);

	while (s->mails != NULL) {
		struct smtp_mail *t = s->mails;

		if (!at_end && !t->forced &&
		    (!t->ended || t->asked != 0 || t->holds != 0 || !smtp_verdict_sure(t, f)))
			return;
		s->mails = t->next;
		s->mail_count--;
		pointers_forget(s, t);
		mail_settle(f, t, facts);
		mail_free_one(f, t);
	}
}
