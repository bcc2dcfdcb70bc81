/* Faults of the path and what only looks like them: records in, findings out. */
#include "path_build.h"

static void
black_hole(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct correlator *c;
	const struct finding *f;
	bool chain = false, live = false;

	stall.stall.live = LIVE_L3;
	stall.stall.live_at[3] = at(FIRST + 230);
	stall.stall.peer_repeats = 1;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	if (f != NULL) {
		CHECK_EQ_INT(f->mtu.upper, 1499);
		CHECK_EQ_INT(f->mtu.proven, 92);
		CHECK(strstr(f->remedy, "MSS") != NULL);
		CHECK(strstr(f->client_shows, "0x800CCC0F") != NULL);
		CHECK(f->excluded_count > 0);
		for (uint32_t i = 0; i < f->evidence_count; i++) {
			chain = chain || f->evidence[i].frames[0] == stall.stall.chain[0].frame;
			live = live || f->evidence[i].frames[0] == stall.stall.live_at[3].frame;
		}
		CHECK(chain);
		CHECK(live);
	}
	CHECK_FINDING(c, FINDING_MSS_NOT_CLAMPED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

static bool
excludes(const struct finding *f, enum finding_kind kind)
{
	for (uint32_t i = 0; f != NULL && i < f->excluded_count; i++)
		if (f->excluded[i].kind == kind)
			return true;
	return false;
}

/* A router from before RFC 1191 says why, though not how much: nobody says that none does. */
static void
black_hole_unsized(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      icmp = { .type = RECORD_ICMP_ERROR };
	struct correlator *c;
	const struct finding *f;

	stall.stall.live = LIVE_L3;
	stall.stall.live_at[3] = at(FIRST + 230);
	icmp.icmp_error = (struct record_icmp_error){ .key = conn.connection.key,
		.at = at(FIRST + 10),
		.from = ip4(203, 0, 113, 1),
		.family = 4,
		.type = 3,
		.code = 4,
		.frag_needed = true,
		.quoted_len = 1500,
		.quote_cut = true };
	c = JUDGED(conn, stall);
	CHECK(excludes(find_kind(c, FINDING_PMTU_BLACK_HOLE), FINDING_ICMP_FRAG_NEEDED_IGNORED));
	correlator_free(c);
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && !excludes(f, FINDING_ICMP_FRAG_NEEDED_IGNORED));
	CHECK(f != NULL && strstr(f->summary, "203.0.113.1 refuses them") != NULL);
	CHECK(f != NULL && strstr(f->remedy, "The router at 203.0.113.1") != NULL);
	correlator_free(c);
}

/*
 * Seen inside a tunnel: a router tells its end, of the packets around those lost, how much it
 * carries.
 */
static void
black_hole_in_tunnel(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      icmp = { .type = RECORD_ICMP_ERROR };
	struct record_icmp_error *e = &icmp.icmp_error;
	struct correlator *c;
	const struct finding *f;

	stall.stall.live = LIVE_L3;
	stall.stall.live_at[3] = at(FIRST + 230);
	strcpy(conn.connection.tunnel, "vxlan");
	conn.connection.tunnel_bytes = 50;
	*e = (struct record_icmp_error){ .key = { .n = 1 },
		.at = at(FIRST + 10),
		.last = at(FIRST + 640),
		.from = ip4(203, 0, 113, 1),
		.to = ip4(203, 0, 113, 2),
		.family = 4,
		.type = 3,
		.code = 4,
		.mtu = 1450,
		.frag_needed = true,
		.quoted_proto = 17,
		.quoted_len = 1550,
		.dir = -1,
		.repeats = 3 };
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1400 && f->mtu.upper == 1400 && f->mtu.mss == 1360);
	CHECK(f != NULL &&
	    strstr(f->summary,
		"203.0.113.1 refuses the packets around them and tells that to the tunnel's end, not to the sender") !=
		NULL);
	CHECK(f != NULL &&
	    strstr(f->remedy, "Set the MTU of the tunnel (vxlan) at 203.0.113.2 to 1400") != NULL);
	correlator_free(c);
	e->quoted_len = 1549; /* another packet of the tunnel's end */
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492 && strstr(f->summary, "no router says why") != NULL);
	correlator_free(c);
	e->quoted_len = 1550;
	e->at = at(FIRST + 60000); /* at another time */
	e->last = at(FIRST + 60000);
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492);
	correlator_free(c);
	e->at = e->last = at(FIRST - 5000); /* ... or before the first was lost */
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492);
	correlator_free(c);
	e->at = e->last = at(FIRST + 10);
	e->mtu = 1550; /* no less than the packet it refuses: no word about its size */
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492 && strstr(f->summary, "no router says why") != NULL);
	correlator_free(c);
	e->mtu = 1450;
	conn.connection.tunnel_mirror = true; /* of the copies, as below */
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492);
	correlator_free(c);
	conn.connection.tunnel_mirror = false;
	strcpy(conn.connection.tunnel, "erspan"); /* of the copies, not of what is copied */
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492);
	correlator_free(c);
	strcpy(conn.connection.tunnel, "vxlan");
	e->mtu = 130; /* less than what did arrive needs */
	c = JUDGED(conn, stall, icmp);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->mtu.try == 1492);
	correlator_free(c);
}

