#include "tcp.h"

#include "dissectors/wire.h"

enum {
	TCP_HLEN = 20,
	TCP_HLEN_CUT = 16, /* ports, numbers, offset, flags, window */
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERMITTED = 4,
	OPT_SACK = 5,
	OPT_TIMESTAMPS = 8,
	TCP_HLEN_TIMESTAMPS = 32,
	OPTS_TIMESTAMPS = 0x0101080a,
};

static void
sack_parse(const uint8_t *p, size_t len, struct tcp_header *out)
{
	for (; len >= 8 && out->sack_count < TCP_SACKS; p += 8, len -= 8) {
		out->sack[out->sack_count][0] = be32_at(p);
		out->sack[out->sack_count][1] = be32_at(p + 4);
		out->sack_count++;
	}
}

static inline void
timestamps_parse(const uint8_t *p, struct tcp_header *out)
{
	out->has_ts = true;
	out->tsval = be32_at(p);
	out->tsecr = be32_at(p + 4);
}

/* One option with its body; a known option of a wrong length is taken as absent. */
static void
option_parse(uint8_t kind, const uint8_t *p, size_t len, struct tcp_header *out)
{
	switch (kind) {
	case OPT_MSS:
		if (len == 2)
			out->mss = be16_at(p);
		break;
	case OPT_WSCALE:
		if (len == 1)
			out->wscale = p[0];
		break;
	case OPT_SACK_PERMITTED: out->sack_permitted = true; break;
	case OPT_SACK: sack_parse(p, len, out); break;
	case OPT_TIMESTAMPS:
		if (len == 8)
			timestamps_parse(p, out);
		break;
	}
}

/* An option that does not fit is bad, unless the snap length cut it. */
static void
options_parse(const uint8_t *p, size_t len, struct tcp_header *out)
{
	size_t i = 0, n;

	while (i < len && p[i] != OPT_END) {
		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || p[i + 1] < 2 || p[i + 1] > len - i) {
			out->options_bad = !out->options_cut || (len - i >= 2 && p[i + 1] < 2);
			return;
		}
		n = p[i + 1];
		option_parse(p[i], p + i + 2, n - 2, out);
		i += n;
	}
}

void
tcp_parse_options(const uint8_t *p, size_t len, struct tcp_header *out)
{
	out->header_len = (uint8_t)((p[12] >> 4) * 4);
	out->options_bad = out->sack_permitted = out->has_ts = false;
	out->mss = 0;
	out->wscale = TCP_WSCALE_NONE;
	out->sack_count = 0;
	out->options_cut = out->header_len > len;
	if (len > out->header_len)
		len = out->header_len;
	/* RFC 7323 appendix A: all that most segments have. */
	if (len == TCP_HLEN_TIMESTAMPS && be32_at(p + TCP_HLEN) == OPTS_TIMESTAMPS)
		timestamps_parse(p + TCP_HLEN + 4, out);
	else if (len > TCP_HLEN)
		options_parse(p + TCP_HLEN, len - TCP_HLEN, out);
}

enum dissect_rc
tcp_parse(const uint8_t *p, size_t len, size_t wire, struct tcp_header *out)
{
	if (wire < TCP_HLEN)
		return DISSECT_MALFORMED;
	if (len < TCP_HLEN_CUT)
		return DISSECT_SHORT;
	out->sport = be16_at(p);
	out->dport = be16_at(p + 2);
	out->seq = be32_at(p + 4);
	out->ack = be32_at(p + 8);
	out->flags = p[13];
	out->window = be16_at(p + 14);
	tcp_parse_options(p, len, out);
	return out->header_len < TCP_HLEN || out->header_len > wire ? DISSECT_MALFORMED
								    : DISSECT_OK;
}
