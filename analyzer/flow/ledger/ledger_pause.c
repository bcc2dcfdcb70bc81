/*
 * ledger_pause.c - silences of a sender (S10): it had nothing to say although it was allowed to,
 * and what its IDs and its clock did meanwhile.
 */
#include "flow/ledger/ledger_impl.h"

#include <string.h>

void
pause_keep(struct pause kept[RECORD_PAUSES], uint32_t *count, const struct pause *p)
{
	uint32_t least = 0;

	if (*count < RECORD_PAUSES) {
		kept[(*count)++] = *p;
		return;
	}
	for (uint32_t i = 1; i < RECORD_PAUSES; i++)
		if (kept[i].to.ns - kept[i].from.ns < kept[least].to.ns - kept[least].from.ns)
			least = i;
	if (p->to.ns - p->from.ns <= kept[least].to.ns - kept[least].from.ns)
		return;
	memmove(kept + least, kept + least + 1, (RECORD_PAUSES - 1 - least) * sizeof(*p));
	kept[RECORD_PAUSES - 1] = *p;
}

bool
pause_clean(const struct ledger *l, const struct side *s, const struct side *peer, int64_t from)
{
	int64_t rtt = l->handshake_ns > 0 ? l->handshake_ns : SECOND;

	return s->acked >= s->data_max && s->acked <= s->max + 1 &&
	    s->acked_full_ns <= from + DELACK + 4 * rtt && !s->data_last_cut &&
	    !(peer->window_zero_last != INT64_MIN && peer->window_zero_last >= from - SECOND);
}

void
pause_look(struct ledger *l, int dir, const struct packet *p, int64_t rel)
{
	struct side *s = &l->side[dir];
	const struct side *peer = &l->side[!dir];
	struct pause pause;
	/* what the peer said meanwhile had been waited for */
	const struct moment *from =
	    peer->data_last.frame != 0 && peer->data_last.ns > s->data_last.ns ? &peer->data_last
									       : &s->data_last;

	if (s->data_last.frame == 0 || p->at.ns - from->ns < PAUSE_LEAST ||
	    rel < s->data_last_end || !pause_clean(l, s, peer, s->data_last.ns) || !side_lists(s))
		return;
	memset(&pause, 0, sizeof(pause));
	pause.from = *from;
	pause.to = p->at;
	pause.ids_continue = ids_continue(s, p);
	pause.probes = s->probes_since_data;
	pause.ids_skipped = ids_skipped(s, p);
	if (p->has_ts && s->ts_data != 0 && (int32_t)(p->tsval - s->ts_data) >= 0) {
		pause.ticks = p->tsval - s->ts_data;
		pause.ticks_ns = p->at.ns - s->data_last.ns;
	}
	pause_keep(s->lists->pauses, &s->pause_count, &pause);
}
