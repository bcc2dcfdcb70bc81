/*
 * mail_smtp.h - what mail_smtp.c (events), smtp_mail.c (transactions) and
 * smtp_verdict.c (their end) share.
 */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include "dissectors/smtp/smtp.h"
#include "mail/mail_internal.h"

#define SMTP_RECIPIENTS_KEPT 1000u /* with a record of their own, per transaction */
/* of all mails at once: some 100 MB where each is as long as it may be */
#define SMTP_RECIPIENTS_OPEN   (1u << 17)
#define SMTP_TRANSACTIONS_OPEN 64u /* that wait for replies */
/* of all flows; from there on each may have but the next */
#define SMTP_TRANSACTIONS_ALL (1u << 16)
#define SMTP_TRANSACTIONS_FEW 4u
#define SMTP_ASKED_MAX        SMTP_OUTSTANDING_MAX
#define SMTP_LINE_SHOWN       128u

struct smtp_rcpt {
	uint32_t ordinal; /* of its RCPT in the transaction */
	uint32_t cmd;
	struct moment at;
	const char *address;
	struct record_reply *reply, *final; /* NULL = none; final: LMTP's own */
	bool consequence, bare;
};

struct smtp_mail { /* a transaction that is not settled yet */
	struct smtp_mail *next;
	uint32_t n;                         /* ordinal in the session */
	struct record_transaction r;        /* but for its verdict_reply, which is ... */
	const struct record_reply *decided; /* ... this one of ours; NULL = none */
	struct smtp_mail *before; /* the one that was open when MAIL came; not yet replaced */
	struct smtp_rcpt *rcpt;
	uint32_t rcpt_count, rcpt_size;
	uint32_t rcpt_answered, rcpt_ok, rcpt_deferred, rcpt_refused; /* of all, kept or not */
	struct record_reply rcpt_negative;                            /* the last */
	uint32_t finals, finals_ok;                                   /* LMTP, PRDR */
	bool prdr;       /* 353: each recipient is answered, then all of them */
	uint32_t asked;  /* commands of it without their reply */
	uint32_t holds;  /* RSET, EHLO without their reply: it may be open again */
	bool mail_asked; /* its MAIL is in the capture */
	bool ended;      /* nothing more will be added */
	bool forced;     /* settled early, see SMTP_TRANSACTIONS_OPEN */
	bool reset;      /* ended by RSET, EHLO, HELO or the next MAIL */
	bool quit;
	bool bdat_refused;
	bool content;       /* octets of it were seen */
	bool passed;        /* its end was not seen, and another mail's content follows it */
	bool go_ahead;      /* DATA was answered 3xx */
	bool after_refusal; /* begun by DATA or BDAT behind a refused one: no new attempt */
	uint64_t dot;       /* stream offset behind the end of data; 0 = none */
};

struct smtp_asked_cmd {
	uint32_t cmd;
	int verb;
	struct smtp_mail *mail;  /* NULL = none */
	struct smtp_mail *saved; /* RSET, EHLO: what was open; reopened when refused */
	uint32_t rcpt;           /* index + 1; 0 = none */
	bool last;               /* BDAT LAST */
	bool answered;
	struct moment at;
	char line[SMTP_LINE_SHOWN];
};

struct smtp_flow {
	struct smtp_mail *mails;   /* oldest first */
	struct smtp_mail *open;    /* to which RCPT and DATA belong; NULL = none */
	struct smtp_mail *reading; /* whose content is being read */
	uint32_t mail_count, mails_begun;
	struct smtp_asked_cmd *asked; /* ring */
	uint32_t asked_first, asked_count, asked_size;
	bool lmtp, early, data_refused;
	bool octets;        /* of the content being read were seen */
	uint64_t chunk_due; /* bytes of the last BDAT that have not come */
	struct moment content_from;
};

static inline struct smtp_flow *
smtp_flow(struct mail_flow *f)
{
	return f->state;
}

/* i < asked_count; the oldest is 0 */
static inline struct smtp_asked_cmd *
smtp_asked_at(const struct smtp_flow *s, uint32_t i)
{
	return &s->asked[(s->asked_first + i) % s->asked_size];
}

static inline struct smtp_asked_cmd *
smtp_asked_last(const struct smtp_flow *s) /* NULL: none */
{
	return s->asked_count != 0 ? smtp_asked_at(s, s->asked_count - 1) : NULL;
}

/* smtp_mail.c */
struct smtp_mail *smtp_mail_begin(struct mail_flow *f, struct moment at); /* NULL: no memory */
struct smtp_rcpt *smtp_mail_rcpt(
    struct mail_flow *f, struct smtp_mail *t, const struct dissect_event *ev, struct moment at);
/* What `*to' points to becomes a copy, or is replaced by one; NULL: no memory. */
void smtp_mail_reply_dup(
    struct mail_flow *f, struct record_reply **to, const struct record_reply *r);
void smtp_mail_rcpt_reply(
    struct mail_flow *f, struct smtp_mail *t, uint32_t rcpt, const struct record_reply *r);
/* A MAIL was refused while `t->before' was open: what was taken for its own belongs to that one. */
void smtp_mail_nested(struct mail_flow *f, struct smtp_mail *t);
/* Writes what is settled; at the end (facts known) everything. */
void smtp_mails_settle(struct mail_flow *f, const struct record_connection *facts, bool at_end);
void smtp_mails_free(struct mail_flow *f);

/* smtp_replies.c */
void smtp_reply_event(
    struct mail_flow *f, const struct dissect_event *ev, struct moment from, struct moment to);
void smtp_reopen(struct smtp_flow *s, struct smtp_mail *t);

/* smtp_ehlo.c: what an EHLO reply offers, and what a middlebox wrote over. */
void smtp_ehlo_note(struct mail_flow *f, const char *text, size_t len);

/* mail_smtp.c: the command that has this ordinal; those before it are forgotten. */
struct smtp_asked_cmd *smtp_asked_find(struct smtp_flow *s, uint32_t cmd);
void smtp_asked_answered(struct smtp_asked_cmd *a);

/* smtp_verdict.c: fills verdict, stage, verdict_reply. */
bool smtp_verdict_sure(struct smtp_mail *t, const struct mail_flow *f); /* without TCP's facts */
void smtp_verdict(
    struct smtp_mail *t, const struct mail_flow *f, const struct record_connection *facts);
enum verdict smtp_verdict_of_code(uint16_t code);
/* Fate of one recipient within a settled transaction. */
enum verdict smtp_verdict_rcpt(const struct smtp_mail *t, const struct smtp_rcpt *r);

#endif /* MAIL_SMTP_H */
