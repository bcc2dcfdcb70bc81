/*
 * rule_mask.c - a firewall that rewrites SMTP: masked greeting, masked keywords (diagnosis 1C,
 * 0.7).
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

enum { WORD_LEAST = 3 };

/*
 * PIX: the greeting keeps only `*', `0', `2' and blanks.  Stars around an admin's words are none,
 * however many: no word survives the mask.
 */
static bool
banner_is_masked(const char *s)
{
	size_t stars = 0, kept = 0, n = 0, letters = 0;

	for (; *s != '\0'; s++, n++) {
		letters = isalpha((unsigned char)*s) ? letters + 1 : 0;
		if (letters >= WORD_LEAST)
			return false;
		stars += *s == '*';
		kept += *s == '*' || *s == '0' || *s == '2' || *s == ' ';
	}
	return stars >= 8 && kept * 10 >= n * 6;
}

/* XXXA, XXXB ... or XXXX: ASA overwrites keywords it does not know in place. */
static size_t
keyword_mask(const char *p, size_t len)
{
	size_t x = 0;

	while (x < len && p[x] == 'X')
		x++;
	if (x == len && x >= 4)
		return len;
	return x >= 3 && x == len - 1 && isupper((unsigned char)p[x]) ? len : 0;
}

static bool
word_in(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strcasestr(p, word)) != NULL; p++)
		if ((p == list || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' ' || p[n] == '='))
			return true;
	return false;
}

/* ---- the same server, heard by another connection (S3 and S4) -------------------------------- */

enum { LOOKED = 256, STARTTLS_LENGTH = 8 };

