#include "flow/packet/decode.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/net/icmp.h"
#include "dissectors/net/ip.h"
#include "dissectors/net/link.h"
#include "dissectors/net/tcp.h"
#include "dissectors/wire.h"
#include "flow/packet/fragments.h"
#include "flow/packet/layers.h"

enum {
	ETHERNET_HLEN = 14,
	VLAN_HLEN = 4,
	VLAN_ID = 0x0fff,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	IPV4_DF = 0x4000,
};

struct decoder {
	uint32_t point;
	struct fragments *fragments; /* made at the first fragment */
	struct decode_counters counters;
};

struct decoder *
decoder_new(uint32_t point)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d != NULL)
		d->point = point;
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	fragments_free(d->fragments);
	free(d);
}

struct decode_counters
decoder_counters(const struct decoder *d)
{
	struct decode_counters c = d->counters;
	struct fragments_counters f;

	if (d->fragments == NULL)
		return c;
	f = fragments_counters(d->fragments);
	c.fragments = f.seen;
	c.fragments_orphaned = f.orphaned;
	c.fragments_repeated = f.repeated;
	c.datagrams = f.whole;
	c.fragment_caps = f.caps;
	return c;
}

static inline void
addr_set(struct addr *a, uint8_t version, const uint8_t *b)
{
	a->family = version;
	if (version == 6) {
		memcpy(a->b, b, 16);
	} else {
		memset(a->b, 0, sizeof(a->b));
		memcpy(a->b, b, 4);
	}
}

/* FNV-1a of the source; not 0. */
static uint32_t
address_print(const struct ip_header *ip)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < (ip->version == 6 ? 16 : 4); i++)
		h = (h ^ ip->src[i]) * 16777619u;
	return h | 1;
}

static inline void
packet_set_ip(struct packet *out, const struct layers *l, const struct ip_header *ip)
{
	addr_set(&out->src, ip->version, ip->src);
	addr_set(&out->dst, ip->version, ip->dst);
	out->w = out->w_fragment = ip->w;
	out->w_outer = l->w_outer != 0 ? l->w_outer : ip->w;
	out->outer_src = l->outer_src;
	out->ttl = ip->ttl;
	out->ip_id = (uint16_t)ip->frag_id;
	out->df = ip->df;
	out->fragmented = false;
	out->cut = l->len < ip->w;
	out->vlan[0] = l->vlan[0];
	out->vlan[1] = l->vlan[1];
	out->tunnel[0] = '\0';
	if (l->tunnel_count != 0)
		layers_names(l, out->tunnel, sizeof(out->tunnel));
}

/* What begins behind the numbers of a TCP header: its options, and the payload. */
static inline void
packet_set_options(
    struct packet *out, const struct tcp_header *t, const uint8_t *p, size_t len, size_t wire)
{
	size_t left = len > t->header_len ? len - t->header_len : 0;

	out->bad_checksum = false;
	out->header_len = t->header_len;
	out->options_cut = t->options_cut;
	out->mss = t->mss;
	out->wscale = t->wscale;
	out->sack_permitted = t->sack_permitted;
	out->has_ts = t->has_ts;
	if (t->has_ts) {
		out->tsval = t->tsval;
		out->tsecr = t->tsecr;
	}
	out->sack_count = t->sack_count;
	if (t->sack_count != 0)
		memcpy(out->sack, t->sack, t->sack_count * sizeof(t->sack[0]));
	out->len = (uint32_t)(wire - t->header_len);
	out->caplen = (uint32_t)(left < out->len ? left : out->len);
	out->payload = p + (len - left);
}

static enum packet_kind
packet_set_tcp(struct packet *out, const uint8_t *p, size_t len, size_t wire)
{
	struct tcp_header t;

	if (tcp_parse(p, len, wire, &t) != DISSECT_OK)
		return PACKET_UNDECODABLE;
	out->sport = t.sport;
	out->dport = t.dport;
	out->seq = t.seq;
	out->ack = t.ack;
	out->window = t.window;
	out->flags = t.flags;
	packet_set_options(out, &t, p, len, wire);
	return PACKET_TCP;
}

