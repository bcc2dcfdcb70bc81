#include "unpack.h"

#include "gunzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNPACK_LAYERS 3 /* compressions on top of each other */

struct unpack {
	struct archive *archive;
	struct input *packed;
	const uint8_t *p; /* unpacked and not yet handed on; libarchive's */
	size_t len;
	bool empty; /* nothing in it: libarchive must not be asked */
};

/*
 * Only the filter that the magic asks for is switched on: what is not needed
 * cannot be reached by hostile bytes.
 */
static const struct unpack_format {
	const char *name;
	const char *magic;
	uint8_t magic_len;
	int (*support)(struct archive *);
} formats[] = {
	{ "gzip", "\x1f\x8b", 2, archive_read_support_filter_gzip }, /* RFC 1952 */
	{ "xz", "\xfd\x37\x7a\x58\x5a\x00", 6, archive_read_support_filter_xz },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd }, /* RFC 8878 */
	{ "lz4", "\x04\x22\x4d\x18", 4, archive_read_support_filter_lz4 },
	{ "lz4", "\x02\x21\x4c\x18", 4, archive_read_support_filter_lz4 }, /* legacy frame */
	{ "bzip2", "BZh", 3, archive_read_support_filter_bzip2 },
};

static const struct unpack_format *
unpack_find(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (p != NULL && len >= formats[i].magic_len &&
		    memcmp(p, formats[i].magic, formats[i].magic_len) == 0)
			return &formats[i];
	return NULL;
}

const char *
unpack_kind(const uint8_t *p, size_t len)
{
	const struct unpack_format *f = unpack_find(p, len);

	return f != NULL ? f->name : NULL;
}

/* libarchive asks for packed bytes. */
static la_ssize_t
unpack_pull(struct archive *a, void *ctx, const void **block)
{
	struct unpack *u = ctx;
	const uint8_t *p = NULL;
	size_t n = input_take(u->packed, &p);

	if (n == 0 && u->packed->error[0] != '\0') {
		archive_set_error(a, EIO, "%s", u->packed->error);
		return -1;
	}
	*block = p;
	return (la_ssize_t)n;
}

/* archive_read_data() would throw away what it has when an error follows: take whole blocks. */
static ssize_t
unpack_read(void *ctx, uint8_t *buf, size_t n, char *err, size_t errlen)
{
	struct unpack *u = ctx;
	const void *p = NULL;
	la_int64_t offset;
	size_t len = 0;
	int rc;

	while (u->len == 0) {
		if (u->empty)
			return 0;
		rc = archive_read_data_block(u->archive, &p, &len, &offset);
		if (rc == ARCHIVE_EOF)
			return 0;
		if (rc != ARCHIVE_OK) {
			const char *why = archive_error_string(u->archive);

			snprintf(err, errlen, "cannot unpack: %s", why != NULL ? why : "damaged");
			return -1;
		}
		u->p = p;
		u->len = len;
	}
	if (n > u->len)
		n = u->len;
	memcpy(buf, u->p, n);
	u->p += n;
	u->len -= n;
	return (ssize_t)n;
}

static void
unpack_close(void *ctx)
{
	struct unpack *u = ctx;

	archive_read_free(u->archive);
	input_close(u->packed);
	free(u);
}

static void
unpack_progress(const void *ctx, uint64_t *done, uint64_t *total)
{
	const struct unpack *u = ctx;

	input_progress(u->packed, done, total);
}

static const struct input_source unpack_source = { unpack_read, unpack_close, unpack_progress,
	true };

/* ARCHIVE_WARN would mean that libarchive wants to start a program for it: never. */
static int
unpack_start(struct unpack *u, char *err, size_t errlen)
{
	struct archive_entry *entry;
	const struct unpack_format *f;
	const char *why;
	const uint8_t *p;
	int rc;

	input_need(u->packed, UNPACK_MAGIC); /* there may be less */
	p = u->packed->buf + u->packed->pos;
	if ((f = unpack_find(p, input_left(u->packed))) == NULL ||
	    f->support(u->archive) != ARCHIVE_OK) {
		snprintf(err, errlen, "this build of libarchive cannot unpack %s",
		    f != NULL ? f->name : "it");
		return -1;
	}
	if (archive_read_support_format_raw(u->archive) == ARCHIVE_OK &&
	    archive_read_support_format_empty(u->archive) == ARCHIVE_OK &&
	    archive_read_open(u->archive, u, NULL, unpack_pull, NULL) == ARCHIVE_OK &&
	    (rc = archive_read_next_header(u->archive, &entry)) >= ARCHIVE_WARN) {
		u->empty = rc == ARCHIVE_EOF;
		if (u->empty || archive_filter_code(u->archive, 0) != ARCHIVE_FILTER_NONE)
			return 0;
		archive_set_error(u->archive, EIO, "its header is damaged");
	}
	why = archive_error_string(u->archive);
	snprintf(err, errlen, "%s data that cannot be unpacked: %s", f->name,
	    why != NULL ? why : "damaged");
	return -1;
}

struct input *
unpack_open(struct input *packed, char *err, size_t errlen)
{
	struct input *in = NULL;
	struct unpack *u;

#ifdef MAILWHY_ZLIB
	const uint8_t *p = input_need(packed, 2);

	if (p != NULL && unpack_find(p, 2) == &formats[0]) {
		if ((in = gunzip_open(packed)) == NULL)
			snprintf(err, errlen, "out of memory");
		return in;
	}
#endif
	u = calloc(1, sizeof(*u));
	if (u == NULL || (u->archive = archive_read_new()) == NULL) {
		snprintf(err, errlen, "out of memory");
		input_close(packed);
		free(u);
		return NULL;
	}
	u->packed = packed;
	if (unpack_start(u, err, errlen) == -1)
		unpack_close(u);
	else if ((in = input_new(&unpack_source, u)) == NULL)
		snprintf(err, errlen, "out of memory");
	return in;
}

struct input *
unpack_path(const char *path, char *err, size_t errlen)
{
	struct input *in = input_open(path, err, errlen);
	const uint8_t *p;
	char why[384];

	for (int i = 0; in != NULL && i < UNPACK_LAYERS; i++) {
		size_t n = input_peek(in, UNPACK_MAGIC, &p);

		if (unpack_kind(p, n) == NULL)
			break;
		if ((in = unpack_open(in, why, sizeof(why))) == NULL)
			snprintf(err, errlen, "%s: %s",
			    strcmp(path, "-") == 0 ? "standard input" : path, why);
	}
	return in;
}
