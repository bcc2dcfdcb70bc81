/*
 * stamps.h - the senders' clocks against the capture's: TCP time stamps
 * (RFC 7323) of both ends of a connection.
 *
 * Where the capture's clock says that seconds went by, and the time stamps of
 * both ends say that they did not, the capture's clock was set forward.  One
 * end alone may have slept; two in the same moment do not.
 */
#ifndef STAMPS_H
#define STAMPS_H

#include "flow/packet/packet.h"

#define STAMPS_SILENCE INT64_C(2000000000)

struct stamps_end {
	int64_t first_ns; /* of the capture's clock */
	struct moment last;
	uint32_t first_val, last_val;
	bool known;
	struct clock_jump stood; /* over the last silence in which this end did; ns 0: none */
};

struct stamps {
	struct stamps_end end[2];
};

/*
 * By the clock of end `dir' its packet comes within `within' of the one before it, though the
 * capture's clock tells of a longer silence: the same connection goes on.
 */
bool stamps_go_on(const struct stamps *s, const struct packet *p, int dir, int64_t within);
/* The first packet of an end, one behind a silence, or one that was overtaken. */
bool stamps_seldom(struct stamps *s, const struct packet *p, int dir, struct clock_jump *jump);

/* A packet of end `dir'.  True: it shows that the clock was set forward; how is left in *jump. */
static inline bool
stamps_packet(struct stamps *s, const struct packet *p, int dir, struct clock_jump *jump)
{
	struct stamps_end *e = &s->end[dir];

	if (!p->has_ts)
		return false;
	if (!e->known || p->at.ns - e->last.ns >= STAMPS_SILENCE ||
	    (int32_t)(p->tsval - e->last_val) < 0 || (p->flags & TCP_RST) != 0)
		return stamps_seldom(s, p, dir, jump);
	e->last = p->at;
	e->last_val = p->tsval;
	return false;
}

#endif /* STAMPS_H */
