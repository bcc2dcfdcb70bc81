/* test_escape.c - nothing of the network reaches the terminal raw. */
#include "check.h"

#include "report/escape.h"

static void
shown(const char *in, size_t len, const char *want)
{
	char buf[256];

	escape_terminal(buf, sizeof(buf), in, len);
	CHECK_EQ_STR(buf, want);
}

static void
plain_text_stays(void)
{
	shown("550 5.1.1 no such user", 22, "550 5.1.1 no such user");
	shown("caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac", 12, "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac");
}

static void
controls_are_visible(void)
{
	shown("\x1b]0;owned\x07", 10, "\\x1b]0;owned\\x07");
	shown("a\tb\r\nc", 6, "a\\tb\\r\\nc");
	shown("a\0b", 3, "a\\0b");
	shown("\x7f", 1, "\\x7f");
	shown("C:\\x1b", 6, "C:\\\\x1b");
	shown("\xc2\x9b"
	      "31m",
	    5, "\\u{9b}31m");
}

static void
writing_direction_cannot_be_turned(void)
{
	shown("\xe2\x80\xae"
	      "moc",
	    6, "\\u{202e}moc");
	shown("\xe2\x81\xa6x", 4, "\\u{2066}x");
	shown("a\xe2\x80\x8b"
	      "b",
	    5, "a\\u{200b}b");
	shown("\xef\xbb\xbf", 3, "\\u{feff}");
	shown("\xe2\x80\xa8", 3, "\\u{2028}");
	shown("\xf3\xa0\x81\x81", 4, "\\u{e0041}");
}

static void
invalid_bytes_are_visible(void)
{
	shown("\xff\xfe", 2, "\\xff\\xfe");
	shown("\xe2\x82", 2, "\\xe2\\x82");
	shown("\x9b"
	      "31m",
	    4, "\\x9b31m");
}

static void
cut_at_whole_units(void)
{
	char buf[6];

	CHECK_EQ_INT(escape_terminal(buf, sizeof(buf), "ab\x1b", 3), 2);
	CHECK_EQ_STR(buf, "ab");
	CHECK_EQ_INT(escape_terminal(buf, 0, "ab", 2), 0);
}

/* Whatever comes in: only printable ASCII and whole UTF-8 comes out. */
static void
random_bytes_come_out_harmless(void)
{
	unsigned int seed = 11;
	char in[32], out[512];

	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(in); i++) {
			seed = seed * 1103515245 + 12345;
			in[i] = (char)(seed >> 16);
		}
		size_t n = escape_terminal(out, sizeof(out), in, sizeof(in));

		for (size_t i = 0; i < n; i++) {
			unsigned char c = (unsigned char)out[i];

			CHECK(c >= 0x20 && c != 0x7f);
			CHECK(!(c == 0xc2 && i + 1 < n && (unsigned char)out[i + 1] < 0xa0));
		}
	}
}

static void
width_in_columns(void)
{
	CHECK_EQ_INT(escape_width("abc", 3), 3);
	CHECK_EQ_INT(escape_width("\xe6\x97\xa5", 3), 2);
	CHECK_EQ_INT(escape_width("e\xcc\x81", 3), 1);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "plain text stays", plain_text_stays },
		{ "controls are visible", controls_are_visible },
		{ "the direction of writing cannot be turned", writing_direction_cannot_be_turned },
		{ "invalid bytes are visible", invalid_bytes_are_visible },
		{ "cut at whole units", cut_at_whole_units },
		{ "random bytes come out harmless", random_bytes_come_out_harmless },
		{ "width in columns", width_in_columns },
	};

	return check_main("escape", t, sizeof(t) / sizeof(t[0]));
}
