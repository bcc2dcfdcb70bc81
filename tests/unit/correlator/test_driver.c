/*
 * The machinery: order and repeats of records change nothing, sessions of one
 * path and epoch become one finding, revisions and retractions.
 */
#include "pile_build.h"
#include "record/addr.h"

static void
test_order_and_repeats_change_nothing(void)
{
	size_t order[RECORDS_MAX], n;
	const struct finding *const *a, *const *b;
	struct correlator *x, *y;
	struct summary sa, sb;
	uint32_t seed = 1;

	fresh();
	add(build_capture(0, 0, 1000000));
	for (uint64_t i = 1; i <= 20; i++)
		add_refused(0, i, (int64_t)i * 1000);
	add_gave_up(100, 5000);
	x = judged();
	correlator_summary(x, &sa);
	for (int round = 0; round < 20; round++) {
		for (n = 0; n < 2 * record_count; n++)
			order[n] = n % record_count;
		for (size_t i = n; i > 1; i--) {
			size_t k, t;

			seed = seed * 1664525 + 1013904223;
			k = seed % i;
			t = order[k];
			order[k] = order[i - 1];
			order[i - 1] = t;
		}
		y = judged_in_order(order, n);
		correlator_summary(y, &sb);
		CHECK_EQ_INT(correlator_findings(y, &b), correlator_findings(x, &a));
		for (size_t i = 0; i < correlator_findings(x, &a); i++)
			CHECK(finding_same(a[i], b[i]));
		CHECK(memcmp(&sa, &sb, sizeof(sa)) == 0);
		correlator_free(y);
	}
	correlator_free(x);
}

static void
test_one_finding_for_a_path_and_epoch(void)
{
	struct correlator *c;
	const struct finding *f;

	fresh();
	for (uint64_t i = 1; i <= 50; i++)
		add_refused(0, i, (int64_t)i * 500000); /* 500 s apart: one sliding epoch */
	c = judged();
	CHECK_EQ_INT(count_findings(c), 1);
	f = find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK);
	CHECK_EQ_INT(f->session_count, 50);
	CHECK_EQ_INT(f->from.port, 0); /* many client ports */
	CHECK_EQ_INT(f->to.port, 25);
	CHECK_EQ_INT(f->sessions[0], 1);
	correlator_free(c);
	fresh();
	add_refused(0, 1, 0);
	add_refused(0, 2, 3600000); /* an hour later: another */
	c = judged();
	CHECK_EQ_INT(count_findings(c), 2);
	correlator_free(c);
}

/* Surely, less surely, and where it cannot be told: the one finding counts what bears it out. */
static void
test_merged_are_as_sure_as_each(void)
{
	struct correlator *c;
	const struct finding *const *f, *told, *untold;

	fresh();
	add_gave_up(1, 0);
	add_gave_up(2, 100000);
	add_gave_up(3, 200000);
	records[3].connection.dir[0].rst = at(160000);
	records[3].connection.dir[0].fin = (struct moment){ 0 };
	records[3].connection.dir[0].rst_answers = true;
	records[6].connection.dir[0].missing = 100;
	c = judged();
	CHECK_EQ_INT(correlator_findings(c, &f), 2);
	told = f[f[0]->confidence == CONFIDENCE_CANNOT_TELL];
	untold = f[f[0]->confidence != CONFIDENCE_CANNOT_TELL];
	CHECK_EQ_INT(told->confidence, CONFIDENCE_PROBABLE);
	CHECK_EQ_INT(told->session_count, 2);
	CHECK_EQ_INT(told->less_sure, 1);
	CHECK_EQ_INT(untold->confidence, CONFIDENCE_CANNOT_TELL);
	CHECK_EQ_INT(untold->session_count, 1);
	CHECK_EQ_INT(untold->sessions[0], 3);
	correlator_free(c);
}

/* The same connection at two capture points is one session, one mail. */
static void
test_copies_count_once(void)
{
	struct correlator *c;
	const struct fate *fates;
	struct summary s;

	fresh();
	add(build_capture(0, 0, 1000));
	add(build_capture(1, 0, 1000));
	add_refused(0, 7, 0);
	add_refused(1, 7, 0);
	c = judged();
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.smtp_sessions, 1);
	CHECK_EQ_INT(s.refused, 1);
	CHECK_EQ_INT(s.rcpt_refused, 1);
	CHECK_EQ_INT(s.inputs, 2);
	CHECK_EQ_INT(correlator_fates(c, &fates), 1);
	CHECK_EQ_INT(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->session_count, 1);
	CHECK_EQ_INT(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->evidence_count,
	    6); /* both points prove it */
	correlator_free(c);
	/* the same ISNs at one point are a replay, not a copy */
	fresh();
	add_refused(0, 7, 0);
	add_refused(0, 8, 2000);
	records[4].connection.payload_hash = records[0].connection.payload_hash;
	for (int d = 0; d < 2; d++)
		records[4].connection.dir[d].isn = records[0].connection.dir[d].isn;
	c = judged();
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.smtp_sessions, 2);
	correlator_free(c);
}

