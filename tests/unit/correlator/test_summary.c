/*
 * The counts of the contract: verdicts, recipients, POP3, frag-needed, and why an analysis is
 * incomplete.
 */
#include "case_build.h"

static struct record
build_frag_needed(uint32_t point, uint64_t conn, uint32_t n, uint32_t repeats)
{
	struct record r = { .type = RECORD_ICMP_ERROR };

	r.icmp_error.key = (struct record_key){ .point = point, .conn = conn, .n = n };
	r.icmp_error.at = at(100);
	r.icmp_error.family = 4;
	r.icmp_error.type = 3;
	r.icmp_error.code = 4;
	r.icmp_error.mtu = 1492;
	r.icmp_error.frag_needed = true;
	r.icmp_error.from = ip4(192, 0, 2, 1);
	r.icmp_error.quoted_from = (struct endpoint){ ip4(192, 0, 2, 10), 40000 };
	r.icmp_error.quoted_to = (struct endpoint){ ip4(198, 51, 100, 25), 25 };
	r.icmp_error.repeats = repeats;
	r.icmp_error.dir = -1;
	return r;
}

static struct summary
summed(struct correlator *c)
{
	struct summary s;

	correlator_judge(c);
	correlator_summary(c, &s);
	correlator_free(c);
	return s;
}

static void
test_verdicts(void)
{
	static const enum verdict all[] = { VERDICT_ACCEPTED, VERDICT_REFUSED, VERDICT_DEFERRED,
		VERDICT_LOST, VERDICT_UNKNOWN, VERDICT_ABANDONED, VERDICT_NONE, VERDICT_REFUSED };
	struct record conn = build_connection(0, 1, 0, 5000), r = build_session(&conn, 60);
	struct correlator *c = build_correlator();
	struct summary s;

	correlator_take(c, &conn);
	correlator_take(c, &r);
	for (uint32_t i = 0; i < 8; i++) {
		r = build_transaction(&conn, i + 1, all[i], 100 + i * 100);
		r.transaction.nested = i == 7; /* MAIL within MAIL: no attempt */
		correlator_take(c, &r);
	}
	s = summed(c);
	CHECK_EQ_INT(s.attempted, 5);
	CHECK_EQ_INT(s.accepted, 1);
	CHECK_EQ_INT(s.refused, 1);
	CHECK_EQ_INT(s.deferred, 1);
	CHECK_EQ_INT(s.lost, 1);
	CHECK_EQ_INT(s.unknown, 1);
	CHECK_EQ_INT(s.abandoned, 1);
	CHECK_EQ_INT(s.smtp_sessions, 1);
}

static void
test_recipients(void)
{
	static const int codes[] = { 250, 251, 450, 550, 553, 0 };
	struct record conn = build_connection(0, 1, 0, 5000), session = build_session(&conn, 60);
	struct record tx = build_transaction(&conn, 1, VERDICT_ACCEPTED, 100);
	struct correlator *c = build_correlator();
	struct summary s;

	correlator_take(c, &conn);
	correlator_take(c, &session);
	correlator_take(c, &tx);
	for (uint32_t i = 0; i < 6; i++) {
		struct record r =
		    build_recipient(&tx, i + 1, "x@example.net", codes[i], "whatever", 110 + i);

		if (codes[i] == 0)
			r.recipient.reply =
			    (struct record_reply){ 0 }; /* not answered: not counted */
		correlator_take(c, &r);
	}
	s = summed(c);
	CHECK_EQ_INT(s.rcpt_accepted, 2);
	CHECK_EQ_INT(s.rcpt_deferred, 1);
	CHECK_EQ_INT(s.rcpt_refused, 2);
}

