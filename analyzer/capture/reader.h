/*
 * reader.h - what the readers of this room share: one const table each
 * (plain.c, classic.c, pcapng.c, live.c) behind the capture of capture.h.
 */
#ifndef READER_H
#define READER_H

#include "capture/capture.h"
#include "input.h"

struct filter;

struct reader {
	const char *format;
	enum capture_rc (*next)(struct capture *c, struct capture_frame *out); /* unfiltered */
	void (*close)(struct capture *c);
	void (*refresh)(struct capture *c); /* drop counters; NULL = nothing to do */
	/*
	 * Whole, faultless frames that are in the buffer, at most max; may be 0, then next() knows;
	 * NULL = no.
	 */
	size_t (*batch)(struct capture *c, struct capture_frame *out, size_t max);
};

struct capture {
	const struct reader *reader;
	void *state;           /* the reader's */
	struct input *in;      /* NULL when live */
	struct filter *filter; /* NULL = none, or the kernel's */
	char *name;
	struct capture_point **point; /* stable addresses */
	uint32_t point_count, point_cap;
	bool many_points;             /* more of them, of any link type, may follow */
	struct capture_counts counts; /* counts.frames is the last frame's number */
	struct capture_damage damage;
	enum capture_rc ended; /* CAPTURE_FRAME = not yet */
	int poll_fd;
};

/* A new capture point; NULL: no memory or CAPTURE_POINTS_MAX reached. */
struct capture_point *capture_point_add(struct capture *c, uint32_t link_type, uint32_t snaplen);

/* Notes the damage at `offset'; always CAPTURE_DAMAGED. */
enum capture_rc capture_damaged(struct capture *c, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * The same where bytes are missing at the input's offset; `unit' ends in the number of the next
 * frame.
 */
enum capture_rc capture_cut(struct capture *c, const char *unit);

/*
 * Opening.  Called with the header at hand, not consumed; sets reader, state
 * and the first points.  -1 with the reason (no file name) in err; the caller
 * closes the capture either way.
 */
bool pcapng_is(const uint8_t *p, size_t len);
int pcapng_open(struct capture *c, char *err, size_t errlen);
bool classic_is(const uint8_t *p, size_t len);
int classic_open(struct capture *c, char *err, size_t errlen);
bool plain_is(const uint8_t *p, size_t len);
int plain_open(struct capture *c, char *err, size_t errlen);

struct capture *capture_new(const char *name);

#endif /* READER_H */
