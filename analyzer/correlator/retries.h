/* retries.h - which attempts were about the same mail. */
#ifndef RETRIES_H
#define RETRIES_H

#include "correlator/correlator.h"

/* Fills retry* of each mail that was not accepted.  false: no memory, none is filled. */
bool retries_join(struct fate *fates, size_t n);

#endif /* RETRIES_H */
