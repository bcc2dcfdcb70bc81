/* test_link.c - frames of every link layer; the whole way down is tested in flow/test_decode.c. */
#include "check.h"
#include "dissectors/net/link.h"

struct link_test {
	const char *what;
	uint32_t link_type;
	uint8_t bytes[80];
	size_t len;
	enum dissect_rc rc;
	uint16_t ethertype;
	size_t off;
};

#define MAC 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4

static const struct link_test cases[] = {
	{ "IPv4", LINK_ETHERNET, { MAC, 8, 0, 0x45 }, 15, DISSECT_OK, 0x0800, 14 },
	{ "IPv6", LINK_ETHERNET, { MAC, 0x86, 0xdd, 0x60 }, 15, DISSECT_OK, 0x86dd, 14 },
	{ "VLAN", LINK_ETHERNET, { MAC, 0x81, 0, 0, 9, 8, 0 }, 18, DISSECT_OK, 0x0800, 18 },
	{ "ARP", LINK_ETHERNET, { MAC, 8, 6, 0 }, 15, DISSECT_NOTMINE, 0, 0 },
	{ "spanning tree", LINK_ETHERNET, { MAC, 0, 38, 0x42, 0x42, 3 }, 17, DISSECT_NOTMINE, 0,
	    0 },
	{ "PPPoE discovery", LINK_ETHERNET, { MAC, 0x88, 0x63, 0x11, 9, 0, 0, 0, 0 }, 20,
	    DISSECT_NOTMINE, 0, 0 },
	{ "PPP LCP", LINK_PPP, { 0xff, 3, 0xc0, 0x21, 1 }, 5, DISSECT_NOTMINE, 0, 0 },
	{ "MPLS, unknown inside", LINK_ETHERNET, { MAC, 0x88, 0x47, 0, 0, 1, 64, 0x70 }, 19,
	    DISSECT_NOTMINE, 0, 0 },
	{ "nine VLAN tags", LINK_ETHERNET,
	    { MAC, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81,
		0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81 },
	    47, DISSECT_MALFORMED, 0, 0 },
	{ "null, family nobody has", LINK_NULL, { 7, 0, 0, 0, 0x45 }, 5, DISSECT_NOTMINE, 0, 0 },
	{ "raw, version 5", LINK_RAW, { 0x55 }, 1, DISSECT_NOTMINE, 0, 0 },
	{ "cooked, not Ethernet", LINK_SLL, { [15] = 4 }, 16, DISSECT_NOTMINE, 0, 0 },
	{ "macOS, any: loopback", LINK_PKTAP, { 44, 0, 0, 0, 1, 0, 0, 0, 0, [44] = 2, 0, 0, 0 }, 48,
	    DISSECT_OK, 0x0800, 48 },
	{ "macOS, any: raw IP", LINK_PKTAP_OLD, { 44, 0, 0, 0, 1, 0, 0, 0, 12, [44] = 0x60 }, 45,
	    DISSECT_OK, 0x86dd, 44 },
	{ "macOS, not a packet", LINK_PKTAP, { 44, 0, 0, 0, 0, 0, 0, 0, 12, [44] = 0x60 }, 45,
	    DISSECT_NOTMINE, 0, 0 },
	{ "a user's own link type", LINK_PKTAP_OLD, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, 12,
	    DISSECT_NOTMINE, 0, 0 },
	{ "pflog", LINK_PFLOG, { 61, 2, [64] = 0x45 }, 48, DISSECT_SHORT, 0, 0 },
	{ "pflog, old and short", LINK_PFLOG, { 28, 24, [28] = 0x60 }, 29, DISSECT_OK, 0x86dd, 28 },
	{ "nflog", LINK_NFLOG,
	    { 2, 0, 0, 5, 8, 0, 1, 0, 8, 0, 1, 0, 5, 0, 10, 0, 0, 0, 0, 0, 24, 0, 9, 0, 0x45 }, 25,
	    DISSECT_OK, 0x0800, 24 },
	{ "nflog, big endian", LINK_NFLOG,
	    { 10, 0, 0, 5, 0, 8, 0, 1, 8, 0, 1, 0, 0, 24, 0, 9, 0x60 }, 17, DISSECT_OK, 0x86dd,
	    16 },
	{ "nflog, an attribute of no length", LINK_NFLOG, { 2, 0, 0, 5, 0, 0, 1, 0 }, 8,
	    DISSECT_MALFORMED, 0, 0 },
	{ "wireless", LINK_80211, { 8, 2, [24] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45 }, 33,
	    DISSECT_OK, 0x0800, 32 },
	{ "wireless, quality of service", LINK_80211,
	    { 0x88, 1, [26] = 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd, 0x60 }, 35, DISSECT_OK, 0x86dd,
	    34 },
	{ "wireless, between access points", LINK_80211,
	    { 8, 3, [30] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45 }, 39, DISSECT_OK, 0x0800, 38 },
	{ "wireless, encrypted", LINK_80211, { 8, 0x42, [24] = 0xaa }, 33, DISSECT_NOTMINE, 0, 0 },
	{ "wireless, a beacon", LINK_80211, { 0x80, 0 }, 24, DISSECT_NOTMINE, 0, 0 },
	{ "radiotap", LINK_RADIOTAP,
	    { 0, 0, 9, 0, 2, 0, 0, 0, 0x10, 8, 2, [33] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45 }, 42,
	    DISSECT_OK, 0x0800, 41 },
	{ "radiotap, padded header", LINK_RADIOTAP,
	    { 0, 0, 9, 0, 2, 0, 0, 0, 0x20, 0x88, 2, [37] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 }, 45,
	    DISSECT_OK, 0x0800, 45 },
	{ "radiotap, time and two words", LINK_RADIOTAP,
	    { 0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, [24] = 0x20, 8, 2, [47] = 0 }, 48,
	    DISSECT_SHORT, 0, 0 },
	{ "per-packet information", LINK_PPI,
	    { 0, 0, 8, 0, 105, 0, 0, 0, 8, 2, [32] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45 }, 41,
	    DISSECT_OK, 0x0800, 40 },
	{ "wrapped in itself", LINK_PPI,
	    { 0, 0, 8, 0, 192, 0, 0, 0, 0, 0, 8, 0, 192, 0, 0, 0, 0, 0, 8, 0, 192, 0, 0, 0, 0, 0, 8,
		0, 192, 0, 0, 0, 0, 0, 8, 0, 192, 0, 0, 0 },
	    40, DISSECT_MALFORMED, 0, 0 },
	{ "unknown link type", 4711, { 0x45 }, 1, DISSECT_NOTMINE, 0, 0 },
	{ "nothing", LINK_ETHERNET, { 0 }, 0, DISSECT_SHORT, 0, 0 },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct link_test *t = &cases[i];
		struct link_header h;

		if (link_parse(t->link_type, t->bytes, t->len, &h) != t->rc)
			printf("  %s\n", t->what);
		CHECK_EQ_INT(link_parse(t->link_type, t->bytes, t->len, &h), t->rc);
		if (t->rc == DISSECT_OK) {
			CHECK_EQ_INT(h.ethertype, t->ethertype);
			CHECK_EQ_INT(h.off, t->off);
		}
	}
}

/* A prefix is SHORT until the header is whole; it never turns into something else. */
static void
test_every_prefix(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct link_test *t = &cases[i];

		for (size_t n = 0; n < t->len; n++) {
			uint8_t *p = malloc(n != 0 ? n : 1);
			struct link_header h;
			enum dissect_rc rc;

			memcpy(p, t->bytes, n);
			rc = link_parse(t->link_type, p, n, &h);
			CHECK(rc == DISSECT_SHORT || rc == t->rc);
			if (rc == DISSECT_OK)
				CHECK(h.off <= n);
			free(p);
		}
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "frames", test_cases },
		{ "every prefix", test_every_prefix },
	};

	return check_main("link", tests, sizeof(tests) / sizeof(tests[0]));
}
