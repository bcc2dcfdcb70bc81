/*
 * rule_intercept.c - another machine answers in the server's place (diagnosis 1B port-intercepted,
 * 0.7).
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/contrast.h"
#include "correlator/facts/dialogue.h"
#include "correlator/words/interceptors.h"
#include "correlator/facts/lookup.h"
#include "correlator/vantage/vantage.h"

/*
 * Two handshakes of one busy minute are both slow, and a quick one of another
 * minute beside them proves nothing.
 */
enum { HANDSHAKES_SURE = 5, LOOKED = 64, ATTEMPTS_LOOKED = 1024, Q_MOST = 10 };

#define SIGHTS_APART (300 * SECOND)

struct signs {
	bool banner, ttl, time, here;
	bool time_sure;
	const struct mail_case *twin;    /* I1: the same greeting from an unrelated address */
	const struct mail_case *scanned; /* I7: the same mail on its way to the server, before a
					    virus scanner wrote into it */
	const struct record_message *mail, *marked; /* as it is there, and here */
	const struct mail_case
	    *upstream; /* I4: the same client's attempts, behind whoever answers it */
	uint8_t own_ttl, other_ttl;
	int64_t own_rtt, other_rtt;
};

static int64_t
last_syn(const struct record_connection *n)
{
	uint32_t k = n->syn_count < RECORD_SYNS ? n->syn_count : RECORD_SYNS;

	return k > 0 ? n->syn[k - 1].ns : 0;
}

/* For every client: the way from here to the server is one, whoever asks. */
static bool
nearer(int64_t own, int64_t others)
{
	return own / 3 < others / 10;
}

/* Nothing of this connection but SYNs, sent again and again. */
static bool
asks_in_vain(const struct record_connection *n)
{
	return n->synack_count == 0 && n->dir[1].packets == 0 &&
	    n->dir[0].packets == n->syn_count && n->syn_count >= 2 && !moment_is(&n->refused) &&
	    !moment_is(&n->unreachable) && n->dir[0].isn_known;
}

/* What passes this place would have been seen: all of it, and at that time. */
static bool
watched(const struct mail_case *c, int64_t from, int64_t to)
{
	const struct record_capture *k = c->capture;

	return k != NULL && capture_q_permille(k) < Q_MOST &&
	    (!k->drops_known || k->drops_kernel + k->drops_interface == 0) && k->first.ns <= from &&
	    k->last.ns >= to;
}

/*
 * I4: the client asks once here and is greeted; at another place somebody asks the server in its
 * name, by other sequence numbers, again and again, while the connection lasts.  The client itself
 * has no cause to: another machine does.
 */
static const struct mail_case *
upstream_silent(const struct view *v)
{
	const struct mail_case *c = v->c, *x, *found = NULL;
	const struct record_connection *n = c->conn;
	/* longer ago the same port was another attempt's, whose numbers have nothing to say */
	struct case_iter it = { .client = &n->client.ip,
		.server = &n->server.ip,
		.server_port = n->server.port,
		.from_ns = n->first.ns - SIGHTS_APART,
		.to_ns = n->last.ns + SIGHTS_APART };

	if (store_point_count(v->store) < 2 || n->syn_count != 1 || !n->dir[0].isn_known ||
	    n->dir[1].data_segments == 0)
		return NULL;
	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, ATTEMPTS_LOOKED)) != NULL;) {
		if (x == c || !x->has_conn || !endpoint_equal(&x->conn->client, &n->client))
			continue;
		if (case_same_place(x, c))
			return NULL; /* another attempt from this port */
		if (asks_in_vain(x->conn) && x->conn->dir[0].isn != n->dir[0].isn &&
		    x->conn->first.ns >= n->first.ns && x->conn->last.ns <= n->last.ns &&
		    watched(c, x->conn->first.ns, x->conn->last.ns))
			found = x;
	}
	return found;
}

/*
 * Seen whole, no server took it between (each adds a Received, RFC 5321 4.4), and no scanner has
 * written into it yet.
 */
static const struct record_message *
without_scanner(const struct mail_case *x, const struct record_message *m)
{
	for (uint32_t i = 0; i < x->message_count; i++) {
		const struct record_message *o = x->messages[i];

		if (o->app == APP_SMTP && o->checked && o->scanner[0] == '\0' &&
		    o->received == m->received && strcmp(o->message_id, m->message_id) == 0 &&
		    strcmp(o->date, m->date) == 0 && strcmp(o->from, m->from) == 0)
			return o;
	}
	return NULL;
}

/*
 * I7: a mail that a virus scanner has written into here passed another place on its way to the same
 * server without that.
 */
