/* tcp.h - the TCP header and its options (RFC 9293 3.1).  Pure. */
#ifndef TCP_H
#define TCP_H

#include "dissectors/dissector.h"

#define TCP_SACKS       4
#define TCP_WSCALE_NONE 255

/*
 * In another order than struct packet: gcc would copy what is neighbours in both
 * as one, and that waits until each of them has been stored.
 */
struct tcp_header {
	uint32_t ack, seq;
	uint16_t window, dport, sport;
	uint8_t flags;      /* FIN 1 .. URG 32, ECE 64, CWR 128 */
	uint8_t header_len; /* data offset in bytes */
	bool options_cut;   /* they end beyond the captured bytes */
	bool options_bad;   /* they do not parse; those before the fault are kept */
	bool has_ts, sack_permitted;
	uint8_t wscale;        /* as sent; TCP_WSCALE_NONE = absent (RFC 7323) */
	uint16_t mss;          /* 0 = absent */
	uint32_t tsecr, tsval; /* when has_ts */
	uint8_t sack_count;
	uint32_t sack[TCP_SACKS][2]; /* up to sack_count (RFC 2018) */
};

/*
 * `len' bytes are captured of a segment that is `wire' bytes long by the IP
 * header.  OK when ports to window (16 bytes) are there; fewer is SHORT.
 */
enum dissect_rc tcp_parse(const uint8_t *p, size_t len, size_t wire, struct tcp_header *out);
/* Only what begins behind the window (16 bytes are there): header_len and the options. */
void tcp_parse_options(const uint8_t *p, size_t len, struct tcp_header *out);

#endif /* TCP_H */
