/*
 * rule_hangup.c - an answer is due, the client gives up, and not even its close is answered:
 * idle-state-expired where a new connection works meanwhile (S12), else path-outage.  A host that
 * lives acknowledges each FIN, or resets (RFC 9293 3.10.7).
 */
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_facts.h"
#include "correlator/facts/symptom.h"

enum { LOOKED = 256 };

#define REPEATED_LEAST (3 * PATH_SECOND) /* of the close: as of data that stands still (1A) */
#define IDLE_LEAST     (5 * PATH_SECOND) /* S12 */
#define IDLE_SURE      (60 * PATH_SECOND)

/*
 * The client's FIN, said again and again until its last packet, and nothing of the server since;
 * frame 0 = not so.
 */
static struct moment
close_unanswered(const struct way *w)
{
	struct moment none = { 0 };

	if (!moment_is(&w->a->fin) || !moment_is(&w->a->last) || w->b->last.ns >= w->a->fin.ns ||
	    moment_is(&w->b->rst))
		return none;
	return way_lasted(w, w->a->fin.ns, w->a->last.ns) >= REPEATED_LEAST ? w->a->fin : none;
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

/*
 * A new connection of the two, to the same port, that came to stand while the close was said again.
 */
static const struct mail_case *
new_works(const struct way *w)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.server_port = w->c->conn->server.port,
		.from_ns = w->a->fin.ns,
		.to_ns = w->a->last.ns };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x != w->c && x->has_conn && x->point == w->c->point &&
		    moment_is(&x->conn->handshake) && x->conn->handshake.ns < w->a->last.ns)
			return x;
	return NULL;
}

static struct finding *
say_hangup(const struct way *w, enum finding_kind kind, enum confidence conf, int64_t idle,
    struct verdicts *out)
{
	struct finding *f = verdict_add(out, kind, way_gate(w, absence(w->c, conf)), w->c, 0);

	finding_subkind(f, "hangup");
	finding_span(f, &w->a->data_last, &w->a->last);
	evidence_frame(
	    finding_says(f, w->c->point,
		"the last that the client said, acknowledged by TCP; the answer to it is due"),
	    &w->a->data_last);
	evidence_frame(
	    finding_says(f, w->c->point,
		"%.1f s without a packet of the server, then the client closes", seconds(idle)),
	    &w->a->fin);
	evidence_frame(
	    finding_says(f, w->c->point,
		"%.1f s later it still repeats its close: nobody answers that either, as every host does that lives and is "
		"reached",
		seconds(way_lasted(w, w->a->fin.ns, w->a->last.ns))),
	    &w->a->last);
	return f;
}

static void
judge_forgotten(
    const struct way *w, const struct mail_case *other, int64_t idle, struct verdicts *out)
{
	bool longish = idle >= IDLE_SURE;
	struct finding *f = say_hangup(w, FINDING_IDLE_STATE_EXPIRED,
	    longish ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE, idle, out);

	evidence_frame(
	    finding_says(f, other->point, "a new connection to the same port works meanwhile"),
	    &other->conn->handshake);
	finding_summary(f,
	    "The client waited %.1f s for an answer and gave up; nobody answers its close either, while a new connection works. A firewall or NAT router "
	    "on the way %s forgotten the silent connection: then an answer was lost there.",
	    seconds(idle), longish ? "has probably" : "may have");
	finding_remedy(f,
	    "Let the firewall or NAT router keep silent connections for longer than the server needs for its answers (RFC 5382: two hours; RFC 5321: up to ten "
	    "minutes behind a mail). The server may have taken the mail: its log tells.");
	finding_exclude(f, FINDING_PATH_OUTAGE,
	    "the line carried a new connection while this one was still not heard");
	finding_next_capture(f, "a forgotten connection", "a line that failed for a while",
	    "whether the server did answer", "at the server");
}

static void
judge_dead(const struct way *w, int64_t idle, struct verdicts *out)
{
	struct finding *f = say_hangup(w, FINDING_PATH_OUTAGE, CONFIDENCE_POSSIBLE, idle, out);

	finding_summary(f,
	    "The client waited %.1f s for an answer and gave up; nobody answers its close either: from some moment of that wait on the path was dead, or the "
	    "server's host, or a firewall or NAT router on the way had forgotten the silent connection.",
	    seconds(idle));
	finding_remedy(f,
	    "Look at the line and at the server's host at that time. The server may have taken what the client had sent: its log tells.");
	finding_exclude(f, FINDING_CLIENT_GAVE_UP_WAITING,
	    "the server's host does not answer the close: it was not only slow");
	finding_next_capture(f, "a path that died",
	    "a server that was gone, or a connection that was forgotten", "what the server sent",
	    "at the server");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct way w = way_of(v, v->c, 0);
	const struct mail_case *other;
	struct moment closed;
	int64_t idle;

	if (!v->c->has_conn || !way_two_sided(&w) || case_one_sided(v->c) || !answer_is_due(v->c) ||
	    verdict_troubled(out, v->c, -1, 4, 7))
		return;
	closed = close_unanswered(&w);
	if (!moment_is(&closed))
		return;
	idle = way_lasted(
	    &w, w.b->last.ns > w.a->data_last.ns ? w.b->last.ns : w.a->data_last.ns, closed.ns);
	other = new_works(&w);
	if (other != NULL && idle >= IDLE_LEAST)
		judge_forgotten(&w, other, idle, out);
	else if (other == NULL)
		judge_dead(&w, idle, out);
}

const struct rule rule_hangup = { "hangup", RULE_MAIL, judge, true };
