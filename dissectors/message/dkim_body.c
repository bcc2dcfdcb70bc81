/*
 * dkim_body.c - tags as they stream by, one machine for each canonical form,
 * one hash for each combination of form, algorithm and length that a signature
 * asks for: most messages with several signatures need one.
 */
#include "dissectors/message/dkim_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dissectors/text/base64.h"
#include "dissectors/text/digest.h"

#define NO_LIMIT   UINT64_MAX
#define NO_TAG     TAGS
#define LINE_OTHER 2

enum tag { TAG_V, TAG_A, TAG_C, TAG_L, TAG_BH, TAG_D, TAGS };
static const char *const tag_names[TAGS] = { "v", "a", "c", "l", "bh", "d" };

static const struct {
	const char *name;
	enum digest_kind digest;
	size_t size;
} algorithms[] = {
	{ "rsa-sha256", DIGEST_SHA256, 32 },
	{ "ed25519-sha256", DIGEST_SHA256, 32 },
	{ "rsa-sha1", DIGEST_SHA1, 20 },
};

/* The field being read. */
struct tags {
	char name[4];
	size_t name_len; /* sizeof(name): no tag of ours */
	bool in_value;
	enum tag tag;
	char value[TAGS][80];
	size_t len[TAGS];
	bool seen[TAGS];
	bool broken; /* twice the same, or too long */
};

struct hash {
	bool relaxed;
	enum digest_kind kind;
	uint64_t limit; /* l= */
	uint64_t taken;
	struct digest *digest;
};

struct signature {
	uint8_t bh[DIGEST_MAX];
	size_t size;
	uint32_t hash;
	char domain[80], how[64];
};

/* A canonical body in the making (RFC 6376 3.4.3, 3.4.4). */
struct canon {
	bool wanted;
	bool relaxed;
	bool text;      /* some line had bytes */
	bool blank;     /* relaxed: white space that may be the line's last */
	uint64_t lines; /* line ends that may be the body's last */
	size_t n;
	uint8_t out[1024];
};

struct dkim_body {
	struct tags tags;
	uint32_t fields;
	uint32_t signature_count, hash_count;
	struct signature signatures[DKIM_SIGNATURES];
	struct hash hashes[DKIM_SIGNATURES];
	struct canon canons[2]; /* simple, relaxed */
	bool cr;                /* the last byte; its LF may follow */
	bool odd;               /* a CR or LF by itself */
	uint32_t dots;          /* lines that begin with two */
	unsigned int column; /* dots at the start of this line; LINE_OTHER: something else came */
	bool starved;
};

/* ---- the field -------------------------------------------------------------------- */

void
dkim_field_begin(struct dkim_body *k)
{
	k->tags = (struct tags){ .tag = NO_TAG };
	k->fields++;
}

static void
tag_begin(struct tags *t)
{
	t->in_value = true;
	t->tag = NO_TAG;
	if (t->name_len < sizeof(t->name))
		t->name[t->name_len] = '\0';
	for (int i = 0; i < TAGS && t->name_len < sizeof(t->name); i++)
		if (strcmp(t->name, tag_names[i]) == 0)
			t->tag = (enum tag)i;
	if (t->tag == NO_TAG)
		return;
	t->broken |= t->seen[t->tag]; /* RFC 6376 3.2: must not be twice */
	t->seen[t->tag] = true;
}

static void
value_byte(struct tags *t, char c)
{
	if (t->tag == NO_TAG)
		return;
	if (t->len[t->tag] + 1 < sizeof(t->value[0]))
		t->value[t->tag][t->len[t->tag]++] = c;
	else
		t->broken = true;
}

/* RFC 6376 3.2: tag-list.  White space within is folding, and goes. */
void
dkim_field_push(struct dkim_body *k, const char *p, size_t len)
{
	struct tags *t = &k->tags;

	for (; len > 0; p++, len--) {
		if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
			continue;
		if (*p == ';') {
			t->in_value = false;
			t->name_len = 0;
		} else if (t->in_value) {
			value_byte(t, *p);
		} else if (*p == '=') {
			tag_begin(t);
		} else if (t->name_len < sizeof(t->name)) {
			t->name[t->name_len++] = *p;
		}
	}
}

