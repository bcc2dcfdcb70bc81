/*
 * rule_recovered.c - pmtu-black-hole-recovered: the same bytes vanish in large
 * segments and pass at once in smaller ones, without a word of any router.
 */
#include "path_facts.h"

#define P_SURE 1e-3

static bool
recovered(const struct way *w, const struct record_stall *s, const struct told *t)
{
	struct proven l;

	if (s->chain_above < 2 || s->u <= s->proven || s->u <= (s->from.ip.family == 6 ? 1280 : 576) || s->delivered.frame == 0 || !s->delivered_smaller || s->zero_window)
		return false;
	if ((t->least != NULL && !t->late) || t->zero)
		return false;
	if (fisher(s->n_lost_ge, s->n_ok_ge, s->n_lost_lt, s->n_ok_lt) > P_SURE)
		return false;
	l = store_proven(w->v->store, w->from, w->to, s->first.ns, PATH_EPOCH);
	return l.w < s->u;
}

static void
report(const struct way *w, const struct record_stall *s, const struct told *t, struct verdicts *out)
{
	enum confidence conf = way_gate(w, s->chain_above >= 4 ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE);
	struct finding *f = verdict_add(out, FINDING_PMTU_BLACK_HOLE_RECOVERED, conf, w->c, w->dir);
	struct mtu_bounds b = { .family = w->from->family, .proven = s->proven, .lost = s->u };

	if (t->least != NULL)
		mtu_told(&b, t->least->mtu);
	mtu_estimate(&b, f);
	finding_span(f, &s->first, &s->delivered);
	say_chain(f, w, s);
	finding_says(f, w->c->point, "it passed in packets of %u bytes", s->delivered_w);
	say_proven(f, w, s);
	if (t->least != NULL)
		say_told(f, w, t->least);
	if (t->least != NULL)
		finding_summary(f, "Packets of %u bytes vanish; a router says why only %.1f s later, and then smaller ones (%u bytes) pass. A router should say "
		    "so at once: what it says is lost on the way at times, or it says it seldom.", s->u, seconds(t->least->at.ns - s->first.ns), s->delivered_w);
	else
		finding_summary(f, "Packets of %u bytes vanish and no router says why; after %.1f s the sender tried smaller ones (%u bytes) and they passed "
		    "at once. Mail goes through, but every large transfer first stalls so long.", s->u, seconds(s->delivered.ns - s->first.ns),
		    s->delivered_w);
	finding_exclude(f, FINDING_HIGH_LOSS, "no packet of %u bytes or more arrived, %u smaller ones did (p = %.1e)", s->u, s->n_ok_lt,
	    fisher(s->n_lost_ge, s->n_ok_ge, s->n_lost_lt, s->n_ok_lt));
	if (t->least == NULL)
		finding_exclude(f, FINDING_ICMP_FRAG_NEEDED_OBEYED, "no ICMP message about size in the capture, and the sender waited %.1f s",
		    seconds(s->delivered.ns - s->first.ns));
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
	say_location(f, w, s->u);
	say_mtu_remedy(f, w);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		struct told t = way_told(&w);
		const struct record_stall *s;
		uint32_t i = 0;

		if (!way_two_sided(&w) || verdict_claimed(out, v->c, d, FINDING_ICMP_FRAG_NEEDED_IGNORED) != NULL)
			continue;
		while ((s = way_stall(&w, &i)) != NULL)
			if (recovered(&w, s, &t)) {
				report(&w, s, &t, out);
				break;
			}
	}
}

const struct rule rule_recovered = { "recovered", RULE_CASE, judge };
