#include "check.h"
#include "flow/packet/copies.h"

static const int64_t US = 1000, MS = 1000000;

static struct packet
segment(void)
{
	return (struct packet){ .kind = PACKET_TCP,
		.at = { 1000000000, 1 },
		.src = { 4, { 192, 0, 2, 10 } },
		.dst = { 4, { 198, 51, 100, 25 } },
		.sport = 40000,
		.dport = 25,
		.seq = 1,
		.ack = 2,
		.window = 501,
		.flags = TCP_ACK,
		.len = 1448,
		.w = 1500,
		.ttl = 64,
		.ip_id = 7,
		.has_ts = true,
		.tsval = 99 };
}

static bool
again(struct copies *c, struct packet *p, int64_t after_ns, int ttl, bool ids_count)
{
	p->at.ns += after_ns;
	p->at.frame++;
	p->ttl = (uint8_t)ttl;
	return copies_seen(c, p, ids_count);
}

/* S16, row by row: how long after, with which TTL, is it a copy? */
static void
test_windows(void)
{
	static const struct {
		const char *what;
		uint16_t ip_id;
		bool has_ts;
		uint32_t len;
		int64_t after;
		int ttl;
		bool ids_count, copy;
	} t[] = {
		{ "same moment", 7, true, 1448, 0, 64, false, true },
		{ "just below a millisecond", 7, true, 1448, 999 * US, 64, false, true },
		{ "a millisecond, TTL equal", 7, false, 1448, MS, 64, false, false },
		{ "the same, and its sender counts", 7, false, 1448, MS, 64, true, true },
		{ "the same, much later", 7, false, 1448, 199 * MS, 64, true, true },
		{ "the same, as late as a repetition", 7, false, 1448, 200 * MS, 64, true, false },
		{ "no ID, though its sender counts others", 0, false, 1448, MS, 64, true, false },
		{ "the same, TSval alone tells it", 0, true, 1448, MS, 64, false, false },
		{ "the same, ID and TSval tell it: two clocks", 7, true, 1448, 30 * MS, 64, false,
		    true },
		{ "the same, as late as a repetition", 7, true, 1448, 200 * MS, 64, false, false },
		{ "routed once, near", 7, true, 1448, 500 * US, 63, false, true },
		{ "routed once, far", 7, true, 1448, 150 * MS, 63, false, true },
		{ "routed eight times", 7, true, 1448, 199 * MS, 56, false, true },
		{ "seen after, then before the routers", 7, true, 1448, 10 * MS, 69, false, true },
		{ "two hops at once, nothing tells the packet", 0, false, 1448, 100 * US, 62, false,
		    false },
		{ "nine hops", 7, true, 1448, 10 * MS, 55, false, false },
		{ "two mirrors, too late", 7, true, 1448, 200 * MS, 60, false, false },
		{ "two mirrors, nothing tells the packet", 0, false, 1448, 10 * MS, 60, false,
		    false },
		{ "two mirrors, TSval tells it", 0, true, 0, 10 * MS, 60, false, true },
		{ "bare ACK that nothing tells", 0, false, 0, 0, 64, false, false },
		{ "bare ACK with IP ID", 7, false, 0, 0, 64, false, true },
		{ "data that only its number tells", 0, false, 1448, 100 * US, 64, false, true },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct copies *c = copies_new();
		struct packet p = segment();
		bool copy;

		p.ip_id = t[i].ip_id;
		p.has_ts = t[i].has_ts;
		p.len = t[i].len;
		CHECK(!copies_seen(c, &p, t[i].ids_count));
		copy = again(c, &p, t[i].after, t[i].ttl, t[i].ids_count);
		if (copy != t[i].copy)
			printf("  %s\n", t[i].what);
		CHECK_EQ_INT(copy, t[i].copy);
		CHECK_EQ_INT(copies_counters(c)->dropped, t[i].copy);
		CHECK_EQ_INT(copies_counters(c)->first.frame, t[i].copy ? 2 : 0);
		copies_free(c);
	}
}

/* One field different: another packet. */
static void
test_fields(void)
{
	struct packet p[12];
	size_t n = sizeof(p) / sizeof(p[0]);

	for (size_t i = 0; i < n; i++)
		p[i] = segment();
	p[1].seq++;
	p[2].ack++;
	p[3].len--;
	p[4].flags |= TCP_PSH;
	p[5].window++;
	p[6].tsval++;
	p[7].ip_id++;
	p[8].sport++;
	p[9].dport++;
	p[10].src.b[3]++;
	p[11].dst.b[0]++;
	for (size_t i = 1; i < n; i++) {
		struct copies *c = copies_new();

		CHECK(!copies_seen(c, &p[0], false));
		CHECK(!copies_seen(c, &p[i], false));
		CHECK_EQ_INT(copies_counters(c)->eligible, 2);
		CHECK(copies_seen(c, &p[0], false));
		CHECK(copies_seen(c, &p[i], false));
		copies_free(c);
	}
}

