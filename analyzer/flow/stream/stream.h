/*
 * stream.h - the two byte streams of a mail flow.
 *
 * stream.c decides: which sequence numbers are believed, what is new, when a
 * hole will never be filled, what the bounds are (engines.md 2.3).  What comes
 * in order, nearly everything, goes straight on.  A direction with a hole is
 * given to an engine, which puts in order what comes behind the hole, and taken
 * back when nothing is held any more.  The engine is libnids (stream_nids.c),
 * and in tests/ also a small one of our own.
 *
 * Offsets: 0 is the first byte after the SYN or, without it, the first byte
 * captured.  Events of one direction come in order and without overlap: every
 * byte from 0 to the end is in exactly one data() or gap().
 */
#ifndef STREAM_H
#define STREAM_H

#include "dissectors/dissector.h"
#include "record/record.h"

/* In-order bytes leave the engine here. */
typedef void stream_deliver(void *owner, enum dissect_dir dir, const uint8_t *p, size_t len);

/*
 * A reassembly engine; each connection to it sorts one direction, from any
 * offset on.  Segments never overlap what was given before.  Bytes that
 * continue the stream are delivered within the call, with all that they make
 * contiguous; others are kept.  gap(): the next `missing' bytes will not come.
 * -1: the engine cannot go on with this connection.
 */
struct stream_engine {
	const char *name;
	int (*start)(uint32_t sorters); /* at the first hole: room for so many; -1: unusable */
	void *(*open)(void *owner, stream_deliver *deliver, enum dissect_dir dir,
	    uint64_t off); /* NULL: no room */
	int (*segment)(void *sorter, uint64_t off, const uint8_t *p, size_t len);
	int (*gap)(void *sorter, uint64_t missing);
	void (*close)(void *sorter); /* drops what is kept */
};

extern const struct stream_engine stream_engine_nids;

struct stream_limits {
	uint32_t streams;     /* and directions with a hole at the same time */
	uint64_t held_bytes;  /* out of order, all streams; a segment costs its length + 128 */
	uint64_t frame_bytes; /* for the offset -> frame rings of all streams */
};

struct stream_counters {
	uint64_t opened, refused; /* refused: no room */
	uint64_t gaps, gap_bytes;
	uint64_t forced;        /* holes skipped because a bound was hit */
	uint64_t doubtful;      /* segments far outside the window, never confirmed */
	uint64_t sorted;        /* holes for which the engine was asked */
	uint64_t engine_failed; /* of them, it had no room (the hole is a gap) or gave up (the
				   stream ends) */
	uint64_t unled; /* acknowledgements of bytes that are missing, not noted: who answered what
			   is less sure there */
	uint64_t frame_rings; /* offset rings that could not grow */
};

struct stream_sink {
	void (*data)(void *ctx, enum dissect_dir dir, uint64_t off, struct moment at,
	    const uint8_t *p, size_t len);
	/*
	 * `heard': the peer acknowledged them first with its byte of this offset; UINT64_MAX: not
	 * known.
	 */
	void (*gap)(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
	    struct moment at);
};

/* What is known of a direction when the stream opens. */
struct stream_start {
	bool known;
	uint32_t seq;   /* of offset 0 (ISN + 1, or what the peer acknowledged) */
	uint8_t wscale; /* shift of this endpoint's window (0: none agreed); 255 = unknown */
};

struct stream_packet {
	enum dissect_dir dir;
	struct moment at;
	uint32_t seq; /* of the first payload byte (behind a SYN) */
	uint32_t ack;
	uint16_t window; /* raw */
	bool has_ack, fin;
	uint32_t len, caplen;
	const uint8_t *payload;
};

struct streams; /* all streams of one capture point */
struct stream;

/* NULL: no memory. */
struct streams *streams_new(const struct stream_engine *engine, const struct stream_limits *l);
void streams_free(struct streams *ss);
struct stream_counters streams_counters(const struct streams *ss);

struct stream *stream_open(struct streams *ss, const struct stream_start start[2],
    const struct stream_sink *sink, void *ctx);
/* What is known by now of a direction that has had no byte yet; of others what was known stays. */
void stream_learn(struct stream *s, const struct stream_start start[2]);
void stream_segment(struct stream *s, const struct stream_packet *p);
/* Nothing more will come: what is held is delivered, holes told. */
void stream_close(struct stream *s, struct moment at);
void stream_free(struct stream *s);
/* Both FINs were reached, nothing is missing. */
bool stream_complete(const struct stream *s);
/* The frame that carried a byte. */
struct moment stream_frame(const struct stream *s, enum dissect_dir dir, uint64_t off);

#endif /* STREAM_H */
