/*
 * smtp_line.h - bytes to lines.  A line ends at LF; a CR before it belongs to
 * the end, any other CR is an odd byte of the line.  Of a long line the first
 * SMTP_LINE_KEPT bytes are kept, the rest is counted.
 */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H

#include "dissectors/smtp/smtp.h"

struct smtp_line {
	char *text; /* grows to SMTP_LINE_KEPT; wiped when cleared */
	size_t len, size;
	uint64_t total; /* bytes of the line without its end */
	uint64_t off;   /* stream offset of its first byte */
	uint32_t odd;   /* ODD_* */
	bool cr;        /* the last byte was a CR */
	bool begun;
	struct dissect_budget *budget; /* where want of memory is counted; may be NULL */
};

/*
 * Takes bytes up to the end of the line; returns how many.  *whole: the line
 * is complete; clear it before the next push.  `off' is the offset of p[0].
 */
size_t smtp_line_push(struct smtp_line *l, uint64_t off, const uint8_t *p, size_t len, bool *whole);
void smtp_line_clear(struct smtp_line *l); /* keeps the buffer */
void smtp_line_free(struct smtp_line *l);

#endif /* SMTP_LINE_H */
