/*
 * greeting_wait.h - how long a server lets its clients wait for the greeting,
 * and how long a client waits for it (diagnosis 1B, slow-banner).
 *
 * What one connection does not show another may: a client that left before the
 * greeting does not know whether one would have come.
 */
#ifndef GREETING_WAIT_H
#define GREETING_WAIT_H

#include "dialogue.h"

/* Nobody sends a mail by a connection whose greeting took so long, unless he waits for it. */
#define GREETING_LATE (5 * SECOND)

/* A server speaks first here, and would be seen to. */
bool greeting_expected(const struct mail_case *c);
/* The client began with TLS. */
bool greeting_tls_begun(const struct mail_case *c);
/*
 * The client's last word to a server that had not greeted: QUIT, its close, or the end of the
 * capture, which has no frame.
 */
struct moment greeting_client_done(const struct mail_case *c);
/*
 * When the client, after GREETING_LATE at least, left without a greeting that it could hear; frame
 * 0 = it did not.
 */
struct moment greeting_given_up(const struct mail_case *c);
/* From the handshake to the end of the greeting; 0 = there was none, or not all of it is known. */
int64_t greeting_wait(const struct mail_case *c);

#endif /* GREETING_WAIT_H */
