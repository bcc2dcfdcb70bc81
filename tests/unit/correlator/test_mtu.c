/*
 * The path-MTU estimate: what an administrator is told to set, and that evidence joins in any
 * order.
 */
#include "check.h"
#include "correlator/facts/mtu.h"

static struct finding f;

static void
estimate(uint32_t proven, uint32_t lost, uint8_t family)
{
	struct mtu_bounds b = { .family = family, .proven = proven, .lost = lost };

	mtu_estimate(&b, &f);
}

/* The seed: 1492-byte packets vanish, so try 1454, MSS 1414. */
static void
seed_case(void)
{
	estimate(92, 1492, 4);
	CHECK(f.has_mtu);
	CHECK_EQ_INT(f.mtu.try, 1454);
	CHECK_EQ_INT(f.mtu.mss, 1414);
	CHECK_EQ_INT(f.mtu.upper, 1491);
	CHECK_EQ_INT(f.mtu.proven, 92);
	CHECK_EQ_INT(f.mtu.safe, 0); /* nothing large is proven */
}

static void
full_ethernet(void)
{
	estimate(92, 1500, 4);
	CHECK_EQ_INT(f.mtu.try, 1492);
	CHECK_EQ_INT(f.mtu.candidates[1], 1454);
	estimate(1454, 1500, 4);
	CHECK_EQ_INT(f.mtu.try, 1492);
	CHECK_EQ_INT(f.mtu.safe, 1454);
	for (uint32_t i = 0; i < f.mtu.candidate_count; i++)
		CHECK(f.mtu.candidates[i] >= 1454 && f.mtu.candidates[i] < 1500);
	estimate(1496, 1500, 4); /* within 8 bytes: known */
	CHECK_EQ_INT(f.mtu.try, 1496);
}

static void
jumbo_frames(void)
{
	estimate(560, 9000, 4); /* first what every link carries */
	CHECK_EQ_INT(f.mtu.try, 1500);
	CHECK_EQ_INT(f.mtu.mss, 1460);
	CHECK_EQ_INT(f.mtu.candidates[1], 1496);
	estimate(2500, 9000, 4);
	CHECK_EQ_INT(f.mtu.try, 8166);
}

/* Not less than what every host takes, where that is proven. */
static void
safe_sizes(void)
{
	estimate(655, 1492, 4);
	CHECK_EQ_INT(f.mtu.safe, 576);
	estimate(1107, 1500, 4);
	CHECK_EQ_INT(f.mtu.safe, 1006);
	estimate(1107, 1500, 6);
	CHECK_EQ_INT(f.mtu.safe, 0);
	estimate(1300, 1500, 6);
	CHECK_EQ_INT(f.mtu.safe, 1280);
}

static void
version_6(void)
{
	estimate(112, 1500, 6);
	CHECK_EQ_INT(f.mtu.mss, 1432);
	for (uint32_t i = 0; i < f.mtu.candidate_count; i++)
		CHECK(f.mtu.candidates[i] >= 1280);
	estimate(0, 1280, 6); /* below what IPv6 allows: no advice */
	CHECK_EQ_INT(f.mtu.try, 0);
	CHECK_EQ_INT(f.mtu.mss, 0);
}

static void
told(void)
{
	struct mtu_bounds b = { .family = 4, .proven = 92 };

	mtu_told(&b, 1454);
	mtu_told(&b, 1400);
	mtu_estimate(&b, &f);
	CHECK_EQ_INT(f.mtu.try, 1400);
	CHECK_EQ_INT(f.mtu.upper, 1400);
	CHECK_EQ_INT(f.mtu.mss, 1360);
	CHECK_EQ_INT(f.mtu.candidate_count, 1);
}

static void
no_size_left(void)
{
	for (uint32_t lost = 0; lost < 1600; lost += 7)
		for (uint32_t proven = 0; proven < 1600; proven += 13) {
			estimate(proven, lost, 4);
			CHECK(f.mtu.candidate_count <= FINDING_CANDIDATES);
			if (lost != 0 && proven < lost)
				CHECK(f.mtu.try < lost && (f.mtu.try >= proven || f.mtu.try == 0));
			CHECK(f.mtu.safe <= proven);
		}
}

/* ---- 2.6: a join-semilattice -------------------------------------------------- */

static struct mtu_bounds
random_bounds(uint32_t *seed)
{
	struct mtu_bounds b = { .family = 4 };

	*seed = *seed * 1664525u + 1013904223u;
	b.proven = (*seed >> 8) % 1600;
	if (*seed & 1)
		b.lost = (*seed >> 9) % 1600 + 1;
	b.pppoe = (*seed >> 30) & 1;
	for (uint32_t i = 0; i < (*seed >> 4) % 12; i++) {
		*seed = *seed * 1664525u + 1013904223u;
		mtu_told(&b, 500 + (*seed >> 10) % 1000);
	}
	return b;
}

static struct mtu_bounds
join(struct mtu_bounds a, const struct mtu_bounds *b)
{
	mtu_join(&a, b);
	/* only what counts is compared */
	for (uint32_t i = a.exact_count; i < MTU_EXACT; i++)
		a.exact[i] = 0;
	return a;
}

static void
join_laws(void)
{
	uint32_t seed = 3;

	for (int i = 0; i < 20000; i++) {
		struct mtu_bounds a = random_bounds(&seed), b = random_bounds(&seed),
				  c = random_bounds(&seed);
		struct mtu_bounds ab = join(a, &b), ba = join(b, &a), bc = join(b, &c);
		struct mtu_bounds left = join(ab, &c), right = join(a, &bc), again = join(ab, &b);

		CHECK_EQ_MEM(&ab, &ba, sizeof(ab));
		CHECK_EQ_MEM(&left, &right, sizeof(left));
		CHECK_EQ_MEM(&again, &ab, sizeof(ab));
	}
}

static void
contradiction(void)
{
	struct mtu_bounds a = { .family = 4, .proven = 1500 }, b = { .family = 4, .lost = 1492 };

	CHECK(!mtu_inconsistent(&a));
	CHECK(!mtu_inconsistent(&b));
	mtu_join(&a, &b);
	CHECK(mtu_inconsistent(&a));
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "U = 1492: 1454, MSS 1414", seed_case },
		{ "U = 1500", full_ethernet },
		{ "jumbo frames", jumbo_frames },
		{ "safe sizes", safe_sizes },
		{ "IPv6", version_6 },
		{ "a router told the MTU", told },
		{ "any bounds", no_size_left },
		{ "the join is commutative, associative, idempotent", join_laws },
		{ "a contradiction shows", contradiction },
	};

	return check_main("mtu", tests, sizeof(tests) / sizeof(tests[0]));
}
