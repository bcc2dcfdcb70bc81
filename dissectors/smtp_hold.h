/*
 * smtp_hold.h - what one direction said and the dissector has not read yet:
 * bytes and gaps, in order, because how they are to be read depends on the
 * other direction.
 */
#ifndef SMTP_HOLD_H
#define SMTP_HOLD_H

#include "dissectors/dissector.h"

struct smtp_span {
	const uint8_t	*p;		/* NULL: a gap */
	uint64_t	 len;		/* bytes, or bytes missing; 0 = nothing there */
	uint64_t	 off;
	int64_t		 ts_ns;
	uint64_t	 heard;		/* of a gap: dissector.h */
};

struct smtp_chunk;

struct smtp_hold {
	struct smtp_span   now;		/* the caller's bytes, borrowed: read after the chunks */
	struct smtp_chunk *first, *last;
	uint64_t	   bytes;	/* kept in chunks */
	uint64_t	   charged;	/* to the budget */
};

static inline bool
smtp_hold_empty(const struct smtp_hold *h)
{
	return h->first == NULL && h->now.len == 0;
}

/* What comes next; len == 0: nothing. */
struct smtp_span smtp_hold_kept(const struct smtp_hold *h);
static inline struct smtp_span
smtp_hold_peek(const struct smtp_hold *h)
{
	const struct smtp_span *s = &h->now;

	/* one by one: they were just written so, and wider reads would wait for that */
	return h->first != NULL ? smtp_hold_kept(h) : (struct smtp_span){ s->p, s->len, s->off, s->ts_ns, s->heard };
}
/*
 * Copies the first line without its end, at most size bytes of it; stops at a
 * gap.  *whole: its end is there, or more than fits.  Returns the length.
 */
size_t	smtp_hold_line(const struct smtp_hold *h, char *buf, size_t size, bool *whole);
void	smtp_hold_take(struct smtp_hold *h, uint64_t n, struct dissect_budget *budget);
/* Copies what is left of the caller's bytes.  False: no memory, they are dropped. */
bool	smtp_hold_keep(struct smtp_hold *h, struct dissect_budget *budget);
void	smtp_hold_free(struct smtp_hold *h, struct dissect_budget *budget);

#endif /* SMTP_HOLD_H */
