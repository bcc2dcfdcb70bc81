/* reach.h - what the files about a SYN that led nowhere share: rule_reach.c, reach_silence.c. */
#ifndef REACH_H
#define REACH_H

#include "correlator/finding/rule.h"

/*
 * Nothing answers.  `many': a client that tries hosts all over; then it is about its way out, if
 * about anything.
 */
void reach_silence(const struct view *v, bool many, struct verdicts *out);

static inline uint32_t
last_syn_nr(const struct record_connection *n)
{
	uint32_t k = n->syn_count < RECORD_SYNS ? n->syn_count : RECORD_SYNS;

	return k > 0 ? k - 1 : 0;
}

static inline int64_t
last_syn_ns(const struct mail_case *c)
{
	return c->conn->syn_count > 0 ? c->conn->syn[last_syn_nr(c->conn)].ns : c->conn->first.ns;
}

#endif /* REACH_H */
