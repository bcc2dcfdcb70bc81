#include "verdicts.h"

#include <stdlib.h>
#include <string.h>

enum { DRAFTS_MAX = 1 << 18 };

bool
verdicts_init(struct verdicts *v, size_t cases)
{
	memset(v, 0, sizeof(*v));
	v->head = malloc((cases + 1) * sizeof(*v->head));
	if (v->head == NULL)
		return false;
	for (size_t i = 0; i <= cases; i++)
		v->head[i] = NO_DRAFT;
	v->heads = cases;
	return true;
}

void
verdicts_free(struct verdicts *v)
{
	for (uint32_t i = 0; i < v->n; i++) {
		free(v->v[i].open);
		free(v->v[i].packed);
	}
	free(v->v);
	free(v->head);
}

/* ---- packing: runs of (zeros, literals), each counted in two bytes ------------- */

static size_t
run_zeros(const uint8_t *p, size_t n)
{
	size_t i = 0;
	uint64_t word;

	if (n > UINT16_MAX)
		n = UINT16_MAX;
	for (; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		if (word != 0)
			break;
	}
	while (i < n && p[i] == 0)
		i++;
	return i;
}

/* Literals end where eight zeros begin: shorter runs are not worth a header. */
static size_t
run_literals(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < UINT16_MAX) {
		if (n - i > 8 && p[i + 7] != 0 && i + 8 < UINT16_MAX) {
			i += 8;		/* no run of eight begins before its last byte */
			continue;
		}
		if (p[i] == 0 && run_zeros(p + i, n - i < 8 ? n - i : 8) == (n - i < 8 ? n - i : 8))
			break;
		i++;
	}
	return i;
}

static size_t
pack(const uint8_t *p, size_t n, uint8_t *out)
{
	size_t len = 0;

	while (n > 0) {
		size_t z = run_zeros(p, n), l = run_literals(p + z, n - z);
		uint16_t head[2] = { (uint16_t)z, (uint16_t)l };

		memcpy(out + len, head, sizeof(head));
		memcpy(out + len + sizeof(head), p + z, l);
		len += sizeof(head) + l;
		p += z + l;
		n -= z + l;
	}
	return len;
}

static void
unpack(const uint8_t *in, size_t len, uint8_t *out, size_t n)
{
	size_t at = 0;

	memset(out, 0, n);
	while (len >= 4) {
		uint16_t head[2];

		memcpy(head, in, sizeof(head));
		at += head[0];
		memcpy(out + at, in + sizeof(head), head[1]);
		at += head[1];
		in += sizeof(head) + head[1];
		len -= sizeof(head) + head[1];
	}
}

static void
draft_seal(struct draft *d)
{
	uint8_t bytes[2 * sizeof(*d->open)];	/* a header of four for at least nine */
	size_t len;

	if (d->open == NULL)
		return;
	d->kind = d->open->kind;
	d->confidence = d->open->confidence;
	len = pack((const uint8_t *)d->open, sizeof(*d->open), bytes);
	if ((d->packed = malloc(len)) == NULL)
		return;			/* stays open: larger, but right */
	memcpy(d->packed, bytes, len);
	d->packed_len = (uint32_t)len;
	free(d->open);
	d->open = NULL;
}

void
verdicts_seal(struct verdicts *v)
{
	for (uint32_t i = v->open_from; i < v->n; i++)
		draft_seal(&v->v[i]);
	v->open_from = v->n;
}

void
draft_unpack(const struct draft *d, struct finding *out)
{
	if (d->open != NULL)
		*out = *d->open;
	else
		unpack(d->packed, d->packed_len, (uint8_t *)out, sizeof(*out));
}

void
draft_repack(struct verdicts *v, struct draft *d, const struct finding *f)
{
	struct finding *copy = malloc(sizeof(*copy));

	if (copy == NULL) {
		v->starved++;
		return;
	}
	*copy = *f;
	free(d->packed);
	free(d->open);
	d->packed = NULL;
	d->open = copy;
	draft_seal(d);
}

/* ---- adding and asking ----------------------------------------------------------- */

