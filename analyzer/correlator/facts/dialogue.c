#include "dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/text.h"

#define ANSWER_LATE (SECOND / 2) /* RFC 1122 4.2.3.2: no ACK waits longer */

bool
moment_before(const struct moment *a, const struct moment *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->frame < b->frame;
}

int64_t
moment_gap(const struct moment *from, const struct moment *to)
{
	return moment_is(from) && moment_is(to) && to->ns > from->ns ? to->ns - from->ns : 0;
}

int64_t
case_waited(const struct mail_case *c, const struct moment *from, const struct moment *to)
{
	int64_t gap = moment_gap(from, to);

	return gap > 0 ? gap - case_time_jumped(c, from->ns, to->ns) : gap;
}

/* ---- ports and protocols ----------------------------------------------------------- */

bool
port_is_tls(uint16_t port)
{
	return port == 465 || port == 993 || port == 995;
}

static bool
port_is_smtp(uint16_t port)
{
	return port == 24 || port == 25 || port == 26 || port == 587 || port == 2525;
}

bool
port_is_mail(uint16_t port)
{
	return port_is_smtp(port) || port_is_tls(port) || port == 110 || port == 143;
}

bool
case_is_smtp(const struct mail_case *c)
{
	enum app_proto app = c->session != NULL ? c->session->app : c->conn->app;

	if (app == APP_UNKNOWN)
		return port_is_smtp(c->conn->server.port);
	return app == APP_SMTP || app == APP_SMTP_TUNNELLED || app == APP_SMTPS;
}

bool
case_is_pop(const struct mail_case *c)
{
	enum app_proto app = c->session != NULL ? c->session->app : c->conn->app;

	return app == APP_POP3 || app == APP_POP3S;
}

bool
case_is_mail(const struct mail_case *c)
{
	enum app_proto app = c->has_conn ? c->conn->app : APP_UNKNOWN;

	if (c->session != NULL || !c->has_conn)
		return true;
	return app == APP_UNKNOWN ? port_is_mail(c->conn->server.port) : app != APP_OTHER;
}

/* ---- how it ended --------------------------------------------------------------------- */

static bool
rst_foreign(const struct record_direction *d)
{
	int diff = (int)d->ttl - (int)rst_ttl(d);

	if (d->ttl == 0 || rst_ttl(d) == 0)
		return (d->reset_signs & RESET_R5) != 0;
	return diff >= 2 || diff <= -2;
}

struct moment
case_closed(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];
	struct moment none = { 0 };

	if (moment_is(&d->rst) && !rst_foreign(d) &&
	    (!moment_is(&d->fin) || moment_before(&d->rst, &d->fin)))
		return d->rst;
	return moment_is(&d->fin) ? d->fin : none;
}

/*
 * Exim sends QUIT and FIN right behind the message: it has nothing more to say, but it waits for
 * the answer.
 */
bool
case_closes_its_half(const struct mail_case *c)
{
	return c->session != NULL && moment_is(&c->session->quit) &&
	    moment_is(&c->conn->dir[0].fin) && !moment_is(&c->conn->dir[0].rst);
}

/* What the server said after that was taken: a program that is gone answers with RST. */
bool
case_hears_after_close(const struct mail_case *c)
{
	return case_closes_its_half(c) && case_all_acked(c, 1);
}

const struct record_stall *
reply_unheard(const struct mail_case *c, const struct record_transaction *t)
{
	const struct record_direction *d = &c->conn->dir[1];

	if (t != c->transactions[c->transaction_count - 1] || d->acked >= d->stream_bytes ||
	    c->conn->dir[0].packets == 0)
		return NULL;
	for (uint32_t i = 0; i < c->stall_count; i++)
		if (c->stalls[i]->key.m == 1 && c->stalls[i]->chain_count >= 3 &&
		    !moment_is(&c->stalls[i]->delivered))
			/*
			 * one that begins later is of what was said behind it, as the answer to
			 * QUIT
			 */
			return c->stalls[i]->first.ns < t->final_reply.at.ns - SECOND ||
				c->stalls[i]->first.ns > t->final_reply.at.ns
			    ? NULL
			    : c->stalls[i];
	return NULL;
}

/*
 * A host that resets by itself sends a RST with ACK; this one stands where the server's packet
 * said, so nobody there knew the connection.
 */
