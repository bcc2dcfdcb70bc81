/* pop3_capa.c - the list of a CAPA answer (RFC 2449 5). */
#include <string.h>
#include <strings.h>

#include "mail/mail_pop3.h"
#include "record/text.h"

/* USER, or SASL and a mechanism: without one it offers none (RFC 5034 4; Dovecot before STLS). */
static bool
offers_login(const char *p, size_t len)
{
	if (len < 4 || strncasecmp(p, "SASL", 4) != 0)
		return len >= 4 && strncasecmp(p, "USER", 4) == 0;
	while (len > 4 && p[len - 1] == ' ')
		len--;
	return len > 4;
}

/* CAPA: the keywords with their arguments, blank separated (RFC 2449 5). */
void
pop3_capabilities_set(struct mail_flow *f, const struct dissect_event *ev)
{
	struct record_session *ss = f->session;
	char list[RECORD_WORDS] = "";
	const char *lf = memchr(ev->line, '\n', ev->line_len);
	const char *p = lf != NULL ? lf + 1 : ev->line + ev->line_len;

	for (; p < ev->line + ev->line_len; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(ev->line + ev->line_len - p));
		if (lf == NULL)
			lf = ev->line + ev->line_len;
		if (lf - p >= 4 && strncasecmp(p, "STLS", 4) == 0)
			ss->starttls_offered = true;
		ss->auth_offered |= offers_login(p, (size_t)(lf - p));
		text_words_add(list, sizeof(list), p, (size_t)(lf - p));
	}
	mail_text_own(f, &ss->capabilities, sizeof(list), list, strlen(list));
}
