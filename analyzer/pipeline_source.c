/* pipeline_source.c - the capture points of one source, in one file or in pieces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/linktype.h"
#include "capture/pieces.h"
#include "dissectors/net/glance.h"
#include "flow/packet/packet.h"
#include "pipeline.h"
#include "record/text.h"

/* ---- points ------------------------------------------------------------------ */

static int
source_grow(struct source *s, uint32_t need)
{
	struct flow_point **point;
	struct capture_point *told;
	uint32_t room = s->room > 0 ? s->room : 4;

	if (need <= s->room)
		return 0;
	while (room < need)
		room *= 2;
	if ((point = reallocarray(s->point, room, sizeof(struct flow_point *))) == NULL)
		return -1;
	s->point = point;
	if ((told = reallocarray(s->told, room, sizeof(*told))) == NULL)
		return -1;
	s->told = told;
	memset(point + s->room, 0, (room - s->room) * sizeof(struct flow_point *));
	memset(told + s->room, 0, (room - s->room) * sizeof(*told));
	s->room = room;
	return 0;
}

/* Points up to `point'; a NULL one could not be made and drops its frames. */
static struct flow_point *
source_point(struct pipeline *p, struct source *s, uint32_t point)
{
	if (point < s->count)
		return s->point[point];
	if (source_grow(s, point + 1) != 0) {
		if (!p->input_failed)
			complain(p, "%s: no memory for capture point %u", capture_name(s->capture),
			    point);
		p->input_failed = true;
		return NULL;
	}
	for (; s->count <= point; s->count++) {
		const struct capture_point *cp = capture_point_get(s->capture, s->count);

		s->point[s->count] = flow_point_new(s->base + s->count, capture_name(s->capture),
		    cp != NULL ? cp->interface : "", &flow_limits_default, &p->sink, &p->watcher);
		if (s->point[s->count] == NULL) {
			complain(p, "%s: no memory for capture point %u", capture_name(s->capture),
			    s->count);
			p->input_failed = true;
		} else if (p->log != NULL || p->json != NULL) {
			flow_point_community_ids(s->point[s->count]);
		}
	}
	return s->point[point];
}

/* ---- pieces ------------------------------------------------------------------ */

static const struct record_piece *
piece_last(const struct source *s)
{
	return s->piece_count > 0 ? &s->piece[s->piece_count - 1] : NULL;
}

/* From here on what is read is `c'. */
static int
piece_begin(struct source *s, struct capture *c)
{
	const struct record_piece *before = piece_last(s);
	struct record_piece *x;
	char *path = strdup(capture_name(c));

	if (s->piece_count == s->piece_room) {
		size_t room = s->piece_room == 0 ? 4 : s->piece_room * 2;

		if ((x = reallocarray(s->piece, room, sizeof(*x))) == NULL) {
			free(path);
			return -1;
		}
		s->piece = x;
		s->piece_room = room;
		before = piece_last(s);
	}
	if (path == NULL)
		return -1;
	free(s->path);
	s->path = path;
	x = &s->piece[s->piece_count];
	memset(x, 0, sizeof(*x));
	x->key.n = (uint32_t)s->piece_count++;
	x->before = before != NULL ? before->before + before->frames : 0;
	text_copy_utf8(x->file, sizeof(x->file), path, strlen(path));
	s->capture = c;
	return 0;
}

static bool
points_alike(const struct source *s, struct capture *c)
{
	uint32_t n = capture_point_count(c);

	for (uint32_t i = 0; i < n && i < s->count; i++) {
		const struct capture_point *cp = capture_point_get(c, i);

		if (cp == NULL || cp->link_type != s->told[i].link_type ||
		    strcmp(cp->interface, s->told[i].interface) != 0)
			return false;
	}
	return n > 0 && s->count > 0;
}

enum { AGAIN_LEAST = 3 };

/* A SYN, or data: what no network on the way changes of it.  False: another frame. */
static bool
frame_told(const struct capture_frame *f, struct glance *g, uint64_t *print)
{
	if (f->link_type != LINKTYPE_ETHERNET || !glance_ethernet(f->data, f->caplen, g) ||
	    (g->len == 0 && (g->flags & TCP_SYN) == 0))
		return false;
	*print = ((uint64_t)g->seq << 32 | g->ack) * 0x9e3779b97f4a7c15u ^
	    ((uint64_t)g->ip_id << 48 | (uint64_t)g->len << 24 | (uint64_t)g->window << 8 |
		g->flags);
	return true;
}

/* Where it is; count: nowhere. */
static size_t
head_find(const struct head *h, uint64_t print)
{
	size_t i = 0;

	while (i < h->count && h->print[i] != print)
		i++;
	return i;
}

/* What is sent again is one. */
void
source_head(struct source *s, const struct capture_frame *f, size_t n)
{
	struct head *h = &s->head;
	struct glance g;
	uint64_t print;

	h->count = 0;
	for (size_t i = 0; i < n && h->count < FLOW_BATCH; i++)
		if (frame_told(&f[i], &g, &print) && head_find(h, print) == h->count)
			h->print[h->count++] = print;
}

/*
 * The same dialogue from its beginning, most of it, and of one connection what both ends say: that
 * is another place with a clock of its own.  A next piece may begin with what is sent again: that
 * is one word of each end, however often.
 */
