/* The full ledger against small hand-made flows: what an expert would read in them. */
#include "ledger_build.h"
#include "record/record_json.h"

static void
clean_flow(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	for (int i = 0; i < 20; i++)
		deliver(&n, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.state, CONN_ESTABLISHED);
	CHECK_EQ_INT(s->c.dir[A].ceiling, 1500);
	CHECK_EQ_INT(s->c.dir[A].proven, 1500);
	CHECK(s->c.dir[A].proven_at.frame != 0);
	CHECK_EQ_INT(s->stalls, 0);
	CHECK_EQ_INT(s->c.dir[A].missing, 0);
	CHECK_EQ_INT(s->c.dir[A].retransmissions + s->c.dir[A].hole_fills, 0);
	CHECK(s->c.rtt_known);
	CHECK(s->c.rtt_ns >= 40 * MS && s->c.rtt_ns < 45 * MS);
	CHECK(s->c.vantage > 900);
	CHECK(s->c.dir[A].at_sender);
	CHECK(!s->c.dir[B].at_sender);
	CHECK(s->c.dir[A].ids_step);
	CHECK_EQ_INT(s->c.dir[A].acked, n.sent[A]);
	ledger_free(n.l);
}

static void
a_black_hole(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	black_hole(&n);
	s = report(&n);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK_EQ_INT(s->stall[0].u, 1500);
	CHECK_EQ_INT(s->stall[0].proven, 92);
	CHECK_EQ_INT(s->stall[0].chain_count, 6);
	CHECK_EQ_INT(s->stall[0].chain_lost, 6);
	CHECK_EQ_INT(s->stall[0].n_lost_ge, 15);
	CHECK_EQ_INT(s->stall[0].n_ok_ge, 0);
	CHECK(s->stall[0].live & LIVE_L3);
	CHECK_EQ_INT(s->stall[0].peer_repeats, 1);
	CHECK(s->stall[0].first_of_size);
	CHECK(!s->stall[0].df_clear);
	CHECK_EQ_INT(s->stall[0].delivered.frame, 0);
	CHECK(s->stall[0].last.ns - s->stall[0].first.ns > 3 * S);
	ledger_free(n.l);
}

/* The path dies at the first full segment: the 354 is repeated in spite of every answer (S22). */
static void
outage_at_data(void)
{
	struct net n;
	struct seen *s;
	uint32_t head;

	begin_mail(&n);
	head = n.sent[A];
	flight(&n, 10);
	for (int i = 0; i < 6; i++) {
		wait(&n, (210 << i) * MS);
		data_at(&n, A, head, 1448);
		data_at(&n, B, n.sent[B] - 37, 37);
		wait(&n, MS);
		ack(&n, A, n.sent[B]);
	}
	wait(&n, 30 * S);
	s = report(&n);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK_EQ_INT(s->stall[0].peer_repeats, 6);
	CHECK_EQ_INT(s->stall[0].peer_repeats_after_ack, 5);
	CHECK_EQ_INT(s->stall[0].live & LIVE_L3, 0);
	ledger_free(n.l);
}

static void
peer_fin(struct net *n)
{
	struct packet p = packet(n, B);

	p.seq = 1001 + n->sent[B];
	p.ack = 1001 + n->acked[B];
	p.flags = TCP_ACK | TCP_FIN;
	give(n, &p, B);
}

/*
 * In a stall the server closes; `before' its FIN is acknowledged and `after' that it says it again
 * (0: not).
 */
static uint32_t
live_by_fin(int64_t before, int64_t after, int64_t rest)
{
	struct net n;
	uint32_t head, live;

	begin_mail(&n);
	head = n.sent[A];
	flight(&n, 10);
	timeouts(&n, head, 3, 210);
	peer_fin(&n);
	if (before != 0) {
		wait(&n, before);
		peer_fin(&n);
	}
	ack(&n, A, n.sent[B] + 1);
	if (after != 0) {
		wait(&n, after);
		peer_fin(&n);
		ack(&n, A, n.sent[B] + 1);
	}
	data_at(&n, A, head, 1448);
	wait(&n, rest);
	live = report(&n)->stall[0].live;
	ledger_free(n.l);
	return live;
}

