/* pop3_server.c - replies and multi-line answers (RFC 1939 3, RFC 2449 8). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dissectors/pop3/pop3_state.h"

/* ---- listings: kept whole, told at their end ---------------------------------------- */

static bool
listing_grow(struct pop3 *st, size_t need)
{
	struct pop3_multi *a = &st->answer;
	size_t size = a->size == 0 ? 1024 : a->size;
	char *p;

	while (size < need)
		size *= 2;
	if (size == a->size)
		return true;
	if (size > POP3_LISTING_MAX || !pop3_hold(st, size - a->size))
		return false;
	p = realloc(a->kept, size);
	if (p == NULL) {
		dissect_starved(st->hint.budget);
		pop3_unhold(st, size - a->size);
		return false;
	}
	a->kept = p;
	a->size = size;
	return true;
}

/* Appends without CR; a listing that does not fit is cut and says so. */
static void
listing_add(struct pop3 *st, const uint8_t *p, size_t len)
{
	struct pop3_multi *a = &st->answer;

	if (a->rest) {
		const uint8_t *lf = memchr(p, '\n', len);
		size_t skip = lf != NULL ? (size_t)(lf + 1 - p) : len;

		p += skip;
		len -= skip;
		a->rest = lf == NULL;
	}
	if ((a->odd & ODD_LONG) || !listing_grow(st, a->len + len)) {
		a->odd |= ODD_LONG;
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (p[i] != '\r')
			a->kept[a->len++] = (char)p[i];
}

/* Half a line would be another number. */
static void
listing_trim(struct pop3_multi *a)
{
	while (a->len > 0 && a->kept[a->len - 1] != '\n')
		a->len--;
}

static void
listing_emit(struct pop3 *st, uint64_t end)
{
	struct pop3_multi *a = &st->answer;
	struct dissect_event ev = pop3_event(st, EVENT_REPLY, DIR_S2C, a->off, end);

	if (a->odd & (ODD_LONG | ODD_UNCLOSED))
		listing_trim(a);
	while (a->len > 0 && a->kept[a->len - 1] == '\n')
		a->len--;
	ev.cmd = a->of.cmd;
	ev.verb = (int)a->of.verb;
	ev.arg_num = a->of.number;
	ev.code = POP3_OK;
	ev.odd = a->odd;
	ev.unsure = a->unsure || a->gap;
	ev.line = a->kept != NULL ? a->kept : "";
	ev.line_len = a->len;
	if (a->kept != NULL && a->first_arg + a->first_len <= a->len) {
		ev.arg = a->kept + a->first_arg;
		ev.arg_len = a->first_len;
	}
	memcpy(ev.response_code, a->code, sizeof(ev.response_code));
	pop3_emit(st, &ev);
}

/* ---- answers -------------------------------------------------------------------------- */

static void
content_emit(struct pop3 *st, enum event_kind kind, uint64_t off, uint64_t end, const uint8_t *p,
    size_t len, bool complete)
{
	const struct pop3_multi *a = &st->answer;
	struct dissect_event ev = pop3_event(st, kind, DIR_S2C, off, end);

	ev.cmd = a->of.cmd;
	ev.verb = (int)a->of.verb;
	ev.arg_num = a->of.number;
	ev.data = p;
	ev.data_len = len;
	ev.complete = complete;
	ev.unsure = a->unsure || a->gap;
	if (kind == EVENT_CONTENT_END)
		ev.odd = a->odd | (a->text.dot_lf ? ODD_DOT_LF : 0) |
		    (a->text.bare_lf ? ODD_BARE_LF : 0);
	pop3_emit(st, &ev);
}

/* `status': its status line was seen. */
static void
answer_begin(struct pop3 *st, enum pop3_text_kind kind, const struct pop3_pending *of, bool status,
    uint64_t off)
{
	struct pop3_multi *a = &st->answer;

	a->kind = kind;
	a->of = *of;
	a->text = (struct pop3_text){ .lf_ends = st->lf_server };
	a->gap = !status && kind != TEXT_ORPHAN;
	a->unsure = st->unsure || kind == TEXT_ORPHAN;
	a->replied = status;
	a->off = off;
	a->odd = 0;
	a->seen = 0;
	a->len = 0;
	a->rest = false;
	a->first_arg = a->first_len = 0;
	a->code[0] = '\0';
	if (kind != TEXT_LISTING)
		content_emit(st, EVENT_CONTENT_BEGIN, off, off, NULL, 0, false);
}

void
pop3_answer_end(struct pop3 *st, bool complete, uint64_t end)
{
	struct pop3_multi *a = &st->answer;

	if (a->kind == TEXT_LISTING) {
		if (!complete)
			a->odd |= ODD_UNCLOSED;
		listing_emit(st, end);
	} else {
		/* The last byte is its proof: of the dot, or of what there was. */
		content_emit(
		    st, EVENT_CONTENT_END, end > a->off ? end - 1 : end, end, NULL, 0, complete);
	}
	pop3_unhold(st, a->size);
	free(a->kept);
	a->kept = NULL;
	a->len = a->size = 0;
	a->kind = TEXT_NONE;
}

void
pop3_answer_gap(struct pop3 *st)
{
	st->answer.gap = true;
	if (st->answer.kind == TEXT_LISTING) {
		listing_trim(&st->answer);
		st->answer.rest = true;
	}
	pop3_text_gap(&st->answer.text);
}

/*
 * The end of the answer is missing, and the client, who waits for it, sent its
 * next command before these bytes came.
 */
bool
pop3_answer_over(const struct pop3 *st)
{
	const struct pop3_pending *next = pop3_pending_head(st);

	return st->answer.kind != TEXT_NONE && st->answer.gap && !st->pipelines && next != NULL &&
	    next->ts_ns < st->ts_ns[DIR_S2C];
}

/*
 * A status line within an answer is taken for one only where it can be: a
 * listing whose dot a bad server forgot, or a text whose dot may be in a gap
 * or was sent as ".\n", and the client has asked for something else since.
 */
static bool
status_possible(const struct pop3 *st)
{
	const struct pop3_multi *a = &st->answer;

	if (a->kind == TEXT_ORPHAN)
		return true;
	if (st->pending_count == 0)
		return false;
	return a->kind == TEXT_LISTING || a->gap || a->text.dot_lf;
}

static void
text_piece(struct pop3 *st, uint64_t off, uint64_t end, const uint8_t *p, size_t len)
{
	st->answer.seen += len;
	if (st->answer.seen > 512) /* RFC 1939 3: no single reply is that long, so it was +OK */
		st->answer.replied = true;
	if (st->answer.kind == TEXT_LISTING)
		listing_add(st, p, len);
	else
		content_emit(st, EVENT_CONTENT, off, end, p, len, false);
}

/*
 * The start of a status line that interrupts an answer goes back to the line buffer.  Behind a
 * ".\n" that both took for the end, the client asking for the next thing and the server answering
 * that, it interrupts nothing.
 */
static void
answer_interrupted(struct pop3 *st, uint64_t off)
{
	struct pop3_buffer *l = &st->line[DIR_S2C];
	size_t n = st->answer.text.head_len;

	l->off = off - n;
	memcpy(l->buf, st->answer.text.head, n);
	l->len = n;
	l->full = n;
	l->last = st->answer.text.head[n - 1];
	pop3_answer_end(st, st->answer.text.dot_last && !st->answer.gap, l->off);
}

size_t
pop3_answer_push(struct pop3 *st, uint64_t off, const uint8_t *p, size_t len)
{
	const uint8_t *at = p, *piece = NULL;
	size_t left = len, piece_len = 0;
	uint64_t from;

	for (;;) {
		from = off + (uint64_t)(at - p) - st->answer.text.head_len;
		st->answer.text.watch = status_possible(st);
		switch (pop3_text_next(&st->answer.text, &at, &left, &piece, &piece_len)) {
		case POP3_TEXT_MORE: return len;
		case POP3_TEXT_PIECE:
			text_piece(st, from, off + (uint64_t)(at - p), piece, piece_len);
			break;
		case POP3_TEXT_END:
			pop3_answer_end(st, true, off + (uint64_t)(at - p));
			return (size_t)(at - p);
		case POP3_TEXT_STATUS:
			answer_interrupted(st, off + (uint64_t)(at - p));
			return (size_t)(at - p);
		}
	}
}

/* ---- replies ----------------------------------------------------------------------------- */

static bool
is_login(enum pop3_verb v)
{
	return v == POP3_AUTH || v == POP3_AUTH_DATA || v == POP3_OTHER || v == POP3_NONE ||
	    v == POP3_USER || v == POP3_PASS || v == POP3_APOP || v == POP3_RPOP;
}

/* Servers echo what they did not understand, and the names of those who log in. */
static void
line_hide(
    struct pop3 *st, const struct pop3_reply *r, const struct pop3_pending *of, enum reply_to to)
{
	struct pop3_buffer *l = &st->line[DIR_S2C];
	bool login = to == REPLY_TO_COMMAND && is_login(of->verb);

	echo_hide(&st->echo, l->buf, l->len);
	if (login && !st->hint.show_users)
		echo_hide_user(&st->echo, l->buf, l->len);
	if (r->status == POP3_ERR && to == REPLY_UNSOLICITED)
		echo_hide_unseen(l->buf, l->len);
	else if (r->status == POP3_ERR && login)
		sasl_hide_echo(l->buf, l->len);
}

static void
reply_emit(
    struct pop3 *st, const struct pop3_reply *r, const struct pop3_pending *of, enum reply_to to)
{
	const struct pop3_buffer *l = &st->line[DIR_S2C];
	struct dissect_event ev = pop3_event(st, EVENT_REPLY, DIR_S2C, l->off, l->off + l->full);
	char masked[48] = "+ ";

	line_hide(st, r, of, to);
	ev.cmd = of->cmd;
	ev.verb = (int)of->verb;
	ev.arg_num = of->number;
	ev.code = (uint16_t)r->status;
	ev.reply_to = to;
	ev.odd = l->odd;
	ev.unsure = st->unsure || (to == REPLY_UNSOLICITED && st->commands == 0);
	ev.line = l->buf;
	ev.line_len = pop3_line_len(l);
	ev.arg = r->text;
	ev.arg_len = r->text_len;
	memcpy(ev.response_code, r->code, sizeof(ev.response_code));
	if (r->status == POP3_CHALLENGE) {
		ev.line_len = 2 + sasl_mask(masked + 2, sizeof(masked) - 2, r->text_len);
		ev.line = masked;
		ev.arg = masked + 2;
		ev.arg_len = ev.line_len - 2;
	}
	st->replies++;
	pop3_emit(st, &ev);
}

static const struct pop3_pending nobody = { .number = UINT64_MAX };

/* "+ ": the AUTH it belongs to goes on waiting for its reply. */
static void
challenge(struct pop3 *st, const struct pop3_reply *r)
{
	const struct pop3_pending *head = pop3_pending_due(st);

	if (head != NULL && head->verb == POP3_AUTH) {
		if (head->cmd == st->auth_cmd)
			st->challenges++;
		reply_emit(st, r, head, REPLY_TO_COMMAND);
	} else if (st->unsure || st->commands == 0) {
		reply_emit(st, r, &nobody, REPLY_UNSOLICITED);
	} else {
		pop3_noise(st, DIR_S2C);
	}
}

static bool
contains(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(p + i, word, n) == 0)
			return true;
	return false;
}

