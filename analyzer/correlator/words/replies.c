#include "replies.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply_codes.h"
#include "replies_table.h"

enum { ROWS_MAX = 4096, COLUMNS = 9, RANK_GENERIC = 9, RANK_RELAY = 3 };

struct replies {
	struct reply_row *v;
	size_t n, room;
};

/* ---- reading the table -------------------------------------------------------- */

static bool
field_copy(char *dst, size_t size, const char *p, size_t len)
{
	if (len >= size)
		return false;
	memcpy(dst, p, len);
	dst[len] = '\0';
	return true;
}

/* "auth-failed(app-password)", "sender-mismatch?", "consequence" */
static bool
class_parse(struct reply_row *row, char *text)
{
	char *open = strchr(text, '('), *q;

	if (open != NULL) {
		if ((q = strchr(open, ')')) == NULL ||
		    !field_copy(
			row->subkind, sizeof(row->subkind), open + 1, (size_t)(q - open - 1)))
			return false;
		memmove(open, q + 1, strlen(q + 1) + 1);
	}
	if ((q = strchr(text, '?')) != NULL) {
		row->hint = true;
		*q = '\0';
	}
	if (strcmp(text, "consequence") == 0) {
		row->kind = FINDING_KINDS;
		return true;
	}
	row->kind = kind_by_id(text);
	return row->kind != FINDING_KINDS;
}

static bool
row_parse(struct reply_row *row, const char *line, size_t len)
{
	const char *col[COLUMNS];
	size_t n[COLUMNS];
	char number[16], rank[8], class[80];
	size_t i = 0, at = 0;

	for (; i < COLUMNS && at <= len; i++) {
		const char *end = memchr(line + at, '\t', len - at);

		col[i] = line + at;
		n[i] = end != NULL ? (size_t)(end - col[i]) : len - at;
		at += n[i] + 1;
	}
	if (i < COLUMNS)
		return false;
	memset(row, 0, sizeof(*row));
	if (!field_copy(number, sizeof(number), col[0], n[0]) ||
	    !field_copy(row->codes, sizeof(row->codes), col[1], n[1]) ||
	    !field_copy(row->when, sizeof(row->when), col[2], n[2]) || n[3] == 0 ||
	    !field_copy(row->pattern, sizeof(row->pattern), col[3], n[3]) ||
	    !field_copy(row->stages, sizeof(row->stages), col[4], n[4]) ||
	    !field_copy(class, sizeof(class), col[5], n[5]) ||
	    !field_copy(rank, sizeof(rank), col[6], n[6]) ||
	    !field_copy(row->product, sizeof(row->product), col[7], n[7]) ||
	    !field_copy(row->example, sizeof(row->example), col[8], n[8]))
		return false;
	row->number = (unsigned int)strtoul(number, NULL, 10);
	row->rank = (unsigned int)strtoul(rank, NULL, 10);
	if (strcmp(row->product, "-") == 0 || strcmp(row->product, "any") == 0 ||
	    strcmp(row->product, "various") == 0) /* nobody in particular */
		row->product[0] = '\0';
	return row->rank <= RANK_GENERIC && row->codes[0] != '\0' && class_parse(row, class);
}

static bool
row_add(struct replies *t, const struct reply_row *row)
{
	if (t->n == t->room) {
		size_t room = t->room == 0 ? 256 : t->room * 2;
		struct reply_row *v = room <= ROWS_MAX ? realloc(t->v, room * sizeof(*v)) : NULL;

		if (v == NULL)
			return false;
		t->v = v;
		t->room = room;
	}
	t->v[t->n++] = *row;
	return true;
}

static bool
table_read(struct replies *t, const char *text, bool user, char *err, size_t errlen)
{
	unsigned int line = 0;

	for (const char *p = text, *end; *p != '\0'; p = *end != '\0' ? end + 1 : end) {
		struct reply_row row;
		size_t len;

		line++;
		end = p + strcspn(p, "\n");
		len = (size_t)(end - p);
		if (len > 0 && p[len - 1] == '\r')
			len--;
		if (len == 0 || *p == '#')
			continue;
		if (!row_parse(&row, p, len)) {
			snprintf(err, errlen,
			    "reply table%s, line %u: not a row of %d columns with a known class",
			    user ? " of the user" : "", line, COLUMNS);
			return false;
		}
		row.user = user;
		if (!row_add(t, &row)) {
			snprintf(err, errlen, "reply table%s, line %u: %s",
			    user ? " of the user" : "", line,
			    t->n >= ROWS_MAX / 2 ? "too many rows" : "no memory");
			return false;
		}
	}
	return true;
}

