/* What rules ask of all connections at once: the same as a walk over all of them would find. */
#include "case_build.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/sights.h"
#include "correlator/store/store_write.h"

static struct store *
store_of(const struct record *v, size_t n)
{
	struct store *s = store_new(0);

	for (size_t i = 0; i < n; i++)
		store_take(s, &v[i]);
	store_index(s);
	return s;
}

static struct store *store;
static struct lookups *lookups;

static void
begin(const struct record *v, size_t n)
{
	store = store_of(v, n);
	lookups = lookups_new(store);
}

static void
end(void)
{
	CHECK_EQ_INT(lookups_starved(lookups), 0);
	lookups_free(lookups);
	store_free(store);
}

static const struct mail_case *
case_of(const struct store *s, uint64_t id)
{
	struct case_iter it = { 0 };
	const struct mail_case *c;

	while ((c = store_case_next(s, &it)) != NULL)
		if (c->id == id)
			return c;
	return NULL;
}

/* ---- services ------------------------------------------------------------------------ */

static struct record
host(uint32_t point, uint64_t n, int client, uint16_t port, uint8_t ttl, int64_t rtt_ms)
{
	struct record r = build_host(client, ip4(198, 51, 100, 25), port, 0);

	r.host.key.point = point;
	r.host.key.n = (uint32_t)n;
	r.host.answered = 3;
	r.host.ttl = ttl;
	r.host.rtt_min_ns = rtt_ms * MS;
	return r;
}

static void
test_services(void)
{
	struct record r[] = { host(0, 1, 1, 25, 60, 20), host(0, 2, 2, 25, 58, 30),
		host(0, 3, 1, 443, 0, 0), host(1, 4, 1, 25, 99, 1), host(0, 5, 3, 25, 77, 10) };
	struct addr server = ip4(198, 51, 100, 25), other = ip4(198, 51, 100, 26);
	const struct service *v;
	size_t n;

	r[4].host.answered = 0; /* its TTL is of no answer */
	begin(r, 5);
	v = lookup_services(lookups, &server, 0, &n);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CHECK_EQ_INT(v[0].port, 25);
	CHECK_EQ_INT(v[0].ttl, 58);
	CHECK_EQ_INT(v[0].timed, 6);
	CHECK_EQ_INT(v[0].rtt_min_ns, 20 * MS);
	CHECK_EQ_INT(v[0].rtt_most_ns, 30 * MS);
	CHECK_EQ_INT(v[1].port, 443);
	CHECK_EQ_INT(v[1].timed, 0);
	v = lookup_services(lookups, &server, 1, &n);
	CHECK_EQ_INT(n, 1);
	CHECK_EQ_INT(v[0].ttl, 99);
	(void)lookup_services(lookups, &other, 0, &n);
	CHECK_EQ_INT(n, 0);
	end();
}

/* ---- greetings ----------------------------------------------------------------------- */

static void
greeted(struct record out[2], uint64_t id, int client, struct addr server, const char *text)
{
	out[0] = build_connection(0, id, (int64_t)id * 1000, (int64_t)id * 1000 + 500);
	out[0].connection.client.ip = ip4(192, 0, 2, client);
	out[0].connection.server.ip = server;
	out[1] = build_session(&out[0], (int64_t)id * 1000 + 60);
	out[1].session.greeting.text = text;
}

