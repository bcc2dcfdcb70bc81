/*
 * reply_say.c - a refusal in the words of the report: what was answered to what, by whom, and what
 * to do.
 */
#include "reply_say.h"

#include <stdio.h>
#include <string.h>

#include "correlator/facts/beside.h"
#include "correlator/facts/callout.h"
#include "correlator/facts/reply_help.h"
#include "record/addr.h"

/* ---- saying it ------------------------------------------------------------------------------- */

static void
say_recipients(struct finding *f, const struct reading *g, const struct refusal *r)
{
	uint32_t all = 0, refused = 0;

	if (r->recipient == NULL)
		return;
	for (uint32_t i = 0; i < g->c->recipient_count; i++) {
		const struct record_recipient *x = g->c->recipients[i];

		if (x->key.n != r->recipient->key.n || !moment_is(&x->reply.at))
			continue;
		all++;
		refused += x->reply.code >= 400;
	}
	if (all > 1)
		finding_says(f, g->c->point, "%u of %u recipients of this mail %s not taken",
		    refused, all, refused == 1 ? "was" : "were");
	if (f->kind == FINDING_TOO_MANY_RECIPIENTS && reply_digit(r->reply) == 4 &&
	    refused < all) /* RFC 5321, 4.5.3.1.10 */
		finding_remedy(f,
		    "The server took %u recipient%s of this mail and no more at once. A mail server gives it the others in another transaction by itself; a "
		    "mail program has to send to fewer at once.",
		    all - refused, PLURAL(all - refused));
}

/* The kind's own words are of a login that is offered. */
static void
say_no_login(struct finding *f, const struct reading *g)
{
	const struct record_session *s = g->s;

	if (!reading_login_known(g) || s->auth_offered || s->starttls_offered || s->tls ||
	    s->masked_keywords[0] != '\0')
		return;
	evidence_frame(finding_says(f, g->c->point, "its EHLO reply offers no login (AUTH) here"),
	    &s->capabilities_at);
	finding_remedy(f,
	    "The server wants a login and offers none on this port: send through the one that does (%s), with user name and password.",
	    g->c->conn->server.port == 587 ? "465 with SSL/TLS"
					   : "587 with STARTTLS, or 465 with SSL/TLS");
}

/* Most servers that offer STARTTLS and no login beside it offer one behind it. */
static bool
login_behind_tls(const struct reading *g)
{
	return !g->s->auth_offered && g->s->starttls_offered && !g->s->tls;
}

static const char *
how_to_log_in(const struct reading *g)
{
	return login_behind_tls(g)
	    ? "switch on both, encryption (STARTTLS) and the login: without encryption this server offers none"
	    : "log in to it (SMTP authentication, port 587)";
}

/* mail.example.org greets, and does not take mail for example.org. */
static void
say_own_domain(struct finding *f, const struct reading *g, const struct refusal *r)
{
	const char *domain = r->recipient != NULL ? address_domain(r->recipient->address) : "";

	if (!reading_greets_in_domain(g, domain))
		return;
	evidence_frame(
	    finding_says(f, g->c->point,
		"the server greets with a name in the recipient's own domain (%.80s)", domain),
	    &g->s->greeting.at);
	if (f->kind != FINDING_RELAY_DENIED_WRONG_NETWORK)
		return;
	finding_remedy(f,
	    "If this server is to receive mail for %.80s, it is not set up for that domain: its owner must add it (local or relay domains). If "
	    "not, the domain's MX record names the wrong server, or the client must log in%s.",
	    domain,
	    login_behind_tls(g) ? ", which this server offers only behind STARTTLS, if at all"
				: "");
}

/*
 * What this server says of a recipient that it does not know, and of one that it does not relay to.
 */
static void
say_either(struct finding *f, const struct reading *g)
{
	if (f->confidence == CONFIDENCE_CONFIRMED)
		return;
	finding_says(f, g->c->point,
	    "this server's program says the same of a recipient in a domain that it does not relay to for this client");
	finding_remedy(f,
	    "If the recipient's domain is this server's own, check the spelling of the address: it knows no such mailbox. If it is another's, the "
	    "server does not relay for this client: use your own provider's outgoing server, or %s.",
	    how_to_log_in(g));
}

/*
 * No login is offered in clear, and the client did not ask for encryption: both have to be switched
 * on.
 */
