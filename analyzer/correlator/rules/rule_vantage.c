/*
 * rule_vantage.c - several captures of one incident: the points are put in the
 * order of the path, their clocks compared, and what left one and never came
 * to the next is proof (diagnosis 5: two points bracket a fault).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "correlator/vantage/vantage.h"

enum { PAIRS_SAID = 16 };

static double
ms(int64_t ns)
{
	return (double)ns / 1e6;
}

/* The second's clock less the first's lies in [lo, hi]: no more than that is known. */
static void
clock_text(const struct vantage_pair *p, int64_t lo, int64_t hi, char *text, size_t size)
{
	int64_t middle = lo + (hi - lo) / 2;

	if (!p->clock)
		snprintf(text, size,
		    "their clocks cannot be compared: no handshake of which both saw each packet once");
	else if (p->drift)
		snprintf(text, size,
		    "their clocks drift or jump against each other; each connection is measured by itself");
	else if (lo == 0 && hi == 0)
		snprintf(text, size, "their clocks agree");
	else if (lo <= 0 && hi >= 0)
		snprintf(text, size,
		    "their clocks agree as far as handshakes tell (the second is between %+.3f and %+.3f ms ahead)",
		    ms(lo), ms(hi));
	else
		snprintf(text, size,
		    "the clock of the second is about %.3f s %s (between %+.3f and %+.3f ms ahead)",
		    ms(middle < 0 ? -middle : middle) / 1000, middle < 0 ? "behind" : "ahead",
		    ms(lo), ms(hi));
}

static void
say_mss(const struct mail_case *a, const struct mail_case *b, const char *one, const char *two,
    struct finding *f)
{
	for (int d = 0; d < 2; d++)
		if (a->conn->dir[d].mss != 0 && b->conn->dir[d].mss != 0 &&
		    a->conn->dir[d].isn_known && b->conn->dir[d].isn_known &&
		    a->conn->dir[d].mss != b->conn->dir[d].mss)
			finding_says(f, b->point,
			    "a device between them changes the MSS of the %s: %u at %s, %u at %s",
			    d == 0 ? "client" : "server", a->conn->dir[d].mss, one,
			    b->conn->dir[d].mss, two);
}

/* The one nearer to the client first. */
static void
say_pair(const struct vantage_pair *p, const struct mail_case *x, const struct mail_case *y,
    struct verdicts *out)
{
	int order = vantage_order(p), swap = order == 2;
	const struct mail_case *a = x->point == (swap ? p->b : p->a) ? x : y, *b = a == x ? y : x;
	char one[VANTAGE_NAME], two[VANTAGE_NAME], clocks[160], kind[32];
	struct finding *f = verdict_add_bare(out, FINDING_CAPTURE_VANTAGE, CONFIDENCE_CONFIRMED,
	    a->point, &p->first[swap], &p->last[swap]);

	vantage_name(a, b, one);
	vantage_name(b, a, two);
	clock_text(p, swap ? -p->hi : p->lo, swap ? -p->lo : p->hi, clocks, sizeof(clocks));
	snprintf(kind, sizeof(kind), "pair %" PRIu32 "-%" PRIu32, p->a, p->b);
	finding_subkind(f, kind);
	evidence_frame(
	    finding_says(f, a->point, "%u connection%s seen here and there; the first of them",
		p->shared, p->shared == 1 ? " was" : "s were"),
	    &a->conn->first);
	evidence_frame(finding_says(f, b->point, "the same connection"), &b->conn->first);
	finding_says(f, b->point, "%s, %s: %s", one, two, clocks);
	say_mss(a, b, one, two, f);
	finding_summary(f, "%u connection%s seen at both %s and %s, %s%s; %s.", p->shared,
	    p->shared == 1 ? " was" : "s were", one, two,
	    order == 0 ? "at one place or in an order that cannot be told" : one,
	    order == 0 ? "" : " nearer to the client", clocks);
}

/* A connection that both points of a pair saw, at either. */
struct shared {
	const struct mail_case *x, *y;
};

