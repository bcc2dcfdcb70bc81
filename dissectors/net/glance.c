#include "glance.h"

#include "link.h"
#include "dissectors/wire.h"

enum {
	ETHERNET_HLEN = 14,
	VLAN_HLEN = 4,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	TCP_HLEN = 20,
	TAGS = 2,
	TYPE_VLAN = 0x8100,
	TYPE_QINQ = 0x88a8,
	IPV4_FRAGMENT = 0x3fff, /* more fragments, and the offset */
	NEXT_TCP = 6,
};

/* The TCP header at `t'; `rest' is what the IP packet holds from there on. */
static inline bool
glance_tcp(const uint8_t *t, uint32_t rest, struct glance *out)
{
	uint32_t hlen = (t[12] >> 4) * 4u;

	if (hlen < TCP_HLEN || hlen > rest)
		return false;
	out->sport = be16_at(t);
	out->dport = be16_at(t + 2);
	out->seq = be32_at(t + 4);
	out->ack = be32_at(t + 8);
	out->flags = t[13];
	out->window = be16_at(t + 14);
	out->len = rest - hlen;
	return true;
}

static inline bool
glance_ipv4(const uint8_t *p, size_t left, struct glance *out)
{
	if (left < IPV4_HLEN + TCP_HLEN || p[0] != 0x45 || p[9] != NEXT_TCP ||
	    (be16_at(p + 6) & IPV4_FRAGMENT) != 0)
		return false;
	out->version = 4;
	out->ttl = p[8];
	out->ip_id = be16_at(p + 4);
	out->src = p + 12;
	out->dst = p + 16;
	out->w = be16_at(p + 2); /* 0, for a super-segment, is left to the decoder */
	return out->w >= IPV4_HLEN + TCP_HLEN && glance_tcp(p + IPV4_HLEN, out->w - IPV4_HLEN, out);
}

static inline bool
glance_ipv6(const uint8_t *p, size_t left, struct glance *out)
{
	if (left < IPV6_HLEN + TCP_HLEN || p[0] >> 4 != 6 || p[6] != NEXT_TCP)
		return false;
	out->version = 6;
	out->ttl = p[7];
	out->ip_id = 0;
	out->src = p + 8;
	out->dst = p + 24;
	out->w = be16_at(p + 4) + (uint32_t)IPV6_HLEN;
	return out->w >= IPV6_HLEN + TCP_HLEN && glance_tcp(p + IPV6_HLEN, out->w - IPV6_HLEN, out);
}

bool
glance_ethernet(const uint8_t *p, size_t caplen, struct glance *out)
{
	size_t at = ETHERNET_HLEN;
	uint16_t type;

	if (caplen < ETHERNET_HLEN + IPV4_HLEN + TCP_HLEN)
		return false;
	type = be16_at(p + at - 2);
	for (unsigned int i = 0; i < TAGS && (type == TYPE_VLAN || type == TYPE_QINQ); i++) {
		at += VLAN_HLEN;
		type = be16_at(p + at - 2);
	}
	if (type == ETHERTYPE_IPV4)
		return glance_ipv4(p + at, caplen - at, out);
	return type == ETHERTYPE_IPV6 && glance_ipv6(p + at, caplen - at, out);
}
