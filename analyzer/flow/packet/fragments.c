#include "flow/packet/fragments.h"

#include <stdlib.h>
#include <string.h>

enum {
	TRAINS = 1024,          /* power of two: the number of buckets as well */
	TRAINS_BYTES = 4 << 20, /* of payload held, all trains */
	RANGES = 48,            /* pieces of one train apart from each other */
	LENT = 8,               /* datagrams lent at a time: one for each tunnel layer */
	DATAGRAM_MAX = 65535,
	NONE = -1,
};
static const int64_t train_age_ns = 30000000000; /* Linux' ipfrag_time; RFC 791 says 15 s */
/* A whole train is remembered so long: its copies from a second mirror are not a new one. */
static const int64_t train_copy_ns = 200000000;

enum train_state { TRAIN_FREE, TRAIN_OPEN, TRAIN_WHOLE, TRAIN_DROPPED };

struct train_key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint8_t version, proto; /* IPv6: 0, its first fragment alone knows (RFC 8200 4.5) */
};

struct range {
	uint32_t from, to;
};

/* Invariant: ranges are sorted, disjoint and not adjacent. */
struct train {
	struct train_key key;
	enum train_state state;
	int chain;        /* next in the bucket, or in the free list */
	int older, newer; /* by creation */
	int64_t since_ns, whole_ns;
	uint8_t *data;
	uint32_t size;  /* allocated */
	uint32_t total; /* payload length; 0 = last fragment not seen */
	uint32_t cut;   /* first byte that the snap length took */
	uint32_t header, w_fragment;
	uint32_t fragments;
	uint8_t proto, ttl;
	bool df;
	unsigned int range_count;
	struct range ranges[RANGES];
};

struct fragments {
	struct train trains[TRAINS];
	int buckets[TRAINS];
	int free, oldest, newest;
	uint64_t bytes;
	uint64_t waiting; /* fragments in open trains */
	uint8_t *lent[LENT];
	unsigned int lent_count;
	struct fragments_counters counters;
};

struct fragments *
fragments_new(void)
{
	struct fragments *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	for (int i = 0; i < TRAINS; i++) {
		t->buckets[i] = NONE;
		t->trains[i].chain = i + 1 < TRAINS ? i + 1 : NONE;
	}
	t->oldest = t->newest = NONE;
	return t;
}

void
fragments_release(struct fragments *t)
{
	while (t->lent_count > 0)
		free(t->lent[--t->lent_count]);
}

void
fragments_free(struct fragments *t)
{
	if (t == NULL)
		return;
	fragments_release(t);
	for (int i = 0; i < TRAINS; i++)
		free(t->trains[i].data);
	free(t);
}

struct fragments_counters
fragments_counters(const struct fragments *t)
{
	struct fragments_counters c = t->counters;

	c.orphaned += t->waiting;
	return c;
}

static struct train_key
key_of(const struct ip_header *ip)
{
	struct train_key k = { .id = ip->frag_id, .version = ip->version };
	size_t n = ip->version == 4 ? 4 : 16;

	memcpy(k.src, ip->src, n);
	memcpy(k.dst, ip->dst, n);
	if (ip->version == 4)
		k.proto = ip->proto;
	return k;
}

static bool
key_equal(const struct train_key *a, const struct train_key *b)
{
	return a->id == b->id && a->version == b->version && a->proto == b->proto &&
	    memcmp(a->src, b->src, sizeof(a->src)) == 0 &&
	    memcmp(a->dst, b->dst, sizeof(a->dst)) == 0;
}

/* FNV-1a; a flood of collisions costs at most TRAINS compares a fragment. */
static unsigned int
key_bucket(const struct train_key *k)
{
	uint32_t h = 2166136261u ^ k->id;

	for (size_t i = 0; i < sizeof(k->src); i++)
		h = ((h ^ k->src[i]) * 16777619u ^ k->dst[i]) * 16777619u;
	return (h ^ h >> 16) & (TRAINS - 1);
}

static struct train *
train_find(struct fragments *t, const struct train_key *k)
{
	for (int i = t->buckets[key_bucket(k)]; i != NONE; i = t->trains[i].chain)
		if (key_equal(&t->trains[i].key, k))
			return &t->trains[i];
	return NULL;
}

static void
train_forget_data(struct fragments *t, struct train *tr)
{
	free(tr->data);
	t->bytes -= tr->size;
	tr->data = NULL;
	tr->size = 0;
	tr->range_count = 0;
}

/* An open train will never be whole: its fragments are orphans. */
static void
train_orphan(struct fragments *t, struct train *tr)
{
	if (tr->state == TRAIN_OPEN) {
		t->waiting -= tr->fragments;
		t->counters.orphaned += tr->fragments;
	}
	train_forget_data(t, tr);
	tr->state = TRAIN_DROPPED;
}

