/* test_decode.c - hand-made frames of every link layer and tunnel, whole and cut anywhere. */
#include "frame_decode.h"

/* ---- link layers ------------------------------------------------------------ */

struct link_case {
	const char *name;
	uint32_t link_type;
	const char *v4, *v6; /* all that stands before the IP header; NULL = not possible */
	uint16_t vlan[2];
	const char *tunnel;
};

#define MAC "020202020202 040404040404 "

static const struct link_case links[] = {
	{ "ethernet", 1, MAC "0800", MAC "86dd", { 0, 0 }, "" },
	{ "802.1Q", 1, MAC "8100 6064 0800", MAC "8100 6064 86dd", { 100, 0 }, "" },
	{ "QinQ", 1, MAC "88a8 0065 8100 00c8 0800", MAC "88a8 0065 8100 00c8 86dd", { 101, 200 },
	    "" },
	{ "QinQ old", 1, MAC "9100 0065 8100 00c8 0800", NULL, { 101, 200 }, "" },
	{ "three tags", 1, MAC "88a8 0001 8100 0002 8100 0003 0800", NULL, { 1, 3 }, "" },
	{ "priority tag", 1, MAC "8100 e000 0800", NULL, { 0, 0 }, "" },
	{ "MPLS", 1, MAC "8847 00010040 00020140", MAC "8847 00020140", { 0, 0 }, "" },
	{ "MPLS pseudowire", 1, MAC "8847 00020140 00000000" MAC "0800", NULL, { 0, 0 }, "" },
	{ "PPPoE", 1, MAC "8864 1100 0007 0042 0021", MAC "8864 1100 0007 0042 0057", { 0, 0 },
	    "pppoe" },
	{ "PPPoE in VLAN", 1, MAC "8100 0007 8864 1100 0007 0042 0021", NULL, { 7, 0 }, "pppoe" },
	{ "PPPoE, one byte", 1, MAC "8864 1100 0007 0042 21", NULL, { 0, 0 }, "pppoe" },
	{ "SNAP", 1, MAC "0100 aaaa03 000000 0800", NULL, { 0, 0 }, "" },
	{ "PPP", 9, "ff03 0021", "ff03 0057", { 0, 0 }, "" },
	{ "PPP bare", 9, "0021", "57", { 0, 0 }, "" },
	{ "PPP HDLC", 50, "ff03 21", NULL, { 0, 0 }, "" },
	{ "PPPoE link", 51, "1100 0007 0042 0021", NULL, { 0, 0 }, "pppoe" },
	{ "Cisco HDLC", 104, "0f00 0800", "0f00 86dd", { 0, 0 }, "" },
	{ "cooked", 113, "0000 0001 0006 020202020202 0000 0800",
	    "0004 0001 0006 020202020202 0000 86dd", { 0, 0 }, "" },
	{ "cooked, VLAN", 113, "0000 0001 0006 020202020202 0000 8100 0005 0800", NULL, { 5, 0 },
	    "" },
	{ "cooked 2", 276, "0800 0000 00000002 0001 00 06 020202020202 0000",
	    "86dd 0000 00000002 0001 04 06 020202020202 0000", { 0, 0 }, "" },
	{ "raw", 101, "", "", { 0, 0 }, "" },
	{ "raw 12", 12, "", "", { 0, 0 }, "" },
	{ "raw 14", 14, "", "", { 0, 0 }, "" },
	{ "IPv4", 228, "", NULL, { 0, 0 }, "" },
	{ "IPv6", 229, NULL, "", { 0, 0 }, "" },
	{ "null, little", 0, "02000000", "1e000000", { 0, 0 }, "" },
	{ "null, big", 0, "00000002", "0000001c", { 0, 0 }, "" },
	{ "loop", 108, "00000002", "00000018", { 0, 0 }, "" },
};

/* ---- tunnels: what is between the outer Ethernet header and the inner IP header */

static void
tunnel_none(struct build *b)
{
	(void)b;
}

static void
outer4(struct build *b, uint8_t proto)
{
	uint8_t *p = build_ip4(b, proto);

	p[8] = 255;
	p[15] = 77; /* another source than inside */
}

static void
tunnel_ipip(struct build *b)
{
	outer4(b, 4);
}

static void
tunnel_4in6(struct build *b)
{
	build_ip6(b, 4);
}

static void
tunnel_gre(struct build *b)
{
	build_push_hex(b, "0000 0800");
	outer4(b, 47);
}

static void
tunnel_gre_fields(struct build *b)
{
	build_push_hex(b, "b000 0800 12340000 00000007 00000001");
	outer4(b, 47);
}

