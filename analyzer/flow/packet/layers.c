#include "flow/packet/layers.h"

#include <string.h>

#include "dissectors/net/ip.h"
#include "dissectors/wire.h"

enum {
	UDP_HLEN = 8,
	PORT_VXLAN = 4789,       /* RFC 7348 */
	PORT_VXLAN_LINUX = 8472, /* the port before there was one */
	PORT_GENEVE = 6081,      /* RFC 8926 */
	VXLAN_HLEN = 8,
	GENEVE_HLEN = 8,
	GRE_ERSPAN = 0x88be, /* types I and II; draft-foschiano-erspan */
	GRE_ERSPAN3 = 0x22eb,
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_VERSION = 0x0007,
};

enum tunnel { TUNNEL_PPPOE, TUNNEL_VXLAN, TUNNEL_GRE, TUNNEL_ERSPAN, TUNNEL_GENEVE, TUNNEL_IPIP };

static void
layers_tunnel(struct layers *l, enum tunnel t)
{
	if (l->tunnel_count < sizeof(l->tunnels))
		l->tunnels[l->tunnel_count++] = (uint8_t)t;
}

void
layers_names(const struct layers *l, char *out, size_t size)
{
	static const char *const name[] = {
		[TUNNEL_PPPOE] = "pppoe",
		[TUNNEL_VXLAN] = "vxlan",
		[TUNNEL_GRE] = "gre",
		[TUNNEL_ERSPAN] = "erspan",
		[TUNNEL_GENEVE] = "geneve",
		[TUNNEL_IPIP] = "ipip",
	};
	size_t at = 0, n;

	for (unsigned int i = 0; i < l->tunnel_count; i++) {
		n = strlen(name[l->tunnels[i]]);
		if (at + n + 2 > size)
			break;
		if (at > 0)
			out[at++] = '/';
		memcpy(out + at, name[l->tunnels[i]], n);
		at += n;
	}
	out[at] = '\0';
}

static inline uint8_t
ethertype_version(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_IPV6 ? 6 : 4;
}

void
layers_begin(struct layers *l, const struct link_header *h, const struct capture_frame *f)
{
	*l = (struct layers){
		.p = f->data + h->off,
		.len = f->caplen - h->off,
		.wire = f->len - h->off,
		.version = ethertype_version(h->ethertype),
		.vlan = { h->vlan[0], h->vlan[1] },
	};
	if (h->pppoe)
		layers_tunnel(l, TUNNEL_PPPOE);
}

static enum dissect_rc
layers_link(struct layers *l, const struct link_header *h)
{
	l->version = ethertype_version(h->ethertype);
	if (h->pppoe)
		layers_tunnel(l, TUNNEL_PPPOE);
	if (l->vlan[0] == 0) {
		l->vlan[0] = h->vlan[0];
		l->vlan[1] = h->vlan[1];
	}
	layers_skip(l, h->off);
	return DISSECT_OK;
}

static enum dissect_rc
layers_ethertype(struct layers *l, uint16_t type)
{
	struct link_header h;
	enum dissect_rc rc = link_ethertype_parse(type, l->p, l->len, &h);

	return rc == DISSECT_OK ? layers_link(l, &h) : rc;
}

/* draft-foschiano-erspan-03: type I has no header, II eight bytes, III twelve or twenty. */
static enum dissect_rc
layers_erspan(struct layers *l, uint16_t proto, bool sequence)
{
	size_t hlen = proto == GRE_ERSPAN3 ? 12 : sequence ? 8 : 0;
	uint8_t version = proto == GRE_ERSPAN3 ? 2 : 1;

	if (l->len < hlen)
		return DISSECT_SHORT;
	if (hlen != 0 && l->p[0] >> 4 != version)
		return DISSECT_NOTMINE;
	if (hlen == 12 && (l->p[11] & 1) != 0)
		hlen += 8;
	if (l->len < hlen)
		return DISSECT_SHORT;
	layers_tunnel(l, TUNNEL_ERSPAN);
	layers_skip(l, hlen);
	return layers_ethertype(l, ETHERTYPE_TEB);
}

/* RFC 2784, 2890; NVGRE (RFC 7637) is the same with Ethernet inside. */
static enum dissect_rc
layers_gre(struct layers *l)
{
	uint16_t flags, proto;
	size_t hlen = 4;

	if (l->len < hlen)
		return DISSECT_SHORT;
	flags = be16_at(l->p);
	proto = be16_at(l->p + 2);
	if ((flags & (GRE_VERSION | GRE_ROUTING)) != 0)
		return DISSECT_NOTMINE;
	hlen += (flags & GRE_CHECKSUM ? 4u : 0) + (flags & GRE_KEY ? 4u : 0) +
	    (flags & GRE_SEQUENCE ? 4u : 0);
	if (l->len < hlen)
		return DISSECT_SHORT;
	layers_skip(l, hlen);
	if (proto == GRE_ERSPAN || proto == GRE_ERSPAN3)
		return layers_erspan(l, proto, (flags & GRE_SEQUENCE) != 0);
	layers_tunnel(l, TUNNEL_GRE);
	return layers_ethertype(l, proto);
}

/* RFC 7348 5: the I flag alone, reserved bytes 0.  Strict, for the port proves nothing. */
static enum dissect_rc
layers_vxlan(struct layers *l)
{
	if (l->len < VXLAN_HLEN || l->p[0] != 0x08 || (l->p[1] | l->p[2] | l->p[3] | l->p[7]) != 0)
		return DISSECT_NOTMINE;
	layers_tunnel(l, TUNNEL_VXLAN);
	layers_skip(l, VXLAN_HLEN);
	return layers_ethertype(l, ETHERTYPE_TEB);
}

/* RFC 8926 3.4: version 0, reserved bits 0, options in words of four bytes. */
static enum dissect_rc
layers_geneve(struct layers *l)
{
	size_t hlen;
	uint16_t type;

	if (l->len < GENEVE_HLEN || l->p[0] >> 6 != 0 || (l->p[1] & 0x3f) != 0 || l->p[7] != 0)
		return DISSECT_NOTMINE;
	hlen = GENEVE_HLEN + (size_t)(l->p[0] & 0x3f) * 4;
	type = be16_at(l->p + 2);
	if (l->len < hlen)
		return DISSECT_SHORT;
	layers_tunnel(l, TUNNEL_GENEVE);
	layers_skip(l, hlen);
	return layers_ethertype(l, type);
}

static enum dissect_rc
layers_udp(struct layers *l)
{
	uint16_t port;

	if (l->len < UDP_HLEN)
		return DISSECT_NOTMINE;
	port = be16_at(l->p + 2);
	if (port != PORT_VXLAN && port != PORT_VXLAN_LINUX && port != PORT_GENEVE)
		return DISSECT_NOTMINE;
	layers_skip(l, UDP_HLEN);
	l->by_port = true;
	return port == PORT_GENEVE ? layers_geneve(l) : layers_vxlan(l);
}

static enum dissect_rc
layers_ipip(struct layers *l, uint8_t version)
{
	layers_tunnel(l, TUNNEL_IPIP);
	l->version = version;
	return DISSECT_OK;
}

enum dissect_rc
layers_inner(struct layers *l, uint8_t proto)
{
	switch (proto) {
	case PROTO_UDP: return layers_udp(l);
	case PROTO_GRE: return layers_gre(l);
	case PROTO_IPIP: return layers_ipip(l, 4);
	case PROTO_IPV6: return layers_ipip(l, 6);
	default: return DISSECT_NOTMINE;
	}
}
