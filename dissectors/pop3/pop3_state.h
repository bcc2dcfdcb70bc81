/*
 * pop3_state.h - what the files of the POP3 dissector share; nobody else
 * includes it.
 *
 * pop3.c       the door: ops, lines of either direction, gaps, TLS
 * pop3_client.c  commands, SASL responses, which reply is due
 * pop3_server.c  replies, multi-line answers
 * pop3_line.c, pop3_text.c  pure parsers
 *
 * Pairing.  While nothing is missing, replies answer commands in turn.  A
 * stream with a hole is told late, so one direction may lag behind the other;
 * bytes keep the time of their own frame.  Hence:
 * - a server that seems to speak unasked, or to go on after a challenge
 *   without its response, waits for the client's bytes: its own are held
 *   (bounded), and read when a line comes.  So no response is taken for a
 *   command, and shown, because the end of its AUTH was read before it;
 * - while `unsure' (bytes are missing), time decides: of a client that waits for
 *   its answers the reply is to the last command sent before it, and a reply
 *   older than every command is to a missing one.
 * `answer.gap': bytes are missing in the multi-line answer being read, so its
 * dot may be among them; it is over when a later command was sent before the
 * bytes at hand.
 */
#ifndef POP3_STATE_H
#define POP3_STATE_H

#include "dissectors/text/echo.h"
#include "dissectors/pop3/pop3.h"
#include "dissectors/pop3/pop3_text.h"
#include "dissectors/text/sasl.h"
#include "dissectors/text/hold.h"
#include "dissectors/tls/tls.h"

struct pop3_buffer {   /* one line, in either direction */
	uint64_t off;  /* of its first byte */
	uint64_t full; /* its length so far; of it kept: */
	size_t len;
	uint32_t odd;
	uint8_t last;
	bool fragment; /* follows a gap: may be the tail of a line */
	char buf[POP3_LINE_MAX];
};

struct pop3_pending { /* a command that waits for its reply */
	uint32_t cmd;
	enum pop3_verb verb;
	enum pop3_answer answer;
	uint64_t number;
	int64_t ts_ns;
};

enum pop3_text_kind { TEXT_NONE, TEXT_LISTING, TEXT_MESSAGE, TEXT_ORPHAN };

struct pop3_multi { /* the multi-line answer being read */
	enum pop3_text_kind kind;
	struct pop3_pending of;
	struct pop3_text text;
	bool gap, unsure;
	bool replied; /* its +OK was seen, or must have been */
	uint64_t off, seen;
	uint32_t odd;
	char code[24];
	char *kept; /* listing: status line and lines, CR dropped */
	size_t len, size;
	bool rest; /* what comes next of the listing is the rest of a line that is not there */
	size_t first_arg, first_len; /* text of the status line in kept */
};

struct pop3 {
	struct dissect_sink sink;
	struct dissect_hint hint;
	struct pop3_buffer line[2];
	struct hold held; /* what the server said too early */
	int64_t ts_ns[2];
	uint64_t end[2]; /* stream offset behind the last byte seen */
	bool tls[2];
	struct tls_observer *observer;

	uint32_t commands; /* ordinal of the last */
	uint32_t replies;
	bool greeting_due;
	bool unsure;
	bool holes;       /* bytes were missing, so times count */
	bool pipelines;   /* the client does not wait for replies */
	bool status_lost; /* a gap may hold the status line that is due */
	bool orphan;      /* the last reply, +OK, had no command: lines may follow */
	bool stls_ok;
	bool lf_server;    /* its last status line ended with LF alone */
	uint32_t auth_cmd; /* AUTH under way */
	int64_t auth_ts_ns;
	uint32_t challenges; /* "+ " lines of it */
	uint32_t responses;  /* may have come before their challenges */
	struct sasl sasl;
	struct echo echo; /* what was masked: servers repeat it */

	struct pop3_pending *pending; /* ring */
	uint32_t pending_size, pending_first, pending_count;
	uint32_t unqueued; /* commands beyond POP3_PENDING_MAX */

	struct pop3_multi answer;
};

/* Fills what every event has. */
struct dissect_event pop3_event(
    const struct pop3 *st, enum event_kind kind, enum dissect_dir dir, uint64_t off, uint64_t end);
void pop3_emit(const struct pop3 *st, const struct dissect_event *ev);
/* A line that fits nowhere; a client's is shown as its length only. */
void pop3_noise(struct pop3 *st, enum dissect_dir dir);
/* The kept line without CR and LF. */
size_t pop3_line_len(const struct pop3_buffer *l);
void pop3_line_reset(struct pop3_buffer *l); /* wipes it */
/* Memory beyond the state itself counts against the common budget. */
bool pop3_hold(struct pop3 *st, uint64_t bytes);
void pop3_unhold(struct pop3 *st, uint64_t bytes);

/* pop3_client.c */
void pop3_client_line(struct pop3 *st);
/* Is the client's next line the response to a challenge? */
bool pop3_response_due(const struct pop3 *st);
const struct pop3_pending *pop3_pending_head(const struct pop3 *st);
/* Had a command been said before that moment which is not answered yet? */
bool pop3_asked_before(struct pop3 *st, int64_t ts_ns);
/*
 * The command that the server's bytes at hand answer; NULL = none.  Forgets those whose reply is
 * missing.
 */
const struct pop3_pending *pop3_pending_due(struct pop3 *st);
bool pop3_pending_take(struct pop3 *st, struct pop3_pending *out);
void pop3_pending_free(struct pop3 *st);

/* pop3_server.c */
void pop3_server_line(struct pop3 *st); /* a whole line outside of answers */
/* May the line that begins with these bytes be text of an answer?  Then it is begun. */
bool pop3_answer_starts(struct pop3 *st, const char *head, size_t len);
/* Reads the answer; returns the bytes taken. */
size_t pop3_answer_push(struct pop3 *st, uint64_t off, const uint8_t *p, size_t len);
void pop3_answer_gap(struct pop3 *st);
/* Is the answer over, although its end is missing? */
bool pop3_answer_over(const struct pop3 *st);
void pop3_answer_end(struct pop3 *st, bool complete, uint64_t end);

#endif /* POP3_STATE_H */