static void
tunnel_nvgre(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "2000 6558 00012300");
	outer4(b, 47);
}

static void
tunnel_erspan1(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "0000 88be");
	outer4(b, 47);
}

static void
tunnel_erspan2(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "1000 88be 00000009 10010064 00000000");
	outer4(b, 47);
}

static void
tunnel_erspan3(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "1000 22eb 00000009 20010064 00000000 00000000");
	outer4(b, 47);
}

static void
tunnel_erspan3_sub(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "1000 22eb 00000009 20010064 00000000 00000001 0102030405060708");
	outer4(b, 47);
}

static void
tunnel_vxlan(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "08000000 00002a00");
	build_udp(b, 4789);
	outer4(b, 17);
}

static void
tunnel_vxlan_linux6(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "08000000 00002a00");
	build_udp(b, 8472);
	build_ip6(b, 17);
}

static void
tunnel_geneve(struct build *b)
{
	build_ethernet(b, 0x0800);
	build_push_hex(b, "0200 6558 00002a00 0102030405060708");
	build_udp(b, 6081);
	outer4(b, 17);
}

static void
tunnel_geneve_ip(struct build *b)
{
	build_push_hex(b, "0000 0800 00002a00");
	build_udp(b, 6081);
	outer4(b, 17);
}

static void
tunnel_gre_ipip(struct build *b)
{
	tunnel_ipip(b);
	tunnel_gre(b);
}

static const struct tunnel_case {
	const char *name;
	void (*wrap)(struct build *b);
	const char *tunnel;
	bool outer6;
} tunnels[] = {
	{ "none", tunnel_none, "", false },
	{ "ipip", tunnel_ipip, "ipip", false },
	{ "4in6", tunnel_4in6, "ipip", true },
	{ "gre", tunnel_gre, "gre", false },
	{ "gre, all fields", tunnel_gre_fields, "gre", false },
	{ "nvgre", tunnel_nvgre, "gre", false },
	{ "erspan 1", tunnel_erspan1, "erspan", false },
	{ "erspan 2", tunnel_erspan2, "erspan", false },
	{ "erspan 3", tunnel_erspan3, "erspan", false },
	{ "erspan 3, subheader", tunnel_erspan3_sub, "erspan", false },
	{ "vxlan", tunnel_vxlan, "vxlan", false },
	{ "vxlan 8472 over IPv6", tunnel_vxlan_linux6, "vxlan", true },
	{ "geneve", tunnel_geneve, "geneve", false },
	{ "geneve without Ethernet", tunnel_geneve_ip, "geneve", false },
	{ "ipip in gre", tunnel_gre_ipip, "gre/ipip", false },
};

/*
 * At every length a frame gives the whole truth or none: TCP exactly when the
 * first 16 bytes of its header are there.  Both as the snap length cuts it and
 * as a frame that was no longer on the wire.
 */
static void
check_every_prefix(uint32_t link_type, const struct build *b, bool v6)
{
	size_t tcp = b->len - 30;

	for (size_t n = 0; n <= b->len; n++) {
		for (int cut = 0; cut < 2; cut++) {
			struct decoder *d = decoder_new(0);
			struct packet k;
			enum packet_kind kind;

			kind = decode_bytes(d, link_type, b->p, n, cut ? n : b->len, &k);
			CHECK_EQ_INT(k.point, 0);
			if (n < tcp + 16) {
				CHECK(kind == PACKET_UNDECODABLE || kind == PACKET_OTHER);
			} else if (kind == PACKET_TCP) {
				check_tcp(&k, v6, n > tcp + 20 ? n - tcp - 20 : 0);
				CHECK_EQ_INT(k.options_cut, n < tcp + 20);
				CHECK_EQ_INT(k.cut, n < b->len);
			} else {
				/* cut on the wire: only inside a tunnel that says so */
				CHECK(cut == 1);
			}
			decoder_free(d);
		}
	}
}

static void
check_link(const struct link_case *c, bool v6)
{
	struct build b;
	struct decoder *d = decoder_new(7);
	struct packet k;

	build_start(&b, 10);
	build_tcp(&b, "");
	if (v6)
		build_ip6(&b, 6);
	else
		build_ip4(&b, 6);
	build_push_hex(&b, v6 ? c->v6 : c->v4);
	if (decode_bytes(d, c->link_type, b.p, b.len, b.len, &k) != PACKET_TCP)
		printf("  %s v%d: kind %d\n", c->name, v6 ? 6 : 4, k.kind);
	CHECK_EQ_INT(k.kind, PACKET_TCP);
	check_tcp(&k, v6, 10);
	CHECK_EQ_INT(k.vlan[0], c->vlan[0]);
	CHECK_EQ_INT(k.vlan[1], c->vlan[1]);
	CHECK_EQ_STR(k.tunnel, c->tunnel);
	CHECK_EQ_INT(k.w_outer, k.w);
	CHECK_EQ_INT(k.point, 7);
	decoder_free(d);
	check_every_prefix(c->link_type, &b, v6);
}

