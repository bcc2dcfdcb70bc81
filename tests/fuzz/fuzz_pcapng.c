/*
 * The whole room over hostile bytes: recognition, unpacking, both kinds of
 * file, a filter.  Reads from a memory file, as it would from a disk.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX	4096	/* a few bytes can unpack to very many */

static volatile unsigned int	read_sink;	/* so that the bytes are really read */

static void
read_all(struct capture *c)
{
	struct capture_frame f;
	uint64_t last = 0;
	unsigned int sum = 0, frames = 0;

	while (frames++ < FRAMES_MAX && capture_next(c, &f) == CAPTURE_FRAME) {
		if (f.caplen > f.len || f.number <= last || f.point >= capture_point_count(c))
			abort();
		last = f.number;
		for (uint32_t i = 0; i < f.caplen; i++)
			sum += f.data[i];
	}
	for (uint32_t i = 0; i < capture_point_count(c); i++)
		sum += capture_point_get(c, i)->snaplen;
	read_sink = sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *filter[] = { NULL, "tcp port 25 or (vlan and tcp)" };
	char err[512], path[64];
	int fd = memfd_create("capture", 0);

	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int i = 0; i < 2; i++) {
		struct capture *c = capture_open_file(path, filter[i], err, sizeof(err));

		if (c != NULL)
			read_all(c);
		capture_close(c);
	}
	close(fd);
	return 0;
}
