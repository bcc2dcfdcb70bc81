/* test_sorter.c - things come back in their order, however few of them fit in memory. */
#include "check.h"

#include "report/sorter.h"

#include <errno.h>

struct thing {
	uint32_t key, serial;
};

static int
thing_order(const void *va, const void *vb)
{
	const struct thing *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

/* Each comes once, in order; equal keys as they were put. */
static void
put_and_take(uint32_t n, size_t most)
{
	struct sorter *s = sorter_new(sizeof(struct thing), most, thing_order);
	struct thing x = { 0, 0 }, before = { 0, 0 };
	const struct thing *t;
	uint64_t sum = 0, want = 0;
	uint32_t seed = 7, got = 0;

	CU_ASSERT_FATAL(s != NULL);
	for (uint32_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		x.key = seed >> 16 & 1023;
		x.serial = i + 1;
		want += (uint64_t)x.key << 20 ^ x.serial;
		CHECK_EQ_INT(sorter_put(s, &x), 0);
	}
	while ((t = sorter_take(s)) != NULL) {
		CHECK(got == 0 || thing_order(&before, t) < 0);
		before = *t;
		sum += (uint64_t)t->key << 20 ^ t->serial;
		got++;
	}
	CHECK_EQ_INT(errno, 0);
	CHECK(sorter_take(s) == NULL);
	CHECK_EQ_INT(got, n);
	CHECK(sum == want);
	sorter_free(s);
}

static void
all_in_memory(void)
{
	put_and_take(0, 10);
	put_and_take(1, 10);
	put_and_take(10, 10);
	put_and_take(2000, 5000);
}

static void
runs_in_a_file(void)
{
	put_and_take(11, 10);
	put_and_take(20, 10);
	put_and_take(5000, 1000);
	put_and_take(5001, 1000);
	put_and_take(9999, 100); /* one thing of each run at hand */
}

/* More runs than things in memory cannot be merged: that is said. */
static void
too_many_runs(void)
{
	struct sorter *s = sorter_new(sizeof(struct thing), 4, thing_order);
	struct thing x = { 0, 0 };

	CU_ASSERT_FATAL(s != NULL);
	for (x.serial = 1; x.serial <= 17; x.serial++)
		CHECK_EQ_INT(sorter_put(s, &x), 0);
	CHECK(sorter_take(s) == NULL);
	CHECK_EQ_INT(errno, ENOMEM);
	sorter_free(s);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "all in memory", all_in_memory },
		{ "runs in a file", runs_in_a_file },
		{ "too many runs", too_many_runs },
	};

	return check_main("sorter", t, sizeof(t) / sizeof(t[0]));
}
