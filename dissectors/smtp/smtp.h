/* smtp.h - the commands of SMTP; the dissector itself is dissector_smtp. */
#ifndef SMTP_H
#define SMTP_H

#include "dissectors/dissect_event.h"

enum smtp_verb {
#define SMTP_VERB(symbol, word, good, flags) SMTP_##symbol,
#include "dissectors/smtp/smtp_verbs.def"
#undef SMTP_VERB
	SMTP_VERBS
};

enum {
	SMTP_RESETS = 1 << 0, /* its consent ends the mail transaction */
	SMTP_WAITS = 1 << 1,  /* how the client's next bytes are read depends on its reply */
	SMTP_ASKS = 1 << 2,   /* a question; its reply changes nothing */
	SMTP_ALONE = 1 << 3,  /* takes no argument */
};

struct smtp_verb_facts {
	const char *word;
	uint16_t good;
	uint16_t flags;
};

/* Never NULL; a number that is no verb gives those of SMTP_UNKNOWN. */
const struct smtp_verb_facts *smtp_verb_facts(int verb);

/* Bytes a flow may hold back for a reply, and text of one line or reply that is kept. */
#define SMTP_HELD_MAX        (256u << 10)
#define SMTP_LINE_KEPT       4096u
#define SMTP_REPLY_KEPT      8192u
#define SMTP_OUTSTANDING_MAX 1024u

#endif /* SMTP_H */
