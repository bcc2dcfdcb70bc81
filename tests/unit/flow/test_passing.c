/* How many packets of each size passed: few sizes exactly, many with the large ones kept. */
#include "check.h"
#include "flow/ledger/passing.h"

static struct moment
at(uint64_t frame)
{
	return (struct moment){ (int64_t)frame * 1000, frame };
}

static void
each_size(void)
{
	static const uint32_t w[] = { 1500, 40, 1500, 576, 40, 1500 };
	struct passing p = { .count = 0 };

	for (uint32_t i = 0; i < 6; i++) {
		struct moment m = at(i + 1);

		passing_note(&p, w[i], &m);
	}
	passing_settle(&p);
	passing_settle(&p);
	CHECK_EQ_INT(p.count, 3);
	CHECK_EQ_INT(p.v[0].w, 40);
	CHECK_EQ_INT(p.v[0].n, 2);
	CHECK_EQ_INT(p.v[0].last.frame, 5);
	CHECK_EQ_INT(p.v[1].w, 576);
	CHECK_EQ_INT(p.v[2].w, 1500);
	CHECK_EQ_INT(p.v[2].n, 3);
	CHECK_EQ_INT(p.v[2].last.frame, 6);
	CHECK(!p.v[0].folded);
}

/* Whatever the order, nothing is lost from the sum and the largest sizes stay apart. */
static void
many_sizes(void)
{
	for (uint32_t step = 1; step < 101; step += 2) {
		struct passing p = { .count = 0 };
		uint32_t sum = 0;

		for (uint32_t i = 0; i < 303; i++) {
			struct moment m = at(i + 1);

			passing_note(&p, 100 + i * step % 101, &m);
		}
		passing_settle(&p);
		CHECK_EQ_INT(p.count, RECORD_SIZES);
		for (uint32_t i = 0; i < p.count; i++) {
			sum += p.v[i].n;
			CHECK(i == 0 || p.v[i].w > p.v[i - 1].w);
			CHECK(i == 0 || !p.v[i].folded);
		}
		CHECK(p.v[0].folded);
		CHECK_EQ_INT(sum, 303);
		CHECK_EQ_INT(p.v[RECORD_SIZES - 1].w, 200);
		CHECK_EQ_INT(p.v[RECORD_SIZES - 1].n, 3);
		CHECK_EQ_INT(p.v[0].w, 201 - RECORD_SIZES);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "each size", each_size },
		{ "many sizes", many_sizes },
	};

	return check_main("passing", tests, sizeof(tests) / sizeof(tests[0]));
}
