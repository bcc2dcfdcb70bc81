/*
 * files.h - capture files made by the tests: bytes are put into a buffer in
 * either byte order, written to a temporary directory, read back.
 */
#ifndef FILES_H
#define FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capture.h"
#include "check.h"

#define FILES_MICRO    0xa1b2c3d4u
#define FILES_NANO     0xa1b23c4du
#define FILES_MODIFIED 0xa1b2cd34u
#define LINK_ETHERNET  1u
#define LINK_RAW       101u
#define LINK_SLL       113u

struct bytes {
	uint8_t *p;
	size_t n;
	bool big; /* byte order of what is put */
	size_t cap;
};

static inline void
put(struct bytes *b, const void *p, size_t n)
{
	if (b->p == NULL || b->n + n > b->cap) {
		b->cap = (b->n + n) * 2 + 64;
		b->p = realloc(b->p, b->cap);
	}
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void
put8(struct bytes *b, uint8_t v)
{
	put(b, &v, 1);
}

static inline void
put16(struct bytes *b, uint16_t v)
{
	put8(b, (uint8_t)(b->big ? v >> 8 : v));
	put8(b, (uint8_t)(b->big ? v : v >> 8));
}

static inline void
put32(struct bytes *b, uint32_t v)
{
	put16(b, (uint16_t)(b->big ? v >> 16 : v));
	put16(b, (uint16_t)(b->big ? v : v >> 16));
}

static inline void
put64(struct bytes *b, uint64_t v)
{
	put32(b, (uint32_t)(b->big ? v >> 32 : v));
	put32(b, (uint32_t)(b->big ? v : v >> 32));
}

static inline void
bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ 0 };
}

/* ---- classic pcap ------------------------------------------------------------ */

static inline void
pcap_head(struct bytes *b, uint32_t magic, uint32_t link_type)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, 4);
	put64(b, 0);
	put32(b, 65535);
	put32(b, link_type);
}

static inline void
pcap_record(
    struct bytes *b, uint32_t sec, uint32_t fraction, const void *p, uint32_t caplen, uint32_t len)
{
	put32(b, sec);
	put32(b, fraction);
	put32(b, caplen);
	put32(b, len);
	put(b, p, caplen);
}

/* ---- pcapng ------------------------------------------------------------------ */

/* A whole block around a body. */
static inline void
ng_block(struct bytes *b, uint32_t type, const struct bytes *body)
{
	uint32_t total = 12 + (uint32_t)((body->n + 3) & ~(size_t)3);

	put32(b, type);
	put32(b, total);
	put(b, body->p, body->n);
	put(b, "\0\0\0", total - 12 - body->n);
	put32(b, total);
}

static inline void
ng_option(struct bytes *b, uint16_t code, const void *p, uint16_t n)
{
	put16(b, code);
	put16(b, n);
	put(b, p, n);
	put(b, "\0\0\0", (4 - n % 4) % 4);
}

static inline void
ng_section(struct bytes *b, bool big)
{
	struct bytes body = { .big = big };

	b->big = big;
	put32(&body, 0x1a2b3c4d);
	put16(&body, 1);
	put16(&body, 0);
	put64(&body, UINT64_MAX);
	ng_option(&body, 1, "a comment", 9);
	ng_block(b, 0x0a0d0d0a, &body);
	bytes_free(&body);
}

struct ng_interface {
	uint16_t link_type;
	uint32_t snaplen;
	const char *name;
	int tsresol; /* -1 = option left out */
	int64_t tsoffset;
};

static inline void
ng_interface(struct bytes *b, const struct ng_interface *i)
{
	struct bytes body = { .big = b->big }, offset = { .big = b->big };
	uint8_t resolution = (uint8_t)i->tsresol;

	put16(&body, i->link_type);
	put16(&body, 0);
	put32(&body, i->snaplen);
	if (i->name != NULL)
		ng_option(&body, 2, i->name, (uint16_t)strlen(i->name));
	if (i->tsresol >= 0)
		ng_option(&body, 9, &resolution, 1);
	put64(&offset, (uint64_t)i->tsoffset);
	if (i->tsoffset != 0)
		ng_option(&body, 14, offset.p, 8);
	put32(&body, 0);
	ng_block(b, 1, &body);
	bytes_free(&body);
	bytes_free(&offset);
}

static inline void
ng_ethernet(struct bytes *b, const char *name)
{
	ng_interface(b, &(struct ng_interface){ LINK_ETHERNET, 0, name, -1, 0 });
}

static inline void
ng_packet(
    struct bytes *b, uint32_t interface, uint64_t ts, const void *p, uint32_t caplen, uint32_t len)
{
	struct bytes body = { .big = b->big };

	put32(&body, interface);
	put32(&body, (uint32_t)(ts >> 32));
	put32(&body, (uint32_t)ts);
	put32(&body, caplen);
	put32(&body, len);
	put(&body, p, caplen);
	ng_block(b, 6, &body);
	bytes_free(&body);
}

static inline void
ng_simple(struct bytes *b, const void *p, uint32_t caplen, uint32_t len)
{
	struct bytes body = { .big = b->big };

	put32(&body, len);
	put(&body, p, caplen);
	ng_block(b, 3, &body);
	bytes_free(&body);
}

