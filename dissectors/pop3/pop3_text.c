/* pop3_text.c - multi-line answers: find the dot, undo the doubled ones. */
#include <string.h>
#include <strings.h>

#include "dissectors/pop3/pop3_text.h"

enum head {
	HEAD_MORE,   /* undecided: needs another byte */
	HEAD_TEXT,   /* an ordinary line starts so */
	HEAD_END,    /* "." and its line end */
	HEAD_DOT_LF, /* ".\n" where CRLF is the rule: text */
	HEAD_STATUS,
};

static bool
head_is(const struct pop3_text *t, const char *word, size_t n)
{
	return strncasecmp((const char *)t->head, word, n) == 0;
}

static enum head
head_dot(const struct pop3_text *t)
{
	if (t->head_len == 1)
		return HEAD_MORE;
	if (t->head[1] == '\n')
		return t->lf_ends ? HEAD_END : HEAD_DOT_LF;
	if (t->head[1] != '\r')
		return HEAD_TEXT;
	if (t->head_len == 2)
		return HEAD_MORE;
	return t->head[2] == '\n' ? HEAD_END : HEAD_TEXT;
}

static enum head
head_judge(const struct pop3_text *t)
{
	size_t n = t->head_len;

	if (t->head[0] == '.')
		return head_dot(t);
	if (!t->watch || (t->head[0] != '+' && t->head[0] != '-'))
		return HEAD_TEXT;
	if (t->head[0] == '+') {
		if (!head_is(t, "+OK", n < 3 ? n : 3))
			return HEAD_TEXT;
		return n < 3 ? HEAD_MORE : HEAD_STATUS;
	}
	if (!head_is(t, "-ERR", n))
		return HEAD_TEXT;
	return n < 4 ? HEAD_MORE : HEAD_STATUS;
}

/* The held start of a line becomes text; its dot is transparency (RFC 1939 3). */
static enum pop3_text_rc
head_release(struct pop3_text *t, bool dot, const uint8_t **piece, size_t *piece_len)
{
	size_t skip = t->head[0] == '.' ? 1 : 0;
	uint8_t last = t->head[t->head_len - 1];

	*piece = t->head + skip;
	*piece_len = t->head_len - skip;
	if (last == '\n' && (t->head_len < 2 || t->head[t->head_len - 2] != '\r'))
		t->bare_lf = true;
	t->inside = last != '\n';
	t->dot_last = dot;
	t->last = last;
	t->head_len = 0;
	return *piece_len > 0 ? POP3_TEXT_PIECE : POP3_TEXT_MORE;
}

/* Takes one byte of a line's start. */
static enum head
head_take(struct pop3_text *t, const uint8_t **p, size_t *len)
{
	t->head[t->head_len++] = **p;
	(*p)++;
	(*len)--;
	return head_judge(t);
}

/*
 * Text from *p on up to the next line that needs a closer look.  `inside' is
 * true on entry; lines that start with neither dot nor status go by in one piece.
 */
static void
text_run(struct pop3_text *t, const uint8_t **p, size_t *len)
{
	const uint8_t *q = *p, *end = q + *len, *lf;

	for (;;) {
		lf = memchr(q, '\n', (size_t)(end - q));
		if (lf == NULL) {
			q = end;
			break;
		}
		if ((lf > *p ? lf[-1] : t->last) != '\r')
			t->bare_lf = true;
		q = lf + 1;
		if (q == end || *q == '.' || (t->watch && (*q == '+' || *q == '-'))) {
			t->inside = false;
			break;
		}
	}
	t->last = q[-1];
	*len = (size_t)(end - q);
	*p = q;
}

enum pop3_text_rc
pop3_text_next(
    struct pop3_text *t, const uint8_t **p, size_t *len, const uint8_t **piece, size_t *piece_len)
{
	while (*len > 0 && !t->inside) {
		enum head head = head_take(t, p, len);

		switch (head) {
		case HEAD_MORE: break;
		case HEAD_END: t->head_len = 0; return POP3_TEXT_END;
		case HEAD_STATUS: return POP3_TEXT_STATUS;
		case HEAD_DOT_LF:
			t->dot_lf = true;
			/* FALLTHROUGH */
		case HEAD_TEXT:
			if (head_release(t, head == HEAD_DOT_LF, piece, piece_len) ==
			    POP3_TEXT_PIECE)
				return POP3_TEXT_PIECE;
			break;
		}
	}
	if (*len == 0)
		return POP3_TEXT_MORE;
	*piece = *p;
	t->dot_last = false;
	text_run(t, p, len);
	*piece_len = (size_t)(*p - *piece);
	return POP3_TEXT_PIECE;
}

void
pop3_text_gap(struct pop3_text *t)
{
	t->head_len = 0;
	t->inside = true;
	t->dot_last = false;
	t->last = 0;
}
