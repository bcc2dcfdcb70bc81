/* kept.h - records that outlive the call that told them, till the end of a test program. */
#ifndef KEPT_H
#define KEPT_H

#include <stdlib.h>

#include "record/record_copy.h"

static struct kept {
	struct kept *next;
	void *record;
} * kept_all;

/* The record by itself; the test's own copies of it may point to its texts. */
static inline const void *
kept(const struct record *r)
{
	struct kept *k = malloc(sizeof(*k));
	size_t size;

	if (k == NULL || (k->record = record_keep(r, &size)) == NULL)
		abort();
	k->next = kept_all;
	kept_all = k;
	return k->record;
}

static inline void
kept_session(struct record_session *to, const struct record *r)
{
	const struct record_session *s = kept(r);

	memset(to, 0, sizeof(*to));
	session_copy(to, s, s->refusals);
}

#endif /* KEPT_H */
