/*
 * test_pop3.c - POP3 dialogues (see dialog.h) and what the dissector says of
 * them.
 */
#include "pop3_log.h"

/* ---- the tests ------------------------------------------------------------------- */

static void
a_session_is_read_line_by_line(void)
{
	CHECK_EQ_STR(play("S: +OK ready <1.2@pop.example>\n"
			  "C: USER alice\n"
			  "S: +OK\n"
			  "C: PASS open sesame\n"
			  "S: +OK Logged in.\n"
			  "C: STAT\n"
			  "S: +OK 2 320\n"
			  "C: LIST\n"
			  "S: +OK 2 messages\nS: 1 120\nS: 2 200\nS: .\n"
			  "C: RETR 1\n"
			  "S: +OK 10 octets\nS: Subject: x\nS: \nS: ..stuffed\nS: end.\nS: .\n"
			  "C: DELE 1\n"
			  "S: +OK\n"
			  "C: QUIT\n"
			  "S: +OK bye\n"),
	    "reply 0 greeting '+OK ready <1.2@pop.example>'\n"
	    "command 1 'USER <5 bytes>' user alice\n"
	    "reply 1 USER '+OK'\n"
	    "command 2 'PASS <11 bytes>'\n"
	    "reply 2 PASS '+OK Logged in.'\n"
	    "command 3 'STAT'\n"
	    "reply 3 STAT '+OK 2 320'\n"
	    "command 4 'LIST'\n"
	    "reply 4 LIST '+OK 2 messages/1 120/2 200'\n"
	    "command 5 'RETR 1'\n"
	    "reply 5 RETR '+OK 10 octets'\n"
	    "content 5 RETR\n"
	    "  'Subject: x//.stuffed/end./'\n"
	    "end 5 complete\n"
	    "command 6 'DELE 1'\n"
	    "reply 6 DELE '+OK'\n"
	    "command 7 'QUIT'\n"
	    "reply 7 QUIT '+OK bye'\n");
}

#define LOGIN "S: +OK hi\nC: USER a\nS: +OK\nC: PASS b\nS: +OK\n"

/* Suricata looks for ".CRLF" anywhere; Courier's status line itself ends so. */
static void
a_full_stop_does_not_end_an_answer(void)
{
	SAYS(LOGIN
	    "C: RETR 1\nS: +OK 389 octets follow.\nS: One.\nS: Two.\nS: .\nC: NOOP\nS: +OK\n",
	    "content 3 RETR\n  'One./Two./'\nend 3 complete\ncommand 4 'NOOP'\nreply 4 NOOP '+OK'\n");
}

static void
an_empty_message_and_a_line_of_two_dots(void)
{
	SAYS(
	    LOGIN "C: RETR 1\nS: +OK\nS: .\nC: NOOP\nS: +OK\n", "content 3 RETR\nend 3 complete\n");
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: ..\nS: .x\nS: .\nC: NOOP\nS: +OK\n",
	    "  './x/'\nend 3 complete\n");
}

/* "\n.\n" from a server that speaks CRLF is text; from one that speaks LF it is the end. */
static void
bare_line_feeds_end_only_where_they_are_the_rule(void)
{
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS| a\\n\nS| .\\n\nS: b\nS: .\nC: QUIT\nS: +OK\n",
	    "b/'\nend 3 complete\n");
	SAYS("S| +OK hi\\n\nC| RETR 1\\n\nS| +OK\\n\nS| a\\n\nS| .\\n\nC| QUIT\\n\nS| +OK bye\\n\n",
	    "  'a/'\nend 1 complete\ncommand 2 'QUIT'\nreply 2 QUIT '+OK bye'\n");
	/* A client that took it for the end goes on, and so does the server: it was. */
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: a\nS| .\\n\nC: QUIT\nS: +OK bye\n",
	    "end 3 complete\nreply 4 QUIT '+OK bye'\n");
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: a\nS| .\\n\nS: b\nC: QUIT\nS: +OK bye\n",
	    "end 3 cut\nreply 4 QUIT '+OK bye'\n");
}

