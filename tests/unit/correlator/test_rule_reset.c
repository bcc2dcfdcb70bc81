/* Resets: whose they are, records in, findings out. */
#include "case_build.h"

static void
resets(void)
{
	struct record conn = build_connection(0, 1, 0, 5000), session = build_session(&conn, 100);
	struct record_direction *b = &conn.connection.dir[1];
	struct correlator *c;

	b->rst = at(3000);
	b->rst_count = 1;
	b->ttl_rst = 60;
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_PEER_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
	b->rst_answers = true; /* what closed the connection before is not here */
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_PEER_RESET, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	b->rst_answers = false;
	session.session.quit = at(2900);
	c = JUDGED(conn, session);
	CHECK_NO_FINDING(c, FINDING_PEER_RESET);
	correlator_free(c);
	b->ttl_rst = 63;
	b->reset_signs = RESET_R5; /* one sign alone is not enough to accuse */
	session.session.quit = (struct moment){ 0 };
	c = JUDGED(conn, session);
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
	b->reset_signs = RESET_R1 | RESET_R5 | RESET_R7;
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PEER_RESET);
	correlator_free(c);
	b->ttl_rst_first = 254; /* and behind it the end's own, to what it no longer knows */
	b->ttl_rst = b->ttl = 60;
	c = JUDGED(conn, session);
	CHECK(find_kind(c, FINDING_MIDDLEBOX_RESET) != NULL &&
	    strstr(find_kind(c, FINDING_MIDDLEBOX_RESET)->summary,
		"by its TTL 1 router from here, not 4") != NULL);
	correlator_free(c);
}

/* That its TTL fits is said where it is known. */
static void
resets_whose_ttl_is_not_known(void)
{
	for (uint8_t ttl = 0; ttl <= 60; ttl += 60) {
		struct record conn = build_connection(0, 1, 0, 5000),
			      session = build_session(&conn, 100);
		struct record_direction *b = &conn.connection.dir[1];
		const struct finding *f;
		bool fits = false;
		struct correlator *c;

		b->rst = at(3000);
		b->rst_count = 1;
		b->ttl = b->ttl_syn = b->ttl_rst = ttl;
		c = JUDGED(conn, session);
		f = find_kind(c, FINDING_PEER_RESET);
		CHECK(f != NULL);
		for (uint32_t i = 0; f != NULL && i < f->excluded_count; i++)
			fits = fits || f->excluded[i].kind == FINDING_MIDDLEBOX_RESET;
		CHECK_EQ_INT(fits, ttl != 0);
		correlator_free(c);
	}
}

/*
 * A probe: it is greeted, says nothing, and leaves by RST; that nobody can read the greeting (a
 * snap length) is no matter.
 */
static void
resets_of_a_client_that_said_nothing(void)
{
	for (int said = 0; said < 2; said++) {
		struct record conn = build_connection(0, 1, 0, 5000),
			      session = build_session(&conn, 100);
		struct record_direction *a = &conn.connection.dir[0];
		struct correlator *c;

		a->data_segments = said ? 5 : 0;
		a->data_last = said ? at(2900) : (struct moment){ 0 };
		a->rst = at(3000);
		a->rst_count = 1;
		a->ttl_rst = 60;
		conn.connection.dir[1].data_last = at(2800);
		session.session.visible = false;
		c = JUDGED(conn, session);
		CHECK((find_kind(c, FINDING_PEER_RESET) != NULL) == said);
		correlator_free(c);
	}
}

/* All that the server says of a connection that began before the capture is RST. */
static void
resets_of_what_is_no_longer_known(void)
{
	for (uint32_t more = 0; more < 2; more++) {
		struct record conn = build_connection(0, 1, 0, 5000);
		struct record_direction *b = &conn.connection.dir[1];
		struct correlator *c;

		conn.connection.state = CONN_MIDSTREAM;
		b->data_segments = 0;
		b->data_first = b->data_last = (struct moment){ 0 };
		b->rst = at(3000);
		b->rst_count = 1;
		b->packets = 1 + more;
		c = JUDGED(conn);
		CHECK((find_kind(c, FINDING_STALE_SESSION_RESET) != NULL) == !more);
		CHECK((find_kind(c, FINDING_PEER_RESET) != NULL) == more);
		correlator_free(c);
	}
}

