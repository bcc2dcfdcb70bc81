#include "flow/point_impl.h"

#include "record/record_copy.h"

#include <stdlib.h>

/* A scan makes as many failed connections as it likes; this many at once are told one by one. */
enum { FAILED_RECORDS = 10000 };

enum { CLOSED_KEPT = 256 }; /* connections that are over, with all that is known of them */
static const int64_t closed_silent_ns =
    2000000000; /* longer than the first repeats of a FIN (RFC 6298: 1 s) */
static const int64_t closed_told_ns = 10000000000; /* longer than three of them */

/* ---- streams and the watcher ---------------------------------------------- */

static void
head_take(struct full_head *h, uint64_t off, const uint8_t *p, size_t len)
{
	size_t room = HASHED - h->len;

	if (h->broken || off != h->len || room == 0)
		return;
	if (len > room)
		len = room;
	memcpy(h->byte + h->len, p, len);
	h->len += (uint32_t)len;
}

static void
full_data(
    void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	struct full *f = ctx;

	if (off < HASHED)
		head_take(&f->head[dir], off, p, len);
	if (f->watched != NULL)
		f->fp->watcher.data(f->watched, dir, off, at, p, len);
}

static void
full_gap(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
    struct moment at)
{
	struct full *f = ctx;

	f->head[dir].broken |= off < HASHED;
	if (f->watched != NULL)
		f->fp->watcher.gap(f->watched, dir, off, missing, heard, at);
}

static const struct stream_sink full_stream_sink = { full_data, full_gap };

static struct moment
full_frame_at(const void *flow, enum dissect_dir dir, uint64_t off)
{
	const struct full *f = flow;

	return f->stream != NULL ? stream_frame(f->stream, dir, off) : (struct moment){ 0, 0 };
}

/* FNV-1a; the lengths keep ("ab", "c") and ("a", "bc") apart. */
static uint64_t
full_payload_hash(const struct full *f)
{
	uint64_t h = 0xcbf29ce484222325;

	if (f->head[0].broken || f->head[1].broken || f->head[0].len + f->head[1].len == 0)
		return 0;
	for (int d = 0; d < 2; d++) {
		for (uint32_t i = 0; i < f->head[d].len; i++)
			h = (h ^ f->head[d].byte[i]) * 0x100000001b3;
		h = (h ^ f->head[d].len) * 0x100000001b3;
	}
	return h != 0 ? h : 1;
}

/* Offset 0 of a direction: behind its SYN, or what the other end first waited for. */
static struct stream_start
full_start(const struct full *f, enum dissect_dir dir)
{
	const struct full_end *e = &f->end[dir], *peer = &f->end[!dir];
	struct stream_start s = { .wscale = 255 };

	s.known = e->isn_known || (peer->isn_known && peer->ack_known);
	s.seq = e->isn_known ? e->isn + 1 : peer->ack_first;
	if (e->isn_known && peer->isn_known && !e->scale_cut && !peer->scale_cut)
		s.wscale = e->wscale <= 14 && peer->wscale <= 14 ? e->wscale : 0;
	return s;
}

/*
 * Nothing but its SYN has come yet; with data (RFC 7413) that opens the stream before the server
 * has said where its bytes begin.
 */
static bool
full_begins(const struct full *f)
{
	return !f->end[DIR_S2C].seen && !f->end[DIR_C2S].ack_known;
}

static struct flow_opened
full_opened(const struct full *f)
{
	return (struct flow_opened){
		.key = { .point = f->fp->point, .conn = f->id },
		.client = f->client,
		.server = f->server,
		.app = f->app,
		.hint = {
			.midstream = !f->end[0].isn_known && !f->end[1].isn_known,
			.server_joined = !f->end[DIR_S2C].isn_known && !full_begins(f),
			.tunnelled = f->app == APP_SMTP_TUNNELLED,
			.server_seen = f->end[DIR_S2C].seen,
			.client_seen = f->end[DIR_C2S].seen,
		},
		.frames = { full_frame_at, f },
		.established = f->established,
	};
}

static void
full_open(struct full *f)
{
	struct stream_start start[2] = { full_start(f, DIR_C2S), full_start(f, DIR_S2C) };
	struct flow_opened o = full_opened(f);

	f->opened = true;
	f->opened_early = full_begins(f);
	f->stream = stream_open(f->fp->streams, start, &full_stream_sink, f);
	if (f->stream != NULL && f->fp->watcher.open != NULL)
		f->watched = f->fp->watcher.open(f->fp->watcher.ctx, &o);
}

