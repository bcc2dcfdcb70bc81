/*
 * fuzz_stream.h - plays fuzz input to a stream dissector twice, in segments
 * and byte by byte, and aborts when the events differ.
 *
 * Input: a byte of options, then segments: direction and kind(1), length(1),
 * bytes.  A segment whose first byte has all of 0x1e set is a
 * gap of that length.
 */
#ifndef FUZZ_STREAM_H
#define FUZZ_STREAM_H

#include <stdlib.h>
#include <string.h>

#include "dissectors/dissect_event.h"

struct fuzz_log {
	uint64_t hash, content;
};

static inline uint64_t
fuzz_mix(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h;
}

static inline void
fuzz_take(void *ctx, const struct dissect_event *ev)
{
	struct fuzz_log *l = ctx;
	uint64_t facts[12] = {
		(uint64_t)ev->kind,
		ev->dir,
		ev->cmd,
		(uint64_t)ev->verb,
		ev->code,
		ev->odd,
		ev->arg_num,
		ev->unsure,
		ev->complete,
		(uint64_t)ev->reply_to,
		(uint64_t)ev->ts_ns,
		ev->last,
	};

	if (ev->kind == EVENT_CONTENT) { /* its pieces depend on the chunks, its bytes do not */
		l->content = fuzz_mix(l->content, ev->data, ev->data_len);
		return;
	}
	l->hash = fuzz_mix(l->hash, facts, sizeof(facts));
	l->hash = fuzz_mix(l->hash, &ev->off, sizeof(ev->off));
	l->hash = fuzz_mix(l->hash, &ev->end, sizeof(ev->end));
	l->hash = fuzz_mix(l->hash, &l->content, sizeof(l->content));
	l->hash = fuzz_mix(l->hash, ev->enhanced, sizeof(ev->enhanced));
	if (ev->line_len > 0)
		l->hash = fuzz_mix(l->hash, ev->line, ev->line_len);
	if (ev->arg_len > 0)
		l->hash = fuzz_mix(l->hash, ev->arg, ev->arg_len);
	if (ev->user != NULL)
		l->hash = fuzz_mix(l->hash, ev->user, ev->user_len);
	l->hash = fuzz_mix(l->hash, ev->response_code, strlen(ev->response_code));
}

static inline void
fuzz_segment(const struct dissector *d, void *st, enum dissect_dir dir, uint64_t off, int64_t ts,
    const uint8_t *p, size_t len, size_t chunk)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		n = chunk < len - at ? chunk : len - at;
		uint8_t *copy = malloc(n); /* so that a read behind it is seen */

		memcpy(copy, p + at, n);
		d->data(st, dir, off + at, ts, copy, n);
		free(copy);
	}
}

static inline uint64_t
fuzz_play(const struct dissector *d, const uint8_t *p, size_t len, size_t chunk)
{
	struct fuzz_log log = { 0 };
	struct dissect_budget budget = { .limit = 1 << 20 };
	struct dissect_sink sink = { fuzz_take, &log };
	struct dissect_hint hint = {
		.midstream = p[0] & 1,
		.server_seen = !(p[0] & 2),
		.client_seen = !(p[0] & 4),
		.tunnelled = p[0] & 8,
		.budget = &budget,
	};
	void *st = d->open(&sink, &hint);
	uint64_t off[2] = { 0, 0 };
	int64_t ts = 0;
	size_t n;

	for (size_t at = 1; at + 2 <= len; at += n) {
		enum dissect_dir dir = p[at] & 1 ? DIR_S2C : DIR_C2S;
		bool gap = (p[at] & 0x1e) == 0x1e;

		n = p[at + 1];
		at += 2;
		ts += 1000;
		if (gap && n > 0) {
			d->gap(st, dir, off[dir], n, p[at - 2] & 0x20 ? off[!dir] : UINT64_MAX, ts);
			off[dir] += n;
			n = 0;
			continue;
		}
		if (n > len - at)
			n = len - at;
		fuzz_segment(d, st, dir, off[dir], ts, p + at, n, chunk);
		off[dir] += n;
	}
	d->close(st);
	if (budget.held != 0)
		abort();
	return log.hash;
}

/* Aborts when the events depend on the chunks. */
static inline void
fuzz_stream(const struct dissector *d, const uint8_t *p, size_t len)
{
	uint64_t whole;

	if (len < 1)
		return;
	whole = fuzz_play(d, p, len, SIZE_MAX);
	if (fuzz_play(d, p, len, 1) != whole || fuzz_play(d, p, len, 3) != whole)
		abort();
}

#endif /* FUZZ_STREAM_H */
