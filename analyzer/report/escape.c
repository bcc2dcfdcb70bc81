/* escape.c - what a terminal may see, and how wide it is there. */
#include "report/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "record/text.h"

struct range {
	uint32_t from, to;
};

/*
 * Code points that act instead of showing: C1 controls; soft hyphen; Arabic
 * letter mark; zero-width and directional marks, separators, embeddings,
 * isolates; fillers; variation selectors; BOM; interlinear annotations; musical
 * format controls; tags; private use; noncharacters (Unicode 15, Cf, Zl, Zp, Co, Cn).
 */
static const struct range invisible[] = {
	{ 0x7f, 0x9f },
	{ 0xad, 0xad },
	{ 0x34f, 0x34f },
	{ 0x600, 0x605 },
	{ 0x61c, 0x61c },
	{ 0x6dd, 0x6dd },
	{ 0x70f, 0x70f },
	{ 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x200b, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2060, 0x206f },
	{ 0x3164, 0x3164 },
	{ 0xe000, 0xf8ff },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff },
	{ 0x110bd, 0x110bd },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0x10ffff },
};

/* East Asian wide and emoji, by block: an estimate that keeps columns in line. */
static const struct range wide[] = {
	{ 0x1100, 0x115e },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0xa4cf },
	{ 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1faff },
	{ 0x20000, 0x3fffd },
};

static const struct range combining[] = {
	{ 0x300, 0x34e },
	{ 0x350, 0x36f },
	{ 0x483, 0x489 },
	{ 0x591, 0x5bd },
	{ 0x610, 0x61a },
	{ 0x64b, 0x65f },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0x20d0, 0x20ff },
	{ 0x3099, 0x309a },
	{ 0xfe20, 0xfe2f },
};

#define IN(ranges, cp) range_has(ranges, sizeof(ranges) / sizeof((ranges)[0]), cp)

static bool
range_has(const struct range *r, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= r[i].from && cp <= r[i].to)
			return true;
	return false;
}

/* The escape of one ASCII control or of one byte that is no character. */
static const char *
escape_byte(uint8_t c, char buf[8])
{
	switch (c) {
	case '\0': return "\\0";
	case '\t': return "\\t";
	case '\n': return "\\n";
	case '\r': return "\\r";
	case '\\': return "\\\\";
	default: snprintf(buf, 8, "\\x%02x", c); return buf;
	}
}

/* NULL: the character stays as it is. */
static const char *
escape_char(uint32_t cp, char buf[16])
{
	if (cp < 0x20 || cp == '\\' || cp == 0x7f)
		return escape_byte((uint8_t)cp, buf);
	if (cp < 0x7f || !IN(invisible, cp))
		return NULL;
	snprintf(buf, 16, "\\u{%x}", (unsigned int)cp);
	return buf;
}

size_t
escape_terminal(char *dst, size_t size, const void *src, size_t len)
{
	const uint8_t *p = src;
	size_t out = 0, used, bad, n;
	const char *esc;
	char buf[16];
	uint32_t cp;

	if (size == 0)
		return 0;
	for (; len > 0; p += used, len -= used) {
		if ((used = text_decode(p, len, &cp, &bad)) == 0) {
			used = 1;
			esc = escape_byte(*p, buf);
		} else
			esc = escape_char(cp, buf);
		n = esc != NULL ? strlen(esc) : used;
		if (n > size - 1 - out)
			break;
		memcpy(dst + out, esc != NULL ? (const void *)esc : p, n);
		out += n;
	}
	dst[out] = '\0';
	return out;
}

char *
escape_string(char *dst, size_t size, const char *src)
{
	escape_terminal(dst, size, src, strlen(src));
	return dst;
}

size_t
escape_width(const char *s, size_t len)
{
	size_t columns = 0, used, bad;
	uint32_t cp;

	for (; len > 0; s += used, len -= used) {
		if ((used = text_decode(s, len, &cp, &bad)) == 0)
			used = bad;
		if (cp >= 0x300 && IN(combining, cp))
			continue;
		columns += cp >= 0x1100 && IN(wide, cp) ? 2 : 1;
	}
	return columns;
}
