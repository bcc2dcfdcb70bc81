/*
 * message.h - the headers and the MIME tree of one message, while it streams.
 *
 * RFC 5322 2.2 (fields, folding), RFC 2045 5 (Content-Type), RFC 2046 5.1.1
 * (a boundary is a whole line, never a prefix), RFC 2183 and 2231 (file names).
 *
 * Push the content bytes as they come, transparency (dot-stuffing) already
 * undone, in any chunking.  Values are raw as on the wire (RFC 2047 words stay
 * encoded), unfolded, cut at their arrays; they may hold any byte but NUL.
 * Bodies are never kept.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissectors/message/message_proof.h"

#define MESSAGE_VALUE      1000  /* bytes of a field's value that are kept */
#define MESSAGE_SHOWN      255   /* of them told */
#define MESSAGE_HEADER_MAX 65536 /* fields beyond this many header bytes are not looked at */
#define MESSAGE_DEPTH      32    /* nested multiparts; deeper ones are leaves */
#define MESSAGE_PARTS      64    /* parts kept; the rest only counted */

struct message_part {
	uint32_t parent; /* index in parts; of the root: 0 */
	uint32_t depth;
	char type[96];     /* "text/plain", lower case */
	char name[160];    /* file name; "" = none */
	char encoding[24]; /* "base64", lower case; "" = none */
	uint64_t bytes;    /* of the body, as transferred, without the CRLF before the boundary */
	bool multipart;
	bool headed; /* its header was read to its end: what it does not say is not there */
	bool closed; /* multipart: its closing boundary was seen */
	bool gap;    /* bytes are missing in it */
};

struct message_facts {
	uint64_t bytes; /* pushed, and told missing */
	/* header fields, "" = none; valid as long as the message */
	const char *from, *to, *subject, *message_id, *date;
	const char *content_type; /* of the message, with its parameters */
	char received_by[80];     /* the server that wrote the topmost "Received:" */
	uint64_t header_bytes;    /* with the empty line */
	uint64_t missing;         /* told by message_gap() */
	uint32_t fields;          /* header fields of the message itself */
	uint32_t received;        /* "Received:" among them */
	bool headers_complete;    /* the empty line was seen, and all before it was looked at */
	bool ended;               /* message_end() was called */
	uint32_t leaves;          /* parts that are no multipart; 1 for a plain message */
	uint32_t part_count;      /* all parts, the message itself included */
	uint32_t parts_kept;      /* of them in parts[] */
	const struct message_part *parts; /* [0] is the message itself; valid until the next push */
	bool between; /* behind a closing boundary: what follows is in no part, until one begins */
	/* bounds that were hit */
	uint32_t values_cut; /* values longer than MESSAGE_VALUE */
	bool header_over;    /* MESSAGE_HEADER_MAX */
	bool depth_over;
	uint32_t boundary_bad;               /* multipart without a usable boundary */
	const struct message_proofs *proofs; /* NULL until message_end() */
};

struct message;

struct message *message_new(void); /* NULL: no memory */
void message_push(struct message *m, const uint8_t *p, size_t len);
void message_fetch(const struct message *m); /* into the cache, before a push */
/* `missing' bytes are not in the capture; what follows is never glued to what came before. */
void message_gap(struct message *m, uint64_t missing);
void message_end(struct message *m); /* no more bytes: closes an unfinished field */
const struct message_facts *message_facts(const struct message *m);
/* Parts with a fault so far: of a part that is being read only what its bytes show at once. */
uint32_t message_faults(const struct message *m);
void message_free(struct message *m); /* NULL is fine */

#endif /* MESSAGE_H */
