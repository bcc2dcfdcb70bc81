#include "flow/classify/classify.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	uint16_t port;
	enum app_proto app;
} well_known[] = {
	{ 25, APP_SMTP },
	{ 26, APP_SMTP },
	{ 465, APP_SMTPS },
	{ 587, APP_SMTP },
	{ 2525, APP_SMTP },
	{ 110, APP_POP3 },
	{ 995, APP_POP3S },
	{ 143, APP_IMAP },
	{ 993, APP_IMAPS },
};

static const struct classify_verdict wait_more = { CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE };
static const struct classify_verdict not_mail = { CLASSIFY_NOT, APP_OTHER, CLASS_NONE };

/* A stretch of one direction's bytes. */
struct text {
	const char *p;
	size_t len;
};

enum app_proto
classify_port(uint16_t port)
{
	for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++)
		if (well_known[i].port == port)
			return well_known[i].app;
	return APP_UNKNOWN;
}

bool
classify_is_implicit(enum app_proto app)
{
	return app == APP_SMTPS || app == APP_POP3S || app == APP_IMAPS;
}

static struct classify_verdict
mail(enum app_proto app, enum classified_by by)
{
	return (struct classify_verdict){ CLASSIFY_MAIL, app, by };
}

static bool
begins(struct text t, const char *word)
{
	size_t n = strlen(word);

	return t.len >= n && strncasecmp(t.p, word, n) == 0;
}

/* t may still become `word' when more bytes come. */
static bool
may_begin(struct text t, const char *word)
{
	size_t n = strlen(word);

	return strncasecmp(t.p, word, t.len < n ? t.len : n) == 0;
}

static bool
contains(struct text t, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= t.len; i++)
		if (strncasecmp(t.p + i, word, n) == 0)
			return true;
	return false;
}

/*
 * A word of a table, at the start of a line: followed by a blank, CR, LF, or by more if it says so.
 */
static bool
line_begins(struct text t, const char *word)
{
	size_t n = strlen(word);

	if (!begins(t, word))
		return false;
	if (word[n - 1] == ':' || t.len == n)
		return t.len > n || word[n - 1] == ':';
	return t.p[n] == ' ' || t.p[n] == '\r' || t.p[n] == '\n' || t.p[n] == '\t';
}

static bool
any_line_begins(struct text t, const char *const *words)
{
	for (; *words != NULL; words++)
		if (line_begins(t, *words))
			return true;
	return false;
}

static const char *const smtp_openers[] = { "EHLO", "HELO", "LHLO", "MAIL FROM:", NULL };
static const char *const smtp_midstream[] = { "RCPT TO:", NULL };
static const char *const pop3_verbs[] = { "USER", "PASS", "APOP", "AUTH", "CAPA", "STLS", "STAT",
	"LIST", "UIDL", "RETR", NULL };

bool
classify_worth(enum dissect_dir dir, const uint8_t *p, size_t len)
{
	static const char *const others[] = { "GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ",
		"PATCH ", "DELETE ", "HTTP/", "SSH-", "RFB ", "PRI * ", NULL };
	struct text t = { (const char *)p, len < 8 ? len : 8 };

	if (len == 0)
		return true;
	if (dir == DIR_C2S && (p[0] == 5 || p[0] == 4) && len < 300) /* SOCKS */
		return true;
	for (size_t i = 0; i < t.len; i++)
		if ((p[i] < 0x20 && p[i] != '\r' && p[i] != '\n' && p[i] != '\t') || p[i] > 0x7e)
			return false;
	for (const char *const *o = others; *o != NULL; o++)
		if (begins(t, *o))
			return false;
	return true;
}

struct classify *
classify_new(enum app_proto implicit, bool midstream, uint16_t client_port, uint16_t server_port)
{
	struct classify *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->implicit = implicit;
	c->midstream = midstream;
	c->port[DIR_C2S] = client_port;
	c->port[DIR_S2C] = server_port;
	return c;
}

