/* store_impl.h - the store's inside, for store.c, store_index.c and store_read.c only. */
#ifndef STORE_IMPL_H
#define STORE_IMPL_H

#include "correlator/store_write.h"

enum { BUCKETS = 1 << 14 };

/* A growing array kept sorted; `cmp' decides what is the same record. */
struct table {
	void	*v;
	size_t	 n, room;
};

/* What one capture point heard at all. */
struct point_facts {
	uint32_t	point;
	bool		server_heard, client_data;
};

struct store {
	struct mail_case *bucket[BUCKETS];
	struct mail_case **cases;	/* by time, see store_index */
	size_t		 case_count, case_room;
	struct mail_case **by_client, **by_server;
	size_t		 indexed;
	struct record_host **hosts_by_client, **hosts_by_server;	/* into hosts */
	size_t		 hosts_indexed;
	struct table	 paths, hosts, icmp, captures;
	struct point_facts *points;	/* ascending point */
	size_t		 point_count;
	uint64_t	 bytes, budget, clock, generation;
	struct store_counters counters;
};

static inline int
order_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static inline int
order_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static inline bool
witness_before(const struct moment *a, const struct moment *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->frame < b->frame;
}

/* Orders of the tables; each record starts with its key. */
int	capture_order(const void *a, const void *b);
int	path_order(const void *a, const void *b);
int	host_order(const void *a, const void *b);
/* Index of the first element not below `x'. */
size_t	sorted_find(const struct table *t, size_t size, const void *x, int (*order)(const void *, const void *));

#endif /* STORE_IMPL_H */
