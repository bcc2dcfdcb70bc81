/*
 * scenario.h - a scenario text to a capture: a small network with a small TCP,
 * run in simulated time, watched at one place.  README.md is the language.
 *
 *	script.c, script_net.c	the text: what happens when, what is there
 *	net.c		events, links, routers, the place of capture
 *	tcp.c, tcp_send.c	the hosts' TCP
 *	tcp_stack.c	as Linux does it where that shows, and how others do
 *	wire.c		packets to bytes, bytes to pcap
 *
 * A test tool: it ends with a message at the first thing that is wrong.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NODES = 32, LINKS = 32, FILTERS = 32, CONNS = 64, SACKS = 4, NAME = 24 };

static const int64_t ms_ns = 1000000, s_ns = 1000000000;

enum syn_style { SYN_LINUX, SYN_LINUX_OLD, SYN_WINDOWS };

/* How a host's TCP repeats what got lost. */
struct stack {
	const char *name;
	bool rack; /* RFC 8985: RACK and tail loss probes; else three duplicates */
	int rto_least_ms;
	bool rto_added;       /* to the round trip, as Linux does */
	unsigned int retries; /* of one segment, then a reset; 0 = for ever */
	unsigned int
	    shrink_after; /* timeouts of a large segment: a black hole is suspected; 0 = never */
	uint32_t shrink_mss[2]; /* then, and after as many more */
	bool shrink_df;         /* and DF is left out */
	int delayed_ack_ms;
};

struct node {
	char name[NAME];
	uint8_t addr[16];
	uint8_t version; /* 4, 6 */
	bool router;
	uint8_t ttl;
	/* hosts */
	uint32_t mss, window;
	int wscale;                      /* -1 = not offered */
	bool timestamps, sack, df, deaf; /* deaf: ICMP errors reach it and are not heard */
	enum syn_style syn;
	const struct stack *stack;
	uint16_t ip_id;
	int64_t free_ns;      /* the wire is busy until then */
	uint32_t pmtu[NODES]; /* learnt, by destination; 0 = nothing */
};

struct limit {
	uint32_t mtu; /* 0 = none */
	bool silent;
	uint32_t told;  /* MTU in the ICMP message */
	uint32_t quote; /* bytes quoted */
};

struct link {
	int a, b;
	int64_t delay;
	struct limit limit[2]; /* a to b, b to a */
};

enum filter_kind {
	FILTER_DROP,
	FILTER_RESET,
	FILTER_DISOWN,
	FILTER_ICMP,
	FILTER_CLOSED,
	FILTER_NOWSCALE
};

struct filter {
	enum filter_kind kind;
	int node, dst; /* dst -1 = any */
	uint16_t port; /* 0 = any */
	uint8_t type, code;
	uint32_t over;    /* larger packets only; 0 = any */
	uint32_t percent; /* of them, drawn; 0 = all */
	char word[32];    /* those that hold it; "" = any */
	uint64_t drawn;
};

struct endpoint;

struct pkt {
	int src, dst; /* nodes by their addresses */
	uint8_t ttl;
	uint16_t sport, dport;
	bool icmp, c2s, df;
	uint8_t type, code;
	uint32_t mtu;
	struct endpoint *to; /* whose business it is at dst; NULL = nobody's */
	uint8_t flags;
	uint32_t seq, ack, window;
	uint32_t mss;
	int wscale;
	bool sack_ok, ts;
	uint32_t tsval, tsecr;
	unsigned int sacks;
	uint32_t sack[SACKS][2];
	const uint8_t *data;
	uint32_t len;
	uint16_t ip_id;
	const uint8_t *quote; /* ICMP */
	uint32_t quote_len;
	bool unseen, lost;
	uint8_t *ip; /* the packet's bytes, TTL as sent */
	uint32_t w;
};

struct seg {
	uint64_t from;
	uint32_t len;
	bool fin, sacked, lost, flight;
	unsigned int sent, group;
	int64_t last_ns;
};

struct range {
	uint64_t from, to;
};

enum ep_state { EP_CLOSED, EP_LISTEN, EP_SYN_SENT, EP_SYN_RCVD, EP_OPEN };
enum ep_timer { TIMER_NONE, TIMER_SYN, TIMER_RTO, TIMER_PROBE, TIMER_PERSIST };

