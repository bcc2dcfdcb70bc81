/*
 * mail_imap.c - IMAP sessions are only counted, by their greeting (RFC 3501
 * 7.1: "* OK", "* PREAUTH", "* BYE"), until there is a dissector.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/mail_internal.h"

#define GREETING_KEPT 8

struct imap_state {
	struct dissect_sink sink;
	uint8_t head[GREETING_KEPT];
	size_t len;
	bool told;
};

static void *
greeting_open(const struct dissect_sink *sink, const struct dissect_hint *hint)
{
	struct imap_state *s = calloc(1, sizeof(*s));

	(void)hint;
	if (s != NULL)
		s->sink = *sink;
	return s;
}

static bool
is_greeting(const struct imap_state *s)
{
	return s->len >= 4 &&
	    (memcmp(s->head, "* OK", 4) == 0 || memcmp(s->head, "* PR", 4) == 0 ||
		memcmp(s->head, "* BY", 4) == 0);
}

static enum dissect_rc
greeting_data(
    void *st, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p, size_t len)
{
	struct imap_state *s = st;
	struct dissect_event ev = { .kind = EVENT_REPLY,
		.dir = dir,
		.off = off,
		.end = off + len,
		.ts_ns = ts_ns,
		.reply_to = REPLY_GREETING,
		.arg_num = UINT64_MAX,
		.line = "*",
		.line_len = 1 };
	size_t n;

	if (dir != DIR_S2C || s->told)
		return DISSECT_OK;
	n = len < sizeof(s->head) - s->len ? len : sizeof(s->head) - s->len;
	memcpy(s->head + s->len, p, n);
	s->len += n;
	if (is_greeting(s)) {
		s->told = true;
		s->sink.emit(s->sink.ctx, &ev);
	}
	return DISSECT_OK;
}

static void
greeting_gap(
    void *st, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	struct imap_state *s = st;

	(void)off, (void)missing, (void)heard, (void)ts_ns;
	s->told |= dir == DIR_S2C && s->len < 4;
}

static void
greeting_close(void *st)
{
	free(st);
}

static const struct dissector greeting = {
	"imap-greeting",
	greeting_open,
	greeting_data,
	greeting_gap,
	greeting_close,
};

static void
imap_event(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to)
{
	(void)from;
	f->session->visible = true;
	f->session->replies++;
	f->session->greeting.at = to;
	(void)ev;
}

static void
imap_end(struct mail_flow *f, const struct record_connection *facts)
{
	(void)f, (void)facts;
}

const struct mail_protocol mail_imap = {
	.dissector = &greeting,
	.event = imap_event,
	.end = imap_end,
};
