/*
 * vantage_scene.h - two capture points of one sound transfer, records by hand: what tests of
 * several captures begin with.
 */
#ifndef VANTAGE_SCENE_H
#define VANTAGE_SCENE_H

#include "case_build.h"

enum { T = 1000, ID = 100000, TRANSIT = 10, END = 20000 };

/* The point nearer to the client is 0, the other 1, whose clock is `ahead' ms. */
struct scene {
	int64_t ahead;
	struct record capture[2], conn[2], session[2], stall;
	bool with_sessions, with_stall;
};

static inline void
pass(struct record_direction *d, uint32_t w, uint32_t n, int64_t last)
{
	struct passed v[RECORD_SIZES] = { { 0 } };

	if (d->passed_count > 0)
		memcpy(v, d->passed, d->passed_count * sizeof(v[0]));
	v[d->passed_count++] = (struct passed){ .w = w, .n = n, .last = at(last) };
	d->passed = BUILD_LIST(v);
}

static inline void
pass_first_at(struct record_direction *d, struct moment last)
{
	struct passed v[RECORD_SIZES];

	memcpy(v, d->passed, sizeof(v));
	v[0].last = last;
	d->passed = BUILD_LIST(v);
}

static inline void
scene_point(struct scene *s, uint32_t p)
{
	int64_t off = p == 0 ? 0 : s->ahead + TRANSIT;
	struct record_connection *c;

	s->capture[p] = build_capture(p, off - 1000, off + END);
	s->conn[p] = build_connection(p, ID, off, off + END);
	c = &s->conn[p].connection;
	c->syn[0] = at(off);
	c->synack_first = c->synack_last = at(p == 0 ? 40 : off + 20);
	c->handshake = at(p == 0 ? 41 : off + 41);
	c->rtt_ns = 41 * MS;
	c->rtt_known = true;
	for (int d = 0; d < 2; d++) {
		c->dir[d].mss = 1460;
		c->dir[d].wscale = 7;
		c->dir[d].ceiling = 1500;
	}
	c->dir[0].ttl = c->dir[0].ttl_syn = p == 0 ? 64 : 60;
	c->dir[1].ttl = c->dir[1].ttl_syn = p == 0 ? 60 : 64;
	c->dir[0].at_sender = p == 0;
	s->session[p] = build_session(&s->conn[p], off + 60);
}

static inline struct scene
scene_clean(int64_t ahead)
{
	struct scene s = { .ahead = ahead };

	scene_point(&s, 0);
	scene_point(&s, 1);
	return s;
}

static inline struct correlator *
judged(const struct scene *s)
{
	struct correlator *c = build_correlator();

	for (int p = 0; p < 2; p++) {
		correlator_take(c, &s->capture[p]);
		correlator_take(c, &s->conn[p]);
		if (s->with_sessions)
			correlator_take(c, &s->session[p]);
	}
	if (s->with_stall)
		correlator_take(c, &s->stall);
	correlator_judge(c);
	return c;
}

/* The finding, how sure, and where the summary puts it; NULL: nowhere. */
static inline void
scene_check(int line, const struct scene *s, enum finding_kind kind, enum confidence conf,
    const char *words)
{
	struct correlator *c = judged(s);
	const struct finding *f = find_kind(c, kind);
	bool placed = f != NULL && strstr(f->summary, "between point") != NULL;
	bool good = f != NULL && f->confidence == conf && placed == (words != NULL) &&
	    (words == NULL || strstr(f->summary, words) != NULL);

	if (!good) {
		printf("line %d:\n", line);
		print_findings(c);
	}
	CHECK(good);
	correlator_free(c);
}

#define CHECK_SCENE(s, k, conf, words) scene_check(__LINE__, (s), (k), (conf), (words))
#define NOWHERE                        NULL

#endif /* VANTAGE_SCENE_H */
