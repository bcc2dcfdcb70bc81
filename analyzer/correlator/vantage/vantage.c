#include "vantage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/text.h"

enum { PAIRS_MAX = 1024, Q_MOST = 10, HOPS_MOST = 30 };

#define ORDER_LEAST INT64_C(5000)     /* 5 us: below it two points are at one place */
#define CLOCK_STEP  INT64_C(1000000)  /* 1 ms: packets of two processors out of order, not a step */
#define QUEUE_SLACK INT64_C(10000000) /* 10 ms: a queue that the SYN did not meet */

/* ---- two copies of one connection ------------------------------------------------ */

/* SYN and SYN-ACK of one copy, each sent once: S15. */
static bool
handshake_once(const struct mail_case *c)
{
	const struct record_connection *n = c->conn;

	return c->has_conn && n->syn_count == 1 && n->synack_count == 1 && moment_is(&n->syn[0]) &&
	    moment_is(&n->synack_first) && n->synack_first.ns >= n->syn[0].ns;
}

static int
sign(int64_t x)
{
	return (x > 0) - (x < 0);
}

static int
ttl_difference(uint8_t x, uint8_t y)
{
	int d = (int)x - (int)y;

	return x == 0 || y == 0 || d > HOPS_MOST || d < -HOPS_MOST ? 0 : d;
}

/*
 * Hops: the client's packets lose TTL on their way, the server's on theirs.  1: x first, -1: y, 0:
 * not told.
 */
static int
order_by_ttl(const struct mail_case *x, const struct mail_case *y)
{
	int c = sign(ttl_difference(x->conn->dir[0].ttl_syn, y->conn->dir[0].ttl_syn));
	int s = sign(ttl_difference(y->conn->dir[1].ttl, x->conn->dir[1].ttl));

	if (c * s < 0)
		return 0;
	return c != 0 ? c : s;
}

/*
 * The point nearer to the client waits longer for the SYN-ACK: no clock is compared with another.
 */
static int
order_of(const struct mail_case *x, const struct mail_case *y)
{
	int ttl = order_by_ttl(x, y), wait = 0;

	if (handshake_once(x) && handshake_once(y)) {
		int64_t d = (x->conn->synack_first.ns - x->conn->syn[0].ns) -
		    (y->conn->synack_first.ns - y->conn->syn[0].ns);

		wait = d >= ORDER_LEAST ? 1 : d <= -ORDER_LEAST ? -1 : 0;
	}
	if (wait * ttl < 0)
		return 0;
	return wait != 0 ? wait : ttl;
}

static bool
clock_steady(const struct mail_case *c)
{
	return c->capture != NULL && c->capture->clock_back_ns <= CLOCK_STEP &&
	    c->capture->clock_back_ns >= -CLOCK_STEP;
}

/* y's clock less x's. */
static bool
clock_between(const struct mail_case *x, const struct mail_case *y, int64_t *lo, int64_t *hi)
{
	int64_t syn, synack;

	if (!handshake_once(x) || !handshake_once(y) || !clock_steady(x) || !clock_steady(y))
		return false;
	syn = y->conn->syn[0].ns - x->conn->syn[0].ns;
	synack = y->conn->synack_first.ns - x->conn->synack_first.ns;
	*lo = syn < synack ? syn : synack;
	*hi = syn < synack ? synack : syn;
	return true;
}

/* ---- pairs of points ------------------------------------------------------------------ */

/* So many come before it. */
static uint32_t
pair_place(const struct vantages *v, uint32_t a, uint32_t b)
{
	uint32_t lo = 0, hi = v->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->v[mid].a < a || (v->v[mid].a == a && v->v[mid].b < b))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct vantage_pair *
vantages_pair(const struct vantages *v, uint32_t a, uint32_t b)
{
	uint32_t at = pair_place(v, a, b);

	return at < v->n && v->v[at].a == a && v->v[at].b == b ? &v->v[at] : NULL;
}

