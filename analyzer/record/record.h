/*
 * record.h - the hinge between seeing and judging.
 *
 * The observer (capture, flow, mail) makes records; the correlator reads
 * nothing else.  Records are keyed by id.  Times are nanoseconds UTC of the
 * packet; frame numbers count from 1 within their capture, through all its
 * pieces, so a moment with frame 0 never happened.  Sizes `w' are bytes at the IP layer.
 *
 * Text is valid UTF-8, NUL-terminated, cut at its array or at the bound of its
 * pointer; NULL says the same as "".  A list is as long as its count says, but
 * never beyond its bound.  What a pointer points to belongs to whoever made the
 * record, and a copy that outlives the record must be a deep one:
 * record_copy.h.  What the correlator keeps is never NULL.
 *
 * The JSON of a record is described by the tables in record_fields*.c: a new
 * field is a line here, or in record_flow.h or record_mail.h, and a line there.
 */
#ifndef RECORD_H
#define RECORD_H

#include "record/record_flow.h"
#include "record/record_key.h"
#include "record/record_mail.h"

#define RECORD_SCHEMA 1

enum record_type {
	RECORD_CAPTURE = 1,
	RECORD_CONNECTION,
	RECORD_SESSION,
	RECORD_TRANSACTION,
	RECORD_RECIPIENT,
	RECORD_MESSAGE,
	RECORD_STALL,
	RECORD_ICMP_ERROR,
	RECORD_PATH,
	RECORD_HOST,
	RECORD_PIECE,
	RECORD_LAST = RECORD_PIECE,
};

/* ---- one capture point: quality first ------------------------------------ */

/*
 * The capture's clock was set forward: the senders' own clocks did not see that time (RFC 7323 time
 * stamps of both ends).
 */
#define RECORD_JUMPS 4
struct clock_jump {
	struct moment from, to; /* packets on either side of it; frame 0: none */
	int64_t ns;             /* by about so much */
};

struct record_capture {
	struct record_key key;
	char file[256];     /* as the user named it */
	char interface[64]; /* "" when the file has one */
	char log[256];      /* records file it was read from, beside other inputs; "" = none */
	uint32_t link_type; /* LINKTYPE_* */
	uint32_t snaplen;   /* 0 = unlimited or unknown */
	struct moment first, last; /* last.ns is T_end */
	uint64_t frames, bytes;    /* bytes on the wire */
	uint64_t tcp_frames, mail_frames, icmp_frames, other_frames;
	uint64_t undecodable; /* headers cut or impossible */
	uint64_t unread;      /* all of them: of a link type that is not known */
	uint64_t cut_frames;  /* captured length < length on the wire */
	uint32_t cut_at;      /* largest captured length of a cut frame */
	uint64_t fragments, fragments_orphaned;
	uint64_t duplicates; /* SPAN copies dropped (diagnosis 0.1, S16) */
	uint64_t eligible;   /* TCP frames that a copy could be told of */
	struct moment duplicate_first;
	uint64_t loops;      /* packets that came ten times and more, with falling TTL */
	uint64_t clock_back; /* times that went back; largest step below */
	int64_t clock_back_ns;
	struct moment clock_back_at;
	uint64_t clock_forward; /* times that it was set forward by more than a second; the largest
				   below */
	struct clock_jump clock_jumps[RECORD_JUMPS];
	bool drops_known;
	uint64_t drops_kernel, drops_interface;
	uint64_t acked_bytes, acked_unseen; /* q = unseen / acked, two-sided flows */
	uint64_t data_bytes, super_bytes;   /* TCP payload; in super-segments */
	uint64_t bad_checksums;
	/* of the whole file, told with its first point */
	uint64_t filtered, unfilterable; /* left out by the filter; of them for their link type */
	uint64_t outside;                /* of the time that was asked for (--from, --to) */
	uint64_t repaired,
	    timeless; /* lengths or times that cannot be, put right; no time of their own */
	uint64_t flows, flows_one_sided, flows_midstream;
	char damage[256]; /* why reading stopped early; "" = whole */
	uint64_t damage_frame, damage_offset;
	uint64_t caps_hit; /* sum of all bounds that were hit ... */
	char caps[256];    /* ... and which: "flows 12, held-bytes 3" */
};

/*
 * One of the files that a capture was written to (tcpdump -C and -G, dumpcap
 * -b); a capture in one file has none.  Frames are counted through all pieces.
 */
struct record_piece {
	struct record_key key; /* n = ordinal in the capture */
	char file[256];        /* as the user named it */
	uint64_t before;       /* frames of the pieces before it: its first one is before + 1 */
	uint64_t frames;
	struct moment first, last; /* frame 0: it has none */
};

/* One of them, as it travels. */
struct record {
	enum record_type type;
	union {
		struct record_key key;
		struct record_capture capture;
		struct record_connection connection;
		struct record_session session;
		struct record_transaction transaction;
		struct record_recipient recipient;
		struct record_message message;
		struct record_stall stall;
		struct record_icmp_error icmp_error;
		struct record_path path;
		struct record_host host;
		struct record_piece piece;
	};
};

/* Where records go.  The record is borrowed for the call. */
struct record_sink {
	void (*take)(void *ctx, const struct record *r);
	void *ctx;
};

#endif /* RECORD_H */
