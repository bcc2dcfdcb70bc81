#include "window.h"

#include <stdio.h>
#include <string.h>

#include "record/when.h"

#define DAY    (INT64_C(86400) * 1000000000)
#define MINUTE (INT64_C(60) * 1000000000)

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

/* "+01:00", "-0930" or "+01" at the end: minutes east of UTC; the text ends before it. */
static bool
zone_parse(char *text, int *minutes)
{
	char *p = text + strcspn(text, "+-");
	size_t n = strlen(p);

	*minutes = 0;
	if (n == 0)
		return true;
	if (n < 3 || shaped(p + 1, n == 6 ? "00:00" : n == 5 ? "0000" : "00") != n - 1)
		return false;
	*minutes = 60 * (10 * (p[1] - '0') + (p[2] - '0'));
	if (n > 3)
		*minutes += 10 * (p[n - 2] - '0') + (p[n - 1] - '0');
	if (*p == '-')
		*minutes = -*minutes;
	*p = '\0';
	return *minutes > -24 * 60 && *minutes < 24 * 60;
}

static int64_t
of_day(int64_t ns)
{
	return (ns % DAY + DAY) % DAY;
}

int
window_parse(struct window_end *out, const char *text, bool upper)
{
	char date[16] = "1970-01-01", time[32] = "00:00", whole[64];
	size_t n = shaped(text, "0000-00-00");
	bool bare = n > 0 && text[n] == '\0';
	int east = 0;

	*out = (struct window_end){ .set = true, .daily = n == 0 };
	memcpy(date, text, n);
	if (!bare) {
		if (n > 0 && text[n] != 'T' && text[n] != ' ')
			return -1;
		text += n + (n > 0);
		if (shaped(text, "00:00") == 0 || strlen(text) >= sizeof(time))
			return -1;
		snprintf(time, sizeof(time), "%s", text);
		if (time[strlen(time) - 1] == 'Z')
			time[strlen(time) - 1] = '\0';
		else if (!zone_parse(time, &east))
			return -1;
	}
	snprintf(whole, sizeof(whole), "%sT%s%sZ", date, time, strlen(time) == 5 ? ":00" : "");
	if (when_parse(&out->ns, whole) != 0)
		return -1;
	if (__builtin_sub_overflow(out->ns, east * MINUTE, &out->ns) ||
	    (bare && upper && __builtin_add_overflow(out->ns, DAY - 1, &out->ns)))
		return -1;
	if (out->daily)
		out->ns = of_day(out->ns);
	return 0;
}

bool
window_empty(const struct window *w)
{
	return w->from.set && !w->from.daily && w->to.set && !w->to.daily && w->from.ns > w->to.ns;
}

static bool
end_allows(const struct window_end *e, int64_t ns, bool upper)
{
	int64_t at = e->daily ? of_day(ns) : ns;

	return !e->set || (upper ? at <= e->ns : at >= e->ns);
}

bool
window_has(const struct window *w, int64_t ns)
{
	bool from = end_allows(&w->from, ns, false), to = end_allows(&w->to, ns, true);

	if (w->from.set && w->from.daily && w->to.set && w->to.daily && w->from.ns > w->to.ns)
		return from || to;
	return from && to;
}

/* Of a daily window the first moment within it that is not before `ns'. */
static int64_t
daily_next(const struct window *w, int64_t ns)
{
	int64_t start = w->from.set && w->from.daily ? w->from.ns : 0;

	return ns + of_day(start - ns);
}

bool
window_meets(const struct window *w, int64_t first_ns, int64_t last_ns)
{
	int64_t at = first_ns;

	if (w->from.set && !w->from.daily && at < w->from.ns)
		at = w->from.ns;
	if (w->to.set && !w->to.daily && last_ns > w->to.ns)
		last_ns = w->to.ns;
	if (at > last_ns)
		return false;
	return window_has(w, at) ||
	    (daily_next(w, at) <= last_ns && window_has(w, daily_next(w, at)));
}
