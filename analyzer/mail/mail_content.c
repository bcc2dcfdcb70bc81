/* mail_content.c - the message parser on a flow's content. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/mail_internal.h"
#include "record/text.h"

void
mail_content_begin(struct mail_flow *f)
{
	message_free(f->message);
	f->message = message_new();
	f->fault = (struct moment){ 0 };
	if (f->message == NULL)
		f->mail->caps.memory++;
}

void
mail_content_push(struct mail_flow *f, const uint8_t *p, size_t len)
{
	if (f->message == NULL)
		return;
	message_push(f->message, p, len);
	if (f->fault.frame == 0 && message_faults(f->message) > 0)
		f->fault = f->now;
}

void
mail_content_gap(struct mail_flow *f, uint64_t missing)
{
	if (f->message != NULL)
		message_gap(f->message, missing);
}

#define COPY(field, from)	(text_copy_utf8(texts->field, sizeof(texts->field), (from), strlen(from)), out->field = texts->field)

static void
hashes_set(struct record_message *out, struct content_texts *texts, const struct message_proofs *p)
{
	char *to = texts->attachment_hashes;
	size_t n = 0, size = sizeof(texts->attachment_hashes);

	to[0] = '\0';
	for (uint32_t i = 0; i < p->hashes && n + 9 < size; i++)
		n += (size_t)snprintf(to + n, size - n, "%s%08x", i > 0 ? " " : "", p->hash[i]);
	out->attachment_hashes = to;
	if (p->body != 0) {
		snprintf(texts->body_hash, sizeof(texts->body_hash), "%016" PRIx64, p->body);
		out->body_hash = texts->body_hash;
	}
}

static void
proofs_set(const struct mail_flow *f, struct record_message *out, struct content_texts *texts, const struct message_proofs *p)
{
	static const enum part_fault faults[] = {
		[LEAF_SOUND] = PART_SOUND, [LEAF_UNPADDED] = PART_UNPADDED, [LEAF_LENGTH] = PART_LENGTH,
		[LEAF_AFTER_PADDING] = PART_AFTER_PADDING, [LEAF_ILLEGAL] = PART_ILLEGAL, [LEAF_MD5] = PART_MD5,
	};
	char signature[sizeof(p->dkim.domain) + sizeof(p->dkim.how) + 4];

	out->checked = true;
	out->list = p->list;
	out->signatures = p->dkim.signatures;
	out->signatures_good = p->dkim.good;
	out->signatures_bad = p->dkim.bad;
	if (p->dkim.good + p->dkim.bad > 0) {
		snprintf(signature, sizeof(signature), "%s, %s", p->dkim.domain, p->dkim.how);
		COPY(signature, signature);
	}
	out->dots = p->dkim.dots;
	out->md5_good = p->md5_right;
	out->base64_parts = p->base64_parts;
	out->faulty_parts = p->faulty;
	out->fault = faults[p->fault];
	out->fault_part = p->fault_part;
	out->fault_bytes = p->fault_bytes;
	COPY(fault_name, p->fault_name);
	if (p->faulty > 0)
		out->fault_at = f->fault;
	out->unclosed = p->unclosed;
	out->stub = p->stub;
	out->attachments = p->attachments;
	hashes_set(out, texts, p);
}

void
mail_content_end(struct mail_flow *f, struct record_message *out, struct content_texts *texts, bool certain)
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
	COPY(date, m->date);
	COPY(received_by, m->received_by);
	out->received = m->received;
	out->bytes = m->bytes;
	out->parts = m->leaves;
	out->gap = m->missing != 0;
	f->mail->caps.memory += m->proofs->starved;
	if (certain && m->proofs->known)
		proofs_set(f, out, texts, m->proofs);
	message_free(f->message);
	f->message = NULL;
}
