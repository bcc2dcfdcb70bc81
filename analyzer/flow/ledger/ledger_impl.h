/*
 * ledger_impl.h - the ledger's inside, shared by ledger*.c only.
 *
 * Two kinds of work.  What needs only the packet and a few words of state is
 * done at once (ledger_side.c).  What needs to look back (which transmission
 * delivered which byte) is done over the window of segment records, when the
 * window is folded and when a report is asked for (ledger_window.c, ledger_stall.c).
 *
 * Offsets `rel' count as TCP does: the SYN is 0, the first byte 1; 64-bit,
 * unwrapped.  In a flow joined in the middle the first packet gives 1.
 */
#ifndef LEDGER_IMPL_H
#define LEDGER_IMPL_H

#include "flow/ledger/ledger.h"
#include "flow/ledger/passing.h"

#define MS           1000000LL
#define SECOND       1000000000LL
#define DELACK       (500 * MS)   /* RFC 1122 4.2.3.2 */
#define REPEAT_LEAST (200 * MS)   /* no sender repeats sooner for want of an answer (RTO) */
#define PAUSE_LEAST  (2 * SECOND) /* shorter silences are not kept */

enum {
	LEDGER_HOLES = 256, /* half of a window, when a full queue lost every other segment */
	RANGES_OPEN = 4,
	LEDGER_TTLS = 4,
	LEDGER_RSTS = 8,
	LEDGER_SAMPLES = 64,
	LEDGER_SIZES = 32,
	LEDGER_WIDE = 1 << 20, /* farther ahead than this is no stretch of a stream */
	SMALL_W = 576,
};

/* bits of a segment record */
enum {
	SEG_S2C = 1,
	SEG_DF = 2,
	SEG_FRAGMENTED = 4,
	SEG_OPTIONS_CUT = 8,
	SEG_FILL = 16,       /* first seen below the highest, late: a repair (S13) */
	SEG_SACKS_SHIFT = 5, /* three bits: number of SACK blocks */
	SEG_WILD = 64,       /* in flags: no plausible sequence number */
	SEG_MANY = 128, /* in flags: larger than what its sender shrank to, and its card cuts: a
			   super-segment */
	SEG_FLAGS = 63,
};

struct seg {
	int64_t ns;
	uint64_t frame;
	uint32_t seq, ack, len, w;
	uint32_t hash; /* sampled payload; 0 = not known */
	uint32_t sack; /* first of its blocks in ledger.sacks */
	uint16_t ip_id, window;
	uint8_t ttl, flags, header, bits;
};

struct span32 {
	uint32_t lo, hi;
};

struct hole {
	int64_t lo, hi;
	int64_t ns;   /* when it was overtaken */
	uint32_t val; /* time stamp of the first segment that overtook it; 0 = none */
	uint16_t id;  /* of the last one */
	bool by_data; /* a data segment overtook it: its fill can be a repair */
	bool before; /* joined in the middle: it was on its way when the capture began, which cannot
			lack it */
};

struct rst_note {
	struct moment at;
	int64_t rel;
	uint32_t ack;
	uint8_t ttl;
	bool bare;    /* without ACK: */
	bool reply;   /* a closed socket's answer to an ACK (S17) ... */
	bool amid;    /* ... of less than its end had sent */
	bool answers; /* ... and there was a packet that it can answer */
	bool r1, r2;
	int64_t haste; /* since the packet that it answers (R6); 0 = not to be told */
};

struct size_note {
	uint32_t w, ok, lost;
	int64_t clean_first, clean_last; /* clean proofs with this bound */
	uint64_t clean_frame;            /* of the first */
	bool clean;
};

/* Sums over data segments that left the window. */
struct totals {
	uint32_t size_count, size_room;
	struct moment small_ok_first, small_ok_last;
	uint32_t retransmissions, hole_fills, ranges;
	uint32_t needless, again_first;
	struct span32
	    range[RANGES_OPEN]; /* the latest of them, sequence numbers; the newest first */
	uint32_t super_segments;
	uint64_t super_bytes;
	int64_t super_came_ns; /* the first that was acknowledged as it was first sent, and cut at
				  the full size; 0 = none */
	uint32_t fragment_lost;
	struct moment repair_first, repair_last;
	uint32_t repair_w_max, repair_w_max_count, repair_size_count;
	uint32_t repair_w[4];
	uint32_t w_after_repair;
	int64_t ack_delay;       /* least, never-retransmitted data; INT64_MAX unknown */
	int64_t data_ns;         /* last data segment folded */
	struct size_note *sizes; /* size_count of them; NULL: see sums_room() */
};

