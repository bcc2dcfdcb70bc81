/* reach_say.c - a port that leads nowhere: what else the client reached, and what it may try instead. */
#include "reach_say.h"

#include "correlator/facts/contrast.h"
#include "correlator/facts/dialogue.h"

#define REACHED_SOON	(60 * SECOND)

/* A host on the same port: the next MX, or this one a moment later. */
static const struct record_host *
reached_besides(const struct view *v)
{
	const struct record_connection *c = v->c->conn;
	struct host_iter it = { .client = &c->client.ip };
	const struct record_host *h;

	while ((h = store_host_next(v->store, &it)) != NULL)
		if (h->key.point == v->c->point && h->server.port == c->server.port && h->answered > 0 && h->data > 0 &&
		    h->last.ns >= c->first.ns && h->first.ns <= c->last.ns + REACHED_SOON &&
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
	evidence_frame(finding_says(f, v->c->point, "at this time the same client reached %s", endpoint_format(&h->server, other, sizeof(other))),
	    &h->answered_at);
}

/* Mail that is sent through port 25 or one like it has the submission ports instead; the others have one another. */
static const struct other_port {
	uint16_t	port;
	const char	*instead;
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
			finding_remedy(f, "A firewall closes port %u, in the network of the client, on the way, or at the server: ask its owner to open it. "
			    "Until then try %s; a try from another network (a telephone's) tells whose firewall it is.", port, other_ports[i].instead);
}