static void
test_pop3(void)
{
	struct record conn = build_connection(0, 1, 0, 5000), r;
	struct correlator *c = build_correlator();
	struct summary s;

	conn.connection.app = APP_POP3;
	conn.connection.server.port = 110;
	r = build_session(&conn, 60);
	r.session.retrieved = 3;
	r.session.cut = 1;
	r.session.logins_ok = 1;
	r.session.logins_refused = 2;
	correlator_take(c, &conn);
	correlator_take(c, &r);
	s = summed(c);
	CHECK_EQ_INT(s.pop3_sessions, 1);
	CHECK_EQ_INT(s.smtp_sessions, 0);
	CHECK_EQ_INT(s.retrieved, 3);
	CHECK_EQ_INT(s.cut, 1);
	CHECK_EQ_INT(s.logins_accepted, 1);
	CHECK_EQ_INT(s.logins_refused, 2);
}

/*
 * A black hole in a fetch: the last of the message is short and arrives, what came before does not.
 */
static uint64_t
fetched(uint64_t acked, bool gap, int fin_ms, uint64_t *unconfirmed)
{
	struct record conn = build_connection(0, 1, 0, 15000), r;
	struct correlator *c = build_correlator();
	struct summary s;

	conn.connection.app = APP_POP3;
	conn.connection.server.port = 110;
	conn.connection.dir[1].acked = acked;
	conn.connection.dir[1].stream_bytes = 12403;
	conn.connection.dir[0].fin = fin_ms > 0 ? at(fin_ms) : (struct moment){ 0 };
	correlator_take(c, &conn);
	r = build_session(&conn, 60);
	r.session.retrieved = 1;
	correlator_take(c, &r);
	r = (struct record){ .type = RECORD_MESSAGE,
		.message = { .key = conn.key,
		    .app = APP_POP3,
		    .number = 1,
		    .state = MESSAGE_WHOLE,
		    .bytes = 628,
		    .end = 12403,
		    .first = at(1000),
		    .last = at(1000),
		    .gap = gap,
		    .message_id = "",
		    .subject = "",
		    .from = "",
		    .content_type = "",
		    .uidl = "",
		    .date = "",
		    .received_by = "",
		    .signature = "",
		    .fault_name = "",
		    .fault_path = "",
		    .scanner = "",
		    .attachment_hashes = "",
		    .body_hash = "" } };
	r.key.n = 1;
	correlator_take(c, &r);
	s = summed(c);
	*unconfirmed = s.unconfirmed;
	return s.retrieved;
}

static void
test_pop3_unconfirmed(void)
{
	uint64_t not ;

	CHECK(fetched(12403, true, 14000, &not ) == 1 && not == 0);
	CHECK(fetched(92, true, 0, &not ) == 0 && not == 1);
	CHECK(fetched(92, false, 14000, &not ) == 0 && not == 1);
	CHECK(fetched(92, false, 0, &not ) == 1 && not == 0); /* the capture ends before the ACK */
}