/*
 * A router that translates, captured on all its interfaces: each packet twice, under two names of
 * the client.
 */
static void
test_nat_at_one_point_counts_once(void)
{
	struct correlator *c;
	struct summary s;

	fresh();
	add_refused(0, 7, 0);
	add_refused(0, 8, 3);
	records[4].connection.payload_hash = records[0].connection.payload_hash;
	for (int d = 0; d < 2; d++)
		records[4].connection.dir[d].isn = records[0].connection.dir[d].isn =
		    0x12345678U + (uint32_t)d;
	records[4].connection.client.ip = ip4(203, 0, 113, 2);
	records[4].connection.dir[0].ttl_syn = records[0].connection.dir[0].ttl_syn - 1;
	c = judged();
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.smtp_sessions, 1);
	CHECK_EQ_INT(s.refused, 1);
	CHECK_EQ_INT(count_findings(c), 1);
	CHECK(addr_equal(&find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->from.ip,
	    &records[0].connection.client.ip));
	correlator_free(c);
	records[4].connection.client.ip = records[0].connection.client.ip; /* one name: a replay */
	records[4].connection.client.port = records[0].connection.client.port;
	c = judged();
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.smtp_sessions, 2);
	correlator_free(c);
}

static void
expect_fate(const char *want)
{
	struct correlator *c = judged();
	const struct fate *fates;

	CHECK_EQ_INT(correlator_fates(c, &fates), 1);
	CHECK_EQ_STR(fates[0].fate, want);
	correlator_free(c);
}

/* Packets go to and fro until the last frame of the capture. */
static void
test_cut_short_by_the_capture(void)
{
	struct record_connection *conn = &records[0].connection;

	fresh();
	add_gave_up(1, 0);
	conn->open = true;
	conn->dir[0].fin = (struct moment){ 0 };
	expect_fate(
	    "unknown: the capture ends in the middle of the message, or no more of it came here");
	conn->dir[1].zero_from = at(57000);
	conn->dir[1].zero_to = conn->dir[1].last = at(60000);
	expect_fate(
	    "unknown: the capture ends in the middle of the message, while the server takes nothing (window 0)");
	/* it took something again */
	conn->dir[1].last = at(61000);
	expect_fate(
	    "unknown: the capture ends in the middle of the message, or no more of it came here");
	records[2].transaction.data_sent = false;
	expect_fate("unknown: the capture ends before the message");
	records[2].transaction.data_sent = true;
	records[2].transaction.end_of_data = at(59000);
	expect_fate("unknown: the capture ends before the server's answer, or none came here");
	/* six seconds in which others spoke */
	conn->t_end += 6000000000;
	expect_fate("unknown");
	conn->t_end -= 6000000000;
	/* what the capture lacks may be all the rest */
	conn->dir[0].missing = 100;
	expect_fate("unknown");
}

/* The second mail of the session hangs at RCPT: the first was taken, and the client heard it. */
static void
test_two_mails_one_unanswered(void)
{
	struct record conn = build_connection(0, 3, 0, 30000), session = build_session(&conn, 60);
	struct record first = build_transaction(&conn, 1, VERDICT_ACCEPTED, 100),
		      second = build_transaction(&conn, 2, VERDICT_UNKNOWN, 300);
	struct record rcpt = build_recipient(&second, 1, "ben@example.org", 0, "", 320);
	struct correlator *c;
	const struct fate *fates;

	conn.connection.dir[0].data_last = at(320);
	conn.connection.dir[1].data_last = at(310);
	conn.connection.dir[0].fin = at(20000);
	session.session.command_unanswered = true;
	memcpy(session.session.last_command, "RCPT", 5);
	rcpt.recipient.reply = (struct record_reply){ .text = "" };
	rcpt.recipient.verdict = VERDICT_UNKNOWN;
	fresh();
	add(conn);
	add(session);
	add(first);
	add(build_recipient(&first, 1, "ann@example.org", 250, "2.1.5 Ok", 120));
	add(second);
	add(rcpt);
	c = judged();
	CHECK(find_kind(c, FINDING_CLIENT_GAVE_UP_WAITING) != NULL);
	CHECK_EQ_INT(correlator_fates(c, &fates), 2);
	CHECK_EQ_STR(fates[0].fate, "accepted");
	CHECK_EQ_STR(fates[1].fate, "unknown: client-gave-up-waiting");
	correlator_free(c);
}