bool
reply_met_reset(const struct mail_case *c, const struct record_transaction *t)
{
	const struct record_direction *client = &c->conn->dir[0], *server = &c->conn->dir[1];
	int64_t answered = client->rst.ns - t->final_reply.at.ns;

	return t == c->transactions[c->transaction_count - 1] && moment_is(&t->final_reply.at) &&
	    moment_is(&client->rst) && client->rst_answers && !moment_is(&client->fin) &&
	    server->acked < server->stream_bytes && answered >= 0 &&
	    answered <= ANSWER_LATE + 4 * c->conn->rtt_ns;
}

/* Every record begins with its key. */
static const struct record_key *
key_at(const void *list, uint32_t i)
{
	const struct record_key *k;

	memcpy(
	    &k, (const char *)list + i * sizeof(struct record_key *), sizeof(struct record_key *));
	return k;
}

/* Lists of a case are in order of n: the first that is this one or behind it. */
static uint32_t
list_from(const void *list, uint32_t count, uint64_t n)
{
	uint32_t lo = 0, hi = count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (key_at(list, mid)->n < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct record_transaction *
case_transaction(const struct mail_case *c, uint32_t n)
{
	uint32_t i = list_from(c->transactions, c->transaction_count, n);

	return i < c->transaction_count && c->transactions[i]->key.n == n ? c->transactions[i]
									  : NULL;
}

const struct record_transaction *
case_transaction_behind(const struct mail_case *c, const struct record_transaction *t)
{
	uint32_t i = list_from(c->transactions, c->transaction_count, (uint64_t)t->key.n + 1);

	while (i < c->transaction_count && c->transactions[i]->nested)
		i++;
	return i < c->transaction_count ? c->transactions[i] : NULL;
}

const struct record_message *
case_message(const struct mail_case *c, uint32_t n)
{
	uint32_t i = list_from(c->messages, c->message_count, n);

	return i < c->message_count && c->messages[i]->key.n == n ? c->messages[i] : NULL;
}

const struct record_recipient *const *
case_recipients(const struct mail_case *c, uint32_t n, uint32_t *count)
{
	uint32_t from = list_from(c->recipients, c->recipient_count, n), to = from;

	while (to < c->recipient_count && c->recipients[to]->key.n == n)
		to++;
	*count = to - from;
	return to > from ? (const struct record_recipient *const *)&c->recipients[from] : NULL;
}

bool
transaction_unheard(const struct mail_case *c, const struct record_transaction *t)
{
	struct moment closed = case_closed(c, 0);

	if (t->verdict == VERDICT_LOST || t->verdict == VERDICT_UNKNOWN)
		return t->end_acked || moment_is(&t->end_of_data);
	if (t->verdict != VERDICT_ACCEPTED)
		return false;
	return reply_unheard(c, t) != NULL || reply_met_reset(c, t) ||
	    (moment_is(&closed) && moment_before(&closed, &t->final_reply.at) &&
		!case_hears_after_close(c));
}

bool
case_line_between(const struct mail_case *c, const struct moment *refused)
{
	const struct moment *spoke = &c->conn->dir[0].data_first;

	if (c->session == NULL || case_midstream(c) || case_missing(c) || case_one_sided(c) ||
	    c->conn->disordered > 0)
		return false;
	return c->session->proxy_header || !moment_is(spoke) || moment_before(refused, spoke);
}

void
say_line_between(const struct mail_case *c, struct finding *f, const struct record_reply *r)
{
	char quote[256];

	finding_subkind(f, "line-between");
	f->severity = SEVERITY_ERROR;
	if (c->session->proxy_header)
		evidence_frame(
		    finding_says(f, c->point,
			"the connection begins with a PROXY header, which the server takes for a command"),
		    &c->conn->dir[0].data_first);
	else
		finding_says(f, c->point,
		    "until then the client had said nothing: the server refuses a line of something in between");
	finding_summary(f, "The server refuses a line that is not the client's: \"%s\"; %s.",
	    reply_quote(r, false, quote, sizeof(quote)),
	    c->session->proxy_header
		? "it does not expect the PROXY header"
		: "probably a proxy before it sends a PROXY header, which it does not expect");
	finding_remedy(f,
	    "A proxy or balancer before the server puts a line of its own before the client's. Either tell the server to expect it (PROXY protocol; Postfix: "
	    "smtpd_upstream_proxy_protocol or postscreen_upstream_proxy_protocol, Exim: hosts_proxy, Dovecot: haproxy), or the proxy not to send it (haproxy: "
	    "no send-proxy; nginx: proxy_protocol off).");
}

struct moment
case_goodbye(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	if (s == NULL || !moment_is(&s->quit) || s->commands != 1 || s->gap_client ||
	    s->midstream || moment_is(&s->greeting.at))
		return (struct moment){ 0 };
	return s->quit;
}

int64_t
case_silence_shown(const struct mail_case *c, int dir, const struct moment *since)
{
	return moment_gap(since, &c->conn->dir[dir].last);
}

int
case_first_closer(const struct mail_case *c)
{
	struct moment a = case_closed(c, 0), b = case_closed(c, 1);

	if (!moment_is(&a) && !moment_is(&b))
		return -1;
	if (!moment_is(&b))
		return 0;
	if (!moment_is(&a))
		return 1;
	return moment_before(&a, &b) ? 0 : 1;
}

uint64_t
case_answer_missing(const struct mail_case *c)
{
	const struct record_direction *server = &c->conn->dir[1];
	const struct stretch *gone;

	if (server->unseen_count == 0 || server->unseen_count > RECORD_STRETCHES)
		return 0;
	gone = &server->unseen[server->unseen_count - 1];
	/* one byte is what a FIN takes in the numbers, and no answer */
	return gone->at == server->acked && gone->at >= server->stream_bytes && gone->bytes > 1
	    ? gone->bytes
	    : 0;
}

struct moment
case_ended(const struct mail_case *c)
{
	int closer = case_first_closer(c);

	return closer < 0 ? c->conn->last : case_closed(c, closer);
}

bool
case_all_acked(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];

	return d->acked >= d->stream_bytes;
}

/*
 * The last of it may arrive where what came before is lost; a capture that merely ends before the
 * ACK proves nothing.
 */
bool
message_unconfirmed(const struct mail_case *c, const struct record_message *m)
{
	if (m->state != MESSAGE_WHOLE || c->conn->dir[1].acked >= m->end ||
	    c->conn->dir[0].packets == 0 || case_one_sided(c))
		return false;
	return m->gap || case_stalled(c) || moment_before(&m->last, &c->conn->dir[0].fin);
}

bool
message_refused(const struct record_message *m)
{
	return m->state == MESSAGE_NOT_RETRIEVED && moment_is(&m->reply.at);
}

bool
case_stalled(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->stall_count; i++)
		if (!moment_is(&c->stalls[i]->delivered) && c->stalls[i]->chain_count >= 3)
			return true;
	for (int d = 0; d < 2; d++)
		if (c->conn->dir[d].hole_bytes > 0 && !moment_is(&c->conn->dir[d].hole_filled) &&
		    !c->conn->dir[d].hole_acked)
			return true;
	return rst_foreign(&c->conn->dir[0]) || rst_foreign(&c->conn->dir[1]);
}

