/*
 * ahead.h - a thread that reads ahead: blocks of a source, in their order,
 * while the caller works on those before.
 */
#ifndef AHEAD_H
#define AHEAD_H

#include "input.h"

#define AHEAD_MARGIN (64u << 10) /* may be written before the bytes of ahead_wait() */

struct ahead;

/*
 * From here on only the thread reads from the source, until ahead_stop(); both
 * stay the caller's.  NULL: there is no second core, no memory, no thread.
 */
struct ahead *ahead_start(const struct input_source *source, void *ctx);
void ahead_stop(struct ahead *a);
/* Bytes that come next, all of their block that is not taken; 0 at the end. */
size_t ahead_wait(struct ahead *a, uint8_t **p);
/* Takes n of them; they are valid until the next ahead_take(). */
void ahead_take(struct ahead *a, size_t n);
/* Takes at most n of them by copying, as a source's read(). */
ssize_t ahead_read(struct ahead *a, uint8_t *buf, size_t n, char *err, size_t errlen);

#endif /* AHEAD_H */