/*
 * The same bytes, acknowledged before, sent again one time after the other: who does so has not
 * heard it.
 */
struct deaf {
	int64_t rel, heard; /* where they begin; how far it had acknowledged the peer's */
	struct moment from, to,
	    over; /* over: it goes on, or acknowledges more; frame 0 = it did not */
	uint32_t count;
	int64_t step;     /* between the last two times */
	uint32_t val;     /* the peer's last time stamp when it began; 0 = none */
	bool late, fresh; /* what it echoes when it goes on was said before that, or since */
};

/* Lists, as long as their counts say, of what most flows never have. */
struct side_lists {
	struct deaf deaf, deaf_most; /* the last one, and the longest that was over */
	struct hole *holes;
	uint32_t hole_room;
	struct pause pauses[RECORD_PAUSES];
	struct rst_note rsts[LEDGER_RSTS];
};

struct side {
	/* Of what seldom happens. */
	struct side_lists *lists; /* NULL: all of them are empty */
	uint32_t lists_missed;    /* for want of memory */
	uint32_t holes_dropped;   /* too many, and their receiver may still have waited for them */
	uint64_t missing_gone;    /* bytes of holes that left the list, never filled */
	uint64_t unseen_gone;     /* of them acknowledged */
	int64_t low;              /* lowest byte seen */
	int64_t began_ns;         /* joined in the middle: when it was first heard of */
	int64_t floor;            /* delivered and folded up to here */
	int64_t tainted;          /* below it transmissions were dropped: nothing is proven */
	struct moment first, data_first, rst;
	uint32_t dsacks;
	uint8_t ttl_syn, ttl_rst, ttl_rst_first;
	bool sack_ok, conflict, options_cut, syn_cut;
	uint32_t tsval; /* of its SYN */
	struct moment id_gap_from, id_gap_to;
	uint32_t id_gap;
	bool id_gap_big;
	struct moment alive_first, alive_last; /* keep-alives: alive_count */
	int64_t window_zero_last;              /* INT64_MIN: never */
	struct moment zero_from, zero_longest_from, zero_longest_to;
	uint32_t zero_room, zero_longest_room; /* bytes; the largest that was offered meanwhile */
	bool zero_longest_over;                /* it opened, or data went on beyond it */
	uint32_t zero_probes;
	int64_t probe_ns;     /* a probe of the peer waits for its answer; 0 = none */
	uint32_t pause_count; /* silences of its data */
	uint32_t rst_count;
	uint32_t stall_count;
	struct record_stall *stalls; /* ended ones that left the window; limits.stalls */
	/* hole beyond the bottleneck (S9) */
	int64_t gap_lo, gap_size;
	struct moment gap_seen;
	uint32_t gap_id_jump;
	bool gap_acked;
	struct {
		bool acked;
		int64_t lo, size;
		struct moment seen, filled;
		uint32_t id_jump, w_after;
	} filled;

	/* Of every packet: fetched into the cache before it comes, see ledger_fetch(). */
	bool based, isn_known, midstream, scale_read,
	    timestamps; /* scale_read: in its SYN, or that it has none */
	bool id_known, window_known, data_last_cut;
	bool zero_now; /* no room for a segment (RFC 9293 3.8.6.2.1): 0, or next to nothing */
	bool gap_on, gap_was; /* `filled' holds one */
	bool deaf_on;         /* `deaf' of its lists is going on */
	uint8_t wscale, window_shift;
	uint16_t window_syn;
	uint32_t base;         /* sequence number of rel 0 */
	int64_t max, data_max; /* end of the highest byte seen, of the highest data byte */
	int64_t acked;         /* by the peer */
	int64_t acked_full_ns; /* when the peer's ACK reached data_max */
	uint32_t hole_count, rst_kept;
	struct moment last, data_last;
	uint32_t alive_count; /* keep-alives since the last packet of the peer */
	int64_t data_last_end;
	struct moment after_data; /* what ended the silence after the last data */
	struct moment fin;
	uint64_t packets, data_segments, cut_bytes;
	uint32_t w_seen; /* largest single segment */
	uint32_t cut_to; /* payload that it shrank to, where its card cuts; 0 = it did not */
	bool offloads;   /* it sent super-segments */
	uint32_t ts_first, ts_last, ts_data; /* time stamps: behind the SYN, and of the last data */
	int64_t ts_first_ns, ts_last_ns;     /* 0 = none yet */
	uint32_t again_val;              /* time stamp of a repetition whose answer is due; ... */
	int64_t again_end;               /* ... where it ends; 0 = none */
	uint32_t needless;               /* whose answer is to what was sent before (RFC 3522) */
	uint32_t overtaken, fills_timed; /* that no number tells: late, and too late for that */
	uint16_t mss;
	uint16_t window_last; /* that it offered */
	uint32_t window_max, window_eq, window_over;
	uint32_t sample_count, sample_stride, sample_skip;
	/* IPv4 IDs of its packets, in order */
	uint16_t id_last, id_data, id_last_more, id_data_more; /* the pieces of one have more */
	uint32_t id_pairs, id_ones, id_steps, sent_since_data,
	    probes_since_data; /* one behind the other: all, by 1, by little */
	uint32_t ttl_count[LEDGER_TTLS];
	uint32_t header_count[4];
	uint8_t ttl[LEDGER_TTLS];
	uint8_t header[4];
	struct passing passing;

