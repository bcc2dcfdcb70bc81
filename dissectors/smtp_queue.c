#include <stdlib.h>
#include <string.h>

#include "dissectors/smtp_state.h"

struct smtp_asked *
smtp_queue_at(struct smtp_queue *q, uint32_t i)
{
	return i < q->count ? &q->e[(q->first + i) % q->size] : NULL;
}

static struct smtp_asked *
asked(struct smtp_queue *q, uint32_t i)		/* i < count */
{
	return &q->e[(q->first + i) % q->size];
}

struct smtp_asked *
smtp_queue_tail(struct smtp_queue *q)
{
	return q->count != 0 ? smtp_queue_at(q, q->count - 1) : NULL;
}

void
smtp_queue_drop(struct smtp_queue *q, uint32_t n)
{
	if (n > q->count)
		n = q->count;
	q->count -= n;
	q->first = q->count != 0 ? (q->first + n) % q->size : 0;
}

static bool
queue_grow(struct smtp_queue *q)
{
	uint32_t size = q->size != 0 ? q->size * 2 : 8;
	struct smtp_asked *e = calloc(size, sizeof(*e));

	if (e == NULL)
		return false;
	for (uint32_t i = 0; i < q->count; i++)
		e[i] = *smtp_queue_at(q, i);
	free(q->e);
	*q = (struct smtp_queue){ e, 0, q->count, size };
	return true;
}

/* Full: the oldest is taken for answered, and nothing is sure until a code anchors it again. */
struct smtp_asked *
smtp_queue_add(struct smtp_state *st, int verb)
{
	struct smtp_queue *q = &st->queue;
	struct smtp_asked *e;

	if (q->count == SMTP_OUTSTANDING_MAX || (q->count == q->size && !queue_grow(q))) {
		if (q->count != SMTP_OUTSTANDING_MAX)
			dissect_starved(st->hint.budget);
		if (q->count == 0)
			return NULL;
		smtp_queue_drop(q, 1);
		st->unsynced = true;
	}
	q->count++;
	e = smtp_queue_tail(q);
	*e = (struct smtp_asked){ .cmd = ++st->cmd, .verb = (uint16_t)verb };
	return e;
}

/* Codes that only one command is answered with. */
static bool
code_is_special(uint16_t code)
{
	return code == 220 || code == 221 || code == 235;
}

bool
smtp_verb_takes(int verb, uint16_t code)
{
	const struct smtp_verb_facts *v = smtp_verb_facts(verb);

	switch (code / 100) {
	case 2:
		if (v->good / 100 != 2)
			return false;
		return code == v->good || !(code_is_special(code) || code_is_special(v->good));
	case 3:
		return verb == SMTP_DATA ? code != 334 :
		    (verb == SMTP_AUTH || verb == SMTP_AUTH_DATA) && code != 354;
	default:
		return true;
	}
}

/* Nobody pipelines more; a search of thousands of commands for every reply would be a way to hang us.  Counted. */
enum { LOOK_AHEAD = 256 };

static struct smtp_asked *
pick_from(struct smtp_state *st, uint32_t from, uint32_t to, uint16_t code)
{
	for (uint32_t i = from; i < to; i++) {
		if (!smtp_verb_takes(asked(&st->queue, i)->verb, code))
			continue;
		smtp_queue_drop(&st->queue, i);
		return smtp_queue_at(&st->queue, 0);
	}
	return NULL;
}

/*
 * In order, RFC 2920 3.1.  While bytes are missing: the first that can be
 * answered so, of those asked behind the missing replies if there are any.
 */
struct smtp_asked *
smtp_queue_pick(struct smtp_state *st, uint16_t code)
{
	struct smtp_queue *q = &st->queue;
	const uint32_t end = q->count < LOOK_AHEAD ? q->count : LOOK_AHEAD;
	struct smtp_asked *e;
	uint32_t later = 0;

	if (!st->unsynced || q->count == 0)
		return smtp_queue_at(q, 0);
	while (later < end && asked(q, later)->maybe)
		later++;
	e = pick_from(st, later, end, code);
	if (e == NULL && end < q->count && !st->answer.far && st->hint.budget != NULL) {
		st->answer.far = true;
		st->hint.budget->searches_cut++;
	}
	return e != NULL ? e : pick_from(st, 0, later, code);
}
