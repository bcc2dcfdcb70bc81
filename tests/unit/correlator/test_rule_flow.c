/* Windows, pauses and losses that have nothing to do with sizes: records in, findings out. */
#include "path_build.h"

static void
windows(void)
{
	struct record conn = build_connection(0, 1, 0, 20000);
	struct record_direction *b = &conn.connection.dir[1];
	struct correlator *c;

	b->zero_from = at(2000);
	b->zero_to = at(14000);
	c = JUDGED(conn); /* no probe was answered: it may be the path */
	CHECK_NO_FINDING(c, FINDING_ZERO_WINDOW_STALL);
	correlator_free(c);
	b->zero_probes = 5;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_ZERO_WINDOW_STALL, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	*b = (struct record_direction){
		.packets = 40, .wscale = 255, .window_eq = 58, .window_median = 64
	};
	conn.connection.dir[0].wscale = 7;
	conn.connection.dir[0].acked = conn.connection.dir[0].stream_bytes = 18800;
	conn.connection.dir[0].size_count = 2;
	conn.connection.dir[0].sizes =
	    BUILD_LIST(((struct size_class[]){ { 104, 58, 0 }, { 500, 3, 1 } }));
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_WINDOW_SCALE_BROKEN,
	    CONFIDENCE_PROBABLE); /* what its first packet offered is not known */
	correlator_free(c);
	b->window_syn = 65160;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_WINDOW_SCALE_BROKEN, CONFIDENCE_CONFIRMED);
	CHECK_EQ_STR(find_kind(c, FINDING_WINDOW_SCALE_BROKEN)->excluded[1].why,
	    "61 segments arrived, 1 did not; 18800 of 18800 bytes are acknowledged");
	correlator_free(c);
	b->window_syn = 64; /* it has no more room than that */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_WINDOW_SCALE_BROKEN);
	correlator_free(c);
	b->wscale = 0; /* a factor of 1, and yet a thousandth of what it began with */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_WINDOW_SCALE_BROKEN);
	correlator_free(c);
	b->window_syn = 65160;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_WINDOW_SCALE_BROKEN, CONFIDENCE_PROBABLE);
	correlator_free(c);
	b->wscale = 255;
	b->window_median = 8192; /* an old system without scaling */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_WINDOW_SCALE_BROKEN);
	correlator_free(c);
}

static void
pauses(void)
{
	struct record conn = build_connection(0, 1, 0, 40000), session = build_session(&conn, 100);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	conn.connection.rtt_ns = 40 * MS;
	conn.connection.dir[1].last = at(39000);
	a->timestamps = conn.connection.dir[1].timestamps = true;
	a->pause_count = 1;
	a->pauses = BUILD_LIST(
	    ((struct pause[]){ { .from = at(2000), .to = at(22000), .ids_continue = true } }));
	session.session.content_from = at(1000);
	c = JUDGED(conn, session); /* on the way, and the counter is not known to step */
	CHECK_NO_FINDING(c, FINDING_SENDER_APP_PAUSE);
	correlator_free(c);
	a->ids_step = true;
	c = JUDGED(conn, session); /* nobody knows how fast its own clock goes */
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	a->clock_ticks = 3900; /* 10 ms each */
	a->clock_ns = INT64_C(39000) * MS;
	a->pauses = BUILD_LIST(((struct pause[]){ { .from = at(2000),
	    .to = at(22000),
	    .ids_continue = true,
	    .ticks = 2000,
	    .ticks_ns = INT64_C(20000) * MS } }));
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	a->clock_ticks = 1920; /* 200 ms, and the capture's clock was set */
	a->pauses = BUILD_LIST(((struct pause[]){ { .from = at(2000),
	    .to = at(22000),
	    .ids_continue = true,
	    .ticks = 20,
	    .ticks_ns = INT64_C(20000) * MS } }));
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	session.session.content_from = at(30000); /* before the content: thinking is allowed */
	c = JUDGED(conn, session);
	CHECK_NO_FINDING(c, FINDING_SENDER_APP_PAUSE);
	correlator_free(c);
}

/*
 * It asks for room where there is some: its program need not have paused.  Beside the sender itself
 * that is known.
 */
