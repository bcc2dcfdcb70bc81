/*
 * stream_impl.h - a byte stream's inside, shared by stream.c, which says what of a packet is
 * believed, and stream_edge.c, which gives out what is in order and holds what is not.
 */
#ifndef STREAM_IMPL_H
#define STREAM_IMPL_H

#include "flow/stream/leads.h"
#include "flow/stream/offsets.h"
#include "flow/stream/ranges.h"
#include "flow/stream/stream.h"

enum { SEGMENT_COST = 128 }; /* bookkeeping of a held segment */

struct half {
	bool started, fin;
	uint8_t wscale;
	uint32_t base;  /* sequence number of offset 0 */
	uint64_t next;  /* contiguous up to here, gaps told included */
	uint64_t told;  /* of it, events given out */
	uint64_t high;  /* highest byte believed to be sent */
	uint64_t acked; /* by the peer */
	uint64_t fin_off;
	uint64_t window;    /* the largest the peer offered */
	uint64_t ack_doubt; /* an ACK for bytes never seen, said once */
	uint32_t ack_doubts;
	bool covered; /* the hole at `next' is acknowledged since ... */
	int64_t covered_ns;
	uint32_t covered_packets;
	struct ranges beyond; /* `next': held by the engine, or cut */
	void *sorter;         /* the engine, while it holds segments */
	uint32_t held_segments;
	uint64_t held; /* their cost */
	struct offsets frames;
	struct leads leads;
	uint32_t doubt_count;
	struct doubt *doubt; /* stream.c; room for DOUBTS, once there was one */
};

struct stream {
	struct streams *all;
	bool over; /* what comes is not looked at any more */
	const struct stream_sink *sink;
	void *ctx;
	struct moment now;
	struct half half[2];
};

struct streams {
	const struct stream_engine *engine;
	struct stream_limits limit;
	struct stream_counters count;
	struct offsets_budget frames;
	bool started, usable; /* the engine */
	uint32_t open;
	uint64_t held;
};

/* In order: from the engine, or past it. */
static inline void
stream_data(void *owner, enum dissect_dir dir, const uint8_t *p, size_t len)
{
	struct stream *s = owner;
	struct half *h = &s->half[dir];

	s->sink->data(s->ctx, dir, h->told, s->now, p, len);
	h->told += len;
}

/* ---- stream_edge.c ---- */

/*
 * Gives what is new of [start, end) to the edge or the ranges; `p' is its
 * first byte, NULL for the part that the snap length cut off.  What came
 * first stays.
 */
void half_insert(
    struct stream *s, enum dissect_dir dir, uint64_t start, uint64_t end, const uint8_t *p);
/* The bytes from the edge to `to' will not come. */
void half_skip(struct stream *s, enum dissect_dir dir, uint64_t to);
/* So much is held no longer. */
void half_release(struct stream *s, struct half *h, uint32_t segments, uint64_t bytes);
/* Nothing more is given out. */
void stream_over(struct stream *s);

#endif /* STREAM_IMPL_H */
