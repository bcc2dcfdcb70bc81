/* page.c - wrapping, colours, width. */
#include "report/page.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/escape.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN     40
#define WIDTH_MAX     120
#define PIECE         4096 /* escaped bytes of one piece of text between line feeds */

static const char *const codes[] = {
	[COLOUR_NONE] = "",
	[COLOUR_BOLD] = "\033[1m",
	[COLOUR_RED] = "\033[1;31m",
	[COLOUR_YELLOW] = "\033[1;33m",
	[COLOUR_GREEN] = "\033[1;32m",
	[COLOUR_CYAN] = "\033[36m",
	[COLOUR_DIM] = "\033[2m",
};

static bool
colour_wanted(FILE *out, enum colour_when when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when != COLOUR_AUTO)
		return when == COLOUR_ALWAYS;
	if (no != NULL && no[0] != '\0') /* no-color.org */
		return false;
	return isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0;
}

static unsigned int
width_of(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	const char *why;
	long long w = 0;

	if (ioctl(fileno(out), TIOCGWINSZ, &ws) == 0)
		w = ws.ws_col;
	if (w == 0 && columns != NULL)
		w = strtonum(columns, 1, INT_MAX, &why);
	if (w == 0)
		w = WIDTH_DEFAULT;
	if (w < WIDTH_MIN)
		return WIDTH_MIN;
	return w > WIDTH_MAX ? WIDTH_MAX : (unsigned int)w;
}

struct page
page_on(FILE *out, enum colour_when when)
{
	return (
	    struct page){ .out = out, .width = width_of(out), .colour = colour_wanted(out, when) };
}

void
page_line(const struct page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(p->out, fmt, ap);
	va_end(ap);
	fputc('\n', p->out);
}

void
page_put(const struct page *p, enum page_colour c, const char *fmt, ...)
{
	va_list ap;

	if (p->colour)
		fputs(codes[c], p->out);
	va_start(ap, fmt);
	vfprintf(p->out, fmt, ap);
	va_end(ap);
	if (p->colour && c != COLOUR_NONE)
		fputs("\033[0m", p->out);
}

static size_t
word_length(const char *s)
{
	return strcspn(s, " ");
}

/* A word longer than a line is cut where the line ends, between characters. */
static size_t
word_fit(const char *s, size_t len, size_t columns)
{
	size_t n = 0, next;

	while (n < len) {
		for (next = n + 1; next < len && ((unsigned char)s[next] & 0xc0) == 0x80; next++)
			;
		if (escape_width(s, next) > columns)
			break;
		n = next;
	}
	return n > 0 ? n : len;
}

/* Escaped text from column `column' on, further lines from `indent' on. */
static void
wrap(const struct page *p, const char *s, unsigned int indent)
{
	size_t column = indent, room = p->width > indent + 10 ? p->width : indent + 10U;

	while (*s != '\0') {
		size_t len = word_length(s), width = escape_width(s, len);

		if (column > indent && column + 1 + width > room) {
			fprintf(p->out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', p->out);
			column++;
		}
		if (column + width > room)
			len = word_fit(s, len, room - column);
		fwrite(s, 1, len, p->out);
		column += escape_width(s, len);
		s += len;
		while (*s == ' ')
			s++;
	}
	fputc('\n', p->out);
}

/* A command stays on one line, however long: who copies it must not get two. */
static bool
is_command(const char *s)
{
	return strncmp(s, "tcpdump -i ", 11) == 0;
}

static void
put_label(const struct page *p, unsigned int at, const char *label, unsigned int indent)
{
	size_t width = at + strlen(label);

	fprintf(p->out, "%*s", (int)at, "");
	if (label[0] != '\0')
		page_put(p, COLOUR_BOLD, "%s", label);
	if (width < indent)
		fprintf(p->out, "%*s", (int)(indent - width), "");
	else if (label[0] != '\0')
		fprintf(p->out, "\n%*s", (int)indent, "");
}

void
page_field_at(
    const struct page *p, unsigned int at, const char *label, unsigned int indent, const char *text)
{
	char piece[PIECE];

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		put_label(p, at, label, indent);
		label = "";
		at = 0;
		escape_terminal(piece, sizeof(piece), text, len);
		if (is_command(piece))
			fprintf(p->out, "%s\n", piece);
		else
			wrap(p, piece, indent);
		text += len + (text[len] == '\n');
	}
}

void
page_field(const struct page *p, const char *label, unsigned int indent, const char *text)
{
	page_field_at(p, 2, label, indent, text);
}

void
page_text_vadd(struct page_text *t, const char *fmt, va_list ap)
{
	int n = vsnprintf(t->s + t->len, sizeof(t->s) - t->len, fmt, ap);

	if (n > 0)
		t->len += (size_t)n < sizeof(t->s) - t->len ? (size_t)n : sizeof(t->s) - t->len - 1;
}

void
page_text_add(struct page_text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	page_text_vadd(t, fmt, ap);
	va_end(ap);
}