static void
asks_for_room(void)
{
	for (int own = 0; own < 2; own++) {
		struct record conn = build_connection(0, 1, 0, 40000),
			      session = build_session(&conn, 100);
		struct record_direction *a = &conn.connection.dir[0];
		const struct finding *f;
		struct correlator *c;

		conn.connection.rtt_ns = 40 * MS;
		conn.connection.dir[1].last = at(39000);
		a->at_sender = own;
		a->ids_step = true;
		a->pause_count = 1;
		a->pauses = BUILD_LIST(((struct pause[]){
		    { .from = at(2000), .to = at(22000), .ids_continue = true, .probes = 5 } }));
		session.session.content_from = at(1000);
		c = JUDGED(conn, session);
		f = find_kind(c, FINDING_SENDER_APP_PAUSE);
		CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE,
		    own ? CONFIDENCE_PROBABLE : CONFIDENCE_CANNOT_TELL);
		CHECK_EQ_STR(f->subkind, own ? "" : "asks-for-room");
		correlator_free(c);
	}
}

/* Larger pieces, cut to full size, came before: the size is none that vanishes, the path died. */
static void
pieces_came_before(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct correlator *c;

	stall.stall.live = LIVE_L3;
	stall.stall.live_at[3] = at(FIRST + 230);
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	stall.stall.live = 0;
	stall.stall.pieces_came = true;
	c = JUDGED(conn, stall);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE);
	CHECK(frame_of(find_kind(c, FINDING_PATH_OUTAGE), "the same bytes") != 0);
	correlator_free(c);
}

/*
 * Acknowledgements that are repeated and name nothing, although SACK was agreed: what comes may be
 * refused, not one piece dropped.
 */
static void
acknowledged_and_refused(void)
{
	for (int sack = 0; sack < 3;
	     sack++) { /* not agreed, agreed, not known: the capture began later */
		struct record conn = build_stalled(20000, 0), stall = build_stall(&conn, FIRST);
		struct record_stall *s = &stall.stall;
		const struct finding *f;
		struct correlator *c;

		s->proven = conn.connection.dir[0].proven = 1500;
		s->u = s->chain_above = s->n_lost_ge = 0;
		s->n_lost_lt = s->chain_lost;
		s->again = 35;
		s->later_sent = 20;
		s->live = LIVE_L2;
		s->live_at[1] = s->last;
		s->live_at[1].ns++;
		conn.connection.dir[0].sack_ok = conn.connection.dir[1].sack_ok = sack == 1;
		conn.connection.state = sack == 2 ? CONN_MIDSTREAM : conn.connection.state;
		c = JUDGED(conn, stall);
		f = find_kind(c, FINDING_INLINE_CONTENT_DROP);
		CHECK_FINDING(c, FINDING_INLINE_CONTENT_DROP,
		    sack ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED);
		CHECK((strstr(f->summary, "refuses") != NULL) == (sack > 0));
		correlator_free(c);
	}
}

/* A client that lost its address in mid-message falls silent as one whose program paused does. */
static void
silent_to_the_end(void)
{
	struct record conn = build_paused(), session = build_session(&conn, 100);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	session.session.content_from = at(1000);
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	for (uint32_t point = 0; point < 2;
	     point++) { /* another connection goes on: of another place, by another clock, that
			   tells nothing */
		struct record other = build_connection(point, 2, 500, 15000);

		other.connection.dir[0].last = at(15000);
		c = JUDGED(conn, session, other);
		CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE,
		    point == 0 ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE);
		correlator_free(c);
	}
	a->last = at(21000); /* it ended the connection: the host was there */
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	conn.connection.state =
	    CONN_MIDSTREAM; /* joined at its last data: that is no gap behind it */
	conn.connection.first = a->pauses[0].from;
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/* It went on, and nothing of that ever arrived: that ended the mail. */
static void
silent_and_then_lost(void)
{
	struct record conn = build_paused(), session = build_session(&conn, 100),
		      stall = build_stall(&conn, 14000);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	session.session.content_from = at(1000);
	conn.connection.last = a->last = at(22000);
	a->pauses = BUILD_LIST(((struct pause[]){ { .from = at(2000), .to = at(14000) } }));
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	stall.stall.chain_count = stall.stall.chain_len = stall.stall.chain_lost =
	    stall.stall.chain_above = 2; /* too few to say why */
	stall.stall.n_lost_ge = 2;
	stall.stall.last = stall.stall.lost_last = at(14210);
	c = JUDGED(conn, session, stall);
	CHECK_NO_FINDING(c, FINDING_SENDER_APP_PAUSE);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	correlator_free(c);
}

