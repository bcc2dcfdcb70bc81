/*
 * contrast.h - what all flows of a capture point say together: sizes proven
 * per directed path and epoch (`path' records), and which ports of which hosts
 * answered whom (`host' records, the contrast of diagnosis.md 1B).
 *
 * Both tables are bounded.  An entry that makes room for another is written
 * out first; the same key met again begins a new record with a new ordinal,
 * and the two join (2.6) or add up.  A host record of a pair that never
 * answered, pushed out while the table is full, is dropped and counted: it is
 * what a flood of forged SYNs consists of.
 *
 * On a SPAN port most pairs have nothing to do with mail.  When there are many,
 * only what a rule may ask about is written: of the clients and the servers of
 * connections that get a record, the paths between them, whom those clients
 * reached, and who reached those servers.
 */
#ifndef CONTRAST_H
#define CONTRAST_H

#include "flow/table/table.h"

struct contrast;

enum contrast_event {
	CONTRAST_ANSWERED, /* its SYN-ACK, or any packet of the server in mid-stream */
	CONTRAST_REFUSED,
	CONTRAST_UNANSWERED,
	CONTRAST_UNREACHABLE,
	CONTRAST_DATA, /* the client's first payload */
};

struct contrast_counters {
	uint64_t hosts_dropped;
	uint64_t not_written; /* what no rule may ask about */
};

/* NULL: no memory. */
struct contrast *contrast_new(uint32_t point, const struct hash_key *key, struct hosts *hosts,
    uint32_t paths, uint32_t pairs, const struct record_sink *sink);
void contrast_free(struct contrast *c);

/*
 * Hosts are named by their ids; the caller holds references to them, and what
 * is remembered takes its own.
 */

/* A connection between them gets a record. */
void contrast_mark(struct contrast *c, const struct host_pair *client_to_server);
/* `w' was delivered from one to the other; conn 0 = a light flow. */
void contrast_proven(struct contrast *c, const struct host_pair *way, uint32_t w, struct moment at,
    uint64_t conn, bool first_of_flow);
/* The largest single segment seen on the way. */
void contrast_seen(struct contrast *c, const struct host_pair *way, uint32_t w, struct moment at);
/* What became of a connection to a server's port that began at `since'. */
struct contrast_note {
	enum contrast_event event;
	struct moment since, at;
	int64_t rtt_ns; /* 0: not measured */
	uint8_t ttl;    /* 0: not the server's packet */
};
void contrast_host(struct contrast *c, const struct host_pair *client_to_server, uint16_t port,
    const struct contrast_note *n);
/*
 * Where contrast_proven() and contrast_host() will look; making one fetches its slot into the
 * cache.
 */
struct contrast_probe {
	const struct shelf *shelf;
	uint32_t print;
};
struct contrast_probe contrast_probe_path(
    const struct contrast *c, const struct host_pair *way, int64_t ns);
struct contrast_probe contrast_probe_host(
    const struct contrast *c, const struct host_pair *client_to_server, uint16_t port);
/* Fetches what is likely there. */
void contrast_fetch(struct contrast_probe at);
/* Writes all entries as they are; they stay (live: again under the same key). */
void contrast_report(struct contrast *c);
/* The same, of those only that changed since the last such call. */
void contrast_save(struct contrast *c);
struct contrast_counters contrast_counters(const struct contrast *c);

#endif /* CONTRAST_H */
