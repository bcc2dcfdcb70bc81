/* mail_content.c - the message parser on a flow's content. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mail_internal.h"
#include "record/text.h"

#define OPEN UINT64_MAX

/*
 * Stream offsets: the n-th part begins in the piece from `before' to `by', and ends in that which
 * begins at `to'.
 */
struct content_places {
	struct {
		uint64_t before, by, to;
	} v[RECORD_OUTLINE];
	uint32_t n;        /* parts so far; kept above the first */
	uint64_t off, end; /* of the last piece */
	bool gap;          /* no boundary can be told from here on */
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
	f->content = (struct mail_sum){ 0 };
	if (f->message == NULL || f->places == NULL)
		f->mail->caps.memory++;
}

/* The part that is being read ends. */
static void
places_close(struct content_places *l, uint64_t to)
{
	if (l->n > 0 && l->n <= RECORD_OUTLINE && l->v[l->n - 1].to == OPEN)
		l->v[l->n - 1].to = to;
}

static void
places_note(struct content_places *l, const struct message_facts *m, uint64_t off, uint64_t end)
{
	if (l == NULL || l->gap)
		return;
	while (l->n < m->part_count) {
		places_close(l, off);
		if (l->n < RECORD_OUTLINE) {
			l->v[l->n].before = off;
			l->v[l->n].by = end;
			l->v[l->n].to = OPEN;
		}
		l->n++;
	}
	if (m->between)
		places_close(l, off);
	l->off = off;
	l->end = end;
}

void
mail_content_push(struct mail_flow *f, const struct dissect_event *ev)
{
	if (f->message == NULL)
		return;
	message_push(f->message, ev->data, ev->data_len);
	if (f->compared)
		mail_sum_push(&f->content, ev->data, ev->data_len);
	places_note(f->places, message_facts(f->message), ev->off, ev->end);
	if (f->fault.frame == 0 && message_faults(f->message) > 0)
		f->fault = f->now;
}

void
mail_content_gap(struct mail_flow *f, const struct dissect_event *ev)
{
	if (f->message == NULL)
		return;
	message_gap(f->message, ev->end - ev->off);
	if (f->places != NULL && !f->places->gap) {
		places_close(f->places, ev->off);
		f->places->gap = true;
	}
}

#define COPY(field, from) \
	(text_copy_utf8(texts->field, sizeof(texts->field), (from), strlen(from)), \
	    out->field = texts->field)

/* A message within: its own multipart has no number (RFC 9051 6.4.5). */
static bool
is_numbered(const struct message_facts *m, uint32_t k)
{
	return !m->parts[k].multipart || m->parts[m->parts[k].parent].multipart;
}

/* 2.1: the first part of the second one; "": not known, or too long. */
static void
part_path(const struct message_facts *m, uint32_t k, char *path, size_t size)
{
	uint32_t nth[MESSAGE_DEPTH + 1] = { 0 }, depth = 0;
	size_t n = 0;

	path[0] = '\0';
	if (k >= m->parts_kept)
		return;
	for (; k != 0; k = m->parts[k].parent) {
		if (!is_numbered(m, k))
			continue;
		if (depth == MESSAGE_DEPTH)
			return;
		nth[depth] = 1;
		for (uint32_t i = 1; i < k; i++)
			nth[depth] += m->parts[i].parent == m->parts[k].parent;
		depth++;
	}
	if (depth == 0)
		nth[depth++] = 1; /* the message itself */
	while (depth-- > 0 && n < size)
		n += (size_t)snprintf(path + n, size - n, "%s%u", n > 0 ? "." : "", nth[depth]);
	if (n >= size)
		path[0] = '\0';
}

static void
outline_add(struct mime_part *to, const struct message_facts *m, uint32_t k)
{
	const struct message_part *p = &m->parts[k];

	part_path(m, k, to->path, sizeof(to->path));
	to->type[0] = to->encoding[0] = to->name[0] = '\0';
	if (!p->headed) /* what stands there is what a header says that says nothing */
		return;
	text_copy_utf8(to->type, sizeof(to->type), p->type, strlen(p->type));
	text_copy_utf8(to->encoding, sizeof(to->encoding), p->encoding, strlen(p->encoding));
	text_copy_utf8(to->name, sizeof(to->name), p->name, strlen(p->name));
}

/* Of a message of several parts: where each lies that has no parts of its own. */
static void
outline_set(struct content_places *l, const struct message_facts *m, struct record_message *out,
    struct content_texts *texts)
{
	uint32_t most = m->part_count < MESSAGE_PARTS ? m->part_count : MESSAGE_PARTS;

	out->outline = texts->outline;
	if (m->part_count < 2)
		return;
	out->unlisted = m->leaves;
	if (l == NULL || m->parts_kept < most) /* no memory */
		return;
	places_note(l, m, l->off, l->end); /* its end may have shown a boundary in what came last */
	for (uint32_t i = 0; i < l->n && i < most && i < RECORD_OUTLINE; i++) {
		struct mime_part *part = &texts->outline[out->outline_count];

		if (m->parts[i].multipart || (i + 1 < most && m->parts[i + 1].parent == i))
			continue;
		outline_add(part, m, i);
		part->from = l->v[i].by;
		part->to = l->v[i].to != OPEN ? l->v[i].to : l->end;
		out->outline_count++;
	}
	out->unlisted -= out->outline_count;
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
proofs_set(const struct mail_flow *f, struct record_message *out, struct content_texts *texts,
    const struct message_facts *m)
{
	const struct message_proofs *p = m->proofs;
	static const enum part_fault faults[] = {
		[LEAF_SOUND] = PART_SOUND,
		[LEAF_UNPADDED] = PART_UNPADDED,
		[LEAF_LENGTH] = PART_LENGTH,
		[LEAF_AFTER_PADDING] = PART_AFTER_PADDING,
		[LEAF_ILLEGAL] = PART_ILLEGAL,
		[LEAF_MD5] = PART_MD5,
	};
	char signature[sizeof(p->dkim.domain) + sizeof(p->dkim.how) + 4];

	out->checked = true;
	out->list = p->list;
	COPY(scanner, p->scanner);
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
	if (p->faulty > 0) {
		part_path(m, p->fault_index, texts->fault_path, sizeof(texts->fault_path));
		out->fault_path = texts->fault_path;
	}
	if (p->faulty > 0)
		out->fault_at = f->fault;
	out->unclosed = p->unclosed;
	out->stub = p->stub;
	out->attachments = p->attachments;
	hashes_set(out, texts, p);
}

void
mail_content_end(
    struct mail_flow *f, struct record_message *out, struct content_texts *texts, bool certain)
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
	f->contents += mail_sum_value(&f->content);
	if (certain && !out->gap)
		out->content_sum = mail_sum_value(&f->content);
	outline_set(f->places, m, out, texts);
	f->mail->caps.memory += m->proofs->starved;
	if (certain && m->proofs->known)
		proofs_set(f, out, texts, m);
	mail_content_forget(f);
}
