/*
 * stream_edge.c - the edge of a direction: up to it all is given out, in order, holes told.  What
 * came behind a hole waits beyond it, with the engine.
 */
#include "flow/stream/stream_impl.h"

/*
 * The bounds of engines.md 2.3.  A sender in trouble has one hole and up to a window behind it; who
 * needs more is either hostile or so lossy that a told gap is the honest answer.
 */
enum {
	FLOW_HELD = 4 << 20,
	HALF_SEGMENTS = 2048, /* libnids inserts by walking: quadratic beyond */
	HALF_RANGES = 512,
};

/* ---- the engine ------------------------------------------------------------ */

static bool
engine_ready(struct streams *ss)
{
	if (!ss->started) {
		ss->started = true;
		ss->usable = ss->engine->start(ss->limit.streams) == 0;
	}
	return ss->usable;
}

/* The first piece behind a hole has come.  False: nobody can keep it. */
static bool
half_sort(struct stream *s, enum dissect_dir dir)
{
	struct half *h = &s->half[dir];

	s->all->count.sorted++;
	if (engine_ready(s->all))
		h->sorter = s->all->engine->open(s, stream_data, dir, h->next);
	s->all->count.engine_failed += h->sorter == NULL;
	return h->sorter != NULL;
}

static void
half_sorted(const struct stream *s, struct half *h)
{
	if (h->sorter != NULL)
		s->all->engine->close(h->sorter);
	h->sorter = NULL;
}

void
stream_over(struct stream *s)
{
	if (s->over)
		return;
	s->over = true;
	half_sorted(s, &s->half[0]);
	half_sorted(s, &s->half[1]);
	s->all->open--;
}

static void
stream_lost(struct stream *s)
{
	s->all->count.engine_failed += !s->over;
	stream_over(s);
}

/* ---- the edge ------------------------------------------------------------- */

void
half_release(struct stream *s, struct half *h, uint32_t segments, uint64_t bytes)
{
	uint64_t cost = bytes + (uint64_t)segments * SEGMENT_COST;

	h->held_segments -= segments;
	h->held -= cost;
	s->all->held -= cost;
}

static void half_absorb(struct stream *s, enum dissect_dir dir);

void
half_skip(struct stream *s, enum dissect_dir dir, uint64_t to)
{
	struct half *h = &s->half[dir];
	uint64_t missing = to - h->next;

	s->sink->gap(s->ctx, dir, h->told, missing, leads_heard(&h->leads, to), s->now);
	s->all->count.gaps++;
	s->all->count.gap_bytes += missing;
	h->told += missing;
	h->next = to;
	h->covered = false;
	if (h->sorter != NULL && s->all->engine->gap(h->sorter, missing) == -1)
		stream_lost(s);
	half_absorb(s, dir);
}

/* The edge has moved: it takes in the ranges it touches, the engine gave them out. */
static void
half_absorb(struct stream *s, enum dissect_dir dir)
{
	struct half *h = &s->half[dir];

	while (h->beyond.count > 0 && h->beyond.at[0].start == h->next) {
		struct range r = ranges_shift(&h->beyond);

		h->covered = false;
		if (r.cut) {
			half_skip(s, dir, r.end);
			return;
		}
		half_release(s, h, r.segments, r.end - r.start);
		h->next = r.end;
	}
	if (h->told != h->next) /* the engine and we differ: believe neither */
		stream_lost(s);
	else if (h->held_segments == 0)
		half_sorted(s, h);
}

/* Over a bound: the lowest hole is given up. */
static void
half_bound(struct stream *s, enum dissect_dir dir)
{
	struct half *h = &s->half[dir];

	while (!s->over && h->beyond.count > 0 &&
	    (h->held + s->half[!dir].held > FLOW_HELD || h->held_segments >= HALF_SEGMENTS ||
		h->beyond.count >= HALF_RANGES || s->all->held > s->all->limit.held_bytes)) {
		s->all->count.forced++;
		half_skip(s, dir, h->beyond.at[0].start);
	}
}

static void
half_hold(struct stream *s, enum dissect_dir dir, uint64_t start, uint32_t len)
{
	struct half *h = &s->half[dir];

	if (!ranges_add(&h->beyond, start, start + len, false)) {
		stream_lost(s);
		return;
	}
	h->held_segments++;
	h->held += len + SEGMENT_COST;
	s->all->held += len + SEGMENT_COST;
	half_bound(s, dir);
}

/* No room behind a hole: all that is missing before `start' is given up. */
static void
half_skip_to(struct stream *s, enum dissect_dir dir, uint64_t start)
{
	struct half *h = &s->half[dir];

	while (h->next < start) {
		bool held = h->beyond.count > 0 && h->beyond.at[0].start < start;

		half_skip(s, dir, held ? h->beyond.at[0].start : start);
	}
}

/* A piece that overlaps nothing. */
static void
half_piece(struct stream *s, enum dissect_dir dir, uint64_t start, const uint8_t *p, uint32_t len)
{
	struct half *h = &s->half[dir];

	offsets_put(&h->frames, &s->all->frames, start, s->now);
	if (h->sorter == NULL && start != h->next && !half_sort(s, dir))
		half_skip_to(s, dir, start);
	if (h->sorter == NULL) {
		stream_data(s, dir, p, len);
	} else if (s->all->engine->segment(h->sorter, start, p, len) == -1) {
		stream_lost(s);
		return;
	}
	if (start != h->next) {
		half_hold(s, dir, start, len);
		return;
	}
	h->next += len;
	h->covered = false;
	half_absorb(s, dir);
}

static void
half_cut_piece(struct stream *s, enum dissect_dir dir, uint64_t start, uint64_t end)
{
	struct half *h = &s->half[dir];

	offsets_put(&h->frames, &s->all->frames, start, s->now);
	if (start == h->next)
		half_skip(s, dir, end);
	else if (!ranges_add(&h->beyond, start, end, true))
		stream_lost(s);
	else
		half_bound(s, dir);
}

void
half_insert(struct stream *s, enum dissect_dir dir, uint64_t start, uint64_t end, const uint8_t *p)
{
	struct half *h = &s->half[dir];
	uint64_t pos = start, stop;

	while (!s->over) {
		uint32_t i;

		if (pos < h->next)
			pos = h->next;
		if (pos >= end)
			return;
		i = ranges_after(&h->beyond, pos);
		if (i < h->beyond.count && h->beyond.at[i].start <= pos) {
			pos = h->beyond.at[i].end;
			continue;
		}
		stop = end;
		if (i < h->beyond.count && h->beyond.at[i].start < end)
			stop = h->beyond.at[i].start;
		if (p != NULL)
			half_piece(s, dir, pos, p + (pos - start), (uint32_t)(stop - pos));
		else
			half_cut_piece(s, dir, pos, stop);
		pos = stop;
	}
}
