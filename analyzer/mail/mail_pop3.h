/* mail_pop3.h - what mail_pop3.c (events) and pop3_capa.c (what the server offers) share. */
#ifndef MAIL_POP3_H
#define MAIL_POP3_H

#include "mail/mail_internal.h"

/* session.capabilities, starttls_offered, auth_offered from the whole answer to CAPA. */
void pop3_capabilities_set(struct mail_flow *f, const struct dissect_event *ev);

#endif /* MAIL_POP3_H */
