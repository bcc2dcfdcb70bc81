#include "check.h"
#include "flow/stream/stream.h"

/* Events as text: "C+hello", "S-120" (a gap); frames where asked for. */
static char said[1000];
static uint64_t expect[2];
static int64_t last_ns;
static unsigned wrong;

static void
say_data(char who, const uint8_t *p, size_t len)
{
	size_t at = strlen(said);

	if (len < 100)
		snprintf(said + at, sizeof(said) - at, "%s%c+%.*s", at > 0 ? " " : "", who,
		    (int)len, (const char *)p);
	else
		snprintf(said + at, sizeof(said) - at, "%s%c+%zu", at > 0 ? " " : "", who, len);
}

static void
on_data(
    void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	(void)ctx;
	wrong += off != expect[dir] || at.ns < last_ns;
	expect[dir] += len;
	last_ns = at.ns;
	say_data(dir == DIR_C2S ? 'C' : 'S', p, len);
}

static void
on_gap(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
    struct moment at)
{
	size_t n = strlen(said);

	(void)ctx, (void)at;
	wrong += off != expect[dir];
	expect[dir] += missing;
	snprintf(said + n, sizeof(said) - n, "%s%c-%llu", n > 0 ? " " : "",
	    dir == DIR_C2S ? 'C' : 'S', (unsigned long long)missing);
	n = strlen(said);
	if (heard != UINT64_MAX)
		snprintf(said + n, sizeof(said) - n, "@%llu", (unsigned long long)heard);
}

static const struct stream_sink sink = { on_data, on_gap };
static const struct stream_limits limits = { 64, 64 << 20, 1 << 20 };
static struct streams *all;
static struct stream *stream;
static uint64_t frame;
static int64_t clock_ns;

static void
begin_on(const struct stream_engine *engine, const struct stream_limits *l, uint32_t client,
    uint32_t server, bool known)
{
	struct stream_start start[2] = { { known, client, 0 }, { known, server, 0 } };

	said[0] = '\0';
	expect[0] = expect[1] = 0;
	last_ns = 0;
	wrong = 0;
	frame = 0;
	clock_ns = 1000000000;
	all = streams_new(engine, l);
	stream = stream_open(all, start, &sink, NULL);
	CHECK(stream != NULL);
}

static void
begin_with(const struct stream_limits *l, uint32_t client, uint32_t server, bool known)
{
	begin_on(&stream_engine_nids, l, client, server, known);
}

static void
begin(void)
{
	begin_with(&limits, 100, 5000, true);
}

static void
send_cut(char who, uint32_t seq, const char *text, uint32_t len, uint32_t caplen, uint32_t ack)
{
	struct stream_packet p = {
		.dir = who == 'C' ? DIR_C2S : DIR_S2C,
		.at = { clock_ns += 1000000, ++frame },
		.seq = seq,
		.ack = ack,
		.has_ack = ack != 0,
		.window = 60000,
		.len = len,
		.caplen = caplen,
		.payload = (const uint8_t *)text,
	};

	stream_segment(stream, &p);
}

static void
send(char who, uint32_t seq, const char *text, uint32_t ack)
{
	send_cut(who, seq, text, (uint32_t)strlen(text), (uint32_t)strlen(text), ack);
}

static void
fin(char who, uint32_t seq, uint32_t ack)
{
	struct stream_packet p = {
		.dir = who == 'C' ? DIR_C2S : DIR_S2C,
		.at = { clock_ns += 1000000, ++frame },
		.seq = seq,
		.ack = ack,
		.has_ack = true,
		.fin = true,
	};

	stream_segment(stream, &p);
}

static void
end(const char *want)
{
	stream_close(stream, (struct moment){ clock_ns, frame });
	CHECK_EQ_STR(said, want);
	CHECK_EQ_INT(wrong, 0);
	stream_free(stream);
	streams_free(all);
}

static void
in_order(void)
{
	begin();
	send('S', 5000, "220 a", 100);
	send('C', 100, "EHLO", 5005);
	send('S', 5005, "250", 104);
	end("S+220 a C+EHLO S+250");
}

