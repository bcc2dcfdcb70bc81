/* fate.h - what became of each mail: its verdict joined with the findings of its connection. */
#ifndef FATE_H
#define FATE_H

#include "correlator/correlator.h"
#include "correlator/store/store_write.h"
#include "correlator/finding/verdicts.h"

/*
 * One fate per mail of each counted case, in order of time: after
 * findings_merge(), when drafts know their findings.  *out is malloc'd and
 * borrows from the store.
 */
size_t fates_make(const struct store *s, struct verdicts *v, struct fate **out);

#endif /* FATE_H */
