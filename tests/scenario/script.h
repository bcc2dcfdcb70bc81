/* script.h - what script.c (the words, what happens) and script_net.c (what is there) share. */
#ifndef SCENARIO_SCRIPT_H
#define SCENARIO_SCRIPT_H

#include "scenario.h"

enum { WORDS = 32, WRITE = 1 << 16 };

struct script {
	struct sim *sim;
	struct conn *conn; /* the one that C and S belong to */
	char *words[WORDS];
	int count, at;
	struct endpoint *writer; /* consecutive lines of one side are one write ... */
	unsigned int writer_line;
	char text[WRITE]; /* ... collected here */
	size_t text_len;
	char from[256], to[256]; /* of the message that DATA will carry */
	unsigned int messages;
};

/* Of the line's words the next; each fails when it is not there or is none. */
const char *word(struct script *sc);
bool word_is(struct script *sc, const char *w); /* taken if so */
long word_number(struct script *sc, long min, long max);
bool word_on(struct script *sc);   /* on, off */
int64_t parse_time(const char *w); /* ns */

/* script_net.c: runs the statement if it is one that says what is there. */
bool script_there(struct script *sc, const char *statement);

#endif /* SCENARIO_SCRIPT_H */
