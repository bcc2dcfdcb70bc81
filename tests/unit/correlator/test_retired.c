/* test_retired.c - a full store forgets connections, but neither their counts nor what was wrong with them. */
#include "mail_build.h"

static struct correlator *
small_correlator(uint64_t budget)
{
	struct correlator_options o = { .budget = budget };
	char err[256];
	struct correlator *c = correlator_new(&o, err, sizeof(err));

	CU_ASSERT_FATAL(c != NULL);
	return c;
}

static void
take_refused(struct correlator *c, uint32_t point, uint64_t id)
{
	struct mail m;

	build_frame = id * 100;
	m = build_mail(id, (int64_t)id * 1000, 554, "5.7.1 Relay access denied");
	m.conn.connection.key.point = m.session.session.key.point = point;
	m.transaction.transaction.key.point = m.recipient.recipient.key.point = point;
	take(c, &m);
}

/* Months of sessions in little memory: counts and findings stay, single mails leave, and that is said. */
static void
test_a_full_store_forgets_cases_only(void)
{
	struct correlator *c = small_correlator(1 << 20);
	struct summary s;
	const struct fate *fates;
	const struct finding *f;

	for (uint64_t i = 1; i <= 600; i++)
		take_refused(c, 0, i);
	correlator_judge(c);
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.smtp_sessions, 600);
	CHECK_EQ_INT(s.refused, 600);
	CHECK_EQ_INT(s.attempted, 600);
	CHECK_EQ_INT(s.rcpt_refused, 600);
	CHECK(s.incomplete_count > 0);
	CHECK(correlator_fates(c, &fates) < 600);
	f = find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK);
	CHECK(f != NULL);
	CHECK_EQ_INT(count_findings(c), 1);
	CHECK_EQ_INT(f->session_count, 600);
	CHECK_EQ_INT(f->first.ns, BASE_NS + 1120 * MS);
	correlator_free(c);
}

/* A second capture of what has left memory is still a copy. */
static void
test_a_late_copy_counts_once(void)
{
	struct correlator *c = small_correlator(200000);
	struct summary s;

	for (uint32_t point = 0; point < 2; point++)
		for (uint64_t i = 1; i <= 60; i++)
			take_refused(c, point, i);
	correlator_judge(c);
	correlator_summary(c, &s);
	CHECK(s.incomplete_count > 0);
	CHECK_EQ_INT(s.smtp_sessions, 60);
	CHECK_EQ_INT(s.refused, 60);
	correlator_free(c);
}

/* From another client each, so that none joins the finding of another. */
static void
take_from(struct correlator *c, uint64_t id, int code, const char *text)
{
	struct mail m = build_mail(id, (int64_t)id * 1000, code, text);

	m.conn.connection.client.ip = m.session.session.client.ip = ip4(203, (int)(id >> 16) & 0xff, (int)(id >> 8) & 0xff, (int)id & 0xff);
	take(c, &m);
}

/* More findings outlive their connections than are kept: mail that was accepted gives way to what was not. */
static void
test_faults_outlive_successes(void)
{
	enum { REFUSED = 50, MAILS = 7000 };
	struct correlator *c = small_correlator(1 << 20);
	const struct finding *const *v;
	struct summary s;
	size_t n, refused = 0;

	for (uint64_t i = 1; i <= REFUSED; i++)
		take_from(c, i, 554, "5.7.1 Relay access denied");
	for (uint64_t i = REFUSED + 1; i <= REFUSED + MAILS; i++)
		take_from(c, i, 250, "2.1.5 Ok");
	correlator_judge(c);
	correlator_summary(c, &s);
	CHECK(s.findings[FINDING_MAIL_ACCEPTED] < MAILS);	/* else nothing had to give way */
	n = correlator_findings(c, &v);
	for (size_t i = 0; i < n; i++)
		refused += v[i]->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && !v[i]->retracted;
	CHECK_EQ_INT(refused, REFUSED);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a full store forgets cases only", test_a_full_store_forgets_cases_only },
		{ "a late copy counts once", test_a_late_copy_counts_once },
		{ "faults outlive successes", test_faults_outlive_successes },
	};

	return check_main("retired", tests, sizeof(tests) / sizeof(tests[0]));
}
