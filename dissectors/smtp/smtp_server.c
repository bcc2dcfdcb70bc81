/* smtp_server.c - the server's bytes: lines, and where one reply ends and the next begins. */
#include <string.h>
#include <strings.h>

#include "dissectors/smtp/smtp_reply.h"
#include "dissectors/smtp/smtp_state.h"

/* ---- lines ---------------------------------------------------------------- */

/* Words an EHLO list is made of: they tell its last line from the next reply. */
static bool
is_keyword(const char *p, size_t len)
{
	static const char *const words[] = { "SIZE", "PIPELINING", "8BITMIME", "HELP", "DSN",
		"STARTTLS", "AUTH", "ETRN", "VRFY", "EXPN", "CHUNKING", "BINARYMIME", "SMTPUTF8",
		"ENHANCEDSTATUSCODES", "DELIVERBY", "LIMITS", "REQUIRETLS", "MT-PRIORITY",
		"XCLIENT", "XFORWARD", "NOOP", "TURN", "ATRN", "BURL", "X-" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if (len >= n && strncasecmp(p, words[i], n) == 0 &&
		    (len == n || p[n] == ' ' || p[n] == '=' || p[n - 1] == '-'))
			return true;
	}
	return false;
}

/* A list is open and this line belongs to the next reply already. */
static bool
line_is_next_reply(struct smtp_state *st, const struct smtp_reply_line *r)
{
	const struct smtp_asked *e = smtp_queue_at(&st->queue, 0);
	bool same = r->code == st->answer.code;

	if (!st->answer.open)
		return false;
	if (!same)
		return st->queue.count >= 2 || (!st->greeted && st->queue.count != 0);
	if (!st->probe || !st->greeted || !r->last || e == NULL || st->queue.count < 2)
		return false;
	return !(
	    (e->verb == SMTP_EHLO || e->verb == SMTP_LHLO) && is_keyword(r->text, r->text_len));
}

static void
server_line(struct smtp_state *st, struct smtp_line *l)
{
	struct smtp_reply_line r;
	bool rest = st->after_gap[DIR_S2C];
	bool due = !st->greeted || st->queue.count != 0;

	st->after_gap[DIR_S2C] = false;
	if (smtp_reply_parse(l->text, l->len, &r) == DISSECT_OK) {
		if (line_is_next_reply(st, &r)) {
			smtp_answer_cut(st);
			while (st->answer.whole) /* make room for the next */
				if (!smtp_answer_try(st))
					smtp_answer_release(st);
		}
		st->probe = false;
		smtp_answer_add(st, l, &r);
	} else if (st->answer.open) {
		smtp_answer_add(st, l, NULL);
	} else if (due && !rest && smtp_reply_parse_codeless(l->text, l->len, &r) == DISSECT_OK) {
		smtp_answer_add(st, l, &r);
	} else {
		smtp_noise(st, DIR_S2C, l);
	}
}

static bool
has_control(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20)
			return true;
	return false;
}

/*
 * Behind SOCKS or HTTP CONNECT: the dialogue starts at the first 220; SOCKS ends without a line
 * end.
 */
static void
tunnel_line(struct smtp_state *st, struct smtp_line *l)
{
	struct smtp_line from = *l;
	const char *at = NULL;

	for (size_t i = 0; at == NULL && i + 4 <= l->len; i++)
		if (memcmp(l->text + i, "220", 3) == 0 &&
		    (l->text[i + 3] == ' ' || l->text[i + 3] == '-'))
			at = l->text + i;
	if (at == NULL || (at != l->text && !has_control(l->text, (size_t)(at - l->text))))
		return;
	st->server_tunnel = false;
	from.off += (uint64_t)(at - l->text);
	from.text = l->text + (at - l->text);
	from.len -= (size_t)(at - l->text);
	from.odd = l->odd & ODD_BARE_LF;
	server_line(st, &from);
}

static void
line_done(struct smtp_state *st)
{
	struct smtp_line *l = &st->line[DIR_S2C];

	if (st->server_tunnel)
		tunnel_line(st, l);
	else
		server_line(st, l);
	smtp_line_clear(l);
}

/* ---- bytes ---------------------------------------------------------------- */

static void
server_take(struct smtp_state *st, uint64_t n)
{
	st->next[DIR_S2C] += n;
	hold_take(&st->in[DIR_S2C], n, st->hint.budget);
}

static bool
is_code(const uint8_t *p, size_t len)
{
	return len >= 4 && p[0] >= '2' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' &&
	    p[2] >= '0' && p[2] <= '9' && (p[3] == ' ' || p[3] == '-');
}

/*
 * A line was begun, the client spoke, and now come new bytes: if they begin
 * with a code the old line had no CRLF and is over.
 */
