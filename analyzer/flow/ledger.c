/*
 * ledger.c - the full ledger of a flow: taking packets and ICMP errors,
 * folding the window, reporting.  See ledger_impl.h for the plan.
 */
#include "flow/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 32, ROOM_FOLD = 256, ROOM_LEAST = 64 };

const struct ledger_limits ledger_limits_default = { .segments = 8192, .stalls = 8, .icmp = 16 };

struct ledger *
ledger_new(const struct endpoint *client, const struct endpoint *server, const struct ledger_limits *limits)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->end[0] = *client;
	l->end[1] = *server;
	l->limits = limits != NULL ? *limits : ledger_limits_default;
	if (l->limits.segments < ROOM_LEAST)
		l->limits.segments = ROOM_LEAST;
	l->now = INT64_MIN;
	for (int d = 0; d < 2; d++) {
		sums_init(&l->side[d].sums);
		l->side[d].wscale = 255;
		l->side[d].window_zero_last = INT64_MIN;
		l->side[d].tainted = INT64_MIN;
	}
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	for (int d = 0; d < 2; d++)
		free(l->side[d].stalls);
	free(l->segs);
	free(l->sacks);
	free(l->icmp);
	free(l);
}

uint64_t
ledger_bytes(const struct ledger *l)
{
	uint64_t n = sizeof(*l) + (uint64_t)l->room * sizeof(*l->segs) + (uint64_t)l->sack_room * sizeof(*l->sacks);

	for (int d = 0; d < 2; d++)
		if (l->side[d].stalls != NULL)
			n += (uint64_t)l->limits.stalls * sizeof(struct record_stall);
	return n + (l->icmp != NULL ? (uint64_t)l->limits.icmp * sizeof(*l->icmp) : 0);
}

struct ledger_caps
ledger_caps(const struct ledger *l)
{
	return l->caps;
}

uint32_t
side_ceiling(const struct ledger *l, int dir)
{
	uint32_t mss = l->side[!dir].mss;

	return mss == 0 ? 0 : mss + (l->end[0].ip.family == 6 ? 60 : 40);
}

/* S15. */
int64_t
ledger_rtt(const struct ledger *l, const int64_t delay[2], bool *known)
{
	int64_t rtt = SECOND;

	*known = false;
	if (l->handshake_ns > 0 && l->syn_count == 1 && l->synack_count == 1) {
		rtt = l->handshake_ns;
		*known = true;
	}
	if (delay[0] != INT64_MAX && delay[1] != INT64_MAX && (!*known || delay[0] + delay[1] < rtt)) {
		rtt = delay[0] + delay[1];
		*known = true;
	}
	return rtt;
}

/* ---- folding ---------------------------------------------------------------------- */

struct readings {
	struct reading	dir[2];
	int64_t		rtt;
	bool		rtt_known;
};

static bool
readings_take(const struct ledger *l, int64_t t_end, struct readings *r)
{
	int64_t delay[2];

	if (!reading_take(l, 0, &r->dir[0]))
		return false;
	if (!reading_take(l, 1, &r->dir[1])) {
		reading_free(&r->dir[0]);
		return false;
	}
	for (int d = 0; d < 2; d++) {
		delay[d] = r->dir[d].delay;
		if (l->side[d].sums.ack_delay < delay[d])
			delay[d] = l->side[d].sums.ack_delay;
	}
	r->rtt = ledger_rtt(l, delay, &r->rtt_known);
	for (int d = 0; d < 2; d++) {
		r->dir[d].rtt = r->rtt;
		reading_judge_losses(l, &r->dir[d], t_end);
	}
	return true;
}

static void
readings_free(struct readings *r)
{
	reading_free(&r->dir[0]);
	reading_free(&r->dir[1]);
}

/* The first segment that must stay: undelivered, or recent. */
static uint32_t
fold_until(const struct ledger *l, const struct readings *r)
{
	uint32_t until = l->count / 4 * 3;

	for (int d = 0; d < 2; d++)
		for (uint32_t i = 0; i < r->dir[d].tx_count && r->dir[d].tx[i].seg < until; i++)
			if (!r->dir[d].tx[i].delivered)
				until = r->dir[d].tx[i].seg;
	return until;
}