	/* As long as its count says: what is behind that is not even zeroed. */
	uint16_t samples[LEDGER_SAMPLES];
	struct totals sums;
};

struct icmp_note {
	struct record_icmp_error e;
	bool by_cut_quote;
};

struct ledger {
	/* Of every packet. */
	struct seg *segs;
	uint32_t count, room;
	int64_t now;      /* packet time, never going back (0.7 O) */
	int64_t spoke[2]; /* latest packet with content, by its own time */
	struct moment last;
	int64_t handshake_ns; /* SYN to ACK; 0 = unknown */
	struct moment handshake;
	uint32_t syn_count, synack_count;
	struct endpoint end[2];
	struct moment first;
	/* Of what seldom happens. */
	uint32_t disordered;
	int64_t late_ns; /* most */
	bool refused_ack_ok, client_reset_synack;
	struct span32 *sacks;
	uint32_t sack_count, sack_room;
	struct ledger_limits limits;
	struct ledger_caps caps;
	struct moment syn[RECORD_SYNS], syn_last_before, synack_first, synack_last, refused,
	    unreachable;
	int64_t vantage_num; /* SYN to SYN-ACK; 0 = unknown */
	uint32_t icmp_count;
	struct icmp_note *icmp;
	struct side side[2];
};

static inline bool
seg_s2c(const struct seg *s)
{
	return (s->bits & SEG_S2C) != 0;
}

static inline uint32_t
seg_sacks(const struct seg *s)
{
	return s->bits >> SEG_SACKS_SHIFT;
}

static inline struct moment
seg_moment(const struct seg *s)
{
	return (struct moment){ s->ns, s->frame };
}

/* A plausible data segment of either direction. */
static inline bool
seg_is_data(const struct seg *s)
{
	return s->len > 0 && !(s->flags & (TCP_SYN | TCP_RST | SEG_WILD));
}

/* Acknowledges what the direction sent. */
static inline bool
seg_is_ack(const struct seg *s, int dir)
{
	return seg_s2c(s) != (dir == 1) && (s->flags & (TCP_ACK | TCP_RST)) == TCP_ACK;
}

/* Says nothing but how far it has heard. */
static inline bool
seg_is_empty_ack(const struct seg *s)
{
	return s->len == 0 && (s->flags & TCP_ACK) && !(s->flags & (TCP_SYN | TCP_RST | TCP_FIN));
}

/* Unwrapped near the highest byte seen. */
static inline int64_t
side_rel(const struct side *s, uint32_t seq)
{
	return s->max + (int32_t)(seq - (s->base + (uint32_t)(uint64_t)s->max));
}

static inline bool
side_near(const struct side *s, int64_t rel)
{
	return rel <= s->max + (1 << 30) && rel >= s->max - (1 << 30);
}

/* C; 0 = unknown */
static inline uint32_t
side_ceiling(const struct ledger *l, int dir)
{
	uint32_t mss = l->side[!dir].mss;

	return mss == 0 ? 0 : mss + (l->end[0].ip.family == 6 ? 60 : 40);
}

/* S20. */
static inline uint32_t
packet_w(const struct packet *p)
{
	return p->fragmented && p->w_fragment > 0 ? p->w_fragment : p->w;
}