static void
train_unlink(struct fragments *t, struct train *tr)
{
	int self = (int)(tr - t->trains);
	int *at = &t->buckets[key_bucket(&tr->key)];

	while (*at != self)
		at = &t->trains[*at].chain;
	*at = tr->chain;
	*(tr->older != NONE ? &t->trains[tr->older].newer : &t->oldest) = tr->newer;
	*(tr->newer != NONE ? &t->trains[tr->newer].older : &t->newest) = tr->older;
}

static void
train_remove(struct fragments *t, struct train *tr)
{
	train_orphan(t, tr);
	train_unlink(t, tr);
	tr->state = TRAIN_FREE;
	tr->chain = t->free;
	t->free = (int)(tr - t->trains);
}

static void
trains_expire(struct fragments *t, int64_t now_ns)
{
	while (t->oldest != NONE && now_ns - t->trains[t->oldest].since_ns > train_age_ns)
		train_remove(t, &t->trains[t->oldest]);
}

/* The oldest gives way; only an open one is a loss to be told. */
static void
trains_evict(struct fragments *t)
{
	if (t->trains[t->oldest].state == TRAIN_OPEN)
		t->counters.caps++;
	train_remove(t, &t->trains[t->oldest]);
}

static struct train *
train_new(struct fragments *t, const struct train_key *k, int64_t now_ns)
{
	unsigned int b = key_bucket(k);
	struct train *tr;
	int self;

	if (t->free == NONE)
		trains_evict(t);
	self = t->free;
	tr = &t->trains[self];
	t->free = tr->chain;
	*tr =
	    (struct train){ .key = *k, .state = TRAIN_OPEN, .since_ns = now_ns, .cut = UINT32_MAX };
	tr->chain = t->buckets[b];
	t->buckets[b] = self;
	tr->older = t->newest;
	tr->newer = NONE;
	*(t->newest != NONE ? &t->trains[t->newest].newer : &t->oldest) = self;
	t->newest = self;
	return tr;
}

/* Room for `need' bytes; older trains give way to the bound on all bytes. */
static bool
train_reserve(struct fragments *t, struct train *tr, uint32_t need)
{
	uint32_t size = need + need / 2 < 4096 ? 4096 : need + need / 2;
	uint8_t *p;

	if (need <= tr->size)
		return true;
	while (t->bytes + size - tr->size > TRAINS_BYTES && &t->trains[t->oldest] != tr)
		trains_evict(t);
	if (t->bytes + size - tr->size > TRAINS_BYTES || (p = realloc(tr->data, size)) == NULL)
		return false;
	t->bytes += size - tr->size;
	tr->data = p;
	tr->size = size;
	return true;
}

enum place { PLACE_NEW, PLACE_COVERED, PLACE_OVERLAP, PLACE_FULL };

/* Puts [from, to) among the ranges, if it touches none but at its ends. */
static enum place
range_insert(struct train *tr, uint32_t from, uint32_t to)
{
	unsigned int i = 0;
	bool left, right;

	while (i < tr->range_count && tr->ranges[i].to < from)
		i++;
	for (unsigned int j = i; j < tr->range_count && tr->ranges[j].from < to; j++) {
		if (tr->ranges[j].from <= from && to <= tr->ranges[j].to)
			return PLACE_COVERED;
		if (tr->ranges[j].to > from)
			return PLACE_OVERLAP;
	}
	left = i < tr->range_count && tr->ranges[i].to == from;
	right = i + left < tr->range_count && tr->ranges[i + left].from == to;
	if (left && right) {
		tr->ranges[i].to = tr->ranges[i + 1].to;
		tr->range_count--;
		memmove(&tr->ranges[i + 1], &tr->ranges[i + 2],
		    (tr->range_count - i - 1) * sizeof(tr->ranges[0]));
	} else if (left) {
		tr->ranges[i].to = to;
	} else if (right) {
		tr->ranges[i].from = from;
	} else {
		if (tr->range_count == RANGES)
			return PLACE_FULL;
		memmove(&tr->ranges[i + 1], &tr->ranges[i],
		    (tr->range_count - i) * sizeof(tr->ranges[0]));
		tr->ranges[i] = (struct range){ from, to };
		tr->range_count++;
	}
	return PLACE_NEW;
}

/* RFC 791 3.2 and 8200 4.5: what no fragment may be. */
static bool
fragment_valid(const struct fragment *f)
{
	if (f->len == 0 || f->len > DATAGRAM_MAX || (f->ip->more && f->len % 8 != 0))
		return false;
	/* IPv6 does not count its fixed header. */
	return f->ip->frag_header + f->ip->frag_off + f->len <=
	    DATAGRAM_MAX + (f->ip->version == 6 ? 40u : 0u);
}

