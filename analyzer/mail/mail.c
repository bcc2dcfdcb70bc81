/*
 * mail.c - the watcher: opens a dissector for each mail flow, names the
 * frames of its events, and writes the session when the flow is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/proxy_header.h"
#include "dissectors/tls/tls.h"
#include "flow/packet/packet.h"
#include "mail/mail_internal.h"
#include "record/text.h"

enum { OPENING_MOST = 60 }; /* bytes: a line says what it is in its first words */

#define HELD_LIMIT (32u << 20) /* design: client bytes held for their reply, all flows */

struct mail *
mail_new(const struct mail_options *o, const struct record_sink *sink)
{
	struct mail *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->o = *o;
	m->sink = sink;
	m->budget.limit = HELD_LIMIT;
	return m;
}

void
mail_compare(struct mail *m)
{
	m->compare = true;
}

struct mail_caps
mail_caps_get(const struct mail *m)
{
	struct mail_caps c = m->caps;

	c.held = m->budget.refused;
	c.searches_cut = m->budget.searches_cut;
	c.memory += m->budget.memory;
	return c;
}

void
mail_free(struct mail *m)
{
	free(m);
}

static const struct mail_protocol *
protocol_of(enum app_proto app)
{
	switch (app) {
	case APP_SMTP:
	case APP_SMTP_TUNNELLED:
	case APP_SMTPS: return &mail_smtp;
	case APP_POP3:
	case APP_POP3S: return &mail_pop3;
	case APP_IMAP:
	case APP_IMAPS: return &mail_imap;
	default: return NULL;
	}
}

void
mail_emit(struct mail_flow *f, struct record *r, uint32_t n, uint32_t m)
{
	r->key = f->opened.key;
	r->key.n = n;
	r->key.m = m;
	f->mail->sink->take(f->mail->sink->ctx, r);
}

/* Lines are joined by a blank. */
static void
text_joined(char *dst, size_t size, const char *p, size_t len)
{
	char *end = dst + text_copy_utf8(dst, size, p, len);

	while ((dst = memchr(dst, '\n', (size_t)(end - dst))) != NULL)
		*dst = ' ';
}

/* RFC 3463: "5.7.1". */
static void
enhanced_write(char *p, const uint8_t code[3])
{
	for (int i = 0; i < 3; i++) {
		if (i > 0)
			*p++ = '.';
		if (code[i] >= 100)
			*p++ = (char)('0' + code[i] / 100);
		if (code[i] >= 10)
			*p++ = (char)('0' + code[i] / 10 % 10);
		*p++ = (char)('0' + code[i] % 10);
	}
	*p = '\0';
}

void
mail_reply_set(struct record_reply *out, char text[RECORD_WORDS], const struct dissect_event *ev,
    struct moment at)
{
	*out = (struct record_reply){
		.code = ev->code, .text = text, .at = at, .cut = (ev->odd & ODD_CUT) != 0
	};
	text[0] = '\0';
	if (ev->enhanced[0] != 0)
		enhanced_write(out->enhanced, ev->enhanced);
	if (ev->arg_len != 0)
		text_joined(text, RECORD_WORDS, ev->arg, ev->arg_len);
}

void
mail_text_own(struct mail_flow *f, const char **text, size_t max, const char *src, size_t len)
{
	f->mail->caps.memory += !text_own(text, max, src, len);
}

void
mail_reply_own(struct mail_flow *f, struct record_reply *to, const struct record_reply *from)
{
	f->mail->caps.memory += !reply_own(to, from);
}

static void
refusal_own(struct mail_flow *f, struct session_refusal *to, const struct session_refusal *from)
{
	*to = *from;
	to->line = to->reply.text = NULL;
	if (from->line != NULL)
		mail_text_own(f, &to->line, RECORD_LINE, from->line, strlen(from->line));
	mail_reply_own(f, &to->reply, &from->reply);
}

