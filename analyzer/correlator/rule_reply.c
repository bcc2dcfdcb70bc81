/*
 * rule_reply.c - what the server refused, in its own words (diagnosis 1C, 3).
 *
 * The reply's class comes from the table; here it meets its context: a relay
 * or login refusal means something else after a login, or when a login was
 * offered and not tried (0.7, order of judgement 4 to 7).
 */
#include <stdio.h>
#include <string.h>

#include "dialogue.h"
#include "lookup.h"

struct reading {
	const struct view	*v;
	const struct mail_case	*c;
	const struct record_session *s;
	struct verdicts		*out;
	bool			 blind;		/* server bytes are missing or out of order: words only */
	bool			 alone;		/* the client's side is not in the capture: no reply can be paired */
	bool			*said;		/* an earlier refusal of this session stands */
};

static bool
verb_is(const struct refusal *r, const char *verb)
{
	return strcasecmp(r->verb, verb) == 0;
}

static bool
mail_accepted(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_ACCEPTED)
			return true;
	return false;
}

static bool
mail_open(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_LOST || c->transactions[i]->verdict == VERDICT_UNKNOWN)
			return true;
	return false;
}

/* Sendmail says so to each command, once it has refused the client for its greeting, its HELO or for speaking too early. */
static bool
follows_refusal(const struct reading *g, const struct refusal *r)
{
	return reply_has_words(r->reply, "command rejected") &&
	    (*g->said || reply_digit(&g->s->greeting) >= 4 || verdict_claimed(g->out, g->c, 0, FINDING_PROTOCOL_ERROR) != NULL);
}

/* Replies that say nothing about a mail, or that another rule reads. */
static bool
refusal_ignored(const struct reading *g, const struct refusal *r)
{
	if (r->stage == 'C' || r->stage == 'S' || r->consequence)
		return true;
	if (verb_is(r, "VRFY") || verb_is(r, "EXPN") || verb_is(r, "HELP") || verb_is(r, "NOOP"))
		return true;
	if (r->transaction != NULL && r->transaction->nested && r->stage == 'M')
		return false;
	if (r->reply->code == 421 && verb_is(r, "RSET") && mail_accepted(g->c) && !mail_open(g->c))
		return true;			/* a session may be over after so many mails: the next one goes on */
	if (r->reply->code == 421 && *g->said && reply_has_words(r->reply, "too many errors"))
		return true;			/* of which those before it speak */
	if (follows_refusal(g, r))
		return true;
	if (strcmp(r->line, "*") == 0)		/* the client broke its login off; RFC 4954, 4 asks for a 501 */
		return true;
	if (r->stage == 'A' && g->s->auth_ok && moment_before(&r->reply->at, &g->s->auth_at))
		return true;			/* another mechanism or a second try worked */
	if (strspn(r->line, "X") >= 4)		/* overwritten on its way: rule_mask.c */
		return true;
	return r->stage == 'E' && r->reply->code >= 500 && r->reply->code <= 504 &&
	    verdict_claimed(g->out, g->c, -1, FINDING_BANNER_MASKED) != NULL;
}

/* What the reply answers was guessed: whether it cost anything is not known. */
static bool
place_unsure(const struct reading *g, const struct refusal *r)
{
	return g->blind || (r->transaction != NULL && r->transaction->unsure);
}

/* ---- context ---------------------------------------------------------------------------- */

static struct reply_context
context_of(const struct reading *g, const struct refusal *r)
{
	const struct record_transaction *t = r->transaction;
	uint64_t limit = case_size_limit(g->c), size = t == NULL ? 0 : t->bytes > t->declared_size ? t->bytes : t->declared_size;

	return (struct reply_context){
		.stage = r->stage, .auth_offered = g->s->auth_offered, .auth_tried = g->s->auth_tried, .after_gap = g->blind,
		.large = size > 1000000 || (limit > 0 && size > limit), .greeting = g->s->greeting.text,
	};
}

static bool
class_is_relay(enum finding_kind k)
{
	return k == FINDING_RELAY_DENIED_WRONG_NETWORK || k == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED;
}

