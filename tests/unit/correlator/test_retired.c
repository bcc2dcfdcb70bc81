/*
 * test_retired.c - a full store forgets connections, but neither their counts nor what was wrong
 * with them.
 */
#include "mail_build.h"
#include "path_build.h"

#include "correlator/gone.h"

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

/*
 * Months of sessions in little memory: counts and findings stay, single mails leave, and that is
 * said.
 */
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

	m.conn.connection.client.ip = m.session.session.client.ip =
	    ip4(203, (int)(id >> 16) & 0xff, (int)(id >> 8) & 0xff, (int)id & 0xff);
	take(c, &m);
}

/*
 * More findings outlive their connections than are kept: mail that was accepted gives way to what
 * was not.
 */
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
	CHECK(s.findings[FINDING_MAIL_ACCEPTED] < MAILS); /* else nothing had to give way */
	n = correlator_findings(c, &v);
	for (size_t i = 0; i < n; i++)
		refused += v[i]->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && !v[i]->retracted;
	CHECK_EQ_INT(refused, REFUSED);
	correlator_free(c);
}

static bool
says(const struct summary *s, const char *words)
{
	for (uint32_t i = 0; i < s->incomplete_count; i++)
		if (strstr(s->incomplete[i], words) != NULL)
			return true;
	return false;
}

/* Errors that fit no connection, of a router that has nothing to do with it. */
static void
take_lone_icmp(struct correlator *c, uint64_t from, uint64_t n, bool frag_needed, int64_t ms)
{
	for (uint64_t i = from; i < from + n; i++) {
		struct record r = { .type = RECORD_ICMP_ERROR };

		r.icmp_error = (struct record_icmp_error){ .key = { .n = i },
			.at = at(ms),
			.from = ip4(203, 0, 113, 77),
			.quoted_from = { ip4(10, 1, (int)(i >> 8) & 0xff, (int)i & 0xff),
			    (uint16_t)(i >> 16) },
			.quoted_to = { ip4(10, 2, 0, 1), 443 },
			.family = 4,
			.type = 3,
			.code = frag_needed ? 4 : 3,
			.mtu = frag_needed ? 1400 : 0,
			.frag_needed = frag_needed,
			.quoted_proto = 6,
			.quoted_len = 1500,
			.dir = -1 };
		r.icmp_error.last = r.icmp_error.at;
		correlator_take(c, &r);
	}
}

/* A sensor of weeks heard more of them than it keeps: those of today are the ones that count. */
static void
test_lone_icmp_gives_way(void)
{
	enum { BEFORE = 40000, AFTER = 50000 };
	struct correlator *c = build_correlator();
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      icmp = build_tunnel_told(&conn, &stall, BEFORE + 1);
	const struct finding *f;
	struct summary s;

	take_lone_icmp(c, 1, BEFORE, true, -5000);
	correlator_take(c, &conn);
	correlator_take(c, &stall);
	correlator_take(c, &icmp);
	take_lone_icmp(
	    c, BEFORE + 2, AFTER, false, FIRST + 20); /* that only say a port is closed */
	correlator_judge(c);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1400 &&
	    strstr(f->summary, "203.0.113.1 refuses the packets around them") != NULL);
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.frag_needed, BEFORE + 4);
	CHECK(says(&s, "ICMP errors that fit no connection and were forgotten"));
	CHECK(!says(&s, "not kept"));
	correlator_free(c);
}

/* What routers told of connections that left is still counted, once. */
static void
test_frag_needed_outlives_cases(void)
{
	struct correlator *c = small_correlator(1 << 20);
	struct summary s;

	for (uint64_t i = 1; i <= 600; i++) {
		struct record e = { .type = RECORD_ICMP_ERROR };

		take_refused(c, 0, i);
		e.icmp_error = (struct record_icmp_error){ .key = { .conn = i, .n = 1 },
			.at = at((int64_t)i * 1000),
			.from = ip4(203, 0, 113, 1),
			.quoted_from = { ip4(192, 0, 2, 10), (uint16_t)i },
			.quoted_to = { ip4(198, 51, 100, 25), 25 },
			.family = 4,
			.type = 3,
			.code = 4,
			.mtu = 1400,
			.frag_needed = true,
			.quoted_proto = 6,
			.quoted_len = 1500 };
		e.icmp_error.last = e.icmp_error.at;
		correlator_take(c, &e);
	}
	correlator_judge(c);
	correlator_summary(c, &s);
	CHECK(says(&s, "left memory"));
	CHECK_EQ_INT(s.frag_needed, 600);
	correlator_free(c);
}

/* More conversations than are remembered: the last ones are. */
static void
test_the_last_that_left_are_known(void)
{
	const uint64_t n = 3 * (uint64_t)GONE_KNOWN + 5, step = UINT64_C(0x9e3779b97f4a7c15);
	struct gone g = { 0 };
	uint64_t known = 0;

	CHECK(gone_add(&g, 0) && gone_add(&g, 0) && !gone_has(&g, 0));
	for (uint64_t i = 1; i <= n; i++)
		CHECK(gone_add(&g, i * step));
	for (uint64_t i = n; i > n - GONE_KNOWN; i--)
		known += gone_has(&g, i * step);
	CHECK_EQ_INT(known, GONE_KNOWN);
	CHECK(!gone_add(&g, n * step));
	CHECK(gone_add(&g, step)); /* the first was forgotten, and is new again */
	CHECK_EQ_INT(g.forgotten, 2 * GONE_KNOWN);
	gone_free(&g);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a full store forgets cases only", test_a_full_store_forgets_cases_only },
		{ "a late copy counts once", test_a_late_copy_counts_once },
		{ "faults outlive successes", test_faults_outlive_successes },
		{ "lone ICMP errors give way", test_lone_icmp_gives_way },
		{ "frag-needed outlives its case", test_frag_needed_outlives_cases },
		{ "the last that left are known", test_the_last_that_left_are_known },
	};

	return check_main("retired", tests, sizeof(tests) / sizeof(tests[0]));
}