static void
fold_floor(struct ledger *l, const struct reading *r, uint32_t until)
{
	struct side *s = &l->side[r->dir];
	int64_t floor = s->floor, open = INT64_MAX;

	for (uint32_t i = 0; i < r->tx_count; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];
		int64_t rel = side_rel(s, g->seq);

		if (x->seg < until && rel + g->len > floor)
			floor = rel + g->len;
		else if (x->seg >= until && !x->again && rel < open)
			open = rel;
	}
	s->floor = floor < open ? floor : open;
}

static void
icmp_account(const struct ledger *l, const struct reading *r, uint32_t until, struct record_icmp_error *e)
{
	int64_t grace = r->rtt > 200 * MS && r->rtt < SECOND ? r->rtt : 200 * MS;

	for (uint32_t i = 0; i < r->tx_count && r->tx[i].seg < until; i++) {
		const struct tx *x = &r->tx[i];
		const struct seg *g = &l->segs[x->seg];

		if (g->ns <= e->at.ns)
			continue;
		e->sent_after++;
		if (x->super || g->w <= e->mtu || g->ns <= e->at.ns + grace)
			continue;
		if (e->sent_after_above < 4)
			e->above_frames[e->sent_after_above] = seg_moment(g);
		e->sent_after_above++;
		e->sent_after_above_lost += x->lost || !x->delivered;
	}
}

static void
fold_stalls(struct ledger *l, const struct reading *r, uint32_t until)
{
	struct side *s = &l->side[r->dir];
	struct stall_list list;

	if (s->stalls == NULL)
		s->stalls = calloc(l->limits.stalls > 0 ? l->limits.stalls : 1, sizeof(*s->stalls));
	if (s->stalls == NULL)
		return;
	list = (struct stall_list){ s->stall_count, l->limits.stalls, s->stalls, 0 };
	stalls_find(l, r, &s->sums, until, l->now, &list);
	s->stall_count = list.count;
	l->caps.stalls_dropped += list.dropped;
}

static bool
fold_has_losses(const struct reading *r, uint32_t until)
{
	for (uint32_t i = 0; i < r->tx_count && r->tx[i].seg < until; i++)
		if (r->tx[i].lost)
			return true;
	return false;
}

/* Takes n segments out of the window, and their SACK blocks. */
static void
window_cut(struct ledger *l, uint32_t from, uint32_t n)
{
	uint32_t kept = 0;

	memmove(l->segs + from, l->segs + from + n, (l->count - from - n) * sizeof(l->segs[0]));
	l->count -= n;
	for (uint32_t i = 0; i < l->count && l->sack_count > 0; i++) {
		struct seg *g = &l->segs[i];
		uint32_t blocks = seg_sacks(g);

		if (blocks == 0)
			continue;
		memmove(l->sacks + kept, l->sacks + g->sack, blocks * sizeof(l->sacks[0]));
		g->sack = kept;
		kept += blocks;
	}
	l->sack_count = kept;
}

/* Returns the number of segments that left. */
static uint32_t
window_fold(struct ledger *l)
{
	struct readings r;
	uint32_t until;

	if (!readings_take(l, l->now, &r))
		return 0;
	until = fold_until(l, &r);
	for (int d = 0; d < 2 && until > 0; d++) {
		reading_account(l, &r.dir[d], until, &l->side[d].sums);
		if (fold_has_losses(&r.dir[d], until))
			fold_stalls(l, &r.dir[d], until);
		for (uint32_t i = 0; i < l->icmp_count; i++)
			if (l->icmp[i].e.dir == d)
				icmp_account(l, &r.dir[d], until, &l->icmp[i].e);
	}
	for (int d = 0; d < 2 && until > 0; d++)
		fold_floor(l, &r.dir[d], until);
	readings_free(&r);
	if (until > 0)
		window_cut(l, 0, until);
	return until;
}

