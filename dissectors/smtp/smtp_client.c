/* smtp_client.c - the client's bytes: commands, content, logins, and what is missing of them. */
#include <stdlib.h>
#include <string.h>

#include "dissectors/smtp/smtp_command.h"
#include "dissectors/smtp/smtp_state.h"

#define LINE_MAX_COMMAND 510u   /* RFC 5321 4.5.3.1.4, without CRLF */
#define LINE_MAX_AUTH    12286u /* RFC 4954 4 */

static struct dissect_event
event_of(enum event_kind kind, const struct smtp_state *st, uint64_t off)
{
	return (struct dissect_event){
		.kind = kind,
		.dir = DIR_C2S,
		.off = off,
		.end = st->next[DIR_C2S],
		.arg_num = UINT64_MAX,
	};
}

/* ---- content -------------------------------------------------------------- */

void
smtp_content_open(struct smtp_state *st, uint32_t cmd)
{
	struct dissect_event ev = event_of(EVENT_CONTENT_BEGIN, st, st->next[DIR_C2S]);

	smtp_content_begin(&st->content, st->next[DIR_C2S], true);
	st->content_open = true;
	ev.cmd = cmd;
	ev.verb = SMTP_DATA;
	smtp_emit(st, &ev);
}

static void
content_end(struct smtp_state *st, bool complete, uint32_t cmd, int verb)
{
	struct dissect_event ev = event_of(EVENT_CONTENT_END, st, st->content.from);

	ev.cmd = cmd;
	ev.verb = verb;
	ev.complete = complete;
	ev.odd = st->content.odd;
	if (!complete && cmd == 0 && st->content.bare_end == st->next[DIR_C2S])
		ev.odd |= ODD_ENDS_BARE;
	ev.arg_num = st->content.bytes;
	st->content_open = false;
	smtp_emit(st, &ev);
}

/* The end of data is answered like a command (RFC 5321 4.1.1.4). */
void
smtp_content_close(struct smtp_state *st, bool complete)
{
	struct smtp_asked *e = smtp_queue_add(st, SMTP_END_OF_DATA);

	st->mode = MODE_COMMAND;
	content_end(st, complete, e != NULL ? e->cmd : 0, SMTP_END_OF_DATA);
}

/* Chunks of a mail that is given up before its LAST. */
static void
chunks_abandon(struct smtp_state *st)
{
	if (st->content_open)
		content_end(st, false, 0, SMTP_BDAT);
}

/*
 * Most events are pieces of content: they begin as a copy, which is cheaper than to clear so much
 * anew.
 */
static void
content_give(void *ctx, uint64_t off, const uint8_t *p, size_t len)
{
	static const struct dissect_event piece = {
		.kind = EVENT_CONTENT, .dir = DIR_C2S, .arg_num = UINT64_MAX
	};
	struct smtp_state *st = ctx;
	struct dissect_event ev;

	memcpy(&ev, &piece, sizeof(ev));
	ev.off = off;
	ev.end = off + len;
	ev.data = p;
	ev.data_len = len;
	smtp_emit(st, &ev);
}

void
smtp_client_take(struct smtp_state *st, uint64_t n)
{
	st->next[DIR_C2S] += n;
	hold_take(&st->in[DIR_C2S], n, st->hint.budget);
}

/* Is nobody there to wait for? */
static bool
client_alone(const struct smtp_state *st)
{
	return st->closing || (st->deaf && !st->server_heard);
}

/*
 * Without replies an LF-only client would never end its mail; with them the server's word counts.
 */
static bool
content_is_lax(const struct smtp_state *st)
{
	return !st->server_heard && client_alone(st) && st->lf_only;
}

static bool
step_data(struct smtp_state *st, struct held_span s)
{
	const uint8_t *lf;
	size_t n = (size_t)s.len;

	/* Line by line where a lax end may matter: rare, so speed does not. */
	if (content_is_lax(st) && (lf = memchr(s.p, '\n', n)) != NULL)
		n = (size_t)(lf - s.p) + 1;
	n = smtp_content_push(&st->content, s.off, s.p, n, content_give, st);
	smtp_client_take(st, n);
	if (st->content.ended || (content_is_lax(st) && st->content.bare_end == st->next[DIR_C2S]))
		smtp_content_close(st, true);
	return true;
}

