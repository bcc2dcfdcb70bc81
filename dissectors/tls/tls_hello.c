/* tls_hello.c - ClientHello and ServerHello (RFC 8446 4.1.2, 4.1.3): version and server name. */
#include <string.h>

#include "dissectors/tls/tls_hello.h"
#include "dissectors/wire.h"

enum { EXT_SERVER_NAME = 0, EXT_SUPPORTED_VERSIONS = 43 };

/* RFC 8446 4.1.3: the random of a HelloRetryRequest, a ServerHello that chooses nothing yet. */
static const uint8_t retry_random[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe,
	0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
	0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };

/* GREASE values (RFC 8701) are no versions. */
static bool
is_version(uint16_t v)
{
	return v >= 0x0300 && v <= 0x0304;
}

/* RFC 6066 3: list length(2), then type(1) = host_name length(2) name. */
static void
name_parse(struct wire w, char name[TLS_NAME_MAX])
{
	const uint8_t *p;
	uint16_t len;

	wire_u16(&w);
	if (wire_u8(&w) != 0)
		return;
	len = wire_u16(&w);
	p = wire_take(&w, len);
	if (p == NULL || len >= TLS_NAME_MAX || memchr(p, '\0', len) != NULL)
		return;
	memcpy(name, p, len);
	name[len] = '\0';
}

/* RFC 8446 4.2.1: the client lists versions, the server names one. */
static void
versions_parse(struct wire w, bool client, uint16_t *version)
{
	uint16_t v;

	if (client)
		wire_u8(&w);
	for (;;) {
		v = wire_u16(&w);
		if (w.bad)
			return;
		if (is_version(v) && (!client || v > *version))
			*version = v;
	}
}

static void
extensions_parse(struct wire *w, bool client, struct tls_hello *out)
{
	uint16_t type, len;
	const uint8_t *body;

	wire_u16(w);
	for (;;) {
		type = wire_u16(w);
		len = wire_u16(w);
		body = wire_take(w, len);
		if (body == NULL)
			return;
		if (type == EXT_SERVER_NAME && client)
			name_parse(wire_init(body, len), out->name);
		else if (type == EXT_SUPPORTED_VERSIONS)
			versions_parse(wire_init(body, len), client, &out->version);
	}
}

enum dissect_rc
tls_hello_parse(const uint8_t *p, size_t len, bool client, struct tls_hello *out)
{
	struct wire w = wire_init(p, len);
	const uint8_t *random;
	uint16_t version, suite = 0;

	*out = (struct tls_hello){ 0 };
	version = wire_u16(&w);
	random = wire_take(&w, 32);
	wire_take(&w, wire_u8(&w)); /* session id */
	if (client) {
		wire_take(&w, wire_u16(&w)); /* cipher suites */
		wire_take(&w, wire_u8(&w));  /* compression methods */
	} else {
		suite = wire_u16(&w);
		wire_u8(&w);
	}
	if (w.bad || random == NULL)
		return DISSECT_SHORT;
	if (version >> 8 != 3)
		return DISSECT_MALFORMED;
	out->version = version;
	out->suite = suite;
	out->retry = !client && memcmp(random, retry_random, sizeof(retry_random)) == 0;
	extensions_parse(&w, client, out);
	return DISSECT_OK;
}
