/* dialogue.h - what several rules ask of one conversation. */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include "correlator/words/replies.h"
#include "correlator/finding/rule.h"

#define SECOND INT64_C(1000000000)

/* One negative reply, wherever the records keep it. */
struct refusal {
	const struct record_reply *reply;
	struct moment asked;                          /* the command; frame 0 = none */
	char stage;                                   /* of struct reply_context */
	const char *verb, *line;                      /* never NULL */
	const struct record_transaction *transaction; /* NULL = none */
	const struct record_recipient *recipient;
	bool unsolicited, consequence, after_auth, transaction_open;
	bool ended;             /* it ended a transaction, or the session */
	bool guessed;           /* it may answer one of several commands */
	bool deleted, unlisted; /* POP3: record.h */
	bool only_session;      /* kept by the session alone */
};

enum { REFUSALS_MAX = 64 };

/*
 * In order of time, each once.  Where there are more than `max', those that say something else come
 * before those that say the same again; *left counts those that do and found no room (may be NULL).
 * Returns how many.
 */
size_t refusals_gather(const struct mail_case *c, struct refusal *out, size_t max, uint64_t *left);
const struct record_reply *refusal_last(const struct mail_case *c); /* of all; NULL: none */
/* The same words, but for addresses and numbers. */
bool reply_alike(const char *a, const char *b);

bool case_is_smtp(const struct mail_case *c); /* plain or tunnelled, by session or port */
bool case_is_pop(const struct mail_case *c);
bool case_is_mail(const struct mail_case
	*c); /* by its words, or where nothing was said its port; others are kept for their sizes */
bool port_is_mail(uint16_t port);
bool port_is_tls(uint16_t port); /* 465, 993, 995 */

/* Data that was sent again and again and never arrived, or a hole: 1A explains this case. */
bool case_stalled(const struct mail_case *c);
/* A mail was accepted, or fetched as a whole, at that time. */
bool case_mail_passed(const struct mail_case *c, int64_t from_ns, int64_t to_ns);
/* One was begun behind the one time, and not behind the other. */
bool case_mail_began(const struct mail_case *c, int64_t from_ns, int64_t to_ns);
bool case_all_acked(const struct mail_case *c, int dir);
/*
 * A POP3 message sent to its end, of which the client had not acknowledged all when it stalled or
 * closed: it may not have had it.
 */
bool message_unconfirmed(const struct mail_case *c, const struct record_message *m);
/* The server answered -ERR to its RETR. */
bool message_refused(const struct record_message *m);
/*
 * The endpoint's own FIN or RST (an RST with a foreign TTL is not its own: 0.7 S); frame 0 = none.
 */
struct moment case_closed(const struct mail_case *c, int dir);
/* QUIT and FIN right behind the message: nothing more to say, but waiting for the answer. */
bool case_closes_its_half(const struct mail_case *c);
/* The client went on listening after its FIN: it acknowledged what came later. */
bool case_hears_after_close(const struct mail_case *c);
/* Its mail number n; NULL: it was not kept. */
const struct record_transaction *case_transaction(const struct mail_case *c, uint32_t n);
/* The mail that was begun next and was not nested; NULL: none. */
const struct record_transaction *case_transaction_behind(
    const struct mail_case *c, const struct record_transaction *t);
/* Of its mail number n: NULL, none. */
const struct record_message *case_message(const struct mail_case *c, uint32_t n);
const struct record_recipient *const *case_recipients(
    const struct mail_case *c, uint32_t n, uint32_t *count);
/*
 * The final reply is the last of the server's bytes, sent at least three times and never
 * acknowledged; NULL = no.
 */
const struct record_stall *reply_unheard(
    const struct mail_case *c, const struct record_transaction *t);
/*
 * The final reply was not acknowledged: what answers it is the RST of a host, or a device, that
 * knows no such connection.
 */
bool reply_met_reset(const struct mail_case *c, const struct record_transaction *t);
/*
 * A mail that was sent whole, as far as is known, and whose final answer the client did not hear.
 */
bool transaction_unheard(const struct mail_case *c, const struct record_transaction *t);
/* What EHLO's SIZE announces (RFC 1870); 0 = nothing, or no limit. */
uint64_t case_size_limit(const struct mail_case *c);
/*
 * The server refuses a line when the client has said nothing yet: something between them put it
 * there.
 */
bool case_line_between(const struct mail_case *c, const struct moment *refused);
void say_line_between(const struct mail_case *c, struct finding *f, const struct record_reply *r);
/*
 * It waited for a greeting in vain, and QUIT is all it ever said: when it gave up; frame 0 = it did
 * not.
 */
struct moment case_goodbye(const struct mail_case *c);
/*
 * The endpoint said nothing from `since' on for so long at least: its own later packets would show
 * by their SEQ what they came after.  Silence until the capture ends is no more than that nothing
 * was seen.
 */
int64_t case_silence_shown(const struct mail_case *c, int dir, const struct moment *since);
/* So many bytes the server had said at the end that never came here, nor to the client; 0: none. */
uint64_t case_answer_missing(const struct mail_case *c);
/* Who closed first: 0 client, 1 server, -1 nobody. */
int case_first_closer(const struct mail_case *c);
/* When, or its last packet. */
struct moment case_ended(const struct mail_case *c);
/*
 * 0.7 G: what rests on something not seen cannot be told when bytes are
 * missing, or when frames were recorded in the wrong order.
 */
enum confidence absence(const struct mail_case *c, enum confidence conf);
bool moment_before(const struct moment *a, const struct moment *b);
int64_t moment_gap(
    const struct moment *from, const struct moment *to); /* ns, 0 when one is missing */
/* The same, without the time that the capture's clock jumped over. */
int64_t case_waited(const struct mail_case *c, const struct moment *from, const struct moment *to);

const char *address_domain(const char *address); /* behind the last @; "" = none */
/* `550 5.7.1 words', cut to fit: for evidence. */
char *reply_quote(const struct record_reply *r, bool pop, char *buf, size_t len);
/*
 * A protocol error of subkind `conduct', `early-talker' or `not-smtp': how the client spoke, as far
 * as the capture shows it.
 */
void say_conduct(const struct mail_case *c, struct finding *f);

#endif /* DIALOGUE_H */
