/*
 * classify.h - what a TCP flow speaks: by port, by its first lines (our own
 * sniffer), by nDPI as second opinion.
 *
 * The sniffer is primary: it sees 554 and 421 greetings, and captures with one
 * side only, which nDPI does not.  FTP's 220 is not mail: a 220 without the
 * word SMTP waits for the client's EHLO, HELO, LHLO or MAIL.
 */
#ifndef CLASSIFY_H
#define CLASSIFY_H

#include "dissectors/dissector.h"
#include "record/record.h"

enum {
	CLASSIFY_HEAD = 1024,  /* bytes of each direction that are looked at */
	CLASSIFY_PACKETS = 12, /* payload packets until a flow is given up */
};

enum classify_answer {
	CLASSIFY_WAIT = 0, /* more bytes are needed */
	CLASSIFY_MAIL,
	CLASSIFY_NOT,
};

struct classify_verdict {
	enum classify_answer answer;
	enum app_proto app;
	enum classified_by by;
};

struct classify {
	uint8_t head[2][CLASSIFY_HEAD]; /* [DIR_C2S], [DIR_S2C] */
	uint16_t len[2];
	enum dissect_dir first; /* who spoke first */
	bool midstream;
	uint16_t port[2];        /* client's, server's */
	enum app_proto implicit; /* by port: APP_SMTPS, POP3S, IMAPS; else APP_UNKNOWN */
	uint32_t packets;
	struct classify_ndpi *ndpi;
};

/* Well-known mail ports; APP_UNKNOWN otherwise. */
enum app_proto classify_port(uint16_t port);
/* 465, 995, 993: TLS from the first byte, unless the server greets in clear. */
bool classify_is_implicit(enum app_proto app);

/* Could a flow whose first payload is this be mail at all? */
bool classify_worth(enum dissect_dir dir, const uint8_t *p, size_t len);

struct classify *classify_new(
    enum app_proto implicit, bool midstream, uint16_t client_port, uint16_t server_port);
/* Wipes what it has seen. */
void classify_free(struct classify *c);
/* The next payload in order of one direction. */
struct classify_verdict classify_feed(
    struct classify *c, enum dissect_dir dir, const uint8_t *p, size_t len);
/* No more will come or may be held: the best answer there is. */
struct classify_verdict classify_end(const struct classify *c);

/* ---- classify_ndpi.c: the door to nDPI ------------------------------------ */

struct classify_ndpi;

/* NULL: nDPI cannot be used. */
struct classify_ndpi *classify_ndpi_new(void);
/* Mail (SMTP, POP3, IMAP), not mail (FTP), or not known; guesses count as not known. */
struct classify_verdict classify_ndpi_feed(struct classify_ndpi *n, enum dissect_dir dir,
    const uint16_t port[2], const uint8_t *p, size_t len);
/* It may hold passwords: wiped, then freed. */
void classify_ndpi_free(struct classify_ndpi *n);

/* Community ID v1 of a flow; "" when it cannot be made.  false: no memory. */
bool community_id(const struct endpoint *a, const struct endpoint *b, uint8_t proto, char out[40]);

#endif /* CLASSIFY_H */
