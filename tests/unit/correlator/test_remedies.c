/* What to do follows the words where the kind alone would name the wrong thing. */
#include "mail_build.h"

#include "correlator/finding/texts.h"

static void
test_of_a_recipient(void)
{
	static const struct {
		int code;
		enum finding_kind kind;
		const char *text, *remedy;
	} t[] = {
		{ 554, FINDING_POLICY_OR_BLOCKLIST,
		    "5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/",
		    "is on no list" },
		{ 554, FINDING_POLICY_OR_BLOCKLIST,
		    "5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
		    "Follow the link" },
		{ 554, FINDING_POLICY_OR_BLOCKLIST,
		    "5.7.1 Client host [192.0.2.1] blocked using bl.example.org",
		    "at the list bl.example.org" },
		{ 550, FINDING_POLICY_OR_BLOCKLIST,
		    "5.7.1 Service unavailable, Client host [192.0.2.1] blocked by example.com using Customer Block list (AS16012607)",
		    "name no list" },
		{ 550, FINDING_POLICY_OR_BLOCKLIST,
		    "5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized",
		    "from certain senders only" },
		{ 421, FINDING_POLICY_OR_BLOCKLIST,
		    "Domain x.example is not allowed to send: Free accounts are for test purposes only.",
		    "verified with it" },
		{ 556, FINDING_RECIPIENT_UNKNOWN,
		    "5.1.10 <bob@example.org>: Recipient address rejected: Domain example.org does not accept mail (nullMX)",
		    "the domain's owner" },
		{ 553, FINDING_RECIPIENT_UNKNOWN,
		    "5.1.3 The recipient address <bob> is not a valid RFC 5321 address.",
		    "name@example.com" },
		{ 550, FINDING_RECIPIENT_UNKNOWN, "5.1.1 no such user", "spelling" },
		{ 550, FINDING_RATE_LIMITED, "5.7.236 The message was not sent",
		    "a domain of your own" },
		{ 553, FINDING_TLS_REQUIRED, "This route requires TLS version 1.2 or greater",
		    "allow TLS 1.2" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, t[i].code, t[i].text);
		struct correlator *c = judged(&m, 1);
		const struct finding *f = find_kind(c, t[i].kind);

		if (f == NULL || strstr(f->remedy, t[i].remedy) == NULL)
			printf("%s: %s\n", t[i].text, f == NULL ? "not said" : f->remedy);
		CHECK(f != NULL && strstr(f->remedy, t[i].remedy) != NULL);
		correlator_free(c);
	}
}

static void
test_of_a_login(void)
{
	static const struct {
		int code;
		const char *text, *remedy;
	} t[] = {
		{ 535,
		    "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
		    "switched off" },
		{ 535, "5.7.139 Authentication unsuccessful, basic authentication is disabled.",
		    "takes no passwords" },
		{ 534, "5.7.9 Application-specific password required.", "app password" },
		{ 525, "5.7.13 User account disabled", "switched off or locked" },
		{ 535, "5.7.8 Authentication failed", "Check user name and password" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, 250, "ok");
		struct record_session *s = &m.session.session;
		struct correlator *c = build_correlator();
		const struct finding *f;

		s->ehlo = s->ehlo_answered = s->auth_offered = s->auth_tried = true;
		build_reply(&s->auth_reply, t[i].code, t[i].text, 80);
		correlator_take(c, &m.session);
		correlator_take(c, &m.conn);
		correlator_judge(c);
		f = find_kind(c, FINDING_AUTH_FAILED);
		CHECK(f != NULL && strstr(f->remedy, t[i].remedy) != NULL);
		correlator_free(c);
	}
}

/* RFC 5321's words for 552 are of the mailbox, or of the message: which, its size tells. */
static void
test_storage_allocation(void)
{
	for (int large = 0; large <= 1; large++) {
		struct mail m = build_mail(
		    1, 0, 552, "Requested mail action aborted: exceeded storage allocation");
		struct correlator *c;
		const struct finding *f;

		m.transaction.transaction.declared_size = large ? 20000000 : 2000;
		c = judged(&m, 1);
		f = find_kind(c, large ? FINDING_MESSAGE_TOO_BIG : FINDING_MAILBOX_FULL);
		CHECK(f != NULL && f->confidence == CONFIDENCE_POSSIBLE);
		CHECK(find_kind(c, large ? FINDING_MAILBOX_FULL : FINDING_MESSAGE_TOO_BIG) == NULL);
		correlator_free(c);
	}
}

/*
 * A server that sends has a log; one that is fetched from, or submitted to by a mail program, has
 * none of these words.
 */