/* zeek: bad-list-retr-crafted.pcap */
static void
a_listing_without_its_dot_is_closed_by_the_next_reply(void)
{
	SAYS(
	    "S: +OK hi\nC: LIST\nS: GARBAGE (and LIST response missing .)\nS: +OK 2 messages\nS: 1 120\n"
	    "C: RETR 1\nS: +OK message follows\nS: From: z\nS: .\nC: QUIT\nS: +OK bye\n",
	    "noise S 'GARBAGE (and LIST response missing .)'\n"
	    "command 2 'RETR 1'\n"
	    "reply 1 LIST unclosed '+OK 2 messages/1 120'\n"
	    "reply 2 RETR '+OK message follows'\n"
	    "content 2 RETR\n  'From: z/'\nend 2 complete\n");
}

/* A mail about POP3, in a pipeline: its lines are no replies. */
static void
a_status_line_in_a_message_is_text(void)
{
	SAYS(LOGIN
	    "C: RETR 1\nC: RETR 2\nS: +OK\nS: +OK this is text\nS: -ERR too\nS: .\nS: +OK\nS: x\nS: .\n",
	    "content 3 RETR\n  '+OK this is text/-ERR too/'\nend 3 complete\n"
	    "reply 4 RETR '+OK'\ncontent 4 RETR\n  'x/'\nend 4 complete\n");
}

/* Zeek drops the oldest of more than ten. */
static void
pipelined_commands_are_paired(void)
{
	char text[4096] = "S: +OK hi\n", want[64];

	for (int i = 1; i <= 40; i++)
		sprintf(text + strlen(text), "C: DELE %d\n", i);
	for (int i = 1; i <= 40; i++)
		sprintf(text + strlen(text), "S: %s %d\n", i % 7 ? "+OK" : "-ERR", i);
	play(text);
	for (int i = 1; i <= 40; i++) {
		sprintf(want, "reply %d DELE '%s %d'\n", i, i % 7 ? "+OK" : "-ERR", i);
		CHECK(strstr(first.text, want) != NULL);
	}
}

static void
capabilities_are_a_listing(void)
{
	SAYS(
	    "S: +OK hi\nC: CAPA\nS: +OK list.\nS: TOP\nS: SASL PLAIN CRAM-MD5\nS: .\nC: NOOP\nS: +OK\n",
	    "reply 1 CAPA '+OK list./TOP/SASL PLAIN CRAM-MD5'\ncommand 2 'NOOP'\nreply 2 NOOP '+OK'\n");
	SAYS(
	    "S: +OK hi\nC: LIST 3\nS: +OK 3 120\nC: UIDL 3\nS: -ERR none\nC: TOP 3 0\nS: +OK\nS: A: b\nS: .\n",
	    "reply 1 LIST '+OK 3 120'\ncommand 2 'UIDL 3'\nreply 2 UIDL '-ERR none'\n"
	    "command 3 'TOP 3 0'\nreply 3 TOP '+OK'\ncontent 3 TOP\n");
}

