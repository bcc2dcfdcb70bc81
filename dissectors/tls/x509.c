/* x509.c - a bounded walk to the issuer of a certificate (RFC 5280 4.1.2.4). */
#include <string.h>

#include "dissectors/wire.h"
#include "dissectors/tls/x509.h"

enum {
	DER_INTEGER = 0x02,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_VERSION = 0xa0
};
enum { NAMES_MAX = 32 }; /* parts of a name that are looked at */

static const uint8_t oid_organization[] = { 0x55, 0x04, 0x0a },
		     oid_common_name[] = { 0x55, 0x04, 0x03 };

struct der {
	uint8_t tag;
	size_t len;
};

/* Tag and length (X.690 8.1.3: definite, at most three bytes of length here). */
static enum dissect_rc
der_head(struct wire *w, struct der *d)
{
	uint8_t first;

	d->tag = wire_u8(w);
	first = wire_u8(w);
	d->len = first & 0x7f;
	if (first & 0x80) {
		unsigned int n = first & 0x7f;

		if (!w->bad && (n == 0 || n > 3))
			return DISSECT_MALFORMED;
		for (d->len = 0; n > 0; n--)
			d->len = d->len << 8 | wire_u8(w);
	}
	return w->bad ? DISSECT_SHORT : DISSECT_OK;
}

static enum dissect_rc
der_expect(struct wire *w, uint8_t tag, size_t *len)
{
	struct der d;
	enum dissect_rc rc = der_head(w, &d);

	if (rc == DISSECT_OK && d.tag != tag)
		return DISSECT_MALFORMED;
	*len = d.len;
	return rc;
}

static enum dissect_rc
der_skip(struct wire *w, uint8_t tag)
{
	size_t len;
	enum dissect_rc rc = der_expect(w, tag, &len);

	if (rc == DISSECT_OK && wire_take(w, len) == NULL)
		return DISSECT_SHORT;
	return rc;
}

struct names {
	char organization[64], common_name[64];
};

static void
name_copy(char out[64], const uint8_t *p, size_t len)
{
	size_t n = 0;

	for (; n < len && n + 1 < 64; n++)
		out[n] = (char)(p[n] >= 0x20 && p[n] < 0x7f ? p[n] : '?');
	out[n] = '\0';
}

/* SET OF one AttributeTypeAndValue; w holds just this. */
static enum dissect_rc
name_part(struct wire w, struct names *o)
{
	const uint8_t *oid, *value;
	size_t len, oid_len;
	struct der d;

	if (der_expect(&w, DER_SEQUENCE, &len) != DISSECT_OK ||
	    der_expect(&w, DER_OID, &oid_len) != DISSECT_OK)
		return DISSECT_MALFORMED;
	oid = wire_take(&w, oid_len);
	if (oid == NULL || der_head(&w, &d) != DISSECT_OK || (value = wire_take(&w, d.len)) == NULL)
		return DISSECT_MALFORMED;
	if (oid_len == 3 && memcmp(oid, oid_organization, 3) == 0)
		name_copy(o->organization, value, d.len);
	else if (oid_len == 3 && memcmp(oid, oid_common_name, 3) == 0)
		name_copy(o->common_name, value, d.len);
	return DISSECT_OK;
}

static enum dissect_rc
name_parse(struct wire w, struct names *o)
{
	for (unsigned int i = 0; i < NAMES_MAX && w.off < w.len; i++) {
		const uint8_t *p;
		size_t len;

		if (der_expect(&w, DER_SET, &len) != DISSECT_OK ||
		    (p = wire_take(&w, len)) == NULL ||
		    name_part(wire_init(p, len), o) != DISSECT_OK)
			return DISSECT_MALFORMED;
	}
	return DISSECT_OK;
}

/* Up to the issuer's name; *w then begins with it. */
static enum dissect_rc
issuer_find(struct wire *w)
{
	enum dissect_rc rc = DISSECT_OK;
	size_t len;

	for (int outer = 0; outer < 2 && rc == DISSECT_OK;
	     outer++) /* Certificate, tbsCertificate */
		rc = der_expect(w, DER_SEQUENCE, &len);
	if (rc != DISSECT_OK)
		return rc;
	if (w->off < w->len && w->p[w->off] == DER_VERSION &&
	    (rc = der_skip(w, DER_VERSION)) != DISSECT_OK)
		return rc;
	if ((rc = der_skip(w, DER_INTEGER)) != DISSECT_OK)
		return rc;
	return der_skip(w, DER_SEQUENCE);
}

enum dissect_rc
x509_issuer_parse(const uint8_t *p, size_t len, char issuer[X509_ISSUER_MAX])
{
	struct wire w = wire_init(p, len);
	struct names o = { .organization = "" };
	enum dissect_rc rc = issuer_find(&w);
	const uint8_t *name;
	size_t name_len, n;

	issuer[0] = '\0';
	if (rc != DISSECT_OK || (rc = der_expect(&w, DER_SEQUENCE, &name_len)) != DISSECT_OK)
		return rc;
	if ((name = wire_take(&w, name_len)) == NULL)
		return DISSECT_SHORT;
	if ((rc = name_parse(wire_init(name, name_len), &o)) != DISSECT_OK)
		return rc;
	n = strlen(o.organization);
	memcpy(issuer, o.organization, n);
	if (n > 0 && o.common_name[0] != '\0') {
		memcpy(issuer + n, ", ", 2);
		n += 2;
	}
	memcpy(issuer + n, o.common_name, strlen(o.common_name) + 1);
	return DISSECT_OK;
}