/* Neighbours only: what lies between them says the rest. */
static void
ring_neighbours(const struct ring *r, const struct vantage_pair *v, struct shared *out)
{
	struct shared both = { NULL, NULL };
	struct passage p;

	for (uint32_t i = 0; i < r->n; i++) {
		if (r->copy[i]->point == v->a)
			both.x = r->copy[i];
		if (r->copy[i]->point == v->b)
			both.y = r->copy[i];
	}
	if (!passage_of(r->v, both.x, both.y, 0, &p) || passage_width(r, &p) == 0)
		*out = both;
}

/* The first connection of each pair of points: one walk over all, be there a thousand pairs. */
static void
shared_find(const struct vantages *v, const struct store *s, struct shared *of_pair)
{
	struct case_iter it = { 0 };
	struct ring r = { .v = v, .store = s };
	const struct mail_case *c;

	while ((c = store_case_next(s, &it)) != NULL) {
		if (c->copy == c || !ring_take(c, &r))
			continue;
		for (uint32_t i = 0; i < r.n; i++)
			for (uint32_t k = 0; k < r.n; k++) {
				const struct vantage_pair *p =
				    vantages_pair(v, r.copy[i]->point, r.copy[k]->point);

				if (p != NULL && of_pair[p - v->v].x == NULL)
					ring_neighbours(&r, p, &of_pair[p - v->v]);
			}
	}
}

static void
say_pairs(const struct vantages *v, const struct store *s, struct verdicts *out)
{
	struct shared *of_pair = calloc(v->n, sizeof(*of_pair));

	if (of_pair == NULL) {
		out->starved++;
		return;
	}
	shared_find(v, s, of_pair);
	for (uint32_t i = 0, said = 0; i < v->n && said < PAIRS_SAID; i++)
		if (of_pair[i].x != NULL) {
			say_pair(&v->v[i], of_pair[i].x, of_pair[i].y, out);
			said++;
		}
	free(of_pair);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	struct vantages points;
	struct case_iter it = { 0 };
	struct ring r = { .v = &points, .store = v->store, .lookups = v->lookups };
	const struct mail_case *c;

	if (vantages_find(v->store, &points))
		say_pairs(&points, v->store, out);
	while (points.n > 0 && (c = store_case_next(v->store, &it)) != NULL)
		if (c->copy != c && ring_take(c, &r)) {
			vantage_path(&r, out);
			vantage_ends(&r, out);
			vantage_said(&r, out);
		}
	vantage_reach(&points, v->store, out);
	out->starved += points.starved;
	out->pairs_beyond += points.beyond;
	vantages_free(&points);
}

const struct rule rule_vantage = { "vantage", RULE_STORE, judge, false };

#define CLOCKS_APART INT64_C(300000000000)
#define AT_ONCE      INT64_C(1000000000) /* the same event, as two points see it */

/* ---- one conversation, two names or two times -------------------------------- */

static const struct draft *
twin_of(const struct verdicts *v, const struct draft *d, const struct mail_case *c)
{
	for (uint32_t i = c->index < v->heads ? v->head[c->index] : NO_DRAFT; i != NO_DRAFT;
	     i = v->v[i].next)
		if (v->v[i].f->kind == d->f->kind && v->v[i].dir == d->dir && !v->v[i].silenced)
			return &v->v[i];
	return NULL;
}

static void
moment_retell(struct moment *m, int64_t ahead, const struct moment *twin)
{
	m->ns -= ahead;
	if (twin != NULL && m->ns - twin->ns < AT_ONCE && twin->ns - m->ns < AT_ONCE)
		m->ns = twin->ns;
}

/*
 * What is said of a copy is said at the times that the clock of the counted one shows, as its mails
 * are: else one fault would last as long as the clocks differ, or be told twice.
 */
static void
draft_retime(const struct draft *d, const struct draft *twin, int64_t ahead)
{
	struct finding *f = d->f;
	int64_t apart = twin != NULL ? f->first.ns - twin->f->first.ns : 0;

	if (ahead != 0) {
		moment_retell(&f->first, ahead, twin != NULL ? &twin->f->first : NULL);
		moment_retell(&f->last, ahead, twin != NULL ? &twin->f->last : NULL);
	} else if (apart > CLOCKS_APART || apart < -CLOCKS_APART) {
		finding_span(f, &twin->f->first, &twin->f->last);
	}
}

