/* unreachable.h - ICMP errors that say why a packet went no further, and what they mean. */
#ifndef UNREACHABLE_H
#define UNREACHABLE_H

#include "correlator/finding/finding.h"
#include "correlator/store/store.h"

struct unreachable {
	uint8_t family, type, code;
	enum finding_kind kind; /* of a connection attempt that is answered so */
	const char *words;
	bool loop; /* the packet died of its TTL */
};

/* NULL: it says something else. */
const struct unreachable *unreachable_of(const struct record_icmp_error *e);
/* The first of the case that speaks of this direction and came in that time; NULL = none. */
const struct record_icmp_error *case_unreachable(
    const struct mail_case *c, int dir, int64_t from_ns, int64_t to_ns);

#endif /* UNREACHABLE_H */
