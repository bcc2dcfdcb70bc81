/*
 * dialog.h - readable dialogues, shared by unit tests and fuzz seeds.
 *
 *	# a comment
 *	S: 220 mx ready		a line of the server, CRLF added
 *	C: EHLO me		a line of the client, CRLF added
 *	C| raw bytes		the same without CRLF; \r \n \0 \t \\ \xHH stand for bytes
 *	C*3000 x		3000 times what follows, without CRLF
 *	+250ms			time passes (-3ms: frames recorded in the wrong order)
 *	=== gap 1460		bytes of the client are missing (=== gap S 20: of the server)
 *	=== heard		the next gap is of what the client had when it said what follows
 *here
 *	=== midstream, tunnelled, server unseen, client unseen
 *	--- expect		what follows is for the test
 *
 * A change of direction takes a millisecond.  Any bytes are a dialogue: lines
 * that fit nothing are left out, so a fuzzer may write them.
 */
#ifndef DIALOG_H
#define DIALOG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/dissector.h"

#define DIALOG_BYTES_MAX (1u << 20)

struct dialog_step {
	enum { DIALOG_DATA, DIALOG_GAP, DIALOG_HEARD } kind;
	enum dissect_dir dir;
	int64_t ts_ns;
	uint8_t *p;
	size_t len; /* bytes, or bytes missing */
};

struct dialog {
	struct dialog_step *step;
	size_t count, size;
	struct dissect_hint hint;
	char *expect; /* "" = none */
};

static inline struct dialog_step *
dialog_add(struct dialog *d)
{
	struct dialog_step *s;

	if (d->count == d->size) {
		d->size = d->size != 0 ? d->size * 2 : 16;
		s = realloc(d->step, d->size * sizeof(*s));
		if (s == NULL)
			abort();
		d->step = s;
	}
	s = &d->step[d->count++];
	memset(s, 0, sizeof(*s));
	return s;
}

static inline int
dialog_hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

/* One byte of the text, escapes undone; the bytes read. */
static inline size_t
dialog_byte(const char *p, size_t len, uint8_t *out)
{
	static const char names[] = "rn0t\\", bytes[] = "\r\n\0\t\\";
	const char *n;

	*out = (uint8_t)p[0];
	if (p[0] != '\\' || len < 2)
		return 1;
	if (p[1] == 'x' && len >= 4 && dialog_hex(p[2]) >= 0 && dialog_hex(p[3]) >= 0) {
		*out = (uint8_t)(dialog_hex(p[2]) << 4 | dialog_hex(p[3]));
		return 4;
	}
	n = p[1] != '\0' ? strchr(names, p[1]) : NULL;
	if (n == NULL)
		return 1;
	*out = (uint8_t)bytes[n - names];
	return 2;
}

static inline void
dialog_bytes(struct dialog *d, enum dissect_dir dir, int64_t ts, size_t times, const char *p,
    size_t len, int crlf)
{
	uint8_t *buf = malloc(len + 2);
	size_t n = 0;
	struct dialog_step *s;

	if (buf == NULL)
		abort();
	for (size_t i = 0; i < len;)
		i += dialog_byte(p + i, len - i, &buf[n++]);
	if (crlf) {
		buf[n++] = '\r';
		buf[n++] = '\n';
	}
	if (n == 0 || times == 0 || times > DIALOG_BYTES_MAX / n) {
		free(buf);
		return;
	}
	s = dialog_add(d);
	s->dir = dir;
	s->ts_ns = ts;
	s->len = n * times;
	s->p = malloc(s->len);
	if (s->p == NULL)
		abort();
	for (size_t i = 0; i < times; i++)
		memcpy(s->p + i * n, buf, n);
	free(buf);
}

static inline void
dialog_sign(struct dialog *d, const char *p, size_t len, int64_t ts)
{
	char word[40] = "";
	struct dialog_step *s;
	unsigned long n;
	bool server = len >= 6 && memcmp(p, "gap S ", 6) == 0;

	memcpy(word, p, len < sizeof(word) - 1 ? len : sizeof(word) - 1);
	/* "-2" is read as a number near 2^64 by %lu */
	if (sscanf(word, server ? "gap S %7lu" : "gap %7lu", &n) == 1 && n < 10000000) {
		s = dialog_add(d);
		s->kind = DIALOG_GAP;
		s->dir = server ? DIR_S2C : DIR_C2S;
		s->ts_ns = ts;
		s->len = n;
	} else if (strncmp(word, "heard", 5) == 0) {
		dialog_add(d)->kind = DIALOG_HEARD;
	} else if (strncmp(word, "midstream", 9) == 0) {
		d->hint.midstream = true;
	} else if (strncmp(word, "tunnelled", 9) == 0) {
		d->hint.tunnelled = true;
	} else if (strncmp(word, "server unseen", 13) == 0) {
		d->hint.server_seen = false;
	} else if (strncmp(word, "client unseen", 13) == 0) {
		d->hint.client_seen = false;
	}
}

