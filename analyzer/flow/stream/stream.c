#include "flow/stream/stream_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
	DOUBTS = 3,        /* consistent segments that make a far jump believed */
	SKIP_PACKETS = 64, /* an acknowledged hole is given up after either */
	WINDOW_UNKNOWN = 1 << 20,
	WINDOW_SLACK = 1 << 16,
	FAR = 1 << 30, /* beyond, 32-bit sequence numbers say nothing */
};
static const int64_t skip_ns = 200000000;

/* A segment far outside the window, kept until others agree with it. */
struct doubt {
	struct moment at;
	uint64_t start;
	uint32_t len, caplen;
	uint8_t *bytes;
};

struct streams *
streams_new(const struct stream_engine *engine, const struct stream_limits *l)
{
	struct streams *ss = calloc(1, sizeof(*ss));

	if (ss == NULL)
		return NULL;
	ss->engine = engine;
	ss->limit = *l;
	ss->frames.max = l->frame_bytes;
	return ss;
}

void
streams_free(struct streams *ss)
{
	free(ss);
}

struct stream_counters
streams_counters(const struct streams *ss)
{
	struct stream_counters c = ss->count;

	c.frame_rings = ss->frames.hits;
	return c;
}

struct stream *
stream_open(struct streams *ss, const struct stream_start start[2], const struct stream_sink *sink,
    void *ctx)
{
	struct stream *s = NULL;

	if (ss->open < ss->limit.streams)
		s = calloc(1, sizeof(*s));
	if (s == NULL) {
		ss->count.refused++;
		return NULL;
	}
	ss->open++;
	ss->count.opened++;
	*s = (struct stream){ .all = ss, .sink = sink, .ctx = ctx };
	stream_learn(s, start);
	return s;
}

void
stream_learn(struct stream *s, const struct stream_start start[2])
{
	for (int d = 0; d < 2; d++)
		if (!s->half[d].started) {
			s->half[d].started = start[d].known;
			s->half[d].base = start[d].seq;
			s->half[d].wscale = start[d].wscale;
		}
}

/* ---- what is believed ----------------------------------------------------- */

/* A sequence number as an offset, nearest to the edge; below 0 is negative. */
static int64_t
half_offset(const struct half *h, uint32_t seq)
{
	return (int64_t)h->next + (int32_t)(seq - (h->base + (uint32_t)h->next));
}

/* Up to where the sender may have sent: the window its peer offered, and some slack. */
static uint64_t
half_reach(const struct stream *s, const struct half *h)
{
	const struct half *peer = h == &s->half[0] ? &s->half[1] : &s->half[0];
	uint64_t from = h->acked > h->next ? h->acked : h->next;
	uint64_t window = h->window;

	if (window == 0 || (peer->wscale > 14 && window < WINDOW_UNKNOWN))
		window = WINDOW_UNKNOWN;
	return from + window + WINDOW_SLACK;
}

static void
doubts_drop(struct stream *s, struct half *h)
{
	for (uint32_t i = 0; i < h->doubt_count; i++) {
		free(h->doubt[i].bytes);
		half_release(s, h, 0, h->doubt[i].caplen + SEGMENT_COST);
	}
	h->doubt_count = 0;
}

static void
half_believe(struct stream *s, enum dissect_dir dir, const struct doubt *d)
{
	struct half *h = &s->half[dir];
	uint64_t cut = d->start + d->caplen, end = d->start + d->len;

	if (end > h->high)
		h->high = end;
	half_insert(s, dir, d->start, cut, d->bytes);
	half_insert(s, dir, cut, end, NULL);
}

/* The doubtful segments were right: the stream did jump. */
static void
doubts_believe(struct stream *s, enum dissect_dir dir)
{
	struct half *h = &s->half[dir];
	struct doubt d[DOUBTS];
	uint32_t n = h->doubt_count;
	struct moment now = s->now;

	memcpy(d, h->doubt, n * sizeof(d[0]));
	h->doubt_count = 0;
	for (uint32_t i = 0; i < n; i++) {
		half_release(s, h, 0, d[i].caplen + SEGMENT_COST);
		s->now.frame = d[i].at.frame; /* it was this frame that carried it */
		if (!s->over)
			half_believe(s, dir, &d[i]);
		free(d[i].bytes);
	}
	s->now = now;
}

