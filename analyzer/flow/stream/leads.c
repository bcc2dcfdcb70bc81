#include "flow/stream/leads.h"

#include <stdlib.h>
#include <string.h>

enum { LEADS_KEPT = 16 };

bool
leads_put(struct leads *l, uint64_t edge, uint64_t ack, uint64_t peer)
{
	uint32_t old = 0;

	while (l->count > 0 && l->at[l->count - 1].ack > ack)
		l->count--; /* a later one says less: the earlier was corrupt, or overtaken */
	while (old < l->count && l->at[old].ack <= edge)
		old++;
	l->count -= old;
	if (old > 0)
		memmove(l->at, l->at + old, l->count * sizeof(l->at[0]));
	if (l->count > 0 && l->at[l->count - 1].ack == ack)
		return true;
	if (l->count == LEADS_KEPT ||
	    (l->at == NULL && (l->at = calloc(LEADS_KEPT, sizeof(*l->at))) == NULL))
		return false;
	l->at[l->count++] = (struct lead){ ack, peer };
	return true;
}

uint64_t
leads_heard(const struct leads *l, uint64_t to)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->at[i].ack >= to)
			return l->at[i].peer;
	return UINT64_MAX;
}

void
leads_clear(struct leads *l)
{
	free(l->at);
	*l = (struct leads){ 0 };
}
