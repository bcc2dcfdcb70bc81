/*
 * template.h - a dissector to copy: FINGER (RFC 1288), small enough to read in
 * one sitting and whole enough to show every part that a dissector has.
 *
 * Start here: the RFC and the wire layout, so that a reader can check the code
 * against them without leaving the file.
 *
 * Query:  [user] CRLF			from the client, once
 * Answer: lines, each CRLF, until the server closes
 */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include "dissectors/dissect_event.h"

#define FINGER_LINE_MAX 512 /* bytes of a line that are kept */

struct finger_query {
	bool verbose;     /* "/W" (RFC 1288 2.3) */
	const char *user; /* borrowed; "" asks for everybody */
	size_t user_len;
};

/*
 * A pure parser: bytes in, facts out; no I/O, clock, allocation or state.
 * `line' without its line end.  MALFORMED: a control character in the name.
 */
enum dissect_rc finger_query_parse(const char *line, size_t len, struct finger_query *out);

extern const struct dissector dissector_finger;

#endif /* TEMPLATE_H */
