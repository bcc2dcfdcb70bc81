/* test_record_log.c - records files: written, read back, damaged, hostile. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "random_record.h"
#include "record/record_log.h"
#include "record/record_order.h"

static char dir[] = "/tmp/test_record_log.XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

#define MANY 200
static struct record written[MANY];
static size_t taken;
static bool all_equal;

static void
take(void *ctx, const struct record *r)
{
	(void)ctx;
	if (taken >= MANY || !record_same(r, &written[taken]))
		all_equal = false;
	taken++;
}

static uint64_t bad_line;
static char bad_why[256];

static void
bad(void *ctx, uint64_t line, const char *why)
{
	(void)ctx;
	bad_line = line;
	snprintf(bad_why, sizeof(bad_why), "%s", why);
}

static struct record_log_reader
read_path(const char *path)
{
	struct record_log_reader reader = { .sink = { take, NULL }, .bad = bad };
	FILE *in = fopen(path, "r");

	taken = 0;
	all_equal = true;
	bad_line = 0;
	CU_ASSERT_FATAL(in != NULL);
	CHECK_EQ_INT(record_log_read(in, &reader), 0);
	fclose(in);
	return reader;
}

static void
what_is_written_is_read(void)
{
	char err[256], path[128];
	struct record_log *log;
	struct record_log_reader reader;

	snprintf(path, sizeof(path), "%s", in_dir("a.jsonl"));
	log = record_log_create(path, err, sizeof(err));
	CU_ASSERT_FATAL(log != NULL);
	for (unsigned int i = 0; i < MANY; i++) {
		random_record(&written[i], (enum record_type)(RECORD_CAPTURE + i % RECORD_LAST));
		record_log_write(log, &written[i]);
	}
	CHECK_EQ_INT(record_log_close(log, err, sizeof(err)), 0);
	reader = read_path(path);
	CHECK_EQ_INT(reader.records, MANY);
	CHECK_EQ_INT(reader.bad_lines, 0);
	CHECK(all_equal && taken == MANY);
}

static void
in_a_directory_nothing_is_overwritten(void)
{
	char err[256], path[128];
	struct record r = { .type = RECORD_HOST };
	struct record_log *log;

	r.host.first = (struct moment){ .ns = 1795255200000000000, .frame = 1 };
	snprintf(path, sizeof(path), "%s", in_dir("new/"));
	for (int i = 0; i < 2; i++) {
		log = record_log_create(path, err, sizeof(err));
		CU_ASSERT_FATAL(log != NULL);
		record_log_write(log, &r);
		CHECK_EQ_INT(record_log_close(log, err, sizeof(err)), 0);
	}
	CHECK_EQ_INT(access(in_dir("new/mailwhy-20261121T100000Z.jsonl"), R_OK), 0);
	CHECK_EQ_INT(access(in_dir("new/mailwhy-20261121T100000Z-1.jsonl"), R_OK), 0);
}

static void
failures_name_the_file(void)
{
	char err[256] = "";
	struct record r = { .type = RECORD_HOST };
	struct record_log *log;

	CHECK(record_log_create("/nonexistent/x", err, sizeof(err)) == NULL);
	CHECK_EQ_STR(err, "/nonexistent/x: No such file or directory");
	log = record_log_create("/dev/full", err, sizeof(err));
	CU_ASSERT_FATAL(log != NULL);
	for (int i = 0; i < 1000; i++)
		record_log_write(log, &r);
	CHECK_EQ_INT(record_log_close(log, err, sizeof(err)), -1);
	CHECK_EQ_STR(err, "/dev/full: No space left on device");
}

static void
put(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_FATAL(f != NULL);
	fwrite(text, 1, len, f);
	fclose(f);
}

static void
a_bad_line_is_named_and_the_rest_is_read(void)
{
	static const char text[] =
	    "\n{\"type\":\"host\",\"schema\":1}\n{\"type\":\"host\",\n"
	    "{\"type\":\"summary\",\"schema\":1}\n{\"type\":\"host\",\"schema\":1}";
	struct record_log_reader reader;

	put(in_dir("bad"), text, sizeof(text) - 1);
	reader = read_path(in_dir("bad"));
	CHECK_EQ_INT(reader.records, 2);
	CHECK_EQ_INT(reader.bad_lines, 1);
	CHECK_EQ_INT(bad_line, 3);
	CHECK(bad_why[0] != '\0');
}

static void
an_endless_line_is_passed_over(void)
{
	size_t n = 3U << 20;
	char *text = malloc(n);
	static const char good[] = "{\"type\":\"host\",\"schema\":1}\n";
	struct record_log_reader reader;

	memset(text, 'x', n);
	text[0] = '{';
	text[n - sizeof(good)] = '\n';
	memcpy(text + n - sizeof(good) + 1, good, sizeof(good) - 1);
	put(in_dir("long"), text, n);
	free(text);
	reader = read_path(in_dir("long"));
	CHECK_EQ_INT(reader.records, 1);
	CHECK_EQ_INT(bad_line, 1);
	CHECK_EQ_STR(bad_why, "the line is too long");
}

/* As logrotate does it with `copytruncate'. */
static void
a_log_that_is_cut_goes_on(void)
{
	struct record r = { .type = RECORD_HOST };
	char err[256], path[128];
	struct record_log *log;

	snprintf(path, sizeof(path), "%s", in_dir("rotated.jsonl"));
	log = record_log_create(path, err, sizeof(err));
	CU_ASSERT_FATAL(log != NULL);
	record_log_write(log, &r);
	record_log_flush(log);
	CHECK_EQ_INT(truncate(path, 0), 0);
	record_log_write(log, &r);
	CHECK_EQ_INT(record_log_close(log, err, sizeof(err)), 0);
	CHECK_EQ_INT(read_path(path).records, 1);
	CHECK_EQ_INT(read_path(path).bad_lines, 0);
}

static void
order_is_captures_then_time(void)
{
	struct record c = { .type = RECORD_CAPTURE }, a = { .type = RECORD_STALL },
		      b = { .type = RECORD_SESSION };
	struct record_order oc, oa, ob;

	c.capture.first.ns = 900;
	a.stall.first.ns = 10;
	b.session.first.ns = 11;
	oc = record_order_of(&c);
	oa = record_order_of(&a);
	ob = record_order_of(&b);
	CHECK(record_order_compare(&oc, &oa) < 0 && record_order_compare(&oa, &oc) > 0);
	CHECK(record_order_compare(&oa, &ob) < 0);
	CHECK_EQ_INT(record_order_compare(&ob, &ob), 0);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "what is written is read", what_is_written_is_read },
		{ "in a directory nothing is overwritten", in_a_directory_nothing_is_overwritten },
		{ "failures name the file and the reason", failures_name_the_file },
		{ "a bad line is named and the rest is read",
		    a_bad_line_is_named_and_the_rest_is_read },
		{ "an endless line is passed over", an_endless_line_is_passed_over },
		{ "a log that is cut goes on at its new end", a_log_that_is_cut_goes_on },
		{ "captures first, then by time", order_is_captures_then_time },
	};
	char cmd[160];
	int rc;

	if (mkdtemp(dir) == NULL)
		return 1;
	rc = check_main("record_log", t, sizeof(t) / sizeof(t[0]));
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	return system(cmd) != 0 || rc != 0;
}
