/*
 * rule_pmtu.c - pmtu-black-hole: every packet of size U or more vanishes,
 * smaller ones pass, no router says why (diagnosis 1A, S1-S7, S21-S24).
 * Where some connections pass that size and others never do, both in turn, the
 * path has members and one of them is narrow (2.5).
 */
#include "correlator/facts/chance.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/unreachable.h"
#include "pmtu_say.h"

#include <string.h>

#define P_SURE 1e-3

enum { SESSIONS_PROBABLE = 2, SESSIONS_SURE = 3, FLOWS_LEAST = 2 };

static bool
seen_here(const struct way *w, const struct mail_case *o)
{
	return o->has_conn && o->point == w->c->point;
}

/* ---- some connections and not others (2.5) --------------------------------------------------- */

static const struct record_stall *
stall_at(const struct mail_case *c, int dir, uint32_t u)
{
	for (uint32_t i = 0; i < c->stall_count; i++) {
		const struct record_stall *s = c->stalls[i];

		if (s->key.m == (uint32_t)dir && s->u == u && stall_long(s) && !s->zero_window &&
		    !stall_one_way_dead(s))
			return s;
	}
	return NULL;
}

static void
flow_note(struct pmtu_flows *k, bool bad, int64_t ns)
{
	int64_t *first = bad ? &k->bad_first : &k->good_first,
		*last = bad ? &k->bad_last : &k->good_last;
	uint32_t *n = bad ? &k->bad : &k->good;

	if (*n == 0 || ns < *first)
		*first = ns;
	if (*n == 0 || ns > *last)
		*last = ns;
	(*n)++;
}

/*
 * One walk: with `between' the order is looked at, which needs the first and last of a walk before.
 */
static void
flows_walk(const struct way *w, const struct record_stall *mine, bool between, struct pmtu_flows *k)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.to_ns = mine->first.ns + PATH_EPOCH,
		.since_ns = mine->first.ns - PATH_EPOCH };
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		const struct record_direction *d = &x->conn->dir[w->dir];
		const struct record_stall *s = stall_at(x, w->dir, mine->u);
		bool bad = s != NULL && d->proven < mine->u,
		     good = s == NULL && d->proven >= mine->u;
		int64_t ns = bad ? s->first.ns : d->proven_at.ns;

		if ((!bad && !good) || (!good && !seen_here(w, x)) ||
		    ns < mine->first.ns - PATH_EPOCH || ns > mine->first.ns + PATH_EPOCH)
			continue;
		if (!seen_here(w, x))
			k->good_elsewhere = true; /* the same connections, perhaps: not counted */
		else if (!between)
			flow_note(k, bad, ns);
		else if (bad)
			k->bad_between =
			    k->bad_between || (ns > k->good_first && ns < k->good_last);
		else
			k->good_between =
			    k->good_between || (ns > k->bad_first && ns < k->bad_last);
		if (good && x->conn->last.ns > k->good_end)
			k->good_end = x->conn->last.ns;
		if (good && !between && d->proven > k->good_w) {
			k->good_w = d->proven;
			k->good_at = d->proven_at;
			k->good_point = x->point;
		}
	}
}

/*
 * Two of each, taking turns: first all bad, then all good is a path that was
 * repaired, one period of either between the other is one that failed for a while.
 */
static bool
flow_by_flow(const struct way *w, const struct record_stall *s, struct pmtu_flows *k)
{
	if (s->live == 0 || w->a->proven >= s->u)
		return false;
	flows_walk(w, s, false, k);
	if (k->bad < FLOWS_LEAST || k->good < FLOWS_LEAST)
		return false;
	flows_walk(w, s, true, k);
	return k->bad_between && k->good_between;
}

/* Every connection on which that size passed was over before (2.5: "it worked until T"). */
static bool
worked_until(const struct record_stall *s, const struct pmtu_flows *k)
{
	return (k->good > 0 || k->good_elsewhere) && k->good_end < s->first.ns &&
	    !stall_heard_large(s);
}

/* ---- the stall ------------------------------------------------------------------------------- */

