/* contrast.h - what other connections say about a port that does not answer (diagnosis 1B). */
#ifndef CONTRAST_H
#define CONTRAST_H

#include "sights.h"
#include "correlator/finding/rule.h"

struct contrast {
	/* C1: the same host answers on another port; C2: the port is silent to hosts in several /16
	 * while others work; C3: other clients reach this port of this host. */
	bool c1, c2, c3;
	bool same;   /* this client reached this very port by another connection, not seen elsewhere
			as one that fails here */
	bool c1_own; /* C1, and it answers this very client there */
	bool submission;                     /* C1, and `port' is 587 or 465 */
	bool port_own;                       /* ... and it is this client that it answered there */
	uint16_t port;                       /* of C1 */
	struct moment c1_at, c3_at, same_at; /* the last answer */
	uint32_t point;                      /* of the witness of c1, else of c3 */
	uint32_t same_point;                 /* of that of same: this one, where it saw one */
	uint32_t silent_nets;                /* C2 */
	bool one_distance; /* refusals of hosts in five networks or more, and all have one TTL */
	bool silent_alive; /* ... and one of those hosts answers on another port; not looked for
			      beyond two networks */
};

/* `refused': C2 counts hosts that refused instead of hosts that are silent. */
void contrast_find(const struct view *v, bool refused, struct contrast *out);
/*
 * `same': the port answered this client after this attempt, or after another that failed.  Of two
 * places' none knows which came first.
 */
bool contrast_comes_and_goes(const struct view *v, const struct contrast *con);
/*
 * Every attempt of this client at this port that failed came before every one that was answered: it
 * is over.  So long it lasted; 0 = not so.
 */
int64_t contrast_over(const struct view *v);
/*
 * h is of this client and this server's port: it answered since this attempt, or speaks on another
 * connection.  One of before may have died with it.
 */
bool contrast_serves_still(const struct view *v, const struct record_host *h);
/* Two attempts of this client at this port, at least 60 s apart? */
bool contrast_attempts(const struct view *v);
/*
 * >= 10 different host:port pairs in 60 s without data: a scanner has no mail problem (0.7). `many'
 * without being a scanner: port 25 of hosts all over.
 */
bool contrast_scanner(const struct store *s, const struct mail_case *c, bool *many);
/*
 * At this capture point: the least time that other ports of the host need to answer, 0 unknown (one
 * handshake alone says nothing); how many handshakes were looked at.
 */
int64_t contrast_rtt(const struct view *v, uint32_t *witnesses);
/* The least of this port, of the client for whom it is largest. */
int64_t contrast_rtt_own(const struct view *v);
/*
 * Captures of two places in one file: on other connections to this server the client is at another
 * distance, or another client is by as much farther from here as the server is nearer.  Then
 * neither TTL nor time compares.
 */
bool contrast_mixed(const struct view *v);
/*
 * This attempt where the server's packets begin and the client's do not, here or at another capture
 * point: it reaches the server's own network.  NULL = not seen there.
 */
const struct mail_case *contrast_at_server(const struct view *v);
/*
 * Where the client's packets begin and the server's answer to it is seen, the same way: the answer
 * comes to the client.
 */
const struct mail_case *contrast_at_client(const struct view *v);
/* At this capture point: TTL of the server's packets, 0 = unknown. */
uint8_t contrast_ttl(const struct view *v, bool other_ports_only);
/* The same attempt at another capture point, where the server answers it; NULL = none. */
const struct mail_case *contrast_answered_elsewhere(const struct view *v);

#endif /* CONTRAST_H */
