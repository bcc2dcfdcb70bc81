#include "dissectors/smtp/smtp_content.h"

#include <endian.h>
#include <string.h>

#define TEXT_MAX 998u /* RFC 5321 4.5.3.1.6, without CRLF */

enum content_byte { BYTE_CR, BYTE_LF, BYTE_DOT, BYTE_ANY };

/* What a byte does to the message beside moving on. */
enum content_act {
	GIVE = 0, /* it belongs to the message */
	HIDE,     /* it does not (yet) */
	CR_TOO,   /* the CR that was held back belongs to it, then this byte */
	END,      /* end of data */
	BARE_CR = 1 << 4,
	BARE_LF = 1 << 5,
	BARE_END = 1 << 6,
};

struct step {
	uint8_t to;
	uint8_t act;
};

/* RFC 5321 4.5.2 for CRLF lines; the last three rows only watch for what lax servers do. */
/* clang-format off */
static const struct step steps[CONTENT_STATES][4] = {
	[CONTENT_TEXT] = {
		[BYTE_CR] = { CONTENT_CR, GIVE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_START] = {
		[BYTE_CR] = { CONTENT_CR, GIVE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF },
		[BYTE_DOT] = { CONTENT_DOT, HIDE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_CR] = {
		[BYTE_CR] = { CONTENT_CR, GIVE | BARE_CR }, [BYTE_LF] = { CONTENT_START, GIVE },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE | BARE_CR }, [BYTE_ANY] = { CONTENT_TEXT, GIVE | BARE_CR } },
	[CONTENT_DOT] = {
		[BYTE_CR] = { CONTENT_DOT_CR, HIDE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF | BARE_END },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_DOT_CR] = {
		[BYTE_CR] = { CONTENT_CR, CR_TOO | BARE_CR }, [BYTE_LF] = { CONTENT_START, END },
		[BYTE_DOT] = { CONTENT_TEXT, CR_TOO | BARE_CR }, [BYTE_ANY] = { CONTENT_TEXT, CR_TOO | BARE_CR } },
	[CONTENT_BARE_LF] = {
		[BYTE_CR] = { CONTENT_CR, GIVE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF },
		[BYTE_DOT] = { CONTENT_BARE_DOT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_BARE_DOT] = {
		[BYTE_CR] = { CONTENT_BARE_DOT_CR, GIVE },
		[BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF | BARE_END },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_BARE_DOT_CR] = {
		[BYTE_CR] = { CONTENT_CR, GIVE | BARE_CR }, [BYTE_LF] = { CONTENT_START, GIVE | BARE_END },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE | BARE_CR }, [BYTE_ANY] = { CONTENT_TEXT, GIVE | BARE_CR } },
};
/* clang-format on */

void
smtp_content_begin(struct smtp_content *c, uint64_t off, bool known)
{
	*c = (struct smtp_content){ .at = known ? CONTENT_START : CONTENT_TEXT, .from = off };
}

/* What follows is not known to stand at the start of a line. */
void
smtp_content_gap(struct smtp_content *c, uint64_t missing)
{
	c->at = CONTENT_TEXT;
	c->gap = true;
	c->line = 0;
	c->bytes += missing;
}

static enum content_byte
byte_kind(uint8_t b)
{
	return b == '\r' ? BYTE_CR : b == '\n' ? BYTE_LF : b == '.' ? BYTE_DOT : BYTE_ANY;
}

static void
odd_note(struct smtp_content *c, uint8_t b, uint8_t act, uint64_t end)
{
	if (act & BARE_CR)
		c->odd |= ODD_BARE_CR;
	if (act & BARE_LF)
		c->odd |= ODD_BARE_LF;
	if (act & BARE_END) {
		c->odd |= ODD_DOT_LF;
		c->bare_end = end;
	}
	if (b == '\0')
		c->odd |= ODD_NUL;
	if (b & 0x80)
		c->odd |= ODD_8BIT;
	if (b == '\n')
		c->line = 0;
	else if (b != '\r' && ++c->line > TEXT_MAX)
		c->odd |= ODD_LONG;
}

struct giver {
	void (*give)(void *ctx, uint64_t off, const uint8_t *p, size_t len);
	void *ctx;
	struct smtp_content *c;
};

static void
give(const struct giver *g, uint64_t off, const uint8_t *p, size_t len)
{
	if (len == 0)
		return;
	g->c->bytes += len;
	g->give(g->ctx, off, p, len);
}

typedef uint8_t many __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));
#define HIGH_BITS 0x8080808080808080u

/* The first n (< 8) bytes of a word in memory's order. */
static uint64_t
word_head(uint64_t word, unsigned int n)
{
	return le64toh(word) & ~(~(uint64_t)0 << (8 * n));
}

