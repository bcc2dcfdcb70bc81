/*
 * A refused mail and its context: a login offered, used, or replaced by a POP3 session;
 * greylisting.
 */
#include "mail_build.h"
#include "record/addr.h"

#define RELAY "5.7.1 <bob@example.org>: Relay access denied"

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
	CHECK_EQ_STR(fate_at(c, 0), "refused: relay-denied-wrong-network");
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
	CHECK_EQ_STR(fate_at(c, 0), "deferred: greylisted");
	CHECK_EQ_STR(fate_at(c, 1), "accepted after greylisting");
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

int
main(void)
{
	static const struct check_test tests[] = {
		{ "relay denied", test_relay_denied },
		{ "relay denied after a failed login", test_relay_denied_after_failed_login },
		{ "a login asked for and not offered", test_login_asked_but_not_offered },
		{ "logins by a challenge", test_challenge_logins },
		{ "logins behind STARTTLS", test_logins_behind_starttls },
		{ "relay denied for its own domain", test_relay_denied_for_its_own_domain },
		{ "a login offered and not tried", test_login_offered_and_not_tried },
		{ "refused despite a login", test_refused_despite_login },
		{ "POP before SMTP, by contrast", test_pop_before_smtp_by_contrast },
		{ "POP before SMTP by contrast that is none",
		    test_pop_before_smtp_by_contrast_that_is_none },
		{ "another sender much later", test_another_sender_much_later },
		{ "POP before SMTP, by words", test_pop_before_smtp_by_words },
		{ "greylisted, told by the later success", test_greylisted_told_by_later_success },
		{ "attempts of one mail", test_attempts_of_one_mail },
	};

	return check_main("relay", tests, sizeof(tests) / sizeof(tests[0]));
}