static void
auth_exchanges_are_followed_and_masked(void)
{
	SAYS(
	    "S: +OK hi\nC: AUTH\nS: +OK\nS: PLAIN\nS: .\nC: AUTH PLAIN\nS: + \nC: AGFsaWNlAHNlY3JldA==\nS: +OK\nC: NOOP\nS: +OK\n",
	    "reply 1 AUTH '+OK/PLAIN'\ncommand 2 'AUTH PLAIN'\nreply 2 AUTH '+ <0 bytes>'\n"
	    "command 2 '<20 bytes>' user alice\nreply 2 AUTH '+OK'\ncommand 3 'NOOP'\nreply 3 NOOP '+OK'\n");
	/* initial response (RFC 5034 4), and a probe that the server does not know */
	SAYS(
	    "S: +OK hi\nC: AUTH\nS: -ERR what\nC: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: -ERR [AUTH] no\nC: QUIT\nS: +OK\n",
	    "reply 1 AUTH '-ERR what'\ncommand 2 'AUTH PLAIN <20 bytes>' user alice\nreply 2 AUTH [AUTH] '-ERR [AUTH] no'\n"
	    "command 3 'QUIT'\nreply 3 QUIT '+OK'\n");
	/* refused before the client responded, who gave up; the response is only late */
	SAYS("S: +OK hi\nC: AUTH LOGIN\nS: + \n+9ms\nS: -ERR too slow\nC: QUIT\nS: +OK\n",
	    "reply 1 AUTH '-ERR too slow'\ncommand 2 'QUIT'\nreply 2 QUIT '+OK'\n");
	SAYS(
	    "S: +OK hi\n+1ms\nS: + \n+2ms\nS: -ERR no\n-4ms\nC: AUTH LOGIN\n+2ms\nC: bm9w\n+3ms\nC: STAT\nS: -ERR\n",
	    "reply 1 AUTH '+ <0 bytes>'\ncommand 1 '<4 bytes>' user nop\nreply 1 AUTH '-ERR no'\n"
	    "command 2 'STAT'\nreply 2 STAT '-ERR'\n");
	/* a server that lags: the responses were there before their challenges */
	SAYS(
	    "S: +OK hi\nC: AUTH LOGIN\n+2ms\nC: YQ==\n+2ms\nC: Yg==\n+2ms\nC: STAT\n-5ms\nS: + x\n+2ms\nS: + y\n+2ms\nS: +OK\n+2ms\nS: +OK 0 0\n",
	    "command 1 '<4 bytes>' user a\ncommand 1 '<4 bytes>'\ncommand 2 'STAT'\nreply 1 AUTH '+ <1 bytes>'\n"
	    "reply 1 AUTH '+ <1 bytes>'\nreply 1 AUTH '+OK'\nreply 2 STAT '+OK 0 0'\n");
	/* a response that happens to be a keyword */
	SAYS(
	    "S: +OK hi\nC: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: QUIT\nS: + UGFzc3dvcmQ6\nC: NOOP\nS: -ERR no\n",
	    "command 1 '<4 bytes>'");
}

static const char *const secrets[] = { "sesame", "c2VjcmV0", "s3cr", "123456", "deadbeef", "secret",
	"sesa" };

static void
no_secret_among(const char *text)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		if (strstr(text, secrets[i]) != NULL)
			printf("\n%s in:\n%s", secrets[i], text);
		CHECK(strstr(text, secrets[i]) == NULL);
	}
}

struct numbers {
	uint64_t seen;
};

static void
number_take(void *ctx, const struct dissect_event *ev)
{
	struct numbers *n = ctx;

	if (ev->arg_num != UINT64_MAX)
		n->seen = ev->arg_num;
}

/* A name is no secret, but shown only to who asks for it. */
static void
names_are_hidden_where_they_are_repeated(void)
{
	static const char text[] =
	    "S: +OK hi\nC: USER alice\nS: +OK Password required for alice.\nC: PASS password\n"
	    "S: -ERR [AUTH] Invalid password for alice, not malice\nC: LIST\nS: -ERR alice who?\n";
	struct dissect_hint hint = { .server_seen = true, .client_seen = true };
	const char *out = play_hint(text, hint);

	CHECK(strstr(out, "'+OK Password required for *****.'") != NULL);
	CHECK(strstr(out, "'-ERR [AUTH] Invalid password for *****, not malice'") != NULL);
	CHECK(strstr(out, "'-ERR alice who?'") != NULL);
	hint.show_users = true;
	CHECK(strstr(play_hint(text, hint), "'+OK Password required for alice.'") != NULL);
}

