/* test_mail_outline.c - where the parts of a message lie, and what of them is not known. */
#include "smtp_player.h"

#define HEAD \
	"S: 220 mx\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<a@example.org>\nS: 250 ok\n" \
	"C: RCPT TO:<b@example.net>\nS: 250 ok\nC: DATA\nS: 354 go\n"
#define MIXED "C: Content-Type: multipart/mixed; boundary=b\nC: \n"
#define TEXT  "C: --b\nC: \nC: hi\n"
#define END   "C: --b--\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye\n"

/*
 * "1 text/plain 3; 2 application/pdf base64 a.pdf 12; +0": each with the bytes that are certainly
 * in it, then those not listed.
 */
static void
expect_outline(const char *text, const char *want)
{
	struct seen *s = play(text, NULL);
	const struct record_message *m = &s->message[0];
	char line[1024];
	size_t n = 0;

	CHECK_EQ_INT(s->messages, 1);
	for (uint32_t i = 0; i < m->outline_count; i++) {
		const struct mime_part *p = &m->outline[i];

		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s %s%s%s%s%s", p->path, p->type,
		    p->encoding[0] != '\0' ? " " : "", p->encoding, p->name[0] != '\0' ? " " : "",
		    p->name);
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %d; ",
		    p->to > p->from ? (int)(p->to - p->from) : 0);
	}
	snprintf(line + n, sizeof(line) - n, "+%u", m->unlisted);
	CHECK_EQ_STR(line, want);
	free(s);
}

/* Each line is a packet: of a part all is certain but the line of its boundary. */
static void
test_parts(void)
{
	expect_outline(HEAD "C: Subject: x\nC: \nC: hi\nC: .\nS: 250 ok\n", "+0");
	expect_outline(HEAD MIXED TEXT END, "1 text/plain 6; +0");
	expect_outline(HEAD MIXED TEXT
	    "C: --b\nC: Content-Type: application/pdf; name=a.pdf\nC: Content-Transfer-Encoding: base64\nC: \nC: QUJD\n" END,
	    "1 text/plain 6; 2 application/pdf base64 a.pdf 86; +0");
	/* what stands behind the last boundary is in no part */
	expect_outline(
	    HEAD MIXED TEXT "C: --b--\nC: an epilogue\nC: .\nS: 250 ok\n", "1 text/plain 6; +0");
}

static void
test_parts_within_parts(void)
{
	expect_outline(HEAD MIXED
	    "C: --b\nC: Content-Type: multipart/alternative; boundary=c\nC: \nC: --c\nC: \nC: hi\n"
	    "C: --c\nC: Content-Type: text/html\nC: \nC: <p>\nC: --c--\n" TEXT END,
	    "1.1 text/plain 6; 1.2 text/html 32; 2 text/plain 6; +0");
	/* two parts in one packet: of the first, nothing is certain */
	expect_outline(HEAD MIXED "C| --b\\n\\nhi\\n--b\\n\\n\nC: ho\n" END,
	    "1 text/plain 0; 2 text/plain 4; +0");
	/* the parts of a message within are numbered as in IMAP: its own multipart has no number */
	expect_outline(HEAD MIXED TEXT
	    "C: --b\nC: Content-Type: message/rfc822\nC: \nC: Content-Type: multipart/mixed; boundary=c\nC: \nC: --c\nC: \nC: ho\nC: --c--\n"
	    "C: --b\nC: Content-Type: message/rfc822\nC: \nC: Subject: x\nC: \nC: ho\n" END,
	    "1 text/plain 6; 2.1 text/plain 6; 3.1 text/plain 18; +0");
}

/* Which part is the next cannot be told behind missing bytes: they may hold a boundary. */
static void
test_behind_a_gap(void)
{
	expect_outline(HEAD MIXED TEXT "=== gap 10\nC: ho\n" TEXT END, "1 text/plain 6; +1");
	/* a header that is not known to its end says nothing of its part */
	expect_outline(HEAD MIXED TEXT
	    "C: --b\nC: Content-Type: image/png\n=== gap 10\nC: \nC: ho\n" END,
	    "1 text/plain 6; 2  25; +0");
	expect_outline(HEAD MIXED "C: --b\nC: Content-Transfer-Encoding: base64\n", "1  35; +0");
}

static void
test_more_than_are_kept(void)
{
	expect_outline(
	    HEAD MIXED TEXT TEXT TEXT TEXT TEXT TEXT TEXT TEXT TEXT TEXT TEXT TEXT TEXT END,
	    "1 text/plain 6; 2 text/plain 6; 3 text/plain 6; 4 text/plain 6; 5 text/plain 6; 6 text/plain 6; 7 text/plain 6; 8 text/plain 6; "
	    "9 text/plain 6; 10 text/plain 6; 11 text/plain 6; +2");
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "parts", test_parts },
		{ "parts within parts", test_parts_within_parts },
		{ "behind a gap", test_behind_a_gap },
		{ "more than are kept", test_more_than_are_kept },
	};

	return check_main("mail outline", tests, sizeof(tests) / sizeof(tests[0]));
}
