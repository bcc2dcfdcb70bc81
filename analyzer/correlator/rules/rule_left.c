/*
 * rule_left.c - auth-not-offered, tls-not-offered (left): a client says EHLO
 * or CAPA, reads what is offered, and leaves.  Programs that must log in or encrypt do
 * so where they may not; so does a monitor that only looks, which is why port
 * 25, where monitors are many and few clients insist, needs another sign.
 */
#include <stdio.h>

#include "correlator/facts/lookup.h"
#include "reply_reading.h"

enum { LOOKED = 64 };
#define AT_ONCE (5 * SECOND)

/* How this is said in SMTP and in POP3. */
static const struct dialect {
	const char *hello, *encrypt, *login, *tls_port;
} smtp = { "EHLO", "STARTTLS", "AUTH", "465" }, pop = { "CAPA", "STLS", "USER", "995" };

/* What was offered is in the capture, from the beginning on. */
static bool
offer_known(const struct reading *g)
{
	if (case_is_pop(g->c))
		return moment_is(&g->s->capabilities_at) && !case_midstream(g->c) && !g->blind &&
		    !case_missing(g->c) && !g->s->offer_cut;
	return reading_login_known(g);
}

/* When it left: QUIT, or a close without it.  Frame 0: it did not, or did more than look. */
static struct moment
left_at_hello(const struct reading *g)
{
	const struct record_session *s = g->s;
	struct moment never = { 0 },
		      left = moment_is(&s->quit) ? s->quit
	    : case_first_closer(g->c) == 0       ? case_closed(g->c, 0)
						 : never;

	if (!offer_known(g) || s->starttls_tried || s->tls ||
	    s->commands != 1 + (uint32_t)moment_is(&s->quit) || s->refusal_count > 0 ||
	    g->c->transaction_count > 0)
		return never;
	if (!moment_is(&left) ||
	    (!moment_is(&s->quit) && case_waited(g->c, &s->capabilities_at, &left) > AT_ONCE))
		return never;
	return left;
}

/* It encrypts on this port where it may, and goes on: a monitor that only looks does not. */
static const struct mail_case *
encrypts_elsewhere(const struct reading *g)
{
	struct case_iter it = { .client = &g->c->conn->client.ip,
		.server_port = g->c->conn->server.port };
	const struct mail_case *x;

	for (uint32_t looked = 0; (x = lookup_next(g->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x->session != NULL && x->point == g->c->point && x->session->starttls_tried &&
		    x->session->tls_finished && x->session->tls_spoke)
			return x;
	return NULL;
}

static void
say_left(
    struct finding *f, const struct reading *g, const struct dialect *d, const struct moment *left)
{
	const struct record_session *s = g->s;

	finding_subkind(f, "left");
	f->severity = SEVERITY_INFO;
	finding_span(f, &s->capabilities_at, left);
	evidence_frame(
	    finding_says(f, g->c->point, "%s is answered with%s %s and with%s a login (%s)",
		d->hello, s->starttls_offered ? "" : "out", d->encrypt,
		s->auth_offered ? "" : "out", d->login),
	    &s->capabilities_at);
	evidence_frame(
	    finding_says(f, g->c->point,
		moment_is(&s->quit) ? "the client says QUIT at once" : "the client closes at once"),
	    left);
}

static void
judge_login(const struct reading *g, const struct dialect *d, const struct moment *left)
{
	struct finding *f =
	    verdict_add(g->out, FINDING_AUTH_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 0);

	say_left(f, g, d, left);
	finding_summary(f,
	    "The client left when it had read what the server offers: no login without encryption (%s).",
	    d->encrypt);
	finding_remedy(f,
	    "If the mail program says that the server offers no login: switch encryption on for this server and port (STARTTLS). A monitor that only "
	    "says %s looks the same.",
	    d->hello);
	finding_next_capture(f, "a program that was to log in", "a monitor that only looked",
	    "what the program itself says (its log)", "the next attempt as well");
}

static void
judge_encryption(const struct reading *g, const struct dialect *d, const struct moment *left)
{
	bool insists = g->c->conn->server.port != 25;
	const struct mail_case *x = insists ? NULL : encrypts_elsewhere(g);
	bool login = insists && !g->s->auth_offered;
	char instead[24] = "";
	struct finding *f;

	if ((!insists && x == NULL) ||
	    verdict_claimed(g->out, g->c, -1, FINDING_STARTTLS_STRIPPED) != NULL)
		return;
	f = verdict_add(g->out, FINDING_TLS_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 1);
	say_left(f, g, d, left);
	if (x != NULL)
		evidence_frame(
		    finding_says(f, x->point,
			"on another connection the same client asks for STARTTLS and encrypts"),
		    &x->session->tls_at);
	finding_summary(f,
	    login
		? "The client left when it had read what the server offers: neither encryption (%s) nor a login (%s)."
		: "The client left when it had read what the server offers: no encryption (%s).",
	    d->encrypt, d->login);
	if (insists)
		snprintf(instead, sizeof(instead), "; try port %s", d->tls_port);
	finding_remedy(f,
	    "If the client says that the server offers no TLS%s: it is set to %s, and this server does not on this port, or a device in between hides "
	    "it%s. A monitor that only says %s looks the same.",
	    login ? " or no login" : "", login ? "encrypt or to log in" : "encrypt", instead,
	    d->hello);
	finding_next_capture(f, "a client that must encrypt",
	    "a monitor that only looked, or a client that missed something else",
	    "what the client itself says (its log)", "the next attempt as well");
}

static const struct dialect *
dialect_of(const struct mail_case *c)
{
	uint16_t port = c->conn->server.port;

	return case_is_smtp(c) && (port == 587 || port == 25) ? &smtp
	    : case_is_pop(c) && port == 110                   ? &pop
							      : NULL;
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct reading g = { .v = v, .c = v->c, .s = v->c->session, .out = out };
	const struct dialect *d;
	struct moment left;

	if (g.s == NULL || (d = dialect_of(v->c)) == NULL)
		return;
	g.blind = reading_blind(v->c);
	left = left_at_hello(&g);
	if (!moment_is(&left))
		return;
	if (!g.s->starttls_offered && g.s->masked_keywords[0] == '\0')
		judge_encryption(&g, d, &left);
	else if (g.s->starttls_offered && !g.s->auth_offered && v->c->conn->server.port != 25)
		judge_login(&g, d, &left);
}

const struct rule rule_left = { "left", RULE_CASE, judge, false };
