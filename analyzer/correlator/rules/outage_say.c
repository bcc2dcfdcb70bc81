/*
 * outage_say.c - an outage in the words of the report: what other connections, a router or the
 * silence before it tell of what was down.
 */
#include "outage_say.h"

#include <stdio.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/unreachable.h"

enum { SMALL = 200, LOOKED = 256 };

static const int64_t idle_least = 5 * PATH_SECOND, idle_sure = 60 * PATH_SECOND;

static bool
time_overlaps(const struct record_stall *a, const struct record_stall *b)
{
	return a->first.ns <= b->lost_last.ns && b->first.ns <= a->lost_last.ns;
}

/* Another connection of the same path that stood still at the same time. */
static const struct mail_case *
also_dead(const struct way *w, const struct record_stall *s, const struct record_stall **theirs)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.to_ns = s->lost_last.ns,
		.since_ns = s->first.ns };
	const struct mail_case *o;

	for (uint32_t looked = 0;
	     (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		for (uint32_t i = 0; o != w->c && o->point == w->c->point && i < o->stall_count;
		     i++)
			if (o->stalls[i]->key.m == (uint32_t)w->dir && stall_dead(o->stalls[i]) &&
			    time_overlaps(o->stalls[i], s)) {
				*theirs = o->stalls[i];
				return o;
			}
	return NULL;
}

/* A new connection to the same server that worked within a minute of the stall. */
static const struct mail_case *
new_works(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.to_ns = s->last.ns + 60 * PATH_SECOND,
		.since_ns = s->first.ns };
	const struct mail_case *o;

	for (uint32_t looked = 0;
	     (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (o != w->c && o->point == w->c->point && o->has_conn &&
		    o->conn->syn[0].ns >= s->first.ns && o->conn->handshake.frame != 0 &&
		    o->conn->handshake.ns <= s->last.ns + 60 * PATH_SECOND)
			return o;
	return NULL;
}

/*
 * Large packets alone may have met a smaller MTU: of all sizes is said only where small ones were
 * lost, too.
 */
static const char *
of_any_size(const struct record_stall *s)
{
	return s->w_min <= SMALL || stall_one_way_dead(s) ? ", whatever its size" : "";
}

/* It had asked whether the other end is still there, and nobody answered that either. */
static bool
asked_before(const struct way *w, const struct record_stall *s)
{
	return w->a->alive_count > 0 && w->a->alive_first.ns < s->first.ns;
}

/* How long both ends had been silent. */
static int64_t
idle_before(const struct way *w, const struct record_stall *s)
{
	if (asked_before(w, s))
		return way_lasted(w, w->b->last.ns, w->a->alive_first.ns);
	return way_lasted(w, s->first.ns - s->idle_before_ns, s->first.ns);
}

/*
 * The other end had more to send when it fell silent: the window had stopped it, and was opened
 * again, or it was in the middle of a message (POP3).  That is no silence of two that rest.
 */
static bool
other_had_more(const struct way *w)
{
	const struct mail_case *c = w->c;
	const struct record_message *m =
	    c->message_count > 0 ? c->messages[c->message_count - 1] : NULL;

	if (m != NULL && w->dir == 0 && case_is_pop(c) && m->state == MESSAGE_CUT)
		return true;
	return moment_is(&w->a->zero_from) && w->a->zero_to.ns >= w->b->last.ns &&
	    moment_before(&w->a->zero_from, &w->a->zero_to);
}

static struct finding *
report_idle(const struct way *w, const struct record_stall *s, struct verdicts *out)
{
	const struct mail_case *o = new_works(w, s);
	int64_t idle = idle_before(w, s);
	bool long_idle = o != NULL && idle >= idle_sure,
	     sure = long_idle && o->conn->handshake.ns < s->lost_last.ns;
	struct finding *f = verdict_add(out, FINDING_IDLE_STATE_EXPIRED,
	    way_gate(w,
		sure            ? CONFIDENCE_CONFIRMED
		    : long_idle ? CONFIDENCE_PROBABLE
				: CONFIDENCE_POSSIBLE),
	    w->c, w->dir);

	finding_span(f, &s->first, &s->last);
	say_chain(f, w, s);
	if (asked_before(w, s))
		evidence_frame(
		    evidence_frame(
			finding_says(f, w->c->point,
			    "before it %u keep-alive%s, after %.1f s of silence, that nobody answered either",
			    w->a->alive_count, PLURAL(w->a->alive_count), seconds(idle)),
			&w->a->alive_first),
		    &w->a->alive_last);
	else
		finding_says(f, w->c->point, "%.1f s of silence went before it", seconds(idle));
	say_proven(f, w, s);
	if (o != NULL)
		evidence_frame(
		    finding_says(f, o->point, "a new connection to the same server works"),
		    &o->conn->handshake);
	finding_summary(f,
	    "After %.1f s of silence nothing of this sender is acknowledged any more%s%s. A firewall or NAT router on the way %s "
	    "forgotten the connection.",
	    seconds(idle), of_any_size(s),
	    sure            ? ", while a new connection works"
		: o != NULL ? "; a new connection works"
			    : "",
	    long_idle ? "has probably" : "may have");
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE, "%s",
	    s->proven >= s->w_min ? "packets of that size arrived before"
				  : "small packets are lost, too");
	if (sure)
		finding_exclude(f, FINDING_PATH_OUTAGE,
		    "the line carried a new connection while this one was still not heard");
	else
		finding_next_capture(f, "a forgotten connection",
		    o != NULL ? "a line that failed for a while" : "a failed line",
		    o != NULL ? "what the device lets out of the old connection"
			      : "a new connection to the same server at that time",
		    "at this point and behind the firewall");
	return f;
}

static bool
arrived_before(const struct record_direction *a, const struct record_stall *s)
{
	return s->pieces_came ||
	    (a->proven >= s->w_min && a->proven_at.frame != 0 && a->proven_at.ns < s->first.ns);
}

/*
 * None as large had arrived before: that it passed at last may as well be the end of a black hole.
 */
static bool
size_is_new(const struct record_direction *a, const struct record_stall *s)
{
	return !stall_carried(s) && !stall_one_way_dead(s) && !arrived_before(a, s);
}

static void
exclude_size(struct finding *f, const struct way *w, const struct record_stall *s)
{
	if (s->pieces_came && w->a->proven < s->w_min)
		finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
		    "larger pieces, which the card cuts into full-size packets, arrived before");
	else if (arrived_before(w->a, s))
		finding_exclude(
		    f, FINDING_PMTU_BLACK_HOLE, "packets of %u bytes arrived before", w->a->proven);
	else if (stall_one_way_dead(s))
		finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
		    "the sender's small empty ACKs do not arrive either: the other side went on "
		    "repeating its reply %u time%s after them",
		    s->peer_repeats_after_ack, PLURAL(s->peer_repeats_after_ack));
	else if (stall_carried(s))
		finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
		    "a packet of only %u bytes is lost each time", s->w_min);
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
}

