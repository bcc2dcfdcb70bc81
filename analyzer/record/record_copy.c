#include "record/record_copy.h"

#include <stdlib.h>

#include "record/record_fields.h"
#include "record/text.h"

/* ---- the texts of a record, one after the other ------------------------------ */

enum { TEXTS_MAX = 64 };	/* of one record; a session has 13, and two for each refusal */

/* Where they are, and how long with their NUL. */
struct texts {
	uint8_t		*base;
	size_t		 bytes;
	uint32_t	 n;
	struct {
		uint32_t	at, len;
	}		 text[TEXTS_MAX];
};

static void
texts_find(struct texts *x, const struct field_table *t, uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		uint8_t *member = base + f->offset;
		uint32_t n = 1;

		if (f->kind == FIELD_TEXT && x->n < TEXTS_MAX) {
			const char *s = field_text(member);
			uint32_t len = s[0] != '\0' ? (uint32_t)strlen(s) + 1 : 0;

			x->text[x->n].at = (uint32_t)(member - x->base);
			x->text[x->n++].len = len;
			x->bytes += len;
		}
		if ((f->flags & FIELD_TEXTS) == 0)
			continue;
		if (f->count_at != 0)
			memcpy(&n, base + f->count_at, sizeof(n));
		for (uint32_t k = 0; k < n; k++)
			texts_find(x, f->table, member + k * f->table->size);
	}
}

/* The record is not changed through `base': what does that is for those who may. */
static void
texts_of(struct texts *x, enum record_type type, const void *record)
{
	x->base = (uint8_t *)(uintptr_t)record;
	x->bytes = 0;
	x->n = 0;
	texts_find(x, record_table(type), x->base);
}

static const char **
text_slot(const struct texts *x, uint32_t i)
{
	return (void *)(x->base + x->text[i].at);
}

static size_t
struct_bytes(enum record_type type, const void *record)
{
	return type == RECORD_SESSION ? session_bytes(record) : record_table(type)->size;
}

size_t
record_bytes(enum record_type type, const struct record_key *record)
{
	struct texts x;

	texts_of(&x, type, record);
	return struct_bytes(type, record) + x.bytes;
}

void *
record_keep(const struct record *r, size_t *size)
{
	size_t own = struct_bytes(r->type, &r->key);
	struct texts x;
	char *copy, *room;

	texts_of(&x, r->type, &r->key);
	*size = own + x.bytes;
	if ((copy = malloc(*size)) == NULL)
		return NULL;
	memcpy(copy, &r->key, own);
	x.base = (uint8_t *)copy;
	room = copy + own;
	for (uint32_t i = 0; i < x.n; i++) {
		const char **text = text_slot(&x, i);

		*text = x.text[i].len > 0 ? memcpy(room, *text, x.text[i].len) : "";
		room += x.text[i].len;
	}
	return copy;
}

/* ---- records that are being made ------------------------------------------------ */

void
text_disown(const char **text)
{
	free((void *)(uintptr_t)*text);
	*text = NULL;
}

static void
record_disown(enum record_type type, void *record)
{
	struct texts x;

	texts_of(&x, type, record);
	for (uint32_t i = 0; i < x.n; i++)
		text_disown(text_slot(&x, i));
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
	record_disown(RECORD_TRANSACTION, t);
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
	record_disown(RECORD_SESSION, s);
	free(s);
}

void
refusal_disown(struct session_refusal *r)
{
	text_disown(&r->line);
	text_disown(&r->reply.text);
}
