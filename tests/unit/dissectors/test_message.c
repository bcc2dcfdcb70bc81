/* test_message.c - headers and MIME trees, whole, in pieces and with gaps. */
#include "check.h"
#include "dissectors/message/message.h"
#include "dissectors/message/mime_param.h"

static char text[65536];

static void
describe(const struct message_facts *f)
{
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
	    "from=%s to=%s subject=%s id=%s date=%s\n"
	    "bytes=%llu header=%llu missing=%llu fields=%u received=%u complete=%d leaves=%u parts=%u cut=%u over=%d deep=%d bad=%u\n",
	    f->from, f->to, f->subject, f->message_id, f->date, (unsigned long long)f->bytes,
	    (unsigned long long)f->header_bytes, (unsigned long long)f->missing, f->fields,
	    f->received, f->headers_complete, f->leaves, f->part_count, f->values_cut,
	    f->header_over, f->depth_over, f->boundary_bad);
	for (uint32_t i = 0; i < f->parts_kept && n < sizeof(text) - 512; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%u<%u %s%s%s%s%s %llu%s%s%s\n",
		    i, f->parts[i].parent, f->parts[i].type, f->parts[i].name[0] ? " name=" : "",
		    f->parts[i].name, f->parts[i].encoding[0] ? " " : "", f->parts[i].encoding,
		    (unsigned long long)f->parts[i].bytes, f->parts[i].multipart ? " multi" : "",
		    f->parts[i].closed ? " closed" : "", f->parts[i].gap ? " gap" : "");
}

static void
push_chunks(struct message *m, const char *p, size_t len, size_t chunk)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = chunk < len ? chunk : len;
		unsigned char *copy = malloc(n);

		memcpy(copy, p, n);
		message_push(m, copy, n);
		free(copy);
	}
}

/* What a message says of itself; the same in any chunking. */
static const char *
read_message(const char *p, size_t len)
{
	static const size_t chunks[] = { SIZE_MAX, 1, 2, 3, 7, 61 };
	static char whole[sizeof(text)];

	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct message *m = message_new();

		push_chunks(m, p, len, chunks[i]);
		message_end(m);
		describe(message_facts(m));
		message_free(m);
		if (i == 0)
			memcpy(whole, text, sizeof(text));
		else
			CHECK_EQ_STR(text, whole);
	}
	return whole;
}

static const char *
read_text(const char *p)
{
	return read_message(p, strlen(p));
}

#define HAS(said, part) \
	do { \
		const char *s_ = (said); \
		if (strstr(s_, part) == NULL) \
			printf("\nexpected <<%s>> in:\n%s", part, s_); \
		CHECK(strstr(s_, part) != NULL); \
	} while (0)

static void
a_plain_message(void)
{
	CHECK_EQ_STR(read_text("Received: from a\r\n\tby b\r\n"
			       "From: Alice <alice@example.net>\r\n"
			       "TO : bob@example.net\r\n"
			       "Subject: a long\r\n  subject\t\r\n"
			       "message-id: <1@example.net>\r\n"
			       "\r\n"
			       "Subject: not this one\r\n--x\r\n"),
	    "from=Alice <alice@example.net> to=bob@example.net subject=a long  subject id=<1@example.net> date=\n"
	    "bytes=168 header=140 missing=0 fields=5 received=1 complete=1 leaves=1 parts=1 cut=0 over=0 deep=0 bad=0\n"
	    "0<0 text/plain 28\n");
}

static void
no_body_and_no_header(void)
{
	HAS(read_text(""), "complete=0 leaves=1 parts=1");
	HAS(read_text("Subject: only\r\n"), "subject=only ");
	HAS(read_text("\r\nbody"), "header=2 missing=0 fields=0 received=0 complete=1");
	/* a field whose end is not there is not certain */
	HAS(read_text("From: a\r\nSubject: cut of"), "from=a to= subject= ");
	/* bare LF */
	HAS(read_text("Subject: x\n\nSubject: y\n"), "subject=x ");
}

#define TREE \
	"Content-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n\r\npreamble\r\n" \
	"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n" \
	"--inner\r\n\r\nplain\r\n" \
	"--inner\r\nContent-Type: text/html\r\n\r\n<p>\r\n" \
	"--inner--\r\n" \
	"--outer\r\nContent-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: BASE64\r\n" \
	"Content-Disposition: attachment; filename=\"a;b.pdf\"\r\n\r\nAAAA\r\nBBBB\r\n" \
	"--outer--\r\nepilogue"