static void
test_greeting_twins(void)
{
	struct record r[16];

	greeted(&r[0], 1, 10, ip4(9, 1, 1, 1), "proxy.example.net ESMTP");
	greeted(&r[2], 2, 10, ip4(9, 1, 200, 9), "PROXY.example.net ready"); /* the same /16 */
	greeted(&r[4], 3, 10, ip4(8, 8, 4, 4), "mx.example.org ESMTP");
	greeted(&r[6], 4, 11, ip4(7, 7, 7, 7), "proxy.example.net ESMTP"); /* another client */
	greeted(&r[8], 5, 10, ip4(7, 7, 7, 7), "*****************");
	greeted(&r[10], 6, 10, ip4(10, 9, 9, 9), "proxy.example.net ESMTP"); /* not public */
	begin(r, 12);
	for (uint64_t id = 1; id <= 6; id++)
		CHECK(lookup_greeting_twin(lookups, case_of(store, id)) == NULL);
	end();

	greeted(&r[12], 7, 10, ip4(11, 1, 1, 1), "proxy.example.net hello");
	begin(r, 14);
	for (uint64_t id = 1; id <= 2; id++)
		CHECK_EQ_INT(lookup_greeting_twin(lookups, case_of(store, id))->id, 7);
	CHECK_EQ_INT(lookup_greeting_twin(lookups, case_of(store, 7))->id, 1);
	CHECK(lookup_greeting_twin(lookups, case_of(store, 3)) == NULL);
	CHECK(lookup_greeting_twin(lookups, case_of(store, 4)) == NULL);
	CHECK(lookup_greeting_other(lookups, case_of(store, 1))); /* mx.example.org */
	CHECK(lookup_greeting_other(lookups, case_of(store, 3)));
	CHECK(!lookup_greeting_other(lookups, case_of(store, 4)));
	CHECK(!lookup_greeting_other(lookups, case_of(store, 5))); /* names nobody */
	end();

	r[4].connection.server.port = r[5].session.server.port =
	    587; /* another port is another matter */
	begin(r, 14);
	CHECK(!lookup_greeting_other(lookups, case_of(store, 1)));
	CHECK_EQ_INT(lookup_greeting_twin(lookups, case_of(store, 1))->id, 7);
	end();
}

/* ---- recipients ---------------------------------------------------------------------- */

static void
test_accepted(void)
{
	static const struct {
		uint64_t id;
		const char *address;
		int code;
	} given[] = {
		{ 1, "ann@example.net", 250 },
		{ 2, "ANN@example.net", 251 },
		{ 3, "ann@example.net", 550 },
		{ 4, "bob@example.net", 250 },
		{ 5, "ann@example.net", 250 },
	};
	struct record r[20];
	struct addr server = ip4(198, 51, 100, 25);
	const struct accepted *v;
	size_t n = 0, count;

	for (size_t i = 0; i < 5; i++) {
		int64_t ms = (int64_t)given[i].id * 1000;

		r[n] = build_connection(0, given[i].id, ms, ms + 500);
		r[n + 1] = build_session(&r[n], ms + 60);
		r[n + 2] = build_transaction(&r[n], 1, VERDICT_ACCEPTED, ms + 100);
		r[n + 3] = build_recipient(
		    &r[n + 2], 1, given[i].address, given[i].code, "words", ms + 150);
		n += 4;
	}
	begin(r, n);
	v = lookup_accepted(lookups, &server, "Ann@Example.Net", 0, &count);
	CU_ASSERT_EQUAL_FATAL(count, 3);
	CHECK_EQ_INT(v[0].c->id, 1);
	CHECK_EQ_INT(v[1].c->id, 2);
	CHECK_EQ_INT(v[2].c->id, 5);
	v = lookup_accepted(lookups, &server, "ann@example.net", BASE_NS + 1001 * MS, &count);
	CHECK_EQ_INT(count, 2);
	CHECK_EQ_INT(v[0].c->id, 2);
	(void)lookup_accepted(lookups, &server, "eve@example.net", 0, &count);
	CHECK_EQ_INT(count, 0);
	end();
	r[16].connection.server.ip = ip4(198, 51, 100, 9); /* the last of them by another server */
	begin(r, n);
	(void)lookup_accepted(lookups, &server, "ann@example.net", 0, &count);
	CHECK_EQ_INT(count, 2);
	v = lookup_accepted(lookups, NULL, "ann@example.net", 0, &count);
	CU_ASSERT_EQUAL_FATAL(count, 3);
	CHECK_EQ_INT(v[0].c->id, 5);
	end();
}

