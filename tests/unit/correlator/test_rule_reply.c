/*
 * A refusal: which command it answers, how often it counts, what stands beside it and tells more.
 */
#include "mail_build.h"

/* How large it was, and how large it might have been, each with its frame. */
static void
test_sizes_are_said(void)
{
	struct mail m = build_mail(1, 0, 552, "5.3.4 Message size exceeds fixed limit");
	struct correlator *c;
	const struct finding *f;

	m.session.session.capabilities = "PIPELINING SIZE 20000";
	m.session.session.capabilities_at = at(70);
	m.transaction.transaction.declared_size = 30000;
	c = judged(&m, 1);
	f = find_kind(c, FINDING_MESSAGE_TOO_BIG);
	CHECK_EQ_INT(frame_of(f, "declares 30000 bytes"), m.transaction.transaction.first.frame);
	CHECK_EQ_INT(
	    frame_of(f, "at most 20000 bytes (SIZE)"), m.session.session.capabilities_at.frame);
	CHECK_EQ_INT(frame_of(f, "another"), 0);
	correlator_free(c);
	m.transaction.transaction.declared_size = 10000;
	c = judged(&m, 1);
	CHECK_EQ_INT(frame_of(find_kind(c, FINDING_MESSAGE_TOO_BIG), "another"),
	    m.session.session.capabilities_at.frame);
	correlator_free(c);
}

/* Who holds the connections that the server counts. */
static void
test_connections_are_counted(void)
{
	struct mail m[3];
	struct correlator *c = build_correlator();

	m[0] = build_mail(1, 0, 250, "ok");
	m[1] = build_mail(2, 50, 250, "ok");
	m[2].conn = build_connection(0, 3, 100, 200);
	m[2].session = build_session(&m[2].conn, 160);
	build_reply(&m[2].session.session.greeting, 421,
	    "4.7.0 Error: too many connections from 192.0.2.10", 160);
	take(c, &m[0]);
	take(c, &m[1]);
	correlator_take(c, &m[2].session);
	correlator_take(c, &m[2].conn);
	correlator_judge(c);
	CHECK_FINDING(c, FINDING_TOO_MANY_CONNECTIONS, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(frame_of(find_kind(c, FINDING_TOO_MANY_CONNECTIONS), "had 2 more connections"),
	    m[1].conn.connection.first.frame);
	correlator_free(c);
}

/*
 * None is open, and some were begun just before: it is the rate that is counted, in the same words.
 */
static void
test_connections_begun_are_counted(void)
{
	struct mail m[3];
	struct correlator *c = build_correlator();
	const struct finding *f;

	m[0] = build_mail(1, 0, 250, "ok");
	m[1] = build_mail(2, 5000, 250, "ok");
	m[0].conn.connection.dir[0].fin = m[0].conn.connection.dir[1].fin =
	    m[0].conn.connection.last;
	m[1].conn.connection.dir[0].fin = m[1].conn.connection.dir[1].fin =
	    m[1].conn.connection.last;
	m[2].conn = build_connection(0, 3, 20000, 200);
	m[2].session = build_session(&m[2].conn, 20160);
	build_reply(&m[2].session.session.greeting, 421,
	    "4.7.0 Error: too many connections from 192.0.2.10", 20160);
	take(c, &m[0]);
	take(c, &m[1]);
	correlator_take(c, &m[2].session);
	correlator_take(c, &m[2].conn);
	correlator_judge(c);
	f = find_kind(c, FINDING_TOO_MANY_CONNECTIONS);
	CHECK(f != NULL && strstr(f->remedy, "begun in a time") != NULL);
	correlator_free(c);
}

/* Of several commands that could be answered so none is named, nor what a program shows of it. */
static void
test_which_command_cannot_be_told(void)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
	struct session_refusal *r = &m.session.session.refusals[0];
	struct correlator *c = build_correlator();
	const struct finding *f;

	*r = (struct session_refusal){ .stage = STAGE_OTHER, .guessed = true, .transaction = 1 };
	build_reply(&r->reply, 550, "5.1.1 user unknown", 120);
	m.session.session.refusals_kept = m.session.session.refusal_count = 1;
	m.session.session.gap_server = true;
	correlator_take(c, &m.conn);
	correlator_take(c, &m.session);
	correlator_take(c, &m.transaction);
	correlator_judge(c);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL &&
	    frame_of(f, "which of the commands before it that answers cannot be told") != 0);
	CHECK(f != NULL && strstr(f->summary, " to the sender") == NULL &&
	    strstr(f->summary, " to a recipient") == NULL);
	CHECK(f != NULL && strstr(f->client_shows, "0x800CCC78") == NULL &&
	    strstr(f->client_shows, "0x800CCC79") == NULL);
	correlator_free(c);
}

