/*
 * capture.h - where frames come from: files, lists, directories, standard
 * input, interfaces.  Frames of one source arrive in file order with their
 * true frame numbers (1.. per file, over all interfaces of the file).
 *
 * A capture point is one interface of one file (design).  A source numbers
 * its points itself, from 0, as it meets them.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_frame {
	const uint8_t *data;  /* valid until the next call */
	uint32_t caplen, len; /* captured, on the wire; caplen <= len always */
	int64_t ts_ns;
	uint64_t number;    /* within the file, from 1 */
	uint32_t point;     /* within the source, from 0 */
	uint32_t link_type; /* LINKTYPE_* of the point */
};

struct capture_point {
	char interface[64];          /* UTF-8, may hold controls; "" when the format does not say */
	uint32_t link_type, snaplen; /* snaplen 0 = unlimited */
	bool drops_known;
	uint64_t drops_kernel, drops_interface;
};

enum capture_rc {
	CAPTURE_FRAME = 1,    /* *out holds a frame */
	CAPTURE_END = 0,      /* no more */
	CAPTURE_AGAIN = -1,   /* live: nothing now */
	CAPTURE_DAMAGED = -2, /* capture_damage() says what and where; nothing follows */
};

struct capture_damage {
	char why[256];   /* "" = none */
	uint64_t frame;  /* last whole frame */
	uint64_t offset; /* in the (decompressed) bytes */
};

/*
 * What the frames went through on their way.  A frame whose format has no time
 * (pcapng Simple Packet Block) gets that of the frame before it, the first that of the next one at
 * hand; `repaired' are frames with a length or time that cannot be, put right.
 */
struct capture_counts {
	uint64_t frames;       /* whole frames read, before the filter */
	uint64_t filtered;     /* of them left out by the filter ... */
	uint64_t unfilterable; /* ... because it has no meaning on their link type */
	uint64_t repaired, timeless;
	int64_t first_ns, last_ns; /* times of the first and the last of them, filtered or not */
};

#define CAPTURE_POINTS_MAX 4096        /* in one file; more is damage */
#define CAPTURE_FRAME_MAX  (16u << 20) /* larger frames and blocks are damage */

struct capture;

/*
 * Opens a file ("-" = standard input).  NULL on failure with the reason, and
 * the file's name, in err.  The file is read lazily: opening reads its header.
 * `filter' is a BPF expression or NULL; it is applied on every point.
 */
struct capture *capture_open_file(const char *path, const char *filter, char *err, size_t errlen);

/* The same from bytes at hand (input.h, unpacked), which are taken, also on failure. */
struct input;
struct capture *capture_open_input(
    struct input *in, const char *path, const char *filter, char *err, size_t errlen);

/*
 * Opens an interface for live reading: TPACKET_V3, 100 ms, nonblocking.  Call
 * capture_next() until it answers CAPTURE_AGAIN before polling again.  Frames
 * are numbered as they arrive.  snaplen and buffer_bytes 0 = the default.
 */
struct capture *capture_open_live(const char *interface, uint32_t snaplen, uint32_t buffer_bytes,
    const char *filter, char *err, size_t errlen);

enum capture_rc capture_next(struct capture *c, struct capture_frame *out);
/*
 * As many frames (at most max) as are at hand together, valid until the next call; at least one, 0
 * = the end.
 */
size_t capture_batch(struct capture *c, struct capture_frame *out, size_t max);
int capture_poll_fd(const struct capture *c); /* live only, else -1 */
const char *capture_name(const struct capture *c);
uint32_t capture_point_count(const struct capture *c);
const struct capture_point *capture_point_get(
    struct capture *c, uint32_t point); /* live: refreshes drops */
const struct capture_damage *capture_damage(const struct capture *c);
const struct capture_counts *capture_counts(const struct capture *c);
const char *capture_format(const struct capture *c); /* "pcap", "pcapng", "live" */
/* Bytes read of the file and its size, for a progress bar; total 0 = unknown. */
void capture_progress(const struct capture *c, uint64_t *done, uint64_t *total);
void capture_close(struct capture *c);

/*
 * Expands one command line argument: a file, "-", or a directory (its regular
 * files, sorted by name, not recursive; hidden ones left out).  Calls add()
 * for each path in order; -1 with err when it cannot be read at all, else the
 * number of directories within it, which are not read.
 */
int capture_expand(
    const char *arg, int (*add)(void *ctx, const char *path), void *ctx, char *err, size_t errlen);

#endif /* CAPTURE_H */
