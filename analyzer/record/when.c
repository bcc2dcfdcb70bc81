/* when.c - civil time of the proleptic Gregorian calendar. */
#include "record/when.h"

#include <stdbool.h>
#include <stdio.h>

#define NS_PER_SECOND 1000000000LL
#define NS_PER_DAY    (86400 * NS_PER_SECOND)

/*
 * Days and dates after H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms": years begin in March, so that the leap day is their last.
 */
static void
when_date(struct when *w, int64_t days)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	w->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	w->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	w->year = (int)(yoe + era * 400 + (w->month <= 2));
}

static int64_t
when_days(int64_t year, int64_t month, int64_t day)
{
	int64_t era, yoe, doy, doe;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	yoe = year - era * 400;
	doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

struct when
when_split(int64_t ns)
{
	int64_t days = ns / NS_PER_DAY, rest = ns % NS_PER_DAY;
	struct when w;
	int seconds;

	if (rest < 0) {
		rest += NS_PER_DAY;
		days--;
	}
	when_date(&w, days);
	seconds = (int)(rest / NS_PER_SECOND);
	w.ns = (int)(rest % NS_PER_SECOND);
	w.hour = seconds / 3600;
	w.minute = seconds / 60 % 60;
	w.second = seconds % 60;
	return w;
}

/*
 * Where the next ones go.  A records log has twenty times a line: by printf() they were a tenth of
 * its cost.
 */
static char *
digits_put(char *q, int value, int n, char end)
{
	unsigned v = (unsigned)value;

	q[n] = end;
	for (int i = n; i-- > 0; v /= 10)
		q[i] = (char)('0' + v % 10);
	return q + n + 1;
}

char *
when_format(int64_t ns, char buf[WHEN_TEXT])
{
	struct when w = when_split(ns);
	char *q = buf;

	q = digits_put(q, w.year, 4, '-'); /* int64_t ends in 2262: four digits hold every year */
	q = digits_put(q, w.month, 2, '-');
	q = digits_put(q, w.day, 2, 'T');
	q = digits_put(q, w.hour, 2, ':');
	q = digits_put(q, w.minute, 2, ':');
	q = digits_put(q, w.second, 2, '.');
	q = digits_put(q, w.ns, 9, 'Z');
	*q = '\0';
	return buf;
}

/* Exactly n digits, then `end' (0 = anything). */
static bool
digits(const char **p, int n, char end, int64_t *out)
{
	*out = 0;
	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	if (end == '\0')
		return true;
	return *(*p)++ == end;
}

static bool
fraction(const char **p, int64_t *ns)
{
	int64_t unit = NS_PER_SECOND;

	*ns = 0;
	if (**p != '.')
		return true;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++) {
		if ((unit /= 10) == 0)
			return false;
		*ns += unit * (**p - '0');
	}
	return true;
}

int
when_parse(int64_t *out, const char *p)
{
	int64_t year, month, day, hour, minute, second, ns, total;

	if (!digits(&p, 4, '-', &year) || !digits(&p, 2, '-', &month) ||
	    !digits(&p, 2, 'T', &day) || !digits(&p, 2, ':', &hour) ||
	    !digits(&p, 2, ':', &minute) || !digits(&p, 2, 0, &second) || !fraction(&p, &ns) ||
	    p[0] != 'Z' || p[1] != '\0')
		return -1;
	if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59)
		return -1;
	if (day > when_days(year + month / 12, month % 12 + 1, 1) - when_days(year, month, 1))
		return -1; /* the month has no such day */
	/* Day and second are added towards zero, or the first day of int64_t would overflow. */
	total = when_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	if (total < 0 && ns > 0) {
		total++;
		ns -= NS_PER_SECOND;
	}
	if (__builtin_mul_overflow(total, NS_PER_SECOND, &total) ||
	    __builtin_add_overflow(total, ns, &total))
		return -1;
	*out = total;
	return 0;
}