static void
chunk_done(struct smtp_state *st)
{
	struct smtp_asked *e = smtp_queue_tail(&st->queue);

	if (e != NULL && e->cmd == st->chunk_cmd)
		smtp_asked_whole(st, e);
	st->mode = MODE_COMMAND;
	if (st->chunk_last)
		content_end(st, true, st->chunk_cmd, SMTP_BDAT);
}

static bool
step_chunk(struct smtp_state *st, struct held_span s)
{
	size_t n = s.len < st->chunk_left ? (size_t)s.len : (size_t)st->chunk_left;

	st->content.bytes += n;
	content_give(st, s.off, s.p, n);
	smtp_client_take(st, n);
	if ((st->chunk_left -= n) == 0)
		chunk_done(st);
	return true;
}

/* RFC 3030 2: the octets follow at once, whatever the reply will be. */
static void
chunk_begin(struct smtp_state *st, const struct smtp_command *c, uint32_t cmd)
{
	if (c->num == UINT64_MAX)
		return;
	if (!st->content_open) {
		smtp_content_open(st, cmd);
		st->content.at = CONTENT_TEXT;
	}
	st->chunk_left = c->num;
	st->chunk_last = c->last;
	st->chunk_cmd = cmd;
	st->mode = MODE_CHUNK;
	if (c->num == 0)
		chunk_done(st);
}

/* ---- commands ------------------------------------------------------------- */

static void
client_wait(struct smtp_state *st)
{
	st->waiting = true;
	if (client_alone(st))
		smtp_client_unwait(st);
}

/* First line behind DATA when no reply tells: a client that leaves sends no mail. */
static bool
held_is_command(const struct smtp_state *st)
{
	char line[LINE_MAX_COMMAND];
	struct smtp_command c;
	bool whole;
	size_t n = hold_line(&st->in[DIR_C2S], line, sizeof(line), &whole);

	smtp_command_parse(line, n, &c);
	explicit_bzero(line, n);
	return whole && smtp_command_certain(&c);
}

void
smtp_client_unwait(struct smtp_state *st)
{
	struct smtp_asked *e = smtp_queue_tail(&st->queue);
	struct held_span s = hold_peek(&st->in[DIR_C2S]);

	st->waiting = false;
	if (e == NULL)
		return;
	e->assumed = true;
	switch (e->verb) {
	case SMTP_DATA:
		if (s.len == 0 || held_is_command(st))
			return;
		if (st->server_heard)
			smtp_unsync(st);
		st->mode = MODE_DATA;
		smtp_content_open(st, e->cmd);
		return;
	case SMTP_STARTTLS: st->mode = MODE_TLS_MAYBE; return;
	default: st->auth_loose = true;
	}
}

/* A response may name the user; nothing else of it goes on. */
static void
user_read(struct smtp_state *st, const char *b64, size_t len, struct dissect_event *ev,
    char user[SASL_USER_MAX])
{
	size_t n;

	if (sasl_response(&st->sasl, b64, len, user, &n)) {
		ev->user = user;
		ev->user_len = n;
		echo_note_user(&st->echo, user, n);
	}
}

/* What is masked in the parameters of MAIL and XCLIENT is a name. */
static void
masked_note(struct smtp_state *st, const struct smtp_command *c, const char *p, size_t len,
    const struct dissect_event *ev)
{
	if (c->verb == SMTP_MAIL || c->verb == SMTP_XCLIENT)
		echo_note_user(&st->echo, p, len);
	else
		echo_note(&st->echo, p, len, ev->user, ev->user_len);
}

/* Gives up a mail whose chunks are not complete. */
static bool
command_abandons(enum smtp_verb v)
{
	return smtp_verb_facts((int)v)->flags & SMTP_RESETS || v == SMTP_MAIL || v == SMTP_DATA;
}