bool
case_mail_began(const struct mail_case *c, int64_t from_ns, int64_t to_ns)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->first.ns > from_ns && c->transactions[i]->first.ns <= to_ns)
			return true;
	for (uint32_t i = 0; case_is_pop(c) && i < c->message_count; i++)
		if (c->messages[i]->first.ns > from_ns && c->messages[i]->first.ns <= to_ns)
			return true;
	return false;
}

bool
case_mail_passed(const struct mail_case *c, int64_t from_ns, int64_t to_ns)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		if (t->verdict == VERDICT_ACCEPTED && t->verdict_reply.at.ns >= from_ns &&
		    t->verdict_reply.at.ns <= to_ns)
			return true;
	}
	for (uint32_t i = 0; case_is_pop(c) && i < c->message_count; i++)
		if (c->messages[i]->state == MESSAGE_WHOLE && c->messages[i]->last.ns >= from_ns &&
		    c->messages[i]->last.ns <= to_ns)
			return true;
	return false;
}

enum confidence
absence(const struct mail_case *c, enum confidence conf)
{
	uint32_t q = capture_q_permille(c->capture);

	if (case_missing(c) || case_one_sided(c) || c->conn->disordered > 0 || q >= 50)
		return CONFIDENCE_CANNOT_TELL;
	return q >= 10 ? confidence_lower(conf, 1) : conf;
}

uint64_t
case_size_limit(const struct mail_case *c)
{
	const char *list = c->session != NULL ? c->session->capabilities : "";

	for (const char *p = list; (p = strcasestr(p, "SIZE ")) != NULL; p++) {
		if (p == list || p[-1] == ' ')
			return strtoull(p + 5, NULL, 10);
	}
	return 0;
}

