/*
 * smtp_content.h - the octets behind 354: transparency and the end of data
 * (RFC 5321 4.1.1.4, 4.5.2).  Only CRLF "." CRLF ends them, as a strict server
 * has it; what a lax one would take for the end is flagged.
 */
#ifndef SMTP_CONTENT_H
#define SMTP_CONTENT_H

#include "dissectors/smtp/smtp.h"

enum content_at { /* where in a line the next byte stands */
	CONTENT_TEXT = 0,
	CONTENT_START, /* behind CRLF, or at the very first byte */
	CONTENT_CR,
	CONTENT_DOT, /* "." at the start: taken away */
	CONTENT_DOT_CR,
	CONTENT_BARE_LF,  /* behind an LF without its CR */
	CONTENT_BARE_DOT, /* "\n." */
	CONTENT_BARE_DOT_CR,
	CONTENT_STATES,
};

struct smtp_content {
	enum content_at at;
	bool ended; /* the end of data was seen */
	bool gap;   /* bytes are missing: the end may be among them */
	uint32_t odd;
	uint64_t line;     /* bytes of the line so far */
	size_t width;      /* bytes of some line before, with its end: others may be as long */
	uint64_t bare_end; /* offset behind the last "\n.\n" and its like; 0 = none */
	uint64_t from;     /* offset of the first octet */
	uint64_t bytes;    /* octets given out, and missing */
};

/* From a known start, or in the middle of a message (`known' false). */
void smtp_content_begin(struct smtp_content *c, uint64_t off, bool known);
void smtp_content_gap(struct smtp_content *c, uint64_t missing);
/*
 * Reads on until the end of data or the end of p; returns the bytes read.
 * give() gets the octets of the message, in pieces; a piece is borrowed.
 */
size_t smtp_content_push(struct smtp_content *c, uint64_t off, const uint8_t *p, size_t len,
    void (*give)(void *ctx, uint64_t off, const uint8_t *p, size_t len), void *ctx);

#endif /* SMTP_CONTENT_H */
