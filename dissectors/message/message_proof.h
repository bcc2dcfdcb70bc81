/*
 * message_proof.h - what a message says of its own soundness, gathered while
 * message.c walks its tree: DKIM body hashes, Content-MD5, base64, the
 * closing boundary, and hashes of its attachments to compare it with itself.
 *
 * Hashes cost, so nothing is hashed for nothing: the body only under a DKIM
 * signature, a part only under a Content-MD5, and of the rest attachments in
 * base64 alone, with a hash as fast as memory.  Other plain text goes by
 * unhashed, but for the first PROOF_NAMING bytes of a mail that no Message-ID
 * names: these and its length tell it from others.
 *
 * Parts of a message within the message are left out: what a bounce brings
 * back is often cut on purpose.
 */
#ifndef MESSAGE_PROOF_H
#define MESSAGE_PROOF_H

#include "dissectors/text/digest.h"
#include "dissectors/message/dkim_body.h"
#include "dissectors/message/leaf.h"

#define PROOF_ATTACHMENTS 8 /* whose hashes are kept; further ones are counted */
#define PROOF_NAMING      4096

struct message_proofs {
	bool known;      /* headers and body are whole; else nothing below is said */
	uint32_t faulty; /* parts with a fault */
	struct dkim_facts dkim;
	uint32_t base64_parts; /* looked at */
	uint32_t md5_right;    /* parts that fit their Content-MD5 */
	enum leaf_fault fault; /* the weightiest ... */
	uint32_t fault_part;   /* ... and the first part that has it: 1 = the first leaf */
	uint32_t fault_index;  /* its place in message_facts.parts; beyond parts_kept: not kept */
	uint32_t fault_bytes;  /* LEAF_ILLEGAL: how many in it */
	char fault_name[96];   /* its file name, else its type */
	bool unclosed; /* the outermost multipart began its parts and has no closing boundary */
	uint32_t attachments; /* in base64 */
	uint32_t hashes;      /* of them hashed */
	uint32_t hash[PROOF_ATTACHMENTS];
	bool list;        /* passed a mailing list */
	char scanner[64]; /* what a virus scanner wrote into the header; "" = none */
	bool starved;     /* memory failed: some of this was not looked at */
	uint64_t body;    /* hash of the first bytes and the length of the body of a mail without a
			     Message-ID; 0 = none, or nothing in it */
	bool stub; /* a part has a name that scanners give to what they put in place of another */
};

/* The state behind them; what every piece of a body asks comes first. */
struct proofs {
	struct leaf leaf;
	struct dkim_body *dkim;
	struct digest *nameless; /* body of a mail without a Message-ID */
	uint32_t naming;         /* bytes of it that are still to be hashed */
	struct message_proofs facts;
	uint32_t leaf_nr, leaf_index;
	char leaf_name[96];
	char md5[32]; /* Content-MD5 of the part whose header is being read */
	bool signing; /* the field being read is a signature */
	bool off;     /* bytes were missing: nothing can be known any more */
	bool doubt;   /* of the boundaries */
};

/* Header fields: of any part at their end; of the message itself also from their name on. */
void proofs_field(struct proofs *p, const char *name, const char *value, bool top);
void proofs_field_begin(struct proofs *p, const char *name);
static inline void
proofs_field_push(struct proofs *p, const char *value, size_t len)
{
	if (p->signing)
		dkim_field_push(p->dkim, value, len);
}
void proofs_field_end(struct proofs *p, bool whole);

/* Parts: the nr-th leaf, at `index' of the parts that are kept. */
struct message_part;
void proofs_part_begin(struct proofs *p);
void proofs_leaf_begin(
    struct proofs *p, uint32_t nr, uint32_t index, const struct message_part *part);
static inline void
proofs_leaf_push(struct proofs *p, const uint8_t *b, size_t len)
{
	if (p->leaf.on)
		leaf_push(&p->leaf, b, len);
}
void proofs_leaf_end(struct proofs *p);

/* The message's own header is over. */
void proofs_body_begin(struct proofs *p, bool named);
void proofs_naming_push(struct proofs *p, const uint8_t *b, size_t len);
/* All bytes behind it. */
static inline void
proofs_body_push(struct proofs *p, const uint8_t *b, size_t len)
{
	if (p->dkim != NULL)
		dkim_body_push(p->dkim, b, len);
	if (p->naming > 0)
		proofs_naming_push(p, b, len);
}
/* A line that begins like a boundary and is none: where the part ends is not certain. */
void proofs_doubt(struct proofs *p);
void proofs_gap(struct proofs *p);
void proofs_end(struct proofs *p, bool known, bool unclosed, uint64_t bytes); /* of the body */
void proofs_free(struct proofs *p);

#endif /* MESSAGE_PROOF_H */
