#include "driver.h"

#include "correlator/facts/callout.h"
#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"

#include <stdio.h>
#include <string.h>

/* ---- the rules, in the order of diagnosis 0.6 and 0.7 --------------------------- */

#define RULE(name) extern const struct rule rule_##name;
#include "correlator/rules/rules.def"
#undef RULE

static const struct rule *const rules[] = {
#define RULE(name) &rule_##name,
#include "correlator/rules/rules.def"
#undef RULE
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* So many connections stay in the cache while one rule after the other looks at them. */
enum { NEAR = 64 };

static bool
copies_exist(const struct store *s)
{
	for (size_t i = 0; i < store_case_count(s); i++)
		if (store_case_at(s, i)->copy != store_case_at(s, i))
			return true;
	return false;
}

/* Where a search for what speaks against them ended at its bound, nothing is confirmed. */
static void
judge_one(const struct rule *r, const struct view *v, struct verdicts *out)
{
	uint64_t cut = lookups_cut(v->lookups);
	uint32_t n = out->n;

	r->judge(v, out);
	if (!r->asks_others || lookups_cut(v->lookups) == cut)
		return;
	for (; n < out->n; n++)
		if (out->v[n].f->confidence == CONFIDENCE_CONFIRMED)
			out->v[n].f->confidence = CONFIDENCE_PROBABLE;
}

/* Rules of single connections, which see no claims but those on it and its copies. */
static void
rules_run(const struct rule *const *r, size_t n, struct view v, struct verdicts *out)
{
	size_t cases = store_case_count(v.store), most = copies_exist(v.store) ? cases : NEAR;

	for (size_t from = 0; from < cases; from += most)
		for (size_t i = 0; i < n; i++)
			for (size_t k = from; k < cases && k < from + most; k++) {
				v.c = store_case_at(v.store, k);
				if (r[i]->scope != RULE_MAIL || case_is_mail(v.c))
					judge_one(r[i], &v, out);
			}
}

static bool
of_one_case(const struct rule *r)
{
	return r->scope == RULE_CASE || r->scope == RULE_MAIL;
}

/* How many from the i-th on go together. */
static size_t
rules_together(size_t i)
{
	size_t n = 1;

	while (of_one_case(rules[i]) && i + n < RULES && of_one_case(rules[i + n]))
		n++;
	return n;
}

/* ---- what silences what (diagnosis 0.3, 0.6.13, 0.7 S) ---------------------------- */

#define K(x) FINDING_##x
#define END  FINDING_KINDS

/* Which of the cause's conversation. */
enum reach {
	ALL,
	RIVALS,    /* other readings, from other capture points: only weaker ones yield */
	EVENTS,    /* what the way leads to comes when it comes, unless it was over */
	SAME_MAIL, /* no other mail has begun since */
	SAME_WORDS /* the same reply of the server */
};

static const struct silence {
	enum confidence least; /* of the cause */
	enum reach reach;
	enum finding_kind causes[13], symptoms[17];
} silences[] = {
	{ CONFIDENCE_POSSIBLE, EVENTS,
	    { K(PMTU_BLACK_HOLE), K(PMTU_BLACK_HOLE_RECOVERED), K(FRAGMENTS_DROPPED),
		K(ICMP_FRAG_NEEDED_IGNORED), K(INLINE_CONTENT_DROP), K(IDLE_STATE_EXPIRED),
		K(PATH_OUTAGE), K(ZERO_WINDOW_STALL), K(WINDOW_SCALE_BROKEN), K(MIDDLEBOX_RESET),
		END },
	    { K(CLIENT_GAVE_UP_AT_DATA), K(CLIENT_GAVE_UP_WAITING), K(SERVER_DROPPED),
		K(SERVER_TIMEOUT_421), K(SLOW_REPLY), K(POP_INCOMPLETE), K(POP_RETR_STALLED),
		K(TLS_FAILURE), K(PEER_RESET), K(CONNECTED_NO_BANNER), END } },
	{ CONFIDENCE_POSSIBLE, ALL,
	    { K(PMTU_BLACK_HOLE), K(PMTU_BLACK_HOLE_RECOVERED), K(PATH_OUTAGE),
		K(ZERO_WINDOW_STALL), K(WINDOW_SCALE_BROKEN), K(ICMP_FRAG_NEEDED_IGNORED), END },
	    { K(HIGH_LOSS), K(SIZE_DEPENDENT_LOSS), END } },
	{ CONFIDENCE_PROBABLE, ALL,
	    { K(AUTH_REQUIRED_NOT_ATTEMPTED), K(POP_BEFORE_SMTP_REQUIRED), END },
	    { K(RELAY_DENIED_WRONG_NETWORK), K(RELAY_DENIED_DESPITE_AUTH), END } },
	{ CONFIDENCE_POSSIBLE, ALL, { K(BANNER_MASKED), END }, { K(AUTH_NOT_OFFERED), END } },
	{ CONFIDENCE_POSSIBLE, ALL, { K(SYN_ACK_RETURN_BLOCKED), END },
	    { K(CONNECTED_NO_BANNER), END } },
	{ CONFIDENCE_POSSIBLE, ALL, { K(IDENT_DELAY), END }, { K(SLOW_BANNER), END } },
	{ CONFIDENCE_POSSIBLE, ALL, { K(TLS_MODE_MISMATCH), END },
	    { K(PROTOCOL_ERROR), K(TLS_FAILURE), K(CONNECTED_NO_BANNER), K(SERVER_DROPPED),
		K(SERVER_TIMEOUT_421), K(CLIENT_GAVE_UP_WAITING), K(PEER_RESET), END } },
	{ CONFIDENCE_POSSIBLE, SAME_MAIL,
	    { K(TLS_FAILURE), K(SERVER_TIMEOUT_421), K(POP_INCOMPLETE), END },
	    { K(PEER_RESET), END } },
	/* the server went on waiting for it */
	{ CONFIDENCE_PROBABLE, ALL, { K(DOT_LOST), END },
	    { K(CLIENT_GAVE_UP_WAITING), K(CLIENT_GAVE_UP_AT_DATA), K(SERVER_TIMEOUT_421),
		K(SERVER_DROPPED), K(SLOW_REPLY), END } },
	/* one event: the close */
	{ CONFIDENCE_POSSIBLE, ALL, { K(CONNECTED_NO_BANNER), K(SERVER_DROPPED), END },
	    { K(PEER_RESET), END } },
	/* its RST is how it gave up */
	{ CONFIDENCE_POSSIBLE, ALL, { K(CLIENT_GAVE_UP_WAITING), K(CLIENT_GAVE_UP_AT_DATA), END },
	    { K(PEER_RESET), END } },
	{ CONFIDENCE_PROBABLE, SAME_MAIL, { K(MESSAGE_TOO_BIG), END },
	    { K(SERVER_DROPPED), K(PEER_RESET), END } },
	{ CONFIDENCE_POSSIBLE, SAME_WORDS, { K(GREYLISTED), END },
	    { K(TEMPORARY_SERVER_ERROR), END } },
	{ CONFIDENCE_PROBABLE, RIVALS, { K(FRAGMENTS_DROPPED), END }, { K(PMTU_BLACK_HOLE), END } },
};

/* Draft 1 + index of the surest claim of each kind in one conversation. */
struct claims {
	uint32_t by_kind[FINDING_KINDS];
};

static void
claims_gather(struct verdicts *v, const struct mail_case *c, struct claims *out)
{
	const struct mail_case *at = c;

	memset(out, 0, sizeof(*out));
	do {
		for (uint32_t i = v->head[at->index]; i != NO_DRAFT; i = v->v[i].next) {
			uint32_t *best = &out->by_kind[v->v[i].f->kind];

			if (*best == 0 || v->v[i].f->confidence >= v->v[*best - 1].f->confidence)
				*best = i + 1;
		}
	} while ((at = at->copy) != c);
}

/*
 * One of what a program shows, `0x800CCC0F (connection dropped)': is its number, or what else it
 * is, among them?
 */
static bool
shows_has(const char *shows, const char *one, size_t len)
{
	char word[FINDING_SHOWS];

	if (strncmp(one, "0x", 2) == 0)
		len = strcspn(one, " ,;");
	snprintf(word, sizeof(word), "%.*s", (int)len, one);
	return strstr(shows, word) != NULL;
}

/* What of the symptom's list the cause's has not. */
static void
shows_take_over(struct finding *f, const char *shows)
{
	while (*shows != '\0') {
		size_t len = strcspn(shows, ",;"), n = strlen(f->client_shows);

		if (!shows_has(f->client_shows, shows, len) && n + len + 3 < FINDING_SHOWS)
			finding_client_shows(
			    f, "%s%s%.*s", f->client_shows, n > 0 ? ", " : "", (int)len, shows);
		shows += len;
		shows += strspn(shows, ",; ");
	}
}

/* The cause takes over what the user's program shows, and says that the symptom is one. */
static void
symptom_hand_over(struct finding *f, enum finding_kind symptom)
{
	finding_exclude(f, symptom, "a consequence of this, not the cause");
	if (f->client_shows[0] == '\0')
		finding_client_shows(f, "%s", kind_facts(f->kind)->client_shows);
	shows_take_over(f, kind_facts(symptom)->client_shows);
}

static uint32_t
silence_cause(const struct silence *s, const struct claims *claims, const struct verdicts *v)
{
	for (size_t i = 0; s->causes[i] != END; i++) {
		uint32_t d = claims->by_kind[s->causes[i]];

		if (d != 0 && v->v[d - 1].f->confidence >= s->least)
			return d;
	}
	return 0;
}

/*
 * What has a mail that got through between itself and the cause does not follow from it, nor what
 * goes on long after it.  Two points may have two clocks.
 */
static bool
may_follow(const struct mail_case *c, const struct finding *cause, const struct finding *symptom)
{
	if (cause->point != symptom->point)
		return true;
	return !finding_outlived(cause, symptom->last.ns) &&
	    !case_mail_passed(c, cause->last.ns, symptom->first.ns) &&
	    !case_mail_passed(c, symptom->last.ns, cause->first.ns);
}

/* One of that kind was made of the same words of the server. */
static bool
said_as(const struct verdicts *v, const struct mail_case *c, enum finding_kind kind,
    const struct finding *f)
{
	for (uint32_t i = v->head[c->index]; i != NO_DRAFT; i = v->v[i].next) {
		const struct finding *x = v->v[i].f;

		if (x->kind == kind && x->has_reply && f->has_reply &&
		    x->reply.code == f->reply.code && strcmp(x->reply.text, f->reply.text) == 0)
			return true;
	}
	return false;
}

static bool
reaches(const struct verdicts *v, const struct mail_case *c, enum reach reach,
    const struct finding *cause, const struct finding *symptom)
{
	switch (reach) {
	case EVENTS: return may_follow(c, cause, symptom);
	case SAME_MAIL:
		return cause->point != symptom->point ||
		    !case_mail_began(c, cause->last.ns, symptom->last.ns);
	case SAME_WORDS: return said_as(v, c, cause->kind, symptom);
	default: return true;
	}
}

static bool
silence_kind(struct verdicts *v, const struct mail_case *c, enum finding_kind kind,
    enum reach reach, const struct finding *cause)
{
	const struct mail_case *at = c;
	bool any = false;

	do {
		for (uint32_t i = v->head[at->index]; i != NO_DRAFT; i = v->v[i].next)
			if (v->v[i].f->kind == kind && reaches(v, at, reach, cause, v->v[i].f))
				any = v->v[i].silenced = true;
	} while ((at = at->copy) != c);
	return any;
}

static void
silence_case(struct verdicts *v, const struct mail_case *c)
{
	struct claims claims;

	claims_gather(v, c, &claims);
	for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++) {
		uint32_t cause = silence_cause(&silences[i], &claims, v);

		for (size_t k = 0; cause != 0 && silences[i].symptoms[k] != END; k++) {
			enum finding_kind symptom = silences[i].symptoms[k];

			if (claims.by_kind[symptom] == 0 ||
			    (silences[i].reach == RIVALS &&
				v->v[claims.by_kind[symptom] - 1].f->confidence >=
				    v->v[cause - 1].f->confidence))
				continue;
			if (!silence_kind(v, c, symptom, silences[i].reach, v->v[cause - 1].f))
				continue;
			symptom_hand_over(v->v[cause - 1].f, symptom);
			v->v[cause - 1].led_on |= symptom != FINDING_SLOW_REPLY;
		}
	}
}

