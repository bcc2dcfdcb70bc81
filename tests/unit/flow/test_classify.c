#include "check.h"
#include "flow/classify/classify.h"

/* "S:220 x\r\n" lines, in order; the verdict after the last, or the first that is one. */
struct line {
	char who;
	const char *text;
	size_t len; /* 0: strlen */
};

#define L(who, text) \
	{ \
		who, text, sizeof(text) - 1 \
	}
#define END \
	{ \
		0, NULL, 0 \
	}

struct talk {
	const char *name;
	bool midstream;
	uint16_t port;
	struct line line[8];
	enum classify_answer answer;
	enum app_proto app;
	enum classified_by by;
};

static const struct talk talks[] = {
	{ "ESMTP greeting", false, 2526, { L('S', "220 mx.example ESMTP Postfix\r\n"), END },
	    CLASSIFY_MAIL, APP_SMTP, CLASS_GREETING },
	{ "a greeting of 52 bytes, which nDPI takes for MQTT", false, 2526,
	    { L('S', "220 mail.example.org SMTP server ready and waiting\r\n"), END },
	    CLASSIFY_MAIL, APP_SMTP, CLASS_GREETING },
	{ "220 that says nothing, then EHLO", false, 2526,
	    { L('S', "220 welcome\r\n"), L('C', "EHLO me\r\n"), END }, CLASSIFY_MAIL, APP_SMTP,
	    CLASS_CLIENT },
	{ "220 that says nothing, then USER: FTP", false, 2121,
	    { L('S', "220 welcome\r\n"), L('C', "USER me\r\n"), END }, CLASSIFY_NOT, APP_OTHER,
	    CLASS_NONE },
	{ "FTP's 220", false, 2121, { L('S', "220 (vsFTPd 3.0.3)\r\n"), END }, CLASSIFY_NOT,
	    APP_OTHER, CLASS_NONE },
	{ "554 as the first reply", false, 2526, { L('S', "554 go away\r\n"), END }, CLASSIFY_MAIL,
	    APP_SMTP, CLASS_GREETING },
	{ "421 as the first reply", false, 2526, { L('S', "421 too busy\r\n"), END }, CLASSIFY_MAIL,
	    APP_SMTP, CLASS_GREETING },
	{ "421 on the FTP port", false, 21, { L('S', "421 too many users\r\n"), END }, CLASSIFY_NOT,
	    APP_OTHER, CLASS_NONE },
	{ "client first", false, 2526, { L('C', "HELO me\r\n"), END }, CLASSIFY_MAIL, APP_SMTP,
	    CLASS_CLIENT },
	{ "LMTP", false, 24, { L('C', "LHLO me\r\n"), END }, CLASSIFY_MAIL, APP_SMTP,
	    CLASS_CLIENT },
	{ "HELOX is no HELO", false, 2526, { L('C', "HELOX\r\n"), END }, CLASSIFY_WAIT, APP_UNKNOWN,
	    CLASS_NONE },
	{ "mid-stream MAIL", true, 2526, { L('C', "MAIL FROM:<a@b>\r\n"), END }, CLASSIFY_MAIL,
	    APP_SMTP, CLASS_CLIENT },
	{ "mid-stream reply with an enhanced code", true, 2526, { L('S', "250 2.1.5 Ok\r\n"), END },
	    CLASSIFY_MAIL, APP_SMTP, CLASS_GREETING },
	{ "POP3 says so", false, 1100, { L('S', "+OK POP3 ready\r\n"), END }, CLASSIFY_MAIL,
	    APP_POP3, CLASS_GREETING },
	{ "+OK and a POP3 verb", false, 1100, { L('S', "+OK hello\r\n"), L('C', "CAPA\r\n"), END },
	    CLASSIFY_MAIL, APP_POP3, CLASS_GREETING },
	{ "+OK and something else", false, 1100,
	    { L('S', "+OK hello\r\n"), L('C', "GIMME\r\n"), END }, CLASSIFY_NOT, APP_OTHER,
	    CLASS_NONE },
	{ "IMAP", false, 1430, { L('S', "* OK ready\r\n"), END }, CLASSIFY_MAIL, APP_IMAP,
	    CLASS_GREETING },
	{ "HTTP CONNECT, then SMTP", false, 8080,
	    { L('C', "CONNECT mx:25 HTTP/1.0\r\n\r\n"),
		L('S', "HTTP/1.0 200 Connection established\r\n\r\n"), L('S', "220 mx ESMTP\r\n"),
		END },
	    CLASSIFY_MAIL, APP_SMTP_TUNNELLED, CLASS_GREETING },
	{ "HTTP CONNECT, then a 220 and EHLO", false, 8080,
	    { L('C', "CONNECT mx:25 HTTP/1.0\r\n\r\n"), L('S', "HTTP/1.0 200 OK\r\n\r\n220 mx\r\n"),
		L('C', "EHLO me\r\n"), END },
	    CLASSIFY_MAIL, APP_SMTP_TUNNELLED, CLASS_GREETING },
	{ "HTTP CONNECT, then TLS", false, 8080,
	    { L('C', "CONNECT w:443 HTTP/1.1\r\n\r\n"), L('S', "HTTP/1.1 200 OK\r\n\r\n"),
		L('S', "\x16\x03\x03\x00\x40"), END },
	    CLASSIFY_NOT, APP_OTHER, CLASS_NONE },
	{ "SOCKS5, then SMTP", false, 1080,
	    { L('C', "\5\1\0"), L('S', "\5\0"), L('C', "\5\1\0\1\300\0\2\1\0\31"),
		L('S', "\5\0\0\1\0\0\0\0\0\0"), L('S', "220 mx ESMTP\r\n"), END },
	    CLASSIFY_MAIL, APP_SMTP_TUNNELLED, CLASS_GREETING },
	{ "SOCKS5 refused", false, 1080,
	    { L('C', "\5\1\0"), L('S', "\5\0"), L('C', "\5\1\0\1\300\0\2\1\0\31"),
		L('S', "\5\5\0\1\0\0\0\0\0\0"), END },
	    CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE },
};

