/*
 * vantage_path.c - "it left here and never arrived there": packets of one size,
 * all packets, one packet of the message, or some of many (diagnosis 1A).
 *
 * A finding of one point is made surer or told where; none is made of nothing,
 * because the rules before weighed what speaks against it.
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/chance.h"
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_say.h"
#include "vantage.h"

enum {
	LEFT_LEAST = 3,
	CHAIN_LEAST = 4,
	LOSS_LEAST = 4,
	LOSS_PERMILLE = 30,
	OPTIONS_MOST = 40,
	SMALL = 200, /* no path is too narrow for it */
};

/* ---- what left and never arrived ------------------------------------------------------ */

struct gone {
	struct passage p;
	struct lookups *lookups;
	const struct record_stall *s;
	uint32_t n;                      /* transmissions that left and never arrived */
	uint64_t frames[FINDING_FRAMES]; /* of them, at the upper point */
	uint32_t frame_count;
	const struct passed *largest, *latest; /* of those that did arrive: largest, last; NULL */
	/* that the lower point went on to see this path only other connections show */
	bool by_others;
	bool small_too; /* small ones left, too, and did not arrive either */
};

static void
gone_add(struct gone *g, uint64_t frame)
{
	for (uint32_t i = 0; i < g->frame_count; i++)
		if (g->frames[i] == frame)
			return;
	g->n++;
	if (g->frame_count < FINDING_FRAMES)
		g->frames[g->frame_count++] = frame;
}

/*
 * Lost transmissions of w bytes or more that should have arrived by `until' at the lower point,
 * while it was watching.
 */
static void
gone_by(struct gone *g, uint32_t w, int64_t until)
{
	const struct record_stall *s = g->s;
	const struct passage *p = &g->p;

	for (uint32_t i = 0; i < s->chain_len; i++)
		if (!s->chain[i].super && s->chain[i].w >= w && s->chain[i].ns + p->late <= until &&
		    passage_watched(p, s->chain[i].ns))
			gone_add(g, s->chain[i].frame);
	for (uint32_t i = 0; i < s->lost_count && i < RECORD_CHAIN; i++)
		if (s->lost_frames[i].ns + p->late <= until &&
		    passage_watched(p, s->lost_frames[i].ns))
			gone_add(g, s->lost_frames[i].frame);
}

/*
 * A packet of w bytes at the upper point as the lower one sees it: a translator between them
 * (NAT64) changes the IP header.
 */
static uint32_t
size_there(const struct passage *p, uint32_t w)
{
	uint32_t up = p->up->conn->client.ip.family == 6 ? 40 : 20,
		 down = p->down->conn->client.ip.family == 6 ? 40 : 20;

	return w > up ? w - up + down : w;
}

/*
 * Stream offsets of two points are the same when both saw the SYN; one that did not counts from
 * what it saw first.
 */
static const struct stretch *
unseen_at(const struct passage *p, uint64_t offset)
{
	const struct record_direction *up = &p->up->conn->dir[p->dir],
				      *down = &p->down->conn->dir[p->dir];
	bool both = up->isn_known && down->isn_known;

	if (!both && (up->seq <= UINT16_MAX || down->seq <= UINT16_MAX))
		return NULL;
	offset +=
	    both ? 0 : (uint64_t)(int32_t)(up->seq - down->seq); /* below 0: beyond every stretch */
	for (uint32_t i = 0; i < down->unseen_count && i < RECORD_STRETCHES; i++)
		if (offset >= down->unseen[i].at &&
		    offset - down->unseen[i].at < down->unseen[i].bytes)
			return &down->unseen[i];
	return NULL;
}

/*
 * The last packet from the sender's host to the other that the lower point saw of another
 * connection.
 */
