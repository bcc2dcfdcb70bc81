/* tls.c - walking TLS records from outside (RFC 8446 5.1, RFC 5246 6.2). */
#include <string.h>

#include "dissectors/tls/tls.h"
#include "dissectors/tls/tls_hello.h"
#include "dissectors/wire.h"
#include "dissectors/tls/x509.h"

enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

/*
 * TLS 1.3: alert(2) + inner type(1) + tag(16); an empty Certificate(4 + 1 + 3) + type + tag,
 * shorter than any Finished.
 */
#define ALERT_13_LEN          19
#define NO_CERTIFICATE_13_LEN 25
/* RFC 8446 5.4; Java adds so many to alerts and to its part of the handshake */
#define PADDING_13           16
#define SIX_BYTES_13_LEN     23  /* "QUIT" and its line end, type, tag */
#define FINISHED_13_LEAST    45  /* header(4) + SHA-256(32) + type + the shortest tag (8, CCM_8) */
#define CERTIFICATE_13_LEAST 128 /* of a client that has one: the shortest are twice as long */
/* header (4), scheme and length (4), the shortest signature (64, less a few of ECDSA), type, tag */
#define VERIFY_13_LEAST 85

/* One call of tls_observe(), so that helpers need not drag it all along. */
struct walk {
	struct tls_observer *t;
	struct tls_side *s;
	enum dissect_dir dir;
	int64_t ts_ns;
	const struct dissect_sink *sink;
	uint64_t off; /* of the next byte */
};

bool
tls_starts(const uint8_t *p, size_t len)
{
	return len > 0 && p[0] == RECORD_HANDSHAKE && (len < 2 || p[1] == 3) &&
	    (len < 3 || p[2] <= 4);
}

void
tls_init(struct tls_observer *t)
{
	memset(t, 0, sizeof(*t));
}

static void
emit(const struct walk *w, struct dissect_event *ev)
{
	if (w->sink == NULL)
		return;
	ev->dir = w->dir;
	ev->ts_ns = w->ts_ns;
	w->sink->emit(w->sink->ctx, ev);
}

static void
handshake_emit(const struct walk *w, uint16_t type, uint64_t number, uint64_t off, const char *name)
{
	struct dissect_event ev = {
		.kind = EVENT_TLS_HANDSHAKE,
		.code = type,
		.arg_num = number,
		.off = off,
		.end = w->off,
		.line = "",
		.arg = name,
		.arg_len = strlen(name),
	};

	emit(w, &ev);
}

static void
alert_emit(const struct walk *w, uint8_t level, uint8_t description, uint64_t off)
{
	struct dissect_event ev = {
		.kind = EVENT_TLS_ALERT,
		.code = description,
		.arg_num = level,
		.off = off,
		.end = w->off,
		.line = "",
		.arg = "",
		.unsure = description == TLS_ALERT_HIDDEN,
	};

	w->t->facts.alert_seen[w->dir] = true;
	w->t->facts.alert_level[w->dir] = level;
	w->t->facts.alert[w->dir] = description;
	emit(w, &ev);
}

static void
close_emit(const struct walk *w, uint64_t off)
{
	struct dissect_event ev = {
		.kind = EVENT_TLS_CLOSE, .off = off, .end = w->off, .line = "", .arg = ""
	};

	if (w->t->facts.closed[w->dir])
		return;
	w->t->facts.closed[w->dir] = true;
	emit(w, &ev);
}

static void
hello_done(const struct walk *w, uint8_t type)
{
	struct tls_facts *f = &w->t->facts;
	struct tls_hello h;
	bool client = type == TLS_CLIENT_HELLO;

	if (tls_hello_parse(w->s->hs, w->s->hs_len, client, &h) != DISSECT_OK) {
		handshake_emit(w, type, 0, w->s->hs_off, "");
		return;
	}
	if (client) {
		f->offered = h.version;
		memcpy(f->name, h.name, sizeof(f->name));
	} else {
		f->chosen = h.version;
		f->suite = h.suite;
		if (h.version >= 0x0304 && !h.retry)
			w->s->hidden = true; /* RFC 8446 2: all that follows is encrypted */
	}
	handshake_emit(w, type, h.version, w->s->hs_off, h.name);
}

