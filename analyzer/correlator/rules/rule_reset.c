/*
 * rule_reset.c - who reset the connection (S17): middlebox-reset, peer-reset,
 * stale-session-reset.
 */
#include "correlator/facts/dialogue.h"
#include "correlator/facts/path_say.h"
#include "correlator/facts/sights.h"
#include "reset_signs.h"

#define IDLE_LEAST  (60 * PATH_SECOND)   /* S12 */
#define STALE_LEAST (3600 * PATH_SECOND) /* then it may as well be a restart: no accusation */
#define ANSWER      (PATH_SECOND / 2)
#define TOO_SOON    (4 * PATH_SECOND) /* S2 */

enum { UNHEARD = 3 };

static bool
before(const struct moment *a, const struct moment *b)
{
	return a->frame != 0 && a->ns <= b->ns;
}

/*
 * Were the last words, of which one may be the goodbye, missing, cut by the snap length, or
 * encrypted a moment ago?
 */
static bool
goodbye_hidden(const struct mail_case *c, const struct moment *rst)
{
	const struct record_session *s = c->session;

	if (case_missing(c) || case_one_sided(c))
		return true;
	if (s == NULL)
		return false;
	if (s->tls && s->midstream && !s->visible) /* nor when it was encrypted */
		return true;
	if (!s->tls_finished)
		return false;
	for (int k = 0; k < 2; k++)
		if (!before(&c->conn->dir[k].data_last, rst) ||
		    rst->ns - c->conn->dir[k].data_last.ns > PATH_SECOND)
			return false;
	return true;
}

static void
say_last_command(struct finding *f, const struct mail_case *c)
{
	if (c->session != NULL && c->session->last_command[0] != '\0')
		finding_says(
		    f, c->point, "the last command before it: %s", c->session->last_command);
}

/*
 * Nobody had said anything for so long before it; 0 = not long.  What it answers, if it answers
 * something, is not here.
 */
static int64_t
idle_before(const struct mail_case *x, int d)
{
	const struct record_connection *c = x->conn;
	int64_t rst = c->dir[d].rst.ns,
		spoke = c->dir[!d].last.ns < rst ? c->dir[!d].last.ns : c->dir[!d].data_last.ns;

	if (c->dir[d].data_last.ns > spoke)
		spoke = c->dir[d].data_last.ns;
	spoke += spoke > 0 && spoke < rst ? case_time_jumped(x, spoke, rst) : 0;
	return spoke > 0 && rst - spoke >= IDLE_LEAST ? rst - spoke : 0;
}

static void
say_rst(struct finding *f, const struct mail_case *c, int who, const char *too)
{
	const struct record_direction *from = &c->conn->dir[who];

	if (from->rst.frame == 0)
		return;
	if (too[0] != '\0' && from->rst_answers && (from->reset_signs & ~(uint32_t)RESET_R7) == 0)
		evidence_frame(
		    finding_says(f, c->point,
			"the %s itself answers what still comes with a RST: to it the connection is gone",
			who == 0 ? "client" : "server"),
		    &from->rst);
	else
		evidence_frame(finding_says(f, c->point,
				   "RST in the name of the %s%s, TTL %u (its other packets: %u)",
				   who == 0 ? "client" : "server", too, rst_ttl(from), from->ttl),
		    &from->rst);
}

