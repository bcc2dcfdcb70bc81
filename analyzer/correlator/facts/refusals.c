/* refusals.c - the negative replies of one conversation, wherever the records keep them. */
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

static char
stage_letter(enum smtp_stage s)
{
	static const char letters[] = {
		[STAGE_NONE] = 0,
		[STAGE_CONNECT] = 'C',
		[STAGE_EHLO] = 'E',
		[STAGE_STARTTLS] = 'S',
		[STAGE_AUTH] = 'A',
		[STAGE_MAIL] = 'M',
		[STAGE_RCPT] = 'R',
		[STAGE_DATA] = 'D',
		[STAGE_DOT] = 'D',
		[STAGE_OTHER] = 0,
	};

	return (size_t)s < sizeof(letters) ? letters[s] : 0;
}

static char
pop_letter(const char *verb)
{
	static const struct {
		const char *verb;
		char letter;
	} verbs[] = {
		{ "PASS", 'P' },
		{ "APOP", 'P' },
		{ "AUTH", 'P' },
		{ "USER", 'U' },
		{ "RETR", 'T' },
		{ "TOP", 'T' },
		{ "DELE", 'T' },
		{ "LIST", 'T' },
		{ "UIDL", 'T' },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].letter;
	return 0;
}

static bool
reply_negative(const struct record_reply *r, bool pop)
{
	if (!moment_is(&r->at))
		return false;
	return pop ? r->code == 0 : reply_digit(r) >= 4;
}

/*
 * Of a connection with more of them than a rule can take (a relay that is put off mail by mail),
 * those come first that say something else than the ones before; the others as far as there is
 * room.
 */
struct gather {
	const struct mail_case *c;
	struct refusal *v;
	size_t n, max;
	uint64_t left;                   /* found no room, and say something else */
	const struct record_reply *last; /* of all, with room or without */
	bool pop, others;                /* others: no more that say the same */
};

/*
 * The next word of a reply that is no address and has no digit: what differs from mail to mail is
 * in those.
 */
static size_t
word_next(const char **p)
{
	size_t n;

	for (;; *p += n) {
		bool varies = false;

		*p += strspn(*p, " ");
		if ((n = strcspn(*p, " ")) == 0)
			return 0;
		for (size_t i = 0; i < n; i++)
			varies |= (*p)[i] == '@' || ((*p)[i] >= '0' && (*p)[i] <= '9');
		if (!varies)
			return n;
	}
}

bool
reply_alike(const char *a, const char *b)
{
	size_t n, m;

	do {
		n = word_next(&a);
		m = word_next(&b);
		if (n != m || memcmp(a, b, n) != 0)
			return false;
		a += n;
		b += m;
	} while (n > 0);
	return true;
}

static bool
refusal_alike(const struct refusal *a, const struct record_reply *r, char stage)
{
	return a->stage == stage && a->reply->code == r->code &&
	    strcmp(a->reply->enhanced, r->enhanced) == 0 && reply_alike(a->reply->text, r->text);
}

static bool
refusal_same(const struct refusal *a, const struct record_reply *r)
{
	return a->reply->at.frame == r->at.frame && a->reply->at.ns == r->at.ns &&
	    a->reply->code == r->code && strcmp(a->reply->text, r->text) == 0;
}

static struct refusal *
gather_add(struct gather *g, const struct record_reply *r, char stage, const char *verb)
{
	struct refusal *x;

	if (!reply_negative(r, g->pop))
		return NULL;
	if (g->last == NULL || moment_before(&g->last->at, &r->at))
		g->last = r;
	for (size_t i = 0; i < g->n; i++)
		if (refusal_same(&g->v[i], r))
			return &g->v[i];
	for (size_t i = 0; g->others && i < g->n; i++)
		if (refusal_alike(&g->v[i], r, stage))
			return NULL;
	if (g->n >= g->max) {
		g->left += g->others;
		return NULL;
	}
	x = &g->v[g->n++];
	*x = (struct refusal){ .reply = r, .stage = stage, .verb = verb, .line = verb };
	x->after_auth = g->c->session != NULL && g->c->session->auth_ok &&
	    g->c->session->auth_at.ns <= r->at.ns;
	return x;
}

static bool
transaction_failed(const struct record_transaction *t)
{
	return t != NULL && (t->verdict == VERDICT_REFUSED || t->verdict == VERDICT_DEFERRED);
}