/*
 * ACKs of one tick without IP ID: the second says nothing new, and proves no copy; a SACK block, an
 * IP ID, data do.
 */
static void
test_alike(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	p.src.family = p.dst.family = 6;
	p.ip_id = 0;
	p.len = 0;
	CHECK(!copies_seen(c, &p, false));
	CHECK(again(c, &p, 10 * US, 64, false));
	CHECK_EQ_INT(copies_counters(c)->dropped, 0);
	CHECK_EQ_INT(copies_counters(c)->alike, 1);
	CHECK(again(c, &p, 10 * US, 63, false)); /* routed between */
	CHECK_EQ_INT(copies_counters(c)->dropped, 1);
	p.ttl = 64;
	p.sack_count = 1;
	CHECK(!copies_seen(c, &p, false));
	CHECK(again(c, &p, 10 * US, 64, false));
	CHECK_EQ_INT(copies_counters(c)->dropped, 2);
	copies_free(c);
}

/* A retransmission has another IP ID or TSval, or comes a round trip later. */
static void
test_retransmission(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	CHECK(!copies_seen(c, &p, false));
	p.ip_id++;
	CHECK(!again(c, &p, 100 * US, 64, false));
	p = segment();
	p.ip_id = 0;
	p.src.family = p.dst.family = 6;
	p.has_ts = false;
	CHECK(!copies_seen(c, &p, false));
	CHECK(!again(c, &p, 40 * MS, 64, false));
	copies_free(c);
}

/* The same packet on its way round and round is not a mirror. */
static void
test_routing_loop(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	CHECK(!copies_seen(c, &p, false));
	for (int ttl = 62; ttl > 0; ttl -= 2)
		CHECK(again(c, &p, 20 * MS, ttl, false));
	CHECK_EQ_INT(copies_counters(c)->loops, 1);
	CHECK_EQ_INT(copies_counters(c)->dropped, 0);
	CHECK_EQ_INT(copies_counters(c)->first.frame, 0);
	CHECK_EQ_INT(copies_counters(c)->loop_first.frame, 3);
	CHECK_EQ_INT(copies_counters(c)->circles, 1);
	copies_free(c);
}

/* Mirrors along one path show a falling TTL as well; no capture has ten of them. */
static void
test_mirrors_in_a_row(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	CHECK(!copies_seen(c, &p, false));
	for (int ttl = 63; ttl > 60; ttl--)
		CHECK(again(c, &p, 5 * US, ttl, false));
	CHECK_EQ_INT(copies_counters(c)->circles, 0);
	copies_free(c);
}

/* Three interfaces of a cooked capture show a packet three times, the TTL falls once at most. */
static void
test_cooked(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	CHECK(!copies_seen(c, &p, false));
	CHECK(again(c, &p, 5 * US, 64, false));
	CHECK(again(c, &p, 5 * US, 63, false));
	CHECK_EQ_INT(copies_counters(c)->loops, 0);
	CHECK_EQ_INT(copies_counters(c)->dropped, 2);
	copies_free(c);
}

/* Ten frag-needed in a millisecond quote ten packets; their copies quote the same. */
static void
test_icmp(void)
{
	struct copies *c = copies_new();
	uint8_t bytes[56] = { 3, 4, [6] = 5, 0xae, 0x45 };
	struct packet p = segment();

	p.kind = PACKET_ICMP;
	p.icmp_error = true;
	p.quote_cut = false;
	p.payload = bytes;
	p.caplen = p.len = sizeof(bytes);
	p.ip_id = 0;
	for (int i = 0; i < 10; i++) {
		bytes[35] = (uint8_t)i; /* the quoted number */
		CHECK(!copies_seen(c, &p, false));
		CHECK(again(c, &p, 2 * US, 64, false));
	}
	CHECK_EQ_INT(copies_counters(c)->dropped_icmp, 10);
	CHECK_EQ_INT(copies_counters(c)->dropped, 0);
	CHECK_EQ_INT(copies_counters(c)->eligible, 0);
	p.quote_cut = true; /* nothing tells them apart */
	bytes[35] = 77;
	CHECK(!copies_seen(c, &p, false));
	CHECK(!copies_seen(c, &p, false));
	copies_free(c);
}

/* However many packets: bounded, and near copies are still told. */
static void
test_many(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();
	unsigned int missed = 0;

	for (uint32_t i = 0; i < 200000; i++) {
		p.seq = i * 1448;
		CHECK(!again(c, &p, 10 * US, 64, false));
		missed += !again(c, &p, 1 * US, 64, false);
	}
	CHECK_EQ_INT(missed, 0);
	CHECK_EQ_INT(copies_counters(c)->dropped, 200000);
	CHECK(copies_counters(c)->evicted_near < 20);
	copies_free(c);
}

