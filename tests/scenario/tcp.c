/*
 * tcp.c - enough of TCP, and of Linux' way with it, that a capture looks real:
 * handshake and options (RFC 7323), slow start from ten segments (RFC 6928),
 * RACK and tail loss probe (RFC 8985), RTO doubling (RFC 6298), SACK and D-SACK
 * (RFC 2018, 2883), path MTU discovery (RFC 1191), zero window probes.
 */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

enum {
	F_FIN = 1, F_SYN = 2, F_RST = 4, F_PSH = 8, F_ACK = 16,
	CWND_FIRST = 10, CWND_MAX = 64,
	GROUP = 5,			/* segments that leave the stack as one piece (TSO) */
	QUICK_ACKS = 16,
	SEGS_MAX = 100000,
};

static const uint64_t out_max = 16 << 20;

static struct node *
ep_node(struct sim *s, const struct endpoint *e)
{
	return &s->nodes[e->node];
}

static uint64_t
mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

void
ep_init(struct sim *s, struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		struct endpoint *e = &c->end[i];

		e->conn = c;
		e->peer = &c->end[!i];
		e->client = i == 0;
		e->state = i == 0 ? EP_CLOSED : EP_LISTEN;
		e->iss = (uint32_t)mix(s->seed * 1000 + (uint64_t)s->conn_count * 2 + (unsigned int)i);
		e->out = xalloc(out_max);
		e->pmtu = UINT32_MAX;
		e->cwnd = CWND_FIRST;
		e->quick = QUICK_ACKS;
	}
}

/* ---- packets out --------------------------------------------------------- */

static uint32_t
ep_window(struct sim *s, const struct endpoint *e)
{
	uint64_t w = ep_node(s, e)->window;

	if (e->stopped)
		w = e->rcv_next - e->stopped_at >= w ? 0 : w - (e->rcv_next - e->stopped_at);
	return (uint32_t)w;
}

static void
ep_sacks(struct endpoint *e, struct pkt *p)
{
	if (!e->sack)
		return;
	if (e->dsack) {
		p->sack[p->sacks][0] = e->irs + 1 + (uint32_t)e->dsack_from;
		p->sack[p->sacks++][1] = e->irs + 1 + (uint32_t)e->dsack_to;
		e->dsack = false;
	}
	for (unsigned int i = 0; i < e->ooo_count && p->sacks < (e->ts ? 3 : 4); i++) {
		p->sack[p->sacks][0] = e->irs + 1 + (uint32_t)e->ooo[i].from;
		p->sack[p->sacks++][1] = e->irs + 1 + (uint32_t)e->ooo[i].to;
	}
}

static struct pkt *
ep_packet(struct sim *s, struct endpoint *e, uint8_t flags, uint64_t from)
{
	struct node *n = ep_node(s, e);
	struct pkt *p = xalloc(sizeof(*p));

	*p = (struct pkt){ .src = e->node, .dst = e->peer->node, .ttl = n->ttl, .sport = e->port,
		.dport = e->peer->port, .c2s = e->client, .df = n->df, .to = e->peer, .flags = flags,
		.seq = e->iss + 1 + (uint32_t)from, .wscale = -1 };
	if (flags & F_ACK)
		p->ack = e->irs + 1 + (uint32_t)e->rcv_next + (e->fin_got ? 1 : 0);
	p->window = ep_window(s, e) >> ((flags & F_SYN) ? 0 : e->wscale_in);
	if (p->window > 65535)
		p->window = 65535;
	if (e->ts) {
		p->ts = true;
		p->tsval = (uint32_t)(mix(s->seed + (uint64_t)e->node) >> 36) + (uint32_t)(s->now / ms_ns);
		p->tsecr = e->ts_recent;
	}
	/* Linux numbers neither its SYN-ACKs nor its resets. */
	if ((flags & F_RST) == 0 && (flags & (F_SYN | F_ACK)) != (F_SYN | F_ACK))
		p->ip_id = n->ip_id++;
	if (e->unseen > 0) {
		e->unseen--;
		p->unseen = true;
	}
	if (e->lose > 0) {
		e->lose--;
		p->lost = true;
	}
	return p;
}

