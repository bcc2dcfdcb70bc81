/*
 * fuzz_pipeline.c - a whole run in one process: the bytes of a file go in, as
 * the command line would read them (a capture, compressed or not, every other
 * one in two pieces, or records), and all three outputs come out.  Beyond memory safety: no byte of
 * an output can drive a terminal, a line of JSON is ASCII, the mails add up, and judging twice says
 * the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flow/flow.h"
#include "mutate_pcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *screen;   /* instead of standard output */
static FILE *messages; /* instead of standard error */

/* Tables of the usual size would cost more than the input. */
static const struct flow_limits limits_small = {
	.flows = 64,
	.full = 16,
	.streams = 8,
	.held_bytes = 1 << 20,
	.idle_ns = 900000000000,
};

/* The pipeline as it is, but for its standard files and its limits. */
#undef stdout
#undef stderr
#define stdout              screen
#define stderr              messages
#define flow_limits_default limits_small
#include "pipeline.c"
#include "pipeline_inputs.c"
#include "pipeline_records.c"
#include "pipeline_source.c"
#include "selection.c"
#include "window.c"
#include "tests/fuzz/mails_add_up.h"
#undef stdout
#undef stderr

struct paper {
	uint64_t hash;
	bool ascii;
};

static ssize_t
paper_write(void *cookie, const char *p, size_t len)
{
	struct paper *o = cookie;

	for (size_t i = 0; i < len; i++) {
		uint8_t b = (uint8_t)p[i];

		if ((b < 0x20 && b != '\n') || b == 0x7f || (o->ascii && b > 0x7e))
			abort();
		o->hash = (o->hash ^ b) * 0x100000001b3u;
	}
	return (ssize_t)len;
}

static FILE *
paper_open(struct paper *o)
{
	FILE *f = fopencookie(o, "w", (cookie_io_functions_t){ .write = paper_write });

	if (f == NULL)
		abort();
	return f;
}

/* One output of what was read; its hash. */
static uint64_t
output_of(struct pipeline *p, struct options *o, enum output kind)
{
	struct paper out = { .ascii = kind == OUTPUT_JSON };

	o->output = kind;
	screen = paper_open(&out);
	p->page.out = screen;
	print_output(p);
	fclose(screen);
	return out.hash;
}

static void
run(const char **paths, size_t count)
{
	struct options o = { .output = OUTPUT_TRANSCRIPT,
		.colour = COLOUR_NEVER,
		.all = true,
		.inputs = paths,
		.input_count = count };
	struct paper said = { .ascii = false };
	struct pipeline p;
	uint64_t text;

	screen = messages = paper_open(&said);
	if (pipeline_open(&p, &o) != 0 || (p.json = json_report_new(NULL)) == NULL)
		abort();
	pipeline_inputs(&p);
	correlator_judge(p.correlator);
	text = output_of(&p, &o, OUTPUT_TEXT);
	output_of(&p, &o, OUTPUT_TRANSCRIPT);
	output_of(&p, &o, OUTPUT_JSON);
	mails_add_up(p.correlator);
	correlator_judge(p.correlator);
	if (output_of(&p, &o, OUTPUT_TEXT) != text)
		abort();
	pipeline_close(&p);
	fclose(messages);
}

/* A file of its own, under a name that differs from others in digits only; its descriptor. */
static int
file_make(const uint8_t *head, size_t head_len, const uint8_t *rest, size_t rest_len, char *path,
    size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, head, head_len) != (ssize_t)head_len ||
	    write(fd, rest, rest_len) != (ssize_t)rest_len)
		abort();
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

/*
 * Where a frame in the middle of a little-endian pcap begins; 0: of no pcap, or of one in one piece
 * (the first time's last bit).
 */
static size_t
middle(const uint8_t *data, size_t size)
{
	uint32_t caplen;
	size_t at = 24;

	if (size < 40 || memcmp(data, "\xd4\xc3\xb2\xa1", 4) != 0 || (data[28] & 1) == 0)
		return 0;
	while (at + 16 <= size && at < size / 2) {
		memcpy(&caplen, data + at + 8, sizeof(caplen));
		if (caplen > size - at - 16)
			break;
		at += 16 + caplen;
	}
	return at > 24 ? at : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = middle(data, size);
	const char *paths[2];
	char path[2][64];
	int fd[2] = { -1, -1 };

	fd[0] = file_make(data, cut > 0 ? cut : size, NULL, 0, path[0], sizeof(path[0]));
	if (cut > 0)
		fd[1] = file_make(data, 24, data + cut, size - cut, path[1], sizeof(path[1]));
	paths[0] = path[0];
	paths[1] = path[1];
	run(paths, cut > 0 ? 2 : 1);
	close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	return 0;
}
