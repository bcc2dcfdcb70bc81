/*
 * rule_pmtu.c - pmtu-black-hole: every packet of size U or more vanishes,
 * smaller ones pass, no router says why (diagnosis 1A, S1-S7, S21-S24).
 * Where some connections pass that size and others never do, both in turn, the
 * path has members and one of them is narrow (2.5).
 */
#include "correlator/facts/lookup.h"
#include "correlator/facts/chance.h"
#include "correlator/facts/path_say.h"
#include "correlator/facts/unreachable.h"

#include <stdio.h>
#include <string.h>

#define P_SURE 1e-3
/* chance is no explanation any more, though it is not yet excluded for sure */
#define P_UNLIKELY 0.05

enum {
	SESSIONS_PROBABLE = 2,
	SESSIONS_SURE = 3,
	SESSIONS_COUNTED = 100, /* more prove no more, and each would look for each */
	FLOWS_LEAST = 2
};

/* Connections on the path in the epoch: bad, nothing of U or more passes; good, U passes. */
struct flows {
	uint32_t bad, good;
	int64_t bad_first, bad_last, good_first, good_last;
	int64_t good_end;    /* last packet of a good one */
	bool good_elsewhere; /* seen at another point */
	bool bad_between,
	    good_between; /* a bad one between two good ones, a good one between two bad ones */
	struct moment good_at;
	uint32_t good_w, good_point;
};

struct proof {
	const struct record_stall *s;
	struct told told;
	/* a router answers what is lost with another error; NULL = none */
	const struct record_icmp_error *refused;
	struct live_elsewhere elsewhere;
	struct proven path; /* L of the path */
	uint32_t sessions;  /* with the same stall, this one included */
	bool lively;        /* in one of them a smaller packet arrived meanwhile */
	bool icmp_seen;     /* any in the capture */
	/* a router told an MTU in [L, U) to another flow of the path; NULL = none */
	const struct record_icmp_error *told_elsewhere;
	uint32_t told_point;
	/* a router told the tunnel's end, of the packets around those lost; NULL = none */
	const struct record_icmp_error *outer;
	double p;
	bool per_flow;
	bool since; /* that size passed until then: 2.5, a new epoch */
	/* a later connection whose card cut what passed: its size is not known; NULL = none */
	const struct mail_case *pieces;
	struct flows flows;
};

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
flow_note(struct flows *k, bool bad, int64_t ns)
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
flows_walk(const struct way *w, const struct record_stall *mine, bool between, struct flows *k)
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
flow_by_flow(const struct way *w, const struct record_stall *s, struct flows *k)
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
worked_until(const struct record_stall *s, const struct flows *k)
{
	return (k->good > 0 || k->good_elsewhere) && k->good_end < s->first.ns &&
	    !stall_heard_large(s);
}

/* ---- the stall ------------------------------------------------------------------------------- */

