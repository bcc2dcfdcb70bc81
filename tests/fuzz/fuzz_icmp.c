/* fuzz_icmp.c - the pure header parsers: the first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "dissectors/net/icmp.h"
#include "dissectors/net/ip.h"
#include "dissectors/net/link.h"
#include "dissectors/net/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
icmp_check(uint8_t version, const uint8_t *p, size_t len)
{
	struct icmp_message m;
	size_t n;

	if (icmp_parse(version, p, len, &m) != DISSECT_OK || !m.error || m.quote.src == NULL)
		return;
	n = m.quote.version == 6 ? 16 : 4;
	if (m.quote.src < p || m.quote.dst + n > p + len)
		abort();
	if (m.quote.has_flags && !m.quote.has_seq)
		abort();
}

static void
headers_check(uint8_t which, const uint8_t *p, size_t len)
{
	struct link_header l;
	struct tcp_header t;
	struct ip_header ip;

	if (ip_parse(p, len, len, &ip) == DISSECT_OK && ip.header_len > len)
		abort();
	if (tcp_parse(p, len, len, &t) == DISSECT_OK && (t.header_len > len || t.options_cut))
		abort();
	if (link_parse(which, p, len, &l) == DISSECT_OK && l.off > len)
		abort();
	if (link_ppp_parse(p, len, &l) == DISSECT_OK && l.off > len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	icmp_check(data[0] & 1 ? 6 : 4, data + 1, size - 1);
	headers_check(data[0], data + 1, size - 1);
	return 0;
}
