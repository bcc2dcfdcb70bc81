#include <stdlib.h>
#include <string.h>

#include "dissectors/smtp/smtp_state.h"

struct smtp_asked *
smtp_queue_at(struct smtp_queue *q, uint32_t i)
{
	return i < q->count ? &q->e[(q->first + i) % q->size] : NULL;
}

static struct smtp_asked *
asked(struct smtp_queue *q, uint32_t i) /* i < count */
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
queue_grow(struct smtp_queue *q, struct dissect_budget *b)
{
	struct dissect_queues *all = b != NULL ? &b->queues : NULL;
	uint32_t size = q->size != 0 ? q->size * 2 : 8;
	struct smtp_asked *e;

	if (size > SMTP_OUTSTANDING_MAX || !dissect_queue_room(all, q->size, size))
		return false;
	if ((e = calloc(size, sizeof(*e))) == NULL) {
		dissect_queue_room(all, size, q->size);
		dissect_starved(b);
		return false;
	}
	for (uint32_t i = 0; i < q->count; i++)
		e[i] = *smtp_queue_at(q, i);
	free(q->e);
	*q = (struct smtp_queue){ e, 0, q->count, size };
	return true;
}

/*
 * Full: the oldest is taken for answered, and nothing is sure until a code anchors it again.  Where
 * the server is not in the capture nothing is lost by it.
 */
struct smtp_asked *
smtp_queue_add(struct smtp_state *st, int verb)
{
	struct smtp_queue *q = &st->queue;
	struct smtp_asked *e;

	if (q->count == q->size && !queue_grow(q, st->hint.budget)) {
		if (q->count == 0)
			return NULL;
		if (st->server_heard && st->hint.budget != NULL)
			st->hint.budget->searches_cut++;
		smtp_queue_drop(q, 1);
		smtp_unsync(st);
	}
	q->count++;
	e = smtp_queue_tail(q);
	*e = (struct smtp_asked){ .cmd = ++st->cmd, .verb = (uint16_t)verb };
	smtp_asked_whole(st, e);
	return e;
}

/* Its last byte has been read. */
void
smtp_asked_whole(const struct smtp_state *st, struct smtp_asked *e)
{
	e->end = st->next[DIR_C2S];
	e->ts_ns = st->client_ts_ns;
	e->maybe |= st->unsynced && st->heard != UINT64_MAX && e->end <= st->heard;
}

void
smtp_queue_free(struct smtp_state *st)
{
	if (st->hint.budget != NULL)
		dissect_queue_room(&st->hint.budget->queues, st->queue.size, 0);
	free(st->queue.e);
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
		return verb == SMTP_DATA
		    ? code != 334
		    : (verb == SMTP_AUTH || verb == SMTP_AUTH_DATA) && code != 354;
	default: return true;
	}
}

/*
 * Nobody pipelines more; a search of thousands of commands for every reply would be a way to hang
 * us.  Counted.
 */
enum { LOOK_AHEAD = 256 };

/* The first of them that could be answered so; `to': none. */
static uint32_t
takes(struct smtp_state *st, uint32_t from, uint32_t to, uint16_t code)
{
	while (from < to && !smtp_verb_takes(asked(&st->queue, from)->verb, code))
		from++;
	return from;
}

static struct smtp_asked *
pick(struct smtp_state *st, uint32_t i)
{
	smtp_queue_drop(&st->queue, i);
	return smtp_queue_at(&st->queue, 0);
}

static struct smtp_asked *
pick_from(struct smtp_state *st, uint32_t from, uint32_t to, uint16_t code)
{
	uint32_t i = takes(st, from, to, code);

	return i < to ? pick(st, i) : NULL;
}

uint32_t
smtp_path_hash(const char *path, size_t len)
{
	uint32_t h = 0x811c9dc5; /* FNV-1a */

	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)path[i];

		h = (h ^ (b >= 'A' && b <= 'Z' ? b + 32u : b)) * 0x01000193;
	}
	return h != 0 ? h : 1;
}

