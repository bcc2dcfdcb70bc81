/*
 * ledger_icmp.c - which ICMP errors speak of the flow (diagnosis 0.4, S19), and
 * what the sender did after them.
 */
#include "flow/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

/* What the direction sent after the message, among the segments before `until'. */
void
icmp_account(
    const struct ledger *l, const struct reading *r, uint32_t until, struct record_icmp_error *e)
{
	int64_t grace = r->rtt > 200 * MS && r->rtt < SECOND ? r->rtt : 200 * MS;

	for (uint32_t i = 0; i < r->tx_count && r->tx[i].seg < until; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];

		if (g->ns <= e->at.ns)
			continue;
		e->sent_after++;
		e->sent_again += x->again && !x->super && g->w <= e->mtu;
		if (x->super || g->w <= e->mtu || g->ns <= e->at.ns + grace)
			continue;
		if (e->sent_after_above < 4)
			e->above_frames[e->sent_after_above] = seg_moment(g);
		e->sent_after_above++;
		e->sent_after_above_lost += x->lost || !x->delivered;
	}
}

static bool
same_addr(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Whose packet was quoted: 0, 1; -1 not of this flow (0.4: one side's tuple is enough). */
static int
icmp_direction(const struct ledger *l, const struct packet *p, bool *differ)
{
	for (int pass = 0; pass < 2; pass++)
		for (int d = 0; d < 2; d++) {
			const struct endpoint *a = &l->end[d], *b = &l->end[!d];
			bool from = same_addr(&p->quoted_src, &a->ip) && p->quoted_sport == a->port;
			bool to = same_addr(&p->quoted_dst, &b->ip) && p->quoted_dport == b->port;

			*differ = pass == 1;
			if (pass == 0 && from && to)
				return d;
			if (pass == 1 &&
			    ((from && p->quoted_dport == b->port) ||
				(to && p->quoted_sport == a->port)))
				return d;
		}
	return -1;
}

/* S19: addressed to a host that sent more than the told MTU a moment before. */
static int
icmp_cut_direction(const struct ledger *l, const struct packet *p)
{
	for (uint32_t i = l->count; i-- > 0 && l->segs[i].ns >= p->at.ns - SECOND;) {
		const struct seg *g = &l->segs[i];

		if (p->icmp_mtu != 0 && g->len > 0 && g->w > p->icmp_mtu &&
		    same_addr(&p->dst, &l->end[seg_s2c(g)].ip))
			return seg_s2c(g);
	}
	return -1;
}

/* 0.4: a plausible sequence number of what is outstanding. */
static bool
icmp_seq_fits(const struct ledger *l, int dir, const struct packet *p)
{
	const struct side *s = &l->side[dir];
	int64_t rel;

	if (!s->based || p->quote_cut)
		return true;
	rel = side_rel(s, p->quoted_seq);
	return rel >= s->acked - (1 << 16) - 1 && rel <= s->max + 1;
}

static struct icmp_note *
icmp_find(struct ledger *l, const struct packet *p, int dir)
{
	for (uint32_t i = 0; i < l->icmp_count; i++) {
		struct record_icmp_error *e = &l->icmp[i].e;

		if (e->dir == dir && e->type == p->icmp_type && e->code == p->icmp_code &&
		    e->mtu == p->icmp_mtu && same_addr(&e->from, &p->src))
			return &l->icmp[i];
	}
	return NULL;
}

static uint32_t
largest_sent(const struct ledger *l, int dir)
{
	uint32_t w = 0;

	for (uint32_t i = 0; i < l->count; i++)
		if (seg_s2c(&l->segs[i]) == (dir == 1) && seg_is_data(&l->segs[i]) &&
		    l->segs[i].w > w)
			w = l->segs[i].w;
	return w > l->side[dir].w_seen ? w : l->side[dir].w_seen;
}

/*
 * How large the packet was that was refused.  Old systems take a header off the length they quote,
 * or turn its bytes round: when the packet itself passed here, and never with that length, it knows
 * better.
 */
static uint32_t
refused_len(const struct ledger *l, const struct packet *p, int dir)
{
	const uint32_t largest = side_largest(l, dir);
	uint32_t w = 0;

	for (uint32_t i = 0; i < l->count && !p->quote_cut; i++) {
		const struct seg *g = &l->segs[i];

		if (seg_s2c(g) != (dir == 1) || !seg_is_data(g) || g->seq != p->quoted_seq)
			continue;
		if (g->w == p->quoted_len || seg_super(g, largest))
			return p->quoted_len;
		w = g->w > w ? g->w : w;
	}
	return w != 0 ? w : p->quoted_len;
}

static void
icmp_fill(const struct ledger *l, const struct packet *p, int dir, bool differ, struct icmp_note *n)
{
	struct record_icmp_error *e = &n->e;

	memset(n, 0, sizeof(*n));
	e->at = e->last = p->at;
	e->from = p->src;
	e->to = p->dst;
	e->family = p->src.family;
	e->type = p->icmp_type;
	e->code = p->icmp_code;
	e->mtu = p->icmp_mtu;
	e->frag_needed = p->icmp_frag_needed;
	e->quoted_from = (struct endpoint){ p->quoted_src, p->quoted_sport };
	e->quoted_to = (struct endpoint){ p->quoted_dst, p->quoted_dport };
	e->quoted_proto = p->quoted_proto;
	e->quoted_len = p->icmp_frag_needed ? refused_len(l, p, dir) : p->quoted_len;
	e->quoted_seq = p->quoted_seq;
	e->quote_cut = p->quote_cut;
	e->ports_differ = differ;
	e->dir = dir;
	e->for_syn = p->quote_syn_known
	    ? p->quote_syn
	    : !p->quote_cut && dir == 0 && l->side[0].isn_known && p->quoted_seq == l->side[0].base;
	e->ttl = p->ttl;
	e->largest_sent = largest_sent(l, dir);
}

bool
ledger_icmp(struct ledger *l, const struct packet *in)
{
	struct packet p = *in;
	struct icmp_note *n;
	bool differ = false, by_cut = false;
	int dir = -1;

	if (!p.icmp_error)
		return false;
	if (p.at.ns < l->now)
		p.at.ns = l->now;
	if (!(p.quote_cut && p.quoted_sport == 0))
		dir = icmp_direction(l, &p, &differ);
	if (dir < 0 && p.quote_cut && p.icmp_frag_needed) {
		dir = icmp_cut_direction(l, &p);
		by_cut = true;
	}
	if (dir < 0 || (!by_cut && !icmp_seq_fits(l, dir, &p)))
		return false;
	n = icmp_find(l, &p, dir);
	if (n != NULL) {
		n->e.repeats++;
		n->e.last = p.at;
		return true;
	}
	if (l->icmp == NULL)
		l->icmp = calloc(l->limits.icmp > 0 ? l->limits.icmp : 1, sizeof(*l->icmp));
	if (l->icmp == NULL || l->icmp_count == l->limits.icmp) {
		l->caps.icmp_dropped++;
		return true;
	}
	n = &l->icmp[l->icmp_count++];
	icmp_fill(l, &p, dir, differ, n);
	n->by_cut_quote = by_cut;
	if (by_cut && n->e.quoted_len == 0)
		n->e.quoted_len = 65535; /* not told: any */
	if (n->e.for_syn && dir == 0 && !n->e.frag_needed && l->unreachable.frame == 0)
		l->unreachable = p.at;
	return true;
}
