/*
 * ledger_build.h - small flows made by hand for the tests of the ledger: 40 ms
 * between client A and server B, timestamps, W = payload + 52.
 */
#ifndef LEDGER_BUILD_H
#define LEDGER_BUILD_H

#include "check.h"

#include "flow/ledger/ledger.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

enum { A, B }; /* client, server */

struct net { /* a flow under construction */
	struct ledger *l;
	int64_t now;
	uint64_t frame;
	uint16_t id[2];
	uint16_t window[2];
	uint8_t ttl[2];
	bool df;
	uint32_t sent[2], acked[2]; /* next own byte; what this side acknowledges */
};

struct seen { /* what the ledger reported */
	struct record_connection c;
	struct ledger_lists lists[2];
	struct record_stall stall[64];
	struct record_icmp_error icmp[32];
	unsigned int stalls, icmps;
};

static inline struct endpoint
end(uint8_t last, uint16_t port)
{
	struct endpoint e = { .ip = { .family = 4, .b = { 192, 0, 2, last } }, .port = port };

	return e;
}

static inline struct packet
packet(struct net *n, int dir)
{
	struct packet p;

	memset(&p, 0, sizeof(p));
	p.kind = PACKET_TCP;
	p.at = (struct moment){ n->now, ++n->frame };
	p.src = end(dir == A ? 1 : 2, 0).ip;
	p.dst = end(dir == A ? 2 : 1, 0).ip;
	p.sport = dir == A ? 40000 : 25;
	p.dport = dir == A ? 25 : 40000;
	p.ttl = n->ttl[dir];
	p.ip_id = n->id[dir]++;
	p.df = n->df;
	p.window = n->window[dir];
	p.flags = TCP_ACK;
	p.header_len = 32;
	p.has_ts = true;
	p.wscale = 255;
	p.w = 52;
	return p;
}

static inline void
give(struct net *n, const struct packet *p, int dir)
{
	ledger_packet(n->l, p, dir == A ? DIR_C2S : DIR_S2C);
}

/* len bytes from stream offset off; w = len + 52 */
static inline void
data_at(struct net *n, int dir, uint32_t off, uint32_t len)
{
	struct packet p = packet(n, dir);

	p.seq = 1001 + off;
	p.ack = 1001 + n->acked[dir];
	p.len = p.caplen = len;
	p.w = len + 52;
	p.flags |= TCP_PSH;
	give(n, &p, dir);
	if (off + len > n->sent[dir])
		n->sent[dir] = off + len;
}

static inline void
data(struct net *n, int dir, uint32_t len)
{
	data_at(n, dir, n->sent[dir], len);
}

static inline void
ack_sack(struct net *n, int dir, uint32_t off, uint32_t lo, uint32_t hi)
{
	struct packet p = packet(n, dir);

	n->acked[dir] = off;
	p.seq = 1001 + n->sent[dir];
	p.ack = 1001 + off;
	if (hi > lo) {
		p.sack_count = 1;
		p.sack[0][0] = 1001 + lo;
		p.sack[0][1] = 1001 + hi;
		p.w += 12;
	}
	give(n, &p, dir);
}

static inline void
ack(struct net *n, int dir, uint32_t off)
{
	ack_sack(n, dir, off, 0, 0);
}

static inline void
wait(struct net *n, int64_t ns)
{
	n->now += ns;
}

static inline void
handshake(struct net *n, int64_t rtt)
{
	struct packet p = packet(n, A);

	p.flags = TCP_SYN;
	p.seq = 1000;
	p.mss = 1460;
	p.wscale = 7;
	p.sack_permitted = true;
	give(n, &p, A);
	wait(n, rtt);
	p = packet(n, B);
	p.flags = TCP_SYN | TCP_ACK;
	p.seq = 1000;
	p.ack = 1001;
	p.mss = 1460;
	p.wscale = 7;
	p.sack_permitted = true;
	give(n, &p, B);
	wait(n, MS / 10);
	ack(n, A, 0);
}