/* "No AUTH seen" is a fact only when the dialogue is whole from its beginning, be it without the handshake. */
static bool
login_known(const struct reading *g)
{
	bool begun = !case_midstream(g->c) || (g->s->greeting.code == 220 && moment_before(&g->s->greeting.at, &g->s->capabilities_at));

	return begun && !g->blind && !case_missing(g->c) && g->s->ehlo_answered;
}

/* From the EHLO reply on, whatever came before: a second EHLO behind a login is rare. */
static bool
login_likely_known(const struct reading *g)
{
	return !g->blind && !case_missing(g->c) && g->s->ehlo_answered;
}

/* What EHLO offered is in the capture, or was not asked. */
static bool
offer_known(const struct reading *g)
{
	return (g->s->ehlo_answered || g->s->helo) && !g->blind;
}

static void
rewrite_relay(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	bool relay = cl->kind == FINDING_RELAY_DENIED_WRONG_NETWORK;

	if (r->after_auth) {
		cl->kind = FINDING_RELAY_DENIED_DESPITE_AUTH;
		cl->confidence = CONFIDENCE_CONFIRMED;
	} else if (g->s->auth_offered && !g->s->auth_tried) {
		if (login_known(g) && (cl->how == REPLY_BY_TEXT || relay))
			cl->confidence = CONFIDENCE_CONFIRMED;
		else if (!login_known(g))
			cl->confidence = confidence_min(cl->confidence, !relay || login_likely_known(g) ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE);
		cl->kind = FINDING_AUTH_REQUIRED_NOT_ATTEMPTED;
	} else if (relay && !offer_known(g)) {	/* a login that was offered, or made, is as likely */
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_POSSIBLE);
	} else if (relay || !login_known(g)) {	/* the reason is policy; or known by the words alone */
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_PROBABLE);
	}
}

/* mail.example.org greets, and the recipient is of example.org. */
static bool
greets_in_domain(const struct reading *g, const char *domain)
{
	const struct record_reply *hello = &g->s->greeting;
	size_t host = strcspn(hello->text, " \t\r\n"), len = strlen(domain);

	return strchr(domain, '.') != NULL && hello->code / 100 == 2 && host >= len && strncasecmp(hello->text + host - len, domain, len) == 0 &&
	    (host == len || hello->text[host - len - 1] == '.');
}

/* In this session it took another recipient of the domain: it is responsible for it, or relays for this client. */
static bool
domain_taken(const struct reading *g, const char *domain)
{
	for (uint32_t i = 0; i < g->c->recipient_count; i++) {
		const struct record_recipient *x = g->c->recipients[i];

		if (x->reply.code / 100 == 2 && domain[0] != '\0' && strcasecmp(address_domain(x->address), domain) == 0)
			return true;
	}
	return false;
}

static void
rewrite_hint(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	const char *domain = r->recipient != NULL ? address_domain(r->recipient->address) : "";

	if (cl->kind == FINDING_RECIPIENT_UNKNOWN) {	/* OpenSMTPD says the same of a domain that it does not relay to */
		if (domain_taken(g, domain))
			cl->confidence = CONFIDENCE_CONFIRMED;
		else if (greets_in_domain(g, domain))
			cl->confidence = CONFIDENCE_PROBABLE;
	} else if (cl->kind == FINDING_SENDER_MISMATCH) {	/* only an account has an address that is not its own */
		if (r->after_auth || g->s->auth_ok)
			cl->confidence = CONFIDENCE_CONFIRMED;
		else
			cl->kind = FINDING_POLICY_OR_BLOCKLIST;
	} else if (cl->kind == FINDING_POP_BEFORE_SMTP_REQUIRED) {
		cl->kind = FINDING_RELAY_DENIED_WRONG_NETWORK;
		cl->confidence = CONFIDENCE_PROBABLE;
		rewrite_relay(g, r, cl);
	}
}

static bool
names_sender(const struct refusal *r)
{
	return r->transaction != NULL && strchr(r->transaction->sender, '@') != NULL && strcasestr(r->reply->text, r->transaction->sender) != NULL;
}

