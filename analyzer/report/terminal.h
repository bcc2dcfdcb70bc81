/*
 * terminal.h - the report for people: findings first, then every mail's fate,
 * then the quality of the captures.  The first screen is the answer.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

#include "correlator/correlator.h"
#include "report/page.h"

/* Told one by one; the rest is counted. */
#define TERMINAL_FAULTS   25
#define TERMINAL_KINDS    12 /* of faults, named in the first lines */
#define TERMINAL_ALIKE    10 /* others that one of them is true of, too */
#define TERMINAL_INFOS    10
#define TERMINAL_MAILS    50
#define TERMINAL_CAPTURES 20

struct terminal_report {
	const struct correlator *correlator;
	uint32_t points;  /* capture points 0 .. points - 1 */
	bool all;         /* no caps */
	size_t directory; /* bytes that the names of all captures begin with; terminal_print() finds
			     out */
};

/* 0, or -1: no memory for a part of it. */
int terminal_print(const struct page *p, const struct terminal_report *r);
/* Live: one line for a finding that is new or has changed. */
void terminal_finding_line(const struct page *p, const struct finding *f);

/* Where the one capture was taken: told with the capture. */
bool terminal_is_place(const struct finding *f);

/* The parts, each in its own file. */
int terminal_findings(const struct page *p, const struct terminal_report *r);
void terminal_mails(const struct page *p, const struct terminal_report *r, const struct summary *s);
void terminal_captures(
    const struct page *p, const struct terminal_report *r, const struct summary *s);

/* The order of findings in the report; as strcmp. */
int terminal_finding_compare(const struct finding *a, const struct finding *b);
/* A heading with an empty line above. */
void terminal_heading(const struct page *p, const char *title);
/* In the zone of the page: "2026-11-21 10:00:00.123", "10:00:00.123". */
#define TERMINAL_TIME 32
char *terminal_time(const struct page *p, int64_t ns, char buf[TERMINAL_TIME]);
char *terminal_clock(const struct page *p, int64_t ns, char buf[TERMINAL_TIME]);
bool terminal_same_day(const struct page *p, int64_t a_ns, int64_t b_ns);
/*
 * "2026-11-21 10:00:00.123 to 10:00:05.017 +01:00", of one moment that alone; summer time that
 * begins or ends between them shows at both.
 */
#define TERMINAL_SPAN 96
char *terminal_span(
    const struct page *p, int64_t first_ns, int64_t last_ns, char buf[TERMINAL_SPAN]);
/* From the first packet of all captures to the last; false: none is known. */
bool terminal_period(const struct terminal_report *r, int64_t *first, int64_t *last);
#define TERMINAL_NAME 640 /* of a capture: file, interface, log */
/* "192.0.2.1:25 -> 198.51.100.7" */
#define TERMINAL_PATH 128
char *terminal_path(
    const struct endpoint *from, const struct endpoint *to, char buf[TERMINAL_PATH]);
/*
 * " of client.pcap (eth0)", without the directory of all of them, of a capture in pieces that which
 * has the frame; "" where there is but one file.  Its length.
 */
size_t terminal_source(const struct terminal_report *r, uint32_t point, uint64_t frame,
    const char *before, char *text, size_t size);
/* Its number in that file. */
uint64_t terminal_frame(const struct terminal_report *r, uint32_t point, uint64_t frame);
enum page_colour terminal_colour(enum severity s);

#endif /* TERMINAL_H */