/*
 * L2b: that the server's FIN does not come again tells that an empty ACK arrived; what crossed that
 * ACK does not count.
 */
static void
peer_fin_answered(void)
{
	CHECK_EQ_INT(live_by_fin(0, 0, 2 * S), LIVE_L2B);
	CHECK_EQ_INT(live_by_fin(0, 20 * MS, 2 * S), LIVE_L2B);
	CHECK_EQ_INT(live_by_fin(0, 500 * MS, 2 * S), 0);
	CHECK_EQ_INT(live_by_fin(0, 0, S / 2), 0); /* it may still come */
	CHECK_EQ_INT(live_by_fin(3 * S, 0, 2 * S), 0);
}

/* The bytes that vanished come again in small segments and pass. */
static void
recovery(void)
{
	struct net n;
	struct seen *s;
	uint32_t head;

	begin_mail(&n);
	head = n.sent[A];
	black_hole(&n);
	again_in_halves(&n, head);
	s = report(&n);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK(s->stall[0].delivered.frame != 0);
	CHECK(s->stall[0].delivered_smaller);
	CHECK_EQ_INT(s->stall[0].delivered_w, 776);
	CHECK_EQ_INT(s->c.dir[A].proven, 776);
	CHECK_EQ_INT(s->stall[0].u, 1500);
	CHECK(s->stall[0].live & LIVE_L1);
	ledger_free(n.l);
}

/* 0.2: an ACK that comes late, or may be for another transmission, proves the smaller one only. */
static void
contested_proof(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	data(&n, A, 1448);
	wait(&n, 3 * S); /* something unseen delivered it */
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].proven, 92);
	off = n.sent[A];
	data(&n, A, 1448);
	wait(&n, 100 * MS);
	data_at(&n, A, off, 700); /* again, cut smaller */
	data_at(&n, A, off + 700, 748);
	wait(&n, 40 * MS);
	ack(&n, B, n.sent[A]);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].proven, 800);
	ledger_free(n.l);
}

/* A capture that mixes two queues up: what is acknowledged before it is seen proves no size. */
static void
acknowledged_before_seen(void)
{
	struct net n;
	struct seen *s;
	uint32_t off;

	begin_mail(&n);
	off = n.sent[A];
	ack(&n, B, off + 1448);
	wait(&n, MS);
	data_at(&n, A, off, 1448);
	deliver(&n, 1000);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].proven, 1052);
	CHECK_EQ_INT(s->c.dir[A].w_max, 1500);
	CHECK_EQ_INT(s->c.dir[A].retransmissions, 0);
	ledger_free(n.l);
}

/* Behind the bottleneck: an empty ACK 11 full segments ahead, IDs missing (S9). */
static void
seen_from_behind(void)
{
	struct net n;
	struct seen *s;
	uint32_t edge;

	begin(&n);
	n.ttl[A] = 62;
	dialogue(&n);
	edge = n.sent[A];
	ack(&n, B, edge);
	n.sent[A] += 11 * 1448;
	n.id[A] = (uint16_t)(n.id[A] + 11);
	wait(&n, 250 * MS);
	ack(&n, A, n.sent[B]);
	wait(&n, 10 * S);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].hole_segments, 11);
	CHECK_EQ_INT(s->c.dir[A].hole_bytes, 11 * 1448);
	CHECK_EQ_INT(s->c.dir[A].hole_id_jump, 11);
	CHECK_EQ_INT(s->c.dir[A].hole_at, edge);
	CHECK(!s->c.dir[A].hole_acked);
	CHECK_EQ_INT(s->c.dir[A].hole_filled.frame, 0);
	CHECK_EQ_INT(s->c.dir[A].missing, 11 * 1448);
	CHECK_EQ_INT(s->c.dir[A].acked_unseen, 0);
	for (uint32_t off = edge; off < n.sent[A]; off += 1024) {
		data_at(&n, A, off, n.sent[A] - off < 1024 ? n.sent[A] - off : 1024);
		wait(&n, MS);
	}
	s = report(&n);
	CHECK(s->c.dir[A].hole_filled.frame != 0);
	CHECK(s->c.dir[A].hole_filled_smaller);
	CHECK_EQ_INT(s->c.dir[A].missing, 0);
	ledger_free(n.l);
}

