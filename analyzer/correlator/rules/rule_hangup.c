/*
 * rule_hangup.c - the client gives up, and not even its close is answered, or nobody answers its
 * keep-alives: idle-state-expired where a new connection works meanwhile (S12) or nothing was
 * under way, else path-outage.  A host that lives acknowledges each FIN and each keep-alive, or
 * resets (RFC 9293 3.10.7).
 */
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_facts.h"
#include "correlator/facts/symptom.h"

#include <stdio.h>

enum { LOOKED = 256, ASKED_TIMES = 3, SENTENCE = 160 };

#define REPEATED_LEAST (3 * PATH_SECOND) /* of the close: as of data that stands still (1A) */
#define IDLE_LEAST     (5 * PATH_SECOND) /* S12 */
#define IDLE_SURE      (60 * PATH_SECOND)

/* What of the client nobody answers, from here on; frame 0 = nothing. */
struct unanswered {
	struct moment since;
	bool asks;    /* keep-alives */
	bool waits;   /* an answer is due ... */
	bool fetches; /* ... which is the rest of a message */
	int64_t idle;
};

/*
 * The client's FIN, said again and again until its last packet, and nothing of the server since.
 */
static bool
close_unanswered(const struct way *w)
{
	return moment_is(&w->a->fin) && moment_is(&w->a->last) && w->b->last.ns < w->a->fin.ns &&
	    !moment_is(&w->b->rst) && way_lasted(w, w->a->fin.ns, w->a->last.ns) >= REPEATED_LEAST;
}

/* Its keep-alives, where neither end had closed; what comes at once is an answer that is late. */
static bool
alive_unanswered(const struct way *w)
{
	return w->a->alive_count >= ASKED_TIMES && !moment_is(&w->b->rst) &&
	    !moment_is(&w->b->fin) && w->b->last.ns < w->a->alive_first.ns &&
	    way_lasted(w, w->a->alive_first.ns, w->a->alive_last.ns) >= REPEATED_LEAST;
}

/* The client has had no answer to the last that it said, all of which came to the server's host. */
static bool
answer_is_due(const struct mail_case *c)
{
	const struct record_session *s = c->session;
	const struct record_transaction *t =
	    c->transaction_count > 0 ? c->transactions[c->transaction_count - 1] : NULL;

	if (s == NULL || s->tls || moment_is(&s->quit) || !case_all_acked(c, 0) || case_stalled(c))
		return false;
	return s->command_unanswered ||
	    (t != NULL && moment_is(&t->end_of_data) && !moment_is(&t->final_reply.at));
}

/* The server was in the middle of a message (POP3), of which all that it sent came. */
static bool
rest_is_due(const struct mail_case *c)
{
	return c->message_count > 0 && c->messages[c->message_count - 1]->state == MESSAGE_CUT &&
	    case_is_pop(c) && case_all_acked(c, 0) && case_all_acked(c, 1) && !case_stalled(c);
}

static bool
nothing_due(const struct mail_case *c)
{
	return !case_stalled(c) && case_all_acked(c, 0) && case_all_acked(c, 1);
}

static struct unanswered
unanswered_of(const struct way *w)
{
	struct unanswered u = { .fetches = rest_is_due(w->c), .asks = alive_unanswered(w) };
	int64_t last =
	    u.asks || w->b->last.ns > w->a->data_last.ns ? w->b->last.ns : w->a->data_last.ns;

	u.waits = u.fetches || answer_is_due(w->c);
	if (u.asks && (u.waits || nothing_due(w->c)))
		u.since = w->a->alive_first;
	else if (u.waits && close_unanswered(w))
		u.since = w->a->fin;
	u.idle = way_lasted(w, last, u.since.ns);
	return u;
}

/*
 * A new connection of the two, to the same port, that came to stand while the close was said again.
 */
static const struct mail_case *
new_works(const struct way *w, const struct unanswered *u)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.server_port = w->c->conn->server.port,
		.from_ns = u->since.ns,
		.to_ns = w->a->last.ns };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x != w->c && x->has_conn && x->point == w->c->point &&
		    moment_is(&x->conn->handshake) && x->conn->handshake.ns < w->a->last.ns)
			return x;
	return NULL;
}

static void
say_close(const struct way *w, const struct unanswered *u, struct finding *f)
{
	if (!u->asks)
		evidence_frame(finding_says(f, w->c->point,
				   "%.1f s without a packet of the server, then the client closes",
				   seconds(u->idle)),
		    &w->a->fin);
	if (!close_unanswered(w))
		return;
	evidence_frame(
	    finding_says(f, w->c->point,
		"%.1f s %s it still repeats its close: nobody answers that either, as every host does that lives and is "
		"reached",
		seconds(way_lasted(w, w->a->fin.ns, w->a->last.ns)),
		u->asks ? "after its FIN" : "later"),
	    &w->a->last);
}

/* "The client waited 20.0 s for an answer and gave up; nobody answers its close either" */
static void
what_happens(const struct unanswered *u, char text[SENTENCE])
{
	if (!u->asks)
		snprintf(text, SENTENCE,
		    "The client waited %.1f s for %s and gave up; nobody answers its close either",
		    seconds(u->idle), u->fetches ? "the rest of the message" : "an answer");
	else
		snprintf(text, SENTENCE, "%s %.1f s %s nobody answers its keep-alives",
		    u->waits ? "The client waits for an answer; from"
			     : "The client has nothing to say; after",
		    seconds(u->idle), u->waits ? "on" : "of silence");
}

