/*
 * test_mail_pop3.c - POP3 dialogues and the records made of them: sessions, logins,
 * messages retrieved, cut or refused.
 */
#include "check.h"
#include "dialog.h"
#include "dissectors/pop3/pop3.h"
#include "kept.h"
#include "mail/mail.h"

struct records {
	struct record_session session;
	struct record_message message[16];
	uint32_t messages, sessions;
};

static struct records got;
static struct mail_caps caps;

static void
take(void *ctx, const struct record *r)
{
	(void)ctx;
	if (r->type == RECORD_SESSION) {
		kept_session(&got.session, r);
		got.sessions++;
	} else if (r->type == RECORD_MESSAGE && got.messages < 16) {
		got.message[got.messages++] = *(const struct record_message *)kept(r);
	}
}

struct player {
	struct flow_watcher w;
	void *flow;
	struct moment at;
	bool seen[2];
};

static void
player_data(
    void *ctx, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *bytes, size_t len)
{
	struct player *p = ctx;

	p->at.frame++;
	p->at.ns = ts_ns;
	p->seen[dir] = true;
	p->w.data(p->flow, dir, off, p->at, bytes, len);
}

static void
player_gap(
    void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	struct player *p = ctx;

	(void)ts_ns;
	p->w.gap(p->flow, dir, off, missing, heard, p->at);
}

/* A dialogue (dialog.h); each line is one frame. */
static void
play(const char *dialogue)
{
	struct mail_options o = { .key = { 1, 2, 3 } };
	struct record_sink sink = { take, NULL };
	struct mail *m = mail_new(&o, &sink);
	struct flow_opened opened = {
		.key = { 0, 7, 0, 0 },
		.app = APP_POP3,
		.server.port = 110,
		.hint = { .server_seen = true, .client_seen = true },
	};
	struct player p = { .w = mail_watcher(m) };
	struct dialog_player to = { player_data, player_gap, &p };
	struct record_connection facts = { .key = { 0, 7, 0, 0 } };
	struct dialog *d = dialog_parse(dialogue, strlen(dialogue));

	memset(&got, 0, sizeof(got));
	p.flow = p.w.open(p.w.ctx, &opened);
	dialog_play(d, 0, &to);
	facts.dir[0].packets = p.seen[0];
	facts.dir[1].packets = p.seen[1];
	p.w.close(p.flow, &facts);
	caps = mail_caps_get(m);
	mail_free(m);
	dialog_free(d);
}

#define LOGIN "S: +OK hi\nC: USER alice\nS: +OK\nC: PASS secret\nS: +OK\n"
#define MAIL \
	"S: From: a@b.example\nS: Subject: hello\nS: Message-ID: <1@b.example>\nS: \nS: text\nS: .\n"

static void
a_message_fetched_whole(void)
{
	play(LOGIN
	    "C: LIST\nS: +OK 2\nS: 1 90\nS: 2 80\nS: .\nC: UIDL\nS: +OK\nS: 1 aa\nS: 2 bb\nS: .\n"
	    "C: RETR 2\nS: +OK\n" MAIL "C: DELE 2\nS: +OK\nC: QUIT\nS: +OK bye\n");
	CHECK_EQ_INT(got.sessions, 1);
	CHECK(got.session.visible && got.session.auth_ok && got.session.quit_ok);
	CHECK_EQ_INT(got.session.logins_ok, 1);
	CHECK_EQ_INT(got.session.logins_refused, 0);
	CHECK_EQ_INT(got.session.listed, 2);
	CHECK_EQ_INT(got.session.retrieved, 1);
	CHECK_EQ_INT(got.session.cut, 0);
	CHECK_EQ_INT(got.session.deleted, 1);
	CHECK_EQ_INT(got.session.commands, 7);
	CHECK_EQ_INT(got.session.refusal_count, 0);
	CHECK(!got.session.command_unanswered);
	CHECK(got.session.user_hash[0] != '\0' && got.session.user[0] == '\0');
	CHECK_EQ_STR(got.session.auth_mechanism, "USER");
	CHECK_EQ_INT(got.messages, 1);
	CHECK_EQ_INT(got.message[0].state, MESSAGE_WHOLE);
	CHECK_EQ_INT(got.message[0].number, 2);
	CHECK_EQ_INT(got.message[0].listed_size, 80);
	CHECK_EQ_STR(got.message[0].uidl, "bb");
	CHECK_EQ_STR(got.message[0].subject, "hello");
	CHECK_EQ_STR(got.message[0].message_id, "<1@b.example>");
	CHECK_EQ_INT(got.message[0].bytes, 70);
	CHECK(!got.message[0].gap);
	CHECK_EQ_INT(got.message[0].reply.code, 1);
	CHECK(got.message[0].first.frame > 0 &&
	    got.message[0].last.frame > got.message[0].first.frame);
}