static void
say_login_behind_tls(struct finding *f, const struct reading *g)
{
	evidence_frame(
	    finding_says(f, g->c->point,
		"no login was offered in clear; it may be offered after STARTTLS, which the client did not use"),
	    &g->s->capabilities_at);
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)
		finding_remedy(f,
		    "Switch on both, encryption (STARTTLS) and \"My server requires authentication\", in the account's settings for this server: without "
		    "encryption it offers no login. A mail server without an account here does not log in: it uses the outgoing server of its own provider.");
	else if (f->kind == FINDING_AUTH_NOT_OFFERED)
		finding_remedy(f,
		    "Switch encryption on for this server and port (STARTTLS) and try again: most servers that offer STARTTLS offer the login only behind "
		    "it. If there is none then either, use %s, or switch the login off.",
		    g->c->conn->server.port == 587 ? "port 465 (SSL/TLS)"
						   : "the submission port 587 or 465");
	else if (f->kind == FINDING_POP_BEFORE_SMTP_REQUIRED)
		finding_remedy(f,
		    "Receive mail first, then send (\"Log on to incoming mail server before sending mail\"). Better: %s.",
		    how_to_log_in(g));
	else if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && f->remedy[0] == '\0')
		finding_remedy(f,
		    "Use the outgoing server of the provider whose line you are on; or %s. If the recipient belongs to this very server, it is not set "
		    "up for its own domain.",
		    how_to_log_in(g));
}

static void
say_context(struct finding *f, const struct reading *g, const struct refusal *r)
{
	const struct record_session *s = g->s;

	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && s->auth_offered)
		evidence_frame(
		    finding_says(f, g->c->point,
			reading_login_known(g)
			    ? "the server offered a login (AUTH) and the client sent none"
			    : "the server offered a login (AUTH); none of the client's is seen, in a dialogue that is not whole in the capture"),
		    &s->capabilities_at);
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && s->auth_offered && r->stage == 'R' &&
	    strcasestr(r->reply->text, "relay") != NULL)
		finding_says(f, g->c->point,
		    "to a mail server without an account here the same words say that this one is not responsible for the recipient's domain");
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)
		say_no_login(f, g);
	if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK ||
	    (s->auth_offered && reply_has_words(r->reply, "relay")))
		say_own_domain(f, g, r);
	if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && !s->helo && !s->auth_offered &&
	    !reading_login_known(g)) {
		finding_says(f, g->c->point,
		    "whether a login was offered, or had been made, is not in the capture");
		finding_next_capture(f, "a server that does not know this client",
		    "one that refuses this in spite of a login",
		    "the dialogue from its greeting on",
		    "the next attempt from its first packet on");
	}
	if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && s->auth_tried && !s->auth_ok &&
	    s->auth_reply.code >= 400) {
		evidence_frame(finding_says(f, g->c->point, "the login before it did not succeed"),
		    &s->auth_reply.at);
		finding_remedy(f,
		    "Let the login succeed first (user name, password, mechanism): this server relays for those who are logged in.");
	}
	if (f->kind == FINDING_RELAY_DENIED_DESPITE_AUTH)
		evidence_frame(
		    finding_says(f, g->c->point, "the login had succeeded"), &s->auth_at);
	if ((reading_is_relay(f->kind) || f->kind == FINDING_AUTH_NOT_OFFERED ||
		f->kind == FINDING_POP_BEFORE_SMTP_REQUIRED) &&
	    login_behind_tls(g))
		say_login_behind_tls(f, g);
	if (reading_is_relay(f->kind) && login_behind_tls(g))
		finding_exclude(f, FINDING_TLS_REQUIRED, "the words do not ask for encryption");
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && s->helo && !s->ehlo)
		finding_says(f, g->c->point,
		    "the client said HELO, not EHLO: it does not speak the protocol that has logins");
}

/* Exim and Postfix ask the sender's server, or the recipient's, while the client waits. */
static bool
speaks_of_callout(const struct record_reply *r)
{
	return reply_has_words(r, "verif") || reply_has_words(r, "callout") ||
	    reply_has_words(r, "undeliverable address");
}

static void
say_callout_made(struct finding *f, const struct reading *g, const struct refusal *r)
{
	struct callout asked;
	char server[ADDR_TEXT], quote[256];

	if (r->transaction == NULL || !speaks_of_callout(r->reply) ||
	    (!callout_made(g->v, r->transaction->sender, r->reply, &asked) &&
		(r->recipient == NULL ||
		    !callout_made(g->v, r->recipient->address, r->reply, &asked))))
		return;
	addr_format(&asked.c->conn->server.ip, server, sizeof(server));
	if (moment_is(&asked.recipient->reply.at))
		evidence_frames(
		    finding_says(f, asked.c->point,
			"meanwhile the server itself asks %s: RCPT TO:<%.80s> is answered \"%s\"",
			server, asked.recipient->address,
			reply_quote(&asked.recipient->reply, false, quote, sizeof(quote))),
		    &asked.recipient->at, &asked.recipient->reply.at);
	else
		evidence_frame(
		    finding_says(f, asked.c->point,
			"meanwhile the server itself asks %s: RCPT TO:<%.80s> is not answered",
			server, asked.recipient->address),
		    &asked.recipient->at);
}

