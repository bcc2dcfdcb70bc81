/* test_allowance.c - so many at once, and one more each second. */
#include "check.h"
#include "flow/allowance.h"

#define SECOND INT64_C(1000000000)
#define BEGIN  (INT64_C(1700000000) * SECOND)

static unsigned
taken(struct allowance *a, unsigned asked, int64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < asked; i++)
		n += allowance_take(a, 10, now);
	return n;
}

static void
test_burst_and_rest(void)
{
	struct allowance a = { 0 };

	CHECK_EQ_INT(taken(&a, 100, BEGIN), 10);
	CHECK_EQ_INT(taken(&a, 100, BEGIN + SECOND - 1), 0);
	CHECK_EQ_INT(taken(&a, 100, BEGIN + SECOND), 1);
	CHECK_EQ_INT(taken(&a, 100, BEGIN + 5 * SECOND / 2), 1);
	CHECK_EQ_INT(taken(&a, 100, BEGIN + 3 * SECOND), 1); /* halves of seconds are not lost */
	CHECK_EQ_INT(taken(&a, 100, BEGIN + 1000 * SECOND), 10);
}

/* One a second, for ever. */
static void
test_steady(void)
{
	struct allowance a = { 0 };
	unsigned n = 0;

	for (int64_t s = 0; s < 10000; s++)
		n += taken(&a, 1, BEGIN + s * SECOND);
	CHECK_EQ_INT(n, 10000);
}

static void
test_clock_that_jumps(void)
{
	struct allowance a = { 0 };

	CHECK_EQ_INT(taken(&a, 100, BEGIN), 10);
	CHECK_EQ_INT(taken(&a, 100, BEGIN - 500 * SECOND), 0);
	CHECK_EQ_INT(taken(&a, 100, BEGIN - 497 * SECOND), 3);
	CHECK_EQ_INT(taken(&a, 100, INT64_MAX), 10);
	CHECK_EQ_INT(taken(&a, 100, INT64_MIN), 0);
	CHECK_EQ_INT(taken(&a, 100, INT64_MAX), 10);
	CHECK_EQ_INT(taken(&a, 100, 0), 0);
	CHECK_EQ_INT(taken(&a, 100, 2 * SECOND), 2);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "burst and rest", test_burst_and_rest },
		{ "steady", test_steady },
		{ "a clock that jumps", test_clock_that_jumps },
	};

	return check_main("allowance", tests, sizeof(tests) / sizeof(tests[0]));
}