static void
reordered_repeated_overlapping(void)
{
	begin();
	send('C', 103, "def", 5000);
	send('C', 106, "gh", 5000);
	send('C', 103, "XXX", 5000); /* another copy of bytes that are there: the first stays */
	send('C', 100, "abcDEFGHij", 5000);
	end("C+abc C+def C+gh C+ij");
}

static void
sequence_numbers_wrap(void)
{
	begin_with(&limits, 0xfffffffe, 0xffffffff, true);
	send('C', 2, "ef", 0);
	send('C', 0xfffffffe, "abcd", 0);
	send('S', 0xffffffff, "xy", 4);
	end("C+abcd C+ef S+xy");
}

/* The peer acknowledged what the capture lacks: told after 200 ms, not before. */
static void
acked_hole_is_a_gap(void)
{
	begin();
	send('C', 100, "ab", 5000);
	send('C', 105, "fg", 5000);
	send('S', 5000, "x", 107);
	CHECK_EQ_STR(said, "C+ab S+x");
	clock_ns += 250000000;
	send('S', 5001, "y", 107);
	end("C+ab S+x S+y C-3@0 C+fg");
}

/*
 * Each acknowledgement beyond the hole is remembered with what the client said then; one that says
 * less again takes others back.
 */
static void
what_was_heard_is_told(void)
{
	begin();
	send('S', 5000, "220", 100);
	send('C', 100, "EHLO", 5003);
	send('C', 104, "MAIL", 5010); /* the replies between are missing */
	send('C', 108, "RCPT", 5020);
	send('C', 104, "MAIL", 5020); /* again: it was said before */
	send('S', 5020, "550", 112);
	send('C', 112, "QUIT", 5023);
	clock_ns += 250000000;
	send('S', 5023, "221", 116);
	end("S+220 C+EHLO C+MAIL C+RCPT C+QUIT S-17@8 S+550 S+221");
	begin();
	send('S', 5000, "220", 100);
	send('C', 100, "EHLO", 9000); /* corrupt */
	send('C', 104, "MAIL", 5003);
	send('S', 5010, "550", 108);
	send('C', 108, "QUIT", 5013);
	end("S+220 C+EHLO C+MAIL C+QUIT S-7@8 S+550");
}

/* More of them than are kept: of the last holes nothing is known. */
static void
too_much_heard_is_not_kept(void)
{
	char want[600] = "S+220";

	begin();
	send('S', 5000, "220", 100);
	for (uint32_t i = 0; i < 20; i++)
		send('C', 100 + i, "x", 5004 + i * 2);
	for (uint32_t i = 0; i < 20; i++)
		send('S', 5004 + i * 2, "y", 0);
	for (int i = 0; i < 20; i++)
		strcat(want, " C+x");
	for (int i = 0; i < 20; i++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
		    i < 16 ? " S-1@%d S+y" : " S-1 S+y", i);
	CHECK_EQ_INT(streams_counters(all).unled, 4);
	end(want);
}

static void
unacked_hole_waits(void)
{
	begin();
	send('C', 100, "ab", 5000);
	send('C', 105, "fg", 5000);
	clock_ns += 900000000;
	for (int i = 0; i < 100; i++)
		send('S', 5000, "", 102);
	CHECK_EQ_STR(said, "C+ab");
	send('C', 102, "cde", 5000);
	end("C+ab C+cde C+fg");
}

/* An ACK that comes before its data (two mirror ports). */
static void
ack_before_data(void)
{
	begin();
	send('S', 5000, "", 103);
	send('S', 5000, "", 103);
	send('C', 100, "abc", 5000);
	send('C', 103, "d", 5000);
	end("C+abc C+d");
}

/* One corrupt packet must not make a hole of its own. */
static void
corrupt_numbers_are_not_believed(void)
{
	begin();
	send('C', 100, "ab", 5000);
	send('C', 100 + 50000000, "junk", 5000);
	send('S', 5000, "", 40000000);
	clock_ns += 900000000;
	for (int i = 0; i < 100; i++)
		send('S', 5000, "", 102);
	send('C', 102, "cd", 5000);
	end("C+ab C+cd");
}