/* What it had sent is not here: lost on its way, or missed by a capture that missed others. */
static void
resets_behind_what_is_not_here(void)
{
	for (int missed = 0; missed < 2; missed++) {
		struct record capture = build_capture(0, 0, 10000),
			      conn = build_connection(0, 1, 0, 5000),
			      session = build_session(&conn, 100);
		struct record_direction *b = &conn.connection.dir[1];
		const struct finding *f;
		struct correlator *c;

		capture.capture.acked_unseen = missed ? 100 : 0;
		b->rst = at(3000);
		b->rst_count = 1;
		b->ttl_rst = 60;
		b->unseen_count = 1;
		b->unseen = BUILD_LIST(((struct stretch[]){ { .at = 500, .bytes = 80 } }));
		c = JUDGED(capture, conn, session);
		CHECK_FINDING(
		    c, FINDING_PEER_RESET, missed ? CONFIDENCE_CANNOT_TELL : CONFIDENCE_PROBABLE);
		f = find_kind(c, FINDING_PEER_RESET);
		CHECK(
		    f != NULL && (strstr(f->summary, "missed by this capture") != NULL) == missed);
		correlator_free(c);
	}
}

/*
 * A reset of the server's in `two' sessions right behind a command; *more: what else was seen of
 * the first.
 */
static struct correlator *
cut_at_command(const char *verb, const char *other, uint32_t signs, int64_t later)
{
	struct record r[4];

	for (uint32_t i = 0; i < 2; i++) {
		struct record *conn = &r[2 * (size_t)i], *session = conn + 1;

		*conn = build_connection(0, i + 1, 10000 * (int64_t)i, 10000 * (int64_t)i + 5000);
		*session = build_session(conn, 100);
		conn->connection.rtt_known = true;
		conn->connection.rtt_ns = 40 * MS;
		conn->connection.vantage = 950;
		conn->connection.dir[0].data_last = at(10000 * (int64_t)i + 3000);
		conn->connection.dir[1].rst = at(10000 * (int64_t)i + 3000 + later);
		conn->connection.dir[1].rst_count = 1;
		conn->connection.dir[1].ttl_rst = conn->connection.dir[1].ttl;
		conn->connection.dir[1].reset_signs = signs;
		session->session.command_unanswered = true;
		snprintf(session->session.last_command, sizeof(session->session.last_command), "%s",
		    i == 0 ? verb : other);
	}
	return judged_records(r, 4);
}

