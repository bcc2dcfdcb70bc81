#include "stalls.h"

enum { CHAIN_LEAST = 4, AGAIN_LEAST = 3 }; /* 1A */

/* chains that long to be expected in the connection: above it they are no wonder */
#define CHANCE 0.01

/*
 * What every path carries (RFC 791 section 3.1, RFC 8200 section 5): smaller losses are not about
 * size.
 */
enum { LEAST_MTU_V4 = 576, LEAST_MTU_V6 = 1280 };

/* The rules ask for the span to the last transmission, or to the last that was lost. */
static bool
long_by_jump(const struct way *w, const struct record_stall *s)
{
	const int64_t to[] = { s->last.ns, s->lost_last.ns };

	for (int i = 0; i < 2; i++)
		if (to[i] - s->first.ns >= STALL_LEAST &&
		    way_lasted(w, s->first.ns, to[i]) < STALL_LEAST)
			return true;
	return false;
}

const struct record_stall *
way_stall(const struct way *w, uint32_t *i)
{
	while (*i < w->c->stall_count) {
		const struct record_stall *s = w->c->stalls[(*i)++];

		if (s->key.m == (uint32_t)w->dir && !long_by_jump(w, s))
			return s;
	}
	return NULL;
}

static bool
size_carried(const struct record_stall *s, uint32_t w)
{
	return w <= (s->from.ip.family == 6 ? LEAST_MTU_V6 : LEAST_MTU_V4);
}

bool
stall_carried(const struct record_stall *s)
{
	return s->w_min > 0 && size_carried(s, s->w_min);
}

/*
 * Lost at u or more.  A super-segment was cut into the largest there are: its first is one of them
 * (S3).
 */
static uint32_t
lost_large(const struct record_stall *s)
{
	uint32_t n = s->n_lost_ge;

	for (uint32_t i = 0; i < s->chain_len; i++)
		n += s->chain[i].lost && s->chain[i].super;
	return n;
}

/* The last of the chain was sent, and the capture does not show what became of it (S2). */
static bool
last_open(const struct record_stall *s)
{
	const struct transmission *t = s->chain_len > 0 ? &s->chain[s->chain_len - 1] : NULL;

	return t != NULL && !t->lost && s->delivered.frame == 0 && !t->super && t->w >= s->u;
}

bool
stall_sure(const struct record_stall *s)
{
	return s->chain_above >= CHAIN_LEAST;
}

bool
stall_long(const struct record_stall *s)
{
	if (size_carried(s, s->u) || s->pieces_came)
		return false;
	return !stall_heard_large(s) && s->chain_above + last_open(s) >= CHAIN_LEAST &&
	    lost_large(s) + last_open(s) >= CHAIN_LEAST && s->u > s->proven &&
	    s->last.ns - s->first.ns >= STALL_LEAST;
}

bool
stall_small_lost(const struct record_stall *s)
{
	return s->w_min != 0 && s->w_min <= s->proven;
}

bool
stall_heard_large(const struct record_stall *s)
{
	return s->w_min > 0 && s->again >= AGAIN_LEAST;
}

static bool
stall_stands(const struct record_stall *s)
{
	return s->chain_lost >= CHAIN_LEAST && s->lost_last.ns - s->first.ns >= STALL_LEAST &&
	    !s->zero_window && !s->options_cut && !s->one_sided;
}

bool
stall_silent(const struct record_stall *s)
{
	return stall_stands(s) && s->live_any == 0 && s->peer_new == 0 && s->w_min > 0 &&
	    (s->delivered.frame == 0 || !s->delivered_smaller || stall_small_lost(s));
}

bool
stall_dead(const struct record_stall *s)
{
	return (stall_stands(s) && stall_one_way_dead(s)) ||
	    (stall_silent(s) &&
		(s->proven >= s->w_min || s->pieces_came || stall_carried(s) ||
		    stall_heard_large(s)));
}

bool
stall_over(const struct way *w, const struct record_stall *s)
{
	const struct record_stall *x;
	uint32_t i = 0;

	if (s->delivered.frame == 0)
		return false;
	while ((x = way_stall(w, &i)) != NULL)
		if (x->first.ns <= s->delivered.ns && x->delivered.frame == 0)
			return false;
	return true;
}

bool
stall_lasts(const struct record_stall *s, int64_t ns)
{
	int64_t end =
	    s->delivered.frame != 0 ? s->delivered.ns : s->last.ns + (s->last.ns - s->first.ns);

	return ns >= s->first.ns && ns <= end;
}

bool
stall_by_chance(const struct record_stall *s, uint32_t lost_besides)
{
	double sent = (double)lost_besides + s->n_ok_ge + s->n_ok_lt, chains = sent;

	for (uint32_t k = 0; k < s->chain_lost && chains > CHANCE; k++)
		chains *= lost_besides / sent;
	return chains > CHANCE;
}

bool
stall_one_way_dead(const struct record_stall *s)
{
	return s->peer_repeats_after_ack >= 2;
}

/* ---- a sender that does not hear -------------------------------------------------- */

bool
way_deaf(const struct way *w)
{
	return w->a->deaf_count >= AGAIN_LEAST && !w->a->deaf_late &&
	    way_lasted(w, w->a->deaf_from.ns, w->a->deaf_to.ns) >= STALL_LEAST;
}

/* Offsets count from the first byte that a point saw; sequence numbers are the same everywhere. */
bool
way_deaf_here(
    const struct way *w, const struct record_direction *there, const struct record_stall *s)
{
	return way_deaf(w) && w->a->seq != 0 && there->seq != 0 &&
	    w->a->seq + (uint32_t)w->a->deaf_at == there->seq + (uint32_t)s->head;
}
