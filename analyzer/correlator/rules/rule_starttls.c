/* rule_starttls.c - STARTTLS and STLS that are not offered, or refused (diagnosis 1C, 0.7). */
#include "correlator/facts/symptom.h"

enum { POP_OK = 1 }; /* record_reply.code of +OK */

#define NOT_JUST_NOW \
	"The server's TLS does not work just now: its owner must look at certificate and key; until then another port or server helps."

/* It insists: without encryption it sends nothing and logs in nowhere; it goes, or stands still. */
static void
say_insists(
    const struct mail_case *c, struct finding *f, const struct moment *refused, const char *what)
{
	const struct record_session *s = c->session;
	struct moment end;
	int64_t silent;
	char took[32];

	if (c->transaction_count > 0 || s->auth_tried || s->logins_ok + s->logins_refused > 0)
		return;
	silent = symptom_client_silent(c, refused, &end);
	if (moment_is(&s->quit) || case_first_closer(c) == 0)
		evidence_frame(finding_says(f, c->point, "then the client leaves: %s", what),
		    moment_is(&s->quit) ? &s->quit : &end);
	else if (silent >= SILENT_LEAST)
		finding_says(f, c->point, "the client says nothing more for %s: %s",
		    symptom_seconds(silent, took), what);
	else
		return;
	f->severity = SEVERITY_WARNING;
}

/*
 * Asked for and not there: from absence alone nobody can tell a server without TLS from a device
 * that hides it.
 */
static void
judge_not_offered(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const struct record_reply *r = &s->starttls_reply;
	bool seen = s->ehlo_answered && !s->offer_cut && !case_missing(c);
	char quote[256];
	struct finding *f;

	if (!s->starttls_tried || s->starttls_offered || reply_digit(r) != 5 ||
	    s->masked_keywords[0] != '\0' || (!seen && r->code != 500 && r->code != 502))
		return;
	f = verdict_add(
	    out, FINDING_TLS_NOT_OFFERED, seen ? CONFIDENCE_CONFIRMED : CONFIDENCE_POSSIBLE, c, 1);
	finding_span(f, &r->at, &r->at);
	finding_reply(f, r);
	reply_quote(r, false, quote, sizeof(quote));
	if (seen)
		evidence_frames(
		    finding_says(f, c->point,
			"EHLO is answered without STARTTLS; the client asks for it and gets \"%s\"",
			quote),
		    &s->capabilities_at, &r->at);
	else
		evidence_frame(
		    finding_says(f, c->point,
			"the client asks for STARTTLS and gets \"%s\"; what EHLO offered is not in the capture",
			quote),
		    &r->at);
	finding_summary(f,
	    seen
		? "The client wants STARTTLS, which this server does not offer."
		: "The client wants STARTTLS, which this server does not know, or a device in between hides from it.");
	say_insists(c, f, &r->at, "no mail was sent");
	finding_next_capture(f, "a server without TLS",
	    "a device that removes STARTTLS from its answer",
	    "the same answer as the server sent it", "at the server");
}

/*
 * POP3, which has one negative reply (RFC 2595 4): behind a login STLS is out of place, and says
 * nothing of TLS.
 */
static void
judge_pop_refused(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const struct record_reply *r = &s->starttls_reply;
	bool seen = moment_is(&s->capabilities_at) && moment_before(&s->capabilities_at, &r->at) &&
	    !s->offer_cut && !case_missing(c);
	char quote[256];
	struct finding *f;

	if (!s->starttls_tried || s->tls || !moment_is(&r->at) || r->code == POP_OK ||
	    (moment_is(&s->auth_at) && moment_before(&s->auth_at, &r->at)) || case_midstream(c))
		return;
	reply_quote(r, true, quote, sizeof(quote));
	if (s->starttls_offered && reply_has_words(r, "unknown command")) {
		f = verdict_add(out, FINDING_STARTTLS_STRIPPED, CONFIDENCE_POSSIBLE, c, 0);
		evidence_frames(
		    finding_says(f, c->point, "STLS was offered and is answered \"%s\"", quote),
		    &s->capabilities_at, &r->at);
		finding_summary(f,
		    "STLS is answered as an unknown command by a server that offered it: something rewrites the command on its way, or the server offers "
		    "what it does not do.");
		finding_remedy(f,
		    "Set the client to SSL/TLS on port 995. A firewall or mail guard between client and server may rewrite STLS; a capture at the server shows what "
		    "arrives there.");
	} else if (s->starttls_offered) {
		f = verdict_add(out, FINDING_TLS_FAILURE, CONFIDENCE_PROBABLE, c, 0);
		finding_subkind(f, "starttls-refused");
		evidence_frames(finding_says(f, c->point,
				    "the server offers STLS, and answers it \"%s\"", quote),
		    &s->capabilities_at, &r->at);
		finding_summary(f, "The server refuses to start TLS: \"%s\".", quote);
		finding_remedy(f, NOT_JUST_NOW);
	} else {
		f = verdict_add(out, FINDING_TLS_NOT_OFFERED,
		    seen ? CONFIDENCE_CONFIRMED : CONFIDENCE_POSSIBLE, c, 1);
		evidence_frame(
		    finding_says(f, c->point,
			seen
			    ? "CAPA is answered without STLS; the client asks for it and gets \"%s\""
			    : "the client asks for STLS and gets \"%s\"; what the server offers is not in the capture",
			quote),
		    &r->at);
		finding_summary(f,
		    "The client wants encryption (STLS), which this server does not offer on port %u.",
		    c->conn->server.port);
		finding_remedy(f,
		    "Set the client to SSL/TLS on port 995, or to no encryption; or have TLS switched on at the server.");
		say_insists(c, f, &r->at, "no mail was fetched");
	}
	finding_span(f, &r->at, &r->at);
	finding_reply(f, r);
}

