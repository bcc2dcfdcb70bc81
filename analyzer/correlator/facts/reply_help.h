/*
 * reply_help.h - a refusal as a user meets it: what the mail program shows of it, and what to do
 * where the words say more than the kind.
 */
#ifndef REPLY_HELP_H
#define REPLY_HELP_H

#include "correlator/facts/dialogue.h"

/* What Outlook and its kin show for this reply; "" when the kind's default says it best. */
void reply_client_shows(struct finding *f, const struct refusal *r, bool pop);
/*
 * APOP, CRAM-MD5, DIGEST-MD5: the server must know the password itself; "" = nothing to say of that
 * mechanism.
 */
void say_challenge_login(const struct mail_case *c, struct finding *f, const char *mechanism);
/* A remedy where the server's words or the subkind say better than the kind. */
void reply_remedy(struct finding *f, const struct record_reply *r);

#endif /* REPLY_HELP_H */
