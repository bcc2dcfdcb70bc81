/* Resets in the full ledger: what in them a device in between could not have known. */
#include "ledger_build.h"

static void
reset(struct net *n, int dir, uint32_t off, uint8_t ttl, uint8_t flags)
{
	struct packet p = packet(n, dir);

	p.flags = flags;
	p.ttl = ttl;
	p.seq = 1001 + off;
	p.ack = flags & TCP_ACK ? 1001 + n->acked[dir] : 0;
	give(n, &p, dir);
}

static void
resets(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n); /* the server itself */
	reset(&n, B, n.sent[B], 57, TCP_RST | TCP_ACK);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[B].reset_signs, 0);
	CHECK_EQ_INT(s->c.dir[B].rst_count, 1);
	CHECK(!s->c.dir[B].rst_answers && !s->c.dir[B].rst_bare);
	ledger_free(n.l);

	begin_mail(&n); /* a device in between */
	reset(&n, B, n.sent[B], 63, TCP_RST | TCP_ACK);
	wait(&n, 10 * MS);
	data(&n, B, 30);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[B].reset_signs, RESET_R1 | RESET_R5);
	ledger_free(n.l);

	begin_mail(&n); /* the end gives up 12 s later: until then it knew nothing of a reset */
	reset(&n, A, n.sent[A], 62, TCP_RST);
	wait(&n, 12 * S);
	data(&n, A, 6);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].reset_signs, RESET_R1 | RESET_R5);
	ledger_free(n.l);

	begin_mail(&n);   /* a closed socket answers old ACKs: no sign (S17) */
	data(&n, A, 500); /* B has not acknowledged this when A's program ends */
	wait(&n, 10 * S);
	for (int i = 0; i < 4; i++) {
		data(&n, B, 100);
		wait(&n, MS);
		reset(&n, A, n.acked[B], 64, TCP_RST);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].reset_signs, 0);
	CHECK(s->c.dir[A].rst_answers && s->c.dir[A].rst_bare);
	ledger_free(n.l);
}

/*
 * A socket that is gone answers what comes, at the number that is named there; of what ended it
 * nothing is here, but its FIN or its own RST.
 */
static bool
answers(uint8_t flags, uint8_t more, int64_t after)
{
	struct net n;
	bool says;

	begin_mail(&n);
	data(&n, A, 1400);
	wait(&n, after);
	reset(&n, B, n.sent[B], n.ttl[B], flags);
	if (more != 0)
		reset(&n, B, n.sent[B], n.ttl[B], more);
	says = report(&n)->c.dir[B].rst_answers;
	ledger_free(n.l);
	return says;
}

static void
resets_of_what_is_gone(void)
{
	CHECK(answers(TCP_RST, 0, 45 * MS));
	CHECK(!answers(TCP_RST | TCP_ACK, 0, 45 * MS));
	CHECK(!answers(TCP_RST, 0, 5 * S));                   /* there was nothing to answer */
	CHECK(!answers(TCP_RST, TCP_FIN | TCP_ACK, 45 * MS)); /* it overtook its end */
	CHECK(!answers(TCP_RST, TCP_RST | TCP_ACK, 45 * MS));
}

/* The server's signs when it, or somebody, resets `after' of a command that follows `rest'. */
static uint32_t
hasty(int64_t rest, int64_t after, uint8_t flags)
{
	struct net n;
	uint32_t signs;

	begin_mail(&n);
	wait(&n, rest);
	data(&n, A, 30);
	wait(&n, after);
	if (flags & TCP_ACK)
		n.acked[B] = n.sent[A];
	reset(&n, B, n.sent[B], n.ttl[B], flags);
	signs = report(&n)->c.dir[B].reset_signs;
	ledger_free(n.l);
	return signs;
}

/* R6: 40 ms there and back, so nobody there can know after 5 ms what was just sent. */
static void
resets_too_soon(void)
{
	CHECK_EQ_INT(hasty(MS, 5 * MS, TCP_RST | TCP_ACK), RESET_R6);
	CHECK_EQ_INT(hasty(MS, 45 * MS, TCP_RST | TCP_ACK), 0);
	CHECK_EQ_INT(hasty(10 * S, 5 * MS, TCP_RST), RESET_R6);
	CHECK_EQ_INT(hasty(10 * S, 45 * MS, TCP_RST), 0);
	CHECK_EQ_INT(
	    hasty(MS, 5 * MS, TCP_RST), 0); /* without an ACK it may have left on its own account */
}

/*
 * Its program closes; what it answers to what still comes overtakes its last ACK and its end.  The
 * other, reset, answers those.
 */
static void
resets_overtake(void)
{
	struct net n;
	struct seen *s;
	uint32_t edge;

	begin_mail(&n);
	edge = n.sent[A];
	for (int i = 0; i < 8; i++)
		data(&n, A, 1400);
	wait(&n, 45 * MS);
	reset(&n, B, n.sent[B], n.ttl[B], TCP_RST);
	wait(&n, 4 * MS);
	ack(&n, B, edge + 1400);
	reset(&n, A, edge + 1400, n.ttl[A], TCP_RST);
	reset(&n, B, n.sent[B], n.ttl[B], TCP_FIN | TCP_ACK);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].reset_signs, 0);
	CHECK_EQ_INT(s->c.dir[B].reset_signs, 0);
	ledger_free(n.l);

	begin_mail(&n); /* a device sends both */
	data(&n, A, 1400);
	wait(&n, 25 * MS);
	reset(&n, B, n.sent[B], n.ttl[B], TCP_RST);
	reset(&n, A, n.sent[A], n.ttl[A], TCP_RST);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].reset_signs, RESET_R7);
	ledger_free(n.l);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "resets", resets },
		{ "resets of what is gone", resets_of_what_is_gone },
		{ "resets that come too soon", resets_too_soon },
		{ "resets that overtake", resets_overtake },
	};

	return check_main("ledger_reset", tests, sizeof(tests) / sizeof(tests[0]));
}
