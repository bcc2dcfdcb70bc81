/*
 * A reset that came at one capture point: at the other, nearer to its sender, it was sent, or
 * never.
 */
#include "vantage_scene.h"

static struct scene
scene_reset(void)
{
	struct scene s = scene_clean(3600000);
	struct record_direction *seen = &s.conn[0].connection.dir[1],
				*near = &s.conn[1].connection.dir[1];

	s.with_sessions = true;
	seen->rst = at(T);
	seen->rst_count = 1;
	seen->ttl_rst = seen->ttl;
	seen->last = at(T);
	near->last = at(3600000 + TRANSIT + T + 500);
	s.conn[1].connection.dir[0].last = at(3600000 + TRANSIT + T - 20);
	return s;
}

static void
reset_never_sent(void)
{
	struct scene s = scene_reset();
	struct correlator *c;

	CHECK_SCENE(&s, FINDING_MIDDLEBOX_RESET, CONFIDENCE_CONFIRMED,
	    "between point0.pcap and point1.pcap");
	c = judged(&s);
	CHECK_NO_FINDING(c, FINDING_PEER_RESET);
	correlator_free(c);
	/* the server fell silent as well: it may have been lost at the second point alone */
	s.conn[1].connection.dir[1].last = at(3600000 + TRANSIT + T - 100);
	CHECK_SCENE(&s, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE,
	    "between point0.pcap and point1.pcap");
	/* many of them, but each only answers: so does a machine that got the server's address */
	s.conn[0].connection.dir[1].rst_count = 9;
	CHECK_SCENE(&s, FINDING_MIDDLEBOX_RESET, CONFIDENCE_CONFIRMED,
	    "between point0.pcap and point1.pcap");
	s.conn[0].connection.dir[1].rst_answers = true;
	CHECK_SCENE(&s, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE,
	    "another machine with the server's address");
}

/* Both places, and one more record of the upper one. */
static struct correlator *
judged_with(const struct scene *s, const struct record *more)
{
	struct correlator *c = build_correlator();

	correlator_take(c, more);
	for (int p = 0; p < 2; p++) {
		correlator_take(c, &s->capture[p]);
		correlator_take(c, &s->conn[p]);
		correlator_take(c, &s->session[p]);
	}
	correlator_judge(c);
	return c;
}

/*
 * A translator forgot the connection and gave it another port: under that one the server did send
 * the reset.
 */
static void
reset_of_another_name(void)
{
	struct scene s = scene_reset();
	struct record renamed = s.conn[1];
	struct record_connection *r = &renamed.connection;
	struct correlator *c;

	s.conn[1].connection.dir[1].last = at(3600000 + TRANSIT + T - 100);
	renamed.key.conn = ID + 1;
	r->client = (struct endpoint){ ip4(203, 0, 113, 2), 61000 };
	r->state = CONN_MIDSTREAM;
	r->first = at(3600000 + T - 40);
	r->last = r->dir[1].rst = at(3600000 + T - 15);
	r->dir[1].rst_count = 1;
	c = judged_with(&s, &renamed);
	CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
	correlator_free(c);
	r->dir[1].rst = at(3600000 + T - 2000); /* another one, much sooner */
	c = judged_with(&s, &renamed);
	CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/* Beyond what is looked at there may be that one: nobody is accused of what it would explain. */
static void
reset_among_many(void)
{
	struct scene s = scene_reset();

	s.conn[1].connection.dir[1].last = at(3600000 + TRANSIT + T - 100);
	for (uint64_t others = 1000; others <= 5000; others += 4000) {
		struct correlator *c = build_correlator();

		for (uint64_t i = 0; i < others; i++) {
			struct record other = s.conn[1];

			other.connection.key.conn = ID + 1 + i;
			other.connection.client =
			    (struct endpoint){ ip4(203, 0, 113, 2), (uint16_t)(1024 + i) };
			other.connection.dir[0].isn = other.connection.dir[1].isn =
			    (uint32_t)(1000000 + i);
			other.connection.dir[1].rst = (struct moment){ 0 };
			other.connection.dir[1].rst_count = 0;
			correlator_take(c, &other);
		}
		for (int p = 0; p < 2; p++) {
			correlator_take(c, &s.capture[p]);
			correlator_take(c, &s.conn[p]);
			correlator_take(c, &s.session[p]);
		}
		correlator_judge(c);
		if (others == 1000)
			CHECK_FINDING(c, FINDING_MIDDLEBOX_RESET, CONFIDENCE_PROBABLE);
		else
			CHECK_NO_FINDING(c, FINDING_MIDDLEBOX_RESET);
		correlator_free(c);
	}
}

static void
reset_not_proven(void)
{
	struct scene s = scene_reset();

	s.capture[1].capture.last = at(3600000 + TRANSIT + T - 50);
	CHECK_SCENE(&s, FINDING_PEER_RESET, CONFIDENCE_PROBABLE, NOWHERE);
	s = scene_reset();
	s.conn[1].connection.dir[0].acked_unseen = 1;
	CHECK_SCENE(&s, FINDING_PEER_RESET, CONFIDENCE_PROBABLE, NOWHERE);
	s = scene_reset();
	s.conn[1].connection.dir[1].rst = at(3600000 + TRANSIT + T - 20); /* it was sent */
	s.conn[1].connection.dir[1].rst_count = 1;
	s.conn[1].connection.dir[1].ttl_rst = 64;
	CHECK_SCENE(&s, FINDING_PEER_RESET, CONFIDENCE_PROBABLE, NOWHERE);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a reset that was never sent", reset_never_sent },
		{ "a reset that was sent under another name", reset_of_another_name },
		{ "a reset among very many connections", reset_among_many },
		{ "a reset that may have been", reset_not_proven },
	};

	return check_main("vantage_reset", tests, sizeof(tests) / sizeof(tests[0]));
}