/* ---- words ------------------------------------------------------------------- */

const char *
address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

char *
reply_quote(const struct record_reply *r, bool pop, char *buf, size_t len)
{
	size_t all = strlen(r->text);
	char head[40] = "", words[152];
	bool cut =
	    text_copy_utf8(words, sizeof(words), r->text, all) < all; /* between characters */

	if (pop)
		snprintf(head, sizeof(head), "%s %s%s%s", r->code == 1 ? "+OK" : "-ERR",
		    r->enhanced[0] != '\0' ? "[" : "", r->enhanced,
		    r->enhanced[0] != '\0' ? "] " : "");
	else if (r->code != 0)
		snprintf(head, sizeof(head), "%u ", r->code);
	if (!pop && r->enhanced[0] != '\0' && strstr(r->text, r->enhanced) == NULL)
		snprintf(head + strlen(head), sizeof(head) - strlen(head), "%s ", r->enhanced);
	if (words[0] == '\0' && head[0] != '\0')
		head[strlen(head) - 1] = '\0'; /* its blank */
	snprintf(buf, len, "%s%s%s", head, words, cut ? "..." : "");
	return buf;
}

static const struct {
	unsigned short code;
	const char *number;
} client_codes[] = {
	{ 421, "67" },
	{ 450, "68" },
	{ 451, "6A" },
	{ 452, "6C" },
	{ 500, "62" },
	{ 501, "63" },
	{ 502, "64" },
	{ 503, "65" },
	{ 504, "66" },
	{ 550, "69" },
	{ 551, "6B" },
	{ 552, "6D" },
	{ 553, "6E" },
	{ 554, "6F" },
};

/* "0x800CCC6F, "; "" where it has none of its own. */
static const char *
client_number(unsigned int code, char text[16])
{
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(client_codes) / sizeof(client_codes[0]); i++)
		if (client_codes[i].code == code)
			snprintf(text, 16, "0x800CCC%s, ", client_codes[i].number);
	return text;
}

/* What a program shows for a login that failed; other refusals at a login it tells as they are. */
static bool
shows_login(enum finding_kind k)
{
	return k == FINDING_AUTH_FAILED || k == FINDING_AUTH_TEMPORARY_FAILURE ||
	    k == FINDING_AUTH_MECHANISM_MISMATCH || k == FINDING_AUTH_NOT_OFFERED;
}

void
reply_client_shows(struct finding *f, const struct refusal *r, bool pop)
{
	unsigned int code = r->reply->code;
	char number[16];

	if (pop || f->kind == FINDING_TLS_REQUIRED || f->kind == FINDING_TLS_FAILURE ||
	    (r->stage == 'A' && shows_login(f->kind)))
		return; /* the kind's own text is exact */
	if (r->stage == 'R')
		finding_client_shows(
		    f, "0x800CCC79 (the server rejected a recipient), server error %u", code);
	else if (r->stage == 'M')
		finding_client_shows(
		    f, "0x800CCC78 (the server rejected the sender), server error %u", code);
	else
		finding_client_shows(f, "%sserver error %u", client_number(code, number), code);
}

/* ---- remedies that the words decide ------------------------------------------ */

/* "blocked using zen.example.org": the list that the words name; false: none. */
static bool
list_named(const struct record_reply *r, char zone[80])
{
	static const char *const before[] = { "blocked using ", "blocked by ", "listed at ",
		"listed in ", "listed on ", "listed by ", "black list at " };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const char *p = strcasestr(r->text, before[i]);
		size_t n;

		if (p == NULL)
			continue;
		p += strlen(before[i]);
		n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
		while (n > 0 && p[n - 1] == '.')
			n--;
		if (strncasecmp(p + n, " using ", 7) ==
		    0) /* "blocked by example.com using Customer Block list": whose list it is */
			continue;
		if (n < 80 && memchr(p, '.', n) != NULL && strspn(p, "0123456789.") < n) {
			memcpy(zone, p, n);
			zone[n] = '\0';
			return true;
		}
	}
	return false;
}

