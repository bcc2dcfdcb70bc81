/*
 * fragments.h - reassembly of IPv4 and IPv6 fragments, bounded in number,
 * bytes and age (by packet time).
 *
 * No host agrees with another on overlapping fragments, and real senders make
 * none (RFC 5722): a train with a partial overlap is dropped whole.  A
 * fragment seen before is a copy and changes nothing.  Where the snap length
 * cut fragments, the datagram has its full length and fewer captured bytes.
 */
#ifndef FRAGMENTS_H
#define FRAGMENTS_H

#include "dissectors/net/ip.h"

struct fragments;

enum fragments_rc {
	FRAGMENT_WAITING,  /* kept; its train is not complete */
	FRAGMENT_WHOLE,    /* it completed its train: *out is filled */
	FRAGMENT_REPEATED, /* a copy of one seen before */
	FRAGMENT_DROPPED,  /* impossible, or its train was dropped */
};

struct fragment {
	const struct ip_header *ip;
	const uint8_t *data;  /* behind the IP header */
	uint32_t caplen, len; /* captured, by the IP header */
	int64_t ts_ns;
};

struct fragments_whole {
	const uint8_t *data;    /* owned by the table until fragments_release() */
	uint32_t caplen, len;   /* contiguous bytes captured, all */
	uint32_t w, w_fragment; /* size of the datagram, of its largest fragment */
	uint8_t proto, ttl;     /* of its first fragment */
	bool df;
};

struct fragments_counters {
	uint64_t seen, repeated, orphaned, whole;
	uint64_t caps; /* trains dropped because a bound was hit */
};

struct fragments *fragments_new(void);
void fragments_free(struct fragments *t);
enum fragments_rc fragments_add(
    struct fragments *t, const struct fragment *f, struct fragments_whole *out);
/* Gives back the datagrams lent since the last call. */
void fragments_release(struct fragments *t);
/* Those still waiting count as orphaned. */
struct fragments_counters fragments_counters(const struct fragments *t);

#endif /* FRAGMENTS_H */
