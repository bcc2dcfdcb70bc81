/*
 * ledger_live.h - did anything of A arrive while one of its bytes stood still, and does B hear
 * (diagnosis 0.2 liveness, S4, S5, S22)?  Only of the window's packets, looked through once for
 * each question.
 */
#ifndef LEDGER_LIVE_H
#define LEDGER_LIVE_H

#include "flow/ledger/ledger_impl.h"

struct liveness {
	uint32_t bits;       /* LIVE_* */
	struct moment at[4]; /* the first packet that proves each */
};

struct interval { /* of packets */
	int64_t from, to;
	uint32_t u; /* only data smaller than this counts; 0: any */
};

struct repeats { /* S22: B's unacknowledged small data, said again */
	uint32_t count, after_ack, news;
	const struct seg *last;
	int64_t spacing;          /* before the last */
	const struct seg *answer; /* A's empty ACK after the last */
};

/* Proofs L1 to L3 within the interval; p: what B said again in it. */
void live_read(const struct ledger *l, const struct reading *r, const struct interval *in,
    int64_t t_end, struct liveness *v, struct repeats *p);
/* What B says again in it, and what is new. */
void repeats_read(
    const struct ledger *l, const struct reading *r, const struct interval *in, struct repeats *o);

#endif /* LEDGER_LIVE_H */
