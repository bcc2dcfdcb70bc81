/*
 * record_copy.h - making and copying records without the bytes that say
 * nothing: a struct record is as large as the largest of its kind, and of a
 * session's refusals most are not there.
 */
#ifndef RECORD_COPY_H
#define RECORD_COPY_H

#include <string.h>

#include "record/record.h"

/* An empty record of this type.  The rest of the union stays as it is: nobody may read it. */
static inline void
record_begin(struct record *r, enum record_type type, size_t size)
{
	r->type = type;
	memset(&r->key, 0, size);
}
#define RECORD_BEGIN(r, type, member)	record_begin(r, type, sizeof((r)->member))

/* An empty session without room for refusals, to be freed; NULL: no memory. */
struct record_session *session_new(void);

/* What of a session there is. */
static inline size_t
session_bytes(const struct record_session *s)
{
	return offsetof(struct record_session, refusals) + s->refusals_kept * sizeof(s->refusals[0]);
}

/* `refusals': where those of `from' are. */
static inline void
session_copy(struct record_session *to, const struct record_session *from,
    const struct session_refusal *refusals)
{
	size_t head = offsetof(struct record_session, refusals);

	memcpy(to, from, head);
	if (from->refusals_kept > 0)
		memcpy(to->refusals, refusals, session_bytes(from) - head);
}

#endif /* RECORD_COPY_H */
