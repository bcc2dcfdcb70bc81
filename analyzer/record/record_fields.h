/*
 * record_fields.h - the shape of every record and of every other line that
 * mailwhy prints, as tables.  Encoder, decoder, schema and tests walk them, so
 * a new field costs one line.
 *
 * The kind of a field is taken from its C type by the compiler; only what a
 * type cannot tell (an enum's names, an id, a time, a bound) is written down.
 */
#ifndef RECORD_FIELDS_H
#define RECORD_FIELDS_H

#include <string.h>

#include "record/record.h"

enum field_kind {
	FIELD_U64,
	FIELD_U32,
	FIELD_U16,
	FIELD_U8,
	FIELD_I64,
	FIELD_I32,
	FIELD_BOOL,
	FIELD_STRING, /* char[], UTF-8 */
	FIELD_TEXT,   /* const char *, UTF-8; NULL says the same as "" */
	FIELD_ENUM,   /* its names */
	FIELD_MOMENT,
	FIELD_ADDR,
	FIELD_ENDPOINT,
	FIELD_ID,     /* uint64_t as 16 hex digits */
	FIELD_TIME,   /* int64_t nanoseconds as text */
	FIELD_STRUCT, /* see table */
};

enum {
	FIELD_ALWAYS = 1 << 0, /* written even when zero */
	FIELD_INLINE = 1 << 1, /* a struct whose fields stand among its owner's */
	FIELD_ARRAY = 1 << 2,
	FIELD_ONLY_IF = 1 << 3,  /* written only when the bool at `cond' is set */
	FIELD_NOT_ZERO = 1 << 4, /* 0 is written as null */
	FIELD_DEEP = 1 << 5,     /* a struct that has texts or lists */
	FIELD_LIST = 1 << 6,     /* an array that the member points to: `max' elements at most */
};

struct field_names {
	const char *const *name; /* [value]; NULL = no such value */
	uint32_t count;
};

struct field {
	const char *name;
	enum field_kind kind;
	uint32_t flags;
	size_t offset, size; /* of the member; an array's in all, be it a list or not */
	size_t count_at; /* offset of a uint32_t that counts the array; 0 = to its last non-zero */
	size_t cond;
	size_t each;  /* bytes of one string of an array of strings */
	uint64_t max; /* 0 = as its type; of a text its bytes with the NUL */
	const struct field_names *names;
	const struct field_table *table;
	const char *says;
};

struct field_table {
	const char *name; /* "type" of a line; the struct's noun otherwise */
	size_t size;      /* of the struct */
	const struct field *fields;
	size_t count;
	const char *says;
};

/* Arrays decay to pointers here; an enum is an unsigned int. */
#define FIELD_KIND_OF(x) \
	_Generic((x),					\
	uint64_t: FIELD_U64, uint64_t *: FIELD_U64,			\
	uint32_t: FIELD_U32, uint32_t *: FIELD_U32,			\
	uint16_t: FIELD_U16, uint16_t *: FIELD_U16,			\
	uint8_t: FIELD_U8,						\
	int64_t: FIELD_I64, int32_t: FIELD_I32, bool: FIELD_BOOL,	\
	char *: FIELD_STRING, const char *: FIELD_TEXT,			\
	struct moment: FIELD_MOMENT, struct moment *: FIELD_MOMENT,	\
	struct addr: FIELD_ADDR, struct endpoint: FIELD_ENDPOINT)
#define FIELD_ARRAY_OF(x) \
	_Generic((x), uint64_t * \
		 : FIELD_ARRAY, uint32_t * \
		 : FIELD_ARRAY, uint16_t * \
		 : FIELD_ARRAY, struct moment * \
		 : FIELD_ARRAY, default : 0)

#define FIELD_PLACE(s, m) .offset = offsetof(struct s, m), .size = sizeof(((struct s *)0)->m)
#define FIELD_AT(s, m)    .name = #m, FIELD_PLACE(s, m)
#define FIELD_X(s, m, text, ...) \
	{ \
		FIELD_AT(s, m), .kind = FIELD_KIND_OF(((struct s *)0)->m), \
				.flags = FIELD_ARRAY_OF(((struct s *)0)->m), .says = text, \
				__VA_ARGS__ \
	}
#define FIELD_KEPT(s, m, text) \
	{ \
		FIELD_AT(s, m), .kind = FIELD_KIND_OF(((struct s *)0)->m), .flags = FIELD_ALWAYS, \
				.says = text \
	}
#define FIELD_OF(s, m, k, text, ...) \
	{ \
		FIELD_AT(s, m), .kind = k, .says = text, __VA_ARGS__ \
	}

/* FIELD_TABLE is the file's own, FIELD_TABLE_SHARED is declared in a header. */
#define FIELD_TABLE(id, s, n, text, ...) \
	static const struct field id##_fields[] = { __VA_ARGS__ }; \
	static const struct field_table id = { n, sizeof(struct s), id##_fields, \
		sizeof(id##_fields) / sizeof(id##_fields[0]), text }
#define FIELD_TABLE_SHARED(id, s, n, text, ...) \
	static const struct field id##_fields[] = { __VA_ARGS__ }; \
	const struct field_table id = { n, sizeof(struct s), id##_fields, \
		sizeof(id##_fields) / sizeof(id##_fields[0]), text }

/* What a member of the kind FIELD_TEXT says. */
static inline const char *
field_text(const void *member)
{
	const char *s;

	memcpy(&s, member, sizeof(s));
	return s != NULL ? s : "";
}

/* The first element of an array, or the member itself; NULL: a list that is not there. */
static inline const void *
field_first(const struct field *f, const void *base)
{
	const void *member = (const uint8_t *)base + f->offset, *list;

	if ((f->flags & FIELD_LIST) == 0)
		return member;
	memcpy(&list, member, sizeof(list));
	return list;
}

/* NULL: no such type. */
const struct field_table *record_table(enum record_type type);
/* 0: no record has this name. */
enum record_type record_type_by_name(const char *name);
/* Size of one element: of the member itself when it is no array. */
size_t field_element(const struct field *f);
/* How many elements an array that is counted (count_at) has in a struct at `base'. */
size_t field_counted(const struct field *f, const void *base);

/* What a number may be; no INT64_MIN, so that each has its opposite. */
static inline int64_t
field_most(const struct field *f)
{
	static const int64_t most[] = {
		[FIELD_U64] = INT64_MAX, /* what a JSON integer of jansson holds */
		[FIELD_U32] = UINT32_MAX,
		[FIELD_U16] = UINT16_MAX,
		[FIELD_U8] = UINT8_MAX,
		[FIELD_I64] = INT64_MAX,
		[FIELD_I32] = INT32_MAX,
	};

	return f->max != 0 && f->max < INT64_MAX ? (int64_t)f->max : most[f->kind];
}

static inline int64_t
field_least(const struct field *f)
{
	return f->kind == FIELD_I64 || f->kind == FIELD_I32 ? -field_most(f) : 0;
}

extern const struct field_table record_reply_table, record_key_table;
extern const struct field_names verdict_names, app_proto_names, smtp_stage_names;

const char *verdict_name(enum verdict v);
const char *app_proto_name(enum app_proto p);

#endif /* RECORD_FIELDS_H */
