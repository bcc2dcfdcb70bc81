/*
 * message_impl.h - the inside of a message, for message*.c: message.c walks
 * lines and parts, message_field.c reads the fields of their headers.
 */
#ifndef MESSAGE_IMPL_H
#define MESSAGE_IMPL_H

#include "dissectors/message/message.h"

#define BOUNDARY_MAX 200 /* RFC 2046 5.1.1 allows 70 */
#define LINE_KEPT    (MESSAGE_VALUE + 100)
#define NO_PART      UINT32_MAX
#define TEXTS        6 /* fields of the message itself that are kept */

struct level {
	uint32_t part;
	bool digest; /* multipart/digest: parts are message/rfc822 by default */
	uint16_t len;
	char boundary[BOUNDARY_MAX];
};

enum body_line { LINE_START, LINE_DASH, LINE_INSIDE };

/* Needed while headers are read, and within a multipart: most bodies go by without it. */
struct reading {
	char line[LINE_KEPT]; /* of a header; in bodies one that may be a boundary */
	char boundary[BOUNDARY_MAX + 1];
	char name[64];
	char value[MESSAGE_VALUE + 1];
};

struct message {
	/* what every piece of a body asks */
	bool in_header;
	uint8_t last; /* byte before */
	enum body_line at;
	unsigned int eol;            /* length of the last line end, 0 to 2 */
	uint32_t now_ordinal;        /* 0 = the message itself */
	uint32_t depth, levels_size; /* levels in use; room for */
	uint64_t body;
	struct message_facts facts;
	struct proofs proofs;
	struct level *levels;
	struct reading *r;
	struct message_part *parts;
	uint32_t parts_size;
	char *texts[TEXTS]; /* where facts keeps those of the header */
	/* the header block or body being read */
	uint32_t part;              /* index, NO_PART when not kept */
	struct message_part now;    /* its facts so far */
	uint64_t now_header;        /* bytes of its header block */
	size_t line_len, line_full; /* of r->line; of the line in all */
	bool field_open;
	size_t value_len;
	bool value_cut;
	bool line_cut;   /* a line of it was longer than `line' */
	uint32_t within; /* depth + 1 at which a message within this one began; 0 = not in one */
};

/*
 * A field of a header begins with this line; the next one goes on with it; its last line was read.
 */
void message_field_begin(struct message *m, const char *p, size_t len);
void message_field_more(struct message *m, const char *p, size_t len);
void message_field_end(struct message *m);

#endif /* MESSAGE_IMPL_H */
