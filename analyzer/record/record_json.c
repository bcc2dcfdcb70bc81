/* record_json.c - the door to jansson: tables walked out and in. */
#include "record/record_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/addr.h"
#include "record/text.h"
#include "record/when.h"

#define NUMBER_MAX	((uint64_t)INT64_MAX)	/* what a JSON integer of jansson holds */

/* ---- plain values ---------------------------------------------------------- */

/* Values of every width leave and enter through one 64-bit number. */
static uint64_t
value_get(const struct field *f, const void *p)
{
	uint64_t v = 0;
	uint32_t v4;
	uint16_t v2;
	int32_t s4;

	switch (field_element(f)) {
	case 8:
		memcpy(&v, p, 8);
		return v;
	case 4:
		memcpy(&v4, p, 4);
		memcpy(&s4, p, 4);
		return f->kind == FIELD_I32 ? (uint64_t)(int64_t)s4 : v4;
	case 2:
		memcpy(&v2, p, 2);
		return v2;
	default:
		return *(const uint8_t *)p;
	}
}

static void
value_set(const struct field *f, void *p, uint64_t v)
{
	uint32_t v4 = (uint32_t)v;
	uint16_t v2 = (uint16_t)v;

	switch (field_element(f)) {
	case 8:
		memcpy(p, &v, 8);
		break;
	case 4:
		memcpy(p, &v4, 4);
		break;
	case 2:
		memcpy(p, &v2, 2);
		break;
	default:
		*(uint8_t *)p = (uint8_t)v;
	}
}

/* Member by member: padding says nothing. */
static bool element_is_zero(const struct field *f, const uint8_t *p);

static bool
struct_is_zero(const struct field_table *t, const uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		size_t step = field_element(f);

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
	case FIELD_ADDR:	/* its family */
		return p[0] == 0;
	case FIELD_STRUCT:
		return struct_is_zero(f->table, p);
	case FIELD_MOMENT:
		memcpy(&m, p, sizeof(m));
		return m.ns == 0 && m.frame == 0;
	case FIELD_ENDPOINT:
		memcpy(&e, p, sizeof(e));
		return e.ip.family == 0 && e.port == 0;
	default:
		return value_get(f, p) == 0;
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
		struct moment	m;
		struct addr	a;
		struct endpoint	e;
	} u;

	switch (f->kind) {
	case FIELD_STRING:
		return encode_string((const char *)p, field_element(f));
	case FIELD_BOOL:
		return json_boolean(*p != 0);
	case FIELD_ENUM:
		return encode_enum(f, p);
	case FIELD_ID:
		return encode_id(value_get(f, p));
	case FIELD_TIME:
		return encode_time((int64_t)value_get(f, p));
	case FIELD_STRUCT:
		return encode_struct(f->table, p);
	case FIELD_MOMENT:
		memcpy(&u.m, p, sizeof(u.m));
		return encode_moment(&u.m);
	case FIELD_ADDR:
		memcpy(&u.a, p, sizeof(u.a));
		return encode_addr(&u.a);
	case FIELD_ENDPOINT:
		memcpy(&u.e, p, sizeof(u.e));
		return encode_endpoint(&u.e);
	default:
		return encode_number(f, p);
	}
}

/* Counted, or up to the last element that is not zero. */
static size_t
array_length(const struct field *f, const uint8_t *base)
{
	size_t step = field_element(f), n = f->size / step;
	uint32_t counted;

	if (f->count_at != 0) {
		memcpy(&counted, base + f->count_at, sizeof(counted));
		return counted < n ? counted : n;
	}
	while (n > 0 && element_is_zero(f, base + f->offset + (n - 1) * step))
		n--;
	return n;
}

static json_t *
encode_array(const struct field *f, const uint8_t *base, size_t n)
{
	json_t *j = json_array();
	size_t step = field_element(f);

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(j, encode_element(f, base + f->offset + i * step)) != 0)
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
		v = (f->flags & FIELD_ARRAY) != 0 ? encode_array(f, base, array_length(f, base)) :
		    encode_element(f, base + f->offset);
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

