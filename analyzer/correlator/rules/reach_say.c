/*
 * reach_say.c - a port that leads nowhere: what else the client reached, and what it may try
 * instead.
 */
#include "reach_say.h"

#include <ctype.h>

#include "correlator/facts/contrast.h"
#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

#define REACHED_SOON (60 * SECOND)

enum { LOOKED = 256 };

/* A host on the same port: the next MX, or this one a moment later. */
static const struct record_host *
reached_besides(const struct view *v)
{
	const struct record_connection *c = v->c->conn;
	struct host_iter it = { .client = &c->client.ip };
	const struct record_host *h;

	while ((h = store_host_next(v->store, &it)) != NULL)
		if (h->key.point == v->c->point && h->server.port == c->server.port &&
		    h->answered > 0 && h->data > 0 && h->last.ns >= c->first.ns &&
		    h->first.ns <= c->last.ns + REACHED_SOON &&
		    (!addr_equal(&h->server.ip, &c->server.ip) || contrast_serves_still(v, h)))
			return h;
	return NULL;
}

/* Clients try one address after the other: that one of them fails need not have stopped a mail. */
void
reach_say_besides(const struct view *v, struct finding *f)
{
	const struct record_host *h = reached_besides(v);
	char other[ENDPOINT_TEXT];

	if (h == NULL)
		return;
	f->severity = SEVERITY_WARNING;
	evidence_frame(finding_says(f, v->c->point, "at this time the same client reached %s",
			   endpoint_format(&h->server, other, sizeof(other))),
	    &h->answered_at);
}

void
reach_say_over(const struct view *v, struct finding *f, const struct contrast *con, int64_t lasted,
    const char *did, const char *because, const char * or)
{
	char server[ENDPOINT_TEXT];

	finding_subkind(f, "over");
	evidence_frame(finding_says(f, con->same_point,
			   "later connections of this client to the same port are answered"),
	    &con->same_at);
	finding_summary(f,
	    "%s %s this client at first, and takes its connections since, %lld s after the first attempt: %s%s.",
	    endpoint_format(&v->c->conn->server, server, sizeof(server)), did,
	    (long long)((lasted + SECOND / 2) / SECOND), because, or);
	finding_remedy(f,
	    "It is over: mail that waited meanwhile a mail server sends by itself; a mail program has to be told to send again. Why it was so the server's logs "
	    "of that time say, or those of the devices before it.");
}

/*
 * Many hosts have an address of either family, and programs try one after the other (RFC 8305). Who
 * of the one is who of the other no packet says: where at that time one client alone speaks the
 * other family here, on this port, it may be the same.
 */
static const struct mail_case *
other_family(const struct view *v)
{
	const struct record_connection *c = v->c->conn;
	struct case_iter it = { .server_port = c->server.port,
		.from_ns = c->first.ns,
		.to_ns = c->last.ns + REACHED_SOON };
	const struct mail_case *x, *found = NULL;
	uint64_t cut = lookups_cut(v->lookups);

	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKED)) != NULL;) {
		if (x->point != v->c->point || x->conn->client.ip.family == c->client.ip.family ||
		    x->conn->server.port != c->server.port)
			continue;
		if (found != NULL && !addr_equal(&x->conn->client.ip, &found->conn->client.ip))
			return NULL;
		if (found == NULL || found->conn->dir[1].data_segments == 0)
			found = x;
	}
	return found != NULL && found->conn->dir[0].data_segments > 0 &&
		found->conn->dir[1].data_segments > 0 && lookups_cut(v->lookups) == cut
	    ? found
	    : NULL;
}

void
reach_say_family(const struct view *v, struct finding *f)
{
	const struct mail_case *x = other_family(v);
	bool six = v->c->conn->client.ip.family == 6;
	const char *remedy = f->remedy[0] != '\0' ? f->remedy : kind_facts(f->kind)->remedy;
	char client[ADDR_TEXT], other[ENDPOINT_TEXT];

	if (x == NULL)
		return;
	f->severity = SEVERITY_WARNING;
	evidence_frame(
	    finding_says(f, x->point,
		"at this time %s, the only client here that uses this port over IPv%c, reached %s",
		addr_format(&x->conn->client.ip, client, sizeof(client)), six ? '4' : '6',
		endpoint_format(&x->conn->server, other, sizeof(other))),
	    &x->conn->dir[1].data_first);
	finding_summary(f,
	    "%s Over IPv%c %s was reached at this time: if that is the same mail host, it fails over IPv%c alone, and its mail takes the other "
	    "way.",
	    f->summary, six ? '4' : '6', endpoint_format(&x->conn->server, other, sizeof(other)),
	    six ? '6' : '4');
	finding_remedy(f,
	    "If both addresses are those of one mail host, no mail need be lost, only time: have its IPv%c mended, on the way or at the server, or take its %s "
	    "record out of the DNS until it is%s. If they are not: %c%s",
	    six ? '6' : '4', six ? "AAAA" : "A",
	    !six ? ""
		: v->c->conn->server.port == 25
		? "; until then a mail server may prefer IPv4 (Postfix: smtp_address_preference = ipv4)"
		: "; until then the program may be told to use IPv4",
	    tolower((unsigned char)remedy[0]), remedy + 1);
}

/*
 * Mail that is sent through port 25 or one like it has the submission ports instead; the others
 * have one another.
 */
static const struct other_port {
	uint16_t port;
	const char *instead;
} other_ports[] = {
	{ 110, "POP3 over SSL/TLS on port 995" },
	{ 143, "IMAP over SSL/TLS on port 993" },
	{ 465, "the other submission port, 587 (STARTTLS)" },
	{ 587, "the other submission port, 465 (SSL/TLS)" },
	{ 993, "port 143 with STARTTLS" },
	{ 995, "port 110 with STLS" },
};

bool
reach_port_relays(uint16_t port)
{
	for (size_t i = 0; i < sizeof(other_ports) / sizeof(other_ports[0]); i++)
		if (other_ports[i].port == port)
			return false;
	return true;
}

bool
reach_port_submits(uint16_t port)
{
	return port == 587 || port == 465;
}

/* Instead of the kind's own remedy, which is about port 25. */
void
reach_say_other_port(struct finding *f, uint16_t port)
{
	for (size_t i = 0; i < sizeof(other_ports) / sizeof(other_ports[0]); i++)
		if (other_ports[i].port == port)
			finding_remedy(f,
			    "A firewall closes port %u, in the network of the client, on the way, or at the server: ask its owner to open it. "
			    "Until then try %s; a try from another network (a telephone's) tells whose firewall it is.",
			    port, other_ports[i].instead);
}
