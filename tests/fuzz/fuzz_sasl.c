/*
 * fuzz_sasl.c - one login: the mechanism, then a response a line.  A user has
 * no NUL and fits; what was decoded besides is not left behind it in the
 * caller's array; an echo keeps its length, a mask its room.
 */
#include <stdlib.h>
#include <string.h>

#include "dissectors/text/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own size, so that a read behind it is seen. */
static char *
piece(const uint8_t *p, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, p, len);
	return copy;
}

static void
respond(struct sasl *s, const char *p, size_t len)
{
	char user[SASL_USER_MAX];
	size_t n = 0;

	memset(user, 0x5a, sizeof(user));
	if (!sasl_response(s, p, len, user, &n))
		n = 0;
	else if (n > sizeof(user) || memchr(user, '\0', n) != NULL)
		abort();
	for (size_t i = n; i < sizeof(user); i++)
		if (user[i] != 0x5a)
			abort();
}

static void
hide(char *p, size_t len)
{
	char mask[40];
	size_t n = sasl_mask(mask, sizeof(mask), len);

	if (n >= sizeof(mask) || mask[0] != '<' || mask[n - 1] != '>')
		abort();
	if (!sasl_is_mechanism(p, len))
		sasl_looks_secret(p, len);
	sasl_hide_echo(p, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sasl s = { 0 };
	bool first = true;

	for (const uint8_t *end = data + size, *lf; data < end; data = lf + 1) {
		char *p;

		if ((lf = memchr(data, '\n', (size_t)(end - data))) == NULL)
			lf = end;
		p = piece(data, (size_t)(lf - data));
		if (first)
			sasl_begin(&s, p, (size_t)(lf - data));
		else
			respond(&s, p, (size_t)(lf - data));
		first = false;
		if (s.mechanism[SASL_MECHANISM_MAX] != '\0')
			abort();
		hide(p, (size_t)(lf - data));
		free(p);
		if (lf == end)
			break;
	}
	return 0;
}
