/*
 * packet.h - one decoded packet: what the rest of the house sees of a frame.
 * Made by flow/decode.c from the pure parsers in dissectors/.
 */
#ifndef PACKET_H
#define PACKET_H

#include "record/record.h"

enum packet_kind { PACKET_OTHER = 0, PACKET_TCP, PACKET_ICMP, PACKET_UNDECODABLE, PACKET_FRAGMENT };

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

#define PACKET_SACKS 4

struct packet {
	enum packet_kind kind;
	struct moment at;
	int64_t late_ns; /* its own time is earlier than `at' by this; set where time is kept from
			    going back */
	uint32_t point;
	struct addr src, dst;
	uint32_t w;          /* IP-layer size (diagnosis 0.1) */
	uint32_t w_fragment; /* largest fragment of a reassembled train, else w */
	uint32_t
	    w_outer; /* size of the outermost IP packet when this one is tunnelled in it, else w */
	uint32_t outer_src; /* whose that one is: a hash of its address; 0 = there is none */
	uint8_t ttl;
	uint16_t ip_id;      /* 0 for IPv6 without fragment header */
	bool df, fragmented; /* IPv6: df = true */
	bool cut;            /* captured bytes end before the IP packet does */
	bool bad_checksum;   /* TCP checksum wrong and whole packet captured */
	uint16_t vlan[2];
	char tunnel[32];
	/* TCP */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t window; /* raw */
	uint8_t flags;
	uint32_t len;           /* payload bytes on the wire */
	uint8_t header_len;     /* TCP data offset in bytes */
	const uint8_t *payload; /* borrowed until the next frame */
	uint32_t caplen;        /* payload bytes captured, <= len */
	bool options_cut;       /* options end beyond the captured bytes */
	uint16_t mss;           /* 0 = absent */
	uint8_t wscale;         /* 255 = absent */
	bool sack_permitted, has_ts;
	uint32_t tsval, tsecr;
	uint8_t sack_count;
	uint32_t sack[PACKET_SACKS][2];
	/* ICMP; a TCP packet ends above, see packet_size() */
	uint8_t icmp_type, icmp_code;
	bool icmp_error; /* carries a quote */
	uint32_t icmp_mtu;
	bool icmp_frag_needed;
	struct addr quoted_src, quoted_dst;
	uint16_t quoted_sport, quoted_dport;
	uint8_t quoted_proto;
	uint32_t quoted_len, quoted_seq;
	bool quote_cut;                  /* no ports or no sequence number */
	bool quote_syn_known, quote_syn; /* flags were quoted; SYN set */
};

/* Bytes [from, to) of what p points to will be needed soon. */
static inline void
cache_fetch(const void *p, size_t from, size_t to)
{
	const char *bytes = p;

#pragma GCC unroll 16
	for (size_t at = from; at < to; at += 64)
		__builtin_prefetch(bytes + at);
	__builtin_prefetch(bytes + to - 1);
}

/* A TCP packet without SACK blocks, such as those of a handshake. */
#define PACKET_PLAIN_SIZE offsetof(struct packet, sack)

/* The bytes of it that say something of a TCP packet. */
static inline size_t
packet_size(const struct packet *p)
{
	return PACKET_PLAIN_SIZE + p->sack_count * sizeof(p->sack[0]);
}

#endif /* PACKET_H */
