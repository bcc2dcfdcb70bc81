/*
 * rule_reach.c - a SYN that led nowhere (diagnosis 1B, 0.7): ICMP first, then
 * RST, then silence (reach_silence.c); contrast decides the name, no contrast is
 * `possible'.
 */
#include "correlator/facts/contrast.h"
#include "correlator/facts/dialogue.h"
#include "correlator/facts/unreachable.h"
#include "reach.h"
#include "reach_say.h"

/* ---- an ICMP error that quotes the SYN ----------------------------------------------- */

enum { PROBE_TTL = 30 };

/*
 * traceroute -T, mtr --tcp: a probe is sent to die on the way.  No host begins with so little: 32,
 * 64, 128 or 255, and no way is longer than thirty routers.
 */
static bool
syn_is_probe(const struct mail_case *c)
{
	return c->conn->dir[0].ttl_syn > 0 && c->conn->dir[0].ttl_syn <= PROBE_TTL &&
	    c->conn->syn_count <= 1;
}

/*
 * It came to stand, whether the other side's answer is in the capture or not: nobody sends data
 * before.
 */
static bool
case_stood(const struct mail_case *c)
{
	return moment_is(&c->conn->handshake) || c->conn->dir[0].data_segments > 0;
}

/*
 * A submission port of this server that this client is told to be unreachable as well, and never
 * reaches; 0 = none.
 */
static uint16_t
submission_told(const struct view *v)
{
	const struct record_connection *c = v->c->conn;
	struct host_iter it = { .client = &c->client.ip };
	const struct record_host *h;

	while ((h = store_host_next(v->store, &it)) != NULL)
		if (reach_port_submits(h->server.port) &&
		    addr_equal(&h->server.ip, &c->server.ip) && h->unreachable > 0 &&
		    h->answered == 0)
			return h->server.port;
	return 0;
}

/* It names a device and its rule: what the rule lets through tells which. */
static void
say_prohibited(
    const struct view *v, const struct unreachable *a, const char *router, struct finding *f)
{
	uint16_t port = v->c->conn->server.port, other = submission_told(v);
	struct contrast con;
	char server[ENDPOINT_TEXT];
	bool later;

	contrast_find(v, false, &con);
	if (con.same) {
		later = contrast_comes_and_goes(v, &con);
		finding_subkind(f, later ? "intermittent" : "no-more");
		evidence_frame(
		    finding_says(f, con.same_point,
			"another connection of this client to the same port was answered"),
		    &con.same_at);
		finding_summary(f, "%s answers %s attempts to reach %s with \"%s\", %s.", router,
		    later ? "some" : "these",
		    endpoint_format(&v->c->conn->server, server, sizeof(server)), a->words,
		    later ? "and lets others through" : "and let others through before");
		finding_remedy(f,
		    "The port is not closed as such. Ask the owner of %s for the rule: a limit of new connections%s; then let the client open fewer, "
		    "or have the limit raised.",
		    router, later ? "" : ", or one that was set since");
		reach_say_besides(v, f);
	} else if (port_is_mail(port) && !reach_port_relays(port)) {
		finding_remedy(f, "%s prohibits this connection: ask its owner to open port %u.",
		    router, port);
	} else if (other != 0) {
		finding_remedy(f,
		    "%s prohibits this connection: ask its owner to open port %u, or the submission port %u, which it prohibits as well.",
		    router, port, other);
	}
}