/* Everything is open: the middle goes, and what it covered proves nothing more. */
static void
window_drop(struct ledger *l)
{
	uint32_t n = l->count / 4;

	for (int d = 0; d < 2; d++)
		l->side[d].tainted = l->side[d].max;
	window_cut(l, l->count / 4, n);
	l->caps.segments_dropped += n;
}

static bool
window_grow(struct ledger *l)
{
	uint32_t room = l->room == 0 ? ROOM_FIRST : l->room * 2;
	struct seg *segs;

	if (room > l->limits.segments)
		room = l->limits.segments;
	if (room <= l->room)
		return false;
	segs = realloc(l->segs, room * sizeof(*segs));
	if (segs == NULL)
		return false;
	l->segs = segs;
	l->room = room;
	return true;
}

static bool
window_room(struct ledger *l)
{
	uint32_t freed;

	if (l->count < l->room)
		return true;
	if (l->room < ROOM_FOLD && window_grow(l))
		return true;
	if (l->room == 0)
		return false;
	freed = window_fold(l);
	if (freed >= l->room / 4 || window_grow(l))
		return true;
	if (freed < l->room / 8)
		window_drop(l);
	return l->count < l->room;
}

static bool
sacks_room(struct ledger *l, uint32_t n)
{
	uint32_t room = l->sack_room == 0 ? ROOM_FIRST : l->sack_room * 2;
	struct span32 *sacks;

	if (l->sack_count + n <= l->sack_room)
		return true;
	if (room > l->limits.segments * PACKET_SACKS)
		return false;
	sacks = realloc(l->sacks, room * sizeof(*sacks));
	if (sacks == NULL)
		return false;
	l->sacks = sacks;
	l->sack_room = room;
	return true;
}

/* ---- packets ------------------------------------------------------------------------ */

void
ledger_begin(struct ledger *l, const struct ledger_before *b)
{
	l->first = b->first;
	l->syn[0] = b->syn;
	l->syn_last_before = b->syn;
	l->syn_count = b->syn_count;
	l->synack_first = l->synack_last = b->synack;
	l->synack_count = b->synack_count;
	l->handshake = b->handshake;
	if (b->syn.frame != 0 && b->synack.frame != 0 && b->handshake.frame != 0) {
		l->handshake_ns = b->handshake.ns - b->syn.ns;
		l->vantage_num = b->synack.ns - b->syn.ns;
	}
	for (int d = 0; d < 2; d++) {
		struct side *s = &l->side[d];

		s->mss = b->dir[d].mss;
		s->wscale = b->dir[d].wscale;
		s->sack_ok = b->dir[d].sack_ok;
		s->timestamps = b->dir[d].timestamps;
		s->packets = b->dir[d].packets;
		if (b->dir[d].isn_known) {
			s->based = s->isn_known = true;
			s->base = b->dir[d].isn;
			s->low = s->max = s->data_max = s->acked = s->floor = 1;
		}
		if (b->dir[d].proven > 0) {
			struct size_note *n = sums_size(&s->sums, b->dir[d].proven);

			n->clean = true;
			n->clean_first = n->clean_last = n->clean_frame_ns = b->dir[d].proven_at.ns;
			n->clean_frame = b->dir[d].proven_at.frame;
		}
	}
}

static void
handshake_syn(struct ledger *l, const struct packet *p)
{
	if (l->syn_count < RECORD_SYNS)
		l->syn[l->syn_count] = p->at;
	l->syn_count++;
	if (l->synack_count == 0)
		l->syn_last_before = p->at;
}

static void
handshake_client(struct ledger *l, const struct packet *p)
{
	if (l->synack_count == 0 || l->handshake.frame != 0)
		return;
	if (p->flags & TCP_RST) {
		l->client_reset_synack = true;
		return;
	}
	l->handshake = p->at;
	if (l->syn_last_before.frame == 0)
		return;
	l->handshake_ns = p->at.ns - l->syn_last_before.ns;
	l->vantage_num = l->synack_last.ns - l->syn_last_before.ns;
}

