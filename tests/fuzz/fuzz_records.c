/*
 * fuzz_records.c - records files are untrusted: any bytes are read as lines;
 * what is taken is written, read again and must be the same; everything goes
 * through the correlator, which must survive it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/correlator.h"
#include "record/record_json.h"
#include "record/record_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take(void *ctx, const struct record *r)
{
	static struct record again;
	static char said[RECORD_JSON_SAID(RECORD_JSON_LINE)];
	char err[256], *line = record_json_encode(r), *twice;

	if (line == NULL ||
	    record_json_decode(&again, said, line, strlen(line), err, sizeof(err)) !=
		RECORD_JSON_RECORD)
		abort();
	twice = record_json_encode(&again);
	if (twice == NULL || strcmp(line, twice) != 0)
		abort();
	free(twice);
	free(line);
	correlator_take(ctx, r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct correlator_options o = { .user_replies = NULL };
	char err[256];
	struct correlator *c = correlator_new(&o, err, sizeof(err));
	struct record_log_reader reader = { .sink = { take, c } };
	FILE *in = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

	if (c != NULL && in != NULL) {
		record_log_read(in, &reader);
		correlator_judge(c);
	}
	if (in != NULL)
		fclose(in);
	if (c != NULL)
		correlator_free(c);
	return 0;
}
