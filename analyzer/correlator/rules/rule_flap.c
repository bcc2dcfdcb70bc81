/*
 * rule_flap.c - path-outage that comes and goes: each time too short for S11, but over and over
 * nothing passes for a second and more, and then all does again.
 */
#include <stdio.h>

#include "correlator/facts/stalls.h"

enum { TIMES_LEAST = 3, LOST_LEAST = 6, TOLD = 4 };

#define LASTS_LEAST PATH_SECOND

/*
 * So many that were lost, one behind the other, with nothing that passed between them, are no loss
 * by chance: at one in four that is one in four thousand, and it is asked for three times.
 */
static uint32_t
lost_together(const struct record_stall *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->lost_count && i < RECORD_CHAIN; i++)
		n += s->lost_frames[i].ns >= s->first.ns && s->lost_frames[i].ns <= s->lost_last.ns;
	return n;
}

static bool
is_moment(const struct way *w, const struct record_stall *s)
{
	return moment_is(&s->delivered) && !s->delivered_smaller && !s->zero_window &&
	    s->w_min > 0 && s->chain_lost >= 2 && s->live_any == 0 && s->peer_new == 0 &&
	    s->later_delivered == 0 && lost_together(s) >= LOST_LEAST &&
	    way_lasted(w, s->first.ns, s->delivered.ns) >= LASTS_LEAST;
}

struct moments {
	const struct record_stall *told[TOLD], *last;
	uint32_t count;
	int64_t shortest, longest;
};

static void
moments_gather(const struct way *w, struct moments *m)
{
	const struct record_stall *s;
	uint32_t i = 0;

	while ((s = way_stall(w, &i)) != NULL) {
		int64_t lasted;

		if (!is_moment(w, s))
			continue;
		lasted = way_lasted(w, s->first.ns, s->delivered.ns);
		if (m->count == 0 || lasted < m->shortest)
			m->shortest = lasted;
		if (lasted > m->longest)
			m->longest = lasted;
		if (m->count < TOLD)
			m->told[m->count] = s;
		m->last = s;
		m->count++;
	}
}

static void
say(const struct way *w, const struct moments *m, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_PATH_OUTAGE, way_gate(w, CONFIDENCE_PROBABLE), w->c, w->dir);
	char lasted[64];

	f->severity = SEVERITY_WARNING;
	f->over = true;
	finding_subkind(f, "comes-and-goes");
	finding_span(f, &m->told[0]->first, &m->last->delivered);
	for (uint32_t i = 0; i < m->count && i < TOLD; i++)
		evidence_frame(
		    evidence_frame(
			evidence_frame(
			    finding_says(f, w->c->point,
				"%.1f s in which nothing was acknowledged%s: %u%s packets lost one behind the other, then they pass as large as they were",
				seconds(
				    way_lasted(w, m->told[i]->first.ns, m->told[i]->delivered.ns)),
				i == TOLD - 1 && m->count > TOLD ? " (more follow)" : "",
				lost_together(m->told[i]),
				lost_together(m->told[i]) >= RECORD_CHAIN ? " and more" : ""),
			    &m->told[i]->first),
			&m->told[i]->lost_last),
		    &m->told[i]->delivered);
	snprintf(lasted, sizeof(lasted),
	    m->longest - m->shortest < PATH_SECOND / 10 ? "%.1f s" : "%.1f to %.1f s",
	    seconds(m->shortest), seconds(m->longest));
	finding_summary(f,
	    "%u times nothing of this sender was acknowledged for %s, and then all was again: the path comes and goes.",
	    m->count, lasted);
	finding_remedy(f,
	    "Look for what interrupts the line for moments: Wi-Fi that searches for another station, a loose plug, two routers or links that take turns (their logs "
	    "at these times), an address that two machines have. What comes at even distances has a clock.");
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE, "the same packets passed each time in the end");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		struct moments m = { 0 };

		if (!way_two_sided(&w) || way_claimed(&w, out, 4, 7) || w.b->options_cut)
			continue;
		moments_gather(&w, &m);
		if (m.count >= TIMES_LEAST)
			say(&w, &m, out);
	}
}

const struct rule rule_flap = { "flap", RULE_MAIL, judge, false };
