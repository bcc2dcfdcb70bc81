/* test_smtp_content.c - content read in large pieces says what it says byte by byte. */
#include "check.h"
#include "dissectors/smtp/smtp_content.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 6000 };

struct got {
	uint8_t byte[SIZE];
	size_t len;
};

static void
give(void *ctx, uint64_t off, const uint8_t *p, size_t len)
{
	struct got *g = ctx;

	(void)off;
	CU_ASSERT_FATAL(g->len + len <= SIZE);
	memcpy(g->byte + g->len, p, len);
	g->len += len;
}

/* Reads p in pieces of `piece' bytes from blocks of their own size; returns what was read. */
static size_t
content_read(struct smtp_content *c, struct got *g, const uint8_t *p, size_t len, size_t piece)
{
	size_t at = 0;

	smtp_content_begin(c, 0, true);
	g->len = 0;
	while (at < len && !c->ended) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t one = 0, *copy = n == 1 ? &one : malloc(n);

		CU_ASSERT_FATAL(copy != NULL);
		memcpy(copy, p + at, n);
		at += smtp_content_push(c, at, copy, n, give, g);
		if (copy != &one)
			free(copy);
	}
	return at;
}

static void
same_in_all_pieces(const uint8_t *p, size_t len)
{
	static const size_t pieces[] = { SIZE, 1448, 997, 64, 17 };
	struct smtp_content byte, c;
	static struct got by_byte, got;
	size_t n = content_read(&byte, &by_byte, p, len, 1);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		CHECK_EQ_INT(content_read(&c, &got, p, len, pieces[i]), n);
		CHECK_EQ_INT(got.len, by_byte.len);
		CHECK(memcmp(got.byte, by_byte.byte, by_byte.len) == 0);
		CHECK(c.odd == byte.odd && c.line == byte.line && c.at == byte.at);
		CHECK(
		    c.bytes == byte.bytes && c.ended == byte.ended && c.bare_end == byte.bare_end);
	}
}

/* RFC 5321 4.5.3.1.6 allows 998 bytes of text. */
static void
lines_of_every_length(void)
{
	static uint8_t p[SIZE];

	for (size_t text = 960; text < 1040; text++)
		for (size_t before = 0; before < 40; before += 13) {
			struct smtp_content c;
			static struct got g;
			size_t len = 0;

			memset(p, 'a', sizeof(p));
			len += before;
			memcpy(p + len, "\r\n", 2);
			len += 2 + text;
			memcpy(p + len, "\r\n", 2);
			len += 2 + 70;
			memcpy(p + len, "\r\n", 2);
			len += 2;
			same_in_all_pieces(p, len);
			content_read(&c, &g, p, len, SIZE);
			CHECK(((c.odd & ODD_LONG) != 0) == (text > 998));
		}
	memset(p, 'a', sizeof(p));
	for (size_t len = 990; len < 1010; len++) /* not yet ended */
		same_in_all_pieces(p, len);
}

/*
 * The next place to try: all near the ends of lines; of the midst of a long one each seventh, so
 * all places in a word or a vector come.
 */
static size_t
next_place(size_t at, size_t width)
{
	size_t in = at % width;

	return in < 100 || in + 107 > width ? at + 1 : at + 7;
}

/* Ten lines of `width' bytes, and what is odd at the places in the seventh and eighth. */
static void
one_length(size_t width, const char *odd, size_t n)
{
	static uint8_t p[SIZE];
	const size_t len = 10 * width;

	for (size_t at = 6 * width - 2; at + n <= 8 * width + 2; at = next_place(at, width)) {
		memset(p, 'a', len);
		for (size_t end = width; end <= len; end += width)
			memcpy(p + end - 2, "\r\n", 2);
		memcpy(p + at, odd, n);
		memcpy(p + len, "\r\n.\r\n", 5);
		same_in_all_pieces(p, len + 5);
	}
}

/* As base64 is. */
static void
lines_of_one_length(void)
{
	static const size_t widths[] = { 4, 17, 18, 19, 33, 34, 35, 78, 80, 500 };

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		one_length(widths[i], ".", 1);
		one_length(widths[i], "\r", 1);
		one_length(widths[i], "\n", 1);
		one_length(widths[i], "", 1);
		one_length(widths[i], "\t", 1);
		one_length(widths[i], "\xe4", 1);
		one_length(widths[i], "\r\n", 2);
		one_length(widths[i], "\r\n.\r\n", 5);
	}
}

/* About the longest that are allowed; the last of them is not yet ended. */
static void
long_lines_of_one_length(void)
{
	static uint8_t p[SIZE];

	for (size_t width = 994; width < 1006; width++) {
		memset(p, 'a', sizeof(p));
		for (size_t end = width; end <= 5 * width; end += width)
			memcpy(p + end - 2, "\r\n", 2);
		for (size_t len = 5 * width - 5; len < 5 * width + 1; len++)
			same_in_all_pieces(p, len);
		same_in_all_pieces(p, 5 * width + 900);
		p[5 * width - 2] = 'a';
		same_in_all_pieces(p, 5 * width - 1);
	}
}

/* Mostly plain lines, now and then what is odd. */
static void
random_content(void)
{
	static const char *const odd[] = { "\n", "\r", "\r\n.", "\n.\n", "\r\n..", "\xe4", "",
		"\r\r\n", ".", "\r\n.\r" };
	static uint8_t p[SIZE];

	srandom(7);
	for (int round = 0; round < 3000; round++) {
		size_t len = 0;

		while (len < SIZE - 1200 && random() % 60 != 0) {
			size_t n = (size_t)(random() % 20 == 0 ? random() % 1100 : random() % 90),
			       i = (size_t)random() % 10;

			memset(p + len, 'a' + (int)(random() % 26), n);
			len += n;
			if (random() % 4 == 0) {
				n = i == 6 ? 1 : strlen(odd[i]); /* a NUL */
				memcpy(p + len, odd[i], n);
				len += n;
			} else {
				memcpy(p + len, "\r\n", 2);
				len += 2;
			}
		}
		if (random() % 2 == 0) {
			memcpy(p + len, "\r\n.\r\n", 5);
			len += 5;
		}
		same_in_all_pieces(p, len);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "lines of every length", lines_of_every_length },
		{ "lines of one length", lines_of_one_length },
		{ "long lines of one length", long_lines_of_one_length },
		{ "random content", random_content },
	};

	return check_main("smtp_content", tests, sizeof(tests) / sizeof(tests[0]));
}
