#include "check.h"
#include "flow/stream/offsets.h"

/* What was put, all of it, in a plain table. */
static struct offset_entry naive[3 * OFFSETS_MAX];
static uint32_t naive_count;

static void
naive_put(uint64_t off, struct moment at)
{
	for (uint32_t i = 0; i < naive_count; i++)
		if (naive[i].off == off)
			return;
	naive[naive_count++] = (struct offset_entry){ off, at };
}

static uint64_t
naive_frame(uint64_t off)
{
	const struct offset_entry *best = NULL;

	for (uint32_t i = 0; i < naive_count; i++)
		if (naive[i].off <= off && (best == NULL || naive[i].off > best->off))
			best = &naive[i];
	return best != NULL ? best->at.frame : 0;
}

static uint32_t
noise(void)
{
	static uint32_t n = 1;

	return (n = n * 1664525 + 1013904223) >> 8;
}

/* Mostly in order, some behind, some twice. */
static void
agrees_with_a_table(void)
{
	struct offsets_budget b = { .max = 1 << 20 };
	struct offsets o = { 0 };
	uint64_t off = 0, late;
	unsigned wrong = 0;

	naive_count = 0;
	CHECK_EQ_INT(offsets_at(&o, 77).frame, 0);
	for (int64_t frame = 1; frame < 900; frame++) {
		late = noise() % 5 == 0 ? off - noise() % (off + 1) : off;
		offsets_put(&o, &b, late, (struct moment){ frame * 10, (uint64_t)frame });
		naive_put(late, (struct moment){ frame * 10, (uint64_t)frame });
		if (late == off && noise() % 8 != 0)
			off += 1 + noise() % 1448;
		for (int i = 0; i < 4; i++) {
			uint64_t asked = noise() % (off + 2000);
			uint64_t want = naive_frame(asked);

			wrong += want != 0 && offsets_at(&o, asked).frame != want;
		}
	}
	CHECK_EQ_INT(wrong, 0);
	CHECK_EQ_INT(b.hits, 0);
	offsets_clear(&o, &b);
	CHECK_EQ_INT(b.used, 0);
}

/* Full: the oldest go, and what they covered is answered with the oldest that is left. */
static void
the_oldest_go(void)
{
	struct offsets_budget b = { .max = 1 << 20 };
	struct offsets o = { 0 };

	for (uint64_t i = 0; i < OFFSETS_MAX + 100; i++)
		offsets_put(&o, &b, i * 10, (struct moment){ (int64_t)i, i + 1 });
	CHECK_EQ_INT(offsets_at(&o, 5).frame, 101);
	CHECK_EQ_INT(offsets_at(&o, 1005).frame, 101);
	CHECK_EQ_INT(offsets_at(&o, 1010).frame, 102);
	CHECK_EQ_INT(offsets_at(&o, UINT64_MAX).frame, OFFSETS_MAX + 100);
	offsets_clear(&o, &b);
}

/* Without memory for more the first few are known, and it is counted. */
static void
the_budget_holds(void)
{
	struct offsets_budget b = { .max = 0 };
	struct offsets o = { 0 };

	for (uint64_t i = 0; i < 40; i++)
		offsets_put(&o, &b, i * 10, (struct moment){ (int64_t)i, i + 1 });
	CHECK_EQ_INT(o.size, 16);
	CHECK_EQ_INT(b.hits, 24);
	CHECK_EQ_INT(offsets_at(&o, 399).frame, 40);
	CHECK_EQ_INT(offsets_at(&o, 0).frame, 25);
	offsets_clear(&o, &b);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "agrees with a table", agrees_with_a_table },
		{ "the oldest go", the_oldest_go },
		{ "the budget holds", the_budget_holds },
	};

	return check_main("offsets", tests, sizeof(tests) / sizeof(tests[0]));
}
