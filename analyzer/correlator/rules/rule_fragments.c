/*
 * rule_fragments.c - fragments-dropped (S20): large packets may be fragmented
 * (DF clear) and vanish; or the receiver says that fragments never became whole.
 */
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_say.h"

enum { TRAINS = 4 };

/* ICMP time exceeded in reassembly (RFC 792 11/1, RFC 4443 3/1) for this direction. */
static const struct record_icmp_error *
reassembly_error(const struct way *w)
{
	for (uint32_t i = 0; i < w->c->icmp_count; i++) {
		const struct record_icmp_error *e = w->c->icmp[i];

		if (e->dir == w->dir && e->code == 1 && e->type == (e->family == 6 ? 3 : 11))
			return e;
	}
	return NULL;
}

static const struct record_stall *
stall_unfragmented(const struct way *w, const struct told *t)
{
	const struct record_stall *s;
	uint32_t i = 0;

	while ((s = way_stall(w, &i)) != NULL) {
		struct proven l;

		if (!stall_long(s) || !s->df_clear || s->zero_window || stall_one_way_dead(s))
			continue;
		if (t->least != NULL && !t->late && t->least->mtu < s->u)
			continue;
		l = lookup_proven(w->v->lookups, w->from, w->to, s->first.ns, PATH_EPOCH);
		if (l.w < s->u)
			return s;
	}
	return NULL;
}

static void
report(const struct way *w, const struct record_stall *s, const struct record_icmp_error *e,
    struct verdicts *out)
{
	struct live_elsewhere others = { .bits = 0 };
	bool trains = s != NULL && s->fragment_trains >= TRAINS && s->proven > 0, alive;
	enum confidence conf;
	struct finding *f;
	char from[64];

	if (s != NULL)
		others = way_live_elsewhere(w, s->first.ns, s->last.ns);
	alive = (s != NULL && s->live != 0) || others.bits != 0;
	/* S6: what dies at its first large packet looks the same */
	conf = e != NULL || (trains && alive) ? CONFIDENCE_CONFIRMED
	    : alive                           ? CONFIDENCE_PROBABLE
					      : CONFIDENCE_POSSIBLE;
	f = verdict_add(out, FINDING_FRAGMENTS_DROPPED, way_gate(w, conf), w->c, w->dir);
	if (e != NULL) {
		addr_format(&e->from, from, sizeof(from));
		evidence_frame(finding_says(f, w->c->point,
				   "%s gave up waiting for the rest of a fragmented packet", from),
		    &e->at);
		finding_span(f, &e->at, &e->last);
	}
	if (s != NULL) {
		struct mtu_bounds b = {
			.family = w->from->family, .proven = s->proven, .lost = s->u
		};

		finding_span(f, &s->first, &s->last);
		say_chain(f, w, s);
		say_proven(f, w, s);
		say_liveness(f, w, s, &others);
		mtu_estimate(&b, f);
		say_mtu_remedy(f, w);
	}
	if (trains)
		finding_says(f, w->c->point,
		    "%u complete train%s of fragments left here, none was acknowledged",
		    s->fragment_trains, PLURAL(s->fragment_trains));
	if (conf == CONFIDENCE_CONFIRMED)
		finding_summary(f,
		    "Large packets travel as IP fragments, and the fragments are dropped on the way.");
	else if (alive)
		finding_summary(f,
		    "Packets of %u bytes that may be fragmented (DF clear) vanish while smaller ones pass: a tunnel or a filter that "
		    "drops fragments, or a path-MTU black hole.",
		    s->u);
	else
		finding_summary(f,
		    "Packets of %u bytes that may be fragmented (DF clear) vanish%s. Either something on the way drops fragments or large "
		    "packets, or the path died when the first of them was sent: nothing small was sent meanwhile.",
		    s->u, s->proven > 0 ? "; smaller ones passed before" : "");
	if (conf != CONFIDENCE_CONFIRMED)
		finding_next_capture(f, "dropped fragments",
		    alive ? "a path-MTU black hole"
			  : "a path-MTU black hole, or a path that died at that moment",
		    "the packets behind the router, fragmented or not",
		    "behind the sender's router");
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		struct told t = way_told(&w);
		const struct record_icmp_error *e = reassembly_error(&w);
		const struct record_stall *s;

		if (!way_two_sided(&w) ||
		    verdict_claimed(out, v->c, d, FINDING_ICMP_FRAG_NEEDED_IGNORED) != NULL ||
		    verdict_claimed(out, v->c, d, FINDING_PMTU_BLACK_HOLE_RECOVERED) != NULL)
			continue;
		s = stall_unfragmented(&w, &t);
		/* one train that never became whole while others did is loss */
		if (s != NULL || (e != NULL && w.a->proven < e->quoted_len))
			report(&w, s, e, out);
	}
}

const struct rule rule_fragments = { "fragments", RULE_CASE, judge, true };
