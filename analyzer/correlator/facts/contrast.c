#include "contrast.h"

#include <limits.h>
#include <stdlib.h>

#include "dialogue.h"
#include "lookup.h"

#define WINDOW_NS (600 * SECOND)

enum {
	SCAN_PAIRS = 10,
	SCAN_MAX = 4096,
	NETS_MAX = 64,
	NETS_ALIKE = 5,
	HANDSHAKES_LEAST = 2,
	VAIN_MAX = 256
};

static bool
host_near(const struct record_host *h, int64_t at)
{
	return h->last.ns >= at - WINDOW_NS && h->first.ns <= at + WINDOW_NS;
}

/* The attempts that fail where c fails. */
struct vain {
	struct {
		uint32_t isn;
		uint16_t port;
	} v[VAIN_MAX];
	uint32_t n;
	bool more;
};

static void
vain_find(const struct view *v, struct vain *out)
{
	struct case_iter it = { .client = &v->c->conn->client.ip,
		.server = &v->c->conn->server.ip,
		.server_port = v->c->conn->server.port };
	const struct mail_case *x;

	out->n = 0;
	out->more = false;
	for (uint32_t looked = 0;
	     !out->more && (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		if (x->point != v->c->point || !x->has_conn || x->conn->synack_count > 0 ||
		    !x->conn->dir[0].isn_known)
			continue;
		if ((out->more = out->n == VAIN_MAX))
			break;
		out->v[out->n].isn = x->conn->dir[0].isn;
		out->v[out->n++].port = x->conn->client.port;
	}
}

static bool
vain_has(const struct vain *vain, const struct record_connection *n)
{
	for (uint32_t i = 0; n->dir[0].isn_known && i < vain->n; i++)
		if (vain->v[i].isn == n->dir[0].isn && vain->v[i].port == n->client.port)
			return true;
	return false;
}

/*
 * Of these answers at another place: was any to another attempt than those that fail here?  A SYN
 * proxy between the two places answers one there that the server refuses here.  `*at': of one such,
 * where it is known.
 */
static bool
others_answered(const struct view *v, const struct record_host *h, struct moment *at)
{
	struct case_iter it = { .client = &h->client,
		.server = &h->server.ip,
		.server_port = h->server.port,
		.from_ns = h->first.ns,
		.to_ns = h->last.ns };
	const struct mail_case *x;
	struct vain vain;
	uint32_t in_vain = 0;

	vain_find(v, &vain);
	for (uint32_t looked = 0;
	     !vain.more && (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		if (x->point != h->key.point || !x->has_conn || x->conn->synack_count == 0)
			continue;
		if (!vain_has(&vain, x->conn)) {
			*at = x->conn->synack_first;
			return true;
		}
		in_vain++;
	}
	*at = h->answered_at;
	return !vain.more && h->answered > in_vain;
}

/*
 * C1: one that takes submissions is of most use, one that answers this very client proves most;
 * then the latest.
 */
static void
contrast_port(const struct mail_case *c, const struct record_host *h, struct contrast *out)
{
	bool submission = h->server.port == 587 || h->server.port == 465,
	     own = addr_equal(&h->client, &c->conn->client.ip);
	int better = (submission - out->submission) * 2 + (own - out->port_own);

	if (!out->c1 || better > 0 ||
	    (better == 0 && moment_before(&out->c1_at, &h->answered_at))) {
		out->port = h->server.port;
		out->port_own = own;
		out->c1_at = h->answered_at;
		out->point = h->key.point;
	}
	out->c1 = true;
	out->c1_own = out->c1_own || own;
	out->submission = out->submission || submission;
}

static void
contrast_server(const struct view *v, struct contrast *out)
{
	const struct mail_case *c = v->c;
	struct host_iter it = { .server = &c->conn->server.ip };
	const struct record_host *h;
	struct moment at;

	while ((h = store_host_next(v->store, &it)) != NULL) {
		if (h->answered == 0 || !host_near(h, c->conn->first.ns))
			continue;
		if (h->server.port != c->conn->server.port) {
			contrast_port(c, h, out);
		} else if (addr_equal(&h->client, &c->conn->client.ip)) {
			at = h->answered_at;
			if (h->key.point != c->point && (out->same || !others_answered(v, h, &at)))
				continue;
			out->same_at = at;
			out->same_point = h->key.point;
			out->same = true;
		} else {
			out->c3 = true;
			out->c3_at = h->answered_at;
			if (!out->c1)
				out->point = h->key.point;
		}
	}
}

static bool
net_new(const struct addr **nets, uint32_t n, const struct addr *a)
{
	for (uint32_t i = 0; i < n; i++)
		if (addr_prefix_equal(nets[i], a, 16, 48))
			return false;
	return true;
}

/* Does one of these hosts answer this client on another port? */
static bool
any_alive(
    const struct store *s, const struct mail_case *c, const struct addr *const *hosts, uint32_t n)
{
	struct host_iter it = { .client = &c->conn->client.ip };
	const struct record_host *h;

	while (n > 0 && (h = store_host_next(s, &it)) != NULL)
		for (uint32_t i = 0; h->answered > 0 && i < n; i++)
			if (addr_equal(&h->server.ip, hosts[i]))
				return true;
	return false;
}

/* C2 is about this client's way out: one host that answers on the port refutes it. */
static void
contrast_client(
    const struct store *s, const struct mail_case *c, bool refused, struct contrast *out)
{
	struct host_iter it = { .client = &c->conn->client.ip };
	const struct addr *nets[NETS_MAX];
	const struct record_host *h;
	bool others_work = false, port_works = false, one_ttl = true;
	uint8_t ttl = c->conn->dir[1].ttl_rst;
	uint32_t n = 0;

	while ((h = store_host_next(s, &it)) != NULL) {
		if (!host_near(h, c->conn->first.ns))
			continue;
		if (h->server.port != c->conn->server.port) {
			others_work = others_work || h->answered > 0;
			continue;
		}
		port_works = port_works || h->answered > 0;
		one_ttl =
		    one_ttl && (h->refused == 0 || h->key.point != c->point || h->ttl_rst == ttl);
		if (h->answered == 0 && (refused ? h->refused : h->unanswered) > 0 &&
		    n < NETS_MAX && net_new(nets, n, &h->server.ip))
			nets[n++] = &h->server.ip;
	}
	out->silent_nets = n;
	out->silent_alive =
	    n <= 2 && any_alive(s, c, nets, n); /* three networks are enough without it */
	out->c2 = n >= 2 && others_work && !port_works;
	out->one_distance = refused && ttl != 0 && one_ttl && n >= NETS_ALIKE;
}

void
contrast_find(const struct view *v, bool refused, struct contrast *out)
{
	*out = (struct contrast){ 0 };
	contrast_server(v, out);
	contrast_client(v->store, v->c, refused, out);
}

/* A SYN alone may have been lost. */
static bool
attempt_failed(const struct mail_case *x)
{
	return x->conn->synack_count == 0 &&
	    (moment_is(&x->conn->refused) || x->icmp_count > 0 || x->conn->syn_count >= 2);
}

int64_t
contrast_over(const struct view *v)
{
	const struct record_connection *n = v->c->conn;
	struct case_iter it = {
		.client = &n->client.ip, .server = &n->server.ip, .server_port = n->server.port
	};
	int64_t first = n->first.ns, last = first, answered = INT64_MAX;
	uint64_t cut = lookups_cut(v->lookups);
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		if (x->point != v->c->point)
			continue;
		if (x->conn->synack_count > 0 && x->conn->first.ns < answered)
			answered = x->conn->first.ns;
		if (attempt_failed(x) && x->conn->first.ns < first)
			first = x->conn->first.ns;
		if (attempt_failed(x) && x->conn->last.ns > last)
			last = x->conn->last.ns;
	}
	return answered != INT64_MAX && last < answered && lookups_cut(v->lookups) == cut
	    ? answered - first
	    : 0;
}

bool
contrast_comes_and_goes(const struct view *v, const struct contrast *con)
{
	const struct record_connection *n = v->c->conn;
	int64_t until =
	    n->first.ns + WINDOW_NS < con->same_at.ns ? n->first.ns + WINDOW_NS : con->same_at.ns;
	struct case_iter it = { .client = &n->client.ip,
		.server = &n->server.ip,
		.server_port = n->server.port,
		.from_ns = n->first.ns - WINDOW_NS,
		.to_ns = until,
		.backwards = true };
	uint64_t cut = lookups_cut(v->lookups);
	const struct mail_case *x;

	if (con->same_point != v->c->point)
		return true;
	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x->point == v->c->point && attempt_failed(x))
			return true;
	return lookups_cut(v->lookups) != cut; /* not looked for to the end: it may be so */
}

