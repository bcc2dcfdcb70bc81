#include "flow/point_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
	SWEEP_EVERY = 256, /* packets */
	SWEEP = 64,        /* entries */
	VICTIMS = 64,      /* entries looked at for one to evict */
	PATHS = 16384,
	PAIRS = 32768,
	WINDOWS = 1 << 22, /* segments, 200 MB: five hundred of the longest windows at once */
	OPEN_TIMES = 5,    /* of idle_ns: firewalls forget after an hour or less, IDLE lasts 29 min
			      (RFC 2177); what follows is to be seen */
};
static const int64_t closed_ns = 240000000000; /* a peer may go on retransmitting that long */
static const int64_t hold_ns = 60000000000; /* nothing for long: a quiet line, or the clock was set;
					       what goes on shows itself soon */
static const int64_t reuse_ns = 30000000000; /* silence after which a new ISN is believed at once */

const struct flow_limits flow_limits_default = {
	.flows = 1 << 20,
	.full = 1 << 16,
	.streams = 1 << 14,
	.held_bytes = 64 << 20,
	.idle_ns = 900000000000,
};

/* ---- begin ---------------------------------------------------------------- */

static bool
point_tables(struct flow_point *fp, const struct hash_key *key)
{
	struct stream_limits sl = {
		.streams = fp->limit.streams,
		.held_bytes = fp->limit.held_bytes,
		.frame_bytes = 64 << 20,
	};

	fp->decoder = decoder_new(fp->point);
	fp->copies = copies_new();
	fp->table = table_new(key, fp->limit.flows);
	fp->streams = streams_new(&stream_engine_nids, &sl);
	if (fp->table == NULL)
		return false;
	fp->contrast = contrast_new(fp->point, key, table_hosts(fp->table),
	    fp->limit.flows < PATHS ? fp->limit.flows : PATHS,
	    fp->limit.flows < PAIRS ? fp->limit.flows : PAIRS, &fp->sink);
	return fp->decoder != NULL && fp->copies != NULL && fp->streams != NULL &&
	    fp->contrast != NULL;
}

static void
point_free(struct flow_point *fp)
{
	undecided_free(fp);
	decoder_free(fp->decoder);
	copies_free(fp->copies);
	contrast_free(fp->contrast);
	table_free(fp->table);
	streams_free(fp->streams);
	free(fp->slots.at);
	free(fp->slots.next);
	free(fp);
}

/* The hash keys are drawn anew each time; nothing that is printed depends on them. */
struct flow_point *
flow_point_new(uint32_t point, const char *file, const char *interface,
    const struct flow_limits *limits, const struct record_sink *sink,
    const struct flow_watcher *watcher)
{
	struct flow_point *fp = calloc(1, sizeof(*fp));
	struct hash_key key = { { 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03 } };

	if (fp == NULL)
		return NULL;
	if (getrandom(&key, sizeof(key), GRND_NONBLOCK) < 0)
		key.k[0] ^= (uint64_t)(uintptr_t)fp;
	fp->point = point;
	fp->limit = limits != NULL ? *limits : flow_limits_default;
	fp->windows.most = WINDOWS;
	fp->idle_least = closed_ns < fp->limit.idle_ns ? closed_ns : fp->limit.idle_ns;
	fp->sink = *sink;
	if (watcher != NULL)
		fp->watcher = *watcher;
	fp->cap.key.point = point;
	strlcpy(fp->cap.file, file != NULL ? file : "", sizeof(fp->cap.file));
	strlcpy(fp->cap.interface, interface != NULL ? interface : "", sizeof(fp->cap.interface));
	TAILQ_INIT(&fp->all);
	TAILQ_INIT(&fp->recent_mail);
	TAILQ_INIT(&fp->recent_other);
	TAILQ_INIT(&fp->closed);
	TAILQ_INIT(&fp->undecided);
	TAILQ_INIT(&fp->undecided_spare);
	if (!point_tables(fp, &key)) {
		point_free(fp);
		return NULL;
	}
	return fp;
}

void
flow_point_community_ids(struct flow_point *fp)
{
	fp->community_ids = true;
}

void
point_community_id(struct flow_point *fp, const struct endpoint *from, const struct endpoint *to,
    uint8_t proto, char out[40])
{
	if (fp->community_ids)
		fp->cap_memory += !community_id(from, to, proto, out);
}

