#include "check.h"
#include "dissectors/net/icmp.h"
#include "dissectors/net/ip.h"

/* 192.0.2.1:40000 > 198.51.100.25:25, SYN, DF, 1500 bytes; router answers MTU 1400. */
/* clang-format off */
static const uint8_t frag_needed[] = {
	3, 4, 0, 0, 0, 0, 0x05, 0x78,
	0x45, 0, 0x05, 0xdc, 0, 1, 0x40, 0, 63, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 25,
	0x9c, 0x40, 0, 25, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 2, 0, 0,
};
/* clang-format on */

/* Packet Too Big, MTU 1280, quoting IPv6 with a hop-by-hop header and TCP. */
/* clang-format off */
static const uint8_t too_big[] = {
	2, 0, 0, 0, 0, 0, 5, 0,
	0x60, 0, 0, 0, 0x05, 0xb4, 0, 63,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	6, 0, 5, 2, 0, 0, 1, 0,
	0x9c, 0x40, 0, 25, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 0x10, 0, 0,
};
/* clang-format on */

static void
test_frag_needed(void)
{
	struct icmp_message m;

	CHECK_EQ_INT(icmp_parse(4, frag_needed, sizeof(frag_needed), &m), DISSECT_OK);
	CHECK(m.error && m.frag_needed);
	CHECK_EQ_INT(m.mtu, 1400);
	CHECK_EQ_INT(m.quote.w, 1500);
	CHECK_EQ_INT(m.quote.proto, PROTO_TCP);
	CHECK_EQ_INT(m.quote.sport, 40000);
	CHECK_EQ_INT(m.quote.dport, 25);
	CHECK_EQ_INT(m.quote.seq, 7);
	CHECK(m.quote.has_flags);
	CHECK_EQ_INT(m.quote.flags, 2);
	CHECK_EQ_MEM(m.quote.dst, "\306\063\144\031", 4);
}

static void
test_too_big(void)
{
	struct icmp_message m;

	CHECK_EQ_INT(icmp_parse(6, too_big, sizeof(too_big), &m), DISSECT_OK);
	CHECK(m.error && m.frag_needed);
	CHECK_EQ_INT(m.mtu, 1280);
	CHECK_EQ_INT(m.quote.w, 1500);
	CHECK_EQ_INT(m.quote.version, 6);
	CHECK_EQ_INT(m.quote.proto, PROTO_TCP);
	CHECK_EQ_INT(m.quote.dport, 25);
	CHECK_EQ_INT(m.quote.seq, 9);
}

/* What was quoted is told and nothing more, at every length. */
static void
check_prefixes(
    uint8_t version, const uint8_t *p, size_t len, size_t mtu_end, size_t ip_end, size_t upper)
{
	for (size_t n = 0; n <= len; n++) {
		uint8_t *q = malloc(n != 0 ? n : 1);
		struct icmp_message m;
		enum dissect_rc rc;

		memcpy(q, p, n);
		rc = icmp_parse(version, q, n, &m);
		CHECK_EQ_INT(rc, n < mtu_end ? DISSECT_SHORT : DISSECT_OK);
		if (rc == DISSECT_OK) {
			CHECK_EQ_INT(m.quote.src != NULL, n >= ip_end);
			CHECK_EQ_INT(m.quote.has_ports, n >= upper + 4);
			CHECK_EQ_INT(m.quote.has_seq, n >= upper + 8);
			CHECK_EQ_INT(m.quote.has_flags, n >= upper + 14);
			CHECK_EQ_INT(m.quote.dport, n >= upper + 4 ? 25 : 0);
		}
		free(q);
	}
}

static void
test_every_prefix(void)
{
	check_prefixes(4, frag_needed, sizeof(frag_needed), 8, 28, 28);
	check_prefixes(6, too_big, sizeof(too_big), 8, 48, 56);
}

