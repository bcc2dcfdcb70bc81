/* The ledger in the long run: loss, folding, bounds, packets of an enemy. */
#include "ledger_build.h"

/*
 * A sender with a window of ten segments that repeats what it was not told of
 * after a timeout; each packet, data or ACK, is lost with `percent'.
 */
static void
lossy(struct net *n, uint32_t *seed, uint32_t percent, uint32_t segments)
{
	uint32_t base = n->sent[A], told = 0, done = 0, rto = 200;
	bool got[512] = { false };

	while (told < segments) {
		uint32_t top = 0;

		for (uint32_t i = told; i < told + 10 && i < segments; i++) {
			if (got[i] && i != told)
				continue;
			data_at(n, A, base + i * 1448, 1448);
			if (chance(seed) % 100 >= percent) {
				got[i] = true;
				top = i + 1;
			}
		}
		while (done < segments && got[done])
			done++;
		wait(n, 40 * MS);
		if (top > 0 && chance(seed) % 100 >= percent) {
			ack_sack(n, B, base + done * 1448, base + (top - 1) * 1448, top > done ? base + top * 1448 : 0);
			told = done;
			rto = 200;
		} else {
			wait(n, rto * MS);
			rto *= 2;
		}
	}
}

/* 8 to 40 % random loss: some full-size segment passes, so nothing points at size. */
static void
random_loss_is_not_size(void)
{
	uint32_t seed = 1;

	for (uint32_t percent = 8; percent <= 40; percent += 8)
		for (int run = 0; run < 10; run++) {
			struct net n;
			struct seen *s;

			begin(&n);
			dialogue(&n);
			lossy(&n, &seed, percent, 100);
			s = report(&n);
			CHECK_EQ_INT(s->c.dir[A].proven, 1500);
			for (unsigned int i = 0; i < s->stalls; i++)
				CHECK_EQ_INT(s->stall[i].u, 0);
			CHECK(s->c.dir[A].retransmissions > 4);
			CHECK(!s->c.dir[A].all_lost_above_proven);
			ledger_free(n.l);
		}
}

/* Folding loses nothing: a window of 64 and one of 8192 tell the same sums. */
static void
folding(void)
{
	static const struct ledger_limits small = { 64, 8, 16 };
	static struct seen a, b;
	struct net n;

	for (int k = 0; k < 2; k++) {
		uint32_t seed = 7;

		begin_with(&n, k == 0 ? NULL : &small);
		handshake(&n, 40 * MS);
		dialogue(&n);
		for (int i = 0; i < 3000; i++) {
			uint32_t off = n.sent[A];

			data(&n, A, 200 + chance(&seed) % 1200);
			if (i % 50 == 7) {
				wait(&n, 300 * MS);
				data_at(&n, A, off, n.sent[A] - off);
			}
			wait(&n, 40 * MS);
			ack(&n, B, n.sent[A]);
		}
		*(k == 0 ? &a : &b) = *report(&n);
		CHECK(ledger_bytes(n.l) < (k == 0 ? 200000 : 60000));
		CHECK_EQ_INT(ledger_caps(n.l).segments_dropped, 0);
		ledger_free(n.l);
	}
	CHECK_EQ_INT(a.c.dir[A].proven, b.c.dir[A].proven);
	CHECK_EQ_INT(a.c.dir[A].retransmissions, 60);
	CHECK_EQ_INT(b.c.dir[A].retransmissions, 60);
	CHECK_EQ_INT(a.c.dir[A].repair_ranges, b.c.dir[A].repair_ranges);
	CHECK_EQ_INT(a.c.rtt_ns, b.c.rtt_ns);
	CHECK_EQ_INT(a.c.dir[A].missing + b.c.dir[A].missing, 0);
}

