/* record_json.c - the door to jansson: tables walked out.  The way in is record_json_read.c. */
#include "record/record_json_impl.h"

#include <stdlib.h>
#include <string.h>

#include "record/addr.h"
#include "record/text.h"
#include "record/when.h"

/* ---- plain values ---------------------------------------------------------- */

/* Values of every width leave through one 64-bit number. */
static uint64_t
value_get(const struct field *f, const void *p)
{
	uint64_t v = 0;
	uint32_t v4;
	uint16_t v2;
	int32_t s4;

	switch (field_element(f)) {
	case 8: memcpy(&v, p, 8); return v;
	case 4:
		memcpy(&v4, p, 4);
		memcpy(&s4, p, 4);
		return f->kind == FIELD_I32 ? (uint64_t)(int64_t)s4 : v4;
	case 2: memcpy(&v2, p, 2); return v2;
	default: return *(const uint8_t *)p;
	}
}

static bool element_is_zero(const struct field *f, const uint8_t *p);

/* Counted, or up to the last element that is not zero. */
static size_t
array_length(const struct field *f, const uint8_t *base)
{
	size_t step = field_element(f), n = f->size / step;

	if (field_first(f, base) == NULL)
		return 0;
	if (f->count_at != 0)
		return field_counted(f, base);
	while (n > 0 && element_is_zero(f, base + f->offset + (n - 1) * step))
		n--;
	return n;
}

/* Member by member: padding says nothing. */

static bool
struct_is_zero(const struct field_table *t, const uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		size_t step = field_element(f);

		if ((f->flags & FIELD_LIST) != 0) {
			if (array_length(f, base) > 0)
				return false;
			continue;
		}
		for (size_t at = 0; at < f->size; at += step)
			if (!element_is_zero(f, base + f->offset + at))
				return false;
	}
	return true;
}

static bool
element_is_zero(const struct field *f, const uint8_t *p)
{
	struct moment m;
	struct endpoint e;

	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_ADDR: /* its family */ return p[0] == 0;
	case FIELD_TEXT: return field_text(p)[0] == '\0';
	case FIELD_STRUCT: return struct_is_zero(f->table, p);
	case FIELD_MOMENT: memcpy(&m, p, sizeof(m)); return m.ns == 0 && m.frame == 0;
	case FIELD_ENDPOINT: memcpy(&e, p, sizeof(e)); return e.ip.family == 0 && e.port == 0;
	default: return value_get(f, p) == 0;
	}
}

/* ---- out ------------------------------------------------------------------- */

/* A reference that may be NULL (no memory) is passed on: the caller looks at the end. */
static json_t *
encode_string(const char *s, size_t size)
{
	char buf[2048];
	size_t len = strnlen(s, size);
	json_t *j = json_stringn(s, len);

	if (j != NULL)
		return j;
	len = text_copy_utf8(buf, sizeof(buf), s, len);
	return json_stringn(buf, len);
}

static json_t *
encode_time(int64_t ns)
{
	char buf[WHEN_TEXT];

	return json_string(when_format(ns, buf));
}

static json_t *
encode_moment(const struct moment *m)
{
	json_t *j;

	if (m->frame == 0 && m->ns == 0)
		return json_null();
	j = json_object();
	json_object_set_new(j, "time", encode_time(m->ns));
	if (m->frame != 0)
		json_object_set_new(j, "frame", json_integer((json_int_t)(m->frame & NUMBER_MAX)));
	return j;
}

static json_t *
encode_addr(const struct addr *a)
{
	char buf[ADDR_TEXT];

	addr_format(a, buf, sizeof(buf));
	return buf[0] != '\0' ? json_string(buf) : json_null();
}

static json_t *
encode_endpoint(const struct endpoint *e)
{
	json_t *j = json_object();

	json_object_set_new(j, "ip", encode_addr(&e->ip));
	json_object_set_new(j, "port", e->port != 0 ? json_integer(e->port) : json_null());
	return j;
}

static json_t *
encode_number(const struct field *f, const uint8_t *p)
{
	uint64_t v = value_get(f, p);

	if (v == 0 && (f->flags & FIELD_NOT_ZERO) != 0)
		return json_null();
	if (f->kind == FIELD_U64 && v > NUMBER_MAX)
		v = NUMBER_MAX;
	return json_integer((json_int_t)v);
}

static json_t *
encode_enum(const struct field *f, const uint8_t *p)
{
	uint64_t v = value_get(f, p);

	if (v >= f->names->count || f->names->name[v] == NULL)
		return json_null();
	return json_string(f->names->name[v]);
}

static json_t *
encode_id(uint64_t id)
{
	char buf[ID_TEXT];

	return json_string(id_format(id, buf));
}

static json_t *encode_struct(const struct field_table *t, const uint8_t *base);