static int64_t
path_watched(const struct gone *g)
{
	const struct record_connection *n = g->p.down->conn;
	struct case_iter it = {
		.client = &n->client.ip, .server = &n->server.ip, .since_ns = n->first.ns
	};
	const struct mail_case *x;
	int64_t last = 0;

	for (uint32_t looked = 0; (x = lookup_next(g->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x != g->p.down && x->has_conn && x->point == g->p.down->point &&
		    x->conn->dir[g->p.dir].last.ns > last)
			last = x->conn->dir[g->p.dir].last.ns;
	return last;
}

/*
 * Nothing of u bytes or more ever passed the lower point, smaller ones did
 * later than three of those that left: by the clocks, or by the sequence
 * numbers, which need none (the later packet lies beyond the missing bytes).
 */
static bool
size_gone(struct gone *g)
{
	const struct record_direction *down = &g->p.down->conn->dir[g->p.dir];
	const struct record_stall *s = g->s;
	const struct stretch *hole;
	uint32_t full = s->u > 40 + OPTIONS_MOST ? s->u - 40 : s->u;

	if (!stall_long(s) || s->zero_window || (s->delivered.frame != 0 && !s->delivered_smaller))
		return false;
	for (uint32_t i = 0; i < down->passed_count && i < RECORD_SIZES; i++) {
		const struct passed *x = &down->passed[i];

		if (x->w >= size_there(&g->p, s->u))
			return false;
		g->largest = x;
		if (g->latest == NULL || x->last.ns > g->latest->last.ns)
			g->latest = x;
	}
	if (g->latest == NULL)
		return false;
	if (g->p.clock)
		gone_by(g, s->u, g->latest->last.ns);
	if (g->n >= LEFT_LEAST)
		return true;
	if (g->p.clock) {
		g->n = g->frame_count = 0;
		gone_by(g, s->u, path_watched(g));
		if ((g->by_others = g->n >= LEFT_LEAST))
			return true;
	}
	hole = unseen_at(&g->p, s->head);
	if (hole == NULL || hole->bytes < (uint64_t)LEFT_LEAST * full)
		return false;
	g->n = g->frame_count = 0;
	for (uint32_t i = 0; i < s->lost_count && i < RECORD_CHAIN && g->n < hole->bytes / full;
	     i++)
		gone_add(g, s->lost_frames[i].frame);
	for (uint32_t i = 0; i < s->chain_len && g->n < hole->bytes / full; i++)
		if (!s->chain[i].super && s->chain[i].w >= s->u)
			gone_add(g, s->chain[i].frame);
	return g->n >= LEFT_LEAST;
}

/* From one moment on nothing at all arrives, though the lower point was still capturing. */
static bool
all_gone(struct gone *g)
{
	const struct record_direction *up = &g->p.up->conn->dir[g->p.dir],
				      *down = &g->p.down->conn->dir[g->p.dir];
	const struct record_stall *s = g->s;

	if (!g->p.clock || s->chain_lost < CHAIN_LEAST || s->zero_window ||
	    s->delivered.frame != 0 || s->lost_last.ns - s->first.ns < 3 * PATH_SECOND ||
	    down->last.ns >= s->first.ns + g->p.early)
		return false;
	gone_by(g, 0, g->p.down->capture->last.ns);
	g->small_too = s->w_min > 0 && s->w_min <= SMALL;
	for (uint32_t i = 0; i < up->passed_count && i < RECORD_SIZES; i++)
		if (up->passed[i].w < s->w_min && up->passed[i].last.ns > s->first.ns &&
		    passage_watched(&g->p, up->passed[i].last.ns))
			g->small_too = true;
	return g->n >= LEFT_LEAST;
}

/* One packet of the stream never arrives, others of its size do, before and after. */
static bool
piece_gone(struct gone *g)
{
	const struct record_direction *down = &g->p.down->conn->dir[g->p.dir];
	const struct stretch *hole = unseen_at(&g->p, g->s->head);
	bool same_size = false;

	if (hole == NULL || g->s->chain_lost < LEFT_LEAST || g->s->delivered.frame != 0)
		return false;
	for (uint32_t i = 0; i < down->passed_count && i < RECORD_SIZES; i++)
		same_size = same_size || down->passed[i].w >= size_there(&g->p, g->s->w_min);
	for (uint32_t i = 0; i < g->s->chain_len; i++)
		gone_add(g, g->s->chain[i].frame);
	return same_size && g->n >= LEFT_LEAST;
}

/* The tightest pair of points and the stall that shows it. */
static bool
gone_find(const struct ring *r, int dir, bool (*shows)(struct gone *), struct gone *best)
{
	struct passage p[RING_PASSAGES];
	uint32_t n = ring_passages(r, dir, p);

	best->n = 0;
	for (uint32_t i = 0; i < n && best->n == 0; i++) {
		if (!copy_trusted(p[i].down, dir) || case_one_sided(p[i].up))
			continue;
		for (uint32_t k = 0; k < p[i].up->stall_count; k++) {
			struct gone g = {
				.p = p[i], .lookups = r->lookups, .s = p[i].up->stalls[k]
			};

			if (g.s->key.m == (uint32_t)dir && shows(&g) && g.n > best->n)
				*best = g;
		}
	}
	return best->n > 0;
}

/* ---- words -------------------------------------------------------------------------------- */

static struct finding_evidence *
say_left(struct finding *f, const struct gone *g, const char *what)
{
	struct finding_evidence *e = finding_says(f, g->p.up->point, "%s", what);

	for (uint32_t i = 0; i < g->frame_count; i++)
		evidence_frame_nr(e, g->frames[i]);
	return e;
}

/* Packets of sizes in [lo, hi) that passed; folded classes may hold smaller ones, too. */
static uint32_t
passed_between(const struct record_direction *d, uint32_t lo, uint32_t hi)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->passed_count && i < RECORD_SIZES; i++)
		if (d->passed[i].w >= lo && d->passed[i].w < hi)
			n += d->passed[i].n;
	return n;
}

