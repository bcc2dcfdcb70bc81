/*
 * pop3_listing.h - the last LIST or UIDL answer of a session, for the sizes
 * and unique ids of the messages fetched (RFC 1939 5, 7).
 */
#ifndef POP3_LISTING_H
#define POP3_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pop3_listing {
	char *text; /* lines "number value", the status line too */
	size_t len;
	/* by number: clients fetch in any order, and ask for what is not there */
	struct pop3_entry {
		uint32_t number, at;
	} * entries;
	uint32_t count;
	uint64_t one_number; /* from "LIST 3"; 0 = none */
	char one_value[72];
};

/* Its entries, and the bytes that it takes to keep it. */
uint32_t pop3_listing_count(const char *text, size_t len);
uint64_t pop3_listing_cost(size_t len, uint32_t count);
/* Copies; the old one is forgotten.  `count': its entries.  false: no memory. */
bool pop3_listing_set(struct pop3_listing *l, const char *text, size_t len, uint32_t count);
/* Forgets all but the answer for one; returns what it had cost. */
uint64_t pop3_listing_clear(struct pop3_listing *l);
/* The one-line answer "3 120". */
void pop3_listing_one(struct pop3_listing *l, const char *text, size_t len);
/* The value of a message, "" when it was not listed. */
void pop3_listing_find(const struct pop3_listing *l, uint64_t number, char *out, size_t size);
/* The first line of a LIST or UIDL answer that is no "number value": false when there is none. */
bool pop3_listing_bad(const char *text, size_t len, char *out, size_t size);

#endif /* POP3_LISTING_H */
