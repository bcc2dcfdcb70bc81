/*
 * rule_recovered.c - pmtu-black-hole-recovered: the same bytes vanish in large
 * segments and pass at once in smaller ones, without a word of any router.
 */
#include "correlator/facts/chance.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_say.h"

#define P_SURE   1e-3
#define P_LIKELY 5e-2

/*
 * Size and time of what carried the first byte at last: alone, smaller, and acknowledged at once
 * (0.2, clean proof); NULL = none.
 */
static const struct transmission *
passed_smaller(const struct way *w, const struct record_stall *s)
{
	const struct transmission *t = s->chain_len > 0 ? &s->chain[s->chain_len - 1] : NULL;

	if (t == NULL || t->lost || t->super || t->w >= s->u ||
	    s->delivered.ns - t->ns >= PATH_SECOND / 2 + 4 * w->rtt)
		return NULL;
	return t;
}

/* The sender cut the same bytes anew, or CONFIDENCE_CANNOT_TELL. */
static enum confidence
recovered(const struct way *w, const struct record_stall *s, const struct told *t)
{
	double p;

	if (s->chain_above < 2 || s->u <= s->proven ||
	    s->u <= (s->from.ip.family == 6 ? 1280 : 576) || s->delivered.frame == 0 ||
	    s->zero_window || stall_small_lost(s))
		return CONFIDENCE_CANNOT_TELL;
	if ((t->least != NULL && !t->late) || t->zero != NULL ||
	    lookup_proven(w->v->lookups, w->from, w->to, s->first.ns, PATH_EPOCH).w >= s->u)
		return CONFIDENCE_CANNOT_TELL;
	p = fisher(s->n_lost_ge, s->n_ok_ge, s->n_lost_lt, s->n_ok_lt);
	if (s->delivered_smaller && p <= P_SURE)
		return s->chain_above >= 4 ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
	/*
	 * A short mail, or offload that hides what size most packets had: too few for certainty,
	 * but none speaks against it.
	 */
	if (s->chain_above >= 3 && passed_smaller(w, s) != NULL && p <= P_LIKELY &&
	    s->n_ok_ge == 0 && s->n_lost_lt == 0)
		return CONFIDENCE_POSSIBLE;
	return CONFIDENCE_CANNOT_TELL;
}

static void
report(const struct way *w, const struct record_stall *s, const struct told *t,
    enum confidence conf, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_PMTU_BLACK_HOLE_RECOVERED, way_gate(w, conf), w->c, w->dir);
	uint32_t passed = s->delivered_smaller ? s->delivered_w : passed_smaller(w, s)->w;
	struct mtu_bounds b = { .family = w->from->family, .proven = s->proven, .lost = s->u };

	if (t->least != NULL)
		mtu_told(&b, t->least->mtu);
	mtu_estimate(&b, f);
	finding_span(f, &s->first, &s->delivered);
	f->over = stall_over(w, s);
	say_chain(f, w, s);
	finding_says(f, w->c->point, "it passed in packets of %u bytes", passed);
	say_proven(f, w, s);
	if (t->least != NULL)
		say_told(f, w, t->least);
	if (t->least != NULL)
		finding_summary(f,
		    "Packets of %u bytes vanish; a router says why only %.1f s later, and then smaller ones (%u bytes) pass. A router should say "
		    "so at once: what it says is lost on the way at times, or it says it seldom.",
		    s->u, seconds(t->least->at.ns - s->first.ns), passed);
	else if (conf == CONFIDENCE_POSSIBLE)
		finding_summary(f,
		    "Packets of %u bytes did not arrive, and no router said why; after %.1f s the sender tried smaller ones (%u bytes), and these "
		    "passed at once. If it was their size, every large transfer first stalls so long.",
		    s->u, seconds(way_lasted(w, s->first.ns, s->delivered.ns)), passed);
	else
		finding_summary(f,
		    "Packets of %u bytes vanish and no router says why; after %.1f s the sender tried smaller ones (%u bytes) and they passed "
		    "at once. Mail goes through, but every large transfer first stalls so long.",
		    s->u, seconds(way_lasted(w, s->first.ns, s->delivered.ns)), passed);
	finding_exclude(f, FINDING_HIGH_LOSS,
	    "no packet of %u bytes or more arrived, %u smaller ones did (p = %.1e)", s->u,
	    s->n_ok_lt, fisher(s->n_lost_ge, s->n_ok_ge, s->n_lost_lt, s->n_ok_lt));
	if (t->least == NULL)
		finding_exclude(f, FINDING_ICMP_FRAG_NEEDED_OBEYED,
		    "no ICMP message about size in the capture, and the sender waited %.1f s",
		    seconds(way_lasted(w, s->first.ns, s->delivered.ns)));
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
	say_location(f, w, s->u);
	say_mtu_remedy(f, w);
	if (conf == CONFIDENCE_POSSIBLE)
		finding_next_capture(f, "a size that does not pass",
		    "large packets that were lost by chance", "more large packets than these few",
		    "at the sender");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		struct told t = way_told(&w);
		const struct record_stall *s;
		enum confidence conf;
		uint32_t i = 0;

		if (!way_two_sided(&w) ||
		    verdict_claimed(out, v->c, d, FINDING_ICMP_FRAG_NEEDED_IGNORED) != NULL)
			continue;
		while ((s = way_stall(&w, &i)) != NULL)
			if ((conf = recovered(&w, s, &t)) != CONFIDENCE_CANNOT_TELL) {
				report(&w, s, &t, conf, out);
				break;
			}
	}
}

const struct rule rule_recovered = { "recovered", RULE_CASE, judge, true };