/* Whose mailbox: before a recipient is named, or where the sender is, it is the sender's. */
static bool
quota_of_sender(const struct refusal *r)
{
	if (r->stage == 'M')
		return true;
	return names_sender(r) && (r->recipient == NULL || strcasestr(r->reply->text, r->recipient->address) == NULL);
}

/* Where bytes are missing the recipient's command may be among them, unless the words themselves name the sender. */
static void
class_of_quota(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	bool whole = !g->blind && !case_missing(g->c);

	if (whole || names_sender(r))
		cl->kind = FINDING_SENDER_QUOTA;
	if (!whole)
		cl->confidence = confidence_min(cl->confidence, names_sender(r) ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE);
}

/* A protocol error is worth a warning only when it cost a mail or the session (0.7). */
static bool
error_matters(const struct reading *g, const struct refusal *r)
{
	bool hello = r->stage == 'E' && g->c->transaction_count == 0 && !g->s->ehlo_answered;

	return r->ended || (hello && !g->s->helo);
}

/*
 * Words behind a cut may be missing, and the more particular ones come last.
 * Whether a farewell cost a mail is not known where replies are missing.
 */
static enum confidence
words_certain(const struct reading *g, const struct refusal *r, const struct reply_class *cl)
{
	if ((r->reply->code == 421 || cl->kind == FINDING_SERVER_TIMEOUT_421) &&
	    (g->blind || (case_midstream(g->c) && g->c->transaction_count == 0)))
		return CONFIDENCE_POSSIBLE;
	if (g->c->conn->dir[1].cut_bytes > 0)
		return CONFIDENCE_PROBABLE;
	return cl->confidence;
}

/* The server has seen nothing of what it would judge. */
static bool
before_content(const struct refusal *r)
{
	return r->stage == 'M' || r->stage == 'R' || verb_is(r, "DATA");
}

/* A relay or login refusal means something else after a login, or when one was offered and not tried. */
static void
class_by_login(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	if (cl->kind == FINDING_SENDER_MISMATCH && cl->how == REPLY_BY_CODE && !g->s->auth_ok) {	/* who has no account here has no wrong address for it */
		cl->kind = FINDING_SENDER_DOMAIN_REJECTED;
		snprintf(cl->subkind, sizeof(cl->subkind), "unknown-sender");
	}
	if (cl->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && g->blind && g->s->auth_tried && !r->after_auth) {
		cl->kind = FINDING_AUTH_FAILED;		/* be it said to the login or behind it: it was tried */
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_PROBABLE);
	}
	if (cl->hint)
		rewrite_hint(g, r, cl);
	else if (class_is_relay(cl->kind))
		rewrite_relay(g, r, cl);
}

/* Another mechanism or a second try worked; or a mail was taken, which without its login it was not. */
static bool
login_healed(const struct reading *g, const struct refusal *r, enum finding_kind k)
{
	if (k != FINDING_AUTH_FAILED && k != FINDING_AUTH_MECHANISM_MISMATCH && k != FINDING_AUTH_NOT_OFFERED && k != FINDING_AUTH_TEMPORARY_FAILURE)
		return false;
	return (g->s->auth_ok && moment_before(&r->reply->at, &g->s->auth_at)) || ((g->alone || case_missing_dir(g->c, 0)) && mail_accepted(g->c));
}

static void
class_in_context(const struct reading *g, const struct refusal *r, struct reply_class *cl)
{
	class_by_login(g, r, cl);
	if (cl->kind == FINDING_MAILBOX_FULL && quota_of_sender(r))
		class_of_quota(g, r, cl);
	if (cl->kind == FINDING_CONTENT_REJECTED && !g->blind && before_content(r)) {
		cl->kind = FINDING_POLICY_OR_BLOCKLIST;
		cl->subkind[0] = '\0';
	}
	if (r->stage == 'A' && !g->s->auth_offered && g->s->ehlo_answered && !g->blind &&
	    (r->reply->code == 500 || r->reply->code == 502 || r->reply->code == 503)) {
		cl->kind = FINDING_AUTH_NOT_OFFERED;
		cl->confidence = CONFIDENCE_CONFIRMED;
	}
	if (cl->kind == FINDING_PROTOCOL_ERROR && (!error_matters(g, r) || place_unsure(g, r)))
		cl->confidence = confidence_min(cl->confidence, CONFIDENCE_POSSIBLE);
	cl->confidence = confidence_min(cl->confidence, words_certain(g, r, cl));
}

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
		finding_says(f, g->c->point, "%u of %u recipients of this mail were refused", refused, all);
}