static void
full_learn(struct full *f)
{
	struct stream_start start[2] = { full_start(f, DIR_C2S), full_start(f, DIR_S2C) };

	f->opened_early = false;
	if (f->stream != NULL)
		stream_learn(f->stream, start);
}

/*
 * A wrong checksum is the capture's own doing where the host leaves it to the
 * card; where most of an end's checksums are right, the wrong one was damaged
 * on the way, its receiver dropped it, and so do we.
 */
static bool
full_damaged(const struct full *f, const struct packet *p, enum dissect_dir dir)
{
	const struct full_end *e = &f->end[dir];

	return p->bad_checksum && e->good >= 8 && e->bad * 8 < e->good;
}

static void
full_stream(struct full *f, const struct packet *p, enum dissect_dir dir)
{
	struct stream_packet sp = {
		.dir = dir,
		.at = p->at,
		.seq = p->seq + ((p->flags & TCP_SYN) != 0),
		.ack = p->ack,
		.window = p->window,
		.has_ack = (p->flags & TCP_ACK) != 0,
		.fin = (p->flags & TCP_FIN) != 0,
		.len = p->len,
		.caplen = p->caplen,
		.payload = p->payload,
	};

	if ((p->flags & TCP_RST) != 0 || full_damaged(f, p, dir))
		return;
	if (!f->opened && p->len > 0)
		full_open(f);
	if (f->opened_early && !full_begins(f))
		full_learn(f);
	if (f->stream != NULL)
		stream_segment(f->stream, &sp);
}

/* ---- classification ------------------------------------------------------- */

static void
full_mail(struct full *f, enum app_proto app, enum classified_by by)
{
	if (!f->mail) {
		TAILQ_REMOVE(&f->fp->recent_other, f, recent);
		TAILQ_INSERT_TAIL(&f->fp->recent_mail, f, recent);
	}
	f->mail = true;
	f->app = app;
	f->by = by;
}

void
full_classified(struct full *f, enum app_proto app, enum classified_by by)
{
	struct prelude held;
	struct packet p;
	enum dissect_dir dir;
	uint32_t pos = 0;

	full_mail(f, app, by);
	f->undecided = false;
	(void)prelude_move(&held, &f->prelude); /* none of it is lent: nothing can be lost */
	while (prelude_next(&held, &pos, &p, &dir))
		full_stream(f, &p, dir);
	prelude_clear(&held);
}

/* On 465 and its like the server's first byte says whether it is TLS. */
void
full_by_port(struct full *f, enum app_proto app)
{
	full_mail(f, app, CLASS_PORT);
	f->undecided = classify_is_implicit(app);
}

static bool
full_midstream(const struct full *f)
{
	return !f->end[0].isn_known && !f->end[1].isn_known;
}

/* Port 465 and its like, and flows promoted before they spoke. */
static void
full_undecided(struct full *f, const struct packet *p, enum dissect_dir dir)
{
	enum app_proto implicit = f->mail ? f->app : APP_UNKNOWN;
	struct classify_verdict v = { CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE };

	if (p->len > 0)
		v = prelude_classify(&f->prelude, p, dir, implicit, full_midstream(f));
	if (v.answer == CLASSIFY_NOT) {
		f->undecided = false;
		prelude_clear(&f->prelude);
		return;
	}
	prelude_keep(&f->prelude, p, dir);
	if (v.answer == CLASSIFY_MAIL)
		full_classified(f, v.app, v.by);
}

/* ---- packets -------------------------------------------------------------- */

/*
 * The handshake is done, with the number that the other end acknowledged: this SYN is another
 * machine's of the same address, or a stray one.
 */
static bool
full_syn_stray(const struct full *f, const struct packet *p, enum dissect_dir dir)
{
	const struct full_end *e = &f->end[dir];

	return f->established.frame != 0 && e->isn_known && p->seq != e->isn;
}

static void
full_handshake(struct full *f, const struct packet *p, enum dissect_dir dir)
{
	struct full_end *e = &f->end[dir];

	if ((p->flags & TCP_SYN) != 0 && full_syn_stray(f, p, dir))
		return;
	if ((p->flags & TCP_SYN) != 0 && (f->reuse == NULL || dir != DIR_C2S)) {
		e->isn_known = true;
		e->isn = p->seq;
		e->wscale = p->wscale;
		e->scale_cut = p->options_cut && p->wscale > 14;
		if (dir == DIR_S2C && f->synack.frame == 0)
			f->synack = p->at;
	} else if (dir == DIR_C2S && f->established.frame == 0 && f->synack.frame != 0 &&
	    (p->flags & (TCP_ACK | TCP_RST)) == TCP_ACK && p->ack == f->end[DIR_S2C].isn + 1) {
		f->established = p->at;
	}
	if (!e->ack_known && (p->flags & (TCP_ACK | TCP_RST)) == TCP_ACK) {
		e->ack_known = true;
		e->ack_first = p->ack;
	}
	e->seen = true;
}

