#include "link.h"

#include "link_wrap.h"
#include "dissectors/wire.h"

enum {
	ETHERTYPE_VLAN = 0x8100, /* 802.1Q */
	ETHERTYPE_QINQ = 0x88a8, /* 802.1ad */
	ETHERTYPE_QINQ_OLD = 0x9100,
	ETHERTYPE_QINQ_OLDER = 0x9200,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTI = 0x8848,
	ETHERTYPE_PPPOE = 0x8864, /* session stage, RFC 2516 */
	ETHERTYPE_MIN = 0x0600,   /* below: an 802.3 length */
	ETHERNET_HLEN = 14,
	SLL_HLEN = 16,
	SLL2_HLEN = 20,
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_MPLS = 0x0281,
	TAGS_MAX = 8, /* VLAN tags and MPLS labels each: more is no real frame */
	NEST_MAX = 4, /* Ethernet in MPLS in Ethernet ... */
};

/* Where parsing has got to; `out->off' counts from the start of the frame. */
struct walk {
	const uint8_t *p;
	size_t len;
	struct link_header *out;
	unsigned int tags, nest;
};

static enum dissect_rc walk_ethertype(struct walk *w, uint16_t type);

static inline bool
walk_has(const struct walk *w, size_t n)
{
	return w->len - w->out->off >= n;
}

static inline uint16_t
walk_u16(const struct walk *w, size_t at)
{
	const uint8_t *q = w->p + w->out->off + at;

	return (uint16_t)(q[0] << 8 | q[1]);
}

static enum dissect_rc
walk_ip(struct walk *w, uint16_t type)
{
	w->out->ethertype = type;
	return DISSECT_OK;
}

/* IEEE 802.1Q 9.6: three bits of priority, one of drop eligibility, twelve of VLAN id. */
static enum dissect_rc
walk_vlan(struct walk *w)
{
	uint16_t id, type;

	if (++w->tags > TAGS_MAX)
		return DISSECT_MALFORMED;
	if (!walk_has(w, 4))
		return DISSECT_SHORT;
	id = walk_u16(w, 0) & 0x0fff;
	type = walk_u16(w, 2);
	w->out->vlan[w->out->vlan[0] != 0] = id;
	w->out->off += 4;
	return walk_ethertype(w, type);
}

static enum dissect_rc
walk_ethernet(struct walk *w)
{
	uint16_t type;

	if (++w->nest > NEST_MAX)
		return DISSECT_MALFORMED;
	if (!walk_has(w, ETHERNET_HLEN))
		return DISSECT_SHORT;
	type = walk_u16(w, 12);
	w->out->off += ETHERNET_HLEN;
	return walk_ethertype(w, type);
}

/*
 * RFC 3032 2.1: labels until the bottom bit.  Nothing says what follows: a
 * first nibble of 4 or 6 is IP, 0 the control word of an Ethernet pseudowire
 * (RFC 4385 3).
 */
static enum dissect_rc
walk_mpls(struct walk *w)
{
	bool bottom = false;

	for (unsigned int i = 0; !bottom; i++) {
		if (i == TAGS_MAX)
			return DISSECT_MALFORMED;
		if (!walk_has(w, 4))
			return DISSECT_SHORT;
		bottom = (walk_u16(w, 2) & 0x0100) != 0;
		w->out->off += 4;
	}
	if (!walk_has(w, 1))
		return DISSECT_SHORT;
	switch (w->p[w->out->off] >> 4) {
	case 4: return walk_ip(w, ETHERTYPE_IPV4);
	case 6: return walk_ip(w, ETHERTYPE_IPV6);
	case 0:
		if (!walk_has(w, 4))
			return DISSECT_SHORT;
		w->out->off += 4;
		return walk_ethernet(w);
	default: return DISSECT_NOTMINE;
	}
}