/* `many': hosts all over are told so; then it is one finding about the way out. */
static bool
judge_icmp(const struct view *v, bool many, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	for (uint32_t i = 0; i < c->icmp_count; i++) {
		const struct record_icmp_error *e = c->icmp[i];
		const struct unreachable *a = unreachable_of(e);
		bool own = addr_equal(&e->from, &c->conn->server.ip);
		char router[ADDR_TEXT], server[ENDPOINT_TEXT];
		struct finding *f;

		if (a == NULL || e->dir == 1 || case_stood(c) || (a->loop && syn_is_probe(c)))
			continue;
		if (many && a->kind != FINDING_PORT_BLOCKED_ICMP)
			return true;
		addr_format(&e->from, router, sizeof(router));
		endpoint_format(&c->conn->server, server, sizeof(server));
		f = verdict_add(out, a->kind, CONFIDENCE_CONFIRMED, c, 0);
		if (moment_before(&c->conn->last, &e->last)) /* the last word is the router's */
			finding_span(f, &c->conn->first, &e->last);
		evidence_frame(
		    finding_says(f, c->point, "the connection attempt"), &c->conn->syn[0]);
		evidence_frame(finding_says(f, c->point, "ICMP%s type %u code %u from %s quotes it",
				   e->family == 6 ? "v6" : "", e->type, e->code, router),
		    &e->at);
		if (many) {
			f->to.ip = (struct addr){ 0 };
			finding_summary(f,
			    "%s answers attempts to reach port %u, of whatever server, with \"%s\".",
			    router, c->conn->server.port, a->words);
		} else {
			finding_summary(f, "%s answers attempts to reach %s with \"%s\"%s.", router,
			    server, a->words,
			    !own ? ""
				: a->kind == FINDING_PORT_BLOCKED_ICMP
				? ": the server's own firewall, or a router under its address, rejects the port"
				: ": the address hands them on to a machine behind it that it cannot reach, or its own firewall says so");
		}
		if (own && a->kind == FINDING_HOST_UNREACHABLE_ICMP && !many)
			finding_remedy(f,
			    "Look behind %s: what answers under this address (a load balancer, a port forwarding) has a machine behind it that is "
			    "down or has another address; without one, look at the server's own firewall.",
			    router);
		if (a->loop)
			finding_subkind(f, "routing-loop");
		finding_exclude(f, FINDING_PORT_BLOCKED_SILENT, "there was an answer");
		if (a->kind == FINDING_PORT_BLOCKED_ICMP && !many)
			say_prohibited(v, a, router, f);
		if (a->kind == FINDING_HOST_UNREACHABLE_ICMP)
			reach_say_besides(v, f);
		if (a->kind == FINDING_PORT_BLOCKED_ICMP)
			finding_exclude(f, FINDING_SERVICE_DOWN,
			    "a port where nothing listens is answered by RST, not by ICMP");
		if (!many)
			reach_say_family(v, f);
		return true;
	}
	return false;
}

/* ---- a RST ------------------------------------------------------------------------------ */

struct reset_evidence {
	bool ttl, farther, time, several;
	bool compared; /* with the TTL of others of the host's packets, seen here, too */
	bool hop; /* one hop nearer than the host's other packets: a router before it, or another
		     way */
	uint8_t rst_ttl, host_ttl;
	int64_t delay, rtt;
	uint32_t nets;
};

static bool
ttl_apart(uint8_t a, uint8_t b)
{
	return a != 0 && b != 0 && (a >= b + 2 || b >= a + 2);
}

static unsigned int
reset_judge(const struct view *v, struct contrast *con, struct reset_evidence *e)
{
	const struct mail_case *c = v->c;
	uint32_t witnesses;
	bool mixed = contrast_mixed(v);

	contrast_find(v, true, con);
	e->rst_ttl = c->conn->dir[1].ttl_rst;
	e->host_ttl = contrast_ttl(v, false);
	/*
	 * What comes from farther is at most another host behind the same address.  A capture may
	 * hold the refusal from two places, each with a TTL of its own: then none of them may fit.
	 */
	e->ttl = !mixed && ttl_apart(e->rst_ttl, e->host_ttl) &&
	    ttl_apart(c->conn->dir[1].ttl_rst_first, e->host_ttl);
	e->farther = e->ttl && ttl_hops(e->rst_ttl) >= ttl_hops(e->host_ttl) + 2;
	e->ttl = e->ttl && !e->farther;
	e->compared = !mixed && e->rst_ttl != 0 && e->host_ttl != 0;
	e->hop = e->rst_ttl != 0 && e->host_ttl != 0 &&
	    ttl_hops(e->rst_ttl) + 1 == ttl_hops(e->host_ttl);
	e->rtt = contrast_rtt(v, &witnesses);
	e->delay = c->conn->refused.ns - last_syn_ns(c);
	e->time = !mixed && e->rtt >= 5 * SECOND / 1000 && e->delay >= 0 &&
	    e->delay < e->rtt / 2; /* R6, 0.7: only if RTTmin >= 5 ms */
	e->several = con->c2;
	e->nets = con->silent_nets;
	/* one provider's servers may be down together: C2 only seconds another sign */
	return e->ttl || e->time ? (unsigned int)e->ttl + e->time + e->several : 0;
}