static void
judge_middlebox(const struct mail_case *c, int d, uint32_t bits, struct verdicts *out)
{
	uint32_t n = reset_sign_count(bits);
	bool hidden = !reset_cut(bits) && goodbye_hidden(c, &c->conn->dir[d].rst);
	enum confidence conf = hidden   ? CONFIDENCE_POSSIBLE
	    : reset_forged_surely(bits) ? CONFIDENCE_CONFIRMED
					: CONFIDENCE_PROBABLE;
	/* the first RST that carries a sign of its own */
	int who = (c->conn->dir[d].reset_signs & ~(uint32_t)RESET_R7) != 0 ||
		c->conn->dir[!d].rst.frame == 0
	    ? d
	    : !d;
	const struct record_direction *from = &c->conn->dir[who];
	int64_t idle = idle_before(c, d);
	struct finding *f = verdict_add(out, FINDING_MIDDLEBOX_RESET, conf, c, who);

	finding_span(f, &c->conn->dir[d].rst, &c->conn->dir[d].rst);
	say_rst(f, c, who, "");
	say_rst(f, c, !who, c->conn->dir[who].rst.frame != 0 ? " as well" : "");
	reset_say_signs(f, c->point, bits);
	/* 250 of 255 is no nearer than 62 of 64: what counts is the routers passed */
	if (rst_ttl(from) != 0 && from->ttl != 0 && ttl_hops(rst_ttl(from)) < ttl_hops(from->ttl))
		finding_summary(f,
		    "A device in between cut the connection in the name of the %s: %u signs; it is nearer than the %s (by its TTL %u router%s "
		    "from here, not %u).",
		    who == 0 ? "client" : "server", n, who == 0 ? "client" : "server",
		    ttl_hops(rst_ttl(from)), PLURAL(ttl_hops(rst_ttl(from))), ttl_hops(from->ttl));
	else
		finding_summary(f,
		    "A device in between cut the connection in the name of the %s: %u signs.",
		    who == 0 ? "client" : "server", n);
	say_last_command(f, c);
	if (idle > 0) {
		finding_says(f, c->point,
		    "%.1f s of silence lie before it: a device that forgot the idle connection resets so, too",
		    seconds(idle));
		finding_remedy(f,
		    "A firewall, proxy or IPS on the way cuts the connection: look into its log at that time. If it happens behind a silence only: "
		    "let it keep idle connections for longer (two hours, RFC 5382), or let the program say something in between.");
	}
	if (hidden) {
		f->severity = SEVERITY_WARNING;
		finding_says(f, c->point,
		    "whether the two ends had said goodbye before cannot be read here: then nothing was cut");
		finding_next_capture(f, "a session that was cut", "one that was over",
		    "what was said last",
		    "at this point, whole packets; what is encrypted the "
		    "program's log tells");
	}
	finding_exclude(f, FINDING_PEER_RESET, "%u signs that the end itself did not send it", n);
}

/*
 * A farewell under encryption: both sides spoke a moment ago, the other one last.  QUIT, its answer
 * and the close_notify look so, and a program that closes without reading the latter resets.
 */
static bool
farewell_hidden(const struct mail_case *c, int d)
{
	const struct moment *rst = &c->conn->dir[d].rst, *own = &c->conn->dir[d].data_last,
			    *other = &c->conn->dir[!d].data_last;

	return c->session != NULL && c->session->tls && c->session->tls_finished &&
	    before(own, other) && before(other, rst) && rst->ns - own->ns < PATH_SECOND;
}

/*
 * Bytes that it had sent by its RST's sequence number, of which nothing came here and nothing was
 * acknowledged; 0 = none.
 */
static uint64_t
sent_in_vain(const struct record_direction *d)
{
	/* more than are kept: the last of them is not known */
	const struct stretch *last = d->unseen_count > 0 && d->unseen_count <= RECORD_STRETCHES
	    ? &d->unseen[d->unseen_count - 1]
	    : NULL;

	return last != NULL && last->at >= d->acked && last->at >= d->stream_bytes ? last->bytes
										   : 0;
}

/* 0.6.12: an end, a refusal, or a farewell explains it. */
static bool
explained(const struct mail_case *c, int d)
{
	const struct moment *rst = &c->conn->dir[d].rst;
	const struct record_session *s = c->session;

	/* one number further than all that came: its FIN, which is not here */
	if (farewell_hidden(c, d) || sent_in_vain(&c->conn->dir[d]) == 1)
		return true;
	if (before(&c->conn->dir[0].fin, rst) || before(&c->conn->dir[1].fin, rst))
		return true;
	if (s == NULL)
		return false;
	if (before(&s->quit, rst) || before(&s->bye, rst) || before(&s->tls_close, rst) ||
	    s->tls_alert != 0)
		return true;
	for (uint32_t i = 0; i < s->refusals_kept; i++)
		if (s->refusals[i].reply.code >= 500 && before(&s->refusals[i].reply.at, rst) &&
		    rst->ns - s->refusals[i].reply.at.ns < 5 * PATH_SECOND &&
		    !case_mail_began(c, s->refusals[i].reply.at.ns, rst->ns))
			return true;
	return s->greeting.code >= 400;
}

static bool
cause_known(const struct mail_case *c, const struct moment *rst, const struct verdicts *out)
{
	const struct finding *f;

	static const enum finding_kind kinds[] = { FINDING_ZERO_WINDOW_STALL, FINDING_PATH_OUTAGE,
		FINDING_IDLE_STATE_EXPIRED, FINDING_PMTU_BLACK_HOLE,
		FINDING_PMTU_BLACK_HOLE_RECOVERED, FINDING_ICMP_FRAG_NEEDED_IGNORED,
		FINDING_INLINE_CONTENT_DROP, FINDING_FRAGMENTS_DROPPED };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((f = verdict_claimed(out, c, -1, kinds[i])) != NULL &&
		    !finding_outlived(f, rst->ns) && !case_mail_passed(c, f->last.ns, rst->ns))
			return true;
	return false;
}

