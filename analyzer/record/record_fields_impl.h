/*
 * record_fields_impl.h - how record_fields*.c write their tables: S is the
 * struct at hand, each line a member and what it says.
 */
#ifndef RECORD_FIELDS_IMPL_H
#define RECORD_FIELDS_IMPL_H

#include "record/record_fields.h"

#define NAMES(id, ...) \
	static const char *const id##_text[] = { __VA_ARGS__ }; \
	const struct field_names id = { id##_text, sizeof(id##_text) / sizeof(id##_text[0]) }
#define LOCAL_NAMES(id, ...) \
	static const char *const id##_text[] = { __VA_ARGS__ }; \
	static const struct field_names id = { id##_text, sizeof(id##_text) / sizeof(id##_text[0]) }

#define F(m, text)              FIELD_X(S, m, text, .max = 0)
#define MAX(m, top, text)       FIELD_X(S, m, text, .max = top)
#define TEXT(m, top, text)      FIELD_OF(S, m, FIELD_TEXT, text, .max = top)
#define KEEP(m, text)           FIELD_KEPT(S, m, text)
#define KEEP_TEXT(m, top, text) FIELD_OF(S, m, FIELD_TEXT, text, .flags = FIELD_ALWAYS, .max = top)
#define KEEP_AS(m, json, text) \
	{ \
		FIELD_PLACE(S, m), .name = json, .kind = FIELD_KIND_OF(((struct S *)0)->m), \
				   .flags = FIELD_ALWAYS, .says = text \
	}
#define ENUM(m, n, text)      FIELD_OF(S, m, FIELD_ENUM, text, .names = &n)
#define KEEP_ENUM(m, n, text) FIELD_OF(S, m, FIELD_ENUM, text, .names = &n, .flags = FIELD_ALWAYS)
#define ID(m, text)           FIELD_OF(S, m, FIELD_ID, text, .max = 0)
#define TIME(m, text)         FIELD_OF(S, m, FIELD_TIME, text, .max = 0)
#define TIME_AS(m, json, text) \
	{ \
		FIELD_PLACE(S, m), .name = json, .kind = FIELD_TIME, .says = text \
	}
#define REPLY(m, text) \
	FIELD_OF(S, m, FIELD_STRUCT, text, .table = &record_reply_table, .flags = FIELD_DEEP)
#define STRUCTS(m, t, text) FIELD_OF(S, m, FIELD_STRUCT, text, .table = &t, .flags = FIELD_ARRAY)
#define LIST(m, most, counter, t, text) \
	{ \
		.name = #m, .offset = offsetof(struct S, m), .kind = FIELD_STRUCT, \
		.size = (most) * sizeof(*((struct S *)0)->m), .flags = FIELD_ARRAY | FIELD_LIST, \
		.count_at = offsetof(struct S, counter), .table = &t, .says = text \
	}
#define KEY \
	FIELD_OF( \
	    S, key, FIELD_STRUCT, "identity", .table = &record_key_table, .flags = FIELD_INLINE)

extern const struct field_table connection_table, stall_table, icmp_error_table, path_table;
extern const struct field_table host_table, session_table, transaction_table, recipient_table,
    message_table;

#endif /* RECORD_FIELDS_IMPL_H */
