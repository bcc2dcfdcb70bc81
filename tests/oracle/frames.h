/*
 * frames.h - TCP segments as Ethernet frames, for tests that look at flow/ from
 * the wire: IPv4 or IPv6, no, one or two VLAN tags.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include "capture/capture.h"

#include <stdint.h>
#include <string.h>

enum { FRAME_MAX = 70000 };

struct tcp_frame {
	bool v6;
	unsigned vlans;
	bool from_client;
	uint16_t client_port, server_port;
	uint32_t seq, ack;
	uint8_t flags; /* FIN 1 SYN 2 RST 4 PSH 8 ACK 16 */
	uint16_t window;
	int wscale; /* on a SYN; -1 none */
	uint16_t ip_id;
	const uint8_t *payload;
	size_t len;
};

static inline void
frame_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
frame_put32(uint8_t *p, uint32_t v)
{
	frame_put16(p, v >> 16);
	frame_put16(p + 2, v & 0xffff);
}

static inline uint32_t
frame_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static inline size_t
frame_link(uint8_t *p, const struct tcp_frame *t)
{
	size_t n = 12;

	memset(p, 2, 12);
	p[5] = t->from_client ? 1 : 3;
	for (unsigned i = 0; i < t->vlans; i++, n += 4) {
		frame_put16(p + n, i == 0 && t->vlans > 1 ? 0x88a8 : 0x8100);
		frame_put16(p + n + 2, 100 + i);
	}
	frame_put16(p + n, t->v6 ? 0x86dd : 0x0800);
	return n + 2;
}

static inline size_t
frame_ip(uint8_t *p, const struct tcp_frame *t, size_t inner)
{
	static const uint8_t a4[2][4] = { { 192, 0, 2, 10 }, { 198, 51, 100, 25 } };
	uint8_t last[2] = { 0x0a, 0x19 };
	unsigned s = t->from_client ? 0 : 1;

	memset(p, 0, 40);
	if (!t->v6) {
		p[0] = 0x45;
		frame_put16(p + 2, (uint32_t)(20 + inner));
		frame_put16(p + 4, t->ip_id);
		p[6] = 0x40;
		p[8] = 64;
		p[9] = 6;
		memcpy(p + 12, a4[s], 4);
		memcpy(p + 16, a4[!s], 4);
		return 20;
	}
	p[0] = 0x60;
	frame_put16(p + 4, (uint32_t)inner);
	p[6] = 6;
	p[7] = 64;
	frame_put32(p + 8, 0x20010db8);
	p[23] = last[s];
	frame_put32(p + 24, 0x20010db8);
	p[39] = last[!s];
	return 40;
}

/* Writes the frame; its length. */
static inline size_t
frame_tcp(uint8_t out[FRAME_MAX], const struct tcp_frame *t)
{
	size_t options = (t->flags & 2) != 0 ? 8 : 0, inner = 20 + options + t->len;
	size_t at = frame_link(out, t);
	size_t ip = at, alen = t->v6 ? 16 : 4;
	uint8_t *p;
	uint32_t sum;

	at += frame_ip(out + at, t, inner);
	p = out + at;
	memset(p, 0, 28);
	frame_put16(p, t->from_client ? t->client_port : t->server_port);
	frame_put16(p + 2, t->from_client ? t->server_port : t->client_port);
	frame_put32(p + 4, t->seq);
	frame_put32(p + 8, t->ack);
	p[12] = (uint8_t)((20 + options) / 4 << 4);
	p[13] = t->flags;
	frame_put16(p + 14, t->window);
	if (options > 0) {
		memcpy(p + 20, "\x02\x04\x05\xb4\x01\x01\x01\x01", 8);
		if (t->wscale >= 0) {
			memcpy(p + 24, "\x03\x03\x00\x01", 4);
			p[26] = (uint8_t)t->wscale;
		}
	}
	if (t->len > 0)
		memcpy(p + 20 + options, t->payload, t->len);
	sum = frame_sum(out + ip + (t->v6 ? 8 : 12), 2 * alen, (uint32_t)inner + 6);
	sum = frame_sum(p, inner, sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	frame_put16(p + 16, ~sum & 0xffff);
	return at + inner;
}

#endif /* FRAMES_H */
