/* Silent now, and answered at other times, at other places or to others: what comes before what. */
#include "case_build.h"

enum { NOW = 100000 }; /* ms */

static struct record
build_answered(int client, int64_t ms, uint16_t port)
{
	struct record r = build_host(client, ip4(198, 51, 100, 25), port, ms);

	r.host.answered = 1;
	r.host.answered_at = at(ms);
	return r;
}

static const char *
subkind_of(const struct correlator *c, enum finding_kind kind)
{
	const struct finding *f = find_kind(c, kind);

	return f != NULL ? f->subkind : NULL;
}

/* Of two places, whose clocks differ, nobody can say what came first. */
static void
answered_at_another_place(void)
{
	for (uint32_t point = 0; point < 2; point++) {
		struct record host = build_answered(10, 5000, 25),
			      before = build_connection(point, 3, 5000, 6000);
		struct correlator *c;

		host.host.key.point = point;
		c = JUDGED(host, before, build_syns(9, NOW, 4, NOW + 30000));
		CHECK_EQ_STR(subkind_of(c, FINDING_PORT_BLOCKED_SILENT),
		    point == 0 ? "no-more" : "intermittent");
		correlator_free(c);
	}
}

/*
 * In vain before it was answered: it comes and goes.  One SYN alone may have been answered when the
 * capture had ended.
 */
static void
in_vain_before(void)
{
	for (uint32_t syns = 1; syns <= 2; syns++) {
		struct correlator *c =
		    JUDGED(build_answered(10, 5000, 25), build_connection(0, 3, 5000, 6000),
			build_syns(4, 1000, syns, 4500), build_syns(9, NOW, 4, NOW + 30000));

		CHECK_EQ_STR(subkind_of(c, FINDING_PORT_BLOCKED_SILENT),
		    syns == 1 ? "no-more" : "intermittent");
		correlator_free(c);
	}
}

/* A queue that is full takes nobody: where others are answered since it is about this client. */
static void
others_are_answered_since(void)
{
	for (int since = 0; since < 2; since++) {
		struct correlator *c =
		    JUDGED(build_answered(10, 5000, 25), build_connection(0, 3, 5000, 6000),
			build_answered(11, since ? NOW + 5000 : NOW - 5000, 25),
			build_syns(9, NOW, 4, NOW + 30000));

		CHECK_EQ_STR(subkind_of(c, FINDING_PORT_BLOCKED_SILENT), since ? "" : "no-more");
		correlator_free(c);
	}
}

/* The other port is told to be unreachable as well: but not where it was reached. */
static void
submission_is_reached(void)
{
	for (int reached = 0; reached < 2; reached++) {
		struct record syn = build_syns(1, 0, 1, 30000),
			      icmp = { .type = RECORD_ICMP_ERROR },
			      other = build_answered(10, 2000, 587);
		const struct finding *f;
		struct correlator *c;

		syn.connection.state = CONN_UNREACHABLE;
		icmp.icmp_error = (struct record_icmp_error){ .key = syn.connection.key,
			.at = at(50),
			.last = at(50),
			.from = ip4(203, 0, 113, 1),
			.family = 4,
			.type = 3,
			.code = 13,
			.for_syn = true,
			.quoted_from = syn.connection.client,
			.quoted_to = syn.connection.server };
		icmp.icmp_error.key.n = 1;
		other.host.unreachable = 1;
		other.host.answered = (uint32_t)reached;
		c = JUDGED(syn, icmp, other);
		f = find_kind(c, FINDING_PORT_BLOCKED_ICMP);
		CHECK(f != NULL);
		CHECK((strstr(f->remedy, "prohibits as well") != NULL) == !reached);
		correlator_free(c);
	}
}

/* It answers, is acknowledged here, and answers again: what the client says does not come to it. */
static void
acknowledged_in_vain(void)
{
	for (int greeted = 0; greeted < 2; greeted++) {
		struct record r = build_connection(0, 1, 0, 9000);
		const struct finding *f;
		struct correlator *c;

		r.connection.synack_count = 4;
		r.connection.synack_last = at(7020);
		for (int d = 0; d < 2; d++)
			r.connection.dir[d] = (struct record_direction){
				.packets = 5, .isn_known = true, .ttl = 60, .ttl_syn = 60
			};
		r.connection.dir[1].stream_bytes = r.connection.dir[1].data_segments =
		    (uint32_t)greeted;
		c = JUDGED(r);
		f = find_kind(c, FINDING_SYN_ACK_RETURN_BLOCKED);
		CHECK_EQ_STR(f != NULL ? f->subkind : "none", greeted ? "none" : "last-ack");
		correlator_free(c);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "answered at another place", answered_at_another_place },
		{ "in vain before it was answered", in_vain_before },
		{ "others are answered since", others_are_answered_since },
		{ "the submission port is reached", submission_is_reached },
		{ "acknowledged in vain", acknowledged_in_vain },
	};

	return check_main("reached at other times", tests, sizeof(tests) / sizeof(tests[0]));
}