/* Conditions 1 to 5; the stall that meets them best. */
static bool
suspect(const struct way *w, const struct record_stall *s, struct pmtu_proof *o)
{
	if (!stall_long(s) || s->zero_window || stall_one_way_dead(s))
		return false;
	if (s->delivered.frame != 0 && (!s->delivered_smaller || stall_small_lost(s)))
		return false; /* it passed at its own size, or at one that had failed, too */
	if (s->live == 0 && s->delivered.frame == 0 && way_unanswered(w, s) != NULL)
		return false; /* nor does what is small: rule_outage.c */
	if (o->told.least != NULL && !o->told.late && o->told.least->mtu < s->u)
		return false;
	o->path = lookup_proven(w->v->lookups, w->from, w->to, s->first.ns, PATH_EPOCH);
	o->flows = (struct pmtu_flows){ .bad = 0 };
	o->per_flow = o->path.w >= s->u && flow_by_flow(w, s, &o->flows);
	o->since = o->path.w >= s->u && !o->per_flow && worked_until(s, &o->flows);
	if (o->path.w >= s->u && !o->per_flow && !o->since)
		return false;
	o->s = s;
	return true;
}

/* A connection that began after this stall's end or ended its own stall before this one began. */
static bool
independent(const struct way *w, const struct mail_case *o, const struct record_stall *mine,
    const struct record_stall *theirs)
{
	return o->conn->first.ns > mine->last.ns || theirs->last.ns < w->c->conn->first.ns;
}

static void
look_around(const struct way *w, struct pmtu_proof *o)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip };
	const struct mail_case *other;

	o->sessions = 1;
	o->lively = o->s->live != 0;
	for (uint32_t looked = 0; o->sessions < PMTU_SESSIONS &&
	     (other = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		bool counted = false;

		if (other == w->c || !seen_here(w, other))
			continue;
		for (uint32_t i = 0; i < other->stall_count; i++) {
			const struct record_stall *s = other->stalls[i];

			if (!counted && s->key.m == (uint32_t)w->dir && s->u == o->s->u &&
			    independent(w, other, o->s, s) && stall_long(s) &&
			    !stall_one_way_dead(s)) {
				counted = true;
				o->lively = o->lively || s->live != 0;
			}
		}
		o->sessions += counted;
		for (uint32_t i = 0; i < other->icmp_count; i++) {
			const struct record_icmp_error *e = other->icmp[i];

			if (e->dir == w->dir && icmp_valid(e) && e->mtu >= o->s->proven &&
			    e->mtu < o->s->u &&
			    (o->told_elsewhere == NULL || e->at.ns > o->told_elsewhere->at.ns)) {
				o->told_elsewhere = e;
				o->told_point = other->point;
			}
		}
	}
}

static bool
outer_fits(const struct way *w, const struct record_stall *s, const struct record_icmp_error *e)
{
	return e->frag_needed && e->dir < 0 && e->quoted_len == pmtu_outer(w, s->u) &&
	    e->mtu < e->quoted_len && e->mtu > w->c->conn->tunnel_bytes &&
	    pmtu_inner(w, e->mtu) >= s->proven && e->last.ns >= s->first.ns &&
	    e->at.ns <= s->lost_last.ns + PATH_SECOND;
}

/* So many of them came until then; they are kept as they came. */
static size_t
icmp_until(const struct record_icmp_error *v, size_t n, int64_t ns)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (v[mid].at.ns <= ns)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

/*
 * What is refused is as large as they are, and at that time: its sender, which is the tunnel's end,
 * is told so, and nobody else.  The first that fits, of the last that came until then: a sensor
 * hears others for weeks before.
 */
static const struct record_icmp_error *
outer_told(const struct way *w, const struct record_stall *s)
{
	const struct record_icmp_error *v, *told = NULL;
	size_t n;

	if (w->c->conn->tunnel_bytes == 0 || w->c->conn->tunnel_mirror ||
	    strstr(w->c->conn->tunnel, "erspan") != NULL) /* of the copies */
		return NULL;
	v = store_lone_icmp(w->v->store, w->c->point, &n);
	n = icmp_until(v, n, s->lost_last.ns + PATH_SECOND);
	for (size_t i = 0; lookup_may(w->v->lookups, i, n, LOOKUP_MOST); i++)
		if (outer_fits(w, s, &v[n - 1 - i]))
			told = &v[n - 1 - i];
	return told;
}

