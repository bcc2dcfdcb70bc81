/*
 * goes_on.h - captures of one place that follow each other, and were not known for the pieces of
 * one (capture/pieces.h).
 */
#ifndef GOES_ON_H
#define GOES_ON_H

#include "correlator/store/store.h"

struct goes_on {
	uint64_t connections;  /* that one capture leaves open and the next one goes on with */
	uint64_t cut;          /* searches for their first part that ended at their bound */
	const char *from, *to; /* files of the first of them; borrowed from the store */
};

struct goes_on goes_on_find(const struct store *s);

#endif /* GOES_ON_H */
