/* smtp_answer.c - replies: collecting their lines, finding their commands, what they change. */
#include <stdlib.h>
#include <string.h>

#include "dissectors/smtp/smtp_reply.h"
#include "dissectors/smtp/smtp_state.h"

#define LINE_MAX_REPLY 510u /* RFC 5321 4.5.3.1.5, without CRLF */

/* ---- collecting ----------------------------------------------------------- */

static void
answer_clear(struct smtp_answer *a)
{
	struct smtp_kept line = a->line, text = a->text;

	line.len = text.len = 0;
	*a = (struct smtp_answer){ .line = line, .text = text };
}

/* Most replies are one short line; it may quote a secret, so what it leaves is wiped. */
static void
kept_room(struct dissect_budget *b, struct smtp_kept *k, size_t need)
{
	size_t size = k->size != 0 ? k->size : 128;
	char *p;

	while (size < need)
		size *= 2;
	if (size > SMTP_REPLY_KEPT)
		size = SMTP_REPLY_KEPT;
	if (size == k->size)
		return;
	if ((p = malloc(size)) == NULL) {
		dissect_starved(b);
		return;
	}
	if (k->p != NULL) {
		memcpy(p, k->p, k->len);
		explicit_bzero(k->p, k->len);
		free(k->p);
	}
	k->p = p;
	k->size = size;
}

/* What does not fit is left out; ODD_UNKEPT says so. */
static uint32_t
kept_append(struct dissect_budget *b, struct smtp_kept *k, const char *p, size_t n)
{
	size_t all = n;

	kept_room(b, k, k->len + n + 1);
	if (k->len != 0 && k->len < k->size)
		k->p[k->len++] = '\n';
	if (n > k->size - k->len)
		n = k->size - k->len;
	if (n != 0)
		memcpy(k->p + k->len, p, n);
	k->len += n;
	return n < all ? ODD_UNKEPT : 0;
}

/*
 * RFC 2034, 4: every line of a reply begins with the same code; said once it is no part of the
 * words.
 */
static size_t
repeated_code(const struct smtp_answer *a, const struct smtp_reply_line *r)
{
	size_t n = 0;

	if (a->text.len == 0 || a->enhanced[0] == 0 ||
	    memcmp(a->enhanced, r->enhanced, sizeof(a->enhanced)) != 0)
		return 0;
	while (n < r->text_len && ((r->text[n] >= '0' && r->text[n] <= '9') || r->text[n] == '.'))
		n++;
	return n + (n < r->text_len && r->text[n] == ' ');
}

void
smtp_answer_add(struct smtp_state *st, struct smtp_line *l, const struct smtp_reply_line *r)
{
	struct smtp_answer *a = &st->answer;
	size_t skip;

	if (!a->open) {
		a->open = true;
		a->off = l->off;
	}
	a->odd |= l->odd | (l->total > LINE_MAX_REPLY ? ODD_LONG : 0) |
	    (l->total > l->len ? ODD_UNKEPT : 0);
	if (r == NULL) { /* a line without a code within a list */
		a->odd |= ODD_NO_CODE;
		a->odd |= kept_append(st->hint.budget, &a->line, l->text, l->len);
		a->odd |= kept_append(st->hint.budget, &a->text, l->text, l->len);
		return;
	}
	a->code = r->code;
	if (r->no_code)
		a->odd |= ODD_NO_CODE;
	if (a->enhanced[0] == 0)
		memcpy(a->enhanced, r->enhanced, sizeof(a->enhanced));
	a->odd |= kept_append(st->hint.budget, &a->line, l->text, l->len);
	skip = repeated_code(a, r);
	a->odd |= kept_append(st->hint.budget, &a->text, r->text + skip, r->text_len - skip);
	a->whole = r->last;
	a->end = st->next[DIR_S2C];
	a->ts_ns = st->ts_ns;
}

/* A list never closed, or a line without its CRLF: over all the same. */
void
smtp_answer_cut(struct smtp_state *st)
{
	st->answer.odd |= ODD_UNCLOSED;
	st->answer.whole = true;
	st->answer.end = st->next[DIR_S2C];
	st->answer.ts_ns = st->ts_ns;
}

/* ---- delivering ----------------------------------------------------------- */

