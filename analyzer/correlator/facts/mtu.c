#include "mtu.h"

#include <string.h>

/* Bytes that encapsulations take from the outer MTU (2.3). */
static const uint32_t overheads[] = { 8, 20, 24, 28, 38, 40, 50, 52, 60, 62, 73, 80 };
/* Sizes that are configured for other reasons: baby giants, ATM cells, VPN defaults. */
static const uint32_t habits[] = { 1496, 1456, 1454, 1436, 1400, 1380, 1280 };
/* RFC 1191 section 7.1. */
static const uint32_t plateaus[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296,
	68 };
/* 2.4: the order of likelihood when U is itself the size of a link. */
static const uint32_t first_1492[] = { 1454, 1472, 1468, 1484, 1452, 1432, 1412, 1442, 1440, 1430,
	1419 };
static const uint32_t first_1500[] = { 1492, 1454, 1480, 1476, 1460, 1462, 1440, 1420, 1400 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	MIN_V6 = 1280,
	LEAST_PROVEN = 576,
	TIGHT = 8,
	ETHERNET = 1500
}; /* tcp_probe_threshold: 2.5 */

static void
exact_add(struct mtu_bounds *b, uint32_t mtu)
{
	uint32_t i = 0;

	while (i < b->exact_count && b->exact[i] < mtu)
		i++;
	if (i == MTU_EXACT || (i < b->exact_count && b->exact[i] == mtu))
		return;
	if (b->exact_count == MTU_EXACT)
		b->exact_count--;
	memmove(b->exact + i + 1, b->exact + i, (b->exact_count - i) * sizeof(b->exact[0]));
	b->exact[i] = mtu;
	b->exact_count++;
}

void
mtu_told(struct mtu_bounds *b, uint32_t mtu)
{
	exact_add(b, mtu);
	if (b->lost == 0 || mtu + 1 < b->lost)
		b->lost = mtu + 1;
}

void
mtu_join(struct mtu_bounds *a, const struct mtu_bounds *b)
{
	if (b->family > a->family)
		a->family = b->family;
	a->pppoe = a->pppoe || b->pppoe;
	if (b->proven > a->proven)
		a->proven = b->proven;
	if (b->lost != 0 && (a->lost == 0 || b->lost < a->lost))
		a->lost = b->lost;
	for (uint32_t i = 0; i < b->exact_count; i++)
		exact_add(a, b->exact[i]);
}

bool
mtu_inconsistent(const struct mtu_bounds *b)
{
	return b->lost != 0 && b->proven >= b->lost;
}

/* ---- candidates -------------------------------------------------------------- */

struct candidates {
	const struct mtu_bounds *b;
	uint32_t n, at[64];
};

static void
candidate(struct candidates *c, uint32_t k)
{
	if (k < c->b->proven || (c->b->lost != 0 && k >= c->b->lost) ||
	    (c->b->family == 6 && k < MIN_V6))
		return;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->at[i] == k)
			return;
	if (c->n < COUNT(c->at))
		c->at[c->n++] = k;
}

static void
candidates_ranked(struct candidates *c)
{
	if (c->b->lost == 1492)
		for (size_t i = 0; i < COUNT(first_1492); i++)
			candidate(c, first_1492[i]);
	else if (c->b->lost == 1500)
		for (size_t i = 0; i < COUNT(first_1500); i++)
			candidate(c, first_1500[i]);
}

/* Everything else, largest first. */
static void
candidates_rest(struct candidates *c)
{
	struct candidates all = { .b = c->b };
	bool narrow = c->b->pppoe || (c->b->lost != 0 && c->b->lost <= 1492);

	if (c->b->lost > ETHERNET) /* jumbo frames: first what every link carries */
		candidate(&all, ETHERNET);
	for (size_t i = 0; i < COUNT(overheads); i++) {
		candidate(&all, 1500 - overheads[i]);
		if (narrow)
			candidate(&all, 1492 - overheads[i]);
	}
	for (size_t i = 0; i < COUNT(habits); i++)
		candidate(&all, habits[i]);
	if (all.n == 0) /* below every tunnel: the old plateaus */
		for (size_t i = 0; i < COUNT(plateaus); i++)
			candidate(&all, plateaus[i]);
	while (all.n > 0) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < all.n; i++)
			if (all.at[i] > all.at[best])
				best = i;
		candidate(c, all.at[best]);
		all.at[best] = all.at[--all.n];
	}
}

/* The largest customary size that is proven to pass (2.4.3); 0 when too little is proven. */
static uint32_t
safe_size(const struct mtu_bounds *b)
{
	struct mtu_bounds below = { .family = b->family, .pppoe = true, .lost = b->proven + 1 };
	struct candidates c = { .b = &below };

	if (b->proven < LEAST_PROVEN || (b->family == 6 && b->proven < MIN_V6))
		return 0;
	candidates_rest(&c);
	for (size_t i = 0; i < COUNT(plateaus); i++)
		if (plateaus[i] <= b->proven && plateaus[i] >= LEAST_PROVEN &&
		    (c.n == 0 || plateaus[i] > c.at[0]))
			return plateaus[i];
	return c.n > 0 && c.at[0] > LEAST_PROVEN ? c.at[0] : LEAST_PROVEN;
}

void
mtu_estimate(const struct mtu_bounds *b, struct finding *f)
{
	struct candidates c = { .b = b };
	uint32_t headers = b->family == 6 ? 60 : 40;

	f->has_mtu = true;
	memset(&f->mtu, 0, sizeof(f->mtu));
	f->mtu.proven = b->proven;
	f->mtu.upper = b->lost > 0 ? b->lost - 1 : 0;
	f->mtu.safe = safe_size(b);
	if (b->exact_count > 0) {
		c.at[c.n++] = b->exact[0];
	} else if (b->lost != 0 && b->proven < b->lost && b->lost - b->proven <= TIGHT) {
		c.at[c.n++] = b->proven;
	} else {
		candidates_ranked(&c);
		candidates_rest(&c);
		if (c.n == 0 && b->proven > 0 && !mtu_inconsistent(b))
			c.at[c.n++] = b->proven;
	}
	f->mtu.candidate_count = c.n < FINDING_CANDIDATES ? c.n : FINDING_CANDIDATES;
	memcpy(f->mtu.candidates, c.at, f->mtu.candidate_count * sizeof(c.at[0]));
	f->mtu.try = c.n > 0 ? c.at[0] : 0;
	f->mtu.mss = f->mtu.try > headers ? f->mtu.try - headers : 0;
}
