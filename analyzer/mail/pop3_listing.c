/*
 * pop3_listing.c - kept as the server wrote it and searched where it is asked:
 * clients fetch in the order of the listing, so the next one is mostly next.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mail/pop3_listing.h"
#include "record/text.h"

/* "number value" within one line; false for anything else. */
static bool
entry_parse(const char *p, size_t len, uint64_t *number, const char **value, size_t *value_len)
{
	size_t i = 0, n;

	*number = 0;
	while (i < len && i < 10 && p[i] >= '0' && p[i] <= '9')
		*number = *number * 10 + (uint64_t)(p[i++] - '0');
	if (i == 0 || i == len || p[i] != ' ')
		return false;
	while (i < len && p[i] == ' ')
		i++;
	for (n = 0; i + n < len && p[i + n] != ' ' && p[i + n] != '\r'; n++)
		;
	*value = p + i;
	*value_len = n;
	return n > 0;
}

/* The line at *at; moves *at behind it. */
static size_t
line_next(const struct pop3_listing *l, size_t *at)
{
	const char *lf = memchr(l->text + *at, '\n', l->len - *at);
	size_t n = lf != NULL ? (size_t)(lf - l->text) - *at : l->len - *at;

	*at += n + (lf != NULL);
	return n;
}

bool
pop3_listing_set(struct pop3_listing *l, const char *text, size_t len, uint32_t *count)
{
	const char *value;
	uint64_t number;
	size_t at = 0, from, n;

	free(l->text);
	l->len = l->at = 0;
	*count = 0;
	l->text = malloc(len + 1);
	if (l->text == NULL)
		return false;
	memcpy(l->text, text, len);
	l->len = len;
	while (at < l->len) {
		from = at;
		n = line_next(l, &at);
		*count += entry_parse(l->text + from, n, &number, &value, &n);
	}
	return true;
}

void
pop3_listing_one(struct pop3_listing *l, const char *text, size_t len)
{
	const char *value;
	uint64_t number;
	size_t n;

	if (!entry_parse(text, len, &number, &value, &n))
		return;
	l->one_number = number;
	text_copy_utf8(l->one_value, sizeof(l->one_value), value, n);
}

/* From `at' to `to'. */
static bool
find_between(struct pop3_listing *l, size_t at, size_t to, uint64_t want, char *out, size_t size)
{
	const char *value;
	uint64_t number;
	size_t from, n, value_len;

	while (at < to) {
		from = at;
		n = line_next(l, &at);
		if (!entry_parse(l->text + from, n, &number, &value, &value_len) || number != want)
			continue;
		text_copy_utf8(out, size, value, value_len);
		l->at = at;
		return true;
	}
	return false;
}

void
pop3_listing_find(struct pop3_listing *l, uint64_t number, char *out, size_t size)
{
	out[0] = '\0';
	if (l->one_number == number && number != 0)
		text_copy_utf8(out, size, l->one_value, strlen(l->one_value));
	else if (l->text != NULL && !find_between(l, l->at, l->len, number, out, size))
		find_between(l, 0, l->at, number, out, size);
}

bool
pop3_listing_bad(const char *text, size_t len, char *out, size_t size)
{
	struct pop3_listing l = { .text = (char *)(uintptr_t)text, .len = len };
	const char *value;
	uint64_t number;
	size_t at = 0, from, n, value_len;

	line_next(&l, &at);		/* the status line */
	while (at < len) {
		from = at;
		n = line_next(&l, &at);
		if (n == 0 || entry_parse(text + from, n, &number, &value, &value_len))
			continue;
		text_copy_utf8(out, size, text + from, n);
		return true;
	}
	return false;
}

void
pop3_listing_free(struct pop3_listing *l)
{
	free(l->text);
	*l = (struct pop3_listing){ 0 };
}
