#include "report/told.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 1024, NONE = 0 }; /* entries at the beginning; a power of two */

struct entry {
	uint64_t id, turn; /* turn: in which it was named last */
	uint32_t revision;
	enum confidence confidence;
	bool retracted;
};

struct told {
	struct entry *entry;
	uint32_t count, room;
	uint32_t *slot; /* two for each entry of the room: 1 + index; NONE: free */
	uint64_t turn, left;
};

void
told_free(struct told *t)
{
	if (t == NULL)
		return;
	free(t->slot);
	free(t->entry);
	free(t);
}

/* Its slot, or the free one where it would go; ids are hashes. */
static uint32_t *
slot_find(struct told *t, uint64_t id)
{
	uint32_t mask = 2 * t->room - 1, i = (uint32_t)(id ^ id >> 32) & mask;

	while (t->slot[i] != NONE && t->entry[t->slot[i] - 1].id != id)
		i = (i + 1) & mask;
	return &t->slot[i];
}

static void
slots_fill(struct told *t)
{
	memset(t->slot, 0, (size_t)2 * t->room * sizeof(*t->slot));
	for (uint32_t i = 0; i < t->count; i++)
		*slot_find(t, t->entry[i].id) = i + 1;
}

static bool
told_grow(struct told *t)
{
	uint32_t room = t->room > 0 ? 2 * t->room : ROOM;
	struct entry *entry = realloc(t->entry, room * sizeof(*entry));
	uint32_t *slot = entry != NULL ? malloc((size_t)2 * room * sizeof(*slot)) : NULL;

	if (entry != NULL)
		t->entry = entry;
	if (slot == NULL)
		return false;
	free(t->slot);
	t->slot = slot;
	t->room = room;
	slots_fill(t);
	return true;
}

struct told *
told_new(void)
{
	struct told *t = calloc(1, sizeof(*t));

	if (t != NULL && !told_grow(t)) {
		told_free(t);
		return NULL;
	}
	return t;
}

static void
entries_forget(struct told *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->count; i++)
		if (t->entry[i].turn + 1 >= t->turn)
			t->entry[kept++] = t->entry[i];
	t->count = kept;
	slots_fill(t);
}

void
told_turn(struct told *t)
{
	t->turn++;
	t->left = 0;
	if (t->count > t->room / 2)
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
	uint32_t *slot = slot_find(t, f->id);
	bool fresh = *slot == NONE, news;
	struct entry *e;

	if (fresh && t->count == t->room) {
		if (!told_grow(t)) {
			t->left++;
			return false;
		}
		slot = slot_find(t, f->id);
	}
	if (fresh) {
		*slot = t->count + 1;
		t->entry[t->count++] = (struct entry){ .id = f->id };
	}
	e = &t->entry[*slot - 1];
	news = fresh ? !f->retracted
		     : e->confidence != f->confidence || e->retracted != f->retracted ||
		(revisions && e->revision != f->revision);
	*e = (struct entry){ f->id, t->turn, f->revision, f->confidence, f->retracted };
	return news;
}
