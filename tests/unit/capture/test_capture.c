/*
 * What every source has in common: recognition, compression, filters, standard input, directories.
 */
#include <fcntl.h>

#include "packed.h"

/* Ethernet, IPv4, TCP or UDP from port 1025 to dport. */
static size_t
ip_frame(uint8_t *p, bool ethernet, uint8_t proto, uint16_t dport)
{
	/* clang-format off */
	static const uint8_t head[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 25,
		4, 1, 0, 25, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	size_t skip = ethernet ? 0 : 14;
	uint8_t whole[sizeof(head)];

	memcpy(whole, head, sizeof(head));
	whole[14 + 9] = proto;
	whole[36] = (uint8_t)(dport >> 8);
	whole[37] = (uint8_t)dport;
	memcpy(p, whole + skip, sizeof(whole) - skip);
	return sizeof(whole) - skip;
}

static struct bytes
mail_capture(void)
{
	struct bytes b = { 0 };
	uint8_t f[64];
	uint32_t n;

	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	for (uint32_t i = 0; i < 40; i++) {
		n = (uint32_t)ip_frame(f, true, 6, i % 2 != 0 ? 25 : 80);
		pcap_record(&b, i, 0, f, n, n);
	}
	return b;
}

/* ---- recognition -------------------------------------------------------------- */

static void
test_not_captures(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *says;
	} t[] = {
		{ "", 0, "empty" },
		{ "Received: from mx", 17, "mail message" },
		{ "{\"type\":\"finding\"}", 18, "JSON" },
		{ "just words\n", 11, "text" },
		{ "PK\x03\x04....", 8, "zip" },
		{ "snoop\0\0\0\0\0\0\2", 12, "snoop" },
		{ "\x01\x02\x03\x04\x05", 5, "neither pcap nor pcapng" },
		{ "\0\0\0\0\0\0\0\0", 8, "zero bytes" },
		{ "\xd4\xc3\xb2\xa1\2\0\4", 7, "cut short" },
		{ "\x0a\x0d\x0d\x0a\x1c", 5, "cut short" },
		{ "\x1f\x8b\x08\x00", 4, "unpack" },
		{ "\xfd"
		  "7zXZ\0\0\0\0\0\0",
		    11, "unpack" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct got g = got_read(file_write("foreign.pcap", t[i].bytes, t[i].n), NULL);

		CHECK(!g.opened);
		CHECK(got_says(g.err, "foreign.pcap: "));
		CHECK(got_says(g.err, t[i].says));
	}
}

static void
test_no_file(void)
{
	struct got g = got_read(file_path("absent"), NULL);

	CHECK(!g.opened);
	CHECK(got_says(g.err, "absent: No such file"));
	g = got_read(files_dir, NULL);
	CHECK(!g.opened);
	CHECK(got_says(g.err, "directory"));
}

/* ---- compression --------------------------------------------------------------- */

static int (*const packers[])(struct archive *) = {
	archive_write_add_filter_gzip,
	archive_write_add_filter_xz,
	archive_write_add_filter_zstd,
	archive_write_add_filter_lz4,
	archive_write_add_filter_bzip2,
};
#define PACKERS (sizeof(packers) / sizeof(packers[0]))

static void
test_compressed(void)
{
	struct bytes b = mail_capture(), ng = { 0 };

	ng_section(&ng, true);
	ng_ethernet(&ng, "eth0");
	ng_packet(&ng, 0, 1, b.p, 50, 50);
	for (size_t i = 0; i < PACKERS; i++) {
		struct bytes packed = pack(packers[i], &b), twice = pack(packers[0], &packed);
		struct bytes ng_packed = pack(packers[i], &ng);
		struct got g = got_read(file_write("misnamed.pcap", packed.p, packed.n), NULL);

		CHECK_EQ_INT(g.end, CAPTURE_END);
		CHECK_EQ_INT(g.n, 40);
		got_free(&g);
		g = got_bytes(&ng_packed, NULL);
		CHECK_EQ_INT(g.end, CAPTURE_END);
		CHECK_EQ_INT(g.n, 1);
		got_free(&g);
		g = got_bytes(&twice, NULL);
		CHECK_EQ_INT(g.n, 40);
		got_free(&g);
		bytes_free(&packed);
		bytes_free(&twice);
		bytes_free(&ng_packed);
	}
	bytes_free(&b);
	bytes_free(&ng);
}

/* A capture that was packed in two parts, as appended logs are. */
static void
test_compressed_parts(void)
{
	struct bytes b = mail_capture();

	for (size_t i = 0; i < PACKERS; i++) {
		struct bytes first = { .p = b.p, .n = 1000 };
		struct bytes second = { .p = b.p + 1000, .n = b.n - 1000 };
		struct bytes one = pack(packers[i], &first), two = pack(packers[i], &second);
		struct got g;

		put(&one, two.p, two.n);
		g = got_bytes(&one, NULL);
		CHECK_EQ_INT(g.end, CAPTURE_END);
		CHECK_EQ_INT(g.n, 40);
		got_free(&g);
		bytes_free(&one);
		bytes_free(&two);
	}
	bytes_free(&b);
}

/* Cut anywhere: never more than there was, never a crash, and always told. */
static void
test_compressed_cut(void)
{
	struct bytes b = mail_capture();

	for (size_t i = 0; i < PACKERS; i++) {
		struct bytes packed = pack(packers[i], &b);

		for (size_t n = 1; n < packed.n; n += 1 + packed.n / 100) {
			struct bytes cut = { .p = packed.p, .n = n };
			struct got g = got_bytes(&cut, NULL);

			CHECK(g.opened || g.err[0] != '\0');
			CHECK(!g.opened || g.n == 40 || g.end == CAPTURE_DAMAGED);
			got_free(&g);
		}
		bytes_free(&packed);
	}
	bytes_free(&b);
}

#ifdef MAILWHY_ZLIB
/* Of a cut gzip file every frame that was packed whole comes out. */
static void
test_gzip_cut_keeps_frames(void)
{
	struct bytes b = { 0 }, packed;
	uint8_t noise[500];
	struct got g;
	uint32_t seed = 1;

	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	for (uint32_t i = 0; i < 40; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
		pcap_record(&b, i, 0, noise, sizeof(noise), sizeof(noise));
	}
	packed = pack(packers[0], &b);
	packed.n /= 2;
	g = got_bytes(&packed, NULL);
	CHECK_EQ_INT(g.end, CAPTURE_DAMAGED);
	CHECK(g.n >= 18 && g.n <= 20);
	CHECK(got_says(g.damage.why, "cut short"));
	got_free(&g);
	bytes_free(&b);
	bytes_free(&packed);
}
#endif

/* ---- filters ---------------------------------------------------------------------- */

static void
test_filter_keeps_numbers(void)
{
	struct bytes b = mail_capture();
	struct got g = got_bytes(&b, "tcp port 25");

	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 20);
	for (size_t i = 0; i < g.n && i < GOT_MAX; i++)
		CHECK_EQ_INT(g.f[i].number, 2 * i + 2);
	CHECK_EQ_INT(g.counts.frames, 40);
	CHECK_EQ_INT(g.counts.filtered, 20);
	got_free(&g);
	bytes_free(&b);
}

