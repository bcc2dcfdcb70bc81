/* smtp_ehlo.c - the list of an EHLO reply (RFC 5321 4.1.1.1). */
#include <string.h>
#include <strings.h>

#include "mail/mail_smtp.h"
#include "record/text.h"

static size_t
keyword_length(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] != ' ' && p[n] != '=' && p[n] != '\t')
		n++;
	return n;
}

static bool
keyword_is(const char *p, size_t len, const char *word)
{
	return keyword_length(p, len) == strlen(word) && strncasecmp(p, word, strlen(word)) == 0;
}

/* Middleboxes write X over keywords: "XXXXXXXA" (diagnosis 0.7). */
static bool
keyword_masked(const char *p, size_t len)
{
	size_t n = keyword_length(p, len), x = 0;

	while (x < n && p[x] == 'X')
		x++;
	return (x == n && n >= 4) || (x + 1 == n && x >= 3 && p[x] >= 'A' && p[x] <= 'Z');
}

struct offers {
	char capabilities[RECORD_WORDS], masked[RECORD_LINE];
};

static void
line_note(struct record_session *s, struct offers *o, const char *p, size_t len)
{
	text_words_add(o->capabilities, sizeof(o->capabilities), p, len);
	s->auth_offered |= keyword_is(p, len, "AUTH");
	s->starttls_offered |= keyword_is(p, len, "STARTTLS");
	if (keyword_masked(p, len))
		text_words_add(o->masked, sizeof(o->masked), p, keyword_length(p, len));
}

/* The first line is the server's name; each other one is a capability. */
void
smtp_ehlo_note(struct mail_flow *f, const char *text, size_t len)
{
	const char *lf, *end = text + len;
	struct offers o;

	o.capabilities[0] = o.masked[0] = '\0';
	while (text < end && (lf = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text = lf + 1;
		lf = memchr(text, '\n', (size_t)(end - text));
		if ((lf != NULL ? lf : end) > text)
			line_note(f->session, &o, text, (size_t)((lf != NULL ? lf : end) - text));
	}
	mail_text_own(f, &f->session->capabilities, sizeof(o.capabilities), o.capabilities,
	    strlen(o.capabilities));
	mail_text_own(
	    f, &f->session->masked_keywords, sizeof(o.masked), o.masked, strlen(o.masked));
}
