/*
 * flow.h - frames to flows of one capture point: decoding, SPAN copies, the
 * flow table with its two ledgers, byte streams, classification.
 *
 * One struct flow_point per capture point.  Records leave through the sink
 * (connection, stall, icmp_error, path, host, capture), streams through the
 * watcher.  Bounded: see struct flow_limits; every bound that is hit is
 * counted in the capture record.
 *
 * Order of what a flow writes at its end: its stalls and ICMP errors, its
 * connection, then (watcher's close) the records of its mail.  A point at its
 * end: flows by age, then path and host records, ICMP errors that no flow
 * claimed, the capture record last.  A connection record is written for mail
 * flows, for flows whose SYN failed, and for others that stalled or met ICMP.
 */
#ifndef FLOW_H
#define FLOW_H

#include "capture/capture.h"
#include "flow/watcher.h"
#include "record/record.h"

struct flow_limits {
	uint32_t flows;      /* light entries */
	uint32_t full;       /* full ledgers */
	uint32_t streams;    /* mail flows with a byte stream, and directions of them with a hole */
	uint64_t held_bytes; /* out-of-order bytes, all flows */
	int64_t idle_ns;     /* a flow is closed after this silence; a talk of mail later */
};

extern const struct flow_limits flow_limits_default;

struct flow_point;

/* `file' and `interface' name the point in records; copied.  NULL: no memory. */
struct flow_point *flow_point_new(uint32_t point, const char *file, const char *interface,
    const struct flow_limits *limits, const struct record_sink *sink,
    const struct flow_watcher *watcher);
/*
 * From now on connections and ICMP errors carry their Community ID: a hash that only those want who
 * export records.
 */
void flow_point_community_ids(struct flow_point *fp);
void flow_point_frame(struct flow_point *fp, const struct capture_frame *f);
/*
 * The same for several, at once in memory: what each will touch is fetched while
 * others are worked on.  With 64 the last cache level has answered before it is
 * asked for; with 16 small flows and mail cost 4 % more.
 */
enum { FLOW_BATCH = 64 };
void flow_point_frames(struct flow_point *fp, const struct capture_frame *f, size_t n);
/* Live: packet time has reached `now' without a packet; stalls mature, what is over is told. */
void flow_point_tick(struct flow_point *fp, int64_t now_ns);
/*
 * What the source knows of the point at its end, or so far; written into the
 * capture record.  `counts' are those of the whole file, NULL for any but its first point.
 */
void flow_point_source(struct flow_point *fp, const struct capture_point *cp,
    const struct capture_counts *counts, const struct capture_damage *damage);
/*
 * Live: writes the state of every running mail flow as records without ending
 * it (connection with open = true, its stalls, its session through the
 * watcher's close is NOT called), what is known of paths and hosts, and how good
 * the capture is so far.
 */
void flow_point_snapshot(struct flow_point *fp);
/*
 * The same for a log: of paths and hosts only what changed since the last such call; the capture
 * record ends a log.
 */
void flow_point_save(struct flow_point *fp);
/* Ends every flow, writes what is left and the capture record, frees. */
void flow_point_end(struct flow_point *fp);

#endif /* FLOW_H */
