#include "dissectors/smtp/smtp_line.h"

#include <stdlib.h>
#include <string.h>

/* Without memory the line is cut, as an over-long one is. */
static void
line_keep(struct smtp_line *l, const uint8_t *p, size_t len)
{
	size_t want = l->len + len < SMTP_LINE_KEPT ? l->len + len : SMTP_LINE_KEPT;
	char *text;

	l->total += len;
	if (want > l->size) {
		size_t size = l->size != 0 ? l->size : 128;

		while (size < want)
			size *= 2;
		if ((text = malloc(size)) == NULL) {
			dissect_starved(l->budget);
			return;
		}
		if (l->len != 0) {
			memcpy(text, l->text, l->len);
			explicit_bzero(l->text, l->len);
		}
		free(l->text);
		l->text = text;
		l->size = size;
	}
	if (want > l->len) {
		memcpy(l->text + l->len, p, want - l->len);
		l->len = want;
	}
}

static uint32_t
odd_bytes(const uint8_t *p, size_t len)
{
	uint64_t word, all = 0;
	uint32_t odd = 0;
	size_t i;

	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		all |= word;
	}
	for (; i < len; i++)
		all |= p[i];
	if (all & 0x8080808080808080u)
		odd |= ODD_8BIT;
	if (len != 0 && memchr(p, '\0', len) != NULL)
		odd |= ODD_NUL;
	if (len != 0 && memchr(p, '\r', len) != NULL)
		odd |= ODD_BARE_CR;
	return odd;
}

/* A CR that was held back turns out to stand alone. */
static void
cr_settle(struct smtp_line *l)
{
	if (!l->cr)
		return;
	l->cr = false;
	l->odd |= ODD_BARE_CR;
	line_keep(l, (const uint8_t *)"\r", 1);
}

size_t
smtp_line_push(struct smtp_line *l, uint64_t off, const uint8_t *p, size_t len, bool *whole)
{
	const uint8_t *lf = len != 0 ? memchr(p, '\n', len) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - p) : len, take = n;

	*whole = lf != NULL;
	if (len == 0)
		return 0;
	if (!l->begun) {
		l->begun = true;
		l->off = off;
	}
	if (n > 0)
		cr_settle(l);
	if (n > 0 && p[n - 1] == '\r') { /* kept back: it may belong to the end */
		l->cr = true;
		take--;
	}
	l->odd |= odd_bytes(p, take);
	line_keep(l, p, take);
	if (lf == NULL)
		return n;
	if (!l->cr)
		l->odd |= ODD_BARE_LF;
	l->cr = false;
	return n + 1;
}

void
smtp_line_clear(struct smtp_line *l)
{
	char *text = l->text;
	size_t size = l->size;

	if (l->len != 0)
		explicit_bzero(text, l->len);
	*l = (struct smtp_line){ .text = text, .size = size, .budget = l->budget };
}

void
smtp_line_free(struct smtp_line *l)
{
	smtp_line_clear(l);
	free(l->text);
	*l = (struct smtp_line){ 0 };
}
