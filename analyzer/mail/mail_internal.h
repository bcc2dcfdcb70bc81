/*
 * mail_internal.h - what the files of this room share: one flow that speaks
 * mail, and how its protocol turns dissector events into records.
 *
 * mail.c owns the flow: it opens the protocol's dissector with a sink of its
 * own, keeps `now' and the common fields of the session up to date, hands
 * every event to the protocol, and at close() calls its end() and then writes
 * the session record.  mail_smtp.c and mail_pop3.c are one const struct
 * mail_protocol each; a new protocol is a file with one and a row in
 * mail.c:protocol_of().
 *
 * A protocol writes its own records (transaction, recipient, message) with
 * mail_emit(), as soon as they are settled: what needs TCP facts waits for
 * end().  It fills its fields of f->session; these are filled by mail.c:
 * key, app, client, server, first, last, server_seen, client_seen, midstream,
 * gap_client, gap_server, client_first_byte, server_first_byte, tls*, odd.
 */
#ifndef MAIL_INTERNAL_H
#define MAIL_INTERNAL_H

#include "dissectors/message/message.h"
#include "mail/mail.h"
#include "mail/mail_sum.h"
#include "record/record_copy.h"

struct mail {
	struct mail_options o;
	const struct record_sink *sink;
	struct dissect_budget budget; /* bytes held by all dissectors together */
	struct mail_caps caps;
	bool compare;
	uint64_t listed;                      /* bytes of POP3 listings that are kept */
	struct dissect_queues asked, waiting; /* SMTP's commands, POP3's RETRs */
	uint64_t mails_open;                  /* mails that are not settled */
	uint64_t rcpts_open;                  /* their recipients */
};

struct mail_flow;

struct mail_protocol {
	const struct dissector *dissector;
	size_t state_size;                  /* of f->state: zeroed before begin() */
	void (*begin)(struct mail_flow *f); /* may be NULL */
	/* `from', `to': the frames of the event's first and last byte. */
	void (*event)(struct mail_flow *f, const struct dissect_event *ev, struct moment from,
	    struct moment to);
	/* The flow is over; nothing may be left unsaid. The session record follows. */
	void (*end)(struct mail_flow *f, const struct record_connection *facts);
	void (*wipe)(struct mail_flow *f); /* frees what hangs on f->state; may be NULL */
};

struct mail_flow {
	struct mail *mail;
	const struct mail_protocol *protocol;
	void *dissector;   /* state of protocol->dissector */
	void *state;       /* of the protocol */
	struct moment now; /* of the bytes being read */
	struct record_session
	    *session;                  /* written at close; its refusals are not there, but below */
	struct message *message;       /* content being read, see mail_content_* */
	struct moment fault;           /* its first fault */
	struct content_places *places; /* where its parts begin; NULL: no memory */
	struct session_refusal *refusals; /* as many as the session says; NULL: none */
	bool tls[2];                      /* this direction became TLS */
	bool tls_finished[2];
	bool plain_after; /* the server went on in plain text when the client had begun TLS */
	bool compared;    /* with what another place saw: the sums are made */
	struct mail_sum said[2], content; /* the lines of a side, masked; the message being read */
	uint64_t contents;                /* of the messages that were read, added */
	struct flow_opened opened;
};

extern const struct mail_protocol mail_smtp, mail_pop3, mail_imap;

/* r->key gets the flow's point and connection with ordinals n and m; then it is handed on. */
void mail_emit(struct mail_flow *f, struct record *r, uint32_t n, uint32_t m);

/*
 * A reply event as it stands in records, its words in `text'; `at' is the frame of its last byte.
 */
void mail_reply_set(struct record_reply *out, char text[RECORD_WORDS],
    const struct dissect_event *ev, struct moment at);

/*
 * As text_own() and reply_own(), for the records of this flow that are being made; no memory is
 * counted.
 */
void mail_text_own(struct mail_flow *f, const char **text, size_t max, const char *src, size_t len);
void mail_reply_own(struct mail_flow *f, struct record_reply *to, const struct record_reply *from);

uint64_t mail_siphash(const uint8_t key[16], const void *p, size_t len);

/*
 * The login name, as the options allow: session.user_hash always (SipHash-2-4
 * under the key of the options, 16 hex digits), session.user only when asked for.
 */
void mail_user_set(struct mail_flow *f, const char *user, size_t len);

/*
 * A negative reply that the correlator is to classify: counted, and a copy
 * kept in session.refusals (the first half and the last half of the array).
 */
void mail_refusal_add(struct mail_flow *f, const struct session_refusal *r);

/*
 * The message parser on a flow's content: begin at EVENT_CONTENT_BEGIN, push
 * at EVENT_CONTENT, gap at EVENT_GAP while content is open; end() fills the
 * fields of the record that come from the message itself (message_id, subject,
 * from, content_type, parts, bytes, gap, ...) and forgets the parser; the
 * record's texts are in `texts'.  `certain':
 * it ended as its protocol says, and began where it was seen to begin; only then are the
 * proofs of its content told.
 */
void mail_content_begin(struct mail_flow *f);
void mail_content_push(struct mail_flow *f, const struct dissect_event *ev);
void mail_content_gap(struct mail_flow *f, const struct dissect_event *ev);
struct content_texts {
	char message_id[RECORD_HEADER], subject[RECORD_HEADER], from[RECORD_HEADER],
	    content_type[RECORD_HEADER];
	char date[RECORD_LINE], received_by[RECORD_LINE], signature[RECORD_LINE],
	    fault_name[RECORD_LINE], scanner[RECORD_LINE];
	char attachment_hashes[RECORD_LINE], body_hash[17], fault_path[16];
	struct mime_part outline[RECORD_OUTLINE];
};
void mail_content_end(
    struct mail_flow *f, struct record_message *out, struct content_texts *texts, bool certain);
void mail_content_forget(struct mail_flow *f); /* at the end of the flow */

#endif /* MAIL_INTERNAL_H */