/* Where the first marked byte (0xff, others 0) is, and the bytes before it. */
static unsigned int
mark_first(two_words mark, two_words v, uint64_t *before)
{
	unsigned int n;

	if (mark[0] != 0) {
		n = (unsigned int)__builtin_ctzll(le64toh(mark[0])) / 8;
		*before |= word_head(v[0], n);
		return n;
	}
	n = (unsigned int)__builtin_ctzll(le64toh(mark[1])) / 8;
	*before |= v[0] | word_head(v[1], n);
	return n + 8;
}

/*
 * How many bytes from p on change nothing inside a line: no CR, no LF, no NUL.
 * Most of all mail is such bytes, so this is where the time of a body goes:
 * sixteen of them at a time.
 */
static size_t
text_run(struct smtp_content *c, const uint8_t *p, size_t len)
{
	two_words mark = { 0 }, seen = { 0 };
	uint64_t high;
	size_t n;
	many v;

	for (n = 0; n + sizeof(v) <= len; n += sizeof(v)) {
		memcpy(&v, p + n, sizeof(v));
		mark = (two_words)((v == '\r') | (v == '\n') | (v == '\0'));
		if ((mark[0] | mark[1]) != 0)
			break;
		seen |= (two_words)v;
	}
	high = seen[0] | seen[1];
	if ((mark[0] | mark[1]) != 0)
		n += mark_first(mark, (two_words)v, &high);
	else
		for (; n < len && p[n] != '\r' && p[n] != '\n' && p[n] != '\0'; n++)
			high |= p[n];
	if (high & HIGH_BITS)
		c->odd |= ODD_8BIT;
	c->line += (uint32_t)n;
	if (n > 0 && c->line > TEXT_MAX)
		c->odd |= ODD_LONG;
	return n;
}

/*
 * The lengths of the lines that end in p[0..n), and of the one that does not.
 * Only lines beyond TEXT_MAX matter: where one ends is asked for at most every
 * TEXT_MAX bytes.
 */
static void
lines_measure(struct smtp_content *c, const uint8_t *p, size_t n)
{
	size_t at = 0; /* start of a line, or of what is left of the first */

	while (c->line + (n - at) > TEXT_MAX + 1) { /* its CR is no text */
		size_t look = TEXT_MAX + 2 - c->line;
		const uint8_t *end = c->line > TEXT_MAX + 1
		    ? NULL
		    : memrchr(p + at, '\n', look < n - at ? look : n - at);

		if (end == NULL) {
			c->odd |= ODD_LONG;
			if ((end = memchr(p + at, '\n', n - at)) == NULL)
				break;
		}
		at = (size_t)(end - p) + 1;
		c->line = 0;
	}
	if (at < n) {
		const uint8_t *end = memrchr(p + at, '\n', n - at);

		if (end != NULL) {
			at = (size_t)(end - p) + 1;
			c->line = 0;
		}
		c->line += n - at;
		if (c->line > TEXT_MAX)
			c->odd |= ODD_LONG;
	}
}

/* The last line that begins and ends in p[0..n): those that follow may be as long. */
static void
width_note(struct smtp_content *c, const uint8_t *p, size_t n)
{
	const uint8_t *end = memrchr(p, '\n', n);
	const uint8_t *before = end != NULL ? memrchr(p, '\n', (size_t)(end - p)) : NULL;

	if (before != NULL)
		c->width = (size_t)(end - before);
}

/* What of p[0..16) is no plain text, the byte behind it in view. */
static inline many
text_odd(const uint8_t *p, many *v)
{
	many next;

	memcpy(v, p, sizeof(*v));
	memcpy(&next, p + 1, sizeof(next));
	return (many)((*v == '\r') ^ (next == '\n')) | (many)((*v == '\n') & (next == '.')) |
	    (many)(*v == '\0');
}

/*
 * How many bytes from p on are whole and broken lines of plain text: every CR
 * before an LF and every LF behind a CR, no NUL, no line that begins with a
 * dot.  Most of all mail is nothing else: no byte of it is looked at alone.
 */
static size_t
text_lines(struct smtp_content *c, const uint8_t *p, size_t len)
{
	many v, w, x, y, odd, seen = { 0 };
	two_words found;
	size_t n;

	if (len <= 4 * sizeof(v) || p[0] == '\n' || (c->at == CONTENT_START && p[0] == '.'))
		return 0;
	for (n = 0; n + 4 * sizeof(v) < len; n += 4 * sizeof(v)) {
		odd = text_odd(p + n, &v) | text_odd(p + n + 16, &w) | text_odd(p + n + 32, &x) |
		    text_odd(p + n + 48, &y);
		found = (two_words)odd;
		if ((found[0] | found[1]) != 0)
			break;
		seen |= v | w | x | y;
	}
	for (; n + sizeof(v) < len; n += sizeof(v)) {
		found = (two_words)text_odd(p + n, &v);
		if ((found[0] | found[1]) != 0)
			break;
		seen |= v;
	}
	if (n > 0 && p[n - 1] == '\r')
		n--; /* its LF comes next */
	if (n == 0)
		return 0;
	found = (two_words)seen;
	if (((found[0] | found[1]) & HIGH_BITS) != 0)
		c->odd |= ODD_8BIT;
	lines_measure(c, p, n);
	width_note(c, p, n);
	c->at = p[n - 1] == '\n' ? CONTENT_START : CONTENT_TEXT;
	return n;
}

