#include "flow/point_impl.h"

/*
 * The light ledger: handshake outcome, largest size proven through, last
 * activity, for every TCP flow, in one cache line.
 */
enum {
	FULL_SIZE = 576, /* from here on a size can be a path-MTU matter */
	ETHERNET = 1500, /* above it (C unknown): a super-segment, its true size is not known */
	RTT_UNIT_US = 4096,
	PROOF_US = 500000, /* diagnosis 0.2: clean within 0.5 s + 4 RTT */
	LATE_US = 200000,  /* a repeat after this long is no fast retransmission */
};

static inline uint32_t
low_us(const struct light_seg *p)
{
	return (uint32_t)(uint64_t)(p->at.ns / 1000);
}

/* Read as it was just written, word by word: read as one, it would wait for both. */
static inline struct moment
light_now(const struct light_seg *p)
{
	return (struct moment){ p->at.ns, p->at.frame };
}

static void
light_host(struct flow_point *fp, const struct flow_light *e, const struct contrast_note *n)
{
	unsigned client = light_client(e);
	struct host_pair way = light_pair(e, client);

	contrast_host(fp->contrast, &way, e->port[!client], n);
}

/* Its frame counter and clock are 32 bits wide; it came before `now'. */
struct moment
light_moment(const struct light_sample *s, struct moment now)
{
	uint32_t back = (uint32_t)now.frame - s->frame,
		 us = (uint32_t)(uint64_t)(now.ns / 1000) - s->at_us;

	return (struct moment){ now.ns - (int64_t)us * 1000, now.frame - back };
}

struct moment
light_began(const struct flow_light *e, struct moment now)
{
	if ((e->flags & (LIGHT_SYN | LIGHT_SYNACK | LIGHT_DATA0 | LIGHT_DATA1)) != LIGHT_SYN)
		return now;
	return light_moment(&e->sample[light_client(e)], now);
}

bool
light_closed(const struct flow_light *e)
{
	return (e->flags & (LIGHT_RST | LIGHT_REFUSED)) != 0 ||
	    (e->flags & (LIGHT_FIN0 | LIGHT_FIN1)) == (LIGHT_FIN0 | LIGHT_FIN1);
}

/* ---- handshake ------------------------------------------------------------ */

static bool
light_syn(struct flow_light *e, const struct light_seg *p, unsigned from)
{
	if ((e->flags & LIGHT_SYN) == 0) {
		e->flags |= LIGHT_SYN;
		e->isn = p->seq;
		e->syns = 1;
		e->sample[from].at_us = low_us(p);
		e->sample[from].frame = (uint32_t)p->at.frame;
		return false;
	}
	if (e->syns < 255)
		e->syns++;
	return (e->flags & LIGHT_SYNACK) == 0; /* retried: it may fail */
}

static void
light_synack(struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from)
{
	struct moment now = light_now(p);
	struct contrast_note n = {
		.event = CONTRAST_ANSWERED, .since = light_began(e, now), .at = now, .ttl = p->ttl
	};

	if ((e->flags & LIGHT_SYNACK) != 0) {
		e->syns = 255; /* repeated: no RTT from this handshake */
		return;
	}
	e->flags |= LIGHT_SYNACK;
	e->sample[from].at_us = low_us(p);
	if (e->syns == 1 && p->ack == e->isn + 1)
		n.rtt_ns = (int64_t)(low_us(p) - e->sample[!from].at_us) * 1000;
	light_host(fp, e, &n);
}

/* The client's first packet after the SYN-ACK: the handshake is done, the RTT known (S15). */
static void
light_established(struct flow_light *e, const struct light_seg *p, unsigned from)
{
	uint32_t us = low_us(p) - e->sample[from].at_us;

	e->flags |= LIGHT_EST;
	if (e->syns == 1)
		e->rtt = us / RTT_UNIT_US < 255 ? (uint8_t)(us / RTT_UNIT_US + 1) : 255;
}

static bool
light_reset(struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from)
{
	bool server = from != light_client(e);

	if (server && (e->flags & (LIGHT_SYN | LIGHT_SYNACK)) == LIGHT_SYN) {
		struct moment now = light_now(p);
		struct contrast_note n = { .event = CONTRAST_REFUSED,
			.since = light_began(e, now),
			.at = now,
			.ttl = p->ttl };
		bool first = (e->flags & LIGHT_REFUSED) == 0;

		e->flags |= LIGHT_REFUSED;
		if (first)
			light_host(fp, e, &n);
		return first;
	}
	e->flags |= LIGHT_RST;
	return false;
}

