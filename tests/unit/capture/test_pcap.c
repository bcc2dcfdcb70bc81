/* Classic pcap: all its variants, cut anywhere, with lengths and times that cannot be. */
#include <pcap/pcap.h>

#include "files.h"

static const uint8_t frame_a[] = "the first frame, of forty-one bytes.....";
static const uint8_t frame_b[] = "second";

enum { RECORD = 16, HEAD = 24 };

/* Three frames, the last one empty. */
static struct bytes
three_frames(uint32_t magic, bool big)
{
	struct bytes b = { .big = big };

	pcap_head(&b, magic, LINK_ETHERNET);
	pcap_record(&b, 1700000000, 1, frame_a, sizeof(frame_a), sizeof(frame_a));
	pcap_record(&b, 1700000000, 999999, frame_b, sizeof(frame_b), 1500);
	pcap_record(&b, 3000000000u, 0, "", 0, 60);
	return b;
}

static struct bytes
three_frames_modified(bool big)
{
	static const uint8_t extra[8] = { 0 };
	struct bytes plain = three_frames(FILES_MICRO, big), b = { .big = big };
	size_t at = HEAD, caplen[] = { sizeof(frame_a), sizeof(frame_b), 0 };

	pcap_head(&b, FILES_MODIFIED, LINK_ETHERNET);
	for (int i = 0; i < 3; i++) {
		put(&b, plain.p + at, RECORD);
		put(&b, extra, sizeof(extra));
		put(&b, plain.p + at + RECORD, caplen[i]);
		at += RECORD + caplen[i];
	}
	bytes_free(&plain);
	return b;
}

static void
check_three(const struct got *g, int64_t unit_ns)
{
	CHECK(g->opened);
	CHECK_EQ_STR(g->format, "pcap");
	CHECK_EQ_INT(g->end, CAPTURE_END);
	CHECK_EQ_INT(g->n, 3);
	if (g->n != 3)
		return;
	CHECK_EQ_INT(g->points, 1);
	CHECK_EQ_INT(g->point[0].link_type, LINK_ETHERNET);
	CHECK_EQ_INT(g->point[0].snaplen, 65535);
	CHECK_EQ_INT(g->f[0].number, 1);
	CHECK_EQ_INT(g->f[0].ts_ns, 1700000000000000000 + unit_ns);
	CHECK_EQ_INT(g->f[0].caplen, sizeof(frame_a));
	CHECK_EQ_MEM(g->f[0].data, frame_a, sizeof(frame_a));
	CHECK_EQ_INT(g->f[1].number, 2);
	CHECK_EQ_INT(g->f[1].ts_ns, 1700000000000000000 + 999999 * unit_ns);
	CHECK_EQ_INT(g->f[1].caplen, sizeof(frame_b));
	CHECK_EQ_INT(g->f[1].len, 1500);
	CHECK_EQ_MEM(g->f[1].data, frame_b, sizeof(frame_b));
	CHECK_EQ_INT(g->f[2].caplen, 0);
	CHECK_EQ_INT(g->f[2].len, 60);
	CHECK_EQ_INT(g->f[2].ts_ns, 3000000000000000000); /* 2065: seconds are unsigned */
}

static void
test_variants(void)
{
	for (int big = 0; big <= 1; big++) {
		struct bytes file[] = {
			three_frames(FILES_MICRO, big),
			three_frames(FILES_NANO, big),
			three_frames_modified(big),
		};

		for (size_t i = 0; i < 3; i++) {
			struct got g = got_bytes(&file[i], NULL);

			check_three(&g, i == 1 ? 1 : 1000);
			got_free(&g);
			bytes_free(&file[i]);
		}
	}
}

/*
 * However a file is cut, the frames before the cut come, and the cut is said unless it is between
 * two.
 */
static void
check_prefixes(const struct bytes *b, size_t record)
{
	size_t end[3] = { HEAD + record + sizeof(frame_a) };

	end[1] = end[0] + record + sizeof(frame_b);
	end[2] = end[1] + record;
	for (size_t n = 0; n <= b->n; n++) {
		struct bytes cut = { .p = b->p, .n = n, .big = b->big };
		struct got g = got_bytes(&cut, NULL);
		size_t whole = (n >= end[0]) + (n >= end[1]) + (n >= end[2]);
		bool between = n == HEAD || n == end[0] || n == end[1] || n == end[2];

		CHECK_EQ_INT(g.opened, n >= HEAD);
		CHECK_EQ_INT(g.n, whole);
		if (g.opened)
			CHECK_EQ_INT(g.end, between ? CAPTURE_END : CAPTURE_DAMAGED);
		if (g.opened && !between) {
			CHECK_EQ_INT(g.damage.frame, whole);
			CHECK_EQ_INT(g.damage.offset, whole > 0 ? end[whole - 1] : HEAD);
			CHECK(got_says(g.damage.why, "cut short"));
		}
		got_free(&g);
	}
}

static void
test_every_prefix(void)
{
	struct bytes plain = three_frames(FILES_MICRO, true),
		     modified = three_frames_modified(false);

	check_prefixes(&plain, RECORD);
	check_prefixes(&modified, RECORD + 8);
	bytes_free(&plain);
	bytes_free(&modified);
}

static void
test_no_frames(void)
{
	struct bytes b = { 0 };
	struct got g;

	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	g = got_bytes(&b, NULL);
	CHECK(g.opened);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 0);
	CHECK_EQ_STR(g.damage.why, "");
	bytes_free(&b);
}

