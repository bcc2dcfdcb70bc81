/*
 * path_say.h - the sentences that the path rules (diagnosis 1A) share.  Each adds evidence, with
 * its frames, to the finding of this way.
 */
#ifndef PATH_SAY_H
#define PATH_SAY_H

#include "correlator/facts/path_others.h"

/* Diagnosis 5.3: a sentence of a remedy, until two captures have told. */
#define WHICH_DEVICE \
	"Which device drops them, one capture cannot tell: capture before and after each suspect."

/* How often and how long the same bytes were sent, and whether they came at last. */
void say_chain(struct finding *f, const struct way *w, const struct record_stall *s);
/* What else passed meanwhile, here and, unless e is NULL, on other connections. */
void say_liveness(struct finding *f, const struct way *w, const struct record_stall *s,
    const struct live_elsewhere *e);
/* The largest that had arrived before. */
void say_proven(struct finding *f, const struct way *w, const struct record_stall *s);
/* What a router said of the size. */
void say_told(struct finding *f, const struct way *w, const struct record_icmp_error *e);
/* Whose side it is, where connections to other networks tell: does u pass there? */
void say_location(struct finding *f, const struct way *w, uint32_t u);
/* 2.4, the remedy: which MTU and MSS, where, and how to verify. */
void say_mtu_remedy(struct finding *f, const struct way *w);

#endif /* PATH_SAY_H */
