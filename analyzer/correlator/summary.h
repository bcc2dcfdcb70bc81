/* summary.h - the counts of the JSON contract (design: How messages are counted). */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "correlator/correlator.h"
#include "correlator/store/store_write.h"

/*
 * Adds one case's sessions, mails, recipients and logins; a copy that is not counted adds nothing.
 */
void summary_add_case(struct summary *out, const struct mail_case *c);
/* Packets, inputs, frag-needed and why the analysis may be incomplete. */
void summary_add_captures(struct summary *out, const struct store *s);
void summary_incomplete(struct summary *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* SUMMARY_H */
