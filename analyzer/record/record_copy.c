#include "record/record_copy.h"

#include <stdlib.h>

#include "record/record_fields.h"
#include "record/text.h"

/* ---- what a record points to, one after the other ------------------------------ */

enum { PARTS_MAX = 64 }; /* of one record; a session has 14, and two for each refusal */

/* A text with its NUL, or a list: where its pointer is, and how many bytes it takes. */
struct parts {
	uint8_t *base;
	size_t bytes; /* of all, each of them aligned */
	uint32_t n;
	struct part {
		uint32_t at, bytes;
		bool text;
	} part[PARTS_MAX];
};

static size_t
aligned(size_t bytes)
{
	const size_t align = _Alignof(int64_t);

	return (bytes + align - 1) / align * align;
}

static void
parts_add(struct parts *x, const uint8_t *member, bool text, size_t bytes)
{
	if (x->n == PARTS_MAX)
		return;
	x->part[x->n++] = (struct part){ (uint32_t)(member - x->base), (uint32_t)bytes, text };
	x->bytes += aligned(bytes);
}

static void parts_find(struct parts *x, const struct field_table *t, uint8_t *base);

static void
field_find(struct parts *x, const struct field *f, uint8_t *base)
{
	uint8_t *member = base + f->offset;
	size_t n;

	if (f->kind == FIELD_TEXT) {
		n = strlen(field_text(member));
		parts_add(x, member, true, n > 0 ? n + 1 : 0);
	} else if ((f->flags & FIELD_LIST) != 0) {
		parts_add(x, member, false, field_counted(f, base) * f->table->size);
	} else if ((f->flags & FIELD_DEEP) != 0) {
		n = f->count_at != 0 ? field_counted(f, base) : f->size / f->table->size;
		for (size_t k = 0; k < n; k++)
			parts_find(x, f->table, member + k * f->table->size);
	}
}

static void
parts_find(struct parts *x, const struct field_table *t, uint8_t *base)
{
	for (size_t i = 0; i < t->count; i++)
		field_find(x, &t->fields[i], base);
}

/*
 * The few fields of a record that point somewhere, structs within laid open:
 * looked up in its table at the first record of its type.
 */
struct plan {
	bool made;
	uint32_t n;
	struct {
		const struct field *f;
		size_t at; /* of the struct that has the field */
	} place[PARTS_MAX];
};

static void
plan_make(struct plan *p, const struct field_table *t, size_t at)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		if ((f->flags & FIELD_DEEP) != 0 && f->count_at == 0) {
			for (size_t k = 0; k < f->size; k += f->table->size)
				plan_make(p, f->table, at + f->offset + k);
		} else if ((f->kind == FIELD_TEXT || (f->flags & (FIELD_LIST | FIELD_DEEP)) != 0) &&
		    p->n < PARTS_MAX) {
			p->place[p->n].f = f;
			p->place[p->n++].at = at;
		}
	}
}

/* Nothing is changed through `base' here: that is for those who may. */
static void
parts_of(struct parts *x, enum record_type type, const void *record)
{
	static struct plan plans[RECORD_LAST + 1];
	struct plan *p = &plans[type];

	if (!p->made)
		plan_make(p, record_table(type), 0);
	p->made = true;
	x->base = (uint8_t *)(uintptr_t)record;
	x->bytes = 0;
	x->n = 0;
	for (uint32_t i = 0; i < p->n; i++)
		field_find(x, p->place[i].f, x->base + p->place[i].at);
}

/* What is not there is empty, whatever its count says. */
static char *
part_move(const struct parts *x, const struct part *p, char *room)
{
	const void **member = (void *)(x->base + p->at);

	if (p->text && p->bytes == 0)
		*member = "";
	else
		*member =
		    *member != NULL ? memcpy(room, *member, p->bytes) : memset(room, 0, p->bytes);
	return room + aligned(p->bytes);
}

static size_t
struct_bytes(enum record_type type, const void *record)
{
	return type == RECORD_SESSION ? session_bytes(record) : record_table(type)->size;
}

size_t
record_bytes(enum record_type type, const struct record_key *record)
{
	struct parts x;

	parts_of(&x, type, record);
	return struct_bytes(type, record) + x.bytes;
}

void *
record_keep(const struct record *r, size_t *size)
{
	size_t own = struct_bytes(r->type, &r->key);
	struct parts x;
	char *copy, *room;

	parts_of(&x, r->type, &r->key);
	*size = own + x.bytes;
	if ((copy = malloc(*size)) == NULL)
		return NULL;
	memcpy(copy, &r->key, own);
	x.base = (uint8_t *)copy;
	room = copy + own;
	for (uint32_t i = 0; i < x.n; i++)
		room = part_move(&x, &x.part[i], room);
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
	struct parts x;

	parts_of(&x, type, record);
	for (uint32_t i = 0; i < x.n; i++)
		if (x.part[i].text)
			text_disown((void *)(x.base + x.part[i].at));
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
	return text_own(
	    &to->text, RECORD_WORDS, from->text, from->text != NULL ? strlen(from->text) : 0);
}

void
transaction_disown(struct record_transaction *t)
{
	record_disown(RECORD_TRANSACTION, t);
}

struct record_session *
session_new(void)
{
	void *head = calloc(1, offsetof(struct record_session, refusals));

	return head; /* less than the struct, on purpose: session_bytes() */
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
