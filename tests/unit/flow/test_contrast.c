/* What a capture point remembers of all hosts: bounded, and nothing is lost without being told. */
#include "check.h"
#include "flow/table/contrast.h"

enum { SMALL = 64 };

static const struct hash_key key = { { 1, 2 } };
/* All records that came out, added up. */
static struct {
	uint32_t paths, hosts, answered, last_ordinal;
	uint32_t proven_least, proven_most;
	struct addr server; /* of the last host record */
} out;

static struct hosts *hosts;

static void
take(void *ctx, const struct record *r)
{
	(void)ctx;
	if (r->type == RECORD_PATH) {
		out.paths++;
		if (out.paths == 1 || r->path.proven < out.proven_least)
			out.proven_least = r->path.proven;
		if (r->path.proven > out.proven_most)
			out.proven_most = r->path.proven;
		return;
	}
	out.hosts++;
	out.answered += r->host.answered;
	out.server = r->host.server.ip;
	out.last_ordinal = (uint32_t)r->host.key.n;
}

static struct contrast *
begin(uint32_t size)
{
	struct record_sink sink = { take, NULL };
	struct contrast *c;

	memset(&out, 0, sizeof(out));
	hosts = hosts_new(&key);
	c = contrast_new(3, &key, hosts, size, size, &sink);
	CU_ASSERT_FATAL(c != NULL);
	return c;
}

static void
end(struct contrast *c)
{
	contrast_free(c);
	hosts_free(hosts);
}

/* IPv6, so that who is forgotten must also give its id back. */
static struct endpoint
server_of(uint32_t i)
{
	struct endpoint e = { .ip = { .family = 6, .b = { 0x20, 0x01, 0x0d, 0xb8 } }, .port = 25 };

	e.ip.b[14] = (uint8_t)(i >> 8);
	e.ip.b[15] = (uint8_t)i;
	return e;
}

static struct addr
client6(void)
{
	struct addr a = server_of(0).ip;

	a.b[4] = 1;
	return a;
}

static struct host_pair
pair_take(const struct addr *from, const struct addr *to)
{
	struct host_pair way = { .family = 6 };

	CU_ASSERT_FATAL(hosts_take(hosts, from, &way.from) && hosts_take(hosts, to, &way.to));
	return way;
}

static void
pair_drop(struct host_pair way)
{
	hosts_drop(hosts, 6, way.from);
	hosts_drop(hosts, 6, way.to);
}

/* Whom nobody else holds: after the call only what remembers it does. */
static void
mark(struct contrast *c, struct addr from, struct addr to)
{
	struct host_pair way = pair_take(&from, &to);

	contrast_mark(c, &way);
	pair_drop(way);
}

static void
meet(struct contrast *c, uint32_t i, enum contrast_event event)
{
	struct moment at = { INT64_C(1700000000000000000) + i, i + 1 };
	struct contrast_note n = {
		.event = event, .since = at, .at = at, .rtt_ns = 1000, .ttl = 60
	};
	struct endpoint server = server_of(i);
	struct addr from = client6();
	struct host_pair way = pair_take(&from, &server.ip);

	contrast_host(c, &way, server.port, &n);
	contrast_proven(c, &way, 100 + i, at, 0, true);
	pair_drop(way);
}

static void
who_makes_room_is_written(void)
{
	struct contrast *c = begin(SMALL);

	for (uint32_t i = 0; i < 500; i++)
		meet(c, i, CONTRAST_ANSWERED);
	CHECK_EQ_INT(out.hosts, 500 - SMALL);
	CHECK_EQ_INT(out.paths, 500 - SMALL);
	CHECK(hosts_count(hosts) <= SMALL + 1);
	contrast_report(c);
	CHECK_EQ_INT(out.hosts, 500);
	CHECK_EQ_INT(out.answered, 500);
	CHECK_EQ_INT(out.paths, 500);
	CHECK_EQ_INT(out.proven_least, 100);
	CHECK_EQ_INT(out.proven_most, 599);
	CHECK_EQ_INT(contrast_counters(c).hosts_dropped, 0);
	end(c);
}

/* A log that is saved again and again tells only what is new. */
static void
what_did_not_change_is_saved_once(void)
{
	struct contrast *c = begin(SMALL);

	meet(c, 1, CONTRAST_ANSWERED);
	meet(c, 2, CONTRAST_ANSWERED);
	contrast_save(c);
	CHECK_EQ_INT(out.hosts, 2);
	CHECK_EQ_INT(out.paths, 2);
	contrast_save(c);
	CHECK_EQ_INT(out.hosts, 2);
	meet(c, 2, CONTRAST_ANSWERED);
	contrast_save(c);
	CHECK_EQ_INT(out.hosts, 3);
	CHECK_EQ_INT(out.paths, 3);
	contrast_report(c); /* the end tells all */
	CHECK_EQ_INT(out.hosts, 5);
	end(c);
}

/* What is asked for again and again outlives what came by once. */
static void
who_is_met_again_stays(void)
{
	struct contrast *c = begin(SMALL);

	for (uint32_t i = 0; i < 1000; i++) {
		meet(c, 7000, CONTRAST_ANSWERED);
		meet(c, i, CONTRAST_UNANSWERED);
	}
	CHECK(out.hosts <= 1); /* the hand's first round spares nobody */
	contrast_report(c);
	CHECK_EQ_INT(out.answered, 1000);
	end(c);
}

