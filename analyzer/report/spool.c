/* spool.c - append, then read anywhere. */
#include "report/spool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct spool {
	char *mem, *piece; /* piece: what was read back from the file */
	size_t len, room, max, piece_room;
	FILE *file; /* bytes from offset `len' on; NULL until needed */
	uint64_t file_len;
	bool dirty;
};

struct spool *
spool_new(size_t memory_max)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->max = memory_max;
	return s;
}

static bool
spool_grow(struct spool *s, size_t need)
{
	size_t room = s->room > 0 ? s->room : 4096;
	char *mem;

	if (need <= s->room)
		return true;
	while (room < need)
		room *= 2;
	if ((mem = realloc(s->mem, room)) == NULL)
		return false;
	s->mem = mem;
	s->room = room;
	return true;
}

static int
spool_add_file(struct spool *s, const void *p, size_t len, uint64_t *at)
{
	if (s->file == NULL && (s->file = tmpfile()) == NULL)
		return -1;
	if (fwrite(p, 1, len, s->file) != len)
		return -1;
	*at = s->len + s->file_len;
	s->file_len += len;
	s->dirty = true;
	return 0;
}

int
spool_add(struct spool *s, const void *p, size_t len, uint64_t *at)
{
	/* Once there is a file everything goes there, so that places stay in order. */
	if (s->file != NULL || len > s->max - s->len)
		return spool_add_file(s, p, len, at);
	if (!spool_grow(s, s->len + len))
		return spool_add_file(s, p, len, at);
	if (len > 0) /* of nothing there may be no memory */
		memcpy(s->mem + s->len, p, len);
	*at = s->len;
	s->len += len;
	return 0;
}

const char *
spool_get(struct spool *s, uint64_t at, size_t len)
{
	char *piece;

	if (at < s->len)
		return s->mem + at;
	if (s->dirty && fflush(s->file) != 0)
		return NULL;
	s->dirty = false;
	if (len > s->piece_room) {
		if ((piece = realloc(s->piece, len)) == NULL)
			return NULL;
		s->piece = piece;
		s->piece_room = len;
	}
	errno = EIO; /* a short read sets none */
	if (pread(fileno(s->file), s->piece, len, (off_t)(at - s->len)) != (ssize_t)len)
		return NULL;
	return s->piece;
}

void
spool_free(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->file != NULL)
		fclose(s->file);
	free(s->piece);
	free(s->mem);
	free(s);
}
