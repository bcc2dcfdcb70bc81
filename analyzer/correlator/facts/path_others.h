/*
 * path_others.h - what other connections of the same two hosts, seen at the same point, tell of a
 * way: that it lived while this one stood still, which sizes it carries.
 */
#ifndef PATH_OTHERS_H
#define PATH_OTHERS_H

#include "correlator/facts/stalls.h"

enum { LIVE_L4 = 1 << 8, LIVE_L5 = 1 << 9 };
struct live_elsewhere {
	uint32_t bits;
	struct moment l4, l5;
	uint32_t l4_point, l5_point;
};
/* L4, L5: what other connections tell of the way while the stall lasted. */
struct live_elsewhere way_live_elsewhere(const struct way *w, int64_t from, int64_t to);
/*
 * The largest segment of A seen here on any connection of the path in the epoch, super-segments
 * too.
 */
bool way_full_size_seen(const struct way *w, uint32_t size, int64_t at);
/*
 * A new connection of the two, to the same port, that began while this one stood still, and of
 * which no SYN is answered: what is smallest does not come through either.  NULL = none.
 */
const struct mail_case *way_unanswered(const struct way *w, const struct record_stall *s);

#endif /* PATH_OTHERS_H */
