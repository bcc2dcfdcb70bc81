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
			ack_sack(n, B, base + done * 1448, base + (top - 1) * 1448,
			    top > done ? base + top * 1448 : 0);
			told = done;
			rto = 200;
		} else {
			wait(n, rto * MS);
			rto *= 2;
		}
	}
}

/* A clock that was set in mid-handshake tells no round trip, and no sum with it overflows. */
static void
a_handshake_of_a_lifetime(void)
{
	struct net n;
	struct seen *s;

	begin_with(&n, NULL);
	handshake(&n, INT64_C(80) * 365 * 86400 * S);
	dialogue(&n);
	data(&n, A, 1448);
	wait(&n, INT64_C(80) * 365 * 86400 * S);
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK(s->c.rtt_ns <= RECORD_RTT_MOST);
	CHECK_EQ_INT(s->c.vantage, -1);
	CHECK_EQ_INT(s->c.dir[B].loop_ns, 0);
	ledger_free(n.l);
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

			begin_mail(&n);
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

/*
 * A connection of many mails whose ends have many sizes, then large packets that vanish.  The small
 * sizes share one note; what is proven is not rounded up, and no size stands for another one that
 * is lost.
 */
static void
many_sizes_and_one_lost(void)
{
	static const struct {
		uint32_t from, step, sizes, proven;
	} cases[] = {
		{ 100, 30, 10, 422 },
		{ 100, 30, 42, 1382 },
		{ 1400, (uint32_t)-30, 42, 1452 },
		{ 100, 4, 300, 1348 },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct record_direction *a;
		struct net n;
		struct seen *s;

		begin_mail(&n);
		for (uint32_t i = 0; i < cases[k].sizes; i++)
			deliver(&n, cases[k].from + i * cases[k].step);
		black_hole(&n);
		s = report(&n);
		a = &s->c.dir[A];
		CHECK_EQ_INT(a->proven, cases[k].proven);
		CHECK_EQ_INT(s->stalls, 1);
		CHECK_EQ_INT(s->stall[0].u, 1500);
		CHECK_EQ_INT(s->stall[0].n_ok_ge, 0);
		CHECK(a->size_count <= RECORD_SIZES);
		CHECK_EQ_INT(a->sizes[a->size_count - 1].w, 1500);
		CHECK_EQ_INT(a->sizes[a->size_count - 1].ok, 0);
		for (uint32_t i = 0; i + 1 < a->size_count; i++)
			CHECK(a->sizes[i].w < a->sizes[i + 1].w && a->sizes[i].lost == 0);
		ledger_free(n.l);
	}
}

/* Folding loses nothing: a window of 64 and one of 8192 tell the same sums. */
static void
folding(void)
{
	static const struct ledger_limits small = { .segments = 64, .stalls = 8, .icmp = 16 };
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
	static const struct ledger_limits small = { .segments = 128, .stalls = 8, .icmp = 16 };
	struct seen *s;
	struct net n;
	uint32_t head;

	begin_with(&n, &small);
	handshake(&n, 40 * MS);
	dialogue(&n);
	head = n.sent[A];
	black_hole(&n);
	again_in_halves(&n, head);
	for (int i = 0; i < 500; i++)
		deliver(&n, 724);
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
	static const struct ledger_limits small = { .segments = 256, .stalls = 4, .icmp = 4 };
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

/* Nothing of many flows is ever acknowledged: together they hold so much, and give it back. */
static void
all_open_everywhere(void)
{
	enum { FLOWS = 8, EACH = 1000 };
	struct ledger_pool pool = { .most = 2048 };
	struct ledger_limits limits = { .segments = 8192, .stalls = 4, .icmp = 4, .pool = &pool };
	static struct net n[FLOWS];
	uint64_t dropped = 0;

	for (int k = 0; k < FLOWS; k++) {
		begin_with(&n[k], &limits);
		handshake(&n[k], 40 * MS);
	}
	for (int i = 0; i < EACH; i++)
		for (int k = 0; k < FLOWS; k++) {
			data(&n[k], A, 1448);
			wait(&n[k], MS);
			CHECK(pool.segments <= pool.most);
		}
	CHECK(pool.segments > 0);
	for (int k = 0; k < FLOWS; k++) {
		dropped += ledger_caps(n[k].l).segments_dropped;
		CHECK_EQ_INT(report(&n[k])->c.dir[A].data_segments, EACH);
		ledger_free(n[k].l);
	}
	CHECK(dropped > FLOWS * EACH / 2);
	CHECK_EQ_INT(pool.segments, 0);
}

/*
 * A capture that is sent round and round: its last segment is never acknowledged, and all others
 * come again.
 */
static void
round_and_round(void)
{
	struct net n;
	uint32_t from;

	begin_mail(&n);
	from = n.sent[A];
	flight(&n, 200);
	for (int round = 0; round < 100; round++) {
		for (uint32_t off = from; off < n.sent[A]; off += 1448) {
			data_at(&n, A, off, 1448);
			wait(&n, MS);
			if (off + 1448 < n.sent[A])
				ack(&n, B, off + 1448);
		}
		wait(&n, 20000 * MS);
	}
	CHECK(ledger_bytes(n.l) < 200000);
	CHECK(ledger_caps(n.l).segments_dropped > 0);
	report(&n);
	ledger_free(n.l);
}

/* Packets of an enemy: any numbers in any order. */
static void
hostile(void)
{
	static const struct ledger_limits small = { .segments = 512, .stalls = 4, .icmp = 4 };
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

			p.seq = near ? 1001 + chance(&seed) % 9000
				     : chance(&seed) << 16 | chance(&seed);
			p.ack = near ? 1001 + chance(&seed) % 9000
				     : chance(&seed) << 16 | chance(&seed);
			p.len = chance(&seed) % 3 ? chance(&seed) % 3000 : 0;
			p.caplen = p.len;
			p.w = p.len + 52;
			p.flags = (uint8_t)(chance(&seed) & 63);
			p.window = (uint16_t)(chance(&seed) % 5 ? chance(&seed) : 0);
			p.sack_count = (uint8_t)(chance(&seed) % 5);
			for (int k = 0; k < 4; k++) {
				p.sack[k][0] =
				    near ? 1001 + chance(&seed) % 9000 : chance(&seed) << 16;
				p.sack[k][1] = p.sack[k][0] + chance(&seed) % 3000;
			}
			p.at.ns += (int64_t)(chance(&seed) % 1000) * MS - 300 * MS;
			n.now += 2 * MS;
			give(&n, &p, dir);
			if (chance(&seed) % 50 == 0) {
				p = frag_needed(&n, chance(&seed) % 2000, chance(&seed) % 3000,
				    chance(&seed) % 9000);
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

/* An RST of the client: of what it sends next or of what it once sent, with an ACK or without. */
static void
reset(struct net *n, uint32_t *seed)
{
	struct packet p = packet(n, A);
	uint32_t back = chance(seed) % 3 == 0 ? chance(seed) % 20000 : 0;

	p.flags = chance(seed) % 2 == 0 ? TCP_RST : TCP_RST | TCP_ACK;
	p.seq = 1001 + (back < n->sent[A] ? n->sent[A] - back : 0);
	p.ack = 1001 + n->sent[B];
	p.ttl = chance(seed) % 2 == 0 ? 64 : 50;
	give(n, &p, A);
}

/*
 * Mostly a calm transfer, now and then a fast one or a late ACK; `trouble' of a hundred steps are
 * none.
 */
static void
transfer(struct net *n, uint32_t *seed, uint32_t trouble, int steps)
{
	static const int64_t waits[] = { 0, 1, 20, 60, 450, 700, 2500 };
	uint32_t fast = 0;

	for (int i = 0; i < steps; i++) {
		uint32_t sent = n->sent[A];

		if (chance(seed) % 20 == 0)
			fast = chance(seed) % 30;
		for (uint32_t burst = chance(seed) % 4; burst > 0; burst--)
			data(n, A, 100 + chance(seed) % 1349);
		if (fast > 0)
			fast--;
		else
			wait(n, chance(seed) % 50 == 0 ? 600 * MS : waits[chance(seed) % 4] * MS);
		if (chance(seed) % 8 == 0)
			data(n, B, 30 + chance(seed) % 200);
		if (chance(seed) % 100 < trouble) {
			wait(n, waits[chance(seed) % 7] * MS);
			switch (chance(seed) % 5) {
			case 0:
				data_at(n, A,
				    sent > 3000 ? sent - 1448 * (1 + chance(seed) % 2) : 0, 1448);
				break;
			case 1:
				n->sent[A] += 1448;
				data(n, A, 1448);
				ack_sack(n, B, sent, n->sent[A] - 1448, n->sent[A]);
				break;
			case 2: data_at(n, A, sent, 1448); break;
			case 3: reset(n, seed); break;
			case 4: ack_sack(n, B, n->sent[A], sent, n->sent[A]); break;
			}
		}
		if (chance(seed) % 4 != 0)
			ack(n, B, n->sent[A]);
		n->acked[A] = n->sent[B];
	}
}

/* A report that outlives the next one; what it points to in the ledger stays there. */
static void
seen_copy(struct seen *to, const struct seen *from)
{
	*to = *from;
	for (int d = 0; d < 2; d++) {
		to->c.dir[d].sizes = to->lists[d].sizes;
		to->c.dir[d].unseen = to->lists[d].unseen;
		to->c.dir[d].pauses = to->lists[d].pauses;
	}
}

static void
same_direction(const struct record_direction *x, const struct record_direction *y)
{
	struct record_direction a = *x, b = *y;

	CHECK(a.size_count == b.size_count &&
	    memcmp(a.sizes, b.sizes, a.size_count * sizeof(*a.sizes)) == 0);
	CHECK(a.passed_count == b.passed_count &&
	    memcmp(a.passed, b.passed, a.passed_count * sizeof(*a.passed)) == 0);
	CHECK(a.pause_count == b.pause_count &&
	    memcmp(a.pauses, b.pauses, a.pause_count * sizeof(*a.pauses)) == 0);
	a.sizes = b.sizes = NULL;
	a.passed = b.passed = NULL;
	a.unseen = b.unseen = NULL;
	a.pauses = b.pauses = NULL;
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
}

/*
 * A flow whose window is folded while nothing happens, or (`kept') is not, for an ICMP error that
 * says little.
 */
static void
begin_folded(struct net *n, bool kept)
{
	struct packet p;

	begin(n);
	dialogue(n);
	p = frag_needed(n, 0, 100, 0);
	p.icmp_type = 11;
	p.icmp_frag_needed = false;
	if (kept)
		CHECK(ledger_icmp(n->l, &p));
}

/*
 * Acknowledged after 600 ms, when the round trip still seemed to be 40 ms: proof or not is said by
 * what it is in the end.
 */
static void
late_proof_is_not_folded(void)
{
	for (int k = 0; k < 2; k++) {
		struct net n;

		begin_folded(&n, k == 1);
		for (int i = 0; i < 100; i++) {
			data(&n, A, i == 5 ? 1448 : 1000);
			wait(&n, i == 5 ? 600 * MS : i < 70 ? 40 * MS : MS);
			ack(&n, B, n.sent[A]);
			wait(&n, 10 * MS);
			if (i >= 70) {
				data(&n, B, 30);
				wait(&n, MS);
				ack(&n, A, n.sent[B]);
			}
		}
		CHECK_EQ_INT(report(&n)->c.dir[A].proven, 1052);
		ledger_free(n.l);
	}
}

/* A reset is held against what was acknowledged long enough ago, however much was said since. */
static void
old_ack_is_not_folded(void)
{
	for (int k = 0; k < 2; k++) {
		struct packet p;
		struct net n;

		begin_folded(&n, k == 1);
		for (int i = 0; i < 80; i++) {
			data(&n, A, 1000);
			wait(&n, i < 10 ? 40 * MS : MS / 10);
			ack(&n, B, n.sent[A]);
		}
		p = packet(&n, A);
		p.flags = TCP_RST;
		p.seq = 1001 + 5000;
		give(&n, &p, A);
		CHECK((report(&n)->c.dir[A].reset_signs & RESET_R2) != 0);
		ledger_free(n.l);
	}
}

/* A window that is folded because nothing happened tells what one tells that is kept. */
static void
calm_folding(void)
{
	static struct seen a, b;
	uint64_t bytes[2] = { 0, 0 };

	for (uint32_t run = 0; run < 600; run++) {
		struct net n[2];

		for (int k = 0; k < 2; k++) {
			uint32_t seed = run;

			begin_folded(&n[k], k == 1);
			transfer(&n[k], &seed, run % 3 == 0 ? 0 : run % 12, 75);
			seen_copy(k == 0 ? &a : &b, report(&n[k]));
			bytes[k] += ledger_bytes(n[k].l);
		}
		for (int d = 0; d < 2; d++)
			same_direction(&a.c.dir[d], &b.c.dir[d]);
		CHECK_EQ_INT(a.c.rtt_ns, b.c.rtt_ns);
		CHECK_EQ_INT(a.stalls, b.stalls);
		for (unsigned int i = 0; i < a.stalls; i++)
			CHECK(memcmp(&a.stall[i], &b.stall[i], sizeof(a.stall[i])) == 0);
		ledger_free(n[0].l);
		ledger_free(n[1].l);
	}
	CHECK(bytes[0] * 4 < bytes[1] * 3);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a handshake of a lifetime", a_handshake_of_a_lifetime },
		{ "random loss of 8 to 40 percent", random_loss_is_not_size },
		{ "many sizes, and one is lost", many_sizes_and_one_lost },
		{ "folding loses nothing", folding },
		{ "folding early loses nothing", calm_folding },
		{ "a late proof is not folded early", late_proof_is_not_folded },
		{ "an old ACK is not folded early", old_ack_is_not_folded },
		{ "a stall survives folding", stall_survives_folding },
		{ "everything open", all_open },
		{ "everything open everywhere", all_open_everywhere },
		{ "round and round", round_and_round },
		{ "hostile packets", hostile },
	};

	return check_main("ledger bounds", tests, sizeof(tests) / sizeof(tests[0]));
}
