/* test_tls.c - TLS from outside: who offered what, who ended it and why. */
#include "check.h"
#include "dissectors/tls/tls.h"

struct log {
	char text[4096];
	size_t len;
};

static void
say_event(void *ctx, const struct dissect_event *ev)
{
	struct log *l = ctx;
	int n;

	n = snprintf(l->text + l->len, sizeof(l->text) - l->len, "%c %s %u %llx%s%s%s%.*s\n",
	    ev->dir == DIR_C2S ? 'C' : 'S',
	    ev->kind == EVENT_TLS_ALERT       ? "alert"
		: ev->kind == EVENT_TLS_CLOSE ? "close"
		: ev->kind == EVENT_TLS_SPOKE ? "spoke"
					      : "handshake",
	    ev->code, (unsigned long long)ev->arg_num, ev->unsure ? " unsure" : "",
	    ev->last ? " last" : "", ev->arg_len > 0 ? " " : "", (int)ev->arg_len, ev->arg);
	if (n > 0 && (size_t)n < sizeof(l->text) - l->len)
		l->len += (size_t)n;
}

/* ---- building records -------------------------------------------------------------- */

struct bytes {
	uint8_t b[8192];
	size_t len;
};

static void
put(struct bytes *o, const void *p, size_t len)
{
	memcpy(o->b + o->len, p, len);
	o->len += len;
}

static void
put_u(struct bytes *o, uint32_t v, int size)
{
	while (size-- > 0)
		o->b[o->len++] = (uint8_t)(v >> (8 * size));
}

static void
put_record(struct bytes *o, uint8_t type, const void *p, size_t len)
{
	put_u(o, type, 1);
	put_u(o, 0x0303, 2);
	put_u(o, (uint32_t)len, 2);
	put(o, p, len);
}

static void
put_handshake(struct bytes *o, uint8_t type, const struct bytes *body)
{
	struct bytes m = { .len = 0 };

	put_u(&m, type, 1);
	put_u(&m, (uint32_t)body->len, 3);
	put(&m, body->b, body->len);
	put_record(o, 22, m.b, m.len);
}

/* `pad' bytes of some extension stand before the others. */
static void
client_hello(struct bytes *o, const char *name, bool tls13, size_t pad)
{
	struct bytes h = { .len = 0 }, x = { .len = 0 };
	static const uint8_t zero[8192];
	size_t n = strlen(name);

	put_u(&x, 0x0015, 2);
	put_u(&x, (uint32_t)pad, 2);
	put(&x, zero, pad);
	if (tls13) {
		put_u(&x, 43, 2);
		put_u(&x, 7, 2);
		put_u(&x, 6, 1);
		put_u(&x, 0x7a7a, 2); /* GREASE */
		put_u(&x, 0x0304, 2);
		put_u(&x, 0x0303, 2);
	}
	if (n > 0) {
		put_u(&x, 0, 2);
		put_u(&x, (uint32_t)n + 5, 2);
		put_u(&x, (uint32_t)n + 3, 2);
		put_u(&x, 0, 1);
		put_u(&x, (uint32_t)n, 2);
		put(&x, name, n);
	}
	put_u(&h, 0x0303, 2);
	put(&h, zero, 32);
	put_u(&h, 0, 1);
	put_u(&h, 2, 2);
	put_u(&h, 0x1301, 2);
	put_u(&h, 1, 1);
	put_u(&h, 0, 1);
	put_u(&h, (uint32_t)x.len, 2);
	put(&h, x.b, x.len);
	put_handshake(o, TLS_CLIENT_HELLO, &h);
}

static void
server_hello(struct bytes *o, bool tls13)
{
	struct bytes h = { .len = 0 };
	static const uint8_t random[32] = { 1 };

	put_u(&h, 0x0303, 2);
	put(&h, random, 32);
	put_u(&h, 0, 1);
	put_u(&h, 0x1301, 2);
	put_u(&h, 0, 1);
	if (tls13) {
		put_u(&h, 6, 2);
		put_u(&h, 43, 2);
		put_u(&h, 2, 2);
		put_u(&h, 0x0304, 2);
	}
	put_handshake(o, TLS_SERVER_HELLO, &h);
}

/* ---- playing ------------------------------------------------------------------------ */

struct turn {
	enum dissect_dir dir;
	const struct bytes *bytes;
};

static struct log log_whole, log_pieces;
static struct tls_observer whole, pieces;

