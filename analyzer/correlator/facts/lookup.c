#include "lookup_impl.h"

#include "dialogue.h"
#include "greeting_wait.h"
#include "sights.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t
count_before(const void *v, size_t n, size_t size,
    bool (*before)(const void *element, const void *key), const void *key)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (before((const char *)v + mid * size, key))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void *
room_for(struct lookups *l, size_t n, size_t size)
{
	void *v = malloc((n + 1) * size);

	l->starved += v == NULL;
	return v;
}

/* ---- greetings: which servers greet one client with the same name ----------------------- */

bool
greeting_name(const struct mail_case *c, char name[GREETING_NAME])
{
	const char *p;
	size_t n = 0;

	if (c->session == NULL || c->session->greeting.code != 220)
		return false;
	for (p = c->session->greeting.text; *p != '\0' && *p != ' ' && n + 1 < GREETING_NAME; p++)
		name[n++] = (char)tolower((unsigned char)*p);
	name[n] = '\0';
	return strchr(name, '.') != NULL && strchr(name, '*') == NULL;
}

static bool
greeting_of(const struct mail_case *c, struct greeting *g)
{
	if (!addr_public(&c->conn->server.ip) || !greeting_name(c, g->name))
		return false;
	g->c = c;
	return true;
}

/* One client, one port. */
static int
greeting_asker(const struct greeting *x, const struct greeting *y)
{
	int d = memcmp(&x->c->conn->client.ip, &y->c->conn->client.ip, sizeof(struct addr));

	return d != 0 ? d : order_u64(x->c->conn->server.port, y->c->conn->server.port);
}

/* And one name, one family of addresses: those among which a twin is looked for. */
static int
greeting_group(const struct greeting *x, const struct greeting *y)
{
	int d;

	if ((d = greeting_asker(x, y)) != 0)
		return d;
	if ((d = strcmp(x->name, y->name)) != 0)
		return d;
	return order_u64(x->c->conn->server.ip.family, y->c->conn->server.ip.family);
}

static int
greeting_order(const void *a, const void *b)
{
	const struct greeting *x = a, *y = b;
	int d;

	if ((d = greeting_group(x, y)) != 0)
		return d;
	if ((d = addr_compare(&x->c->conn->server.ip, &y->c->conn->server.ip)) != 0)
		return d;
	return order_u64(x->c->index, y->c->index);
}

/* The first of each server is enough. */
static void
greetings_build(struct lookups *l)
{
	const struct store *s = l->store;
	size_t n = 0, kept = 0;

	if ((l->greetings = room_for(l, s->indexed, sizeof(*l->greetings))) == NULL)
		return;
	for (size_t i = 0; i < s->indexed; i++)
		n += greeting_of(s->cases[i], &l->greetings[n]);
	qsort(l->greetings, n, sizeof(*l->greetings), greeting_order);
	for (size_t i = 1; i < n; i++)
		if (greeting_group(&l->greetings[kept], &l->greetings[i]) != 0 ||
		    !addr_equal(&l->greetings[kept].c->conn->server.ip,
			&l->greetings[i].c->conn->server.ip))
			l->greetings[++kept] = l->greetings[i];
	l->greeting_count = n > 0 ? kept + 1 : 0;
}

static bool
greeting_before(const void *element, const void *key)
{
	return greeting_group(element, key) < 0;
}

static bool
greeting_not_past(const void *element, const void *key)
{
	return greeting_group(element, key) <= 0;
}

static bool
asker_before(const void *element, const void *key)
{
	return greeting_asker(element, key) < 0;
}

static bool
asker_not_past(const void *element, const void *key)
{
	return greeting_asker(element, key) <= 0;
}

/* Names are in order: if neither the first nor the last is another, none is. */
bool
lookup_greeting_other(struct lookups *l, const struct mail_case *c)
{
	struct greeting own;
	size_t from, to;

	if (!greeting_of(c, &own))
		return false;
	if (l->greetings == NULL)
		greetings_build(l);
	from = count_before(l->greetings, l->greeting_count, sizeof(own), asker_before, &own);
	to = count_before(l->greetings, l->greeting_count, sizeof(own), asker_not_past, &own);
	return from < to &&
	    (strcmp(l->greetings[from].name, own.name) != 0 ||
		strcmp(l->greetings[to - 1].name, own.name) != 0);
}

