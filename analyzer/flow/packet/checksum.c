#include <endian.h>
#include <string.h>

#include "dissectors/net/ip.h"
#include "flow/packet/decode.h"

/*
 * Any sum of the right words in the machine's own byte order will do (RFC 1071
 * 2): right is 0xffff in both.  Here words are of 32 bits as long as there are.
 */
static inline uint64_t
sum_words(uint64_t sum, const uint8_t *p, size_t len)
{
	uint32_t word;
	uint16_t half;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len >= sizeof(half)) {
		memcpy(&half, p, sizeof(half));
		sum += half;
		p += sizeof(half);
	}
	return (len & 1) != 0 ? sum + le16toh(*p) : sum;
}

/*
 * The same for whole mails: two words in a lane.  The lanes are summed without
 * the carries out of them, their upper words again with carries; both words'
 * sums follow from these.
 */
typedef uint64_t lanes __attribute__((vector_size(16)));

static inline void
lanes_add(lanes *both, lanes *upper, const uint8_t *p)
{
	lanes v;

	memcpy(&v, p, sizeof(v));
	*both += v;
	*upper += v >> 32;
}

static uint64_t
sum_lanes(uint64_t sum, const uint8_t *p, size_t len)
{
	lanes both = { 0, 0 }, upper = { 0, 0 };

	for (; len >= 4 * sizeof(both); p += 4 * sizeof(both), len -= 4 * sizeof(both)) {
		lanes_add(&both, &upper, p);
		lanes_add(&both, &upper, p + sizeof(both));
		lanes_add(&both, &upper, p + 2 * sizeof(both));
		lanes_add(&both, &upper, p + 3 * sizeof(both));
	}
	for (; len >= sizeof(both); p += sizeof(both), len -= sizeof(both))
		lanes_add(&both, &upper, p);
	both += upper - (upper << 32);
	return sum_words(sum + both[0] + both[1], p, len);
}

/* RFC 9293 3.1, pseudo headers of RFC 793 and RFC 8200 8.1. */
bool
packet_checksum_bad(const struct packet *p)
{
	uint32_t len = p->header_len + p->len;
	uint64_t sum;

	if (p->kind != PACKET_TCP || p->cut || p->options_cut || p->caplen != p->len)
		return false;
	sum = (uint64_t)htobe16(PROTO_TCP) + htobe32(len);
	sum = sum_words(sum, p->src.b, sizeof(p->src.b)); /* zeros behind an IPv4 address */
	sum = sum_words(sum, p->dst.b, sizeof(p->dst.b));
	sum = sum_lanes(sum, p->payload - p->header_len, len);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum != 0xffff;
}
