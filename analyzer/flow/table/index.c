#include "flow/table/index.h"

#include <stdlib.h>

enum { SLOTS_START = 64 }; /* a capture of very many interfaces has three indexes for each */

bool
index_init(struct index *x)
{
	x->mask = SLOTS_START - 1;
	return (x->slot = calloc(SLOTS_START, sizeof(*x->slot))) != NULL;
}

void
index_free(struct index *x)
{
	free(x->slot);
}

static void
slot_put(struct index *x, struct index_slot s)
{
	uint32_t i = s.print & x->mask;

	while (x->slot[i].entry != 0)
		i = (i + 1) & x->mask;
	x->slot[i] = s;
}

bool
index_room(struct index *x, uint32_t count)
{
	struct index bigger = { .mask = x->mask * 2 + 1 };

	if (count <= x->mask / 2 + 1)
		return true;
	if ((bigger.slot = calloc((size_t)bigger.mask + 1, sizeof(*bigger.slot))) == NULL)
		return false;
	for (uint32_t i = 0; i <= x->mask; i++)
		if (x->slot[i].entry != 0)
			slot_put(&bigger, x->slot[i]);
	free(x->slot);
	*x = bigger;
	return true;
}

void
index_put(struct index *x, uint32_t print, uint32_t entry)
{
	slot_put(x, (struct index_slot){ print, entry + 1 });
}

/* Closes the hole at i: moves back whatever would no longer be found. */
static void
slots_close(struct index *x, uint32_t i)
{
	uint32_t j = i;

	for (;;) {
		uint32_t home;

		x->slot[i].entry = 0;
		do {
			j = (j + 1) & x->mask;
			if (x->slot[j].entry == 0)
				return;
			home = x->slot[j].print & x->mask;
			/* stays when its home lies cyclically in (i, j] */
		} while (((j - home) & x->mask) < ((j - i) & x->mask));
		x->slot[i] = x->slot[j];
		i = j;
	}
}

void
index_remove(struct index *x, uint32_t print, uint32_t entry)
{
	uint32_t i = print & x->mask;

	while (x->slot[i].entry != entry + 1)
		i = (i + 1) & x->mask;
	slots_close(x, i);
}
