/*
 * record_json.h - structs to lines of JSON and back, by their tables; only
 * record_json_impl.h includes jansson.h.
 *
 * One object a line, keys sorted, ASCII only (everything else as \u escapes,
 * so that a line is safe on a terminal), `type' and `schema' on each.  What is
 * zero, empty or never happened is left out unless its table says otherwise;
 * reading gives the zeros back.  Numbers above 2^63-1 are written as that.
 */
#ifndef RECORD_JSON_H
#define RECORD_JSON_H

#include "record/record_fields.h"

#define RECORD_JSON_LINE (1U << 20) /* longest line that is read */

/* A line without its end, to be freed; NULL: no memory. */
char *record_json_line(const struct field_table *t, const void *object);
char *record_json_encode(const struct record *r);

enum record_json_rc {
	RECORD_JSON_RECORD,  /* *out holds it */
	RECORD_JSON_OTHER,   /* a line of ours that is no record: finding, mail, summary */
	RECORD_JSON_BAD,     /* err says why */
	RECORD_JSON_STARVED, /* no memory: nothing is known of the line */
};

/*
 * The line is untrusted.  Unknown fields are ignored, strings cut at their
 * bound.  `said' has RECORD_JSON_SAID(len) bytes: what the record points to is
 * there.
 */
#define RECORD_JSON_SAID(len) ((len) + 4096)
enum record_json_rc record_json_decode(
    struct record *out, char *said, const char *line, size_t len, char *err, size_t errlen);

#endif /* RECORD_JSON_H */
