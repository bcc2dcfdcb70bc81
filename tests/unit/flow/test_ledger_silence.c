/* The ledger where little is sent: windows that close or are not scaled, pauses. */
#include "ledger_build.h"

/* B's window is `shut' while five probes are answered. */
static struct seen *
shut_window(struct net *np, uint16_t shut)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	data(&n, A, 1448);
	wait(&n, 40 * MS);
	n.window[B] = shut;
	ack(&n, B, n.sent[A]);
	for (int i = 0; i < 5; i++) {
		struct packet p;

		wait(&n, (300 << i) * MS);
		p = packet(&n, A);
		p.seq = 1000 + n.sent[A];
		p.ack = 1001 + n.acked[A];
		give(&n, &p, A);
		wait(&n, 40 * MS);
		ack(&n, B, n.sent[A]);
	}
	n.window[B] = 500;
	ack(&n, B, n.sent[A]);
	wait(&n, 10 * S);
	s = report(&n);
	*np = n;
	return s;
}

static void
zero_window(void)
{
	struct net n;
	struct seen *s = shut_window(&n, 0);

	CHECK_EQ_INT(s->c.dir[B].zero_probes, 5);
	CHECK_EQ_INT(s->c.dir[B].zero_room, 0);
	CHECK(s->c.dir[B].zero_over);
	CHECK(s->c.dir[B].zero_to.ns - s->c.dir[B].zero_from.ns > 9 * S);
	CHECK_EQ_INT(s->stalls, 0);
	for (unsigned int i = 0; i < s->c.dir[A].pause_count; i++)
		CHECK(s->c.dir[A].pauses[i].trailing); /* the closed window is no pause */
	ledger_free(n.l);
}

/*
 * What opens it may be lost in the capture: then new data, more of it than a probe, tells that it
 * opened, and data that was on its way does not.
 */
static void
window_opens_unseen(void)
{
	struct net n;
	struct seen *s;

	for (int on = 0; on < 2; on++) {
		begin_mail(&n);
		data(&n, A, 1448);
		wait(&n, 40 * MS);
		n.window[B] = 0;
		ack(&n, B, n.sent[A]);
		if (!on)
			flight(&n, 10); /* sent before it heard of it */
		for (int i = 0; i < 5; i++) {
			wait(&n, (300 << i) * MS);
			data_at(&n, A, n.sent[A] - 1, 1);
			wait(&n, 40 * MS);
			ack(&n, B, 1448);
		}
		if (on)
			flight(&n, 10);
		wait(&n, 20 * S);
		if (on) { /* long afterwards it says so */
			n.window[B] = 500;
			ack(&n, B, n.sent[A]);
		}
		s = report(&n);
		CHECK_EQ_INT(s->c.dir[B].zero_over, on);
		CHECK(s->c.dir[B].zero_to.ns - s->c.dir[B].zero_from.ns < 11 * S);
		ledger_free(n.l);
	}
}

/* 512 bytes of 64000: not 0, but no segment fits; the sender waits as it would at 0. */
static void
silly_window(void)
{
	struct net n;
	struct seen *s = shut_window(&n, 4);

	CHECK_EQ_INT(s->c.dir[B].zero_probes, 5);
	CHECK_EQ_INT(s->c.dir[B].zero_room, 4 << 7);
	for (unsigned int i = 0; i < s->c.dir[A].pause_count; i++)
		CHECK(s->c.dir[A].pauses[i].trailing);
	ledger_free(n.l);
	s = shut_window(&n, 12); /* 1536: a segment fits */
	CHECK_EQ_INT(s->c.dir[B].zero_probes, 0);
	CHECK_EQ_INT(s->c.dir[B].zero_from.frame, 0);
	ledger_free(n.l);
}

/*
 * A full buffer takes its offer back: what was on its way is sent again, and each time the window
 * is 0.
 */
static void
window_taken_back(void)
{
	struct net n;
	struct seen *s;
	uint32_t first;

	begin_mail(&n);
	first = n.sent[A] + 1448;
	flight(&n, 3);
	wait(&n, 40 * MS);
	n.window[B] = 0;
	ack(&n, B, first);
	data(&n, A, 1448); /* crossed the ACK: it asks nothing */
	wait(&n, 40 * MS);
	ack(&n, B, first);
	for (int i = 0; i < 5; i++) {
		wait(&n, (300 << i) * MS);
		data_at(&n, A, first, 1448);
		wait(&n, 40 * MS);
		ack(&n, B, first);
	}
	n.window[B] = 500;
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[B].zero_probes, 5);
	CHECK(s->c.dir[B].zero_to.ns - s->c.dir[B].zero_from.ns > 9 * S);
	ledger_free(n.l);
}

