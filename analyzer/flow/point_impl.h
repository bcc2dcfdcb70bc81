/*
 * point_impl.h - what the files of one capture point share: point.c (frames in),
 * point_light.c (the light ledger), point_full.c (flows with a full ledger and
 * streams), point_icmp.c, point_record.c (the capture record).
 */
#ifndef POINT_IMPL_H
#define POINT_IMPL_H

#include "flow/allowance.h"
#include "flow/table/contrast.h"
#include "flow/packet/copies.h"
#include "flow/packet/decode.h"
#include "flow/flow.h"
#include "flow/ledger/ledger.h"
#include "flow/classify/prelude.h"
#include "flow/packet/stamps.h"
#include "flow/stream/stream.h"
#include "flow/table/table.h"

#include <sys/queue.h>

enum {
	HASHED = 64, /* payload bytes of each direction in payload_hash */
};

/* What one end said of itself, as far as the stream needs it. */
struct full_end {
	bool seen, isn_known, ack_known, scale_cut;
	uint32_t isn;
	uint32_t ack_first; /* its first ACK: the peer's offset 0, if nothing came before */
	uint8_t wscale;     /* 255: not announced */
	uint32_t good, bad; /* checksums */
};

/* The first bytes of a direction, for payload_hash. */
struct full_head {
	uint8_t byte[HASHED];
	uint32_t len;
	bool broken; /* by a gap */
};

/* A flow with a full ledger.  Mail flows also have streams and a watcher. */
struct full {
	TAILQ_ENTRY(full) all;    /* in order of id */
	TAILQ_ENTRY(full) recent; /* least recently active first, to the second */
	int64_t recent_ns;        /* when it was put there */
	TAILQ_ENTRY(full) closed; /* `waiting': both ends are done with it */
	bool waiting;
	struct flow_point *fp;
	struct flow_light *light;
	uint64_t id;
	struct endpoint client, server;
	bool mail; /* it speaks a mail protocol */
	enum app_proto app;
	enum classified_by by;
	struct ledger *ledger;
	struct stream *stream;
	void *watched;     /* the watcher's handle */
	bool opened;       /* the stream was tried */
	bool opened_early; /* ... when only a SYN had come */
	bool undecided;    /* 465 and its like: prelude holds payload until decided */
	struct prelude prelude;
	struct moment first, last, synack, established;
	struct moment circle;   /* the first of the client's packets that came by ten times */
	struct full_end end[2]; /* [DIR_C2S] client, [DIR_S2C] server */
	struct stamps stamps;
	uint16_t vlan[2];
	char tunnel[32];
	uint32_t tunnel_bytes;
	uint32_t tunnel_from[2]; /* outer_src of each direction's first packet */
	struct packet *reuse;    /* a SYN with another ISN, while this flow seems alive */
	struct full_head head[2];
};
TAILQ_HEAD(full_list, full);

/*
 * A light flow that may yet turn out to be mail.  Used again and again: most are decided by their
 * fourth packet.
 */
struct undecided {
	TAILQ_ENTRY(undecided) all; /* oldest first */
	struct flow_light *light;
	struct prelude prelude;
	_Alignas(16) uint8_t room[3 * (PACKET_PLAIN_SIZE + 8)]; /* a handshake */
};
TAILQ_HEAD(undecided_list, undecided);

/* Pointers with 32-bit names. */
struct slots {
	void **at;
	uint32_t *next;
	uint32_t size, used, free; /* free: name + 1 */
};

struct orphan; /* an ICMP error that no flow claims */

struct flow_point {
	uint32_t point;
	struct flow_limits limit;
	int64_t idle_least; /* silence that ends any flow at all */
	struct record_sink sink;
	struct flow_watcher watcher;
	struct decoder *decoder;
	struct copies *copies;
	struct table *table;
	struct contrast *contrast;
	struct streams *streams;
	struct record_capture cap;
	uint64_t last_id;
	bool ending;
	bool community_ids;         /* are wanted */
	struct ledger_pool windows; /* of the full flows */
	struct slots slots;         /* light->more: full and undecided flows */
	struct full_list all, recent_mail, recent_other;
	struct full_list closed; /* first closed, first put away */
	uint32_t full_count, closed_count;
	struct allowance failed; /* records of failed connections that are not mail */
	struct undecided_list undecided, undecided_spare;
	uint64_t undecided_memory;
	uint32_t hand, packets; /* of the sweep */
	int64_t hold_ns;        /* until then it ends nothing */
	/* ICMP errors without a flow */
	struct orphan *orphan;
	uint32_t orphans, orphan_ordinal;
	struct allowance orphans_told; /* before the end, to make room for others */
	/* bounds that were hit */
	uint64_t cap_flows, cap_full, cap_undecided, cap_failed, cap_orphans, cap_memory;
	uint64_t late; /* packets of flows that are put away */
	struct ledger_caps cap_ledger;
};

