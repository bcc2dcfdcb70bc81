/*
 * Two capture points of one incident, records by hand: what is proof, and what only looks like it.
 */
#include "vantage_scene.h"

/*
 * Ten large segments and five repeats leave; an empty ACK sent 400 ms later is the last that
 * arrives.
 */
static struct scene
scene_hole(int64_t ahead)
{
	static const int64_t when[] = { 0, 210, 630, 1470, 3130, 6400 };
	struct scene s = scene_clean(ahead);
	struct record_direction *up = &s.conn[0].connection.dir[0],
				*down = &s.conn[1].connection.dir[0];
	struct record_stall *t = &s.stall.stall;
	int64_t off = ahead + TRANSIT;

	up->w_max = 1500;
	up->proven = 92;
	up->proven_at = at(80);
	up->size_count = 2;
	up->sizes = BUILD_LIST(((struct size_class[]){ { 92, 4, 0 }, { 1500, 0, 15 } }));
	up->all_lost_above_proven = true;
	pass(up, 52, 4, T + 400);
	pass(up, 92, 4, 90);
	pass(up, 1500, 15, T + 6400);
	pass(down, 52, 4, off + T + 400);
	pass(down, 92, 4, off + 90);
	down->last = at(off + T + 400);
	up->last = at(T + 6400);
	s.stall.type = RECORD_STALL;
	t->key = s.conn[0].connection.key;
	t->from = s.conn[0].connection.client;
	t->to = s.conn[0].connection.server;
	for (int i = 0; i < 6; i++) {
		struct moment m = at(T + when[i]);

		t->chain[i] = (struct transmission){
			.ns = m.ns, .frame = m.frame, .w = 1500, .df = true, .lost = true
		};
		if (i == 0)
			t->first = m;
		t->last = t->lost_last = m;
	}
	for (int i = 0; i < 9; i++)
		t->lost_frames[i] = at(T + 1);
	t->lost_count = 9;
	t->chain_count = t->chain_len = t->chain_lost = t->chain_above = 6;
	t->chain_starts = 1;
	t->w_min = t->u = 1500;
	t->proven = 92;
	t->head = 96;
	t->n_lost_ge = 15;
	t->n_ok_lt = 4;
	t->first_of_size = true;
	s.with_stall = true;
	return s;
}

/*
 * Alone the first point cannot tell a black hole from a path that died: nothing small was sent and
 * answered.
 */
static void
left_and_never_arrived(void)
{
	static const int64_t ahead[] = { 0, 3600000, -3600000, 7 };

	for (int i = 0; i < 4; i++) {
		struct scene s = scene_hole(ahead[i]);

		CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED,
		    "between point0.pcap and point1.pcap: 11 of 1500 bytes");
		s.with_stall = false;
		CHECK_SCENE(&s, FINDING_CAPTURE_VANTAGE, CONFIDENCE_CONFIRMED, NOWHERE);
	}
}

static void
alone(void)
{
	struct scene s = scene_hole(0);
	struct correlator *c = build_correlator();

	correlator_take(c, &s.capture[0]);
	correlator_take(c, &s.conn[0]);
	correlator_take(c, &s.stall);
	correlator_judge(c);
	CHECK_FINDING(c, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE);
	CHECK_NO_FINDING(c, FINDING_CAPTURE_VANTAGE);
	correlator_free(c);
}

