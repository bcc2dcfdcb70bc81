/* A server asks the sender's server before it answers (callout): what it was told stands beside its own refusal. */
#include "mail_build.h"

/* The server of the first mail asks 203.0.113.25 about its sender. */
static void
build_pair(struct mail m[2], const char *asked, int code, const char *text)
{
	m[0] = build_mail(1, 0, 550, "Verification failed for <a@example.com> Sender verify failed");
	m[0].recipient.recipient.reply.at = at(450);
	m[1] = build_mail(2, 200, code, text);
	m[1].conn.connection.client.ip = m[0].conn.connection.server.ip;
	m[1].conn.connection.server.ip = ip4(203, 0, 113, 25);
	m[1].transaction.transaction.sender = "";
	m[1].transaction.transaction.data_sent = false;
	m[1].recipient.recipient.address = asked;
	m[1].conn.connection.last = at(400);
}

static void
test_answer_beside_the_refusal(void)
{
	struct mail m[2];
	struct correlator *c;
	const struct finding *f;

	build_pair(m, "a@example.com", 550, "5.1.1 no such user");
	c = judged(m, 2);
	f = find_kind(c, FINDING_SENDER_DOMAIN_REJECTED);
	CHECK(f != NULL && frame_of(f, "asks 203.0.113.25: RCPT TO:<a@example.com> is answered \"550 5.1.1 no such user\"") != 0);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL && f->severity == SEVERITY_INFO && frame_of(f, "callout") != 0);
	correlator_free(c);
}

static void
test_another_mail_is_none(void)
{
	struct mail m[2];
	struct correlator *c;
	const struct finding *f;

	build_pair(m, "somebody@example.com", 550, "5.1.1 no such user");	/* a bounce to somebody else */
	c = judged(m, 2);
	f = find_kind(c, FINDING_SENDER_DOMAIN_REJECTED);
	CHECK(f != NULL && frame_of(f, "asks") == 0);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL && f->severity == SEVERITY_ERROR);
	correlator_free(c);

	build_pair(m, "a@example.com", 550, "5.1.1 no such user");		/* with a sender of its own: a mail */
	m[1].transaction.transaction.sender = "bob@example.org";
	c = judged(m, 2);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL && f->severity == SEVERITY_ERROR);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "answer beside the refusal", test_answer_beside_the_refusal },
		{ "another mail is none", test_another_mail_is_none },
	};

	return check_main("callout", tests, sizeof(tests) / sizeof(tests[0]));
}
