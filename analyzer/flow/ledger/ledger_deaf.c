/*
 * ledger_deaf.c - a sender that does not hear: it says again, and again, what was acknowledged here
 * long before.  Seen behind the place where the acknowledgements are lost that is all that shows of
 * it.
 */
#include "ledger_impl.h"

static bool
longer(const struct deaf *a, const struct deaf *b)
{
	return a->to.ns - a->from.ns > b->to.ns - b->from.ns || b->count == 0;
}

/*
 * It goes on behind those bytes, or acknowledges more than before: it hears again.  If the time
 * stamp that it echoes was made before it began to repeat, what it hears was only late (RFC
 * 7323 4.3).  Where the next time was due before, it had heard something already, and what that was
 * nobody knows.
 */
static void
deaf_over(struct side *s, const struct packet *p)
{
	struct side_lists *l = s->lists;
	bool known = l->deaf.val != 0 && p->has_ts && p->tsecr != 0;

	l->deaf.over = p->at;
	l->deaf.late = known && (int32_t)(p->tsecr - l->deaf.val) <= 0;
	l->deaf.fresh = known && !l->deaf.late && p->at.ns - l->deaf.to.ns <= l->deaf.step / 2 * 5;
	if (longer(&l->deaf, &l->deaf_most))
		l->deaf_most = l->deaf;
	s->deaf_on = false;
}

void
deaf_look(struct side *s, const struct side *peer, const struct packet *p, int64_t rel, bool again)
{
	struct deaf *d;

	if (s->deaf_on && (rel > s->lists->deaf.rel || peer->acked > s->lists->deaf.heard))
		deaf_over(s, p);
	/*
	 * A single byte asks whether there is room, or whether anybody is there.  What lies before
	 * all that was seen first may have been acknowledged, or not: nobody saw it.
	 */
	if (!again || p->len <= 1 || rel < 1 || rel + p->len > s->acked || !side_lists(s))
		return;
	d = &s->lists->deaf;
	if (!s->deaf_on || rel < d->rel)
		*d = (struct deaf){ .rel = rel,
			.heard = peer->acked,
			.from = p->at,
			.val = peer->ts_last_ns != 0 ? peer->ts_last : 0 };
	d->step = d->count > 0 ? p->at.ns - d->to.ns : 0;
	d->to = p->at;
	d->count++;
	s->deaf_on = true;
}

void
deaf_report(const struct side *s, const struct side *peer, struct record_direction *o)
{
	const struct deaf *d;

	if (s->lists == NULL)
		return;
	d = s->deaf_on && longer(&s->lists->deaf, &s->lists->deaf_most) ? &s->lists->deaf
									: &s->lists->deaf_most;
	if (d->count == 0)
		return;
	o->deaf_count = d->count;
	o->deaf_at = d->rel > s->low ? (uint64_t)(d->rel - s->low) : 0;
	o->deaf_late = d->late;
	o->deaf_fresh = d->fresh;
	o->deaf_from = d->from;
	o->deaf_to = d->to;
	o->deaf_over = d == &s->lists->deaf && peer->acked > d->heard ? s->last : d->over;
}
