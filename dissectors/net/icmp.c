#include "icmp.h"

#include "ip.h"
#include "dissectors/wire.h"

enum {
	ICMP_HLEN = 8,
	ICMP_UNREACH = 3,
	ICMP_UNREACH_NEEDFRAG = 4,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	ICMP6_UNREACH = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	EXTENDED_QUOTE_MIN = 128, /* RFC 4884 5: a shorter length is no extension */
};

static inline bool
proto_has_ports(uint8_t proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == 132 /* SCTP */ || proto == 136;
}

/* As much of the upper header as was quoted: ports 4, sequence number 8, flags 14 bytes. */
static void
quote_upper(const uint8_t *p, size_t len, struct icmp_quote *q)
{
	struct wire w = wire_init(p, len);

	if (!proto_has_ports(q->proto) || len < 4)
		return;
	q->sport = wire_u16(&w);
	q->dport = wire_u16(&w);
	q->has_ports = true;
	if (q->proto != PROTO_TCP || len < 8)
		return;
	q->seq = wire_u32(&w);
	q->has_seq = true;
	if (len < 14)
		return;
	q->flags = p[13];
	q->has_flags = true;
}

/* The router may have changed TTL and checksum; the header length must still make sense. */
static void
quote_ip4(const uint8_t *p, size_t len, struct icmp_quote *q)
{
	struct wire w = wire_init(p, len);
	size_t hlen = (size_t)(p[0] & 0x0f) * 4;
	uint16_t frag;

	if (len < IPV4_HLEN || hlen < IPV4_HLEN)
		return;
	wire_take(&w, 2);
	q->w = wire_u16(&w);
	q->id = wire_u16(&w);
	frag = wire_u16(&w);
	wire_take(&w, 1);
	q->proto = wire_u8(&w);
	wire_take(&w, 2);
	q->src = wire_take(&w, 4);
	q->dst = wire_take(&w, 4);
	if ((frag & 0x1fff) == 0 && len > hlen)
		quote_upper(p + hlen, len - hlen, q);
}

static void
quote_ip6(const uint8_t *p, size_t len, struct icmp_quote *q)
{
	size_t off = IPV6_HLEN;
	bool later = false;

	if (len < IPV6_HLEN)
		return;
	q->w = (uint32_t)(p[4] << 8 | p[5]) + IPV6_HLEN;
	q->proto = p[6];
	q->src = p + 8;
	q->dst = p + 24;
	if (ip_extensions_parse(p, len, &q->proto, &off) != DISSECT_OK)
		return;
	if (q->proto == PROTO_FRAGMENT) {
		if (len - off < 8)
			return;
		later = p[off + 2] != 0 || (p[off + 3] & 0xf8) != 0;
		q->proto = p[off];
		off += 8;
		if (!later && ip_extensions_parse(p, len, &q->proto, &off) != DISSECT_OK)
			return;
	}
	if (!later && len > off)
		quote_upper(p + off, len - off, q);
}

/*
 * RFC 4884 4: bytes of the quote in `unit's; what follows is an extension.
 * Old routers put anything there, so a length that cannot be is not believed.
 */
static size_t
quote_len(uint8_t units, size_t unit, size_t len)
{
	size_t n = units * unit;

	return n >= EXTENDED_QUOTE_MIN && n <= len ? n : len;
}

static void
quote_parse(const uint8_t *p, size_t len, struct icmp_quote *q)
{
	if (len == 0)
		return;
	q->version = p[0] >> 4;
	if (q->version == 4)
		quote_ip4(p, len, q);
	else if (q->version == 6)
		quote_ip6(p, len, q);
	else
		q->version = 0;
}

static bool
type_is_error(uint8_t version, uint8_t type)
{
	if (version == 6)
		return type >= ICMP6_UNREACH && type <= ICMP6_PARAMETER;
	return type == ICMP_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_TIME_EXCEEDED ||
	    type == ICMP_PARAMETER;
}

static enum dissect_rc
mtu_parse(uint8_t version, const uint8_t *p, size_t len, struct icmp_message *out)
{
	struct wire w = wire_init(p, len);

	wire_take(&w, version == 6 ? 4 : 6);
	out->mtu = version == 6 ? wire_u32(&w) : wire_u16(&w);
	return w.bad ? DISSECT_SHORT : DISSECT_OK;
}

enum dissect_rc
icmp_parse(uint8_t version, const uint8_t *p, size_t len, struct icmp_message *out)
{
	*out = (struct icmp_message){ 0 };
	if (len < 2)
		return DISSECT_SHORT;
	out->type = p[0];
	out->code = p[1];
	out->error = type_is_error(version, out->type);
	out->frag_needed = version == 6
	    ? out->type == ICMP6_TOO_BIG
	    : out->type == ICMP_UNREACH && out->code == ICMP_UNREACH_NEEDFRAG;
	if (out->frag_needed && mtu_parse(version, p, len, out) != DISSECT_OK)
		return DISSECT_SHORT;
	if (!out->error || len <= ICMP_HLEN)
		return DISSECT_OK;
	/* The length byte of RFC 4884 is the MTU's place in a Packet Too Big. */
	if (version == 4)
		len = ICMP_HLEN + quote_len(p[5], 4, len - ICMP_HLEN);
	else if (!out->frag_needed)
		len = ICMP_HLEN + quote_len(p[4], 8, len - ICMP_HLEN);
	quote_parse(p + ICMP_HLEN, len - ICMP_HLEN, &out->quote);
	return DISSECT_OK;
}