/*
 * Addresses of one /16 lie together: if neither the first nor the last of the group is of another,
 * none is.
 */
const struct mail_case *
lookup_greeting_twin(struct lookups *l, const struct mail_case *c)
{
	const struct mail_case *end[2];
	struct greeting own;
	size_t from, to;

	if (!greeting_of(c, &own))
		return NULL;
	if (l->greetings == NULL)
		greetings_build(l);
	from = count_before(l->greetings, l->greeting_count, sizeof(own), greeting_before, &own);
	to = count_before(l->greetings, l->greeting_count, sizeof(own), greeting_not_past, &own);
	if (from == to)
		return NULL;
	end[0] = l->greetings[from].c;
	end[1] = l->greetings[to - 1].c;
	for (int i = 0; i < 2; i++)
		if (!addr_prefix_equal(&end[i]->conn->server.ip, &c->conn->server.ip, 16, 48))
			return end[i];
	return NULL;
}

/* ---- recipients that were taken --------------------------------------------------------- */

struct accepted_key {
	const struct addr *server; /* NULL = any */
	const char *address;
	int64_t from_ns;
};

static int
accepted_against(const struct accepted *x, const struct accepted_key *k)
{
	int d = strcasecmp(x->recipient->address, k->address);

	return d != 0 || k->server == NULL
	    ? d
	    : memcmp(&x->c->conn->server.ip, k->server, sizeof(*k->server));
}

static int
accepted_order(const void *a, const void *b)
{
	const struct accepted *x = a, *y = b;
	struct accepted_key k = { &y->c->conn->server.ip, y->recipient->address, 0 };
	int d;

	if ((d = accepted_against(x, &k)) != 0)
		return d;
	if ((d = order_u64(x->c->index, y->c->index)) != 0)
		return d;
	return (x->recipient > y->recipient) -
	    (x->recipient < y->recipient); /* of one case: one array */
}

static bool
accepted_before(const void *element, const void *key)
{
	const struct accepted *x = element;
	const struct accepted_key *k = key;
	int d = accepted_against(x, k);

	return d < 0 || (d == 0 && k->server != NULL && x->c->conn->first.ns < k->from_ns);
}

static bool
accepted_not_past(const void *element, const void *key)
{
	return accepted_against(element, key) <= 0;
}

static void
accepted_build(struct lookups *l)
{
	const struct store *s = l->store;
	size_t n = 0;

	for (size_t i = 0; i < s->indexed; i++)
		n += s->cases[i]->session != NULL ? s->cases[i]->recipient_count : 0;
	if ((l->accepted = room_for(l, n, sizeof(*l->accepted))) == NULL)
		return;
	for (size_t i = 0; i < s->indexed; i++) {
		const struct mail_case *c = s->cases[i];

		for (uint32_t k = 0; c->session != NULL && k < c->recipient_count; k++)
			if (c->recipients[k]->reply.code / 100 == 2)
				l->accepted[l->accepted_count++] =
				    (struct accepted){ c, c->recipients[k] };
	}
	qsort(l->accepted, l->accepted_count, sizeof(*l->accepted), accepted_order);
}

const struct accepted *
lookup_accepted(struct lookups *l, const struct addr *server, const char *address, int64_t from_ns,
    size_t *count)
{
	struct accepted_key k = { server, address, from_ns };
	size_t from, to;

	if (l->accepted == NULL)
		accepted_build(l);
	from =
	    count_before(l->accepted, l->accepted_count, sizeof(*l->accepted), accepted_before, &k);
	to = count_before(
	    l->accepted, l->accepted_count, sizeof(*l->accepted), accepted_not_past, &k);
	*count = to - from;
	return *count > 0 ? l->accepted + from : NULL;
}

/* ---- mails whose answer was not heard ----------------------------------------------------- */