static struct classify_verdict
feed(const struct talk *t, enum app_proto implicit, size_t chunk)
{
	struct classify *c = classify_new(implicit, t->midstream, 40000, t->port);
	struct classify_verdict v = { CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE };

	for (const struct line *l = t->line; l->who != 0 && v.answer == CLASSIFY_WAIT; l++)
		for (size_t at = 0; at < l->len && v.answer == CLASSIFY_WAIT; at += chunk) {
			size_t n = l->len - at < chunk ? l->len - at : chunk;

			v = classify_feed(
			    c, l->who == 'S' ? DIR_S2C : DIR_C2S, (const uint8_t *)l->text + at, n);
		}
	classify_free(c);
	return v;
}

static void
talks_are_told(void)
{
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct classify_verdict v = feed(&talks[i], APP_UNKNOWN, 2000);

		if (v.answer != talks[i].answer || v.app != talks[i].app || v.by != talks[i].by)
			printf("\n%s:", talks[i].name);
		CHECK_EQ_INT(v.answer, talks[i].answer);
		CHECK_EQ_INT(v.app, talks[i].app);
		CHECK_EQ_INT(v.by, talks[i].by);
	}
}

/* Byte by byte nothing else may come out, only later. */
static void
talks_in_small_pieces(void)
{
	for (size_t chunk = 1; chunk < 9; chunk++)
		for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
			struct classify_verdict v = feed(&talks[i], APP_UNKNOWN, chunk);

			if (v.answer != talks[i].answer || v.app != talks[i].app)
				printf("\n%s, pieces of %zu: %d %d", talks[i].name, chunk, v.answer,
				    v.app);
			CHECK(v.answer == talks[i].answer && v.app == talks[i].app);
		}
}

