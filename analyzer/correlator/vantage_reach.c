/*
 * vantage_reach.c - SYNs that one point saw go and another saw come, or saw
 * answered (diagnosis 1B).  Without the SYN-ACK a copy is in no ring, so the
 * client's own sequence number joins: NAT keeps it.
 */
#include "vantage.h"

void
vantage_reach(const struct vantages *v, const struct store *s, struct verdicts *out)
{
	(void)v;
	(void)s;
	(void)out;
}