/* The kind's own words are of a login that is offered. */
static void
say_no_login(struct finding *f, const struct reading *g)
{
	const struct record_session *s = g->s;

	if (!login_known(g) || s->auth_offered || s->starttls_offered || s->tls || s->masked_keywords[0] != '\0')
		return;
	evidence_frame(finding_says(f, g->c->point, "its EHLO reply offers no login (AUTH) here"), &s->capabilities_at);
	finding_remedy(f, "The server wants a login and offers none on this port: send through the one that does (587 with STARTTLS, or 465 with SSL/TLS), "
	    "with user name and password.");
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
	return login_behind_tls(g) ? "switch on both, encryption (STARTTLS) and the login: without encryption this server offers none" :
	    "log in to it (SMTP authentication, port 587)";
}

/* mail.example.org greets, and does not take mail for example.org. */
static void
say_own_domain(struct finding *f, const struct reading *g, const struct refusal *r)
{
	const char *domain = r->recipient != NULL ? address_domain(r->recipient->address) : "";

	if (!greets_in_domain(g, domain))
		return;
	evidence_frame(finding_says(f, g->c->point, "the server greets with a name in the recipient's own domain (%.80s)", domain), &g->s->greeting.at);
	if (f->kind != FINDING_RELAY_DENIED_WRONG_NETWORK)
		return;
	finding_remedy(f, "If this server is to receive mail for %.80s, it is not set up for that domain: its owner must add it (local or relay domains). If "
	    "not, the domain's MX record names the wrong server, or the client must log in%s.", domain,
	    login_behind_tls(g) ? ", which this server offers only behind STARTTLS, if at all" : "");
}

/* What this server says of a recipient that it does not know, and of one that it does not relay to. */
static void
say_either(struct finding *f, const struct reading *g)
{
	if (f->confidence == CONFIDENCE_CONFIRMED)
		return;
	finding_says(f, g->c->point, "this server's program says the same of a recipient in a domain that it does not relay to for this client");
	finding_remedy(f, "If the recipient's domain is this server's own, check the spelling of the address: it knows no such mailbox. If it is another's, the "
	    "server does not relay for this client: use your own provider's outgoing server, or %s.", how_to_log_in(g));
}

/* No login is offered in clear, and the client did not ask for encryption: both have to be switched on. */
static void
say_login_behind_tls(struct finding *f, const struct reading *g)
{
	evidence_frame(finding_says(f, g->c->point, "no login was offered in clear; it may be offered after STARTTLS, which the client did not use"),
	    &g->s->capabilities_at);
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)
		finding_remedy(f, "Switch on both, encryption (STARTTLS) and \"My server requires authentication\", in the account's settings for this server: without "
		    "encryption it offers no login. A mail server without an account here does not log in: it uses the outgoing server of its own provider.");
	else if (f->kind == FINDING_AUTH_NOT_OFFERED)
		finding_remedy(f, "Switch encryption on for this server and port (STARTTLS) and try again: most servers that offer STARTTLS offer the login only behind "
		    "it. If there is none then either, use the submission port 587 or 465, or switch the login off.");
	else if (f->kind == FINDING_POP_BEFORE_SMTP_REQUIRED)
		finding_remedy(f, "Receive mail first, then send (\"Log on to incoming mail server before sending mail\"). Better: %s.", how_to_log_in(g));
	else if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && f->remedy[0] == '\0')
		finding_remedy(f, "Use the outgoing server of the provider whose line you are on; or %s. If the recipient belongs to this very server, it is not set "
		    "up for its own domain.", how_to_log_in(g));
}

