/* point_slots.c - names of 32 bits for pointers: an entry of the table has no room for more. */
#include "flow/point_impl.h"

#include <stdlib.h>

static bool
slots_grow(struct slots *s)
{
	uint32_t size = s->size == 0 ? 64 : s->size * 2;
	void **at = reallocarray(s->at, size, sizeof(*at));
	uint32_t *next;

	if (at == NULL)
		return false;
	s->at = at;
	if ((next = reallocarray(s->next, size, sizeof(*next))) == NULL)
		return false;
	s->next = next;
	s->size = size;
	return true;
}

bool
slots_take(struct slots *s, void *p, uint32_t *name)
{
	if (s->free != 0) {
		*name = s->free - 1;
		s->free = s->next[*name];
	} else if (s->used < s->size || slots_grow(s)) {
		*name = s->used++;
	} else {
		return false;
	}
	s->at[*name] = p;
	return true;
}

void
slots_give(struct slots *s, uint32_t name)
{
	s->at[name] = NULL;
	s->next[name] = s->free;
	s->free = name + 1;
}
