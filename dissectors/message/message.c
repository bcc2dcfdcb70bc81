/*
 * message.c - the state of one message: in some header block or in some body.
 *
 * `levels' are the open multiparts, outermost first; a line is compared with
 * their boundaries, innermost first (RFC 2046 5.1.2: an outer boundary also
 * ends unfinished inner parts).  Without an open multipart nothing can follow
 * the body, and it is only counted.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dissectors/message/message_impl.h"
#include "dissectors/message/mime_param.h"

/* ---- parts ------------------------------------------------------------------ */

static uint32_t
part_slot(struct message *m)
{
	uint32_t size = m->parts_size == 0 ? 1 : m->parts_size * 2;
	struct message_part *p;

	if (m->facts.parts_kept >= MESSAGE_PARTS)
		return NO_PART;
	if (m->facts.parts_kept == m->parts_size) {
		p = realloc(m->parts, size * sizeof(*p));
		if (p == NULL)
			return NO_PART;
		m->parts = p;
		m->facts.parts = p;
		m->parts_size = size;
	}
	return m->facts.parts_kept++;
}

static void
part_begin(struct message *m, uint32_t parent, uint32_t depth, bool digest)
{
	m->part = part_slot(m);
	m->now_ordinal = m->facts.part_count++;
	m->now = (struct message_part){
		.parent = parent == NO_PART ? 0 : parent, .depth = depth, .type = "text/plain"
	};
	if (digest)
		memcpy(m->now.type, "message/rfc822", sizeof("message/rfc822"));
	m->r->boundary[0] = '\0';
	m->in_header = true;
	m->facts.between = false;
	m->now_header = 0;
	m->line_len = m->line_full = 0;
	m->field_open = false;
	m->body = 0;
	m->eol = 0;
	proofs_part_begin(&m->proofs);
}

static void
part_save(struct message *m)
{
	if (m->part != NO_PART)
		m->parts[m->part] = m->now;
}

/* The line end before a boundary belongs to the boundary (RFC 2046 5.1.1). */
static void
part_end(struct message *m, bool boundary)
{
	uint64_t body = m->body;

	if (boundary && body >= m->eol)
		body -= m->eol;
	m->now.bytes += body;
	proofs_leaf_end(&m->proofs);
	part_save(m);
}

/* ---- the tree ------------------------------------------------------------------ */

/* Most mail has none of them, or one. */
static bool
levels_grow(struct message *m)
{
	uint32_t size = m->levels_size == 0 ? 2 : m->levels_size * 2;
	struct level *l = realloc(m->levels, size * sizeof(*l));

	if (l == NULL) {
		m->proofs.facts.starved = true;
		return false;
	}
	m->levels = l;
	m->levels_size = size;
	return true;
}

static bool
level_push(struct message *m)
{
	size_t n = strlen(m->r->boundary);
	struct level *l;

	if (strncmp(m->now.type, "multipart/", 10) != 0)
		return false;
	if (n == 0) {
		m->facts.boundary_bad++;
		return false;
	}
	if (m->depth == MESSAGE_DEPTH) {
		m->facts.depth_over = true;
		return false;
	}
	if (m->depth == m->levels_size && !levels_grow(m))
		return false;
	l = &m->levels[m->depth];
	l->part = m->part;
	l->digest = strcmp(m->now.type, "multipart/digest") == 0;
	l->len = (uint16_t)n;
	memcpy(l->boundary, m->r->boundary, n);
	m->depth++;
	m->now.multipart = true;
	return true;
}

static bool
holds_message(const struct message_part *p)
{
	return strcmp(p->type, "message/rfc822") == 0 && strcmp(p->encoding, "base64") != 0 &&
	    strcmp(p->encoding, "quoted-printable") != 0;
}

/* The body begins.  `whole' is false when the end of the header block is not in the capture. */
static void
header_end(struct message *m, bool whole)
{
	whole = whole &&
	    m->now_header <= MESSAGE_HEADER_MAX; /* what it says behind that is not known */
	m->in_header = false;
	m->now.headed = whole;
	m->line_len = m->line_full = 0;
	m->at = LINE_START;
	m->last = '\n';
	if (m->now_ordinal == 0) {
		m->facts.header_bytes = m->now_header;
		m->facts.headers_complete = whole;
		proofs_body_begin(&m->proofs, m->facts.message_id[0] != '\0');
	}
	if (!level_push(m)) {
		if (whole && holds_message(&m->now) && m->now_ordinal != 0) {
			part_save(m);
			if (m->within == 0)
				m->within = m->depth + 1;
			part_begin(m, m->part, m->now.depth + 1, false);
			return;
		}
		m->facts.leaves++;
		if (whole && m->within == 0)
			proofs_leaf_begin(&m->proofs, m->facts.leaves, m->part, &m->now);
	}
	part_save(m);
	if (m->depth == 0) { /* nothing follows but a body */
		free(m->r);
		m->r = NULL;
	}
}