/* "too many new TLS sessions": the client did too much, the server's TLS works. */
static bool
judge_limited(
    const struct view *v, const struct record_reply *r, const char *quote, struct verdicts *out)
{
	struct reply_context ctx = { .stage = 'S', .greeting = v->c->session->greeting.text };
	struct reply_class cl;
	struct finding *f;

	reply_classify(v->replies, r, &ctx, &cl);
	if (cl.how != REPLY_BY_TEXT ||
	    (cl.kind != FINDING_RATE_LIMITED && cl.kind != FINDING_TOO_MANY_CONNECTIONS))
		return false;
	f = verdict_add(out, cl.kind, cl.confidence, v->c, 0);
	finding_subkind(f, cl.subkind);
	finding_span(f, &r->at, &r->at);
	finding_reply(f, r);
	evidence_frame(finding_says(f, v->c->point, "STARTTLS is answered \"%s\"", quote), &r->at);
	finding_summary(
	    f, "%s: the server answered \"%s\" to STARTTLS.", kind_facts(cl.kind)->title, quote);
	return true;
}

static void
judge_refused(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct record_reply *r = &c->session->starttls_reply;
	const struct finding *unoffered = verdict_claimed(out, c, 1, FINDING_TLS_NOT_OFFERED);
	char quote[256];
	struct finding *f;

	if (unoffered != NULL && unoffered->confidence == CONFIDENCE_CONFIRMED)
		return; /* nothing of its TLS fails: it is switched off */
	if (!moment_is(&r->at) || reply_digit(r) < 4 ||
	    ((r->code == 500 || r->code == 502) &&
		(!c->session->starttls_offered || !reply_names_tls(r))))
		return;
	if (judge_limited(v, r, reply_quote(r, false, quote, sizeof(quote)), out))
		return;
	/* a limit looks so, too: the words say it, and they may be cut */
	f = verdict_add(out, FINDING_TLS_FAILURE,
	    r->code == 454 && c->conn->dir[1].cut_bytes == 0 ? CONFIDENCE_CONFIRMED
							     : CONFIDENCE_POSSIBLE,
	    c, 0);
	finding_subkind(f, "starttls-refused");
	finding_span(f, &r->at, &r->at);
	finding_reply(f, r);
	evidence_frame(finding_says(f, c->point, "STARTTLS is answered \"%s\"", quote), &r->at);
	finding_summary(f, "The server refuses to start TLS: \"%s\".", quote);
	finding_remedy(f,
	    c->conn->dir[1].cut_bytes == 0
		? NOT_JUST_NOW
		: "The snap length cut what the server says: capture whole packets (tcpdump -s 0). It may be a "
		  "limit of sessions, or the server's TLS does not work.");
	finding_client_shows(f, "0x800CCC7F (454 STARTTLS failed)");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL || verdict_claimed(out, c, -1, FINDING_TLS_MODE_MISMATCH) != NULL)
		return;
	if (case_is_smtp(c)) {
		judge_not_offered(c, out);
		judge_refused(v, out);
	} else if (case_is_pop(c)) {
		judge_pop_refused(c, out);
	}
}

const struct rule rule_starttls = { "starttls", RULE_CASE, judge, false };
