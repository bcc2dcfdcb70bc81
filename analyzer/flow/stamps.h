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

#include "flow/packet.h"

struct stamps_end {
	int64_t		first_ns;	/* of the capture's clock */
	struct moment	last;
	uint32_t	first_val, last_val;
	bool		known;
	struct clock_jump stood;	/* over the last silence of this end; ns 0: it did not stand still */
};

struct stamps {
	struct stamps_end end[2];
};

/* A packet with a time stamp of end `dir'.  True: it shows that the clock was set forward; how is left in *jump. */
bool	stamps_packet(struct stamps *s, const struct packet *p, int dir, struct clock_jump *jump);

#endif /* STAMPS_H */
