/* glance_agree.h - a glance at a frame never says anything else than its decoder. */
#ifndef GLANCE_AGREE_H
#define GLANCE_AGREE_H

#include <string.h>

#include "flow/packet/decode.h"

/* What is made of a glance is the same packet; bytes that no decoder sets are the same before. */
static inline bool
glanced_is_decoded(const struct capture_frame *f, const struct glance *g)
{
	struct decoder *d = decoder_new(0);
	struct packet k[2];
	struct decode_counters n;
	bool same;

	if (d == NULL)
		return true;
	memset(k, 0xa5, sizeof(k));
	decode_frame(d, f, &k[0]);
	decode_glanced(d, f, g, &k[1]);
	n = decoder_counters(d);
	same = memcmp(&k[0], &k[1], sizeof(k[0])) == 0 && n.tcp == 2 && n.cut_frames % 2 == 0;
	decoder_free(d);
	return same;
}

/* `k' is what decode_frame() made of f. */
static inline bool
glance_agrees(const struct capture_frame *f, const struct packet *k)
{
	struct glance g;
	size_t n;

	if (!decode_glance(f, &g))
		return true;
	n = g.version == 6 ? 16 : 4;
	return k->kind == PACKET_TCP && !k->fragmented && k->src.family == g.version &&
	    k->dst.family == g.version && memcmp(k->src.b, g.src, n) == 0 &&
	    memcmp(k->dst.b, g.dst, n) == 0 && k->sport == g.sport && k->dport == g.dport &&
	    k->seq == g.seq && k->ack == g.ack && k->flags == g.flags && k->ttl == g.ttl &&
	    k->len == g.len && k->window == g.window && k->ip_id == g.ip_id && k->w == g.w &&
	    k->w_outer == g.w && k->tunnel[0] == '\0' && glanced_is_decoded(f, &g);
}

#endif /* GLANCE_AGREE_H */
