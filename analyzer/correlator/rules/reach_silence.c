/* reach_silence.c - SYNs that nobody answers (diagnosis 1B, 0.7). */
#include "correlator/facts/contrast.h"
#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_others.h"
#include "reach.h"
#include "reach_say.h"

#define REACHED_LONG (3600 * SECOND)

static bool
silence_long(const struct mail_case *c)
{
	int64_t span = last_syn_ns(c) - c->conn->first.ns,
		quiet = c->conn->t_end - c->conn->first.ns;
	uint32_t n = c->conn->syn_count;

	return (n >= 3 && span >= 3 * SECOND) || (n >= 2 && quiet >= 20 * SECOND) ||
	    (n >= 2 && span >= SECOND && quiet >= 6 * SECOND);
}

static void
silence_evidence(struct finding *f, const struct mail_case *c)
{
	uint32_t n = c->conn->syn_count < RECORD_SYNS ? c->conn->syn_count : RECORD_SYNS;
	struct finding_evidence *e = finding_says(f, c->point,
	    "%u attempt%s (SYN) over %lld s, no answer of any kind", c->conn->syn_count,
	    PLURAL(c->conn->syn_count), (long long)((last_syn_ns(c) - c->conn->first.ns) / SECOND));

	for (uint32_t i = 0; i < n; i++)
		evidence_frame(e, &c->conn->syn[i]);
}

/* Captured where the server is: nobody on the way is to blame. */
static void
silence_here(const struct view *v, const struct mail_case *there, const struct contrast *con,
    struct finding *f)
{
	struct view at = *v;
	char server[ENDPOINT_TEXT];

	at.c = there;
	finding_subkind(f, "at-the-server");
	evidence_frame(
	    finding_says(f, there->point,
		"the host's answers still have their first TTL here (%u), the attempts have passed routers (%u): the "
		"capture is on the server's own network, and they reach it",
		contrast_ttl(&at, false), there->conn->dir[0].ttl_syn),
	    &there->conn->syn[0]);
	finding_summary(f,
	    "Connections to %s come to the server's own network and are not answered, while %s.",
	    endpoint_format(&there->conn->server, server, sizeof(server)),
	    con->c1         ? "the same host answers on other ports"
		: con->same ? "others to the same port are"
			    : "it answers other clients");
	finding_remedy(f,
	    "Look at the server, not at the way: a packet filter on it or just before it drops these attempts (iptables -nvL, nft list "
	    "ruleset, Windows firewall log), or its queue of new connections is full because the program does not take them (ss -ltn; nstat -az "
	    "TcpExtListenOverflows).");
	finding_exclude(f, FINDING_HOST_UNREACHABLE_SILENT, "the host answers elsewhere");
}

/* C2 is about the client's way out, whatever the server: one finding for all of them. */
static void
silence_way_out(const struct view *v, const struct contrast *con, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	/*
	 * two hosts without a sign of life may both be down: what waits in a queue is what could
	 * not be delivered
	 */
	bool sure = con->c1 || con->silent_alive || con->silent_nets > 2;
	struct finding *f = verdict_add(out, FINDING_PORT_BLOCKED_SILENT,
	    sure ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE, c, 0);
	char server[ENDPOINT_TEXT];

	f->to.ip = (struct addr){ 0 };
	silence_evidence(f, c);
	if (con->c1)
		evidence_frame(
		    finding_says(f, con->point, "the same host answers on port %u", con->port),
		    &con->c1_at);
	finding_says(f, c->point,
	    "port %u is silent to hosts in %u different networks while other ports work",
	    c->conn->server.port, con->silent_nets);
	if (!sure)
		finding_says(f, c->point,
		    "none of these hosts is heard in this capture: that both are down is the other possibility");
	finding_exclude(f, FINDING_HOST_UNREACHABLE_SILENT,
	    "hosts in different networks are silent on this port, and no host answers on it");
	finding_summary(f,
	    "Connections to port %u vanish without an answer, whatever the server, while other ports work: a filter on this client's way out "
	    "drops the port.",
	    c->conn->server.port);
	reach_say_other_port(f, c->conn->server.port);
	if (con->submission &&
	    (reach_port_relays(c->conn->server.port) || reach_port_submits(c->conn->server.port)))
		finding_remedy(f,
		    "Use port %u of %s, which answers in this capture, with a login: access providers often filter port %u. "
		    "Set it in the account's settings (587: STARTTLS, 465: SSL/TLS).",
		    con->port, addr_format(&c->conn->server.ip, server, sizeof(server)),
		    c->conn->server.port);
}