static void
gather_transaction(struct gather *g, const struct record_transaction *t)
{
	struct refusal *x;
	bool failed = transaction_failed(t);

	if ((x = gather_add(g, &t->mail_reply, 'M', "MAIL")) != NULL) {
		x->transaction = t;
		x->asked = t->first;
		x->ended = failed && !t->nested;
	}
	if ((x = gather_add(g, &t->data_reply, 'D', t->bdat ? "BDAT" : "DATA")) != NULL) {
		x->transaction = t;
		x->asked = t->data_at;
		x->ended = failed;
		/* pipelined behind a refused MAIL, or no recipient left: says nothing new */
		x->consequence = reply_negative(&t->mail_reply, false) ||
		    (t->recipients > 0 && t->recipients_accepted == 0 &&
			(t->data_reply.code == 503 || t->data_reply.code == 554));
	}
	if ((x = gather_add(g, &t->final_reply, 'D', t->bdat ? "BDAT" : ".")) != NULL) {
		x->transaction = t;
		x->asked = moment_is(&t->end_of_data) ? t->end_of_data : t->data_at;
		x->ended = failed;
	}
}

static void
gather_recipient(struct gather *g, const struct record_recipient *r)
{
	const struct record_transaction *t = case_transaction(g->c, r->key.n);
	struct refusal *x = gather_add(g, &r->reply, 'R', "RCPT");

	if (x == NULL)
		return;
	x->transaction = t;
	x->recipient = r;
	x->asked = r->at;
	x->consequence = r->consequence || (t != NULL && reply_negative(&t->mail_reply, false));
	x->ended = transaction_failed(t) && t->recipients_accepted == 0;
}

static void
gather_session(struct gather *g, const struct record_session *s)
{
	struct refusal *x;

	gather_add(g, &s->greeting, 'C', "connect");
	if (!g->pop)
		gather_add(g, &s->starttls_reply, 'S', "STARTTLS");
	for (uint32_t i = 0; i < s->refusals_kept && i < RECORD_REFUSALS; i++) {
		const struct session_refusal *r = &s->refusals[i];
		size_t before = g->n;

		x = gather_add(
		    g, &r->reply, g->pop ? pop_letter(r->verb) : stage_letter(r->stage), r->verb);
		if (x == NULL)
			continue;
		x->only_session |= g->n > before;
		x->line = r->line[0] != '\0' ? r->line : r->verb;
		if (!moment_is(&x->asked))
			x->asked = r->asked;
		x->unsolicited = x->unsolicited || r->unsolicited;
		x->guessed = r->guessed;
		x->deleted = r->deleted;
		x->unlisted = r->unlisted;
		x->consequence = x->consequence || r->consequence;
		x->after_auth = x->after_auth || r->after_auth;
		x->ended = x->ended || r->ended_transaction;
		x->transaction_open = r->transaction_open;
		if (x->transaction == NULL)
			x->transaction = case_transaction(g->c, r->transaction);
	}
	if (!g->pop)
		gather_add(g, &s->auth_reply, 'A', "AUTH");
}

static int
refusal_compare(const void *a, const void *b)
{
	const struct moment *x = &((const struct refusal *)a)->reply->at,
			    *y = &((const struct refusal *)b)->reply->at;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->frame > y->frame) - (x->frame < y->frame);
}

static void
gather_all(struct gather *g)
{
	const struct mail_case *c = g->c;

	for (uint32_t i = 0; !g->pop && i < c->transaction_count; i++)
		gather_transaction(g, c->transactions[i]);
	for (uint32_t i = 0; !g->pop && i < c->recipient_count; i++)
		gather_recipient(g, c->recipients[i]);
	if (c->session != NULL)
		gather_session(g, c->session);
}

const struct record_reply *
refusal_last(const struct mail_case *c)
{
	struct gather g = { .c = c, .pop = case_is_pop(c) };

	gather_all(&g);
	return g.last;
}

/*
 * There may be more of them than fit: of a mail three, of a recipient one, and what the session
 * keeps beside.
 */
static bool
are_many(const struct mail_case *c, size_t max)
{
	size_t n = c->session != NULL ? c->session->refusals_kept + 3 : 0;

	for (uint32_t i = 0; i < c->transaction_count && n <= max; i++)
		n += reply_negative(&c->transactions[i]->mail_reply, false) +
		    reply_negative(&c->transactions[i]->data_reply, false) +
		    reply_negative(&c->transactions[i]->final_reply, false);
	for (uint32_t i = 0; i < c->recipient_count && n <= max; i++)
		n += reply_negative(&c->recipients[i]->reply, false);
	return n > max;
}

size_t
refusals_gather(const struct mail_case *c, struct refusal *out, size_t max, uint64_t *left)
{
	struct gather g = { .c = c, .v = out, .max = max, .pop = case_is_pop(c) };

	if (!g.pop && are_many(c, max)) {
		g.others = true;
		gather_all(&g);
		g.others = false;
	}
	gather_all(&g);
	qsort(out, g.n, sizeof(*out), refusal_compare);
	if (left != NULL)
		*left += g.left;
	return g.n;
}