/* What is larger was joined from several segments by a network card. */
static inline uint32_t
side_largest(const struct ledger *l, int dir)
{
	uint32_t c = side_ceiling(l, dir);

	return c != 0 ? c : 1500;
}

static inline bool
packet_super(const struct packet *p, uint32_t largest)
{
	return !p->fragmented && p->w > largest;
}

static inline bool
seg_super(const struct seg *g, uint32_t largest)
{
	return (!(g->bits & SEG_FRAGMENTED) && g->w > largest) || (g->flags & SEG_MANY) != 0;
}

int64_t ledger_rtt(const struct ledger *l, const int64_t delay[2], bool *known);
uint8_t side_ttl(const struct side *s);

/* ---- ledger_sums.c ---------------------------------------------------------- */

void sums_init(struct totals *t);
/*
 * Before sizes are noted: most flows are over before any segment leaves their window.  False: no
 * memory.
 */
bool sums_room(struct totals *t);
void sums_copy(struct totals *to, struct size_note sizes[LEDGER_SIZES], const struct totals *from);
struct size_note *sums_size(struct totals *t, uint32_t w);
/* L of a direction within 600 s of [from, to]; all times when from is INT64_MIN. */
uint32_t sums_proven(const struct totals *t, int64_t from, int64_t to, struct moment *at);

/* ---- ledger_side.c ---------------------------------------------------------- */

/* What the record of a segment holds beside the packet's own fields. */
struct seg_more {
	uint32_t hash;
	uint8_t flags, bits;
};

/* Everything that can be said at once. */
struct seg_more side_packet(struct ledger *l, const struct packet *p, int dir);
/* Makes room for what most flows never have.  False: no memory. */
bool side_lists(struct side *s);
/* ledger_holes.c: a hole more, at this place of the list. */
void hole_insert(struct side *s, uint32_t at, struct hole h);
/*
 * Fills [lo, hi) of the holes; the hole it first fell in is left in *in.
 * Returns the number of bytes that were missing.
 */
int64_t holes_fill(struct side *s, int64_t lo, int64_t hi, struct hole *in);
/*
 * ledger_gap.c: of a packet while a hole is open, or has just been filled.  One that is small, or
 * empty, and lies beyond the contiguous edge tells of it.
 */
void gap_look(struct ledger *l, int dir, const struct packet *p, int64_t rel);
/* ledger_pause.c: of data that comes PAUSE_LEAST or more behind the last. */
void pause_look(struct ledger *l, int dir, const struct packet *p, int64_t rel);
/* Keeps the longest ones. */
void pause_keep(struct pause kept[RECORD_PAUSES], uint32_t *count, const struct pause *p);
/*
 * Silence with everything sent acknowledged in time, not only what was sent again last, and no
 * closed window in it.
 */
bool pause_clean(
    const struct ledger *l, const struct side *s, const struct side *peer, int64_t from);
/* ledger_deaf.c: data, at its place; `again' = none of its bytes is new. */
void deaf_look(
    struct side *s, const struct side *peer, const struct packet *p, int64_t rel, bool again);
void deaf_report(const struct side *s, const struct side *peer, struct record_direction *o);
/* ledger_ids.c: a packet's IPv4 ID; w_before: the largest packet that came before it. */
void ids_note(struct ledger *l, int dir, const struct packet *p, uint32_t w_before);
/* How many are missing between the last packet and this one. */
uint32_t ids_jump(const struct side *s, const struct packet *p);
/* The same, where the counter was this connection's alone until then; otherwise 0. */
uint32_t ids_skipped(const struct side *s, const struct packet *p);
/* They ran on, packet by packet, since the last data. */
bool ids_continue(const struct side *s, const struct packet *p);
bool ids_step(const struct side *s);
/*
 * ledger_offer.c: the window that `s' offers, in a packet of its own; A's data against what B,
 * `peer', offered last.
 */
void window_note(
    const struct ledger *l, struct side *s, const struct side *peer, const struct packet *p);
void window_use(const struct ledger *l, const struct side *s, struct side *peer,
    const struct packet *p, int64_t rel);