int64_t
point_now(const struct flow_point *fp)
{
	return fp->cap.last.ns;
}

/* ---- flows come and go ----------------------------------------------------- */

void
point_flow_end(struct flow_point *fp, struct flow_light *e)
{
	light_report_end(fp, e);
	if ((e->flags & LIGHT_UNDECIDED) != 0)
		undecided_drop(fp, e);
	if ((e->flags & LIGHT_FULL) != 0)
		full_end(full_of(fp, e), fp->ending && !light_closed(e));
	table_remove(fp->table, e);
}

/* A talk of mail that nobody ended. */
static bool
flow_is_open(const struct flow_light *e)
{
	const unsigned talk = LIGHT_FULL | LIGHT_DATA0 | LIGHT_DATA1;

	return (e->flags & talk) == talk && !light_closed(e);
}

static bool
point_silent(const struct flow_point *fp, const struct flow_light *e, int64_t silence)
{
	bool brief =
	    light_closed(e) || (e->flags & (LIGHT_SYNACK | LIGHT_DATA0 | LIGHT_DATA1)) == 0;

	if (flow_is_open(e) && silence <= OPEN_TIMES * fp->limit.idle_ns)
		return false;
	return silence > (brief && closed_ns < fp->limit.idle_ns ? closed_ns : fp->limit.idle_ns);
}

static inline bool
point_idle(const struct flow_point *fp, const struct flow_light *e, int64_t now)
{
	int64_t silence = now - e->last_ns;

	return silence > fp->idle_least && point_silent(fp, e, silence);
}

static void
point_sweep(struct flow_point *fp, int64_t now, uint32_t n)
{
	uint32_t span = table_span(fp->table);

	if (now < fp->hold_ns)
		return;
	for (uint32_t i = 0; i < n && i < span; i++) {
		struct flow_light *e;

		if (fp->hand >= span)
			fp->hand = 0;
		e = table_at(fp->table, fp->hand++);
		if (e != NULL && point_idle(fp, e, now))
			point_flow_end(fp, e);
	}
}

/* The table is full: of the next few under the hand the longest silent goes, mail last. */
static void
point_evict(struct flow_point *fp)
{
	uint32_t span = table_span(fp->table);
	struct flow_light *victim = NULL;

	for (uint32_t i = 0; i < VICTIMS && i < span; i++) {
		struct flow_light *e;

		if (fp->hand >= span)
			fp->hand = 0;
		e = table_at(fp->table, fp->hand++);
		if (e == NULL)
			continue;
		if (victim == NULL || (e->flags & LIGHT_FULL) < (victim->flags & LIGHT_FULL) ||
		    ((e->flags & LIGHT_FULL) == (victim->flags & LIGHT_FULL) &&
			e->last_ns < victim->last_ns))
			victim = e;
	}
	if (victim == NULL)
		return;
	fp->cap_flows++;
	point_flow_end(fp, victim);
}

/* Without a handshake: a reply, a well-known port, the lower port is the server's. */
static bool
guess_src_is_client(const struct packet *p)
{
	bool src = classify_port(p->sport) != APP_UNKNOWN,
	     dst = classify_port(p->dport) != APP_UNKNOWN;
	const uint8_t *b = p->payload;

	if (src != dst)
		return dst;
	if ((p->sport < 1024) != (p->dport < 1024))
		return p->dport < 1024;
	if (p->caplen >= 4 &&
	    ((b[0] >= '2' && b[0] <= '5' && b[1] >= '0' && b[1] <= '9' && b[2] >= '0' &&
		 b[2] <= '9' && (b[3] == ' ' || b[3] == '-')) ||
		memcmp(b, "+OK", 3) == 0 || memcmp(b, "* OK", 4) == 0))
		return false;
	if (p->caplen >= 4 && b[0] >= 'A' && b[0] <= 'z')
		return true;
	return p->dport <= p->sport;
}

static bool
src_is_client(const struct packet *p)
{
	if ((p->flags & TCP_SYN) != 0)
		return (p->flags & TCP_ACK) == 0;
	return guess_src_is_client(p);
}