/* ---- mails whose answer was not heard --------------------------------------------------- */

static void
test_unheard(void)
{
	struct record r[16];
	struct addr client;
	const struct unheard *u;
	size_t n = 0, count;

	for (uint64_t id = 1; id <= 4; id++) {
		r[n] = build_connection(0, id, (int64_t)(9 - id) * 1000, 20000);
		r[n + 1] = build_session(&r[n], 1060);
		r[n + 2] =
		    build_transaction(&r[n], 1, id == 4 ? VERDICT_ACCEPTED : VERDICT_UNKNOWN, 1100);
		r[n + 2].transaction.end_of_data = at(1200);
		r[n + 2].transaction.message_id = id == 3 ? "" : "<one@example.net>";
		r[n + 3] = (struct record){ .type = RECORD_MESSAGE };
		r[n + 3].message.key = r[n + 2].transaction.key;
		r[n + 3].message.body_hash = "0123456789abcdef";
		n += 4;
	}
	client = r[0].connection.client.ip;
	begin(r, n);
	u = lookup_unheard(lookups, &client, "<one@example.net>", &count);
	CU_ASSERT_EQUAL_FATAL(count, 2); /* the fourth was heard */
	CHECK_EQ_INT(u[0].c->id, 2);     /* in order of time */
	CHECK_EQ_INT(u[1].c->id, 1);
	u = lookup_unheard(lookups, &client, "0123456789abcdef", &count);
	CU_ASSERT_EQUAL_FATAL(count, 1);
	CHECK_EQ_INT(u[0].c->id, 3);
	CHECK(lookup_unheard(lookups, &client, "<two@example.net>", &count) == NULL && count == 0);
	end();
}

/* ---- kinds of cases, and who lived when ------------------------------------------------ */

static void
test_cases_of_a_kind(void)
{
	struct record r[8];
	struct addr server = ip4(198, 51, 100, 25), other = ip4(198, 51, 100, 26);
	struct case_run run;

	for (size_t i = 0; i < 4; i++) {
		int64_t ms = INT64_C(1000) * (int64_t)(3 - i);

		r[2 * i] = build_connection(0, i + 1, ms, 9000);
		if (i % 2 == 1)
			r[2 * i].connection.app = APP_POP3;
		r[2 * i + 1] = build_session(&r[2 * i], ms + 60);
	}
	begin(r, 8);
	run = lookup_cases(lookups, LOOKUP_POP_OF_SERVER, &server);
	CU_ASSERT_EQUAL_FATAL(run.n, 2);
	CHECK_EQ_INT(run.at[0]->id, 4); /* in order of time */
	CHECK_EQ_INT(run.at[1]->id, 2);
	CHECK_EQ_INT(case_run_before(run, run.at[0]->conn->first.ns), 0);
	CHECK_EQ_INT(case_run_before(run, run.at[0]->conn->first.ns + 1), 1);
	CHECK_EQ_INT(case_run_before(run, INT64_MAX), 2);
	CHECK_EQ_INT(lookup_cases(lookups, LOOKUP_POP_OF_SERVER, &other).n, 0);
	end();
}

static struct record
offered(uint64_t id, uint32_t point, uint16_t port, const char *list)
{
	struct record r = build_connection(point, id, (int64_t)id * 100, (int64_t)id * 100 + 50);

	r.connection.server.port = port;
	r = build_session(&r, (int64_t)id * 100 + 20);
	r.session.starttls_offered = strstr(list, "STARTTLS") != NULL;
	r.session.capabilities = list;
	return r;
}