bool
contrast_serves_still(const struct view *v, const struct record_host *h)
{
	const struct record_connection *n = v->c->conn;
	struct case_iter it = { .client = &n->client.ip,
		.server = &n->server.ip,
		.server_port = n->server.port,
		.since_ns = n->first.ns };
	const struct mail_case *x;

	if (h->answered_at.ns > n->first.ns)
		return true;
	for (uint32_t looked = 0; (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (x->point == v->c->point && x->conn->dir[1].last.ns > n->first.ns &&
		    x->conn->synack_count > 0 && x->conn->dir[1].rst.frame == 0)
			return true;
	return false;
}

/*
 * What this point shows by its own clock: one attempt at two points, whose clocks differ, is no
 * second one.
 */
static bool
copy_at(const struct mail_case *x, uint32_t point)
{
	const struct mail_case *at = x;

	do
		if (at->point == point)
			return true;
	while ((at = at->copy) != x);
	return false;
}

bool
contrast_attempts(const struct view *v)
{
	const struct mail_case *c = v->c;
	struct case_iter it = { .server = &c->conn->server.ip,
		.server_port = c->conn->server.port,
		.from_ns = c->conn->first.ns - WINDOW_NS,
		.to_ns = c->conn->first.ns + WINDOW_NS };
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;) {
		int64_t gap = x->conn->first.ns - c->conn->first.ns;

		if (addr_equal(&x->conn->client.ip, &c->conn->client.ip) &&
		    x->conn->state == CONN_UNANSWERED &&
		    (x->point == c->point || !copy_at(x, c->point)) &&
		    (gap >= 60 * SECOND || gap <= -60 * SECOND))
			return true;
	}
	return false;
}

static int
time_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* So many of these moments within a minute? */
static bool
times_crowd(int64_t *at, size_t n)
{
	bool crowd = false;

	if (n < SCAN_PAIRS)
		return false;
	/* cppcheck-suppress uninitvar ; it does not see that n of them were written */
	qsort(at, n, sizeof(*at), time_compare);
	for (size_t i = SCAN_PAIRS - 1; i < n && !crowd; i++)
		crowd = at[i] - at[i - (SCAN_PAIRS - 1)] <= 60 * SECOND;
	return crowd;
}

/*
 * The queue of a mail server whose way out is blocked tries as many hosts, but
 * on one port, and here and there: a scanner goes over the ports of a host or
 * the hosts of a network.
 */
bool
contrast_scanner(const struct store *s, const struct mail_case *c, bool *many)
{
	struct host_iter it = { .client = &c->conn->client.ip };
	const struct record_host *h;
	int64_t all[SCAN_MAX], near[SCAN_MAX];
	size_t n = 0, m = 0;

	while (n < SCAN_MAX && (h = store_host_next(s, &it)) != NULL) {
		if (h->data != 0 ||
		    h->key.point != c->point) /* elsewhere the same attempts are seen again */
			continue;
		all[n++] = h->first.ns;
		if (addr_prefix_equal(&h->server.ip, &c->conn->server.ip, 24, 64))
			near[m++] = h->first.ns;
	}
	*many = times_crowd(all, n);
	return *many && (c->conn->server.port != 25 || times_crowd(near, m));
}

int64_t
contrast_rtt(const struct view *view, uint32_t *witnesses)
{
	const struct mail_case *c = view->c;
	size_t n;
	const struct service *v = lookup_services(view->lookups, &c->conn->server.ip, c->point, &n);
	const struct sights *sights = lookup_sights(view->lookups);
	int64_t least = 0, session;
	uint64_t timed = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].port == c->conn->server.port || v[i].timed == 0)
			continue;
		timed += v[i].timed;
		if (least == 0 || v[i].rtt_min_ns < least)
			least = v[i].rtt_min_ns;
	}
	*witnesses = timed < UINT32_MAX ? (uint32_t)timed : UINT32_MAX;
	/*
	 * a first SYN waits for ARP, and a busy minute makes every handshake slow: what a session
	 * needed later is the better least
	 */
	session = sights != NULL ? sights_least_rtt(sights, c) : 0;
	if (least == 0 || (session == 0 && timed < HANDSHAKES_LEAST))
		return 0;
	return session > 0 && session < least ? session : least;
}