static inline struct dialog *
dialog_parse(const char *text, size_t len)
{
	struct dialog *d = calloc(1, sizeof(*d));
	int64_t ts = 1000000000;
	int last = -1;

	if (d == NULL)
		abort();
	d->hint.server_seen = d->hint.client_seen = true;
	for (const char *p = text, *end = text + len; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf != NULL ? lf : end) - p);

		if (n >= 10 && memcmp(p, "--- expect", 10) == 0) {
			p = lf != NULL ? lf + 1 : end;
			d->expect = calloc(1, (size_t)(end - p) + 1);
			if (d->expect == NULL)
				abort();
			memcpy(d->expect, p, (size_t)(end - p));
			break;
		}
		if (n >= 2 && (p[0] == 'C' || p[0] == 'S') &&
		    (p[1] == ':' || p[1] == '|' || p[1] == '*')) {
			size_t at = 2, times = 1;

			if (p[1] == '*')
				for (times = 0; at < n && p[at] >= '0' && p[at] <= '9' &&
				     times < DIALOG_BYTES_MAX;
				     at++)
					times = times * 10 + (size_t)(p[at] - '0');
			at += at < n && p[at] == ' ';
			ts += last >= 0 && last != p[0] ? 1000000 : 0;
			last = (unsigned char)p[0];
			dialog_bytes(d, p[0] == 'C' ? DIR_C2S : DIR_S2C, ts, times, p + at, n - at,
			    p[1] == ':');
		} else if (n >= 2 && (p[0] == '+' || p[0] == '-') && p[1] >= '0' && p[1] <= '9') {
			long ms = 0;

			for (size_t i = 1; i < n && p[i] >= '0' && p[i] <= '9' && ms < 100000000;
			     i++)
				ms = ms * 10 + (p[i] - '0');
			ts += (int64_t)(p[0] == '-' ? -ms : ms) * 1000000;
		} else if (n > 4 && memcmp(p, "=== ", 4) == 0) {
			dialog_sign(d, p + 4, n - 4, ts);
		}
		p = lf != NULL ? lf + 1 : end;
	}
	return d;
}

static inline struct dialog *
dialog_load(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct dialog *d;
	char *text;
	long len;

	if (f == NULL)
		return NULL;
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	text = malloc((size_t)len + 1);
	if (text == NULL || fread(text, 1, (size_t)len, f) != (size_t)len)
		abort();
	fclose(f);
	d = dialog_parse(text, (size_t)len);
	free(text);
	return d;
}

static inline void
dialog_free(struct dialog *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->step[i].p);
	free(d->step);
	free(d->expect);
	free(d);
}

/* Where a played dialogue goes. */
struct dialog_player {
	void (*data)(void *ctx, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p,
	    size_t len);
	void (*gap)(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
	    int64_t ts_ns);
	void *ctx;
};

/* In pieces of at most `piece' bytes; 0 = as written. */
static inline void
dialog_play(const struct dialog *d, size_t piece, const struct dialog_player *to)
{
	uint64_t off[2] = { 0, 0 }, heard = UINT64_MAX;

	for (size_t i = 0; i < d->count; i++) {
		const struct dialog_step *s = &d->step[i];
		size_t n;

		if (s->kind == DIALOG_HEARD)
			heard = off[DIR_C2S];
		if (s->kind == DIALOG_GAP) {
			to->gap(to->ctx, s->dir, off[s->dir], s->len, heard, s->ts_ns);
			off[s->dir] += s->len;
			heard = UINT64_MAX;
		}
		if (s->kind != DIALOG_DATA)
			continue;
		for (size_t at = 0; at < s->len; at += n, off[s->dir] += n) {
			uint8_t *copy;

			n = piece != 0 && s->len - at > piece ? piece : s->len - at;
			copy = malloc(n); /* so that a read beyond it is noticed */
			if (copy == NULL)
				abort();
			memcpy(copy, s->p + at, n);
			to->data(to->ctx, s->dir, off[s->dir], s->ts_ns, copy, n);
			free(copy);
		}
	}
}

/* The byte of a direction at that place; -1: none, or it is missing. */
static inline int
dialog_at(const struct dialog *d, enum dissect_dir dir, uint64_t off)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct dialog_step *s = &d->step[i];

		if (s->kind == DIALOG_HEARD || s->dir != dir)
			continue;
		if (off < s->len)
			return s->kind == DIALOG_DATA ? s->p[off] : -1;
		off -= s->len;
	}
	return -1;
}

#endif /* DIALOG_H */
