/* test_decode_ip.c - frames to packets from the IP header on. */
#include "frame_decode.h"

/* The pad of a short frame and the checksum behind a long one are not the packet's. */
static void
test_padding(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 30);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	build_u16(b.p + 2, 45); /* five bytes of payload, 25 of padding */
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_TCP);
	CHECK_EQ_INT(k.w, 45);
	CHECK_EQ_INT(k.len, 5);
	CHECK_EQ_INT(k.caplen, 5);
	CHECK(!k.cut);
	decoder_free(d);
}

/* Total Length 0: the stack left it to the card (TSO); the frame tells. */
static void
test_tso(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 7000);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	build_u16(b.p + 2, 0);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_TCP);
	CHECK_EQ_INT(k.w, 7040);
	CHECK_EQ_INT(k.len, 7000);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, 96, b.len, &k), PACKET_TCP);
	CHECK_EQ_INT(k.w, 7040);
	CHECK_EQ_INT(k.len, 7000);
	CHECK_EQ_INT(k.caplen, 96 - 54);
	CHECK(k.cut);

	build_start(&b, 7000);
	build_tcp(&b, "");
	build_ip6(&b, 6);
	build_u16(b.p + 4, 0);
	build_ethernet(&b, 0x86dd);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_TCP);
	CHECK_EQ_INT(k.w, 7060);
	decoder_free(d);
}

static void
test_ip4_options(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 10);
	build_tcp(&b, "");
	build_push_hex(&b, "94040000"); /* router alert */
	build_ip4(&b, 6);
	b.p[0] = 0x46;
	memmove(b.p, b.p, b.len);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_TCP);
	CHECK_EQ_INT(k.w, 54);
	CHECK_EQ_INT(k.len, 10);
	CHECK_EQ_INT(k.dport, 25);
	b.p[14] = 0x44; /* a header of 16 bytes */
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_UNDECODABLE);
	b.p[14] = 0x65; /* another version than the EtherType says */
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_UNDECODABLE);
	decoder_free(d);
}

static void
test_ip6_extensions(void)
{
	static const struct {
		const char *what, *hex;
		uint8_t first;
		uint16_t id;
	} t[] = {
		{ "hop-by-hop", "06 00 0502 0000 0100", 0, 0 },
		{ "destination", "06 01 0104 00000000 0106 000000000000", 60, 0 },
		{ "routing", "06 02 00 00 00000000 20010db8000000000000000000000009", 43, 0 },
		{ "authentication", "06 04 0000 00000001 00000001 0102030405060708090a0b0c", 51,
		    0 },
		{ "atomic fragment", "06 00 0000 0000abcd", 44, 0xabcd },
		{ "several", "3c 00 0502 0000 0100 2c 00 0104 00000000 06 00 0000 00001111", 0,
		    0x1111 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct decoder *d = decoder_new(0);
		struct packet k;
		struct build b;
		size_t ext;

		build_start(&b, 10);
		build_tcp(&b, "");
		ext = b.len;
		build_push_hex(&b, t[i].hex);
		ext = b.len - ext;
		build_ip6(&b, t[i].first);
		build_ethernet(&b, 0x86dd);
		if (decode_bytes(d, 1, b.p, b.len, b.len, &k) != PACKET_TCP)
			printf("  %s\n", t[i].what);
		CHECK_EQ_INT(k.kind, PACKET_TCP);
		CHECK_EQ_INT(k.w, 70 + ext);
		CHECK_EQ_INT(k.len, 10);
		CHECK_EQ_INT(k.dport, 25);
		CHECK_EQ_INT(k.ip_id, t[i].id);
		CHECK(k.df && !k.fragmented);
		for (size_t n = 0; n < b.len - 14; n++)
			CHECK(decode_bytes(d, 1, b.p, n, b.len, &k) == PACKET_UNDECODABLE);
		decoder_free(d);
	}
}

/* ---- fragments --------------------------------------------------------------- */

struct piece {
	size_t off, len;
	bool more;
};

static enum packet_kind
decode_piece4(
    struct decoder *d, const struct build *whole, const struct piece *pc, struct packet *k)
{
	struct build b;

	build_start(&b, pc->len);
	memcpy(b.p, whole->p + pc->off, pc->len);
	build_ip4(&b, 6);
	build_u16(b.p + 6, (unsigned int)((pc->more ? 0x2000u : 0) | pc->off / 8));
	build_ethernet(&b, 0x0800);
	return decode_bytes(d, 1, b.p, b.len, b.len, k);
}

static void
test_fragments4(void)
{
	static const struct piece in_order[] = { { 0, 1000, true }, { 1000, 400, false } };
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 1380);
	build_tcp(&b, "");
	CHECK_EQ_INT(decode_piece4(d, &b, &in_order[1], &k), PACKET_FRAGMENT);
	CHECK_EQ_INT(k.w, 420);
	CHECK_EQ_INT(k.src.b[0], 192);
	CHECK_EQ_INT(decoder_counters(d).fragments_orphaned, 1);
	CHECK_EQ_INT(decode_piece4(d, &b, &in_order[0], &k), PACKET_TCP);
	CHECK_EQ_INT(k.w, 1420);
	CHECK_EQ_INT(k.w_fragment, 1020);
	CHECK(k.fragmented && !k.df && !k.cut);
	CHECK_EQ_INT(k.len, 1380);
	CHECK_EQ_INT(k.caplen, 1380);
	CHECK_EQ_MEM(k.payload, b.p + 20, 1380);
	CHECK_EQ_INT(decoder_counters(d).fragments, 2);
	CHECK_EQ_INT(decoder_counters(d).fragments_orphaned, 0);
	CHECK_EQ_INT(decoder_counters(d).datagrams, 1);
	decoder_free(d);
}