static bool
retrieving(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	return s != NULL && (s->app == APP_POP3 || s->app == APP_POP3S) &&
	    s->content_from.frame != 0;
}

/*
 * A client may go when nothing is under way: no command waits for its answer, no mail is begun, and
 * the server had the last word.  Probes, load balancers and senders of much mail do so with a RST
 * instead of QUIT and FIN.
 */
static bool
client_may_go(const struct mail_case *c, int d)
{
	const struct record_session *s = c->session;

	if (d != 0 || case_missing(c))
		return false;
	if (s == NULL || c->conn->dir[0].data_segments == 0)
		return c->conn->dir[0].data_segments == 0;
	if (c->conn->dir[0].data_last.ns > c->conn->dir[1].data_last.ns)
		return false;
	if (s->tls || s->command_unanswered)
		return false;
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_LOST ||
		    c->transactions[i]->verdict == VERDICT_UNKNOWN)
			return false;
	return s->visible;
}

/* The silence of both ends that what the RST answers broke; 0 = none to speak of. */
static int64_t
silence_before(const struct record_connection *c, int d)
{
	const struct record_direction *asks = &c->dir[!d], *answers = &c->dir[d];
	const struct moment *rst = &answers->rst;

	if (asks->data_last.frame == 0 || rst->ns < asks->data_last.ns ||
	    rst->ns > asks->data_last.ns + ANSWER + 4 * c->rtt_ns)
		return 0;
	for (uint32_t i = 0; i < asks->pause_count; i++) {
		int64_t from = asks->pauses[i].from.ns > answers->data_last.ns
		    ? asks->pauses[i].from.ns
		    : answers->data_last.ns;

		if (asks->pauses[i].to.ns == asks->data_last.ns &&
		    asks->pauses[i].to.ns - from >= IDLE_LEAST)
			return asks->pauses[i].to.ns - from;
	}
	return 0;
}

/*
 * 1A, S12: the first packet after a long silence is answered by RST; who forgot the connection one
 * capture does not show.
 */
static bool
judge_forgotten(const struct mail_case *c, int d, struct verdicts *out)
{
	int64_t idle = silence_before(c->conn, d);
	const struct record_direction *asks = &c->conn->dir[!d], *answers = &c->conn->dir[d];
	struct finding *f;

	idle -= case_time_jumped(c, asks->data_last.ns - idle, asks->data_last.ns);
	if (idle < IDLE_LEAST)
		return false;
	f = verdict_add(out,
	    idle > STALE_LEAST ? FINDING_STALE_SESSION_RESET : FINDING_IDLE_STATE_EXPIRED,
	    CONFIDENCE_POSSIBLE, c, !d);
	finding_subkind(f, "reset");
	finding_span(f, &asks->data_last, &answers->rst);
	evidence_frames(
	    finding_says(f, c->point,
		"%.1f s of silence, and the first packet after it is answered by a RST (TTL %u, the other "
		"packets of that end: %u)",
		seconds(idle), rst_ttl(answers), answers->ttl),
	    &asks->data_last, &answers->rst);
	finding_summary(f,
	    "After %.1f s of silence the first packet of the %s is answered by a RST: a firewall or NAT router on the way, or the %s itself, "
	    "no longer knew the connection.",
	    seconds(idle), d == 0 ? "server" : "client", d == 0 ? "client" : "server");
	finding_next_capture(f, "a device that forgot the connection",
	    "an end that did (a restart)", "the other end's view",
	    "at both ends (a RST that one end never sent was a device's)");
	return true;
}

/* What it had said again and again without an answer when it gave up; NULL = nothing. */
static const struct record_stall *
stall_given_up(const struct way *w, const struct moment *rst)
{
	const struct record_stall *s;
	uint32_t i = 0;

	while ((s = way_stall(w, &i)) != NULL)
		if (s->delivered.frame == 0 && s->chain_count >= UNHEARD && before(&s->last, rst))
			return s;
	return NULL;
}

/*
 * S2: too short for the rules of the path to tell why, long enough to be what it gave up for; or
 * they found nothing that tells it.
 */
