/* test_mail_smtp.c - what became of each mail, as the counting rules have it. */
#include "smtp_player.h"

static void
expect_fate(const char *text, void (*change)(struct record_connection *f), enum verdict v,
    enum smtp_stage stage, uint16_t code)
{
	struct seen *s = play(text, change);

	CHECK_EQ_INT(s->txs, 1);
	CHECK_EQ_INT(s->tx[0].verdict, v);
	CHECK_EQ_INT(s->tx[0].stage, stage);
	CHECK_EQ_INT(s->tx[0].verdict_reply.code, code);
	free(s);
}

static void
test_accepted(void)
{
	struct seen *s = play(HELLO MAIL RCPT DATA "S: 250 2.0.0 queued as 1\n" QUIT, NULL);

	CHECK_EQ_INT(s->txs, 1);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_STR(s->tx[0].sender, "a@example.org");
	CHECK_EQ_STR(s->tx[0].message_id, "<1@x>");
	CHECK_EQ_STR(s->tx[0].final_reply.text, "2.0.0 queued as 1");
	CHECK_EQ_STR(s->tx[0].final_reply.enhanced, "2.0.0");
	CHECK(s->tx[0].final_reply.at.frame != 0 && s->tx[0].end_of_data.frame != 0);
	CHECK(s->tx[0].end_acked);
	CHECK_EQ_INT(s->tx[0].bytes, 25);
	CHECK_EQ_INT(s->rcpts, 1);
	CHECK_EQ_STR(s->rcpt[0].address, "b@example.net");
	CHECK_EQ_INT(s->rcpt[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->rcpt[0].final_reply.code, 250);
	CHECK_EQ_INT(s->messages, 1);
	CHECK_EQ_INT(s->message[0].state, MESSAGE_WHOLE);
	CHECK_EQ_INT(s->message[0].app, APP_SMTP);
	CHECK_EQ_INT(s->session.transactions, 1);
	CHECK_EQ_INT(s->session.refusal_count, 0);
	CHECK(s->session.visible && s->session.ehlo_answered && s->session.quit.frame != 0);
	CHECK(!s->session.command_unanswered);
	free(s);
}

static void
test_refused_and_deferred(void)
{
	expect_fate(HELLO "C: MAIL FROM:<a@b>\nS: 553 5.1.8 no\n" QUIT, NULL, VERDICT_REFUSED,
	    STAGE_MAIL, 553);
	expect_fate(
	    HELLO "C: MAIL FROM:<a@b>\nS: 472 no\n" QUIT, NULL, VERDICT_DEFERRED, STAGE_MAIL, 472);
	expect_fate(HELLO MAIL "C: RCPT TO:<x@y>\nS: 550 5.1.1 no\n" QUIT, NULL, VERDICT_REFUSED,
	    STAGE_RCPT, 550);
	/* deferred if any was 4xx */
	expect_fate(HELLO MAIL "C: RCPT TO:<x@y>\nS: 450 later\nC: RCPT TO:<z@y>\nS: 550 no\n" QUIT,
	    NULL, VERDICT_DEFERRED, STAGE_RCPT, 550);
	/* pipelined: DATA's 554 says nothing that RCPT did not */
	expect_fate(HELLO MAIL
	    "C: RCPT TO:<x@y>\nC: DATA\nS: 450 4.7.1 greylisted\nS: 554 5.5.1 no valid recipients\n" QUIT,
	    NULL, VERDICT_DEFERRED, STAGE_RCPT, 450);
	expect_fate(HELLO MAIL RCPT "C: DATA\nS: 451 later\n" QUIT, NULL, VERDICT_DEFERRED,
	    STAGE_DATA, 451);
	expect_fate(HELLO MAIL RCPT DATA "S: 554 5.7.1 virus\n" QUIT, NULL, VERDICT_REFUSED,
	    STAGE_DOT, 554);
	expect_fate(HELLO MAIL RCPT DATA "S: 4.7.0 [IPTS04] deferred\n", NULL, VERDICT_DEFERRED,
	    STAGE_DOT, 400);
	expect_fate(HELLO MAIL RCPT "C| BDAT 3 LAST\\r\\nabc\nS: 521 no\n", NULL, VERDICT_REFUSED,
	    STAGE_DOT, 521);
	expect_fate(HELLO MAIL RCPT "C: BDAT SCRAMBLE\nS: 521 5.5.4 no\n", NULL, VERDICT_REFUSED,
	    STAGE_DOT, 521);
	/* in the midst of the content, and nothing else came */
	expect_fate(HELLO MAIL RCPT
	    "C: DATA\nS: 354 go\nC: one\nS: 552 5.3.4 too big\n+9ms\nC: two\n",
	    NULL, VERDICT_REFUSED, STAGE_DOT, 552);
	/* one of two recipients refused, and the client gave the whole mail up */
	expect_fate(HELLO MAIL RCPT "C: RCPT TO:<x@y>\nS: 550 no\nC: RSET\nS: 250 ok\n" QUIT, NULL,
	    VERDICT_REFUSED, STAGE_RCPT, 550);
	/* ... and closed without QUIT, as Thunderbird does at times */
	expect_fate(HELLO MAIL RCPT "C: RCPT TO:<x@y>\nS: 454 4.7.1 no\n", NULL, VERDICT_DEFERRED,
	    STAGE_RCPT, 454);
}

static void
server_first(struct record_connection *f)
{
	f->dir[1].fin.ns = 8000000000;
}

static void
server_reset_first(struct record_connection *f)
{
	f->dir[1].fin = (struct moment){ 0 };
	f->dir[1].rst = (struct moment){ 8000000000, 900 };
	f->dir[1].ttl_rst = 64;
}

static void
foreign_reset_first(struct record_connection *f)
{
	server_reset_first(f);
	f->dir[1].ttl_rst = 61;
}

static void
not_acked(struct record_connection *f)
{
	f->dir[0].acked -= 3;
}

static void
not_acked_running(struct record_connection *f)
{
	f->dir[0].acked -= 3;
	f->dir[0].fin = f->dir[1].fin = (struct moment){ 0 };
	f->t_end = f->last.ns + (int64_t)59 * 1000000000;
}

static void
not_acked_silent(struct record_connection *f)
{
	not_acked_running(f);
	f->t_end += 1000000000;
}

static void
server_bytes_missing(struct record_connection *f)
{
	server_first(f);
	f->dir[1].missing = 1;
}

static void
snapped(struct record_connection *f)
{
	server_first(f);
	f->dir[1].cut_bytes = 1;
}

static void
contradictory(struct record_connection *f)
{
	server_first(f);
	f->dir[1].conflict = true;
}

/* Lost only when TCP proves it. */
static void
test_lost_or_unknown(void)
{
	static const char dot[] = HELLO MAIL RCPT DATA;
	static const char no_dot[] = HELLO MAIL RCPT "C: DATA\nS: 354 go\nC: hi\n";

	expect_fate(
	    dot, NULL, VERDICT_UNKNOWN, STAGE_DOT, 0); /* client closed first, all acknowledged */
	expect_fate(dot, server_first, VERDICT_LOST, STAGE_DOT, 0);
	expect_fate(dot, server_reset_first, VERDICT_LOST, STAGE_DOT, 0);
	expect_fate(
	    dot, foreign_reset_first, VERDICT_UNKNOWN, STAGE_DOT, 0); /* not the server's own */
	expect_fate(dot, not_acked, VERDICT_LOST, STAGE_DOT, 0);
	expect_fate(dot, not_acked_running, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate(dot, not_acked_silent, VERDICT_LOST, STAGE_DOT, 0);
	expect_fate(dot, server_bytes_missing, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate(dot, snapped, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate(dot, contradictory, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate(no_dot, not_acked_silent, VERDICT_UNKNOWN, STAGE_DOT, 0); /* a dot never sent */
	expect_fate(no_dot, server_first, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate(HELLO MAIL, server_first, VERDICT_LOST, STAGE_MAIL, 0);
	expect_fate(HELLO MAIL, NULL, VERDICT_UNKNOWN, STAGE_MAIL, 0);
	expect_fate(HELLO MAIL RCPT "C: RCPT TO:<x@y>\nS: 454 no\n", server_first, VERDICT_LOST,
	    STAGE_RCPT, 0);
	expect_fate(
	    "=== server unseen\nC: HELO me\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\nC: x\nC: .\nC: QUIT\n",
	    server_absent, VERDICT_UNKNOWN, STAGE_DOT, 0);
}

static void
test_abandoned(void)
{
	expect_fate(
	    HELLO MAIL RCPT "C: RSET\nS: 250 ok\n" QUIT, NULL, VERDICT_ABANDONED, STAGE_RCPT, 0);
	expect_fate(
	    HELLO MAIL RCPT "C: EHLO me\nS: 250 mx\n" QUIT, NULL, VERDICT_ABANDONED, STAGE_RCPT, 0);
	expect_fate(HELLO MAIL QUIT, NULL, VERDICT_ABANDONED, STAGE_MAIL, 0);
	/* a reply is missing */
	expect_fate(HELLO "C: MAIL FROM:<a@b>\n=== gap S 8\nC: QUIT\nS: 221 bye\n", NULL,
	    VERDICT_UNKNOWN, STAGE_MAIL, 0);
	/* a goodbye is no receipt, whatever the capture lacks of what comes before it */
	expect_fate(HELLO MAIL RCPT DATA "S: 221 bye\n", NULL, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate(
	    HELLO MAIL RCPT DATA "=== gap S 8\nS: 221 bye\n", NULL, VERDICT_UNKNOWN, STAGE_DOT, 0);
	expect_fate("=== server unseen\nC: HELO me\nC: MAIL FROM:<a@b>\nC: QUIT\n", server_absent,
	    VERDICT_UNKNOWN, STAGE_MAIL, 0);
}

/* The state changes with the reply. */
static void
test_refused_reset_changes_nothing(void)
{
	struct seen *s = play(HELLO MAIL RCPT
	    "C: RSET\nS: 500 no\nC: EHLO x\nS: 503 no\n"
	    "C: MAIL FROM:<x@y>\nS: 503 5.5.1 sender already given\n" DATA "S: 250 ok\n" QUIT,
	    NULL);

	CHECK_EQ_INT(s->txs, 2);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_STR(s->tx[0].sender, "a@example.org");
	CHECK_EQ_INT(s->tx[0].recipients, 1);
	CHECK(!s->tx[0].nested && s->tx[1].nested);
	CHECK_EQ_INT(s->session.transactions, 1);
	CHECK_EQ_INT(s->session.refusal_count, 3);
	free(s);
}

/* ... not even while its reply is still to come and others are. */
static void
test_reset_pipelined_and_refused(void)
{
	struct seen *s = play(HELLO MAIL RCPT
	    "C: NOOP\nC: RSET\nC: NOOP\nS: 250 ok\nS: 500 no\nS: 250 ok\n" DATA "S: 250 ok\n" QUIT,
	    NULL);

	CHECK_EQ_INT(s->txs, 1);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_STR(s->tx[0].sender, "a@example.org");
	free(s);
}

/* RCPT pipelined behind a MAIL that is refused because one is open belongs to the open one. */
static void
test_nested_mail_pipelined(void)
{
	struct seen *s =
	    play(HELLO MAIL "C: MAIL FROM:<x@y>\nC: RCPT TO:<c@d>\nC: DATA\n"
			    "S: 503 nested\nS: 250 ok\nS: 354 go\nC: hi\nC: .\nS: 250 ok\n" QUIT,
		NULL);

	CHECK_EQ_INT(s->txs, 2);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->tx[0].recipients_accepted, 1);
	CHECK_EQ_INT(s->rcpts, 1);
	CHECK_EQ_STR(s->rcpt[0].address, "c@d");
	CHECK(s->tx[1].nested);
	free(s);
}

static void
test_second_mail_accepted_without_reset(void)
{
	struct seen *s = play(
	    HELLO MAIL RCPT "C: MAIL FROM:<x@y>\nS: 250 ok\n" RCPT DATA "S: 250 ok\n" QUIT, NULL);

	CHECK_EQ_INT(s->txs, 2);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ABANDONED);
	CHECK_EQ_INT(s->tx[1].verdict, VERDICT_ACCEPTED);
	free(s);
}

/* A DATA answered 503 for want of a recipient does not end the transaction. */
static void
test_data_again(void)
{
	expect_fate(HELLO MAIL "C: DATA\nS: 503 no rcpt\n" RCPT DATA "S: 250 ok\n" QUIT, NULL,
	    VERDICT_ACCEPTED, STAGE_DOT, 250);
	expect_fate(
	    HELLO MAIL "C: DATA\nS: 503 no rcpt\n" QUIT, NULL, VERDICT_REFUSED, STAGE_DATA, 503);
}

/* RCPT and DATA without MAIL: answered, told, no attempt (zeek mail-transactions-invalid). */
static void
test_without_mail(void)
{
	struct seen *s =
	    play(HELLO "C: RCPT TO:<x@y>\nS: 503 sender not yet given\nC: DATA\nS: 503 no\n"
		       "C: HELLO, there\nS: 500 what\n" QUIT,
		NULL);

	CHECK_EQ_INT(s->txs, 1);
	CHECK(s->tx[0].nested && s->tx[0].implied);
	CHECK_EQ_INT(s->rcpts, 1);
	CHECK_EQ_INT(s->rcpt[0].reply.code, 503);
	CHECK_EQ_INT(s->session.transactions, 0);
	free(s);
}

/* Content or BDAT behind a refused BDAT of the same connection is no new attempt. */
static void
test_bdat_after_refusal(void)
{
	struct seen *s = play(HELLO MAIL
	    "C| BDAT 3 LAST\\r\\nabcBDAT 3 LAST\\r\\ndef\nS: 503 no rcpt\nS: 503 no rcpt\n" QUIT,
	    NULL);

	CHECK_EQ_INT(s->session.transactions, 1);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_REFUSED);
	free(s);
}

static void
test_lmtp(void)
{
	struct seen *s =
	    play("S: 220 l\nC: LHLO me\nS: 250 l\n" MAIL RCPT "C: RCPT TO:<no@y>\nS: 550 no\n"
		 "C: RCPT TO:<c@d>\nS: 250 ok\n" DATA "S: 452 4.2.2 full\nS: 250 ok\n" QUIT,
		NULL);

	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->rcpts, 3);
	CHECK_EQ_INT(s->rcpt[0].verdict, VERDICT_DEFERRED);
	CHECK_EQ_INT(s->rcpt[0].final_reply.code, 452);
	CHECK_EQ_INT(s->rcpt[1].verdict, VERDICT_REFUSED);
	CHECK_EQ_INT(s->rcpt[2].verdict, VERDICT_ACCEPTED);
	CHECK(s->session.lhlo);
	free(s);
	s = play("S: 220 l\nC: LHLO me\nS: 250 l\n" MAIL RCPT "C: RCPT TO:<c@d>\nS: 250 ok\n" DATA
		 "S: 452 4.2.2 full\nS: 550 no\n" QUIT,
	    NULL);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_REFUSED);
	free(s);
}

/* 353: each recipient is answered, the last reply is for the mail. */
static void
test_prdr(void)
{
	struct seen *s = play(HELLO MAIL RCPT
	    "C: RCPT TO:<no@y>\nS: 550 no\nC: RCPT TO:<c@d>\nS: 250 ok\n" DATA
	    "S: 353 analysis\nS: 250 first\nS: 550 5.7.1 not for me\nS: 250 OK id=1\n" QUIT,
	    NULL);

	CHECK_EQ_INT(s->session.transactions, 1);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_STR(s->tx[0].final_reply.text, "OK id=1");
	CHECK_EQ_INT(s->rcpt[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->rcpt[1].verdict, VERDICT_REFUSED);
	CHECK_EQ_INT(s->rcpt[2].verdict, VERDICT_REFUSED);
	CHECK_EQ_INT(s->rcpt[2].final_reply.code, 550);
	CHECK(s->session.bye.frame != 0);
	free(s);
	s = play(HELLO MAIL RCPT DATA
	    "S: 353 analysis\nS: 450 later\nS: 450 nobody wants it now\n" QUIT,
	    NULL);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_DEFERRED);
	CHECK_EQ_STR(s->tx[0].final_reply.text, "nobody wants it now");
	free(s);
}

static void
test_several_recipients(void)
{
	struct seen *s = play(
	    HELLO MAIL RCPT "C: RCPT TO:<no@y>\nS: 550 5.1.1 no\n" DATA "S: 250 ok\n" QUIT, NULL);

	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->tx[0].recipients, 2);
	CHECK_EQ_INT(s->tx[0].recipients_accepted, 1);
	CHECK_EQ_INT(s->rcpt[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->rcpt[1].verdict, VERDICT_REFUSED);
	CHECK_EQ_STR(s->rcpt[1].reply.enhanced, "5.1.1");
	CHECK_EQ_INT(s->session.refusals[0].stage, STAGE_RCPT);
	CHECK_EQ_STR(s->session.refusals[0].line, "RCPT TO:<no@y>");
	CHECK_EQ_INT(s->session.refusals[0].transaction, 1);
	free(s);
}

/* What follows a refused MAIL in one pipeline says nothing new (diagnosis 0.7). */
static void
test_consequences(void)
{
	struct seen *s =
	    play(HELLO "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\n"
		       "S: 553 5.1.8 no domain\nS: 503 need MAIL\nS: 503 need RCPT\n" QUIT,
		NULL);

	CHECK_EQ_INT(s->txs, 1);
	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_REFUSED);
	CHECK_EQ_INT(s->tx[0].verdict_reply.code, 553);
	CHECK_EQ_INT(s->session.refusals_kept, 3);
	CHECK(!s->session.refusals[0].consequence && s->session.refusals[0].ended_transaction);
	CHECK(s->session.refusals[1].consequence && s->session.refusals[2].consequence);
	CHECK(s->rcpt[0].consequence);
	free(s);
}

static void
test_joined_in_the_middle(void)
{
	expect_fate("=== midstream\nC: the rest of it\nC: .\nS: 250 ok\n" QUIT, NULL,
	    VERDICT_ACCEPTED, STAGE_DOT, 250);
	expect_fate("=== midstream\nS: 250 2.0.0 Ok: queued as 1D2\n" QUIT, NULL, VERDICT_ACCEPTED,
	    STAGE_DOT, 250);
	expect_fate("=== midstream\nS: 250 OK id=1Mugho-0003Dg-Un\n" QUIT, NULL, VERDICT_ACCEPTED,
	    STAGE_DOT, 250);
	{
		/* Exim's reply to RCPT is no mail */
		struct seen *s = play(
		    "=== midstream\nS: 250 Accepted\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 OK\n" QUIT,
		    NULL);

		CHECK_EQ_INT(s->session.transactions, 1);
		CHECK(s->tx[0].implied);
		free(s);
	}
}

static void
client_absent(struct record_connection *f)
{
	f->dir[0] = (struct record_direction){ 0 };
}

static void
test_server_side_only(void)
{
	expect_fate(
	    "=== client unseen\nS: 220 mx\nS: 250 mx\nS: 250 ok\nS: 250 ok\nS: 354 go\nS: 250 queued\nS: 221 bye\n",
	    client_absent, VERDICT_ACCEPTED, STAGE_DOT, 250);
	expect_fate(
	    "=== client unseen\nS: 220 mx\nS: 250 mx\nS: 250 ok\nS: 250 ok\nS: 354 go\nS: 554 spam\nS: 221 bye\n",
	    client_absent, VERDICT_REFUSED, STAGE_DOT, 554);
}

static void
test_timeout_after_the_mail(void)
{
	struct seen *s = play(
	    HELLO MAIL RCPT DATA "S: 250 ok\n+300000ms\nS: 421 4.4.2 timeout exceeded\n", NULL);

	CHECK_EQ_INT(s->tx[0].verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(s->session.refusals_kept, 1);
	CHECK(s->session.refusals[0].unsolicited && !s->session.refusals[0].transaction_open);
	free(s);
	/* no answer to the content: that the server lost patience is no verdict on the mail */
	expect_fate(HELLO MAIL RCPT
	    "C: DATA\nS: 354 go\nC: one\n+300000ms\nS: 421 4.4.2 timeout exceeded\n",
	    server_first, VERDICT_UNKNOWN, STAGE_DOT, 0);
}

/* Client alone, LF alone: where its mail ends is a guess, and the dot stands in it. */
static void
test_a_guessed_end_proves_nothing(void)
{
	struct seen *s = play(
	    "=== server unseen\nC| EHLO x\\n\nC| MAIL FROM:<a@b>\\n\nC| RCPT TO:<c@d>\\n\nC| DATA\\n\n"
	    "C| Content-Transfer-Encoding: base64\\n\\nQUJD\\n.\\n\nC| QUIT\\n\n",
	    NULL);

	CHECK_EQ_INT(s->messages, 1);
	CHECK(s->message[0].state == MESSAGE_WHOLE && !s->message[0].checked &&
	    s->message[0].fault == PART_SOUND);
	free(s);
}

/* The first vectors of the paper's reference implementation. */
static void
test_siphash(void)
{
	uint8_t key[16], in[64];

	for (int i = 0; i < 64; i++)
		in[i] = (uint8_t)i;
	memcpy(key, in, sizeof(key));
	CHECK(mail_siphash(key, in, 0) == 0x726fdb47dd0e0e31u);
	CHECK(mail_siphash(key, in, 8) == 0x93f5f5799a932462u);
	CHECK(mail_siphash(key, in, 15) == 0xa129ca6149be45e5u);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "accepted", test_accepted },
		{ "refused and deferred", test_refused_and_deferred },
		{ "lost only with proof", test_lost_or_unknown },
		{ "abandoned", test_abandoned },
		{ "a refused RSET changes nothing", test_refused_reset_changes_nothing },
		{ "a refused RSET in a pipeline", test_reset_pipelined_and_refused },
		{ "nested MAIL, pipelined", test_nested_mail_pipelined },
		{ "a second MAIL without RSET", test_second_mail_accepted_without_reset },
		{ "DATA again", test_data_again },
		{ "without MAIL", test_without_mail },
		{ "BDAT behind a refusal", test_bdat_after_refusal },
		{ "LMTP", test_lmtp },
		{ "PRDR", test_prdr },
		{ "several recipients", test_several_recipients },
		{ "consequences", test_consequences },
		{ "joined in the middle", test_joined_in_the_middle },
		{ "only the server's side", test_server_side_only },
		{ "a timeout is no verdict", test_timeout_after_the_mail },
		{ "a guessed end proves nothing", test_a_guessed_end_proves_nothing },
		{ "SipHash", test_siphash },
	};

	return check_main("mail smtp", tests, sizeof(tests) / sizeof(tests[0]));
}
