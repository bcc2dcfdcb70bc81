/* addr.c - addresses, endpoints and ids. */
#include "record/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int
addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

char *
addr_format(const struct addr *a, char *buf, size_t size)
{
	int af = a->family == 6 ? AF_INET6 : AF_INET;

	if (size == 0)
		return buf;
	buf[0] = '\0';
	if (a->family != 4 && a->family != 6)
		return buf;
	if (inet_ntop(af, a->b, buf, (socklen_t)size) == NULL)
		buf[0] = '\0';
	return buf;
}

int
addr_parse(struct addr *out, const char *text)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, out->b) == 1)
		out->family = 4;
	else if (inet_pton(AF_INET6, text, out->b) == 1)
		out->family = 6;
	else {
		memset(out, 0, sizeof(*out));
		return -1;
	}
	return 0;
}

int
endpoint_compare(const struct endpoint *a, const struct endpoint *b)
{
	int c = addr_compare(&a->ip, &b->ip);

	if (c != 0)
		return c;
	return (a->port > b->port) - (a->port < b->port);
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare(a, b) == 0;
}

char *
endpoint_format(const struct endpoint *e, char *buf, size_t size)
{
	char ip[ADDR_TEXT];

	addr_format(&e->ip, ip, sizeof(ip));
	if (e->ip.family == 0 && e->port != 0)
		snprintf(buf, size, "*:%u", e->port);
	else if (e->port == 0)
		snprintf(buf, size, "%s", ip);
	else
		snprintf(buf, size, e->ip.family == 6 ? "[%s]:%u" : "%s:%u", ip, e->port);
	return buf;
}

uint64_t
id_bytes(uint64_t h, const void *src, size_t len)
{
	const uint8_t *p = src;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

/* Byte by byte, so that the id does not depend on the machine's order. */
uint64_t
id_number(uint64_t h, uint64_t v)
{
	for (int i = 0; i < 8; i++, v >>= 8)
		h = (h ^ (v & 0xff)) * 0x100000001b3ULL;
	return h;
}

uint64_t
id_addr(uint64_t h, const struct addr *a)
{
	h = id_bytes(h, &a->family, 1);
	return id_bytes(h, a->b, a->family == 4 ? 4 : 16);
}

uint64_t
id_endpoint(uint64_t h, const struct endpoint *e)
{
	return id_number(id_addr(h, &e->ip), e->port);
}

/* Final mix of MurmurHash3 (Appleby): FNV alone leaves the high bits poor. */
uint64_t
id_end(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	return h != 0 ? h : 1;
}

char *
id_format(uint64_t id, char buf[ID_TEXT])
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 15; i >= 0; i--, id >>= 4)
		buf[i] = hex[id & 0xf];
	buf[16] = '\0';
	return buf;
}

int
id_parse(uint64_t *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const char *d;
	uint64_t v = 0;
	int i;

	for (i = 0; i < 16 && text[i] != '\0'; i++) {
		if ((d = strchr(hex, text[i])) == NULL)
			return -1;
		v = v << 4 | (uint64_t)(d - hex);
	}
	if (i != 16 || text[16] != '\0')
		return -1;
	*out = v;
	return 0;
}
