/* record_log.c - records as lines in a file, and back. */
#include "record/record_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/record_json.h"
#include "record/record_order.h"
#include "record/when.h"

#define LOG_NAMES 10000 /* files of one second in one directory */
#define LOG_MODE  0640  /* envelopes are personal data */

struct record_log {
	FILE *out;
	char *path; /* file, or directory while out is NULL */
	bool directory;
	int error; /* errno of the first failure */
};

/* ---- writing --------------------------------------------------------------- */

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
log_open_directory(struct record_log *log)
{
	size_t len = strlen(log->path);

	if (!is_directory(log->path) && mkdir(log->path, 0750) != 0)
		return -1;
	while (len > 1 && log->path[len - 1] == '/')
		log->path[--len] = '\0';
	log->directory = true;
	return access(log->path, W_OK | X_OK);
}

/*
 * A file has one writer: what two write at once nobody reads.  What was in it goes only then.  File
 * systems without locks do without.
 */
static int
log_own(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return -1;
	return ftruncate(fd, 0);
}

/*
 * At the end, wherever that is: a log that is copied and cut while it grows (logrotate's
 * copytruncate) goes on at its new end.
 */
static int
log_open_file(struct record_log *log, const char *path, int how)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | how, LOG_MODE), why;

	if (fd < 0)
		return -1;
	if (log_own(fd) == 0 && (log->out = fdopen(fd, "a")) != NULL)
		return 0;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* A file that begins as no record does is somebody's capture. */
static bool
holds_something_else(const char *path)
{
	struct stat st;
	FILE *f;
	int c;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (f = fopen(path, "re")) == NULL)
		return false;
	c = getc(f);
	fclose(f);
	return c != EOF && c != '{';
}

static int
log_open(struct record_log *log)
{
	size_t len = strlen(log->path);

	if (strcmp(log->path, "-") == 0) {
		log->out = stdout;
		return 0;
	}
	if (is_directory(log->path) || (len > 0 && log->path[len - 1] == '/'))
		return log_open_directory(log);
	if (holds_something_else(log->path)) {
		errno = EEXIST;
		return -1;
	}
	return log_open_file(log, log->path, 0);
}

bool
record_log_is(const struct record_log *log, const char *path)
{
	struct stat own, other;

	return log != NULL && log->out != NULL && fstat(fileno(log->out), &own) == 0 &&
	    S_ISREG(own.st_mode) && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
	    own.st_ino == other.st_ino;
}

struct record_log *
record_log_create(const char *path, char *err, size_t errlen)
{
	struct record_log *log = calloc(1, sizeof(*log));

	if (log == NULL || (log->path = strdup(path)) == NULL || log_open(log) != 0) {
		snprintf(err, errlen, "%s: %s", path,
		    errno == EEXIST            ? "holds no records: it is not overwritten"
			: errno == EWOULDBLOCK ? "another run is writing its records there"
					       : strerror(errno));
		if (log != NULL)
			free(log->path);
		free(log);
		return NULL;
	}
	return log;
}

/* mailwhy-20261121T100000Z.jsonl, then -1, -2, ... */
static int
log_open_named(struct record_log *log, int64_t ns)
{
	struct when w = when_split(ns);
	char stem[64], suffix[16] = "", *path = NULL;
	int rc = -1;

	snprintf(stem, sizeof(stem), "mailwhy-%04u%02u%02uT%02u%02u%02uZ", (unsigned)w.year,
	    (unsigned)w.month, (unsigned)w.day, (unsigned)w.hour, (unsigned)w.minute,
	    (unsigned)w.second);
	for (int i = 0; rc != 0 && i < LOG_NAMES; i++) {
		if (i > 0)
			snprintf(suffix, sizeof(suffix), "-%d", i);
		free(path);
		if (asprintf(&path, "%s/%s%s.jsonl", log->path, stem, suffix) < 0)
			return -1;
		rc = log_open_file(log, path, O_EXCL);
		if (rc != 0 && errno != EEXIST)
			break;
	}
	if (rc != 0) {
		free(path);
		return -1;
	}
	free(log->path);
	log->path = path;
	return 0;
}

