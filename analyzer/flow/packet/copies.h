/*
 * copies.h - recognises copies of one packet that a SPAN port, a cooked
 * capture or two mirrors made (diagnosis.md 0.1, S16).
 *
 * Bounded: a table of fingerprints, one cache line a look-up; an entry gives
 * way to a newer one, counted when it was young enough to have mattered.
 */
#ifndef COPIES_H
#define COPIES_H

#include "dissectors/net/glance.h"
#include "flow/packet/packet.h"

struct copies_counters {
	uint64_t eligible;   /* TCP frames that a copy could be told of */
	uint64_t dropped;    /* TCP copies */
	struct moment first; /* the first copy dropped */
	uint64_t alike;      /* bare ACKs that may as well be copies: left out as well */
	uint64_t dropped_icmp;
	uint64_t loops; /* packets seen again and again with falling TTL: a routing loop */
	struct moment loop_first;
	uint64_t circles; /* ... ten times and more */
	/*
	 * Fingerprints that gave way when younger than 1 ms (a copy may have
	 * been missed) and than 200 ms (a copy from a second mirror may have:
	 * usual above 100,000 packets a second).
	 */
	uint64_t evicted_near, evicted_far;
};

struct copies;

struct copies *copies_new(void);
void copies_free(struct copies *c);

/*
 * True: `p' (PACKET_TCP or PACKET_ICMP; others are never copies) repeats a
 * packet seen a moment ago, leave it out.  ids_count: the sender's IP IDs are
 * known to count its packets, so that the same one is the same packet.
 */
bool copies_seen(struct copies *c, const struct packet *p, bool ids_count);
/* Fetches into the cache what the packet of that glance will be compared with. */
void copies_fetch(const struct copies *c, const struct glance *g);
const struct copies_counters *copies_counters(const struct copies *c);

#endif /* COPIES_H */
