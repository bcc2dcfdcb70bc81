/*
 * input.h - the bytes of one file, pipe or unpacked stream, with look-ahead.
 *
 * Bytes are read when they are needed and not before, so a pipe that is still
 * being written is followed frame by frame; but a thread may unpack large
 * files ahead, and the bytes are then looked at where it put them.
 * Invariant: pos <= end; base is the stream's offset of buf[0].
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INPUT_BUFFER    (256u << 10) /* measured: more is not faster, it leaves the L2 cache */
#define INPUT_AHEAD_MIN (1u << 20)   /* packed bytes that are worth the start of a thread */
#define INPUT_NEED_MAX  (17u << 20)  /* largest look-ahead anyone may ask for */

/* Where an input gets its bytes: read() gives 0 at the end, -1 with a reason in err. */
struct input_source {
	ssize_t (*read)(void *ctx, uint8_t *buf, size_t n, char *err, size_t errlen);
	void (*close)(void *ctx);
	void (*progress)(const void *ctx, uint64_t *done, uint64_t *total);
	bool unpacks; /* work of its own, that may be done ahead */
};

struct input {
	uint8_t *buf; /* `own', or a block of the thread's */
	size_t pos, end;
	uint8_t *own;
	size_t cap; /* of own */
	uint64_t base;
	bool eof;
	char error[160]; /* "" = none; the end may then not be the real one */
	const struct input_source *source;
	void *ctx;
	struct ahead *ahead; /* NULL: the source is read in place */
};

/* Opens a path, "-" is standard input.  NULL with "path: reason" in err. */
struct input *input_open(const char *path, char *err, size_t errlen);
/* An input over any source; takes ctx, also on failure (NULL: no memory). */
struct input *input_new(const struct input_source *source, void *ctx);
void input_close(struct input *in);
/*
 * From here on a thread may read ahead, if that unpacks.  Not so plain files:
 * measured on two threads of one core, the kernel's copying beside the analysis
 * takes a third of the wall time off and puts 10 to 25 % of CPU time on.
 */
void input_ahead(struct input *in);
/* The bytes at hand, after one read if there are none; consumes them.  0 = end or error. */
size_t input_take(struct input *in, const uint8_t **p);
void input_progress(const struct input *in, uint64_t *done, uint64_t *total);

/* Looks at the first n bytes, or as many as there are: *p.  Waits until they are there. */
size_t input_peek(struct input *in, size_t n, const uint8_t **p);

/* The slow half of input_need(). */
const uint8_t *input_fill(struct input *in, size_t n);

/*
 * The next n bytes, contiguous, without consuming them; NULL when fewer are
 * left.  Valid until the next call that may read.
 */
static inline const uint8_t *
input_need(struct input *in, size_t n)
{
	return in->end - in->pos >= n ? in->buf + in->pos : input_fill(in, n);
}

static inline size_t
input_left(const struct input *in)
{
	return in->end - in->pos;
}

/* n must have been granted by input_need(). */
static inline void
input_skip(struct input *in, size_t n)
{
	in->pos += n;
}

static inline uint64_t
input_offset(const struct input *in)
{
	return in->base + in->pos;
}

#endif /* INPUT_H */
