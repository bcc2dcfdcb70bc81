/*
 * addr.h - addresses, endpoints and ids: text and back, order, hashes.
 * Ids are 64-bit FNV-1a hashes with a final mix; never 0 (0 = none).
 */
#ifndef ADDR_H
#define ADDR_H

#include "record/record.h"

#define ADDR_TEXT     46 /* INET6_ADDRSTRLEN */
#define ENDPOINT_TEXT 56 /* "[addr]:65535" */
#define ID_TEXT       17 /* 16 hex digits */

bool addr_equal(const struct addr *a, const struct addr *b);
int addr_compare(const struct addr *a, const struct addr *b); /* as memcmp; IPv4 first */
/* RFC 5952 text; "" for no address.  Returns buf. */
char *addr_format(const struct addr *a, char *buf, size_t size);
int addr_parse(struct addr *out, const char *text); /* -1: neither IPv4 nor IPv6 */

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
int endpoint_compare(const struct endpoint *a, const struct endpoint *b);
/* "192.0.2.1:25", "[2001:db8::1]:25", without port "192.0.2.1".  Returns buf. */
char *endpoint_format(const struct endpoint *e, char *buf, size_t size);

/* Hash in steps: h = ID_SEED; h = id_bytes(h, ...); id = id_end(h). */
#define ID_SEED 0xcbf29ce484222325ULL
uint64_t id_bytes(uint64_t h, const void *p, size_t len);
uint64_t id_number(uint64_t h, uint64_t v);
uint64_t id_addr(uint64_t h, const struct addr *a);
uint64_t id_endpoint(uint64_t h, const struct endpoint *e);
uint64_t id_end(uint64_t h);

char *id_format(uint64_t id, char buf[ID_TEXT]); /* 16 lower-case hex digits */
int id_parse(uint64_t *out, const char *text);   /* -1: not exactly 16 hex digits */

#endif /* ADDR_H */
