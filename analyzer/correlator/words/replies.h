/*
 * replies.h - what the words of a mail server mean (diagnosis 3).
 *
 * The table is data, replies.tsv, compiled in; rows of a user's own file of
 * the same format win over it.  First the text by rank, then the enhanced
 * code, then the code.
 */
#ifndef REPLIES_H
#define REPLIES_H

#include "correlator/finding/finding.h"

struct replies;

/* `user' is the text of a user's table or NULL.  NULL: no memory, or a bad row, named in err. */
struct replies *replies_new(const char *user, char *err, size_t errlen);
void replies_free(struct replies *r);

struct reply_row {
	unsigned int number, rank;
	char codes[8]; /* "4", "45", "-ERR" */
	char when[24]; /* "-", "=5.4.1", "[IN-USE]" */
	char pattern[96];
	char stages[8];
	enum finding_kind kind; /* FINDING_KINDS: a consequence of something else */
	char subkind[32];
	bool hint; /* needs context */
	bool user;
	char product[80];
	char example[160];
};
unsigned int replies_version(void); /* of the built-in table: "# version N" */
size_t replies_count(const struct replies *r);
const struct reply_row *replies_row(const struct replies *r, size_t i);

enum reply_how { REPLY_BY_TEXT, REPLY_BY_ENHANCED, REPLY_BY_CODE, REPLY_BY_NOTHING };

struct reply_context {
	char stage; /* C E S A M R D; POP3 P U T; 0 = none of them */
	bool pop;   /* POP3: code 0 is -ERR */
	bool auth_offered, auth_tried;
	bool large;     /* declared or sent more than 1 MB */
	bool after_gap; /* replies cannot be paired: words only (0.7 G) */
	const char
	    *greeting; /* begins with the server's own name, which says nothing; NULL = not known */
};

struct reply_class {
	enum finding_kind kind; /* FINDING_KINDS: nothing to say */
	char subkind[32];
	enum confidence confidence;
	enum reply_how how;
	bool hint;
	bool generic;        /* by a word that may stand for anything: rank 9 */
	unsigned int row;    /* 0 = none */
	const char *product; /* "" = unknown; borrowed from the table */
};

void reply_classify(const struct replies *t, const struct record_reply *reply,
    const struct reply_context *ctx, struct reply_class *out);

/* An enhanced status code of the reply; false: none.  code[0] is its class. */
bool reply_enhanced(const struct record_reply *r, unsigned int code[3]);
/* First digit of the reply: 2..5; a reply without its code is judged by its enhanced code. */
unsigned int reply_digit(const struct record_reply *r);
/* Words about encryption: only these make a refusal tls-required (0.7). */
bool reply_names_tls(const struct record_reply *r);
bool reply_has_words(const struct record_reply *r, const char *lower_case);

#endif /* REPLIES_H */
