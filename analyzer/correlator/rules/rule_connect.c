/*
 * rule_connect.c - a connection comes to stand at last, but only the second SYN or a later one is
 * answered, and so in connection after connection: the user waits each time (RFC 6298: 1 s, then
 * longer).
 */
#include "correlator/facts/lookup.h"
#include "correlator/facts/symptom.h"

enum { LOOKED = 256, OFTEN = 3, SHARE = 4 /* one of so many */ };

#define AROUND     (600 * SECOND)
#define WAIT_LEAST (SECOND * 9 / 10)
#define RTT_MOST   (SECOND / 2) /* a SYN that is said again sooner than its answer can come */

/* So many SYNs until the first answer. */
static uint32_t
syns_before(const struct record_connection *c)
{
	uint32_t n = 0;

	while (n < c->syn_count && n < RECORD_SYNS && moment_before(&c->syn[n], &c->synack_first))
		n++;
	return n;
}

static bool
took_several(const struct mail_case *c)
{
	return c->has_conn && moment_is(&c->conn->handshake) && moment_is(&c->conn->synack_first) &&
	    syns_before(c->conn) >= 2 && c->conn->rtt_known && c->conn->rtt_ns < RTT_MOST &&
	    case_waited(c, &c->conn->syn[0], &c->conn->synack_first) >= WAIT_LEAST;
}

/* Of the connections of the two about that time: all that came to stand, and such. */
static uint32_t
such_around(const struct view *v, uint32_t *all)
{
	const struct record_connection *c = v->c->conn;
	struct case_iter it = { .client = &c->client.ip,
		.server = &c->server.ip,
		.server_port = c->server.port,
		.from_ns = c->first.ns - AROUND,
		.to_ns = c->first.ns + AROUND };
	const struct mail_case *x;
	uint32_t such = 0;

	*all = 0;
	for (uint32_t looked = 0;
	     looked < LOOKED && (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x->has_conn && x->point == v->c->point && moment_is(&x->conn->handshake)) {
			++*all;
			such += took_several(x);
		}
	return such;
}

static bool
nothing_repeated(const struct record_connection *c)
{
	return c->dir[0].retransmissions + c->dir[0].hole_fills + c->dir[1].retransmissions +
	    c->dir[1].hole_fills ==
	    0;
}

static void
say(const struct mail_case *c, uint32_t such, uint32_t all, struct verdicts *out)
{
	const struct record_connection *r = c->conn;
	struct finding *f =
	    verdict_add(out, FINDING_SLOW_BANNER, absence(c, CONFIDENCE_PROBABLE), c, 1);
	char waited[32];

	symptom_seconds(case_waited(c, &r->syn[0], &r->synack_first), waited);
	f->severity = SEVERITY_WARNING;
	finding_subkind(f, "connection");
	finding_span(f, &r->syn[0], &r->handshake);
	evidence_frame(
	    evidence_frame(
		finding_says(f, c->point,
		    "the client says SYN %u times, and the answer comes %s after the first",
		    syns_before(r), waited),
		&r->syn[0]),
	    &r->synack_first);
	finding_says(f, c->point,
	    "so in %u of %u connections of the two to this port within ten minutes", such, all);
	if (nothing_repeated(r))
		finding_exclude(
		    f, FINDING_HIGH_LOSS, "nothing of what follows the handshake is lost");
	finding_summary(f,
	    "Until a connection stands the client has to ask several times: here it took %u SYNs and %s, and so in %u of %u connections.",
	    syns_before(r), waited, such, all);
	if (r->dir[1].at_sender) {
		finding_remedy(f,
		    "The SYNs come to the server's own network, and it does not answer each: the queue of connections that its mail server has not yet taken "
		    "is full (Linux: nstat -az TcpExtListenOverflows), or its firewall limits new ones. Raise the mail server's backlog or its number of "
		    "processes, or the limit.");
		return;
	}
	finding_remedy(f,
	    "A server whose queue of new connections is full drops SYNs so (Linux: nstat -az TcpExtListenOverflows there), and so does a firewall that limits new "
	    "connections; a line that loses packets loses others, too.");
	finding_next_capture(f, "a server or firewall that drops SYNs",
	    "SYNs, or the answers to them, that are lost on their way", "what comes to the server",
	    "at the server");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	uint32_t such, all;

	if (!took_several(v->c) || case_one_sided(v->c))
		return;
	such = such_around(v, &all);
	if (such >= OFTEN && such * SHARE >= all)
		say(v->c, such, all, out);
}

const struct rule rule_connect = { "connect", RULE_MAIL, judge, false };