static void
full_feed(struct full *f, const struct packet *p, enum dissect_dir dir)
{
	struct clock_jump jump;

	if (f->first.frame == 0)
		f->first = p->at;
	f->last = p->at;
	full_handshake(f, p, dir);
	if (f->vlan[0] == 0) {
		f->vlan[0] = p->vlan[0];
		f->vlan[1] = p->vlan[1];
	}
	if (f->tunnel[0] == '\0' && p->tunnel[0] != '\0') {
		strlcpy(f->tunnel, p->tunnel, sizeof(f->tunnel));
		f->tunnel_bytes = p->w_outer > p->w ? p->w_outer - p->w : 0;
	}
	if (f->tunnel_from[dir] == 0)
		f->tunnel_from[dir] = p->outer_src;
	ledger_packet(f->ledger, p, dir);
	if (stamps_packet(&f->stamps, p, dir, &jump))
		point_clock_jumped(f->fp, &jump);
}

bool
full_goes_on(
    const struct flow_point *fp, const struct flow_light *e, const struct packet *p, unsigned from)
{
	return (e->flags & LIGHT_FULL) != 0 &&
	    stamps_go_on(&full_of(fp, e)->stamps, p, light_dir(e, from), fp->limit.idle_ns);
}

static void
full_checksum(struct full *f, struct packet *p, enum dissect_dir dir)
{
	p->bad_checksum = p->payload != NULL && packet_checksum_bad(p); /* NULL: a copy */
	f->fp->cap.bad_checksums += p->bad_checksum;
	f->end[dir].bad += p->bad_checksum;
	f->end[dir].good += !p->bad_checksum && !p->cut;
}

/* Moving a flow touches its neighbours' memory: not for every packet. */
static void
full_recent(struct full *f, int64_t ns)
{
	struct full_list *recent = f->mail ? &f->fp->recent_mail : &f->fp->recent_other;

	if (ns - f->recent_ns < 1000000000)
		return;
	f->recent_ns = ns;
	TAILQ_REMOVE(recent, f, recent);
	TAILQ_INSERT_TAIL(recent, f, recent);
}

void
full_packet(struct full *f, struct packet *p, enum dissect_dir dir)
{
	full_recent(f, p->at.ns);
	if (f->mail) {
		f->fp->cap.mail_frames++;
		full_checksum(f, p, dir);
	}
	full_feed(f, p, dir);
	if (f->undecided)
		full_undecided(f, p, dir);
	else if (f->mail)
		full_stream(f, p, dir);
	if (!f->waiting && light_closed(f->light) && f->stream != NULL &&
	    stream_complete(f->stream)) {
		f->waiting = true;
		TAILQ_INSERT_TAIL(&f->fp->closed, f, closed);
		f->fp->closed_count++;
	}
}

/*
 * Connections whose ends said and delivered all, and that have been silent
 * since, are told of; at most `kept' of them are not.  The light entry stays
 * and counts what comes late.
 */
