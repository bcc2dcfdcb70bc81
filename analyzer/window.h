/*
 * window.h - the time that was asked for, --from and --to.  Times are UTC, as in the report,
 * unless they name an offset.  One without a date is that time of every day.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window_end {
	bool set, daily;
	int64_t ns; /* since 1970, or since midnight */
};

struct window {
	struct window_end from, to;
};

/*
 * "14:00", "14:00:30.5", "2026-11-21", "2026-11-21T14:00", "2026-11-21 14:00:30Z", "14:00+01:00".
 * A bare date is its midnight, as an upper end its last nanosecond.  -1: no such time.
 */
int window_parse(struct window_end *out, const char *text, bool upper);
/* Both ends belong to it; daily ends that lie the wrong way round span midnight. */
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