/* One program for each link type; a frame of a kind that the words do not fit does not match. */
static void
test_filter_mixed_link_types(void)
{
	struct bytes b = { 0 };
	uint8_t f[64];
	struct got g;

	ng_section(&b, false);
	ng_interface(&b, &(struct ng_interface){ 220, 0, "usb0", -1, 0 });
	ng_ethernet(&b, "eth0");
	ng_interface(&b, &(struct ng_interface){ LINK_RAW, 0, "tun0", -1, 0 });
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t n = (uint32_t)ip_frame(f, true, 6, i < 2 ? 25 : 26);

		ng_packet(&b, 1, i, f, n, n);
		n = (uint32_t)ip_frame(f, false, 6, i < 2 ? 25 : 26);
		ng_packet(&b, 2, i, f, n, n);
		ng_packet(&b, 0, i, f, n, n);
	}
	g = got_bytes(&b, "tcp dst port 25");
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 4);
	CHECK_EQ_INT(g.f[0].point, 1);
	CHECK_EQ_INT(g.f[1].point, 2);
	CHECK_EQ_INT(g.f[2].number, 4);
	CHECK_EQ_INT(g.counts.unfilterable, 4);
	CHECK_EQ_INT(g.counts.filtered, 8);
	got_free(&g);
	bytes_free(&b);
}