static void
full_put_away(struct flow_point *fp, uint32_t kept, int64_t silent_ns)
{
	struct full *f;

	while (fp->closed_count > kept) {
		struct flow_light *e;

		f = TAILQ_FIRST(&fp->closed);
		/* full_end() takes it out: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (point_now(fp) - f->last.ns < silent_ns)
			break;
		e = f->light;
		full_end(f, false);
		e->more = LIGHT_PUT_AWAY;
	}
}

void
full_tell_closed(struct flow_point *fp)
{
	full_put_away(fp, 0, closed_told_ns);
}

/* ---- promotion ------------------------------------------------------------ */

static void
full_make_room(struct flow_point *fp)
{
	struct full *victim = TAILQ_FIRST(&fp->recent_other);

	if (fp->full_count < fp->limit.full)
		return;
	if (victim == NULL)
		victim = TAILQ_FIRST(&fp->recent_mail);
	if (victim == NULL)
		return;
	fp->cap_full++;
	point_flow_end(fp, victim->light);
}

static struct full *
full_new(struct flow_point *fp, struct flow_light *e)
{
	unsigned client = light_client(e);
	struct ledger_limits limits = ledger_limits_default;
	struct full *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	limits.pool = &fp->windows;
	f->fp = fp;
	f->light = e;
	f->client = table_end(fp->table, e, client);
	f->server = table_end(fp->table, e, !client);
	f->end[0].wscale = f->end[1].wscale = 255;
	prelude_init(&f->prelude, NULL, 0);
	f->ledger = ledger_new(&f->client, &f->server, &limits);
	if (f->ledger == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

/* What the light ledger knew of a flow whose first packets are gone. */
static void
full_begin(struct full *f, const struct flow_light *e, const struct packet *p, unsigned from)
{
	unsigned client = light_client(e);
	struct ledger_before b = { .first = p->at };
	const struct light_sample *s = &e->sample[from];
	struct packet first = *p;

	b.dir[0].isn_known = (e->flags & LIGHT_SYN) != 0;
	b.dir[0].isn = e->isn;
	for (unsigned d = 0; d < 2; d++) {
		b.dir[d].wscale = 255;
		b.dir[d].proven = e->sample[d == 0 ? client : !client].proven;
		b.dir[d].proven_at = p->at;
	}
	ledger_begin(f->ledger, &b);
	if (p->len == 0 || s->w == 0 || s->end != p->seq + p->len || s->w != p->w)
		return;
	first.at = light_moment(s, p->at);
	ledger_packet(f->ledger, &first, light_dir(e, from));
}

static void
full_link(struct full *f)
{
	struct flow_point *fp = f->fp;
	struct host_pair way = light_pair(f->light, light_client(f->light));

	contrast_mark(fp->contrast, &way);
	f->id = ++fp->last_id;
	f->light->flags |= LIGHT_FULL;
	fp->full_count++;
	TAILQ_INSERT_TAIL(&fp->all, f, all);
	TAILQ_INSERT_TAIL(&fp->recent_other, f, recent);
}

struct full *
full_promote(struct flow_point *fp, struct flow_light *e, const struct packet *p, unsigned from)
{
	bool undecided = (e->flags & LIGHT_UNDECIDED) != 0;
	struct full *f;
	uint32_t name;

	/* A busy server closes thousands: their memory is used again while it is warm. */
	full_put_away(fp, CLOSED_KEPT, closed_silent_ns);
	full_make_room(fp);
	if ((f = full_new(fp, e)) == NULL || !slots_take(&fp->slots, f, &name)) {
		fp->cap_memory++;
		if (f != NULL)
			ledger_free(f->ledger);
		free(f);
		return NULL;
	}
	if (undecided) {
		struct packet kept;
		enum dissect_dir dir;
		uint32_t pos = 0;

		undecided_take(fp, e, &f->prelude);
		f->undecided = true;
		while (prelude_next(&f->prelude, &pos, &kept, &dir))
			if ((kept.flags & (TCP_SYN | TCP_RST)) != 0 ||
			    !copies_seen(fp->copies, &kept, ledger_ids_count(f->ledger, dir)))
				full_feed(f, &kept, dir);
	} else if (p != NULL && (e->flags & LIGHT_DONE) != 0) {
		full_begin(f, e, p, from);
	}
	e->more = name;
	full_link(f);
	return f;
}

/* ---- the end -------------------------------------------------------------- */

/* The ledger's ICMP errors get the Community ID here: it comes from nDPI. */
static void
full_take(void *ctx, const struct record *r)
{
	struct full *f = ctx;
	struct record named;

	if (r->type != RECORD_ICMP_ERROR) {
		f->fp->sink.take(f->fp->sink.ctx, r);
		return;
	}
	named.type = r->type;
	named.icmp_error = r->icmp_error;
	point_community_id(f->fp, &named.icmp_error.quoted_from, &named.icmp_error.quoted_to,
	    named.icmp_error.quoted_proto, named.icmp_error.community_id);
	f->fp->sink.take(f->fp->sink.ctx, &named);
}

static void
full_facts(struct full *f, bool open, struct record_connection *c, struct ledger_lists lists[2])
{
	struct record_sink sink = { full_take, f };

	c->key = (struct record_key){ .point = f->fp->point, .conn = f->id };
	ledger_report(f->ledger, point_now(f->fp), open, c, lists, &sink);
	c->app = f->app;
	c->by = f->by;
	memcpy(c->vlan, f->vlan, sizeof(c->vlan));
	strlcpy(c->tunnel, f->tunnel, sizeof(c->tunnel));
	c->tunnel_bytes = f->tunnel_bytes;
	c->tunnel_mirror = f->tunnel_from[0] != 0 && f->tunnel_from[0] == f->tunnel_from[1];
	c->circle = f->circle;
	c->payload_hash = full_payload_hash(f);
	point_community_id(f->fp, &c->client, &c->server, 6, c->community_id);
}

bool
full_copy(struct full *f, const struct packet *p, enum dissect_dir dir)
{
	const struct copies_counters *k = copies_counters(f->fp->copies);
	uint64_t circles = k->circles;
	bool copy = copies_seen(f->fp->copies, p, ledger_ids_count(f->ledger, dir));

	if (k->circles > circles && dir == DIR_C2S && f->circle.frame == 0)
		f->circle = p->at;
	return copy;
}

/* S14: an unanswered SYN is no sign of a capture that sees one side only. */
static bool
connection_one_sided(const struct record_connection *c)
{
	for (int d = 0; d < 2; d++) {
		const struct record_direction *seen = &c->dir[d], *gone = &c->dir[!d];

		if (gone->packets == 0 &&
		    (seen->packets >= 20 || (seen->data_segments >= 1 && gone->acked > 0)))
			return true;
	}
	return false;
}

static void
full_account(struct full *f, const struct record_connection *c)
{
	struct record_capture *cap = &f->fp->cap;
	struct ledger_caps caps = ledger_caps(f->ledger);
	unsigned client = light_client(f->light);

	f->fp->cap_ledger.segments_dropped += caps.segments_dropped;
	f->fp->cap_ledger.stalls_dropped += caps.stalls_dropped;
	f->fp->cap_ledger.icmp_dropped += caps.icmp_dropped;
	f->fp->cap_ledger.holes_dropped += caps.holes_dropped;
	f->fp->cap_memory += caps.memory;
	cap->flows += f->mail;
	cap->flows_one_sided += f->mail && connection_one_sided(c);
	cap->flows_midstream += f->mail && c->state == CONN_MIDSTREAM;
	for (int d = 0; d < 2; d++) {
		const struct record_direction *r = &c->dir[d];
		struct host_pair way = light_pair(f->light, d == 0 ? client : !client);

		cap->super_bytes += r->super_bytes;
		if (!connection_one_sided(c)) {
			cap->acked_bytes += r->acked;
			cap->acked_unseen += r->acked_unseen;
		}
		if (r->proven > 0)
			contrast_proven(
			    f->fp->contrast, &way, r->proven, r->proven_at, f->id, true);
		if (r->w_max > 0)
			contrast_seen(f->fp->contrast, &way, r->w_max, r->data_first);
	}
}

void
full_snapshot(struct full *f)
{
	struct ledger_lists lists[2];
	struct record r;

	if (!f->mail)
		return;
	RECORD_BEGIN(&r, RECORD_CONNECTION, connection);
	full_facts(f, true, &r.connection, lists);
	f->fp->sink.take(f->fp->sink.ctx, &r);
}

/* What is still held is decided now. */
static void
full_decide(struct full *f)
{
	struct classify_verdict v;

	if (!f->undecided)
		return;
	f->undecided = false;
	if (f->prelude.classify == NULL)
		return;
	v = classify_end(f->prelude.classify);
	if (v.answer == CLASSIFY_MAIL)
		full_classified(f, v.app, v.by);
}

static void
full_free(struct full *f)
{
	struct flow_point *fp = f->fp;

	TAILQ_REMOVE(&fp->all, f, all);
	if (f->waiting) {
		TAILQ_REMOVE(&fp->closed, f, closed);
		fp->closed_count--;
	}
	TAILQ_REMOVE(f->mail ? &fp->recent_mail : &fp->recent_other, f, recent);
	fp->full_count--;
	slots_give(&fp->slots, f->light->more);
	f->light->flags &= (uint16_t)~LIGHT_FULL;
	prelude_clear(&f->prelude);
	stream_free(f->stream);
	ledger_free(f->ledger);
	explicit_bzero(f->head, sizeof(f->head));
	free(f->reuse);
	free(f);
}

/* In this order: stalls and ICMP errors, the connection, then the records of its mail. */
void
full_end(struct full *f, bool open)
{
	struct flow_point *fp = f->fp;
	struct ledger_lists lists[2];
	struct record r;

	RECORD_BEGIN(&r, RECORD_CONNECTION, connection);
	full_decide(f);
	stream_close(f->stream, f->last);
	if (!f->mail && !allowance_take(&fp->failed, FAILED_RECORDS, point_now(fp))) {
		fp->cap_failed++;
	} else {
		full_facts(f, open, &r.connection, lists);
		fp->sink.take(fp->sink.ctx, &r);
		full_account(f, &r.connection);
	}
	if (f->watched != NULL)
		fp->watcher.close(f->watched, &r.connection);
	full_free(f);
}
