/* net.c - simulated time: links, routers, what they drop and say, the place of capture. */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

enum { EVENTS = 16384, HOPS = 16 };
static const int64_t answer_ns = 18000;

struct event {
	int64_t at;
	uint64_t order;
	struct pkt *pkt; /* arrives; NULL: wake `ep' */
	struct endpoint *ep;
};

static struct event heap[EVENTS];
static size_t heap_count;
static uint64_t event_order;

static bool
event_before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
event_push(struct event ev)
{
	size_t i = heap_count++;

	if (heap_count == EVENTS)
		fail("too many things at once");
	ev.order = event_order++;
	for (; i > 0 && event_before(&ev, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = ev;
}

static struct event
event_pop(void)
{
	struct event first = heap[0], last = heap[--heap_count];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < heap_count) {
		if (k + 1 < heap_count && event_before(&heap[k + 1], &heap[k]))
			k++;
		if (!event_before(&heap[k], &last))
			break;
		heap[i] = heap[k];
		i = k;
	}
	heap[i] = last;
	return first;
}

void
net_wake(struct sim *s, struct endpoint *e, int64_t at)
{
	(void)s;
	event_push((struct event){ .at = at, .ep = e });
}

int
net_node(const struct sim *s, const char *name)
{
	for (int i = 0; i < s->node_count; i++)
		if (strcmp(s->nodes[i].name, name) == 0)
			return i;
	fail("nobody is called \"%s\"", name);
}

struct link *
net_link(struct sim *s, int a, int b)
{
	for (int i = 0; i < s->link_count; i++) {
		struct link *l = &s->links[i];

		if ((l->a == a && l->b == b) || (l->a == b && l->b == a))
			return l;
	}
	return NULL;
}

/* The way from `at' to `dst', both included; 0 = none.  Links make a tree or nearly one. */
static int
net_way(struct sim *s, int at, int dst, int came, int *way, int n)
{
	int found;

	if (n == HOPS)
		return 0;
	way[n++] = at;
	if (at == dst)
		return n;
	for (int i = 0; i < s->link_count; i++) {
		const struct link *l = &s->links[i];
		int other = l->a == at ? l->b : l->b == at ? l->a : -1;

		if (other == -1 || other == came)
			continue;
		if ((found = net_way(s, other, dst, at, way, n)) != 0)
			return found;
	}
	return 0;
}

static void
net_see(const struct sim *s, const struct pkt *p, int from, int to, uint8_t ttl, int64_t out,
    int64_t in)
{
	const struct tap *t = &s->tap;

	if (p->unseen)
		return;
	if (from == t->node && (t->towards == -1 || t->towards == to))
		wire_capture(s, p, from, to, ttl, out);
	else if (to == t->node && (t->towards == -1 || t->towards == from))
		wire_capture(s, p, from, to, ttl, in);
}

static void net_walk(struct sim *s, struct pkt *p, int at, int64_t when);

/* RFC 1812 4.3.2.3: as much of the packet as fits; never about an ICMP error. */
static void
net_complain(struct sim *s, const struct pkt *p, int router, uint8_t ttl, uint8_t type,
    uint8_t code, uint32_t mtu, uint32_t quote, int64_t when)
{
	struct node *r = &s->nodes[router];
	struct pkt *q;
	uint8_t *copy;

	if (p->icmp || r->version != s->nodes[p->src].version)
		return;
	if (quote > p->w)
		quote = p->w;
	copy = xalloc(p->w);
	memcpy(copy, p->ip, p->w);
	copy[r->version == 6 ? 7 : 8] = ttl;
	q = xalloc(sizeof(*q));
	*q = (struct pkt){ .src = router,
		.dst = p->src,
		.ttl = r->ttl,
		.icmp = true,
		.type = type,
		.code = code,
		.mtu = mtu,
		.quote = copy,
		.quote_len = quote,
		.wscale = -1,
		.ip_id = r->ip_id++,
		.to = p->to != NULL ? p->to->peer : NULL,
		.seq = p->seq };
	wire_build(s, q);
	net_walk(s, q, router, when + 20000);
}

/*
 * A reset in the name of whoever was asked; who knows no such connection answers an ACK without one
 * (RFC 9293 3.10.7.1).
 */
static void
net_forge_reset(struct sim *s, const struct pkt *p, int at, uint8_t ttl, int64_t when, bool disown)
{
	struct pkt *q = xalloc(sizeof(*q));

	*q = (struct pkt){ .src = p->dst,
		.dst = p->src,
		.ttl = ttl,
		.sport = p->dport,
		.dport = p->sport,
		.df = true,
		.flags = disown && (p->flags & 0x10) ? 0x04 : 0x14,
		.seq = p->flags & 0x10 ? p->ack : 0,
		.ack = p->seq + p->len + (p->flags & 3 ? 1 : 0),
		.wscale = -1,
		.to = p->to != NULL ? p->to->peer : NULL };
	wire_build(s, q);
	net_walk(s, q, at, when + 30000);
}

/* What the filter is for; the draw is the same each time a text is run. */
static bool
net_meant(const struct sim *s, struct filter *f, const struct pkt *p, int at)
{
	size_t n = strlen(f->word);

	if (f->node != at || (f->dst != -1 && f->dst != p->dst) || p->icmp ||
	    (f->port != 0 && f->port != p->dport))
		return false;
	if (p->w <= f->over ||
	    (n != 0 && (p->len < n || memmem(p->data, p->len, f->word, n) == NULL)))
		return false;
	if (f->percent == 0)
		return true;
	f->drawn =
	    (f->drawn == 0 ? s->seed : f->drawn) * 6364136223846793005u + 1442695040888963407u;
	return (f->drawn >> 33) % 100 < f->percent;
}

/* True: the node let it through. */
static bool
net_filter(struct sim *s, struct pkt *p, int at, uint8_t ttl, int64_t when)
{
	for (int i = 0; i < s->filter_count; i++) {
		struct filter *f = &s->filters[i];

		if (!net_meant(s, f, p, at))
			continue;
		if (f->kind == FILTER_NOWSCALE) {
			if ((p->flags & 0x12) == 0x12) {
				p->wscale = -1;
				wire_build(s, p);
			}
			continue;
		}
		if (f->kind == FILTER_CLOSED && (p->flags & 0x17) != 2)
			continue;
		if (f->kind == FILTER_RESET || f->kind == FILTER_DISOWN || f->kind == FILTER_CLOSED)
			net_forge_reset(s, p, at, s->nodes[at].ttl, when, f->kind == FILTER_DISOWN);
		else if (f->kind == FILTER_ICMP)
			net_complain(s, p, at, ttl, f->type, f->code, 0, 548, when);
		return false;
	}
	return true;
}

/* True: it is small enough for the link out of `at'. */
static bool
net_fits(
    struct sim *s, const struct pkt *p, const struct link *l, int at, uint8_t ttl, int64_t when)
{
	const struct limit *m = &l->limit[l->a == at ? 0 : 1];
	bool v6 = s->nodes[at].version == 6;

	if (m->mtu == 0 || p->w <= m->mtu)
		return true;
	if (!m->silent)
		net_complain(s, p, at, ttl, v6 ? 2 : 3, v6 ? 0 : 4, m->told, m->quote, when);
	return false;
}

/* All hops at once: links do not queue, so nothing can change on the way. */
static void
net_walk(struct sim *s, struct pkt *p, int at, int64_t when)
{
	int way[HOPS], n = net_way(s, at, p->dst, -1, way, 0);
	uint8_t ttl = p->ttl;

	if (n == 0)
		fail("no way from %s to %s", s->nodes[at].name, s->nodes[p->dst].name);
	for (int i = 0; i + 1 < n; i++) {
		struct link *l = net_link(s, way[i], way[i + 1]);

		if (i > 0) {
			if (--ttl == 0 || !net_filter(s, p, way[i], ttl, when))
				return;
		}
		if (!net_fits(s, p, l, way[i], ttl, when))
			return;
		if (p->lost && i + 2 == n) { /* on the last link: seen by all before it */
			if (s->tap.node == way[i])
				net_see(s, p, way[i], way[i + 1], ttl, when, when + l->delay);
			return;
		}
		net_see(s, p, way[i], way[i + 1], ttl, when, when + l->delay);
		when += l->delay;
	}
	if (!net_filter(s, p, p->dst, ttl, when))
		return;
	event_push((struct event){ .at = when, .pkt = p });
}

/*
 * A host takes a moment to answer, and its wire carries one gigabit a second:
 * no two packets are seen at one time, and an answer is later than its cause.
 */
void
net_send(struct sim *s, struct pkt *p)
{
	struct node *n = &s->nodes[p->src];

	wire_build(s, p);
	if (n->free_ns < s->now + answer_ns)
		n->free_ns = s->now + answer_ns;
	net_walk(s, p, p->src, n->free_ns);
	n->free_ns += p->w * 8 + 1000;
}

bool
net_step(struct sim *s, int64_t until)
{
	struct event ev;

	if (heap_count == 0 || heap[0].at > until)
		return false;
	ev = event_pop();
	s->now = ev.at;
	if (ev.pkt == NULL)
		ep_wake(s, ev.ep);
	else if (ev.pkt->to != NULL && ev.pkt->icmp && !s->nodes[ev.pkt->dst].deaf)
		ep_icmp(s, ev.pkt->to, ev.pkt);
	else if (ev.pkt->to != NULL && !ev.pkt->icmp)
		ep_input(s, ev.pkt->to, ev.pkt);
	return true;
}
