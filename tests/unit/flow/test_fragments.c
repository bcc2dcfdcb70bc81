#include "check.h"
#include "flow/packet/fragments.h"

static const uint8_t bytes[65536];

static struct ip_header
header(uint32_t id, uint32_t off, uint32_t len, bool more)
{
	static const uint8_t src[4] = { 192, 0, 2, 10 }, dst[4] = { 198, 51, 100, 25 };

	return (struct ip_header){ .version = 4,
		.proto = PROTO_TCP,
		.ttl = 64,
		.src = src,
		.dst = dst,
		.w = 20 + len,
		.header_len = 20,
		.fragment = true,
		.more = more,
		.frag_id = id,
		.frag_off = off,
		.frag_header = 20 };
}

static enum fragments_rc
add_at(struct fragments *t, int64_t ns, uint32_t id, uint32_t off, uint32_t len, bool more,
    uint32_t captured, struct fragments_whole *out)
{
	struct ip_header ip = header(id, off, len, more);
	struct fragment f = {
		.ip = &ip, .data = bytes + off, .caplen = captured, .len = len, .ts_ns = ns
	};

	return fragments_add(t, &f, out);
}

static enum fragments_rc
add(struct fragments *t, uint32_t id, uint32_t off, uint32_t len, bool more,
    struct fragments_whole *out)
{
	return add_at(t, 1000, id, off, len, more, len, out);
}

/* Every order of four pieces gives the same datagram. */
static void
test_any_order(void)
{
	static const struct {
		uint32_t off, len;
	} piece[4] = {
		{ 0, 480 },
		{ 480, 480 },
		{ 960, 480 },
		{ 1440, 101 },
	};

	for (int order = 0; order < 256; order++) {
		struct fragments *t = fragments_new();
		struct fragments_whole w = { 0 };
		unsigned int seen = 0, whole = 0;

		for (int i = 0; i < 4; i++) {
			int k = order >> (2 * i) & 3;

			whole +=
			    add(t, 1, piece[k].off, piece[k].len, k != 3, &w) == FRAGMENT_WHOLE;
			seen |= 1u << k;
		}
		CHECK_EQ_INT(whole, seen == 15);
		if (whole != 0) {
			CHECK_EQ_INT(w.len, 1541);
			CHECK_EQ_INT(w.w, 1561);
			CHECK_EQ_INT(w.w_fragment, 500);
		}
		fragments_free(t);
	}
}

