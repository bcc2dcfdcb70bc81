/*
 * hold.h - what one direction said and the dissector has not read yet:
 * bytes and gaps, in order, because how they are to be read depends on the
 * other direction.
 */
#ifndef HOLD_H
#define HOLD_H

#include "dissectors/dissector.h"

struct held_span {
	const uint8_t *p; /* NULL: a gap */
	uint64_t len;     /* bytes, or bytes missing; 0 = nothing there */
	uint64_t off;
	int64_t ts_ns;
	uint64_t heard; /* of a gap: dissector.h */
};

struct held_chunk;

struct hold {
	struct held_span now; /* the caller's bytes, borrowed: read after the chunks */
	struct held_chunk *first, *last;
	uint64_t bytes;   /* kept in chunks */
	uint64_t charged; /* to the budget */
};

static inline bool
hold_empty(const struct hold *h)
{
	return h->first == NULL && h->now.len == 0;
}

/* What comes next; len == 0: nothing. */
struct held_span hold_kept(const struct hold *h);
static inline struct held_span
hold_peek(const struct hold *h)
{
	const struct held_span *s = &h->now;

	/* one by one: they were just written so, and wider reads would wait for that */
	return h->first != NULL ? hold_kept(h)
				: (struct held_span){ s->p, s->len, s->off, s->ts_ns, s->heard };
}
/*
 * Copies the first line without its end, at most size bytes of it; stops at a
 * gap.  *whole: its end is there, or more than fits.  Returns the length.
 */
size_t hold_line(const struct hold *h, char *buf, size_t size, bool *whole);
void hold_take(struct hold *h, uint64_t n, struct dissect_budget *budget);
/* Copies what is left of the caller's bytes.  False: no memory, they are dropped. */
bool hold_keep(struct hold *h, struct dissect_budget *budget);
void hold_free(struct hold *h, struct dissect_budget *budget);

#endif /* HOLD_H */
