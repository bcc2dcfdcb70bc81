/*
 * prelude.h - the first packets of a flow, kept until it is known what it
 * speaks: then they are replayed into its ledger and its stream, or dropped.
 * Bounded by the caller's budget and by PRELUDE_PACKETS, PRELUDE_BYTES.
 */
#ifndef PRELUDE_H
#define PRELUDE_H

#include "flow/classify.h"
#include "flow/packet.h"

enum {
	PRELUDE_PACKETS = 32,	/* with and without payload */
	PRELUDE_BYTES = 4096,	/* of payload */
};

struct prelude_packet {
	struct prelude_packet *next;
	enum dissect_dir dir;
	struct packet	 p;	/* p.payload points behind it */
};

struct prelude {
	struct prelude_packet *head, **tail;
	uint32_t	 packets, bytes;
	uint64_t	 memory;
	struct classify	*classify;	/* from the first payload on */
	bool		 begun[2];
	uint32_t	 next_seq[2];
};

void	prelude_init(struct prelude *pr);
void	prelude_clear(struct prelude *pr);
/* Keeps a copy; beyond PRELUDE_BYTES of payload the copy is cut as by a snap length. */
void	prelude_keep(struct prelude *pr, const struct packet *p, enum dissect_dir dir);
/*
 * Shows payload in order to the sniffer.  `implicit' as classify_new();
 * CLASSIFY_NOT also when the bounds are used up.
 */
struct classify_verdict prelude_classify(struct prelude *pr, const struct packet *p,
	    enum dissect_dir dir, enum app_proto implicit, bool midstream);

#endif /* PRELUDE_H */
