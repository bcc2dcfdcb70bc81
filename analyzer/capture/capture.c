#include "capture/capture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "foreign.h"
#include "linktype.h"
#include "reader.h"
#include "unpack.h"

#define CAPTURE_MAGIC 24 /* bytes that tell the format: the header of a classic pcap */

/* ---- opening ---------------------------------------------------------------- */

static int
capture_foreign(struct capture *c, char *err, size_t errlen)
{
	const uint8_t *p;
	size_t n = input_peek(c->in, FOREIGN_LOOK, &p);
	const char *what = foreign_guess(p, n);

	if (c->in->error[0] != '\0')
		snprintf(err, errlen, "%s", c->in->error);
	else if (n == 0)
		snprintf(err, errlen, "empty: 0 bytes, not even the header of a capture");
	else if (what != NULL)
		snprintf(err, errlen, "not a capture: it looks like %s", what);
	else
		snprintf(err, errlen, "not a capture: neither pcap nor pcapng");
	return -1;
}

static int
capture_open_format(struct capture *c, char *err, size_t errlen)
{
	const uint8_t *p;
	size_t n = input_peek(c->in, CAPTURE_MAGIC, &p);

	if (pcapng_is(p, n))
		return pcapng_open(c, err, errlen);
	if (plain_is(p, n))
		return plain_open(c, err, errlen);
	if (classic_is(p, n))
		return classic_open(c, err, errlen);
	return capture_foreign(c, err, errlen);
}

static int
capture_set_filter(struct capture *c, const char *expression, char *err, size_t errlen)
{
	uint32_t link_type = c->point_count > 0 ? c->point[0]->link_type : LINKTYPE_ETHERNET;

	if (expression == NULL || expression[0] == '\0')
		return 0;
	c->filter = filter_new(expression, link_type, !c->many_points, err, errlen);
	return c->filter != NULL ? 0 : -1;
}

struct capture *
capture_open_input(struct input *in, const char *path, const char *filter, char *err, size_t errlen)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct capture *c = capture_new(path);
	char why[384];

	if (c == NULL) {
		snprintf(err, errlen, "%s: out of memory", name);
		input_close(in);
		return NULL;
	}
	c->in = in;
	if (capture_open_format(c, why, sizeof(why)) == -1 ||
	    capture_set_filter(c, filter, why, sizeof(why)) == -1) {
		snprintf(err, errlen, "%s: %s", name, why);
		capture_close(c);
		return NULL;
	}
	input_ahead(c->in);
	return c;
}

struct capture *
capture_open_file(const char *path, const char *filter, char *err, size_t errlen)
{
	struct input *in = unpack_path(path, err, errlen);

	return in != NULL ? capture_open_input(in, path, filter, err, errlen) : NULL;
}

struct capture *
capture_new(const char *name)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->name = strdup(name)) == NULL) {
		free(c);
		return NULL;
	}
	c->ended = CAPTURE_FRAME;
	c->poll_fd = -1;
	return c;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->reader != NULL)
		c->reader->close(c);
	for (uint32_t i = 0; i < c->point_count; i++)
		free(c->point[i]);
	free(c->point);
	filter_free(c->filter);
	input_close(c->in);
	free(c->name);
	free(c);
}

/* ---- reading ---------------------------------------------------------------- */

/* Whether the filter lets the frame through; counts it if not. */
static bool
capture_passes(struct capture *c, const struct capture_frame *f)
{
	switch (filter_match(c->filter, f)) {
	case FILTER_MATCH: return true;
	case FILTER_UNUSABLE:
		c->counts.unfilterable++;
		/* FALLTHROUGH */
	case FILTER_MISS: break;
	}
	c->counts.filtered++;
	return false;
}

static void
capture_count(struct capture *c, struct capture_frame *f)
{
	f->number = ++c->counts.frames;
	if (f->number == 1)
		c->counts.first_ns = f->ts_ns;
	c->counts.last_ns = f->ts_ns;
}

enum capture_rc
capture_next(struct capture *c, struct capture_frame *out)
{
	enum capture_rc rc;

	if (c->ended != CAPTURE_FRAME)
		return CAPTURE_END;
	do {
		rc = c->reader->next(c, out);
		if (rc != CAPTURE_FRAME) {
			if (rc != CAPTURE_AGAIN)
				c->ended = rc;
			return rc;
		}
		capture_count(c, out);
	} while (c->filter != NULL && !capture_passes(c, out));
	return CAPTURE_FRAME;
}

size_t
capture_batch(struct capture *c, struct capture_frame *out, size_t max)
{
	size_t n = 0;

	if (c->filter == NULL && c->reader->batch != NULL && c->ended == CAPTURE_FRAME)
		n = c->reader->batch(c, out, max);
	if (n == 0)
		return capture_next(c, out) == CAPTURE_FRAME;
	for (size_t i = 0; i < n; i++)
		capture_count(c, &out[i]);
	return n;
}

/* ---- what the readers call --------------------------------------------------- */

struct capture_point *
capture_point_add(struct capture *c, uint32_t link_type, uint32_t snaplen)
{
	struct capture_point *p, **grown;

	if (c->point_count == c->point_cap) {
		uint32_t cap = c->point_cap != 0 ? c->point_cap * 2 : 4;

		if (c->point_count >= CAPTURE_POINTS_MAX ||
		    (grown = reallocarray(c->point, cap, sizeof(struct capture_point *))) == NULL)
			return NULL;
		c->point = grown;
		c->point_cap = cap;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->link_type = link_type;
	p->snaplen = snaplen;
	c->point[c->point_count++] = p;
	return p;
}

enum capture_rc
capture_damaged(struct capture *c, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->damage.why, sizeof(c->damage.why), fmt, ap);
	va_end(ap);
	c->damage.frame = c->counts.frames;
	c->damage.offset = offset;
	return CAPTURE_DAMAGED;
}

enum capture_rc
capture_cut(struct capture *c, const char *unit)
{
	uint64_t offset = input_offset(c->in);
	unsigned long long next = c->counts.frames + 1;

	if (c->in->error[0] != '\0')
		return capture_damaged(c, offset, "%s, in %s %llu, offset %llu", c->in->error, unit,
		    next, (unsigned long long)offset);
	return capture_damaged(c, offset, "cut short: the file ends inside %s %llu, offset %llu",
	    unit, next, (unsigned long long)offset);
}

/* ---- what others ask --------------------------------------------------------- */

int
capture_poll_fd(const struct capture *c)
{
	return c->poll_fd;
}

const char *
capture_name(const struct capture *c)
{
	return c->name;
}

const char *
capture_format(const struct capture *c)
{
	return c->reader->format;
}

uint32_t
capture_point_count(const struct capture *c)
{
	return c->point_count;
}

const struct capture_point *
capture_point_get(struct capture *c, uint32_t point)
{
	if (point >= c->point_count)
		return NULL;
	if (c->reader->refresh != NULL)
		c->reader->refresh(c);
	return c->point[point];
}

const struct capture_damage *
capture_damage(const struct capture *c)
{
	return &c->damage;
}

const struct capture_counts *
capture_counts(const struct capture *c)
{
	return &c->counts;
}

void
capture_progress(const struct capture *c, uint64_t *done, uint64_t *total)
{
	*done = *total = 0;
	if (c->in != NULL)
		input_progress(c->in, done, total);
}