/* RFC 1661 2 and 6.5: an odd first byte is a whole, compressed protocol field. */
static enum dissect_rc
walk_ppp_protocol(struct walk *w)
{
	uint16_t proto;

	if (!walk_has(w, 1))
		return DISSECT_SHORT;
	proto = w->p[w->out->off];
	if (proto & 1) {
		w->out->off += 1;
	} else {
		if (!walk_has(w, 2))
			return DISSECT_SHORT;
		proto = walk_u16(w, 0);
		w->out->off += 2;
	}
	switch (proto) {
	case PPP_IPV4: return walk_ip(w, ETHERTYPE_IPV4);
	case PPP_IPV6: return walk_ip(w, ETHERTYPE_IPV6);
	case PPP_MPLS: return walk_mpls(w);
	default: return DISSECT_NOTMINE;
	}
}

/* RFC 1662 3.1: address ff, control 03, both of which may be left out (RFC 1661 6.6). */
static enum dissect_rc
walk_ppp(struct walk *w)
{
	if (!walk_has(w, 2))
		return DISSECT_SHORT;
	if (walk_u16(w, 0) == 0xff03)
		w->out->off += 2;
	return walk_ppp_protocol(w);
}

/* RFC 2516 4: version 1, type 1, code 0 (session data), session id, length. */
static enum dissect_rc
walk_pppoe(struct walk *w)
{
	if (!walk_has(w, 6))
		return DISSECT_SHORT;
	if (walk_u16(w, 0) != 0x1100)
		return DISSECT_NOTMINE;
	w->out->pppoe = true;
	w->out->off += 6;
	return walk_ppp_protocol(w);
}

/* An 802.3 length instead of a type: RFC 1042 puts the EtherType behind aa aa 03 00 00 00. */
static enum dissect_rc
walk_snap(struct walk *w)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	uint16_t type;

	if (++w->tags > TAGS_MAX)
		return DISSECT_MALFORMED;
	for (size_t i = 0; i < sizeof(snap); i++) {
		if (!walk_has(w, i + 1))
			return DISSECT_SHORT;
		if (w->p[w->out->off + i] != snap[i])
			return DISSECT_NOTMINE;
	}
	if (!walk_has(w, 8))
		return DISSECT_SHORT;
	type = walk_u16(w, 6);
	w->out->off += 8;
	return walk_ethertype(w, type);
}

static enum dissect_rc
walk_ethertype(struct walk *w, uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6: return walk_ip(w, type);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_QINQ_OLDER: return walk_vlan(w);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTI: return walk_mpls(w);
	case ETHERTYPE_PPPOE: return walk_pppoe(w);
	case ETHERTYPE_TEB: return walk_ethernet(w);
	default: return type < ETHERTYPE_MIN ? walk_snap(w) : DISSECT_NOTMINE;
	}
}

/* Raw IP: the version nibble is all there is. */
static enum dissect_rc
walk_raw(struct walk *w)
{
	if (!walk_has(w, 1))
		return DISSECT_SHORT;
	switch (w->p[w->out->off] >> 4) {
	case 4: return walk_ip(w, ETHERTYPE_IPV4);
	case 6: return walk_ip(w, ETHERTYPE_IPV6);
	default: return DISSECT_NOTMINE;
	}
}

/*
 * BSD loopback: an address family in the byte order of whoever captured
 * (LINK_NULL) or of the network (LINK_LOOP).  AF_INET is 2 everywhere;
 * AF_INET6 is 24, 28, 30 or, on Linux, 10.
 */
static enum dissect_rc
walk_null(struct walk *w)
{
	uint32_t af;

	if (!walk_has(w, 4))
		return DISSECT_SHORT;
	af = (uint32_t)walk_u16(w, 0) << 16 | walk_u16(w, 2);
	if (af > 0xffff)
		af = __builtin_bswap32(af);
	w->out->off += 4;
	switch (af) {
	case 2: return walk_ip(w, ETHERTYPE_IPV4);
	case 10:
	case 24:
	case 28:
	case 30: return walk_ip(w, ETHERTYPE_IPV6);
	default: return DISSECT_NOTMINE;
	}
}

