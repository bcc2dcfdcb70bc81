#include "path_say.h"

#include <stdio.h>

#include "correlator/facts/lookup.h"

/* The transmission that came through at last, when it was the last of the chain; or NULL. */
static const struct transmission *
chain_came(const struct record_stall *s)
{
	const struct transmission *last = s->chain_len > 0 ? &s->chain[s->chain_len - 1] : NULL;

	if (s->delivered.frame == 0 || s->chain_lost < 2 || s->chain_lost + 1 != s->chain_count)
		return NULL;
	return last != NULL && !last->lost && !last->super ? last : NULL;
}

void
say_chain(struct finding *f, const struct way *w, const struct record_stall *s)
{
	const struct transmission *came = chain_came(s);
	int64_t last = came != NULL ? s->lost_last.ns : s->last.ns;
	struct finding_evidence *e;

	e = finding_says(f, w->c->point,
	    "the same bytes sent %u times over %.1f s, %u bytes at the IP layer, not acknowledged",
	    came != NULL ? s->chain_lost : s->chain_count,
	    seconds(way_lasted(w, s->first.ns, last)), s->w_min);
	for (uint32_t i = 0; i < s->chain_len; i++)
		if (&s->chain[i] != came)
			evidence_frame_nr(e, s->chain[i].frame);
	if (came != NULL) {
		e = finding_says(
		    f, w->c->point, "sent once more, %u bytes at the IP layer", came->w);
		evidence_frame_nr(e, came->frame);
	}
	if (s->delivered.frame != 0)
		evidence_frame(
		    finding_says(f, w->c->point, "acknowledged at last, %.1f s after the first",
			seconds(way_lasted(w, s->first.ns, s->delivered.ns))),
		    &s->delivered);
}

static void
say_bit(struct finding *f, uint32_t point, uint32_t bits, uint32_t bit, const struct moment *at,
    const char *words)
{
	if (bits & bit)
		evidence_frame(finding_says(f, point, "%s", words), at);
}

/* What came with the transmission that got through at last, or behind it, came when it was over. */
static uint32_t
live_meanwhile(const struct record_stall *s)
{
	uint32_t bits = s->live;

	for (int i = 0; i < 4 && moment_is(&s->delivered); i++)
		if (s->live_at[i].ns >= s->last.ns)
			bits &= ~(uint32_t)(LIVE_L1 << i);
	return bits;
}

void
say_liveness(struct finding *f, const struct way *w, const struct record_stall *s,
    const struct live_elsewhere *e)
{
	uint32_t p = w->c->point, live = live_meanwhile(s);

	say_bit(f, p, live, LIVE_L1, &s->live_at[0],
	    "meanwhile a smaller packet the same way arrived: it was acknowledged");
	say_bit(f, p, live, LIVE_L2, &s->live_at[1],
	    "meanwhile the sender's FIN arrived: it was answered");
	say_bit(f, p, live, LIVE_L2B, &s->live_at[2],
	    "meanwhile the sender's empty ACK arrived: the other side did not repeat its FIN");
	say_bit(f, p, live, LIVE_L3, &s->live_at[3],
	    "meanwhile the sender's empty ACK arrived: the other side stopped repeating its reply");
	if (s->peer_repeats > 0 && (live & LIVE_L3))
		evidence_frame(finding_says(f, p, "the reply that the other side had repeated"),
		    &s->peer_repeat_at);
	if (e == NULL)
		return;
	say_bit(f, e->l4_point, e->bits, LIVE_L4, &e->l4,
	    "meanwhile a small packet of another connection the same way arrived");
	say_bit(f, e->l5_point, e->bits, LIVE_L5, &e->l5,
	    "meanwhile a new connection the same way was answered");
}

void
say_proven(struct finding *f, const struct way *w, const struct record_stall *s)
{
	if (s->pieces_came)
		finding_says(f, w->c->point,
		    "larger pieces, which the card cuts to full size, arrived before on this connection");
	else if (s->proven > 0 && w->a->proven_at.frame != 0 && w->a->proven <= s->proven)
		evidence_frame(finding_says(f, w->c->point,
				   "the largest packet that did arrive: %u bytes", s->proven),
		    &w->a->proven_at);
}

void
say_told(struct finding *f, const struct way *w, const struct record_icmp_error *e)
{
	char from[64];
	struct finding_evidence *ev;

	addr_format(&e->from, from, sizeof(from));
	if (e->mtu > 0)
		ev = finding_says(f, w->c->point,
		    "router %s: packets may have at most %u bytes (quoted packet: %u bytes), said %u time%s",
		    from, e->mtu, e->quoted_len, e->repeats + 1, PLURAL(e->repeats + 1));
	else
		ev = finding_says(f, w->c->point,
		    "router %s: a packet of %u bytes is too large; which size it takes it does not say (MTU 0), said "
		    "%u time%s",
		    from, e->quoted_len, e->repeats + 1, PLURAL(e->repeats + 1));
	evidence_frame(ev, &e->at);
	if (e->repeats > 0)
		evidence_frame(ev, &e->last);
}

