#include "dissectors/smtp_content.h"

#include <endian.h>
#include <string.h>

#define TEXT_MAX	998u	/* RFC 5321 4.5.3.1.6, without CRLF */

enum content_byte { BYTE_CR, BYTE_LF, BYTE_DOT, BYTE_ANY };

/* What a byte does to the message beside moving on. */
enum content_act {
	GIVE = 0,	/* it belongs to the message */
	HIDE,		/* it does not (yet) */
	CR_TOO,		/* the CR that was held back belongs to it, then this byte */
	END,		/* end of data */
	BARE_CR = 1 << 4, BARE_LF = 1 << 5, BARE_END = 1 << 6,
};

struct step {
	uint8_t	to;
	uint8_t	act;
};

/* RFC 5321 4.5.2 for CRLF lines; the last three rows only watch for what lax servers do. */
static const struct step steps[CONTENT_STATES][4] = {
	[CONTENT_TEXT] = {
		[BYTE_CR] = { CONTENT_CR, GIVE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_START] = {
		[BYTE_CR] = { CONTENT_CR, GIVE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF },
		[BYTE_DOT] = { CONTENT_DOT, HIDE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_CR] = {
		[BYTE_CR] = { CONTENT_CR, GIVE | BARE_CR }, [BYTE_LF] = { CONTENT_START, GIVE },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE | BARE_CR }, [BYTE_ANY] = { CONTENT_TEXT, GIVE | BARE_CR } },
	[CONTENT_DOT] = {
		[BYTE_CR] = { CONTENT_DOT_CR, HIDE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF | BARE_END },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_DOT_CR] = {
		[BYTE_CR] = { CONTENT_CR, CR_TOO | BARE_CR }, [BYTE_LF] = { CONTENT_START, END },
		[BYTE_DOT] = { CONTENT_TEXT, CR_TOO | BARE_CR }, [BYTE_ANY] = { CONTENT_TEXT, CR_TOO | BARE_CR } },
	[CONTENT_BARE_LF] = {
		[BYTE_CR] = { CONTENT_CR, GIVE }, [BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF },
		[BYTE_DOT] = { CONTENT_BARE_DOT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_BARE_DOT] = {
		[BYTE_CR] = { CONTENT_BARE_DOT_CR, GIVE },
		[BYTE_LF] = { CONTENT_BARE_LF, GIVE | BARE_LF | BARE_END },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE }, [BYTE_ANY] = { CONTENT_TEXT, GIVE } },
	[CONTENT_BARE_DOT_CR] = {
		[BYTE_CR] = { CONTENT_CR, GIVE | BARE_CR }, [BYTE_LF] = { CONTENT_START, GIVE | BARE_END },
		[BYTE_DOT] = { CONTENT_TEXT, GIVE | BARE_CR }, [BYTE_ANY] = { CONTENT_TEXT, GIVE | BARE_CR } },
};

void
smtp_content_begin(struct smtp_content *c, uint64_t off, bool known)
{
	*c = (struct smtp_content){ .at = known ? CONTENT_START : CONTENT_TEXT, .from = off };
}

/* What follows is not known to stand at the start of a line. */
void
smtp_content_gap(struct smtp_content *c, uint64_t missing)
{
	c->at = CONTENT_TEXT;
	c->gap = true;
	c->line = 0;
	c->bytes += missing;
}

static enum content_byte
byte_kind(uint8_t b)
{
	return b == '\r' ? BYTE_CR : b == '\n' ? BYTE_LF : b == '.' ? BYTE_DOT : BYTE_ANY;
}

static void
odd_note(struct smtp_content *c, uint8_t b, uint8_t act, uint64_t end)
{
	if (act & BARE_CR)
		c->odd |= ODD_BARE_CR;
	if (act & BARE_LF)
		c->odd |= ODD_BARE_LF;
	if (act & BARE_END) {
		c->odd |= ODD_DOT_LF;
		c->bare_end = end;
	}
	if (b == '\0')
		c->odd |= ODD_NUL;
	if (b & 0x80)
		c->odd |= ODD_8BIT;
	if (b == '\n')
		c->line = 0;
	else if (b != '\r' && ++c->line > TEXT_MAX)
		c->odd |= ODD_LONG;
}

struct giver {
	void	(*give)(void *ctx, uint64_t off, const uint8_t *p, size_t len);
	void	 *ctx;
	struct smtp_content *c;
};

static void
give(const struct giver *g, uint64_t off, const uint8_t *p, size_t len)
{
	if (len == 0)
		return;
	g->c->bytes += len;
	g->give(g->ctx, off, p, len);
}

#define BYTES(b)	(0x0101010101010101ULL * (b))
#define HAS_ZERO(v)	(((v) - BYTES(1)) & ~(v) & BYTES(0x80))

/*
 * How many bytes from p on change nothing inside a line: no CR, no LF.  Eight
 * at a time; a word with a CR, LF or NUL is left to the table.  Most of all
 * mail is such bytes, so this is where the time of a body goes.
 */
static size_t
text_run(struct smtp_content *c, const uint8_t *p, size_t len)
{
	uint64_t v, stop, high = 0;
	size_t n;

	for (n = 0; n + sizeof(v) <= len; n += sizeof(v)) {
		memcpy(&v, p + n, sizeof(v));
		v = le64toh(v);
		stop = HAS_ZERO(v) | HAS_ZERO(v ^ BYTES('\r')) | HAS_ZERO(v ^ BYTES('\n'));
		if (stop != 0) {	/* the lowest mark is exact, those above it need not be */
			unsigned int whole = (unsigned int)__builtin_ctzll(stop) / 8;

			high |= v & ~(~0ULL << (8 * whole));
			n += whole;
			break;
		}
		high |= v;
	}
	if (high & BYTES(0x80))
		c->odd |= ODD_8BIT;
	c->line += (uint32_t)n;
	if (n > 0 && c->line > TEXT_MAX)
		c->odd |= ODD_LONG;
	return n;
}

size_t
smtp_content_push(struct smtp_content *c, uint64_t off, const uint8_t *p, size_t len,
    void (*give_to)(void *ctx, uint64_t off, const uint8_t *p, size_t len), void *ctx)
{
	const struct giver g = { give_to, ctx, c };
	size_t from = 0;		/* first byte that was not given out */

	for (size_t i = 0; i < len; i++) {
		if (c->at == CONTENT_TEXT && (i += text_run(c, p + i, len - i)) == len)
			break;
		const struct step s = steps[c->at][byte_kind(p[i])];

		odd_note(c, p[i], s.act, off + i + 1);
		c->at = (enum content_at)s.to;
		switch (s.act & 0x0f) {
		case GIVE:
			continue;
		case CR_TOO:		/* "\r\n.\r" that is no end: the dot goes, the CR stays */
			give(&g, off + i - 1, (const uint8_t *)"\r", 1);
			from = i;
			continue;
		default:		/* HIDE, END */
			give(&g, off + from, p + from, i - from);
			from = i + 1;
		}
		if ((s.act & 0x0f) == END) {
			c->ended = true;
			return i + 1;
		}
	}
	give(&g, off + from, p + from, len - from);
	return len;
}