/* Three segments that agree: so much of the capture is lost. */
static void
a_consistent_jump_is_believed(void)
{
	begin();
	send('C', 100, "ab", 5000);
	send('C', 10000000, "xx", 5000);
	send('C', 10000002, "yy", 5000);
	send('C', 10000004, "zz", 5000);
	for (int i = 0; i < 4; i++)
		send('S', 5000, "", 10000006);
	clock_ns += 300000000;
	send('S', 5000, "", 10000006);
	end("C+ab C-9999898@0 C+xx C+yy C+zz");
}

static void
mid_stream(void)
{
	begin_with(&limits, 0, 0, false);
	send('C', 777, "RCPT", 999);
	send('S', 999, "250", 781);
	send('C', 770, "before RCPT again", 1002); /* its head lies before all that we know */
	end("C+RCPT S+250 C+ again");
}

static void
snap_length(void)
{
	begin();
	send_cut('S', 5000, "220", 50, 3, 100);
	send_cut('S', 5100, "zz", 2, 2, 100);
	send_cut('S', 5050, NULL, 50, 0, 100);
	end("S+220 S-47 S-50 S+zz");
}

static void
fin_ends_and_frees(void)
{
	begin();
	send('C', 100, "QUIT", 5000);
	fin('C', 104, 5000);
	send('S', 5000, "221", 105);
	fin('S', 5003, 105);
	CHECK(stream_complete(stream));
	send('S', 5003, "late", 105);
	end("C+QUIT S+221");
}

/* The last ACK covers a FIN that was not captured: that is no missing byte. */
static void
lost_fin_is_no_gap(void)
{
	begin();
	send('C', 100, "QUIT", 5000);
	for (int i = 0; i < 5; i++)
		send('S', 5000, "", 105);
	end("C+QUIT");
}

static void
missing_tail(void)
{
	begin();
	send('C', 100, "QU", 5000);
	fin('C', 104, 5000);
	end("C+QU C-2");
}

/* Beyond the bound the lowest hole is given up, and counted. */
static void
bounds_force_a_gap(void)
{
	static const struct stream_limits narrow = { 64, 1000, 1 << 20 };

	begin_with(&narrow, 100, 5000, true);
	for (uint32_t i = 0; i < 10; i++)
		send('C', 110 + i * 10, "0123456789", 5000);
	CHECK(streams_counters(all).forced > 0);
	CHECK(strncmp(said, "C-10 C+0123456789", 17) == 0);
	end(said);
}

/* Ten thousand bytes, every second one missing: more pieces than are kept. */
static void
many_pieces_stay_bounded(void)
{
	begin();
	for (uint32_t i = 0; i < 5000; i++)
		send('C', 101 + i * 2, "x", 0);
	CHECK(streams_counters(all).forced > 0);
	stream_close(stream, (struct moment){ clock_ns, frame });
	CHECK_EQ_INT(expect[0], 10000);
	CHECK_EQ_INT(wrong, 0);
	stream_free(stream);
	streams_free(all);
}

static void
no_room_is_counted(void)
{
	static const struct stream_limits one = { 1, 1 << 20, 1 << 20 };
	struct stream_start start[2] = { { 0 } };

	begin_with(&one, 1, 1, true);
	CHECK(stream_open(all, start, &sink, NULL) == NULL);
	CHECK_EQ_INT(streams_counters(all).refused, 1);
	end("");
}

/* The engine is asked for a hole, and left when that is filled or given up. */
static void
engine_only_for_holes(void)
{
	begin();
	send('S', 5000, "220 a", 100);
	send('C', 100, "EHLO", 5005);
	CHECK_EQ_INT(streams_counters(all).sorted, 0);
	send('C', 106, "gh", 5005);
	send('S', 5007, "cd", 104);
	CHECK_EQ_INT(streams_counters(all).sorted, 2);
	send('C', 104, "ef", 5005);
	send('S', 5005, "ab", 108);
	send('C', 108, "ij", 5009);
	CHECK_EQ_INT(streams_counters(all).sorted, 2);
	send('C', 112, "mn", 5009);
	CHECK_EQ_INT(streams_counters(all).sorted, 3);
	send('S', 5009, "x", 114);
	clock_ns += 250000000;
	send('S', 5010, "y", 114);
	send('C', 114, "op", 5009);
	CHECK_EQ_INT(streams_counters(all).sorted, 3);
	CHECK_EQ_INT(streams_counters(all).engine_failed, 0);
	end("S+220 a C+EHLO C+ef C+gh S+ab S+cd C+ij S+x S+y C-2@9 C+mn C+op");
}

