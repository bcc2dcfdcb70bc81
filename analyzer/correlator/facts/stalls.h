/*
 * stalls.h - what a stall tells (diagnosis 1A): bytes that one direction sent again and again, and
 * that were not acknowledged (struct record_stall).  How long, of which size, what else passed.
 */
#ifndef STALLS_H
#define STALLS_H

#include "correlator/facts/path_facts.h"

#define STALL_LEAST (3 * PATH_SECOND) /* 1A, condition 2 */

/*
 * The next stall of the direction, from *i on; NULL at the end.  Not those that a jump of the
 * capture's clock alone made long.
 */
const struct record_stall *way_stall(const struct way *w, uint32_t *i);
/*
 * Conditions 1 and 2 of pmtu-black-hole: four transmissions, all lost, over 3 s; of the last the
 * capture may not show it.
 */
bool stall_long(const struct record_stall *s);
bool stall_sure(const struct record_stall *s); /* of none it does not */
/* What stands still is so small that every path carries it: it is not about size. */
bool stall_carried(const struct record_stall *s);
/* Nothing of A came through while it lasted. */
bool stall_silent(const struct record_stall *s);
/* Nor was it about size. */
bool stall_dead(const struct record_stall *s);
/* S22: B went on repeating what A had acknowledged. */
bool stall_one_way_dead(const struct record_stall *s);
/* It ended, and none that had begun by then did not. */
bool stall_over(const struct way *w, const struct record_stall *s);
/*
 * It had begun by then, and was not over: what is never acknowledged lasts until it would have been
 * sent again.
 */
bool stall_lasts(const struct record_stall *s, int64_t ns);
/*
 * A packet no larger than what passed was lost in it as well: its size is not what it failed for.
 */
bool stall_small_lost(const struct record_stall *s);
/*
 * The receiver repeated its ACK for packets as large as the one that stands still: that size does
 * arrive.
 */
bool stall_heard_large(const struct record_stall *s);
/*
 * Besides the chain so many were lost that some byte may well have had no luck
 * so many times in a row: then it is the loss that is to be said.
 */
bool stall_by_chance(const struct record_stall *s, uint32_t lost_besides);

/* A said again and again, for seconds, what B had acknowledged here: it does not hear B. */
bool way_deaf(const struct way *w);
/* ... and s, of the same direction at another point, are the bytes that it said again. */
bool way_deaf_here(
    const struct way *w, const struct record_direction *there, const struct record_stall *s);

#endif /* STALLS_H */
