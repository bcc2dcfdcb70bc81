/* merge.c - drafts to findings: one per (kind, subkind, path, epoch), design "The correlator". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "correlator/finding/texts.h"

/* Epochs slide: what lies within 600 s of the finding so far belongs to it (diagnosis 2.5). */
#define EPOCH_NS (INT64_C(600) * 1000000000)

enum { EVIDENCE_SESSIONS = 4 }; /* later sessions only count: their evidence says the same */

/* What is merged: a draft, or a finding that outlived its cases. */
struct part {
	const struct finding *f;
	struct draft *draft; /* NULL: an old one */
	uint16_t port;       /* the server's, for kinds where it belongs to the path */
	bool untold;         /* of a connection of which it cannot be told */
};

/* Paths are about addresses; reaching and talking to a service is about its port, too. */
static bool
kind_has_port(enum finding_kind k)
{
	int phase = kind_facts(k)->phase;

	return phase == 3 || phase >= 20;
}

static struct part
part_of(const struct finding *f, struct draft *d)
{
	uint16_t port = d != NULL && d->dir == 1 ? f->from.port : f->to.port;

	return (struct part){ f, d, kind_has_port(f->kind) ? port : 0, false };
}

static int
path_compare(const struct part *x, const struct part *y)
{
	const struct finding *a = x->f, *b = y->f;
	int d;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if ((d = strcmp(a->subkind, b->subkind)) != 0)
		return d;
	if ((d = addr_compare(&a->from.ip, &b->from.ip)) != 0)
		return d;
	if ((d = addr_compare(&a->to.ip, &b->to.ip)) != 0)
		return d;
	return (x->port > y->port) - (x->port < y->port);
}

static uint64_t
first_session(const struct finding *f)
{
	return f->session_count > 0 ? f->sessions[0] : 0;
}

static int
part_compare(const void *x, const void *y)
{
	const struct finding *a = ((const struct part *)x)->f, *b = ((const struct part *)y)->f;
	int d = path_compare(x, y);

	if (d != 0)
		return d;
	if (a->first.ns != b->first.ns)
		return a->first.ns < b->first.ns ? -1 : 1;
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	if (a->first.frame != b->first.frame)
		return a->first.frame < b->first.frame ? -1 : 1;
	return (first_session(a) > first_session(b)) - (first_session(a) < first_session(b));
}

/* ---- joining ------------------------------------------------------------------------ */

/* What several connections rest on, such as a contrast, is said once. */
static void
evidence_add(struct finding *f, const struct finding *x)
{
	for (uint32_t i = 0; i < x->evidence_count; i++)
		finding_says_too(f, &x->evidence[i]);
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
	if (same_connection)
		return;
	f->less_sure += x->confidence < f->confidence ? x->session_count : x->less_sure;
	finding_sessions(f, x);
}

/* ---- the finished finding ------------------------------------------------------------- */

static uint64_t
finding_id(const struct part *p)
{
	const char *kind = kind_id(p->f->kind);
	uint64_t h = id_bytes(ID_SEED, kind, strlen(kind));

	h = id_bytes(h, p->f->subkind, strlen(p->f->subkind));
	h = id_addr(id_addr(h, &p->f->from.ip), &p->f->to.ip);
	h = id_number(h, p->port);
	h = id_number(h, (uint64_t)p->f->first.ns);
	return id_end(id_number(h, first_session(p->f)));
}

static void
default_summary(struct finding *f)
{
	const char *title = kind_facts(f->kind)->title;
	char from[ENDPOINT_TEXT], to[ENDPOINT_TEXT];

	if (f->from.ip.family != 0 && f->to.ip.family != 0)
		finding_summary(f, "%s (%s to %s)", title,
		    endpoint_format(&f->from, from, sizeof(from)),
		    endpoint_format(&f->to, to, sizeof(to)));
	else
		finding_summary(f, "%s", title);
}

static void
shows_too(struct finding *f, const char *words)
{
	if (words[0] != '\0')
		finding_client_shows(
		    f, "%s%s%s", f->client_shows, f->client_shows[0] != '\0' ? "; " : "", words);
}

