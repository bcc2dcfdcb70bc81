/*
 * ledger_side.c - what can be said of a packet at once: sequence space, holes.
 * O(1) a packet.
 */
#include "flow/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	FLOOR_UNKNOWN = 1 << 30, /* as far as a sequence number is near */
};

static const int64_t in_flight =
    SECOND; /* who hears nothing for so long sends again (RFC 6298 2.1) */

/* ---- sequence space -------------------------------------------------------- */

static void
side_base(struct side *s, uint32_t seq, bool isn, int64_t ns)
{
	s->based = true;
	s->began_ns = ns;
	s->isn_known = isn;
	s->midstream = !isn;
	s->base = isn ? seq : seq - 1;
	s->low = s->max = s->data_max = s->acked = s->floor = 1;
	if (!isn) /* what lies below may be sent again and again, too */
		s->floor -= FLOOR_UNKNOWN;
}

bool
side_lists(struct side *s)
{
	if (s->lists == NULL && (s->lists = calloc(1, sizeof(*s->lists))) == NULL)
		s->lists_missed++;
	return s->lists != NULL;
}

/*
 * What lies between the highest byte seen and `to' was sent, and is not here (yet); `by', if it is
 * not NULL, overtook it.
 */
static void
side_skip(struct side *s, int64_t to, int64_t ns, const struct packet *by, bool by_data)
{
	struct hole h = { .lo = s->max,
		.hi = to,
		.ns = ns,
		.by_data = by_data,
		.before = s->midstream && ns - s->began_ns <= in_flight };

	if (to <= s->max)
		return;
	if (by != NULL) {
		h.id = by->ip_id;
		h.val = by->tsval;
	}
	hole_insert(s, s->hole_count, h);
	s->max = to;
}

/* ---- data ------------------------------------------------------------------------ */

/*
 * S13: late enough, or numbered late enough, to be sent again and not just overtaken.  Without
 * numbers: what is sent again because another arrived is a round trip younger than that one, by its
 * sender's clock, too.
 */
static bool
fill_is_repair(const struct ledger *l, struct side *s, const struct packet *p, const struct hole *h,
    uint16_t newest_id)
{
	int64_t rtt = l->handshake_ns > 0 ? l->handshake_ns : SECOND, wait = rtt * 8 / 10;
	bool late = p->at.ns - h->ns > (wait > 3 * MS ? wait : 3 * MS);

	if (!h->by_data)
		return false;
	if (p->src.family == 4 && p->ip_id != 0 && newest_id != 0)
		return (uint16_t)(p->ip_id - newest_id) < 0x8000;
	if (p->has_ts && h->val != 0)
		return late && (int32_t)(p->tsval - h->val) > 0;
	*(late ? &s->fills_timed : &s->overtaken) += 1;
	return late;
}

