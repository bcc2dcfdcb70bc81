/*
 * tls.h - a TLS conversation as an outsider sees it: who said hello, which
 * version was chosen, who ended the handshake and why.  Nothing is decrypted.
 *
 * RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 6066 3 (server name).
 *
 * Record:     type(1) version(2) length(2) fragment
 * Handshake:  type(1) length(3) body; may span records, records may hold many
 * Alert:      level(1) description(1)
 *
 * The observer is flat (about 5 KiB): make one when a flow turns to TLS, zero
 * it with tls_init(), drop it when the flow ends.  It never allocates.
 */
#ifndef TLS_H
#define TLS_H

#include "dissectors/dissect_event.h"

enum tls_handshake_type {
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
	TLS_CERTIFICATE = 11,
	TLS_FINISHED = 20,
};

/* A close or failure that we know of but cannot read (an unassigned number). */
#define TLS_ALERT_HIDDEN 254

/* bytes of a hello or certificate that are looked at; the rest is skipped */
#define TLS_HELLO_KEPT 2048
#define TLS_NAME_MAX   256
#define TLS_ISSUER_MAX 160

struct tls_facts {
	uint16_t offered, chosen; /* highest version offered; version chosen; 0 = not seen */
	uint16_t suite;           /* chosen; 0 = not seen */
	char name[TLS_NAME_MAX];  /* server name asked for; "" = none */
	/* of the server's certificate, in clear up to TLS 1.2 (x509.h) */
	char issuer[TLS_ISSUER_MAX];
	bool ccs[2];              /* ChangeCipherSpec seen, per dissect_dir */
	bool finished[2];         /* a Finished (or what must contain it) was sent */
	uint16_t first_hidden[2]; /* length of the first encrypted record */
	bool alert_seen[2];
	uint8_t alert_level[2], alert[2]; /* the last; TLS_ALERT_HIDDEN = encrypted */
	bool spoke;                       /* the client sent data behind the handshake */
	bool answered;                    /* the server did, when the client had finished */
	bool short_word; /* TLS 1.3: its first were six bytes, as many as QUIT has */
	bool closed[2];  /* an encrypted alert behind the handshake */
	bool lost[2];    /* the records cannot be followed any more: gap, or not TLS */
	uint64_t records[2], bytes[2];
};

struct tls_side {
	uint8_t head[5], head_len; /* record header so far */
	uint16_t left;             /* bytes of the record to come */
	uint64_t record_off;
	bool hidden;         /* records are encrypted from here on */
	bool no_certificate; /* TLS 1.3: it was asked for one and has none */
	uint8_t flight;      /* TLS 1.3: it shows one; so many records may belong to that still */
	uint8_t alert[2], alert_len;
	uint8_t hs_head[4], hs_head_len;
	uint32_t hs_left;
	uint64_t hs_off;
	uint16_t hs_len; /* bytes in hs[] */
	uint8_t hs[TLS_HELLO_KEPT];
};

struct tls_observer {
	struct tls_facts facts;
	struct tls_side side[2];
};

/* True when a TLS record may start with these bytes (1 to 3 of them): 0x16 03 0x. */
bool tls_starts(const uint8_t *p, size_t len);
void tls_init(struct tls_observer *t);
/*
 * Any chunking.  Emits to `sink' (which may be NULL):
 * EVENT_TLS_HANDSHAKE: code = type; ClientHello: arg = server name, arg_num =
 *   highest version offered; ServerHello: arg_num = version chosen (0x0304 =
 *   TLS 1.3); TLS_CERTIFICATE of the server: arg = its issuer, of the client:
 *   arg_num = its length, at most 4 when it has none to show (TLS 1.3: of the record that must be
 * one); TLS_FINISHED: this side completed its flight (seen from outside: the first encrypted record
 * that is no alert; in TLS 1.3 that of the client tells of both, the server's first).  The
 * handshake is done when both did. EVENT_TLS_ALERT: code = description, arg_num = level.  An
 * encrypted alert has code TLS_ALERT_HIDDEN, arg_num 0 and `unsure'; it is told only while the
 * handshake is not known to be finished on both sides. EVENT_TLS_SPOKE: the client's first data
 * behind it.  (In TLS 1.3 what proves a certificate of its own is told from that by its sizes.)
 * `last': six bytes, which may be a goodbye; if more follow, it comes again without.  The server's
 * first data when the client had finished, be it a ticket, is told the same way. EVENT_TLS_CLOSE:
 * the first encrypted alert behind it: close_notify, or a failure; this side ends the session.
 */
void tls_observe(struct tls_observer *t, enum dissect_dir dir, uint64_t off, int64_t ts_ns,
    const uint8_t *p, size_t len, const struct dissect_sink *sink);
/* Bytes are missing: records of `dir' cannot be followed from here. */
void tls_gap(struct tls_observer *t, enum dissect_dir dir, uint64_t missing);
/* Name of an alert description: "unknown_ca"; "unassigned" when there is none. */
const char *tls_alert_name(unsigned int description);

#endif /* TLS_H */
