/* smtp_reply.h - one line of an SMTP reply. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "dissectors/dissector.h"

struct smtp_reply_line {
	uint16_t code;       /* 100..999; of an unlisted one only the first digit counts */
	bool last;           /* false after "250-" */
	bool no_code;        /* codeless: `code' is 100 times the class of x.y.z */
	uint8_t enhanced[3]; /* RFC 3463 2; {0,0,0} = none */
	const char *text;    /* borrowed from the caller, not NUL-terminated */
	size_t text_len;
};

/*
 * `line' without its CRLF.  NOTMINE: no code.  SHORT: fewer than three
 * bytes.  MALFORMED: digits that are no code ("2501", "000").
 */
enum dissect_rc smtp_reply_parse(const char *line, size_t len, struct smtp_reply_line *out);

/*
 * A line without a code, where an answer is due: servers exist that send
 * "4.7.0 [IPTS04] Messages ... deferred".  NOTMINE without x.y.z.
 */
enum dissect_rc smtp_reply_parse_codeless(
    const char *line, size_t len, struct smtp_reply_line *out);

/* class "." subject "." detail (RFC 3463 2) at the start of text; zeros when there is none. */
void smtp_enhanced_parse(const char *text, size_t len, uint8_t out[3]);

#endif /* SMTP_REPLY_H */
