#include "flow/ledger/passing.h"

#include <string.h>

static void
passed_add(struct passed *x, const struct passed *run)
{
	x->n += run->n;
	x->last = run->last;
}

/* The two smallest become one, so that one entry is free at the end. */
static void
smallest_fold(struct passing *p)
{
	p->v[1].n += p->v[0].n;
	if (p->v[0].last.ns > p->v[1].last.ns)
		p->v[1].last = p->v[0].last;
	p->v[1].folded = true;
	memmove(&p->v[0], &p->v[1], (RECORD_SIZES - 1) * sizeof(p->v[0]));
	p->count--;
}

void
passing_settle(struct passing *p)
{
	const struct passed *run = &p->run;
	uint32_t i = p->count, w = run->w;

	if (run->n == 0)
		return;
	while (i > 0 && p->v[i - 1].w > w)
		i--;
	if (i > 0 && p->v[i - 1].w == w) {
		i--;
	} else if (p->count > 0 && i == 0 && (p->v[0].folded || p->count == RECORD_SIZES)) {
		p->v[0].folded = true;
	} else if (p->count == RECORD_SIZES && i == 1) { /* it is one of the two smallest itself */
		i = 0;
		p->v[0].w = w;
		p->v[0].folded = true;
	} else {
		if (p->count == RECORD_SIZES) {
			smallest_fold(p);
			i--;
		}
		memmove(&p->v[i + 1], &p->v[i], (p->count - i) * sizeof(p->v[0]));
		p->v[i] = (struct passed){ .w = w };
		p->count++;
	}
	passed_add(&p->v[i], run);
	p->run.n = 0;
}