/* Servers echo what they did not understand, and the names of those who log in. */
static void
text_hide(
    const struct smtp_state *st, struct smtp_kept *k, const struct smtp_asked *e, bool greeting)
{
	bool login = e != NULL &&
	    (e->verb == SMTP_AUTH || e->verb == SMTP_AUTH_DATA || e->verb == SMTP_UNKNOWN);

	echo_hide(&st->echo, k->p, k->len);
	if (login && !st->hint.show_users)
		echo_hide_user(&st->echo, k->p, k->len);
	if (st->answer.code >= 400 && e == NULL && !greeting)
		echo_hide_unseen(k->p, k->len);
	else if (st->answer.code >= 400 && login)
		sasl_hide_echo(k->p, k->len);
}

static void
answer_emit(struct smtp_state *st, const struct smtp_asked *e, enum reply_to to)
{
	struct smtp_answer *a = &st->answer;
	struct dissect_event ev = {
		.kind = EVENT_REPLY,
		.dir = DIR_S2C,
		.off = a->off,
		.end = a->end,
		.ts_ns = a->ts_ns,
		.odd = a->odd,
		.code = a->code,
		.reply_to = to,
		.arg_num = UINT64_MAX,
		.line = a->line.p,
		.line_len = a->line.len,
		.arg = a->text.p,
		.arg_len = a->text.len,
		.unsure = st->unsynced,
		.guess = a->guess,
	};
	int64_t now = st->ts_ns;
	char challenge[40] = "334 ";

	text_hide(st, &a->line, e, to == REPLY_GREETING);
	text_hide(st, &a->text, e, to == REPLY_GREETING);
	memcpy(ev.enhanced, a->enhanced, sizeof(ev.enhanced));
	if (e != NULL) {
		ev.cmd = e->cmd;
		ev.verb = e->verb;
		ev.last = e->last;
	}
	if (a->code == 334) { /* part of the exchange */
		ev.line = challenge;
		ev.line_len = 4 + sasl_mask(challenge + 4, sizeof(challenge) - 4, a->text.len);
		ev.arg = challenge + 4;
		ev.arg_len = ev.line_len - 4;
	}
	st->ts_ns = a->ts_ns;
	smtp_emit(st, &ev);
	st->ts_ns = now > a->ts_ns ? now : a->ts_ns;
	st->replied = true;
}

static void
then_content(struct smtp_state *st, const struct smtp_asked *e)
{
	if (e->assumed)
		return; /* it was read as content already */
	st->mode = MODE_DATA;
	smtp_content_open(st, e->cmd);
}

static void
then_no_content(struct smtp_state *st, const struct smtp_asked *e)
{
	if (!e->assumed || st->mode != MODE_DATA)
		return;
	smtp_content_close(st, false); /* it was no content after all */
	smtp_queue_drop(&st->queue, st->queue.count);
	smtp_unsync(st);
}

static void
then_auth(struct smtp_state *st, const struct smtp_asked *e)
{
	if (!e->assumed)
		st->mode = MODE_AUTH;
}

static void
then_auth_over(struct smtp_state *st, const struct smtp_asked *e)
{
	(void)e;
	st->auth_loose = false;
}

static void
then_tls(struct smtp_state *st, const struct smtp_asked *e)
{
	if (!e->assumed)
		st->mode = MODE_TLS_MAYBE;
}

static void
then_no_tls(struct smtp_state *st, const struct smtp_asked *e)
{
	(void)e;
	if (st->mode == MODE_TLS_MAYBE)
		st->mode = MODE_COMMAND;
}

static void
then_recipient(struct smtp_state *st, const struct smtp_asked *e)
{
	(void)e;
	st->rcpt_accepted++;
}

static void
then_no_recipients(struct smtp_state *st, const struct smtp_asked *e)
{
	(void)e;
	st->rcpt_accepted = 0;
}

static void
then_over(struct smtp_state *st, const struct smtp_asked *e)
{
	(void)e;
	st->quit_done = true;
}

