/*
 * A server asks the sender's server before it answers (callout): what it was told stands beside its
 * own refusal.
 */
#include "mail_build.h"

/* The server of the first mail asks 203.0.113.25 about its sender. */
static void
build_pair(struct mail m[2], const char *asked, int code, const char *text)
{
	m[0] =
	    build_mail(1, 0, 550, "Verification failed for <a@example.com> Sender verify failed");
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
	CHECK(f != NULL &&
	    frame_of(f,
		"asks 203.0.113.25: RCPT TO:<a@example.com> is answered \"550 5.1.1 no such user\"") !=
		0);
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

	build_pair(
	    m, "somebody@example.com", 550, "5.1.1 no such user"); /* a bounce to somebody else */
	c = judged(m, 2);
	f = find_kind(c, FINDING_SENDER_DOMAIN_REJECTED);
	CHECK(f != NULL && frame_of(f, "asks") == 0);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL && f->severity == SEVERITY_ERROR);
	correlator_free(c);

	build_pair(
	    m, "a@example.com", 550, "5.1.1 no such user"); /* with a sender of its own: a mail */
	m[1].transaction.transaction.sender = "bob@example.org";
	c = judged(m, 2);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL && f->severity == SEVERITY_ERROR);
	correlator_free(c);
}

static const struct fate *
fate_of(const struct correlator *c, const char *sender)
{
	const struct fate *v;
	size_t n = correlator_fates(c, &v);

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].transaction->sender, sender) == 0)
			return &v[i];
	return NULL;
}

/* What one of the pair counts as, by the summary: mails, questions, recipients refused. */
static void
check_counts(const struct mail m[2], uint64_t attempted, uint64_t asked, uint64_t rcpt_refused)
{
	struct correlator *c = judged(m, 2);
	const struct fate *f = fate_of(c, "");
	struct summary s;

	correlator_summary(c, &s);
	CHECK(s.attempted == attempted && s.asked == asked && s.rcpt_refused == rcpt_refused);
	CHECK(f != NULL && (f->verdict == VERDICT_ASKED) == (asked == 1) &&
	    (strstr(f->fate, "callout") != NULL) == (asked == 1));
	correlator_free(c);
}

static void
test_question_is_no_mail(void)
{
	struct mail m[2];

	build_pair(m, "a@example.com", 550, "5.1.1 no such user");
	check_counts(m, 1, 1, 1);

	build_pair(
	    m, "a@example.com", 250, "2.1.5 Ok"); /* the answer is yes: neither is that a mail */
	m[1].transaction.transaction.verdict = VERDICT_ABANDONED;
	check_counts(m, 1, 1, 1);
}

/*
 * A server keeps a connection open for the next mail; meanwhile it writes to the sender of the last
 * one.
 */
static void
test_bounce_is_a_mail(void)
{
	struct mail m[2];
	struct correlator *c;
	const struct finding *f;

	build_pair(m, "a@example.com", 550, "5.1.1 no such user");
	m[0].recipient.recipient.reply.at = at(125); /* nobody waited for what it was told */
	check_counts(m, 2, 0, 2);
	c = judged(m, 2);
	f = find_kind(c, FINDING_RECIPIENT_UNKNOWN);
	CHECK(f != NULL && f->severity == SEVERITY_ERROR);
	correlator_free(c);

	build_pair(m, "a@example.com", 550, "5.1.1 no such user"); /* with a message: a mail */
	m[1].transaction.transaction.data_sent = true;
	check_counts(m, 2, 0, 2);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "answer beside the refusal", test_answer_beside_the_refusal },
		{ "another mail is none", test_another_mail_is_none },
		{ "a question is no mail", test_question_is_no_mail },
		{ "a bounce is a mail", test_bounce_is_a_mail },
	};

	return check_main("callout", tests, sizeof(tests) / sizeof(tests[0]));
}