static void
a_tree_of_parts(void)
{
	HAS(read_text(TREE),
	    "leaves=3 parts=5 cut=0 over=0 deep=0 bad=0\n"
	    "0<0 multipart/mixed 16 multi closed\n"
	    "1<0 multipart/alternative 0 multi closed\n"
	    "2<1 text/plain 5\n"
	    "3<1 text/html 3\n"
	    "4<0 application/pdf name=a;b.pdf base64 10\n");
}

/* Arkime takes "--XY" for "--X". */
static void
a_boundary_is_a_whole_line(void)
{
	static const char head[] = "Content-Type: multipart/mixed; boundary=X\r\n\r\n";
	char buf[512];

	snprintf(buf, sizeof(buf),
	    "%s--XY\r\n\r\na\r\n--X \t\r\n\r\nb\r\n--X-\r\n --X\r\n--X--more\r\n--X-- \r\n", head);
	HAS(read_text(buf), "leaves=1 parts=2");
	HAS(read_text(buf), "1<0 text/plain 24\n");
	/* nested boundaries of which one begins like the other */
	snprintf(buf, sizeof(buf),
	    "%s--X\r\nContent-Type: multipart/mixed; boundary=XX\r\n\r\n--XX\r\n\r\na\r\n--XX--\r\n--X--\r\n",
	    head);
	HAS(read_text(buf), "leaves=1 parts=3");
}

