/*
 * told.h - what was told of findings while they are made: each once, and again
 * when it changes.
 *
 * All that stand at once are remembered (the correlator bounds them), and what a
 * turn did not name any more is forgotten.  What no memory is left for is not told
 * before the end, which is counted: to tell it at every turn would be worse.
 */
#ifndef TOLD_H
#define TOLD_H

#include "correlator/finding/finding.h"

struct told *told_new(void); /* NULL: no memory */
/* All findings that stand are named now, one after the other. */
void told_turn(struct told *t);
/* Is there something new to say of it?  `revisions': they are news, too.  It is taken for told. */
bool told_is_news(struct told *t, const struct finding *f, bool revisions);
uint64_t told_left(const struct told *t); /* findings of this turn that had no room */
void told_free(struct told *t);           /* NULL is fine */

#endif /* TOLD_H */
