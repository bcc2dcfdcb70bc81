/* record_json_impl.h - the door to jansson, for record_json*.c only. */
#ifndef RECORD_JSON_IMPL_H
#define RECORD_JSON_IMPL_H

#include <jansson.h>

#include "record/record_json.h"

#define NUMBER_MAX	((uint64_t)INT64_MAX)	/* what a JSON integer of jansson holds */

/* Before each use of jansson; afterwards: was there a lack of memory?  Then what it made is not used. */
void	json_alloc_begin(void);
bool	json_alloc_starved(void);

#endif /* RECORD_JSON_IMPL_H */
