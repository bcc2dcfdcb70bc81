#include "gone.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * GONE_KNOWN }; /* half of them stay empty */

/* Where the conversation is in the set, or would be. */
static uint64_t *
slot_of(uint64_t *set, uint64_t conversation)
{
	size_t i = conversation & (SLOTS - 1);

	while (set[i] != 0 && set[i] != conversation)
		i = (i + 1) & (SLOTS - 1);
	return &set[i];
}

bool
gone_has(const struct gone *g, uint64_t conversation)
{
	if (conversation == 0)
		return false;
	return (g->young != NULL && *slot_of(g->young, conversation) != 0) ||
	    (g->old != NULL && *slot_of(g->old, conversation) != 0);
}

static bool
room_make(struct gone *g)
{
	uint64_t *set = g->old;

	if (g->young != NULL && g->young_count < GONE_KNOWN)
		return true;
	if (set != NULL)
		memset(set, 0, SLOTS * sizeof(*set));
	else if ((set = calloc(SLOTS, sizeof(*set))) == NULL)
		return false;
	g->forgotten += g->old_count;
	g->old = g->young;
	g->old_count = g->young_count;
	g->young = set;
	g->young_count = 0;
	return true;
}

bool
gone_add(struct gone *g, uint64_t conversation)
{
	if (gone_has(g, conversation))
		return false;
	if (conversation == 0)
		return true;
	if (!room_make(g)) {
		g->starved++;
		return true;
	}
	*slot_of(g->young, conversation) = conversation;
	g->young_count++;
	return true;
}

void
gone_free(struct gone *g)
{
	free(g->young);
	free(g->old);
	*g = (struct gone){ 0 };
}
