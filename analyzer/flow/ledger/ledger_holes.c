/* ledger_holes.c - what a direction sent and the capture has not (yet), in order. */
#include "flow/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

enum { HOLES_FIRST = 16, HOLES_ACKED = 16 };

static void
hole_give_up(struct side *s, const struct hole *h)
{
	uint64_t n = (uint64_t)(h->hi - h->lo);

	if (h->before && s->packets > 0)
		return;
	s->missing_gone += n;
	if (s->acked >= h->hi)
		s->unseen_gone += n;
}

static void
hole_drop_lowest(struct side *s)
{
	hole_give_up(s, &s->lists->holes[0]);
	memmove(s->lists->holes, s->lists->holes + 1, --s->hole_count * sizeof(s->lists->holes[0]));
}

static bool
holes_grow(struct side *s)
{
	uint32_t room = s->lists->hole_room > 0 ? s->lists->hole_room * 2 : HOLES_FIRST;
	struct hole *holes;

	if (room > LEDGER_HOLES)
		return false;
	if ((holes = realloc(s->lists->holes, room * sizeof(*holes))) == NULL) {
		s->lists_missed++;
		return false;
	}
	s->lists->holes = holes;
	s->lists->hole_room = room;
	return true;
}

/*
 * Of holes that their receiver had filled (the capture lacks them) a few are kept: the lowest is
 * the oldest, it will not be filled here.  Those that it waits for are kept, and counted if there
 * are too many even so.
 */
static bool
holes_room(struct side *s)
{
	if (s->hole_count >= HOLES_ACKED && s->acked >= s->lists->holes[0].hi) {
		hole_drop_lowest(s);
		return true;
	}
	if (s->hole_count < s->lists->hole_room || holes_grow(s))
		return true;
	if (s->hole_count == 0)
		return false;
	s->holes_dropped++;
	hole_drop_lowest(s);
	return true;
}

void
hole_insert(struct side *s, uint32_t at, struct hole h)
{
	uint32_t count = s->hole_count;

	if (!side_lists(s) || !holes_room(s)) {
		hole_give_up(s, &h);
		return;
	}
	if (s->hole_count < count && at > 0)
		at--;
	memmove(s->lists->holes + at + 1, s->lists->holes + at,
	    (s->hole_count - at) * sizeof(s->lists->holes[0]));
	s->lists->holes[at] = h;
	s->hole_count++;
}

int64_t
holes_fill(struct side *s, int64_t lo, int64_t hi, struct hole *in)
{
	int64_t filled = 0;

	for (uint32_t i = 0; i < s->hole_count && s->lists->holes[i].lo < hi;) {
		struct hole *h = &s->lists->holes[i];
		int64_t a = h->lo > lo ? h->lo : lo, b = h->hi < hi ? h->hi : hi;

		if (a >= b) {
			i++;
			continue;
		}
		if (filled == 0)
			*in = *h;
		filled += b - a;
		if (a == h->lo && b == h->hi) {
			memmove(h, h + 1, (--s->hole_count - i) * sizeof(*h));
		} else if (a == h->lo) {
			h->lo = b;
			i++;
		} else if (b == h->hi) {
			h->hi = a;
			i++;
		} else {
			struct hole right = *h;

			h->hi = a;
			right.lo = b;
			hole_insert(s, i + 1, right);
			i += 2;
		}
	}
	return filled;
}