/*
 * The first line of a server is its greeting, unless the capture may lack its
 * beginning and it was asked something before.  Joined in the middle we cannot
 * know; a greeting then has a timestamp (RFC 1939 7) or says what it is.
 */
static bool
is_greeting(struct pop3 *st, const struct pop3_reply *r)
{
	if (!st->greeting_due)
		return false;
	st->greeting_due = false;
	if (!st->hint.midstream)
		return !st->hint.server_joined || !pop3_asked_before(st, st->ts_ns[DIR_S2C]);
	return st->commands == 0 &&
	    (contains(r->text, r->text_len, "ready") || contains(r->text, r->text_len, "pop3") ||
		(contains(r->text, r->text_len, "<") && contains(r->text, r->text_len, "@")));
}

static void
listing_begin(struct pop3 *st, const struct pop3_reply *r, const struct pop3_pending *of)
{
	struct pop3_multi *a = &st->answer;
	const struct pop3_buffer *l = &st->line[DIR_S2C];

	answer_begin(st, TEXT_LISTING, of, true, l->off);
	a->odd = l->odd;
	memcpy(a->code, r->code, sizeof(a->code));
	listing_add(st, (const uint8_t *)l->buf, pop3_line_len(l));
	listing_add(st, (const uint8_t *)"\n", 1);
	a->first_arg = (size_t)(r->text - l->buf);
	a->first_len = r->text_len;
}

