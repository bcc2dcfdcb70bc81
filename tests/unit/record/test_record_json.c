/* test_record_json.c - a record read back is the record written. */
#include "check.h"

#include "random_record.h"
#include "record/addr.h"
#include "record/record_json.h"
#include "record/record_schema.h"

static char said[RECORD_JSON_SAID(RECORD_JSON_LINE)];

static void
read_back_is_written(void)
{
	static struct record r, back;
	char err[256];

	for (unsigned int type = RECORD_CAPTURE; type <= RECORD_LAST; type++) {
		for (int round = 0; round < 400; round++) {
			char *line, *again;

			random_record(&r, (enum record_type)type);
			line = record_json_encode(&r);
			CU_ASSERT_FATAL(line != NULL);
			CHECK(strpbrk(line, "\n\r\x1b\x7f") == NULL);
			if (record_json_decode(&back, said, line, strlen(line), err, sizeof(err)) !=
			    RECORD_JSON_RECORD)
				CHECK_EQ_STR(err, "");
			CHECK(record_same(&back, &r));
			again = record_json_encode(&back);
			CHECK_EQ_STR(again, line);
			free(again);
			free(line);
		}
	}
}

static size_t alignment_of_table(const struct field_table *t);

static size_t
alignment_of(const struct field *f)
{
	if ((f->flags & FIELD_LIST) != 0)
		return _Alignof(void *);
	switch (f->kind) {
	case FIELD_STRUCT: return alignment_of_table(f->table);
	case FIELD_MOMENT: return _Alignof(struct moment);
	case FIELD_ENDPOINT: return _Alignof(struct endpoint);
	case FIELD_STRING:
	case FIELD_ADDR: return 1;
	default: return field_element(f);
	}
}

static size_t
alignment_of_table(const struct field_table *t)
{
	size_t most = 1;

	for (size_t i = 0; i < t->count; i++)
		if (alignment_of(&t->fields[i]) > most)
			most = alignment_of(&t->fields[i]);
	return most;
}

/*
 * A field forgotten in the tables would be lost without a word: between two
 * fields there is padding for the second one's alignment and nothing else.
 */
static void
fields_cover(const struct field_table *t)
{
	size_t end = 0, align;

	for (size_t i = 0; i <= t->count; i++) {
		const struct field *f = i < t->count ? &t->fields[i] : NULL;
		size_t at = f != NULL ? f->offset : t->size;

		align = f != NULL ? alignment_of(f) : alignment_of_table(t);
		if (at != (end + align - 1) / align * align) {
			printf("%s: no field at %zu, before %s\n", t->name, end,
			    f != NULL ? f->name : "its end");
			CHECK(false);
		}
		if (f != NULL)
			end = f->offset + ((f->flags & FIELD_LIST) != 0 ? sizeof(void *) : f->size);
	}
}

static void
every_byte_of_a_struct_has_a_field(void)
{
	for (unsigned int type = RECORD_CAPTURE; type <= RECORD_LAST; type++) {
		const struct field_table *t = record_table((enum record_type)type);

		fields_cover(t);
		for (size_t i = 0; i < t->count; i++)
			if (t->fields[i].kind == FIELD_STRUCT)
				fields_cover(t->fields[i].table);
	}
}

/* "type" and "schema" belong to the line. */
static void
names_are_used_once(void)
{
	for (unsigned int type = RECORD_CAPTURE; type <= RECORD_LAST; type++) {
		const struct field_table *t = record_table((enum record_type)type);

		for (size_t i = 0; i < t->count; i++) {
			const char *name = t->fields[i].name;

			CHECK(strcmp(name, "type") != 0 && strcmp(name, "schema") != 0);
			for (size_t k = 0; k < i; k++)
				CHECK(strcmp(name, t->fields[k].name) != 0);
			for (size_t k = 0; k < record_key_table.count; k++)
				CHECK(strcmp(name, record_key_table.fields[k].name) != 0);
		}
	}
}

