/*
 * smtp_state.h - what the files of the SMTP dissector share.
 *
 *	smtp.c		opening, chunks in, who may read next, the end
 *	smtp_client.c	the client's bytes: commands, content, logins
 *	smtp_joined.c	the client's bytes of a stream joined in the middle
 *	smtp_server.c	the server's lines
 *	smtp_answer.c	replies: which command each answers, what it changes
 *	smtp_queue.c	commands without their reply
 *
 * We guess a session, we do not police it: what comes next depends on the
 * command and its reply, never on what a server ought to have said.
 */
#ifndef SMTP_STATE_H
#define SMTP_STATE_H

#include "dissectors/text/echo.h"
#include "dissectors/text/sasl.h"
#include "dissectors/smtp/smtp_content.h"
#include "dissectors/text/hold.h"
#include "dissectors/smtp/smtp_line.h"
#include "dissectors/tls/tls.h"

enum smtp_mode { /* how the client's next byte is read */
	MODE_COMMAND = 0,
	MODE_DATA,      /* RFC 5321 4.1.1.4 */
	MODE_CHUNK,     /* RFC 3030 2 */
	MODE_AUTH,      /* RFC 4954 4: one line, the answer to 334 */
	MODE_TLS_MAYBE, /* RFC 3207 4: behind 220, decided by the next byte */
	MODE_TLS,
	MODE_JOINED, /* joined in the middle, nothing recognised yet */
	MODE_TUNNEL, /* SOCKS or HTTP CONNECT goes before the dialogue */
};

struct smtp_asked { /* a command that has no reply yet */
	uint32_t cmd;
	uint16_t verb;
	bool last;        /* BDAT LAST */
	bool maybe;       /* its reply may be among missing bytes */
	bool assumed;     /* its reply was not waited for */
	uint32_t path;    /* RCPT: hash of its address */
	uint64_t end;     /* offset behind its last byte: nobody answers it before */
	int64_t ts_ns;    /* of that byte */
	uint32_t replies; /* still to come, LMTP (RFC 2033 4.2); 0 = not yet known: one */
};

struct smtp_reply_line; /* smtp_reply.h */

struct smtp_queue {
	struct smtp_asked *e; /* ring */
	uint32_t first, count, size;
};

struct smtp_kept { /* text as it comes, up to SMTP_REPLY_KEPT bytes */
	char *p;
	size_t len, size;
};

struct smtp_answer { /* a reply being collected */
	bool open;   /* lines of it were read */
	bool whole;  /* its last line was read; it waits for delivery */
	bool far;    /* its command was not looked for to the end, and that was counted */
	bool guess;  /* it may answer another command as well */
	uint16_t code;
	uint8_t enhanced[3];
	struct smtp_kept line, text;
	uint64_t off, end;
	int64_t ts_ns;
	uint32_t odd;
};

struct smtp_state { /* what every piece of a body asks comes first */
	struct dissect_sink sink;
	uint64_t next[2];          /* offset behind what was read, by enum dissect_dir */
	int64_t ts_ns;             /* of the byte being read */
	int64_t client_ts_ns;      /* of the client's last byte that was read */
	enum dissect_dir arriving; /* whose bytes have just come */
	enum smtp_mode mode;
	struct hold in[2]; /* by enum dissect_dir */
	struct smtp_content content;
	bool content_open;
	bool waiting;   /* the client's bytes wait for the reply to the last command */
	bool closing;   /* no more bytes will come */
	bool over;      /* a bound was hit: go on without the other side */
	bool deaf;      /* ... and no server was heard so far */
	bool lf_only;   /* the last command ended with a bare LF */
	bool unsynced;  /* bytes are missing: replies and commands may not match */
	bool in_turn;   /* ... but only of the server, and the client shows what it had heard */
	uint64_t heard; /* offset of the client's bytes behind the last of the server's gaps;
			   UINT64_MAX: not known */
	bool server_heard, server_tls;
	struct smtp_queue queue;
	struct smtp_answer answer;
	struct dissect_hint hint;
	struct smtp_line line[2];
	uint32_t cmd; /* ordinal of the last command */

