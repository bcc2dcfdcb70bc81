#include "dissectors/message/leaf.h"

#include <string.h>

#include "dissectors/text/base64.h"
#include "dissectors/text/digest.h"

enum content_coding
content_coding_of(const char *encoding)
{
	static const struct {
		const char *name;
		enum content_coding coding;
	} codings[] = {
		{ "", CODING_PLAIN },
		{ "7bit", CODING_PLAIN },
		{ "8bit", CODING_PLAIN },
		{ "binary", CODING_PLAIN },
		{ "base64", CODING_BASE64 },
		{ "quoted-printable", CODING_QUOTED },
	};

	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
		if (strcmp(encoding, codings[i].name) == 0)
			return codings[i].coding;
	return CODING_OTHER; /* x-uuencode and the like */
}

void
leaf_begin(struct leaf *l, const char *encoding, const char *md5, bool attachment, bool *starved)
{
	leaf_drop(l);
	l->coding = content_coding_of(encoding);
	if (md5[0] != '\0')
		l->md5 = content_md5_new(md5, l->coding, starved);
	if (l->coding == CODING_BASE64 && attachment && (l->hash = digest_new(DIGEST_FAST)) == NULL)
		*starved = true;
	l->on = l->coding == CODING_BASE64 || l->md5 != NULL;
}

/* A byte that is not of the alphabet. */
static void
base64_other(struct leaf *l, uint8_t c)
{
	if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
		return;
	if (c == '=')
		l->pads++;
	else
		l->illegal++;
}

static void
base64_push(struct leaf *l, const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		n = base64_run(p, len);
		if (n > 0) {
			l->digits += n;
			l->after |= l->pads > 0;
			if (l->hash != NULL)
				digest_update(l->hash, p, n);
		}
		p += n;
		len -= n;
		if (len >= 2 && memcmp(p, "\r\n", 2) == 0) {
			p += 2;
			len -= 2;
		} else if (len > 0) {
			base64_other(l, *p);
			p++;
			len--;
		}
	}
}

void
leaf_push(struct leaf *l, const uint8_t *p, size_t len)
{
	if (l->coding == CODING_BASE64)
		base64_push(l, p, len);
	if (l->md5 != NULL)
		content_md5_push(l->md5, p, len);
}

static enum leaf_fault
base64_fault(const struct leaf *l)
{
	unsigned int rest = l->digits % 4;

	if (l->illegal > 0)
		return LEAF_ILLEGAL;
	if (l->after)
		return LEAF_AFTER_PADDING;
	if (rest == 1 || (l->pads > 0 && (rest + l->pads) % 4 != 0))
		return LEAF_LENGTH;
	return rest != 0 && l->pads == 0 ? LEAF_UNPADDED : LEAF_SOUND;
}

static uint32_t
hash_value(const struct digest *d)
{
	uint8_t v[DIGEST_MAX];

	digest_value(d, v);
	return (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
}

void
leaf_end(struct leaf *l, struct leaf_facts *out)
{
	enum content_md5_says md5 = l->md5 != NULL ? content_md5_end(l->md5) : MD5_UNKNOWN;

	*out = (struct leaf_facts){ .base64 = l->coding == CODING_BASE64,
		.md5_right = md5 == MD5_RIGHT,
		.illegal = l->illegal };
	if (out->base64)
		out->fault = base64_fault(l);
	if (md5 == MD5_WRONG)
		out->fault = LEAF_MD5;
	if (l->hash != NULL) {
		out->hashed = true;
		out->hash = hash_value(l->hash);
	}
	leaf_drop(l);
}

void
leaf_drop(struct leaf *l)
{
	digest_free(l->hash);
	content_md5_free(l->md5);
	*l = (struct leaf){ 0 };
}
