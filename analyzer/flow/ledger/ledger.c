/*
 * ledger.c - the full ledger of a flow: taking packets and ICMP errors,
 * folding the window, reporting.  See ledger_impl.h for the plan.
 */
#include "flow/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROOM_FIRST = 16,
	ROOM_CALM = 64,
	ROOM_FOLD = 256,
	ROOM_STANDS = 1024,
	ROOM_LEAST = 64,
	CALM_KEPT = 16
};

#define STANDS (60 * SECOND)
static const int64_t disorder_late = 1000000000;

const struct ledger_limits ledger_limits_default = { .segments = 8192, .stalls = 8, .icmp = 16 };

struct ledger *
ledger_new(const struct endpoint *client, const struct endpoint *server,
    const struct ledger_limits *limits)
{
	struct ledger *l = malloc(sizeof(*l));

	if (l == NULL)
		return NULL;
	memset(l, 0, offsetof(struct ledger, side));
	l->end[0] = *client;
	l->end[1] = *server;
	l->limits = limits != NULL ? *limits : ledger_limits_default;
	if (l->limits.segments < ROOM_LEAST)
		l->limits.segments = ROOM_LEAST;
	l->now = INT64_MIN;
	for (int d = 0; d < 2; d++) {
		memset(&l->side[d], 0, offsetof(struct side, passing.v));
		sums_init(&l->side[d].sums);
		l->side[d].wscale = 255;
		l->side[d].window_zero_last = INT64_MIN;
		l->side[d].tainted = INT64_MIN;
	}
	return l;
}

/*
 * The room goes from `was' segments to `is'.  Short windows are free: whoever floods many flows
 * shares a bound.
 */
static bool
pool_room(struct ledger_pool *p, uint32_t was, uint32_t is)
{
	was = was > ROOM_CALM ? was : 0;
	is = is > ROOM_CALM ? is : 0;
	if (p == NULL)
		return true;
	if (is > was && p->segments - was + is > p->most)
		return false;
	p->segments = p->segments - was + is;
	return true;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	for (int d = 0; d < 2; d++) {
		if (l->side[d].lists != NULL)
			free(l->side[d].lists->holes);
		free(l->side[d].lists);
		free(l->side[d].stalls);
		free(l->side[d].sums.sizes);
	}
	pool_room(l->limits.pool, l->room, 0);
	free(l->segs);
	free(l->sacks);
	free(l->icmp);
	free(l);
}

uint64_t
ledger_bytes(const struct ledger *l)
{
	uint64_t n = sizeof(*l) + (uint64_t)l->room * sizeof(*l->segs) +
	    (uint64_t)l->sack_room * sizeof(*l->sacks);

	for (int d = 0; d < 2; d++) {
		if (l->side[d].lists != NULL)
			n += sizeof(*l->side[d].lists) +
			    l->side[d].lists->hole_room * sizeof(struct hole);
		if (l->side[d].stalls != NULL)
			n += (uint64_t)l->limits.stalls * sizeof(struct record_stall);
		if (l->side[d].sums.sizes != NULL)
			n += l->side[d].sums.size_room * sizeof(struct size_note);
	}
	return n + (l->icmp != NULL ? (uint64_t)l->limits.icmp * sizeof(*l->icmp) : 0);
}

void
ledger_fetch(const struct ledger *l)
{
	cache_fetch(l, 0, offsetof(struct ledger, disordered));
	for (int d = 0; d < 2; d++)
		cache_fetch(&l->side[d], offsetof(struct side, based),
		    offsetof(struct side, passing.count));
}

void
ledger_fetch_window(const struct ledger *l)
{
	if (l->segs != NULL)
		cache_fetch(&l->segs[l->count], 0, sizeof(l->segs[0]));
}

struct ledger_caps
ledger_caps(const struct ledger *l)
{
	struct ledger_caps caps = l->caps;

	for (int d = 0; d < 2; d++) {
		caps.memory += l->side[d].lists_missed;
		caps.holes_dropped += l->side[d].holes_dropped;
	}
	return caps;
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
	if (delay[0] <= RECORD_RTT_MOST / 2 && delay[1] <= RECORD_RTT_MOST / 2 &&
	    (!*known || delay[0] + delay[1] < rtt)) {
		rtt = delay[0] + delay[1];
		*known = true;
	}
	return rtt;
}

/* ---- folding ---------------------------------------------------------------------- */

/*
 * The first segment that must stay: undelivered, or recent.  After losses the
 * last quarter stays, because a D-SACK may still refute one of them.
 */