static void
say_sizes(struct finding *f, const struct gone *g)
{
	const struct record_direction *up = &g->p.up->conn->dir[g->p.dir],
				      *down = &g->p.down->conn->dir[g->p.dir];
	uint32_t u = g->s->u, small_up = passed_between(up, 0, u),
		 small_down = passed_between(down, 0, size_there(&g->p, u));
	char text[200];

	finding_room(f, 2);
	snprintf(text, sizeof(text),
	    "left here, never arrived there: %u packet%s of %u bytes or more", g->n, PLURAL(g->n),
	    u);
	say_left(f, g, text);
	evidence_frames(
	    finding_says(f, g->p.down->point,
		"none of them arrived here; of the smaller ones %u left and %u arrived, up to %u "
		"bytes",
		small_up, small_down, g->largest->w),
	    &g->largest->last, &g->latest->last);
}

/* ---- the judgements ---------------------------------------------------------- */

/*
 * A router's exact word at one point serves them all: the narrowest bound gives summary and advice,
 * within one IP version.
 */
static void
ring_narrow(const struct ring *r, int dir, enum finding_kind kind, struct verdicts *out)
{
	const struct finding *best = NULL;

	for (int round = 0; round < 2; round++)
		for (uint32_t k = 0; k < r->n; k++)
			for (uint32_t i = r->copy[k]->index < out->heads
				 ? out->head[r->copy[k]->index]
				 : NO_DRAFT;
			     i != NO_DRAFT; i = out->v[i].next) {
				struct finding *f = out->v[i].f;

				if (f->kind != kind || out->v[i].dir != dir || out->v[i].silenced)
					continue;
				if (!f->has_mtu || f->mtu.upper == 0 ||
				    (best != NULL && f->mtu.upper == best->mtu.upper))
					continue;
				if (best != NULL && best->from.ip.family != f->from.ip.family)
					continue;
				if (round == 0 && (best == NULL || f->mtu.upper < best->mtu.upper))
					best = f;
				if (round == 0 || best == NULL || f->mtu.upper < best->mtu.upper)
					continue;
				f->mtu = best->mtu;
				finding_summary(f, "%s", best->summary);
				finding_remedy(f, "%s", best->remedy);
			}
}

static bool
judge_size(const struct ring *r, int dir, struct verdicts *out)
{
	static const enum finding_kind kinds[] = { FINDING_ICMP_FRAG_NEEDED_IGNORED,
		FINDING_PMTU_BLACK_HOLE, FINDING_PMTU_BLACK_HOLE_RECOVERED };
	const struct mail_case *c = r->copy[0];
	struct gone g;
	struct places at;
	char where[320];
	bool said = false;

	if (ring_claim(out, c, dir, FINDING_FRAGMENTS_DROPPED) != NULL ||
	    !gone_find(r, dir, size_gone, &g))
		return false;
	at = places_of(&g.p);
	snprintf(where, sizeof(where),
	    "They vanish between %s and %s: %u of %u bytes or more left the one, none came to the other, while smaller ones did.",
	    at.up, at.down, g.n, g.s->u);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct draft *d = ring_claim(out, c, dir, kinds[i]);

		/* a router's word that the sender ignores says more than the silence farther on */
		if (d == NULL || (said && d->f->confidence <= CONFIDENCE_POSSIBLE)) {
			if (said)
				ring_silence(out, c, dir, kinds[i], CONFIDENCE_POSSIBLE);
			continue;
		}
		say_sizes(d->f, &g);
		finding_done(d->f, WHICH_DEVICE);
		ring_sure(out, c, d, g.by_others ? d->f->confidence : CONFIDENCE_CONFIRMED, where);
		ring_narrow(r, dir, kinds[i], out);
		said = true;
	}
	return said;
}