/* The second point misses packets itself: what it does not have proves nothing. */
static void
capture_loss(void)
{
	struct scene s = scene_hole(0);

	s.conn[1].connection.dir[0].acked_unseen = 1448;
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	s = scene_hole(0);
	s.capture[1].capture.acked_bytes = 100000;
	s.capture[1].capture.acked_unseen = 2000;
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	s = scene_hole(0);
	s.capture[1].capture.drops_known = true;
	s.capture[1].capture.drops_kernel = 3;
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	s = scene_hole(0);
	s.conn[1].connection.dir[0].super_segments = 1; /* one of them may be it */
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

static void
stopped_early(void)
{
	struct scene s = scene_hole(3600000);
	struct record_direction *down = &s.conn[1].connection.dir[0];

	s.capture[1].capture.last = at(3600000 + TRANSIT + T - 1);
	down->last = at(3600000 + TRANSIT + 500);
	pass_first_at(down, down->last);
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	/* nor when it began later */
	s = scene_hole(0);
	s.capture[1].capture.first = at(TRANSIT + T + 300);
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

/* Two transmissions before the last small packet are chance; and what cannot be ordered is not. */
static void
too_few(void)
{
	struct scene s = scene_hole(0);

	s.stall.stall.lost_count = 0;
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	s = scene_hole(0); /* the small one passed within the uncertainty of the clocks */
	pass_first_at(&s.conn[1].connection.dir[0], at(TRANSIT + T + 25));
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

static void
one_arrived(void)
{
	struct scene s = scene_hole(0);

	pass(&s.conn[1].connection.dir[0], 1500, 1, TRANSIT + 500);
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

/* Between the points IPv6 becomes IPv4: each packet is 20 bytes smaller there. */
static void
translated(void)
{
	struct scene s = scene_hole(0);

	s.conn[0].connection.client.ip = s.stall.stall.from.ip =
	    (struct addr){ .family = 6, .b = { 0x20, 1, 0xd, 0xb8, 1 } };
	s.conn[0].connection.server.ip = s.stall.stall.to.ip =
	    (struct addr){ .family = 6, .b = { 0, 0x64, 0xff, 0x9b } };
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED,
	    "between point0.pcap and point1.pcap: 11 of 1500 bytes");
	pass(&s.conn[1].connection.dir[0], 1480, 11,
	    TRANSIT + 500); /* they are here; what drops them lies farther on */
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

static void
order_unknown(void)
{
	struct scene s = scene_hole(0);
	struct record_connection *c = &s.conn[1].connection;

	c->dir[0].ttl = c->dir[0].ttl_syn = 64;
	c->dir[1].ttl = c->dir[1].ttl_syn = 60;
	c->synack_first = c->synack_last = at(TRANSIT + 40);
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	/* TTL and delay contradict each other */
	s = scene_hole(0);
	s.conn[1].connection.dir[0].ttl = s.conn[1].connection.dir[0].ttl_syn = 68;
	s.conn[1].connection.dir[1].ttl = 56;
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

/* No clock: the SYN was sent twice.  The sequence numbers say which came later. */
static void
by_sequence(void)
{
	struct scene s = scene_hole(3600000);

	for (int p = 0; p < 2; p++)
		s.conn[p].connection.syn_count = 2;
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
	s.conn[1].connection.dir[0].unseen_count = 1;
	s.conn[1].connection.dir[0].unseen = BUILD_LIST(((struct stretch[]){ { 96, 14600 } }));
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED,
	    "between point0.pcap and point1.pcap");
	s.conn[1].connection.dir[0].unseen = BUILD_LIST(((struct stretch[]){ { 96, 1460 } }));
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_POSSIBLE, NOWHERE);
}

static void
through_nat(void)
{
	struct scene s = scene_hole(0);
	struct correlator *c;

	s.conn[1].connection.client = (struct endpoint){ ip4(203, 0, 113, 2), 61000 };
	CHECK_SCENE(&s, FINDING_PMTU_BLACK_HOLE, CONFIDENCE_CONFIRMED,
	    "between point0.pcap and point1.pcap");
	c = judged(&s);
	CHECK(find_kind(c, FINDING_PMTU_BLACK_HOLE)->from.ip.b[0] == 192);
	correlator_free(c);
}

/* One mail under two addresses is told once. */
static void
named_once(void)
{
	struct scene s = scene_clean(0);
	struct correlator *c = build_correlator();

	s.conn[1].connection.client = s.session[1].session.client =
	    (struct endpoint){ ip4(203, 0, 113, 2), 61000 };
	for (int p = 0; p < 2; p++) {
		struct record t =
		    build_transaction(&s.conn[p], 1, VERDICT_ACCEPTED, 100 + p * TRANSIT);

		correlator_take(c, &s.capture[p]);
		correlator_take(c, &s.conn[p]);
		correlator_take(c, &s.session[p]);
		correlator_take(c, &t);
	}
	correlator_judge(c);
	CHECK_FINDING(c, FINDING_MAIL_ACCEPTED, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(count_findings(c), 2); /* and where the captures were taken */
	correlator_free(c);
}

/* One event at two clocks has one time: that of the copy whose mail is told. */
static void
timed_once(void)
{
	static const int64_t clocks[] = { 37000, -37000, 3600000, -3600000, 0 };

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct scene s = scene_clean(clocks[i]);
		struct correlator *c = build_correlator();
		const struct fate *fates;
		const struct finding *f;

		for (int p = 0; p < 2; p++) {
			struct record t = build_transaction(
			    &s.conn[p], 1, VERDICT_ACCEPTED, 100 + p * (clocks[i] + TRANSIT));

			correlator_take(c, &s.capture[p]);
			correlator_take(c, &s.conn[p]);
			correlator_take(c, &s.session[p]);
			correlator_take(c, &t);
		}
		correlator_judge(c);
		f = find_kind(c, FINDING_MAIL_ACCEPTED);
		CHECK(f != NULL && correlator_fates(c, &fates) == 1);
		if (f != NULL) {
			CHECK_EQ_INT(f->evidence_count, 2);
			CHECK_EQ_INT(fates[0].transaction->first.ns, at(100).ns);
			CHECK(f->first.ns <= at(100).ns && f->first.ns > at(-1000).ns);
			CHECK(f->last.ns >= at(180).ns && f->last.ns <= at(1000).ns);
		}
		correlator_free(c);
	}
}

/* ---- SYNs ------------------------------------------------------------------------- */

/* The client's SYNs are repeated; the second point has answers to them, or none. */
static struct scene
scene_syns(uint32_t answers)
{
	struct scene s = scene_clean(3600000);

	for (int p = 0; p < 2; p++) {
		struct record_connection *c = &s.conn[p].connection;
		int64_t off = p == 0 ? 0 : 3600000 + TRANSIT;

		c->state = p == 1 && answers > 0 ? CONN_HALF_OPEN : CONN_UNANSWERED;
		c->syn_count = 3;
		c->syn[1] = at(off + 1000);
		c->syn[2] = at(off + 3000);
		c->synack_count = p == 1 ? answers : 0;
		c->handshake = (struct moment){ 0, 0 };
		c->payload_hash = 0;
		c->dir[0].packets = 3;
		c->dir[0].data_segments = c->dir[1].data_segments = 0;
		c->dir[0].stream_bytes = c->dir[1].stream_bytes = 0;
		c->dir[0].data_first = c->dir[0].data_last = c->dir[1].data_first =
		    c->dir[1].data_last = (struct moment){ 0, 0 };
		c->dir[1].packets = c->synack_count;
		c->dir[1].isn_known = c->synack_count > 0;
		c->dir[1].ttl = c->dir[1].ttl_syn = 0;
		if (c->synack_count == 0)
			c->synack_first = c->synack_last = (struct moment){ 0, 0 };
	}
	return s;
}

static void
answers_vanish(void)
{
	struct scene s = scene_syns(3);
	struct correlator *c = judged(&s);

	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_SILENT);
	CHECK_NO_FINDING(c, FINDING_HOST_UNREACHABLE_SILENT);
	correlator_free(c);
	CHECK_SCENE(&s, FINDING_SYN_ACK_RETURN_BLOCKED, CONFIDENCE_CONFIRMED,
	    "between point1.pcap and point0.pcap");
	s.conn[1].connection.dir[0].ttl_syn = 64; /* which comes first is not known */
	s.conn[1].connection.dir[0].ttl = 64;
	c = judged(&s);
	CHECK(find_kind(c, FINDING_SYN_ACK_RETURN_BLOCKED) == NULL ||
	    strstr(find_kind(c, FINDING_SYN_ACK_RETURN_BLOCKED)->summary, "between point") == NULL);
	correlator_free(c);
}

static void
syns_go_on(void)
{
	struct scene s = scene_syns(0);
	struct correlator *c = judged(&s);
	const struct finding *const *v;
	size_t n = correlator_findings(c, &v), said = 0;

	for (size_t i = 0; i < n; i++)
		said += strstr(v[i]->summary, "still pass point1.pcap") != NULL;
	CHECK_EQ_INT(said, 1);
	if (said != 1)
		print_findings(c);
	correlator_free(c);
}

/* Everything is lost from one moment on. */
static struct scene
scene_outage(void)
{
	struct scene s = scene_hole(0);
	struct record_stall *t = &s.stall.stall;
	struct record_direction *up = &s.conn[0].connection.dir[0],
				*down = &s.conn[1].connection.dir[0];

	up->proven = t->proven = 1500;
	up->all_lost_above_proven = false;
	t->u = 0;
	t->chain_above = 0;
	up->passed_count = down->passed_count = 0;
	pass(up, 52, 9, 90);
	pass(up, 1500, 30, T + 6400);
	pass(down, 52, 9, TRANSIT + 90);
	pass(down, 1500, 20, TRANSIT + T - 100);
	down->last = at(TRANSIT + T - 100);
	return s;
}

static void
nothing_arrives(void)
{
	struct scene s = scene_outage();

	CHECK_SCENE(
	    &s, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, "between point0.pcap and point1.pcap");
	pass_first_at(&s.conn[0].connection.dir[0], at(T + 2000)); /* small ones left, too */
	CHECK_SCENE(
	    &s, FINDING_PATH_OUTAGE, CONFIDENCE_CONFIRMED, "between point0.pcap and point1.pcap");
	s.capture[1].capture.last = at(TRANSIT + T - 50); /* the capture ended there */
	CHECK_SCENE(&s, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, NOWHERE);
	s = scene_outage(); /* ... or before the small ones */
	pass_first_at(&s.conn[0].connection.dir[0], at(T + 2000));
	s.capture[1].capture.last = at(TRANSIT + T + 1600);
	CHECK_SCENE(
	    &s, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, "between point0.pcap and point1.pcap");
	s = scene_outage();
	s.conn[1].connection.dir[0].last = at(TRANSIT + T + 5000); /* something did arrive */
	CHECK_SCENE(&s, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, NOWHERE);
}

/* ---- options and words ------------------------------------------------------------------- */

static void
scale_changed(void)
{
	struct scene s = scene_clean(0);
	struct correlator *c;

	s.conn[0].connection.dir[1].wscale = 255; /* stripped from the SYN-ACK alone */
	CHECK_SCENE(&s, FINDING_WINDOW_SCALE_BROKEN, CONFIDENCE_CONFIRMED,
	    "between point1.pcap and point0.pcap");
	s = scene_clean(0); /* from the SYN: both do without, no harm */
	s.conn[1].connection.dir[0].wscale = s.conn[0].connection.dir[1].wscale =
	    s.conn[1].connection.dir[1].wscale = 255;
	c = judged(&s);
	CHECK_NO_FINDING(c, FINDING_WINDOW_SCALE_BROKEN);
	correlator_free(c);
	s = scene_clean(0); /* options cut by the snap length */
	s.conn[0].connection.dir[1].wscale = 255;
	s.conn[0].connection.dir[1].mss = 0;
	c = judged(&s);
	CHECK_NO_FINDING(c, FINDING_WINDOW_SCALE_BROKEN);
	correlator_free(c);
}

static struct scene
scene_words(void)
{
	struct scene s = scene_clean(0);

	s.with_sessions = true;
	for (int p = 0; p < 2; p++)
		s.session[p].session.capabilities = p == 0 ? "SIZE" : "SIZE STARTTLS";
	s.session[1].session.starttls_offered = true;
	s.session[1].session.capabilities_at = s.conn[1].connection.dir[1].data_last;
	return s;
}

static void
words_changed(void)
{
	struct scene s = scene_words();
	struct correlator *c;

	CHECK_SCENE(&s, FINDING_STARTTLS_STRIPPED, CONFIDENCE_CONFIRMED,
	    "between point1.pcap and point0.pcap");
	c = judged(&s);
	CHECK_EQ_INT(frame_of(find_kind(c, FINDING_STARTTLS_STRIPPED), "passes here with STARTTLS"),
	    s.session[1].session.capabilities_at.frame);
	CHECK_NO_FINDING(c, FINDING_BANNER_MASKED);
	correlator_free(c);
	s.session[0].session.gap_server = true; /* part of the list may be what is missing */
	c = judged(&s);
	CHECK_NO_FINDING(c, FINDING_STARTTLS_STRIPPED);
	correlator_free(c);
	s = scene_words();
	s.session[0].session.starttls_offered = true;
	s.session[0].session.greeting.text = "firewall ready";
	CHECK_SCENE(
	    &s, FINDING_BANNER_MASKED, CONFIDENCE_CONFIRMED, "between point1.pcap and point0.pcap");
	s.session[0].session.greeting_cut = true;
	c = judged(&s);
	CHECK_NO_FINDING(c, FINDING_BANNER_MASKED);
	correlator_free(c);
}

/* Two healthy captures say where they were taken and how their clocks differ, and accuse nobody. */
static void
healthy(void)
{
	struct scene s = scene_clean(3600000);
	struct correlator *c = judged(&s);
	const struct finding *f = find_kind(c, FINDING_CAPTURE_VANTAGE);

	s.with_sessions = true;
	CHECK_EQ_INT(count_findings(c), 1);
	CHECK(f != NULL && strstr(f->summary, "point0.pcap nearer to the client") != NULL);
	CHECK(f != NULL &&
	    strstr(f->summary,
		"about 3600.000 s ahead (between +3599990.000 and +3600010.000 ms") != NULL);
	if (f != NULL && strstr(f->summary, "3599990") == NULL)
		print_findings(c);
	correlator_free(c);
}

/* Of forty-seven points each two saw a connection: more pairs than are compared, which is said. */
static void
very_many_pairs(void)
{
	enum { POINTS = 47, COMPARED = 1024 };
	struct correlator *c = build_correlator();
	struct summary s;
	char words[160];
	uint64_t id = 100000;
	bool said = false;

	snprintf(words, sizeof(words),
	    "connections seen at two capture points each, of more pairs of points than are compared: %d",
	    POINTS * (POINTS - 1) / 2 - COMPARED);
	for (uint32_t a = 0; a < POINTS; a++)
		for (uint32_t b = a + 1; b < POINTS; b++, id++)
			for (int i = 0; i < 2; i++) {
				struct record r = build_connection(
				    i == 0 ? a : b, id, (int64_t)id, (int64_t)id + 500);

				correlator_take(c, &r);
			}
	correlator_judge(c);
	correlator_summary(c, &s);
	for (uint32_t i = 0; i < s.incomplete_count; i++)
		said |= strcmp(s.incomplete[i], words) == 0;
	CHECK(said);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "left here, never arrived there", left_and_never_arrived },
		{ "one point alone", alone },
		{ "capture loss at the second point", capture_loss },
		{ "a capture that stopped early", stopped_early },
		{ "too few, or too close", too_few },
		{ "one of that size arrived", one_arrived },
		{ "through a translator", translated },
		{ "the order is not known", order_unknown },
		{ "by sequence numbers, without clocks", by_sequence },
		{ "through NAT", through_nat },
		{ "one mail, two names", named_once },
		{ "one mail, two clocks", timed_once },
		{ "the answers vanish", answers_vanish },
		{ "the SYNs go on", syns_go_on },
		{ "nothing arrives", nothing_arrives },
		{ "window scale changed on the way", scale_changed },
		{ "words changed on the way", words_changed },
		{ "two healthy captures", healthy },
		{ "very many pairs of points", very_many_pairs },
	};

	return check_main("vantage", tests, sizeof(tests) / sizeof(tests[0]));
}
