/*
 * mail_build.h - a mail to one recipient, as the records tell it: what tests of
 * replies, relaying, masks and TLS begin with.
 */
#ifndef MAIL_BUILD_H
#define MAIL_BUILD_H

#include "case_build.h"

/* One session with one transaction whose only recipient gets the reply. */
struct mail {
	struct record conn, session, transaction, recipient;
};

static inline struct mail
build_mail(uint64_t id, int64_t ms, int code, const char *text)
{
	struct mail m;

	m.conn = build_connection(0, id, ms, ms + 500);
	m.session = build_session(&m.conn, ms + 60);
	if (code / 100 == 2) {
		m.transaction = build_transaction(&m.conn, 1, VERDICT_ACCEPTED, ms + 100);
	} else {
		m.transaction = build_transaction(
		    &m.conn, 1, code / 100 == 4 ? VERDICT_DEFERRED : VERDICT_REFUSED, ms + 100);
		build_reply(&m.transaction.transaction.verdict_reply, code, text, ms + 125);
	}
	m.recipient = build_recipient(&m.transaction, 1, "bob@example.org", code, text, ms + 120);
	if (code / 100 != 2)
		m.transaction.transaction.verdict_reply = m.recipient.recipient.reply;
	m.session.session.transactions = 1;
	return m;
}

static inline void
take(struct correlator *c, const struct mail *m)
{
	correlator_take(c, &m->recipient); /* any order will do */
	correlator_take(c, &m->transaction);
	correlator_take(c, &m->session);
	correlator_take(c, &m->conn);
}

static inline struct correlator *
judged(const struct mail *m, size_t n)
{
	struct correlator *c = build_correlator();

	for (size_t i = 0; i < n; i++)
		take(c, &m[i]);
	correlator_judge(c);
	return c;
}

/* What became of a mail, in the words of the report. */
static inline const char *
fate_at(const struct correlator *c, size_t which)
{
	const struct fate *f;

	return which < correlator_fates(c, &f) ? f[which].fate : "(none)";
}

#endif /* MAIL_BUILD_H */