/* A refusal stands in the records of the session and of the recipient: it is one reply. */
static void
test_slow_refusal_counts_once(void)
{
	struct mail m = build_mail(1, 0, 550, "5.1.1 user unknown");
	struct session_refusal twice = {
		.stage = STAGE_RCPT, .verb = "RCPT", .line = "RCPT", .transaction = 1
	};
	struct correlator *c;

	m.recipient.recipient.reply.at = at(5600);
	m.transaction.transaction.verdict_reply = twice.reply = m.recipient.recipient.reply;
	twice.asked = m.recipient.recipient.at;
	m.session.session.refusals[0] = twice;
	m.session.session.refusals_kept = 1;
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_SLOW_REPLY, CONFIDENCE_POSSIBLE);
	CHECK(strstr(find_kind(c, FINDING_SLOW_REPLY)->summary, "replies") == NULL);
	correlator_free(c);
}

/* A server that says something unasked, just before the next command, does not answer that. */
static void
test_pop_says_before_it_is_asked(void)
{
	struct record v[2];
	struct correlator *c;
	struct session_refusal *r;

	v[1] = build_connection(0, 3, 100, 900);
	v[1].connection.app = APP_POP3;
	v[1].connection.server.port = 110;
	v[0] = build_session(&v[1], 160);
	v[0].session.logins_ok = 1;
	r = &v[0].session.refusals[0];
	*r = (struct session_refusal){ .verb = "QUIT", .line = "QUIT" };
	build_reply(&r->reply, 0, "Internal error", 200);
	snprintf(r->reply.enhanced, sizeof(r->reply.enhanced), "SYS/TEMP");
	r->asked = at(210);
	v[0].session.refusals_kept = v[0].session.refusal_count = 1;
	c = judged_records(v, 2);
	CHECK_FINDING(c, FINDING_POP_SERVER_ERROR, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(
	    frame_of(find_kind(c, FINDING_POP_SERVER_ERROR), "the server says"), r->reply.at.frame);
	CHECK_EQ_INT(frame_of(find_kind(c, FINDING_POP_SERVER_ERROR), "QUIT is answered"), 0);
	correlator_free(c);
}

/* Behind a gap in the server's words no enhanced code and no code decides. */
static void
test_missing_server_bytes(void)
{
	struct mail m = build_mail(1, 0, 550, "5.1.1 nobody here");
	struct correlator *c;

	m.conn.connection.dir[1].missing = 100;
	c = judged(&m, 1);
	CHECK_NO_FINDING(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK_FINDING(c, FINDING_UNCLASSIFIED_5XX, CONFIDENCE_POSSIBLE);
	correlator_free(c);
}

static void
test_consequences_are_silent(void)
{
	struct mail m = build_mail(1, 0, 503, "5.5.1 need MAIL first");
	struct correlator *c;

	build_reply(&m.transaction.transaction.mail_reply, 553,
	    "5.1.8 domain of sender address a@example.com does not exist", 110);
	build_reply(&m.transaction.transaction.data_reply, 503, "5.5.1 need RCPT", 130);
	m.transaction.transaction.verdict_reply = m.transaction.transaction.mail_reply;
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(count_findings(c), 1);
	CHECK_EQ_STR(fate_at(c, 0), "refused: sender-domain-rejected");
	correlator_free(c);
}

static void
test_idle_timeout_after_a_mail_is_nothing(void)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
	struct session_refusal *r = &m.session.session.refusals[0];
	struct correlator *c;

	build_reply(&r->reply, 421, "4.4.2 mx.example.net Error: timeout exceeded", 490);
	r->unsolicited = true;
	m.session.session.refusals_kept = m.session.session.refusal_count = 1;
	c = judged(&m, 1);
	CHECK_EQ_INT(count_findings(c), 1);
	CHECK_FINDING(c, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	m.transaction.transaction.verdict =
	    VERDICT_UNKNOWN; /* but with a mail under way it is a symptom */
	m.transaction.transaction.final_reply = (struct record_reply){ 0 };
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_SERVER_TIMEOUT_421, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

static void
test_client_did_not_wait(void)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok"), late;
	struct correlator *c;

	m.transaction.transaction.verdict = VERDICT_UNKNOWN;
	m.transaction.transaction.final_reply = (struct record_reply){ 0 };
	m.conn.connection.dir[0].fin = at(400);
	m.conn.connection.dir[1].last = at(350); /* a dead way back looks the same */
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_PROBABLE);
	correlator_free(c);
	m.conn.connection.dir[1].last = at(440); /* it is heard after the close */
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_CONFIRMED);
	CHECK_EQ_STR(fate_at(c, 0), "unknown: client-gave-up-waiting");
	correlator_free(c);
	late = m;
	late.transaction.transaction.end_of_data = at(
	    17000); /* the message came at last, and the close with it: no answer was waited for */
	late.conn.connection.dir[0].fin = at(17001);
	late.conn.connection.dir[1].last = late.conn.connection.last = at(17040);
	late.conn.connection.t_end = at(20000).ns;
	c = judged(&late, 1);
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_POSSIBLE);
	CHECK(find_kind(c, FINDING_CLIENT_GAVE_UP_WAITING) != NULL &&
	    strcmp(find_kind(c, FINDING_CLIENT_GAVE_UP_WAITING)->subkind, "before") == 0);
	correlator_free(c);
	m.conn.connection.dir[1].missing = 40; /* the reply may be what is missing */
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_WAITING, CONFIDENCE_CANNOT_TELL);
	CHECK(strstr(find_kind(c, FINDING_CLIENT_GAVE_UP_WAITING)->next_capture,
		  "Cannot tell whether the client gave up waiting for the server's answer: ") !=
	    NULL);
	correlator_free(c);
	m.conn.connection.dir[1].missing = 0; /* the server closed first */
	m.conn.connection.dir[1].fin = at(300);
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_SERVER_DROPPED, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_CLIENT_GAVE_UP_WAITING);
	correlator_free(c);
}

