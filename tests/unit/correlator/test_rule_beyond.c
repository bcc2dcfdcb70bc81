/* What was lost before this point: holes, and what fills them. */
#include "case_build.h"

/* Packets of 1500 bytes may be sent; none larger than `proven' comes here. */
static struct record
seen_from_behind(uint32_t proven)
{
	struct record conn = build_connection(0, 1, 0, 20000);
	struct record_direction *a = &conn.connection.dir[0];

	conn.connection.rtt_ns = 40 * MS;
	conn.connection.rtt_known = true;
	a->ceiling = 1500;
	a->w_max = a->proven = proven;
	return conn;
}

static void
from_behind(void)
{
	struct record conn = seen_from_behind(92);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	a->hole_seen = at(1000);
	a->hole_bytes = UINT64_C(11) * 1448;
	a->hole_segments = 11;
	a->missing = a->hole_bytes;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	a->hole_bytes = 2856; /* two of 1428: a router said 1480, and they vanish further on */
	a->hole_segments = 0;
	c = JUDGED(conn); /* the IDs do not tell of so many */
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	a->hole_id_jump = 12;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	a->hole_bytes = UINT64_C(11) * 1448;
	a->hole_segments = 11;
	a->hole_acked = true; /* the receiver has it: the capture missed it */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	a->hole_acked = false;
	a->w_max = 1500; /* full size does come here */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	a->w_max = 92;
	a->super_segments = 1; /* or larger pieces, which a card joined */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	a->super_segments = 0;
	a->w_max = 1076;
	a->hole_filled = at(5000);
	a->hole_filled_smaller = true;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/*
 * Its sender probes for the size (RFC 4821) and makes no full-size packets: of its usual ones a
 * queue dropped some.
 */
static void
usual_ones_missing(void)
{
	struct record conn = seen_from_behind(1493);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	a->timestamps = true;
	a->hole_seen = at(1000);
	a->hole_filled = at(5000);
	a->hole_filled_smaller = true;
	for (uint32_t n = 1; n <= 2; n++) {
		a->hole_bytes = n * (1493 - 52);
		c = JUDGED(conn);
		CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED);
		correlator_free(c);
	}
	a->hole_bytes = 1448; /* one of full size */
	a->hole_segments = 1;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/* Nothing came while the sender tried; then all of it, in packets that are never of full size. */
static void
from_behind_after_silence(void)
{
	struct record conn = seen_from_behind(1288);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	a->data_segments = 70;
	a->hole_fills = a->repair_ranges = 18;
	a->repair_w_max = 1076;
	a->repair_w_max_count = 10;
	a->repair_sizes = 3;
	a->larger_after_repair = true;
	a->repair_first = at(4600);
	a->repair_last = at(5000);
	c = JUDGED(conn); /* of losses nobody saw the size: chance, or size alone */
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CANNOT_TELL);
	for (uint32_t i = 0; i < find_kind(c, FINDING_HIGH_LOSS)->excluded_count; i++)
		CHECK(find_kind(c, FINDING_HIGH_LOSS)->excluded[i].kind != FINDING_PMTU_BLACK_HOLE);
	CHECK(strstr(find_kind(c, FINDING_HIGH_LOSS)->next_capture, "at the sender") != NULL);
	correlator_free(c);
	a->w_max = 1500; /* full size does come */
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	a->w_max = 1288;
	a->ids_step = true;
	a->id_gap = 14;
	a->id_gap_from = at(1000);
	a->id_gap_to = at(4500);
	a->hole_seen = at(4560);
	a->hole_bytes = 14904;
	a->hole_filled = at(4600);
	a->hole_filled_smaller = true;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED, CONFIDENCE_POSSIBLE);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	a->hole_bytes = 600; /* nothing large had been on its way: an outage in the dialogue */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED);
	correlator_free(c);
	a->hole_bytes = 14904;
	a->id_gap_big_before = true; /* full size came before: the path was down */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	a->w_max = 1500;
	a->id_gap = 3; /* three lost in a row, where losses went before: chance, and patience */
	a->repair_first = at(500);
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	a->repair_first = at(4600); /* none went before */
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "seen from behind", from_behind },
		{ "seen from behind, usual ones are missing", usual_ones_missing },
		{ "from behind, after a silence", from_behind_after_silence },
	};

	return check_main("seen from behind", tests, sizeof(tests) / sizeof(tests[0]));
}
