/* Overtaken on the way: what comes late, or again, and was not lost. */
#include "ledger_build.h"

static void
duplicate_refutes_loss(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	data(&n, A, 1448);
	wait(&n, 30 * MS);
	data_at(&n, A, off, 1448); /* too early */
	wait(&n, 20 * MS);
	ack(&n, B, n.sent[A]);
	wait(&n, 20 * MS);
	ack_sack(&n, B, n.sent[A], off, off + 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].dsacks, 1);
	CHECK_EQ_INT(s->c.dir[A].sizes[s->c.dir[A].size_count - 1].lost, 0);
	ledger_free(n.l);
}

/*
 * The way back was dead: the first arrived, the repeats did not; what the D-SACK refutes is the
 * first.
 */
static void
duplicate_refutes_the_first_loss(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	data(&n, A, 1448);
	timeouts(&n, off, 5, 300);
	wait(&n, 40 * MS);
	ack_sack(&n, B, n.sent[A], off, off + 1448);
	wait(&n, 40 * MS);
	deliver(&n, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].dsacks, 1);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK_EQ_INT(s->stall[0].chain_count, 6);
	CHECK_EQ_INT(s->stall[0].chain_lost, 4);
	CHECK(s->stall[0].lost_last.ns - s->stall[0].first.ns >
	    4 * S); /* the fifth, 4.5 s after the first */
	ledger_free(n.l);
}

/*
 * Large ones vanish; of the smaller piece that passes the ACK comes late, and it is sent twice: the
 * D-SACK is about that one.
 */
static void
duplicate_refutes_no_old_loss(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	data(&n, A, 1448);
	timeouts(&n, off, 4, 300);
	wait(&n, 4800 * MS);
	data_at(&n, A, off, 1024);
	wait(&n, 40 * MS);
	ack(&n, B, off + 1024);
	data_at(&n, A, off + 1024, 424);
	wait(&n, 45 * MS);
	data_at(&n, A, off + 1024, 424);
	ack(&n, B, off + 1448);
	wait(&n, 40 * MS);
	ack_sack(&n, B, off + 1448, off + 1024, off + 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].dsacks, 1);
	for (uint32_t i = 0; i < s->c.dir[A].size_count; i++) {
		CHECK_EQ_INT(s->c.dir[A].sizes[i].lost, s->c.dir[A].sizes[i].w == 1500 ? 5 : 0);
		CHECK(s->c.dir[A].sizes[i].w != 1500 || s->c.dir[A].sizes[i].ok == 0);
	}
	ledger_free(n.l);
}

/*
 * An ACK that is overtaken by the next: what it has out of order is below what that acknowledges,
 * and came once.
 */
static void
overtaken_ack_tells_no_duplicate(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	data(&n, A, 1448);
	data(&n, A, 1448);
	wait(&n, 40 * MS);
	data_at(&n, A, off, 1448);
	wait(&n, 40 * MS);
	ack(&n, B, n.sent[A]);
	ack_sack(&n, B, off, off + 1448, off + 2 * 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].retransmissions, 1);
	CHECK_EQ_INT(s->c.dir[A].dsacks, 0);
	ledger_free(n.l);
}

/* Packets overtake each other: first seen late, but sent once (S13). */
static void
reordering(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	for (int i = 0; i < 20; i++) {
		uint32_t off = n.sent[A];
		uint16_t id = n.id[A];

		n.id[A] = (uint16_t)(id + 1);
		data_at(&n, A, off + 1448, 1448);
		wait(&n, 30 * MS);
		n.id[A] = id;
		data_at(&n, A, off, 1448);
		n.id[A] = (uint16_t)(id + 2);
		wait(&n, 40 * MS);
		ack(&n, B, n.sent[A]);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_fills, 0);
	CHECK_EQ_INT(s->c.dir[A].retransmissions, 0);
	CHECK_EQ_INT(s->c.dir[A].missing, 0);
	ledger_free(n.l);
}

/*
 * The same without IP IDs (IPv6): later than a round trip, but not younger by the sender's clock;
 * then really sent again.
 */
static void
reordering_by_clock(uint32_t younger, uint32_t fills)
{
	struct net n;
	struct seen *s;
	struct packet p;

	begin_mail(&n);
	for (int i = 0; i < 20; i++) {
		for (int k = 1; k >= 0; k--) {
			p = packet(&n, A);
			p.ip_id = 0;
			p.seq = 1001 + n.sent[A] + (uint32_t)k * 1448;
			p.ack = 1001 + n.acked[A];
			p.len = p.caplen = 1448;
			p.w = 1500;
			p.tsval = 5000 + (uint32_t)i * 100 + (k == 0 ? younger : 0);
			give(&n, &p, A);
			wait(&n, 45 * MS);
		}
		n.sent[A] += 2 * 1448;
		ack(&n, B, n.sent[A]);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_fills, fills);
	CHECK_EQ_INT(s->c.dir[A].missing, 0);
	ledger_free(n.l);
}

static void
reordering_without_ids(void)
{
	reordering_by_clock(0, 0);
	reordering_by_clock(40, 20);
}

/*
 * A second port of the switch is mirrored, too, 3 ms later: sooner than any answer, so nothing was
 * sent again.
 */
static void
doubled(void)
{
	struct net n;
	struct seen *s;

	begin(&n);
	for (int i = 0; i < 6; i++) {
		uint32_t off = n.sent[A];

		data(&n, A, 1448);
		wait(&n, 3 * MS);
		data_at(&n, A, off, 1448);
		wait(&n, 60 * MS);
		ack(&n, B, n.sent[A]);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].retransmissions, 6);
	CHECK_EQ_INT(s->c.dir[A].needless, 6);
	CHECK_EQ_INT(s->c.dir[A].repair_ranges, 0);
	ledger_free(n.l);
}

/*
 * Nothing but the time tells those two that others overtook: one comes 4 ms late, one a round trip.
 */
static void
overtaken_or_timed(void)
{
	struct net n;
	struct packet p;
	struct seen *s;

	begin_mail(&n);
	for (uint32_t i = 0; i < 4; i++) {
		p = packet(&n, A);
		p.ip_id = 0;
		p.has_ts = false;
		p.seq = 1001 + n.sent[A] + 500 * (i ^ 1);
		p.ack = 1001 + n.acked[A];
		p.len = p.caplen = 500;
		p.w = 540;
		give(&n, &p, A);
		wait(&n, i == 2 ? 41 * MS : 4 * MS);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].overtaken, 1);
	CHECK_EQ_INT(s->c.dir[A].fills_timed, 1);
	CHECK_EQ_INT(s->c.dir[A].hole_fills, 1);
	ledger_free(n.l);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a D-SACK refutes a loss", duplicate_refutes_loss },
		{ "a D-SACK refutes the first loss", duplicate_refutes_the_first_loss },
		{ "a D-SACK refutes no loss of long ago", duplicate_refutes_no_old_loss },
		{ "an overtaken ACK tells no duplicate", overtaken_ack_tells_no_duplicate },
		{ "reordering is not loss", reordering },
		{ "reordering without IP IDs", reordering_without_ids },
		{ "doubled 3 ms later", doubled },
		{ "overtaken, or late by a round trip", overtaken_or_timed },
	};

	return check_main("ledger_order", tests, sizeof(tests) / sizeof(tests[0]));
}
