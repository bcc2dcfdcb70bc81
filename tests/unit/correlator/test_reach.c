/* A SYN that leads nowhere: what each contrast makes of it, and what must not be claimed. */
#include "case_build.h"

static struct record
build_refused(uint64_t id, uint8_t rst_ttl)
{
	struct record r = build_syns(id, 0, 1, 5000);

	r.connection.state = CONN_REFUSED;
	r.connection.refused = at(30);
	r.connection.refused_ack_ok = true;
	r.connection.dir[1].packets = 1;
	r.connection.dir[1].ttl_rst = rst_ttl;
	return r;
}

static struct record
build_icmp(const struct record *conn, struct addr from, uint8_t type, uint8_t code)
{
	struct record r = { .type = RECORD_ICMP_ERROR };

	r.icmp_error.key = conn->connection.key;
	r.icmp_error.key.n = 1;
	r.icmp_error.at = at(50);
	r.icmp_error.from = from;
	r.icmp_error.family = 4;
	r.icmp_error.type = type;
	r.icmp_error.code = code;
	r.icmp_error.for_syn = true;
	r.icmp_error.quoted_from = conn->connection.client;
	r.icmp_error.quoted_to = conn->connection.server;
	return r;
}

/* Of several destinations in a circle each is told so, and none that is not. */
static void
test_circle(void)
{
	struct record r[] = { build_capture(0, 0, 30000), build_syns(1, 0, 4, 30000),
		build_syns(2, 0, 4, 30000), build_syns(3, 0, 4, 30000) };
	struct correlator *c;
	const struct finding *const *v;
	size_t n, circles = 0;

	r[0].capture.loops = 8;
	for (int i = 1; i < 4; i++)
		r[i].connection.server.ip.b[3] = (uint8_t)(60 + i);
	r[1].connection.circle = at(100);
	r[2].connection.circle = at(110);
	c = judged_records(r, 4);
	n = correlator_findings(c, &v);
	for (size_t i = 0; i < n; i++) {
		bool circle = v[i]->to.ip.b[3] < 63;

		if (v[i]->kind != FINDING_HOST_UNREACHABLE_SILENT)
			continue;
		circles += circle;
		CHECK_EQ_STR(v[i]->subkind, circle ? "routing-loop" : "");
		CHECK_EQ_INT(v[i]->confidence, circle ? CONFIDENCE_CONFIRMED : CONFIDENCE_POSSIBLE);
	}
	CHECK_EQ_INT(circles, 2);
	correlator_free(c);
}

static void
test_silence_without_contrast(void)
{
	struct record r[] = { build_syns(1, 0, 4, 30000) };
	struct correlator *c = judged_records(r, 1);

	CHECK_FINDING(c, FINDING_HOST_UNREACHABLE_SILENT, CONFIDENCE_POSSIBLE);
	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_SILENT);
	CHECK(
	    strstr(find_kind(c, FINDING_HOST_UNREACHABLE_SILENT)->next_capture, "tcpdump") != NULL);
	correlator_free(c);
}

/* Two SYNs in a short capture say nothing. */
static void
test_too_short_to_say(void)
{
	struct record r[] = { build_syns(1, 0, 2, 3000), build_syns(2, 0, 1, 90000) };
	struct correlator *c = judged_records(r, 2);

	CHECK_EQ_INT(count_findings(c), 0);
	correlator_free(c);
}

/*
 * Who cannot fetch is not told to send through another port, and who cannot submit not to use the
 * port that is silent.
 */
