/*
 * smtp.c - SMTP, passively (RFC 5321; 2920 pipelining, 3030 chunking, 3207
 * STARTTLS, 4954 AUTH, 2034 enhanced codes, 1870 SIZE, 2033 LMTP).
 *
 * How the client's bytes are to be read depends on replies: behind DATA,
 * AUTH and STARTTLS they wait (RFC 2920 3.1 lets a client send on).  Replies
 * are taken one at a time, and between two of them the client's bytes are read
 * as far as they can be.
 */
#include <stdlib.h>
#include <string.h>

#include "dissectors/smtp/smtp_state.h"

#define SERVER_HELD_MAX (64u << 10)

void
smtp_emit(struct smtp_state *st, struct dissect_event *ev)
{
	ev->ts_ns = st->ts_ns;
	ev->unsure |= st->unsynced;
	st->sink.emit(st->sink.ctx, ev);
}

/* Only its length: what does not fit the grammar may be anything. */
void
smtp_noise(struct smtp_state *st, enum dissect_dir dir, const struct smtp_line *l)
{
	char shown[40];
	struct dissect_event ev = { .kind = EVENT_NOISE,
		.dir = dir,
		.off = l->off,
		.end = st->next[dir],
		.odd = l->odd,
		.arg_num = UINT64_MAX,
		.line = shown };

	if (dir == DIR_C2S)
		echo_note(&st->echo, l->text, l->len, NULL, 0);
	ev.line_len = sasl_mask(shown, sizeof(shown), l->total);
	smtp_emit(st, &ev);
}

void
smtp_tls_begin(struct smtp_state *st, enum dissect_dir dir, uint64_t off)
{
	struct dissect_event ev = {
		.kind = EVENT_TLS, .dir = dir, .off = off, .end = off, .arg_num = UINT64_MAX
	};

	if (st->tls == NULL && (st->tls = malloc(sizeof(*st->tls))) != NULL)
		tls_init(st->tls);
	if (st->tls == NULL)
		dissect_starved(st->hint.budget);
	if (dir == DIR_C2S)
		st->mode = MODE_TLS;
	else
		st->server_tls = true;
	smtp_emit(st, &ev);
}

/* Else neither side has anything to read, or to deliver. */
static inline bool
is_more(const struct smtp_state *st)
{
	return !hold_empty(&st->in[DIR_C2S]) || !hold_empty(&st->in[DIR_S2C]) || st->answer.whole;
}

static void
pump(struct smtp_state *st)
{
	bool moved;

	do {
		moved = smtp_server_step(st);
		while (smtp_client_step(st))
			moved = true;
	} while (moved && is_more(st));
}

static void *
smtp_open(const struct dissect_sink *sink, const struct dissect_hint *hint)
{
	struct smtp_state *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->sink = *sink;
	st->hint = *hint;
	st->line[DIR_C2S].budget = st->line[DIR_S2C].budget = hint->budget;
	st->server_tunnel = hint->tunnelled;
	st->mode = hint->tunnelled ? MODE_TUNNEL : hint->midstream ? MODE_JOINED : MODE_COMMAND;
	st->greeted = st->unsynced = hint->midstream;
	return st;
}

/* Over its bound, or over that of all flows together? */
static bool
held_too_much(const struct smtp_state *st)
{
	const struct dissect_budget *b = st->hint.budget;

	if (st->in[DIR_C2S].first == NULL && st->in[DIR_S2C].first == NULL)
		return false;
	return st->in[DIR_C2S].bytes > SMTP_HELD_MAX || st->in[DIR_S2C].bytes > SERVER_HELD_MAX ||
	    (b != NULL && b->limit != 0 && b->held > b->limit);
}

/* Go on without the other side until little enough is held. */
static void
held_relieve(struct smtp_state *st)
{
	if (st->hint.budget != NULL)
		st->hint.budget->refused++;
	while (held_too_much(st)) {
		uint64_t before = st->in[DIR_C2S].bytes + st->in[DIR_S2C].bytes;

		st->over = true;
		if (st->answer.whole)
			smtp_answer_release(st);
		else if (st->waiting)
			smtp_client_unwait(st);
		pump(st);
		if (st->in[DIR_C2S].bytes + st->in[DIR_S2C].bytes == before && !st->waiting &&
		    !st->answer.whole)
			break;
	}
	st->over = false;
	st->deaf |= !st->server_heard;
}

/* A gap: p is NULL. */
static bool
input(struct smtp_state *st, enum dissect_dir dir, struct held_span s)
{
	bool kept;

	st->arriving = dir;
	st->in[dir].now = s;
	if (st->in[dir].first == NULL)
		st->next[dir] = s.off;
	pump(st);
	kept = hold_keep(&st->in[dir], st->hint.budget);
	st->in[dir].now = (struct held_span){ 0 };
	if (held_too_much(st))
		held_relieve(st);
	return kept;
}

static enum dissect_rc
smtp_data(
    void *state, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p, size_t len)
{
	return len == 0 || input(state, dir, (struct held_span){ p, len, off, ts_ns, 0 })
	    ? DISSECT_OK
	    : DISSECT_NOMEM;
}

static void
smtp_gap(void *state, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
    int64_t ts_ns)
{
	if (missing != 0)
		input(state, dir, (struct held_span){ NULL, missing, off, ts_ns, heard });
}

/* What still waits will not be answered: it is read as what it most likely is. */
static void
drain(struct smtp_state *st)
{
	pump(st);
	while (st->waiting || st->answer.whole) {
		if (st->answer.whole)
			smtp_answer_release(st);
		else
			smtp_client_unwait(st);
		pump(st);
	}
}

static void
state_free(struct smtp_state *st)
{
	for (int d = 0; d < 2; d++) {
		hold_free(&st->in[d], st->hint.budget);
		smtp_line_free(&st->line[d]);
	}
	smtp_queue_free(st);
	free(st->answer.line.p);
	free(st->answer.text.p);
	free(st->tls);
	explicit_bzero(st, sizeof(*st));
	free(st);
}

static void
smtp_close(void *state)
{
	struct smtp_state *st = state;

	if (st == NULL)
		return;
	st->closing = true;
	drain(st);
	smtp_server_finish(st);
	drain(st);
	smtp_client_finish(st);
	state_free(st);
}

const struct dissector dissector_smtp = {
	.name = "smtp",
	.open = smtp_open,
	.data = smtp_data,
	.gap = smtp_gap,
	.close = smtp_close,
};
