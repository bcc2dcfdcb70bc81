/* pcapng: sections, interfaces, clocks, drop counters, every kind of block, cut anywhere. */
#include "files.h"

static const uint8_t data[] = "0123456789abcdefghijklmnopqrstuvwxyz";
enum { DATA = 36 };

/* Sections of both byte orders, interfaces that differ in everything: what libpcap refuses. */
static void
test_sections_and_interfaces(void)
{
	struct bytes b = { 0 };
	struct got g;

	ng_section(&b, false);
	ng_interface(&b, &(struct ng_interface){ LINK_ETHERNET, 96, "eth0", 9, 0 });
	ng_packet(&b, 0, 1700000000123456789u, data, 10, 100);
	ng_interface(&b, &(struct ng_interface){ LINK_SLL, 0, "any", -1, 0 });
	ng_packet(&b, 1, 1700000000123456u, data, 11, 11);
	ng_packet(&b, 0, 1700000001000000000u, data, 13, 13);
	ng_section(&b, true);
	ng_interface(&b, &(struct ng_interface){ LINK_RAW, 65535, "tun0", 3, 0 });
	ng_packet(&b, 0, 1700000002123u, data, 12, 12);
	g = got_bytes(&b, NULL);

	CHECK_EQ_STR(g.format, "pcapng");
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 4);
	CHECK_EQ_INT(g.points, 3);
	CHECK_EQ_STR(g.point[0].interface, "eth0");
	CHECK_EQ_INT(g.point[0].snaplen, 96);
	CHECK_EQ_STR(g.point[1].interface, "any");
	CHECK_EQ_STR(g.point[2].interface, "tun0");
	for (size_t i = 0; i < g.n; i++)
		CHECK_EQ_INT(g.f[i].number, i + 1);
	CHECK_EQ_INT(g.f[0].point, 0);
	CHECK_EQ_INT(g.f[0].ts_ns, 1700000000123456789);
	CHECK_EQ_INT(g.f[0].len, 100);
	CHECK_EQ_INT(g.f[1].point, 1);
	CHECK_EQ_INT(g.f[1].link_type, LINK_SLL);
	CHECK_EQ_INT(g.f[1].ts_ns, 1700000000123456000);
	CHECK_EQ_INT(g.f[2].point, 0);
	CHECK_EQ_INT(g.f[3].point, 2);
	CHECK_EQ_INT(g.f[3].link_type, LINK_RAW);
	CHECK_EQ_INT(g.f[3].ts_ns, 1700000002123000000);
	CHECK_EQ_MEM(g.f[3].data, data, 12);
	got_free(&g);
	bytes_free(&b);
}