/* A router says it: who it is, and what is wrong behind it. */
static struct finding *
report_told(const struct way *w, const struct record_stall *s, const struct record_icmp_error *e,
    struct verdicts *out)
{
	const struct unreachable *u = unreachable_of(e);
	struct finding *f =
	    verdict_add(out, FINDING_PATH_OUTAGE, way_gate(w, CONFIDENCE_CONFIRMED), w->c, w->dir);
	bool back = s->delivered.frame != 0;
	char router[64], to[64];

	addr_format(&e->from, router, sizeof(router));
	addr_format(w->to, to, sizeof(to));
	finding_subkind(f, "told");
	finding_span(f, &s->first, back ? &s->delivered : &s->last);
	f->over = stall_over(w, s);
	say_chain(f, w, s);
	evidence_frames(finding_says(f, w->c->point,
			    "%s answers them with \"%s\" (ICMP%s type %u code %u), %u time%s",
			    router, u->words, e->family == 6 ? "v6" : "", e->type, e->code,
			    e->repeats + 1, PLURAL(e->repeats + 1)),
	    &e->at, e->repeats > 0 ? &e->last : &e->at);
	say_proven(f, w, s);
	finding_summary(f,
	    "%s packets of this connection do not reach %s: %s answers them with \"%s\".",
	    back ? "For a while the" : "From one moment on the", to, router, u->words);
	if (u->kind == FINDING_PORT_BLOCKED_ICMP)
		finding_remedy(f,
		    "%s prohibits the connection in its middle: ask its owner for the rule, blocklist or limit that does so.",
		    router);
	else
		finding_remedy(f,
		    "Behind %s there is no way to %s at that time: check the line and the routes there, and whether that host was up.",
		    router, to);
	exclude_size(f, w, s);
	return f;
}