/* A mail whose end is not known, or known to be bad. */
static bool
mail_missing(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->verdict == VERDICT_LOST ||
		    c->transactions[i]->verdict == VERDICT_UNKNOWN)
			return true;
	for (uint32_t i = 0; case_is_pop(c) && i < c->message_count; i++)
		if (c->messages[i]->state != MESSAGE_WHOLE && !message_refused(c->messages[i]))
			return true;
	return false;
}

/* What was over, and kept no mail from getting through, cost time alone. */
static void
delays_mark(struct verdicts *v)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct mail_case *c = v->v[i].c;
		struct finding *f = v->v[i].f;

		if (f->over && f->severity == SEVERITY_ERROR &&
		    (finding_outlived(f, case_ended(c).ns) ||
			(!v->v[i].led_on && !mail_missing(c))))
			f->severity = SEVERITY_WARNING;
	}
}

/* What is no mail is not counted as one. */
static void
questions_mark(struct view v)
{
	for (size_t i = 0; i < store_case_count(v.store); i++) {
		struct mail_case *c = store_case_at(v.store, i);

		v.c = c;
		c->only_asks = callout_session(&v);
	}
}

void
driver_run(const struct store *s, const struct replies *replies, struct verdicts *out)
{
	struct lookups *lookups = lookups_new(s);
	struct view v = { .store = s, .replies = replies, .lookups = lookups };

	if (lookups == NULL) {
		out->starved++;
		return;
	}
	for (size_t i = 0; i < RULES; i += rules_together(i)) {
		if (rules[i]->scope == RULE_STORE)
			rules[i]->judge(&v, out);
		else
			rules_run(&rules[i], rules_together(i), v, out);
	}
	questions_mark(v);
	out->starved += lookups_starved(lookups);
	out->searches_cut += lookups_cut(lookups);
	lookups_free(lookups);
	for (size_t i = 0; i < store_case_count(s); i++) {
		const struct mail_case *c = store_case_at(s, i);

		if (c->leads)
			silence_case(out, c);
	}
	delays_mark(out);
}
