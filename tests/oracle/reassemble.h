/*
 * reassemble.h - the oracle: a small reassembler of our own, written to be
 * obviously right, not fast.  It sees the whole capture before it answers.
 * Two faces:
 *
 * oracle_* works from decoded packets, by itself: offsets from the SYNs, first
 * copy of a byte wins, whatever is not there at the end is a gap.
 *
 * stream_engine_oracle is a second engine behind flow/stream/stream.h.
 */
#ifndef REASSEMBLE_H
#define REASSEMBLE_H

#include "flow/packet/packet.h"
#include "flow/stream/stream.h"

#include <stdlib.h>
#include <string.h>

enum { ORACLE_MAX = 1 << 17 };

enum oracle_byte { BYTE_UNSEEN = 0, BYTE_DATA, BYTE_CUT };

struct oracle_half {
	bool known, fin;
	uint32_t base;
	bool isn_known, ack_known;
	uint32_t isn, ack_first;
	uint32_t ack_max; /* of the peer */
	bool acked;
	uint32_t fin_seq, high;
	uint8_t state[ORACLE_MAX], byte[ORACLE_MAX];
};

struct oracle {
	bool begun; /* a payload was seen */
	struct oracle_half half[2];
};

static inline void
oracle_base(struct oracle *o, int d)
{
	struct oracle_half *h = &o->half[d], *peer = &o->half[!d];

	if (h->isn_known)
		h->base = h->isn + 1;
	else if (peer->isn_known && peer->ack_known)
		h->base = peer->ack_first;
	else
		return;
	h->known = true;
	h->high = h->base;
}

static inline void
oracle_bytes(struct oracle_half *h, uint32_t seq, const struct packet *p)
{
	for (uint32_t i = 0; i < p->len; i++) {
		int32_t off = (int32_t)(seq + i - h->base);

		if (off < 0 || off >= ORACLE_MAX || h->state[off] != BYTE_UNSEEN)
			continue;
		h->state[off] = i < p->caplen ? BYTE_DATA : BYTE_CUT;
		h->byte[off] = i < p->caplen ? p->payload[i] : 0;
	}
	if ((int32_t)(seq + p->len - h->high) > 0)
		h->high = seq + p->len;
}

static inline void
oracle_packet(struct oracle *o, const struct packet *p, int d)
{
	struct oracle_half *h = &o->half[d], *peer = &o->half[!d];
	uint32_t seq = p->seq + ((p->flags & TCP_SYN) != 0);

	if ((p->flags & TCP_RST) != 0)
		return;
	if ((p->flags & TCP_SYN) != 0) {
		h->isn_known = true;
		h->isn = p->seq;
	}
	if ((p->flags & TCP_ACK) != 0 && !h->ack_known) {
		h->ack_known = true;
		h->ack_first = p->ack;
	}
	if (p->len > 0 && !o->begun) {
		o->begun = true;
		oracle_base(o, 0);
		oracle_base(o, 1);
	}
	if (!o->begun)
		return;
	if (p->len > 0 && !h->known) {
		h->known = true;
		h->base = h->high = seq;
	}
	if ((p->flags & TCP_ACK) != 0 && peer->known &&
	    (!peer->acked || (int32_t)(p->ack - peer->ack_max) > 0)) {
		peer->acked = true;
		peer->ack_max = p->ack;
	}
	if (p->len > 0)
		oracle_bytes(h, seq, p);
	if ((p->flags & TCP_FIN) != 0 && h->known) {
		h->fin = true;
		h->fin_seq = seq + p->len;
	}
}

/* How long the stream is, gaps included. */
static inline uint32_t
oracle_length(const struct oracle_half *h)
{
	uint32_t end = h->high - h->base, acked = h->ack_max - h->base;

	if (!h->known)
		return 0;
	if (h->fin && h->fin_seq - h->base < acked)
		acked = h->fin_seq - h->base;
	if (h->fin && (int32_t)(h->fin_seq - h->base - end) > 0)
		end = h->fin_seq - h->base;
	/* one more than was seen may be a FIN that the capture lacks */
	if (h->acked && (int32_t)(acked - end) > (h->fin ? 0 : 1))
		end = acked;
	return end;
}

/* ---- as an engine ---------------------------------------------------------- */

struct oracle_conn {
	void *owner;
	stream_deliver *deliver;
	enum dissect_dir dir;
	uint64_t base, pos; /* pos from base on */
	uint8_t have[ORACLE_MAX], byte[ORACLE_MAX];
};

static inline int
oracle_start(uint32_t sorters)
{
	(void)sorters;
	return 0;
}

static inline void *
oracle_open(void *owner, stream_deliver *deliver, enum dissect_dir dir, uint64_t off)
{
	struct oracle_conn *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->owner = owner;
		c->deliver = deliver;
		c->dir = dir;
		c->base = off;
	}
	return c;
}

static inline void
oracle_drain(struct oracle_conn *c)
{
	uint64_t from = c->pos;

	while (c->pos < ORACLE_MAX && c->have[c->pos])
		c->pos++;
	if (c->pos > from)
		c->deliver(c->owner, c->dir, c->byte + from, (size_t)(c->pos - from));
}

static inline int
oracle_segment(void *sorter, uint64_t off, const uint8_t *p, size_t len)
{
	struct oracle_conn *c = sorter;
	uint64_t at = off - c->base;

	if (off < c->base || at + len > ORACLE_MAX)
		return -1;
	memset(c->have + at, 1, len);
	memcpy(c->byte + at, p, len);
	oracle_drain(c);
	return 0;
}

static inline int
oracle_gap(void *sorter, uint64_t missing)
{
	struct oracle_conn *c = sorter;

	c->pos += missing;
	oracle_drain(c);
	return c->pos <= ORACLE_MAX ? 0 : -1;
}

static inline void
oracle_close(void *sorter)
{
	free(sorter);
}

static const struct stream_engine stream_engine_oracle = { "oracle", oracle_start, oracle_open,
	oracle_segment, oracle_gap, oracle_close };

#endif /* REASSEMBLE_H */
