/*
 * record_copy.h - making and copying records without the bytes that say
 * nothing: a struct record is as large as the largest of its kind, of a
 * session's refusals most are not there, texts and lists are as long as they
 * are.
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
#define RECORD_BEGIN(r, type, member) record_begin(r, type, sizeof((r)->member))

/*
 * A record of its own, as its struct: one allocation with all its texts and
 * lists, none of them NULL, to be given to free().  `size': its bytes.  NULL: no
 * memory.
 */
void *record_keep(const struct record *r, size_t *size);
/* What the copy takes, or took; every record begins with its key. */
size_t record_bytes(enum record_type type, const struct record_key *record);

/*
 * Records that are being made own each of their texts.  What is put there
 * takes the place of what was there; false: no memory, there is none now.
 */
bool text_own(const char **text, size_t max, const void *src, size_t len);
void text_disown(const char **text);
bool reply_own(struct record_reply *to, const struct record_reply *from); /* all of it */
void refusal_disown(struct session_refusal *r);
void transaction_disown(struct record_transaction *t);

/* An empty session without room for refusals; NULL: no memory. */
struct record_session *session_new(void);
void session_free(struct record_session *s, struct session_refusal *refusals); /* and them */

/* What of a session there is. */
static inline size_t
session_bytes(const struct record_session *s)
{
	return offsetof(struct record_session, refusals) +
	    s->refusals_kept * sizeof(s->refusals[0]);
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