const char *
mail_name(
    const struct mail_case *c, const struct record_transaction *t, const struct record_message **m)
{
	*m = case_message(c, t->key.n);
	if (t->message_id[0] != '\0' || *m == NULL)
		return t->message_id;
	return (*m)->body_hash;
}

struct unheard_key {
	const struct addr *client;
	const char *name;
};

static int
unheard_against(const struct unheard *x, const struct unheard_key *k)
{
	int d = memcmp(&x->c->conn->client.ip, k->client, sizeof(*k->client));

	return d != 0 ? d : strcmp(x->name, k->name);
}

static int
unheard_order(const void *a, const void *b)
{
	const struct unheard *x = a, *y = b;
	int d = unheard_against(x, &(struct unheard_key){ &y->c->conn->client.ip, y->name });

	if (d == 0)
		d = order_u64(x->c->index, y->c->index);
	return d != 0 ? d : order_u64(x->t->key.n, y->t->key.n);
}

static bool
unheard_before(const void *element, const void *key)
{
	return unheard_against(element, key) < 0;
}

static bool
unheard_not_past(const void *element, const void *key)
{
	return unheard_against(element, key) <= 0;
}

static void
unheard_build(struct lookups *l)
{
	const struct store *s = l->store;
	const struct record_message *m;
	size_t n = 0;

	for (size_t i = 0; i < s->indexed; i++)
		n += s->cases[i]->transaction_count;
	if ((l->unheard = room_for(l, n, sizeof(*l->unheard))) == NULL)
		return;
	for (size_t i = 0; i < s->indexed; i++) {
		const struct mail_case *c = s->cases[i];

		for (uint32_t k = 0; c->session != NULL && k < c->transaction_count; k++) {
			struct unheard u = { c, c->transactions[k],
				mail_name(c, c->transactions[k], &m) };

			if (u.name[0] != '\0' && transaction_unheard(c, u.t))
				l->unheard[l->unheard_count++] = u;
		}
	}
	qsort(l->unheard, l->unheard_count, sizeof(*l->unheard), unheard_order);
}

const struct unheard *
lookup_unheard(struct lookups *l, const struct addr *client, const char *name, size_t *count)
{
	struct unheard_key k = { client, name };
	size_t from, to;

	if (l->unheard == NULL)
		unheard_build(l);
	from = count_before(l->unheard, l->unheard_count, sizeof(*l->unheard), unheard_before, &k);
	to = count_before(l->unheard, l->unheard_count, sizeof(*l->unheard), unheard_not_past, &k);
	*count = to - from;
	return *count > 0 ? l->unheard + from : NULL;
}

/* ---- cases with something in common ------------------------------------------------------ */

static bool
case_pop_session(const struct mail_case *c)
{
	return c->session != NULL && case_is_pop(c);
}

static bool
case_greeted_late(const struct mail_case *c)
{
	return greeting_wait(c) >= GREETING_LATE;
}

static bool
case_gave_up(const struct mail_case *c)
{
	struct moment left = greeting_given_up(c);

	return moment_is(&left);
}

static bool
case_has_stalls(const struct mail_case *c)
{
	return c->has_conn && c->stall_count > 0;
}

static bool
case_answer_lost(const struct mail_case *c)
{
	return c->has_conn && case_answer_missing(c) > 0;
}

static const struct lookup_facts {
	bool client; /* by its address, else by the server's */
	bool (*wanted)(const struct mail_case *c);
} facts[LOOKUP_KINDS] = {
	[LOOKUP_POP_OF_SERVER] = { false, case_pop_session },
	[LOOKUP_POP_OF_CLIENT] = { true, case_pop_session },
	[LOOKUP_GREETED_LATE_BY_SERVER] = { false, case_greeted_late },
	[LOOKUP_GAVE_UP_OF_CLIENT] = { true, case_gave_up },
	[LOOKUP_STALLED_OF_CLIENT] = { true, case_has_stalls },
	[LOOKUP_ANSWER_LOST_OF_CLIENT] = { true, case_answer_lost },
};

