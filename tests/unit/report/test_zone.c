/* test_zone.c - what clocks of a zone show, and when they show it. */
#include "check.h"

#include "record/when.h"
#include "report/zone.h"

static int64_t
at(const char *utc)
{
	int64_t ns = 0;

	CHECK_EQ_INT(when_parse(&ns, utc), 0);
	return ns;
}

static struct zone
zone(const char *text)
{
	struct zone z;

	CHECK_EQ_INT(zone_parse(&z, text), 0);
	return z;
}

/* The rule as TZ may have it: what the machine knows of the world does not matter. */
static struct zone
berlin(void)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return zone("local");
}

static void
check_shows(const struct zone *z, const char *utc, const char *local, const char *offset)
{
	char text[WHEN_TEXT], text2[ZONE_OFFSET];

	CHECK_EQ_STR(when_format(zone_local(z, at(utc)), text), local);
	CHECK_EQ_STR(zone_offset(z, at(utc), text2), offset);
}

static void
an_offset_is_a_zone(void)
{
	struct zone z = zone("+05:45");
	int32_t east;

	check_shows(&z, "2024-03-05T20:00:00Z", "2024-03-06T01:45:00.000000000Z", "+05:45");
	z = zone("-0930");
	check_shows(&z, "1960-01-01T00:00:00.5Z", "1959-12-31T14:30:00.500000000Z", "-09:30");
	z = zone("+01");
	check_shows(&z, "2024-07-05T20:00:00Z", "2024-07-05T21:00:00.000000000Z", "+01:00");
	CHECK(zone_offset_parse(&east, "-23:59") == 0 && east == -86340);
	for (size_t i = 0; i < 9; i++) {
		static const char *const bad[] = { "", "+", "+1", "+01:0", "01:00", "+24:00",
			"+01:60", "+01.00", "+01:00:00" };

		CHECK_EQ_INT(zone_offset_parse(&east, bad[i]), -1);
	}
}

static void
utc_is_utc(void)
{
	struct zone z = zone("UTC");

	check_shows(&z, "2024-03-05T20:00:00Z", "2024-03-05T20:00:00.000000000Z", "UTC");
	check_shows(NULL, "2024-03-05T20:00:00Z", "2024-03-05T20:00:00.000000000Z", "UTC");
}

static void
summer_time_begins_and_ends(void)
{
	struct zone z = berlin();

	check_shows(&z, "2026-03-29T00:59:59.999Z", "2026-03-29T01:59:59.999000000Z", "+01:00");
	check_shows(&z, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00.000000000Z", "+02:00");
	check_shows(&z, "2026-10-25T00:59:59Z", "2026-10-25T02:59:59.000000000Z", "+02:00");
	check_shows(&z, "2026-10-25T01:00:00Z", "2026-10-25T02:00:00.000000000Z", "+01:00");
	/* before 1970 a second begins below its time, too */
	check_shows(&z, "1969-12-31T23:59:59.5Z", "1970-01-01T00:59:59.500000000Z", "+01:00");
}

static void
a_clock_is_found_again(void)
{
	struct zone z = berlin();
	static const struct {
		const char *local, *early, *late;
	} t[] = {
		{ "2026-01-10T12:00:00Z", "2026-01-10T11:00:00.000000000Z",
		    "2026-01-10T11:00:00.000000000Z" },
		{ "2026-07-10T12:00:00Z", "2026-07-10T10:00:00.000000000Z",
		    "2026-07-10T10:00:00.000000000Z" },
		{ "2026-03-29T01:59:00Z", "2026-03-29T00:59:00.000000000Z",
		    "2026-03-29T00:59:00.000000000Z" },
		{ "2026-03-29T03:00:00Z", "2026-03-29T01:00:00.000000000Z",
		    "2026-03-29T01:00:00.000000000Z" },
		/* twice */
		{ "2026-10-25T02:30:00Z", "2026-10-25T00:30:00.000000000Z",
		    "2026-10-25T01:30:00.000000000Z" },
		/* never: the hour that clocks leave out lies between */
		{ "2026-03-29T02:30:00Z", "2026-03-29T00:30:00.000000000Z",
		    "2026-03-29T01:30:00.000000000Z" },
	};
	char text[WHEN_TEXT];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK_EQ_STR(when_format(zone_utc(&z, at(t[i].local), false), text), t[i].early);
		CHECK_EQ_STR(when_format(zone_utc(&z, at(t[i].local), true), text), t[i].late);
	}
}

/* libc would take UTC for all of them, and read whatever file is named. */
static void
an_unknown_name_is_no_zone(void)
{
	static const char *const bad[] = { "", "Nowhere/Atlantis", "/etc/localtime", "../localtime",
		"Europe/../../../../etc/localtime", ".", "Europe", "MEZ-1", "utc!", ":UTC", "A B" };
	struct zone z;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ_INT(zone_parse(&z, bad[i]), -1);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "an offset is a zone", an_offset_is_a_zone },
		{ "UTC is UTC", utc_is_utc },
		{ "summer time begins and ends", summer_time_begins_and_ends },
		{ "a clock is found again", a_clock_is_found_again },
		{ "an unknown name is no zone", an_unknown_name_is_no_zone },
	};

	return check_main("zone", t, sizeof(t) / sizeof(t[0]));
}
