/*
 * tcp.h - what tcp.c (packets in, the application) and tcp_send.c (packets out,
 * timers) share.
 */
#ifndef SCENARIO_TCP_H
#define SCENARIO_TCP_H

#include "scenario.h"

enum {
	F_FIN = 1,
	F_SYN = 2,
	F_RST = 4,
	F_PSH = 8,
	F_ACK = 16,
	CWND_FIRST = 10,
	CWND_MAX = 64,
	QUICK_ACKS = 16,
};

static inline struct node *
ep_node(struct sim *s, const struct endpoint *e)
{
	return &s->nodes[e->node];
}

static inline uint64_t
mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}

uint32_t ep_window(struct sim *s, const struct endpoint *e);
uint32_t ep_mss(struct sim *s, const struct endpoint *e);
struct pkt *ep_packet(struct sim *s, struct endpoint *e, uint8_t flags, uint64_t from);
void ep_ack(struct sim *s, struct endpoint *e);
void ep_send_syn(struct sim *s, struct endpoint *e);
void ep_arm(struct sim *s, struct endpoint *e, enum ep_timer t, int64_t after);
void ep_arm_syn(struct sim *s, struct endpoint *e);
struct seg *ep_add_seg(struct endpoint *e);
unsigned int ep_flight(const struct endpoint *e);
void ep_output(struct sim *s, struct endpoint *e);
void ep_recover(struct endpoint *e); /* losses are known: slow down, repair */
void ep_recut(struct sim *s,
    struct endpoint *e); /* what is in flight, after the segment size became smaller */

#endif /* SCENARIO_TCP_H */
