/*
 * callout.h - a server that is given an address may ask the address's own
 * server whether it takes mail, before it answers: RCPT TO in a session of its
 * own, and no message (Exim: callout, Postfix: address verification).
 */
#ifndef CALLOUT_H
#define CALLOUT_H

#include "correlator/facts/dialogue.h"

struct callout {
	const struct mail_case *c;
	const struct record_recipient *recipient; /* its reply may be none */
};

/*
 * What this server asked about the address, and was refused or not told, before it gave this
 * reply.  false: not in the capture.
 */
bool callout_made(const struct view *v, const char *address, const struct record_reply *reply,
    struct callout *out);
/*
 * The session for whose sake this one asks about its recipient; NULL: none, or it is a mail of its
 * own.
 */
const struct mail_case *callout_for(const struct view *v, const struct record_recipient *r);
/* All that it did was to ask: none of its transactions is a mail. */
bool callout_session(const struct view *v);

#endif /* CALLOUT_H */
