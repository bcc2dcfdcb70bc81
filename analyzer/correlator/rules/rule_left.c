/*
 * rule_left.c - auth-not-offered, tls-not-offered (left, silent), auth-mechanism-mismatch (silent):
 * a client says EHLO or CAPA, reads what is offered, and leaves, or says nothing more: a mail
 * program that shows its user an error (Thunderbird) keeps the connection until it is closed.
 * Programs that must log in or encrypt do so where they may not; so does a monitor that only looks,
 * which is why port 25, where monitors are many and few clients insist, needs another sign.
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/lookup.h"
#include "correlator/facts/symptom.h"
#include "record/text.h"
#include "reply_reading.h"

enum { LOOKED = 64, LOGINS = 96 };
#define AT_ONCE (5 * SECOND)

/* How this is said in SMTP and in POP3. */
static const struct dialect {
	const char *hello, *encrypt, *login, *tls_port, *monitor;
} smtp = { "EHLO", "STARTTLS", "AUTH", "465", "A monitor that only says EHLO looks the same." },
  pop = { "CAPA", "STLS", "USER", "995", "A monitor that only says CAPA looks the same." };

/* What was offered is in the capture, from the beginning on. */
static bool
offer_known(const struct reading *g)
{
	if (case_is_pop(g->c))
		return moment_is(&g->s->capabilities_at) && !case_midstream(g->c) && !g->blind &&
		    !case_missing(g->c) && !g->s->offer_cut;
	return reading_login_known(g);
}

/* How a client shows that it does not want, or cannot have, what is offered. */
struct leaving {
	struct moment at; /* what ends its silence, or the capture; frame 0: it did not leave */
	const char *how;
	int64_t silent; /* ns; 0: it left at once */
};

/* EHLO or CAPA is all that it said, but for QUIT; a server's time-out is no answer to it. */
static bool
only_looked(const struct reading *g)
{
	const struct record_session *s = g->s;

	return offer_known(g) && !s->starttls_tried && !s->tls &&
	    s->commands == 1 + (uint32_t)moment_is(&s->quit) && g->c->transaction_count == 0 &&
	    (s->refusal_count == 0 || (s->refusal_count == 1 && session_farewell(g->c)));
}

static struct leaving
silence_of(const struct reading *g)
{
	struct moment end;
	struct leaving l = { .how = "" };

	l.silent = symptom_client_silent(g->c, &g->s->capabilities_at, &end);
	if (l.silent >= SILENT_LEAST)
		l.at = end;
	return l;
}