void
classify_free(struct classify *c)
{
	if (c == NULL)
		return;
	classify_ndpi_free(c->ndpi);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

/* ---- greetings ------------------------------------------------------------ */

static bool
is_code(struct text t)
{
	return t.len >= 4 && isdigit((unsigned char)t.p[0]) && isdigit((unsigned char)t.p[1]) &&
	    isdigit((unsigned char)t.p[2]) && (t.p[3] == ' ' || t.p[3] == '-');
}

/* "250 2.1.0": nobody but SMTP has enhanced codes (RFC 3463). */
static bool
is_enhanced(struct text t)
{
	return t.len >= 8 && is_code(t) && t.p[4] == t.p[0] && t.p[5] == '.' &&
	    isdigit((unsigned char)t.p[6]) &&
	    (t.p[7] == '.' || (isdigit((unsigned char)t.p[7]) && t.len > 8 && t.p[8] == '.'));
}

/*
 * A 220 may be FTP's; the word SMTP, or the client's answer, decides.  554 and
 * its like are no greeting of FTP (RFC 959: 120, 220, 421), 421 is of both.
 */
static struct classify_verdict
greeting_smtp(const struct classify *c, struct text s)
{
	static const char *const refusals[] = { "554", "521", "520", "550", "450", "451", NULL };

	if (contains(s, "SMTP") || contains(s, "LMTP"))
		return mail(APP_SMTP, CLASS_GREETING);
	if (contains(s, "FTP") || c->port[DIR_S2C] == 21)
		return not_mail;
	if (is_enhanced(s))
		return mail(APP_SMTP, CLASS_GREETING);
	for (const char *const *r = refusals; *r != NULL; r++)
		if (begins(s, *r))
			return mail(APP_SMTP, CLASS_GREETING);
	if (begins(s, "421") && memchr(s.p, '\n', s.len) != NULL)
		return mail(APP_SMTP, CLASS_GREETING);
	return begins(s, "220") || begins(s, "421") ? wait_more : not_mail;
}

static struct classify_verdict
greeting(const struct classify *c, struct text s)
{
	if (s.len < 4)
		return s.len > 0 && !isdigit((unsigned char)s.p[0]) && s.p[0] != '+' &&
			s.p[0] != '-' && s.p[0] != '*'
		    ? not_mail
		    : wait_more;
	if (is_code(s))
		return greeting_smtp(c, s);
	if (begins(s, "* OK") || begins(s, "* PREAUTH") || begins(s, "* BYE"))
		return mail(APP_IMAP, CLASS_GREETING);
	if (begins(s, "+OK") || begins(s, "-ERR"))
		return contains(s, "POP") ? mail(APP_POP3, CLASS_GREETING) : wait_more;
	return may_begin(s, "* PREAUTH") || may_begin(s, "* BYE") ? wait_more : not_mail;
}

/* The client has answered a greeting that did not say what it is. */
static struct classify_verdict
answered(struct text s, struct text c)
{
	bool line = memchr(c.p, '\n', c.len) != NULL;

	if (begins(s, "+OK") || begins(s, "-ERR")) {
		if (any_line_begins(c, pop3_verbs))
			return mail(APP_POP3, CLASS_GREETING);
		return line ? not_mail : wait_more;
	}
	if (any_line_begins(c, smtp_openers))
		return mail(APP_SMTP, CLASS_CLIENT);
	return line ? not_mail : wait_more;
}

/* ---- tunnels: SOCKS and HTTP CONNECT -------------------------------------- */

/* Where the far server's bytes begin; 0: not yet, SIZE_MAX: no tunnel. */
static size_t
tunnel_socks5(struct text s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t at = 2;

	if (s.len < 2)
		return 0;
	if (p[1] == 2)
		at = 4;
	else if (p[1] != 0)
		return SIZE_MAX;
	if (s.len < at + 5)
		return 0;
	if (p[at] != 5 || p[at + 1] != 0)
		return SIZE_MAX;
	if (p[at + 3] == 1)
		return at + 10;
	return p[at + 3] == 4 ? at + 22 : at + 7 + p[at + 4];
}

static size_t
tunnel_connect(struct text s)
{
	const char *end = memmem(s.p, s.len, "\r\n\r\n", 4);

	if (!may_begin(s, "HTTP/1."))
		return SIZE_MAX;
	if (end == NULL)
		return s.len < CLASSIFY_HEAD ? 0 : SIZE_MAX;
	return s.len > 11 && memcmp(s.p + 8, " 200", 4) == 0 ? (size_t)(end - s.p) + 4 : SIZE_MAX;
}

static size_t
tunnel_start(const struct classify *c)
{
	struct text client = { (const char *)c->head[DIR_C2S], c->len[DIR_C2S] };
	struct text server = { (const char *)c->head[DIR_S2C], c->len[DIR_S2C] };

	if (client.len == 0)
		return SIZE_MAX;
	if (may_begin(client, "CONNECT "))
		return server.len == 0 ? 0 : tunnel_connect(server);
	if (client.p[0] == 5)
		return server.len == 0 ? 0 : server.p[0] == 5 ? tunnel_socks5(server) : SIZE_MAX;
	if (client.p[0] == 4 && (server.len == 0 || server.p[0] == 0))
		return server.len < 2 ? 0 : server.p[1] == 90 ? 8 : SIZE_MAX;
	return SIZE_MAX;
}

static struct classify_verdict
tunnelled(const struct classify *c, size_t start)
{
	struct text client = { (const char *)c->head[DIR_C2S], c->len[DIR_C2S] };
	struct text s = { (const char *)c->head[DIR_S2C] + start, c->len[DIR_S2C] - start };
	struct classify_verdict v = greeting(c, s);

	if (v.answer == CLASSIFY_WAIT &&
	    (contains(client, "\nEHLO ") || contains(client, "\nHELO ")))
		v = mail(APP_SMTP, CLASS_GREETING);
	if (v.answer == CLASSIFY_MAIL)
		return v.app == APP_SMTP ? mail(APP_SMTP_TUNNELLED, v.by) : not_mail;
	return v;
}

/* ---- the sniffer ---------------------------------------------------------- */

static struct classify_verdict
sniff_client_first(const struct classify *c, struct text client)
{
	static const char *const *const words = smtp_openers;

	if (any_line_begins(client, words))
		return mail(APP_SMTP, CLASS_CLIENT);
	if (c->midstream && any_line_begins(client, smtp_midstream))
		return mail(APP_SMTP, CLASS_CLIENT);
	return wait_more;
}

/* Port 465 and its like: the server's first byte says whether it is TLS. */
static struct classify_verdict
sniff_implicit(const struct classify *c, struct text server)
{
	if (server.len == 0)
		return wait_more;
	if (server.p[0] == 0x16 || server.p[0] == 0x15)
		return mail(c->implicit, CLASS_PORT);
	if (isdigit((unsigned char)server.p[0]) && c->implicit == APP_SMTPS)
		return mail(APP_SMTP, CLASS_GREETING);
	if ((server.p[0] == '+' || server.p[0] == '-') && c->implicit == APP_POP3S)
		return mail(APP_POP3, CLASS_GREETING);
	if (server.p[0] == '*' && c->implicit == APP_IMAPS)
		return mail(APP_IMAP, CLASS_GREETING);
	return mail(c->implicit, CLASS_PORT);
}

static struct classify_verdict
sniff(const struct classify *c)
{
	struct text client = { (const char *)c->head[DIR_C2S], c->len[DIR_C2S] };
	struct text server = { (const char *)c->head[DIR_S2C], c->len[DIR_S2C] };
	struct classify_verdict v = wait_more;
	size_t start;

	if (c->implicit != APP_UNKNOWN)
		return sniff_implicit(c, server);
	start = tunnel_start(c);
	if (start != SIZE_MAX)
		return start == 0 || start > server.len ? wait_more : tunnelled(c, start);
	if (client.len > 0)
		v = sniff_client_first(c, client);
	if (v.answer != CLASSIFY_WAIT || server.len == 0)
		return v;
	if (c->first == DIR_C2S && !c->midstream)
		return wait_more; /* not a greeting: nDPI may know */
	v = greeting(c, server);
	if (v.answer == CLASSIFY_WAIT && client.len > 0)
		v = answered(server, client);
	/* A reply in mid-stream need not look like a greeting. */
	return v.answer == CLASSIFY_NOT && c->midstream ? wait_more : v;
}

static void
classify_keep(struct classify *c, enum dissect_dir dir, const uint8_t *p, size_t len)
{
	size_t room = CLASSIFY_HEAD - c->len[dir];

	if (c->len[DIR_C2S] == 0 && c->len[DIR_S2C] == 0)
		c->first = dir;
	if (len > room)
		len = room;
	if (len > 0)
		memcpy(c->head[dir] + c->len[dir], p, len);
	c->len[dir] = (uint16_t)(c->len[dir] + len);
}

struct classify_verdict
classify_feed(struct classify *c, enum dissect_dir dir, const uint8_t *p, size_t len)
{
	struct classify_verdict v;

	classify_keep(c, dir, p, len);
	c->packets++;
	v = sniff(c);
	if (v.answer != CLASSIFY_WAIT || c->implicit != APP_UNKNOWN)
		return v;
	if (c->ndpi == NULL && c->packets == 1)
		c->ndpi = classify_ndpi_new();
	if (c->ndpi != NULL && len > 0)
		v = classify_ndpi_feed(c->ndpi, dir, c->port, p, len);
	return v;
}

struct classify_verdict
classify_end(const struct classify *c)
{
	struct text client = { (const char *)c->head[DIR_C2S], c->len[DIR_C2S] };

	if (c->implicit == APP_UNKNOWN)
		return not_mail;
	if (c->implicit == APP_SMTPS && any_line_begins(client, smtp_openers))
		return mail(APP_SMTP, CLASS_CLIENT);
	return mail(c->implicit, CLASS_PORT);
}
