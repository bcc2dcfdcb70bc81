/*
 * rule_outage.c - everything vanishes: idle-state-expired when a silence went
 * before (S12), else path-outage (S11, S22).
 */
#include "correlator/facts/lookup.h"
#include "outage_say.h"

enum { UNHEARD = 3, LOOKED = 256 };

/*
 * Nothing of A came through, whatever its size; of one that is its first of this size a new
 * connection tells.
 */
static bool
dead(const struct way *w, const struct record_stall *s)
{
	return stall_dead(s) ||
	    (stall_silent(s) && !moment_is(&s->delivered) && way_unanswered(w, s) != NULL);
}

/*
 * The other way was dead already: no ACK of this data can come back, and the connection is not
 * idle.
 */
static bool
follows_other_way(const struct way *w, const struct record_stall *s)
{
	struct way back = way_of(w->v, w->c, !w->dir);
	const struct record_stall *o;
	uint32_t i = 0;

	while ((o = way_stall(&back, &i)) != NULL)
		if (dead(&back, o) && o->first.ns < s->first.ns &&
		    (o->delivered.frame == 0 || o->delivered.ns > s->first.ns))
			return true;
	return false;
}

/* It is the server's answer to QUIT, and nothing before it: nobody's mail hangs on it. */
static bool
only_bye(const struct way *w, const struct record_stall *s)
{
	const struct mail_case *c = w->c;

	if (w->dir != 1 || c->session == NULL || c->session->bye.frame == 0 ||
	    s->first.ns < c->session->bye.ns)
		return false;
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->last.ns >= s->first.ns ||
		    c->transactions[i]->final_reply.at.ns >= s->first.ns)
			return false;
	for (uint32_t i = 0; i < c->message_count; i++)
		if (c->messages[i]->last.ns >= s->first.ns)
			return false;
	return true;
}

/*
 * Of a connection that ended so: another one of the two, on which packets as large passed
 * afterwards.  NULL = none.
 */
static const struct mail_case *
passed_later(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.since_ns = s->last.ns,
		.to_ns = s->last.ns + PATH_EPOCH };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x != w->c && x->has_conn && x->point == w->c->point &&
		    x->conn->dir[w->dir].proven >= s->u &&
		    x->conn->dir[w->dir].proven_at.ns > s->last.ns)
			return x;
	return NULL;
}

/*
 * No black hole any more, for such packets pass later; and none as large had passed before, so it
 * may as well have been one as an outage.  A RST behind it tells so itself (rule_reset.c).
 */
static bool
judge_over(const struct way *w, const struct record_stall *s, struct verdicts *out)
{
	const struct mail_case *x;
	struct finding *f;

	if (s->delivered.frame != 0 || !stall_long(s) || s->zero_window || s->options_cut ||
	    w->a->rst.frame != 0 || (x = passed_later(w, s)) == NULL)
		return false;
	f = verdict_add(out, FINDING_PATH_OUTAGE, way_gate(w, CONFIDENCE_POSSIBLE), w->c, w->dir);
	finding_subkind(f, "over");
	finding_span(f, &s->first, &s->last);
	say_chain(f, w, s);
	if (s->live != 0)
		say_liveness(f, w, s, &(struct live_elsewhere){ .bits = 0 });
	evidence_frame(finding_says(f, x->point,
			   "later packets of %u bytes pass, on another connection of the two",
			   x->conn->dir[w->dir].proven),
	    &x->conn->dir[w->dir].proven_at);
	finding_says(f, w->c->point, "no packet of %u bytes or more had arrived before it", s->u);
	finding_summary(f,
	    "For %.1f s, until the last that is sent here, none of this sender's packets of %u bytes and more was acknowledged; later such packets "
	    "pass. Either the path was down for most of that time, or large packets vanished on it and no longer do, or do so on one of several lines "
	    "between which connections are shared out.",
	    seconds(way_lasted(w, s->first.ns, s->last.ns)), s->u);
	outage_ask_then(f);
	finding_exclude(f, FINDING_ZERO_WINDOW_STALL, "the receiver's window was open");
	return true;
}

/* Joined in the middle, and nobody answers: too little to say which, too much to say nothing. */
static void
judge_unheard(const struct way *w, struct verdicts *out)
{
	const struct record_stall *s = NULL;
	struct finding *f;
	uint32_t i = 0;

	if (w->a->packets == 0 || w->c->conn->state != CONN_MIDSTREAM ||
	    verdict_claimed(out, w->c, w->dir, FINDING_PMTU_BLACK_HOLE) != NULL)
		return;
	while ((s = way_stall(w, &i)) != NULL &&
	    (s->chain_count < UNHEARD || s->last.ns - s->first.ns < 3 * PATH_SECOND))
		continue;
	if (s == NULL)
		return;
	f = verdict_add(out, FINDING_PATH_OUTAGE, CONFIDENCE_CANNOT_TELL, w->c, w->dir);
	finding_subkind(f, "unheard");
	finding_span(f, &s->first, &s->last);
	say_chain(f, w, s);
	finding_summary(f,
	    "The same data is sent %u times, and nothing of the other side is in this capture: the path is dead, packets of this size vanish, "
	    "or only this direction was captured.",
	    s->chain_count);
	finding_remedy(
	    f, "Capture one retry from its beginning, both directions: then it can be told.");
	finding_next_capture(f, "a dead path", "large packets that vanish (pmtu-black-hole)",
	    "the beginning of the connection, and all of the other side",
	    "here, from before the mail program connects");
}

/*
 * Sent again and again to the end, and it was not long, or not readable, enough for any rule; a RST
 * behind it tells so itself (rule_reset.c).
 */
