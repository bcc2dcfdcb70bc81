/* test_link.c - frames of every link layer; the whole way down is tested in flow/test_decode.c. */
#include "check.h"
#include "dissectors/link.h"

struct link_test {
	const char	*what;
	uint32_t	 link_type;
	uint8_t		 bytes[48];
	size_t		 len;
	enum dissect_rc	 rc;
	uint16_t	 ethertype;
	size_t		 off;
};

#define MAC 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4

static const struct link_test cases[] = {
	{ "IPv4", LINK_ETHERNET, { MAC, 8, 0, 0x45 }, 15, DISSECT_OK, 0x0800, 14 },
	{ "IPv6", LINK_ETHERNET, { MAC, 0x86, 0xdd, 0x60 }, 15, DISSECT_OK, 0x86dd, 14 },
	{ "VLAN", LINK_ETHERNET, { MAC, 0x81, 0, 0, 9, 8, 0 }, 18, DISSECT_OK, 0x0800, 18 },
	{ "ARP", LINK_ETHERNET, { MAC, 8, 6, 0 }, 15, DISSECT_NOTMINE, 0, 0 },
	{ "spanning tree", LINK_ETHERNET, { MAC, 0, 38, 0x42, 0x42, 3 }, 17, DISSECT_NOTMINE, 0, 0 },
	{ "PPPoE discovery", LINK_ETHERNET, { MAC, 0x88, 0x63, 0x11, 9, 0, 0, 0, 0 }, 20, DISSECT_NOTMINE, 0, 0 },
	{ "PPP LCP", LINK_PPP, { 0xff, 3, 0xc0, 0x21, 1 }, 5, DISSECT_NOTMINE, 0, 0 },
	{ "MPLS, unknown inside", LINK_ETHERNET, { MAC, 0x88, 0x47, 0, 0, 1, 64, 0x70 }, 19, DISSECT_NOTMINE, 0, 0 },
	{ "nine VLAN tags", LINK_ETHERNET, { MAC, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0,
	    0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 0x81 }, 47,
	    DISSECT_MALFORMED, 0, 0 },
	{ "null, family nobody has", LINK_NULL, { 7, 0, 0, 0, 0x45 }, 5, DISSECT_NOTMINE, 0, 0 },
	{ "raw, version 5", LINK_RAW, { 0x55 }, 1, DISSECT_NOTMINE, 0, 0 },
	{ "cooked, not Ethernet", LINK_SLL, { [15] = 4 }, 16, DISSECT_NOTMINE, 0, 0 },
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
