/*
 * test_record_copy.c - records of their own: all that was said, nothing borrowed, nothing leaked.
 */
#include "check.h"

#include <stdlib.h>

#include "random_record.h"
#include "record/record_copy.h"
#include "record/record_json.h"

static uint32_t
parts_count(const struct field_table *t)
{
	uint32_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		n += f->kind == FIELD_TEXT || (f->flags & FIELD_LIST) != 0;
		if (f->kind == FIELD_STRUCT && (f->flags & FIELD_LIST) == 0)
			n += parts_count(f->table) * (uint32_t)(f->size / field_element(f));
	}
	return n;
}

/* What is not marked is not copied, and what are too many. */
static void
deep_structs_are_marked(void)
{
	for (unsigned int type = RECORD_CAPTURE; type <= RECORD_LAST; type++) {
		const struct field_table *t = record_table((enum record_type)type);

		for (size_t i = 0; i < t->count; i++)
			if (t->fields[i].kind == FIELD_STRUCT &&
			    (t->fields[i].flags & FIELD_LIST) == 0)
				CHECK_EQ_INT((t->fields[i].flags & FIELD_DEEP) != 0,
				    parts_count(t->fields[i].table) > 0);
		CHECK(parts_count(t) <= 64);
	}
}

static void
text_none(const struct field_table *t, const uint8_t *base)
{
	const char *s;

	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		if (f->kind == FIELD_STRUCT && (f->flags & FIELD_ARRAY) == 0)
			text_none(f->table, base + f->offset);
		if (f->kind != FIELD_TEXT)
			continue;
		memcpy(&s, base + f->offset, sizeof(s));
		CHECK(s != NULL);
	}
}

static void
a_copy_outlives_what_it_was_made_of(void)
{
	static struct record r, back;

	for (unsigned int type = RECORD_CAPTURE; type <= RECORD_LAST; type++) {
		for (int round = 0; round < 100; round++) {
			char *line, *again;
			size_t size;
			void *copy;

			random_record(&r, (enum record_type)type);
			line = record_json_encode(&r);
			copy = record_keep(&r, &size);
			CU_ASSERT_FATAL(line != NULL && copy != NULL);
			text_none(record_table(r.type), copy);
			CHECK_EQ_INT(record_bytes(r.type, copy), size);
			memset(random_pool, 'x', sizeof(random_pool) - 1);
			memset(&back, 0, sizeof(back));
			back.type = r.type;
			memcpy(&back.key, copy,
			    r.type == RECORD_SESSION ? session_bytes(copy)
						     : record_table(r.type)->size);
			again = record_json_encode(&back);
			CHECK_EQ_STR(again, line);
			free(again);
			free(line);
			free(copy);
		}
	}
}

static void
what_is_owned_is_replaced(void)
{
	static const char long_text[] = "0123456789abcdef";
	struct record_reply a = { 0 }, b = { .code = 550, .enhanced = "5.7.1", .text = "no" };

	CHECK(reply_own(&a, &b));
	CHECK(a.text != b.text);
	CHECK_EQ_STR(a.text, "no");
	CHECK_EQ_INT(a.code, 550);
	b.text = NULL;
	CHECK(reply_own(&a, &b));
	CHECK(a.text == NULL);
	CHECK(text_own(&a.text, 8, long_text, strlen(long_text)));
	CHECK_EQ_STR(a.text, "0123456");
	CHECK(text_own(&a.text, RECORD_WORDS, "\xffx", 2));
	CHECK_EQ_STR(a.text, "\xef\xbf\xbdx");
	text_disown(&a.text);
	CHECK(a.text == NULL);
}

int
main(void)
{
	static const struct check_test cases[] = {
		{ "deep structs are marked", deep_structs_are_marked },
		{ "a copy outlives what it was made of", a_copy_outlives_what_it_was_made_of },
		{ "what is owned is replaced", what_is_owned_is_replaced },
	};

	return check_main("record_copy", cases, sizeof(cases) / sizeof(cases[0]));
}
