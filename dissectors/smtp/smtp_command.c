#include "dissectors/smtp/smtp_command.h"

#include <string.h>
#include <strings.h>

#include "dissectors/text/sasl.h"

/* No server takes a chunk of a tebibyte: a size beyond is no size. */
#define BDAT_MAX ((uint64_t)1 << 40)

#define VERB_SHOWN       12u /* an unknown word that is longer is no verb ... */
#define VERB_X_SHOWN     24u /* ... unless it says so: X-LINK2STATE */
#define VERB_LOWER_SHOWN 4u  /* small letters are typed by hand, or are text */

static const struct smtp_verb_facts verbs[SMTP_VERBS] = {
#define SMTP_VERB(symbol, word, good, flags) [SMTP_##symbol] = { word, good, flags },
#include "dissectors/smtp/smtp_verbs.def"
#undef SMTP_VERB
};

const struct smtp_verb_facts *
smtp_verb_facts(int verb)
{
	return &verbs[verb >= 0 && verb < SMTP_VERBS ? verb : SMTP_UNKNOWN];
}

struct text {
	const char *p;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text
text_trim(struct text t)
{
	while (t.len > 0 && is_blank(t.p[0])) {
		t.p++;
		t.len--;
	}
	while (t.len > 0 && is_blank(t.p[t.len - 1]))
		t.len--;
	return t;
}

static struct text
text_from(struct text t, size_t at)
{
	if (t.len == 0) /* an empty line may have no bytes to point at */
		return t;
	return at >= t.len ? (struct text){ t.p + t.len, 0 }
			   : (struct text){ t.p + at, t.len - at };
}

static bool
text_starts(struct text t, const char *word)
{
	size_t n = strlen(word);

	return t.len >= n && strncasecmp(t.p, word, n) == 0;
}

/* Length of the word at the start: up to a blank or a colon. */
static size_t
word_length(struct text t)
{
	size_t n = 0;

	while (n < t.len && !is_blank(t.p[n]) && t.p[n] != ':')
		n++;
	return n;
}

/* Most are told from the others by their first letter.  Pseudo verbs have no word. */
static enum smtp_verb
verb_find(struct text word)
{
	for (size_t i = 0; word.len > 0 && i < SMTP_VERBS; i++) {
		const char *w = verbs[i].word;

		if (w[0] == (word.p[0] & ~0x20) && strlen(w) == word.len &&
		    strncasecmp(word.p, w, word.len) == 0)
			return (enum smtp_verb)i;
	}
	return SMTP_UNKNOWN;
}

/* Digits to a number, at most `max'; UINT64_MAX when there is none or more. */
static uint64_t
number_parse(struct text t, uint64_t max, size_t *used)
{
	uint64_t v = 0;
	size_t n = 0;

	while (n < t.len && t.p[n] >= '0' && t.p[n] <= '9') {
		if (v <= max)
			v = v * 10 + (uint64_t)(t.p[n] - '0');
		n++;
	}
	*used = n;
	return n == 0 || v > max ? UINT64_MAX : v;
}

/* RFC 5321 4.1.2: the path's end, a '>' outside a quoted string. */
static size_t
path_end(struct text t)
{
	bool quoted = false;

	for (size_t i = 0; i < t.len; i++) {
		if (quoted && t.p[i] == '\\')
			i++;
		else if (t.p[i] == '"')
			quoted = !quoted;
		else if (t.p[i] == '>' && !quoted)
			return i;
	}
	return t.len;
}

/* A quote that is never closed must not swallow the parameters. */
static size_t
path_end_lenient(struct text t)
{
	size_t end = path_end(t);
	const char *plain;

	if (end < t.len)
		return end;
	plain = t.len != 0 ? memchr(t.p, '>', t.len) : NULL;
	return plain != NULL ? (size_t)(plain - t.p) : t.len;
}

/* RFC 1870 6: SIZE=n among the parameters. */
static uint64_t
parameter_size(struct text t)
{
	size_t used;

	for (t = text_trim(t); t.len > 0; t = text_trim(text_from(t, word_length(t) + 1)))
		if (text_starts(t, "SIZE="))
			return number_parse(text_from(t, 5), UINT64_MAX / 16, &used);
	return UINT64_MAX;
}

/* "FROM:" or "TO:", then a path with or without <>, then parameters. */
static void
path_parse(struct text t, const char *word, struct smtp_command *out)
{
	size_t end;

	t = text_trim(t);
	if (!text_starts(t, word))
		return;
	t = text_trim(text_from(t, strlen(word)));
	if (t.len > 0 && t.p[0] == ':')
		t = text_trim(text_from(t, 1));
	if (t.len > 0 && t.p[0] == '<') {
		t = text_from(t, 1);
		end = path_end_lenient(t);
	} else {
		for (end = 0; end < t.len && !is_blank(t.p[end]); end++)
			;
		out->bare = end > 0;
	}
	out->arg = t.p;
	out->arg_len = end;
	out->num = parameter_size(text_from(t, end + 1));
}

/* RFC 3030 2: BDAT SP chunk-size [ SP "LAST" ] */
static void
bdat_parse(struct text t, struct smtp_command *out)
{
	struct text rest = text_trim(t);
	size_t used;
	uint64_t n = number_parse(rest, BDAT_MAX, &used);

	out->arg = NULL;
	if (n == UINT64_MAX)
		return;
	rest = text_trim(text_from(rest, used));
	out->last = rest.len == 4 && text_starts(rest, "LAST");
	if (rest.len != 0 && !out->last)
		return;
	out->num = n;
	out->arg = t.p;
	out->arg_len = t.len;
}

/* RFC 4954 4: AUTH mechanism [initial-response] */
static void
auth_parse(struct text t, struct smtp_command *out)
{
	size_t n = 0;

	while (n < t.len && !is_blank(t.p[n]))
		n++;
	out->arg = t.p;
	out->arg_len = n;
	t = text_trim(text_from(t, n));
	if (t.len != 0) {
		out->rest = t.p;
		out->rest_len = t.len;
	}
}

void
smtp_command_parse(const char *line, size_t len, struct smtp_command *out)
{
	struct text t = { line, len }, rest;
	size_t n = word_length(t);

	*out = (struct smtp_command){ .num = UINT64_MAX };
	out->verb = verb_find((struct text){ line, n });
	if (out->verb == SMTP_UNKNOWN && n > 4 &&
	    (text_starts(t, "MAILFROM") || text_starts(t, "RCPTTO"))) {
		n = 4; /* the blank was left out */
		out->verb = text_starts(t, "MAIL") ? SMTP_MAIL : SMTP_RCPT;
	}
	rest = text_trim(text_from(t, n));
	switch (out->verb) {
	case SMTP_MAIL: path_parse(rest, "FROM", out); return;
	case SMTP_RCPT: path_parse(rest, "TO", out); return;
	case SMTP_BDAT: bdat_parse(rest, out); return;
	case SMTP_AUTH: auth_parse(rest, out); return;
	default: out->arg = rest.p; out->arg_len = rest.len;
	}
}

bool
smtp_command_certain(const struct smtp_command *c)
{
	if (c->verb == SMTP_UNKNOWN || c->arg == NULL)
		return false;
	if (verbs[c->verb].flags & SMTP_ALONE)
		return c->arg_len == 0;
	return c->verb != SMTP_HELP && c->verb != SMTP_ATRN &&
	    (c->arg_len != 0 || c->verb == SMTP_NOOP) &&
	    (c->verb != SMTP_AUTH || sasl_is_mechanism(c->arg, c->arg_len));
}

/* ---- what may be shown ---------------------------------------------------- */

/*
 * An unknown word is a verb as the extensions write them; any other may be a stray secret, or a
 * word of a message nobody accepted.
 */
static bool
word_showable(struct text t)
{
	size_t lower = 0, other = 0;

	if (t.len <= 1)
		return true; /* the dot, after a DATA that was refused */
	for (size_t i = 0; i < t.len; i++) {
		if (t.p[i] >= 'a' && t.p[i] <= 'z')
			lower++;
		else if ((t.p[i] >= '0' && t.p[i] <= '9') || t.p[i] == '-')
			other++;
		else if (t.p[i] < 'A' || t.p[i] > 'Z')
			return false;
	}
	if (lower == 0 && t.p[0] == 'X')
		return t.len <= VERB_X_SHOWN;
	return other == 0 && t.len <= (lower == 0 ? VERB_SHOWN : VERB_LOWER_SHOWN);
}

/* Where a parameter's value begins: a name that somebody logged in with. */
static size_t
value_of(struct text t, const char *key)
{
	for (size_t i = 0; i < t.len; i++)
		if ((i == 0 || is_blank(t.p[i - 1])) && text_starts(text_from(t, i), key))
			return i + strlen(key);
	return t.len;
}

/* From where on the line is secret; its length when nothing is. */
static size_t
secret_from(const struct smtp_command *c, struct text t, bool wary)
{
	struct text word = { t.p, word_length(t) };
	size_t at;

	switch (c->verb) {
	case SMTP_AUTH:
		if (c->arg_len != 0 && !sasl_is_mechanism(c->arg, c->arg_len))
			return (size_t)(c->arg - t.p);
		return c->rest != NULL ? (size_t)(c->rest - t.p) : t.len;
	case SMTP_UNKNOWN:
		if (wary || !word_showable(word))
			return 0;
		return word.len < t.len ? word.len + 1 : t.len;
	case SMTP_XCLIENT: /* LOGIN=name: who logged in at the proxy */
		return value_of(t, "LOGIN=");
	case SMTP_MAIL: /* RFC 4954 5, AUTH=name: who handed it in; <>: nobody says */
		at = c->arg != NULL ? (size_t)(c->arg - t.p) + c->arg_len : t.len;
		at += value_of(text_from(t, at), "AUTH=");
		return text_starts(text_from(t, at), "<>") ? t.len : at;
	default: return t.len;
	}
}

size_t
smtp_command_show(const struct smtp_command *c, const char *line, size_t len, uint64_t total,
    bool wary, char *dst, size_t size, size_t *secret)
{
	size_t at = secret_from(c, (struct text){ line, len }, wary && len != 0), n;

	*secret = at;
	n = at < size ? at : size;
	if (n > 0)
		memcpy(dst, line, n);
	if (at < len && n < size)
		n += sasl_mask(dst + n, size - n, total - at);
	return n;
}
