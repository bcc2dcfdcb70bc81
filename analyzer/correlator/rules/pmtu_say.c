/*
 * pmtu_say.c - a black hole in the words of the report: what vanishes, who says why, what it was
 * not, which sizes to set where.
 */
#include "pmtu_say.h"

#include <stdio.h>

#include "correlator/facts/unreachable.h"

/* chance is no explanation any more, though it is not yet excluded for sure */
#define P_UNLIKELY 0.05

/*
 * What it told holds for this connection's packets, too: of the same time, on a path that did not
 * change, and no more than that passed.
 */
static const struct record_icmp_error *
told_size(const struct pmtu_proof *o)
{
	const struct record_icmp_error *e = o->told_elsewhere;

	if (e == NULL || o->per_flow || o->since || o->told.least != NULL || e->mtu < o->path.w ||
	    e->at.ns < o->s->first.ns - PATH_EPOCH || e->at.ns > o->s->last.ns + PATH_EPOCH)
		return NULL;
	return e;
}

static void
exclude(struct finding *f, const struct pmtu_proof *o, bool alive)
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
why_find(const struct pmtu_proof *o, char *why, size_t n)
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
summarise(struct finding *f, const struct way *w, const struct pmtu_proof *o, bool alive)
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
say_routers(struct finding *f, const struct way *w, const struct pmtu_proof *o)
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
		    w->c->conn->tunnel, o->s->u, pmtu_outer(w, o->s->u));
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
sizes_estimate(struct finding *f, const struct way *w, const struct pmtu_proof *o)
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
		mtu_told(&b, pmtu_inner(w, o->outer->mtu));
	mtu_estimate(&b, f);
}

/* What the other connections of the two carry. */
static void
say_others(struct finding *f, const struct way *w, const struct pmtu_proof *o)
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
		    o->sessions == PMTU_SESSIONS ? "at least " : "", o->sessions);
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
say_what_to_do(struct finding *f, const struct way *w, const struct pmtu_proof *o)
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
say_what_to_capture(struct finding *f, const struct pmtu_proof *o, enum confidence conf, bool alive)
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

void
pmtu_say(
    const struct way *w, const struct pmtu_proof *o, enum confidence conf, struct verdicts *out)
{
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
