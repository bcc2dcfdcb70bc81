/* random_record.h - records with random content in every field, by their tables. */
#ifndef RANDOM_RECORD_H
#define RANDOM_RECORD_H

#include <string.h>

#include "record/record_fields.h"
#include "record/text.h"
#include "record/when.h"

static uint64_t random_state = 88172645463325252ULL;

static inline uint64_t
random_next(void) /* xorshift64, Marsaglia */
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Small and extreme values are as likely as any other. */
static inline uint64_t
random_number(uint64_t max)
{
	switch (random_next() % 6) {
	case 0: return 0;
	case 1: return max;
	case 2: return max < 9 ? max : random_next() % 10;
	default: return max == UINT64_MAX ? random_next() : random_next() % (max + 1);
	}
}

static inline int64_t
random_time(void)
{
	return WHEN_LEAST + (int64_t)random_number((uint64_t)(WHEN_MOST - WHEN_LEAST));
}

static inline struct addr
random_addr(void)
{
	struct addr a = { 0 };

	if (random_next() % 4 == 0)
		return a;
	a.family = random_next() % 2 ? 4 : 6;
	for (int i = 0; i < (a.family == 4 ? 4 : 16); i++)
		a.b[i] = (uint8_t)random_number(255);
	return a;
}

static inline void
random_string(char *p, size_t size)
{
	char raw[700];
	size_t n = random_next() % 3 == 0
	    ? 0
	    : random_next() % (sizeof(raw) < size * 2 ? sizeof(raw) : size * 2);

	for (size_t i = 0; i < n; i++)
		raw[i] = (char)(random_next() % 3 ? 'a' + random_next() % 26 : random_next());
	text_copy_utf8(p, size, raw, n);
}

/* Room for the texts of the last hundreds of records. */
static char random_pool[8 << 20], *random_room = random_pool;

static inline const char *
random_text(size_t size)
{
	char *p = random_room;

	random_string(p, size);
	random_room += strlen(p) + 1;
	return p;
}

static inline uint8_t *
random_list(uint8_t *member, size_t size)
{
	char *p = random_room + -(uintptr_t)random_room % 8;

	memset(p, 0, size);
	random_room = p + size;
	memcpy(member, &p, sizeof(p));
	return (uint8_t *)p;
}

static inline void random_struct(const struct field_table *t, uint8_t *base);

static inline void
random_element(const struct field *f, uint8_t *p)
{
	struct moment m = { 0 };
	struct endpoint e;
	const char *s;
	uint64_t v;
	size_t size = field_element(f);

	memset(&e, 0, sizeof(e));
	switch (f->kind) {
	case FIELD_STRING: random_string((char *)p, size); return;
	case FIELD_TEXT:
		s = random_text(f->max);
		memcpy(p, &s, sizeof(s));
		return;
	case FIELD_STRUCT: random_struct(f->table, p); return;
	case FIELD_MOMENT:
		m.ns = random_time();
		m.frame = random_number(INT64_MAX);
		memcpy(p, &m, sizeof(m));
		return;
	case FIELD_ADDR:
		e.ip = random_addr();
		memcpy(p, &e.ip, sizeof(e.ip));
		return;
	case FIELD_ENDPOINT:
		e.ip = random_addr();
		e.port = (uint16_t)random_number(UINT16_MAX);
		memcpy(p, &e, sizeof(e));
		return;
	case FIELD_BOOL: *(bool *)p = random_next() % 2; return;
	case FIELD_ENUM:
		do
			v = random_next() % f->names->count;
		while (f->names->name[v] == NULL && v != 0);
		break;
	case FIELD_ID: v = random_number(UINT64_MAX); break;
	case FIELD_TIME: v = (uint64_t)random_time(); break;
	default:
		v = (uint64_t)field_least(f) +
		    random_number((uint64_t)field_most(f) - (uint64_t)field_least(f));
	}
	memcpy(p, &v, size); /* the machines of the tests are little-endian */
}

static inline void
random_struct(const struct field_table *t, uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		size_t size = f->count_at != 0 ? field_counted(f, base) * field_element(f)
					       : f->size; /* it stands before its array */
		uint8_t *first = base + f->offset;

		if ((f->flags & FIELD_LIST) != 0)
			first = random_list(first, size);
		for (size_t at = 0; at < size; at += field_element(f))
			if (random_next() % 3 != 0)
				random_element(f, first + at);
	}
}

static inline void
random_record(struct record *r, enum record_type type)
{
	if (random_room > random_pool + sizeof(random_pool) - (1 << 16))
		random_room = random_pool;
	memset(r, 0, sizeof(*r));
	r->type = type;
	random_struct(record_table(type), (uint8_t *)&r->key);
	if (type == RECORD_STALL)
		r->key.m &= 1;
}

/*
 * Texts are the same when they say the same, lists as far as they are counted; the rest is to be
 * the same to the bit.
 */
static inline bool
texts_same(const struct field_table *t, uint8_t *a, uint8_t *b)
{
	bool same = true;

	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		if ((f->flags & FIELD_LIST) != 0) {
			size_t n = field_counted(f, a) * f->table->size;

			if (n > 0)
				same = memcmp(field_first(f, a), field_first(f, b), n) == 0 && same;
			memset(a + f->offset, 0, sizeof(uintptr_t));
			memset(b + f->offset, 0, sizeof(uintptr_t));
			continue;
		}
		for (size_t at = 0; at < f->size; at += field_element(f)) {
			uint8_t *x = a + f->offset + at, *y = b + f->offset + at;

			if (f->kind == FIELD_STRUCT)
				same = texts_same(f->table, x, y) && same;
			if (f->kind != FIELD_TEXT)
				continue;
			same = strcmp(field_text(x), field_text(y)) == 0 && same;
			memset(x, 0, f->size);
			memset(y, 0, f->size);
		}
	}
	return same;
}

static inline bool
record_same(const struct record *a, const struct record *b)
{
	static struct record x, y;

	x = *a;
	y = *b;
	return texts_same(record_table(a->type), (uint8_t *)&x.key, (uint8_t *)&y.key) &&
	    memcmp(&x, &y, sizeof(x)) == 0;
}

#endif /* RANDOM_RECORD_H */
