/* wire.c - packets to bytes with true checksums, frames to pcap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

struct frame {
	int64_t at;
	uint32_t len;
	uint8_t *p;
};

static struct frame *frames;
static size_t frame_count, frame_room;

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t
sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (; n >= 2; p += 2, n -= 2)
		s += (uint32_t)(p[0] << 8 | p[1]);
	if (n == 1)
		s += (uint32_t)p[0] << 8;
	while (s > 0xffff)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Options in the order of Linux: MSS, SACK permitted, timestamps, window scale; SACK last. */
static size_t
build_options(const struct pkt *p, uint8_t *o)
{
	uint8_t *start = o;

	if (p->mss != 0) {
		put16(o, 0x0204);
		put16(o + 2, p->mss);
		o += 4;
	}
	if (p->sack_ok && !p->ts) {
		put32(o, 0x01010402);
		o += 4;
	}
	if (p->ts) {
		put16(o, p->sack_ok ? 0x0402 : 0x0101);
		put16(o + 2, 0x080a);
		put32(o + 4, p->tsval);
		put32(o + 8, p->tsecr);
		o += 12;
	}
	if (p->wscale >= 0) {
		put32(o, 0x01030300u | (uint32_t)p->wscale);
		o += 4;
	}
	if (p->sacks > 0) {
		put32(o, 0x01010502u + p->sacks * 8);
		o += 4;
		for (unsigned int i = 0; i < p->sacks; i++, o += 8) {
			put32(o, p->sack[i][0]);
			put32(o + 4, p->sack[i][1]);
		}
	}
	return (size_t)(o - start);
}

static size_t
build_tcp(const struct pkt *p, uint8_t *t)
{
	size_t hlen = 20 + build_options(p, t + 20);

	put16(t, p->sport);
	put16(t + 2, p->dport);
	put32(t + 4, p->seq);
	put32(t + 8, p->ack);
	t[12] = (uint8_t)(hlen / 4 << 4);
	t[13] = p->flags;
	put16(t + 14, p->window);
	put32(t + 16, 0);
	memcpy(t + hlen, p->data != NULL ? p->data : t, p->len);
	return hlen + p->len;
}

static size_t
build_icmp(const struct pkt *p, uint8_t version, uint8_t *t)
{
	t[0] = p->type;
	t[1] = p->code;
	put16(t + 2, 0);
	put32(t + 4, version == 6 ? p->mtu : p->mtu & 0xffff);
	memcpy(t + 8, p->quote, p->quote_len);
	return 8 + p->quote_len;
}

static void
build_ip4(
    const struct node *src, const struct node *dst, const struct pkt *p, size_t len, uint8_t *h)
{
	memset(h, 0, 20);
	h[0] = 0x45;
	put16(h + 2, (unsigned int)(20 + len));
	put16(h + 4, p->ip_id);
	put16(h + 6, p->df ? 0x4000 : 0);
	h[8] = p->ttl;
	h[9] = p->icmp ? 1 : 6;
	memcpy(h + 12, src->addr, 4);
	memcpy(h + 16, dst->addr, 4);
	put16(h + 10, ~sum(0, h, 20) & 0xffff);
}

static void
build_ip6(
    const struct node *src, const struct node *dst, const struct pkt *p, size_t len, uint8_t *h)
{
	memset(h, 0, 8);
	h[0] = 0x60;
	put16(h + 4, (unsigned int)len);
	h[6] = p->icmp ? 58 : 6;
	h[7] = p->ttl;
	memcpy(h + 8, src->addr, 16);
	memcpy(h + 24, dst->addr, 16);
}

void
wire_build(const struct sim *s, struct pkt *p)
{
	const struct node *src = &s->nodes[p->src], *dst = &s->nodes[p->dst];
	size_t alen = src->version == 6 ? 16 : 4, hlen = src->version == 6 ? 40 : 20, len;
	uint8_t *h = xalloc(hlen + 120 + p->len + p->quote_len), *t = h + hlen;
	uint32_t c = 0;

	len = p->icmp ? build_icmp(p, src->version, t) : build_tcp(p, t);
	if (!p->icmp || src->version == 6) {
		c = sum(sum(0, src->addr, alen), dst->addr, alen);
		c += (uint32_t)len + (p->icmp ? 58 : 6);
	}
	c = ~sum(c, t, len) & 0xffff;
	put16(t + (p->icmp ? 2 : 16), c);
	(src->version == 6 ? build_ip6 : build_ip4)(src, dst, p, len, h);
	p->ip = h;
	p->w = (uint32_t)(hlen + len);
}

