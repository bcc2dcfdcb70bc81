/* test_mail_session.c - what is told of a session beside its mails. */
#include "smtp_player.h"

static void
test_session_facts(void)
{
	struct seen *s = play(
	    "S: 220 mx.example.net ESMTP\nC: EHLO client.example.org\n"
	    "S: 250-mx\nS: 250-SIZE 1000\nS: 250-XXXXXXXA\nS: 250-XXXB\nS: 250-XX\nS: 250 AUTH PLAIN LOGIN\n"
	    "C: AUTH PLAIN AGFsaWNlAHMzY3JldA==\nS: 535 5.7.8 no\nC: AUTH LOGIN\nS: 334 x\nC: YWxpY2U=\nS: 334 y\n"
	    "C: czNjcmV0\nS: 235 2.7.0 ok\nC: MAIL FROM:<a@b> SIZE=77\nS: 550 5.7.1 no\nC: NOOP\nS: 502 what\n"
	    "C: VRFY x\nS: 550 no\nC: HELP\n",
	    NULL);
	const struct record_session *r = &s->session;

	CHECK_EQ_STR(r->greeting.text, "mx.example.net ESMTP");
	CHECK_EQ_STR(r->identity, "client.example.org");
	CHECK_EQ_STR(r->capabilities, "SIZE 1000 XXXXXXXA XXXB XX AUTH PLAIN LOGIN");
	CHECK(r->capabilities_at.frame > r->greeting.at.frame &&
	    r->capabilities_at.frame < r->auth_reply.at.frame);
	CHECK_EQ_STR(r->masked_keywords, "XXXXXXXA XXXB");
	CHECK(r->auth_offered && !r->starttls_offered && r->auth_tried && r->auth_ok);
	CHECK_EQ_STR(r->auth_mechanism, "LOGIN");
	CHECK_EQ_INT(r->auth_reply.code, 235);
	CHECK_EQ_INT(strlen(r->user_hash), 16);
	CHECK_EQ_STR(r->user, "");
	CHECK_EQ_INT(r->refusal_count, 2); /* questions are not judged */
	CHECK_EQ_INT(r->refusals[0].stage, STAGE_AUTH);
	CHECK_EQ_STR(r->refusals[0].line, "AUTH PLAIN <20 bytes>");
	CHECK(!r->refusals[0].after_auth && r->refusals[1].after_auth);
	CHECK_EQ_INT(s->tx[0].declared_size, 77);
	CHECK_EQ_STR(r->last_command, "HELP");
	CHECK(r->command_unanswered);
	free(s);
}

static void
test_greetings(void)
{
	struct seen *s = play("S: 554 5.7.1 blocked\n" QUIT, NULL);

	CHECK_EQ_INT(s->session.greeting.code, 554);
	CHECK_EQ_INT(s->session.refusals[0].stage, STAGE_CONNECT);
	CHECK_EQ_STR(s->session.refusals[0].verb, "connect");
	free(s);
	s = play("S: 220-mx begins\n", NULL);
	CHECK(s->session.greeting_cut && !s->session.early_talker);
	CHECK_EQ_INT(s->session.greeting.code, 0);
	free(s);
	s = play("C: EHLO me\nS: 220 mx\nS: 250 mx\n", NULL);
	CHECK(s->session.early_talker);
	free(s);
	s = play("C| \\x16\\x03\\x01\\x00\\x01\\x01\nS: 220 mx\nS: 500 what\n", NULL);
	CHECK(s->session.visible && !s->session.tls);
	CHECK_EQ_INT(s->session.client_first_byte, 0x17);
	free(s);
	s = play(
	    "S: 220 mx\nC: EHLO me\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC| \\x16\\x03\\x01\\x00\\x01\\x01\n"
	    "S| \\x15\\x03\\x01\\x00\\x02\\x02\\x28\n",
	    NULL);
	CHECK(s->session.tls && s->session.starttls_tried && s->session.tls_at.frame != 0);
	CHECK_EQ_INT(s->session.tls_alert, 41);
	CHECK_EQ_INT(s->session.tls_alert_from, 1);
	CHECK(!s->session.command_unanswered);
	free(s);
}

/*
 * A refusal among missing replies is nobody's in particular; the mail is refused if nothing took
 * it.
 */