static uint32_t
fold_until(const struct ledger *l, const struct readings *r)
{
	bool lost =
	    reading_has_losses(&r->dir[0], l->count) || reading_has_losses(&r->dir[1], l->count);
	uint32_t until = lost ? l->count / 4 * 3 : l->count / 16 * 15;

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
fold_stalls(struct ledger *l, const struct reading *r, uint32_t until)
{
	struct side *s = &l->side[r->dir];
	struct stall_list list;

	if (s->stalls == NULL)
		s->stalls = calloc(l->limits.stalls > 0 ? l->limits.stalls : 1, sizeof(*s->stalls));
	if (s->stalls == NULL) {
		l->caps.memory++;
		return;
	}
	list = (struct stall_list){ s->stall_count, l->limits.stalls, s->stalls, 0 };
	stalls_find(l, r, &s->sums, until, l->now, &list);
	s->stall_count = list.count;
	l->caps.stalls_dropped += list.dropped;
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

/*
 * What may go of a window in which nothing happened: what is to come is held
 * against a few segments, and against an old ACK of each end when it is a reset.
 */
static uint32_t
calm_until(const struct ledger *l)
{
	uint32_t until = l->count > CALM_KEPT ? l->count - CALM_KEPT : 0;
	int64_t old = l->now - reset_age(l);

	for (int d = 0; d < 2; d++)
		while (until > 0 && !(seg_is_ack(&l->segs[until], d) && l->segs[until].ns <= old))
			until--;
	return until;
}

/* Whatever the round trip turns out to be, these proofs will be clean. */
static bool
readings_calm(const struct readings *r)
{
	return r->dir[0].plain && r->dir[1].plain && !r->dir[0].late && !r->dir[1].late;
}

/* At most `most' segments leave, none if `calm' and something happened.  Returns how many did. */
static uint32_t
window_fold(struct ledger *l, uint32_t most, bool calm)
{
	struct readings r;
	uint32_t until;

	if (!sums_room(&l->side[0].sums) || !sums_room(&l->side[1].sums) ||
	    !readings_take(l, l->now, &r)) {
		l->caps.memory++;
		return 0;
	}
	until = calm && !readings_calm(&r) ? 0 : fold_until(l, &r);
	if (until > most)
		until = most;
	for (int d = 0; d < 2 && until > 0; d++) {
		reading_account(l, &r.dir[d], until, &l->side[d].sums);
		if (reading_has_losses(&r.dir[d], until))
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
	if (room <= l->room || !pool_room(l->limits.pool, l->room, room))
		return false;
	segs = realloc(l->segs, room * sizeof(*segs));
	if (segs == NULL) {
		pool_room(l->limits.pool, room, l->room);
		l->caps.memory++;
		return false;
	}
	l->segs = segs;
	l->room = room;
	return true;
}

/*
 * While nothing happens a window need not be long: what was delivered is folded while it is at
 * hand.
 */
static bool
window_fold_calm(struct ledger *l)
{
	uint32_t most;

	if (l->room < ROOM_CALM || l->icmp_count > 0)
		return false;
	most = calm_until(l);
	return most >= l->room / 2 && window_fold(l, most, true) >= l->room / 2;
}

/*
 * Something has been open for so long while so much went on that it is no
 * stall of TCP, which sends little but the same again: a capture that is sent
 * round and round, or an ACK that the capture lacks.  Of one side only nothing
 * is ever delivered, and its window is let grow.
 */
static bool
window_stands(const struct ledger *l)
{
	return l->room >= ROOM_STANDS && l->side[0].packets > 0 && l->side[1].packets > 0 &&
	    l->now - l->segs[0].ns > STANDS;
}

static bool
window_room(struct ledger *l)
{
	uint32_t freed;

	if (l->count < l->room)
		return true;
	if (l->room < ROOM_FOLD && (window_fold_calm(l) || window_grow(l)))
		return true;
	if (l->room == 0)
		return false;
	freed = window_fold(l, l->count, false);
	if (freed >= l->room / 4 || (!window_stands(l) && window_grow(l)))
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
	if (sacks == NULL) {
		l->caps.memory++;
		return false;
	}
	l->sacks = sacks;
	l->sack_room = room;
	return true;
}

/* ---- packets ------------------------------------------------------------------------ */

static void
handshake_time(struct ledger *l, const struct moment *syn, const struct moment *synack,
    const struct moment *ack)
{
	int64_t whole = ack->ns - syn->ns, part = synack->ns - syn->ns;

	if (llabs(whole) > RECORD_RTT_MOST || llabs(part) > RECORD_RTT_MOST)
		return;
	l->handshake_ns = whole;
	l->vantage_num = part;
}

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
	if (b->syn.frame != 0 && b->synack.frame != 0 && b->handshake.frame != 0)
		handshake_time(l, &b->syn, &b->synack, &b->handshake);
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
		if (b->dir[d].proven > 0 && sums_room(&s->sums)) {
			struct size_note *n = sums_size(&s->sums, b->dir[d].proven);

			n->clean = true;
			n->clean_first = n->clean_last = b->dir[d].proven_at.ns;
			n->clean_frame = b->dir[d].proven_at.frame;
		}
	}
}

static void
handshake_syn(struct ledger *l, const struct packet *p)
{
	if (l->syn_count < RECORD_SYNS)
		l->syn[l->syn_count] = p->at;
	if (l->syn_count++ == 0 && l->synack_count > 0)
		l->disordered++;
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
	if (l->syn_last_before.frame != 0)
		handshake_time(l, &l->syn_last_before, &l->synack_last, &p->at);
}

static void
handshake_packet(struct ledger *l, const struct packet *p, int dir)
{
	bool syn = (p->flags & TCP_SYN) != 0, ack = (p->flags & TCP_ACK) != 0;

	if (l->handshake.frame != 0 && (p->flags & (TCP_SYN | TCP_RST)) == 0)
		return;
	if (dir == 0 && syn && !ack) {
		handshake_syn(l, p);
	} else if (dir == 1 && syn && ack && l->handshake.frame != 0 && p->seq != l->side[1].base) {
		return; /* another machine's, to what is answered and acknowledged */
	} else if (dir == 1 && syn && ack) {
		if (l->synack_count++ == 0) {
			l->synack_first = p->at;
			if (l->refused.frame != 0 && l->syn_last_before.ns > l->refused.ns)
				rst_forget(&l->side[1]);
		}
		l->synack_last = p->at;
	} else if (dir == 0 && !syn) {
		handshake_client(l, p);
	} else if (dir == 1 && (p->flags & TCP_RST) && l->synack_count == 0 && l->syn_count > 0 &&
	    l->refused.frame == 0 && l->side[1].packets == 0) {
		l->refused = p->at;
		l->refused_ack_ok = ack && l->side[0].based &&
		    p->ack == l->side[0].base + 1 + (uint32_t)(l->side[0].data_max - 1);
	}
}

/* How many blocks were kept; they begin at l->sacks[l->sack_count - n]. */
static unsigned int
sacks_keep(struct ledger *l, const struct packet *p)
{
	if (p->sack_count == 0 || p->sack_count > PACKET_SACKS || !sacks_room(l, p->sack_count))
		return 0;
	for (unsigned int i = 0; i < p->sack_count; i++)
		l->sacks[l->sack_count++] = (struct span32){ p->sack[i][0], p->sack[i][1] };
	return p->sack_count;
}

/* Only written: a record's memory is most often still on its way into the cache. */
static void
seg_put(struct ledger *l, const struct packet *p, int dir, struct seg_more more)
{
	uint32_t sack = l->sack_count;
	unsigned int sacks = sacks_keep(l, p), bits = more.bits | sacks << SEG_SACKS_SHIFT;

	if (dir == 1)
		bits |= SEG_S2C;
	if (p->df)
		bits |= SEG_DF;
	if (p->fragmented)
		bits |= SEG_FRAGMENTED;
	if (p->options_cut && p->sack_count == 0)
		bits |= SEG_OPTIONS_CUT;
	l->segs[l->count++] = (struct seg){
		.ns = p->at.ns,
		.frame = p->at.frame,
		.seq = p->seq,
		.ack = p->ack,
		.len = p->len,
		.w = packet_w(p),
		.hash = more.hash,
		.sack = sacks != 0 ? sack : 0,
		.ip_id = p->ip_id,
		.window = p->window,
		.ttl = p->ttl,
		.flags = (p->flags & SEG_FLAGS) | more.flags,
		.header = p->header_len,
		.bits = (uint8_t)bits,
	};
}

/*
 * Who spoke first is told by the order of the frames (0.7 O).  Where two queues
 * of a card mix them up, what was said to whom is a guess; a second late, and
 * silences are no silences.  Counted here, and in ledger_side.c where an
 * answer stands before what it acknowledges.
 */
static void
ledger_order(struct ledger *l, const struct packet *p, enum dissect_dir dir)
{
	int64_t ns = p->at.ns - p->late_ns;

	if (p->len == 0 && (p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) == 0)
		return;
	if (ns < l->spoke[dir == DIR_C2S] || p->late_ns >= disorder_late)
		l->disordered++;
	if (ns > l->spoke[dir])
		l->spoke[dir] = ns;
}

void
ledger_packet(struct ledger *l, const struct packet *p, enum dissect_dir dir)
{
	struct packet late;
	struct seg_more more;
	bool room;

	ledger_order(l, p, dir);
	if (p->late_ns > l->late_ns)
		l->late_ns = p->late_ns;
	if (p->at.ns < l->now) { /* 0.7 O: a time that goes back is the one before */
		late = *p;
		late.at.ns = l->now;
		p = &late;
	}
	l->now = p->at.ns;
	if (l->first.frame == 0)
		l->first = p->at;
	l->last = p->at;
	handshake_packet(l, p, dir);
	room = window_room(l);
	more = side_packet(l, p, dir);
	if (room)
		seg_put(l, p, dir, more);
	else
		l->caps.segments_dropped++;
}