static void
say_given_up(struct finding *f, const struct way *w, const struct record_stall *s, const char *who)
{
	bool soon = s->last.ns - s->first.ns < TOO_SOON;

	finding_subkind(f, "gave-up");
	say_chain(f, w, s);
	finding_summary(f,
	    "The %s reset the connection: what it had sent %u times within %.1f s was not acknowledged. "
	    "%s: large packets that vanish, a path that failed, or an end that did.",
	    who, s->chain_count, seconds(s->last.ns - s->first.ns),
	    soon ? "It gave up too soon to tell why"
		 : "It gave up; why it was not heard is not clear");
	if (soon)
		finding_remedy(f,
		    "Raise the program's server time-out to a minute at least, and capture one more try: the cause shows within some seconds more.");
	else
		finding_remedy(f,
		    "Look at the way from the %s to the other end, not at the %s: its data was not acknowledged.",
		    who, who);
	finding_next_capture(f, "large packets that vanish (pmtu-black-hole)",
	    "a path that failed (path-outage)", "what is sent again after that",
	    soon ? "at this point, with a longer time-out in the program"
		 : "at both ends, during one more try");
}

/*
 * Other bytes are acknowledged that it does not hold: what is not here may have been sent all the
 * same.
 */
static bool
capture_missed(const struct mail_case *c)
{
	return c->capture != NULL && c->capture->acked_unseen > 0;
}

/* Seen from behind: it sent and was not heard, and gave up. */
static void
say_unheard(struct finding *f, const struct mail_case *c, const char *who, uint64_t bytes)
{
	evidence_frame(
	    finding_says(f, c->point,
		"the RST's sequence number stands %llu byte%s behind all that came here; "
		"the other end acknowledged none of it either",
		(unsigned long long)bytes, PLURAL(bytes)),
	    &c->conn->dir[who[0] == 's'].rst);
	if (capture_missed(c)) {
		finding_summary(f,
		    "The %s reset the connection after it had sent %llu byte%s that are not here: lost before this point, and it gave up because "
		    "it was not heard; or missed by this capture, as others were.",
		    who, (unsigned long long)bytes, PLURAL(bytes));
		finding_next_capture(f, "a way that failed before this point",
		    "a capture that missed packets", "what was sent then", "at both ends");
		return;
	}
	finding_summary(f,
	    "The %s reset the connection after it had sent %llu byte%s that never came here, lost before this point: "
	    "most likely it gave up because it was not heard.",
	    who, (unsigned long long)bytes, PLURAL(bytes));
	finding_remedy(f,
	    "Look at the way from the %s to this point: the path failed there, "
	    "or large packets vanish there (MTU). The log of the %s says why it gave up.",
	    who, who);
	finding_next_capture(f, "a path that failed before this point (path-outage)",
	    "large packets that vanish there (pmtu-black-hole)", "what was sent then",
	    "at the sender, or on its side of the router");
}