/*
 * S4: between the second transmission and the last that was lost, something else passed the same
 * way.
 */
static struct live_elsewhere
others_pass(const struct way *w, const struct record_stall *s)
{
	return way_live_elsewhere(
	    w, s->chain_len > 1 ? s->chain[1].ns : s->first.ns, s->lost_last.ns);
}

/*
 * It passed at last as large as it had failed, or such packets are sent again later: then it was
 * not its size.
 */
static bool
back_as_it_was(const struct way *w, const struct record_stall *s)
{
	if (s->delivered.frame == 0)
		return false;
	if (stall_carried(s) || stall_one_way_dead(s) ||
	    (s->delivered_w >= s->w_min && s->delivered_w != UINT32_MAX))
		return true;
	for (uint32_t i = 0; i < w->a->passed_count; i++)
		if (w->a->passed[i].w >= s->w_min && w->a->passed[i].last.ns > s->delivered.ns)
			return true;
	return false;
}

/* The path lives: it is this connection that nothing passes of. */
static struct finding *
report_alone(const struct way *w, const struct record_stall *s, const struct live_elsewhere *e,
    struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_PATH_OUTAGE, way_gate(w, CONFIDENCE_POSSIBLE), w->c, w->dir);

	finding_subkind(f, "this-connection-alone");
	finding_span(f, &s->first, s->delivered.frame != 0 ? &s->delivered : &s->last);
	f->over = stall_over(w, s);
	say_chain(f, w, s);
	say_proven(f, w, s);
	say_liveness(f, w, s, e);
	if (s->delivered.frame != 0)
		finding_summary(f,
		    "For %.1f s nothing of this sender was acknowledged on this connection%s, while another one of the same two hosts worked: "
		    "not the line was down, but something let this connection not pass%s.",
		    seconds(way_lasted(w, s->first.ns, s->delivered.ns)), of_any_size(s),
		    back_as_it_was(w, s) ? "" : ", or not packets of this size");
	else
		finding_summary(f,
		    "From one moment on nothing of this sender is acknowledged on this connection%s, while another one of the same two hosts "
		    "works: not the line is dead, but something lets this connection no longer pass%s.",
		    of_any_size(s),
		    !stall_carried(s) && !stall_one_way_dead(s)
			? ", or no longer packets of this size"
			: "");
	finding_remedy(f,
	    "Look at the firewalls, NAT routers and balanced lines between the two: one that lost or changed its state (a restart, a new rule, a "
	    "failover) drops this connection and lets others pass. The program can only connect anew.");
	exclude_size(f, w, s);
	finding_next_capture(f, "a device that drops this connection",
	    "a line that fails for moments", "what leaves that device",
	    "at this point and behind the firewall");
	return f;
}

void
outage_ask_then(struct finding *f)
{
	finding_remedy(f,
	    "Ask who runs the line whether it was down then, or whether an MTU, a tunnel or an ICMP filter on it was changed.");
	finding_next_capture(f, "a path that was down",
	    "one that carried only smaller packets for that time", "what is smaller, meanwhile",
	    "at this point, with a ping of 100 bytes to the far end running beside it");
}

static void
say_back_or_passable(struct finding *f, const struct way *w, const struct record_stall *s)
{
	finding_says(
	    f, w->c->point, "no packet of %u bytes or more had arrived before it", s->w_min);
	finding_summary(f,
	    "For %.1f s nothing of this sender was acknowledged; then the same packets passed. Either the path was down for most of that time, "
	    "or large packets vanished on it until then and no longer do.",
	    seconds(way_lasted(w, s->first.ns, s->delivered.ns)));
	outage_ask_then(f);
}

/* It came through, and no packet shows that it did at its size. */
static void
say_cut_anew(struct finding *f, const struct way *w, const struct record_stall *s)
{
	bool seen = s->delivered_w != UINT32_MAX;
	char how[80] = "passed, in packets that are not in the capture";

	if (seen)
		snprintf(how, sizeof(how), "passed in packets of at most %u bytes", s->delivered_w);
	finding_says(
	    f, w->c->point, "at last it %s; no packet of %u bytes or more follows", how, s->w_min);
	finding_summary(f,
	    "For %.1f s nothing of this sender was acknowledged; then its data %s. Either the path was down for most of that time, or from "
	    "then on it carries smaller packets only%s.",
	    seconds(way_lasted(w, s->first.ns, s->delivered.ns)), how,
	    seen ? "" : " and the sender cut its data anew");
	finding_next_capture(f, "a path that was down",
	    "a path whose MTU became smaller at that moment",
	    seen ? "larger packets after it" : "the packets that passed at last",
	    "at this point, while one more large mail is sent");
}