/* ledger_reset.c */
/* What was said longer ago than this a reset's sender must have known of. */
int64_t reset_age(const struct ledger *l);
void rst_note(struct ledger *l, int dir, const struct packet *p, int64_t rel);
/* After its RST the endpoint goes on: it did not send that RST. */
void rst_refuted(struct ledger *l, int dir, const struct packet *p, int64_t rel);
/*
 * The port refused an earlier SYN of this socket (Windows asks three times) and takes this one:
 * what was reset then is not this connection.
 */
void rst_forget(struct side *s);
/* ledger_side_report.c */
/* loop: the shortest way to the endpoint and back, 0 = not known. */
void side_report(const struct ledger *l, int dir, int64_t t_end, int64_t loop,
    struct record_direction *out, struct ledger_lists *lists);

/* ---- ledger_window.c: one direction of the window, read once ------------------ */

#define NEVER UINT32_MAX

struct tx {              /* a data segment of the direction */
	uint32_t seg;    /* index in ledger.segs */
	uint32_t lo, hi; /* its intervals */
	int64_t prev;    /* last earlier transmission of one of its bytes */
	bool super, lost, refuted, delivered;
	bool again;    /* covers bytes seen before */
	bool followed; /* one of its bytes was sent again later */
};

struct reading {
	int dir;
	uint32_t tx_count, points; /* intervals: points - 1 */
	struct tx *tx;
	int64_t *point;     /* ascending rel */
	uint32_t *cover_at; /* per interval: where its transmissions begin in cover[] */
	uint32_t *cover;    /* ordinals of tx, in order */
	uint32_t *by;       /* per interval: index of the segment that acknowledged it; NEVER */
	uint8_t *early;     /* acknowledged before it was seen: delivered, nothing proven */
	int64_t delay;      /* least ack delay in the window */
	int64_t rtt;
	int64_t patience; /* an ACK that comes later than that is no answer to a transmission */
	uint8_t *times;   /* per interval: repairs that begin there */
	bool truncated;   /* too tangled: coverage is incomplete */
	bool plain;       /* nothing was lost, see reading_plain() */
	bool late;        /* plain, but something was not acknowledged within DELACK */
	void *memory, *tangle;
};

/* Decides which transmissions were lost, with the round trip time known. */
void reading_judge_losses(const struct ledger *l, struct reading *r, int64_t t_end);
void reading_free(struct reading *r);
/* Is one of the transmissions before segment `until' lost? */
bool reading_has_losses(const struct reading *r, uint32_t until);
/*
 * The least size among the transmissions that may have delivered interval k cleanly; 0 = contested.
 */
/* A super-segment, acknowledged as it was first sent, and cut at the full size. */
bool super_came(const struct ledger *l, const struct reading *r, const struct tx *x);
uint32_t reading_clean(const struct ledger *l, const struct reading *r, uint32_t k, uint32_t *tx);
static inline uint32_t
cover_count(const struct reading *r, uint32_t k)
{
	return r->cover_at[k + 1] - r->cover_at[k];
}

static inline int64_t
reading_by_ns(const struct ledger *l, const struct reading *r, uint32_t k)
{
	return r->by[k] == NEVER ? INT64_MAX : l->segs[r->by[k]].ns;
}

struct readings {
	struct reading dir[2];
	int64_t rtt;
	bool rtt_known;
};
bool readings_take(const struct ledger *l, int64_t t_end, struct readings *r);
void readings_free(struct readings *r);

/* ---- ledger_account.c: what is read, added to the sums --------------------------- */

/* The transmissions that lie before segment `until'. */
void reading_account(
    const struct ledger *l, const struct reading *r, uint32_t until, struct totals *t);

/* ---- ledger_icmp.c ------------------------------------------------------------- */

void icmp_account(
    const struct ledger *l, const struct reading *r, uint32_t until, struct record_icmp_error *e);

/* ---- ledger_stall.c ------------------------------------------------------------ */

struct stall_list {
	uint32_t count, room;
	struct record_stall *at;
	uint64_t dropped;
};
/* Chains of the direction; with until < l->count only those that ended before it. */
void stalls_find(const struct ledger *l, const struct reading *r, const struct totals *t,
    uint32_t until, int64_t t_end, struct stall_list *out);
/* What is known only at the end: U, Fisher's counts, ICMP. */
void stall_complete(
    const struct ledger *l, int dir, const struct totals *t, struct record_stall *s);
void stall_icmp(const struct ledger *l, int dir, struct record_stall *s, const struct reading *r);
void stalls_add(struct stall_list *list, const struct record_stall *s);

#endif /* LEDGER_IMPL_H */
