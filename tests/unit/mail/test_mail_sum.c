/* test_mail_sum.c - the same bytes in any pieces give the same number, others another. */
#include "check.h"
#include "mail/mail_sum.h"

static uint64_t
sum_of(const char *p, size_t len, size_t chunk)
{
	struct mail_sum s = { 0 };

	for (size_t at = 0; at < len; at += chunk)
		mail_sum_push(&s, p + at, chunk < len - at ? chunk : len - at);
	return mail_sum_value(&s);
}

static void
any_pieces(void)
{
	static const char text[] = "MAIL FROM:<joe@example.net>\nRCPT TO:<ann@example.org>\n";

	for (size_t len = 0; len < sizeof(text); len++)
		for (size_t chunk = 1; chunk < 20; chunk++)
			CHECK(sum_of(text, len, chunk) == sum_of(text, len, sizeof(text)));
	CHECK_EQ_INT(sum_of(text, 0, 1), 0);
}

static void
each_byte_counts(void)
{
	char text[40] = { 0 };

	for (size_t len = 1; len < sizeof(text); len++) {
		uint64_t plain = sum_of(text, len, 7);

		CHECK(plain != 0 && plain != sum_of(text, len - 1, 7));
		for (size_t i = 0; i < len; i++) {
			text[i] = 1;
			CHECK(sum_of(text, len, 7) != plain);
			text[i] = 0;
		}
	}
	CHECK(sum_of("12345678abcdefgh", 16, 5) != sum_of("abcdefgh12345678", 16, 5));
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "any pieces", any_pieces },
		{ "each byte counts", each_byte_counts },
	};

	return check_main("mail sum", tests, sizeof(tests) / sizeof(tests[0]));
}