static void
handshake_packet(struct ledger *l, const struct packet *p, int dir)
{
	bool syn = (p->flags & TCP_SYN) != 0, ack = (p->flags & TCP_ACK) != 0;

	if (dir == 0 && syn && !ack) {
		handshake_syn(l, p);
	} else if (dir == 1 && syn && ack) {
		if (l->synack_count++ == 0)
			l->synack_first = p->at;
		l->synack_last = p->at;
	} else if (dir == 0 && !syn) {
		handshake_client(l, p);
	} else if (dir == 1 && (p->flags & TCP_RST) && l->synack_count == 0 && l->syn_count > 0
	    && l->refused.frame == 0 && l->side[1].packets == 0) {
		l->refused = p->at;
		l->refused_ack_ok = ack && l->side[0].based && p->ack == l->side[0].base + 1 + (uint32_t)(l->side[0].data_max - 1);
	}
}

static void
seg_fill(struct ledger *l, const struct packet *p, int dir, struct seg *g)
{
	memset(g, 0, sizeof(*g));
	g->ns = p->at.ns;
	g->frame = p->at.frame;
	g->seq = p->seq;
	g->ack = p->ack;
	g->len = p->len;
	g->w = p->fragmented && p->w_fragment > 0 ? p->w_fragment : p->w;	/* S20 */
	g->ip_id = p->ip_id;
	g->window = p->window;
	g->ttl = p->ttl;
	g->flags = p->flags & SEG_FLAGS;
	g->header = p->header_len;
	g->bits = (uint8_t)((dir == 1 ? SEG_S2C : 0) | (p->df ? SEG_DF : 0) | (p->fragmented ? SEG_FRAGMENTED : 0)
	    | (p->options_cut && p->sack_count == 0 ? SEG_OPTIONS_CUT : 0));
	if (p->sack_count == 0 || p->sack_count > PACKET_SACKS || !sacks_room(l, p->sack_count))
		return;
	g->sack = l->sack_count;
	g->bits |= (uint8_t)(p->sack_count << SEG_SACKS_SHIFT);
	for (unsigned int i = 0; i < p->sack_count; i++)
		l->sacks[l->sack_count++] = (struct span32){ p->sack[i][0], p->sack[i][1] };
}

void
ledger_packet(struct ledger *l, const struct packet *in, enum dissect_dir dir)
{
	struct packet p = *in;
	struct seg g;
	bool room;

	if (p.at.ns < l->now)
		p.at.ns = l->now;	/* 0.7 O: a time that goes back is the one before */
	l->now = p.at.ns;
	if (l->first.frame == 0)
		l->first = p.at;
	l->last = p.at;
	handshake_packet(l, &p, dir);
	room = window_room(l);
	seg_fill(l, &p, dir, &g);
	g.bits |= side_packet(l, &p, dir, &g);
	if (room)
		l->segs[l->count++] = g;
	else
		l->caps.segments_dropped++;
}

/* ---- ICMP ------------------------------------------------------------------------------ */

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
			if (pass == 1 && ((from && p->quoted_dport == b->port) || (to && p->quoted_sport == a->port)))
				return d;
		}
	return -1;
}

/* S19: addressed to a host that sent more than the told MTU a moment before. */
static int
icmp_cut_direction(const struct ledger *l, const struct packet *p)
{
	for (uint32_t i = l->count; i-- > 0 && l->segs[i].ns >= p->at.ns - SECOND; ) {
		const struct seg *g = &l->segs[i];

		if (p->icmp_mtu != 0 && g->len > 0 && g->w > p->icmp_mtu && same_addr(&p->dst, &l->end[seg_s2c(g)].ip))
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

		if (e->dir == dir && e->type == p->icmp_type && e->code == p->icmp_code && e->mtu == p->icmp_mtu
		    && same_addr(&e->from, &p->src))
			return &l->icmp[i];
	}
	return NULL;
}