static void
observe(struct tls_observer *t, struct log *l, const struct turn *turns, size_t count, size_t chunk)
{
	struct dissect_sink sink = { say_event, l };
	uint64_t off[2] = { 0, 0 };
	size_t n;

	tls_init(t);
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < count; i++)
		for (size_t at = 0; at < turns[i].bytes->len; at += n) {
			n = chunk < turns[i].bytes->len - at ? chunk : turns[i].bytes->len - at;
			tls_observe(t, turns[i].dir, off[turns[i].dir], 0, turns[i].bytes->b + at,
			    n, &sink);
			off[turns[i].dir] += n;
		}
}

static const char *
play(const struct turn *turns, size_t count)
{
	observe(&whole, &log_whole, turns, count, SIZE_MAX);
	for (size_t chunk = 1; chunk < 8; chunk++) {
		observe(&pieces, &log_pieces, turns, count, chunk);
		CHECK_EQ_STR(log_pieces.text, log_whole.text);
		CHECK(memcmp(&pieces.facts, &whole.facts, sizeof(whole.facts)) == 0);
	}
	return log_whole.text;
}

#define PLAY(...) \
	play((const struct turn[]){ __VA_ARGS__ }, \
	    sizeof((const struct turn[]){ __VA_ARGS__ }) / sizeof(struct turn))

/* ---- the tests ------------------------------------------------------------------------ */

static void
tls12_and_a_refused_certificate(void)
{
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, alert = { .len = 0 },
		     cert = { .len = 0 };

	client_hello(&hello, "mail.example.net", false, 0);
	server_hello(&flight, false);
	put_u(&cert, 0, 3);
	put_handshake(&flight, TLS_CERTIFICATE, &cert);
	put_record(&alert, 21, "\x02\x30", 2);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &alert }),
	    "C handshake 1 303 mail.example.net\nS handshake 2 303\nS handshake 11 0\nC alert 48 2\n");
	CHECK_EQ_STR(whole.facts.name, "mail.example.net");
	CHECK_EQ_STR(tls_alert_name(whole.facts.alert[DIR_C2S]), "unknown_ca");
	CHECK(!whole.facts.finished[0] && !whole.facts.finished[1]);
}

/* The issuer is in clear, whatever follows it in the certificate, and however large that is. */
static void
tls12_issuer(void)
{
	static const uint8_t head[] = { 0x30, 0x82, 0x13, 0x00, 0x30, 0x82, 0x12, 0xf0, 0x02, 0x01,
		0x05, 0x30, 0x00, 0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03,
		0x0c, 0x02, 'C', 'A' },
			     rest[5000] = { 0 };
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, cert = { .len = 0 };

	client_hello(&hello, "", false, 0);
	server_hello(&flight, false);
	put_u(&cert, sizeof(head) + sizeof(rest) + 3, 3);
	put_u(&cert, sizeof(head) + sizeof(rest), 3);
	put(&cert, head, sizeof(head));
	put(&cert, rest, sizeof(rest));
	put_handshake(&flight, TLS_CERTIFICATE, &cert);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }),
	    "C handshake 1 303\nS handshake 2 303\nS handshake 11 0 CA\n");
	CHECK_EQ_STR(whole.facts.issuer, "CA");
}

static void
tls12_to_its_end(void)
{
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, done = { .len = 0 },
		     close_it = { .len = 0 };
	static const uint8_t hidden[40];

	client_hello(&hello, "", false, 0);
	server_hello(&flight, false);
	put_record(&done, 20, "\x01", 1);
	put_record(&done, 22, hidden, 40);
	put_record(&close_it, 21, hidden, 26);
	CHECK_EQ_STR(
	    PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done }, { DIR_S2C, &done },
		{ DIR_C2S, &close_it }, { DIR_C2S, &close_it }, { DIR_S2C, &close_it }),
	    "C handshake 1 303\nS handshake 2 303\nC handshake 20 0\nS handshake 20 0\nC close 0 0\nS close 0 0\n");
	CHECK_EQ_INT(whole.facts.first_hidden[DIR_C2S], 40);
}

static void
tls12_alert_behind_change_cipher_spec(void)
{
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, done = { .len = 0 };
	static const uint8_t hidden[26];

	client_hello(&hello, "", false, 0);
	server_hello(&flight, false);
	put_record(&done, 20, "\x01", 1);
	put_record(&done, 21, hidden, 26);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done }),
	    "C handshake 1 303\nS handshake 2 303\nC alert 254 0 unsure\n");
}

