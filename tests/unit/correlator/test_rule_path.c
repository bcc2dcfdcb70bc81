/* Faults of the path and what only looks like them: records in, findings out. */
#include "path_build.h"

/* S22: an outage that begins exactly at DATA; the peer repeats what the sender acknowledges. */
static void
outage_at_data(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct correlator *c;

	stall.stall.peer_repeats = 6;
	stall.stall.peer_repeats_after_ack = 5;
	c = JUDGED(conn, stall);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	conn.connection.late_ns = 400000000; /* recorded so late, which was sent first is a guess */
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
}

static struct record
build_told(const struct record *conn, uint32_t mtu, uint32_t quoted)
{
	struct record r = { .type = RECORD_ICMP_ERROR };
	struct record_icmp_error *e = &r.icmp_error;

	e->key = conn->connection.key;
	e->key.n = 1;
	e->at = e->last = at(FIRST + 1);
	e->from = ip4(203, 0, 113, 1);
	e->to = conn->connection.client.ip;
	e->family = 4;
	e->type = 3;
	e->code = 4;
	e->mtu = mtu;
	e->frag_needed = true;
	e->quoted_from = conn->connection.client;
	e->quoted_to = conn->connection.server;
	e->quoted_len = quoted;
	e->largest_sent = 1500;
	e->sent_after = e->sent_again = 10;
	return r;
}

static void
router_told(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      told = build_told(&conn, 1400, 1500);
	struct correlator *c = JUDGED(conn, told);

	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED, CONFIDENCE_CONFIRMED);
	correlator_free(c);

	/*
	 * what was refused is not sent again, nor did it arrive: nobody knows; where it did arrive,
	 * in large pieces perhaps, it was obeyed
	 */
	told.icmp_error.sent_again = 0;
	conn.connection.dir[0].seq = 1000;
	told.icmp_error.quoted_seq = 1500;
	c = JUDGED(conn, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED, CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
	told.icmp_error.quoted_seq = 1400;
	c = JUDGED(conn, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED, CONFIDENCE_CONFIRMED);
	correlator_free(c);

	told.icmp_error.sent_after_above = told.icmp_error.sent_after_above_lost = 5;
	stall.stall.live = LIVE_L3;
	stall.stall.ptb_first = told.icmp_error.at;
	stall.stall.ptb_mtu = 1400;
	c = JUDGED(conn, stall, told); /* at the sender itself */
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_IGNORED, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	CHECK_EQ_INT(find_kind(c, FINDING_ICMP_FRAG_NEEDED_IGNORED)->mtu.try, 1400);
	correlator_free(c);

	conn.connection.disordered = 5; /* were recorded late: sent before the message, perhaps */
	c = JUDGED(conn, stall, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_IGNORED, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	conn.connection.disordered = 0;

	conn.connection.dir[0].at_sender = false; /* farther out: S8 */
	c = JUDGED(conn, stall, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_IGNORED, CONFIDENCE_CONFIRMED);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);

	/*
	 * the far side of the sender's own router: next to it by the clock, but the TTL was counted
	 * down
	 */
	conn.connection.vantage = 950;
	conn.connection.dir[0].ttl = 63;
	c = JUDGED(conn, stall, told);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	conn.connection.dir[0].ttl = 64;
	c = JUDGED(conn, stall, told);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	conn.connection.vantage = -1;

	/*
	 * the two-step case of the seed: the local router's 1492 is obeyed, the rest vanishes
	 * farther out
	 */
	told = build_told(&conn, 1492, 1500);
	stall.stall.u = stall.stall.w_min = 1492;
	stall.stall.ptb_mtu = 1492;
	c = JUDGED(conn, stall, told);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(find_kind(c, FINDING_PMTU_BLACK_HOLE)->mtu.try, 1454);
	CHECK_EQ_INT(find_kind(c, FINDING_PMTU_BLACK_HOLE)->mtu.mss, 1414);
	correlator_free(c);

	/* ... and the advice for the MSS is the narrow place's, not the router's that spoke */
	c = JUDGED(conn, stall, build_told(&conn, 1492, 1500));
	CHECK_FINDING(c, FINDING_MSS_NOT_CLAMPED, CONFIDENCE_CONFIRMED);
	CHECK(strstr(find_kind(c, FINDING_MSS_NOT_CLAMPED)->remedy, "adjust-mss 1414") != NULL);
	CHECK(strstr(find_kind(c, FINDING_MSS_NOT_CLAMPED)->remedy, "1452") == NULL);
	correlator_free(c);

	told = build_told(&conn, 0, 1500);
	c = JUDGED(conn, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_MTU_ZERO, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_ICMP_FRAG_NEEDED_BOGUS);
	correlator_free(c);

	told = build_told(&conn, 40, 1500);
	c = JUDGED(conn, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_BOGUS, CONFIDENCE_POSSIBLE);
	CHECK_NO_FINDING(c, FINDING_ICMP_FRAG_NEEDED_IGNORED);
	CHECK(strstr(find_kind(c, FINDING_ICMP_FRAG_NEEDED_BOGUS)->remedy, "RFC 8200") == NULL);
	correlator_free(c);

	told = build_told(&conn, 1000, 1280); /* of IPv6 a link that must carry more */
	told.icmp_error.family = 6;
	c = JUDGED(conn, told);
	CHECK_FINDING(c, FINDING_ICMP_FRAG_NEEDED_BOGUS, CONFIDENCE_POSSIBLE);
	CHECK(strstr(find_kind(c, FINDING_ICMP_FRAG_NEEDED_BOGUS)->remedy, "RFC 8200") != NULL);
	correlator_free(c);

	told = build_told(&conn, 1600, 9000); /* S25: above everything sent */
	told.icmp_error.sent_after_above = 0;
	c = JUDGED(conn, told);
	CHECK_NO_FINDING(c, FINDING_ICMP_FRAG_NEEDED_OBEYED);
	correlator_free(c);
}