#define BROKEN \
	"S: Received: from x by gate.example (y); now\nS: From: a@b.example\nS: Subject: s\n" \
	"S: Content-Type: application/pdf; name=a.pdf\nS: Content-Transfer-Encoding: base64\nS: \n" \
	"S: QUJD\nS: QU!D\nS: QUJD\nS: .\n"

static void
what_a_message_proves(void)
{
	const struct record_message *m = &got.message[0];

	play(LOGIN "C: RETR 1\nS: +OK\n" BROKEN);
	CHECK(
	    m->checked && m->faulty_parts == 1 && m->fault == PART_ILLEGAL && m->fault_bytes == 1);
	CHECK_EQ_STR(m->fault_name, "a.pdf");
	CHECK_EQ_STR(m->received_by, "gate.example");
	CHECK_EQ_INT(m->received, 1);
	CHECK(m->fault_at.frame > m->first.frame && m->fault_at.frame < m->last.frame);
	CHECK(m->attachments == 1 && strlen(m->attachment_hashes) == 8);
	/* joined in the middle: a TOP would look the same */
	play("=== midstream\nS: +OK\n" BROKEN);
	CHECK(got.messages == 0 || (!m->checked && m->fault == PART_SOUND));
	play(LOGIN "C: RETR 1\nS: +OK\n=== gap S 20\n" BROKEN);
	CHECK(!m->checked && m->fault == PART_SOUND && m->attachments == 0);
	/* cut off: no dot */
	play(LOGIN
	    "C: RETR 1\nS: +OK\nS: Content-Type: multipart/mixed; boundary=b\nS: \nS: --b\nS: \nS: QU!D\n");
	CHECK(m->state == MESSAGE_CUT && !m->checked && !m->unclosed);
}

static void
a_message_cut_off(void)
{
	play(LOGIN "C: RETR 1\nS: +OK\nS: From: a\nS: \nS: half\n");
	CHECK_EQ_INT(got.session.retrieved, 0);
	CHECK_EQ_INT(got.session.cut, 1);
	CHECK_EQ_INT(got.message[0].state, MESSAGE_CUT);
	CHECK(!got.message[0].gap);
	CHECK(got.session.content_from.frame != 0);
	/* what came last of it was not captured: the dot may have been there */
	play(LOGIN "C: RETR 1\nS: +OK\nS: From: a\nS: \nS: half\n=== gap S 20\n");
	CHECK(got.session.retrieved == 0 && got.session.cut == 0);
	CHECK_EQ_INT(got.message[0].state, MESSAGE_END_UNSEEN);
	/* something in the middle was not */
	play(LOGIN "C: RETR 1\nS: +OK\nS: From: a\nS: \n=== gap S 20\nS: half\nS: and more\n");
	CHECK_EQ_INT(got.message[0].state, MESSAGE_CUT);
}

static void
messages_that_did_not_come(void)
{
	play(LOGIN "C: RETR 9\nS: -ERR no such message\nC: RETR 1\n");
	CHECK_EQ_INT(got.messages, 2);
	CHECK_EQ_INT(got.message[0].state, MESSAGE_NOT_RETRIEVED);
	CHECK_EQ_INT(got.message[0].number, 9);
	CHECK_EQ_STR(got.message[0].reply.text, "no such message");
	CHECK_EQ_INT(got.message[1].state, MESSAGE_NOT_RETRIEVED);
	CHECK_EQ_INT(got.message[1].number, 1);
	CHECK_EQ_INT(got.session.refusal_count, 1);
	CHECK_EQ_STR(got.session.refusals[0].verb, "RETR");
	CHECK_EQ_STR(got.session.refusals[0].line, "RETR 9");
	CHECK(got.session.refusals[0].after_auth);
	CHECK(got.session.command_unanswered);
	CHECK_EQ_STR(got.session.last_command, "RETR 1");
}

