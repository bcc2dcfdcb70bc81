/* pop3_line.c - one line of POP3: commands, replies, and what may be shown of them. */
#include <string.h>
#include <strings.h>

#include "dissectors/pop3/pop3.h"
#include "dissectors/text/sasl.h"

enum secret { SECRET_NOTHING, SECRET_ALL, SECRET_SECOND };

static const struct verb_facts {
	const char *word;
	enum pop3_answer answer;
	enum secret secret;
} verbs[] = {
	[POP3_NONE] = { "", POP3_ANSWER_ONE, SECRET_ALL },
#define POP3_VERB(sym, word, answer, secret) \
	[POP3_##sym] = { word, POP3_ANSWER_##answer, SECRET_##secret },
#include "dissectors/pop3/pop3_verbs.def"
#undef POP3_VERB
	[POP3_AUTH_DATA] = { "", POP3_ANSWER_ONE, SECRET_ALL },
	[POP3_OTHER] = { "", POP3_ANSWER_ONE, SECRET_ALL },
};

const char *
pop3_verb_name(enum pop3_verb v)
{
	return verbs[v].word;
}

bool
pop3_verb_is_secret(enum pop3_verb v)
{
	return verbs[v].secret != SECRET_NOTHING;
}

static enum pop3_verb
verb_find(const char *word, size_t len)
{
	for (enum pop3_verb v = POP3_NONE + 1; v < POP3_AUTH_DATA; v++)
		if (strlen(verbs[v].word) == len && strncasecmp(verbs[v].word, word, len) == 0)
			return v;
	return POP3_OTHER;
}

static size_t
word_len(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] != ' ' && p[n] != '\t')
		n++;
	return n;
}

static size_t
blank_len(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && (p[n] == ' ' || p[n] == '\t'))
		n++;
	return n;
}

/* Decimal at the start of p; UINT64_MAX when there is none or it is absurd. */
static uint64_t
number_parse(const char *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < len && p[i] >= '0' && p[i] <= '9'; i++) {
		if (i == 10)
			return UINT64_MAX;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	return i > 0 ? v : UINT64_MAX;
}

enum dissect_rc
pop3_command_parse(const char *line, size_t len, struct pop3_command *out)
{
	size_t word = word_len(line, len), blank = blank_len(line + word, len - word);
	enum pop3_answer answer;

	*out = (struct pop3_command){
		.verb = verb_find(line, word),
		.arg = line + word + blank,
		.arg_len = len - word - blank,
	};
	while (out->arg_len > 0 && blank_len(out->arg + out->arg_len - 1, 1) == 1 &&
	    out->verb != POP3_PASS)
		out->arg_len--;
	answer = verbs[out->verb].answer;
	if (answer == POP3_ANSWER_BARE)
		answer = out->arg_len == 0 ? POP3_ANSWER_LISTING : POP3_ANSWER_ONE;
	out->answer = answer;
	/* Of a secret not even a number may leave: a password can be one. */
	out->number = verbs[out->verb].secret == SECRET_NOTHING
	    ? number_parse(out->arg, out->arg_len)
	    : UINT64_MAX;
	return out->verb == POP3_OTHER ? DISSECT_NOTMINE : DISSECT_OK;
}

/* Keywords are 3 or 4 letters (RFC 1939 3); anything else may be a stray secret. */
static bool
word_showable(const char *p, size_t len)
{
	if (len < 3 || len > 4)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((p[i] | 0x20) < 'a' || (p[i] | 0x20) > 'z')
			return false;
	return true;
}

/* Appends; the result is always NUL-terminated and never longer than size - 1. */
static size_t
append(char *out, size_t size, size_t at, const char *p, size_t len)
{
	if (len > size - 1 - at)
		len = size - 1 - at;
	memcpy(out + at, p, len);
	out[at + len] = '\0';
	return at + len;
}

static size_t
append_length(char *out, size_t size, size_t at, size_t len)
{
	char text[40];

	return append(out, size, at, text, sasl_mask(text, sizeof(text), len));
}

/* The mechanism of AUTH, unless the client forgot it and sent the secret. */
static size_t
shown_word(const char *p, size_t len)
{
	size_t n = word_len(p, len);

	return sasl_is_mechanism(p, n) ? n : 0;
}

size_t
pop3_command_mask(const char *line, size_t len, const struct pop3_command *cmd, char *out,
    size_t outlen, size_t *arg)
{
	size_t at = 0, show = cmd->arg_len, word = word_len(line, len);

	*arg = 0;
	if (outlen == 0)
		return 0;
	out[0] = '\0';
	if (cmd->verb == POP3_AUTH_DATA || cmd->verb == POP3_NONE ||
	    (cmd->verb == POP3_OTHER && !word_showable(line, word)))
		return append_length(out, outlen, 0, len);

	at = append(out, outlen, at, line, word);
	if (cmd->arg_len > 0)
		at = append(out, outlen, at, " ", 1);
	*arg = at;
	if (verbs[cmd->verb].secret == SECRET_ALL)
		show = 0;
	else if (verbs[cmd->verb].secret == SECRET_SECOND)
		show = shown_word(cmd->arg, cmd->arg_len);
	at = append(out, outlen, at, cmd->arg, show);
	if (show < cmd->arg_len) {
		size_t blank = blank_len(cmd->arg + show, cmd->arg_len - show);

		if (show > 0)
			at = append(out, outlen, at, " ", 1);
		if (show + blank < cmd->arg_len)
			at = append_length(out, outlen, at, cmd->arg_len - show - blank);
	}
	return at;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static bool
code_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '_';
}

/* RFC 2449 8: "[" resp-code "]", at the start of the text or nowhere. */
static void
code_parse(struct pop3_reply *r)
{
	const char *end =
	    r->text_len > 0 && r->text[0] == '[' ? memchr(r->text, ']', r->text_len) : NULL;
	size_t n = end != NULL ? (size_t)(end - r->text) - 1 : 0;

	if (n == 0 || n >= sizeof(r->code))
		return;
	for (size_t i = 0; i < n; i++) {
		r->code[i] = upper(r->text[i + 1]);
		if (!code_char(r->code[i]) || (i == 0 && (r->code[0] < 'A' || r->code[0] > 'Z'))) {
			memset(r->code, 0, sizeof(r->code));
			return;
		}
	}
	r->text += n + 2;
	r->text_len -= n + 2;
	n = blank_len(r->text, r->text_len);
	r->text += n;
	r->text_len -= n;
}

static bool
starts(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && strncasecmp(line, word, n) == 0;
}

enum dissect_rc
pop3_reply_parse(const char *line, size_t len, struct pop3_reply *out)
{
	size_t n;

	*out = (struct pop3_reply){ .text = line, .text_len = len };
	if (starts(line, len, "+OK")) {
		out->status = POP3_OK;
		n = 3;
	} else if (starts(line, len, "-ERR")) {
		out->status = POP3_ERR;
		n = 4;
	} else if (len > 0 && line[0] == '+' && (len == 1 || line[1] == ' ')) {
		out->status = POP3_CHALLENGE; /* RFC 5034 4: "+" SP; some servers drop the blank */
		n = 1;
	} else if (len < 4 &&
	    (strncasecmp(line, "+OK", len) == 0 || strncasecmp(line, "-ERR", len) == 0)) {
		return DISSECT_SHORT;
	} else {
		return DISSECT_NOTMINE;
	}
	n += blank_len(line + n, len - n);
	out->text += n;
	out->text_len -= n;
	if (out->status != POP3_CHALLENGE)
		code_parse(out);
	return DISSECT_OK;
}