/* ---- the disk ---------------------------------------------------------------- */

static char files_dir[] = "/tmp/mailwhy-test-XXXXXX";
static char files_path[sizeof(files_dir) + 64];

static inline const char *
file_path(const char *name)
{
	static bool made;

	if (!made && mkdtemp(files_dir) == NULL) {
		perror(files_dir);
		exit(1);
	}
	made = true;
	if ((size_t)snprintf(files_path, sizeof(files_path), "%s/%s", files_dir, name) >=
	    sizeof(files_path)) {
		fprintf(stderr, "%s: name too long\n", name);
		exit(1);
	}
	return files_path;
}

static inline const char *
file_write(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(file_path(name), "wb");

	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
		perror(files_path);
		exit(1);
	}
	return files_path;
}

static inline void
files_remove(void)
{
	DIR *d = opendir(files_dir);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.' || strlen(de->d_name) > 2)
			unlink(file_path(de->d_name));
	if (d != NULL)
		closedir(d);
	rmdir(files_dir);
}

/* ---- reading back ------------------------------------------------------------ */

#define GOT_MAX 64

/* What a capture gave, copied. */
struct got {
	bool opened;
	char err[512];
	char format[16];
	size_t n;
	struct capture_frame f[GOT_MAX]; /* data = a copy, or NULL when empty */
	enum capture_rc end;
	struct capture_damage damage;
	struct capture_counts counts;
	uint32_t points;
	struct capture_point point[8];
};

static inline void
got_frame(struct got *g, const struct capture_frame *f)
{
	if (g->n < GOT_MAX) {
		uint8_t *copy = malloc(f->caplen + 1u);

		memcpy(copy, f->data, f->caplen);
		g->f[g->n] = *f;
		g->f[g->n].data = copy;
	}
	g->n++;
}

static inline struct got
got_read(const char *path, const char *filter)
{
	struct got g = { 0 };
	struct capture_frame f;
	struct capture *c = capture_open_file(path, filter, g.err, sizeof(g.err));

	g.opened = c != NULL;
	if (c == NULL)
		return g;
	while ((g.end = capture_next(c, &f)) == CAPTURE_FRAME)
		got_frame(&g, &f);
	CHECK_EQ_INT(capture_next(c, &f), CAPTURE_END); /* damage is said once */
	snprintf(g.format, sizeof(g.format), "%s", capture_format(c));
	g.damage = *capture_damage(c);
	g.counts = *capture_counts(c);
	g.points = capture_point_count(c);
	for (uint32_t i = 0; i < g.points && i < 8; i++)
		g.point[i] = *capture_point_get(c, i);
	capture_close(c);
	return g;
}

/* Read in batches, it gives the same frames and ends in the same way. */
static inline void
got_check_batches(const struct got *g, const char *path, const char *filter)
{
	struct capture_frame f[7];
	char err[512];
	struct capture *c = capture_open_file(path, filter, err, sizeof(err));
	size_t n, all = 0;

	CHECK_EQ_INT(g->opened, c != NULL);
	if (c == NULL)
		return;
	while ((n = capture_batch(c, f, sizeof(f) / sizeof(f[0]))) > 0)
		for (size_t i = 0; i < n; i++, all++) {
			const struct capture_frame *a = &g->f[all];

			if (all >= g->n || all >= GOT_MAX)
				continue;
			CHECK_EQ_INT(f[i].number, a->number);
			CHECK_EQ_INT(f[i].ts_ns, a->ts_ns);
			CHECK_EQ_INT(f[i].len, a->len);
			CHECK_EQ_INT(f[i].point, a->point);
			CHECK_EQ_INT(f[i].link_type, a->link_type);
			CHECK(
			    f[i].caplen == a->caplen && memcmp(f[i].data, a->data, a->caplen) == 0);
		}
	CHECK_EQ_INT(all, g->n);
	CHECK_EQ_STR(capture_damage(c)->why, g->damage.why);
	CHECK_EQ_INT(capture_damage(c)->frame, g->damage.frame);
	CHECK_EQ_INT(capture_damage(c)->offset, g->damage.offset);
	CHECK(memcmp(capture_counts(c), &g->counts, sizeof(g->counts)) == 0);
	CHECK_EQ_INT(capture_point_count(c), g->points);
	for (uint32_t i = 0; i < g->points && i < 8; i++)
		CHECK(memcmp(capture_point_get(c, i), &g->point[i], sizeof(g->point[i])) == 0);
	capture_close(c);
}

static inline struct got
got_bytes(const struct bytes *b, const char *filter)
{
	const char *path = file_write("capture", b->p, b->n);
	struct got g = got_read(path, filter);

	got_check_batches(&g, path, filter);
	return g;
}

static inline void
got_free(struct got *g)
{
	for (size_t i = 0; i < g->n && i < GOT_MAX; i++)
		free((void *)(uintptr_t)g->f[i].data);
	g->n = 0;
}

static inline bool
got_says(const char *text, const char *part)
{
	bool said = strstr(text, part) != NULL;

	if (!said)
		printf("\"%s\" does not say \"%s\"\n", text, part);
	return said;
}

#endif /* FILES_H */
