/* ICMP errors: of which flow they speak, how many are kept, when they are told. */
#include "point_watch.h"

static void
icmp_finds_its_flow(void)
{
	static uint8_t error[FRAME_MAX];
	uint8_t syn[100];

	begin();
	flow_point_community_ids(fp);
	base.server_port = 8025;
	send('C', SYN, 100, 0, "");
	memcpy(syn, room, sizeof(syn));
	give(error, icmp_frame(error, 3, 13, 0, syn));
	frame_put16(syn + 14 + 20, 999); /* quotes a connection that nobody saw */
	give(error, icmp_frame(error, 3, 4, 1400, syn));
	give(error, icmp_frame(error, 3, 4, 1400, syn));
	end("icmp connection icmp capture ");
	CHECK_EQ_INT(conn[0].state, CONN_UNREACHABLE);
	CHECK_EQ_INT(icmp[0].key.conn, conn[0].key.conn);
	CHECK_EQ_STR(icmp[0].community_id, conn[0].community_id);
	CHECK(strncmp(conn[0].community_id, "1:", 2) == 0 &&
	    strncmp(icmp[1].community_id, "1:", 2) == 0);
	CHECK_EQ_INT(icmp[1].key.conn, 0);
	CHECK_EQ_INT(icmp[1].repeats, 1);
	CHECK_EQ_INT(icmp[1].mtu, 1400);
	CHECK_EQ_INT(host[0].unreachable, 1);
}

/* Errors about so many connections that nobody saw, one each `step_ns'. */
static void
icmp_of_many(unsigned n, int64_t step_ns)
{
	static uint8_t error[FRAME_MAX];
	uint8_t syn[100];

	begin();
	send('C', SYN, 100, 0, "");
	memcpy(syn, room, sizeof(syn));
	for (unsigned i = 0; i < n; i++) {
		frame_put16(syn + 14 + 20, 1024 + i);
		frame_put16(syn + 14 + 22, 8025);
		give(error, icmp_frame(error, 3, 4, 1400, syn));
		now += step_ns;
	}
}

/*
 * A sensor that runs for weeks hears of more than it keeps for folding; a flood makes no more
 * records than it may.
 */
static void
icmp_of_more_than_are_kept(void)
{
	icmp_of_many(4000, 2000000000);
	flow_point_end(fp);
	CHECK_EQ_INT(icmps_told, 4000);
	CHECK_EQ_INT(cap.caps_hit, 0);
	icmp_of_many(4000, 0);
	flow_point_end(fp);
	CHECK(icmps_told >= 1024 && icmps_told < 1100);
	CHECK_EQ_INT(icmps_told + cap.caps_hit, 4000);
}

/* Live, what no flow claims is judged and saved before the end, and saved once. */
static void
icmp_is_told_before_the_end(void)
{
	icmp_of_many(1, 0);
	flow_point_snapshot(fp);
	CHECK_EQ_INT(icmps, 1);
	flow_point_save(fp);
	flow_point_save(fp);
	CHECK_EQ_INT(icmps, 2);
	flow_point_end(fp);
	CHECK_EQ_INT(icmps, 3);
	CHECK(icmp[0].key.n == icmp[2].key.n && icmp[2].mtu == 1400);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "ICMP finds its flow, or is told as it is", icmp_finds_its_flow },
		{ "more ICMP than is kept", icmp_of_more_than_are_kept },
		{ "ICMP is told before the end", icmp_is_told_before_the_end },
	};

	return check_main("point_icmp", tests, sizeof(tests) / sizeof(tests[0]));
}