/* What was left open is decided. */
static void
alternative_gone(struct finding *f)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->evidence_count; i++)
		if (strncmp(f->evidence[i].says, "alternative:", strlen("alternative:")) != 0)
			f->evidence[kept++] = f->evidence[i];
	f->evidence_count = kept;
}

static void
say_all(struct finding *f, const struct gone *g)
{
	char text[200];

	if (g->small_too)
		alternative_gone(f);
	finding_room(f, 2);
	snprintf(text, sizeof(text),
	    "left here, never arrived there: %u packet%s from one moment on%s", g->n, PLURAL(g->n),
	    g->small_too ? ", small ones too" : "");
	say_left(f, g, text);
	evidence_frame(
	    finding_says(f, g->p.down->point,
		"nothing of this sender arrived here after that, and the capture goes on for %.1f s; its last "
		"packet",
		seconds(g->p.down->capture->last.ns - g->p.down->conn->dir[g->p.dir].last.ns)),
	    &g->p.down->conn->dir[g->p.dir].last);
}

/* A path that carries nothing: where; and sure, when small ones were lost as well. */
static void
judge_all(const struct ring *r, int dir, struct verdicts *out)
{
	static const enum finding_kind kinds[] = { FINDING_PATH_OUTAGE, FINDING_IDLE_STATE_EXPIRED,
		FINDING_PMTU_BLACK_HOLE };
	const struct mail_case *c = r->copy[0];
	struct places at;
	struct gone g;
	char where[320];
	bool sure;

	if (!gone_find(r, dir, all_gone, &g))
		return;
	at = places_of(&g.p);
	snprintf(where, sizeof(where), "They vanish between %s and %s.", at.up, at.down);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct draft *d = ring_claim(out, c, dir, kinds[i]);

		if (d == NULL ||
		    (kinds[i] == FINDING_PMTU_BLACK_HOLE && d->f->confidence > CONFIDENCE_POSSIBLE))
			continue;
		say_all(d->f, &g);
		sure = kinds[i] == FINDING_PATH_OUTAGE && g.small_too;
		ring_sure(out, c, d, sure ? CONFIDENCE_CONFIRMED : d->f->confidence, where);
		return;
	}
}

/* ---- one outage, told here and told by what did not come there --------------- */

/* Of the claims on a case; NO_DRAFT = none. */
static uint32_t
first_draft(const struct verdicts *v, const struct mail_case *c)
{
	return c->index < v->heads ? v->head[c->index] : NO_DRAFT;
}

static bool
from_behind(const struct finding *f)
{
	return f->kind == FINDING_PATH_OUTAGE && strcmp(f->subkind, "before-the-capture") == 0;
}

static struct finding *
told_elsewhere(const struct ring *r, int dir, const struct mail_case *at, const struct finding *f,
    struct verdicts *out)
{
	for (uint32_t k = 0; k < r->n; k++) {
		int64_t ahead = vantage_ahead(r->v, r->copy[k], at);

		for (uint32_t i = first_draft(out, r->copy[k]); i != NO_DRAFT; i = out->v[i].next) {
			struct finding *o = out->v[i].f;

			if (o->kind == FINDING_PATH_OUTAGE && !out->v[i].silenced &&
			    out->v[i].dir == dir && !from_behind(o) &&
			    o->first.ns + ahead <= f->last.ns && o->last.ns + ahead >= f->first.ns)
				return o;
		}
	}
	return NULL;
}

