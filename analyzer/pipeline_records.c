/* pipeline_records.c - one file of records as an input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/unpack.h"
#include "pipeline.h"
#include "record/text.h"
#include "selection.h"

#define POINTS_MAX     65536U /* capture points in one records file */
#define BAD_LINES_SAID 3      /* of one records file */
#define BLANKS_MAX     512    /* before the first record */
#define COPY_BYTES     (16U << 10)

/* A records file counts its points from 0: here they follow those before. */
struct records {
	struct pipeline *p;
	const char *path, *name;
	uint32_t base;
	uint64_t bad, wild; /* lines of no use; records of impossible points */
	bool all;           /* no time was asked for */
	bool several;       /* it is not the only input: sensors may name their interfaces alike */
	struct selection selection;
	struct input *in; /* what is read now; NULL = kept bytes */
	char damage[160]; /* "" = none */
	struct record r;
};

/* An object and its first name on one line: JSON of other programs stands on many lines. */
bool
records_are(struct input *in)
{
	bool begun = false;
	const uint8_t *p;

	/* One byte at a time: a pipe may have no more, and wait. */
	for (size_t n = 1; n <= BLANKS_MAX && input_peek(in, n, &p) == n; n++) {
		if (p[n - 1] != '\0' && strchr(begun ? " \t" : " \t\r\n", p[n - 1]) != NULL)
			continue;
		if (begun || p[n - 1] != '{')
			return begun && p[n - 1] == '"';
		begun = true;
	}
	return false;
}

/* ---- the bytes as a stream -------------------------------------------------- */

static ssize_t
stream_read(void *ctx, char *buf, size_t size)
{
	struct records *r = ctx;
	const uint8_t *p;
	size_t n = input_peek(r->in, 1, &p);

	if (n == 0) {
		snprintf(r->damage, sizeof(r->damage), "%s", r->in->error);
		return 0;
	}
	n = input_left(r->in) < size ? input_left(r->in) : size;
	memcpy(buf, p, n);
	input_skip(r->in, n);
	return (ssize_t)n;
}

static int
stream_close(void *ctx)
{
	struct records *r = ctx;

	input_close(r->in);
	r->in = NULL;
	return 0;
}

/* Takes `in', also on failure: NULL with errno. */
static FILE *
stream_open(struct records *r, struct input *in)
{
	FILE *f = in != NULL
	    ? fopencookie(
		  r, "r", (cookie_io_functions_t){ .read = stream_read, .close = stream_close })
	    : NULL;

	if (f == NULL)
		input_close(in);
	r->in = f != NULL ? in : NULL;
	return f;
}

/* Closes it and leaves errno as it is; always NULL. */
static FILE *
stream_drop(FILE *f)
{
	int why = errno;

	fclose(f);
	errno = why;
	return NULL;
}

/* The whole stream, which is closed, in a file without a name.  NULL with errno. */
static FILE *
stream_keep(FILE *stream)
{
	FILE *kept = tmpfile();
	char buf[COPY_BYTES];
	size_t n = 1;

	while (kept != NULL && (n = fread(buf, 1, sizeof(buf), stream)) > 0 &&
	    fwrite(buf, 1, n, kept) == n)
		;
	if (kept != NULL && (n > 0 || fseek(kept, 0, SEEK_SET) != 0))
		kept = stream_drop(kept);
	stream_drop(stream);
	return kept;
}

/* ---- the time that was asked for --------------------------------------------- */

static void
records_note(void *ctx, const struct record *r)
{
	selection_note(&((struct records *)ctx)->selection, r);
}

/* Reads all of it once, to note the connections.  -1 with errno. */
static int
records_select(struct records *r, FILE *f)
{
	struct record_log_reader reader = { .sink = { records_note, r } };

	if (record_log_read(f, &reader) != 0)
		return -1;
	selection_sort(&r->selection);
	errno = ENOMEM;
	return r->selection.starved ? -1 : 0;
}

