/* progress.h - a bar on standard error for reads that take longer than a second. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on, shown;
	int64_t next_ns; /* monotonic; when to draw again */
};

/* On only when wanted and standard error is a terminal. */
struct progress progress_start(bool wanted);
/* total 0 = unknown.  Cheap: looks at the clock and draws at most ten times a second. */
void progress_show(struct progress *p, const char *name, uint64_t done, uint64_t total);
void progress_end(struct progress *p); /* wipes it */

#endif /* PROGRESS_H */