/* What is told of a command beside its text and its argument. */
static void
command_tell(const struct smtp_state *st, const struct smtp_line *l, const struct smtp_command *c,
    struct dissect_event *ev)
{
	ev->verb = (int)c->verb;
	ev->arg_num = c->num;
	ev->last = c->last;
	ev->odd = l->odd | (c->bare ? ODD_NO_ANGLES : 0);
	if (l->total > LINE_MAX_COMMAND && c->verb != SMTP_AUTH)
		ev->odd |= ODD_LONG;
	if (!st->greeted)
		ev->odd |= ODD_EARLY;
}

/* RFC 4954 4: of AUTH its mechanism is told, and the user whom an initial response names. */
static void
auth_read(struct smtp_state *st, const struct smtp_command *c, struct dissect_event *ev,
    char user[SASL_USER_MAX])
{
	sasl_begin(&st->sasl, c->arg, c->arg_len);
	if (sasl_is_mechanism(c->arg, c->arg_len)) {
		ev->arg = c->arg;
		ev->arg_len = c->arg_len;
	}
	if (c->rest != NULL)
		user_read(st, c->rest, c->rest_len, ev, user);
}

/* The replies to come find it in the queue; NULL: no room for it there. */
static struct smtp_asked *
command_ask(struct smtp_state *st, const struct smtp_command *c)
{
	struct smtp_asked *e = smtp_queue_add(st, (int)c->verb);
	bool begun = st->line[DIR_S2C].begun;

	if (e != NULL) {
		e->last = c->last;
		e->path =
		    c->verb == SMTP_RCPT && c->arg != NULL ? smtp_path_hash(c->arg, c->arg_len) : 0;
	}
	st->probe = (st->answer.open || begun) && st->queue.count <= 2;
	st->probe_line = st->probe && begun;
	return e;
}

static void
line_command(struct smtp_state *st, const struct smtp_line *l, const char *text, size_t len)
{
	char shown[SMTP_LINE_KEPT], user[SASL_USER_MAX];
	struct dissect_event ev = event_of(EVENT_COMMAND, st, l->off);
	struct smtp_command c;
	struct smtp_asked *e;
	size_t secret;

	smtp_command_parse(text, len, &c);
	if (st->content_open && command_abandons(c.verb))
		chunks_abandon(st);
	command_tell(st, l, &c, &ev);
	ev.line = shown;
	ev.line_len = smtp_command_show(&c, text, len, l->total - (l->len - len),
	    st->auth_loose || st->unsynced, shown, sizeof(shown), &secret);
	if (c.verb == SMTP_AUTH) {
		auth_read(st, &c, &ev, user);
	} else if (c.arg != NULL && c.arg + c.arg_len <= text + secret) {
		ev.arg = c.arg;
		ev.arg_len = c.arg_len;
	}
	if (secret < len)
		masked_note(st, &c, text + secret, len - secret, &ev);
	if (c.verb == SMTP_LHLO || c.verb == SMTP_EHLO || c.verb == SMTP_HELO)
		st->lmtp = c.verb == SMTP_LHLO;
	e = command_ask(st, &c);
	ev.cmd = e != NULL ? e->cmd : 0;
	smtp_emit(st, &ev);
	explicit_bzero(user, sizeof(user));
	explicit_bzero(shown, ev.line_len);
	if (c.verb == SMTP_BDAT)
		chunk_begin(st, &c, ev.cmd);
	else if (e != NULL && smtp_verb_facts((int)c.verb)->flags & SMTP_WAITS)
		client_wait(st);
}

/* RFC 4954 4: an answer to 334; "*" gives up. */
static void
line_auth(struct smtp_state *st, const struct smtp_line *l)
{
	char shown[40], user[SASL_USER_MAX];
	struct dissect_event ev = event_of(EVENT_COMMAND, st, l->off);
	bool star = l->len == 1 && l->text[0] == '*';
	struct smtp_asked *e;

	ev.verb = SMTP_AUTH_DATA;
	ev.line = shown;
	ev.line_len = star ? 1 : sasl_mask(shown, sizeof(shown), l->total);
	if (star)
		shown[0] = '*';
	ev.odd = l->odd | (l->total > LINE_MAX_AUTH ? ODD_LONG : 0);
	if (!star && l->len != 0) {
		user_read(st, l->text, l->len, &ev, user);
		echo_note(&st->echo, l->text, l->len, ev.user, ev.user_len);
	}
	e = smtp_queue_add(st, SMTP_AUTH_DATA);
	ev.cmd = e != NULL ? e->cmd : 0;
	st->mode = MODE_COMMAND;
	smtp_emit(st, &ev);
	explicit_bzero(user, sizeof(user));
	if (e != NULL)
		client_wait(st);
}