static struct vantage_pair *
pair_get(struct vantages *v, uint32_t a, uint32_t b)
{
	uint32_t at = pair_place(v, a, b);
	struct vantage_pair *p;

	if (at < v->n && v->v[at].a == a && v->v[at].b == b)
		return &v->v[at];
	if (v->n >= PAIRS_MAX) {
		v->beyond++;
		return NULL;
	}
	if (v->n == v->room) {
		uint32_t room = v->room == 0 ? 8 : v->room * 2;

		if ((p = realloc(v->v, room * sizeof(*p))) == NULL) {
			v->starved++;
			return NULL;
		}
		v->v = p;
		v->room = room;
	}
	p = &v->v[at];
	memmove(p + 1, p, (v->n++ - at) * sizeof(*p));
	*p = (struct vantage_pair){ .a = a, .b = b };
	return p;
}

static void
pair_clock(struct vantage_pair *p, int64_t lo, int64_t hi)
{
	if (!p->clock) {
		p->clock = true;
		p->lo = lo;
		p->hi = hi;
		return;
	}
	if (lo > p->hi || hi < p->lo) {
		p->drift = true;
		return;
	}
	p->lo = lo > p->lo ? lo : p->lo;
	p->hi = hi < p->hi ? hi : p->hi;
}

static void
pair_take(struct vantages *v, const struct mail_case *x, const struct mail_case *y)
{
	const struct mail_case *a = x->point < y->point ? x : y, *b = a == x ? y : x;
	struct vantage_pair *p =
	    a->point != b->point && copies_overlap(a, b) ? pair_get(v, a->point, b->point) : NULL;
	int64_t lo, hi;
	int order;

	if (p == NULL)
		return;
	order = order_of(a, b);
	p->a_first += order > 0;
	p->b_first += order < 0;
	if (clock_between(a, b, &lo, &hi))
		pair_clock(p, lo, hi);
	for (int i = 0; i < 2; i++) {
		const struct record_connection *n = i == 0 ? a->conn : b->conn;

		if (p->shared == 0 || n->first.ns < p->first[i].ns)
			p->first[i] = n->first;
		if (n->last.ns > p->last[i].ns)
			p->last[i] = n->last;
	}
	p->shared++;
}

bool
ring_take(const struct mail_case *c, struct ring *r)
{
	const struct mail_case *at = c;

	r->n = 0;
	if (!c->leads)
		return false;
	do
		if (at->has_conn)
			r->copy[r->n++] = at;
	while ((at = at->copy) != c && r->n < STORE_COPIES);
	return r->n >= 2;
}

bool
vantages_find(const struct store *s, struct vantages *out)
{
	struct case_iter it = { 0 };
	struct ring r = { .store = s };
	const struct mail_case *c;

	memset(out, 0, sizeof(*out));
	while ((c = store_case_next(s, &it)) != NULL) {
		if (c->copy == c || !ring_take(c, &r))
			continue;
		for (uint32_t i = 0; i < r.n; i++)
			for (uint32_t k = i + 1; k < r.n; k++)
				pair_take(out, r.copy[i], r.copy[k]);
	}
	return out->n > 0;
}

void
vantages_free(struct vantages *v)
{
	free(v->v);
	memset(v, 0, sizeof(*v));
}

int
vantage_order(const struct vantage_pair *p)
{
	if (p->a_first > 0 && p->a_first >= 8 * p->b_first)
		return 1;
	if (p->b_first > 0 && p->b_first >= 8 * p->a_first)
		return 2;
	return 0;
}

/* ---- passages --------------------------------------------------------------------------- */

bool
passage_of(const struct vantages *v, const struct mail_case *x, const struct mail_case *y, int dir,
    struct passage *out)
{
	bool swap = x->point > y->point;
	const struct mail_case *a = swap ? y : x, *b = swap ? x : y;
	const struct vantage_pair *p = vantages_pair(v, a->point, b->point);
	int order = p != NULL ? vantage_order(p) : 0, own = order_of(a, b);
	int64_t lo = 0, hi = 0;

