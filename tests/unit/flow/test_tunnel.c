/*
 * test_tunnel.c - connections inside VXLAN: a tunnel has two ends, a mirror sends both directions
 * itself.
 */
#include "check.h"
#include "flow/flow.h"
#include "oracle/frames.h"

enum { SYN = 2, ACK = 16, AROUND = 14 + 20 + 8 + 8 };

static struct record_connection conn;

static void
on_record(void *ctx, const struct record *r)
{
	(void)ctx;
	if (r->type == RECORD_CONNECTION)
		conn = r->connection;
}

/* The frame, in VXLAN from one host to another. */
static size_t
wrap(uint8_t *p, const uint8_t *frame, size_t n, uint8_t from, uint8_t to)
{
	memset(p, 2, 12);
	memset(p + 12, 0, AROUND - 12);
	frame_put16(p + 12, 0x0800);
	p[14] = 0x45;
	frame_put16(p + 16, (uint32_t)(AROUND - 14 + n));
	p[22] = 64;
	p[23] = 17;
	memcpy(p + 26, (uint8_t[]){ 203, 0, 113, from, 203, 0, 113, to }, 8);
	frame_put16(p + 34, 50000);
	frame_put16(p + 36, 4789);
	frame_put16(p + 38, (uint32_t)(AROUND - 34 + n));
	p[42] = 8;
	memcpy(p + AROUND, frame, n);
	return AROUND + n;
}

static void
handshake(uint8_t from_of_server)
{
	struct record_sink sink = { on_record, NULL };
	struct flow_point *fp = flow_point_new(1, "t.pcap", "", NULL, &sink, NULL);
	static const uint8_t flags[] = { SYN, SYN | ACK, ACK };

	memset(&conn, 0, sizeof(conn));
	for (uint64_t i = 0; i < 3; i++) {
		struct tcp_frame t = { .client_port = 40000,
			.server_port = 25,
			.window = 60000,
			.wscale = 7,
			.from_client = i != 1,
			.flags = flags[i],
			.seq = i == 1 ? 5000 : 1000 + (i == 2),
			.ack = i == 0 ? 0
			    : i == 1  ? 1001
				      : 5001,
			.ip_id = (uint16_t)(i + 1) };
		uint8_t inner[FRAME_MAX], p[FRAME_MAX + AROUND];
		size_t n = wrap(p, inner, frame_tcp(inner, &t), t.from_client ? 1 : from_of_server,
		    t.from_client ? 2 : 1);
		struct capture_frame f = { .data = p,
			.caplen = (uint32_t)n,
			.len = (uint32_t)n,
			.ts_ns = 1700000000000000000 + (int64_t)i * 1000000,
			.number = i + 1,
			.link_type = 1 };

		flow_point_frame(fp, &f);
	}
	flow_point_end(fp);
}

static void
two_ends_or_one(void)
{
	handshake(2);
	CHECK_EQ_STR(conn.tunnel, "vxlan");
	CHECK_EQ_INT(conn.tunnel_bytes, AROUND);
	CHECK(conn.state == CONN_ESTABLISHED && !conn.tunnel_mirror);
	handshake(1);
	CHECK(conn.state == CONN_ESTABLISHED && conn.tunnel_mirror);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "two ends, or one", two_ends_or_one },
	};

	return check_main("tunnel", tests, sizeof(tests) / sizeof(tests[0]));
}