static void
say_context(struct finding *f, const struct reading *g, const struct refusal *r)
{
	const struct record_session *s = g->s;

	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && s->auth_offered)
		evidence_frame(finding_says(f, g->c->point, login_known(g) ? "the server offered a login (AUTH) and the client sent none" :
		    "the server offered a login (AUTH); none of the client's is seen, in a dialogue that is not whole in the capture"), &s->capabilities_at);
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && s->auth_offered && r->stage == 'R' && strcasestr(r->reply->text, "relay") != NULL)
		finding_says(f, g->c->point, "to a mail server without an account here the same words say that this one is not responsible for the recipient's domain");
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED)
		say_no_login(f, g);
	if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK || (s->auth_offered && reply_has_words(r->reply, "relay")))
		say_own_domain(f, g, r);
	if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && !s->helo && !s->auth_offered && !login_known(g)) {
		finding_says(f, g->c->point, "whether a login was offered, or had been made, is not in the capture");
		finding_next_capture(f, "a server that does not know this client", "one that refuses this in spite of a login", "the dialogue from its greeting on",
		    "the next attempt from its first packet on");
	}
	if (f->kind == FINDING_RELAY_DENIED_WRONG_NETWORK && s->auth_tried && !s->auth_ok && s->auth_reply.code >= 400) {
		evidence_frame(finding_says(f, g->c->point, "the login before it did not succeed"), &s->auth_reply.at);
		finding_remedy(f, "Let the login succeed first (user name, password, mechanism): this server relays for those who are logged in.");
	}
	if (f->kind == FINDING_RELAY_DENIED_DESPITE_AUTH)
		evidence_frame(finding_says(f, g->c->point, "the login had succeeded"), &s->auth_at);
	if ((class_is_relay(f->kind) || f->kind == FINDING_AUTH_NOT_OFFERED || f->kind == FINDING_POP_BEFORE_SMTP_REQUIRED) && login_behind_tls(g))
		say_login_behind_tls(f, g);
	if (class_is_relay(f->kind) && login_behind_tls(g))
		finding_exclude(f, FINDING_TLS_REQUIRED, "the words do not ask for encryption");
	if (f->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && s->helo && !s->ehlo)
		finding_says(f, g->c->point, "the client said HELO, not EHLO: it does not speak the protocol that has logins");
}

/* A refused command line; the reply stands beside it. */
static void
say_reply(struct finding *f, const struct reading *g, const struct refusal *r)
{
	char quote[256];
	bool unasked = r->unsolicited && !g->blind && !case_midstream(g->c) && !case_missing_dir(g->c, 0);
	struct finding_evidence *e;

	reply_quote(r->reply, false, quote, sizeof(quote));
	if (r->unsolicited)
		e = finding_says(f, g->c->point, unasked ? "the server says \"%s\", unasked" :
		    "the server says \"%s\"; what it answers is not in the capture", quote);
	else if (r->guessed)
		e = finding_says(f, g->c->point, "the server says \"%s\"; which of the commands before it that answers cannot be told: bytes of the server are missing",
		    quote);
	else if (r->recipient != NULL)
		e = finding_says(f, g->c->point, "RCPT TO:<%.80s> is answered \"%s\"", r->recipient->address, quote);
	else if (r->stage == 'M' && r->transaction != NULL)
		e = finding_says(f, g->c->point, "MAIL FROM:<%.80s> is answered \"%s\"", r->transaction->sender, quote);
	else if (strcmp(r->verb, ".") == 0)
		e = finding_says(f, g->c->point, "the message is answered \"%s\"", quote);
	else	/* of what a login is made of only the length shows */
		e = finding_says(f, g->c->point, "%s%.60s is answered \"%s\"", r->line[0] != '<' ? "" : r->stage == 'A' ? "the next line of the login, of " : "a line of ", r->line, quote);
	evidence_frame(evidence_frame(e, &r->asked), &r->reply->at);
	finding_summary(f, "%s: the server %s \"%s\"%s.", kind_facts(f->kind)->title, unasked ? "said, unasked," : "answered", quote,
	    r->stage == 'R' ? " to a recipient" : r->stage == 'M' ? " to the sender" : r->stage == 'A' ? " to the login" :
	    verb_is(r, "DATA") ? " to DATA" : r->stage == 'D' ? " to the message" : "");
}

