#include "flow/stream/ranges.h"

#include <stdlib.h>
#include <string.h>

enum { RANGES_FIRST = 8 };

static void
ranges_remove(struct ranges *r, uint32_t i)
{
	r->count--;
	memmove(&r->at[i], &r->at[i + 1], (r->count - i) * sizeof(*r->at));
}

static bool
ranges_room(struct ranges *r)
{
	uint32_t size = r->size == 0 ? RANGES_FIRST : r->size * 2;
	struct range *at;

	if (r->count < r->size)
		return true;
	if ((at = reallocarray(r->at, size, sizeof(*at))) == NULL)
		return false;
	r->at = at;
	r->size = size;
	return true;
}

/* From the end: what comes late belongs near it. */
uint32_t
ranges_after(const struct ranges *r, uint64_t off)
{
	uint32_t i = r->count;

	while (i > 0 && r->at[i - 1].end > off)
		i--;
	return i;
}

bool
ranges_add(struct ranges *r, uint64_t start, uint64_t end, bool cut)
{
	uint32_t i = ranges_after(r, start);
	struct range *prev = i > 0 ? &r->at[i - 1] : NULL;

	if (i > 0 && prev->end == start && prev->cut == cut) {
		prev->end = end;
		prev->segments += !cut;
		if (i < r->count && r->at[i].start == end && r->at[i].cut == cut) {
			prev->end = r->at[i].end;
			prev->segments += r->at[i].segments;
			ranges_remove(r, i);
		}
		return true;
	}
	if (i < r->count && r->at[i].start == end && r->at[i].cut == cut) {
		r->at[i].start = start;
		r->at[i].segments += !cut;
		return true;
	}
	if (!ranges_room(r))
		return false;
	memmove(&r->at[i + 1], &r->at[i], (r->count - i) * sizeof(*r->at));
	r->at[i] = (struct range){ start, end, !cut, cut };
	r->count++;
	return true;
}

struct range
ranges_shift(struct ranges *r)
{
	struct range first = r->at[0];

	ranges_remove(r, 0);
	return first;
}

void
ranges_clear(struct ranges *r)
{
	free(r->at);
	*r = (struct ranges){ 0 };
}