/* Capture loss: fetched, but the record says that we miss some of it. */
static void
a_message_with_a_gap(void)
{
	play(LOGIN
	    "C: RETR 1\nS: +OK\nS: From: a\nS: \n=== gap S 1460\nS: rest\nS: .\nC: QUIT\nS: +OK\n");
	CHECK_EQ_INT(got.session.retrieved, 1);
	CHECK_EQ_INT(got.message[0].state, MESSAGE_WHOLE);
	CHECK(got.message[0].gap && got.session.gap_server);
	CHECK_EQ_INT(got.message[0].bytes, 9 + 2 + 1460 + 6);
}

static void
a_login_refused(void)
{
	play(
	    "S: +OK hi\nC: USER alice\nS: +OK\nC: PASS wrong\nS: -ERR [AUTH] no\nC: QUIT\nS: +OK\n");
	CHECK_EQ_INT(got.session.logins_refused, 1);
	CHECK_EQ_INT(got.session.logins_ok, 0);
	CHECK_EQ_INT(got.session.refusals[0].stage, STAGE_AUTH);
	CHECK_EQ_STR(got.session.refusals[0].verb, "PASS");
	CHECK_EQ_STR(got.session.refusals[0].line, "PASS <5 bytes>");
	CHECK_EQ_STR(got.session.refusals[0].reply.enhanced, "AUTH");
	CHECK_EQ_STR(got.session.refusals[0].reply.text, "no");
	CHECK_EQ_STR(got.session.auth_reply.text, "no");
}

static void
probes_and_given_up_logins_are_no_refused_logins(void)
{
	play(
	    "S: +OK hi\nC: CAPA\nS: -ERR what\nC: AUTH\nS: -ERR what\nC: AUTH NTLM\nS: -ERR unknown\n"
	    "C: AUTH LOGIN\nS: + \nC: *\nS: -ERR cancelled\nC: USER a\nS: +OK\nC: PASS b\nS: +OK\n");
	CHECK_EQ_INT(got.session.logins_refused, 0);
	CHECK_EQ_INT(got.session.logins_ok, 1);
	CHECK_EQ_INT(got.session.refusal_count, 2);
	for (uint32_t i = 0; i < got.session.refusals_kept; i++)
		CHECK(got.session.refusals[i].stage != STAGE_AUTH);
	play(
	    "S: +OK hi\nC: AUTH PLAIN\nS: + \nC: AGEAYg==\nS: -ERR no\nC: AUTH PLAIN AGEAYg==\nS: -ERR no\n");
	CHECK_EQ_INT(got.session.logins_refused, 2);
}

static void
capabilities_and_stls(void)
{
	play(
	    "S: +OK hi\nC: CAPA\nS: +OK\nS: STLS\nS: SASL PLAIN\nS: .\nC: STLS\nS: -ERR not now\n");
	CHECK_EQ_STR(got.session.capabilities, "STLS SASL PLAIN");
	CHECK(got.session.capabilities_at.frame > got.session.greeting.at.frame &&
	    got.session.capabilities_at.frame < got.session.starttls_reply.at.frame);
	CHECK(
	    got.session.starttls_offered && got.session.starttls_tried && got.session.auth_offered);
	CHECK_EQ_INT(got.session.starttls_reply.code, 0);
	CHECK_EQ_STR(got.session.starttls_reply.text, "not now");
}

static void
reset_undeletes_and_quit_may_fail(void)
{
	play(LOGIN
	    "C: DELE 1\nS: +OK\nC: RSET\nS: +OK\nC: DELE 2\nS: +OK\nC: QUIT\nS: -ERR [SYS/TEMP] locked\n");
	CHECK_EQ_INT(got.session.deleted, 1);
	CHECK(!got.session.quit_ok && got.session.quit.frame != 0);
	CHECK_EQ_STR(got.session.refusals[0].reply.enhanced, "SYS/TEMP");
}