/* DEL is the one control that jansson lets through; it stands only within strings. */
static char *
escape_del(char *line)
{
	size_t n = 0, len = strlen(line);
	char *out, *q;

	for (const char *p = line; (p = strchr(p, 0x7f)) != NULL; p++)
		n++;
	if (n == 0)
		return line;
	if ((q = out = malloc(len + n * 5 + 1)) != NULL) {
		for (const char *p = line; *p != '\0'; p++) {
			if (*p == 0x7f)
				q = stpcpy(q, "\\u007F");
			else
				*q++ = *p;
		}
		*q = '\0';
	}
	free(line);
	return out;
}

/*
 * jansson leaves out what it has no memory for and says so to nobody, and its
 * parser does not survive it at all: where malloc() fails it gets a reserve,
 * and what it made is then not used.
 */
static bool starved;
static size_t reserve_used;
static _Alignas(16) char reserve[1 << 20];

static void *
alloc_noting(size_t size)
{
	void *p = malloc(size);

	if (p != NULL)
		return p;
	starved = true;
	if (size > sizeof(reserve) - reserve_used)
		return NULL;
	p = reserve + reserve_used;
	reserve_used += (size + 15) & ~(size_t)15;
	return p;
}

static void
free_noting(void *p)
{
	uintptr_t at = (uintptr_t)p, from = (uintptr_t)reserve;

	if (at < from || at >= from + sizeof(reserve))
		free(p);
}

static void
alloc_begin(void)
{
	json_set_alloc_funcs(alloc_noting, free_noting);
	starved = false;
	reserve_used = 0;
}

char *
record_json_line(const struct field_table *t, const void *object)
{
	char *line = NULL;
	json_t *j;

	alloc_begin();
	if ((j = encode_struct(t, object)) == NULL)
		return NULL;
	if (json_object_set_new(j, "type", json_string(t->name)) == 0 &&
	    json_object_set_new(j, "schema", json_integer(RECORD_SCHEMA)) == 0)
		line = json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(j);
	if (starved) {
		free_noting(line);
		return NULL;
	}
	return line != NULL ? escape_del(line) : NULL;
}

char *
record_json_encode(const struct record *r)
{
	const struct field_table *t = record_table(r->type);

	/* The members of the union all begin where it begins. */
	return t != NULL ? record_json_line(t, &r->key) : NULL;
}

/* ---- in -------------------------------------------------------------------- */

struct decoder {
	char	*err;
	size_t	 errlen;
};

static int
decode_fail(const struct decoder *d, const char *field, const char *want)
{
	snprintf(d->err, d->errlen, "\"%s\" is not %s", field, want);
	return -1;
}

static uint64_t
number_max(const struct field *f)
{
	static const uint64_t max[] = {
		[FIELD_U64] = NUMBER_MAX, [FIELD_U32] = UINT32_MAX, [FIELD_U16] = UINT16_MAX,
		[FIELD_U8] = UINT8_MAX, [FIELD_I64] = NUMBER_MAX, [FIELD_I32] = INT32_MAX,
	};

	return f->max != 0 ? f->max : max[f->kind];
}

static int
decode_number(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	json_int_t v = json_integer_value(j), min = 0;

	if (!json_is_integer(j))
		return decode_fail(d, f->name, "an integer");
	if (f->kind == FIELD_I64)
		min = INT64_MIN;
	else if (f->kind == FIELD_I32)
		min = INT32_MIN;
	if (v < min || (v > 0 && (uint64_t)v > number_max(f)))
		return decode_fail(d, f->name, "within its range");
	value_set(f, p, (uint64_t)v);
	return 0;
}

static int
decode_bool(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	if (!json_is_boolean(j))
		return decode_fail(d, f->name, "true or false");
	*p = json_is_true(j);
	return 0;
}

