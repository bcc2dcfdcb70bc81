/*
 * rule_late.c - a greeting that comes late, or later than the client waits (diagnosis 1B:
 * slow-banner, ident-delay).
 */
#include "correlator/facts/beside.h"
#include "correlator/facts/greeting_wait.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/symptom.h"

enum { LOOKED = 64 };

#define ABOUT_THEN (3600 * SECOND)

/* ---- in other connections ------------------------------------------------------------------ */

static bool
same_ring(const struct mail_case *x, const struct mail_case *y)
{
	const struct mail_case *at = x;

	do {
		if (at == y)
			return true;
	} while ((at = at->copy) != x);
	return false;
}

/*
 * The next one of the run at about the time of c, from *i on; seen at the same place, of the same
 * port.
 */
static const struct mail_case *
run_next(const struct view *v, struct case_run run, size_t from, size_t *i)
{
	const struct mail_case *c = v->c;

	while (lookup_may(v->lookups, *i, run.n - from, LOOKED)) {
		const struct mail_case *x = run.at[from + (*i)++];

		if (x->conn->first.ns > c->conn->first.ns + ABOUT_THEN)
			break;
		if (x->conn->server.port == c->conn->server.port && case_same_place(x, c) &&
		    !same_ring(x, c))
			return x;
	}
	return NULL;
}

/*
 * Another connection to this service at about that time, whose greeting took longer than this one
 * waited; NULL: none is known.
 */
static const struct mail_case *
later_elsewhere(const struct view *v, int64_t waited)
{
	struct case_run run =
	    lookup_cases(v->lookups, LOOKUP_GREETED_LATE_BY_SERVER, &v->c->conn->server.ip);
	size_t from = case_run_before(run, v->c->conn->first.ns - ABOUT_THEN);
	const struct mail_case *x;

	for (size_t i = 0; (x = run_next(v, run, from, &i)) != NULL;)
		if (greeting_wait(x) > waited)
			return x;
	return NULL;
}

/* Another one of this client to the same port, in which it left without a greeting. */
static const struct mail_case *
given_up_elsewhere(const struct view *v)
{
	struct case_run run =
	    lookup_cases(v->lookups, LOOKUP_GAVE_UP_OF_CLIENT, &v->c->conn->client.ip);
	size_t i = 0;

	return run_next(v, run, case_run_before(run, v->c->conn->first.ns - ABOUT_THEN), &i);
}

/* ---- the client left before it --------------------------------------------------------------- */

static void
remedy_given_up(const struct mail_case *c, struct finding *f)
{
	finding_remedy(f,
	    "The client waits less than the server takes: raise the server time-out of the program that sends%s. At the server see what holds up the "
	    "greeting: a slow reverse DNS lookup of the client's address, %soverload.",
	    case_is_pop(c) ? " and fetches" : " (RFC 5321 asks for five minutes)",
	    case_is_pop(c)
		? ""
		: "a greet pause or postscreen, a mail filter (milter) that does not answer, ");
}

static void
say_given_up(const struct mail_case *c, const struct moment *left, struct verdicts *out)
{
	const struct moment *at = &c->session->greeting.at;
	struct finding *f =
	    verdict_add(out, FINDING_SLOW_BANNER, absence(c, CONFIDENCE_PROBABLE), c, 1);
	char waited[32], took[32], after[32];

	f->severity = SEVERITY_ERROR;
	finding_subkind(f, "gave-up");
	symptom_seconds(case_waited(c, &c->conn->handshake, left), waited);
	symptom_seconds(greeting_wait(c), took);
	symptom_seconds(case_waited(c, left, at), after);
	evidence_frame(finding_says(f, c->point, "the connection stands"), &c->conn->handshake);
	evidence_frame(finding_says(f, c->point, "the client gives up, %s later", waited), left);
	evidence_frame(
	    finding_says(f, c->point, "the greeting ends %s after the handshake", took), at);
	finding_summary(
	    f, "The client gave up after %s; the greeting came %s later.", waited, after);
	remedy_given_up(c, f);
}

/*
 * No byte came in this connection; would one have come?  In another one it did, later than this
 * client waits.  No more is said: what held it up may be another thing here.
 */
