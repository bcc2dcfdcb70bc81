/*
 * pipeline_inputs.c - the arguments of the command line: captures, pieces of them, records,
 * directories.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/foreign.h"
#include "capture/pieces.h"
#include "capture/unpack.h"
#include "pipeline.h"
#include "record/text.h"

#define PROGRESS_FRAMES 4096 /* looks at the clock every so many frames */
#define AGAIN_SAID      3    /* of files that were named twice */

/* ---- what there is to read --------------------------------------------------- */

struct paths {
	struct piece_path *v;
	size_t n, room;
	size_t argument; /* what is added now belongs to */
};

static int
paths_add(void *ctx, const char *path)
{
	struct paths *l = ctx;

	if (l->n == l->room) {
		size_t room = l->room == 0 ? 16 : l->room * 2;
		struct piece_path *v = reallocarray(l->v, room, sizeof(*v));

		if (v == NULL)
			return -1;
		l->v = v;
		l->room = room;
	}
	if ((l->v[l->n].path = strdup(path)) == NULL)
		return -1;
	l->v[l->n++].argument = l->argument;
	return 0;
}

static void
paths_free(struct paths *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].path);
	free(l->v);
}

/* ---- files that have several names --------------------------------------------- */

struct named {
	dev_t device;
	ino_t node;
	size_t at, kept; /* kept: the same or another one of the same file */
};

static int
named_compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* A pipe of the same name may hold something else each time. */
static bool
named_find(struct named *n, const char *path, size_t at)
{
	struct stat st;

	if ((strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st)) != 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	*n = (struct named){ st.st_dev, st.st_ino, at, at };
	return true;
}

static bool
named_alike(const struct named *a, const struct named *b)
{
	return a->device == b->device && a->node == b->node;
}

/* Of the names of one file the first that is no symbolic link: its pieces are named like it. */
static void
named_choose(const struct paths *l, struct named *v, size_t n)
{
	size_t best = 0;
	struct stat st;

	while (best < n && (lstat(l->v[v[best].at].path, &st) != 0 || S_ISLNK(st.st_mode)))
		best++;
	for (size_t i = 0; i < n; i++)
		v[i].kept = v[best < n ? best : 0].at;
}

static int
named_in_order(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* The names that were not chosen go, and their places stay empty. */
static void
named_drop(struct pipeline *p, struct paths *l, const struct named *v, size_t n)
{
	size_t dropped = 0;

	for (size_t i = 0; i < n; i++) {
		char **path = &l->v[v[i].at].path;
		const char *kept = l->v[v[i].kept].path;
		bool again = strcmp(*path, kept) == 0;

		if (v[i].kept == v[i].at)
			continue;
		if (dropped++ < AGAIN_SAID)
			complain(p, "%s: %s%s: read once", *path,
			    again ? "named more than once" : "the same file as ",
			    again ? "" : kept);
		free(*path);
		*path = NULL;
	}
	if (dropped > AGAIN_SAID)
		complain(p, "and %zu more name%s of files that are read once", dropped - AGAIN_SAID,
		    PLURAL(dropped - AGAIN_SAID));
}

static void
paths_close_up(struct paths *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].path != NULL)
			l->v[kept++] = l->v[i];
	l->n = kept;
}

/* Read twice, each of its packets would be seen twice, at two places. */
static void
paths_once(struct pipeline *p, struct paths *l)
{
	struct named *v = l->n > 1 ? reallocarray(NULL, l->n, sizeof(*v)) : NULL;
	size_t n = 0, end;

	if (v == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		n += named_find(&v[n], l->v[i].path, i);
	qsort(v, n, sizeof(*v), named_compare);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && named_alike(&v[i], &v[end]); end++)
			;
		if (end - i > 1)
			named_choose(l, v + i, end - i);
	}
	qsort(v, n, sizeof(*v), named_in_order);
	named_drop(p, l, v, n);
	paths_close_up(l);
	free(v);
}

/* ---- one file ---------------------------------------------------------------- */

static void
show_progress(struct pipeline *p, const struct capture *c)
{
	uint64_t done, total;

	if (!p->progress.on)
		return;
	capture_progress(c, &done, &total);
	progress_show(&p->progress, text_base_name(capture_name(c)), done, total);
}

/* No further piece of it comes. */
static void
source_over(struct pipeline *p, struct source *s)
{
	source_end(p, s);
	p->points += s->count;
	*s = (struct source){ .base = p->points };
}