/* Asked for what is marked, or beyond the server's count: the refusal says so. */
static void
a_message_that_is_gone(void)
{
	static const struct {
		const char *steps;
		bool deleted, unlisted;
	} cases[] = {
		{ "C: DELE 1\nS: +OK\nC: DELE 1\nS: -ERR\n", true, false },
		{ "C: DELE 65535\nS: +OK\nC: RETR 65535\nS: -ERR\n", true, false },
		{ "C: DELE 1\nS: +OK\nC: DELE 9000\nS: +OK\nC: DELE 8999\nS: -ERR\n", false,
		    false },
		{ "C: DELE 65536\nS: +OK\nC: DELE 65536\nS: -ERR\n", false,
		    false }, /* more than are noted */
		{ "C: DELE 18446744073709551614\nS: +OK\nC: DELE 99999999999999999999\nS: -ERR\n",
		    false, false },
		{ "C: STAT\nS: +OK 2 9\nC: TOP 3 0\nS: -ERR\n", false, true },
		{ "C: LIST\nS: +OK\nS: 1 9\nS: .\nC: DELE 2\nS: -ERR\n", false, true },
		{ "C: STAT\nS: +OK 2 9\nC: DELE 2\nS: -ERR\n", false, false },
		{ "C: DELE 1\nS: +OK\nC: STAT\nS: +OK 1 9\nC: DELE 2\nS: -ERR\n", false, false },
		{ "C: DELE 1\nS: +OK\nC: RSET\nS: +OK\nC: DELE 1\nS: -ERR\n", false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), LOGIN "%sC: QUIT\nS: +OK bye\n", cases[i].steps);
		play(text);
		CHECK_EQ_INT(got.session.refusal_count, 1);
		CHECK_EQ_INT(got.session.refusals[0].deleted, cases[i].deleted);
		CHECK_EQ_INT(got.session.refusals[0].unlisted, cases[i].unlisted);
	}
}

/*
 * A mailbox of which not all lines are kept: what is behind them is there, and half a line is no
 * size.
 */
static void
a_listing_too_long(void)
{
	enum { MESSAGES = 100000 };
	char *text = malloc((size_t)MESSAGES * 24 + 1024);
	size_t n = (size_t)sprintf(text, "%s", LOGIN "C: LIST\nS: +OK\n");

	for (int i = 1; i <= MESSAGES; i++)
		n += (size_t)sprintf(text + n, "S: %d 123456\n", i);
	sprintf(text + n, "S: .\nC: RETR 100000\nS: -ERR\nC: RETR 2\nS: -ERR\n");
	play(text);
	free(text);
	CHECK_EQ_INT(caps.listings, 1);
	CHECK(got.session.listed > 60000 && got.session.listed < MESSAGES);
	CHECK_EQ_INT(got.messages, 2);
	CHECK_EQ_INT(got.session.refusals[0].unlisted, false);
	CHECK_EQ_INT(got.message[0].listed_size, 0);
	CHECK_EQ_INT(got.message[1].listed_size, 123456);
}

/* A listing with a hole has no count, and the rest of a line is no message. */
static void
a_listing_with_a_hole(void)
{
	play(LOGIN
	    "C: LIST\nS: +OK\nS: 1 90\n=== gap S 20\nS: 3 70\nS: 4 60\nS: .\nC: RETR 3\nS: -ERR\nC: RETR 4\nS: -ERR\n");
	CHECK_EQ_INT(got.messages, 2);
	CHECK_EQ_INT(got.message[0].listed_size, 0);
	CHECK_EQ_INT(got.message[1].listed_size, 60);
	CHECK(!got.session.refusals[0].unlisted && !got.session.refusals[1].unlisted);
	CHECK_EQ_INT(caps.listings, 0);
	play(LOGIN "C: LIST\nC: RETR 2\nS: +OK\nS: 1 90\nS| 2 8\n");
	CHECK_EQ_INT(got.messages, 1);
	CHECK_EQ_INT(got.message[0].listed_size, 0);
}

/*
 * In whatever order the server lists and the client asks; of two lines with one number the first
 * counts.
 */
static void
a_listing_in_no_order(void)
{
	play(LOGIN
	    "C: LIST\nS: +OK\nS: 3 30\nS: 1 10\nS: 3 31\nS: 4294967296 5\nS: 2 20\nS: .\n"
	    "C: RETR 3\nS: -ERR\nC: RETR 1\nS: -ERR\nC: RETR 2\nS: -ERR\nC: RETR 4\nS: -ERR\nC: RETR 0\nS: -ERR\n");
	CHECK_EQ_INT(got.messages, 5);
	CHECK_EQ_INT(got.message[0].listed_size, 30);
	CHECK_EQ_INT(got.message[1].listed_size, 10);
	CHECK_EQ_INT(got.message[2].listed_size, 20);
	CHECK_EQ_INT(got.message[3].listed_size, 0);
	CHECK_EQ_INT(got.message[4].listed_size, 0);
}

