#include "dissectors/message/content_md5.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/text/base64.h"
#include "dissectors/text/digest.h"

#define BLANKS_MAX 998 /* a line of them (RFC 5322 2.1.1) */

enum quoted { QUOTED_TEXT, QUOTED_EQUAL, QUOTED_DIGIT, QUOTED_SOFT, QUOTED_SOFT_CR };

/* One reading of the line ends. */
struct reading {
	struct digest *digest;
	size_t n;
	uint8_t out[512];
};

struct content_md5 {
	enum content_coding coding;
	uint8_t want[16];
	struct reading as_is, lf;
	uint8_t held[2]; /* a line end, which may be the last */
	size_t held_len;
	struct base64 base64;
	enum quoted quoted;
	uint8_t high;  /* "=4": its first digit */
	size_t blanks; /* that may be the line's last: RFC 2045 6.7 (3) */
	uint8_t blank[BLANKS_MAX];
	bool broken;
};

/* ---- the content ------------------------------------------------------------------- */

static void
reading_flush(struct reading *r)
{
	digest_update(r->digest, r->out, r->n);
	r->n = 0;
}

static void
reading_put(struct reading *r, uint8_t c)
{
	r->out[r->n++] = c;
	if (r->n == sizeof(r->out))
		reading_flush(r);
}

static void
held_release(struct content_md5 *m)
{
	for (size_t i = 0; i < m->held_len; i++)
		reading_put(&m->as_is, m->held[i]);
	if (m->held_len > 0)
		reading_put(&m->lf, m->held[m->held_len - 1]);
	m->held_len = 0;
}

static void
content_byte(struct content_md5 *m, uint8_t c)
{
	if (c == '\n' && m->held_len == 1 && m->held[0] == '\r') {
		m->held[m->held_len++] = c;
		return;
	}
	held_release(m);
	if (c == '\r' || c == '\n') {
		m->held[m->held_len++] = c;
		return;
	}
	reading_put(&m->as_is, c);
	reading_put(&m->lf, c);
}

/* ---- transfer encodings ---------------------------------------------------------------- */

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
quoted_text(struct content_md5 *m, uint8_t c)
{
	if (c == ' ' || c == '\t') {
		m->broken |= m->blanks == BLANKS_MAX;
		if (!m->broken)
			m->blank[m->blanks++] = c;
		return;
	}
	if (c == '\r' || c == '\n')
		m->blanks = 0;
	for (size_t i = 0; i < m->blanks; i++)
		content_byte(m, m->blank[i]);
	m->blanks = 0;
	if (c == '=')
		m->quoted = QUOTED_EQUAL;
	else
		content_byte(m, c);
}

/* Behind an "=". */
static void
quoted_escape(struct content_md5 *m, uint8_t c)
{
	switch (m->quoted) {
	case QUOTED_DIGIT:
		m->broken |= hex(c) < 0;
		if (!m->broken)
			content_byte(m, (uint8_t)(m->high << 4 | hex(c)));
		m->quoted = QUOTED_TEXT;
		break;
	case QUOTED_SOFT_CR:
		m->broken |= c != '\n';
		m->quoted = QUOTED_TEXT;
		break;
	default:
		if (m->quoted == QUOTED_EQUAL && hex(c) >= 0) {
			m->high = (uint8_t)hex(c);
			m->quoted = QUOTED_DIGIT;
			break;
		}
		m->broken |= c != '\r' && c != '\n' && c != ' ' && c != '\t';
		m->quoted = c == '\n' ? QUOTED_TEXT : c == '\r' ? QUOTED_SOFT_CR : QUOTED_SOFT;
	}
}

void
content_md5_push(struct content_md5 *m, const uint8_t *p, size_t len)
{
	uint8_t decoded[512];
	size_t n, some;

	for (; len > 0 && !m->broken; p += some, len -= some) {
		some = len < sizeof(decoded) ? len : sizeof(decoded);
		switch (m->coding) {
		case CODING_BASE64:
			n = base64_decode_some(&m->base64, p, some, decoded);
			for (size_t i = 0; i < n; i++)
				content_byte(m, decoded[i]);
			break;
		case CODING_QUOTED:
			for (size_t i = 0; i < some && !m->broken; i++)
				(m->quoted == QUOTED_TEXT ? quoted_text : quoted_escape)(m, p[i]);
			break;
		default:
			for (size_t i = 0; i < some; i++)
				content_byte(m, p[i]);
		}
	}
}

/* ---- the end --------------------------------------------------------------------------- */

static bool
readings_hold(struct content_md5 *m)
{
	uint8_t a[DIGEST_MAX], b[DIGEST_MAX];

	reading_flush(&m->as_is);
	reading_flush(&m->lf);
	digest_value(m->as_is.digest, a);
	digest_value(m->lf.digest, b);
	return memcmp(a, m->want, sizeof(m->want)) == 0 || memcmp(b, m->want, sizeof(m->want)) == 0;
}

enum content_md5_says
content_md5_end(struct content_md5 *m)
{
	if (m->broken || m->quoted == QUOTED_EQUAL || m->quoted == QUOTED_DIGIT)
		return MD5_UNKNOWN;
	if (readings_hold(m))
		return MD5_RIGHT;
	held_release(m);
	return readings_hold(m) ? MD5_RIGHT : MD5_WRONG;
}

struct content_md5 *
content_md5_new(const char *value, enum content_coding coding, bool *starved)
{
	struct content_md5 *m;
	uint8_t want[sizeof(m->want)];

	if (coding == CODING_OTHER || !base64_value_of(value, want, sizeof(want)))
		return NULL;
	m = calloc(1, sizeof(*m));
	if (m != NULL) {
		m->coding = coding;
		memcpy(m->want, want, sizeof(want));
		m->as_is.digest = digest_new(DIGEST_MD5);
		m->lf.digest = digest_new(DIGEST_MD5);
		if (m->as_is.digest != NULL && m->lf.digest != NULL)
			return m;
	}
	*starved = true;
	content_md5_free(m);
	return NULL;
}

void
content_md5_free(struct content_md5 *m)
{
	if (m == NULL)
		return;
	digest_free(m->as_is.digest);
	digest_free(m->lf.digest);
	free(m);
}