static void
ep_ack(struct sim *s, struct endpoint *e)
{
	struct pkt *p = ep_packet(s, e, F_ACK, e->next + (e->fin_sent ? 1 : 0));

	ep_sacks(e, p);
	e->unacked = 0;
	e->ack_at = 0;
	net_send(s, p);
}

static void
ep_send_syn(struct sim *s, struct endpoint *e)
{
	struct node *n = ep_node(s, e);
	bool answer = !e->client;
	struct pkt *p;

	if (!answer) {
		e->ts = n->timestamps;
		e->sack = n->sack;
	}
	p = ep_packet(s, e, answer ? F_SYN | F_ACK : F_SYN, 0);
	p->seq = e->iss;
	p->mss = n->mss;
	p->sack_ok = e->sack;
	p->wscale = !answer || e->wscale_out >= 0 ? n->wscale : -1;
	e->syn_sent++;
	net_send(s, p);
}

/* ---- timers ---------------------------------------------------------------- */

static int64_t
ep_rto(const struct endpoint *e)
{
	int64_t rto = (e->srtt != 0 ? e->srtt : s_ns) + 200 * ms_ns;

	return rto << (e->backoff < 9 ? e->backoff : 9);
}

static void
ep_arm(struct sim *s, struct endpoint *e, enum ep_timer t, int64_t after)
{
	e->timer = t;
	e->timer_at = s->now + after;
	net_wake(s, e, e->timer_at);
}

static unsigned int
ep_flight(const struct endpoint *e)
{
	unsigned int n = 0;

	for (size_t i = 0; i < e->seg_count; i++)
		n += e->segs[i].flight;
	return n;
}

/* RFC 8985 7.2: two round trips, and room for a delayed ACK when one packet is out. */
static void
ep_arm_sending(struct sim *s, struct endpoint *e)
{
	bool losses = e->recovering || e->backoff > 0;
	int64_t probe = 2 * e->srtt + (e->seg_count == 1 ? 200 * ms_ns : 2 * ms_ns);

	if (e->seg_count == 0) {
		if (e->timer != TIMER_PERSIST)
			e->timer = TIMER_NONE;
		return;
	}
	if (!losses && !e->probed && e->sack && e->srtt != 0 && probe < ep_rto(e))
		ep_arm(s, e, TIMER_PROBE, probe);
	else
		ep_arm(s, e, TIMER_RTO, ep_rto(e));
}

/* When the n-th SYN follows the one before it; 0 = give up. */
static int64_t
syn_gap(enum syn_style style, unsigned int n)
{
	static const int gaps[3][11] = {
		[SYN_LINUX] = { 1, 1, 1, 1, 1, 2, 4, 8, 16, 33, 0 },
		[SYN_LINUX_OLD] = { 1, 2, 4, 8, 16, 32, 0 },
		[SYN_WINDOWS] = { 3, 6, 0 },
	};

	return n >= 1 && n <= 10 ? gaps[style][n - 1] * s_ns : 0;
}

static void
ep_arm_syn(struct sim *s, struct endpoint *e)
{
	int64_t gap = e->client ? syn_gap(ep_node(s, e)->syn, e->syn_sent) :
	    e->syn_sent <= 5 ? s_ns << (e->syn_sent - 1) : 0;

	if (gap == 0)
		e->timer = TIMER_NONE;
	else
		ep_arm(s, e, TIMER_SYN, gap);
}

/* ---- sending data ------------------------------------------------------------- */

