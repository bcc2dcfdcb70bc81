/*
 * ledger_sums.c - what is known of each size that a direction sent: how many
 * arrived, how many were lost, when one passed cleanly (diagnosis 0.2).
 */
#include "flow/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

enum { SIZES_FIRST = 4 }; /* LEDGER_SIZES is a power of two above */

static const int64_t epoch = 600 * SECOND;

void
sums_init(struct totals *t)
{
	memset(t, 0, sizeof(*t));
	t->ack_delay = INT64_MAX;
	t->data_ns = INT64_MIN;
}

static bool
sums_grow(struct totals *t)
{
	uint32_t room = t->size_room > 0 ? t->size_room * 2 : SIZES_FIRST;
	struct size_note *sizes = realloc(t->sizes, room * sizeof(*sizes));

	if (sizes == NULL)
		return false;
	t->sizes = sizes;
	t->size_room = room;
	return true;
}

bool
sums_room(struct totals *t)
{
	return t->sizes != NULL || sums_grow(t);
}

void
sums_copy(struct totals *to, struct size_note sizes[LEDGER_SIZES], const struct totals *from)
{
	*to = *from;
	to->sizes = sizes;
	to->size_room = LEDGER_SIZES;
	if (from->size_count > 0)
		memcpy(sizes, from->sizes, from->size_count * sizeof(*sizes));
}

/* What `x' says, `to' says from now on. */
static void
note_join(struct size_note *to, const struct size_note *x)
{
	if (x->clean && (!to->clean || x->clean_first < to->clean_first)) {
		to->clean_first = x->clean_first;
		to->clean_frame = x->clean_frame;
	}
	if (x->clean && (!to->clean || x->clean_last > to->clean_last))
		to->clean_last = x->clean_last;
	to->clean |= x->clean;
	to->ok += x->ok;
	to->lost += x->lost;
}

/*
 * Room for a size, which stands at place i: the two smallest become one, for what a path does to
 * large packets the large sizes tell.  It has the name of the smaller, as a size proven must not be
 * rounded up.  The place of the size.
 */
static uint32_t
sums_fold(struct totals *t, uint32_t i, uint32_t w)
{
	if (i < 2) { /* it is one of the two itself */
		t->sizes[0].w = i == 0 ? w : t->sizes[0].w;
		return 0;
	}
	note_join(&t->sizes[0], &t->sizes[1]);
	t->size_count--;
	memmove(&t->sizes[1], &t->sizes[2], (t->size_count - 1) * sizeof(t->sizes[0]));
	return i - 1;
}

/* The note of a size; when the table is full the smallest share one. */
struct size_note *
sums_size(struct totals *t, uint32_t w)
{
	uint32_t i = t->size_count;

	while (i > 0 && t->sizes[i - 1].w > w) /* most segments are of the largest size */
		i--;
	if (i > 0 && t->sizes[i - 1].w == w)
		return &t->sizes[i - 1];
	if (t->size_count == t->size_room && (t->size_room == LEDGER_SIZES || !sums_grow(t)) &&
	    (i = sums_fold(t, i, w)) == 0)
		return &t->sizes[0];
	memmove(t->sizes + i + 1, t->sizes + i, (t->size_count - i) * sizeof(t->sizes[0]));
	memset(&t->sizes[i], 0, sizeof(t->sizes[i]));
	t->sizes[i].w = w;
	t->size_count++;
	return &t->sizes[i];
}

uint32_t
sums_proven(const struct totals *t, int64_t from, int64_t to, struct moment *at)
{
	for (uint32_t i = t->size_count; i-- > 0;) {
		const struct size_note *n = &t->sizes[i];

		if (!n->clean)
			continue;
		if (from != INT64_MIN &&
		    (n->clean_last < from - epoch || n->clean_first > to + epoch))
			continue;
		if (at != NULL)
			*at = (struct moment){ n->clean_first, n->clean_frame };
		return n->w;
	}
	return 0;
}
