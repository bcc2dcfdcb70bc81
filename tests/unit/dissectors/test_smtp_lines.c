/* test_smtp_lines.c - the pure parsers below the SMTP dissector, on every prefix of their cases. */
#include "check.h"
#include "dissectors/text/sasl.h"
#include "dissectors/smtp/smtp_command.h"
#include "dissectors/smtp/smtp_content.h"
#include "dissectors/smtp/smtp_line.h"
#include "dissectors/smtp/smtp_reply.h"

/* A copy of exactly this length, so that a read beyond it is noticed. */
static char *
exact(const char *p, size_t len)
{
	char *q = malloc(len != 0 ? len : 1);

	if (q == NULL)
		abort();
	memcpy(q, p, len);
	return q;
}

/* ---- replies ---- */

static void
test_reply_lines(void)
{
	static const struct {
		const char *line;
		enum dissect_rc rc;
		unsigned int code;
		bool last;
		const char *text;
		unsigned int enhanced;
	} cases[] = {
		{ "250 ok", DISSECT_OK, 250, true, "ok", 0 },
		{ "250-2.1.5 more", DISSECT_OK, 250, false, "2.1.5 more", 215 },
		{ "250", DISSECT_OK, 250, true, "", 0 },
		{ "250-", DISSECT_OK, 250, false, "", 0 },
		{ "250\ttab", DISSECT_OK, 250, true, "tab", 0 },
		{ "250OK", DISSECT_OK, 250, true, "OK", 0 },
		{ "472 never listed", DISSECT_OK, 472, true, "never listed", 0 },
		{ "600 beyond", DISSECT_OK, 600, true, "beyond", 0 },
		{ "550 5.7.1", DISSECT_OK, 550, true, "5.7.1", 571 },
		{ "550 5.7", DISSECT_OK, 550, true, "5.7", 0 },
		{ "550 5.7.x", DISSECT_OK, 550, true, "5.7.x", 0 },
		{ "550 3.7.1 class", DISSECT_OK, 550, true, "3.7.1 class", 0 },
		{ "550 5.7.1000 long", DISSECT_OK, 550, true, "5.7.1000 long", 0 },
		{ "2501 four", DISSECT_MALFORMED, 0, true, NULL, 0 },
		{ "050 zero", DISSECT_MALFORMED, 0, true, NULL, 0 },
		{ "25", DISSECT_SHORT, 0, true, NULL, 0 },
		{ "", DISSECT_SHORT, 0, true, NULL, 0 },
		{ "2x0 no", DISSECT_NOTMINE, 0, true, NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].line);
		struct smtp_reply_line r;

		for (size_t n = 0; n <= len; n++) {
			char *p = exact(cases[i].line, n);

			smtp_reply_parse(p, n, &r);
			smtp_reply_parse_codeless(p, n, &r);
			free(p);
		}
		CHECK_EQ_INT(smtp_reply_parse(cases[i].line, len, &r), cases[i].rc);
		if (cases[i].rc != DISSECT_OK)
			continue;
		CHECK_EQ_INT(r.code, cases[i].code);
		CHECK_EQ_INT(r.last, cases[i].last);
		CHECK_EQ_INT(r.text_len, strlen(cases[i].text));
		CHECK_EQ_MEM(r.text, cases[i].text, r.text_len);
		CHECK_EQ_INT(
		    r.enhanced[0] * 100 + r.enhanced[1] * 10 + r.enhanced[2], cases[i].enhanced);
	}
}

static void
test_codeless(void)
{
	struct smtp_reply_line r;

	CHECK_EQ_INT(smtp_reply_parse_codeless("4.7.0 [IPTS04] later", 20, &r), DISSECT_OK);
	CHECK_EQ_INT(r.code, 400);
	CHECK(r.no_code && r.last);
	CHECK_EQ_INT(smtp_reply_parse_codeless("go away", 7, &r), DISSECT_NOTMINE);
}

/* ---- commands ---- */

