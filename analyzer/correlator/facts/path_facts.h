/*
 * path_facts.h - one direction of a case, as the path rules (diagnosis 1A) ask for it: who sends,
 * what was claimed of it, what routers told it.  Its stalls: stalls.h; what other connections tell
 * of it: path_others.h; its sentences: path_say.h.
 */
#ifndef PATH_FACTS_H
#define PATH_FACTS_H

#include "correlator/facts/mtu.h"
#include "correlator/finding/rule.h"

#define PATH_SECOND INT64_C(1000000000)
#define PATH_EPOCH  (600 * PATH_SECOND)

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
double seconds(int64_t ns);
/* S8: the capture was taken at A's own interface. */
bool way_at_sender(const struct way *w);
/* Packets were recorded so late behind later ones that which of two was sent first is a guess. */
bool way_mixed_up(const struct way *w);
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

#endif /* PATH_FACTS_H */
