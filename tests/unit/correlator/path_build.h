/* path_build.h - a connection whose large packets vanish, for tests of the path rules. */
#ifndef PATH_BUILD_H
#define PATH_BUILD_H

#include "case_build.h"

enum { FIRST = 1000 }; /* ms: the first lost transmission */

/* A connection that stalls: the client's full-size segments are lost, 92 bytes are proven. */
static inline struct record
build_stalled(uint64_t id, int64_t ms)
{
	struct record r = build_connection(0, id, ms, ms + 20000);
	struct record_direction *a = &r.connection.dir[0];

	r.connection.rtt_ns = 40 * MS;
	r.connection.rtt_known = true;
	r.connection.dir[1].mss = 1460;
	a->ceiling = 1500;
	a->w_max = 1500;
	a->at_sender = true;
	a->proven = 92;
	a->proven_at = at(ms + 80);
	a->size_count = 2;
	a->sizes = BUILD_LIST(((struct size_class[]){ { 92, 4, 0 }, { 1500, 0, 15 } }));
	a->all_lost_above_proven = true;
	return r;
}

static inline struct record
build_stall(const struct record *conn, int64_t ms)
{
	struct record r = { .type = RECORD_STALL };
	struct record_stall *s = &r.stall;
	static const int64_t when[] = { 0, 210, 630, 1470, 3130, 6400 };

	s->key = conn->connection.key;
	s->from = conn->connection.client;
	s->to = conn->connection.server;
	for (int i = 0; i < 6; i++) {
		struct moment m = at(ms + when[i]);

		s->chain[i] = (struct transmission){
			.ns = m.ns, .frame = m.frame, .w = 1500, .df = true, .lost = true
		};
		if (i == 0)
			s->first = m;
		s->last = s->lost_last = m;
	}
	s->chain_count = s->chain_len = s->chain_lost = s->chain_above = 6;
	s->chain_starts = 1;
	s->w_min = s->u = 1500;
	s->proven = 92;
	s->n_lost_ge = 15;
	s->n_ok_lt = 4;
	s->first_of_size = true;
	return r;
}

/*
 * The same inside a tunnel, whose end is told by a router of the packets around those lost how much
 * it carries: the n-th such word.
 */
static inline struct record
build_tunnel_told(struct record *conn, struct record *stall, uint32_t n)
{
	struct record r = { .type = RECORD_ICMP_ERROR };

	stall->stall.live = LIVE_L3;
	stall->stall.live_at[3] = at(FIRST + 230);
	strcpy(conn->connection.tunnel, "vxlan");
	conn->connection.tunnel_bytes = 50;
	r.icmp_error = (struct record_icmp_error){ .key = { .n = n },
		.at = at(FIRST + 10),
		.last = at(FIRST + 640),
		.from = ip4(203, 0, 113, 1),
		.to = ip4(203, 0, 113, 2),
		.family = 4,
		.type = 3,
		.code = 4,
		.mtu = 1450,
		.frag_needed = true,
		.quoted_proto = 17,
		.quoted_len = 1550,
		.dir = -1,
		.repeats = 3 };
	return r;
}

#endif /* PATH_BUILD_H */