static void
input_capture(struct pipeline *p, struct source *s, const char *path, struct input *in)
{
	struct capture_frame f[FLOW_BATCH];
	uint64_t seen = 0;
	char err[512];
	struct capture *c = capture_open_input(in, path, p->o->filter, err, sizeof(err));
	size_t n;
	int rc;

	if (c == NULL) {
		complain(p, "%s", err);
		p->input_failed = true;
		return;
	}
	n = capture_batch(c, f, FLOW_BATCH);
	rc = source_goes_on(s, c, f, n);
	if (rc == 0) {
		source_over(p, s);
		rc = source_begin(s, c, p->points);
		source_head(s, f, n);
	}
	if (rc < 0) {
		complain(p, "%s: no memory", path);
		p->input_failed = true;
		capture_close(c);
		return;
	}
	for (; n > 0; n = capture_batch(c, f, FLOW_BATCH)) {
		source_frames(p, s, f, n);
		if (seen / PROGRESS_FRAMES != (seen + n) / PROGRESS_FRAMES)
			show_progress(p, c);
		seen += n;
	}
	source_close(p, s);
}

/* Beside the captures of a directory; who names such a file is told. */
static bool
is_beside(const struct pipeline *p, const struct piece_path *x, struct input *in)
{
	const uint8_t *look;
	size_t n;

	if (strcmp(x->path, p->o->inputs[x->argument]) == 0)
		return false;
	n = input_peek(in, FOREIGN_LOOK, &look);
	return foreign_is_other(look, n);
}

/* True: it was left out. */
static bool
input_path(struct pipeline *p, struct source *s, const struct piece_path *x)
{
	char err[512];
	struct input *in;

	if (record_log_is(p->log, x->path)) {
		complain(p, "%s: not read: the records are being written there", x->path);
	} else if ((in = unpack_path(x->path, err, sizeof(err))) == NULL) {
		complain(p, "%s", err);
		p->input_failed = true;
	} else if (records_are(in)) {
		source_over(p, s);
		records_input(p, x->path, in);
	} else if (is_beside(p, x, in)) {
		input_close(in);
		return true;
	} else {
		input_capture(p, s, x->path, in);
	}
	return false;
}

/* ---- all of them ------------------------------------------------------------- */

/* Of one argument. */
struct taken {
	size_t files, left_out;
};

static void
left_out_tell(struct pipeline *p, const char *argument, const struct taken *t)
{
	if (t->left_out == 0)
		return;
	complain(p, "%s: %zu of %zu file%s left out: no captures (text, pictures and the like)",
	    argument, t->left_out, t->files, PLURAL(t->files));
	p->input_failed |= t->left_out == t->files;
}

static void
paths_read(struct pipeline *p, const struct paths *l, struct taken *taken)
{
	struct source s = { .base = p->points };

	if (l->n > 1)
		mail_compare(p->mail);
	for (size_t i = 0; i < l->n; i++) {
		struct taken *t = &taken[l->v[i].argument];

		t->files++;
		t->left_out += input_path(p, &s, &l->v[i]);
	}
	source_over(p, &s);
	for (size_t i = 0; i < p->o->input_count; i++)
		left_out_tell(p, p->o->inputs[i], &taken[i]);
}

void
pipeline_inputs(struct pipeline *p)
{
	struct taken *taken = calloc(p->o->input_count + 1, sizeof(*taken));
	struct paths l = { .n = 0 };
	char err[512];

	for (; l.argument < p->o->input_count; l.argument++) {
		int within =
		    capture_expand(p->o->inputs[l.argument], paths_add, &l, err, sizeof(err));

		if (within == -1) {
			complain(p, "%s", err);
			p->input_failed = true;
		} else if (within > 0) {
			complain(p,
			    "%s: what is in %d director%s within it is not read: name %s, too",
			    p->o->inputs[l.argument], within, within == 1 ? "y" : "ies",
			    within == 1 ? "it" : "them");
		}
	}
	paths_once(p, &l);
	if (pieces_order(l.v, l.n) != 0) {
		complain(p, "no memory: pieces of captures are taken as they were named");
		p->input_failed = true;
	}
	if (taken != NULL) {
		paths_read(p, &l, taken);
	} else {
		complain(p, "no memory");
		p->input_failed = true;
	}
	paths_free(&l);
	free(taken);
}
