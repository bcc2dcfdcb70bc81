/*
 * record_flow.h - the records that packets make: connections, their stalls, ICMP errors, paths,
 * hosts.  See record.h.
 */
#ifndef RECORD_FLOW_H
#define RECORD_FLOW_H

#include "record/record_key.h"

/* ---- one TCP connection --------------------------------------------------- */

enum conn_state {
	CONN_UNANSWERED = 1, /* SYN, no SYN-ACK, RST or ICMP */
	CONN_REFUSED,        /* RST answered the SYN */
	CONN_UNREACHABLE,    /* ICMP error quoted the SYN */
	CONN_HALF_OPEN,      /* SYN-ACK seen, its ACK not */
	CONN_ESTABLISHED,
	CONN_MIDSTREAM, /* no SYN and no SYN-ACK in the capture */
};

enum classified_by { CLASS_NONE = 0, CLASS_PORT, CLASS_GREETING, CLASS_CLIENT, CLASS_NDPI };

/*
 * R1..R8 of diagnosis 1A middlebox-reset (S17); R8 shows only over sessions, so no record carries
 * it.
 */
enum {
	RESET_R1 = 1 << 0,
	RESET_R2 = 1 << 1,
	RESET_R3 = 1 << 2,
	RESET_R4 = 1 << 3,
	RESET_R5 = 1 << 4,
	RESET_R5B = 1 << 5,
	RESET_R7 = 1 << 6,
	RESET_R6 = 1 << 7,
	RESET_R8 = 1 << 8,
};

#define RECORD_SIZES 16
struct size_class { /* transmissions of one size in one direction */
	uint32_t w;
	uint32_t ok, lost;
};

/* Packets of one size that passed this point, data or not; no SYN, no RST, no super-segment. */
struct passed {
	uint32_t w, n;
	bool folded; /* smaller ones are counted with it */
	struct moment last;
};

/* Bytes of a stream that never passed this point although later ones did. */
#define RECORD_STRETCHES 4
struct stretch {
	uint64_t at, bytes; /* at: stream offset */
};

#define RECORD_PAUSES 4
struct pause {
	struct moment from, to;
	bool ids_continue; /* its IPv4 IDs run on over it */
	uint32_t probes;   /* packets of its in it that asked whether there is room, or are to keep
			      the connection: one number back, with next to nothing */
	uint32_t ids_skipped; /* it stepped by 1 till then, and so many are not in the capture:
				 packets of the pause */
	uint32_t ticks;       /* its own clock went on by so many (TCP time stamps), ... */
	int64_t ticks_ns;     /* ... from its last data on; 0 = not told */
	bool trailing;        /* no data came after it */
};