/*
 * No mail was to be sent here: what comes of the answer is told at the session for which it was
 * asked.
 */
static void
say_callout(struct finding *f, const struct reading *g, const struct refusal *r)
{
	const struct mail_case *x = r->recipient != NULL ? callout_for(g->v, r->recipient) : NULL;

	if (x == NULL)
		return;
	f->severity = SEVERITY_INFO;
	evidence_frame(
	    finding_says(f, x->point,
		"the client is being given this address itself, in a session that began here: it only asks whether the address takes "
		"mail (callout), and sends none"),
	    &x->conn->first);
	finding_remedy(f,
	    "This is a question, no mail. What the answer did is told at the session for which it was asked.");
}

/* Half of the words may say nothing that the whole would not. */
static bool
words_cut(const struct finding *f, const struct refusal *r)
{
	return r->reply->cut &&
	    (f->kind == FINDING_UNCLASSIFIED_4XX || f->kind == FINDING_UNCLASSIFIED_5XX);
}

/* What is wrong, in a few words; an address that cannot be read may well be meant for somebody. */
static const char *
refusal_title(const struct finding *f, const struct refusal *r)
{
	if (words_cut(f, r))
		return f->kind == FINDING_UNCLASSIFIED_4XX
		    ? "a temporary refusal, and the end of its words is not in the capture"
		    : "a refusal, and the end of its words is not in the capture";
	return f->kind == FINDING_RECIPIENT_UNKNOWN && strcmp(f->subkind, "syntax") == 0
	    ? "the server cannot read the recipient's address"
	    : kind_facts(f->kind)->title;
}

/* A refused command line; the reply stands beside it. */
static void
say_reply(struct finding *f, const struct reading *g, const struct refusal *r)
{
	char quote[256];
	bool midway = r->unsolicited && r->ended && strcmp(r->verb, ".") == 0; /* of the message */
	bool unasked = r->unsolicited && !midway && !g->blind && !case_midstream(g->c) &&
	    !case_missing_dir(g->c, 0);
	struct finding_evidence *e;

	reply_quote(r->reply, false, quote, sizeof(quote));
	if (midway)
		e = finding_says(f, g->c->point,
		    "the server says \"%s\" before the message has come to its end", quote);
	else if (r->unsolicited)
		e = finding_says(f, g->c->point,
		    unasked ? "the server says \"%s\", unasked"
			    : "the server says \"%s\"; what it answers is not in the capture",
		    quote);
	else if (r->guessed)
		e = finding_says(f, g->c->point,
		    "the server says \"%s\"; which of the commands before it that answers cannot be told: bytes of the server are missing",
		    quote);
	else if (r->recipient != NULL)
		e = finding_says(f, g->c->point, "RCPT TO:%s%.80s%s is answered \"%s\"",
		    r->recipient->bare ? "" : "<", r->recipient->address,
		    r->recipient->bare ? "" : ">", quote);
	else if (r->stage == 'M' && r->transaction != NULL)
		e = finding_says(f, g->c->point, "MAIL FROM:%s%.80s%s is answered \"%s\"",
		    r->transaction->sender_bare ? "" : "<", r->transaction->sender,
		    r->transaction->sender_bare ? "" : ">", quote);
	else if (strcmp(r->verb, ".") == 0)
		e = finding_says(f, g->c->point, "the message is answered \"%s\"", quote);
	else /* of what a login is made of only the length shows */
		e = finding_says(f, g->c->point, "%s%.60s is answered \"%s\"",
		    r->line[0] != '<'     ? ""
			: r->stage == 'A' ? "the next line of the login, of "
					  : "a line of ",
		    r->line, quote);
	evidence_frames(e, &r->asked, &r->reply->at);
	finding_summary(f, "%s: the server %s \"%s\"%s.", refusal_title(f, r),
	    unasked ? "said, unasked," : "answered", quote,
	    r->stage == 'R'                  ? " to a recipient"
		: r->stage == 'M'            ? " to the sender"
		: r->stage == 'A'            ? " to the login"
		: reading_verb_is(r, "DATA") ? " to DATA"
		: r->stage == 'D'            ? " to the message"
					     : "");
}

