/* test_addr.c - addresses, ids and times: text and back. */
#include "check.h"

#include "record/addr.h"
#include "record/when.h"

static void
round_trip(const char *text)
{
	struct addr a;
	char buf[ADDR_TEXT];

	CHECK_EQ_INT(addr_parse(&a, text), 0);
	CHECK_EQ_STR(addr_format(&a, buf, sizeof(buf)), text);
}

static void
addresses_as_text(void)
{
	struct addr a;
	char buf[ADDR_TEXT];

	round_trip("192.0.2.1");
	round_trip("2001:db8::1");
	round_trip("::");
	round_trip("::ffff:192.0.2.1");
	CHECK_EQ_INT(addr_parse(&a, "192.0.2.256"), -1);
	CHECK_EQ_INT(addr_parse(&a, "mail.example.org"), -1);
	CHECK_EQ_INT(addr_parse(&a, ""), -1);
	CHECK_EQ_INT(a.family, 0);
	CHECK_EQ_STR(addr_format(&a, buf, sizeof(buf)), "");
}

static void
endpoints_as_text(void)
{
	struct endpoint e = { .port = 25 };
	char buf[ENDPOINT_TEXT];

	addr_parse(&e.ip, "192.0.2.1");
	CHECK_EQ_STR(endpoint_format(&e, buf, sizeof(buf)), "192.0.2.1:25");
	addr_parse(&e.ip, "2001:db8::1");
	CHECK_EQ_STR(endpoint_format(&e, buf, sizeof(buf)), "[2001:db8::1]:25");
	e.port = 0;
	CHECK_EQ_STR(endpoint_format(&e, buf, sizeof(buf)), "2001:db8::1");
}

static void
order_is_total(void)
{
	struct addr a, b, c;

	addr_parse(&a, "9.0.0.1");
	addr_parse(&b, "10.0.0.1");
	addr_parse(&c, "::1");
	CHECK(addr_compare(&a, &b) < 0 && addr_compare(&b, &a) > 0);
	CHECK(addr_compare(&b, &c) < 0);
	CHECK(addr_equal(&a, &a) && !addr_equal(&a, &b));
}

/* These numbers are in files on disk: they must never change. */
static void
ids_are_stable(void)
{
	struct endpoint e = { .port = 25 };
	char buf[ID_TEXT];
	uint64_t id;

	addr_parse(&e.ip, "192.0.2.1");
	id_format(id_end(id_endpoint(ID_SEED, &e)), buf);
	CHECK_EQ_STR(buf, "145f928227fa3072");
	CHECK_EQ_INT(id_parse(&id, buf), 0);
	CHECK_EQ_INT(id, id_end(id_endpoint(ID_SEED, &e)));
	CHECK_EQ_INT(id_parse(&id, "0123456789abcde"), -1);
	CHECK_EQ_INT(id_parse(&id, "0123456789abcdef0"), -1);
	CHECK_EQ_INT(id_parse(&id, "0123456789abcdeg"), -1);
}

static void
same_time(int64_t ns, const char *text)
{
	char buf[WHEN_TEXT];
	int64_t back = 0;

	CHECK_EQ_STR(when_format(ns, buf), text);
	CHECK_EQ_INT(when_parse(&back, text), 0);
	CHECK_EQ_INT(back, ns);
}

static void
times_are_exact(void)
{
	int64_t ns;

	same_time(0, "1970-01-01T00:00:00.000000000Z");
	same_time(1795255200123456789, "2026-11-21T10:00:00.123456789Z");
	same_time(951782400000000000, "2000-02-29T00:00:00.000000000Z");
	same_time(4107542399000000000, "2100-02-28T23:59:59.000000000Z");
	same_time(1798675200000000000, "2026-12-31T00:00:00.000000000Z");
	same_time(-1, "1969-12-31T23:59:59.999999999Z");
	same_time(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
	same_time(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
	CHECK_EQ_INT(when_parse(&ns, "2026-11-21T10:00:00Z"), 0);
	CHECK_EQ_INT(ns, 1795255200000000000);
	CHECK_EQ_INT(when_parse(&ns, "2026-11-21T10:00:00.5Z"), 0);
	CHECK_EQ_INT(ns, 1795255200500000000);
}

static void
other_texts_are_no_times(void)
{
	static const char *const bad[] = { "", "2026", "2026-11-21 10:00:00Z",
		"2026-11-21T10:00:00", "2026-13-21T10:00:00Z", "2026-11-21T24:00:00Z",
		"2026-02-29T10:00:00Z", "2100-02-29T10:00:00Z", "2026-04-31T10:00:00Z",
		"2026-12-32T10:00:00Z", "2026-11-00T10:00:00Z", "2026-11-21T10:00:00.1234567890Z",
		"2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z",
		"9999-11-21T10:00:00Z", "2026-11-21T10:00:00Zx" };
	int64_t ns;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ_INT(when_parse(&ns, bad[i]), -1);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "addresses as text and back", addresses_as_text },
		{ "endpoints as text", endpoints_as_text },
		{ "the order of addresses is total", order_is_total },
		{ "ids are stable", ids_are_stable },
		{ "times are exact to the nanosecond", times_are_exact },
		{ "other texts are no times", other_texts_are_no_times },
	};

	return check_main("addr", t, sizeof(t) / sizeof(t[0]));
}
