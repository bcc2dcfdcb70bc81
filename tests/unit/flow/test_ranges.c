#include "check.h"
#include "flow/stream/ranges.h"

/* "10-20/2 30-40cut": ranges, the segments they were joined from, and those that were cut. */
static const char *
listed(const struct ranges *r)
{
	static char out[400];
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < r->count; i++) {
		const struct range *x = &r->at[i];

		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%llu-%llu", i > 0 ? " " : "",
		    (unsigned long long)x->start, (unsigned long long)x->end);
		at += (size_t)snprintf(
		    out + at, sizeof(out) - at, x->cut ? "cut" : "/%u", x->segments);
	}
	return out;
}

static void
sorted_and_joined(void)
{
	struct ranges r = { 0 };

	CHECK(ranges_add(&r, 30, 40, false));
	CHECK(ranges_add(&r, 10, 20, false));
	CHECK(ranges_add(&r, 50, 60, false));
	CHECK_EQ_STR(listed(&r), "10-20/1 30-40/1 50-60/1");
	ranges_add(&r, 20, 22, false);
	ranges_add(&r, 48, 50, false);
	CHECK_EQ_STR(listed(&r), "10-22/2 30-40/1 48-60/2");
	ranges_add(&r, 22, 30, false);
	CHECK_EQ_STR(listed(&r), "10-40/4 48-60/2");
	ranges_clear(&r);
	CHECK_EQ_STR(listed(&r), "");
}

static void
cut_bytes_stay_apart(void)
{
	struct ranges r = { 0 };

	ranges_add(&r, 10, 20, false);
	ranges_add(&r, 20, 30, true);
	ranges_add(&r, 40, 50, false);
	ranges_add(&r, 30, 40, true);
	CHECK_EQ_STR(listed(&r), "10-20/1 20-40cut 40-50/1");
	ranges_clear(&r);
}

static void
found_and_taken(void)
{
	struct ranges r = { 0 };

	for (uint64_t i = 1; i <= 20; i++)
		ranges_add(&r, i * 10, i * 10 + 5, false);
	CHECK_EQ_INT(ranges_after(&r, 0), 0);
	CHECK_EQ_INT(ranges_after(&r, 14), 0);
	CHECK_EQ_INT(ranges_after(&r, 15), 1);
	CHECK_EQ_INT(ranges_after(&r, 500), 20);
	CHECK_EQ_INT(ranges_shift(&r).start, 10);
	CHECK_EQ_INT(ranges_shift(&r).end, 25);
	CHECK_EQ_INT(r.count, 18);
	ranges_clear(&r);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "sorted and joined", sorted_and_joined },
		{ "cut bytes stay apart", cut_bytes_stay_apart },
		{ "found and taken", found_and_taken },
	};

	return check_main("ranges", tests, sizeof(tests) / sizeof(tests[0]));
}