static void
test_clocks(void)
{
	static const struct {
		int tsresol;
		int64_t tsoffset;
		uint64_t ts;
		int64_t ns;
	} t[] = {
		{ -1, 0, 1500000, 1500000000 }, /* microseconds, unsaid */
		{ 0, 0, 7, 7000000000 },
		{ 9, 0, 7, 7 },
		{ 12, 0, 7999, 7 },
		{ 30, 0, UINT64_MAX, 0 },
		{ 127, 0, UINT64_MAX, 0 },
		{ 0x80, 0, 3, 3000000000 },
		{ 0x81, 0, 3, 1500000000 },
		{ 0x80 | 32, 0, 0x180000000u, 1500000000 },
		{ 0xff, 0, UINT64_MAX, 0 },
		{ 9, 1700000000, 5, 1700000000000000005 },
		{ 6, -5, 1, -4999999000 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (int big = 0; big <= 1; big++) {
			struct bytes b = { 0 };
			struct got g;

			ng_section(&b, big);
			ng_interface(&b,
			    &(struct ng_interface){
				LINK_ETHERNET, 0, "x", t[i].tsresol, t[i].tsoffset });
			ng_packet(&b, 0, t[i].ts, data, 4, 4);
			g = got_bytes(&b, NULL);
			CHECK_EQ_INT(g.n, 1);
			CHECK_EQ_INT(g.f[0].ts_ns, t[i].ns);
			CHECK_EQ_INT(g.counts.repaired, 0);
			got_free(&g);
			bytes_free(&b);
		}
}

/*
 * A time that no 64 bits of nanoseconds can hold, or to which nothing could be added, is the time
 * of the frame before.
 */
static void
test_time_beyond(void)
{
	struct bytes b = { 0 };
	struct got g;

	ng_section(&b, false);
	ng_interface(&b, &(struct ng_interface){ LINK_ETHERNET, 0, "x", 6, 0 });
	ng_packet(&b, 0, 5, data, 4, 4);
	ng_packet(&b, 0, UINT64_MAX, data, 4, 4);
	ng_packet(&b, 0, (uint64_t)INT64_MAX / 1000, data, 4, 4);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.n, 3);
	CHECK_EQ_INT(g.f[1].ts_ns, 5000);
	CHECK_EQ_INT(g.f[2].ts_ns, 5000);
	CHECK_EQ_INT(g.counts.repaired, 2);
	got_free(&g);
	bytes_free(&b);
}

static void
put_old_packet(struct bytes *b, uint16_t interface, uint16_t drops, uint32_t caplen)
{
	struct bytes body = { .big = b->big };

	put16(&body, interface);
	put16(&body, drops);
	put64(&body, 0);
	put32(&body, caplen);
	put32(&body, caplen);
	put(&body, data, caplen);
	ng_block(b, 2, &body);
	bytes_free(&body);
}

/* A Simple Packet Block has no time and no captured length; the old Packet Block has both. */
static void
test_simple_and_old_packets(void)
{
	struct bytes b = { 0 };
	struct got g;

	ng_section(&b, true);
	ng_interface(&b, &(struct ng_interface){ LINK_ETHERNET, 20, "x", 6, 0 });
	ng_packet(&b, 0, 9, data, 5, 5);
	ng_simple(&b, data, 7, 7);
	ng_simple(&b, data, 20, 1500);
	put_old_packet(&b, 0, 3, 9);
	put_old_packet(&b, 0, UINT16_MAX, 9);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 5);
	CHECK_EQ_INT(g.f[1].caplen, 7);
	CHECK_EQ_INT(g.f[1].ts_ns, 9000);
	CHECK_EQ_INT(g.f[2].caplen, 20);
	CHECK_EQ_INT(g.f[2].len, 1500);
	CHECK_EQ_INT(g.f[3].caplen, 9);
	CHECK_EQ_MEM(g.f[3].data, data, 9);
	CHECK_EQ_INT(g.counts.timeless, 2);
	CHECK(g.point[0].drops_known);
	CHECK_EQ_INT(g.point[0].drops_kernel, 3);
	got_free(&g);
	bytes_free(&b);
}

/* The first frames have no time: they have that of the first that has one, not that of 1970. */
static void
test_simple_packets_first(void)
{
	for (int timed = 0; timed < 2; timed++) {
		struct bytes b = { 0 };
		struct got g;

		ng_section(&b, true);
		ng_interface(&b, &(struct ng_interface){ LINK_ETHERNET, 0, "x", 6, 0 });
		ng_simple(&b, data, 7, 7);
		ng_interface(&b, &(struct ng_interface){ LINK_ETHERNET, 0, "y", 6, 0 });
		ng_simple(&b, data, 7, 7);
		if (timed) {
			ng_packet(&b, 0, 9000000, data, 5, 5);
			ng_simple(&b, data, 7, 7);
		}
		g = got_bytes(&b, NULL);
		CHECK_EQ_INT(g.n, timed ? 4 : 2);
		for (size_t i = 0; i < g.n; i++)
			CHECK_EQ_INT(g.f[i].ts_ns, timed ? 9000000000 : 0);
		CHECK_EQ_INT(g.counts.timeless, timed ? 3 : 2);
		got_free(&g);
		bytes_free(&b);
	}
}

#define LEFT_OUT UINT64_MAX /* dumpcap writes no isb_osdrop */

static void
put_statistics(struct bytes *b, uint32_t interface, uint64_t ifdrop, uint64_t osdrop)
{
	struct bytes body = { .big = b->big }, v = { .big = b->big };

	put64(&v, ifdrop);
	put64(&v, osdrop);
	put32(&body, interface);
	put64(&body, 0);
	ng_option(&body, 1, "counters", 8);
	ng_option(&body, 5, v.p, 8);
	if (osdrop != LEFT_OUT)
		ng_option(&body, 7, v.p + 8, 8);
	put32(&body, 0);
	ng_block(b, 5, &body);
	bytes_free(&body);
	bytes_free(&v);
}

