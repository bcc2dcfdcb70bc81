/* merge.c - drafts to findings: one per (kind, subkind, path, epoch), design "The correlator". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* Epochs slide: what lies within 600 s of the finding so far belongs to it (diagnosis 2.5). */
#define EPOCH_NS	(INT64_C(600) * 1000000000)

enum { EVIDENCE_SESSIONS = 4 };		/* later sessions only count: their evidence says the same */

/* What is merged: a draft, or a finding that outlived its cases. */
struct part {
	enum finding_kind kind;
	enum confidence	 confidence;
	char		 subkind[64];
	struct addr	 from, to;
	uint16_t	 port;		/* the server's, for kinds where it belongs to the path */
	struct moment	 first, last;
	uint32_t	 point;
	uint64_t	 session;
	struct draft	*draft;
	const struct finding *old;
};

/* Paths are about addresses; reaching and talking to a service is about its port, too. */
static bool
kind_has_port(enum finding_kind k)
{
	int phase = kind_facts(k)->phase;

	return phase == 3 || phase >= 20;
}

static void
part_of(struct part *p, const struct finding *f, struct draft *d, const struct finding *old)
{
	memset(p, 0, sizeof(*p));
	p->kind = f->kind;
	p->confidence = f->confidence;
	memcpy(p->subkind, f->subkind, sizeof(p->subkind));
	p->from = f->from.ip;
	p->to = f->to.ip;
	if (kind_has_port(f->kind))
		p->port = d != NULL && d->dir == 1 ? f->from.port : f->to.port;
	p->first = f->first;
	p->last = f->last;
	p->point = f->point;
	p->session = f->session_count > 0 ? f->sessions[0] : 0;
	p->draft = d;
	p->old = old;
}

static int
path_compare(const struct part *a, const struct part *b)
{
	int d;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if ((d = strcmp(a->subkind, b->subkind)) != 0)
		return d;
	if ((d = addr_compare(&a->from, &b->from)) != 0)
		return d;
	if ((d = addr_compare(&a->to, &b->to)) != 0)
		return d;
	return (a->port > b->port) - (a->port < b->port);
}

static int
part_compare(const void *x, const void *y)
{
	const struct part *a = x, *b = y;
	int d = path_compare(a, b);

	if (d != 0)
		return d;
	if (a->first.ns != b->first.ns)
		return a->first.ns < b->first.ns ? -1 : 1;
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	if (a->first.frame != b->first.frame)
		return a->first.frame < b->first.frame ? -1 : 1;
	return (a->session > b->session) - (a->session < b->session);
}

static void
part_finding(const struct part *p, struct finding *f)
{
	if (p->old != NULL)
		*f = *p->old;
	else
		draft_unpack(p->draft, f);
}

/* ---- joining ------------------------------------------------------------------------ */

static void
sessions_add(struct finding *f, const struct finding *x)
{
	for (uint32_t i = 0; i < x->session_count && i < FINDING_SESSIONS; i++) {
		if (f->session_count < FINDING_SESSIONS)
			f->sessions[f->session_count] = x->sessions[i];
		f->session_count++;
	}
	if (x->session_count > FINDING_SESSIONS)
		f->session_count += x->session_count - FINDING_SESSIONS;
}

/* What several connections rest on, such as a contrast, is said once. */
static bool
evidence_known(const struct finding *f, const struct finding_evidence *e)
{
	for (uint32_t i = 0; i < f->evidence_count; i++) {
		const struct finding_evidence *k = &f->evidence[i];

		if (k->point == e->point && k->frame_count == e->frame_count && strcmp(k->says, e->says) == 0
		    && memcmp(k->frames, e->frames, e->frame_count * sizeof(e->frames[0])) == 0)
			return true;
	}
	return false;
}

static void
evidence_add(struct finding *f, const struct finding *x)
{
	for (uint32_t i = 0; i < x->evidence_count && f->evidence_count < FINDING_EVIDENCE; i++)
		if (!evidence_known(f, &x->evidence[i]))
			f->evidence[f->evidence_count++] = x->evidence[i];
}

static void
excluded_add(struct finding *f, const struct finding *x)
{
	for (uint32_t i = 0; i < x->excluded_count; i++)
		finding_exclude(f, x->excluded[i].kind, "%s", x->excluded[i].why);
}

static void
finding_join(struct finding *f, const struct finding *x, bool same_connection)
{
	if (x->first.ns < f->first.ns)
		f->first = x->first;
	if (x->last.ns > f->last.ns)
		f->last = x->last;
	if (x->severity > f->severity)
		f->severity = x->severity;
	if (x->from.port != f->from.port)
		f->from.port = 0;
	if (x->to.port != f->to.port)
		f->to.port = 0;
	excluded_add(f, x);
	if (f->session_count < EVIDENCE_SESSIONS || same_connection)
		evidence_add(f, x);
	if (!same_connection)
		sessions_add(f, x);
}

/* ---- the finished finding ------------------------------------------------------------- */

static uint64_t
finding_id(const struct part *p)
{
	const char *kind = kind_id(p->kind);
	uint64_t h = id_bytes(ID_SEED, kind, strlen(kind));

	h = id_bytes(h, p->subkind, strlen(p->subkind));
	h = id_addr(id_addr(h, &p->from), &p->to);
	h = id_number(h, p->port);
	h = id_number(h, (uint64_t)p->first.ns);
	return id_end(id_number(h, p->session));
}

