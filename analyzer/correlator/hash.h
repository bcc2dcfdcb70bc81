/* hash.h - FNV-1a, 64 bits: stable across runs and machines, for ids and tables. */
#ifndef CORRELATOR_HASH_H
#define CORRELATOR_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED	UINT64_C(14695981039346656037)

static inline uint64_t
hash_bytes(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * UINT64_C(1099511628211);
	return h;
}

static inline uint64_t
hash_u64(uint64_t h, uint64_t x)
{
	for (int i = 0; i < 8; i++, x >>= 8)		/* byte order of the machine does not matter */
		h = (h ^ (x & 0xff)) * UINT64_C(1099511628211);
	return h;
}

#endif /* CORRELATOR_HASH_H */