static void
credentials_never_leave(void)
{
	static const char *const dialogues[] = {
		"S: +OK hi\nC: USER a\nS: +OK\nC: PASS open sesame\nS: +OK\n",
		"S: +OK hi\nC: pass\t123456\nS: +OK\n",
		"S: +OK hi\nC: APOP alice deadbeefdeadbeef\nS: +OK\n",
		"S: +OK hi\nC: AUTH PLAIN AGEAc2VjcmV0\nS: +OK\n",
		"S: +OK hi\nC: AUTH AGEAc2VjcmV0\nS: -ERR\n",
		/* ahead of the challenge */
		"S: +OK hi\nC: AUTH LOGIN\nC: YQ==\nC: c2VjcmV0\nS: + x\nS: +OK\n",
		/* client side only */
		"C: AUTH LOGIN\nC: YQ==\nC: c2VjcmV0\n",
		/* name missing */
		"S: +OK hi\nC: AUTH LOGIN\nS: + \n=== gap 6\nC: c2VjcmV0\nS: +OK\n",
		"S: +OK hi\nC: AUTH LOGIN\nS: + \nC| YQ\n=== gap 4\nC: c2VjcmV0\nS: +OK\n",
		"S: +OK hi\nC: AUTH CRAM-MD5\nS: + c2VjcmV0\nC: c2VjcmV0\nS: +OK\n",
		"S: +OK hi\nC: USER a\nS: +OK\nC| PASS open s\n=== gap 3\nC: esame\nS: +OK\n",
		"S: +OK hi\n=== gap 10\nC: sesame\nS: +OK\n",
		"S: +OK hi\nC: PASSsesame\nS: -ERR\n",
		"S: +OK hi\nC: PAS sesame\nS: -ERR\n",
		"S: +OK hi\nC: s3crs3cr\nS: -ERR\n",
		"S: +OK hi\nC: QUIT sesame\nS: -ERR\n",
		/* servers repeat what they refuse */
		"S: +OK hi\nC: PASS sesame\nS: -ERR unknown command \"PASS sesame\"\n",
		"S: +OK hi\nC: USER a\nC: PASS open sesame\nC: STAT\nS: +OK\nS: -ERR [AUTH] Password open sesame is wrong\nS: -ERR sesame\n",
		"S: +OK hi\nC: sesame1\nS: -ERR what is SESAME1 or sesame1?\n",
		"S: +OK hi\nC: AUTH LOGIN\nS: + \nC: YQ==\nS: + \nC: c2VjcmV0\nS: -ERR secret c2VjcmV0\n",
		"S: +OK hi\nC: AUTH PLAIN AGEAc2VjcmV0\nS: -ERR no AGEAc2VjcmV0, no secret\n",
		"S: +OK hi\nC: APOP alice deadbeefdeadbeef\nS: -ERR deadbeefdeadbeef is not it\n",
		"S: +OK hi\nC: a1 LOGIN bob sesame\nS: -ERR what is a1 LOGIN bob sesame?\n",
		"S: +OK hi\nS: -ERR Unknown command: \"PASS sesame\"\nS: -ERR Unknown: c2VjcmV0MTIz\n",
		/* the client's bytes are late: the refusal is here before the response */
		"S: +OK hi\n+1ms\nS: + x\n+2ms\nS: -ERR no\n-4ms\nC: AUTH LOGIN\n+2ms\nC: sesa\n+3ms\nC: STAT\nS: -ERR\n",
		"S: +OK hi\n+2ms\nS: + x\n+2ms\nS: + y\n+2ms\nS: -ERR no\n-6ms\nC: AUTH LOGIN\nC: sesa\n+2ms\nC: sesa me\n",
		/* and older than AUTH */
		"S: +OK hi\nS: + x\nS: -ERR no\nC: AUTH LOGIN\nC: sesa\n+2ms\nC: STAT\n",
	};
	struct dissect_hint mid = { .midstream = true, .server_seen = true, .client_seen = true };
	struct numbers n = { UINT64_MAX };
	struct dissect_sink sink = { number_take, &n };
	void *st;

	for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++) {
		no_secret_among(play(dialogues[i]));
		no_secret_among(play_hint(dialogues[i], mid));
	}
	/* A password of digits is no message number. */
	st = dissector_pop3.open(&sink, &(struct dissect_hint){ .server_seen = true });
	dissector_pop3.data(st, DIR_C2S, 0, 0, (const uint8_t *)"PASS 123456\r\nAUTH 123\r\n", 23);
	dissector_pop3.close(st);
	CHECK(n.seen == UINT64_MAX);
}

/* tshark and chaosreader glue both sides of a gap. */
static void
a_gap_in_a_message_is_told_and_not_glued(void)
{
	SAYS(LOGIN
	    "C: RETR 1\nS: +OK\nS: before\n=== gap S 1000\nS: tail of a line\nS: after\nS: .\nC: QUIT\nS: +OK bye\n",
	    "  'before/'\ngap S 1000\n  'tail of a line/after/'\nend? 3 complete\ncommand 4 'QUIT'\nreply 4 QUIT '+OK bye'\n");
	/* ".": a full stop at the end of a line whose start is missing, or the end? */
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: before\n=== gap S 10\nS: .\n", "  './'\nend? 3 cut\n");
	/* the dot itself is missing, the client went on */
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: before\n=== gap S 10\nC: QUIT\nS: +OK bye\n",
	    "command 4 'QUIT'\nend? 3 complete\nreply? 4 QUIT '+OK bye'\n");
	/* ... and nothing more was captured */
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: before\n=== gap S 10\nC: QUIT\n",
	    "command 4 'QUIT'\nend? 3 complete\n");
}

