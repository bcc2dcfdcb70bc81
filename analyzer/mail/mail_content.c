/* mail_content.c - the message parser on a flow's content. */
#include <string.h>

#include "mail/mail_internal.h"
#include "record/text.h"

void
mail_content_begin(struct mail_flow *f)
{
	message_free(f->message);
	f->message = message_new();
	if (f->message == NULL)
		f->mail->caps.memory++;
}

void
mail_content_push(struct mail_flow *f, const uint8_t *p, size_t len)
{
	if (f->message != NULL)
		message_push(f->message, p, len);
}

void
mail_content_gap(struct mail_flow *f, uint64_t missing)
{
	if (f->message != NULL)
		message_gap(f->message, missing);
}

bool
mail_content_open(const struct mail_flow *f)
{
	return f->message != NULL;
}

#define COPY(field, from)	text_copy_utf8(out->field, sizeof(out->field), (from), strlen(from))

void
mail_content_end(struct mail_flow *f, struct record_message *out)
{
	const struct message_facts *m;

	if (f->message == NULL)
		return;
	message_end(f->message);
	m = message_facts(f->message);
	COPY(message_id, m->message_id);
	COPY(subject, m->subject);
	COPY(from, m->from);
	COPY(content_type, m->content_type);
	out->bytes = m->bytes;
	out->parts = m->leaves;
	out->gap = m->missing != 0;
	message_free(f->message);
	f->message = NULL;
}