static struct finding *
silence_blocked(const struct view *v, const struct contrast *con, struct verdicts *out)
{
	const struct mail_case *c = v->c, *there;
	/*
	 * where others reach this port, and this client is not seen to reach another, it is not
	 * about the port
	 */
	bool port = con->c1 && (con->c1_own || !con->c3), sure = port && contrast_attempts(v),
	     since = con->c3_at.ns > c->conn->first.ns;
	struct finding *f = verdict_add(out, FINDING_PORT_BLOCKED_SILENT,
	    sure                ? CONFIDENCE_CONFIRMED
		: port || since ? CONFIDENCE_PROBABLE
				: CONFIDENCE_POSSIBLE,
	    c, 0);
	char server[ENDPOINT_TEXT];

	silence_evidence(f, c);
	if (con->c1)
		evidence_frame(
		    finding_says(f, con->point, "the same host answers on port %u", con->port),
		    &con->c1_at);
	if (con->c3)
		evidence_frame(finding_says(f, con->point,
				   since ? "other clients reach the same port"
					 : "other clients reached the same port before"),
		    &con->c3_at);
	if ((there = contrast_at_server(v)) != NULL) {
		silence_here(v, there, con, f);
		return f;
	}
	if (port || since)
		finding_exclude(f, FINDING_HOST_UNREACHABLE_SILENT, "%s",
		    port ? "the host answers elsewhere" : "the port answers others");
	finding_summary(f,
	    "Connections to %s vanish without an answer, while %s: a filter on the way, or at the server itself, drops %s%s.",
	    endpoint_format(&c->conn->server, server, sizeof(server)),
	    port        ? "the same host answers on other ports"
		: since ? "other clients reach it"
			: "other clients reached it before",
	    port ? "this port" : "those of this client",
	    port || since ? "" : ", or it answers nobody since");
	reach_say_other_port(f, c->conn->server.port);
	if (!port)
		finding_remedy(f,
		    "Others reach%s the port%s: ask the server's owner whether this client's address is blocked there (a firewall, fail2ban), and look "
		    "at filters on the way that are for this client alone.",
		    since ? "" : "ed",
		    since ? "" : " before; try from another machine. If that works");
	else if (con->submission &&
	    (reach_port_relays(c->conn->server.port) || reach_port_submits(c->conn->server.port)))
		finding_remedy(f,
		    "Use port %u of this server, which answers in this capture, with a login: access providers often filter port %u. "
		    "Set it in the account's settings (587: STARTTLS, 465: SSL/TLS).",
		    con->port, c->conn->server.port);
	return f;
}

/*
 * Its packets come by this place again and again, each time with less TTL: what passes here twice
 * goes to nobody.
 */
static bool
silence_circles(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	char server[ADDR_TEXT];
	struct finding *f;

	if (!moment_is(&c->conn->circle))
		return false;
	addr_format(&c->conn->server.ip, server, sizeof(server));
	f = verdict_add(out, FINDING_HOST_UNREACHABLE_SILENT, CONFIDENCE_CONFIRMED, c, 0);
	finding_subkind(f, "routing-loop");
	silence_evidence(f, c);
	evidence_frame(
	    finding_says(f, c->point,
		"the client's packet comes by here for the tenth time, each time with a smaller TTL"),
	    &c->conn->circle);
	finding_summary(f,
	    "Packets to %s run in a circle: they come by here again and again until their TTL is used up, and nobody says so.",
	    server);
	finding_remedy(f,
	    "Look at the routes to %s on the routers at both sides of this capture: they send them to each other.",
	    server);
	finding_exclude(
	    f, FINDING_PORT_BLOCKED_SILENT, "no filter drops them before they come by here again");
	return true;
}

static struct finding *
silence_unknown(const struct view *v, const struct contrast *con, struct verdicts *out)
{
	const struct mail_case *c = v->c, *there;
	enum confidence conf =
	    store_point_deaf(v->store, c->point) ? CONFIDENCE_CANNOT_TELL : CONFIDENCE_POSSIBLE;
	struct finding *f = verdict_add(out,
	    con->same ? FINDING_PORT_BLOCKED_SILENT : FINDING_HOST_UNREACHABLE_SILENT, conf, c, 0);
	char server[ENDPOINT_TEXT];

	endpoint_format(&c->conn->server, server, sizeof(server));
	silence_evidence(f, c);
	if (con->same) {
		bool later = contrast_comes_and_goes(v, con);
		int64_t over = contrast_over(v);

		if (over > 0) {
			reach_say_over(v, f, con, over, "did not answer",
			    "the host, or the line to it, was down until then",
			    ", or a filter, a full accept "
			    "queue or one of several machines behind this address kept this client out");
			return f;
		}
		finding_subkind(f, later ? "intermittent" : "no-more");
		evidence_frame(finding_says(f, con->same_point,
				   "another connection to the same port was answered"),
		    &con->same_at);
		if (con->c1)
			evidence_frame(finding_says(f, con->point,
					   "the same host answers on port %u", con->port),
			    &con->c1_at);
		if (later)
			finding_summary(f,
			    "%s answers some connections and not others: a filter that limits, a full accept queue, or one of several machines "
			    "behind this address that is down.",
			    server);
		else
			finding_summary(f,
			    "%s answered this client before and does not any more: it is down or cut off since, or a filter that limits, or a "
			    "full accept queue.",
			    server);
		finding_remedy(f,
		    "Look at the server first: a program that does not take its connections leaves their queue full (ss -ltn; nstat -az "
		    "TcpExtListenOverflows). Then look for a filter that limits how many new connections this client may open.%s",
		    later ? " If the address is a load balancer's, look at each machine behind it."
			  : "");
		if ((there = contrast_at_server(v)) != NULL)
			silence_here(v, there, con, f);
		return f;
	}
	reach_say_besides(v, f);
	finding_summary(f,
	    "%s does not answer at all: the host is down, the address is wrong, or a filter drops this port on the way there or "
	    "back. This capture has nothing to compare with.",
	    server);
	finding_next_capture(f, "a host that is down",
	    "a blocked port (port-blocked-silent) or a lost answer (syn-ack-return-blocked)",
	    "any other traffic to or from this host",
	    "at the client while it also tries another port of the server, or at the server");
	return f;
}

