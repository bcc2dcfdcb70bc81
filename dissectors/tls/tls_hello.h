/* tls_hello.h - what a ClientHello or ServerHello says (RFC 8446 4.1). */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include "dissectors/tls/tls.h"

struct tls_hello {
	uint16_t version;        /* client: highest offered; server: chosen */
	uint16_t suite;          /* server: the cipher suite it chose */
	bool retry;              /* HelloRetryRequest */
	char name[TLS_NAME_MAX]; /* server name; "" = none */
};

/* The body of the message, behind its four-byte header; extensions may be cut short. */
enum dissect_rc tls_hello_parse(const uint8_t *p, size_t len, bool client, struct tls_hello *out);

#endif /* TLS_HELLO_H */
