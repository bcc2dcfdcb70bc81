/* What is sent again: lost, late or needless; and what it proves. */
#include "ledger_build.h"

/*
 * A queue that is full loses every other segment of a large flight: all are waited for, and each
 * that is sent again was lost.
 */
static void
every_other_lost(uint32_t lost, uint32_t repaired, uint32_t dropped)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	for (uint32_t i = 0; i < lost; i++) {
		n.id[A]++;
		data_at(&n, A, off + (2 * i + 1) * 1448, 1448);
		wait(&n, MS / 10);
		ack_sack(&n, B, off, off + (2 * i + 1) * 1448, off + (2 * i + 2) * 1448);
	}
	wait(&n, 40 * MS);
	for (uint32_t i = 0; i < lost; i++) {
		data_at(&n, A, off + 2 * i * 1448, 1448);
		wait(&n, MS);
		ack(&n, B, off + (2 * i + 2) * 1448);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_fills, repaired);
	CHECK_EQ_INT(s->c.dir[A].missing, dropped * 1448);
	CHECK_EQ_INT(ledger_caps(n.l).holes_dropped, dropped);
	ledger_free(n.l);
}

static void
a_full_queue(void)
{
	every_other_lost(16, 16, 0);
	every_other_lost(100, 100, 0);
	every_other_lost(256, 256, 0); /* LEDGER_HOLES */
	every_other_lost(256 + 10, 256, 10);
}

/*
 * What only the capture lacks, segment by segment, is no burden: a few such holes are kept, and
 * none of them is counted as dropped.
 */
static void
many_missing_in_the_capture(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	for (uint32_t i = 0; i < 2000; i++) {
		n.sent[A] += 1448;
		n.id[A]++;
		deliver(&n, 1448);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].missing, 2000 * 1448);
	CHECK_EQ_INT(s->c.dir[A].acked_unseen, 2000 * 1448);
	CHECK_EQ_INT(s->c.dir[A].unseen_count, 16);
	CHECK_EQ_INT(ledger_caps(n.l).holes_dropped, 0);
	ledger_free(n.l);
}

/*
 * A flight is lost (but for its second segment, if that `arrived'): its last is sent again first (a
 * probe), then the first, then the rest.
 */
static void
interruption(bool arrived)
{
	static const uint32_t again[] = { 5, 0, 2, 3, 4 };
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	for (uint32_t i = 0; i < 6; i++)
		data_at(&n, A, off + i * 1448, 1448);
	wait(&n, 10 * MS);
	if (arrived)
		ack_sack(&n, B, off, off + 1448, off + 2 * 1448);
	wait(&n, 290 * MS);
	for (uint32_t i = 0; i < 5; i++) {
		data_at(&n, A, off + again[i] * 1448, 1448);
		wait(&n, 300 * MS);
	}
	ack(&n, B, off + 6 * 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].retransmissions, 5);
	CHECK_EQ_INT(s->c.dir[A].repair_ranges, arrived ? 2 : 1); /* two holes, not three */
	ledger_free(n.l);
}

static void
one_interruption(void)
{
	interruption(true);
}

/*
 * The second was lost, too, and the capture lacks its repetition: it is acknowledged far too late
 * for the first transmission.
 */
static void
one_interruption_and_capture_loss(void)
{
	interruption(false);
}

/* The same, but the late one carries a newer ID: it is a repair of a loss before the capture. */
static void
upstream_loss(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	for (int i = 0; i < 6; i++) {
		uint32_t off = n.sent[A];

		n.id[A]++;
		data_at(&n, A, off + 1448, 1448);
		wait(&n, 60 * MS);
		data_at(&n, A, off, 1448);
		wait(&n, 40 * MS);
		ack(&n, B, n.sent[A]);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_fills, 6);
	CHECK_EQ_INT(s->c.dir[A].repair_ranges, 6);
	CHECK_EQ_INT(s->c.dir[A].missing, 0);
	ledger_free(n.l);
}

/*
 * The receiver speaks `later' than the last repetition, and still asks for its first byte: how many
 * were lost?
 */
static uint32_t
asked_again(int64_t later)
{
	static const int64_t waits[] = { 300, 900, 1800 };
	struct net n;
	uint32_t off, lost;

	begin_mail(&n);
	off = n.sent[A];
	data_at(&n, A, off, 1448);
	for (int i = 0; i < 3; i++) {
		wait(&n, waits[i] * MS);
		data_at(&n, A, off, 1448);
	}
	wait(&n, later);
	ack(&n, B, off);
	lost = report(&n)->stall[0].chain_lost;
	ledger_free(n.l);
	return lost;
}

static void
receiver_asks_again(void)
{
	CHECK_EQ_INT(asked_again(100 * MS), 3); /* the last may still be on its way */
	CHECK_EQ_INT(asked_again(900 * MS), 4);
}

/* Sent at stamp 100, again at stamp 160; the answer names `echo'. */
static uint32_t
answered_with(uint32_t echo)
{
	struct net n;
	struct packet p;
	uint32_t off, needless;

	begin_mail(&n);
	off = n.sent[A];
	for (int i = 0; i < 2; i++) {
		p = packet(&n, A);
		p.seq = 1001 + off;
		p.ack = 1001 + n.acked[A];
		p.len = p.caplen = 1448;
		p.w = 1500;
		p.tsval = i == 0 ? 100 : 160;
		give(&n, &p, A);
		wait(&n, 60 * MS);
	}
	p = packet(&n, B);
	p.seq = 1001 + n.sent[B];
	p.ack = 1001 + off + 1448;
	p.tsecr = echo;
	give(&n, &p, B);
	needless = report(&n)->c.dir[A].needless;
	ledger_free(n.l);
	return needless;
}