/* Hosts of many networks are not equally far: one device refuses for all of them. */
static void
reset_way_out(const struct mail_case *c, const struct contrast *con, struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_PORT_BLOCKED_RESET, CONFIDENCE_PROBABLE, c, 0);

	f->to.ip = (struct addr){ 0 };
	reach_say_other_port(f, c->conn->server.port);
	evidence_frames(finding_says(f, c->point, "the connection attempt was refused (RST)"),
	    &c->conn->syn[0], &c->conn->refused);
	finding_says(f, c->point,
	    "port %u is refused for hosts in %u different networks while other ports work, each time with TTL %u: from one distance",
	    c->conn->server.port, con->silent_nets, c->conn->dir[1].ttl_rst);
	finding_exclude(
	    f, FINDING_SERVICE_DOWN, "hosts of different networks are not all equally far");
	finding_summary(f,
	    "Connections to port %u are refused, whatever the server, while other ports work: a device on this client's way out refuses them in "
	    "the servers' names.",
	    c->conn->server.port);
}

/* A port that takes connections, too: nobody is told that nothing listens there. */
static void
reset_at_times(
    const struct view *v, const struct contrast *con, struct finding *f, const char *firewall)
{
	bool later = contrast_comes_and_goes(v, con);
	int64_t over = contrast_over(v);
	char server[ENDPOINT_TEXT];

	if (over > 0) {
		reach_say_over(v, f, con, over, "refused",
		    "the service was not running until then (it was restarted, or its host had just come up)",
		    firewall[0] != '\0'
			? ", or one of several machines behind this address, or a firewall in its name, refused"
			: ", or one of several machines behind this address refused");
		return;
	}
	finding_subkind(f, later ? "intermittent" : "no-more");
	evidence_frame(finding_says(f, con->same_point,
			   "another connection of this client to the same port was answered"),
	    &con->same_at);
	finding_summary(f,
	    "%s %s: the service was stopped, or it closes its port for a while (a limit of its connections, high load)%s%s.",
	    endpoint_format(&v->c->conn->server, server, sizeof(server)),
	    later ? "refuses some connections and takes others"
		  : "took a connection of this client before and refuses this one",
	    later ? ", or it is one of several machines behind this address that refuses" : "",
	    firewall);
	finding_remedy(f,
	    "See on the server whether the service runs and listens (ss -ltn). If it does, its log says when it closed the port and why: some "
	    "mail servers do so while they have as many connections, or as much load, as they are allowed to have (Sendmail: MaxDaemonChildren, "
	    "RefuseLA).%s",
	    later ? " If the address is a load balancer's, look at each machine behind it." : "");
}

/*
 * What would tell the server's RST from a firewall's.  Where the server's own network is seen
 * already there is nothing more to capture: a packet filter there answers as it does.
 */
static void
reset_undecided(const struct view *v, const struct contrast *con, struct finding *f)
{
	const struct mail_case *there = contrast_at_server(v);
	bool known = con->c1 || con->same;

	if (known && there != NULL && ttl_undiminished(there->conn->dir[1].ttl_rst))
		evidence_frame(
		    finding_says(f, there->point,
			"the RST has its first TTL here (%u): it comes from the server's own network, and no capture tells a "
			"closed port from a packet filter there (nft list ruleset, Windows firewall log)",
			there->conn->dir[1].ttl_rst),
		    &there->conn->refused);
	else
		finding_next_capture(f, "a closed port (service-down)",
		    "a firewall that refuses in its name (port-blocked-reset)",
		    known ? "what the server itself sends"
			  : "any other answer of this host to compare with",
		    known ? "at the server"
			  : "at the client, and connect to another port of the server as well");
}