/*
 * Two connections beside each other: the second mail of the one comes behind the mail of the other.
 */
static void
test_mails_in_order_of_time(void)
{
	struct record one = build_connection(0, 1, 0, 9000),
		      other = build_connection(0, 2, 500, 2000);
	const struct fate *fates;
	struct correlator *c;

	other.connection.client.port++;
	fresh();
	add(one);
	add(build_session(&one, 0));
	add(build_transaction(&one, 1, VERDICT_ACCEPTED, 100));
	add(build_transaction(&one, 2, VERDICT_ACCEPTED, 5000));
	add(other);
	add(build_session(&other, 500));
	add(build_transaction(&other, 1, VERDICT_ACCEPTED, 700));
	c = judged();
	CHECK_EQ_INT(correlator_fates(c, &fates), 3);
	CHECK(fates[0].key.conn == 1 && fates[1].key.conn == 2 && fates[2].key.conn == 1 &&
	    fates[2].key.n == 2);
	correlator_free(c);
}

/* Frames are counted through the pieces of a capture; each is found in its own. */
static void
test_frames_of_pieces(void)
{
	struct record capture = { .type = RECORD_CAPTURE }, piece = { .type = RECORD_PIECE };
	struct correlator *c;
	char name[64];
	size_t n;

	strcpy(capture.capture.file, "mail.pcap");
	fresh();
	add(capture);
	strcpy(piece.piece.file, "mail.pcap1");
	piece.piece.key.n = 1;
	piece.piece.before = 10;
	piece.piece.frames = 5;
	add(piece);
	strcpy(piece.piece.file, "mail.pcap");
	piece.piece.key.n = 0;
	piece.piece.before = 0;
	piece.piece.frames = 10;
	add(piece);
	c = judged();
	CHECK(correlator_pieces(c, 0, &n) != NULL && n == 2);
	CHECK(correlator_piece(c, 0, 10)->key.n == 0 && correlator_piece(c, 0, 11)->key.n == 1 &&
	    correlator_piece(c, 0, 15)->key.n == 1);
	CHECK(correlator_piece(c, 0, 0) == NULL && correlator_piece(c, 0, 16) == NULL &&
	    correlator_piece(c, 1, 3) == NULL);
	CHECK(correlator_capture_name(c, 0, 12, name, sizeof(name)) > 0);
	CHECK_EQ_STR(name, "mail.pcap1");
	correlator_free(c);
}

/* Live: a finding keeps its id, counts revisions, and is retracted when it no longer holds. */
static void
test_revisions_and_retraction(void)
{
	struct correlator *c;
	const struct finding *const *v;
	uint64_t id;

	fresh();
	add_refused(0, 1, 0);
	c = judged();
	id = find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->id;
	CHECK_EQ_INT(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->revision, 0);
	correlator_judge(c);
	CHECK_EQ_INT(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->revision, 0);
	add_refused(0, 2, 1000);
	for (size_t i = 4; i < 8; i++)
		correlator_take(c, &records[i]);
	correlator_judge(c);
	CHECK(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->id == id);
	CHECK_EQ_INT(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->revision, 1);
	CHECK_EQ_INT(find_kind(c, FINDING_RELAY_DENIED_WRONG_NETWORK)->session_count, 2);
	/* both sessions turn out to have had a login on offer */
	records[1].session.auth_offered = records[5].session.auth_offered = true;
	correlator_take(c, &records[1]);
	correlator_take(c, &records[5]);
	correlator_judge(c);
	CHECK_NO_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK);
	CHECK_FINDING(c, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(correlator_findings(c, &v), 2);
	for (size_t i = 0; i < 2; i++)
		if (v[i]->id == id) {
			CHECK(v[i]->retracted);
			CHECK_EQ_INT(v[i]->revision, 2);
		}
	correlator_free(c);
}

static bool
said_incomplete(const struct correlator *c, const char *what)
{
	struct summary s;
	bool said = false;

	correlator_summary(c, &s);
	for (uint32_t i = 0; i < s.incomplete_count; i++)
		said = said || strstr(s.incomplete[i], what) != NULL;
	return said;
}

/* One connection at eight points is compared at all of them; what is beyond is said. */
static void
test_more_copies_than_are_compared(void)
{
	struct correlator *c = build_correlator();

	fresh();
	for (uint32_t point = 0; point < 8; point++) {
		struct record conn = build_connection(point, 1, 0, 500);

		correlator_take(c, &conn);
	}
	correlator_judge(c);
	CHECK(!said_incomplete(c, "were not compared"));
	for (uint32_t point = 8; point < 10; point++) {
		struct record conn = build_connection(point, 1, 0, 500);

		correlator_take(c, &conn);
	}
	correlator_judge(c);
	CHECK(said_incomplete(c, "copies of connections that were not compared: 2;"));
	correlator_free(c);
}

