/* Segments larger than go on the cable: what the card cuts proves no size. */
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

int
main(void)
{
	static const struct check_test tests[] = {
		{ "super-segments prove nothing", super_segments_prove_nothing },
		{ "super-segments before a stall", super_segments_before_a_stall },
		{ "shrunk, with offload", shrunk },
	};

	return check_main("ledger_offload", tests, sizeof(tests) / sizeof(tests[0]));
}