/*
 * Each of very many that were asked for at once and never came is told; of more than that the
 * number.
 */
static void
very_many_that_did_not_come(void)
{
	enum { ASKED = 5000 };
	char *text = malloc((size_t)ASKED * 32 + 256);
	size_t n = (size_t)sprintf(text, "%s", LOGIN);

	for (int i = 1; i <= ASKED; i++)
		n += (size_t)sprintf(text + n, "C: RETR %d\n", i);
	play(text);
	CHECK_EQ_INT(got.messages, 16); /* all that this test keeps */
	CHECK_EQ_INT(caps.fetches, ASKED - POP3_PENDING_MAX);
	CHECK_EQ_INT(caps.searches_cut, 0);
	for (int i = 1; i <= ASKED; i++)
		n += (size_t)sprintf(text + n, "S: -ERR\n");
	play(text);
	free(text);
	CHECK_EQ_INT(caps.searches_cut, ASKED - POP3_PENDING_MAX);
}

/* Who does not wait is told of the command that is refused, not of the last. */
static void
a_refusal_among_others(void)
{
	play(LOGIN "C: DELE 1\nC: DELE 2\nC: QUIT\nS: -ERR\nS: +OK\nS: +OK bye\n");
	CHECK_EQ_INT(got.session.refusal_count, 1);
	CHECK_EQ_STR(got.session.refusals[0].line, "DELE 1");
	CHECK_EQ_INT(got.session.deleted, 1);
}

static void
a_refused_greeting_and_a_timeout(void)
{
	play("S: -ERR too many connections\n");
	CHECK(got.session.visible);
	CHECK_EQ_INT(got.session.refusals[0].stage, STAGE_CONNECT);
	play(LOGIN "S: -ERR Disconnected for inactivity.\n");
	CHECK(got.session.refusals[0].unsolicited);
}

static void
only_the_server_was_captured(void)
{
	play("S: +OK hi\nS: +OK\nS: +OK 99 octets\n" MAIL "S: +OK\nS: 1 200\nS: .\nS: +OK bye\n");
	CHECK_EQ_INT(got.session.retrieved, 1);
	CHECK_EQ_INT(got.messages, 1);
	CHECK_EQ_STR(got.message[0].subject, "hello");
	play("C: USER a\nC: PASS b\nC: RETR 1\nC: QUIT\n");
	CHECK(got.session.visible);
	CHECK_EQ_INT(got.messages, 0);
}

/* TOP shows headers; it fetches no mail. */
static void
top_is_no_retrieval(void)
{
	play(LOGIN "C: TOP 1 0\nS: +OK\n" MAIL "C: QUIT\nS: +OK\n");
	CHECK_EQ_INT(got.session.retrieved, 0);
	CHECK_EQ_INT(got.messages, 0);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a message fetched whole", a_message_fetched_whole },
		{ "what a message proves", what_a_message_proves },
		{ "a message cut off", a_message_cut_off },
		{ "messages that did not come", messages_that_did_not_come },
		{ "a message with a gap", a_message_with_a_gap },
		{ "a login refused", a_login_refused },
		{ "a message that is gone", a_message_that_is_gone },
		{ "a listing too long", a_listing_too_long },
		{ "a listing with a hole", a_listing_with_a_hole },
		{ "a listing in no order", a_listing_in_no_order },
		{ "very many that did not come", very_many_that_did_not_come },
		{ "a refusal among others", a_refusal_among_others },
		{ "probes are no refused logins",
		    probes_and_given_up_logins_are_no_refused_logins },
		{ "capabilities and STLS", capabilities_and_stls },
		{ "RSET undeletes, QUIT may fail", reset_undeletes_and_quit_may_fail },
		{ "a refused greeting, a timeout", a_refused_greeting_and_a_timeout },
		{ "only one side was captured", only_the_server_was_captured },
		{ "TOP is no retrieval", top_is_no_retrieval },
	};

	return check_main("mail_pop3", tests, sizeof(tests) / sizeof(tests[0]));
}
