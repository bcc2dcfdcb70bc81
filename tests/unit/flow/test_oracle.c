/*
 * Random captures through flow/ (libnids behind the virtual wire) and through
 * the oracle: the same bytes at the same offsets, the same gaps, and every byte
 * the one that the script sent.
 */
#include "check.h"
#include "flow/decode.h"
#include "flow/flow.h"
#include "oracle/conversation.h"
#include "oracle/reassemble.h"

#if defined(__SANITIZE_ADDRESS__)	/* ten times slower: the plain build runs them all */
enum { CONVERSATIONS = 1500, ENGINE_RUNS = 300 };
#else
enum { CONVERSATIONS = 10000, ENGINE_RUNS = 2000 };
#endif

struct heard {
	uint8_t	 state[2][ORACLE_MAX], byte[2][ORACLE_MAX];
	uint64_t len[2];
	int64_t	 ns;
	unsigned wrong, opened, closed;
	struct flow_frames frames;
};

static struct heard heard, heard2;
static struct conversation conversation;
static struct oracle oracle;

static void *
on_open(void *ctx, const struct flow_opened *f)
{
	struct heard *h = ctx;

	h->opened++;
	h->frames = f->frames;
	return h;
}

static void
on_data(void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	struct heard *h = ctx;

	if (off != h->len[dir] || off + len > ORACLE_MAX || at.ns < h->ns || len == 0) {
		h->wrong++;
		return;
	}
	if (h->frames.at != NULL) {
		struct moment m = h->frames.at(h->frames.flow, dir, off);

		h->wrong += m.frame == 0 || m.frame > at.frame;
	}
	memset(h->state[dir] + off, BYTE_DATA, len);
	memcpy(h->byte[dir] + off, p, len);
	h->len[dir] += len;
	h->ns = at.ns;
}

static void
on_gap(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, struct moment at)
{
	struct heard *h = ctx;

	if (off != h->len[dir] || off + missing > ORACLE_MAX || missing == 0 || at.ns < h->ns) {
		h->wrong++;
		return;
	}
	memset(h->state[dir] + off, BYTE_CUT, missing);
	h->len[dir] += missing;
}

static void
on_close(void *ctx, const struct record_connection *facts)
{
	struct heard *h = ctx;

	(void)facts;
	h->closed++;
}

static void
on_record(void *ctx, const struct record *r)
{
	(void)ctx, (void)r;
}

static void
heard_clear(struct heard *h)
{
	for (int d = 0; d < 2; d++) {
		memset(h->state[d], 0, h->len[d]);
		memset(h->byte[d], 0, h->len[d]);
	}
	memset(&h->len, 0, sizeof(*h) - offsetof(struct heard, len));
}

typedef void frame_user(void *ctx, const struct capture_frame *f, const struct tcp_frame *t);

static void
each_frame(const struct conversation *c, frame_user *use, void *ctx)
{
	static uint8_t room[FRAME_MAX];

	for (uint32_t i = 0; i < c->frames; i++) {
		size_t n = frame_tcp(room, &c->frame[i].t);
		struct capture_frame f = {
			.data = room, .len = (uint32_t)n, .ts_ns = c->frame[i].ns, .number = i + 1,
			.link_type = 1,
		};

		f.caplen = c->snaplen != 0 && n > c->snaplen ? c->snaplen : f.len;
		use(ctx, &f, &c->frame[i].t);
	}
}

static void
to_flow(void *ctx, const struct capture_frame *f, const struct tcp_frame *t)
{
	(void)t;
	flow_point_frame(ctx, f);
}

static struct decoder *decoder;

static void
to_oracle(void *ctx, const struct capture_frame *f, const struct tcp_frame *t)
{
	struct packet p;

	(void)ctx;
	if (decode_frame(decoder, f, &p) == PACKET_TCP)
		oracle_packet(&oracle, &p, !t->from_client);
}

static unsigned
compare(const struct heard *h, const struct conversation *c)
{
	unsigned bad = h->wrong;

	for (int d = 0; d < 2; d++) {
		const struct oracle_half *o = &oracle.half[d];
		uint32_t len = oracle_length(o), shift = o->base - (c->isn[d] + 1);

		bad += h->len[d] != len;
		for (uint32_t i = 0; i < len && i < h->len[d]; i++) {
			bool data = o->state[i] == BYTE_DATA;

			if (getenv("VERBOSE") != NULL && (h->state[d][i] == BYTE_DATA) != data)
				printf("dir %d offset %u: state %u, want %u\n", d, i, h->state[d][i], o->state[i]);
			bad += (h->state[d][i] == BYTE_DATA) != data;
			bad += data && (h->byte[d][i] != o->byte[i] ||
			    h->byte[d][i] != c->script[d][shift + i]);
		}
	}
	return bad;
}

static void
oracle_clear(void)
{
	oracle.begun = false;
	for (int d = 0; d < 2; d++) {
		struct oracle_half *h = &oracle.half[d];

		memset(h->state, 0, h->known ? oracle_length(h) : 0);
		memset(h, 0, offsetof(struct oracle_half, state));
	}
}