/* What one endpoint sent, as seen at this capture point. */
struct record_direction {
	uint64_t packets, data_segments, stream_bytes;
	uint64_t acked;        /* stream offset the peer acknowledged to */
	uint64_t missing;      /* bytes of this stream not in the capture (rule G) */
	uint64_t acked_unseen; /* of them acknowledged: capture loss */
	uint64_t cut_bytes;    /* of them cut by the snap length */
	bool conflict;         /* two copies of a byte differ */
	bool isn_known, sack_ok, timestamps;
	bool syn_cut; /* snap length cut the options of its SYN: those not read are not absent */
	uint32_t isn;
	uint32_t seq;         /* sequence number of stream offset 0; 0 = unknown */
	uint32_t tsval;       /* time stamp of its SYN; 0 = none */
	uint32_t clock_ticks; /* of its own clock, between its first and its last time stamp behind
				 the SYN */
	int64_t clock_ns;     /* the capture's time between them */
	uint16_t mss;         /* announced by this endpoint; 0 = unknown */
	uint8_t wscale;       /* 255 = not announced */
	uint16_t window_syn;  /* in its SYN or SYN-ACK, never scaled; 0 = not seen */
	/* most frequent without SYN/RST; of the last and the first RST; 0 = none */
	uint8_t ttl, ttl_syn, ttl_rst, ttl_rst_first;
	bool at_sender; /* ttl is exactly 64, 128 or 255 */
	struct moment first, last, data_first, data_last, fin, rst;
	uint32_t rst_count;
	uint32_t reset_signs;   /* RESET_* of this endpoint's RSTs */
	int64_t reset_haste_ns; /* RESET_R6: since the packet that the hastiest of them answers; 0 =
				   not known */
	int64_t loop_ns;  /* from here to this endpoint and back, the least of this connection; 0 =
			     not known */
	bool rst_answers; /* the first one is what a socket says that is closed already, to a
			     packet: without ACK, at the number named there */
	bool rst_bare;    /* the first one has no ACK: stacks that abort send one, what has none
			     answers a packet (RFC 9293 3.10.7.1) */
	/* sizes */
	uint32_t ceiling; /* C = peer's MSS + 40/60; 0 = unknown */
	uint32_t w_max;   /* largest single segment seen leaving */
	uint32_t proven;  /* L: largest size cleanly delivered */
	struct moment proven_at;
	struct moment small_ok_first, small_ok_last; /* data packets <= 576 cleanly delivered */
	uint32_t super_segments;
	uint64_t super_bytes;
	uint32_t size_count;
	const struct size_class
	    *sizes; /* RECORD_SIZES; ascending w; of more than that the smallest share the first */
	/* what two capture points compare */
	uint32_t passed_count;
	const struct passed *passed;  /* RECORD_SIZES; ascending w */
	uint32_t unseen_count;        /* all; kept below the first */
	const struct stretch *unseen; /* RECORD_STRETCHES */
	/* loss (S13) */
	uint32_t retransmissions, hole_fills, dsacks;
	uint32_t needless; /* retransmissions of what had arrived: acknowledged before, sooner than
			      an answer takes, or to what was sent before */
	uint32_t again_first; /* retransmissions of the byte that the receiver waited for */
	uint32_t fills_timed, overtaken; /* late packets that no number tells from one overtaken: by
					    a round trip, by less */
	uint32_t repair_ranges;
	uint32_t repair_w_max; /* largest repair; for "all repairs < C" */
	uint32_t repair_w_max_count;
	uint32_t repair_sizes; /* different sizes among the repairs, at most 255 */
	bool larger_after_repair;
	bool all_lost_above_proven;
	struct moment repair_first, repair_last;
	/*
	 * the longest time in which it said again, and again, what the peer had acknowledged
	 * before: it did not hear
	 */
	uint32_t deaf_count;              /* so many times, all the same bytes; 0 = never */
	uint64_t deaf_at;                 /* stream offset */
	struct moment deaf_from, deaf_to; /* the first and the last time */
	struct moment deaf_over;          /* then it went on; frame 0 = it did not */
	/* ... and what it had heard then was said before it began: it was only late */
	bool deaf_late;
	bool deaf_fresh; /* ... was said since; neither: nobody knows */
	/* keep-alives, one behind the other, since the last packet of the peer */
	uint32_t alive_count;
	struct moment alive_first, alive_last;
	/* the window this endpoint offered */
	struct moment zero_from, zero_to; /* longest span at window 0, or too small for a segment */
	uint32_t zero_probes;             /* answered probes in it */
	uint32_t zero_room;               /* largest window in it, bytes */
	bool zero_over;                   /* it opened again, or data went on beyond it */
	uint32_t window_eq, window_over;  /* peer segments == / > last raw window */
	uint16_t window_median;           /* raw */
	/* longest silence with nothing outstanding (S10) */
	struct moment pause_from, pause_to;
	bool pause_ids_continue;
	uint32_t pause_count;       /* kept below, in order of time; the longest ones */
	const struct pause *pauses; /* RECORD_PAUSES */
	/* hole beyond a bottleneck (S9); offsets are stream offsets */
	struct moment hole_seen; /* first packet whose SEQ lies beyond it */
	uint64_t hole_at, hole_bytes;
	uint32_t hole_segments; /* k, when hole_bytes == k * payload_max, else 0 */
	uint32_t hole_id_jump;  /* IPv4 IDs missing over it */
	struct moment hole_filled;
	bool hole_filled_smaller; /* every segment from then on < C */
	bool hole_acked; /* B acknowledged beyond the edge: loss elsewhere or capture loss */
	/* IDs missing over a silence: an outage upstream of the capture (S11) */
	struct moment id_gap_from, id_gap_to;
	uint32_t id_gap;
	bool id_gap_big_before; /* full-size segments were seen before it */
	bool ids_step;          /* this endpoint's IPv4 IDs step by 1 in this flow */
	bool options_cut;       /* snap length cut TCP options of its ACKs: SACK unreadable */
};

