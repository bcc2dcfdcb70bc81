/* pop3.c - the POP3 dissector: lines of both directions, gaps, the turn to TLS. */
#include <stdlib.h>
#include <string.h>

#include "dissectors/pop3/pop3_state.h"

#define HELD_MAX (256u << 10) /* bytes of a server that wait for the client's */

/* ---- shared by the files of the dissector --------------------------------------- */

struct dissect_event
pop3_event(
    const struct pop3 *st, enum event_kind kind, enum dissect_dir dir, uint64_t off, uint64_t end)
{
	return (struct dissect_event){
		.kind = kind,
		.dir = dir,
		.ts_ns = st->ts_ns[dir],
		.off = off,
		.end = end,
		.line = "",
		.arg = "",
		.arg_num = UINT64_MAX,
	};
}

void
pop3_emit(const struct pop3 *st, const struct dissect_event *ev)
{
	st->sink.emit(st->sink.ctx, ev);
}

size_t
pop3_line_len(const struct pop3_buffer *l)
{
	size_t n = l->len;

	if (l->full > l->len)
		return n;
	if (n > 0 && l->buf[n - 1] == '\n')
		n--;
	if (n > 0 && l->buf[n - 1] == '\r')
		n--;
	return n;
}

void
pop3_line_reset(struct pop3_buffer *l)
{
	explicit_bzero(l->buf, l->len);
	l->len = 0;
	l->full = 0;
	l->odd = 0;
	l->last = 0;
	l->fragment = false;
}

void
pop3_noise(struct pop3 *st, enum dissect_dir dir)
{
	struct pop3_buffer *l = &st->line[dir];
	struct dissect_event ev = pop3_event(st, EVENT_NOISE, dir, l->off, l->off + l->full);
	char shown[40];

	ev.odd = l->odd;
	ev.unsure = l->fragment || st->unsure;
	ev.line = l->buf;
	ev.line_len = pop3_line_len(l);
	if (dir == DIR_S2C)
		echo_hide(&st->echo, l->buf, l->len);
	else
		echo_note(&st->echo, l->buf, ev.line_len, NULL, 0);
	if (dir == DIR_C2S || (l->len > 0 && l->buf[0] == '+')) {
		ev.line_len = sasl_mask(shown, sizeof(shown), ev.line_len);
		ev.line = shown;
	}
	pop3_emit(st, &ev);
}

bool
pop3_hold(struct pop3 *st, uint64_t bytes)
{
	struct dissect_budget *b = st->hint.budget;

	if (b == NULL)
		return true;
	if (b->held + bytes > b->limit) {
		b->refused++;
		return false;
	}
	b->held += bytes;
	return true;
}

void
pop3_unhold(struct pop3 *st, uint64_t bytes)
{
	if (st->hint.budget != NULL)
		st->hint.budget->held -= bytes;
}

/* ---- lines ------------------------------------------------------------------------ */

static void
line_odd(struct pop3_buffer *l, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\n') {
			if (l->last != '\r')
				l->odd |= ODD_BARE_LF;
		} else if (l->last == '\r' && l->full + i > 0) {
			l->odd |= ODD_BARE_CR;
		}
		if (p[i] == '\0')
			l->odd |= ODD_NUL;
		else if (p[i] >= 0x80)
			l->odd |= ODD_8BIT;
		l->last = p[i];
	}
}

/* RFC 1939 3: replies have at most 512 bytes; RFC 2449 4: commands 255. */
static void
line_add(struct pop3_buffer *l, enum dissect_dir dir, const uint8_t *p, size_t len)
{
	size_t room = sizeof(l->buf) - l->len, n = len < room ? len : room;

	line_odd(l, p, len);
	memcpy(l->buf + l->len, p, n);
	l->len += n;
	l->full += len;
	if (l->full > (dir == DIR_C2S ? 255 : 512))
		l->odd |= ODD_LONG;
}

/*
 * One line, or what there is of it.  The first four bytes of a server's line
 * are looked at before the rest: they tell a reply from a text whose status
 * line is not in the capture.
 */
static size_t
line_push(struct pop3 *st, enum dissect_dir dir, uint64_t off, const uint8_t *p, size_t len)
{
	const bool server = dir == DIR_S2C;
	struct pop3_buffer *l = &st->line[server];
	const uint8_t *lf = memchr(p, '\n', len);
	size_t n = lf != NULL ? (size_t)(lf + 1 - p) : len;

	if (l->full == 0)
		l->off = off;
	if (server && l->full < 4 && n > 4 - l->full) {
		n = 4 - (size_t)l->full;
		lf = NULL;
	}
	line_add(l, dir, p, n);
	if (server && (l->full == 4 || (lf != NULL && l->full < 4)) &&
	    pop3_answer_starts(st, l->buf, l->len)) {
		uint8_t head[4];
		size_t head_len = l->len;
		uint64_t head_off = l->off;

		memcpy(head, l->buf, head_len);
		pop3_line_reset(l);
		pop3_answer_push(st, head_off, head, head_len);
		return n;
	}
	if (l->last != '\n')
		return n;
	if (server)
		pop3_server_line(st);
	else
		pop3_client_line(st);
	pop3_line_reset(l);
	return n;
}