/* Where SOCKS or HTTP CONNECT ends and SMTP begins: the first EHLO or HELO. */
static void
line_tunnel(struct smtp_state *st, const struct smtp_line *l)
{
	static const char *const hello[] = { "EHLO ", "HELO ", "LHLO ", "ehlo ", "helo ", "lhlo " };
	struct smtp_line from = *l;
	const char *at;

	for (size_t i = 0; i < sizeof(hello) / sizeof(hello[0]); i++) {
		at = l->len != 0 ? memmem(l->text, l->len, hello[i], 5) : NULL;
		if (at == NULL)
			continue;
		from.off += (uint64_t)(at - l->text);
		from.odd &= ODD_BARE_LF;
		st->mode = MODE_COMMAND;
		line_command(st, &from, at, l->len - (size_t)(at - l->text));
		return;
	}
}

/* Behind missing bytes: the rest of a line is no command, but what is one is read. */
static bool
line_is_rest(struct smtp_state *st, const struct smtp_line *l)
{
	struct smtp_command c;

	if (!st->after_gap[DIR_C2S])
		return false;
	st->after_gap[DIR_C2S] = false;
	smtp_command_parse(l->text, l->len, &c);
	return !smtp_command_certain(&c);
}

/* A login without its replies: lines up to the next certain command belong to it. */
static bool
line_is_loose_auth(struct smtp_state *st, const struct smtp_line *l)
{
	struct smtp_command c;

	if (!st->auth_loose)
		return false;
	smtp_command_parse(l->text, l->len, &c);
	if (!smtp_command_certain(&c))
		return true;
	st->auth_loose = false;
	return false;
}

void
smtp_client_line(struct smtp_state *st, const struct smtp_line *l)
{
	if (st->mode == MODE_TUNNEL)
		line_tunnel(st, l);
	else if (st->mode == MODE_AUTH || line_is_loose_auth(st, l))
		line_auth(st, l);
	else if (line_is_rest(st, l))
		smtp_noise(st, DIR_C2S, l);
	else
		line_command(st, l, l->text, l->len);
}

/* 0x16 where plain text was due; 0x14..0x17 when the stream was joined within TLS. */
bool
smtp_client_is_tls(const struct smtp_state *st, uint8_t b)
{
	return b == 0x16 || ((!st->client_heard || st->unsynced) && b >= 0x14 && b <= 0x17);
}

static bool
step_line(struct smtp_state *st, struct held_span s)
{
	struct smtp_line *l = &st->line[DIR_C2S];
	bool whole;
	size_t n;

	if (!l->begun && st->mode != MODE_TUNNEL && smtp_client_is_tls(st, s.p[0])) {
		smtp_tls_begin(st, DIR_C2S, s.off);
		return true;
	}
	st->client_heard = true;
	n = smtp_line_push(l, s.off, s.p, (size_t)s.len, &whole);
	smtp_client_take(st, n);
	if (whole) {
		st->lf_only = (l->odd & ODD_BARE_LF) != 0;
		smtp_client_line(st, l);
		smtp_line_clear(l);
	}
	return true;
}