static void
test_link_layers(void)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].v4 != NULL)
			check_link(&links[i], false);
		if (links[i].v6 != NULL)
			check_link(&links[i], true);
	}
}

static void
test_tunnels(void)
{
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		struct build b;
		struct decoder *d = decoder_new(0);
		struct packet k;
		size_t outer;

		build_start(&b, 10);
		build_tcp(&b, "");
		build_ip4(&b, 6);
		tunnels[i].wrap(&b);
		outer = b.len;
		build_ethernet(&b, tunnels[i].outer6 ? 0x86dd : 0x0800);
		if (decode_bytes(d, 1, b.p, b.len, b.len, &k) != PACKET_TCP)
			printf("  %s: kind %d\n", tunnels[i].name, k.kind);
		CHECK_EQ_INT(k.kind, PACKET_TCP);
		check_tcp(&k, false, 10);
		CHECK_EQ_STR(k.tunnel, tunnels[i].tunnel);
		CHECK_EQ_INT(k.w_outer, outer);
		decoder_free(d);
		check_every_prefix(1, &b, false);
	}
}

/* A tunnel port or protocol number is no proof of a tunnel. */
static void
test_not_a_tunnel(void)
{
	static const struct {
		const char *what, *hex;
		uint8_t proto;
		enum packet_kind kind;
	} t[] = {
		{ "DNS from port 4789's client",
		    "b26e 12b5 0020 0000 12348180 00010001 00000000 0377", 17, PACKET_OTHER },
		{ "VXLAN without its flag",
		    "b26e 12b5 0040 0000 00000000 00002a00" MAC "0800 45000028", 17, PACKET_OTHER },
		{ "VXLAN with ARP", "b26e 12b5 0040 0000 08000000 00002a00" MAC "0806 00010800", 17,
		    PACKET_OTHER },
		{ "VXLAN with a lie for IP",
		    "b26e 12b5 0040 0000 08000000 00002a00" MAC
		    "0800 4f00ffff0000000040060000c000020ac6336419c000020ac6336419c000020ac6336419"
		    "c000020ac6336419c000020ac6336419c000020ac6336419",
		    17, PACKET_OTHER },
		{ "inner larger than outer",
		    "0000 0800 4500ffff0000400040060000c000020ac6336419"
		    "9c4000190102030405060708501801f500000000",
		    47, PACKET_UNDECODABLE },
		{ "GRE version 1 (PPTP)", "3001 880b 00140001 00000001 ff030021 45000028", 47,
		    PACKET_OTHER },
		{ "ipip with version 6 inside", "6000000000000640", 4, PACKET_UNDECODABLE },
		{ "UDP cut", "b26e 12", 17, PACKET_OTHER },
		{ "ESP", "00000001 00000001 0011223344556677", 50, PACKET_OTHER },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct decoder *d = decoder_new(0);
		struct packet k;
		struct build b;

		build_start(&b, 0);
		build_push_hex(&b, t[i].hex);
		build_ip4(&b, t[i].proto);
		build_ethernet(&b, 0x0800);
		if (decode_bytes(d, 1, b.p, b.len, b.len, &k) != t[i].kind)
			printf("  %s\n", t[i].what);
		CHECK_EQ_INT(k.kind, t[i].kind);
		decoder_free(d);
	}
}

static void
test_too_deep(void)
{
	struct decoder *d = decoder_new(0);
	struct packet k;
	struct build b;

	build_start(&b, 10);
	build_tcp(&b, "");
	build_ip4(&b, 6);
	for (int i = 0; i < 9; i++)
		build_ip4(&b, 4);
	build_ethernet(&b, 0x0800);
	CHECK_EQ_INT(decode_bytes(d, 1, b.p, b.len, b.len, &k), PACKET_OTHER);
	CHECK_EQ_INT(decoder_counters(d).too_deep, 1);
	decoder_free(d);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "every link layer, every prefix", test_link_layers },
		{ "every tunnel, every prefix", test_tunnels },
		{ "what only looks like a tunnel", test_not_a_tunnel },
		{ "tunnels nested too deep", test_too_deep },
	};

	return check_main("decode", tests, sizeof(tests) / sizeof(tests[0]));
}
