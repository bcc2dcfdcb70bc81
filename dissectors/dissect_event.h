/*
 * dissect_event.h - what a stream dissector says it saw.
 *
 * An event names the bytes it rests on (direction and stream offsets), so
 * that mail/ can name their frames.  All pointers are borrowed and valid only
 * during emit().  Credentials never appear: `line' has them replaced by their
 * length ("AUTH PLAIN <24 bytes>").
 */
#ifndef DISSECT_EVENT_H
#define DISSECT_EVENT_H

#include "dissector.h"

enum event_kind {
	EVENT_COMMAND, /* client line: verb, arg, cmd = its ordinal (1..) */
	/* whole reply, all lines; cmd = ordinal answered, 0 = greeting or unsolicited */
	EVENT_REPLY,
	/* message content starts in `dir' (after 354, BDAT, +OK to RETR/TOP) */
	EVENT_CONTENT_BEGIN,
	EVENT_CONTENT,       /* content bytes, transparency (dot-stuffing) undone */
	EVENT_CONTENT_END,   /* end of data; `complete' tells a dot or LAST from a cut */
	EVENT_TLS,           /* from here on `dir' is TLS (0x16 seen where plain text was due) */
	EVENT_TLS_ALERT,     /* plain-text alert: code = description, level in `arg_num' */
	EVENT_TLS_HANDSHAKE, /* code = handshake type (1 ClientHello, 2 ServerHello, ...) */
	EVENT_TLS_SPOKE,     /* a side's first data behind the handshake */
	EVENT_TLS_CLOSE,     /* an encrypted alert behind the handshake: this side ends it */
	EVENT_GAP,           /* bytes missing in `dir'; state is unsure until the next reply */
	EVENT_NOISE,         /* a line that fits no grammar at this place */
};

enum reply_to { /* why a reply has cmd == 0 */
	REPLY_TO_COMMAND = 0,
	REPLY_GREETING,
	REPLY_UNSOLICITED,
};

/* Lines odd in a way that some server or middlebox punishes. */
enum {
	ODD_BARE_LF = 1 << 0,
	ODD_BARE_CR = 1 << 1,
	ODD_LONG = 1 << 2, /* over 512 (command) or 998 (text): RFC 5321 4.5.3.1 */
	ODD_NUL = 1 << 3,
	ODD_8BIT = 1 << 4,
	ODD_DOT_LF = 1 << 5,     /* "\n.\n" seen: no end of data to a strict server */
	ODD_NO_CODE = 1 << 6,    /* reply line without its three digits */
	ODD_EARLY = 1 << 7,      /* client spoke before the greeting was complete */
	ODD_UNCLOSED = 1 << 8,   /* "250-" list never closed, or greeting without CRLF */
	ODD_ENDS_BARE = 1 << 9,  /* the last of the content is "\n.\n", and nobody answered it */
	ODD_CUT = 1 << 10,       /* the end of the reply is not in the capture */
	ODD_UNKEPT = 1 << 11,    /* the reply is longer than what is kept of it */
	ODD_NO_ANGLES = 1 << 12, /* SMTP: an address without < and > (RFC 5321 4.1.2) */
};

struct dissect_event {
	enum event_kind kind;
	enum dissect_dir dir;
	int64_t ts_ns;     /* of the byte that completed it */
	uint64_t off, end; /* stream bytes [off, end) in `dir' */
	bool unsure;       /* derived after a gap, before resynchronisation */
	bool guess;        /* a reply that could answer another command as well */
	bool complete;     /* EVENT_CONTENT_END */
	uint32_t odd;      /* ODD_* */

	uint32_t cmd; /* ordinal of the command, see kinds */
	int verb;     /* enum smtp_verb or enum pop3_verb; replies: of the command answered */
	enum reply_to reply_to;
	uint16_t code;          /* SMTP reply code; POP3: 1 = +OK, 0 = -ERR, 2 = "+ " */
	uint8_t enhanced[3];    /* RFC 3463; {0,0,0} = none */
	char response_code[24]; /* POP3 RFC 2449/3206, without brackets: "IN-USE" */

	const char *line; /* the line(s), joined by '\n', masked, no CRLF */
	size_t line_len;
	const char *arg; /* COMMAND: path or argument without <>, masked; REPLY: text */
	size_t arg_len;
	/*
	 * Login name of AUTH, USER or APOP; NULL = none here.  The only part of a
	 * login that leaves a dissector, and only to be hashed or, where the user
	 * asks for names, shown: never print it from here.
	 */
	const char *user;
	size_t user_len;
	uint64_t arg_num; /* MAIL SIZE=, BDAT size, RETR/DELE/TOP number; UINT64_MAX none */
	bool last;        /* BDAT LAST */

	const uint8_t *data; /* EVENT_CONTENT */
	size_t data_len;
};

#endif /* DISSECT_EVENT_H */
