/* driver.h - runs the rules in order, silences symptoms, merges what is left. */
#ifndef DRIVER_H
#define DRIVER_H

#include "correlator/store/store_write.h"
#include "correlator/finding/verdicts.h"

/* Every rule over an indexed store; symptoms of a cause are marked silenced. */
void driver_run(const struct store *s, const struct replies *replies, struct verdicts *out);

/*
 * One finding per (kind, subkind, path, epoch): merges the drafts that are not
 * silenced and whose case is wanted (NULL = all), and earlier findings that
 * outlived their cases.  Each draft learns the id of its finding.  Returns the
 * number; *out is malloc'd and sorted by id, the findings are the caller's.
 */
size_t findings_merge(struct verdicts *v,
    bool (*wanted)(const void *ctx, const struct mail_case *c), const void *ctx,
    struct finding *const *old, size_t old_n, struct finding ***out);
/* Their order, for qsort() of pointers to them. */
int findings_by_id(const void *a, const void *b);

#endif /* DRIVER_H */
