/*
 * text.h - bytes of the network to the text of records: valid UTF-8,
 * NUL-terminated, cut at its array and never within a character.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copies `len' bytes of `src' into dst[size].  Every maximal invalid part
 * (Unicode 15, 3.9, table 3-8) and every NUL becomes U+FFFD; other controls
 * stay.  What does not fit is left out, whole characters only.  Returns the
 * bytes written without the NUL; size 0 writes nothing.  No overlap.
 */
size_t text_copy_utf8(char *dst, size_t size, const void *src, size_t len);

/* The same behind what dst[size] already holds. */
size_t text_append_utf8(char *dst, size_t size, const void *src, size_t len);

/*
 * Lists, blank separated.  What is added is kept whole or not at all, for half of it would be
 * another word or another number: then TEXT_WORDS_MORE is the last, and what is not in the list may
 * have been there.
 */
#define TEXT_WORDS_MORE "..."
void text_words_add(char *list, size_t size, const char *p, size_t len);
bool text_words_cut(const char *list);

/*
 * One character of the `len' > 0 bytes at p: its length, with *cp its code
 * point; 0 when the bytes are no character, with *bad the length of the
 * maximal invalid part.  Surrogates, overlong forms and values above U+10FFFF
 * are no characters.
 */
size_t text_decode(const void *p, size_t len, uint32_t *cp, size_t *bad);

bool text_valid_utf8(const void *p, size_t len);

/* What stands behind the last slash of a path, if anything does. */
const char *text_base_name(const char *path);

/* Behind a noun that a number stands before: `"%u packet%s", n, PLURAL(n)'. */
#define PLURAL(n) ((n) == 1 ? "" : "s")

#endif /* TEXT_H */