int64_t
contrast_rtt_own(const struct view *view)
{
	const struct mail_case *c = view->c;
	size_t n;
	const struct service *v = lookup_services(view->lookups, &c->conn->server.ip, c->point, &n);

	for (size_t i = 0; i < n; i++)
		if (v[i].port == c->conn->server.port)
			return v[i].rtt_most_ns;
	return 0;
}

uint8_t
contrast_ttl(const struct view *view, bool other_ports_only)
{
	const struct mail_case *c = view->c;
	size_t n;
	const struct service *v = lookup_services(view->lookups, &c->conn->server.ip, c->point, &n);
	uint8_t ttl = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].ttl != 0 && (!other_ports_only || v[i].port != c->conn->server.port) &&
		    (ttl == 0 || v[i].ttl < ttl))
			ttl = v[i].ttl;
	return ttl;
}

/* Who answers in the server's place changes nothing of how far the client is. */
bool
contrast_mixed(const struct view *v)
{
	const struct sights *s = lookup_sights(v->lookups);

	return s == NULL || sights_client_differs(s, v->c) || sights_server_differs(s, v->c);
}

static bool
same_attempt(const struct mail_case *x, const struct mail_case *c)
{
	return x->point != c->point && x->conn->dir[0].isn_known && c->conn->dir[0].isn_known &&
	    x->conn->dir[0].isn == c->conn->dir[0].isn &&
	    endpoint_equal(&x->conn->client, &c->conn->client) &&
	    endpoint_equal(&x->conn->server, &c->conn->server);
}