/* A list is asked for its reason where the words name one; else it is a rule of this server. */
static void
remedy_policy(struct finding *f, const struct record_reply *r)
{
	char zone[80];

	if (reply_has_words(r, "http") || reply_has_words(r, "www."))
		return; /* the kind's own words: follow the link */
	else if (list_named(r, zone))
		finding_remedy(f,
		    "Look the sending address up at the list %s: it says why it is there and how it gets off it, once what sent spam from it is "
		    "found. Dynamic addresses must send through their provider's outgoing server.",
		    zone);
	else if (reply_has_words(r, "sender address rejected") ||
	    reply_has_words(r, "sender rejected"))
		finding_remedy(f,
		    "The server's own rules refuse this sender address or its domain, not the network: correct the address if it is wrong, "
		    "else ask the server's owner, quoting these words.");
	else
		finding_remedy(f,
		    "The words name no list to look into: ask the server's owner which of his rules it was, quoting them. Dynamic "
		    "addresses must send through their provider's outgoing server.");
}

void
say_challenge_login(const struct mail_case *c, struct finding *f, const char *mechanism)
{
	static const char *const challenges[] = { "APOP", "CRAM-MD5", "DIGEST-MD5" };

	for (size_t i = 0; f->subkind[0] == '\0' && i < sizeof(challenges) / sizeof(challenges[0]);
	     i++) {
		if (strcasecmp(mechanism, challenges[i]) != 0)
			continue;
		finding_says(f, c->point,
		    "the login was by %s: a server that keeps only a hash of the password refuses the right one, too",
		    challenges[i]);
		finding_remedy(f,
		    "Check user name and password. If they are right, the server announces %s and has nothing to check it with (it keeps hashes, as most "
		    "do): let the program log in with a plain password inside encryption (SSL/TLS), and have the server announce %s no more.",
		    challenges[i], challenges[i]);
	}
}

/* Of a HELO that is refused for itself no PTR record is the cure. */
static void
remedy_helo(struct finding *f, const struct record_reply *r)
{
	if ((reply_has_words(r, "helo") || reply_has_words(r, "ehlo")) &&
	    !reply_has_words(r, "ptr") && !reply_has_words(r, "reverse"))
		finding_remedy(f,
		    "The server does not take the name that the sender gives in HELO or EHLO: let it give its own full name, one that exists in DNS "
		    "(host.example.com), neither a short name nor another's.");
}

/*
 * Where the kind's own words do not fit: a right password is no cure where none is taken, an
 * address is not mended in the domain's DNS.
 */