/* Whose rule it is: the name the server gives itself. */
static void
say_server(struct finding *f, const struct reading *g)
{
	const struct record_reply *hello = &g->s->greeting;
	size_t n = strcspn(hello->text, " \t\r\n");

	if (f->severity == SEVERITY_INFO || g->alone || hello->code / 100 != 2 || n == 0 || hello->text[0] == '*')
		return;
	evidence_frame(finding_says(f, g->c->point, "the rule is that of the server which greets as %.*s",
	    n < 80 ? (int)n : 80, hello->text), &hello->at);
}

/* What was sent or declared, and what had been announced. */
static void
say_sizes(struct finding *f, const struct reading *g, const struct record_transaction *t)
{
	uint64_t limit = case_size_limit(g->c);

	if (t == NULL || g->blind)
		return;
	if (t->declared_size > 0)
		evidence_frame(finding_says(f, g->c->point, "the client declares %llu byte%s (MAIL SIZE)",
		    (unsigned long long)t->declared_size, PLURAL(t->declared_size)), &t->first);
	if (t->bytes > 0 && moment_is(&t->end_of_data))
		evidence_frame(finding_says(f, g->c->point, "the message has %llu byte%s as sent", (unsigned long long)t->bytes,
		    PLURAL(t->bytes)), &t->end_of_data);
	if (limit > 0)
		evidence_frame(finding_says(f, g->c->point, "the server announced that it takes at most %llu byte%s (SIZE)%s",
		    (unsigned long long)limit, PLURAL(limit),
		    t->declared_size <= limit && t->bytes <= limit ? ": the limit of these words is another, of the recipient or of a server behind" : ""),
		    &g->s->capabilities_at);
}

static void
say(const struct reading *g, const struct refusal *r, const struct reply_class *cl)
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
		finding_says(f, g->c->point, "the refusal is temporary (4xx): a mail server tries again by itself%s",
		    class_is_relay(cl->kind) ? ", in vain until this is cured" : "");
	reply_client_shows(f, r, false);
	if (cl->kind == FINDING_TOO_MANY_CONNECTIONS)
		say_connections_open(g->v, f, &r->reply->at);
	if (cl->kind == FINDING_MESSAGE_TOO_BIG)
		say_sizes(f, g, r->transaction);
	reply_remedy(f, r->reply);
	if (cl->kind == FINDING_PROTOCOL_ERROR)
		say_conduct(g->c, f);
	if (cl->kind == FINDING_AUTH_FAILED && r->stage == 'A')
		say_challenge_login(g->c, f, g->s->auth_mechanism);
	if (cl->kind == FINDING_PROTOCOL_ERROR && r->unsolicited && r->reply->code >= 500 && r->reply->code <= 503 && case_line_between(g->c, &r->reply->at)) {
		f->confidence = g->s->proxy_header ? CONFIDENCE_CONFIRMED : CONFIDENCE_PROBABLE;
		say_line_between(g->c, f, r->reply);
	}
	if (strcmp(cl->subkind, "behind the server") == 0)
		finding_says(f, g->c->point, "by its enhanced code (x.4) the trouble lies between this server and the next one, not on the way to this one");
	if (cl->confidence == CONFIDENCE_POSSIBLE && cl->kind != FINDING_PROTOCOL_ERROR && f->next_capture[0] == '\0')
		finding_next_capture(f, "this reason", "another that uses the same words",
		    "words that say more (the server's log of this session has them)", "the next attempt as well");
}

