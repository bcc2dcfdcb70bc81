/*
 * vantage_said.c - what one end says passes one point, and comes to the next as
 * something else (diagnosis 1C, 1E): the same TCP connection, nothing missing at
 * either, and the sums over all that was said differ.  Which words, the records tell.
 *
 * A proxy that ends the connection and begins another is none of this: there
 * each end hears what the proxy says to it.
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "vantage.h"

enum { QUOTED = 100 };

/* The first thing that differs. */
struct differs {
	enum finding_kind kind;
	const char *subkind, *what;
	const char *sent, *came;       /* "" = not to be quoted */
	bool reply;                    /* of the server */
	uint16_t sent_code, came_code; /* replies; 0 = none */
	struct moment sent_at, came_at;
	const struct record_message *sent_mail, *came_mail; /* or NULL */
};

/* ---- whether they can be compared ---------------------------------------------------- */

static bool
said_whole(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	return s != NULL && c->has_conn && (case_is_smtp(c) || case_is_pop(c)) &&
	    !case_missing(c) && !case_one_sided(c) && !case_midstream(c) &&
	    c->conn->disordered == 0 && !c->conn->open && !s->greeting_cut && !s->gap_client &&
	    !s->gap_server && s->client_sum != 0 && s->server_sum != 0;
}

/*
 * The numbers that the ends chose, or their time stamps where a firewall renumbers: a proxy has its
 * own.
 */
static bool
same_ends(const struct mail_case *x, const struct mail_case *y)
{
	bool numbers = true, stamps = true;

	for (int d = 0; d < 2; d++) {
		const struct record_direction *a = &x->conn->dir[d], *b = &y->conn->dir[d];

		numbers = numbers && a->isn_known && b->isn_known && a->isn == b->isn;
		stamps = stamps && a->tsval != 0 && a->tsval == b->tsval;
	}
	return numbers || stamps;
}

/*
 * What was lost behind the last byte that came would be missed else: both saw where the direction
 * ends.
 */
static bool
sums_differ(const struct passage *p)
{
	const struct record_session *up = p->up->session, *down = p->down->session;

	if (!said_whole(p->up) || !said_whole(p->down) || !same_ends(p->up, p->down) ||
	    !moment_is(&p->up->conn->dir[p->dir].fin) ||
	    !moment_is(&p->down->conn->dir[p->dir].fin))
		return false;
	return p->dir == 0 ? up->client_sum != down->client_sum
			   : up->server_sum != down->server_sum;
}

/* ---- where ------------------------------------------------------------------------------ */

static bool
words_differ(struct differs *x, const char *what, const char *sent, const struct moment *sent_at,
    const char *came, const struct moment *came_at)
{
	if (sent[0] == '\0' || came[0] == '\0' || strcmp(sent, came) == 0 || !moment_is(sent_at) ||
	    !moment_is(came_at))
		return false;
	x->what = what;
	x->sent = sent;
	x->came = came;
	x->sent_at = *sent_at;
	x->came_at = *came_at;
	return true;
}

static bool
reply_differs(struct differs *x, const char *what, const struct record_reply *sent,
    const struct record_reply *came)
{
	if (!moment_is(&sent->at) || !moment_is(&came->at) ||
	    (sent->code == came->code && strcmp(sent->text, came->text) == 0))
		return false;
	x->what = what;
	x->sent = sent->text;
	x->came = came->text;
	x->reply = true;
	x->sent_code = sent->code;
	x->came_code = came->code;
	x->sent_at = sent->at;
	x->came_at = came->at;
	return true;
}

static const char *
refused_line(const struct session_refusal *r)
{
	return r->unsolicited ? "" : r->line;
}

/*
 * Commands that were refused are kept with their words, as many at either point where nothing else
 * goes wrong.
 */