static void
reset_say(const struct mail_case *c, const struct contrast *con, const struct reset_evidence *e,
    unsigned int signs, struct finding *f)
{
	evidence_frames(finding_says(f, c->point, "the connection attempt was refused (RST)"),
	    &c->conn->syn[0], &c->conn->refused);
	if (con->c1)
		evidence_frame(
		    finding_says(f, con->point, "the same host answers on port %u", con->port),
		    &con->c1_at);
	if (e->ttl)
		finding_says(f, c->point,
		    "the RST came with TTL %u, the host's other packets with %u: another machine sent it",
		    e->rst_ttl, e->host_ttl);
	if (e->farther)
		finding_says(f, c->point,
		    "the RST came with TTL %u, the host's other packets with %u: from farther, as from another machine behind the same "
		    "address",
		    e->rst_ttl, e->host_ttl);
	if (signs == 0 && e->hop)
		finding_says(f, c->point,
		    "the RST came with TTL %u, the host's other packets with %u: another way of the host's, or the router before it",
		    e->rst_ttl, e->host_ttl);
	if (e->time)
		finding_says(f, c->point,
		    "the RST came after %lld us, the host's other ports need %lld us: it came from nearer",
		    (long long)(e->delay / 1000), (long long)(e->rtt / 1000));
	if (e->several)
		finding_says(f, c->point,
		    "the port is refused by hosts in %u different networks while other ports work",
		    e->nets);
}

static void
judge_reset(const struct view *v, bool many, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct reset_evidence e = { 0 };
	static const char firewall[] = ", or a firewall refuses in its name";
	struct contrast con;
	unsigned int signs = reset_judge(v, &con, &e);
	enum confidence conf = signs >= 2     ? CONFIDENCE_CONFIRMED
	    : signs == 1                      ? CONFIDENCE_PROBABLE
	    : !con.c1 || e.hop || !e.compared ? CONFIDENCE_POSSIBLE
	    : e.farther                       ? CONFIDENCE_PROBABLE
					      : CONFIDENCE_CONFIRMED;
	struct finding *f;
	char server[ENDPOINT_TEXT];

	if (con.c2 && con.one_distance) {
		reset_way_out(c, &con, out);
		return;
	}
	if (many)
		return;
	f = verdict_add(
	    out, signs > 0 ? FINDING_PORT_BLOCKED_RESET : FINDING_SERVICE_DOWN, conf, c, 0);
	endpoint_format(&c->conn->server, server, sizeof(server));
	reset_say(c, &con, &e, signs, f);
	if (signs > 0) {
		reach_say_other_port(f, c->conn->server.port);
		finding_exclude(
		    f, FINDING_SERVICE_DOWN, "the refusal did not come from the server itself");
		finding_summary(f,
		    "Something between the client and %s refuses the connection in the server's name.",
		    server);
		reach_say_family(v, f);
		return;
	}
	if (con.same)
		reset_at_times(v, &con, f, conf == CONFIDENCE_POSSIBLE ? firewall : "");
	else
		finding_summary(f, "%s refuses the connection: nothing listens on this port%s.",
		    server, conf == CONFIDENCE_POSSIBLE ? firewall : "");
	reach_say_besides(v, f);
	reach_say_family(v, f);
	if (conf == CONFIDENCE_PROBABLE)
		finding_exclude(f, FINDING_PORT_BLOCKED_RESET,
		    "a device on the way is nearer than the host, not farther");
	else if (conf == CONFIDENCE_CONFIRMED)
		finding_exclude(
		    f, FINDING_PORT_BLOCKED_RESET, "the RST looks like the host's other packets");
	else
		reset_undecided(v, &con, f);
}

/* ---- the answer does not come back ------------------------------------------- */

/* The client says SYN again after it was answered: somebody is there, and did not hear. */
static bool
still_asking(const struct record_connection *n)
{
	return n->syn[last_syn_nr(n)].ns > n->synack_first.ns;
}

/* Captured where the client is: the way back is sound. */
static void
return_arrives(const struct mail_case *there, struct finding *f)
{
	const struct record_direction *client = &there->conn->dir[0],
				      *server = &there->conn->dir[1];

	finding_subkind(f, "at-the-client");
	evidence_frame(
	    finding_says(f, there->point,
		"the attempts still have their first TTL here (%u), the answers have passed routers (%u): the capture "
		"is on the client's own network, and they reach it",
		client->ttl_syn, server->ttl_syn),
	    &there->conn->synack_first);
	finding_summary(f,
	    "The server's answer comes to the client's own network, but the client does not react to it.");
	finding_remedy(f,
	    "Look at the client, not at the way: its own packet filter or security software drops the answer (iptables -nvL, nft list "
	    "ruleset, Windows firewall log); a switch or Wi-Fi bridge between this capture and the client is the other possibility.");
}