static void
answered(struct pop3 *st, const struct pop3_reply *r, const struct pop3_pending *of)
{
	const struct pop3_buffer *l = &st->line[DIR_S2C];

	if (of->cmd == st->auth_cmd)
		st->auth_cmd = 0;
	if (r->status == POP3_OK && of->answer == POP3_ANSWER_LISTING) {
		st->replies++;
		listing_begin(st, r, of);
		return;
	}
	reply_emit(st, r, of, REPLY_TO_COMMAND);
	if (r->status != POP3_OK)
		return;
	if (of->verb == POP3_STLS)
		st->stls_ok = true;
	if (of->answer == POP3_ANSWER_MESSAGE)
		answer_begin(st, TEXT_MESSAGE, of, true, l->off + l->full);
}

/* After missing bytes: a reply found its command, so those that follow will. */
static void
pairing_found(struct pop3 *st)
{
	if (!st->pipelines || (st->pending_count == 0 && st->unqueued == 0))
		st->unsure = false;
}

static void
status_line(struct pop3 *st, const struct pop3_reply *r)
{
	struct pop3_pending of;

	st->status_lost = false;
	st->lf_server = (st->line[DIR_S2C].odd & ODD_BARE_LF) != 0;
	if (r->status == POP3_CHALLENGE) {
		challenge(st, r);
	} else if (is_greeting(st, r)) {
		reply_emit(st, r, &nobody, REPLY_GREETING);
	} else if (pop3_pending_take(st, &of)) {
		answered(st, r, &of);
		pairing_found(st);
	} else {
		reply_emit(st, r, &nobody, REPLY_UNSOLICITED);
		st->orphan = r->status == POP3_OK;
		return;
	}
	st->orphan = false;
}

