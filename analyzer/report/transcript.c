/* transcript.c - events kept per connection, told in order of time. */
#include "report/transcript.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "record/addr.h"
#include "record/record_fields.h"
#include "record/text.h"
#include "report/escape.h"
#include "report/spool.h"
#include "report/terminal.h"

#define SPOOL_MEMORY (32U << 20)

enum entry_kind { ENTRY_HEAD, ENTRY_LINE, ENTRY_NOISE, ENTRY_CONTENT, ENTRY_NOTE };

struct entry {
	struct moment at;
	uint64_t last_frame, conn, bytes, place;
	uint32_t point, len, serial;
	uint8_t kind, dir;
	bool unsure;
};

struct transcript {
	struct spool *spool;
	struct entry *entry;
	size_t count, room;
	uint64_t left_out;          /* beyond TRANSCRIPT_ENTRIES */
	struct record_piece *piece; /* of a capture in several files */
	size_t piece_count, piece_room;
	int error;
};

struct transcript *
transcript_new(void)
{
	struct transcript *t = calloc(1, sizeof(*t));

	if (t != NULL && (t->spool = spool_new(SPOOL_MEMORY)) == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
transcript_free(struct transcript *t)
{
	if (t == NULL)
		return;
	spool_free(t->spool);
	free(t->entry);
	free(t->piece);
	free(t);
}

/* ---- keeping ---------------------------------------------------------------- */

static struct entry *
entry_new(struct transcript *t)
{
	size_t room = t->room > 0 ? t->room * 2 : 256;
	struct entry *e;

	if (t->count >= TRANSCRIPT_ENTRIES) {
		t->left_out++;
		return NULL;
	}
	if (t->count == t->room) {
		if ((e = reallocarray(t->entry, room, sizeof(*e))) == NULL) {
			t->error = ENOMEM;
			return NULL;
		}
		t->entry = e;
		t->room = room;
	}
	e = &t->entry[t->count];
	memset(e, 0, sizeof(*e));
	e->serial = (uint32_t)t->count++;
	return e;
}

static struct entry *
entry_add(
    struct transcript *t, enum entry_kind kind, const struct record_key *key, struct moment at)
{
	struct entry *e = entry_new(t);

	if (e != NULL) {
		e->kind = (uint8_t)kind;
		e->at = at;
		e->last_frame = at.frame;
		e->conn = key->conn;
		e->point = key->point;
	}
	return e;
}

static void
entry_text(struct transcript *t, struct entry *e, const char *text, size_t len)
{
	if (e == NULL)
		return;
	if (len > TRANSCRIPT_LINE)
		len = TRANSCRIPT_LINE;
	if (spool_add(t->spool, text, len, &e->place) != 0)
		t->error = errno != 0 ? errno : EIO;
	else
		e->len = (uint32_t)len;
}

static void __attribute__((format(printf, 4, 5)))
note(struct transcript *t, const struct record_key *key, struct moment at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	entry_text(t, entry_add(t, ENTRY_NOTE, key, at), text, strlen(text));
}

static void
add_lines(struct transcript *t, const struct flow_opened *f, struct moment at, uint64_t last_frame,
    const struct dissect_event *ev)
{
	const char *p = ev->line, *end = ev->line + ev->line_len, *nl;

	for (; p != NULL && p <= end; p = nl + 1) {
		struct entry *e =
		    entry_add(t, ev->kind == EVENT_NOISE ? ENTRY_NOISE : ENTRY_LINE, &f->key, at);

		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		if (e == NULL)
			return;
		e->dir = (uint8_t)ev->dir;
		e->last_frame = last_frame;
		e->unsure = ev->unsure;
		entry_text(t, e, p, (size_t)(nl - p));
	}
}

/* Pieces of one content become one line, if nothing of another connection came between. */
static void
add_content(struct transcript *t, const struct flow_opened *f, struct moment at,
    uint64_t last_frame, const struct dissect_event *ev)
{
	struct entry *e = t->count > 0 ? &t->entry[t->count - 1] : NULL;

	if (t->count == 0 || e->kind != ENTRY_CONTENT || e->conn != f->key.conn ||
	    e->point != f->key.point || e->dir != ev->dir) {
		if ((e = entry_add(t, ENTRY_CONTENT, &f->key, at)) == NULL)
			return;
		e->dir = (uint8_t)ev->dir;
	}
	e->bytes += ev->data_len;
	e->last_frame = last_frame;
}

static const char *
who(unsigned int dir)
{
	return dir == DIR_C2S ? "client" : "server";
}

static const char *
handshake_name(unsigned int type)
{
	static const char *const names[] = {
		[1] = "ClientHello",
		[2] = "ServerHello",
		[4] = "NewSessionTicket",
		[11] = "Certificate",
		[12] = "ServerKeyExchange",
		[13] = "CertificateRequest",
		[14] = "ServerHelloDone",
		[15] = "CertificateVerify",
		[16] = "ClientKeyExchange",
		[20] = "Finished",
	};

	return type < sizeof(names) / sizeof(names[0]) && names[type] != NULL ? names[type]
									      : "handshake";
}

void
transcript_event(void *ctx, const struct flow_opened *f, struct moment at, uint64_t last_frame,
    const struct dissect_event *ev)
{
	struct transcript *t = ctx;

	switch (ev->kind) {
	case EVENT_COMMAND:
	case EVENT_REPLY:
	case EVENT_NOISE: add_lines(t, f, at, last_frame, ev); break;
	case EVENT_CONTENT: add_content(t, f, at, last_frame, ev); break;
	case EVENT_CONTENT_END:
		note(t, &f->key, at,
		    ev->complete ? "end of data (%s)" : "the content of the %s breaks off",
		    who(ev->dir));
		break;
	case EVENT_TLS: note(t, &f->key, at, "TLS from here on (%s)", who(ev->dir)); break;
	case EVENT_TLS_ALERT:
		note(t, &f->key, at, "TLS alert %u of the %s", ev->code, who(ev->dir));
		break;
	case EVENT_TLS_CLOSE: note(t, &f->key, at, "TLS is closed by the %s", who(ev->dir)); break;
	case EVENT_TLS_SPOKE: break;
	case EVENT_TLS_HANDSHAKE:
		note(t, &f->key, at, "TLS %s of the %s", handshake_name(ev->code), who(ev->dir));
		break;
	case EVENT_GAP:
		note(t, &f->key, at, "gap: %" PRIu64 " bytes of the %s are not in the capture",
		    ev->end > ev->off ? ev->end - ev->off : 0, who(ev->dir));
		break;
	case EVENT_CONTENT_BEGIN: break;
	}
}

static void
take_connection(struct transcript *t, const struct record_connection *c)
{
	char path[TERMINAL_PATH], text[256];

	snprintf(text, sizeof(text), "%s  %s", terminal_path(&c->client, &c->server, path),
	    app_proto_name(c->app));
	entry_text(t, entry_add(t, ENTRY_HEAD, &c->key, c->first), text, strlen(text));
	for (unsigned int dir = 0; dir < 2; dir++) {
		if (c->dir[dir].fin.frame != 0)
			note(t, &c->key, c->dir[dir].fin, "the %s closes", who(dir));
		if (c->dir[dir].rst.frame != 0)
			note(t, &c->key, c->dir[dir].rst,
			    "the connection is reset from the side of the %s", who(dir));
	}
	if (c->open)
		note(t, &c->key, c->last,
		    "the last packet; the connection is still open when the capture ends");
}

static void
take_stall(struct transcript *t, const struct record_stall *s)
{
	if (s->chain_count < 2)
		return;
	note(t, &s->key, s->first, "stall: a segment of the %s (%u bytes) is sent %u time%s%s",
	    who(s->key.m), s->chain[0].w, s->chain_count, PLURAL(s->chain_count),
	    s->delivered.frame == 0 ? " and never arrives" : "");
}

static void
take_piece(struct transcript *t, const struct record_piece *piece)
{
	if (t->piece_count == t->piece_room) {
		size_t room = t->piece_room == 0 ? 16 : t->piece_room * 2;
		struct record_piece *v = reallocarray(t->piece, room, sizeof(*v));

		if (v == NULL) {
			t->error = ENOMEM;
			return;
		}
		t->piece = v;
		t->piece_room = room;
	}
	t->piece[t->piece_count++] = *piece;
}

void
transcript_take(struct transcript *t, const struct record *r)
{
	if (r->type == RECORD_CONNECTION)
		take_connection(t, &r->connection);
	else if (r->type == RECORD_STALL)
		take_stall(t, &r->stall);
	else if (r->type == RECORD_PIECE)
		take_piece(t, &r->piece);
}

/* ---- telling ---------------------------------------------------------------- */

struct group { /* one session: entries [from, from + count) */
	size_t from, count;
	int64_t ns;
	uint64_t conn;
	uint32_t point;
};

#define ORDER(x) \
	do { \
		if (a->x != b->x) \
			return a->x < b->x ? -1 : 1; \
	} while (0)

static int
entry_compare(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;

	ORDER(point);
	ORDER(conn);
	/* The head first, then what was said, in order of time. */
	if ((a->kind == ENTRY_HEAD) != (b->kind == ENTRY_HEAD))
		return a->kind == ENTRY_HEAD ? -1 : 1;
	ORDER(at.ns);
	ORDER(serial);
	return 0;
}

static int
group_compare(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;

	ORDER(ns);
	ORDER(point);
	ORDER(conn);
	return 0;
}

/* Sessions in which something was said; the array is to be freed. */
static struct group *
groups_make(const struct transcript *t, size_t *count)
{
	struct group *g = calloc(t->count > 0 ? t->count : 1, sizeof(*g));
	size_t n = 0;

	*count = 0;
	if (g == NULL)
		return NULL;
	for (size_t i = 0, next; i < t->count; i = next) {
		const struct entry *e = &t->entry[i];
		bool said = false;

		for (next = i; next < t->count && t->entry[next].conn == e->conn &&
		     t->entry[next].point == e->point;
		     next++)
			said = said ||
			    (t->entry[next].kind != ENTRY_HEAD &&
				t->entry[next].kind != ENTRY_NOTE);
		if (said)
			g[n++] = (struct group){ i, next - i, e->at.ns, e->conn, e->point };
	}
	qsort(g, n, sizeof(*g), group_compare);
	*count = n;
	return g;
}

static const char *
entry_string(struct transcript *t, const struct entry *e, char *buf, size_t size)
{
	const char *text = e->len > 0 ? spool_get(t->spool, e->place, e->len) : "";

	if (text == NULL)
		t->error = errno;
	escape_terminal(buf, size, text != NULL ? text : "", text != NULL ? e->len : 0);
	return buf;
}

static void
print_place(const struct page *p, const struct entry *e, int64_t start)
{
	char frames[48];
	int64_t us = (e->at.ns - start) / 1000;

	if (e->at.frame == 0)
		frames[0] = '\0';
	else if (e->last_frame > e->at.frame)
		snprintf(
		    frames, sizeof(frames), "%" PRIu64 "-%" PRIu64, e->at.frame, e->last_frame);
	else
		snprintf(frames, sizeof(frames), "%" PRIu64, e->at.frame);
	fprintf(p->out, "%s%6" PRId64 ".%06" PRId64 " %9s  ", us < 0 ? "-" : " ",
	    (us < 0 ? -us : us) / 1000000, (us < 0 ? -us : us) % 1000000, frames);
}

static void
print_entry(const struct page *p, struct transcript *t, const struct entry *e, int64_t start)
{
	char text[TRANSCRIPT_LINE * 10 + 1]; /* every byte may become \u{10ffff} */
	enum page_colour colour = e->dir == DIR_C2S ? COLOUR_CYAN : COLOUR_BOLD;

	print_place(p, e, start);
	switch (e->kind) {
	case ENTRY_CONTENT:
		page_put(p, colour, "%s", e->dir == DIR_C2S ? "C:" : "S:");
		page_put(p, COLOUR_DIM, " <%" PRIu64 " bytes of content>\n", e->bytes);
		break;
	case ENTRY_NOTE:
		page_put(p, COLOUR_YELLOW, "=== %s\n", entry_string(t, e, text, sizeof(text)));
		break;
	default:
		page_put(p, colour, "%s%s", e->dir == DIR_C2S ? "C" : "S",
		    e->kind == ENTRY_NOISE ? "?" : ":");
		fprintf(p->out, " %s%s%s\n", entry_string(t, e, text, sizeof(text)),
		    e->len >= TRANSCRIPT_LINE ? " ..." : "",
		    e->unsure ? "   (unsure: after a gap)" : "");
	}
}

static void
print_session(const struct page *p, struct transcript *t, const struct group *g)
{
	char text[600], clock[TERMINAL_TIME], offset[ZONE_OFFSET];
	size_t i = g->from, end = g->from + g->count;

	text[0] = '\0';
	for (; i < end && t->entry[i].kind == ENTRY_HEAD; i++)
		entry_string(t, &t->entry[i], text, sizeof(text));
	page_put(p, COLOUR_BOLD, "== %s  %s %s\n", text, terminal_time(p, g->ns, clock),
	    zone_offset(p->zone, g->ns, offset));
	for (; i < end; i++)
		print_entry(p, t, &t->entry[i], g->ns);
	fputc('\n', p->out);
}

/* Who looks a frame up needs its file. */
static void
print_pieces(const struct transcript *t, const struct page *p)
{
	char text[400];

	if (t->piece_count > 0)
		page_line(p, "Frames are counted through the pieces of a capture:");
	for (size_t i = 0; i < t->piece_count; i++) {
		snprintf(text, sizeof(text), "from %" PRIu64 " on  %s", t->piece[i].before + 1,
		    t->piece[i].file);
		page_field(p, "", 2, text);
	}
}

int
transcript_print(struct transcript *t, const struct page *p)
{
	struct group *g;
	size_t n;

	if (t->count > 1)
		qsort(t->entry, t->count, sizeof(*t->entry), entry_compare);
	if ((g = groups_make(t, &n)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		print_session(p, t, &g[i]);
	if (n == 0)
		page_line(p, "No session was seen.");
	if (t->left_out > 0)
		page_line(p, "... and %" PRIu64 " more lines that were not kept", t->left_out);
	print_pieces(t, p);
	free(g);
	errno = t->error;
	return t->error != 0 ? -1 : 0;
}
