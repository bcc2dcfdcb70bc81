#include "dissectors/smtp/smtp_reply.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Up to three digits, RFC 3463 2; the length read, 0 = none or too large for us. */
static size_t
number_read(const char *p, size_t len, unsigned int max, uint8_t *out)
{
	unsigned int v = 0;
	size_t n = 0;

	while (n < len && n < 3 && is_digit(p[n]))
		v = v * 10 + (unsigned int)(p[n++] - '0');
	if (n == 0 || v > max || (n < len && is_digit(p[n])))
		return 0;
	*out = (uint8_t)v;
	return n;
}

void
smtp_enhanced_parse(const char *text, size_t len, uint8_t out[3])
{
	size_t at, n;
	uint8_t v[3];

	out[0] = out[1] = out[2] = 0;
	if (len < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.')
		return;
	v[0] = (uint8_t)(text[0] - '0');
	if ((n = number_read(text + 2, len - 2, 255, &v[1])) == 0)
		return;
	at = 2 + n;
	if (at >= len || text[at] != '.')
		return;
	if (number_read(text + at + 1, len - at - 1, 255, &v[2]) == 0)
		return;
	out[0] = v[0];
	out[1] = v[1];
	out[2] = v[2];
}

/*
 * RFC 5321 4.2: Reply-line = *( Reply-code "-" [textstring] CRLF ) Reply-code [SP textstring] CRLF
 */
enum dissect_rc
smtp_reply_parse(const char *line, size_t len, struct smtp_reply_line *out)
{
	*out = (struct smtp_reply_line){ .last = true };
	if (len < 3)
		return DISSECT_SHORT;
	if (!is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]))
		return DISSECT_NOTMINE;
	if (line[0] == '0' || (len > 3 && is_digit(line[3])))
		return DISSECT_MALFORMED;
	out->code = (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
	out->text = line + len;
	if (len == 3) /* a bare code is legal: 4.2, last paragraph */
		return DISSECT_OK;
	out->last = line[3] != '-';
	/* Some servers leave the blank out: "250OK". */
	out->text = line[3] == ' ' || line[3] == '-' || line[3] == '\t' ? line + 4 : line + 3;
	out->text_len = len - (size_t)(out->text - line);
	smtp_enhanced_parse(out->text, out->text_len, out->enhanced);
	return DISSECT_OK;
}

enum dissect_rc
smtp_reply_parse_codeless(const char *line, size_t len, struct smtp_reply_line *out)
{
	*out = (struct smtp_reply_line){ .last = true, .no_code = true };
	smtp_enhanced_parse(line, len, out->enhanced);
	if (out->enhanced[0] == 0)
		return DISSECT_NOTMINE;
	out->code = (uint16_t)(out->enhanced[0] * 100);
	out->text = line;
	out->text_len = len;
	return DISSECT_OK;
}