/* The server's flight is hidden in TLS 1.3; the client's answer tells that it was whole. */
static void
tls13_done_and_tls13_refused(void)
{
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, done = { .len = 0 },
		     alert = { .len = 0 };
	static const uint8_t hidden[600];

	client_hello(&hello, "mx.example", true, 0);
	server_hello(&flight, true);
	put_record(&flight, 20, "\x01", 1);
	put_record(&flight, 23, hidden, 600);
	put_record(&done, 20, "\x01", 1);
	put_record(&done, 23, hidden, 53);
	put_record(&alert, 20, "\x01", 1);
	put_record(&alert, 23, hidden, 19);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }),
	    "C handshake 1 304 mx.example\nS handshake 2 304\n");
	CHECK(!whole.facts.finished[DIR_S2C]);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done }),
	    "C handshake 1 304 mx.example\nS handshake 2 304\nS handshake 20 0\nC handshake 20 0\n");
	CHECK(whole.facts.finished[DIR_C2S] && whole.facts.finished[DIR_S2C]);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &alert }),
	    "C handshake 1 304 mx.example\nS handshake 2 304\nC alert 254 0 unsure\n");
	CHECK_EQ_INT(whole.facts.first_hidden[DIR_C2S], 19);
	alert.len = 0;
	put_record(&alert, 23, hidden, 35); /* 16 bytes of padding: Java */
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &alert }),
	    "C handshake 1 304 mx.example\nS handshake 2 304\nC alert 254 0 unsure\n");
	done.len = 0;
	put_record(&done, 23, hidden, 45); /* the shortest Finished, that of CCM_8 */
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done }),
	    "C handshake 1 304 mx.example\nS handshake 2 304\nS handshake 20 0\nC handshake 20 0\n");
}

/*
 * Behind the handshake: whether the client says anything, and that it had no certificate where one
 * was wanted.
 */
static void
what_the_client_says(void)
{
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, done = { .len = 0 },
		     data = { .len = 0 }, close_it = { .len = 0 }, none = { .len = 0 };
	struct bytes quit = { .len = 0 };
	static const uint8_t hidden[600];

	client_hello(&hello, "", true, 0);
	server_hello(&flight, true);
	put_record(&flight, 23, hidden, 600);
	put_record(&done, 20, "\x01", 1);
	put_record(&done, 23, hidden, 25); /* no certificate */
	put_record(&done, 23, hidden, 53);
	put_record(&data, 23, hidden, 40);
	put_record(&close_it, 23, hidden, 19);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_S2C, &data }, { DIR_S2C, &close_it }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 4\nS handshake 20 0\nC handshake 20 0\nS spoke 0 0\nS close 0 0\n");
	CHECK(!whole.facts.spoke);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_S2C, &data }, { DIR_C2S, &data }, { DIR_C2S, &data }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 4\nS handshake 20 0\nC handshake 20 0\nS spoke 0 0\nC spoke 0 0\n");
	put_record(&quit, 23, hidden, 23); /* six bytes: perhaps a goodbye; what follows tells */
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_C2S, &quit }, { DIR_C2S, &close_it }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 4\nS handshake 20 0\nC handshake 20 0\nC spoke 0 0 last\nC close 0 0\n");
	CHECK(!whole.facts.spoke);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_C2S, &quit }, { DIR_C2S, &quit }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 4\nS handshake 20 0\nC handshake 20 0\nC spoke 0 0 last\nC spoke 0 0\n");
	hello.len = flight.len = done.len = 0;
	client_hello(&hello, "", false, 0);
	server_hello(&flight, false);
	put_u(&none, 0, 3);
	put_handshake(&done, TLS_CERTIFICATE, &none);
	put_record(&done, 20, "\x01", 1);
	put_record(&done, 22, hidden, 40);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done }),
	    "C handshake 1 303\nS handshake 2 303\nC handshake 11 3\nC handshake 20 0\n");
}

/*
 * Certificate, CertificateVerify and Finished of a client, in records of their own or in one, are
 * no words of it.
 */
static void
a_client_that_shows_a_certificate(void)
{
	struct bytes hello = { .len = 0 }, flight = { .len = 0 }, done = { .len = 0 },
		     joined = { .len = 0 }, data = { .len = 0 }, alert = { .len = 0 };
	static const uint8_t hidden[1000];

	client_hello(&hello, "", true, 0);
	server_hello(&flight, true);
	put_record(&flight, 23, hidden, 600);
	put_record(&done, 23, hidden, 700);
	put_record(&done, 23, hidden, 281);
	put_record(&done, 23, hidden, 53);
	put_record(&joined, 23, hidden, 1000);
	put_record(&data, 23, hidden, 40);
	put_record(&alert, 23, hidden, 19);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_S2C, &alert }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 2bc\nS handshake 20 0\nC handshake 20 0\nS close 0 0\n");
	CHECK(!whole.facts.spoke && !whole.facts.answered);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_C2S, &data }, { DIR_S2C, &data }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 2bc\nS handshake 20 0\nC handshake 20 0\nC spoke 0 0\nS spoke 0 0\n");
	CHECK(whole.facts.spoke && whole.facts.answered);
	PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &joined }, { DIR_C2S, &data });
	CHECK(whole.facts.spoke);
	PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &joined }, { DIR_S2C, &alert });
	CHECK(!whole.facts.spoke);
	done.len = 0;
	put_record(
	    &done, 23, hidden, 41); /* Java: none, and Finished, with 16 bytes of padding each */
	put_record(&done, 23, hidden, 69);
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done },
			 { DIR_S2C, &alert }),
	    "C handshake 1 304\nS handshake 2 304\nC handshake 11 4\nS handshake 20 0\nC handshake 20 0\nS close 0 0\n");
	done.len = 0;
	put_record(&done, 23, hidden, 716);
	put_record(&done, 23, hidden, 297);
	put_record(&done, 23, hidden, 69);
	PLAY({ DIR_C2S, &hello }, { DIR_S2C, &flight }, { DIR_C2S, &done }, { DIR_S2C, &alert });
	CHECK(!whole.facts.spoke);
}

