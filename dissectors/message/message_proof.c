#include "dissectors/message/message.h"

#include <string.h>
#include <strings.h>

static void
text_set(char *out, size_t size, const char *p)
{
	size_t n = strnlen(p, size - 1);

	memcpy(out, p, n);
	out[n] = '\0';
}

/* ---- header fields ---------------------------------------------------------------- */

void
proofs_field(struct proofs *p, const char *name, const char *value, bool top)
{
	static const char *const list_fields[] = { "List-Id", "List-Post", "X-BeenThere",
		"X-Mailman-Version" };

	if (strcasecmp(name, "Content-MD5") == 0)
		text_set(p->md5, sizeof(p->md5), value);
	if (top && p->facts.scanner[0] == '\0' &&
	    (strcasecmp(name, "X-Antivirus") == 0 || strcasecmp(name, "X-AV") == 0))
		text_set(p->facts.scanner, sizeof(p->facts.scanner), value);
	for (size_t i = 0; top && i < sizeof(list_fields) / sizeof(list_fields[0]); i++)
		p->facts.list |= strcasecmp(name, list_fields[i]) == 0;
	if (top && strcasecmp(name, "Precedence") == 0)
		p->facts.list |= strcasecmp(value, "list") == 0;
}

void
proofs_field_begin(struct proofs *p, const char *name)
{
	p->signing = false;
	if (p->off || strcasecmp(name, "DKIM-Signature") != 0)
		return;
	if (p->dkim == NULL)
		p->dkim = dkim_body_new();
	p->facts.starved |= p->dkim == NULL;
	if (p->dkim == NULL)
		return;
	p->signing = true;
	dkim_field_begin(p->dkim);
}

void
proofs_field_end(struct proofs *p, bool whole)
{
	if (p->signing)
		dkim_field_end(p->dkim, whole);
	p->signing = false;
}

/* ---- parts -------------------------------------------------------------------------- */

void
proofs_part_begin(struct proofs *p)
{
	p->md5[0] = '\0';
}

/* Names that scanners give to the text they put in place of an attachment. */
static bool
is_stub(const char *name)
{
	static const char *const tails[] = {
		"attachment-warning.txt",
		"viruswarning.txt",
		"malware alert text.txt",
		"deleted0.txt",
	};
	size_t n = strlen(name), t;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		if ((t = strlen(tails[i])) <= n && strcasecmp(name + n - t, tails[i]) == 0)
			return true;
	return false;
}

void
proofs_leaf_begin(struct proofs *p, uint32_t nr, uint32_t index, const struct message_part *part)
{
	const char *type = part->type, *name = part->name;
	bool attachment = name[0] != '\0' || strncmp(type, "text/", 5) != 0;

	/* a multipart whose parts could not be told apart is no leaf */
	if (p->off || strncmp(type, "multipart/", 10) == 0)
		return;
	p->leaf_nr = nr;
	p->leaf_index = index;
	text_set(p->leaf_name, sizeof(p->leaf_name), name[0] != '\0' ? name : type);
	p->facts.stub |= is_stub(name);
	leaf_begin(&p->leaf, part->encoding, p->md5, attachment, &p->facts.starved);
	p->facts.attachments += attachment && p->leaf.coding == CODING_BASE64;
}

void
proofs_leaf_end(struct proofs *p)
{
	struct message_proofs *f = &p->facts;
	struct leaf_facts l;

	if (!p->leaf.on)
		return;
	leaf_end(&p->leaf, &l);
	f->base64_parts += l.base64;
	f->md5_right += l.md5_right;
	if (l.hashed && f->hashes < PROOF_ATTACHMENTS)
		f->hash[f->hashes++] = l.hash;
	f->faulty += l.fault != LEAF_SOUND;
	if (l.fault <= f->fault)
		return;
	f->fault = l.fault;
	f->fault_part = p->leaf_nr;
	f->fault_index = p->leaf_index;
	f->fault_bytes = l.illegal;
	memcpy(f->fault_name, p->leaf_name, sizeof(f->fault_name));
}

/* ---- the body of a mail that has no name ------------------------------------------------ */

void
proofs_body_begin(struct proofs *p, bool named)
{
	if (named || p->off)
		return;
	p->nameless = digest_new(DIGEST_FAST);
	p->facts.starved |= p->nameless == NULL;
	p->naming = p->nameless != NULL ? PROOF_NAMING : 0;
}

void
proofs_naming_push(struct proofs *p, const uint8_t *b, size_t len)
{
	uint32_t n = len < p->naming ? (uint32_t)len : p->naming;

	digest_update(p->nameless, b, n);
	p->naming -= n;
}

static uint64_t
body_value(struct digest *d, uint64_t bytes)
{
	uint8_t v[DIGEST_MAX] = { 0 }, size[sizeof(bytes)];
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(size); i++)
		size[i] = (uint8_t)(bytes >> 8 * i);
	digest_update(d, size, sizeof(size));
	digest_value(d, v);
	for (size_t i = 0; i < sizeof(n); i++)
		n = n << 8 | v[i];
	return n;
}

/* ---- the message ---------------------------------------------------------------------- */

/* Programs that write "--boundary---" for the last one: not a fault of the way. */
void
proofs_doubt(struct proofs *p)
{
	leaf_drop(&p->leaf);
	p->doubt = true;
}

/* Nothing is judged across a gap: what was gathered goes, and with it the cost of going on. */
void
proofs_gap(struct proofs *p)
{
	proofs_free(p);
	p->off = true;
}

void
proofs_end(struct proofs *p, bool known, bool unclosed, uint64_t bytes)
{
	if (!known) {
		proofs_free(p);
		p->facts = (struct message_proofs){ 0 };
		return;
	}
	p->facts.known = true;
	p->facts.unclosed = unclosed && !p->doubt;
	if (p->dkim != NULL)
		dkim_body_end(p->dkim, &p->facts.dkim);
	p->facts.starved |= p->facts.dkim.starved;
	if (p->nameless != NULL && bytes > 0)
		p->facts.body = body_value(p->nameless, bytes);
}

void
proofs_free(struct proofs *p)
{
	leaf_drop(&p->leaf);
	dkim_body_free(p->dkim);
	p->dkim = NULL;
	digest_free(p->nameless);
	p->nameless = NULL;
	p->naming = 0;
	p->signing = false;
}
