/* zone.c - offsets by hand, civil zones by libc. */
#include "report/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define DAY           (86400 * NS_PER_SECOND)
#define DATABASE      "/usr/share/zoneinfo"

/* What libc said last: frames of one second are asked for one after the other. */
static struct {
	int64_t second;
	int32_t east;
} said = { .second = INT64_MIN };

static bool
digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

int
zone_offset_parse(int32_t *east, const char *text)
{
	size_t n = strlen(text), minutes = n > 3 ? n - 2 : 0; /* where they stand; 0 = nowhere */

	if ((text[0] != '+' && text[0] != '-') || (n != 3 && n != 5 && n != 6) ||
	    !digits(text + 1, 2) || (n == 6 && text[3] != ':') ||
	    (minutes > 0 && !digits(text + minutes, 2)))
		return -1;
	*east = 3600 * (10 * (text[1] - '0') + (text[2] - '0'));
	if (minutes > 0)
		*east += 60 * (10 * (text[minutes] - '0') + (text[minutes + 1] - '0'));
	if (*east >= 86400 || (minutes > 0 && text[minutes] > '5'))
		return -1;
	if (text[0] == '-')
		*east = -*east;
	return 0;
}

/* libc takes UTC for a name that it does not find: nobody would notice. */
static bool
is_zone_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char magic[4] = "";
	bool is = in != NULL && fread(magic, 1, sizeof(magic), in) == sizeof(magic) &&
	    memcmp(magic, "TZif", sizeof(magic)) == 0; /* RFC 9636 */

	if (in != NULL)
		fclose(in);
	return is;
}

/* Of letters as the database has them: no dots, so no way out of it. */
static int
zone_take(const char *name)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	const char *database = secure_getenv("TZDIR");
	char path[512];

	if (name[0] == '/' || name[strspn(name, letters)] != '\0')
		return -1;
	if (database == NULL || database[0] != '/')
		database = DATABASE;
	if (snprintf(path, sizeof(path), ":%s/%s", database, name) >= (int)sizeof(path) ||
	    !is_zone_file(path + 1) || setenv("TZ", path, 1) != 0)
		return -1;
	tzset();
	return 0;
}

int
zone_parse(struct zone *z, const char *text)
{
	*z = (struct zone){ .civil = false };
	said.second = INT64_MIN;
	if (strcmp(text, "UTC") == 0 || zone_offset_parse(&z->east, text) == 0)
		return 0;
	z->civil = true;
	z->name = text;
	if (strcmp(text, "local") != 0)
		return zone_take(text);
	z->name = "local time";
	tzset();
	return 0;
}

static int64_t
second_of(int64_t ns)
{
	return ns / NS_PER_SECOND - (ns % NS_PER_SECOND < 0);
}

int32_t
zone_east(const struct zone *z, int64_t ns)
{
	time_t t = (time_t)second_of(ns);
	struct tm tm;

	if (z == NULL || !z->civil)
		return z != NULL ? z->east : 0;
	if (t != said.second) {
		said.second = t;
		said.east = localtime_r(&t, &tm) != NULL ? (int32_t)tm.tm_gmtoff : 0;
	}
	return said.east;
}

int64_t
zone_local(const struct zone *z, int64_t ns)
{
	return ns + zone_east(z, ns) * NS_PER_SECOND;
}

int64_t
zone_utc(const struct zone *z, int64_t local_ns, bool later)
{
	/* of two offsets the larger gives the earlier time; a day on is past any change */
	int32_t a = zone_east(z, local_ns - DAY), b = zone_east(z, local_ns + DAY);
	int64_t early = local_ns - (a > b ? a : b) * NS_PER_SECOND,
		late = local_ns - (a > b ? b : a) * NS_PER_SECOND;
	bool is_early = zone_local(z, early) == local_ns, is_late = zone_local(z, late) == local_ns;

	if (is_early != is_late)
		return is_early ? early : late;
	return later ? late : early;
}

char *
zone_offset(const struct zone *z, int64_t ns, char buf[ZONE_OFFSET])
{
	int32_t east = zone_east(z, ns), off = east < 0 ? -east : east;
	size_t n;

	if (z == NULL || (!z->civil && east == 0)) {
		snprintf(buf, ZONE_OFFSET, "UTC");
		return buf;
	}
	n = (size_t)snprintf(
	    buf, ZONE_OFFSET, "%c%02d:%02d", east < 0 ? '-' : '+', off / 3600 % 24, off / 60 % 60);
	if (off % 60 != 0) /* before it was a zone: a town's own time */
		snprintf(buf + n, ZONE_OFFSET - n, ":%02d", off % 60);
	return buf;
}