static uint32_t
ep_mss(struct sim *s, const struct endpoint *e)
{
	uint32_t ip = ep_node(s, e)->version == 6 ? 40 : 20, mss = e->peer_mss;

	if (e->pmtu != UINT32_MAX && e->pmtu - ip - 20 < mss)
		mss = e->pmtu - ip - 20;
	return mss - (e->ts ? 12 : 0);
}

static struct seg *
ep_add_seg(struct endpoint *e)
{
	if (e->seg_count == e->seg_room) {
		e->seg_room = e->seg_room * 2 + 64;
		e->segs = realloc(e->segs, e->seg_room * sizeof(*e->segs));
		if (e->segs == NULL || e->seg_room > SEGS_MAX)
			fail("no memory for segments");
	}
	e->segs[e->seg_count] = (struct seg){ 0 };
	return &e->segs[e->seg_count++];
}

static void
ep_send_seg(struct sim *s, struct endpoint *e, struct seg *g)
{
	uint8_t flags = F_ACK;
	struct pkt *p;

	if (g->fin)
		flags |= F_FIN;
	if (g->len > 0 && (g->from + g->len == e->written || g->len < ep_mss(s, e)))
		flags |= F_PSH;
	p = ep_packet(s, e, flags, g->from);
	p->data = e->out + g->from;
	p->len = g->len;
	if (e->rcv_next > 0)
		e->quick = 0;		/* a dialogue: from now on ACKs wait for the answer */
	g->sent++;
	g->last_ns = s->now;
	g->flight = true;
	g->lost = false;
	e->unacked = 0;
	e->ack_at = 0;
	net_send(s, p);
}

static bool
ep_retransmit_one(struct sim *s, struct endpoint *e)
{
	for (size_t i = 0; i < e->seg_count; i++) {
		struct seg *g = &e->segs[i];

		if (g->lost && !g->sacked) {
			ep_send_seg(s, e, g);
			return true;
		}
	}
	return false;
}

static bool
ep_send_new(struct sim *s, struct endpoint *e)
{
	uint64_t left = e->written - e->next;
	uint32_t mss = ep_mss(s, e), n = left < mss ? (uint32_t)left : mss;
	struct seg *g;

	if (left == 0 || e->next + n > e->window_end)
		return false;
	g = ep_add_seg(e);
	g->from = e->next;
	g->len = n;
	g->group = e->group++ / GROUP;
	e->next += n;
	ep_send_seg(s, e, g);
	return true;
}

/* Linux does not hold back the last FIN for the congestion window. */
static void
ep_send_fin(struct sim *s, struct endpoint *e)
{
	struct seg *g;

	if (!e->fin_queued || e->fin_sent || e->next != e->written)
		return;
	e->fin_sent = true;
	g = ep_add_seg(e);
	g->from = e->next;
	g->fin = true;
	g->group = UINT32_MAX;
	ep_send_seg(s, e, g);
}

static void
ep_output(struct sim *s, struct endpoint *e)
{
	bool sent = false;

	if (e->state != EP_OPEN)
		return;
	e->group = (e->group + GROUP - 1) / GROUP * GROUP;
	/* The first repair goes out whatever is in flight (RFC 6937). */
	if (e->first_repair)
		sent = ep_retransmit_one(s, e);
	e->first_repair = false;
	while (ep_flight(e) < e->cwnd && (ep_retransmit_one(s, e) || ep_send_new(s, e)))
		sent = true;
	ep_send_fin(s, e);
	if (sent || (e->seg_count > 0 && e->timer == TIMER_NONE))
		ep_arm_sending(s, e);
	else if (e->seg_count == 0 && e->next < e->written && e->timer == TIMER_NONE)
		ep_arm(s, e, TIMER_PERSIST, ep_rto(e));
	if (e->fin_sent && e->timer == TIMER_NONE && e->seg_count > 0)
		ep_arm_sending(s, e);
}

static void
ep_lose_all(struct endpoint *e)
{
	for (size_t i = 0; i < e->seg_count; i++) {
		e->segs[i].flight = false;
		e->segs[i].lost = !e->segs[i].sacked;
	}
}

