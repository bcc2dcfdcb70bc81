/* What is sent again: lost, late or needless; and what it proves. */
#include "ledger_build.h"

static void
super_segments_prove_nothing(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	for (int i = 0; i < 5; i++)
		deliver(&n, 7240);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].proven, 92);
	CHECK_EQ_INT(s->c.dir[A].super_segments, 5);
	CHECK_EQ_INT(s->c.dir[A].w_max, 92);
	ledger_free(n.l);
}

/*
 * They were cut at the full size: where such arrived, a stall behind them is not the first of that
 * size; where one only follows it, it is.
 */
static void
super_segments_before_a_stall(void)
{
	for (int before = 0; before < 2; before++) {
		struct net n;
		struct seen *s;
		uint32_t off;

		begin_mail(&n);
		if (before)
			deliver(&n, 7240);
		off = n.sent[A];
		data(&n, A, 7240);
		timeouts(&n, off, 6, 200);
		s = report(&n);
		CHECK_EQ_INT(s->stalls, 1);
		CHECK_EQ_INT(s->stall[0].pieces_came, before);
		ledger_free(n.l);
	}
}

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

/*
 * Its card cuts for it: when it has shrunk to 512 bytes, a piece of 1024 goes out as two, and
 * proves nothing of its size.
 */
static void
shrunk_with_offload(bool card_cuts, uint32_t proven)
{
	static const int64_t waits[] = { 300, 900, 1800, 3600 };
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	data_at(&n, A, off, card_cuts ? 2048 : 1024);
	data_at(&n, A, off + (card_cuts ? 2048 : 1024), 1024);
	for (int i = 0; i < 4; i++) {
		wait(&n, waits[i] * MS);
		data_at(&n, A, off, i < 3 ? 1024 : 512);
	}
	wait(&n, 40 * MS);
	ack(&n, B, off + 512);
	data_at(&n, A, off + 512, 512);
	data_at(&n, A, off + 1024, 1024);
	wait(&n, 40 * MS);
	ack(&n, B, off + 2048);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].proven, proven);
	ledger_free(n.l);
}

static void
shrunk(void)
{
	shrunk_with_offload(true, 512 + 52);
	shrunk_with_offload(false, 1024 + 52); /* nothing says that this sender's card cuts */
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
		{ "super-segments prove nothing", super_segments_prove_nothing },
		{ "super-segments before a stall", super_segments_before_a_stall },
		{ "a D-SACK refutes a loss", duplicate_refutes_loss },
		{ "a D-SACK refutes the first loss", duplicate_refutes_the_first_loss },
		{ "a D-SACK refutes no loss of long ago", duplicate_refutes_no_old_loss },
		{ "an overtaken ACK tells no duplicate", overtaken_ack_tells_no_duplicate },
		{ "reordering is not loss", reordering },
		{ "reordering without IP IDs", reordering_without_ids },
		{ "repairs of a loss before the capture", upstream_loss },
		{ "one interruption", one_interruption },
		{ "the rest of a flight of which some arrived", rest_of_flight },
		{ "one interruption, a repetition that the capture lacks",
		    one_interruption_and_capture_loss },
		{ "shrunk, with offload", shrunk },
		{ "the receiver asks again", receiver_asks_again },
		{ "doubled 3 ms later", doubled },
		{ "SACK of what was not seen", sacked_unseen },
		{ "ACK of an end that was not seen", end_acked_unseen },
		{ "an answer to the first transmission", answer_to_the_first },
		{ "overtaken, or late by a round trip", overtaken_or_timed },
		{ "back over what had arrived", back_over_what_arrived },
		{ "joined in the middle, a late answer", late_answer_joined },
		{ "a probe behind a hole", probe_behind_a_hole },
	};

	return check_main("ledger_repair", tests, sizeof(tests) / sizeof(tests[0]));
}
