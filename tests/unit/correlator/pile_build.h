/*
 * pile_build.h - a pile of records that is judged as it grows, in any order: what tests of the
 * judgement as a whole begin with.
 */
#ifndef PILE_BUILD_H
#define PILE_BUILD_H

#include "case_build.h"

enum { RECORDS_MAX = 4096 };

static struct record records[RECORDS_MAX];
static size_t record_count;

static inline struct record *
add(struct record r)
{
	records[record_count] = r;
	return &records[record_count++];
}

/* A session whose only recipient is refused. */
static inline void
add_refused(uint32_t point, uint64_t id, int64_t ms)
{
	struct record conn = build_connection(point, id, ms, ms + 500), tx;

	add(conn);
	add(build_session(&conn, ms + 60));
	tx = build_transaction(&conn, 1, VERDICT_REFUSED, ms + 100);
	add(build_recipient(&tx, 1, "bob@example.org", 554, "5.7.1 Relay access denied", ms + 120));
	build_reply(&tx.transaction.verdict_reply, 554, "5.7.1 Relay access denied", ms + 125);
	add(tx);
}

/* A mail whose content the client began to send, until it gave up. */
static inline void
add_gave_up(uint64_t id, int64_t ms)
{
	struct record conn = build_connection(0, id, ms, ms + 60000), tx;

	conn.connection.dir[0].fin = at(ms + 60000);
	add(conn);
	add(build_session(&conn, ms + 60));
	tx = build_transaction(&conn, 1, VERDICT_UNKNOWN, ms + 100);
	tx.transaction.data_sent = true;
	build_reply(&tx.transaction.data_reply, 354, "go on", ms + 200);
	add(tx);
}

static inline struct correlator *
judged_in_order(const size_t *order, size_t n)
{
	struct correlator *c = build_correlator();

	for (size_t i = 0; i < n; i++)
		correlator_take(c, &records[order[i]]);
	correlator_judge(c);
	return c;
}

static inline struct correlator *
judged(void)
{
	size_t order[RECORDS_MAX];

	for (size_t i = 0; i < record_count; i++)
		order[i] = i;
	return judged_in_order(order, record_count);
}

static inline void
fresh(void)
{
	record_count = 0;
	build_frame = 0;
}

#endif /* PILE_BUILD_H */
