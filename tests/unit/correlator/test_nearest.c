/*
 * What is looked for among very many connections of a host: the nearest, however many there were
 * before; and where the search ends at its bound what is careful.
 */
#include "mail_build.h"
#include "path_build.h"

#include <stdlib.h>

#define MANY INT64_C(5000) /* a search looks at 4096 */

enum { FEW = 1000 };

/* A POP3 session of one user that logs in and leaves. */
static void
build_login(struct record v[2], uint64_t id, int64_t ms, int64_t end_ms, const char *user)
{
	v[0] = build_connection(0, id, ms, end_ms);
	v[0].connection.app = APP_POP3;
	v[0].connection.server.port = 110;
	v[1] = build_session(&v[0], ms + 60);
	v[1].session.logins_ok = 1;
	v[1].session.auth_ok = v[1].session.quit_ok = true;
	v[1].session.auth_at = at(ms + 100);
	snprintf(v[1].session.user_hash, sizeof(v[1].session.user_hash), "%s", user);
}

/* One that is told that the mailbox is locked. */
static void
build_locked(struct record v[2], uint64_t id, int64_t ms, int64_t end_ms, const char *user)
{
	struct session_refusal *r = &v[1].session.refusals[0];

	build_login(v, id, ms, end_ms, user);
	v[1].session.logins_ok = 0;
	v[1].session.auth_ok = false;
	*r = (struct session_refusal){ .verb = "PASS", .line = "PASS" };
	r->asked = at(ms + 90);
	build_reply(&r->reply, 0, "[IN-USE] maildrop is locked", ms + 100);
	v[1].session.refusals_kept = v[1].session.refusal_count = 1;
}

/* The beginning of the session that is said to hold it; 0: none. */
static uint64_t
locker(const struct record *v, size_t n)
{
	struct correlator *c = judged_records(v, n);
	uint64_t frame;

	CHECK_FINDING(c, FINDING_POP_LOCKED, CONFIDENCE_CONFIRMED);
	frame = frame_of(find_kind(c, FINDING_POP_LOCKED), "another session of the same user");
	correlator_free(c);
	return frame;
}

static void
test_locker(void)
{
	struct record v[8];

	build_login(&v[0], 1, 0, 300000, "jim");
	build_login(&v[2], 2, 1000, 300000, "jim");
	build_locked(&v[4], 3, 60000, 90000, "jim");
	build_login(&v[6], 4, 61000, 62000, "jim");
	CHECK_EQ_INT(locker(v, 6), v[2].connection.first.frame);
	CHECK_EQ_INT(
	    locker(v, 8), v[2].connection.first.frame); /* who logs in later held nothing then */
	build_login(&v[6], 4, 60050, 62000, "jim");
	CHECK_EQ_INT(locker(v, 8), v[2].connection.first.frame);
	build_login(&v[6], 4, 59000, 61000, "ann");
	CHECK_EQ_INT(locker(v, 8), v[2].connection.first.frame);
	CHECK_EQ_INT(locker(v + 4, 4), 0);
}

/* Others read their mail all the time. */
static void
test_locker_among_many(void)
{
	struct record *v = calloc((size_t)(2 * (MANY + 2)), sizeof(*v));

	CU_ASSERT_FATAL(v != NULL);
	for (uint64_t i = 0; i < (uint64_t)MANY; i++)
		build_login(&v[2 * i], i + 1, (int64_t)i * 10, (int64_t)i * 10 + 500, "ann");
	build_login(&v[2 * MANY], MANY + 1, MANY * 10 - 2000, MANY * 10 + 5000, "jim");
	build_locked(&v[2 * MANY + 2], MANY + 2, MANY * 10, MANY * 10 + 500, "jim");
	CHECK_EQ_INT(locker(v, (size_t)(2 * (MANY + 2))), v[2 * MANY].connection.first.frame);
	free(v);
}

/*
 * The last attempt of a mail is the one that is told of, and is found behind thousands of mails of
 * others.
 */
