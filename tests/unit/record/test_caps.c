/* The words for bounds that were hit: whole, or not at all. */
#include "check.h"
#include "record/record_caps.h"

static void
test_whole_or_not(void)
{
	struct record_capture c = { .caps_hit = 0 };
	char name[8] = "bound-a";

	record_caps_add(&c, "none", 0);
	CHECK_EQ_STR(c.caps, "");
	record_caps_add(&c, "flows", 12);
	CHECK_EQ_STR(c.caps, "flows 12");
	for (int i = 0; i < 26; i++) {
		name[6] = (char)('a' + i);
		record_caps_add(&c, name, 123456);
	}
	CHECK_EQ_INT(c.caps_hit, 12 + 26 * 123456);
	CHECK(strlen(c.caps) < sizeof(c.caps));
	CHECK(strlen(c.caps) > 230);
	CHECK_EQ_STR(c.caps + strlen(c.caps) - 12, " 123456, ...");
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "words are whole", test_whole_or_not },
	};

	return check_main("caps", tests, sizeof(tests) / sizeof(tests[0]));
}
