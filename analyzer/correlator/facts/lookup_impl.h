/* lookup_impl.h - the lookups' inside, for lookup*.c only. */
#ifndef LOOKUP_IMPL_H
#define LOOKUP_IMPL_H

#include "lookup.h"
#include "correlator/store/store_impl.h"

/* A case and the name that greeted it. */
struct greeting {
	char name[GREETING_NAME];
	const struct mail_case *c;
};

/*
 * The services of the servers of one bucket of host records, by server, point, port; NULL: not
 * asked for.
 */
struct service_group {
	struct service *v;
	size_t n;
};

/* Each NULL until it is asked for. */
struct lookups {
	const struct store *store;
	uint64_t starved, cut;
	uint64_t looked; /* cases, in all searches */
	struct service_group *services;
	size_t service_groups;
	struct sights *sights;
	struct greeting *greetings; /* by client, name, server */
	size_t greeting_count;
	struct accepted *accepted; /* by address, server, time */
	size_t accepted_count;
	struct unheard *unheard; /* by client, name, time */
	size_t unheard_count;
	const struct mail_case **cases[LOOKUP_KINDS]; /* by address, time */
	size_t case_count[LOOKUP_KINDS];
	const struct mail_case **logins; /* by client, time of the login */
	size_t login_count;
	const struct mail_case **offers; /* by server, port, point, list */
	size_t offer_count;
};

/* How many elements come before what is looked for. */
size_t count_before(const void *v, size_t n, size_t size,
    bool (*before)(const void *element, const void *key), const void *key);
/* Room for n elements; NULL: no memory, which is counted. */
void *room_for(struct lookups *l, size_t n, size_t size);
void services_release(struct lookups *l);

#endif /* LOOKUP_IMPL_H */
