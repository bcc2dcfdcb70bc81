/*
 * sasl.h - logins: what may be shown of them, and whose they are.
 *
 * RFC 4422 (SASL), 4616 (PLAIN), 2195 (CRAM-MD5), 2831 (DIGEST-MD5), 5802
 * (SCRAM), 7628 (OAUTHBEARER); LOGIN, XOAUTH2 and NTLM as the vendors wrote
 * them.  Shared by SMTP AUTH (RFC 4954) and POP3 AUTH (RFC 5034).
 */
#ifndef SASL_H
#define SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SASL_MECHANISM_MAX 20 /* RFC 4422 3.1 */
#define SASL_USER_MAX      256

/* The steps of one exchange; zero it at each AUTH. */
struct sasl {
	char mechanism[SASL_MECHANISM_MAX + 1]; /* upper case; "" = unknown */
	uint32_t step;                          /* client responses so far */
};

/* Begins an exchange; the name is copied when it is one. */
void sasl_begin(struct sasl *s, const char *mechanism, size_t len);

/*
 * A client response, base64 as on the wire.  True: it named the user, who is
 * in user[0..*user_len), without a NUL.  Everything else that was decoded is
 * wiped before the return.
 */
bool sasl_response(
    struct sasl *s, const char *b64, size_t len, char user[SASL_USER_MAX], size_t *user_len);

/* Is this a mechanism's name (RFC 4422 3.1, and not in mixed case), not a secret? */
bool sasl_is_mechanism(const char *p, size_t len);

/* Could this single word be a response that lost its AUTH?  For lines nothing else explains. */
bool sasl_looks_secret(const char *p, size_t len);

/* Overwrites with '*' every word of a text that may be base64: servers echo what they refuse. */
void sasl_hide_echo(char *p, size_t len);

/* Writes "<24 bytes>"; returns the length written. */
size_t sasl_mask(char *dst, size_t size, uint64_t len);

#endif /* SASL_H */