static void
replies_after_a_gap_are_paired_again(void)
{
	/* the message begins as a challenge does: none is due */
	SAYS(LOGIN "C: RETR 1\n=== gap S 20\nS: + a line\nS: y\nS: .\nC: QUIT\nS: +OK bye\n",
	    "content? 3 RETR\n  '+ a line/y/'\nend? 3 complete\n");
	/* the reply to USER is missing: PASS is not answered by it */
	SAYS("S: +OK hi\nC: USER a\n=== gap S 5\nC: PASS b\nS: -ERR no\nC: QUIT\nS: +OK\n",
	    "command? 2 'PASS <1 bytes>'\nreply? 2 PASS '-ERR no'\ncommand 3 'QUIT'\nreply 3 QUIT '+OK'\n");
	/* told late, after the next command */
	SAYS("S: +OK hi\nC: USER a\nS| +O\nC: PASS b\n=== gap S 3\nS: -ERR no\nC: QUIT\nS: +OK\n",
	    "reply? 2 PASS '-ERR no'\ncommand 3 'QUIT'\nreply 3 QUIT '+OK'\n");
	/* a command is missing: its reply has none */
	SAYS(
	    "S: +OK hi\nC: STAT\nS: +OK 1 2\n=== gap 6\nS: +OK lost\nC: DELE 1\nS: -ERR no\nC: QUIT\nS: +OK\n",
	    "reply? 0 unsolicited '+OK lost'\ncommand? 2 'DELE 1'\nreply? 2 DELE '-ERR no'\ncommand 3 'QUIT'\nreply 3 QUIT '+OK'\n");
	/* the status line of RETR is missing, its text is not */
	SAYS(LOGIN "C: RETR 1\n=== gap S 20\nS: From: x\nS: y\nS: .\nC: QUIT\nS: +OK bye\n",
	    "content? 3 RETR\n  'From: x/y/'\nend? 3 complete\ncommand 4 'QUIT'\nreply 4 QUIT '+OK bye'\n");
}

/*
 * A hole is told late, and what lies behind it comes late: the other direction
 * has run ahead.  The frames' own times put the two together again.
 */
static void
a_direction_that_lags_behind_is_paired(void)
{
	/* LIST is missing; UIDL and RETR come when their answers have long been here */
	SAYS(
	    "S: +OK hi\nC: STAT\nS: +OK 1 2\n"
	    "+2ms\nS: +OK list\nS: 1 10\nS: .\n+2ms\nS: +OK uidl\nS: 1 aa\nS: .\n+2ms\nS: +OK retr\nS: From: x\nS: .\n"
	    "=== gap 6\n-4ms\nC: UIDL\n+2ms\nC: RETR 1\n+3ms\nC: QUIT\nS: +OK bye\n",
	    "gap C 6\nreply? 0 unsolicited '+OK list'\ncontent? 0 \n  '1 10/'\nend? 0 complete\n"
	    "command? 2 'UIDL'\nreply? 2 UIDL '+OK uidl/1 aa'\n"
	    "command 3 'RETR 1'\nreply 3 RETR '+OK retr'\ncontent 3 RETR\n  'From: x/'\nend 3 complete\n"
	    "command 4 'QUIT'\nreply 4 QUIT '+OK bye'\n");
	/* the client's bytes were only late: nothing is in doubt */
	SAYS("S: +OK hi\n+3ms\nS: +OK a\n+2ms\nS: -ERR b\n-5ms\nC: STAT\n+2ms\nC: NOOP\n",
	    "command 1 'STAT'\nreply 1 STAT '+OK a'\ncommand 2 'NOOP'\nreply 2 NOOP '-ERR b'\n");
	/* the server lags: its reply to USER is missing, the rest comes after QUIT was sent */
	SAYS("S: +OK hi\nC: USER a\n+2ms\nC: PASS b\n+2ms\nC: STAT\n+2ms\nC: QUIT\n=== gap S 5\n"
	     "-4ms\nS: -ERR no login\n+2ms\nS: -ERR not now\n+2ms\nS: +OK bye\n",
	    "reply? 2 PASS '-ERR no login'\nreply 3 STAT '-ERR not now'\nreply 4 QUIT '+OK bye'\n");
	/*
	 * both: UIDL is missing, and the server's side came late; RETR was sent after the answer to
	 * UIDL
	 */
	SAYS(
	    "S: +OK hi\nC: STAT\n+2ms\nC: NOOP\n=== gap 6\n+4ms\nC: RETR 1\n=== gap S 5\n"
	    "-4ms\nS: +OK noop\n+2ms\nS: +OK uidl\nS: 1 aa\nS: .\n+2ms\nS: +OK retr\nS: From: x\nS: .\n",
	    "reply? 2 NOOP '+OK noop'\nreply 0 unsolicited '+OK uidl'\ncontent? 0 \n  '1 aa/'\nend? 0 complete\n"
	    "reply 3 RETR '+OK retr'\n");
}

