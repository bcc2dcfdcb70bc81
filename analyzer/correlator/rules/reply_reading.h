/*
 * reply_reading.h - one session's refusals while they are judged: rule_reply.c
 * finds what each means in its context, reply_say.c says it; both ask this.
 */
#ifndef REPLY_READING_H
#define REPLY_READING_H

#include "correlator/facts/dialogue.h"

struct reading {
	const struct view *v;
	const struct mail_case *c;
	const struct record_session *s;
	struct verdicts *out;
	bool blind; /* server bytes are missing or out of order: words only */
	bool alone; /* the client's side is not in the capture: no reply can be paired */
	bool *said; /* an earlier refusal of this session stands */
};

bool reading_verb_is(const struct refusal *r, const char *verb);
/* Which of these two a refusal to relay is, the login decides. */
bool reading_is_relay(enum finding_kind k);
/* Server bytes are missing or out of order, or the client's side is not there. */
bool reading_blind(const struct mail_case *c);
/* Whether a login was offered and tried is in the capture. */
bool reading_login_known(const struct reading *g);
/* The server greets with a name in this domain. */
bool reading_greets_in_domain(const struct reading *g, const char *domain);

#endif /* REPLY_READING_H */
