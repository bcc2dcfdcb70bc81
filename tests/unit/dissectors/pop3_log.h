/*
 * pop3_log.h - a POP3 dialogue played in pieces of every size, and what the
 * dissector said of it as text.
 */
#ifndef POP3_LOG_H
#define POP3_LOG_H

#include <stdarg.h>

#include "check.h"
#include "dialog.h"
#include "dissectors/dissect_event.h"
#include "dissectors/pop3/pop3.h"

struct log {
	char text[131072];
	size_t len;
	bool in_content;
};

static void __attribute__((format(printf, 2, 3))) say(struct log *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(l->text) - l->len)
		l->len += (size_t)n;
}

static void
say_bytes(struct log *l, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n')
			say(l, "/");
		else if (c >= ' ' && c < 0x7f)
			say(l, "%c", c);
		else if (c != '\r')
			say(l, "\\%02x", c);
	}
}

static const char *
mark(const struct dissect_event *ev)
{
	return ev->unsure ? "?" : "";
}

static void
say_reply(struct log *l, const struct dissect_event *ev)
{
	say(l, "reply%s %u ", mark(ev), ev->cmd);
	say(l, "%s",
	    ev->reply_to == REPLY_GREETING          ? "greeting"
		: ev->reply_to == REPLY_UNSOLICITED ? "unsolicited"
						    : pop3_verb_name((enum pop3_verb)ev->verb));
	if (ev->response_code[0] != '\0')
		say(l, " [%s]", ev->response_code);
	if (ev->odd & ODD_UNCLOSED)
		say(l, " unclosed");
	say(l, " '");
	say_bytes(l, ev->line, ev->line_len < 400 ? ev->line_len : 400);
	say(l, "'");
}

static void
say_event(void *ctx, const struct dissect_event *ev)
{
	struct log *l = ctx;

	if (ev->kind != EVENT_CONTENT && l->in_content) {
		say(l, "'\n");
		l->in_content = false;
	}
	switch (ev->kind) {
	case EVENT_COMMAND:
		say(l, "command%s %u '", mark(ev), ev->cmd);
		say_bytes(l, ev->line, ev->line_len);
		say(l, "'");
		if (ev->user != NULL)
			say(l, " user %.*s", (int)ev->user_len, ev->user);
		break;
	case EVENT_REPLY: say_reply(l, ev); break;
	case EVENT_CONTENT_BEGIN:
		say(l, "content%s %u %s", mark(ev), ev->cmd,
		    pop3_verb_name((enum pop3_verb)ev->verb));
		break;
	case EVENT_CONTENT:
		if (!l->in_content)
			say(l, "  '");
		l->in_content = true;
		say_bytes(l, (const char *)ev->data, ev->data_len);
		return;
	case EVENT_CONTENT_END:
		say(l, "end%s %u %s", mark(ev), ev->cmd, ev->complete ? "complete" : "cut");
		break;
	case EVENT_TLS: say(l, "tls %c", ev->dir == DIR_C2S ? 'C' : 'S'); break;
	case EVENT_GAP:
		say(l, "gap %c %d", ev->dir == DIR_C2S ? 'C' : 'S', (int)(ev->end - ev->off));
		break;
	case EVENT_NOISE:
		say(l, "noise %c '", ev->dir == DIR_C2S ? 'C' : 'S');
		say_bytes(l, ev->line, ev->line_len);
		say(l, "'");
		break;
	default: say(l, "kind %d code %u", (int)ev->kind, ev->code); break;
	}
	say(l, "\n");
}

/* ---- playing a dialogue ----------------------------------------------------------- */

/* Lines of one side in a row travel in one segment; `chunk' 0 = as it is. */
struct player {
	void *st;
	size_t chunk;
	unsigned char held[65536];
	size_t held_len;
	enum dissect_dir dir;
	uint64_t off;
	int64_t ts_ns;
};

static void
flush(struct player *p)
{
	size_t n;

	for (size_t at = 0; at < p->held_len; at += n) {
		n = p->chunk == 0 || p->chunk > p->held_len - at ? p->held_len - at : p->chunk;
		/* A copy of exactly this size, so that ASan sees a read behind it. */
		unsigned char *copy = malloc(n);

		memcpy(copy, p->held + at, n);
		dissector_pop3.data(p->st, p->dir, p->off + at, p->ts_ns, copy, n);
		free(copy);
	}
	p->held_len = 0;
}

static void
player_data(
    void *ctx, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *bytes, size_t len)
{
	struct player *p = ctx;

	if (dir != p->dir || ts_ns != p->ts_ns || p->held_len + len > sizeof(p->held))
		flush(p);
	if (p->held_len == 0)
		p->off = off;
	p->dir = dir;
	p->ts_ns = ts_ns;
	memcpy(p->held + p->held_len, bytes, len);
	p->held_len += len;
}

static void
player_gap(
    void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	struct player *p = ctx;

	flush(p);
	dissector_pop3.gap(p->st, dir, off, missing, heard, ts_ns);
}

static void
play_chunks(struct log *l, const char *dialogue, struct dissect_hint hint, size_t chunk)
{
	static struct player p;
	struct dissect_sink sink = { say_event, l };
	struct dialog_player to = { player_data, player_gap, &p };
	struct dialog *d = dialog_parse(dialogue, strlen(dialogue));

	memset(l, 0, sizeof(*l));
	p = (struct player){ .chunk = chunk, .st = dissector_pop3.open(&sink, &hint) };
	dialog_play(d, 0, &to);
	flush(&p);
	dissector_pop3.close(p.st);
	dialog_free(d);
}

static struct log first, other;

/* The events, the same whatever the chunking. */
static const char *
play_hint(const char *dialogue, struct dissect_hint hint)
{
	static const size_t chunks[] = { 1, 2, 3, 5, 7, 64 };

	play_chunks(&first, dialogue, hint, 0);
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		play_chunks(&other, dialogue, hint, chunks[i]);
		CHECK_EQ_STR(other.text, first.text);
	}
	return first.text;
}

static const char *
play(const char *dialogue)
{
	return play_hint(
	    dialogue, (struct dissect_hint){ .server_seen = true, .client_seen = true });
}

#define SAYS(dialogue, part) \
	do { \
		const char *said = play(dialogue); \
		if (strstr(said, part) == NULL) \
			printf("\nexpected <<%s>> in:\n%s", part, said); \
		CHECK(strstr(said, part) != NULL); \
	} while (0)

#endif /* POP3_LOG_H */
