#include "flow/stream/offsets.h"

#include <stdlib.h>

enum { OFFSETS_START = 16 };

static struct offset_entry *
offsets_nth(const struct offsets *o, uint32_t i)
{
	return &o->entry[(o->head + i) & (o->size - 1)];
}

static void
offsets_grow(struct offsets *o, struct offsets_budget *b)
{
	uint32_t size = o->size == 0 ? OFFSETS_START : o->size * 2;
	uint64_t more = (uint64_t)(size - o->size) * sizeof(struct offset_entry);
	struct offset_entry *e;

	/* The first few are free: every stream can name some frames. */
	if (size > OFFSETS_MAX || (o->size != 0 && b->used + more > b->max)) {
		b->hits += size <= OFFSETS_MAX;
		return;
	}
	if ((e = malloc(size * sizeof(*e))) == NULL)
		return;
	for (uint32_t i = 0; i < o->count; i++)
		e[i] = *offsets_nth(o, i);
	free(o->entry);
	o->entry = e;
	o->size = size;
	o->head = 0;
	b->used += more;
}

/* How many entries lie at or below `off'. */
static uint32_t
offsets_below(const struct offsets *o, uint64_t off)
{
	uint32_t lo = 0, hi = o->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (offsets_nth(o, mid)->off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
offsets_put(struct offsets *o, struct offsets_budget *b, uint64_t off, struct moment at)
{
	uint32_t n = o->count;

	if (off <= o->last.off) {
		n = offsets_below(o, off);
		if (n > 0 && offsets_nth(o, n - 1)->off == off)
			return;
	}
	if (o->count == o->size)
		offsets_grow(o, b);
	if (o->size == 0)
		return;
	if (o->count == o->size) {
		if (n == 0)
			return; /* older than all that is kept */
		o->head = (o->head + 1) & (o->size - 1);
		o->count--;
		n--;
	}
	for (uint32_t i = o->count++; i > n; i--)
		*offsets_nth(o, i) = *offsets_nth(o, i - 1);
	*offsets_nth(o, n) = (struct offset_entry){ off, at };
	if (n == o->count - 1)
		o->last = (struct offset_entry){ off, at };
}

struct moment
offsets_at(const struct offsets *o, uint64_t off)
{
	uint32_t n;

	if (off >= o->last.off) /* or nothing is known */
		return o->last.at;
	n = offsets_below(o, off);
	return offsets_nth(o, n == 0 ? 0 : n - 1)->at;
}

void
offsets_clear(struct offsets *o, struct offsets_budget *b)
{
	b->used -= (uint64_t)o->size * sizeof(struct offset_entry);
	free(o->entry);
	*o = (struct offsets){ 0 };
}
