/*
 * echo.h - what a client said in secret and a server may repeat: "500 Command
 * unrecognized: "PASS sesame"", "+OK Password required for alice".
 */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHO_BYTES 384 /* all that is kept for one connection; the oldest goes first */
#define ECHO_SAID  12

/* Zero it at the start, wipe it at the end. */
struct echo {
	struct echo_said {
		uint16_t at; /* in kept[] */
		uint8_t len;
		bool user; /* a login name: hidden in the replies to a login only */
		bool cut;  /* there was more of it */
	} said[ECHO_SAID];
	uint32_t count;
	size_t used;
	char kept[ECHO_BYTES];
};

/*
 * What was masked in a client's line: as it is, its words, and what they decode to.  `user' is the
 * name that it gives (may be NULL): that is no secret.
 */
void echo_note(struct echo *e, const char *p, size_t len, const char *user, size_t user_len);

/* A login name. */
void echo_note_user(struct echo *e, const char *p, size_t len);

/* Overwrites with '*' what of it stands in a reply, as words of their own. */
void echo_hide(const struct echo *e, char *p, size_t len);
void echo_hide_user(const struct echo *e, char *p, size_t len);

/*
 * A reply whose command is not in the capture: nobody knows what is secret.  Hides what may be
 * base64, and what follows a quoted PASS or AUTH.
 */
void echo_hide_unseen(char *p, size_t len);

#endif /* ECHO_H */
