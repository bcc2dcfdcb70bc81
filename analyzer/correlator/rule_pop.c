/* rule_pop.c - POP3: refusals in words, messages cut, sessions without QUIT (diagnosis 1D, 0.7). */
#include <stdio.h>
#include <string.h>

#include "dialogue.h"

static bool
closed(const struct mail_case *c)
{
	return case_first_closer(c) >= 0;
}

/* ---- -ERR ------------------------------------------------------------------------------ */

/* Words decide; a bare refusal of a login is probably the password (RFC 3206, 3). */
static bool
classify(const struct view *v, const struct refusal *r, struct reply_class *cl)
{
	struct reply_context ctx = { .stage = r->stage, .pop = true, .after_gap = case_missing_dir(v->c, 1) };

	reply_classify(v->replies, r->reply, &ctx, cl);
	if (cl->kind != FINDING_KINDS)
		return true;
	cl->product = "";
	cl->confidence = CONFIDENCE_PROBABLE;
	if (strcasestr(r->reply->text, "[AUTH]") != NULL || r->stage == 'P')
		cl->kind = FINDING_POP_AUTH_FAILED;
	else if (strcmp(r->verb, "RETR") == 0)
		cl->kind = FINDING_POP_NO_SUCH_MESSAGE;
	else if (r->stage == 'C')
		cl->kind = FINDING_POP_SERVER_ERROR;
	return cl->kind != FINDING_KINDS;
}

/* Another session of the same mailbox that overlaps, or that ended without QUIT up to 30 min before. */
static const struct mail_case *
locker_find(const struct view *v)
{
	const struct mail_case *c = v->c, *x;
	struct case_iter it = { .server = &c->conn.server.ip, .server_port = c->conn.server.port,
		.from_ns = c->conn.first.ns - 7200 * SECOND, .to_ns = c->conn.last.ns };

	if (c->session->user_hash[0] == '\0')
		return NULL;
	while ((x = store_case_next(v->store, &it)) != NULL) {
		if (x == c || x->point != c->point || x->session == NULL || x->session->logins_ok == 0 ||
		    strcmp(x->session->user_hash, c->session->user_hash) != 0)
			continue;
		if (x->conn.last.ns >= c->conn.first.ns || (!x->session->quit_ok && x->conn.last.ns >= c->conn.first.ns - 1800 * SECOND))
			return x;
	}
	return NULL;
}

static void
say_locker(const struct view *v, struct finding *f)
{
	const struct mail_case *x = locker_find(v);

	if (x == NULL)
		return;
	evidence_frame(finding_says(f, x->point, x->conn.last.ns >= v->c->conn.first.ns ?
	    "another session of the same user overlaps" : "an earlier session of the same user ended without QUIT"), &x->conn.first);
}

static void
judge_refusal(const struct view *v, const struct refusal *r, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct reply_class cl;
	char quote[256];
	struct finding *f;

	if (!classify(v, r, &cl))
		return;
	if (r->unsolicited && (c->session->quit_ok || c->session->retrieved > 0 || c->session->logins_ok > 0))
		return;			/* an idle session was closed */
	f = verdict_add(out, cl.kind, cl.confidence, c, 0);
	finding_subkind(f, cl.subkind);
	finding_span(f, moment_is(&r->asked) ? &r->asked : &r->reply->at, &r->reply->at);
	finding_reply(f, r->reply);
	reply_quote(r->reply, true, quote, sizeof(quote));
	evidence_frame(evidence_frame(finding_says(f, c->point, "%.60s is answered \"%s\"", r->line, quote), &r->asked), &r->reply->at);
	finding_summary(f, "%s: the server answered \"%s\".", kind_facts(cl.kind)->title, quote);
	if (cl.kind == FINDING_POP_LOCKED)
		say_locker(v, f);
	if (cl.kind == FINDING_POP_AUTH_FAILED && cl.how != REPLY_BY_TEXT)
		finding_next_capture(f, "a wrong password", "a locked mailbox or a fault of the server", "a reason in the server's words",
		    "nothing new on the wire; read the server's log for this login, or capture");
}

/* ---- messages and the end of the session --------------------------------------------------- */

static const struct record_message *
message_cut(const struct mail_case *c)
{
	for (uint32_t i = c->message_count; i > 0; i--)
		if (c->messages[i - 1].state == MESSAGE_CUT)
			return &c->messages[i - 1];
	return NULL;
}

static bool
path_bad(const struct mail_case *c)
{
	const struct record_direction *client = &c->conn.dir[0];

	/* the client itself stopped reading: zero-window-stall's business */
	return case_stalled(c) || (moment_is(&client->zero_from) && client->zero_to.ns >= c->conn.last.ns - 5 * SECOND);
}

static void
judge_incomplete(const struct mail_case *c, struct verdicts *out)
{
	const struct record_message *m = message_cut(c);
	int closer = case_first_closer(c);
	struct moment end = closer >= 0 ? case_closed(c, closer) : c->conn.last;
	struct finding *f;

	if (m == NULL || closer < 0 || path_bad(c))
		return;
	f = verdict_add(out, FINDING_POP_INCOMPLETE, absence(c, CONFIDENCE_PROBABLE), c, 1);
	evidence_frame(finding_says(f, c->point, "message %u begins; %llu bytes of it came%s", m->number, (unsigned long long)m->bytes,
	    m->listed_size > m->bytes ? ", less than LIST said" : ""), &m->first);
	evidence_frame(finding_says(f, c->point, "the %s closes before its end", closer == 0 ? "client" : "server"), &end);
	finding_summary(f, "Message %u was cut off: the %s closed the connection before its end.", m->number, closer == 0 ? "client" : "server");
}

static void
judge_duplicates(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct finding *f;

	if (s->deleted == 0 || moment_is(&s->quit) || !closed(c))
		return;
	f = verdict_add(out, FINDING_POP_DUPLICATE_DOWNLOAD, absence(c, CONFIDENCE_PROBABLE), c, 0);
	evidence_frame(finding_says(f, c->point, "%u messages were marked for deletion and the session ended without QUIT", s->deleted),
	    &c->conn.last);
	finding_summary(f, "The session ended before QUIT: %u fetched messages stay on the server and come again.", s->deleted);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	struct refusal r[REFUSALS_MAX];
	size_t n;

	if (c->session == NULL || !case_is_pop(c) || c->session->tls)
		return;
	n = refusals_gather(c, r, REFUSALS_MAX);
	for (size_t i = 0; i < n; i++)
		judge_refusal(v, &r[i], out);
	judge_incomplete(c, out);
	judge_duplicates(c, out);
}

const struct rule rule_pop = { "pop", RULE_CASE, judge };
