/*
 * Large packed captures, unpacked by a thread: the same as on one core, whatever is in them and
 * wherever they end.
 */
#include <sched.h>

#include "packed.h"

enum { LARGE = 2 << 20 }; /* of bytes that do not pack: more than makes a thread worth its start */

/* Our own gunzip, and libarchive. */
static int (*const packers[])(
    struct archive *) = { archive_write_add_filter_gzip, archive_write_add_filter_zstd };
#define PACKERS (sizeof(packers) / sizeof(packers[0]))

/* What a capture gave, folded. */
struct digest {
	uint64_t sum, frames;
	struct capture_damage damage;
};

static struct digest
digest_read(const char *path, size_t at_once)
{
	struct digest d = { 0 };
	struct capture_frame f[16];
	char err[512];
	struct capture *c = capture_open_file(path, NULL, err, sizeof(err));
	size_t n;

	CHECK(c != NULL);
	if (c == NULL)
		return d;
	while ((n = at_once > 1 ? capture_batch(c, f, at_once)
				: capture_next(c, f) == CAPTURE_FRAME) > 0)
		for (size_t i = 0; i < n; i++) {
			d.frames++;
			d.sum = (d.sum ^ (uint64_t)f[i].ts_ns ^ f[i].number << 32 ^ f[i].len) *
			    0x100000001b3u;
			for (uint32_t k = 0; k < f[i].caplen; k++)
				d.sum = (d.sum ^ f[i].data[k]) * 0x100000001b3u;
		}
	d.damage = *capture_damage(c);
	capture_close(c);
	return d;
}

static bool
digest_same(const struct digest *a, const struct digest *b)
{
	return a->sum == b->sum && a->frames == b->frames &&
	    strcmp(a->damage.why, b->damage.why) == 0 && a->damage.frame == b->damage.frame &&
	    a->damage.offset == b->damage.offset;
}

/* With one core there is no thread. */
static struct digest
digest_alone(const char *path)
{
	cpu_set_t all, one;
	struct digest d;
	int cpu = sched_getcpu();

	CHECK_EQ_INT(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_EQ_INT(sched_setaffinity(0, sizeof(one), &one), 0);
	d = digest_read(path, 1);
	CHECK_EQ_INT(sched_setaffinity(0, sizeof(all), &all), 0);
	return d;
}

/* Frames of all sizes, from none to several blocks of the thread; their bytes are noise. */
static struct bytes
noise_capture(bool ng, uint64_t *frames)
{
	static const uint32_t sizes[] = { 1400, 60, 0, 1, 9000, 250000, 70000, 65400, 65536, 262144,
		131, 3000, 1 << 20, 1500 };
	uint8_t *noise = malloc(1 << 20);
	struct bytes b = { 0 };
	uint32_t seed = 7, i;

	if (ng) {
		ng_section(&b, false);
		ng_ethernet(&b, "a");
	} else
		pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	for (i = 0; b.n < LARGE; i++) {
		uint32_t n = sizes[(i / 90 + i % 3) % (sizeof(sizes) / sizeof(sizes[0]))];

		if (!ng && n > 262144)
			n = 262144;
		for (uint32_t k = 0; k < n; k++)
			noise[k] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
		if (ng)
			ng_packet(&b, 0, i, noise, n, n);
		else
			pcap_record(&b, i, 0, noise, n, n);
	}
	free(noise);
	*frames = i;
	return b;
}

static void
check_alike(const char *path, struct digest *d)
{
	struct digest many;

	*d = digest_read(path, 1);
	many = digest_read(path, 16);
	CHECK(digest_same(d, &many));
	many = digest_alone(path);
	CHECK(digest_same(d, &many));
}

static void
test_whole(void)
{
	for (int ng = 0; ng <= 1; ng++) {
		uint64_t frames;
		struct bytes b = noise_capture(ng, &frames);
		struct digest plain, d;

		check_alike(file_write("plain", b.p, b.n), &plain);
		CHECK_EQ_INT(plain.frames, frames);
		CHECK_EQ_STR(plain.damage.why, "");
		for (size_t i = 0; i < PACKERS; i++) {
			struct bytes packed = pack(packers[i], &b);

			CHECK(packed.n > LARGE / 2);
			check_alike(file_write("packed", packed.p, packed.n), &d);
			CHECK(digest_same(&d, &plain));
			bytes_free(&packed);
		}
		bytes_free(&b);
	}
}

/* Cut, or damaged, behind the first blocks: told at the same byte, in the same words. */
static void
test_cut_and_damaged(void)
{
	uint64_t frames;
	struct bytes b = noise_capture(false, &frames);

	for (size_t i = 0; i < PACKERS; i++) {
		struct bytes packed = pack(packers[i], &b);
		struct digest d = { 0 };

		for (size_t n = packed.n - 1; n > packed.n / 2; n -= packed.n / 9)
			check_alike(file_write("cut", packed.p, n), &d);
		CHECK(d.frames < frames);
		CHECK(d.damage.why[0] != '\0');
		memset(packed.p + packed.n / 2, 0xff, 9000);
		check_alike(file_write("damaged", packed.p, packed.n), &d);
		bytes_free(&packed);
	}
	bytes_free(&b);
}

/* Who stops reading early stops the thread, too. */
static void
test_closed_early(void)
{
	uint64_t frames;
	struct bytes b = noise_capture(false, &frames), packed = pack(packers[0], &b);
	const char *path = file_write("packed", packed.p, packed.n);
	struct capture_frame f;
	uint64_t done, total;
	char err[512];

	for (uint64_t n = 0; n < frames; n += 17) {
		struct capture *c = capture_open_file(path, NULL, err, sizeof(err));

		for (uint64_t i = 0; i < n; i++)
			CHECK_EQ_INT(capture_next(c, &f), CAPTURE_FRAME);
		capture_progress(c, &done, &total);
		CHECK(done <= total && total == packed.n);
		capture_close(c);
	}
	bytes_free(&packed);
	bytes_free(&b);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "whole", test_whole },
		{ "cut and damaged", test_cut_and_damaged },
		{ "closed early", test_closed_early },
	};
	int rc = check_main("ahead", tests, sizeof(tests) / sizeof(tests[0]));

	files_remove();
	return rc;
}
