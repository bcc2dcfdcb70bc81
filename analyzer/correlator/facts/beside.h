/* beside.h - what the two ends of a connection had open between them beside it. */
#ifndef BESIDE_H
#define BESIDE_H

#include "correlator/facts/lookup.h"
#include "correlator/finding/rule.h"

/* The client's other connections to this server and port that were open at a moment. */
struct beside_open {
	const struct view *v;
	struct case_iter it;
	uint32_t looked;
};

/* Those that began in the ten minutes before. */
struct beside_open beside_open_at(const struct view *v, const struct moment *at);
/* The next of them that was seen here; NULL = no more. */
const struct mail_case *beside_open_next(struct beside_open *b);
/* Says how many more connections the client had to this server and port at that moment. */
void beside_say_open(const struct view *v, struct finding *f, const struct moment *at);
/*
 * The server asked back (ident, RFC 1413) as soon as it accepted, got no answer, and may have
 * waited for it until then.
 */
const struct mail_case *beside_ident_pending(const struct view *v, int64_t until);

#endif /* BESIDE_H */
