#include "unreachable.h"

/*
 * RFC 792, 1812 5.2.7, 4443.  Where nothing listens TCP is answered by RST: "port" or "protocol
 * unreachable" is a firewall's, the host's own, too.
 */
static const struct unreachable answers[] = {
	{ 4, 3, 0, FINDING_HOST_UNREACHABLE_ICMP, "network unreachable", false },
	{ 4, 3, 1, FINDING_HOST_UNREACHABLE_ICMP, "host unreachable", false },
	{ 4, 3, 2, FINDING_PORT_BLOCKED_ICMP, "protocol unreachable", false },
	{ 4, 3, 3, FINDING_PORT_BLOCKED_ICMP, "port unreachable", false },
	{ 4, 3, 6, FINDING_HOST_UNREACHABLE_ICMP, "network unknown", false },
	{ 4, 3, 7, FINDING_HOST_UNREACHABLE_ICMP, "host unknown", false },
	{ 4, 3, 9, FINDING_PORT_BLOCKED_ICMP, "communication with the network prohibited", false },
	{ 4, 3, 10, FINDING_PORT_BLOCKED_ICMP, "communication with the host prohibited", false },
	{ 4, 3, 13, FINDING_PORT_BLOCKED_ICMP, "communication prohibited", false },
	{ 4, 11, 0, FINDING_HOST_UNREACHABLE_ICMP, "time exceeded in transit (a routing loop)",
	    true },
	{ 6, 1, 0, FINDING_HOST_UNREACHABLE_ICMP, "no route to the destination", false },
	{ 6, 1, 1, FINDING_PORT_BLOCKED_ICMP, "communication prohibited", false },
	{ 6, 1, 3, FINDING_HOST_UNREACHABLE_ICMP, "address unreachable", false },
	{ 6, 1, 4, FINDING_PORT_BLOCKED_ICMP, "port unreachable", false },
	{ 6, 1, 5, FINDING_PORT_BLOCKED_ICMP, "source address failed the policy", false },
	{ 6, 1, 6, FINDING_PORT_BLOCKED_ICMP, "the route rejects it", false },
	{ 6, 3, 0, FINDING_HOST_UNREACHABLE_ICMP, "hop limit exceeded in transit (a routing loop)",
	    true },
};

const struct unreachable *
unreachable_of(const struct record_icmp_error *e)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].family == e->family && answers[i].type == e->type &&
		    answers[i].code == e->code)
			return &answers[i];
	return NULL;
}

const struct record_icmp_error *
case_unreachable(const struct mail_case *c, int dir, int64_t from_ns, int64_t to_ns)
{
	for (uint32_t i = 0; i < c->icmp_count; i++) {
		const struct record_icmp_error *e = c->icmp[i];

		if (e->dir == dir && e->last.ns >= from_ns && e->at.ns <= to_ns &&
		    unreachable_of(e) != NULL)
			return e;
	}
	return NULL;
}
