/*
 * ip.h - IPv4 and IPv6 headers (RFC 791, RFC 8200), extension headers
 * included.  Pure: no state, no I/O, no allocation.
 */
#ifndef IP_H
#define IP_H

#include "dissectors/dissector.h"

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_NONE = 59,
	PROTO_DSTOPTS = 60,
};

struct ip_header {
	uint8_t version;          /* 4, 6 */
	uint8_t proto;            /* of what follows header_len */
	uint8_t ttl;              /* or hop limit */
	bool df;                  /* IPv6: true */
	const uint8_t *src, *dst; /* 4 or 16 bytes, borrowed */
	uint32_t w; /* size of the packet; of the rest of the frame when the header says 0 (TSO) */
	uint32_t header_len; /* up to the payload: options and extension headers included */
	/* A fragment that is not the whole datagram (atomic fragments, RFC 6946, are whole): */
	bool fragment, more;
	uint32_t frag_id;     /* 16 bits for IPv4; 0 for IPv6 without fragment header */
	uint32_t frag_off;    /* bytes */
	uint32_t frag_header; /* bytes of the header that a whole datagram would have */
};

/*
 * `len' bytes at `p' are captured; `wire' bytes were on the wire from there on
 * (link padding may be among them).  SHORT: the headers are cut.
 */
enum dissect_rc ip_parse(const uint8_t *p, size_t len, size_t wire, struct ip_header *out);

/*
 * The extension headers of IPv6 from `next' on, for a reassembled datagram.
 * *next and *off (the bytes walked) are updated.
 */
enum dissect_rc ip_extensions_parse(const uint8_t *p, size_t len, uint8_t *next, size_t *off);

#endif /* IP_H */
