/*
 * fuzz_stream.c - a whole capture point on TCP segments made from the input:
 * streams, flow table, classification, promotion.  Input: records of 12 bytes
 * (who, flags, seq, ack, length, time, port, snap) and the payload.
 */
#include "flow/flow.h"
#include "../oracle/frames.h"

#include <stdlib.h>

enum { STEP = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct watched {
	uint64_t pos[2];
};

static void
on_record(void *ctx, const struct record *r)
{
	(void)ctx, (void)r;
}

static void *
on_open(void *ctx, const struct flow_opened *f)
{
	(void)ctx, (void)f;
	return calloc(1, sizeof(struct watched));
}

/* Every byte of a stream is in exactly one event. */
static void
on_data(void *v, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	struct watched *w = v;

	(void)at, (void)p;
	if (off != w->pos[dir] || len == 0)
		abort();
	w->pos[dir] += len;
}

static void
on_gap(
    void *v, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, struct moment at)
{
	struct watched *w = v;

	(void)at, (void)heard;
	if (off != w->pos[dir] || missing == 0)
		abort();
	w->pos[dir] += missing;
}

static void
on_close(void *v, const struct record_connection *facts)
{
	(void)facts;
	free(v);
}

static uint32_t
near(uint8_t coarse, uint8_t fine)
{
	return 1000u + ((uint32_t)coarse << 7) + fine - (coarse == 255 ? 0x40000000u : 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = { 25, 465, 110, 2526, 8080, 143, 80, 995 };
	static uint8_t room[FRAME_MAX];
	struct flow_limits l = { 64, 16, 16, 20000, 900000000000 };
	struct record_sink sink = { on_record, NULL };
	struct flow_watcher w = {
		.open = on_open, .data = on_data, .gap = on_gap, .close = on_close
	};
	struct flow_point *fp = flow_point_new(0, "fuzz", "", &l, &sink, &w);
	int64_t now = 1000000000;
	uint64_t number = 0;

	if (fp == NULL)
		return 0;
	while (size > STEP) {
		const uint8_t *d = data;
		size_t rest = size - STEP, len = d[6] < rest ? d[6] : rest, n;
		struct tcp_frame t = {
			.v6 = (d[0] & 2) != 0,
			.vlans = d[0] >> 2 & 1,
			.from_client = (d[0] & 1) != 0,
			.client_port = (uint16_t)(30000 + (d[0] >> 5)),
			.server_port = ports[d[8] & 7],
			.flags = d[1] & 31,
			.seq = near(d[2], d[3]),
			.ack = near(d[4], d[5]),
			.window = (uint16_t)(d[8] << 8),
			.wscale = d[9] & 7,
			.ip_id = (uint16_t)++number,
			.payload = data + STEP,
			.len = len,
		};
		struct capture_frame f;

		now += (int64_t)d[7] * d[7] * 1000000;
		n = frame_tcp(room, &t);
		f = (struct capture_frame){
			.data = room,
			.len = (uint32_t)n,
			.caplen = (uint32_t)n,
			.ts_ns = now,
			.number = number,
			.link_type = 1,
		};
		if ((d[10] & 7) == 7 && n > 60u + d[11])
			f.caplen = 60u + d[11];
		flow_point_frame(fp, &f);
		if ((d[10] & 0xf8) == 0xf8)
			flow_point_snapshot(fp);
		data += STEP + len;
		size -= STEP + len;
	}
	flow_point_end(fp);
	return 0;
}
