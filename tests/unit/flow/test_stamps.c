/* The capture's clock was set forward: both ends' time stamps say so, and nothing less. */
#include "check.h"
#include "flow/packet/stamps.h"

#define MS INT64_C(1000000)

static uint64_t frame;

/* A packet of `dir' at `ms' of the capture's clock, with the stamp `val'. */
static bool
said(struct stamps *s, int dir, int64_t ms, uint32_t val, struct clock_jump *jump)
{
	struct packet p = { .kind = PACKET_TCP,
		.flags = TCP_ACK,
		.has_ts = true,
		.tsval = val,
		.at = { ms * MS, ++frame } };

	return stamps_packet(s, &p, dir, jump);
}

/* A dialogue of 200 ms, a tick of `tick' ms. */
static struct stamps
talked(uint32_t tick)
{
	struct stamps s = { 0 };
	struct clock_jump none;

	frame = 0;
	for (int64_t ms = 0; ms <= 200; ms += 20)
		for (int dir = 0; dir < 2; dir++)
			CHECK(!said(&s, dir, ms, 0xfffffff0U + (uint32_t)ms / tick, &none));
	return s;
}

static void
both_stood(void)
{
	struct stamps s = talked(1);
	struct clock_jump j;

	CHECK(!said(&s, 0, 8220, 0xfffffff0U + 220, &j)); /* one end may have slept */
	CHECK(said(&s, 1, 8221, 0xfffffff0U + 221, &j));
	CHECK_EQ_INT(j.from.frame, 22);
	CHECK_EQ_INT(j.to.frame, 23);
	CHECK(j.ns > 7900 * MS && j.ns <= 8000 * MS);
	CHECK(!said(&s, 0, 8240, 0xfffffff0U + 240, &j)); /* told once */
	CHECK(!said(&s, 1, 8240, 0xfffffff0U + 240, &j));
}

/*
 * The other end is heard long after it, when this one has been silent again, as it is while it
 * repeats.
 */
static void
other_heard_late(void)
{
	struct stamps s = talked(1);
	struct clock_jump j;
	struct packet p = {
		.kind = PACKET_TCP, .flags = TCP_ACK, .has_ts = true, .tsval = 0xfffffff0U + 300
	};

	CHECK(!said(&s, 0, 40220, 0xfffffff0U + 220, &j));
	CHECK(!said(&s, 0, 47220, 0xfffffff0U + 7220, &j));
	CHECK(said(&s, 1, 54220, 0xfffffff0U + 14220, &j));
	CHECK_EQ_INT(j.from.frame, 22);
	CHECK_EQ_INT(j.to.frame, 23);
	/*
	 * a silence of two hours by the capture's clock, of 80 ms by its own: the same connection
	 */
	s = talked(1);
	p.at.ns = 7200000 * MS;
	CHECK(stamps_go_on(&s, &p, 0, 900000 * MS));
	p.tsval += 7200000;
	CHECK(!stamps_go_on(&s, &p, 0, 900000 * MS));
	p.tsval = 5; /* another clock, or one of long ago */
	p.has_ts = false;
	CHECK(!stamps_go_on(&s, &p, 0, 900000 * MS));
}

static void
one_slept(void)
{
	struct stamps s = talked(1);
	struct clock_jump j;

	CHECK(!said(&s, 0, 8220, 0xfffffff0U + 220, &j));
	CHECK(!said(&s, 1, 8221, 0xfffffff0U + 8221, &j));
	CHECK(!said(&s, 0, 8222, 0xfffffff0U + 222, &j));
}

/* One after the other: two naps. */
static void
not_at_once(void)
{
	struct stamps s = talked(1);
	struct clock_jump j;

	CHECK(!said(&s, 0, 4200, 0xfffffff0U + 201, &j));
	CHECK(!said(&s, 1, 4200, 0xfffffff0U + 4200, &j));
	CHECK(!said(&s, 0, 8200, 0xfffffff0U + 4201, &j));
	CHECK(!said(&s, 1, 8200, 0xfffffff0U + 4201, &j));
}

static void
real_rest(void)
{
	static const uint32_t ticks[] = { 1, 4, 10, 500, 1000 }; /* 500: BSDs of old */

	for (size_t i = 0; i < 5; i++) {
		struct stamps s = talked(ticks[i]);
		struct clock_jump j;

		for (int dir = 0; dir < 2; dir++) {
			CHECK(!said(&s, dir, 60000, 0xfffffff0U + 60000 / ticks[i], &j));
			CHECK(!said(&s, dir, 60020, 0xfffffff0U + 60020 / ticks[i], &j));
		}
	}
}

/* A proxy that writes the same stamp for ever. */
static void
never_moves(void)
{
	struct stamps s = talked(1000);
	struct clock_jump j;

	for (int dir = 0; dir < 2; dir++)
		CHECK(!said(&s, dir, 60000, 0xfffffff0U, &j));
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "both stood", both_stood },
		{ "the other end is heard late", other_heard_late },
		{ "one slept", one_slept },
		{ "not at once", not_at_once },
		{ "a real rest", real_rest },
		{ "stamps that never move", never_moves },
	};

	return check_main("stamps", tests, sizeof(tests) / sizeof(tests[0]));
}