/* S6: nothing small was sent meanwhile. */
static void
black_hole_or_death(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      tx = build_transaction(&conn, 1, VERDICT_UNKNOWN, 500);
	struct correlator *c = JUDGED(conn, stall, tx);
	const struct finding *f;
	const struct fate *fates;

	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	CHECK(f != NULL && f->next_capture[0] != '\0');
	/* what rests on it says so */
	CHECK_FINDING(c, FINDING_MSS_NOT_CLAMPED, CONFIDENCE_POSSIBLE);
	f = find_kind(c, FINDING_MSS_NOT_CLAMPED);
	CHECK(f != NULL &&
	    strstr(f->summary,
		"If the path carries at most 1499 bytes (MSS 1459), which is possible,") != NULL);
	CHECK_EQ_INT(correlator_fates(c, &fates), 1);
	CHECK_EQ_STR(fates[0].fate, "did not get through: possibly pmtu-black-hole");
	correlator_free(c);
	stall.stall.first_of_size = false; /* its size was sent before: nothing can be said */
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
}

/*
 * Offload hides the first of four transmissions, and the capture ends with the last: what became of
 * that one it does not show.  As far as chance goes, three losses beside four small packets are not
 * enough to exclude it.
 */
static void
few_losses(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct correlator *c;
	const struct finding *f;

	stall.stall.live = LIVE_L3;
	stall.stall.live_at[3] = at(FIRST + 230);
	stall.stall.chain[0].super = true;
	stall.stall.chain[0].w = 2928;
	stall.stall.chain[3].lost = false;
	stall.stall.chain_count = stall.stall.chain_len = 4;
	stall.stall.chain_lost = stall.stall.chain_above = 3;
	stall.stall.n_lost_ge = 2;
	stall.stall.last.ns = stall.stall.chain[3].ns += 2000000000;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_PROBABLE);
	f = find_kind(c, FINDING_PMTU_BLACK_HOLE);
	for (uint32_t i = 0; f != NULL && i < f->excluded_count; i++)
		CHECK(f->excluded[i].kind != FINDING_HIGH_LOSS);
	correlator_free(c);
	stall.stall.chain[2].lost = false; /* with two of unknown fate it is not four */
	stall.stall.chain_lost = stall.stall.chain_above = 2;
	stall.stall.n_lost_ge = 1;
	c = JUDGED(conn, stall);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
}

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

/* Rule 3 and S21: another connection of the same address proved the size. */
static void
size_proven_elsewhere(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      other = build_connection(0, 2, 100, 5000);
	struct correlator *c;

	stall.stall.live = LIVE_L3;
	other.connection.dir[0].proven = 1500;
	other.connection.dir[0].proven_at = at(3000);
	c = JUDGED(conn, stall, other);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);
	other.connection.dir[0].proven_at = at(3000000); /* long after */
	c = JUDGED(conn, stall, other);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	other.connection.dir[0].proven_at = at(3000); /* a neighbour does not veto */
	other.connection.client.ip.b[3] = 11;
	c = JUDGED(conn, stall, other);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

/* L5: a new connection that is answered during the stall; repeats in other sessions. */
static void
help_of_others(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST),
		      other = build_connection(0, 2, FIRST + 1000, 9000);
	struct record second = build_stalled(3, 60000), stall2 = build_stall(&second, 61000);
	struct record third = build_stalled(4, 120000), stall3 = build_stall(&third, 121000);
	struct correlator *c = JUDGED(conn, stall, other);

	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	c = JUDGED(conn, stall, second, stall2);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	/*
	 * S24: what drops a flow at its first large packet stalls all of them so; signs of life in
	 * one refute it
	 */
	c = JUDGED(conn, stall, second, stall2, third, stall3);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_PROBABLE);
	correlator_free(c);
	stall2.stall.live = LIVE_L3;
	stall2.stall.n_ok_lt = 1;
	c = JUDGED(conn, stall, second, stall2, third, stall3);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED);
	correlator_free(c);
}

static bool
proves(const struct correlator *c, enum finding_kind kind, const char *what)
{
	const struct finding *f = find_kind(c, kind);

	for (uint32_t i = 0; f != NULL && i < f->evidence_count; i++)
		if (strstr(f->evidence[i].says, what) != NULL)
			return true;
	return false;
}