static void
a_cut_connection_leaves_the_message_cut(void)
{
	SAYS(LOGIN "C: RETR 1\nS: +OK\nS: half a\nS| mess\n", "  'half a/mess'\nend 3 cut\n");
	SAYS(LOGIN "C: LIST\nS: +OK\nS: 1 2\n", "reply 3 LIST unclosed '+OK/1 2'\n");
	SAYS("S| +OK half a gree\n", "reply 0 greeting unclosed '+OK half a gree'\n");
}

static void
joined_in_the_middle(void)
{
	struct dissect_hint mid = { .midstream = true, .server_seen = true, .client_seen = true };

	play_hint(
	    "S: of a message.\nS: .\nC: RETR 2\nS: +OK\nS: A: b\nS: .\nC: QUIT\nS: +OK bye\n", mid);
	CHECK(strstr(first.text, "content? 1 RETR\n  'A: b/'\nend? 1 complete\n") != NULL);
	CHECK(strstr(first.text, "command 2 'QUIT'\nreply 2 QUIT '+OK bye'\n") != NULL);
	play_hint("S: +OK POP3 ready\nC: USER a\nS: +OK\n", mid);
	CHECK(strstr(first.text, "greeting") != NULL);
	play_hint("S: +OK Logged in.\nC: STAT\nS: +OK 0 0\n", mid);
	CHECK(strstr(first.text, "reply? 0 unsolicited '+OK Logged in.'") != NULL);
}

static void
only_one_side_was_captured(void)
{
	/* the server's: a message shows without its RETR */
	SAYS(
	    "S: +OK hi\nS: +OK\nS: +OK 2 octets\nS: From: x\nS: Subject: y\nS: \nS: z\nS: .\nS: +OK bye\n",
	    "reply? 0 unsolicited '+OK 2 octets'\ncontent? 0 \n  'From: x/Subject: y//z/'\nend? 0 complete\n"
	    "reply? 0 unsolicited '+OK bye'\n");
	/* its logins show by their challenges */
	SAYS("S: +OK hi\nS: + \nS: +OK logged in\n",
	    "reply? 0 unsolicited '+ <0 bytes>'\nreply? 0 unsolicited '+OK logged in'\n");
	CHECK_EQ_STR(play("C: USER a\nC: PASS b\nC: RETR 1\nC: QUIT\n"),
	    "command 1 'USER <1 bytes>' user a\ncommand 2 'PASS <1 bytes>'\ncommand 3 'RETR 1'\ncommand 4 'QUIT'\n");
}

static void
response_codes(void)
{
	SAYS(LOGIN "C: NOOP\nS: -ERR [IN-USE] lock busy\n", "reply 3 NOOP [IN-USE] '");
	SAYS(LOGIN "C: NOOP\nS: -ERR [sys/temp] later\n", "reply 3 NOOP [SYS/TEMP] '");
	SAYS(LOGIN "C: NOOP\nS: -ERR [LOGIN-DELAY]\n", "reply 3 NOOP [LOGIN-DELAY] '");
	SAYS(LOGIN "C: NOOP\nS: -ERR [192.0.2.1] no\n", "reply 3 NOOP '-ERR [192.0.2.1] no'");
	SAYS(LOGIN "C: NOOP\nS: -ERR no [IN-USE]\n", "reply 3 NOOP '-ERR no [IN-USE]'");
	SAYS(LOGIN "S: -ERR [SYS/TEMP] timeout\n", "reply 0 unsolicited [SYS/TEMP] '");
}