void
pop3_server_line(struct pop3 *st)
{
	const struct pop3_buffer *l = &st->line[DIR_S2C];
	struct pop3_reply r;

	if (pop3_reply_parse(l->buf, pop3_line_len(l), &r) == DISSECT_OK)
		status_line(st, &r);
	else
		pop3_noise(st, DIR_S2C);
}

/* "+OK" or "-ERR", or as much of it as there is; a challenge where one can be due. */
static bool
head_is_status(struct pop3 *st, const char *head, size_t len)
{
	const struct pop3_pending *due = pop3_pending_due(st);
	struct pop3_reply r;
	enum dissect_rc rc;

	while (len > 0 && (head[len - 1] == '\n' || head[len - 1] == '\r'))
		len--;
	rc = pop3_reply_parse(head, len, &r);
	if (rc == DISSECT_OK && r.status == POP3_CHALLENGE)
		return due == NULL || due->verb == POP3_AUTH;
	return rc == DISSECT_OK;
}

bool
pop3_answer_starts(struct pop3 *st, const char *head, size_t len)
{
	const struct pop3_pending *due = pop3_pending_due(st);
	struct pop3_buffer *l = &st->line[DIR_S2C];
	bool fragment = l->fragment;
	struct pop3_pending of;

	if (head_is_status(st, head, len))
		return false;
	if (st->orphan) {
		st->orphan = false;
		answer_begin(st, TEXT_ORPHAN, &nobody, true, l->off);
		return true;
	}
	if (!st->status_lost || due == NULL || due->answer == POP3_ANSWER_ONE)
		return false;
	st->status_lost = false;
	pop3_pending_take(st, &of);
	answer_begin(
	    st, of.answer == POP3_ANSWER_LISTING ? TEXT_LISTING : TEXT_MESSAGE, &of, false, l->off);
	if (fragment) {
		st->answer.rest = st->answer.kind == TEXT_LISTING;
		pop3_text_gap(&st->answer.text);
	}
	pairing_found(st);
	return true;
}
