/*
 * why.h - which of a conversation's findings is why a mail failed.  Each answer is NULL where none
 * is, and borrowed from the verdicts.
 */
#ifndef WHY_H
#define WHY_H

#include "correlator/finding/verdicts.h"

/*
 * What the fates of one conversation ask for: it may have ten thousands of mails, and as many
 * drafts say that they were accepted.  Zero it; its rooms are kept from one to the next.
 */
struct talk {
	const struct draft **v; /* that may be why a mail failed, of all copies */
	size_t n, room;
	const struct draft *accepted, *waiting; /* the surest */
	int64_t *passed;                        /* when mails got through; ascending */
	size_t passed_count, passed_room;
};

/* false: no memory, and some of it is not known. */
bool talk_fill(struct talk *k, const struct verdicts *v, const struct mail_case *c);
void talk_free(struct talk *k);

/* Of a mail that did not get through: when it was sent. */
struct span {
	const struct moment *from, *to;
};

/* What keeps mail from getting through: the path, a window, a reset, a program that paused. */
const struct draft *why_stopped(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail);
/* How it ended, where nobody knows more: who closed, who waited. */
const struct draft *why_symptom(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail);
/* Losses: why only where nothing else is, and of the mail that they fell upon. */
const struct draft *why_lossy(
    struct verdicts *v, const struct talk *k, const struct mail_case *c, const struct span *mail);
/* A reply that ended the session (421, or for how the client spoke) behind this mail's beginning.
 */
const struct draft *why_ended(struct verdicts *v, const struct talk *k, const struct mail_case *c,
    const struct record_transaction *t, const struct span *mail);
/*
 * The finding made from the very reply that refused it, or from a reply to one of its recipients;
 * else the surest refusal of the conversation that can be meant.
 */
const struct draft *why_refused(struct verdicts *v, const struct talk *k, const struct mail_case *c,
    const struct record_transaction *t);
/* Of a POP3 message that was refused. */
const struct draft *why_answered(
    struct verdicts *v, const struct talk *k, const struct record_message *m);
/* The greylisting of that connection; the one made from this very reply, if there is one. */
const struct draft *why_put_off(
    struct verdicts *v, const struct mail_case *c, const struct record_reply *r);

#endif /* WHY_H */