static struct flow_light *
point_flow_new(struct flow_point *fp, const struct packet *p, unsigned *from)
{
	struct endpoint src = packet_src(p), dst = packet_dst(p);
	bool client = src_is_client(p);
	enum app_proto app = classify_port(client ? p->dport : p->sport);
	struct flow_light *e;
	struct full *f;

	/* Nothing is begun by a lone ACK, FIN or RST, but on a mail port it is told. */
	if (app == APP_UNKNOWN && p->len == 0 && (p->flags & TCP_SYN) == 0)
		return NULL;
	if (table_full(fp->table))
		point_evict(fp);
	if ((e = table_add(fp->table, &src, &dst, from)) == NULL) {
		fp->cap_memory++;
		return NULL;
	}
	e->last_ns = p->at.ns;
	if ((*from == 1) == client)
		e->flags |= LIGHT_CLIENT1;
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		e->isn = p->ack - 1;
	if (app == APP_UNKNOWN)
		undecided_begin(fp, e);
	else if ((f = full_promote(fp, e, p, *from)) != NULL)
		full_by_port(f, app);
	return e;
}

/* ---- one tuple, several connections ---------------------------------------- */

static bool
syn_is_new(const struct flow_light *e, const struct packet *p)
{
	if ((p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	return (e->flags & (LIGHT_SYN | LIGHT_SYNACK)) == 0 || p->seq != e->isn;
}

/*
 * Its own SYN again, after a connection that lived has ended: no host sends that.  The capture was
 * played to the wire a second time, or stands in the file twice.
 */
static bool
syn_is_replayed(const struct flow_light *e, const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && p->at.ns > e->last_ns &&
	    light_closed(e) && (e->flags & (LIGHT_DATA0 | LIGHT_DATA1)) != 0;
}

/* The old connection cannot be alive any more, or never was. */
static bool
flow_is_past(const struct flow_light *e, const struct packet *p)
{
	return light_closed(e) || (e->flags & (LIGHT_SYNACK | LIGHT_DATA0 | LIGHT_DATA1)) == 0 ||
	    (e->flags & LIGHT_FULL) == 0 || p->at.ns - e->last_ns >= reuse_ns;
}

static void point_tcp(struct flow_point *fp, struct packet *p, struct table_probe at,
    struct flow_light *e, bool fresh);

/*
 * A SYN with another ISN on a flow that seems alive, or one that is replayed, is believed when it
 * is answered.
 */
static bool
reuse_answered(struct flow_point *fp, struct flow_light *e, struct packet *p, struct table_probe at)
{
	struct full *f = (e->flags & LIGHT_FULL) != 0 ? full_of(fp, e) : NULL;
	struct table_probe back = { at.print, !at.swapped }; /* the SYN went the other way */
	struct tuple k = packet_tuple(p);
	struct packet syn;

	if (f == NULL || f->reuse == NULL ||
	    (p->flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK) || p->ack != f->reuse->seq + 1)
		return false;
	syn = *f->reuse;
	point_flow_end(fp, e);
	point_tcp(fp, &syn, back, NULL, false);
	point_tcp(fp, p, at, table_find_probe(fp->table, at, &k), false);
	return true;
}

static void
reuse_remember(struct flow_point *fp, struct flow_light *e, const struct packet *p)
{
	struct full *f = full_of(fp, e);

	if (f->reuse == NULL)
		f->reuse = malloc(sizeof(*f->reuse));
	if (f->reuse == NULL) {
		fp->cap_memory++;
		return;
	}
	*f->reuse = *p;
	f->reuse->payload = NULL;
	f->reuse->caplen = 0;
}

/*
 * The flow of the packet, whose tuple has the entry e; NULL: it has none.  A past one is ended on
 * the way.
 */
static struct flow_light *
point_flow(struct flow_point *fp, const struct packet *p, struct table_probe at,
    struct flow_light *e, unsigned *from)
{
	*from = at.swapped;
	if (e == NULL)
		return point_flow_new(fp, p, from);
	if ((point_idle(fp, e, p->at.ns) && !full_goes_on(fp, e, p, at.swapped)) ||
	    (syn_is_new(e, p) && flow_is_past(e, p))) {
		point_flow_end(fp, e);
		return point_flow_new(fp, p, from);
	}
	if ((e->flags & LIGHT_FULL) != 0 && (syn_is_new(e, p) || syn_is_replayed(e, p)))
		reuse_remember(fp, e, p);
	return e;
}

/* ---- frames ---------------------------------------------------------------- */

static void
point_promoted(struct flow_point *fp, struct flow_light *e, struct packet *p, unsigned from)
{
	struct full *f = full_promote(fp, e, p, from);

	if (f != NULL)
		full_packet(f, p, light_dir(e, from));
}

/*
 * Copies are looked for where they would be counted as something else: in
 * handshakes and in flows that are told of.  A light flow takes a repeat for
 * one only after 200 ms (S16), and the look-up would cost it a cache line.  What
 * an undecided one keeps is looked at when it is replayed.
 */
static bool
copy_dropped(
    struct flow_point *fp, const struct flow_light *e, const struct packet *p, unsigned from)
{
	if ((e->flags & LIGHT_FULL) != 0)
		return full_copy(full_of(fp, e), p, light_dir(e, from));
	return (p->flags & (TCP_SYN | TCP_RST)) != 0 && copies_seen(fp->copies, p, false);
}

static inline void
point_bytes(struct flow_point *fp, const struct flow_light *e, const struct light_seg *s)
{
	fp->cap.data_bytes += s->len;
	if (s->w > 1500 && (e->flags & LIGHT_FULL) == 0)
		fp->cap.super_bytes += s->len;
}

/*
 * `e' is in the table under its tuple, or NULL; `fresh': it has not been here before (a SYN that
 * waited for its answer has).
 */
static void
point_tcp(struct flow_point *fp, struct packet *p, struct table_probe at, struct flow_light *e,
    bool fresh)
{
	struct light_seg seg;
	struct moment now;
	unsigned from;
	bool promote;

	if ((e = point_flow(fp, p, at, e, &from)) == NULL ||
	    (fresh && copy_dropped(fp, e, p, from)))
		return;
	if (light_put_away(e)) {
		fp->late++;
		return;
	}
	if ((p->flags & TCP_SYN) != 0 && reuse_answered(fp, e, p, at))
		return;
	/* Time that goes back is the previous one. */
	now = (struct moment){ p->at.ns < e->last_ns ? e->last_ns : p->at.ns, p->at.frame };
	p->late_ns = now.ns - p->at.ns;
	e->last_ns = p->at.ns = now.ns;
	seg = (struct light_seg){ now, p->seq, p->ack, p->len, p->w, p->flags, p->ttl,
		p->fragmented };
	promote = light_packet(fp, e, &seg, from);
	if ((e->flags & LIGHT_FULL) != 0)
		full_packet(full_of(fp, e), p, light_dir(e, from));
	else if (promote)
		point_promoted(fp, e, p, from);
	else if ((e->flags & LIGHT_UNDECIDED) != 0)
		undecided_packet(fp, e, p, from);
	point_bytes(fp, e, &seg);
}

void
point_clock_jumped(struct flow_point *fp, const struct clock_jump *jump)
{
	struct clock_jump *kept = fp->cap.clock_jumps, *least = kept;

	for (struct clock_jump *j = kept; j < kept + RECORD_JUMPS; j++) {
		if (j->from.frame != 0 && j->from.ns < jump->to.ns && jump->from.ns < j->to.ns) {
			j->from = jump->from.ns > j->from.ns ? jump->from : j->from;
			j->to = jump->to.ns < j->to.ns ? jump->to : j->to;
			return;
		}
		least = j->ns < least->ns ? j : least;
	}
	fp->cap.clock_forward++;
	if (jump->ns > least->ns)
		*least = *jump;
}

static void
point_clock(struct flow_point *fp, const struct capture_frame *f)
{
	struct record_capture *c = &fp->cap;

	if (c->first.frame == 0)
		c->first = (struct moment){ f->ts_ns, f->number };
	else if (f->ts_ns - c->last.ns > fp->limit.idle_ns)
		fp->hold_ns = f->ts_ns + hold_ns;
	else if (f->ts_ns < c->last.ns) {
		c->clock_back++;
		if (c->last.ns - f->ts_ns > c->clock_back_ns) {
			c->clock_back_ns = c->last.ns - f->ts_ns;
			c->clock_back_at = (struct moment){ f->ts_ns, f->number };
		}
		c->last.frame = f->number;
		return;
	}
	c->last = (struct moment){ f->ts_ns, f->number };
}

/*
 * Most frames belong to flows that are no mail, and neither begin nor abort
 * them: the light ledger needs no more of them than a glance.  False: not so.
 */
static bool
point_light(struct flow_point *fp, const struct capture_frame *f, const struct ahead *a,
    struct flow_light *e)
{
	struct light_seg s;
	struct packet p;

	if ((a->g.flags & (TCP_SYN | TCP_RST)) != 0 || e == NULL ||
	    (e->flags & (LIGHT_FULL | LIGHT_UNDECIDED)) != 0 || light_put_away(e) ||
	    point_idle(fp, e, f->ts_ns))
		return false;
	s = (struct light_seg){ { f->ts_ns, f->number }, a->g.seq, a->g.ack, a->g.len, a->g.w,
		a->g.flags, a->g.ttl, false };
	if (s.at.ns < e->last_ns)
		s.at.ns = e->last_ns;
	e->last_ns = s.at.ns;
	if (light_packet(fp, e, &s, a->at.swapped)) {
		decode_glanced(fp->decoder, f, &a->g, &p);
		p.at = s.at;
		p.late_ns = s.at.ns - f->ts_ns;
		point_promoted(fp, e, &p, a->at.swapped);
	} else {
		decoder_count_tcp(fp->decoder, f);
	}
	point_bytes(fp, e, &s);
	return true;
}

static void
point_glanced(struct flow_point *fp, const struct capture_frame *f, const struct ahead *a)
{
	struct flow_light *e = a->e;
	struct packet p;

	if (e == NULL || !table_holds(fp->table, e, a->at, &a->k))
		e = table_find_probe(fp->table, a->at, &a->k);
	if (point_light(fp, f, a, e))
		return;
	decode_glanced(fp->decoder, f, &a->g, &p);
	point_tcp(fp, &p, a->at, e, true);
}

static void
point_decoded(struct flow_point *fp, const struct capture_frame *f)
{
	struct table_probe at;
	struct packet p;
	struct tuple k;

	switch (decode_frame(fp->decoder, f, &p)) {
	case PACKET_TCP:
		k = packet_tuple(&p);
		at = table_probe(fp->table, &k);
		point_tcp(fp, &p, at, table_find_probe(fp->table, at, &k), true);
		break;
	case PACKET_ICMP:
		if (!copies_seen(fp->copies, &p, false))
			point_icmp(fp, &p);
		break;
	default: break;
	}
}

static void
point_frame(struct flow_point *fp, const struct capture_frame *f, const struct ahead *a)
{
	fp->cap.frames++;
	fp->cap.bytes += f->len;
	point_clock(fp, f);
	if (a->tcp)
		point_glanced(fp, f, a);
	else
		point_decoded(fp, f);
	if ((++fp->packets & (SWEEP_EVERY - 1)) == 0)
		point_sweep(fp, f->ts_ns, SWEEP);
}

void
flow_point_frames(struct flow_point *fp, const struct capture_frame *f, size_t n)
{
	struct ahead a[FLOW_BATCH];

	while (n > 0) {
		size_t m = n < FLOW_BATCH ? n : FLOW_BATCH;

		point_look_ahead(fp, f, m, a);
		for (size_t i = 0; i < m; i++)
			point_frame(fp, &f[i], &a[i]);
		f += m;
		n -= m;
	}
}

void
flow_point_frame(struct flow_point *fp, const struct capture_frame *f)
{
	flow_point_frames(fp, f, 1);
}

void
flow_point_tick(struct flow_point *fp, int64_t now_ns)
{
	if (fp->cap.frames > 0 && now_ns > fp->cap.last.ns)
		fp->cap.last.ns = now_ns;
	point_sweep(fp, now_ns, SWEEP * 16);
	full_tell_closed(fp);
}

/* ---- end ------------------------------------------------------------------- */

/*
 * Flows by age: full ones by id, for what they write; then the light ones,
 * which write nothing: they go with their table.
 */
void
flow_point_end(struct flow_point *fp)
{
	if (fp == NULL)
		return;
	fp->ending = true;
	while (!TAILQ_EMPTY(&fp->all))
		point_flow_end(fp, TAILQ_FIRST(&fp->all)->light);
	for (uint32_t i = 0; i < table_span(fp->table); i++) {
		struct flow_light *e = table_at(fp->table, i);

		if (e != NULL)
			light_report_end(fp, e);
	}
	contrast_report(fp->contrast);
	point_icmp_end(fp);
	point_capture(fp);
	point_free(fp);
}
