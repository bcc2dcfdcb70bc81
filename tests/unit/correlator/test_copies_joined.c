/*
 * One connection at two capture points of which one lacks part of it: counted once, and never two
 * as one.
 */
#include "vantage_scene.h"

static uint64_t
mails_counted(struct scene *s)
{
	struct correlator *c = build_correlator();
	struct summary sum;

	for (int p = 0; p < 2; p++) {
		struct record t =
		    build_transaction(&s->conn[p], 1, VERDICT_ACCEPTED, 100 + p * TRANSIT);

		s->session[p] = build_session(&s->conn[p], 60);
		correlator_take(c, &s->capture[p]);
		correlator_take(c, &s->conn[p]);
		correlator_take(c, &s->session[p]);
		correlator_take(c, &t);
	}
	correlator_judge(c);
	correlator_summary(c, &sum);
	correlator_free(c);
	return sum.attempted;
}

/* The second point joined after `skipped' bytes of each direction. */
static struct scene
scene_late(uint32_t skipped)
{
	struct scene s = scene_clean(3600000);

	for (int d = 0; d < 2; d++) {
		struct record_direction *a = &s.conn[0].connection.dir[d],
					*b = &s.conn[1].connection.dir[d];

		a->seq = a->isn + 1;
		b->seq = a->seq + skipped;
		b->stream_bytes = b->acked = a->stream_bytes - skipped;
		b->isn_known = false;
		b->isn = 0;
	}
	s.conn[1].connection.state = CONN_MIDSTREAM;
	s.conn[1].connection.syn_count = s.conn[1].connection.synack_count = 0;
	s.conn[1].connection.payload_hash = 77;
	return s;
}

static void
begun_later(void)
{
	struct scene s = scene_late(100);

	CHECK_EQ_INT(mails_counted(&s), 1);
	s = scene_late(450);
	CHECK_EQ_INT(mails_counted(&s), 1);
	s = scene_late(100); /* behind NAT: both saw how it ended */
	s.conn[1].connection.client = (struct endpoint){ ip4(203, 0, 113, 2), 61000 };
	CHECK_EQ_INT(mails_counted(&s), 1);
	s.conn[1].connection.dir[0].stream_bytes -= 7;
	CHECK_EQ_INT(mails_counted(&s), 2);
	s = scene_late(100); /* both joined in the middle */
	for (int d = 0; d < 2; d++)
		s.conn[0].connection.dir[d].isn_known = false;
	CHECK_EQ_INT(mails_counted(&s), 1);
}

static void
another_connection(void)
{
	struct scene s = scene_late(100);

	s.conn[1].connection.dir[1].seq += 4000000; /* the same ports again, later */
	CHECK_EQ_INT(mails_counted(&s), 2);
	s = scene_late(100);
	s.conn[1].connection.client.port++;
	s.conn[1].connection.dir[0].stream_bytes--;
	CHECK_EQ_INT(mails_counted(&s), 2);
	s = scene_late(500); /* the next piece of one capture: nothing in common */
	CHECK_EQ_INT(mails_counted(&s), 2);
	s = scene_late(400); /* ... but what was sent again across the cut */
	s.capture[1].capture.first = at(END);
	s.capture[1].capture.last = at(END + END);
	CHECK_EQ_INT(mails_counted(&s), 2);
}

/* A firewall between them gives the connection other sequence numbers. */
static void
renumbered(void)
{
	struct scene s = scene_clean(3600000);

	for (int p = 0; p < 2; p++)
		for (int d = 0; d < 2; d++) {
			s.conn[p].connection.dir[d].tsval = 987654321U + (uint32_t)d;
			s.conn[p].connection.dir[d].isn += (uint32_t)p * 123456789U;
		}
	CHECK_EQ_INT(mails_counted(&s), 1);
	for (int d = 0; d < 2; d++)
		s.conn[1].connection.dir[d].tsval = 0;
	CHECK_EQ_INT(mails_counted(&s), 2); /* an hour apart: the same ports used again */
	s.conn[1].connection.first = at(1500);
	CHECK_EQ_INT(mails_counted(&s), 1);
	s.conn[1].connection.payload_hash = 77;
	CHECK_EQ_INT(mails_counted(&s), 2);
}

/* Of two copies the one that lacks bytes does not know of more mails than the whole one. */
static void
lossy_copy(void)
{
	struct scene s = scene_clean(0);
	struct correlator *c = build_correlator();
	struct summary sum;

	s.conn[0].connection.dir[1].missing = 150;
	for (int p = 0; p < 2; p++) {
		s.session[p] = build_session(&s.conn[p], 60);
		correlator_take(c, &s.capture[p]);
		correlator_take(c, &s.conn[p]);
		correlator_take(c, &s.session[p]);
		for (uint32_t n = 1; n <= (p == 0 ? 2U : 1U); n++) {
			struct record t =
			    build_transaction(&s.conn[p], n, VERDICT_ACCEPTED, 100 + p * TRANSIT);

			correlator_take(c, &t);
		}
	}
	correlator_judge(c);
	correlator_summary(c, &sum);
	CHECK_EQ_INT(sum.attempted, 1);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "one began later", begun_later },
		{ "another connection", another_connection },
		{ "other sequence numbers", renumbered },
		{ "one lacks bytes", lossy_copy },
	};

	return check_main("copies joined", tests, sizeof(tests) / sizeof(tests[0]));
}