static void
say_back(struct finding *f, const struct way *w, const struct record_stall *s, bool same)
{
	double lasted = seconds(way_lasted(w, s->first.ns, s->delivered.ns));

	if (w->a->dsacks > 0) {
		finding_says(f, w->c->point,
		    "the receiver says that it had had some of it already (D-SACK): its acknowledgements were lost");
		finding_summary(f,
		    "For %.1f s nothing of this sender was acknowledged%s; then it was, and some of it had arrived long before: the path was "
		    "down for most of that time, surely on the way back.",
		    lasted, of_any_size(s));
	} else {
		finding_summary(f,
		    "For %.1f s nothing of this sender was acknowledged%s; then %s passed: the path was down for most of that "
		    "time.",
		    lasted, of_any_size(s), same ? "the same packets" : "its data");
	}
}

static void
say_dead(struct finding *f, const struct record_stall *s, bool alone, bool served)
{
	if (alone && f->confidence <= CONFIDENCE_POSSIBLE && !stall_carried(s))
		finding_summary(f,
		    "From one moment on nothing of this sender was acknowledged, and nothing new comes back: the path died, or from then on "
		    "it carries smaller packets only. The lost data was never sent in packets of less than %u bytes.",
		    s->w_min);
	else
		finding_summary(f,
		    "From one moment on nothing of this sender is acknowledged%s, and nothing new comes back: the path %s.",
		    of_any_size(s),
		    s->peer_seen ? "is dead in this direction"
			: served ? "died, or something drops all that this sender sends"
				 : "died, or the other end did");
	if (alone && stall_carried(s)) {
		finding_next_capture(f, "a failed path",
		    "a device that lets this connection alone no longer pass",
		    "a second connection at that time", "at this point and behind the router");
	} else if (alone) {
		finding_says(
		    f, f->point, "alternative: the path MTU became smaller at that moment");
		finding_next_capture(f, "a failed path",
		    "a path whose MTU became smaller at that moment",
		    "a second connection at that time", "at this point and behind the router");
	}
}

/* It tells the server's name, mostly, and is the one packet of TLS that firewalls read. */
static void
say_hello_lost(struct finding *f, const struct way *w, const struct record_stall *s)
{
	const struct record_session *x = w->c->session;

	if (w->dir != 0 || x == NULL || x->tls_chosen != 0 || !moment_is(&x->tls_at) ||
	    x->tls_at.frame != s->first.frame)
		return;
	evidence_frame(
	    finding_says(f, w->c->point,
		"what is lost each time is the client's TLS hello, which firewalls read"),
	    &s->first);
	finding_remedy(f,
	    "If other connections pass meanwhile, it is no dead line but a firewall that reads TLS hellos and drops this one, for the server's name or for what it does not "
	    "know in it: look into its log; openssl s_client with and without -noservername tests it. Else the line or a route on it failed: check line, router and provider.");
}

/* Another client's connection to the same port, begun and answered while this one stood still. */
static const struct mail_case *
others_served(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .server = &w->c->conn->server.ip,
		.server_port = w->c->conn->server.port,
		.from_ns = s->first.ns,
		.to_ns = s->last.ns };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x->has_conn && x->point == w->c->point && moment_is(&x->conn->handshake) &&
		    !addr_equal(&x->conn->client.ip, &w->c->conn->client.ip))
			return x;
	return NULL;
}

/* Its SYNs are as small as can be. */
static void
say_unanswered(struct finding *f, const struct mail_case *syn, bool gone)
{
	evidence_frame(finding_says(f, syn->point,
			   "a new connection of the two is not answered either (%u SYN%s)",
			   syn->conn->syn_count, PLURAL(syn->conn->syn_count)),
	    &syn->conn->syn[0]);
	if (gone)
		finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
		    "small packets are lost, too: the SYNs of a new connection");
}

/* Where the other end lives it is the way between, or somebody there. */
static void
say_others(struct finding *f, const struct mail_case *x)
{
	evidence_frame(finding_says(f, x->point,
			   "another client reaches the same port meanwhile: the server lives"),
	    &x->conn->handshake);
	finding_remedy(f,
	    "Others reach the server at that time: check the line of this client, and whether the server's owner or a firewall on the way "
	    "blocks its address since then (fail2ban, a limit).");
}