static void
test_greylisted_among_many(void)
{
	struct correlator *c = build_correlator();
	struct mail m[] = { build_mail(MANY + 1, 60000, 450, "4.3.2 come back"),
		build_mail(MANY + 2, 360000, 250, "2.1.5 Ok") };
	const struct fate *f;
	size_t n;

	for (uint64_t i = 0; i < (uint64_t)MANY; i++) {
		struct record other =
		    build_connection(0, i + 1, (int64_t)i * 10, (int64_t)i * 10 + 500);

		correlator_take(c, &other);
	}
	take(c, &m[0]);
	take(c, &m[1]);
	correlator_judge(c);
	n = correlator_fates(c, &f);
	CU_ASSERT_FATAL(n == 2);
	CHECK_EQ_STR(f[1].fate, "accepted after greylisting");
	correlator_free(c);
}

/* What was put off behind it, in the same session, is no earlier attempt of it. */
static void
test_greylisted_behind(void)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok"),
		    again = build_mail(2, 300000, 250, "2.1.5 Ok");
	struct record second = build_transaction(&m.conn, 2, VERDICT_DEFERRED, 300), late;
	struct correlator *c = build_correlator();
	const struct fate *f;

	late =
	    build_recipient(&second, 1, "ann@example.org", 450, "4.7.1 Greylisted, try again", 320);
	second.transaction.verdict_reply = late.recipient.reply;
	again.recipient.recipient.address = "ann@example.org";
	take(c, &m);
	correlator_take(c, &second);
	correlator_take(c, &late);
	take(c, &again);
	correlator_judge(c);
	CHECK_FINDING(c, FINDING_GREYLISTED, CONFIDENCE_CONFIRMED);
	CU_ASSERT_EQUAL_FATAL(correlator_fates(c, &f), 3);
	CHECK_EQ_STR(f[0].fate, "accepted");
	CHECK_EQ_STR(f[1].fate, "deferred: greylisted");
	CHECK_EQ_STR(f[2].fate, "accepted after greylisting");
	correlator_free(c);
}

/*
 * What speaks against a black hole is looked for among so many connections; beyond that nothing is
 * certain.
 */
static void
black_hole_among_many(void)
{
	struct record *r = calloc(MANY + 2, sizeof(*r));
	struct correlator *c;

	CU_ASSERT_FATAL(r != NULL);
	r[0] = build_stalled(1, 0);
	r[1] = build_stall(&r[0], 200);
	r[1].stall.live = LIVE_L3;
	r[1].stall.live_at[3] = at(430);
	for (size_t i = 0; i < MANY; i++)
		r[i + 2] = build_connection(0, i + 2, (int64_t)i, (int64_t)i + 500);
	c = judged_records(r, FEW + 2);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	c = judged_records(r, MANY + 2);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	free(r);
}

/*
 * One client of very many connections pauses in mid-message; that its host lived on only the last
 * of them shows.
 */
static struct correlator *
silent_among(uint64_t others)
{
	struct record conn = build_paused(), session = build_session(&conn, 100), other;
	struct correlator *c = build_correlator();

	session.session.content_from = at(1000);
	correlator_take(c, &conn);
	correlator_take(c, &session);
	for (uint64_t i = 1; i <= others; i++) {
		other = build_connection(0, 1 + i, 100, 22000);
		if (i == others)
			other.connection.dir[0].last = at(21000);
		correlator_take(c, &other);
	}
	correlator_judge(c);
	return c;
}

/* Where it was not looked for to the end, the host may have been gone. */
static void
test_silent_among_many(void)
{
	struct correlator *c = silent_among(FEW);

	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	c = silent_among(MANY);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "who holds a mailbox", test_locker },
		{ "who holds a mailbox of very many", test_locker_among_many },
		{ "greylisted, among very many", test_greylisted_among_many },
		{ "put off behind it", test_greylisted_behind },
		{ "a black hole among very many", black_hole_among_many },
		{ "a host silent among very many", test_silent_among_many },
	};

	return check_main("the nearest of many", tests, sizeof(tests) / sizeof(tests[0]));
}