static json_t *
encode_element(const struct field *f, const uint8_t *p)
{
	union {
		struct moment m;
		struct addr a;
		struct endpoint e;
	} u;

	switch (f->kind) {
	case FIELD_STRING: return encode_string((const char *)p, field_element(f));
	case FIELD_TEXT: return encode_string(field_text(p), f->max != 0 ? f->max : SIZE_MAX);
	case FIELD_BOOL: return json_boolean(*p != 0);
	case FIELD_ENUM: return encode_enum(f, p);
	case FIELD_ID: return encode_id(value_get(f, p));
	case FIELD_TIME: return encode_time((int64_t)value_get(f, p));
	case FIELD_STRUCT: return encode_struct(f->table, p);
	case FIELD_MOMENT: memcpy(&u.m, p, sizeof(u.m)); return encode_moment(&u.m);
	case FIELD_ADDR: memcpy(&u.a, p, sizeof(u.a)); return encode_addr(&u.a);
	case FIELD_ENDPOINT: memcpy(&u.e, p, sizeof(u.e)); return encode_endpoint(&u.e);
	default: return encode_number(f, p);
	}
}

static json_t *
encode_array(const struct field *f, const uint8_t *base, size_t n)
{
	const uint8_t *first = field_first(f, base);
	json_t *j = json_array();
	size_t step = field_element(f);

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(j, encode_element(f, first + i * step)) != 0)
			goto fail;
	return j;
fail:
	json_decref(j);
	return NULL;
}

static bool
field_wanted(const struct field *f, const uint8_t *base)
{
	if ((f->flags & FIELD_ONLY_IF) != 0)
		return *(const bool *)(base + f->cond);
	if ((f->flags & FIELD_ALWAYS) != 0)
		return true;
	if ((f->flags & FIELD_ARRAY) != 0)
		return array_length(f, base) > 0;
	return !element_is_zero(f, base + f->offset);
}

static int
encode_fields(json_t *j, const struct field_table *t, const uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		json_t *v;

		if ((f->flags & FIELD_INLINE) != 0) {
			if (encode_fields(j, f->table, base + f->offset) != 0)
				return -1;
			continue;
		}
		if (!field_wanted(f, base))
			continue;
		v = (f->flags & FIELD_ARRAY) != 0 ? encode_array(f, base, array_length(f, base))
						  : encode_element(f, base + f->offset);
		if (json_object_set_new_nocheck(j, f->name, v) != 0)
			return -1;
	}
	return 0;
}

static json_t *
encode_struct(const struct field_table *t, const uint8_t *base)
{
	json_t *j = json_object();

	if (j == NULL || encode_fields(j, t, base) != 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/*
 * What jansson makes of a line lives no longer than that line: it comes from one
 * room, which is given back as a whole, and from malloc() what does not fit there.
 * jansson leaves out what it has no memory for and says so to nobody, and its
 * parser does not survive it at all: where malloc() fails it gets the rest of the
 * room, and what it made is then not used.
 */
enum { ROOM = 2 << 20, ROOM_EASY = 1 << 20 };

static _Alignas(16) char room[ROOM];
static size_t room_used;
static bool outside, starved;

static void *
room_take(size_t size, size_t most)
{
	void *p = room + room_used;

	if (size > most - room_used)
		return NULL;
	room_used += (size + 15) & ~(size_t)15;
	return p;
}

static void *
alloc_noting(size_t size)
{
	void *p = starved ? NULL : room_take(size, ROOM_EASY);

	if (p != NULL)
		return p;
	if ((p = malloc(size)) != NULL) {
		outside = true;
		return p;
	}
	starved = true;
	return room_take(size, ROOM);
}

static void
free_noting(void *p)
{
	uintptr_t at = (uintptr_t)p, from = (uintptr_t)room;

	if (at < from || at >= from + sizeof(room))
		free(p);
}

void
json_alloc_begin(void)
{
	json_set_alloc_funcs(alloc_noting, free_noting);
	outside = starved = false;
	room_used = 0;
}

bool
json_alloc_end(json_t *j)
{
	if (outside)
		json_decref(j);
	return !starved;
}

/*
 * A copy to be freed.  DEL is the one control that jansson lets through; it stands only within
 * strings.
 */
static char *
escape_del(const char *line)
{
	size_t n = 0, len = strlen(line);
	char *out, *q;

	for (const char *p = line; (p = strchr(p, 0x7f)) != NULL; p++)
		n++;
	if ((q = out = malloc(len + n * 5 + 1)) == NULL)
		return NULL;
	for (const char *p = line, *del;; p = del + 1) {
		del = strchrnul(p, 0x7f);
		q = mempcpy(q, p, (size_t)(del - p));
		if (*del == '\0')
			break;
		q = stpcpy(q, "\\u007F");
	}
	*q = '\0';
	return out;
}

char *
record_json_line(const struct field_table *t, const void *object)
{
	char *line = NULL, *copy = NULL;
	json_t *j;

	json_alloc_begin();
	j = encode_struct(t, object);
	if (j != NULL && json_object_set_new(j, "type", json_string(t->name)) == 0 &&
	    json_object_set_new(j, "schema", json_integer(RECORD_SCHEMA)) == 0)
		line = json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	if (line != NULL && !starved)
		copy = escape_del(line);
	free_noting(line);
	(void)json_alloc_end(j);
	return copy;
}

char *
record_json_encode(const struct record *r)
{
	const struct field_table *t = record_table(r->type);

	/* The members of the union all begin where it begins. */
	return t != NULL ? record_json_line(t, &r->key) : NULL;
}