static inline void
begin_with(struct net *n, const struct ledger_limits *limits)
{
	struct endpoint a = end(1, 40000), b = end(2, 25);

	memset(n, 0, sizeof(*n));
	n->l = ledger_new(&a, &b, limits);
	n->now = 1000 * S;
	n->id[A] = 100;
	n->id[B] = 5000;
	n->window[A] = n->window[B] = 500;
	n->ttl[A] = 64;
	n->ttl[B] = 57;
	n->df = true;
}

static inline void
begin(struct net *n)
{
	begin_with(n, NULL);
	handshake(n, 40 * MS);
}

static inline void
take(void *ctx, const struct record *r)
{
	struct seen *s = ctx;

	if (r->type == RECORD_STALL && s->stalls < 64)
		s->stall[s->stalls++] = r->stall;
	if (r->type == RECORD_ICMP_ERROR && s->icmps < 32)
		s->icmp[s->icmps++] = r->icmp_error;
}

static inline struct seen *
report(struct net *n)
{
	static struct seen s;
	struct record_sink sink = { take, &s };

	memset(&s, 0, sizeof(s));
	ledger_report(n->l, n->now, true, &s.c, s.lists, &sink);
	return &s;
}

/* The greeting and commands of a mail: all small, both ways, acknowledged. */
static inline void
dialogue(struct net *n)
{
	for (int i = 0; i < 3; i++) {
		data(n, B, 37);
		wait(n, MS);
		n->acked[A] = n->sent[B];
		data(n, A, 40);
		wait(n, 40 * MS);
		n->acked[B] = n->sent[A];
	}
	data(n, B, 37);
	wait(n, MS);
	n->acked[A] = n->sent[B];
}

static inline void
begin_mail(struct net *n)
{
	begin(n);
	dialogue(n);
}

/* len bytes of the client's, and 40 ms later the server has all that was sent. */
static inline void
deliver(struct net *n, uint32_t len)
{
	data(n, A, len);
	wait(n, 40 * MS);
	ack(n, B, n->sent[A]);
}

/* So many full segments of the client's, one right behind the other. */
static inline void
flight(struct net *n, int segments)
{
	for (int i = 0; i < segments; i++)
		data(n, A, 1448);
}

/* The client's full segment at off so many times more: after `ms', after twice that, ... */
static inline void
timeouts(struct net *n, uint32_t off, int times, int ms)
{
	for (int i = 0; i < times; i++) {
		wait(n, (ms << i) * MS);
		data_at(n, A, off, 1448);
	}
}

/* All from off on once more in pieces of 724, each of which is acknowledged. */
static inline void
again_in_halves(struct net *n, uint32_t off)
{
	for (; off < n->sent[A]; off += 724) {
		data_at(n, A, off, 724);
		wait(n, 40 * MS);
		ack(n, B, off + 724);
	}
}

/* Ten full segments and Linux's repetitions of the first: t = .2 .4 .8 1.6 3.3 s. */
static inline void
black_hole(struct net *n)
{
	uint32_t head = n->sent[A];
	static const int64_t gaps[] = { 210, 420, 840, 1660, 3300 };

	flight(n, 10);
	for (int i = 0; i < 5; i++) {
		wait(n, gaps[i] * MS);
		data_at(n, A, head, 1448);
		if (i == 0) { /* the 354 again, and the empty ACK that silences it */
			data_at(n, B, n->sent[B] - 37, 37);
			wait(n, MS);
			ack(n, A, n->sent[B]);
		}
	}
	wait(n, 7 * S);
}

static inline struct packet
frag_needed(struct net *n, uint32_t mtu, uint32_t quoted, uint32_t off)
{
	struct packet p = packet(n, B);

	p.kind = PACKET_ICMP;
	p.src = end(254, 0).ip;
	p.dst = end(1, 0).ip;
	p.icmp_type = 3;
	p.icmp_code = 4;
	p.icmp_error = p.icmp_frag_needed = true;
	p.icmp_mtu = mtu;
	p.quoted_src = end(1, 0).ip;
	p.quoted_dst = end(2, 0).ip;
	p.quoted_sport = 40000;
	p.quoted_dport = 25;
	p.quoted_proto = 6;
	p.quoted_len = quoted;
	p.quoted_seq = 1001 + off;
	return p;
}

static inline uint32_t
chance(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

#endif /* LEDGER_BUILD_H */