/* What a server said is quoted whole, or shows that there was more. */
static void
test_long_words_show_that_they_are_cut(void)
{
	char words[200] = "5.7.1 <bob@example.org>: Relay access denied ";
	size_t n = strlen(words);
	struct correlator *c;
	struct mail m;

	for (int longer = 0; longer < 2; longer++) {
		memset(words + n, 'x', sizeof(words) - n);
		words[longer ? 152 : 151] = '\0';
		m = build_mail(1, 0, 554, words);
		c = judged(&m, 1);
		CHECK_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_PROBABLE);
		CHECK_EQ_INT(strstr(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->summary,
				 "xxx...\"") != NULL,
		    longer);
		correlator_free(c);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "sizes are said", test_sizes_are_said },
		{ "connections are counted", test_connections_are_counted },
		{ "which command a refusal answers cannot be told",
		    test_which_command_cannot_be_told },
		{ "connections begun are counted", test_connections_begun_are_counted },
		{ "a POP3 server says something before it is asked",
		    test_pop_says_before_it_is_asked },
		{ "a slow refusal counts once", test_slow_refusal_counts_once },
		{ "missing server bytes", test_missing_server_bytes },
		{ "consequences are silent", test_consequences_are_silent },
		{ "an idle time-out after a mail is nothing",
		    test_idle_timeout_after_a_mail_is_nothing },
		{ "the client did not wait", test_client_did_not_wait },
		{ "long words show that they are cut", test_long_words_show_that_they_are_cut },
	};

	return check_main("rule_reply", tests, sizeof(tests) / sizeof(tests[0]));
}
