/* test_mail_many.c - more in one session than is kept: all counted, the bound told. */
#include "dissectors/smtp/smtp.h"
#include "smtp_player.h"

/* More recipients than have records: all counted, the cap told. */
static void
test_many_recipients(void)
{
	static const char rcpt[] = "C: RCPT TO:<b@example.net>\nS: 250 ok\n";
	size_t n = 1500, len = 0;
	char *text = malloc(200 + n * sizeof(rcpt) + 200);
	struct seen *s;

	len += (size_t)sprintf(text + len, "%s%s", HELLO, MAIL);
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "%s", rcpt);
	sprintf(text + len, "%sS: 250 ok\n%s", DATA, QUIT);
	s = play(text, NULL);
	CHECK_EQ_INT(s->tx[0].recipients, 1500);
	CHECK_EQ_INT(s->tx[0].recipients_accepted, 1500);
	CHECK_EQ_INT(s->rcpts, 1000);
	CHECK_EQ_INT(s->caps.recipients, 500);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	free(s);
	free(text);
}

/* Mails without any reply, one after another: the oldest are settled, nothing grows. */
static void
test_many_unanswered(void)
{
	static const char one[] = "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\nC: x\nC: .\n";
	size_t n = 300, len = 0;
	char *text = malloc(200 + n * sizeof(one));
	struct seen *s;

	len += (size_t)sprintf(text + len, "=== server unseen\nC: HELO me\n");
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "%s", one);
	s = play(text, server_absent);
	CHECK_EQ_INT(s->txs, 300);
	CHECK_EQ_INT(s->rcpts, 300);
	CHECK(s->caps.transactions > 0);
	for (uint32_t i = 0; i < KEPT; i++)
		CHECK_EQ_INT(s->tx[i].verdict, VERDICT_UNKNOWN);
	free(s);
	free(text);
}

/*
 * A reply behind missing ones is looked for among the next 256 commands only: further away, that is
 * told.
 */
static void
test_many_behind_a_gap(void)
{
	static const struct {
		int n;
		uint64_t cut;
	} cases[] = { { 200, 0 }, { 300, 1 } };
	char text[8192];
	struct seen *s;

	for (size_t c = 0; c < 2; c++) {
		strcpy(text, HELLO);
		for (int i = 0; i < cases[c].n; i++)
			strcat(text, "C: RSET\n");
		strcat(text,
		    "=== gap S 20\n"
		    "C: QUIT\nS: 221 bye\n");
		s = play(text, NULL);
		CHECK_EQ_INT(s->caps.searches_cut, cases[c].cut);
		free(s);
	}
}

/*
 * More commands than are remembered without their reply: each that is forgotten is told, unless no
 * server is there to reply.
 */
static void
test_more_than_are_remembered(void)
{
	enum { MORE = 10 };
	char *text = malloc((size_t)16 * SMTP_OUTSTANDING_MAX);
	struct seen *s;

	strcpy(text, HELLO);
	for (uint32_t i = 0; i < SMTP_OUTSTANDING_MAX + MORE; i++)
		strcat(text, "C: NOOP\n");
	s = play(text, NULL);
	CHECK_EQ_INT(s->caps.searches_cut, MORE);
	CHECK_EQ_INT(s->session.commands, SMTP_OUTSTANDING_MAX + MORE + 1);
	free(s);
	s = play(strstr(text, "C: NOOP"), NULL);
	CHECK_EQ_INT(s->caps.searches_cut, 0);
	free(s);
	free(text);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "many recipients", test_many_recipients },
		{ "many mails unanswered", test_many_unanswered },
		{ "a reply far behind a gap", test_many_behind_a_gap },
		{ "more commands than are remembered", test_more_than_are_remembered },
	};

	return check_main("mail_many", tests, sizeof(tests) / sizeof(tests[0]));
}