static void
fragments(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      late = build_told(&conn, 0, 1500);
	struct correlator *c;

	stall.stall.live = LIVE_L3;
	stall.stall.df_clear = true;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_FRAGMENTS_DROPPED, CONFIDENCE_PROBABLE);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	stall.stall.fragment_trains = 12;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_FRAGMENTS_DROPPED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	late.icmp_error.type = 11;
	late.icmp_error.code = 1;
	late.icmp_error.frag_needed = false;
	c = JUDGED(conn, late);
	CHECK_FINDING(c, FINDING_FRAGMENTS_DROPPED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

static void
content(void)
{
	struct record conn = build_stalled(20000, 0), stall = build_stall(&conn, FIRST), other,
		      again, third, thirdly;
	struct correlator *c;

	stall.stall.proven = conn.connection.dir[0].proven = 1500;
	stall.stall.u = 0;
	stall.stall.chain_above = 0;
	stall.stall.live = 0;
	stall.stall.n_lost_lt = stall.stall.chain_lost; /* nothing else was lost */
	stall.stall.n_lost_ge = 0;
	stall.stall.later_delivered = 19; /* but not the newest: the path died */
	c = JUDGED(conn, stall);
	CHECK_NO_FINDING(c, FINDING_INLINE_CONTENT_DROP);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	stall.stall.later_last = true;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_INLINE_CONTENT_DROP, CONFIDENCE_PROBABLE);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	correlator_free(c);
	stall.stall.live = LIVE_L2; /* its FIN is answered behind all that */
	stall.stall.live_at[1] = stall.stall.last;
	stall.stall.live_at[1].ns++;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_INLINE_CONTENT_DROP, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	stall.stall.options_cut = true; /* SACK cannot be read: nobody can tell (S11) */
	c = JUDGED(conn, stall);
	CHECK_NO_FINDING(c, FINDING_INLINE_CONTENT_DROP);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
	stall.stall.options_cut = false;
	stall.stall.chain_lost = 5;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_INLINE_CONTENT_DROP, CONFIDENCE_PROBABLE);
	correlator_free(c);
	other = conn; /* another session is what makes it sure, not the same one at three places */
	again = stall;
	third = conn;
	thirdly = stall;
	other.connection.key.point = again.stall.key.point = 1;
	third.connection.key.point = thirdly.stall.key.point = 2;
	c = JUDGED(conn, stall, other, again, third, thirdly);
	CHECK_FINDING(c, FINDING_INLINE_CONTENT_DROP, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

static void
outages(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct record other = build_stalled(2, 0), stall2 = build_stall(&other, FIRST + 500);
	struct correlator *c;

	stall.stall.proven = stall2.stall.proven = conn.connection.dir[0].proven =
	    other.connection.dir[0].proven = 1500;
	stall.stall.u = stall2.stall.u = 0;
	stall.stall.chain_above = stall2.stall.chain_above = 0;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE);
	CHECK(strstr(find_kind(c, FINDING_PATH_OUTAGE)->summary, "whatever its size") ==
	    NULL); /* nothing small was tried */
	correlator_free(c);
	c = JUDGED(conn, stall, other, stall2);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	/*
	 * it gives up, or the capture ends, before any rule can tell: that is said, and no more; a
	 * RST says so for itself
	 */
	other = conn;
	stall2 = stall;
	stall2.stall.chain_count = stall2.stall.chain_len = stall2.stall.chain_lost = 3;
	stall2.stall.last = stall2.stall.lost_last = at(FIRST + 630);
	other.connection.t_end = other.connection.last.ns;
	c = JUDGED(other, stall2);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
	stall2.stall.delivered = at(FIRST + 700);
	c = JUDGED(other, stall2);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	correlator_free(c);
	stall2 = stall; /* the snap length cut the SACK blocks */
	stall2.stall.options_cut = true;
	c = JUDGED(other, stall2);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
	other.connection.dir[0].rst = at(19000);
	other.connection.dir[0].rst_count = 1;
	c = JUDGED(other, stall2);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	correlator_free(c);
	stall.stall.idle_before_ns = 12000 * MS;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_IDLE_STATE_EXPIRED, CONFIDENCE_POSSIBLE);
	CHECK(
	    strstr(find_kind(c, FINDING_IDLE_STATE_EXPIRED)->summary, "whatever its size") == NULL);
	CHECK(strstr(find_kind(c, FINDING_IDLE_STATE_EXPIRED)->summary, "probably") == NULL);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	correlator_free(c);
	stall.stall.w_min = 92; /* small ones were lost, too */
	c = JUDGED(conn, stall);
	CHECK(
	    strstr(find_kind(c, FINDING_IDLE_STATE_EXPIRED)->summary, "whatever its size") != NULL);
	correlator_free(c);
	stall.stall.live_any = LIVE_L1; /* something small passes */
	c = JUDGED(conn, stall);
	CHECK_NO_FINDING(c, FINDING_IDLE_STATE_EXPIRED);
	CHECK_NO_FINDING(c, FINDING_PATH_OUTAGE);
	correlator_free(c);
}