static bool
refused_differs(struct differs *x, const struct passage *p)
{
	const struct record_session *up = p->up->session, *down = p->down->session;

	if (up->refusal_count != down->refusal_count || up->refusals_kept != down->refusals_kept)
		return false;
	for (uint32_t i = 0; i < up->refusals_kept && i < RECORD_REFUSALS; i++) {
		const struct session_refusal *a = &up->refusals[i], *b = &down->refusals[i];

		if (p->dir == 0 &&
		    words_differ(
			x, "a command", refused_line(a), &a->asked, refused_line(b), &b->asked)) {
			if (strcmp(a->verb, "STARTTLS") == 0 || strcmp(a->verb, "STLS") == 0)
				x->kind = FINDING_STARTTLS_STRIPPED;
			return true;
		}
		if (p->dir == 1 && reply_differs(x, "a reply", &a->reply, &b->reply))
			return true;
	}
	return false;
}

static bool
envelope_differs(struct differs *x, const struct passage *p)
{
	const struct mail_case *up = p->up, *down = p->down;

	for (uint32_t i = 0; i < up->transaction_count && i < down->transaction_count; i++) {
		const struct record_transaction *a = up->transactions[i],
						*b = down->transactions[i];

		if (p->dir == 0
			? words_differ(
			      x, "the sender's address", a->sender, &a->first, b->sender, &b->first)
			: reply_differs(x, "the reply to MAIL", &a->mail_reply, &b->mail_reply) ||
			    reply_differs(x, "the reply to DATA", &a->data_reply, &b->data_reply) ||
			    reply_differs(
				x, "the reply to the message", &a->final_reply, &b->final_reply))
			return true;
	}
	for (uint32_t i = 0; i < up->recipient_count && i < down->recipient_count; i++) {
		const struct record_recipient *a = up->recipients[i], *b = down->recipients[i];

		if (p->dir == 0 ? words_differ(x, "a recipient's address", a->address, &a->at,
				      b->address, &b->at)
				: reply_differs(x, "the reply to RCPT", &a->reply, &b->reply))
			return true;
	}
	return false;
}

/* POP3: of the client's words only STLS is kept, of the server's what opens the mailbox. */
static bool
pop_differs(struct differs *x, const struct passage *p)
{
	const struct record_session *up = p->up->session, *down = p->down->session;

	if (p->dir == 0)
		return refused_differs(x, p) && x->kind == FINDING_STARTTLS_STRIPPED;
	return reply_differs(x, "the greeting", &up->greeting, &down->greeting) ||
	    reply_differs(x, "the reply to the login", &up->auth_reply, &down->auth_reply) ||
	    refused_differs(x, p);
}

static bool
dialogue_differs(struct differs *x, const struct passage *p)
{
	const struct record_session *up = p->up->session, *down = p->down->session;
	bool listed =
	    up->ehlo_answered && down->ehlo_answered && !up->offer_cut && !down->offer_cut;

	x->kind = FINDING_BANNER_MASKED;
	x->subkind = p->dir == 0 ? "command" : "reply";
	if (!case_is_smtp(p->up))
		return pop_differs(x, p);
	if (p->dir == 0)
		return words_differ(x, "the name in EHLO", up->identity,
			   &p->up->conn->dir[0].data_first, down->identity,
			   &p->down->conn->dir[0].data_first) ||
		    refused_differs(x, p) || envelope_differs(x, p);
	/* what only hides STARTTLS is told by vantage_ends.c */
	if (listed && up->starttls_offered == down->starttls_offered &&
	    words_differ(x, "the list of what the server can do", up->capabilities,
		&up->capabilities_at, down->capabilities, &down->capabilities_at)) {
		x->subkind = "keywords";
		return true;
	}
	return reply_differs(
		   x, "the reply to STARTTLS", &up->starttls_reply, &down->starttls_reply) ||
	    reply_differs(x, "the reply to the login", &up->auth_reply, &down->auth_reply) ||
	    envelope_differs(x, p) || refused_differs(x, p);
}

/* Of who sends them: of a client that hands mail in, or a server that it fetches from. */
static bool
content_differs(struct differs *x, const struct passage *p)
{
	const struct mail_case *up = p->up, *down = p->down;

	if (case_is_pop(up) != (p->dir == 1) || up->message_count != down->message_count)
		return false;
	for (uint32_t i = 0; i < up->message_count; i++) {
		const struct record_message *a = up->messages[i], *b = down->messages[i];

		if (a->content_sum == 0 || b->content_sum == 0 ||
		    a->content_sum == b->content_sum || a->number != b->number)
			continue;
		*x = (struct differs){ .kind = FINDING_MAIL_ALTERED_IN_TRANSIT,
			.subkind = "between",
			.sent = "",
			.came = "",
			.sent_at = a->first,
			.came_at = b->first,
			.sent_mail = a,
			.came_mail = b };
		return true;
	}
	return false;
}

