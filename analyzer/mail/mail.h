/*
 * mail.h - dissector events to mail records: sessions, transactions,
 * recipients, messages, by the counting rules of docs/records.md.
 */
#ifndef MAIL_H
#define MAIL_H

#include "dissectors/dissect_event.h"
#include "flow/watcher.h"

struct mail;

struct mail_options {
	bool show_users; /* user names as they are, else masked */
	uint8_t key[16]; /* of the hash that shows equality of user names */
	/* A copy of each event with its frames, for transcripts; may be NULL. */
	void (*transcript)(void *ctx, const struct flow_opened *f, struct moment at,
	    uint64_t last_frame, const struct dissect_event *ev);
	void *transcript_ctx;
};

/* Bounds of this room that were hit; for the report. */
struct mail_caps {
	uint64_t held;         /* flows read on without the reply they depended on */
	uint64_t recipients;   /* recipients counted but without a record of their own */
	uint64_t transactions; /* transactions settled early: too many unanswered */
	uint64_t listings; /* LIST, UIDL of POP3: too long, or too many; not all of it is known */
	uint64_t fetches;  /* RETRs without an answer that are not told one by one */
	uint64_t searches_cut; /* replies whose command was not looked for to the end */
	uint64_t memory;       /* facts lost for want of memory */
};

/* The options are copied, the sink is borrowed for the life of the mail. */
struct mail *mail_new(const struct mail_options *o, const struct record_sink *sink);
/* The watcher to hand to flow/; its ctx is the mail. */
struct flow_watcher mail_watcher(struct mail *m);
/*
 * Another place may have seen the connections that begin from now on: what is
 * said in them is summed up, which costs a fifth more where all is mail.
 */
void mail_compare(struct mail *m);
struct mail_caps mail_caps_get(const struct mail *m);
void mail_free(struct mail *m);

#endif /* MAIL_H */
