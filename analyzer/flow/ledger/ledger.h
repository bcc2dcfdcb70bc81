/*
 * ledger.h - the full ledger of one TCP flow: what each side sent, what of it
 * arrived, how long it stood still.  It measures (diagnosis 0.1, 0.2, 2.1); the
 * correlator judges.
 *
 * Bounded: a window of 48-byte segment records, grown as needed.  When it is
 * full the oldest part, wholly acknowledged, is folded into sums; what is open
 * stays.  When everything is open the middle is dropped, and counted.  Where
 * nothing was lost so far a short window is enough.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "dissectors/dissector.h"
#include "flow/packet/packet.h"
#include "record/record.h"

struct ledger;

/* Room that the windows of all flows of a capture point share, once they are long. */
struct ledger_pool {
	uint64_t segments;
	uint64_t most;
};

struct ledger_limits {
	uint32_t segments;        /* window of one flow, both directions; at least 64 */
	uint32_t stalls;          /* kept per direction, the longest */
	uint32_t icmp;            /* different ICMP errors kept */
	struct ledger_pool *pool; /* outlives the ledger; NULL: no common bound */
};

extern const struct ledger_limits ledger_limits_default;

/* What was learnt of a flow before it was promoted to a full ledger. */
struct ledger_before {
	struct moment first;
	struct moment syn, synack, handshake; /* frame 0: not seen */
	uint32_t syn_count, synack_count;
	struct { /* what this endpoint sent; [0] client */
		bool isn_known, sack_ok, timestamps;
		uint32_t isn;
		uint16_t mss;
		uint8_t wscale; /* 255 = not announced */
		uint64_t packets;
		uint32_t proven;
		struct moment proven_at;
	} dir[2];
};

/* What the bounds cost; sums over the life of the ledger. */
struct ledger_caps {
	uint64_t segments_dropped; /* open, and dropped from the middle */
	uint64_t stalls_dropped, icmp_dropped;
	uint64_t
	    holes_dropped; /* lost segments of which it is not known whether they were sent again */
	uint64_t memory;   /* allocations that failed: facts of the connection are missing */
};

/* NULL: no memory.  `limits' NULL: the defaults. */
struct ledger *ledger_new(const struct endpoint *client, const struct endpoint *server,
    const struct ledger_limits *limits);
void ledger_free(struct ledger *l);

/* A flow promoted in mid-life: before its first ledger_packet(). */
void ledger_begin(struct ledger *l, const struct ledger_before *b);

/*
 * A TCP packet of the flow, in file order, copies removed (S16).  A pending
 * sample of a promoted flow is given like any packet.
 */
void ledger_packet(struct ledger *l, const struct packet *p, enum dissect_dir dir);

/* The IPv4 IDs of this direction are known to count its packets: who sends again has another. */
bool ledger_ids_count(const struct ledger *l, enum dissect_dir dir);

/*
 * An ICMP error that quotes the flow (0.4: one side's tuple is enough), or one
 * whose quote is cut and which is addressed to one of its hosts (S19).  False
 * when it does not speak of this flow.
 */
bool ledger_icmp(struct ledger *l, const struct packet *p);

/* Room for lists of a connection's record. */
struct ledger_lists {
	struct size_class sizes[RECORD_SIZES];
	struct stretch unseen[RECORD_STRETCHES];
	struct pause pauses[RECORD_PAUSES];
};

/*
 * Fills the measured fields of `out' and gives the stalls and ICMP errors to
 * the sink (NULL: none) under out->key's point and conn.  May be called again
 * and again (live); changes nothing that a later packet needs.  Not touched:
 * key, app, by, community_id, vlan, tunnel, payload_hash.  The lists of `out'
 * are in `lists', and in the ledger until its next packet.
 */
void ledger_report(struct ledger *l, int64_t t_end, bool open, struct record_connection *out,
    struct ledger_lists lists[2], const struct record_sink *sink);

/*
 * Fetches into the cache what the next packet will touch; then, when that is here, what hangs on
 * it.
 */
void ledger_fetch(const struct ledger *l);
void ledger_fetch_window(const struct ledger *l);

uint64_t ledger_bytes(const struct ledger *l);
struct ledger_caps ledger_caps(const struct ledger *l);

#endif /* LEDGER_H */