/*
 * RFC 5246 7.4.2: length(3) of the list, then length(3) certificate; the first is the server's own.
 */
static void
certificate_done(const struct walk *w)
{
	struct wire r = wire_init(w->s->hs, w->s->hs_len);
	char *issuer = w->t->facts.issuer;
	const uint8_t *p;
	size_t len;

	(void)wire_take(&r, 3);
	len = (size_t)wire_u8(&r) << 16;
	len |= wire_u16(&r);
	if (len > r.len - r.off)
		len = r.len - r.off; /* only its beginning was kept */
	p = wire_take(&r, len);
	if (p == NULL || x509_issuer_parse(p, len, issuer) != DISSECT_OK)
		issuer[0] = '\0';
	handshake_emit(w, TLS_CERTIFICATE, 0, w->s->hs_off, issuer);
}

static void
handshake_done(const struct walk *w)
{
	uint8_t type = w->s->hs_head[0];

	w->s->hs_head_len = 0;
	if ((type == TLS_CLIENT_HELLO && w->dir == DIR_C2S) ||
	    (type == TLS_SERVER_HELLO && w->dir == DIR_S2C))
		hello_done(w, type);
	else if (type == TLS_CERTIFICATE && w->dir == DIR_S2C)
		certificate_done(w);
	else
		handshake_emit(w, type,
		    type == TLS_CERTIFICATE ? w->off - w->s->hs_off - sizeof(w->s->hs_head) : 0,
		    w->s->hs_off, "");
	w->s->hs_len = 0;
}

/* One byte of a handshake message's header; at the fourth its length is known. */
static void
handshake_head(struct walk *w, uint8_t b)
{
	struct tls_side *s = w->s;

	if (s->hs_head_len == 0)
		s->hs_off = w->off - 1;
	s->hs_head[s->hs_head_len++] = b;
	if (s->hs_head_len < sizeof(s->hs_head))
		return;
	s->hs_left = (uint32_t)s->hs_head[1] << 16 | (uint32_t)s->hs_head[2] << 8 | s->hs_head[3];
	if (s->hs_left == 0)
		handshake_done(w);
}

static void
handshake_bytes(struct walk *w, const uint8_t *p, size_t len)
{
	struct tls_side *s = w->s;
	size_t n, keep;

	while (len > 0 && !s->hidden) {
		if (s->hs_head_len < sizeof(s->hs_head)) {
			w->off++;
			len--;
			handshake_head(w, *p++);
			continue;
		}
		n = len < s->hs_left ? len : s->hs_left;
		keep = sizeof(s->hs) - s->hs_len;
		if (keep > n)
			keep = n;
		if (s->hs_head[0] == TLS_CLIENT_HELLO || s->hs_head[0] == TLS_SERVER_HELLO ||
		    s->hs_head[0] == TLS_CERTIFICATE) {
			memcpy(s->hs + s->hs_len, p, keep);
			s->hs_len = (uint16_t)(s->hs_len + keep);
		}
		w->off += n;
		p += n;
		len -= n;
		s->hs_left -= (uint32_t)n;
		if (s->hs_left == 0)
			handshake_done(w);
	}
	w->off += len;
}

static void
alert_bytes(struct walk *w, const uint8_t *p, size_t len)
{
	struct tls_side *s = w->s;

	for (; len > 0; len--) {
		w->off++;
		s->alert[s->alert_len++] = *p++;
		if (s->alert_len == sizeof(s->alert)) {
			s->alert_len = 0;
			alert_emit(w, s->alert[0], s->alert[1], w->off - 2);
		}
	}
}

/*
 * TLS 1.3 hides the server's whole flight in records of one type; that it was
 * complete shows in the client's first encrypted record, which answers it.
 */
static void
finished_13(struct walk *w)
{
	struct tls_facts *f = &w->t->facts;
	struct walk server = *w;

	if (w->dir != DIR_C2S)
		return;
	server.dir = DIR_S2C;
	server.off = w->t->side[DIR_S2C].record_off;
	f->finished[DIR_S2C] = true;
	handshake_emit(&server, TLS_FINISHED, 0, server.off, "");
	f->finished[DIR_C2S] = true;
	handshake_emit(w, TLS_FINISHED, 0, w->s->record_off, "");
}

