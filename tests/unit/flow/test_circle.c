/*
 * test_circle.c - packets that run in a circle, at a capture point: which connections they are of.
 */
#include "check.h"
#include "flow/flow.h"
#include "oracle/frames.h"

enum { SYN = 2, ACK = 16, CONNS = 3, TTL = 22, IP_TTL = 14 + 8 };

static struct record_connection conn[CONNS];
static unsigned conns;
static uint64_t number;

static void
on_record(void *ctx, const struct record *r)
{
	(void)ctx;
	if (r->type == RECORD_CONNECTION && conns < CONNS)
		conn[conns++] = r->connection;
}

static void
give(struct flow_point *fp, const uint8_t *p, size_t n)
{
	struct capture_frame f = { .data = p,
		.caplen = (uint32_t)n,
		.len = (uint32_t)n,
		.ts_ns = 1700000000000000000 + (int64_t)number * 1000000,
		.number = number + 1,
		.link_type = 1 };

	number++;
	flow_point_frame(fp, &f);
}

/* One SYN, so many times, each time with two hops less. */
static void
syn(struct flow_point *fp, uint16_t port, int times)
{
	struct tcp_frame t = { .client_port = port,
		.server_port = 25,
		.window = 60000,
		.wscale = 7,
		.from_client = true,
		.flags = SYN,
		.seq = port * 1000u,
		.ip_id = port };
	uint8_t p[FRAME_MAX];

	for (int i = 0; i < times; i++) {
		size_t n = frame_tcp(p, &t);

		p[IP_TTL] = (uint8_t)(60 - 2 * i);
		give(fp, p, n);
	}
}

/* The capture's first circle, another one, and one packet that a mirror shows three times. */
static void
each_has_its_own(void)
{
	struct record_sink sink = { on_record, NULL };
	struct flow_point *fp = flow_point_new(1, "t.pcap", "", NULL, &sink, NULL);

	syn(fp, 40001, TTL);
	syn(fp, 40002, TTL);
	syn(fp, 40003, 3);
	flow_point_end(fp);
	CHECK_EQ_INT(conns, CONNS);
	CHECK_EQ_INT(conn[0].circle.frame, 10);
	CHECK_EQ_INT(conn[1].circle.frame, TTL + 10);
	CHECK_EQ_INT(conn[2].circle.frame, 0);
	CHECK_EQ_INT(conn[0].syn_count, 1);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "each has its own", each_has_its_own },
	};

	return check_main("circle", tests, sizeof(tests) / sizeof(tests[0]));
}
