/*
 * mutate_pcap.h - a libFuzzer mutator that keeps a little-endian pcap file a
 * pcap file: whole frames go, come twice, change places, wait, are cut short;
 * bytes change inside a frame.  Every fourth time, and for all other files,
 * the bytes are mutated as they are.
 */
#ifndef MUTATE_PCAP_H
#define MUTATE_PCAP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUTATE_FRAMES 512
#define MUTATE_HEADER 24u /* of the file */
#define MUTATE_RECORD 16u /* of a frame */

/* Absent in the programs that only replay. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

struct mutate {
	uint8_t *p;
	size_t size, max;
	size_t at[MUTATE_FRAMES + 1]; /* each frame, and where the last one ends */
	uint32_t count;
	uint32_t seed;
};

static uint32_t
mutate_random(struct mutate *m, uint32_t below)
{
	m->seed = m->seed * 1664525u + 1013904223u;
	return (m->seed >> 8) % (below != 0 ? below : 1);
}

static uint32_t
mutate_get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
mutate_frames(struct mutate *m)
{
	size_t at = MUTATE_HEADER;

	while (m->count < MUTATE_FRAMES && m->size - at >= MUTATE_RECORD &&
	    mutate_get(m->p + at + 8) <= m->size - at - MUTATE_RECORD) {
		m->at[m->count++] = at;
		at += MUTATE_RECORD + mutate_get(m->p + at + 8);
	}
	m->at[m->count] = at;
}

static void
mutate_remove(struct mutate *m, uint32_t i)
{
	memmove(m->p + m->at[i], m->p + m->at[i + 1], m->size - m->at[i + 1]);
	m->size -= m->at[i + 1] - m->at[i];
}

/* A copy of frame i before frame j. */
static void
mutate_copy(struct mutate *m, uint32_t i, uint32_t j)
{
	static uint8_t copy[1 << 16];
	size_t n = m->at[i + 1] - m->at[i];

	if (n > sizeof(copy) || n > m->max - m->size)
		return;
	memcpy(copy, m->p + m->at[i], n);
	memmove(m->p + m->at[j] + n, m->p + m->at[j], m->size - m->at[j]);
	memcpy(m->p + m->at[j], copy, n);
	m->size += n;
}

/* From frame i on everything is later (or earlier) by a time of some size. */
static void
mutate_wait(struct mutate *m, uint32_t i)
{
	static const uint32_t seconds[] = { 0, 1, 3, 31, 61, 301, 601, (uint32_t)-1 };
	uint32_t s = seconds[mutate_random(m, 8)], us = mutate_random(m, 1000000);

	for (; i < m->count; i++) {
		uint32_t sum = mutate_get(m->p + m->at[i] + 4) + us;
		uint32_t sec = mutate_get(m->p + m->at[i]) + s + sum / 1000000;

		sum %= 1000000;
		memcpy(m->p + m->at[i], &sec, sizeof(sec));
		memcpy(m->p + m->at[i] + 4, &sum, sizeof(sum));
	}
}

static void
mutate_cut(struct mutate *m, uint32_t i)
{
	uint32_t n = mutate_get(m->p + m->at[i] + 8), keep = mutate_random(m, n + 1);
	size_t end = m->at[i + 1];

	memcpy(m->p + m->at[i] + 8, &keep, sizeof(keep));
	memmove(m->p + end - (n - keep), m->p + end, m->size - end);
	m->size -= n - keep;
}

static void
mutate_bytes(struct mutate *m, uint32_t i)
{
	uint32_t n = mutate_get(m->p + m->at[i] + 8);
	uint32_t from = n > 0 ? mutate_random(m, n) : 0, len = n - from;

	if (len > 64)
		len = 1 + mutate_random(m, 64);
	if (len > 0) /* what it leaves out stays as it was */
		LLVMFuzzerMutate(m->p + m->at[i] + MUTATE_RECORD + from, len, len);
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct mutate m = { .p = data, .size = size, .max = max, .seed = seed };
	uint32_t i;

	if (size > MUTATE_HEADER && mutate_get(data) == 0xa1b2c3d4)
		mutate_frames(&m);
	if (m.count == 0 || mutate_random(&m, 4) == 0)
		return LLVMFuzzerMutate(data, size, max);
	i = mutate_random(&m, m.count);
	switch (mutate_random(&m, 8)) {
	case 0: mutate_remove(&m, i); break;
	case 1: mutate_copy(&m, i, mutate_random(&m, m.count + 1)); break;
	case 2: /* a place further */
		if (i + 1 < m.count) {
			mutate_copy(&m, i + 1, i);
			m.count = 0;
			mutate_frames(&m);
			mutate_remove(&m, i + 2 < m.count ? i + 2 : i);
		}
		break;
	case 3: mutate_wait(&m, i); break;
	case 4: mutate_cut(&m, i); break;
	default: mutate_bytes(&m, i);
	}
	return m.size;
}

#endif /* MUTATE_PCAP_H */
