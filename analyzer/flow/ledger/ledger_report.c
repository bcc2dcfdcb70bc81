/*
 * ledger_report.c - the ledger's words: connection, stalls, ICMP errors.  It
 * changes nothing, so that a running flow can be reported again and again.
 */
#include "flow/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

static enum conn_state
report_state(const struct ledger *l)
{
	if (l->syn_count == 0 && l->synack_count == 0)
		return CONN_MIDSTREAM;
	if (l->handshake.frame != 0 || l->side[0].data_segments > 0 ||
	    (l->synack_count == 0 && l->side[1].data_segments > 0))
		return CONN_ESTABLISHED;
	if (l->synack_count > 0)
		return CONN_HALF_OPEN;
	if (l->refused.frame != 0)
		return CONN_REFUSED;
	return l->unreachable.frame != 0 ? CONN_UNREACHABLE : CONN_UNANSWERED;
}

/*
 * From this point to the endpoint that sends `dir' and back, as short as it ever was; 0 = the
 * handshake does not tell.
 */
static int64_t
loop_to(const struct ledger *l, const struct readings *r, int dir)
{
	int64_t loop = dir == 1 ? l->vantage_num : l->handshake_ns - l->vantage_num;

	if (l->handshake_ns <= 0 || l->syn_count != 1 || l->synack_count != 1 || l->disordered > 0)
		return 0;
	if (r->dir[!dir].delay < loop)
		loop = r->dir[!dir].delay;
	return l->side[!dir].sums.ack_delay < loop ? l->side[!dir].sums.ack_delay : loop;
}

static void
report_connection(const struct ledger *l, const struct readings *r, int64_t t_end, bool open,
    struct record_connection *out, struct ledger_lists lists[2])
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
	out->disordered = l->disordered;
	out->late_ns = l->late_ns;
	out->unreachable = l->unreachable;
	out->rtt_ns = r->rtt;
	out->rtt_known = r->rtt_known;
	out->vantage = -1;
	if (l->handshake_ns >= MS && l->syn_count == 1 && l->synack_count == 1)
		out->vantage = (int32_t)(l->vantage_num * 1000 / l->handshake_ns);
	memset(out->dir, 0, sizeof(out->dir));
	for (int d = 0; d < 2; d++)
		side_report(l, d, t_end, loop_to(l, r, d), &out->dir[d], &lists[d]);
}

static void
report_sizes(
    const struct totals *t, struct record_direction *o, struct size_class sizes[RECORD_SIZES])
{
	uint32_t more = 0;

	o->sizes = sizes;
	o->all_lost_above_proven = false;
	for (uint32_t i = 0; i < t->size_count; i++) {
		if (t->sizes[i].lost > 0)
			o->all_lost_above_proven = true;
		more += t->sizes[i].ok + t->sizes[i].lost > 0;
	}
	more = more > RECORD_SIZES ? more - RECORD_SIZES : 0;
	for (uint32_t i = 0; i < t->size_count; i++) {
		const struct size_note *n = &t->sizes[i];
		struct size_class *c;

		if (n->lost > 0 && n->w <= o->proven)
			o->all_lost_above_proven = false;
		if (n->ok + n->lost == 0)
			continue;
		if (o->size_count == 0 || more == 0) /* the smallest share one, as in the sums */
			sizes[o->size_count++] = (struct size_class){ .w = n->w };
		else
			more--;
		c = &sizes[o->size_count - 1];
		c->ok += n->ok;
		c->lost += n->lost;
	}
}

/* Stretches of the stream that never passed, as far as the list of holes holds them. */
static void
report_unseen(
    const struct side *s, struct record_direction *o, struct stretch unseen[RECORD_STRETCHES])
{
	o->unseen = unseen;
	o->unseen_count = s->hole_count;
	for (uint32_t i = 0; i < s->hole_count && i < RECORD_STRETCHES; i++) {
		const struct hole *h = &s->lists->holes[i];
		int64_t at = h->lo - s->low;

		unseen[i] =
		    (struct stretch){ at > 0 ? (uint64_t)at : 0, (uint64_t)(h->hi - h->lo) };
	}
}