/* Pushed out and met again: a record of its own, and the two add up. */
static void
who_comes_back_begins_anew(void)
{
	struct contrast *c = begin(SMALL);
	uint32_t first;

	meet(c, 7000, CONTRAST_ANSWERED);
	for (uint32_t i = 0; i < 3 * SMALL; i++)
		meet(c, i, CONTRAST_UNANSWERED);
	CHECK_EQ_INT(out.answered, 1);
	first = out.last_ordinal;
	meet(c, 7000, CONTRAST_ANSWERED);
	for (uint32_t i = 0; i < 3 * SMALL; i++)
		meet(c, i, CONTRAST_UNANSWERED);
	CHECK_EQ_INT(out.answered, 2);
	CHECK(out.last_ordinal != first);
	end(c);
}

static void
forged_syns_are_dropped_and_counted(void)
{
	struct contrast *c = begin(SMALL);

	meet(c, 7000, CONTRAST_REFUSED);
	meet(c, 7001, CONTRAST_UNREACHABLE);
	for (uint32_t i = 0; i < 500; i++)
		meet(c, i, CONTRAST_UNANSWERED);
	CHECK_EQ_INT(out.hosts, 2); /* who said no has said something */
	CHECK_EQ_INT(contrast_counters(c).hosts_dropped, 500 - SMALL);
	end(c);
}

/* A SPAN port of a whole house: 3,000 servers that one client reached. */
static void
meet_many(struct contrast *c)
{
	for (uint32_t i = 0; i < 3000; i++)
		meet(c, i, CONTRAST_ANSWERED);
	contrast_report(c);
}

/* Who reached a mail server; the path from another client than the mail's is nothing to it. */
static void
of_many_those_about_a_server_are_written(void)
{
	struct contrast *c = begin(4096);
	struct addr mail = server_of(1234).ip;

	mark(c, server_of(9999).ip, mail);
	mark(c, server_of(9999).ip, mail);
	meet_many(c);
	CHECK_EQ_INT(out.hosts, 1);
	CHECK(memcmp(&out.server, &mail, sizeof(mail)) == 0);
	CHECK_EQ_INT(out.paths, 0);
	CHECK_EQ_INT(contrast_counters(c).not_written, 2999 + 3000);
	end(c);
}

/* Whom a mail client reached; both ways between it and its mail server. */
static void
of_many_those_about_a_client_are_written(void)
{
	struct contrast *c = begin(4096);
	struct addr from = client6(), mail = server_of(1234).ip;
	struct host_pair back = pair_take(&mail, &from);

	mark(c, from, mail);
	contrast_proven(c, &back, 99, (struct moment){ INT64_C(1700000000000000000), 1 }, 0, true);
	meet_many(c);
	CHECK_EQ_INT(out.hosts, 3000);
	CHECK_EQ_INT(out.paths, 2);
	CHECK_EQ_INT(out.proven_least, 99);
	CHECK_EQ_INT(out.proven_most, 100 + 1234);
	CHECK_EQ_INT(contrast_counters(c).not_written, 2999);
	pair_drop(back);
	end(c);
}

/* A mail server that goes elsewhere as a client is no mail client. */
static void
of_many_a_role_is_not_the_other(void)
{
	struct contrast *c = begin(4096);

	mark(c, server_of(1234).ip, client6());
	meet_many(c);
	CHECK_EQ_INT(out.hosts, 0);
	CHECK_EQ_INT(out.paths, 1); /* from its server to the mail client */
	CHECK_EQ_INT(out.proven_most, 100 + 1234);
	end(c);
}

/* However many are marked: each of them is written, and nobody else. */
static void
every_mark_is_remembered(void)
{
	struct contrast *c = begin(4096);

	for (uint32_t i = 0; i < 3000; i += 3)
		mark(c, server_of(9999).ip, server_of(i).ip);
	meet_many(c);
	CHECK_EQ_INT(out.hosts, 1000);
	CHECK_EQ_INT(contrast_counters(c).not_written, 2000 + 3000);
	end(c);
}

/* More marked hosts than the marks can hold: then all count as marked. */
static void
too_many_marks_lose_nothing(void)
{
	struct contrast *c = begin(4096);

	for (uint32_t i = 0; i < 6000; i++)
		mark(c, server_of(9999).ip, server_of(10000 + i).ip);
	meet_many(c);
	CHECK_EQ_INT(out.hosts, 3000);
	CHECK_EQ_INT(out.paths, 3000);
	CHECK_EQ_INT(contrast_counters(c).not_written, 0);
	end(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "who makes room is written", who_makes_room_is_written },
		{ "who is met again stays", who_is_met_again_stays },
		{ "what did not change is saved once", what_did_not_change_is_saved_once },
		{ "who comes back begins anew", who_comes_back_begins_anew },
		{ "forged SYNs are dropped and counted", forged_syns_are_dropped_and_counted },
		{ "of many those about a mail server are written",
		    of_many_those_about_a_server_are_written },
		{ "of many those about a mail client are written",
		    of_many_those_about_a_client_are_written },
		{ "of many, a role is not the other", of_many_a_role_is_not_the_other },
		{ "every mark is remembered", every_mark_is_remembered },
		{ "too many marks lose nothing", too_many_marks_lose_nothing },
	};

	return check_main("contrast", tests, sizeof(tests) / sizeof(tests[0]));
}
