/* texts.h - what each kind tells the user by default. */
#ifndef TEXTS_H
#define TEXTS_H

#include "correlator/finding.h"

const char *text_remedy(enum finding_kind k);		/* never NULL */
const char *text_client_shows(enum finding_kind k);	/* "" = nothing */

#endif /* TEXTS_H */
