/* Built when the build defines MAILWHY_ZLIB and links zlib; unpack.c does without otherwise. */
#ifdef MAILWHY_ZLIB

#include "gunzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define GUNZIP_WINDOW (15 + 16) /* the largest window; gzip headers and trailers */

struct gunzip {
	z_stream z;
	struct input *packed;
	bool between; /* members: here the file may end */
};

static int
gunzip_fail(const char *why, char *err, size_t errlen)
{
	snprintf(err, errlen, "cannot unpack: %s", why);
	return -1;
}

/* More packed bytes: 1, 0 at a proper end, -1. */
static int
gunzip_feed(struct gunzip *g, char *err, size_t errlen)
{
	const uint8_t *p = NULL;
	size_t n = input_take(g->packed, &p);

	if (n == 0 && g->packed->error[0] != '\0')
		return gunzip_fail(g->packed->error, err, errlen);
	if (n == 0)
		return g->between ? 0 : gunzip_fail("the gzip data are cut short", err, errlen);
	g->z.next_in = (z_const Bytef *)p;
	g->z.avail_in = (uInt)n; /* at most the buffer of an input */
	return 1;
}

/* Members may follow each other (RFC 1952, 2.2); zeros after the last are padding of tapes. */
static int
gunzip_member(struct gunzip *g)
{
	while (g->z.avail_in > 0 && *g->z.next_in == 0) {
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (g->z.avail_in == 0)
		return 0;
	g->between = false;
	return inflateReset(&g->z);
}

static ssize_t
gunzip_read(void *ctx, uint8_t *buf, size_t n, char *err, size_t errlen)
{
	struct gunzip *g = ctx;
	int rc;

	g->z.next_out = buf;
	g->z.avail_out = (uInt)n;
	while (g->z.next_out == buf) {
		if (g->z.avail_in == 0 && (rc = gunzip_feed(g, err, errlen)) != 1)
			return rc;
		if (g->between && (gunzip_member(g) != Z_OK || g->between))
			continue;
		rc = inflate(&g->z, Z_SYNC_FLUSH);
		if (rc == Z_STREAM_END)
			g->between = true;
		else if (rc != Z_OK && rc != Z_BUF_ERROR && g->z.next_out == buf)
			return gunzip_fail(
			    g->z.msg != NULL ? g->z.msg : "damaged gzip data", err, errlen);
	}
	return g->z.next_out - buf;
}

static void
gunzip_close(void *ctx)
{
	struct gunzip *g = ctx;

	inflateEnd(&g->z);
	input_close(g->packed);
	free(g);
}

static void
gunzip_progress(const void *ctx, uint64_t *done, uint64_t *total)
{
	const struct gunzip *g = ctx;

	input_progress(g->packed, done, total);
}

static const struct input_source gunzip_source = { gunzip_read, gunzip_close, gunzip_progress,
	true };

struct input *
gunzip_open(struct input *packed)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (g == NULL || inflateInit2(&g->z, GUNZIP_WINDOW) != Z_OK) {
		free(g);
		input_close(packed);
		return NULL;
	}
	g->packed = packed;
	return input_new(&gunzip_source, g);
}

#else
typedef int gunzip_not_built;
#endif
