/* ledger_side_report.c - what one endpoint sent, as a record. */
#include "flow/ledger/ledger_impl.h"

#include <string.h>

#define LOOP_LEAST (5 * MS) /* nearer ends answer too fast to tell (0.7) */

static uint16_t
window_median(const struct side *s)
{
	uint16_t v[LEDGER_SAMPLES];
	uint32_t n = s->sample_count;

	if (n == 0)
		return 0;
	memcpy(v, s->samples, n * sizeof(v[0]));
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t j = i; j > 0 && v[j - 1] > v[j]; j--) {
			uint16_t x = v[j];

			v[j] = v[j - 1];
			v[j - 1] = x;
		}
	return v[n / 2];
}

static uint8_t
ttl_initial(uint8_t ttl)
{
	return ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

static uint32_t
rst_signs_of(const struct side *s, uint8_t usual, int64_t loop)
{
	uint32_t signs = 0;

	for (uint32_t i = 0; i < s->rst_kept; i++) {
		const struct rst_note *a = &s->lists->rsts[i];
		int d = (int)a->ttl - usual;

		signs |= a->r1 ? RESET_R1 : 0;
		signs |= a->r2 ? RESET_R2 : 0;
		if (usual != 0 && (d >= 2 || d <= -2))
			signs |= RESET_R5;
		if (usual != 0 && ttl_initial(a->ttl) != ttl_initial(usual))
			signs |= RESET_R5B;
		if (loop >= LOOP_LEAST && a->haste > 0 && a->haste < loop / 2)
			signs |= RESET_R6;
		for (uint32_t j = 0; j < i && !a->reply; j++) {
			if (s->lists->rsts[j].reply)
				continue;
			if (s->lists->rsts[j].rel != a->rel)
				signs |= RESET_R3;
			if (s->lists->rsts[j].ack != 0 && a->ack != 0 &&
			    s->lists->rsts[j].ack != a->ack)
				signs |= RESET_R4;
		}
	}
	return signs;
}

static int64_t
rst_haste_least(const struct side *s)
{
	int64_t least = 0;

	for (uint32_t i = 0; i < s->rst_kept; i++)
		if (s->lists->rsts[i].haste > 0 && (least == 0 || s->lists->rsts[i].haste < least))
			least = s->lists->rsts[i].haste;
	return least;
}

static uint32_t
rst_signs(const struct ledger *l, int dir, int64_t loop)
{
	const struct side *s = &l->side[dir], *peer = &l->side[!dir], *later;
	uint32_t signs = rst_signs_of(s, side_ttl(s), loop);
	int64_t d = s->rst.ns - peer->rst.ns, first = d < 0 ? s->rst.ns : peer->rst.ns;
	bool fin = (s->fin.frame != 0 && s->fin.ns <= first) ||
	    (peer->fin.frame != 0 && peer->fin.ns <= first);

	if (s->rst.frame == 0 || peer->rst.frame == 0 || d >= 50 * MS || d <= -50 * MS || fin)
		return signs;
	/*
	 * a RST amid what its end had sent: who was reset answers what was still on its way to it
	 */
	later = d < 0 ? peer : s;
	if (later->rst_kept == 0 || !later->lists->rsts[0].amid)
		signs |= RESET_R7;
	return signs;
}

/*
 * Its RST only answers for a connection that is gone, and what ended it is not here: no FIN of this
 * end, no RST of its own account.
 */
static bool
rst_only_answers(const struct side *s)
{
	for (uint32_t i = 0; i < s->rst_kept; i++)
		if (!s->lists->rsts[i].reply)
			return false;
	return s->rst_kept > 0 && s->lists->rsts[0].answers && s->fin.frame == 0;
}

static void
report_missing(const struct side *s, struct record_direction *o)
{
	o->missing = s->missing_gone;
	o->acked_unseen = s->unseen_gone;
	for (uint32_t i = 0; i < s->hole_count; i++) {
		int64_t acked = s->acked < s->lists->holes[i].hi ? s->acked : s->lists->holes[i].hi;

		if (s->lists->holes[i].before &&
		    s->packets > 0) /* of a side never heard all is missing */
			continue;
		o->missing += (uint64_t)(s->lists->holes[i].hi - s->lists->holes[i].lo);
		if (acked > s->lists->holes[i].lo)
			o->acked_unseen += (uint64_t)(acked - s->lists->holes[i].lo);
	}
	/* an end that the peer acknowledges was said, too */
	if (s->acked == s->max + 1 && s->fin.frame == 0) {
		o->missing++;
		o->acked_unseen++;
	}
	o->missing += s->cut_bytes;
	o->cut_bytes = s->cut_bytes;
}

static void
report_pauses(const struct ledger *l, int dir, int64_t t_end, struct record_direction *o,
    struct pause pauses[RECORD_PAUSES])
{
	const struct side *s = &l->side[dir], *peer = &l->side[!dir];
	struct pause p = { .from = s->data_last,
		.to = s->after_data,
		.probes = s->probes_since_data,
		.trailing = true };

	o->pauses = pauses;
	o->pause_count = s->pause_count;
	if (s->pause_count > 0)
		memcpy(pauses, s->lists->pauses, s->pause_count * sizeof(pauses[0]));
	if (p.to.frame == 0) {
		p.to.ns = t_end;
		p.to.frame = l->last.frame;
	}
	if (p.from.frame != 0 && p.to.ns - p.from.ns >= PAUSE_LEAST && !peer->zero_now &&
	    pause_clean(l, s, peer, p.from.ns) && peer->packets > 0)
		pause_keep(pauses, &o->pause_count, &p);
	for (uint32_t i = 0; i < o->pause_count; i++) {
		const struct pause *x = &o->pauses[i];

		if (o->pause_from.frame == 0 ||
		    x->to.ns - x->from.ns > o->pause_to.ns - o->pause_from.ns) {
			o->pause_from = x->from;
			o->pause_to = x->to;
			o->pause_ids_continue = x->ids_continue;
		}
	}
}

/* MSS counts no options; the usual data offset tells them (S9). */
static uint32_t
payload_max(const struct side *s, const struct side *peer)
{
	uint32_t best = 0, options = s->timestamps ? 12 : 0;

	for (int i = 0; i < 4; i++)
		if (s->header_count[i] > best) {
			best = s->header_count[i];
			options = s->header[i] >= 20 ? s->header[i] - 20U : 0;
		}
	return peer->mss > options ? peer->mss - options : 0;
}

static void
report_gap(const struct ledger *l, int dir, struct record_direction *o)
{
	const struct side *s = &l->side[dir];
	uint32_t c = side_ceiling(l, dir), p = payload_max(s, &l->side[!dir]);

	if (s->gap_on) {
		o->hole_seen = s->gap_seen;
		o->hole_at = s->gap_lo > 0 ? (uint64_t)(s->gap_lo - 1) : 0;
		o->hole_bytes = (uint64_t)s->gap_size;
		o->hole_id_jump = s->gap_id_jump;
		o->hole_acked = s->gap_acked;
	} else if (s->gap_was) {
		o->hole_seen = s->filled.seen;
		o->hole_at = s->filled.lo > 0 ? (uint64_t)(s->filled.lo - 1) : 0;
		o->hole_bytes = (uint64_t)s->filled.size;
		o->hole_id_jump = s->filled.id_jump;
		o->hole_acked = s->filled.acked;
		o->hole_filled = s->filled.filled;
		o->hole_filled_smaller = c != 0 && s->filled.w_after > 0 && s->filled.w_after < c;
	}
	if (p > 0 && o->hole_bytes % p == 0)
		o->hole_segments = (uint32_t)(o->hole_bytes / p);
}

static void
report_windows(const struct side *s, struct record_direction *o)
{
	o->zero_from = s->zero_longest_from;
	o->zero_to = s->zero_longest_to;
	o->zero_over = s->zero_longest_over;
	o->zero_probes = s->zero_probes;
	o->zero_room = s->zero_longest_room;
	o->window_eq = s->window_eq;
	o->window_over = s->window_over;
	o->window_median = window_median(s);
}

void
side_report(const struct ledger *l, int dir, int64_t t_end, int64_t loop,
    struct record_direction *o, struct ledger_lists *lists)
{
	const struct side *s = &l->side[dir];
	uint8_t ttl = side_ttl(s);

	o->packets = s->packets;
	o->data_segments = s->data_segments;
	o->stream_bytes = s->data_max > s->low ? (uint64_t)(s->data_max - s->low) : 0;
	o->acked = s->acked > s->low ? (uint64_t)(s->acked - s->low) : 0;
	if (o->acked > 0 && s->acked == s->data_max + 1)
		o->acked--; /* the FIN is no byte of the stream */
	report_missing(s, o);
	o->conflict = s->conflict;
	o->isn_known = s->isn_known;
	o->isn = s->isn_known ? s->base : 0;
	o->seq = s->based ? s->base + (uint32_t)s->low : 0;
	o->tsval = s->tsval;
	o->clock_ticks = s->ts_last - s->ts_first;
	o->clock_ns = s->ts_last_ns - s->ts_first_ns;
	o->sack_ok = s->sack_ok;
	o->timestamps = s->timestamps;
	o->syn_cut = s->syn_cut;
	o->mss = s->mss;
	o->wscale = s->wscale;
	o->window_syn = s->window_syn;
	o->ttl = ttl;
	o->ttl_syn = s->ttl_syn;
	o->ttl_rst = s->ttl_rst;
	o->ttl_rst_first = s->ttl_rst_first;
	o->at_sender = ttl == 64 || ttl == 128 || ttl == 255;
	o->first = s->first;
	o->last = s->last;
	o->data_first = s->data_first;
	o->data_last = s->data_last;
	o->fin = s->fin;
	o->rst = s->rst;
	o->rst_count = s->rst_count;
	o->reset_signs = rst_signs(l, dir, loop);
	o->reset_haste_ns = rst_haste_least(s);
	o->loop_ns = loop;
	o->rst_answers = rst_only_answers(s);
	o->rst_bare = s->rst_kept > 0 && s->lists->rsts[0].bare;
	o->ceiling = side_ceiling(l, dir);
	o->dsacks = s->dsacks;
	report_windows(s, o);
	report_pauses(l, dir, t_end, o, lists->pauses);
	report_gap(l, dir, o);
	deaf_report(s, &l->side[!dir], o);
	o->alive_count = s->alive_count;
	if (s->alive_count > 0) {
		o->alive_first = s->alive_first;
		o->alive_last = s->alive_last;
	}
	o->id_gap_from = s->id_gap_from;
	o->id_gap_to = s->id_gap_to;
	o->id_gap = s->id_gap;
	o->id_gap_big_before = s->id_gap_big;
	o->ids_step = ids_step(s);
	o->options_cut = s->options_cut;
}