	if (order == 0 && (p == NULL || p->a_first + p->b_first == 0) && own != 0)
		order = own > 0 ? 1 : 2;
	if (order == 0 || a->point == b->point || (own != 0 && own != (order == 1 ? 1 : -1)))
		return false;
	*out = (struct passage){ .up = a, .down = b, .dir = dir };
	out->clock = clock_between(a, b, &lo, &hi);
	if (!out->clock && p != NULL && p->clock && !p->drift && clock_steady(a) &&
	    clock_steady(b)) {
		out->clock = true;
		lo = p->lo;
		hi = p->hi;
	}
	if ((order == 2) != (dir == 1)) { /* b is passed first */
		int64_t was = lo;

		out->up = b;
		out->down = a;
		lo = -hi;
		hi = -was;
	}
	out->early = lo;
	out->late = hi + (hi - lo) + QUEUE_SLACK;
	return true;
}

int64_t
vantage_ahead(const struct vantages *v, const struct mail_case *x, const struct mail_case *y)
{
	bool swap = x->point > y->point;
	const struct vantage_pair *p =
	    vantages_pair(v, swap ? y->point : x->point, swap ? x->point : y->point);
	int64_t lo, hi, middle;

	if (!clock_between(swap ? y : x, swap ? x : y, &lo, &hi)) {
		if (p == NULL || !p->clock || p->drift)
			return 0;
		lo = p->lo;
		hi = p->hi;
	}
	middle = lo + (hi - lo) / 2;
	return lo <= 0 && hi >= 0 ? 0 : swap ? -middle : middle;
}

bool
copy_trusted(const struct mail_case *c, int dir)
{
	const struct record_capture *k = c->capture;

	if (!c->has_conn || k == NULL || case_one_sided(c) || capture_q_permille(k) >= Q_MOST)
		return false;
	if (k->drops_known && k->drops_kernel + k->drops_interface > 0)
		return false;
	return c->conn->dir[dir].acked_unseen == 0 && c->conn->dir[dir].packets > 0 &&
	    c->conn->dir[dir].super_segments == 0 && k->fragments_orphaned == 0;
}

bool
passage_watched(const struct passage *p, int64_t t)
{
	const struct record_capture *k = p->down->capture;

	return p->clock && k != NULL && k->first.ns <= t + p->early && k->last.ns >= t + p->late;
}

/* ---- names ---------------------------------------------------------------------------------- */

char *
vantage_name(const struct mail_case *c, const struct mail_case *other, char name[VANTAGE_NAME])
{
	const struct record_capture *k = c->capture, *o = other->capture;
	const char *base = k != NULL ? text_base_name(k->file) : "";
	size_t n;

	if (base[0] == '\0') {
		snprintf(name, VANTAGE_NAME, "point %u", c->point);
		return name;
	}
	if (o != NULL && strcmp(base, text_base_name(o->file)) == 0 &&
	    strcmp(k->file, o->file) != 0)
		base = k->file;
	n = text_copy_utf8(name, VANTAGE_NAME - 24, base, strlen(base));
	if (k->interface[0] != '\0' && n + 2 < VANTAGE_NAME) {
		name[n++] = ' ';
		n += text_copy_utf8(name + n, VANTAGE_NAME - n, k->interface, strlen(k->interface));
	}
	if (o != NULL && k->log[0] != '\0' && strcmp(k->file, o->file) == 0 &&
	    strcmp(k->interface, o->interface) == 0 && strcmp(k->log, o->log) != 0 &&
	    n + 5 < VANTAGE_NAME) {
		base = strcmp(text_base_name(k->log), text_base_name(o->log)) == 0
		    ? k->log
		    : text_base_name(k->log);
		n += text_copy_utf8(name + n, VANTAGE_NAME - n, " in ", 4);
		text_copy_utf8(name + n, VANTAGE_NAME - n, base, strlen(base));
	}
	return name;
}

struct places
places_of(const struct passage *p)
{
	struct places n = { "", "" };

	vantage_name(p->up, p->down, n.up);
	vantage_name(p->down, p->up, n.down);
	return n;
}

/* ---- the passages of a ring ---------------------------------------------------------- */

uint32_t
passage_width(const struct ring *r, const struct passage *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		struct passage in, to;

		/* none of them leads to itself */
		if (passage_of(r->v, p->up, r->copy[i], p->dir, &in) && in.up == p->up &&
		    passage_of(r->v, r->copy[i], p->down, p->dir, &to) && to.down == p->down)
			n++;
	}
	return n;
}