static enum record_json_rc
decode(const char *line, struct record *r, char *err)
{
	return record_json_decode(r, said, line, strlen(line), err, 256);
}

static void
a_line_as_people_see_it(void)
{
	struct record r = { .type = RECORD_TRANSACTION };
	char *line;

	r.transaction.key = (struct record_key){ .point = 1, .conn = 0xabcdef, .n = 2 };
	r.transaction.sender = "b\xc3\xb6@example.org";
	r.transaction.first = (struct moment){ .ns = 1795255200123456789, .frame = 12 };
	r.transaction.verdict = VERDICT_REFUSED;
	r.transaction.verdict_reply.code = 550;
	line = record_json_encode(&r);
	CHECK_EQ_STR(line,
	    "{\"bytes\":0,\"conn\":\"0000000000abcdef\","
	    "\"first\":{\"frame\":12,\"time\":\"2026-11-21T10:00:00.123456789Z\"},\"message_id\":\"\",\"n\":2,"
	    "\"point\":1,\"schema\":1,\"sender\":\"b\\u00F6@example.org\",\"type\":\"transaction\","
	    "\"verdict\":\"refused\",\"verdict_reply\":{\"code\":550,\"enhanced\":\"\",\"text\":\"\"}}");
	free(line);
}

static void
hostile_lines_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"x",
		"[]",
		"1",
		"{}",
		"{\"type\":1}",
		"{\"type\":\"nonsense\",\"schema\":1}",
		"{\"type\":\"host\"}",
		"{\"type\":\"host\",\"schema\":2}",
		"{\"type\":\"host\",\"schema\":\"1\"}",
		"{\"type\":\"host\",\"schema\":1,\"answered\":-1}",
		"{\"type\":\"host\",\"schema\":1,\"answered\":4294967296}",
		"{\"type\":\"host\",\"schema\":1,\"answered\":1e3}",
		"{\"type\":\"host\",\"schema\":1,\"answered\":99999999999999999999}",
		"{\"type\":\"host\",\"schema\":1,\"answered\":\"1\"}",
		"{\"type\":\"host\",\"schema\":1,\"ttl\":256}",
		"{\"type\":\"host\",\"schema\":1,\"client\":\"example.org\"}",
		"{\"type\":\"host\",\"schema\":1,\"server\":{\"port\":65536}}",
		"{\"type\":\"host\",\"schema\":1,\"server\":\"192.0.2.1\"}",
		"{\"type\":\"host\",\"schema\":1,\"first\":{\"frame\":1}}",
		"{\"type\":\"host\",\"schema\":1,\"first\":{\"time\":\"yesterday\"}}",
		"{\"type\":\"host\",\"schema\":1,\"conn\":\"12\"}",
		"{\"type\":\"host\",\"schema\":1,\"schema\":1}",
		"{\"type\":\"connection\",\"schema\":1,\"state\":\"bored\"}",
		"{\"type\":\"connection\",\"schema\":1,\"vlan\":[1,2,3]}",
		"{\"type\":\"connection\",\"schema\":1,\"dir\":{}}",
		"{\"type\":\"connection\",\"schema\":1,\"dir\":[1]}",
		"{\"type\":\"connection\",\"schema\":1,\"dir\":[{\"size_count\":17}]}",
		"{\"type\":\"session\",\"schema\":1,\"refusals_kept\":9}",
		"{\"type\":\"session\",\"schema\":1,\"tls_alert_from\":2}",
		"{\"type\":\"stall\",\"schema\":1,\"m\":2}",
		"{\"type\":\"stall\",\"schema\":1,\"chain_len\":17}",
		"{\"type\":\"stall\",\"schema\":1,\"lost_count\":17}",
		"{\"type\":\"icmp-error\",\"schema\":1,\"dir\":2}",
		"{\"type\":\"icmp-error\",\"schema\":1,\"dir\":-2}",
	};
	static struct record r;
	char err[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		if (decode(bad[i], &r, err) != RECORD_JSON_BAD)
			printf("taken: %s\n", bad[i]);
		CHECK_EQ_INT(decode(bad[i], &r, err), RECORD_JSON_BAD);
		CHECK(err[0] != '\0');
	}
}