/*
 * S15: no round trip takes longer, a handshake that seems to was timed by a clock that was set; a
 * SYN is sent again before.
 */
#define RECORD_RTT_MOST INT64_C(64000000000)

#define RECORD_SYNS 12
struct record_connection {
	struct record_key key;
	struct endpoint client, server;
	enum conn_state state;
	enum app_proto app;
	enum classified_by by;
	char community_id[40];
	uint16_t vlan[2];      /* outer, inner; 0 = none */
	char tunnel[32];       /* "", "pppoe", "vxlan", "gre", ... */
	uint32_t tunnel_bytes; /* so much larger is the outermost IP packet */
	bool tunnel_mirror;    /* one host sends both directions in it: copies, of which neither end
				  knows */
	uint64_t payload_hash; /* first client and server bytes: joins copies of a connection */
	struct moment first, last;
	int64_t t_end; /* last frame of the capture point when this was written */
	bool open;     /* capture ended or session still running */
	uint32_t syn_count, synack_count;
	struct moment syn[RECORD_SYNS], synack_first, synack_last;
	struct moment handshake; /* the ACK that completed it */
	struct moment
	    circle; /* the client's packet that first came by ten times, each time with less TTL */
	struct moment refused; /* the RST that answered the SYN */
	bool refused_ack_ok;   /* its ACK == ISN+1 */
	bool client_reset_synack;
	uint32_t disordered; /* packets with content recorded out of order */
	int64_t late_ns; /* the latest of its packets was recorded so long behind one with a later
			    time */
	struct moment unreachable; /* the ICMP error that quoted the SYN */
	int64_t rtt_ns;            /* S15, at most RECORD_RTT_MOST; 1 s when unknown */
	bool rtt_known;
	int32_t vantage;                /* v in permille; -1 unknown */
	struct record_direction dir[2]; /* [0] client to server, [1] server to client */
};

/* ---- one stall: an episode in one direction ------------------------------- */

#define RECORD_CHAIN 16
struct transmission {
	int64_t ns;
	uint64_t frame;
	uint32_t w;
	uint16_t ip_id;
	bool df;
	bool super; /* size on the wire unknown, <= C */
	bool lost;
};

/* Liveness of A->B during the episode (diagnosis 0.2, S3-S5, S22). */
enum {
	LIVE_L1 = 1 << 0,
	LIVE_L2 = 1 << 1,
	LIVE_L2B = 1 << 2,
	LIVE_L3 = 1 << 3,
};