static const struct record_stall *
stall_unclear(const struct way *w)
{
	const struct record_stall *s;
	uint32_t i = 0;

	if (w->a->rst.frame != 0)
		return NULL;
	while ((s = way_stall(w, &i)) != NULL)
		if (s->delivered.frame == 0 && s->chain_count >= UNHEARD && s->w_min > 0 &&
		    !s->zero_window && !only_bye(w, s) &&
		    w->c->conn->t_end - s->first.ns >= PATH_SECOND &&
		    (s->options_cut || way_lasted(w, s->first.ns, s->last.ns) < 3 * PATH_SECOND))
			return s;
	return NULL;
}

/* S2, S11: nobody can say why; but that it stands still is to be said. */
static void
judge_unclear(const struct way *w, const struct record_stall *s, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_PATH_OUTAGE, CONFIDENCE_CANNOT_TELL, w->c, w->dir);
	double lasted = seconds(way_lasted(w, s->first.ns, s->last.ns));

	finding_subkind(f, s->options_cut ? "options-cut" : "too-short");
	finding_span(f, &s->first, &s->last);
	say_chain(f, w, s);
	say_proven(f, w, s);
	if (s->options_cut)
		finding_summary(f,
		    "The same data was sent %u times over %.1f s and not acknowledged. The snap length cut the TCP options of the other side: "
		    "what of the rest had arrived cannot be read.",
		    s->chain_count, lasted);
	else
		finding_summary(f,
		    "The same data was sent %u times within %.1f s and not acknowledged until %s: too soon to tell large packets that vanish, "
		    "a path that failed and loss from each other.",
		    s->chain_count, lasted,
		    w->a->fin.frame != 0 ? "the sender gave up" : "the capture ended");
	finding_remedy(f,
	    "Capture one more try, whole packets, until the program gives up; if it gives up within seconds, raise its server time-out to a "
	    "minute at least.");
	finding_next_capture(f, "a path that failed", "large packets that vanish (pmtu-black-hole)",
	    s->options_cut ? "the TCP options" : "what comes after",
	    "at this point, until the program gives up");
}

/*
 * At another point the same bytes came, and were acknowledged: rule_deaf.c says so of the other
 * direction.
 */
static bool
arrived_elsewhere(const struct way *w, const struct record_stall *s)
{
	const struct mail_case *x;

	for (x = w->c->copy; x != w->c; x = x->copy) {
		struct way there = way_of(w->v, x, w->dir);

		if (x->point != w->c->point && x->has_conn && way_deaf_here(&there, w->a, s))
			return true;
	}
	return false;
}

/* One by one: what another outage of this sender took is no measure for chance. */
static uint32_t
lost_besides(const struct way *w, const struct record_stall *s)
{
	const struct record_stall *x;
	uint32_t lost = s->lost_else, i = 0;

	while ((x = way_stall(w, &i)) != NULL)
		if (x != s && stall_silent(x))
			lost -= x->chain_lost < lost ? x->chain_lost : lost;
	return lost;
}

/*
 * It came, and was answered at once by a host that knows no such connection any more: a device had
 * cut it in the sender's name.
 */
static bool
refused(const struct way *w, const struct record_stall *s)
{
	return w->b->rst_answers && w->b->rst.ns >= s->first.ns &&
	    w->b->rst.ns - s->first.ns < PATH_SECOND;
}

static bool
stall_is_outage(const struct way *w, const struct record_stall *s, const struct verdicts *out)
{
	return dead(w, s) && !refused(w, s) && !way_claimed_at(w, out, 4, 7, s->first.ns) &&
	    !stall_by_chance(s, lost_besides(w, s)) && !follows_other_way(w, s) && !only_bye(w, s);
}

/* The first that was not over, which says most; else the first.  `before': one that was over. */
static const struct record_stall *
outage_find(const struct way *w, const struct verdicts *out, const struct record_stall **before)
{
	const struct record_stall *s;
	uint32_t i = 0;

	*before = NULL;
	while ((s = way_stall(w, &i)) != NULL) {
		if (!stall_is_outage(w, s, out))
			continue;
		if (!stall_over(w, s))
			return s;
		if (*before == NULL)
			*before = s;
	}
	s = *before;
	*before = NULL;
	return s;
}

static void
say_before(struct finding *f, const struct way *w, const struct record_stall *s)
{
	evidence_frames(finding_says(f, w->c->point,
			    "before that, for %.1f s, nothing of it was acknowledged either",
			    seconds(way_lasted(w, s->first.ns, s->delivered.ns))),
	    &s->first, &s->delivered);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		const struct record_stall *s, *before;
		struct finding *f;
		uint32_t i = 0;

		if (w.c->has_conn && w.b->packets == 0)
			judge_unheard(&w, out);
		if (!way_two_sided(&w) || way_claimed_at(&w, out, 4, 7, INT64_MAX))
			continue;
		if ((s = outage_find(&w, out, &before)) != NULL) {
			if (arrived_elsewhere(&w, s))
				continue;
			f = outage_say(&w, s, out);
			if (before != NULL)
				say_before(f, &w, before);
			continue;
		}
		if (way_claimed(&w, out, 4, 7))
			continue;
		while (s == NULL && (s = way_stall(&w, &i)) != NULL && !judge_over(&w, s, out))
			s = NULL;
		if (s == NULL && !verdict_troubled(out, v->c, -1, 4, 7) &&
		    (s = stall_unclear(&w)) != NULL)
			judge_unclear(&w, s, out);
	}
}

const struct rule rule_outage = { "outage", RULE_MAIL, judge, true };