/* Whose rule it is: the name the server gives itself. */
static void
say_server(struct finding *f, const struct reading *g)
{
	const struct record_reply *hello = &g->s->greeting;
	size_t n = strcspn(hello->text, " \t\r\n");

	if (f->severity == SEVERITY_INFO || g->alone || hello->code / 100 != 2 || n == 0 ||
	    hello->text[0] == '*')
		return;
	evidence_frame(finding_says(f, g->c->point, "the server calls itself %.*s",
			   n < 80 ? (int)n : 80, hello->text),
	    &hello->at);
}

/* What was sent or declared, and what had been announced. */
static void
say_sizes(struct finding *f, const struct reading *g, const struct record_transaction *t)
{
	uint64_t limit = case_size_limit(g->c);

	if (t == NULL || g->blind)
		return;
	if (t->declared_size > 0)
		evidence_frame(
		    finding_says(f, g->c->point, "the client declares %llu byte%s (MAIL SIZE)",
			(unsigned long long)t->declared_size, PLURAL(t->declared_size)),
		    &t->first);
	if (t->bytes > 0 && moment_is(&t->end_of_data))
		evidence_frame(finding_says(f, g->c->point, "the message has %llu byte%s as sent",
				   (unsigned long long)t->bytes, PLURAL(t->bytes)),
		    &t->end_of_data);
	if (limit > 0)
		evidence_frame(
		    finding_says(f, g->c->point,
			"the server announced that it takes at most %llu byte%s (SIZE)%s",
			(unsigned long long)limit, PLURAL(limit),
			t->declared_size <= limit && t->bytes <= limit
			    ? ": the limit of these words is another, of the recipient or of a server behind"
			    : ""),
		    &g->s->capabilities_at);
}

void
reading_say(const struct reading *g, const struct refusal *r, const struct reply_class *cl)
{
	struct finding *f = verdict_add(g->out, cl->kind, cl->confidence, g->c, 0);

	*g->said = true;
	finding_subkind(f, cl->subkind);
	finding_span(f, moment_is(&r->asked) ? &r->asked : &r->reply->at, &r->reply->at);
	finding_reply(f, r->reply);
	if (cl->kind == FINDING_PROTOCOL_ERROR && cl->confidence <= CONFIDENCE_POSSIBLE)
		f->severity = SEVERITY_INFO;
	say_reply(f, g, r);
	if (cl->how == REPLY_BY_TEXT && cl->product[0] != '\0')
		finding_says(f, g->c->point, "these words are known from: %.100s", cl->product);
	say_server(f, g);
	say_context(f, g, r);
	if (cl->hint && cl->kind == FINDING_RECIPIENT_UNKNOWN)
		say_either(f, g);
	say_recipients(f, g, r);
	if (reply_digit(r->reply) == 4 && cl->kind != FINDING_GREYLISTED)
		finding_says(f, g->c->point,
		    "the refusal is temporary (4xx): a mail server tries again by itself%s",
		    reading_is_relay(cl->kind) ? ", in vain until this is cured" : "");
	reply_client_shows(f, r, false);
	if (cl->kind == FINDING_TOO_MANY_CONNECTIONS)
		beside_say_open(g->v, f, &r->reply->at);
	if (cl->kind == FINDING_MESSAGE_TOO_BIG)
		say_sizes(f, g, r->transaction);
	reply_remedy(f, r->reply);
	if (words_cut(f, r)) {
		finding_remedy(f,
		    "The server's own words say why, and their end is not here: capture one more try with whole packets (tcpdump -s 0), or look into the log of the "
		    "program that sends.");
		finding_next_capture(f, "why the server refuses", "what is left of its words",
		    "their end", "here, whole packets");
	}
	say_callout_made(f, g, r);
	say_callout(f, g, r);
	if (cl->kind == FINDING_PROTOCOL_ERROR)
		say_conduct(g->c, f);
	if (cl->kind == FINDING_AUTH_FAILED && r->stage == 'A')
		say_challenge_login(g->c, f, g->s->auth_mechanism);
	if (cl->kind == FINDING_PROTOCOL_ERROR && r->unsolicited && r->reply->code >= 500 &&
	    r->reply->code <= 503 && case_line_between(g->c, &r->reply->at)) {
		f->confidence = g->s->proxy_header ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
		say_line_between(g->c, f, r->reply);
	}
	if (strcmp(cl->subkind, "behind the server") == 0)
		finding_says(f, g->c->point,
		    "by its enhanced code (x.4) the trouble lies between this server and the next one, not on the way to this one");
	if (cl->confidence == CONFIDENCE_POSSIBLE && cl->kind != FINDING_PROTOCOL_ERROR &&
	    f->next_capture[0] == '\0')
		finding_next_capture(f, "this reason", "another that uses the same words",
		    "words that say more (the server's log of this session has them)",
		    "the next attempt as well");
}