static int
decode_string(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	if (!json_is_string(j))
		return decode_fail(d, f->name, "a string");
	text_copy_utf8((char *)p, field_element(f), json_string_value(j), json_string_length(j));
	return 0;
}

static int
decode_enum(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	const char *s = json_string_value(j);

	for (uint32_t i = 0; s != NULL && i < f->names->count; i++) {
		if (f->names->name[i] != NULL && strcmp(f->names->name[i], s) == 0) {
			value_set(f, p, i);
			return 0;
		}
	}
	return decode_fail(d, f->name, "one of its words");
}

static int
decode_id(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	const char *s = json_string_value(j);
	uint64_t id;

	if (s == NULL || id_parse(&id, s) != 0)
		return decode_fail(d, f->name, "an id of 16 hex digits");
	memcpy(p, &id, sizeof(id));
	return 0;
}

static int
decode_time(const struct decoder *d, const char *field, const json_t *j, void *p)
{
	const char *s = json_string_value(j);
	int64_t ns;

	if (s == NULL || when_parse(&ns, s) != 0)
		return decode_fail(d, field, "a time like 2026-11-21T10:00:00.000000000Z");
	memcpy(p, &ns, sizeof(ns));
	return 0;
}

static int
decode_moment(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	const json_t *frame = json_object_get(j, "frame");
	struct moment m = { 0 };

	if (!json_is_object(j))
		return decode_fail(d, f->name, "an object with time and frame");
	if (decode_time(d, f->name, json_object_get(j, "time"), &m.ns) != 0)
		return -1;
	if (frame != NULL && (!json_is_integer(frame) || json_integer_value(frame) < 0))
		return decode_fail(d, f->name, "a moment with a frame number");
	m.frame = (uint64_t)json_integer_value(frame);
	memcpy(p, &m, sizeof(m));
	return 0;
}

static int
decode_addr(const struct decoder *d, const char *field, const json_t *j, void *p)
{
	const char *s = json_string_value(j);
	struct addr a = { 0 };

	if (!json_is_null(j) && (s == NULL || addr_parse(&a, s) != 0))
		return decode_fail(d, field, "an IP address");
	memcpy(p, &a, sizeof(a));
	return 0;
}

static int
decode_endpoint(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	const json_t *port = json_object_get(j, "port");
	struct endpoint e;

	memset(&e, 0, sizeof(e));
	if (!json_is_object(j))
		return decode_fail(d, f->name, "an object with ip and port");
	if (decode_addr(d, f->name, json_object_get(j, "ip"), &e.ip) != 0)
		return -1;
	if (port != NULL && !json_is_null(port)) {
		if (!json_is_integer(port) || json_integer_value(port) < 0 || json_integer_value(port) > UINT16_MAX)
			return decode_fail(d, f->name, "an endpoint with a port");
		e.port = (uint16_t)json_integer_value(port);
	}
	memcpy(p, &e, sizeof(e));
	return 0;
}

static int decode_struct(const struct decoder *d, const struct field_table *t, const json_t *j, uint8_t *base);

static int
decode_element(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	if (json_is_null(j))
		return 0;
	switch (f->kind) {
	case FIELD_STRING:
		return decode_string(d, f, j, p);
	case FIELD_BOOL:
		return decode_bool(d, f, j, p);
	case FIELD_ENUM:
		return decode_enum(d, f, j, p);
	case FIELD_ID:
		return decode_id(d, f, j, p);
	case FIELD_TIME:
		return decode_time(d, f->name, j, p);
	case FIELD_MOMENT:
		return decode_moment(d, f, j, p);
	case FIELD_ADDR:
		return decode_addr(d, f->name, j, p);
	case FIELD_ENDPOINT:
		return decode_endpoint(d, f, j, p);
	case FIELD_STRUCT:
		if (!json_is_object(j))
			return decode_fail(d, f->name, "an object");
		return decode_struct(d, f->table, j, p);
	default:
		return decode_number(d, f, j, p);
	}
}