/* Relay refused, no login offered, and this client's provider has a POP3 server here: perhaps it is that. */
static void
say_pop_hint(const struct reading *g, const struct refusal *r)
{
	struct case_run pop = lookup_cases(g->v->lookups, LOOKUP_POP_OF_SERVER, &g->c->conn->server.ip);
	struct finding *f;

	if (pop.n == 0)
		return;
	f = verdict_add(g->out, FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_POSSIBLE, g->c, 0);
	finding_span(f, &r->reply->at, &r->reply->at);
	finding_reply(f, r->reply);
	evidence_frame(evidence_frame(finding_says(f, g->c->point, "relaying is refused and no login is offered"), &g->s->capabilities_at), &r->reply->at);
	evidence_frame(finding_says(f, pop.at[0]->point, "the same host is a POP3 server"), &pop.at[0]->conn->first);
	finding_summary(f, "The server may want mail to be fetched (POP3) before it relays: it offers no login, and it is a POP3 server, too.");
}

/* ---- judging one refusal ------------------------------------------------------------------------- */

/* EHLO unknown, HELO fine: an old server, or a firewall; no harm. */
static bool
judge_hello(const struct reading *g, const struct refusal *r)
{
	struct reply_class cl = { .kind = FINDING_PROTOCOL_ERROR, .confidence = CONFIDENCE_POSSIBLE, .how = REPLY_BY_CODE, .product = "" };

	if (r->stage != 'E' || (r->reply->code != 500 && r->reply->code != 502) || !g->s->helo || r->ended)
		return false;
	snprintf(cl.subkind, sizeof(cl.subkind), "ehlo-refused");
	say(g, r, &cl);
	return true;
}

/* 421 x.4.1 or x.4.2, unasked: it speaks of this connection, on which it heard nothing, and not of one behind the server. */
static bool
server_tired(const struct refusal *r, const struct reply_class *cl)
{
	unsigned int code[3];

	return r->reply->code == 421 && cl->how == REPLY_BY_ENHANCED && reply_enhanced(r->reply, code) && code[1] == 4 &&
	    (code[2] == 1 || code[2] == 2);
}

/* It waited for the end of a message that the client had ended wrongly: rule_symptom.c */
static bool
ends_bare(const struct mail_case *c)
{
	return c->transaction_count > 0 && c->transactions[c->transaction_count - 1]->end_bare;
}

static void
judge_unsolicited(const struct reading *g, const struct refusal *r)
{
	struct reply_context ctx = context_of(g, r);
	struct moment closed = case_closed(g->c, 0);
	struct reply_class cl;
	bool quit = g->s->quit.frame != 0 && g->s->quit.ns <= r->reply->at.ns;

	if (moment_is(&closed) && moment_before(&closed, &r->reply->at))
		return;			/* "lost input connection": it follows from the client's close */
	if (quit || (!mail_open(g->c) && mail_accepted(g->c)))
		return;			/* an idle session was closed, nothing was lost (0.7) */
	ctx.stage = 0;
	ctx.after_gap = g->blind || r->reply->code != 421;
	reply_classify(g->v->replies, r->reply, &ctx, &cl);
	if (cl.kind == FINDING_KINDS || (cl.how == REPLY_BY_NOTHING && r->reply->code != 421))
		return;
	if (server_tired(r, &cl)) {
		cl.kind = FINDING_SERVER_TIMEOUT_421;
		cl.subkind[0] = '\0';
	}
	class_by_login(g, r, &cl);
	if (login_healed(g, r, cl.kind) || (cl.kind == FINDING_SERVER_TIMEOUT_421 && ends_bare(g->c)))
		return;
	cl.confidence = confidence_min(cl.confidence, words_certain(g, r, &cl));
	if (cl.kind == FINDING_PROTOCOL_ERROR && (g->blind || case_midstream(g->c) || case_missing_dir(g->c, 0)))
		cl.confidence = confidence_min(cl.confidence, CONFIDENCE_POSSIBLE);	/* its command may have been a masked one */
	if (case_stalled(g->c))
		cl.confidence = CONFIDENCE_CANNOT_TELL;
	say(g, r, &cl);
}