/* RFC 3522: the answer to the first transmission says so. */
static void
answer_to_the_first(void)
{
	CHECK_EQ_INT(answered_with(100), 1);
	CHECK_EQ_INT(answered_with(160), 0);
}

/* `lost' bytes that the next 500 overtake, 22 ms or `later' before they come, cut to 500. */
static void
hole_opens_and_closes(struct net *n, uint32_t lost, int64_t later)
{
	uint32_t edge = n->sent[A];

	n->sent[A] += lost;
	n->id[A]++;
	data(n, A, 500);
	wait(n, 22 * MS + later);
	for (uint32_t off = 0; off < lost; off += 500)
		data_at(n, A, edge + off, lost - off < 500 ? lost - off : 500);
	ack(n, B, n->sent[A]);
	wait(n, 10 * MS);
}

/*
 * A sender that found the size by itself probes for a larger one: that probe is lost, and its hole
 * stays open 2 ms longer than the first.
 */
static void
probe_behind_a_hole(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	data(&n, A, 500);
	hole_opens_and_closes(&n, 11 * 1448, 0);
	hole_opens_and_closes(&n, 748, 2 * MS);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_bytes, 11 * 1448);
	CHECK(s->c.dir[A].hole_filled.frame != 0);
	hole_opens_and_closes(&n, 748, 300 * MS); /* that one is another matter */
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_bytes, 748);
	ledger_free(n.l);
}

/* What B has was sent, be it never seen. */
static void
sacked_unseen(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	wait(&n, 40 * MS);
	ack_sack(&n, B, n.sent[A], n.sent[A] + 1448, n.sent[A] + 2896);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].missing, 2896);
	CHECK_EQ_INT(s->c.dir[A].acked_unseen, 0);
	ledger_free(n.l);
}

/* So was its end. */
static void
end_acked_unseen(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	wait(&n, 40 * MS);
	ack(&n, B, n.sent[A] + 1);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].missing, 1);
	CHECK_EQ_INT(s->c.dir[A].acked_unseen, 1);
	ledger_free(n.l);
}

/* The first of five is lost, and without SACK all five are sent again: four of them had arrived. */
static void
back_over_what_arrived(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 5; i++) {
			data_at(&n, A, off + 500 * i, 500);
			wait(&n, MS);
		}
		wait(&n, 300 * MS);
	}
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].retransmissions, 5);
	CHECK_EQ_INT(s->c.dir[A].again_first, 1);
	ledger_free(n.l);
}

/*
 * Joined in the middle, the other side has only ACKs: one that comes far later than they do answers
 * what the capture lacks.
 */
static void
late_answer_joined(void)
{
	struct net n;
	struct seen *s;

	begin_with(&n, NULL);
	for (int i = 0; i < 4; i++) {
		data(&n, A, 500);
		wait(&n, 20 * MS);
		ack(&n, B, n.sent[A]);
		wait(&n, 20 * MS);
	}
	data(&n, A, 1448);
	wait(&n, 900 * MS);
	data_at(&n, A, n.sent[A] - 1448, 1448);
	wait(&n, 1700 * MS);
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].proven, 552);
	ledger_free(n.l);
}

/*
 * The line dies behind four segments of a flight that arrive, whose ACKs it takes: the rest of the
 * flight is no loss of another time.
 */
static void
rest_of_flight(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	for (int i = 0; i < 8; i++)
		deliver(&n, 1448);
	off = n.sent[A];
	flight(&n, 30);
	timeouts(&n, off, 6, 210);
	wait(&n, 40 * MS);
	ack_sack(&n, B, off + 4 * 1448, off, off + 1448);
	for (uint32_t at = off + 4 * 1448; at < n.sent[A]; at += 1448)
		data_at(&n, A, at, 1448);
	wait(&n, 40 * MS);
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].dsacks, 1);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK_EQ_INT(s->stall[0].chain_lost, 5);
	CHECK_EQ_INT(s->stall[0].lost_else, 0);
	ledger_free(n.l);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a full queue", a_full_queue },
		{ "many missing in the capture", many_missing_in_the_capture },
		{ "repairs of a loss before the capture", upstream_loss },
		{ "one interruption", one_interruption },
		{ "the rest of a flight of which some arrived", rest_of_flight },
		{ "one interruption, a repetition that the capture lacks",
		    one_interruption_and_capture_loss },
		{ "the receiver asks again", receiver_asks_again },
		{ "SACK of what was not seen", sacked_unseen },
		{ "ACK of an end that was not seen", end_acked_unseen },
		{ "an answer to the first transmission", answer_to_the_first },
		{ "back over what had arrived", back_over_what_arrived },
		{ "joined in the middle, a late answer", late_answer_joined },
		{ "a probe behind a hole", probe_behind_a_hole },
	};

	return check_main("ledger_repair", tests, sizeof(tests) / sizeof(tests[0]));
}