static void
packet_set_quote(struct packet *out, const struct icmp_quote *q)
{
	bool tcp = q->proto == PROTO_TCP;

	out->quoted_src = out->quoted_dst = (struct addr){ 0 };
	if (q->src != NULL && q->dst != NULL) {
		addr_set(&out->quoted_src, q->version, q->src);
		addr_set(&out->quoted_dst, q->version, q->dst);
	}
	out->quoted_sport = q->sport;
	out->quoted_dport = q->dport;
	out->quoted_proto = q->proto;
	out->quoted_len = q->w;
	out->quoted_seq = q->seq;
	out->quote_cut = !q->has_ports || (tcp && !q->has_seq);
	out->quote_syn_known = q->has_flags;
	out->quote_syn = q->has_flags && (q->flags & TCP_SYN) != 0;
}

static enum packet_kind
packet_set_icmp(struct packet *out, uint8_t version, const uint8_t *p, size_t len, size_t wire)
{
	struct icmp_message m;

	if (icmp_parse(version, p, len, &m) != DISSECT_OK)
		return PACKET_UNDECODABLE;
	out->payload = p;
	out->caplen = (uint32_t)len;
	out->len = (uint32_t)wire;
	out->icmp_type = m.type;
	out->icmp_code = m.code;
	out->icmp_error = m.error;
	out->icmp_frag_needed = m.frag_needed;
	out->icmp_mtu = m.mtu;
	if (m.error)
		packet_set_quote(out, &m.quote);
	return PACKET_ICMP;
}

/* ---- IP ------------------------------------------------------------------- */

/* What a datagram made of fragments says instead of its last fragment. */
static enum packet_kind
fragment_decode(struct decoder *d, struct layers *l, struct ip_header *ip, int64_t ts_ns,
    struct fragments_whole *whole)
{
	struct fragment f = { .ip = ip, .ts_ns = ts_ns };
	size_t off = 0;

	if (d->fragments == NULL && (d->fragments = fragments_new()) == NULL)
		return PACKET_UNDECODABLE;
	f.data = l->p + ip->header_len;
	f.len = ip->w - ip->header_len;
	f.caplen = (uint32_t)(l->len - ip->header_len);
	if (f.caplen > f.len)
		f.caplen = f.len;
	if (fragments_add(d->fragments, &f, whole) != FRAGMENT_WHOLE)
		return PACKET_FRAGMENT;
	ip->proto = whole->proto;
	ip->ttl = whole->ttl;
	ip->df = whole->df;
	if (ip->version == 6 &&
	    ip_extensions_parse(whole->data, whole->caplen, &ip->proto, &off) != DISSECT_OK)
		return PACKET_UNDECODABLE;
	ip->w = whole->w;
	/* From here on the packet is its payload alone. */
	l->p = whole->data + off;
	l->len = whole->caplen - off;
	l->wire = whole->len - off;
	return PACKET_TCP;
}

/* Payload of a whole packet: captured bytes without what the link added behind it. */
static void
layers_payload(struct layers *l, const struct ip_header *ip)
{
	if (l->len > ip->w)
		l->len = ip->w;
	l->wire = ip->w;
	layers_skip(l, ip->header_len);
}

static enum packet_kind
failure_kind(const struct layers *l, enum dissect_rc rc)
{
	if (rc == DISSECT_NOTMINE || (rc == DISSECT_MALFORMED && l->by_port))
		return PACKET_OTHER;
	return PACKET_UNDECODABLE;
}

/*
 * One IP packet.  False: it carries another one, `l' stands before it; true:
 * it was the innermost, *kind says what it is.
 */
static bool
ip_decode(struct decoder *d, struct layers *l, struct packet *out, enum packet_kind *kind)
{
	struct fragments_whole whole;
	struct ip_header ip;
	enum dissect_rc rc = ip_parse(l->p, l->len, l->wire, &ip);

	/* Another version than was announced, or larger than what it comes in: no packet. */
	if (rc == DISSECT_OK && (ip.version != l->version || (l->w_outer != 0 && ip.w > l->wire)))
		rc = DISSECT_MALFORMED;
	if (rc != DISSECT_OK) {
		*kind = failure_kind(l, rc);
		return true;
	}
	packet_set_ip(out, l, &ip);
	if (ip.fragment) {
		*kind = fragment_decode(d, l, &ip, out->at.ns, &whole);
		if (*kind != PACKET_TCP)
			return true;
		packet_set_ip(out, l, &ip);
		out->w_fragment = whole.w_fragment;
		out->fragmented = true;
		out->cut = whole.caplen < whole.len;
	} else {
		layers_payload(l, &ip);
	}
	if (ip.proto == PROTO_TCP) {
		*kind = packet_set_tcp(out, l->p, l->len, l->wire);
		return true;
	}
	if (ip.proto == (ip.version == 6 ? PROTO_ICMPV6 : PROTO_ICMP)) {
		*kind = packet_set_icmp(out, ip.version, l->p, l->len, l->wire);
		return true;
	}
	if (l->w_outer == 0) {
		l->w_outer = ip.w;
		l->outer_src = address_print(&ip);
	}
	rc = layers_inner(l, ip.proto);
	*kind = failure_kind(l, rc);
	return rc != DISSECT_OK;
}

