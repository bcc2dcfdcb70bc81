/* test_text.c - what comes out is valid UTF-8, whatever goes in. */
#include "check.h"

#include "record/text.h"

static void
repaired(const char *in, size_t len, const char *want)
{
	char buf[128];

	CHECK_EQ_INT(text_copy_utf8(buf, sizeof(buf), in, len), strlen(want));
	CHECK_EQ_STR(buf, want);
}

#define BAD "\xef\xbf\xbd"

static void
valid_text_stays(void)
{
	repaired("plain", 5, "plain");
	repaired("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7", 14,
	    "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7");
	repaired("", 0, "");
	repaired("a\x1b[0m\x7f", 6, "a\x1b[0m\x7f");
}

/* Unicode 15, table 3-8: one replacement for each maximal part. */
static void
invalid_parts_become_one_mark_each(void)
{
	repaired("a\xff"
		 "b",
	    3, "a" BAD "b");
	repaired("\xc0\xaf", 2, BAD BAD);
	repaired("\xe2\x82", 2, BAD);
	repaired("\xed\xa0\x80", 3, BAD BAD BAD);
	repaired("\xf4\x90\x80\x80", 4, BAD BAD BAD BAD);
	repaired("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", 13,
	    "a" BAD BAD BAD "b" BAD "c" BAD BAD "d");
	repaired("a\0b", 3, "a" BAD "b");
}

/* Wherever it stands in a long text, and however that ends. */
static void
one_odd_byte_is_found(void)
{
	static const char odd[] = { '\0', '\x80', '\xff', '\x7f' };

	for (size_t len = 1; len < 40; len++)
		for (size_t at = 0; at < len; at++)
			for (size_t i = 0; i < sizeof(odd); i++) {
				char in[40], want[64];

				memset(in, 'a', len);
				in[at] = odd[i];
				snprintf(want, sizeof(want), "%.*s%s%.*s", (int)at, in,
				    i == 3 ? "\x7f" : BAD, (int)(len - at - 1), in + at + 1);
				repaired(in, len, want);
				CHECK(text_valid_utf8(in, len) == (i == 0 || i == 3));
			}
}

static void
cut_never_within_a_character(void)
{
	static const char in[] = "ab\xe2\x82\xac\xff"
				 "c";
	char buf[16];

	for (size_t size = 1; size <= sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		size_t n = text_copy_utf8(buf, size, in, sizeof(in) - 1);

		CHECK(n < size);
		CHECK_EQ_INT(strlen(buf), n);
		CHECK(text_valid_utf8(buf, n));
	}
	buf[0] = 'x';
	CHECK_EQ_INT(text_copy_utf8(buf, 0, in, 3), 0);
	CHECK_EQ_INT(buf[0], 'x');
}

static void
append_fills_up(void)
{
	char buf[8] = "abc";

	CHECK_EQ_INT(text_append_utf8(buf, sizeof(buf), "de", 2), 5);
	CHECK_EQ_INT(text_append_utf8(buf, sizeof(buf), "\xe2\x82\xac", 3), 5);
	CHECK_EQ_STR(buf, "abcde");
}

static void
random_bytes_are_repaired(void)
{
	unsigned int seed = 7;

	for (int round = 0; round < 20000; round++) {
		char in[24], out[64];

		for (size_t i = 0; i < sizeof(in); i++) {
			seed = seed * 1103515245 + 12345;
			in[i] = (char)(seed >> 16);
		}
		size_t n = text_copy_utf8(out, sizeof(out), in, sizeof(in));
		char again[64];

		CHECK(text_valid_utf8(out, n));
		text_copy_utf8(again, sizeof(again), out, n);
		CHECK_EQ_STR(again, out);
	}
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "valid text stays as it is", valid_text_stays },
		{ "every invalid part becomes one mark", invalid_parts_become_one_mark_each },
		{ "one odd byte is found", one_odd_byte_is_found },
		{ "text is never cut within a character", cut_never_within_a_character },
		{ "append fills up", append_fills_up },
		{ "random bytes are repaired, once", random_bytes_are_repaired },
	};

	return check_main("text", t, sizeof(t) / sizeof(t[0]));
}