/*
 * It sent something meanwhile that the capture has not: what became of it only a capture that ran
 * on does not lack.
 */
static void
silent_in_a_gap(void)
{
	struct record conn = build_paused(), session = build_session(&conn, 100),
		      other = build_connection(0, 2, 5000, 6000);
	struct record_direction *a = &conn.connection.dir[0];
	struct pause p = { .from = at(2000), .to = at(14000), .ids_skipped = 3 };
	const struct finding *f;
	struct correlator *c;

	session.session.content_from = at(1000);
	a->last = conn.connection.dir[1].last = at(22000);
	a->pauses = build_list(&p, sizeof(p));
	c = JUDGED(conn, session);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_CANNOT_TELL);
	f = find_kind(c, FINDING_SENDER_APP_PAUSE);
	CHECK(f != NULL &&
	    strstr(f->summary, "sent 3 packets then that the capture has not") != NULL);
	correlator_free(c);
	c = JUDGED(conn, session, other);
	CHECK_FINDING(c, FINDING_SENDER_APP_PAUSE, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

/* Seen at the receiver: without SACK the sender goes back over what had arrived. */
static void
losses_without_sack(void)
{
	struct record conn = build_connection(0, 1, 0, 40000);
	struct record_direction *a = &conn.connection.dir[0];
	const struct finding *f;
	struct correlator *c;

	a->data_segments = 95;
	a->retransmissions = 20;
	a->needless = 11;
	a->hole_fills = 4;
	a->repair_ranges = 8;
	a->repair_first = at(1000);
	a->repair_last = at(20000);
	a->ceiling = a->proven = a->w_max = 1500;
	c = JUDGED(conn); /* 13 in 95 would be loss, behind the receiver's own network */
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	a->hole_fills = 14;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_PROBABLE);
	f = find_kind(c, FINDING_HIGH_LOSS);
	CHECK(strstr(f->summary, "between the sender and this capture") != NULL);
	CHECK(strstr(f->summary, "16 %") != NULL); /* of 86: of nine more nobody knows */
	correlator_free(c);
	a->again_first = 2;
	c = JUDGED(conn);
	CHECK(strstr(find_kind(c, FINDING_HIGH_LOSS)->summary,
		  "mostly between the sender and this capture") != NULL);
	correlator_free(c);
}

