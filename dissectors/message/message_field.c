/*
 * message_field.c - the fields of headers: names, values, and what of them a
 * message or a part is known by (RFC 5322 2.2, RFC 2045 3).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dissectors/message/message_impl.h"
#include "dissectors/message/mime_param.h"

static void
text_set(char *out, size_t size, const char *p)
{
	size_t n = strlen(p);

	if (n >= size)
		n = size - 1;
	memcpy(out, p, n);
	out[n] = '\0';
}

/* RFC 2231 3: sections come in order in practice; they are strung together. */
static void
name_param(char *out, size_t size, const struct mime_param *p)
{
	size_t have = p->section > 0 ? strlen(out) : 0;

	if (have + 1 < size)
		text_set(out + have, size - have, p->value);
}

static void
content_type_field(struct message *m)
{
	struct mime_value v = mime_value_start(m->r->value, m->now.type, sizeof(m->now.type));
	struct mime_param p;

	m->r->boundary[0] = '\0';
	while (mime_param_next(&v, &p)) {
		if (strcmp(p.name, "boundary") == 0 && !p.cut && strlen(p.value) <= BOUNDARY_MAX)
			text_set(m->r->boundary, sizeof(m->r->boundary), p.value);
		else if (strcmp(p.name, "name") == 0 && m->now.name[0] == '\0')
			name_param(m->now.name, sizeof(m->now.name), &p);
	}
}

static void
disposition_field(struct message *m)
{
	char kind[16];
	struct mime_value v = mime_value_start(m->r->value, kind, sizeof(kind));
	struct mime_param p;

	while (mime_param_next(&v, &p))
		if (strcmp(p.name, "filename") == 0)
			name_param(m->now.name, sizeof(m->now.name), &p);
}

/* Fields that any part may have (RFC 2045 3). */
static bool
part_field(struct message *m)
{
	if (strcasecmp(m->r->name, "Content-Type") == 0)
		content_type_field(m);
	else if (strcasecmp(m->r->name, "Content-Disposition") == 0)
		disposition_field(m);
	else if (strcasecmp(m->r->name, "Content-Transfer-Encoding") == 0)
		mime_value_start(m->r->value, m->now.encoding, sizeof(m->now.encoding));
	else
		return false;
	return true;
}

/* RFC 5321 4.4: "from" name "by" name ...; comments in between are passed over as words. */
static void
received_field(struct message_facts *f, const char *value)
{
	const char *p = value;

	if (f->received++ > 0)
		return;
	while ((p = strcasestr(p, "by")) != NULL)
		if ((p == value || p[-1] == ' ' || p[-1] == '\t') && (p[2] == ' ' || p[2] == '\t'))
			break;
		else
			p += 2;
	if (p == NULL)
		return;
	p += 2 + strspn(p + 2, " \t");
	text_set(f->received_by, sizeof(f->received_by), p);
	f->received_by[strcspn(f->received_by, " \t;()")] = '\0';
}

/* Fields of the message itself; of repeated ones the first counts. */
static bool
known_field(struct message *m)
{
	struct message_facts *f = &m->facts;
	const struct {
		const char *name;
		const char **out;
	} known[TEXTS] = {
		{ "From", &f->from },
		{ "To", &f->to },
		{ "Subject", &f->subject },
		{ "Date", &f->date },
		{ "Message-ID", &f->message_id },
		{ "Content-Type", &f->content_type },
	};

	f->fields++;
	if (strcasecmp(m->r->name, "Received") == 0)
		received_field(f, m->r->value);
	for (size_t i = 0; i < TEXTS; i++) {
		if (strcasecmp(m->r->name, known[i].name) != 0)
			continue;
		if ((*known[i].out)[0] == '\0' && m->r->value[0] != '\0') {
			m->texts[i] = strndup(m->r->value, MESSAGE_SHOWN);
			m->proofs.facts.starved |= m->texts[i] == NULL;
			*known[i].out = m->texts[i] != NULL ? m->texts[i] : "";
		}
		return true;
	}
	return false;
}

void
message_field_end(struct message *m)
{
	bool known;

	if (!m->field_open)
		return;
	m->field_open = false;
	while (m->value_len > 0 &&
	    (m->r->value[m->value_len - 1] == ' ' || m->r->value[m->value_len - 1] == '\t'))
		m->value_len--;
	m->r->value[m->value_len] = '\0';
	known = m->now_ordinal == 0 && known_field(m);
	known |= part_field(m);
	proofs_field(&m->proofs, m->r->name, m->r->value, m->now_ordinal == 0);
	proofs_field_end(&m->proofs, !m->line_cut);
	if (known && m->value_cut)
		m->facts.values_cut++;
}

void
message_field_more(struct message *m, const char *p, size_t len)
{
	proofs_field_push(&m->proofs, p, len);
	if (len > MESSAGE_VALUE - m->value_len) {
		len = MESSAGE_VALUE - m->value_len;
		m->value_cut = true;
	}
	for (size_t i = 0; i < len; i++)
		m->r->value[m->value_len + i] = p[i] != '\0' ? p[i] : '?';
	m->value_len += len;
}

/* RFC 5322 2.2: field-name ":" body; blanks before the colon are obsolete but seen. */
void
message_field_begin(struct message *m, const char *p, size_t len)
{
	const char *colon = memchr(p, ':', len);
	size_t n = colon != NULL ? (size_t)(colon - p) : 0;

	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= sizeof(m->r->name) || memchr(p, ' ', n) != NULL ||
	    memchr(p, '\0', n) != NULL)
		return;
	memcpy(m->r->name, p, n);
	m->r->name[n] = '\0';
	m->field_open = true;
	m->value_len = 0;
	m->value_cut = m->line_cut = false;
	if (m->now_ordinal == 0)
		proofs_field_begin(&m->proofs, m->r->name);
	for (colon++; colon < p + len && (*colon == ' ' || *colon == '\t'); colon++)
		;
	message_field_more(m, colon, (size_t)(p + len - colon));
}