static struct finding *
report_outage(const struct way *w, const struct record_stall *s, struct verdicts *out)
{
	const struct record_stall *theirs = NULL;
	const struct mail_case *o = also_dead(w, s, &theirs), *syn = way_unanswered(w, s);
	const struct mail_case *served = syn != NULL && w->dir == 0 ? others_served(w, s) : NULL;
	bool back = s->delivered.frame != 0, as_it_was = back_as_it_was(w, s);
	bool fresh = as_it_was && size_is_new(w->a, s) &&
	    (o == NULL || size_is_new(&o->conn->dir[w->dir], theirs));
	bool same = as_it_was && !fresh;
	enum confidence conf = o != NULL && !fresh ? CONFIDENCE_CONFIRMED
	    : same                                 ? CONFIDENCE_PROBABLE
						   : CONFIDENCE_POSSIBLE;
	struct finding *f;

	if (((stall_one_way_dead(s) && s->peer_repeats_after_ack > 2) ||
		(syn != NULL && !back && stall_dead(s))) &&
	    conf < CONFIDENCE_PROBABLE)
		conf = CONFIDENCE_PROBABLE;
	f = verdict_add(out, FINDING_PATH_OUTAGE, way_gate(w, conf), w->c, w->dir);
	finding_span(f, &s->first, back ? &s->delivered : &s->last);
	f->over = stall_over(w, s);
	say_chain(f, w, s);
	say_proven(f, w, s);
	if (s->peer_repeats > 0)
		evidence_frame(
		    finding_says(f, w->c->point,
			"the other side repeated its reply %u time%s, %u of them after it was acknowledged",
			s->peer_repeats, PLURAL(s->peer_repeats), s->peer_repeats_after_ack),
		    &s->peer_repeat_at);
	if (o != NULL)
		evidence_frame(finding_says(f, o->point,
				   "another connection on this path stood still at the same time"),
		    &theirs->first);
	if (syn != NULL)
		say_unanswered(f, syn, !back);
	if (served != NULL)
		say_others(f, served);
	if (o != NULL && !fresh && size_is_new(w->a, s))
		finding_exclude(f, FINDING_PMTU_BLACK_HOLE,
		    "what the other connection lost was no matter of its size");
	if (fresh)
		say_back_or_passable(f, w, s);
	else if (back && !same && o == NULL)
		say_cut_anew(f, w, s);
	else if (back)
		say_back(f, w, s, same);
	else {
		say_dead(f, s, o == NULL && syn == NULL, served != NULL);
		say_hello_lost(f, w, s);
	}
	/*
	 * where a smaller path MTU is the alternative, that larger packets passed before rules
	 * nothing out
	 */
	if (same || o != NULL || (syn != NULL && !back) || stall_carried(s) ||
	    stall_one_way_dead(s))
		exclude_size(f, w, s);
	else
		finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
	return f;
}

static void
say_no_rest(const struct way *w, const struct record_stall *s, struct finding *f)
{
	finding_span(f, &w->b->last, &s->last);
	evidence_frame(
	    finding_says(f, w->c->point,
		"for %.1f s before it nothing came of the other side, which had more to send",
		seconds(idle_before(w, s))),
	    &w->b->last);
	finding_exclude(f, FINDING_IDLE_STATE_EXPIRED,
	    "the other side fell silent in the middle of what it sent");
}

struct finding *
outage_say(const struct way *w, const struct record_stall *s, struct verdicts *out)
{
	struct live_elsewhere live = others_pass(w, s);
	const struct record_icmp_error *told =
	    case_unreachable(w->c, w->dir, s->first.ns, s->lost_last.ns + PATH_SECOND);
	bool rested, had_more;
	struct finding *f;

	if (told != NULL)
		return report_told(w, s, told, out);
	rested = idle_before(w, s) >= idle_least && s->delivered.frame == 0;
	had_more = rested && other_had_more(w) && new_works(w, s) == NULL;
	if (rested && !had_more)
		return report_idle(w, s, out); /* what is forgotten is not remembered */
	f = live.bits != 0 ? report_alone(w, s, &live, out) : report_outage(w, s, out);
	if (had_more)
		say_no_rest(w, s, f);
	return f;
}
