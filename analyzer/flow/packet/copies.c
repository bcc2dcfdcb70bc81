#include "flow/packet/copies.h"

#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * One cache line each: 128 KiB a capture point, so that they stay in a
	 * core's own cache (512 KiB cost a third of the time of a mixed
	 * capture).  6144 packets are 200 ms at 30,000 a second; a mirror's
	 * copy, at most 1 ms late, is found at 6 million a second.
	 */
	SETS = 2048, /* at most, */
	SETS_FIRST =
	    16, /* for a capture may have thousands of interfaces; grown rather than evicting */
	WAYS = 3,
	TTL_SPREAD = 8, /* two mirrors along one path */
	LOOP_SIGHTINGS = 3,
	CIRCLE_SIGHTINGS = 10, /* no capture has so many mirrors along one path */
	ICMP_BYTES = 64,       /* compared: header, quoted IP header with its id, ports, number */
	TWICE_LEAST = 3,
	TWICE_PERCENT = 30,
	TWICE_STAYS = 15,
	LATELY = 512,
	SENDERS = 64,
};
static const int64_t copy_ns = 1000000; /* one mirror, or routed past it once */
static const int64_t twice_ns =
    20000000; /* two ports of a switch, two buffers, where each packet comes so */
static const int64_t mirror_ns =
    200000000; /* two mirrors apart; with a TSval, where each packet comes so */

/*
 * Entries of one set share a cache line.  A fingerprint of 64 bits stands for
 * the packet: 6 thousand of them make a false match once in 10^15 packets.
 * Its low bits are those that choose the set.
 */
struct set {
	uint64_t print[WAYS]; /* 0 = empty */
	int64_t ns[WAYS];     /* of the first sighting */
	uint8_t ttl[WAYS];    /* of the first sighting */
	uint8_t last_ttl[WAYS];
	uint8_t falling[WAYS]; /* sightings in a row, each with a smaller TTL; 0 = not so */
	uint8_t spare[7];
};
_Static_assert(sizeof(struct set) == 64, "a set is a cache line");

/*
 * SYNs and data, lately looked at: all, and those that came again so soon (twice_most()).  No
 * sender repeats nearly each of them, and so soon: the capture holds them twice.
 */
struct share {
	uint32_t all, twice;
	bool most; /* known to come so: kept while a burst is here once, and its copies are due */
};

struct copies {
	struct set *sets;
	uint64_t mask; /* a power of two of sets, less one */
	struct share share;
	struct share of_sender[SENDERS]; /* by a hash of its address: one direction alone may be
					    mirrored twice */
	struct copies_counters counters;
};

static struct set *
sets_new(uint64_t n)
{
	struct set *sets = aligned_alloc(sizeof(*sets), n * sizeof(*sets));

	return sets != NULL ? memset(sets, 0, n * sizeof(*sets)) : NULL;
}

struct copies *
copies_new(void)
{
	struct copies *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	if ((c->sets = sets_new(SETS_FIRST)) == NULL) {
		free(c);
		return NULL;
	}
	c->mask = SETS_FIRST - 1;
	return c;
}

void
copies_free(struct copies *c)
{
	if (c == NULL)
		return;
	free(c->sets);
	free(c);
}

const struct copies_counters *
copies_counters(const struct copies *c)
{
	return &c->counters;
}

/* The multiplier and shifts of MurmurHash3's finaliser, once a word. */
static inline uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0xff51afd7ed558ccdu;
	return h ^ h >> 32;
}

static inline uint64_t
u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
mix_addrs(const struct packet *p)
{
	uint64_t h = mix(p->src.family, u64_at(p->src.b));

	h = mix(h, u64_at(p->dst.b));
	if (p->src.family == 6) {
		h = mix(h, u64_at(p->src.b + 8));
		h = mix(h, u64_at(p->dst.b + 8));
	}
	return h;
}

static inline uint64_t
print_finish(uint64_t h, uint64_t place)
{
	h = mix(h, 0xc4ceb9fe1a85ec53u);
	h = (h & ~(uint64_t)(SETS - 1)) | (place & (SETS - 1));
	return h != 0 ? h : 1;
}

/* What a glance tells that is seldom the same in two packets: it chooses the set. */
static inline uint64_t
mix_numbers(
    uint32_t seq, uint32_t ack, uint16_t sport, uint16_t dport, uint16_t window, uint16_t ip_id)
{
	return mix(mix(0x9e3779b97f4a7c15u, (uint64_t)seq << 32 | ack),
	    (uint64_t)sport << 48 | (uint64_t)dport << 32 | (uint64_t)window << 16 | ip_id);
}

/*
 * S16: 5-tuple, seq, ack, len, flags, window, TSval and IP ID.  Two chains of
 * multiplications that do not wait for each other.  Where no IP ID counts them, two ACKs of one
 * tick of the clock differ in what they have heard of: their SACK blocks.  There are many of them
 * in a row: those choose the set, too.
 */
