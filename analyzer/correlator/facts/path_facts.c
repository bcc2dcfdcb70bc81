#include "path_facts.h"
#include "lookup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	CHAIN_LEAST = 4,
	AGAIN_LEAST = 3,
	SYNS_LEAST = 3,
	Q_LOWER = 10,
	Q_CANNOT = 50,
	LOOKED = 256
}; /* 1A; 0.3, permille */

#define STALL_LEAST (3 * PATH_SECOND) /* 1A, condition 2 */
/* chains that long to be expected in the connection: above it they are no wonder */
#define CHANCE 0.01

/* no repetition follows sooner for want of an answer (RTO) */
#define LATE_LEAST (PATH_SECOND / 5)

/*
 * What every path carries (RFC 791 section 3.1, RFC 8200 section 5): smaller losses are not about
 * size.
 */
enum { LEAST_MTU_V4 = 576, LEAST_MTU_V6 = 1280 };

struct way
way_of(const struct view *v, const struct mail_case *c, int dir)
{
	struct way w = { .v = v, .c = c, .dir = dir };

	w.a = &c->conn->dir[dir];
	w.b = &c->conn->dir[!dir];
	w.from = dir == 0 ? &c->conn->client.ip : &c->conn->server.ip;
	w.to = dir == 0 ? &c->conn->server.ip : &c->conn->client.ip;
	w.rtt = c->conn->rtt_ns > 0 ? c->conn->rtt_ns : PATH_SECOND;
	w.headers = w.from->family == 6 ? 60 : 40;
	return w;
}

int64_t
way_lasted(const struct way *w, int64_t from, int64_t to)
{
	return to > from ? to - from - case_time_jumped(w->c, from, to) : to - from;
}

bool
way_two_sided(const struct way *w)
{
	return w->c->has_conn && w->a->packets > 0 && w->b->packets > 0;
}

/*
 * A router has counted the TTL down: however short the way back to the sender, the capture is not
 * on its interface, and what is lost in that router did not reach it.  (30, 32 and 60 were first
 * TTLs, too.)
 */
static bool
routed(uint8_t ttl)
{
	return ttl != 0 && ttl != 30 && ttl != 32 && ttl != 60 && ttl != 64 && ttl != 128 &&
	    ttl != 255;
}

bool
way_at_sender(const struct way *w)
{
	if (w->a->at_sender)
		return true;
	if (w->c->conn->vantage < 0 || routed(w->a->ttl))
		return false;
	return w->dir == 0 ? w->c->conn->vantage > 800 : w->c->conn->vantage < 200;
}

bool
way_mixed_up(const struct way *w)
{
	return w->c->conn->late_ns >= LATE_LEAST;
}

const struct mail_case *
way_unanswered(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.server_port = w->c->conn->server.port,
		.from_ns = s->first.ns,
		.to_ns = s->last.ns + (s->last.ns - s->first.ns) };
	const struct mail_case *x;

	/*
	 * what is smaller passes on this connection, or on another one: it is about that
	 * connection, or that port
	 */
	if ((!stall_dead(s) && s->live != 0) ||
	    way_live_elsewhere(w, s->chain_len > 1 ? s->chain[1].ns : s->first.ns, s->last.ns)
		    .bits != 0)
		return NULL;
	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x->has_conn && x->point == w->c->point && x->conn->state == CONN_UNANSWERED &&
		    x->conn->dir[1].packets == 0 && x->icmp_count == 0 &&
		    x->conn->syn_count >= SYNS_LEAST &&
		    x->conn->t_end - x->conn->first.ns >= STALL_LEAST &&
		    stall_lasts(s, x->conn->first.ns))
			return x;
	return NULL;
}

enum confidence
way_gate(const struct way *w, enum confidence c)
{
	uint32_t q = capture_q_permille(w->c->capture);

	if (!way_two_sided(w) || q >= Q_CANNOT)
		return CONFIDENCE_CANNOT_TELL;
	if (way_mixed_up(w))
		c = confidence_min(c, CONFIDENCE_POSSIBLE);
	return q >= Q_LOWER ? confidence_lower(c, 1) : c;
}

bool
way_claimed(const struct way *w, const struct verdicts *out, int lo, int hi)
{
	return verdict_troubled(out, w->c, w->dir, lo, hi);
}

