/*
 * zone.h - the time zone in which times are told to people, and in which people name them.
 * Records and JSON are UTC, always.
 */
#ifndef ZONE_H
#define ZONE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: UTC. */
struct zone {
	bool civil;       /* of the tz database, or local: what libc says at each time */
	int32_t east;     /* else: seconds of its clocks ahead of UTC */
	const char *name; /* "Europe/Berlin", as it was given; NULL = the offset says all */
};

#define ZONE_OFFSET 16

/*
 * "local", "UTC", "+01:00" or a name of the tz database.  One that is civil is libc's from then on
 * (TZ): there is but one in a process.  -1: no such zone.
 */
int zone_parse(struct zone *z, const char *text);
/* "+01:00", "-0930", "+01": seconds ahead of UTC.  -1: nothing such. */
int zone_offset_parse(int32_t *east, const char *text);
/* How far its clocks are ahead of UTC at that time, in seconds. */
int32_t zone_east(const struct zone *z, int64_t ns);
/* What its clocks show then, as nanoseconds since their 1970; for when_split(). */
int64_t zone_local(const struct zone *z, int64_t ns);
/*
 * When its clocks show that.  What they show twice, or never (summer time begins or ends) may be
 * either of two times.
 */
int64_t zone_utc(const struct zone *z, int64_t local_ns, bool later);
/* "UTC", "+01:00" */
char *zone_offset(const struct zone *z, int64_t ns, char buf[ZONE_OFFSET]);

#endif /* ZONE_H */