/* The first ones tell the cause, the last ones the end. */
void
mail_refusal_add(struct mail_flow *f, const struct session_refusal *r)
{
	struct record_session *s = f->session;
	const uint32_t half = RECORD_REFUSALS / 2;

	s->refusal_count++;
	if (f->refusals == NULL && (f->refusals = calloc(RECORD_REFUSALS, sizeof(*r))) == NULL) {
		f->mail->caps.memory++;
		return;
	}
	if (s->refusals_kept < RECORD_REFUSALS) {
		refusal_own(f, &f->refusals[s->refusals_kept++], r);
		return;
	}
	refusal_disown(&f->refusals[half]);
	memmove(
	    &f->refusals[half], &f->refusals[half + 1], (RECORD_REFUSALS - half - 1) * sizeof(*r));
	refusal_own(f, &f->refusals[RECORD_REFUSALS - 1], r);
}

/* ---- events --------------------------------------------------------------- */

/* The frame of a byte; when the ring has forgotten it, the frame at hand. */
static struct moment
frame_at(const struct mail_flow *f, enum dissect_dir dir, uint64_t off, struct moment otherwise)
{
	struct moment m = { 0 };

	if (f->opened.frames.at != NULL)
		m = f->opened.frames.at(f->opened.frames.flow, dir, off);
	return m.frame != 0 ? m : otherwise;
}

static void
tls_note(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct record_session *s = f->session;

	switch (ev->kind) {
	case EVENT_TLS:
		f->tls[ev->dir] = true;
		if (s->tls_at.frame == 0)
			s->tls_at = at;
		break;
	case EVENT_TLS_ALERT:
		if (s->tls_alert != 0 && ev->unsure)
			break;
		s->tls_alert = (uint8_t)(ev->code < 255 ? ev->code + 1 : 255);
		s->tls_alert_from = ev->dir == DIR_S2C;
		break;
	case EVENT_TLS_SPOKE:
		if (ev->dir == DIR_S2C)
			s->tls_answered = true;
		else if (ev->last &&
		    (s->app == APP_SMTP || s->app == APP_SMTPS || s->app == APP_SMTP_TUNNELLED))
			s->tls_goodbye = at;
		else /* in POP3, CAPA and STAT are as short */
			s->tls_spoke = true;
		if (s->tls_spoke && s->tls_spoke_at.frame == 0)
			s->tls_spoke_at = at;
		break;
	case EVENT_TLS_CLOSE:
		if (s->tls_close.frame == 0) {
			s->tls_close = at;
			s->tls_close_from = ev->dir == DIR_S2C;
		}
		break;
	case EVENT_TLS_HANDSHAKE:
		if (ev->code == TLS_FINISHED)
			f->tls_finished[ev->dir] = true;
		if (ev->code == TLS_CLIENT_HELLO && ev->dir == DIR_C2S) {
			s->tls_offered = (uint16_t)ev->arg_num;
			s->tls_hello_bytes =
			    ev->end - ev->off <= UINT32_MAX ? (uint32_t)(ev->end - ev->off) : 0;
		}
		if (ev->code == TLS_SERVER_HELLO && ev->dir == DIR_S2C)
			s->tls_chosen = (uint16_t)ev->arg_num;
		if (ev->code == TLS_CERTIFICATE && ev->dir == DIR_C2S) {
			s->tls_no_certificate = ev->arg_num <= 4;
			s->tls_certificate = ev->arg_num > 4;
		}
		if (ev->code == TLS_CERTIFICATE && ev->dir == DIR_S2C && s->tls_issuer == NULL)
			mail_text_own(f, &s->tls_issuer, RECORD_HEADER, ev->arg, ev->arg_len);
		s->tls_finished = f->tls_finished[DIR_C2S] && f->tls_finished[DIR_S2C];
		break;
	default: break;
	}
}

/* A STARTTLS that was taken, and who goes on in plain text behind it. */
static void
plain_note(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct record_session *s = f->session;
	bool taken = s->starttls_tried && s->starttls_reply.at.frame != 0 &&
	    (s->starttls_reply.code == 1 || s->starttls_reply.code / 100 == 2);
	char text[RECORD_WORDS];
	struct record_reply r;

	if (!taken || ev->unsure || ev->guess)
		return;
	if (ev->kind == EVENT_REPLY && f->tls[DIR_C2S] && s->tls_plain.at.frame == 0) {
		mail_reply_set(&r, text, ev, at);
		mail_reply_own(f, &s->tls_plain, &r);
	}
	if (ev->kind == EVENT_COMMAND && !f->tls[DIR_C2S] && s->tls_unused.frame == 0)
		s->tls_unused = at;
}

