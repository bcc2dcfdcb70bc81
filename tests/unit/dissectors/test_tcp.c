#include "check.h"
#include "dissectors/net/tcp.h"

/* 40000 > 25, seq 1, ack 2, ACK, window 501, with `n' bytes of options. */
static size_t
segment(uint8_t *p, const char *options, size_t n)
{
	static const uint8_t head[20] = { 0x9c, 0x40, 0, 25, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0x10, 1,
		0xf5 };

	memcpy(p, head, 20);
	memcpy(p + 20, options, n);
	p[12] = (uint8_t)((20 + n) / 4 << 4);
	return 20 + n;
}

static void
test_plain(void)
{
	struct tcp_header t;
	uint8_t p[60];

	CHECK_EQ_INT(tcp_parse(p, segment(p, "", 0), 20, &t), DISSECT_OK);
	CHECK_EQ_INT(t.sport, 40000);
	CHECK_EQ_INT(t.dport, 25);
	CHECK_EQ_INT(t.seq, 1);
	CHECK_EQ_INT(t.ack, 2);
	CHECK_EQ_INT(t.window, 501);
	CHECK_EQ_INT(t.flags, 0x10);
	CHECK_EQ_INT(t.header_len, 20);
	CHECK_EQ_INT(t.wscale, TCP_WSCALE_NONE);
	CHECK(!t.options_cut && !t.options_bad && !t.has_ts);
}

static void
test_options(void)
{
	static const struct {
		const char *what, *options;
		size_t len;
		uint16_t mss;
		uint8_t wscale, sacks;
		bool permitted, ts, bad;
	} t[] = {
		{ "Linux SYN", "\2\4\5\264\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7", 20, 1460, 7, 0, true,
		    true, false },
		{ "Windows SYN", "\2\4\5\264\1\3\3\10\1\1\4\2", 12, 1460, 8, 0, true, false,
		    false },
		{ "timestamps", "\1\1\10\12\0\0\0\1\0\0\0\2", 12, 0, 255, 0, false, true, false },
		{ "one SACK", "\1\1\5\12\0\0\0\1\0\0\0\2", 12, 0, 255, 1, false, false, false },
		{ "four SACKs",
		    "\1\1\5\42"
		    "aaaabbbbccccddddeeeeffffgggghhhh",
		    36, 0, 255, 4, false, false, false },
		{ "end, then rubbish", "\0\10\1\1", 4, 0, 255, 0, false, false, false },
		{ "length 0", "\2\0\0\0", 4, 0, 255, 0, false, false, true },
		{ "length beyond the header", "\10\12\0\0", 4, 0, 255, 0, false, false, true },
		{ "MSS, then a fault", "\2\4\2\30\3\1\1\1", 8, 536, 255, 0, false, false, true },
		{ "MSS of a wrong length", "\2\3\5\1", 4, 0, 255, 0, false, false, false },
		{ "kind without length", "\1\1\1\10", 4, 0, 255, 0, false, false, true },
		{ "unknown kind", "\375\4\1\2", 4, 0, 255, 0, false, false, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct tcp_header h;
		uint8_t p[60];
		size_t n = segment(p, t[i].options, t[i].len);

		CHECK_EQ_INT(tcp_parse(p, n, n, &h), DISSECT_OK);
		if (h.options_bad != t[i].bad || h.mss != t[i].mss)
			printf("  %s\n", t[i].what);
		CHECK_EQ_INT(h.mss, t[i].mss);
		CHECK_EQ_INT(h.wscale, t[i].wscale);
		CHECK_EQ_INT(h.sack_count, t[i].sacks);
		CHECK_EQ_INT(h.sack_permitted, t[i].permitted);
		CHECK_EQ_INT(h.has_ts, t[i].ts);
		CHECK_EQ_INT(h.options_bad, t[i].bad);
	}
}

static void
test_sack_numbers(void)
{
	struct tcp_header h;
	uint8_t p[60];
	size_t n = segment(p, "\1\1\5\22\0\0\20\0\0\0\40\0\0\0\60\0\0\0\100\0", 20);

	CHECK_EQ_INT(tcp_parse(p, n, n, &h), DISSECT_OK);
	CHECK_EQ_INT(h.sack_count, 2);
	CHECK_EQ_INT(h.sack[0][0], 0x1000);
	CHECK_EQ_INT(h.sack[1][1], 0x4000);
}

/* The snap length: ports to window or nothing; options that may be missing are said to be. */
static void
test_every_prefix(void)
{
	uint8_t p[60];
	size_t full = segment(p, "\2\4\5\264\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7", 20);

	for (size_t n = 0; n <= full; n++) {
		uint8_t *q = malloc(n != 0 ? n : 1);
		struct tcp_header h;

		memcpy(q, p, n);
		CHECK_EQ_INT(tcp_parse(q, n, full, &h), n < 16 ? DISSECT_SHORT : DISSECT_OK);
		if (n >= 16) {
			CHECK_EQ_INT(h.window, 501);
			CHECK_EQ_INT(h.options_cut, n < full);
			CHECK_EQ_INT(h.mss, n >= 24 ? 1460 : 0);
			CHECK_EQ_INT(h.has_ts, n >= 36);
			CHECK(!h.options_bad);
		}
		free(q);
	}
}

static void
test_impossible(void)
{
	struct tcp_header h;
	uint8_t p[60];

	segment(p, "", 0);
	p[12] = 0x40;
	CHECK_EQ_INT(tcp_parse(p, 20, 20, &h), DISSECT_MALFORMED);
	p[12] = 0x60; /* header longer than the segment */
	CHECK_EQ_INT(tcp_parse(p, 20, 20, &h), DISSECT_MALFORMED);
	CHECK_EQ_INT(tcp_parse(p, 19, 19, &h), DISSECT_MALFORMED);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "no options", test_plain },
		{ "options", test_options },
		{ "SACK numbers", test_sack_numbers },
		{ "every prefix", test_every_prefix },
		{ "impossible headers", test_impossible },
	};

	return check_main("tcp", tests, sizeof(tests) / sizeof(tests[0]));
}
