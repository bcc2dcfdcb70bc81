/*
 * The whole room over hostile bytes: recognition, unpacking, both kinds of
 * file, a filter.  Reads from a memory file, as it would from a disk.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 4096 /* a few bytes can unpack to very many */

#define AT_ONCE 5

/* What a capture gave, folded. */
struct got {
	uint64_t sum, frames, last;
	struct capture_damage damage;
};

static void
fold(struct got *g, uint64_t v)
{
	g->sum = (g->sum ^ v) * 0x100000001b3u;
}

static void
fold_frame(struct got *g, const struct capture *c, const struct capture_frame *f)
{
	if (f->caplen > f->len || f->number <= g->last || f->point >= capture_point_count(c))
		abort();
	g->frames++;
	g->last = f->number;
	fold(g, f->number);
	fold(g, (uint64_t)f->ts_ns);
	fold(g, (uint64_t)f->len << 32 | f->point);
	fold(g, (uint64_t)f->link_type << 32 | f->caplen);
	for (uint32_t i = 0; i < f->caplen; i++)
		fold(g, f->data[i]);
}

static void
fold_end(struct got *g, struct capture *c)
{
	for (uint32_t i = 0; i < capture_point_count(c); i++) {
		const struct capture_point *p = capture_point_get(c, i);

		fold(g, p->snaplen);
		fold(g, p->drops_kernel);
		fold(g, p->drops_interface);
	}
	g->damage = *capture_damage(c);
}

/* Frame by frame, or as many at once as are at hand. */
static struct got
read_all(struct capture *c, size_t at_once)
{
	struct capture_frame f[AT_ONCE];
	struct got g = { 0 };
	size_t n = 1;

	while (n > 0 && g.frames < FRAMES_MAX) {
		n = at_once > 1 ? capture_batch(c, f, at_once)
				: capture_next(c, f) == CAPTURE_FRAME;
		for (size_t i = 0; i < n && g.frames < FRAMES_MAX; i++)
			fold_frame(&g, c, &f[i]);
	}
	if (n == 0)
		fold_end(&g, c);
	return g;
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
		struct got one = { 0 }, many = { 0 };
		struct capture *c = capture_open_file(path, filter[i], err, sizeof(err));

		if (c != NULL)
			one = read_all(c, 1);
		capture_close(c);
		c = capture_open_file(path, filter[i], err, sizeof(err));
		if (c != NULL)
			many = read_all(c, AT_ONCE);
		capture_close(c);
		if (one.sum != many.sum || one.frames != many.frames ||
		    memcmp(&one.damage, &many.damage, sizeof(one.damage)) != 0)
			abort();
	}
	close(fd);
	return 0;
}
