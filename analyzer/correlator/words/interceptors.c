#include "interceptors.h"

#include <stdio.h>
#include <string.h>

#include "interceptors_table.h"

/* Pattern and product of one line; false: a comment. */
static bool
line_fields(const char *line, size_t len, char pattern[64], char product[96])
{
	const char *tab = memchr(line, '\t', len);
	size_t n = tab != NULL ? (size_t)(tab - line) : 0;

	if (line[0] == '#' || n == 0 || n >= 64 || len - n - 1 >= 96)
		return false;
	memcpy(pattern, line, n);
	pattern[n] = '\0';
	memcpy(product, tab + 1, len - n - 1);
	product[len - n - 1] = '\0';
	return true;
}

bool
interceptor_known(const char *issuer, char *product, size_t size)
{
	char pattern[64], name[96];

	for (const char *line = interceptors_table; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		if (line_fields(line, len, pattern, name) && strcasestr(issuer, pattern) != NULL) {
			snprintf(product, size, "%s", name);
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}
