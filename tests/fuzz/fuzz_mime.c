/*
 * fuzz_mime.c - a structured header value and its parameters; the same bytes
 * as base64, whole and byte by byte.  Every parameter ends in its array, there
 * are no more of them than bytes, and pieces decode to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/text/base64.h"
#include "dissectors/message/mime_param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
parameters(const char *value, size_t len)
{
	struct mime_param m;
	char first[32];
	struct mime_value v = mime_value_start(value, first, sizeof(first));
	size_t n = 0;

	if (memchr(first, '\0', sizeof(first)) == NULL)
		abort();
	while (mime_param_next(&v, &m)) {
		if (memchr(m.name, '\0', sizeof(m.name)) == NULL ||
		    memchr(m.value, '\0', sizeof(m.value)) == NULL)
			abort();
		if (m.section < -1 || ++n > len)
			abort();
	}
}

static void
base64(const uint8_t *p, size_t len)
{
	uint8_t *whole = malloc(len + 1), *pieces = malloc(len + 1), one[1], value[16];
	struct base64 a = { 0 }, b = { 0 };
	size_t n, m = 0;

	if (whole == NULL || pieces == NULL || base64_run(p, len) > len)
		abort();
	n = base64_decode_some(&a, p, len, whole);
	for (size_t i = 0; i < len; i++)
		if (base64_decode_some(&b, p + i, 1, one) == 1)
			pieces[m++] = one[0];
	if (n != m || n > len || memcmp(whole, pieces, n) != 0)
		abort();
	free(whole);
	free(pieces);
	whole = malloc(len + 1);
	if (whole == NULL)
		abort();
	memcpy(whole, p, len);
	whole[len] = '\0';
	base64_value_of((const char *)whole, value, sizeof(value));
	parameters((const char *)whole, len);
	free(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	base64(data, size);
	return 0;
}