static inline uint64_t
print_tcp(const struct packet *p, uint64_t numbers)
{
	uint64_t h = mix_addrs(p), g;

	g = mix(numbers, (uint64_t)p->flags << 32 | (p->has_ts ? p->tsval : 0));
	for (unsigned int i = 0; i < p->sack_count; i++)
		g = mix(g, (uint64_t)p->sack[i][0] << 32 | p->sack[i][1]);
	return print_finish(
	    mix(h, (uint64_t)p->len << 1 | p->has_ts) ^ g, p->sack_count > 0 ? g : numbers);
}

static uint64_t
print_icmp(const struct packet *p)
{
	uint64_t h = mix(mix_addrs(p), (uint64_t)p->w << 32 | p->ip_id);
	uint32_t n = p->caplen < ICMP_BYTES ? p->caplen : ICMP_BYTES, i;

	for (i = 0; i + 8 <= n; i += 8)
		h = mix(h, u64_at(p->payload + i));
	for (; i < n; i++)
		h = mix(h, p->payload[i]);
	return print_finish(h ^ 0x1c3b, h);
}

/*
 * A bare ACK without timestamp and IP ID, or one whose SACK blocks were cut, looks like the next
 * one: never a copy.
 */
static inline bool
tcp_eligible(const struct packet *p)
{
	return p->len != 0 || (p->has_ts && !p->options_cut) ||
	    (p->src.family == 4 && p->ip_id != 0);
}

/*
 * A bare ACK that no IP ID and no SACK block tells from the next one of the same tick: it is left
 * out, for the next one says nothing new, but it proves no mirror.  So, too, a SYN-ACK: the
 * server's timer repeats it in the moment in which the client's repeated SYN comes.
 */