static void
ep_recover(struct endpoint *e)
{
	if (e->recovering)
		return;
	e->recovering = e->first_repair = true;
	e->recover = e->next;
	e->cwnd = e->cwnd / 2 < 2 ? 2 : e->cwnd / 2;
}

/* RFC 8985 7.3: new data if there is any, else the last segment again. */
static void
ep_probe(struct sim *s, struct endpoint *e)
{
	e->probed = true;
	if (!ep_send_new(s, e) && e->seg_count > 0)
		ep_send_seg(s, e, &e->segs[e->seg_count - 1]);
	ep_arm(s, e, TIMER_RTO, ep_rto(e));
}

static void
ep_timeout(struct sim *s, struct endpoint *e)
{
	ep_lose_all(e);
	e->recovering = true;
	e->recover = e->next;
	e->cwnd = 1;
	e->backoff++;
	ep_retransmit_one(s, e);
	ep_arm(s, e, TIMER_RTO, ep_rto(e));
}

/* A byte that is long acknowledged asks for the window (tcp_write_wakeup). */
static void
ep_persist(struct sim *s, struct endpoint *e)
{
	struct pkt *p = ep_packet(s, e, F_ACK, e->una - 1);

	e->backoff++;
	net_send(s, p);
	ep_arm(s, e, TIMER_PERSIST, ep_rto(e));
}

static void
ep_expire(struct sim *s, struct endpoint *e)
{
	enum ep_timer t = e->timer;

	e->timer = TIMER_NONE;
	switch (t) {
	case TIMER_NONE:
		break;
	case TIMER_SYN:
		ep_send_syn(s, e);
		ep_arm_syn(s, e);
		break;
	case TIMER_PROBE:
		ep_probe(s, e);
		break;
	case TIMER_RTO:
		ep_timeout(s, e);
		break;
	case TIMER_PERSIST:
		ep_persist(s, e);
		break;
	}
}

void
ep_wake(struct sim *s, struct endpoint *e)
{
	if (e->state == EP_CLOSED)
		return;
	if (e->ack_at != 0 && e->ack_at <= s->now)
		ep_ack(s, e);
	if (e->timer != TIMER_NONE && e->timer_at <= s->now)
		ep_expire(s, e);
}

/* ---- acknowledgements in ------------------------------------------------------- */

static void
ep_rtt(struct endpoint *e, int64_t rtt)
{
	e->srtt = e->srtt == 0 ? rtt : e->srtt + (rtt - e->srtt) / 8;
}

static void
seg_delivered(struct sim *s, struct endpoint *e, const struct seg *g)
{
	if (g->sent == 1)
		ep_rtt(e, s->now - g->last_ns);
	if (g->last_ns > e->rack_ns)
		e->rack_ns = g->last_ns;
}

static unsigned int
ep_take_ack(struct sim *s, struct endpoint *e, uint64_t una)
{
	size_t n = 0;
	uint64_t end;

	while (n < e->seg_count) {
		end = e->segs[n].from + e->segs[n].len + (e->segs[n].fin ? 1 : 0);
		if (end > una)
			break;
		if (!e->segs[n].sacked)
			seg_delivered(s, e, &e->segs[n]);
		n++;
	}
	if (n == 0)
		return 0;
	e->seg_count -= n;
	memmove(e->segs, e->segs + n, e->seg_count * sizeof(*e->segs));
	return (unsigned int)n;
}

static bool
ep_take_sacks(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	bool news = false;

	for (unsigned int i = 0; i < p->sacks; i++) {
		uint64_t from = p->sack[i][0] - e->iss - 1, to = p->sack[i][1] - e->iss - 1;

		for (size_t k = 0; k < e->seg_count; k++) {
			struct seg *g = &e->segs[k];

			if (g->sacked || g->len == 0 || g->from < from || g->from + g->len > to)
				continue;
			seg_delivered(s, e, g);
			g->sacked = true;
			g->flight = g->lost = false;
			news = true;
		}
	}
	return news;
}