/* One far end or all of them: that tells on whose side the fault is. */
static void
one_remote_or_all(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct record other = build_stalled(2, 30000), stall2;
	struct correlator *c;

	stall.stall.live = LIVE_L3;
	stall.stall.live_at[3] = at(FIRST + 230);
	c = JUDGED(conn, stall);
	CHECK(!proves(c, FINDING_PMTU_BLACK_HOLE, "of this side")); /* one alone tells nothing */
	CHECK(!proves(c, FINDING_PMTU_BLACK_HOLE, "this far end"));
	correlator_free(c);
	other.connection.server.ip = ip4(203, 0, 113, 77);
	stall2 = build_stall(&other, 31000);
	c = JUDGED(conn, stall, other, stall2);
	CHECK(proves(c, FINDING_PMTU_BLACK_HOLE,
	    "the same happens with 1 other far network: the fault is on the line of this side"));
	correlator_free(c);
	other = build_connection(0, 2, 30000, 35000); /* elsewhere the size arrives */
	other.connection.server.ip = ip4(203, 0, 113, 77);
	other.connection.dir[0].proven = 1500;
	other.connection.dir[0].proven_at = at(31000);
	c = JUDGED(conn, stall, other);
	CHECK(proves(c, FINDING_PMTU_BLACK_HOLE,
	    "packets of that size do reach or leave other networks: the fault lies towards this far end"));
	correlator_free(c);
}

/* Each of these takes one condition away. */
static void
not_a_black_hole(void)
{
	struct record conn = build_stalled(1, 0), good = build_stall(&conn, FIRST), s;
	struct correlator *c;

	good.stall.live = LIVE_L1;
	s = good;
	s.stall.zero_window = true;
	c = JUDGED(conn, s);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);

	s = good; /* too few, too short */
	s.stall.chain_above = s.stall.chain_lost = 3;
	c = JUDGED(conn, s);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);

	s = good; /* it passed at its own size: an outage */
	s.stall.delivered = at(9000);
	s.stall.delivered_w = 1500;
	c = JUDGED(conn, s);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED);
	correlator_free(c);

	s = good; /* no path refuses packets of 89 bytes for their size */
	s.stall.u = s.stall.w_min = 89;
	s.stall.proven = 52;
	c = JUDGED(conn, s);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	correlator_free(c);

	conn.connection.dir[1] = (struct record_direction){ 0 }; /* one direction only */
	c = JUDGED(conn, good);
	CHECK(find_kind(c, FINDING_PMTU_BLACK_HOLE) == NULL ||
	    find_kind(c, FINDING_PMTU_BLACK_HOLE)->confidence == CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
}

static void
recovered(void)
{
	struct record conn = build_stalled(1, 0), stall = build_stall(&conn, FIRST);
	struct correlator *c;

	stall.stall.delivered = at(9000);
	stall.stall.delivered_w = 1076;
	stall.stall.delivered_smaller = true;
	stall.stall.proven = conn.connection.dir[0].proven = 1076;
	stall.stall.n_ok_lt = 40;
	c = JUDGED(conn, stall);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE_RECOVERED, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PMTU_BLACK_HOLE);
	CHECK_NO_FINDING(c, FINDING_HIGH_LOSS);
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

static bool
finding_tells(const struct finding *f, const char *words)
{
	for (uint32_t i = 0; f != NULL && i < f->evidence_count; i++)
		if (strstr(f->evidence[i].says, words) != NULL)
			return true;
	return false;
}

/* Sessions that stall alike are counted up to a hundred; that there may be more is said. */
static void
many_stall_alike(void)
{
	static struct record r[240];
	struct correlator *c;

	for (size_t i = 0; i < 120; i++) {
		r[2 * i] = build_stalled(i + 1, (int64_t)i * 30000);
		r[2 * i + 1] = build_stall(&r[2 * i], (int64_t)i * 30000 + FIRST);
	}
	c = judged_records(r, 6);
	CHECK(finding_tells(find_kind(c, FINDING_PMTU_BLACK_HOLE), "3 independent connections"));
	CHECK(!finding_tells(find_kind(c, FINDING_PMTU_BLACK_HOLE), "at least"));
	correlator_free(c);
	c = judged_records(r, 240);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_PROBABLE);
	CHECK(finding_tells(
	    find_kind(c, FINDING_PMTU_BLACK_HOLE), "at least 100 independent connections"));
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
		{ "a black hole", black_hole },
		{ "a black hole, and a router that names no size", black_hole_unsized },
		{ "black hole in a tunnel", black_hole_in_tunnel },
		{ "a black hole, or the path died", black_hole_or_death },
		{ "few losses", few_losses },
		{ "an outage that begins at DATA", outage_at_data },
		{ "the size was proven on another connection", size_proven_elsewhere },
		{ "other connections help", help_of_others },
		{ "one remote or all of them", one_remote_or_all },
		{ "not a black hole", not_a_black_hole },
		{ "recovered", recovered },
		{ "a router told the size", router_told },
		{ "fragments", fragments },
		{ "one piece of content", content },
		{ "many stall alike", many_stall_alike },
		{ "outages", outages },
	};

	return check_main("path rules", tests, sizeof(tests) / sizeof(tests[0]));
}
