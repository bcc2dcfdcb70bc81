/*
 * Random captures through flow/ (libnids behind the virtual wire where there is
 * a hole) and through the oracle: the same bytes at the same offsets, the same
 * gaps, and every byte the one that the script sent.
 */
#include "check.h"
#include "flow/packet/decode.h"
#include "flow/flow.h"
#include "oracle/conversation.h"
#include "oracle/reassemble.h"

#if defined(__SANITIZE_ADDRESS__) || \
    !defined(__OPTIMIZE__) /* ten times slower, or counted: the plain build runs them all */
enum { CONVERSATIONS = 1500, ENGINE_RUNS = 300 };
#else
enum { CONVERSATIONS = 10000, ENGINE_RUNS = 2000 };
#endif

struct heard {
	uint8_t state[2][ORACLE_MAX], byte[2][ORACLE_MAX];
	uint64_t base;   /* of the offsets looked at; below, all is let pass */
	uint64_t len[2]; /* from base on */
	int64_t ns;
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
on_data(
    void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	struct heard *h = ctx;

	if (off < h->base)
		return;
	off -= h->base;
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
on_gap(
    void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t had, struct moment at)
{
	struct heard *h = ctx;

	(void)had;
	off -= h->base;
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
	memset(&h->base, 0, sizeof(*h) - offsetof(struct heard, base));
}

typedef void frame_user(void *ctx, const struct capture_frame *f, const struct tcp_frame *t);

static void
each_frame(const struct conversation *c, frame_user *use, void *ctx)
{
	static uint8_t room[FRAME_MAX];

	for (uint32_t i = 0; i < c->frames; i++) {
		size_t n = frame_tcp(room, &c->frame[i].t);
		struct capture_frame f = {
			.data = room,
			.len = (uint32_t)n,
			.ts_ns = c->frame[i].ns,
			.number = i + 1,
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
	const bool verbose = getenv("VERBOSE") != NULL;
	unsigned bad = h->wrong;

	for (int d = 0; d < 2; d++) {
		const struct oracle_half *o = &oracle.half[d];
		uint32_t len = oracle_length(o), shift = o->base - (c->isn[d] + 1);

		bad += h->len[d] != len;
		for (uint32_t i = 0; i < len && i < h->len[d]; i++) {
			bool data = o->state[i] == BYTE_DATA;

			if (verbose && (h->state[d][i] == BYTE_DATA) != data)
				printf("dir %d offset %u: state %u, want %u\n", d, i,
				    h->state[d][i], o->state[i]);
			bad += (h->state[d][i] == BYTE_DATA) != data;
			bad += data &&
			    (h->byte[d][i] != o->byte[i] ||
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
	struct flow_watcher w = {
		.open = on_open, .data = on_data, .gap = on_gap, .close = on_close, .ctx = &heard
	};
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
		printf("seed %llu: %u differences (%llu %llu against %u %u)\n",
		    (unsigned long long)seed, bad, (unsigned long long)heard.len[0],
		    (unsigned long long)heard.len[1], oracle_length(&oracle.half[0]),
		    oracle_length(&oracle.half[1]));
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

/* ---- each engine alone ------------------------------------------------------ */

enum { SORTED = 20000, PIECES = 64 };

struct sorting {
	const struct stream_engine *engine;
	void *sorter;
	uint8_t script[SORTED];
	uint64_t pos;
	unsigned wrong;
	uint32_t start[PIECES + 1], pieces, edge; /* piece i is script[start[i], start[i + 1]) */
	bool given[PIECES];
};

static void
on_sorted(void *owner, enum dissect_dir dir, const uint8_t *p, size_t len)
{
	struct sorting *s = owner;

	s->wrong += dir != DIR_S2C || len == 0 || s->pos + len > SORTED ||
	    memcmp(s->script + s->pos, p, len) != 0;
	s->pos += len;
}

/* The pieces from the edge to the next one given do not come. */
static void
sorting_gap(struct sorting *s)
{
	uint32_t from = s->start[s->edge];

	while (s->edge < s->pieces && !s->given[s->edge])
		s->given[s->edge++] = true;
	s->pos += s->start[s->edge] - from;
	s->wrong += s->engine->gap(s->sorter, s->start[s->edge] - from) != 0;
}

static void
sorting_piece(struct sorting *s, uint64_t base, uint32_t i)
{
	s->wrong += s->engine->segment(s->sorter, base + s->start[i], s->script + s->start[i],
			s->start[i + 1] - s->start[i]) != 0;
	s->given[i] = true;
}

/* Pieces of a script in any order; some do not come. */
static unsigned
sorting_wrong(const struct stream_engine *engine, uint64_t base, uint64_t seed)
{
	static struct sorting s;
	struct seed r = { seed };

	memset(&s, 0, sizeof(s));
	s.engine = engine;
	s.sorter = engine->open(&s, on_sorted, DIR_S2C, base);
	for (size_t i = 0; i < SORTED; i++)
		s.script[i] = (uint8_t)seed_next(&r);
	while (s.pieces < PIECES && s.start[s.pieces] < SORTED - 600) {
		s.start[s.pieces + 1] = s.start[s.pieces] + 1 + seed_below(&r, 600);
		s.pieces++;
	}
	for (uint32_t n = 0; n < 4 * s.pieces; n++) {
		uint32_t i = seed_below(&r, s.pieces);

		if (!s.given[i])
			sorting_piece(&s, base, i);
		while (s.edge < s.pieces && s.given[s.edge])
			s.edge++;
		s.wrong += s.pos != s.start[s.edge];
		if (s.edge < s.pieces && seed_chance(&r, 5))
			sorting_gap(&s);
	}
	engine->close(s.sorter);
	return s.wrong;
}

static void
engines_sort_from_any_offset(void)
{
	static const uint64_t base[] = { 0, 1, 0x7fffd000, 0xffffd000, 0xffffffff, 0x100000000,
		0x1ffffff00, 0xfffffff000 };
	unsigned bad = 0;

	stream_engine_nids.start(8);
	for (uint64_t seed = 1; seed <= 100; seed++)
		for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
			bad += sorting_wrong(&stream_engine_nids, base[i], seed);
			bad += sorting_wrong(&stream_engine_oracle, base[i], seed);
		}
	CHECK_EQ_INT(bad, 0);
}

/* ---- two engines behind stream.c, with wild input --------------------------- */

static const struct stream_sink events = { on_data, on_gap };

/* `next': where most segments go on, so that holes come and heal; NULL: anywhere. */
static void
wild_packet(struct seed *r, struct stream_packet *p, uint32_t n, uint32_t *next)
{
	static uint8_t noise[2000];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)seed_next(r);
	*p = (struct stream_packet){
		.dir = (enum dissect_dir)seed_below(r, 2),
		.at = { (int64_t)n * 7000000, n + 1 },
		.seq = seed_below(r, 20000),
		.ack = seed_below(r, 20000 / (1 + n % 7)),
		.window = (uint16_t)seed_next(r),
		.has_ack = seed_chance(r, 70),
		.fin = seed_chance(r, 1),
		.len = seed_chance(r, 70) ? seed_below(r, 1500) : 0,
		.payload = noise,
	};
	if (seed_chance(r, 5))
		p->seq = seed_chance(r, 50) ? seed_below(r, 100000) : 0 - seed_next(r) / 4;
	if (seed_chance(r, 5))
		p->ack = seed_below(r, 100000);
	p->caplen = seed_chance(r, 90) ? p->len : seed_below(r, p->len + 1);
	if (next == NULL || n % 32 == 31)
		return;
	p->seq = next[p->dir];
	p->fin = false;
	p->ack = next[!p->dir];
	p->len = p->caplen = seed_below(r, 300);
	if (seed_chance(r, 60))
		next[p->dir] += p->len;
	else if (seed_chance(r, 50))
		p->seq += seed_below(r, 300);
}

/* All in order, up to where offsets need more than 32 bits. */
static void
stream_wind(struct stream *s, uint32_t seq, uint64_t to)
{
	static uint8_t block[1 << 16];
	struct stream_packet p = { .payload = block, .len = sizeof(block) };

	for (uint64_t at = 0; at < to; at += p.len) {
		p.seq = seq + (uint32_t)at;
		p.len = p.caplen =
		    to - at < sizeof(block) ? (uint32_t)(to - at) : (uint32_t)sizeof(block);
		for (int d = 0; d < 2; d++) {
			p.dir = (enum dissect_dir)d;
			stream_segment(s, &p);
		}
	}
}

struct engine_run {
	const struct stream_limits *limits;
	uint64_t base;
	bool healing;
	uint64_t sorted;
};

static bool
engines_differ(struct engine_run *run, uint64_t seed)
{
	struct stream_start start[2] = { { true, 1000, 2 }, { true, 1000, 2 } };
	const struct stream_engine *engine[2] = { &stream_engine_nids, &stream_engine_oracle };
	struct heard *ear[2] = { &heard, &heard2 };
	struct streams *ss[2];
	struct stream *s[2];
	struct seed r = { seed };
	uint32_t next[2] = { 0, 0 };
	struct stream_packet p;

	for (int i = 0; i < 2; i++) {
		heard_clear(ear[i]);
		ear[i]->base = run->base;
		ss[i] = streams_new(engine[i], run->limits);
		s[i] = stream_open(ss[i], start, &events, ear[i]);
		stream_wind(s[i], 1000, run->base);
	}
	for (uint32_t n = 0; n < 200; n++) {
		wild_packet(&r, &p, n, run->healing ? next : NULL);
		p.seq += 1000 + (uint32_t)run->base;
		p.ack += 1000 + (uint32_t)run->base;
		for (int i = 0; i < 2; i++)
			stream_segment(s[i], &p);
	}
	for (int i = 0; i < 2; i++) {
		stream_close(s[i], p.at);
		stream_free(s[i]);
		run->sorted += streams_counters(ss[i]).sorted;
		streams_free(ss[i]);
	}
	return heard.wrong + heard2.wrong != 0 ||
	    memcmp(heard.len, heard2.len, sizeof(heard.len)) != 0 ||
	    memcmp(heard.state, heard2.state, sizeof(heard.state)) != 0 ||
	    memcmp(heard.byte[0], heard2.byte[0], heard.len[0]) != 0 ||
	    memcmp(heard.byte[1], heard2.byte[1], heard.len[1]) != 0;
}

static const struct stream_limits wide = { 8, 64 << 20, 1 << 20 }, narrow = { 8, 6000, 1 << 20 };

static void
engines_agree(void)
{
	unsigned bad = 0;

	for (uint64_t seed = 1; seed <= ENGINE_RUNS; seed++) {
		struct engine_run run = { .limits = (seed & 1) != 0 ? &wide : &narrow };

		bad += engines_differ(&run, seed);
	}
	CHECK_EQ_INT(bad, 0);
}

/* Holes come and heal: the engine is asked, left, and asked again where the stream then is. */
static void
engines_come_and_go(void)
{
	struct engine_run run = { .limits = &wide, .healing = true };
	unsigned bad = 0;

	for (uint64_t seed = 1; seed <= ENGINE_RUNS; seed++)
		bad += engines_differ(&run, seed);
	CHECK_EQ_INT(bad, 0);
	CHECK(run.sorted > UINT64_C(10) * ENGINE_RUNS);
}

/* The same where sequence numbers wrap and offsets do not. */
static void
engines_come_and_go_beyond_4_gib(void)
{
	struct engine_run run = { .limits = &wide, .healing = true };
	unsigned bad = 0;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		run.base = (1ull << 32) + 5000 - seed * 2000;
		bad += engines_differ(&run, seed);
	}
	CHECK_EQ_INT(bad, 0);
	CHECK(run.sorted > 0);
}

int
main(int argc, char **argv)
{
	static const struct check_test tests[] = {
		{ "random captures: libnids, the oracle and the script agree",
		    captures_equal_oracle },
		{ "each engine sorts from any offset", engines_sort_from_any_offset },
		{ "wild segments: both engines give the same events", engines_agree },
		{ "holes that heal: the engines come and go", engines_come_and_go },
		{ "holes that heal beyond 4 GiB", engines_come_and_go_beyond_4_gib },
	};

	if (argc > 1) { /* one seed, to look at */
		decoder = decoder_new(0);
		talk(&conversation, strtoull(argv[1], NULL, 10));
		for (uint32_t i = 0; i < conversation.frames; i++) {
			const struct tcp_frame *t = &conversation.frame[i].t;
			int d = !t->from_client;

			printf("%4u %9lld %c flags %2u seq %u len %zu ack %u\n", i + 1,
			    (long long)conversation.frame[i].ns, "CS"[d], t -> flags,
			    t -> seq - conversation.isn[d] - 1, t->len,
			    t->ack - conversation.isn[!d] - 1);
		}
		return run_one(strtoull(argv[1], NULL, 10)) != 0;
	}
	return check_main("oracle", tests, sizeof(tests) / sizeof(tests[0]));
}