static void
test_remedy_is_for_the_port(void)
{
	static const struct {
		uint16_t silent, answers;
		const char *yes, *no;
	} rows[] = {
		{ 110, 587, "port 995", "587" },
		{ 995, 25, "port 110", "587" },
		{ 143, 25, "port 993", "587" },
		{ 993, 587, "port 143", "587" },
		{ 587, 110, "465", "port 26" },
		{ 587, 465, "Use port 465", "port 26" },
		{ 465, 587, "Use port 587", "port 26" },
		{ 25, 110, "587", "another network" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r[] = { build_syns(1, 0, 4, 30000),
			build_host(10, ip4(198, 51, 100, 25), rows[i].answers, 2000) };
		struct correlator *c;
		const char *remedy;

		r[0].connection.server.port = rows[i].silent;
		r[1].host.answered = 1;
		r[1].host.answered_at = at(2000);
		c = judged_records(r, 2);
		remedy = find_kind(c, FINDING_PORT_BLOCKED_SILENT)->remedy;
		CHECK(strstr(remedy, rows[i].yes) != NULL);
		CHECK(strstr(remedy, rows[i].no) == NULL);
		correlator_free(c);
	}
}

static void
test_same_host_answers_elsewhere(void)
{
	struct record r[] = { build_syns(1, 0, 4, 30000),
		build_host(10, ip4(198, 51, 100, 25), 587, 2000) };
	struct correlator *c;

	r[1].host.answered = 1;
	r[1].host.answered_at = at(2010);
	c = judged_records(r, 2);
	CHECK_FINDING(c, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_PROBABLE);
	CHECK(strstr(find_kind(c, FINDING_PORT_BLOCKED_SILENT)->remedy, "587") != NULL);
	correlator_free(c);
}

/* The same witness an hour later is no contrast. */
static void
test_old_contrast_does_not_count(void)
{
	struct record r[] = { build_syns(1, 0, 4, 30000),
		build_host(10, ip4(198, 51, 100, 25), 587, 3600000) };
	struct correlator *c;

	r[1].host.answered = 1;
	c = judged_records(r, 2);
	CHECK_FINDING(c, FINDING_HOST_UNREACHABLE_SILENT, CONFIDENCE_POSSIBLE);
	correlator_free(c);
}

/* Port 25 silent to two networks, other ports work: the access provider filters it. */
static void
test_port_silent_to_everyone(void)
{
	struct record r[] = { build_syns(1, 0, 4, 30000),
		build_host(10, ip4(198, 51, 100, 25), 25, 0),
		build_host(10, ip4(203, 0, 113, 5), 25, 500),
		build_host(10, ip4(203, 0, 113, 80), 443, 700),
		build_host(10, ip4(192, 88, 99, 1), 25, 800) };
	struct correlator *c;

	r[1].host.unanswered = r[2].host.unanswered = 1;
	r[3].host.answered = 1;
	c = judged_records(r, 4); /* two dead hosts of a queue look so, too */
	CHECK_FINDING(c, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_PROBABLE);
	correlator_free(c);
	/* ... three hardly */
	r[4].host.unanswered = 1;
	c = judged_records(r, 5);
	CHECK_FINDING(c, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	r[4].host.unanswered = 0;
	/* ... nor two of which one is alive on another port */
	r[3].host.server.ip = r[2].host.server.ip;
	c = judged_records(r, 4);
	CHECK_FINDING(c, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	r[3].host.server.ip = ip4(203, 0, 113, 80);
	/* ... but one host that answers on the port refutes it */
	r[4].host.answered = 1;
	c = judged_records(r, 5);
	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_SILENT);
	correlator_free(c);
}

static void
test_scanner_has_no_mail_problem(void)
{
	struct record r[12];
	struct correlator *c;

	r[0] = build_syns(1, 0, 4, 30000);
	for (int i = 1; i < 12; i++) {
		r[i] = build_host(10, ip4(198, 51, 100, i), 25, INT64_C(100) * i);
		r[i].host.unanswered = 1;
	}
	c = judged_records(r, 12);
	CHECK_EQ_INT(count_findings(c), 0);
	correlator_free(c);
}

static void
test_refused(void)
{
	struct record r[] = { build_refused(1, 60),
		build_host(10, ip4(198, 51, 100, 25), 587, 100) };
	struct correlator *c = judged_records(r, 1);

	CHECK_FINDING(c, FINDING_SERVICE_DOWN, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	r[1].host.answered = 1;
	r[1].host.ttl = 60;
	c = judged_records(r, 2);
	CHECK_FINDING(c, FINDING_SERVICE_DOWN, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_RESET);
	correlator_free(c);
	/* another TTL: another machine */
	r[0].connection.dir[1].ttl_rst = r[0].connection.dir[1].ttl_rst_first = 63;
	c = judged_records(r, 2);
	CHECK_FINDING(c, FINDING_PORT_BLOCKED_RESET, CONFIDENCE_PROBABLE);
	CHECK_NO_FINDING(c, FINDING_SERVICE_DOWN);
	correlator_free(c);
}

/*
 * R6: refused `after' us, while the host's other ports need `rtt' us: the least of so many
 * handshakes.
 */
static struct correlator *
refused_after(int64_t after, int64_t rtt, uint32_t handshakes)
{
	struct record r[] = { build_refused(1, 60),
		build_host(10, ip4(198, 51, 100, 25), 587, 100) };

	r[0].connection.refused.ns = r[0].connection.syn[0].ns + after * 1000;
	r[1].host.answered = handshakes;
	r[1].host.rtt_min_ns = rtt * 1000;
	return judged_records(r, 2);
}

/*
 * Near the server, where the one handshake waited for ARP: from end to end is far, but from here to
 * the server it is not.
 */
static struct correlator *
refused_near_server(int64_t loop)
{
	struct record r[] = { build_refused(1, 60), build_host(10, ip4(198, 51, 100, 25), 587, 100),
		build_connection(0, 2, 100, 900) };

	r[0].connection.refused.ns = r[0].connection.syn[0].ns + 32000;
	r[1].host.answered = 1;
	r[1].host.rtt_min_ns = 86 * MS;
	r[2].connection.server.port = 587;
	r[2].connection.client.ip = r[0].connection.client.ip;
	r[2].connection.server.ip = r[0].connection.server.ip;
	r[2].connection.dir[0].ttl_syn = r[0].connection.dir[0].ttl_syn;
	r[2].connection.rtt_known = true;
	r[2].connection.rtt_ns = 83 * MS;
	r[2].connection.dir[1].loop_ns = loop;
	r[2].connection.dir[1].data_segments = 5;
	return judged_records(r, 3);
}

static void
test_refused_near_server(void)
{
	struct correlator *c = refused_near_server(74000);

	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_RESET);
	correlator_free(c);
	c = refused_near_server(82 * MS);
	CHECK_FINDING(c, FINDING_PORT_BLOCKED_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

static void
test_refused_too_soon(void)
{
	struct correlator *c = refused_after(2000, 20000, 2);

	CHECK_FINDING(c, FINDING_PORT_BLOCKED_RESET, CONFIDENCE_PROBABLE);
	correlator_free(c);
	c = refused_after(12000, 20000, 2);
	CHECK_FINDING(c, FINDING_SERVICE_DOWN, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_RESET);
	correlator_free(c);
	c = refused_after(2000, 20000, 1); /* one alone may have waited for ARP */
	CHECK_FINDING(c, FINDING_SERVICE_DOWN, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_RESET);
	correlator_free(c);
	c = refused_after(1000, 4000, 2); /* hosts this near vary more than that (0.7) */
	CHECK_NO_FINDING(c, FINDING_PORT_BLOCKED_RESET);
	correlator_free(c);
}

/*
 * Of two ports that answer from different distances the nearer one may be intercepted; the farther
 * is the server.
 */
static void
test_only_the_nearer_is_intercepted(void)
{
	struct record near = build_connection(0, 1, 0, 500),
		      far = build_connection(0, 2, 1000, 1500);
	struct record r[6] = { near, build_session(&near, 60), far, build_session(&far, 1060),
		build_host(10, ip4(198, 51, 100, 25), 25, 100),
		build_host(10, ip4(198, 51, 100, 25), 587, 1100) };
	const struct finding *const *f;
	struct correlator *c;
	size_t n, said = 0;

	r[2].connection.server.port = r[3].session.server.port = 587;
	r[4].host.answered = r[5].host.answered = 1;
	r[0].connection.dir[1].ttl = r[0].connection.dir[1].ttl_syn = r[4].host.ttl = 64;
	r[2].connection.dir[1].ttl = r[2].connection.dir[1].ttl_syn = r[5].host.ttl = 54;
	c = judged_records(r, 6);
	n = correlator_findings(c, &f);
	for (size_t i = 0; i < n; i++)
		if (f[i]->kind == FINDING_PORT_INTERCEPTED) {
			said++;
			CHECK_EQ_INT(f[i]->from.port, 25);
		}
	CHECK_EQ_INT(said, 1);
	correlator_free(c);
	/* another system, as far away: two hosts behind one address */
	r[0].connection.dir[1].ttl = r[0].connection.dir[1].ttl_syn = r[4].host.ttl = 117;
	c = judged_records(r, 6);
	CHECK_NO_FINDING(c, FINDING_PORT_INTERCEPTED);
	correlator_free(c);
}

static void
test_icmp_names_the_device(void)
{
	static const struct {
		uint8_t type, code;
		bool own;
		enum finding_kind kind;
	} t[] = {
		{ 3, 13, false, FINDING_PORT_BLOCKED_ICMP },
		{ 3, 9, false, FINDING_PORT_BLOCKED_ICMP },
		{ 3, 10, false, FINDING_PORT_BLOCKED_ICMP },
		{ 3, 3, false, FINDING_PORT_BLOCKED_ICMP },
		{ 3, 3, true, FINDING_PORT_BLOCKED_ICMP },
		{ 3, 1, false, FINDING_HOST_UNREACHABLE_ICMP },
		{ 3, 0, false, FINDING_HOST_UNREACHABLE_ICMP },
		{ 11, 0, false, FINDING_HOST_UNREACHABLE_ICMP },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct record r[2];
		struct correlator *c;

		r[0] = build_syns(1, 0, 1, 30000);
		r[0].connection.state = CONN_UNREACHABLE;
		r[1] = build_icmp(&r[0], t[i].own ? ip4(198, 51, 100, 25) : ip4(203, 0, 113, 1),
		    t[i].type, t[i].code);
		c = judged_records(r, 2);
		CHECK_FINDING(c, t[i].kind, CONFIDENCE_CONFIRMED);
		CHECK_EQ_INT(count_findings(c), 1);
		correlator_free(c);
	}
}

/*
 * The last attempt of very many is prohibited, those before it were answered: were all of them?
 * Beyond the bound nobody looked.
 */
static void
test_others_went_through(void)
{
	static const struct {
		uint32_t n;
		const char *subkind;
	} t[] = { { 100, "no-more" }, { 5000, "intermittent" } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct record host = build_host(10, ip4(198, 51, 100, 25), 25, 0), last[2];
		struct correlator *c = build_correlator();
		const struct finding *f;

		host.host.answered = t[i].n;
		host.host.answered_at = at(20 * (int64_t)t[i].n);
		correlator_take(c, &host);
		for (uint32_t n = 0; n < t[i].n; n++) {
			struct record r =
			    build_connection(0, 1000 + n, 20 * (int64_t)n, 20 * (int64_t)n + 10);

			correlator_take(c, &r);
		}
		last[0] = build_syns(1, 20 * (int64_t)t[i].n + 1000, 1, 200000);
		last[0].connection.state = CONN_UNREACHABLE;
		last[1] = build_icmp(&last[0], ip4(203, 0, 113, 1), 3, 13);
		last[1].icmp_error.at = at(20 * (int64_t)t[i].n + 1050);
		correlator_take(c, &last[0]);
		correlator_take(c, &last[1]);
		correlator_judge(c);
		f = find_kind(c, FINDING_PORT_BLOCKED_ICMP);
		CHECK_EQ_STR(f != NULL ? f->subkind : NULL, t[i].subkind);
		correlator_free(c);
	}
}

/*
 * A client that tries one address after the other: that the first fails need not have stopped a
 * mail.
 */
static void
test_another_address_was_reached(void)
{
	for (int with = 0; with < 2; with++) {
		struct record r[] = { build_refused(1, 60),
			build_host(10, ip4(203, 0, 113, 5), 25, 100) };
		struct correlator *c;
		const struct finding *const *f;

		r[1].host.answered = r[1].host.data = with;
		c = judged_records(r, 2);
		CHECK_EQ_INT(correlator_findings(c, &f), 1);
		CHECK_EQ_INT(f[0]->kind, FINDING_SERVICE_DOWN);
		CHECK_EQ_INT(f[0]->severity, with ? SEVERITY_WARNING : SEVERITY_ERROR);
		CHECK_EQ_INT(f[0]->evidence_count, 1 + with);
		correlator_free(c);
	}
}

/*
 * Answered at another place: the very attempts that are refused here (a SYN proxy between the two),
 * or another one.
 */
static void
test_refused_here_answered_there(void)
{
	for (uint32_t other = 0; other < 2; other++) {
		struct record r[] = { build_refused(1, 60), build_refused(2, 60),
			build_connection(1, 1, -10, 900), build_connection(1, 2, -10, 900),
			build_host(10, ip4(198, 51, 100, 25), 25, -10) };
		const struct finding *f;
		struct correlator *c;

		for (int i = 0; i < 2; i++) {
			r[i].connection.dir[0].isn_known = true;
			r[i].connection.dir[0].isn = r[i + 2].connection.dir[0].isn;
		}
		r[3].connection.dir[0].isn += other;
		r[4].host.key.point = 1;
		r[4].host.answered = 2;
		r[4].host.answered_at = r[2].connection.synack_first;
		c = judged_records(r, 5);
		f = find_kind(c, FINDING_SERVICE_DOWN);
		CHECK(f != NULL);
		CHECK_EQ_STR(f->subkind, other ? "intermittent" : "");
		correlator_free(c);
	}
}

/* Time exceeded: a routing loop, or somebody who traces the route with SYNs. */
static void
test_traced_route_is_no_loop(void)
{
	static const uint8_t ttls[] = { 1, 2, 30 };

	for (size_t i = 0; i < 4; i++) {
		struct record r[2] = { build_syns(1, 0, 1, 30000) };
		struct correlator *c;

		r[0].connection.state = CONN_UNREACHABLE;
		r[0].connection.dir[0].ttl_syn = i < 3 ? ttls[i] : 64;
		r[1] = build_icmp(&r[0], ip4(203, 0, 113, 1), 11, 0);
		c = judged_records(r, 2);
		CHECK_EQ_INT(count_findings(c), i < 3 ? 0 : 1);
		correlator_free(c);
	}
}

static void
test_answer_does_not_come_back(void)
{
	struct record r[] = { build_syns(1, 0, 3, 30000) };
	struct correlator *c;

	r[0].connection.state = CONN_HALF_OPEN;
	r[0].connection.synack_count = 4;
	r[0].connection.synack_first = at(10);
	r[0].connection.synack_last = at(7010);
	r[0].connection.dir[1].packets = 4;
	c = judged_records(r, 1);
	CHECK_FINDING(c, FINDING_SYN_ACK_RETURN_BLOCKED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	r[0].connection.client_reset_synack =
	    true; /* a SYN scan, or a host firewall that says so */
	c = judged_records(r, 1);
	CHECK_EQ_INT(count_findings(c), 0);
	correlator_free(c);
}

static void
test_no_banner(void)
{
	struct record r[] = { build_connection(0, 1, 0, 40000) };
	struct correlator *c;

	r[0].connection.dir[1].stream_bytes = r[0].connection.dir[1].acked = 0;
	r[0].connection.dir[1].data_segments = 0;
	r[0].connection.dir[0].stream_bytes = r[0].connection.dir[0].acked = 0;
	/* neither end is seen again: the capture may lack it all */
	c = judged_records(r, 1);
	CHECK_FINDING(c, FINDING_CONNECTED_NO_BANNER, CONFIDENCE_PROBABLE);
	correlator_free(c);
	r[0].connection.dir[1].last =
	    at(35000); /* a keep-alive's answer: nothing was said until then */
	c = judged_records(r, 1);
	CHECK_FINDING(c, FINDING_CONNECTED_NO_BANNER, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_SERVER_DROPPED);
	correlator_free(c);
	/* bytes of the server are missing in the capture: it may have greeted */
	r[0].connection.dir[1].missing = 30;
	c = judged_records(r, 1);
	CHECK_FINDING(c, FINDING_CONNECTED_NO_BANNER, CONFIDENCE_CANNOT_TELL);
	correlator_free(c);
}

static void
test_ident(void)
{
	struct record r[3];
	struct correlator *c;

	r[0] = build_connection(0, 1, 0, 20000);
	r[1] = build_session(&r[0], 6000);
	r[2] = build_syns(2, 100, 3, 20000);
	r[2].connection.client = (struct endpoint){ ip4(198, 51, 100, 25), 50000 };
	r[2].connection.server = (struct endpoint){ ip4(192, 0, 2, 10), 113 };
	c = judged_records(r, 3);
	CHECK_FINDING(c, FINDING_IDENT_DELAY, CONFIDENCE_CONFIRMED);
	CHECK_NO_FINDING(c, FINDING_SLOW_BANNER);
	correlator_free(c);
	c = judged_records(r, 2); /* nobody asked for ident: just slow */
	CHECK_FINDING(c, FINDING_SLOW_BANNER, CONFIDENCE_POSSIBLE);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "silence without contrast is only possible", test_silence_without_contrast },
		{ "a routing loop", test_circle },
		{ "too short to say", test_too_short_to_say },
		{ "the remedy is for the port", test_remedy_is_for_the_port },
		{ "the same host answers elsewhere", test_same_host_answers_elsewhere },
		{ "old contrast does not count", test_old_contrast_does_not_count },
		{ "a port silent to everyone", test_port_silent_to_everyone },
		{ "a scanner has no mail problem", test_scanner_has_no_mail_problem },
		{ "refused: by whom", test_refused },
		{ "refused sooner than the server can", test_refused_too_soon },
		{ "refused near the server", test_refused_near_server },
		{ "refused here, answered at another place", test_refused_here_answered_there },
		{ "only the nearer is intercepted", test_only_the_nearer_is_intercepted },
		{ "ICMP names the device", test_icmp_names_the_device },
		{ "others went through", test_others_went_through },
		{ "another address was reached", test_another_address_was_reached },
		{ "a traced route is no loop", test_traced_route_is_no_loop },
		{ "the answer does not come back", test_answer_does_not_come_back },
		{ "no banner", test_no_banner },
		{ "ident", test_ident },
	};

	return check_main("reach", tests, sizeof(tests) / sizeof(tests[0]));
}
