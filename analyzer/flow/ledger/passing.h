/*
 * passing.h - how many packets of each size passed this point, and the last of
 * each.  Two points compare: what left here and never arrived there.
 *
 * Bounded: RECORD_SIZES sizes.  The large ones matter, so when the table is full
 * the two smallest become one class under the name of the larger.
 */
#ifndef PASSING_H
#define PASSING_H

#include "record/record.h"

struct passing {
	struct passed run; /* packets of one size in a row, not yet in the table */
	uint32_t count;
	struct passed v[RECORD_SIZES]; /* ascending w */
};

/* The run too: now the table tells of all. */
void passing_settle(struct passing *p);

static inline void
passing_note(struct passing *p, uint32_t w, const struct moment *at)
{
	if (p->run.w != w) {
		passing_settle(p);
		p->run.w = w;
	}
	p->run.n++;
	p->run.last = *at;
}

#endif /* PASSING_H */