static void
finding_defaults(struct finding *f)
{
	const struct kind_facts *k = kind_facts(f->kind);

	if (f->remedy[0] == '\0')
		f->remedy = k->remedy;
	if (f->client_shows[0] == '\0' && f->confidence > CONFIDENCE_CANNOT_TELL)
		f->client_shows = k->client_shows;
	if (text_outlook(f)[0] != '\0')
		finding_client_shows(f, "%s, %s", f->client_shows, text_outlook(f));
	if (f->confidence > CONFIDENCE_CANNOT_TELL) {
		shows_too(f, text_thunderbird(f));
		shows_too(f, text_log(f));
	}
	if (f->summary[0] == '\0')
		default_summary(f);
	if (f->confidence == CONFIDENCE_CANNOT_TELL && f->next_capture[0] == '\0')
		finding_next_capture(f, k->title, NULL, "packets it would take to decide",
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
		if (p[i].f->confidence > best->f->confidence)
			best = &p[i];
	return best;
}

/*
 * Conversations already counted in the finding of a group: the same connection
 * at two capture points is one session.
 */
struct counted {
	uint32_t *seen; /* by case index: `mark' */
	size_t n;
	uint32_t mark;
};

static bool
counted_is(const struct counted *k, const struct draft *d)
{
	return d != NULL && d->c != NULL && d->c->index < k->n &&
	    k->seen[ring_first(d->c)] == k->mark;
}

/* Was this conversation counted already?  It is now. */
static bool
counted_before(struct counted *k, const struct draft *d)
{
	bool before = counted_is(k, d);

	if (d != NULL && d->c != NULL && d->c->index < k->n)
		k->seen[ring_first(d->c)] = k->mark;
	return before;
}

/*
 * The surest draft becomes the finding, the others join it, the surer ones first: each connection
 * counts as what is surest of it.  NULL: no memory.
 */
static struct finding *
group_merge(const struct part *p, size_t n, struct counted *k)
{
	const struct part *best = group_best(p, n);
	struct finding *f = best->draft != NULL ? best->draft->f : finding_copy(best->f);

	if (f == NULL)
		return NULL;
	f->id = n == 1 && p->draft == NULL ? f->id : finding_id(p);
	k->mark++;
	counted_before(k, best->draft);
	for (int conf = CONFIDENCE_CONFIRMED; conf >= CONFIDENCE_CANNOT_TELL; conf--)
		for (size_t i = 0; i < n; i++)
			if (&p[i] != best && (int)p[i].f->confidence == conf)
				finding_join(f, p[i].f, counted_before(k, p[i].draft));
	finding_defaults(f);
	if (best->draft != NULL)
		best->draft->given = true;
	for (size_t i = 0; i < n; i++)
		if (p[i].draft != NULL)
			p[i].draft->merged = f->id;
	return f;
}

static size_t
group_end(const struct part *p, size_t n, size_t from)
{
	int64_t last = p[from].f->last.ns;
	size_t i;

	for (i = from + 1; i < n && path_compare(&p[i], &p[from]) == 0; i++) {
		if (p[i].f->first.ns > last + EPOCH_NS)
			break;
		last = p[i].f->last.ns > last ? p[i].f->last.ns : last;
	}
	return i;
}

static int
told_compare(const void *x, const void *y)
{
	const struct part *a = x, *b = y;

	return a->untold != b->untold ? a->untold - b->untold : part_compare(x, y);
}

/*
 * What is wrong with a path is wrong for all that take it.  What somebody did in one connection he
 * need not have done in another of which that cannot be told: such come last, and are a finding of
 * their own.  How many are told: all where none is.
 */
static size_t
group_told(struct part *p, size_t n, struct counted *k)
{
	size_t told = 0;

	if (!kind_has_port(p->f->kind))
		return n;
	k->mark++;
	for (size_t i = 0; i < n; i++)
		if (p[i].f->confidence > CONFIDENCE_CANNOT_TELL)
			counted_before(k, p[i].draft);
	for (size_t i = 0; i < n; i++) {
		p[i].untold =
		    p[i].f->confidence == CONFIDENCE_CANNOT_TELL && !counted_is(k, p[i].draft);
		told += !p[i].untold;
	}
	if (told == 0 || told == n)
		return n;
	qsort(p, n, sizeof(*p), told_compare);
	return told;
}

int
findings_by_id(const void *a, const void *b)
{
	const struct finding *x = *(struct finding *const *)a, *y = *(struct finding *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* What could not be said for want of memory is counted once. */
static void
starved_count(struct verdicts *v, struct finding *f)
{
	v->starved += f->starved;
	f->starved = false;
}

static size_t
parts_gather(struct verdicts *v, bool (*wanted)(const void *, const struct mail_case *),
    const void *ctx, struct finding *const *old, size_t old_n, struct part *parts)
{
	size_t n = 0;

	for (size_t i = 0; i < old_n; i++)
		parts[n++] = part_of(old[i], NULL);
	for (uint32_t i = 0; i < v->n; i++) {
		starved_count(v, v->v[i].f);
		if (!v->v[i].silenced && (wanted == NULL || wanted(ctx, v->v[i].c)))
			parts[n++] = part_of(v->v[i].f, &v->v[i]);
	}
	return n;
}

size_t
findings_merge(struct verdicts *v, bool (*wanted)(const void *ctx, const struct mail_case *c),
    const void *ctx, struct finding *const *old, size_t old_n, struct finding ***out)
{
	size_t most = old_n + v->n + 1, n, groups = 0;
	struct part *parts = malloc(most * sizeof(*parts));
	struct finding **all = malloc(most * sizeof(struct finding *));
	struct counted k = { calloc(v->heads + 1, sizeof(*k.seen)), v->heads, 0 };

	*out = NULL;
	if (parts == NULL || all == NULL || k.seen == NULL) {
		v->starved++;
		free(all);
		goto done;
	}
	n = parts_gather(v, wanted, ctx, old, old_n, parts);
	qsort(parts, n, sizeof(*parts), part_compare);
	for (size_t i = 0, end; i < n; i = end) {
		end = group_end(parts, n, i);
		end = i + group_told(parts + i, end - i, &k);
		if ((all[groups] = group_merge(parts + i, end - i, &k)) != NULL)
			starved_count(v, all[groups++]);
		else
			v->starved++;
	}
	qsort(all, groups, sizeof(struct finding *), findings_by_id);
	*out = all;
done:
	free(parts);
	free(k.seen);
	return groups;
}