static void
test_command_lines(void)
{
	static const struct {
		const char *line;
		int verb;
		const char *arg; /* NULL: grammar not met */
		uint64_t num;
		bool last, certain;
		const char *shown;
	} cases[] = {
		{ "EHLO me", SMTP_EHLO, "me", UINT64_MAX, false, true, NULL },
		{ "ehlo [192.0.2.1]", SMTP_EHLO, "[192.0.2.1]", UINT64_MAX, false, true, NULL },
		{ "MAIL FROM:<a@b> SIZE=12", SMTP_MAIL, "a@b", 12, false, true, NULL },
		{ "MAIL FROM:<> BODY=8BITMIME size=7", SMTP_MAIL, "", 7, false, false, NULL },
		{ "MAIL FROM:<\"x>y\"@b> RET=FULL", SMTP_MAIL, "\"x>y\"@b", UINT64_MAX, false, true,
		    NULL },
		{ "MAIL FROM:<a@b> SIZE=99999999999999999999999", SMTP_MAIL, "a@b", UINT64_MAX,
		    false, true, NULL },
		{ "MAIL FROM:<a@b> XSIZE=5", SMTP_MAIL, "a@b", UINT64_MAX, false, true, NULL },
		{ "MAIL a@b", SMTP_MAIL, NULL, UINT64_MAX, false, false, NULL },
		{ "RCPT TO:<\"a\\\">b\"@c>", SMTP_RCPT, "\"a\\\">b\"@c", UINT64_MAX, false, true,
		    NULL },
		{ "RCPT", SMTP_RCPT, NULL, UINT64_MAX, false, false, NULL },
		{ "BDAT 0 LAST", SMTP_BDAT, "0 LAST", 0, true, true, NULL },
		{ "bdat 86 last", SMTP_BDAT, "86 last", 86, true, true, NULL },
		{ "BDAT 1099511627776", SMTP_BDAT, "1099511627776", (uint64_t)1 << 40, false, true,
		    NULL },
		{ "BDAT 1099511627777", SMTP_BDAT, NULL, UINT64_MAX, false, false, NULL },
		{ "BDAT 5 LASTX", SMTP_BDAT, NULL, UINT64_MAX, false, false, NULL },
		{ "BDAT -1", SMTP_BDAT, NULL, UINT64_MAX, false, false, NULL },
		{ "DATA", SMTP_DATA, "", UINT64_MAX, false, true, NULL },
		{ "DATA now", SMTP_DATA, "now", UINT64_MAX, false, false, NULL },
		{ "Help me", SMTP_HELP, "me", UINT64_MAX, false, false, NULL },
		{ "AUTH PLAIN AGEAYg==", SMTP_AUTH, "PLAIN", UINT64_MAX, false, true,
		    "AUTH PLAIN <8 bytes>" },
		{ "AUTH PLAIN  \tAGEAYg== x", SMTP_AUTH, "PLAIN", UINT64_MAX, false, true,
		    "AUTH PLAIN  \t<10 bytes>" },
		{ "AUTH", SMTP_AUTH, "", UINT64_MAX, false, false, NULL },
		{ "AUTH AGEAYg==", SMTP_AUTH, "AGEAYg==", UINT64_MAX, false, false,
		    "AUTH <8 bytes>" },
		{ "auth scram-sha-256-plus bixhPTE=", SMTP_AUTH, "scram-sha-256-plus", UINT64_MAX,
		    false, true, "auth scram-sha-256-plus <8 bytes>" },
		{ "PASS hunter2", SMTP_UNKNOWN, "hunter2", UINT64_MAX, false, false,
		    "PASS <7 bytes>" },
		{ "aHVudGVyMg==", SMTP_UNKNOWN, "", UINT64_MAX, false, false, "<12 bytes>" },
		{ "XXXXXXXX", SMTP_UNKNOWN, "", UINT64_MAX, false, false, NULL },
		{ "XCLIENT LOGIN=alice ADDR=1", SMTP_XCLIENT, "LOGIN=alice ADDR=1", UINT64_MAX,
		    false, true, "XCLIENT LOGIN=<12 bytes>" },
		{ "XCLIENT NAME=a login=alice", SMTP_XCLIENT, "NAME=a login=alice", UINT64_MAX,
		    false, true, "XCLIENT NAME=a login=<5 bytes>" },
		{ "MAIL FROM:<a@b> AUTH=alice", SMTP_MAIL, "a@b", UINT64_MAX, false, true,
		    "MAIL FROM:<a@b> AUTH=<5 bytes>" },
		{ "MAIL FROM:<a@b> AUTH=<> SIZE=5", SMTP_MAIL, "a@b", 5, false, true, NULL },
		{ "PASS=correct.horse", SMTP_UNKNOWN, "", UINT64_MAX, false, false, "<18 bytes>" },
		{ "correct.horse", SMTP_UNKNOWN, "", UINT64_MAX, false, false, "<13 bytes>" },
		{ "dragon", SMTP_UNKNOWN, "", UINT64_MAX, false, false, "<6 bytes>" },
		{ "Darling, it is over", SMTP_UNKNOWN, "it is over", UINT64_MAX, false, false,
		    "<19 bytes>" },
		{ "X-LINK2STATE LAST", SMTP_UNKNOWN, "LAST", UINT64_MAX, false, false,
		    "X-LINK2STATE <4 bytes>" },
		{ "XEXCH50 4 2", SMTP_UNKNOWN, "4 2", UINT64_MAX, false, false,
		    "XEXCH50 <3 bytes>" },
		{ "ehol me", SMTP_UNKNOWN, "me", UINT64_MAX, false, false, "ehol <2 bytes>" },
		{ ".", SMTP_UNKNOWN, "", UINT64_MAX, false, false, NULL },
		{ "", SMTP_UNKNOWN, "", UINT64_MAX, false, false, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *line = cases[i].line,
			   *want = cases[i].shown != NULL ? cases[i].shown : line;
		size_t len = strlen(line), n;
		struct smtp_command c;
		char shown[128];
		size_t secret;

		for (n = 0; n <= len; n++) {
			char *p = exact(line, n);

			smtp_command_parse(p, n, &c);
			smtp_command_certain(&c);
			smtp_command_show(&c, p, n, n, n % 2 == 0, shown,
			    n < sizeof(shown) ? n : sizeof(shown), &secret);
			free(p);
		}
		smtp_command_parse(line, len, &c);
		CHECK_EQ_INT(c.verb, cases[i].verb);
		CHECK_EQ_INT(c.arg != NULL, cases[i].arg != NULL);
		if (c.arg != NULL && cases[i].arg != NULL) {
			CHECK_EQ_INT(c.arg_len, strlen(cases[i].arg));
			CHECK_EQ_MEM(c.arg, cases[i].arg, strlen(cases[i].arg));
		}
		CHECK(c.num == cases[i].num);
		CHECK_EQ_INT(c.last, cases[i].last);
		CHECK_EQ_INT(smtp_command_certain(&c), cases[i].certain);
		n = smtp_command_show(&c, line, len, len, false, shown, sizeof(shown), &secret);
		CHECK_EQ_INT(n, strlen(want));
		CHECK_EQ_MEM(shown, want, n);
		CHECK_EQ_INT(secret < len, cases[i].shown != NULL);
	}
}

/* While a login goes on, or after a gap, of an unknown line only the length is shown. */
static void
test_command_wary(void)
{
	struct smtp_command c;
	char shown[64];
	size_t n, secret;

	smtp_command_parse("hunter2", 7, &c);
	n = smtp_command_show(&c, "hunter2", 7, 7, true, shown, sizeof(shown), &secret);
	CHECK_EQ_INT(secret, 0);
	CHECK_EQ_INT(n, 9);
	CHECK_EQ_MEM(shown, "<7 bytes>", 9);
}

/* ---- logins ---- */

static void
test_users(void)
{
	static const struct {
		const char *mechanism, *response, *user;
	} cases[] = {
		{ "PLAIN", "AGFsaWNlAHMzY3JldA==", "alice" },     /* NUL alice NUL s3cret */
		{ "PLAIN", "Ym9iAGFsaWNlAHMzY3JldA==", "alice" }, /* bob NUL alice NUL s3cret */
		{ "PLAIN", "AGFsaWNl", NULL }, /* no password: where does it begin? */
		{ "LOGIN", "YWxpY2U=", "alice" },
		{ "login", "YWxpY2U=", "alice" },
		{ "EXTERNAL", "ZXZl", "eve" },
		{ "CRAM-MD5", "dGltIHNtaXRoIGI5MTNhNjAy", "tim smith" },
		{ "DIGEST-MD5", "cmVhbG09IngiLHVzZXJuYW1lPSJjaHJpcyIsbm9uY2U9IjEi", "chris" },
		{ "SCRAM-SHA-256", "bixhPXgsbj11c2VyLHI9ckw=", "user" },
		{ "XOAUTH2", "dXNlcj1kYXZlAWF1dGg9QmVhcmVyIHgBAQ==", "dave" },
		{ "OAUTHBEARER", "bixhPWRhdmUsAWF1dGg9QmVhcmVyIHgBAQ==", "dave" },
		{ "GSSAPI", "YWxpY2U=", NULL },
		{ "NTLM", "TlRMTVNTUAABAAAA", NULL },
		{ "NTLM", "TlRMTVNTUAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAEACwAAABhAGIA",
		    "ab" },
		{ "NTLM", "TlRMTVNTUAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA//8EACwAAABhAGIA",
		    NULL },
		{ "PLAIN", "=", NULL },
		{ "PLAIN", "*", NULL },
		{ "PLAIN", "%%%", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].response), n;
		char user[SASL_USER_MAX];
		struct sasl s;

		for (size_t k = 0; k <= len; k++) {
			char *p = exact(cases[i].response, k);

			sasl_begin(&s, cases[i].mechanism, strlen(cases[i].mechanism));
			sasl_response(&s, p, k, user, &n);
			free(p);
		}
		sasl_begin(&s, cases[i].mechanism, strlen(cases[i].mechanism));
		CHECK_EQ_INT(
		    sasl_response(&s, cases[i].response, len, user, &n), cases[i].user != NULL);
		if (cases[i].user != NULL) {
			CHECK_EQ_INT(n, strlen(cases[i].user));
			CHECK_EQ_MEM(user, cases[i].user, n);
		}
	}
}