struct replies *
replies_new(const char *user, char *err, size_t errlen)
{
	struct replies *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		snprintf(err, errlen, "no memory");
		return NULL;
	}
	if ((user != NULL && !table_read(t, user, true, err, errlen)) ||
	    !table_read(t, replies_table, false, err, errlen)) {
		replies_free(t);
		return NULL;
	}
	return t;
}

void
replies_free(struct replies *r)
{
	if (r == NULL)
		return;
	free(r->v);
	free(r);
}

unsigned int
replies_version(void)
{
	static const char mark[] = "\n# version ";
	const char *at = strstr(replies_table, mark);

	return at != NULL ? (unsigned int)strtoul(at + sizeof(mark) - 1, NULL, 10) : 0;
}

size_t
replies_count(const struct replies *r)
{
	return r->n;
}

const struct reply_row *
replies_row(const struct replies *r, size_t i)
{
	return &r->v[i];
}

/* ---- the words, made comparable ------------------------------------------------- */

struct words {
	char text[520];
};

static bool
word_char(char c)
{
	return c != '\0' && c != ' ' && c != '<' && c != '>' && c != '"' && c != '(' && c != ')';
}

/* "example.org" of "example.org:User unknown" and of "example.org...User unknown". */
static size_t
domain_len(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end &&
	    (isalnum((unsigned char)p[n]) || p[n] == '-' || p[n] == '_' ||
		(unsigned char)p[n] >= 128 ||
		(p[n] == '.' && n > 0 && p + n + 1 < end &&
		    (isalnum((unsigned char)p[n + 1]) || (unsigned char)p[n + 1] >= 128))))
		n++;
	return n;
}

/* A mail address may contain any word: it must not decide. */
static void
words_mask_addresses(struct words *w)
{
	char *out = w->text;

	for (const char *p = w->text; *p != '\0';) {
		const char *end = p, *at = NULL;

		for (; word_char(*end); end++)
			if (*end == '@' && at == NULL)
				at = end;
		if (at != NULL && end - p >= 2) { /* what stands for it must not be longer */
			size_t n = (size_t)(at - p) + 1 + domain_len(at + 1, end);

			p += n > 2 ? n : 2;
			memcpy(out, "a@", 2);
			out += 2;
			continue;
		}
		while (p < end)
			*out++ = *p++;
		if (*p != '\0')
			*out++ = *p++;
	}
	*out = '\0';
}

