/*
 * window.h - the time that was asked for, --from and --to.  Times are those of the report's zone
 * unless they name an offset.  One without a date is that time of every day, of its zone's days.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "report/zone.h"

struct window_end {
	bool set, daily;
	int64_t ns;       /* UTC since 1970, or since midnight of its zone */
	struct zone zone; /* of a daily one */
};

struct window {
	struct window_end from, to;
};

/*
 * "14:00", "14:00:30.5", "2026-11-21", "2026-11-21T14:00", "2026-11-21 14:00:30Z", "14:00+01:00".
 * A bare date is its midnight, as an upper end its last nanosecond.  Where clocks show a time
 * twice, from the first to the second of them.  -1: no such time.
 */
int window_parse(struct window_end *out, const char *text, bool upper, const struct zone *zone);
/*
 * Both ends belong to it; daily ends that lie the wrong way round span midnight, one alone ends or
 * begins there.
 */
bool window_has(const struct window *w, int64_t ns);
/* Both ends have a date and lie the wrong way round. */
bool window_empty(const struct window *w);
/* Does anything between the two times belong to it? */
bool window_meets(const struct window *w, int64_t first_ns, int64_t last_ns);

static inline bool
window_set(const struct window *w)
{
	return w->from.set || w->to.set;
}

#endif /* WINDOW_H */