	/* server */
	bool greeted, server_tunnel, quit_done, lmtp;
	bool after_gap[2];      /* the next line may be the rest of one */
	bool replied;           /* a reply was delivered */
	uint32_t rcpt_accepted; /* in this transaction: LMTP answers each */
	bool probe;             /* the client spoke while a reply was unfinished: a list */
	bool probe_line;        /* ... or a line */
	uint8_t probe_bytes[4];
	uint8_t probe_len;

	/* client */
	bool client_heard;
	bool joined_login;     /* the first line after a join may answer a 334 */
	bool joined_dot;       /* that line is ".": the end of a message, or of a line of it */
	uint64_t joined_end;   /* offset behind that line */
	uint64_t joined_bytes; /* content up to it */
	uint64_t chunk_left;
	bool chunk_last;
	uint32_t chunk_cmd;
	struct sasl sasl;
	bool auth_loose;  /* a login whose replies are not in the capture */
	struct echo echo; /* what was masked: servers repeat it */
	struct tls_observer *tls;
};

/* smtp.c */
void smtp_emit(struct smtp_state *st, struct dissect_event *ev);
/* Replies and commands may not match, and nothing tells how they would. */
static inline void
smtp_unsync(struct smtp_state *st)
{
	st->unsynced = true;
	st->in_turn = false;
}
void smtp_tls_begin(struct smtp_state *st, enum dissect_dir dir, uint64_t off);
void smtp_noise(struct smtp_state *st, enum dissect_dir dir, const struct smtp_line *l);

/* smtp_client.c */
bool smtp_client_step(struct smtp_state *st);   /* false: blocked or nothing there */
void smtp_client_unwait(struct smtp_state *st); /* its reply is not in the capture */
void smtp_client_finish(struct smtp_state *st);
void smtp_content_open(struct smtp_state *st, uint32_t cmd);
/* Ends open content as END_OF_DATA; the ordinal by which its reply is known. */
void smtp_content_close(struct smtp_state *st, bool complete);
void smtp_client_line(struct smtp_state *st, const struct smtp_line *l);
void smtp_client_take(struct smtp_state *st, uint64_t n);
bool smtp_client_is_tls(const struct smtp_state *st, uint8_t b);

/* smtp_joined.c */
bool smtp_joined_step(struct smtp_state *st, struct held_span s);
/* A first reply tells what the client's bytes before it were. */
void smtp_joined_leave(struct smtp_state *st, uint16_t code);

/* smtp_server.c */
bool smtp_server_step(struct smtp_state *st);
void smtp_server_finish(struct smtp_state *st);

/* smtp_answer.c */
/* One line more; `r' NULL: a line without a code within a list. */
void smtp_answer_add(struct smtp_state *st, struct smtp_line *l, const struct smtp_reply_line *r);
void smtp_answer_cut(struct smtp_state *st);
/* Delivers the whole reply to the command it answers; false: it has to wait. */
bool smtp_answer_try(struct smtp_state *st);
/* Delivers a reply that nothing asked for, as what it most likely is. */
void smtp_answer_release(struct smtp_state *st);
bool smtp_answer_may_go(const struct smtp_state *st, int64_t ts_ns);

/* smtp_queue.c */
void smtp_queue_free(struct smtp_state *st);
struct smtp_asked *smtp_queue_add(struct smtp_state *st, int verb); /* NULL: no memory */
uint32_t smtp_path_hash(const char *path, size_t len);              /* no case; never 0 */
void smtp_asked_whole(const struct smtp_state *st, struct smtp_asked *e);
struct smtp_asked *smtp_queue_at(struct smtp_queue *q, uint32_t i);
struct smtp_asked *smtp_queue_tail(struct smtp_queue *q);
void smtp_queue_drop(struct smtp_queue *q, uint32_t n);
/* The command that a reply with this code answers; those before it are dropped.  NULL: none. */
struct smtp_asked *smtp_queue_pick(struct smtp_state *st, uint16_t code);
/* Could this verb be answered by this code? Of codes nobody listed only the first digit counts. */
bool smtp_verb_takes(int verb, uint16_t code);

#endif /* SMTP_STATE_H */