static bool
begins_again(const struct head *head, const struct capture_frame *f, size_t n)
{
	struct head left = *head;
	struct glance g, first = { .sport = 0 };
	size_t told = 0, again = 0;
	bool both = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t print;
		size_t at;

		if (!frame_told(&f[i], &g, &print))
			continue;
		at = head_find(&left, print);
		if (at == left.count) {
			told += head_find(head, print) == head->count;
			continue;
		}
		left.print[at] = left.print[--left.count]; /* each is met once */
		told++;
		if (again++ == 0)
			first = g;
		both |= g.sport == first.dport && g.dport == first.sport;
	}
	return both && again >= AGAIN_LEAST && again * 2 >= told;
}

int
source_goes_on(struct source *s, struct capture *c, const struct capture_frame *f, size_t n)
{
	const struct capture_counts *now = capture_counts(c);
	const struct record_piece *before = piece_last(s);

	if (s->capture != NULL || before == NULL || before->frames == 0 || now->frames == 0)
		return 0;
	if (strcmp(s->path, capture_name(c)) == 0 || !pieces_alike(s->path, capture_name(c)) ||
	    !points_alike(s, c))
		return 0;
	if (now->first_ns < before->last.ns || now->first_ns - before->last.ns > PIECES_APART_NS)
		return 0;
	if (begins_again(&s->head, f, n))
		return 0;
	return piece_begin(s, c) == 0 ? 1 : -1;
}

int
source_begin(struct source *s, struct capture *c, uint32_t base)
{
	*s = (struct source){ .base = base };
	return piece_begin(s, c);
}

/* ---- frames ------------------------------------------------------------------ */

static bool
frame_is_outside(const struct pipeline *p, const struct capture_frame *f)
{
	return window_set(&p->o->window) && !window_has(&p->o->window, f->ts_ns);
}

void
source_frames(struct pipeline *p, struct source *s, struct capture_frame *f, size_t n)
{
	uint64_t before = s->piece_count > 1 ? s->piece[s->piece_count - 1].before : 0;

	for (size_t i = 0; i < n && before > 0; i++)
		f[i].number += before;
	if (capture_point_count(s->capture) > 1)
		mail_compare(p->mail);
	while (n > 0) {
		struct flow_point *fp;
		size_t same = 1;

		if (frame_is_outside(p, f)) {
			p->outside++;
			f++;
			n--;
			continue;
		}
		fp = source_point(p, s, f->point);
		while (same < n && f[same].point == f->point && !frame_is_outside(p, f + same))
			same++;
		if (fp != NULL)
			flow_point_frames(fp, f, same);
		f += same;
		n -= same;
	}
}

/* ---- the end ----------------------------------------------------------------- */

static void
points_tell(struct source *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct capture_point *cp = capture_point_get(s->capture, i);
		struct capture_point *all = &s->told[i];

		if (cp == NULL)
			continue;
		memcpy(all->interface, cp->interface, sizeof(all->interface));
		all->link_type = cp->link_type;
		all->snaplen = cp->snaplen;
		all->drops_known |= cp->drops_known;
		all->drops_kernel += cp->drops_kernel;
		all->drops_interface += cp->drops_interface;
	}
}

static void
counts_add(struct source *s)
{
	const struct capture_counts *c = capture_counts(s->capture);
	struct record_piece *x = &s->piece[s->piece_count - 1];

	s->counts.filtered += c->filtered;
	s->counts.unfilterable += c->unfilterable;
	s->counts.repaired += c->repaired;
	s->counts.timeless += c->timeless;
	x->frames = c->frames;
	if (c->frames > 0) {
		x->first = (struct moment){ c->first_ns, x->before + 1 };
		x->last = (struct moment){ c->last_ns, x->before + c->frames };
	}
}

/* The first is told with the capture; of another than the first piece it names it. */
static void
damage_tell(struct pipeline *p, struct source *s, uint32_t points)
{
	const struct capture_damage *d = capture_damage(s->capture);
	const struct record_piece *x = &s->piece[s->piece_count - 1];

	if (d == NULL || d->why[0] == '\0')
		return;
	complain(p, "%s: %s; what came before is analysed", capture_name(s->capture), d->why);
	p->input_failed |= points == 0; /* nothing came before */
	if (s->damage.why[0] != '\0')
		return;
	s->damage = *d;
	s->damage.frame += x->before;
	if (s->piece_count > 1)
		snprintf(
		    s->damage.why, sizeof(s->damage.why), "in %.100s: %.140s", x->file, d->why);
}

void
source_close(struct pipeline *p, struct source *s)
{
	uint32_t points = capture_point_count(s->capture);

	if (points > 0) /* those without a frame, too */
		source_point(p, s, points - 1);
	points_tell(s);
	counts_add(s);
	damage_tell(p, s, points);
	capture_close(s->capture);
	s->capture = NULL;
}

static void
pieces_tell(struct pipeline *p, const struct source *s)
{
	for (uint32_t i = 0; i < s->count && s->piece_count > 1; i++)
		for (size_t k = 0; k < s->piece_count; k++) {
			struct record r = { .type = RECORD_PIECE };

			r.piece = s->piece[k];
			r.key.point = s->base + i;
			pipeline_take(p, &r);
		}
}

void
source_end(struct pipeline *p, struct source *s)
{
	if (s->capture != NULL)
		source_close(p, s);
	pieces_tell(p, s);
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->point[i] == NULL)
			continue;
		flow_point_source(s->point[i], &s->told[i], i == 0 ? &s->counts : NULL, &s->damage);
		flow_point_end(s->point[i]);
	}
	free(s->point);
	free(s->told);
	free(s->piece);
	free(s->path);
	*s = (struct source){ .count = s->count, .base = s->base };
}
