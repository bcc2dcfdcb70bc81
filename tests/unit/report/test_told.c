/* Findings told while they are made: each once, however many there are. */
#include "check.h"
#include "report/told.h"

static bool
news(struct told *t, uint64_t id, uint32_t revision, enum confidence confidence, bool retracted)
{
	struct finding f = {
		.id = id, .revision = revision, .confidence = confidence, .retracted = retracted
	};

	return told_is_news(t, &f, true);
}

static void
test_each_once(void)
{
	struct told *t = told_new();

	told_turn(t);
	CHECK(news(t, 7, 1, CONFIDENCE_PROBABLE, false));
	CHECK(!news(t, 8, 1, CONFIDENCE_PROBABLE, true)); /* taken back before it was told */
	told_turn(t);
	CHECK(!news(t, 7, 1, CONFIDENCE_PROBABLE, false));
	CHECK(news(t, 7, 2, CONFIDENCE_PROBABLE, false));
	CHECK(news(t, 7, 2, CONFIDENCE_CONFIRMED, false));
	CHECK(news(t, 7, 2, CONFIDENCE_CONFIRMED, true));
	CHECK(!news(t, 7, 2, CONFIDENCE_CONFIRMED, true));
	CHECK(told_left(t) == 0);
	told_free(t);
}

/*
 * What stands is told once, however many there are; what is over is forgotten, and new when it
 * comes again.
 */
static void
test_very_many(void)
{
	enum { MANY = 20000 };
	const uint64_t step = 0x9e3779b97f4a7c15u;
	struct told *t = told_new();

	for (int turn = 0; turn < 3; turn++) {
		told_turn(t);
		for (uint64_t i = 1; i <= MANY; i++)
			CHECK(news(t, i * step, 1, CONFIDENCE_PROBABLE, false) == (turn == 0));
	}
	for (int turn = 0; turn < 3; turn++) {
		told_turn(t);
		for (uint64_t i = 2; i <= MANY; i++)
			CHECK(!news(t, i * step, 1, CONFIDENCE_PROBABLE, false));
	}
	CHECK(news(t, step, 1, CONFIDENCE_PROBABLE, false));
	CHECK(told_left(t) == 0);
	told_free(t);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "each is told once", test_each_once },
		{ "very many at once", test_very_many },
	};

	return check_main("told", tests, sizeof(tests) / sizeof(tests[0]));
}