static bool
answered(const struct view *view)
{
	return view->c->conn->synack_count > 0;
}

static bool
at_server(const struct view *view)
{
	return ttl_undiminished(contrast_ttl(view, false)) && view->c->conn->dir[0].ttl_syn != 0 &&
	    !ttl_undiminished(view->c->conn->dir[0].ttl_syn);
}

static bool
answered_at_client(const struct view *view)
{
	const struct record_connection *n = view->c->conn;

	return n->synack_count > 0 && ttl_undiminished(n->dir[0].ttl_syn) &&
	    !ttl_undiminished(n->dir[1].ttl_syn);
}

/* The same attempt at another capture point of which `is' holds; NULL = none. */
static const struct mail_case *
attempt_elsewhere(const struct view *view, bool (*is)(const struct view *view))
{
	const struct mail_case *c = view->c;
	struct case_iter it = { .client = &c->conn->client.ip, .server = &c->conn->server.ip };
	struct view there = *view;

	if (store_point_count(view->store) <= 1)
		return NULL;
	for (uint32_t looked = 0;
	     (there.c = lookup_next(view->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		if (same_attempt(there.c, c) && is(&there))
			return there.c;
	return NULL;
}

const struct mail_case *
contrast_at_server(const struct view *view)
{
	return at_server(view) ? view->c : attempt_elsewhere(view, at_server);
}

const struct mail_case *
contrast_at_client(const struct view *view)
{
	return answered_at_client(view) ? view->c : attempt_elsewhere(view, answered_at_client);
}

const struct mail_case *
contrast_answered_elsewhere(const struct view *view)
{
	return attempt_elsewhere(view, answered);
}