static const struct addr *
case_address(const struct mail_case *c, bool client)
{
	return client ? &c->conn->client.ip : &c->conn->server.ip;
}

/* by_client and by_server are in this order already. */
static void
cases_build(struct lookups *l, enum lookup_kind kind)
{
	const struct store *s = l->store;
	const struct case_list *from = facts[kind].client ? &s->by_client : &s->by_server;

	if ((l->cases[kind] = room_for(l, from->n, sizeof(struct mail_case *))) == NULL)
		return;
	for (size_t i = 0; i < from->n; i++)
		if (facts[kind].wanted(from->v[i]))
			l->cases[kind][l->case_count[kind]++] = from->v[i];
}

struct case_key {
	const struct addr *of;
	bool client;
};

static bool
case_before(const void *element, const void *key)
{
	const struct case_key *k = key;

	return memcmp(case_address(*(struct mail_case *const *)element, k->client), k->of,
		   sizeof(*k->of)) < 0;
}

static bool
case_not_past(const void *element, const void *key)
{
	const struct case_key *k = key;

	return memcmp(case_address(*(struct mail_case *const *)element, k->client), k->of,
		   sizeof(*k->of)) <= 0;
}

struct case_run
lookup_cases(struct lookups *l, enum lookup_kind kind, const struct addr *of)
{
	struct case_key k = { of, facts[kind].client };
	size_t from, to;

	if (l->cases[kind] == NULL)
		cases_build(l, kind);
	from = count_before(
	    l->cases[kind], l->case_count[kind], sizeof(struct mail_case *), case_before, &k);
	to = count_before(
	    l->cases[kind], l->case_count[kind], sizeof(struct mail_case *), case_not_past, &k);
	return (struct case_run){ l->cases[kind] + from, to - from };
}

static bool
case_begun_before(const void *element, const void *key)
{
	return (*(const struct mail_case *const *)element)->conn->first.ns < *(const int64_t *)key;
}

size_t
case_run_before(struct case_run run, int64_t ns)
{
	return count_before(run.at, run.n, sizeof(struct mail_case *), case_begun_before, &ns);
}

/* ---- POP3 logins ---------------------------------------------------------------------------- */

static int
login_order(const void *a, const void *b)
{
	const struct mail_case *x = *(const struct mail_case *const *)a,
			       *y = *(const struct mail_case *const *)b;
	int d = memcmp(&x->conn->client.ip, &y->conn->client.ip, sizeof(struct addr));

	if (d != 0 || (d = order_i64(x->session->auth_at.ns, y->session->auth_at.ns)) != 0)
		return d;
	return order_u64(x->index, y->index);
}

static void
logins_build(struct lookups *l)
{
	const struct store *s = l->store;

	if ((l->logins = room_for(l, s->indexed, sizeof(struct mail_case *))) == NULL)
		return;
	for (size_t i = 0; i < s->indexed; i++)
		if (case_pop_session(s->cases[i]) && s->cases[i]->session->logins_ok > 0)
			l->logins[l->login_count++] = s->cases[i];
	qsort(l->logins, l->login_count, sizeof(struct mail_case *), login_order);
}

struct login_key {
	const struct addr *client;
	int64_t ns;
};

static bool
login_before(const void *element, const void *key)
{
	const struct mail_case *x = *(const struct mail_case *const *)element;
	const struct login_key *k = key;
	int d = memcmp(&x->conn->client.ip, k->client, sizeof(*k->client));

	return d < 0 || (d == 0 && x->session->auth_at.ns < k->ns);
}

struct case_run
lookup_logins(struct lookups *l, const struct addr *client, int64_t from_ns, int64_t to_ns)
{
	struct login_key after = { client, from_ns + 1 }, until = { client, to_ns };
	size_t from, to;

	if (l->logins == NULL)
		logins_build(l);
	from = count_before(
	    l->logins, l->login_count, sizeof(struct mail_case *), login_before, &after);
	to = count_before(
	    l->logins, l->login_count, sizeof(struct mail_case *), login_before, &until);
	return (struct case_run){ l->logins + from, to > from ? to - from : 0 };
}