static void
test_drop_counters(void)
{
	struct bytes b = { 0 };
	struct got g;

	ng_section(&b, true);
	ng_ethernet(&b, "a");
	ng_ethernet(&b, "b");
	put_statistics(&b, 1, 1, 2);
	ng_packet(&b, 1, 1, data, 4, 4);
	put_statistics(&b, 1, 5, 70000000000); /* counters run on: the last one counts */
	put_statistics(&b, 9, 5, 5);           /* of nobody */
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK(!g.point[0].drops_known);
	CHECK(g.point[1].drops_known);
	CHECK_EQ_INT(g.point[1].drops_interface, 5);
	CHECK_EQ_INT(g.point[1].drops_kernel, 70000000000);
	got_free(&g);
	bytes_free(&b);
}

/* Drops told of packet by packet count until statistics know better. */
static void
test_drops_by_packet(void)
{
	struct bytes b = { 0 }, body = { 0 }, three = { 0 };
	struct got g;

	put64(&three, 3);
	put32(&body, 0);
	put64(&body, 0);
	put32(&body, 5);
	put32(&body, 5);
	put(&body, "12345\0\0", 8);
	ng_option(&body, 1, "comment", 7);
	ng_option(&body, 4, three.p, 8);
	put32(&body, 0);
	ng_section(&b, false);
	ng_ethernet(&b, "a");
	ng_block(&b, 6, &body);
	ng_block(&b, 6, &body);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.n, 2);
	CHECK(g.point[0].drops_known);
	CHECK_EQ_INT(g.point[0].drops_kernel, 6);
	got_free(&g);

	put_statistics(&b, 0, 7, LEFT_OUT);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.point[0].drops_kernel, 0);
	CHECK_EQ_INT(g.point[0].drops_interface, 7);
	got_free(&g);
	put_statistics(&b, 0, 0, 4);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.point[0].drops_kernel, 4);
	got_free(&g);
	bytes_free(&b);
	bytes_free(&body);
	bytes_free(&three);
}

/*
 * Names, secrets, custom blocks, journal entries and what may come: no frames, no harm, no number.
 */
static void
test_other_blocks(void)
{
	static const uint32_t type[] = { 4, 7, 9, 10, 0xbad, 0x40000bad, 0x80000001, 0 };
	struct bytes b = { 0 }, body = { 0 };
	struct got g;

	put(&body, data, 33);
	ng_section(&b, false);
	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++)
		ng_block(&b, type[i], &body);
	ng_ethernet(&b, "a");
	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++)
		ng_block(&b, type[i], &body);
	ng_packet(&b, 0, 1, data, DATA, DATA);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 1);
	CHECK_EQ_INT(g.f[0].number, 1);
	CHECK_EQ_INT(g.f[0].caplen, DATA);
	got_free(&g);
	bytes_free(&b);
	bytes_free(&body);
}

/* Where the blocks of a file end, and how many packets lie before each end. */
struct ends {
	size_t at[16], packets[16], n;
};

static void
ends_note(struct ends *e, const struct bytes *b, bool packet)
{
	if (e == NULL)
		return;
	e->at[e->n] = b->n;
	e->packets[e->n] = (e->n > 0 ? e->packets[e->n - 1] : 0) + packet;
	e->n++;
}

static struct bytes
two_interfaces(struct ends *e)
{
	struct bytes b = { 0 };

	ng_section(&b, true);
	ends_note(e, &b, false);
	ng_ethernet(&b, "a");
	ends_note(e, &b, false);
	ng_packet(&b, 0, 1, data, 5, 5);
	ends_note(e, &b, true);
	ng_interface(&b, &(struct ng_interface){ LINK_RAW, 0, "b", 9, 17 });
	ends_note(e, &b, false);
	ng_packet(&b, 1, 2, data, 7, 7);
	ends_note(e, &b, true);
	ng_section(&b, false);
	ends_note(e, &b, false);
	ng_ethernet(&b, "c");
	ends_note(e, &b, false);
	ng_simple(&b, data, 6, 6);
	ends_note(e, &b, true);
	return b;
}

