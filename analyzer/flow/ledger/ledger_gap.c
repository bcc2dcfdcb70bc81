/*
 * ledger_gap.c - the hole beyond a bottleneck (S9): a full-size packet that was lost before it came
 * here, while what is small passes.  The one that stood open longest is kept.
 */
#include "flow/ledger/ledger_impl.h"

enum { GAP_LEAST = 536 }; /* smaller holes are no full segments (1A) */

/*
 * The hole that stood open longest tells most; of two that differ by no round trip
 * the larger one, as one packet lost by chance, or a probe for the size that
 * passes, is repaired as fast as what a sender repeats that shrank.
 */
static bool
gap_tells_more(const struct ledger *l, const struct side *s, const struct packet *p)
{
	int64_t more = (p->at.ns - s->gap_seen.ns) - (s->filled.filled.ns - s->filled.seen.ns);

	if (!s->gap_was || more > l->handshake_ns)
		return true;
	return s->gap_size != s->filled.size
	    ? more >= -l->handshake_ns && s->gap_size > s->filled.size
	    : more > 0;
}

static void
gap_filled(const struct ledger *l, struct side *s, const struct packet *p)
{
	if (gap_tells_more(l, s, p)) {
		s->gap_was = true;
		s->filled.acked = s->gap_acked;
		s->filled.lo = s->gap_lo;
		s->filled.size = s->gap_size;
		s->filled.seen = s->gap_seen;
		s->filled.filled = p->at;
		s->filled.id_jump = s->gap_id_jump;
		s->filled.w_after = 0;
	}
	s->gap_on = false;
}

void
gap_look(struct ledger *l, int dir, const struct packet *p, int64_t rel)
{
	struct side *s = &l->side[dir];
	uint32_t c = side_ceiling(l, dir);
	const struct hole *h = s->hole_count > 0 ? &s->lists->holes[0] : NULL;

	if (s->gap_on && (h == NULL || h->lo != s->gap_lo))
		gap_filled(l, s, p);
	if (s->gap_on || h == NULL || rel <= h->lo || h->hi - h->lo < GAP_LEAST ||
	    (p->flags & (TCP_SYN | TCP_RST)))
		return;
	if (p->len > 0 && c != 0 && p->w >= c)
		return;
	s->gap_on = true;
	s->gap_acked = s->acked > h->lo;
	s->gap_lo = h->lo;
	s->gap_size = h->hi - h->lo;
	s->gap_seen = p->at;
	s->gap_id_jump = ids_jump(s, p);
}