static inline bool
tcp_alike(const struct packet *p)
{
	return p->len == 0 && p->ip_id == 0 && p->sack_count == 0 &&
	    (p->flags & (TCP_FIN | TCP_RST)) == 0 && (p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN;
}

/* The same echo or the same quote again, with nothing that tells two apart, is no copy. */
static bool
icmp_eligible(const struct packet *p)
{
	return p->ip_id != 0 || (p->icmp_error && !p->quote_cut);
}

static inline void
share_add(struct share *s, bool again)
{
	if (s->all == LATELY) {
		s->all /= 2;
		s->twice /= 2;
	}
	s->all++;
	s->twice += again;
	s->most = s->twice >= TWICE_LEAST &&
	    s->twice * 100 >= s->all * (s->most ? TWICE_STAYS : TWICE_PERCENT);
}

static inline size_t
sender_of(const struct packet *p)
{
	uint64_t h = mix(u64_at(p->src.b), p->src.family);

	if (p->src.family == 6)
		h = mix(h, u64_at(p->src.b + 8));
	return h % SENDERS;
}

static bool
all_twice(const struct copies *c, const struct packet *p)
{
	return c->share.most || c->of_sender[sender_of(p)].most;
}

/*
 * How late a copy comes where each packet comes twice.  The two ends of a long bridged link show
 * the same TTL: there the TSval tells, for who sends again after a round trip has another one.
 */
static inline int64_t
twice_most(const struct packet *p)
{
	return p->kind == PACKET_TCP && p->has_ts ? mirror_ns : twice_ns;
}

/*
 * S16: TTL equal or one apart 1 ms; up to eight apart 200 ms if ID or TSval tell the packet. Equal,
 * too, if an ID that counts does, or both: who sends again has counted on, and his clock has gone
 * on (two captures of one wire made one, whose clocks differ).
 */
static inline bool
is_copy(const struct copies *c, const struct packet *p, const struct set *s, unsigned int i,
    bool ids_count)
{
	int64_t age = llabs(p->at.ns - s->ns[i]); /* clocks of two queues differ */
	int ttl = abs((int)p->ttl - (int)s->ttl[i]);
	bool ts = p->kind == PACKET_TCP && p->has_ts;
	bool sure = p->ip_id != 0 && (ts || ids_count);

	if (ttl <= 1 && age < (age >= copy_ns && all_twice(c, p) ? twice_most(p) : copy_ns))
		return true;
	return (ttl >= 1 || sure) && ttl <= TTL_SPREAD && (ts || p->ip_id != 0) && age < mirror_ns;
}

static struct set *
set_of(const struct copies *c, uint64_t print)
{
	return &c->sets[print & c->mask];
}

/* The entry that gives way: an empty one, or the oldest. */
static unsigned int
set_oldest(const struct set *s)
{
	unsigned int i = 0;

	for (unsigned int j = 1; j < WAYS; j++)
		if (s->print[i] != 0 && (s->print[j] == 0 || s->ns[j] < s->ns[i]))
			i = j;
	return i;
}

static void
set_move(struct copies *c, const struct set *from, unsigned int i)
{
	struct set *to = set_of(c, from->print[i]);
	unsigned int k = set_oldest(to);

	to->print[k] = from->print[i];
	to->ns[k] = from->ns[i];
	to->ttl[k] = from->ttl[i];
	to->last_ttl[k] = from->last_ttl[i];
	to->falling[k] = from->falling[i];
}

/* False: as large as it may be, or no memory. */
static bool
copies_grow(struct copies *c)
{
	struct set *old = c->sets, *bigger;
	uint64_t n = c->mask + 1;

	if (n == SETS || (bigger = sets_new(2 * n)) == NULL)
		return false;
	c->sets = bigger;
	c->mask = 2 * n - 1;
	for (uint64_t at = 0; at < n; at++)
		for (unsigned int i = 0; i < WAYS; i++)
			if (old[at].print[i] != 0)
				set_move(c, &old[at], i);
	free(old);
	return true;
}

/* Somebody would have to go before a copy of it can no longer come. */
static bool
set_crowded(const struct set *s, const struct packet *p)
{
	unsigned int i = set_oldest(s);

	return s->print[i] != 0 && llabs(p->at.ns - s->ns[i]) < mirror_ns;
}

static void
set_put(struct copies *c, uint64_t print, const struct packet *p)
{
	struct set *s = set_of(c, print);
	unsigned int i;

	while (set_crowded(s, p) && copies_grow(c))
		s = set_of(c, print);
	i = set_oldest(s);
	if (s->print[i] != 0) {
		int64_t age = llabs(p->at.ns - s->ns[i]);

		c->counters.evicted_near += age < copy_ns;
		c->counters.evicted_far += age < mirror_ns;
	}
	s->print[i] = print;
	s->ns[i] = p->at.ns;
	s->ttl[i] = s->last_ttl[i] = p->ttl;
	s->falling[i] = 1;
}

static void
count_loop(
    struct copies *c, struct set *s, unsigned int i, const struct packet *p, uint64_t *dropped)
{
	/* It goes on until the TTL is used up: look for the next from here. */
	s->ns[i] = p->at.ns;
	s->ttl[i] = p->ttl;
	c->counters.circles += s->falling[i] == CIRCLE_SIGHTINGS;
	if (s->falling[i] != LOOP_SIGHTINGS)
		return;
	*dropped -= 1; /* the second sighting, counted as a copy */
	if (c->counters.dropped == 0)
		c->counters.first = (struct moment){ 0 };
	if (c->counters.loops++ == 0)
		c->counters.loop_first = p->at;
}

/* From the third sighting with falling TTL on a packet is in a routing loop. */
static void
count_copy(struct copies *c, struct set *s, unsigned int i, const struct packet *p)
{
	uint64_t *dropped =
	    p->kind == PACKET_ICMP ? &c->counters.dropped_icmp : &c->counters.dropped;

	if (s->falling[i] == 0 || p->ttl >= s->last_ttl[i])
		s->falling[i] = 0;
	else if (s->falling[i] < UINT8_MAX)
		s->falling[i]++;
	s->last_ttl[i] = p->ttl;
	if (s->falling[i] >= LOOP_SIGHTINGS) {
		count_loop(c, s, i, p, dropped);
		return;
	}
	*dropped += 1;
	if (p->kind == PACKET_TCP && c->counters.first.frame == 0)
		c->counters.first = p->at;
}

void
copies_fetch(const struct copies *c, const struct glance *g)
{
	__builtin_prefetch(
	    set_of(c, mix_numbers(g->seq, g->ack, g->sport, g->dport, g->window, g->ip_id)), 1);
}

/* `s' NULL: for the first time. */
static inline void
twice_note(struct copies *c, const struct packet *p, const struct set *s, unsigned int i)
{
	bool again = s != NULL && llabs(p->at.ns - s->ns[i]) < twice_most(p);

	if (p->kind != PACKET_TCP || (p->len == 0 && (p->flags & TCP_SYN) == 0))
		return;
	share_add(&c->share, again);
	share_add(&c->of_sender[sender_of(p)], again);
}

bool
copies_seen(struct copies *c, const struct packet *p, bool ids_count)
{
	struct set *s;
	uint64_t print;

	if (p->kind == PACKET_TCP) {
		if (!tcp_eligible(p))
			return false;
		c->counters.eligible++;
		print = print_tcp(
		    p, mix_numbers(p->seq, p->ack, p->sport, p->dport, p->window, p->ip_id));
	} else if (p->kind == PACKET_ICMP && icmp_eligible(p)) {
		print = print_icmp(p);
	} else {
		return false;
	}
	s = set_of(c, print);
	for (unsigned int i = 0; i < WAYS; i++) {
		if (s->print[i] != print)
			continue;
		twice_note(c, p, s, i);
		if (is_copy(c, p, s, i, ids_count)) {
			if (p->kind == PACKET_TCP && p->ttl == s->ttl[i] && tcp_alike(p) &&
			    !all_twice(c, p))
				c->counters.alike++;
			else
				count_copy(c, s, i, p);
			return true;
		}
		s->print[i] = 0; /* the newer sighting takes its place */
		set_put(c, print, p);
		return false;
	}
	twice_note(c, p, NULL, 0);
	set_put(c, print, p);
	return false;
}
