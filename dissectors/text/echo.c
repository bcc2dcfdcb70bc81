#include "dissectors/text/echo.h"

#include <string.h>
#include <strings.h>

#include "dissectors/text/base64.h"
#include "dissectors/text/sasl.h"

#define SAID_MIN 4u /* what is shorter stands in any text */
#define SAID_MAX 128u

struct text {
	const char *p;
	size_t len;
};

/*
 * Words that servers use when they speak of logins.  Who has one for a password is not betrayed by
 * them, but would be by the stars, and a reply without them could not be understood.
 */
static const char *const plain_words[] = { "access", "account", "argument", "auth", "authenticate",
	"authentication", "command", "credentials", "denied", "error", "failed", "failure",
	"incorrect", "invalid", "locked", "login", "mail", "mailbox", "maildrop", "messages",
	"name", "pass", "passwd", "password", "plain", "please", "refused", "rejected", "required",
	"server", "unknown", "user", "username", "welcome", "wrong" };

static bool
is_plain_word(struct text t)
{
	for (size_t i = 0; i < sizeof(plain_words) / sizeof(plain_words[0]); i++)
		if (strlen(plain_words[i]) == t.len && strncasecmp(plain_words[i], t.p, t.len) == 0)
			return true;
	return false;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* ---- what was said -------------------------------------------------------- */

static bool
is_kept(const struct echo *e, struct text t, bool user)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (e->said[i].user == user && e->said[i].len == t.len &&
		    memcmp(e->kept + e->said[i].at, t.p, t.len) == 0)
			return true;
	return false;
}

static void
oldest_drop(struct echo *e)
{
	size_t n = e->said[0].len;

	memmove(e->kept, e->kept + n, e->used - n);
	e->used -= n;
	explicit_bzero(e->kept + e->used, n);
	e->count--;
	memmove(e->said, e->said + 1, e->count * sizeof(e->said[0]));
	for (uint32_t i = 0; i < e->count; i++)
		e->said[i].at = (uint16_t)(e->said[i].at - n);
}

static void
keep(struct echo *e, struct text t, bool user)
{
	bool cut = t.len > SAID_MAX;

	if (cut)
		t.len = SAID_MAX;
	if (t.len < SAID_MIN || is_plain_word(t) || is_kept(e, t, user))
		return;
	while (e->count == ECHO_SAID || e->used + t.len > ECHO_BYTES)
		oldest_drop(e);
	memcpy(e->kept + e->used, t.p, t.len);
	e->said[e->count++] = (struct echo_said){ (uint16_t)e->used, (uint8_t)t.len, user, cut };
	e->used += t.len;
}

static bool
is_user(struct text t, struct text user)
{
	return user.p != NULL && t.len == user.len && memcmp(t.p, user.p, t.len) == 0;
}

static size_t
word_len(struct text t)
{
	size_t n = 0;

	while (n < t.len && t.p[n] != ' ' && t.p[n] != '\t')
		n++;
	return n;
}

/* The whole, and its words. */
static void
keep_words(struct echo *e, struct text t, struct text user)
{
	if (!is_user(t, user))
		keep(e, t, false);
	if (word_len(t) == t.len)
		return;
	for (size_t n; t.len != 0; t.p += n, t.len -= n) {
		struct text word = { t.p, word_len(t) };

		if (!is_user(word, user))
			keep(e, word, false);
		n = word.len < t.len ? word.len + 1 : word.len;
	}
}

static bool
is_base64(struct text t)
{
	if (t.len < 6)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (base64_digit((uint8_t)t.p[i]) < 0 && t.p[i] != '=')
			return false;
	return true;
}

