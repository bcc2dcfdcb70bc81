/*
 * tcp_send.c - the sending half: handshake and options (RFC 7323), slow start
 * from ten segments (RFC 6928), tail loss probe (RFC 8985), RTO doubling
 * (RFC 6298), zero window probes.
 */
#include <stdlib.h>

#include "tcp.h"

enum {
	GROUP = 5, /* segments that leave the stack as one piece (TSO) */
	SEGS_MAX = 100000,
};

/* ---- packets out --------------------------------------------------------- */

uint32_t
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

struct pkt *
ep_packet(struct sim *s, struct endpoint *e, uint8_t flags, uint64_t from)
{
	struct node *n = ep_node(s, e);
	struct pkt *p = xalloc(sizeof(*p));

	*p = (struct pkt){ .src = e->node,
		.dst = e->peer->node,
		.ttl = n->ttl,
		.sport = e->port,
		.dport = e->peer->port,
		.c2s = e->client,
		.df = n->df && !e->no_df,
		.to = e->peer,
		.flags = flags,
		.seq = e->iss + 1 + (uint32_t)from,
		.wscale = -1 };
	if (flags & F_ACK)
		p->ack = e->irs + 1 + (uint32_t)e->rcv_next + (e->fin_got ? 1 : 0);
	p->window = ep_window(s, e) >> ((flags & F_SYN) ? 0 : e->wscale_in);
	if (p->window > 65535)
		p->window = 65535;
	if (e->ts) {
		p->ts = true;
		p->tsval =
		    (uint32_t)(mix(s->seed + (uint64_t)e->node) >> 36) + (uint32_t)(s->now / ms_ns);
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

void
ep_ack(struct sim *s, struct endpoint *e)
{
	struct pkt *p = ep_packet(s, e, F_ACK, e->next + (e->fin_sent ? 1 : 0));

	ep_sacks(e, p);
	e->unacked = 0;
	e->ack_at = 0;
	net_send(s, p);
}

/* RFC 9293 3.8.4: one number back, and nothing in it. */
void
ep_keep_alive(struct sim *s, struct endpoint *e)
{
	net_send(s, ep_packet(s, e, F_ACK, e->next - 1));
}

void
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
ep_rto(struct sim *s, const struct endpoint *e)
{
	const struct stack *t = ep_node(s, e)->stack;
	int64_t rto = e->srtt != 0 ? e->srtt : s_ns, least = t->rto_least_ms * ms_ns;

	if (t->rto_added)
		rto += least;
	else
		rto = 2 * rto > least ? 2 * rto : least;
	return rto << (e->backoff < 9 ? e->backoff : 9);
}

void
ep_arm(struct sim *s, struct endpoint *e, enum ep_timer t, int64_t after)
{
	e->timer = t;
	e->timer_at = s->now + after;
	net_wake(s, e, e->timer_at);
}

unsigned int
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
	if (!losses && !e->probed && e->sack && ep_node(s, e)->stack->rack && e->srtt != 0 &&
	    probe < ep_rto(s, e))
		ep_arm(s, e, TIMER_PROBE, probe);
	else
		ep_arm(s, e, TIMER_RTO, ep_rto(s, e));
}

void
ep_arm_syn(struct sim *s, struct endpoint *e)
{
	int64_t gap = e->client ? syn_gap(ep_node(s, e)->syn, e->syn_sent)
	    : e->syn_sent <= 5  ? s_ns << (e->syn_sent - 1)
				: 0;

	if (gap == 0)
		e->timer = TIMER_NONE;
	else
		ep_arm(s, e, TIMER_SYN, gap);
}

/* ---- sending data ------------------------------------------------------------- */

uint32_t
ep_mss(struct sim *s, const struct endpoint *e)
{
	uint32_t ip = ep_node(s, e)->version == 6 ? 40 : 20, mss = e->peer_mss;

	if (e->pmtu != UINT32_MAX && e->pmtu - ip - 20 < mss)
		mss = e->pmtu - ip - 20;
	return mss - (e->ts ? 12 : 0);
}

struct seg *
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
		e->quick = 0; /* a dialogue: from now on ACKs wait for the answer */
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

void
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
		ep_arm(s, e, TIMER_PERSIST, ep_rto(s, e));
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

void
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
	ep_arm(s, e, TIMER_RTO, ep_rto(s, e));
}

/* RFC 2923 2.1: what is large may be what does not arrive. */
static void
ep_shrink(struct sim *s, struct endpoint *e)
{
	const struct stack *t = ep_node(s, e)->stack;
	uint32_t ip = ep_node(s, e)->version == 6 ? 40 : 20, mss;

	if (t->shrink_after == 0 || e->shrunk == 2 ||
	    e->backoff < t->shrink_after * (e->shrunk + 1))
		return;
	mss = t->shrink_mss[e->shrunk++];
	if (mss >= ep_mss(s, e) || e->seg_count == 0 || e->segs[0].len <= mss)
		return;
	e->pmtu = mss + ip + 20 + (e->ts ? 12 : 0);
	e->no_df = t->shrink_df;
	ep_recut(s, e);
}

static void
ep_timeout(struct sim *s, struct endpoint *e)
{
	unsigned int retries = ep_node(s, e)->stack->retries;

	if (retries != 0 && e->backoff >= retries) {
		ep_abort(s, e, 0, F_RST | F_ACK);
		return;
	}
	ep_shrink(s, e);
	ep_lose_all(e);
	e->recovering = true;
	e->recover = e->next;
	e->cwnd = 1;
	e->backoff++;
	ep_retransmit_one(s, e);
	ep_arm(s, e, TIMER_RTO, ep_rto(s, e));
}

/* A byte that is long acknowledged asks for the window (tcp_write_wakeup). */
static void
ep_persist(struct sim *s, struct endpoint *e)
{
	struct pkt *p = ep_packet(s, e, F_ACK, e->una - 1);

	e->backoff++;
	net_send(s, p);
	ep_arm(s, e, TIMER_PERSIST, ep_rto(s, e));
}

static void
ep_expire(struct sim *s, struct endpoint *e)
{
	enum ep_timer t = e->timer;

	e->timer = TIMER_NONE;
	switch (t) {
	case TIMER_NONE: break;
	case TIMER_SYN:
		ep_send_syn(s, e);
		ep_arm_syn(s, e);
		break;
	case TIMER_PROBE: ep_probe(s, e); break;
	case TIMER_RTO: ep_timeout(s, e); break;
	case TIMER_PERSIST: ep_persist(s, e); break;
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
