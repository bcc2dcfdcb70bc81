/*
 * leaf.h - what the body of one part says of its own soundness: its base64
 * (RFC 2045 6.8), its Content-MD5, and a hash to compare it with itself as it
 * passes elsewhere.
 *
 * Only parts that carry such a proof are looked at; for all others nothing is
 * done and nothing known.  The hash is over the base64 digits alone: lines
 * that a server broke anew change nothing.
 */
#ifndef LEAF_H
#define LEAF_H

#include "dissectors/message/content_md5.h"

/* In the order of their weight. */
enum leaf_fault {
	LEAF_SOUND = 0,
	LEAF_UNPADDED,      /* base64 without its last "=": some programs write it so */
	LEAF_LENGTH,        /* ... of a length that no bytes have */
	LEAF_AFTER_PADDING, /* ... goes on behind its end */
	LEAF_ILLEGAL,       /* ... with bytes that it has not */
	LEAF_MD5,           /* another content than its Content-MD5 says */
};

struct leaf {
	enum content_coding coding;
	bool on; /* there is something to look at */
	struct digest *hash;
	struct content_md5 *md5;
	uint64_t digits; /* base64: bytes of the alphabet */
	uint32_t pads, illegal;
	bool after;
};

struct leaf_facts {
	enum leaf_fault fault; /* the weightiest */
	bool base64;           /* it is, and was looked at */
	bool md5_right;
	uint32_t illegal; /* bytes */
	bool hashed;
	uint32_t hash;
};

enum content_coding content_coding_of(
    const char *encoding); /* of Content-Transfer-Encoding, lower case */

/*
 * `md5': the value of Content-MD5, "" = none; `attachment': to be hashed; *starved is set when
 * memory fails.
 */
void leaf_begin(
    struct leaf *l, const char *encoding, const char *md5, bool attachment, bool *starved);
void leaf_push(struct leaf *l, const uint8_t *p, size_t len);
void leaf_end(struct leaf *l, struct leaf_facts *out); /* its body is whole */
void leaf_drop(struct leaf *l);                        /* it is not: nothing is known */

#endif /* LEAF_H */