/* However many were offered the same: each list once at each point. */
static void
test_offers(void)
{
	struct record r[] = { offered(1, 0, 25, "PIPELINING STARTTLS"),
		offered(2, 0, 25, "PIPELINING STARTTLS"), offered(3, 0, 25, "STARTTLS"),
		offered(4, 0, 25, "PIPELINING"), offered(5, 1, 25, "STARTTLS"),
		offered(6, 0, 587, "STARTTLS"), offered(7, 0, 25, "STARTTLS") };
	struct endpoint server = { ip4(198, 51, 100, 25), 25 },
			none = { ip4(198, 51, 100, 26), 25 };
	static const uint64_t ids[] = { 1, 3, 5 };
	struct case_run run;

	begin(r, sizeof(r) / sizeof(r[0]));
	run = lookup_offers(lookups, &server);
	CU_ASSERT_EQUAL_FATAL(run.n, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ_INT(run.at[i]->id, ids[i]);
	CHECK_EQ_INT(lookup_offers(lookups, &none).n, 0);
	server.port = 587;
	run = lookup_offers(lookups, &server);
	CU_ASSERT_EQUAL_FATAL(run.n, 1);
	CHECK_EQ_INT(run.at[0]->id, 6);
	end();
}

/* ---- how far both ends are ----------------------------------------------------------- */

static struct record
seen(uint64_t id, int client_ttl, int server_ttl)
{
	struct record r = build_connection(0, id, (int64_t)id * 100, (int64_t)id * 100 + 50);

	r.connection.dir[0].ttl_syn = (uint8_t)client_ttl;
	r.connection.dir[1].ttl_syn = (uint8_t)server_ttl;
	return r;
}

/*
 * The last of hundreds counts as the first does; another point, another server, an unknown distance
 * do not.
 */
static void
test_client_differs(void)
{
	enum { MANY = 300 };
	struct record r[MANY];
	const struct sights *s;

	for (uint64_t i = 0; i < MANY; i++)
		r[i] = seen(i + 1, 60, 55);
	begin(r, MANY);
	s = lookup_sights(lookups);
	CHECK(!sights_client_differs(s, case_of(store, 1)) &&
	    !sights_server_differs(s, case_of(store, 1)));
	end();
	r[MANY - 1].connection.dir[0].ttl_syn = 0;
	r[MANY - 2].connection.key.point = 1;
	r[MANY - 2].connection.dir[0].ttl_syn = 58;
	r[MANY - 3].connection.server.ip = ip4(198, 51, 100, 26);
	r[MANY - 3].connection.dir[0].ttl_syn = 58;
	begin(r, MANY);
	s = lookup_sights(lookups);
	CHECK(!sights_client_differs(s, case_of(store, 1)) &&
	    !sights_client_differs(s, case_of(store, MANY)));
	end();
	r[MANY - 1].connection.dir[0].ttl_syn = 58;
	begin(r, MANY);
	s = lookup_sights(lookups);
	CHECK(sights_client_differs(s, case_of(store, 1)) &&
	    sights_client_differs(s, case_of(store, MANY)));
	CHECK(!sights_client_differs(s, case_of(store, MANY - 1)));
	end();
}

/*
 * Another client, so much farther as the server is nearer: moved along one way.  Farther or nearer
 * in all: another way.
 */
static void
test_server_differs(void)
{
	struct record r[] = { seen(1, 60, 55), seen(2, 58, 57), seen(3, 60, 53), seen(4, 59, 55) };
	const struct sights *s;

	for (int i = 1; i < 4; i++)
		r[i].connection.client.ip.b[3] = (uint8_t)(20 + i);
	begin(r, 4);
	s = lookup_sights(lookups);
	CHECK(sights_server_differs(s, case_of(store, 1)) &&
	    sights_server_differs(s, case_of(store, 2)));
	CHECK(!sights_server_differs(s, case_of(store, 3)) &&
	    !sights_server_differs(s, case_of(store, 4)));
	end();
	r[1].connection.dir[1].ttl_syn = 0; /* a refusal has no other answer */
	r[1].connection.dir[1].ttl_rst = 57;
	begin(r, 4);
	s = lookup_sights(lookups);
	CHECK(sights_server_differs(s, case_of(store, 1)));
	end();
	begin(r, 1);
	s = lookup_sights(lookups);
	CHECK(!sights_server_differs(s, case_of(store, 1)) &&
	    !sights_client_differs(s, case_of(store, 1)));
	end();
}

static struct record
timed(uint64_t id, uint16_t port, int64_t rtt_ms, int64_t loop_ms)
{
	struct record r = seen(id, 60, 55);

	r.connection.server.port = port;
	r.connection.rtt_known = true;
	r.connection.rtt_ns = rtt_ms * MS;
	r.connection.dir[1].loop_ns = loop_ms * MS;
	return r;
}

/* Of sessions on other ports, whatever the order in which they come. */
static void
test_least_rtt(void)
{
	static const int64_t least_but[] = { 20, 12, 12 }; /* on other ports than 25, 110, 587 */
	static const uint16_t ports[] = { 25, 110, 587 };
	struct record all[] = { timed(1, 25, 30, 0), timed(2, 110, 50, 0), timed(3, 25, 40, 12),
		timed(4, 587, 20, 0), timed(5, 110, 90, 25), timed(6, 587, 70, 0) };
	enum { N = sizeof(all) / sizeof(all[0]) };

	for (size_t turn = 0; turn < N; turn++) {
		struct record r[N];

		for (size_t i = 0; i < N; i++)
			r[i] = all[(i + turn) % N];
		for (size_t i = 0; i < N; i++) { /* in this order of time */
			r[i].connection.key.conn = i + 1;
			r[i].connection.first = at((int64_t)i);
		}
		begin(r, N);
		for (size_t i = 0; i < N; i++) {
			const struct mail_case *c = case_of(store, i + 1);
			int64_t least = sights_least_rtt(lookup_sights(lookups), c);

			for (size_t k = 0; k < 3; k++)
				if (c->conn->server.port == ports[k])
					CHECK_EQ_INT(least, least_but[k] * MS);
		}
		end();
	}
	all[2].connection.dir[1].data_segments = 0; /* nothing was said */
	all[3].connection.rtt_known = false;
	begin(all, N);
	CHECK_EQ_INT(sights_least_rtt(lookup_sights(lookups), case_of(store, 2)), 30 * MS);
	CHECK_EQ_INT(sights_least_rtt(lookup_sights(lookups), case_of(store, 1)), 25 * MS);
	end();
	for (int64_t way = 1; way >= -1; way -= 2) { /* all on one port: none on another */
		struct record own[] = { timed(1, 25, 30 + 10 * way, 0),
			timed(2, 25, 30 - 10 * way, 0) };

		begin(own, 2);
		CHECK_EQ_INT(sights_least_rtt(lookup_sights(lookups), case_of(store, 1)), 0);
		end();
	}
}

/* A long life that began long before is found among short ones. */
static void
test_walk_of_the_living(void)
{
	struct record r[101];
	struct addr client = ip4(192, 0, 2, 10), server = ip4(198, 51, 100, 25);
	struct case_iter it = { .client = &client,
		.server = &server,
		.to_ns = BASE_NS + 52500 * MS,
		.since_ns = BASE_NS + 50400 * MS };
	const struct mail_case *c;
	uint64_t seen[8] = { 0 };
	struct store *s;
	size_t n = 0;

	for (uint64_t i = 0; i < 100; i++)
		r[i] = build_connection(0, i + 1, (int64_t)i * 1000, (int64_t)i * 1000 + 500);
	r[100] = build_connection(0, 999, 10100, 60000);
	s = store_of(r, 101);
	while ((c = store_case_next(s, &it)) != NULL && n < 8)
		seen[n++] = c->id;
	CHECK_EQ_INT(n, 4);
	CHECK_EQ_INT(seen[0], 999);
	CHECK_EQ_INT(seen[1], 51);
	CHECK_EQ_INT(seen[2], 52);
	CHECK_EQ_INT(seen[3], 53);
	store_free(s);
}

/* Whoever lived then, by asking each; `backwards' turns the order round. */
static size_t
living(const struct store *s, int64_t from_ns, int64_t to_ns, int64_t since_ns, bool backwards,
    uint64_t *ids)
{
	size_t n = store_case_count(s), count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct mail_case *c = store_case_at(s, backwards ? n - 1 - i : i);

		if (c->conn->first.ns >= from_ns && c->conn->first.ns <= to_ns &&
		    c->conn->last.ns >= since_ns)
			ids[count++] = c->id;
	}
	return count;
}