static void
report_totals(const struct ledger *l, int d, const struct totals *t, struct record_direction *o,
    struct ledger_lists *lists)
{
	o->w_max = l->side[d].w_seen;
	o->proven = sums_proven(t, INT64_MIN, 0, &o->proven_at);
	o->small_ok_first = t->small_ok_first;
	o->small_ok_last = t->small_ok_last;
	o->super_segments = t->super_segments;
	o->super_bytes = t->super_bytes;
	report_sizes(t, o, lists->sizes);
	o->passed_count = l->side[d].passing.count;
	o->passed = l->side[d].passing.v;
	report_unseen(&l->side[d], o, lists->unseen);
	o->retransmissions = t->retransmissions;
	o->needless = t->needless > l->side[d].needless ? t->needless : l->side[d].needless;
	o->again_first = t->again_first;
	o->hole_fills = t->hole_fills;
	o->fills_timed = l->side[d].fills_timed;
	o->overtaken = l->side[d].overtaken;
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
report_stalls(struct ledger *l, const struct reading *r, const struct totals *t, int64_t t_end,
    const struct record_key *key, uint32_t n, const struct record_sink *sink)
{
	const struct side *s = &l->side[r->dir];
	struct stall_list list = { 0, 2 * l->limits.stalls, NULL, 0 };
	struct record out;

	if (s->stall_count == 0 && !reading_has_losses(r, l->count))
		return n;
	list.at = calloc(list.room > 0 ? list.room : 1, sizeof(*list.at));
	if (list.at == NULL) {
		l->caps.memory++;
		return n;
	}
	for (uint32_t i = 0; i < s->stall_count; i++)
		stalls_add(&list, &s->stalls[i]);
	stalls_find(l, r, t, l->count, t_end, &list);
	qsort(list.at, list.count, sizeof(*list.at), stall_order);
	for (uint32_t i = 0; i < list.count; i++) {
		out.type = RECORD_STALL;
		out.stall = list.at[i];
		stall_complete(l, r->dir, t, &out.stall);
		stall_icmp(l, r->dir, &out.stall, r);
		out.stall.key = (struct record_key){
			.point = key->point, .conn = key->conn, .n = n, .m = (uint32_t)r->dir
		};
		n++;
		sink->take(sink->ctx, &out);
	}
	free(list.at);
	return n;
}

static void
report_icmp(const struct ledger *l, const struct readings *r, const struct record_key *key,
    const struct record_sink *sink)
{
	struct record out;

	for (uint32_t i = 0; i < l->icmp_count; i++) {
		out.type = RECORD_ICMP_ERROR;
		out.icmp_error = l->icmp[i].e;
		out.icmp_error.key =
		    (struct record_key){ .point = key->point, .conn = key->conn, .n = i };
		if (out.icmp_error.frag_needed)
			icmp_account(
			    l, &r->dir[out.icmp_error.dir == 1], l->count, &out.icmp_error);
		sink->take(sink->ctx, &out);
	}
}

void
ledger_report(struct ledger *l, int64_t t_end, bool open, struct record_connection *out,
    struct ledger_lists lists[2], const struct record_sink *sink)
{
	struct size_note sizes[2][LEDGER_SIZES];
	struct readings r;
	struct totals t[2];
	uint32_t n = 0;

	if (t_end < l->now)
		t_end = l->now;
	for (int d = 0; d < 2; d++)
		passing_settle(&l->side[d].passing);
	if (!readings_take(l, t_end, &r)) {
		l->caps.memory++;
		return;
	}
	report_connection(l, &r, t_end, open, out, lists);
	for (int d = 0; d < 2; d++) {
		sums_copy(&t[d], sizes[d], &l->side[d].sums);
		reading_account(l, &r.dir[d], l->count, &t[d]);
		report_totals(l, d, &t[d], &out->dir[d], &lists[d]);
	}
	if (sink != NULL) {
		for (int d = 0; d < 2; d++)
			n = report_stalls(l, &r.dir[d], &t[d], t_end, &out->key, n, sink);
		report_icmp(l, &r, &out->key, sink);
	}
	readings_free(&r);
}