struct endpoint {
	struct conn *conn;
	struct endpoint *peer;
	int node;
	uint16_t port;
	bool client;
	enum ep_state state;
	/* agreed */
	bool ts, sack;
	bool no_df; /* its own, from now on */
	int wscale_in, wscale_out;
	uint32_t mss, peer_mss, pmtu;
	/* sending: offsets count from 0 = first byte */
	uint32_t iss;
	uint8_t *out;
	uint64_t written, next, una, window_end;
	bool fin_queued, fin_sent;
	struct seg *segs;
	size_t seg_count, seg_room;
	unsigned int group, cwnd, backoff, dupacks, syn_sent;
	uint64_t recover;
	bool recovering, first_repair, probed;
	unsigned int shrunk; /* times */
	int64_t srtt, rack_ns;
	enum ep_timer timer;
	int64_t timer_at;
	/* receiving */
	uint32_t irs;
	uint64_t rcv_next, fin_at;
	bool fin_known, fin_got;
	struct range ooo[32];
	unsigned int ooo_count;
	bool dsack;
	uint64_t dsack_from, dsack_to;
	bool stopped;         /* the application does not read ... */
	uint64_t stopped_at;  /* ... from here on */
	unsigned int quick;   /* ACKs still sent at once */
	unsigned int unacked; /* segments since the last ACK */
	uint32_t ts_recent;
	int64_t ack_at; /* delayed ACK; 0 = none */
	/* the next so many packets sent */
	unsigned int lose, unseen;
};

struct conn {
	char name[NAME];
	struct endpoint end[2]; /* client, server */
};

struct tap {
	int node, towards; /* towards -1: whatever link of the host */
	bool pppoe;
	uint16_t vlan, vlan_inner;
	uint32_t snaplen;
};

struct sim {
	int64_t now, start;
	uint64_t seed;
	struct node nodes[NODES];
	int node_count;
	struct link links[LINKS];
	int link_count;
	struct filter filters[FILTERS];
	int filter_count;
	struct conn *conns[CONNS];
	int conn_count;
	struct tap tap;
};

/* scenario.c */
extern const char *fail_file; /* what fail() names */
extern unsigned int fail_line;
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void *xalloc(size_t n);

/* script.c: runs the whole text. */
void script_run(struct sim *s, const char *path, char *text);

/* net.c */
int net_node(const struct sim *s, const char *name);          /* fails when unknown */
struct link *net_link(struct sim *s, int a, int b);           /* NULL = none */
void net_send(struct sim *s, struct pkt *p);                  /* takes p */
void net_wake(struct sim *s, struct endpoint *e, int64_t at); /* ep_wake() then */
bool net_step(struct sim *s, int64_t until); /* one event; false: none left before `until' */

/* tcp_stack.c; what is unknown fails */
extern const struct stack stack_linux;
const struct stack *stack_named(const char *name);
enum syn_style syn_named(const char *name);
int64_t syn_gap(enum syn_style style, unsigned int n); /* from the n-th SYN to the next; 0 = none */
int64_t syn_refused_gap(
    enum syn_style style, unsigned int n); /* from the n-th SYN's RST to the next; 0 = none */

/* tcp.c */
void ep_init(struct sim *s, struct conn *c);
void ep_connect(struct sim *s, struct endpoint *e);
void ep_write(struct sim *s, struct endpoint *e, const char *p, size_t n);
void ep_close(struct sim *s, struct endpoint *e); /* FIN */
void ep_abort(struct sim *s, struct endpoint *e, int ttl, uint8_t flags);
void ep_read_stop(struct endpoint *e);
void ep_read_go(struct sim *s, struct endpoint *e);
void ep_keep_alive(struct sim *s, struct endpoint *e);
void ep_input(struct sim *s, struct endpoint *e, const struct pkt *p);
void ep_icmp(struct sim *s, struct endpoint *e, const struct pkt *p);
void ep_wake(struct sim *s, struct endpoint *e);

/* wire.c */
void wire_build(const struct sim *s, struct pkt *p); /* fills ip and w */
void wire_capture(
    const struct sim *s, const struct pkt *p, int from, int to, uint8_t ttl, int64_t at);
void wire_write(const struct sim *s, const char *path);

#endif /* SCENARIO_H */
