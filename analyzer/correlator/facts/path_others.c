#include "path_others.h"

#include "correlator/facts/lookup.h"

enum { SYNS_LEAST = 3, LOOKED = 256 };

static bool
same_path(const struct way *w, const struct mail_case *o, int *dir)
{
	if (o == w->c || !o->has_conn || o->point != w->c->point)
		return false;
	if (addr_equal(&o->conn->client.ip, w->from) && addr_equal(&o->conn->server.ip, w->to))
		*dir = 0;
	else if (addr_equal(&o->conn->server.ip, w->from) && addr_equal(&o->conn->client.ip, w->to))
		*dir = 1;
	else
		return false;
	return true;
}

static bool
within(const struct moment *m, int64_t from, int64_t to)
{
	return m->frame != 0 && m->ns >= from && m->ns <= to;
}

static void
live_one(const struct mail_case *o, int dir, int64_t from, int64_t to, struct live_elsewhere *e)
{
	const struct record_direction *d = &o->conn->dir[dir];
	const struct moment *small =
	    within(&d->small_ok_first, from, to) ? &d->small_ok_first : &d->small_ok_last;
	/* a new SYN that is answered; the other way round its SYN-ACK, answered by the last ACK */
	const struct moment *sent = dir == 0 ? &o->conn->syn[0] : &o->conn->synack_first;
	const struct moment *answer = dir == 0 ? &o->conn->synack_first : &o->conn->handshake;

	if (!(e->bits & LIVE_L4) && within(small, from, to)) {
		e->bits |= LIVE_L4;
		e->l4 = *small;
		e->l4_point = o->point;
	}
	if (!(e->bits & LIVE_L5) && within(sent, from, to) && answer->frame != 0 &&
	    answer->ns >= sent->ns) {
		e->bits |= LIVE_L5;
		e->l5 = *answer;
		e->l5_point = o->point;
	}
}

struct live_elsewhere
way_live_elsewhere(const struct way *w, int64_t from, int64_t to)
{
	enum { ALL = LIVE_L4 | LIVE_L5 };
	struct live_elsewhere e = { .bits = 0 };
	struct case_iter it = { .client = w->dir == 0 ? w->from : w->to,
		.server = w->dir == 0 ? w->to : w->from,
		.to_ns = to,
		.since_ns = from };
	struct case_iter back = {
		.client = it.server, .server = it.client, .to_ns = to, .since_ns = from
	};
	const struct mail_case *o;
	int dir;

	for (uint32_t looked = 0;
	     e.bits != ALL && (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (same_path(w, o, &dir))
			live_one(o, dir, from, to, &e);
	for (uint32_t looked = 0; e.bits != ALL &&
	     (o = lookup_next(w->v->lookups, &back, &looked, LOOKUP_MOST)) != NULL;)
		if (same_path(w, o, &dir))
			live_one(o, dir, from, to, &e);
	return e;
}

bool
way_full_size_seen(const struct way *w, uint32_t size, int64_t at)
{
	struct case_iter it = { .client = w->dir == 0 ? w->from : w->to,
		.server = w->dir == 0 ? w->to : w->from,
		.to_ns = at + PATH_EPOCH,
		.since_ns = at - PATH_EPOCH };
	const struct mail_case *o;
	int dir;

	if (w->a->w_max >= size || w->a->super_segments > 0)
		return true;
	for (uint32_t looked = 0;
	     (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		const struct record_direction *d;

		if (!same_path(w, o, &dir))
			continue;
		d = &o->conn->dir[dir];
		if (d->w_max >= size || d->super_segments > 0)
			return true;
	}
	return false;
}

const struct mail_case *
way_unanswered(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip,
		.server_port = w->c->conn->server.port,
		.from_ns = s->first.ns,
		.to_ns = s->last.ns + (s->last.ns - s->first.ns) };
	const struct mail_case *x;

	/*
	 * what is smaller passes on this connection, or on another one: it is about that
	 * connection, or that port
	 */
	if ((!stall_dead(s) && s->live != 0) ||
	    way_live_elsewhere(w, s->chain_len > 1 ? s->chain[1].ns : s->first.ns, s->last.ns)
		    .bits != 0)
		return NULL;
	for (uint32_t looked = 0; (x = lookup_next(w->v->lookups, &it, &looked, LOOKED)) != NULL;)
		if (x->has_conn && x->point == w->c->point && x->conn->state == CONN_UNANSWERED &&
		    x->conn->dir[1].packets == 0 && x->icmp_count == 0 &&
		    x->conn->syn_count >= SYNS_LEAST &&
		    x->conn->t_end - x->conn->first.ns >= STALL_LEAST &&
		    stall_lasts(s, x->conn->first.ns))
			return x;
	return NULL;
}
