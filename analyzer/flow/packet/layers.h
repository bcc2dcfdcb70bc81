/*
 * layers.h - what stands around the innermost IP packet of a frame: VLANs,
 * PPPoE, IP in IP, GRE (RFC 2784, 2890, 7637), ERSPAN, VXLAN (RFC 7348), Geneve
 * (RFC 8926).
 */
#ifndef LAYERS_H
#define LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "dissectors/net/link.h"

enum { LAYERS_MAX = 8 }; /* IP in IP in ...: deeper is no real network */

/* The part of a frame that is left to decode, and what was passed on the way. */
struct layers {
	const uint8_t *p;
	size_t len, wire; /* captured, on the wire */
	uint8_t version;  /* of the IP packet at p */
	uint16_t vlan[2];
	uint32_t w_outer;   /* 0 = no IP packet around this one, ... */
	uint32_t outer_src; /* ... and of whom it is, see packet.h */
	bool by_port;       /* a tunnel guessed from a port: what does not parse is not one */
	unsigned int tunnel_count;
	uint8_t tunnels[LAYERS_MAX + 2];
};

/* Behind the link layer of a frame, `h'. */
void layers_begin(struct layers *l, const struct link_header *h, const struct capture_frame *f);
/*
 * At the payload of an IP packet: is that another packet?  DISSECT_OK leaves
 * `l' at its header.
 */
enum dissect_rc layers_inner(struct layers *l, uint8_t proto);
/* "gre/ipip"; names beyond the array are left out. */
void layers_names(const struct layers *l, char *out, size_t size);

static inline void
layers_skip(struct layers *l, size_t n)
{
	l->p += n;
	l->len -= n;
	l->wire -= n <= l->wire ? n : l->wire;
}

#endif
