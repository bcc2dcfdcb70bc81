/*
 * conversation.h - random TCP conversations as a capture would show them:
 * random segmentation, frames that the capture lost, segments that the network
 * lost and the sender repeated (cut anew), reordering, copies, overlaps, a
 * start in mid-stream, snap lengths, IPv4 and IPv6, VLAN tags, sequence
 * numbers that wrap.  Everything follows from the seed.
 */
#ifndef CONVERSATION_H
#define CONVERSATION_H

#include "oracle/frames.h"

enum { SCRIPT_MAX = 1 << 16, FRAMES_MAX = 400 };

struct seed {
	uint64_t s;
};

/* SplitMix64. */
static inline uint32_t
seed_next(struct seed *r)
{
	uint64_t z = (r->s += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)(z >> 32);
}

static inline uint32_t
seed_below(struct seed *r, uint32_t n)
{
	return (uint32_t)((uint64_t)seed_next(r) * n >> 32);
}

static inline bool
seed_chance(struct seed *r, uint32_t percent)
{
	return seed_below(r, 100) < percent;
}

struct sent {
	struct tcp_frame t;
	int64_t ns;
	bool fixed; /* of the handshake, or one of the last: not reordered */
};

struct conversation {
	struct seed rnd;
	bool v6, wscale;
	unsigned vlans;
	uint32_t snaplen;                                              /* of the frame; 0 = none */
	uint32_t capture_loss, network_loss, reorder, copies, overlap; /* percent */
	uint16_t client_port;
	uint32_t isn[2];
	uint8_t script[2][SCRIPT_MAX];
	uint32_t len[2], sent[2];
	uint32_t got[2];          /* contiguous at the receiver of this direction's bytes */
	uint32_t repeat[2][8][2]; /* ranges that the network lost */
	uint32_t repeats[2];
	int64_t ns;
	struct sent frame[FRAMES_MAX];
	uint32_t frames;
};

static inline void
talk_frame(struct conversation *c, int d, uint8_t flags, uint32_t off, uint32_t len, bool fixed)
{
	struct sent *s = &c->frame[c->frames];

	if (c->frames == FRAMES_MAX)
		return;
	c->frames++;
	c->ns += 1000 + seed_below(&c->rnd, 400000);
	s->ns = c->ns;
	s->fixed = fixed;
	s->t = (struct tcp_frame){
		.v6 = c->v6,
		.vlans = c->vlans,
		.from_client = d == 0,
		.client_port = c->client_port,
		.server_port = 25,
		.seq = c->isn[d] + 1 + off,
		.flags = flags,
		.window = 60000,
		.ack = (flags & 16) != 0 ? c->isn[!d] + 1 + c->got[!d] : 0,
		.wscale = c->wscale ? 7 : -1,
		.ip_id = (uint16_t)c->frames,
		.payload = len > 0 ? c->script[d] + off : NULL,
		.len = len,
	};
}

/* The receiver has [0, got) and this; what the network lost stays a hole. */
static inline void
talk_receive(struct conversation *c, int d)
{
	uint32_t got = c->sent[d];

	for (uint32_t i = 0; i < c->repeats[d]; i++)
		if (c->repeat[d][i][0] < got)
			got = c->repeat[d][i][0];
	c->got[d] = got;
}

static inline void
talk_segment(struct conversation *c, int d, uint32_t off, uint32_t len)
{
	bool net = seed_chance(&c->rnd, c->network_loss) && c->repeats[d] < 8;
	bool seen = !net || seed_chance(&c->rnd, 50); /* lost before or behind the capture */

	if (seed_chance(&c->rnd, c->capture_loss) && !net)
		seen = false;
	if (off + len > c->sent[d])
		c->sent[d] = off + len;
	if (net) {
		c->repeat[d][c->repeats[d]][0] = off;
		c->repeat[d][c->repeats[d]++][1] = off + len;
	}
	if (seen) {
		talk_frame(c, d, 24, off, len, false);
		if (seed_chance(&c->rnd, c->copies)) { /* a needless repeat of the sender */
			c->frame[c->frames - 1].fixed = c->frames == FRAMES_MAX;
			talk_frame(c, d, 24, off, len, false);
		}
	}
	talk_receive(c, d);
	if (seed_chance(&c->rnd, 60))
		talk_frame(c, !d, 16, c->sent[!d], 0, false);
}