/* A router says why the answer goes no further. */
static void
return_refused(const struct mail_case *c, const struct record_icmp_error *e, struct finding *f)
{
	char router[ADDR_TEXT], client[ADDR_TEXT];

	addr_format(&e->from, router, sizeof(router));
	addr_format(&c->conn->client.ip, client, sizeof(client));
	finding_subkind(f, "told");
	evidence_frame(finding_says(f, c->point, "%s answers the server's SYN-ACK with \"%s\"",
			   router, unreachable_of(e)->words),
	    &e->at);
	finding_summary(f,
	    "The server answers the connection attempt; its answer does not reach %s: %s says \"%s\".",
	    client, router, unreachable_of(e)->words);
	finding_remedy(f,
	    "Ask the owner of %s: it is the way from the server back to the client that fails there (a filter, or a missing route).",
	    router);
}

static void
judge_unheard(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c, *there;
	const struct record_icmp_error *e =
	    case_unreachable(c, 1, c->conn->synack_first.ns, c->conn->t_end);
	bool asks = still_asking(c->conn);
	struct finding *f = verdict_add(out, FINDING_SYN_ACK_RETURN_BLOCKED,
	    asks || e != NULL ? CONFIDENCE_CONFIRMED : CONFIDENCE_POSSIBLE, c, 1);

	evidence_frames(finding_says(f, c->point,
			    "the server answers %u time%s (SYN-ACK), the client never replies",
			    c->conn->synack_count, PLURAL(c->conn->synack_count)),
	    &c->conn->synack_first, &c->conn->synack_last);
	if (e != NULL) {
		return_refused(c, e, f);
		return;
	}
	if (!asks) {
		finding_summary(f,
		    "The server answers the connection attempt and hears no more of the client: its answer does not come through, or nobody "
		    "is there (a forged address, a client that went away).");
		finding_next_capture(f, "an answer that is lost", "a client that is not there",
		    "what arrives at the client", "at the client");
		return;
	}
	evidence_frame(
	    finding_says(f, c->point, "the client goes on asking (%u SYNs)", c->conn->syn_count),
	    &c->conn->syn[last_syn_nr(c->conn)]);
	if ((there = contrast_at_client(v)) != NULL)
		return_arrives(there, f);
	else
		finding_summary(f,
		    "The server answers the connection attempt, but the client never reacts: the answer does not reach it, or its own filter "
		    "drops it.");
	reach_say_family(v, f);
}

static void
judge_return(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct finding *f;

	if (c->conn->synack_count < 3 ||
	    c->conn->synack_last.ns - c->conn->synack_first.ns < 3 * SECOND ||
	    c->conn->client_reset_synack)
		return;
	if (case_one_sided(c))
		return;
	if (c->conn->state == CONN_HALF_OPEN && !moment_is(&c->conn->handshake)) {
		judge_unheard(v, out);
		return;
	}
	if (!moment_is(&c->conn->handshake) || c->conn->dir[1].stream_bytes > 0)
		return;
	f = verdict_add(out, FINDING_SYN_ACK_RETURN_BLOCKED, CONFIDENCE_PROBABLE, c, 0);
	finding_subkind(f, "last-ack");
	evidence_frames(
	    finding_says(f, c->point,
		"the server answers %u times (SYN-ACK), each time acknowledged, yet it repeats",
		c->conn->synack_count),
	    &c->conn->synack_first, &c->conn->synack_last);
	finding_summary(
	    f, "The client's acknowledgements do not reach the server, which repeats its answer.");
}

/* ---- all of it --------------------------------------------------------------- */

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	bool many = false;

	if (!c->has_conn || !port_is_mail(c->conn->server.port) || c->conn->syn_count == 0)
		return;
	if (c->conn->state != CONN_ESTABLISHED && contrast_scanner(v->store, c, &many))
		return;
	if (c->conn->synack_count > 0) {
		if (!many)
			judge_return(v, out);
		return;
	}
	if (judge_icmp(v, many, out))
		return;
	if (moment_is(&c->conn->refused)) {
		if (c->conn->refused_ack_ok && !case_stood(c))
			judge_reset(v, many, out);
		return;
	}
	if (c->conn->state == CONN_UNANSWERED && c->conn->dir[1].packets == 0)
		reach_silence(v, many, out);
}

const struct rule rule_reach = { "reach", RULE_CASE, judge, false };
