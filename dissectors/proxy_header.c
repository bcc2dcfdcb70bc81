#include "dissectors/proxy_header.h"

#include <string.h>

#include "dissectors/wire.h"

enum { V1_MAX = 107, V2_FIXED = 16 };

static const uint8_t signature[12] = { '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T',
	'\n' };

static size_t
line_length(const uint8_t *p, size_t len)
{
	static const char *const words[] = { "PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN" };
	const uint8_t *lf = memchr(p, '\n', len < V1_MAX ? len : V1_MAX);

	if (lf == NULL || lf == p || lf[-1] != '\r')
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (len >= strlen(words[i]) && memcmp(p, words[i], strlen(words[i])) == 0)
			return (size_t)(lf - p) + 1;
	return 0;
}

size_t
proxy_header_length(const uint8_t *p, size_t len)
{
	size_t n;

	if (len == 0 || (p[0] != 'P' && p[0] != '\r'))
		return 0;
	if (p[0] == 'P')
		return line_length(p, len);
	if (len < V2_FIXED || memcmp(p, signature, sizeof(signature)) != 0 || p[12] >> 4 != 2)
		return 0;
	n = V2_FIXED + (size_t)be16_at(p + 14);
	return n <= len ? n : 0;
}
