/* registry.c - the list of stream dissectors: a new one is a line here. */
#include <string.h>

#include "dissectors/registry.h"

const struct dissector *const dissectors[] = {
	&dissector_smtp,
	&dissector_pop3,
	NULL,
};

const struct dissector *
dissector_find(const char *name)
{
	for (size_t i = 0; dissectors[i] != NULL; i++)
		if (strcmp(dissectors[i]->name, name) == 0)
			return dissectors[i];
	return NULL;
}