static void
test_every_prefix(void)
{
	struct ends e = { 0 };
	struct bytes b = two_interfaces(&e);

	for (size_t n = 0, blocks = 0; n <= b.n; n++) {
		struct bytes cut = { .p = b.p, .n = n };
		struct got g = got_bytes(&cut, NULL);
		bool between;

		blocks += blocks < e.n && n == e.at[blocks];
		between = blocks > 0 && n == e.at[blocks - 1];
		CHECK_EQ_INT(g.opened, blocks > 0);
		CHECK_EQ_INT(g.n, blocks > 0 ? e.packets[blocks - 1] : 0);
		if (g.opened)
			CHECK_EQ_INT(g.end, between ? CAPTURE_END : CAPTURE_DAMAGED);
		if (g.opened && !between) {
			CHECK_EQ_INT(g.damage.frame, e.packets[blocks - 1]);
			CHECK_EQ_INT(g.damage.offset, e.at[blocks - 1]);
			CHECK(got_says(g.damage.why, "cut short"));
		}
		got_free(&g);
	}
	bytes_free(&b);
}

/*
 * Each byte of a file changed to each of some values: no crash, never more frames than there are.
 */
static void
test_every_byte_damaged(void)
{
	static const uint8_t value[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct bytes b = two_interfaces(NULL);

	for (size_t i = 0; i < b.n; i++)
		for (size_t k = 0; k < sizeof(value); k++) {
			uint8_t keep = b.p[i];
			struct got g;

			b.p[i] = value[k];
			g = got_bytes(&b, NULL);
			CHECK(g.n <= 4);
			CHECK(g.end != CAPTURE_DAMAGED || g.damage.why[0] != '\0');
			got_free(&g);
			b.p[i] = keep;
		}
	bytes_free(&b);
}

/* Damage of each kind, behind one good frame. */
static void
test_damage(void)
{
	enum {
		NO_INTERFACE,
		LARGER,
		SHORT_PACKET,
		SHORT_SIMPLE,
		LENGTH,
		TINY,
		HUGE_BLOCK,
		EDGES,
		ORDER,
		VERSION,
		KINDS
	};
	static const char *says[KINDS] = {
		[NO_INTERFACE] = "not described",
		[LARGER] = "larger than its block",
		[SHORT_PACKET] = "too short",
		[SHORT_SIMPLE] = "larger than its block",
		[LENGTH] = "impossible length",
		[TINY] = "impossible length",
		[HUGE_BLOCK] = "impossible length",
		[EDGES] = "two lengths differ",
		[ORDER] = "byte order mark",
		[VERSION] = "version",
	};

	for (int kind = 0; kind < KINDS; kind++) {
		struct bytes b = { 0 }, body = { 0 };
		size_t at;
		struct got g;

		ng_section(&b, false);
		ng_ethernet(&b, "a");
		ng_packet(&b, 0, 1, data, 5, 5);
		at = b.n;
		switch (kind) {
		case NO_INTERFACE: ng_packet(&b, 1, 1, data, 5, 5); break;
		case LARGER:
			ng_packet(&b, 0, 1, data, 5, 5);
			b.p[at + 20] = 9;
			break;
		case SHORT_PACKET: ng_block(&b, 6, &body); break;
		case SHORT_SIMPLE: ng_simple(&b, data, 4, 9); break;
		case LENGTH:
			ng_packet(&b, 0, 1, data, 5, 5);
			b.p[at + 4] |= 1;
			break;
		case TINY:
			put32(&b, 6);
			put32(&b, 8);
			break;
		case HUGE_BLOCK:
			put32(&b, 7);
			put32(&b, 0x7ffffffc);
			break;
		case EDGES:
			ng_packet(&b, 0, 1, data, 5, 5);
			b.p[b.n - 4]++;
			break;
		case ORDER:
			ng_section(&b, false);
			b.p[at + 8]++;
			break;
		case VERSION:
			ng_section(&b, false);
			b.p[at + 12]++;
			break;
		}
		put(&b, data, DATA);
		g = got_bytes(&b, NULL);
		CHECK_EQ_INT(g.n, 1);
		CHECK_EQ_INT(g.end, CAPTURE_DAMAGED);
		CHECK_EQ_INT(g.damage.frame, 1);
		CHECK_EQ_INT(g.damage.offset, at);
		CHECK(got_says(g.damage.why, says[kind]));
		got_free(&g);
		bytes_free(&b);
	}
}

/* A frame of a megabyte is read; a block that claims more than we hold is damage, not memory. */
static void
test_large_block(void)
{
	enum { LARGE = 1 << 20 };
	uint8_t *large = calloc(1, LARGE);
	struct bytes b = { 0 };
	struct got g;

	large[LARGE - 1] = 42;
	ng_section(&b, false);
	ng_ethernet(&b, "a");
	ng_packet(&b, 0, 1, data, 5, 5);
	ng_packet(&b, 0, 2, large, LARGE, LARGE);
	ng_packet(&b, 0, 3, data, 5, 5);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 3);
	CHECK_EQ_MEM(g.f[1].data, large, LARGE);
	CHECK_EQ_MEM(g.f[2].data, data, 5);
	got_free(&g);
	bytes_free(&b);
	free(large);
}

