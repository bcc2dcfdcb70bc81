/*
 * decode.h - frames to packets: link layers, VLANs, tunnels, IP, fragments,
 * TCP and ICMP, down to the innermost IP packet.
 *
 * One struct decoder per capture point: it holds the bounded table of
 * fragments and the counters.  decode_frame() sets only the fields that its
 * answer has (clearing 400 bytes for each frame would cost as much as parsing):
 *
 *	every kind		kind, at, point
 *	UNDECODABLE, OTHER	nothing more
 *	FRAGMENT, TCP, ICMP	src to tunnel (all that stands before `TCP')
 *	TCP			the TCP block; sack[] up to sack_count; tsval and
 *				tsecr when has_ts; bad_checksum is always false:
 *				ask packet_checksum_bad() where it matters
 *	ICMP			payload, len, caplen = the whole ICMP message;
 *				icmp_type, icmp_code, icmp_error, and when that
 *				is true every field below it.  quoted_src.family
 *				is 0 when not even the addresses were quoted.
 *
 * A TCP packet cut by the snap length is delivered when its first 16 bytes
 * are there (ports to window; a window taken for 0 would be a lie), with
 * options_cut when options may be missing.
 */
#ifndef DECODE_H
#define DECODE_H

#include "capture/capture.h"
#include "capture/linktype.h"
#include "dissectors/net/glance.h"
#include "flow/packet/packet.h"

struct decode_counters {
	uint64_t tcp, icmp, other;
	uint64_t undecodable;        /* headers cut or impossible */
	uint64_t cut_frames;         /* captured length < length on the wire */
	uint32_t cut_at;             /* largest captured length of a cut frame */
	uint64_t fragments;          /* all fragments seen, of any protocol */
	uint64_t fragments_orphaned; /* of them, never part of a whole datagram */
	uint64_t fragments_repeated; /* of them, seen before (copies) */
	uint64_t datagrams;          /* whole ones made of fragments */
	uint64_t fragment_caps;      /* trains dropped because a bound was hit */
	uint64_t too_deep;           /* tunnels nested beyond the bound */
};

struct decoder;

struct decoder *decoder_new(uint32_t point);
void decoder_free(struct decoder *d);

/*
 * out->payload is borrowed from the frame, or from the decoder when the
 * packet came in fragments: valid until the next call.
 */
enum packet_kind decode_frame(struct decoder *d, const struct capture_frame *f, struct packet *out);

/*
 * A look at a frame that is not decoded yet; true: decode_frame() would answer
 * PACKET_TCP, with these fields.  What it would answer in all, decode_glanced()
 * fills in from there; a frame that is not decoded then is counted.
 */
static inline bool
decode_glance(const struct capture_frame *f, struct glance *out)
{
	return f->link_type == LINKTYPE_ETHERNET && glance_ethernet(f->data, f->caplen, out);
}
void decode_glanced(
    struct decoder *d, const struct capture_frame *f, const struct glance *g, struct packet *out);
void decoder_count_tcp(struct decoder *d, const struct capture_frame *f);

/* Fragments still waiting for their train count as orphaned. */
struct decode_counters decoder_counters(const struct decoder *d);

/* A TCP packet that was captured whole and whose checksum is wrong (RFC 9293 3.1). */
bool packet_checksum_bad(const struct packet *p);

#endif /* DECODE_H */