/* Lengths that contradict, fractions beyond a second: put right, counted. */
static void
test_repairs(void)
{
	struct bytes b = { 0 };
	struct got g;

	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	pcap_record(&b, 10, 0, frame_a, 41, 20);
	pcap_record(&b, 10, 4000000000u, frame_a, 41, 41);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 2);
	CHECK_EQ_INT(g.f[0].caplen, 41);
	CHECK_EQ_INT(g.f[0].len, 41);
	CHECK_EQ_INT(g.f[1].ts_ns, 10999999999);
	CHECK_EQ_INT(g.counts.repaired, 2);
	got_free(&g);
	bytes_free(&b);
}

static void
test_impossible_length(void)
{
	struct bytes b = { 0 };
	struct got g;

	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	pcap_record(&b, 10, 0, frame_a, 41, 41);
	put64(&b, 0);
	put32(&b, 0x7fffffff);
	put32(&b, 0x7fffffff);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_DAMAGED);
	CHECK_EQ_INT(g.n, 1);
	CHECK_EQ_INT(g.damage.frame, 1);
	CHECK_EQ_INT(g.damage.offset, 24 + 16 + 41);
	CHECK(got_says(g.damage.why, "frame 2, offset 81: a frame of 2147483647 bytes"));
	got_free(&g);
	bytes_free(&b);
}

/* Larger than the reader's buffer, and larger than the file's snap length says. */
static void
test_large_frames(void)
{
	enum { LARGE = 262144 };
	uint8_t *data = malloc(LARGE);
	struct bytes b = { 0 };
	struct got g;

	for (size_t i = 0; i < LARGE; i++)
		data[i] = (uint8_t)(i * 7 >> 3);
	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	for (uint32_t i = 0; i < 4; i++)
		pcap_record(&b, i, 0, data, LARGE - i, LARGE);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 4);
	for (size_t i = 0; i < g.n; i++)
		CHECK_EQ_MEM(g.f[i].data, data, LARGE - i);
	got_free(&g);
	bytes_free(&b);
	free(data);
}

static void
test_joined_by_cat(void)
{
	struct bytes b = three_frames(FILES_MICRO, false), two = { 0 };
	struct got g;

	put(&two, b.p, b.n);
	put(&two, b.p, b.n);
	g = got_bytes(&two, NULL);
	CHECK_EQ_INT(g.n, 3);
	CHECK_EQ_INT(g.end, CAPTURE_DAMAGED);
	CHECK(got_says(g.damage.why, "a second capture begins"));
	got_free(&g);
	bytes_free(&b);
	bytes_free(&two);
}

/*
 * The link type's upper bits say how many bytes of checksum follow a frame: they are no link type.
 */
static void
test_link_type_bits(void)
{
	struct bytes b = { 0 };
	struct got g;

	pcap_head(&b, FILES_MICRO, 0x50000000u | LINK_RAW);
	pcap_record(&b, 1, 0, frame_b, 6, 6);
	g = got_bytes(&b, NULL);
	CHECK_EQ_INT(g.n, 1);
	CHECK_EQ_INT(g.f[0].link_type, LINK_RAW);
	got_free(&g);
	bytes_free(&b);
}

/* libpcap is the oracle of our own reader: same frames, same times, same end. */
static void
test_same_as_libpcap(void)
{
	struct bytes b = { .big = true };
	struct pcap_pkthdr *h;
	const u_char *p;
	uint8_t data[3000];
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *oracle;
	struct capture *c;
	struct capture_frame f;
	uint32_t seed = 1;
	int n = 0;

	pcap_head(&b, FILES_NANO, LINK_ETHERNET);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31);
	for (int i = 0; i < 2000; i++) {
		seed = seed * 1103515245 + 12345;
		pcap_record(&b, 1600000000 + seed % 1000, seed % 1000000000, data + seed % 100,
		    seed % 2900, 2900);
	}
	file_write("capture", b.p, b.n - 7);
	oracle =
	    pcap_open_offline_with_tstamp_precision(files_path, PCAP_TSTAMP_PRECISION_NANO, err);
	c = capture_open_file(files_path, NULL, err, sizeof(err));
	CHECK(oracle != NULL && c != NULL);
	while (capture_next(c, &f) == CAPTURE_FRAME && pcap_next_ex(oracle, &h, &p) == 1) {
		n++;
		CHECK(f.caplen == h->caplen && f.len == h->len);
		CHECK(f.ts_ns == (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec);
		CHECK(f.caplen == h->caplen && memcmp(f.data, p, f.caplen) == 0);
	}
	CHECK_EQ_INT(pcap_next_ex(oracle, &h, &p), -1);
	CHECK_EQ_INT(n, 1999);
	CHECK_EQ_INT(capture_damage(c)->frame, 1999);
	pcap_close(oracle);
	capture_close(c);
	bytes_free(&b);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "micro, nano, modified; both byte orders", test_variants },
		{ "every prefix", test_every_prefix },
		{ "a header without frames", test_no_frames },
		{ "lengths and times put right", test_repairs },
		{ "an impossible length", test_impossible_length },
		{ "large frames", test_large_frames },
		{ "two files joined by cat", test_joined_by_cat },
		{ "link type with FCS bits", test_link_type_bits },
		{ "the same as libpcap", test_same_as_libpcap },
	};
	int rc = check_main("pcap", tests, sizeof(tests) / sizeof(tests[0]));

	files_remove();
	return rc;
}