uint32_t
ring_passages(const struct ring *r, int dir, struct passage out[RING_PASSAGES])
{
	uint32_t width[RING_PASSAGES], n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		for (uint32_t j = i + 1; j < r->n; j++) {
			struct passage p;
			uint32_t w, k = n;

			if (!passage_of(r->v, r->copy[i], r->copy[j], dir, &p))
				continue;
			w = passage_width(r, &p);
			for (; k > 0 && width[k - 1] > w; k--) {
				width[k] = width[k - 1];
				out[k] = out[k - 1];
			}
			width[k] = w;
			out[k] = p;
			n++;
		}
	return n;
}

/* ---- claims ------------------------------------------------------------------ */

struct draft *
ring_claim(struct verdicts *v, const struct mail_case *c, int dir, enum finding_kind kind)
{
	const struct mail_case *at = c;
	struct draft *best = NULL;

	do {
		if (at->index >= v->heads)
			continue;
		for (uint32_t i = v->head[at->index]; i != NO_DRAFT; i = v->v[i].next) {
			struct draft *d = &v->v[i];

			if (d->f->kind == kind && !d->silenced && (dir < 0 || d->dir == dir) &&
			    (best == NULL || d->f->confidence > best->f->confidence))
				best = d;
		}
	} while ((at = at->copy) != c);
	return best;
}

void
ring_silence(struct verdicts *v, const struct mail_case *c, int dir, enum finding_kind kind,
    enum confidence most)
{
	const struct mail_case *at = c;

	do {
		if (at->index >= v->heads)
			continue;
		for (uint32_t i = v->head[at->index]; i != NO_DRAFT; i = v->v[i].next)
			if (v->v[i].f->kind == kind && (dir < 0 || v->v[i].dir == dir) &&
			    v->v[i].f->confidence <= most)
				v->v[i].silenced = true;
	} while ((at = at->copy) != c);
}

void
finding_room(struct finding *f, uint32_t n)
{
	if (f->evidence_count + n > FINDING_EVIDENCE)
		f->evidence_count = FINDING_EVIDENCE - n;
}

void
finding_adds(struct finding *f, const char *sentence)
{
	size_t n = strlen(f->summary);
	char text[FINDING_SUMMARY];

	if (n + strlen(sentence) + 2 > sizeof(text) || strstr(f->summary, sentence) != NULL)
		return; /* a sentence whole or not at all */
	snprintf(text, sizeof(text), "%s%s", f->summary, n > 0 ? " " : "");
	text_append_utf8(text, sizeof(text), sentence, strlen(sentence));
	finding_summary(f, "%s", text);
}

void
finding_done(struct finding *f, const char *sentence)
{
	const char *at = strstr(f->remedy, sentence);
	size_t n = strlen(sentence);

	if (at == NULL)
		return;
	finding_remedy(
	    f, "%.*s%s", (int)(at - f->remedy), f->remedy, at[n] == ' ' ? at + n + 1 : at + n);
}

/* The findings of a ring are merged later, and any of them may give the summary. */
static void
ring_adds(struct verdicts *v, const struct mail_case *at, const struct draft *d, const char *where)
{
	if (at->index >= v->heads)
		return;
	for (uint32_t i = v->head[at->index]; i != NO_DRAFT; i = v->v[i].next) {
		struct draft *x = &v->v[i];

		if (x != d && x->f->kind == d->f->kind && x->dir == d->dir && !x->silenced)
			finding_adds(x->f, where);
	}
}

void
ring_sure(struct verdicts *v, const struct mail_case *c, const struct draft *d,
    enum confidence conf, const char *where)
{
	const struct mail_case *at = c;
	struct finding *f = d->f;

	if (conf > f->confidence)
		f->confidence = conf;
	if (f->confidence == CONFIDENCE_CONFIRMED)
		f->next_capture = "";
	finding_adds(f, where);
	do {
		ring_adds(v, at, d, where);
	} while ((at = at->copy) != c);
}
