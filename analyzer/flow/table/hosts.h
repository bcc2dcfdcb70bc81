/*
 * hosts.h - addresses as 32-bit ids, so that a flow entry stays small.
 *
 * An IPv4 address is its own id.  An IPv6 address is interned and counted: its
 * id lives as long as somebody holds it, so the table is never larger than
 * what refers to it (flows, paths, host contrast), which have their own caps.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include "flow/packet/hash.h"
#include "record/record.h"

struct hosts;

/* Two hosts by their ids, in the direction that is meant. */
struct host_pair {
	uint32_t from, to;
	uint8_t family;
};

/* NULL: no memory. */
struct hosts *hosts_new(const struct hash_key *key);
void hosts_free(struct hosts *h);

/* Takes one reference; false: no memory (never for IPv4). */
bool hosts_take(struct hosts *h, const struct addr *a, uint32_t *id);
/* One more reference to what somebody holds. */
void hosts_hold(struct hosts *h, uint8_t family, uint32_t id);
void hosts_drop(struct hosts *h, uint8_t family, uint32_t id);
/* The id without a reference; false: nobody holds this address. */
bool hosts_find(const struct hosts *h, const struct addr *a, uint32_t *id);
struct addr hosts_addr(const struct hosts *h, uint8_t family, uint32_t id);
/* The 16 bytes of an interned IPv6 address. */
const uint8_t *hosts_bytes(const struct hosts *h, uint32_t id);
uint32_t hosts_count(const struct hosts *h);

#endif /* HOSTS_H */