struct record_stall {
	struct record_key key;    /* n = ordinal of the stall, m = direction (0 c2s, 1 s2c) */
	struct endpoint from, to; /* A, B */
	uint32_t chain_count;     /* transmissions of the head byte in all */
	uint32_t chain_lost;      /* of them lost */
	uint32_t chain_above;     /* of them lost and larger than proven (super-segments too) */
	uint32_t chain_starts;    /* different first bytes among the lost ones */
	struct moment lost_last;  /* the last lost transmission of it */
	uint32_t chain_len;       /* kept below: the first and the last */
	struct transmission chain[RECORD_CHAIN];
	uint64_t head;             /* stream offset of the byte */
	struct moment first, last; /* first and last transmission of it */
	struct moment delivered;   /* frame 0: never */
	uint32_t delivered_w;      /* size that carried it at last */
	bool delivered_smaller;    /* every byte of the chain came in segments < u */
	uint32_t u;                /* smallest lost size above proven; 0: none */
	uint32_t proven;           /* L of this flow and direction */
	uint32_t n_lost_ge, n_ok_ge, n_lost_lt, n_ok_lt; /* against u: Fisher's table */
	uint32_t lost_else; /* lost at other times, before or after the chain */
	struct moment lost_frames[RECORD_CHAIN]; /* further witnesses of lost sizes >= u */
	uint32_t lost_count;                     /* kept above */
	uint32_t live;                           /* LIVE_* with u as the bound (pmtu) */
	struct moment live_at[4];
	uint32_t live_any;     /* LIVE_* within [second, last) of the chain, any size (S4) */
	uint32_t peer_repeats; /* S22: peer's small reply repeated, after A's empty ACK too */
	uint32_t peer_repeats_after_ack;
	struct moment peer_repeat_at; /* the last of them */
	uint32_t peer_new;            /* new data of B during the episode */
	bool peer_seen;               /* any packet of B later than 1 s and 2 RTT after the first */
	bool zero_window;             /* B offered 0 during it */
	bool df_clear;                /* DF = 0 on every transmission */
	uint32_t fragment_trains;     /* of them complete trains */
	bool pieces_came;   /* larger ones had arrived before on this flow, cut by the card into the
			       largest packets there are */
	bool first_of_size; /* nothing >= u was ever sent before on this flow */
	uint32_t later_delivered; /* segments right of the hole delivered while it stood */
	uint32_t later_w_max;
	uint32_t later_sent; /* segments right of the hole, the same bytes once */
	bool later_last;     /* the newest of them was delivered */
	uint32_t again; /* B's empty ACKs of the head said again: more than A's small packets may
			   have drawn */
	struct moment again_first, again_last;
	uint32_t w_min; /* smallest of the chain */
	int64_t
	    idle_before_ns; /* since the last packet of either end before the first transmission */
	bool options_cut;   /* snap length cut B's TCP options: SACK unreadable */
	bool one_sided;
	struct moment ptb_first; /* earliest valid PTB for this flow; */
	uint32_t ptb_mtu;        /* the smallest MTU told */
	uint32_t ptb_after; /* transmissions above it, later than the 200 ms grace, not delivered */
	bool ptb_late;      /* came after the 4th transmission (S7) */
	bool ptb_zero;
	bool ptb_cut;         /* matched by a cut quote only (S19) */
	struct addr ptb_from; /* the router that told ptb_mtu */
};

/* ---- ICMP errors ---------------------------------------------------------- */

struct record_icmp_error {
	struct record_key key; /* conn 0 when no flow matched; n = ordinal */
	struct moment at;
	struct addr from, to; /* router, and whom it told */
	uint8_t family, type, code;
	uint32_t mtu; /* frag-needed / packet too big, else 0 */
	bool frag_needed;
	struct endpoint quoted_from, quoted_to; /* of the packet that met it */
	uint8_t quoted_proto;
	uint32_t quoted_len; /* its IP length */
	uint32_t quoted_seq;
	bool quote_cut;    /* ports or seq missing */
	bool ports_differ; /* matched on one side's tuple only */
	bool for_syn;      /* quotes a SYN of the connection */
	int32_t dir;       /* direction it speaks of; -1 unknown */
	uint32_t repeats;  /* same router, flow, type, code, mtu: folded into one */
	struct moment last;
	uint64_t largest_sent;          /* largest w of that flow and direction when it came */
	uint32_t sent_after_above;      /* single segments > mtu later than the grace ... */
	uint32_t sent_after_above_lost; /* ... and of them not delivered */
	uint32_t sent_after;            /* data segments after it ... */
	uint32_t sent_again; /* ... and of them no larger than told, with bytes that had been sent
				before */
	struct moment above_frames[4]; /* witnesses of sent_after_above */
	uint8_t ttl;
	char community_id[40]; /* of the quoted flow */
};

/* ---- a directed path in one epoch; joins as a semilattice (2.6) ----------- */

struct record_path {
	struct record_key key;
	struct addr from, to;
	int64_t epoch_ns; /* start of the 600 s bucket */
	uint32_t proven;  /* L */
	struct moment proven_at;
	uint64_t proven_conn;
	uint32_t w_max_seen; /* largest single segment seen, acknowledged or not */
	uint32_t flows;      /* that delivered data this way */
};

/* ---- which ports of which hosts answered whom: contrast for 1B ------------ */

struct record_host {
	struct record_key key;
	struct addr client;
	struct endpoint server;
	uint32_t answered, refused, unanswered, unreachable; /* connections */
	struct moment first, last, answered_at;
	uint8_t ttl; /* of the server's packets other than RST */
	uint8_t ttl_rst;
	int64_t rtt_min_ns; /* SYN to SYN-ACK */
	uint32_t data;      /* connections on which the client sent data */
};

#endif /* RECORD_FLOW_H */
