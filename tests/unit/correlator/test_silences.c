/* Causes swallow their symptoms, and nothing else. */
#include "pile_build.h"

/*
 * Sendmail and qpsmtpd still say something to a client that is gone: its RST acknowledges nothing.
 */
static void
test_gave_up_and_is_answered(void)
{
	struct correlator *c;

	fresh();
	add_gave_up(1, 0);
	records[0].connection.dir[1].stream_bytes = 600;
	c = judged(); /* nobody knows that it is gone: what it did not acknowledge may be lost */
	CHECK_NO_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA);
	correlator_free(c);
	records[0].connection.dir[1].data_last = at(60020);
	c = judged(); /* the server speaks, and no RST answers it */
	CHECK_NO_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA);
	correlator_free(c);
	records[0].connection.dir[0].rst = at(60040);
	c = judged();
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA, CONFIDENCE_PROBABLE);
	correlator_free(c);
	records[0].connection.dir[1].data_last = at(59000);
	c = judged(); /* a RST that answers nothing */
	CHECK_NO_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA);
	correlator_free(c);
}

/*
 * A RST with which a host answers for a connection that is gone tells that, and not who ended it.
 */
static void
test_gave_up_and_was_gone(void)
{
	struct correlator *c;
	struct record_direction *client = &records[0].connection.dir[0];

	fresh();
	add_gave_up(1, 0);
	client->fin = (struct moment){ 0 };
	client->rst = at(60000);
	client->rst_count = 1;
	c = judged();
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA, CONFIDENCE_PROBABLE);
	correlator_free(c);
	client->rst_answers = true;
	c = judged();
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA, CONFIDENCE_POSSIBLE);
	CHECK_EQ_INT(frame_of(find_kind(c, FINDING_CLIENT_GAVE_UP_AT_DATA), "no such connection"),
	    client->rst.frame);
	correlator_free(c);
}

/*
 * The message breaks off, and the server resets a minute later; the client's last byte was at
 * `last' ms.  The server's direction.
 */
static struct record_direction *
add_reset(int64_t last)
{
	struct record_direction *client = &records[0].connection.dir[0],
				*server = &records[0].connection.dir[1];

	fresh();
	add_gave_up(1, 0);
	client->fin = (struct moment){ 0 };
	client->data_last = at(last);
	server->data_last = at(300);
	server->rst = at(60000);
	server->rst_count = 1;
	server->ttl_rst = server->ttl;
	return server;
}

/*
 * In the server's name: a RST that only answers for a connection that is gone does not say who
 * ended it.
 */
static void
test_dropped_and_was_gone(void)
{
	for (int gone = 0; gone < 2; gone++) {
		struct record_direction *server = add_reset(59900);
		const struct finding *f;
		struct correlator *c;

		server->rst_answers = gone;
		c = judged();
		f = find_kind(c, FINDING_SERVER_DROPPED);
		CHECK_FINDING(
		    c, FINDING_SERVER_DROPPED, gone ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE);
		CHECK((strstr(f->summary, "a device in its name") != NULL) == gone);
		correlator_free(c);
		server->at_sender = true; /* at its own network: the host was restarted, or another
					     one has its address */
		c = judged();
		CHECK_FINDING(
		    c, FINDING_SERVER_DROPPED, gone ? CONFIDENCE_PROBABLE : CONFIDENCE_CONFIRMED);
		CHECK((strstr(find_kind(c, FINDING_SERVER_DROPPED)->remedy, "failover") != NULL) ==
		    gone);
		correlator_free(c);
	}
}

/* Silence, then a RST: a server that gives up waiting sends one with an ACK. */
static void
test_gave_up_waiting_by_rst(void)
{
	for (int bare = 0; bare < 2; bare++) {
		struct record_direction *server = add_reset(300);
		struct correlator *c;

		server->rst_bare = bare;
		c = judged();
		CHECK_FINDING(c, FINDING_SERVER_TIMEOUT_421,
		    bare ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE);
		CHECK_EQ_INT(frame_of(find_kind(c, FINDING_SERVER_TIMEOUT_421), "no ACK") ==
			server->rst.frame,
		    bare);
		correlator_free(c);
	}
}

/*
 * The client's program rests, goes on for longer than it had rested, and then somebody in between
 * cuts the connection, or the server does: that is why the mail did not get through.
 */