/* The capture misses a packet that the network delivered: acknowledged, so not lost. */
static void
capture_loss(void)
{
	struct net n;
	struct seen *s;

	begin_mail(&n);
	for (int i = 0; i < 50; i++) {
		if (i % 5 == 2)
			n.sent[A] += 1448, n.id[A]++;
		else
			deliver(&n, 1448);
	}
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].acked_unseen, 10 * 1448);
	CHECK_EQ_INT(s->c.dir[A].missing, 10 * 1448);
	CHECK_EQ_INT(s->c.dir[A].retransmissions + s->c.dir[A].hole_fills, 0);
	CHECK_EQ_INT(s->stalls, 0);
	CHECK_EQ_INT(s->c.dir[A].proven, 1500);
	ledger_free(n.l);
}

static void
routers_words(void)
{
	struct net n;
	struct seen *s;
	struct packet p;
	uint32_t head;

	begin_mail(&n); /* obeyed */
	head = n.sent[A];
	flight(&n, 10);
	for (int i = 0; i < 10; i++) {
		p = frag_needed(&n, 1454, 1500, head + (uint32_t)i * 1448);
		CHECK(ledger_icmp(n.l, &p));
	}
	wait(&n, MS);
	for (uint32_t off = head; off < n.sent[A]; off += 1402) {
		data_at(&n, A, off, n.sent[A] - off < 1402 ? n.sent[A] - off : 1402);
		wait(&n, 40 * MS);
		ack(&n, B, off + 1402 < n.sent[A] ? off + 1402 : n.sent[A]);
	}
	s = report(&n);
	CHECK_EQ_INT(s->icmps, 1);
	CHECK_EQ_INT(s->icmp[0].repeats, 9);
	CHECK_EQ_INT(s->icmp[0].dir, 0);
	CHECK_EQ_INT(s->icmp[0].largest_sent, 1500);
	CHECK_EQ_INT(s->icmp[0].sent_after_above, 0);
	CHECK(s->icmp[0].sent_after > 10);
	CHECK_EQ_INT(s->icmp[0].sent_again, s->icmp[0].sent_after);
	CHECK_EQ_INT(s->c.dir[A].proven, 1454);
	ledger_free(n.l);

	begin_mail(&n); /* ignored */
	head = n.sent[A];
	data(&n, A, 1448);
	for (int i = 0; i < 5; i++) {
		p = frag_needed(&n, 1400, 1500, head);
		CHECK(ledger_icmp(n.l, &p));
		wait(&n, (300 << i) * MS);
		data_at(&n, A, head, 1448);
	}
	wait(&n, 30 * S);
	s = report(&n);
	CHECK_EQ_INT(s->icmp[0].sent_after_above, 5);
	CHECK_EQ_INT(s->icmp[0].sent_after_above_lost, 5);
	CHECK_EQ_INT(s->icmp[0].sent_again, 0);
	CHECK_EQ_INT(s->stall[0].ptb_mtu, 1400);
	CHECK(!s->stall[0].ptb_late);
	/* of another flow, and of a packet never sent */
	p = frag_needed(&n, 1400, 1500, head);
	p.quoted_dport = 80;
	CHECK(!ledger_icmp(n.l, &p));
	p = frag_needed(&n, 1400, 1500, head + 500000000);
	CHECK(!ledger_icmp(n.l, &p));
	ledger_free(n.l);
}