static void
test_types(void)
{
	static const struct {
		uint8_t version, type, code;
		bool error, frag;
	} t[] = {
		{ 4, 3, 0, true, false },
		{ 4, 3, 13, true, false },
		{ 4, 3, 4, true, true },
		{ 4, 4, 0, true, false },
		{ 4, 11, 0, true, false },
		{ 4, 12, 0, true, false },
		{ 4, 0, 0, false, false },
		{ 4, 8, 0, false, false },
		{ 4, 2, 0, false, false },
		{ 4, 5, 1, false, false }, /* redirect: advice, not an error */
		{ 6, 1, 1, true, false },
		{ 6, 2, 0, true, true },
		{ 6, 3, 0, true, false },
		{ 6, 4, 1, true, false },
		{ 6, 128, 0, false, false },
		{ 6, 135, 0, false, false },
		{ 6, 11, 0, false, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint8_t p[8] = { t[i].type, t[i].code };
		struct icmp_message m;

		CHECK_EQ_INT(icmp_parse(t[i].version, p, sizeof(p), &m), DISSECT_OK);
		CHECK_EQ_INT(m.error, t[i].error);
		CHECK_EQ_INT(m.frag_needed, t[i].frag);
	}
}

/* An old router: MTU 0 is an answer. */
static void
test_mtu_zero(void)
{
	uint8_t p[sizeof(frag_needed)];
	struct icmp_message m;

	memcpy(p, frag_needed, sizeof(p));
	p[6] = p[7] = 0;
	CHECK_EQ_INT(icmp_parse(4, p, sizeof(p), &m), DISSECT_OK);
	CHECK(m.frag_needed);
	CHECK_EQ_INT(m.mtu, 0);
	CHECK_EQ_INT(m.quote.sport, 40000);
}

/* Inner options move the ports; a later fragment has none; another protocol has no number. */
static void
test_inner_headers(void)
{
	uint8_t p[80];
	struct icmp_message m;

	memcpy(p, frag_needed, 28);
	p[8] = 0x46;
	memcpy(p + 28, "\x94\x04\x00\x00", 4);
	memcpy(p + 32, frag_needed + 28, 16);
	CHECK_EQ_INT(icmp_parse(4, p, 48, &m), DISSECT_OK);
	CHECK_EQ_INT(m.quote.dport, 25);
	CHECK_EQ_INT(m.quote.seq, 7);

	memcpy(p, frag_needed, sizeof(frag_needed));
	p[15] = 185; /* fragment offset */
	CHECK_EQ_INT(icmp_parse(4, p, sizeof(frag_needed), &m), DISSECT_OK);
	CHECK(!m.quote.has_ports && m.quote.src != NULL);

	memcpy(p, frag_needed, sizeof(frag_needed));
	p[17] = PROTO_UDP;
	CHECK_EQ_INT(icmp_parse(4, p, sizeof(frag_needed), &m), DISSECT_OK);
	CHECK(m.quote.has_ports && !m.quote.has_seq && !m.quote.has_flags);

	memcpy(p, frag_needed, sizeof(frag_needed));
	p[8] = 0x43; /* a header of 12 bytes: no quote at all */
	CHECK_EQ_INT(icmp_parse(4, p, sizeof(frag_needed), &m), DISSECT_OK);
	CHECK(m.quote.src == NULL && !m.quote.has_ports);
}

/* RFC 4884: the quote ends where the length says; an extension is not part of it. */
static void
test_extension(void)
{
	uint8_t p[8 + 128 + 16];
	struct icmp_message m;

	memset(p, 0, sizeof(p));
	memcpy(p, frag_needed, 28 + 4);
	p[0] = 11;
	p[1] = 0;
	p[8] = 0x4f; /* 60 bytes of header: ports at 68 */
	memcpy(p + 68, frag_needed + 28, 16);
	p[5] = 32; /* 128 bytes quoted */
	memcpy(p + 136, "\x20\x00\x00\x00\x00\x08\x01\x01\xff\xff\xff\xff", 12);
	CHECK_EQ_INT(icmp_parse(4, p, sizeof(p), &m), DISSECT_OK);
	CHECK_EQ_INT(m.quote.dport, 25);

	p[5] = 3; /* rubbish of an old router: not believed */
	CHECK_EQ_INT(icmp_parse(4, p, sizeof(p), &m), DISSECT_OK);
	CHECK_EQ_INT(m.quote.dport, 25);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "frag-needed", test_frag_needed },
		{ "packet too big", test_too_big },
		{ "every prefix", test_every_prefix },
		{ "types", test_types },
		{ "MTU 0", test_mtu_zero },
		{ "headers of the quoted packet", test_inner_headers },
		{ "RFC 4884 extension", test_extension },
	};

	return check_main("icmp", tests, sizeof(tests) / sizeof(tests[0]));
}