/* Conditions 1 to 5; the stall that meets them best. */
static bool
suspect(const struct way *w, const struct record_stall *s, struct proof *o)
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
	o->flows = (struct flows){ .bad = 0 };
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
look_around(const struct way *w, struct proof *o)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip };
	const struct mail_case *other;

	o->sessions = 1;
	o->lively = o->s->live != 0;
	for (uint32_t looked = 0; o->sessions < SESSIONS_COUNTED &&
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

/* The packets around those of the connection, where it is captured inside a tunnel. */
static uint32_t
outer_size(const struct way *w, uint32_t inner)
{
	return inner + w->c->conn->tunnel_bytes;
}

static uint32_t
inner_size(const struct way *w, uint32_t outer)
{
	return outer - w->c->conn->tunnel_bytes;
}

static bool
outer_fits(const struct way *w, const struct record_stall *s, const struct record_icmp_error *e)
{
	return e->frag_needed && e->dir < 0 && e->quoted_len == outer_size(w, s->u) &&
	    e->mtu < e->quoted_len && e->mtu > w->c->conn->tunnel_bytes &&
	    inner_size(w, e->mtu) >= s->proven && e->last.ns >= s->first.ns &&
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

/*
 * What it told holds for this connection's packets, too: of the same time, on a path that did not
 * change, and no more than that passed.
 */
static const struct record_icmp_error *
told_size(const struct proof *o)
{
	const struct record_icmp_error *e = o->told_elsewhere;

	if (e == NULL || o->per_flow || o->since || o->told.least != NULL || e->mtu < o->path.w ||
	    e->at.ns < o->s->first.ns - PATH_EPOCH || e->at.ns > o->s->last.ns + PATH_EPOCH)
		return NULL;
	return e;
}

static enum confidence
confidence_seen(const struct way *w, const struct proof *o)
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
confidence_of(const struct way *w, const struct proof *o)
{
	enum confidence conf = confidence_seen(w, o);

	if (o->pieces != NULL)
		return confidence_min(conf, CONFIDENCE_POSSIBLE);

	return conf > CONFIDENCE_PROBABLE && !stall_sure(o->s) ? CONFIDENCE_PROBABLE : conf;
}

static void
exclude(struct finding *f, const struct proof *o, bool alive)
{
	const struct record_stall *s = o->s;

	if (s->n_ok_lt > 0 && o->p <= P_UNLIKELY)
		finding_exclude(f, FINDING_HIGH_LOSS,
		    "nothing of %u bytes or more arrived %s (%u lost), %u smaller ones did: p = %.1e",
		    s->u,
		    o->per_flow    ? "on this connection"
			: o->since ? "since then"
				   : "in ten minutes",
		    s->n_lost_ge, s->n_ok_lt, o->p);
	else if (s->n_ok_lt == 0)
		finding_exclude(f, FINDING_HIGH_LOSS,
		    "nothing of %u bytes or more arrived in ten minutes (%u lost)", s->u,
		    s->n_lost_ge);
	finding_exclude(
	    f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open all the time");
	if (!o->since)
		finding_exclude(f, FINDING_INLINE_CONTENT_DROP,
		    "no packet of that size arrived%s, before or after",
		    o->per_flow ? " on this connection" : "");
	if (!s->df_clear)
		finding_exclude(f, FINDING_FRAGMENTS_DROPPED,
		    "the lost packets must not be fragmented (DF set)");
	if (o->told.least == NULL && o->told.zero == NULL)
		finding_exclude(f, FINDING_ICMP_FRAG_NEEDED_IGNORED,
		    "no router's message about the size of this connection's packets%s",
		    o->icmp_seen
			? ""
			: "; no ICMP at all is here: a capture filter that lets only TCP pass would hide it");
	else if (o->told.least != NULL && o->told.least->mtu >= s->u)
		finding_exclude(f, FINDING_ICMP_FRAG_NEEDED_IGNORED,
		    "a router asked for %u bytes and was obeyed; packets of %u vanish all the same",
		    o->told.least->mtu, s->u);
	if (alive)
		finding_exclude(
		    f, FINDING_PATH_OUTAGE, "small packets the same way arrived meanwhile");
}

/* Who says why large packets vanish, if anybody does. */
static void
why_find(const struct proof *o, char *why, size_t n)
{
	const struct record_icmp_error *e = told_size(o);
	char router[64];

	if (o->told.least != NULL && o->told.least->mtu < o->s->u) {
		snprintf(why, n, "the router says why only after repeated losses");
	} else if (o->told.zero != NULL) {
		addr_format(&o->told.zero->from, router, sizeof(router));
		snprintf(why, n,
		    "%s refuses them and does not say which size it takes, and the sender goes on",
		    router);
	} else if (o->refused != NULL) {
		addr_format(&o->refused->from, router, sizeof(router));
		snprintf(why, n, "%s answers them with \"%s\" and names no size", router,
		    unreachable_of(o->refused)->words);
	} else if (e != NULL) {
		addr_format(&e->from, router, sizeof(router));
		snprintf(why, n,
		    "no router tells this connection why, %s told another one that its next link takes %u",
		    router, e->mtu);
	} else if (o->outer != NULL) {
		addr_format(&o->outer->from, router, sizeof(router));
		snprintf(why, n,
		    "%s refuses the packets around them and tells that to the tunnel's end, not to the sender",
		    router);
	} else {
		snprintf(why, n, "no router says why");
	}
}

static void
summarise(struct finding *f, const struct way *w, const struct proof *o, bool alive)
{
	const struct record_stall *s = o->s;
	char from[64], to[64], small[80], why[160];

	addr_format(w->from, from, sizeof(from));
	addr_format(w->to, to, sizeof(to));
	why_find(o, why, sizeof(why));
	if (f->mtu.proven > 0)
		snprintf(small, sizeof(small), "up to %u bytes pass", f->mtu.proven);
	else
		snprintf(small, sizeof(small), "small ones pass");
	if (o->per_flow)
		finding_summary(f,
		    "Packets of %u bytes and more from %s to %s vanish on %u of %u connections and pass on the others, which take turns; %s "
		    "everywhere. The path has members (load balancing, a bundle of lines or tunnels), and one of them carries less than the rest.",
		    s->u, from, to, o->flows.bad, o->flows.bad + o->flows.good, small);
	else if (o->since)
		finding_summary(f,
		    "Packets of %u bytes and more from %s to %s vanish now; %s; %s. Until then packets of %u bytes passed between the two: the way "
		    "seems to have changed (another line, route or tunnel), and the new one to carry less.",
		    s->u, from, to, small, why, o->flows.good_w);
	else if (alive)
		finding_summary(f,
		    "Packets of %u bytes and more from %s to %s vanish; %s; %s. The same data was sent %u times over "
		    "%.1f s%s.",
		    s->u, from, to, small, why, s->chain_count,
		    seconds(way_lasted(w, s->first.ns, s->last.ns)),
		    s->delivered.frame != 0 ? " before it passed in smaller packets" : " in vain");
	else if (f->mtu.proven == 0 && s->n_ok_lt == 0)
		finding_summary(f,
		    "From %s to %s packets of %u bytes vanish; whether small ones pass this capture does not show. Either large packets are "
		    "dropped on the way (path-MTU black hole), or the path is dead.",
		    from, to, s->u);
	else
		finding_summary(f,
		    "From %s to %s packets of %u bytes vanish; %s before. Either large packets are dropped on the way (path-MTU black hole), "
		    "or the path died at the moment when the first large packet was sent: nothing small was sent meanwhile.",
		    from, to, s->u, small);
}

/* Diagnosis 5.3 and 5.4: neither changes what to do. */
static void
say_undecided(struct finding *f)
{
	finding_remedy(f,
	    "%s " WHICH_DEVICE
	    " A device that drops large packets for another reason is cured the same way.",
	    f->remedy);
}

/* A router from before RFC 1191: it is known who, not how much. */
static void
say_unsized(struct finding *f, const struct record_icmp_error *e)
{
	char router[64];

	addr_format(&e->from, router, sizeof(router));
	finding_remedy(f,
	    "%s The router at %s refuses large packets and does not say which size it takes: renew it, or have its owner tell the MTU of its "
	    "next link. Also let its messages (ICMP type 3 code 4) in to the sender, which does not heed them.",
	    f->remedy, router);
}

static void
say_refused(struct finding *f, const struct record_icmp_error *e)
{
	char router[64];

	addr_format(&e->from, router, sizeof(router));
	finding_remedy(f,
	    "%s Ask the owner of %s, which refuses large packets: a filter that should not, or a router that means \"fragmentation needed\".",
	    f->remedy, router);
}

static void
say_routers(struct finding *f, const struct way *w, const struct proof *o)
{
	if (o->told.least != NULL)
		say_told(f, w, o->told.least);
	if (o->told.zero != NULL)
		say_told(f, w, o->told.zero);
	if (told_size(o) != NULL)
		evidence_frame(
		    finding_says(f, o->told_point,
			"a router told another connection of the two that packets may have at most %u bytes",
			told_size(o)->mtu),
		    &told_size(o)->at);
	if (w->c->conn->tunnel_bytes != 0 && !w->c->conn->tunnel_mirror)
		finding_says(f, w->c->point,
		    "here they are captured inside a tunnel (%s): a packet of %u bytes is one of %u outside",
		    w->c->conn->tunnel, o->s->u, outer_size(w, o->s->u));
	if (o->outer != NULL)
		evidence_frames(
		    finding_says(f, w->c->point,
			"a router answers packets of %u bytes around them: at most %u (ICMP type %u code %u)",
			o->outer->quoted_len, o->outer->mtu, o->outer->type, o->outer->code),
		    &o->outer->at, &o->outer->last);
	if (o->refused != NULL)
		evidence_frames(
		    finding_says(f, w->c->point,
			"what is lost a router answers with ICMP type %u code %u, %u times",
			o->refused->type, o->refused->code, o->refused->repeats + 1),
		    &o->refused->at, &o->refused->last);
}

static void
sizes_estimate(struct finding *f, const struct way *w, const struct proof *o)
{
	struct mtu_bounds b = {
		.family = w->from->family, .proven = o->s->proven, .lost = o->s->u
	};

	if (o->path.w > b.proven && !o->per_flow && !o->since)
		b.proven = o->path.w;
	if (o->told.least != NULL && o->told.least->mtu < o->s->u)
		mtu_told(&b, o->told.least->mtu);
	if (told_size(o) != NULL)
		mtu_told(&b, told_size(o)->mtu);
	if (o->outer != NULL)
		mtu_told(&b, inner_size(w, o->outer->mtu));
	mtu_estimate(&b, f);
}

/* What the other connections of the two carry. */
static void
say_others(struct finding *f, const struct way *w, const struct proof *o)
{
	if (o->per_flow) {
		finding_subkind(f, "per-flow");
		evidence_frame(
		    finding_says(f, o->flows.good_point,
			"%u connections between these two stall so, %u others pass packets of up to %u bytes, in turn",
			o->flows.bad, o->flows.good, o->flows.good_w),
		    &o->flows.good_at);
	} else if (o->since) {
		finding_subkind(f, "since-then");
		evidence_frame(
		    finding_says(f, o->flows.good_point,
			"until then it worked: a packet of %u bytes arrived on another connection of the two",
			o->flows.good_w),
		    &o->flows.good_at);
	} else if (o->path.w > o->s->proven)
		evidence_frame(
		    finding_says(f, o->path.point,
			"the largest packet of another connection that arrived: %u bytes",
			o->path.w),
		    &o->path.at);
	if (o->pieces != NULL)
		evidence_frame(
		    finding_says(f, o->pieces->point,
			"a later connection of the two carries as much, in large pieces that the sender's card cuts: packets "
			"of this size pass again, or it knows the size by then"),
		    &o->pieces->conn->first);
	say_routers(f, w, o);
	if (o->sessions > 1 && !o->per_flow)
		finding_says(f, w->c->point,
		    "%s%u independent connections on this path stall at the same size",
		    o->sessions == SESSIONS_COUNTED ? "at least " : "", o->sessions);
}

/* The end of the tunnel is where they are made too large, and who is to refuse them. */
static void
say_tunnel(struct finding *f, const struct way *w, const struct record_icmp_error *e)
{
	char router[64], end[64];

	addr_format(&e->from, router, sizeof(router));
	addr_format(&e->to, end, sizeof(end));
	finding_remedy(f,
	    "Set the MTU of the tunnel (%s) at %s to %u, as what it wraps comes out %u bytes larger and %s carries at most %u; or give the link at %s an "
	    "MTU that is as much larger. Clamp the TCP MSS at the tunnel to %u.",
	    w->c->conn->tunnel, end, f->mtu.try, w->c->conn->tunnel_bytes, router, e->mtu, router,
	    f->mtu.mss);
}

static void
say_what_to_do(struct finding *f, const struct way *w, const struct proof *o)
{
	if (o->outer != NULL && (o->told.least == NULL || o->told.least->mtu >= o->s->u)) {
		say_tunnel(f, w, o->outer);
		return;
	}
	say_mtu_remedy(f, w);
	if (o->refused != NULL)
		say_refused(f, o->refused);
	else if (o->told.zero != NULL)
		say_unsized(f, o->told.zero);
	else if (o->told.least == NULL)
		say_undecided(f);
}

static void
say_what_to_capture(struct finding *f, const struct proof *o, enum confidence conf, bool alive)
{
	if (o->since)
		finding_next_capture(f, "a way that changed",
		    "something that drops just these packets for what is in them",
		    "other large packets since then",
		    "at this point and beyond the router, while one more large mail is tried");
	else if (o->pieces != NULL)
		finding_next_capture(f, "large packets that vanish",
		    "some that did and no longer do",
		    "the sizes of what passed later: the sender's card cuts it behind "
		    "this point",
		    "on the switch, or with segmentation offload off, while one more large mail is tried");
	else if (conf < CONFIDENCE_CONFIRMED)
		finding_next_capture(f, "a path-MTU black hole", "a path that died at that moment",
		    alive ? "more packets of both sizes"
			  : "a small packet the same way during the stall",
		    "at this point and beyond the router, while one more large mail is tried");
}

static void
report(const struct way *w, const struct proof *o, struct verdicts *out)
{
	enum confidence conf = way_gate(w, confidence_of(w, o));
	struct finding *f = verdict_add(out, FINDING_PMTU_BLACK_HOLE, conf, w->c, w->dir);
	bool alive =
	    (o->s->live & (LIVE_L1 | LIVE_L2 | LIVE_L2B | LIVE_L3)) != 0 || o->elsewhere.bits != 0;

	sizes_estimate(f, w, o);
	finding_span(f, &o->s->first, &o->s->last);
	say_chain(f, w, o->s);
	say_liveness(f, w, o->s, &o->elsewhere);
	say_proven(f, w, o->s);
	say_others(f, w, o);
	summarise(f, w, o, alive);
	exclude(f, o, alive);
	say_location(f, w, o->s->u);
	say_what_to_do(f, w, o);
	say_what_to_capture(f, o, conf, alive);
}

static void
judge_way(const struct way *w, struct verdicts *out)
{
	struct proof best = { .s = NULL }, o = { .told = way_told(w) };
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
	report(w, &best, out);
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
