/*
 * icmp.h - ICMP and ICMPv6 messages, with the packet that an error quotes
 * (RFC 792, 1191, 1812 4.3.2.3, 4443, 4884, 8201).  Pure.
 */
#ifndef ICMP_H
#define ICMP_H

#include "dissectors/dissector.h"

/* What a quote holds grows with its length: nothing, addresses, ports, the number, flags. */
struct icmp_quote {
	const uint8_t *src, *dst; /* 4 or 16 bytes, borrowed; NULL when cut off */
	uint8_t version;          /* 4, 6; 0 = not even that */
	uint8_t proto;
	uint32_t w;  /* length field of the quoted header, as it stands there */
	uint32_t id; /* IPv4 identification */
	bool has_ports, has_seq, has_flags;
	uint16_t sport, dport;
	uint32_t seq;  /* TCP only */
	uint8_t flags; /* TCP only */
};

struct icmp_message {
	uint8_t type, code;
	bool error;              /* carries a quote */
	bool frag_needed;        /* IPv4 3/4, IPv6 2 */
	uint32_t mtu;            /* of frag_needed; 0 = router predates RFC 1191 */
	struct icmp_quote quote; /* when `error' */
};

/*
 * `version' is that of the IP packet around it, `len' the captured bytes.
 * SHORT only when type and code, or the MTU of a frag_needed, are cut: a cut
 * quote is normal (a router need quote 8 bytes only) and says so itself.
 */
enum dissect_rc icmp_parse(uint8_t version, const uint8_t *p, size_t len, struct icmp_message *out);

#endif /* ICMP_H */