static void
judge_refusal(const struct reading *g, const struct refusal *r)
{
	struct reply_context ctx = context_of(g, r);
	struct reply_class cl;
	bool offered_none;

	if (refusal_ignored(g, r) || judge_hello(g, r))
		return;
	if (r->unsolicited && !g->alone) {
		judge_unsolicited(g, r);
		return;
	}
	reply_classify(g->v->replies, r->reply, &ctx, &cl);
	if (cl.kind == FINDING_KINDS)
		return;
	class_in_context(g, r, &cl);
	if (login_healed(g, r, cl.kind))
		return;
	if (g->alone)
		cl.confidence = confidence_min(cl.confidence, CONFIDENCE_PROBABLE);
	/* said already: it spoke before the end of the greeting */
	if (cl.kind == FINDING_PROTOCOL_ERROR && r->stage == 'E' && verdict_claimed(g->out, g->c, 0, FINDING_PROTOCOL_ERROR) != NULL)
		return;
	if (cl.kind == FINDING_PROTOCOL_ERROR && verdict_claimed(g->out, g->c, -1, FINDING_BANNER_MASKED) != NULL && !r->ended)
		return;
	say(g, r, &cl);
	offered_none = login_known(g) && !g->s->auth_offered && !g->s->auth_tried && (g->s->tls || !g->s->starttls_offered);
	if (cl.kind == FINDING_RELAY_DENIED_WRONG_NETWORK && offered_none)
		say_pop_hint(g, r);
}

/* On a port for logins: EHLO, what is offered, and QUIT or a close.  Programs that are to log in leave so where they may not do it in clear. */
static void
judge_left_at_hello(const struct reading *g)
{
	const struct record_session *s = g->s;
	bool quit = moment_is(&s->quit);
	struct moment left = quit ? s->quit : case_first_closer(g->c) == 0 ? case_closed(g->c, 0) : (struct moment){ 0 };
	struct finding *f;

	if (g->c->conn->server.port != 587 || !login_known(g) || s->auth_offered || !s->starttls_offered || s->starttls_tried || s->commands != 1 + (uint32_t)quit ||
	    !moment_is(&left) || (!quit && case_waited(g->c, &s->capabilities_at, &left) > 5 * SECOND) || g->c->transaction_count > 0)
		return;
	f = verdict_add(g->out, FINDING_AUTH_NOT_OFFERED, CONFIDENCE_POSSIBLE, g->c, 0);
	finding_subkind(f, "left");
	f->severity = SEVERITY_INFO;
	finding_span(f, &s->capabilities_at, &left);
	evidence_frame(finding_says(f, g->c->point, "EHLO is answered with STARTTLS and without a login (AUTH)"), &s->capabilities_at);
	evidence_frame(finding_says(f, g->c->point, quit ? "the client says QUIT at once" : "the client closes at once"), &left);
	finding_summary(f, "The client left when it had read what the server offers: no login without encryption (STARTTLS).");
	finding_remedy(f, "If the mail program says that the server offers no login: switch encryption on for this server and port (STARTTLS). A monitor that only "
	    "says EHLO looks the same.");
	finding_next_capture(f, "a program that was to log in", "a monitor that only looked", "what the program itself says (its log)", "the next attempt as well");
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct refusal r[REFUSALS_MAX];
	struct reading g = { .v = v, .c = v->c, .s = v->c->session, .out = out };
	bool said = false;
	size_t n;

	g.said = &said;
	if (g.s == NULL || !case_is_smtp(v->c))
		return;
	g.blind = g.s->gap_server || v->c->conn->dir[1].missing > 0 || v->c->conn->dir[1].acked_unseen > 0 ||
	    case_unseen_dir(v->c) == 0;
	g.alone = !g.s->client_seen;
	g.blind = g.blind || g.alone || v->c->conn->disordered > 0;
	n = refusals_gather(v->c, r, REFUSALS_MAX);
	for (size_t i = 0; i < n; i++)
		judge_refusal(&g, &r[i]);
	if (n == 0)
		judge_left_at_hello(&g);
}

const struct rule rule_reply = { "reply", RULE_CASE, judge };