/*
 * An outage that is over, and a mail that got through behind it: what befalls the next mail has
 * another cause.
 */
static void
healed(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      one = build_transaction(&conn, 1, VERDICT_ACCEPTED, 500),
		      two = build_transaction(&conn, 2, VERDICT_LOST, 12000);
	struct correlator *c;
	const struct fate *fates;

	stall.stall.proven = conn.connection.dir[0].proven = 1500;
	stall.stall.u = stall.stall.chain_above = 0;
	stall.stall.delivered = at(FIRST + 6500);
	stall.stall.delivered_w = 1500;
	one.transaction.final_reply.at = one.transaction.verdict_reply.at = at(FIRST + 7000);
	conn.connection.dir[1].rst = at(13000);
	conn.connection.dir[1].rst_count = 1;
	c = JUDGED(conn, stall, one, two);
	CHECK_FINDING(c, FINDING_PATH_OUTAGE, CONFIDENCE_PROBABLE);
	CHECK(find_kind(c, FINDING_PEER_RESET) != NULL);
	CHECK_EQ_INT(correlator_fates(c, &fates), 2);
	CHECK(strstr(fates[1].fate, "path-outage") == NULL);
	correlator_free(c);

	/* while no mail has got through since, it may be what made it reset */
	one.transaction.verdict = VERDICT_UNKNOWN;
	c = JUDGED(conn, stall, one, two);
	CHECK(find_kind(c, FINDING_PEER_RESET) == NULL);
	CHECK_EQ_INT(correlator_fates(c, &fates), 2);
	CHECK_EQ_STR(fates[1].fate, "did not get through: path-outage");
	CHECK_EQ_INT(find_kind(c, FINDING_PATH_OUTAGE)->severity, SEVERITY_ERROR);
	correlator_free(c);

	/* where all mails got through it cost time alone */
	two.transaction.verdict = one.transaction.verdict = VERDICT_ACCEPTED;
	c = JUDGED(conn, stall, one, two);
	CHECK_EQ_INT(find_kind(c, FINDING_PATH_OUTAGE)->severity, SEVERITY_WARNING);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "what an outage explains", healed },
		{ "an outage that begins at DATA", outage_at_data },
		{ "a router told the size", router_told },
		{ "fragments", fragments },
		{ "one piece of content", content },
		{ "outages", outages },
	};

	return check_main("path rules", tests, sizeof(tests) / sizeof(tests[0]));
}
