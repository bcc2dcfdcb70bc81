/* registry.h - every stream dissector there is. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "dissectors/dissector.h"

/* Ends with NULL. */
extern const struct dissector *const dissectors[];

/* By its name; NULL when there is none. */
const struct dissector *dissector_find(const char *name);

#endif /* REGISTRY_H */
