#include "ahead.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD_BLOCKS = 4 };

struct block {
	uint8_t *p; /* AHEAD_MARGIN into its memory */
	size_t n;   /* 0: the end */
};

/* A block belongs to the thread between `empty' and `filled', else to the caller. */
struct ahead {
	const struct input_source *source;
	void *ctx;
	uint8_t *memory;
	struct block block[AHEAD_BLOCKS];
	sem_t empty, filled;
	pthread_t thread;
	atomic_bool stop;

	bool ended;      /* the thread's */
	char error[160]; /* the caller's once it has the end */

	unsigned int at; /* the caller's: number of its block ... */
	size_t taken;    /* ... and bytes taken of it */
	bool here;       /* it is filled */
	bool lent;       /* bytes of the block before may still be in use */
};

/* ---- the thread --------------------------------------------------------------- */

static void
wait_for(sem_t *s)
{
	while (sem_wait(s) == -1 && errno == EINTR)
		;
}

static void
block_fill(struct ahead *a, struct block *b)
{
	ssize_t got;

	for (b->n = 0; b->n < INPUT_BUFFER && !a->ended; b->n += got > 0 ? (size_t)got : 0) {
		got = a->source->read(
		    a->ctx, b->p + b->n, INPUT_BUFFER - b->n, a->error, sizeof(a->error));
		a->ended = got <= 0;
	}
}

static void *
ahead_run(void *arg)
{
	struct ahead *a = arg;
	struct block *b;

	for (unsigned int i = 0;; i++) {
		wait_for(&a->empty);
		if (atomic_load(&a->stop))
			break;
		b = &a->block[i % AHEAD_BLOCKS];
		block_fill(a, b);
		sem_post(&a->filled);
	}
	return NULL;
}

/* ---- the caller ---------------------------------------------------------------- */

static bool
second_core(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

/* Signals are for the others. */
static int
thread_start(struct ahead *a)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&a->thread, NULL, ahead_run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void
ahead_free(struct ahead *a)
{
	sem_destroy(&a->empty);
	sem_destroy(&a->filled);
	free(a->memory);
	free(a);
}

struct ahead *
ahead_start(const struct input_source *source, void *ctx)
{
	const size_t room = AHEAD_MARGIN + INPUT_BUFFER;
	struct ahead *a;

	if (!second_core() || (a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	a->source = source;
	a->ctx = ctx;
	sem_init(&a->empty, 0, AHEAD_BLOCKS);
	sem_init(&a->filled, 0, 0);
	a->memory = malloc(AHEAD_BLOCKS * room);
	for (size_t i = 0; i < AHEAD_BLOCKS && a->memory != NULL; i++)
		a->block[i].p = a->memory + i * room + AHEAD_MARGIN;
	if (a->memory != NULL && thread_start(a) == 0)
		return a;
	ahead_free(a);
	return NULL;
}

void
ahead_stop(struct ahead *a)
{
	if (a == NULL)
		return;
	atomic_store(&a->stop, true);
	sem_post(&a->empty);
	pthread_join(a->thread, NULL);
	ahead_free(a);
}

size_t
ahead_wait(struct ahead *a, uint8_t **p)
{
	const struct block *b = &a->block[a->at % AHEAD_BLOCKS];

	if (!a->here)
		wait_for(&a->filled);
	a->here = true;
	*p = b->p + a->taken;
	return b->n - a->taken;
}

void
ahead_take(struct ahead *a, size_t n)
{
	if (a->lent)
		sem_post(&a->empty);
	a->taken += n;
	a->lent = a->taken == a->block[a->at % AHEAD_BLOCKS].n;
	if (!a->lent)
		return;
	a->at++;
	a->taken = 0;
	a->here = false;
}

ssize_t
ahead_read(struct ahead *a, uint8_t *buf, size_t n, char *err, size_t errlen)
{
	uint8_t *p;
	size_t left = ahead_wait(a, &p);

	if (left == 0) {
		snprintf(err, errlen, "%s", a->error);
		return a->error[0] != '\0' ? -1 : 0;
	}
	if (n > left)
		n = left;
	memcpy(buf, p, n);
	ahead_take(a, n);
	return (ssize_t)n;
}