/* Who saw the packets, or why there were none, says more than who missed them. */
static void
judge_behind(const struct ring *r, int dir, struct verdicts *out)
{
	for (uint32_t k = 0; k < r->n; k++)
		for (uint32_t i = first_draft(out, r->copy[k]); i != NO_DRAFT; i = out->v[i].next) {
			struct finding *f = out->v[i].f, *o;

			if (out->v[i].silenced || out->v[i].dir != dir || !from_behind(f) ||
			    (o = told_elsewhere(r, dir, r->copy[k], f, out)) == NULL)
				continue;
			finding_room(o, 1);
			evidence_frames(finding_says(o, r->copy[k]->point,
					    "nothing of this sender came here for %.1f s",
					    seconds(f->last.ns - f->first.ns)),
			    &f->first, &f->last);
			out->v[i].silenced = true;
		}
}

static void
judge_piece(const struct ring *r, int dir, struct verdicts *out)
{
	const struct mail_case *c = r->copy[0];
	struct draft *d = ring_claim(out, c, dir, FINDING_INLINE_CONTENT_DROP);
	struct places at;
	struct gone g;
	char where[320];

	if (d == NULL || !gone_find(r, dir, piece_gone, &g))
		return;
	at = places_of(&g.p);
	finding_room(d->f, 2);
	say_left(d->f, &g, "left here each time, never arrived there");
	finding_says(d->f, g.p.down->point,
	    "these bytes never came here, though bytes beyond them and packets of the same size did");
	snprintf(where, sizeof(where), "It vanishes between %s and %s.", at.up, at.down);
	ring_sure(out, c, d, CONFIDENCE_CONFIRMED, where);
}

/* ---- losses here and there: counted, not inferred ---------------------------- */

struct count {
	struct passage p;
	uint32_t left, arrived;
};

/* Both saw the stream from its first byte to its last: what one has more of was lost between. */
static bool
count_whole(const struct passage *p)
{
	const struct record_direction *up = &p->up->conn->dir[p->dir],
				      *down = &p->down->conn->dir[p->dir];

	return copy_trusted(p->up, p->dir) && copy_trusted(p->down, p->dir) && up->isn_known &&
	    down->isn_known && up->stream_bytes == down->stream_bytes && up->missing == 0 &&
	    down->unseen_count == 0;
}

/* The neighbours between which most was lost. */
static bool
count_find(const struct ring *r, int dir, struct count *best)
{
	struct passage p[RING_PASSAGES];
	uint32_t n = ring_passages(r, dir, p);
	uint64_t lost = 0;

	for (uint32_t i = 0; i < n && passage_width(r, &p[i]) == 0; i++) {
		uint64_t left = p[i].up->conn->dir[dir].data_segments,
			 arrived = p[i].down->conn->dir[dir].data_segments;

		if (count_whole(&p[i]) && left > arrived && left - arrived > lost &&
		    left <= UINT32_MAX) {
			lost = left - arrived;
			*best = (struct count){ p[i], (uint32_t)left, (uint32_t)arrived };
		}
	}
	return lost >= LOSS_LEAST;
}

static void
judge_loss(const struct ring *r, int dir, struct verdicts *out)
{
	const struct mail_case *c = r->copy[0];
	struct draft *d = ring_claim(out, c, dir, FINDING_HIGH_LOSS);
	struct places at;
	struct count k;
	char where[320];
	bool sure;

	if (d == NULL || !count_find(r, dir, &k))
		return;
	at = places_of(&k.p);
	finding_room(d->f, 1);
	finding_says(d->f, k.p.down->point,
	    "of %u packet%s with data of this direction that left %s %u arrived here: %u lost between",
	    k.left, PLURAL(k.left), at.up, k.arrived, k.left - k.arrived);
	snprintf(where, sizeof(where), "%u of %u packet%s vanish between %s and %s.",
	    k.left - k.arrived, k.left, PLURAL(k.left), at.up, at.down);
	sure = wilson_lower(k.left - k.arrived, k.left) * 1000 >= LOSS_PERMILLE;
	ring_sure(out, c, d, sure ? CONFIDENCE_CONFIRMED : d->f->confidence, where);
}

void
vantage_path(const struct ring *r, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		if (!judge_size(r, d, out))
			judge_all(r, d, out);
		judge_behind(r, d, out);
		judge_piece(r, d, out);
		judge_loss(r, d, out);
	}
}
