/*
 * transcript.h - sessions as dialogues: `C:' and `S:' lines with the time since
 * the session began and their frames.  Credentials were masked by the
 * dissector; content is told by its length.
 */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "dissectors/dissect_event.h"
#include "flow/watcher.h"
#include "record/record.h"
#include "report/page.h"

#define TRANSCRIPT_ENTRIES 2000000U /* lines kept; further ones are counted */
#define TRANSCRIPT_LINE    2000U    /* bytes of one line */

struct transcript;

struct transcript *transcript_new(void); /* NULL: no memory */
/* For mail_options.transcript; ctx is the struct transcript. */
void transcript_event(void *ctx, const struct flow_opened *f, struct moment at, uint64_t last_frame,
    const struct dissect_event *ev);
/* Connections tell who spoke and how it ended, stalls what stood still. */
void transcript_take(struct transcript *t, const struct record *r);
/* All sessions by their first line; -1 when lines could not be kept (errno). */
int transcript_print(struct transcript *t, const struct page *p);
void transcript_free(struct transcript *t);

#endif /* TRANSCRIPT_H */
