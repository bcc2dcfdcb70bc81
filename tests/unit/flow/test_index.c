/*
 * Entries by their fingerprints: all that are in it are found, and nobody else, however they crowd.
 */
#include "check.h"
#include "flow/table/index.h"

static bool
found(const struct index *x, uint32_t print, uint32_t entry)
{
	uint32_t at = print, i;

	while ((i = index_next(x, print, &at)) != 0)
		if (i == entry + 1)
			return true;
	return false;
}

static void
equal_prints_are_all_found(void)
{
	struct index x;

	CU_ASSERT_FATAL(index_init(&x));
	for (uint32_t i = 0; i < 20; i++)
		index_put(&x, 77, i);
	index_put(&x, 78, 100);
	for (uint32_t i = 0; i < 20; i++)
		CHECK(found(&x, 77, i));
	CHECK(found(&x, 78, 100));
	CHECK(!found(&x, 78, 5) && !found(&x, 79, 0) && !found(&x, 77 + 1024, 0));
	index_free(&x);
}

/* Homes at the end of the slots: the crowd goes on at the beginning. */
static void
a_crowd_outlives_whom_it_loses(void)
{
	struct index x;
	uint32_t wrong = 0;

	CU_ASSERT_FATAL(index_init(&x));
	for (uint32_t i = 0; i < 60; i++)
		index_put(&x, x.mask - 10 + i % 20, i);
	for (uint32_t gone = 0; gone < 60; gone++) {
		uint32_t out = gone * 7 % 60;

		index_remove(&x, x.mask - 10 + out % 20, out);
		for (uint32_t i = 0; i < 60; i++) {
			bool there = true;

			for (uint32_t g = 0; g <= gone; g++)
				there = there && g * 7 % 60 != i;
			wrong += found(&x, x.mask - 10 + i % 20, i) != there;
		}
	}
	CHECK_EQ_INT(wrong, 0);
	index_free(&x);
}

static void
it_grows_with_its_entries(void)
{
	struct index x;
	uint32_t wrong = 0;

	CU_ASSERT_FATAL(index_init(&x));
	for (uint32_t i = 0; i < 5000; i++) {
		wrong += !index_room(&x, i + 1);
		index_put(&x, i * 2654435761u, i);
	}
	for (uint32_t i = 0; i < 5000; i++)
		wrong += !found(&x, i * 2654435761u, i);
	CHECK_EQ_INT(wrong, 0);
	CHECK(x.mask + 1 >= 2 * 5000);
	index_free(&x);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "equal prints are all found", equal_prints_are_all_found },
		{ "a crowd outlives whom it loses", a_crowd_outlives_whom_it_loses },
		{ "it grows with its entries", it_grows_with_its_entries },
	};

	return check_main("index", tests, sizeof(tests) / sizeof(tests[0]));
}
