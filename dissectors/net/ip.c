#include "ip.h"

#include "dissectors/wire.h"

enum {
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	IPV4_OFFSET = 0x1fff,
	EXTENSIONS_MAX = 16, /* RFC 8200 4.1 allows 8 in order; more is an attack on us */
	OPTION_JUMBO = 0xc2, /* RFC 2675 2 */
};

static enum dissect_rc
ip4_parse(const uint8_t *p, size_t len, size_t wire, struct ip_header *out)
{
	uint16_t frag;

	if (len < IPV4_HLEN)
		return DISSECT_SHORT;
	out->version = 4;
	out->header_len = (p[0] & 0x0fu) * 4;
	out->w = be16_at(p + 2);
	if (out->w == 0)
		out->w = (uint32_t)wire;
	if (out->header_len < IPV4_HLEN || out->w < out->header_len)
		return DISSECT_MALFORMED;
	frag = be16_at(p + 6);
	out->df = (frag & IPV4_DF) != 0;
	out->more = (frag & IPV4_MF) != 0;
	out->frag_off = (frag & IPV4_OFFSET) * 8u;
	out->fragment = out->more || out->frag_off != 0;
	out->frag_header = out->header_len;
	out->frag_id = be16_at(p + 4);
	out->ttl = p[8];
	out->proto = p[9];
	out->src = p + 12;
	out->dst = p + 16;
	return out->header_len > len ? DISSECT_SHORT : DISSECT_OK;
}

/* Length of the extension header at `p' whose first two bytes are there. */
static size_t
extension_len(uint8_t type, const uint8_t *p)
{
	if (type == PROTO_AH)
		return ((size_t)p[1] + 2) * 4; /* RFC 4302 2.2 */
	return ((size_t)p[1] + 1) * 8;         /* RFC 8200 4.3 */
}

static bool
extension_known(uint8_t type)
{
	return type == PROTO_HOPOPTS || type == PROTO_ROUTING || type == PROTO_DSTOPTS ||
	    type == PROTO_AH;
}

enum dissect_rc
ip_extensions_parse(const uint8_t *p, size_t len, uint8_t *next, size_t *off)
{
	size_t n;

	for (unsigned int i = 0; extension_known(*next); i++) {
		if (i == EXTENSIONS_MAX)
			return DISSECT_MALFORMED;
		if (len < *off || len - *off < 2)
			return DISSECT_SHORT;
		n = extension_len(*next, p + *off);
		if (n > len - *off)
			return DISSECT_SHORT;
		*next = p[*off];
		*off += n;
	}
	return DISSECT_OK;
}

/*
 * A payload length of 0 is a jumbogram (RFC 2675), whose length stands in a
 * hop-by-hop option, or an offloaded super-segment (Linux shows them so).
 */
static uint32_t
ip6_jumbo_len(const uint8_t *p, size_t len, size_t wire)
{
	if (p[6] == PROTO_HOPOPTS && len >= IPV6_HLEN + 8 && p[IPV6_HLEN + 2] == OPTION_JUMBO &&
	    p[IPV6_HLEN + 3] == 4 && be32_at(p + IPV6_HLEN + 4) <= UINT32_MAX - IPV6_HLEN)
		return IPV6_HLEN + be32_at(p + IPV6_HLEN + 4);
	return p[6] == PROTO_NONE ? IPV6_HLEN : (uint32_t)wire;
}

/* RFC 8200 4.5; a lone fragment at offset 0 is the whole datagram (RFC 6946). */
static enum dissect_rc
ip6_fragment_parse(const uint8_t *p, size_t len, size_t *off, struct ip_header *out)
{
	uint16_t word;

	if (len - *off < 8)
		return DISSECT_SHORT;
	word = be16_at(p + *off + 2);
	out->frag_header = (uint32_t)*off;
	out->more = (word & 1) != 0;
	out->frag_off = word & 0xfff8u;
	out->fragment = out->more || out->frag_off != 0;
	out->frag_id = be32_at(p + *off + 4);
	out->proto = p[*off];
	*off += 8;
	return DISSECT_OK;
}

static enum dissect_rc
ip6_parse(const uint8_t *p, size_t len, size_t wire, struct ip_header *out)
{
	size_t off = IPV6_HLEN;
	enum dissect_rc rc;

	if (len < IPV6_HLEN)
		return DISSECT_SHORT;
	out->version = 6;
	out->df = true;
	out->w = be16_at(p + 4);
	out->w = out->w != 0 ? out->w + IPV6_HLEN : ip6_jumbo_len(p, len, wire);
	out->proto = p[6];
	out->ttl = p[7];
	out->src = p + 8;
	out->dst = p + 24;
	out->fragment = out->more = false;
	out->frag_off = out->frag_id = 0;
	rc = ip_extensions_parse(p, len, &out->proto, &off);
	if (rc == DISSECT_OK && out->proto == PROTO_FRAGMENT) {
		rc = ip6_fragment_parse(p, len, &off, out);
		if (rc == DISSECT_OK && !out->fragment)
			rc = ip_extensions_parse(p, len, &out->proto, &off);
	} else {
		out->frag_header = (uint32_t)off;
	}
	out->header_len = (uint32_t)off;
	if (rc == DISSECT_OK && out->w < out->header_len)
		return DISSECT_MALFORMED;
	return rc;
}

enum dissect_rc
ip_parse(const uint8_t *p, size_t len, size_t wire, struct ip_header *out)
{
	if (len < 1)
		return DISSECT_SHORT;
	switch (p[0] >> 4) {
	case 4: return ip4_parse(p, len, wire, out);
	case 6: return ip6_parse(p, len, wire, out);
	default: return DISSECT_MALFORMED;
	}
}