/* ---- words ---------------------------------------------------------------------------------- */

static void
code_text(const struct passage *p, const struct differs *x, uint16_t code, char text[16])
{
	if (x->reply && case_is_pop(p->up))
		snprintf(text, 16, "%s ", code == 0 ? "-ERR" : code == 1 ? "+OK" : "+");
	else if (code > 1)
		snprintf(text, 16, "%u ", code);
}

static void
say_words(struct finding *f, const struct passage *p, const struct differs *x)
{
	char sent[16] = "", came[16] = "";

	code_text(p, x, x->sent_code, sent);
	code_text(p, x, x->came_code, came);
	finding_room(f, 2);
	evidence_frame(finding_says(f, p->up->point, "%s passes here as \"%s%.*s\"", x->what, sent,
			   QUOTED, x->sent),
	    &x->sent_at);
	evidence_frame(
	    finding_says(f, p->down->point, "and comes here as \"%s%.*s\"", came, QUOTED, x->came),
	    &x->came_at);
}

static void
say_field(struct finding *f, const struct passage *p, const char *name, const char *sent,
    const char *came)
{
	if (strcmp(sent, came) != 0)
		finding_says(f, p->down->point, "its %s was \"%.80s\" there, and is \"%.80s\" here",
		    name, sent, came);
}

static void
say_content(struct finding *f, const struct passage *p, const struct differs *x)
{
	const struct record_message *a = x->sent_mail, *b = x->came_mail;

	evidence_frames(finding_says(f, p->up->point, "the message passes here with %llu bytes",
			    (unsigned long long)a->bytes),
	    &a->first, &a->last);
	evidence_frames(finding_says(f, p->down->point, "and comes here with %llu bytes%s",
			    (unsigned long long)b->bytes,
			    a->bytes == b->bytes ? ", but not the same ones" : ""),
	    &b->first, &b->last);
	say_field(f, p, "subject", a->subject, b->subject);
	say_field(f, p, "sender (From)", a->from, b->from);
	say_field(f, p, "type", a->content_type, b->content_type);
	if (a->attachment_hashes[0] != '\0' || b->attachment_hashes[0] != '\0')
		finding_says(f, p->down->point,
		    strcmp(a->attachment_hashes, b->attachment_hashes) == 0
			? "its attachments are the same"
			: "its attachments are not the same");
}

/*
 * Words that the server never said: what was concluded of them is not of the server's doing.
 */
static void
silence_put_in_mouth(
    const struct mail_case *c, const struct differs *x, struct finding *by, struct verdicts *out)
{
	const struct mail_case *at = c;

	do {
		if (at->index >= out->heads)
			continue;
		for (uint32_t i = out->head[at->index]; i != NO_DRAFT; i = out->v[i].next) {
			struct finding *f = out->v[i].f;

			if (f == by || out->v[i].silenced || !f->has_reply ||
			    f->reply.code != x->came_code || strcmp(f->reply.text, x->came) != 0 ||
			    f->kind == FINDING_BANNER_MASKED ||
			    f->kind == FINDING_STARTTLS_STRIPPED)
				continue;
			out->v[i].silenced = true;
			finding_exclude(by, f->kind, "the server never said \"%.80s\"", x->came);
		}
	} while ((at = at->copy) != c);
}

#define LOOK \
	"Look there for a firewall, gateway or scanner that inspects mail (Cisco: inspect esmtp, fixup protocol smtp; an anti-virus or spam filter), and switch that off or let " \
	"it pass what it does not know. With TLS nobody can change what passes."