static void
implicit_tls_ports(void)
{
	static const struct talk plain = { "", false, 465,
		{ L('C', "\x16\x03\x01\x02\0"), L('S', "220 plain after all\r\n"), END }, 0, 0, 0 };
	static const struct talk tls = { "", false, 465,
		{ L('C', "\x16\x03\x01\x02\0"), L('S', "\x16\x03\x03\0\x40"), END }, 0, 0, 0 };
	static const struct talk pop = { "", false, 995, { L('S', "+OK\r\n"), END }, 0, 0, 0 };
	static const struct talk silent = { "", false, 465, { L('C', "\x16\x03\x01"), END }, 0, 0,
		0 };

	CHECK_EQ_INT(feed(&plain, APP_SMTPS, 2000).app, APP_SMTP);
	CHECK_EQ_INT(feed(&tls, APP_SMTPS, 2000).app, APP_SMTPS);
	CHECK_EQ_INT(feed(&pop, APP_POP3S, 2000).app, APP_POP3);
	CHECK_EQ_INT(feed(&silent, APP_SMTPS, 2000).answer, CLASSIFY_WAIT);
}

/* What the sniffer leaves open nDPI decides: an IMAP client that speaks first in mid-stream. */
static void
ndpi_second_opinion(void)
{
	static const struct talk pop = { "", true, 1110,
		{ L('C', "USER bob\r\n"), L('S', "+OK\r\n"), L('C', "PASS x\r\n"),
		    L('S', "+OK\r\n"), L('C', "STAT\r\n"), L('S', "+OK 0 0\r\n"), END },
		0, 0, 0 };
	static const struct talk irc = { "", false, 6667,
		{ L('C', "NICK bob\r\n"), L('C', "USER bob 0 * :bob\r\n"),
		    L('S', ":irc NOTICE bob :hello\r\n"), END },
		0, 0, 0 };

	CHECK_EQ_INT(feed(&pop, APP_UNKNOWN, 2000).app, APP_POP3);
	CHECK(feed(&irc, APP_UNKNOWN, 2000).answer != CLASSIFY_MAIL);
}

static void
what_is_not_worth_a_look(void)
{
	CHECK(!classify_worth(DIR_C2S, (const uint8_t *)"GET / HTTP/1.1\r\n", 16));
	CHECK(!classify_worth(DIR_C2S, (const uint8_t *)"\x16\x03\x01\x02", 4));
	CHECK(!classify_worth(DIR_S2C, (const uint8_t *)"SSH-2.0-x\r\n", 11));
	CHECK(classify_worth(DIR_C2S, (const uint8_t *)"CONNECT x:25 HTTP/1.0", 21));
	CHECK(classify_worth(DIR_C2S, (const uint8_t *)"\5\1\0", 3));
	CHECK(classify_worth(DIR_S2C, (const uint8_t *)"554", 3));
}

static struct endpoint
end4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct endpoint){ { .family = 4, .b = { a, b, c, d } }, port };
}

static struct endpoint
end6(const char *bytes, uint16_t port)
{
	struct endpoint e = { { .family = 6 }, port };

	memcpy(e.ip.b, bytes, 16);
	return e;
}

/* The vectors of the Community ID specification (seed 0). */
static void
community_ids(void)
{
	struct endpoint a = end4(128, 232, 110, 120, 34855), b = end4(66, 35, 250, 204, 80);
	struct endpoint c = end6("\xfe\x80\0\0\0\0\0\0\2\x3f\xfd\xff\xfe\x04\x10\x0a", 54321);
	struct endpoint d = end6("\xfe\x80\0\0\0\0\0\0\2\x3f\xfd\xff\xfe\x04\x10\x0b", 25);
	char ab[40], ba[40], cd[40], dc[40];

	community_id(&a, &b, 6, ab);
	community_id(&b, &a, 6, ba);
	CHECK_EQ_STR(ab, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	CHECK_EQ_STR(ba, ab);
	community_id(&c, &d, 6, cd);
	community_id(&d, &c, 6, dc);
	CHECK_EQ_STR(dc, cd);
	CHECK_EQ_STR(cd, "1:+aO0aJao4lxRKR4xKpAS5vAmkTI=");
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "who speaks what", talks_are_told },
		{ "in small pieces too", talks_in_small_pieces },
		{ "ports with implicit TLS", implicit_tls_ports },
		{ "nDPI as second opinion", ndpi_second_opinion },
		{ "what is not worth a look", what_is_not_worth_a_look },
		{ "Community IDs of the specification", community_ids },
	};

	return check_main("classify", tests, sizeof(tests) / sizeof(tests[0]));
}
