/*
 * record_log.h - records on disk: JSON lines, written as they come, read back
 * line by line.  Files are untrusted.
 */
#ifndef RECORD_LOG_H
#define RECORD_LOG_H

#include <stdio.h>

#include "record/record.h"

struct record_log;

/*
 * `path' is a file, which is written anew unless something else than records
 * is in it, "-" (standard output), or a directory: existing, or named with a
 * final slash and then made.  In a directory the file is named after the first
 * record's time; none is ever overwritten.  NULL with "path: reason" in err.
 */
struct record_log *record_log_create(const char *path, char *err, size_t errlen);
/* Is this the file that is being written?  Who reads it reads on for ever. */
bool record_log_is(const struct record_log *log, const char *path);
/* After a failure nothing more is written; record_log_close() tells the reason. */
void record_log_write(struct record_log *log, const struct record *r);
/* Live: what was written so far is on its way to the disk. */
void record_log_flush(struct record_log *log);
/* 0, or -1 with "path: reason" when not everything could be written.  Frees; NULL is fine. */
int record_log_close(struct record_log *log, char *err, size_t errlen);

struct record_log_reader {
	struct record_sink sink;
	/* A line that cannot be used: its number from 1, and why.  May be NULL. */
	void (*bad)(void *ctx, uint64_t line, const char *why);
	void *bad_ctx;
	uint64_t lines, records, bad_lines; /* out */
};

/* Reads to the end; -1 when reading itself failed (errno). */
int record_log_read(FILE *in, struct record_log_reader *reader);

#endif /* RECORD_LOG_H */
