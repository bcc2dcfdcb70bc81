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
	for (uint32_t i = 0; i < v->n; i++)
		if (!v->v[i].given)
			finding_free(v->v[i].f);
	finding_end(&v->scratch);
	free(v->v);
	free(v->head);
}

/* ---- adding and asking ----------------------------------------------------------- */

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
draft_add(struct verdicts *v, const struct mail_case *c, int dir, enum finding_kind kind,
    enum confidence conf)
{
	struct finding *f;

	if (!drafts_room(v) || (f = finding_new(kind, conf)) == NULL) {
		v->dropped++;
		finding_end(&v->scratch);
		finding_begin(&v->scratch, kind, conf);
		return &v->scratch;
	}
	v->v[v->n] = (struct draft){ .c = c, .dir = dir, .f = f, .next = NO_DRAFT };
	if (c != NULL && c->index < v->heads) {
		v->v[v->n].next = v->head[c->index];
		v->head[c->index] = v->n;
	}
	v->n++;
	v->of_kind[kind]++;
	return f;
}

struct finding *
verdict_add(struct verdicts *out, enum finding_kind kind, enum confidence conf,
    const struct mail_case *c, int dir)
{
	struct finding *f = draft_add(out, c, dir, kind, conf);

	f->from = dir == 1 ? c->conn->server : c->conn->client;
	f->to = dir == 1 ? c->conn->client : c->conn->server;
	f->server_port = c->conn->server.port;
	f->first = c->conn->first;
	f->last = c->conn->last;
	f->point = c->point;
	finding_session(f, c->id);
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

const struct finding *
verdict_claimed(
    const struct verdicts *out, const struct mail_case *c, int dir, enum finding_kind kind)
{
	if (c->index >= out->heads)
		return NULL;
	for (uint32_t i = out->head[c->index]; i != NO_DRAFT; i = out->v[i].next)
		if (out->v[i].f->kind == kind && (dir < 0 || out->v[i].dir == dir))
			return out->v[i].f;
	return NULL;
}

bool
verdict_any(const struct verdicts *out, enum finding_kind kind)
{
	return out->of_kind[kind] > 0;
}

void
verdict_unread(struct verdicts *out, uint64_t refusals)
{
	out->refusals_unread += refusals;
}

bool
verdict_troubled_at(
    const struct verdicts *out, const struct mail_case *c, int dir, int lo, int hi, int64_t ns)
{
	if (c->index >= out->heads)
		return false;
	for (uint32_t i = out->head[c->index]; i != NO_DRAFT; i = out->v[i].next) {
		const struct finding *f = out->v[i].f;
		const struct kind_facts *facts = kind_facts(f->kind);

		if (facts->phase >= lo && facts->phase <= hi && facts->severity != SEVERITY_INFO &&
		    (dir < 0 || out->v[i].dir == dir) && !(f->over && f->last.ns < ns))
			return true;
	}
	return false;
}

bool
verdict_troubled(const struct verdicts *out, const struct mail_case *c, int dir, int lo, int hi)
{
	return verdict_troubled_at(out, c, dir, lo, hi, INT64_MIN);
}
