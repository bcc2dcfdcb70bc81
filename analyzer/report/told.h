/*
 * told.h - what was told of findings while they are made: each once, and again
 * when it changes.
 *
 * Some thousands are remembered.  When there is no more room those are
 * forgotten that the last turn did not name any more; if it named them all,
 * further ones are not told before the end, which is counted: to tell them at
 * every turn would be worse.
 */
#ifndef TOLD_H
#define TOLD_H

#include "correlator/finding/finding.h"

#define TOLD_MAX	4096u

struct told	*told_new(void);		/* NULL: no memory */
/* All findings that stand are named now, one after the other. */
void		 told_turn(struct told *t);
/* Is there something new to say of it?  `revisions': they are news, too.  It is taken for told. */
bool		 told_is_news(struct told *t, const struct finding *f, bool revisions);
uint64_t	 told_left(const struct told *t);	/* findings of this turn that had no room */
void		 told_free(struct told *t);	/* NULL is fine */

#endif /* TOLD_H */