static void
test_filter_wrong(void)
{
	struct bytes b = mail_capture(), ng = { 0 };
	struct got g = got_bytes(&b, "tcp prt 25");

	CHECK(!g.opened);
	CHECK(got_says(g.err, "capture: filter \"tcp prt 25\": "));
	ng_section(&ng, false);
	ng_ethernet(&ng, "eth0");
	g = got_bytes(&ng, "tcp prt 25");
	CHECK(!g.opened);
	g = got_bytes(&ng, "");
	CHECK(g.opened);
	bytes_free(&b);
	bytes_free(&ng);
}

/* ---- standard input, progress, names ------------------------------------------------ */

/*
 * Runs got_read("-") with `path' as standard input, through a pipe that gives few bytes at a time.
 */
static struct got
got_piped(const char *path)
{
	struct got g;
	char command[600];
	FILE *p;
	int keep = dup(STDIN_FILENO);

	snprintf(command, sizeof(command), "dd if='%s' bs=13 2>/dev/null", path);
	p = popen(command, "r");
	dup2(fileno(p), STDIN_FILENO);
	g = got_read("-", NULL);
	dup2(keep, STDIN_FILENO);
	close(keep);
	pclose(p);
	return g;
}

static void
test_standard_input(void)
{
	struct bytes b = mail_capture(), packed, ng = { 0 };
	struct got g;

	g = got_piped(file_write("capture", b.p, b.n));
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 40);
	got_free(&g);
	for (size_t i = 0; i < PACKERS; i++) {
		packed = pack(packers[i], &b);
		g = got_piped(file_write("capture", packed.p, packed.n));
		CHECK_EQ_INT(g.end, CAPTURE_END);
		CHECK_EQ_INT(g.n, 40);
		got_free(&g);
		bytes_free(&packed);
	}
	ng_section(&ng, true);
	ng_ethernet(&ng, "a");
	ng_packet(&ng, 0, 1, b.p, 99, 99);
	g = got_piped(file_write("capture", ng.p, ng.n));
	CHECK_EQ_INT(g.end, CAPTURE_END);
	CHECK_EQ_INT(g.n, 1);
	got_free(&g);
	g = got_piped(file_write("empty", "", 0));
	CHECK(!g.opened);
	CHECK(got_says(g.err, "standard input: empty"));
	bytes_free(&b);
	bytes_free(&ng);
}

/*
 * Frames that carry their number, some of them across the ends of the reader's buffer; all of a
 * batch stay whole.
 */
static struct bytes
numbered_frames(bool ng, bool big, uint32_t frames, uint32_t len)
{
	uint8_t *bytes = malloc(len);
	struct bytes b = { .big = big };

	if (ng) {
		ng_section(&b, big);
		ng_ethernet(&b, "a");
	} else
		pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	for (uint32_t i = 1; i <= frames; i++) {
		memset(bytes, (int)(i % 251), len);
		if (ng)
			ng_packet(&b, 0, i, bytes, len - i % 7, len);
		else
			pcap_record(&b, i, 0, bytes, len - i % 7, len);
	}
	free(bytes);
	return b;
}