static void
a_hello_larger_than_what_is_kept(void)
{
	struct bytes hello = { .len = 0 }, alert = { .len = 0 };

	client_hello(&hello, "far.example", true, 3000);
	put_record(&alert, 21, "\x02\x28", 2);
	CHECK_EQ_STR(
	    PLAY({ DIR_C2S, &hello }, { DIR_S2C, &alert }), "C handshake 1 303\nS alert 40 2\n");
	hello.len = 0;
	client_hello(&hello, "near.example", true, 1700); /* post-quantum key shares */
	CHECK_EQ_STR(PLAY({ DIR_C2S, &hello }), "C handshake 1 304 near.example\n");
}

static void
what_is_not_tls_is_not_followed(void)
{
	struct bytes hello = { .len = 0 }, plain = { .len = 0 };

	client_hello(&hello, "", false, 0);
	put(&plain, "\x16-ERR what\r\n", 12);
	PLAY({ DIR_C2S, &hello }, { DIR_S2C, &plain });
	CHECK(whole.facts.lost[DIR_S2C] && !whole.facts.lost[DIR_C2S]);
	CHECK(tls_starts((const uint8_t *)"\x16\x03\x01", 3) &&
	    tls_starts((const uint8_t *)"\x16", 1));
	CHECK(!tls_starts((const uint8_t *)"\x16\x04", 2) && !tls_starts((const uint8_t *)"E", 1) &&
	    !tls_starts(NULL, 0));
}

static void
a_gap_loses_the_records(void)
{
	struct bytes hello = { .len = 0 };
	struct tls_observer t;

	client_hello(&hello, "", false, 0);
	tls_init(&t);
	tls_observe(&t, DIR_C2S, 0, 0, hello.b, 20, NULL);
	tls_gap(&t, DIR_C2S, 10);
	tls_observe(&t, DIR_C2S, 30, 0, hello.b + 30, hello.len - 30, NULL);
	CHECK(t.facts.lost[DIR_C2S]);
	CHECK_EQ_INT(t.facts.offered, 0);
}

static void
names_of_alerts(void)
{
	CHECK_EQ_STR(tls_alert_name(0), "close_notify");
	CHECK_EQ_STR(tls_alert_name(70), "protocol_version");
	CHECK_EQ_STR(tls_alert_name(1), "unassigned");
	CHECK_EQ_STR(tls_alert_name(100000), "unassigned");
}

static void
every_prefix_is_safe(void)
{
	struct bytes all = { .len = 0 };
	struct tls_observer t;

	client_hello(&all, "mail.example.net", true, 10);
	for (size_t n = 0; n <= all.len; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, all.b, n);
		tls_init(&t);
		tls_observe(&t, DIR_C2S, 0, 0, copy, n, NULL);
		CHECK_EQ_INT(t.facts.offered, n < all.len ? 0 : 0x0304);
		free(copy);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "TLS 1.2, a refused certificate", tls12_and_a_refused_certificate },
		{ "TLS 1.2: the issuer", tls12_issuer },
		{ "TLS 1.2 to its end", tls12_to_its_end },
		{ "TLS 1.2, an encrypted alert", tls12_alert_behind_change_cipher_spec },
		{ "TLS 1.3, done and refused", tls13_done_and_tls13_refused },
		{ "what the client says behind it", what_the_client_says },
		{ "a client that shows a certificate", a_client_that_shows_a_certificate },
		{ "a large hello", a_hello_larger_than_what_is_kept },
		{ "what is not TLS", what_is_not_tls_is_not_followed },
		{ "a gap", a_gap_loses_the_records },
		{ "names of alerts", names_of_alerts },
		{ "every prefix", every_prefix_is_safe },
	};

	return check_main("tls", tests, sizeof(tests) / sizeof(tests[0]));
}
