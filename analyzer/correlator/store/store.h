/*
 * store.h - the records the correlator keeps, grouped by connection.
 *
 * Rules read it, only correlator.c writes it.  Records may come in any order
 * and repeat: the key (type, point, conn, n, m) decides, the last one wins
 * (paths and hosts join).  Everything here is borrowed by the rules for the
 * call of judge().
 */
#ifndef STORE_H
#define STORE_H

#include "record/addr.h"
#include "record/record.h"

/* One connection as one capture point saw it. */
struct mail_case {
	uint32_t point;
	uint64_t id; /* connection id */
	struct record_connection
	    *conn; /* never NULL; has_conn: else only key and endpoints may be set */
	bool has_conn;
	const struct record_capture *capture; /* of its point; NULL when unknown */
	struct record_session *session;       /* NULL: none */
	/* lists of records, none of them NULL, nor any of their texts */
	struct record_transaction **transactions; /* ascending n */
	struct record_recipient **recipients;     /* ascending n, m */
	struct record_message **messages;         /* ascending n */
	struct record_stall **stalls;             /* ascending n, m */
	struct record_icmp_error **icmp;          /* ascending n */
	uint32_t transaction_count, recipient_count, message_count, stall_count, icmp_count;
	/* The same connection at other points or files: a ring; a case alone points at itself. */
	struct mail_case *copy;
	bool counted;   /* this copy stands for the ring in summary and fates */
	bool leads;     /* the first of the ring in order of time */
	bool only_asks; /* judged: a question about an address, and no mail (facts/callout.h) */
	/* store bookkeeping, not for rules */
	uint32_t transaction_room, recipient_room, message_room, stall_room, icmp_room;
	bool closed;    /* its ring is */
	uint32_t index; /* in order of time, since the last store_index */
	uint64_t touched;
	uint64_t bytes;
	struct mail_case *hash_next;
};

/* of one connection are compared: more places than that see none but by mistake */
#define STORE_COPIES 8

struct store;

/* Walks cases in order of their first packet.  Zero it, set what restricts, call until NULL. */
struct case_iter {
	const struct addr *client, *server; /* NULL = any */
	uint16_t server_port;               /* 0 = any */
	int64_t from_ns, to_ns;             /* of conn.first; both 0 = any time */
	int64_t since_ns;                   /* of conn.last; 0 = any time */
	bool backwards;                     /* the last begun first */
	const struct case_list *list;       /* internal, as are all below */
	size_t pos, end, walked;
	bool started, bounded;
};
const struct mail_case *store_case_next(const struct store *s, struct case_iter *it);
/*
 * The same of a search that is made for each of many connections: it looks at `most' (`looked'
 * counts them, from 0) and walks over some thousands that are none it wants.  NULL: no more, or no
 * more that it may look at, which *cut counts.
 */
const struct mail_case *store_case_among(
    const struct store *s, struct case_iter *it, uint32_t *looked, uint32_t most, uint64_t *cut);

/* Contrast records of a client, a server, or both.  Zero it, set which, call until NULL. */
struct host_iter {
	const struct addr *client, *server; /* NULL = any; not both */
	void *const *at, *const *end;       /* internal */
};
const struct record_host *store_host_next(const struct store *s, struct host_iter *it);

const struct record_capture *store_capture(const struct store *s, uint32_t point);
const struct record_capture *store_capture_next(const struct store *s, size_t *pos);
/* The pieces a capture was written in, in order; NULL: it is one file. */
const struct record_piece *store_pieces(const struct store *s, uint32_t point, size_t *count);
/* Does the second begin where the first ends, as pieces of one do? */
bool capture_follows(const struct record_capture *a, const struct record_capture *b);
size_t store_point_count(const struct store *s); /* capture points with connections */
/* Points with connections, but without their capture record, which comes last. */
uint64_t store_points_open(const struct store *s);
/* Clients send data and no server is ever heard at this point: its silence says nothing. */
bool store_point_deaf(const struct store *s, uint32_t point);

/*
 * The frag-needed and packet-too-big errors of this point that speak of no connection, as they
 * came.
 */
const struct record_icmp_error *store_lone_icmp(const struct store *s, uint32_t point, size_t *n);

struct proven {     /* the largest size cleanly delivered */
	uint32_t w; /* 0 = nothing known */
	struct moment at;
	uint64_t conn;
	uint32_t point;
};
/*
 * L from the source address (S21) to the destination's, at times within span of at: over path
 * records and the directions of every case, or of some thousands: *cut counts.
 */
struct proven store_proven(const struct store *s, const struct addr *from, const struct addr *to,
    int64_t at_ns, int64_t span_ns, uint64_t *cut);

/* ---- gates (diagnosis 0.3, 0.7 G, S14) ------------------------------------ */

/* So much of the time between the two the capture's clock only jumped over. */
int64_t case_time_jumped(const struct mail_case *c, int64_t from_ns, int64_t to_ns);
uint32_t capture_q_permille(const struct record_capture *c); /* NULL: 0 */
/*
 * Seen at one place: in one capture, or in two pieces of one (tcpdump -G and -C), and not one
 * connection twice.
 */
bool case_same_place(const struct mail_case *x, const struct mail_case *y);
bool case_one_sided(const struct mail_case *c);
int case_unseen_dir(const struct mail_case *c); /* the direction that is not in the capture; -1 */
/* Of one ring: they have something in common, and are not two pieces of what one point saw. */
bool copies_overlap(const struct mail_case *x, const struct mail_case *y);
/* The side of a one-sided connection that the one point does not show was captured at the other. */
bool case_other_half(const struct mail_case *x, const struct mail_case *y);
/* Every byte of its dialogue, from the beginning to the end, is in this copy. */
bool case_whole(const struct mail_case *c);
bool case_missing(
    const struct mail_case *c); /* rule G: some byte is missing or two copies differ */
bool case_missing_dir(const struct mail_case *c, int dir);
bool case_midstream(const struct mail_case *c);

/* ---- small facts ----------------------------------------------------------- */

bool addr_prefix_equal(
    const struct addr *a, const struct addr *b, unsigned int v4_bits, unsigned int v6_bits);
bool addr_public(const struct addr *a); /* globally routable */
static inline bool
moment_is(const struct moment *m)
{
	return m->frame != 0;
}

/*
 * Of the first RST of a direction, which `rst' is: what comes behind a forged one may be the end's
 * own.
 */
static inline uint8_t
rst_ttl(const struct record_direction *d)
{
	return d->ttl_rst_first != 0 ? d->ttl_rst_first : d->ttl_rst;
}

#endif /* STORE_H */