static struct leaving
left_at_hello(const struct reading *g)
{
	const struct record_session *s = g->s;
	struct leaving l = { .how = "" };

	if (!only_looked(g))
		return l;
	if (moment_is(&s->quit)) {
		l.at = s->quit;
		l.how = "the client says QUIT at once";
	} else if (case_first_closer(g->c) == 0) {
		l.at = case_closed(g->c, 0);
		l.how = "the client closes at once";
	}
	return moment_is(&l.at) && case_waited(g->c, &s->capabilities_at, &l.at) <= AT_ONCE
	    ? l
	    : silence_of(g);
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

/* Not to port 25, where bots and scanners fall silent at servers that need no login. */
static bool
submits(const struct mail_case *c)
{
	return c->conn->server.port != 25;
}

/* Of what is offered the ways to log in, by name: `PLAIN LOGIN'; in POP3 also USER. */
static void
logins_offered(const struct record_session *s, const struct dialect *d, char *names, size_t size)
{
	static const char *const known[] = { "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM",
		"GSSAPI", "EXTERNAL", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256" };
	const char *p = s->capabilities;
	size_t n;

	*names = '\0';
	for (p += strspn(p, " "); *p != '\0'; p += n, p += strspn(p, " ")) {
		bool login = false;

		n = strcspn(p, " ");
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			login |= strlen(known[i]) == n && strncasecmp(p, known[i], n) == 0;
		if (login || (d == &pop && n == 4 && strncasecmp(p, d->login, n) == 0))
			text_words_add(names, size, p, n);
	}
}

static const char *
left_or_silent(const struct leaving *l)
{
	return l->silent > 0 ? "said nothing more" : "left";
}

static const char *
looks_same(const struct leaving *l, const struct dialect *d)
{
	return l->silent > 0 ? "A program that hangs looks the same." : d->monitor;
}

static void
say_left(
    struct finding *f, const struct reading *g, const struct dialect *d, const struct leaving *l)
{
	const struct record_session *s = g->s;
	char took[32], names[LOGINS] = "";

	if (s->auth_offered)
		logins_offered(s, d, names, sizeof(names));

	finding_subkind(f, l->silent > 0 ? "silent" : "left");
	f->severity = SEVERITY_INFO;
	finding_span(f, &s->capabilities_at, &l->at);
	evidence_frame(
	    finding_says(f, g->c->point, "%s is answered with%s %s and with%s a login (%s%s%s)",
		d->hello, s->starttls_offered ? "" : "out", d->encrypt,
		s->auth_offered ? "" : "out", d->login, names[0] != '\0' ? ": " : "", names),
	    &s->capabilities_at);
	if (l->silent > 0)
		finding_says(f, g->c->point,
		    "this came to the client, which said nothing more for %s",
		    symptom_seconds(l->silent, took));
	else
		evidence_frame(finding_says(f, g->c->point, "%s", l->how), &l->at);
}

static void
judge_login(const struct reading *g, const struct dialect *d, const struct leaving *l)
{
	struct finding *f =
	    verdict_add(g->out, FINDING_AUTH_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 0);

	say_left(f, g, d, l);
	finding_summary(f,
	    "The client %s when it had read what the server offers: no login without encryption (%s).",
	    left_or_silent(l), d->encrypt);
	finding_remedy(f,
	    "If the mail program says that the server offers no login: switch encryption on for this server and port (STARTTLS). %s",
	    looks_same(l, d));
	finding_next_capture(f, "a program that was to log in",
	    l->silent > 0 ? "one that hung" : "a monitor that only looked",
	    "what the program itself says (its log)", "the next attempt as well");
}

static void
judge_encryption(const struct reading *g, const struct dialect *d, const struct leaving *l)
{
	bool insists = submits(g->c) || (l->silent > 0 && g->s->auth_offered);
	const struct mail_case *x = insists ? NULL : encrypts_elsewhere(g);
	bool login = insists && !g->s->auth_offered;
	char instead[24] = "", other[80 + LOGINS] = "", names[LOGINS];
	struct finding *f;

	if ((!insists && x == NULL) ||
	    verdict_claimed(g->out, g->c, -1, FINDING_STARTTLS_STRIPPED) != NULL)
		return;
	f = verdict_add(g->out, FINDING_TLS_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 1);
	say_left(f, g, d, l);
	if (x != NULL)
		evidence_frame(
		    finding_says(f, x->point,
			"on another connection the same client asks for STARTTLS and encrypts"),
		    &x->session->tls_at);
	if (g->s->auth_offered) {
		logins_offered(g->s, d, names, sizeof(names));
		snprintf(other, sizeof(other),
		    " If it says that its way to log in is not supported: what is offered here is %s.",
		    names[0] != '\0' ? names : "none that is known");
	}
	finding_summary(f,
	    login
		? "The client %s when it had read what the server offers: neither encryption (%s) nor a login (%s)."
		: "The client %s when it had read what the server offers: no encryption (%s).",
	    left_or_silent(l), d->encrypt, d->login);
	if (insists)
		snprintf(instead, sizeof(instead), "; try port %s", d->tls_port);
	finding_remedy(f,
	    "If the client says that the server offers no TLS%s: it is set to %s, and this server does not on this port, or a device in between hides "
	    "it%s.%s %s",
	    login ? " or no login" : "", login ? "encrypt or to log in" : "encrypt", instead, other,
	    looks_same(l, d));
	finding_next_capture(f, "a client that must encrypt",
	    l->silent > 0 ? "one that hung, or missed something else"
			  : "a monitor that only looked, or a client that missed something else",
	    "what the client itself says (its log)", "the next attempt as well");
}

/* Both are offered; leaving at once is what monitors do, and programs that were to be tried only.
 */
static void
judge_mechanism(const struct reading *g, const struct dialect *d, const struct leaving *l)
{
	struct finding *f =
	    verdict_add(g->out, FINDING_AUTH_MECHANISM_MISMATCH, CONFIDENCE_POSSIBLE, g->c, 0);
	char names[LOGINS];

	logins_offered(g->s, d, names, sizeof(names));
	say_left(f, g, d, l);
	finding_summary(f,
	    "The client said nothing more when it had read what the server offers: encryption (%s), and to log in: %s.",
	    d->encrypt, names[0] != '\0' ? names : "nothing that is known");
	finding_remedy(f,
	    "If the mail program says that the server does not support its way to log in: set it to \"normal password\", with encryption, or to another that is "
	    "offered. %s",
	    looks_same(l, d));
	finding_next_capture(f, "a program whose way to log in is not offered", "one that hung",
	    "what the program itself says (its log)", "the next attempt as well");
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
	struct leaving left;

	if (g.s == NULL || (d = dialect_of(v->c)) == NULL)
		return;
	g.blind = reading_blind(v->c);
	left = left_at_hello(&g);
	if (!moment_is(&left.at))
		return;
	if (!g.s->starttls_offered && g.s->masked_keywords[0] == '\0')
		judge_encryption(&g, d, &left);
	else if (g.s->starttls_offered && !g.s->auth_offered && submits(v->c))
		judge_login(&g, d, &left);
	else if (g.s->starttls_offered && g.s->auth_offered && left.silent > 0)
		judge_mechanism(&g, d, &left);
}

const struct rule rule_left = { "left", RULE_CASE, judge, false };