static void
judge_peer(const struct view *v, int d, const struct reset_signs *signs, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct way w = way_of(v, c, d);
	const struct record_stall *s = stall_given_up(&w, &c->conn->dir[d].rst);
	const struct moment *rst = &c->conn->dir[d].rst;
	/* all that it ever says of a connection it did not begin here is RST */
	bool stale = c->conn->state == CONN_MIDSTREAM &&
	    c->conn->dir[d].packets <= c->conn->dir[d].rst_count;
	/* R5 asks for a difference of two; one hop less or more is no proof, but no fit either */
	const struct record_direction *end = &c->conn->dir[d];
	uint8_t ttl = end->ttl != 0 ? end->ttl : end->ttl_syn;
	bool fits = signs->bits == 0 && (ttl == 0 || rst_ttl(end) == ttl),
	     begun = moment_is(&c->conn->dir[1].data_first) || case_midstream(c);
	const char *who = d == 0 ? "client" : "server";
	bool hidden = c->session != NULL &&
	    c->session->tls; /* nobody can read whether they had said goodbye */
	int64_t idle = idle_before(c, d);
	/* RFC 9293 3.5.2: it says so whatever closed it before, and that is not here */
	bool gone = end->rst_answers;
	bool doubt = !fits || hidden || gone || s != NULL || case_missing(c) ||
	    c->conn->disordered > 0 || idle > 0,
	     untold;
	struct finding *f;

	if (stale) {
		f = verdict_add(out, FINDING_STALE_SESSION_RESET, CONFIDENCE_POSSIBLE, c, d);
		finding_span(f, rst, rst);
		evidence_frame(finding_says(f, c->point,
				   "a RST to a connection whose beginning is not in the capture"),
		    rst);
		finding_summary(f,
		    "The %s, or a device on the way, no longer knew the connection (restart, failover, a long silence) and reset it.",
		    who);
		return;
	}
	untold = capture_missed(c) && (hidden || sent_in_vain(end) > 0);
	f = verdict_add(out, FINDING_PEER_RESET,
	    untold      ? CONFIDENCE_CANNOT_TELL
		: doubt ? CONFIDENCE_POSSIBLE
			: CONFIDENCE_PROBABLE,
	    c, d);
	finding_span(f, rst, rst);
	evidence_frame(finding_says(f, c->point,
			   "RST of the %s, TTL %u (its other packets: %u), neither side had closed",
			   who, rst_ttl(end), ttl),
	    rst);
	if (signs->other != NULL)
		evidence_frame(
		    finding_says(f, c->point,
			"another connection to this address is answered with the TTL of the RST (%u): another machine has the "
			"address, too, or another way leads there",
			rst_ttl(end)),
		    &signs->other->conn->dir[1].data_first);
	if (!fits)
		finding_remedy(f,
		    "The log of the %s at that time says whether it did so, and why. If it knows nothing of it: a firewall, proxy or IPS on the way, "
		    "or another machine with its address (failover, balancer, an address given twice; compare hardware addresses: tcpdump -e).",
		    who);
	finding_summary(f, "The connection was reset %s by the %s%s.",
	    begun ? "in mid-session" : "before a word of the server", who,
	    fits ? "" : ", or in its name: its origin is not certain");
	if (idle > 0)
		finding_says(f, c->point,
		    "%.1f s of silence lie before it: a device on the way that forgot the idle connection resets so, too",
		    seconds(idle));
	if (gone)
		finding_says(f, c->point,
		    "it answers a packet as who knows no such connection any more: what ended that is not in the capture");
	if (hidden)
		finding_says(f, c->point,
		    "the dialogue is encrypted: whether it had come to its end cannot be read");
	else
		say_last_command(f, c);
	if (fits && ttl != 0 && !gone)
		finding_exclude(f, FINDING_MIDDLEBOX_RESET,
		    "TTL and sequence number fit the end's other packets");
	if (fits && sent_in_vain(end) > 0)
		say_unheard(f, c, who, sent_in_vain(end));
	else if (s != NULL && fits)
		say_given_up(f, &w, s, who);
	else
		finding_next_capture(f, "a reset by the end", "one by a device in between",
		    "the other end's view",
		    "at both ends (a RST that one end never sent was injected)");
}

/*
 * QUIT: nothing more is due to it, be its answer lost in the capture; of one side alone nobody
 * knows more.
 */
static bool
client_left(const struct mail_case *c, const struct moment *rst)
{
	if (c->session == NULL || !before(&c->session->quit, rst))
		return false;
	for (uint32_t i = 0; i < c->transaction_count && !case_one_sided(c); i++)
		if (c->transactions[i]->verdict == VERDICT_LOST ||
		    c->transactions[i]->verdict == VERDICT_UNKNOWN)
			return false;
	return true;
}

/*
 * Whoever sent it: goodbye was said before, or both had closed; or a balancer in front of the
 * client ends its own check, to which nothing more was due.
 */
static bool
nothing_cut(const struct mail_case *c, int d, uint32_t bits)
{
	const struct moment *rst = &c->conn->dir[d].rst;

	if (before(&c->conn->dir[0].fin, rst) && before(&c->conn->dir[1].fin, rst))
		return true;
	if (c->session != NULL &&
	    (before(&c->session->bye, rst) || before(&c->session->tls_close, rst)))
		return true;
	if (client_left(c, rst))
		return true;
	return !reset_cut(bits) && c->conn->dir[!d].rst.frame == 0 && client_may_go(c, d);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct record_connection *c = v->c->conn;
	struct reset_signs signs;
	int d;

	if (!v->c->has_conn || (d = reset_first(c)) < 0)
		return;
	if (c->synack_count == 0 && c->dir[0].data_segments + c->dir[1].data_segments == 0 &&
	    c->state != CONN_MIDSTREAM)
		return;
	signs = reset_signs(v, d);
	if (reset_forged(signs.bits)) {
		if (!nothing_cut(v->c, d, signs.bits))
			judge_middlebox(v->c, d, signs.bits, out);
		return;
	}
	if (!way_two_sided(&(struct way){ .c = v->c, .a = &c->dir[0], .b = &c->dir[1] }))
		return;
	if (c->client_reset_synack && c->dir[1].data_segments == 0)
		return; /* a half-open scan, or a socket that is gone: no session was cut */
	if (!explained(v->c, d) && !cause_known(v->c, &c->dir[d].rst, out) && !retrieving(v->c) &&
	    !client_may_go(v->c, d) && !judge_forgotten(v->c, d, out))
		judge_peer(v, d, &signs, out);
}

const struct rule rule_reset = { "reset", RULE_MAIL, judge, false };