/* RFC 8200 4.5: the length is that of the unfragmentable part and the data. */
static void
test_fragments6(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build whole, b;

	build_start(&whole, 1380);
	build_tcp(&whole, "");
	build_push_hex(&whole, "06 00 0104 00000000"); /* destination options are data here */
	for (int i = 0; i < 2; i++) {
		size_t off = i == 0 ? 0 : 1208, n = i == 0 ? 1208 : whole.len - 1208;
		uint8_t *f;

		build_start(&b, n);
		memcpy(b.p, whole.p + off, n);
		f = build_push(&b, 8);
		f[0] = 60;
		build_u16(f + 2, (unsigned int)(off | (i == 0)));
		build_u32(f + 4, 0xfeedbeef);
		build_ip6(&b, 44);
		build_ethernet(&b, 0x86dd);
		CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k),
		    i == 0 ? PACKET_FRAGMENT : PACKET_TCP);
	}
	CHECK_EQ_INT(k.w, 40 + 8 + 1400);
	CHECK_EQ_INT(k.w_fragment, 40 + 8 + 1208);
	CHECK_EQ_INT(k.len, 1380);
	CHECK_EQ_INT(k.ip_id, 0xbeef);
	CHECK_EQ_INT(k.dport, 25);
	CHECK(k.fragmented && k.df);
	CHECK_EQ_MEM(k.payload, whole.p + 28, 1380);
	decoder_free(d);
}

/* A tunnel packet in fragments, and the mail packet inside in fragments as well. */
static void
test_fragments_in_tunnel(void)
{
	struct decoder *d = decoder_new(0);
	struct build tcp, in, out;
	struct packet k;
	enum packet_kind kind = PACKET_OTHER;

	build_start(&tcp, 1380);
	build_tcp(&tcp, "");
	for (unsigned int i = 0; i < 2; i++) {
		size_t off = (size_t)i * 704, n = i == 0 ? 704 : tcp.len - 704;

		build_start(&in, n);
		memcpy(in.p, tcp.p + off, n);
		build_ip4(&in, 6);
		build_u16(in.p + 4, 0x7777);
		build_u16(in.p + 6, (unsigned int)((i == 0 ? 0x2000u : 0) | off / 8));
		build_push_hex(&in, "0000 0800");
		for (unsigned int j = 0; j < 2; j++) {
			size_t at = (size_t)j * 400, m = j == 0 ? 400 : in.len - 400;

			build_start(&out, m);
			memcpy(out.p, in.p + at, m);
			build_ip4(&out, 47);
			build_u16(out.p + 4, 0x100 + i);
			build_u16(out.p + 6, (unsigned int)((j == 0 ? 0x2000u : 0) | at / 8));
			build_ethernet(&out, 0x0800);
			kind = decode_bytes(d, 1, out.p, out.len, out.len, &k);
			CHECK_EQ_INT(kind, i + j == 2 ? PACKET_TCP : PACKET_FRAGMENT);
		}
	}
	CHECK_EQ_INT(k.w, 1420);
	CHECK_EQ_STR(k.tunnel, "gre");
	CHECK_EQ_INT(k.caplen, 1380);
	CHECK_EQ_MEM(k.payload, tcp.p + 20, 1380);
	decoder_free(d);
}

/* ---- TCP and ICMP -------------------------------------------------------------- */