static int
decode_array(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	size_t step = field_element(f);

	if (!json_is_array(j))
		return decode_fail(d, f->name, "a list");
	if (json_array_size(j) > f->size / step)
		return decode_fail(d, f->name, "as short as it must be");
	for (size_t i = 0; i < json_array_size(j); i++)
		if (decode_element(d, f, json_array_get(j, i), p + i * step) != 0)
			return -1;
	return 0;
}

static int
decode_struct(const struct decoder *d, const struct field_table *t, const json_t *j, uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		uint8_t *p = base + f->offset;
		const json_t *v;
		int rc;

		if ((f->flags & FIELD_INLINE) != 0)
			rc = decode_struct(d, f->table, j, p);
		else if ((v = json_object_get(j, f->name)) == NULL || json_is_null(v))
			rc = 0;
		else if ((f->flags & FIELD_ARRAY) != 0)
			rc = decode_array(d, f, v, p);
		else
			rc = decode_element(d, f, v, p);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* What a type of C cannot say; the correlator indexes arrays by these. */
static int
record_check(const struct decoder *d, const struct record *r)
{
	if (r->type == RECORD_STALL && r->key.m > 1)
		return decode_fail(d, "m", "a direction");
	if (r->type == RECORD_ICMP_ERROR && r->icmp_error.dir < -1)
		return decode_fail(d, "dir", "a direction");
	return 0;
}

/* Lines that our own --json prints beside the records. */
static bool
type_is_other(const char *name)
{
	return strcmp(name, "finding") == 0 || strcmp(name, "mail") == 0 || strcmp(name, "summary") == 0;
}

static enum record_json_rc
decode_line(const struct decoder *d, struct record *out, const json_t *j)
{
	const char *type = json_string_value(json_object_get(j, "type"));
	const json_t *schema = json_object_get(j, "schema");

	if (type == NULL) {
		decode_fail(d, "type", "a string");
		return RECORD_JSON_BAD;
	}
	if (type_is_other(type))
		return RECORD_JSON_OTHER;
	if ((out->type = record_type_by_name(type)) == 0) {
		decode_fail(d, "type", "a record that this mailwhy knows");
		return RECORD_JSON_BAD;
	}
	if (!json_is_integer(schema) || json_integer_value(schema) < 1 ||
	    json_integer_value(schema) > RECORD_SCHEMA) {
		decode_fail(d, "schema", "a version that this mailwhy reads");
		return RECORD_JSON_BAD;
	}
	if (decode_struct(d, record_table(out->type), j, (uint8_t *)&out->key) != 0 ||
	    record_check(d, out) != 0)
		return RECORD_JSON_BAD;
	return RECORD_JSON_RECORD;
}

enum record_json_rc
record_json_decode(struct record *out, const char *line, size_t len, char *err, size_t errlen)
{
	struct decoder d = { .err = err, .errlen = errlen };
	enum record_json_rc rc;
	json_error_t je;
	json_t *j;

	memset(out, 0, sizeof(*out));
	alloc_begin();
	if (len > RECORD_JSON_LINE) {
		snprintf(err, errlen, "the line is longer than %u bytes", RECORD_JSON_LINE);
		return RECORD_JSON_BAD;
	}
	if ((j = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je)) == NULL) {
		/* jansson quotes the input: repaired here, escaped where it is shown. */
		text_copy_utf8(err, errlen, je.text, strnlen(je.text, sizeof(je.text)));
		return starved ? RECORD_JSON_STARVED : RECORD_JSON_BAD;
	}
	if (!json_is_object(j)) {
		snprintf(err, errlen, "not a JSON object");
		rc = RECORD_JSON_BAD;
	} else
		rc = decode_line(&d, out, j);
	json_decref(j);
	return starved ? RECORD_JSON_STARVED : rc;
}