/* ---- TLS -------------------------------------------------------------------------- */

/*
 * No POP3 line begins with 0x16; but only where TLS can be due is it the
 * start of TLS: as the first byte (port 995), after STLS, beside a side that
 * speaks TLS already, or where part of the dialogue is missing.  The server
 * may answer with an alert (0x15).
 */
static bool
tls_due(const struct pop3 *st, enum dissect_dir dir, uint8_t byte)
{
	const struct pop3_pending *head = pop3_pending_head(st);
	enum dissect_dir other = dir == DIR_C2S ? DIR_S2C : DIR_C2S;

	if (st->tls[other])
		return byte >= 0x14 && byte <= 0x17;
	if (byte != 0x16 && !(byte == 0x15 && dir == DIR_S2C))
		return false;
	if (st->stls_ok || st->unsure || (head != NULL && head->verb == POP3_STLS))
		return true;
	return dir == DIR_C2S ? st->commands == 0 : st->greeting_due;
}

static void
tls_begin(struct pop3 *st, enum dissect_dir dir, uint64_t off)
{
	struct dissect_event ev = pop3_event(st, EVENT_TLS, dir, off, off);

	st->tls[dir] = true;
	if (st->observer == NULL && (st->observer = malloc(sizeof(*st->observer))) != NULL)
		tls_init(st->observer);
	if (st->observer == NULL)
		dissect_starved(st->hint.budget);
	pop3_emit(st, &ev);
}

/* ---- the door --------------------------------------------------------------------- */

static void *
pop3_open(const struct dissect_sink *sink, const struct dissect_hint *hint)
{
	struct pop3 *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->sink = *sink;
	st->hint = *hint;
	st->greeting_due = true;
	st->unsure = st->holes = hint->midstream;
	st->line[DIR_C2S].fragment = st->line[DIR_S2C].fragment = hint->midstream;
	return st;
}

/* One line, or a piece of an answer, or of TLS; the bytes taken (none where TLS begins). */
static size_t
bytes_read(struct pop3 *st, enum dissect_dir dir, uint64_t off, const uint8_t *p, size_t len)
{
	if (!st->tls[dir] && st->line[dir].full == 0 &&
	    !(dir == DIR_S2C && st->answer.kind != TEXT_NONE) && tls_due(st, dir, *p)) {
		tls_begin(st, dir, off);
		return 0; /* what waited for the client is read before the first record is */
	}
	if (st->tls[dir]) {
		if (st->observer != NULL)
			tls_observe(st->observer, dir, off, st->ts_ns[dir], p, len, &st->sink);
		return len;
	}
	if (dir == DIR_S2C && st->answer.kind != TEXT_NONE)
		return pop3_answer_push(st, off, p, len);
	return line_push(st, dir, off, p, len);
}

static void
gap_read(struct pop3 *st, enum dissect_dir dir, uint64_t off, uint64_t missing)
{
	struct dissect_event ev = pop3_event(st, EVENT_GAP, dir, off, off + missing);

	ev.unsure = true;
	pop3_emit(st, &ev);
	if (st->tls[dir]) {
		if (st->observer != NULL)
			tls_gap(st->observer, dir, missing);
		return;
	}
	st->holes = true;
	if (dir == DIR_S2C && st->answer.kind != TEXT_NONE) {
		pop3_answer_gap(st);
		return;
	}
	pop3_line_reset(&st->line[dir]);
	st->line[dir].fragment = true;
	st->unsure = true;
	if (dir == DIR_C2S) {
		/* The response that names the user may be missing: the next is no name. */
		sasl_begin(&st->sasl, "", 0);
	} else {
		st->greeting_due = false;
		st->orphan = false;
		st->status_lost = true;
		if (st->responses >
		    st->challenges) /* their challenges are in the gap, or come yet */
			st->responses = st->challenges;
	}
}

/* ---- the server's bytes, which may have to wait for the client's ------------------- */

static size_t
server_read(struct pop3 *st, const struct held_span *s)
{
	st->ts_ns[DIR_S2C] = s->ts_ns;
	st->end[DIR_S2C] = s->off + s->len;
	if (s->p == NULL) {
		gap_read(st, DIR_S2C, s->off, s->len);
		return s->len;
	}
	if (pop3_answer_over(st)) {
		pop3_answer_end(st, st->answer.replied, s->off);
		st->line[DIR_S2C].fragment = true;
		st->unsure = true;
		st->status_lost = true;
	}
	return bytes_read(st, DIR_S2C, s->off, s->p, s->len);
}

/*
 * A POP3 server speaks when it is asked, and a challenge asks the client; if it
 * seems otherwise, the client's line is late or missing.  Lines of an answer without its question
 * do not wait.
 */