static void
check_living(const struct store *s, struct case_iter it)
{
	uint64_t expected[100];
	size_t n = living(s, it.from_ns, it.to_ns, it.since_ns, it.backwards, expected), i = 0;
	const struct mail_case *c;

	while ((c = store_case_next(s, &it)) != NULL) {
		CU_ASSERT_FATAL(i < n);
		CHECK_EQ_INT(c->id, expected[i++]);
	}
	CHECK_EQ_INT(i, n);
}

/* From the first and from the last, among any number of connections of any length. */
static void
test_walk_both_ways(void)
{
	struct record r[100];
	uint64_t lot = 1;

	for (size_t n = 1; n <= 100; n = n < 20 ? n + 1 : n + 16) {
		struct store *s;

		for (uint64_t i = 0; i < n; i++) {
			int64_t begins =
			    (int64_t)(lot = lot * 6364136223846793005u + 1442695040888963407u) >>
				33 &
			    1023;

			lot = lot * 6364136223846793005u + 1442695040888963407u;
			r[i] = build_connection(0, i + 1, begins,
			    begins + (int64_t)(lot >> 33 & (i % 7 == 0 ? 1023 : 63)));
		}
		s = store_of(r, n);
		for (int64_t ms = 0; ms < 1100; ms += 50)
			for (int64_t since = 10; since < 1100; since += 90)
				for (int backwards = 0; backwards < 2; backwards++) {
					struct case_iter it = { .from_ns = BASE_NS + ms / 3 * MS,
						.to_ns = BASE_NS + ms * MS,
						.since_ns = BASE_NS + since * MS,
						.backwards = backwards };

					check_living(s, it);
				}
		store_free(s);
	}
}