static void
test_log_of_a_sender(void)
{
	static const struct {
		enum finding_kind kind;
		const char *subkind;
		uint16_t port, to;
		const char *words;
	} t[] = {
		{ FINDING_PMTU_BLACK_HOLE, "", 25, 25, "while sending message body" },
		{ FINDING_PMTU_BLACK_HOLE, "", 25, 40000, NULL },
		{ FINDING_PMTU_BLACK_HOLE, "", 110, 40000, NULL },
		{ FINDING_CLIENT_GAVE_UP_AT_DATA, "", 587, 587, NULL },
		{ FINDING_CLIENT_GAVE_UP_WAITING, "", 25, 25,
		    "message may be sent more than once" },
		{ FINDING_CLIENT_GAVE_UP_WAITING, "command", 25, 25, NULL },
		{ FINDING_SLOW_BANNER, "gave-up", 25, 40000,
		    "timed out while receiving the initial server greeting" },
		{ FINDING_CONNECTED_NO_BANNER, "", 25, 40000,
		    "timed out while receiving the initial server greeting" },
		{ FINDING_CONNECTED_NO_BANNER, "reset", 25, 40000,
		    "lost connection while receiving the initial server greeting" },
		{ FINDING_RECIPIENT_UNKNOWN, "", 25, 25, NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct finding f = {
			.kind = t[i].kind, .server_port = t[i].port, .to = { .port = t[i].to }
		};

		snprintf(f.subkind, sizeof(f.subkind), "%s", t[i].subkind);
		CHECK(t[i].words == NULL ? text_log(&f)[0] == '\0'
					 : strstr(text_log(&f), t[i].words) != NULL);
	}
}

/* Its words for sending and for fetching; nothing where nobody has seen what it says. */
static void
test_words_of_thunderbird(void)
{
	static const struct {
		enum finding_kind kind;
		const char *subkind;
		uint16_t port, to;
		const char *words;
	} t[] = {
		{ FINDING_PMTU_BLACK_HOLE, "", 587, 587, "100%" },
		{ FINDING_PMTU_BLACK_HOLE, "", 465, 40000, "Outgoing server (SMTP) ... timed out" },
		{ FINDING_PMTU_BLACK_HOLE, "", 110, 40000, "Connection to server ... timed out" },
		{ FINDING_POP_AUTH_FAILED, "", 995, 40000, "Login to server ... failed" },
		{ FINDING_POP_AUTH_FAILED, "", 143, 40000, NULL },
		{ FINDING_PATH_OUTAGE, "", 25, 25, NULL },
		{ FINDING_RECIPIENT_UNKNOWN, "", 25, 25, NULL },
		{ FINDING_TLS_NOT_OFFERED, "silent", 587, 40000, "advertise that feature" },
		{ FINDING_TLS_NOT_OFFERED, "", 587, 40000, NULL }, /* it does not ask in vain */
		{ FINDING_TLS_FAILURE, "starttls-refused", 587, 40000, NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct finding f = {
			.kind = t[i].kind, .server_port = t[i].port, .to = { .port = t[i].to }
		};

		snprintf(f.subkind, sizeof(f.subkind), "%s", t[i].subkind);
		CHECK(t[i].words == NULL ? text_thunderbird(&f)[0] == '\0'
					 : strstr(text_thunderbird(&f), t[i].words) != NULL);
	}
}

/* Outlook tells sending and fetching apart; where it cannot be known which, nothing is said. */
static void
test_numbers_of_outlook(void)
{
	static const struct {
		const char *shows;
		uint16_t port;
		const char *words;
	} t[] = {
		{ "0x800CCC0E (cannot connect), socket error 10060", 25, "0x80042109" },
		{ "0x800CCC0E (cannot connect), socket error 10061", 587, "0x80042109" },
		{ "0x800CCC0E (cannot connect)", 110, "0x80042108" },
		{ "0x800CCC0F (connection dropped), 0x800CCC19 (time-out)", 465, "0x8004210B" },
		{ "0x800CCC19 (time-out)", 995, "0x8004210A" },
		{ "0x800CCC19 (time-out)", 143, NULL },
		{ "0x800CCC19 (time-out), 0x8004210B", 25, NULL },
		{ "0x800CCC0F (connection dropped)", 25, NULL },
		{ "", 25, NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct finding f = { .kind = FINDING_PATH_OUTAGE,
			.server_port = t[i].port,
			.client_shows = t[i].shows };

		CHECK(t[i].words == NULL ? text_outlook(&f)[0] == '\0'
					 : strstr(text_outlook(&f), t[i].words) != NULL);
	}
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

int
main(void)
{
	static const struct check_test tests[] = {
		{ "of a recipient", test_of_a_recipient },
		{ "of a login", test_of_a_login },
		{ "storage allocation", test_storage_allocation },
		{ "log of a sender", test_log_of_a_sender },
		{ "words of Thunderbird", test_words_of_thunderbird },
		{ "numbers of Outlook", test_numbers_of_outlook },
		{ "remedies of policy", test_policy_remedies },
		{ "remedies of the sender's address", test_sender_remedies },
		{ "remedies elsewhere", test_remedies_elsewhere },
	};

	return check_main("remedies", tests, sizeof(tests) / sizeof(tests[0]));
}
