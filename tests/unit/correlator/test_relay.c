/*
 * A refused mail and its context: a login offered, used, or replaced by a POP3 session;
 * greylisting.
 */
#include "mail_build.h"
#include "record/addr.h"

#define RELAY "5.7.1 <bob@example.org>: Relay access denied"

static const char *
only_fate(const struct correlator *c, size_t which)
{
	const struct fate *f;

	return which < correlator_fates(c, &f) ? f[which].fate : "(none)";
}

/* A login had been tried and refused: that comes first. */
static void
test_relay_denied_after_failed_login(void)
{
	struct mail m = build_mail(1, 0, 554, RELAY);
	struct correlator *c;

	m.session.session.auth_offered = m.session.session.auth_tried = true;
	build_reply(&m.session.session.auth_reply, 535, "5.7.8 Error: authentication failed", 90);
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_PROBABLE);
	CHECK(strstr(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->remedy,
		  "Let the login succeed") != NULL);
	correlator_free(c);
}

/* What to do depends on what the words name: a list to ask, the sender's address, or nothing. */
static void
test_policy_remedies(void)
{
	static const struct {
		const char *words, *remedy;
	} rows[] = {
		{ "5.7.1 RESOLVER.RST.NotAuthorized; not authorized", "from certain senders only" },
		{ "5.1.8 Access denied, bad outbound sender AS(42004)", "unblock" },
		{ "5.7.1 Service unavailable; blocked using zen.example.org; https://www.example.org/q",
		    "Follow the link" },
		{ "5.7.1 Client host [192.0.2.10] blocked using zen.example.org",
		    "at the list zen.example.org:" },
		{ "5.7.1 192.0.2.10 is listed at bl.example.com.", "at the list bl.example.com:" },
		{ "5.7.1 host blocked by 192.0.2.99", "name no list" },
		{ "5.7.1 <a@example.com>: Sender address rejected: Access denied",
		    "refuse this sender address" },
		{ "5.7.1 <client.example.com[192.0.2.10]>: Client host rejected: Access denied",
		    "name no list" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mail m = build_mail(1, 0, 554, rows[i].words);
		struct correlator *c = judged(&m, 1);
		const struct finding *f = find_kind(c, FINDING_POLICY_OR_BLOCKLIST);

		CHECK(f != NULL && strstr(f->remedy, rows[i].remedy) != NULL);
		correlator_free(c);
	}
}

/* A login is asked for where none is offered: to switch it on there would not help. */
static void
test_login_asked_but_not_offered(void)
{
	struct mail m = build_mail(1, 0, 550, "authentication required");
	struct correlator *c = judged(&m, 1);

	CHECK_FINDING(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_CONFIRMED);
	CHECK(strstr(find_kind(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)->remedy, "587") != NULL);
	correlator_free(c);
	m = build_mail(1, 0, 550, "authentication required");
	m.session.session.auth_offered = true;
	c = judged(&m, 1);
	CHECK(strstr(find_kind(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)->remedy,
		  "My server requires") != NULL);
	correlator_free(c);
}

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

/* A server that keeps hashes cannot check a challenge: the password may be right. */
static void
test_challenge_logins(void)
{
	static const struct {
		const char *mechanism;
		bool said;
	} t[] = { { "CRAM-MD5", true }, { "digest-md5", true }, { "PLAIN", false }, { "", false } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
		struct session_refusal *r = &m.session.session.refusals[0];
		struct correlator *c = build_correlator();
		const struct finding *f;

		m.session.session.auth_tried = m.session.session.auth_offered = true;
		snprintf(m.session.session.auth_mechanism, sizeof(m.session.session.auth_mechanism),
		    "%s", t[i].mechanism);
		*r = (struct session_refusal){
			.stage = STAGE_AUTH, .verb = "AUTH", .asked = at(100)
		};
		build_reply(&r->reply, 535, "5.7.8 Error: authentication failed", 120);
		m.session.session.refusals_kept = m.session.session.refusal_count = 1;
		correlator_take(c, &m.conn);
		correlator_take(c, &m.session);
		correlator_judge(c);
		f = find_kind(c, FINDING_AUTH_FAILED);
		CHECK(f != NULL && (strstr(f->remedy, "keeps hashes") != NULL) == t[i].said);
		correlator_free(c);
	}
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

/*
 * A login that is offered behind STARTTLS only, if at all, is not had by logging in: each remedy
 * that speaks of one says so.
 */
static void
test_logins_behind_starttls(void)
{
	static const struct {
		enum finding_kind kind;
		unsigned code;
		const char *text, *greeting;
	} t[] = {
		{ FINDING_RELAY_DENIED_WRONG_NETWORK, 554, RELAY, "mx.example.com" },
		{ FINDING_RELAY_DENIED_WRONG_NETWORK, 554, RELAY, "mx.example.org" },
		{ FINDING_POP_BEFORE_SMTP_REQUIRED, 553,
		    "first check your mail with a valid POP account", "mx.example.com" },
		{ FINDING_RECIPIENT_UNKNOWN, 550, "Invalid recipient: <bob@example.org>",
		    "mx.example.com" },
		{ FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, 530, "5.7.0 Authentication required",
		    "mx.example.com" },
	};

	for (size_t i = 0; i < 2 * sizeof(t) / sizeof(t[0]); i++) {
		size_t k = i / 2;
		struct mail m = build_mail(1, 0, t[k].code, t[k].text);
		struct correlator *c;
		const struct finding *f;

		m.recipient.recipient.address = "bob@example.org";
		build_reply(&m.session.session.greeting, 220, t[k].greeting, 20);
		m.session.session.starttls_offered = i % 2;
		c = judged(&m, 1);
		f = find_kind(c, t[k].kind);
		CHECK(f != NULL &&
		    (strstr(f->remedy, "(STARTTLS)") != NULL ||
			strstr(f->remedy, "behind STARTTLS") != NULL) == (i % 2 == 1));
		correlator_free(c);
	}
}

/* Who greets with a name in the recipient's domain is meant to take mail for it. */
static void
test_relay_denied_for_its_own_domain(void)
{
	static const struct {
		const char *greeting, *remedy;
	} rows[] = {
		{ "mx.example.org ESMTP", "not set up for that domain" },
		{ "example.org ESMTP", "not set up for that domain" },
		{ "mx.notexample.org ESMTP", "Use the outgoing server" },
		{ "example.com ESMTP example.org", "Use the outgoing server" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mail m = build_mail(1, 0, 554, RELAY);
		struct correlator *c;

		m.recipient.recipient.address = "bob@example.org";
		build_reply(&m.session.session.greeting, 220, rows[i].greeting, 20);
		c = judged(&m, 1);
		CHECK(strstr(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->remedy,
			  rows[i].remedy) != NULL);
		correlator_free(c);
		m.session.session.auth_offered =
		    true; /* said all the same; a login is what it asks for first */
		c = judged(&m, 1);
		CHECK_EQ_INT(
		    frame_of(find_kind(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED), "own domain"),
		    i < 2 ? m.session.session.greeting.at.frame : 0);
		CHECK(strstr(find_kind(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)->remedy,
			  "My server requires") != NULL);
		correlator_free(c);
	}
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

/*
 * The same words at the greeting have the same remedy; and a short HELO is no lack of a PTR record.
 */
static void
test_remedies_elsewhere(void)
{
	struct mail m = build_mail(
	    1, 0, 504, "5.5.2 <pc>: Helo command rejected: need fully-qualified hostname");
	struct record v[2];
	struct correlator *c = judged(&m, 1);

	CHECK(strstr(find_kind(c, FINDING_RDNS_OR_HELO_REJECTED)->remedy, "full name") != NULL);
	correlator_free(c);
	m = build_mail(1, 0, 550, "5.7.1 Client host rejected: cannot find your reverse hostname");
	c = judged(&m, 1);
	CHECK(strstr(find_kind(c, FINDING_RDNS_OR_HELO_REJECTED)->remedy, "PTR") != NULL);
	correlator_free(c);
	v[1] = build_connection(0, 3, 100, 200);
	v[0] = build_session(&v[1], 160);
	build_reply(&v[0].session.greeting, 554,
	    "5.7.1 Client host [192.0.2.10] blocked using zen.example.org", 160);
	c = judged_records(v, 2);
	CHECK(strstr(find_kind(c, FINDING_POLICY_OR_BLOCKLIST)->remedy,
		  "at the list zen.example.org:") != NULL);
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

/* The sender's address, not its domain: DNS is no help. */
static void
test_sender_remedies(void)
{
	struct mail m = build_mail(1, 0, 550,
	    "5.1.7 <a@example.net>: Sender address rejected: undeliverable address: host said: 550 User unknown");
	struct correlator *c = judged(&m, 1);

	CHECK_FINDING(c, FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_CONFIRMED);
	CHECK(strstr(find_kind(c, FINDING_SENDER_DOMAIN_REJECTED)->remedy, "answer such a query") !=
	    NULL);
	correlator_free(c);
	/* what does not resolve now may exist: no word of an address to correct */
	m = build_mail(
	    1, 0, 451, "4.1.8 Domain of sender address joe@example.com does not resolve");
	build_reply(&m.transaction.transaction.mail_reply, 451,
	    "4.1.8 Domain of sender address joe@example.com does not resolve", 110);
	c = judged(&m, 1);
	CHECK(find_kind(c, FINDING_SENDER_DOMAIN_REJECTED) != NULL &&
	    strstr(find_kind(c, FINDING_SENDER_DOMAIN_REJECTED)->remedy, "from a third network") !=
		NULL);
	correlator_free(c);
}

static void
test_relay_denied(void)
{
	struct mail m = build_mail(1, 0, 554, RELAY);
	struct correlator *c = judged(&m, 1);
	const struct finding *f;

	CHECK_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_PROBABLE);
	f = find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK);
	CHECK(strstr(f->client_shows, "0x800CCC79") != NULL);
	CHECK(strstr(f->summary, "Relay access denied") != NULL);
	CHECK_EQ_INT(f->evidence[0].frames[1], m.recipient.recipient.reply.at.frame);
	CHECK_EQ_STR(only_fate(c, 0), "refused: relay-denied-wrong-network");
	CHECK_EQ_INT(count_findings(c), 1);
	correlator_free(c);
}

static void
test_login_offered_and_not_tried(void)
{
	struct mail m = build_mail(1, 0, 554, RELAY);
	struct correlator *c;

	m.session.session.auth_offered = true;
	m.session.session.capabilities_at = at(70);
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(frame_of(find_kind(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED), "offered a login"),
	    m.session.session.capabilities_at.frame);
	CHECK_NO_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK);
	correlator_free(c);
	/* joined at EHLO: a login before that would be strange */
	m.session.session.midstream = true;
	m.session.session.greeting = (struct record_reply){ .text = "" };
	m.conn.connection.state = CONN_MIDSTREAM;
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_PROBABLE);
	correlator_free(c);
	/* behind it: a login may have been offered, and may have come before */
	m.session.session.ehlo_answered = m.session.session.auth_offered = false;
	c = judged(&m, 1);
	CHECK_NO_FINDING(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED);
	CHECK_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_POSSIBLE);
	correlator_free(c);
}

