/*
 * dkim_body.h - the body hashes of a message's DKIM signatures.
 *
 * RFC 6376 3.5 (tags), 3.4.3 and 3.4.4 (canonical bodies), 3.7 (the hash);
 * RFC 8463 (ed25519-sha256).  The hash over the body needs no key: "bh=" says
 * what the signer hashed, so a body that gives another value is not the one
 * that was signed.  The signature itself ("b=") is not looked at.
 *
 * A signature is judged only when everything it rests on is understood: its
 * tags whole, an algorithm and a canonicalisation that are known, and a body
 * of lines that end with CRLF (RFC 6376 5.3: others are converted in ways that
 * differ between programs).
 */
#ifndef DKIM_BODY_H
#define DKIM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DKIM_SIGNATURES 4 /* of one message; further ones are only counted */

struct dkim_body;

struct dkim_facts {
	uint32_t signatures; /* fields */
	uint32_t good, bad;  /* of them; the rest was not judged */
	bool starved;        /* ... some for want of memory */
	uint32_t dots; /* lines that begin with two: doubled for transport (RFC 5321 4.5.2) and not
			  undone? */
	/* the first bad one, else the first good one; "" = none */
	char domain[80]; /* d= */
	char how[64];    /* "rsa-sha256, relaxed body", ", first 120 bytes" */
};

struct dkim_body *dkim_body_new(void); /* NULL: no memory */
/* One DKIM-Signature field, its unfolded value in any pieces. */
void dkim_field_begin(struct dkim_body *k);
void dkim_field_push(struct dkim_body *k, const char *p, size_t len);
void dkim_field_end(struct dkim_body *k, bool whole);
/* The body behind the empty line, transparency undone, in any pieces. */
void dkim_body_push(struct dkim_body *k, const uint8_t *p, size_t len);
/* The message ended as it should, and nothing of it was missing. */
void dkim_body_end(struct dkim_body *k, struct dkim_facts *out);
void dkim_body_free(struct dkim_body *k); /* NULL is fine */

#endif /* DKIM_BODY_H */
