#include "window.h"

#include <stdio.h>
#include <string.h>

#include "record/when.h"

#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

/* How many digits and signs of the form `shape' (0 = digit) the text begins with: all or none. */
static size_t
shaped(const char *p, const char *shape)
{
	size_t n = strlen(shape);

	for (size_t i = 0; i < n; i++)
		if (shape[i] == '0' ? p[i] < '0' || p[i] > '9' : p[i] != shape[i])
			return 0;
	return n;
}

/* What the text names at its end, "Z" or an offset; the text ends before it.  Else as it was. */
static int
own_zone(char *text, struct zone *zone)
{
	size_t n = strcspn(text, "+-Z");

	if (text[n] == '\0')
		return 0;
	*zone = (struct zone){ .east = 0 };
	if (strcmp(text + n, "Z") != 0 && zone_offset_parse(&zone->east, text + n) != 0)
		return -1;
	text[n] = '\0';
	return 0;
}

/* No capture is older or younger, and a zone's offset can be added without a thought. */
static int64_t
within_reach(int64_t ns)
{
	return ns < WHEN_LEAST ? WHEN_LEAST : ns > WHEN_MOST ? WHEN_MOST : ns;
}

int
window_parse(struct window_end *out, const char *text, bool upper, const struct zone *zone)
{
	char date[16] = "1970-01-01", time[32] = "00:00", whole[64];
	size_t n = shaped(text, "0000-00-00");
	bool bare = n > 0 && text[n] == '\0';
	int64_t ns;

	*out = (struct window_end){ .set = true, .daily = n == 0, .zone = *zone };
	memcpy(date, text, n);
	if (!bare) {
		if (n > 0 && text[n] != 'T' && text[n] != ' ')
			return -1;
		text += n + (n > 0);
		if (shaped(text, "00:00") == 0 || strlen(text) >= sizeof(time))
			return -1;
		snprintf(time, sizeof(time), "%s", text);
		if (own_zone(time, &out->zone) != 0)
			return -1;
	}
	snprintf(whole, sizeof(whole), "%sT%s%sZ", date, time, strlen(time) == 5 ? ":00" : "");
	if (when_parse(&ns, whole) != 0 ||
	    (bare && upper && __builtin_add_overflow(ns, DAY - 1, &ns)))
		return -1;
	out->ns = out->daily ? ns : zone_utc(&out->zone, within_reach(ns), upper);
	return 0;
}

bool
window_empty(const struct window *w)
{
	return w->from.set && !w->from.daily && w->to.set && !w->to.daily && w->from.ns > w->to.ns;
}

static int64_t
of_day(int64_t ns)
{
	return (ns % DAY + DAY) % DAY;
}

static bool
end_allows(const struct window_end *e, int64_t ns, bool upper)
{
	int64_t at = e->daily ? of_day(zone_local(&e->zone, ns)) : ns;

	return !e->set || (upper ? at <= e->ns : at >= e->ns);
}

/* Two times of day, each by its own clock: what the upper end is by the clock of the lower. */
static int64_t
upper_by_lower(const struct window *w, int64_t ns)
{
	return of_day(w->to.ns - zone_local(&w->to.zone, ns) + zone_local(&w->from.zone, ns));
}

static bool
daily_has(const struct window *w, int64_t ns)
{
	int64_t at = of_day(zone_local(&w->from.zone, ns)), to = upper_by_lower(w, ns);

	return w->from.ns <= to ? at >= w->from.ns && at <= to : at >= w->from.ns || at <= to;
}

bool
window_has(const struct window *w, int64_t ns)
{
	if (w->from.set && w->from.daily && w->to.set && w->to.daily)
		return daily_has(w, ns);
	return end_allows(&w->from, ns, false) && end_allows(&w->to, ns, true);
}

/* When the clocks show next, from `ns' on, that a daily window begins: but for summer time. */
static int64_t
daily_next(const struct window *w, int64_t ns)
{
	bool from = w->from.set && w->from.daily;
	const struct window_end *e = from ? &w->from : &w->to;

	return ns + of_day((from ? e->ns : 0) - zone_local(&e->zone, ns));
}

/* It belongs to the window, and lies between the two. */
static bool
within(const struct window *w, int64_t ns, int64_t first_ns, int64_t last_ns)
{
	return ns >= first_ns && ns <= last_ns && window_has(w, ns);
}

bool
window_meets(const struct window *w, int64_t first_ns, int64_t last_ns)
{
	const struct zone *zone = &(w->from.set && w->from.daily ? &w->from : &w->to)->zone;
	int64_t at = first_ns, next;

	if (w->from.set && !w->from.daily && at < w->from.ns)
		at = w->from.ns;
	if (w->to.set && !w->to.daily && last_ns > w->to.ns)
		last_ns = w->to.ns;
	if (within(w, at, at, last_ns))
		return true;
	/* where an hour was put in or left out before it, the hour that follows or went before */
	next = daily_next(w, at);
	return within(w, next, at, last_ns) ||
	    within(w, next + (zone_east(zone, at) - zone_east(zone, next)) * SECOND, at, last_ns);
}