/* LOGIN's second response is the password. */
static void
test_user_once(void)
{
	char user[SASL_USER_MAX];
	struct sasl s;
	size_t n;

	sasl_begin(&s, "LOGIN", 5);
	CHECK(sasl_response(&s, "YWxpY2U=", 8, user, &n));
	CHECK(!sasl_response(&s, "czNjcmV0", 8, user, &n));
	CHECK_EQ_INT(n, 0);
}

static void
test_echo(void)
{
	char text[] = "unrecognized: czNjcmV0LWxvbmUtbGluZQ== (Authentication failed) cGFzc3dvcmQ";
	char joined[] =
	    "SmtpClientAuthentication is disabled SmtpCliLogin SecretlyAba SecretlyaAAA";

	sasl_hide_echo(text, strlen(text));
	CHECK_EQ_STR(
	    text, "unrecognized: ************************ (Authentication failed) ***********");
	/* Exchange Online joins words, which say why; three letters and less are no word */
	sasl_hide_echo(joined, strlen(joined));
	CHECK_EQ_STR(
	    joined, "SmtpClientAuthentication is disabled ************ *********** ************");
}

/* ---- lines ---- */

static void
test_line_ends(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
		size_t text_len;
		uint32_t odd;
	} cases[] = {
		{ "a\r\n", 3, "a", 1, 0 },
		{ "a\n", 2, "a", 1, ODD_BARE_LF },
		{ "a\rb\r\n", 5, "a\rb", 3, ODD_BARE_CR },
		{ "a\r\r\n", 4, "a\r", 2, ODD_BARE_CR },
		{ "\r\n", 2, "", 0, 0 },
		{ "\n", 1, "", 0, ODD_BARE_LF },
		{ "a\0b\r\n", 5, "a\0b", 3, ODD_NUL },
		{ "\xe4\r\n", 3, "\xe4", 1, ODD_8BIT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece <= cases[i].len; piece++) {
			struct smtp_line l = { 0 };
			bool whole = false;
			size_t at = 0;

			while (at < cases[i].len) {
				size_t n = cases[i].len - at < piece ? cases[i].len - at : piece;
				char *p = exact(cases[i].bytes + at, n);

				CHECK(!whole);
				at += smtp_line_push(&l, 100 + at, (const uint8_t *)p, n, &whole);
				free(p);
			}
			CHECK(whole);
			CHECK_EQ_INT(l.off, 100);
			CHECK_EQ_INT(l.len, cases[i].text_len);
			CHECK_EQ_INT(l.total, cases[i].text_len);
			CHECK_EQ_INT(l.odd, cases[i].odd);
			if (l.len != 0)
				CHECK_EQ_MEM(l.text, cases[i].text, l.len);
			smtp_line_free(&l);
		}
}