static void
test_tcp_options(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 0);
	build_tcp(&b, "020405b4 0402 080a 00000011 00000022 01 030307");
	build_ip4(&b, 6);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_TCP);
	CHECK_EQ_INT(k.mss, 1460);
	CHECK_EQ_INT(k.wscale, 7);
	CHECK(k.sack_permitted && k.has_ts && !k.options_cut);
	CHECK_EQ_INT(k.tsval, 0x11);
	CHECK_EQ_INT(k.tsecr, 0x22);

	/* the next packet has none of it: nothing is left over */
	build_start(&b, 10);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_TCP);
	check_tcp(&k, false, 10);
	decoder_free(d);
}

static void
test_icmp_frag_needed(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 500);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	build_u16(b.p + 2, 1500);
	build_push_hex(&b, "0304 0000 0000 05ae");
	build_ip4(&b, 1);
	build_u32(b.p + 12, 0xc0000201);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_ICMP);
	CHECK(k.icmp_error && k.icmp_frag_needed && !k.quote_cut);
	CHECK_EQ_INT(k.icmp_mtu, 1454);
	CHECK_EQ_INT(k.quoted_len, 1500);
	CHECK_EQ_INT(k.quoted_sport, 40000);
	CHECK_EQ_INT(k.quoted_dport, 25);
	CHECK_EQ_INT(k.quoted_seq, 0x01020304);
	CHECK_EQ_INT(k.quoted_src.b[3], 10);
	CHECK_EQ_INT(k.quoted_dst.b[3], 25);
	CHECK_EQ_INT(k.src.b[3], 1);
	CHECK(k.quote_syn_known && !k.quote_syn);

	/* a snap length of 60 takes the quoted ports: said, not invented */
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, 60, b.len, &k), PACKET_ICMP);
	CHECK(k.icmp_error && k.icmp_frag_needed && k.quote_cut);
	CHECK_EQ_INT(k.icmp_mtu, 1454);
	CHECK_EQ_INT(k.quoted_sport, 0);
	CHECK_EQ_INT(k.quoted_src.family, 0);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, 40, b.len, &k), PACKET_UNDECODABLE);
	decoder_free(d);
}

/* What the link puts behind a message is no quote: here it looks like ports. */
static void
test_icmp_padding(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 0);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	build_push_hex(&b, "0304 0000 0000 05ae");
	build_ip4(&b, 1);
	build_u16(b.p + 2, 20 + 8 + 20);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_ICMP);
	CHECK_EQ_INT(k.caplen, 28);
	CHECK_EQ_INT(k.quoted_src.b[3], 10);
	CHECK(k.quote_cut);
	CHECK_EQ_INT(k.quoted_dport, 0);
	decoder_free(d);
}

static void
test_checksum(void)
{
	/* a SYN of 192.0.2.10:35004 > 198.51.100.25:25 with its true checksum */
	static const char syn[] = "4500 0028 0001 4000 4006 0000 c000020a c6336419"
				  "88bc 0019 00000001 00000000 5002 faf0 3fc4 0000";
	struct decoder *d = decoder_new(0);
	uint8_t p[64];
	struct packet k;
	size_t n = build_hex(syn, p);

	CHECK_EQ_INT(decode_bytes(d, 101, p, n, n, &k), PACKET_TCP);
	CHECK(!packet_checksum_bad(&k));
	p[n - 3] ^= 1;
	CHECK_EQ_INT(decode_bytes(d, 101, p, n, n, &k), PACKET_TCP);
	CHECK(packet_checksum_bad(&k));
	CHECK_EQ_INT(decode_bytes(d, 101, p, n - 2, n, &k), PACKET_TCP);
	CHECK(!packet_checksum_bad(&k)); /* not captured whole: nothing is known */
	decoder_free(d);
}