/* PLAIN parts its fields by NUL, the OAuth mechanisms by ^A. */
static void
keep_decoded(struct echo *e, struct text t, struct text user)
{
	uint8_t out[3 * SAID_MAX];
	struct base64 b = { 0 };
	size_t n, from = 0;

	if (!is_base64(t))
		return;
	if (t.len > sizeof(out))
		t.len = sizeof(out);
	n = base64_decode_some(&b, (const uint8_t *)t.p, t.len, out);
	for (size_t i = 0; i <= n; i++) {
		if (i < n && out[i] >= 0x20)
			continue;
		keep_words(e, (struct text){ (const char *)out + from, i - from }, user);
		from = i + 1;
	}
	explicit_bzero(out, sizeof(out));
	explicit_bzero(&b, sizeof(b));
}

void
echo_note(struct echo *e, const char *p, size_t len, const char *user, size_t user_len)
{
	struct text t = { p, len }, name = { user, user_len }, last;

	while (t.len != 0 && (t.p[0] == ' ' || t.p[0] == '\t'))
		t = (struct text){ t.p + 1, t.len - 1 };
	while (t.len != 0 && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	if (t.len == 0)
		return;
	keep_words(e, t, name);
	for (last = t; word_len(last) < last.len;)
		last = (struct text){ last.p + word_len(last) + 1, last.len - word_len(last) - 1 };
	keep_decoded(e, last, name);
}

void
echo_note_user(struct echo *e, const char *p, size_t len)
{
	if (len != 0)
		keep(e, (struct text){ p, len }, true);
}

/* ---- what comes back ------------------------------------------------------ */

/* Is it a word of its own at p + at? */
static bool
stands_alone(const char *p, size_t len, size_t at, struct text t)
{
	if (at > 0 && is_alnum(p[at - 1]) && is_alnum(t.p[0]))
		return false;
	return at + t.len == len || !is_alnum(p[at + t.len]) || !is_alnum(t.p[t.len - 1]);
}

static void
hide_one(char *p, size_t len, struct text t, bool cut)
{
	char low = (char)(is_alnum(t.p[0]) ? t.p[0] | 0x20 : t.p[0]);

	for (size_t i = 0; i + t.len <= len; i++) {
		if ((p[i] != t.p[0] && (p[i] | 0x20) != low) ||
		    strncasecmp(p + i, t.p, t.len) != 0 || (!cut && !stands_alone(p, len, i, t)))
			continue;
		memset(p + i, '*', t.len);
		i += t.len - 1;
		while (cut && i + 1 < len && (unsigned char)p[i + 1] > ' ')
			p[++i] = '*';
	}
}

static void
hide(const struct echo *e, char *p, size_t len, bool user)
{
	for (uint32_t i = 0; len != 0 && i < e->count; i++)
		if (e->said[i].user == user)
			hide_one(p, len, (struct text){ e->kept + e->said[i].at, e->said[i].len },
			    e->said[i].cut);
}

void
echo_hide(const struct echo *e, char *p, size_t len)
{
	hide(e, p, len, false);
}

void
echo_hide_user(const struct echo *e, char *p, size_t len)
{
	hide(e, p, len, true);
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`' || c == '<' || c == '(' || c == '[' || c == ':';
}

/* "PASS sesame": what follows the word, up to the closing quote or the end of the line. */
static void
hide_quoted(char *p, size_t len, const char *verb)
{
	size_t n = strlen(verb);

	for (size_t i = 1; i + n < len; i++) {
		size_t before = i - 1;

		while (before > 0 && p[before] == ' ')
			before--;
		if (!is_quote(p[before]) || strncasecmp(p + i, verb, n) != 0 || is_alnum(p[i + n]))
			continue;
		for (i += n; i < len && p[i] != '\n' && p[i] != '"'; i++)
			if (p[i] != ' ' && p[i] != '=' && p[i] != ':')
				p[i] = '*';
	}
}

void
echo_hide_unseen(char *p, size_t len)
{
	sasl_hide_echo(p, len);
	hide_quoted(p, len, "PASS");
	hide_quoted(p, len, "AUTH");
	hide_quoted(p, len, "APOP");
}
