/*
 * correlator.h - records in, findings out.  No packets, no clock, no I/O.
 * Records may come in any order and more than once.  Bounded: least recently
 * used sessions leave when a table is full, and that is counted.
 */
#ifndef CORRELATOR_H
#define CORRELATOR_H

#include "correlator/finding/finding.h"

struct correlator;

struct correlator_options {
	const char *user_replies; /* text of a user's reply table, NULL = none; borrowed for _new */
	uint64_t budget;          /* bytes of connections kept; 0 = 256 MiB */
};

struct fate {                  /* one per message: `mail' of the JSON contract */
	struct record_key key; /* of its transaction; POP3: of its message */
	enum app_proto app;
	const struct record_transaction *transaction; /* NULL for POP3 */
	const struct record_message *message;         /* NULL when none */
	const struct record_connection *connection;   /* NULL when none */
	enum verdict verdict;
	char fate[128];      /* "accepted", "did not get through: pmtu-black-hole", ... */
	uint64_t because[8]; /* findings that cover it */
	uint32_t because_count;
	const struct record_recipient *const
	    *recipients; /* its RCPTs, ascending m; NULL when none are kept */
	uint32_t recipient_count;
	/* the same mail tried again, up to the attempt that was accepted */
	uint32_t retries;
	bool retry_same_id;         /* all of them showed its Message-ID */
	enum verdict retry_verdict; /* of the last of them ... */
	struct moment retry_at;     /* ... when it began, and with whom */
	struct endpoint retry_server;
};

struct summary {
	uint64_t packets, inputs;
	uint64_t smtp_sessions, attempted, accepted, refused, deferred, lost, unknown, abandoned,
	    asked;
	uint64_t rcpt_accepted, rcpt_refused, rcpt_deferred;
	uint64_t pop3_sessions, retrieved, cut, end_unseen, unconfirmed, logins_accepted,
	    logins_refused;
	uint64_t imap_sessions, frag_needed;
	uint64_t hidden_sessions; /* encrypted from the first byte: no line is visible */
	uint64_t findings[FINDING_KINDS];
	/*
	 * the words of servers that were known: version of the built-in table, its rows, those of
	 * the user's file
	 */
	uint32_t replies_version, replies_rows, replies_own;
	uint32_t incomplete_count, incomplete_more; /* reasons told; those beyond, of which the last
						       one told says how many */
	char incomplete[32][320];
};

struct correlator *correlator_new(const struct correlator_options *o, char *err, size_t errlen);
void correlator_take(struct correlator *c, const struct record *r); /* copies what it keeps */
/*
 * Of records that were given, so many lines are of no use; `cut': nobody knows how many more are
 * missing.
 */
void correlator_unread(struct correlator *c, uint64_t lines, bool cut);
/*
 * Judges what changed; the findings stay owned by the correlator until the
 * next call.  Sorted by id.  Called once at the end offline, again and again
 * live (revisions and retractions show in the findings).
 */
void correlator_judge(struct correlator *c);
size_t correlator_findings(const struct correlator *c, const struct finding *const **out);
size_t correlator_fates(const struct correlator *c, const struct fate **out);
void correlator_summary(const struct correlator *c, struct summary *out);
/* Names for reports: the file (and interface) of a point; borrowed; "" when unknown. */
const struct record_capture *correlator_capture(const struct correlator *c, uint32_t point);
/*
 * The pieces a capture was written in, in order, and the one that has this frame; NULL: it is one
 * file.
 */
const struct record_piece *correlator_pieces(
    const struct correlator *c, uint32_t point, size_t *count);
const struct record_piece *correlator_piece(
    const struct correlator *c, uint32_t point, uint64_t frame);
/*
 * "client.pcap", "tap.pcapng (eth0)"; where two sensors call theirs the same: "eth0 in
 * client.jsonl".  In pieces: that of the frame; frame 0: the first.  Its length; 0 = unknown.
 */
size_t correlator_capture_name(
    const struct correlator *c, uint32_t point, uint64_t frame, char *text, size_t size);
void correlator_free(struct correlator *c);

#endif /* CORRELATOR_H */
