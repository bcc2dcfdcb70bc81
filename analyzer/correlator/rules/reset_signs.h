/*
 * reset_signs.h - who sent a RST (S17): what tells that it was not the end in whose name it comes.
 */
#ifndef RESET_SIGNS_H
#define RESET_SIGNS_H

#include "correlator/finding/rule.h"

/* What was found; empty: the end itself may have sent it. */
struct reset_signs {
	uint32_t bits; /* RESET_* of both ends, and one that no record has */
	/*
	 * Whose TTL the RST has, in another connection: a second machine with the address, or
	 * another way to the same.  NULL = none known.
	 */
	const struct mail_case *other;
};

/* The direction whose RST came first; -1 none. */
int reset_first(const struct record_connection *c);
/* d: that direction. */
struct reset_signs reset_signs(const struct view *v, int d);
uint32_t reset_sign_count(uint32_t bits);
/* Enough of them, and of the right kind: a device in between sent it. */
bool reset_forged(uint32_t bits);
/* Beyond doubt. */
bool reset_forged_surely(uint32_t bits);
/* One shows that the session went on; the others tell only who sent the RST. */
bool reset_cut(uint32_t bits);
/* A sentence for each. */
void reset_say_signs(struct finding *f, uint32_t point, uint32_t bits);

#endif /* RESET_SIGNS_H */