static inline struct endpoint
packet_src(const struct packet *p)
{
	return (struct endpoint){ p->src, p->sport };
}

static inline struct endpoint
packet_dst(const struct packet *p)
{
	return (struct endpoint){ p->dst, p->dport };
}

static inline struct tuple
packet_tuple(const struct packet *p)
{
	return (struct tuple){ p->src.b, p->dst.b, p->sport, p->dport, p->src.family };
}

/* Which way a packet of the entry goes; `from' is the end that sent it. */
static inline enum dissect_dir
light_dir(const struct flow_light *e, unsigned from)
{
	return from == light_client(e) ? DIR_C2S : DIR_S2C;
}

/* point_slots.c */
bool slots_take(struct slots *s, void *p, uint32_t *name);
void slots_give(struct slots *s, uint32_t name);

/* point.c */
void point_flow_end(struct flow_point *fp, struct flow_light *e);
bool point_room(struct flow_point *fp);
int64_t point_now(const struct flow_point *fp);
/* A connection shows that the capture's clock was set forward; others may have shown it before. */
void point_clock_jumped(struct flow_point *fp, const struct clock_jump *jump);
/* Written when it is wanted. */
void point_community_id(struct flow_point *fp, const struct endpoint *from,
    const struct endpoint *to, uint8_t proto, char out[40]);

/* point_record.c: what is known of the capture, as things stand; nothing changes */
void point_capture(const struct flow_point *fp);

/* What the light ledger reads of a segment. */
struct light_seg {
	struct moment at;
	uint32_t seq, ack, len, w;
	uint8_t flags, ttl;
	bool fragmented;
};

/* point_ahead.c */

/* What a glance at a frame tells, and where its flow belongs. */
struct ahead {
	bool tcp; /* else nothing below is set */
	struct glance g;
	struct tuple k;
	struct table_probe at;
	struct flow_light *e; /* likely */
};
/* A glance at each of n <= FLOW_BATCH frames; what they will touch is fetched into the cache. */
void point_look_ahead(
    struct flow_point *fp, const struct capture_frame *f, size_t n, struct ahead *a);

/* point_light.c: true when the flow needs a full ledger. */
bool light_packet(
    struct flow_point *fp, struct flow_light *e, const struct light_seg *p, unsigned from);
void light_report_end(struct flow_point *fp, const struct flow_light *e);
bool light_closed(const struct flow_light *e);
/* The SYN; `now' when none was seen. */
struct moment light_began(const struct flow_light *e, struct moment now);
/* The first transmission of the pending sample. */
struct moment light_moment(const struct light_sample *s, struct moment now);

/* point_full.c */
static inline struct full *
full_of(const struct flow_point *fp, const struct flow_light *e)
{
	return fp->slots.at[e->more];
}
/*
 * Gives the flow a full ledger, fed with its prelude or with what the light one
 * knew; p is the packet that made it so, not yet fed.  NULL: no room.
 */
struct full *full_promote(
    struct flow_point *fp, struct flow_light *e, const struct packet *p, unsigned from);
/* It speaks mail: its stream and its watcher begin with what the prelude holds. */
void full_classified(struct full *f, enum app_proto app, enum classified_by by);
void full_by_port(struct full *f, enum app_proto app);
void full_packet(struct full *f, struct packet *p, enum dissect_dir dir);
/*
 * It only seems to have been silent for too long: the capture's clock was set forward, or an end
 * slept.
 */
bool full_goes_on(
    const struct flow_point *fp, const struct flow_light *e, const struct packet *p, unsigned from);
/* Writes it as it is now; the flow goes on. */
void full_snapshot(struct full *f);
bool full_copy(struct full *f, const struct packet *p,
    enum dissect_dir dir); /* came by before: it says nothing more */
void full_end(struct full *f, bool open);
/* Live: who listens wants to know of a connection when it is over. */
void full_tell_closed(struct flow_point *fp);

/* point_undecided.c */
void undecided_begin(struct flow_point *fp, struct flow_light *e);
/* Takes the prelude out and forgets the rest. */
void undecided_take(struct flow_point *fp, struct flow_light *e, struct prelude *out);
void undecided_drop(struct flow_point *fp, struct flow_light *e);
void undecided_free(struct flow_point *fp);
void undecided_packet(
    struct flow_point *fp, struct flow_light *e, const struct packet *p, unsigned from);

/* point_icmp.c */
void point_icmp(struct flow_point *fp, const struct packet *p);
void point_icmp_snapshot(struct flow_point *fp);
void point_icmp_save(struct flow_point *fp); /* those that changed since */
void point_icmp_end(struct flow_point *fp);

#endif /* POINT_IMPL_H */