static void
test_refusal_of_an_unknown_command(void)
{
	static const struct {
		const char *then;
		enum verdict verdict;
	} cases[] = {
		{ "=== heard\nC: RSET\n=== gap S 8\n-40ms\nS: 550 no\n+60ms\nS: 250 ok\n",
		    VERDICT_REFUSED },
		{ "=== heard\nC: hi\nC: .\n=== gap S 8\n-40ms\nS: 550 no\nS: 354 go\n+60ms\nS: 250 queued\n",
		    VERDICT_ACCEPTED },
	};
	char text[1024];

	for (size_t i = 0; i < 2; i++) {
		struct seen *s;

		snprintf(text, sizeof(text),
		    HELLO
		    "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: RCPT TO:<e@f>\nC: DATA\n+50ms\n%s",
		    cases[i].then);
		s = play(text, NULL);
		CHECK_EQ_INT(s->session.refusals_kept, 1);
		CHECK(s->session.refusals[0].guessed);
		CHECK_EQ_STR(s->session.refusals[0].verb, "");
		CHECK_EQ_INT(s->tx[0].mail_reply.code, 0);
		CHECK_EQ_INT(s->rcpt[0].reply.code, 0);
		CHECK_EQ_INT(s->tx[0].verdict, cases[i].verdict);
		CHECK(s->tx[0].unsure);
		free(s);
	}
}

/* Bare line feeds, and commands that do not wait where nothing allows it. */
static void
test_conduct(void)
{
	static const struct {
		const char *text;
		bool bare, unoffered;
	} cases[] = {
		{ "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nS: 250 ok\nS: 250 ok\n",
		    false, true },
		{ "S: 220 mx\nC: EHLO me\nC: MAIL FROM:<a@b>\nS: 250-mx\nS: 250 PIPELINING\nS: 250 ok\n",
		    false, true },
		{ "S: 220 mx\nC: HELO me\nC: MAIL FROM:<a@b>\nS: 250 mx\nS: 250 ok\n", false,
		    true },
		{ "S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250 PIPELINING\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nS: 250 ok\nS: 250 ok\n",
		    false, false },
		{ "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: QUIT\nS: 221 bye\n",
		    false, false },
		{ "S: 220 mx\nC: EHLO me\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: Ym9i\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 ok\n",
		    false, false },
		{ "S: 220 mx\nC| EHLO me\\n\nS: 250 mx\n", true, false },
		{ "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\nC: DATA\nS: 354 go\nC| x\\ny\\r\\n\nC: .\nS: 250 ok\n",
		    false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen *s = play(cases[i].text, NULL);

		CHECK_EQ_INT(s->session.bare_command.frame != 0, cases[i].bare);
		CHECK_EQ_INT(s->session.unoffered.frame != 0, cases[i].unoffered);
		free(s);
	}
}

static void
test_refusals_first_and_last(void)
{
	char text[4096] = HELLO;
	struct seen *s;

	for (int i = 0; i < 20; i++)
		sprintf(text + strlen(text), "C: MAIL FROM:<%d@b>\nS: 550 no %d\n", i, i);
	s = play(text, NULL);
	CHECK_EQ_INT(s->session.refusal_count, 20);
	CHECK_EQ_INT(s->session.refusals_kept, RECORD_REFUSALS);
	CHECK_EQ_STR(s->session.refusals[0].reply.text, "no 0");
	CHECK_EQ_STR(s->session.refusals[3].reply.text, "no 3");
	CHECK_EQ_STR(s->session.refusals[4].reply.text, "no 16");
	CHECK_EQ_STR(s->session.refusals[7].reply.text, "no 19");
	free(s);
}

static void
test_text_is_utf8(void)
{
	struct seen *s = play("S| 220 m\\xff\\xc3x\\r\\n\nC| EHLO \\xe4\\r\\n\nS: 250 mx\n"
			      "C| MAIL FROM:<\\xfc@b>\\r\\n\nS: 250 ok\n",
	    NULL);

	CHECK_EQ_STR(s->session.greeting.text, "m\xef\xbf\xbd\xef\xbf\xbdx");
	CHECK_EQ_STR(s->session.identity, "\xef\xbf\xbd");
	CHECK_EQ_STR(s->tx[0].sender, "\xef\xbf\xbd@b");
	CHECK(s->session.odd & ODD_8BIT);
	free(s);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "facts of the session", test_session_facts },
		{ "greetings", test_greetings },
		{ "conduct", test_conduct },
		{ "a refusal of an unknown command", test_refusal_of_an_unknown_command },
		{ "refusals: the first and the last", test_refusals_first_and_last },
		{ "text is UTF-8", test_text_is_utf8 },
	};

	return check_main("mail_session", tests, sizeof(tests) / sizeof(tests[0]));
}
