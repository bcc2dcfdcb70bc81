/*
 * hash.h - the keyed hash of flow/'s own tables.  The key is drawn at start, so
 * that nobody outside can aim at a bucket; nothing printed depends on it.
 */
#ifndef HASH_H
#define HASH_H

#include <stdint.h>
#include <string.h>

struct hash_key {
	uint64_t k[2];
};

/* 64x64 -> 128 bit multiply, folded (as in wyhash). */
static inline uint64_t
hash_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide m = (wide)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t
hash_pair(const struct hash_key *key, uint64_t a, uint64_t b)
{
	return hash_mix(a ^ key->k[0], b ^ key->k[1]);
}

static inline uint64_t
hash_16(const struct hash_key *key, const uint8_t b[16])
{
	uint64_t v[2];

	memcpy(v, b, sizeof(v));
	return hash_pair(key, v[0], v[1]);
}

#endif /* HASH_H */