static void
check_batches(bool ng, bool big)
{
	enum { FRAMES = 900, LEN = 1400, AT_ONCE = 16 };
	struct capture_frame f[AT_ONCE];
	struct bytes b = numbered_frames(ng, big, FRAMES, LEN);
	struct capture *c;
	size_t n, largest = 0;
	uint64_t seen = 0;
	char err[256];

	b.n -= 5; /* the last one is cut */
	c = capture_open_file(file_write("capture", b.p, b.n), NULL, err, sizeof(err));
	while ((n = capture_batch(c, f, AT_ONCE)) > 0) {
		largest = n > largest ? n : largest;
		for (size_t i = 0; i < n; i++) {
			seen++;
			CHECK_EQ_INT(f[i].number, seen);
			CHECK_EQ_INT(f[i].caplen, LEN - seen % 7);
			CHECK_EQ_INT(f[i].data[0], seen % 251);
			CHECK_EQ_INT(f[i].data[f[i].caplen - 1], seen % 251);
		}
	}
	CHECK_EQ_INT(largest, AT_ONCE);
	CHECK_EQ_INT(seen, FRAMES - 1);
	CHECK(strstr(capture_damage(c)->why, "cut short") != NULL);
	capture_close(c);
	bytes_free(&b);
}

static void
test_batches(void)
{
	check_batches(false, false);
	check_batches(false, true);
	check_batches(true, false);
	check_batches(true, true);
}

static void
test_progress(void)
{
	struct bytes b = mail_capture(), packed = pack(packers[1], &b);
	const struct bytes *file[] = { &b, &packed };
	uint64_t done, total;
	struct capture_frame f;
	char err[256];

	for (int i = 0; i < 2; i++) {
		struct capture *c = capture_open_file(
		    file_write("capture", file[i]->p, file[i]->n), NULL, err, sizeof(err));

		while (capture_next(c, &f) == CAPTURE_FRAME)
			;
		capture_progress(c, &done, &total);
		CHECK_EQ_INT(total, file[i]->n);
		CHECK_EQ_INT(done, file[i]->n);
		CHECK_EQ_STR(capture_name(c), files_path);
		CHECK_EQ_INT(capture_poll_fd(c), -1);
		CHECK(capture_point_get(c, 1) == NULL);
		capture_close(c);
	}
	bytes_free(&b);
	bytes_free(&packed);
}

static void
test_no_such_interface(void)
{
	char err[512] = "";

	CHECK(capture_open_live("no-such-if0", 0, 0, NULL, err, sizeof(err)) == NULL);
	CHECK(got_says(err, "no-such-if0: "));
	CHECK(strstr(err, "no such interface") != NULL || strstr(err, "CAP_NET_RAW") != NULL);
}

/* ---- arguments ------------------------------------------------------------------------- */

static char expanded[4096];

static int
note_path(void *ctx, const char *path)
{
	const char *name = strrchr(path, '/');

	(void)ctx;
	strcat(expanded, name != NULL ? name + 1 : path);
	strcat(expanded, " ");
	return 0;
}