/*
 * One connection as long as the capture does not make the others be asked: beyond a bound nothing
 * would be certain any more.
 */
static void
test_bound_of_short_ones(void)
{
	enum { SHORT = 20000 };
	struct record *r = calloc(SHORT + 1, sizeof(*r));
	uint32_t looked = 0;

	CU_ASSERT_FATAL(r != NULL);
	r[0] = build_connection(0, 1, 0, INT64_C(1000) * SHORT);
	for (int i = 1; i <= SHORT; i++)
		r[i] = build_connection(
		    0, 1 + (uint64_t)i, INT64_C(1000) * i, INT64_C(1000) * i + 500);
	begin(r, SHORT + 1);
	for (int backwards = 0; backwards < 2; backwards++) {
		int64_t since = backwards ? 2500 : (SHORT - 1) * 1000;
		struct case_iter it = { .since_ns = BASE_NS + since * MS,
			.to_ns = BASE_NS + (since + 100) * MS,
			.backwards = backwards };

		looked = 0;
		while (lookup_next(lookups, &it, &looked, 64) != NULL)
			;
		CHECK_EQ_INT(looked, 2);
		CHECK_EQ_INT(lookups_cut(lookups), 0);
	}
	end();
	free(r);
}

/*
 * A search among more connections than it may look at ends there, and that is counted; one that
 * comes to its end is not.
 */