void
finding_preset(struct finding *f, enum finding_kind kind, enum confidence conf)
{
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->confidence = conf;
	f->severity = kind_facts(kind)->severity;
}

static bool
drafts_room(struct verdicts *v)
{
	uint32_t room;
	struct draft *p;

	if (v->n < v->room)
		return true;
	if (v->n >= DRAFTS_MAX)
		return false;
	room = v->room == 0 ? 64 : v->room * 2;
	if ((p = realloc(v->v, room * sizeof(*p))) == NULL)
		return false;
	v->v = p;
	v->room = room;
	return true;
}

static struct finding *
draft_add(struct verdicts *v, const struct mail_case *c, int dir, enum finding_kind kind, enum confidence conf)
{
	struct finding *f;

	if (!drafts_room(v) || (f = malloc(sizeof(*f))) == NULL) {
		v->dropped++;
		f = &v->scratch;
		finding_preset(f, kind, conf);
		return f;
	}
	finding_preset(f, kind, conf);
	v->v[v->n] = (struct draft){ .c = c, .dir = dir, .kind = kind, .confidence = conf, .open = f,
	    .next = NO_DRAFT };
	if (c != NULL && c->index < v->heads) {
		v->v[v->n].next = v->head[c->index];
		v->head[c->index] = v->n;
	}
	v->n++;
	if (v->n - v->open_from > 64)		/* a rule over the whole store: pack behind it */
		draft_seal(&v->v[v->open_from++]);
	return f;
}

/* By member: a draft is packed byte by byte, and padding that came along may be anything. */
static void
endpoint_copy(struct endpoint *dst, const struct endpoint *src)
{
	dst->ip = src->ip;
	dst->port = src->port;
}

struct finding *
verdict_add(struct verdicts *out, enum finding_kind kind, enum confidence conf, const struct mail_case *c, int dir)
{
	struct finding *f = draft_add(out, c, dir, kind, conf);

	endpoint_copy(&f->from, dir == 1 ? &c->conn.server : &c->conn.client);
	endpoint_copy(&f->to, dir == 1 ? &c->conn.client : &c->conn.server);
	f->first = c->conn.first;
	f->last = c->conn.last;
	f->point = c->point;
	f->sessions[0] = c->id;
	f->session_count = 1;
	return f;
}

struct finding *
verdict_add_bare(struct verdicts *out, enum finding_kind kind, enum confidence conf, uint32_t point,
    const struct moment *first, const struct moment *last)
{
	struct finding *f = draft_add(out, NULL, -1, kind, conf);

	f->point = point;
	f->first = *first;
	f->last = *last;
	return f;
}

static const struct finding *
draft_lend(struct verdicts *v, const struct draft *d)
{
	struct finding *f;

	if (d->open != NULL)
		return d->open;
	f = &v->borrowed[v->borrowed_at++ % 4];
	draft_unpack(d, f);
	return f;
}

/* Lending moves a ring inside; what the rules may see of it does not change. */
static struct verdicts *
writable(const struct verdicts *v)
{
	return (struct verdicts *)(uintptr_t)v;
}

const struct finding *
verdict_claimed(const struct verdicts *out, const struct mail_case *c, int dir, enum finding_kind kind)
{
	if (c->index >= out->heads)
		return NULL;
	for (uint32_t i = out->head[c->index]; i != NO_DRAFT; i = out->v[i].next)
		if (out->v[i].kind == kind && (dir < 0 || out->v[i].dir == dir))
			return draft_lend(writable(out), &out->v[i]);
	return NULL;
}

bool
verdict_troubled(const struct verdicts *out, const struct mail_case *c, int dir, int lo, int hi)
{
	if (c->index >= out->heads)
		return false;
	for (uint32_t i = out->head[c->index]; i != NO_DRAFT; i = out->v[i].next) {
		const struct kind_facts *facts = kind_facts(out->v[i].kind);

		if (facts->phase >= lo && facts->phase <= hi && facts->severity != SEVERITY_INFO &&
		    (dir < 0 || out->v[i].dir == dir))
			return true;
	}
	return false;
}