/* RFC 8985 6.2, without its patience: nothing is reordered here. */
static void
ep_find_losses(struct endpoint *e)
{
	for (size_t i = 0; i < e->seg_count; i++) {
		struct seg *g = &e->segs[i];

		if (g->flight && !g->sacked && g->last_ns < e->rack_ns) {
			g->flight = false;
			g->lost = true;
			ep_recover(e);
		}
	}
}

static void
ep_take(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	uint64_t una = (uint64_t)(uint32_t)(p->ack - e->iss - 1);
	uint64_t end = una + ((uint64_t)p->window << (e->wscale_out > 0 ? e->wscale_out : 0));
	bool opened = end > e->window_end, full = ep_flight(e) >= e->cwnd, news;
	unsigned int n;

	if ((p->flags & F_ACK) == 0 || una > e->next + 1)
		return;
	e->window_end = end > e->window_end || una >= e->una ? end : e->window_end;
	n = ep_take_ack(s, e, una);
	news = ep_take_sacks(s, e, p);
	if (una > e->una) {
		e->una = una;
		e->backoff = 0;
		e->dupacks = 0;
		e->probed = false;
		e->timer = TIMER_NONE;
		if (full || e->recovering)	/* RFC 7661: not grown by a dialogue */
			e->cwnd = e->cwnd + n > CWND_MAX ? CWND_MAX : e->cwnd + n;
		if (e->recovering && una >= e->recover)
			e->recovering = false;
		else if (e->recovering && !e->sack && e->seg_count > 0) {
			e->segs[0].lost = e->first_repair = true;	/* RFC 6582: the next hole */
			e->segs[0].flight = false;
		}
	} else if (p->len == 0 && e->seg_count > 0 && !e->sack && ++e->dupacks == 3) {
		e->segs[0].lost = true;
		e->segs[0].flight = false;
		ep_recover(e);
	}
	if (e->sack && (news || n > 0))
		ep_find_losses(e);
	if (opened && e->timer == TIMER_PERSIST) {
		e->timer = TIMER_NONE;
		e->backoff = 0;
	}
	ep_output(s, e);
}

/* ---- data in ---------------------------------------------------------------------- */

/* Most recent first, as SACK wants them (RFC 2018 4). */
static void
ep_keep(struct endpoint *e, uint64_t from, uint64_t to)
{
	for (unsigned int i = 0; i < e->ooo_count; i++) {
		struct range *r = &e->ooo[i];

		if (to < r->from || from > r->to)
			continue;
		from = from < r->from ? from : r->from;
		to = to > r->to ? to : r->to;
		*r = e->ooo[--e->ooo_count];
		i = (unsigned int)-1;
	}
	if (e->ooo_count == 32)
		return;
	memmove(&e->ooo[1], &e->ooo[0], e->ooo_count++ * sizeof(e->ooo[0]));
	e->ooo[0] = (struct range){ from, to };
}

static bool
ep_merge(struct endpoint *e)
{
	bool merged = false;

	for (unsigned int i = 0; i < e->ooo_count; i++) {
		if (e->ooo[i].from > e->rcv_next)
			continue;
		if (e->ooo[i].to > e->rcv_next)
			e->rcv_next = e->ooo[i].to;
		memmove(&e->ooo[i], &e->ooo[i + 1], (--e->ooo_count - i) * sizeof(e->ooo[0]));
		i = (unsigned int)-1;
		merged = true;
	}
	return merged;
}

static void
ep_ack_later(struct sim *s, struct endpoint *e)
{
	if (e->quick > 0 || ++e->unacked >= 2) {
		e->quick -= e->quick > 0;
		ep_ack(s, e);
	} else if (e->ack_at == 0) {
		e->ack_at = s->now + 40 * ms_ns;
		net_wake(s, e, e->ack_at);
	}
}

