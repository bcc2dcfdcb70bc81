/*
 * pipeline.h - the rooms joined: inputs to records, records to findings,
 * findings to the output that was asked for.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "capture/capture.h"
#include "correlator/correlator.h"
#include "flow/flow.h"
#include "mail/mail.h"
#include "options.h"
#include "record/record_log.h"
#include "report/json.h"
#include "report/progress.h"
#include "report/transcript.h"

/* One interface, or one capture, which may be written to several files (capture/pieces.h). */
/* What tells the first packets of a capture from others, wherever they are captured. */
struct head {
	uint64_t print[FLOW_BATCH];
	size_t count;
};

struct source {
	struct capture *capture;    /* what is read; NULL between two pieces */
	uint32_t count, room, base; /* its points; base: number of the first */
	struct flow_point **point;
	struct capture_point *told; /* what is known of each, and of all: pieces that ended */
	struct capture_counts counts;
	struct capture_damage damage; /* the first */
	struct record_piece *piece;   /* those begun: the last is read, or was */
	size_t piece_count, piece_room;
	char *path;       /* of the last */
	struct head head; /* how the first begins */
};

struct pipeline {
	const struct options *o;
	struct correlator *correlator;
	struct mail *mail;
	struct mail_caps mail_caps; /* told with the points that ended */
	struct flow_watcher watcher;
	struct record_sink sink;
	struct record_log *log; /* NULL: not asked for */
	struct json_report *json;
	struct transcript *transcript;
	struct page page;
	struct progress progress;
	uint32_t points;  /* capture points so far: the next one's number */
	uint64_t outside; /* frames outside of --from and --to, since the last point ended */
	/* live: records of the moment are for the log as well, or for the correlator only */
	enum { TAKE_ALL, TAKE_SAVED, TAKE_JUDGED } take;
	bool input_failed, output_failed;
	bool records_seen; /* an input of records: what they lack was said */
};

/* 0, or the exit status after a message. */
int pipeline_open(struct pipeline *p, const struct options *o);
/* The arguments of the command line: files of captures or records, or directories of them. */
void pipeline_inputs(struct pipeline *p);
/* Judges, prints; the exit status. */
int pipeline_report(struct pipeline *p);
void pipeline_close(struct pipeline *p);

/* Every record goes to who wants it. */
void pipeline_take(struct pipeline *p, const struct record *r);
/* Has whoever read standard output gone?  Then it has what it wanted, and need not be told. */
bool pipeline_reader_gone(void);
/* A message on standard error; what comes from outside is escaped. */
void complain(struct pipeline *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- one source and its capture points (pipeline_source.c) ---- */

/* Zeroes it and takes the capture; -1: no memory, and it is the caller's. */
int source_begin(struct source *s, struct capture *c, uint32_t base);
/* How it begins: its first frames. */
void source_head(struct source *s, const struct capture_frame *f, size_t n);
/*
 * Between two pieces: is this, of which the first frames were read, the next one?  1: then it is
 * taken; 0; -1: no memory.
 */
int source_goes_on(struct source *s, struct capture *c, const struct capture_frame *f, size_t n);
/* Hands a frame to its point, which is made when it is met first. */
void source_frames(struct pipeline *p, struct source *s, struct capture_frame *f, size_t n);
/* Tells of damage and closes the capture: at its end another piece may follow. */
void source_close(struct pipeline *p, struct source *s);
/* The same, if it is still to be done; ends every point. */
void source_end(struct pipeline *p, struct source *s);

/* ---- one file of records, "-" is standard input (pipeline_records.c) ---- */

/* Do the bytes begin, after blanks, with `{'? */
bool records_are(struct input *in);
/*
 * What belongs to --from and --to goes to pipeline_take().  Takes `in', the unpacked bytes of
 * `path'.
 */
void records_input(struct pipeline *p, const char *path, struct input *in);

/* -i: until a signal or until every interface is gone (live.c). */
void pipeline_live(struct pipeline *p);

#endif /* PIPELINE_H */
