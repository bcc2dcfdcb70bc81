/* scenario.c - scenario TEXT CAPTURE: turns a scenario into a pcap file. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenario.h"

const char *fail_file;
unsigned int fail_line;

void
fail(const char *fmt, ...)
{
	va_list ap;

	if (fail_file != NULL)
		fprintf(stderr, "%s:%u: ", fail_file, fail_line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* A run is short: what it needs is kept to the end, in one chain (no leak to look for). */
struct block {
	struct block *next;
	max_align_t bytes[];
};

static struct block *blocks;

__attribute__((visibility("default"))) const char *__asan_default_options(void);

/* Looking for leaks all the same would be most of a run. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

void *
xalloc(size_t n)
{
	struct block *b = calloc(1, sizeof(*b) + n);

	if (b == NULL)
		fail("no memory");
	b->next = blocks;
	blocks = b;
	return b->bytes;
}

static char *
file_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text;
	size_t n;

	if (f == NULL)
		fail("%s: cannot be read", path);
	text = xalloc((1 << 20) + 1);
	n = fread(text, 1, 1 << 20, f);
	if (ferror(f) || !feof(f))
		fail("%s: read failed, or over 1 MiB", path);
	text[n] = '\0';
	fclose(f);
	return text;
}

int
main(int argc, char **argv)
{
	struct sim *s = xalloc(sizeof(*s));

	if (argc != 3) {
		fprintf(stderr, "usage: scenario story.scenario story.pcap\n");
		return 2;
	}
	s->tap.towards = -1;
	s->seed = 1;
	s->start = 1709629200 * s_ns; /* 2024-03-05 09:00:00 UTC */
	script_run(s, argv[1], file_read(argv[1]));
	wire_write(s, argv[2]);
	return 0;
}