/* What was seen while there were few packets is still told when there are many. */
static void
test_growing(void)
{
	enum { PACKETS = 500 };
	struct copies *c = copies_new();
	struct packet p = segment();
	unsigned int missed = 0;

	for (uint32_t i = 0; i < PACKETS; i++) {
		p.seq = i * 1448;
		CHECK(!again(c, &p, 100 * US, 64, false));
	}
	p.at.ns += 50 * MS;
	for (uint32_t i = 0; i < PACKETS; i++) {
		p.seq = i * 1448;
		missed += !again(c, &p, 100 * US, 60, false);
	}
	CHECK(missed < PACKETS / 100);
	CHECK_EQ_INT(copies_counters(c)->evicted_near, 0);
	copies_free(c);
}

/*
 * n segments, each a few milliseconds later once more, of which nothing but its number tells.  How
 * many were no copies?
 */
static unsigned int
each_twice(struct copies *c, struct packet *p, unsigned int n, int64_t later)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < n; i++) {
		p->seq += p->len;
		CHECK(!again(c, p, 30 * MS, 64, false));
		kept += !again(c, p, later, 64, false);
	}
	return kept;
}

/* A mirror of two ports: nobody sends nearly each packet again, and so soon. */
static void
test_all_twice(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	p.ip_id = 0;
	p.has_ts = false;
	CHECK_EQ_INT(each_twice(c, &p, 100, 5 * MS), 2);
	CHECK(!again(c, &p, 25 * MS, 64, false)); /* sent again */
	for (int i = 0; i < 600; i++) {           /* the mirror is mended */
		p.seq += p.len;
		CHECK(!again(c, &p, 30 * MS, 64, false));
	}
	CHECK(!again(c, &p, 5 * MS, 64, false));
	copies_free(c);
}

/*
 * The two ends of a long bridged link in one file: IPv6 has no ID, but who sends again has another
 * TSval.
 */
static void
test_far_twice(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();

	p.ip_id = 0;
	CHECK_EQ_INT(each_twice(c, &p, 100, 42 * MS), 2);
	p.tsval += 42;
	CHECK(!again(c, &p, 42 * MS, 64, false)); /* sent again */
	p.has_ts = false;
	p.seq += p.len;
	CHECK(!again(c, &p, MS, 64, false));
	CHECK(!again(c, &p, 42 * MS, 64, false)); /* nobody can tell */
	copies_free(c);
}

/* A large flight comes through the near end before the first of it comes through the far one. */
static void
test_flight_twice(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();
	unsigned int kept = 0;

	p.ip_id = 0;
	CHECK_EQ_INT(each_twice(c, &p, 300, 42 * MS), 2);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 400; i++) {
			p.seq += p.len;
			kept += !again(c, &p, 50 * US, 64, false);
		}
		p.seq -= 400 * p.len;
		p.at.ns += 42 * MS;
	}
	CHECK_EQ_INT(kept, 400);
	copies_free(c);
}

/* Of one sender alone: the other answers each of its packets, and that is here once. */
static void
test_one_way_twice(void)
{
	struct copies *c = copies_new();
	struct packet p = segment(), q = segment();

	p.ip_id = q.ip_id = 0;
	p.has_ts = q.has_ts = false;
	q.src = p.dst;
	q.dst = p.src;
	for (int i = 0; i < 10; i++) {
		CHECK_EQ_INT(each_twice(c, &p, 1, 3 * MS), i < 2);
		for (int k = 0; k < 5; k++) {
			q.seq += q.len;
			q.at.ns = p.at.ns;
			CHECK(!again(c, &q, MS, 64, false));
		}
	}
	CHECK(!again(c, &q, 3 * MS, 64, false));
	copies_free(c);
}

/* One in four is lost on a short way, and sent again soon. */
static void
test_often_again(void)
{
	struct copies *c = copies_new();
	struct packet p = segment();
	unsigned int kept = 0;

	p.has_ts = false;
	for (int i = 0; i < 300; i++) {
		p.seq += p.len;
		CHECK(!again(c, &p, MS, 64, false));
		if (i % 4 == 0)
			kept += !again(c, &p, 2 * MS, 64, false);
	}
	CHECK_EQ_INT(kept, 75);
	copies_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "windows of time and TTL", test_windows },
		{ "every field counts", test_fields },
		{ "retransmissions stay", test_retransmission },
		{ "alike", test_alike },
		{ "routing loop", test_routing_loop },
		{ "mirrors in a row", test_mirrors_in_a_row },
		{ "cooked capture", test_cooked },
		{ "ICMP errors", test_icmp },
		{ "many packets", test_many },
		{ "more and more packets", test_growing },
		{ "each packet twice", test_all_twice },
		{ "all twice, far apart", test_far_twice },
		{ "a flight twice", test_flight_twice },
		{ "one way twice", test_one_way_twice },
		{ "many sent again", test_often_again },
	};

	return check_main("copies", tests, sizeof(tests) / sizeof(tests[0]));
}
