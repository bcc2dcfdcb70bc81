#include "record/record_caps.h"

#include <stdio.h>
#include <string.h>

/* Whole or not at all: of a number that is cut nobody sees that it is. */
void
record_caps_add(struct record_capture *c, const char *name, uint64_t n)
{
	static const char more[] = ", ...";
	size_t at = strlen(c->caps), room = sizeof(c->caps) - at;
	char text[64];
	int len;

	if (n == 0)
		return;
	c->caps_hit += n;
	len = snprintf(
	    text, sizeof(text), "%s%s %llu", at > 0 ? ", " : "", name, (unsigned long long)n);
	if (len > 0 && (size_t)len < sizeof(text) && (size_t)len + sizeof(more) <= room)
		memcpy(c->caps + at, text, (size_t)len + 1);
	else if (at < sizeof(more) || strcmp(c->caps + at - (sizeof(more) - 1), more) != 0)
		snprintf(c->caps + at, room, "%s", more);
}
