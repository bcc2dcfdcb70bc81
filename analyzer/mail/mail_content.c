/* mail_content.c - the message parser on a flow's content. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mail_internal.h"
#include "record/text.h"

enum { PLACES = 12 };		/* parts whose place is kept */

/* Stream offsets: the n-th part begins behind `before', and not behind `by'. */
struct content_places {
	struct {
		uint64_t before, by;
	}		v[PLACES];
	uint32_t	n;
	uint64_t	end;		/* of the content so far */
};

void
mail_content_forget(struct mail_flow *f)
{
	message_free(f->message);
	f->message = NULL;
	free(f->places);
	f->places = NULL;
}

void
mail_content_begin(struct mail_flow *f)
{
	mail_content_forget(f);
	f->message = message_new();
	f->places = calloc(1, sizeof(*f->places));
	f->fault = (struct moment){ 0 };
	if (f->message == NULL || f->places == NULL)
		f->mail->caps.memory++;
}

static void
places_note(struct content_places *l, const struct message_facts *m, const struct dissect_event *ev)
{
	for (; l->n < PLACES && l->n < m->part_count; l->n++) {
		l->v[l->n].before = ev->off;
		l->v[l->n].by = ev->end;
	}
	l->end = ev->end;
}

void
mail_content_push(struct mail_flow *f, const struct dissect_event *ev)
{
	if (f->message == NULL)
		return;
	message_push(f->message, ev->data, ev->data_len);
	if (f->places != NULL)
		places_note(f->places, message_facts(f->message), ev);
	if (f->fault.frame == 0 && message_faults(f->message) > 0)
		f->fault = f->now;
}

void
mail_content_gap(struct mail_flow *f, const struct dissect_event *ev)
{
	if (f->message == NULL)
		return;
	message_gap(f->message, ev->end - ev->off);
	if (f->places != NULL)
		places_note(f->places, message_facts(f->message), ev);
}

#define COPY(field, from)	(text_copy_utf8(texts->field, sizeof(texts->field), (from), strlen(from)), out->field = texts->field)

/* 2.1: the first part of the second one (as in IMAP, RFC 9051 6.4.5). */
static void
part_path(const struct message_facts *m, uint32_t k, char *path, size_t size)
{
	uint32_t nth[MESSAGE_DEPTH + 1] = { 0 }, depth = 0;
	size_t n = 0;

	for (; k != 0 && k < m->parts_kept && depth <= MESSAGE_DEPTH; k = m->parts[k].parent) {
		nth[depth] = 1;
		for (uint32_t i = 1; i < k; i++)
			nth[depth] += m->parts[i].parent == m->parts[k].parent;
		depth++;
	}
	snprintf(path, size, "0");
	while (depth-- > 0 && n < size)
		n += (size_t)snprintf(path + n, size - n, "%s%u", n > 0 ? "." : "", nth[depth]);
}

/* A word for a list whose words are parted by blanks. */
static void
word_copy(char *to, size_t size, const char *from)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789/+-._";

	snprintf(to, size, "%s", from[0] != '\0' ? from : "-");
	for (; *to != '\0'; to++)
		if (strchr(plain, *to) == NULL)
			*to = '_';
}

/* Of a message of several parts: where each begins, what it is; what ends the list is not in a part, or not in the list. */
static void
outline_set(const struct content_places *l, const struct message_facts *m, struct record_message *out, struct content_texts *texts)
{
	char *to = texts->outline, end[48], path[64], type[48], encoding[24], one[224];
	size_t n = 0, size = sizeof(texts->outline);
	uint32_t i;

	to[0] = '\0';
	out->outline = to;
	if (l == NULL || m->part_count < 2)
		return;
	for (i = 0; i < l->n && i < m->parts_kept; i++) {
		part_path(m, i, path, sizeof(path));
		word_copy(type, sizeof(type), m->parts[i].type);
		word_copy(encoding, sizeof(encoding), m->parts[i].encoding);
		snprintf(one, sizeof(one), "%" PRIu64 "-%" PRIu64 " %s %s %s;", l->v[i].before, l->v[i].by, path, type, encoding);
		if (n + strlen(one) + sizeof(end) >= size)
			break;
		n += (size_t)snprintf(to + n, size - n, "%s", one);
	}
	/* where those that are not in the list begin is known only of those with a place */
	if (i < l->n)
		snprintf(end, sizeof(end), "%" PRIu64, l->v[i].before);
	else if (l->n < m->part_count)
		snprintf(end, sizeof(end), "%" PRIu64, l->n > 0 ? l->v[l->n - 1].by : 0);
	else
		snprintf(end, sizeof(end), "%" PRIu64, l->end);
	snprintf(to + n, size - n, "%s", end);
}

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
	outline_set(f->places, m, out, texts);
	f->mail->caps.memory += m->proofs->starved;
	if (certain && m->proofs->known)
		proofs_set(f, out, texts, m->proofs);
	mail_content_forget(f);
}