/* Keeps a copy of a segment far outside the window.  False: it cannot be kept. */
static bool
doubts_add(struct stream *s, enum dissect_dir dir, const struct doubt *d)
{
	struct half *h = &s->half[dir];
	const struct doubt *last = h->doubt_count > 0 ? &h->doubt[h->doubt_count - 1] : NULL;
	struct doubt *keep;

	if (h->doubt == NULL && (h->doubt = calloc(DOUBTS, sizeof(*h->doubt))) == NULL)
		return false;
	if (last != NULL && (d->start < last->start || d->start > last->start + WINDOW_UNKNOWN)) {
		s->all->count.doubtful += h->doubt_count;
		doubts_drop(s, h);
	}
	keep = &h->doubt[h->doubt_count];
	*keep = *d;
	if ((keep->bytes = malloc(d->caplen + 1)) == NULL)
		return false;
	memcpy(keep->bytes, d->bytes, d->caplen);
	h->doubt_count++;
	h->held += d->caplen + SEGMENT_COST;
	s->all->held += d->caplen + SEGMENT_COST;
	return true;
}

/* Nearly every segment: it goes on where the last one ended, and nothing waits. */
static inline void
half_next(struct stream *s, const struct stream_packet *p)
{
	struct half *h = &s->half[p->dir];

	offsets_put(&h->frames, &s->all->frames, h->next, s->now);
	h->next += p->len;
	if (h->next > h->high)
		h->high = h->next;
	h->covered = false;
	stream_data(s, p->dir, p->payload, p->len);
}

/* Any other: a repeat, behind a hole, cut, before the start, out of reach. */
static void
half_other(struct stream *s, const struct stream_packet *p, int64_t off)
{
	struct half *h = &s->half[p->dir];
	struct doubt d = { .at = s->now, .len = p->len, .caplen = p->caplen };
	uint32_t skip = 0;

	if (off + (int64_t)p->len <= (int64_t)h->next)
		return; /* old */
	if (off < 0) {  /* its head lies before the first byte we know */
		skip = (uint32_t)-off;
		off = 0;
	}
	d.start = (uint64_t)off;
	d.len -= skip;
	d.caplen = d.caplen > skip ? d.caplen - skip : 0;
	d.bytes = (uint8_t *)(uintptr_t)p->payload;
	if (d.caplen > 0) /* else there may be nothing to point at */
		d.bytes += skip;
	if (d.start > half_reach(s, h)) {
		if (d.start > h->next + FAR || !doubts_add(s, p->dir, &d))
			s->all->count.doubtful++;
		else if (h->doubt_count == DOUBTS)
			doubts_believe(s, p->dir);
		return;
	}
	half_believe(s, p->dir, &d);
	if (h->doubt_count > 0 && h->doubt[0].start <= half_reach(s, h))
		doubts_believe(s, p->dir);
}

static inline void
half_data(struct stream *s, const struct stream_packet *p)
{
	const struct half *h = &s->half[p->dir];
	int64_t off = half_offset(h, p->seq);

	if (off == (int64_t)h->next && p->caplen == p->len && h->beyond.count == 0 &&
	    h->doubt_count == 0)
		half_next(s, p);
	else
		half_other(s, p, off);
}

static void
half_fin(const struct stream *s, struct half *h, uint32_t seq)
{
	int64_t off = half_offset(h, seq);

	if (h->fin || off < (int64_t)h->next || (uint64_t)off > half_reach(s, h))
		return;
	h->fin = true;
	h->fin_off = (uint64_t)off;
	if (h->acked > h->fin_off) /* the ACK of the FIN came first */
		h->acked = h->fin_off;
}

/*
 * The peer's ACK.  One for bytes that the capture lacks must be said again
 * (and far ones thrice) before a hole is made of it: a corrupt ACK must not.
 */
static void
half_ack(const struct stream *s, struct half *h, uint32_t ack)
{
	int64_t off = half_offset(h, ack);
	uint64_t to = (uint64_t)off, seen = h->high > h->next ? h->high : h->next;

	if (off <= (int64_t)h->acked)
		return;
	if (h->fin && to > h->fin_off)
		to = h->fin_off;
	if (to <= seen) {
		h->acked = to > h->acked ? to : h->acked;
		return;
	}
	if (to > h->next + FAR)
		return;
	if (h->ack_doubts == 0 || to < h->ack_doubt || to > h->ack_doubt + WINDOW_UNKNOWN) {
		h->ack_doubt = to;
		h->ack_doubts = 1;
		return;
	}
	if (++h->ack_doubts < (h->ack_doubt <= half_reach(s, h) ? 2 : DOUBTS))
		return;
	h->acked = h->ack_doubt;
	h->ack_doubts = 0;
}

