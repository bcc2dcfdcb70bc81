/*
 * when.h - nanoseconds UTC since 1970 as text and back, exact, without libc's
 * locale or time zone: "2026-11-21T10:00:00.123456789Z" (RFC 3339).
 */
#ifndef WHEN_H
#define WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEN_TEXT 32

struct when {
	int year, month, day, hour, minute, second; /* month and day from 1 */
	int ns;
};

/*
 * From 1951 to 2225: no time less another, or with a while added, overflows.  What a capture says
 * must fit.
 */
#define WHEN_LEAST (-(INT64_MAX / 16))
#define WHEN_MOST  (INT64_MAX / 8 * 7)

static inline bool
when_fits(int64_t ns)
{
	return ns >= WHEN_LEAST && ns <= WHEN_MOST;
}

struct when when_split(int64_t ns);
char *when_format(int64_t ns, char buf[WHEN_TEXT]);
/*
 * At most nine digits of a second, no other zone than Z.  -1: not such a time, or beyond int64_t.
 */
int when_parse(int64_t *ns, const char *text);

#endif /* WHEN_H */