enum { PATHS_TRIED = 4, PATH_LEN = 256 }; /* of a reply; RFC 5321 4.5.3.1.3 */

/* The recipient whom the words of the reply name, "<joe@example.net>"; `to': none. */
static uint32_t
named(struct smtp_state *st, uint32_t from, uint32_t to)
{
	const struct smtp_kept *t = &st->answer.text;
	const char *p = t->p, *end = p + t->len, *close;

	for (int n = 0;
	     n < PATHS_TRIED && t->len != 0 && (p = memchr(p, '<', (size_t)(end - p))) != NULL;
	     n++, p++) {
		size_t room = (size_t)(end - p - 1) < PATH_LEN ? (size_t)(end - p - 1) : PATH_LEN;
		uint32_t path;

		if ((close = memchr(p + 1, '>', room)) == NULL)
			continue;
		path = smtp_path_hash(p + 1, (size_t)(close - p - 1));
		for (uint32_t i = from; i < to; i++)
			if (asked(&st->queue, i)->path == path)
				return i;
	}
	return to;
}

/* How many of them had been asked when the reply at hand was said. */
static uint32_t
asked_before(struct smtp_state *st, uint32_t end)
{
	while (end > 0 && asked(&st->queue, end - 1)->ts_ns > st->answer.ts_ns)
		end--;
	return end;
}

/*
 * RFC 2920 3.1: with these a client waits before it goes on, so whoever has gone on was answered.
 */
static bool
ends_group(int verb)
{
	return verb == SMTP_EHLO || verb == SMTP_LHLO || verb == SMTP_HELO ||
	    smtp_verb_facts(verb)->flags & SMTP_WAITS;
}

static uint32_t
group_begin(struct smtp_state *st, uint32_t due)
{
	for (uint32_t i = due; i-- > 1;)
		if (ends_group(asked(&st->queue, i - 1)->verb))
			return i;
	return 0;
}

/* Of those that the missing replies may have answered. */
static struct smtp_asked *
pick_guess(struct smtp_state *st, uint32_t to, uint16_t code)
{
	uint32_t from = group_begin(st, to), i = named(st, from, to);

	if (i < to) {
		st->unsynced = !st->in_turn;
		return pick(st, i);
	}
	if ((i = takes(st, from, to, code)) == to)
		return pick_from(st, 0, from, code);
	st->answer.guess = takes(st, i + 1, to, code) < to;
	return pick(st, i);
}

/*
 * In order, RFC 2920 3.1.  While bytes are missing: the first that can be
 * answered so, of those asked behind the missing replies if there are any;
 * what was asked later than it was said, last.  A reply that was said before
 * all of them answers none: its command is missing.
 */
struct smtp_asked *
smtp_queue_pick(struct smtp_state *st, uint16_t code)
{
	struct smtp_queue *q = &st->queue;
	const uint32_t end = q->count < LOOK_AHEAD ? q->count : LOOK_AHEAD;
	struct smtp_asked *e;
	uint32_t later = 0, due;

	if (!st->unsynced || q->count == 0)
		return smtp_queue_at(q, 0);
	while (later < end && asked(q, later)->maybe)
		later++;
	if ((due = asked_before(st, end)) == 0)
		return NULL;
	if (later < due && st->in_turn && smtp_verb_takes(asked(q, later)->verb, code)) {
		st->unsynced = false; /* nothing is missing from here on */
		return pick(st, later);
	}
	if (code == 421 && later >= due)
		return NULL; /* RFC 5321 3.8: said at any time; their own replies may be among what
				is missing */
	if ((e = pick_from(st, later, due, code)) != NULL ||
	    (e = pick_guess(st, later < due ? later : due, code)) != NULL)
		return e;
	e = pick_from(st, later, end, code);
	if (e == NULL && end < q->count && !st->answer.far && st->hint.budget != NULL) {
		st->answer.far = true;
		st->hint.budget->searches_cut++;
	}
	return e != NULL ? e : pick_from(st, 0, later, code);
}
