/*
 * failing.c - a library to preload that makes the system fail on purpose:
 *
 *	FAIL_ALLOC=n	the n-th allocation finds no memory; n+ : all from then on
 *	FAIL_COUNT=file	writes how many allocations there were, at the end
 *	FAIL_READ=n	every read() returns at most n bytes
 *	FAIL_EINTR=us	a timer interrupts system calls so often, without SA_RESTART
 *	FAIL_THREAD=n	no thread can be started; n is of no matter
 *
 * Allocations of the C library's own (fopen's buffers) do not pass here, those
 * of all other libraries do.  Blocks come from the allocator beneath, which may
 * be a sanitizer's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static atomic_long count;
static long fail_at; /* 0 = never */
static bool fail_on; /* and all that follow */
static size_t read_most;
static const char *count_file;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void (*real_free)(void *);
static void *(*real_realloc)(void *, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static ssize_t (*real_read)(int, void *, size_t);

static char early[8192]; /* dlsym() allocates before it has found calloc */
static size_t early_used;

static void *
early_alloc(size_t size)
{
	void *p = early + early_used;

	early_used += (size + 15) & ~(size_t)15;
	return early_used <= sizeof(early) ? p : NULL;
}

static void
interrupted(int sig)
{
	(void)sig;
}

static void
interrupt_often(long us)
{
	struct sigaction sa = { .sa_handler = interrupted };
	struct itimerval t = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

/* Other libraries' constructors allocate before ours has run. */
static void
resolve(void)
{
	static bool resolving;

	if (resolving)
		return;
	resolving = true;
	*(void **)&real_calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&real_malloc = dlsym(RTLD_NEXT, "malloc");
	*(void **)&real_free = dlsym(RTLD_NEXT, "free");
	*(void **)&real_realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	*(void **)&real_read = dlsym(RTLD_NEXT, "read");
	resolving = false;
}

void failing_begin(void);

/*
 * As the library is loaded; where a command is kept ready (ready.c) once more for each run: what
 * main() allocates counts from 1.
 */
__attribute__((constructor)) void
failing_begin(void)
{
	const char *v;

	resolve();
	if ((v = getenv("FAIL_ALLOC")) != NULL) {
		fail_at = atol(v);
		fail_on = strchr(v, '+') != NULL;
	}
	if ((v = getenv("FAIL_READ")) != NULL)
		read_most = (size_t)atol(v);
	if ((v = getenv("FAIL_EINTR")) != NULL)
		interrupt_often(atol(v));
	count_file = getenv("FAIL_COUNT");
	atomic_store(&count, 0);
}

__attribute__((destructor)) static void
end(void)
{
	long n = atomic_load(&count);
	FILE *f;

	fail_at = 0;
	if (count_file == NULL || (f = fopen(count_file, "w")) == NULL)
		return;
	fprintf(f, "%ld\n", n);
	fclose(f);
}

static bool
fails(void)
{
	long n = atomic_fetch_add(&count, 1) + 1;

	if (fail_at == 0 || n < fail_at || (n > fail_at && !fail_on))
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	if (real_malloc == NULL)
		resolve();
	if (real_malloc == NULL)
		return early_alloc(size);
	return fails() ? NULL : real_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	if (real_calloc == NULL)
		resolve();
	if (real_calloc == NULL)
		return early_alloc(n * size);
	return fails() ? NULL : real_calloc(n, size);
}

void
free(void *p)
{
	uintptr_t at = (uintptr_t)p, from = (uintptr_t)early;

	if (p == NULL || (at >= from && at < from + sizeof(early)))
		return;
	if (real_free == NULL)
		resolve();
	real_free(p);
}

void *
realloc(void *p, size_t size)
{
	if (real_realloc == NULL)
		resolve();
	return fails() ? NULL : real_realloc(p, size);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

int
posix_memalign(void **p, size_t align, size_t size)
{
	if (real_posix_memalign == NULL)
		resolve();
	return fails() ? ENOMEM : real_posix_memalign(p, align, size);
}

int
pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	static int (*real_pthread_create)(
	    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (getenv("FAIL_THREAD") != NULL)
		return EAGAIN;
	if (real_pthread_create == NULL)
		*(void **)&real_pthread_create = dlsym(RTLD_NEXT, "pthread_create");
	return real_pthread_create(t, attr, run, arg);
}

/* gcov writes its counters at the end, with memory it takes for granted; it asks for this first. */
char *
getenv(const char *name)
{
	static char *(*real_getenv)(const char *);

	if (real_getenv == NULL)
		*(void **)&real_getenv = dlsym(RTLD_NEXT, "getenv");
	if (strncmp(name, "GCOV_", 5) == 0)
		fail_at = 0;
	return real_getenv(name);
}

ssize_t
read(int fd, void *p, size_t len)
{
	if (real_read == NULL)
		resolve();
	return real_read(fd, p, read_most > 0 && len > read_most ? read_most : len);
}