static void
test_copies(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;

	CHECK_EQ_INT(add(t, 1, 0, 80, true, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add(t, 1, 0, 80, true, &w), FRAGMENT_REPEATED);
	CHECK_EQ_INT(add(t, 1, 80, 20, false, &w), FRAGMENT_WHOLE);
	/* the copies of a second mirror come later than the whole train ... */
	CHECK_EQ_INT(add_at(t, 2000, 1, 0, 80, true, 80, &w), FRAGMENT_REPEATED);
	CHECK_EQ_INT(add_at(t, 2000, 1, 80, 20, false, 20, &w), FRAGMENT_REPEATED);
	/* ... a new train with the same number much later */
	CHECK_EQ_INT(add_at(t, 900000000, 1, 0, 80, true, 80, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add_at(t, 900000000, 1, 80, 20, false, 20, &w), FRAGMENT_WHOLE);
	CHECK_EQ_INT(fragments_counters(t).repeated, 3);
	CHECK_EQ_INT(fragments_counters(t).orphaned, 0);
	CHECK_EQ_INT(fragments_counters(t).whole, 2);
	fragments_free(t);
}

/* Overlaps and contradicting ends: no guess which bytes the receiver took. */
static void
test_contradictions(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;

	CHECK_EQ_INT(add(t, 1, 0, 80, true, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add(t, 1, 40, 80, true, &w), FRAGMENT_DROPPED);
	CHECK_EQ_INT(add(t, 1, 80, 20, false, &w), FRAGMENT_DROPPED);
	CHECK_EQ_INT(fragments_counters(t).orphaned, 3);

	CHECK_EQ_INT(add(t, 2, 80, 20, false, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add(t, 2, 160, 20, false, &w), FRAGMENT_DROPPED); /* another end */

	CHECK_EQ_INT(add(t, 3, 80, 20, false, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add(t, 3, 96, 80, true, &w), FRAGMENT_DROPPED); /* beyond the end */

	CHECK_EQ_INT(add(t, 4, 160, 80, true, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add(t, 4, 80, 20, false, &w), FRAGMENT_DROPPED); /* end before data */
	fragments_free(t);
}

static void
test_impossible(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;

	CHECK_EQ_INT(add(t, 1, 0, 0, true, &w), FRAGMENT_DROPPED);
	CHECK_EQ_INT(add(t, 1, 0, 81, true, &w), FRAGMENT_DROPPED);     /* not in words of eight */
	CHECK_EQ_INT(add(t, 1, 65528, 8, false, &w), FRAGMENT_DROPPED); /* beyond 65535 */
	CHECK_EQ_INT(fragments_counters(t).orphaned, 3);
	CHECK_EQ_INT(add(t, 2, 65504, 11, false, &w), FRAGMENT_WAITING); /* the largest there is */
	CHECK_EQ_INT(add(t, 2, 0, 65504, true, &w), FRAGMENT_WHOLE);
	CHECK_EQ_INT(w.w, 65535);
	fragments_free(t);
}

/* The snap length takes bytes, not lengths. */
static void
test_cut(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;

	add_at(t, 1, 1, 0, 800, true, 800, &w);
	add_at(t, 1, 1, 800, 800, true, 62, &w);
	CHECK_EQ_INT(add_at(t, 1, 1, 1600, 30, false, 30, &w), FRAGMENT_WHOLE);
	CHECK_EQ_INT(w.len, 1630);
	CHECK_EQ_INT(w.caplen, 862);
	fragments_free(t);
}

static void
test_age(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;

	CHECK_EQ_INT(add_at(t, 0, 1, 0, 80, true, 80, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(fragments_counters(t).orphaned, 1);
	CHECK_EQ_INT(add_at(t, 31000000000, 1, 80, 20, false, 20, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(fragments_counters(t).orphaned, 2);
	CHECK_EQ_INT(fragments_counters(t).whole, 0);
	fragments_free(t);
}

/* A flood: bounded in number and bytes, every drop counted, a fresh train still gets through. */
static void
test_flood(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;

	for (uint32_t i = 0; i < 20000; i++)
		add(t, i, i % 2 != 0 ? 60000 : 8, 8, true, &w);
	CHECK(fragments_counters(t).caps > 10000);
	CHECK_EQ_INT(fragments_counters(t).orphaned, 20000);
	CHECK_EQ_INT(add(t, 99999, 0, 80, true, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(add(t, 99999, 80, 8, false, &w), FRAGMENT_WHOLE);

	/* one train in more pieces than are kept apart */
	for (uint32_t i = 0; i < 100; i++)
		add(t, 77777, i * 16, 8, true, &w);
	CHECK_EQ_INT(add(t, 77777, 8, 8, true, &w), FRAGMENT_DROPPED);
	fragments_free(t);
}

/* Numbers are per pair of hosts and protocol. */
static void
test_key(void)
{
	struct fragments *t = fragments_new();
	struct fragments_whole w;
	struct ip_header a = header(5, 0, 80, true), b = header(5, 80, 20, false);
	struct fragment fa = { .ip = &a, .data = bytes, .caplen = 80, .len = 80 };
	struct fragment fb = { .ip = &b, .data = bytes, .caplen = 20, .len = 20 };

	b.proto = PROTO_UDP;
	CHECK_EQ_INT(fragments_add(t, &fa, &w), FRAGMENT_WAITING);
	CHECK_EQ_INT(fragments_add(t, &fb, &w), FRAGMENT_WAITING);
	b.proto = PROTO_TCP;
	b.src = b.dst;
	CHECK_EQ_INT(fragments_add(t, &fb, &w), FRAGMENT_WAITING);
	b.src = a.src;
	CHECK_EQ_INT(fragments_add(t, &fb, &w), FRAGMENT_WHOLE);
	fragments_free(t);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "any order", test_any_order },
		{ "copies", test_copies },
		{ "overlaps and contradictions", test_contradictions },
		{ "impossible fragments", test_impossible },
		{ "snap length", test_cut },
		{ "age", test_age },
		{ "flood", test_flood },
		{ "what keeps trains apart", test_key },
	};

	return check_main("fragments", tests, sizeof(tests) / sizeof(tests[0]));
}
