/* record_order.h - when a record begins, and the order in which records are told. */
#ifndef RECORD_ORDER_H
#define RECORD_ORDER_H

#include "record/record.h"

/* The first moment of a record; all zero when it has none. */
struct moment record_time(const struct record *r);

/* What the order needs of a record; flat, so that a long list stays small. */
struct record_order {
	int64_t ns;
	uint64_t frame, conn;
	uint32_t point, n, m;
	uint8_t type;
};

struct record_order record_order_of(const struct record *r);
/*
 * Capture records first, by point; the rest by first time, frame, point, type, identity.  As
 * memcmp.
 */
int record_order_compare(const struct record_order *a, const struct record_order *b);

#endif /* RECORD_ORDER_H */
