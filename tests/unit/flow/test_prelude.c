/* What is kept of a flow's first packets comes back as it was, whatever each of them had to say. */
#include "check.h"
#include "flow/classify/prelude.h"
#include "record/addr.h"

static struct packet
segment(uint32_t seq, const char *text)
{
	return (struct packet){
		.kind = PACKET_TCP,
		.at = { 1000 + seq, seq },
		.src = { .family = 4, .b = { 192, 0, 2, 1 } },
		.dst = { .family = 4, .b = { 192, 0, 2, 2 } },
		.w = 40,
		.ttl = 64,
		.sport = 40000,
		.dport = 25,
		.seq = seq,
		.ack = 7,
		.flags = TCP_ACK,
		.header_len = 20,
		.window = 500,
		.wscale = 255,
		.has_ts = true,
		.tsval = 5,
		.tsecr = 6,
		.payload = (const uint8_t *)text,
		.len = (uint32_t)strlen(text),
		.caplen = (uint32_t)strlen(text),
	};
}

static void
comes_back(const struct prelude *pr, uint32_t *pos, const struct packet *want, enum dissect_dir dir)
{
	struct packet got;
	enum dissect_dir way;

	CU_ASSERT_FATAL(prelude_next(pr, pos, &got, &way));
	CHECK(way == dir);
	CHECK(addr_equal(&got.src, &want->src) && addr_equal(&got.dst, &want->dst));
	CHECK_EQ_INT(got.at.frame, want->at.frame);
	CHECK_EQ_INT(got.seq, want->seq);
	CHECK_EQ_INT(got.tsecr, want->tsecr);
	CHECK_EQ_STR(got.tunnel, want->tunnel);
	CHECK_EQ_INT(got.sack_count, want->sack_count);
	CHECK_EQ_MEM(got.sack, want->sack, sizeof(got.sack));
	CHECK_EQ_INT(got.caplen, want->caplen);
	CHECK(memcmp(got.payload, want->payload, want->caplen) == 0);
}

/* In lent room as long as it lasts, then in its own, then in somebody else's hands. */
static void
all_that_is_kept_comes_back(void)
{
	_Alignas(16) static uint8_t room[700];
	struct packet p[4] = { segment(1, ""), segment(2, "odd length"), segment(3, ""),
		segment(4, "more") };
	struct prelude pr, other;
	struct packet none;
	enum dissect_dir dir;
	uint32_t pos = 0;

	p[2].sack_count = 2;
	for (uint32_t i = 0; i < 4; i++)
		p[2].sack[i / 2][i % 2] = 100 + i;
	strcpy(p[3].tunnel, "gre/ipip");
	prelude_init(&pr, room, sizeof(room));
	for (uint32_t i = 0; i < 4; i++) {
		prelude_keep(&pr, &p[i], i % 2 == 0 ? DIR_C2S : DIR_S2C);
		CHECK((prelude_memory(&pr) == 0) == (i < 3));
	}
	CU_ASSERT_FATAL(prelude_move(&other, &pr));
	for (uint32_t i = 0; i < 4; i++)
		comes_back(&other, &pos, &p[i], i % 2 == 0 ? DIR_C2S : DIR_S2C);
	CHECK(!prelude_next(&other, &pos, &none, &dir));
	prelude_clear(&other);
}

static void
payload_is_cut_at_its_bound(void)
{
	static char big[3001];
	struct prelude pr;
	struct packet p, got;
	enum dissect_dir dir;
	uint32_t pos = 0;

	memset(big, 'x', 3000);
	p = segment(1, big);
	prelude_init(&pr, NULL, 0);
	prelude_keep(&pr, &p, DIR_C2S);
	prelude_keep(&pr, &p, DIR_C2S);
	CHECK(prelude_next(&pr, &pos, &got, &dir) && got.caplen == 3000);
	CHECK(prelude_next(&pr, &pos, &got, &dir) && got.caplen == PRELUDE_BYTES - 3000);
	CHECK_EQ_INT(got.len, 3000);
	prelude_clear(&pr);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "all that is kept comes back", all_that_is_kept_comes_back },
		{ "payload is cut at its bound", payload_is_cut_at_its_bound },
	};

	return check_main("prelude", tests, sizeof(tests) / sizeof(tests[0]));
}
