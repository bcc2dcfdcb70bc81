/* pop3_listing.c - kept as the server wrote it, and where in it each number stands. */
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

uint32_t
pop3_listing_count(const char *text, size_t len)
{
	struct pop3_listing l = { .text = (char *)(uintptr_t)text, .len = len };
	const char *value;
	uint64_t number;
	size_t at = 0, from, n;
	uint32_t count = 0;

	while (at < len) {
		from = at;
		n = line_next(&l, &at);
		count += entry_parse(text + from, n, &number, &value, &n);
	}
	return count;
}

uint64_t
pop3_listing_cost(size_t len, uint32_t count)
{
	return len + 1 + (uint64_t)count * sizeof(struct pop3_entry);
}

uint64_t
pop3_listing_clear(struct pop3_listing *l)
{
	uint64_t cost = l->text != NULL ? pop3_listing_cost(l->len, l->count) : 0;

	free(l->text);
	free(l->entries);
	l->text = NULL;
	l->entries = NULL;
	l->len = l->count = 0;
	return cost;
}

/* The first of several with one number stays the first. */
static int
entry_compare(const void *va, const void *vb)
{
	const struct pop3_entry *a = va, *b = vb;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* A number that does not fit is no message's (record.h). */
static void
entries_fill(struct pop3_listing *l, uint32_t most)
{
	const char *value;
	uint64_t number;
	size_t at = 0, from, n, value_len;
	bool ordered = true;

	while (at < l->len && l->count < most) {
		from = at;
		n = line_next(l, &at);
		if (!entry_parse(l->text + from, n, &number, &value, &value_len) ||
		    number > UINT32_MAX)
			continue;
		l->entries[l->count] = (struct pop3_entry){ (uint32_t)number, (uint32_t)from };
		ordered &= l->count == 0 || number > l->entries[l->count - 1].number;
		l->count++;
	}
	if (!ordered)
		qsort(l->entries, l->count, sizeof(l->entries[0]), entry_compare);
}

bool
pop3_listing_set(struct pop3_listing *l, const char *text, size_t len, uint32_t count)
{
	pop3_listing_clear(l);
	l->text = malloc(len + 1);
	l->entries = malloc((count + 1) * sizeof(*l->entries));
	if (l->text == NULL || l->entries == NULL) {
		pop3_listing_clear(l);
		return false;
	}
	memcpy(l->text, text, len);
	l->len = len;
	entries_fill(l, count);
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

/* The first entry of this number or a higher one. */
static const struct pop3_entry *
entry_find(const struct pop3_listing *l, uint64_t number)
{
	uint32_t lo = 0, hi = l->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->entries[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->count ? &l->entries[lo] : NULL;
}

void
pop3_listing_find(const struct pop3_listing *l, uint64_t number, char *out, size_t size)
{
	const struct pop3_entry *e;
	const char *value;
	size_t at, value_len;
	uint64_t same;

	out[0] = '\0';
	if (l->one_number == number && number != 0) {
		text_copy_utf8(out, size, l->one_value, strlen(l->one_value));
		return;
	}
	if ((e = entry_find(l, number)) == NULL || e->number != number)
		return;
	at = e->at;
	if (entry_parse(l->text + e->at, line_next(l, &at), &same, &value, &value_len))
		text_copy_utf8(out, size, value, value_len);
}

bool
pop3_listing_bad(const char *text, size_t len, char *out, size_t size)
{
	struct pop3_listing l = { .text = (char *)(uintptr_t)text, .len = len };
	const char *value;
	uint64_t number;
	size_t at = 0, from, n, value_len;

	line_next(&l, &at); /* the status line */
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
