/* record_json_impl.h - the door to jansson, for record_json*.c only. */
#ifndef RECORD_JSON_IMPL_H
#define RECORD_JSON_IMPL_H

#include <jansson.h>

#include "record/record_json.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX) /* what a JSON integer of jansson holds */

/*
 * Before each use of jansson, when nothing that it made is left; and after it: gives back j (may be
 * NULL) and all else. false: there was a lack of memory, and what it made is not to be used.
 */
void json_alloc_begin(void);
bool json_alloc_end(json_t *j);

#endif /* RECORD_JSON_IMPL_H */
