/* record_schema.h - the tables as a JSON Schema (draft 7) of every line. */
#ifndef RECORD_SCHEMA_H
#define RECORD_SCHEMA_H

#include <stdio.h>

#include "record/record_fields.h"

/*
 * Writes the schema of a line that is any record or one of the `count' further
 * tables; the same bytes for the same tables.
 */
void record_schema_write(FILE *out, const struct field_table *const *more, size_t count);

#endif /* RECORD_SCHEMA_H */