static const struct {
	enum finding_kind kind;
	const char *subkind, *remedy;
} particular[] = {
	{ FINDING_PROTOCOL_ERROR, "no-angles",
	    "Let the program write the address between < and > (MAIL FROM:<name@example.org>, RFC 5321 4.1.2): some servers insist on it. In a device "
	    "or a script it may be enough to put them into the address field." },
	{ FINDING_PROTOCOL_ERROR, "nul",
	    "The message holds a byte 0, which no mail may (RFC 5321 4.5.2, RFC 5322 2.2): the program that made it has to leave it out, or to encode "
	    "the attachment that holds it (base64)." },
	{ FINDING_POLICY_OR_BLOCKLIST, "restricted",
	    "This recipient (a group or a mailbox) takes mail from certain senders only, mostly those of its own "
	    "organisation: ask its owner to allow others." },
	{ FINDING_POLICY_OR_BLOCKLIST, "sender-blocked",
	    "The provider has blocked this sender's account for what it sent: secure the account (password, forwarding "
	    "rules), then have the provider unblock it." },
	{ FINDING_POLICY_OR_BLOCKLIST, "unverified-address",
	    "The service sends only for addresses and domains that were verified with it: verify this one in its "
	    "settings, or send from one that is." },
	{ FINDING_POLICY_OR_BLOCKLIST, "list-not-answering",
	    "The sending address is on no list by these words: the list (Spamhaus) refuses to answer the name server that this server "
	    "asks (a public one, or one that asks too much), and the server takes that for a listing. Its owner must mend that: ask from a name server of its "
	    "own, or with a key of the list." },
	{ FINDING_SENDER_DOMAIN_REJECTED, "sender-verification",
	    "The server asks the sender's own mail server whether this address takes mail, and was told no or "
	    "nothing. The address must exist, and its server must answer such a query (RCPT TO from the empty sender <>)." },
	{ FINDING_SENDER_DOMAIN_REJECTED, "dns",
	    "The server could not look the sender's domain up, for now: its own name server does not answer, or those of the sender's "
	    "domain do not. A mail server tries again by itself. If it lasts, ask DNS for the domain (MX and A record) from a third network: where that fails, "
	    "too, the domain's DNS is to be mended." },
	{ FINDING_SENDER_DOMAIN_REJECTED, "unknown-sender",
	    "The server knows no such sender or does not take this address as one: correct the sender address in the "
	    "account's settings, or ask the server's owner, quoting these words." },
	{ FINDING_RECIPIENT_UNKNOWN, "domain",
	    "By the server's words the domain behind the recipient's @ does not exist or takes no mail: check its spelling. If it is "
	    "right, the domain's owner must mend its DNS (the MX record)." },
	{ FINDING_RECIPIENT_UNKNOWN, "list",
	    "The server finds no mailbox for this address: check its spelling. If it is right, it is a list or an alias there and none of "
	    "those that it stands for is found: its owner must mend it." },
	{ FINDING_RECIPIENT_UNKNOWN, "syntax",
	    "The server cannot read this as an address: correct it, it must be like name@example.com." },
	{ FINDING_AUTH_FAILED, "app-password",
	    "The account's own password is not taken here: make an app password in the account's security settings at the provider, or "
	    "let the program log in with OAuth 2." },
	{ FINDING_AUTH_FAILED, "no-passwords",
	    "The provider takes no passwords here any more: let the program log in with OAuth 2 (\"modern authentication\"). What "
	    "cannot do that, as printers and scripts, must send through another server." },
	{ FINDING_AUTH_FAILED, "switched-off",
	    "SMTP logins are switched off for this account or its whole organisation: they have to be allowed in the provider's "
	    "settings (Exchange Online: \"Authenticated SMTP\" of the mailbox)." },
	{ FINDING_AUTH_FAILED, "policy",
	    "A policy of the account's organisation refuses this login, be the password right or wrong (Microsoft 365: security defaults, "
	    "Conditional Access): its administrator has to allow SMTP logins for this account, or the program logs in with OAuth 2." },
	{ FINDING_AUTH_FAILED, "disabled",
	    "The account is switched off or locked: the provider or the administrator can say why, and switch it on again." },
	{ FINDING_POP_AUTH_FAILED, "app-password",
	    "The account's own password is not taken here: make an app password in the account's security settings at the provider, "
	    "or let the program log in with OAuth 2." },
	{ FINDING_POP_AUTH_FAILED, "pop-disabled",
	    "Fetching by POP3 is switched off for this account: switch it on in the account's settings at the provider." },
	{ FINDING_MESSAGE_TOO_BIG, "header",
	    "The header of the message is too large, not the message: address fewer recipients in To and Cc at once, or mend the "
	    "program that makes it." },
	{ FINDING_CONTENT_REJECTED, "header",
	    "The header of the message is not as it must be (RFC 5322: one From with an address, a Date, a Message-ID, none of them "
	    "twice): mend or update the program that makes it." },
	{ FINDING_CONTENT_REJECTED, "malformed",
	    "The server finds the message itself ill-formed (its header, MIME parts or line ends): mend or update the program that "
	    "makes it." },
	{ FINDING_TLS_REQUIRED, "version",
	    "The server wants a newer TLS version or stronger ciphers than were used: update the mail program or its system, and allow TLS "
	    "1.2 and 1.3 there." },
	{ FINDING_RATE_LIMITED, "shared-domain",
	    "Send from a domain of your own: with addresses of onmicrosoft.com Microsoft 365 lets a whole organisation write to no more "
	    "than 100 recipients outside it in 24 hours." },
	{ FINDING_RATE_LIMITED, "connection",
	    "The server takes only so many mails over one connection, and those before were taken: a mail server goes on over a new one "
	    "by itself. A program that sends many must connect again." },
};

void
reply_remedy(struct finding *f, const struct record_reply *r)
{
	for (size_t i = 0; i < sizeof(particular) / sizeof(particular[0]); i++)
		if (f->kind == particular[i].kind &&
		    strcmp(f->subkind, particular[i].subkind) == 0) {
			finding_remedy(f, "%s", particular[i].remedy);
			return;
		}
	if (f->kind == FINDING_POLICY_OR_BLOCKLIST)
		remedy_policy(f, r);
	else if (f->kind == FINDING_RDNS_OR_HELO_REJECTED)
		remedy_helo(f, r);
	else if (f->kind == FINDING_TEMPORARY_SERVER_ERROR && strstr(f->subkind, "verif") != NULL)
		finding_remedy(f,
		    "The server is finding out whether the address exists and has no answer yet: a mail server tries again by itself. If it lasts, the "
		    "server that would have to say so does not answer.");
}
