/* foreign.h - what a file that is no capture looks like. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOREIGN_LOOK 512 /* bytes worth showing */

/* A phrase for "this looks like ..."; NULL when nothing comes to mind. */
const char *foreign_guess(const uint8_t *p, size_t len);
/*
 * What lies beside captures in a directory: notes, pictures, programs.  No archive, nor anything
 * that may be a damaged capture.
 */
bool foreign_is_other(const uint8_t *p, size_t len);

#endif /* FOREIGN_H */