static bool
len_is(uint16_t len, uint16_t plain)
{
	return len == plain || len == plain + PADDING_13;
}

/*
 * The first of the client's that is hidden: Finished, or before it the answer to a server that
 * wants a certificate.
 */
static void
client_flight_13(struct walk *w, uint16_t len)
{
	if (w->dir == DIR_C2S && len_is(len, NO_CERTIFICATE_13_LEN) &&
	    w->t->facts.first_hidden[DIR_C2S] == len && !w->s->no_certificate) {
		w->s->no_certificate = true;
		handshake_emit(w, TLS_CERTIFICATE, 4, w->s->record_off, "");
		return;
	}
	if (w->dir == DIR_C2S && len >= CERTIFICATE_13_LEAST && !w->s->no_certificate) {
		w->s->flight = 2;
		handshake_emit(w, TLS_CERTIFICATE, len, w->s->record_off, "");
	}
	finished_13(w);
}

/* RFC 8446 4.4.4, B.4: header, the hash of the cipher suite, type, tag. */
static uint16_t
finished_13_len(uint16_t suite)
{
	if (suite == 0x1302) /* AES_256_GCM_SHA384 */
		return 69;
	return suite == 0x1305 ? FINISHED_13_LEAST : 53;
}

/*
 * Behind a client's certificate come what proves it is its own, and its Finished: two records, or
 * they were in the first.
 */
static bool
belongs_to_flight(const struct walk *w, uint16_t len)
{
	struct tls_side *s = w->s;

	if (s->flight == 0)
		return false;
	s->flight = len_is(len, finished_13_len(w->t->facts.suite)) || len < VERIFY_13_LEAST
	    ? 0
	    : (uint8_t)(s->flight - 1);
	return len_is(len, finished_13_len(w->t->facts.suite)) || s->flight > 0;
}

static void
spoke_emit(const struct walk *w, uint16_t len)
{
	struct dissect_event ev = { .kind = EVENT_TLS_SPOKE,
		.off = w->s->record_off,
		.end = w->off,
		.line = "",
		.arg = "" };
	struct tls_facts *f = &w->t->facts;

	if (w->s->head[0] != RECORD_DATA ||
	    (w->dir == DIR_C2S ? f->spoke : f->answered || !f->finished[DIR_C2S]))
		return;
	if (w->dir == DIR_S2C) {
		f->answered = true;
		emit(w, &ev);
		return;
	}
	ev.last = f->chosen >= 0x0304 && len == SIX_BYTES_13_LEN && !f->short_word;
	f->short_word |= ev.last;
	f->spoke = !ev.last;
	emit(w, &ev);
}

/*
 * The type or the length tells an alert from the rest.  A client that does not
 * finish has nothing else to say: what is too short for it is an alert that is
 * padded (RFC 8446 5.4; Java adds 16 bytes), or its answer to a server that
 * wants a certificate, which a Finished follows.
 */
static bool
record_is_alert(const struct walk *w, uint16_t len)
{
	const struct tls_facts *f = &w->t->facts;

	if (w->s->head[0] == RECORD_ALERT)
		return true;
	if (w->s->head[0] != RECORD_DATA || f->chosen < 0x0304)
		return false;
	return len == ALERT_13_LEN ||
	    (w->dir == DIR_C2S && !f->finished[DIR_C2S] && len < FINISHED_13_LEAST &&
		!len_is(len, NO_CERTIFICATE_13_LEN));
}

