/*
 * test_message_proof.c - what messages prove of themselves, in any chunks, and what they must not.
 */
#include "check.h"
#include "dissectors/message/message.h"

static char text[1024];
static uint64_t body_hash;

static void
describe(const struct message_proofs *p)
{
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
	    "known=%d dkim=%u+%u-%u %s/%s base64=%u md5=%u faulty=%u fault=%d at %u %s %u unclosed=%d list=%d stub=%d files=%u",
	    p->known, p->dkim.signatures, p->dkim.good, p->dkim.bad, p->dkim.domain, p->dkim.how,
	    p->base64_parts, p->md5_right, p->faulty, (int)p->fault, p->fault_part, p->fault_name,
	    p->fault_bytes, p->unclosed, p->list, p->stub, p->attachments);
	for (uint32_t i = 0; i < p->hashes; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %08x", p->hash[i]);
	snprintf(text + n, sizeof(text) - n, " dots=%u", p->dkim.dots);
	body_hash = p->body;
}

static void
read_in_chunks(const char *p, size_t len, size_t chunk, size_t gap_at)
{
	struct message *m = message_new();
	size_t n;

	CHECK(message_facts(m)->proofs == NULL);
	for (size_t off = 0; off < len; off += n) {
		n = chunk < len - off ? chunk : len - off;
		unsigned char *copy = malloc(n);

		if (off <= gap_at && gap_at < off + n)
			message_gap(m, 10);
		memcpy(copy, p + off, n);
		message_push(m, copy, n);
		free(copy);
	}
	message_end(m);
	describe(message_facts(m)->proofs);
	message_free(m);
}

static const char *
read_bytes(const char *p, size_t len)
{
	static const size_t chunks[] = { SIZE_MAX, 1, 2, 3, 7, 61, 1024 };
	static char whole[sizeof(text)];
	uint64_t body = 0;

	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		read_in_chunks(p, len, chunks[i], SIZE_MAX);
		if (i == 0) {
			memcpy(whole, text, sizeof(text));
			body = body_hash;
		} else {
			CHECK_EQ_STR(text, whole);
			CHECK(body == body_hash);
		}
	}
	return whole;
}

static const char *
read_text(const char *p)
{
	return read_bytes(p, strlen(p));
}

static bool
has(const char *said, const char *part)
{
	if (strstr(said, part) == NULL)
		printf("\nexpected <<%s>> in: %s\n", part, said);
	return strstr(said, part) != NULL;
}

/* ---- a mail that no Message-ID names -------------------------------------------------- */

/* Its first bytes and its length make its name; what differs far behind is not looked at. */
static void
nameless(void)
{
	static const char head[] = "Subject: a\r\n\r\n";
	static char mail[3][9000];
	uint64_t name[3];

	for (int i = 0; i < 3; i++) {
		memset(mail[i], 'x', sizeof(mail[i]));
		memcpy(mail[i], head, sizeof(head) - 1);
	}
	mail[1][sizeof(head) - 1 + PROOF_NAMING - 1] = 'y';
	mail[2][8000] = 'y';
	for (int i = 0; i < 3; i++) {
		read_bytes(mail[i], sizeof(mail[i]));
		name[i] = body_hash;
		CHECK(name[i] != 0);
	}
	CHECK(name[0] != name[1]);
	CHECK(name[0] == name[2]);
	read_bytes(mail[2], sizeof(mail[2]) - 1);
	CHECK(body_hash != name[2]);
	read_text("Message-ID: <a@example.org>\r\n\r\nx");
	CHECK(body_hash == 0);
}

/* ---- DKIM --------------------------------------------------------------------------- */

static const char *
signed_text(const char *tags, const char *body)
{
	static char buf[8192];

	snprintf(buf, sizeof(buf),
	    "From: a@example.net\r\nDKIM-Signature: v=1; d=example.net; %s\r\n\r\n%s", tags, body);
	return read_text(buf);
}

#define SIMPLE        "a=rsa-sha256; c=simple/simple; bh="
#define RELAXED       "a=rsa-sha256; c=relaxed/relaxed; bh="
#define RFC_BODY      " C \r\nD \t E\r\n\r\n\r\n" /* RFC 6376 3.4.5 */
#define HELLO         "Hello  World \r\n. a dot\r\n\r\n"
#define HELLO_RELAXED "pxB9l/Ww8d8wnF/iDCP72385f+3MxUetet78PbXnnPE="

