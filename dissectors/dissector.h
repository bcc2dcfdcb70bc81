/* dissector.h - what every dissector looks like to the rest of the program. */
#ifndef DISSECTOR_H
#define DISSECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bad packets are data, not errors: only DISSECT_NOMEM is our own failure. */
enum dissect_rc {
	DISSECT_OK = 0,    /* parsed; *out is complete */
	DISSECT_SHORT,     /* well formed so far, bytes missing (snaplen, gap, end) */
	DISSECT_MALFORMED, /* no continuation can make this valid */
	DISSECT_NOTMINE,   /* some other protocol */
	DISSECT_NOMEM,
};

enum dissect_dir { DIR_C2S, DIR_S2C };

struct dissect_event; /* dissect_event.h */

/* Where facts go.  Events borrow the caller's bytes: copy what you keep. */
struct dissect_sink {
	void (*emit)(void *ctx, const struct dissect_event *ev);
	void *ctx;
};

/*
 * Queues of commands that wait for their replies.  Short ones are free; the
 * room of all longer ones together is bounded, for who floods many connections.
 */
enum { DISSECT_QUEUE_SHORT = 32, DISSECT_QUEUES_MOST = 1 << 18 }; /* entries */

struct dissect_queues {
	uint64_t entries; /* of the longer ones */
};

/*
 * The room of one goes from `was' entries to `is'; 0: it ends.  False: it may not grow.  `q' may be
 * NULL.
 */
static inline bool
dissect_queue_room(struct dissect_queues *q, uint32_t was, uint32_t is)
{
	was = was > DISSECT_QUEUE_SHORT ? was : 0;
	is = is > DISSECT_QUEUE_SHORT ? is : 0;
	if (q == NULL)
		return true;
	if (is > was && q->entries - was + is > DISSECT_QUEUES_MOST)
		return false;
	q->entries = q->entries - was + is;
	return true;
}

/*
 * Bytes that dissectors hold back, all flows together: client bytes that
 * precede the reply they depend on.  The opener owns it and counts; a
 * dissector takes and gives back.
 */
struct dissect_budget {
	uint64_t held, limit;
	struct dissect_queues queues;
	uint64_t refused;      /* times a flow had to go on without its reply */
	uint64_t searches_cut; /* replies whose command lay too far back to be looked for, or to be
				  kept */
	uint64_t memory;       /* allocations that failed: something of a flow was not read */
};

/* An allocation failed; `b' may be NULL. */
static inline void
dissect_starved(struct dissect_budget *b)
{
	if (b != NULL)
		b->memory++;
}

/* What the opener knows of a connection. */
struct dissect_hint {
	bool midstream;     /* no SYN in the capture: bytes before the first are missing */
	bool server_joined; /* no SYN-ACK: so may be the server's first bytes */
	bool tunnelled;     /* behind SOCKS or HTTP CONNECT: the dialogue starts later */
	bool server_seen;   /* false when the capture has no packet of the server */
	bool client_seen;
	bool show_users; /* names of logins need not be hidden where servers repeat them */
	struct dissect_budget *budget; /* outlives the dissector; NULL = no common bound */
};

/*
 * A stream dissector.  State is created per connection and owned by the
 * caller, who ends it with close().  `off' is the stream offset of p[0] in
 * `dir' (0 = first byte after the SYN, or first byte captured).  Any chunking
 * of either direction gives the same events.  gap(): `missing' bytes from
 * `off' on are not in the capture; the peer had them when it sent its byte
 * `heard' and what follows that (UINT64_MAX: when, is not known).
 */
struct dissector {
	const char *name;
	void *(*open)(const struct dissect_sink *sink, const struct dissect_hint *hint);
	enum dissect_rc (*data)(void *st, enum dissect_dir dir, uint64_t off, int64_t ts_ns,
	    const uint8_t *p, size_t len);
	void (*gap)(void *st, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
	    int64_t ts_ns);
	void (*close)(void *st);
};

extern const struct dissector dissector_smtp, dissector_pop3;

#endif /* DISSECTOR_H */
