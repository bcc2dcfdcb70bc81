#include "flow/point_impl.h"

#include <stdlib.h>

/*
 * ICMP errors: to the flow they quote; else to one whose quote was cut or
 * translated on the way (0.4, S19); else they are told as they are, folded.
 */
enum {
	NEIGHBOURS = 64, /* recently active flows that are asked about a quote that fits none */
	ORPHANS = 512,   /* different ones kept for folding; a flood makes as many as it likes */
	PROTO_TCP = 6,
};

struct orphan {
	struct record_icmp_error e;
	uint64_t saved; /* its last frame, as told then */
};

static struct flow_light *
icmp_flow(const struct flow_point *fp, const struct packet *p)
{
	struct endpoint src = { p->quoted_src, p->quoted_sport };
	struct endpoint dst = { p->quoted_dst, p->quoted_dport };
	unsigned from;

	if (p->quoted_proto != PROTO_TCP || p->quoted_src.family == 0 ||
	    p->quoted_src.family != p->quoted_dst.family || (p->quote_cut && p->quoted_sport == 0))
		return NULL;
	return table_find(fp->table, &src, &dst, &from);
}

/* It answers the SYN of a flow, or speaks of one that now matters. */
static bool
icmp_light(struct flow_point *fp, struct flow_light *e, const struct packet *p)
{
	unsigned client = light_client(e);
	struct full *f;

	if ((e->flags & (LIGHT_SYN | LIGHT_SYNACK | LIGHT_UNREACH)) == LIGHT_SYN &&
	    !p->icmp_frag_needed) {
		struct contrast_note n = {
			.event = CONTRAST_UNREACHABLE, .since = light_began(e, p->at), .at = p->at
		};
		struct host_pair way = light_pair(e, client);

		e->flags |= LIGHT_UNREACH;
		contrast_host(fp->contrast, &way, e->port[!client], &n);
	}
	if (light_put_away(e))
		return false;
	if ((e->flags & LIGHT_FULL) != 0)
		f = full_of(fp, e);
	else
		f = full_promote(fp, e, NULL, client);
	return f != NULL && ledger_icmp(f->ledger, p);
}

static bool
icmp_neighbours(struct flow_point *fp, const struct packet *p)
{
	unsigned n = 0;
	struct full *f;

	TAILQ_FOREACH_REVERSE(f, &fp->recent_mail, full_list, recent)
	{
		if (n++ == NEIGHBOURS)
			return false;
		if (ledger_icmp(f->ledger, p))
			return true;
	}
	return false;
}

static bool
orphan_same(const struct record_icmp_error *e, const struct record_icmp_error *n)
{
	return e->type == n->type && e->code == n->code && e->mtu == n->mtu &&
	    e->quoted_from.port == n->quoted_from.port && e->quoted_to.port == n->quoted_to.port &&
	    e->quoted_proto == n->quoted_proto &&
	    memcmp(&e->from, &n->from, sizeof(e->from)) == 0 &&
	    memcmp(&e->quoted_from.ip, &n->quoted_from.ip, sizeof(struct addr)) == 0 &&
	    memcmp(&e->quoted_to.ip, &n->quoted_to.ip, sizeof(struct addr)) == 0;
}

static struct record_icmp_error
orphan_make(const struct flow_point *fp, const struct packet *p)
{
	bool ports = !(p->quote_cut && p->quoted_sport == 0);
	struct record_icmp_error e = {
		.key = { .point = fp->point },
		.at = p->at,
		.from = p->src,
		.to = p->dst,
		.family = p->src.family,
		.type = p->icmp_type,
		.code = p->icmp_code,
		.mtu = p->icmp_mtu,
		.frag_needed = p->icmp_frag_needed,
		.quoted_from = { p->quoted_src, ports ? p->quoted_sport : 0 },
		.quoted_to = { p->quoted_dst, ports ? p->quoted_dport : 0 },
		.quoted_proto = p->quoted_proto,
		.quoted_len = p->quoted_len,
		.quoted_seq = p->quoted_seq,
		.quote_cut = p->quote_cut,
		.for_syn = p->quote_syn_known && p->quote_syn,
		.dir = -1,
		.last = p->at,
		.ttl = p->ttl,
	};

	return e;
}

static void
orphan_tell(const struct flow_point *fp, const struct orphan *o)
{
	struct record r = { .type = RECORD_ICMP_ERROR };

	r.icmp_error = o->e;
	fp->sink.take(fp->sink.ctx, &r);
}

/* NULL: the room is for those there are. */
static struct orphan *
orphan_room(struct flow_point *fp)
{
	struct orphan *oldest = fp->orphan;

	if (fp->orphans < ORPHANS)
		return &fp->orphan[fp->orphans++];
	if (!allowance_take(&fp->orphans_told, ORPHANS, point_now(fp)))
		return NULL;
	for (uint32_t i = 1; i < ORPHANS; i++)
		if (fp->orphan[i].e.last.frame < oldest->e.last.frame)
			oldest = &fp->orphan[i];
	orphan_tell(fp, oldest);
	return oldest;
}

static void
orphan_add(struct flow_point *fp, const struct packet *p)
{
	struct record_icmp_error e = orphan_make(fp, p);
	struct orphan *o;

	if (fp->orphan == NULL && (fp->orphan = calloc(ORPHANS, sizeof(*fp->orphan))) == NULL) {
		fp->cap_memory++;
		return;
	}
	for (uint32_t i = 0; i < fp->orphans; i++)
		if (orphan_same(&fp->orphan[i].e, &e)) {
			fp->orphan[i].e.repeats++;
			fp->orphan[i].e.last = e.at;
			return;
		}
	if ((o = orphan_room(fp)) == NULL) {
		fp->cap_orphans++;
		return;
	}
	e.key.n = ++fp->orphan_ordinal;
	if (e.quoted_from.port != 0)
		point_community_id(
		    fp, &e.quoted_from, &e.quoted_to, e.quoted_proto, e.community_id);
	*o = (struct orphan){ .e = e };
}

/* Of what no flow claims, only what speaks of TCP or of a packet too big is told. */
void
point_icmp(struct flow_point *fp, const struct packet *p)
{
	struct flow_light *e;

	if (!p->icmp_error)
		return;
	e = icmp_flow(fp, p);
	if (e != NULL && icmp_light(fp, e, p))
		return;
	if ((p->quoted_proto == PROTO_TCP || p->icmp_frag_needed) && icmp_neighbours(fp, p))
		return;
	if (p->quoted_proto == PROTO_TCP || p->icmp_frag_needed)
		orphan_add(fp, p);
}

void
point_icmp_snapshot(struct flow_point *fp)
{
	for (uint32_t i = 0; i < fp->orphans; i++)
		orphan_tell(fp, &fp->orphan[i]);
}

void
point_icmp_save(struct flow_point *fp)
{
	for (uint32_t i = 0; i < fp->orphans; i++) {
		struct orphan *o = &fp->orphan[i];

		if (o->saved != o->e.last.frame)
			orphan_tell(fp, o);
		o->saved = o->e.last.frame;
	}
}

void
point_icmp_end(struct flow_point *fp)
{
	point_icmp_snapshot(fp);
	free(fp->orphan);
}
