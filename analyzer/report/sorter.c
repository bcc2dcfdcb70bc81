/* sorter.c - runs, and a heap of their heads. */
#include "report/sorter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM_FIRST 256

struct run {
	uint64_t at, left; /* in the file: offset, things */
	char *head, *end;  /* at hand */
	char *room;        /* a share of the sorter's */
};

struct sorter {
	size_t size, most;
	int (*compare)(const void *, const void *);
	char *v;        /* things of the run that is being made; later the rooms of all runs */
	size_t n, room; /* things */
	FILE *file;     /* NULL until there is a second run */
	uint64_t file_len;
	struct run *run;
	size_t runs, run_room;
	size_t *heap; /* indices of runs, the one with the least head first; NULL until they are
			 taken */
	size_t heap_n;
	size_t taken; /* where there is one run only: of v */
	bool sorted;
};

struct sorter *
sorter_new(size_t size, size_t most, int (*compare)(const void *, const void *))
{
	struct sorter *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->size = size;
	s->most = most;
	s->compare = compare;
	return s;
}

void
sorter_free(struct sorter *s)
{
	if (s == NULL)
		return;
	if (s->file != NULL)
		fclose(s->file);
	free(s->heap);
	free(s->run);
	free(s->v);
	free(s);
}

/* ---- putting ---------------------------------------------------------------- */

static int
sorter_grow(struct sorter *s)
{
	size_t room = s->room == 0 ? ROOM_FIRST : s->room * 2;
	char *v;

	if (room > s->most)
		room = s->most;
	if ((v = reallocarray(s->v, room, s->size)) == NULL)
		return -1;
	s->v = v;
	s->room = room;
	return 0;
}

/* What is in memory becomes a run of the file. */
static int
sorter_spill(struct sorter *s)
{
	struct run *r;

	if (s->runs == s->run_room) {
		if ((r = reallocarray(s->run, s->run_room * 2 + 8, sizeof(*r))) == NULL)
			return -1;
		s->run = r;
		s->run_room = s->run_room * 2 + 8;
	}
	if (s->file == NULL && (s->file = tmpfile()) == NULL)
		return -1;
	qsort(s->v, s->n, s->size, s->compare);
	if (fwrite(s->v, s->size, s->n, s->file) != s->n)
		return -1;
	s->run[s->runs++] = (struct run){ .at = s->file_len, .left = s->n };
	s->file_len += s->n * s->size;
	s->n = 0;
	return 0;
}

int
sorter_put(struct sorter *s, const void *thing)
{
	if (s->n == s->most && sorter_spill(s) != 0)
		return -1;
	if (s->n == s->room && sorter_grow(s) != 0)
		return -1;
	memcpy(s->v + s->n++ * s->size, thing, s->size);
	return 0;
}

/* ---- taking ----------------------------------------------------------------- */

/* The next of a run comes to hand; false: it is empty, or errno tells. */
static bool
run_read(struct sorter *s, struct run *r)
{
	size_t share = s->most / s->runs, n = r->left < share ? (size_t)r->left : share;

	errno = n > 0 ? EIO : 0; /* a short read sets none */
	if (n == 0 ||
	    pread(fileno(s->file), r->room, n * s->size, (off_t)r->at) != (ssize_t)(n * s->size))
		return false;
	errno = 0;
	r->at += n * s->size;
	r->left -= n;
	r->head = r->room;
	r->end = r->room + n * s->size;
	return true;
}

static bool
run_before(const struct sorter *s, size_t a, size_t b)
{
	return s->compare(s->run[a].head, s->run[b].head) < 0;
}

/* The run at place i goes down to where it belongs. */
static void
heap_sink(struct sorter *s, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1, x = s->heap[i];

		for (size_t k = left; k < left + 2 && k < s->heap_n; k++)
			if (run_before(s, s->heap[k], s->heap[least]))
				least = k;
		if (least == i)
			return;
		s->heap[i] = s->heap[least];
		s->heap[least] = x;
		i = least;
	}
}

/* All runs are in the file; their heads come to hand.  -1 with errno. */
static int
heap_make(struct sorter *s)
{
	if (sorter_spill(s) != 0 || fflush(s->file) != 0)
		return -1;
	errno = ENOMEM;
	if (s->runs > s->most || (s->heap = calloc(s->runs, sizeof(*s->heap))) == NULL)
		return -1;
	for (size_t i = 0; i < s->runs; i++) {
		s->run[i].room = s->v + i * (s->most / s->runs) * s->size;
		if (!run_read(s, &s->run[i]))
			return -1;
		s->heap[s->heap_n++] = i;
	}
	for (size_t i = s->heap_n; i-- > 0;)
		heap_sink(s, i);
	return 0;
}

/* The head of the least run was taken: its next, or the run is over.  False with errno. */
static bool
heap_advance(struct sorter *s)
{
	struct run *r = &s->run[s->heap[0]];

	r->head += s->size;
	if (r->head == r->end && !run_read(s, r)) {
		if (errno != 0)
			return false;
		s->heap[0] = s->heap[--s->heap_n];
	}
	if (s->heap_n > 0)
		heap_sink(s, 0);
	return true;
}

const void *
sorter_take(struct sorter *s)
{
	errno = 0;
	if (s->runs == 0) {
		if (!s->sorted && s->n > 1)
			qsort(s->v, s->n, s->size, s->compare);
		s->sorted = true;
		errno = 0;
		return s->taken < s->n ? s->v + s->taken++ * s->size : NULL;
	}
	if (!s->sorted) {
		if (heap_make(s) != 0)
			return NULL;
		s->sorted = true;
	} else if (s->heap_n > 0 && !heap_advance(s)) {
		return NULL;
	}
	errno = 0;
	return s->heap_n > 0 ? s->run[s->heap[0]].head : NULL;
}
