/*
 * escape.h - text of the network made safe for a terminal: nothing in it can
 * move the cursor, change colours, titles or the direction of writing, or hide.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies src[len] to dst[size], NUL-terminated, whole units only.  Printable
 * UTF-8 stays; tab, line ends, NUL and the backslash become \t \n \r \0 \\,
 * other controls and invalid bytes \x1b, C1 controls, bidirectional marks,
 * zero-width and other invisible characters \u{202e}.  Returns the bytes written.
 */
size_t escape_terminal(char *dst, size_t size, const void *src, size_t len);
/* The same for a NUL-terminated string; returns dst. */
char *escape_string(char *dst, size_t size, const char *src);

/* Columns that escaped text takes: wide characters two, combining ones none. */
size_t escape_width(const char *s, size_t len);

#endif /* ESCAPE_H */
