/*
 * watcher.h - what flow/ tells the room behind it (mail/): the byte streams of
 * connections that speak mail.  flow/ calls, mail/ implements.
 */
#ifndef WATCHER_H
#define WATCHER_H

#include "dissectors/dissector.h"
#include "record/record.h"

/* Lends mail/ the frame that carried a stream offset (bounded ring). */
struct flow_frames {
	struct moment (*at)(const void *flow, enum dissect_dir dir, uint64_t off);
	const void *flow;
};

struct flow_opened {
	struct record_key key; /* point and connection id */
	struct endpoint client, server;
	enum app_proto app;
	struct dissect_hint hint;
	struct flow_frames frames; /* valid until close */
	struct moment established; /* the ACK that completed the handshake */
};

struct flow_watcher {
	/* First payload of a mail flow.  NULL = not interested. */
	void *(*open)(void *ctx, const struct flow_opened *f);
	void (*data)(void *mail, enum dissect_dir dir, uint64_t off, struct moment at,
	    const uint8_t *p, size_t len);
	/* `missing' bytes from `off' on are not in the capture; `heard' as in stream.h. */
	void (*gap)(void *mail, enum dissect_dir dir, uint64_t off, uint64_t missing,
	    uint64_t heard, struct moment at);
	/* Bytes are likely to come soon: what they will touch goes into the cache.  May be NULL. */
	void (*fetch)(const void *mail);
	/* The flow is over, or the capture is: its facts, final.  Frees the mail flow. */
	void (*close)(void *mail, const struct record_connection *facts);
	void *ctx;
};

#endif /* WATCHER_H */
