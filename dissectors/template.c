/*
 * template.c - the dissector to copy (see template.h and docs/adding.md).  It
 * is compiled and tested like any other, but not in the registry.
 */
#include <stdlib.h>
#include <string.h>

#include "dissectors/template.h"

/* ---- 1. the pure parser: tested on every prefix of its cases -------------------- */

enum dissect_rc
finger_query_parse(const char *line, size_t len, struct finger_query *out)
{
	*out = (struct finger_query){ .user = line, .user_len = len };

	if (len >= 2 && line[0] == '/' && (line[1] | 0x20) == 'w') {
		out->verbose = true;
		out->user += 2;
		out->user_len -= 2;
	}
	while (out->user_len > 0 && *out->user == ' ') {
		out->user++;
		out->user_len--;
	}
	/* Bad bytes are data: the caller still gets what could be read. */
	for (size_t i = 0; i < out->user_len; i++)
		if ((unsigned char)out->user[i] < ' ')
			return DISSECT_MALFORMED;
	return DISSECT_OK;
}

/* ---- 2. the state of one connection: flat, bounded ------------------------------- */

struct line {
	uint64_t off;  /* of its first byte */
	uint64_t full; /* its length; of it kept: */
	size_t len;
	bool cut;      /* more than is kept */
	bool fragment; /* the bytes before it are missing */
	char buf[FINGER_LINE_MAX];
};

struct finger {
	struct dissect_sink sink;
	struct line line[2];
	uint32_t queries;
};

/* ---- 3. events: borrow, never allocate ---------------------------------------------- */

static void
line_emit(struct finger *st, enum dissect_dir dir, int64_t ts_ns)
{
	const struct line *l = &st->line[dir];
	struct finger_query q;
	struct dissect_event ev = {
		.kind = dir == DIR_C2S ? EVENT_COMMAND : EVENT_REPLY,
		.dir = dir,
		.ts_ns = ts_ns,
		.off = l->off,
		.end = l->off + l->full,
		.line = l->buf,
		.line_len = l->len,
		.arg = l->buf,
		.arg_len = l->len,
		.arg_num = UINT64_MAX,
		.odd = l->cut ? ODD_LONG : 0, /* a bound that was hit is told */
		.unsure = l->fragment,        /* and so is a doubt */
	};

	if (dir == DIR_C2S) {
		if (finger_query_parse(l->buf, l->len, &q) != DISSECT_OK)
			ev.kind = EVENT_NOISE;
		ev.arg = q.user;
		ev.arg_len = q.user_len;
		st->queries += ev.kind == EVENT_COMMAND;
	}
	ev.cmd = st->queries;
	st->sink.emit(st->sink.ctx, &ev);
}

/* ---- 4. the four functions ------------------------------------------------------------ */

static void *
finger_open(const struct dissect_sink *sink, const struct dissect_hint *hint)
{
	struct finger *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->sink = *sink;
	/* Joined in the middle: the first bytes may be the tail of a line. */
	st->line[DIR_C2S].fragment = st->line[DIR_S2C].fragment = hint->midstream;
	return st;
}

static void
line_add(struct line *l, const uint8_t *p, size_t len)
{
	size_t room = sizeof(l->buf) - l->len;

	l->full += len;
	if (len > room) {
		len = room;
		l->cut = true;
	}
	memcpy(l->buf + l->len, p, len);
	l->len += len;
}

static void
line_reset(struct line *l, bool fragment)
{
	l->full = 0;
	l->len = 0;
	l->cut = false;
	l->fragment = fragment;
}

/*
 * Any chunking gives the same events: nothing is decided before the byte that
 * decides it is here, and what is undecided is kept.
 */
static enum dissect_rc
finger_data(
    void *v, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p, size_t len)
{
	struct finger *st = v;
	struct line *l = &st->line[dir];
	const uint8_t *lf;
	size_t n;

	while (len > 0) {
		lf = memchr(p, '\n', len);
		n = lf != NULL ? (size_t)(lf - p) : len;
		if (l->full == 0)
			l->off = off;
		line_add(l, p, n);
		if (lf != NULL) {
			if (l->len > 0 && !l->cut && l->buf[l->len - 1] == '\r')
				l->len--;
			l->full++;
			line_emit(st, dir, ts_ns);
			line_reset(l, false);
			n++;
		}
		p += n;
		off += n;
		len -= n;
	}
	return DISSECT_OK;
}

/* What comes after a gap is never joined to what came before. */
static void
finger_gap(
    void *v, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	struct finger *st = v;
	struct dissect_event ev = {
		.kind = EVENT_GAP,
		.dir = dir,
		.ts_ns = ts_ns,
		.off = off,
		.end = off + missing,
		.unsure = true,
		.line = "",
		.arg = "",
		.arg_num = UINT64_MAX,
	};

	(void)heard;
	st->sink.emit(st->sink.ctx, &ev);
	line_reset(&st->line[dir], true);
}

static void
finger_close(void *v)
{
	free(v);
}

const struct dissector dissector_finger = {
	.name = "finger",
	.open = finger_open,
	.data = finger_data,
	.gap = finger_gap,
	.close = finger_close,
};
