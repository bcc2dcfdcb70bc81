/*
 * rule_left.c - auth-not-offered, tls-not-offered (left): a client says EHLO,
 * reads what is offered, and leaves.  Programs that must log in or encrypt do
 * so where they may not; so does a monitor that only looks, which is why port
 * 25, where monitors are many and few clients insist, needs another sign.
 */
#include "correlator/facts/lookup.h"
#include "reply_reading.h"

enum { LOOKED = 64 };
#define AT_ONCE	(5 * SECOND)

/* When it left: QUIT, or a close without it.  Frame 0: it did not, or did more than look. */
static struct moment
left_at_hello(const struct reading *g)
{
	const struct record_session *s = g->s;
	struct moment never = { 0 }, left = moment_is(&s->quit) ? s->quit : case_first_closer(g->c) == 0 ? case_closed(g->c, 0) : never;

	if (!reading_login_known(g) || s->starttls_tried || s->tls || s->commands != 1 + (uint32_t)moment_is(&s->quit) || s->refusal_count > 0 ||
	    g->c->transaction_count > 0)
		return never;
	if (!moment_is(&left) || (!moment_is(&s->quit) && case_waited(g->c, &s->capabilities_at, &left) > AT_ONCE))
		return never;
	return left;
}

/* It encrypts on this port where it may, and goes on: a monitor that only looks does not. */
static const struct mail_case *
encrypts_elsewhere(const struct reading *g)
{
	struct case_iter it = { .client = &g->c->conn->client.ip, .server_port = g->c->conn->server.port };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(g->v->lookups, &it, &looked, LOOKED)) != NULL; )
		if (x->session != NULL && x->point == g->c->point && x->session->starttls_tried && x->session->tls_finished && x->session->tls_spoke)
			return x;
	return NULL;
}

static void
say_left(struct finding *f, const struct reading *g, const struct moment *left, const char *offer)
{
	finding_subkind(f, "left");
	f->severity = SEVERITY_INFO;
	finding_span(f, &g->s->capabilities_at, left);
	evidence_frame(finding_says(f, g->c->point, "EHLO is answered %s", offer), &g->s->capabilities_at);
	evidence_frame(finding_says(f, g->c->point, moment_is(&g->s->quit) ? "the client says QUIT at once" : "the client closes at once"), left);
}

static void
judge_login(const struct reading *g, const struct moment *left)
{
	struct finding *f = verdict_add(g->out, FINDING_AUTH_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 0);

	say_left(f, g, left, "with STARTTLS and without a login (AUTH)");
	finding_summary(f, "The client left when it had read what the server offers: no login without encryption (STARTTLS).");
	finding_remedy(f, "If the mail program says that the server offers no login: switch encryption on for this server and port (STARTTLS). A monitor that only "
	    "says EHLO looks the same.");
	finding_next_capture(f, "a program that was to log in", "a monitor that only looked", "what the program itself says (its log)", "the next attempt as well");
}

static void
judge_encryption(const struct reading *g, const struct moment *left)
{
	const struct mail_case *x = g->c->conn->server.port == 25 ? encrypts_elsewhere(g) : NULL;
	struct finding *f;

	if ((g->c->conn->server.port == 25 && x == NULL) || verdict_claimed(g->out, g->c, -1, FINDING_STARTTLS_STRIPPED) != NULL)
		return;
	f = verdict_add(g->out, FINDING_TLS_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 1);
	say_left(f, g, left, g->s->auth_offered ? "with a login (AUTH) and without STARTTLS" : "without STARTTLS");
	if (x != NULL)
		evidence_frame(finding_says(f, x->point, "on another connection the same client asks for STARTTLS and encrypts"), &x->session->tls_at);
	finding_summary(f, "The client left when it had read what the server offers: no encryption (STARTTLS).");
	finding_remedy(f, "If the client says that the server offers no TLS: it is set to encrypt, and this server does not on this port%s. A monitor that only "
	    "says EHLO looks the same.", x != NULL ? ", or a device in between hides it" : ", or a device in between hides it; try port 465");
	finding_next_capture(f, "a client that must encrypt", "a monitor that only looked, or a client that missed something else", "what the client itself says (its log)",
	    "the next attempt as well");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct reading g = { .v = v, .c = v->c, .s = v->c->session, .out = out };
	struct moment left;

	if (g.s == NULL || !case_is_smtp(v->c) || (v->c->conn->server.port != 587 && v->c->conn->server.port != 25))
		return;
	g.blind = reading_blind(v->c);
	left = left_at_hello(&g);
	if (!moment_is(&left))
		return;
	if (!g.s->starttls_offered && g.s->masked_keywords[0] == '\0')
		judge_encryption(&g, &left);
	else if (g.s->starttls_offered && !g.s->auth_offered && v->c->conn->server.port == 587)
		judge_login(&g, &left);
}

const struct rule rule_left = { "left", RULE_CASE, judge };
