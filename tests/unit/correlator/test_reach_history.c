/* What hosts answered before, for weeks: contrast that is kept, bounded, and told again. */
#include "case_build.h"

/*
 * Hosts and paths that have nothing to do with it, each its own: `age_ms' before or after, all the
 * same when step is 0.
 */
static void
flood(struct correlator *c, uint32_t n, int64_t age_ms, int64_t step_ms)
{
	struct record path = { .type = RECORD_PATH };

	for (uint32_t i = 0; i < n; i++) {
		int64_t ms = age_ms + step_ms * i;
		struct record host = build_host(
		    99, ip4(10, (int)(i >> 16), (int)(i >> 8 & 255), (int)(i & 255)), 443, ms);

		host.host.answered = 1;
		correlator_take(c, &host);
		path.path.from = host.host.server.ip;
		path.path.to = host.host.client;
		path.path.epoch_ns = BASE_NS + ms * MS;
		path.path.proven = 1500;
		correlator_take(c, &path);
	}
}

static bool
forgot_history(const struct correlator *c)
{
	struct summary s;
	bool said = false;

	correlator_summary(c, &s);
	for (uint32_t i = 0; i < s.incomplete_count; i++)
		said = said ||
		    strstr(s.incomplete[i], "path and host history that were forgotten") != NULL;
	return said;
}

/*
 * More hosts and paths than are kept: it is said, the newest stay, and no order of ages makes each
 * record cost a whole table.
 */
static void
test_history_is_bounded(void)
{
	static const struct {
		int64_t age, step;
	} floods[] = {
		{ -90000000, 1 }, /* older than the witness, each newer than the one before */
		{ -90000000, 0 }, /* all of one moment */
		{ -3600000, -1 }, /* each older than all that are there: only the last would be the
				     oldest */
	};

	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		struct record syns = build_syns(1, 0, 4, 30000),
			      witness = build_host(10, ip4(198, 51, 100, 25), 587, 2000);
		struct correlator *c = build_correlator();

		witness.host.answered = 1;
		witness.host.answered_at = at(2010);
		correlator_take(c, &syns);
		correlator_take(c, &witness);
		CHECK(!forgot_history(c));
		flood(c, 600000, floods[i].age, floods[i].step);
		correlator_judge(c);
		CHECK(forgot_history(c));
		CHECK_FINDING(c, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_PROBABLE);
		correlator_free(c);
	}
}

/* Live, the same is told again and again: nothing is forgotten for it, however often. */
static void
test_history_repeated(void)
{
	struct correlator *c = build_correlator();

	for (int i = 0; i < 8; i++)
		flood(c, 20000, 0, 1);
	correlator_judge(c);
	CHECK(!forgot_history(c));
	correlator_free(c);
}

/* The same history told in parts, twice and in another order is the same history. */
static void
test_history_in_parts(void)
{
	struct record syns = build_syns(1, 0, 4, 30000),
		      early = build_host(10, ip4(198, 51, 100, 25), 587, 2000), late = early;
	struct record whole = early;
	struct correlator *a = build_correlator(), *b = build_correlator();
	const struct finding *const *x, *const *y;

	early.host.answered_at = at(2010);
	early.host.answered = 1;
	late.host.first = late.host.last = late.host.answered_at = at(9000);
	late.host.answered = 2;
	late.host.rtt_min_ns = 10 * MS;
	late.host.ttl = 61;
	whole.host = early.host;
	whole.host.last = late.host.last;
	whole.host.answered = 2;
	whole.host.rtt_min_ns = 10 * MS;
	whole.host.ttl = 61;
	correlator_take(a, &syns);
	correlator_take(a, &whole);
	for (int i = 0; i < 3; i++)
		correlator_take(b, i == 1 ? &early : &late);
	correlator_take(b, &syns);
	correlator_take(b, &early);
	correlator_judge(a);
	correlator_judge(b);
	CHECK_EQ_INT(correlator_findings(a, &x), 1);
	CHECK_EQ_INT(correlator_findings(b, &y), 1);
	CHECK_FINDING(b, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_PROBABLE);
	CHECK(finding_same(x[0], y[0]));
	correlator_free(a);
	correlator_free(b);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a history without end is bounded", test_history_is_bounded },
		{ "a history told again is not forgotten", test_history_repeated },
		{ "a history in parts is the same history", test_history_in_parts },
	};

	return check_main("reach_history", tests, sizeof(tests) / sizeof(tests[0]));
}
