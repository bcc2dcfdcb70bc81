/* outage_say.h - which outage a stall is, and its words. */
#ifndef OUTAGE_SAY_H
#define OUTAGE_SAY_H

#include "correlator/facts/path_say.h"

/*
 * The finding of a stall of which nothing came through, whatever its size: idle-state-expired
 * behind a silence, else path-outage, of the path or of this connection alone.
 */
struct finding *outage_say(const struct way *w, const struct record_stall *s, struct verdicts *out);
/* Remedy and next capture where it may have been the size, for that time. */
void outage_ask_then(struct finding *f);

#endif /* OUTAGE_SAY_H */