static void
bodies_of_the_rfc(void)
{
	CHECK(has(signed_text(RELAXED "unak6JHq0wL+Q1HP7dW1tjBx9FLA6DffoZ0qrLwbbpo=", RFC_BODY),
	    "dkim=1+1-0 example.net/rsa-sha256, relaxed body "));
	CHECK(has(signed_text(SIMPLE "NOeivbQlDH9TmNKJUw7D53wZfsk8YMZ/hTuVVwTgi8s=", RFC_BODY),
	    "dkim=1+1-0 example.net/rsa-sha256, simple body "));
	CHECK(has(signed_text(SIMPLE "unak6JHq0wL+Q1HP7dW1tjBx9FLA6DffoZ0qrLwbbpo=", RFC_BODY),
	    "dkim=1+0-1 "));
	/* RFC 6376 A.2, RFC 8463 A.3 */
	CHECK(has(signed_text(SIMPLE "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
		      "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"),
	    "dkim=1+1-0 "));
	CHECK(has(
	    signed_text(
		"a=ed25519-sha256; c=relaxed/relaxed; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
		"Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"),
	    "dkim=1+1-0 example.net/ed25519-sha256, relaxed body "));
	/* RFC 6376 3.4.3 and 3.4.4 state the hashes of an empty body */
	CHECK(has(
	    signed_text(SIMPLE "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", ""), "dkim=1+1-0 "));
	CHECK(has(signed_text(RELAXED "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", ""),
	    "dkim=1+1-0 "));
	CHECK(has(signed_text("a=rsa-sha1; bh=uoq1oCgLlTqpdDX/iUbLy7J1Wic=", "\r\n\r\n"),
	    "dkim=1+1-0 example.net/rsa-sha1, simple body "));
	CHECK(has(signed_text("a=rsa-sha1;c=simple/relaxed; bh=2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
		      " \r\n\t\r\n"),
	    "dkim=1+1-0 "));
	/* no line end at the end: both forms add one */
	CHECK(has(signed_text(SIMPLE "VSuraGTHp7aaUC7RhUuSRcDhow8AiqoLKB2mJYX9sCU=", "abc"),
	    "dkim=1+1-0 "));
	CHECK(has(signed_text(RELAXED "VSuraGTHp7aaUC7RhUuSRcDhow8AiqoLKB2mJYX9sCU=", "abc"),
	    "dkim=1+1-0 "));
}

static void
one_byte_altered(void)
{
	CHECK(has(signed_text(RELAXED HELLO_RELAXED, HELLO), "dkim=1+1-0 "));
	CHECK(has(signed_text(RELAXED HELLO_RELAXED, "Hello World\r\n. a dot\r\n\r\n\r\n"),
	    "dkim=1+1-0 ")); /* the same to relaxed */
	CHECK(has(signed_text(RELAXED HELLO_RELAXED, "Hello  World \r\n. b dot\r\n\r\n"),
	    "dkim=1+0-1 example.net/rsa-sha256, relaxed body "));
	CHECK(has(signed_text(RELAXED HELLO_RELAXED, HELLO "a footer\r\n"), "dkim=1+0-1 "));
	/* a dot too many */
	CHECK(has(text, " dots=0"));
	CHECK(has(signed_text(RELAXED HELLO_RELAXED, "Hello  World \r\n.. a dot\r\n...\r\n..\r\n"),
	    "dkim=1+0-1 "));
	CHECK(has(text, " dots=3"));
	/* only white space at an end of line: altered under simple */
	CHECK(has(signed_text(SIMPLE "9063ZZhjZVWQvcVjJ7XCp4qiy/ItacWswviYI6VRBiM=", HELLO),
	    "dkim=1+1-0 "));
	CHECK(has(signed_text(SIMPLE "9063ZZhjZVWQvcVjJ7XCp4qiy/ItacWswviYI6VRBiM=",
		      "Hello  World\r\n. a dot\r\n\r\n"),
	    "dkim=1+0-1 "));
}