/* A closing boundary: what follows is the epilogue of that multipart. */
static void
level_close(struct message *m, uint32_t part)
{
	m->facts.between = true;
	m->part = part;
	m->body = 0;
	m->eol = 0;
	m->in_header = false;
	m->at = LINE_START;
	m->line_len = m->line_full = 0;
	if (part != NO_PART) {
		m->parts[part].closed = true;
		m->now = m->parts[part];
	} else {
		m->now = (struct message_part){ .multipart = true, .closed = true };
	}
}

/* A line without its end: true when it was a boundary, and the tree moved on. */
static bool
boundary_line(struct message *m, const char *p, size_t len)
{
	bool closing, alike = false;

	for (uint32_t i = m->depth; i-- > 0;) {
		const struct level *l = &m->levels[i];
		uint32_t part = l->part;
		bool digest = l->digest;

		if (!mime_boundary_is(l->boundary, l->len, p, len, &closing)) {
			alike |=
			    len > (size_t)l->len + 2 && memcmp(p + 2, l->boundary, l->len) == 0;
			continue;
		}
		if (m->in_header) { /* a part that ends within its headers; it may open a level, and
				       move `l' */
			message_field_end(m);
			header_end(m, true);
			if (m->in_header) /* message/rfc822 without a message */
				m->facts.leaves++;
		}
		part_end(m, true);
		m->depth = i + 1;
		if (m->within > m->depth) /* a boundary from outside the message within */
			m->within = 0;
		if (closing) {
			m->depth = i;
			level_close(m, part);
		} else {
			part_begin(m, part, i + 1, digest);
		}
		return true;
	}
	if (alike)
		proofs_doubt(&m->proofs);
	return false;
}

/* ---- lines ---------------------------------------------------------------------- */

static void
line_keep(struct message *m, const uint8_t *p, size_t len)
{
	size_t room = sizeof(m->r->line) - m->line_len;

	m->line_full += len;
	if (len > room)
		len = room;
	memcpy(m->r->line + m->line_len, p, len);
	m->line_len += len;
}

/* The kept line without CRLF or LF. */
static size_t
line_trim(const struct message *m)
{
	size_t n = m->line_len;

	if (m->line_full > m->line_len)
		return n;
	if (n > 0 && m->r->line[n - 1] == '\n')
		n--;
	if (n > 0 && m->r->line[n - 1] == '\r')
		n--;
	return n;
}

static void
header_line(struct message *m)
{
	size_t n = line_trim(m);
	const char *p = m->r->line;

	m->now_header += m->line_full;
	if (m->now_header > MESSAGE_HEADER_MAX)
		m->facts.header_over = true;
	if (n == 0) {
		message_field_end(m);
		header_end(m, true);
		return;
	}
	if (n >= 3 && m->depth > 0 && p[0] == '-' && p[1] == '-' && boundary_line(m, p, n))
		return;
	if ((p[0] == ' ' || p[0] == '\t') && m->field_open) {
		message_field_more(m, p, n); /* RFC 5322 2.2.3: unfolding drops the CRLF alone */
	} else {
		message_field_end(m);
		if (m->now_header <= MESSAGE_HEADER_MAX)
			message_field_begin(m, p, n);
	}
	m->line_cut |= m->line_full > m->line_len;
	m->value_cut |= m->line_cut;
	m->line_len = m->line_full = 0;
}

static size_t
header_push(struct message *m, const uint8_t *p, size_t len)
{
	const uint8_t *lf = memchr(p, '\n', len);
	size_t n = lf != NULL ? (size_t)(lf + 1 - p) : len;

	line_keep(m, p, n);
	if (lf != NULL)
		header_line(m);
	return n;
}

static void
body_count(struct message *m, const uint8_t *p, size_t len)
{
	m->body += len;
	if (p[len - 1] == '\n')
		m->eol = (len > 1 ? p[len - 2] : m->last) == '\r' ? 2 : 1;
	else
		m->eol = 0;
	m->last = p[len - 1];
	proofs_leaf_push(&m->proofs, p, len);
}

/* A line that began with a dash turns out to be text. */
static void
dash_release(struct message *m)
{
	body_count(m, (const uint8_t *)m->r->line, m->line_len);
	m->at = m->last == '\n' ? LINE_START : LINE_INSIDE;
	m->line_len = m->line_full = 0;
}

