/* record_caps.h - which bounds were hit, as a capture record says it. */
#ifndef RECORD_CAPS_H
#define RECORD_CAPS_H

#include "record/record.h"

/*
 * `n' times; 0: it was not.  What has no room among the words is in their sum all the same, and
 * "..." tells that there is more.
 */
void record_caps_add(struct record_capture *c, const char *name, uint64_t n);

#endif /* RECORD_CAPS_H */