static void
test_refused_despite_login(void)
{
	struct mail m = build_mail(1, 0, 554, RELAY);
	struct correlator *c;

	m.session.session.auth_offered = m.session.session.auth_tried = m.session.session.auth_ok =
	    true;
	m.session.session.auth_at = (struct moment){ BASE_NS + 80 * MS, 9000 };
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_RELAY_DENIED_DESPITE_AUTH, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(count_findings(c), 1);
	correlator_free(c);
}

static struct mail
build_pop_login(uint64_t id, int64_t ms)
{
	struct mail m;

	m.conn = build_connection(0, id, ms, ms + 500);
	m.conn.connection.app = APP_POP3;
	m.conn.connection.server.port = 110;
	m.session = build_session(&m.conn, ms + 60);
	m.session.session.logins_ok = 1;
	m.session.session.auth_at = at(ms + 100);
	m.transaction = m.recipient = m.session; /* repeats change nothing */
	return m;
}

static void
test_pop_before_smtp_by_contrast(void)
{
	struct mail m[3] = { build_mail(1, 0, 554, RELAY), build_pop_login(2, 60000),
		build_mail(3, 120000, 250, "2.1.5 Ok") };
	struct correlator *c = judged(m, 3);

	CHECK_FINDING(c, FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK);
	CHECK_FINDING(c, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	/* only the POP3 server beside it: possible, and the refusal stays what it is */
	c = judged(m, 2);
	CHECK_FINDING(c, FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_POSSIBLE);
	CHECK_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/*
 * It was accepted after a login: one of SMTP that was tried there explains it; and the right has
 * not run out where the client fetched since.
 */
static void
test_pop_before_smtp_by_contrast_that_is_none(void)
{
	for (int other = 0; other < 2; other++) {
		struct mail then[3] = { build_mail(1, 0, 554, RELAY), build_pop_login(2, 60000),
			build_mail(3, 120000, 250, "2.1.5 Ok") };
		struct mail lapsed[4] = { build_pop_login(1, 0),
			build_mail(2, 60000, 250, "2.1.5 Ok"), build_mail(3, 1800000, 554, RELAY),
			build_pop_login(4, other ? 1700000 : 2000000) };
		struct correlator *c;

		then[2].session.session.auth_tried = other;
		c = judged(then, 3);
		CHECK_FINDING(c, FINDING_POP_BEFORE_SMTP_REQUIRED,
		    other ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED);
		correlator_free(c);
		c = judged(lapsed, 4);
		CHECK_FINDING(c, FINDING_POP_BEFORE_SMTP_REQUIRED,
		    other ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE);
		correlator_free(c);
	}
}

/* Another sender is accepted: that tells nothing of one refused half an hour before. */
static void
test_another_sender_much_later(void)
{
	for (int late = 0; late < 2; late++) {
		struct mail m[2] = { build_mail(1, 0, 554, RELAY),
			build_mail(2, late ? 1800000 : 60000, 250, "2.1.5 Ok") };
		struct correlator *c;

		m[1].transaction.transaction.sender = "b@example.net";
		c = judged(m, 2);
		CHECK((find_kind(c, FINDING_SENDER_MISMATCH) != NULL) == !late);
		correlator_free(c);
	}
}

static void
test_pop_before_smtp_by_words(void)
{
	struct mail m = build_mail(
	    1, 0, 553, "To send mail, first check your mail with a valid POP account (#5.7.1)");
	struct correlator *c = judged(&m, 1);

	CHECK_FINDING(c, FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(count_findings(c), 1);
	correlator_free(c);
}

static void
test_greylisted_told_by_later_success(void)
{
	struct mail m[2] = { build_mail(1, 0, 450, "4.3.2 come back"),
		build_mail(2, 300000, 250, "2.1.5 Ok") };
	struct correlator *c = judged(m, 2);

	CHECK_FINDING(c, FINDING_GREYLISTED, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_TEMPORARY_SERVER_ERROR);
	CHECK_EQ_STR(only_fate(c, 0), "deferred: greylisted");
	CHECK_EQ_STR(only_fate(c, 1), "accepted after greylisting");
	correlator_free(c);
	/* too soon for that; and a full mailbox is a full mailbox */
	m[1] = build_mail(2, 20000, 250, "2.1.5 Ok");
	c = judged(m, 2);
	CHECK_NO_FINDING(c, FINDING_GREYLISTED);
	correlator_free(c);
	m[0] = build_mail(1, 0, 452, "4.2.2 mailbox full");
	m[1] = build_mail(2, 300000, 250, "2.1.5 Ok");
	c = judged(m, 2);
	CHECK_NO_FINDING(c, FINDING_GREYLISTED);
	CHECK_FINDING(c, FINDING_MAILBOX_FULL, CONFIDENCE_CONFIRMED);
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
	CHECK_EQ_STR(only_fate(c, 0), "refused: sender-domain-rejected");
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

#define HOUR (INT64_C(3600) * 1000)

/*
 * One mail over hours and two servers; a mail of another Message-ID or recipient is another mail.
 */
static void
test_attempts_of_one_mail(void)
{
	struct mail m[] = {
		build_mail(1, 0, 451, "4.3.0 try again"),
		build_mail(2, HOUR, 452, "4.3.1 disk full"),
		build_mail(3, 2 * HOUR, 250, "2.1.5 Ok"),
		build_mail(4, 3 * HOUR, 451, "4.3.0 try again"),
		build_mail(5, 4 * HOUR, 250, "2.1.5 Ok"),
	};
	const struct fate *f;
	struct correlator *c;

	m[1].conn.connection.server.ip = m[1].session.session.server.ip = ip4(203, 0, 113, 77);
	m[4].recipient.recipient.address = "carol@example.org";
	c = judged(m, 5);
	CHECK_EQ_INT(correlator_fates(c, &f), 5);
	CHECK_EQ_INT(f[0].retries, 2);
	CHECK_EQ_INT(f[0].retry_verdict, VERDICT_ACCEPTED);
	CHECK_EQ_INT(f[0].retry_at.ns, m[2].transaction.transaction.first.ns);
	CHECK(!f[0].retry_same_id);
	CHECK_EQ_INT(f[1].retries, 1);
	CHECK(addr_equal(&f[1].retry_server.ip, &m[2].conn.connection.server.ip));
	CHECK_EQ_INT(f[2].retries, 0); /* accepted: nothing follows */
	CHECK_EQ_INT(f[3].retries, 0); /* the next mail goes to somebody else */
	correlator_free(c);
	m[0].transaction.transaction.message_id = "<1@x>";
	m[1].transaction.transaction.message_id = "<1@x>";
	m[2].transaction.transaction.message_id = "<2@x>";
	c = judged(m, 3);
	CHECK_EQ_INT(correlator_fates(c, &f), 3);
	CHECK_EQ_INT(f[0].retries, 1);
	CHECK_EQ_INT(f[0].retry_verdict, VERDICT_DEFERRED);
	CHECK(f[0].retry_same_id);
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
	CHECK_EQ_STR(only_fate(c, 0), "unknown: client-gave-up-waiting");
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
	char words[200] = RELAY " ";
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
		{ "relay denied", test_relay_denied },
		{ "relay denied after a failed login", test_relay_denied_after_failed_login },
		{ "remedies of policy", test_policy_remedies },
		{ "a login asked for and not offered", test_login_asked_but_not_offered },
		{ "sizes are said", test_sizes_are_said },
		{ "connections are counted", test_connections_are_counted },
		{ "logins by a challenge", test_challenge_logins },
		{ "which command a refusal answers cannot be told",
		    test_which_command_cannot_be_told },
		{ "connections begun are counted", test_connections_begun_are_counted },
		{ "logins behind STARTTLS", test_logins_behind_starttls },
		{ "relay denied for its own domain", test_relay_denied_for_its_own_domain },
		{ "remedies of the sender's address", test_sender_remedies },
		{ "remedies elsewhere", test_remedies_elsewhere },
		{ "a POP3 server says something before it is asked",
		    test_pop_says_before_it_is_asked },
		{ "a slow refusal counts once", test_slow_refusal_counts_once },
		{ "a login offered and not tried", test_login_offered_and_not_tried },
		{ "refused despite a login", test_refused_despite_login },
		{ "POP before SMTP, by contrast", test_pop_before_smtp_by_contrast },
		{ "POP before SMTP by contrast that is none",
		    test_pop_before_smtp_by_contrast_that_is_none },
		{ "another sender much later", test_another_sender_much_later },
		{ "POP before SMTP, by words", test_pop_before_smtp_by_words },
		{ "greylisted, told by the later success", test_greylisted_told_by_later_success },
		{ "missing server bytes", test_missing_server_bytes },
		{ "consequences are silent", test_consequences_are_silent },
		{ "an idle time-out after a mail is nothing",
		    test_idle_timeout_after_a_mail_is_nothing },
		{ "attempts of one mail", test_attempts_of_one_mail },
		{ "the client did not wait", test_client_did_not_wait },
		{ "long words show that they are cut", test_long_words_show_that_they_are_cut },
	};

	return check_main("relay", tests, sizeof(tests) / sizeof(tests[0]));
}