/* Nor may the server's own name: mx.spamcop.example is no blocklist for that. */
static void
words_mask_name(struct words *w, const char *greeting)
{
	size_t n =
	    strspn(greeting, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	char name[80];

	if (n < 4 || n >= sizeof(name) || memchr(greeting, '.', n) == NULL ||
	    (greeting[n] != '\0' && greeting[n] != ' ' && greeting[n] != '\n'))
		return;
	memcpy(name, greeting, n);
	name[n] = '\0';
	for (char *p = w->text; (p = strcasestr(p, name)) != NULL; p += n)
		memset(p, '-', n);
}

static void
words_of(const struct record_reply *r, struct words *w)
{
	size_t n = 0;

	for (const char *p = r->text; *p != '\0' && n + 1 < sizeof(w->text); p++) {
		unsigned char c = (unsigned char)*p;

		if (isspace(c)) {
			if (n > 0 && w->text[n - 1] != ' ')
				w->text[n++] = ' ';
			continue;
		}
		w->text[n++] = (char)(c < 128 ? tolower(c) : c);
	}
	w->text[n] = '\0';
	words_mask_addresses(w);
}

/* `*' in the pattern stands for anything. */
static bool
pattern_matches(const char *pattern, const char *text)
{
	char part[96];

	while (*pattern != '\0') {
		size_t len = strcspn(pattern, "*");

		memcpy(part, pattern, len);
		part[len] = '\0';
		if (len > 0) {
			if ((text = strstr(text, part)) == NULL)
				return false;
			text += len;
		}
		pattern += len + (pattern[len] == '*');
	}
	return true;
}

bool
reply_has_words(const struct record_reply *r, const char *lower_case)
{
	struct words w;

	words_of(r, &w);
	return strstr(w.text, lower_case) != NULL;
}

bool
reply_names_tls(const struct record_reply *r)
{
	struct words w;

	words_of(r, &w);
	return strstr(w.text, "tls") != NULL || strstr(w.text, "encrypt") != NULL ||
	    strstr(w.text, "ssl") != NULL;
}

/* ---- codes -------------------------------------------------------------------------- */

/* x.y.z at p, not the head of an IP address. */
static bool
enhanced_parse(const char *p, unsigned int code[3])
{
	for (int i = 0; i < 3; i++) {
		unsigned int v = 0, digits = 0;

		for (; isdigit((unsigned char)*p) && digits < 3; p++, digits++)
			v = v * 10 + (unsigned int)(*p - '0');
		if (digits == 0 || (i < 2 && *p++ != '.'))
			return false;
		code[i] = v;
	}
	return (code[0] == 2 || code[0] == 4 || code[0] == 5) && !isalnum((unsigned char)*p) &&
	    !(*p == '.' && isdigit((unsigned char)p[1]));
}

bool
reply_enhanced(const struct record_reply *r, unsigned int code[3])
{
	if (enhanced_parse(r->enhanced, code))
		return true;
	for (const char *p = r->text; *p != '\0'; p++) /* qmail: "(#5.7.1)" behind the words */
		if ((p == r->text || strchr(" #(", p[-1]) != NULL) && enhanced_parse(p, code))
			return true;
	return false;
}

unsigned int
reply_digit(const struct record_reply *r)
{
	unsigned int code[3];

	if (r->code >= 200 && r->code < 600)
		return r->code / 100;
	return reply_enhanced(r, code) ? code[0] : 0;
}

/* ---- the table ------------------------------------------------------------------------- */

static bool
row_code_fits(
    const struct reply_row *row, const struct record_reply *r, const struct reply_context *ctx)
{
	unsigned int digit;

	if (ctx->pop || row->codes[0] == '-')
		return ctx->pop && row->codes[0] == '-';
	digit = reply_digit(r);
	return digit != 0 && strchr(row->codes, (int)('0' + digit)) != NULL;
}

static bool
row_when_fits(const struct reply_row *row, const struct record_reply *r)
{
	unsigned int have[3], want[3];
	char bracket[sizeof(r->enhanced) + 2];

	if (row->when[0] == '=')
		return enhanced_parse(row->when + 1, want) && reply_enhanced(r, have) &&
		    memcmp(have, want, sizeof(have)) == 0;
	if (row->when[0] != '[')
		return true;
	snprintf(bracket, sizeof(bracket), "[%s]", r->enhanced);
	return strcasecmp(bracket, row->when) == 0 || strcasestr(r->text, row->when) != NULL;
}

static bool
row_stage_fits(const struct reply_row *row, const struct reply_context *ctx)
{
	if (row->rank < RANK_GENERIC || ctx->after_gap || row->stages[0] == '*')
		return true;
	return ctx->stage != 0 && strchr(row->stages, ctx->stage) != NULL;
}

static bool
row_beats(const struct reply_row *a, const struct reply_row *b)
{
	if (b == NULL || a->user != b->user)
		return b == NULL || a->user;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return strlen(a->pattern) > strlen(b->pattern);
}

static const struct reply_row *
table_match(const struct replies *t, const struct record_reply *r, const struct reply_context *ctx)
{
	const struct reply_row *best = NULL;
	struct words w;

	words_of(r, &w);
	if (ctx->greeting != NULL)
		words_mask_name(&w, ctx->greeting);
	for (size_t i = 0; i < t->n; i++) {
		const struct reply_row *row = &t->v[i];

		if (row_code_fits(row, r, ctx) && row_when_fits(row, r) &&
		    row_stage_fits(row, ctx) && row_beats(row, best) &&
		    pattern_matches(row->pattern, w.text))
			best = row;
	}
	return best;
}

/* 0.7, 3.1: these say more than a relay word or a generic one. */
static bool
enhanced_beats(const unsigned int code[3])
{
	static const unsigned char strong[][2] = { { 1, 1 }, { 1, 8 }, { 2, 2 }, { 3, 4 }, { 4, 6 },
		{ 7, 8 }, { 7, 23 }, { 7, 25 }, { 7, 26 } };

	for (size_t i = 0; i < sizeof(strong) / sizeof(strong[0]); i++)
		if (code[1] == strong[i][0] && code[2] == strong[i][1])
			return true;
	return false;
}

static void
class_from_row(const struct reply_row *row, struct reply_class *out)
{
	out->kind = row->kind;
	memcpy(out->subkind, row->subkind, sizeof(out->subkind));
	out->confidence = row->hint ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED;
	out->how = REPLY_BY_TEXT;
	out->hint = row->hint;
	out->generic = row->rank == RANK_GENERIC;
	out->row = row->number;
	out->product = row->product;
}

/*
 * A reply speaks of what it answers: to MAIL "user unknown" is the sender, to AUTH it is who logs
 * in, and no content was sent before the message.
 */
static const struct {
	enum finding_kind kind;
	const char *stages;
	enum finding_kind instead;
	const char *subkind;
} misplaced[] = {
	{ FINDING_RECIPIENT_UNKNOWN, "M", FINDING_SENDER_DOMAIN_REJECTED, "unknown-sender" },
	{ FINDING_RECIPIENT_UNKNOWN, "A", FINDING_AUTH_FAILED, "" },
	{ FINDING_RECIPIENT_UNKNOWN, "CE", FINDING_POLICY_OR_BLOCKLIST, "" },
	{ FINDING_RECIPIENT_DISABLED, "CEM", FINDING_POLICY_OR_BLOCKLIST, "" },
	{ FINDING_RECIPIENT_DISABLED, "A", FINDING_AUTH_FAILED, "disabled" },
	{ FINDING_MAILBOX_FULL, "A", FINDING_SENDER_QUOTA, "" },
	{ FINDING_CONTENT_REJECTED, "ACEMR", FINDING_POLICY_OR_BLOCKLIST, "" },
	{ FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, "A", FINDING_AUTH_FAILED, "" },
	{ FINDING_AUTH_TEMPORARY_FAILURE, "CEMRD", FINDING_TEMPORARY_SERVER_ERROR, "" },
	{ FINDING_RELAY_DENIED_WRONG_NETWORK, "CE", FINDING_RELAY_DENIED_WRONG_NETWORK,
	    "" }, /* why is policy */
};

/*
 * What the reply answers; 0 = not known, unless the code tells: 534, 535 and 538 answer a login and
 * nothing else (RFC 4954).
 */
static char
stage_known(const struct record_reply *r, const struct reply_context *ctx)
{
	if (ctx->stage != 0 && !ctx->after_gap)
		return ctx->stage;
	return r->code == 534 || r->code == 535 || r->code == 538 ? 'A' : 0;
}

/*
 * Words of a login where none was tried: an account is the recipient's, or it is a rule of the
 * server.
 */
static void
class_of_no_login(char stage, struct reply_class *out)
{
	bool account = strcmp(out->subkind, "disabled") == 0 && (stage == 'R' || stage == 'D');

	if (out->kind == FINDING_AUTH_FAILED &&
	    stage == 0) /* of what it speaks is not in the capture, nor is a login */
		out->confidence = CONFIDENCE_POSSIBLE;
	if (out->kind != FINDING_AUTH_FAILED || stage == 0 || strchr("CEMRD", stage) == NULL)
		return;
	out->kind = account ? FINDING_RECIPIENT_DISABLED : FINDING_POLICY_OR_BLOCKLIST;
	out->subkind[0] = '\0';
	if (out->confidence > CONFIDENCE_PROBABLE)
		out->confidence = CONFIDENCE_PROBABLE;
}

static void
class_to_stage(
    const struct record_reply *r, const struct reply_context *ctx, struct reply_class *out)
{
	char stage = stage_known(r, ctx);

	for (size_t i = 0; i < sizeof(misplaced) / sizeof(misplaced[0]); i++) {
		if (out->kind != misplaced[i].kind ||
		    (stage != 0 && strchr(misplaced[i].stages, stage) == NULL))
			continue;
		if (out->confidence > CONFIDENCE_PROBABLE)
			out->confidence = CONFIDENCE_PROBABLE;
		/* that there was content, or no login, is not known either */
		if (stage == 0 &&
		    (out->kind == FINDING_CONTENT_REJECTED ||
			(out->kind == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED && !ctx->auth_tried)))
			out->confidence = CONFIDENCE_POSSIBLE;
		if (stage == 0)
			return; /* whose address it is remains open */
		out->kind = misplaced[i].instead;
		snprintf(out->subkind, sizeof(out->subkind), "%s", misplaced[i].subkind);
		return;
	}
}

static bool
kind_is_recipient(enum finding_kind k)
{
	return k == FINDING_RECIPIENT_UNKNOWN || k == FINDING_RECIPIENT_DISABLED;
}

/*
 * Whether the enhanced code says more than the row: of relaying and generic words, and who it is
 * that is unknown.
 */
static bool
code_beats_row(const unsigned int code[3], const struct reply_row *row)
{
	if (row->user)
		return false;
	if (kind_is_recipient(row->kind) && code[1] == 1 && (code[2] == 7 || code[2] == 8))
		return true;
	return row->rank >= RANK_RELAY && enhanced_beats(code);
}

static void
class_unknown(
    const struct record_reply *r, const struct reply_context *ctx, struct reply_class *out)
{
	out->how = REPLY_BY_NOTHING;
	out->confidence = ctx->after_gap ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED;
	if (!ctx->pop)
		out->kind =
		    reply_digit(r) == 4 ? FINDING_UNCLASSIFIED_4XX : FINDING_UNCLASSIFIED_5XX;
}

/* RFC 4954: these codes speak of the login, and x.7.0 or x.7.1 (x.5.4 beside 504) says no more. */
static bool
code_beats(
    const struct record_reply *r, const unsigned int code[3], const struct reply_context *ctx)
{
	if (ctx->stage == 'A' && r->code == 504 && code[1] != 7)
		return true;
	return code[1] == 7 && code[2] <= 1 &&
	    (r->code == 530 || r->code == 534 || r->code == 535 || r->code == 538);
}

/* The words that are missing may be those that say why. */
static void
class_of_cut(struct reply_class *out, const struct reply_row *row)
{
	enum confidence most = row != NULL && out->how == REPLY_BY_TEXT && row->rank < RANK_RELAY
	    ? CONFIDENCE_PROBABLE
	    : CONFIDENCE_POSSIBLE;

	if (out->confidence > most)
		out->confidence = most;
}

static void
classify(const struct record_reply *reply, const struct reply_context *ctx,
    const struct reply_row *row, struct reply_class *out)
{
	unsigned int code[3];
	bool enhanced = !ctx->pop && reply_enhanced(reply, code);

	*out = (struct reply_class){ .kind = FINDING_KINDS, .product = "" };
	if (row != NULL && enhanced && code_beats_row(code, row) &&
	    (!ctx->after_gap || kind_is_recipient(row->kind)) &&
	    reply_by_enhanced(code, ctx, out) && out->kind != row->kind)
		return;
	*out = (struct reply_class){ .kind = FINDING_KINDS, .product = "" };
	if (row != NULL) {
		class_from_row(row, out);
		if (!row->user && !ctx->pop)
			class_to_stage(reply, ctx, out);
		if (!row->user && !ctx->pop && !ctx->auth_tried)
			class_of_no_login(stage_known(reply, ctx), out);
		if (ctx->after_gap && row->rank == RANK_GENERIC &&
		    out->confidence > CONFIDENCE_PROBABLE)
			out->confidence =
			    CONFIDENCE_PROBABLE; /* where they were said is not known */
		return;
	}
	if (!ctx->after_gap && !ctx->pop) {
		if (enhanced && !code_beats(reply, code, ctx) && reply_by_enhanced(code, ctx, out))
			return;
		if (reply_by_code(reply, ctx, out))
			return;
	}
	class_unknown(reply, ctx, out);
}

void
reply_classify(const struct replies *t, const struct record_reply *reply,
    const struct reply_context *ctx, struct reply_class *out)
{
	const struct reply_row *row = table_match(t, reply, ctx);

	classify(reply, ctx, row, out);
	if (reply->cut)
		class_of_cut(out, row);
}
