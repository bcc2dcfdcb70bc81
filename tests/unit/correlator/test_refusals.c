/*
 * A connection with more refusals than a rule reads: what says something else is not lost behind
 * what says the same.
 */
#include "correlator/facts/dialogue.h"
#include "mail_build.h"

enum { MANY = 100 };

struct talk {
	struct correlator *c;
	struct record conn, session;
	uint32_t mails;
};

static void
talk_begin(struct talk *t)
{
	t->c = build_correlator();
	t->conn = build_connection(0, 1, 0, 1000000);
	t->session = build_session(&t->conn, 60);
	t->mails = 0;
}

/* One mail more, refused at its end. */
static void
talk_refuse(struct talk *t, int code, const char *text)
{
	int64_t ms = 1000 + 1000 * (int64_t)t->mails;
	struct record r = build_transaction(&t->conn, ++t->mails, VERDICT_ACCEPTED, ms);

	r.transaction.verdict = code / 100 == 4 ? VERDICT_DEFERRED : VERDICT_REFUSED;
	build_reply(&r.transaction.final_reply, code, text, ms + 80);
	r.transaction.verdict_reply = r.transaction.final_reply;
	correlator_take(t->c, &r);
}

/* One mail more whose only recipient is refused. */
static void
talk_refuse_recipient(struct talk *t, int code, const char *text)
{
	int64_t ms = 1000 + 1000 * (int64_t)t->mails;
	struct record r = build_transaction(&t->conn, ++t->mails, VERDICT_REFUSED, ms);
	struct record rcpt = build_recipient(&r, 1, "bob@example.org", code, text, ms + 20);

	r.transaction.verdict_reply = rcpt.recipient.reply;
	correlator_take(t->c, &r);
	correlator_take(t->c, &rcpt);
}

static void
talk_judge(struct talk *t)
{
	t->session.session.transactions = t->mails;
	correlator_take(t->c, &t->session);
	correlator_take(t->c, &t->conn);
	correlator_judge(t->c);
}

static void
test_what_says_something_else(void)
{
	const struct fate *f;
	struct talk t;

	talk_begin(&t);
	for (int i = 0; i < MANY; i++) {
		char text[120];

		snprintf(text, sizeof(text),
		    "4.7.1 <b%d@example.org>: Greylisted, come back in %d seconds", i, 300 + i);
		talk_refuse(&t, 451, text);
	}
	talk_refuse_recipient(&t, 550, "5.1.1 <bob@example.org>: User unknown");
	talk_refuse(&t, 552, "5.2.2 Mailbox full");
	talk_judge(&t);
	CHECK_FINDING(t.c, FINDING_GREYLISTED, CONFIDENCE_CONFIRMED);
	CHECK_FINDING(t.c, FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_CONFIRMED);
	CHECK_FINDING(t.c, FINDING_MAILBOX_FULL, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(correlator_fates(t.c, &f), MANY + 2);
	CHECK_EQ_STR(f[0].fate, "deferred: greylisted");
	CHECK_EQ_STR(f[MANY - 1].fate, "deferred: greylisted");
	CHECK_EQ_STR(f[MANY].fate, "refused: recipient-unknown");
	CHECK_EQ_STR(f[MANY + 1].fate, "refused: mailbox-full");
	correlator_free(t.c);
}

static bool
says_unread(const struct correlator *c)
{
	struct summary s;

	correlator_summary(c, &s);
	for (uint32_t i = 0; i < s.incomplete_count; i++)
		if (strncmp(s.incomplete[i], "refusals of connections with very many", 38) == 0)
			return true;
	return false;
}

/*
 * Too many that all say something else: those that were not read are counted, and their mails get
 * no other mail's reason.
 */
static void
test_too_many_words(void)
{
	const struct fate *f;
	struct talk t;

	talk_begin(&t);
	for (int i = 0; i < MANY; i++) {
		char text[120];

		snprintf(text, sizeof(text), "5.2.2 Mailbox full %c%c", 'a' + i / 26, 'a' + i % 26);
		talk_refuse(&t, 552, text);
	}
	talk_refuse(&t, 550, "5.1.1 User unknown");
	talk_judge(&t);
	CHECK(says_unread(t.c));
	CHECK_EQ_INT(correlator_fates(t.c, &f), MANY + 1);
	CHECK_EQ_STR(f[0].fate, "refused: mailbox-full");
	CHECK_EQ_STR(f[MANY].fate, "refused");
	correlator_free(t.c);
	talk_begin(&t);
	for (int i = 0; i < MANY; i++)
		talk_refuse(&t, 552, "5.2.2 Mailbox full");
	talk_judge(&t);
	CHECK(!says_unread(t.c));
	correlator_free(t.c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "what says something else is read", test_what_says_something_else },
		{ "too many words are counted", test_too_many_words },
	};

	return check_main("refusals", tests, sizeof(tests) / sizeof(tests[0]));
}
