/*
 * vantage.h - several capture points along one path: which comes first, how
 * their clocks differ, and what passed between them.
 *
 * Clocks: of a connection seen at both points the SYN passed one way and the
 * SYN-ACK the other.  With b's clock ahead of a's by x, the SYN shows x plus its
 * travel, the SYN-ACK x less its own: x lies between the two, whatever the
 * delays are (RFC 5905 argues so, too).  Nothing is ordered finer than that.
 */
#ifndef VANTAGE_H
#define VANTAGE_H

#include "correlator/finding/verdicts.h"

#define VANTAGE_NAME 96

/* Two points that saw the same connections. */
struct vantage_pair {
	uint32_t a, b;             /* a < b */
	uint32_t shared;           /* connections seen at both */
	uint32_t a_first, b_first; /* of them: passed that point first, coming from the client */
	bool clock;                /* b's clock less a's lies in [lo, hi], ns */
	bool drift;                /* no one difference fits all */
	int64_t lo, hi;
	struct moment first[2], last[2]; /* of the shared connections, at a and at b */
};

struct vantages {
	struct vantage_pair *v; /* ascending a, b */
	uint32_t n, room;
	uint64_t starved; /* pairs without memory */
	uint64_t beyond;  /* connections of pairs beyond the most that are compared */
};

/* False: fewer than two points share a connection.  Free it with vantages_free() either way. */
bool vantages_find(const struct store *s, struct vantages *out);
void vantages_free(struct vantages *v);
/* NULL: a is not below b, or they share no connection. */
const struct vantage_pair *vantages_pair(const struct vantages *v, uint32_t a, uint32_t b);

/* 1: a is passed first by the client's packets, 2: b, 0: not known. */
int vantage_order(const struct vantage_pair *p);

/* One direction of a connection between two points: what passes `up' comes to `down' later. */
struct passage {
	const struct mail_case *up, *down;
	int dir;
	/* a packet at t at `up' arrives at `down' between t + early and t + late, by its clock */
	bool clock;
	int64_t early, late;
};
/* Of two copies of one connection; false: their order is not known. */
bool passage_of(const struct vantages *v, const struct mail_case *x, const struct mail_case *y,
    int dir, struct passage *out);

/* How far y's clock is ahead of x's, ns; 0: not at all as far as is known. */
int64_t vantage_ahead(
    const struct vantages *v, const struct mail_case *x, const struct mail_case *y);

/*
 * What is missing at this copy's point was not there: no capture loss, no drops, both directions.
 */
bool copy_trusted(const struct mail_case *c, int dir);
/* Was down's point capturing when what passed up at t arrived? */
bool passage_watched(const struct passage *p, int64_t t);

/* Names of both ends of a passage. */
struct places {
	char up[VANTAGE_NAME], down[VANTAGE_NAME];
};
struct places places_of(const struct passage *p);
/* The file of a point without its folder, and its interface when it has several. */
char *vantage_name(
    const struct mail_case *c, const struct mail_case *other, char name[VANTAGE_NAME]);

/* ---- claims of rules before, at all points of a connection ------------------ */

/* The surest unsilenced draft of this kind; NULL = none.  Valid until a verdict is added. */
struct draft *ring_claim(
    struct verdicts *v, const struct mail_case *c, int dir, enum finding_kind kind);
void ring_silence(struct verdicts *v, const struct mail_case *c, int dir, enum finding_kind kind,
    enum confidence most);
/* Room for n more pieces of evidence; the last ones go. */
void finding_room(struct finding *f, uint32_t n);
/*
 * A draft becomes at least `conf' and gets the sentence that says
 * where; every draft of the ring that says the same says where, too.
 */
void ring_sure(struct verdicts *v, const struct mail_case *c, const struct draft *d,
    enum confidence conf, const char *where);
void finding_adds(struct finding *f, const char *sentence);

/* Takes a sentence out of the remedy: what it asks for was done. */
void finding_done(struct finding *f, const char *sentence);

/* ---- the judgements of rule_vantage.c, one ring of copies each ----------------- */

struct ring {
	const struct vantages *v;
	const struct store *store;
	struct lookups *lookups;
	const struct mail_case *copy[STORE_COPIES];
	uint32_t n;
};
/* The ring that c leads, with a connection record of each; false: it does not lead, or is alone. */
bool ring_take(const struct mail_case *c, struct ring *r);
enum { RING_PASSAGES = STORE_COPIES * (STORE_COPIES - 1) };
/* The ordered pairs of one direction, neighbours first.  Returns how many. */
uint32_t ring_passages(const struct ring *r, int dir, struct passage out[RING_PASSAGES]);
/* How many copies are known to lie between. */
uint32_t passage_width(const struct ring *r, const struct passage *p);

void vantage_path(const struct ring *r, struct verdicts *out); /* sizes, outages, content, losses */
void vantage_ends(const struct ring *r, struct verdicts *out); /* resets, options, dialogue */
void vantage_said(
    const struct ring *r, struct verdicts *out); /* words and mails that are changed between */
/* SYNs and their answers, which rings do not join. */
void vantage_reach(const struct vantages *v, const struct store *s, struct verdicts *out);

#endif /* VANTAGE_H */