static void
judge_ungreeted(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c, *x;
	struct moment left = greeting_given_up(c);
	int64_t waited = case_waited(c, &c->conn->handshake, &left);
	char here[32], there[32], client[ADDR_TEXT];
	struct finding *f;

	if (!moment_is(&left) || beside_ident_pending(v, left.ns) != NULL ||
	    (x = later_elsewhere(v, waited)) == NULL)
		return;
	f = verdict_add(out, FINDING_SLOW_BANNER, absence(c, CONFIDENCE_PROBABLE), c, 1);
	f->severity = SEVERITY_ERROR;
	finding_subkind(f, "gave-up");
	symptom_seconds(waited, here);
	symptom_seconds(greeting_wait(x), there);
	evidence_frame(finding_says(f, c->point, "the connection stands"), &c->conn->handshake);
	evidence_frame(finding_says(f, c->point,
			   "no byte from the server in %s; then the client gave up", here),
	    &left);
	evidence_frame(
	    finding_says(f, x->point, "%s is greeted by this server, %s after its handshake",
		addr_format(&x->conn->client.ip, client, sizeof(client)), there),
	    &x->session->greeting.at);
	finding_exclude(f, FINDING_CONNECTED_NO_BANNER,
	    "the server does greet, but takes longer for it than this client waits");
	finding_summary(f,
	    "The client gave up after %s without a greeting; in another connection this server took %s to greet.",
	    here, there);
	remedy_given_up(c, f);
}

/* ---- it came, late ----------------------------------------------------------- */

static void
say_ident(
    const struct mail_case *c, const struct mail_case *ident, int64_t delay, struct verdicts *out)
{
	struct finding *f =
	    verdict_add(out, FINDING_IDENT_DELAY, absence(c, CONFIDENCE_CONFIRMED), c, 1);
	struct moment left = greeting_given_up(c);

	evidence_frame(
	    finding_says(f, ident->point, "the server asks back (TCP port 113), unanswered"),
	    &ident->conn->first);
	evidence_frame(
	    finding_says(f, c->point, "its greeting comes %lld.%lld s after the handshake",
		(long long)(delay / SECOND), (long long)(delay % SECOND / 100000000)),
	    &c->session->greeting.at);
	if (moment_is(&left))
		evidence_frame(
		    finding_says(f, c->point, "before that the client had given up"), &left);
	finding_exclude(f, FINDING_SLOW_BANNER, "the wait is the ident query's");
	finding_summary(f,
	    "The greeting came %lld s late%s: the server first waited for an ident answer that a filter drops.",
	    (long long)(delay / SECOND), moment_is(&left) ? ", when the client had given up" : "");
}

/* A client that has left after so long may do so here the next time. */
static void
say_patience(const struct view *v, struct finding *f, int64_t delay)
{
	const struct mail_case *x = given_up_elsewhere(v);
	struct moment left = x != NULL ? greeting_given_up(x) : (struct moment){ 0 };
	char waited[32];
	int64_t waits;

	if (!moment_is(&left) || delay < (waits = case_waited(x, &x->conn->handshake, &left)) / 2)
		return;
	f->severity = SEVERITY_WARNING;
	f->confidence = absence(v->c, CONFIDENCE_PROBABLE);
	evidence_frame(finding_says(f, x->point,
			   "in another connection this client gave up after %s without a greeting",
			   symptom_seconds(waits, waited)),
	    &left);
}

static void
judge_late(const struct view *v, int64_t delay, struct verdicts *out)
{
	const struct mail_case *c = v->c,
			       *ident = delay >= 4 * SECOND
	    ? beside_ident_pending(v, c->session->greeting.at.ns)
	    : NULL;
	const struct moment *at = &c->session->greeting.at;
	struct moment left = greeting_given_up(c);
	struct finding *f;

	if (ident != NULL) {
		say_ident(c, ident, delay, out);
		return;
	}
	if (moment_is(&left) && (case_is_pop(c) || reply_digit(&c->session->greeting) < 4)) {
		say_given_up(c, &left, out);
		return;
	}
	if (delay < GREETING_LATE)
		return;
	f = verdict_add(out, FINDING_SLOW_BANNER,
	    absence(c, delay >= 30 * SECOND ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), c, 1);
	if (delay >= 30 * SECOND)
		f->severity = SEVERITY_WARNING;
	evidence_frames(
	    finding_says(f, c->point, "handshake, and the end of the greeting %lld.%lld s later",
		(long long)(delay / SECOND), (long long)(delay % SECOND / 100000000)),
	    &c->conn->handshake, at);
	say_patience(v, f, delay);
	finding_summary(f, "The greeting took %lld s.", (long long)(delay / SECOND));
	if (case_is_pop(c))
		finding_remedy(f,
		    "Most often it is a slow reverse DNS lookup of the client's address, or overload, at the server. Raise the program's server "
		    "time-out if it gives up.");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (!greeting_expected(c) || !moment_is(&c->conn->handshake))
		return;
	if (c->conn->dir[1].stream_bytes == 0)
		judge_ungreeted(v, out);
	else if (c->session != NULL && (case_is_pop(c) || case_is_smtp(c)) &&
	    moment_is(&c->session->greeting.at))
		judge_late(v, case_waited(c, &c->conn->handshake, &c->session->greeting.at), out);
}

const struct rule rule_late = { "late", RULE_CASE, judge, false };