/* A hole between bytes that the snap length cut: nothing is held, so nothing need be sorted. */
static void
no_engine_for_cut_bytes(void)
{
	begin();
	send_cut('S', 5010, NULL, 10, 0, 100);
	send_cut('S', 5000, NULL, 10, 0, 100);
	send('S', 5020, "end", 100);
	CHECK_EQ_INT(streams_counters(all).sorted, 0);
	end("S-10 S-10 S+end");
}

/* More holes at once than the engine has room for: those beyond are gaps, and counted. */
static void
no_room_for_a_hole_is_a_gap(void)
{
	struct stream_start start[2] = { { true, 100, 0 }, { true, 5000, 0 } };
	struct stream *other[63];

	begin();
	for (int i = 0; i < 63; i++)
		other[i] = stream_open(all, start, &sink, NULL);
	for (int i = 0; i < 63; i++)
		for (int d = 0; d < 2 && d + i < 63; d++) {
			struct stream_packet p = {
				.dir = (enum dissect_dir)d,
				.at = { clock_ns, ++frame },
				.seq = start[d].seq + 5,
				.window = 60000,
				.len = 1,
				.caplen = 1,
				.payload = (const uint8_t *)"x",
			};

			stream_segment(other[i], &p);
		}
	CHECK_EQ_INT(streams_counters(all).sorted, 125);
	CHECK_EQ_INT(streams_counters(all).engine_failed, 125 - 64);
	said[0] = '\0';
	memset(expect, 0, sizeof(expect));
	wrong = 0;
	send_cut('C', 105, NULL, 3, 0, 0);
	send('C', 110, "later", 0);
	send('C', 100, "early", 0); /* its place was given up */
	send('C', 115, "on", 0);
	CHECK_EQ_STR(said, "C-5 C-3 C-2 C+later C+on");
	for (int i = 0; i < 63; i++)
		stream_free(other[i]);
	send('C', 119, "xy", 0); /* there is room again */
	send('C', 117, "vw", 0);
	end("C-5 C-3 C-2 C+later C+on C+vw C+xy");
}

static int
never(uint32_t sorters)
{
	(void)sorters;
	return -1;
}

static int
at_once(uint32_t sorters)
{
	(void)sorters;
	return 0;
}

static void *
open_any(void *owner, stream_deliver *deliver, enum dissect_dir dir, uint64_t off)
{
	(void)owner, (void)deliver, (void)dir, (void)off;
	return said;
}

static int
give_up(void *sorter, uint64_t off, const uint8_t *p, size_t len)
{
	(void)sorter, (void)off, (void)p, (void)len;
	return -1;
}

static int
swallow(void *sorter, uint64_t off, const uint8_t *p, size_t len)
{
	(void)sorter, (void)off, (void)p, (void)len;
	return 0;
}

static int
fill_none(void *sorter, uint64_t missing)
{
	(void)sorter, (void)missing;
	return 0;
}

static void
close_any(void *sorter)
{
	(void)sorter;
}

static void
unusable_engine_makes_gaps(void)
{
	static const struct stream_engine broken = { "broken", never, open_any, swallow, fill_none,
		close_any };

	begin_on(&broken, &limits, 100, 5000, true);
	send('C', 100, "ab", 5000);
	CHECK_EQ_INT(streams_counters(all).engine_failed, 0);
	send('C', 105, "fg", 5000);
	send('C', 102, "cde", 5000);
	send('S', 5000, "x", 107);
	CHECK_EQ_INT(streams_counters(all).engine_failed, 1);
	end("C+ab C-3 C+fg S+x");
}