static void
unfinished_inner_parts_end_at_an_outer_boundary(void)
{
	HAS(read_text(
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\na\r\n--o\r\n\r\nb\r\n--o--\r\n"),
	    "0<0 multipart/mixed 0 multi closed\n1<0 multipart/mixed 0 multi\n2<1 text/plain 1\n3<0 text/plain 1\n");
	/* a part that ends within its headers */
	HAS(read_text(
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: text/html\r\n--o\r\n\r\nb\r\n--o--"),
	    "1<0 text/html 0\n2<0 text/plain 1\n");
}

static void
a_message_within_a_message(void)
{
	HAS(read_text(
		"Subject: out\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
		"Subject: in\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\na\r\n--i--\r\n--o--\r\n"),
	    "subject=out ");
	HAS(text, "1<0 message/rfc822 0\n2<1 multipart/mixed 0 multi closed\n3<2 text/plain 1\n");
	HAS(read_text(
		"Content-Type: multipart/digest; boundary=o\r\n\r\n--o\r\n\r\nSubject: in\r\n\r\nx\r\n--o--\r\n"),
	    "1<0 message/rfc822 0\n2<1 text/plain 1\n");
}

static void
names_of_files(void)
{
	struct {
		const char *field, *want;
	} cases[] = {
		{ "attachment; filename=a.txt", " name=a.txt " },
		{ "attachment; filename=\"a \\\"b\\\".txt\"", " name=a \"b\".txt " },
		{ "attachment; filename*=utf-8'en'%e2%82%ac%20x.txt", " name=\xe2\x82\xac x.txt " },
		{ "attachment; filename*0=\"first\"; filename*1=\"second.txt\"",
		    " name=firstsecond.txt " },
		{ "attachment; filename*0*=utf-8''f%20; filename*1*=%41.txt; size=3",
		    " name=f A.txt " },
		{ "inline", "0<0 text/plain 0" },
		{ "attachment; filename*=utf-8''%", " name=% " },
		{ "attachment; =; ;;filename", "0<0 text/plain 0" },
	};
	char buf[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(buf, sizeof(buf), "Content-Disposition: %s\r\n\r\n", cases[i].field);
		HAS(read_text(buf), cases[i].want);
	}
}

static void
a_gap_is_never_glued(void)
{
	struct message *m = message_new();
	const char *head = "Subject: whole\r\nFrom: half";

	message_push(m, (const uint8_t *)head, strlen(head));
	message_gap(m, 100);
	message_push(m, (const uint8_t *)" of it\r\nMessage-ID: <x>\r\n\r\nbody", 31);
	message_end(m);
	describe(message_facts(m));
	HAS(text, "from= to= subject=whole id= ");
	HAS(text, "missing=100 ");
	HAS(text, "complete=0 ");
	HAS(text, " gap\n");
	message_free(m);

	/* in a body: the tree goes on at the next boundary */
	m = message_new();
	head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--";
	message_push(m, (const uint8_t *)head, strlen(head));
	message_gap(m, 10);
	head = "b\r\n\r\nstill one\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
	message_push(m, (const uint8_t *)head, strlen(head));
	message_end(m);
	describe(message_facts(m));
	HAS(text, "leaves=2 parts=3");
	HAS(text, "1<0 text/plain 31 gap\n2<0 text/plain 3\n");
	message_free(m);
}

static void
bounds_are_kept_and_told(void)
{
	static char big[200000];
	size_t n = 0;

	/* a value of 5000 bytes */
	n = (size_t)sprintf(big, "Subject: ");
	memset(big + n, 's', 5000);
	sprintf(big + n + 5000, "\r\n\r\n");
	HAS(read_text(big), " cut=1 ");
	/* a header that never ends */
	for (n = 0; n < sizeof(big) - 100;)
		n += (size_t)sprintf(
		    big + n, "X-%zu: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", n);
	sprintf(big + n, "Subject: late\r\n\r\n");
	HAS(read_text(big), "subject= ");
	HAS(text, " over=1 ");
	/* forty nested multiparts, and a hundred parts */
	n = 0;
	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(
		    big + n, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	sprintf(big + n, "\r\nx\r\n--b3--\r\n");
	HAS(read_text(big), " deep=1 ");
	n = (size_t)sprintf(big, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 100; i++)
		n += (size_t)sprintf(big + n, "--b\r\n\r\n%d\r\n", i);
	HAS(read_text(big), "leaves=100 parts=101 ");
	/* multiparts without a boundary, or with an absurd one */
	HAS(read_text("Content-Type: multipart/mixed\r\n\r\n--\r\n\r\n"), " bad=1\n");
	n = (size_t)sprintf(big, "Content-Type: multipart/mixed; boundary=");
	memset(big + n, 'b', 240);
	sprintf(big + n + 240, "\r\n\r\n");
	HAS(read_text(big), " bad=1\n");
}

static void
hostile_bytes(void)
{
	HAS(read_message("Subj\0ect: x\r\nSubject: a\0b\r\n\r\n", 30), "subject=a?b ");
	HAS(read_text(" folded nothing\r\n: no name\r\nno colon\r\nSubject: ok\r\n\r\n"),
	    "subject=ok ");
	HAS(read_text("From mbox line\r\nSubject: ok\r\n\r\n"), "subject=ok ");
}

static void
every_prefix_is_safe(void)
{
	char *copy;

	for (size_t n = 0; n <= sizeof(TREE) - 1; n++) {
		copy = malloc(n + 1);
		memcpy(copy, TREE, n);
		read_message(copy, n);
		free(copy);
	}
	CHECK(1);
}

/*
 * Of a header that is too long nothing is proven: what its last fields say of the body is not
 * known.
 */
static void
a_header_too_long(void)
{
	static char mail[MESSAGE_HEADER_MAX + 2048];

	for (int more = 0; more < 2; more++) {
		size_t n = (size_t)sprintf(
		    mail, "From: a@b\r\nContent-Transfer-Encoding: base64\r\nTo: x@y");
		struct message *m = message_new();

		while (n < MESSAGE_HEADER_MAX - 200 + (size_t)more * 400)
			n +=
			    (size_t)sprintf(mail + n, ",\r\n someone-else-who-gets-it@example.net");
		n += (size_t)sprintf(
		    mail + n, "\r\nContent-Type: text/plain\r\n\r\nno base64 at all!\r\n");
		message_push(m, (const uint8_t *)mail, n);
		message_end(m);
		CHECK_EQ_INT(message_facts(m)->header_over, more);
		CHECK_EQ_INT(message_facts(m)->headers_complete, !more);
		CHECK_EQ_INT(message_facts(m)->proofs->known, !more);
		CHECK_EQ_INT(message_facts(m)->proofs->faulty, !more);
		message_free(m);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a header too long", a_header_too_long },
		{ "a plain message", a_plain_message },
		{ "no body, no header", no_body_and_no_header },
		{ "a tree of parts", a_tree_of_parts },
		{ "a boundary is a whole line", a_boundary_is_a_whole_line },
		{ "unfinished inner parts", unfinished_inner_parts_end_at_an_outer_boundary },
		{ "a message within a message", a_message_within_a_message },
		{ "names of files", names_of_files },
		{ "a gap is never glued", a_gap_is_never_glued },
		{ "bounds are kept and told", bounds_are_kept_and_told },
		{ "hostile bytes", hostile_bytes },
		{ "every prefix is safe", every_prefix_is_safe },
	};

	return check_main("message", tests, sizeof(tests) / sizeof(tests[0]));
}