/*
 * A router that takes its header off the length it quotes, and one that turns the bytes round; the
 * packet was seen.
 */
static void
quotes_adjusted(void)
{
	static const struct {
		uint32_t quoted, off, length;
	} t[] = {
		{ 1500, 0, 1500 }, { 1480, 0, 1500 }, { 0xdc05, 0, 1500 },
		{ 1480, 700, 1480 }, /* the last one was not seen */
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct net n;
		struct seen *s;
		struct packet p;
		uint32_t head;

		begin_mail(&n);
		head = n.sent[A];
		data(&n, A, 1448);
		p = frag_needed(&n, 1492, t[i].quoted, head + t[i].off);
		CHECK(ledger_icmp(n.l, &p));
		s = report(&n);
		CHECK_EQ_INT(s->icmp[0].quoted_len, t[i].length);
		ledger_free(n.l);
	}
}

/* A cut quote speaks of whoever sent so large a packet a moment ago (S19). */
static void
cut_quote(void)
{
	struct net n;
	struct packet p;

	begin_mail(&n);
	p = frag_needed(&n, 1400, 0, 0);
	p.quote_cut = true;
	p.quoted_sport = p.quoted_dport = 0;
	CHECK(!ledger_icmp(n.l, &p)); /* nothing large was sent */
	data(&n, A, 1448);
	p.at.ns = n.now + 10 * MS;
	CHECK(ledger_icmp(n.l, &p));
	ledger_free(n.l);
}

static void
content_drop(void)
{
	struct net n;
	struct seen *s;
	uint32_t hole;

	begin_mail(&n);
	for (int i = 0; i < 5; i++)
		deliver(&n, 1448);
	hole = n.sent[A];
	flight(&n, 6);
	wait(&n, 40 * MS);
	ack_sack(&n, B, hole, hole + 1448, n.sent[A]);
	timeouts(&n, hole, 6, 200);
	wait(&n, 20 * S);
	s = report(&n);
	CHECK_EQ_INT(s->stalls, 1);
	CHECK_EQ_INT(s->stall[0].chain_lost, 7);
	CHECK_EQ_INT(s->stall[0].proven, 1500);
	CHECK_EQ_INT(s->stall[0].u, 0);
	CHECK_EQ_INT(s->stall[0].later_delivered, 5);
	CHECK_EQ_INT(s->stall[0].chain_starts, 1);
	CHECK_EQ_INT(s->stall[0].head, hole);
	ledger_free(n.l);
}

static void
conflicting_copies(void)
{
	struct net n;
	struct packet p;
	uint8_t bytes[100];

	begin_mail(&n);
	memset(bytes, 'x', sizeof(bytes));
	for (int i = 0; i < 2; i++) {
		p = packet(&n, A);
		p.seq = 1001 + 120;
		p.len = p.caplen = sizeof(bytes);
		p.w = p.len + 52;
		p.payload = bytes;
		give(&n, &p, A);
		CHECK(!report(&n)->c.dir[A].conflict);
	}
	bytes[50] = 'y';
	give(&n, &p, A);
	CHECK(report(&n)->c.dir[A].conflict);
	ledger_free(n.l);
}

/* All that a report says, as it would be written. */
static char *
said(const struct seen *s)
{
	struct record r = { .type = RECORD_CONNECTION, .connection = s->c };
	char *all = record_json_encode(&r), *one, *both;

	for (unsigned int i = 0; i < s->stalls; i++) {
		r = (struct record){ .type = RECORD_STALL, .stall = s->stall[i] };
		one = record_json_encode(&r);
		if (asprintf(&both, "%s\n%s", all, one) == -1)
			abort();
		free(one);
		free(all);
		all = both;
	}
	return all;
}