static bool
server_must_wait(const struct pop3 *st, const struct held_span *s)
{
	return s->p != NULL && st->hint.client_seen && !st->tls[DIR_C2S] && !st->tls[DIR_S2C] &&
	    st->answer.kind == TEXT_NONE && st->line[DIR_S2C].full == 0 && !st->greeting_due &&
	    !(st->orphan && *s->p != '+' && *s->p != '-') &&
	    ((st->pending_count == 0 && st->unqueued == 0) || pop3_response_due(st));
}

/* Reads what needs not wait, and all that came before `until'. */
static void
server_drain(struct pop3 *st, int64_t until)
{
	struct held_span s;

	for (;;) {
		s = hold_peek(&st->held);
		if (s.len == 0 || (s.ts_ns >= until && server_must_wait(st, &s)))
			break;
		hold_take(&st->held, server_read(st, &s), st->hint.budget);
	}
}

static uint64_t
waiting(const struct pop3 *st)
{
	return st->held.bytes + (st->held.now.p != NULL ? st->held.now.len : 0);
}

/*
 * More than may wait: its beginning is read, line by line and not by segment, and
 * the client's bytes that it waited for are taken for lost.
 */
static void
server_force(struct pop3 *st)
{
	struct held_span s;

	if (st->hint.budget != NULL && waiting(st) > HELD_MAX)
		st->hint.budget->refused++;
	while (waiting(st) > HELD_MAX) {
		st->holes = st->unsure = true;
		s = hold_peek(&st->held);
		hold_take(&st->held, server_read(st, &s), st->hint.budget);
		server_drain(st, INT64_MIN);
	}
}

static enum dissect_rc
server_take(struct pop3 *st, struct held_span s)
{
	const struct dissect_budget *b = st->hint.budget;

	st->held.now = s;
	server_drain(st, INT64_MIN);
	server_force(st);
	if (st->held.now.len > 0 && b != NULL && b->held >= b->limit) {
		st->hint.budget->refused++;
		server_drain(st, INT64_MAX);
	}
	return hold_keep(&st->held, st->hint.budget) ? DISSECT_OK : DISSECT_NOMEM;
}

/*
 * Does time tell what comes before the client's line at hand?  Replies older than
 * it are not to it; but of an end of AUTH that is older than AUTH the time is wrong.
 */
static bool
replies_are_older(const struct pop3 *st)
{
	return st->unsure ||
	    (pop3_response_due(st) && hold_peek(&st->held).ts_ns >= st->auth_ts_ns);
}

static enum dissect_rc
pop3_data(void *v, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p, size_t len)
{
	struct pop3 *st = v;
	size_t n;

	if (dir == DIR_S2C)
		return server_take(st, (struct held_span){ p, len, off, ts_ns, 0 });
	st->ts_ns[dir] = ts_ns;
	st->end[dir] = off + len;
	for (; len > 0; p += n, off += n, len -= n) {
		if (replies_are_older(st))
			server_drain(st, ts_ns);
		n = bytes_read(st, dir, off, p, len);
		server_drain(st, INT64_MIN);
	}
	return DISSECT_OK;
}

static void
pop3_gap(
    void *v, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	struct pop3 *st = v;

	if (dir == DIR_S2C) {
		server_take(st, (struct held_span){ NULL, missing, off, ts_ns, heard });
		return;
	}
	st->ts_ns[dir] = ts_ns;
	st->end[dir] = off + missing;
	gap_read(st, dir, off, missing);
}

/* A server that ends without a line end still said something. */
static void
last_words(struct pop3 *st)
{
	server_drain(st, INT64_MAX);
	if (st->answer.kind != TEXT_NONE) {
		/* A client that went on had the rest. */
		pop3_answer_end(st,
		    st->answer.gap && st->answer.replied && !st->pipelines && st->pending_count > 0,
		    st->end[DIR_S2C]);
	} else if (st->line[DIR_S2C].full > 0) {
		st->line[DIR_S2C].odd |= ODD_UNCLOSED;
		pop3_server_line(st);
		if (st->answer.kind != TEXT_NONE)
			pop3_answer_end(st, false, st->end[DIR_S2C]);
	}
	if (st->line[DIR_C2S].full > 0) {
		st->line[DIR_C2S].odd |= ODD_UNCLOSED;
		pop3_noise(st, DIR_C2S);
	}
}

static void
pop3_close(void *v)
{
	struct pop3 *st = v;

	if (st == NULL)
		return;
	last_words(st);
	pop3_pending_free(st);
	hold_free(&st->held, st->hint.budget);
	free(st->answer.kept);
	free(st->observer);
	explicit_bzero(st, sizeof(*st));
	free(st);
}

const struct dissector dissector_pop3 = {
	.name = "pop3",
	.open = pop3_open,
	.data = pop3_data,
	.gap = pop3_gap,
	.close = pop3_close,
};