/* For the second reading: kept bytes are wound back, a file is opened again.  NULL with errno. */
static FILE *
records_again(struct records *r, FILE *f)
{
	char err[512];

	if (r->in == NULL && fseek(f, 0, SEEK_SET) == 0)
		return f;
	fclose(f);
	return stream_open(r, unpack_path(r->path, err, sizeof(err)));
}

/* At the beginning of what is to be taken.  NULL with errno. */
static FILE *
records_open(struct records *r, struct input *in)
{
	FILE *f = stream_open(r, in);
	struct stat st;

	if (f == NULL || r->all)
		return f;
	if ((strcmp(r->path, "-") == 0 || stat(r->path, &st) != 0 || !S_ISREG(st.st_mode)) &&
	    (f = stream_keep(f)) == NULL)
		return NULL;
	return records_select(r, f) == 0 ? records_again(r, f) : stream_drop(f);
}

/* ---- taking ------------------------------------------------------------------- */

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
	if (r->type == RECORD_CAPTURE && in->several && r->capture.log[0] == '\0')
		strlcpy(in->r.capture.log, in->name, sizeof(in->r.capture.log));
	if (in->r.key.point >= in->p->points)
		in->p->points = in->r.key.point + 1;
	pipeline_take(in->p, &in->r);
}

static void
records_bad(void *ctx, uint64_t line, const char *why)
{
	struct records *r = ctx;

	if (r->bad++ < BAD_LINES_SAID)
		complain(r->p, "%s: line %llu: %s", r->name, (unsigned long long)line, why);
}

static void
records_said(const struct records *r, const struct record_log_reader *reader)
{
	if (r->bad > BAD_LINES_SAID)
		complain(r->p, "%s: and %llu more such line%s", r->name,
		    (unsigned long long)(r->bad - BAD_LINES_SAID), PLURAL(r->bad - BAD_LINES_SAID));
	if (r->wild > 0)
		complain(r->p, "%s: %llu record%s of impossible capture points", r->name,
		    (unsigned long long)r->wild, PLURAL(r->wild));
	if (r->damage[0] != '\0')
		complain(r->p, "%s: after line %llu: %s", r->name,
		    (unsigned long long)reader->lines, r->damage);
	correlator_unread(r->p->correlator, r->bad + r->wild, r->damage[0] != '\0');
	if (reader->records == 0 && (r->bad > 0 || r->damage[0] != '\0'))
		r->p->input_failed = true;
}

/* What was asked for that records cannot give; once. */
static void
records_lack(struct pipeline *p, const char *name)
{
	if (p->records_seen)
		return;
	p->records_seen = true;
	if (p->o->filter != NULL)
		complain(p, "%s: records, no packets: -f does nothing here", name);
	if (p->o->show_users)
		complain(p,
		    "%s: user names stand in records as they were written: --show-users does nothing here",
		    name);
	if (p->o->output == OUTPUT_TRANSCRIPT)
		complain(p, "%s: records hold no dialogue: --transcript needs the capture", name);
}

void
records_input(struct pipeline *p, const char *path, struct input *in)
{
	struct records *r = calloc(1, sizeof(*r));
	struct record_log_reader reader = {
		.sink = { records_take, r }, .bad = records_bad, .bad_ctx = r
	};
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	FILE *f = NULL;

	if (r != NULL) {
		r->p = p;
		r->path = path;
		r->name = name;
		r->base = p->points;
		r->all = !window_set(&p->o->window);
		r->several = p->o->input_count > 1 ||
		    (p->o->input_count == 1 && strcmp(path, p->o->inputs[0]) != 0);
		r->selection.window = &p->o->window;
		f = records_open(r, in);
	} else {
		input_close(in);
	}
	records_lack(p, name);
	if (f == NULL || record_log_read(f, &reader) != 0) {
		complain(p, "%s: %s", name, strerror(errno));
		p->input_failed = true;
	}
	if (r != NULL) {
		records_said(r, &reader);
		selection_free(&r->selection);
	}
	if (f != NULL)
		fclose(f);
	free(r);
}
