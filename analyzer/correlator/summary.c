#include "summary.h"
#include "goes_on.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "record/text.h"

static void
add_transactions(struct summary *o, const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];
		uint64_t *counter = t->verdict == VERDICT_ACCEPTED ? &o->accepted
		    : t->verdict == VERDICT_REFUSED                ? &o->refused
		    : t->verdict == VERDICT_DEFERRED               ? &o->deferred
		    : t->verdict == VERDICT_LOST                   ? &o->lost
		    : t->verdict == VERDICT_UNKNOWN                ? &o->unknown
								   : NULL;

		if (t->nested)
			continue;
		if (c->only_asks) {
			o->asked += t->verdict != VERDICT_NONE;
			continue;
		}
		if (t->verdict == VERDICT_ABANDONED)
			o->abandoned++;
		if (counter == NULL)
			continue;
		++*counter;
		o->attempted++;
	}
}

/* Every RCPT that was answered, consequences included. */
static void
add_recipients(struct summary *o, const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->recipient_count; i++)
		switch (reply_digit(&c->recipients[i]->reply)) {
		case 2: o->rcpt_accepted++; break;
		case 4: o->rcpt_deferred++; break;
		case 5: o->rcpt_refused++; break;
		}
}

void
summary_add_case(struct summary *o, const struct mail_case *c)
{
	const struct record_session *s = c->session;
	uint64_t unconfirmed = 0;

	if (!c->counted)
		return;
	o->hidden_sessions += s != NULL && s->tls && !s->visible;
	if (s != NULL && case_is_pop(c)) {
		o->pop3_sessions += s->visible;
		o->retrieved += s->retrieved;
		o->cut += s->cut;
		for (uint32_t i = 0; i < c->message_count; i++) {
			o->end_unseen += c->messages[i]->state == MESSAGE_END_UNSEEN;
			unconfirmed += message_unconfirmed(c, c->messages[i]);
		}
		o->retrieved -= unconfirmed;
		o->unconfirmed += unconfirmed;
		o->logins_accepted += s->logins_ok;
		o->logins_refused += s->logins_refused;
		return;
	}
	if (s != NULL && case_is_smtp(c)) {
		o->smtp_sessions += s->visible;
		add_transactions(o, c);
		if (!c->only_asks)
			add_recipients(o, c);
		return;
	}
	o->imap_sessions += s != NULL && s->visible && (s->app == APP_IMAP || s->app == APP_IMAPS);
}

void
summary_incomplete(struct summary *o, const char *fmt, ...)
{
	const uint32_t last = sizeof(o->incomplete) / sizeof(o->incomplete[0]) - 1;
	char text[400], reason[sizeof(o->incomplete[0])];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* file names are bytes: repaired and cut between characters */
	text_copy_utf8(reason, sizeof(reason), text, strlen(text));
	for (uint32_t i = 0; i < o->incomplete_count && i < last; i++)
		if (strcmp(o->incomplete[i], reason) == 0)
			return; /* two points of one file tell the same damage */
	if (o->incomplete_count < last) {
		memcpy(o->incomplete[o->incomplete_count++], reason, sizeof(reason));
		return;
	}
	o->incomplete_count = last + 1;
	o->incomplete_more++;
	snprintf(o->incomplete[last], sizeof(o->incomplete[0]),
	    "and %u more of the kind; the records of the captures (--json) tell all of them",
	    o->incomplete_more);
}

static bool
file_seen(const struct store *s, const struct record_capture *c)
{
	const struct record_capture *x;
	size_t pos = 0;

	while ((x = store_capture_next(s, &pos)) != NULL && x != c)
		if (strcmp(x->file, c->file) == 0)
			return true;
	return false;
}

static void
incomplete_capture(struct summary *o, const struct record_capture *c)
{
	uint64_t drops = c->drops_kernel + c->drops_interface;

	if (c->damage[0] != '\0')
		summary_incomplete(o, "%s: %s", c->file, c->damage);
	if (c->unread > 0)
		summary_incomplete(o,
		    "%s: link type %u (tcpdump.org/linktypes.html) is not read: %llu packet%s",
		    c->file, c->link_type, (unsigned long long)c->unread, PLURAL(c->unread));
	if (c->drops_known && drops > 0)
		summary_incomplete(o, "%s: the capturing machine dropped %llu packet%s", c->file,
		    (unsigned long long)drops, PLURAL(drops));
	if (c->caps_hit > 0)
		summary_incomplete(o, "%s: limits were reached: %s", c->file,
		    c->caps[0] != '\0' ? c->caps : "see the capture record");
}

static void
incomplete_parts(struct summary *o, const struct store *s)
{
	struct goes_on g = goes_on_find(s);

	if (g.connections > 0)
		summary_incomplete(o,
		    "%s goes on in %s: connections told in parts, as those of two captures: %llu. Join the pieces of a capture first: "
		    "mergecap -w whole.pcapng FILES",
		    g.from, g.to, (unsigned long long)g.connections);
	if (g.cut > 0)
		summary_incomplete(o,
		    "searches for the part of a connection that an earlier capture holds, among very many of the same hosts, that ended at "
		    "their bound: %llu",
		    (unsigned long long)g.cut);
}

void
summary_add_captures(struct summary *o, const struct store *s)
{
	const struct record_capture *c;
	size_t pos = 0, pieces;

	while ((c = store_capture_next(s, &pos)) != NULL) {
		o->packets += c->frames;
		if (!file_seen(s, c))
			o->inputs += store_pieces(s, c->key.point, &pieces) != NULL ? pieces : 1;
		incomplete_capture(o, c);
	}
	o->frag_needed += store_frag_needed(s);
	incomplete_parts(o, s);
}