static void
the_turn_to_tls(void)
{
	SAYS("S: +OK hi\nC: STLS\nS: +OK go\nC| \x16\x03\x01\nS| \x16\x03\x03\n",
	    "reply 1 STLS '+OK go'\ntls C\ntls S\n");
	/* decrypted captures: letters after STLS are the dialogue */
	SAYS("S: +OK hi\nC: STLS\nS: +OK go\nC: NOOP\nS: +OK\n",
	    "command 2 'NOOP'\nreply 2 NOOP '+OK'\n");
	/* port 995, and a plain server that a TLS client talks to */
	SAYS("C| \x16\x03\x01\nS| \x15\x03\x01\n", "tls C\ntls S\n");
	SAYS("C| \x16\x03\x01\nS: -ERR what\n", "tls C\nreply 0 greeting '-ERR what'\n");
}

static void
hostile_lines(void)
{
	static char text[16384], long_line[9001];
	struct dissect_hint hint = { .server_seen = true, .client_seen = true };

	memset(long_line, 'x', sizeof(long_line) - 1);
	snprintf(
	    text, sizeof(text), "S: +OK hi\nC: %s\nS: -ERR %s\nC: NOOP\nS: +OK\n", long_line, "no");
	play_hint(text, hint);
	CHECK(strstr(first.text, "command 1 '<4096 bytes>'") != NULL);
	CHECK(strstr(first.text, "command 2 'NOOP'\nreply 2 NOOP '+OK'\n") != NULL);
	SAYS("S: +OK hi\nC: \nS: -ERR empty\nC: NOOP\nS: +OK\n", "reply 2 NOOP '+OK'\n");
	SAYS("S: 220 ftp ready\nC: USER a\nS: 331 password\n", "noise S '220 ftp ready'\n");
}

static void
lines_are_parsed_on_every_prefix(void)
{
	static const char *const lines[] = { "RETR 12", "AUTH PLAIN AGEAYg==", "APOP a b",
		"+OK [X] y", "-ERR [SYS/TEMP] z", "+ ", "" };
	struct pop3_command c;
	struct pop3_reply r;
	char out[64];
	size_t arg;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (size_t n = 0; n <= strlen(lines[i]); n++) {
			char *copy = malloc(n + 1);

			memcpy(copy, lines[i], n);
			pop3_command_parse(copy, n, &c);
			for (size_t size = 1; size <= sizeof(out); size++)
				CHECK(pop3_command_mask(copy, n, &c, out, size, &arg) < size);
			pop3_reply_parse(copy, n, &r);
			CHECK(r.text >= copy && r.text + r.text_len <= copy + n);
			free(copy);
		}
	CHECK_EQ_INT(pop3_reply_parse("+O", 2, &r), DISSECT_SHORT);
	CHECK_EQ_INT(pop3_reply_parse("-ER", 3, &r), DISSECT_SHORT);
	CHECK_EQ_INT(pop3_reply_parse("OK", 2, &r), DISSECT_NOTMINE);
	CHECK_EQ_INT(pop3_command_parse("XYZZY", 5, &c), DISSECT_NOTMINE);
	pop3_command_parse("top 4294967296 3", 16, &c);
	CHECK(c.verb == POP3_TOP && c.number == 4294967296u && c.answer == POP3_ANSWER_MESSAGE);
	pop3_command_parse("RETR 99999999999999999999", 25, &c);
	CHECK(c.number == UINT64_MAX);
}

/*
 * What waited for a command is read behind it, be the next command in the same
 * segment or not: `odd' was said before NOOP.
 */
static void
what_was_held_is_read_between_two_lines_of_a_segment(void)
{
	SAYS("S: +OK hi\nS: +OK user\n=== gap S 20\nS: odd\nC: USER a\nC: NOOP\n",
	    "command 1 'USER <1 bytes>' user a\nreply 1 USER '+OK user'\ngap S 20\nnoise S 'odd'\ncommand 2 'NOOP'\n");
}

/*
 * More replies than may wait for a late client: how many go on without it is a
 * matter of bytes, not of segments, and its command is not paired with an old one.
 */