static void
test_bound(void)
{
	struct record r[] = { build_connection(0, 1, 0, 5000), build_connection(0, 2, 100, 5000),
		build_connection(0, 3, 200, 5000) };
	uint32_t looked = 0;
	struct case_iter it = { 0 };

	begin(r, 3);
	while (lookup_next(lookups, &it, &looked, 3) != NULL)
		;
	CHECK_EQ_INT(looked, 3);
	CHECK_EQ_INT(lookups_cut(lookups), 0);
	it = (struct case_iter){ 0 };
	looked = 0;
	while (lookup_next(lookups, &it, &looked, 2) != NULL)
		;
	CHECK_EQ_INT(looked, 2);
	CHECK_EQ_INT(lookups_cut(lookups), 1);
	CHECK(lookup_may(lookups, 1, 2, 2) && !lookup_may(lookups, 2, 2, 2));
	CHECK_EQ_INT(lookups_cut(lookups), 1);
	CHECK(!lookup_may(lookups, 2, 3, 2));
	CHECK_EQ_INT(lookups_cut(lookups), 2);
	end();
}

/* Nor does it walk over very many that it does not want. */
static void
test_bound_of_others(void)
{
	enum { OTHERS = 20000 };
	struct record *r = calloc(OTHERS + 1, sizeof(*r));
	struct case_iter it = { .server_port = 2525 };
	uint32_t looked = 0;

	CHECK(r != NULL);
	if (r == NULL)
		return;
	for (int i = 0; i <= OTHERS; i++)
		r[i] = build_connection(0, 1 + (uint64_t)i, i, i + 5000);
	r[OTHERS].connection.server.port = 2525;
	begin(r, OTHERS + 1);
	CHECK(lookup_next(lookups, &it, &looked, 64) == NULL);
	CHECK_EQ_INT(lookups_cut(lookups), 1);
	it = (struct case_iter){ .server_port = 2525,
		.from_ns = build_connection(0, 1, OTHERS - 100, OTHERS).connection.first.ns,
		.to_ns = INT64_MAX };
	CHECK(lookup_next(lookups, &it, &looked, 64) != NULL);
	CHECK(lookup_next(lookups, &it, &looked, 64) == NULL);
	CHECK_EQ_INT(lookups_cut(lookups), 1);
	end();
	free(r);
}

/*
 * All searches of a judgement have a bound, too: from there on each looks at few, and that is
 * counted.
 */
static void
test_bound_of_all(void)
{
	struct record *r = calloc(LOOKUP_FEW + 2, sizeof(*r));
	uint64_t all = 0;

	CHECK(r != NULL);
	if (r == NULL)
		return;
	for (int i = 0; i <= LOOKUP_FEW + 1; i++)
		r[i] = build_connection(0, 1 + (uint64_t)i, i, i + 5000);
	begin(r, LOOKUP_FEW + 2);
	while (lookups_cut(lookups) == 0 && all <= LOOKUP_ALL + 2 * LOOKUP_MOST) {
		struct case_iter it = { 0 };
		uint32_t looked = 0;

		while (lookup_next(lookups, &it, &looked, LOOKUP_MOST) != NULL)
			;
		all += looked;
		CHECK(looked == LOOKUP_FEW + 2 || lookups_cut(lookups) > 0);
	}
	CHECK_EQ_INT(lookups_cut(lookups), 1);
	CHECK(all >= LOOKUP_ALL - LOOKUP_MOST && all <= LOOKUP_ALL + LOOKUP_MOST);
	end();
	free(r);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "services of a server", test_services },
		{ "one name, two unrelated servers", test_greeting_twins },
		{ "recipients that were taken", test_accepted },
		{ "mails whose answer was not heard", test_unheard },
		{ "cases of a kind", test_cases_of_a_kind },
		{ "lists with STARTTLS, each once", test_offers },
		{ "another distance of the client", test_client_differs },
		{ "another distance of the server", test_server_differs },
		{ "the least that sessions needed", test_least_rtt },
		{ "who lived when", test_walk_of_the_living },
		{ "who lived when, both ways", test_walk_both_ways },
		{ "one long connection among short ones", test_bound_of_short_ones },
		{ "a search that ends at its bound", test_bound },
		{ "all searches that end at their bound", test_bound_of_all },
		{ "a search among very many others", test_bound_of_others },
	};

	return check_main("lookup", tests, sizeof(tests) / sizeof(tests[0]));
}
