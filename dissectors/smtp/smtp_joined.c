/*
 * smtp_joined.c - a stream joined in the middle: are the client's first bytes
 * commands, the rest of a message, or the answer to a 334?
 */
#include <string.h>

#include "dissectors/smtp/smtp_command.h"
#include "dissectors/smtp/smtp_state.h"

static void
content_ignore(void *ctx, uint64_t off, const uint8_t *p, size_t len)
{
	(void)ctx, (void)off, (void)p, (void)len;
}

/* What was read since the start turns out to have been a message. */
static void
joined_was_content(struct smtp_state *st, bool complete)
{
	struct dissect_event ev = { .kind = EVENT_CONTENT_BEGIN,
		.dir = DIR_C2S,
		.off = st->content.from,
		.end = st->next[DIR_C2S],
		.arg_num = UINT64_MAX };

	ev.verb = SMTP_DATA;
	smtp_emit(st, &ev);
	st->content_open = true;
	smtp_content_close(st, complete);
}

/*
 * The capture begins within a line, and what is left of it is ".": the end of
 * data only if a command or the reply comes next.
 */
static void
joined_ended(struct smtp_state *st)
{
	uint64_t next = st->next[DIR_C2S];

	st->joined_dot = false;
	st->content.bytes = st->joined_bytes;
	st->next[DIR_C2S] = st->joined_end;
	joined_was_content(st, true);
	st->next[DIR_C2S] = next;
}

/* One word of base64, or "*": the answer to a 334 before the capture. */
static bool
line_is_login(const struct smtp_line *l)
{
	return l->len == l->total &&
	    (sasl_looks_secret(l->text, l->len) || (l->len == 1 && l->text[0] == '*'));
}

static bool
joined_was_login(const struct smtp_state *st)
{
	const struct smtp_line *l = &st->line[DIR_C2S];

	if (l->begun)
		return line_is_login(l);
	return st->joined_login && st->joined_end == st->next[DIR_C2S];
}

/* A first reply tells what the client's bytes before it were. */
void
smtp_joined_leave(struct smtp_state *st, uint16_t code)
{
	bool content = st->content.bytes != 0 && !joined_was_login(st);
	bool final = code != 220 && code != 221 && code != 235 && code != 421 && code / 100 != 3;

	if (final && st->joined_dot && !st->line[DIR_C2S].begun) {
		joined_ended(st);
		return;
	}
	st->mode = MODE_COMMAND;
	st->joined_dot = false;
	smtp_line_clear(&st->line[DIR_C2S]);
	if (content && final)
		joined_was_content(st, false);
}

/*
 * The first line after a join: a command, the dot, or a line of anything; behind the dot one more.
 */
static void
joined_line(struct smtp_state *st, struct smtp_line *l)
{
	bool dot = st->joined_dot;
	struct smtp_command c;

	st->joined_dot = false;
	smtp_command_parse(l->text, l->len, &c);
	if (smtp_command_certain(&c)) {
		if (dot)
			joined_ended(st);
		st->mode = MODE_COMMAND;
		smtp_client_line(st, l);
	} else if (!dot && l->len == 1 && l->text[0] == '.') {
		st->joined_dot = true;
		st->joined_bytes = st->content.bytes;
	} else {
		echo_note(&st->echo, l->text, l->len, NULL, 0);
	}
	st->joined_login = line_is_login(l);
	st->joined_end = st->next[DIR_C2S];
	smtp_line_clear(l);
}

bool
smtp_joined_step(struct smtp_state *st, struct held_span s)
{
	struct smtp_line *l = &st->line[DIR_C2S];
	bool first = !st->client_heard || l->begun || st->joined_dot, whole = false;
	size_t n = (size_t)s.len;

	if (!st->client_heard && smtp_client_is_tls(st, s.p[0])) {
		smtp_tls_begin(st, DIR_C2S, s.off);
		return true;
	}
	if (!st->client_heard)
		smtp_content_begin(&st->content, s.off, false);
	st->client_heard = true;
	if (first)
		n = smtp_line_push(l, s.off, s.p, n, &whole);
	n = smtp_content_push(&st->content, s.off, s.p, n, content_ignore, NULL);
	smtp_client_take(st, n);
	if (whole)
		joined_line(st, l);
	if (st->content.ended && st->mode == MODE_JOINED)
		joined_was_content(st, true);
	return true;
}
