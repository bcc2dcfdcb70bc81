#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a file descriptor as a source ----------------------------------------- */

struct descriptor {
	int fd;
	_Atomic uint64_t done; /* one thread may read, another ask */
	uint64_t total;        /* 0 = a pipe */
};

static ssize_t
descriptor_read(void *ctx, uint8_t *buf, size_t n, char *err, size_t errlen)
{
	struct descriptor *d = ctx;
	ssize_t got;

	do
		got = read(d->fd, buf, n);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		snprintf(err, errlen, "read error: %s", strerror(errno));
	else
		d->done += (uint64_t)got;
	return got;
}

static void
descriptor_close(void *ctx)
{
	struct descriptor *d = ctx;

	if (d->fd > STDIN_FILENO)
		close(d->fd);
	free(d);
}

static void
descriptor_progress(const void *ctx, uint64_t *done, uint64_t *total)
{
	const struct descriptor *d = ctx;

	*done = d->done;
	*total = d->total;
}

static const struct input_source descriptor_source = {
	descriptor_read,
	descriptor_close,
	descriptor_progress,
	false,
};

/* -1 with errno; a directory opens, but its bytes are not for reading. */
static int
descriptor_open(const char *path, struct stat *st)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (fstat(fd, st) == -1 || S_ISDIR(st->st_mode)) {
		int why = S_ISDIR(st->st_mode) ? EISDIR : errno;

		if (!is_stdin)
			close(fd);
		errno = why;
		return -1;
	}
	if (S_ISREG(st->st_mode))
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return fd;
}

struct input *
input_open(const char *path, char *err, size_t errlen)
{
	struct descriptor *d;
	struct input *in;
	struct stat st = { 0 };
	int fd = descriptor_open(path, &st);

	if (fd == -1) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (fd == STDIN_FILENO && isatty(fd)) {
		snprintf(err, errlen, "standard input is a terminal, not a capture");
		return NULL;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL) {
		if (fd > STDIN_FILENO)
			close(fd);
		snprintf(err, errlen, "%s: out of memory", path);
		return NULL;
	}
	d->fd = fd;
	d->total = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	if ((in = input_new(&descriptor_source, d)) == NULL)
		snprintf(err, errlen, "%s: out of memory", path);
	return in;
}

/* ---- the buffer ------------------------------------------------------------- */

struct input *
input_new(const struct input_source *source, void *ctx)
{
	struct input *in = calloc(1, sizeof(*in));

	if (in != NULL)
		in->buf = in->own = malloc(INPUT_BUFFER);
	if (in == NULL || in->own == NULL) {
		free(in);
		source->close(ctx);
		return NULL;
	}
	in->cap = INPUT_BUFFER;
	in->source = source;
	in->ctx = ctx;
	return in;
}

void
input_close(struct input *in)
{
	if (in == NULL)
		return;
	ahead_stop(in->ahead);
	in->source->close(in->ctx);
	free(in->own);
	free(in);
}

void
input_ahead(struct input *in)
{
	uint64_t done, total;

	input_progress(in, &done, &total);
	if (in->ahead == NULL && in->source->unpacks && total >= done + INPUT_AHEAD_MIN)
		in->ahead = ahead_start(in->source, in->ctx);
}

static void
input_read(struct input *in)
{
	uint8_t *p = in->buf + in->end;
	size_t room = in->cap - in->end;
	ssize_t got = in->ahead != NULL
	    ? ahead_read(in->ahead, p, room, in->error, sizeof(in->error))
	    : in->source->read(in->ctx, p, room, in->error, sizeof(in->error));

	if (got > 0)
		in->end += (size_t)got;
	else
		in->eof = true;
}

/* What is left moves to `buf', more comes behind it. */
static void
input_move(struct input *in, uint8_t *buf)
{
	memmove(buf, in->buf + in->pos, input_left(in));
	in->base += in->pos;
	in->end -= in->pos;
	in->pos = 0;
	in->buf = buf;
}

/*
 * Room for n bytes, which are more than what is left; our buffer grows only for what is larger than
 * it.
 */
static int
input_room(struct input *in, size_t n)
{
	uint8_t *own;

	if (n <= in->cap) {
		input_move(in, in->own);
		return 0;
	}
	if (n > INPUT_NEED_MAX || (own = malloc(n)) == NULL) {
		snprintf(in->error, sizeof(in->error), "no memory for %zu bytes at once", n);
		in->eof = true;
		return -1;
	}
	input_move(in, own);
	free(in->own);
	in->own = own;
	in->cap = n;
	return 0;
}

/* The thread's next block is looked at in its place, what is left is put before it. */
static bool
input_lend(struct input *in)
{
	size_t left = input_left(in), n;
	uint8_t *p;

	if (in->ahead == NULL || left > AHEAD_MARGIN || (n = ahead_wait(in->ahead, &p)) == 0)
		return false;
	input_move(in, p - left);
	ahead_take(in->ahead, n);
	in->end += n;
	return true;
}

const uint8_t *
input_fill(struct input *in, size_t n)
{
	if (!in->eof && input_lend(in) && in->end >= n)
		return in->buf;
	if (!in->eof && input_room(in, n) == -1)
		return NULL;
	while (!in->eof && in->end - in->pos < n)
		input_read(in);
	return in->end - in->pos >= n ? in->buf + in->pos : NULL;
}

size_t
input_peek(struct input *in, size_t n, const uint8_t **p)
{
	size_t got = input_need(in, n) != NULL ? n : input_left(in);

	*p = in->buf + in->pos;
	return got;
}

size_t
input_take(struct input *in, const uint8_t **p)
{
	size_t n;

	if (input_need(in, 1) == NULL)
		return 0;
	*p = in->buf + in->pos;
	n = in->end - in->pos;
	in->pos = in->end;
	return n;
}

void
input_progress(const struct input *in, uint64_t *done, uint64_t *total)
{
	in->source->progress(in->ctx, done, total);
}