bool
way_claimed_at(const struct way *w, const struct verdicts *out, int lo, int hi, int64_t ns)
{
	return verdict_troubled_at(out, w->c, w->dir, lo, hi, ns);
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

/* ---- ICMP ----------------------------------------------------------------------- */

bool
icmp_valid(const struct record_icmp_error *e)
{
	uint32_t least = e->family == 6 ? 1280 : 68;

	return e->frag_needed && e->mtu >= least && e->mtu < e->quoted_len;
}

struct told
way_told(const struct way *w)
{
	struct told t = { .least = NULL };

	for (uint32_t i = 0; i < w->c->icmp_count; i++) {
		const struct record_icmp_error *e = w->c->icmp[i];

		if (e->dir != w->dir || !e->frag_needed)
			continue;
		t.any = true;
		if (t.zero == NULL && e->mtu == 0)
			t.zero = e;
		/* S25: above everything sent it moves no bound */
		if (!icmp_valid(e) || (e->largest_sent > 0 && e->mtu >= e->largest_sent))
			continue;
		if (t.least == NULL || e->mtu < t.least->mtu)
			t.least = e;
	}
	if (t.least == NULL)
		return t;
	t.cut = t.least->quote_cut;
	for (uint32_t i = 0; i < w->c->stall_count; i++)
		if (w->c->stalls[i]->key.m == (uint32_t)w->dir && w->c->stalls[i]->ptb_late)
			t.late = true;
	return t;
}

bool
way_told_arrived(const struct way *w, const struct record_icmp_error *e)
{
	uint32_t at = e->quoted_seq - w->a->seq;

	if (e->quote_cut || w->a->seq == 0 || at > INT32_MAX)
		return e->sent_after > 0;
	return at < w->a->acked;
}

/* ---- content -------------------------------------------------------------------- */

/* Inside one of the contents that were seen; between two of them nobody owes anything. */
static bool
in_a_message(const struct mail_case *c, int64_t from, int64_t to)
{
	for (uint32_t i = 0; i < c->message_count; i++) {
		const struct record_message *m = c->messages[i];

		if (m->first.ns <= from && (m->state == MESSAGE_CUT || m->last.ns >= to))
			return true;
	}
	return c->message_count == 0 && c->transaction_count == 0;
}

bool
way_in_content(const struct way *w, int64_t from, int64_t to, int64_t *begun)
{
	const struct record_session *s = w->c->session;
	bool up = w->dir == 0;

	for (uint32_t i = 0; up && i < w->c->transaction_count; i++) {
		const struct record_transaction *t = w->c->transactions[i];

		if (t->data_reply.at.frame == 0 || t->data_reply.code != 354 ||
		    to <= t->data_reply.at.ns)
			continue;
		if (t->end_of_data.frame != 0 && from >= t->end_of_data.ns)
			continue;
		if (t->end_bare && from >= t->last.ns)
			return false; /* to the client that was the end: rule_symptom.c */
		if (t->end_of_data.frame == 0 && case_missing_dir(w->c, w->dir))
			return false; /* its end may be among the missing bytes */
		*begun = t->data_reply.at.ns;
		return to <= t->end_of_data.ns || t->end_of_data.frame == 0;
	}
	if (s == NULL || s->content_from.frame == 0 || to <= s->content_from.ns)
		return false;
	if (up == (s->app == APP_POP3 || s->app == APP_POP3S))
		return false;
	if ((s->content_to.frame != 0 && from >= s->content_to.ns) || !in_a_message(w->c, from, to))
		return false;
	*begun = s->content_from.ns;
	if (up && s->chunk_whole && from >= w->a->data_last.ns) {
		*begun = w->b->data_last.ns; /* until then it was the server's turn */
		return *begun > from;
	}
	return true;
}

/* ---- stalls ------------------------------------------------------------------------ */

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

static bool
same_path(const struct way *w, const struct mail_case *o, int *dir)
{
	if (o == w->c || !o->has_conn || o->point != w->c->point)
		return false;
	if (addr_equal(&o->conn->client.ip, w->from) && addr_equal(&o->conn->server.ip, w->to))
		*dir = 0;
	else if (addr_equal(&o->conn->server.ip, w->from) && addr_equal(&o->conn->client.ip, w->to))
		*dir = 1;
	else
		return false;
	return true;
}

static bool
within(const struct moment *m, int64_t from, int64_t to)
{
	return m->frame != 0 && m->ns >= from && m->ns <= to;
}

static void
live_one(const struct mail_case *o, int dir, int64_t from, int64_t to, struct live_elsewhere *e)
{
	const struct record_direction *d = &o->conn->dir[dir];
	const struct moment *small =
	    within(&d->small_ok_first, from, to) ? &d->small_ok_first : &d->small_ok_last;
	/* a new SYN that is answered; the other way round its SYN-ACK, answered by the last ACK */
	const struct moment *sent = dir == 0 ? &o->conn->syn[0] : &o->conn->synack_first;
	const struct moment *answer = dir == 0 ? &o->conn->synack_first : &o->conn->handshake;

	if (!(e->bits & LIVE_L4) && within(small, from, to)) {
		e->bits |= LIVE_L4;
		e->l4 = *small;
		e->l4_point = o->point;
	}
	if (!(e->bits & LIVE_L5) && within(sent, from, to) && answer->frame != 0 &&
	    answer->ns >= sent->ns) {
		e->bits |= LIVE_L5;
		e->l5 = *answer;
		e->l5_point = o->point;
	}
}

struct live_elsewhere
way_live_elsewhere(const struct way *w, int64_t from, int64_t to)
{
	enum { ALL = LIVE_L4 | LIVE_L5 };
	struct live_elsewhere e = { .bits = 0 };
	struct case_iter it = { .client = w->dir == 0 ? w->from : w->to,
		.server = w->dir == 0 ? w->to : w->from,
		.to_ns = to,
		.since_ns = from };
	struct case_iter back = {
		.client = it.server, .server = it.client, .to_ns = to, .since_ns = from
	};
	const struct mail_case *o;
	int dir;

	for (uint32_t looked = 0;
	     e.bits != ALL && (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (same_path(w, o, &dir))
			live_one(o, dir, from, to, &e);
	for (uint32_t looked = 0; e.bits != ALL &&
	     (o = lookup_next(w->v->lookups, &back, &looked, LOOKUP_MOST)) != NULL;)
		if (same_path(w, o, &dir))
			live_one(o, dir, from, to, &e);
	return e;
}

bool
way_full_size_seen(const struct way *w, uint32_t size, int64_t at)
{
	struct case_iter it = { .client = w->dir == 0 ? w->from : w->to,
		.server = w->dir == 0 ? w->to : w->from,
		.to_ns = at + PATH_EPOCH,
		.since_ns = at - PATH_EPOCH };
	const struct mail_case *o;
	int dir;

	if (w->a->w_max >= size || w->a->super_segments > 0)
		return true;
	for (uint32_t looked = 0;
	     (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		const struct record_direction *d;

		if (!same_path(w, o, &dir))
			continue;
		d = &o->conn->dir[dir];
		if (d->w_max >= size || d->super_segments > 0)
			return true;
	}
	return false;
}

/* ---- tests --------------------------------------------------------------------------- */

static double
log_choose(uint32_t n, uint32_t k)
{
	return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
}

double
fisher(uint32_t big_lost, uint32_t big_ok, uint32_t small_lost, uint32_t small_ok)
{
	uint32_t n = big_lost + big_ok, m = small_lost + small_ok, lost = big_lost + small_lost;
	uint32_t most = lost < n ? lost : n;
	double p = 0, all;

	if (n + m == 0)
		return 1;
	all = log_choose(n + m, lost);
	for (uint32_t x = big_lost; x <= most; x++)
		if (lost - x <= m)
			p += exp(log_choose(n, x) + log_choose(m, lost - x) - all);
	return p < 1 ? p : 1;
}

double
wilson_lower(uint32_t k, uint32_t n)
{
	const double z = 1.96;
	double p, x;

	if (n == 0)
		return 0;
	if (k > n)
		k = n;
	p = (double)k / n;
	x = (p + z * z / (2.0 * n) - z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * (double)n))) /
	    (1 + z * z / n);
	return x > 0 ? x : 0;
}

double
seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

/* ---- words ----------------------------------------------------------------------------- */

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

void
say_liveness(struct finding *f, const struct way *w, const struct record_stall *s,
    const struct live_elsewhere *e)
{
	uint32_t p = w->c->point;

	say_bit(f, p, s->live, LIVE_L1, &s->live_at[0],
	    "meanwhile a smaller packet the same way arrived: it was acknowledged");
	say_bit(f, p, s->live, LIVE_L2, &s->live_at[1],
	    "meanwhile the sender's FIN arrived: it was answered");
	say_bit(f, p, s->live, LIVE_L2B, &s->live_at[2],
	    "meanwhile the sender's empty ACK arrived: the other side did not repeat its FIN");
	say_bit(f, p, s->live, LIVE_L3, &s->live_at[3],
	    "meanwhile the sender's empty ACK arrived: the other side stopped repeating its reply");
	if (s->peer_repeats > 0 && (s->live & LIVE_L3))
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