/* ---- content ---- */

struct octets {
	char p[256];
	size_t len;
};

static void
collect(void *ctx, uint64_t off, const uint8_t *p, size_t len)
{
	struct octets *o = ctx;

	(void)off;
	CHECK(o->len + len <= sizeof(o->p));
	memcpy(o->p + o->len, p, len);
	o->len += len;
}

/* RFC 5321 4.5.2, in every pieces. */
static void
test_transparency(void)
{
	static const struct {
		const char *in, *out;
		bool ended;
		const char *rest;
		uint32_t odd;
	} cases[] = {
		{ ".\r\n", "", true, "", 0 },
		{ "a\r\n.\r\nb", "a\r\n", true, "b", 0 },
		{ "..\r\n.\r\n", ".\r\n", true, "", 0 },
		{ ".a\r\n", "a\r\n", false, "", 0 },
		{ "a\r\n..b\r\n", "a\r\n.b\r\n", false, "", 0 },
		{ "a.\r\n", "a.\r\n", false, "", 0 },
		{ "a\n.\nb", "a\n.\nb", false, "", ODD_BARE_LF | ODD_DOT_LF },
		{ "a\n.\r\nb", "a\n.\r\nb", false, "", ODD_BARE_LF | ODD_DOT_LF },
		{ "a\r\n.\nb", "a\r\n\nb", false, "", ODD_BARE_LF | ODD_DOT_LF },
		{ "a\r.\rb", "a\r.\rb", false, "", ODD_BARE_CR },
		{ "a\r\n.\rb", "a\r\n\rb", false, "", ODD_BARE_CR },
		{ "a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", true, "", ODD_BARE_CR },
		{ "a\r\r\n.\r\n", "a\r\r\n", true, "", ODD_BARE_CR },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaa\xe4zzzzzzzzzzzzzzzz\r\n",
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaa\xe4zzzzzzzzzzzzzzzz\r\n", false, "", ODD_8BIT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].in);

		for (size_t piece = 1; piece <= len; piece++) {
			struct smtp_content c;
			struct octets o = { .len = 0 };
			size_t at = 0;

			smtp_content_begin(&c, 0, true);
			while (at < len && !c.ended) {
				size_t n = len - at < piece ? len - at : piece;
				char *p = exact(cases[i].in + at, n);

				at += smtp_content_push(&c, at, (const uint8_t *)p, n, collect, &o);
				free(p);
			}
			CHECK_EQ_INT(c.ended, cases[i].ended);
			CHECK_EQ_INT(o.len, strlen(cases[i].out));
			CHECK_EQ_INT(c.bytes, o.len);
			CHECK_EQ_MEM(o.p, cases[i].out, o.len);
			CHECK_EQ_INT(len - at, strlen(cases[i].rest));
			CHECK_EQ_INT(c.odd, cases[i].odd);
		}
	}
}

/* 998 are allowed, 999 are not (RFC 5321 4.5.3.1.6). */
static void
test_long_text_line(void)
{
	char line[1100];
	struct octets o;

	for (size_t n = 998; n <= 999; n++) {
		struct smtp_content c;
		size_t at = 0;

		memset(line, 'x', n);
		memcpy(line + n, "\r\n", 2);
		smtp_content_begin(&c, 0, true);
		while (at < n + 2) {
			size_t k = n + 2 - at < 200 ? n + 2 - at : 200;

			o.len = 0;
			at += smtp_content_push(&c, at, (const uint8_t *)line + at, k, collect, &o);
		}
		CHECK_EQ_INT(c.odd, n > 998 ? ODD_LONG : 0);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "reply lines", test_reply_lines },
		{ "replies without a code", test_codeless },
		{ "command lines", test_command_lines },
		{ "wary", test_command_wary },
		{ "login names", test_users },
		{ "LOGIN names once", test_user_once },
		{ "echoed secrets", test_echo },
		{ "line ends", test_line_ends },
		{ "transparency", test_transparency },
		{ "long text lines", test_long_text_line },
	};

	return check_main("smtp lines", tests, sizeof(tests) / sizeof(tests[0]));
}