static unsigned long
run_one(uint64_t seed)
{
	struct record_sink sink = { on_record, NULL };
	struct flow_watcher w = { on_open, on_data, on_gap, on_close, &heard };
	struct flow_point *fp = flow_point_new(0, "random", NULL, NULL, &sink, &w);
	unsigned bad;

	talk(&conversation, seed);
	heard_clear(&heard);
	oracle_clear();
	each_frame(&conversation, to_flow, fp);
	flow_point_end(fp);
	each_frame(&conversation, to_oracle, NULL);
	bad = compare(&heard, &conversation);
	bad += heard.opened != heard.closed || heard.opened != (unsigned)oracle.begun;
	if (bad != 0)
		printf("seed %llu: %u differences (%llu %llu against %u %u)\n", (unsigned long long)seed,
		    bad, (unsigned long long)heard.len[0], (unsigned long long)heard.len[1],
		    oracle_length(&oracle.half[0]), oracle_length(&oracle.half[1]));
	return bad;
}

static void
captures_equal_oracle(void)
{
	unsigned long bad = 0;

	decoder = decoder_new(0);
	for (uint64_t seed = 1; seed <= CONVERSATIONS && bad < 5; seed++)
		bad += run_one(seed) != 0;
	decoder_free(decoder);
	CHECK_EQ_INT(bad, 0);
}

/* ---- two engines behind stream.c, with wild input --------------------------- */

static const struct stream_sink events = { on_data, on_gap };

static void
wild_packet(struct seed *r, struct stream_packet *p, uint32_t n)
{
	static uint8_t noise[2000];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)seed_next(r);
	*p = (struct stream_packet){
		.dir = (enum dissect_dir)seed_below(r, 2), .at = { (int64_t)n * 7000000, n + 1 },
		.seq = 1000 + seed_below(r, 20000), .ack = 1000 + seed_below(r, 20000 / (1 + n % 7)),
		.window = (uint16_t)seed_next(r), .has_ack = seed_chance(r, 70), .fin = seed_chance(r, 1),
		.len = seed_chance(r, 70) ? seed_below(r, 1500) : 0, .payload = noise,
	};
	if (seed_chance(r, 5))
		p->seq = seed_chance(r, 50) ? 1000 + seed_below(r, 100000) : 1000 - seed_next(r) / 4;
	if (seed_chance(r, 5))
		p->ack = 1000 + seed_below(r, 100000);
	p->caplen = seed_chance(r, 90) ? p->len : seed_below(r, p->len + 1);
}

static bool
engines_differ(uint64_t seed, const struct stream_limits *l)
{
	struct stream_start start[2] = { { true, 1000, 2 }, { true, 1000, 2 } };
	struct streams *a = streams_new(&stream_engine_nids, l), *b = streams_new(&stream_engine_oracle, l);
	struct stream *s, *o;
	struct seed r = { seed };
	struct stream_packet p;

	heard_clear(&heard);
	heard_clear(&heard2);
	s = stream_open(a, start, &events, &heard);
	o = stream_open(b, start, &events, &heard2);
	for (uint32_t n = 0; n < 200; n++) {
		wild_packet(&r, &p, n);
		stream_segment(s, &p);
		stream_segment(o, &p);
	}
	stream_close(s, p.at);
	stream_close(o, p.at);
	stream_free(s);
	stream_free(o);
	streams_free(a);
	streams_free(b);
	return heard.wrong + heard2.wrong != 0 || memcmp(heard.len, heard2.len, sizeof(heard.len)) != 0 ||
	    memcmp(heard.state, heard2.state, sizeof(heard.state)) != 0 ||
	    memcmp(heard.byte[0], heard2.byte[0], heard.len[0]) != 0 ||
	    memcmp(heard.byte[1], heard2.byte[1], heard.len[1]) != 0;
}

static void
engines_agree(void)
{
	static const struct stream_limits wide = { 8, 64 << 20, 1 << 20 }, narrow = { 8, 6000, 1 << 20 };
	unsigned bad = 0;

	for (uint64_t seed = 1; seed <= ENGINE_RUNS; seed++)
		bad += engines_differ(seed, (seed & 1) != 0 ? &wide : &narrow);
	CHECK_EQ_INT(bad, 0);
}

int
main(int argc, char **argv)
{
	static const struct check_test tests[] = {
		{ "random captures: libnids, the oracle and the script agree", captures_equal_oracle },
		{ "wild segments: both engines give the same events", engines_agree },
	};

	if (argc > 1) {			/* one seed, to look at */
		decoder = decoder_new(0);
		talk(&conversation, strtoull(argv[1], NULL, 10));
		for (uint32_t i = 0; i < conversation.frames; i++) {
			const struct tcp_frame *t = &conversation.frame[i].t;
			int d = !t->from_client;

			printf("%4u %9lld %c flags %2u seq %u len %zu ack %u\n", i + 1,
			    (long long)conversation.frame[i].ns, "CS"[d], t->flags,
			    t->seq - conversation.isn[d] - 1, t->len, t->ack - conversation.isn[!d] - 1);
		}
		return run_one(strtoull(argv[1], NULL, 10)) != 0;
	}
	return check_main("oracle", tests, sizeof(tests) / sizeof(tests[0]));
}