/* "header/body"; of the header's form only the name matters here. */
static bool
canon_of(const char *c, bool *relaxed)
{
	static const struct {
		const char *name;
		bool relaxed;
	} forms[] = {
		{ "", false },
		{ "simple", false },
		{ "relaxed", false },
		{ "simple/simple", false },
		{ "relaxed/simple", false },
		{ "simple/relaxed", true },
		{ "relaxed/relaxed", true },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcasecmp(c, forms[i].name) == 0) {
			*relaxed = forms[i].relaxed;
			return true;
		}
	return false;
}

static bool
limit_of(const struct tags *t, uint64_t *limit)
{
	const char *p = t->value[TAG_L];

	*limit = NO_LIMIT;
	if (!t->seen[TAG_L])
		return true;
	if (*p == '\0' || strlen(p) > 18 || strspn(p, "0123456789") != strlen(p))
		return false;
	*limit = strtoull(p, NULL, 10);
	return true;
}

/* The hash that this signature needs, of another one or new; DKIM_SIGNATURES: no memory. */
static uint32_t
hash_for(struct dkim_body *k, bool relaxed, enum digest_kind kind, uint64_t limit)
{
	struct hash *h;
	uint32_t i;

	for (i = 0; i < k->hash_count; i++)
		if (k->hashes[i].relaxed == relaxed && k->hashes[i].kind == kind &&
		    k->hashes[i].limit == limit)
			return i;
	h = &k->hashes[i];
	*h = (struct hash){
		.relaxed = relaxed, .kind = kind, .limit = limit, .digest = digest_new(kind)
	};
	if (h->digest == NULL) {
		k->starved = true;
		return DKIM_SIGNATURES;
	}
	k->canons[relaxed].wanted = true;
	k->hash_count++;
	return i;
}

static void
how_set(struct signature *s, const char *algorithm, bool relaxed, uint64_t limit)
{
	int n = snprintf(
	    s->how, sizeof(s->how), "%s, %s body", algorithm, relaxed ? "relaxed" : "simple");

	if (limit != NO_LIMIT)
		snprintf(s->how + n, sizeof(s->how) - (size_t)n, ", first %llu bytes",
		    (unsigned long long)limit);
}

void
dkim_field_end(struct dkim_body *k, bool whole)
{
	struct tags *t = &k->tags;
	struct signature *s = &k->signatures[k->signature_count];
	uint64_t limit;
	bool relaxed;

	if (!whole || t->broken || k->signature_count == DKIM_SIGNATURES ||
	    strcmp(t->value[TAG_V], "1") != 0)
		return;
	if (!canon_of(t->value[TAG_C], &relaxed) || !limit_of(t, &limit))
		return;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcasecmp(t->value[TAG_A], algorithms[i].name) != 0)
			continue;
		s->size = algorithms[i].size;
		if (!base64_value_of(t->value[TAG_BH], s->bh, s->size))
			return;
		s->hash = hash_for(k, relaxed, algorithms[i].digest, limit);
		if (s->hash == DKIM_SIGNATURES)
			return;
		memcpy(s->domain, t->value[TAG_D], sizeof(s->domain));
		how_set(s, algorithms[i].name, relaxed, limit);
		k->signature_count++;
		return;
	}
}

/* ---- the body ------------------------------------------------------------------------ */

static void
canon_flush(struct dkim_body *k, struct canon *c)
{
	for (uint32_t i = 0; i < k->hash_count; i++) {
		struct hash *h = &k->hashes[i];
		uint64_t n = c->n;

		if (h->relaxed != c->relaxed)
			continue;
		if (n > h->limit - h->taken)
			n = h->limit - h->taken;
		digest_update(h->digest, c->out, (size_t)n);
		h->taken += n;
	}
	c->n = 0;
}

static void
canon_put(struct dkim_body *k, struct canon *c, const void *p, size_t len)
{
	const uint8_t *from = p;

	while (len > 0) {
		size_t n = sizeof(c->out) - c->n;

		if (n > len)
			n = len;
		memcpy(c->out + c->n, from, n);
		c->n += n;
		from += n;
		len -= n;
		if (c->n == sizeof(c->out))
			canon_flush(k, c);
	}
}

