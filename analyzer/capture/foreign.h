/* foreign.h - what a file that is no capture looks like. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stddef.h>
#include <stdint.h>

#define FOREIGN_LOOK	512	/* bytes worth showing */

/* A phrase for "this looks like ..."; NULL when nothing comes to mind. */
const char	*foreign_guess(const uint8_t *p, size_t len);

#endif /* FOREIGN_H */