/* A pseudo header of `hlen' bytes with the EtherType at `at'. */
static enum dissect_rc
walk_cooked(struct walk *w, size_t hlen, size_t at)
{
	uint16_t type;

	if (!walk_has(w, hlen))
		return DISSECT_SHORT;
	type = walk_u16(w, at);
	w->out->off += hlen;
	return type < ETHERTYPE_MIN ? DISSECT_NOTMINE : walk_ethertype(w, type);
}

static enum dissect_rc walk_link(struct walk *w, uint32_t link_type);

static enum dissect_rc
walk_wrapped(struct walk *w, uint32_t link_type)
{
	enum dissect_rc rc;
	uint32_t inner;
	size_t off;

	if (++w->nest > NEST_MAX)
		return DISSECT_MALFORMED;
	rc = link_unwrap(link_type, w->p + w->out->off, w->len - w->out->off, &inner, &off);
	if (rc != DISSECT_OK)
		return rc;
	w->out->off += off;
	return inner == LINK_LLC ? walk_snap(w) : walk_link(w, inner);
}

bool
link_known(uint32_t link_type)
{
	switch (link_type) {
	case LINK_ETHERNET:
	case LINK_SLL:
	case LINK_SLL2:
	case LINK_C_HDLC:
	case LINK_PPP:
	case LINK_PPP_HDLC:
	case LINK_PPP_ETHER:
	case LINK_NULL:
	case LINK_LOOP:
	case LINK_RAW:
	case LINK_RAW_OLD:
	case LINK_RAW_OPENBSD:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_80211:
	case LINK_RADIOTAP:
	case LINK_PFLOG:
	case LINK_PPI:
	case LINK_NFLOG:
	case LINK_PKTAP:
	case LINK_PKTAP_OLD: return true;
	default: return false;
	}
}

static enum dissect_rc
walk_link(struct walk *w, uint32_t link_type)
{
	switch (link_type) {
	case LINK_ETHERNET: return walk_ethernet(w);
	case LINK_SLL: return walk_cooked(w, SLL_HLEN, 14);
	case LINK_SLL2: return walk_cooked(w, SLL2_HLEN, 0);
	case LINK_C_HDLC: return walk_cooked(w, 4, 2);
	case LINK_PPP:
	case LINK_PPP_HDLC: return walk_ppp(w);
	case LINK_PPP_ETHER: return walk_pppoe(w);
	case LINK_NULL:
	case LINK_LOOP: return walk_null(w);
	case LINK_RAW:
	case LINK_RAW_OLD:
	case LINK_RAW_OPENBSD: return walk_raw(w);
	case LINK_IPV4: return walk_ip(w, ETHERTYPE_IPV4);
	case LINK_IPV6: return walk_ip(w, ETHERTYPE_IPV6);
	default: return walk_wrapped(w, link_type);
	}
}

enum dissect_rc
link_parse(uint32_t link_type, const uint8_t *p, size_t len, struct link_header *out)
{
	struct walk w = { .p = p, .len = len, .out = out };

	*out = (struct link_header){ 0 };
	/* Nearly every frame: plain Ethernet with IP in it. */
	if (link_type == LINK_ETHERNET && len > ETHERNET_HLEN) {
		uint16_t type = walk_u16(&w, 12);

		if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) {
			out->off = ETHERNET_HLEN;
			out->ethertype = type;
			return DISSECT_OK;
		}
	}
	return walk_link(&w, link_type);
}

enum dissect_rc
link_ethertype_parse(uint16_t ethertype, const uint8_t *p, size_t len, struct link_header *out)
{
	struct walk w = { .p = p, .len = len, .out = out };

	*out = (struct link_header){ 0 };
	return walk_ethertype(&w, ethertype);
}

enum dissect_rc
link_ppp_parse(const uint8_t *p, size_t len, struct link_header *out)
{
	struct walk w = { .p = p, .len = len, .out = out };

	*out = (struct link_header){ 0 };
	return walk_ppp(&w);
}
