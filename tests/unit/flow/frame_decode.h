/* frame_decode.h - one frame through a decoder, and what frame_build.h put into it. */
#ifndef FRAME_DECODE_H
#define FRAME_DECODE_H

#include "check.h"
#include "flow/packet/decode.h"
#include "frame_build.h"
#include "tests/glance_agree.h"

/* Copies the bytes to a block of their own size, so that ASan sees one byte too many. */
static inline enum packet_kind
decode_bytes(struct decoder *d, uint32_t link_type, const uint8_t *p, size_t caplen, size_t len,
    struct packet *out)
{
	static uint8_t *last;
	static uint64_t number;
	struct capture_frame f = { .link_type = link_type,
		.caplen = (uint32_t)caplen,
		.len = (uint32_t)len,
		.ts_ns = 1000000000,
		.number = number + 1 };
	uint8_t *copy = malloc(caplen != 0 ? caplen : 1);

	number++;
	memcpy(copy, p, caplen);
	f.data = copy;
	memset(out, 0xa5, sizeof(*out));
	decode_frame(d, &f, out);
	CHECK(glance_agrees(&f, out));
	free(last);
	last = copy; /* out->payload borrows it */
	return out->kind;
}

/* What build_tcp() and build_ip4() or build_ip6() put in, with 10 payload bytes. */
static inline void
check_tcp(const struct packet *k, bool v6, size_t payload_captured)
{
	CHECK_EQ_INT(k->sport, 40000);
	CHECK_EQ_INT(k->dport, 25);
	CHECK_EQ_INT(k->seq, 0x01020304);
	CHECK_EQ_INT(k->ack, 0x05060708);
	CHECK_EQ_INT(k->flags, TCP_ACK | TCP_PSH);
	CHECK_EQ_INT(k->window, 501);
	CHECK_EQ_INT(k->header_len, 20);
	CHECK_EQ_INT(k->len, 10);
	CHECK_EQ_INT(k->caplen, payload_captured);
	CHECK_EQ_MEM(k->payload, "abcdefghij", payload_captured);
	CHECK_EQ_INT(k->w, v6 ? 70 : 50);
	CHECK_EQ_INT(k->w_fragment, k->w);
	CHECK_EQ_INT(k->src.family, v6 ? 6 : 4);
	CHECK_EQ_INT(k->src.b[v6 ? 15 : 3], 10);
	CHECK_EQ_INT(k->dst.b[v6 ? 15 : 3], 25);
	CHECK_EQ_INT(k->ttl, v6 ? 60 : 64);
	CHECK_EQ_INT(k->ip_id, v6 ? 0 : 0x1234);
	CHECK(k->df);
	CHECK(!k->fragmented);
	CHECK_EQ_INT(k->wscale, 255);
	CHECK(!k->bad_checksum && !k->has_ts && !k->sack_permitted);
	CHECK_EQ_INT(k->mss + k->sack_count, 0);
}

#endif /* FRAME_DECODE_H */