/* ---- who was offered STARTTLS -------------------------------------------------------------- */

static int
offer_against(const struct mail_case *x, const struct endpoint *server)
{
	int d = memcmp(&x->conn->server.ip, &server->ip, sizeof(server->ip));

	return d != 0 ? d : order_u64(x->conn->server.port, server->port);
}

/* Of those with the same list at one point the first has the least index. */
static int
offer_order(const void *a, const void *b)
{
	const struct mail_case *x = *(const struct mail_case *const *)a,
			       *y = *(const struct mail_case *const *)b;
	int d;

	if ((d = offer_against(x, &y->conn->server)) != 0 ||
	    (d = order_u64(x->point, y->point)) != 0)
		return d;
	return (d = strcmp(x->session->capabilities, y->session->capabilities)) != 0
	    ? d
	    : order_u64(x->index, y->index);
}

static bool
offer_repeats(const struct mail_case *x, const struct mail_case *y)
{
	return offer_against(x, &y->conn->server) == 0 && x->point == y->point &&
	    strcmp(x->session->capabilities, y->session->capabilities) == 0;
}

static void
offers_build(struct lookups *l)
{
	const struct store *s = l->store;
	size_t n = 0;

	if ((l->offers = room_for(l, s->indexed, sizeof(struct mail_case *))) == NULL)
		return;
	for (size_t i = 0; i < s->indexed; i++)
		if (s->cases[i]->session != NULL && s->cases[i]->session->starttls_offered)
			l->offers[n++] = s->cases[i];
	qsort(l->offers, n, sizeof(struct mail_case *), offer_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !offer_repeats(l->offers[l->offer_count - 1], l->offers[i]))
			l->offers[l->offer_count++] = l->offers[i];
}

static bool
offer_before(const void *element, const void *key)
{
	return offer_against(*(const struct mail_case *const *)element, key) < 0;
}

static bool
offer_not_past(const void *element, const void *key)
{
	return offer_against(*(const struct mail_case *const *)element, key) <= 0;
}

struct case_run
lookup_offers(struct lookups *l, const struct endpoint *server)
{
	size_t from, to;

	if (l->offers == NULL)
		offers_build(l);
	from = count_before(
	    l->offers, l->offer_count, sizeof(struct mail_case *), offer_before, server);
	to = count_before(
	    l->offers, l->offer_count, sizeof(struct mail_case *), offer_not_past, server);
	return (struct case_run){ l->offers + from, to - from };
}

struct lookups *
lookups_new(const struct store *s)
{
	struct lookups *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->store = s;
	return l;
}

uint64_t
lookups_starved(const struct lookups *l)
{
	return l->starved;
}

uint64_t
lookups_cut(const struct lookups *l)
{
	return l->cut;
}

const struct mail_case *
lookup_next(struct lookups *l, struct case_iter *it, uint32_t *looked, uint32_t most)
{
	const struct mail_case *x;

	if (most > LOOKUP_FEW && l->looked >= LOOKUP_ALL)
		most = LOOKUP_FEW;
	x = store_case_among(l->store, it, looked, most, &l->cut);
	l->looked += x != NULL;
	return x;
}

struct proven
lookup_proven(struct lookups *l, const struct addr *from, const struct addr *to, int64_t at_ns,
    int64_t span_ns)
{
	return store_proven(l->store, from, to, at_ns, span_ns, &l->cut);
}

const struct sights *
lookup_sights(struct lookups *l)
{
	if (l->sights == NULL)
		l->starved += (l->sights = sights_new(l->store)) == NULL;
	return l->sights;
}

bool
lookup_may(struct lookups *l, size_t i, size_t n, uint32_t most)
{
	l->cut += i < n && i >= most;
	return i < n && i < most;
}

void
lookups_free(struct lookups *l)
{
	if (l == NULL)
		return;
	services_release(l);
	sights_free(l->sights);
	free(l->greetings);
	free(l->accepted);
	free(l->unheard);
	for (int i = 0; i < LOOKUP_KINDS; i++)
		free(l->cases[i]);
	free(l->logins);
	free(l->offers);
	free(l);
}
