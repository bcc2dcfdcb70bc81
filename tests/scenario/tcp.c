/*
 * tcp.c - enough of TCP, and of Linux' way with it, that a capture looks real.
 * Here: what arrives (SACK and D-SACK, RFC 2018 and 2883; RACK, RFC 8985; path
 * MTU discovery, RFC 1191), and what the application wants.
 */
#include <stdlib.h>
#include <string.h>

#include "tcp.h"

static const uint64_t out_max = 16 << 20;

void
ep_init(struct sim *s, struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		struct endpoint *e = &c->end[i];

		e->conn = c;
		e->peer = &c->end[!i];
		e->client = i == 0;
		e->state = i == 0 ? EP_CLOSED : EP_LISTEN;
		e->iss =
		    (uint32_t)mix(s->seed * 1000 + (uint64_t)s->conn_count * 2 + (unsigned int)i);
		e->out = xalloc(out_max);
		e->pmtu = UINT32_MAX;
		e->cwnd = CWND_FIRST;
		e->quick = QUICK_ACKS;
	}
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

/*
 * RFC 6675 4, IsLost: three segments above it arrived; one that was sent again waits for the
 * timeout.
 */
static void
ep_count_losses(struct endpoint *e)
{
	unsigned int above = 0;

	for (size_t i = e->seg_count; i-- > 0;) {
		struct seg *g = &e->segs[i];

		above += g->sacked;
		if (g->flight && !g->sacked && above >= 3 && g->sent == 1) {
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
		if (full || e->recovering) /* RFC 7661: not grown by a dialogue */
			e->cwnd = e->cwnd + n > CWND_MAX ? CWND_MAX : e->cwnd + n;
		if (e->recovering && una >= e->recover)
			e->recovering = false;
		else if (e->recovering && !e->sack && e->seg_count > 0) {
			e->segs[0].lost = e->first_repair = true; /* RFC 6582: the next hole */
			e->segs[0].flight = false;
		}
	} else if (p->len == 0 && e->seg_count > 0 && !e->sack && ++e->dupacks == 3) {
		e->segs[0].lost = true;
		e->segs[0].flight = false;
		ep_recover(e);
	}
	if (e->sack && (news || n > 0)) {
		if (ep_node(s, e)->stack->rack)
			ep_find_losses(e);
		else
			ep_count_losses(e);
	}
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
		e->ack_at = s->now + ep_node(s, e)->stack->delayed_ack_ms * ms_ns;
		net_wake(s, e, e->ack_at);
	}
}

static void
ep_receive(struct sim *s, struct endpoint *e, const struct pkt *p)
{
	uint64_t from = (uint64_t)(uint32_t)(p->seq - e->irs - 1), to = from + p->len;
	bool merged;

	if ((uint32_t)(p->seq - e->irs - 1) > 0x80000000u) { /* before the first byte: a probe */
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
		ep_ack(s, e); /* a window probe */
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
		e->peer_mss = n->mss; /* its own interface is no wider */
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
		int64_t again =
		    e->state == EP_SYN_SENT ? syn_refused_gap(ep_node(s, e)->syn, e->syn_sent) : 0;

		if (again > 0)
			ep_arm(s, e, TIMER_SYN, again);
		else
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
void
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

			*g = (struct seg){ .from = at,
				.group = old[i].group,
				.lost = true,
				.sent = 1,
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
		e->state = EP_CLOSED; /* connect() fails at once */
		return;
	}
	if (e->state != EP_OPEN || !too_big || mtu >= e->pmtu)
		return;
	if (mtu < 552 && !v6)
		mtu = 552;                                  /* net.ipv4.route.min_pmtu */
	e->pmtu = ep_node(s, e)->pmtu[e->peer->node] = mtu; /* the route remembers */
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
		e->state = EP_CLOSED; /* nobody is told */
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
