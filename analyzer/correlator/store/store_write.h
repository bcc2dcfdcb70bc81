/* store_write.h - the side of the store that correlator.c fills; rules include store.h only. */
#ifndef STORE_WRITE_H
#define STORE_WRITE_H

#include "correlator/store/store.h"

struct store_counters {
	uint64_t evicted; /* cases that left to make room */
	uint64_t refused; /* records not kept: a table was full, or no memory */
	uint64_t paths_evicted, hosts_evicted, icmp_evicted;
	uint64_t frag_needed; /* of what was evicted */
	uint64_t uncompared;  /* copies of a connection beyond STORE_COPIES, since the last
				 store_index() */
};

struct store *store_new(uint64_t budget); /* bytes of cases kept; 0 = default */
void store_free(struct store *s);
void store_take(struct store *s, const struct record *r);
/* True when the cases outgrew the budget: judge, then store_evict(). */
bool store_full(const struct store *s);
/* The touch up to which cases leave: the median, least recently used first. */
uint64_t store_eviction_mark(const struct store *s);
/* Calls gone() for each case touched up to the mark, then forgets them. */
void store_evict(
    struct store *s, uint64_t mark, void (*gone)(void *ctx, struct mail_case *c), void *ctx);
/* Sorts cases, joins copies: before a judgement. */
void store_index(struct store *s);
size_t store_case_count(const struct store *s);
struct mail_case *store_case_at(const struct store *s, size_t i); /* in order of time */
uint64_t store_generation(const struct store *s);                 /* grows with each change */
const struct store_counters *store_counters(const struct store *s);
uint64_t store_starved(
    const struct store *s); /* allocations that failed while indexing and looking up */
/* Frag-needed and packet-too-big errors: repeats count, copies at other points do not. */
uint64_t store_frag_needed(const struct store *s);
/* Identity of the conversation behind a case at whatever point it was seen; 0 = none. */
uint64_t case_conversation(const struct mail_case *c);

#endif /* STORE_WRITE_H */
