/*
 * classify_ndpi.c - the door to nDPI.
 *
 * Only SMTP, POP3, IMAP and FTP are switched on.  That is a matter of being
 * right: with all protocols on, nDPI 4.2 takes every greeting "22x..." of 52
 * bytes for MQTT; and it is 20 times cheaper (engines.md 3).  nDPI is shown
 * synthetic IPv4 packets with the true ports, and no guess by port is asked for.
 *
 * The MW_NDPI_ macros come from cmake/ndpi.cmake.  Without them the interface
 * of 4.2 is assumed.
 */
#include "flow/classify/classify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/endian.h>

#include <ndpi_api.h>

#if !defined(MW_NDPI_INIT_PREFS) && !defined(MW_NDPI_CONFIG)
#define MW_NDPI_INIT_PREFS 1
#define MW_NDPI_BITMASK    1
#define MW_NDPI_CONFIDENCE 1
#endif

enum { NDPI_PAYLOAD = 1400, NDPI_HEADERS = 40 };

struct classify_ndpi {
	struct ndpi_flow_struct *flow;
	uint32_t pos[2];
	uint64_t clock;
};

static struct ndpi_detection_module_struct *module;
static bool module_tried;

static void
module_protocols(struct ndpi_detection_module_struct *m)
{
#if defined(MW_NDPI_BITMASK)
	NDPI_PROTOCOL_BITMASK mask;

	NDPI_BITMASK_RESET(mask);
	NDPI_BITMASK_ADD(mask, NDPI_PROTOCOL_MAIL_SMTP);
	NDPI_BITMASK_ADD(mask, NDPI_PROTOCOL_MAIL_POP);
	NDPI_BITMASK_ADD(mask, NDPI_PROTOCOL_MAIL_IMAP);
	NDPI_BITMASK_ADD(mask, NDPI_PROTOCOL_FTP_CONTROL);
	ndpi_set_protocol_detection_bitmask2(m, &mask);
#elif defined(MW_NDPI_CONFIG)
	static const char *const wanted[] = { "SMTP", "POP3", "IMAP", "FTP_CONTROL" };

	ndpi_set_config(m, "any", "enable", "0");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		ndpi_set_config(m, wanted[i], "enable", "1");
#endif
}

static struct ndpi_detection_module_struct *
module_get(void)
{
	if (module_tried)
		return module;
	module_tried = true;
#if defined(MW_NDPI_INIT_PREFS)
	module = ndpi_init_detection_module(ndpi_dont_load_tor_hosts | ndpi_dont_init_libgcrypt);
#else
	module = ndpi_init_detection_module(NULL);
#endif
	if (module == NULL)
		return NULL;
	module_protocols(module);
	ndpi_finalize_initialization(module);
	return module;
}

struct classify_ndpi *
classify_ndpi_new(void)
{
	struct classify_ndpi *n;

	if (module_get() == NULL || (n = calloc(1, sizeof(*n))) == NULL)
		return NULL;
	if ((n->flow = ndpi_flow_malloc(SIZEOF_FLOW_STRUCT)) == NULL) {
		free(n);
		return NULL;
	}
	memset(n->flow, 0, SIZEOF_FLOW_STRUCT);
	n->clock = 1;
	return n;
}

void
classify_ndpi_free(struct classify_ndpi *n)
{
	if (n == NULL)
		return;
	ndpi_free_flow_data(n->flow);
	explicit_bzero(n->flow, SIZEOF_FLOW_STRUCT);
	ndpi_flow_free(n->flow);
	free(n);
}

