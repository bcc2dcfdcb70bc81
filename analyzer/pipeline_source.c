/* pipeline_source.c - the capture points of one source. */
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"

static int
source_grow(struct source *s, uint32_t need)
{
	struct flow_point **point;
	uint32_t room = s->room > 0 ? s->room : 4;

	if (need <= s->room)
		return 0;
	while (room < need)
		room *= 2;
	if ((point = realloc(s->point, (size_t)room * sizeof(struct flow_point *))) == NULL)
		return -1;
	memset(point + s->room, 0, (room - s->room) * sizeof(struct flow_point *));
	s->point = point;
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
			complain(p, "%s: no memory for capture point %u", capture_name(s->capture), point);
		p->input_failed = true;
		return NULL;
	}
	for (; s->count <= point; s->count++) {
		const struct capture_point *cp = capture_point_get(s->capture, s->count);

		s->point[s->count] = flow_point_new(s->base + s->count, capture_name(s->capture),
		    cp != NULL ? cp->interface : "", &flow_limits_default, &p->sink, &p->watcher);
		if (s->point[s->count] == NULL) {
			complain(p, "%s: no memory for capture point %u", capture_name(s->capture), s->count);
			p->input_failed = true;
		} else if (p->log != NULL || p->json != NULL) {
			flow_point_community_ids(s->point[s->count]);
		}
	}
	return s->point[point];
}

static bool
frame_is_outside(const struct pipeline *p, const struct capture_frame *f)
{
	return window_set(&p->o->window) && !window_has(&p->o->window, f->ts_ns);
}

void
source_frames(struct pipeline *p, struct source *s, const struct capture_frame *f, size_t n)
{
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

void
source_end(struct pipeline *p, struct source *s)
{
	const struct capture_damage *damage = capture_damage(s->capture);
	uint32_t points = capture_point_count(s->capture);

	if (points > 0)		/* those without a frame, too */
		source_point(p, s, points - 1);
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->point[i] == NULL)
			continue;
		flow_point_source(s->point[i], capture_point_get(s->capture, i), i == 0 ? capture_counts(s->capture) : NULL, damage);
		flow_point_end(s->point[i]);
	}
	if (damage != NULL && damage->why[0] != '\0')
		complain(p, "%s: %s; what came before is analysed", capture_name(s->capture), damage->why);
	p->input_failed |= damage != NULL && damage->why[0] != '\0' && points == 0;	/* nothing came before */
	capture_close(s->capture);
	free(s->point);
	s->point = NULL;
	s->capture = NULL;
}