static void
pauses(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	deliver(&n, 1448);
	wait(&n, 20 * S);
	deliver(&n, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].pause_count, 1);
	CHECK(s->c.dir[A].pause_ids_continue);
	CHECK(s->c.dir[A].pause_to.ns - s->c.dir[A].pause_from.ns > 20 * S);
	/* what was sent is not acknowledged: no pause */
	data(&n, A, 1448);
	wait(&n, 20 * S);
	data(&n, A, 1448);
	wait(&n, 40 * MS);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].pause_count, 1);
	/* the counter moved on: it was sending */
	ack(&n, B, n.sent[A]);
	deliver(&n, 1448);
	wait(&n, 30 * S);
	n.id[A] = (uint16_t)(n.id[A] + 7);
	data(&n, A, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].pause_count, 2);
	CHECK(!s->c.dir[A].pause_ids_continue);
	CHECK_EQ_INT(s->c.dir[A].id_gap, 7);
	CHECK(s->c.dir[A].id_gap_big_before);
	ledger_free(n.l);
}

/* It asks for room, one number back, as one does whose peer has shut its window. */
static void
asks_for_room(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	deliver(&n, 1448);
	for (int i = 0; i < 4; i++) {
		struct packet p = packet(&n, A);

		wait(&n, (i + 1) * 2 * S);
		p = packet(&n, A);
		p.flags = TCP_ACK;
		p.seq = 1000 + n.sent[A]; /* 1001 is the first byte */
		p.ack = 1001 + n.acked[A];
		give(&n, &p, A);
		ack(&n, B, n.sent[A]);
	}
	deliver(&n, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].pause_count, 1);
	CHECK_EQ_INT(s->c.dir[A].pauses[0].probes, 4);
	ledger_free(n.l);
}

static void
scale_lost(void)
{
	struct net n;
	struct seen *s;

	begin(&n);
	n.window[B] = 64;
	dialogue(&n);
	for (int i = 0; i < 20; i++) {
		ack(&n, B, n.sent[A]);
		data(&n, A, 64);
		wait(&n, 200 * MS);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[B].window_median, 64);
	CHECK_EQ_INT(s->c.dir[B].window_eq, 20);
	CHECK_EQ_INT(s->c.dir[B].window_over, 0);
	ledger_free(n.l);
}

/*
 * The last that was sent is a repetition, and it alone is acknowledged 8 s later: the rest was
 * outstanding all the time.
 */
static void
repetition_is_no_pause(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	flight(&n, 3);
	wait(&n, S);
	data_at(&n, A, off, 1448);
	wait(&n, 8 * S);
	ack(&n, B, off + 1448);
	data_at(&n, A, off + 1448, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].pause_count, 0);
	ledger_free(n.l);
}

/* 1024 bytes, and when those have come 0: less than that is sent again, and each time it is 0. */
static void
little_taken_back(void)
{
	struct net n;
	struct seen *s;
	uint32_t first;

	begin_mail(&n);
	flight(&n, 3);
	wait(&n, 40 * MS);
	n.window[B] = 8; /* 1024 */
	ack(&n, B, n.sent[A]);
	wait(&n, 10 * MS);
	data(&n, A, 1024);
	wait(&n, 40 * MS);
	n.window[B] = 0;
	first = n.sent[A];
	ack(&n, B, first);
	wait(&n, 400 * MS);
	data(&n, A, 424);
	wait(&n, 40 * MS);
	ack(&n, B, first);
	for (int i = 0; i < 4; i++) {
		wait(&n, (600 << i) * MS);
		data_at(&n, A, first, 424);
		wait(&n, 40 * MS);
		ack(&n, B, first);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[B].zero_probes, 5);
	CHECK_EQ_INT(s->c.dir[B].zero_room, 1024);
	CHECK(s->c.dir[B].zero_to.ns - s->c.dir[B].zero_from.ns > 9 * S);
	ledger_free(n.l);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "zero window", zero_window },
		{ "zero window that opens unseen", window_opens_unseen },
		{ "a window taken back", window_taken_back },
		{ "a little window taken back", little_taken_back },
		{ "a window too small for a segment", silly_window },
		{ "pauses", pauses },
		{ "pauses in which it asks for room", asks_for_room },
		{ "a repetition, and then silence", repetition_is_no_pause },
		{ "window scale lost", scale_lost },
	};

	return check_main("ledger silence", t, sizeof(t) / sizeof(t[0]));
}