static size_t
ndpi_packet(struct classify_ndpi *n, uint8_t *ip, enum dissect_dir dir, const uint16_t port[2],
    const uint8_t *p, size_t len)
{
	static const uint8_t address[2][4] = { { 192, 0, 2, 1 }, { 192, 0, 2, 2 } };
	uint8_t *tcp = ip + 20;

	if (len > NDPI_PAYLOAD)
		len = NDPI_PAYLOAD;
	memset(ip, 0, NDPI_HEADERS);
	ip[0] = 0x45;
	be16enc(ip + 2, (uint16_t)(NDPI_HEADERS + len));
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, address[dir], 4);
	memcpy(ip + 16, address[!dir], 4);
	be16enc(tcp, port[dir]);
	be16enc(tcp + 2, port[!dir]);
	be32enc(tcp + 4, n->pos[dir] + 1);
	be32enc(tcp + 8, n->pos[!dir] + 1);
	tcp[12] = 5 << 4;
	tcp[13] = 0x18;
	be16enc(tcp + 14, 65535);
	memcpy(tcp + 20, p, len);
	n->pos[dir] += (uint32_t)len;
	return NDPI_HEADERS + len;
}

static struct classify_verdict
ndpi_verdict(uint16_t proto)
{
	struct classify_verdict v = { CLASSIFY_MAIL, APP_UNKNOWN, CLASS_NDPI };

	if (proto == NDPI_PROTOCOL_MAIL_SMTP)
		v.app = APP_SMTP;
	else if (proto == NDPI_PROTOCOL_MAIL_POP)
		v.app = APP_POP3;
	else if (proto == NDPI_PROTOCOL_MAIL_IMAP)
		v.app = APP_IMAP;
	else
		v.answer = proto == NDPI_PROTOCOL_UNKNOWN ? CLASSIFY_WAIT : CLASSIFY_NOT;
	return v;
}

static uint16_t
ndpi_lower(ndpi_protocol p)
{
#if defined(MW_NDPI_NESTED_RESULT)
	return p.proto.master_protocol != NDPI_PROTOCOL_UNKNOWN ? p.proto.master_protocol
								: p.proto.app_protocol;
#else
	return p.master_protocol != NDPI_PROTOCOL_UNKNOWN ? p.master_protocol : p.app_protocol;
#endif
}

struct classify_verdict
classify_ndpi_feed(struct classify_ndpi *n, enum dissect_dir dir, const uint16_t port[2],
    const uint8_t *p, size_t len)
{
	_Alignas(8) uint8_t packet[NDPI_HEADERS + NDPI_PAYLOAD];
	unsigned short size = (unsigned short)ndpi_packet(n, packet, dir, port, p, len);
	ndpi_protocol found;

	n->clock += 1000;
#if defined(MW_NDPI_INPUT_INFO)
	found = ndpi_detection_process_packet(module, n->flow, packet, size, n->clock, NULL);
#else
	found = ndpi_detection_process_packet(module, n->flow, packet, size, n->clock);
#endif
	explicit_bzero(packet, size);
#if defined(MW_NDPI_CONFIDENCE)
	if (n->flow->confidence != NDPI_CONFIDENCE_DPI)
		return (struct classify_verdict){ CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE };
#endif
	return ndpi_verdict(ndpi_lower(found));
}

/* ---- Community ID --------------------------------------------------------- */

static uint32_t
host_order(const uint8_t b[4])
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* nDPI wants IPv4 addresses and ports in host order; network order gives a plausible wrong ID. */
bool
community_id(const struct endpoint *a, const struct endpoint *b, uint8_t proto, char out[40])
{
	struct ndpi_in6_addr a6, b6;
	int rc = -1;

	errno = 0;
	if (a->ip.family == 4 && b->ip.family == 4) {
		rc = ndpi_flowv4_flow_hash(proto, host_order(a->ip.b), host_order(b->ip.b), a->port,
		    b->port, 0, 0, (u_char *)out, 40);
	} else if (a->ip.family == 6 && b->ip.family == 6) {
		memcpy(&a6, a->ip.b, 16);
		memcpy(&b6, b->ip.b, 16);
		rc = ndpi_flowv6_flow_hash(
		    proto, &a6, &b6, a->port, b->port, 0, 0, (u_char *)out, 40);
	}
	if (rc != 0)
		out[0] = '\0';
	return rc == 0 || errno != ENOMEM;
}
