/* text.c - UTF-8: decoding (RFC 3629) and repair. */
#include "record/text.h"

#include <string.h>

/* The second byte's range and the length, by lead byte (Unicode 15, table 3-7). */
static const struct lead {
	uint8_t from, to, len, lo, hi;
} leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *
lead_find(uint8_t c)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (c >= leads[i].from && c <= leads[i].to)
			return &leads[i];
	return NULL;
}

size_t
text_decode(const void *src, size_t len, uint32_t *cp, size_t *bad)
{
	const uint8_t *p = src;
	const struct lead *l;
	uint8_t lo, hi;
	size_t i;

	*bad = 1;
	*cp = p[0];
	if (p[0] < 0x80)
		return 1;
	if ((l = lead_find(p[0])) == NULL)
		return 0;
	*cp = p[0] & (0x7fU >> l->len);
	lo = l->lo;
	hi = l->hi;
	for (i = 1; i < l->len && i < len && p[i] >= lo && p[i] <= hi; i++) {
		*cp = *cp << 6 | (p[i] & 0x3fU);
		lo = 0x80;
		hi = 0xbf;
	}
	*bad = i;
	return i == l->len ? i : 0;
}

/* How many bytes of ASCII, and no NUL, come first: most text is nothing else.  Eight at a time. */
static size_t
ascii_run(const uint8_t *p, size_t len)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t word;
	size_t n;

	for (n = 0; n + sizeof(word) <= len; n += sizeof(word)) {
		memcpy(&word, p + n, sizeof(word));
		if (((word | (word - ones)) & highs) != 0) /* one of them is, or was 0 */
			break;
	}
	while (n < len && p[n] != 0 && p[n] < 0x80)
		n++;
	return n;
}

bool
text_valid_utf8(const void *src, size_t len)
{
	const uint8_t *p = src, *end = p + len;
	size_t n, bad;
	uint32_t cp;

	while ((p += ascii_run(p, (size_t)(end - p))) < end) {
		if ((n = text_decode(p, (size_t)(end - p), &cp, &bad)) == 0)
			return false;
		p += n;
	}
	return true;
}

size_t
text_copy_utf8(char *dst, size_t size, const void *src, size_t len)
{
	static const char replacement[] = "\xef\xbf\xbd";
	const uint8_t *p = src;
	size_t out = 0, used, n, bad;
	const void *from;
	uint32_t cp;

	if (size-- == 0)
		return 0;
	for (; len > 0; p += used, len -= used) {
		used = ascii_run(p, len < size - out ? len : size - out);
		if (used > 0) {
			memcpy(dst + out, p, used);
			out += used;
			continue;
		}
		n = used = text_decode(p, len, &cp, &bad);
		from = p;
		if (n == 0 || cp == 0) {
			used = bad;
			n = 3;
			from = replacement;
		}
		if (n > size - out)
			break;
		memcpy(dst + out, from, n);
		out += n;
	}
	dst[out] = '\0';
	return out;
}

size_t
text_append_utf8(char *dst, size_t size, const void *src, size_t len)
{
	size_t have = strnlen(dst, size);

	if (have >= size)
		return have;
	return have + text_copy_utf8(dst + have, size - have, src, len);
}

/* Invariant: behind a list that is not cut there is room for a blank and the mark. */
void
text_words_add(char *list, size_t size, const char *p, size_t len)
{
	size_t n = strlen(list), at = n + (n > 0), w;

	if (text_words_cut(list))
		return;
	w = text_copy_utf8(list + at, size - at, p, len);
	if (w + 1 + sizeof(TEXT_WORDS_MORE) > size - at)
		memcpy(list + at, TEXT_WORDS_MORE, sizeof(TEXT_WORDS_MORE));
	if (n > 0)
		list[n] = ' ';
}

bool
text_words_cut(const char *list)
{
	size_t n = strlen(list), more = sizeof(TEXT_WORDS_MORE) - 1;

	return n >= more && strcmp(list + n - more, TEXT_WORDS_MORE) == 0;
}

const char *
text_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}