static void
a_client_that_is_too_late_gets_its_own_reply(void)
{
	static char text[400000], filler[3000];
	size_t n = (size_t)sprintf(text, "S: +OK hi\n");

	memset(filler, 'x', sizeof(filler) - 1);
	for (int i = 0; i < 120; i++)
		n += (size_t)sprintf(text + n, "S: +OK %d %s\n", i, filler);
	sprintf(text + n, "C: NOOP\nS: +OK noop\n");
	play(text);
	CHECK(strstr(first.text, "reply? 0 unsolicited '+OK 119 ") != NULL);
	CHECK(strstr(first.text, "command 1 'NOOP'\nreply 1 NOOP '+OK noop'\n") != NULL);
}

/* A listing beyond the bound is cut, says so, and does not upset what follows. */
static void
listings_are_bounded(void)
{
	struct dissect_budget budget = { .limit = 100000 };
	struct dissect_hint hint = { .server_seen = true, .client_seen = true, .budget = &budget };
	struct dissect_sink sink = { say_event, &first };
	char line[16];
	void *st;
	uint64_t off = 0;

	memset(&first, 0, sizeof(first));
	st = dissector_pop3.open(&sink, &hint);
	dissector_pop3.data(st, DIR_S2C, 0, 0, (const uint8_t *)"+OK hi\r\n", 8);
	dissector_pop3.data(st, DIR_C2S, 0, 0, (const uint8_t *)"LIST\r\nNOOP\r\n", 12);
	dissector_pop3.data(st, DIR_S2C, 8, 0, (const uint8_t *)"+OK\r\n", 5);
	off = 13;
	for (int i = 1; i < 50000; i++) {
		int n = snprintf(line, sizeof(line), "%d %d\r\n", i, i);

		dissector_pop3.data(st, DIR_S2C, off, 0, (const uint8_t *)line, (size_t)n);
		off += (uint64_t)n;
	}
	CHECK(budget.held <= budget.limit && budget.refused > 0);
	dissector_pop3.data(st, DIR_S2C, off, 0, (const uint8_t *)".\r\n+OK fine\r\n", 13);
	dissector_pop3.close(st);
	CHECK(strstr(first.text, "reply 2 NOOP '+OK fine'") != NULL);
	CHECK_EQ_INT(budget.held, 0);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a session is read line by line", a_session_is_read_line_by_line },
		{ "a full stop does not end an answer", a_full_stop_does_not_end_an_answer },
		{ "an empty message, a line of two dots", an_empty_message_and_a_line_of_two_dots },
		{ "bare LF ends only where it is the rule",
		    bare_line_feeds_end_only_where_they_are_the_rule },
		{ "a listing without its dot",
		    a_listing_without_its_dot_is_closed_by_the_next_reply },
		{ "a status line in a message is text", a_status_line_in_a_message_is_text },
		{ "pipelined commands are paired", pipelined_commands_are_paired },
		{ "capabilities are a listing", capabilities_are_a_listing },
		{ "AUTH is followed and masked", auth_exchanges_are_followed_and_masked },
		{ "credentials never leave", credentials_never_leave },
		{ "names are hidden where they are repeated",
		    names_are_hidden_where_they_are_repeated },
		{ "a gap is told and not glued", a_gap_in_a_message_is_told_and_not_glued },
		{ "replies after a gap are paired again", replies_after_a_gap_are_paired_again },
		{ "a direction that lags behind", a_direction_that_lags_behind_is_paired },
		{ "a cut connection leaves the message cut",
		    a_cut_connection_leaves_the_message_cut },
		{ "joined in the middle", joined_in_the_middle },
		{ "only one side was captured", only_one_side_was_captured },
		{ "response codes", response_codes },
		{ "the turn to TLS", the_turn_to_tls },
		{ "hostile lines", hostile_lines },
		{ "lines on every prefix", lines_are_parsed_on_every_prefix },
		{ "held replies between two lines",
		    what_was_held_is_read_between_two_lines_of_a_segment },
		{ "a client that is too late", a_client_that_is_too_late_gets_its_own_reply },
		{ "listings are bounded", listings_are_bounded },
	};

	return check_main("pop3", tests, sizeof(tests) / sizeof(tests[0]));
}
