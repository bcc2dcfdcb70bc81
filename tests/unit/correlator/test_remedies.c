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

int
main(void)
{
	static const struct check_test tests[] = {
		{ "of a recipient", test_of_a_recipient },
		{ "of a login", test_of_a_login },
		{ "storage allocation", test_storage_allocation },
		{ "log of a sender", test_log_of_a_sender },
		{ "numbers of Outlook", test_numbers_of_outlook },
	};

	return check_main("remedies", tests, sizeof(tests) / sizeof(tests[0]));
}
