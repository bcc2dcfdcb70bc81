/* fuzz_message.c - the message parser: the facts must not depend on the chunks. */
#include <stdlib.h>
#include <string.h>

#include "dissectors/message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The byte 0xff 0xff n is a gap of n bytes. */
static struct message *
play(const uint8_t *p, size_t len, size_t chunk)
{
	struct message *m = message_new();
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (len >= 3 && p[0] == 0xff && p[1] == 0xff) {
			message_gap(m, p[2]);
			n = 3;
			continue;
		}
		for (n = 1; n < len && n < chunk && p[n] != 0xff; n++)
			;
		uint8_t *copy = malloc(n);

		memcpy(copy, p, n);
		message_push(m, copy, n);
		free(copy);
	}
	message_end(m);
	return m;
}

static void
compare(const struct message_facts *a, const struct message_facts *b)
{
	struct message_facts x = *a, y = *b;

	if (memcmp(a->proofs, b->proofs, sizeof(*a->proofs)) != 0)
		abort();
	if (strcmp(x.subject, y.subject) != 0 || strcmp(x.content_type, y.content_type) != 0 ||
	    x.bytes != y.bytes || x.header_bytes != y.header_bytes || x.fields != y.fields ||
	    x.leaves != y.leaves || x.part_count != y.part_count || x.parts_kept != y.parts_kept)
		abort();
	for (uint32_t i = 0; i < x.parts_kept; i++)
		if (memcmp(&a->parts[i], &b->parts[i], sizeof(a->parts[i])) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message *a = play(data, size, SIZE_MAX), *b = play(data, size, 1),
		       *c = play(data, size, 5);

	compare(message_facts(a), message_facts(b));
	compare(message_facts(a), message_facts(c));
	message_free(a);
	message_free(b);
	message_free(c);
	return 0;
}