typedef int8_t many_signed __attribute__((vector_size(16)));

/* 0xff where the byte at p is printable ASCII. */
static inline many
printable_at(const uint8_t *p)
{
	many_signed v;

	memcpy(&v, p, sizeof(v));
	return (many)(v > ' ' - 1);
}

static size_t
sum_bytes(many v)
{
	const uint64_t even = 0x00ff00ff00ff00ff;
	two_words w = (two_words)v;

	w = (w & even) + (w >> 8 & even);
	return (w[0] + w[1]) * 0x0001000100010001 >> 48;
}

enum { COUNTED_MAX = 255 * sizeof(many) }; /* then a byte of the sum is full */

static size_t
count_printable(const uint8_t *p, size_t len)
{
	const many place = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	many sum = { 0 };
	size_t n = 0, rest = 0;

	for (; n + 4 * sizeof(sum) <= len; n += 4 * sizeof(sum))
		sum -= printable_at(p + n) + printable_at(p + n + 16) + printable_at(p + n + 32) +
		    printable_at(p + n + 48);
	for (; n + sizeof(sum) <= len; n += sizeof(sum))
		sum -= printable_at(p + n);
	if (n > 0 && n < len) /* the last sixteen, without those that were counted */
		sum -= printable_at(p + len - sizeof(sum)) &
		    (many)(place >= (uint8_t)(n + sizeof(sum) - len));
	else
		for (; n < len; n++)
			rest += (int8_t)p[n] >= ' ';
	return rest + sum_bytes(sum);
}

/*
 * How many bytes from p on go on with lines as long as the last one: so does
 * base64, most of all mail by its bytes.  Where their ends must be is known;
 * when these are there and nothing else is unprintable, that was all.
 */
static size_t
lines_alike(struct smtp_content *c, const uint8_t *p, size_t len)
{
	size_t from = 0, to = c->width - c->line, lines = 0; /* of the line that is looked at */

	if (c->width > TEXT_MAX + 1 || c->line + 2 > c->width)
		return 0;
	if (len > COUNTED_MAX)
		len = COUNTED_MAX;
	for (; to <= len && p[from] != '.' && memcmp(p + to - 2, "\r\n", 2) == 0; to += c->width) {
		from = to;
		lines++;
	}
	if (to <= len || (from < len && p[from] == '.'))
		len = from;
	else if (len > from && p[len - 1] == '\r')
		len--;
	if (len == 0 || count_printable(p, len) != len - 2 * lines)
		return 0;
	c->at = len == from ? CONTENT_START : CONTENT_TEXT;
	c->line = lines == 0 ? c->line + len : len - from;
	return len;
}

/* What is left of a line, and its CRLF. */
static size_t
text_line(struct smtp_content *c, const uint8_t *p, size_t len)
{
	size_t n = text_run(c, p, len);

	if (n > 0)
		c->at = CONTENT_TEXT;
	if (len - n < 2 || p[n] != '\r' || p[n + 1] != '\n')
		return n;
	c->at = CONTENT_START;
	c->line = 0;
	return n + 2;
}

/*
 * The usual cases without the table: within a line, or where one begins without a dot.  0:
 * something else.
 */
static size_t
text_some(struct smtp_content *c, const uint8_t *p, size_t len)
{
	size_t n = lines_alike(c, p, len);

	if (n == 0 && (c->at == CONTENT_START || c->width == 0))
		n = text_lines(c, p, len);
	return n != 0 ? n : text_line(c, p, len);
}

size_t
smtp_content_push(struct smtp_content *c, uint64_t off, const uint8_t *p, size_t len,
    void (*give_to)(void *ctx, uint64_t off, const uint8_t *p, size_t len), void *ctx)
{
	const struct giver g = { give_to, ctx, c };
	size_t from = 0; /* first byte that was not given out */

	for (size_t i = 0; i < len; i++) {
		while (
		    i < len && (c->at == CONTENT_TEXT || (c->at == CONTENT_START && p[i] != '.'))) {
			size_t n = text_some(c, p + i, len - i);

			if (n == 0)
				break;
			i += n;
		}
		if (i == len)
			break;
		const struct step s = steps[c->at][byte_kind(p[i])];

		odd_note(c, p[i], s.act, off + i + 1);
		c->at = (enum content_at)s.to;
		switch (s.act & 0x0f) {
		case GIVE: continue;
		case CR_TOO: /* "\r\n.\r" that is no end: the dot goes, the CR stays */
			give(&g, off + i - 1, (const uint8_t *)"\r", 1);
			from = i;
			continue;
		default: /* HIDE, END */ give(&g, off + from, p + from, i - from); from = i + 1;
		}
		if ((s.act & 0x0f) == END) {
			c->ended = true;
			return i + 1;
		}
	}
	give(&g, off + from, p + from, len - from);
	return len;
}
