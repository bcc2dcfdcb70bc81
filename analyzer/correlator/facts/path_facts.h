/*
 * path_facts.h - what the path rules (diagnosis 1A) share: one direction of a case, tests, words.
 */
#ifndef PATH_FACTS_H
#define PATH_FACTS_H

#include "correlator/facts/mtu.h"
#include "correlator/finding/rule.h"

#define PATH_SECOND INT64_C(1000000000)
#define PATH_EPOCH  (600 * PATH_SECOND)
/* Diagnosis 5.3: a sentence of a remedy, until two captures have told. */
#define WHICH_DEVICE \
	"Which device drops them, one capture cannot tell: capture before and after each suspect."

/* One direction of a connection: A sends, B receives. */
struct way {
	const struct view *v;
	const struct mail_case *c;
	int dir;
	const struct record_direction *a, *b;
	const struct addr *from, *to;
	int64_t rtt;      /* S15 */
	uint32_t headers; /* 40 or 60: MTU less MSS */
};

struct way way_of(const struct view *v, const struct mail_case *c, int dir);
bool way_two_sided(const struct way *w);
/* So long, without the time that the capture's clock jumped over. */
int64_t way_lasted(const struct way *w, int64_t from, int64_t to);
/* S8: the capture was taken at A's own interface. */
bool way_at_sender(const struct way *w);
/* Packets were recorded so late behind later ones that which of two was sent first is a guess. */
bool way_mixed_up(const struct way *w);
/*
 * A new connection of the two, to the same port, that began while this one stood still, and of
 * which no SYN is answered: what is smallest does not come through either.  NULL = none.
 */
const struct mail_case *way_unanswered(const struct way *w, const struct record_stall *s);
/* A gate of 0.3: capture loss lowers what rests on absence. */
enum confidence way_gate(const struct way *w, enum confidence c);
/*
 * Is all of [from, to] inside content that this direction owes (DATA or BDAT upwards, RETR
 * downwards), and since when?
 */
bool way_in_content(const struct way *w, int64_t from, int64_t to, int64_t *begun);
/* A claim of phases [lo, hi] in this direction, possible or surer, information aside. */
bool way_claimed(const struct way *w, const struct verdicts *out, int lo, int hi);
/* The same of claims that were not over by then. */
bool way_claimed_at(const struct way *w, const struct verdicts *out, int lo, int hi, int64_t ns);

/* ---- ICMP "fragmentation needed" of a direction (0.4, S7, S19, S25) ----------- */

struct told {
	const struct record_icmp_error *least; /* valid, smallest MTU; NULL = none */
	const struct record_icmp_error *zero;  /* one that names no size (MTU 0) */
	bool any, late, cut;
};
bool icmp_valid(const struct record_icmp_error *e);
struct told way_told(const struct way *w);
/*
 * What was in the packet that was refused has arrived since; where the quote is too short to tell:
 * something was sent since.
 */
bool way_told_arrived(const struct way *w, const struct record_icmp_error *e);

/* ---- stalls ------------------------------------------------------------------- */

/*
 * The next stall of the direction, from *i on; NULL at the end.  Not those that a jump of the
 * capture's clock alone made long.
 */
const struct record_stall *way_stall(const struct way *w, uint32_t *i);
/*
 * Conditions 1 and 2 of pmtu-black-hole: four transmissions, all lost, over 3 s; of the last the
 * capture may not show it.
 */
bool stall_long(const struct record_stall *s);
bool stall_sure(const struct record_stall *s); /* of none it does not */
/* What stands still is so small that every path carries it: it is not about size. */
bool stall_carried(const struct record_stall *s);
/* Nothing of A came through while it lasted. */
bool stall_silent(const struct record_stall *s);
/* Nor was it about size. */
bool stall_dead(const struct record_stall *s);
/* It ended, and none that had begun by then did not. */
bool stall_over(const struct way *w, const struct record_stall *s);
/*
 * It had begun by then, and was not over: what is never acknowledged lasts until it would have been
 * sent again.
 */
bool stall_lasts(const struct record_stall *s, int64_t ns);
/*
 * A packet no larger than what passed was lost in it as well: its size is not what it failed for.
 */
bool stall_small_lost(const struct record_stall *s);
/*
 * The receiver repeated its ACK for packets as large as the one that stands still: that size does
 * arrive.
 */
bool stall_heard_large(const struct record_stall *s);
/*
 * Besides the chain so many were lost that some byte may well have had no luck
 * so many times in a row: then it is the loss that is to be said.
 */
bool stall_by_chance(const struct record_stall *s, uint32_t lost_besides);
/* A said again and again, for seconds, what B had acknowledged here: it does not hear B. */
bool way_deaf(const struct way *w);
/* ... and s, of the same direction at another point, are the bytes that it said again. */
bool way_deaf_here(
    const struct way *w, const struct record_direction *there, const struct record_stall *s);
/* S22: B went on repeating what A had acknowledged. */
bool stall_one_way_dead(const struct record_stall *s);

enum { LIVE_L4 = 1 << 8, LIVE_L5 = 1 << 9 };
struct live_elsewhere {
	uint32_t bits;
	struct moment l4, l5;
	uint32_t l4_point, l5_point;
};
/* L4, L5: what other connections tell of the way while the stall lasted. */
struct live_elsewhere way_live_elsewhere(const struct way *w, int64_t from, int64_t to);
/*
 * The largest segment of A seen here on any connection of the path in the epoch, super-segments
 * too.
 */
bool way_full_size_seen(const struct way *w, uint32_t size, int64_t at);

/* One-sided Fisher test: so many or more of the lost ones among the large, by chance. */
double fisher(uint32_t big_lost, uint32_t big_ok, uint32_t small_lost, uint32_t small_ok);
double wilson_lower(uint32_t k, uint32_t n); /* 95 % */

/* ---- words ----------------------------------------------------------------------- */

void say_chain(struct finding *f, const struct way *w, const struct record_stall *s);
void say_liveness(struct finding *f, const struct way *w, const struct record_stall *s,
    const struct live_elsewhere *e);
void say_proven(struct finding *f, const struct way *w, const struct record_stall *s);
void say_told(struct finding *f, const struct way *w, const struct record_icmp_error *e);
void say_location(struct finding *f, const struct way *w, uint32_t u);
/* 2.4: which MTU and MSS, where, and how to verify. */
void say_mtu_remedy(struct finding *f, const struct way *w);
double seconds(int64_t ns);

#endif /* PATH_FACTS_H */