/* Live, a mail and its connection are told of before the session is. */
static void
test_session_to_come(void)
{
	struct record conn = build_connection(0, 1, 0, 5000),
		      tx = build_transaction(&conn, 1, VERDICT_ACCEPTED, 100);
	struct correlator *c = build_correlator();

	conn.connection.dir[0].fin = at(150);
	tx.transaction.end_acked = true;
	tx.transaction.final_reply =
	    (struct record_reply){ .code = 250, .text = "Ok", .at = at(4000) };
	correlator_take(c, &tx);
	correlator_take(c, &conn);
	correlator_judge(c);
	CHECK_FINDING(c, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

/* Port 465 and its like; one that said STARTTLS had visible lines. */
static void
test_hidden(void)
{
	struct correlator *c = build_correlator();
	struct summary s;

	for (uint32_t i = 0; i < 2; i++) {
		struct record conn = build_connection(0, i + 1, 0, 5000),
			      r = build_session(&conn, 60);

		r.session.tls = true;
		r.session.visible = i == 1;
		correlator_take(c, &conn);
		correlator_take(c, &r);
	}
	s = summed(c);
	CHECK_EQ_INT(s.hidden_sessions, 1);
	CHECK_EQ_INT(s.smtp_sessions, 1);
}

/* Repeats count, also without mail flow; one error seen at two points counts once. */
static void
test_frag_needed(void)
{
	struct record r[] = {
		build_frag_needed(0, 1, 1, 3),
		build_frag_needed(1, 1, 1, 1),
		build_frag_needed(0, 0, 1, 0),
		build_frag_needed(0, 0, 2, 0),
		build_frag_needed(0, 0, 3, 0),
	};
	struct correlator *c = build_correlator();

	r[2].icmp_error.mtu = 1400;
	r[3].icmp_error.quoted_from.port = 41000;
	r[4].icmp_error.frag_needed = false;
	for (size_t i = 0; i < 5; i++) {
		correlator_take(c, &r[i]);
		correlator_take(c, &r[i]);
	}
	CHECK_EQ_INT(summed(c).frag_needed, 4 + 1 + 1);
}

static void
test_incomplete(void)
{
	struct record r[] = { build_capture(0, 0, 1000), build_capture(1, 0, 1000),
		build_capture(2, 0, 1000) };
	struct correlator *c = build_correlator();
	struct summary s;

	snprintf(r[0].capture.damage, sizeof(r[0].capture.damage), "cut in the middle of frame 9");
	r[1].capture.drops_known = true;
	r[1].capture.drops_kernel = 17;
	r[2].capture.caps_hit = 2;
	snprintf(r[2].capture.caps, sizeof(r[2].capture.caps), "flows 2");
	memcpy(r[2].capture.file, r[1].capture.file,
	    sizeof(r[2].capture.file)); /* two interfaces of one file */
	for (size_t i = 0; i < 3; i++)
		correlator_take(c, &r[i]);
	s = summed(c);
	CHECK_EQ_INT(s.packets, 300);
	CHECK_EQ_INT(s.inputs, 2);
	CHECK_EQ_INT(s.incomplete_count, 3);
	CHECK(strstr(s.incomplete[0], "point0.pcap") != NULL &&
	    strstr(s.incomplete[0], "frame 9") != NULL);
	CHECK(strstr(s.incomplete[1], "17") != NULL);
	CHECK(strstr(s.incomplete[2], "flows 2") != NULL);
	CHECK_EQ_INT(s.findings[FINDING_CAPTURE_LOSS], 1);
}

/*
 * More reasons than the list holds: the last one tells how many, and what is not of one capture is
 * among the first.
 */
static void
test_incomplete_in_many_ways(void)
{
	enum { CAPTURES = 40 };
	struct correlator *c = build_correlator();
	uint32_t last = sizeof(((struct summary *)0)->incomplete) /
		sizeof(((struct summary *)0)->incomplete[0]) -
	    1;
	struct summary s;

	for (uint32_t i = 0; i < CAPTURES; i++) {
		struct record r = build_capture(i, 0, 1000);

		r.capture.drops_known = true;
		r.capture.drops_kernel = 17;
		correlator_take(c, &r);
	}
	correlator_unread(c, 3, false);
	s = summed(c);
	CHECK_EQ_INT(s.incomplete_count, last + 1);
	CHECK(strstr(s.incomplete[0], "lines of records") != NULL);
	CHECK(strstr(s.incomplete[last - 1], "point") != NULL);
	CHECK_EQ_INT(s.incomplete_more, CAPTURES + 1 - last);
	CHECK(strncmp(s.incomplete[last], "and 10 more", 11) == 0);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "verdicts", test_verdicts },
		{ "recipients", test_recipients },
		{ "POP3", test_pop3 },
		{ "incomplete in many ways", test_incomplete_in_many_ways },
		{ "the session is told of later", test_session_to_come },
		{ "POP3, not confirmed to the end", test_pop3_unconfirmed },
		{ "encrypted from the first byte", test_hidden },
		{ "frag-needed", test_frag_needed },
		{ "incomplete, and why", test_incomplete },
	};

	return check_main("summary", tests, sizeof(tests) / sizeof(tests[0]));
}
