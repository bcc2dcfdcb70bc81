/* reach_say.h - words that several findings about a SYN that led nowhere share. */
#ifndef REACH_SAY_H
#define REACH_SAY_H

#include "correlator/finding/rule.h"

struct contrast;

/*
 * It failed for so long, and has not since: `did' what, `because' of what most likely, `or' what
 * else.
 */
void reach_say_over(const struct view *v, struct finding *f, const struct contrast *con,
    int64_t lasted, const char *did, const char *because, const char * or);
/*
 * The client reached another host on this port, or this one, at that time: a mail need not have
 * been stopped.
 */
void reach_say_besides(const struct view *v, struct finding *f);
/* The same over the other family of addresses, behind the summary and the remedy. */
void reach_say_family(const struct view *v, struct finding *f);
/*
 * Mail for others comes through this port: 25 or one like it.  One that a mail program sends
 * through.
 */
bool reach_port_relays(uint16_t port);
bool reach_port_submits(uint16_t port);
/* Instead of the kind's own remedy, which is about port 25. */
void reach_say_other_port(struct finding *f, uint16_t port);

#endif /* REACH_SAY_H */