static size_t
build_link(const struct sim *s, uint8_t *f, int from, int to, const struct pkt *p)
{
	bool v6 = s->nodes[p->src].version == 6;
	unsigned int type = v6 ? 0x86dd : 0x0800;
	size_t n = 12;

	memset(f, 0, 12);
	f[0] = f[6] = 2;
	f[5] = (uint8_t)(to + 1);
	f[11] = (uint8_t)(from + 1);
	if (s->tap.vlan != 0) {
		put16(f + n, s->tap.vlan_inner != 0 ? 0x88a8 : 0x8100);
		put16(f + n + 2, s->tap.vlan);
		n += 4;
	}
	if (s->tap.vlan_inner != 0) {
		put16(f + n, 0x8100);
		put16(f + n + 2, s->tap.vlan_inner);
		n += 4;
	}
	if (!s->tap.pppoe) {
		put16(f + n, type);
		return n + 2;
	}
	put16(f + n, 0x8864);
	put32(f + n + 2, 0x11000007);
	put16(f + n + 6, p->w + 2);
	put16(f + n + 8, v6 ? 0x0057 : 0x0021);
	return n + 10;
}

/* As seen between nodes `from' and `to', with the TTL it has there. */
void
wire_capture(const struct sim *s, const struct pkt *p, int from, int to, uint8_t ttl, int64_t at)
{
	struct frame *f;
	uint8_t *ip;
	size_t n;

	if (frame_count == frame_room) {
		frame_room = frame_room * 2 + 256;
		frames = realloc(frames, frame_room * sizeof(*frames));
		if (frames == NULL)
			fail("no memory");
	}
	f = &frames[frame_count++];
	f->at = at;
	f->p = xalloc(64 + p->w);
	n = build_link(s, f->p, from, to, p);
	ip = f->p + n;
	memcpy(ip, p->ip, p->w);
	if (ip[0] >> 4 == 6) {
		ip[7] = ttl;
	} else {
		ip[8] = ttl;
		put16(ip + 10, 0);
		put16(ip + 10, ~sum(0, ip, 20) & 0xffff);
	}
	f->len = (uint32_t)(n + p->w);
	if (f->len < 60) {
		memset(f->p + f->len, 0, 60 - f->len);
		f->len = from == s->tap.node ? f->len : 60; /* the card pads after the capture */
	}
}

/* Merge sort, stable: frames of one moment keep the order in which they were sent. */
static void
frames_sort(struct frame *f, struct frame *spare, size_t n)
{
	size_t m = n / 2, i = 0, j = m, k = 0;

	if (n < 2)
		return;
	frames_sort(f, spare, m);
	frames_sort(f + m, spare, n - m);
	while (i < m || j < n)
		spare[k++] = j == n || (i < m && f[i].at <= f[j].at) ? f[i++] : f[j++];
	memcpy(f, spare, n * sizeof(*f));
}

static void
put_le32(FILE *out, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	fwrite(b, 1, 4, out);
}

static void
frame_write(const struct sim *s, const struct frame *f, FILE *out)
{
	uint32_t caplen = s->tap.snaplen != 0 && f->len > s->tap.snaplen ? s->tap.snaplen : f->len;
	int64_t us = (s->start + f->at) / 1000;

	put_le32(out, (uint32_t)(us / 1000000));
	put_le32(out, (uint32_t)(us % 1000000));
	put_le32(out, caplen);
	put_le32(out, f->len);
	fwrite(f->p, 1, caplen, out);
}

/* Little-endian whatever the machine: the same scenario gives the same bytes. */
void
wire_write(const struct sim *s, const char *path)
{
	struct frame *spare = xalloc((frame_count + 1) * sizeof(*spare));
	FILE *out = fopen(path, "wb");

	if (out == NULL)
		fail("%s: cannot be written", path);
	frames_sort(frames, spare, frame_count);
	put_le32(out, 0xa1b2c3d4);
	put_le32(out, 2 | 4 << 16);
	put_le32(out, 0);
	put_le32(out, 0);
	put_le32(out, s->tap.snaplen != 0 ? s->tap.snaplen : 262144);
	put_le32(out, 1);
	for (size_t i = 0; i < frame_count; i++)
		frame_write(s, &frames[i], out);
	if (ferror(out) != 0 || fclose(out) != 0)
		fail("%s: write failed", path);
}
