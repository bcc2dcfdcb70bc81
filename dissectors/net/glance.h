/*
 * glance.h - what nearly every frame is, read without the layers: Ethernet, at
 * most two VLAN tags, IPv4 without options or IPv6 without extension headers,
 * no fragment, TCP with its first 20 bytes captured.  Pure.
 *
 * It never says more than flow/packet/decode.c would: whatever is odd, or cut, is not
 * glanced at, and the two agree on every field (tests/fuzz/fuzz_decode.c).
 */
#ifndef GLANCE_H
#define GLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glance {
	const uint8_t *src, *dst; /* 4 or 16 bytes in the frame */
	uint32_t seq, ack;
	uint32_t len, w; /* payload on the wire, IP packet */
	uint16_t sport, dport;
	uint16_t window, ip_id; /* ip_id: 0 in IPv6 */
	uint8_t version;        /* 4, 6 */
	uint8_t ttl, flags;
};

/* `p' is an Ethernet frame.  False: ask the decoder. */
bool glance_ethernet(const uint8_t *p, size_t caplen, struct glance *out);

#endif /* GLANCE_H */
