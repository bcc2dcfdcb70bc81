/*
 * json.h - the whole answer as JSON lines: capture records, records by first
 * time and frame, mails, findings by id, summary (docs/records.md).  Live the
 * records are not kept: nobody would wait weeks for them, nor has room.
 */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

#include "correlator/correlator.h"

struct json_report;

/*
 * `live': where records go as they come; NULL: they are kept and told in their order.  NULL: no
 * memory.
 */
struct json_report *json_report_new(FILE *live);
void json_report_take(struct json_report *j, const struct record *r);
/* Live: one finding at once; programs tell revisions by its id. */
void json_report_finding(FILE *out, const struct finding *f, const struct correlator *c);
/* Prints everything; -1 when lines could not be kept or read back (errno). */
int json_report_end(struct json_report *j, FILE *out, const struct correlator *c);
void json_report_free(struct json_report *j);

/* The schema of every line, and the list of findings for people: docs/. */
void json_report_schema(FILE *out);
void findings_markdown(FILE *out);

#endif /* JSON_H */
