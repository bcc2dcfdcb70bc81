#include "dissectors/smtp_hold.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE	2048u

struct smtp_chunk {
	struct smtp_chunk *next;
	uint64_t	 off;		/* of data[start], or of the gap */
	uint64_t	 missing;	/* a gap, no data */
	uint64_t	 heard;
	int64_t		 ts_ns;
	size_t		 start, end, size;
	uint8_t		 data[];
};

struct smtp_span
smtp_hold_kept(const struct smtp_hold *h)
{
	const struct smtp_chunk *c = h->first;

	if (c->missing != 0)
		return (struct smtp_span){ NULL, c->missing, c->off, c->ts_ns, c->heard };
	return (struct smtp_span){ c->data + c->start, c->end - c->start, c->off, c->ts_ns, 0 };
}

/* One piece of a line; true: the line ends in it, or no more fits. */
static bool
line_add(struct smtp_span s, char *buf, size_t size, size_t *len)
{
	const uint8_t *lf = s.len != 0 ? memchr(s.p, '\n', (size_t)s.len) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - s.p) : (size_t)s.len;
	bool over = n >= size - *len;

	if (over)
		n = size - *len;
	if (n != 0)
		memcpy(buf + *len, s.p, n);
	*len += n;
	return lf != NULL || over;
}

size_t
smtp_hold_line(const struct smtp_hold *h, char *buf, size_t size, bool *whole)
{
	size_t len = 0;

	*whole = false;
	for (const struct smtp_chunk *c = h->first; c != NULL && !*whole; c = c->next) {
		if (c->missing != 0)
			return len;
		*whole = line_add((struct smtp_span){ c->data + c->start, c->end - c->start, 0, 0, 0 }, buf, size, &len);
	}
	if (!*whole && h->now.p != NULL)
		*whole = line_add(h->now, buf, size, &len);
	if (*whole && len != 0 && buf[len - 1] == '\r')
		len--;
	return len;
}

/* What was held may be a password. */
static void
chunk_drop(struct smtp_hold *h, struct dissect_budget *budget)
{
	struct smtp_chunk *c = h->first;
	uint64_t cost = sizeof(*c) + c->size;

	h->first = c->next;
	if (h->first == NULL)
		h->last = NULL;
	h->charged -= cost;
	if (budget != NULL)
		budget->held -= cost;
	explicit_bzero(c->data, c->end);
	free(c);
}

static void
span_take(struct smtp_span *s, uint64_t n)
{
	if (s->p != NULL)
		s->p += n;
	s->off += n;
	s->len -= n;
}

void
smtp_hold_take(struct smtp_hold *h, uint64_t n, struct dissect_budget *budget)
{
	struct smtp_chunk *c = h->first;

	if (c == NULL) {
		span_take(&h->now, n);
		return;
	}
	c->off += n;
	if (c->missing != 0) {
		c->missing -= n;
	} else {
		c->start += n;
		h->bytes -= n;
	}
	if (c->missing == 0 && c->start == c->end)
		chunk_drop(h, budget);
}

static struct smtp_chunk *
chunk_add(struct smtp_hold *h, size_t size, struct dissect_budget *budget)
{
	struct smtp_chunk *c = malloc(sizeof(*c) + size);

	if (c == NULL) {
		dissect_starved(budget);
		return NULL;
	}
	*c = (struct smtp_chunk){ .off = h->now.off, .ts_ns = h->now.ts_ns, .size = size };
	if (h->last != NULL)
		h->last->next = c;
	else
		h->first = c;
	h->last = c;
	h->charged += sizeof(*c) + size;
	if (budget != NULL)
		budget->held += sizeof(*c) + size;
	return c;
}

/* Bytes of one moment share a chunk, so that single bytes cost little. */
static size_t
chunk_fill(struct smtp_hold *h)
{
	struct smtp_chunk *c = h->last;
	size_t room, n;

	if (c == NULL || c->missing != 0 || c->ts_ns != h->now.ts_ns ||
	    c->off + (c->end - c->start) != h->now.off)
		return 0;
	room = c->size - c->end;
	n = h->now.len < room ? (size_t)h->now.len : room;
	if (n != 0)
		memcpy(c->data + c->end, h->now.p, n);
	c->end += n;
	h->bytes += n;
	return n;
}

bool
smtp_hold_keep(struct smtp_hold *h, struct dissect_budget *budget)
{
	struct smtp_span *s = &h->now;
	struct smtp_chunk *c;

	if (s->len == 0)
		return true;
	if (s->p == NULL) {
		if ((c = chunk_add(h, 0, budget)) != NULL) {
			c->missing = s->len;
			c->heard = s->heard;
		}
		s->len = 0;
		return c != NULL;
	}
	span_take(s, chunk_fill(h));
	while (s->len != 0) {
		size_t size = s->len > CHUNK_SIZE ? (size_t)s->len : CHUNK_SIZE;

		if (chunk_add(h, size, budget) == NULL) {
			s->len = 0;
			return false;
		}
		span_take(s, chunk_fill(h));
	}
	return true;
}

void
smtp_hold_free(struct smtp_hold *h, struct dissect_budget *budget)
{
	while (h->first != NULL)
		chunk_drop(h, budget);
	*h = (struct smtp_hold){ 0 };
}
