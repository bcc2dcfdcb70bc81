#include "reply_help.h"

#include <stdio.h>
#include <string.h>

/* ---- what a program shows --------------------------------------------------------------- */

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