static uint32_t
payload_sample(const struct packet *p)
{
	uint64_t a = 0, b = 0, c = 0;

	if (p->payload == NULL || p->caplen < p->len || p->len < 2)
		return 0;
	if (p->len < 8) {
		memcpy(&a, p->payload, p->len);
	} else {
		memcpy(&a, p->payload, 8);
		memcpy(&b, p->payload + p->len / 2 - 4, 8);
		memcpy(&c, p->payload + p->len - 8, 8);
	}
	a = (a ^ (b * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;
	a ^= (a >> 32) ^ c * 0xc4ceb9fe1a85ec53ULL;
	a ^= a >> 29;
	return (uint32_t)(a >> 32) | 1;
}

/* The same bytes, seen before with other content? */
static void
copies_compare(
    const struct ledger *l, struct side *s, int dir, const struct packet *p, uint32_t hash)
{
	uint32_t n = l->count < 256 ? l->count : 256;

	if (hash == 0)
		return;
	for (uint32_t i = l->count; i-- > l->count - n;) {
		const struct seg *o = &l->segs[i];

		if (seg_s2c(o) == (dir == 1) && o->seq == p->seq && o->len == p->len) {
			if (o->hash != 0 && o->hash != hash)
				s->conflict = true;
			return;
		}
	}
}

/*
 * What was lost goes out again in one segment of the size that the sender now believes in (RFC
 * 6298 5.4), smaller than before: it shrank.  A card that cuts for it then gets larger pieces than
 * go on the cable, though they look as one.
 */
static void
shrink_look(const struct ledger *l, struct side *s, const struct side *peer, int dir,
    const struct packet *p, int64_t rel)
{
	uint32_t largest = side_largest(l, dir), n = l->count < 256 ? l->count : 256;

	if (!s->offloads || rel != s->acked || rel + p->len >= s->max ||
	    p->at.ns - s->data_last.ns < REPEAT_LEAST)
		return;
	for (uint32_t i = l->count; i-- > l->count - n;) {
		const struct seg *o = &l->segs[i];

		if (seg_s2c(o) != (dir == 1) || o->seq != p->seq || o->len == 0 ||
		    seg_super(o, largest))
			continue;
		if (o->len > p->len && o->len <= (uint32_t)peer->window_last << peer->window_shift)
			s->cut_to = p->len;
		return;
	}
}

static void
header_count(struct side *s, uint8_t header)
{
	for (int i = 0; i < 4; i++)
		if (s->header[i] == header || s->header_count[i] == 0) {
			s->header[i] = header;
			s->header_count[i]++;
			return;
		}
}

/* The newest segment that overtook every hole still open. */
static void
holes_overtaken(struct side *s, const struct packet *p, int64_t end)
{
	for (uint32_t i = 0; i < s->hole_count; i++) {
		struct hole *h = &s->lists->holes[i];

		h->id = p->ip_id;
		if (h->by_data)
			continue;
		h->by_data = end > s->data_max && h->ns < p->at.ns && s->acked < h->hi;
		h->ns = p->at.ns;
		h->val = p->tsval;
	}
}

/* Returns SEG_FILL when the segment repairs a loss upstream. */
static uint8_t
side_data(struct ledger *l, int dir, const struct packet *p, int64_t rel, uint32_t hash)
{
	struct side *s = &l->side[dir];
	int64_t end = rel + p->len;
	struct hole in = { .lo = 0 };
	uint16_t newest = s->hole_count > 0 ? s->lists->holes[s->hole_count - 1].id : 0;
	bool repair = false, again = false;

	if (s->data_segments == 0 && s->midstream && rel < s->low)
		s->low = rel;
	if (p->at.ns - s->data_last.ns >= PAUSE_LEAST)
		pause_look(l, dir, p, rel);
	if (rel > s->max)
		side_skip(s, rel, p->at.ns, p, true);
	if (rel < s->max) {
		int64_t missing = holes_fill(s, rel, end < s->max ? end : s->max, &in);

		/*
		 * acknowledged before it was recorded: the two directions have queues or clocks of
		 * their own
		 */
		if (missing > 0 && !in.by_data && s->acked >= end)
			l->disordered++;
		if (missing > 0 && missing >= (end < s->max ? end : s->max) - rel)
			repair = fill_is_repair(l, s, p, &in, newest);
		else if (p->len > 1 && rel >= s->low) {
			again = missing == 0 && end <= s->max;
			copies_compare(l, s, dir, p, hash);
			shrink_look(l, s, &l->side[!dir], dir, p, rel);
			if (s->again_end == 0 && p->has_ts) {
				s->again_val = p->tsval;
				s->again_end = end;
			}
		}
	}
	if (again || s->deaf_on)
		deaf_look(s, &l->side[!dir], p, rel, again);
	if (s->midstream && rel < s->low)
		s->low = rel;
	if (end > s->max) {
		s->max = end;
		holes_overtaken(s, p, end);
	}
	if (end > s->data_max)
		s->data_max = end;
	if (s->data_segments++ == 0)
		s->data_first = p->at;
	s->cut_bytes += p->len - p->caplen;
	header_count(s, p->header_len);
	if (s->gap_was && p->w > s->filled.w_after)
		s->filled.w_after = p->w;
	s->data_last = p->at;
	s->data_last_end = end;
	s->ts_data = p->has_ts ? p->tsval : 0;
	s->data_last_cut = p->cut;
	s->after_data = (struct moment){ 0, 0 };
	return repair ? SEG_FILL : 0;
}

/* ---- TTLs ------------------------------------------------------------------------------- */

static void
ttl_note(struct side *s, uint8_t ttl)
{
	for (int i = 0; i < LEDGER_TTLS; i++)
		if (s->ttl[i] == ttl || s->ttl_count[i] == 0) {
			s->ttl[i] = ttl;
			s->ttl_count[i]++;
			return;
		}
}

uint8_t
side_ttl(const struct side *s)
{
	int best = 0;

	for (int i = 1; i < LEDGER_TTLS; i++)
		if (s->ttl_count[i] > s->ttl_count[best])
			best = i;
	return s->ttl_count[best] > 0 ? s->ttl[best] : 0;
}

/* ---- one packet ---------------------------------------------------------------------------- */

static void
syn_note(struct side *s, struct side *peer, const struct packet *p)
{
	bool scaled;

	s->syn_cut = p->options_cut;
	if (s->tsval == 0 && p->has_ts)
		s->tsval = p->tsval;
	s->scale_read = !s->syn_cut || p->wscale <= 14;
	s->mss = p->mss != 0 ? p->mss : 536; /* RFC 9293 3.7.1: default */
	if (p->options_cut && p->mss == 0)
		s->mss = 0;
	s->wscale = p->wscale;
	s->window_syn = p->window;
	s->sack_ok = p->sack_permitted;
	s->ttl_syn = p->ttl;
	/* Scaling counts where both ends are seen to agree on it. */
	scaled = peer->scale_read && s->wscale <= 14 && peer->wscale <= 14;
	s->window_shift = scaled ? s->wscale : 0;
	peer->window_shift = scaled ? peer->wscale : 0;
}

static void
options_note(struct side *s, const struct packet *p)
{
	s->timestamps |= p->has_ts;
	if (p->options_cut && p->sack_count == 0)
		s->options_cut = true;
}

/* What the peer has beyond all that was seen was sent, too. */
static void
side_sacked(struct side *s, int64_t to, int64_t ns)
{
	if (to > s->max + 1 && to <= s->max + LEDGER_WIDE)
		side_skip(s, to, ns, NULL, false);
}

/* The peer acknowledges `s': duplicates told (RFC 2883), bytes that the capture lacks. */
static void
ack_note(struct side *s, const struct packet *p)
{
	int64_t rel, lo, hi;

	if (!(p->flags & TCP_ACK))
		return;
	if (!s->based)
		side_base(s, p->ack, false, p->at.ns);
	rel = side_rel(s, p->ack);
	if (!side_near(s, rel))
		return;
	/* one byte beyond is an unseen FIN, or a keep-alive's */
	if (rel > s->max + 1 && rel <= s->max + (int64_t)LEDGER_WIDE * 64)
		side_skip(s, rel, p->at.ns, NULL, false);
	if (rel > s->acked) {
		if (s->acked < s->data_max &&
		    rel >= s->data_max) /* not again with the ACK of a FIN */
			s->acked_full_ns = p->at.ns;
		s->acked = rel;
	}
	/* what fills a hole is what its ACK echoes the time stamp of (RFC 7323 4.3) */
	if (s->again_end != 0 && rel >= s->again_end) {
		s->needless += p->has_ts && p->tsecr != 0 && (int32_t)(p->tsecr - s->again_val) < 0;
		s->again_end = 0;
	}
	if (s->gap_on && s->acked > s->gap_lo)
		s->gap_acked = true;
	if (p->sack_count == 0)
		return;
	/* below its own ACK, which may have been overtaken by another */
	lo = side_rel(s, p->sack[0][0]);
	hi = side_rel(s, p->sack[0][1]);
	if (hi <= rel ||
	    (p->sack_count > 1 && side_rel(s, p->sack[1][0]) <= lo &&
		hi <= side_rel(s, p->sack[1][1])))
		s->dsacks++;
	for (unsigned int i = 0; i < p->sack_count; i++)
		side_sacked(s, side_rel(s, p->sack[i][1]), p->at.ns);
	for (unsigned int i = 0; i < p->sack_count && s->gap_on; i++)
		if (side_rel(s, p->sack[i][0]) < s->gap_lo + s->gap_size &&
		    side_rel(s, p->sack[i][1]) > s->gap_lo)
			s->gap_acked = true;
}

/* Where the segment stands in its direction; `wild' = nowhere that it could. */
static int64_t
side_place(struct side *s, const struct packet *p, bool *wild)
{
	bool syn = (p->flags & TCP_SYN) != 0, rst = (p->flags & TCP_RST) != 0;
	int64_t rel;

	if ((!s->based || (syn && !s->isn_known && s->data_segments == 0)) &&
	    !(rst && !s->based && p->seq == 0))
		side_base(s, p->seq, syn, p->at.ns);
	rel = side_rel(s, p->seq);
	*wild = !s->based || !side_near(s, rel) || (rst && !(p->flags & TCP_ACK) && p->seq == 0);
	return rel;
}

/* What the segment tells of who sent it. */
static void
sender_note(struct ledger *l, int dir, const struct packet *p, int64_t rel, bool wild)
{
	struct side *s = &l->side[dir];

	/* with another number than the one that was acknowledged: another machine's */
	if ((p->flags & TCP_SYN) && (rel == 0 || l->handshake.frame == 0))
		syn_note(s, &l->side[!dir], p);
	options_note(s, p);
	if (p->flags & TCP_RST) {
		rst_note(l, dir, p, rel);
	} else if (!(p->flags & TCP_SYN)) {
		ttl_note(s, p->ttl);
		if (s->rst_kept > 0 && !wild)
			rst_refuted(l, dir, p, rel);
	}
}

static void
silence_ends(struct side *s, const struct moment *at)
{
	if (s->data_last.frame != 0 && s->after_data.frame == 0)
		s->after_data = *at;
}

/* One's end is the end of its silence; data of either, of the other's too. */
static void
silence_note(struct side *s, struct side *peer, const struct packet *p)
{
	bool ends = (p->flags & (TCP_FIN | TCP_RST)) != 0;

	if (ends)
		silence_ends(s, &p->at);
	if (ends || p->len > 0)
		silence_ends(peer, &p->at);
}

/* Its TTL is that of what its end sent: of the SYN, where nothing else is known. */
static bool
rst_fits(const struct side *s, const struct packet *p)
{
	return p->ttl == (s->ttl_count[0] > 0 ? side_ttl(s) : s->ttl_syn);
}

/* No data, but beyond all that was seen: the capture lacks what is between. */
static void
side_beyond(struct side *s, const struct packet *p, int64_t rel)
{
	int64_t beyond = rel - s->max;

	if (beyond <= 0 || beyond > (int64_t)LEDGER_WIDE * 64)
		return;
	/* a forged RST stands anywhere */
	if ((p->flags & TCP_RST) && (!rst_fits(s, p) || beyond > LEDGER_WIDE))
		return;
	/* one beyond is the FIN that was seen */
	if (beyond > 1 || s->fin.frame == 0)
		side_skip(s, rel, p->at.ns, p, false);
}

/* The stretch of sequence space that it covers. */
static struct seg_more
side_stretch(struct ledger *l, int dir, const struct packet *p, int64_t rel, bool super)
{
	struct side *s = &l->side[dir];
	struct seg_more more = { 0 };

	if (p->len > 0 && !(p->flags & TCP_RST)) {
		more.hash = payload_sample(p);
		more.bits = side_data(l, dir, p, rel, more.hash);
		if (p->w > s->w_seen && !super)
			s->w_seen = p->w;
	} else {
		side_beyond(s, p, rel);
	}
	if (s->gap_on || s->hole_count > 0)
		gap_look(l, dir, p, rel);
	return more;
}

/* How fast its own clock goes. */
static inline void
clock_note(struct side *s, const struct packet *p)
{
	if (!p->has_ts || (p->flags & (TCP_SYN | TCP_RST)) != 0)
		return;
	if (s->ts_first_ns == 0) {
		s->ts_first = p->tsval;
		s->ts_first_ns = p->at.ns;
	} else if ((int32_t)(p->tsval - s->ts_last) < 0) {
		return;
	}
	s->ts_last = p->tsval;
	s->ts_last_ns = p->at.ns;
}

/*
 * RFC 9293 3.8.4: an empty segment, or one byte, that was acknowledged before.  At a window of 0 it
 * asks for room.
 */
static void
alive_note(struct side *s, struct side *peer, const struct packet *p, int64_t rel)
{
	peer->alive_count = 0;
	if (p->len > 1 || rel != s->max - 1 || s->acked < s->max || peer->zero_now ||
	    (p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0)
		return;
	if (s->alive_count++ == 0)
		s->alive_first = p->at;
	s->alive_last = p->at;
}

struct seg_more
side_packet(struct ledger *l, const struct packet *p, int dir)
{
	struct side *s = &l->side[dir], *peer = &l->side[!dir];
	bool many = s->cut_to != 0 && p->len > s->cut_to,
	     super = many || packet_super(p, side_largest(l, dir)), wild;
	struct seg_more more = { 0 };
	uint32_t w_before = s->w_seen;
	bool acked_first =
	    dir == 1 && (p->flags & TCP_SYN) && s->based && !s->isn_known && s->data_segments == 0;
	int64_t rel = side_place(s, p, &wild);

	l->disordered += acked_first;
	s->offloads |= super;
	s->packets++;
	if (s->last.frame == 0)
		s->first = p->at;
	sender_note(l, dir, p, rel, wild);
	/* of a RST only where it fits its sender: a forged one says anything */
	if (!(p->flags & TCP_RST) || rst_fits(s, p))
		ack_note(peer, p);
	silence_note(s, peer, p);
	window_use(l, s, peer, p, rel);
	window_note(l, s, peer, p);
	if (wild)
		more.flags = SEG_WILD;
	else if (!(p->flags & TCP_SYN))
		more = side_stretch(l, dir, p, rel, super);
	if (many)
		more.flags |= SEG_MANY;
	if ((p->flags & TCP_FIN) && !wild && s->fin.frame == 0) {
		int64_t at = rel + (int64_t)p->len;
		struct hole in;

		l->disordered += s->acked > at;
		s->fin = p->at;
		holes_fill(s, at, at + 1, &in); /* sent again: what was beyond it is not missing */
	}
	if (!(p->flags & (TCP_SYN | TCP_RST)) && !super)
		passing_note(&s->passing, packet_w(p), &p->at);
	ids_note(l, dir, p, w_before);
	alive_note(s, peer, p, rel);
	clock_note(s, p);
	s->last = p->at;
	return more;
}
