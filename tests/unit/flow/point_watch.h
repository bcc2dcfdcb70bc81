/*
 * point_watch.h - one capture point fed with frames by hand, and all that comes out of it: what
 * tests of flow/point.h begin with.
 */
#ifndef POINT_WATCH_H
#define POINT_WATCH_H

#include "check.h"
#include "flow/flow.h"
#include "oracle/frames.h"

/* Everything that leaves a capture point, in order, one line each. */
static char told[16384];
static struct record_connection conn[64];
static struct record_capture cap;
static struct record_host host[64];
static struct record_path path[64];
static struct record_icmp_error icmp[64];
static unsigned conns, hosts, paths, icmps, icmps_told; /* icmps_told: also those beyond */
static char stream[2][4096];

static inline void
tell(const char *s)
{
	size_t at = strlen(told);

	snprintf(told + at, sizeof(told) - at, "%s ", s);
}

static inline void
on_record(void *ctx, const struct record *r)
{
	(void)ctx;
	icmps_told += r->type == RECORD_ICMP_ERROR;
	if (r->type == RECORD_CONNECTION && conns < 64) {
		tell("connection");
		conn[conns++] = r->connection;
	} else if (r->type == RECORD_HOST && hosts < 64) {
		host[hosts++] = r->host;
	} else if (r->type == RECORD_PATH && paths < 64) {
		path[paths++] = r->path;
	} else if (r->type == RECORD_ICMP_ERROR && icmps < 64) {
		tell("icmp");
		icmp[icmps++] = r->icmp_error;
	} else if (r->type == RECORD_CAPTURE) {
		tell("capture");
		cap = r->capture;
	}
}

static inline void *
on_open(void *ctx, const struct flow_opened *f)
{
	char s[64];

	(void)ctx;
	snprintf(s, sizeof(s), "open(%d%s)", (int)f->app, f->hint.midstream ? ",mid" : "");
	tell(s);
	return &stream;
}

static inline void
on_data(
    void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	(void)ctx, (void)at;
	for (size_t i = 0; i < len && off + i < sizeof(stream[0]) - 1; i++)
		stream[dir][off + i] = (char)p[i];
}

static inline void
on_gap(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
    struct moment at)
{
	(void)ctx, (void)dir, (void)off, (void)missing, (void)heard, (void)at;
	tell("gap");
}

static inline void
on_close(void *ctx, const struct record_connection *facts)
{
	(void)ctx, (void)facts;
	tell("close");
}

static struct flow_point *fp;
static uint64_t number;
static int64_t now;
static struct tcp_frame base;

static inline void
begin_with(const struct flow_limits *l)
{
	struct record_sink sink = { on_record, NULL };
	struct flow_watcher w = {
		.open = on_open, .data = on_data, .gap = on_gap, .close = on_close
	};

	told[0] = '\0';
	memset(stream, 0, sizeof(stream));
	conns = hosts = paths = icmps = icmps_told = 0;
	number = 0;
	now = 1700000000000000000;
	base = (struct tcp_frame){
		.client_port = 40000, .server_port = 25, .window = 60000, .wscale = 7
	};
	fp = flow_point_new(3, "test.pcap", "", l, &sink, &w);
}

static inline void
begin(void)
{
	begin_with(NULL);
}

static inline void
give(const uint8_t *p, size_t n)
{
	struct capture_frame f = {
		.data = p,
		.caplen = (uint32_t)n,
		.len = (uint32_t)n,
		.ts_ns = now,
		.number = number + 1,
		.link_type = 1,
	};

	number++;
	flow_point_frame(fp, &f);
	now += 1000000;
}

static uint8_t room[FRAME_MAX];

static inline void
send(char who, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
	struct tcp_frame t = base;
	size_t n;

	t.from_client = who == 'C';
	t.flags = flags;
	t.seq = seq;
	t.ack = ack;
	t.ip_id = (uint16_t)(number + 1);
	t.payload = (const uint8_t *)text;
	t.len = strlen(text);
	n = frame_tcp(room, &t);
	give(room, n);
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static inline void
handshake(uint32_t isn)
{
	send('C', SYN, isn, 0, "");
	send('S', SYN | ACK, 5000, isn + 1, "");
	send('C', ACK, isn + 1, 5001, "");
}

static inline void
end(const char *want)
{
	flow_point_end(fp);
	CHECK_EQ_STR(told, want);
}

/* A router's error that quotes the first bytes of this frame; returns its length. */
static inline size_t
icmp_frame(uint8_t out[FRAME_MAX], uint8_t type, uint8_t code, uint16_t mtu, const uint8_t *frame)
{
	uint32_t sum;

	memset(out, 0, 14 + 20 + 8);
	memcpy(out, "\2\2\2\2\2\2\2\2\2\2\2\2\x08\0", 14);
	out[14] = 0x45;
	frame_put16(out + 16, 20 + 8 + 40);
	out[22] = 60;
	out[23] = 1;
	memcpy(out + 26, "\300\0\2\1", 4);
	memcpy(out + 30, frame + 26, 4); /* to whom sent it */
	out[34] = type;
	out[35] = code;
	frame_put16(out + 40, mtu);
	memcpy(out + 42, frame + 14, 40);
	sum = frame_sum(out + 34, 48, 0);
	sum = (sum & 0xffff) + (sum >> 16);
	frame_put16(out + 36, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
	return 14 + 20 + 8 + 40;
}

#endif /* POINT_WATCH_H */