static enum packet_kind
layers_decode(struct decoder *d, struct layers *l, struct packet *out)
{
	enum packet_kind kind;

	for (unsigned int i = 0; i < LAYERS_MAX; i++)
		if (ip_decode(d, l, out, &kind))
			return kind;
	d->counters.too_deep++;
	return PACKET_OTHER;
}

static void
counters_add(struct decode_counters *c, const struct capture_frame *f, enum packet_kind kind)
{
	if (f->caplen < f->len) {
		c->cut_frames++;
		if (f->caplen > c->cut_at)
			c->cut_at = f->caplen;
	}
	switch (kind) {
	case PACKET_TCP: c->tcp++; break;
	case PACKET_ICMP: c->icmp++; break;
	case PACKET_OTHER: c->other++; break;
	case PACKET_UNDECODABLE: c->undecodable++; break;
	case PACKET_FRAGMENT: break; /* fragments.c counts them */
	}
}

void
decoder_count_tcp(struct decoder *d, const struct capture_frame *f)
{
	counters_add(&d->counters, f, PACKET_TCP);
}

static inline void
decode_begin(struct decoder *d, const struct capture_frame *f, struct packet *out)
{
	if (d->fragments != NULL)
		fragments_release(d->fragments);
	out->at.ns = f->ts_ns;
	out->at.frame = f->number;
	out->point = d->point;
}

/*
 * Glanced at are IPv4 headers without options and IPv6 ones without extensions:
 * TCP follows the addresses, and all of its first 20 bytes is there.  Every
 * packet of a mail comes here.
 */
void
decode_glanced(
    struct decoder *d, const struct capture_frame *f, const struct glance *g, struct packet *out)
{
	const bool v6 = g->version == 6;
	const uint8_t *tcp = g->dst + (v6 ? 16 : 4), *ip = tcp - (v6 ? IPV6_HLEN : IPV4_HLEN),
		      *end = f->data + f->caplen;
	struct tcp_header t;

	decode_begin(d, f, out);
	out->kind = PACKET_TCP;
	addr_set(&out->src, g->version, g->src);
	addr_set(&out->dst, g->version, g->dst);
	out->w = out->w_fragment = out->w_outer = g->w;
	out->outer_src = 0;
	out->ttl = g->ttl;
	out->ip_id = g->ip_id;
	out->df = v6 || (be16_at(ip + 6) & IPV4_DF) != 0;
	out->fragmented = false;
	out->cut = (size_t)(end - ip) < g->w;
	if (!out->cut)
		end = ip + g->w; /* what the link added behind it */
	out->vlan[0] = out->vlan[1] = 0;
	for (const uint8_t *tag = f->data + ETHERNET_HLEN; tag < ip; tag += VLAN_HLEN)
		out->vlan[out->vlan[0] != 0] = be16_at(tag) & VLAN_ID;
	out->tunnel[0] = '\0';
	out->sport = g->sport;
	out->dport = g->dport;
	out->seq = g->seq;
	out->ack = g->ack;
	out->window = g->window;
	out->flags = g->flags;
	tcp_parse_options(tcp, (size_t)(end - tcp), &t);
	packet_set_options(out, &t, tcp, (size_t)(end - tcp), g->w - (size_t)(tcp - ip));
	counters_add(&d->counters, f, PACKET_TCP);
}

enum packet_kind
decode_frame(struct decoder *d, const struct capture_frame *f, struct packet *out)
{
	struct link_header h;
	struct layers l;
	enum dissect_rc rc;

	decode_begin(d, f, out);
	rc = link_parse(f->link_type, f->data, f->caplen, &h);
	if (rc == DISSECT_OK) {
		layers_begin(&l, &h, f);
		out->kind = layers_decode(d, &l, out);
	} else {
		out->kind = rc == DISSECT_NOTMINE ? PACKET_OTHER : PACKET_UNDECODABLE;
	}
	counters_add(&d->counters, f, out->kind);
	return out->kind;
}