/* What a reply changes.  Everything that is not here changes nothing. */
static const struct {
	enum smtp_verb verb;
	uint16_t from, to;
	void (*then)(struct smtp_state *st, const struct smtp_asked *e);
} rules[] = {
	{ SMTP_DATA, 300, 399, then_content }, /* RFC 5321 4.1.1.4 */
	{ SMTP_DATA, 400, 999, then_no_content },
	{ SMTP_AUTH, 300, 399, then_auth }, /* RFC 4954 4 */
	{ SMTP_AUTH_DATA, 300, 399, then_auth }, { SMTP_AUTH, 200, 299, then_auth_over },
	{ SMTP_AUTH, 400, 999, then_auth_over }, { SMTP_AUTH_DATA, 200, 299, then_auth_over },
	{ SMTP_AUTH_DATA, 400, 999, then_auth_over },
	{ SMTP_STARTTLS, 200, 299, then_tls }, /* RFC 3207 4 */
	{ SMTP_STARTTLS, 400, 999, then_no_tls },
	{ SMTP_RCPT, 200, 299, then_recipient }, /* RFC 2033 4.2: each is answered again */
	{ SMTP_MAIL, 200, 299, then_no_recipients },
	{ SMTP_RSET, 200, 299, then_no_recipients }, /* RFC 5321 4.1.1.5 */
	{ SMTP_EHLO, 200, 299, then_no_recipients }, /* 4.1.4 */
	{ SMTP_HELO, 200, 299, then_no_recipients }, { SMTP_LHLO, 200, 299, then_no_recipients },
	{ SMTP_QUIT, 200, 299, then_over }, /* 4.1.1.10 */
};

static void
reply_acts(struct smtp_state *st, const struct smtp_asked *e, uint16_t code)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].verb == e->verb && code >= rules[i].from && code <= rules[i].to)
			rules[i].then(st, e);
}

/*
 * RFC 2033 4.2: an LMTP server answers the end of data once per accepted
 * recipient.  PRDR (draft-hall-prdr) does so in SMTP: 353, one reply for each
 * of them, and one for all.
 */
static bool
answers_all(struct smtp_state *st, struct smtp_asked *e)
{
	bool end = e->verb == SMTP_END_OF_DATA || (e->verb == SMTP_BDAT && e->last);

	if (!end)
		return true;
	if (e->replies == 0)
		e->replies = st->answer.code == 353 && !st->lmtp ? 1 + st->rcpt_accepted + 1
		    : st->lmtp && st->rcpt_accepted != 0         ? st->rcpt_accepted
								 : 1;
	if (--e->replies != 0)
		return false;
	st->rcpt_accepted = 0;
	return true;
}

static void
answer_deliver(struct smtp_state *st, struct smtp_asked *e)
{
	struct smtp_asked asked = *e;
	uint16_t code = st->answer.code;

	if (answers_all(st, e)) {
		if (e == smtp_queue_tail(&st->queue))
			st->waiting = false;
		smtp_queue_drop(&st->queue, 1);
	}
	answer_emit(st, &asked, REPLY_TO_COMMAND);
	if (st->queue.count == 0 || code / 100 == 3 || code == 220 || code == 221 || code == 235)
		st->unsynced = false;
	answer_clear(&st->answer);
	reply_acts(st, &asked, code);
}

/* Its command is missing, but what the client does next is known all the same. */
static void
answer_unasked(struct smtp_state *st, enum reply_to to)
{
	uint16_t code = st->answer.code;

	answer_emit(st, NULL, to);
	answer_clear(&st->answer);
	if (st->mode != MODE_COMMAND || st->waiting || code / 100 != 3)
		return;
	if (code == 334) {
		st->mode = MODE_AUTH;
	} else if (!st->content_open) {
		st->mode = MODE_DATA;
		smtp_content_open(st, 0);
	}
}

/*
 * Content is open and the server speaks: to it the mail has ended.  Bytes are
 * missing (the dot may be among them; or all of the client's), or it took
 * "\n.\n" for the end (421 may say as well that it waited in vain), or it says yes.
 */
static bool
answers_content(const struct smtp_state *st)
{
	if (st->mode != MODE_DATA || !st->content_open)
		return false;
	return st->answer.code / 100 == 2 || st->content.gap || !st->client_heard ||
	    (st->content.bare_end != 0 && st->content.bare_end == st->next[DIR_C2S] &&
		st->answer.code != 421);
}