static void
ep_receive(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	uint64_t from = (uint64_t)(uint32_t)(p->seq - e->irs - 1), to = from + p->len;
	bool merged;

	if ((uint32_t)(p->seq - e->irs - 1) > 0x80000000u) {	/* before the first byte: a probe */
		ep_ack(s, e);
		return;
	}
	if (to > e->rcv_next + ep_window(s, e) && p->len > 0) {
		ep_ack(s, e);
		return;
	}
	if (p->flags & F_FIN) {
		e->fin_known = true;
		e->fin_at = to;
	} else if (p->len == 0) {
		ep_ack(s, e);			/* a window probe */
		return;
	}
	if (p->len > 0 && to <= e->rcv_next) {
		e->dsack = true;
		e->dsack_from = from;
		e->dsack_to = to;
		ep_ack(s, e);
		return;
	}
	if (from > e->rcv_next) {
		if (p->len > 0)
			ep_keep(e, from, to);
		ep_ack(s, e);
		return;
	}
	e->rcv_next = to > e->rcv_next ? to : e->rcv_next;
	merged = ep_merge(e);
	if (e->fin_known && e->rcv_next == e->fin_at) {
		e->fin_got = true;
		ep_ack(s, e);
	} else if (merged || e->ooo_count > 0) {
		ep_ack(s, e);
	} else {
		ep_ack_later(s, e);
	}
}

/* ---- everything in ------------------------------------------------------------------ */

static void
ep_agree(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	struct node *n = ep_node(s, e);

	e->irs = p->seq;
	e->peer_mss = p->mss != 0 ? p->mss : 536;
	if (e->peer_mss > n->mss)
		e->peer_mss = n->mss;		/* its own interface is no wider */
	if (n->pmtu[e->peer->node] != 0)
		e->pmtu = n->pmtu[e->peer->node];
	e->ts = n->timestamps && p->ts;
	e->sack = n->sack && p->sack_ok;
	e->wscale_out = n->wscale >= 0 ? p->wscale : -1;
	e->wscale_in = p->wscale >= 0 && n->wscale >= 0 ? n->wscale : 0;
	e->ts_recent = p->tsval;
	e->window_end = p->window;
}

static void
ep_handshake(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	if (e->state == EP_LISTEN && (p->flags & (F_SYN | F_ACK)) == F_SYN) {
		ep_agree(s, e, p);
		e->state = EP_SYN_RCVD;
		e->rack_ns = s->now;
		ep_send_syn(s, e);
		ep_arm_syn(s, e);
	} else if (e->state == EP_SYN_RCVD && (p->flags & F_SYN)) {
		ep_send_syn(s, e);
	} else if (e->state == EP_SYN_SENT && (p->flags & (F_SYN | F_ACK)) == (F_SYN | F_ACK)) {
		ep_agree(s, e, p);
		e->state = EP_OPEN;
		e->timer = TIMER_NONE;
		ep_ack(s, e);
	} else if (e->state == EP_SYN_RCVD && (p->flags & F_ACK)) {
		e->state = EP_OPEN;
		e->timer = TIMER_NONE;
		e->window_end = (uint64_t)p->window << (e->wscale_out > 0 ? e->wscale_out : 0);
	}
}

void
ep_input(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	enum ep_state was = e->state;

	if (e->state == EP_CLOSED) {
		if ((p->flags & F_RST) == 0 && e->syn_sent > 0)
			ep_abort(s, e, 0, F_RST);
		return;
	}
	if (p->flags & F_RST) {
		e->state = EP_CLOSED;
		return;
	}
	ep_handshake(s, e, p);
	if (e->state != EP_OPEN)
		return;
	if (was != EP_OPEN && e->srtt == 0 && e->syn_sent == 1)
		ep_rtt(e, s->now - e->rack_ns);
	if (p->ts)
		e->ts_recent = p->tsval;
	if (p->flags & F_SYN)
		return;
	ep_take(s, e, p);
	if (p->len > 0 || (p->flags & F_FIN) || p->seq + 1 == e->irs + 1 + (uint32_t)e->rcv_next)
		ep_receive(s, e, p);
}