static void
only_the_first_bytes_are_signed(void)
{
	CHECK(has(signed_text("l=14; " SIMPLE "DcIZ+crZyI40eaThlNt/qQyOcWegATOM/uo3Sbm3PlY=",
		      HELLO "a footer\r\n"),
	    "dkim=1+1-0 example.net/rsa-sha256, simple body, first 14 bytes "));
	CHECK(
	    has(signed_text("l=5; " RELAXED "GF+NsyJx/iX1Yab8k4suJkMG7DBO2lGAB9F2SCY4GWk=", HELLO),
		"dkim=1+1-0 "));
	CHECK(
	    has(signed_text("l=0; " RELAXED "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", HELLO),
		"dkim=1+1-0 "));
	/* less than was signed */
	CHECK(has(signed_text("l=50; " RELAXED HELLO_RELAXED, HELLO), "dkim=1+0-1 "));
}

static void
signatures_that_are_not_judged(void)
{
	static const char *const tags[] = {
		"a=rsa-sha512; bh=" HELLO_RELAXED,                       /* no such algorithm */
		"a=rsa-sha256; c=nofws; bh=" HELLO_RELAXED,              /* nor such a form */
		"a=rsa-sha256; bh=frcCV1k9oG9oKj3dpUqdJg1P",             /* no SHA-256 */
		"a=rsa-sha256; c=simple",                                /* no body hash */
		"a=rsa-sha256; bh=" HELLO_RELAXED "; bh=" HELLO_RELAXED, /* twice */
		"a=rsa-sha256; l=99999999999999999999; bh=" HELLO_RELAXED,
		"a=rsa-sha256; l=x; bh=" HELLO_RELAXED,
		"a=rsa-sha256; v=1; bh=" HELLO_RELAXED,
		"b=" HELLO_RELAXED,
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		CHECK(has(signed_text(tags[i], HELLO), "known=1 dkim=1+0-0 / "));
	/* lines that do not end with CRLF: what the signer made of them is not known */
	CHECK(has(
	    signed_text(RELAXED HELLO_RELAXED, "Hello  World \n. a dot\r\n\r\n"), "dkim=1+0-0 "));
	CHECK(has(signed_text(RELAXED HELLO_RELAXED, "Hello\r  World \r\n. a dot\r\n\r\n"),
	    "dkim=1+0-0 "));
	CHECK(has(
	    signed_text(RELAXED HELLO_RELAXED, "Hello  World \r\n. a dot\r\n\r"), "dkim=1+0-0 "));
	CHECK(has(read_text("DKIM-Signature: v=2; a=rsa-sha256; bh=" HELLO_RELAXED "\r\n\r\nx"),
	    "dkim=1+0-0 "));
	/* the header never ends: no body was seen */
	CHECK(has(read_text("DKIM-Signature: v=1; a=rsa-sha256; bh=" HELLO_RELAXED "\r\n"),
	    "known=0 dkim=0+0-0 "));
}

static void
folded_and_long_signatures(void)
{
	static char buf[8192];
	size_t n;

	n = (size_t)sprintf(buf, "dkim-signature: v=1; a=rsa-sha256;\r\n\tc=relaxed/relaxed; h=");
	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(buf + n, "X-Header-Number-%d:\r\n  X-Another:", i);
	sprintf(buf + n,
	    "To; b=abc; bh=pxB9l/Ww8d8wnF/\r\n iDCP72385f+3MxUetet78\r\n\tPbXnnPE=; d=exam\r\n ple.net\r\n\r\n" HELLO);
	CHECK(has(read_text(buf), "dkim=1+1-0 example.net/rsa-sha256, relaxed body "));
	/* one line of it is longer than what is kept of a line */
	n = (size_t)sprintf(
	    buf, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; bh=" HELLO_RELAXED "; b=");
	memset(buf + n, 'b', 2000);
	sprintf(buf + n + 2000, "; l=5\r\n\r\n" HELLO);
	CHECK(has(read_text(buf), "dkim=1+0-0 "));
}

static void
several_signatures(void)
{
	char buf[8192];
	size_t n;

	snprintf(buf, sizeof(buf),
	    "DKIM-Signature: v=1; d=list.example; %s\r\nDKIM-Signature: v=1; d=author.example; %s\r\nList-Id: <l.list.example>\r\n\r\n" HELLO,
	    RELAXED HELLO_RELAXED, SIMPLE "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
	CHECK(has(read_text(buf), "dkim=2+1-1 author.example/rsa-sha256, simple body "));
	CHECK(has(text, " list=1 "));
	/* more than are judged: counted */
	for (n = 0, buf[0] = '\0'; n < 700;)
		n += (size_t)sprintf(buf + n, "DKIM-Signature: v=1; l=%zu; %s\r\n", n,
		    RELAXED "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	sprintf(buf + n, "\r\n" HELLO);
	CHECK(has(read_text(buf), "dkim=7+1-3 "));
	/* those of a part are not the message's */
	CHECK(has(
	    read_text(
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nDKIM-Signature: v=1; a=rsa-sha256; bh=" HELLO_RELAXED
		"\r\n\r\nx\r\n--b--\r\n"),
	    "dkim=0+0-0 "));
}

/* ---- parts ---------------------------------------------------------------------------- */

#define HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
#define FILE_ \
	HEAD \
	    "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
#define TAIL "\r\n--b--\r\n"

static void
base64_of_parts(void)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "QUJD\r\nREVG", "base64=1 md5=0 faulty=0 fault=0 " },
		{ " QUJD \t REVGRw==\r\n\r\n", "faulty=0 fault=0 " },
		{ "", "base64=1 md5=0 faulty=0 fault=0 " },
		{ "QUJD\r\nRE", "faulty=1 fault=1 at 2 a.pdf 0 " },
		{ "QUJD\r\nR", "faulty=1 fault=2 at 2 a.pdf 0 " },
		{ "QUJD\r\nRE=", "fault=2 " },
		{ "QUJD=", "fault=2 " },
		{ "QUJDRA==\r\nQUJD", "faulty=1 fault=3 at 2 a.pdf 0 " },
		{ "QUJD\r\nR\xc5VG", "faulty=1 fault=4 at 2 a.pdf 1 " },
		{ "QUJD\r\n\r\n-- \r\nscanned by", "faulty=1 fault=4 at 2 a.pdf 2 " },
		{ "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpBQkNERUZHSElK\r\nS\x80==",
		    "fault=4 at 2 a.pdf 1 " },
	};
	char buf[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(buf, sizeof(buf), FILE_ "%s" TAIL, cases[i].body);
		CHECK(has(read_text(buf), cases[i].says));
	}
	/* every byte of a byte's 256: the fast way and the slow way agree on what is legal */
	for (int c = 0; c < 256; c++) {
		bool legal = c != '\0' &&
		    strchr(
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ \t\r\n",
			c) != NULL;
		size_t n = (size_t)snprintf(buf, sizeof(buf),
		    "Content-Transfer-Encoding: base64\r\n\r\n?UJDQUJDQUJDQUJ0123456789abc?");

		for (size_t i = 1; i <= 29; i += 28) { /* the first of many, the last of few */
			buf[n - 1] = buf[n - 29] = 'A';
			buf[n - i] = (char)c;
			read_bytes(buf, n);
			CHECK(c == '=' || (strstr(text, " fault=4 ") == NULL) == legal);
		}
	}
}

static void
encodings_that_are_not_judged(void)
{
	CHECK(has(
	    read_text(HEAD
		"Content-Type: application/pdf\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#0V%T\r\n`\r\nend" TAIL),
	    "base64=0 md5=0 faulty=0 "));
	CHECK(has(read_text(HEAD "\r\nbegin 644 a\r\n#0V%T\r\n`\r\nend" TAIL),
	    "base64=0 md5=0 faulty=0 "));
	CHECK(has(
	    read_text(
		"Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"),
	    "base64=0 md5=0 faulty=0 "));
	/* a bounce brings back the start of a message */
	CHECK(has(
	    read_text(
		"Content-Type: multipart/report; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
		"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJDR\r\n--o--\r\n"),
	    "known=1 dkim=0+0-0 / base64=0 md5=0 faulty=0 fault=0 at 0  0 unclosed=0 "));
	/* ... but what stands behind it is the message's own */
	CHECK(has(
	    read_text(
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
		"Subject: x\r\n\r\ntext\r\n--o\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJDR\r\n--o--\r\n"),
	    "base64=1 md5=0 faulty=1 fault=2 at 2 text/plain "));
}

static void
the_closing_boundary(void)
{
	CHECK(has(read_text(FILE_ "QUJD" TAIL), "unclosed=0 "));
	CHECK(has(read_text(FILE_ "QUJD\r\n--b-- \r\nepilogue"), "unclosed=0 "));
	CHECK(has(read_text(FILE_ "QUJD\r\n--b--"), "unclosed=0 "));
	CHECK(has(read_text(FILE_ "QUJD\r\n"), "unclosed=1 "));
	/* one that is written oddly: seen from a program, not from a damage */
	CHECK(has(read_text(FILE_ "QUJD\r\n--b---\r\n\r\n"),
	    "base64=0 md5=0 faulty=0 fault=0 at 0  0 unclosed=0 "));
	/* an inner one that an outer one ends (RFC 2046 5.1.2); no part at all */
	CHECK(has(
	    read_text(
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--o--\r\n"),
	    "unclosed=0 "));
	CHECK(has(read_text("Content-Type: multipart/mixed; boundary=o\r\n\r\nno part\r\n"),
	    "unclosed=0 "));
}

static const char *
summed_text(const char *md5, const char *encoding, const char *body)
{
	char buf[2048];

	snprintf(buf, sizeof(buf),
	    HEAD "Content-MD5: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s" TAIL, md5, encoding,
	    body);
	return read_text(buf);
}

static void
content_md5(void)
{
	CHECK(
	    has(summed_text("sQqNsWTgdUEFt6mb5y4/5Q==", "7bit", "Hello World"), "md5=1 faulty=0 "));
	/* some count the last line end, some count in LF */
	CHECK(
	    has(summed_text("NXnI2n8eCtlGVudsiG5RJQ==", "7bit", "Hello World"), "md5=1 faulty=0 "));
	CHECK(has(
	    summed_text("KN3Y8DJeXyVNadlQ8hzdiA==", "7bit", "Hello\r\nWorld"), "md5=1 faulty=0 "));
	CHECK(has(
	    summed_text("9BEhqQPq+t8liWKrxXyGRA==", "8bit", "Hello\r\nWorld"), "md5=1 faulty=0 "));
	CHECK(has(summed_text("sQqNsWTgdUEFt6mb5y4/5Q==", "7bit", "Hello Worle"),
	    "md5=0 faulty=1 fault=5 at 2 text/plain "));
	/* before any transfer encoding */
	CHECK(has(summed_text("IJdMyP/BJZBg3bFHraQ2Ig==", "base64", "AAH+\r\nYmluYXJ5"),
	    "base64=1 md5=1 faulty=0 "));
	CHECK(has(summed_text("IJdMyP/BJZBg3bFHraQ2Ig==", "base64", "AAH+\r\nYmluYXJ6"),
	    "md5=0 faulty=1 fault=5 "));
	CHECK(has(summed_text(
		      "yGnXQ1HBIB+/Zo3OaoSd9w==", "quoted-printable", "Gr=C3=bC=\r\n=C3=9Fe =3D  "),
	    "md5=1 faulty=0 "));
	CHECK(
	    has(summed_text("yGnXQ1HBIB+/Zo3OaoSd9w==", "quoted-printable", "Gr=C3=BC=C3=9Fe  =3D"),
		"fault=5 "));
	/* nothing that could be judged */
	CHECK(has(summed_text("yGnXQ1HBIB+/Zo3OaoSd9w==", "quoted-printable", "Gr=XX"),
	    "md5=0 faulty=0 "));
	CHECK(has(summed_text("not a sum", "7bit", "Hello"), "md5=0 faulty=0 "));
	CHECK(
	    has(summed_text("sQqNsWTgdUEFt6mb5y4/5Q==", "x-uuencode", "Hello"), "md5=0 faulty=0 "));
}

static void
attachments_are_hashed(void)
{
	char one[1024];

	memcpy(one, read_text(FILE_ "QUJDREVGR0hJSktMTU5P" TAIL), sizeof(one));
	CHECK(has(one, " files=1 "));
	CHECK_EQ_STR(read_text(FILE_ "QUJD\r\nREVGR0hJS\r\nktMTU5P\r\n" TAIL),
	    one); /* other lines, the same content */
	CHECK(strcmp(read_text(FILE_ "QUJDREVGR0hJSktMTU5Q" TAIL), one) != 0);
	CHECK(has(read_text(HEAD "Content-Transfer-Encoding: base64\r\n\r\nQUJD" TAIL),
	    " files=0")); /* text */
	CHECK(has(
	    read_text(HEAD
		"Content-Type: text/plain; name=Org-Attachment-Warning.txt\r\n\r\nremoved" TAIL),
	    " stub=1 files=0"));
}

static void
nothing_is_known_across_a_gap(void)
{
	static const char m[] =
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; bh=" HELLO_RELAXED "\r\n" FILE_
	    "QUJDR!" TAIL;

	read_text(m);
	CHECK(has(text, "known=1 dkim=1+0-1 "));
	for (size_t at = 0; at < sizeof(m) - 1; at++) {
		read_in_chunks(m, sizeof(m) - 1, 1, at);
		CHECK_EQ_STR(text,
		    "known=0 dkim=0+0-0 / base64=0 md5=0 faulty=0 fault=0 at 0  0 unclosed=0 list=0 stub=0 files=0 dots=0");
	}
}

static void
every_prefix_is_safe(void)
{
	static const char m[] =
	    "DKIM-Signature: v=1; a=rsa-sha1; bh=uoq1oCgLlTqpdDX/iUbLy7J1Wic=; l=3\r\n" HEAD
	    "Content-MD5: sQqNsWTgdUEFt6mb5y4/5Q==\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41 \t=\r\n b=3d  \r\n--b\r\n"
	    "Content-Transfer-Encoding: base64\r\nContent-MD5: sQqNsWTgdUEFt6mb5y4/5Q==\r\n\r\nQUJD=\r\n-" TAIL;

	for (size_t n = 0; n < sizeof(m); n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, m, n);
		read_bytes(copy, n);
		free(copy);
	}
	CHECK(1);
}

/*
 * What tells two of them apart is the body alone: not its header, and nothing where a Message-ID
 * does.
 */
static uint64_t
body_of(const char *p)
{
	CHECK(has(read_text(p), "known="));
	return body_hash;
}

static void
mails_without_a_name(void)
{
	uint64_t first = body_of("Subject: x\r\n\r\nhello\r\n");

	CHECK(first != 0);
	CHECK(body_of("Subject: other\r\nFrom: a@b\r\n\r\nhello\r\n") == first);
	CHECK(body_of("Subject: x\r\n\r\nHello\r\n") != first);
	CHECK(body_of("Message-ID: <a@b>\r\n\r\nhello\r\n") == 0);
	CHECK(body_of("Subject: x\r\n\r\n") == 0);
	CHECK(body_of("Subject: x\r\nhello\r\n") == 0);
	read_in_chunks("Subject: x\r\n\r\nhello\r\n", 21, SIZE_MAX, 0);
	CHECK(body_hash == 0); /* a gap */
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a mail without a name", nameless },
		{ "bodies of the RFC", bodies_of_the_rfc },
		{ "one byte altered", one_byte_altered },
		{ "only the first bytes are signed", only_the_first_bytes_are_signed },
		{ "signatures that are not judged", signatures_that_are_not_judged },
		{ "folded and long signatures", folded_and_long_signatures },
		{ "several signatures", several_signatures },
		{ "base64 of parts", base64_of_parts },
		{ "encodings that are not judged", encodings_that_are_not_judged },
		{ "the closing boundary", the_closing_boundary },
		{ "Content-MD5", content_md5 },
		{ "attachments are hashed", attachments_are_hashed },
		{ "mails without a name", mails_without_a_name },
		{ "nothing is known across a gap", nothing_is_known_across_a_gap },
		{ "every prefix is safe", every_prefix_is_safe },
	};

	return check_main("message_proof", tests, sizeof(tests) / sizeof(tests[0]));
}
