#include "dissectors/text/hold.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 2048u

struct held_chunk {
	struct held_chunk *next;
	uint64_t off;     /* of data[start], or of the gap */
	uint64_t missing; /* a gap, no data */
	uint64_t heard;
	int64_t ts_ns;
	size_t start, end, size;
	uint8_t data[];
};

struct held_span
hold_kept(const struct hold *h)
{
	const struct held_chunk *c = h->first;

	if (c->missing != 0)
		return (struct held_span){ NULL, c->missing, c->off, c->ts_ns, c->heard };
	return (struct held_span){ c->data + c->start, c->end - c->start, c->off, c->ts_ns, 0 };
}

/* One piece of a line; true: the line ends in it, or no more fits. */
static bool
line_add(struct held_span s, char *buf, size_t size, size_t *len)
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
hold_line(const struct hold *h, char *buf, size_t size, bool *whole)
{
	size_t len = 0;

	*whole = false;
	for (const struct held_chunk *c = h->first; c != NULL && !*whole; c = c->next) {
		if (c->missing != 0)
			return len;
		*whole =
		    line_add((struct held_span){ c->data + c->start, c->end - c->start, 0, 0, 0 },
			buf, size, &len);
	}
	if (!*whole && h->now.p != NULL)
		*whole = line_add(h->now, buf, size, &len);
	if (*whole && len != 0 && buf[len - 1] == '\r')
		len--;
	return len;
}

/* What was held may be a password. */
static void
chunk_drop(struct hold *h, struct dissect_budget *budget)
{
	struct held_chunk *c = h->first;
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
span_take(struct held_span *s, uint64_t n)
{
	if (s->p != NULL)
		s->p += n;
	s->off += n;
	s->len -= n;
}

void
hold_take(struct hold *h, uint64_t n, struct dissect_budget *budget)
{
	struct held_chunk *c = h->first;

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

static struct held_chunk *
chunk_add(struct hold *h, size_t size, struct dissect_budget *budget)
{
	struct held_chunk *c = malloc(sizeof(*c) + size);

	if (c == NULL) {
		dissect_starved(budget);
		return NULL;
	}
	*c = (struct held_chunk){ .off = h->now.off, .ts_ns = h->now.ts_ns, .size = size };
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
chunk_fill(struct hold *h)
{
	struct held_chunk *c = h->last;
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
hold_keep(struct hold *h, struct dissect_budget *budget)
{
	struct held_span *s = &h->now;
	struct held_chunk *c;

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
hold_free(struct hold *h, struct dissect_budget *budget)
{
	while (h->first != NULL)
		chunk_drop(h, budget);
	*h = (struct hold){ 0 };
}