/* Repeats what the network lost, in pieces of another size, perhaps with some of what follows. */
static inline void
talk_repair(struct conversation *c, int d)
{
	while (c->repeats[d] > 0) {
		uint32_t from = c->repeat[d][0][0], to = c->repeat[d][0][1];

		c->repeats[d]--;
		memmove(c->repeat[d][0], c->repeat[d][1], c->repeats[d] * sizeof(c->repeat[d][0]));
		if (seed_chance(&c->rnd, c->overlap) && to + 5 <= c->sent[d])
			to += 5;
		while (from < to) {
			uint32_t n = 1 + seed_below(&c->rnd, to - from);

			talk_frame(c, d, 24, from, n, false);
			from += n;
		}
		talk_receive(c, d);
		talk_frame(c, !d, 16, c->sent[!d], 0, false);
	}
}

static inline void
talk_handshake(struct conversation *c)
{
	talk_frame(c, 0, 2, (uint32_t)-1, 0, true);
	talk_frame(c, 1, 18, (uint32_t)-1, 0, true);
	c->frame[1].t.ack = c->isn[0] + 1;
	talk_frame(c, 0, 16, 0, 0, true);
}

static inline void
talk_close(struct conversation *c)
{
	bool fin = seed_chance(&c->rnd, 70);

	talk_repair(c, 0);
	talk_repair(c, 1);
	for (int d = 0; d < 2 && fin; d++)
		talk_frame(c, d, 17, c->sent[d], 0, true);
	for (int i = 0; i < 8; i++) /* enough for both sides' last ACK to be believed */
		talk_frame(c, i & 1, 16, c->sent[i & 1] + fin, 0, true);
}

static inline void
talk_shuffle(struct conversation *c)
{
	for (uint32_t i = 0; i + 1 < c->frames; i++) {
		struct sent a = c->frame[i], b = c->frame[i + 1];

		if (a.fixed || b.fixed || !seed_chance(&c->rnd, c->reorder))
			continue;
		c->frame[i].t = b.t;
		c->frame[i + 1].t = a.t;
	}
}

static inline void
talk_nature(struct conversation *c)
{
	struct seed *r = &c->rnd;

	c->v6 = seed_chance(r, 30);
	c->vlans = seed_chance(r, 30) ? 1 + seed_below(r, 2) : 0;
	c->wscale = seed_chance(r, 50);
	c->snaplen = seed_chance(r, 15) ? 80 + seed_below(r, 300) : 0;
	c->capture_loss = seed_chance(r, 40) ? seed_below(r, 20) : 0;
	c->network_loss = seed_chance(r, 50) ? seed_below(r, 25) : 0;
	c->reorder = seed_chance(r, 40) ? seed_below(r, 20) : 0;
	c->copies = seed_chance(r, 30) ? seed_below(r, 20) : 0;
	c->overlap = 50;
	c->client_port = (uint16_t)(1024 + seed_below(r, 60000));
	for (int d = 0; d < 2; d++)
		c->isn[d] = seed_chance(r, 20) ? (uint32_t)0 - seed_below(r, 3000) : seed_next(r);
}

/* Some 5 to 60 segments with data. */
static inline void
talk(struct conversation *c, uint64_t seed)
{
	uint32_t turns;

	memset(c, 0, offsetof(struct conversation, frame));
	c->rnd.s = seed;
	c->frames = 0;
	c->ns = 1000000000;
	talk_nature(c);
	for (int d = 0; d < 2; d++)
		for (uint32_t i = 0; i < SCRIPT_MAX; i += 4)
			frame_put32(c->script[d] + i, seed_next(&c->rnd));
	talk_handshake(c);
	turns = 5 + seed_below(&c->rnd, 56);
	for (uint32_t i = 0; i < turns; i++) {
		int d = (int)seed_below(&c->rnd, 2);
		uint32_t max = seed_chance(&c->rnd, 20) ? 3 : seed_chance(&c->rnd, 50) ? 1448 : 200;

		talk_segment(c, d, c->sent[d], 1 + seed_below(&c->rnd, max));
		if (seed_chance(&c->rnd, 30))
			talk_repair(c, d);
	}
	talk_close(c);
	talk_shuffle(c);
	if (seed_chance(&c->rnd, 20)) { /* a start in mid-stream */
		uint32_t skip = seed_below(&c->rnd, c->frames / 2);

		memmove(c->frame, c->frame + skip, (c->frames - skip) * sizeof(c->frame[0]));
		c->frames -= skip;
	}
}

#endif /* CONVERSATION_H */