void
smtp_answer_release(struct smtp_state *st)
{
	struct smtp_asked *e;

	if (!answers_content(st)) {
		answer_unasked(st, REPLY_UNSOLICITED);
		return;
	}
	smtp_content_close(st, false);
	if (st->content.gap) {
		smtp_unsync(st);
		st->after_gap[DIR_C2S] = false;
	}
	e = smtp_queue_tail(&st->queue);
	if (e == NULL) {
		answer_unasked(st, REPLY_UNSOLICITED);
		return;
	}
	smtp_queue_drop(&st->queue, st->queue.count - 1);
	answer_deliver(st, smtp_queue_at(&st->queue, 0));
}

/* Joined in the middle, a 220 that nobody asked for can only be the greeting. */
static bool
is_greeting(const struct smtp_state *st)
{
	return !st->greeted ||
	    (st->hint.midstream && !st->replied && st->answer.code == 220 && st->queue.count == 0);
}

/*
 * Of HELP, QUIT, AUTH, of what changes a mail, and of DATA (RFC 5321 4.2.3, 4954): no server greets
 * so.
 */
static bool
is_never_greeting(uint16_t code)
{
	return code == 214 || code == 221 || code == 235 || (code >= 250 && code <= 252) ||
	    code == 334 || code == 354;
}

/*
 * It answers a command, which waits or has yet to be read, behind a hole perhaps: the greeting is
 * not in the capture.
 */
static bool
greeting_unseen(const struct smtp_state *st)
{
	uint16_t code = st->answer.code;

	return !st->greeted && !st->hint.tunnelled &&
	    (is_never_greeting(code) ||
		(st->queue.count > 0 && code >= 200 && code < 400 && code != 220));
}

/*
 * DATA's own reply is missing: what has come is the reply to the content that
 * went on, unless no content did.  Decided when a line of it is there that was
 * sent before: behind a gap replies come late, when the content they allowed
 * already waits.
 */
static bool
data_was_agreed(struct smtp_state *st, uint16_t code)
{
	const struct smtp_asked *e = smtp_queue_tail(&st->queue);
	char line[128];
	bool whole;

	if (!st->waiting || e == NULL || !st->unsynced || e->verb != SMTP_DATA || !e->maybe ||
	    code / 100 == 3)
		return false;
	if (hold_peek(&st->in[DIR_C2S]).ts_ns > st->answer.ts_ns)
		return false;
	hold_line(&st->in[DIR_C2S], line, sizeof(line), &whole);
	explicit_bzero(line, sizeof(line));
	return whole;
}

/*
 * A reply without its command waits a little: frames may be recorded in the wrong order.  Where
 * what comes behind was asked already, in vain.
 */
static bool
release_due(struct smtp_state *st)
{
	struct held_span c = hold_peek(&st->in[DIR_C2S]);
	const struct smtp_asked *e = smtp_queue_at(&st->queue, 0);

	return (e != NULL && e->ts_ns > st->answer.ts_ns) || st->answer.code == 421 ||
	    st->quit_done || st->closing || st->over ||
	    (!st->waiting && c.len != 0 && c.p != NULL && c.ts_ns > st->answer.ts_ns);
}

/*
 * Frames recorded in the wrong order: what the server said later than the
 * client's bytes at hand is read behind them, however they are cut.
 */
bool
smtp_answer_may_go(const struct smtp_state *st, int64_t ts_ns)
{
	struct held_span c = hold_peek(&st->in[DIR_C2S]);

	return st->arriving == DIR_S2C || st->waiting || st->closing || st->over ||
	    st->server_tls || ts_ns < st->client_ts_ns ||
	    (c.len != 0 && c.p != NULL && ts_ns < c.ts_ns);
}

bool
smtp_answer_try(struct smtp_state *st)
{
	uint16_t code = st->answer.code;
	struct smtp_asked *e;

	if (greeting_unseen(st)) {
		st->greeted = true;
		smtp_unsync(st);
	}
	if (is_greeting(st)) {
		st->greeted = true;
		answer_unasked(st, REPLY_GREETING);
		return true;
	}
	if (st->mode == MODE_JOINED)
		smtp_joined_leave(st, code);
	if (data_was_agreed(st, code)) {
		smtp_client_unwait(st);
		return true;
	}
	if (!smtp_answer_may_go(st, st->answer.ts_ns))
		return false;
	if ((e = smtp_queue_pick(st, code)) != NULL) {
		answer_deliver(st, e);
		return true;
	}
	if (!release_due(st))
		return false;
	smtp_answer_release(st);
	return true;
}
