/*
 * Large packets that vanish, records by hand: how sure it is, what else it may be, where it is.
 */
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
		      icmp = build_tunnel_told(&conn, &stall, 1);
	struct record_icmp_error *e = &icmp.icmp_error;
	struct correlator *c;
	const struct finding *f;

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

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a black hole", black_hole },
		{ "a black hole, and a router that names no size", black_hole_unsized },
		{ "black hole in a tunnel", black_hole_in_tunnel },
		{ "a black hole, or the path died", black_hole_or_death },
		{ "few losses", few_losses },
		{ "the size was proven on another connection", size_proven_elsewhere },
		{ "other connections help", help_of_others },
		{ "one remote or all of them", one_remote_or_all },
		{ "not a black hole", not_a_black_hole },
		{ "recovered", recovered },
		{ "many stall alike", many_stall_alike },
	};

	return check_main("rule_pmtu", tests, sizeof(tests) / sizeof(tests[0]));
}
