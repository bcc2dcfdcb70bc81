/*
 * test_two_answers.c - a SYN that two machines of one address answer: the connection is that whose
 * number is acknowledged.
 */
#include "check.h"
#include "flow/flow.h"
#include "oracle/frames.h"

enum { SYN = 2, ACK = 16 };

static struct record_connection conn;
static char heard[256];
static uint64_t number;

static void
on_record(void *ctx, const struct record *r)
{
	(void)ctx;
	if (r->type == RECORD_CONNECTION)
		conn = r->connection;
}

static void *
on_open(void *ctx, const struct flow_opened *f)
{
	(void)ctx, (void)f;
	return heard;
}

static void
on_data(
    void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	(void)ctx, (void)at;
	for (size_t i = 0; dir == DIR_S2C && i < len && off + i < sizeof(heard) - 1; i++)
		heard[off + i] = (char)p[i];
}

static void
on_gap(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t since,
    struct moment at)
{
	(void)ctx, (void)dir, (void)off, (void)missing, (void)since, (void)at;
	heard[0] = '!';
}

static void
on_close(void *ctx, const struct record_connection *facts)
{
	(void)ctx, (void)facts;
}

static void
give(struct flow_point *fp, bool from_client, uint8_t flags, uint32_t seq, uint32_t ack,
    const char *text)
{
	struct tcp_frame t = { .client_port = 40000,
		.server_port = 25,
		.window = 60000,
		.wscale = 7,
		.from_client = from_client,
		.flags = flags,
		.seq = seq,
		.ack = ack,
		.ip_id = (uint16_t)(number + 1),
		.payload = (const uint8_t *)text,
		.len = strlen(text) };
	uint8_t p[FRAME_MAX];
	size_t n = frame_tcp(p, &t);
	struct capture_frame f = { .data = p,
		.caplen = (uint32_t)n,
		.len = (uint32_t)n,
		.ts_ns = 1700000000000000000 + (int64_t)number * 1000000,
		.number = number + 1,
		.link_type = 1 };

	number++;
	flow_point_frame(fp, &f);
}

static void
the_first_is_taken(void)
{
	struct record_sink sink = { on_record, NULL };
	struct flow_watcher w = {
		.open = on_open, .data = on_data, .gap = on_gap, .close = on_close
	};
	struct flow_point *fp = flow_point_new(1, "t.pcap", "", NULL, &sink, &w);

	give(fp, true, SYN, 100, 0, "");
	give(fp, false, SYN | ACK, 5000, 101, "");
	give(fp, true, ACK, 101, 5001, "");
	give(fp, false, SYN | ACK, 82777, 101, "");
	give(fp, true, ACK, 101, 5001, "");
	give(fp, false, ACK, 5001, 101, "220 mx\r\n");
	give(fp, true, ACK, 101, 5009, "EHLO pc\r\n");
	give(fp, false, ACK, 5009, 110, "250 mx\r\n");
	flow_point_end(fp);
	CHECK_EQ_STR(heard, "220 mx\r\n250 mx\r\n");
	CHECK_EQ_INT(conn.dir[DIR_S2C].isn, 5000);
	CHECK_EQ_INT(conn.dir[DIR_S2C].stream_bytes, 16);
	CHECK_EQ_INT(conn.synack_count, 1);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "the first is taken", the_first_is_taken },
	};

	return check_main("two answers", t, sizeof(t) / sizeof(t[0]));
}