static void
session_note(struct mail_flow *f, const struct dissect_event *ev, struct moment at)
{
	struct record_session *s = f->session;

	tls_note(f, ev, at);
	if (ev->kind == EVENT_GAP) {
		s->gap_client |= ev->dir == DIR_C2S;
		s->gap_server |= ev->dir == DIR_S2C;
	}
	plain_note(f, ev, at);
	if (f->compared &&
	    (ev->kind == EVENT_COMMAND || ev->kind == EVENT_REPLY || ev->kind == EVENT_NOISE) &&
	    ev->line != NULL) {
		mail_sum_push(&f->said[ev->dir], ev->line, ev->line_len);
		mail_sum_push(&f->said[ev->dir], "\n", 1);
	}
	if (ev->kind == EVENT_REPLY && f->tls[DIR_C2S])
		f->plain_after = true;
	if (ev->dir == DIR_C2S && ev->odd != 0)
		s->odd |= ev->odd & ~(uint32_t)ODD_EARLY;
}

static void
flow_event(void *ctx, const struct dissect_event *ev)
{
	struct mail_flow *f = ctx;
	const struct mail_options *o = &f->mail->o;
	struct moment now = { ev->ts_ns, f->now.frame };
	struct moment from = frame_at(f, ev->dir, ev->off, now);
	struct moment to = ev->end > ev->off ? frame_at(f, ev->dir, ev->end - 1, now) : from;

	session_note(f, ev, from);
	f->protocol->event(f, ev, from, to);
	if (o->transcript != NULL) /* content may take minutes: its end is told when it came */
		o->transcript(o->transcript_ctx, &f->opened,
		    ev->kind == EVENT_CONTENT_END ? to : from, to.frame, ev);
}

/* ---- the watcher ---------------------------------------------------------- */

static void
flow_free(struct mail_flow *f)
{
	if (f->state != NULL && f->protocol->wipe != NULL)
		f->protocol->wipe(f);
	mail_content_forget(f);
	free(f->state);
	session_free(f->session, f->refusals);
	free(f);
}

static void
session_begin(struct mail_flow *f, const struct flow_opened *o)
{
	struct record_session *s = f->session;

	s->app = o->app;
	s->client = o->client;
	s->server = o->server;
	s->midstream = o->hint.midstream;
}

static void *
watcher_open(void *ctx, const struct flow_opened *o)
{
	const struct mail_protocol *protocol = protocol_of(o->app);
	struct mail *m = ctx;
	struct mail_flow *f;
	struct dissect_sink sink;

	if (protocol == NULL)
		return NULL;
	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->state = calloc(1, protocol->state_size + 1)) == NULL ||
	    (f->session = session_new()) == NULL)
		goto fail;
	f->mail = m;
	f->compared = m->compare;
	f->protocol = protocol;
	f->opened = *o;
	f->opened.hint.budget = &m->budget;
	f->opened.hint.show_users = m->o.show_users;
	session_begin(f, o);
	if (protocol->begin != NULL)
		protocol->begin(f);
	sink = (struct dissect_sink){ flow_event, f };
	f->dissector = protocol->dissector->open(&sink, &f->opened.hint);
	if (f->dissector != NULL)
		return f;
	flow_free(f);
	f = NULL;
fail:
	if (f != NULL) {
		free(f->state);
		free(f->session);
	}
	free(f);
	m->caps.memory++;
	return NULL;
}

static void
first_byte_note(struct record_session *s, enum dissect_dir dir, uint8_t b)
{
	bool *seen = dir == DIR_C2S ? &s->client_seen : &s->server_seen;

	if (*seen)
		return;
	*seen = true;
	*(dir == DIR_C2S ? &s->client_first_byte : &s->server_first_byte) = (uint16_t)(b + 1);
}

/*
 * What begins with a letter is no mail server, and its first words tell what it is.  Joined in the
 * middle it may be anybody's mail.
 */
static void
opening_note(struct mail_flow *f, const uint8_t *p, size_t len)
{
	size_t n = 0;

	if (!(p[0] >= 'A' && p[0] <= 'Z') && !(p[0] >= 'a' && p[0] <= 'z'))
		return;
	while (n < len && n < OPENING_MOST && p[n] >= ' ' && p[n] < 0x7f)
		n++;
	mail_text_own(f, &f->session->server_opening, RECORD_LINE, (const char *)p, n);
}

