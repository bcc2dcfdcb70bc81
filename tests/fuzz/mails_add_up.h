/* mails_add_up.h - what is counted of mails adds up, whatever came in. */
#ifndef MAILS_ADD_UP_H
#define MAILS_ADD_UP_H

#include <stdlib.h>

#include "correlator/correlator.h"
#include "correlator/summary.h"

/* attempted = accepted + refused + deferred + lost + unknown */
static inline void
mails_add_up(const struct correlator *c)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	correlator_summary(c, s);
	if (s->attempted != s->accepted + s->refused + s->deferred + s->lost + s->unknown)
		abort();
	free(s);
}

#endif /* MAILS_ADD_UP_H */
