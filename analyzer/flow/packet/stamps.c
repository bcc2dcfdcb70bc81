#include "flow/packet/stamps.h"

#include <string.h>

#define SECOND_NS INT64_C(1000000000)

static const int64_t jump_least = SECOND_NS;                      /* smaller steps accuse nobody */
static const int64_t tick_least = 1000000, tick_most = SECOND_NS; /* RFC 7323 5.4 */
enum { TICKS_LEAST = 20 };                                        /* to measure one over */

static void
end_begin(struct stamps_end *e, const struct packet *p)
{
	e->known = true;
	e->first_ns = p->at.ns;
	e->first_val = p->tsval;
}

/*
 * As measured, which may be half of what it is, as the network delays some more than others; else
 * the longest.
 */
static int64_t
tick_at_most(const struct stamps_end *e)
{
	uint32_t ticks = e->last_val - e->first_val;
	int64_t tick = ticks < TICKS_LEAST ? tick_most : (e->last.ns - e->first_ns) / ticks;

	tick = tick < tick_least ? tick_least : tick;
	return tick * 2 < tick_most ? tick * 2 : tick_most;
}

/*
 * How far at least the capture's clock ran ahead of this end's since its last packet; 0: it need
 * not have.
 */
static int64_t
end_stood(const struct stamps_end *e, const struct packet *p)
{
	int64_t silence = p->at.ns - e->last.ns,
		lived = tick_at_most(e) * (uint32_t)(p->tsval - e->last_val);

	if (p->tsval == e->first_val) /* an end whose stamps never move tells nothing */
		return 0;
	return lived < silence ? silence - lived : 0;
}

bool
stamps_go_on(const struct stamps *s, const struct packet *p, int dir, int64_t within)
{
	const struct stamps_end *e = &s->end[dir];

	if (!p->has_ts || !e->known || (p->flags & (TCP_SYN | TCP_RST)) != 0 ||
	    (int32_t)(p->tsval - e->last_val) < 0)
		return false;
	return p->at.ns - e->last.ns - end_stood(e, p) <= within;
}

bool
stamps_seldom(struct stamps *s, const struct packet *p, int dir, struct clock_jump *jump)
{
	struct stamps_end *e = &s->end[dir], *peer = &s->end[!dir];
	const struct clock_jump *a = &e->stood, *b = &peer->stood;
	bool both = false;

	if ((p->flags & TCP_RST) != 0)
		return false;
	if (!e->known) {
		end_begin(e, p);
	} else if ((int32_t)(p->tsval - e->last_val) < 0) {
		return false; /* overtaken */
	} else if (p->at.ns - e->last.ns >= STAMPS_SILENCE) {
		struct clock_jump stood = { e->last, p->at, end_stood(e, p) };

		if (stood.ns >=
		    jump_least) { /* else what is known stays: the other end may speak later */
			e->stood = stood;
			end_begin(e, p); /* what was before is of another clock */
			both =
			    b->ns >= jump_least && a->from.ns < b->to.ns && b->from.ns < a->to.ns;
		}
	}
	e->last = p->at;
	e->last_val = p->tsval;
	if (both) {
		jump->from = a->from.ns >= b->from.ns ? a->from : b->from;
		jump->to = a->to.ns < b->to.ns ? a->to : b->to;
		jump->ns = a->ns > b->ns ? a->ns : b->ns;
	}
	return both;
}
