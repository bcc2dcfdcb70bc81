/* beside.h - what the two ends of a connection had open between them beside it. */
#ifndef BESIDE_H
#define BESIDE_H

#include "correlator/finding/rule.h"

/* Says how many more connections the client had to this server and port at that moment. */
void beside_say_open(const struct view *v, struct finding *f, const struct moment *at);
/*
 * The server asked back (ident, RFC 1413) as soon as it accepted, got no answer, and may have
 * waited for it until then.
 */
const struct mail_case *beside_ident_pending(const struct view *v, int64_t until);

#endif /* BESIDE_H */