static void
test_too_many_interfaces(void)
{
	struct bytes b = { 0 };
	struct got g;

	ng_section(&b, false);
	for (int i = 0; i < CAPTURE_POINTS_MAX; i++)
		ng_ethernet(&b, NULL);
	ng_packet(&b, CAPTURE_POINTS_MAX - 1, 1, data, 5, 5);
	ng_ethernet(&b, NULL);
	ng_packet(&b, 0, 1, data, 5, 5);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.n, 1);
	CHECK_EQ_INT(g.points, CAPTURE_POINTS_MAX);
	CHECK_EQ_INT(g.end, CAPTURE_DAMAGED);
	CHECK(got_says(g.damage.why, "too many interfaces"));
	got_free(&g);
	bytes_free(&b);
}

static void
test_without_interface(void)
{
	struct bytes b = { 0 };
	struct got g;

	ng_section(&b, false);
	g = got_bytes(&b, NULL);
	CHECK(g.opened);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.points, 0);
	ng_simple(&b, data, 6, 6);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_DAMAGED);
	bytes_free(&b);
}

/* Long and unfinished options: names are cut at their array, the rest is let be. */
static void
test_odd_options(void)
{
	char name[300];
	struct bytes b = { 0 }, body = { 0 };
	struct got g;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ng_section(&b, false);
	ng_interface(&b, &(struct ng_interface){ LINK_ETHERNET, 0, name, -1, 0 });
	put16(&body, LINK_ETHERNET);
	put16(&body, 0);
	put32(&body, 0);
	ng_option(&body, 3, "described", 9);
	put16(&body, 9);
	put16(&body, 60000); /* runs out of the block */
	ng_block(&b, 1, &body);
	ng_packet(&b, 1, 1, data, 5, 5);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 1);
	CHECK_EQ_INT(g.f[0].ts_ns, 1000);
	CHECK_EQ_INT(strlen(g.point[0].interface), sizeof(g.point[0].interface) - 1);
	CHECK_EQ_STR(g.point[1].interface, "described");
	got_free(&g);
	bytes_free(&b);
	bytes_free(&body);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "sections and interfaces that differ", test_sections_and_interfaces },
		{ "clocks", test_clocks },
		{ "a time beyond", test_time_beyond },
		{ "simple and old packet blocks", test_simple_and_old_packets },
		{ "simple packets first", test_simple_packets_first },
		{ "drop counters", test_drop_counters },
		{ "drops by packet", test_drops_by_packet },
		{ "other blocks", test_other_blocks },
		{ "every prefix", test_every_prefix },
		{ "every byte damaged", test_every_byte_damaged },
		{ "damage", test_damage },
		{ "a large block", test_large_block },
		{ "too many interfaces", test_too_many_interfaces },
		{ "without an interface", test_without_interface },
		{ "odd options", test_odd_options },
	};
	int rc = check_main("pcapng", tests, sizeof(tests) / sizeof(tests[0]));

	files_remove();
	return rc;
}