/* A stall in the middle of a long flow is still there when the window has moved on. */
static void
stall_survives_folding(void)
{
	static const struct ledger_limits small = { 128, 8, 16 };
	struct seen *s;
	struct net n;
	uint32_t head;

	begin_with(&n, &small);
	handshake(&n, 40 * MS);
	dialogue(&n);
	head = n.sent[A];
	black_hole(&n);
	for (uint32_t off = head; off < n.sent[A]; off += 724) {
		data_at(&n, A, off, 724);
		wait(&n, 40 * MS);
		ack(&n, B, off + 724);
	}
	for (int i = 0; i < 500; i++) {
		data(&n, A, 724);
		wait(&n, 40 * MS);
		ack(&n, B, n.sent[A]);
	}
	s = report(&n);
	CHECK_EQ_INT(ledger_caps(n.l).segments_dropped, 0);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK_EQ_INT(s->stall[0].chain_lost, 6);
	CHECK(s->stall[0].delivered_smaller);
	CHECK_EQ_INT(s->stall[0].u, 1500);
	CHECK_EQ_INT(s->stall[0].n_lost_ge, 15);
	ledger_free(n.l);
}

/* Nothing is ever acknowledged: memory stays bounded and the loss of detail is counted. */
static void
all_open(void)
{
	static const struct ledger_limits small = { 256, 4, 4 };
	struct net n;

	begin_with(&n, &small);
	handshake(&n, 40 * MS);
	for (int i = 0; i < 20000; i++) {
		data(&n, A, 1448);
		wait(&n, MS);
	}
	CHECK(ledger_bytes(n.l) < 100000);
	CHECK(ledger_caps(n.l).segments_dropped > 10000);
	report(&n);
	ledger_free(n.l);
}

/* Packets of an enemy: any numbers in any order. */
static void
hostile(void)
{
	static const struct ledger_limits small = { 512, 4, 4 };
	uint32_t seed = 99;

	for (int run = 0; run < 40; run++) {
		struct net n;
		bool near = run % 2 == 0;

		begin_with(&n, run % 3 == 0 ? NULL : &small);
		if (run % 4 != 0)
			handshake(&n, MS);
		for (int i = 0; i < 3000; i++) {
			int dir = chance(&seed) & 1;
			struct packet p = packet(&n, dir);

			p.seq = near ? 1001 + chance(&seed) % 9000 : chance(&seed) << 16 | chance(&seed);
			p.ack = near ? 1001 + chance(&seed) % 9000 : chance(&seed) << 16 | chance(&seed);
			p.len = chance(&seed) % 3 ? chance(&seed) % 3000 : 0;
			p.caplen = p.len;
			p.w = p.len + 52;
			p.flags = (uint8_t)(chance(&seed) & 63);
			p.window = (uint16_t)(chance(&seed) % 5 ? chance(&seed) : 0);
			p.sack_count = (uint8_t)(chance(&seed) % 5);
			for (int k = 0; k < 4; k++) {
				p.sack[k][0] = near ? 1001 + chance(&seed) % 9000 : chance(&seed) << 16;
				p.sack[k][1] = p.sack[k][0] + chance(&seed) % 3000;
			}
			p.at.ns += (int64_t)(chance(&seed) % 1000) * MS - 300 * MS;
			n.now += 2 * MS;
			give(&n, &p, dir);
			if (chance(&seed) % 50 == 0) {
				p = frag_needed(&n, chance(&seed) % 2000, chance(&seed) % 3000, chance(&seed) % 9000);
				p.quote_cut = chance(&seed) & 1;
				(void)ledger_icmp(n.l, &p);
			}
			if (i % 500 == 0)
				report(&n);
		}
		CHECK(ledger_bytes(n.l) < 1200000);
		report(&n);
		ledger_free(n.l);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "random loss of 8 to 40 percent", random_loss_is_not_size },
		{ "folding loses nothing", folding },
		{ "a stall survives folding", stall_survives_folding },
		{ "everything open", all_open },
		{ "hostile packets", hostile },
	};

	return check_main("ledger bounds", tests, sizeof(tests) / sizeof(tests[0]));
}
