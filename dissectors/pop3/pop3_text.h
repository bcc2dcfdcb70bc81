/*
 * pop3_text.h - the lines of a multi-line answer up to the dot (RFC 1939 3),
 * in any chunking, with the doubled dots undone.
 *
 * The end is a line that is "." alone.  It must end with CRLF, unless the
 * server ends its own lines with LF alone.  A text line that ends in a full
 * stop, or a "+OK 389 octets follow." is not an end.
 */
#ifndef POP3_TEXT_H
#define POP3_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pop3_text {
	bool lf_ends;              /* in: ".\n" ends it (the status line ended with LF alone) */
	bool watch;                /* in: a line that starts with +OK or -ERR ends it */
	bool inside;               /* within a line */
	bool dot_lf;               /* out: a line ".\n" that did not end it */
	bool dot_last;             /* out: nothing has followed the last of them */
	bool bare_lf;              /* out */
	uint8_t last;              /* byte before the next */
	uint8_t head[4], head_len; /* held start of a line */
};

enum pop3_text_rc {
	POP3_TEXT_MORE,   /* every byte taken */
	POP3_TEXT_PIECE,  /* *piece, *piece_len are text; call again */
	POP3_TEXT_END,    /* the dot; the rest of *p is something else */
	POP3_TEXT_STATUS, /* head[0..head_len) starts a status line; *p is its rest */
};

/* Takes from *p, *len.  A piece lives as long as the bytes and until the next call. */
enum pop3_text_rc pop3_text_next(
    struct pop3_text *t, const uint8_t **p, size_t *len, const uint8_t **piece, size_t *piece_len);
/* Bytes are missing: what follows is the middle of some line. */
void pop3_text_gap(struct pop3_text *t);

#endif /* POP3_TEXT_H */
