/* texts.h - what each kind tells the user by default. */
#ifndef TEXTS_H
#define TEXTS_H

#include "correlator/finding/finding.h"

const char *text_remedy(enum finding_kind k);       /* never NULL */
const char *text_client_shows(enum finding_kind k); /* "" = nothing */
/*
 * What Outlook shows for it since 2003, where what it showed before has another number; by its
 * port, "" = nothing.
 */
const char *text_outlook(const struct finding *f);
/* What Thunderbird (153) says of it; by its port, "" = nothing that was seen. */
const char *text_thunderbird(const struct finding *f);
/* What a mail server that sends (port 25) logs of it; "" = nothing in particular. */
const char *text_log(const struct finding *f);

#endif /* TEXTS_H */