static bool
word_is(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

/*
 * A word of the length of STARTTLS, and none of those that servers say (IANA's SMTP extensions;
 * Postfix: XFORWARD).
 */
static bool
word_replaces(const char *p, size_t len)
{
	static const char *const known[] = { "STARTTLS", "8BITMIME", "CHUNKING", "SMTPUTF8",
		"XFORWARD" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (word_is(p, len, known[i]))
			return false;
	return len == STARTTLS_LENGTH && strspn(p, "0123456789") < len;
}

/* Room that is left, a number that goes up: no other list for it. */
static bool
words_equal(const char *a, size_t n, const char *b, size_t m)
{
	return (n == m && strncasecmp(a, b, n) == 0) ||
	    (strspn(a, "0123456789") >= n && strspn(b, "0123456789") >= m);
}

/*
 * The lists are one word by word, but for STARTTLS in theirs, where ours has eight other letters:
 * something wrote over it.  A server that leaves STARTTLS out, for this client or since its
 * configuration was changed, leaves nothing there.
 */
static bool
list_rewritten(const char *ours, const char *theirs, char word[STARTTLS_LENGTH + 1])
{
	bool found = false;

	while (*ours != '\0' && *theirs != '\0') {
		size_t n = strcspn(ours, " "), m = strcspn(theirs, " ");

		if (!found && word_is(theirs, m, "STARTTLS") && word_replaces(ours, n)) {
			snprintf(word, STARTTLS_LENGTH + 1, "%s", ours);
			found = true;
		} else if (!words_equal(ours, n, theirs, m)) {
			return false;
		}
		ours += n + (ours[n] == ' ');
		theirs += m + (theirs[m] == ' ');
	}
	return found && *ours == *theirs;
}

static bool
may_be_rewritten(const struct record_session *s)
{
	if (!s->ehlo_answered || s->starttls_offered || s->offer_cut ||
	    text_words_cut(s->capabilities))
		return false;
	for (const char *p = s->capabilities; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (word_replaces(p, n))
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

/* The same one, captured at another place. */
static bool
is_copy(const struct mail_case *c, const struct mail_case *x)
{
	const struct mail_case *y = c->copy;

	while (y != c && y != x)
		y = y->copy;
	return y == x;
}

/*
 * Another connection to this server and port that was offered STARTTLS in a list that is ours
 * otherwise.
 */
static const struct mail_case *
offered_elsewhere(const struct view *v, char word[STARTTLS_LENGTH + 1])
{
	const struct mail_case *c = v->c;
	struct case_run run;

	if (!may_be_rewritten(c->session) || case_missing(c))
		return NULL;
	run = lookup_offers(v->lookups, &c->conn->server);
	/* two sites may have a server each of one private address */
	for (size_t i = 0; lookup_may(v->lookups, i, run.n, LOOKED); i++)
		if ((run.at[i]->point == c->point || addr_public(&c->conn->server.ip)) &&
		    list_rewritten(
			c->session->capabilities, run.at[i]->session->capabilities, word))
			return run.at[i];
	return NULL;
}

static void
say_offered(
    struct finding *f, const struct mail_case *c, const struct mail_case *x, const char *word)
{
	evidence_frame(
	    finding_says(f, x->point,
		is_copy(c, x)
		    ? "at this capture point the server offers STARTTLS, in a list that is the same otherwise"
		    : "another connection to this server is offered STARTTLS in a list that is the same otherwise"),
	    &x->session->capabilities_at);
	evidence_frame(finding_says(f, c->point, "here \"%s\" stands in its place", word),
	    &c->session->capabilities_at);
	finding_exclude(f, FINDING_TLS_NOT_OFFERED,
	    "the server offers it%s, and would leave nothing in its place",
	    is_copy(c, x) ? "" : " to others");
}

static void
judge_replaced(const struct view *v, struct verdicts *out)
{
	char word[STARTTLS_LENGTH + 1];
	const struct mail_case *x = offered_elsewhere(v, word);
	struct finding *f;

	if (x == NULL || verdict_claimed(out, v->c, 1, FINDING_STARTTLS_STRIPPED) != NULL)
		return;
	f = verdict_add(out, FINDING_STARTTLS_STRIPPED, CONFIDENCE_PROBABLE, v->c, 1);
	finding_subkind(f, "replaced");
	say_offered(f, v->c, x, word);
	finding_summary(f,
	    "Something overwrites STARTTLS in the server's EHLO reply: mail goes unencrypted or not at all.");
}

/* ---- the greeting, the keywords ---------------------------------------------- */

static void
judge_banner(const struct mail_case *c, struct verdicts *out)
{
	const struct record_reply *g = &c->session->greeting;
	struct finding *f;

	if (!moment_is(&g->at) || !banner_is_masked(g->text))
		return;
	/* that no word survives is told of a whole greeting only */
	f = verdict_add(out, FINDING_BANNER_MASKED,
	    case_missing_dir(c, 1) ? CONFIDENCE_CANNOT_TELL : CONFIDENCE_CONFIRMED, c, 1);
	finding_subkind(f, "banner");
	finding_reply(f, g);
	evidence_frame(
	    finding_says(f, c->point, "the greeting is overwritten: \"%.100s\"", g->text), &g->at);
	finding_summary(f,
	    "A firewall overwrites the server's greeting with asterisks; those that do also hide what the server can do.");
}

static void
judge_stripped(const struct view *v, size_t eight, struct verdicts *out)
{
	static const char *const same_length[] = { "CHUNKING", "SMTPUTF8", "8BITMIME" };
	const struct mail_case *c = v->c, *x;
	const struct record_session *s = c->session;
	char word[STARTTLS_LENGTH + 1];
	size_t missing = 0;
	struct finding *f;

	if (eight == 0 || s->starttls_offered || s->offer_cut)
		return;
	for (size_t i = 0; i < sizeof(same_length) / sizeof(same_length[0]); i++)
		missing += !word_in(s->capabilities, same_length[i]);
	x = offered_elsewhere(v, word);
	f = verdict_add(out, FINDING_STARTTLS_STRIPPED,
	    eight > missing || x != NULL ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE, c, 1);
	evidence_frame(
	    finding_says(f, c->point,
		"the EHLO reply has %zu %s of the length of STARTTLS overwritten: %.100s", eight,
		eight == 1 ? "keyword" : "keywords", s->masked_keywords),
	    &s->capabilities_at);
	if (x != NULL)
		say_offered(f, c, x, word);
	else if (eight <= missing)
		finding_says(f, c->point,
		    "another keyword of eight letters (CHUNKING) may be behind the mask");
	finding_summary(f, "A firewall overwrites %s: mail goes unencrypted or not at all.",
	    x != NULL ? "STARTTLS in the server's EHLO reply"
		      : "a keyword of the server that is probably STARTTLS");
}

static void
judge_keywords(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;
	const struct record_session *s = c->session;
	size_t eight = 0, masked = 0;
	struct finding *f;

	for (const char *p = s->masked_keywords; *p != '\0';) {
		size_t len = strcspn(p, " ");

		if (keyword_mask(p, len) > 0) {
			masked++;
			eight += len == 8;
		}
		p += len + (p[len] == ' ');
	}
	if (masked == 0)
		return;
	f = verdict_add(out, FINDING_BANNER_MASKED, CONFIDENCE_CONFIRMED, c, 1);
	finding_subkind(f, "keywords");
	evidence_frame(
	    finding_says(f, c->point, "keywords of the EHLO reply are overwritten: %.120s",
		s->masked_keywords),
	    &s->capabilities_at);
	finding_summary(f, "A firewall overwrites %zu %s of the server's EHLO reply.", masked,
	    masked == 1 ? "keyword" : "keywords");
	judge_stripped(v, eight, out);
}

/*
 * S5: STARTTLS was offered, then refused as unknown; what was never offered, or not seen to be, is
 * rule_starttls.c's.
 */
static bool
judge_starttls(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	const struct record_reply *r = &s->starttls_reply;
	struct finding *f;

	if (!moment_is(&r->at) || (r->code != 500 && r->code != 502))
		return false;
	if (!s->starttls_offered || reply_names_tls(r)) /* who names it has read it */
		return false;
	f = verdict_add(out, FINDING_STARTTLS_STRIPPED, CONFIDENCE_PROBABLE, c, 0);
	finding_reply(f, r);
	evidence_frames(
	    finding_says(f, c->point, "STARTTLS was offered and is answered with %u", r->code),
	    &s->capabilities_at, &r->at);
	finding_summary(f,
	    "STARTTLS is answered as an unknown command by a server that offered it: something rewrites the command on its way.");
	return true;
}

/* S6, at the server's side: X's only were STARTTLS, X's with an argument EHLO. */
static void
judge_command(const struct mail_case *c, const struct session_refusal *x, struct verdicts *out)
{
	size_t n = strspn(x->line, "X");
	bool argument = x->line[n] == ' ';
	struct finding *f;

	if (n < 4 || (x->line[n] != '\0' && !argument) ||
	    (x->reply.code != 500 && x->reply.code != 502))
		return;
	f = verdict_add(out, argument ? FINDING_BANNER_MASKED : FINDING_STARTTLS_STRIPPED,
	    CONFIDENCE_POSSIBLE, c, 0);
	finding_subkind(f, "command");
	evidence_frames(finding_says(f, c->point, "\"%.60s\" reaches the server, which answers %u",
			    x->line, x->reply.code),
	    &x->asked, &x->reply.at);
	finding_summary(f,
	    "A command of the client arrives overwritten with X's: a firewall on the way does that to %s.",
	    argument ? "EHLO" : "STARTTLS");
}

static void
judge_commands(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;

	if (judge_starttls(c, out))
		return;
	for (uint32_t i = 0; i < s->refusals_kept && i < RECORD_REFUSALS; i++)
		judge_command(c, &s->refusals[i], out);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session == NULL || !case_is_smtp(c))
		return;
	judge_banner(c, out);
	judge_keywords(v, out);
	judge_replaced(v, out);
	judge_commands(c, out);
}

const struct rule rule_mask = { "mask", RULE_CASE, judge, false };