/* Silent here, answered at another capture point: the answer is lost between the two. */
static void
silence_return(const struct mail_case *c, const struct mail_case *far, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_SYN_ACK_RETURN_BLOCKED, CONFIDENCE_CONFIRMED, c, 1);

	silence_evidence(f, c);
	evidence_frame(finding_says(f, far->point,
			   "at this capture point the server answers the same attempt"),
	    &far->conn->synack_first);
	finding_exclude(f, FINDING_HOST_UNREACHABLE_SILENT, "the server answers");
	finding_exclude(f, FINDING_PORT_BLOCKED_SILENT, "the attempt reaches the server");
	finding_summary(f,
	    "The server answers the connection attempt; the answer is lost on its way back, between the two capture points.");
}

/*
 * An older connection of the two, to this port, of which nothing passes since before this attempt;
 * nor, unless `port', of any other.
 */
static const struct mail_case *
older_stuck(const struct view *v, bool port, const struct record_stall **stall)
{
	const struct mail_case *c = v->c;
	struct case_run run =
	    lookup_cases(v->lookups, LOOKUP_STALLED_OF_CLIENT, &c->conn->client.ip);
	size_t n = case_run_before(run, c->conn->first.ns + 1),
	       lately = n - case_run_before(run, c->conn->first.ns - REACHED_LONG);

	for (size_t k = 0; lookup_may(v->lookups, k, lately, LOOKUP_MOST); k++) {
		const struct mail_case *x = run.at[n - 1 - k];

		for (uint32_t i = 0; x->point == c->point &&
		     endpoint_equal(&x->conn->server, &c->conn->server) && i < x->stall_count;
		     i++) {
			struct way w = way_of(v, x, (int)x->stalls[i]->key.m);

			*stall = x->stalls[i];
			if (stall_silent(*stall) && stall_lasts(*stall, c->conn->first.ns) &&
			    (port || way_unanswered(&w, *stall) != NULL) &&
			    (!moment_is(&(*stall)->delivered) ||
				(*stall)->delivered.ns > last_syn_ns(c)))
				return x;
		}
	}
	return NULL;
}

/*
 * It is not about the port: what is under way to it does not come through either.  rule_outage.c
 * says so of that one, and this joins it.
 */
static void
silence_stuck(const struct mail_case *c, const struct mail_case *older,
    const struct record_stall *s, struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, c, 0);
	char server[ENDPOINT_TEXT];

	silence_evidence(f, c);
	evidence_frame(
	    finding_says(f, older->point,
		"what an older connection of the two sends is not acknowledged since before"),
	    &s->first);
	finding_exclude(f, FINDING_PORT_BLOCKED_SILENT,
	    "a connection to this port stood, and stands still as well");
	finding_summary(f,
	    "Connections to %s vanish without an answer, and what an older one sends is not acknowledged since before: nothing passes "
	    "between the two.",
	    endpoint_format(&c->conn->server, server, sizeof(server)));
}

/*
 * This client reached the port, too: a program that takes no more connections, or a limit, looks
 * the same.  Not where others are answered since, or where the older connection stands still: a
 * full accept queue leaves it alone.
 */
static bool
may_be_full(const struct view *v, const struct contrast *con)
{
	const struct record_stall *s;

	return con->same &&
	    (contrast_comes_and_goes(v, con) ||
		(con->c3_at.ns <= v->c->conn->first.ns && older_stuck(v, true, &s) == NULL));
}

void
reach_silence(const struct view *v, bool many, struct verdicts *out)
{
	const struct record_stall *s;
	const struct mail_case *far, *older;
	struct contrast con;

	if (!silence_long(v->c))
		return;
	if (!many && (far = contrast_answered_elsewhere(v)) != NULL) {
		if (!case_same_place(
			far, v->c)) /* else it was answered in the next piece of this capture */
			silence_return(v->c, far, out);
		return;
	}
	if (!many && contrast_at_server(v) == NULL && (older = older_stuck(v, false, &s)) != NULL) {
		silence_stuck(v->c, older, s, out);
		return;
	}
	if (!many && silence_circles(v, out))
		return;
	contrast_find(v, false, &con);
	if (con.c2 && !store_point_deaf(v->store, v->c->point))
		silence_way_out(v, &con, out);
	else if (many)
		return;
	else if ((con.c1 || con.c3) && !store_point_deaf(v->store, v->c->point) &&
	    !may_be_full(v, &con))
		reach_say_family(v, silence_blocked(v, &con, out));
	else
		reach_say_family(v, silence_unknown(v, &con, out));
}