enum { NETS_MAX = 64 };

struct nets {
	const struct addr *at[NETS_MAX];
	uint32_t n;
};

static void
nets_add(struct nets *nets, const struct addr *a)
{
	for (uint32_t i = 0; i < nets->n; i++)
		if (addr_prefix_equal(nets->at[i], a, 24, 48))
			return;
	if (nets->n < NETS_MAX)
		nets->at[nets->n++] = a;
}

static bool
stalled_long(const struct mail_case *c, int dir)
{
	for (uint32_t i = 0; i < c->stall_count; i++)
		if (c->stalls[i]->key.m == (uint32_t)dir && stall_long(c->stalls[i]))
			return true;
	return false;
}

/*
 * 1A, location: the same stall towards several far networks and nothing of that
 * size the same way is our line; a single far end with others well is its side.
 */
void
say_location(struct finding *f, const struct way *w, uint32_t u)
{
	struct case_iter it = { .client = w->dir == 0 ? w->from : w->to,
		.from_ns = f->first.ns - PATH_EPOCH,
		.to_ns = f->last.ns + PATH_EPOCH };
	const struct addr *far = w->dir == 0 ? w->to : w->from;
	struct nets stalled = { .n = 0 }, passed = { .n = 0 };
	const struct mail_case *o;

	for (uint32_t looked = 0; (stalled.n == 0 || passed.n == 0) &&
	     (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		if (o->point != w->c->point || addr_prefix_equal(&o->conn->server.ip, far, 24, 48))
			continue;
		if (stalled_long(o, w->dir))
			nets_add(&stalled, &o->conn->server.ip);
		else if (o->conn->dir[w->dir].proven >= u)
			nets_add(&passed, &o->conn->server.ip);
	}
	if (stalled.n > 0 && passed.n == 0)
		finding_says(f, w->c->point,
		    "the same happens with %u other far network%s: the fault is on the line of this side",
		    stalled.n, PLURAL(stalled.n));
	else if (passed.n > 0 && stalled.n == 0)
		finding_says(f, w->c->point,
		    "packets of that size do reach or leave other networks: the fault lies towards this far end");
}

enum {
	TRIAL_SAFE = 1400, /* 2.4.3 */
	ETHERNET = 1500
};

/* What the server sends gets lost at the client's line as often as at its own. */
static const char *
whose_mtu(const struct finding *f, const struct way *w)
{
	if (f->mtu.try >= ETHERNET)
		return "The sender uses larger packets than most links carry (jumbo frames): set the MTU of its interface";
	if (w->dir == 1)
		return "Set the WAN (PPPoE) MTU of the client's router (of the server's, if the narrow line is there)";
	return "Set the WAN (PPPoE) MTU of the router at the sender's site";
}

void
say_mtu_remedy(struct finding *f, const struct way *w)
{
	char more[160] = "", proven[120];
	size_t n = 0;
	uint32_t ping = f->mtu.try > 0 ? f->mtu.try - (w->headers - 12) : 0;

	for (uint32_t i = 1; i < f->mtu.candidate_count && i < 5; i++)
		n += (size_t)snprintf(more + n, sizeof(more) - n, "%s%u",
		    i == 1 ? "; if that is not enough: " : ", ", f->mtu.candidates[i]);
	if (f->mtu.safe > 0)
		snprintf(proven, sizeof(proven), " Proven to pass: %u bytes.", f->mtu.proven);
	else
		snprintf(proven, sizeof(proven),
		    " No large size is proven to pass yet: these are values to try%s.",
		    f->mtu.upper > TRIAL_SAFE ? "; 1400, then 1280, pass nearly everywhere" : "");
	finding_remedy(f,
	    "%s to %u%s. Clamp the TCP MSS to %u (%u less than the MTU).%s "
	    "Stop filtering ICMP type 3 code 4 (IPv6: ICMPv6 type 2). To verify: ping -f -l %u (Windows), ping -M do -s %u (Linux), "
	    "ping -D -s %u (macOS) towards the far end.%s",
	    whose_mtu(f, w), f->mtu.try, more, f->mtu.mss, w->headers,
	    w->dir == 1 ? " The server keeps to the MSS that the client's side announces." : "",
	    ping, ping, ping, proven);
}