/* The finding, its evidence, and in `text' how its summary begins. */
static struct finding *
say_hangup(const struct way *w, const struct unanswered *u, enum finding_kind kind,
    enum confidence conf, char text[SENTENCE], struct verdicts *out)
{
	const struct moment *said = u->asks || u->fetches ? &w->b->last : &w->a->data_last;
	struct finding *f = verdict_add(out, kind, way_gate(w, absence(w->c, conf)), w->c, 0);

	finding_subkind(f, u->asks ? "keep-alive" : "hangup");
	if (!u->waits) /* no mail hangs on it: a program that kept the connection connects anew */
		f->severity = SEVERITY_WARNING;
	finding_span(f, said, &w->a->last);
	evidence_frame(
	    finding_says(f, w->c->point, "%s%s",
		u->asks || u->fetches ? "the last packet of the server"
				      : "the last that the client said, acknowledged by TCP",
		u->fetches     ? ", in the middle of a message"
		    : u->waits ? "; the answer to what the client said is due"
			       : ""),
	    said);
	if (u->asks)
		evidence_frame(
		    evidence_frame(
			finding_says(f, w->c->point,
			    "%.1f s later the client begins to ask whether it is still there (keep-alive), %u times "
			    "in %.1f s: nobody answers, as every host does that lives and is reached",
			    seconds(u->idle), w->a->alive_count,
			    seconds(way_lasted(w, w->a->alive_first.ns, w->a->alive_last.ns))),
			&w->a->alive_first),
		    &w->a->alive_last);
	say_close(w, u, f);
	what_happens(u, text);
	return f;
}

static void
judge_forgotten(const struct way *w, const struct unanswered *u, const struct mail_case *other,
    struct verdicts *out)
{
	bool longish = u->idle >= IDLE_SURE;
	char text[SENTENCE];
	struct finding *f = say_hangup(w, u, FINDING_IDLE_STATE_EXPIRED,
	    longish ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE, text, out);

	evidence_frame(
	    finding_says(f, other->point, "a new connection to the same port works meanwhile"),
	    &other->conn->handshake);
	finding_summary(f,
	    "%s, while a new connection works. A firewall or NAT router on the way %s forgotten the silent connection%s.",
	    text, longish ? "has probably" : "may have",
	    u->waits ? ": then an answer was lost there" : "");
	if (u->waits)
		finding_remedy(f,
		    "Let the firewall or NAT router keep silent connections for longer than the server needs for its answers (RFC 5382: two hours; RFC 5321: up to ten "
		    "minutes behind a mail). The server may have taken the mail: its log tells.");
	finding_exclude(f, FINDING_PATH_OUTAGE,
	    "the line carried a new connection while this one was still not heard");
	finding_next_capture(f, "a forgotten connection", "a line that failed for a while",
	    u->waits ? "whether the server did answer" : "what the server sent", "at the server");
}

static void
judge_idle(const struct way *w, const struct unanswered *u, struct verdicts *out)
{
	char text[SENTENCE];
	struct finding *f =
	    say_hangup(w, u, FINDING_IDLE_STATE_EXPIRED, CONFIDENCE_POSSIBLE, text, out);

	finding_summary(f,
	    "%s: a firewall or NAT router on the way may have forgotten the connection, or the path was dead, or the server's host.",
	    text);
	finding_next_capture(f, "a forgotten connection",
	    "a path that died, or a server that was gone",
	    "a new connection to the same server at that time",
	    "at this point and behind the firewall");
}

static void
judge_dead(const struct way *w, const struct unanswered *u, struct verdicts *out)
{
	char text[SENTENCE];
	struct finding *f = say_hangup(w, u, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, text, out);

	finding_summary(f,
	    "%s: %s the path was dead, or the server's host, or a firewall or NAT router on the way %s.",
	    text, u->asks ? "by then" : "from some moment of that wait on",
	    u->fetches ? "let nothing of the connection through any more"
		       : "had forgotten the silent connection");
	finding_remedy(f, "Look at the line and at the server's host at that time.%s",
	    u->fetches ? ""
		       : " The server may have taken what the client had sent: its log tells.");
	finding_exclude(f, FINDING_CLIENT_GAVE_UP_WAITING,
	    "the server's host does not answer the %s: it was not only slow",
	    u->asks ? "keep-alives" : "close");
	finding_next_capture(f, "a path that died",
	    u->fetches ? "a server that was gone, or a firewall that cut it off"
		       : "a server that was gone, or a connection that was forgotten",
	    "what the server sent", "at the server");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct way w = way_of(v, v->c, 0);
	const struct mail_case *other;
	struct unanswered u;

	if (!v->c->has_conn || !way_two_sided(&w) || case_one_sided(v->c) ||
	    verdict_troubled(out, v->c, -1, 4, 7))
		return;
	u = unanswered_of(&w);
	if (!moment_is(&u.since))
		return;
	other = new_works(&w, &u);
	if (other != NULL && u.idle >= IDLE_LEAST && !u.fetches)
		judge_forgotten(&w, &u, other, out);
	else if (other == NULL && !u.waits && u.idle >= IDLE_LEAST)
		judge_idle(&w, &u, out);
	else if (other == NULL && u.waits)
		judge_dead(&w, &u, out);
}

const struct rule rule_hangup = { "hangup", RULE_MAIL, judge, true };