static void
retime_drafts(
    struct verdicts *v, const struct mail_case *from, const struct mail_case *to, int64_t ahead)
{
	for (uint32_t i = from->index < v->heads ? v->head[from->index] : NO_DRAFT; i != NO_DRAFT;
	     i = v->v[i].next)
		if (!v->v[i].silenced)
			draft_retime(&v->v[i], twin_of(v, &v->v[i], to), ahead);
}

/* What is said of a copy behind NAT is said under the names that the first copy knows. */
static void
draft_rename(const struct draft *d, const struct mail_case *from, const struct mail_case *to)
{
	struct finding *f = d->f;

	if (addr_equal(
		&f->from.ip, d->dir == 1 ? &from->conn->server.ip : &from->conn->client.ip) &&
	    addr_equal(&f->to.ip, d->dir == 1 ? &from->conn->client.ip : &from->conn->server.ip)) {
		f->from.ip = d->dir == 1 ? to->conn->server.ip : to->conn->client.ip;
		f->to.ip = d->dir == 1 ? to->conn->client.ip : to->conn->server.ip;
	}
}

static void
rename_drafts(struct verdicts *v, const struct mail_case *from, const struct mail_case *to)
{
	for (uint32_t i = from->index < v->heads ? v->head[from->index] : NO_DRAFT; i != NO_DRAFT;
	     i = v->v[i].next)
		if (!v->v[i].silenced)
			draft_rename(&v->v[i], from, to);
}

/* ---- what one copy cannot tell and another does ---------------------------------------------- */

enum { DIALOGUE = 20 }; /* phases from here on are about what was said */

static bool
claims_kind(const struct verdicts *v, const struct mail_case *c, enum finding_kind kind)
{
	for (uint32_t i = c->index < v->heads ? v->head[c->index] : NO_DRAFT; i != NO_DRAFT;
	     i = v->v[i].next)
		if (v->v[i].f->kind == kind && !v->v[i].silenced)
			return true;
	return false;
}

/* Of a dialogue that another point has whole nothing is left undecided by what this one lacks. */
static void
silence_undecided(struct verdicts *v, const struct mail_case *whole, const struct mail_case *c)
{
	for (uint32_t i = c->index < v->heads ? v->head[c->index] : NO_DRAFT; i != NO_DRAFT;
	     i = v->v[i].next) {
		const struct finding *f = v->v[i].f;

		if (f->confidence == CONFIDENCE_CANNOT_TELL &&
		    kind_facts(f->kind)->phase >= DIALOGUE && !claims_kind(v, whole, f->kind))
			v->v[i].silenced = true;
	}
}

static void
judge_undecided(const struct ring *r, struct verdicts *v)
{
	for (uint32_t i = 0; i < r->n; i++)
		for (uint32_t k = 0; case_whole(r->copy[i]) && k < r->n; k++)
			if (k != i && !case_whole(r->copy[k]))
				silence_undecided(v, r->copy[i], r->copy[k]);
}

static void
judge_ring(const struct ring *r, struct verdicts *out)
{
	const struct mail_case *first = r->copy[0], *counted = first;

	judge_undecided(r, out);
	for (uint32_t i = 1; i < r->n; i++) {
		if (r->copy[i]->conn->dir[0].ttl_syn > first->conn->dir[0].ttl_syn)
			first = r->copy[i]; /* nearer to the client: the names its user knows */
		if (r->copy[i]->counted)
			counted = r->copy[i];
	}
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->copy[i] != counted)
			retime_drafts(
			    out, r->copy[i], counted, vantage_ahead(r->v, counted, r->copy[i]));
		if (r->copy[i] != first)
			rename_drafts(out, r->copy[i], first);
	}
}

static void
judge_nat(const struct view *v, struct verdicts *out)
{
	struct vantages points;
	struct case_iter it = { 0 };
	struct ring r = { .v = &points, .store = v->store, .lookups = v->lookups };
	const struct mail_case *c;

	vantages_find(v->store, &points);
	while ((c = store_case_next(v->store, &it)) != NULL)
		if (c->copy != c && ring_take(c, &r))
			judge_ring(&r, out);
	vantages_free(&points);
}

const struct rule rule_nat = { "nat", RULE_STORE, judge_nat, false };