/* A record that cannot be read.  An alert behind the handshake is a close like any other. */
static void
hidden_record(struct walk *w)
{
	struct tls_facts *f = &w->t->facts;
	struct tls_side *s = w->s;
	uint16_t len = s->left;
	bool alert = record_is_alert(w, len);

	if (f->first_hidden[w->dir] == 0)
		f->first_hidden[w->dir] = len;
	if (alert && !(f->finished[0] && f->finished[1])) {
		alert_emit(w, 0, TLS_ALERT_HIDDEN, s->record_off);
	} else if (alert) {
		close_emit(w, s->record_off);
	} else if (!alert && !f->finished[w->dir] && f->chosen >= 0x0304) {
		client_flight_13(w, len);
	} else if (!alert && !f->finished[w->dir]) {
		f->finished[w->dir] = true;
		handshake_emit(w, TLS_FINISHED, 0, s->record_off, "");
	} else if (!belongs_to_flight(w, len)) {
		spoke_emit(w, len);
	}
}

static bool
head_plausible(const struct tls_side *s)
{
	uint16_t len = (uint16_t)(s->head[3] << 8 | s->head[4]);

	/* RFC 5246 6.2.3: at most 2^14 + 2048 */
	return s->head[0] >= RECORD_CCS && s->head[0] <= RECORD_DATA && s->head[1] == 3 &&
	    len <= 16384 + 2048;
}

/* In TLS 1.3 the client's encryption begins with its first record of application data. */
static bool
turns_hidden(const struct walk *w)
{
	const struct tls_side *s = w->s;

	return s->hidden || s->head[0] == RECORD_DATA ||
	    (s->head[0] == RECORD_ALERT && s->left != 2);
}

static void
record_begin(struct walk *w)
{
	struct tls_side *s = w->s;
	struct tls_facts *f = &w->t->facts;

	if (!head_plausible(s)) {
		f->lost[w->dir] = true;
		return;
	}
	s->left = (uint16_t)(s->head[3] << 8 | s->head[4]);
	s->record_off = w->off - sizeof(s->head);
	s->alert_len = 0;
	f->records[w->dir]++;
	if (s->head[0] == RECORD_CCS) {
		f->ccs[w->dir] = true;
	} else if (turns_hidden(w)) {
		s->hidden = true;
		hidden_record(w);
	}
}

static void
record_end(struct walk *w)
{
	struct tls_side *s = w->s;

	s->head_len = 0;
	/* RFC 8446 D.4: in TLS 1.3 the ChangeCipherSpec is make-believe. */
	if (s->head[0] == RECORD_CCS && w->t->facts.chosen < 0x0304)
		s->hidden = true;
}

static void
record_bytes(struct walk *w, const uint8_t *p, size_t len)
{
	struct tls_side *s = w->s;

	if (s->hidden || s->head[0] == RECORD_CCS || s->head[0] == RECORD_DATA)
		w->off += len;
	else if (s->head[0] == RECORD_HANDSHAKE)
		handshake_bytes(w, p, len);
	else
		alert_bytes(w, p, len);
}

void
tls_observe(struct tls_observer *t, enum dissect_dir dir, uint64_t off, int64_t ts_ns,
    const uint8_t *p, size_t len, const struct dissect_sink *sink)
{
	struct walk w = { t, &t->side[dir], dir, ts_ns, sink, off };
	struct tls_side *s = w.s;
	size_t n;

	t->facts.bytes[dir] += len;
	while (len > 0 && !t->facts.lost[dir]) {
		if (s->head_len < sizeof(s->head)) {
			s->head[s->head_len++] = *p++;
			len--;
			w.off++;
			if (s->head_len < sizeof(s->head))
				continue;
			record_begin(&w);
			if (s->left == 0)
				record_end(&w);
			continue;
		}
		n = len < s->left ? len : s->left;
		record_bytes(&w, p, n);
		p += n;
		len -= n;
		s->left = (uint16_t)(s->left - n);
		if (s->left == 0)
			record_end(&w);
	}
}

void
tls_gap(struct tls_observer *t, enum dissect_dir dir, uint64_t missing)
{
	struct tls_side *s = &t->side[dir];

	t->facts.bytes[dir] += missing;
	/* A gap inside an encrypted record hides nothing that could be read. */
	if (s->hidden && s->head_len == sizeof(s->head) && missing <= s->left) {
		s->left = (uint16_t)(s->left - missing);
		if (s->left == 0)
			s->head_len = 0;
		return;
	}
	t->facts.lost[dir] = true;
}
