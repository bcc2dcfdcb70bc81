/* filter.h - a BPF expression over frames of any link type, by libpcap. */
#ifndef FILTER_H
#define FILTER_H

#include "capture/capture.h"

struct filter;

enum filter_verdict { FILTER_MATCH, FILTER_MISS, FILTER_UNUSABLE };

/*
 * `link_type' is that of the first point, or of the file.  With `only' the
 * expression must have a meaning on it; else it is enough when it has one on
 * Ethernet, for other points may follow.  NULL with the reason in err.
 */
struct filter *filter_new(
    const char *expression, uint32_t link_type, bool only, char *err, size_t errlen);
void filter_free(struct filter *f);
/* FILTER_UNUSABLE: the expression has no meaning on the frame's link type. */
enum filter_verdict filter_match(struct filter *f, const struct capture_frame *frame);

#endif /* FILTER_H */