static void
test_pause_before_the_end(void)
{
	for (int cut = 0; cut < 2; cut++) {
		struct record_direction *server = add_reset(59900),
					*client = &records[0].connection.dir[0];
		const struct fate *fates;
		struct correlator *c;

		records[0].connection.rtt_ns = 40 * MS;
		records[1].session.content_from = at(200);
		client->timestamps = server->timestamps = client->ids_step = true;
		client->clock_ticks = 3900, client->clock_ns = INT64_C(39000) * MS; /* 10 ms each */
		client->last = at(59900), server->last = at(60000);
		client->pause_count = 1;
		client->pauses = BUILD_LIST(((struct pause[]){ { .from = at(2000),
		    .to = at(22000),
		    .ids_continue = true,
		    .ticks = 2000,
		    .ticks_ns = INT64_C(20000) * MS } }));
		server->ttl_rst = (uint8_t)(cut ? server->ttl + 20 : server->ttl);
		server->reset_signs = cut ? RESET_R1 | RESET_R5 | RESET_R7 : 0;
		c = judged();
		CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_CONFIRMED);
		CHECK_EQ_INT(find_kind(c, FINDING_MIDDLEBOX_RESET) != NULL &&
			find_kind(c, FINDING_MIDDLEBOX_RESET)->confidence == CONFIDENCE_CONFIRMED,
		    cut);
		CHECK_EQ_INT(correlator_fates(c, &fates), 1);
		CHECK_EQ_STR(fates[0].fate,
		    cut ? "did not get through: middlebox-reset" : "unknown: server-dropped");
		correlator_free(c);
	}
}

static void
test_symptom_without_and_with_its_cause(void)
{
	struct correlator *c;
	const struct finding *f;
	const struct fate *fates;

	fresh();
	add_gave_up(1, 0);
	c = judged();
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA, CONFIDENCE_PROBABLE);
	CHECK_EQ_INT(correlator_fates(c, &fates), 1);
	CHECK_EQ_STR(fates[0].fate, "unknown: client-gave-up-at-data");
	correlator_free(c);
	/* the server's window stays shut: that is why */
	records[0].connection.dir[1].zero_from = at(1000);
	records[0].connection.dir[1].zero_to = at(50000);
	records[0].connection.dir[1].zero_probes = 6;
	records[1].session.content_from = at(200);
	c = judged();
	f = find_kind(c, FINDING_ZERO_WINDOW_STALL);
	CHECK(f != NULL);
	CHECK_NO_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA);
	if (f != NULL) {
		bool told = false;

		for (uint32_t i = 0; i < f->excluded_count; i++)
			told = told || f->excluded[i].kind == FINDING_CLIENT_GAVE_UP_AT_DATA;
		CHECK(told);
		CHECK_EQ_STR(f->client_shows,
		    "0x800CCC0F (connection dropped), 0x800CCC19 (time-out), Outlook 0x8004210B (time-out while sending)"); /* either once */
		CHECK_EQ_INT(correlator_fates(c, &fates), 1);
		CHECK_EQ_STR(fates[0].fate, "did not get through: zero-window-stall");
		CHECK_EQ_INT(fates[0].because_count, 1);
		CHECK(fates[0].because[0] == f->id);
		CHECK_EQ_INT(f->severity, SEVERITY_ERROR);
	}
	correlator_free(c);
	/* it opened, and the client sent on for longer than that: another thing ended it */
	records[0].connection.dir[1].zero_to = at(20000);
	records[0].connection.dir[1].zero_over = true;
	c = judged();
	f = find_kind(c, FINDING_ZERO_WINDOW_STALL);
	CHECK(f != NULL && f->severity == SEVERITY_WARNING);
	CHECK_FINDING(c, FINDING_CLIENT_GAVE_UP_AT_DATA, CONFIDENCE_PROBABLE);
	CHECK_EQ_INT(correlator_fates(c, &fates), 1);
	CHECK_EQ_STR(fates[0].fate, "unknown: client-gave-up-at-data");
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a client that gave up, and whom the server answers",
		    test_gave_up_and_is_answered },
		{ "a client that gave up, and was gone", test_gave_up_and_was_gone },
		{ "dropped, and the RST only answers", test_dropped_and_was_gone },
		{ "a server gives up by RST", test_gave_up_waiting_by_rst },
		{ "a pause before somebody cuts the connection", test_pause_before_the_end },
		{ "a symptom without and with its cause", test_symptom_without_and_with_its_cause },
	};

	return check_main("silences", tests, sizeof(tests) / sizeof(tests[0]));
}