static uint32_t
sum_naive(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* A packet around `tcp' with the checksum that RFC 1071's words give, one by one. */
static struct packet
checksummed(uint8_t *tcp, uint8_t header_len, uint32_t len, uint8_t family)
{
	struct packet k = {
		.kind = PACKET_TCP,
		.src.family = family,
		.dst.family = family,
		.header_len = header_len,
		.len = len,
		.caplen = len,
		.payload = tcp + header_len,
	};
	size_t n = family == 6 ? 16 : 4;
	uint8_t pseudo[8] = { 0 };
	uint32_t sum;

	for (size_t i = 0; i < n; i++) {
		k.src.b[i] = (uint8_t)(tcp[i] * 7 + 1);
		k.dst.b[i] = (uint8_t)(tcp[i] * 3 + 2);
	}
	build_u32(pseudo, header_len + len);
	pseudo[7] = 6;
	tcp[16] = tcp[17] = 0;
	sum = sum_naive(sum_naive(sum_naive(0, pseudo, 8), k.src.b, n), k.dst.b, n);
	build_u16(tcp + 16, (uint16_t)~sum_naive(sum, tcp, header_len + len));
	return k;
}

/*
 * Any length, odd ones too, at any alignment; words that are all ones carry as often as words can.
 */
static void
test_checksum_of_any_length(void)
{
	static uint8_t room[70000];
	unsigned wrong = 0;
	uint32_t noise = 1;

	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t len = i < 1600 ? i : i * 37 % 65000;
		uint8_t *tcp = room + i % 17;
		struct packet k;

		for (uint32_t j = 0; j < 60 + len; j++)
			tcp[j] = i % 5 == 0
			    ? 0xff
			    : (uint8_t)((noise = noise * 1664525 + 1013904223) >> 24);
		k = checksummed(tcp, (uint8_t)(20 + i % 11 * 4), len, i % 3 == 0 ? 6 : 4);
		wrong += packet_checksum_bad(&k);
		tcp[noise % (k.header_len + len)] ^= (uint8_t)(1 << i % 8);
		wrong += !packet_checksum_bad(&k);
	}
	CHECK_EQ_INT(wrong, 0);
}

/* What nearly all frames are must not be left to the decoder: it is what the speed rests on. */
static void
test_glance(void)
{
	static const struct {
		const char *link;
		bool v6;
		size_t cut; /* bytes missing at the end */
		bool glanced;
	} c[] = {
		{ "0800", false, 0, true },
		{ "86dd", true, 0, true },
		{ "8100 6064 0800", false, 0, true },
		{ "88a8 0065 8100 00c8 86dd", true, 0, true },
		{ "0800", false, 10, true },
		{ "0800", false, 11, false },
		{ "86dd", true, 10, true },
		{ "86dd", true, 11, false },
		{ "86dd", false, 0, false },
		{ "88a8 0001 8100 0002 8100 0003 0800", false, 0, false },
		{ "8864 1100 0007 0042 0021", false, 0, false },
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		char head[128];
		struct capture_frame f = { .link_type = 1 };
		struct decoder *d = decoder_new(0);
		struct glance g;
		struct packet k;
		struct build b;

		build_start(&b, 10);
		build_tcp(&b, "");
		if (c[i].v6)
			build_ip6(&b, 6);
		else
			build_ip4(&b, 6);
		snprintf(head, sizeof(head), "020202020202 040404040404 %s", c[i].link);
		build_push_hex(&b, head);
		f.data = b.p;
		f.len = (uint32_t)b.len;
		f.caplen = (uint32_t)(b.len - c[i].cut);
		decode_frame(d, &f, &k);
		CHECK(decode_glance(&f, &g) == c[i].glanced);
		CHECK(glance_agrees(&f, &k));
		decoder_free(d);
	}
}

static void
test_counters(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 10);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	build_ethernet(&b, 0x0800);
	decode_bytes(d, 1, b.p, b.len, b.len, &k);
	decode_bytes(d, 1, b.p, 60, b.len, &k);
	decode_bytes(d, 1, b.p, 20, b.len, &k);
	decode_bytes(d, 1, (const uint8_t *)"\2\2\2\2\2\2\4\4\4\4\4\4\10\6\0\1", 16, 16, &k);
	decode_bytes(d, 4711, b.p, b.len, b.len, &k);
	CHECK_EQ_INT(decoder_counters(d).tcp, 2);
	CHECK_EQ_INT(decoder_counters(d).undecodable, 1);
	CHECK_EQ_INT(decoder_counters(d).other, 2);
	CHECK_EQ_INT(decoder_counters(d).cut_frames, 2);
	CHECK_EQ_INT(decoder_counters(d).cut_at, 60);
	decoder_free(d);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "padding is not payload", test_padding },
		{ "length 0 of offloaded segments", test_tso },
		{ "IPv4 options", test_ip4_options },
		{ "IPv6 extension headers", test_ip6_extensions },
		{ "IPv4 fragments", test_fragments4 },
		{ "IPv6 fragments", test_fragments6 },
		{ "fragments within fragments", test_fragments_in_tunnel },
		{ "TCP options", test_tcp_options },
		{ "ICMP frag-needed, whole and cut", test_icmp_frag_needed },
		{ "ICMP frag-needed, padded", test_icmp_padding },
		{ "checksum", test_checksum },
		{ "checksum of any length", test_checksum_of_any_length },
		{ "a glance", test_glance },
		{ "counters", test_counters },
	};

	return check_main("decode_ip", tests, sizeof(tests) / sizeof(tests[0]));
}