/* A running mail is written again and again: the last word counts. */
static void
test_the_last_record_wins(void)
{
	struct record conn = build_connection(0, 1, 0, 500), tx;
	struct correlator *c = build_correlator();
	struct summary s;

	fresh();
	tx = build_transaction(&conn, 1, VERDICT_UNKNOWN, 100);
	add(build_session(&conn, 60));
	correlator_take(c, &conn);
	correlator_take(c, &records[0]);
	correlator_take(c, &tx);
	correlator_judge(c);
	tx = build_transaction(&conn, 1, VERDICT_ACCEPTED, 100);
	correlator_take(c, &tx);
	correlator_judge(c);
	correlator_summary(c, &s);
	CHECK_EQ_INT(s.accepted, 1);
	CHECK_EQ_INT(s.attempted, 1);
	CHECK_FINDING(c, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

static void
test_records_without_their_connection(void)
{
	struct correlator *c;

	fresh();
	add_refused(0, 1, 0);
	records[0] = records[1]; /* the connection record never came */
	c = judged();
	CHECK_FINDING(c, FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_PROBABLE);
	correlator_free(c);
	fresh();
	c = judged(); /* and nothing at all */
	CHECK_EQ_INT(count_findings(c), 0);
	correlator_free(c);
}

/* Fetched whole, unless the last login of many was refused: then it was not all well. */
static void
test_a_later_connection_is_heard(void)
{
	enum { LOGINS = 300 };

	for (int refused = 0; refused < 2; refused++) {
		struct correlator *c;

		fresh();
		for (uint64_t id = 1; id <= LOGINS; id++) {
			struct record conn = build_connection(
					  0, id, (int64_t)id * 1000, (int64_t)id * 1000 + 500),
				      *s;

			conn.connection.app = APP_POP3;
			conn.connection.server.port = 110;
			add(conn);
			s = add(build_session(&conn, (int64_t)id * 1000 + 60));
			s->session.retrieved = id == 1;
			s->session.quit_ok = true;
			s->session.bye = at((int64_t)id * 1000 + 400);
			if (id < LOGINS || !refused)
				continue;
			s->session.logins_refused = s->session.refusal_count =
			    s->session.refusals_kept = 1;
			s->session.refusals[0] = (struct session_refusal){ .stage = STAGE_AUTH,
				.verb = "PASS",
				.asked = at((int64_t)id * 1000 + 100) };
			build_reply(&s->session.refusals[0].reply, 0, "[IN-USE] locked",
			    (int64_t)id * 1000 + 120);
		}
		c = judged();
		if (refused) {
			CHECK_FINDING(c, FINDING_POP_LOCKED, CONFIDENCE_CONFIRMED);
			CHECK_NO_FINDING(c, FINDING_MAIL_ACCEPTED);
		} else {
			CHECK_FINDING(c, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED);
		}
		correlator_free(c);
	}
}

static void
test_every_kind_has_its_words(void)
{
	for (int k = 0; k < FINDING_KINDS; k++) {
		const struct kind_facts *f = kind_facts((enum finding_kind)k);

		CHECK(f->title[0] != '\0');
		CHECK(kind_by_id(f->id) == (enum finding_kind)k);
		if (f->remedy[0] == '\0' && k != FINDING_CAPTURE_VANTAGE)
			printf("%s has no remedy\n", f->id);
		CHECK(f->remedy[0] != '\0' || k == FINDING_CAPTURE_VANTAGE);
	}
	CHECK(kind_by_id("no-such-kind") == FINDING_KINDS);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "order and repeats change nothing", test_order_and_repeats_change_nothing },
		{ "one finding for a path and epoch", test_one_finding_for_a_path_and_epoch },
		{ "copies count once", test_copies_count_once },
		{ "NAT at one point counts once", test_nat_at_one_point_counts_once },
		{ "cut short by the capture", test_cut_short_by_the_capture },
		{ "merged, they are as sure as each", test_merged_are_as_sure_as_each },
		{ "two mails, one unanswered", test_two_mails_one_unanswered },
		{ "revisions and retraction", test_revisions_and_retraction },
		{ "more copies than are compared", test_more_copies_than_are_compared },
		{ "the last record wins", test_the_last_record_wins },
		{ "records without their connection", test_records_without_their_connection },
		{ "a later connection is heard", test_a_later_connection_is_heard },
		{ "every kind has its words", test_every_kind_has_its_words },
		{ "mails in order of time", test_mails_in_order_of_time },
		{ "frames of pieces", test_frames_of_pieces },
	};

	return check_main("driver", tests, sizeof(tests) / sizeof(tests[0]));
}
