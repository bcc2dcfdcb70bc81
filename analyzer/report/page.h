/*
 * page.h - lines of a report: width, colours, wrapping.  Text given to it is
 * hostile unless said otherwise: it is escaped here, and nowhere else.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/zone.h"

enum page_colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_RED,
	COLOUR_YELLOW,
	COLOUR_GREEN,
	COLOUR_CYAN,
	COLOUR_DIM
};

struct page {
	FILE *out;
	unsigned int width; /* columns, at least 40 */
	bool colour;
	const struct zone *zone; /* of its times; NULL = UTC */
};

enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/*
 * A page on `out'.  COLOUR_AUTO: when it is a terminal, unless NO_COLOR is set
 * or TERM is "dumb".  Width: the terminal's, or COLUMNS, or 80; at most 120,
 * because longer lines are hard to read.
 */
struct page page_on(FILE *out, enum colour_when when);

/* A newline; printf whose arguments are our own words or escaped. */
void page_line(const struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One word or phrase of our own in colour, without a newline. */
void page_put(const struct page *p, enum page_colour c, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * "label   text", escaped and wrapped at blanks, every line of the text
 * beginning at column `indent'; a label that is longer stands alone.  A line
 * feed in the text begins a new line.  An empty text prints nothing.
 */
void page_field(const struct page *p, const char *label, unsigned int indent, const char *text);
/* The same with the label's first character at column `at'. */
void page_field_at(const struct page *p, unsigned int at, const char *label, unsigned int indent,
    const char *text);

/*
 * A text that is put together piece by piece, to be printed with page_field(); what has no room is
 * left out.  Begins as { .len = 0 }.
 */
struct page_text {
	char s[2048];
	size_t len;
};
void page_text_add(struct page_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void page_text_vadd(struct page_text *t, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

#endif /* PAGE_H */
