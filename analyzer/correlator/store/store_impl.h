/* store_impl.h - the store's inside, for store*.c only. */
#ifndef STORE_IMPL_H
#define STORE_IMPL_H

#include "correlator/store/store_write.h"

enum { BUCKETS = 1 << 14 };

/* A growing array kept sorted; `cmp' decides what is the same record. */
struct table {
	void *v;
	size_t n, room;
};

/* Pointers to the records of a table in buckets by one of their addresses. */
struct addr_index {
	void **v;
	uint32_t *start;  /* of each bucket in v, and where the last ends */
	uint32_t *joined; /* hosts: how many of a bucket are left after the first question; 0 = not
			     asked */
	size_t buckets;   /* a power of two */
	size_t indexed;   /* records of the table that are in */
};

/* One bucket: others may be among them. */
struct addr_span {
	void *const *at, *const *end;
};

/* store_contrast.c; behind a pointer, for a question may have to index them first. */
struct contrast_tables {
	struct table paths, hosts;
	struct addr_index by_from, by_client, by_server;
	uint64_t starved; /* allocations that failed, here and in the store */
};

/*
 * Cases in an order, and the latest end of 2, 4, 8, ... neighbours: of all at 1, of the halves of k
 * at 2k and 2k + 1.
 */
struct case_list {
	struct mail_case **v; /* NULL: no memory */
	int64_t *ends;        /* NULL: no memory, each is asked */
	size_t n, leaves;     /* where the ends of single ones begin, a power of two */
};

/* What one capture point heard at all. */
struct point_facts {
	uint32_t point;
	bool server_heard, client_data;
};

struct store {
	struct mail_case *bucket[BUCKETS];
	struct mail_case **cases; /* by time, see store_index */
	size_t case_count, case_room;
	struct case_list by_time, by_client, by_server; /* those indexed */
	size_t indexed;
	struct contrast_tables *contrast;
	struct table icmp, captures, pieces;
	struct point_facts *points; /* ascending point */
	size_t point_count;
	uint64_t bytes, budget, clock, generation;
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

/*
 * store.c: what is known of a case without a connection record is written there; NULL: no memory.
 */
struct record_connection *case_conn(struct store *s, struct mail_case *c);

/* In order of time. */
int case_order(const struct mail_case *x, const struct mail_case *y);
/*
 * store_index.c: the next of [pos, end) that lasted till since (0: any), from the first or from the
 * last on; `end' = none.
 */
size_t cases_next(const struct case_list *l, size_t pos, size_t end, int64_t since);
size_t cases_last(const struct case_list *l, size_t pos, size_t end, int64_t since);
void cases_release(struct case_list *l);
/* store_copies.c: the rings of copies, of cases in order of time. */
void copies_join(struct store *s);

/* Orders of the tables; each record starts with its key. */
int capture_order(const void *a, const void *b);
int piece_order(const void *a, const void *b);
/* Index of the first element not below `x'. */
size_t sorted_find(
    const struct table *t, size_t size, const void *x, int (*order)(const void *, const void *));

/*
 * What follows takes (false: no room) and answers: paths by their source, repeats among them; hosts
 * joined and in order.
 */
bool contrast_take_path(struct store *s, const struct record_path *x);
bool contrast_take_host(struct store *s, const struct record_host *x);
/* The older half of a table leaves, by number; the others keep their order. */
void table_drop_oldest(
    struct table *t, size_t size, int64_t (*last)(const void *), uint64_t *counter);
struct addr_span contrast_paths(const struct store *s, const struct addr *from);
size_t index_bucket(const struct addr_index *x, const struct addr *a);
struct addr_span contrast_hosts(const struct store *s, bool by_server, const struct addr *a);
void contrast_release(struct contrast_tables *k);

#endif /* STORE_IMPL_H */
