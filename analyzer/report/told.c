#include "report/told.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4 * TOLD_MAX, NONE = 0 };	/* a power of two */

struct entry {
	uint64_t	id, turn;	/* turn: in which it was named last */
	uint32_t	revision;
	enum confidence	confidence;
	bool		retracted;
};

struct told {
	struct entry	entry[TOLD_MAX];
	uint32_t	count;
	uint64_t	turn, left;
	uint16_t	slot[SLOTS];	/* 1 + index; NONE: free */
};

struct told *
told_new(void)
{
	return calloc(1, sizeof(struct told));
}

void
told_free(struct told *t)
{
	free(t);
}

/* Its slot, or the free one where it would go; ids are hashes. */
static uint16_t *
slot_find(struct told *t, uint64_t id)
{
	size_t i = (size_t)(id ^ id >> 32) % SLOTS;

	while (t->slot[i] != NONE && t->entry[t->slot[i] - 1].id != id)
		i = (i + 1) % SLOTS;
	return &t->slot[i];
}

static void
entries_forget(struct told *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->count; i++)
		if (t->entry[i].turn + 1 >= t->turn)
			t->entry[kept++] = t->entry[i];
	t->count = kept;
	memset(t->slot, 0, sizeof(t->slot));
	for (uint32_t i = 0; i < kept; i++)
		*slot_find(t, t->entry[i].id) = (uint16_t)(i + 1);
}

void
told_turn(struct told *t)
{
	t->turn++;
	t->left = 0;
	if (t->count == TOLD_MAX)
		entries_forget(t);
}

uint64_t
told_left(const struct told *t)
{
	return t->left;
}

bool
told_is_news(struct told *t, const struct finding *f, bool revisions)
{
	uint16_t *slot = slot_find(t, f->id);
	bool fresh = *slot == NONE, news;
	struct entry *e;

	if (fresh && t->count == TOLD_MAX) {
		t->left++;
		return false;
	}
	if (fresh) {
		*slot = (uint16_t)(t->count + 1);
		t->entry[t->count++] = (struct entry){ .id = f->id };
	}
	e = &t->entry[*slot - 1];
	news = fresh ? !f->retracted : e->confidence != f->confidence || e->retracted != f->retracted || (revisions && e->revision != f->revision);
	*e = (struct entry){ f->id, t->turn, f->revision, f->confidence, f->retracted };
	return news;
}