static void
scanner_find(const struct view *v, const struct record_message *m, struct signs *s)
{
	const struct mail_case *c = v->c, *x;
	struct case_iter it = { .server = &c->conn->server.ip,
		.server_port = c->conn->server.port,
		.from_ns = c->conn->first.ns - SIGHTS_APART,
		.to_ns = c->conn->first.ns + SIGHTS_APART };

	if (store_point_count(v->store) < 2 || !m->checked || m->scanner[0] == '\0' ||
	    m->message_id[0] == '\0' || !addr_public(&c->conn->server.ip))
		return;
	s->marked = m;
	for (uint32_t looked = 0;
	     s->scanned == NULL && (x = lookup_next(v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x->has_conn && x != c && !case_same_place(x, c) && !case_missing_dir(x, 0) &&
		    (s->mail = without_scanner(x, m)) != NULL)
			s->scanned = x;
}

/*
 * The words come from farther than the handshake: a SYN proxy on the way shook hands in this end's
 * name and then let it speak itself (RFC 4987).  Nobody answers in its place, and how near the
 * proxy is says nothing of it.
 */
static bool
handshake_lent(const struct record_direction *d)
{
	return d->ttl_syn != 0 && d->ttl != 0 && ttl_hops(d->ttl) > ttl_hops(d->ttl_syn);
}

static void
signs_find(const struct view *v, struct signs *s)
{
	const struct record_connection *n = v->c->conn;
	bool public = addr_public(&n->server.ip), lent = handshake_lent(&n->dir[1]);
	uint32_t witnesses;

	s->twin = lookup_greeting_twin(v->lookups, v->c);
	s->own_ttl = n->dir[1].ttl_syn;
	/*
	 * one machine is at one distance, and answers for all; large providers greet with one name
	 * from many networks, too
	 */
	s->banner = s->twin != NULL && s->own_ttl == s->twin->conn->dir[1].ttl_syn &&
	    !lookup_greeting_other(v->lookups, v->c);
	s->other_ttl = contrast_ttl(v, true);
	/*
	 * who answers in the server's place is nearer; what is farther is at most another host
	 * behind the same address
	 */
	s->ttl = s->own_ttl != 0 && s->other_ttl != 0 &&
	    ttl_hops(s->own_ttl) + 2 <= ttl_hops(s->other_ttl) && !lent;
	s->own_rtt =
	    n->syn_count == 1 && n->synack_count > 0 ? n->synack_first.ns - last_syn(n) : 0;
	s->other_rtt = contrast_rtt(v, &witnesses);
	s->time = !lent && s->own_rtt > 0 && witnesses >= 2 && nearer(s->own_rtt, s->other_rtt) &&
	    nearer(contrast_rtt_own(v), s->other_rtt) &&
	    s->other_rtt - s->own_rtt >= 5 * SECOND / 1000;
	s->time_sure = witnesses >= HANDSHAKES_SURE;
	if ((s->ttl || s->time) &&
	    contrast_mixed(v)) /* a long look, and sound connections need none */
		s->ttl = s->time = false;
	s->upstream = upstream_silent(v);
	for (uint32_t i = 0;
	     s->scanned == NULL && i < v->c->message_count && !case_missing_dir(v->c, 0); i++)
		scanner_find(v, v->c->messages[i], s);
	/* I8: both ends on this wire, yet the server's address is far away */
	s->here = public && !lent && !handshake_lent(&n->dir[0]) && s->own_rtt > 0 &&
	    s->own_rtt < SECOND / 1000 && ttl_undiminished(n->dir[0].ttl_syn) &&
	    ttl_undiminished(s->own_ttl) &&
	    !addr_prefix_equal(&n->server.ip, &n->client.ip, 16, 48);
}

/*
 * The certificate was made on the fly by a program or device that is known for it (TLS 1.2: it is
 * in clear).
 */
static void
judge_issuer(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	char product[96];
	struct finding *f;

	if (s == NULL || s->tls_issuer[0] == '\0' ||
	    !interceptor_known(s->tls_issuer, product, sizeof(product)))
		return;
	f = verdict_add(out, FINDING_PORT_INTERCEPTED, CONFIDENCE_PROBABLE, c, 1);
	finding_subkind(f, "certificate");
	evidence_frame(finding_says(f, c->point, "the server's certificate was issued by \"%s\"",
			   s->tls_issuer),
	    &s->tls_at);
	finding_summary(f,
	    "The certificate on port %u was not issued for this server by a public authority but by %s, which looks into the encrypted "
	    "mail on its way.",
	    s->server.port, product);
	finding_remedy(f,
	    "Switch the mail inspection off for a test (%s): the mail program then gets the server's own certificate. If mail works so, leave it "
	    "off for mail, or have it updated.",
	    product);
	finding_next_capture(f, "a device that looks into TLS",
	    "a server that uses such a certificate itself", "the certificate that the server sends",
	    "at the server");
}

/*
 * Nothing but the name: which of the two it is no capture of this place tells, and it need not
 * harm.
 */
static void
say_one_name(const struct mail_case *c, const struct signs *s, struct verdicts *out)
{
	struct finding *f = verdict_add(out, FINDING_PORT_INTERCEPTED, CONFIDENCE_POSSIBLE, c, 1);
	char other[ENDPOINT_TEXT];

	f->severity = SEVERITY_INFO;
	f->from.ip = (struct addr){ 0 };
	finding_subkind(f, "one-name");
	evidence_frame(
	    finding_says(f, c->point, "this server's greeting"), &c->session->greeting.at);
	evidence_frame(
	    finding_says(f, s->twin->point,
		"%s, an address of another network, greets with the same name from the same distance",
		endpoint_format(&s->twin->conn->server, other, sizeof(other))),
	    &s->twin->session->greeting.at);
	finding_summary(f,
	    "Servers of different networks greet with one name on port %u, and no other name is heard there: they are of one large provider, "
	    "or a device in between answers for all.",
	    c->conn->server.port);
	finding_remedy(f,
	    "With one large provider this is as it should be. If mail fails, use another of its ports (587, 465), or test with the mail inspection "
	    "of the PC's virus scanner and of the router off.");
	finding_next_capture(f, "a device that answers for all", "the servers of one provider",
	    "a server of somebody else on this port, or another port of these",
	    "at the client, and connect to one of those as well");
}

static void
say_scanner(struct finding *f, const struct mail_case *c, const struct signs *s)
{
	char place[VANTAGE_NAME];

	evidence_frame(finding_says(f, c->point,
			   "a mail has the words of a virus scanner in its header: \"%s\"",
			   s->marked->scanner),
	    &s->marked->last);
	evidence_frame(
	    finding_says(f, s->scanned->point,
		"on its way to the same server it passes here without them, and no mail server took it between here and %s "
		"(each adds a Received)",
		vantage_name(c, s->scanned, place)),
	    &s->mail->last);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct signs s = { 0 };
	unsigned int n;
	enum confidence conf;
	struct finding *f;
	char other[ENDPOINT_TEXT];

	judge_issuer(c, out);
	if (!c->has_conn || c->session == NULL || !case_is_smtp(c) ||
	    !moment_is(&c->session->greeting.at) || c->conn->synack_count == 0)
		return;
	signs_find(v, &s);
	n = (unsigned int)s.banner + s.ttl + s.time + (s.upstream != NULL) + (s.scanned != NULL);
	if (n == 0 && !s.here)
		return;
	if (s.banner && n == 1 && !s.here) {
		say_one_name(c, &s, out);
		return;
	}
	conf = n >= 2                            ? CONFIDENCE_CONFIRMED
	    : n == 1 && (!s.time || s.time_sure) ? CONFIDENCE_PROBABLE
						 : CONFIDENCE_POSSIBLE;
	f = verdict_add(out, FINDING_PORT_INTERCEPTED, conf, c, 1);
	if (s.banner)
		evidence_frame(finding_says(f, s.twin->point,
				   "%s, an unrelated address, greets with the same name",
				   endpoint_format(&s.twin->conn->server, other, sizeof(other))),
		    &s.twin->session->greeting.at);
	if (s.ttl)
		evidence_frame(finding_says(f, c->point,
				   "this port answers with TTL %u, other ports of the host with %u",
				   s.own_ttl, s.other_ttl),
		    &c->conn->synack_first);
	if (s.time)
		evidence_frame(
		    finding_says(f, c->point,
			"this port answers in %lld us, other ports of the host need %lld us",
			(long long)(s.own_rtt / 1000), (long long)(s.other_rtt / 1000)),
		    &c->conn->synack_first);
	if (s.scanned != NULL)
		say_scanner(f, c, &s);
	if (s.upstream != NULL)
		evidence_frames(
		    finding_says(f, s.upstream->point,
			"meanwhile somebody asks the server in the client's name here (%u SYNs, with other "
			"sequence numbers), and it does not answer; the client asked once",
			s.upstream->conn->syn_count),
		    &s.upstream->conn->syn[0], &s.upstream->conn->last);
	if (s.here)
		evidence_frame(
		    finding_says(f, c->point,
			"whoever answers sits on this wire: TTL %u undiminished, after %lld us",
			s.own_ttl, (long long)(s.own_rtt / 1000)),
		    &c->conn->synack_first);
	evidence_frame(finding_says(f, c->point, "its greeting"), &c->session->greeting.at);
	if (n == 1 && s.scanned != NULL)
		finding_summary(f,
		    "Between two of the captures a device looks into the mail on port %u and writes into its header: it speaks with the client "
		    "in the server's place.",
		    c->conn->server.port);
	else
		finding_summary(f,
		    "Mail on port %u seems to be answered by a device in between, not by the server addressed%s.",
		    c->conn->server.port,
		    s.upstream != NULL ? ", which does not answer the device" : "");
	/* it never answered this client, so it does not answer some of it and not others */
	if (s.upstream != NULL)
		ring_silence(out, s.upstream, -1, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_POSSIBLE);
}

const struct rule rule_intercept = { "intercept", RULE_CASE, judge, false };