static void
finding_defaults(struct finding *f)
{
	const struct kind_facts *k = kind_facts(f->kind);
	char from[ENDPOINT_TEXT], to[ENDPOINT_TEXT];

	if (f->remedy[0] == '\0')
		snprintf(f->remedy, sizeof(f->remedy), "%s", k->remedy);
	if (f->client_shows[0] == '\0' && f->confidence > CONFIDENCE_CANNOT_TELL)
		snprintf(f->client_shows, sizeof(f->client_shows), "%s", k->client_shows);
	endpoint_format(&f->from, from, sizeof(from));
	endpoint_format(&f->to, to, sizeof(to));
	if (f->summary[0] == '\0' && f->from.ip.family != 0 && f->to.ip.family != 0)
		finding_summary(f, "%s (%s to %s)", k->title, from, to);
	else if (f->summary[0] == '\0')
		finding_summary(f, "%s", k->title);
	if (f->confidence == CONFIDENCE_CANNOT_TELL && f->next_capture[0] == '\0')
		finding_next_capture(f, k->title, "what looks like it", "packets it would take to decide",
		    "at the client or on the mirror port of its switch");
}

static uint32_t
ring_first(const struct mail_case *c)
{
	uint32_t first = c->index;

	for (const struct mail_case *at = c->copy; at != c; at = at->copy)
		first = at->index < first ? at->index : first;
	return first;
}

/* The surest word is the one to print; among equals the first. */
static const struct part *
group_best(const struct part *p, size_t n)
{
	const struct part *best = p;

	for (size_t i = 1; i < n; i++)
		if (p[i].confidence > best->confidence)
			best = &p[i];
	return best;
}

/*
 * seen[] marks conversations already counted in this finding, by `mark': the
 * same connection at two capture points is one session.
 */
static void
group_merge(const struct part *p, size_t n, struct finding *out, uint32_t *seen, size_t seen_n, uint32_t mark)
{
	const struct part *best = group_best(p, n);
	static const struct finding none;
	struct finding x;

	part_finding(best, out);
	if (best->draft != NULL && best->draft->c != NULL && best->draft->c->index < seen_n)
		seen[ring_first(best->draft->c)] = mark;
	for (size_t i = 0; i < n; i++) {
		bool same = false;

		if (&p[i] == best)
			continue;
		x = none;
		part_finding(&p[i], &x);
		if (p[i].draft != NULL && p[i].draft->c != NULL && p[i].draft->c->index < seen_n) {
			uint32_t r = ring_first(p[i].draft->c);

			same = seen[r] == mark;
			seen[r] = mark;
		}
		finding_join(out, &x, same);
	}
	out->id = n == 1 && p->old != NULL ? p->old->id : finding_id(p);
	finding_defaults(out);
	for (size_t i = 0; i < n; i++)
		if (p[i].draft != NULL)
			p[i].draft->merged = out->id;
}

static size_t
group_end(const struct part *p, size_t n, size_t from)
{
	int64_t last = p[from].last.ns;
	size_t i;

	for (i = from + 1; i < n && path_compare(&p[i], &p[from]) == 0; i++) {
		if (p[i].first.ns > last + EPOCH_NS)
			break;
		last = p[i].last.ns > last ? p[i].last.ns : last;
	}
	return i;
}

static int
id_compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static size_t
parts_gather(struct verdicts *v, bool (*wanted)(const void *, const struct mail_case *), const void *ctx,
    const struct finding *old, size_t old_n, struct part *parts)
{
	struct finding f;
	size_t n = 0;

	for (size_t i = 0; i < old_n; i++)
		part_of(&parts[n++], &old[i], NULL, &old[i]);
	for (uint32_t i = 0; i < v->n; i++) {
		if (v->v[i].silenced || (wanted != NULL && !wanted(ctx, v->v[i].c)))
			continue;
		draft_unpack(&v->v[i], &f);
		part_of(&parts[n++], &f, &v->v[i], NULL);
	}
	return n;
}

size_t
findings_merge(struct verdicts *v, bool (*wanted)(const void *ctx, const struct mail_case *c), const void *ctx,
    const struct finding *old, size_t old_n, struct finding **out)
{
	struct part *parts = malloc((old_n + v->n + 1) * sizeof(*parts));
	uint32_t *seen = calloc(v->heads + 1, sizeof(*seen)), mark = 0;
	struct finding *all = NULL, *grown;
	size_t n = 0, groups = 0, room = 0;

	*out = NULL;
	if (parts == NULL || seen == NULL) {
		v->starved++;
		goto done;
	}
	n = parts_gather(v, wanted, ctx, old, old_n, parts);
	qsort(parts, n, sizeof(*parts), part_compare);
	for (size_t i = 0, end; i < n; i = end) {
		end = group_end(parts, n, i);
		if (groups == room) {
			room = room == 0 ? 16 : room * 2;
			if ((grown = realloc(all, room * sizeof(*all))) == NULL) {
				v->starved++;
				break;
			}
			all = grown;
		}
		group_merge(parts + i, end - i, &all[groups++], seen, v->heads, ++mark);
	}
	if (groups > 0)
		qsort(all, groups, sizeof(*all), id_compare);
	*out = all;
done:
	free(parts);
	free(seen);
	return groups;
}