/* The hole at the edge is acknowledged, so its bytes exist, only not here. */
static void
half_holes(struct stream *s, enum dissect_dir dir)
{
	struct half *h = &s->half[dir];
	uint64_t end = h->beyond.count > 0 ? h->beyond.at[0].start : UINT64_MAX;

	if (end > h->acked)
		end = h->acked;
	/* One byte with nothing behind it may be a FIN that the capture lacks. */
	if (end <= h->next || (h->beyond.count == 0 && !h->fin && end == h->next + 1)) {
		h->covered = false;
		return;
	}
	if (!h->covered) {
		h->covered = true;
		h->covered_ns = s->now.ns;
		h->covered_packets = 0;
		return;
	}
	if (++h->covered_packets >= SKIP_PACKETS || s->now.ns - h->covered_ns >= skip_ns)
		half_skip(s, dir, end);
}

static inline void
half_watch(struct stream *s, enum dissect_dir dir)
{
	const struct half *h = &s->half[dir];

	if (!s->over && h->started && (h->covered || h->acked > h->next))
		half_holes(s, dir);
}

/*
 * Bytes that the capture lacks are acknowledged with the first byte that this side has not sent
 * before.
 */
static void
half_leads(struct stream *s, struct half *peer, const struct half *h, const struct stream_packet *p)
{
	int64_t ack = half_offset(peer, p->ack),
		off = h->started && p->len > 0 ? half_offset(h, p->seq) : 0;

	if (peer->fin && ack > (int64_t)peer->fin_off)
		ack = (int64_t)peer->fin_off;
	if (ack > (int64_t)peer->next && (uint64_t)ack <= peer->next + FAR)
		s->all->count.unled += !leads_put(&peer->leads, peer->next, (uint64_t)ack,
		    off > (int64_t)h->high ? (uint64_t)off : h->high);
}

static void
half_heard(struct stream *s, const struct stream_packet *p)
{
	struct half *h = &s->half[p->dir], *peer = &s->half[!p->dir];
	uint64_t window = (uint64_t)p->window << (h->wscale <= 14 ? h->wscale : 0);

	peer->window = window > peer->window ? window : peer->window;
	if (peer->started) {
		half_leads(s, peer, h, p);
		half_ack(s, peer, p->ack);
	}
}

void
stream_segment(struct stream *s, const struct stream_packet *p)
{
	struct half *h = &s->half[p->dir];

	if (p->at.ns > s->now.ns)
		s->now.ns = p->at.ns; /* time never goes back within a flow */
	s->now.frame = p->at.frame;
	if (s->over)
		return;
	if (p->has_ack)
		half_heard(s, p);
	if (p->len > 0 && !h->started) {
		h->started = true; /* without a SYN: the first byte captured */
		h->base = p->seq;
	}
	if (p->fin && h->started)
		half_fin(s, h, p->seq + p->len);
	if (p->len > 0)
		half_data(s, p);
	half_watch(s, DIR_C2S);
	half_watch(s, DIR_S2C);
	if (stream_complete(s))
		stream_over(s);
}

bool
stream_complete(const struct stream *s)
{
	const struct half *c = &s->half[0], *v = &s->half[1];

	return c->fin && v->fin && c->next == c->fin_off && v->next == v->fin_off;
}

struct moment
stream_frame(const struct stream *s, enum dissect_dir dir, uint64_t off)
{
	return offsets_at(&s->half[dir].frames, off);
}

/* ---- the end -------------------------------------------------------------- */

static void
half_flush(struct stream *s, enum dissect_dir dir)
{
	struct half *h = &s->half[dir];
	uint64_t end;

	while (!s->over && h->beyond.count > 0)
		half_skip(s, dir, h->beyond.at[0].start);
	end = h->fin && h->fin_off > h->acked ? h->fin_off : h->acked;
	if (!s->over && end > h->next && (h->fin || end > h->next + 1))
		half_skip(s, dir, end);
}

static void
half_free(struct stream *s, struct half *h)
{
	s->all->count.doubtful += h->doubt_count;
	doubts_drop(s, h);
	free(h->doubt);
	leads_clear(&h->leads);
	s->all->held -= h->held;
	ranges_clear(&h->beyond);
	offsets_clear(&h->frames, &s->all->frames);
}

void
stream_close(struct stream *s, struct moment at)
{
	if (s == NULL)
		return;
	if (at.ns > s->now.ns)
		s->now = at;
	half_flush(s, DIR_C2S);
	half_flush(s, DIR_S2C);
	stream_over(s);
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	stream_over(s);
	half_free(s, &s->half[0]);
	half_free(s, &s->half[1]);
	free(s);
}
