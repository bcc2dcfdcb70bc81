/*
 * alike.h - findings that say the same of several paths: a server that refuses
 * forty clients is one thing to mend, and told once.
 */
#ifndef ALIKE_H
#define ALIKE_H

#include <stddef.h>

#include "correlator/finding/finding.h"

/*
 * They are of one kind, as sure, with the same to do: nothing is said of one that is not true of
 * the others.
 */
struct alike {
	const struct finding **v; /* in the order they were given in; the first is told in full */
	size_t count;
};

/*
 * Reorders v[0..n) so that findings that are alike stand together, groups in
 * order of their first ones.  Faults are alike only if the paths have an end
 * in common: the one server, or else the one client; `anywhere': in any case.
 * Returns *count groups within v, to free(); NULL: no memory, or n is 0.
 */
struct alike *alike_group(const struct finding **v, size_t n, bool anywhere, size_t *count);

#endif /* ALIKE_H */
