/* test_mail_smtp.c - what became of each mail, as the counting rules have it. */
#include "dissectors/smtp/smtp.h"
#include "smtp_player.h"

#define HELLO "S: 220 mx\nC: EHLO me\nS: 250 mx\n"
#define MAIL  "C: MAIL FROM:<a@example.org>\nS: 250 ok\n"
#define RCPT  "C: RCPT TO:<b@example.net>\nS: 250 ok\n"
#define DATA  "C: DATA\nS: 354 go\nC: Message-ID: <1@x>\nC: \nC: hi\nC: .\n"
#define QUIT  "C: QUIT\nS: 221 bye\n"

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

static void
server_absent(struct record_connection *f)
{
	f->dir[1] = (struct record_direction){ 0 };
	f->dir[0].acked = 0;
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
		{ "facts of the session", test_session_facts },
		{ "greetings", test_greetings },
		{ "many recipients", test_many_recipients },
		{ "many mails unanswered", test_many_unanswered },
		{ "a reply far behind a gap", test_many_behind_a_gap },
		{ "more commands than are remembered", test_more_than_are_remembered },
		{ "conduct", test_conduct },
		{ "a refusal of an unknown command", test_refusal_of_an_unknown_command },
		{ "refusals: the first and the last", test_refusals_first_and_last },
		{ "text is UTF-8", test_text_is_utf8 },
		{ "a guessed end proves nothing", test_a_guessed_end_proves_nothing },
		{ "SipHash", test_siphash },
	};

	return check_main("mail smtp", tests, sizeof(tests) / sizeof(tests[0]));
}
