/*
 * frame_build.h - frames for tests, made from the inside out: payload first,
 * then each header in front of what is there.
 */
#ifndef FRAME_BUILD_H
#define FRAME_BUILD_H

#include <stdint.h>
#include <string.h>

enum { BUILD_MAX = 70000 };

struct build {
	uint8_t room[BUILD_MAX];
	uint8_t *p;
	size_t len;
};

static inline void
build_start(struct build *b, size_t payload)
{
	b->len = payload;
	b->p = b->room + BUILD_MAX - payload;
	for (size_t i = 0; i < payload; i++)
		b->p[i] = (uint8_t)('a' + i % 26);
}

static inline uint8_t *
build_push(struct build *b, size_t n)
{
	b->p -= n;
	b->len += n;
	memset(b->p, 0, n);
	return b->p;
}

static inline void
build_u16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
build_u32(uint8_t *p, uint32_t v)
{
	build_u16(p, v >> 16);
	build_u16(p + 2, v & 0xffff);
}

/* "0800 45": hex digits, blanks between them; returns the number of bytes. */
static inline size_t
build_hex(const char *hex, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int half;
	size_t n = 0;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		half = (unsigned int)(strchr(digits, *hex) - digits);
		out[n / 2] = (uint8_t)(n % 2 == 0 ? half << 4 : out[n / 2] | half);
		n++;
	}
	return n / 2;
}

static inline void
build_push_hex(struct build *b, const char *hex)
{
	uint8_t bytes[256];
	size_t n = build_hex(hex, bytes);

	memcpy(build_push(b, n), bytes, n);
}

/* 40000 > 25, seq 0x01020304, ack 0x05060708, ACK PSH, window 501. */
static inline void
build_tcp(struct build *b, const char *options)
{
	uint8_t opt[64], *p;
	size_t n = build_hex(options, opt);

	memcpy(build_push(b, n), opt, n);
	p = build_push(b, 20);
	build_u16(p, 40000);
	build_u16(p + 2, 25);
	build_u32(p + 4, 0x01020304);
	build_u32(p + 8, 0x05060708);
	p[12] = (uint8_t)((20 + n) / 4 << 4);
	p[13] = 0x18;
	build_u16(p + 14, 501);
}

/* 192.0.2.10 > 198.51.100.25, TTL 64, id 0x1234, DF. */
static inline uint8_t *
build_ip4(struct build *b, uint8_t proto)
{
	uint8_t *p;
	size_t total = b->len + 20;

	p = build_push(b, 20);
	p[0] = 0x45;
	build_u16(p + 2, (unsigned int)total);
	build_u16(p + 4, 0x1234);
	build_u16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = proto;
	build_u32(p + 12, 0xc000020a);
	build_u32(p + 16, 0xc6336419);
	return p;
}

/* 2001:db8::a > 2001:db8:25::19, hop limit 60. */
static inline uint8_t *
build_ip6(struct build *b, uint8_t next)
{
	size_t plen = b->len;
	uint8_t *p = build_push(b, 40);

	p[0] = 0x60;
	build_u16(p + 4, (unsigned int)plen);
	p[6] = next;
	p[7] = 60;
	build_u32(p + 8, 0x20010db8);
	p[23] = 0x0a;
	build_u32(p + 24, 0x20010db8);
	p[29] = 0x25;
	p[39] = 0x19;
	return p;
}

static inline void
build_udp(struct build *b, unsigned int dport)
{
	size_t n = b->len + 8;
	uint8_t *p = build_push(b, 8);

	build_u16(p, 51000);
	build_u16(p + 2, dport);
	build_u16(p + 4, (unsigned int)n);
}

static inline void
build_ethernet(struct build *b, unsigned int type)
{
	uint8_t *p = build_push(b, 14);

	memset(p, 2, 12);
	build_u16(p + 12, type);
}

#endif /* FRAME_BUILD_H */
