#include "record/record_copy.h"

#include <stdlib.h>

#include "record/record_fields.h"
#include "record/text.h"

/* ---- the texts of a record, one after the other ------------------------------ */

typedef void text_visit(void *ctx, const char **text);

static void
texts_visit(const struct field_table *t, uint8_t *base, text_visit *visit, void *ctx)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		void *member = base + f->offset;
		uint32_t n = 1;

		if (f->kind == FIELD_TEXT)
			visit(ctx, member);
		if ((f->flags & FIELD_TEXTS) == 0)
			continue;
		if (f->count_at != 0)
			memcpy(&n, base + f->count_at, sizeof(n));
		for (uint32_t k = 0; k < n; k++)
			texts_visit(f->table, (uint8_t *)member + k * f->table->size, visit, ctx);
	}
}

static void
text_count(void *ctx, const char **text)
{
	size_t *bytes = ctx;

	if (*text != NULL && **text != '\0')
		*bytes += strlen(*text) + 1;
}

static void
text_move(void *ctx, const char **text)
{
	char **room = ctx;
	const char *from = *text;

	*text = "";
	if (from == NULL || *from == '\0')
		return;
	*text = *room;
	*room = stpcpy(*room, from) + 1;
}

static size_t
struct_bytes(enum record_type type, const struct record_key *record)
{
	const void *r = record;

	return type == RECORD_SESSION ? session_bytes(r) : record_table(type)->size;
}

size_t
record_bytes(enum record_type type, const struct record_key *record)
{
	size_t texts = 0;

	texts_visit(record_table(type), (uint8_t *)(uintptr_t)record, text_count, &texts);	/* changes nothing */
	return struct_bytes(type, record) + texts;
}

void *
record_keep(const struct record *r)
{
	size_t own = struct_bytes(r->type, &r->key);
	char *copy = malloc(record_bytes(r->type, &r->key)), *room;

	if (copy == NULL)
		return NULL;
	memcpy(copy, &r->key, own);
	room = copy + own;
	texts_visit(record_table(r->type), (uint8_t *)copy, text_move, &room);
	return copy;
}

/* ---- records that are being made ------------------------------------------------ */

static void
text_free(void *ctx, const char **text)
{
	(void)ctx;
	text_disown(text);
}

void
text_disown(const char **text)
{
	free((void *)(uintptr_t)*text);
	*text = NULL;
}

bool
text_own(const char **text, size_t max, const void *src, size_t len)
{
	char buf[RECORD_WORDS];
	size_t n = text_copy_utf8(buf, max < sizeof(buf) ? max : sizeof(buf), src, len);
	char *copy = NULL;

	if (n > 0 && (copy = malloc(n + 1)) != NULL)
		memcpy(copy, buf, n + 1);
	text_disown(text);
	*text = copy;
	return n == 0 || copy != NULL;
}

bool
reply_own(struct record_reply *to, const struct record_reply *from)
{
	const char *old = to->text;

	*to = *from;
	to->text = old;
	return text_own(&to->text, RECORD_WORDS, from->text, from->text != NULL ? strlen(from->text) : 0);
}

void
transaction_disown(struct record_transaction *t)
{
	texts_visit(record_table(RECORD_TRANSACTION), (uint8_t *)t, text_free, NULL);
}

struct record_session *
session_new(void)
{
	return calloc(1, offsetof(struct record_session, refusals));
}

void
session_free(struct record_session *s, struct session_refusal *refusals)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->refusals_kept; i++)
		refusal_disown(&refusals[i]);
	free(refusals);
	s->refusals_kept = 0;
	texts_visit(record_table(RECORD_SESSION), (uint8_t *)s, text_free, NULL);
	free(s);
}

void
refusal_disown(struct session_refusal *r)
{
	text_disown(&r->line);
	text_disown(&r->reply.text);
}