static void
friendly_lines_are_taken(void)
{
	static struct record r;
	char err[256];

	CHECK_EQ_INT(decode("{\"type\":\"finding\",\"schema\":1}", &r, err), RECORD_JSON_OTHER);
	CHECK_EQ_INT(decode("{\"type\":\"summary\",\"schema\":1}", &r, err), RECORD_JSON_OTHER);
	CHECK_EQ_INT(
	    decode(" {\"type\":\"host\", \"schema\":1, \"new\":[{}], \"client\":null}\r", &r, err),
	    RECORD_JSON_RECORD);
	CHECK_EQ_INT(
	    decode(
		"{\"type\":\"session\",\"schema\":1,\"auth_mechanism\":"
		"\"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9"
		"\\u00e9\\u00e9\\u00e9\\u00e9\"}",
		&r, err),
	    RECORD_JSON_RECORD);
	CHECK_EQ_INT(strlen(r.session.auth_mechanism), 30);
}

static void
every_prefix_of_a_line_is_refused(void)
{
	static struct record r, back;
	char err[256], *line;

	random_record(&r, RECORD_STALL);
	line = record_json_encode(&r);
	for (size_t n = 0; n < strlen(line); n++)
		CHECK_EQ_INT(
		    record_json_decode(&back, said, line, n, err, sizeof(err)), RECORD_JSON_BAD);
	free(line);
}

/* What jansson makes of it is larger than the room for one line. */
static void
a_line_of_very_many_values_is_read(void)
{
	enum { VALUES = 200000 };
	static char line[64 + 2 * VALUES];
	static struct record r;
	char err[256], *q;

	for (int round = 0; round < 2; round++) {
		q = stpcpy(line, "{\"type\":\"host\",\"schema\":1,\"new\":[1");
		for (int i = 1; i < VALUES; i++)
			q = stpcpy(q, ",1");
		strcpy(q, "],\"answered\":7}");
		CHECK_EQ_INT(decode(line, &r, err), RECORD_JSON_RECORD);
		CHECK_EQ_INT(r.host.answered, 7);
		strcpy(q, ",}");
		CHECK_EQ_INT(decode(line, &r, err), RECORD_JSON_BAD);
	}
	CHECK_EQ_INT(
	    decode("{\"type\":\"host\",\"schema\":1,\"answered\":9}", &r, err), RECORD_JSON_RECORD);
	CHECK_EQ_INT(r.host.answered, 9);
}

static void
numbers_beyond_json_are_held_at_its_end(void)
{
	static struct record r, back;
	char err[256], *line;

	r = (struct record){ .type = RECORD_CAPTURE };
	r.capture.bytes = UINT64_MAX;
	line = record_json_encode(&r);
	CHECK_EQ_INT(decode(line, &back, err), RECORD_JSON_RECORD);
	CHECK(back.capture.bytes == INT64_MAX);
	free(line);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "a record read back is the record written", read_back_is_written },
		{ "every byte of a record has a field", every_byte_of_a_struct_has_a_field },
		{ "no name is used twice in a line", names_are_used_once },
		{ "a line as people see it", a_line_as_people_see_it },
		{ "hostile lines are refused with a reason", hostile_lines_are_refused },
		{ "friendly lines are taken", friendly_lines_are_taken },
		{ "every prefix of a line is refused", every_prefix_of_a_line_is_refused },
		{ "a line of very many values is read", a_line_of_very_many_values_is_read },
		{ "numbers beyond JSON are held at its end",
		    numbers_beyond_json_are_held_at_its_end },
	};

	return check_main("record_json", t, sizeof(t) / sizeof(t[0]));
}