/* The start of a line that may be a boundary is gathered until that is certain. */
static size_t
dash_push(struct message *m, const uint8_t *p, size_t len)
{
	const uint8_t *lf = memchr(p, '\n', len);
	size_t n = lf != NULL ? (size_t)(lf + 1 - p) : len;

	if (n > BOUNDARY_MAX + 100 - m->line_len) {
		n = BOUNDARY_MAX + 100 - m->line_len;
		lf = NULL;
	}
	line_keep(m, p, n);
	if (m->line_len >= 2 && m->r->line[1] != '-')
		dash_release(m); /* NOLINT(bugprone-branch-clone): the order matters */
	else if (lf != NULL && boundary_line(m, m->r->line, line_trim(m)))
		m->line_len = m->line_full = 0;
	else if (lf != NULL || m->line_len == BOUNDARY_MAX + 100)
		dash_release(m);
	return n;
}

/* Text goes by until a line starts with a dash: base64 has none. */
static size_t
body_lines(struct message *m, const uint8_t *p, size_t len)
{
	size_t n = 1;

	while (n < len) {
		const uint8_t *dash = memchr(p + n, '-', len - n);

		n = dash != NULL ? (size_t)(dash - p) : len;
		if (dash == NULL || p[n - 1] == '\n')
			break;
		n++;
	}
	body_count(m, p, n);
	m->at = m->last == '\n' ? LINE_START : LINE_INSIDE;
	return n;
}

static size_t
body_push(struct message *m, const uint8_t *p, size_t len)
{
	if (m->depth == 0) {
		body_count(m, p, len);
		return len;
	}
	if (m->at == LINE_START && *p == '-')
		m->at = LINE_DASH;
	if (m->at == LINE_DASH)
		return dash_push(m, p, len);
	return body_lines(m, p, len);
}

/* ---- the door -------------------------------------------------------------------- */

struct message *
message_new(void)
{
	struct message *m = calloc(1, sizeof(*m));

	if (m == NULL || (m->r = malloc(sizeof(*m->r))) == NULL) {
		free(m);
		return NULL;
	}
	m->facts.from = m->facts.to = m->facts.subject = m->facts.message_id = m->facts.date =
	    m->facts.content_type = "";
	part_begin(m, 0, 0, false);
	return m;
}

void
message_push(struct message *m, const uint8_t *p, size_t len)
{
	size_t n;
	bool body;

	m->facts.bytes += len;
	while (len > 0) {
		body = !m->in_header || m->now_ordinal != 0;
		n = m->in_header ? header_push(m, p, len) : body_push(m, p, len);
		if (body)
			proofs_body_push(&m->proofs, p, n);
		p += n;
		len -= n;
	}
}

void
message_fetch(const struct message *m)
{
	__builtin_prefetch(m);
	__builtin_prefetch(&m->proofs.leaf.on);
	__builtin_prefetch(&m->proofs.dkim);
}

/*
 * The header block breaks off.  A field is whole when the line after it began
 * and was no continuation; of one that may go on nothing certain is known.
 */
static void
field_settle(struct message *m)
{
	if (m->line_len > 0 && m->r->line[0] != ' ' && m->r->line[0] != '\t')
		message_field_end(m);
	m->field_open = false;
}

void
message_gap(struct message *m, uint64_t missing)
{
	m->facts.bytes += missing;
	m->facts.missing += missing;
	proofs_gap(&m->proofs);
	if (m->in_header) {
		field_settle(m);
		header_end(m, false);
	} else if (m->at == LINE_DASH && m->line_len > 0) {
		dash_release(m);
	}
	m->now.gap = true;
	m->body += missing;
	m->eol = 0;
	m->last = 0;
	m->at = LINE_INSIDE;
	part_save(m);
}

void
message_end(struct message *m)
{
	if (m->facts.ended)
		return;
	m->facts.ended = true;
	if (!m->in_header && m->at == LINE_DASH && m->line_len > 0 &&
	    !boundary_line(m, m->r->line, line_trim(m)))
		dash_release(m);
	if (m->in_header) {
		if (m->line_len == 0)
			message_field_end(m);
		field_settle(m);
		header_end(m, false);
	}
	part_end(m, false);
	proofs_end(&m->proofs, m->facts.headers_complete && m->facts.missing == 0,
	    m->depth > 0 && m->levels[0].part == 0 && m->facts.part_count > 1,
	    m->facts.bytes - m->facts.header_bytes);
	m->facts.proofs = &m->proofs.facts;
}

const struct message_facts *
message_facts(const struct message *m)
{
	return &m->facts;
}

uint32_t
message_faults(const struct message *m)
{
	return m->proofs.facts.faulty + (m->proofs.leaf.illegal > 0 || m->proofs.leaf.after);
}

void
message_free(struct message *m)
{
	if (m == NULL)
		return;
	proofs_free(&m->proofs);
	for (size_t i = 0; i < TEXTS; i++)
		free(m->texts[i]);
	free(m->r);
	free(m->levels);
	free(m->parts);
	free(m);
}