/* False when the lengths of the train's fragments contradict each other. */
static bool
train_fits(struct train *tr, const struct fragment *f)
{
	uint32_t end = f->ip->frag_off + f->len;

	if (tr->total != 0 && (end > tr->total || (!f->ip->more && end != tr->total)))
		return false;
	if (!f->ip->more && tr->range_count > 0 && tr->ranges[tr->range_count - 1].to > end)
		return false;
	return true;
}

static void
train_keep(struct train *tr, const struct fragment *f)
{
	memcpy(tr->data + f->ip->frag_off, f->data, f->caplen);
	if (f->caplen < f->len && f->ip->frag_off + f->caplen < tr->cut)
		tr->cut = f->ip->frag_off + f->caplen;
	if (!f->ip->more)
		tr->total = f->ip->frag_off + f->len;
	if (f->ip->w > tr->w_fragment)
		tr->w_fragment = f->ip->w;
	if (f->ip->frag_off == 0) {
		tr->header = f->ip->frag_header;
		tr->proto = f->ip->proto;
		tr->ttl = f->ip->ttl;
		tr->df = f->ip->df;
	}
}

static bool
train_is_whole(const struct train *tr)
{
	return tr->total != 0 && tr->range_count == 1 && tr->ranges[0].from == 0 &&
	    tr->ranges[0].to == tr->total;
}

/* Lends the bytes and leaves the train behind as a mark against copies. */
static void
train_finish(struct fragments *t, struct train *tr, int64_t now_ns, struct fragments_whole *out)
{
	*out = (struct fragments_whole){
		.data = tr->data,
		.caplen = tr->cut < tr->total ? tr->cut : tr->total,
		.len = tr->total,
		.w = tr->header + tr->total,
		.w_fragment = tr->w_fragment,
		.proto = tr->proto,
		.ttl = tr->ttl,
		.df = tr->df,
	};
	t->lent[t->lent_count++] = tr->data;
	t->bytes -= tr->size;
	tr->data = NULL;
	tr->size = 0;
	t->waiting -= tr->fragments;
	t->counters.whole++;
	tr->state = TRAIN_WHOLE;
	tr->whole_ns = now_ns;
}

static enum fragments_rc
train_drop(struct fragments *t, struct train *tr)
{
	train_orphan(t, tr);
	t->counters.orphaned++;
	return FRAGMENT_DROPPED;
}

static enum fragments_rc
train_drop_capped(struct fragments *t, struct train *tr)
{
	t->counters.caps++;
	return train_drop(t, tr);
}

static enum fragments_rc
train_add(
    struct fragments *t, struct train *tr, const struct fragment *f, struct fragments_whole *out)
{
	uint32_t end = f->ip->frag_off + f->len;

	if (!train_fits(tr, f))
		return train_drop(t, tr);
	if (!train_reserve(t, tr, end))
		return train_drop_capped(t, tr);
	switch (range_insert(tr, f->ip->frag_off, end)) {
	case PLACE_COVERED: t->counters.repeated++; return FRAGMENT_REPEATED;
	case PLACE_OVERLAP: return train_drop(t, tr);
	case PLACE_FULL: return train_drop_capped(t, tr);
	case PLACE_NEW: break;
	}
	train_keep(tr, f);
	tr->fragments++;
	t->waiting++;
	if (!train_is_whole(tr) || t->lent_count == LENT)
		return FRAGMENT_WAITING;
	train_finish(t, tr, f->ts_ns, out);
	return FRAGMENT_WHOLE;
}

/* A train that is over and too long ago to have copies on their way. */
static bool
train_is_past(const struct train *tr, int64_t now_ns)
{
	return tr->state == TRAIN_WHOLE &&
	    (now_ns - tr->whole_ns > train_copy_ns || now_ns < tr->whole_ns);
}

enum fragments_rc
fragments_add(struct fragments *t, const struct fragment *f, struct fragments_whole *out)
{
	struct train_key k = key_of(f->ip);
	struct train *tr;

	t->counters.seen++;
	trains_expire(t, f->ts_ns);
	if (!fragment_valid(f)) {
		t->counters.orphaned++;
		return FRAGMENT_DROPPED;
	}
	tr = train_find(t, &k);
	if (tr != NULL && train_is_past(tr, f->ts_ns)) {
		train_remove(t, tr);
		tr = NULL;
	}
	if (tr == NULL)
		tr = train_new(t, &k, f->ts_ns);
	switch (tr->state) {
	case TRAIN_OPEN: return train_add(t, tr, f, out);
	case TRAIN_WHOLE: t->counters.repeated++; return FRAGMENT_REPEATED;
	default: t->counters.orphaned++; return FRAGMENT_DROPPED;
	}
}
