/*
 * mime_param.h - structured header values: "text/plain; charset=utf-8; name=..."
 * (RFC 2045 5.1, RFC 2183 2) with the extended parameters of RFC 2231.
 */
#ifndef MIME_PARAM_H
#define MIME_PARAM_H

#include <stdbool.h>
#include <stddef.h>

struct mime_value {
	const char *p, *end; /* what is still to be read */
};

struct mime_param {
	char name[64];   /* lower case, without the stars */
	char value[256]; /* quotes and escapes undone; cut, see `cut' */
	int section;     /* RFC 2231 3: name*2 -> 2; -1 = none */
	bool extended;   /* RFC 2231 4: name*, percent signs undone, charset dropped */
	bool cut;
};

/* The part before the first ";", lower case, without blanks, cut at `size'. */
struct mime_value mime_value_start(const char *value, char *out, size_t size);
/* The next parameter; false when there is none. */
bool mime_param_next(struct mime_value *v, struct mime_param *out);

/*
 * Is the line p[0..len) "--" boundary ["--"] blanks (RFC 2046 5.1.1)?  A longer
 * name is another boundary.  *closing: the "--" behind it is there.
 */
bool mime_boundary_is(const char *boundary, size_t n, const char *p, size_t len, bool *closing);

#endif /* MIME_PARAM_H */
