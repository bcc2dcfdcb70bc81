#include "check.h"
#include "dissectors/net/ip.h"

/* 192.0.2.10 > 198.51.100.25, TCP, id 0x1234, DF, TTL 64, 60 bytes. */
static const uint8_t ip4[20] = { 0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 10,
	198, 51, 100, 25 };

/* Hop-by-hop, then fragment header (id 0xabcd), then TCP; payload length 36. */
/* clang-format off */
static const uint8_t ip6[56] = {
	0x60, 0, 0, 0, 0, 36, 0, 64,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	44, 0, 5, 2, 0, 0, 1, 0,
	6, 0, 0, 1, 0, 0, 0xab, 0xcd,
};
/* clang-format on */

static enum dissect_rc
parse(const uint8_t *p, size_t len, size_t wire, struct ip_header *h)
{
	return ip_parse(p, len, wire, h);
}

static void
test_ip4(void)
{
	struct ip_header h;

	CHECK_EQ_INT(parse(ip4, 20, 60, &h), DISSECT_OK);
	CHECK_EQ_INT(h.version, 4);
	CHECK_EQ_INT(h.w, 60);
	CHECK_EQ_INT(h.header_len, 20);
	CHECK_EQ_INT(h.proto, PROTO_TCP);
	CHECK_EQ_INT(h.ttl, 64);
	CHECK_EQ_INT(h.frag_id, 0x1234);
	CHECK(h.df && !h.fragment);
	CHECK_EQ_MEM(h.src, ip4 + 12, 4);
	CHECK_EQ_MEM(h.dst, ip4 + 16, 4);
}

static void
test_ip4_impossible(void)
{
	struct ip_header h;
	uint8_t p[20];

	memcpy(p, ip4, sizeof(p));
	p[0] = 0x44;
	CHECK_EQ_INT(parse(p, 20, 60, &h), DISSECT_MALFORMED);
	p[0] = 0x46; /* options that are not captured */
	CHECK_EQ_INT(parse(p, 20, 60, &h), DISSECT_SHORT);
	p[0] = 0x45;
	p[3] = 19; /* shorter than its own header */
	CHECK_EQ_INT(parse(p, 20, 60, &h), DISSECT_MALFORMED);
	p[3] = 0; /* 0: the frame tells */
	CHECK_EQ_INT(parse(p, 20, 7000, &h), DISSECT_OK);
	CHECK_EQ_INT(h.w, 7000);
	p[0] = 0x55;
	CHECK_EQ_INT(parse(p, 20, 60, &h), DISSECT_MALFORMED);
}

static void
test_ip4_fragment(void)
{
	struct ip_header h;
	uint8_t p[20];

	memcpy(p, ip4, sizeof(p));
	p[6] = 0x20;
	p[7] = 0;
	CHECK_EQ_INT(parse(p, 20, 60, &h), DISSECT_OK);
	CHECK(h.fragment && h.more && !h.df);
	CHECK_EQ_INT(h.frag_off, 0);
	p[6] = 0;
	p[7] = 185;
	CHECK_EQ_INT(parse(p, 20, 60, &h), DISSECT_OK);
	CHECK(h.fragment && !h.more);
	CHECK_EQ_INT(h.frag_off, 1480);
}

static void
test_ip6(void)
{
	struct ip_header h;

	CHECK_EQ_INT(parse(ip6, sizeof(ip6), 76, &h), DISSECT_OK);
	CHECK_EQ_INT(h.version, 6);
	CHECK_EQ_INT(h.w, 76);
	CHECK_EQ_INT(h.header_len, 56);
	CHECK_EQ_INT(h.frag_header, 48);
	CHECK_EQ_INT(h.proto, PROTO_TCP);
	CHECK(h.fragment && h.more && h.df);
	CHECK_EQ_INT(h.frag_id, 0xabcd);
}

/* A chain of headers that only goes round costs a bounded time. */
static void
test_ip6_endless(void)
{
	static uint8_t p[40 + 64 * 8];
	struct ip_header h;

	memcpy(p, ip6, 40);
	p[4] = 64 * 8 >> 8;
	p[5] = (uint8_t)(64 * 8);
	CHECK_EQ_INT(parse(p, sizeof(p), sizeof(p), &h), DISSECT_MALFORMED);
}

static void
test_ip6_jumbo(void)
{
	uint8_t p[48];
	struct ip_header h;

	memcpy(p, ip6, sizeof(p));
	p[4] = p[5] = 0;
	memcpy(p + 40, "\x06\x00\xc2\x04\x00\x01\x86\xa0", 8); /* 100,000 bytes */
	CHECK_EQ_INT(parse(p, sizeof(p), 65000, &h), DISSECT_OK);
	CHECK_EQ_INT(h.w, 100040);
	memcpy(p + 44, "\xff\xff\xff\xff", 4); /* more than 32 bits can say */
	CHECK_EQ_INT(parse(p, sizeof(p), 65000, &h), DISSECT_OK);
	CHECK_EQ_INT(h.w, 65000);
}

static void
test_every_prefix(void)
{
	struct ip_header h;

	for (size_t n = 0; n < sizeof(ip6); n++) {
		uint8_t *p = malloc(n != 0 ? n : 1);

		memcpy(p, ip6, n);
		CHECK_EQ_INT(parse(p, n, 76, &h), DISSECT_SHORT);
		memcpy(p, ip4, n < 20 ? n : 20);
		if (n < 20)
			CHECK_EQ_INT(parse(p, n, 60, &h), DISSECT_SHORT);
		free(p);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "IPv4", test_ip4 },
		{ "IPv4, impossible headers", test_ip4_impossible },
		{ "IPv4 fragments", test_ip4_fragment },
		{ "IPv6 with extension headers", test_ip6 },
		{ "IPv6, endless extension headers", test_ip6_endless },
		{ "IPv6 jumbograms", test_ip6_jumbo },
		{ "every prefix", test_every_prefix },
	};

	return check_main("ip", tests, sizeof(tests) / sizeof(tests[0]));
}
