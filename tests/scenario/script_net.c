/*
 * script_net.c - the language of README.md: what is there (hosts, links, limits, filters, the place
 * of capture).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "script.h"

/* "A>B" */
static void
word_hop(struct script *sc, int *a, int *b)
{
	char w[2 * NAME + 2], *arrow;

	snprintf(w, sizeof(w), "%s", word(sc));
	if ((arrow = strchr(w, '>')) == NULL)
		fail("\"%s\": a direction is written A>B", w);
	*arrow = '\0';
	*a = net_node(sc->sim, w);
	*b = net_node(sc->sim, arrow + 1);
	if (net_link(sc->sim, *a, *b) == NULL)
		fail("no link between %s and %s", w, arrow + 1);
}

static struct node *
new_node(struct script *sc, bool router)
{
	struct sim *s = sc->sim;
	struct node *n = &s->nodes[s->node_count];
	const char *name, *addr;

	if (s->node_count == NODES)
		fail("more than %d hosts and routers", NODES);
	name = word(sc);
	addr = word(sc);
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->router = router;
	n->version = strchr(addr, ':') != NULL ? 6 : 4;
	if (inet_pton(n->version == 6 ? AF_INET6 : AF_INET, addr, n->addr) != 1)
		fail("\"%s\" is not an address", addr);
	n->ttl = router ? 255 : 64;
	n->ip_id = (uint16_t)(0x1000 + s->node_count * 0x1357);
	s->node_count++;
	return n;
}

static void
do_router(struct script *sc)
{
	struct node *n = new_node(sc, true);

	if (word_is(sc, "ttl"))
		n->ttl = (uint8_t)word_number(sc, 1, 255);
}

static bool
host_option(struct script *sc, struct node *n)
{
	if (word_is(sc, "mss"))
		n->mss = (uint32_t)word_number(sc, 64, 65000);
	else if (word_is(sc, "ttl"))
		n->ttl = (uint8_t)word_number(sc, 1, 255);
	else if (word_is(sc, "window"))
		n->window = (uint32_t)word_number(sc, 1, 1 << 24);
	else if (word_is(sc, "wscale"))
		n->wscale = word_is(sc, "off") ? -1 : (int)word_number(sc, 0, 14);
	else if (word_is(sc, "timestamps"))
		n->timestamps = word_on(sc);
	else if (word_is(sc, "sack"))
		n->sack = word_on(sc);
	else if (word_is(sc, "df"))
		n->df = word_on(sc);
	else if (word_is(sc, "deaf"))
		n->deaf = word_on(sc);
	else if (word_is(sc, "stack"))
		n->stack = stack_named(word(sc));
	else if (word_is(sc, "syn"))
		n->syn = syn_named(word(sc));
	else
		return false;
	return true;
}

static void
do_host(struct script *sc)
{
	struct node *n = new_node(sc, false);

	n->mss = n->version == 6 ? 1440 : 1460;
	n->window = 64240;
	n->stack = &stack_linux;
	n->wscale = 7;
	n->timestamps = n->sack = n->df = true;
	while (sc->at < sc->count && host_option(sc, n))
		continue;
}

static void
do_link(struct script *sc)
{
	struct sim *s = sc->sim;
	int a = net_node(s, word(sc)), b = net_node(s, word(sc));
	struct link *l = net_link(s, a, b);

	if (l == NULL) {
		if (s->link_count == LINKS)
			fail("more than %d links", LINKS);
		l = &s->links[s->link_count++];
		l->a = a;
		l->b = b;
	}
	l->delay = parse_time(word(sc));
}

static void
do_limit(struct script *sc)
{
	struct limit m = { .quote = 548 };
	struct link *l;
	int a, b;

	word_hop(sc, &a, &b);
	l = net_link(sc->sim, a, b);
	if (!word_is(sc, "off"))
		m.told = m.mtu = (uint32_t)word_number(sc, 68, 65535);
	for (;;) {
		if (word_is(sc, "silent"))
			m.silent = true;
		else if (word_is(sc, "says"))
			m.told = (uint32_t)word_number(sc, 0, 65535);
		else if (word_is(sc, "quote"))
			m.quote = (uint32_t)word_number(sc, 0, 1232);
		else
			break;
	}
	l->limit[l->a == a ? 0 : 1] = m;
}

