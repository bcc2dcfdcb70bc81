/* pipeline_records.c - one file of records as an input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"
#include "selection.h"

#define POINTS_MAX	65536U		/* capture points in one records file */
#define BAD_LINES_SAID	3		/* of one records file */
#define COPY_BYTES	(16U << 10)

/* A records file counts its points from 0: here they follow those before. */
struct records {
	struct pipeline	*p;
	const char	*path;
	uint32_t	 base;
	uint64_t	 bad, wild;	/* lines of no use; records of impossible points */
	bool		 all;		/* no time was asked for */
	struct selection selection;
	struct record	 r;
};

static void
records_take(void *ctx, const struct record *r)
{
	struct records *in = ctx;

	if (r->key.point >= POINTS_MAX) {
		in->wild++;
		return;
	}
	if (!in->all && !selection_has(&in->selection, r))
		return;
	in->r = *r;
	in->r.key.point += in->base;
	if (in->r.key.point >= in->p->points)
		in->p->points = in->r.key.point + 1;
	pipeline_take(in->p, &in->r);
}

static void
records_note(void *ctx, const struct record *r)
{
	selection_note(&((struct records *)ctx)->selection, r);
}

/* All that is left of a pipe, in a file without a name, at its beginning.  NULL with errno. */
static FILE *
records_keep(FILE *pipe)
{
	FILE *kept = tmpfile();
	char buf[COPY_BYTES];
	size_t n = 0;
	int why;

	if (kept == NULL)
		return NULL;
	do {
		n = fread(buf, 1, sizeof(buf), pipe);
	} while (n > 0 && fwrite(buf, 1, n, kept) == n);
	if (n == 0 && !ferror(pipe) && fseek(kept, 0, SEEK_SET) == 0)
		return kept;
	why = errno;
	fclose(kept);
	errno = why;
	return NULL;
}

/* The bytes can be read as often as is needed, and records_close() closes them.  NULL with errno. */
static FILE *
records_open(const char *path, bool twice)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re"), *kept;

	if (f == NULL || !twice || fseek(f, 0, SEEK_CUR) == 0)
		return f;
	kept = records_keep(f);
	if (f != stdin)
		fclose(f);
	return kept;
}

static void
records_close(FILE *f)
{
	if (f != NULL && f != stdin)
		fclose(f);
}

/* The first of two readings, when a time was asked for.  -1 with errno. */
static int
records_select(struct records *in, FILE *f)
{
	struct record_log_reader reader = { .sink = { records_note, in } };

	if (in->all)
		return 0;
	if (record_log_read(f, &reader) != 0 || fseek(f, 0, SEEK_SET) != 0)
		return -1;
	selection_sort(&in->selection);
	errno = ENOMEM;
	return in->selection.starved ? -1 : 0;
}

static void
records_bad(void *ctx, uint64_t line, const char *why)
{
	struct records *in = ctx;

	if (in->bad++ < BAD_LINES_SAID)
		complain(in->p, "%s: line %llu: %s", in->path, (unsigned long long)line, why);
}

static void
records_said(struct records *in, const struct record_log_reader *reader)
{
	if (in->bad > BAD_LINES_SAID)
		complain(in->p, "%s: and %llu more such lines", in->path,
		    (unsigned long long)(in->bad - BAD_LINES_SAID));
	if (in->wild > 0)
		complain(in->p, "%s: %llu records of impossible capture points", in->path, (unsigned long long)in->wild);
	if (reader->records == 0 && in->bad > 0)
		in->p->input_failed = true;
}

void
records_input(struct pipeline *p, const char *path)
{
	struct records *in = calloc(1, sizeof(*in));
	struct record_log_reader reader = { .sink = { records_take, in }, .bad = records_bad, .bad_ctx = in };
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	FILE *f = in != NULL ? records_open(path, window_set(&p->o->window)) : NULL;

	if (f != NULL) {
		*in = (struct records){ .p = p, .path = name, .base = p->points, .all = !window_set(&p->o->window),
		    .selection = { .window = &p->o->window } };
	}
	if (f == NULL || records_select(in, f) != 0 || record_log_read(f, &reader) != 0) {
		complain(p, "%s: %s", name, strerror(errno));
		p->input_failed = true;
	}
	if (f != NULL) {
		records_said(in, &reader);
		selection_free(&in->selection);
	}
	records_close(f);
	free(in);
}
