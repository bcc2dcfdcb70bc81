/*
 * pop3.h - POP3, read from both sides (dissector_pop3), and its pure parts.
 *
 * RFC 1939 (POP3), 2449 (CAPA, response codes, pipelining), 2595 (STLS),
 * 3206 (SYS and AUTH codes), 5034 (AUTH).
 *
 * Command:     keyword [SP argument] CRLF
 * Reply:       "+OK" | "-ERR" [SP "[" code "]"] [SP text] CRLF
 * Challenge:   "+" SP [base64] CRLF				(during AUTH)
 * Multi-line:  +OK line, lines (a leading dot doubled), "." CRLF
 *
 * Events (dissect_event.h), as POP3 fills them:
 * - EVENT_COMMAND: arg_num = message number of RETR, TOP, DELE, LIST, UIDL.  A
 *   line of a SASL exchange is POP3_AUTH_DATA with the ordinal of its AUTH.
 *   A keyword that nobody knows is POP3_OTHER.
 * - EVENT_REPLY: verb and arg_num are those of the command answered.  The
 *   answer to LIST, UIDL, CAPA and the bare AUTH comes at its end, lines joined
 *   (POP3_LISTING_MAX bytes kept, ODD_LONG tells of more); ODD_UNCLOSED: its
 *   dot never came.  Lines that were cut, or of which bytes are missing, are left out.  `arg' is
 * the text of the first line.
 * - EVENT_CONTENT_*: cmd, verb, arg_num of the RETR or TOP; POP3_NONE when the
 *   command is not in the capture.  The end is `unsure' when bytes are missing.
 */
#ifndef POP3_H
#define POP3_H

#include "dissectors/dissect_event.h"

enum pop3_verb {
	POP3_NONE = 0,
#define POP3_VERB(sym, word, answer, secret) POP3_##sym,
#include "dissectors/pop3/pop3_verbs.def"
#undef POP3_VERB
	POP3_AUTH_DATA,
	POP3_OTHER,
};

enum pop3_answer { POP3_ANSWER_ONE, POP3_ANSWER_LISTING, POP3_ANSWER_BARE, POP3_ANSWER_MESSAGE };

enum pop3_status { POP3_ERR = 0, POP3_OK = 1, POP3_CHALLENGE = 2 };

#define POP3_LINE_MAX    4096    /* bytes of a line that are kept */
#define POP3_LISTING_MAX 1048576 /* bytes of a listing that are kept */
#define POP3_PENDING_MAX 4096    /* commands that wait for their reply */

struct pop3_command {
	enum pop3_verb verb;
	enum pop3_answer answer; /* of this command with this argument; never BARE */
	const char *arg;         /* borrowed, NOT masked */
	size_t arg_len;
	uint64_t number; /* first number of the argument; UINT64_MAX none */
};

struct pop3_reply {
	enum pop3_status status;
	char code[24];    /* response code without brackets, upper case; "" none */
	const char *text; /* borrowed; what follows the code */
	size_t text_len;
};

/* Is its argument a secret, or from the second word on? */
bool pop3_verb_is_secret(enum pop3_verb v);
/* "RETR"; "" for what is no command. */
const char *pop3_verb_name(enum pop3_verb v);
/* `line' without its line end.  NOTMINE: no known keyword (verb POP3_OTHER). */
enum dissect_rc pop3_command_parse(const char *line, size_t len, struct pop3_command *out);
/*
 * The command as it may be shown: secrets replaced by their length, at most
 * outlen - 1 bytes and a NUL.  Returns the length; *arg is where the argument
 * starts in `out'.
 */
size_t pop3_command_mask(const char *line, size_t len, const struct pop3_command *cmd, char *out,
    size_t outlen, size_t *arg);
/* SHORT: a beginning of "+OK" or "-ERR"; NOTMINE: neither. */
enum dissect_rc pop3_reply_parse(const char *line, size_t len, struct pop3_reply *out);

#endif /* POP3_H */