static uint32_t
largest_sent(const struct ledger *l, int dir)
{
	uint32_t w = 0;

	for (uint32_t i = 0; i < l->count; i++)
		if (seg_s2c(&l->segs[i]) == (dir == 1) && seg_is_data(&l->segs[i]) && l->segs[i].w > w)
			w = l->segs[i].w;
	return w > l->side[dir].w_seen ? w : l->side[dir].w_seen;
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
	e->quoted_len = p->quoted_len;
	e->quoted_seq = p->quoted_seq;
	e->quote_cut = p->quote_cut;
	e->ports_differ = differ;
	e->dir = dir;
	e->for_syn = p->quote_syn_known ? p->quote_syn
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
		n->e.quoted_len = 65535;	/* not told: any */
	if (n->e.for_syn && dir == 0 && !n->e.frag_needed && l->unreachable.frame == 0)
		l->unreachable = p.at;
	return true;
}

/* ---- the report -------------------------------------------------------------------------- */

static enum conn_state
report_state(const struct ledger *l)
{
	if (l->syn_count == 0 && l->synack_count == 0)
		return CONN_MIDSTREAM;
	if (l->handshake.frame != 0 || l->side[0].data_segments > 0 || (l->synack_count == 0 && l->side[1].data_segments > 0))
		return CONN_ESTABLISHED;
	if (l->synack_count > 0)
		return CONN_HALF_OPEN;
	if (l->refused.frame != 0)
		return CONN_REFUSED;
	return l->unreachable.frame != 0 ? CONN_UNREACHABLE : CONN_UNANSWERED;
}

static void
report_connection(const struct ledger *l, const struct readings *r, int64_t t_end, bool open, struct record_connection *out)
{
	out->client = l->end[0];
	out->server = l->end[1];
	out->state = report_state(l);
	out->first = l->first;
	out->last = l->last;
	out->t_end = t_end;
	out->open = open;
	out->syn_count = l->syn_count;
	out->synack_count = l->synack_count;
	memcpy(out->syn, l->syn, sizeof(out->syn));
	out->synack_first = l->synack_first;
	out->synack_last = l->synack_last;
	out->handshake = l->handshake;
	out->refused = l->refused;
	out->refused_ack_ok = l->refused_ack_ok;
	out->client_reset_synack = l->client_reset_synack;
	out->unreachable = l->unreachable;
	out->rtt_ns = r->rtt;
	out->rtt_known = r->rtt_known;
	out->vantage = -1;
	if (l->handshake_ns >= MS && l->syn_count == 1 && l->synack_count == 1)
		out->vantage = (int32_t)(l->vantage_num * 1000 / l->handshake_ns);
	memset(out->dir, 0, sizeof(out->dir));
	for (int d = 0; d < 2; d++)
		side_report(l, d, t_end, r->rtt, &out->dir[d]);
}

static void
report_sizes(const struct totals *t, struct record_direction *o)
{
	o->all_lost_above_proven = false;
	for (uint32_t i = 0; i < t->size_count; i++)
		if (t->sizes[i].lost > 0)
			o->all_lost_above_proven = true;
	for (uint32_t i = 0; i < t->size_count; i++) {
		const struct size_note *n = &t->sizes[i];
		struct size_class *c;

		if (n->lost > 0 && n->w <= o->proven)
			o->all_lost_above_proven = false;
		if (n->ok + n->lost == 0)
			continue;
		if (o->size_count < RECORD_SIZES)
			o->sizes[o->size_count++].w = n->w;
		c = &o->sizes[o->size_count - 1];
		if (c->w != n->w && i + 1 == t->size_count)
			c->w = n->w;	/* the largest keeps its name */
		c->ok += n->ok;
		c->lost += n->lost;
	}
}

