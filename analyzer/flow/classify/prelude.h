/*
 * prelude.h - the first packets of a flow, kept until it is known what it
 * speaks: then they are replayed into its ledger and its stream, or dropped.
 * Bounded by the caller's budget and by PRELUDE_PACKETS, PRELUDE_BYTES.
 */
#ifndef PRELUDE_H
#define PRELUDE_H

#include "flow/classify/classify.h"
#include "flow/packet/packet.h"

enum {
	PRELUDE_PACKETS = 32, /* with and without payload */
	PRELUDE_BYTES = 4096, /* of payload */
};

struct prelude {
	uint8_t *packet; /* one behind the other, see prelude.c */
	uint32_t used, size;
	bool lent; /* `packet' is the caller's */
	uint32_t packets, bytes;
	struct classify *classify; /* from the first payload on */
	bool begun[2];
	uint32_t next_seq[2];
};

/* `room', aligned as by malloc, is used first; NULL: none. */
void prelude_init(struct prelude *pr, void *room, uint32_t size);
void prelude_clear(struct prelude *pr);
/*
 * Takes all out of `from', which may be in lent room, and clears that; false: no memory, all is
 * lost.
 */
bool prelude_move(struct prelude *to, struct prelude *from);
/* Keeps a copy; beyond PRELUDE_BYTES of payload the copy is cut as by a snap length. */
void prelude_keep(struct prelude *pr, const struct packet *p, enum dissect_dir dir);
/* Walks what is kept: *pos begins at 0; the payload is borrowed until the prelude changes. */
bool prelude_next(const struct prelude *pr, uint32_t *pos, struct packet *p, enum dissect_dir *dir);
/* Bytes of memory beyond lent room. */
uint32_t prelude_memory(const struct prelude *pr);
/*
 * Shows the payload of a packet to the sniffer, in order, before it is kept:
 * what says "not mail" need not be copied.  `implicit' as classify_new();
 * CLASSIFY_NOT also when the bounds are used up.
 */
struct classify_verdict prelude_classify(struct prelude *pr, const struct packet *p,
    enum dissect_dir dir, enum app_proto implicit, bool midstream);

#endif /* PRELUDE_H */
