/*
 * fuzz_decode.c - a few frames of one capture point: link type (its high bit:
 * look for copies as well, whose table costs more than all the rest), then for
 * each frame two bytes of captured length, one that says how much longer it was
 * on the wire, and its bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/packet/copies.h"
#include "flow/packet/decode.h"
#include "tests/glance_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t link_types[] = { 1, 1, 1, 1, 0, 9, 12, 14, 50, 51, 101, 104, 108, 113, 228,
	229, 276, 105, 117, 127, 149, 192, 239, 258 };

static volatile uint8_t sink;

/* Whatever is promised is there, and the promises agree with each other. */
static void
packet_check(const struct packet *k)
{
	if (k->kind != PACKET_TCP && k->kind != PACKET_ICMP)
		return;
	if (k->caplen > k->len || k->w_fragment > k->w || strlen(k->tunnel) >= sizeof(k->tunnel))
		abort();
	for (uint32_t i = 0; i < k->caplen; i++)
		sink ^= k->payload[i];
	if (k->kind != PACKET_TCP)
		return;
	if (k->header_len < 20 || k->w < k->header_len + k->len || k->sack_count > PACKET_SACKS)
		abort();
	sink ^= packet_checksum_bad(k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoder *d = decoder_new(0);
	struct copies *c = size > 0 && data[0] & 0x80 ? copies_new() : NULL;
	struct capture_frame f = { .number = 0 };
	struct decode_counters n;
	struct packet k;
	uint8_t *frame = NULL;

	if (d == NULL || size < 1)
		goto out;
	f.link_type = link_types[(data[0] & 0x7f) % (sizeof(link_types) / sizeof(link_types[0]))];
	for (data++, size--; size >= 3; data += f.caplen, size -= f.caplen) {
		f.caplen = (uint32_t)(data[0] << 8 | data[1]);
		f.len = data[2] * 16u;
		data += 3;
		size -= 3;
		if (f.caplen > size)
			f.caplen = (uint32_t)size;
		f.len += f.caplen;
		f.number++;
		f.ts_ns += 300000;
		free(frame);
		if ((frame = malloc(f.caplen + 1)) == NULL)
			goto out;
		/* at the end of its block, so that a byte too many is seen */
		memcpy(frame + 1, data, f.caplen);
		f.data = frame + 1;
		decode_frame(d, &f, &k);
		packet_check(&k);
		if (!glance_agrees(&f, &k))
			abort();
		if (c != NULL)
			copies_seen(c, &k, 0);
	}
	n = decoder_counters(d);
	if (n.fragments_orphaned + n.fragments_repeated > n.fragments)
		abort();
out:
	free(frame);
	copies_free(c);
	decoder_free(d);
	return 0;
}