/* One that gives up, one that loses what it was given: the stream ends, and that is counted. */
static void
failing_engine_ends_the_stream(void)
{
	static const struct stream_engine engine[] = {
		{ "tired", at_once, open_any, give_up, fill_none, close_any },
		{ "leaking", at_once, open_any, swallow, fill_none, close_any },
	};

	for (int i = 0; i < 2; i++) {
		begin_on(&engine[i], &limits, 100, 5000, true);
		send('C', 100, "ab", 5000);
		send('C', 105, "fg", 5000);
		send('C', 102, "cde", 5000);
		send('S', 5000, "late", 107);
		CHECK_EQ_INT(streams_counters(all).engine_failed, 1);
		end("C+ab");
	}
}

static void
block(uint32_t n)
{
	static uint8_t bytes[65000];

	send_cut('C', 100 + n * (uint32_t)sizeof(bytes), (const char *)bytes, sizeof(bytes),
	    sizeof(bytes), 0);
	said[0] = '\0';
}

/* More than 1 GiB one way and always a hole: libnids' window must be kept open. */
static void
long_one_way(void)
{
	begin();
	block(1);
	for (uint32_t i = 0; i < 20000; i += 2) {
		block(i + 3);
		block(i);
	}
	block(20000);
	CHECK_EQ_INT(streams_counters(all).sorted, 1);
	CHECK(20002ull * 65000 > 1 << 30);
	CHECK_EQ_INT(expect[0], 20002ull * 65000);
	said[0] = '\0';
	end("");
}

static void
frames_of_offsets(void)
{
	begin();
	send('C', 100, "abc", 5000);
	send('C', 106, "ghi", 5000);
	send('C', 103, "def", 5000);
	CHECK_EQ_INT(stream_frame(stream, DIR_C2S, 1).frame, 1);
	CHECK_EQ_INT(stream_frame(stream, DIR_C2S, 4).frame, 3);
	CHECK_EQ_INT(stream_frame(stream, DIR_C2S, 7).frame, 2);
	end("C+abc C+def C+ghi");
}

/* A bound for both directions together. */
static void
held_of_both_directions(void)
{
	static char large[60000];

	begin();
	for (uint32_t i = 0; i < 50; i++)
		send_cut('C', 101 + i * sizeof(large), large, sizeof(large), sizeof(large), 0);
	CHECK_EQ_STR(said, "");
	for (uint32_t i = 0; i < 30; i++)
		send_cut('S', 5001 + i * sizeof(large), large, sizeof(large), sizeof(large), 0);
	CHECK(strncmp(said, "S-1 ", 4) == 0);
	CHECK(strchr(said, 'C') == NULL);
	stream_close(stream, (struct moment){ clock_ns, frame });
	stream_free(stream);
	streams_free(all);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "in order", in_order },
		{ "reordered, repeated, overlapping", reordered_repeated_overlapping },
		{ "sequence numbers wrap", sequence_numbers_wrap },
		{ "an acknowledged hole is a gap", acked_hole_is_a_gap },
		{ "what was heard of a hole is told", what_was_heard_is_told },
		{ "too much heard is not kept", too_much_heard_is_not_kept },
		{ "a hole that is not acknowledged waits", unacked_hole_waits },
		{ "an ACK before its data", ack_before_data },
		{ "corrupt numbers are not believed", corrupt_numbers_are_not_believed },
		{ "a consistent jump is believed", a_consistent_jump_is_believed },
		{ "mid-stream start", mid_stream },
		{ "snap length", snap_length },
		{ "FIN ends and frees", fin_ends_and_frees },
		{ "a lost FIN is no gap", lost_fin_is_no_gap },
		{ "a missing tail is a gap", missing_tail },
		{ "bounds force a gap", bounds_force_a_gap },
		{ "many pieces stay bounded", many_pieces_stay_bounded },
		{ "no room is counted", no_room_is_counted },
		{ "the engine is asked for holes only", engine_only_for_holes },
		{ "no engine for cut bytes", no_engine_for_cut_bytes },
		{ "no room for a hole: a gap", no_room_for_a_hole_is_a_gap },
		{ "an unusable engine makes gaps", unusable_engine_makes_gaps },
		{ "a failing engine ends the stream", failing_engine_ends_the_stream },
		{ "more than 1 GiB one way", long_one_way },
		{ "frames of offsets", frames_of_offsets },
		{ "what both directions hold is one bound", held_of_both_directions },
	};

	return check_main("stream", tests, sizeof(tests) / sizeof(tests[0]));
}