/* Bytes that stay: what was held back before them stays as well. */
static void
canon_text(struct dkim_body *k, struct canon *c, const uint8_t *p, size_t len)
{
	for (; c->lines > 0; c->lines--)
		canon_put(k, c, "\r\n", 2);
	if (c->blank)
		canon_put(k, c, " ", 1);
	c->blank = false;
	c->text = true;
	canon_put(k, c, p, len);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

typedef uint8_t many __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

/* How many bytes come before the next white space: sixteen at a time, for lines of base64. */
static size_t
word_run(const uint8_t *p, size_t len)
{
	size_t n = 0;
	two_words mark;
	many v;

	for (; n + sizeof(v) <= len; n += sizeof(v)) {
		memcpy(&v, p + n, sizeof(v));
		mark = (two_words)((v == ' ') | (v == '\t'));
		if ((mark[0] | mark[1]) != 0)
			break;
	}
	for (; n < len && !is_blank(p[n]); n++)
		;
	return n;
}

static void
relaxed_text(struct dkim_body *k, struct canon *c, const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		n = word_run(p, len);
		if (n > 0)
			canon_text(k, c, p, n);
		p += n;
		len -= n;
		for (; len > 0 && is_blank(*p); p++, len--)
			c->blank = true;
	}
}

static void
line_text(struct dkim_body *k, const uint8_t *p, size_t len)
{
	if (len == 0)
		return;
	for (size_t i = 0; i < len && k->column < LINE_OTHER; i++) {
		k->dots += k->column == 1 && p[i] == '.';
		k->column = p[i] == '.' ? k->column + 1 : LINE_OTHER;
	}
	if (k->canons[0].wanted)
		canon_text(k, &k->canons[0], p, len);
	if (k->canons[1].wanted)
		relaxed_text(k, &k->canons[1], p, len);
}

static void
line_end(struct dkim_body *k)
{
	k->column = 0;
	for (int i = 0; i < 2; i++) {
		k->canons[i].lines++;
		k->canons[i].blank = false;
	}
}

void
dkim_body_push(struct dkim_body *k, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len, *stop;

	if (k->hash_count == 0)
		return;
	while (p < end && !k->odd) {
		if (k->cr) {
			k->odd = *p != '\n';
			k->cr = false;
			line_end(k);
			p++;
			continue;
		}
		stop = memchr(p, '\r', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		k->odd = memchr(p, '\n', (size_t)(stop - p)) != NULL;
		line_text(k, p, (size_t)(stop - p));
		k->cr = stop < end;
		p = stop + (stop < end);
	}
}

/*
 * Simple: a body has at least one line end.  Relaxed: only a body that is not empty (3.4.3, 3.4.4).
 */
static void
canon_end(struct dkim_body *k, struct canon *c)
{
	if (c->text || !c->relaxed)
		canon_put(k, c, "\r\n", 2);
	canon_flush(k, c);
}

static bool
signature_holds(const struct dkim_body *k, const struct signature *s)
{
	const struct hash *h = &k->hashes[s->hash];
	uint8_t value[DIGEST_MAX];

	if (h->limit != NO_LIMIT && h->taken < h->limit)
		return false; /* shorter than what was signed */
	digest_value(h->digest, value);
	return memcmp(value, s->bh, s->size) == 0;
}

void
dkim_body_end(struct dkim_body *k, struct dkim_facts *out)
{
	memset(out, 0, sizeof(*out));
	out->signatures = k->fields;
	out->starved = k->starved;
	out->dots = k->dots;
	if (k->odd || k->cr)
		return;
	for (int i = 0; i < 2; i++)
		canon_end(k, &k->canons[i]);
	for (uint32_t i = 0; i < k->signature_count; i++) {
		const struct signature *s = &k->signatures[i];
		bool good = signature_holds(k, s);

		if ((!good && out->bad == 0) || (good && out->good + out->bad == 0)) {
			memcpy(out->domain, s->domain, sizeof(out->domain));
			memcpy(out->how, s->how, sizeof(out->how));
		}
		*(good ? &out->good : &out->bad) += 1;
	}
}

struct dkim_body *
dkim_body_new(void)
{
	struct dkim_body *k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->canons[1].relaxed = true;
	return k;
}

void
dkim_body_free(struct dkim_body *k)
{
	if (k == NULL)
		return;
	for (uint32_t i = 0; i < k->hash_count; i++)
		digest_free(k->hashes[i].digest);
	free(k);
}