/* RFC 3207 4: the client's next byte tells whether it will speak TLS. */
static bool
step_tls_maybe(struct smtp_state *st, struct held_span s)
{
	uint8_t b = s.p[0];
	bool letter =
	    (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || b == '\r' || b == '\n' || b == ' ';

	if (letter && !st->after_gap[DIR_C2S])
		st->mode = MODE_COMMAND;
	else
		smtp_tls_begin(st, DIR_C2S, s.off);
	return true;
}

static bool
step_tls(struct smtp_state *st, struct held_span s)
{
	if (st->tls != NULL)
		tls_observe(st->tls, DIR_C2S, s.off, s.ts_ns, s.p, (size_t)s.len, &st->sink);
	smtp_client_take(st, s.len);
	return true;
}

/* ---- gaps ----------------------------------------------------------------- */

static void
gap_tell(struct smtp_state *st, struct held_span s, uint64_t n)
{
	struct dissect_event ev = event_of(EVENT_GAP, st, s.off);

	ev.end = s.off + n;
	smtp_emit(st, &ev);
	smtp_client_take(st, n);
}

static bool
step_gap(struct smtp_state *st, struct held_span s)
{
	uint64_t n = s.len;

	if (st->mode == MODE_CHUNK && n > st->chunk_left)
		n = st->chunk_left;
	if (st->mode == MODE_TLS && st->tls != NULL)
		tls_gap(st->tls, DIR_C2S, n);
	if (st->mode == MODE_DATA || st->mode == MODE_CHUNK || st->mode == MODE_JOINED)
		smtp_content_gap(&st->content, n);
	gap_tell(st, s, n);
	if (st->mode == MODE_CHUNK) {
		if ((st->chunk_left -= n) == 0)
			chunk_done(st);
		return true;
	}
	if (st->mode == MODE_DATA || st->mode == MODE_TLS)
		return true;
	smtp_line_clear(&st->line[DIR_C2S]);
	st->after_gap[DIR_C2S] = true;
	smtp_unsync(st);
	if (st->mode == MODE_AUTH) {
		st->mode = MODE_COMMAND;
		st->auth_loose = true;
	}
	return true;
}

/* ---- */

/* What of the server was held, and said before these bytes, is read before them. */
static bool
server_is_due(const struct smtp_state *st, int64_t ts_ns)
{
	struct held_span s = hold_peek(&st->in[DIR_S2C]);

	if (st->answer.whole)
		return st->answer.ts_ns < ts_ns;
	return st->in[DIR_S2C].first != NULL && s.ts_ns < ts_ns;
}

/*
 * It waited for a reply that is missing, heard it, and went on: told when a line of it is there,
 * whatever pieces it comes in.
 */
static bool
client_went_on(const struct smtp_state *st)
{
	const struct smtp_asked *e =
	    &st->queue.e[(st->queue.first + st->queue.count - 1) % st->queue.size];
	struct held_span s = hold_peek(&st->in[DIR_C2S]);
	char line[128];
	bool whole;

	if (!st->in_turn || !e->maybe || s.p == NULL || server_is_due(st, s.ts_ns))
		return false;
	hold_line(&st->in[DIR_C2S], line, sizeof(line), &whole);
	explicit_bzero(line, sizeof(line));
	return whole;
}

bool
smtp_client_step(struct smtp_state *st)
{
	struct held_span s;

	if (st->queue.count == 0)
		st->waiting = false;
	if (st->waiting && client_went_on(st)) {
		smtp_client_unwait(st);
		st->in_turn = true;
	}
	if (st->waiting || hold_empty(&st->in[DIR_C2S]))
		return false;
	s = hold_peek(&st->in[DIR_C2S]);
	st->ts_ns = s.ts_ns;
	if (s.p == NULL)
		return step_gap(st, s);
	if (server_is_due(st, s.ts_ns))
		return false;
	st->client_ts_ns = s.ts_ns;
	switch (st->mode) {
	case MODE_DATA: return step_data(st, s);
	case MODE_CHUNK: return step_chunk(st, s);
	case MODE_TLS_MAYBE: return step_tls_maybe(st, s);
	case MODE_TLS: return step_tls(st, s);
	case MODE_JOINED: return smtp_joined_step(st, s);
	default: return step_line(st, s);
	}
}

void
smtp_client_finish(struct smtp_state *st)
{
	if (st->content_open)
		content_end(st, false, 0, st->mode == MODE_DATA ? SMTP_END_OF_DATA : SMTP_BDAT);
	if (st->line[DIR_C2S].begun && st->mode != MODE_JOINED && st->mode != MODE_TUNNEL)
		smtp_noise(st, DIR_C2S, &st->line[DIR_C2S]);
}