/* IPv6 without time stamps: the latest of those that others overtook look sent again. */
static void
overtaken_by_many(void)
{
	struct record conn = build_connection(0, 1, 0, 40000);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;

	a->data_segments = 1411;
	a->retransmissions = 22;
	a->dsacks = 17;
	a->hole_fills = a->fills_timed = 53;
	a->repair_ranges = 58;
	a->repair_first = at(1000);
	a->repair_last = at(20000);
	a->ceiling = a->proven = a->w_max = 1500;
	a->sack_ok = conn.connection.dir[1].sack_ok = true;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	a->overtaken = 1143;
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	a->hole_fills = 153; /* a hundred are told by numbers */
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

static void
losses(void)
{
	struct record conn = build_connection(0, 1, 0, 40000);
	struct record_direction *a = &conn.connection.dir[0];
	struct correlator *c;
	struct record stall;

	a->data_segments = 97;
	a->retransmissions = a->again_first = 21;
	a->repair_ranges = 18;
	a->repair_w_max = 1500;
	a->repair_w_max_count = 21;
	a->repair_sizes = 1;
	a->repair_first = at(1000);
	a->repair_last = at(20000);
	a->ceiling = a->proven = a->w_max = 1500;
	c = JUDGED(conn); /* without SACK nobody says what was needless */
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_PROBABLE);
	correlator_free(c);
	a->sack_ok = conn.connection.dir[1].sack_ok = true;
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	conn.connection.late_ns = 400000000; /* recorded late, each of them looks sent again */
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	conn.connection.late_ns = 0;
	a->dsacks = 19; /* they were not lost */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	a->dsacks = 0;
	a->retransmissions = 45;
	conn.connection.syn_count = conn.connection.synack_count =
	    2; /* both half a round trip later again: all of it is */
	conn.connection.syn[1] = conn.connection.syn[0];
	conn.connection.syn[1].ns += 100 * MS;
	conn.connection.synack_last = conn.connection.synack_first;
	conn.connection.synack_last.ns += 100 * MS;
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	conn.connection.syn[1].ns += 1000 * MS; /* repeated by its sender */
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	conn.connection.syn_count = conn.connection.synack_count = 1;
	a->retransmissions = 21;
	a->needless = 19; /* nor were these */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	a->needless = 0;
	a->all_lost_above_proven = true; /* about size, then */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	correlator_free(c);
	a->all_lost_above_proven = false;
	a->repair_w_max = a->proven = 1400; /* nothing larger was sent: it is loss all the same */
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_HIGH_LOSS, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED);
	correlator_free(c);
	a->size_count = 2; /* larger ones were lost, and every repair fits a smaller path */
	a->sizes = BUILD_LIST(((struct size_class[]){ { 1400, 76, 0 }, { 1500, 0, 21 } }));
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	a->proven = 1500; /* a larger one arrived */
	c = JUDGED(conn);
	CHECK_NO_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED);
	correlator_free(c);
	a->repair_w_max = 1500;
	a->size_count = 2;
	a->sizes = BUILD_LIST(((struct size_class[]){ { 500, 60, 0 }, { 1500, 16, 21 } }));
	c = JUDGED(conn);
	CHECK_FINDING(c, FINDING_SIZE_DEPENDENT_LOSS, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	stall = (struct record){ .type = RECORD_STALL,
		.stall = { .key = conn.key,
		    .from = conn.connection.client,
		    .to = conn.connection.server,
		    .first = at(2000),
		    .last = at(5000),
		    .delivered = at(5500),
		    .chain_count = 5,
		    .u = 1500,
		    .proven = 500 } };
	stall.key.n = 1;
	c = JUDGED(conn, stall); /* the path was down: all that was lost meanwhile is one event */
	CHECK_NO_FINDING(c, FINDING_SIZE_DEPENDENT_LOSS);
	correlator_free(c);
}

/*
 * What a mirror doubles nobody receives twice: where receivers say that they did, the network
 * doubles it.
 */
static void
twice_by_the_network(void)
{
	for (uint32_t said = 0; said <= 20; said += 20)
		for (uint32_t again = 0; again <= 20; again += 20) {
			struct record capture = build_capture(0, 0, 60000),
				      conn = build_connection(0, 1, 0, 5000);
			const struct finding *f;
			struct correlator *c;

			capture.capture.tcp_frames = 200;
			capture.capture.duplicates = 60;
			capture.capture.duplicate_first = at(10);
			conn.connection.dir[0].dsacks = said;
			conn.connection.dir[0].retransmissions = again;
			c = JUDGED(capture, conn);
			f = find_kind(c, FINDING_CAPTURE_DUPLICATES);
			CHECK_FINDING(c, FINDING_CAPTURE_DUPLICATES, CONFIDENCE_CONFIRMED);
			CHECK((strstr(f->summary, "the network itself") != NULL) == (said > again));
			CHECK((strstr(f->remedy, "a loop of switches") != NULL) == (said > again));
			correlator_free(c);
		}
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "windows", windows },
		{ "pauses", pauses },
		{ "pauses in which it asks for room", asks_for_room },
		{ "larger pieces came before", pieces_came_before },
		{ "acknowledged and refused", acknowledged_and_refused },
		{ "silent to the end", silent_to_the_end },
		{ "silent, and what came then was lost", silent_and_then_lost },
		{ "silent in a gap of the capture", silent_in_a_gap },
		{ "losses", losses },
		{ "losses without SACK", losses_without_sack },
		{ "overtaken by many", overtaken_by_many },
		{ "twice by the network", twice_by_the_network },
	};

	return check_main("rule_flow", t, sizeof(t) / sizeof(t[0]));
}
