/*
 * The reply classifier on hostile words, and on hostile tables: a line that
 * begins with '#' is a user's table, anything else a reply (first byte: stage,
 * second: code).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/words/replies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct replies *table;

static void
fuzz_table(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), err[256];

	if (text == NULL)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	replies_free(replies_new(text, err, sizeof(err)));
	free(text);
}

static void
fuzz_reply(const uint8_t *data, size_t size)
{
	static const char stages[] = "CESAMRDPUT";
	struct record_reply r = { 0 };
	struct reply_context ctx = { 0 };
	struct reply_class cl;
	char text[RECORD_WORDS] = "";
	size_t n = size - 2 < sizeof(text) - 1 ? size - 2 : sizeof(text) - 1;

	ctx.stage = stages[data[0] % (sizeof(stages) - 1)];
	ctx.pop = (data[0] & 0x80) != 0;
	ctx.after_gap = (data[0] & 0x40) != 0;
	ctx.auth_offered = (data[0] & 0x20) != 0;
	r.code = (uint16_t)(data[1] < 200 ? 400 + data[1] : 0);
	memcpy(text, data + 2, n);
	r.text = text;
	memcpy(r.enhanced, text, n < sizeof(r.enhanced) - 1 ? n : sizeof(r.enhanced) - 1);
	reply_classify(table, &r, &ctx, &cl);
	if (cl.kind > FINDING_KINDS || memchr(cl.subkind, '\0', sizeof(cl.subkind)) == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[256];

	if (table == NULL && (table = replies_new(NULL, err, sizeof(err))) == NULL)
		abort();
	if (size > 0 && data[0] == '#')
		fuzz_table(data, size);
	else if (size >= 2)
		fuzz_reply(data, size);
	return 0;
}