static int
log_line(struct record_log *log, const char *line)
{
	if (fputs(line, log->out) == EOF || fputc('\n', log->out) == EOF)
		return -1;
	return 0;
}

void
record_log_write(struct record_log *log, const struct record *r)
{
	char *line;

	if (log->error != 0)
		return;
	if (log->out == NULL && log_open_named(log, record_time(r).ns) != 0) {
		log->error = errno;
		return;
	}
	errno = ENOMEM;
	line = record_json_encode(r);
	if (line == NULL || log_line(log, line) != 0)
		log->error = errno != 0 ? errno : EIO;
	free(line);
}

void
record_log_flush(struct record_log *log)
{
	if (log->error == 0 && log->out != NULL && fflush(log->out) != 0)
		log->error = errno;
}

int
record_log_close(struct record_log *log, char *err, size_t errlen)
{
	int error;

	if (log == NULL)
		return 0;
	record_log_flush(log);
	if (log->out != NULL && log->out != stdout && fclose(log->out) != 0 && log->error == 0)
		log->error = errno;
	if ((error = log->error) != 0)
		snprintf(err, errlen, "%s: %s",
		    strcmp(log->path, "-") == 0 ? "standard output" : log->path, strerror(error));
	free(log->path);
	free(log);
	return error != 0 ? -1 : 0;
}

/* ---- reading --------------------------------------------------------------- */

struct line {
	char *text;
	char *said; /* room for what its record points to */
	size_t len;
	bool cut; /* longer than any of ours: the rest was passed over */
};

/* One line into a buffer of RECORD_JSON_LINE bytes; 0 at the end. */
static int
line_read(FILE *in, struct line *l)
{
	int c;

	l->len = 0;
	l->cut = false;
	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (l->len < RECORD_JSON_LINE)
			l->text[l->len++] = (char)c;
		else
			l->cut = true;
	}
	return c != EOF || l->len > 0;
}

static bool
line_is_blank(const struct line *l)
{
	for (size_t i = 0; i < l->len; i++)
		if (strchr(" \t\r", l->text[i]) == NULL || l->text[i] == '\0')
			return false;
	return true;
}

/* false: no memory. */
static bool
line_use(struct record_log_reader *reader, const struct line *l, struct record *r)
{
	char why[256] = "the line is too long";
	enum record_json_rc rc = RECORD_JSON_BAD;

	if (!l->cut)
		rc = record_json_decode(r, l->said, l->text, l->len, why, sizeof(why));
	if (rc == RECORD_JSON_RECORD) {
		reader->records++;
		reader->sink.take(reader->sink.ctx, r);
	} else if (rc == RECORD_JSON_BAD) {
		reader->bad_lines++;
		if (reader->bad != NULL)
			reader->bad(reader->bad_ctx, reader->lines, why);
	}
	return rc != RECORD_JSON_STARVED;
}

int
record_log_read(FILE *in, struct record_log_reader *reader)
{
	struct line l = { .text = malloc(RECORD_JSON_LINE),
		.said = malloc(RECORD_JSON_SAID(RECORD_JSON_LINE)) };
	struct record *r = malloc(sizeof(*r));
	bool fed = true;
	int rc = -1;

	reader->lines = reader->records = reader->bad_lines = 0;
	if (l.text == NULL || l.said == NULL || r == NULL)
		goto out;
	errno = 0;
	while (line_read(in, &l)) {
		reader->lines++;
		if (!line_is_blank(&l))
			fed = line_use(reader, &l, r) && fed;
	}
	rc = ferror(in) || !fed ? -1 : 0;
	if (!fed)
		errno = ENOMEM;
out:
	free(r);
	free(l.said);
	free(l.text);
	return rc; /* free() keeps errno (glibc 2.33) */
}
