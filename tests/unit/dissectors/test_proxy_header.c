/* test_proxy_header.c - what a proxy says before the client's first byte is whole, or not there. */
#include "check.h"
#include "dissectors/proxy_header.h"

#include <stdlib.h>
#include <string.h>

#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

struct sample {
	const char *p;
	size_t len, header;
};

#define SAMPLE(text, header) \
	{ \
		text, sizeof(text) - 1, header \
	}

static const struct sample samples[] = {
	SAMPLE("PROXY TCP4 203.0.113.7 198.51.100.25 4444 25\r\nEHLO x\r\n", 46),
	SAMPLE("PROXY TCP6 2001:db8::7 2001:db8::25 4444 25\r\n", 45),
	SAMPLE("PROXY UNKNOWN\r\nEHLO x\r\n", 15),
	SAMPLE(V2_SIGNATURE "\x20\x00\x00\x00"
			    "EHLO x\r\n",
	    16),
	SAMPLE(V2_SIGNATURE "\x21\x11\x00\x0c"
			    "aaaabbbbccdd"
			    "EHLO x\r\n",
	    28),
};

/* In memory of their own, to see what is read beyond. */
static size_t
length_of(const char *text, size_t len)
{
	uint8_t *p = malloc(len + (len == 0));
	size_t n;

	CU_ASSERT_FATAL(p != NULL);
	memcpy(p, text, len);
	n = proxy_header_length(p, len);
	free(p);
	return n;
}

static void
it_is_whole_or_none(void)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		for (size_t len = 0; len <= samples[i].len; len++)
			CHECK_EQ_INT(length_of(samples[i].p, len),
			    len < samples[i].header ? 0 : samples[i].header);
}

static void
others_are_the_clients_own_words(void)
{
	static const struct sample others[] = {
		SAMPLE("PASS secret\r\n", 0),
		SAMPLE("PROXY me\r\n", 0),
		SAMPLE("PROXY TCP4 203.0.113.7 198.51.100.25 4444 25\n", 0),
		SAMPLE("\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\n", 0),
		SAMPLE(V2_SIGNATURE "\x11\x11\x00\x00", 0), /* version 1 is no binary one */
		SAMPLE(V2_SIGNATURE "\x21\x11\xff\xff"
				    "aaaabbbbccdd",
		    0),
		SAMPLE(
		    "PROXY TCP4 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
		    0),
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK_EQ_INT(length_of(others[i].p, others[i].len), 0);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "it is whole or none", it_is_whole_or_none },
		{ "others are the client's own words", others_are_the_clients_own_words },
	};

	return check_main("proxy_header", tests, sizeof(tests) / sizeof(tests[0]));
}