static void
judge_dialogue(
    const struct ring *r, const struct passage *p, const struct differs *x, struct verdicts *out)
{
	struct draft *d = ring_claim(out, r->copy[0], p->dir, x->kind);
	struct places at = places_of(p);
	struct finding *f;
	char where[320];

	snprintf(where, sizeof(where), "It is changed between %s and %s.", at.up, at.down);
	if (d != NULL) {
		say_words(d->f, p, x);
		ring_sure(out, r->copy[0], d, CONFIDENCE_CONFIRMED, where);
		f = d->f;
		ring_silence(out, r->copy[0], p->dir, x->kind,
		    CONFIDENCE_POSSIBLE); /* the same, guessed from its trace */
	} else {
		f = verdict_add(out, x->kind, CONFIDENCE_CONFIRMED, p->down, p->dir);
		finding_subkind(f, x->subkind);
		finding_summary(f, "A device in between changes what the %s says: %s.",
		    p->dir == 0 ? "client" : "server", x->what);
		finding_remedy(f, LOOK);
		say_words(f, p, x);
		finding_adds(f, where);
	}
	if (p->dir == 0)
		ring_silence(out, r->copy[0], -1, FINDING_PROTOCOL_ERROR, CONFIDENCE_POSSIBLE);
	if (p->dir == 1 && x->reply)
		silence_put_in_mouth(r->copy[0], x, f, out);
}

static void
judge_content(const struct passage *p, const struct differs *x, struct verdicts *out)
{
	struct places at = places_of(p);
	struct finding *f = verdict_add(out, x->kind, CONFIDENCE_CONFIRMED, p->down, p->dir);
	const struct record_message *mail = x->came_mail;

	finding_subkind(f, x->subkind);
	finding_span(f, &mail->first, &mail->last);
	finding_summary(f, "The mail is changed on its way, between %s and %s.", at.up, at.down);
	finding_remedy(f, LOOK);
	say_content(f, p, x);
}

/* RFC 5321 4.1.1.4: the line that ends a message is the one that a device must not touch. */
static void
judge_end(const struct ring *r, struct verdicts *out)
{
	struct passage p[RING_PASSAGES];
	uint32_t n = ring_passages(r, 0, p);

	for (uint32_t i = 0; i < n; i++) {
		const struct mail_case *up = p[i].up, *down = p[i].down;
		const struct record_transaction *t = NULL;
		struct places at = places_of(&p[i]);
		struct finding *f;

		for (uint32_t k = 0;
		     k < up->transaction_count && k < down->transaction_count && t == NULL; k++)
			if (moment_is(&up->transactions[k]->end_of_data) &&
			    !up->transactions[k]->bdat && down->transactions[k]->data_sent &&
			    !moment_is(&down->transactions[k]->end_of_data) &&
			    up->transactions[k]->end_offset <= down->conn->dir[0].stream_bytes)
				t = up->transactions[k];
		if (t == NULL || !sums_differ(&p[i]))
			continue;
		f = verdict_add(out, FINDING_DOT_LOST, CONFIDENCE_CONFIRMED, down, 0);
		finding_subkind(f, "between");
		finding_span(f, &t->first, &down->conn->dir[0].data_last);
		evidence_frame(
		    finding_says(f, up->point,
			"the end of the message, a dot on a line of its own, passes here"),
		    &t->end_of_data);
		evidence_frame(finding_says(f, down->point,
				   "as many bytes come here, and that line is not among them"),
		    &down->conn->dir[0].data_last);
		finding_summary(f,
		    "The end of the message is changed between %s and %s: the server goes on waiting for it.",
		    at.up, at.down);
		finding_remedy(f, LOOK);
		return;
	}
}

/* Neighbours come first: where it is told closest. */
static void
judge_direction(const struct ring *r, int dir,
    bool (*find)(struct differs *, const struct passage *), struct verdicts *out)
{
	struct passage p[RING_PASSAGES];
	uint32_t n = ring_passages(r, dir, p);

	for (uint32_t i = 0; i < n; i++) {
		struct differs x = { 0 };

		if (!sums_differ(&p[i]) || !find(&x, &p[i]))
			continue;
		if (x.sent_mail != NULL)
			judge_content(&p[i], &x, out);
		else
			judge_dialogue(r, &p[i], &x, out);
		return;
	}
}

void
vantage_said(const struct ring *r, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		judge_direction(r, d, dialogue_differs, out);
		judge_direction(r, d, content_differs, out);
	}
	judge_end(r, out);
}