/*
 * Bytes that lay behind a hole come late: their own frame tells when they were sent.
 * Each copy is made of `now', not of the last one: a read of what was just written waits for all
 * writes before it.
 */
static void
flow_now(struct mail_flow *f, enum dissect_dir dir, uint64_t off, struct moment at)
{
	struct record_session *s = f->session;
	const struct moment now = frame_at(f, dir, off, at);

	f->now = now;
	if (s->first.frame == 0 || now.ns < s->first.ns)
		s->first = now;
	if (s->last.frame == 0 || now.ns > s->last.ns)
		s->last = now;
}

static void
watcher_data(
    void *mail, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	struct mail_flow *f = mail;
	struct record_session *s;
	size_t skip;

	if (f == NULL || len == 0)
		return;
	s = f->session;
	if (dir == DIR_C2S && off == 0 && !s->midstream &&
	    (skip = proxy_header_length(p, len)) > 0) {
		s->proxy_header = true;
		off += skip; /* the client's own words begin behind it */
		p += skip;
		len -= skip;
		if (len == 0)
			return;
	}
	flow_now(f, dir, off, at);
	first_byte_note(s, dir, p[0]);
	if (dir == DIR_S2C && off == 0 && !s->midstream && s->greeting_begun.frame == 0)
		opening_note(f, p, len);
	if (dir == DIR_S2C && s->greeting_begun.frame == 0)
		s->greeting_begun = f->now;
	f->protocol->dissector->data(f->dissector, dir, off, f->now.ns, p, len);
}

/* Of each what every piece of a body asks: it comes first. */
static void
watcher_fetch(const void *mail)
{
	const struct mail_flow *f = mail;

	cache_fetch(f->session, 0, 192);
	cache_fetch(f->dissector, 0, 320);
	cache_fetch(f->state, 0, 64);
	if (f->message != NULL)
		message_fetch(f->message);
}

static void
watcher_gap(void *mail, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
    struct moment at)
{
	struct mail_flow *f = mail;

	if (f == NULL || missing == 0)
		return;
	f->now = at;
	f->protocol->dissector->gap(f->dissector, dir, off, missing, heard, at.ns);
}

/*
 * Who was seen, by the packets as well as by their bytes.  A port of implicit
 * TLS on which plain text was spoken is a plain session.
 */
static void
session_end(struct mail_flow *f, const struct record_connection *facts)
{
	struct record_session *s = f->session;

	if (facts != NULL) {
		s->client_seen |= facts->dir[0].packets != 0;
		s->server_seen |= facts->dir[1].packets != 0;
	}
	s->tls = f->tls[DIR_S2C] || (f->tls[DIR_C2S] && !f->plain_after);
	if (s->visible && s->app == APP_SMTPS)
		s->app = APP_SMTP;
	if (s->visible && s->app == APP_POP3S)
		s->app = APP_POP3;
}

/* Messages go the way of who sends them. */
static void
sums_note(struct mail_flow *f)
{
	struct record_session *s = f->session;
	bool fetched = f->protocol != &mail_smtp;

	s->client_sum = mail_sum_value(&f->said[DIR_C2S]) + (fetched ? 0 : f->contents);
	s->server_sum = mail_sum_value(&f->said[DIR_S2C]) + (fetched ? f->contents : 0);
}

static void
watcher_close(void *mail, const struct record_connection *facts)
{
	struct mail_flow *f = mail;
	struct record r;

	if (f == NULL)
		return;
	f->protocol->dissector->close(f->dissector);
	session_end(f, facts);
	f->protocol->end(f, facts);
	sums_note(f);
	r.type = RECORD_SESSION;
	session_copy(&r.session, f->session, f->refusals);
	mail_emit(f, &r, 0, 0);
	flow_free(f);
}

struct flow_watcher
mail_watcher(struct mail *m)
{
	return (struct flow_watcher){
		.open = watcher_open,
		.data = watcher_data,
		.gap = watcher_gap,
		.fetch = watcher_fetch,
		.close = watcher_close,
		.ctx = m,
	};
}
