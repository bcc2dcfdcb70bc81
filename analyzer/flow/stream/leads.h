/*
 * leads.h - of one direction: when its peer acknowledged bytes that the capture
 * lacks, told by what the peer said with it.  A hole is given up late; by then
 * the peer has said more, and what of it was said knowing the missing bytes is
 * not to be seen from the order of events any more.
 */
#ifndef LEADS_H
#define LEADS_H

#include <stdbool.h>
#include <stdint.h>

/* The first acknowledgement that reached `ack' came with the peer's byte `peer' (both offsets). */
struct lead {
	uint64_t ack, peer;
};

struct leads {
	struct lead *at; /* in order of both; NULL until there is one */
	uint32_t count;
};

/* `edge': contiguous up to there.  false: not noted, without memory or beyond what is kept. */
bool leads_put(struct leads *l, uint64_t edge, uint64_t ack, uint64_t peer);
/*
 * What the peer sent from this offset on it sent when it had all up to `to'; UINT64_MAX: not known.
 */
uint64_t leads_heard(const struct leads *l, uint64_t to);
void leads_clear(struct leads *l);

#endif /* LEADS_H */
