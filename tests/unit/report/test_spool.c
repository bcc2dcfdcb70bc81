/* test_spool.c - what is kept comes back, from memory and from the file behind it. */
#include "check.h"

#include "report/spool.h"

static void
keep_and_get(size_t memory)
{
	struct spool *s = spool_new(memory);
	uint64_t at[500];
	char text[32];

	CU_ASSERT_FATAL(s != NULL);
	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "line %d of many", i);
		CHECK_EQ_INT(spool_add(s, text, strlen(text) + 1, &at[i]), 0);
	}
	for (int i = 499; i >= 0; i--) {
		snprintf(text, sizeof(text), "line %d of many", i);
		CHECK_EQ_STR(spool_get(s, at[i], strlen(text) + 1), text);
	}
	spool_free(s);
}

static void
from_memory(void)
{
	keep_and_get(1U << 20);
}

static void
from_the_file(void)
{
	keep_and_get(0);
	keep_and_get(100);
	keep_and_get(4097);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "from memory", from_memory },
		{ "from the file behind it", from_the_file },
	};

	return check_main("spool", t, sizeof(t) / sizeof(t[0]));
}