static void
reports_repeat(void)
{
	struct net n;
	char *first, *again;

	begin_mail(&n);
	black_hole(&n);
	first = said(report(&n));
	again = said(report(&n));
	CHECK(strstr(first, "\"type\":\"stall\"") != NULL);
	CHECK_EQ_STR(again, first);
	free(first);
	free(again);
	ledger_free(n.l);
}

static void
middle_of_a_flow(void)
{
	struct net n;
	struct seen *s;

	begin_with(&n, NULL);
	dialogue(&n);
	for (int i = 0; i < 5; i++)
		deliver(&n, 1448);
	s = report(&n);
	CHECK_EQ_INT(s->c.state, CONN_MIDSTREAM);
	CHECK_EQ_INT(s->c.dir[A].ceiling, 0);
	CHECK_EQ_INT(s->c.dir[A].proven, 1500);
	CHECK_EQ_INT(s->c.dir[A].missing, 0);
	ledger_free(n.l);
}

/*
 * What was on its way when the capture began is acknowledged in it; what is not there a second
 * later is missing.
 */
static void
on_its_way_at_the_start(void)
{
	struct net n;
	struct seen *s;

	for (int late = 0; late < 2; late++) {
		begin_with(&n, NULL);
		ack(&n, B, 0);
		n.sent[A] = 10 * 1448;
		ack(&n, B, 4 * 1448);
		wait(&n, late ? 2 * S : 40 * MS);
		ack(&n, A, 0); /* its first packet: behind all of that */
		ack(&n, B, 10 * 1448);
		wait(&n, 2 * S);
		data(&n, A, 1448);
		n.sent[A] += 1448;
		deliver(&n, 1448);
		s = report(&n);
		CHECK_EQ_INT(s->c.dir[A].acked_unseen, late ? 7 * 1448 : 1448);
		CHECK_EQ_INT(s->c.dir[A].missing, s->c.dir[A].acked_unseen);
		ledger_free(n.l);
	}
}

/* Two queues of a card: what is said to whom is told by the order of the frames. */
static void
content_out_of_order(void)
{
	struct net n;
	struct packet p;

	begin(&n);
	data(&n, B, 40);
	p = packet(&n, A);
	p.late_ns = 1 * MS;
	give(&n, &p, A); /* a bare ACK says nothing */
	CHECK_EQ_INT(report(&n)->c.disordered, 0);
	p = packet(&n, B);
	p.seq = 1041;
	p.len = p.caplen = 10;
	p.late_ns = 1 * MS;
	give(&n, &p, B); /* the same side's bytes are ordered by SEQ */
	CHECK_EQ_INT(report(&n)->c.disordered, 0);
	p.late_ns = 2 * S;
	give(&n, &p, B); /* so late that silences are none */
	CHECK_EQ_INT(report(&n)->c.disordered, 1);
	p = packet(&n, A);
	p.seq = 1001;
	p.len = p.caplen = 10;
	p.late_ns = 1 * MS;
	give(&n, &p, A); /* spoke before the other side, was recorded after it */
	CHECK_EQ_INT(report(&n)->c.disordered, 2);
	ledger_free(n.l);
}

/*
 * Two cards with clocks of their own: a file in order of time in which the answer stands before the
 * question.
 */
static void
answer_before_the_question(void)
{
	struct net n;
	struct packet p;

	begin(&n);
	data(&n, B, 40);
	ack(&n, A, 40);
	CHECK_EQ_INT(report(&n)->c.disordered, 0);
	ack(&n, B, 10); /* ... and only now: */
	data(&n, A, 10);
	CHECK_EQ_INT(report(&n)->c.disordered, 1);
	p = packet(&n, B);
	p.seq = 1041;
	p.ack = 1001 + 10 + 1;
	give(&n, &p, B);
	p = packet(&n, A);
	p.seq = 1011;
	p.flags = TCP_ACK | TCP_FIN;
	give(&n, &p, A);
	CHECK_EQ_INT(report(&n)->c.disordered, 2);
	ledger_free(n.l);
}

