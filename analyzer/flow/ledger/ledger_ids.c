/*
 * ledger_ids.c - the IPv4 identifications of what one endpoint sent: who counts in them tells of
 * packets that are not here.
 */
#include "flow/ledger/ledger_impl.h"

enum {
	ID_GAP_LEAST = 3,  /* missing ones over a silence */
	ID_GAP_MAX = 2000, /* more missing IDs than this say nothing (S11) */
	ID_EXACT =
	    5, /* one behind the other, by 1 each but for the SYN's own: nothing else counts */
	ID_STEP_MOST = 64,
	ID_STEPS = 3, /* a counter goes on by so little, and has so often */
	ID_PAIRS = 5,
	ID_ONES_PERCENT = 60,
	TIMESTAMPS = 12, /* RFC 7323: bytes of a segment */
};

static const int64_t id_gap_least = 3 * SECOND;

bool
ids_step(const struct side *s)
{
	return s->id_pairs >= ID_PAIRS &&
	    (uint64_t)s->id_ones * 100 >= (uint64_t)s->id_pairs * ID_ONES_PERCENT;
}

/*
 * Not those of a sender that gives all of them the same, or draws lots; copies that nobody knew yet
 * repeat one now and then.
 */
bool
ledger_ids_count(const struct ledger *l, enum dissect_dir dir)
{
	const struct side *s = &l->side[dir];

	return s->id_steps >= ID_STEPS && s->id_steps >= s->id_pairs / 3;
}

uint32_t
ids_jump(const struct side *s, const struct packet *p)
{
	uint16_t on = (uint16_t)(p->ip_id - s->id_last - 1);

	if (!s->id_known || p->ip_id == 0 || on <= s->id_last_more)
		return 0;
	return on - s->id_last_more;
}

uint32_t
ids_skipped(const struct side *s, const struct packet *p)
{
	uint32_t missing = ids_jump(s, p);

	if (s->id_pairs < ID_EXACT || s->id_ones + 1 < s->id_pairs)
		return 0;
	return missing <= ID_GAP_MAX ? missing : 0;
}

bool
ids_continue(const struct side *s, const struct packet *p)
{
	uint16_t on = (uint16_t)(p->ip_id - s->id_data - 1);

	return s->id_known && p->ip_id != 0 && on >= s->sent_since_data &&
	    on - s->sent_since_data <= s->id_data_more;
}

/*
 * What the interface is to cut, or has joined, is many packets: each has an ID of its own (Linux),
 * or they are not counted.
 */
static uint16_t
pieces_more(const struct side *s, const struct side *peer, const struct packet *p)
{
	uint32_t most = peer->mss - (p->has_ts && peer->mss > TIMESTAMPS ? TIMESTAMPS : 0);

	if (s->cut_to != 0 && s->cut_to < most)
		most = s->cut_to;
	return most == 0 || p->len <= most ? 0 : (uint16_t)((p->len - 1) / most);
}

void
ids_note(struct ledger *l, int dir, const struct packet *p, uint32_t w_before)
{
	struct side *s = &l->side[dir];
	uint32_t missing;

	s->sent_since_data = p->len > 0 ? 0 : s->sent_since_data + 1;
	s->probes_since_data = p->len > 0 ? 0
					  : s->probes_since_data +
		(s->data_last.frame != 0 && side_rel(s, p->seq) == s->data_last_end - 1);
	if (p->ip_id == 0) { /* IPv6 has none */
		s->id_known = false;
		return;
	}
	if (s->id_known) {
		missing = ids_jump(s, p);
		s->id_pairs++;
		s->id_ones += missing == 0;
		s->id_steps += missing < ID_STEP_MOST;
		if (missing >= ID_GAP_LEAST && missing <= ID_GAP_MAX &&
		    p->at.ns - s->last.ns >= id_gap_least &&
		    (s->id_gap == 0 ||
			p->at.ns - s->last.ns > s->id_gap_to.ns - s->id_gap_from.ns)) {
			s->id_gap_from = s->last;
			s->id_gap_to = p->at;
			s->id_gap = missing;
			s->id_gap_big = w_before >= side_largest(l, dir);
		}
	}
	s->id_known = true;
	s->id_last = p->ip_id;
	s->id_last_more = pieces_more(s, &l->side[!dir], p);
	if (p->len > 0) {
		s->id_data = s->id_last;
		s->id_data_more = s->id_last_more;
	}
}
