/*
 * table.h - the flow table of one capture point: every TCP flow as one light
 * entry of 64 bytes, found by its 5-tuple in either direction.
 *
 * Entries live in a slab and do not move.  The table only finds: what an entry
 * means, and when it goes, is its user's.
 */
#ifndef TABLE_H
#define TABLE_H

#include "flow/table/hosts.h"
#include "flow/packet/packet.h"

enum { /* flow_light.flags */
	LIGHT_USED = 1 << 0,
	LIGHT_V6 = 1 << 1,
	LIGHT_CLIENT1 = 1 << 2, /* end 1 is the client, else end 0 */
	LIGHT_SYN = 1 << 3,     /* the client's SYN was seen, isn holds it */
	LIGHT_SYNACK = 1 << 4,
	LIGHT_EST = 1 << 5,     /* SYN-ACK and its ACK, or data after it */
	LIGHT_REFUSED = 1 << 6, /* an RST answered the SYN */
	LIGHT_UNREACH = 1 << 7, /* an ICMP error quoted the SYN */
	LIGHT_FIN0 = 1 << 8,    /* from end 0, 1 */
	LIGHT_FIN1 = 1 << 9,
	LIGHT_RST = 1 << 10,   /* one that its receiver would believe */
	LIGHT_DATA0 = 1 << 11, /* payload from end 0, 1 */
	LIGHT_DATA1 = 1 << 12,
	LIGHT_UNDECIDED = 1 << 13, /* `more' is a prelude, see classify.h */
	LIGHT_FULL = 1 << 14,      /* `more' is a full flow */
	LIGHT_DONE = 1 << 15,      /* classified: not mail */
};

/* The flow was full and is told of; what still comes of it is only counted. */
#define LIGHT_PUT_AWAY UINT32_MAX

/* One pending sample: the largest segment since the last one proven. */
struct light_sample {
	uint32_t end;    /* sequence number behind it */
	uint32_t frame;  /* low 32 bits of its frame number */
	uint32_t at_us;  /* low 32 bits of its time */
	uint16_t w;      /* 0: none pending */
	uint16_t proven; /* largest W proven through */
};

struct flow_light {
	uint32_t host[2]; /* hosts.h; end 0 is the lower one */
	uint16_t port[2];
	uint32_t more; /* see LIGHT_UNDECIDED and LIGHT_FULL; with neither, LIGHT_PUT_AWAY or 0 */
	int64_t last_ns;
	struct light_sample sample[2]; /* of what end 0, 1 sent */
	uint32_t isn;                  /* the client's */
	uint16_t flags;
	uint8_t syns; /* SYNs of that ISN, saturating */
	uint8_t rtt;  /* of the handshake, 4 ms units; 0 = unknown */
};
_Static_assert(sizeof(struct flow_light) <= 64, "a light flow is one cache line");

static inline bool
light_put_away(const struct flow_light *e)
{
	return (e->flags & (LIGHT_FULL | LIGHT_UNDECIDED)) == 0 && e->more == LIGHT_PUT_AWAY;
}

struct table;

/* At most `cap' entries.  NULL: no memory. */
struct table *table_new(const struct hash_key *key, uint32_t cap);
void table_free(struct table *t);

/* Addresses (4 or 16 bytes, borrowed) and ports of a packet. */
struct tuple {
	const uint8_t *src, *dst;
	uint16_t sport, dport;
	uint8_t family;
};

static inline struct tuple
tuple_of(const struct endpoint *src, const struct endpoint *dst)
{
	return (struct tuple){ src->ip.b, dst->ip.b, src->port, dst->port, src->ip.family };
}

/* Where a tuple belongs; making one fetches its slot into the cache. */
struct table_probe {
	uint32_t print;
	bool swapped; /* src is end 1 */
};
struct table_probe table_probe(const struct table *t, const struct tuple *k);
struct flow_light *table_find_probe(
    const struct table *t, struct table_probe at, const struct tuple *k);
/* The entry that is likely there, fetched into the cache; NULL: none. */
struct flow_light *table_fetch(const struct table *t, struct table_probe at);
/* Is it, still, the entry of that tuple? */
bool table_holds(const struct table *t, const struct flow_light *e, struct table_probe at,
    const struct tuple *k);
/* The same for the addresses of an entry of IPv6. */
void table_fetch_ends(const struct table *t, const struct flow_light *e);
/* `from' is set to the end (0, 1) that has the address src:sport. */
struct flow_light *table_find(
    const struct table *t, const struct endpoint *src, const struct endpoint *dst, unsigned *from);
/* A new zeroed entry with its key and LIGHT_USED; NULL: at the cap, or no memory. */
struct flow_light *table_add(
    struct table *t, const struct endpoint *src, const struct endpoint *dst, unsigned *from);
void table_remove(struct table *t, struct flow_light *e);

uint32_t table_count(const struct table *t);
bool table_full(const struct table *t);
/* Slab positions run from 0 to table_span() - 1; at() is NULL where none lives. */
uint32_t table_span(const struct table *t);
struct flow_light *table_at(const struct table *t, uint32_t i);
struct endpoint table_end(const struct table *t, const struct flow_light *e, unsigned end);
struct hosts *table_hosts(struct table *t);

/* LIGHT_FIN or LIGHT_DATA of an end; who sent a packet is a coin toss, so without a branch. */
static inline uint16_t
light_fin(unsigned from)
{
	return (uint16_t)(LIGHT_FIN0 << from);
}

static inline uint16_t
light_data(unsigned from)
{
	return (uint16_t)(LIGHT_DATA0 << from);
}
_Static_assert(LIGHT_FIN1 == LIGHT_FIN0 << 1 && LIGHT_DATA1 == LIGHT_DATA0 << 1, "side by side");

static inline uint8_t
light_family(const struct flow_light *e)
{
	return (e->flags & LIGHT_V6) != 0 ? 6 : 4;
}

static inline unsigned
light_client(const struct flow_light *e)
{
	return (e->flags & LIGHT_CLIENT1) != 0;
}

/* What end `from' sent went from here to there. */
static inline struct host_pair
light_pair(const struct flow_light *e, unsigned from)
{
	return (struct host_pair){ e->host[from], e->host[!from], light_family(e) };
}

#endif /* TABLE_H */