static enum confidence
confidence_seen(const struct way *w, const struct pmtu_proof *o)
{
	bool live = (o->s->live & (LIVE_L1 | LIVE_L2 | LIVE_L2B | LIVE_L3)) != 0;

	if (o->per_flow)
		return CONFIDENCE_PROBABLE;
	if (o->since)
		return o->sessions >= SESSIONS_PROBABLE && o->lively ? CONFIDENCE_PROBABLE
								     : CONFIDENCE_POSSIBLE;
	if (live && o->p <= P_SURE)
		return CONFIDENCE_CONFIRMED;
	/* S24: what drops a flow for good at its first large packet stalls every session so, too */
	if ((o->sessions >= SESSIONS_SURE && o->lively) || o->told_elsewhere != NULL)
		return CONFIDENCE_CONFIRMED;
	if (live || o->sessions >= SESSIONS_PROBABLE || o->elsewhere.bits != 0)
		return CONFIDENCE_PROBABLE;
	/*
	 * S6: the path may have died at that very moment; and of a connection that began before the
	 * capture nobody knows what had passed
	 */
	return o->s->first_of_size && !case_midstream(w->c) ? CONFIDENCE_POSSIBLE
							    : CONFIDENCE_CANNOT_TELL;
}

/*
 * It began after this stall, and large pieces for the card to cut came through: packets of that
 * size again, or the sender knows better.
 */
static const struct mail_case *
pieces_pass(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.from_ns = s->lost_last.ns,
		.to_ns = s->lost_last.ns + PATH_EPOCH };
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		const struct record_direction *d = &x->conn->dir[w->dir];

		if (x != w->c && seen_here(w, x) && d->super_segments > 0 &&
		    d->acked >= d->stream_bytes && d->ceiling >= s->u &&
		    stall_at(x, w->dir, s->u) == NULL)
			return x;
	}
	return NULL;
}

static enum confidence
confidence_of(const struct way *w, const struct pmtu_proof *o)
{
	enum confidence conf = confidence_seen(w, o);

	if (o->pieces != NULL)
		return confidence_min(conf, CONFIDENCE_POSSIBLE);

	return conf > CONFIDENCE_PROBABLE && !stall_sure(o->s) ? CONFIDENCE_PROBABLE : conf;
}

static void
judge_way(const struct way *w, struct verdicts *out)
{
	struct pmtu_proof best = { .s = NULL }, o = { .told = way_told(w) };
	const struct record_stall *s;
	uint32_t i = 0;

	while ((s = way_stall(w, &i)) != NULL)
		if (suspect(w, s, &o) &&
		    (best.s == NULL || s->chain_above > best.s->chain_above ||
			(s->chain_above == best.s->chain_above && s->live != 0 &&
			    best.s->live == 0)))
			best = o;
	if (best.s == NULL)
		return;
	best.p = fisher(best.s->n_lost_ge, best.s->n_ok_ge, best.s->n_lost_lt, best.s->n_ok_lt);
	best.elsewhere = way_live_elsewhere(w, best.s->first.ns, best.s->last.ns);
	look_around(w, &best);
	best.pieces = best.per_flow || best.since ? NULL : pieces_pass(w, best.s);
	best.icmp_seen = w->c->capture == NULL || w->c->capture->icmp_frames > 0;
	best.refused =
	    case_unreachable(w->c, w->dir, best.s->first.ns, best.s->last.ns + PATH_SECOND);
	if (best.refused != NULL && best.refused->quoted_len < best.s->u)
		best.refused = NULL;
	best.outer = outer_told(w, best.s);
	pmtu_say(w, &best, way_gate(w, confidence_of(w, &best)), out);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);

		if (!v->c->has_conn ||
		    verdict_claimed(out, v->c, d, FINDING_PMTU_BLACK_HOLE_RECOVERED) != NULL ||
		    verdict_claimed(out, v->c, d, FINDING_FRAGMENTS_DROPPED) != NULL ||
		    verdict_claimed(out, v->c, d, FINDING_PMTU_BLACK_HOLE) != NULL)
			continue;
		judge_way(&w, out);
	}
}

const struct rule rule_pmtu = { "pmtu", RULE_CASE, judge, true };