/* RFC 7323 2.2: a scale that one end alone offers counts for neither: 1000 bytes are 1000. */
static void
scale_of_one_end(void)
{
	for (int both = 0; both < 2; both++) {
		struct net n;
		struct packet p;
		struct seen *s;

		begin_with(&n, NULL);
		for (int d = A; d <= B; d++) {
			p = packet(&n, d);
			p.flags = d == A ? TCP_SYN : TCP_SYN | TCP_ACK;
			p.seq = 1000;
			p.ack = d == A ? 0 : 1001;
			p.mss = 1460;
			p.wscale = d == A || both ? 7 : 255;
			give(&n, &p, d);
			wait(&n, 20 * MS);
		}
		n.window[A] = 60000;
		ack(&n, A, 0);
		n.window[A] = 1000;
		ack(&n, A, 0);
		wait(&n, S);
		s = report(&n);
		CHECK_EQ_INT(s->c.dir[A].zero_from.frame != 0, !both);
		ledger_free(n.l);
	}
}

/*
 * A FIN is lost before the capture, an ACK behind it is not, and the FIN comes again: nothing is
 * missing.
 */
static void
fin_again(void)
{
	struct net n;
	struct packet p;

	for (int again = 0; again < 2; again++) {
		begin(&n);
		dialogue(&n);
		ack(&n, B, n.sent[A]);
		wait(&n, 40 * MS);
		p = packet(&n, A);
		p.seq = 1001 + n.sent[A] + 1;
		give(&n, &p, A);
		wait(&n, 200 * MS);
		CHECK_EQ_INT(report(&n)->c.dir[A].missing, 1);
		if (again) {
			p = packet(&n, A);
			p.seq = 1001 + n.sent[A];
			p.flags = TCP_ACK | TCP_FIN;
			give(&n, &p, A);
		}
		p = packet(&n, B);
		p.seq = 1001 + n.sent[B];
		p.ack = 1001 + n.sent[A] + 1;
		give(&n, &p, B);
		CHECK_EQ_INT(report(&n)->c.dir[A].missing, !again);
		CHECK_EQ_INT(report(&n)->c.dir[A].acked_unseen, !again);
		ledger_free(n.l);
	}
}

/* A byte is data. */
static void
one_byte(void)
{
	struct net n;
	struct seen *s;

	begin(&n);
	deliver(&n, 1);
	s = report(&n);
	CHECK_EQ_INT(s->c.dir[A].data_segments, 1);
	CHECK_EQ_INT(s->c.dir[A].stream_bytes, 1);
	CHECK_EQ_INT(s->c.dir[A].data_last.frame, 4);
	ledger_free(n.l);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a clean flow", clean_flow },
		{ "a black hole", a_black_hole },
		{ "an outage that begins exactly at DATA", outage_at_data },
		{ "the server's FIN, and whether its ACK arrived", peer_fin_answered },
		{ "recovery in smaller segments", recovery },
		{ "contested proofs", contested_proof },
		{ "a hole beyond the bottleneck", seen_from_behind },
		{ "capture loss is not network loss", capture_loss },
		{ "fragmentation needed", routers_words },
		{ "quoted lengths that are not", quotes_adjusted },
		{ "a cut quote", cut_quote },
		{ "one piece of content dropped", content_drop },
		{ "conflicting copies", conflicting_copies },
		{ "reports repeat", reports_repeat },
		{ "joined in the middle", middle_of_a_flow },
		{ "on its way at the start", on_its_way_at_the_start },
		{ "acknowledged before it is seen", acknowledged_before_seen },
		{ "content out of order", content_out_of_order },
		{ "the answer before the question", answer_before_the_question },
		{ "a scale that one end offers", scale_of_one_end },
		{ "one byte", one_byte },
		{ "a FIN again", fin_again },
	};

	return check_main("ledger", tests, sizeof(tests) / sizeof(tests[0]));
}
