/* record_json_read.c - the tables walked in: lines of JSON, which are untrusted, to records. */
#include "record/record_json_impl.h"

#include <stdio.h>
#include <string.h>

#include "record/addr.h"
#include "record/text.h"
#include "record/when.h"

/* Values of every width enter through one 64-bit number. */
static void
value_set(const struct field *f, void *p, uint64_t v)
{
	uint32_t v4 = (uint32_t)v;
	uint16_t v2 = (uint16_t)v;

	switch (field_element(f)) {
	case 8: memcpy(p, &v, 8); break;
	case 4: memcpy(p, &v4, 4); break;
	case 2: memcpy(p, &v2, 2); break;
	default: *(uint8_t *)p = (uint8_t)v;
	}
}

/*
 * Where texts and lists are put: a line is longer than all texts that it says, and lists have their
 * bounds.
 */
struct room {
	char *at;
	size_t left;
};

struct decoder {
	char *err;
	size_t errlen;
	struct room *room;
};

static int
decode_fail(const struct decoder *d, const char *field, const char *want)
{
	snprintf(d->err, d->errlen, "\"%s\" is not %s", field, want);
	return -1;
}

static int
decode_number(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	json_int_t v = json_integer_value(j);

	if (!json_is_integer(j))
		return decode_fail(d, f->name, "an integer");
	if (v < field_least(f) || v > field_most(f))
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
decode_text(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	struct room *room = d->room;
	const char *s = room->at;
	size_t n, size = f->max < room->left ? f->max : room->left;

	if (!json_is_string(j) || size == 0)
		return decode_fail(d, f->name, "a string");
	n = text_copy_utf8(room->at, size, json_string_value(j), json_string_length(j)) + 1;
	room->at += n;
	room->left -= n;
	memcpy(p, &s, sizeof(s));
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

	if (s == NULL || when_parse(&ns, s) != 0 || !when_fits(ns))
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
		if (!json_is_integer(port) || json_integer_value(port) < 0 ||
		    json_integer_value(port) > UINT16_MAX)
			return decode_fail(d, f->name, "an endpoint with a port");
		e.port = (uint16_t)json_integer_value(port);
	}
	memcpy(p, &e, sizeof(e));
	return 0;
}

static int decode_struct(
    const struct decoder *d, const struct field_table *t, const json_t *j, uint8_t *base);

static int
decode_element(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	if (json_is_null(j))
		return 0;
	switch (f->kind) {
	case FIELD_STRING: return decode_string(d, f, j, p);
	case FIELD_TEXT: return decode_text(d, f, j, p);
	case FIELD_BOOL: return decode_bool(d, f, j, p);
	case FIELD_ENUM: return decode_enum(d, f, j, p);
	case FIELD_ID: return decode_id(d, f, j, p);
	case FIELD_TIME: return decode_time(d, f->name, j, p);
	case FIELD_MOMENT: return decode_moment(d, f, j, p);
	case FIELD_ADDR: return decode_addr(d, f->name, j, p);
	case FIELD_ENDPOINT: return decode_endpoint(d, f, j, p);
	case FIELD_STRUCT:
		if (!json_is_object(j))
			return decode_fail(d, f->name, "an object");
		return decode_struct(d, f->table, j, p);
	default: return decode_number(d, f, j, p);
	}
}

/* A list has all the elements that it may have: its count is not to be trusted. */
static uint8_t *
list_make(struct room *room, const struct field *f, uint8_t *member)
{
	size_t pad = -(uintptr_t)room->at % _Alignof(int64_t);
	char *list = room->at + pad;

	if (room->left < pad + f->size)
		return NULL;
	memset(list, 0, f->size);
	room->at = list + f->size;
	room->left -= pad + f->size;
	memcpy(member, &list, sizeof(list));
	return (uint8_t *)list;
}

static int
decode_array(const struct decoder *d, const struct field *f, const json_t *j, uint8_t *p)
{
	size_t step = field_element(f);

	if (!json_is_array(j))
		return decode_fail(d, f->name, "a list");
	if (json_array_size(j) > f->size / step)
		return decode_fail(d, f->name, "as short as it must be");
	if ((f->flags & FIELD_LIST) != 0 && (p = list_make(d->room, f, p)) == NULL)
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
	return strcmp(name, "finding") == 0 || strcmp(name, "mail") == 0 ||
	    strcmp(name, "summary") == 0;
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
record_json_decode(
    struct record *out, char *said, const char *line, size_t len, char *err, size_t errlen)
{
	struct room room = { said, RECORD_JSON_SAID(len) };
	struct decoder d = { .err = err, .errlen = errlen, .room = &room };
	enum record_json_rc rc;
	json_error_t je;
	json_t *j;

	memset(out, 0, sizeof(*out));
	json_alloc_begin();
	if (len > RECORD_JSON_LINE) {
		snprintf(err, errlen, "the line is longer than %u bytes", RECORD_JSON_LINE);
		return RECORD_JSON_BAD;
	}
	if ((j = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je)) == NULL) {
		/* jansson quotes the input: repaired here, escaped where it is shown. */
		text_copy_utf8(err, errlen, je.text, strnlen(je.text, sizeof(je.text)));
		return json_alloc_end(NULL) ? RECORD_JSON_BAD : RECORD_JSON_STARVED;
	}
	if (!json_is_object(j)) {
		snprintf(err, errlen, "not a JSON object");
		rc = RECORD_JSON_BAD;
	} else
		rc = decode_line(&d, out, j);
	return json_alloc_end(j) ? rc : RECORD_JSON_STARVED;
}
