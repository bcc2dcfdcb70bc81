/*
 * lookup.h - what rules ask of all connections at once.
 *
 * A rule that judges one connection must not walk all the others: a relay
 * makes ten thousand a day from one address, and each would walk ten thousand.
 * What it would look for is sorted at the first question of a judgement, and
 * from then on found.  Everything is borrowed from the lookups and their
 * store; without memory the answer is "none", and counted (lookups_starved).
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "correlator/store/store.h"

struct lookups;
struct sights;

/* For one judgement of a store that is indexed and does not change meanwhile.  NULL: no memory. */
struct lookups *lookups_new(const struct store *s);
uint64_t lookups_starved(const struct lookups *l); /* allocations that failed */
uint64_t lookups_cut(
    const struct lookups *l); /* searches that ended at their bound, in vain so far */
void lookups_free(struct lookups *l);

/*
 * So many cases, where what is looked for speaks against a finding.  A
 * judgement that has looked at LOOKUP_ALL of them (seconds) looks at few from
 * then on: a flood of connections that fail between two hosts is told as well.
 */
enum { LOOKUP_MOST = 4096, LOOKUP_FEW = 256, LOOKUP_ALL = 1 << 24 };
/*
 * The next case of a search that looks at `most' of them, be there thousands between two hosts;
 * `looked' counts, from 0. NULL: no more, or no more that it may look at, which is counted.
 */
const struct mail_case *lookup_next(
    struct lookups *l, struct case_iter *it, uint32_t *looked, uint32_t most);
/* store_proven(), counted here. */
struct proven lookup_proven(struct lookups *l, const struct addr *from, const struct addr *to,
    int64_t at_ns, int64_t span_ns);
/* The same of a search in a list: may it look at element i of n? */
bool lookup_may(struct lookups *l, size_t i, size_t n, uint32_t most);

/* How far both ends are from each point (sights.h).  NULL: no memory. */
const struct sights *lookup_sights(struct lookups *l);

/* One port of a server as all clients of one point know it. */
struct service {
	struct addr server;
	uint32_t point;
	uint16_t port;
	uint8_t ttl;         /* least of its packets; 0 = unknown */
	uint64_t timed;      /* answered connections whose round trip is known */
	int64_t rtt_min_ns;  /* least SYN to SYN-ACK; 0 = unknown */
	int64_t rtt_most_ns; /* ... of the client for whom it is largest */
};
/* The services of a server at a point: `count' in a row, ascending port. */
const struct service *lookup_services(
    struct lookups *l, const struct addr *server, uint32_t point, size_t *count);

/*
 * A connection of the same client, on the same port, to a public server far from this one (another
 * /16, v6 /48) that greets with the same name.
 */
const struct mail_case *lookup_greeting_twin(struct lookups *l, const struct mail_case *c);
/*
 * Other public servers greet the same client on the same port with other names: nobody answers for
 * all.
 */
bool lookup_greeting_other(struct lookups *l, const struct mail_case *c);

enum { GREETING_NAME = 64 };
/*
 * The name a server greets with: first word, lower case.  false: a masked or one-word greeting
 * names nobody.
 */
bool greeting_name(const struct mail_case *c, char name[GREETING_NAME]);

/* A recipient whom a server took. */
struct accepted {
	const struct mail_case *c;
	const struct record_recipient *recipient;
};
/*
 * Those of a server with this address (whatever case), in connections that began at from_ns or
 * later: `count' in order of time. Server NULL: those of all servers, whenever; in order of time
 * for each.
 */
const struct accepted *lookup_accepted(struct lookups *l, const struct addr *server,
    const char *address, int64_t from_ns, size_t *count);

/*
 * A mail that was sent whole and whose final answer its client did not hear; `name' as mail_name()
 * has it.
 */
struct unheard {
	const struct mail_case *c;
	const struct record_transaction *t;
	const char *name;
};
/*
 * What names a mail: its Message-ID, without one the hash of its body; "" = nothing.  Its message
 * record in *m, or NULL.
 */
const char *mail_name(
    const struct mail_case *c, const struct record_transaction *t, const struct record_message **m);
/* Those of a client with this name: `count' in order of time. */
const struct unheard *lookup_unheard(
    struct lookups *l, const struct addr *client, const char *name, size_t *count);

enum lookup_kind {
	LOOKUP_POP_OF_SERVER, /* POP3 sessions */
	LOOKUP_POP_OF_CLIENT,
	LOOKUP_GREETED_LATE_BY_SERVER, /* 5 s and more after the handshake */
	LOOKUP_GAVE_UP_OF_CLIENT,      /* it left without a greeting */
	LOOKUP_STALLED_OF_CLIENT,
	LOOKUP_ANSWER_LOST_OF_CLIENT, /* case_answer_missing() */
	LOOKUP_KINDS
};
struct case_run {
	const struct mail_case *const *at;
	size_t n;
};
/* In order of time. */
struct case_run lookup_cases(struct lookups *l, enum lookup_kind kind, const struct addr *of);
/* So many of them began before that. */
size_t case_run_before(struct case_run run, int64_t ns);
/* POP3 sessions of a client that logged in after from_ns and before to_ns, in order of that. */
struct case_run lookup_logins(
    struct lookups *l, const struct addr *client, int64_t from_ns, int64_t to_ns);
/*
 * Of those to this port that were offered STARTTLS the first of each list of extensions at each
 * point, in no order of time.
 */
struct case_run lookup_offers(struct lookups *l, const struct endpoint *server);

#endif /* LOOKUP_H */
