/*
 * link.h - from a frame to its network header: link layers, VLAN tags, MPLS,
 * PPPoE.  Pure: no state, no I/O, no allocation.
 */
#ifndef LINK_H
#define LINK_H

#include "dissectors/dissector.h"

/* LINKTYPE_* values (tcpdump.org/linktypes.html) that link_parse() knows. */
enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW_OLD = 12,
	LINK_PPP_HDLC = 50,
	LINK_PPP_ETHER = 51,
	LINK_RAW = 101,
	LINK_C_HDLC = 104,
	LINK_80211 = 105,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_PFLOG = 117,
	LINK_RADIOTAP = 127,
	LINK_PKTAP_OLD = 149,
	LINK_PPI = 192,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_NFLOG = 239,
	LINK_PKTAP = 258,
	LINK_SLL2 = 276,
};
bool link_known(uint32_t link_type);

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_TEB = 0x6558 };

struct link_header {
	uint16_t ethertype; /* ETHERTYPE_IPV4 or ETHERTYPE_IPV6 */
	size_t off;         /* where the IP header begins */
	uint16_t vlan[2];   /* outermost and innermost VLAN id (12 bits); 0 = none */
	bool pppoe;
};

/* NOTMINE: no IP inside, or a link type that is not known. */
enum dissect_rc link_parse(
    uint32_t link_type, const uint8_t *p, size_t len, struct link_header *out);

/* The same from an EtherType on, for what tunnels carry; `p' is behind it. */
enum dissect_rc link_ethertype_parse(
    uint16_t ethertype, const uint8_t *p, size_t len, struct link_header *out);

/* And from a PPP protocol field on, which may be compressed to one byte (RFC 1661 6.5). */
enum dissect_rc link_ppp_parse(const uint8_t *p, size_t len, struct link_header *out);

#endif /* LINK_H */