/* Segments that left as one piece are cut anew as one piece: 5 x 1448 is 5 x 1440 and 40. */
static void
ep_recut(struct sim *s, struct endpoint *e)
{
	uint32_t mss = ep_mss(s, e);
	struct seg *old = e->segs;
	size_t n = e->seg_count, k;

	e->segs = NULL;
	e->seg_count = e->seg_room = 0;
	for (size_t i = 0; i < n; i = k) {
		uint64_t at = old[i].from, end;
		bool large = false;

		for (k = i; k < n && old[k].group == old[i].group && !old[k].sacked; k++)
			large |= old[k].len > mss;
		if (k == i)
			k = i + 1;
		if (!large) {
			for (size_t j = i; j < k; j++)
				*ep_add_seg(e) = old[j];
			continue;
		}
		for (end = old[k - 1].from + old[k - 1].len; at < end; at += mss) {
			struct seg *g = ep_add_seg(e);

			*g = (struct seg){ .from = at, .group = old[i].group, .lost = true, .sent = 1,
				.len = end - at < mss ? (uint32_t)(end - at) : mss };
		}
	}
	free(old);
}

void
ep_icmp(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	bool v6 = ep_node(s, e)->version == 6;
	bool too_big = v6 ? p->type == 2 : p->type == 3 && p->code == 4;
	uint32_t mtu = p->mtu != 0 ? p->mtu : 552;

	if (e->state == EP_SYN_SENT && !too_big) {
		e->state = EP_CLOSED;		/* connect() fails at once */
		return;
	}
	if (e->state != EP_OPEN || !too_big || mtu >= e->pmtu)
		return;
	if (mtu < 552 && !v6)
		mtu = 552;			/* net.ipv4.route.min_pmtu */
	e->pmtu = ep_node(s, e)->pmtu[e->peer->node] = mtu;	/* the route remembers */
	ep_recut(s, e);
	e->recovering = true;
	e->recover = e->next;
	ep_output(s, e);
}

/* ---- the application's side ------------------------------------------------------------ */

void
ep_connect(struct sim *s, struct endpoint *e)
{
	e->state = EP_SYN_SENT;
	e->rack_ns = s->now;
	ep_send_syn(s, e);
	ep_arm_syn(s, e);
}

void
ep_write(struct sim *s, struct endpoint *e, const char *p, size_t n)
{
	if (e->written + n > out_max)
		fail("more than 16 MB on one connection");
	memcpy(e->out + e->written, p, n);
	e->written += n;
	ep_output(s, e);
}

void
ep_close(struct sim *s, struct endpoint *e)
{
	if (e->state == EP_SYN_SENT)
		e->state = EP_CLOSED;		/* nobody is told */
	e->fin_queued = true;
	ep_output(s, e);
}

/* A reset, with a TTL of its own when somebody else sends it in our name. */
void
ep_abort(struct sim *s, struct endpoint *e, int ttl, uint8_t flags)
{
	struct pkt *p = ep_packet(s, e, flags, e->next + (e->fin_sent ? 1 : 0));

	if (ttl != 0)
		p->ttl = (uint8_t)ttl;
	p->ts = false;
	if (e->state == EP_SYN_SENT)
		p->seq = e->iss + 1;
	net_send(s, p);
	e->state = EP_CLOSED;
	if (e->syn_sent == 0)
		e->syn_sent = 1;
}

void
ep_read_stop(struct endpoint *e)
{
	e->stopped = true;
	e->stopped_at = e->rcv_next;
}

void
ep_read_go(struct sim *s, struct endpoint *e)
{
	e->stopped = false;
	ep_ack(s, e);
}