static struct filter *
new_filter(struct script *sc, enum filter_kind kind, int node)
{
	struct sim *s = sc->sim;
	struct filter *f = &s->filters[s->filter_count];

	if (s->filter_count == FILTERS)
		fail("more than %d filters", FILTERS);
	s->filter_count++;
	*f = (struct filter){ .kind = kind, .node = node, .dst = -1 };
	return f;
}

static void
filters_off(struct sim *s, int node)
{
	int n = 0;

	for (int i = 0; i < s->filter_count; i++)
		if (s->filters[i].node != node)
			s->filters[n++] = s->filters[i];
	s->filter_count = n;
}

static void
do_filter(struct script *sc)
{
	int node = net_node(sc->sim, word(sc));
	struct filter *f;

	if (word_is(sc, "off")) {
		filters_off(sc->sim, node);
		return;
	}
	f = new_filter(sc, FILTER_DROP, node);
	if (word_is(sc, "to"))
		f->dst = net_node(sc->sim, word(sc));
	if (word_is(sc, "port"))
		f->port = (uint16_t)word_number(sc, 1, 65535);
	if (word_is(sc, "over"))
		f->over = (uint32_t)word_number(sc, 1, 65535);
	if (word_is(sc, "percent"))
		f->percent = (uint32_t)word_number(sc, 1, 99);
	if (word_is(sc, "word"))
		snprintf(f->word, sizeof(f->word), "%s", word(sc));
	if (word_is(sc, "nowscale")) {
		f->kind = FILTER_NOWSCALE;
	} else if (word_is(sc, "reset")) {
		f->kind = FILTER_RESET;
	} else if (word_is(sc, "disown")) {
		f->kind = FILTER_DISOWN;
	} else if (word_is(sc, "icmp")) {
		f->kind = FILTER_ICMP;
		f->type = (uint8_t)word_number(sc, 0, 255);
		f->code = (uint8_t)word_number(sc, 0, 255);
	} else if (!word_is(sc, "drop")) {
		fail("a filter can drop, reset, disown, nowscale or icmp TYPE CODE");
	}
}

static void
do_closed(struct script *sc)
{
	struct filter *f = new_filter(sc, FILTER_CLOSED, net_node(sc->sim, word(sc)));

	f->dst = f->node;
	f->port = (uint16_t)word_number(sc, 1, 65535);
}

static void
do_capture(struct script *sc)
{
	struct tap *t = &sc->sim->tap;

	if (sc->at < sc->count && strchr(sc->words[sc->at], '>') != NULL)
		word_hop(sc, &t->node, &t->towards);
	else
		t->node = net_node(sc->sim, word(sc));
	for (;;) {
		if (word_is(sc, "pppoe"))
			t->pppoe = true;
		else if (word_is(sc, "vlan"))
			t->vlan = (uint16_t)word_number(sc, 1, 4094);
		else if (word_is(sc, "inner"))
			t->vlan_inner = (uint16_t)word_number(sc, 1, 4094);
		else if (word_is(sc, "snaplen"))
			t->snaplen = (uint32_t)word_number(sc, 14, 262144);
		else
			break;
	}
}

static void
do_start(struct script *sc)
{
	struct tm tm = { 0 };
	const char *day = word(sc), *clock = word(sc);

	if (sscanf(day, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3 ||
	    sscanf(clock, "%d:%d:%d", &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 3)
		fail("start is written 2024-03-05 09:14:02 (UTC)");
	tm.tm_year -= 1900;
	tm.tm_mon--;
	sc->sim->start = (int64_t)timegm(&tm) * s_ns;
}

static void
do_seed(struct script *sc)
{
	sc->sim->seed = (uint64_t)word_number(sc, 0, 1 << 30);
}

static const struct statement {
	const char *name;
	void (*run)(struct script *sc);
} statements[] = {
	{ "start", do_start },
	{ "seed", do_seed },
	{ "host", do_host },
	{ "router", do_router },
	{ "link", do_link },
	{ "limit", do_limit },
	{ "filter", do_filter },
	{ "closed", do_closed },
	{ "capture", do_capture },
};

bool
script_there(struct script *sc, const char *statement)
{
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(statements[i].name, statement) == 0) {
			statements[i].run(sc);
			return true;
		}
	return false;
}
