/* test_base64.c - the alphabet of RFC 4648 4, and where a run of it ends. */
#include "check.h"
#include "dissectors/text/base64.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 50 };

static bool
is_digit(int c)
{
	return c != 0 &&
	    strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c) != NULL;
}

/* Any byte at any place of a run of any length. */
static void
a_run_ends_where_the_alphabet_does(void)
{
	for (int c = 0; c < 256; c++)
		for (size_t len = 1; len <= SIZE; len++)
			for (size_t at = 0; at < len; at++) {
				uint8_t *p =
				    malloc(len); /* of its own, to see what is read beyond */

				CU_ASSERT_FATAL(p != NULL);
				memset(p, 'z', len);
				p[at] = (uint8_t)c;
				CHECK_EQ_INT(base64_run(p, len), is_digit(c) ? len : at);
				free(p);
			}
	CHECK_EQ_INT(base64_run((const uint8_t *)"", 0), 0);
}

static void
digits_are_numbered(void)
{
	for (int c = 0; c < 256; c++)
		CHECK((base64_digit((uint8_t)c) >= 0) == is_digit(c));
	CHECK_EQ_INT(base64_digit('A'), 0);
	CHECK_EQ_INT(base64_digit('z'), 51);
	CHECK_EQ_INT(base64_digit('9'), 61);
	CHECK_EQ_INT(base64_digit('/'), 63);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a run ends where the alphabet does", a_run_ends_where_the_alphabet_does },
		{ "digits are numbered", digits_are_numbered },
	};

	return check_main("base64", tests, sizeof(tests) / sizeof(tests[0]));
}
