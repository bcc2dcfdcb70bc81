/*
 * fuzz_text.c - bytes of the network become text of records, and text becomes
 * addresses, times and ids: what is copied is UTF-8 and fits, a copy of a copy
 * is the copy, and what was parsed is written and parsed as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "record/addr.h"
#include "record/text.h"
#include "record/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
copied(const uint8_t *p, size_t len, size_t room)
{
	char *one = malloc(room), *two = malloc(room);
	size_t n;

	if (one == NULL || two == NULL)
		abort();
	n = text_copy_utf8(one, room, p, len);
	if (n >= room || one[n] != '\0' || strlen(one) != n || !text_valid_utf8(one, n))
		abort();
	if (text_copy_utf8(two, room, one, n) != n || strcmp(one, two) != 0)
		abort();
	if (text_append_utf8(two, room, p, len) >= room || !text_valid_utf8(two, strlen(two)))
		abort();
	free(one);
	free(two);
}

static void
parsed(const char *text)
{
	char buf[ADDR_TEXT], when[WHEN_TEXT], hex[ID_TEXT];
	struct addr a, b;
	int64_t t, u;
	uint64_t id;

	if (addr_parse(&a, text) == 0 &&
	    (addr_parse(&b, addr_format(&a, buf, sizeof(buf))) != 0 || !addr_equal(&a, &b)))
		abort();
	if (when_parse(&t, text) == 0 && (when_parse(&u, when_format(t, when)) != 0 || t != u))
		abort();
	if (id_parse(&id, text) == 0 && strcasecmp(id_format(id, hex), text) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	copied(data + 1, size - 1, (size_t)data[0] + 1);
	if ((text = malloc(size)) == NULL)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	parsed(text);
	free(text);
	return 0;
}