static bool
light_control(struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from)
{
	if ((p->flags & TCP_RST) != 0)
		return light_reset(fp, e, p, from);
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return light_syn(e, p, from);
	if ((p->flags & TCP_SYN) != 0)
		light_synack(fp, e, p, from);
	if ((p->flags & TCP_FIN) != 0)
		e->flags |= light_fin(from);
	return false;
}

/* ---- sizes ---------------------------------------------------------------- */

static void
light_first_data(
    struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from)
{
	struct moment now = light_now(p);
	struct contrast_note n = {
		.event = CONTRAST_DATA, .since = light_began(e, now), .at = now
	};

	e->flags |= light_data(from);
	if (from == light_client(e)) {
		light_host(fp, e, &n);
	} else if ((e->flags & (LIGHT_SYN | LIGHT_SYNACK)) == 0) { /* mid-stream: it answers */
		n.event = CONTRAST_ANSWERED;
		n.ttl = p->ttl;
		light_host(fp, e, &n);
	}
}

/*
 * A data segment.  One that touches the bytes of the pending sample makes it
 * ambiguous, so it proves nothing; a late repeat of a full-size one is what a
 * path-MTU black hole begins with.
 */
static bool
light_sent(struct flow_light *e, const struct light_seg *p, unsigned from)
{
	struct light_sample *s = &e->sample[from];
	uint32_t end = p->seq + p->len;

	if (s->w != 0) {
		if ((int32_t)(p->seq - s->end) < 0) {
			bool full =
			    s->w >= FULL_SIZE && end == s->end && low_us(p) - s->at_us >= LATE_US;

			if (!full)
				s->w = 0;
			return full;
		}
		if (p->w <= s->w)
			return false;
	}
	if (p->w > ETHERNET || p->w < s->proven || p->fragmented)
		return false;
	s->w = (uint16_t)p->w;
	s->end = end;
	s->frame = (uint32_t)p->at.frame;
	s->at_us = low_us(p);
	return false;
}

/* The peer acknowledged the pending sample. */
static void
light_acked(struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from)
{
	struct light_sample *s = &e->sample[!from];
	struct host_pair way;
	uint32_t us = low_us(p) - s->at_us, limit = PROOF_US + 4u * e->rtt * RTT_UNIT_US;
	uint16_t w = s->w;
	bool first = s->proven == 0;

	s->w = 0;
	if (us > limit || w <= s->proven)
		return;
	s->proven = w;
	way = light_pair(e, !from);
	contrast_proven(fp->contrast, &way, w, light_moment(s, p->at), 0, first);
}

bool
light_packet(struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from)
{
	bool promote = false;

	if ((p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0)
		promote = light_control(fp, e, p, from);
	else if ((e->flags & (LIGHT_SYNACK | LIGHT_EST)) == LIGHT_SYNACK && from == light_client(e))
		light_established(e, p, from);
	if (p->len > 0 && (e->flags & light_data(from)) == 0)
		light_first_data(fp, e, p, from);
	if ((e->flags & LIGHT_FULL) != 0 || (p->flags & (TCP_SYN | TCP_RST)) != 0)
		return promote; /* the full ledger does the sizes */
	if (p->len > 0 && light_sent(e, p, from))
		promote = true;
	if (e->sample[!from].w != 0 && (p->flags & TCP_ACK) != 0 &&
	    (int32_t)(p->ack - e->sample[!from].end) >= 0)
		light_acked(fp, e, p, from);
	return promote;
}

/* A SYN in the last seconds of a capture is not unanswered yet. */
void
light_report_end(struct flow_point *fp, const struct flow_light *e)
{
	struct moment last = { e->last_ns, fp->cap.last.frame };
	struct contrast_note n = { .event = CONTRAST_UNANSWERED, .at = last };

	if ((e->flags & (LIGHT_SYN | LIGHT_SYNACK | LIGHT_REFUSED | LIGHT_UNREACH)) != LIGHT_SYN ||
	    (e->flags & (LIGHT_DATA0 | LIGHT_DATA1)) != 0)
		return;
	if (e->syns <= 1 && point_now(fp) - e->last_ns < 3000000000)
		return;
	n.since = light_moment(&e->sample[light_client(e)], last);
	light_host(fp, e, &n);
}
