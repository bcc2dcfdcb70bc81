/* test_x509.c - the issuer of a certificate: every prefix, every length that lies. */
#include "check.h"
#include "dissectors/tls/x509.h"

/* Certificate and tbsCertificate begin, version 2, serial 5, an empty signature algorithm. */
static const uint8_t cert[] = { 0x30, 0x82, 0x01, 0x00, 0x30, 0x81, 0xf0, 0xa0, 0x03, 0x02, 0x01,
	0x02, 0x02, 0x01, 0x05, 0x30, 0x00 };

/* The head of a certificate with these names; its length. */
static size_t
build(uint8_t *o, const char *organization, const char *name)
{
	const char *part[2] = { organization, name };
	size_t n = 17, at;

	memcpy(o, cert, 17);
	at = n;
	n += 2;
	for (int i = 0; i < 2; i++) {
		size_t len = part[i] != NULL ? strlen(part[i]) : 0;
		uint8_t head[11] = { 0x31, (uint8_t)(len + 9), 0x30, (uint8_t)(len + 7), 0x06, 0x03,
			0x55, 0x04, i == 0 ? 0x0a : 0x03, 0x0c, (uint8_t)len };

		if (part[i] == NULL)
			continue;
		memcpy(o + n, head, sizeof(head));
		memcpy(o + n + sizeof(head), part[i], len);
		n += sizeof(head) + len;
	}
	o[at] = 0x30;
	o[at + 1] = (uint8_t)(n - at - 2);
	return n;
}

static void
names(void)
{
	uint8_t b[256];
	char issuer[X509_ISSUER_MAX];
	size_t n = build(b, "AO Kaspersky Lab", "Personal Root");

	CHECK_EQ_INT(x509_issuer_parse(b, n, issuer), DISSECT_OK);
	CHECK_EQ_STR(issuer, "AO Kaspersky Lab, Personal Root");
	for (size_t cut = 0; cut < n; cut++) {
		CHECK_EQ_INT(x509_issuer_parse(b, cut, issuer), DISSECT_SHORT);
		CHECK_EQ_STR(issuer, "");
	}
	n = build(b, NULL,
	    "only\x01"
	    "a name\xff");
	CHECK_EQ_INT(x509_issuer_parse(b, n, issuer), DISSECT_OK);
	CHECK_EQ_STR(issuer, "only?a name?");
	n = build(b, NULL, NULL);
	CHECK_EQ_INT(x509_issuer_parse(b, n, issuer), DISSECT_OK);
	CHECK_EQ_STR(issuer, "");
}

static void
lies(void)
{
	uint8_t b[256], x[256];
	char issuer[X509_ISSUER_MAX], longest[110];
	size_t n = build(b, "Example", "Example CA");

	for (size_t i = 0; i < n; i++) /* each byte any value: no crash, no endless walk */
		for (int v = 0; v < 256; v++) {
			memcpy(x, b, n);
			x[i] = (uint8_t)v;
			(void)x509_issuer_parse(x, n, issuer);
			CHECK(strlen(issuer) < X509_ISSUER_MAX);
		}
	b[1] = 0x84; /* a length of four bytes */
	CHECK_EQ_INT(x509_issuer_parse(b, n, issuer), DISSECT_MALFORMED);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	n = build(b, NULL, longest);
	CHECK_EQ_INT(x509_issuer_parse(b, n, issuer), DISSECT_OK);
	CHECK_EQ_INT(strlen(issuer), 63);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "names", names },
		{ "lengths that lie", lies },
	};

	return check_main("x509", tests, sizeof(tests) / sizeof(tests[0]));
}