static void
test_expand(void)
{
	char err[512], dir[sizeof(files_path)], sub[sizeof(files_path) + 8];

	snprintf(dir, sizeof(dir), "%s", file_path("rotated"));
	mkdir(dir, 0700);
	snprintf(sub, sizeof(sub), "%s/below", dir);
	CHECK_EQ_INT(capture_expand(dir, note_path, NULL, err, sizeof(err)), -1);
	CHECK(got_says(err, "rotated: the directory has no files"));
	mkdir(sub, 0700);
	CHECK_EQ_INT(capture_expand(dir, note_path, NULL, err, sizeof(err)), -1);
	CHECK(got_says(err,
	    "rotated: the directory has no files; what is in directories within it is not read: name them"));
	file_write("rotated/b.pcap", "", 0);
	file_write("rotated/a.pcap", "", 0);
	file_write("rotated/.hidden", "", 0);
	file_write("rotated/C.pcap", "", 0);
	file_write("rotated/below/d.pcap", "", 0);

	expanded[0] = '\0';
	CHECK_EQ_INT(
	    capture_expand(dir, note_path, NULL, err, sizeof(err)), 1); /* below is not read */
	CHECK_EQ_STR(expanded, "C.pcap a.pcap b.pcap ");
	expanded[0] = '\0';
	CHECK_EQ_INT(
	    capture_expand(file_path("rotated/b.pcap"), note_path, NULL, err, sizeof(err)), 0);
	CHECK_EQ_INT(capture_expand("-", note_path, NULL, err, sizeof(err)), 0);
	CHECK_EQ_STR(expanded, "b.pcap - ");
	CHECK_EQ_INT(capture_expand("/no/such", note_path, NULL, err, sizeof(err)), -1);
	CHECK_EQ_STR(err, "/no/such: No such file or directory");

	unlink(file_path("rotated/below/d.pcap"));
	unlink(file_path("rotated/b.pcap"));
	unlink(file_path("rotated/a.pcap"));
	unlink(file_path("rotated/.hidden"));
	unlink(file_path("rotated/C.pcap"));
	rmdir(sub);
	rmdir(dir);
}

/* ---- captures of a lab, the same mail in every format ------------------------------------ */

static void
test_lab_formats(void)
{
	static const struct {
		const char *name;
		size_t n;
		enum capture_rc end;
	} t[] = {
		{ "client.pcap", 56, CAPTURE_END },
		{ "bigendian.pcap", 56, CAPTURE_END },
		{ "nano.pcap", 56, CAPTURE_END },
		{ "modpcap.pcap", 56, CAPTURE_END },
		{ "ng.pcapng", 56, CAPTURE_END },
		{ "gz.pcap.gz", 56, CAPTURE_END },
		{ "empty.pcap", 0, CAPTURE_END },
		{ "cut.pcap", 37, CAPTURE_DAMAGED },
	};
	char path[512];
	struct got first = { 0 };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct got g;

		snprintf(path, sizeof(path), "%s/lab/art_formats.%s", CAPTURES_DIR, t[i].name);
		if (access(path, R_OK) == -1) {
			printf("skipped: %s is not there\n", path);
			continue;
		}
		g = got_read(path, NULL);
		CHECK_EQ_INT(g.n, t[i].n);
		CHECK_EQ_INT(g.end, t[i].end);
		for (size_t k = 0; k < g.n && k < first.n; k++) {
			CHECK_EQ_INT(g.f[k].ts_ns / 1000, first.f[k].ts_ns / 1000);
			CHECK_EQ_INT(g.f[k].caplen, first.f[k].caplen);
			CHECK_EQ_INT(g.f[k].len, first.f[k].len);
			CHECK_EQ_MEM(g.f[k].data, first.f[k].data, first.f[k].caplen);
		}
		if (first.n == 0)
			first = g;
		else
			got_free(&g);
	}
	got_free(&first);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "files that are no captures", test_not_captures },
		{ "no file", test_no_file },
		{ "compressed, whatever the name", test_compressed },
		{ "compressed in parts", test_compressed_parts },
		{ "compressed and cut", test_compressed_cut },
#ifdef MAILWHY_ZLIB
		{ "a cut gzip keeps its frames", test_gzip_cut_keeps_frames },
#endif
		{ "a filter keeps the numbers of the file", test_filter_keeps_numbers },
		{ "a filter over several link types", test_filter_mixed_link_types },
		{ "a wrong filter", test_filter_wrong },
		{ "standard input", test_standard_input },
		{ "batches of frames", test_batches },
		{ "progress", test_progress },
		{ "no such interface", test_no_such_interface },
		{ "arguments", test_expand },
		{ "lab captures in every format", test_lab_formats },
	};
	int rc = check_main("capture", tests, sizeof(tests) / sizeof(tests[0]));

	files_remove();
	return rc;
}
