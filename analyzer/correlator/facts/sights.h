/*
 * sights.h - how far both ends are from each capture point, as all connections
 * there show it together.  Made once for a judgement and exact, be there
 * thousands between two hosts; lookup.h keeps it.
 */
#ifndef SIGHTS_H
#define SIGHTS_H

#include "correlator/store/store.h"

struct sights;

/* Of a store that is indexed.  NULL: no memory. */
struct sights *sights_new(const struct store *s);
void sights_free(struct sights *v);

/* On another connection of the two hosts the client's SYN has another TTL at this point. */
bool sights_client_differs(const struct sights *v, const struct mail_case *c);
/*
 * On another connection to this server, by whatever client, the way of both ends is as long in all,
 * and the server's part of it is not.
 */
bool sights_server_differs(const struct sights *v, const struct mail_case *c);
/*
 * The least that a session between the two on another port of the server needed from here to it and
 * back; 0 = none known.
 */
int64_t sights_least_rtt(const struct sights *v, const struct mail_case *c);

/* No router was passed yet: 64, 128 or 255. */
bool ttl_undiminished(uint8_t ttl);
/* How many routers were passed, if it began as one of these. */
unsigned int ttl_hops(uint8_t ttl);

#endif /* SIGHTS_H */