static void
report_totals(const struct ledger *l, int d, const struct totals *t, struct record_direction *o)
{
	o->w_max = l->side[d].w_seen;
	o->proven = sums_proven(t, INT64_MIN, 0, &o->proven_at);
	o->small_ok_first = t->small_ok_first;
	o->small_ok_last = t->small_ok_last;
	o->super_segments = t->super_segments;
	o->super_bytes = t->super_bytes;
	report_sizes(t, o);
	o->retransmissions = t->retransmissions;
	o->hole_fills = t->hole_fills;
	o->repair_ranges = t->ranges;
	o->repair_w_max = t->repair_w_max;
	o->repair_w_max_count = t->repair_w_max_count;
	o->repair_sizes = t->repair_size_count;
	o->larger_after_repair = t->w_after_repair > t->repair_w_max;
	o->repair_first = t->repair_first;
	o->repair_last = t->repair_last;
}

static int
stall_order(const void *a, const void *b)
{
	const struct record_stall *x = a, *y = b;

	if (x->first.ns != y->first.ns)
		return x->first.ns < y->first.ns ? -1 : 1;
	return x->head < y->head ? -1 : x->head > y->head;
}

static uint32_t
report_stalls(const struct ledger *l, const struct reading *r, const struct totals *t, int64_t t_end,
    const struct record_key *key, uint32_t n, const struct record_sink *sink)
{
	const struct side *s = &l->side[r->dir];
	struct stall_list list = { 0, 2 * l->limits.stalls, NULL, 0 };
	struct record out;

	if (s->stall_count == 0 && !fold_has_losses(r, l->count))
		return n;
	list.at = calloc(list.room > 0 ? list.room : 1, sizeof(*list.at));
	if (list.at == NULL)
		return n;
	for (uint32_t i = 0; i < s->stall_count; i++)
		stalls_add(&list, &s->stalls[i]);
	stalls_find(l, r, t, l->count, t_end, &list);
	qsort(list.at, list.count, sizeof(*list.at), stall_order);
	for (uint32_t i = 0; i < list.count; i++) {
		memset(&out, 0, sizeof(out));
		out.type = RECORD_STALL;
		out.stall = list.at[i];
		stall_complete(l, r->dir, t, &out.stall);
		stall_icmp(l, r->dir, &out.stall, r);
		out.stall.key = (struct record_key){ .point = key->point, .conn = key->conn, .n = n++, .m = (uint32_t)r->dir };
		sink->take(sink->ctx, &out);
	}
	free(list.at);
	return n;
}

static void
report_icmp(const struct ledger *l, const struct readings *r, const struct record_key *key, const struct record_sink *sink)
{
	struct record out;

	for (uint32_t i = 0; i < l->icmp_count; i++) {
		memset(&out, 0, sizeof(out));
		out.type = RECORD_ICMP_ERROR;
		out.icmp_error = l->icmp[i].e;
		out.icmp_error.key = (struct record_key){ .point = key->point, .conn = key->conn, .n = i };
		if (out.icmp_error.frag_needed)
			icmp_account(l, &r->dir[out.icmp_error.dir == 1], l->count, &out.icmp_error);
		sink->take(sink->ctx, &out);
	}
}

void
ledger_report(struct ledger *l, int64_t t_end, bool open, struct record_connection *out, const struct record_sink *sink)
{
	struct readings r;
	struct totals *t;
	uint32_t n = 0;

	if (t_end < l->now)
		t_end = l->now;
	t = malloc(2 * sizeof(*t));
	if (t == NULL)
		return;
	if (!readings_take(l, t_end, &r)) {
		free(t);
		return;
	}
	report_connection(l, &r, t_end, open, out);
	for (int d = 0; d < 2; d++) {
		t[d] = l->side[d].sums;
		reading_account(l, &r.dir[d], l->count, &t[d]);
		report_totals(l, d, &t[d], &out->dir[d]);
	}
	if (sink != NULL) {
		for (int d = 0; d < 2; d++)
			n = report_stalls(l, &r.dir[d], &t[d], t_end, &out->key, n, sink);
		report_icmp(l, &r, &out->key, sink);
	}
	readings_free(&r);
	free(t);
}
