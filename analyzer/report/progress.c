/* progress.c - the bar.  It goes to standard error only: reports have no clock. */
#include "report/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "report/escape.h"

#define NS_PER_SECOND 1000000000LL
#define BAR           30

static int64_t
monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

struct progress
progress_start(bool wanted)
{
	struct progress p = { .on = wanted && isatty(STDERR_FILENO) };

	if (p.on)
		p.next_ns = monotonic() + NS_PER_SECOND;
	return p;
}

void
progress_show(struct progress *p, const char *name, uint64_t done, uint64_t total)
{
	char safe[64];
	int64_t now;
	int filled;

	if (!p->on || (now = monotonic()) < p->next_ns)
		return;
	p->next_ns = now + NS_PER_SECOND / 10;
	p->shown = true;
	escape_string(safe, sizeof(safe), name);
	if (total == 0) {
		fprintf(stderr, "\r\033[K%s: %" PRIu64 " MiB", safe, done >> 20);
		return;
	}
	if (done > total)
		done = total;
	filled = (int)((double)done / (double)total * BAR);
	fprintf(stderr, "\r\033[K[%.*s%*s] %3d %%  %s", filled, "##############################",
	    BAR - filled, "", (int)((double)done / (double)total * 100), safe);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