static bool
probe_step(struct smtp_state *st, struct held_span s)
{
	struct smtp_line *l = &st->line[DIR_S2C];
	uint64_t off = s.off - st->probe_len;
	const uint8_t b = s.p[0]; /* taking it may free the chunk it lies in */
	bool whole;

	st->probe_bytes[st->probe_len++] = b;
	server_take(st, 1);
	if (st->probe_len < sizeof(st->probe_bytes) && b != '\n')
		return true;
	if (is_code(st->probe_bytes, st->probe_len) && is_code((const uint8_t *)l->text, l->len)) {
		l->odd |= ODD_UNCLOSED;
		line_done(st);
		st->answer.odd |= st->answer.open ? ODD_UNCLOSED : 0;
		while (st->answer.whole)
			if (!smtp_answer_try(st))
				smtp_answer_release(st);
	}
	smtp_line_push(l, off, st->probe_bytes, st->probe_len, &whole);
	st->probe_len = 0;
	st->probe_line = false;
	st->probe &= st->answer.open; /* an open list is judged by its next line */
	if (whole)
		line_done(st);
	return true;
}

static bool
step_gap(struct smtp_state *st, struct held_span s)
{
	struct dissect_event ev = { .kind = EVENT_GAP,
		.dir = DIR_S2C,
		.off = s.off,
		.end = s.off + s.len,
		.arg_num = UINT64_MAX };
	struct smtp_line *l = &st->line[DIR_S2C];
	bool whole;

	if (!st->server_tls) {
		if (st->probe_len != 0)
			smtp_line_push(
			    l, s.off - st->probe_len, st->probe_bytes, st->probe_len, &whole);
		if (l->len >= 4 && !st->server_tunnel &&
		    is_code((const uint8_t *)l->text, l->len)) {
			l->odd |= ODD_CUT;
			line_done(st);
		}
		smtp_line_clear(l);
		if (st->answer.open && !st->answer.whole) {
			st->answer.odd |= ODD_CUT;
			smtp_answer_cut(st);
		}
		st->probe_len = 0;
		st->probe = st->probe_line = false;
		if (st->answer.whole)
			return true; /* deliver it, then come back */
		st->greeted = true;
		st->in_turn = s.heard != UINT64_MAX && (!st->unsynced || st->in_turn);
		st->unsynced = true;
		st->heard = s.heard;
		st->after_gap[DIR_S2C] = true;
		for (uint32_t i = 0; i < st->queue.count; i++)
			smtp_queue_at(&st->queue, i)->maybe |=
			    smtp_queue_at(&st->queue, i)->end <= s.heard;
	} else if (st->tls != NULL) {
		tls_gap(st->tls, DIR_S2C, s.len);
	}
	smtp_emit(st, &ev);
	server_take(st, s.len);
	return true;
}

static bool
byte_is_tls(const struct smtp_state *st, uint8_t b)
{
	if (st->mode == MODE_TLS || st->mode == MODE_TLS_MAYBE || !st->server_heard)
		return b >= 0x14 && b <= 0x17;
	return b == 0x15 || b == 0x16;
}

static bool
step_line(struct smtp_state *st, struct held_span s)
{
	struct smtp_line *l = &st->line[DIR_S2C];
	bool whole;
	size_t n;

	if (!l->begun && !st->server_tunnel && byte_is_tls(st, s.p[0])) {
		smtp_tls_begin(st, DIR_S2C, s.off);
		return true;
	}
	st->server_heard = true;
	if ((st->probe_line || st->probe_len != 0) && l->begun)
		return probe_step(st, s);
	n = smtp_line_push(l, s.off, s.p, (size_t)s.len, &whole);
	server_take(st, n);
	if (whole)
		line_done(st);
	return true;
}

bool
smtp_server_step(struct smtp_state *st)
{
	struct held_span s;

	if (st->answer.whole)
		return smtp_answer_try(st);
	if (hold_empty(&st->in[DIR_S2C]))
		return false;
	s = hold_peek(&st->in[DIR_S2C]);
	if (st->in[DIR_S2C].first != NULL && !smtp_answer_may_go(st, s.ts_ns))
		return false;
	st->ts_ns = s.ts_ns;
	if (s.p == NULL)
		return step_gap(st, s);
	if (st->server_tls) {
		if (st->tls != NULL)
			tls_observe(
			    st->tls, DIR_S2C, s.off, s.ts_ns, s.p, (size_t)s.len, &st->sink);
		server_take(st, s.len);
		return true;
	}
	return step_line(st, s);
}

/* The last line may lack its CRLF: the code tells all the same. */
void
smtp_server_finish(struct smtp_state *st)
{
	struct smtp_line *l = &st->line[DIR_S2C];
	bool whole;

	if (st->server_tls)
		return;
	if (st->probe_len != 0)
		smtp_line_push(
		    l, st->next[DIR_S2C] - st->probe_len, st->probe_bytes, st->probe_len, &whole);
	st->probe_len = 0;
	st->probe = st->probe_line = false;
	if (!l->begun)
		return;
	if (l->len >= 4 && is_code((const uint8_t *)l->text, l->len) && l->text[3] == ' ') {
		l->odd |= ODD_UNCLOSED;
		line_done(st);
	} else {
		smtp_noise(st, DIR_S2C, l);
		smtp_line_clear(l);
	}
}
