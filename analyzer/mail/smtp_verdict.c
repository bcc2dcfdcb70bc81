/*
 * smtp_verdict.c - what became of a mail at this hop ("How messages are
 * counted" in the design).  Never more than the capture shows: a reply that is
 * not there is "lost" only when TCP proves it, "unknown" otherwise.
 */
#include "mail/mail_smtp.h"

#define SILENCE_NS ((int64_t)60 * 1000000000) /* "fell silent" */

enum verdict
smtp_verdict_of_code(uint16_t code)
{
	switch (code / 100) {
	case 2: return VERDICT_ACCEPTED;
	case 4: return VERDICT_DEFERRED;
	case 5: return VERDICT_REFUSED;
	default: return VERDICT_UNKNOWN;
	}
}

static void
decide(struct smtp_mail *t, enum verdict v, enum smtp_stage stage, const struct record_reply *reply)
{
	t->r.verdict = v;
	t->r.stage = stage;
	if (reply != NULL)
		t->decided = reply;
}

static bool
negative(const struct record_reply *r)
{
	return r->code >= 400;
}

/* Beyond what the replies of RCPT say, DATA's 503 or 554 says nothing. */
static bool
decided_by_rcpt(struct smtp_mail *t)
{
	if (t->rcpt_ok != 0 || t->rcpt_deferred + t->rcpt_refused == 0)
		return false;
	decide(t, t->rcpt_deferred != 0 ? VERDICT_DEFERRED : VERDICT_REFUSED, STAGE_RCPT,
	    &t->rcpt_negative);
	return true;
}

static bool
decided_by_reply(struct smtp_mail *t)
{
	const struct record_transaction *r = &t->r;

	if (r->final_reply.code != 0) {
		decide(t, smtp_verdict_of_code(r->final_reply.code), STAGE_DOT, &r->final_reply);
		return r->verdict != VERDICT_UNKNOWN;
	}
	if (negative(&r->mail_reply)) {
		decide(t, smtp_verdict_of_code(r->mail_reply.code), STAGE_MAIL, &r->mail_reply);
		return true;
	}
	if (t->content && !negative(&r->data_reply))
		return false; /* the content went on: its own answer counts */
	if (decided_by_rcpt(t))
		return true;
	if (negative(&r->data_reply)) {
		decide(t, smtp_verdict_of_code(r->data_reply.code), STAGE_DATA, &r->data_reply);
		return true;
	}
	return false;
}

/* Is anything missing of what the server said? */
static bool
server_incomplete(const struct mail_flow *f, const struct record_connection *facts)
{
	const struct record_direction *d;

	if (facts == NULL || !f->session->server_seen || f->session->gap_server)
		return true;
	d = &facts->dir[1];
	return d->packets == 0 || d->missing != 0 || d->cut_bytes != 0 || d->conflict;
}

static bool
earlier(struct moment a, struct moment b)
{
	if (a.frame == 0)
		return false;
	return b.frame == 0 || a.ns < b.ns || (a.ns == b.ns && a.frame < b.frame);
}

/* A reset with another TTL than the endpoint's own was sent by somebody else (diagnosis 0.7 S). */
static struct moment
closed_at(const struct record_direction *d)
{
	int apart = (int)d->ttl_rst - (int)d->ttl;
	bool own = d->ttl == 0 || d->ttl_rst == 0 || (apart > -2 && apart < 2);

	return d->rst.frame != 0 && own && earlier(d->rst, d->fin) ? d->rst : d->fin;
}

static bool
server_closed_first(const struct record_connection *facts)
{
	struct moment s = closed_at(&facts->dir[1]);

	return s.frame != 0 && !earlier(closed_at(&facts->dir[0]), s);
}

static bool
over_or_silent(const struct record_connection *facts)
{
	return facts->dir[0].fin.frame != 0 || facts->dir[0].rst.frame != 0 ||
	    facts->dir[1].fin.frame != 0 || facts->dir[1].rst.frame != 0 ||
	    facts->t_end - facts->last.ns >= SILENCE_NS;
}

static enum smtp_stage
stage_reached(const struct smtp_mail *t)
{
	if (t->dot != 0 || t->content)
		return STAGE_DOT;
	if (t->r.data_sent)
		return STAGE_DATA;
	return t->r.recipients != 0 ? STAGE_RCPT : STAGE_MAIL;
}

/* The end of data, or a command, stayed without an answer. */
static enum verdict
unanswered(
    const struct smtp_mail *t, const struct mail_flow *f, const struct record_connection *facts)
{
	if (server_incomplete(f, facts))
		return VERDICT_UNKNOWN;
	if (t->dot != 0 && !t->r.end_acked)
		return over_or_silent(facts) ? VERDICT_LOST : VERDICT_UNKNOWN;
	if (t->dot == 0 && (t->go_ahead || t->content))
		return VERDICT_UNKNOWN; /* its fate comes from the finding */
	return server_closed_first(facts) ? VERDICT_LOST : VERDICT_UNKNOWN;
}

/* It goes no further, though everything is answered: no content was sent. */
static bool
stands_answered(const struct smtp_mail *t, const struct mail_flow *f)
{
	return !t->content && t->dot == 0 && t->asked == 0 && t->mail_asked &&
	    t->r.mail_reply.code != 0 && t->rcpt_answered == t->r.recipients &&
	    f->session->server_seen && !f->session->gap_server;
}

/* Given up for one of several recipients. */
static bool
decided_by_some(struct smtp_mail *t)
{
	if (t->rcpt_deferred + t->rcpt_refused == 0)
		return false;
	decide(t, smtp_verdict_of_code(t->rcpt_negative.code), STAGE_RCPT, &t->rcpt_negative);
	return true;
}

static bool
decided(struct smtp_mail *t, const struct mail_flow *f)
{
	if (decided_by_reply(t))
		return true;
	if ((!t->reset && !t->quit) || !stands_answered(t, f))
		return false;
	/* RSET, EHLO, HELO or QUIT instead of content */
	if (!decided_by_some(t))
		decide(t, VERDICT_ABANDONED, stage_reached(t), NULL);
	return true;
}

/* The same without QUIT: behind the refusal the client closes. */
static bool
decided_by_close(
    struct smtp_mail *t, const struct mail_flow *f, const struct record_connection *facts)
{
	return stands_answered(t, f) && !server_incomplete(f, facts) &&
	    facts->dir[0].fin.frame != 0 && !server_closed_first(facts) && decided_by_some(t);
}

bool
smtp_verdict_sure(struct smtp_mail *t, const struct mail_flow *f)
{
	return t->r.nested || decided(t, f);
}

void
smtp_verdict(struct smtp_mail *t, const struct mail_flow *f, const struct record_connection *facts)
{
	if (t->dot != 0) /* an answer acknowledges, too */
		t->r.end_acked =
		    t->r.final_reply.code != 0 || (facts != NULL && facts->dir[0].acked >= t->dot);
	if (!decided(t, f) && !decided_by_close(t, f, facts))
		decide(t, unanswered(t, f, facts), stage_reached(t), NULL);
}

enum verdict
smtp_verdict_rcpt(const struct smtp_mail *t, const struct smtp_rcpt *r)
{
	if (r->reply != NULL && negative(r->reply))
		return smtp_verdict_of_code(r->reply->code);
	if (r->final != NULL)
		return smtp_verdict_of_code(r->final->code);
	if (r->reply == NULL && t->r.verdict == VERDICT_ACCEPTED)
		return VERDICT_UNKNOWN; /* whether it was among the accepted is not known */
	return t->r.verdict == VERDICT_NONE ? VERDICT_UNKNOWN : t->r.verdict;
}
