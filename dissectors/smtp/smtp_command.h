/*
 * smtp_command.h - one command line of an SMTP client, and what of it may be
 * shown.
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "dissectors/smtp/smtp.h"

struct smtp_command {
	enum smtp_verb verb;
	/*
	 * MAIL, RCPT: the path without <> (RFC 5321 4.1.2); AUTH: the mechanism;
	 * else all behind the verb.  Borrowed.  NULL: the grammar is not met
	 * (MAIL without FROM, BDAT without a size).
	 */
	const char *arg;
	size_t arg_len;
	const char *rest; /* AUTH: the initial response, NULL = none */
	size_t rest_len;
	uint64_t num; /* MAIL SIZE= (RFC 1870), BDAT octets; UINT64_MAX = none */
	bool last;    /* BDAT ... LAST */
	bool bare;    /* MAIL, RCPT: an address that does not begin with < */
};

/* `line' without its line end.  Pure; any bytes. */
void smtp_command_parse(const char *line, size_t len, struct smtp_command *out);

/* A command as a whole line of its own, by which a stream joined in the middle is recognised. */
bool smtp_command_certain(const struct smtp_command *c);

/*
 * The line as it may be shown: what AUTH and unknown verbs (PASS, a mistyped
 * AUTH, ...) carry is replaced by its length.  `wary' (a login is going on, or
 * bytes are missing): of an unknown verb nothing but the length is shown.  `total' is the line's
 * length where `len' bytes of it were kept.  Returns the length written;
 * *secret is the offset of what was hidden, `len' when nothing was.
 */
size_t smtp_command_show(const struct smtp_command *c, const char *line, size_t len, uint64_t total,
    bool wary, char *dst, size_t size, size_t *secret);

#endif /* SMTP_COMMAND_H */