static void
resets_at_a_command(void)
{
	struct correlator *c;

	c = cut_at_command("STARTTLS", "starttls", RESET_R5, 20);
	CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
	c = cut_at_command("STARTTLS", "STARTTLS", RESET_R5 | RESET_R6, 20);
	CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	c = cut_at_command("STARTTLS", "STARTTLS", RESET_R6, 20);
	CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
	c = cut_at_command(
	    "STARTTLS", "STARTTLS", 0, 20); /* a server that crashes there does the same */
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	CHECK_FINDING(c, FINDING_PEER_RESET, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	c = cut_at_command("STARTTLS", "MAIL FROM:<a@b>", RESET_R5, 20);
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
	c = cut_at_command("STARTTLS", "STARTTLS", RESET_R5, 900);
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
}

/*
 * A handshake that waited for ARP makes every RST look hasty: what the other connection of these
 * hosts needed tells.
 */
static struct correlator *
crash_at_command(int64_t haste, int64_t loop, int64_t other_loop)
{
	struct record r[4];

	for (uint32_t i = 0; i < 2; i++) {
		struct record *conn = &r[2 * (size_t)i], *session = conn + 1;

		*conn = build_connection(0, i + 1, 10000 * (int64_t)i, 10000 * (int64_t)i + 5000);
		*session = build_session(conn, 100);
		conn->connection.dir[1].loop_ns = i == 0 ? loop : other_loop;
		if (i == 1)
			continue;
		conn->connection.dir[1].rst = at(3000);
		conn->connection.dir[1].rst_count = 1;
		conn->connection.dir[1].ttl_rst = conn->connection.dir[1].ttl;
		conn->connection.dir[1].reset_haste_ns = haste;
		conn->connection.dir[1].reset_signs = RESET_R6 | RESET_R1;
	}
	return judged_records(r, 4);
}

static void
resets_only_seem_hasty(void)
{
	struct correlator *c = crash_at_command(5 * MS, 28 * MS, 27 * MS);

	CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
	c = crash_at_command(5 * MS, 28 * MS, 6 * MS);
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
	c = cut_at_command(
	    "STARTTLS", "STARTTLS", RESET_R6, 30); /* as late as the end itself, but for a little */
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
}

/* One hop less or more is no proof of a forgery, and no fit either. */
static void
resets_of_uncertain_origin(void)
{
	struct record conn = build_connection(0, 1, 0, 5000), session = build_session(&conn, 100);
	struct record_direction *b = &conn.connection.dir[1];
	struct correlator *c;

	b->rst = at(3000);
	b->rst_count = 1;
	b->ttl_rst = (uint8_t)(b->ttl + 1);
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_PEER_RESET, CONFIDENCE_POSSIBLE);
	CHECK(strstr(find_kind(c, FINDING_PEER_RESET)->summary, "not certain") != NULL);
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
	b->ttl_rst = b->ttl;
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_PEER_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/*
 * Its TTL is that of the packets of another connection to the same address: no device in between is
 * proven by it.
 */
static void
resets_of_another_machine(void)
{
	for (int known = 0; known < 3; known++) { /* not at all, at another place, here */
		struct record r[3] = { build_connection(0, 1, 0, 5000), { 0 },
			build_connection(known == 1, 2, 10000, 15000) };
		struct record_direction *b = &r[0].connection.dir[1],
					*other = &r[2].connection.dir[1];
		const struct finding *f;
		struct correlator *c;

		r[1] = build_session(&r[0], 100);
		b->rst = at(3000);
		b->rst_count = 1;
		b->ttl_rst = (uint8_t)(b->ttl + 64);
		b->reset_signs = RESET_R5 | RESET_R5B;
		r[2].connection.client.port++;
		other->data_segments = 5;
		other->data_first = at(10100);
		other->ttl = known == 0 ? b->ttl : b->ttl_rst;
		c = judged_records(r, 3);
		f = find_kind(c, FINDING_PEER_RESET);
		CHECK((find_kind(c, FINDING_MIDDLEBOX_RESET) != NULL) == (known < 2));
		if (known == 2) {
			CHECK_FINDING(c, FINDING_PEER_RESET, CONFIDENCE_POSSIBLE);
			CHECK_EQ_INT(frame_of(f, "another machine has the address"),
			    other->data_first.frame);
			CHECK(strstr(f->remedy, "given twice") != NULL);
		}
		correlator_free(c);
	}
}

/* Behind a silence a device may have forgotten it: that is said, with what helps. */
static void
resets_behind_a_silence(void)
{
	for (int64_t rest = 20; rest <= 200; rest += 180) {
		struct record conn = build_connection(0, 1, 0, 250000),
			      session = build_session(&conn, 100);
		struct record_direction *b = &conn.connection.dir[1];
		struct correlator *c;

		conn.connection.dir[0].last = conn.connection.dir[0].data_last = at(3000);
		b->data_last = at(2900);
		b->rst = at(3000 + rest * 1000);
		b->rst_count = 1;
		b->ttl_rst = 63;
		b->reset_signs = RESET_R5 | RESET_R6;
		c = JUDGED(conn, session);
		CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE);
		CHECK((strstr(find_kind(c, FINDING_MIDDLEBOX_RESET)->remedy, "RFC 5382") != NULL) ==
		    (rest > 60));
		correlator_free(c);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "resets", resets },
		{ "resets of what is no longer known", resets_of_what_is_no_longer_known },
		{ "resets behind what is not here", resets_behind_what_is_not_here },
		{ "resets whose TTL is not known", resets_whose_ttl_is_not_known },
		{ "resets of a client that said nothing", resets_of_a_client_that_said_nothing },
		{ "resets at a command", resets_at_a_command },
		{ "resets of uncertain origin", resets_of_uncertain_origin },
		{ "resets of another machine", resets_of_another_machine },
		{ "resets behind a silence", resets_behind_a_silence },
		{ "RSTs that only seem hasty", resets_only_seem_hasty },
	};

	return check_main("reset rule", tests, sizeof(tests) / sizeof(tests[0]));
}
